/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stand-in for ipvsproxyd on a private bus: the interfaces of DESIGN.md §8 over a handful of
 * services, with pages of two rows so that paging is always at work, and with services that fail in
 * every way a real one can. usage: fake-daemon ADDRESS [STATE [MSEC-UNTIL-RUNNING]]; prints "ready"
 * once it has its name.
 */
#include "tests/client/fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>

#define PAGE 2
#define MANY 10000
#define EVIL_ID "zoo/e\x1b[31mvil\xe2\x80\xae"

/* clang-format off */
static const Service services[] = { /* sorted by id */
        { "default/kubernetes:https", "default", "kubernetes", "https", "tcp", "synced", "", "10.96.0.1", 443, 1, 1, NULL },
        { "kube-system/kube-dns:dns", "kube-system", "kube-dns", "dns", "udp", "synced", "", "10.96.0.10", 53, 2, 2, NULL },
        { "kube-system/kube-dns:dns-tcp", "kube-system", "kube-dns", "dns-tcp", "tcp", "synced", "", "10.96.0.10", 53, 2, 2, NULL },
        { "shop/cart:http", "shop", "cart", "http", "tcp", "synced", "", "10.96.4.7", 80, 12, 12, NULL },
        { "shop/db", "shop", "db", "", "tcp", "degraded", "SyncFailed", "10.96.4.9", 5432, 0, 3, BUS_ERROR_SYNC_FAILED },
        { "shop/edge:https", "shop", "edge", "https", "tcp", "refused", "NodeAddress", "fd00::b", 443, 8, 8, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED },
        { EVIL_ID, "zoo", "evil", "", "tcp", "pending", "bad\nline", "10.96.9.9", 80, 0, 0, BUS_ERROR_HELD },
};
/* clang-format on */

uint64_t ago(uint64_t usec) {
        struct timespec now;

        assert(clock_gettime(CLOCK_REALTIME, &now) == 0);
        return (uint64_t) now.tv_sec * USEC_PER_SEC - usec;
}

static char *path_of(const Service *service) {
        char *path = NULL;

        assert(sd_bus_path_encode(BUS_PATH_SERVICE, service->id, &path) >= 0);
        return path;
}

const Service *by_path(const char *path) {
        for (size_t i = 0; i < ELEMENTSOF(services); i++) {
                _cleanup_(freep) char *own = path_of(&services[i]);

                if (strcmp(own, path) == 0)
                        return &services[i];
        }
        return NULL;
}

static int reply_path(sd_bus_message *m, const Service *service) {
        _cleanup_(freep) char *path = path_of(service);

        return sd_bus_reply_method_return(m, "o", path);
}

static int get_service(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *id;

        assert(sd_bus_message_read(m, "s", &id) >= 0);
        if (strcmp(id, "default/hang:x") == 0)
                return 1; /* and never an answer */
        for (size_t i = 0; i < ELEMENTSOF(services); i++)
                if (strcmp(services[i].id, id) == 0)
                        return reply_path(m, &services[i]);
        return sd_bus_error_setf(error, BUS_ERROR_NO_SUCH_SERVICE, "There is no service \"%s\".",
                                 id);
}

static int get_service_by_address(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *address, *protocol;
        uint16_t port;

        assert(sd_bus_message_read(m, "sqs", &address, &port, &protocol) >= 0);
        if (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0 &&
            strcmp(protocol, "sctp") != 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Bad protocol \"%s\".",
                                         protocol);
        for (size_t i = 0; i < ELEMENTSOF(services); i++)
                if (strcmp(services[i].address, address) == 0 && services[i].port == port &&
                    strcmp(services[i].protocol, protocol) == 0)
                        return reply_path(m, &services[i]);
        return sd_bus_error_setf(error, BUS_ERROR_NO_SUCH_SERVICE, "No service has %s port %u.",
                                 address, port);
}

