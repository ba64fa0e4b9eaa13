/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the manager works. A sync is a run of turns that ends when nothing is left to do; it begins at once if the last
 * one ended long enough ago (minSyncPeriod), else a timer waits for that. What failed is retried with growing delays,
 * while other changes go on. Most turns come before HTTP and bus; every fourth lets them go first.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "control/manager-private.h"
#include "control/priorities.h"

#define RETRY_FIRST_USEC USEC_PER_SEC
#define RETRY_LAST_USEC (30 * USEC_PER_SEC)
#define DRAIN_LOOK_USEC (5 * USEC_PER_SEC)
#define NODE_WAIT_USEC (10 * USEC_PER_SEC)
#define DRAIN_FIRST_LOOK_USEC (100 * USEC_PER_MSEC)
#define YIELD_EVERY 4

static int manager_arm(sd_event_source *timer, uint64_t delay_usec) {
        int r = sd_event_source_set_time_relative(timer, delay_usec);

        return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/*
 * Whether every list was complete once. Before that a service of which no slice came yet would be taken for one
 * without endpoints and be refused, and one whose zone is unknown would use other endpoints than after (reference
 * §3.1). The Node is waited for no longer than NODE_WAIT_USEC: it may be missing, or not be ours to read.
 */
static bool manager_sources_synced(const Manager *manager) {
        for (ObjectSource s = 0; s < _OBJECT_SOURCE_MAX; s++)
                if (manager->options.needs_source[s] &&
                    (!store_is_synced(manager->store, s, OBJECT_KIND_SERVICE) ||
                     !store_is_synced(manager->store, s, OBJECT_KIND_ENDPOINT_SLICE)))
                        return false;
        return !manager->options.needs_source[OBJECT_SOURCE_API] || store_node(manager->store) ||
               store_is_synced(manager->store, OBJECT_SOURCE_API, OBJECT_KIND_NODE) || manager->node_waited;
}

static ReconcileScope manager_scope(const Manager *manager) {
        return manager->removals_allowed || manager_sources_synced(manager) ? RECONCILE_ALL : RECONCILE_URGENT;
}

static bool manager_has_work(const Manager *manager) {
        bool dirty = manager_scope(manager) == RECONCILE_ALL ? store_n_dirty(manager->store) > 0 :
                                                              store_has_urgent(manager->store);

        return manager->look != 0 || dirty || !kernel_table_is_clean(manager->table);
}

void manager_wake(Manager *manager) {
        uint64_t now, due;
        int enabled = SD_EVENT_OFF;

        if (!manager->started || manager->held)
                return;
        (void) sd_event_source_get_enabled(manager->turn, &enabled);
        if (manager->sync_running || enabled != SD_EVENT_OFF)
                return;
        now = manager_now(manager);
        due = manager->sync_ended_usec + manager->options.min_sync_usec;
        if (manager->removals_allowed && now < due) /* the first pass never waits */
                (void) manager_arm(manager->delay, due - now);
        else
                (void) sd_event_source_set_enabled(manager->turn, SD_EVENT_ONESHOT);
}

void manager_look(Manager *manager, unsigned what) {
        manager->look |= what;
        manager_wake(manager);
}

/* ---- looking at the kernel */

static bool service_uses_host_address(const DesiredPort *port) {
        if (port->node_port > 0)
                return true;
        for (size_t i = 0; i < port->n_servers; i++)
                if (port->servers[i].kind == ADDRESS_KIND_EXTERNAL_IP ||
                    port->servers[i].kind == ADDRESS_KIND_LOAD_BALANCER_IP)
                        return true;
        return false;
}

/* Node ports and external addresses follow the host's addresses; nothing else does. */
static void manager_host_changed(Manager *manager) {
        const DesiredPort *port;

        for (size_t i = 0; (port = desired_next(manager->desired, &i));)
                if (service_uses_host_address(port))
                        store_mark_dirty(manager->store, port->service->entry);
}

static bool host_addresses_equal(const HostAddresses *a, const HostAddresses *b) {
        return a->n_addrs == b->n_addrs &&
               (a->n_addrs == 0 || memcmp(a->addrs, b->addrs, a->n_addrs * sizeof(IpAddr)) == 0);
}

static int manager_look_at_addresses(Manager *manager, const AdoptParts *parts, size_t *n_drift) {
        HostAddresses host = {};
        bool same;
        int r = adopt_addresses(parts, &host, n_drift);

        if (r < 0)
                return r;
        same = host_addresses_equal(&host, &manager->host);
        host_addresses_done(&manager->host);
        manager->host = host;
        r = manager_update_view(manager);
        manager->view.config.host_addresses = manager->host.addrs;
        manager->view.config.n_host_addresses = manager->host.n_addrs;
        if (!same)
                manager_host_changed(manager);
        return r;
}

static int manager_look_at_kernel(Manager *manager) {
        AdoptParts parts = manager_adopt_parts(manager);
        unsigned look = manager->look;
        size_t n_drift = 0;
        int r = 0;

        manager->look = 0;
        if (look & LOOK_ADDRESSES) {
                r = manager_look_at_addresses(manager, &parts, &n_drift);
                if (r < 0)
                        (void) log_error_errno(r, "Failed to read the addresses of " KERNEL_DEVICE_NAME ": %m");
        }
        if (r >= 0 && (look & LOOK_FILTER)) {
                r = adopt_filter(&parts, &n_drift);
                if (r < 0)
                        (void) log_error_errno(r, "Failed to make or read the nftables table inet " KERNEL_TABLE_NAME ": %m");
        }
        if (r >= 0 && (look & LOOK_SERVERS)) {
                r = adopt_servers(&parts, &n_drift);
                if (r < 0)
                        (void) log_error_errno(r, "Failed to read the virtual servers: %m");
                (void) drain_add_all(manager->drain);
        }
        if (r < 0)
                manager->look |= look;
        if (manager->generation > 0 && n_drift > 0) {
                manager->n_drift += n_drift;
                log_warning("Found %zu differences in the kernel that somebody else made, repairing them", n_drift);
        }
        return r;
}

/* ---- a sync */

static void sync_begin(Manager *manager) {
        if (manager->sync_running)
                return;
        manager->sync_running = true;
        manager->sync_broken = false;
        measure_sync_begin(&manager->measure);
        manager->sync_changed = manager->sync_failed = 0;
        manager->sync_error = 0;
        manager->sync_message[0] = '\0';
}

static void sync_fail(Manager *manager, int error, const char *message) {
        if (manager->sync_error == 0) {
                manager->sync_error = error;
                (void) snprintf(manager->sync_message, sizeof(manager->sync_message), "%s", message);
        }
        manager->sync_failed++;
}

/* The first time that everything wanted is known: what nobody wants may go from now on. 1 = there is more to do. */
static bool manager_allow_removals(Manager *manager) {
        AdoptParts parts = manager_adopt_parts(manager);

        if (manager->removals_allowed || !manager_sources_synced(manager))
                return false;
        manager->removals_allowed = true;
        if (!manager->had_journal) {
                size_t n = adopt_claimed_servers(&parts);

                if (n > 0) {
                        log_info("Took over %zu virtual servers on addresses of this node", n);
                        store_mark_all_dirty(manager->store);
                }
        }
        plan_queue_differences(manager->table);
        return true;
}

static void manager_set_state(Manager *manager, ManagerState state) {
        if (manager->state == state)
                return;
        log_debug("State %s -> %s", manager_state_to_string(manager->state), manager_state_to_string(state));
        manager->state = state;
}

static void sync_end(Manager *manager) {
        uint64_t now = manager_now(manager);
        bool failed = manager->sync_error < 0;

        manager->sync_running = false;
        manager->sync_ended_usec = now;
        manager->last_sync_usec = manager_real_now(manager);
        manager->last_sync_duration_usec = measure_sync_end(
                &manager->measure, manager->store, manager->removals_allowed && !manager->sync_broken);
        manager->generation++;
        manager->n_syncs++;
        manager->n_sync_errors += failed;
        manager->n_operations += manager->sync_changed;
        manager->n_operation_failures += manager->sync_failed;
        if (failed && strcmp(manager->error, manager->sync_message) != 0)
                log_error("%s; retrying", manager->sync_message);
        else if (!failed && manager->error[0])
                log_info("What failed before is done now");
        (void) snprintf(manager->error, sizeof(manager->error), "%s", failed ? manager->sync_message : "");
        if (failed) {
                (void) manager_arm(manager->retry, manager->retry_usec);
                manager->retry_usec = MIN2(manager->retry_usec * 2, RETRY_LAST_USEC);
        } else {
                manager->retry_usec = RETRY_FIRST_USEC;
        }
        if (manager->removals_allowed)
                manager_set_state(manager, failed ? MANAGER_STATE_DEGRADED : MANAGER_STATE_RUNNING);
        log_v(2,
              "Sync %" PRIu64 " complete: %zu changes, %zu failures, %" PRIu64 " ms",
              manager->generation,
              manager->sync_changed,
              manager->sync_failed,
              manager->last_sync_duration_usec / USEC_PER_MSEC);
        manager_notify_soon(manager);
}

/* The kernel is as it was, and everything still waits. */
static void sync_abort(Manager *manager) {
        manager->sync_broken = true;
        sync_end(manager);
}

static void manager_turn(Manager *manager) {
        PlanOptions options = {
                .now_usec = manager_now(manager),
                .drain_timeout_usec = manager->options.drain_timeout_usec,
                .may_remove = manager->removals_allowed,
        };
        ReconcilerResult result;
        int r;

        manager->view.config.generation = manager->generation + 1;
        manager->view.config.now_usec = manager_real_now(manager);
        manager->view.config.overrides = manager->overrides.set;
        r = reconciler_turn(manager->reconciler, manager_scope(manager), &manager->view.config, &options, &result);
        if (r < 0) {
                sync_fail(manager, r, "Failed to prepare a sync: out of memory");
                sync_abort(manager);
                return;
        }
        manager->sync_changed += result.n_changed;
        if (result.filter_lost)
                manager->look |= LOOK_FILTER;
        manager->sync_broken = manager->sync_broken || result.filter_lost || result.channel_lost;
        if (result.n_failed > 0) {
                sync_fail(manager, result.error, result.message);
                manager->sync_failed += result.n_failed - 1;
        }
        if (!result.more && !manager_allow_removals(manager))
                sync_end(manager);
}

static int on_turn(sd_event_source *source, void *userdata) {
        Manager *manager = userdata;
        bool yield = ++manager->n_turns % YIELD_EVERY == 0;

        if (manager->held)
                return 0;
        sync_begin(manager);
        if (manager_update_view(manager) < 0) {
                sync_fail(manager, -ENOMEM, "Failed to follow the Node: out of memory");
                sync_abort(manager);
                return 0;
        }
        if (manager->look != 0 && manager_look_at_kernel(manager) < 0) {
                sync_fail(manager, -EIO, "Failed to read the kernel's state");
                sync_abort(manager);
                return 0;
        }
        manager_turn(manager);
        (void) sd_event_source_set_priority(source,
                                            yield ? EVENT_PRIORITY_RECONCILE_YIELD : EVENT_PRIORITY_RECONCILE);
        if (manager->sync_running)
                return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        if (manager_has_work(manager))
                manager_wake(manager);
        return 0;
}

void manager_set_held(Manager *manager, bool held) {
        if (manager->held == held)
                return;
        manager->held = held;
        if (!held && manager->started)
                (void) sd_event_source_set_enabled(manager->turn, SD_EVENT_ONESHOT);
        manager_notify_soon(manager);
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

        plan_queue_differences(manager->table);
        manager_wake(manager);
        return 0;
}

static int on_audit(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = userdata;

        manager_look(manager, LOOK_ALL);
        return manager_arm(source, manager->options.sync_usec);
}

static int on_drain(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = userdata;
        size_t left = 0;

        if (drain_look(manager->drain, manager_now(manager), &left) > 0)
                manager_wake(manager);
        manager->n_draining = left;
        return left > 0 ? manager_arm(source, DRAIN_LOOK_USEC) : 0;
}

static void on_drain_begun(const VirtualServerKey *key, void *userdata) {
        Manager *manager = userdata;

        (void) drain_add(manager->drain, key);
        (void) manager_arm(manager->drain_timer, DRAIN_FIRST_LOOK_USEC);
}

static void on_kernel_event(KernelEvent event, void *userdata) {
        Manager *manager = userdata;

        switch (event) {
        case KERNEL_EVENT_ADDRESS:
        case KERNEL_EVENT_DEVICE:
                manager_look(manager, LOOK_ADDRESSES);
                break;
        case KERNEL_EVENT_FILTER:
                manager_look(manager, LOOK_FILTER);
                break;
        case KERNEL_EVENT_OVERRUN:
                manager_look(manager, LOOK_ALL);
                break;
        case _KERNEL_EVENT_MAX:
                break;
        }
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

int manager_sync_start(Manager *manager) {
        int r;

        manager->retry_usec = RETRY_FIRST_USEC;
        r = sd_event_add_defer(manager->event, &manager->turn, on_turn, manager);
        if (r >= 0)
                r = sd_event_source_set_enabled(manager->turn, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(manager->turn, EVENT_PRIORITY_RECONCILE);
        if (r >= 0)
                r = manager_add_timer(manager, &manager->delay, on_delay, "sync-delay");
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
        return manager->backend->ops->watch(
                manager->backend, manager->event, EVENT_PRIORITY_KERNEL, on_kernel_event, manager);
}
