#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# By hand, some minutes and IPVSPROXY_VM_MEMORY=4096: 200,000 pairs of address and port (2,000 services of 20 ports, each on
# a cluster IP and four external IPs). kube-proxy's ipsets end at 65,536 (user-needs P28). All are served, a change costs
# what it costs with ten services, and a restart writes nothing. IPVSPROXY_TEST_SERVICES makes it smaller.
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"

services=${IPVSPROXY_TEST_SERVICES:-2000}
ports=20 externals=4
pairs=$((services * ports * (externals + 1)))
addresses=$((services * (externals + 1)))

cluster_up
cluster_service_range 10.96.0.0/12 192.0.0.0/10
cluster_pods 10.253.1.1/24
cluster_pod - near 10.253.1.5
cluster_pod - spare 10.253.1.6
serve near --tcp 8080
serve spare --tcp 8080
served

# ---- the objects

api_prepare
awk -v services="$services" -v ports=$ports -v externals=$externals '
        function address(net, i) { return net "." int(i / 65536) + first "." int(i / 256) % 256 "." i % 256 }
        BEGIN {
                printf "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
                for (s = 0; s < services; s++) {
                        first = 96
                        printf "%s{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s%d\",\"namespace\":\"default\"},", s ? "," : "", s
                        printf "\"spec\":{\"clusterIP\":\"%s\",\"clusterIPs\":[\"%s\"],\"externalIPs\":[", address(10, s + 1), address(10, s + 1)
                        first = 0
                        for (e = 0; e < externals; e++)
                                printf "%s\"%s\"", e ? "," : "", address(192, s * externals + e + 1)
                        printf "],\"ports\":["
                        for (p = 0; p < ports; p++)
                                printf "%s{\"name\":\"p%d\",\"protocol\":\"TCP\",\"port\":%d,\"targetPort\":8080}", p ? "," : "", p, 1000 + p
                        printf "]}},\n{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"addressType\":\"IPv4\","
                        printf "\"metadata\":{\"name\":\"s%d-test\",\"namespace\":\"default\",\"labels\":{\"kubernetes.io/service-name\":\"s%d\"}},\"ports\":[", s, s
                        for (p = 0; p < ports; p++)
                                printf "%s{\"name\":\"p%d\",\"protocol\":\"TCP\",\"port\":8080}", p ? "," : "", p
                        printf "],\"endpoints\":[{\"addresses\":[\"10.253.1.5\"],\"conditions\":{\"ready\":true},\"nodeName\":\"k8s02\"}]}\n"
                }
                printf "]}\n"
        }' >"$api_state/objects/objects.json"
printf 'apiVersion: v1\nkind: Node\nmetadata: {name: k8s02}\nstatus: {addresses: [{type: InternalIP, address: 172.16.1.10}]}\n' \
        >"$api_state/objects/node.yaml"
api_start --bookmarks 60
unit_kubeconfig kubeconfig
unit_configure --proxy-mode=ipvs --kubeconfig=/etc/kubernetes/kube-proxy.kubeconfig --cluster-cidr=10.253.0.0/16

# ---- the first start

# measure NAME: what the daemon has used so far
measure() {
        local rss cpu
        rss=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$(unit_pid)/status")
        cpu=$(systemctl show --value -p CPUUsageNSec ipvsproxyd.service)
        printf 'measured %s: %d s, CPU %d ms, at most %d MiB\n' "$1" $((SECONDS - since)) $((cpu / 1000000)) $((rss / 1024))
}
since=$SECONDS
unit_start || finish
succeeds 'all services are in the kernel' unit_synced 100
measure "first start, $pairs pairs on $addresses addresses"
equal 'virtual servers' $pairs "$(ipvs-test count)" # ipvsadm -L goes through all of them for each part of its list
equal 'addresses' $addresses "$(ip -o address show dev kube-ipvs0 | wc -l)"
equal 'none failed' '' "$(journalctl --no-pager -u ipvsproxyd.service | grep -E 'Failed to|degraded')"

# ---- they work, and what is none of them does not

for _ in 1 2 3 4 5 6 7 8 9 10; do
        s=$((RANDOM % services)) p=$((1000 + RANDOM % ports)) e=$((s * externals + RANDOM % externals + 1))
        matches "pair of service $s" '^near ' \
                "$(in_ns client podclient --timeout 10000 tcp 10.$((96 + (s + 1) / 65536)).$(((s + 1) / 256 % 256)).$(((s + 1) % 256)) $p)"
        matches "external pair of service $s" '^near ' \
                "$(in_ns client podclient --timeout 10000 tcp 192.$((e / 65536)).$((e / 256 % 256)).$((e % 256)) $p)"
        equal "no pair of service $s" refused \
                "$(in_ns client podclient --timeout 10000 tcp 192.$((e / 65536)).$((e / 256 % 256)).$((e % 256)) 999)"
done

# ---- a change

has_real_server() {
        [[ $(ipvsadm -L -n -t "$1" 2>/dev/null) == *"$2"* ]]
}
cat >/run/slice.json <<END
{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4",
"metadata":{"name":"s7-test","namespace":"default","labels":{"kubernetes.io/service-name":"s7"}},
"ports":[$(for ((p = 0; p < ports; p++)); do printf '%s{"name":"p%d","protocol":"TCP","port":8080}' "$( ((p)) && echo ,)" $p; done)],
"endpoints":[{"addresses":["10.253.1.6"],"conditions":{"ready":true},"nodeName":"k8s02"}]}
END
begun=$(date +%s%3N)
apictl put /run/slice.json
succeeds 'a changed endpoint' wait_until 5 has_real_server 10.96.0.8:1019 10.253.1.6:8080
printf 'measured change: %d ms with asking\n' $(($(date +%s%3N) - begun))
apictl delete services default/s8
has_no_server() {
        ! ipvsadm -L -n -t "$1" >/dev/null 2>&1
}
succeeds 'a deleted service' wait_until 5 has_no_server 10.96.0.9:1019

# ---- a restart

systemctl stop ipvsproxyd.service
since=$SECONDS
journal_since=$(date '+%F %T')
unit_start || finish
succeeds 'restarted' unit_synced 100
measure 'restart'
matches 'it wrote nothing' ' 0 changes, 0 failures$' "$(journalctl --no-pager -o cat -u ipvsproxyd.service --since "$journal_since" |
        grep 'first sync is complete')"

finish
