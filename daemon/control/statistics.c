/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/statistics.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/hash.h"

#define SAMPLE_AGE_USEC USEC_PER_SEC
/* Reading everything takes time that programming does not have: at most a hundredth of all is spent on it. */
#define SHARE_OF_TIME 100
#define CARRIES_KEPT 1024

/* One virtual server: what was last read, and what it had counted before the kernel made it anew or somebody reset it. */
typedef struct Carry {
        ServerSample sample; /* first: as shown */
        TrafficStats last; /* as the kernel last said */
        TrafficStats before; /* of those that had the same key earlier */
        TrafficStats base; /* taken off what is shown */
        uint64_t taken_usec; /* CLOCK_BOOTTIME */
        bool seen;
} Carry;

struct Statistics {
        const KernelTable *table; /* borrowed */
        KernelBackend *backend; /* borrowed */
        HashMap carries; /* key → Carry, owned */
        ServerSample total;
        uint64_t taken_usec, real_usec; /* of the total; real_usec 0 = none yet */
        uint64_t cost_usec; /* of taking it */
        uint64_t now_usec; /* of what is being read */
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

static void carry_free(Statistics *statistics, Carry *carry) {
        (void) hashmap_remove(&statistics->carries, &carry->sample.key);
        free(carry);
}

Statistics *statistics_free(Statistics *statistics) {
        Carry *carry;

        if (!statistics)
                return NULL;
        while ((carry = hashmap_first(&statistics->carries)))
                carry_free(statistics, carry);
        hashmap_done(&statistics->carries);
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
                carry->sample.key = *key;
                r = hashmap_put(&statistics->carries, &carry->sample.key, carry);
                if (r < 0) {
                        free(carry);
                        return r;
                }
        }
        *ret = carry;
        return 0;
}

/* What the kernel says, made to what is shown. */
static void carry_take(Carry *carry, const TrafficStats *stats, uint64_t now_usec) {
        /* Counters that went back are those of a virtual server that was made anew. */
        if (stats->connections < carry->last.connections || stats->in_packets < carry->last.in_packets ||
            stats->in_bytes < carry->last.in_bytes)
                counters_add(&carry->before, &carry->last);
        carry->last = *stats;
        carry->seen = true;
        carry->taken_usec = now_usec;
        carry->sample.traffic = *stats;
        counters_add(&carry->sample.traffic, &carry->before);
        counters_take_off(&carry->sample.traffic, &carry->base);
}

static int statistics_visit(const VirtualServer *service,
                            const TrafficStats *stats,
                            const RealServerInfo *infos,
                            size_t n_infos,
                            void *userdata) {
        Statistics *statistics = userdata;
        const ServerState *server = kernel_table_server(statistics->table, &service->key);
        Carry *carry;
        int r;

        if (!server || !server->present || server->owner != SERVER_OWNER_US)
                return 0;
        r = statistics_carry(statistics, &service->key, &carry);
        if (r < 0)
                return r;
        carry_take(carry, stats, statistics->now_usec);
        carry->sample.active = carry->sample.inactive = 0;
        for (size_t i = 0; i < n_infos; i++) {
                carry->sample.active += infos[i].active;
                carry->sample.inactive += infos[i].inactive;
        }
        return 0;
}

/* Of those that were not taken since then as many are kept as were, and some more, in case they come back. */
void statistics_end_round(Statistics *statistics, uint64_t since_usec) {
        _cleanup_(freep) Carry **gone = calloc(statistics->carries.n_entries + 1, sizeof(Carry *));
        size_t n_gone = 0, n_seen = 0;
        Carry *carry;

        for (size_t i = 0; (carry = hashmap_next(&statistics->carries, &i));)
                if (carry->taken_usec >= since_usec)
                        n_seen++;
                else if (gone)
                        gone[n_gone++] = carry;
        while (n_gone > n_seen + CARRIES_KEPT)
                carry_free(statistics, gone[--n_gone]);
}

