#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon on the founding cluster: changes of objects, what others do to the kernel, restarts, rights, and that it
# never executes anything.
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"
# shellcheck source=tests/vm/founding.sh
source "${BASH_SOURCE%/*}/founding.sh"

founding_up --bookmarks 5
# Somebody else's, inside and outside of the service range.
ipvsadm -A -t 192.168.77.7:80 -s wlc -p 77
ipvsadm -a -t 192.168.77.7:80 -r 192.168.77.8:80 -m -w 7
ipvsadm -A -t 10.254.200.200:80 -s rr
nft add table inet somebody
nft add chain inet somebody input '{ type filter hook input priority 5; policy accept; }'
foreign() {
        ipvsadm -S -n | grep -E '192\.168\.77\.|10\.254\.200\.200'
        nft -s list table inet somebody
}
foreign_before=$(foreign)

# What leaves with connections drains; here it does so for no longer than it has to.
unit_configure "${founding_flags[@]}" --drain-timeout=2s --shutdown-delay=4s
unit_start || finish
succeeds 'all services are in the kernel' unit_synced

# ours: the virtual servers that are not foreign, with their real servers
ours() {
        ipvsadm -S -n | grep -vE '192\.168\.77\.|10\.254\.200\.200' | sort
}
addresses() {
        ip -o address show dev kube-ipvs0 | awk '{ print $4 }' | sort | paste -sd' '
}
has_server() {
        [[ $(virtual_servers) == *"$1"* ]]
}
has_no_server() {
        ! has_server "$1"
}
has_address() {
        [[ " $(addresses) " == *" $1 "* ]]
}
has_no_address() {
        ! has_address "$1"
}
real_servers_are() {
        [[ $(real_servers "$1") == "$2" ]]
}

# ---- the kernel holds what the objects say

equal 'the addresses' "$(printf '%s/32\n' "${founding_addresses[@]}" | sort | paste -sd' ')" "$(addresses)"
equal 'the virtual servers of cluster addresses' 12 \
        "$(virtual_servers | grep '^10\.254\.' | grep -vc '^10\.254\.200\.200:')"
for port in 30080 30443 32767 32766; do
        succeeds "node port $port on the node's address" has_server "172.16.1.10:$port/TCP"
done
equal 'a node port is on no service address' '' "$(virtual_servers | grep -E '^10\.254\.[0-9.]*:(30080|30443|3276)')"
equal 'real servers of a service' '172.30.21.7:80 172.30.33.7:80 172.30.45.7:80' "$(real_servers 10.254.122.20:80/TCP)"
equal 'the API server, from the object that it makes itself' 172.16.1.5:6443 "$(real_servers 10.254.0.1:443/TCP)"
equal 'session affinity' '-A -t 10.254.167.37:80 -s rr -p 10800' "$(ipvsadm -S -n | grep -- '-A -t 10.254.167.37:80')"
equal 'headless and ExternalName services have no virtual server' '' \
        "$(ipvsproxyctl list --no-pager | grep -E 'headless|external')"

# ---- objects change

