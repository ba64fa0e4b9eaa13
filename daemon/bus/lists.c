/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manager's methods that go through all services, page by page in order of their ids, each page in parts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/arguments.h"
#include "bus/bus-private.h"
#include "common/bus-names.h"
#include "control/statistics.h"

#define SERVICE_ROW "(osssssqsuuuta{sv})"
#define STATISTICS_ROW "(sttttttttttuua{sv})"
#define BYTES_ROW 220
/* Of a row, in the measure of answer.h; reading the kernel's counters is looking at so many services more. */
#define SERVICE_COST 4
#define STATISTICS_COST 3
#define READ_COST 8 /* of the kernel's counters of a virtual server */
#define STATISTICS_LOOKS 20
#define ADDRESSES_MAX 64 /* of a row; the object has them all */

/*
 * A filter by state costs much more than one by name: so many services are looked at in one call, then the page ends
 * even if it is not full.
 */
#define STATES_PER_CALL 10000

typedef struct ListFilter {
        const char *namespace, *name, *state, *protocol, *address, *has_endpoints; /* borrowed; NULL = any */
        IpAddr addr;
        Protocol protocol_value;
        bool wants_endpoints;
} ListFilter;

static const OptionSpec filter_keys[] = {
        { "namespace", 's', offsetof(ListFilter, namespace) },
        { "name", 's', offsetof(ListFilter, name) },
        { "state", 's', offsetof(ListFilter, state) },
        { "protocol", 's', offsetof(ListFilter, protocol) },
        { "address", 's', offsetof(ListFilter, address) },
        { "has-endpoints", 's', offsetof(ListFilter, has_endpoints) },
};

static int list_filter_check(ListFilter *filter, sd_bus_error *error) {
        bool known = !filter->state;
        int r = 0;

        for (PortState s = 0; s < _PORT_STATE_MAX && !known; s++)
                known = strcmp(port_state_to_string(s), filter->state) == 0;
        if (!known)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "\"%s\" is no state of a service.", filter->state);
        if (filter->has_endpoints) {
                filter->wants_endpoints = strcmp(filter->has_endpoints, "yes") == 0;
                if (!filter->wants_endpoints && strcmp(filter->has_endpoints, "no") != 0)
                        return sd_bus_error_setf(
                                error, SD_BUS_ERROR_INVALID_ARGS, "The value of \"has-endpoints\" is yes or no.");
        }
        if (filter->protocol)
                r = argument_protocol(filter->protocol, &filter->protocol_value, error);
        if (r >= 0 && filter->address)
                r = argument_address(filter->address, &filter->addr, error);
        return r;
}

static bool port_has_address(const DesiredPort *port, const IpAddr *addr) {
        for (size_t i = 0; i < port->n_servers; i++)
                if (ip_addr_equal(&port->servers[i].claim.wanted.key.addr, addr))
                        return true;
        for (size_t i = 0; i < port->service->n_refused; i++)
                if (ip_addr_equal(&port->service->refused[i].addr, addr))
                        return true;
        return false;
}

static bool key_is(const char *key, const ListFilter *filter) {
        const char *slash = strchr(key, '/');
        size_t n = slash ? (size_t) (slash - key) : 0;

        if (filter->namespace && (strncmp(key, filter->namespace, n) != 0 || filter->namespace[n]))
                return false;
        return !filter->name || glob_match(filter->name, slash ? slash + 1 : key);
}

static bool list_filter_passes(const ListFilter *filter, const Bus *bus, const DesiredPort *port) {
        const char *reason;

        if (filter->protocol && port->protocol != filter->protocol_value)
                return false;
        if (filter->has_endpoints && (port->n_endpoints > 0) != filter->wants_endpoints)
                return false;
        if ((filter->namespace || filter->name) && !key_is(port->service->entry->key, filter))
                return false;
        if (filter->address && !port_has_address(port, &filter->addr))
                return false;
        return !filter->state ||
               strcmp(port_state_to_string(port_view_state(bus->manager, port, &reason)), filter->state) == 0;
}

/* ---- rows */

