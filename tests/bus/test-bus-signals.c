/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told without being asked: only real changes, each object now and then, and not too many. */
#include "tests/bus/bench.h"

#include <stdio.h>

#include "common/bus-names.h"
#include "tests/unit/beside.h"

#define M BUS_PATH, BUS_INTERFACE_MANAGER

/* Everything the client heard since it was last cleared: "+path", "-path", "~path:Name,Name", "!SyncFinished". */
typedef struct Heard {
        unsigned n_added, n_removed, n_changed, n_manager, n_syncs;
        char last[64], names[512], manager_names[1024];
} Heard;

static int on_interfaces(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Heard *heard = userdata;
        const char *path;

        assert_true(sd_bus_message_read(m, "o", &path) >= 0);
        (void) snprintf(heard->last, sizeof(heard->last), "%s", path);
        *(sd_bus_message_is_signal(m, NULL, "InterfacesAdded") ? &heard->n_added : &heard->n_removed) += 1;
        return 0;
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Heard *heard = userdata;
        const char *interface, *name;
        bool manager;
        char *names;
        size_t size;

        assert_true(sd_bus_message_read(m, "s", &interface) >= 0);
        manager = strcmp(interface, BUS_INTERFACE_MANAGER) == 0;
        *(manager ? &heard->n_manager : &heard->n_changed) += 1;
        names = manager ? heard->manager_names : heard->names;
        size = manager ? sizeof(heard->manager_names) : sizeof(heard->names);
        assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") >= 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(m, "s", &name) >= 0 && sd_bus_message_skip(m, "v") >= 0);
                assert_true(sd_bus_message_exit_container(m) >= 0);
                (void) snprintf(names + strlen(names), size - strlen(names), "%s ", name);
        }
        assert_true(sd_bus_message_exit_container(m) >= 0 && sd_bus_message_enter_container(m, 'a', "s") >= 0);
        while (sd_bus_message_read(m, "s", &name) > 0)
                (void) snprintf(names + strlen(names), size - strlen(names), "-%s ", name);
        return 0;
}

static int on_sync(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Heard *heard = userdata;

        assert_true(sd_bus_message_has_signature(m, "tstuu"));
        heard->n_syncs++;
        return 0;
}

static void hear(Bench *bench, Heard *heard) {
        static const struct {
                const char *interface, *member;
                sd_bus_message_handler_t handler;
        } matches[] = {
                { BUS_INTERFACE_OBJECT_MANAGER, "InterfacesAdded", on_interfaces },
                { BUS_INTERFACE_OBJECT_MANAGER, "InterfacesRemoved", on_interfaces },
                { "org.freedesktop.DBus.Properties", "PropertiesChanged", on_properties },
                { BUS_INTERFACE_MANAGER, "SyncFinished", on_sync },
        };

        *heard = (Heard) {};
        for (size_t i = 0; i < ELEMENTSOF(matches); i++)
                assert_true(sd_bus_match_signal_async(bench->client,
                                                      NULL,
                                                      BUS_NAME,
                                                      NULL,
                                                      matches[i].interface,
                                                      matches[i].member,
                                                      matches[i].handler,
                                                      NULL,
                                                      heard) >= 0);
        bench_settle(bench);
}

static int on_pause(sd_event_source *source, uint64_t usec, void *userdata) {
        *(bool *) userdata = true;
        return 0;
}

/* As much time as the pacing is about. */
static void pause_for(Bench *bench, uint64_t usec) {
        bool done = false;

        assert_true(sd_event_add_time_relative(bench->event, NULL, CLOCK_MONOTONIC, usec, 1, on_pause, &done) >= 0);
        bench_run_until(bench, &done);
        bench_settle(bench);
}

static void resync(Bench *bench) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        assert_int_equal(bench_call(bench, bench->client, M, "Resync", NULL, &reply, "t", UINT64_C(1)), 0);
        bench_settle(bench);
}

static void open_bench(Bench *bench, Heard *heard) {
        bench_open_daemon(bench, NULL);
        for (unsigned i = 0; i < 20; i++) {
                char name[16];

                (void) snprintf(name, sizeof(name), "old%u", i);
                bench_put_service(bench, "default", name, i + 1, 2);
        }
        bench_sync(bench);
        hear(bench, heard);
}

/* D16: what is there at the start is not announced, and a resync that changes nothing says nothing of services. */
static void test_no_change(void **state) {
        Heard heard;
        Bench bench;

        open_bench(&bench, &heard);
        resync(&bench);
        pause_for(&bench, 1200 * USEC_PER_MSEC);
        assert_int_equal(heard.n_added + heard.n_removed + heard.n_changed, 0);
        assert_int_equal(heard.n_syncs, 1);
        assert_non_null(strstr(heard.manager_names, "Generation"));
        assert_null(strstr(heard.manager_names, "ServiceCount"));
        assert_null(strstr(heard.manager_names, "Conditions"));
        bench_close(&bench);
}

