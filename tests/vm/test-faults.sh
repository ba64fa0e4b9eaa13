#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# System calls of the daemon that speak netlink fail while things change and are broken by others: strace makes them. In
# the end the kernel holds what the objects say, and what is somebody else's is as it was. The same calls carry the
# journal's and the bus's messages, which fail with them.
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"
# shellcheck source=tests/vm/founding.sh
source "${BASH_SOURCE%/*}/founding.sh"

real_servers_are() {
        [[ $(real_servers "$1") == "$2" ]]
}

# Without what the faults are tried with.
ours() {
        ipvsadm -S -n | grep -v ' 10\.254\.78\.' | sort
        ip -o address show dev kube-ipvs0 | awk '{ print $4 }' | grep -v '^10\.254\.78\.' | sort
}

ours_is() {
        [[ $(ours) == "$1" ]]
}

foreign() {
        ipvsadm -S -n | grep ' 192\.0\.2\.'
        nft list table ip somebody
        ip -o address show dev lo
}

# put_service NUMBER
put_service() {
        apictl put - <<END
apiVersion: v1
kind: Service
metadata: {name: fault-$1, namespace: default}
spec:
  clusterIP: 10.254.78.$1
  clusterIPs: [10.254.78.$1]
  ports: [{name: web, port: 80, targetPort: 80, protocol: TCP}]
END
        put_slice default "fault-$1" web 80 TCP 172.30.21.8@k8s02 172.30.33.8@k8s03
}

# services_are NUMBER: this one is complete, and nothing is left of the one before
services_are() {
        real_servers_are "10.254.78.$1:80/TCP" '172.30.21.8:80 172.30.33.8:80' &&
                [[ $(ip -o address show dev kube-ipvs0 | grep -c ' 10\.254\.78\.') == 1 ]] &&
                [[ $(ipvsadm -S -n | grep -c '^-A .* 10\.254\.78\.') == 1 ]]
}

# fault NUMBER CALLS ERROR WHEN
fault() {
        local calls=$2 log=/run/strace-$1 tracer
        strace -f -q -p "$(unit_pid)" -e "trace=$calls" -e "inject=$calls:error=$3:when=$4" -o "$log" &
        tracer=$!
        wait_until 5 grep -q "TracerPid:.*$tracer" "/proc/$(unit_pid)/status"
        put_service "$1"
        apictl delete services "default/fault-$(($1 - 1))"
        apictl delete endpointslices "default/fault-$(($1 - 1))-test"
        # By others: a real server, an address, the table.
        ipvsadm -d -t 10.254.111.142:8080 -r 172.30.21.5:8080
        ip address del 10.254.0.2/32 dev kube-ipvs0
        nft delete table inet ipvsproxy
        sleep 4
        kill "$tracer"
        wait "$tracer"
        succeeds "$2 failed with $3 now and then" grep -q INJECTED "$log"
        succeeds "$2 with $3: services came and went" wait_until 15 services_are "$1"
        succeeds "$2 with $3: what others broke is whole" wait_until 15 ours_is "$before"
        matches "$2 with $3: a service answers" 'Hello from Heketi' \
                "$(in_ns client curl -sS --max-time 5 10.254.111.142:8080/hello 2>&1)"
        equal "$2 with $3: the daemon is the same" "$pid" "$(unit_pid)"
}

founding_up --bookmarks 30
unit_configure "${founding_flags[@]}" --ipvs-sync-period=5s --drain-timeout=1s
nft -f - <<'END'
table ip somebody {
        set s { type ipv4_addr; elements = { 10.254.0.1 } }
        chain c {
                type filter hook forward priority 10;
                ip saddr @s drop
        }
}
END
ipvsadm -A -t 192.0.2.1:80 -s sed
ipvsadm -a -t 192.0.2.1:80 -r 192.0.2.2:80 -m
unit_start || finish
succeeds 'all services are in the kernel' unit_synced
pid=$(unit_pid)
before=$(ours)
foreign_before=$(foreign)
matches 'there is something of somebody else' 'chain c' "$foreign_before"
put_service 0

fault 1 sendmsg ENOBUFS 1+2
fault 2 recvmsg,recvmmsg ENOBUFS 2+2
fault 3 recvmsg,recvmmsg,sendmsg EINTR 1+2
fault 4 recvmsg,recvmmsg,sendmsg,sendto ENOMEM 5+7

succeeds 'nothing is left to be tried again' wait_until 20 unit_synced 5
equal "what is somebody else's is as it was" "$foreign_before" "$(foreign)"
# Who starts anew and finds nothing to do agrees with what is there.
succeeds 'a restart' systemctl restart ipvsproxyd.service
succeeds 'knows all' unit_synced
matches 'and changes nothing' '^ipvsproxy_kernel_operations_total 0$' \
        "$(curl -sS --max-time 5 http://127.0.0.1:10249/metrics | grep '^ipvsproxy_kernel_operations_total')"
finish
