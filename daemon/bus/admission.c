/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every message passes before anything is looked up: the budgets of callers (peers.h), and the gate in front of
 * the one call whose answer has no pages. sd-bus answers Introspect, GetAll and GetManagedObjects by itself; this is
 * the only place that sees them, and takes those away that are long (tree.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "bus/bus-private.h"
#include "common/bus-names.h"

/* About; measured on answers of this daemon. */
#define BYTES_REPLY 300
#define BYTES_INTROSPECT 8000
#define BYTES_GET_ALL 2000
#define BYTES_CHILD 80

#define BUS_DRIVER "org.freedesktop.DBus" /* the bus itself, and the interface of its signals */

/* Looking at so many things costs as much as a call. */
#define LOOKS_PER_CALL 1000

#define MANAGED_OBJECTS_MAX (2 * 1024 * 1024)
/* The bus holds it for who does not read, so one that is larger than this is as rare as a dump (§2.6). */
#define MANAGED_OBJECTS_SMALL (256 * 1024)

static size_t reply_size(const Bus *bus, sd_bus_message *m) {
        size_t n = index_size(bus->index);

        if (sd_bus_message_is_method_call(m, BUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects"))
                return BYTES_REPLY + n * BYTES_MANAGED_OBJECT;
        if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Introspectable", "Introspect"))
                return BYTES_INTROSPECT +
                       (strcmp(sd_bus_message_get_path(m), BUS_PATH_SERVICE) == 0 ? n * BYTES_CHILD : 0);
        if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "GetAll"))
                return BYTES_GET_ALL;
        return BYTES_REPLY;
}

void bus_charge(Bus *bus, sd_bus_message *m, size_t n_bytes, size_t n_looks) {
        peers_charge(bus->peers, m, bus_now(bus), n_bytes, (unsigned) (n_looks / LOOKS_PER_CALL));
        bus->unsent_bytes += n_bytes;
}

/* An error is an answer; where none is wanted, the call is dealt with all the same. */
static int refuse(sd_bus_message *m, const char *name, const char *text) {
        int r = sd_bus_reply_method_errorf(m, name, "%s", text);

        return r < 0 ? r : 1;
}

/* The call as it would have been, but for what was not read of it; owned by the caller. */
static int make_call(Bus *bus, const MessageHeader *header, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(bus->bus, &m, NULL, BUS_PATH, NULL, "Unread");

        if (r >= 0)
                r = sd_bus_message_set_sender(m, header->sender);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, header->wants_answer);
        if (r >= 0)
                r = sd_bus_message_seal(m, header->serial, 0);
        if (r >= 0)
                *ret = TAKE_PTR(m);
        return r;
}

static void refuse_long(Bus *bus, const MessageHeader *header) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        bus->counters.n_limited++;
        if (!header->is_call || header->sender[0] == '\0' || make_call(bus, header, &m) < 0 || bus_is_clogged(bus))
                return;
        /* The budget decides whether it is answered; there is no other answer. */
        if (peers_admit(bus->peers, m, bus_now(bus), BYTES_REPLY) != PEER_MUTED)
                (void) sd_bus_reply_method_errorf(
                        m, SD_BUS_ERROR_LIMITS_EXCEEDED, "The call is longer than %d bytes and was not read.", GATE_MESSAGE_MAX);
}

bool bus_admit_header(const MessageHeader *header, bool is_long, void *userdata) {
        Bus *bus = userdata;
        uint64_t now = bus_now(bus);
        bool expected = header->is_reply || strcmp(header->sender, BUS_DRIVER) == 0;

        if (!expected && (header->is_call ? peers_are_muted(bus->peers, header->sender, now) :
                                            !peers_admit_signal(bus->peers, header->sender, now))) {
                bus->counters.n_limited++;
                return false;
        }
        if (is_long)
                refuse_long(bus, header);
        return !is_long;
}