static void test_add_change_remove(void **state) {
        Heard heard;
        Bench bench;

        open_bench(&bench, &heard);
        bench_put_service(&bench, "shop", "new", 100, 1);
        bench_sync(&bench);
        assert_int_equal(heard.n_added, 1);
        assert_string_equal(heard.last, BUS_PATH_SERVICE "/shop_2fnew_3ahttp");
        assert_int_equal(heard.n_removed + heard.n_changed, 0);

        pause_for(&bench, 1100 * USEC_PER_MSEC);
        heard = (Heard) {};
        bench_put_service(&bench, "shop", "new", 100, 3);
        bench_sync(&bench);
        assert_int_equal(heard.n_changed, 1);
        assert_non_null(strstr(heard.names, "EndpointCount "));
        assert_non_null(strstr(heard.names, "ReadyEndpointCount "));
        assert_non_null(strstr(heard.names, "-VirtualServers "));
        assert_null(strstr(heard.names, "Scheduler"));
        assert_null(strstr(heard.names, "Id"));

        heard = (Heard) {};
        bench_remove_service(&bench, "shop", "new");
        bench_sync(&bench);
        pause_for(&bench, 100 * USEC_PER_MSEC);
        assert_int_equal(heard.n_removed, 1);
        assert_int_equal(heard.n_added + heard.n_changed, 0);
        bench_close(&bench);
}

/* One object that changes all the time is told of once a second, and its last state is. */
static void test_restless_object(void **state) {
        Heard heard;
        Bench bench;

        open_bench(&bench, &heard);
        for (unsigned i = 0; i < 20; i++) {
                bench_put_service(&bench, "default", "old3", 4, i % 2 ? 2 : 5);
                bench_sync(&bench);
        }
        assert_true(heard.n_changed <= 3);
        bench_put_service(&bench, "default", "old3", 4, 7);
        bench_sync(&bench);
        heard = (Heard) {};
        pause_for(&bench, 1300 * USEC_PER_MSEC);
        assert_int_equal(heard.n_changed, 1);
        bench_close(&bench);
}

/* D17: many at once come at a measured pace; what comes and goes meanwhile is not told of. */
static void test_flood(void **state) {
        Heard heard;
        Bench bench;
        char name[16];

        open_bench(&bench, &heard);
        for (unsigned i = 0; i < 1500; i++) {
                (void) snprintf(name, sizeof(name), "f%u", i);
                bench_put_service(&bench, "flood", name, 256 + i, 1);
        }
        while (heard.n_added == 0)
                assert_true(sd_event_run(bench.event, UINT64_MAX) >= 0);
        pause_for(&bench, 500 * USEC_PER_MSEC);
        assert_in_range(heard.n_added, SIGNALS_BURST, SIGNALS_BURST + 350);
        bench_remove_service(&bench, "flood", "f1499");
        bench_put_service(&bench, "flood", "brief", 5000, 1);
        bench_sync(&bench);
        bench_remove_service(&bench, "flood", "brief");
        bench_sync(&bench);
        pause_for(&bench, 3 * USEC_PER_SEC);
        assert_true(heard.n_added - heard.n_removed == 1499);
        bench_close(&bench);
}

/* ---- what a client that only listens knows */

#define MODEL_MAX 64

typedef struct Model {
        struct {
                bool there;
                uint32_t n_endpoints;
        } services[MODEL_MAX]; /* by the number in the path */
} Model;

/* "…/churn_2fc17_3ahttp" → 17; -1 = another one */
static int model_index(const char *path) {
        unsigned i;

        return sscanf(path, BUS_PATH_SERVICE "/churn_2fc%u_3ahttp", &i) == 1 && i < MODEL_MAX ? (int) i : -1;
}

/* The message stands before the properties of an interface. */
static void model_read_properties(sd_bus_message *m, uint32_t *ret_n_endpoints) {
        const char *name;

        assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") >= 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(m, "s", &name) >= 0);
                if (strcmp(name, "EndpointCount") == 0)
                        assert_true(sd_bus_message_read(m, "v", "u", ret_n_endpoints) >= 0);
                else
                        assert_true(sd_bus_message_skip(m, "v") >= 0);
                assert_true(sd_bus_message_exit_container(m) >= 0);
        }
        assert_true(sd_bus_message_exit_container(m) >= 0);
}

/* The message stands before an object and its interfaces. */
static void model_read_object(Model *model, sd_bus_message *m) {
        const char *path, *interface;
        uint32_t n_endpoints = 0;
        int i;

        assert_true(sd_bus_message_read(m, "o", &path) >= 0);
        i = model_index(path);
        assert_true(sd_bus_message_enter_container(m, 'a', "{sa{sv}}") >= 0);
        while (sd_bus_message_enter_container(m, 'e', "sa{sv}") > 0) {
                assert_true(sd_bus_message_read(m, "s", &interface) >= 0);
                model_read_properties(m, &n_endpoints);
                assert_true(sd_bus_message_exit_container(m) >= 0);
        }
        assert_true(sd_bus_message_exit_container(m) >= 0);
        if (i < 0)
                return;
        model->services[i].there = true;
        model->services[i].n_endpoints = n_endpoints;
}