static bool service_passes(const Service *s, sd_bus_message *m) {
        const char *key, *value;
        bool passes = true;

        assert(sd_bus_message_rewind(m, 1) >= 0 && sd_bus_message_skip(m, "su") >= 0);
        assert(sd_bus_message_enter_container(m, 'a', "{sv}") >= 0);
        while (sd_bus_message_read(m, "{sv}", &key, "s", &value) > 0) {
                const char *have = strcmp(key, "namespace") == 0  ? s->namespace
                                   : strcmp(key, "name") == 0     ? s->name
                                   : strcmp(key, "state") == 0    ? s->state
                                   : strcmp(key, "protocol") == 0 ? s->protocol
                                   : strcmp(key, "address") == 0  ? s->address
                                                                  : NULL;

                assert(have);
                passes = passes && strcmp(have, value) == 0;
        }
        return passes;
}

static int service_append(sd_bus_message *reply, const Service *s) {
        _cleanup_(freep) char *path = path_of(s);

        return sd_bus_message_append(reply, "(osssssqsuuuta{sv})", path, s->id, s->namespace,
                                     s->name, s->port_name, s->protocol, s->port, s->state,
                                     s->ready, s->total, 1, (uint64_t) 48211, 2, "addresses", "as",
                                     1, s->address, "reason", "s", s->reason);
}

/* As many services as a large cluster has. */
static int list_many_services(sd_bus_message *m, const char *after, uint32_t limit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        char id[64] = "";
        uint32_t first = 0, i;

        if (*after)
                assert(sscanf(after, "bulk/svc-%u:http", &first) == 1 && ++first);
        assert(sd_bus_message_new_method_return(m, &reply) >= 0);
        assert(sd_bus_message_open_container(reply, 'a', "(osssssqsuuuta{sv})") >= 0);
        for (i = first; i < MIN2(first + limit, (uint32_t) MANY); i++) {
                Service service = { id, "bulk", id, "http", "tcp", "synced", "", "10.96.7.7", 80, 1, 1, NULL };

                (void) snprintf(id, sizeof(id), "bulk/svc-%05u:http", i);
                assert(service_append(reply, &service) >= 0);
        }
        assert(sd_bus_message_close_container(reply) >= 0 &&
               sd_bus_message_append(reply, "s", i < MANY ? id : "") >= 0);
        return sd_bus_send(NULL, reply, NULL);
}

static int list_services(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *after, *next = "", *last = "";
        Fake *fake = userdata;
        uint32_t limit, n = 0;

        /* Somebody else has just used up what this user may have. */
        if (strcmp(fake->state, "busy") == 0) {
                fake->state = "running";
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too much at once.");
        }
        assert(sd_bus_message_read(m, "su", &after, &limit) >= 0);
        if (strcmp(fake->state, "many") == 0)
                return list_many_services(m, after, limit);
        if (strcmp(fake->state, "crowd") == 0)
                return list_crowd(m, after, limit, error);
        assert(limit > 0 && sd_bus_message_new_method_return(m, &reply) >= 0);
        assert(sd_bus_message_open_container(reply, 'a', "(osssssqsuuuta{sv})") >= 0);
        for (size_t i = 0; i < ELEMENTSOF(services); i++) {
                if (strcmp(services[i].id, after) <= 0 || !service_passes(&services[i], m))
                        continue;
                if (n++ == PAGE) {
                        next = last;
                        break;
                }
                assert(service_append(reply, &services[i]) >= 0);
                last = services[i].id;
        }
        assert(sd_bus_message_close_container(reply) >= 0 &&
               sd_bus_message_append(reply, "s", next) >= 0);
        return sd_bus_send(NULL, reply, NULL);
}

static int statistics_append(sd_bus_message *reply, size_t i) {
        uint64_t n = i + 1;

        return sd_bus_message_append(reply, "(sttttttttttuua{sv})", services[i].id, 1000 * n,
                                     2500 * n, 2400 * n, 1234567 * n,
                                     i == 0 ? UINT64_MAX : 14700000 * n, 412 * n, 9100 * n,
                                     8800 * n, 1200000 * n, 14700000 * n, 200, 12, 0);
}

