/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/control-fixture.h"

#include <stdio.h>
#include <time.h>

#include "common/log.h"

#define WAIT_USEC (10 * USEC_PER_SEC)

/* ---- life */

void control_init(Control *control) {
        *control = (Control) {};
        log_set_max_level(LOG_CRIT); /* failures are what these tests are about */
        assert_true(sd_event_new(&control->event) >= 0);
        assert_int_equal(memory_backend_new(&control->hand), 0);
        assert_int_equal(memory_backend_add_host_address(control->hand, CONTROL_NODE_IP, 24), 0);
        assert_int_equal(memory_backend_add_host_address(control->hand, "127.0.0.1", 8), 0);
        (void) strcpy(control->directory, "/tmp/test-control-XXXXXX");
        assert_non_null(mkdtemp(control->directory));
        control->options = (ManagerOptions) {
                .node_name = CONTROL_NODE,
                .filter = { .mark = 0x4000, .masquerade_all = true },
                .drain_timeout_usec = 900 * USEC_PER_SEC,
                .state_directory = control->directory,
                .retry_usec = 2 * USEC_PER_MSEC,
                .drain_look_usec = 2 * USEC_PER_MSEC,
                .look_servers = 1,
                .needs_source = { [OBJECT_SOURCE_API] = true },
        };
}

static void control_remove_directory(const Control *control) {
        static const char *const names[] = { "journal", "journal.new", "sysctls", "sysctls.new", "node-drain" };
        char path[64];

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                (void) snprintf(path, sizeof(path), "%s/%s", control->directory, names[i]);
                (void) unlink(path);
        }
        assert_int_equal(rmdir(control->directory), 0);
}

void control_done(Control *control) {
        control_stop(control);
        (void) kernel_backend_free(control->hand);
        (void) sd_event_unref(control->event);
        control_remove_directory(control);
}

void control_start(Control *control) {
        assert_null(control->manager);
        assert_int_equal(memory_backend_share(control->hand, &control->backend), 0);
        assert_int_equal(manager_new(control->event, control->backend, &control->options, &control->manager), 0);
        assert_int_equal(manager_start(control->manager), 0);
}

void control_stop(Control *control) {
        control->manager = manager_free(control->manager);
        control->backend = NULL;
}

const KernelBackendOps *control_override(Control *control, KernelBackendOps *ops) {
        const KernelBackendOps *original = control->backend->ops;

        *ops = *original;
        control->backend->ops = ops;
        return original;
}

void control_settle(Control *control) {
        int r;

        while ((r = sd_event_run(control->event, 0)) > 0)
                ;
        assert_int_equal(r, 0);
}

void control_run(Control *control, unsigned n_turns) {
        while (n_turns-- > 0 && sd_event_run(control->event, 0) > 0)
                ;
}

static uint64_t monotonic_usec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / NSEC_PER_USEC;
}

void control_run_for(Control *control, uint64_t usec) {
        uint64_t end = monotonic_usec() + usec;

        while (monotonic_usec() < end)
                assert_true(sd_event_run(control->event, 1000) >= 0);
}

void control_begin_audit(Control *control) {
        uint64_t ticket;

        assert_int_equal(manager_resync(control->manager, RESYNC_AUDIT | RESYNC_NO_WAIT, NULL, NULL, &ticket), 0);
        manager_resync_cancel(control->manager, ticket);
}

void control_wait(Control *control, bool (*done)(Control *control)) {
        uint64_t end = monotonic_usec() + WAIT_USEC;

        while (!done(control)) {
                assert_true(monotonic_usec() < end);
                assert_true(sd_event_run(control->event, 100 * USEC_PER_MSEC) >= 0);
        }
        control_settle(control);
}

/* ---- objects */

void control_list_begin(Control *control) {
        store_list_begin(manager_store(control->manager), OBJECT_SOURCE_API, OBJECT_KIND_NODE);
        store_list_begin(manager_store(control->manager), OBJECT_SOURCE_API, OBJECT_KIND_SERVICE);
        store_list_begin(manager_store(control->manager), OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE);
}

void control_list_end(Control *control) {
        Store *store = manager_store(control->manager);
        Node *node;

        assert_int_equal(node_new(CONTROL_NODE, &node), 0);
        assert_true(store_put_node(store, OBJECT_SOURCE_API, node) >= 0);
        store_list_end(store, OBJECT_SOURCE_API, OBJECT_KIND_NODE);
        store_list_end(store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE);
        store_list_end(store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE);
        manager_source_synced(control->manager);
}

