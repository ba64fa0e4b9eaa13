/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bus/bench.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/bus-names.h"
#include "common/log.h"

#define PATIENCE_USEC (20 * USEC_PER_SEC)

static const char daemon_config[] =
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
        " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
        "<busconfig><type>session</type><listen>unix:path=%s/socket</listen>\n"
        "<auth>EXTERNAL</auth><policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\n"
        "<allow receive_sender=\"*\"/><allow own=\"*\"/><allow user=\"*\"/></policy>\n"
        "<limit name=\"max_match_rules_per_connection\">1024</limit></busconfig>\n";

/* ---- the loop */

static int on_patience(sd_event_source *source, uint64_t usec, void *userdata) {
        fail_msg("nothing happened for %d s", (int) (PATIENCE_USEC / USEC_PER_SEC));
        return 0;
}

void bench_run_until(Bench *bench, const bool *done) {
        sd_event_source *patience = NULL;

        assert_true(sd_event_add_time_relative(
                            bench->event, &patience, CLOCK_MONOTONIC, PATIENCE_USEC, 0, on_patience, NULL) >= 0);
        while (!*done)
                assert_true(sd_event_run(bench->event, UINT64_MAX) >= 0);
        (void) sd_event_source_disable_unref(patience);
}

void bench_settle(Bench *bench) {
        /* Messages go through another process, so a moment of silence is what can be waited for. */
        while (sd_event_run(bench->event, bench->daemon > 0 ? 30 * USEC_PER_MSEC : 5 * USEC_PER_MSEC) > 0)
                ;
}

/* ---- dbus-daemon */

void bench_daemon_start(Bench *bench) {
        char option[128], line[256];
        int fds[2];
        FILE *f;

        (void) snprintf(option, sizeof(option), "--config-file=%s/bus.conf", bench->folder);
        assert_int_equal(pipe(fds), 0);
        bench->daemon = fork();
        assert_true(bench->daemon >= 0);
        if (bench->daemon == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) dup2(fds[1], STDOUT_FILENO);
                (void) execlp("dbus-daemon", "dbus-daemon", "--nofork", "--print-address=1", option, (char *) NULL);
                _exit(127);
        }
        (void) close(fds[1]);
        f = fdopen(fds[0], "re");
        assert_non_null(f);
        assert_non_null(fgets(line, sizeof(line), f)); /* else there is no dbus-daemon */
        (void) fclose(f);
        (void) snprintf(bench->address, sizeof(bench->address), "unix:path=%s/socket", bench->folder);
}

void bench_daemon_stop(Bench *bench) {
        char path[128];

        assert_int_equal(kill(bench->daemon, SIGKILL), 0);
        assert_int_equal(waitpid(bench->daemon, NULL, 0), bench->daemon);
        (void) snprintf(path, sizeof(path), "%s/socket", bench->folder);
        (void) unlink(path);
}

