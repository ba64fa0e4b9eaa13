#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The API server stops, stands still, forgets, refuses, breaks its answers, and changes its certificates. Traffic through
# services goes on all the time, and once it is well again what changed meanwhile is in the kernel.
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

# change [put into the API server now]: nginx has now the one, now the other endpoint
turn=0
change() {
        turn=$((turn + 1))
        if ((turn % 2)); then
                put_slice default nginx web 80 TCP 172.30.21.8@k8s02
                now_wanted=172.30.21.8:80
        else
                put_slice default nginx web 80 TCP 172.30.21.8@k8s02 172.30.33.8@k8s03
                now_wanted='172.30.21.8:80 172.30.33.8:80'
        fi
}

# arrives NAME [SECONDS]
arrives() {
        succeeds "$1: the change is in the kernel" wait_until "${2:-5}" real_servers_are "$now_wanted"
}

apictl delete endpointslices default/nginx-7xk2p
change
arrives 'all is well' 5

# ---- watches end, are cut, or get nonsense

for order in 'watch-end *' 'watch-reset *' 'watch-error * 410' 'watch-error * 500' 'close' 'reset'; do
        # shellcheck disable=SC2086 # words, but no file names
        (set -f && apictl $order) >/dev/null
        change
        arrives "$order" 10
done
apictl watch-send endpointslices '{"type":"MODIFIED","object":{"kind":"Endpoi}}' >/dev/null
change
arrives 'a watch event that is no JSON' 10
apictl watch-raw endpointslices $'zz\r\n\r\n' >/dev/null
change
arrives 'bytes outside of the framing' 10

# ---- lists fail

# A daemon that has just started waits least between two attempts: after many faults in a row client-go's rules make it a
# minute. Traffic goes on while it is restarted.
fresh() {
        systemctl restart ipvsproxyd.service
        wait_until 20 ipvsproxyctl wait --timeout=5
}

for fault in 'status 429 1' 'status 500' 'status 503 1' 'status 410' half garbage framing close reset; do
        fresh
        # shellcheck disable=SC2086 # words
        apictl fail endpointslices:list 2 $fault
        apictl compact
        apictl watch-end endpointslices >/dev/null
        change
        arrives "two lists: $fault" 20
        apictl clear
done
for fault in 'error-event 410' 'status 410' 'status 429 1' half garbage; do
        fresh
        # shellcheck disable=SC2086 # words
        apictl fail endpointslices:watch 2 $fault
        apictl watch-end endpointslices >/dev/null
        change
        arrives "two watches: $fault" 20
        apictl clear
done

# ---- it is not there, or stands still

fresh
before=$(ipvsadm -S -n | grep -v 10.254.167.37 | sort)
apictl stop
sleep 3
equal 'stopped: the kernel stays as it was' "$before" "$(ipvsadm -S -n | grep -v 10.254.167.37 | sort)"
change
apictl start
arrives 'stopped and started' 20

kill -STOP "$api_pid"
sleep 50
equal 'SIGSTOP for 50 s: the kernel stays as it was' "$before" "$(ipvsadm -S -n | grep -v 10.254.167.37 | sort)"
kill -CONT "$api_pid"
change
arrives 'SIGSTOP and SIGCONT' 20

apictl freeze
change
sleep 45
apictl thaw
arrives 'a machine that stood still for 45 s' 20

# ---- credentials

fresh
apictl rotate server
apictl close
change
arrives 'a new server certificate' 15
apictl rotate all
apictl close
credentials
change
arrives 'a new CA and client certificate, in the same files' 40

# ---- an upgrade of the cluster

apictl api discovery.k8s.io/v1 off
apictl api discovery.k8s.io/v1beta1 on
apictl close
change
arrives 'EndpointSlice v1 is gone, v1beta1 is there' 40
apictl api discovery.k8s.io/v1 on
apictl api discovery.k8s.io/v1beta1 off
apictl close
change
arrives 'v1beta1 is gone, v1 is there' 40

# ---- traffic

kill -0 "$traffic" || not_ok 'the traffic lasted to the end'
kill -INT "$traffic"
wait "$traffic"
read -r n_made _ n_answered _ <<<"$(tail -n 1 /run/traffic)"
equal "of $n_made connections meanwhile not one failed" "$n_made" "$n_answered"
printf '        %s\n' "$(tail -n 1 /run/traffic)"
finish