static void split_key(const char *key, char namespace[static 64], const char **ret_name) {
        const char *slash = strchr(key, '/');

        assert_non_null(slash);
        (void) snprintf(namespace, 64, "%.*s", (int) (slash - key), key);
        *ret_name = slash + 1;
}

static IpAddr parse_addr(const char *text) {
        IpAddr addr;

        assert_int_equal(ip_addr_parse(text, &addr), 0);
        return addr;
}

static IpAddr *one_addr(const char *text) {
        IpAddr *list = calloc(1, sizeof(IpAddr));

        assert_non_null(list);
        *list = parse_addr(text);
        return list;
}

static size_t spec_n_ports(const ServiceSpec *spec) {
        size_t n = 0;

        while (n < ELEMENTSOF(spec->ports) && spec->ports[n].port > 0)
                n++;
        return n;
}

void control_put_service(Control *control, const ServiceSpec *spec) {
        char namespace[64];
        const char *name;
        Service *service;

        split_key(spec->key, namespace, &name);
        assert_int_equal(service_new(namespace, name, &service), 0);
        service->created_usec = spec->created_usec;
        service->affinity_timeout_sec = spec->affinity_sec;
        service->cluster_ips = one_addr(spec->cluster_ip);
        service->n_cluster_ips = 1;
        if (spec->external_ip) {
                service->external_ips = one_addr(spec->external_ip);
                service->n_external_ips = 1;
        }
        service->n_ports = spec_n_ports(spec);
        service->ports = calloc(service->n_ports, sizeof(ServicePort));
        for (size_t i = 0; i < service->n_ports; i++) {
                const PortSpec *port = &spec->ports[i];

                service->ports[i] = (ServicePort) {
                        strdup(port->name ? port->name : ""), port->protocol, port->port, port->node_port
                };
                if (port->node_port > 0)
                        service->type = SERVICE_TYPE_NODE_PORT;
        }
        assert_true(store_put_service(manager_store(control->manager), OBJECT_SOURCE_API, service) >= 0);
}

void control_remove_service(Control *control, const char *key) {
        char namespace[64];
        const char *name;

        split_key(key, namespace, &name);
        assert_int_equal(
                store_remove(manager_store(control->manager), OBJECT_SOURCE_API, OBJECT_KIND_SERVICE, namespace, name), 1);
}

static void slice_add_port(EndpointSlice *slice, const PortSpec *port) {
        SliceString name = 0;

        if (port->name)
                assert_int_equal(endpoint_slice_add_string(slice, port->name, true, &name), 0);
        slice->ports[slice->n_ports++] =
                (SlicePort) { name, port->target ? port->target : 8080, (uint8_t) port->protocol };
}

void control_put_endpoints(Control *control, const ServiceSpec *spec, const char *first, unsigned n) {
        IpAddr addr = parse_addr(first);
        size_t last = ip_addr_size(&addr) - 1;
        char namespace[64];
        EndpointSlice *slice;
        const char *name;

        split_key(spec->key, namespace, &name);
        assert_int_equal(endpoint_slice_new(namespace, name, &slice), 0);
        free(slice->service_name);
        slice->service_name = strdup(name);
        slice->family = addr.family;
        slice->ports = calloc(ELEMENTSOF(spec->ports), sizeof(SlicePort));
        for (size_t i = 0; i < spec_n_ports(spec); i++)
                slice_add_port(slice, &spec->ports[i]);
        slice->endpoints = calloc(n + 1, sizeof(Endpoint));
        slice->n_endpoints = n;
        for (unsigned i = 0; i < n; i++) {
                slice->endpoints[i].addr = addr;
                slice->endpoints[i].addr.bytes[last] = (uint8_t) (addr.bytes[last] + i);
                slice->endpoints[i].conditions = ENDPOINT_READY | ENDPOINT_SERVING;
        }
        assert_true(store_put_slice(manager_store(control->manager), OBJECT_SOURCE_API, slice) >= 0);
}

void control_remove_endpoints(Control *control, const ServiceSpec *spec) {
        char namespace[64];
        const char *name;

        split_key(spec->key, namespace, &name);
        (void) store_remove(
                manager_store(control->manager), OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE, namespace, name);
}

