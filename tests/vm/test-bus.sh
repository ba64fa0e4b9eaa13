#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The service on a real system bus: unit and sandbox, users and polkit, restarts of the bus, hostile users.
# Numbers in brackets are rows of the checklist in the D-Bus reference.
set -uo pipefail

passed=0 failed=0
name=org.k8s.IpvsProxy root=/org/k8s/IpvsProxy
heketi=$root/service/default_2fheketi_3aheketi

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

equal() {
        if [[ $2 == "$3" ]]; then ok "$1"; else not_ok "$1" "expected: $2" "got:      $3"; fi
}

contains() {
        if [[ $3 == *"$2"* ]]; then ok "$1"; else not_ok "$1" "to contain: $2" "got:        ${3:0:600}"; fi
}

# within SECONDS COMMAND...
within() {
        local end=$((SECONDS + $1))
        shift
        until "$@" >/dev/null 2>&1; do
                ((SECONDS < end)) || return 1
                sleep 0.2
        done
}

as() {
        local user=$1
        shift
        setpriv --reuid "$user" --regid "$user" --init-groups --inh-caps=-all -- "$@" 2>&1
}

call() {
        busctl --timeout=20 call "$name" "$@" 2>&1
}

manager() {
        local member=$1
        shift
        call "$root" "$name" "$member" "$@"
}

msec() {
        date +%s%3N
}

# ---- the node

useradd -m u1
useradd -m u2
useradd -m -G ipvsproxy-admin op

test-apiserver --state /tmp/api --dir "$IPVSPROXY_TEST/src/tests/data/seed-cluster" >/tmp/api.log 2>&1 &
export APISERVER_CONTROL=/tmp/api/control
within 20 test -s /tmp/api/kubeconfig || not_ok "the test API server comes up" "$(cat /tmp/api.log)"
mkdir -p /etc/ipvsproxy
install -m 0640 -g ipvsproxy /tmp/api/kubeconfig /etc/ipvsproxy/kubeconfig
echo 'IPVSPROXYD_OPTS="--kubeconfig=/etc/ipvsproxy/kubeconfig --cluster-cidr=10.244.0.0/16 --masquerade-all=true --v=2"' \
        >/etc/default/ipvsproxyd
systemctl daemon-reload
systemctl enable ipvsproxyd.service >/dev/null 2>&1
journalctl --update-catalog
systemctl restart dbus polkit

# ---- unit and sandbox

began=$(msec)
if systemctl start ipvsproxyd.service; then
        ok "the unit starts ($(($(msec) - began)) ms)"
else
        not_ok "the unit starts" "$(journalctl -u ipvsproxyd -n 20 --no-pager)"
        exit 1
fi
pid=$(systemctl show -P MainPID ipvsproxyd)
equal 'it runs as its own user' ipvsproxy "$(ps -o user= -p "$pid" | tr -d ' ')"
equal 'with CAP_NET_ADMIN alone' 0000000000001000 "$(awk '/^CapEff/ { print $2 }' "/proc/$pid/status")"
equal 'and no more to get' 0000000000001000 "$(awk '/^CapBnd/ { print $2 }' "/proc/$pid/status")"
equal 'nothing it starts gets more' 1 "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$pid/status")"
addresses=$(ip -4 -o addr show dev kube-ipvs0 | wc -l)
equal 'every service address is on kube-ipvs0' \
        "$(ipvsadm -S -n | awk '/^-A/ && $3 ~ /^10\.254\./ { sub(":.*", "", $3); print $3 }' | sort -u | wc -l)" "$addresses"
equal 'IPVS has virtual servers' 1 "$(($(ipvsadm -S -n | grep -c '^-A') >= 10))"
equal 'the table is there' 0 "$(nft list table inet ipvsproxy >/dev/null 2>&1; echo $?)"
equal 'sysctls of net are written from the sandbox' 1 "$(cat /proc/sys/net/ipv4/vs/conntrack)"
if out=$(systemd-analyze security --threshold=15 ipvsproxyd.service 2>&1); then
        ok "exposure (S1): $(tail -n 1 <<<"$out")"
