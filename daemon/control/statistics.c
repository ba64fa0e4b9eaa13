/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/statistics.h"

#include <errno.h>
#include <string.h>

#include "common/hash.h"

#define SAMPLE_AGE_USEC USEC_PER_SEC
#define CARRIES_KEPT 1024

/* What a virtual server had counted before the kernel made it anew, and when somebody reset the counters. */
typedef struct Carry {
        VirtualServerKey key;
        TrafficStats last; /* as the kernel last said */
        TrafficStats before; /* of those that had the same key earlier */
        TrafficStats base; /* taken off what is shown */
        bool seen;
} Carry;

struct Statistics {
        HashMap carries; /* key → Carry, owned */
        const KernelTable *table; /* borrowed */
        KernelBackend *backend; /* borrowed */
        ServerSample *samples; /* owned; sorted by key */
        size_t n_samples, n_allocated;
        ServerSample total;
        uint64_t taken_usec, real_usec;
};

int statistics_new(const KernelTable *table, KernelBackend *backend, Statistics **ret) {
        Statistics *statistics = calloc(1, sizeof(Statistics));

        if (!statistics)
                return -ENOMEM;
        statistics->carries.ops = &virtual_server_key_ops;
        statistics->table = table;
        statistics->backend = backend;
        *ret = statistics;
        return 0;
}

Statistics *statistics_free(Statistics *statistics) {
        Carry *carry;

        if (!statistics)
                return NULL;
        while ((carry = hashmap_first(&statistics->carries))) {
                (void) hashmap_remove(&statistics->carries, &carry->key);
                free(carry);
        }
        hashmap_done(&statistics->carries);
        free(statistics->samples);
        free(statistics);
        return NULL;
}

void server_sample_add(ServerSample *sum, const ServerSample *other) {
        sum->traffic.connections += other->traffic.connections;
        sum->traffic.in_packets += other->traffic.in_packets;
        sum->traffic.out_packets += other->traffic.out_packets;
        sum->traffic.in_bytes += other->traffic.in_bytes;
        sum->traffic.out_bytes += other->traffic.out_bytes;
        sum->traffic.cps += other->traffic.cps;
        sum->traffic.in_pps += other->traffic.in_pps;
        sum->traffic.out_pps += other->traffic.out_pps;
        sum->traffic.in_bps += other->traffic.in_bps;
        sum->traffic.out_bps += other->traffic.out_bps;
        sum->active += other->active;
        sum->inactive += other->inactive;
}

/* ---- counters that never go back */

static void counters_add(TrafficStats *to, const TrafficStats *from) {
        to->connections += from->connections;
        to->in_packets += from->in_packets;
        to->out_packets += from->out_packets;
        to->in_bytes += from->in_bytes;
        to->out_bytes += from->out_bytes;
}

static void counters_take_off(TrafficStats *from, const TrafficStats *what) {
        from->connections -= MIN2(what->connections, from->connections);
        from->in_packets -= MIN2(what->in_packets, from->in_packets);
        from->out_packets -= MIN2(what->out_packets, from->out_packets);
        from->in_bytes -= MIN2(what->in_bytes, from->in_bytes);
        from->out_bytes -= MIN2(what->out_bytes, from->out_bytes);
}

static int statistics_carry(Statistics *statistics, const VirtualServerKey *key, Carry **ret) {
        Carry *carry = hashmap_get(&statistics->carries, key);
        int r;

        if (!carry) {
                carry = calloc(1, sizeof(Carry));
                if (!carry)
                        return -ENOMEM;
                carry->key = *key;
                r = hashmap_put(&statistics->carries, &carry->key, carry);
                if (r < 0) {
                        free(carry);
                        return r;
                }
        }
        *ret = carry;
        return 0;
}

/* What the kernel says, made to what is shown. */
static int statistics_correct(Statistics *statistics, const VirtualServerKey *key, TrafficStats *stats) {
        Carry *carry;
        int r = statistics_carry(statistics, key, &carry);

        if (r < 0)
                return r;
        /* Counters that went back are those of a virtual server that was made anew. */
        if (stats->connections < carry->last.connections || stats->in_packets < carry->last.in_packets ||
            stats->in_bytes < carry->last.in_bytes)
                counters_add(&carry->before, &carry->last);
        carry->last = *stats;
        carry->seen = true;
        counters_add(stats, &carry->before);
        counters_take_off(stats, &carry->base);
        return 0;
}

