/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read in front of a message, and what never reaches sd-bus: what is longer than we want to read, and more of it. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/bus-names.h"
#include "tests/bus/bench.h"

#define M BUS_PATH, BUS_INTERFACE_MANAGER

/* ---- the header: GetService of :1.7, serial 513, as dbus-daemon passes it on */

static const uint8_t call[] = "l\1\0\1" "\10\0\0\0" "\1\2\0\0" "\75\0\0\0"
                              "\1\1o\0\2\0\0\0/x\0\0\0\0\0\0"
                              "\10\1g\0\1s\0\0"
                              "\3\1s\0\12\0\0\0GetService\0\0\0\0\0\0"
                              "\7\1s\0\4\0\0\0:1.7\0\0";
static const uint8_t swapped[] = "B\2\1\1" "\0\0\0\0" "\0\0\2\1" "\0\0\0\25"
                                 "\5\1u\0\0\0\0\11"
                                 "\7\1s\0\0\0\0\4:1.7\0";

static void test_header(void **state) {
        MessageHeader header;
        uint64_t size;

        assert_int_equal(message_header_size(call, &size), 0);
        assert_int_equal(size, 16 + 64 + 8);
        assert_int_equal(message_header_read(call, sizeof(call) - 1, &header), 0);
        assert_true(header.is_call && header.wants_answer && !header.is_reply);
        assert_int_equal(header.serial, 513);
        assert_string_equal(header.sender, ":1.7");
        assert_int_equal(message_header_size(swapped, &size), 0);
        assert_int_equal(size, 16 + 24);
        assert_int_equal(message_header_read(swapped, sizeof(swapped) - 1, &header), 0);
        assert_true(!header.is_call && header.is_reply && !header.wants_answer);
        assert_int_equal(header.serial, 513);
        assert_string_equal(header.sender, ":1.7");
}

/* Fields that the specification does not know, of which the last is the sender. */
static void test_header_fields(void **state) {
        static const struct {
                const uint8_t *fields;
                size_t size;
        } headers[] = {
#define FIELDS(text) { (const uint8_t *) (text), sizeof(text) - 1 }
                FIELDS("\100\1y\0\377\0\0\0" "\7\1s\0\2\0\0\0:1\0"),
                FIELDS("\100\1q\0\377\377\0\0" "\7\1s\0\2\0\0\0:1\0"),
                FIELDS("\100\1b\0\1\0\0\0" "\7\1s\0\2\0\0\0:1\0"),
                FIELDS("\100\1t\0\0\0\0\0\1\2\3\4\5\6\7\0" "\7\1s\0\2\0\0\0:1\0"),
        };
        static const uint8_t array[] = "\100\2ay\0\0\0\0\0\0\0\0\0\0\0\0";
        uint8_t bytes[64] = { 'l', 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0 };
        MessageHeader header;

        for (size_t i = 0; i < ELEMENTSOF(headers); i++) {
                bytes[12] = (uint8_t) headers[i].size;
                memcpy(bytes + MESSAGE_HEADER_FIXED, headers[i].fields, headers[i].size);
                assert_int_equal(message_header_read(bytes, sizeof(bytes), &header), 0);
                assert_string_equal(header.sender, ":1");
        }
        bytes[12] = sizeof(array) - 1;
        memcpy(bytes + MESSAGE_HEADER_FIXED, array, sizeof(array) - 1);
        assert_int_equal(message_header_read(bytes, sizeof(bytes), &header), -EBADMSG);
}

static void test_header_ends_early(void **state) {
        MessageHeader header;
        uint8_t *copy;

        for (size_t n = 0; n < 16 + 61; n++) {
                copy = malloc(n > 0 ? n : 1); /* of its own, for valgrind and the sanitizers */
                assert_non_null(copy);
                memcpy(copy, call, n);
                assert_int_equal(message_header_read(copy, n, &header), -ENODATA);
                free(copy);
        }
}

/* Nothing is read beyond the end, whatever the sizes say; what is no message is told from one. */
static void test_header_of_noise(void **state) {
        static const struct {
                size_t at;
                uint8_t byte;
        } bad[] = { { 0, 'x' }, { 3, 2 }, { 18, 'v' }, { 17, 9 }, { 7, 0xff }, { 15, 0xff }, { 23, 0xff } };
        uint8_t bytes[sizeof(call) - 1];
        MessageHeader header;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                memcpy(bytes, call, sizeof(bytes));
                bytes[bad[i].at] = bad[i].byte;
                assert_int_equal(message_header_read(bytes, sizeof(bytes), &header), -EBADMSG);
        }
        srandom(1);
        for (unsigned i = 0; i < 100000; i++) {
                memcpy(bytes, call, sizeof(bytes));
                for (unsigned k = 0; k < 4; k++)
                        bytes[(size_t) random() % sizeof(bytes)] = (uint8_t) random();
                (void) message_header_read(bytes, sizeof(bytes), &header);
        }
}