else
        not_ok 'exposure is at most 1.5 (S1)' "$(tail -n 1 <<<"$out")"
fi
equal 'systemd-analyze verify says nothing (S1)' '' \
        "$(systemd-analyze verify /usr/lib/systemd/system/ipvsproxyd.service 2>&1 |
                grep -i ipvsproxy | grep -v "Command 'man ")" # the image has no manuals
contains 'STATUS says how it is (S3)' ' ' "$(systemctl show -P StatusText ipvsproxyd)"

# ---- objects

contains 'busctl introspect shows methods with their types (D1)' 'ListServices' \
        "$(busctl introspect "$name" "$root")"
contains 'gdbus introspect shows names of arguments (D1, D14)' 'start_after' \
        "$(gdbus introspect --system -d "$name" -o "$root")"
contains 'gdbus introspect of a service (D14)' 'DrainingEndpointCount' \
        "$(gdbus introspect --system -d "$name" -o "$heketi")"
contains 'busctl tree has the services (D2)' "$heketi" "$(busctl tree --list "$name")"
equal 'the state is running' 's "running"' "$(busctl get-property "$name" "$root" "$name" State)"
contains 'ipvsproxyctl lists' 'default/heketi:heketi' "$(ipvsproxyctl list --no-pager)"
ipvsproxyctl status >/dev/null
equal 'ipvsproxyctl status is content' 0 $?
contains 'ipvsproxyctl explains' 'heketi' "$(ipvsproxyctl --no-pager explain 10.254.111.142:8080/tcp 2>&1)"

# ---- the journal: each kind of message can be found, and is explained

logged() {
        journalctl -q -u ipvsproxyd -o cat MESSAGE_ID="$1"
}
ipvsadm -A -t 10.254.88.88:80 -s rr
nft delete table inet ipvsproxy
apictl put - <<'END'
apiVersion: v1
kind: Service
metadata: {name: refused, namespace: default}
spec:
  clusterIP: 10.254.88.88
  ports: [{port: 80, targetPort: 80}]
END
within 20 busctl -q get-property "$name" "$root/service/default_2frefused" "$name.Service" State
within 20 sh -c 'journalctl -q -o cat MESSAGE_ID=c1241b9f7e3d4f488bec76f89e81fde6 | grep -q .'
within 20 sh -c 'journalctl -q -o cat MESSAGE_ID=12cca2af87394f28a9c315b02a80dce8 | grep -q .'
contains 'the start is in the journal (S10)' 'Started on node' "$(logged be007a8198574c13bde1607c1ea6de1d)"
contains 'the first sync (S10)' 'service ports' "$(logged 65b805d8f1d14d20a219cad8f85dd423)"
equal 'a refused address, once (S10)' 'Not serving 10.254.88.88:80/TCP of service port default/refused: ForeignVirtualServer' \
        "$(logged c1241b9f7e3d4f488bec76f89e81fde6)"
contains 'a repair (S10)' 'Repairing filter-table' "$(logged 12cca2af87394f28a9c315b02a80dce8)"
contains 'journalctl -x explains it (S10)' 'Another, older service has the same address' \
        "$(journalctl -q -x MESSAGE_ID=c1241b9f7e3d4f488bec76f89e81fde6)"
apictl delete services default/refused
ipvsadm -D -t 10.254.88.88:80

# ---- users

contains 'a plain user reads (P1)' 'default/heketi:heketi' \
        "$(as u1 busctl call "$name" "$root" "$name" ListServices 'sua{sv}' '' 10 0)"
contains 'but does not resync (P1)' 'Interactive authentication required' \
        "$(as u1 busctl --allow-interactive-authorization=no call "$name" "$root" "$name" Resync t 0)"
contains 'nor with a dialog that nobody answers (P2)' 'required' \
        "$(as u1 busctl call "$name" "$root" "$name" Resync t 0)"
