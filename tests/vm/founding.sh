# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The founding cluster (tests/data/seed-cluster/README.md) around the node k8s02: its pods are namespaces, named after
# what they are, on this node (172.30.21.0/24), on k8s03 (172.30.33.0/24) and on k8s01 (172.30.45.0/24). Needs lib.sh.

seed=$IPVSPROXY_TEST/src/tests/data/seed-cluster

# The ten addresses of the write-up.
# shellcheck disable=SC2034 # for the scripts
founding_addresses=(
        10.254.0.1 10.254.0.2 10.254.94.117 10.254.111.142 10.254.112.177 10.254.122.20 10.254.167.37 10.254.174.122
        10.254.204.85 10.254.227.68
)

founding_network() {
        cluster_up
        cluster_service_range 10.254.0.0/16
        cluster_pods 172.30.21.1/24
        cluster_node k8s01 9 172.30.45.1/24
        cluster_node k8s03 11 172.30.33.1/24
        ip -n k8s01 route add 172.30.33.0/24 via 172.16.1.11
        ip -n k8s03 route add 172.30.45.0/24 via 172.16.1.9
}

# founding_pod NODE NAME ADDRESS PODSERVER-OPTION...
founding_pod() {
        cluster_pod "$1" "$2" "$3"
        serve "$2" "${@:4}"
}

founding_pods() {
        local dns=heketi.default.svc.cluster.local=10.254.111.142
        founding_pod - heketi 172.30.21.5 --http 8080 --hello 'Hello from Heketi'
        founding_pod - default-backend 172.30.21.6 --http 8080
        founding_pod - ingress-k8s02 172.30.21.7 --http 80 --tcp 443
        founding_pod k8s03 ingress-k8s03 172.30.33.7 --http 80 --tcp 443
        founding_pod k8s01 ingress-k8s01 172.30.45.7 --http 80 --tcp 443
        founding_pod - nginx-k8s02 172.30.21.8 --http 80
        founding_pod k8s03 nginx-k8s03 172.30.33.8 --http 80
        founding_pod k8s01 dns-k8s01 172.30.45.2 --dns $dns
        founding_pod k8s03 dns-k8s03 172.30.33.2 --dns $dns
        founding_pod k8s03 heapster 172.30.33.4 --http 8082
        founding_pod k8s01 dashboard 172.30.45.3 --tcp 8443
        founding_pod k8s03 grafana 172.30.33.5 --http 3000
        founding_pod k8s03 influxdb 172.30.33.6 --http 8086
        # Somebody who asks, and is behind no service.
        cluster_pod - shell 172.30.21.20
        served
}

# The objects of the cluster, what the API server itself adds, and this node.
founding_objects() {
        api_prepare
        install -m 0644 "$seed/manifests.yaml" "$seed/endpointslices.v1.json" "$api_state/objects/"
        cat >"$api_state/objects/kubernetes.yaml" <<'END'
apiVersion: v1
kind: Service
metadata: {name: kubernetes, namespace: default, labels: {component: apiserver, provider: kubernetes}}
spec:
  clusterIP: 10.254.0.1
  ports: [{name: https, port: 443, targetPort: 6443, protocol: TCP}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
ports: [{name: https, port: 6443, protocol: TCP}]
endpoints: [{addresses: [172.16.1.5], conditions: {ready: true}}]
---
apiVersion: v1
kind: Node
metadata: {name: k8s02, labels: {kubernetes.io/hostname: k8s02}}
spec: {podCIDR: 172.30.21.0/24, podCIDRs: [172.30.21.0/24]}
status:
  addresses: [{type: InternalIP, address: 172.16.1.10}, {type: Hostname, address: k8s02}]
END
}

# founding_up [API SERVER OPTION...]
founding_up() {
        founding_network
        founding_pods
        founding_objects
        api_start --auth --user system:kube-proxy --san 10.254.0.1 "$@"
        unit_kubeconfig
        unit_configure "${founding_flags[@]}"
}

# founding_slice NAME: prints it as the API server has it, without what it must not be given
founding_slice() {
        apictl get endpointslices "$1"
}

# founding_pod_leaves SLICE ADDRESS: the endpoint is taken out of its slice, as the endpoint controller does
founding_pod_leaves() {
        founding_slice "$1" | sed "s/{\"addresses\":\[\"$2\"\][^}]*}[^}]*},\?//; s/},\]/}]/" | apictl put -
}
