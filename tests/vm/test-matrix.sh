#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every kind of packet: client x kind of address x protocol x policy x affinity x endpoints x family. For each cell, who
# answered and which source address it saw. What is expected is written down here from reference 3.7, 4.5 and 4.6 and
# the deliberate differences of DESIGN 6, and never taken from a run.
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"

# near is the endpoint on this node, far the one on k8s03. The pods that ask have nodes of their own: other on this one,
# guest on k8s01, which sends what is for services through this node.
cluster_up
cluster_service_range 10.254.0.0/16 192.0.2.0/24 198.51.100.0/24 fd00:254::/32 2001:db8::/32
cluster_pods 10.253.1.1/24 fd00:253:1::1/64
cluster_node k8s03 11 10.253.2.1/24 fd00:253:2::1/64
cluster_node k8s01 9 10.253.3.1/24 fd00:253:3::1/64
cluster_pod - near 10.253.1.5 fd00:253:1::5
cluster_pod k8s03 far 10.253.2.5 fd00:253:2::5
cluster_pod - other 10.253.1.6 fd00:253:1::6
cluster_pod k8s01 guest 10.253.3.6 fd00:253:3::6
serve near --tcp 8080 --udp 8080 --sctp 8080
serve far --tcp 8080 --udp 8080 --sctp 8080
served

# ---- the services: number N has each policy, set of endpoints and affinity once as ClusterIP and once as LoadBalancer

# Functions here leave their answer in $REPLY: a subshell for each of some thousand would take minutes.
protocols=(tcp udp sctp)

declare -A endpoint_address=([near-4]=10.253.1.5 [near-6]=fd00:253:1::5 [far-4]=10.253.2.5 [far-6]=fd00:253:2::5)

endpoint_yaml() {
        printf -- '- {addresses: ["%s"], conditions: {ready: true}, nodeName: %s}\n' "$1" "$2"
}

# endpoints_yaml FAMILY ENDPOINTS
endpoints_yaml() {
        [[ $2 != local && $2 != both ]] || endpoint_yaml "${endpoint_address[near-$1]}" k8s02
        [[ $2 != remote && $2 != both ]] || endpoint_yaml "${endpoint_address[far-$1]}" k8s03
}

# service_yaml N TYPE POLICY ENDPOINTS AFFINITY
service_yaml() {
        local n=$1 hex policy=Cluster affinity=None family protocol i=0
        printf -v hex %x "$n"
        [[ $3 == cluster ]] || policy=Local
        [[ $5 == none ]] || affinity=ClientIP
        printf -- '---\napiVersion: v1\nkind: Service\nmetadata: {name: s%s, namespace: default}\nspec:\n' "$n"
        printf '  type: %s\n  ipFamilyPolicy: RequireDualStack\n  ipFamilies: [IPv4, IPv6]\n' "$2"
        printf '  clusterIP: 10.254.1.%s\n  clusterIPs: [10.254.1.%s, "fd00:254::%s"]\n' "$n" "$n" "$hex"
        printf '  sessionAffinity: %s\n' $affinity
        if [[ $2 == ClusterIP ]]; then
                printf '  internalTrafficPolicy: %s\n' $policy
        else
                printf '  externalTrafficPolicy: %s\n  externalIPs: [192.0.2.%s, "2001:db8:1::%s"]\n' $policy "$n" "$hex"
        fi
        printf '  ports:\n'
        for protocol in "${protocols[@]}"; do
                printf '  - {name: %s, port: 80, targetPort: 8080, protocol: %s' "$protocol" "${protocol^^}"
                [[ $2 == ClusterIP ]] || printf ', nodePort: %s' $((30000 + 10 * n + i))
                printf '}\n'
                i=$((i + 1))
        done
        [[ $2 == ClusterIP ]] ||
                printf 'status: {loadBalancer: {ingress: [{ip: 198.51.100.%s}, {ip: "2001:db8:2::%s"}]}}\n' "$n" "$hex"
        for family in 4 6; do
                printf -- '---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv%s\n' $family
                printf 'metadata: {name: s%s-%s, namespace: default, ' "$n" $family
                printf 'labels: {kubernetes.io/service-name: s%s}}\nports:\n' "$n"
                for protocol in "${protocols[@]}"; do
                        printf -- '- {name: %s, port: 8080, protocol: %s}\n' "$protocol" "${protocol^^}"
                done
                printf 'endpoints:\n'
                if [[ $4 == none ]]; then printf '  []\n'; else endpoints_yaml $family "$4"; fi
        done
}

