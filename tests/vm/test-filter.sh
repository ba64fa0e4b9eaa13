#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The nftables table alone: what it lets pass, marks, masquerades and refuses, with virtual servers made by ipvsadm.
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"

vip=10.254.0.10 vip6=fd00:254::10

cluster_up
cluster_service_range 10.254.0.0/16 fd00:254::/112
cluster_pods 10.253.1.1/24 fd00:253:1::1/64
cluster_node k8s03 11 10.253.2.1/24 fd00:253:2::1/64
cluster_pod - near 10.253.1.5 fd00:253:1::5
cluster_pod - other 10.253.1.6 fd00:253:1::6
cluster_pod k8s03 far 10.253.2.5 fd00:253:2::5
for pod in near far; do
        serve "$pod" --tcp 8080 --udp 8080 --http 8081
done
served
sysctl -qw net.ipv4.vs.conntrack=1 2>/dev/null || { modprobe ip_vs && sysctl -qw net.ipv4.vs.conntrack=1; }
modprobe dummy
ip link add kube-ipvs0 type dummy
ip address add $vip/32 dev kube-ipvs0
ip address add $vip6/128 dev kube-ipvs0 nodad

# Somebody else's table, and a witness behind ours: what leaves the node with our mark still on it.
nft -f - <<'END'
table inet somebody {
        chain forward { type filter hook forward priority 10; policy accept; }
        chain witness {
                type filter hook postrouting priority 200; policy accept;
                meta mark & 0x4000 != 0 counter
        }
}
END
foreign=$(nft -s list table inet somebody)

# client NAMESPACE PROTO ADDRESS PORT: what comes of it in one line
client() {
        in_ns "$1" podclient --timeout 5000 "${@:2}" 2>&1
}

# table ELEMENT...: the table from nothing
table() {
        filter-test remove || die "remove"
        filter-test "${options[@]}" ensure "$@" >/dev/null || die "ensure"
}

# connections_forget: entries of the case before do not decide the next
connections_forget() {
        conntrack -F >/dev/null 2>&1
}

# ---- the table as such

options=()
matches 'the table is made' '^made 1 writes [1-9]' "$(filter-test ensure service_ips:$vip)"
equal 'the same table is left alone' 'made 0 writes 0' "$(filter-test ensure service_ips:$vip)"
succeeds 'elements come and go in one transaction' filter-test apply -service_ips:$vip +service_ips:$vip6 \
        +service_ports:$vip,tcp,80
equal 'a dump shows them' "$(printf '%s\n' "service_ips6 $vip6" "service_ports4 $vip . tcp . 80")" \
        "$(filter-test dump | sort)"
equal 'what is not there cannot be deleted' 'filter-test: apply: ENOENT' "$(filter-test apply -service_ips:10.9.9.9 2>&1)"
equal 'one bad element undoes all of its transaction' 2 \
        "$(filter-test apply +service_ips:10.9.9.8 -service_ips:10.9.9.9 2>/dev/null; filter-test dump | wc -l)"
equal 'our own changes are known, those of others are seen by the number of nf_tables' "service_ips6 $vip6
service_ports4 $vip . tcp . 80
known 1
+service_ips:10.9.9.1 0, known 1
+service_ips:10.9.9.2 0, known 1
~service_ips:10.9.9.3 0, known 0
+service_ips:10.9.9.4 0, known 0" "$(filter-test known +service_ips:10.9.9.1 +service_ips:10.9.9.2 ~service_ips:10.9.9.3 +service_ips:10.9.9.4)"
succeeds 'they go again' filter-test apply -service_ips:10.9.9.1 -service_ips:10.9.9.2 -service_ips:10.9.9.3 -service_ips:10.9.9.4
nft add rule inet ipvsproxy input counter
matches 'a changed table is made anew' '^made 1' "$(filter-test ensure service_ips:$vip)"
nft delete table inet ipvsproxy
matches 'a deleted table is made anew' '^made 1' "$(filter-test ensure service_ips:$vip)"

# ---- the guard

