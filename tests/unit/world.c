/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"
/* test.h first: it turns asserts on */
#include "tests/unit/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/parse.h"

IpAddr world_addr(const char *text) {
        IpAddr addr;

        if (ip_addr_parse(text, &addr) < 0)
                fail_msg("no address: %s", text);
        return addr;
}

static uint32_t world_number(const char *text) {
        uint32_t n;

        if (parse_uint32(text, &n) < 0)
                fail_msg("no number: %s", text);
        return n;
}

static size_t count_items(const char *list) {
        size_t n = 1;

        for (; *list; list++)
                n += *list == ',';
        return n;
}

static IpAddr *read_addrs(char *list, size_t *ret_n) {
        IpAddr *addrs = calloc(count_items(list), sizeof(IpAddr));
        char *item;

        assert_non_null(addrs);
        for (*ret_n = 0; (item = strsep(&list, ","));)
                addrs[(*ret_n)++] = world_addr(item);
        return addrs;
}

static void split_name(char *text, char **ret_namespace, char **ret_name) {
        *ret_namespace = strsep(&text, "/");
        *ret_name = text;
        assert_non_null(text);
}

/* ---- services */

static void read_ports(Service *service, char *list) {
        char *item;

        service->ports = calloc(count_items(list), sizeof(ServicePort));
        while ((item = strsep(&list, ","))) {
                ServicePort *port = &service->ports[service->n_ports++];

                port->name = strdup(strsep(&item, "/"));
                port->protocol = protocol_from_string(strsep(&item, "/"));
                assert_true(port->protocol >= 0);
                port->port = (uint16_t) world_number(strsep(&item, "/"));
                port->node_port = item ? (uint16_t) world_number(item) : 0;
        }
}

static void read_ranges(Service *service, char *list) {
        char *item;

        service->has_source_ranges = true;
        service->source_ranges = calloc(count_items(list), sizeof(IpNet));
        while ((item = strsep(&list, ",")))
                if (ip_net_parse(item, &service->source_ranges[service->n_source_ranges]) >= 0)
                        service->n_source_ranges++;
}

static void read_service_field(Service *service, char *key, char *value) {
        if (strcmp(key, "type") == 0)
                service->type = service_type_from_kube(value);
        else if (strcmp(key, "ip") == 0)
                service->cluster_ips = read_addrs(value, &service->n_cluster_ips);
        else if (strcmp(key, "port") == 0)
                read_ports(service, value);
        else if (strcmp(key, "ext") == 0)
                service->external_ips = read_addrs(value, &service->n_external_ips);
        else if (strcmp(key, "lb") == 0)
                service->load_balancer_ips = read_addrs(value, &service->n_load_balancer_ips);
        else if (strcmp(key, "ranges") == 0)
                read_ranges(service, value);
        else if (strcmp(key, "affinity") == 0)
                service->affinity_timeout_sec = world_number(value);
        else if (strcmp(key, "itp") == 0)
                service->internal_policy = traffic_policy_from_string(value);
        else if (strcmp(key, "etp") == 0)
                service->external_policy = traffic_policy_from_string(value);
        else if (strcmp(key, "hc") == 0)
                service->health_check_node_port = (uint16_t) world_number(value);
        else if (strcmp(key, "created") == 0)
                service->created_usec = world_number(value);
        else if (strcmp(key, "proxy") == 0)
                service->other_proxy = true;
        else if (strcmp(key, "headless") == 0)
                service->headless_label = true;
        else
                fail_msg("no field of a service: %s", key);
}

static void do_service(World *world, char *text) {
        char *namespace, *name, *word;
        Service *service;

        split_name(strsep(&text, " "), &namespace, &name);
        assert_int_equal(service_new(namespace, name, &service), 0);
        while ((word = strsep(&text, " "))) {
                char *key = strsep(&word, "=");

                if (*key)
                        read_service_field(service, key, word);
        }
        assert_true(store_put_service(world->store, OBJECT_SOURCE_API, service) >= 0);
}