declare -A service_number=()
objects() {
        local n=0 type policy endpoints affinity
        for type in ClusterIP LoadBalancer; do
                for policy in cluster local; do
                        for endpoints in none local remote both; do
                                for affinity in none client; do
                                        n=$((n + 1))
                                        service_number[$type-$policy-$endpoints-$affinity]=$n
                                        service_yaml $n $type $policy $endpoints $affinity >>"$api_state/objects/services.yaml"
                                done
                        done
                done
        done
        cat >"$api_state/objects/node.yaml" <<'END'
apiVersion: v1
kind: Node
metadata: {name: k8s02}
spec: {podCIDR: 10.253.1.0/24, podCIDRs: [10.253.1.0/24, "fd00:253:1::/64"]}
status:
  addresses: [{type: InternalIP, address: 172.16.1.10}, {type: InternalIP, address: "fd00:172:16:1::10"}]
END
}

# ---- what is expected

declare -A own_address=(
        [node-4]=172.16.1.10 [node-6]=fd00:172:16:1::10 [other-4]=10.253.1.6 [other-6]=fd00:253:1::6
        [guest-4]=10.253.3.6 [guest-6]=fd00:253:3::6 [client-4]=172.16.1.100 [client-6]=fd00:172:16:1::100
        [near-4]=10.253.1.5 [near-6]=fd00:253:1::5
)
# The node's address on the interface by which the packet leaves.
declare -A masquerade_address=(
        [near-4]=10.253.1.1 [near-6]=fd00:253:1::1 [far-4]=172.16.1.10 [far-6]=fd00:172:16:1::10
)

# source_seen CLIENT KIND POLICY ENDPOINT FAMILY: the source that the endpoint sees
source_seen() {
        local client=$1 kind=$2 policy=$3 endpoint=$4 family=$5 masqueraded=no
        case $kind in
        cluster)
                # 4.6: not for pods of the cluster CIDR; the node's source would be the service address.
                [[ $client != node && $client != client && $masquerade_all == no ]] || masqueraded=yes
                ;;
        *)
                # 4.6: policy Cluster for everyone; policy Local not, but where the cluster's endpoints stand in.
                [[ $policy == local && $endpoint == near ]] || masqueraded=yes
                # The node's source would be the service address; a node port is the node's own address.
                [[ $client != node || $kind == node-port ]] || masqueraded=yes
                ;;
        esac
        # 4.5 KUBE-LOOP-BACK: a pod that reaches itself.
        [[ $client != "$endpoint" ]] || masqueraded=yes
        if [[ $masqueraded == yes ]]; then
                REPLY=${masquerade_address[$endpoint-$family]}
        else
                REPLY=${own_address[$client-$family]}
        fi
}

# expected CLIENT KIND POLICY AFFINITY ENDPOINTS FAMILY: the answers, by "," all of them, by "|" one of them
expected() {
        local client=$1 kind=$2 policy=$3 affinity=$4 endpoints=$5 family=$6 near far joint=,
        source_seen "$client" "$kind" "$policy" near "$family"
        near="near $REPLY"
        source_seen "$client" "$kind" "$policy" far "$family"
        far="far $REPLY"
        [[ $affinity == none ]] || joint='|'
        case $policy-$endpoints in
        *-none) REPLY=refused ;;
        cluster-local) REPLY=$near ;;
        cluster-remote) REPLY=$far ;;
        cluster-both) REPLY=$far$joint$near ;;
        local-local | local-both) REPLY=$near ;;
        local-remote)
                # 3.7 and DESIGN 6: nothing inside; from outside dropped, for the node and pods the cluster's endpoints.
                case $kind-$client in
                cluster-*) REPLY=refused ;;
                *-client) REPLY=timeout ;;
                *) REPLY=$far ;;
                esac
                ;;
        esac
}

