# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For scripts on the node, after lib.sh: u1, who may nothing by itself, and boss, an administrator whose password is
# "secret".

people_up() {
        useradd -m u1
        useradd -m -G sudo boss
        echo boss:secret | chpasswd
}

# asks DELAY TEXT: u1 at a terminal resyncs, and somebody types that after a while; prints what is seen there, and "status N"
asks() {
        script -qc 'setpriv --reuid u1 --regid u1 --init-groups ipvsproxyctl resync; echo "status $?"' /dev/null \
                < <(sleep "$1"; printf '%b' "$2"; sleep 40) 2>&1 | tr -d '\r'
}

# decided RESULT: how often a call of u1 was
decided() {
        journalctl -q -o cat -u ipvsproxyd.service CALLER_UID="$(id -u u1)" RESULT="$1" | wc -l
}

one_line() {
        tr '\n' ' ' <<<"$1"
}
