/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/traffic.h"

#include <errno.h>
#include <string.h>

#include "common/hash.h"

typedef struct TrafficServer {
        VirtualServerKey key;
        TrafficCounters last; /* what the kernel said */
        uint32_t round;
} TrafficServer;

typedef struct TrafficPort {
        char *id; /* owned */
        TrafficCounters sum;
        uint32_t round;
} TrafficPort;

struct Traffic {
        HashMap servers; /* VirtualServerKey → TrafficServer, owned; those that ever had traffic */
        HashMap ports; /* id → TrafficPort, owned; the same */
        TrafficCounters total;
        uint32_t round;
};

void traffic_counters_add(TrafficCounters *sum, const TrafficCounters *other) {
        sum->connections += other->connections;
        sum->in_packets += other->in_packets;
        sum->out_packets += other->out_packets;
        sum->in_bytes += other->in_bytes;
        sum->out_bytes += other->out_bytes;
}

int traffic_new(Traffic **ret) {
        Traffic *traffic = calloc(1, sizeof(Traffic));

        if (!traffic)
                return -ENOMEM;
        traffic->servers.ops = &virtual_server_key_ops;
        traffic->ports.ops = &hash_ops_string;
        *ret = traffic;
        return 0;
}

static void traffic_drop_port(Traffic *traffic, TrafficPort *port) {
        (void) hashmap_remove(&traffic->ports, port->id);
        free(port->id);
        free(port);
}

static void traffic_drop_server(Traffic *traffic, TrafficServer *server) {
        (void) hashmap_remove(&traffic->servers, &server->key);
        free(server);
}

Traffic *traffic_free(Traffic *traffic) {
        void *item;

        if (!traffic)
                return NULL;
        while ((item = hashmap_first(&traffic->servers)))
                traffic_drop_server(traffic, item);
        while ((item = hashmap_first(&traffic->ports)))
                traffic_drop_port(traffic, item);
        hashmap_done(&traffic->servers);
        hashmap_done(&traffic->ports);
        free(traffic);
        return NULL;
}

void traffic_begin(Traffic *traffic) {
        traffic->round++;
}

static TrafficServer *traffic_server(Traffic *traffic, const VirtualServerKey *key) {
        TrafficServer *server = hashmap_get(&traffic->servers, key);

        if (server)
                return server;
        server = calloc(1, sizeof(TrafficServer));
        if (!server)
                return NULL;
        server->key = *key;
        if (hashmap_put(&traffic->servers, &server->key, server) < 0) {
                free(server);
                return NULL;
        }
        return server;
}

static TrafficPort *traffic_port(Traffic *traffic, const char *id) {
        TrafficPort *port = hashmap_get(&traffic->ports, id);

        if (port)
                return port;
        port = calloc(1, sizeof(TrafficPort));
        if (port)
                port->id = strdup(id);
        if (!port || !port->id || hashmap_put(&traffic->ports, port->id, port) < 0) {
                if (port)
                        free(port->id);
                free(port);
                return NULL;
        }
        return port;
}

void traffic_keep_port(Traffic *traffic, const char *id) {
        TrafficPort *port = hashmap_get(&traffic->ports, id);

        if (port)
                port->round = traffic->round;
}

/* Any counter that went back says that the virtual server was made anew. */
static bool counters_restarted(const TrafficCounters *now, const TrafficCounters *last) {
        return now->connections < last->connections || now->in_packets < last->in_packets ||
               now->out_packets < last->out_packets || now->in_bytes < last->in_bytes ||
               now->out_bytes < last->out_bytes;
}

static TrafficCounters counters_gain(const TrafficCounters *now, const TrafficCounters *last) {
        if (counters_restarted(now, last))
                return *now;
        return (TrafficCounters) { now->connections - last->connections,
                                   now->in_packets - last->in_packets,
                                   now->out_packets - last->out_packets,
                                   now->in_bytes - last->in_bytes,
                                   now->out_bytes - last->out_bytes };
}

int traffic_add(Traffic *traffic, const char *id, const VirtualServerKey *key, const TrafficStats *stats) {
        TrafficCounters now = { stats->connections, stats->in_packets, stats->out_packets, stats->in_bytes, stats->out_bytes };
        TrafficCounters gain;
        TrafficServer *server = hashmap_get(&traffic->servers, key);
        TrafficPort *port;

        if (!server && now.connections == 0 && now.in_packets == 0)
                return 0; /* most have no traffic at all: they cost nothing */
        port = traffic_port(traffic, id);
        server = traffic_server(traffic, key);
        if (!port || !server)
                return -ENOMEM;
        gain = counters_gain(&now, &server->last);
        traffic_counters_add(&port->sum, &gain);
        traffic_counters_add(&traffic->total, &gain);
        server->last = now;
        server->round = port->round = traffic->round;
        return 0;
}

/* A removal moves what stands behind it in the table: the slot is looked at again. */
void traffic_end(Traffic *traffic) {
        TrafficServer *server;
        TrafficPort *port;

        for (size_t i = 0; (server = hashmap_next(&traffic->servers, &i));)
                if (server->round != traffic->round) {
                        traffic_drop_server(traffic, server);
                        i--;
                }
        for (size_t i = 0; (port = hashmap_next(&traffic->ports, &i));)
                if (port->round != traffic->round) {
                        traffic_drop_port(traffic, port);
                        i--;
                }
}

TrafficCounters traffic_of_port(const Traffic *traffic, const char *id) {
        const TrafficPort *port = hashmap_get(&traffic->ports, id);

        return port ? port->sum : (TrafficCounters) {};
}

TrafficCounters traffic_total(const Traffic *traffic) {
        return traffic->total;
}
