#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# By hand, ten minutes: hostile users of the bus, and a bus that stands still: what it costs programming, memory and
# everybody else (rows D26, D30, H1 to H9, H12 of the checklist).
#
#   long-bus-attack.sh [SECONDS OF EACH ATTACK [SECONDS THE BUS STANDS STILL [BUS...]]]      (20, 60, both buses)
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"

hammer=$(command -v bus-hammer) attack_sec=${1:-20} still_sec=${2:-60}
shift $(($# > 2 ? 2 : $#))
(($#)) || set -- dbus-daemon dbus-broker
services=${IPVSPROXY_TEST_SERVICES:-1000}
service_name=org.k8s.IpvsProxy root=/org/k8s/IpvsProxy # not "name": succeeds has one

useradd -m u1
useradd -m u2
api_state=/run/test-apiserver
export APISERVER_CONTROL=$api_state/control
mkdir -p "$api_state/objects"
cat >"$api_state/objects/probe.yaml" <<'END'
apiVersion: v1
kind: Service
metadata: {name: probe, namespace: default}
spec:
  clusterIP: 10.254.99.99
  ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}]
END
test-apiserver --state "$api_state" --dir "$api_state/objects" --generate "services=$services,endpoints=3" >"$api_state/log" 2>&1 &
wait_until 20 grep -q ^ready "$api_state/log" || die "no API server: $(<"$api_state/log")"
unit_kubeconfig
# Nothing is waited for between two syncs: what is measured is the work, and who else has the processor.
unit_configure --kubeconfig=/etc/kubernetes/kube-proxy.kubeconfig --cluster-cidr=10.253.0.0/16 --ipvs-min-sync-period=0s --v=1
unit_start || finish
succeeds "$services services are in the kernel" unit_synced 60
pid=$(unit_pid)

# The API server stands for another machine, and what measures must not be what is slow: they come before the rest.
systemctl set-property --runtime "$(ps -o unit= $$)" CPUWeight=1000

msec() {
        date +%s%3N
}
# As a session of that user has it: not in the slice of the services.
as_user() {
        local user=$1
        shift
        systemd-run --quiet --collect --wait --pipe --uid="$user" --slice=user.slice -- "$@"
}
memory_kib() {
        awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"
}
descriptors() {
        find "/proc/$pid/fd" | wc -l
}
on_the_bus() {
        busctl --timeout=2 get-property "$service_name" "$root" "$service_name" State
}
# latency_for SECONDS FILE: changes one after the other for about so long
latency_for() {
        timeout "$(($1 + 60))" latency "$APISERVER_CONTROL" default probe http 10.254.99.99 80 $(($1 * 12)) 50 >"$2" 2>&1
}
p99() {
        sed -n 's/.* p99 \([0-9]*\),.*/\1/p' "$1"
}
# The slowest of some calls by somebody else, in ms; 999999 if one is not answered.
slowest_call() {
        local slowest=0 before took
        for _ in 1 2 3 4 5; do
                before=$(msec)
                setpriv --reuid u2 --regid u2 --init-groups busctl --timeout=200 call "$service_name" "$root" "$service_name" GetService s \
                        default/probe:http >/dev/null 2>&1 || { echo 999999; return; }
                took=$(($(msec) - before))
                ((took <= slowest)) || slowest=$took
                sleep 0.2
        done
        echo "$slowest"
}

# measure: how long changes take, into /run/latency, and the slowest call of somebody else
measure() {
        local job
        latency_for "$((attack_sec + settle_sec))" /run/latency &
        job=$!
        slowest=$(slowest_call)
        wait "$job"
}

# attack NAME MODE...: each mode by u1 at once, while an endpoint changes all the time and u2 asks. What systemd-run costs is
# over before anything is measured, and the attack begins after that.
settle_sec=3 others_limit=30000
attack() {
        local what=$1 mode fds
        local -a jobs=()
        shift
        fds=$(descriptors)
        for mode; do
                as_user u1 sh -c "touch /tmp/ready-$mode; sleep $((settle_sec + 2)); exec $hammer $mode $attack_sec" >"/run/hammer-$mode" 2>&1 &
                jobs+=($!)
        done
        for mode; do
                wait_until 20 test -e "/tmp/ready-$mode"
        done
        sleep 2
        measure
        wait "${jobs[@]}"
        rm -f "${@/#/\/tmp\/ready-}"
        printf '        %s: %s; others at most %s ms; %s KiB; %s\n' "$what" "$(</run/latency)" "$slowest" "$(memory_kib)" \
                "$(sort -u "${@/#/\/run\/hammer-}" | paste -sd' ')"
        succeeds "$what: p99 of programming is at most twice that without" test "$(p99 /run/latency)" -le $((2 * quiet))
        succeeds "$what: every change was programmed" grep -Eq '^([0-9]+) changes, \1 in time' /run/latency
        succeeds "$what: others are answered, within $others_limit ms" test "$slowest" -le "$others_limit"
        succeeds "$what: it has not grown by 16 MiB" test $(($(memory_kib) - rss)) -le 16384
        succeeds "$what: no descriptor is left behind" wait_until 5 test "$(descriptors)" -le "$((fds + 2))"
}

# What many connections cost everybody where they ask somebody else: dbus-daemon goes through all calls that wait for an answer
# at each call, and logs that there are too many. No service can do anything about that (docs/security.md).
attack_elsewhere() {
        as_user u1 "$hammer" elsewhere "$attack_sec" >/run/elsewhere 2>&1 &
        sleep 2
        elsewhere=$(slowest_call)
        wait %%
        printf '        %s, 250 connections that ask somebody else: others at most %s ms; %s\n' "$bus" "$elsewhere" "$(</run/elsewhere)"
        others_limit=$((elsewhere * 3 / 2 > 30000 ? elsewhere * 3 / 2 : 30000))
}

# use_bus PROGRAM: it is the system bus from now on, as after an installation and a boot
use_bus() {
        [[ $1 != "$(bus_program)" ]] || return 0
        systemctl stop dbus.socket dbus.service dbus-broker.service 2>/dev/null
        rm -f /etc/systemd/system/dbus.service
        [[ $1 == dbus-daemon ]] || ln -s /usr/lib/systemd/system/dbus-broker.service /etc/systemd/system/dbus.service
        systemctl daemon-reload
        systemctl start dbus.socket dbus.service
        systemctl restart polkit.service
}
bus_program() {
        ! pgrep -x dbus-broker >/dev/null || { echo dbus-broker; return; }
        pgrep -x dbus-daemon >/dev/null && echo dbus-daemon
}

for bus; do
        use_bus "$bus"
        equal "the bus is $bus" "$bus" "$(bus_program)"
        succeeds "$bus: the daemon is on it (D30)" wait_until 10 on_the_bus
        equal "$bus: it is the same daemon" "$pid" "$(unit_pid)"
        sleep 1
        rss=$(memory_kib)
        measure
        quiet=$(p99 /run/latency)
        printf '        %s, no attack: %s; others at most %s ms; %s KiB\n' "$bus" "$(</run/latency)" "$slowest" "$rss"
        attack "$bus, work of others without a bus" spin
        attack "$bus, H1 unread answers" unread
        attack "$bus, H2 a flood" flood
        attack "$bus, H3 a listener that does not read" listener
        attack "$bus, H5 dumps that stay open" dumps
        attack_elsewhere
        attack "$bus, H6 250 connections" many
        others_limit=30000
        attack "$bus, H12 coming and going" churn
        attack "$bus, H7 to H9 odd calls, forged signals, garbage" odd garbage
        attack "$bus, calls as large as the bus takes them" huge
        attack "$bus, all at once" unread flood listener dumps odd

        # The bus stands still: it is there and does nothing.
        journalctl --sync
        kill -STOP "$(pgrep -x "$bus")"
        began=$(msec)
        latency_for "$still_sec" /run/latency
        kill -CONT "$(pgrep -x "$bus")"
        printf '        %s stood still for %s ms: %s\n' "$bus" "$(($(msec) - began))" "$(</run/latency)"
        succeeds "$bus stands still: p99 of programming is at most twice that without" test "$(p99 /run/latency)" -le $((2 * quiet))
        equal "$bus stands still: the watchdog does nothing (S5)" "$pid" "$(unit_pid)"
        began=$(msec)
        succeeds "$bus goes on: the service is there" wait_until 6 on_the_bus
        printf '        %s: the service is back %s ms after the bus\n' "$bus" "$(($(msec) - began))"

        # Killed while many answers wait in the bus (H4): the next one gets the name.
        as_user u1 "$hammer" unread 4 >/dev/null 2>&1 &
        sleep 1
        kill -KILL "$pid"
        succeeds "$bus: killed in an attack, it is started again and has the name (H4)" wait_until 6 on_the_bus
        pid=$(unit_pid)
        wait %% 2>/dev/null
        succeeds "$bus: and is well" unit_synced 60
        equal "$bus: it was started again once, not in a loop" "$pid" "$(unit_pid)"
done
finish
