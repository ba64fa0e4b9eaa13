/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/statistics.h"

#include <errno.h>
#include <string.h>

#define SAMPLE_AGE_USEC USEC_PER_SEC

struct Statistics {
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
        statistics->table = table;
        statistics->backend = backend;
        *ret = statistics;
        return 0;
}

Statistics *statistics_free(Statistics *statistics) {
        if (!statistics)
                return NULL;
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

static int statistics_visit(const VirtualServer *service,
                            const TrafficStats *stats,
                            const RealServerInfo *infos,
                            size_t n_infos,
                            void *userdata) {
        Statistics *statistics = userdata;
        const ServerState *server = kernel_table_server(statistics->table, &service->key);
        ServerSample sample = { .key = service->key, .traffic = *stats };

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
