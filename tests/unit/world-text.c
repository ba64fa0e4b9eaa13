/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wishes as text: every record of the kernel table that is wanted is in it once. */
#include "tests/unit/test.h"
/* test.h first: it turns asserts on */
#include "tests/unit/world.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct Lines {
        char **items;
        size_t n_items, n_allocated;
} Lines;

static void lines_add(Lines *lines, char *line) {
        if (lines->n_items == lines->n_allocated) {
                lines->n_allocated = MAX2(lines->n_allocated * 2, (size_t) 64);
                lines->items = reallocarray(lines->items, lines->n_allocated, sizeof(char *));
                assert_non_null(lines->items);
        }
        assert_non_null(line);
        lines->items[lines->n_items++] = line;
}

static _printf_(2, 3) void lines_print(Lines *lines, const char *format, ...) {
        char *line = NULL;
        va_list args;

        va_start(args, format);
        assert_true(vasprintf(&line, format, args) >= 0);
        va_end(args);
        lines_add(lines, line);
}

static FilterElement port_element(FilterSet set, const VirtualServerKey *key) {
        bool has_port = filter_set_type(set)->has_port;

        return (FilterElement) { .set = (uint8_t) set,
                                 .protocol = has_port ? key->protocol : 0,
                                 .port = has_port ? key->port : 0,
                                 .addr = key->addr };
}

static bool element_wanted(const World *world, const FilterElement *element) {
        const ElementState *state = kernel_table_element(world->table, element);

        return state && state->n_wanted > 0;
}

/* The sets that a virtual server's address or port can be in. */
static const char *const set_words[_FILTER_SET_MAX] = {
        [FILTER_SET_SERVICE_IPS] = "guarded",       [FILTER_SET_PING_IPS] = "ping",
        [FILTER_SET_SERVICE_PORTS] = "service",     [FILTER_SET_CLUSTER_PORTS] = "cluster",
        [FILTER_SET_EXTERNAL_PORTS] = "external",   [FILTER_SET_NO_ENDPOINTS] = "no-endpoints",
        [FILTER_SET_LOCAL_ONLY] = "local-only",     [FILTER_SET_FIREWALLED] = "firewalled",
};

static void print_options(FILE *f, const VirtualServer *wanted) {
        if (strcmp(wanted->scheduler, "rr") != 0)
                fprintf(f, " %s", wanted->scheduler);
        if (wanted->flags != 0)
                fprintf(f, " flags %#x", wanted->flags);
        if (wanted->timeout_sec > 0)
                fprintf(f, " timeout %u", wanted->timeout_sec);
}

static void text_server(const World *world, Lines *lines, const ServerState *server) {
        const VirtualServer *wanted = &server->claims->wanted;
        const DestList *dests = server->claims->dests;
        const AddressState *address = kernel_table_address(world->table, &server->key.addr);
        char buf[VIRTUAL_SERVER_STRLEN], *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        fprintf(f, "vs %s", virtual_server_key_format(&server->key, buf));
        print_options(f, wanted);
        fputs(" >", f);
        for (size_t i = 0; i < dests->n_servers; i++) {
                assert_int_equal(dests->servers[i].weight, 1);
                fprintf(f, " %s", ip_port_format(&dests->servers[i].addr.addr, dests->servers[i].addr.port, buf));
        }
        fputs(" :", f);
        if (address && address->n_wanted > 0)
                fputs(" bound", f);
        for (FilterSet set = 0; set < _FILTER_SET_MAX; set++) {
                FilterElement element = port_element(set, &server->key);

                if (set_words[set] && element_wanted(world, &element))
                        fprintf(f, " %s", set_words[set]);
        }
        assert_int_equal(fclose(f), 0);
        lines_add(lines, text);
}

static bool server_is_wanted(const ServerState *server) {
        return server && server->claims && server_claim_holds(server->claims);
}

/* Whether a wanted virtual server has that address, and that port if `element` has one. */
static bool element_has_server(const World *world, const FilterElement *element) {
        VirtualServerKey key = { .addr = element->addr, .protocol = element->protocol, .port = element->port };
        const ServerState *server;

        if (filter_set_type((FilterSet) element->set)->has_port)
                return server_is_wanted(kernel_table_server(world->table, &key));
        for (size_t i = 0; (server = kernel_table_next_server(world->table, &i));)
                if (server_is_wanted(server) && ip_addr_equal(&server->key.addr, &element->addr))
                        return true;
        return false;
}