/* Those of virtual servers that are gone are kept in case they come back, but not without end. */
static void statistics_forget(Statistics *statistics) {
        _cleanup_(freep) Carry **gone = NULL;
        size_t n = 0, n_max = statistics->carries.n_entries;
        Carry *carry;

        if (n_max > 2 * statistics->n_samples + CARRIES_KEPT)
                gone = calloc(n_max, sizeof(Carry *));
        for (size_t i = 0; (carry = hashmap_next(&statistics->carries, &i));) {
                if (gone && !carry->seen)
                        gone[n++] = carry;
                carry->seen = false;
        }
        while (n > 0) {
                carry = gone[--n];
                (void) hashmap_remove(&statistics->carries, &carry->key);
                free(carry);
        }
}

void statistics_reset(Statistics *statistics) {
        Carry *carry;

        for (size_t i = 0; (carry = hashmap_next(&statistics->carries, &i));) {
                carry->base = carry->before;
                counters_add(&carry->base, &carry->last);
        }
        statistics->real_usec = 0; /* the next who asks gets a new sample */
}

/* ---- samples */

static int statistics_visit(const VirtualServer *service,
                            const TrafficStats *stats,
                            const RealServerInfo *infos,
                            size_t n_infos,
                            void *userdata) {
        Statistics *statistics = userdata;
        const ServerState *server = kernel_table_server(statistics->table, &service->key);
        ServerSample sample = { .key = service->key, .traffic = *stats };
        int r;

        if (!server || !server->present || server->owner != SERVER_OWNER_US)
                return 0;
        if (statistics->n_samples == statistics->n_allocated) {
                size_t n = MAX2(statistics->n_allocated * 2, (size_t) 64);
                ServerSample *bigger = reallocarray(statistics->samples, n, sizeof(ServerSample));

                if (!bigger)
                        return -ENOMEM;
                statistics->samples = bigger;
                statistics->n_allocated = n;
        }
        for (size_t i = 0; i < n_infos; i++) {
                sample.active += infos[i].active;
                sample.inactive += infos[i].inactive;
        }
        r = statistics_correct(statistics, &service->key, &sample.traffic);
        if (r < 0)
                return r;
        statistics->samples[statistics->n_samples++] = sample;
        server_sample_add(&statistics->total, &sample);
        return 0;
}

static int server_sample_compare(const void *a, const void *b) {
        return virtual_server_key_compare(&((const ServerSample *) a)->key, &((const ServerSample *) b)->key);
}

int statistics_refresh(Statistics *statistics, uint64_t now_usec, uint64_t real_usec) {
        int r;

        if (statistics->real_usec > 0 && now_usec - statistics->taken_usec < SAMPLE_AGE_USEC)
                return 0;
        statistics->n_samples = 0;
        statistics->total = (ServerSample) {};
        statistics->real_usec = 0;
        r = statistics->backend->ops->ipvs_dump(statistics->backend, statistics_visit, statistics);
        if (r < 0)
                return r;
        if (statistics->n_samples > 0)
                qsort(statistics->samples, statistics->n_samples, sizeof(ServerSample), server_sample_compare);
        statistics_forget(statistics);
        statistics->taken_usec = now_usec;
        statistics->real_usec = real_usec;
        return 0;
}

uint64_t statistics_time(const Statistics *statistics) {
        return statistics->real_usec;
}

const ServerSample *statistics_get(const Statistics *statistics, const VirtualServerKey *key) {
        ServerSample wanted = { .key = *key };

        return statistics->n_samples > 0 ?
                       bsearch(&wanted,
                               statistics->samples,
                               statistics->n_samples,
                               sizeof(ServerSample),
                               server_sample_compare) :
                       NULL;
}

const ServerSample *statistics_total(const Statistics *statistics) {
        return &statistics->total;
}
