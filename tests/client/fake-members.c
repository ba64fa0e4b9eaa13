/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake daemon's members that change something or answer with a document, a pipe or a file. */
#include "tests/client/fake.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ENDPOINT_ADDRESS "10.1.4.12"
#define ENDPOINT_PORT 8080
#define DAY_USEC (24 * 3600 * USEC_PER_SEC)

int drain_property(Fake *fake, const char *property, sd_bus_message *reply) {
        if (strcmp(property, "DrainState") == 0)
                return sd_bus_message_append(reply, "s", fake->drain_state);
        if (strcmp(property, "DrainDeadlineUSec") == 0)
                return sd_bus_message_append(reply, "t", fake->drain_deadline_usec);
        assert(strcmp(property, "DrainConnections") == 0);
        if (fake->drain_connections > 0 && --fake->drain_connections == 0)
                fake->drain_state = "done";
        return sd_bus_message_append(reply, "t", fake->drain_connections);
}

int list_drift(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        uint32_t limit;

        assert(sd_bus_message_read(m, "u", &limit) >= 0);
        if (limit == 1)
                return sd_bus_reply_method_return(m, "a(tsssa{sv})", 1,
                                                  ago(4 * 3600 * USEC_PER_SEC), "address",
                                                  "10.96.4.7", "added", 0);
        assert(limit >= 100);
        return sd_bus_reply_method_return(
                m, "a(tsssa{sv})", 2, UINT64_C(1700000000000000), "address", "10.96.4.7", "added",
                0, UINT64_C(1700000001000000), "real-server", "10.96.4.7:80/tcp -> 10.1.4.12:8080",
                "changed", 2, "field", "s", "weight", "found", "u", 7);
}

int explain(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        /* A later daemon's word is among them, and one that would steer a terminal. */
        static const char format[] =
                "{\"address\":\"%s\",\"port\":%u,\"protocol\":\"%s\",\"kind\":\"cluster-ip\","
                "\"service\":{\"id\":\"shop/cart:http\",\"protocol\":\"tcp\",\"type\":\"cluster-ip\","
                "\"affinityTimeoutUSec\":10800000000,\"internalTrafficPolicy\":\"Cluster\","
                "\"externalTrafficPolicy\":\"\",\"state\":\"synced\",\"reason\":\"\"},"
                "\"bound\":true,\"clusterStandsIn\":false,"
                "\"filter\":[\"other ports of this address are refused\","
                "\"what does not come from a pod of this node is masqueraded\"],"
                "\"kernel\":{\"present\":true,\"owner\":\"us\",\"kernelScheduler\":\"rr\","
                "\"flags\":0,"
                "\"persistenceTimeoutSec\":10800,\"realServers\":[{\"address\":\"10.1.4.12\","
                "\"port\":8080,\"weight\":1}]},"
                "\"endpoints\":["
                "{\"address\":\"10.1.4.12\",\"port\":8080,\"why\":\"used\",\"node\":\"node-04\","
                "\"zone\":\"a\",\"local\":false,\"used\":true,\"present\":true,\"weight\":1},"
                "{\"address\":\"10.1.9.30\",\"port\":8080,\"why\":\"terminating\",\"node\":"
                "\"n\\u001b["
                "31m9\",\"zone\":\"\",\"local\":false,\"used\":false,\"present\":false,"
                "\"weight\":0}"
                "],\"difference\":[{\"action\":\"add\",\"kind\":\"real server\",\"object\":"
                "\"10.1.4.13:8080 to 10.96.4.7:80/TCP\",\"detail\":\"weight 1\"}]}";
        const char *address, *protocol;
        char text[2048];
        uint16_t port;

        assert(sd_bus_message_read(m, "sqs", &address, &port, &protocol) >= 0);
        if (strcmp(protocol, "quic") == 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Bad protocol \"%s\".",
                                         protocol);
        if (strcmp(address, "10.96.4.7") != 0 || port != 80 || strcmp(protocol, "tcp") != 0)
                return sd_bus_error_setf(error, BUS_ERROR_NO_SUCH_SERVICE,
                                         "No service has %s port %u.", address, port);
        (void) snprintf(text, sizeof(text), format, address, port, protocol);
        return sd_bus_reply_method_return(m, "s", text);
}

