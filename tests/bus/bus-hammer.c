/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile user of the system bus, for the node tests (rows H1 to H9 and H12 of the checklist). usage:
 *
 *   bus-hammer MODE SECONDS [NAME]
 *
 * does one thing for that long, then leaves, and prints how often. It keeps to what the bus lets a plain user do. With NAME,
 * "many" and "huge" ask that one and not the daemon, to see what is the bus's own doing; "serve" is somebody who has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "common/bus-names.h"
#include "common/macros.h"

#define IN_FLIGHT_MAX 100 /* the bus refuses more than 128 calls without an answer */
#define HUGE_BYTES (30 * 1024 * 1024)
#define CONNECTIONS_MAX 250 /* and more than 256 connections of a user */
#define SERVICE BUS_PATH_SERVICE "/default_2fkubernetes_3ahttps"

typedef struct Hammer {
        uint64_t until_usec;
        const char *destination;
        unsigned n; /* done so far */
} Hammer;

static uint64_t now_usec(void) {
        struct timespec now = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

static bool hammer_goes_on(const Hammer *hammer) {
        return now_usec() < hammer->until_usec;
}

static void hammer_wait(const Hammer *hammer) {
        while (hammer_goes_on(hammer))
                (void) nanosleep(&(struct timespec) { .tv_nsec = 100 * 1000 * 1000 }, NULL);
}

static int send_one(const Hammer *hammer, sd_bus *bus, const char *interface, const char *member, bool wants_answer) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        uint64_t cookie;
        int r = sd_bus_message_new_method_call(bus, &call, hammer->destination, BUS_PATH, interface, member);

        return r < 0 ? r : sd_bus_send(bus, call, wants_answer ? &cookie : NULL);
}

/* H1: large answers that nobody reads. What is sent is written out at once; nothing is ever processed, so nothing read. */
static int hammer_unread(Hammer *hammer) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        int r = sd_bus_open_system(&bus);

        for (; r >= 0 && hammer->n < IN_FLIGHT_MAX; hammer->n++)
                r = send_one(hammer, bus, BUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects", /* wants_answer= */ true);
        if (r >= 0)
                r = sd_bus_flush(bus);
        hammer_wait(hammer);
        return r;
}

/* H2: small calls, as fast as the bus takes them. */
static int hammer_flood(Hammer *hammer) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        int r = sd_bus_open_system(&bus);

        for (; r >= 0 && hammer_goes_on(hammer); hammer->n++) {
                r = send_one(hammer, bus, "org.freedesktop.DBus.Introspectable", "Introspect", /* wants_answer= */ false);
                if (r >= 0 && hammer->n % 64 == 0)
                        r = sd_bus_flush(bus);
        }
        return r;
}

/* H3: listens to every signal and reads none. */
static int hammer_listener(Hammer *hammer) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        int r = sd_bus_open_system(&bus);

        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, "type='signal',sender='" BUS_NAME "'", NULL, NULL);
        hammer->n = r >= 0;
        hammer_wait(hammer);
        return r;
}

/* H5: one dump after the other, none of which is closed. */
static int hammer_dumps(Hammer *hammer) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        unsigned n_refused = 0;
        int r = sd_bus_open_system(&bus);

        while (r >= 0 && hammer_goes_on(hammer)) {
                sd_bus_message *reply = NULL; /* kept: it holds the descriptor */

                r = sd_bus_call_method(bus, BUS_NAME, BUS_PATH, BUS_INTERFACE_MANAGER, "DumpByFileDescriptor", NULL, &reply, "a{sv}", 0);
                hammer->n += r >= 0;
                n_refused += r < 0;
                r = r == -ECONNRESET || r == -ENOTCONN ? r : 0;
        }
        (void) printf("%u refused; ", n_refused);
        return r;
}

/* H6: as many connections as a user may have, each of which asks all the time and reads what it is told. */
static int hammer_many(Hammer *hammer) {
        static sd_bus *buses[CONNECTIONS_MAX];
        unsigned n_buses = 0;
        int r = 0;

        while (n_buses < CONNECTIONS_MAX && sd_bus_open_system(&buses[n_buses]) >= 0)
                n_buses++;
        while (r >= 0 && n_buses > 0 && hammer_goes_on(hammer))
                for (unsigned i = 0; i < n_buses; i++) {
                        if (send_one(hammer, buses[i], "org.freedesktop.DBus.Peer", "Ping", /* wants_answer= */ true) >= 0)
                                hammer->n++;
                        while (sd_bus_process(buses[i], NULL) > 0)
                                ;
                }
        (void) printf("%u connections; ", n_buses);
        while (n_buses > 0)
                (void) sd_bus_close_unref(buses[--n_buses]);
        return r;
}

