#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bench.sh [SERVICESxENDPOINTS...]: what the manager's work costs on a real kernel (tests/bench/manager-bench.c).
set -euo pipefail
(($#)) || set -- 100x10 1000x10 10000x10 45000x5

modprobe -q ip_vs || true
for size; do
        printf 'size %s\n' "$size"
        manager-bench "${size%x*}" "${size#*x}"
        ipvsadm -C
        ip link del kube-ipvs0
        nft delete table inet ipvsproxy
done | tee "$RESULTS/bench"