static int list_many_statistics(sd_bus_message *m) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        char id[64] = "";
        const char *after;
        uint32_t limit, first = 0, i;

        assert(sd_bus_message_read(m, "su", &after, &limit) >= 0);
        if (*after)
                assert(sscanf(after, "bulk/svc-%u:http", &first) == 1 && ++first);
        assert(sd_bus_message_new_method_return(m, &reply) >= 0 &&
               sd_bus_message_append(reply, "t", (uint64_t) 1) >= 0);
        assert(sd_bus_message_open_container(reply, 'a', "(sttttttttttuua{sv})") >= 0);
        for (i = first; i < MIN2(first + limit, (uint32_t) MANY); i++) {
                uint64_t n = i;

                (void) snprintf(id, sizeof(id), "bulk/svc-%05u:http", i);
                assert(sd_bus_message_append(reply, "(sttttttttttuua{sv})", id, n, n, n, n, n, n, n,
                                             n, n, n, i % 100, i % 7, 0) >= 0);
        }
        assert(sd_bus_message_close_container(reply) >= 0 &&
               sd_bus_message_append(reply, "s", i < MANY ? id : "") >= 0);
        return sd_bus_send(NULL, reply, NULL);
}

static int list_statistics(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *after, *next = "";
        Fake *fake = userdata;
        uint32_t limit, n = 0;

        if (strcmp(fake->state, "syncing") == 0)
                return sd_bus_error_set(error, BUS_ERROR_NOT_READY,
                                        "The first list is not complete.");
        if (strcmp(fake->state, "many") == 0)
                return list_many_statistics(m);
        assert(sd_bus_message_read(m, "su", &after, &limit) >= 0);
        assert(sd_bus_message_new_method_return(m, &reply) >= 0 &&
               sd_bus_message_append(reply, "t", (uint64_t) 1) >= 0);
        assert(sd_bus_message_open_container(reply, 'a', "(sttttttttttuua{sv})") >= 0);
        for (size_t i = 0; i + 1 < ELEMENTSOF(services); i++) {
                if (strcmp(services[i].id, after) <= 0)
                        continue;
                if (n++ == PAGE) {
                        next = services[i - 1].id;
                        break;
                }
                assert(statistics_append(reply, i) >= 0);
        }
        assert(sd_bus_message_close_container(reply) >= 0 &&
               sd_bus_message_append(reply, "s", next) >= 0);
        return sd_bus_send(NULL, reply, NULL);
}

static int resync_all(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        uint64_t flags;

        assert(sd_bus_message_read(m, "t", &flags) >= 0);
        return sd_bus_reply_method_return(m, "t", UINT64_C(48210) + flags);
}

static int resync_service(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const Service *service = by_path(sd_bus_message_get_path(m));

        if (!service->resync_error)
                return resync_all(m, userdata, error);
        if (strcmp(service->resync_error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) == 0)
                return sd_bus_error_setf(error,
                                         sd_bus_message_get_allow_interactive_authorization(m) > 0
                                                 ? SD_BUS_ERROR_ACCESS_DENIED
                                                 : SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                         "Interactive authentication required.");
        return sd_bus_error_setf(error, service->resync_error, "Cannot\nprogram %s.",
                                 service->address);
}

static int append_endpoint(sd_bus_message *reply, const Fake *fake) {
        if (fake->weight == UINT32_MAX)
                return sd_bus_message_append(reply, "a(sqssuuua{sv})", 1, "10.1.4.12", 8080,
                                             "ready", "node-04", 1, 183, 12, 1, "pod", "s",
                                             "cart-6f7-x2x");
        return sd_bus_message_append(reply, "a(sqssuuua{sv})", 1, "10.1.4.12", 8080, "ready",
                                     "node-04", fake->weight, 183, 12, 4, "pod", "s",
                                     "cart-6f7-x2x", "override", "s", "by root: test",
                                     "override-weight", "u", fake->weight, "override-expires-usec",
                                     "t", ago(0) + 3000 * USEC_PER_SEC);
}

