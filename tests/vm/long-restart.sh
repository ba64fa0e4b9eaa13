#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon is killed twenty times while clients make new connections, and restarted while one is held: nobody notices.
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"
# shellcheck source=tests/vm/founding.sh
source "${BASH_SOURCE%/*}/founding.sh"

# The machine may be slow: what is asked of it is a number that it can do with nothing else running.
rate=${IPVSPROXY_TEST_RATE:-500}

founding_up --bookmarks 30
unit_configure "${founding_flags[@]}"
install -d /etc/systemd/system/ipvsproxyd.service.d
printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=100ms\n' \
        >/etc/systemd/system/ipvsproxyd.service.d/test.conf
systemctl daemon-reload
unit_start || finish
succeeds 'all services are in the kernel' unit_synced

before=$(ipvsadm -S -n | sort)
in_ns client podclient --timeout 20000 rate tcp 172.16.1.10 30443 "$rate" 3 >/run/quiet
matches "$rate connections a second are no trouble without a restart" \
        "^$((3 * rate)) connections, $((3 * rate)) answered" "$(tail -n 1 /run/quiet)"

in_ns client podclient --timeout 20000 hold tcp 172.16.1.10 30443 40 >/run/held &
holder=$!
in_ns client podclient --timeout 20000 rate tcp 172.16.1.10 30443 "$rate" 40 >/run/rate &
client=$!
wait_until 10 grep -q connected /run/held
kills=0
for ((i = 0; i < 20; i++)); do
        pid=$(unit_pid)
        [[ $pid == 0 ]] || { kill -KILL "$pid" && kills=$((kills + 1)); }
        other_process() {
                local now
                now=$(unit_pid)
                [[ $now != 0 && $now != "$pid" ]]
        }
        wait_until 10 other_process
        # Now before it has read the kernel, now while it writes, now after: the time differs each time.
        sleep "$((i % 4)).$((i % 10))"
done
equal 'it was killed 20 times' 20 "$kills"
wait "$client"
matches 'not one connection failed' "^$((40 * rate)) connections, $((40 * rate)) answered" "$(tail -n 1 /run/rate)"
printf '        %s\n' "$(tail -n 1 /run/rate)"
wait "$holder"
matches 'the connection that was held is still there' '^held for' "$(tail -n 1 /run/held)"
succeeds 'the daemon is well again' unit_synced
equal 'the kernel holds what it held' "$before" "$(ipvsadm -S -n | sort)"
finish