/* H12: comes, asks and leaves, again and again, each time under a new name. */
static int hammer_churn(Hammer *hammer) {
        int r = 0;

        for (; r >= 0 && hammer_goes_on(hammer); hammer->n++) {
                _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;

                r = sd_bus_open_system(&bus);
                if (r >= 0)
                        r = send_one(hammer, bus, BUS_INTERFACE_MANAGER, "EndDrain", /* wants_answer= */ true);
                if (r >= 0)
                        r = sd_bus_flush(bus);
        }
        return r;
}

/* ---- H7 to H9: what is well-formed and makes no sense */

static int append_deep(sd_bus_message *m, unsigned depth) {
        int r = sd_bus_message_open_container(m, 'v', depth > 0 ? "v" : "s");

        if (r >= 0)
                r = depth > 0 ? append_deep(m, depth - 1) : sd_bus_message_append(m, "s", "deep");
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_odd(sd_bus_message *m, unsigned kind) {
        static char large[256 * 1024];
        int fd, r;

        switch (kind) {
        case 0:
                return append_deep(m, 50);
        case 1: /* as it is wanted, but the options are wrong and many */
                r = sd_bus_message_open_container(m, 'a', "{sv}");
                for (unsigned i = 0; r >= 0 && i < 2000; i++)
                        r = sd_bus_message_append(m, "{sv}", "../../etc/%s%n\n\x1b[31m", "s", "%n%n%n");
                return r < 0 ? r : sd_bus_message_close_container(m);
        case 2:
                memset(large, 'x', sizeof(large) - 1);
                return sd_bus_message_append(m, "sua{sv}", large, UINT32_MAX, 0);
        case 3:
                fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
                r = sd_bus_message_append(m, "hhhh", fd, fd, fd, fd);
                (void) close(fd);
                return r;
        default:
                return 0;
        }
}

static int send_odd_call(sd_bus *bus, unsigned i) {
        static const struct {
                const char *path, *interface, *member;
        } calls[] = {
                { BUS_PATH, BUS_INTERFACE_MANAGER, "ListServices" },
                { BUS_PATH, BUS_INTERFACE_MANAGER, "DumpByFileDescriptor" },
                { BUS_PATH, BUS_INTERFACE_MANAGER, "Monitor" },
                { BUS_PATH, BUS_INTERFACE_MANAGER, "NoSuchMember" },
                { BUS_PATH, NULL, "Resync" },
                { "/", "org.example.Nothing", "Nothing" },
                { SERVICE, BUS_INTERFACE_SERVICE, "SetOverride" },
                { SERVICE "/x/y", BUS_INTERFACE_SERVICE, "Describe" },
                { BUS_PATH_SERVICE "/default/kubernetes", "org.freedesktop.DBus.Properties", "GetAll" },
                { "/org/freedesktop/LogControl1", "org.freedesktop.DBus.Properties", "Set" },
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        size_t k = i % ELEMENTSOF(calls);
        int r = sd_bus_message_new_method_call(
                bus, &call, BUS_NAME, calls[k].path, calls[k].interface, calls[k].member);

        if (r >= 0)
                r = append_odd(call, i / ELEMENTSOF(calls) % 5);
        return r < 0 ? r : sd_bus_send(bus, call, NULL);
}

/* Calls as large as the bus takes them (32 MiB of dbus-daemon). */
static int hammer_huge(Hammer *hammer) {
        _cleanup_(freep) char *text = malloc(HUGE_BYTES + 1);
        unsigned n_refused = 0;
        int r = text ? 0 : -ENOMEM;

        if (text)
                memset(text, 'x', HUGE_BYTES);
        if (text)
                text[HUGE_BYTES] = '\0';
        while (r >= 0 && hammer_goes_on(hammer)) {
                _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

                r = sd_bus_open_system(&bus);
                if (r >= 0)
                        r = sd_bus_call_method(bus, hammer->destination, BUS_PATH, "org.freedesktop.DBus.Properties", "GetAll", NULL, NULL, "s", text);
                hammer->n++;
                n_refused += r < 0;
                r = r == -ENOMEM ? r : 0;
        }
        (void) printf("%u refused; ", n_refused);
        return r;
}

/* As if the bus, or polkit, had said it. */
static int send_forged(sd_bus *bus, unsigned i) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        static const char *const members[] = { "NameOwnerChanged", "NameLost", "NameAcquired" };
        const char *member = members[i % ELEMENTSOF(members)];
        int r = sd_bus_message_new_signal(bus, &signal, "/org/freedesktop/DBus", "org.freedesktop.DBus", member);

        if (r >= 0)
                r = sd_bus_message_set_destination(signal, BUS_NAME);
        if (r >= 0)
                r = i % ELEMENTSOF(members) == 0 ? sd_bus_message_append(signal, "sss", BUS_NAME, ":1.1", "") :
                                                   sd_bus_message_append(signal, "s", BUS_NAME);
        return r < 0 ? r : sd_bus_send(bus, signal, NULL);
}

/* The bus closes the connection of who breaks its rules, and of who sends more than it may: then it begins anew. */
static int hammer_odd(Hammer *hammer) {
        int r = 0;

        while (r >= 0 && hammer_goes_on(hammer)) {
                _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
                unsigned first = hammer->n;

                r = sd_bus_open_system(&bus);
                for (int sent = r; sent >= 0 && hammer->n < first + 1000 && hammer_goes_on(hammer); hammer->n++) {
                        sent = hammer->n % 4 == 0 ? send_forged(bus, hammer->n / 4) : send_odd_call(bus, hammer->n);
                        while (sent >= 0 && sd_bus_process(bus, NULL) > 0)
                                ;
                }
        }
        return r;
}

/* Bytes that are no messages: the bus ends the connection, and nothing of it may arrive. */
static int hammer_garbage(Hammer *hammer) {
        const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/dbus/system_bus_socket" };
        char hello[96], uid[16], hex[40] = "", bytes[4096];

        (void) snprintf(uid, sizeof(uid), "%u", (unsigned) geteuid());
        for (const char *p = uid; *p; p++)
                (void) snprintf(hex + strlen(hex), sizeof(hex) - strlen(hex), "%02x", (unsigned char) *p);
        (void) snprintf(hello, sizeof(hello), "%cAUTH EXTERNAL %s\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nl\1", '\0', hex);
        for (; hammer_goes_on(hammer); hammer->n++) {
                _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

                if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                        return -errno;
                for (size_t i = 0; i < sizeof(bytes); i++)
                        bytes[i] = (char) random();
                (void) send(fd, hello, 1 + strlen(hello + 1), MSG_NOSIGNAL);
                (void) send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
        }
        return 0;
}

/* Not hostile: somebody else of the bus, who answers what a Peer has to. */
static int hammer_serve(Hammer *hammer) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r = sd_bus_open_system(&bus);

        if (r >= 0)
                r = sd_bus_request_name(bus, hammer->destination, 0);
        while (r >= 0 && hammer_goes_on(hammer)) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, USEC_PER_SEC);
        }
        return r;
}