/* /work/shared/seed-cluster; tests/data/seed-cluster has the manifests */
const ServiceSpec founding_services[FOUNDING_SERVICES] = {
        { .key = "default/heketi", .cluster_ip = "10.254.111.142", .ports = { { "heketi", PROTOCOL_TCP, 8080, 0, 8080 } } },
        { .key = "ingress-nginx/default-http-backend", .cluster_ip = "10.254.94.117", .ports = { { NULL, PROTOCOL_TCP, 80, 0, 8080 } } },
        { .key = "ingress-nginx/ingress-nginx",
          .cluster_ip = "10.254.122.20",
          .ports = { { "http", PROTOCOL_TCP, 80, 30080, 80 }, { "https", PROTOCOL_TCP, 443, 30443, 443 } } },
        { .key = "kube-system/heapster", .cluster_ip = "10.254.204.85", .ports = { { NULL, PROTOCOL_TCP, 80, 0, 8082 } } },
        { .key = "kube-system/kube-dns",
          .cluster_ip = "10.254.0.2",
          .ports = { { "dns", PROTOCOL_UDP, 53, 0, 53 }, { "dns-tcp", PROTOCOL_TCP, 53, 0, 53 } } },
        { .key = "kube-system/kubernetes-dashboard",
          .cluster_ip = "10.254.112.177",
          .ports = { { NULL, PROTOCOL_TCP, 443, 32767, 8443 } } },
        { .key = "kube-system/monitoring-grafana",
          .cluster_ip = "10.254.227.68",
          .ports = { { NULL, PROTOCOL_TCP, 80, 32766, 3000 } } },
        { .key = "kube-system/monitoring-influxdb", .cluster_ip = "10.254.174.122", .ports = { { NULL, PROTOCOL_TCP, 8086, 0, 8086 } } },
        { .key = "default/nginx",
          .cluster_ip = "10.254.167.37",
          .affinity_sec = 10800,
          .ports = { { "web", PROTOCOL_TCP, 80, 0, 80 } } },
};

void control_put_founding_cluster(Control *control) {
        static const ServiceSpec kubernetes = {
                .key = "default/kubernetes",
                .cluster_ip = "10.254.0.1",
                .ports = { { "https", PROTOCOL_TCP, 443, 0, 6443 } },
        };

        control_put_service(control, &kubernetes);
        control_put_endpoints(control, &kubernetes, "172.16.1.10", 1);
        for (size_t i = 0; i < FOUNDING_SERVICES; i++) {
                char first[16];

                control_put_service(control, &founding_services[i]);
                (void) snprintf(first, sizeof(first), "10.253.%zu.1", i);
                control_put_endpoints(control, &founding_services[i], first, 2);
        }
}

/* ---- the kernel */

static bool line_has_prefix(const char *line, const char *const *prefixes) {
        for (; *prefixes; prefixes++)
                if (strncmp(line, *prefixes, strlen(*prefixes)) == 0)
                        return true;
        return false;
}

char *control_kernel(const Control *control, const char *const *prefixes) {
        char *text = memory_backend_to_string(control->hand), *from, *to;

        assert_non_null(text);
        for (from = to = text; *from;) {
                size_t n = strcspn(from, "\n") + 1;

                if (line_has_prefix(from, prefixes)) {
                        memmove(to, from, n);
                        to += n;
                }
                from += n;
        }
        *to = '\0';
        return text;
}

char *control_kernel_all(const Control *control) {
        static const char *const prefixes[] = { "vs ", "  rs ", "addr ", "filter ", NULL };

        return control_kernel(control, prefixes);
}

void control_assert_kernel(const Control *control, const char *expected) {
        static const char *const prefixes[] = { "vs ", "  rs ", "addr ", NULL };
        _cleanup_(freep) char *text = control_kernel(control, prefixes);

        assert_string_equal(text, expected);
        assert_string_equal(memory_backend_breach(control->hand), "");
}

VirtualServerKey control_key(const char *ip, uint16_t port, Protocol protocol) {
        return (VirtualServerKey) { .addr = parse_addr(ip), .port = port, .protocol = (uint8_t) protocol };
}

IpPort control_port(const char *ip, uint16_t port) {
        return (IpPort) { parse_addr(ip), port };
}