static int list_endpoints(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const Service *service = by_path(sd_bus_message_get_path(m));
        const char *after;
        uint32_t limit;

        assert(sd_bus_message_read(m, "su", &after, &limit) >= 0);
        if (strcmp(service->id, "shop/cart:http") != 0)
                return sd_bus_reply_method_return(m, "a(sqssuuua{sv})s", 0, "");
        if (!*after) {
                assert(sd_bus_message_new_method_return(m, &reply) >= 0);
                assert(append_endpoint(reply, userdata) >= 0);
                assert(sd_bus_message_append(reply, "s", "10.1.4.12 8080") >= 0);
                return sd_bus_send(NULL, reply, NULL);
        }
        assert(strcmp(after, "10.1.4.12 8080") == 0);
        return sd_bus_reply_method_return(
                m, "a(sqssuuua{sv})s", 1, "10.1.9.30", 8080, "draining", "node-09", 0, 17, 0, 2,
                "pod", "s", "cart-6f7-q8k", "drain-deadline-usec", "t",
                ago(0) + 2 * 3600 * USEC_PER_SEC + 1800 * USEC_PER_SEC, "");
}

static int manager_property(sd_bus *bus,
                            const char *path,
                            const char *interface,
                            const char *property,
                            sd_bus_message *reply,
                            void *userdata,
                            sd_bus_error *error) {
        static const struct {
                const char *name;
                uint64_t value;
        } numbers[] = {
                { "Generation", 48211 }, { "SyncCount", 77 },   { "SyncErrorCount", 1 },
                { "DriftCount", 2 },     { "RefusedCount", 1 }, { "LastSyncDurationUSec", 14321 },
        };
        Fake *fake = userdata;

        if (strncmp(property, "Drain", 5) == 0)
                return drain_property(fake, property, reply);

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                if (strcmp(numbers[i].name, property) == 0)
                        return sd_bus_message_append(reply, "t", numbers[i].value);
        if (strcmp(property, "State") == 0)
                return sd_bus_message_append(reply, "s", fake->state);
        if (strcmp(property, "ApiState") == 0)
                return sd_bus_message_append(reply, "s", "watching");
        if (strcmp(property, "Version") == 0)
                return sd_bus_message_append(reply, "s", "1.0.0");
        if (strcmp(property, "NodeName") == 0)
                return sd_bus_message_append(reply, "s", "node-17");
        if (strcmp(property, "IpFamilies") == 0)
                return sd_bus_message_append(reply, "as", 2, "ipv4", "ipv6");
        if (strcmp(property, "LastSyncUSec") == 0 || strcmp(property, "LastApiEventUSec") == 0)
                return sd_bus_message_append(reply, "t", ago((3 * 3600 + 1800) * USEC_PER_SEC));
        if (strcmp(property, "Capabilities") == 0)
                return sd_bus_message_append(reply, "a(sssa{sv})", 3, "ip_vs", "yes", "", 0,
                                             "nf_tables", "yes", "", 0, "sctp", "no",
                                             "Module missing", 0);
        if (strcmp(property, "Conditions") == 0)
                return sd_bus_message_append(reply, "a(sstsa{sv})", 2, "KernelReady", "true",
                                             UINT64_C(5), "", 0, "ApiReachable", "false",
                                             ago((3 * 3600 + 1800) * USEC_PER_SEC), "Timeout", 2,
                                             "server", "s", "https://10.0.0.1:6443", "version", "s",
                                             "v1.30.1");
        if (strcmp(property, "Statistics") == 0)
                return sd_bus_message_append(reply, "a{st}", 2, "connections", UINT64_C(7),
                                             "in-bytes", UINT64_MAX);
        return sd_bus_message_append(reply, "u", strcmp(property, "PendingChanges") == 0 ? 0 : 7);
}