/* 0 = go on, 1 = the call is dealt with, or comes again when it is known who asks. */
static int admit_objects(Bus *bus, sd_bus_message *m, size_t n_bytes) {
        uid_t uid;
        int r;

        if (n_bytes <= MANAGED_OBJECTS_SMALL || !sd_bus_message_get_sender(m) ||
            !sd_bus_message_is_method_call(m, BUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects"))
                return 0;
        r = peers_get_uid(bus->peers, m, &uid);
        if (r == 0)
                return 1;
        if (r > 0 && peers_take_dump(bus->peers, uid, bus_now(bus)))
                return 0;
        bus->counters.n_limited++;
        return refuse(m, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many large answers; use ListServices, or wait.");
}

/* 0 = go on, 1 = the call is dealt with. */
static int admit_call(Bus *bus, sd_bus_message *m) {
        size_t n_bytes = reply_size(bus, m);

        /* Over 32 MiB dbus-daemon throws the sender off the bus, and long before that it is stuck with it. */
        if (n_bytes > MANAGED_OBJECTS_MAX &&
            sd_bus_message_is_method_call(m, BUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects"))
                return refuse(m, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many objects for one message; use ListServices.");
        switch (peers_admit(bus->peers, m, bus_now(bus), n_bytes)) {
        case PEER_ADMITTED:
                bus->counters.n_calls++;
                if (bus_is_clogged(bus))
                        return 1;
                /* What is larger takes longer to make too: a service object about as long as a tenth of a call. */
                bus_charge(bus, m, 0, n_bytes > BYTES_INTROSPECT ? n_bytes / BYTES_MANAGED_OBJECT * 100 : 0);
                bus->unsent_bytes += MIN2(n_bytes, (size_t) BYTES_INTROSPECT); /* of more when it is made: tree.c */
                return admit_objects(bus, m, n_bytes);
        case PEER_AGAIN:
                return admit_objects(bus, m, n_bytes);
        case PEER_REFUSED:
                bus->counters.n_limited++;
                return bus_is_clogged(bus) ? 1 : refuse(m, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many calls; wait a little.");
        case PEER_MUTED:
                bus->counters.n_limited++;
                break;
        }
        return 1;
}

/*
 * sd-bus would ask the bus who calls, and wait for the answer. 0 = go on, 1 = the message is dealt with.
 */
static int admit_setting(Bus *bus, sd_bus_message *m) {
        uid_t uid;
        int r = peers_get_uid(bus->peers, m, &uid);

        if (r == 0)
                return 1; /* it comes again */
        if (r > 0 && (uid == 0 || uid == geteuid()))
                return 0;
        return refuse(m, SD_BUS_ERROR_ACCESS_DENIED, "Only root may set properties.");
}

static void note_signal(Bus *bus, sd_bus_message *m) {
        const char *sender = sd_bus_message_get_sender(m), *name;

        /* The bus itself says so, to us alone, without being asked; nobody else can have this sender. */
        if (!sender || strcmp(sender, BUS_DRIVER) != 0 ||
            sd_bus_message_read(m, "s", &name) < 0 || strcmp(name, BUS_NAME) != 0)
                return;
        if (sd_bus_message_is_signal(m, BUS_DRIVER, "NameAcquired"))
                bus_name_acquired(bus);
        else
                bus_connection_lost(bus, "the name was taken away");
}

int bus_admit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *bus = userdata;
        int r;

        if (sd_bus_message_is_signal(m, BUS_DRIVER, "NameAcquired") ||
            sd_bus_message_is_signal(m, BUS_DRIVER, "NameLost")) {
                note_signal(bus, m);
                (void) sd_bus_message_rewind(m, true);
        }
        if (!sd_bus_message_is_method_call(m, NULL, NULL))
                return 0;
        r = admit_call(bus, m);
        if (r == 0 && sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "Set"))
                r = admit_setting(bus, m);
        if (r != 0)
                return r;
        bus_refresh(bus);
        return bus_answer_tree(bus, m, error);
}
