#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# By hand, four minutes: what takes time under the unit. The watchdog ends a daemon that stands still while traffic goes
# on (S4), the sandbox lets a script do nothing but what is meant (S2), people type passwords (P3), and a stop does not wait for them (S6).
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"
# shellcheck source=tests/vm/founding.sh
source "${BASH_SOURCE%/*}/founding.sh"

name=org.k8s.IpvsProxy root=/org/k8s/IpvsProxy rate=${IPVSPROXY_TEST_RATE:-50}

founding_up
unit_start || finish
succeeds 'all services are in the kernel' unit_synced
useradd -m u1
useradd -m -G sudo boss
echo boss:secret | chpasswd

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
succeeds "SIGSTOP: the watchdog ended it after $took s (S4)" test "$took" -le 33
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

# ---- passwords (P3)

# asks DELAY PASSWORD: u1 at a terminal resyncs, and somebody types that after a while; prints what busctl said
asks() {
        { sleep "$1"; printf '%s\n' "$2"; sleep 3; } |
                script -qec "setpriv --reuid u1 --regid u1 --init-groups busctl --timeout=120 call $name $root $name Resync t 0" \
                        /dev/null 2>&1 | tr -d '\r'
}
matches 'the right password (P3)' $'\nt [0-9]+' "$(asks 3 secret)"
# auth_admin where there is no session: it is not kept, and the next call is asked about again.
said=$(asks 3 wrong)
matches 'a wrong password (P3)' 'denied|required|dismissed|Not authorized' "$said"
succeeds 'nothing was done for it (P3)' sh -c "! printf '%s' '$said' | grep -q '^t [0-9]'"
matches 'a minute of thought (P3)' $'\nt [0-9]+' "$(asks 60 secret)"

# ---- a stop while somebody thinks about a password (S6)

asks 40 secret >/run/thinking &
thinking=$!
sleep 8
began=$SECONDS
systemctl stop ipvsproxyd.service
succeeds 'a stop does not wait for polkit (S6)' test $((SECONDS - began)) -le 5
equal 'the kernel keeps what is programmed (S6)' "$servers" "$(ipvsadm -S -n | sort)"
kill "$thinking" 2>/dev/null
systemctl start ipvsproxyd.service
succeeds 'and it is well again' unit_synced
finish
