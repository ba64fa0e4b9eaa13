#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# By hand, ten minutes: what takes time under the unit. The watchdog ends a daemon that stands still while traffic goes
# on (S4), and none because the bus does (S5); the sandbox lets a script do nothing but what is meant (S2); people type
# passwords (P3), and a stop does not wait for them (S6); networkd is restarted (S8); a kernel and a sandbox that lack
# something (S7). NetworkManager, firewalld and sessions are in long-neighbours.sh.
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"
# shellcheck source=tests/vm/founding.sh
source "${BASH_SOURCE%/*}/founding.sh"
# shellcheck source=tests/vm/people.sh
source "${BASH_SOURCE%/*}/people.sh"

name=org.k8s.IpvsProxy root=/org/k8s/IpvsProxy rate=${IPVSPROXY_TEST_RATE:-50}

founding_up
unit_start || finish
succeeds 'all services are in the kernel' unit_synced
people_up

# ---- the watchdog (S4)

pid=$(unit_pid)
other_process() {
        [[ $(unit_pid) != 0 && $(unit_pid) != "$pid" ]]
}
servers=$(ipvsadm -S -n | sort)
in_ns client podclient --timeout 10000 rate tcp 172.16.1.10 30443 "$rate" 50 >/run/answers &
client=$!
sleep 2
kill -STOP "$pid"
began=$SECONDS
patience=1 wait_until 45 other_process
took=$((SECONDS - began))
# The unit's 30 s; then a process that stands still is killed, and the next one starts after a second.
succeeds "SIGSTOP: the next one is there after $took s (S4)" test "$took" -le 35
succeeds 'it was the watchdog (S4)' sh -c 'journalctl -q -u ipvsproxyd.service -o cat | grep -q "Watchdog timeout"'
succeeds 'the next one adopts and is well (S4)' unit_synced
wait "$client"
matches 'not one connection failed (S4)' "^$((50 * rate)) connections, $((50 * rate)) answered" "$(tail -n 1 /run/answers)"
equal 'the kernel is as it was (S4)' "$servers" "$(ipvsadm -S -n | sort)"

# ---- the sandbox (S2)

# What the daemon could do if somebody else gave it orders: the unit's own settings around another program.
cat >/run/sandbox.sh <<'END'
try() { if eval "$1" >/dev/null 2>&1; then echo "$1"; fi; }
try 'echo 0 >/proc/sys/net/ipv4/vs/am_droprate && echo 10 >/proc/sys/net/ipv4/vs/am_droprate'
try 'ip link add sandbox0 type dummy && ip link del sandbox0'
try 'nft list tables'
try 'echo 1 >/proc/sys/kernel/sysrq'
try 'echo 1 >/proc/sys/vm/drop_caches'
try 'touch /etc/sandbox'
try 'touch /usr/sandbox'
try 'touch /var/tmp/../lib/sandbox'
try 'mount -t tmpfs none /mnt'
try 'insmod /usr/lib/modules/$(uname -r)/kernel/drivers/block/brd.ko'
try 'unshare -n true'
try 'unshare -U true'
try 'strace -p 1 -o /dev/null & sleep 0.5; kill $!'
try 'head -c 1 /dev/vda'
try 'head -c 1 /etc/shadow'
try 'ls /root'
try 'test -d /proc/1'
try 'dmesg -C'
try 'date -s 2020-01-01'
try 'hostname sandbox'
try 'chmod u+s /run/sandbox-test/x'
try 'chrt -f 1 true'
try 'nice -n -5 true && test $(nice -n -5 nice) -lt 0'
try 'kill -0 1'
END
sed -e 's|^ExecStart=.*|ExecStart=/bin/bash /run/sandbox.sh|; s/^Type=.*/Type=oneshot/; s/^RuntimeDirectory=.*/RuntimeDirectory=sandbox-test/' \
        -e '/^\(BusName\|ExecReload\|Restart\|WatchdogSec\|NotifyAccess\|Conflicts\|Alias\|WantedBy\|\[Install\|Environment\)/d' \
        /usr/lib/systemd/system/ipvsproxyd.service >/run/systemd/system/sandbox-test.service
systemctl daemon-reload
systemctl start sandbox-test.service
equal 'in the sandbox the network can be changed and nothing else (S2)' "$(sed -n 's/^try .\(.*\).$/\1/p' /run/sandbox.sh | head -n 3)" \
        "$(journalctl -q -o cat -t bash -u sandbox-test.service)"

# ---- the bus stands still (S5)