/* "10.96.4.7", "fd00:96::4:7", "*:30080"; node ports once, however many addresses have them. */
static int append_addresses(sd_bus_message *reply, const DesiredPort *port) {
        char text[IP_ADDR_STRLEN];
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", "addresses");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && i < MIN2(port->n_servers, (uint32_t) ADDRESSES_MAX); i++)
                if (port->servers[i].kind != ADDRESS_KIND_NODE_PORT)
                        r = sd_bus_message_append(
                                reply, "s", ip_addr_format(&port->servers[i].claim.wanted.key.addr, text));
        if (r >= 0 && port->node_port > 0) {
                char node_port[16];

                (void) snprintf(node_port, sizeof(node_port), "*:%u", port->node_port);
                r = sd_bus_message_append(reply, "s", node_port);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_service(sd_bus_message *reply, Bus *bus, const DesiredPort *port) {
        _cleanup_(freep) char *path = NULL;
        const ServiceView *view = &bus->view;
        int r;

        r = service_view_fill(&bus->view, bus->manager, port);
        if (r >= 0)
                r = service_path_new(port->id, &path);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'r', "osssssqsuuuta{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply,
                                          "osssssqsuuut",
                                          path,
                                          view->id,
                                          view->namespace,
                                          view->name,
                                          view->port_name,
                                          view->protocol,
                                          view->port_number,
                                          view->state,
                                          view->n_ready,
                                          view->n_endpoints,
                                          view->n_servers,
                                          view->generation);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = append_addresses(reply, port);
        if (r >= 0 && view->reason[0])
                r = sd_bus_message_append(reply, "{sv}", "reason", "s", view->reason);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_statistics(sd_bus_message *reply, Bus *bus, const DesiredPort *port) {
        const TrafficStats *t;
        PortStatistics statistics;
        uint64_t usec;
        int r;

        r = port_view_statistics(bus->manager, port, &statistics, &usec);
        if (r < 0)
                return r;
        t = &statistics.traffic;
        r = sd_bus_message_append(reply,
                                  STATISTICS_ROW,
                                  port->id,
                                  t->connections,
                                  t->in_packets,
                                  t->out_packets,
                                  t->in_bytes,
                                  t->out_bytes,
                                  t->cps,
                                  t->in_pps,
                                  t->out_pps,
                                  t->in_bps,
                                  t->out_bps,
                                  (uint32_t) MIN2(statistics.active, (uint64_t) UINT32_MAX),
                                  (uint32_t) MIN2(statistics.inactive, (uint64_t) UINT32_MAX),
                                  0);
        return MIN2(r, 0);
}

/* ---- pages */

typedef struct ListPage {
        size_t limit, n_rows, n_looks;
        size_t n_prefetched; /* rows whose counters were read ahead */
        ListFilter filter; /* its strings are those of the call */
} ListPage;

/* The page ends with this port: it is full, or looking for more would take too long. */
static bool list_page_ends(const ListPage *page, bool wanted) {
        return wanted ? page->n_rows == page->limit : page->filter.state && page->n_looks >= STATES_PER_CALL;
}

static int services_begin(Answer *answer, void *state) {
        return sd_bus_message_open_container(answer->reply, 'a', SERVICE_ROW);
}

static int services_port(Answer *answer, const DesiredPort *port, unsigned *cost, void *state) {
        ListPage *page = state;
        bool wanted = list_filter_passes(&page->filter, answer->bus, port);

        if (list_page_ends(page, wanted))
                return 1;
        page->n_looks++;
        if (!wanted)
                return 0;
        page->n_rows++;
        *cost += SERVICE_COST;
        return append_service(answer->reply, answer->bus, port);
}

static int statistics_begin(Answer *answer, void *state) {
        int r = sd_bus_message_append(answer->reply, "t", bus_real_now(answer->bus));

        return r < 0 ? r : sd_bus_message_open_container(answer->reply, 'a', STATISTICS_ROW);
}

/* The counters of the next ports, this one first: one by one they cost several times as much. How many were read. */
static unsigned page_prefetch(ListPage *page, const Bus *bus, const DesiredPort *port) {
        VirtualServerKey keys[STATISTICS_MANY];
        size_t n_keys = 0, position = index_after(bus->index, port->id);
        const char *id = port->id;

        for (; id && n_keys < ELEMENTSOF(keys); id = index_get(bus->index, &position), position++) {
                port = desired_find(manager_desired(bus->manager), id);
                for (size_t i = 0; port && i < port->n_servers && n_keys < ELEMENTSOF(keys); i++)
                        if (port_server_refusal(&port->servers[i]) == REFUSAL_NONE && port->servers[i].claim.server->present)
                                keys[n_keys++] = port->servers[i].claim.wanted.key;
                page->n_prefetched += port != NULL;
        }
        manager_prefetch_servers(bus->manager, keys, n_keys);
        return (unsigned) n_keys;
}

static int statistics_port(Answer *answer, const DesiredPort *port, unsigned *cost, void *state) {
        ListPage *page = state;

        if (list_page_ends(page, /* wanted= */ true))
                return 1;
        if (page->n_rows == page->n_prefetched)
                *cost += READ_COST * page_prefetch(page, answer->bus, port);
        page->n_looks += STATISTICS_LOOKS;
        page->n_rows++;
        *cost += STATISTICS_COST;
        return append_statistics(answer->reply, answer->bus, port);
}

/* Where the next page begins: behind what this one has looked at, unless nothing comes behind it. */
static int page_end(Answer *answer, bool more, void *state) {
        const ListPage *page = state;
        int r = sd_bus_message_close_container(answer->reply);

        if (r >= 0)
                r = sd_bus_message_append(answer->reply, "s", more ? answer->last : "");
        bus_charge(answer->bus, answer->call, page->n_rows * BYTES_ROW, page->n_looks);
        return r;
}

static const AnswerKind services_kind = {
        .begin = services_begin,
        .port = services_port,
        .end = page_end,
        .free = free,
};

static const AnswerKind statistics_kind = {
        .begin = statistics_begin,
        .port = statistics_port,
        .end = page_end,
        .free = free,
};

int bus_list_services(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) ListPage *page = calloc(1, sizeof(ListPage));
        const char *start_after;
        Bus *bus = userdata;
        int r;

        if (!page)
                return -ENOMEM;
        r = argument_page(m, &start_after, &page->limit, error);
        if (r >= 0)
                r = argument_options(m, filter_keys, ELEMENTSOF(filter_keys), &page->filter, error);
        if (r >= 0)
                r = list_filter_check(&page->filter, error);
        return r < 0 ? r : answers_ask(bus->answers, m, &services_kind, start_after, TAKE_PTR(page), error);
}

int bus_list_statistics(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) ListPage *page = calloc(1, sizeof(ListPage));
        const char *start_after;
        Bus *bus = userdata;
        int r;

        if (!page)
                return -ENOMEM;
        r = argument_page(m, &start_after, &page->limit, error);
        if (r < 0)
                return r;
        if (bus->status.generation == 0)
                return sd_bus_error_setf(error, BUS_ERROR_NOT_READY, "The first sync is not complete.");
        return answers_ask(bus->answers, m, &statistics_kind, start_after, TAKE_PTR(page), error);
}
