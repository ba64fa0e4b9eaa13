/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random worlds: whatever the kernel held before, whatever happened in whatever order and whatever failed, in the end it
 * holds what a fresh daemon would make of the objects that are left; foreign objects are as they were, and a second pass
 * writes nothing. Seeds are printed; SEED= in the environment repeats one.
 */
#include "tests/unit/control-fixture.h"

#include <stdio.h>

#include "common/parse.h"

#define N_SERVICES 8
#define N_FOREIGN 6
#define SECOND_HOST_IP "172.16.2.10"

typedef struct Random {
        uint64_t state;
} Random;

/* splitmix64 */
static uint32_t random_below(Random *random, uint32_t n) {
        uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return (uint32_t) ((z ^ z >> 31) >> 32) % n;
}

/* What the API server has, to be told to a fresh daemon too. */
typedef struct World {
        struct WorldService {
                ServiceSpec spec;
                char key[16], cluster_ip[16], external_ip[16], first[16];
                bool present;
                unsigned n_endpoints;
        } services[N_SERVICES];
        bool second_host;
} World;

static void world_make_spec(World *world, Random *random, unsigned i) {
        struct WorldService *s = &world->services[i];
        unsigned n_ports = 1 + random_below(random, 3);

        (void) snprintf(s->key, sizeof(s->key), "ns/s%u", i);
        (void) snprintf(s->cluster_ip, sizeof(s->cluster_ip), "10.0.0.%u", 1 + i);
        (void) snprintf(s->external_ip, sizeof(s->external_ip), "192.0.2.%u", 1 + random_below(random, 3));
        (void) snprintf(s->first, sizeof(s->first), "10.1.%u.1", i);
        s->spec = (ServiceSpec) {
                .key = s->key,
                .cluster_ip = s->cluster_ip,
                .external_ip = random_below(random, 3) == 0 ? s->external_ip : NULL,
                .affinity_sec = random_below(random, 4) == 0 ? 60 : 0,
                .created_usec = 1000 + i,
        };
        for (unsigned k = 0; k < n_ports; k++) {
                static const char *const names[] = { "a", "b", "c" };

                s->spec.ports[k] = (PortSpec) {
                        .name = names[k],
                        .protocol = (Protocol) random_below(random, _PROTOCOL_MAX),
                        .port = (uint16_t) (80 + random_below(random, 2) * 100 + k),
                        .node_port = random_below(random, 3) == 0 ? (uint16_t) (30000 + 10 * i + k) : 0,
                        .target = (uint16_t) (8080 + k),
                };
        }
}

static void world_tell_service(const World *world, Control *c, unsigned i) {
        const struct WorldService *s = &world->services[i];

        if (!s->present)
                return;
        control_put_service(c, &s->spec);
        if (s->n_endpoints > 0)
                control_put_endpoints(c, &s->spec, s->first, s->n_endpoints);
}

static void world_tell(const World *world, Control *c) {
        control_list_begin(c);
        for (unsigned i = 0; i < N_SERVICES; i++)
                world_tell_service(world, c, i);
        control_list_end(c);
        control_settle(c);
}

static bool is_running(Control *c) {
        ManagerStatus status;

        manager_status_brief(c->manager, &status);
        return status.state == MANAGER_STATE_RUNNING && status.n_draining == 0;
}

/* The kernel of a daemon that never saw anything but the end; owned by the caller. */
static char *world_expected(const World *world) {
        Control c;
        char *all;

        control_init(&c);
        c.options.drain_timeout_usec = 0;
        if (world->second_host)
                assert_int_equal(memory_backend_add_host_address(c.hand, SECOND_HOST_IP, 24), 0);
        control_start(&c);
        world_tell(world, &c);
        control_wait(&c, is_running);
        assert_string_equal(memory_backend_breach(c.hand), "");
        all = control_kernel_all(&c);
        control_done(&c);
        return all;
}

/* ---- foreign objects: nobody's addresses, and ports of the node that are no node ports */

static IpvsOp foreign_server(unsigned i) {
        char ip[16];

        (void) snprintf(ip, sizeof(ip), i % 2 ? "10.9.0.%u" : CONTROL_NODE_IP, i);
        return (IpvsOp) { .kind = IPVS_OP_ADD_SERVICE,
                          .service = { .key = control_key(ip, (uint16_t) (2000 + i), (Protocol) (i % _PROTOCOL_MAX)),
                                       .scheduler = "wlc",
                                       .flags = i } };
}