# endpoint_is ADDRESS: the only real server of the service that changes
endpoint_is() {
        [[ $(real_servers 10.254.77.77:80/TCP) == "$1:80" ]]
}
apictl put - <<'END'
apiVersion: v1
kind: Service
metadata: {name: moving, namespace: default}
spec:
  clusterIP: 10.254.77.77
  ports: [{name: http, port: 80, targetPort: 80, protocol: TCP}]
END
put_slice default moving http 80 TCP 172.30.21.200@k8s02
succeeds 'a service that changes is there (S5)' wait_until 10 endpoint_is 172.30.21.200
pid=$(unit_pid)
restarts=$(systemctl show -P NRestarts ipvsproxyd.service)
kill -STOP "$(pgrep -x dbus-daemon)"
began=$SECONDS late=0 changes=0
while ((SECONDS - began < 45)); do
        changes=$((changes + 1))
        put_slice default moving http 80 TCP "172.30.21.$((200 + changes % 50))@k8s02"
        wait_until 2 endpoint_is "172.30.21.$((200 + changes % 50))" || late=$((late + 1))
        sleep 1
done
kill -CONT "$(pgrep -x dbus-daemon)"
equal "the bus stood still for 45 s: $changes changes were programmed meanwhile (S5)" 0 "$late"
equal 'and the watchdog did nothing (S5)' "$pid $restarts" "$(unit_pid) $(systemctl show -P NRestarts ipvsproxyd.service)"
succeeds 'the service is on the bus again (S5)' wait_until 10 busctl --timeout=2 get-property "$name" "$root" "$name" State
apictl delete services default/moving
apictl delete endpointslices default/moving-test

# ---- passwords (P3)

allowed=$(decided allowed) denied=$(decided denied)
said=$(asks 8 'secret\n')
matches 'the right password (P3)' 'status 0' "$(one_line "$said")"
matches 'it was asked for, and whose it is (P3)' 'program Kubernetes services on this node again.*boss' "$(one_line "$said")"
# auth_admin where there is no session: it is not kept, and the next call is asked about again.
said=$(asks 8 'wrong\n')
matches 'a wrong password (P3)' 'Password.*status 5' "$(one_line "$said")"
said=$(asks 8 '\003')
matches 'Ctrl-C (P3)' 'Password: *$' "$(one_line "$said")" # the shell that would say the status is gone too
equal 'that made one who was allowed (P3)' $((allowed + 1)) "$(decided allowed)"
succeeds 'and some who were not (P3)' test "$(decided denied)" -gt "$denied"
said=$(asks 60 'secret\n')
matches 'a minute of thought (P3)' 'status 0' "$(one_line "$said")"

# ---- a stop while somebody thinks about a password (S6)

asks 40 'secret\n' >/run/thinking &
thinking=$!
succeeds 'somebody is asked (S6)' wait_until 5 pgrep -f polkit-agent-helper
began=$SECONDS
systemctl stop ipvsproxyd.service
succeeds 'a stop does not wait for polkit (S6)' test $((SECONDS - began)) -le 5
equal 'the kernel keeps what is programmed (S6)' "$servers" "$(ipvsadm -S -n | sort)"
wait "$thinking"
matches 'who thought is told that it failed (S6)' 'status [1-9]' "$(one_line "$(</run/thinking)")"
systemctl start ipvsproxyd.service
succeeds 'and it is well again' unit_synced

# ---- networkd (S8)

# One that takes every dummy for its own, but for what our file says. It would wait for udev, which the image has not, unless
# /sys looks as it does in a container.
systemctl unmask systemd-networkd.service 2>/dev/null
mkdir -p /run/systemd/network /run/systemd/system/systemd-networkd.service.d
printf '[Service]\nReadOnlyPaths=/sys\n' >/run/systemd/system/systemd-networkd.service.d/sys.conf
printf '[Match]\nKind=dummy\n[Network]\nLinkLocalAddressing=no\n' >/run/systemd/network/50-dummies.network
systemctl daemon-reload
ip link add other0 type dummy
# setup_of DEVICE: what networkd says of it
setup_of() {
        networkctl --no-pager --no-legend list "$1" | awk '{ print $5 }'
}
other_is_configured() {
        [[ $(setup_of other0) == configured ]]
}
before=$(device_state)
table=$(nft -s list table inet ipvsproxy)
drift=$(busctl get-property "$name" "$root" "$name" DriftCount)
for verb in start restart; do
        systemctl "$verb" systemd-networkd.service
        succeeds "$verb of networkd: a dummy is its own (S8)" wait_until 10 other_is_configured
        equal "$verb of networkd: kube-ipvs0 is not (S8)" unmanaged "$(setup_of kube-ipvs0)"
        equal "$verb of networkd: the device and every address stay (S8)" "$before" "$(device_state)"
        equal "$verb of networkd: the table stays (S8)" "$table" "$(nft -s list table inet ipvsproxy)"
        equal "$verb of networkd: nothing had to be repaired (S8)" "$drift" "$(busctl get-property "$name" "$root" "$name" DriftCount)"
