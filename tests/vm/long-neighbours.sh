#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# By hand, ten minutes (--timeout 1200): who else there is on a node. NetworkManager and firewalld start, reload and restart
# (S8); who typed a password is asked for it again when polkit has forgotten it (P11), and who thinks about one for longer
# than five minutes is denied (P3).
# packages: network-manager firewalld
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"
# shellcheck source=tests/vm/founding.sh
source "${BASH_SOURCE%/*}/founding.sh"
# shellcheck source=tests/vm/people.sh
source "${BASH_SOURCE%/*}/people.sh"

name=org.k8s.IpvsProxy root=/org/k8s/IpvsProxy

founding_up
unit_start || finish
succeeds 'all services are in the kernel' unit_synced
people_up

# ---- NetworkManager and firewalld (S8)

# With a dummy of somebody else, which has node ports like every address of the node.
remember() {
        servers=$(ipvsadm -S -n | sort)
        before=$(device_state)
        table=$(nft -s list table inet ipvsproxy)
        drift=$(busctl get-property "$name" "$root" "$name" DriftCount)
}
# nothing_happened WHAT
nothing_happened() {
        equal "$1: the device and every address stay (S8)" "$before" "$(device_state)"
        equal "$1: the table stays (S8)" "$table" "$(nft -s list table inet ipvsproxy)"
        equal "$1: the virtual servers stay (S8)" "$servers" "$(ipvsadm -S -n | sort)"
        equal "$1: nothing had to be repaired (S8)" "$drift" "$(busctl get-property "$name" "$root" "$name" DriftCount)"
}
# nm_state DEVICE: what NetworkManager says of it
nm_state() {
        nmcli -t -f DEVICE,STATE device 2>/dev/null | sed -n "s/^$1://p"
}
nm_has_other() {
        [[ $(nm_state other0) == connected* ]]
}

# It would wait for udev, which the node does not run, unless /sys looks as it does in a container; and it is to leave the
# node's own devices alone, which it would ask a DHCP server about.
mkdir -p /run/systemd/system/NetworkManager.service.d /etc/NetworkManager/conf.d
printf '[Service]\nReadOnlyPaths=/sys\n' >/run/systemd/system/NetworkManager.service.d/sys.conf
printf '[main]\nno-auto-default=*\n' >/etc/NetworkManager/conf.d/node.conf
systemctl unmask NetworkManager.service firewalld.service 2>/dev/null
systemctl daemon-reload
ip link add other0 type dummy
ip address add 192.0.2.77/32 dev other0
ip link set other0 up
other_has_node_ports() {
        ipvsadm -S -n | grep -q -- '-A -t 192.0.2.77:30443 '
}
succeeds 'a dummy of somebody else has node ports' wait_until 10 other_has_node_ports
succeeds 'all of them' unit_synced
remember
for verb in start reload restart; do
        systemctl "$verb" NetworkManager.service
        succeeds "$verb of NetworkManager: a dummy is its own (S8)" wait_until 20 nm_has_other
        equal "$verb of NetworkManager: kube-ipvs0 is not (S8)" unmanaged "$(nm_state kube-ipvs0)"
        nothing_happened "$verb of NetworkManager"
done
systemctl stop NetworkManager.service
nothing_happened 'stop of NetworkManager'

firewalld_has_rules() {
        nft list chain inet firewalld filter_FORWARD | grep -q reject
}
succeeds 'firewalld starts (S8)' systemctl start firewalld.service
succeeds 'its rules are there (S8)' wait_until 30 firewalld_has_rules
nothing_happened 'start of firewalld'
succeeds 'it reloads (S8)' firewall-cmd --reload
succeeds 'and has its rules again (S8)' wait_until 30 firewalld_has_rules
nothing_happened 'reload of firewalld'
succeeds 'it reloads all (S8)' firewall-cmd --complete-reload
succeeds 'and has all its rules again (S8)' wait_until 30 firewalld_has_rules
nothing_happened 'complete reload of firewalld'
ipvsproxyctl doctor >/run/doctor 2>&1
sed 's/^/        /' /run/doctor
matches 'doctor says that it rejects what is forwarded (S8)' 'firewalld' "$(</run/doctor)"
systemctl stop firewalld.service
nothing_happened 'stop of firewalld'

# ---- too long a thought (P3)

denied=$(decided denied)
asks 330 '' >/run/thinking &
thinking=$!

# ---- a password that is kept (P11)

# What a policy grants who sits at the machine, which nobody does here. polkit keeps it for one process, so that has to
# stay. Taking it back is not here: pkcheck --revoke-temp takes back what was granted through the agent of its session, and
# pkttyagent is one of a process; polkit refuses who is in no session, and in one of su it says that it is done and keeps it.
cat >/etc/polkit-1/rules.d/10-kept.rules <<'END_RULES'
polkit.addRule(function(action, subject) {
        if (action.id == "org.k8s.IpvsProxy.resync" && subject.user == "u1")
                return polkit.Result.AUTH_ADMIN_KEEP;
});
END_RULES
mkdir -p /run/session
chown u1: /run/session
mkfifo -m 0666 /run/asks /run/typed
exec 3<>/run/asks 4<>/run/typed
cat >/run/session.sh <<'END_SESSION'
bus-resync </run/asks >/run/session/answers &
caller=$!
exec pkttyagent --process "$caller"
END_SESSION
script -qc 'setpriv --reuid u1 --regid u1 --init-groups bash /run/session.sh' /dev/null \
        </run/typed >/run/session/terminal 2>&1 3>&- 4>&- &
terminal=$!
# asked N, answered N: so often a password was asked for, and a call answered
asked() {
        [[ $(grep -c Password: /run/session/terminal) == "$1" ]]
}
answered() {
        [[ $(wc -l </run/session/answers) == "$1" ]]
}
# types NAME N: the Nth question comes, and is answered
types() {
        succeeds "$1: the password is asked for (P11)" wait_until 20 asked "$2"
        sleep 3
        echo secret >&4
}
# last_answer NAME N: the Nth call was made
last_answer() {
        succeeds "$1: it is answered (P11)" wait_until 20 answered "$2"
        equal "$1: done (P11)" 'done' "$(tail -n 1 /run/session/answers)"
}
agent_is_there() {
        journalctl -q -b -o cat -u polkit.service | grep -q 'Registered Authentication Agent.*pkttyagent --process'
}
succeeds 'an agent is there (P11)' wait_until 20 agent_is_there
echo >&3
types 'the first call' 1
last_answer 'the first call' 1
echo >&3
last_answer 'the second call' 2
succeeds 'which nobody was asked about (P11)' asked 1
sleep 303
echo >&3
types 'after five minutes' 2
last_answer 'after five minutes' 3
kill "$terminal"

wait "$thinking"
matches 'five and a half minutes of thought are too long (P3)' 'status [1-9]' "$(one_line "$(</run/thinking)")"
succeeds 'which is denied (P3)' test "$(decided denied)" -gt "$denied"
finish