/* What was asked for, as text; the pipe stays open until the daemon ends. */
static void options_write(FILE *f, sd_bus_message *m) {
        const char *key, *contents, *word;
        uint64_t usec;

        assert(sd_bus_message_enter_container(m, 'a', "{sv}") >= 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                assert(sd_bus_message_read(m, "s", &key) >= 0);
                assert(sd_bus_message_peek_type(m, NULL, &contents) > 0);
                assert(sd_bus_message_enter_container(m, 'v', contents) >= 0);
                (void) fprintf(f, ",\"%s\":\"", key);
                if (strcmp(contents, "s") == 0 && sd_bus_message_read(m, "s", &word) > 0)
                        (void) fputs(word, f);
                if (strcmp(contents, "t") == 0 && sd_bus_message_read(m, "t", &usec) > 0)
                        (void) fprintf(f, "%llu", (unsigned long long) usec);
                if (strcmp(contents, "as") == 0) {
                        assert(sd_bus_message_enter_container(m, 'a', "s") >= 0);
                        while (sd_bus_message_read(m, "s", &word) > 0)
                                (void) fprintf(f, "%s;", word);
                        assert(sd_bus_message_exit_container(m) >= 0);
                }
                (void) fputc('"', f);
                assert(sd_bus_message_exit_container(m) >= 0 &&
                       sd_bus_message_exit_container(m) >= 0);
        }
}

int monitor(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        int fds[2], r;
        FILE *f;

        assert(pipe2(fds, O_CLOEXEC) == 0);
        f = fdopen(fds[1], "w");
        assert(f);
        (void) fputs("{\"event\":\"options\"", f);
        options_write(f, m);
        (void) fputs("}\n{\"event\":\"sync\",\"time-usec\":1700000000120000,\"generation\":48214,"
                     "\"changed\":2,\"duration-usec\":3000}\n"
                     "{\"event\":\"endpoint\",\"time-usec\":1700000000121000,\"id\":\"shop/"
                     "cart:http\","
                     "\"address\":\"10.1.9.31\",\"port\":8080,\"state\":\"ready\",\"weight\":1}\n"
                     "{\"lost\":17}\n",
                     f);
        assert(fflush(f) == 0); /* and never closed */
        r = sd_bus_reply_method_return(m, "h", fds[0]);
        (void) close(fds[0]);
        return r;
}

static int reply_file(sd_bus_message *m, const char *text) {
        int fd = memfd_create("document", MFD_CLOEXEC | MFD_ALLOW_SEALING), r;
        size_t n = strlen(text);

        assert(fd >= 0 && write(fd, text, n) == (ssize_t) n);
        r = sd_bus_reply_method_return(m, "h", fd);
        (void) close(fd);
        return r;
}

int dump_by_file_descriptor(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static const char format[] =
                "{\"version\":\"1.0.0\",\"services\":["
                "{\"id\":\"shop/"
                "cart:http\",\"namespace\":\"shop\",\"protocol\":\"tcp\",\"scheduler\":"
                "\"rr\",\"virtualServers\":["
                "{\"kind\":\"cluster-ip\",\"address\":\"10.96.4.7\",\"port\":80,"
                "\"kernelScheduler\":"
                "\"wrr\"},"
                "{\"kind\":\"node-port\",\"address\":\"192.0.2.1\",\"port\":30080},"
                "{\"kind\":\"node-port\",\"address\":\"192.0.2.2\",\"port\":30080}],"
                "\"endpoints\":[{\"address\":\"10.1.4.12\",\"port\":8080,\"state\":\"ready\","
                "\"node\":"
                "\"node-04\",\"weight\":%u,\"active\":183,\"inactive\":12,\"pod\":\"cart-6f7-x2x\"%"
                "s}]},"
                "{\"id\":\"shop/"
                "edge:https\",\"namespace\":\"shop\",\"protocol\":\"tcp\",\"scheduler\":"
                "\"rr\",\"virtualServers\":[{\"kind\":\"cluster-ip\",\"address\":\"fd00::b\","
                "\"port\":443,"
                "\"refused\":\"Conflict\"}],\"endpoints\":[]}]}";
        Fake *fake = userdata;
        char text[2048], override[256] = "";

        if (fake->weight != UINT32_MAX)
                (void) snprintf(override, sizeof(override),
                                ",\"override\":\"by root: test\",\"overrideWeight\":%u,"
                                "\"overrideExpiresUSec\":%llu",
                                fake->weight, (unsigned long long) (ago(0) + 3000 * USEC_PER_SEC));
        (void) snprintf(text, sizeof(text), format, fake->weight == UINT32_MAX ? 1 : fake->weight,
                        override);
        return reply_file(m, text);
}

