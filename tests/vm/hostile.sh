# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For long-bus-attack.sh and tests/bus/attack.sh: what hostile users of the bus cost programming, memory and everybody else.
# Who sources it has `succeeds`, and sets and defines before it measures:
#
#   pid              the daemon
#   other            (array) what runs a command as another user than the hostile one
#   changes          (function) changes one endpoint after the other for a while; latency's output goes to /run/latency
#   hammer MODE...   (function) begins bus-hammer as the hostile user, each mode in the background: `hammers` has the jobs;
#                    with `target` set they ask that name
#   elsewhere        such a name, of a service that answers Peer.Ping
#
# shellcheck disable=SC2034,SC2154 # those
latency_file=/run/latency

msec() {
        date +%s%3N
}

memory_kib() {
        awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"
}

descriptors() {
        find "/proc/$pid/fd" | wc -l
}

# no_more_descriptors N: or two more, within five seconds
no_more_descriptors() {
        local i
        for ((i = 0; i < 50; i++)); do
                (($(descriptors) > $1 + 2)) || return 0
                sleep 0.1
        done
        return 1
}

p99() {
        sed -n 's/.* p99 \([0-9]*\),.*/\1/p' "$latency_file"
}

# slowest_call [NAME]: of some calls by somebody else, in ms; 999999 if one is not answered. NAME is asked something instead.
slowest_call() {
        local slowest=0 before took
        local -a call=(org.k8s.IpvsProxy /org/k8s/IpvsProxy org.k8s.IpvsProxy GetService s default/probe:http)
        [[ -z ${1:-} ]] || call=("$1" / org.freedesktop.DBus.Peer Ping)
        for _ in 1 2 3 4 5; do
                before=$(msec)
                "${other[@]}" busctl --timeout=200 call "${call[@]}" >/dev/null 2>&1 || { echo 999999; return; }
                took=$(($(msec) - before))
                ((took <= slowest)) || slowest=$took
                sleep 0.2
        done
        echo "$slowest"
}

# measure [NAME]: how long changes take, and the slowest call of somebody else
measure() {
        local job
        changes &
        job=$!
        slowest=$(slowest_call "$@")
        wait "$job"
}

# say_measured NAME [MODE...]
say_measured() {
        local -a said=("${@:2}")

        said=("${said[@]/#/\/run\/hammer-}")
        printf '        %s: %s; others at most %s ms; %s KiB%s\n' "$1" "$(<"$latency_file")" "$slowest" "$(memory_kib)" \
                "${2:+; $(sort -u "${said[@]}" | paste -sd' ')}"
}

measure_quiet() {
        rss=$(memory_kib)
        measure
        say_measured "$1, no attack"
        quiet=$(p99) others_limit=30000
}

# attacked MODE...: each of them did something
attacked() {
        local mode
        for mode; do
                grep -q "$mode: [1-9]" "/run/hammer-$mode" || return 1
        done
}

# measure_elsewhere NAME MODE: the same attack on somebody else of the bus, in which the daemon has no part: what it costs is the
# bus's and the machine's. Where others wait for that one for more than 30 s, half as long again is the next attack's limit
# (docs/security.md).
measure_elsewhere() {
        local target=$elsewhere # of hammer()

        hammer "$2"
        measure "$elsewhere"
        wait "${hammers[@]}"
        say_measured "$1, on somebody else" "$2"
        succeeds "$1, on somebody else: it was attacked" attacked "$2"
        ((slowest <= others_limit)) || others_limit=$((slowest * 3 / 2))
}

# attack NAME MODE...: all at once, while an endpoint changes all the time and another user asks.
attack() {
        local what=$1 fds
        shift
        fds=$(descriptors)
        hammer "$@"
        measure
        wait "${hammers[@]}"
        say_measured "$what" "$@"
        succeeds "$what: it was attacked" attacked "$@"
        succeeds "$what: p99 of programming is at most twice that without" test "$(p99)" -le $((2 * quiet))
        succeeds "$what: every change was programmed" grep -Eq '^([0-9]+) changes, \1 in time' "$latency_file"
        succeeds "$what: others are answered, within $others_limit ms" test "$slowest" -le "$others_limit"
        succeeds "$what: it has not grown by 16 MiB" test $(($(memory_kib) - rss)) -le 16384
        succeeds "$what: no descriptor is left behind" no_more_descriptors "$fds"
        others_limit=30000
}

# attack_all BUS: rows D26, H1 to H3, H5 to H9 and H12 of the checklist
attack_all() {
        attack "$1, H1 unread answers" unread
        attack "$1, H2 a flood" flood
        attack "$1, H3 a listener that does not read" listener
        attack "$1, H5 dumps that stay open" dumps
        measure_elsewhere "$1, H6" many
        attack "$1, H6 250 connections" many
        attack "$1, H12 coming and going" churn
        attack "$1, H7 to H9 odd calls, forged signals, garbage" odd garbage
        measure_elsewhere "$1, calls as large as the bus takes them" huge
        attack "$1, calls as large as the bus takes them" huge
        attack "$1, all at once" unread flood listener dumps odd
}
