/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is refused at every single place: an update fails with -ENOMEM and everything is wanted as before, or it
 * is done as a whole. The linker leads our allocations here (--wrap).
 */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "tests/unit/world.h"

static struct {
        unsigned long n_left; /* allocations until one fails; 0 = none does */
        bool failed;
} oom;

static bool refuse(void) {
        if (oom.n_left == 0 || --oom.n_left > 0)
                return false;
        oom.failed = true;
        return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
        return refuse() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) {
        return refuse() ? NULL : __real_calloc(n, size);
}

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size) {
        return refuse() ? NULL : __real_realloc(p, size);
}

void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size) {
        return refuse() ? NULL : __real_reallocarray(p, n, size);
}

#define OLD \
        "service ns/other ip=10.0.0.9 ext=50.0.0.1 port=p/TCP/80 created=5\n" \
        "service ns/a type=NodePort ip=10.0.0.1,2020::1 ext=50.0.0.1 port=p/TCP/80/3001 created=4\n" \
        "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1@testnode,10.1.0.2\n"

/* Everything about it is another, and the shared address goes to the other service. */
#define NEW \
        "service ns/a type=LoadBalancer ip=10.0.0.2,2020::2 ext=50.0.0.1,50.0.0.2 lb=1.2.3.4,2012::1 " \
        "port=p/TCP/81/3002,q/UDP/53/3003 ranges=10.0.0.0/8,fd00::/8,100.101.102.0/24 etp=Local hc=30000 created=6\n" \
        "slice ns/a svc=a port=p/TCP/8080,q/UDP/5353 ep=10.1.0.1@testnode,10.1.0.3,10.1.0.4@testnode\n" \
        "slice ns/b svc=a port=p/TCP/8080 ep=fd00::1@testnode,fd00::2\n"

/* The n-th allocation of updating ns/a fails. Returns whether there was one. */
static bool try_update(World *world, unsigned long n) {
        ServiceEntry *entry = store_find(world->store, "ns", "a");
        _cleanup_(freep) char *before = world_text(world), *after = NULL;
        int r;

        oom.failed = false;
        oom.n_left = n;
        r = desired_update(world->desired, &world->config, entry);
        oom.n_left = 0;
        assert_true(r == 0 || (r == -ENOMEM && oom.failed));
        after = world_text(world);
        if (r < 0 && strcmp(before, after) != 0)
                fail_msg("allocation %lu: wanted is\n%s--- before\n%s", n, after, before);
        return oom.failed;
}

static void test_update(void **state) {
        _cleanup_(freep) char *expected = NULL;
        unsigned long n_failed = 0;
        World fresh;

        world_init(&fresh);
        world_do(&fresh, OLD NEW);
        world_run(&fresh);
        expected = world_text(&fresh);
        world_done(&fresh);

        for (unsigned long n = 1; n < 1000; n++) {
                _cleanup_(freep) char *text = NULL, *second = NULL;
                World world;
                bool failed;

                world_init(&world);
                world_do(&world, OLD);
                free(world_program(&world, 0));
                world_do(&world, NEW);
                failed = try_update(&world, n);
                n_failed += failed;
                store_mark_all_dirty(world.store);
                world_run(&world);
                text = world_text(&world);
                assert_string_equal(text, expected);
                free(world_program(&world, 0));
                plan_queue_differences(world.table);
                second = world_program(&world, 0);
                assert_string_equal(second, "");
                world_done(&world);
                if (!failed)
                        break;
        }
        assert_in_range(n_failed, 40, 900); /* the wraps are at work, and the end was reached */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_update),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
