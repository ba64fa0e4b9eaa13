/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/web-client.h"
#include "tests/unit/web-fixture.h"

IpAddr web_addr(const char *text) {
        IpAddr addr;

        assert_int_equal(ip_addr_parse(text, &addr), 0);
        return addr;
}

static void on_failed(const WebFailure *failure, void *userdata) {
        WebFixture *f = userdata;

        f->n_failures++;
        (void) snprintf(f->failure,
                        sizeof(f->failure),
                        "%s %s %s/%s: %s",
                        failure->reason,
                        failure->action,
                        failure->namespace ? failure->namespace : "",
                        failure->name ? failure->name : "",
                        failure->message);
}

WebFixture *web_fixture_new(void) {
        WebFixture *f = calloc(1, sizeof(WebFixture));

        assert_non_null(f);
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(memory_backend_new(&f->backend), 0);
        assert_int_equal(memory_backend_add_host_address(f->backend, "127.0.0.1", 8), 0);
        f->manager_options = (ManagerOptions) {
                .node_name = "node-a",
                .filter = { .mark = 0x4000, .local_interface = "" },
                .sync_usec = 30 * USEC_PER_SEC,
                .drain_timeout_usec = 60 * USEC_PER_SEC,
                .needs_source = { [OBJECT_SOURCE_API] = true },
        };
        f->options = (WebOptions) {
                .healthz_address = { .addr = web_addr("127.0.0.1") },
                .metrics_address = { .addr = web_addr("127.0.0.1") },
                .version = "1.2.3",
                .failed = on_failed,
                .userdata = f,
        };
        return f;
}

void web_fixture_start(WebFixture *f) {
        assert_int_equal(manager_new(f->event, f->backend, &f->manager_options, &f->manager), 0);
        assert_int_equal(manager_start(f->manager), 0);
        assert_int_equal(web_new(f->event, f->manager, &f->options, &f->web), 0);
        assert_int_equal(web_start(f->web), 0);
}

void web_fixture_free(WebFixture *f) {
        (void) web_free(f->web);
        (void) manager_free(f->manager);
        (void) sd_event_unref(f->event);
        free(f);
}

void web_fixture_complete_lists(WebFixture *f) {
        Store *store = manager_store(f->manager);

        for (ObjectKind kind = 0; kind < _OBJECT_KIND_MAX; kind++)
                store_list_end(store, OBJECT_SOURCE_API, kind);
        manager_source_synced(f->manager);
}

void web_fixture_settle(WebFixture *f) {
        web_run_idle(f->event);
}

Service *web_service(const char *namespace, const char *name, const char *ip) {
        Service *service;

        assert_int_equal(service_new(namespace, name, &service), 0);
        service->cluster_ips = calloc(1, sizeof(IpAddr));
        service->cluster_ips[0] = web_addr(ip);
        service->n_cluster_ips = 1;
        service->ports = calloc(1, sizeof(ServicePort));
        service->ports[0] = (ServicePort) { strdup("http"), PROTOCOL_TCP, 80, 0 };
        service->n_ports = 1;
        return service;
}

void web_put_service(WebFixture *f, Service *service) {
        assert_true(store_put_service(manager_store(f->manager), OBJECT_SOURCE_API, service) >= 0);
}

static void fill_endpoint(EndpointSlice *slice, unsigned i, bool local) {
        Endpoint *endpoint = &slice->endpoints[i];

        endpoint->addr = web_addr(slice->family == AF_INET ? "10.1.0.0" : "fd01::");
        endpoint->addr.bytes[slice->family == AF_INET ? 2 : 14] = local ? 1 : 2;
        endpoint->addr.bytes[slice->family == AF_INET ? 3 : 15] = (uint8_t) (i + 1);
        endpoint->conditions = ENDPOINT_READY | ENDPOINT_SERVING;
        assert_int_equal(endpoint_slice_add_string(slice, local ? "node-a" : "node-b", true, &endpoint->node), 0);
}

void web_put_slice(WebFixture *f, const char *namespace, const char *name, int family, unsigned n_local, unsigned n_other) {
        char slice_name[64];
        EndpointSlice *slice;
        SliceString port;

        (void) snprintf(slice_name, sizeof(slice_name), "%s-%d", name, family == AF_INET ? 4 : 6);
        assert_int_equal(endpoint_slice_new(namespace, slice_name, &slice), 0);
        free(slice->service_name);
        slice->service_name = strdup(name);
        slice->family = (uint8_t) family;
        assert_int_equal(endpoint_slice_add_string(slice, "http", true, &port), 0);
        slice->ports = calloc(1, sizeof(SlicePort));
        slice->ports[0] = (SlicePort) { port, 8080, PROTOCOL_TCP };
        slice->n_ports = 1;
        slice->n_endpoints = n_local + n_other;
        slice->endpoints = calloc(slice->n_endpoints + 1, sizeof(Endpoint));
        for (unsigned i = 0; i < n_local + n_other; i++)
                fill_endpoint(slice, i, i < n_local);
        assert_true(store_put_slice(manager_store(f->manager), OBJECT_SOURCE_API, slice) >= 0);
}

void web_put_node(WebFixture *f, bool deleting, bool to_be_deleted) {
        Node *node;

        assert_int_equal(node_new("node-a", &node), 0);
        node->deleting = deleting;
        node->to_be_deleted = to_be_deleted;
        assert_true(store_put_node(manager_store(f->manager), OBJECT_SOURCE_API, node) >= 0);
}

char *web_fixture_get(WebFixture *f, const char *which, const char *path, unsigned expected_status) {
        char request[256];
        unsigned status;
        char *answer, *body;

        (void) snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
        answer = web_get(f->event, web_port(f->web, which), request, &status);
        assert_int_equal(status, expected_status);
        body = strdup(web_body(answer));
        if (strstr(answer, "Transfer-Encoding: chunked"))
                web_dechunk(body);
        free(answer);
        return body;
}
