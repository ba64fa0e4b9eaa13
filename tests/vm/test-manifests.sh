#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A node without a cluster: Services and EndpointSlices from a directory, followed as it changes.
# shellcheck disable=SC2317,SC2329 # functions that wait_until calls
set -uo pipefail
# shellcheck source=tests/vm/lib.sh
source "${BASH_SOURCE%/*}/lib.sh"

folder=/etc/ipvsproxy/manifests
mkdir -p "$folder"
cluster_up
cluster_pods 10.253.1.1/24
cluster_pod - web-1 10.253.1.5
cluster_pod - web-2 10.253.1.6
serve web-1 --http 8080
serve web-2 --http 8080
cluster_service_range 10.254.0.0/16

real_servers_are() {
        [[ $(real_servers "$1") == "$2" ]]
}
has_no_server() {
        [[ $(virtual_servers) != *"$1"* ]]
}

# manifest FILE ADDRESS...: one service with these endpoints, put into place in one step
manifest() {
        local file=$1 address list=
        shift
        for address; do
                list+="${list:+, }{addresses: [\"$address\"]}"
        done
        cat >"$folder/.$file" <<END
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec:
  clusterIP: 10.254.1.1
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080, protocol: TCP}]
endpoints: [$list]
END
        mv "$folder/.$file" "$folder/$file"
}

manifest web.yaml 10.253.1.5
unit_configure --manifests="$folder" --masquerade-all=true --proxy-mode=ipvs --drain-timeout=0s --v=2
unit_start || finish
succeeds 'it is programmed without a cluster' wait_until 10 real_servers_are 10.254.1.1:80/TCP 10.253.1.5:8080
matches 'and serves, from outside' '^web-1' "$(in_ns client curl -sS --max-time 5 http://10.254.1.1/)"
matches 'from the node' '^web-1' "$(curl -sS --max-time 5 http://10.254.1.1/)"
equal 'the state says so' 's "running"' "$(busctl get-property org.k8s.IpvsProxy /org/k8s/IpvsProxy org.k8s.IpvsProxy State)"

manifest web.yaml 10.253.1.5 10.253.1.6
succeeds 'a replaced file is followed' wait_until 10 real_servers_are 10.254.1.1:80/TCP '10.253.1.5:8080 10.253.1.6:8080'
printf 'apiVersion: v1\nkind: [\n' >"$folder/web.yaml"
succeeds 'a broken one is reported with its line' wait_until 10 \
        sh -c 'journalctl --no-pager -u ipvsproxyd | grep -q "web.yaml:[0-9]"'
equal 'and what it said last stays' '10.253.1.5:8080 10.253.1.6:8080' "$(real_servers 10.254.1.1:80/TCP)"
manifest web.yaml 10.253.1.6
succeeds 'a good one again' wait_until 10 real_servers_are 10.254.1.1:80/TCP 10.253.1.6:8080
rm "$folder/web.yaml"
succeeds 'a file that is gone takes its service along' wait_until 10 has_no_server 10.254.1.1:80/TCP
equal 'nothing failed on the way' 0 "$(systemctl show --value -p NRestarts ipvsproxyd.service)"
finish