static void make_foreign(Control *c) {
        for (unsigned i = 0; i < N_FOREIGN; i++) {
                IpvsOp op = foreign_server(i);

                assert_int_equal(memory_backend_foreign_ipvs(c->hand, &op), 0);
                op.kind = IPVS_OP_ADD_DEST;
                op.dest = (RealServer) { .addr = control_port("10.99.0.1", (uint16_t) i), .weight = i };
                assert_int_equal(memory_backend_foreign_ipvs(c->hand, &op), 0);
        }
}

/* Takes the foreign objects out of the kernel, which must be as make_foreign() made them. */
static void take_foreign(Control *c) {
        _cleanup_(freep) char *text = memory_backend_to_string(c->hand);

        for (unsigned i = 0; i < N_FOREIGN; i++) {
                IpvsOp op = foreign_server(i);
                char key[VIRTUAL_SERVER_STRLEN], line[128];

                (void) snprintf(line,
                                sizeof(line),
                                "vs %s wlc %#x 0\n  rs 10.99.0.1:%u w%u\n",
                                virtual_server_key_format(&op.service.key, key),
                                i,
                                i,
                                i);
                if (!strstr(text, line))
                        fprintf(stderr, "%smissing:\n%s", text, line);
                assert_non_null(strstr(text, line));
                op.kind = IPVS_OP_DELETE_SERVICE;
                assert_int_equal(memory_backend_foreign_ipvs(c->hand, &op), 0);
        }
}

static void assert_world(Control *c, const World *world) {
        _cleanup_(freep) char *expected = world_expected(world), *found = NULL;

        take_foreign(c);
        found = control_kernel_all(c);
        if (strcmp(found, expected) != 0)
                fprintf(stderr, "--- expected\n%s--- found\n%s", expected, found);
        assert_true(strcmp(found, expected) == 0);
        assert_string_equal(memory_backend_breach(c->hand), "");
}

/* ---- random states */

/* As a kernel may look that a daemon like ours, or kube-proxy, left behind at any time. */
static void make_random_kernel(Control *c, Random *random) {
        for (unsigned i = 0; i < 40; i++) {
                IpvsOp op = { .kind = (IpvsOpKind) random_below(random, _IPVS_OP_MAX) };
                AddressOp bind = { .add = true };
                FilterOp element = { .add = true, .element = { .set = (uint8_t) random_below(random, FILTER_SET_SOURCE_RANGES) } };
                char ip[16], dest[16];

                (void) snprintf(ip, sizeof(ip), "10.0.0.%u", 1 + random_below(random, N_SERVICES + 2));
                (void) snprintf(dest, sizeof(dest), "10.1.%u.%u", random_below(random, N_SERVICES), 1 + random_below(random, 4));
                op.service.key = control_key(ip, (uint16_t) (80 + random_below(random, 3)), (Protocol) random_below(random, 3));
                (void) strcpy(op.service.scheduler, random_below(random, 2) ? "rr" : "sh");
                op.dest = (RealServer) { .addr = control_port(dest, 8080), .weight = random_below(random, 3) };
                bind.addr = op.service.key.addr;
                element.element.addr = bind.addr;
                if (filter_set_type((FilterSet) element.element.set)->has_port) {
                        element.element.port = op.service.key.port;
                        element.element.protocol = op.service.key.protocol;
                }
                (void) memory_backend_foreign_address(c->hand, &bind); /* so it is ours */
                (void) memory_backend_foreign_ipvs(c->hand, &op);
                if (random_below(random, 2))
                        (void) memory_backend_foreign_element(c->hand, &element);
        }
}

static void world_make(World *world, Random *random) {
        *world = (World) {};
        for (unsigned i = 0; i < N_SERVICES; i++) {
                world_make_spec(world, random, i);
                world->services[i].present = random_below(random, 4) > 0;
                world->services[i].n_endpoints = random_below(random, 4);
        }
}

static void test_random_state(uint64_t seed) {
        Random random = { seed };
        World world;
        Control c;

        control_init(&c);
        c.options.drain_timeout_usec = 0;
        make_foreign(&c);
        if (random_below(&random, 4) > 0) { /* a device and a table are there */
                control_start(&c);
                control_stop(&c);
                make_random_kernel(&c, &random);
        }
        world_make(&world, &random);
        control_start(&c);
        world_tell(&world, &c);
        control_wait(&c, is_running);

        control_stop(&c);
        control_start(&c);
        world_tell(&world, &c);
        assert_int_equal(c.backend->n_writes, 0);
        assert_world(&c, &world);
        control_done(&c);
}

/* ---- random events */

