#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Moving in: a node as kube-proxy leaves it, virtual servers, addresses, KUBE- chains and sets, is taken over by
# ipvsproxyd under traffic, and `ipvsproxyctl takeover` then removes kube-proxy's chains and sets and nothing else.
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"
# shellcheck source=tests/vm/founding.sh
source "${BASH_SOURCE%/*}/founding.sh"

rate=${IPVSPROXY_TEST_RATE:-50}

# What the kubelet, a CNI plugin and an administrator have made; it stays.
others_chains() {
        iptables-restore --noflush <<'END'
*nat
:KUBE-MARK-MASQ - [0:0]
:KUBE-MARK-DROP - [0:0]
:CNI-HOSTPORT - [0:0]
-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
-A KUBE-MARK-DROP -j MARK --or-mark 0x8000
-A CNI-HOSTPORT -p tcp --dport 8088 -j KUBE-MARK-MASQ
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT
COMMIT
*filter
:KUBE-FIREWALL - [0:0]
-A INPUT -j KUBE-FIREWALL
-A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP
COMMIT
*mangle
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
END
        ip6tables -t nat -A PREROUTING -d fd00:ffff::1 -j ACCEPT
        ipset create admin-set hash:net
        ipset add admin-set 192.0.2.0/24
        ipset create KUBE-SRC-ABCDEFGHIJKLMNOP hash:ip
}

# As kube-proxy writes it in IPVS mode (its rules of 1.20 and later), with the sets that its rules name.
kube_proxy_chains() {
        ipset restore <<'END'
create KUBE-LOOP-BACK hash:ip,port,ip
create KUBE-CLUSTER-IP hash:ip,port
create KUBE-NODE-PORT-TCP bitmap:port range 0-65535
create KUBE-HEALTH-CHECK-NODE-PORT bitmap:port range 0-65535
create KUBE-6-CLUSTER-IP hash:ip,port family inet6
create KUBE-6-LOAD-BALANCER-SOURCE-CID hash:ip,port,net family inet6
add KUBE-CLUSTER-IP 10.254.0.1,tcp:443
add KUBE-NODE-PORT-TCP 30443
END
        iptables-restore --noflush <<'END'
*nat
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-NODE-PORT - [0:0]
:KUBE-LOAD-BALANCER - [0:0]
-I OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-I PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-I POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-SERVICES -s 127.0.0.0/8 -j RETURN
-A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT
-A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT
-A KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ
-A KUBE-NODE-PORT -p tcp -m set --match-set KUBE-NODE-PORT-TCP dst -j KUBE-MARK-MASQ
-A KUBE-POSTROUTING -m set --match-set KUBE-LOOP-BACK dst,dst,src -j MASQUERADE
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
COMMIT
*filter
:KUBE-FORWARD - [0:0]
:KUBE-NODE-PORT - [0:0]
-I FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-I INPUT -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT
-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-NODE-PORT -m set --match-set KUBE-HEALTH-CHECK-NODE-PORT dst -j ACCEPT
COMMIT
END
        ip6tables-restore --noflush <<'END'
*nat
:KUBE-SERVICES - [0:0]
-I PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -m set --match-set KUBE-6-CLUSTER-IP dst,dst -j ACCEPT
COMMIT
END
}

# Everything of the packet filter but counters, comments and our own table.
filter_state() {
        iptables-save | sed -e '/^#/d' -e 's/\[[0-9:]*\]//'
        ip6tables-save | sed -e '/^#/d' -e 's/\[[0-9:]*\]//'
        ipset list -n | sort
}

# What a node is made of that the daemon may change: IPVS, nftables, addresses, routes, and the sysctls that it sets. Not
# the modules, and not what a router tells the node.
node_snapshot() {
        ipvsadm -S -n
        nft -s list ruleset
        ip -o address | grep -v dynamic | sed 's/ valid_lft.*//'
        ip route show table all
        ip -6 route show table all | grep -v 'proto ra'
        sysctl net.ipv4.ip_forward net.ipv4.vs.{conntrack,conn_reuse_mode,expire_nodest_conn,expire_quiescent_template} \
                net.ipv4.conf.all.{arp_ignore,arp_announce,route_localnet} net.netfilter.nf_conntrack_max \
                net.netfilter.nf_conntrack_{tcp_timeout_established,tcp_timeout_close_wait,udp_timeout} 2>&1
}

founding_up
modprobe -a ip_vs ip_vs_rr nf_conntrack nf_tables dummy
node_snapshot >/run/node-before
unit_configure "${founding_flags[@]}" --ipvs-strict-arp
unit_start || finish
succeeds 'all services are in the kernel' unit_synced 30

