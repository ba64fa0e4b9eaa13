# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For scripts on the node: a cluster out of namespaces, servers in it, and assertions that are counted. The node itself
# is k8s02, in the root namespace.
#
#        client 172.16.1.100 ──┐
#   apiserver 172.16.1.5 ──────┤ switch ├── node 172.16.1.10, net0 ── cni0 ── local pods
#     other nodes 172.16.1.X ──┘                (each with its own bridge and pods)
#
# Everything has IPv6 too: fd00:172:16:1::X outside, pods as they are given.

# ---- assertions

passed=0 failed=0

ok() {
        passed=$((passed + 1))
        printf 'ok      %s\n' "$1"
}

# not_ok NAME [LINE...]
not_ok() {
        failed=$((failed + 1))
        printf 'FAILED  %s\n' "$1"
        shift
        (($# == 0)) || printf '        %s\n' "$@"
}

# equal NAME EXPECTED ACTUAL
equal() {
        if [[ $2 == "$3" ]]; then ok "$1"; else not_ok "$1" "expected: $2" "got:      $3"; fi
}

# matches NAME REGEX ACTUAL
matches() {
        if [[ $3 =~ $2 ]]; then ok "$1"; else not_ok "$1" "expected: $2" "got:      $3"; fi
}

# succeeds NAME COMMAND...
succeeds() {
        local name=$1 output
        shift
        if output=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "$* gave $?" "$output"; fi
}

# On a machine that does other things too everything takes longer, and waiting costs nothing where it is not needed.
patience=${IPVSPROXY_TEST_PATIENCE:-5}

# wait_until SECONDS COMMAND...: its status, tried ten times a second, for so long on a machine that has time
wait_until() {
        local end=$((SECONDS + $1 * patience))
        shift
        until "$@" >/dev/null 2>&1; do
                ((SECONDS < end)) || return 1
                sleep 0.1
        done
}

# Ends the script: the last line is what ./bootstrap check adds up.
finish() {
        printf '%d passed, %d failed\n' "$passed" "$failed"
        ((failed == 0 && passed > 0))
        exit
}

die() {
        printf '%s: %s\n' "${0##*/}" "$*" >&2
        exit 1
}

# ---- namespaces

# in_ns NAMESPACE COMMAND...; "-" is the node itself
in_ns() {
        local namespace=$1
        shift
        if [[ $namespace == - ]]; then "$@"; else nsenter --net="/run/netns/$namespace" -- "$@"; fi
}

# Every process that is started costs a slow machine much, so what `ip` is to do comes in batches.

# cluster_up: the switch, the node on it as 172.16.1.10, an outside client as 172.16.1.100
cluster_up() {
        # New namespaces have the node's settings: all of them forward; addresses are usable at once, for nobody else has
        # them; what goes from pod to pod through a node stays so; and every refusal is told, not one a second.
        sysctl -qw net.core.devconf_inherit_init_net=1 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
                net.ipv6.conf.default.forwarding=1 net.ipv6.conf.{all,default}.{accept_dad,accept_redirects}=0 \
                net.ipv4.conf.{all,default}.{rp_filter,send_redirects,accept_redirects}=0 \
                net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
        ip -batch - <<'END'
netns add switch
netns add client
END
        ip -n switch -batch - <<'END'
link add br0 type bridge
link set br0 up
link set lo up
END
        outside_attach - 10
        outside_attach client 100
        ip -batch - <<'END'
route replace default via 172.16.1.1 dev net0 onlink
route replace default via fd00:172:16:1::1 dev net0 onlink
END
}

# outside_attach NAMESPACE NUMBER ["ip" LINE...]: plugs it into the switch as 172.16.1.NUMBER
outside_attach() {
        local number=$2 in_it=(-n "$1")
        [[ $1 != - ]] || in_it=()
        shift 2
        ip "${in_it[@]}" link add net0 type veth peer name "p$number" netns switch
        ip -n switch link set "p$number" master br0 up
        printf '%s\n' 'link set lo up' 'link set net0 up' "address add 172.16.1.$number/24 dev net0" \
                "address add fd00:172:16:1::$number/64 dev net0 nodad" "$@" | ip "${in_it[@]}" -batch -
}

# cluster_service_range CIDR...: the outside client reaches it through the node, as through a router that knows
cluster_service_range() {
        local range
        for range; do
                if [[ $range == *:* ]]; then
                        printf 'route add %s via fd00:172:16:1::10\n' "$range"
                else
                        printf 'route add %s via 172.16.1.10\n' "$range"
                fi
        done | ip -n client -batch -
}

# bridge_lines IPV4/24 [IPV6/64]: what makes cni0 with that address
bridge_lines() {
        printf '%s\n' 'link add cni0 type bridge' 'link set cni0 up' "address add $1 dev cni0"
        [[ -z ${2:-} ]] || printf 'address add %s dev cni0 nodad\n' "$2"
}

# cluster_pods IPV4/24 [IPV6/64]: the bridge of this node's pods
cluster_pods() {
        bridge_lines "$@" | ip -batch -
}

# cluster_node NAME NUMBER IPV4/24 [IPV6/64]: another node at 172.16.1.NUMBER with its bridge, and the route to its pods
cluster_node() {
        local name=$1 number=$2
        local -a lines
        shift 2
        mapfile -t lines < <(bridge_lines "$@")
        ip netns add "$name"
        outside_attach "$name" "$number" "${lines[@]}" 'route replace default via 172.16.1.10' \
                'route replace default via fd00:172:16:1::10'
        {
                printf 'route add %s via 172.16.1.%s\n' "${1%.*}.0/24" "$number"
                [[ -z ${2:-} ]] || printf 'route add %s via fd00:172:16:1::%s\n' "${2%::*}::/64" "$number"
        } | ip -batch -
}

# cluster_pod NODE NAME IPV4 [IPV6]: a namespace on the node's bridge ("-": this node). It sends everything to the node,
# pods of the same node included: an answer that went by the bridge alone would not be translated back. Nodes with other
# set-ups have net.bridge.bridge-nf-call-iptables for it.
cluster_pod() {
        local name=$2 v4=$3 v6=${4:-} port on_node=(-n "$1") v6_lines=()
        [[ $1 != - ]] || on_node=()
        pod_number=$((pod_number + 1))
        port=veth$pod_number
        ip netns add "$name"
        ip "${on_node[@]}" -batch - <<END
link add $port type veth peer name eth0 netns $name
link set $port master cni0 up
END
        [[ -z $v6 ]] || v6_lines=(
                "address add $v6/128 dev eth0 nodad" "route add default via ${v6%::*}::1 dev eth0 onlink"
        )
        printf '%s\n' 'link set lo up' 'link set eth0 up' "address add $v4/32 dev eth0" \
                "route add default via ${v4%.*}.1 dev eth0 onlink" "${v6_lines[@]}" | ip -n "$name" -batch -
}
pod_number=0

# ---- servers

# serve NAMESPACE [OPTION...]: a podserver in it that says it is NAMESPACE; all are there after served
declare -A server_pid=()
serve() {
        local namespace=$1 log=/run/podserver-$1
        shift
        : >"$log"
        # Not in_ns: the pid is to be the server's own.
        nsenter --net="/run/netns/$namespace" -- podserver --name "$namespace" "$@" >"$log" 2>&1 &
        server_pid[$namespace]=$!
}

served() {
        local namespace log end=$((SECONDS + 30))
        for namespace in "${!server_pid[@]}"; do
                log=/run/podserver-$namespace
                until [[ $(<"$log") == ready* ]]; do
                        ((SECONDS < end)) || die "no podserver in $namespace: $(<"$log")"
                        sleep 0.1
                done
        done
}

# Its process is gone; addresses and namespace stay.
serve_no_more() {
        kill "${server_pid[$1]}"
        wait "${server_pid[$1]}" 2>/dev/null
        unset "server_pid[$1]"
}

api_state=/run/test-apiserver
export APISERVER_CONTROL=$api_state/control

# The folder for objects is there before the server is.
api_prepare() {
        mkdir -p "$api_state/objects"
}

# api_start [OPTION...]: test-apiserver as k8s01 would run it, at 172.16.1.5:6443
api_start() {
        if [[ ! -e /run/netns/apiserver ]]; then
                ip netns add apiserver
                outside_attach apiserver 5 'route add default via 172.16.1.10'
        fi
        api_prepare
        api_options=("$@")
        api_again
}

# The same once more, with new certificates, after it was ended.
api_again() {
        rm -f "$api_state/log"
        nsenter --net=/run/netns/apiserver -- test-apiserver --state "$api_state" --dir "$api_state/objects" --listen 172.16.1.5 --port 6443 \
                "${api_options[@]}" >"$api_state/log" 2>&1 &
        # shellcheck disable=SC2034 # for the scripts
        api_pid=$!
        wait_until 20 grep -q ^ready "$api_state/log" || die "no API server: $(<"$api_state/log")"
}

# put_slice NAMESPACE SERVICE PORT-NAME PORT PROTOCOL [ADDRESS@NODE...]: the one slice of a service, SERVICE-test
put_slice() {
        local namespace=$1 service=$2 name=$3 port=$4 protocol=$5 endpoint list=
        shift 5
        for endpoint; do
                list+="${list:+, }{addresses: [\"${endpoint%@*}\"], conditions: {ready: true}, nodeName: ${endpoint#*@}}"
        done
        apictl put - <<END
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: $service-test, namespace: $namespace, labels: {kubernetes.io/service-name: $service}}
addressType: IPv4
ports: [{name: "$name", port: $port, protocol: $protocol}]
endpoints: [$list]
END
}

# ---- the daemon, as an operator sets it up

# The founding document's command line.
# shellcheck disable=SC2034 # for the scripts
founding_flags=(
        --bind-address=172.16.1.10 --masquerade-all=true --feature-gates=SupportIPVSProxyMode=true --proxy-mode=ipvs
        --cluster-cidr=10.253.0.0/16 --kubeconfig=/etc/kubernetes/kube-proxy.kubeconfig --logtostderr=true
        --log-dir=/var/log/kubernetes --v=2
)

unit_kubeconfig() {
        install -d -m 0755 /etc/kubernetes
        install -m 0640 -g ipvsproxy "$api_state/${1:-kubeconfig}" /etc/kubernetes/kube-proxy.kubeconfig
}

# unit_configure FLAG...
unit_configure() {
        printf 'IPVSPROXYD_OPTS="%s"\n' "$*" >/etc/default/ipvsproxyd
}

unit_start() {
        systemctl start ipvsproxyd.service || {
                systemctl status --no-pager --full ipvsproxyd.service
                journalctl --no-pager -u ipvsproxyd.service | tail -n 40
                return 1
        }
}

# unit_synced: everything that is known is in the kernel
unit_synced() {
        wait_until "${1:-20}" ipvsproxyctl wait --timeout=5
}

# The pid of the daemon, 0 if it does not run.
unit_pid() {
        systemctl show --value -p MainPID ipvsproxyd.service
}

# Services that the kernel has, as "ADDRESS:PORT/PROTO".
virtual_servers() {
        ipvsadm -L -n | awk '$1 == "TCP" || $1 == "UDP" || $1 == "SCTP" { print $2 "/" $1 }'
}

# real_servers ADDRESS:PORT/PROTO: those with a weight, in order, in one line
real_servers() {
        ipvsadm -L -n | awk -v want="$1" '
                $1 == "TCP" || $1 == "UDP" || $1 == "SCTP" { here = ($2 "/" $1 == want) }
                $1 == "->" && here && $4 > 0 { print $2 }' | sort | paste -sd' '
}

# The flags, state and addresses of kube-ipvs0.
device_state() {
        ip -o link show dev kube-ipvs0 | sed 's/.*<\(.*\)>.*state \([A-Z]*\).*/\1 \2/'
        ip -o address show dev kube-ipvs0 | awk '{ print $4 }' | sort
}