static int service_property(sd_bus *bus,
                            const char *path,
                            const char *interface,
                            const char *property,
                            sd_bus_message *reply,
                            void *userdata,
                            sd_bus_error *error) {
        const Service *s = by_path(path);
        const struct {
                const char *name, *value;
        } texts[] = {
                { "Id", s->id },
                { "Namespace", s->namespace },
                { "Name", s->name },
                { "PortName", s->port_name },
                { "Protocol", s->protocol },
                { "Type", "cluster-ip" },
                { "Scheduler", "rr" },
                { "InternalTrafficPolicy", "Cluster" },
                { "ExternalTrafficPolicy", "" },
                { "State", s->state },
                { "Reason", s->reason },
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (strcmp(texts[i].name, property) == 0)
                        return sd_bus_message_append(reply, "s", texts[i].value);
        if (strcmp(property, "Port") == 0)
                return sd_bus_message_append(reply, "q", s->port);
        if (strcmp(property, "AffinityTimeoutUSec") == 0)
                return sd_bus_message_append(reply, "t", 10800 * USEC_PER_SEC);
        if (strcmp(property, "ProgrammedGeneration") == 0)
                return sd_bus_message_append(reply, "t", UINT64_C(48211));
        if (strcmp(property, "ProgrammedUSec") == 0)
                return sd_bus_message_append(reply, "t", UINT64_C(0));
        if (strcmp(property, "VirtualServers") == 0)
                return sd_bus_message_append(reply, "a(ssqua{sv})", 1, "cluster-ip", s->address,
                                             s->port, 0, 0);
        if (strcmp(property, "RefusedAddresses") == 0)
                return sd_bus_message_append(reply, "a(ss)", 1, "192.0.2.9", "NodeAddress");
        return sd_bus_message_append(reply, "u",
                                     strcmp(property, "EndpointCount") == 0        ? s->total
                                     : strcmp(property, "ReadyEndpointCount") == 0 ? s->ready
                                                                                   : 0);
}

static int log_level_get(sd_bus *bus,
                         const char *path,
                         const char *interface,
                         const char *property,
                         sd_bus_message *reply,
                         void *userdata,
                         sd_bus_error *error) {
        Fake *fake = userdata;

        return sd_bus_message_append(reply, "s", fake->log_level);
}

static int log_level_set(sd_bus *bus,
                         const char *path,
                         const char *interface,
                         const char *property,
                         sd_bus_message *value,
                         void *userdata,
                         sd_bus_error *error) {
        Fake *fake = userdata;
        const char *level;

        assert(sd_bus_message_read(value, "s", &level) >= 0);
        if (strcmp(level, "emerg") == 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "Only root may.");
        (void) snprintf(fake->log_level, sizeof(fake->log_level), "%s", level);
        return 0;
}

static int service_find(sd_bus *bus,
                        const char *path,
                        const char *interface,
                        void *userdata,
                        void **ret,
                        sd_bus_error *error) {
        if (!by_path(path))
                return 0;
        *ret = userdata;
        return 1;
}

#define MANAGER(name, type)                                                                        \
        SD_BUS_PROPERTY(name, type, manager_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
#define SERVICE(name, type)                                                                        \
        SD_BUS_PROPERTY(name, type, service_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("GetService", "s", "o", get_service, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetServiceByAddress",
                      "sqs",
                      "o",
                      get_service_by_address,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListServices",
                      "sua{sv}",
                      "a(osssssqsuuuta{sv})s",
                      list_services,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListStatistics",
                      "su",
                      "ta(sttttttttttuua{sv})s",
                      list_statistics,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Resync", "t", "t", resync_all, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListDrift", "u", "a(tsssa{sv})", list_drift, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Explain", "sqsa{sv}", "s", explain, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Monitor", "a{sv}", "h", monitor, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("DumpByFileDescriptor",
                      "a{sv}",
                      "h",
                      dump_by_file_descriptor,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("PlanByFileDescriptor",
                      "a{sv}",
                      "h",
                      plan_by_file_descriptor,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ResetStatistics", "", "", reset_statistics, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Reload", "", "", reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("BeginDrain", "ta{sv}", "", begin_drain, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("EndDrain", "", "", end_drain, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Hold", "ss", "h", hold, SD_BUS_VTABLE_UNPRIVILEGED),
        MANAGER("Version", "s"),
        MANAGER("NodeName", "s"),
        MANAGER("IpFamilies", "as"),
        MANAGER("Capabilities", "a(sssa{sv})"),
        MANAGER("State", "s"),
        MANAGER("ApiState", "s"),
        MANAGER("LastApiEventUSec", "t"),
        MANAGER("Generation", "t"),
        MANAGER("PendingChanges", "u"),
        MANAGER("ServiceCount", "u"),
        MANAGER("EndpointCount", "u"),
        MANAGER("VirtualServerCount", "u"),
        MANAGER("LastSyncUSec", "t"),
        MANAGER("LastSyncDurationUSec", "t"),
        MANAGER("SyncCount", "t"),
        MANAGER("SyncErrorCount", "t"),
        MANAGER("DriftCount", "t"),
        MANAGER("RefusedCount", "t"),
        MANAGER("DrainState", "s"),
        MANAGER("DrainDeadlineUSec", "t"),
        MANAGER("DrainConnections", "t"),
        MANAGER("Conditions", "a(sstsa{sv})"),
        SD_BUS_PROPERTY(
                "Statistics", "a{st}", manager_property, 0, SD_BUS_VTABLE_PROPERTY_EXPLICIT),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable service_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ListEndpoints",
                      "su",
                      "a(sqssuuua{sv})s",
                      list_endpoints,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Resync", "t", "t", resync_service, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("SetOverride", "squts", "", set_override, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ClearOverride", "sq", "", clear_override, SD_BUS_VTABLE_UNPRIVILEGED),
        SERVICE("Id", "s"),
        SERVICE("Namespace", "s"),
        SERVICE("Name", "s"),
        SERVICE("PortName", "s"),
        SERVICE("Protocol", "s"),
        SERVICE("Port", "q"),
        SERVICE("Type", "s"),
        SERVICE("Scheduler", "s"),
        SERVICE("AffinityTimeoutUSec", "t"),
        SERVICE("InternalTrafficPolicy", "s"),
        SERVICE("ExternalTrafficPolicy", "s"),
        SERVICE("VirtualServers", "a(ssqua{sv})"),
        SERVICE("ReadyEndpointCount", "u"),
        SERVICE("EndpointCount", "u"),
        SERVICE("DrainingEndpointCount", "u"),
        SERVICE("LocalEndpointCount", "u"),
        SERVICE("State", "s"),
        SERVICE("Reason", "s"),
        SERVICE("ProgrammedGeneration", "t"),
        SERVICE("ProgrammedUSec", "t"),
        SERVICE("RefusedAddresses", "a(ss)"),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable log_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY(
                "LogLevel", "s", log_level_get, log_level_set, 0, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Fake *fake = userdata;

        fake->state = "running";
        return sd_bus_emit_properties_changed(fake->bus, BUS_PATH, BUS_INTERFACE_MANAGER, "State",
                                              NULL);
}

int main(int argc, char *argv[]) {
        Fake fake = { .state = argc > 2 ? argv[2] : "running",
                      .log_level = "info",
                      .drain_state = "off",
                      .weight = UINT32_MAX };
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;

        assert(argc > 1 && sd_event_new(&event) >= 0 && sd_bus_new(&fake.bus) >= 0);
        assert(sd_bus_set_address(fake.bus, argv[1]) >= 0 &&
               sd_bus_set_bus_client(fake.bus, 1) >= 0);
        assert(sd_bus_start(fake.bus) >= 0);
        assert(sd_bus_add_object_vtable(fake.bus, NULL, BUS_PATH, BUS_INTERFACE_MANAGER,
                                        manager_vtable, &fake) >= 0);
        assert(sd_bus_add_fallback_vtable(fake.bus, NULL, BUS_PATH_SERVICE, BUS_INTERFACE_SERVICE,
                                          service_vtable, service_find, &fake) >= 0);
        assert(sd_bus_add_object_vtable(fake.bus, NULL, "/org/freedesktop/LogControl1",
                                        "org.freedesktop.LogControl1", log_vtable, &fake) >= 0);
        fake_systemd_start(&fake);
        assert(sd_bus_request_name(fake.bus, BUS_NAME, 0) >= 0 &&
               sd_bus_attach_event(fake.bus, event, 0) >= 0);
        if (argc > 3)
                assert(sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC,
                                                  strtoull(argv[3], NULL, 10) * USEC_PER_MSEC, 0,
                                                  on_timer, &fake) >= 0);
        (void) puts("ready");
        (void) fflush(stdout);
        (void) sd_event_loop(event);
        sd_bus_flush_close_unref(fake.bus);
        return 0;
}