# The same virtual servers and addresses, with nobody there who made them: as kube-proxy leaves them when it is stopped.
ipvsadm -S -n >/run/servers
mapfile -t addresses < <(ip -o address show dev kube-ipvs0 | awk '$3 == "inet" { print $4 }')
systemctl stop ipvsproxyd.service
ipvsproxyd "${founding_flags[@]}" --cleanup >/run/cleanup 2>&1
equal 'nothing of the daemon is left' '' "$(ipvsadm -S -n)$(ip -o link show dev kube-ipvs0 2>/dev/null)"
node_snapshot >/run/node-after
equal 'IPVS, nftables, addresses, routes and sysctls are as before the installation' '' \
        "$(diff /run/node-before /run/node-after)"
unit_configure "${founding_flags[@]}"
ip link add kube-ipvs0 type dummy
for address in "${addresses[@]}"; do ip address add "$address" dev kube-ipvs0; done
ipvsadm -R </run/servers
sysctl -qw net.ipv4.vs.conntrack=1 net.ipv4.ip_forward=1
others_chains
filter_state >/run/others
kube_proxy_chains

in_ns client podclient --timeout 5000 rate tcp 172.16.1.10 30443 "$rate" 3 >/run/before
matches 'the node serves as kube-proxy left it' "^$((3 * rate)) connections, $((3 * rate)) answered" \
        "$(tail -n 1 /run/before)"

in_ns client podclient --timeout 5000 rate tcp 172.16.1.10 30443 "$rate" 30 >/run/rate &
client=$!
in_ns client podclient --timeout 5000 hold tcp 172.16.1.10 30443 30 >/run/held &
holder=$!
wait_until 10 grep -q connected /run/held

said=$(ipvsproxyctl takeover 2>&1)
equal 'it is refused while the daemon does not run' 3 $?
cp "$(command -v sleep)" /run/kube-proxy
/run/kube-proxy 300 &
kube_proxy=$!
unit_start || finish
succeeds 'the daemon has adopted and programmed everything' unit_synced 30
equal 'the virtual servers are those that were there' "$(sort /run/servers)" "$(ipvsadm -S -n | sort)"
filter_state >/run/full
said=$(ipvsproxyctl takeover --dry-run 2>/dev/null)
matches '--dry-run says what it would remove' 'Would remove 6 rules, 7 chains, 0 tables and 6 sets\.' "$said"
said=$(ipvsproxyctl takeover --no-block 2>&1)
matches '--no-block is refused while kube-proxy runs' '^1 .*kube-proxy still runs' "$? $said"
said=$(ipvsproxyctl takeover --timeout=1 2>&1)
matches 'without --no-block it waits, for no longer than it may' '^7 .*Nothing was removed' "$? $said"
said=$(timeout --preserve-status -s INT 2 ipvsproxyctl takeover 2>&1)
matches 'Ctrl-C ends the waiting' '^130 .*kube-proxy runs' "$? $said"
equal 'none of that changes anything' "$(</run/full)" "$(filter_state)"
ipvsproxyctl takeover >/run/said 2>&1 &
takeover=$!
succeeds 'it says which process it waits for' wait_until 10 grep -q "kube-proxy runs (process $kube_proxy)" /run/said
sleep 1
equal 'while it waits nothing goes' "$(</run/full)" "$(filter_state)"
kill "$kube_proxy"
wait "$kube_proxy" 2>/dev/null
wait "$takeover"
equal 'it ends well once kube-proxy has ended' 0 $?
matches 'it says what it removed' 'Removed 6 rules, 7 chains, 0 tables and 6 sets\.' "$(</run/said)"
equal 'what is not kube-proxy'\''s is as it was' "$(</run/others)" "$(filter_state)"
matches 'a second time there is nothing to do' '^Nothing of kube-proxy' "$(ipvsproxyctl takeover)"

wait "$client"
matches 'not one connection failed' "^$((30 * rate)) connections, $((30 * rate)) answered" "$(tail -n 1 /run/rate)"
wait "$holder"
matches 'the connection that was held is still there' '^held for' "$(tail -n 1 /run/held)"
in_ns client podclient --timeout 5000 rate tcp 172.16.1.10 30443 "$rate" 3 >/run/after
matches 'the node serves without anything of kube-proxy' "^$((3 * rate)) connections, $((3 * rate)) answered" \
        "$(tail -n 1 /run/after)"

doctor=$(ipvsproxyctl doctor 2>&1)
matches 'doctor finds nothing of kube-proxy' 'ok +leftovers +None of kube-proxy' "$doctor"
printf '%s\n' "$doctor" | sed 's/^/        /'
status=$(ipvsproxyctl status)
matches 'status says that the node is well' 'running' "$status"
printf '%s\n' "$status" | sed 's/^/        /'
ipvsproxyctl explain 10.254.0.2:53/udp | sed 's/^/        /'
ipvsproxyctl list --ipvs | sed 's/^/        /'
finish