sd_bus *bench_connect(Bench *bench) {
        sd_bus *bus = NULL;

        assert_true(sd_bus_new(&bus) >= 0);
        assert_true(sd_bus_set_address(bus, bench->address) >= 0);
        assert_true(sd_bus_set_bus_client(bus, true) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        assert_true(sd_bus_attach_event(bus, bench->event, 0) >= 0);
        return bus;
}

/* ---- life */

static void bench_open(Bench *bench, const BusOptions *options) {
        static const IpNet cluster = { .addr = { .family = AF_INET, .bytes = { 10, 1 } }, .prefix = 16 };
        const ManagerOptions manager_options = {
                .node_name = "node-17",
                .scheduler = "rr",
                .filter = { .mark = 0x4000, .local_cidrs = &cluster, .n_local_cidrs = 1 },
                .drain_timeout_usec = 900 * USEC_PER_SEC,
                .needs_source = { [OBJECT_SOURCE_API] = true },
        };
        BusOptions given = options ? *options : (BusOptions) {};

        log_set_max_level(LOG_ERR);
        given.version = given.version ? given.version : "1.2.3";
        given.address = bench->address;
        assert_true(sd_event_new(&bench->event) >= 0);
        assert_int_equal(memory_backend_new(&bench->backend), 0);
        assert_int_equal(memory_backend_add_host_address(bench->backend, "192.0.2.17", 24), 0);
        assert_int_equal(manager_new(bench->event, bench->backend, &manager_options, &bench->manager), 0);
        for (ObjectKind kind = 0; kind < _OBJECT_KIND_MAX; kind++)
                store_list_begin(manager_store(bench->manager), OBJECT_SOURCE_API, kind);
        assert_int_equal(bus_new(bench->event, bench->manager, &given, &bench->bus), 0);
}

void bench_open_link(Bench *bench, const BusOptions *options) {
        sd_id128_t id = {};
        int fds[2];

        *bench = (Bench) {};
        bench_open(bench, options);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_true(sd_bus_new(&bench->bus->bus) >= 0);
        assert_true(sd_bus_set_fd(bench->bus->bus, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_set_server(bench->bus->bus, true, id) >= 0);
        assert_true(sd_bus_negotiate_fds(bench->bus->bus, true) >= 0);
        assert_int_equal(bus_attach(bench->bus), 0);
        assert_true(sd_bus_start(bench->bus->bus) >= 0);
        assert_true(sd_bus_attach_event(bench->bus->bus, bench->event, 0) >= 0);
        assert_true(sd_bus_new(&bench->client) >= 0);
        assert_true(sd_bus_set_fd(bench->client, fds[1], fds[1]) >= 0);
        assert_true(sd_bus_negotiate_fds(bench->client, true) >= 0);
        assert_true(sd_bus_start(bench->client) >= 0);
        assert_true(sd_bus_attach_event(bench->client, bench->event, 0) >= 0);
}

void bench_open_daemon(Bench *bench, const BusOptions *options) {
        char path[128];
        FILE *f;

        *bench = (Bench) { .folder = "/tmp/test-bus.XXXXXX" };
        assert_non_null(mkdtemp(bench->folder));
        (void) snprintf(path, sizeof(path), "%s/bus.conf", bench->folder);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fprintf(f, daemon_config, bench->folder) > 0);
        assert_int_equal(fclose(f), 0);
        bench_daemon_start(bench);
        bench_open(bench, options);
        assert_int_equal(bus_start(bench->bus), 0);
        bench->client = bench_connect(bench);
        bench_run_until(bench, &bench->bus->has_name);
}

void bench_close(Bench *bench) {
        char path[128];

        (void) sd_bus_flush_close_unref(bench->client);
        (void) bus_free(bench->bus);
        (void) manager_free(bench->manager);
        if (bench->daemon > 0) {
                bench_daemon_stop(bench);
                (void) snprintf(path, sizeof(path), "%s/bus.conf", bench->folder);
                (void) unlink(path);
                assert_int_equal(rmdir(bench->folder), 0);
        }
        (void) sd_event_unref(bench->event);
}

/* ---- objects */

static void bench_put_slice(Bench *bench, const char *namespace, const char *name, unsigned number, unsigned n) {
        EndpointSlice *slice;
        SliceString port, node, pod;

        assert_int_equal(endpoint_slice_new(namespace, name, &slice), 0);
        free(slice->service_name);
        slice->service_name = strdup(name);
        assert_non_null(slice->service_name);
        slice->family = AF_INET;
        assert_int_equal(endpoint_slice_add_string(slice, "http", true, &port), 0);
        assert_int_equal(endpoint_slice_add_string(slice, "node-4", true, &node), 0);
        assert_int_equal(endpoint_slice_add_string(slice, "pod-x", true, &pod), 0);
        slice->ports = calloc(1, sizeof(SlicePort));
        slice->ports[0] = (SlicePort) { port, 8080, PROTOCOL_TCP };
        slice->n_ports = 1;
        slice->endpoints = calloc(n + 1, sizeof(Endpoint));
        slice->n_endpoints = n;
        for (unsigned i = 0; i < n; i++)
                slice->endpoints[i] = (Endpoint) {
                        .addr = { .family = AF_INET, .bytes = { 10, 1, (uint8_t) number, (uint8_t) (i + 1) } },
                        .conditions = ENDPOINT_READY | ENDPOINT_SERVING,
                        .node = node,
                        .pod = pod,
                };
        assert_true(store_put_slice(manager_store(bench->manager), OBJECT_SOURCE_API, slice) >= 0);
}

void bench_put_service(Bench *bench, const char *namespace, const char *name, unsigned number, unsigned n_endpoints) {
        Service *service;

        assert_int_equal(service_new(namespace, name, &service), 0);
        service->created_usec = 1 + number;
        service->cluster_ips = calloc(1, sizeof(IpAddr));
        service->cluster_ips[0] = (IpAddr) { .family = AF_INET,
                                             .bytes = { 10, 96, (uint8_t) (number >> 8), (uint8_t) number } };
        service->n_cluster_ips = 1;
        service->ports = calloc(1, sizeof(ServicePort));
        service->ports[0] = (ServicePort) { strdup("http"), PROTOCOL_TCP, 80, 0 };
        service->n_ports = 1;
        assert_true(store_put_service(manager_store(bench->manager), OBJECT_SOURCE_API, service) >= 0);
        bench_put_slice(bench, namespace, name, number, n_endpoints);
}

void bench_remove_service(Bench *bench, const char *namespace, const char *name) {
        Store *store = manager_store(bench->manager);

        assert_int_equal(store_remove(store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE, namespace, name), 1);
        assert_true(store_remove(store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE, namespace, name) >= 0);
}

void bench_sync(Bench *bench) {
        Store *store = manager_store(bench->manager);
        ManagerStatus status;

        manager_status_brief(bench->manager, &status);
        if (status.state == MANAGER_STATE_STARTING) {
                assert_int_equal(manager_start(bench->manager), 0);
                for (ObjectKind kind = 0; kind < _OBJECT_KIND_MAX; kind++)
                        store_list_end(store, OBJECT_SOURCE_API, kind);
                manager_source_synced(bench->manager);
                manager_set_api_state(bench->manager, API_STATE_WATCHING, 1);
        }
        bench_settle(bench);
        manager_status_brief(bench->manager, &status);
        assert_int_equal(status.n_pending, 0);
}

int bench_setup_shop(void **state) {
        static Bench bench;

        bench_open_link(&bench, NULL);
        bench_put_service(&bench, "default", "web", 7, 3);
        bench_put_service(&bench, "shop", "cart", 8, 2);
        bench_put_service(&bench, "shop", "empty", 9, 0);
        bench_sync(&bench);
        *state = &bench;
        return 0;
}

int bench_teardown(void **state) {
        bench_close(*state);
        return 0;
}

/* ---- calls */

typedef struct Pending {
        bool done;
        sd_bus_message *reply;
} Pending;

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Pending *pending = userdata;

        pending->reply = sd_bus_message_ref(reply);
        pending->done = true;
        return 0;
}