put_service() {
        apictl put - <<END
apiVersion: v1
kind: Service
metadata: {name: extra, namespace: default, labels: {$2}}
spec:
  clusterIP: 10.254.77.77
  type: NodePort
  ports: [{name: web, port: 80, targetPort: 80, nodePort: $1}]
END
}
put_service 31000 ''
put_slice default extra web 80 TCP 172.30.21.8@k8s02 172.30.33.8@k8s03
succeeds 'a new service: its virtual server' wait_until 5 real_servers_are 10.254.77.77:80/TCP '172.30.21.8:80 172.30.33.8:80'
succeeds 'its address' wait_until 5 has_address 10.254.77.77/32
succeeds 'its node port' wait_until 5 real_servers_are 172.16.1.10:31000/TCP '172.30.21.8:80 172.30.33.8:80'
matches 'it answers' '^nginx-' "$(in_ns client curl -sS --max-time 5 172.16.1.10:31000/)"
put_service 31001 ''
succeeds 'another node port' wait_until 5 has_server 172.16.1.10:31001/TCP
succeeds 'the old one is gone' wait_until 5 has_no_server 172.16.1.10:31000/TCP
put_slice default extra web 80 TCP 172.30.33.8@k8s03
succeeds 'an endpoint less' wait_until 5 real_servers_are 10.254.77.77:80/TCP 172.30.33.8:80
put_slice default extra web 80 TCP
succeeds 'no endpoint' wait_until 5 real_servers_are 10.254.77.77:80/TCP ''
equal 'then it is refused at once, from outside' refused "$(in_ns client podclient tcp 10.254.77.77 80)"
equal 'and from the node' refused "$(podclient tcp 10.254.77.77 80)"
put_slice default extra web 80 TCP 172.30.21.8@k8s02
succeeds 'an endpoint again' wait_until 5 real_servers_are 10.254.77.77:80/TCP 172.30.21.8:80
put_service 31001 'service.kubernetes.io/service-proxy-name: other'
succeeds 'another proxy takes the service over' wait_until 5 has_no_server 10.254.77.77:80/TCP
succeeds 'and its address goes' wait_until 5 has_no_address 10.254.77.77/32
put_service 31001 ''
succeeds 'it comes back' wait_until 5 has_address 10.254.77.77/32
# A process of the node that was there first: the node port goes before it, and that is told.
podserver --name busy --tcp 31005 >/run/podserver-busy &
busy=$!
wait_until 5 grep -q ^ready /run/podserver-busy
put_service 31005 ''
succeeds 'a node port where a process listens' wait_until 5 real_servers_are 172.16.1.10:31005/TCP 172.30.21.8:80
says() {
        [[ $(ipvsproxyctl "${@:2}" 2>&1) == *"$1"* ]]
}
succeeds 'the service says so' wait_until 5 says NodePortInUse list --no-pager default/extra
matches 'with the socket' 'user 0 that listens on (\*|\[::\]|0\.0\.0\.0):31005' "$(ipvsproxyctl explain 172.16.1.10:31005/tcp)"
matches 'and the node' 'NodePortsFree is false' "$(ipvsproxyctl status)"
matches 'and a metric' 'ipvsproxy_node_port_conflicts 1' "$(curl -sS 127.0.0.1:10249/metrics)"
succeeds 'metrics keep the rules of their format' metrics-check < <(curl -sS 127.0.0.1:10249/metrics)
matches 'and the log' 'Node port 31005/TCP of service default/extra:web: a process of user 0' \
        "$(journalctl --no-pager -u ipvsproxyd.service)"
matches 'what answers there is the service' '^nginx-' "$(in_ns client curl -sS --max-time 5 172.16.1.10:31005/)"
kill "$busy"
ipvsproxyctl resync --full >/dev/null
succeeds 'it ended: all is well' wait_until 5 says 'NodePortsFree' status
fails_to_say() {
        ! says "$@"
}
succeeds 'and no longer told' wait_until 5 fails_to_say NodePortInUse list --no-pager default/extra

# Docker's policy, and what kube-proxy would have added to the chain.
nft -f - <<'END'
table ip filter { chain FORWARD { type filter hook forward priority filter; policy drop; }; }
END
ipvsproxyctl resync --full >/dev/null
succeeds 'FORWARD drops: told' wait_until 5 says 'ForwardAllowed is unknown' status
matches 'with the chain' 'ip filter FORWARD' "$(ipvsproxyctl status)"
matches 'by doctor too' 'warn +forwarding +The chain ip filter FORWARD drops' "$(ipvsproxyctl doctor)"
equal 'and so it is' timeout "$(in_ns client podclient tcp 10.254.77.77 80)"
nft add rule ip filter FORWARD ct state established,related accept
matches 'the rule that status names helps' '^nginx-' "$(in_ns client curl -sS --max-time 5 10.254.77.77/)"
nft delete table ip filter
ipvsproxyctl resync --full >/dev/null
succeeds 'gone: told no longer' wait_until 5 fails_to_say ForwardPolicyDrop status

apictl delete services default/extra
succeeds 'a deleted service' wait_until 5 has_no_server 10.254.77.77:80/TCP
succeeds 'a deleted address' wait_until 5 has_no_address 10.254.77.77/32
succeeds 'a deleted node port' wait_until 5 has_no_server 172.16.1.10:31005/TCP

