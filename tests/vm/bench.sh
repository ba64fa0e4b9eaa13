#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bench.sh [SERVICESxENDPOINTS...]: what the manager's work costs on a real kernel (tests/bench/manager-bench.c), then
# what the whole daemon costs against an API server with as many objects. Not a test: it prints numbers, and
# tests/bench/compare judges them.
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"
(($#)) || set -- 100x10 1000x10 10000x10 45000x5

# bench_value NAME VALUE UNIT
bench_value() {
        printf '%-28s %10d %s\n' "$1" "$2" "$3"
}

now_msec() {
        local now=${EPOCHREALTIME/[.,]/}
        printf '%d\n' "$((now / 1000))"
}

# CPU time of the daemon so far, in milliseconds
daemon_cpu() {
        local -a stat
        read -ra stat <"/proc/$(unit_pid)/stat"
        printf '%d\n' "$(((stat[13] + stat[14]) * 1000 / $(getconf CLK_TCK)))"
}

# daemon_status FIELD: of /proc/PID/status, in KiB
daemon_status() {
        awk -v field="$1:" '$1 == field { print $2 }' "/proc/$(unit_pid)/status"
}

# daemon_until_synced NAME COMMAND...: how long from the command until everything is in the kernel
daemon_until_synced() {
        local name=$1 begun
        shift
        begun=$(now_msec)
        "$@" || return
        ipvsproxyctl wait --timeout=900 >/dev/null || return
        bench_value "$name" "$(($(now_msec) - begun))" ms
}

# daemon_scrape SIZE: the first look at /metrics, for which the counters of the kernel are read, and the CPU of the daemon for it
daemon_scrape() {
        local cpu begun series
        cpu=$(daemon_cpu)
        begun=$(now_msec)
        curl -s --max-time 60 http://127.0.0.1:10249/metrics >"$RESULTS/metrics-$1" || return
        bench_value daemon-scrape "$(($(now_msec) - begun))" ms
        bench_value daemon-scrape-cpu "$(($(daemon_cpu) - cpu))" ms
        series=$(metrics-check <"$RESULTS/metrics-$1") || return
        bench_value daemon-scrape-series "$series" series
}

# daemon_complete: what Tab costs an ordinary user who has typed nothing yet
daemon_complete() {
        local begun
        begun=$(now_msec)
        setpriv --reuid=nobody --clear-groups ipvsproxyctl complete -- show '' >"$RESULTS/complete" || return
        bench_value daemon-complete "$(($(now_msec) - begun))" ms
        bench_value daemon-complete-lines "$(wc -l <"$RESULTS/complete")" lines
}

# daemon_bench SERVICES ENDPOINTS
daemon_bench() {
        local cpu
        api_prepare
        printf 'apiVersion: v1\nkind: Node\nmetadata: {name: %s}\n' "$(hostname)" >"$api_state/objects/node.yaml"
        api_start --generate "services=$1,endpoints=$2"
        unit_kubeconfig
        daemon_until_synced daemon-start systemctl start ipvsproxyd.service || return
        bench_value daemon-start-cpu "$(daemon_cpu)" ms
        bench_value daemon-rss "$(daemon_status VmRSS)" KiB
        bench_value daemon-rss-own "$(daemon_status RssAnon)" KiB
        bench_value daemon-rss-peak "$(daemon_status VmHWM)" KiB
        # That so many objects are new is told on the bus at its pace, 200 a second.
        sleep "$((5 + $1 / 200))"
        cpu=$(daemon_cpu)
        sleep 20
        bench_value daemon-idle-per-mille "$((($(daemon_cpu) - cpu) / 20))" 1/1000
        daemon_scrape "$1x$2" || return
        daemon_complete || return
        daemon_until_synced daemon-restart systemctl restart ipvsproxyd.service || return
        bench_value daemon-restart-writes "$(curl -s http://127.0.0.1:10249/metrics |
                awk '$1 == "ipvsproxy_kernel_operations_total" { print $2 }')" operations
        bench_value daemon-restart-rss "$(daemon_status VmRSS)" KiB
        systemctl stop ipvsproxyd.service
        kill "$api_pid"
        wait "$api_pid" 2>/dev/null
}

# What the kernel keeps of deleted real servers would make the next size slow (tests/bench/manager-bench.c).
clean() {
        ipvsadm -C
        ip link del kube-ipvs0
        nft delete table inet ipvsproxy
        rm -rf /run/ipvsproxy/* /var/lib/ipvsproxy/*
        sleep 130
}

bench() {
        while (($#)); do
                printf 'size %s\n' "$1"
                manager-bench "${1%x*}" "${1#*x}"
                daemon_bench "${1%x*}" "${1#*x}" || printf 'daemon-failed 1 times\n'
                shift
                (($# == 0)) || clean
        done
}

modprobe -q ip_vs || true
cluster_up >&2
cluster_service_range 10.64.0.0/10 >&2
unit_configure --proxy-mode=ipvs --bind-address=172.16.1.10 --masquerade-all --ipvs-sync-period=1h \
        --kubeconfig=/etc/kubernetes/kube-proxy.kubeconfig
bench "$@" | tee "$RESULTS/bench"
! grep -q daemon-failed "$RESULTS/bench"