contains 'nor drains' 'required' "$(as u1 busctl call "$name" "$root" "$name" BeginDrain 'ta{sv}' 0 0)"
contains 'nor overrides' 'required' \
        "$(as u1 busctl call "$name" "$heketi" "$name.Service" SetOverride squts \
                "$(busctl call "$name" "$heketi" "$name.Service" ListEndpoints su '' 1 | awk '{ gsub("\"", ""); print $3 }')" \
                8080 0 "$(($(date +%s) + 600))000000" test)"
contains 'nor sets the log level (D28)' 'denied' \
        "$(as u1 busctl set-property "$name" /org/freedesktop/LogControl1 org.freedesktop.LogControl1 LogLevel s debug)"
equal 'nor as root of a user namespace of its own (P10)' 0 \
        "$(as u1 unshare -Ur busctl --timeout=5 call "$name" "$root" "$name" Resync t 0 | grep -c '^t ')"
contains 'nor takes the name (P14)' 'not allowed to own' \
        "$(as u1 gdbus call --system -d org.freedesktop.DBus -o /org/freedesktop/DBus \
                -m org.freedesktop.DBus.RequestName "$name" 0)"
contains 'root resyncs' 't ' "$(manager Resync t 1)"
as u1 ipvsproxyctl --no-ask-password resync >/dev/null 2>&1
equal 'ipvsproxyctl says that it was refused' 5 $?
systemctl service-log-level ipvsproxyd.service debug
equal 'root sets the log level (D28)' debug "$(systemctl service-log-level ipvsproxyd.service)"
systemctl service-log-level ipvsproxyd.service info
contains 'a level that there is not (D28)' 'log level' \
        "$(busctl set-property "$name" /org/freedesktop/LogControl1 org.freedesktop.LogControl1 LogLevel s loud 2>&1)"

# ---- polkit

install -m 0644 -D /usr/share/doc/ipvsproxy/examples/50-ipvsproxy.rules /etc/polkit-1/rules.d/50-ipvsproxy.rules
systemctl restart polkit
contains 'all actions are known (P15)' "$name.override" "$(pkaction)"
within 5 as op busctl call "$name" "$root" "$name" Resync t 0
contains 'who is in the group resyncs by the example rule (P5)' 't ' \
        "$(as op busctl call "$name" "$root" "$name" Resync t 0)"
contains 'but does not drain (P5)' 'denied' "$(as op busctl call "$name" "$root" "$name" BeginDrain 'ta{sv}' 0 0)"
contains 'each decision is in the journal (P13)' "Allowed $name.resync" "$(journalctl -u ipvsproxyd --no-pager -o cat)"
equal 'and can be found (P13, S10)' 1 "$(($(journalctl -q MESSAGE_ID=b23d5097c1ef46858334064e001a78a2 RESULT=allowed CALLER_UID="$(id -u op)" -o cat | wc -l) >= 1))"
contains 'with fields (P13)' "POLKIT_ACTION=$name.resync" "$(journalctl -u ipvsproxyd --no-pager -o export | tr -d '\0')"

kill -STOP "$(pidof polkitd)"
began=$(msec)
as u1 busctl --timeout=30 --allow-interactive-authorization=no call "$name" "$root" "$name" Resync t 0 >/tmp/hang 2>&1 &
asked=$!
sleep 0.5
before=$(msec)
contains 'others are served while polkit hangs (P6)' 'o "' "$(as u2 busctl call "$name" "$root" "$name" GetService s default/heketi:heketi)"
equal 'at once (P6)' 1 "$(($(msec) - before < 3000))"
contains 'root is not asked about (P6)' 't ' "$(manager Resync t 0)"
wait "$asked"
contains 'who waits for it is denied (P6)' 'denied' "$(cat /tmp/hang)"
equal 'in time (P6)' 1 "$(($(msec) - began < 20000))"
kill -CONT "$(pidof polkitd)"
systemctl mask --now polkit.service >/dev/null 2>&1
contains 'without polkit the answer is no (P6)' 'denied' "$(as u1 busctl call "$name" "$root" "$name" Resync t 0)"
contains 'and for root yes (P6)' 't ' "$(manager Resync t 0)"
systemctl unmask polkit.service >/dev/null 2>&1
systemctl start polkit.service