static void random_breakage(Control *c, Random *random) {
        IpvsOp op = { .kind = IPVS_OP_DELETE_SERVICE };
        AddressOp unbind = {};
        char ip[16];

        (void) snprintf(ip, sizeof(ip), "10.0.0.%u", 1 + random_below(random, N_SERVICES));
        switch (random_below(random, 6)) {
        case 0:
                (void) memory_backend_delete_device(c->hand);
                break;
        case 1:
                (void) memory_backend_flush_filter(c->hand);
                break;
        case 2:
                unbind.addr = control_port(ip, 0).addr;
                (void) memory_backend_foreign_address(c->hand, &unbind);
                break;
        case 3:
                memory_backend_emit(c->hand, KERNEL_EVENT_OVERRUN);
                break;
        default:
                op.service.key = control_key(ip, (uint16_t) (80 + random_below(random, 3)), (Protocol) random_below(random, 3));
                (void) memory_backend_foreign_ipvs(c->hand, &op);
                break;
        }
}

static void random_fault(Control *c, Random *random) {
        static const int errors[] = { -ENOMEM, -EBUSY, -ENOBUFS, -EAGAIN, -EPIPE, -ESRCH, -EEXIST, -ENOENT };

        memory_backend_fail_nth(c->hand, 1 + random_below(random, 20), errors[random_below(random, ELEMENTSOF(errors))]);
}

static void random_change(World *world, Control *c, Random *random) {
        unsigned i = random_below(random, N_SERVICES);
        struct WorldService *s = &world->services[i];

        switch (random_below(random, 5)) {
        case 0:
                if (s->present) {
                        control_remove_service(c, s->key);
                        control_remove_endpoints(c, &s->spec);
                }
                s->present = false;
                break;
        case 1: /* the same name says something else */
                world_make_spec(world, random, i);
                s->present = true;
                world_tell_service(world, c, i);
                break;
        default:
                s->n_endpoints = random_below(random, 5);
                if (s->present && s->n_endpoints == 0)
                        control_remove_endpoints(c, &s->spec);
                s->present = true;
                world_tell_service(world, c, i);
                break;
        }
}

static void random_host(World *world, Control *c) {
        world->second_host = !world->second_host;
        assert_int_equal(world->second_host ? memory_backend_add_host_address(c->hand, SECOND_HOST_IP, 24) :
                                              memory_backend_remove_host_address(c->hand, SECOND_HOST_IP),
                         0);
}

static void random_event(World *world, Control *c, Random *random) {
        switch (random_below(random, 16)) {
        case 0:
                random_breakage(c, random);
                break;
        case 1:
        case 2:
                random_fault(c, random);
                break;
        case 3:
                control_stop(c); /* as by SIGKILL */
                control_start(c);
                world_tell(world, c);
                break;
        case 4:
                random_host(world, c);
                break;
        case 5:
                control_begin_audit(c);
                break;
        default:
                random_change(world, c, random);
                break;
        }
        switch (random_below(random, 4)) {
        case 0:
                break;
        case 1:
                control_run(c, 1 + random_below(random, 20)); /* in the midst of an audit, say */
                break;
        default:
                control_settle(c);
        }
}

static void audit(Control *c) {
        control_begin_audit(c);
        control_settle(c);
        control_wait(c, is_running);
}

static void test_random_events(uint64_t seed) {
        Random random = { seed };
        World world;
        Control c;

        control_init(&c);
        c.options.drain_timeout_usec = random_below(&random, 2) ? 0 : 3 * USEC_PER_MSEC;
        make_foreign(&c);
        world_make(&world, &random);
        control_start(&c);
        world_tell(&world, &c);
        for (unsigned i = 0; i < 60; i++)
                random_event(&world, &c, &random);
        memory_backend_fail_nth(c.hand, 0, 0);
        audit(&c);
        audit(&c);
        assert_world(&c, &world);
        control_done(&c);
}

/* ---- seeds */

static uint64_t first_seed(void) {
        const char *text = getenv("SEED"); /* of a run that failed */
        uint64_t seed;

        return text && parse_uint64(text, &seed) >= 0 ? seed : 1;
}

static void run_seeds(const char *what, void (*test)(uint64_t seed), unsigned n) {
        uint64_t first = first_seed();

        for (uint64_t seed = first; seed < first + n; seed++) {
                print_message("%s, SEED=%u\n", what, (unsigned) seed);
                test(seed);
        }
}

static void test_states(void **state) {
        run_seeds("state", test_random_state, 150);
}

static void test_events(void **state) {
        run_seeds("events", test_random_events, 60);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_states),
                cmocka_unit_test(test_events),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
