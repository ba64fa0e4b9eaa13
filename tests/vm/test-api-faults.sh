#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The API server stops, stands still, forgets, refuses, breaks its answers, and changes its certificates. Traffic through
# services goes on all the time, and within 5 s of the server being well again what changed meanwhile is in the kernel.
# At last it has 10,000 services with 10,000 slices.
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"
# shellcheck source=tests/vm/founding.sh
source "${BASH_SOURCE%/*}/founding.sh"

founding_up --bookmarks 5
install -d -m 0750 -g ipvsproxy /etc/kubernetes/pki
# Credentials in files, which rotate.
credentials() {
        local name
        for name in ca.crt client.crt client.key; do
                install -m 0640 -g ipvsproxy "$api_state/$name" "/etc/kubernetes/$name"
        done
        unit_kubeconfig kubeconfig.files
}
credentials
unit_start || finish
succeeds 'all services are in the kernel' unit_synced

# Not in_ns: the signal that ends it is for the client itself.
nsenter --net=/run/netns/client -- podclient --timeout 20000 rate tcp 172.16.1.10 30443 20 3600 >/run/traffic 2>&1 &
traffic=$!

real_servers_are() {
        [[ $(real_servers 10.254.167.37:80/TCP) == "$1" ]]
}

# change [put into the API server now]: nginx has an endpoint that it never had
turn=0
change() {
        turn=$((turn + 1))
        now_wanted="172.30.21.8:80 172.30.33.$turn:80"
        put_slice default nginx web 80 TCP 172.30.21.8@k8s02 "172.30.33.$turn@k8s03"
        begun=${EPOCHREALTIME/./}
}

# arrives NAME [SECONDS]
arrives() {
        local name="$1: the change is in the kernel" ms
        if wait_until "${2:-5}" real_servers_are "$now_wanted"; then
                ms=$(((${EPOCHREALTIME/./} - begun) / 1000))
                ok "$name, after $ms ms"
        else
                not_ok "$name" "expected: $now_wanted" "got:      $(real_servers 10.254.167.37:80/TCP)"
        fi
}

api_is() {
        [[ $(busctl get-property org.k8s.IpvsProxy /org/k8s/IpvsProxy org.k8s.IpvsProxy ApiState) == "s \"$1\"" ]]
}

# What the kernel has, without what drains.
kernel() {
        ipvsadm -S -n | grep -v -- '-w 0$' | sort
}

# lost NAME SECONDS: that the server is away is noticed, and the kernel is as it was
lost() {
        local now=${EPOCHREALTIME/./} before
        before=$(kernel)
        if wait_until "$2" api_is disconnected; then
                ok "$1: noticed after $(((${EPOCHREALTIME/./} - now) / 1000)) ms"
        else
                not_ok "$1: noticed" "$(ipvsproxyctl status)"
        fi
        equal "$1: the kernel stays as it was" "$before" "$(kernel)"
}

apictl delete endpointslices default/nginx-7xk2p
change
arrives 'all is well'

# ---- watches end, are cut, or get nonsense

for order in 'watch-end *' 'watch-reset *' 'watch-error * 410' 'watch-error * 500' 'close' 'reset'; do
        # shellcheck disable=SC2086 # words, but no file names
        (set -f && apictl $order) >/dev/null
        change
        arrives "$order"
done
apictl watch-send endpointslices '{"type":"MODIFIED","object":{"kind":"Endpoi}}' >/dev/null
change
arrives 'a watch event that is no JSON'
apictl watch-raw endpointslices $'zz\r\n\r\n' >/dev/null
change
arrives 'bytes outside of the framing'

# ---- lists and watches fail, twice each: the third try is to be soon enough

for fault in 'status 429 1' 'status 500' 'status 503 1' 'status 410' half garbage framing close reset; do
        # shellcheck disable=SC2086 # words
        apictl fail endpointslices:list 2 $fault
        apictl compact
        apictl watch-end endpointslices >/dev/null
        change
        arrives "two lists: $fault"
        apictl clear
done
for fault in 'error-event 410' 'status 410' 'status 429 1' half garbage; do
        # shellcheck disable=SC2086 # words
        apictl fail endpointslices:watch 2 $fault
        apictl watch-end endpointslices >/dev/null
        change
        arrives "two watches: $fault"
        apictl clear
done
wait_until 20 api_is watching
apictl fail '*' 1000 status 503
apictl close
lost 'everything gets 503' 10
sleep 8
change
apictl clear
arrives 'everything got 503'

# ---- it is not there, or stands still

wait_until 20 api_is watching
apictl stop
lost stopped 10
change
apictl start
arrives 'stopped and started'

wait_until 20 api_is watching
kill -STOP "$api_pid"
lost SIGSTOP 40
kill -CONT "$api_pid"
change
arrives 'SIGSTOP and SIGCONT'

# Nothing comes, and nobody is told: a switch between that forgot the way.
wait_until 20 api_is watching
ip -n switch link set p5 nomaster
lost 'no way to the server' 40
change
ip -n switch link set p5 master br0
arrives 'no way to the server, and again one'

# ---- credentials

apictl rotate server
apictl close
change
arrives 'a new server certificate'
apictl rotate all
apictl close
credentials
change
arrives 'a new CA and client certificate, in the same files' 10

# ---- an upgrade of the cluster

apictl api discovery.k8s.io/v1 off
apictl api discovery.k8s.io/v1beta1 on
apictl close
change
arrives 'EndpointSlice v1 is gone, v1beta1 is there' 10
apictl api discovery.k8s.io/v1 on
apictl api discovery.k8s.io/v1beta1 off
apictl close
change
arrives 'v1beta1 is gone, v1 is there' 10

# ---- traffic

kill -0 "$traffic" || not_ok 'the traffic lasted to the end'
kill -INT "$traffic"
wait "$traffic"
read -r n_made _ n_answered _ <<<"$(tail -n 1 /run/traffic)"
equal "of $n_made connections meanwhile not one failed" "$n_made" "$n_answered"
printf '        %s\n' "$(tail -n 1 /run/traffic)"
equal 'the daemon was never restarted' 0 "$(systemctl show --value -p NRestarts ipvsproxyd.service)"

# ---- many objects

# peak PID: what it had at most in memory, in KiB
peak() {
        awk '$1 == "VmHWM:" { print $2 }' "/proc/$1/status"
}

has_many() {
        (($(ipvsadm -L -n | grep -c '^TCP\|^UDP\|^SCTP') >= 10000))
}

small=$(peak "$(unit_pid)")
kill "$api_pid"
wait "$api_pid"
api_start --auth --user system:kube-proxy --generate services=10000,endpoints=1
credentials
unit_configure "${founding_flags[@]/--v=2/--v=0}"
systemctl restart ipvsproxyd.service
succeeds '10,000 services and 10,000 slices are in the kernel' wait_until 60 has_many
many=$(peak "$(unit_pid)")
printf '        peak memory: %s KiB with the founding cluster, %s KiB with 10,000 services and slices\n' "$small" "$many"
# Of that, 13 MiB or more are the libraries' files, which others share.
equal 'the founding cluster takes at most 20 MiB' yes "$( ((small <= 20480)) && echo yes)"
equal '10,000 services and slices take at most 64 MiB' yes "$( ((many <= 65536)) && echo yes)"
finish