/* ---- all of them */

static void statistics_add_up(Statistics *statistics) {
        Carry *carry;

        statistics->total = (ServerSample) {};
        for (size_t i = 0; (carry = hashmap_next(&statistics->carries, &i));) {
                if (carry->seen)
                        server_sample_add(&statistics->total, &carry->sample);
                carry->seen = false;
        }
        statistics_end_round(statistics, statistics->now_usec);
}

int statistics_refresh(Statistics *statistics, uint64_t now_usec, uint64_t real_usec) {
        uint64_t begun, age = MAX2(SAMPLE_AGE_USEC, SHARE_OF_TIME * statistics->cost_usec);
        int r;

        if (statistics->real_usec > 0 && now_usec - statistics->taken_usec < age)
                return 0;
        statistics->real_usec = 0;
        statistics->now_usec = now_usec;
        begun = clock_now_usec(CLOCK_MONOTONIC);
        r = statistics->backend->ops->ipvs_dump(statistics->backend, statistics_visit, statistics);
        if (r < 0)
                return r;
        statistics_add_up(statistics);
        statistics->cost_usec = clock_now_usec(CLOCK_MONOTONIC) - begun;
        statistics->taken_usec = now_usec;
        statistics->real_usec = real_usec;
        return 0;
}

uint64_t statistics_time(const Statistics *statistics) {
        return statistics->real_usec;
}

const ServerSample *statistics_total(const Statistics *statistics) {
        return &statistics->total;
}

void statistics_reset(Statistics *statistics) {
        Carry *carry;

        for (size_t i = 0; (carry = hashmap_next(&statistics->carries, &i));) {
                carry->base = carry->before;
                counters_add(&carry->base, &carry->last);
                carry->taken_usec = 0;
        }
        statistics->real_usec = 0; /* the next who asks gets a new sample */
}

/* ---- one of them */

static bool carry_is_fresh(const Carry *carry, uint64_t now_usec) {
        return carry && carry->taken_usec > 0 && now_usec - carry->taken_usec < SAMPLE_AGE_USEC;
}

void statistics_prefetch(Statistics *statistics, const VirtualServerKey *keys, size_t n_keys, uint64_t now_usec) {
        VirtualServerKey stale[STATISTICS_MANY];
        size_t n_stale = 0;

        for (size_t i = 0; i < n_keys && n_stale < STATISTICS_MANY; i++)
                if (!carry_is_fresh(hashmap_get(&statistics->carries, &keys[i]), now_usec))
                        stale[n_stale++] = keys[i];
        if (n_stale == 0)
                return;
        statistics->now_usec = now_usec;
        (void) statistics->backend->ops->ipvs_read_many(statistics->backend, stale, n_stale, statistics_visit, statistics);
        for (size_t i = 0; i < n_stale; i++) {
                Carry *carry = hashmap_get(&statistics->carries, &stale[i]);

                if (carry)
                        carry->seen = false; /* it is none of a sum */
        }
}

int statistics_read(Statistics *statistics, const VirtualServerKey *key, uint64_t now_usec, const ServerSample **ret) {
        Carry *carry = hashmap_get(&statistics->carries, key);
        int r;

        if (!carry_is_fresh(carry, now_usec)) {
                statistics->now_usec = now_usec;
                r = statistics->backend->ops->ipvs_read(statistics->backend, key, statistics_visit, statistics);
                if (r < 0)
                        return r;
                carry = hashmap_get(&statistics->carries, key);
                if (!carry)
                        return -ESRCH; /* it is not ours */
                carry->seen = false;
        }
        *ret = &carry->sample;
        return 0;
}

const ServerSample *statistics_get(const Statistics *statistics, const VirtualServerKey *key) {
        const Carry *carry = hashmap_get(&statistics->carries, key);

        return carry && carry->taken_usec >= statistics->taken_usec ? &carry->sample : NULL;
}
