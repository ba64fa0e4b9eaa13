/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of a caller as the body of a call of every method, over a direct link. The first byte chooses the method, the
 * second says whether the header's signature is the method's or that of an unwanted one; the rest is the body.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bus-names.h"
#include "common/log.h"
#include "tests/bus/bench.h"
#include "tests/fuzz/fuzz.h"

#define WEB BUS_PATH_SERVICE "/default_2fweb_3ahttp"
#define BODY_MAX 4096
#define TURNS_MAX 64

/* What is not here takes no arguments. Hold and Monitor are: their descriptors go with the connection. */
static const struct {
        const char *path, *interface, *member, *signature;
} methods[] = {
        { BUS_PATH, BUS_INTERFACE_MANAGER, "GetService", "s" },
        { BUS_PATH, BUS_INTERFACE_MANAGER, "GetServiceByAddress", "sqs" },
        { BUS_PATH, BUS_INTERFACE_MANAGER, "ListServices", "sua{sv}" },
        { BUS_PATH, BUS_INTERFACE_MANAGER, "ListStatistics", "su" },
        { BUS_PATH, BUS_INTERFACE_MANAGER, "ListDrift", "u" },
        { BUS_PATH, BUS_INTERFACE_MANAGER, "DumpByFileDescriptor", "a{sv}" },
        { BUS_PATH, BUS_INTERFACE_MANAGER, "PlanByFileDescriptor", "a{sv}" },
        { BUS_PATH, BUS_INTERFACE_MANAGER, "Monitor", "a{sv}" },
        { BUS_PATH, BUS_INTERFACE_MANAGER, "Explain", "sqsa{sv}" },
        { BUS_PATH, BUS_INTERFACE_MANAGER, "BeginDrain", "ta{sv}" },
        { BUS_PATH, BUS_INTERFACE_MANAGER, "Hold", "ss" },
        { BUS_PATH, BUS_INTERFACE_MANAGER, "Resync", "t" },
        { WEB, BUS_INTERFACE_SERVICE, "ListEndpoints", "su" },
        { WEB, BUS_INTERFACE_SERVICE, "SetOverride", "squts" },
        { WEB, BUS_INTERFACE_SERVICE, "ClearOverride", "sq" },
        { WEB, BUS_INTERFACE_SERVICE, "Resync", "t" },
        { BUS_PATH, "org.freedesktop.DBus.Properties", "Get", "ss" },
        { "/org/freedesktop/LogControl1", "org.freedesktop.DBus.Properties", "Set", "ssv" },
};

/* ---- a message as the D-Bus specification has it on the wire */

typedef struct Wire {
        uint8_t bytes[BODY_MAX + 1024];
        size_t size;
} Wire;

static void wire_put(Wire *wire, const void *bytes, size_t n) {
        memcpy(wire->bytes + wire->size, bytes, n);
        wire->size += n;
}

static void wire_align(Wire *wire, size_t to) {
        while (wire->size % to)
                wire->bytes[wire->size++] = 0;
}

static void wire_word(Wire *wire, uint32_t word) {
        wire_align(wire, 4);
        wire_put(wire, &word, sizeof(word));
}

/* A header field whose value is a text of type 'o' or 's', or the signature, whose length is a byte. */
static void wire_field(Wire *wire, uint8_t code, char type, const char *text) {
        const uint8_t head[] = { code, 1, (uint8_t) type, 0 }, length = (uint8_t) strlen(text);

        wire_align(wire, 8);
        wire_put(wire, head, sizeof(head));
        if (type == 'g')
                wire_put(wire, &length, 1);
        else
                wire_word(wire, length);
        wire_put(wire, text, strlen(text) + 1);
}

static void wire_call(Wire *wire, size_t method, const char *signature, const uint8_t *body, size_t n) {
        const uint8_t head[] = { __BYTE_ORDER == __LITTLE_ENDIAN ? 'l' : 'B', 1, 0, 1 };
        uint32_t fields;

        *wire = (Wire) {};
        wire_put(wire, head, sizeof(head));
        wire_word(wire, (uint32_t) n);
        wire_word(wire, 1); /* serial */
        wire_word(wire, 0); /* length of the fields, below */
        wire_field(wire, 1, 'o', methods[method].path);
        wire_field(wire, 2, 's', methods[method].interface);
        wire_field(wire, 3, 's', methods[method].member);
        wire_field(wire, 8, 'g', signature);
        fields = (uint32_t) wire->size - 16;
        memcpy(wire->bytes + 12, &fields, sizeof(fields));
        wire_align(wire, 8);
        wire_put(wire, body, n);
}

/* ---- one connection an input */

static Bench *fuzz_bench(void) {
        static Bench bench;

        if (!bench.event) {
                bench_open_link(&bench, NULL);
                bench_put_service(&bench, "default", "web", 7, 3);
                bench_put_service(&bench, "shop", "cart", 8, 2);
                bench_sync(&bench);
                log_set_max_level(LOG_EMERG);
                bench.client = sd_bus_close_unref(bench.client);
                bus_connection_done(bench.bus);
        }
        return &bench;
}

static int connect_link(Bench *bench) {
        const sd_id128_t id = {};
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_true(sd_bus_new(&bench->bus->bus) >= 0);
        assert_true(sd_bus_set_fd(bench->bus->bus, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_set_server(bench->bus->bus, true, id) >= 0);
        assert_int_equal(bus_attach(bench->bus), 0);
        assert_true(sd_bus_start(bench->bus->bus) >= 0);
        assert_true(sd_bus_attach_event(bench->bus->bus, bench->event, 0) >= 0);
        return fds[1];
}

static void authenticate(int fd) {
        char uid[16], hex[40] = "", text[128];

        (void) snprintf(uid, sizeof(uid), "%u", (unsigned) getuid());
        for (const char *p = uid; *p; p++)
                (void) snprintf(hex + strlen(hex), sizeof(hex) - strlen(hex), "%02x", (unsigned char) *p);
        (void) snprintf(text, sizeof(text), "%cAUTH EXTERNAL %s\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n", '\0', hex);
        assert_true(write(fd, text, 1 + strlen(text + 1)) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Bench *bench = fuzz_bench();
        static Wire wire;
        size_t method;
        int fd;

        if (size < 2 || size - 2 > BODY_MAX)
                return 0;
        method = data[0] % ELEMENTSOF(methods);
        wire_call(&wire,
                  method,
                  methods[data[1] & 1 ? data[1] % ELEMENTSOF(methods) : method].signature,
                  data + 2,
                  size - 2);
        fd = connect_link(bench);
        authenticate(fd);
        assert_true(write(fd, wire.bytes, wire.size) > 0);
        for (unsigned n = 0; n < TURNS_MAX && sd_event_run(bench->event, 0) > 0; n++)
                ;
        (void) close(fd);
        for (unsigned n = 0; n < TURNS_MAX && sd_event_run(bench->event, 0) > 0; n++)
                ;
        bus_connection_done(bench->bus);
        (void) manager_end_drain(bench->manager);
        return 0;
}