# An address that is never served and a node port where a process listens: the Events about them are looked for below.
podserver --name occupant --tcp 31006 >/run/podserver-occupant &
occupant=$!
wait_until 5 grep -q ^ready /run/podserver-occupant
apictl put - <<'END'
apiVersion: v1
kind: Service
metadata: {name: looped, namespace: default}
spec:
  clusterIP: 10.254.77.78
  externalIPs: [127.0.0.9]
  ports: [{name: web, port: 80, targetPort: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: occupied, namespace: default}
spec:
  clusterIP: 10.254.77.79
  type: NodePort
  ports: [{name: web, port: 80, targetPort: 80, nodePort: 31006}]
END

# ---- the node's addresses change

ip address add 172.16.1.210/24 dev net0
succeeds 'node ports follow a new address' wait_until 5 has_server 172.16.1.210:30080/TCP
ip address del 172.16.1.210/24 dev net0
succeeds 'and one that goes' wait_until 5 has_no_server 172.16.1.210:30080/TCP

# ---- what others break

wanted=$(ours)
is_as_wanted() {
        [[ $(ours) == "$wanted" ]]
}
wanted_addresses=$(addresses)
has_all_addresses() {
        [[ $(addresses) == "$wanted_addresses" ]]
}
ip link del kube-ipvs0
succeeds 'kube-ipvs0 deleted: the addresses come back' wait_until 10 has_address 10.254.111.142/32
succeeds 'all of them' wait_until 5 has_all_addresses
ip address flush dev kube-ipvs0
succeeds 'kube-ipvs0 flushed: the addresses come back' wait_until 10 has_address 10.254.0.2/32
nft delete table inet ipvsproxy
succeeds 'the table deleted: it comes back' wait_until 10 nft list table inet ipvsproxy
equal 'with its elements: what is no service port is refused' refused "$(in_ns client podclient tcp 10.254.111.142 81)"
ipvsadm -D -t 10.254.111.142:8080
ipvsadm -e -t 10.254.122.20:80 -r 172.30.33.7:80 -m -w 0
ipvsproxyctl resync >/dev/null
succeeds 'virtual servers deleted and changed: a resync repairs them' wait_until 10 is_as_wanted
equal 'traffic is as before' 'Hello from Heketi' "$(in_ns client curl -sS --max-time 5 10.254.111.142:8080/hello)"

# ---- Events

has_event() {
        apictl get events | grep -E "\"reason\":\"$1\"" | grep -cE "$2" | grep -qvx 0
}
succeeds 'an Event says that it started' wait_until 10 has_event Starting '"regarding":\{"kind":"Node","name":"k8s02"'
succeeds 'an Event says that an address is refused' \
        wait_until 40 has_event AddressRefused '"namespace":"default".*"name":"looped".*127\.0\.0\.9.*LoopbackAddress'
equal 'it is told once' 1 "$(apictl get events | grep -c '"reason":"AddressRefused"')"
succeeds 'an Event says that a process listens on a node port' \
        wait_until 40 has_event NodePortInUse '"namespace":"default".*"name":"occupied".*:31006 '
kill "$occupant"
apictl delete services default/occupied
apictl delete services default/looped
succeeds 'the service is gone again' wait_until 5 has_no_server 10.254.77.78:80/TCP

# ---- a shutdown of the machine waits

# logind does everything; but what it starts at the end is a target with nothing in it. Then it calls the shutdown off.
mkdir -p /run/systemd/system
printf '[Unit]\nDefaultDependencies=no\n' >/run/systemd/system/reboot.target
systemctl daemon-reload
has_lock() {
        systemd-inhibit --list --no-legend --no-pager 2>/dev/null | grep -q '^ipvsproxyd .*shutdown.*delay'
}
has_logged() {
        journalctl --no-pager -q -u ipvsproxyd.service -g "$1" | grep -q .
}
node_is() {
        [[ $(ipvsproxyctl show --value -p State 2>/dev/null) == "$1" ]]
}
healthz() {
        curl -s -o /dev/null -w '%{http_code}' --max-time 5 http://127.0.0.1:10256/healthz
}
succeeds 'logind has a lock of the daemon' wait_until 10 has_lock
equal 'the node serves' 200 "$(healthz)"
busctl --timeout=20 call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager Reboot b false >/dev/null 2>&1
succeeds 'the machine is to reboot: the node drains' wait_until 3 node_is draining
equal 'load balancers are told' 503 "$(healthz)"
succeeds 'the shutdown goes on when the node is drained' wait_until 8 has_logged 'The shutdown goes on'
succeeds 'it did not take place: the node serves again' wait_until 10 node_is running
succeeds 'and the next one would wait too' wait_until 10 has_lock
rm /run/systemd/system/reboot.target
systemctl daemon-reload

# ---- restarts

before=$(ours)
systemctl stop ipvsproxyd.service
equal 'stopped: the kernel stays as it was' "$before" "$(ours)"
equal 'stopped: traffic goes on' 'Hello from Heketi' "$(in_ns client curl -sS --max-time 5 10.254.111.142:8080/hello)"

# A scheduler that cannot be had: the start is refused with those that can, and nothing is touched.
printf 'install ip_vs_sed /bin/false\n' >/etc/modprobe.d/no-sed.conf
rmmod ip_vs_sed 2>/dev/null
refused=$(timeout 60 ipvsproxyd "${founding_flags[@]}" --ipvs-scheduler=sed 2>&1)
matches 'a scheduler that the kernel lacks: no start' '^[1-9]' "$?"
matches 'with those it has' 'no IPVS scheduler sed \(ipvs\.scheduler\), only rr wrr lc wlc [a-z ]*mh' "$refused"
equal 'and the kernel is as it was' "$before" "$(ours)"
rm /etc/modprobe.d/no-sed.conf

apictl delete services default/heketi
unit_configure "${founding_flags[@]}" --drain-timeout=2s --shutdown-delay=4s --watch-nodes=true
unit_start
succeeds 'started again' unit_synced
succeeds 'what was deleted meanwhile is gone' wait_until 5 has_no_server 10.254.111.142:8080/TCP
succeeds 'with its address' wait_until 5 has_no_address 10.254.111.142/32
cp "$api_state/objects/manifests.yaml" "$api_state/objects/.again" && mv "$api_state/objects/.again" "$api_state/objects/manifests.yaml"
succeeds 'what came back is back' wait_until 5 has_server 10.254.111.142:8080/TCP
equal 'all is as before' "$before" "$(ours)"

# ---- addresses of other nodes (watchNodes, since that start)

apictl put - <<'END'
apiVersion: v1
kind: Node
metadata: {name: k8s03}
status: {addresses: [{type: InternalIP, address: 172.16.1.11}]}
---
apiVersion: v1
kind: Service
metadata: {name: stolen, namespace: default}
spec:
  clusterIP: 10.254.77.80
  externalIPs: [172.16.1.11, 192.0.2.80]
  ports: [{name: web, port: 80, targetPort: 80}]
END
succeeds 'an external IP of nobody is served' wait_until 5 has_server 192.0.2.80:80/TCP
succeeds "another node's is refused" wait_until 5 says NodeAddress list --no-pager default/stolen
succeeds 'with no virtual server' has_no_server 172.16.1.11:80/TCP
succeeds 'nor address' has_no_address 172.16.1.11/32
apictl delete nodes k8s03
succeeds 'the node goes: served' wait_until 5 has_server 172.16.1.11:80/TCP
apictl delete services default/stolen
succeeds 'and gone with the service' wait_until 5 has_no_server 172.16.1.11:80/TCP

# ---- rights

useradd --create-home alice
runuser -u alice -- ipvsproxyctl status >/dev/null
equal 'a plain user may look' 0 $?
runuser -u alice -- ipvsproxyctl resync >/dev/null 2>&1
equal 'a plain user may not resync' 5 $?
matches 'nor by a call of the method' 'Call failed: .*(denied|authoriz|authentication)' \
        "$(runuser -u alice -- busctl call org.k8s.IpvsProxy /org/k8s/IpvsProxy org.k8s.IpvsProxy Resync t 0 2>&1)"
ipvsproxyctl resync >/dev/null
equal 'root may resync' 0 $?

# ---- what is not ours

equal "somebody else's virtual servers and tables are as they were" "$foreign_before" "$(foreign)"

# ---- the daemon executes nothing

systemctl stop ipvsproxyd.service
strace -f -e trace=execve,execveat -o /run/strace.log ipvsproxyd "${founding_flags[@]}" --drain-timeout=2s 2>/run/strace.daemon &
tracer=$!
succeeds 'under strace: it runs' wait_until 60 unit_synced 5
put_service 31002 ''
put_slice default extra web 80 TCP 172.30.21.8@k8s02
succeeds 'under strace: a service comes' wait_until 10 real_servers_are 10.254.77.77:80/TCP 172.30.21.8:80
ip link del kube-ipvs0
succeeds 'under strace: the device comes back' wait_until 20 has_address 10.254.77.77/32
apictl delete services default/extra
succeeds 'under strace: the service goes' wait_until 10 has_no_server 10.254.77.77:80/TCP
ipvsproxyctl resync >/dev/null
kill -TERM "$(pgrep -P "$tracer" ipvsproxyd)"
wait "$tracer"
equal 'nothing but the daemon itself was executed' 1 "$(grep -cE 'execve(at)?\(' /run/strace.log)"
finish
