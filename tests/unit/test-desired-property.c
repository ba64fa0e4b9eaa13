/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever happened before, and in whatever order objects come: what is wanted depends on the objects that are there in
 * the end. Random events over few names, addresses and ports, so that services meet, take each other's addresses, lose
 * and win claims. A seed that failed is in the message.
 */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/world.h"

#define N_SEEDS 80
#define N_EVENTS 150

enum {
        N_SERVICES = 8,
        N_SLICES = 16,
        N_OBJECTS = N_SERVICES + N_SLICES,
};

/* xorshift64*: the same everywhere. */
static uint32_t roll(uint64_t *state, uint32_t n) {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        return (uint32_t) ((*state * UINT64_C(2685821657736338717)) >> 33) % n;
}

static bool chance(uint64_t *state, uint32_t percent) {
        return roll(state, 100) < percent;
}

static const char *pick(uint64_t *state, const char *const *words, uint32_t n) {
        return words[roll(state, n)];
}
#define PICK(state, ...)                                                                           \
        ({                                                                                         \
                static const char *const _words[] = { __VA_ARGS__ };                               \
                pick(state, _words, ELEMENTSOF(_words));                                           \
        })

static void print_list(FILE *f, uint64_t *state, const char *key, const char *const *words, uint32_t n_words) {
        uint32_t first = roll(state, n_words), n = 1 + roll(state, 2);

        fprintf(f, " %s=%s", key, words[first]);
        if (n > 1)
                fprintf(f, ",%s", words[(first + 1 + roll(state, n_words - 1)) % n_words]);
}

static void print_service(FILE *f, uint64_t *state, uint32_t n) {
        static const char *const external[] = { "50.0.0.1", "50.0.0.2", "100.101.102.103", "127.0.0.1", "2012::1",
                                                "2012::2",  "10.0.0.1" };
        static const char *const ranges[] = { "10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "100.101.102.0/24", "fd00::/8",
                                              "nonsense" };
        static const char *const ports[] = { "a/TCP/80", "b/UDP/53", "c/TCP/80/30001", "d/SCTP/99/30002", "/TCP/81/30001" };

        fprintf(f, "service ns%u/s%u type=%s", n % 2, n, PICK(state, "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"));
        if (chance(state, 90))
                fprintf(f, " ip=%s", PICK(state, "10.0.0.1", "10.0.0.2", "10.0.0.3,2020::3", "2020::1", "2020::2,10.0.0.4"));
        print_list(f, state, "port", ports, ELEMENTSOF(ports));
        if (chance(state, 40))
                print_list(f, state, "ext", external, ELEMENTSOF(external));
        if (chance(state, 40))
                print_list(f, state, "lb", external, ELEMENTSOF(external));
        if (chance(state, 40))
                print_list(f, state, "ranges", ranges, ELEMENTSOF(ranges));
        if (chance(state, 20))
                fprintf(f, " affinity=%u", 10 + roll(state, 2));
        fprintf(f,
                " itp=%s etp=%s hc=%u created=%u%s%s\n",
                PICK(state, "Cluster", "Cluster", "Local"),
                PICK(state, "Cluster", "Local"),
                roll(state, 3) * 30000,
                roll(state, 4),
                chance(state, 5) ? " proxy" : "",
                chance(state, 5) ? " headless" : "");
}

static void print_slice(FILE *f, uint64_t *state, uint32_t n) {
        bool v6 = chance(state, 30);

        fprintf(f,
                "slice ns%u/e%u svc=s%u port=%s ep=",
                n % 2,
                n,
                (n % 2) + 2 * roll(state, N_SERVICES / 2),
                PICK(state, "a/TCP/8080", "a/TCP/80,b/UDP/53", "b/UDP/5353", "c/TCP/1,d/SCTP/2", "/TCP/81", "c/TCP/2,a/TCP/1"));
        for (uint32_t i = 0, n_endpoints = roll(state, 4); i < n_endpoints; i++)
                fprintf(f,
                        "%s%s%u%s%s%s",
                        i > 0 ? "," : "",
                        v6 ? "fd00::" : "10.1.0.",
                        1 + roll(state, 5),
                        PICK(state, "", "@testnode", "@other"),
                        PICK(state, "", "", "~r", "~n", "~t", "~x"),
                        PICK(state, "", "%z1", "%z2", "%z1+z2&testnode", "&other"));
        fputc('\n', f);
}