# ---- the cells

declare -A port_offset=([tcp]=0 [udp]=1 [sctp]=2)

# address_of KIND N FAMILY PROTOCOL: "ADDRESS PORT"
address_of() {
        local hex port=$((30000 + 10 * $2 + ${port_offset[$4]}))
        printf -v hex %x "$2"
        case $1-$3 in
        cluster-4) REPLY="10.254.1.$2 80" ;;
        cluster-6) REPLY="fd00:254::$hex 80" ;;
        external-4) REPLY="192.0.2.$2 80" ;;
        external-6) REPLY="2001:db8:1::$hex 80" ;;
        load-balancer-4) REPLY="198.51.100.$2 80" ;;
        load-balancer-6) REPLY="2001:db8:2::$hex 80" ;;
        node-port-4) REPLY="172.16.1.10 $port" ;;
        node-port-6) REPLY="fd00:172:16:1::10 $port" ;;
        esac
}

declare -A wish=()

# cell CLIENT KIND PROTOCOL POLICY AFFINITY ENDPOINTS FAMILY
cell() {
        local type=LoadBalancer id=$1/$2/$3/$4/$5/$6/IPv$7 count=1 timeout=10000
        [[ $2 != cluster ]] || type=ClusterIP
        [[ $6 != both ]] || count=4
        expected "$1" "$2" "$4" "$5" "$6" "$7"
        wish[$id]=$REPLY
        # What is dropped costs this time; what is answered may take long on a slow machine.
        [[ $REPLY != timeout ]] || timeout=1500
        address_of "$2" "${service_number[$type-$4-$6-$5]}" "$7" "$3"
        printf '%s %s %s %s %s\n' "$id" "$3" "$REPLY" "$count" "$timeout" >>"/run/cells-$1"
}

# cells_of CLIENT KIND...
cells_of() {
        local client=$1 kind protocol policy family endpoints
        shift
        for kind; do
                for policy in cluster local; do
                        for family in 4 6; do
                                for protocol in "${protocols[@]}"; do
                                        for endpoints in none local remote both; do
                                                cell "$client" "$kind" "$protocol" $policy none $endpoints $family
                                        done
                                done
                                cell "$client" "$kind" tcp $policy client both $family
                        done
                done
        done
}

# as_wished ID ANSWER
as_wished() {
        case ${wish[$1]} in
        *'|'*) [[ $2 == "${wish[$1]%%|*}" || $2 == "${wish[$1]#*|}" ]] ;;
        *) [[ $2 == "${wish[$1]}" ]] ;;
        esac
}

