/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/measure.h"

#include <string.h>

#include "common/clock.h"
#include "control/manager-private.h"
#include "control/node-drain.h"

/* So many changes with a trigger time in one sync are timed; a first list has more, but those are older than us. */
#define TRIGGERS_MAX 65536
#define HEALTH_SYNC_PERIODS 2
/* kube-proxy's default, for a configuration without periodic comparison */
#define HEALTH_SYNC_USEC (30 * USEC_PER_SEC)

#define MS(x) ((x) * USEC_PER_MSEC)
#define S(x) ((x) * USEC_PER_SEC)
#define S10(x) S(x), S((x) + 1), S((x) + 2), S((x) + 3), S((x) + 4), S((x) + 5), S((x) + 6), S((x) + 7), S((x) + 8), S((x) + 9)

const HistogramBounds histogram_bounds_sync = {
        .n_bounds = 15,
        .usec = { MS(1), MS(2), MS(4), MS(8), MS(16), MS(32), MS(64), MS(128), MS(256), MS(512), MS(1024), MS(2048),
                  MS(4096), MS(8192), MS(16384) },
};

const HistogramBounds histogram_bounds_programming = {
        .n_bounds = 80,
        .usec = { MS(250), MS(500), S10(1),  S10(11), S10(21), S10(31), S10(41), S(51),  S(52),  S(53),
                  S(54),   S(55),   S(56),   S(57),   S(58),   S(59),   S(60),   S(65),  S(70),  S(75),
                  S(80),   S(85),   S(90),   S(95),   S(100),  S(105),  S(110),  S(115), S(120), S(150),
                  S(180),  S(210),  S(240),  S(270),  S(300) },
};

void histogram_observe(Histogram *histogram, const HistogramBounds *bounds, uint64_t usec) {
        size_t i = 0;

        while (i < bounds->n_bounds && usec > bounds->usec[i])
                i++;
        histogram->counts[i]++;
        histogram->n_observations++;
        histogram->sum_usec += usec;
}

const char *measured_family_to_string(MeasuredFamily family) {
        return family == MEASURED_FAMILY_IPV6 ? "IPv6" : "IPv4";
}

MeasuredFamily measured_family_of(const IpAddr *addr) {
        return addr->family == AF_INET6 ? MEASURED_FAMILY_IPV6 : MEASURED_FAMILY_IPV4;
}

void measure_init(Measure *measure) {
        *measure = (Measure) { .started_usec = clock_now_usec(CLOCK_REALTIME) };
}

void measure_done(Measure *measure) {
        free(measure->triggers);
        *measure = (Measure) {};
}

void measure_queued(Measure *measure) {
        measure->queued_usec = clock_now_usec(CLOCK_REALTIME);
        if (measure->pending_usec == 0)
                measure->pending_usec = clock_now_usec(CLOCK_BOOTTIME);
}

static void measure_add_trigger(Measure *measure, uint64_t trigger_usec, uint8_t families) {
        if (measure->n_triggers == TRIGGERS_MAX)
                return;
        if (measure->n_triggers == measure->n_triggers_allocated) {
                size_t n = MAX2(measure->n_triggers_allocated * 2, (size_t) 16);
                MeasuredTrigger *bigger = reallocarray(measure->triggers, n, sizeof(MeasuredTrigger));

                if (!bigger)
                        return; /* one is not timed */
                measure->triggers = bigger;
                measure->n_triggers_allocated = n;
        }
        measure->triggers[measure->n_triggers++] = (MeasuredTrigger) { trigger_usec, families };
}