ipvsadm -A -t $vip:80 -s rr
ipvsadm -a -t $vip:80 -r 10.253.1.5:8080 -m
ipvsadm -A -u $vip:80 -s rr
ipvsadm -a -u $vip:80 -r 10.253.1.5:8080 -m
ipvsadm -A -t "[$vip6]:80" -s rr
ipvsadm -a -t "[$vip6]:80" -r '[fd00:253:1::5]:8080' -m
ports=("service_ips:$vip" "service_ips:$vip6" "service_ports:$vip,tcp,80" "service_ports:$vip,udp,80" "service_ports:$vip6,tcp,80")
cluster=("cluster_ports:$vip,tcp,80" "cluster_ports:$vip,udp,80" "cluster_ports:$vip6,tcp,80")
options=(--masquerade-all)
table "${ports[@]}" "${cluster[@]}"
for from in - other far client; do
        name=${from/#-/the node}
        equal "$name: a port that is no service port is refused" refused "$(client "$from" tcp $vip 81)"
        equal "$name: the same with UDP" refused "$(client "$from" udp $vip 81)"
        equal "$name: the same with IPv6" refused "$(client "$from" tcp $vip6 81)"
        succeeds "$name: ping is answered" in_ns "$from" ping -c 1 -W 10 $vip
        succeeds "$name: ping is answered, IPv6" in_ns "$from" ping -c 1 -W 10 $vip6
done
ip address add 10.254.0.99/32 dev kube-ipvs0
equal 'without the guard the address is like any of the node' refused "$(client client tcp 10.254.0.99 82)"
options=(--masquerade-all --ping never)
table "${ports[@]}" "${cluster[@]}"
succeeds 'ping=never: no answer' bash -c "! nsenter --net=/run/netns/client ping -c 1 -W 1 $vip"
options=(--masquerade-all --ping with-endpoints)
table "${ports[@]}" "${cluster[@]}" ping_ips:$vip
succeeds 'ping=with-endpoints: an answer where there are some' in_ns client ping -c 1 -W 10 $vip
succeeds 'ping=with-endpoints: none where there are not' bash -c "! nsenter --net=/run/netns/client ping -c 1 -W 1 $vip6"

# ---- masquerading: the source that the pod sees

options=(--masquerade-all)
table "${ports[@]}" "${cluster[@]}"
connections_forget
equal 'masqueradeAll: a pod of this node' 'near 10.253.1.1' "$(client other tcp $vip 80)"
equal 'masqueradeAll: a pod of another node' 'near 10.253.1.1' "$(client far tcp $vip 80)"
equal 'masqueradeAll: outside' 'near 10.253.1.1' "$(client client tcp $vip 80)"
equal 'masqueradeAll: outside, UDP' 'near 10.253.1.1' "$(client client udp $vip 80)"
equal 'masqueradeAll: outside, IPv6' 'near fd00:253:1::1' "$(client client tcp $vip6 80)"
equal 'masqueradeAll: the node' 'near 10.253.1.1' "$(client - tcp $vip 80)"

options=(--cidr 10.253.0.0/16 --cidr fd00:253::/32)
table "${ports[@]}" "${cluster[@]}"
connections_forget
equal 'cluster-cidr: a pod keeps its address' 'near 10.253.1.6' "$(client other tcp $vip 80)"
equal 'cluster-cidr: a pod of another node too' 'near 10.253.2.5' "$(client far tcp $vip 80)"
equal 'cluster-cidr: a pod, IPv6' 'near fd00:253:1::6' "$(client other tcp $vip6 80)"
equal 'cluster-cidr: outside is masqueraded' 'near 10.253.1.1' "$(client client tcp $vip 80)"
equal 'cluster-cidr: the node is masqueraded' 'near 10.253.1.1' "$(client - tcp $vip 80)"

options=(--detect BridgeInterface --interface cni0)
table "${ports[@]}" "${cluster[@]}"
connections_forget
equal 'bridge interface: a pod keeps its address' 'near 10.253.1.6' "$(client other tcp $vip 80)"
equal 'bridge interface: outside is masqueraded' 'near 10.253.1.1' "$(client client tcp $vip 80)"
options=(--detect InterfaceNamePrefix --interface cn)
table "${ports[@]}" "${cluster[@]}"
connections_forget
equal 'interface prefix: a pod keeps its address' 'near 10.253.1.6' "$(client other tcp $vip 80)"
equal 'interface prefix: outside is masqueraded' 'near 10.253.1.1' "$(client client tcp $vip 80)"

options=()
table "${ports[@]}" "${cluster[@]}"
connections_forget
equal 'no detector: a pod keeps its address' 'near 10.253.1.6' "$(client other tcp $vip 80)"
equal 'no detector: the node is masqueraded' 'near 10.253.1.1' "$(client - tcp $vip 80)"

table "${ports[@]}" "${cluster[@]}" hairpin:10.253.1.5,tcp,8080,10.253.1.5
connections_forget
equal 'hairpin: a pod reaches itself' 'near 10.253.1.1' "$(client near tcp $vip 80)"

table "${ports[@]}" external_ports:$vip,tcp,80
connections_forget
equal 'an external address: outside is masqueraded' 'near 10.253.1.1' "$(client client tcp $vip 80)"
equal 'an external address: pods too' 'near 10.253.1.1' "$(client other tcp $vip 80)"

table "${ports[@]}"
connections_forget
equal 'policy Local with an endpoint here: outside keeps its address' 'near 172.16.1.100' "$(client client tcp $vip 80)"

# ---- policy Local without an endpoint here

ipvsadm -e -t $vip:80 -r 10.253.1.5:8080 -m -w 0
ipvsadm -a -t $vip:80 -r 10.253.2.5:8080 -m
options=(--cidr 10.253.0.0/16)
table "${ports[@]}" local_only:$vip,tcp,80
connections_forget
equal 'Local, none here: outside is dropped' timeout "$(client client tcp $vip 80)"
equal 'Local, none here: a pod reaches the cluster' 'far 172.16.1.10' "$(client other tcp $vip 80)"
equal 'Local, none here: the node reaches the cluster' 'far 172.16.1.10' "$(client - tcp $vip 80)"

# ---- no endpoints

table "${ports[@]}" no_endpoints:$vip,tcp,80 no_endpoints:$vip,udp,80
for from in - other far client; do
        equal "${from/#-/the node}: a port without endpoints is refused" refused "$(client "$from" tcp $vip 80)"
        equal "${from/#-/the node}: the same with UDP" refused "$(client "$from" udp $vip 80)"
done

# ---- source ranges

ipvsadm -e -t $vip:80 -r 10.253.1.5:8080 -m -w 1
ipvsadm -d -t $vip:80 -r 10.253.2.5:8080
ranges=("firewalled:$vip,tcp,80" "source_ranges:$vip,tcp,80,172.16.1.0/28" "source_ranges:$vip,tcp,80,10.253.1.6/32")
options=(--masquerade-all)
table "${ports[@]}" "${cluster[@]}" "${ranges[@]}"
connections_forget
equal 'source ranges: outside of them is dropped' timeout "$(client client tcp $vip 80)"
equal 'source ranges: a pod that is in them passes' 'near 10.253.1.1' "$(client other tcp $vip 80)"
equal 'source ranges: another protocol is not concerned' 'near 10.253.1.1' "$(client client udp $vip 80)"
succeeds 'a range is added' filter-test apply +source_ranges:$vip,tcp,80,172.16.1.96/28
equal 'source ranges: then it passes' 'near 10.253.1.1' "$(client client tcp $vip 80)"
in_ns client podclient hold tcp $vip 80 4 >/run/held 2>&1 &
holder=$!
wait_until 5 grep -q connected /run/held
filter-test apply -source_ranges:$vip,tcp,80,172.16.1.96/28
wait "$holder"
matches 'source ranges: who is shut out is cut off at once' 'timeout after' "$(tail -n 1 /run/held)"

# ---- what is left behind

equal 'no packet left the node with our mark on it' 'packets 0 bytes 0' \
        "$(nft list chain inet somebody witness | grep -o 'packets [0-9]* bytes [0-9]*')"

# ---- connection tracking of UDP

table "${ports[@]}" "${cluster[@]}"
connections_forget
client client udp $vip 80 >/dev/null
conntrack -L -p udp 2>/dev/null | grep -q "dst=$vip" || die "no entry to delete"
equal 'flows of another endpoint stay' 'deleted 0' "$(filter-test flush-udp $vip 80 10.253.1.99 8080)"
equal 'flows of a removed endpoint are deleted' 'deleted 1' "$(filter-test flush-udp $vip 80 10.253.1.5 8080)"
equal 'they are gone' '' "$(conntrack -L -p udp 2>/dev/null | grep "dst=$vip")"

# ---- sysctls, and the end

equal 'a sysctl is written and read' 1 "$(filter-test sysctl net/ipv4/vs/conntrack 1)"
succeeds 'the table is removed' filter-test remove
succeeds 'removing what is not there is fine' filter-test remove
equal "somebody else's table is as it was" "$foreign" "$(nft -s list table inet somebody)"
filter-test bench 10000
filter-test remove
finish