static void text_element(const World *world, Lines *lines, const FilterElement *element) {
        char port[IP_PORT_STRLEN], source[IP_NET_STRLEN];
        const char *protocol = protocol_to_string((Protocol) element->protocol);
        IpNet net = { element->source, element->source_prefix };

        (void) ip_port_format(&element->addr, element->port, port);
        if (element->set == FILTER_SET_HAIRPIN) {
                assert_true(ip_addr_equal(&element->addr, &element->source));
                lines_print(lines, "hairpin %s/%s", port, protocol);
        } else if (element->set == FILTER_SET_HEALTH_PORTS) {
                lines_print(lines, "answers %s/%s", port, protocol);
        } else if (element->set == FILTER_SET_SOURCE_RANGES && element_has_server(world, element)) {
                lines_print(lines, "range %s/%s %s", port, protocol, ip_net_format(&net, source));
        } else if (!element_has_server(world, element)) {
                lines_print(lines, "stray %s %s/%s", filter_set_type((FilterSet) element->set)->name, port, protocol);
        }
}

static void text_address(const World *world, Lines *lines, const AddressState *address) {
        FilterElement element = { .set = FILTER_SET_SERVICE_IPS, .addr = address->addr };
        char buf[IP_ADDR_STRLEN];

        if (!element_has_server(world, &element))
                lines_print(lines, "stray address %s", ip_addr_format(&address->addr, buf));
}

static void text_port(Lines *lines, const DesiredPort *port) {
        const DesiredService *service = port->service;
        char buf[VIRTUAL_SERVER_STRLEN], addr[IP_ADDR_STRLEN];

        for (size_t i = 0; i < port->n_servers; i++)
                if (port_server_refusal(&port->servers[i]) != REFUSAL_NONE)
                        lines_print(lines,
                                    "refused %s %s %s",
                                    port->id,
                                    virtual_server_key_format(&port->servers[i].claim.wanted.key, buf),
                                    refusal_reason_to_string(port_server_refusal(&port->servers[i])));
        for (size_t i = 0; port == service->ports && i < service->n_refused; i++)
                lines_print(lines,
                            "refused %s %s %s",
                            service->entry->key,
                            ip_addr_format(&service->refused[i].addr, addr),
                            refusal_reason_to_string(service->refused[i].reason));
}

static int line_compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static char *lines_join(Lines *lines) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        if (lines->n_items > 0)
                qsort(lines->items, lines->n_items, sizeof(char *), line_compare);
        for (size_t i = 0; i < lines->n_items; i++) {
                fprintf(f, "%s\n", lines->items[i]);
                free(lines->items[i]);
        }
        assert_int_equal(fclose(f), 0);
        free(lines->items);
        return text;
}

char *world_text(World *world) {
        const DesiredService *service;
        const DesiredPort *port;
        AddressState *address;
        ElementState *element;
        ServerState *server;
        Lines lines = {};

        for (size_t i = 0; (server = kernel_table_next_server(world->table, &i));)
                if (server_is_wanted(server))
                        text_server(world, &lines, server);
        for (size_t i = 0; (element = kernel_table_next_element(world->table, &i));)
                if (element->n_wanted > 0)
                        text_element(world, &lines, &element->element);
        for (size_t i = 0; (address = kernel_table_next_address(world->table, &i));)
                if (address->n_wanted > 0)
                        text_address(world, &lines, address);
        for (size_t i = 0; (port = desired_next(world->desired, &i));)
                text_port(&lines, port);
        for (size_t i = 0; (service = desired_next_health_check(world->desired, &i));)
                lines_print(&lines,
                            "health %s %u %u",
                            service->entry->key,
                            service->health_check_node_port,
                            service->n_local_ready);
        if (desired_n_no_local(world->desired, false) + desired_n_no_local(world->desired, true) > 0)
                lines_print(&lines,
                            "no-local internal %zu external %zu",
                            desired_n_no_local(world->desired, false),
                            desired_n_no_local(world->desired, true));
        return lines_join(&lines);
}
