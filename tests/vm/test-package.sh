#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian package, handed over as files/ipvsproxy.deb: it is installed, works, is upgraded under traffic, removed and
# purged, and the node is then what it was before.
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"
# shellcheck source=tests/vm/founding.sh
source "${BASH_SOURCE%/*}/founding.sh"

package=$IPVSPROXY_TEST/files/ipvsproxy.deb
rate=${IPVSPROXY_TEST_RATE:-50}
export DEBIAN_FRONTEND=noninteractive

[[ -f $package ]] || die "no package: run it with --no-install --file …/ipvsproxy.deb (./bootstrap check does)"

# snapshot FILE: everything that a package of ours could leave behind; not what dpkg, systemd and this script keep.
snapshot() {
        {
                find /etc /usr /var /run /home /root /opt -xdev ! -type d \
                        ! -path '/var/lib/dpkg/*' ! -path '/var/log/*' ! -path '/var/cache/*' ! -path '/var/lib/systemd/*' \
                        ! -path '/run/systemd/*' ! -path '/run/log/*' ! -path '/run/user/*' ! -path '/etc/*-' \
                        ! -path '/run/test-apiserver/*' ! -path '/run/podserver-*' ! -path '/run/package-test/*' \
                        ! -path '/run/credentials/*' ! -path '/run/netns/*' -printf '%p %y %m %u:%g %l\n' | sort
                find /etc /var/lib -xdev -type d ! -path '/var/lib/systemd/*' ! -path '/var/lib/dpkg/*' | sort
                sort /etc/passwd /etc/group
                sha256sum /etc/systemd/system.conf /etc/sysctl.conf 2>/dev/null
                ipvsadm -S -n
                ipvsadm -L --timeout
                ip -o address | sed 's/ valid_lft.*//'
                ip -o link | sed 's/ qlen.*//'
                nft -s list ruleset
                # Not what the kernel itself writes: counters, and keys that it draws anew.
                sysctl -a 2>/dev/null | grep -E '^net\.' | grep -vE '_count|\.stat|stable_secret|tcp_fastopen_key|nf_log'
                systemctl list-unit-files --no-legend | awk '{ print $1, $2 }' | grep -i ipvsproxy
        } >"$1"
}

has_server() {
        [[ $(virtual_servers) == *"$1"* ]]
}
state() {
        busctl get-property org.k8s.IpvsProxy /org/k8s/IpvsProxy org.k8s.IpvsProxy State
}
installed() {
        dpkg-query -W -f '${db:Status-Status} ${Version}' ipvsproxy 2>/dev/null
}

mkdir -p /run/package-test
cd /run/package-test || exit

# The package of the next version is this one with another number.
dpkg-deb -R "$package" next || die "$package is no package"
version=$(sed -n 's/^Version: //p' next/DEBIAN/control)
sed -i "s/^Version: .*/&+next/" next/DEBIAN/control
dpkg-deb --root-owner-group -b next next.deb >/dev/null

modprobe -a ip_vs ip_vs_rr ip_vs_wrr ip_vs_sh nf_conntrack nf_tables dummy
founding_network
founding_pods
founding_objects
api_start --auth --user system:kube-proxy --san 10.254.0.1
nft list ruleset >/dev/null
snapshot before

# ---- install

succeeds 'it is installed, with nothing but what the image has' dpkg -i "$package"
equal 'its version' "installed $version" "$(installed)"
equal 'every file is as the package has it' '' "$(dpkg -V ipvsproxy | grep -vE '/usr/share/(man|doc)/')"
equal 'without a kubeconfig it is not started' inactive "$(systemctl is-active ipvsproxyd)"
equal 'but enabled' enabled "$(systemctl is-enabled ipvsproxyd)"
matches 'its user has no shell and no password' '^ipvsproxy:[x!*]+:[0-9]+:[0-9]+:Kubernetes IPVS proxy:/[^:]*:/[^:]*(nologin|false)$' \
        "$(getent passwd ipvsproxy)"
