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
# shellcheck source=tests/vm/hostile.sh
source "${BASH_SOURCE%/*}/hostile.sh"

bus_hammer=$(command -v bus-hammer) attack_sec=${1:-20} still_sec=${2:-60}
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

# As a session of that user has it: not in the slice of the services.
as_user() {
        local user=$1
        shift
        systemd-run --quiet --collect --wait --pipe --uid="$user" --slice=user.slice -- "$@"
}
on_the_bus() {
        busctl --timeout=2 get-property "$service_name" "$root" "$service_name" State
}
# changes_for SECONDS: one after the other for about so long
changes_for() {
        timeout "$(($1 + 60))" latency "$APISERVER_CONTROL" default probe http 10.254.99.99 80 $(($1 * 12)) 50 >"$latency_file" 2>&1
}

# What systemd-run costs is over before anything is measured, and the attack begins after that.
settle_sec=3 elsewhere=org.freedesktop.login1
other=(setpriv --reuid u2 --regid u2 --init-groups)
changes() {
        changes_for $((attack_sec + settle_sec))
}
hammer() {
        local mode
        hammers=()
        for mode; do
                as_user u1 sh -c "touch /tmp/ready-$mode; sleep $((settle_sec + 2)); exec $bus_hammer $mode $attack_sec ${target:-}" >"/run/hammer-$mode" 2>&1 &
                hammers+=($!)
        done
        for mode; do
                wait_until 20 test -e "/tmp/ready-$mode"
        done
        sleep 2
        rm -f "${@/#/\/tmp\/ready-}"
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
        measure_quiet "$bus"
        attack "$bus, work of others without a bus" spin
        attack_all "$bus"

        # The bus stands still: it is there and does nothing.
        journalctl --sync
        kill -STOP "$(pgrep -x "$bus")"
        began=$(msec)
        changes_for "$still_sec"
        kill -CONT "$(pgrep -x "$bus")"
        printf '        %s stood still for %s ms: %s\n' "$bus" "$(($(msec) - began))" "$(<"$latency_file")"
        succeeds "$bus stands still: p99 of programming is at most twice that without" test "$(p99)" -le $((2 * quiet))
        equal "$bus stands still: the watchdog does nothing (S5)" "$pid" "$(unit_pid)"
        began=$(msec)
        succeeds "$bus goes on: the service is there" wait_until 6 on_the_bus
        printf '        %s: the service is back %s ms after the bus\n' "$bus" "$(($(msec) - began))"

        # Killed while many answers wait in the bus (H4): the next one gets the name.
        as_user u1 "$bus_hammer" unread 4 >/dev/null 2>&1 &
        sleep 1
        kill -KILL "$pid"
        succeeds "$bus: killed in an attack, it is started again and has the name (H4)" wait_until 6 on_the_bus
        pid=$(unit_pid)
        wait %% 2>/dev/null
        succeeds "$bus: and is well" unit_synced 60
        equal "$bus: it was started again once, not in a loop" "$pid" "$(unit_pid)"
done
finish
