/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipe that Monitor hands out: for who reads it, for who does not, and for who does other things with it. */
#include "tests/bus/bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include <json-c/json.h>

#include "common/bus-names.h"

#define M BUS_PATH, BUS_INTERFACE_MANAGER

static int setup(void **state) {
        static Bench bench;

        bench_open_link(&bench, NULL);
        bench_put_service(&bench, "shop", "cart", 8, 2);
        bench_sync(&bench);
        *state = &bench;
        return 0;
}

static int teardown(void **state) {
        bench_close(*state);
        return 0;
}

static const char *text_of(json_object *object, const char *key) {
        json_object *value = NULL;

        assert_true(json_object_object_get_ex(object, key, &value));
        return json_object_get_string(value);
}

static int open_monitor_of(Bench *b, sd_bus *client, const char *event) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int fd;

        assert_int_equal(
                bench_call(b, client, M, "Monitor", NULL, &reply, "a{sv}", 1, "events", "as", 1, event), 0);
        assert_true(sd_bus_message_read(reply, "h", &fd) >= 0);
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_SETFL, O_NONBLOCK) >= 0);
        return fd;
}

static int open_monitor(Bench *b, const char *event) {
        return open_monitor_of(b, b->client, event);
}

/* D19, D20: one who reads gets every line, one who does not is told how many were lost; who closes is forgotten. */
static void test_monitor(void **state) {
        static char text[512 * 1024];
        int reader, sleeper, statistics;
        unsigned n_lines = 0;
        size_t used = 0;
        Bench *b = *state;
        ssize_t n;

        reader = open_monitor(b, "endpoint");
        sleeper = open_monitor(b, "endpoint");
        for (unsigned i = 0; i < 40; i++) {
                bench_put_service(b, "shop", "cart", 8, i % 2 ? 2 : 42);
                bench_settle(b);
                while ((n = read(reader, text + used, sizeof(text) - used - 1)) > 0)
                        used += (size_t) n;
        }
        text[used] = '\0';
        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                json_object *event;

                *end = '\0';
                event = json_tokener_parse(line);
                assert_non_null(event);
                assert_string_equal(text_of(event, "id"), "shop/cart:http");
                (void) json_object_put(event);
                n_lines++;
        }
        assert_int_equal(n_lines, 40 * 40);
        used = 0;
        while ((n = read(sleeper, text + used, sizeof(text) - used - 1)) > 0)
                used += (size_t) n;
        assert_in_range(used, 32 * 1024, 64 * 1024);
        bench_put_service(b, "shop", "cart", 8, 3);
        bench_settle(b);
        n = read(sleeper, text, sizeof(text) - 1);
        assert_true(n > 0);
        text[n] = '\0';
        assert_true(strncmp(text, "{\"lost\":", 8) == 0);

        statistics = open_monitor(b, "statistics");
        bench_settle(b);
        n = read(statistics, text, sizeof(text) - 1);
        assert_true(n > 0);
        (void) close(reader);
        (void) close(sleeper);
        (void) close(statistics);
        bench_put_service(b, "shop", "cart", 8, 2);
        bench_settle(b);
        reader = open_monitor(b, "sync"); /* there is room again */
        (void) close(reader);
        bench_settle(b);
        assert_call_fails(
                b, b->client, M, "Monitor", SD_BUS_ERROR_INVALID_ARGS, "a{sv}", 1, "events", "as", 1, "gossip");
        assert_call_fails(b,
                          b->client,
                          M,
                          "Monitor",
                          SD_BUS_ERROR_INVALID_ARGS,
                          "a{sv}",
                          1,
                          "interval-usec",
                          "t",
                          UINT64_C(1000));
}

/* ---- H14: tricks with the descriptor */

/* Of this process, which is the daemon too: its end of a pipe is one. */
static unsigned count_descriptors(void) {
        DIR *folder = opendir("/proc/self/fd");
        unsigned n = 0;

        assert_non_null(folder);
        while (readdir(folder))
                n++;
        assert_int_equal(closedir(folder), 0);
        return n;
}

/* Forty lines. */
static void change(Bench *b, unsigned i) {
        bench_put_service(b, "shop", "cart", 8, i % 2 ? 2 : 42);
        bench_settle(b);
}

/*
 * Who has the reading end can make the pipe small, open its writing end by /proc and fill it, without O_NONBLOCK: the daemon's
 * own writing end does not care.
 */
static void test_filled(void **state) {
        unsigned before = count_descriptors(), n_lost = 0;
        Bench *b = *state;
        int fd = open_monitor(b, "endpoint"), writer;
        char path[64], text[8192];
        ssize_t n;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        writer = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
        assert_true(writer >= 0);
        assert_true(fcntl(fd, F_SETPIPE_SZ, 4096) >= 0);
        assert_true(fcntl(fd, F_SETFL, 0) >= 0); /* no longer O_NONBLOCK */
        memset(text, 'x', sizeof(text));
        while (write(writer, text, 512) > 0)
                ;
        for (unsigned i = 0; i < 6; i++)
                change(b, i); /* returns, or the test would end here */
        assert_int_equal(read(fd, text, 4096), 4096);
        assert_int_equal(text[4095], 'x');
        change(b, 0);
        n = read(fd, text, sizeof(text) - 1);
        assert_true(n > 0);
        text[n] = '\0';
        assert_int_equal(sscanf(text, "{\"lost\":%u}", &n_lost), 1);
        assert_in_range(n_lost, 100, 400);
        (void) close(fd);
        /* Somebody holds the writing end only: nobody reads, which ends the monitor. */
        change(b, 1);
        (void) close(writer);
        assert_int_equal(count_descriptors(), before);
}

/* A child that keeps a copy does not keep the monitor: it ends with the connection it was asked for over. */
static void test_copy(void **state) {
        unsigned before;
        sd_bus *client;
        int fd, copy;
        Bench b;

        bench_open_daemon(&b, NULL);
        bench_put_service(&b, "shop", "cart", 8, 2);
        bench_sync(&b);
        client = bench_connect(&b);
        bench_settle(&b);
        before = count_descriptors();
        fd = open_monitor_of(&b, client, "endpoint");
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        (void) close(fd);
        bench_settle(&b);
        assert_int_equal(count_descriptors(), before + 2); /* the copy, and the daemon's end */
        (void) sd_bus_detach_event(client);
        sd_bus_close(client);
        bench_settle(&b);
        assert_in_range(count_descriptors(), 0, before); /* without that, and without the connection */
        (void) sd_bus_unref(client);
        (void) close(copy);
        bench_close(&b);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_monitor),
                cmocka_unit_test(test_filled),
                cmocka_unit_test(test_copy),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