/* ---- a bus */

static int setup(void **state) {
        static Bench bench;

        bench_open_daemon(&bench, NULL);
        bench_put_service(&bench, "default", "web", 1, 3);
        bench_sync(&bench);
        peers_count_everybody(bench.bus->peers);
        *state = &bench;
        return 0;
}

static int teardown(void **state) {
        bench_close(*state);
        return 0;
}

/* The name of the error for a call whose argument has so many bytes. */
static const char *ask_with(Bench *b, size_t n_bytes) {
        static char name[128];
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(freep) char *text = malloc(n_bytes + 1);

        assert_non_null(text);
        memset(text, 'x', n_bytes);
        text[n_bytes] = '\0';
        assert_true(sd_bus_message_new_method_call(b->client, &m, BUS_NAME, M, "GetService") >= 0);
        assert_true(sd_bus_message_append(m, "s", text) >= 0);
        (void) snprintf(name, sizeof(name), "%s", bench_send(b, b->client, m, &reply));
        return name;
}

static void assert_answered(Bench *b) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        assert_int_equal(bench_call(b, b->client, M, "GetService", NULL, &reply, "s", "default/web:http"), 0);
}

/* One after the other: what is behind one that was not read is where it should be. */
static void test_long_calls(void **state) {
        static const size_t sizes[] = { 1, 15000, 17000, 16 * 1024, 40000, 1, 300000, 8 * 1024 * 1024, 2 };
        uint64_t n_limited;
        Bench *b = *state;
        BusCounters counters;

        bus_counters(b->bus, &counters);
        n_limited = counters.n_limited;
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                const char *name = ask_with(b, sizes[i]);

                assert_string_equal(name,
                                    sizes[i] < 10           ? BUS_ERROR_NO_SUCH_SERVICE :
                                            sizes[i] < 16000 ? SD_BUS_ERROR_INVALID_ARGS :
                                                               SD_BUS_ERROR_LIMITS_EXCEEDED);
                assert_answered(b);
        }
        bus_counters(b->bus, &counters);
        assert_int_equal(counters.n_limited - n_limited, 5);
}

/* As many as a socket holds, before the first is looked at, of all sizes and some without an answer. */
static void test_long_calls_at_once(void **state) {
        static char text[60000];
        Bench *b = *state;

        memset(text, 'x', sizeof(text) - 1);
        for (unsigned i = 0; i < 200; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
                uint64_t cookie;

                assert_true(sd_bus_message_new_method_call(b->client, &m, BUS_NAME, M, "GetService") >= 0);
                assert_true(sd_bus_message_append(m, "s", text + sizeof(text) - 1 - (i * 7919 % sizeof(text))) >= 0);
                assert_true(sd_bus_send(b->client, m, i % 3 == 0 ? NULL : &cookie) >= 0);
        }
        bench_settle(b);
        assert_answered(b);
}