int plan_by_file_descriptor(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Fake *fake = userdata;

        if (strcmp(fake->state, "syncing") == 0)
                return reply_file(m, "{\"generation\":7,\"operations\":[]}\n");
        return reply_file(m, "{\"generation\":48211,\"operations\":["
                             "\"add virtual server 10.96.4.9:5432/TCP, scheduler rr\","
                             "\"set real server 10.1.4.12:8080 of 10.96.4.7:80/TCP from weight 7 "
                             "to 1\"]}\n");
}

int reset_statistics(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "");
}

int reload(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Fake *fake = userdata;

        if (strcmp(fake->state, "syncing") == 0)
                return sd_bus_error_set(error, BUS_ERROR_CONFIG_INVALID,
                                        "Field mode: \"iptables\" is not supported.");
        return sd_bus_reply_method_return(m, "");
}

int begin_drain(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Fake *fake = userdata;
        uint64_t deadline;

        assert(sd_bus_message_read(m, "t", &deadline) >= 0);
        if (strcmp(fake->drain_state, "off") != 0)
                return sd_bus_error_set(error, BUS_ERROR_ALREADY_DRAINING,
                                        "This node is drained already.");
        /* A moment in the next day, or none. */
        assert(deadline == 0 || (deadline > ago(0) && deadline <= ago(0) + DAY_USEC));
        fake->drain_deadline_usec = deadline;
        fake->drain_state = "draining";
        fake->drain_connections = 5;
        return sd_bus_reply_method_return(m, "");
}

int end_drain(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Fake *fake = userdata;

        if (strcmp(fake->drain_state, "off") == 0)
                return sd_bus_error_set(error, BUS_ERROR_NOT_DRAINING, "This node is not drained.");
        fake->drain_state = "off";
        return sd_bus_reply_method_return(m, "");
}

int hold(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *who, *why;
        int fds[2], r;

        assert(sd_bus_message_read(m, "ss", &who, &why) >= 0);
        if (strcmp(why, "nothing") == 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "Not for that.");
        assert(pipe2(fds, O_CLOEXEC) == 0);
        r = sd_bus_reply_method_return(m, "h", fds[1]);
        (void) close(fds[0]);
        (void) close(fds[1]);
        return r;
}

static int check_endpoint(const char *address, uint16_t port, sd_bus_error *error) {
        if (strcmp(address, ENDPOINT_ADDRESS) == 0 && port == ENDPOINT_PORT)
                return 0;
        return sd_bus_error_setf(error, BUS_ERROR_NO_SUCH_ENDPOINT, "No endpoint has %s port %u.",
                                 address, port);
}

int set_override(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *address, *reason;
        Fake *fake = userdata;
        uint64_t expires;
        uint32_t weight;
        uint16_t port;
        int r;

        assert(sd_bus_message_read(m, "squts", &address, &port, &weight, &expires, &reason) >= 0);
        r = check_endpoint(address, port, error);
        if (r < 0)
                return r;
        assert(expires > ago(0) && expires <= ago(0) + DAY_USEC && *reason);
        fake->weight = weight;
        return sd_bus_reply_method_return(m, "");
}

int clear_override(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *address;
        Fake *fake = userdata;
        uint16_t port;
        int r;

        assert(sd_bus_message_read(m, "sq", &address, &port) >= 0);
        r = check_endpoint(address, port, error);
        if (r < 0)
                return r;
        fake->weight = UINT32_MAX;
        return sd_bus_reply_method_return(m, "");
}