static int on_model_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Model *model = userdata;
        const char *path;
        int i;

        if (sd_bus_message_is_signal(m, NULL, "InterfacesAdded"))
                model_read_object(model, m);
        else if (sd_bus_message_is_signal(m, NULL, "InterfacesRemoved")) {
                assert_true(sd_bus_message_read(m, "o", &path) >= 0);
                i = model_index(path);
                if (i >= 0)
                        model->services[i].there = false;
        } else {
                i = model_index(sd_bus_message_get_path(m));
                assert_true(sd_bus_message_skip(m, "s") >= 0);
                if (i >= 0)
                        model_read_properties(m, &model->services[i].n_endpoints);
        }
        return 0;
}

static void model_read_all(Bench *bench, Model *model) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        assert_int_equal(bench_call(bench, bench->client, BUS_PATH, BUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects",
                                    NULL, &reply, ""),
                         0);
        assert_true(sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}") >= 0);
        while (sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}") > 0) {
                model_read_object(model, reply);
                assert_true(sd_bus_message_exit_container(reply) >= 0);
        }
}

/* D15: after a random coming, changing and going, who listened knows what is there, and how it is. */
static void test_churn(void **state) {
        static const char *const members[] = { "InterfacesAdded", "InterfacesRemoved", "PropertiesChanged" };
        Model heard = {}, real = {};
        bool put[MODEL_MAX] = {};
        unsigned random = 4711;
        char name[16];
        Bench bench;

        bench_open_daemon(&bench, NULL);
        bench_sync(&bench);
        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                assert_true(sd_bus_match_signal_async(bench.client, NULL, BUS_NAME, NULL, NULL, members[i],
                                                      on_model_signal, NULL, &heard) >= 0);
        bench_settle(&bench);
        for (unsigned step = 0; step < 600; step++) {
                unsigned i;

                random = random * 1103515245 + 12345;
                i = random >> 16 & (MODEL_MAX - 1);
                (void) snprintf(name, sizeof(name), "c%u", i);
                if (put[i] && random >> 8 & 1)
                        bench_remove_service(&bench, "churn", name);
                else
                        bench_put_service(&bench, "churn", name, i + 1, random >> 24 & 7);
                put[i] = !(put[i] && random >> 8 & 1);
                if (step % 5 == 0)
                        bench_sync(&bench);
        }
        bench_sync(&bench);
        pause_for(&bench, 2500 * USEC_PER_MSEC);
        model_read_all(&bench, &real);
        for (unsigned i = 0; i < MODEL_MAX; i++)
                if (heard.services[i].there != real.services[i].there ||
                    (real.services[i].there && heard.services[i].n_endpoints != real.services[i].n_endpoints))
                        fail_msg("service %u: heard of %d, %u endpoints; there is %d, %u", i, heard.services[i].there,
                                 heard.services[i].n_endpoints, real.services[i].there, real.services[i].n_endpoints);
        bench_close(&bench);
}

/* D12, D13: all objects in one message while that is not too large. */
static void test_managed_objects(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        unsigned n = 0;
        char name[16];
        Heard heard;
        Bench bench;

        open_bench(&bench, &heard);
        assert_int_equal(bench_call(&bench,
                                    bench.client,
                                    BUS_PATH,
                                    BUS_INTERFACE_OBJECT_MANAGER,
                                    "GetManagedObjects",
                                    NULL,
                                    &reply,
                                    ""),
                         0);
        assert_true(sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}") >= 0);
        while (sd_bus_message_skip(reply, "{oa{sa{sv}}}") > 0)
                n++;
        assert_int_equal(n, 20);
        for (unsigned i = 0; i < 2000; i++) {
                (void) snprintf(name, sizeof(name), "f%u", i);
                bench_put_service(&bench, "many", name, 256 + i, 1);
        }
        bench_sync(&bench);
        assert_call_fails(&bench,
                          bench.client,
                          BUS_PATH,
                          BUS_INTERFACE_OBJECT_MANAGER,
                          "GetManagedObjects",
                          SD_BUS_ERROR_LIMITS_EXCEEDED,
                          "");
        bench_close(&bench);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_churn),
                cmocka_unit_test(test_flood),
                cmocka_unit_test(test_restless_object),
                cmocka_unit_test(test_no_change),
                cmocka_unit_test(test_add_change_remove),
                cmocka_unit_test(test_managed_objects),
        };

        return run_tests_beside(tests, NULL, NULL);
}