static size_t n_descriptors(void) {
        size_t n = 0;

        for (int fd = 0; fd < 4096; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

/* Nobody can be told whose header alone is longer; descriptors of a call that is not read are closed. */
static void test_long_header(void **state) {
        static char path[20000] = "/";
        size_t before = n_descriptors();
        Bench *b = *state;

        memset(path + 1, 'x', sizeof(path) - 2);
        for (unsigned i = 0; i < 20; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

                assert_true(sd_bus_message_new_method_call(
                                    b->client, &m, BUS_NAME, i % 2 ? path : BUS_PATH, BUS_INTERFACE_MANAGER, "GetService") >= 0);
                assert_true(sd_bus_message_append(m, "hs", STDOUT_FILENO, path) >= 0);
                assert_true(sd_bus_send(b->client, m, NULL) >= 0);
        }
        bench_settle(b);
        assert_answered(b);
        assert_int_equal(n_descriptors(), before);
}

/* ---- the end */

static int on_last(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        *(bool *) userdata = !sd_bus_message_is_method_error(m, NULL);
        return 0;
}

/* What sd-bus has answered when the daemon ends is sent, though the event loop runs no more. */
static void test_last_answer(void **state) {
        Bench *b = *state;
        BusCounters before, now;
        bool answered = false;

        bus_counters(b->bus, &before);
        assert_true(sd_bus_call_method_async(b->client, NULL, BUS_NAME, M, "GetService", on_last, &answered, "s", "default/web:http") >= 0);
        do {
                assert_true(sd_event_run(b->event, USEC_PER_SEC) > 0);
                bus_counters(b->bus, &now);
        } while (now.n_calls == before.n_calls);
        b->bus = bus_free(b->bus);
        assert_false(answered);
        bench_settle(b);
        assert_true(answered);
}

/* ---- more than anybody may send */

static unsigned n_seen; /* messages that sd-bus got, but for those of the bus itself */

static int on_seen(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(m);

        n_seen += sender && strcmp(sender, "org.freedesktop.DBus") != 0;
        return 0;
}

static unsigned n_answers, n_refused;

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(m);

        if (sender && strncmp(sender, "org.freedesktop.DBus", strlen("org.freedesktop.DBus")) == 0)
                return 0; /* the bus lets no more of them wait, or the connection ends */
        n_answers++;
        n_refused += sd_bus_message_is_method_error(m, SD_BUS_ERROR_LIMITS_EXCEEDED) > 0;
        return 0;
}

static int on_pong(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        *(bool *) userdata = true;
        return 0;
}

/* Everything sent on this connection has reached the bus, and what the bus had for it has come. */
static void ask_bus(Bench *b, sd_bus *bus) {
        bool done = false;

        assert_true(sd_bus_call_method_async(bus, NULL, "org.freedesktop.DBus", "/", "org.freedesktop.DBus.Peer", "Ping", on_pong,
                                             &done, "") >= 0);
        bench_run_until(b, &done);
}

/* What was sent is with the daemon, its answers are with the bus, and here. */
static void settle(Bench *b, sd_bus *bus) {
        ask_bus(b, bus);
        ask_bus(b, b->bus->bus);
        ask_bus(b, b->bus->bus);
        ask_bus(b, bus);
}

static void begin_calls(sd_bus *bus, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                assert_true(sd_bus_call_method_async(bus, NULL, BUS_NAME, BUS_PATH, "org.freedesktop.DBus.Peer", "Ping", on_answer,
                                                     NULL, "") >= 0);
}

static void send_calls(Bench *b, sd_bus *bus, unsigned n) {
        n_seen = n_answers = n_refused = 0;
        for (unsigned i = 0; i < n; i += 100) {
                begin_calls(bus, 100); /* the bus lets 128 wait for an answer */
                settle(b, bus);
        }
}

static sd_bus *connect_counted(Bench *b) {
        n_seen = 0;
        assert_true(sd_bus_add_filter(b->bus->bus, NULL, on_seen, NULL) >= 0);
        return bench_connect(b);
}

/* After a thousand refusals nothing of a connection is looked at, and others are answered. */
static void test_muted_connection(void **state) {
        Bench *b = *state;
        sd_bus *bus = connect_counted(b);
        unsigned all_refused = 0;

        do {
                send_calls(b, bus, 100);
                all_refused += n_refused;
        } while (n_answers > 0 && all_refused <= 1000);
        assert_int_equal(all_refused, 1000);
        send_calls(b, bus, 100);
        assert_int_equal(n_seen, 0);
        assert_int_equal(n_answers, 0);
        assert_answered(b);
        (void) sd_bus_close_unref(bus);
}

/* The same for a user of many connections: what is within the budget is answered, and nothing else. */
static void test_muted_user(void **state) {
        Bench *b = *state;
        sd_bus *buses[20], *bus;
        unsigned round;

        for (size_t i = 0; i < ELEMENTSOF(buses); i++)
                buses[i] = bench_connect(b);
        /* None of them is refused a thousand times. */
        for (round = 0; round < 9; round++) {
                n_answers = n_refused = 0;
                for (size_t i = 0; i < ELEMENTSOF(buses); i++)
                        begin_calls(buses[i], 100);
                for (size_t i = 0; i < ELEMENTSOF(buses); i++)
                        settle(b, buses[i]);
                if (n_answers < 100 * ELEMENTSOF(buses) && n_refused == 0)
                        break;
        }
        assert_in_range(round, 1, 8);
        for (size_t i = 0; i < ELEMENTSOF(buses); i++)
                (void) sd_bus_flush_close_unref(buses[i]);
        bus = connect_counted(b);
        send_calls(b, bus, 100); /* it is found out whose this one is */
        send_calls(b, bus, 400);
        assert_int_equal(n_refused, 0);
        assert_in_range(n_seen, n_answers, 400); /* what is earned meanwhile is answered */
        (void) sd_bus_flush_close_unref(bus);
}

/* Signals that nobody asked for cost as much as calls, and come out of the same budget. */
static void test_signals(void **state) {
        Bench *b = *state;
        sd_bus *bus = connect_counted(b);

        for (unsigned i = 0; i < 3000; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

                assert_true(sd_bus_message_new_signal(bus, &m, "/x", "org.example.X", "Changed") >= 0);
                assert_true(sd_bus_send_to(bus, m, BUS_NAME, NULL) >= 0);
        }
        settle(b, bus);
        assert_in_range(n_seen, PEER_CALLS_BURST, 2000);
        (void) sd_bus_flush_close_unref(bus);
        assert_answered(b);
}

/* ---- what the handler is asked, over a direct link */

#define RAW(text) .bytes = (const uint8_t *) (text), .size = sizeof(text) - 1
/* A path and a member, aligned for what follows */
#define RAW_FIELDS "\1\1o\0\2\0\0\0/x\0\0\0\0\0\0" "\3\1s\0\1\0\0\0M\0\0\0\0\0\0\0"

static unsigned n_asked, n_unasked;

static bool on_header(const MessageHeader *header, bool is_long, void *userdata) {
        n_asked += header->is_call;
        n_unasked += !header->is_call && !header->is_reply;
        return true;
}

static int on_any(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        n_seen++;
        return 1;
}

/* A header that cannot be read is nobody's; what comes behind it is where it should be. Types of messages that are not known
 * are like signals. */
static void test_judged(void **state) {
        static const struct {
                const uint8_t *bytes;
                size_t size;
                unsigned n_asked, n_unasked, n_seen; /* with those before */
        } messages[] = {
                { RAW("l\1\1\1\0\0\0\0\1\0\0\0\32\0\0\0" RAW_FIELDS), 1, 0, 1 },
                { RAW("l\1\1\1\0\0\0\0\2\0\0\0\54\0\0\0" RAW_FIELDS "\100\2ay\0\0\0\0\0\0\0\0\0\0\0\0"), 1, 0, 1 },
                { RAW("l\11\1\1\0\0\0\0\3\0\0\0\32\0\0\0" RAW_FIELDS), 1, 1, 2 },
                { RAW("l\1\1\1\0\0\0\0\4\0\0\0\32\0\0\0" RAW_FIELDS), 2, 1, 3 },
        };
        Gate *gate;
        Bench b;

        bench_open_link(&b, NULL);
        bench_settle(&b);
        assert_int_equal(gate_new(b.event, b.bus->bus, 0, on_header, NULL, &gate), 0);
        assert_true(sd_bus_add_filter(b.bus->bus, NULL, on_any, NULL) >= 0);
        n_asked = n_unasked = n_seen = 0;
        for (size_t i = 0; i < ELEMENTSOF(messages); i++) {
                assert_int_equal(write(sd_bus_get_fd(b.client), messages[i].bytes, messages[i].size), messages[i].size);
                bench_settle(&b);
                assert_int_equal(n_asked, messages[i].n_asked);
                assert_int_equal(n_unasked, messages[i].n_unasked);
                assert_int_equal(n_seen, messages[i].n_seen);
        }
        gate = gate_free(gate);
        bench_close(&b);
}

int main(void) {
        static const struct CMUnitTest header_tests[] = {
                cmocka_unit_test(test_header),
                cmocka_unit_test(test_header_fields),
                cmocka_unit_test(test_header_ends_early),
                cmocka_unit_test(test_header_of_noise),
        };
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_long_calls),
                cmocka_unit_test(test_long_calls_at_once),
                cmocka_unit_test(test_long_header),
        };
        static const struct CMUnitTest own_tests[] = {
                cmocka_unit_test(test_judged),
                cmocka_unit_test_setup_teardown(test_last_answer, setup, teardown),
                cmocka_unit_test_setup_teardown(test_muted_connection, setup, teardown),
                cmocka_unit_test_setup_teardown(test_muted_user, setup, teardown),
                cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
        };
        int n_failed = cmocka_run_group_tests(header_tests, NULL, NULL);

        n_failed += cmocka_run_group_tests(tests, setup, teardown);
        return n_failed + cmocka_run_group_tests(own_tests, NULL, NULL);
}