/* ---- slices */

static SliceString add_string(EndpointSlice *slice, const char *text, bool share) {
        SliceString s;

        assert_int_equal(endpoint_slice_add_string(slice, text, share, &s), 0);
        return s;
}

static SliceString read_hints(EndpointSlice *slice, char *list, uint8_t *ret_n) {
        SliceString first = 0;
        char *item;

        while ((item = strsep(&list, "+"))) {
                SliceString s = add_string(slice, item, /* share= */ false);

                if ((*ret_n)++ == 0)
                        first = s;
        }
        return first;
}

static uint8_t read_conditions(const char *text) {
        switch (text ? *text : 'r') {
        case 'r':
                return ENDPOINT_READY | ENDPOINT_SERVING;
        case 't':
                return ENDPOINT_SERVING | ENDPOINT_TERMINATING;
        case 'x':
                return ENDPOINT_TERMINATING;
        default:
                return 0;
        }
}

static void read_endpoint(EndpointSlice *slice, char *text) {
        Endpoint *endpoint = &slice->endpoints[slice->n_endpoints++];
        char *node_hints = text, *rest = strsep(&node_hints, "&");
        char *zone_hints = rest, *conditions, *node;

        rest = strsep(&zone_hints, "%");
        conditions = rest;
        rest = strsep(&conditions, "~");
        node = rest;
        endpoint->addr = world_addr(strsep(&node, "@"));
        endpoint->conditions = read_conditions(conditions);
        if (node)
                endpoint->node = add_string(slice, node, /* share= */ true);
        if (zone_hints)
                endpoint->zone_hints = read_hints(slice, zone_hints, &endpoint->n_zone_hints);
        if (node_hints)
                endpoint->node_hints = read_hints(slice, node_hints, &endpoint->n_node_hints);
        slice->family = endpoint->addr.family;
}

static void read_slice_field(EndpointSlice *slice, char *key, char *list) {
        char *item;

        if (strcmp(key, "svc") == 0) {
                free(slice->service_name);
                slice->service_name = strdup(list);
        } else if (strcmp(key, "port") == 0) {
                slice->ports = calloc(count_items(list), sizeof(SlicePort));
                while ((item = strsep(&list, ","))) {
                        SlicePort *port = &slice->ports[slice->n_ports++];

                        port->name = add_string(slice, strsep(&item, "/"), /* share= */ true);
                        port->protocol = (uint8_t) protocol_from_string(strsep(&item, "/"));
                        port->port = (uint16_t) world_number(item);
                }
        } else if (strcmp(key, "ep") == 0) {
                slice->endpoints = calloc(count_items(list), sizeof(Endpoint));
                while (list && *list && (item = strsep(&list, ",")))
                        read_endpoint(slice, item);
        } else {
                fail_msg("no field of a slice: %s", key);
        }
}

static void do_slice(World *world, char *text) {
        char *namespace, *name, *word;
        EndpointSlice *slice;

        split_name(strsep(&text, " "), &namespace, &name);
        assert_int_equal(endpoint_slice_new(namespace, name, &slice), 0);
        slice->family = AF_INET;
        while ((word = strsep(&text, " "))) {
                char *key = strsep(&word, "=");

                if (*key)
                        read_slice_field(slice, key, word);
        }
        assert_true(store_put_slice(world->store, OBJECT_SOURCE_API, slice) >= 0);
}

/* ---- the rest */

static void do_remove(World *world, char *text) {
        const char *kind = strsep(&text, " ");
        char *namespace, *name;

        split_name(text, &namespace, &name);
        assert_true(store_remove(world->store,
                                 OBJECT_SOURCE_API,
                                 strcmp(kind, "slice") == 0 ? OBJECT_KIND_ENDPOINT_SLICE : OBJECT_KIND_SERVICE,
                                 namespace,
                                 name) >= 0);
}