# ---- overrides outlive the daemon, and so does what is in the kernel

endpoint=$(busctl -j call "$name" "$heketi" "$name.Service" ListEndpoints su '' 1 | sed 's/.*"data":\[\[\["\([^"]*\)",\([0-9]*\).*/\1 \2/')
read -r address port <<<"$endpoint"
contains 'root overrides an endpoint' '' \
        "$(call "$heketi" "$name.Service" SetOverride squts "$address" "$port" 7 "$(($(date +%s) + 600))000000" 'for a test')"
within 5 sh -c "ipvsadm -L -n | grep -q '$address:$port .* 7 '" && ok 'the kernel has its weight' || not_ok 'the kernel has its weight' "$(ipvsadm -L -n)"
rules=$(ipvsadm -S -n | sort)
systemctl restart ipvsproxyd.service
within 10 busctl get-property "$name" "$root" "$name" State
within 10 sh -c "busctl get-property $name $root $name State | grep -q running"
equal 'a restart changes nothing in the kernel' "$rules" "$(ipvsadm -S -n | sort)"
contains 'the override is still there' 'for a test' "$(call "$heketi" "$name.Service" ListEndpoints su '' 10)"
call "$heketi" "$name.Service" ClearOverride sq "$address" "$port" >/dev/null
within 5 sh -c "ipvsadm -L -n | grep -q '$address:$port .* 1 '" && ok 'and goes when it is cleared' || not_ok 'and goes when it is cleared' "$(ipvsadm -L -n)"
contains 'Explain, as it is on the bus' 'kernel' "$(manager Explain 'sqsa{sv}' 10.254.111.142 8080 tcp 0)"

# ---- one daemon for a node (D27)

run_by_hand() {
        timeout 20 ipvsproxyd --kubeconfig=/etc/ipvsproxy/kubeconfig --state-directory= "$@" 2>&1
}
pid=$(systemctl show -P MainPID ipvsproxyd)
rules=$(ipvsadm -S -n | sort)
out=$(run_by_hand)
equal 'a second one by hand ends (D27)' 1 $?
contains 'and says which one works (D27)' "Another ipvsproxyd (pid $pid) works in this network namespace" "$out"
out=$(run_by_hand --cleanup)
equal 'it is not cleaned up beneath it (D27)' 1 $?
contains 'but told what to do (D27)' 'systemctl stop ipvsproxyd' "$out"
run_by_hand --check >/dev/null
equal 'its configuration may be checked' 0 $?
run_by_hand --dry-run >/dev/null
equal 'and what another one would do be seen' 0 $?
contains 'elsewhere, its state directory is taken (D27)' "(pid $pid) works with the state directory /run/ipvsproxy" \
        "$(unshare --net timeout 20 ipvsproxyd --kubeconfig=/etc/ipvsproxy/kubeconfig 2>&1)"
equal 'the first one is unharmed (D27)' "$pid $rules" "$(systemctl show -P MainPID ipvsproxyd) $(ipvsadm -S -n | sort)"

# ---- a drain outlives the daemon, and a plan is made from the kernel as it is

manager BeginDrain 'ta{sv}' 0 0 >/dev/null
systemctl restart ipvsproxyd.service
within 20 sh -c "busctl get-property $name $root $name State | grep -q draining"
contains 'the node drains after a restart' 'draining' "$(busctl get-property "$name" "$root" "$name" State)"
contains 'and is not to be drained twice' 'drains already' "$(manager BeginDrain 'ta{sv}' 0 0)"
manager EndDrain >/dev/null
equal 'until it is ended' 's "off"' "$(busctl get-property "$name" "$root" "$name" DrainState)"
equal 'nothing is planned' 0 "$(ipvsproxyctl plan --json=short | grep -c '"action"')"
sleep 1.5 # who asks within a second gets the same plan
contains 'what somebody else just removed is' '"object":"10.254.111.142:8080/TCP"' \
        "$(ipvsproxyctl hold -- sh -c 'ipvsadm -D -t 10.254.111.142:8080; ipvsproxyctl plan --json=short' | tr -d ' ')"