matches 'there is a group for administrators' '^ipvsproxy-admin:' "$(getent group ipvsproxy-admin)"
matches 'its actions are known to polkit' 'org.k8s.IpvsProxy.drain' "$(pkaction)"
install -m 0640 -g ipvsproxy "$api_state/kubeconfig" /etc/ipvsproxy/kubeconfig
printf 'clusterCIDR: 10.253.0.0/16\n' >>/etc/ipvsproxy/config.yaml
succeeds 'with one it starts' systemctl start ipvsproxyd
succeeds 'everything is in the kernel' unit_synced
equal 'over the bus it says so' 's "running"' "$(state)"
succeeds 'the service answers' wait_until 10 in_ns client curl -sS --max-time 5 10.254.111.142:8080/hello
journalctl -q -u ipvsproxyd -x -n 200 >log
matches 'journalctl -x has its catalog' 'The first complete pass over all services is in the kernel' "$(<log)"

# ---- upgrade

servers=$(ipvsadm -S -n | sort)
pid=$(unit_pid)
in_ns client podclient --timeout 10000 rate tcp 172.16.1.10 30443 "$rate" 15 >answers &
client=$!
in_ns client podclient --timeout 10000 hold tcp 172.16.1.10 30443 15 >held &
holder=$!
wait_until 10 grep -q connected held
succeeds 'it is upgraded under traffic' dpkg -i next.deb
equal 'to the next version' "installed $version+next" "$(installed)"
succeeds 'the daemon has begun anew' test "$(unit_pid)" != "$pid"
succeeds 'and is well' unit_synced
wait "$client"
matches 'not one connection failed' "^$((15 * rate)) connections, $((15 * rate)) answered" "$(tail -n 1 answers)"
wait "$holder"
matches 'the connection that was held is still there' '^held for' "$(tail -n 1 held)"
equal 'the kernel is as it was' "$servers" "$(ipvsadm -S -n | sort)"
matches 'the configuration is the administrator'\''s' 'clusterCIDR: 10.253.0.0/16' "$(tail -n 1 /etc/ipvsproxy/config.yaml)"
systemctl disable --now ipvsproxyd >/dev/null 2>&1
succeeds 'it goes back to the version before' dpkg -i "$package"
equal 'who disabled it is not overruled' disabled "$(systemctl is-enabled ipvsproxyd)"
equal 'and it is not started' inactive "$(systemctl is-active ipvsproxyd)"
systemctl enable --now ipvsproxyd >/dev/null 2>&1
succeeds 'until it is enabled again' unit_synced

# ---- remove

succeeds 'it is removed' dpkg -r ipvsproxy
equal 'nothing of it is in the kernel' '' \
        "$(ipvsadm -S -n)$(ip -o link show dev kube-ipvs0 2>/dev/null)$(nft list table inet ipvsproxy 2>/dev/null)"
equal 'the configuration is there still' 'config.yaml kubeconfig' "$(find /etc/ipvsproxy -type f -printf '%f\n' | sort | paste -sd' ')"
equal 'no program runs' '' "$(pgrep -x ipvsproxyd)"
succeeds 'installed again with its kubeconfig' dpkg -i "$package"
succeeds 'it starts by itself' unit_synced
succeeds 'with everything in the kernel' wait_until 10 has_server 10.254.111.142:8080/TCP

# ---- purge

succeeds 'it is purged while it works' dpkg -P ipvsproxy
equal 'dpkg does not know it any more' '' "$(installed)"
snapshot after
equal 'the node is what it was' '' "$(diff before after)"
cp before after "$RESULTS/"
succeeds 'purged without having been started' sh -c "dpkg -i '$package' && dpkg -P ipvsproxy"
snapshot after
equal 'the node is what it was then too' '' "$(diff before after)"
finish