static int bench_vcall(Bench *bench,
                       sd_bus_message *call,
                       sd_bus *client,
                       sd_bus_error *ret_error,
                       sd_bus_message **ret) {
        Pending pending = {};
        int r;

        assert_true(sd_bus_call_async(client, NULL, call, on_reply, &pending, PATIENCE_USEC) >= 0);
        bench_run_until(bench, &pending.done);
        if (!sd_bus_message_is_method_error(pending.reply, NULL)) {
                *ret = pending.reply;
                return 0;
        }
        r = -sd_bus_message_get_errno(pending.reply);
        if (ret_error)
                (void) sd_bus_error_copy(ret_error, sd_bus_message_get_error(pending.reply));
        (void) sd_bus_message_unref(pending.reply);
        return r < 0 ? r : -EIO;
}

static sd_bus_message *bench_new_call(Bench *bench,
                                      sd_bus *client,
                                      const char *path,
                                      const char *interface,
                                      const char *member,
                                      const char *types,
                                      va_list ap) {
        const char *destination = bench->daemon > 0 ? BUS_NAME : NULL;
        sd_bus_message *call = NULL;

        assert_true(sd_bus_message_new_method_call(client, &call, destination, path, interface, member) >= 0);
        if (*types)
                assert_true(sd_bus_message_appendv(call, types, ap) >= 0);
        return call;
}

int bench_call(Bench *bench,
               sd_bus *client,
               const char *path,
               const char *interface,
               const char *member,
               sd_bus_error *ret_error,
               sd_bus_message **ret,
               const char *types,
               ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        va_list ap;

        va_start(ap, types);
        call = bench_new_call(bench, client, path, interface, member, types, ap);
        va_end(ap);
        return bench_vcall(bench, call, client, ret_error, ret);
}

const char *bench_send(Bench *bench, sd_bus *client, sd_bus_message *call, sd_bus_message **ret) {
        static char name[128];
        sd_bus_error error = SD_BUS_ERROR_NULL;

        name[0] = '\0';
        if (bench_vcall(bench, call, client, &error, ret) < 0)
                (void) snprintf(name, sizeof(name), "%s", error.name);
        sd_bus_error_free(&error);
        return name;
}

void assert_call_fails(Bench *bench,
                       sd_bus *client,
                       const char *path,
                       const char *interface,
                       const char *member,
                       const char *name,
                       const char *types,
                       ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        va_list ap;

        va_start(ap, types);
        call = bench_new_call(bench, client, path, interface, member, types, ap);
        va_end(ap);
        assert_true(bench_vcall(bench, call, client, &error, &reply) < 0);
        assert_string_equal(error.name, name);
}