manager Resync t 1 >/dev/null

# ---- the bus is restarted, and is away

pid=$(systemctl show -P MainPID ipvsproxyd)
rules=$(ipvsadm -S -n | sort)
systemctl restart dbus.service
began=$(msec)
within 10 busctl --timeout=2 get-property "$name" "$root" "$name" State &&
        ok "the name is back after the bus was restarted (D26, $(($(msec) - began)) ms)" ||
        not_ok 'the name is back after the bus was restarted (D26)' "$(journalctl -u ipvsproxyd -n 10 --no-pager)"
equal 'the daemon is the same' "$pid" "$(systemctl show -P MainPID ipvsproxyd)"
systemctl stop dbus.socket dbus.service 2>/dev/null
sleep 3
equal 'it goes on without a bus' 1 "$(test -d "/proc/$pid" && echo 1)"
systemctl start dbus.socket dbus.service
within 15 busctl --timeout=2 get-property "$name" "$root" "$name" State && ok 'and finds it when it comes (D26)' || not_ok 'and finds it when it comes (D26)'
equal 'the kernel is as it was' "$rules" "$(ipvsadm -S -n | sort)"

# ---- hostile users

memory() {
        awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"
}

# How long until a new endpoint's weight is seen in the kernel would measure the API server too; a resync does not.
sync_msec() {
        local before
        before=$(msec)
        manager Resync t 0 >/dev/null
        echo $(($(msec) - before))
}

quiet=$(sync_msec)
rss=$(memory)
as u1 bus-hammer flood 8 >/tmp/flood &
as u1 bus-hammer unread 8 >/tmp/unread &
sleep 1
slowest=0
for _ in 1 2 3 4 5; do
        before=$(msec)
        as u2 busctl --timeout=10 call "$name" "$root" "$name" GetService s default/heketi:heketi >/dev/null
        took=$(($(msec) - before))
        ((took > slowest)) && slowest=$took
        sleep 0.5
done
equal "others are answered during a flood (H1, H2; slowest ${slowest} ms)" 1 "$((slowest < 30000))"
ok "a resync took $quiet ms before and $(sync_msec) ms during the flood"
wait %2 %3 2>/dev/null
equal "memory has not grown by 16 MiB ($rss to $(memory) kB)" 1 "$(($(memory) - rss < 16384))"
equal 'the daemon is the same as before' "$pid" "$(systemctl show -P MainPID ipvsproxyd)"
cat /tmp/flood /tmp/unread

# ---- activation

install -d /etc/systemd/system/ipvsproxyd.service.d
printf '[Service]\nEnvironment=A=b\n' >/etc/systemd/system/ipvsproxyd.service.d/50-own.conf
contains 'doctor says that systemd has not read a drop-in' 'systemctl daemon-reload' "$(as u1 ipvsproxyctl doctor)"
rm -r /etc/systemd/system/ipvsproxyd.service.d
equal 'and no longer when it is gone' '' "$(as u1 ipvsproxyctl doctor | grep 'systemctl daemon-reload')"
touch /usr/lib/systemd/system/ipvsproxyd.service
contains 'nor the unit' 'systemctl daemon-reload' "$(as u1 ipvsproxyctl doctor)"
systemctl daemon-reload
systemctl stop ipvsproxyd.service
out=$(as u1 busctl --timeout=60 call "$name" "$root" "$name" GetService s default/heketi:heketi)
if [[ $out == 'o "'* || $out == *'not known yet'* ]]; then ok "a call starts an enabled service (D24): $out"; else not_ok 'a call starts an enabled service (D24)' "$out"; fi
within 20 as u1 busctl call "$name" "$root" "$name" GetService s default/heketi:heketi || not_ok 'and it comes to know them (D24)'
systemctl disable --now ipvsproxyd.service >/dev/null 2>&1
systemctl daemon-reload
before=$(msec)
out=$(as u1 busctl --timeout=30 call "$name" "$root" "$name" GetService s default/heketi:heketi)
equal "and fails quickly where it is disabled (D24): $out" 1 "$(($(msec) - before < 5000))"
systemctl mask ipvsproxyd.service >/dev/null 2>&1
before=$(msec)
out=$(as u1 ipvsproxyctl list)
equal 'ipvsproxyctl says that it does not run where it is masked (D24, C3)' 3 $?
equal "in one line, quickly (D24, C3; $(($(msec) - before)) ms): $out" '1 1' "$(wc -l <<<"$out") $(($(msec) - before < 3000))"
systemctl unmask ipvsproxyd.service >/dev/null 2>&1