void measure_computed(Measure *measure, ServiceEntry *entry) {
        const DesiredService *service = entry->desired;
        uint64_t trigger_usec = entry->trigger_usec;
        uint8_t families = 0;

        entry->trigger_usec = 0;
        for (size_t i = 0; service && i < service->n_ports; i++)
                for (size_t k = 0; k < service->ports[i].n_servers; k++) {
                        const VirtualServerKey *key = &service->ports[i].servers[k].claim.wanted.key;

                        families |= (uint8_t) (1U << measured_family_of(&key->addr));
                }
        for (MeasuredFamily f = 0; f < _MEASURED_FAMILY_MAX; f++)
                measure->families[f].served |= (families & 1U << f) != 0;
        /* Older ones were made for another process: kube-proxy does not count them either. */
        if (families != 0 && trigger_usec > measure->started_usec)
                measure_add_trigger(measure, trigger_usec, families);
}

void measure_conntrack_begin(Measure *measure) {
        measure->conntrack_begun_usec = clock_now_usec(CLOCK_MONOTONIC);
}

void measure_conntrack_end(Measure *measure, const IpAddr *addr, size_t n_deleted) {
        FamilyMeasure *family = &measure->families[measured_family_of(addr)];

        histogram_observe(&family->conntrack,
                          &histogram_bounds_sync,
                          clock_now_usec(CLOCK_MONOTONIC) - measure->conntrack_begun_usec);
        family->n_conntrack_deleted += n_deleted;
}

void measure_sync_begin(Measure *measure) {
        measure->sync_begun_usec = clock_now_usec(CLOCK_MONOTONIC);
}

static void measure_programmed(Measure *measure, uint64_t now_usec) {
        for (size_t i = 0; i < measure->n_triggers; i++) {
                const MeasuredTrigger *trigger = &measure->triggers[i];
                uint64_t usec = now_usec > trigger->trigger_usec ? now_usec - trigger->trigger_usec : 0;

                for (MeasuredFamily f = 0; f < _MEASURED_FAMILY_MAX; f++)
                        if (trigger->families & 1U << f)
                                histogram_observe(&measure->families[f].programming, &histogram_bounds_programming, usec);
        }
        measure->n_triggers = 0;
}

static void measure_updated(Measure *measure, const Store *store) {
        uint64_t now_usec = clock_now_usec(CLOCK_REALTIME);

        measure_programmed(measure, now_usec);
        measure->updated_usec = now_usec;
        measure->pending_usec = 0;
        for (ObjectKind kind = 0; kind < _OBJECT_KIND_MAX; kind++)
                measure->n_changes_done[kind] = store_n_changes(store, kind);
}

uint64_t measure_sync_end(Measure *measure, const Store *store, bool updated) {
        uint64_t usec = clock_now_usec(CLOCK_MONOTONIC) - measure->sync_begun_usec;
        bool any = false;

        for (MeasuredFamily f = 0; f < _MEASURED_FAMILY_MAX; f++)
                any |= measure->families[f].served;
        for (MeasuredFamily f = 0; f < _MEASURED_FAMILY_MAX; f++)
                if (measure->families[f].served || (!any && f == MEASURED_FAMILY_IPV4))
                        histogram_observe(&measure->families[f].sync, &histogram_bounds_sync, usec);
        if (updated)
                measure_updated(measure, store);
        return usec;
}

const Measure *manager_measure(const Manager *manager) {
        return &manager->measure;
}

bool manager_is_healthy(const Manager *manager) {
        const Measure *measure = &manager->measure;
        uint64_t period = manager->options.sync_usec > 0 ? manager->options.sync_usec : HEALTH_SYNC_USEC;

        if (measure->updated_usec == 0 || measure->pending_usec == 0)
                return true;
        return clock_now_usec(CLOCK_BOOTTIME) - measure->pending_usec < HEALTH_SYNC_PERIODS * period;
}

bool manager_is_leaving(const Manager *manager) {
        const Node *node = store_node(manager->store);

        return manager_is_draining(manager) || manager->state == MANAGER_STATE_STOPPING ||
               (node && (node->deleting || node->to_be_deleted));
}

bool manager_is_eligible(const Manager *manager) {
        return !manager_is_leaving(manager) &&
               (store_node(manager->store) || !manager->options.needs_source[OBJECT_SOURCE_API]);
}
