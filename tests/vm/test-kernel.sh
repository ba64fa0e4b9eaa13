#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The netlink backend against a real kernel, with ipvsadm, ip and nft as witnesses.
set -uo pipefail

passed=0 failed=0

ok() {
        passed=$((passed + 1))
        printf 'ok      %s\n' "$1"
}

not_ok() {
        failed=$((failed + 1))
        printf 'FAILED  %s\n' "$1"
        shift
        (($#)) && printf '        %s\n' "$@"
}

# equal NAME EXPECTED ACTUAL
equal() {
        if [[ $2 == "$3" ]]; then ok "$1"; else not_ok "$1" "expected: $2" "got:      $3"; fi
}

rules() {
        ipvsadm -S -n | sort
}

# ---- the module is loaded by asking for it

# modules-load.d brought it at boot.
grep -o '^ip_vs_[a-z]*' /proc/modules | xargs -r rmmod
rmmod ip_vs
equal 'ip_vs is not there at first' '' "$(grep '^ip_vs ' /proc/modules)"
info=$(ipvs-test info)
if [[ $info =~ ^[0-9]+\.[0-9]+\ 0x[0-9a-f]+\ [0-9]+$ ]]; then ok "ip_vs comes by itself: $info"; else not_ok "ip_vs comes by itself" "$info"; fi
modprobe -q ip_vs # what comes now does not depend on it

# ---- operations: values and errors, in one batch

answers=$(ipvs-test apply <<'END'
+vs 10.0.0.1:80/tcp rr
+rs 10.0.0.1:80/tcp 10.1.0.1:8080 1
+rs 10.0.0.1:80/tcp 10.1.0.2:8081 5
+vs 10.0.0.1:80/tcp rr
+rs 10.0.0.1:80/tcp 10.1.0.1:8080 1
=rs 10.0.0.1:80/tcp 10.1.0.9:8080 1
-rs 10.0.0.1:80/tcp 10.1.0.9:8080
+rs 10.0.0.9:80/tcp 10.1.0.1:8080 1
=vs 10.0.0.9:80/tcp rr
-vs 10.0.0.9:80/tcp
+vs 10.0.0.8:80/tcp nonesuch
+vs 10.0.0.2:53/udp wrr 0x1 10800
+vs 10.0.0.3:9999/sctp sh 0x18
+vs [fd00::1]:443/tcp wlc 0x1 300
+rs [fd00::1]:443/tcp [fd01::1]:8443 1
END
)
equal 'each message has its own answer' \
        '0 0 0 EEXIST EEXIST ENOENT ENOENT ESRCH ESRCH ESRCH ENOENT 0 0 0 0' "$answers"
equal 'ipvsadm sees what was written' "$(sort <<'END'
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.1.0.1:8080 -m -w 1
-a -t 10.0.0.1:80 -r 10.1.0.2:8081 -m -w 5
-A -u 10.0.0.2:53 -s wrr -p 10800
-A --sctp-service 10.0.0.3:9999 -s sh -b sh-fallback,sh-port
-A -t [fd00::1]:443 -s wlc -p 300
-a -t [fd00::1]:443 -r [fd01::1]:8443 -m -w 1
END
)" "$(rules)"
equal 'the dump is what was written' "$(sort <<'END'
vs 10.0.0.1:80/TCP rr 0 0
  rs 10.1.0.1:8080 w1 m0 a0 i0 c0
  rs 10.1.0.2:8081 w5 m0 a0 i0 c0
vs 10.0.0.2:53/UDP wrr 0x1 10800
vs 10.0.0.3:9999/SCTP sh 0x18 0
vs [fd00::1]:443/TCP wlc 0x1 300
  rs [fd01::1]:8443 w1 m0 a0 i0 c0
END
)" "$(ipvs-test dump | sort)"

answers=$(ipvs-test apply <<'END'
=vs 10.0.0.2:53/udp rr
=vs 10.0.0.1:80/tcp mh 0x11 60
=rs 10.0.0.1:80/tcp 10.1.0.2:8081 0
-rs 10.0.0.1:80/tcp 10.1.0.1:8080
-vs [fd00::1]:443/tcp
-vs 10.0.0.3:9999/sctp
END
)
equal 'changes and removals' '0 0 0 0 0 0' "$answers"
equal 'flags and timeout that are no longer wanted are reset' "$(sort <<'END'
-A -t 10.0.0.1:80 -s mh -p 60 -b mh-port
-a -t 10.0.0.1:80 -r 10.1.0.2:8081 -m -w 0
-A -u 10.0.0.2:53 -s rr
END
)" "$(rules)"
equal 'one virtual server is read' "$(printf 'vs 10.0.0.1:80/TCP mh 0x11 60\n  rs 10.1.0.2:8081 w0 m0 a0 i0 c0\n  total c0 in 0/0 out 0/0')" \
        "$(ipvs-test read 10.0.0.1:80/tcp)"