# doctor knows what the unit would start: from systemd, and from its files where that does not answer
install -d /etc/systemd/system/ipvsproxyd.service.d
cat >/etc/systemd/system/ipvsproxyd.service.d/50-own.conf <<'END'
[Service]
ExecStart=
ExecStart=/usr/sbin/ipvsproxyd --kubeconfig=/run/${WHICH} \
# the flags
        $IPVSPROXYD_OPTS
EnvironmentFile=
Environment="WHICH=my own" IPVSPROXYD_OPTS=--healthz-bind-address=127.0.0.1:10999
END
systemctl daemon-reload
for bus in '' --address=unix:path=/no/bus; do
        out=$(as u1 ipvsproxyctl ${bus:+"$bus"} doctor)
        contains "doctor looks at the drop-in's kubeconfig ${bus:+(without a bus)}" \
                '/run/my own, named by its unit and drop-ins: No such file or directory' "$out"
        contains "and ports ${bus:+(without a bus)}" '10999 (health)' "$out"
        contains "and names it ${bus:+(without a bus)}" 'changed by /etc/systemd/system/ipvsproxyd.service.d/50-own.conf' "$out"
done
rm -r /etc/systemd/system/ipvsproxyd.service.d
systemctl daemon-reload
equal 'addresses stay when it stops' "$addresses" "$(ip -4 -o addr show dev kube-ipvs0 | wc -l)"

# ---- the other bus (D30)

systemctl start ipvsproxyd.service
pid=$(systemctl show -P MainPID ipvsproxyd)
systemctl stop dbus.socket dbus.service 2>/dev/null
ln -s /usr/lib/systemd/system/dbus-broker.service /etc/systemd/system/dbus.service
systemctl daemon-reload
systemctl start dbus.socket dbus.service
systemctl restart polkit
within 30 pgrep -x dbus-broker && ok 'the bus is dbus-broker (D30)' || not_ok 'the bus is dbus-broker (D30)'
within 30 busctl --timeout=2 get-property "$name" "$root" "$name" State &&
        ok 'the daemon is on it (D30)' || not_ok 'the daemon is on it (D30)' "$(journalctl -u ipvsproxyd -n 10 --no-pager)"
equal 'it is the same daemon (D30)' "$pid" "$(systemctl show -P MainPID ipvsproxyd)"
contains 'a plain user reads (D30)' 'default/heketi:heketi' \
        "$(as u2 busctl call "$name" "$root" "$name" ListServices 'sua{sv}' '' 10 0)"
within 30 as op busctl call "$name" "$root" "$name" Resync t 0
contains 'who is in the group does (D30)' 't ' "$(as op busctl call "$name" "$root" "$name" Resync t 0)"
contains 'and does not resync (D30)' 'required' \
        "$(as u2 busctl --allow-interactive-authorization=no call "$name" "$root" "$name" Resync t 0)"
contains 'and root (D30)' 't ' "$(manager Resync t 1)"
equal 'nobody else takes the name (D30)' 0 \
        "$(as u2 gdbus call --system -d org.freedesktop.DBus -o /org/freedesktop/DBus \
                -m org.freedesktop.DBus.RequestName "$name" 0 | grep -c uint32)"
as u1 bus-hammer unread 4 >/tmp/unread &
before=$(msec)
as u2 busctl --timeout=10 call "$name" "$root" "$name" GetService s default/heketi:heketi >/dev/null
equal "others are answered while answers lie unread (H1; $(($(msec) - before)) ms)" 1 "$(($(msec) - before < 5000))"
wait %%

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