/* Nothing but work for the processor: what any user can do, with or without a bus. */
static int hammer_spin(Hammer *hammer) {
        while (hammer_goes_on(hammer))
                hammer->n++;
        return 0;
}

static const struct {
        const char *name;
        int (*run)(Hammer *hammer);
} modes[] = {
        { "unread", hammer_unread },
        { "flood", hammer_flood },
        { "listener", hammer_listener },
        { "dumps", hammer_dumps },
        { "many", hammer_many },
        { "churn", hammer_churn },
        { "odd", hammer_odd },
        { "garbage", hammer_garbage },
        { "huge", hammer_huge },
        { "serve", hammer_serve },
        { "spin", hammer_spin },
};

int main(int argc, char *argv[]) {
        Hammer hammer = { .destination = BUS_NAME };
        size_t i = 0;
        int r;

        while (argc >= 3 && i < ELEMENTSOF(modes) && strcmp(modes[i].name, argv[1]) != 0)
                i++;
        if (argc < 3 || argc > 4 || i == ELEMENTSOF(modes)) {
                (void) fprintf(stderr, "usage: bus-hammer unread|flood|listener|dumps|many|churn|odd|garbage|huge|serve|spin SECONDS [NAME]\n");
                return 2;
        }
        if (argc == 4)
                hammer.destination = argv[3];
        hammer.until_usec = now_usec() + strtoull(argv[2], NULL, 10) * USEC_PER_SEC;
        r = modes[i].run(&hammer);
        (void) printf("%s: %u, %s\n", argv[1], hammer.n, r < 0 ? strerror(-r) : "to its end");
        return 0;
}