/* One state of object `n`, or its removal; owned by the caller. */
static char *object_line(uint64_t *state, uint32_t n) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        if (chance(state, 25))
                fprintf(f, "remove %s ns%u/%c%u\n", n < N_SERVICES ? "service" : "slice", n % 2, n < N_SERVICES ? 's' : 'e', n);
        else if (n < N_SERVICES)
                print_service(f, state, n);
        else
                print_slice(f, state, n);
        assert_int_equal(fclose(f), 0);
        return text;
}

static const char *surroundings(uint64_t *state) {
        return PICK(state,
                    "node zone=z1\n",
                    "node zone=\n",
                    "host 100.101.102.103\n",
                    "host 50.0.0.1,100.101.102.103,2012::1\n",
                    "host 172.16.0.1,fd00:1::1\n");
}

/* Events, computed and programmed now and then, and at last the final objects on top of what is there. */
static void run_history(World *world, uint64_t *state, char *const *final, const char *last_surroundings) {
        for (unsigned i = 0; i < N_EVENTS; i++) {
                _cleanup_(freep) char *line = object_line(state, roll(state, N_OBJECTS));

                world_do(world, line);
                if (chance(state, 10))
                        world_do(world, surroundings(state));
                if (chance(state, 50))
                        world_run(world);
                if (chance(state, 10))
                        free(world_program(world, chance(state, 50) ? USEC_PER_SEC : 0));
        }
        for (uint32_t i = 0; i < N_OBJECTS; i++)
                world_do(world, final[i]);
        world_do(world, last_surroundings);
        world_run(world);
}

/* The final objects alone, beginning at any of them and with any step. */
static void run_final(World *world, uint64_t *state, char *const *final, const char *last_surroundings, bool one_by_one) {
        static const uint32_t steps[] = { 1, 5, 7, 11, 13, 17, 19, 23 }; /* none divides N_OBJECTS */
        uint32_t at = roll(state, N_OBJECTS), step = steps[roll(state, ELEMENTSOF(steps))];

        world_do(world, last_surroundings);
        for (uint32_t i = 0; i < N_OBJECTS; i++, at = (at + step) % N_OBJECTS) {
                world_do(world, final[at]);
                if (one_by_one)
                        world_run(world);
        }
        world_run(world);
}

static void compare(uint64_t seed, const char *what, World *a, const char *expected) {
        _cleanup_(freep) char *text = world_text(a);

        if (strcmp(text, expected) != 0)
                fail_msg("seed %llu, %s: wanted is\n%s--- expected\n%s", (unsigned long long) seed, what, text, expected);
        if (strstr(text, "stray"))
                fail_msg("seed %llu, %s: wanted is\n%s", (unsigned long long) seed, what, text);
}

/* Once programmed, and what drained is let go, a comparison of everything finds nothing to do. */
static void check_programmed(uint64_t seed, World *world) {
        _cleanup_(freep) char *first = NULL, *second = NULL;

        plan_queue_differences(world->table);
        first = world_program(world, 0);
        plan_queue_differences(world->table);
        second = world_program(world, 0);
        if (second[0] != '\0')
                fail_msg("seed %llu: the second plan is not empty:\n%s", (unsigned long long) seed, second);
}

static void test_only_the_objects_count(void **unused) {
        for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
                uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15);
                char *final[N_OBJECTS];
                _cleanup_(freep) char *expected = NULL;
                /* Both kinds of surroundings have their last word, else the world before has. */
                const char *last = PICK(&state,
                                        "node zone=z1\nhost 100.101.102.103\n",
                                        "node zone=\nhost 50.0.0.1,100.101.102.103,2012::1\n",
                                        "node zone=z2\nhost 172.16.0.1,fd00:1::1\n");
                World history, once, one_by_one;

                for (uint32_t i = 0; i < N_OBJECTS; i++)
                        final[i] = object_line(&state, i);
                world_init(&once);
                world_init(&one_by_one);
                world_init(&history);
                run_final(&once, &state, final, last, false);
                expected = world_text(&once);
                run_final(&one_by_one, &state, final, last, true);
                compare(seed, "one by one", &one_by_one, expected);
                run_history(&history, &state, final, last);
                compare(seed, "after many events", &history, expected);
                check_programmed(seed, &history);
                compare(seed, "programmed", &history, expected);
                for (uint32_t i = 0; i < N_OBJECTS; i++)
                        free(final[i]);
                world_done(&history);
                world_done(&one_by_one);
                world_done(&once);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_only_the_objects_count),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