equal 'one that is not there' 'ipvs-test: read: ESRCH' "$(ipvs-test read 10.0.0.7:80/tcp 2>&1)"
equal 'several are read, but for those that are not there' 'vs 10.0.0.1:80/TCP mh 0x11 60|vs 10.0.0.2:53/UDP rr 0 0' \
        "$(ipvs-test read-many 10.0.0.1:80/tcp 10.0.0.7:80/tcp 10.0.0.2:53/udp | grep ^vs | paste -sd '|')"

# ---- others' objects

ipvsadm -C
ipvsadm -A -f 7 -s rr && ipvsadm -a -f 7 -r 10.1.0.1 -g
ipvsadm -A -t 10.0.0.5:80 -s rr && ipvsadm -a -t 10.0.0.5:80 -r 10.1.0.1 -g
before=$(rules)
equal 'a mark and direct routing are read' "$(printf '  rs 10.1.0.1:0 w1 m3 a0 i0 c0\n  rs 10.1.0.1:80 w1 m3 a0 i0 c0\nvs 10.0.0.5:80/TCP rr 0 0\nvs FWM 7 rr 0 0')" \
        "$(ipvs-test dump | sort)"
printf '+vs 10.0.0.1:80/tcp rr\n-vs 10.0.0.1:80/tcp\n' | ipvs-test apply >/dev/null
equal 'and stay as they are' "$before" "$(rules)"
ipvsadm -C

# ---- schedulers are loaded by naming them

for scheduler in rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh; do
        printf '+vs 198.51.100.1:20000/tcp %s\n-vs 198.51.100.1:20000/tcp\n' "$scheduler"
done >/tmp/schedulers
equal 'every scheduler of this kernel' "$(printf '0 %.0s' {1..25})0" "$(ipvs-test apply </tmp/schedulers)"

# ---- timeouts

equal 'timeouts are set, 0 leaves one alone' '777 120 66' "$(ipvs-test timeouts 777 0 66)"
equal 'ipvsadm sees them' 'Timeout (tcp tcpfin udp): 777 120 66' "$(ipvsadm -L --timeout)"

# ---- a connection is counted

ip link set lo up
ipvs-test addresses +10.0.0.1 >/dev/null
printf '+vs 10.0.0.1:80/tcp rr\n+rs 10.0.0.1:80/tcp 10.0.2.15:22222 1\n' | ipvs-test apply >/dev/null
for _ in 1 2 3; do curl -s -m 1 http://10.0.0.1/ >/dev/null; done
for _ in {1..50}; do # the estimator adds up every two seconds
        counted=$(ipvs-test read 10.0.0.1:80/tcp)
        [[ $counted != *'c3'*'total c3 in '[1-9]* ]] || break
        sleep 0.1
done
if [[ $counted == *'c3'*'total c3 in '[1-9]* ]]; then ok 'connections and packets are counted'; else not_ok 'connections and packets are counted' "$counted"; fi
equal 'and read so with others' "$(ipvs-test read 10.0.0.1:80/tcp)" "$(ipvs-test read-many 10.0.0.1:80/tcp)"
ipvsadm -C

# ---- addresses

ip link del kube-ipvs0
equal 'the device is made once' "$(printf '1 writes 1\n0 writes 0')" "$(ipvs-test device; ipvs-test device)"
equal 'it is down and <BROADCAST,NOARP>' '<BROADCAST,NOARP>' "$(ip -o link show kube-ipvs0 | awk '{ print $3 }')"
equal 'addresses come; a second time is fine' "$(printf '0 0 0\n0 0 0')" \
        "$(ipvs-test addresses +10.254.0.1 +10.254.0.2 +fd00::a; ipvs-test addresses +10.254.0.1 +fd00::a +fd00::a)"
equal 'ip sees them' "$(printf '10.254.0.1/32\n10.254.0.2/32\nfd00::a/128')" \
        "$(ip -o addr show dev kube-ipvs0 | awk '{ print $4 }' | sort)"
if ping -c 1 -W 1 10.254.0.1 >/dev/null && ping -c 1 -W 1 fd00::a >/dev/null; then ok 'both families are local'; else not_ok 'both families are local'; fi
equal 'ours and others are told apart' "$(printf 'device 10.254.0.1/32\ndevice 10.254.0.2/32\ndevice fd00::a/128\nhost 10.0.2.15/24\nhost 127.0.0.1/8\nhost ::1/128')" \
        "$(ipvs-test list-addresses | grep -v fe80 | sort)"
