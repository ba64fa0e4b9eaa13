#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# By hand, as root, three minutes on an idle machine: what hostile users of the system bus cost programming, memory and
# everybody else, without a virtual machine between: the whole daemon over a kernel in memory (daemon-in-memory), the real bus
# and its policy in a mount namespace. tests/vm/long-bus-attack.sh has the real kernel and unit, and the noise of an emulator.
#
# dbus-broker has to be installed for its own part, and python3, which gives it its socket.
#
#   attack.sh BUILD-FOLDER [SECONDS OF EACH ATTACK [dbus-daemon|dbus-broker]]                    (8, dbus-daemon)
#
# The daemon has a processor of its own: what a scheduler does with three busy programs on two processors is not its doing.
set -uo pipefail

((EUID == 0)) || { echo "attack.sh: needs root" >&2; exit 2; }
[[ -x ${1:-}/tests/bus/daemon-in-memory ]] || { echo "usage: attack.sh BUILD-FOLDER [SECONDS [BUS]]; make check builds it" >&2; exit 2; }
[[ -n ${ATTACK_INSIDE:-} ]] || ATTACK_INSIDE=1 exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"

build=$(realpath "$1") attack_sec=${2:-8} bus=${3:-dbus-daemon}
here=$(dirname "$(realpath "$0")")
PATH=$build:$build/tests/bus:$build/tests/vm:$build/tests/apiserver:$PATH
export IPVSPROXY_TEST_NOTICES=/run/notices
name=org.k8s.IpvsProxy n_failed=0
# Of Debian's /etc/passwd: daemon owns the name (the policy says ipvsproxy), bin is hostile, sys asks.
hostile=2 elsewhere=org.example.Other

die() {
        echo "attack.sh: $*" >&2
        exit 1
}
succeeds() {
        local what=$1
        shift
        if "$@"; then echo "ok      $what"; else echo "FAILED  $what: $*"; n_failed=$((n_failed + 1)); fi
}
# shellcheck source=tests/vm/hostile.sh
source "$here/../vm/hostile.sh"
# Another machine: the API server, and who sees when the change is there. They wait for nobody, and least for a bus that copies
# 30 MiB in the kernel, which gives a processor to nobody for milliseconds: not on the one of the bus.
outside() {
        chrt --fifo 10 taskset -c 0 "$@"
}
theirs() {
        taskset -c 1 setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}
other=(taskset -c 1 setpriv --reuid 3 --regid 3 --clear-groups)
changes() {
        outside latency /run/api/control default probe http 10.254.99.99 80 $((attack_sec * 40)) 15 >"$latency_file" 2>&1
}
hammer() {
        local mode
        hammers=()
        for mode; do
                theirs $hostile bus-hammer "$mode" $((attack_sec + 2)) ${target:+"$target"} >"/run/hammer-$mode" 2>&1 &
                hammers+=($!)
        done
        sleep 1
}

start_bus() {
        mkdir -p /run/dbus /run/policy /run/systemd/journal
        cp /usr/share/dbus-1/system.d/* /run/policy 2>/dev/null
        sed 's/policy user="ipvsproxy"/policy user="daemon"/' "$here/../../dbus/$name.conf" >/run/policy/$name.conf
        sed 's/org.k8s.IpvsProxy/org.example.Other/' /run/policy/$name.conf >/run/policy/$elsewhere.conf
        mount --bind /run/policy /usr/share/dbus-1/system.d
        if [[ $bus == dbus-daemon ]]; then
                taskset -c 1 dbus-daemon --system --nofork --nopidfile 2>/run/bus.log &
        else # wants a listening socket, and somewhere to log
                taskset -c 1 python3 -c '
import os, socket
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/run/systemd/journal/socket")
if os.fork() == 0:
        while True: log.recv(65536)
bus = socket.socket(socket.AF_UNIX)
bus.bind("/run/dbus/system_bus_socket")
os.chmod("/run/dbus/system_bus_socket", 0o666)
bus.listen(4096)
os.dup2(bus.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp("dbus-broker-launch", ["dbus-broker-launch", "--scope", "system"])' 2>/run/bus.log &
        fi
        sleep 1
}
start_daemon() {
        mkdir -p /run/api/objects
        cat >/run/api/objects/probe.yaml <<'END'
apiVersion: v1
kind: Service
metadata: {name: probe, namespace: default}
spec:
  clusterIP: 10.254.99.99
  ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}]
END
        outside test-apiserver --state /run/api --dir /run/api/objects --generate services=1000,endpoints=3 >/run/api/log 2>&1 &
        for _ in {1..50}; do
                ! grep -q ^ready /run/api/log || break
                sleep 0.2
        done
        taskset -c 0 daemon-in-memory --kubeconfig=/run/api/kubeconfig --cluster-cidr=10.253.0.0/16 --ipvs-min-sync-period=0s --v=1 \
                --healthz-bind-address= --metrics-bind-address= --state-directory=/run/ipvsproxy >/run/daemon.log 2>&1 &
        pid=$!
        ipvsproxyctl wait --timeout=20 || die "the daemon does not run: $(tail -n 3 /run/daemon.log /run/bus.log)"
}

mount -t tmpfs tmpfs /run
mkdir /run/ipvsproxy
start_bus
theirs 1 bus-hammer serve 100000 $elsewhere &
start_daemon
measure_quiet "$bus"
attack_all "$bus"
printf '%s failed\n' "$n_failed"
exit $((n_failed > 0))