static void do_host(World *world, char *text) {
        size_t n;

        free(world->host);
        world->host = read_addrs(text, &n);
        world->config.node_port_addresses = world->config.host_addresses = world->host;
        world->config.n_node_port_addresses = world->config.n_host_addresses = n;
        store_mark_all_dirty(world->store);
}

static void do_node(World *world, char *text) {
        strsep(&text, "=");
        free(world->zone);
        world->zone = strdup(text ? text : "");
        world->config.topology.zone = world->zone;
        store_mark_all_dirty(world->store);
}

/* The whole list, as after a relist. */
static void do_nodes(World *world, char *text) {
        char *word;

        store_list_begin(world->store, OBJECT_SOURCE_API, OBJECT_KIND_CLUSTER_NODE);
        while (text && *text && (word = strsep(&text, " "))) {
                const char *name = strsep(&word, "=");
                Node *node;

                assert_int_equal(node_new(name, &node), 0);
                node->addresses = read_addrs(word, &node->n_addresses);
                assert_true(store_put_cluster_node(world->store, OBJECT_SOURCE_API, node) >= 0);
        }
        store_list_end(world->store, OBJECT_SOURCE_API, OBJECT_KIND_CLUSTER_NODE);
        world->config.cluster_nodes = store_cluster_nodes(world->store);
        assert_int_equal(node_set_settle(store_cluster_nodes(world->store)), 0);
        store_mark_all_dirty(world->store);
}

static void do_line(World *world, char *line) {
        static const struct {
                const char *verb;
                void (*run)(World *world, char *text);
        } verbs[] = {
                { "service", do_service }, { "slice", do_slice }, { "remove", do_remove },
                { "host", do_host },       { "node", do_node },       { "nodes", do_nodes },
        };
        const char *verb = strsep(&line, " ");

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(verbs[i].verb, verb) == 0) {
                        verbs[i].run(world, line);
                        return;
                }
        fail_msg("no line of a world: %s", verb);
}

void world_do(World *world, const char *lines) {
        _cleanup_(freep) char *copy = strdup(lines ? lines : "");
        char *rest = copy, *line;

        while ((line = strsep(&rest, "\n")))
                if (*line)
                        do_line(world, line);
}

void world_run(World *world) {
        ServiceEntry *entry;

        for (; (entry = store_take_dirty(world->store)); world->n_updates++)
                assert_int_equal(desired_update(world->desired, &world->config, entry), 0);
}

void world_expect(World *world, const char *name, const char *lines, const char *expected) {
        _cleanup_(freep) char *text = NULL;

        world_do(world, lines);
        world_run(world);
        text = world_text(world);
        if (strcmp(text, expected) != 0)
                fail_msg("%s: wanted is\n%s--- expected\n%s", name, text, expected);
}

void world_run_cases(const WorldCase *cases, size_t n_cases) {
        for (size_t i = 0; i < n_cases; i++) {
                World world;

                world_init(&world);
                world_expect(&world, cases[i].name, cases[i].lines, cases[i].expected);
                world_done(&world);
        }
}

void world_init(World *world) {
        *world = (World) {
                .config = { .topology = { .node_name = WORLD_NODE, .zone = "", .node_hints = true },
                            .scheduler = "rr",
                            .ping_by_endpoints = true },
        };
        assert_int_equal(store_new(NULL, NULL, &world->store), 0);
        assert_int_equal(kernel_table_new(&world->table), 0);
        assert_int_equal(desired_new(world->store, world->table, &world->desired), 0);
        world_do(world, "host " WORLD_NODE_IP);
        world->config.node_ips[0] = world_addr(WORLD_NODE_IP);
}

void world_done(World *world) {
        (void) desired_free(world->desired);
        (void) kernel_table_free(world->table);
        (void) store_free(world->store);
        free(world->host);
        free(world->zone);
}
