/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What makes the manager work: changes, timers, and what the kernel tells. A sync begins at once if the last one ended long
 * enough ago (minSyncPeriod), else a timer waits for that.
 */
#include "common/log.h"
#include "control/manager-private.h"
#include "control/priorities.h"

#define NODE_WAIT_USEC (10 * USEC_PER_SEC)
#define DRAIN_FIRST_LOOK_USEC (100 * USEC_PER_MSEC)
/* Between two looks, however many are due: other work goes on. */
#define DRAIN_PAUSE_USEC (2 * USEC_PER_MSEC)
/* What others break is repaired that soon, however long minSyncPeriod is; a flapping address costs no more than that. */
#define REPAIR_USEC (100 * USEC_PER_MSEC)
/* An audit takes no more than one part in so many of a CPU's time; it is put off by so many periods at most. */
#define AUDIT_PAUSES 50
#define AUDIT_PERIODS_MAX 10

int manager_arm(sd_event_source *timer, uint64_t delay_usec) {
        int r = sd_event_source_set_time_relative(timer, delay_usec);

        return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void manager_wake_within(Manager *manager, uint64_t min_sync_usec) {
        uint64_t now, due;
        int enabled = SD_EVENT_OFF;

        if (!manager->started || manager->held || !manager->adopted)
                return; /* the first look has its own retries */
        (void) sd_event_source_get_enabled(manager->turn, &enabled);
        if (manager->sync_running || enabled != SD_EVENT_OFF)
                return;
        now = manager_now(manager);
        due = manager->sync_ended_usec + min_sync_usec;
        if (manager->removals_allowed && now < due) /* the first pass never waits */
                (void) manager_arm(manager->delay, due - now);
        else
                (void) sd_event_source_set_enabled(manager->turn, SD_EVENT_ONESHOT);
}

void manager_wake(Manager *manager) {
        manager_wake_within(manager, manager->options.min_sync_usec);
}

void manager_look(Manager *manager, unsigned what) {
        manager->look |= what;
        manager_wake(manager);
}

/* ---- timers */

static int on_delay(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = userdata;

        return sd_event_source_set_enabled(manager->turn, SD_EVENT_ONESHOT);
}

static int on_node_wait(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = userdata;

        if (!store_node(manager->store))
                log_warning("The Node object %s could not be read so far, going on without its zone and addresses",
                            manager->options.node_name);
        manager->node_waited = true;
        manager_wake(manager);
        return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = userdata;
        uint64_t now = manager_now(manager);

        kernel_table_retry(manager->table, now);
        if (manager->whole.error < 0 && manager->whole.retry_usec <= now) {
                manager->look |= manager->look_later;
                manager->look_later = 0;
                (void) sd_event_source_set_enabled(manager->turn, SD_EVENT_ONESHOT); /* there may be nothing else to do */
        }
        manager_wake(manager);
        return 0;
}

static int on_audit(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = userdata;

        if (!manager->auditing) { /* else the last one goes on still */
                manager->auditing = true;
                manager->look_cpu_usec = 0;
                manager_look(manager, LOOK_ALL);
        }
        return manager_arm(source, manager->options.sync_usec);
}

/* Where there is so much to read that it would take a good part of a CPU, the next one comes later. */
void manager_end_audit(Manager *manager) {
        uint64_t pause = MIN2(manager->look_cpu_usec * AUDIT_PAUSES, manager->options.sync_usec * AUDIT_PERIODS_MAX);

        if (!manager->auditing)
                return;
        manager->auditing = false;
        if (manager->options.sync_usec > 0 && pause > manager->options.sync_usec)
                (void) manager_arm(manager->audit, pause);
}

void manager_arm_audit(Manager *manager) {
        if (manager->options.sync_usec > 0)
                (void) manager_arm(manager->audit, manager->options.sync_usec);
        else
                (void) sd_event_source_set_enabled(manager->audit, SD_EVENT_OFF);
}

static int on_drain(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = userdata;
        uint64_t now = manager_now(manager);
        DrainResult result;

        drain_look(manager->drain, now, manager->options.drain_look_usec, &result);
        if (result.stale)
                manager->look |= LOOK_SERVERS;
        if (result.stale || result.n_queued > 0)
                manager_wake(manager);
        return result.next_usec > 0 ? manager_arm(source, MAX2(result.next_usec - now, DRAIN_PAUSE_USEC)) : 0;
}

void manager_watch_drains(Manager *manager) {
        (void) manager_arm(manager->drain_timer, MIN2(DRAIN_FIRST_LOOK_USEC, manager->options.drain_look_usec));
}

static void on_drain_begun(const VirtualServerKey *key, void *userdata) {
        Manager *manager = userdata;

        (void) drain_add(manager->drain, key);
        manager_watch_drains(manager);
}

static int manager_add_timer(Manager *manager, sd_event_source **ret, sd_event_time_handler_t handler, const char *name) {
        int r = sd_event_add_time_relative(
                manager->event, ret, CLOCK_BOOTTIME, USEC_PER_SEC, USEC_PER_MSEC, handler, manager);

        if (r >= 0)
                r = sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(*ret, EVENT_PRIORITY_RECONCILE);
        if (r >= 0)
                r = sd_event_source_set_description(*ret, name);
        return r;
}

int manager_wake_start(Manager *manager) {
        int r;

        r = sd_event_add_defer(manager->event, &manager->turn, manager_on_turn, manager);
        if (r >= 0)
                r = sd_event_source_set_enabled(manager->turn, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(manager->turn, EVENT_PRIORITY_RECONCILE);
        if (r >= 0)
                r = manager_add_timer(manager, &manager->delay, on_delay, "sync-delay");
        if (r >= 0)
                r = yield_add(manager->yield, manager_on_yield, manager);
        if (r >= 0)
                r = manager_add_timer(manager, &manager->retry, on_retry, "sync-retry");
        if (r >= 0)
                r = manager_add_timer(manager, &manager->audit, on_audit, "audit");
        if (r >= 0)
                r = manager_add_timer(manager, &manager->drain_timer, on_drain, "drain");
        if (r >= 0)
                r = manager_add_timer(manager, &manager->node_wait, on_node_wait, "node-wait");
        if (r >= 0 && manager->options.needs_source[OBJECT_SOURCE_API])
                r = manager_arm(manager->node_wait, NODE_WAIT_USEC);
        if (r >= 0 && manager->options.sync_usec > 0)
                r = manager_arm(manager->audit, manager->options.sync_usec);
        if (r < 0)
                return r;
        reconciler_on_drain(manager->reconciler, on_drain_begun, manager);
        return 0;
}

/* ---- the kernel */

static void on_kernel_event(KernelEvent event, void *userdata) {
        Manager *manager = userdata;

        switch (event) {
        case KERNEL_EVENT_ADDRESS:
        case KERNEL_EVENT_DEVICE:
                manager->look |= LOOK_ADDRESSES;
                break;
        case KERNEL_EVENT_FILTER:
                manager->look |= LOOK_FILTER;
                manager->filter_told = true;
                break;
        case KERNEL_EVENT_OVERRUN:
                manager->look |= LOOK_KERNEL;
                manager->filter_told = true;
                break;
        case _KERNEL_EVENT_MAX:
                return;
        }
        manager_wake_within(manager, MIN2(manager->options.min_sync_usec, REPAIR_USEC));
}

int manager_watch(Manager *manager) {
        int r;

        if (manager->watching)
                return 0;
        r = manager->backend->ops->watch(
                manager->backend, manager->event, EVENT_PRIORITY_KERNEL, on_kernel_event, manager);
        if (r < 0)
                return r;
        manager->watching = true;
        if (manager->adopted)
                manager->look |= LOOK_KERNEL; /* what was not heard of */
        return 0;
}
