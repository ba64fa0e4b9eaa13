#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every command of the documentation: each line of a code block of README and docs/, each example of the man pages, each
# command in the text. What can run on a node runs here, word for word; of the rest it is said where it is tried, or that
# it is another program's. A command that is not here, or no longer in the documentation, is a failure.
# shellcheck disable=SC2016,SC2119 # commands as they stand in the pages; helpers without arguments
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"
here=${BASH_SOURCE%/*}

# ---- the commands

# doc_commands FILE...: one a line; a comment behind two blanks is not part of it, and a line that ends in "\" goes on
doc_commands() {
        awk '
        function unroff(s) { gsub(/\\-/, "-", s); gsub(/\\e/, "\\", s); gsub(/\\&/, "", s); gsub(/\\f[BIRP]/, "", s); gsub(/\\\(aq/, "\047", s); return s }
        function emit(s) {
                sub(/^[ \t]+/, "", s); sub(/^[$#] /, "", s); sub(/  +[^ ].*$/, "", s); sub(/[ \t]+$/, "", s)
                if (s == "") return
                if (s ~ /\\$/) { sub(/[ \t]*\\$/, "", s); held = held s " "; return }
                print held s; held = ""
        }
        FNR == 1 { block = examples = 0; man = FILENAME ~ /\.[1-9](\.gz)?$/; held = "" }
        man && /^\.SH/ { examples = /EXAMPLE/ }
        man && /^\.nf/ { block = examples; next }
        man && /^\.fi/ { block = 0; next }
        !man && /^ *```/ { block = !block; next }
        block { emit(man ? unroff($0) : $0); next }
        !man {
                line = $0
                while (match(line, /`(ipvsproxy(ctl|d)|systemctl|busctl|nft|ipvsadm|kubectl|journalctl|systemd-[a-z]+|apt|modprobe|kube-proxy|make) [^`]*`/)) {
                        emit(substr(line, RSTART + 1, RLENGTH - 2))
                        line = substr(line, RSTART + RLENGTH)
                }
        }' "$@"
}

declare -A documented=()
pages=(/usr/share/doc/ipvsproxy/{README,operating,compatibility,security,performance}.md
        /usr/share/man/man8/ipvsproxy{ctl,d}.8 /usr/share/man/man5/{ipvsproxy-config,ipvsproxy-metrics,org.k8s.IpvsProxy}.5)
for page in "${pages[@]}"; do
        [[ -r $page ]] || not_ok "$page is installed"
        while IFS= read -r command; do
                documented[$command]=$page
        done < <(doc_commands "$page" 2>/dev/null)
done

# known COMMAND: it is in the documentation; and ticks it off
known() {
        if [[ -z ${documented[$1]-} ]]; then
                not_ok "$1" 'no page has this command any more; take it out of this test'
                return 1
        fi
        documented[$1]='' # not unset, which does not take every key
}

# runs STATUS COMMAND [REGEX]: as it stands there; STATUS may be several, and what it prints must match
runs() {
        local output status
        known "$2" || return
        output=$(cd /run/docs && timeout 60 bash -c "$2" </dev/null 2>&1)
        status=$?
        if [[ " $1 " != *" $status "* ]]; then
                not_ok "$2" "expected to exit with: $1" "got: $status" "${output:0:500}"
        elif [[ -n ${3-} && ! $output =~ $3 ]]; then
                not_ok "$2" "expected: $3" "got: ${output:0:500}"
        else
                ok "$2"
        fi
}

# goes_on COMMAND REGEX [DO...]: has no end of its own; DO happens meanwhile, and it must print this within 10 s
goes_on() {
        local command=$1 regex=$2 pid
        shift 2
        known "$command" || return
        : >/run/docs/output
        TERM=vt100 script -qefc "$command" /run/docs/output </dev/null >/dev/null 2>&1 &
        pid=$!
        for ((i = 0; i < 20; i++)); do
                (($# == 0)) || "$@" >/dev/null
                sleep 0.5
                ! grep -aqE "$regex" /run/docs/output || break
        done
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
        matches "$command" "$regex" "$(tr -d '\0' </run/docs/output)"
}

# with_flags LINE: what stands in /etc/default/ipvsproxyd
with_flags() {
        known "$1" || return
        (
                eval "$1"
                # shellcheck disable=SC2086 # words, as the unit splits them
                ipvsproxyd ${IPVSPROXYD_OPTS-} --check
        ) >/run/docs/output 2>&1
        equal "$1" 0 $?
}

# elsewhere COMMAND FILE REGEX: another test runs it
elsewhere() {
        known "$1" || return
        succeeds "$1: $2" grep -qE -- "$3" "$here/$2"
}

# not_here COMMAND WHY: it cannot run on this node
not_here() {
        ! known "$1" || printf '        %s: %s\n' "$1" "$2"
}

# ---- a node: an API server and a few services

mkdir -p /run/docs /run/docs/bin
cluster_up
api_prepare
service() {
        cat <<END
apiVersion: v1
kind: Service
metadata: {name: $2, namespace: $1}
spec: {clusterIP: $3, ports: [$4]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: $2-1, namespace: $1, labels: {kubernetes.io/service-name: $2}}
addressType: IPv4
ports: [$5]
endpoints: [{addresses: [$6], conditions: {ready: true}, nodeName: k8s02}]
---
END
}
dns='{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}'
{
        service kube-system kube-dns 10.254.0.2 "$dns" "$dns" 10.1.4.10
        service kube-system other-dns 10.96.0.10 "$dns" "$dns" 10.1.4.11
        service shop cart 10.254.4.7 '{name: http, port: 80, targetPort: 8080}' '{name: http, port: 8080}' 10.1.4.12
        printf 'apiVersion: v1\nkind: Node\nmetadata: {name: k8s02}\n'
} >"$api_state/objects/cluster.yaml"
api_start
unit_kubeconfig
cp /etc/kubernetes/kube-proxy.kubeconfig /run/docs/
# kubectl is not on the node: what it is told is kept
cat >/usr/local/bin/kubectl <<'END'
#!/bin/sh
echo "$*" >>/run/docs/kubectl
END
chmod +x /usr/local/bin/kubectl
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/kube-proxy.service
systemctl daemon-reload

# ---- install, check, start

not_here 'sudo ./bootstrap demo' 'tests/vm/test-demo.sh is the same demonstration'
not_here 'sudo ./bootstrap check' 'this is a part of it'
not_here 'make -C build install' 'that is how the project came to this node'
not_here 'make check' 'this is beside it'
not_here 'make bench' 'it takes half an hour'
not_here 'tests/bench/publish' 'make check compares the page with the results'
not_here 'tests/bench/manager-bench 10000 10' 'make bench does it'
not_here 'make deb' 'packaging/check makes the package and looks into it'
not_here 'apt install ./ipvsproxy_0.1.0-1_amd64.deb' 'packaging/check makes the package and looks into it'
not_here 'apt purge ipvsproxy' 'packaging/check looks at what the package does'
not_here 'kubectl apply -k packaging/kubernetes' 'packaging/check reads the manifests'
not_here 'kubectl get events -A --field-selector reportingComponent=kube-proxy' 'there is no kubectl'
not_here 'kubectl auth can-i get nodes --as=system:kube-proxy' 'there is no kubectl'
not_here 'kube-proxy --cleanup' "that is kube-proxy's"
not_here "ipvsproxyctl list -j | jq -r '.[] | select(.endpointsReady == 0).id'" 'there is no jq; JSON is checked by its schema'
not_here 'ipvsadm -D' 'of what is in the way, whatever it is'
not_here 'ipvsproxyctl stats SERVICE' 'a service has to be given'

runs 0 'systemd-sysusers && systemctl daemon-reload && systemctl reload dbus'
runs 0 'install -m 0640 -g ipvsproxy /etc/kubernetes/kube-proxy.kubeconfig /etc/ipvsproxy/kubeconfig'
runs 0 'install -m 0640 -g ipvsproxy kube-proxy.kubeconfig /etc/ipvsproxy/kubeconfig'
runs 0 'modprobe ip_vs'
runs 0 'ipvsproxyd --config=/etc/ipvsproxy/config.yaml --check'
with_flags 'IPVSPROXYD_OPTS="--bind-address=172.16.1.10 --masquerade-all=true --proxy-mode=ipvs --cluster-cidr=10.253.0.0/16 --kubeconfig=/etc/ipvsproxy/kubeconfig --v=2"'
with_flags 'IPVSPROXYD_OPTS="--proxy-mode=ipvs --kubeconfig=/etc/kubernetes/kube-proxy.kubeconfig --cluster-cidr=10.1.0.0/16 --v=2"'
elsewhere 'ipvsproxyd --bind-address=172.16.1.10 --masquerade-all=true --feature-gates=SupportIPVSProxyMode=true --proxy-mode=ipvs --cluster-cidr=10.253.0.0/16 --kubeconfig=/etc/kubernetes/kube-proxy.kubeconfig --logtostderr=true --log-dir=/var/log/kubernetes --v=2' \
        lib.sh '--bind-address=172.16.1.10 --masquerade-all=true --feature-gates=SupportIPVSProxyMode=true --proxy-mode=ipvs'
cp /etc/ipvsproxy/config.yaml /run/docs/config.yaml
runs 0 'ipvsproxyd --proxy-mode=ipvs --cluster-cidr=10.253.0.0/16 --write-config-to=/etc/ipvsproxy/config.yaml'
succeeds 'what was written is read back' ipvsproxyd --config=/etc/ipvsproxy/config.yaml --write-config-to=/run/docs/again
cp /run/docs/config.yaml /etc/ipvsproxy/config.yaml
elsewhere 'ipvsproxyd --check' test-docs.sh 'config.yaml --check'
runs 0 'ipvsproxyd --init-only'
runs 0 'ipvsproxyd --config=/etc/ipvsproxy/config.yaml --dry-run' 'kube-dns|10\.254\.0\.2'
equal 'a dry run changes nothing' '' "$(virtual_servers)"
runs '0 6' 'ipvsproxyctl doctor' 'ipvsproxyd'

systemctl start kube-proxy
runs 0 'systemctl disable --now kube-proxy'
runs 0 'systemctl disable kube-proxy'
runs 0 'systemctl enable --now ipvsproxyd'
runs 0 'systemctl start ipvsproxyd'
runs 0 'systemctl restart ipvsproxyd'
runs 0 'ipvsproxyctl wait --for=running'
runs 0 'ipvsproxyctl wait --timeout=60 && kubectl uncordon "$(hostname)"'
equal 'kubectl was told so' 'uncordon k8s02' "$(tail -n 1 /run/docs/kubectl)"

# ---- look

runs 0 'ipvsproxyctl status' 'running'
runs 0 'ipvsproxyctl list' 'shop/cart:http +TCP +80 +synced'
runs 0 'ipvsproxyctl list --ipvs' '10\.254\.4\.7:80'
runs 0 'ipvsproxyctl list --ipvs kube-dns' '10\.1\.4\.10:53'
runs 0 'ipvsadm -Ln' '10\.254\.4\.7:80'
runs 0 'ipvsproxyctl list --state=degraded' '0 services'
runs 0 'ipvsproxyctl list -n shop --state=degraded' '0 services'
runs 0 'ipvsproxyctl explain kube-system/kube-dns' '10\.1\.4\.10'
runs 0 'ipvsproxyctl explain 10.254.0.2:53/udp' 'kube-dns'
runs 0 'ipvsproxyctl find 10.96.0.10:53/udp' 'other-dns:dns'
runs 0 'ipvsproxyctl stats' 'shop/cart:http'
runs 0 'ipvsproxyctl stats shop/cart:http --rate' 'shop/cart:http'
runs 0 'ipvsproxyctl drift' '0 changes'
runs 0 'busctl tree org.k8s.IpvsProxy' '/org/k8s/IpvsProxy/service/shop_2fcart_3ahttp'
runs 0 'busctl introspect org.k8s.IpvsProxy /org/k8s/IpvsProxy' '\.ListServices'
runs 0 'busctl get-property org.k8s.IpvsProxy /org/k8s/IpvsProxy org.k8s.IpvsProxy State' '"running"'
runs 0 "busctl call org.k8s.IpvsProxy /org/k8s/IpvsProxy org.k8s.IpvsProxy ListServices 'sua{sv}' '' 10 1 namespace s kube-system" 'kube-dns'
goes_on 'ipvsproxyctl top' 'of [0-9]+ services'
goes_on 'ipvsproxyctl monitor' 'sync' ipvsproxyctl resync --full
goes_on 'gdbus monitor --system -d org.k8s.IpvsProxy' 'SyncFinished|PropertiesChanged' ipvsproxyctl resync --full
runs 0 'journalctl -u ipvsproxyd' 'Listening on'
runs 0 'systemd-analyze security ipvsproxyd.service' 'Overall exposure'
runs 0 'systemd-inhibit --list' 'ipvsproxyd'

# ---- steer

runs 0 'ipvsproxyctl resync' 'Resynced'
runs 0 'ipvsproxyctl resync --full' 'Resynced'
runs 0 'gdbus call --system -d org.k8s.IpvsProxy -o /org/k8s/IpvsProxy -m org.k8s.IpvsProxy.Resync 1'
runs 0 'ipvsproxyctl drain --wait'
runs 0 'ipvsproxyctl undrain'
runs 0 'ipvsproxyctl drain --deadline=10m --wait'
ipvsproxyctl undrain >/dev/null
runs 0 'ipvsproxyctl endpoint drain shop/cart:http 10.1.4.12:8080 --expires=30m'
runs 0 'systemctl reload ipvsproxyd'
runs 0 'systemctl service-log-level ipvsproxyd debug'
elsewhere 'systemctl reboot' test-daemon.sh 'login1.Manager Reboot'

# ---- out again

runs 0 'ipvsproxyctl takeover'
runs 0 'systemctl disable --now ipvsproxyd'
runs 0 'nft delete table inet ipvsproxy'
runs 0 'systemctl stop ipvsproxyd; ipvsproxyd --cleanup'
equal 'nothing is left of it' '' "$(virtual_servers; ip -o link show dev kube-ipvs0 2>/dev/null)"

for command in "${!documented[@]}"; do
        [[ -z ${documented[$command]} ]] || not_ok "$command" "${documented[$command]} has this command, and no test runs it"
done
finish
