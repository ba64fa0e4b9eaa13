#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel parameters: ipv6.disable=1
#
# A kernel without IPv6: what services of two families have of IPv4 is served, and nothing fails for want of the rest.
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"

# Without lib.sh's network, which has both families.
ip -batch - <<'END'
netns add pod
link add veth0 type veth peer name eth0 netns pod
link set veth0 up
address add 10.253.1.1/24 dev veth0
END
ip -n pod -batch - <<'END'
link set lo up
link set eth0 up
address add 10.253.1.5/24 dev eth0
route add default via 10.253.1.1
END
# Nor podserver, which listens for both at once: this says "pod" to everybody.
nsenter --net=/run/netns/pod -- systemd-socket-activate --accept --inetd -l 10.253.1.5:8080 /bin/echo pod 2>/dev/null &
# asked NAMESPACE ADDRESS PORT
asked() {
        # shellcheck disable=SC2016 # for the inner shell
        in_ns "$1" timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && head -c 3 <&3' "$2" "$3" 2>/dev/null
}
answers() {
        [[ $(asked "$@") == pod ]]
}
wait_until 10 answers - 10.253.1.5 8080 || die 'no server in the pod'

folder=/etc/ipvsproxy/manifests
mkdir -p "$folder"
# services NODE-PORT: of both families, of IPv6 alone
services() {
        cat >"$folder/.web" <<END
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec:
  type: NodePort
  clusterIP: 10.254.1.1
  clusterIPs: [10.254.1.1, "fd00:254::1"]
  ipFamilies: [IPv4, IPv6]
  externalIPs: [192.0.2.1, "2001:db8::1"]
  ports:
  - {name: http, port: 80, targetPort: 8080, nodePort: $1}
  - {name: dns, port: 53, targetPort: 5353, protocol: UDP}
---
apiVersion: v1
kind: Service
metadata: {name: six, namespace: default}
spec:
  clusterIP: "fd00:254::2"
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-4, namespace: default, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}, {name: dns, port: 5353, protocol: UDP}]
endpoints: [{addresses: [10.253.1.5]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-6, namespace: default, labels: {kubernetes.io/service-name: web}}
addressType: IPv6
ports: [{name: http, port: 8080}, {name: dns, port: 5353, protocol: UDP}]
endpoints: [{addresses: ["fd00:253::5"]}]
END
        mv "$folder/.web" "$folder/web.yaml"
}

equal 'this kernel has no IPv6' '' "$(ls /proc/net/if_inet6 2>/dev/null)"
services 30080
unit_configure --manifests="$folder" --masquerade-all=true --proxy-mode=ipvs --drain-timeout=0s --v=2
unit_start || finish
succeeds 'all services are in the kernel' unit_synced
equal 'the virtual servers, of IPv4 alone' \
        '10.253.1.1:30080/TCP 10.254.1.1:53/UDP 10.254.1.1:80/TCP 192.0.2.1:53/UDP 192.0.2.1:80/TCP' \
        "$(virtual_servers | grep -v ':30080/' | { printf '10.253.1.1:30080/TCP\n' && cat; } | sort | paste -sd' ')"
succeeds 'the node port is among them' grep -qx 10.253.1.1:30080/TCP <(virtual_servers)
equal 'a cluster address answers' pod "$(asked - 10.254.1.1 80)"
equal 'a node port answers a pod' pod "$(asked pod 10.253.1.1 30080)"
equal 'what is no service port is refused' refused "$(in_ns pod podclient tcp 10.254.1.1 81)"
equal 'all is well' 's "running"' "$(busctl get-property org.k8s.IpvsProxy /org/k8s/IpvsProxy org.k8s.IpvsProxy State)"
equal 'the bus says which families' 'as 1 "ipv4"' \
        "$(busctl get-property org.k8s.IpvsProxy /org/k8s/IpvsProxy org.k8s.IpvsProxy IpFamilies)"
matches "the log in kube-proxy's words" 'kube-proxy running in single-stack mode' "$(journalctl --no-pager -u ipvsproxyd.service)"
equal 'nothing failed' '' \
        "$(journalctl --no-pager -q -p warning -u ipvsproxyd.service -o cat | grep -v '^--nodeport-addresses: not set')"

services 30081
has_server() {
        [[ $(virtual_servers) == *"$1"* ]]
}
succeeds 'changes are followed' wait_until 10 has_server 10.253.1.1:30081/TCP
systemctl restart ipvsproxyd.service
succeeds 'a restart' unit_synced
succeeds 'finds what it left' has_server 10.253.1.1:30081/TCP
ip link del kube-ipvs0
succeeds 'and repairs what others break' wait_until 10 answers - 10.254.1.1 80
equal 'still nothing failed' '' "$(journalctl --no-pager -q -p err -u ipvsproxyd.service -o cat)"
finish