# Over a link without an address the kernel takes any of the host as source.
ip netns add sources
in_sources() {
        nsenter --net=/run/netns/sources -- "$@"
}
in_sources ipvs-test addresses +10.254.0.1 +fd00:254::1 >/dev/null
ip -n sources -batch - <<'END'
link set lo up
link add unnumbered type dummy
link set unnumbered up
link add late type dummy
link set late up
address add 172.16.1.10/24 dev late
address add fd00:172::10/64 dev late nodad
route add 10.253.0.5 dev unnumbered
route add fd00:254::5 dev unnumbered
END
source_to() {
        in_sources ip -o route get "$1" | grep -o ' src [^ ]*'
}
equal 'a service address is no source by chance' ' src 172.16.1.10  src fd00:172::10' \
        "$(source_to 10.253.0.5) $(source_to fd00:254::5)"
equal 'but it is to itself' ' src 10.254.0.1  src fd00:254::1' "$(source_to 10.254.0.1) $(source_to fd00:254::1)"
equal 'it is shown' '10.254.0.1/32 fd00:254::1/128' \
        "$(in_sources ip -o address show dev kube-ipvs0 scope global | awk '{ print $4 }' | cat - <(in_sources ip -o address show dev kube-ipvs0 scope host | awk '{ print $4 }') | sort | paste -sd' ')"
ip -n sources -batch - <<'END'
address del 10.254.0.1/32 dev kube-ipvs0
address add 10.254.0.1/32 dev kube-ipvs0
address change fd00:254::1/128 dev kube-ipvs0 preferred_lft forever valid_lft forever
END
equal 'and bound like any other address it would be' ' src 10.254.0.1  src fd00:254::1' \
        "$(source_to 10.253.0.5) $(source_to fd00:254::5)"
ip netns del sources
equal 'addresses go; what is gone is fine' '0 0 0' "$(ipvs-test addresses -10.254.0.1 -fd00::a -10.254.0.9)"
equal 'ip sees it' '10.254.0.2/32' "$(ip -o addr show dev kube-ipvs0 | awk '{ print $4 }')"
ipvs-test remove && ipvs-test remove
equal 'device and addresses are removed, a second time is fine' '' "$(ip -o link show kube-ipvs0 2>/dev/null)"
ip link add kube-ipvs0 type bridge
equal 'a device of another type is refused' 'ipvs-test: device: EEXIST' "$(ipvs-test device 2>&1 >/dev/null)"
equal 'and not removed' 'ipvs-test: remove: EEXIST' "$(ipvs-test remove 2>&1)"
ip link del kube-ipvs0

# ---- notifications

coproc WATCH { ipvs-test watch; }
read -r -t 60 line <&"${WATCH[0]}"
equal 'the watch begins' 'ready' "$line"

# expect NAME EVENT COMMAND...: the command causes this event within 200 ms
expect() {
        local name=$1 event=$2 line=''
        shift 2
        "$@"
        read -r -t 0.5 line <&"${WATCH[0]}"
        equal "$name" "$event" "$line"
        while read -r -t 0.1 line <&"${WATCH[0]}"; do :; done
}

own() {
        echo own >&"${WATCH[1]}"
}

expect 'what we do ourselves is no news' 'own 0' own
line='' && read -r -t 0.5 line <&"${WATCH[0]}"
equal 'nor afterwards' '' "$line"
expect 'an address on another device' 'event address' ip addr add 192.0.2.1/24 dev lo
expect 'its removal' 'event address' ip addr del 192.0.2.1/24 dev lo
expect 'an IPv6 address on another device' 'event address' ip addr add 2001:db8::1/64 dev eth0 nodad
ip addr add 10.9.9.9/32 dev kube-ipvs0
line='' && read -r -t 0.3 line <&"${WATCH[0]}"
equal 'an address that others add to our device is left to the audit' '' "$line"
expect 'an address taken from our device' 'event device' ip addr del 10.9.9.9/32 dev kube-ipvs0
expect 'another table' '' nft add table inet other
expect 'our table changed' 'event filter' nft add element inet ipvsproxy service_ips4 '{ 10.3.3.3 }'
expect 'the ruleset flushed' 'event filter' nft flush ruleset
expect 'our device deleted' 'event device' ip link del kube-ipvs0
equal 'and made again by the watch' 'kube-ipvs0' "$(ip -o link show kube-ipvs0 | awk -F': ' '{ print $2 }')"
expect 'renamed' 'event device' ip link set kube-ipvs0 name gone0
exec {WATCH[1]}>&-
wait "$WATCH_PID"

# ---- size

ipvs-test bench 2000 10 | tee /tmp/bench
grep -q '^failed 0 seen 22000 of 22000$' /tmp/bench && ok '2000 services with 10 real servers each' || not_ok '2000 services with 10 real servers each'

printf '%d passed, %d failed\n' "$passed" "$failed"
((passed > 0 && failed == 0))