done
systemctl stop systemd-networkd.socket systemd-networkd.service
rm -r /run/systemd/network/50-dummies.network /run/systemd/system/systemd-networkd.service.d
ip link del other0

# ---- what a kernel or a sandbox may lack (S7)

# drop_in [LINE...]: further lines of [Service]; none: as it is installed
drop_in() {
        rm -rf /run/systemd/system/ipvsproxyd.service.d
        if (($# > 0)); then
                mkdir -p /run/systemd/system/ipvsproxyd.service.d
                printf '%s\n' '[Service]' "$@" >/run/systemd/system/ipvsproxyd.service.d/test.conf
        fi
        systemctl daemon-reload
}
start_it() {
        sleep 1
        started=$(date '+%F %T')
        systemctl reset-failed ipvsproxyd.service 2>/dev/null
        systemctl start ipvsproxyd.service
}
# logged REGEX: since start_it
logged() {
        journalctl -q -u ipvsproxyd.service -o cat --since "$started" | grep -q "$1"
}
modules() {
        lsmod | awk '$1 == "dummy" || $1 ~ /^ip_vs/ { print $1 }' | sort
}
# As on a node on which nobody has loaded any of them.
without_modules() {
        systemctl stop ipvsproxyd.service
        ipvsproxyd --cleanup >/dev/null 2>&1
        # shellcheck disable=SC2046 # one word each
        rmmod $(modules | grep -v '^ip_vs$') ip_vs
}
preloaders=(modprobe@ip_vs.service modprobe@nf_conntrack.service modprobe@nf_tables.service modprobe@dummy.service)
systemctl mask --runtime "${preloaders[@]}" >/dev/null 2>&1

without_modules
equal 'the modules are gone (S7)' '' "$(modules)"
start_it
succeeds 'it starts without modules (S7)' unit_synced
equal 'and they come by themselves (S7)' "$servers" "$(ipvsadm -S -n | sort)"

without_modules
mkdir -p /run/modprobe.d
echo 'install dummy /bin/false' >/run/modprobe.d/no-dummy.conf
start_it
equal 'without dummy it starts (S7)' active "$(systemctl is-active ipvsproxyd.service)"
succeeds 'and says what the kernel lacks (S7)' wait_until 10 logged 'lacks dummy'
matches 'on the bus too (S7)' dummy "$(busctl get-property "$name" "$root" "$name" Capabilities)"
rm /run/modprobe.d/no-dummy.conf
succeeds 'and goes on when the kernel has it (S7)' unit_synced 90

systemctl stop ipvsproxyd.service
sysctl -qw net.ipv4.vs.conntrack=0
drop_in ReadWritePaths= ReadWritePaths=/run/ipvsproxy
start_it
succeeds 'it works with sysctls that are read-only (S7)' unit_synced
succeeds 'and says which one it could not set (S7)' logged 'net[/.]ipv4[/.]vs[/.]conntrack'
equal 'which is so (S7)' 0 "$(sysctl -n net.ipv4.vs.conntrack)"

systemctl stop ipvsproxyd.service
drop_in AmbientCapabilities= CapabilityBoundingSet= Restart=no
start_it 2>/dev/null
equal 'without CAP_NET_ADMIN it does not start (S7)' failed "$(systemctl is-active ipvsproxyd.service)"
succeeds 'and says why (S7)' logged CAP_NET_ADMIN
drop_in
matches 'where nobody may have it the unit is skipped (S7)' 'ConditionCapability=CAP_NET_ADMIN failed' \
        "$(setpriv --bounding-set=-net_admin --inh-caps=-net_admin -- systemd-analyze condition --unit=ipvsproxyd.service 2>&1)"
succeeds 'and here it is not' systemd-analyze condition --unit=ipvsproxyd.service
systemctl unmask --runtime "${preloaders[@]}" >/dev/null 2>&1
start_it
succeeds 'and it is well again' unit_synced
finish