# Asks all cells of a client and compares. Of some thousand SCTP associations one or the other is aborted in its
# handshake, on an emulated CPU, whatever the address; TCP and UDP never are. So a cell of SCTP is asked a second time, and
# says so.
run_cells() {
        local client=$1 namespace=$1 id answer again
        [[ $client != node ]] || namespace=-
        while IFS=$'\t' read -r id answer; do
                if [[ $id == */sctp/* && $answer == *reset* ]]; then
                        again=$(grep -F "$id " "/run/cells-$client" | in_ns "$namespace" podclient batch | cut -f2)
                        printf 'again   %s: %s, then %s\n' "$id" "$answer" "$again"
                        answer=$again
                fi
                if as_wished "$id" "$answer"; then
                        ok "$id: $answer"
                else
                        not_ok "$id" "expected: ${wish[$id]}" "got:      $answer"
                fi
                unset "wish[$id]"
        done < <(in_ns "$namespace" podclient batch <"/run/cells-$client")
        rm "/run/cells-$client"
}

run_clients() {
        local client
        for client; do
                run_cells "$client"
        done
        equal 'every cell was asked' '' "${!wish[*]}"
}

api_prepare
objects
api_start --bookmarks 60
unit_kubeconfig kubeconfig
masquerade_all=no
unit_configure --proxy-mode=ipvs --kubeconfig=/etc/kubernetes/kube-proxy.kubeconfig --v=2 \
        --cluster-cidr=10.253.0.0/16,fd00:253::/32
unit_start || finish
succeeds 'all services are in the kernel' unit_synced

for client in node other guest client; do
        cells_of $client cluster external load-balancer node-port
done
# A pod that asks for a service of which it is the endpoint.
for kind in cluster external load-balancer node-port; do
        for policy in cluster local; do
                for family in 4 6; do
                        for protocol in "${protocols[@]}"; do
                                cell near $kind "$protocol" $policy none local $family
                        done
                done
        done
done
run_clients node other guest client near

# ---- the same cluster addresses with --masquerade-all

masquerade_all=yes
unit_configure --proxy-mode=ipvs --kubeconfig=/etc/kubernetes/kube-proxy.kubeconfig --v=2 \
        --cluster-cidr=10.253.0.0/16,fd00:253::/32 --masquerade-all
systemctl restart ipvsproxyd.service
succeeds 'the daemon came back with --masquerade-all' unit_synced
conntrack -F 2>/dev/null
for client in node other guest client; do
        cells_of $client cluster
done
run_clients node other guest client

# ---- flows of UDP that outlive their endpoint (4.8), and the health check on the balancer's address (4.6)

# late_service ENDPOINT@NODE...: UDP, policy Local, with a health check, as number 200
late_service() {
        apictl put - <<'END'
apiVersion: v1
kind: Service
metadata: {name: late, namespace: default}
spec:
  type: LoadBalancer
  clusterIP: 10.254.1.200
  externalTrafficPolicy: Local
  healthCheckNodePort: 32100
  ports: [{name: udp, port: 80, targetPort: 8080, protocol: UDP, nodePort: 32101}]
status: {loadBalancer: {ingress: [{ip: 198.51.100.200}]}}
END
        put_slice default late udp 8080 UDP "$@"
}
# asks ADDRESS PORT: always from the same port, so that each address is one flow; from one of its own, for the answers of
# all come from one endpoint and must be told apart
declare -A asks_from=([10.254.1.200]=4444 [198.51.100.200]=4445 [172.16.1.10]=4446)
asks() {
        in_ns client podclient --source "172.16.1.100:${asks_from[$1]}" --timeout 1500 udp "$1" "$2"
}
answers() {
        [[ $(asks "$2" "$3") == "$1"* ]]
}
late_service 10.253.1.5@k8s02
for address in '10.254.1.200 80' '198.51.100.200 80' '172.16.1.10 32101'; do
        read -r ip port <<<"$address"
        succeeds "UDP $address: an endpoint" wait_until 5 answers near "$ip" "$port"
done
checks() {
        in_ns client curl -sS --max-time 5 -o /dev/null -w '%{http_code}' "http://$1:32100/"
}
for address in 198.51.100.200 10.254.1.200 172.16.1.10; do
        equal "the health check is answered on $address" 200 "$(checks $address)"
done
equal 'no other port is' refused "$(in_ns client podclient tcp 198.51.100.200 32102)"
late_service 10.253.2.5@k8s03
succeeds 'UDP: another endpoint, with the same flow' wait_until 5 answers far 10.254.1.200 80
checks_say() {
        [[ $(checks "$2") == "$1" ]]
}
succeeds 'the health check says that none is local' wait_until 5 checks_say 503 198.51.100.200
equal 'UDP: not for others where policy Local has none' timeout "$(asks 198.51.100.200 80)"
late_service
succeeds 'UDP: no endpoint, the flow is refused' wait_until 5 answers refused 10.254.1.200 80
succeeds 'UDP: on the node port too' wait_until 5 answers refused 172.16.1.10 32101
late_service 10.253.1.5@k8s02
for address in '10.254.1.200 80' '198.51.100.200 80' '172.16.1.10 32101'; do
        read -r ip port <<<"$address"
        succeeds "UDP $address: the first endpoint again" wait_until 5 answers near "$ip" "$port"
done
apictl delete services default/late
no_entry() {
        ! conntrack -L -p udp 2>/dev/null | grep -qE 'dst=(10.254.1.200|198.51.100.200) |dport=32101 '
}
succeeds 'UDP: no entry of a removed service is left' wait_until 5 no_entry

finish
