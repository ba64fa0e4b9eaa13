/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile user of the system bus, for the node tests: asks for much and never reads an answer, or asks without end.
 * usage: bus-hammer unread|flood SECONDS. "unread" sends calls with large answers and holds the connection open;
 * "flood" sends calls as fast as the bus takes them. Prints how many were sent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "common/bus-names.h"
#include "common/macros.h"

#define IN_FLIGHT_MAX 100 /* the bus refuses more than 128 calls without an answer */

static uint64_t now_usec(void) {
        struct timespec now = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

static int send_one(sd_bus *bus, const char *interface, const char *member, bool wants_answer) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        uint64_t cookie;
        int r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, BUS_PATH, interface, member);

        return r < 0 ? r : sd_bus_send(bus, call, wants_answer ? &cookie : NULL);
}

/* What is sent is written out at once; nothing is ever processed, so nothing is read. */
static int hammer_unread(sd_bus *bus, uint64_t until, unsigned *n) {
        int r = 0;

        for (; r >= 0 && *n < IN_FLIGHT_MAX; (*n)++)
                r = send_one(bus, BUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects", /* wants_answer= */ true);
        if (r >= 0)
                r = sd_bus_flush(bus);
        while (now_usec() < until)
                (void) nanosleep(&(struct timespec) { .tv_nsec = 100 * 1000 * 1000 }, NULL);
        return r;
}

static int hammer_flood(sd_bus *bus, uint64_t until, unsigned *n) {
        int r = 0;

        for (; r >= 0 && now_usec() < until; (*n)++) {
                r = send_one(bus, "org.freedesktop.DBus.Introspectable", "Introspect", /* wants_answer= */ false);
                if (r >= 0 && *n % 64 == 0)
                        r = sd_bus_flush(bus);
        }
        return r;
}

int main(int argc, char *argv[]) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        uint64_t until;
        unsigned n = 0;
        int r;

        if (argc != 3) {
                (void) fprintf(stderr, "usage: bus-hammer unread|flood SECONDS\n");
                return 2;
        }
        until = now_usec() + strtoull(argv[2], NULL, 10) * USEC_PER_SEC;
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = strcmp(argv[1], "unread") == 0 ? hammer_unread(bus, until, &n) : hammer_flood(bus, until, &n);
        (void) printf("%u calls, %s\n", n, r < 0 ? strerror(-r) : "all sent");
        return 0;
}
