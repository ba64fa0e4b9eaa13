/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager's work. A sync is a run of turns that ends when nothing is left to do; what failed is retried with growing
 * delays, each object by itself, while other changes go on. Turns come before HTTP and bus, and let them go first now and
 * then (yield.h). When a sync begins is decided in wake.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/message-ids.h"
#include "control/manager-private.h"
#include "control/priorities.h"

/*
 * Whether every list was complete once. Before that a service of which no slice came yet would be taken for one
 * without endpoints and be refused, and one whose zone is unknown would use other endpoints than after (reference
 * §3.1). The Node is waited for no longer than 10 s (wake.c): it may be missing, or not be ours to read.
 */
static bool manager_sources_synced(const Manager *manager) {
        for (ObjectSource s = 0; s < _OBJECT_SOURCE_MAX; s++)
                if (manager->options.needs_source[s] &&
                    (!store_is_synced(manager->store, s, OBJECT_KIND_SERVICE) ||
                     !store_is_synced(manager->store, s, OBJECT_KIND_ENDPOINT_SLICE)))
                        return false;
        if (!manager->options.needs_source[OBJECT_SOURCE_API] || manager->node_waited)
                return true;
        if (manager->options.watch_nodes &&
            !store_is_synced(manager->store, OBJECT_SOURCE_API, OBJECT_KIND_CLUSTER_NODE))
                return false;
        return store_node(manager->store) || store_is_synced(manager->store, OBJECT_SOURCE_API, OBJECT_KIND_NODE);
}

static ReconcileScope manager_scope(const Manager *manager) {
        return manager->removals_allowed || manager_sources_synced(manager) ? RECONCILE_ALL : RECONCILE_URGENT;
}

static bool manager_has_changes(const Manager *manager) {
        bool dirty = manager_scope(manager) == RECONCILE_ALL ? store_n_dirty(manager->store) > 0 :
                                                              store_has_urgent(manager->store);

        return dirty || !kernel_table_is_clean(manager->table);
}

/* The kernel is to be read, or being read. */
static bool manager_looks(const Manager *manager) {
        return manager->look != 0 || manager->adopt_left != 0 || manager_is_reading(manager);
}

/* Before there can be a turn; what failed waits for its retry. */
static bool manager_goes_on_reading(const Manager *manager) {
        return manager_is_reading(manager) || manager->adopt_left != 0 || (manager->adopted && manager->look != 0);
}

bool manager_has_work(const Manager *manager) {
        return manager_looks(manager) || manager_has_changes(manager);
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

/* What cannot be told of one object: the kernel could not be read, memory was short, conntrack was busy. */
static void sync_fail_whole(Manager *manager, int error, const char *message) {
        sync_fail(manager, error, message);
        failure_note(&manager->whole, error, manager_now(manager), manager->options.retry_usec);
        manager->whole_failed = true;
}

/* The first time that everything wanted is known: what nobody wants may go from now on. 1 = there is more to do. */
static bool manager_allow_removals(Manager *manager) {
        AdoptParts parts = manager_adopt_parts(manager);

        if (manager->removals_allowed || !manager_sources_synced(manager))
                return false;
        manager->removals_allowed = true;
        if (!manager->had_journal) {
                size_t n = adopt_claimed_servers(&parts, &manager->host);

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

static bool manager_is_failing(const Manager *manager) {
        return manager->whole.error < 0 || kernel_table_n_failed(manager->table) > 0;
}

/* The earliest of all that is to be tried again. */
static void manager_arm_retry(Manager *manager) {
        uint64_t now = manager_now(manager), due = kernel_table_next_retry(manager->table);

        if (manager->whole.error < 0 && (due == 0 || manager->whole.retry_usec < due))
                due = manager->whole.retry_usec;
        if (due > 0)
                (void) manager_arm(manager->retry, due > now ? due - now : 0);
}

static void sync_note_error(Manager *manager, uint64_t now) {
        bool failing = manager_is_failing(manager);

        if (manager->sync_error < 0)
                (void) snprintf(manager->error, sizeof(manager->error), "%s", manager->sync_message);
        else if (!failing)
                manager->error[0] = '\0';
        if (manager->sync_error < 0 && failure_log_failed(&manager->failure_log, manager->sync_message, now))
                log_struct(LOG_ERR,
                           ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_SYNC_FAILED, NULL }),
                           "%s (%zu failures in all); trying again",
                           manager->sync_message,
                           manager->sync_failed);
        else if (!failing && failure_log_recovered(&manager->failure_log))
                log_struct(LOG_INFO,
                           ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_SYNC_RECOVERED, NULL }),
                           "What failed before is done now");
}

/* Once: everything wanted was computed, and sent to the kernel. */
static void sync_note_first(Manager *manager) {
        if (manager->first_sync_told || !manager->removals_allowed)
                return;
        manager->first_sync_told = true;
        log_struct(LOG_INFO,
                   ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_FIRST_SYNC, NULL }),
                   "The first sync is complete: %zu service ports, %zu changes, %zu failures",
                   desired_n_ports(manager->desired),
                   manager->sync_changed,
                   manager->sync_failed);
}

static void sync_set_state(Manager *manager) {
        bool failing = manager_is_failing(manager);

        if (manager->removals_allowed)
                manager_set_state(manager, failing ? MANAGER_STATE_DEGRADED : MANAGER_STATE_RUNNING);
        else if (manager->adopted)
                manager_set_state(manager, MANAGER_STATE_SYNCING);
        else if (failing)
                manager_set_state(manager, MANAGER_STATE_DEGRADED);
}

static void sync_end(Manager *manager) {
        uint64_t now = manager_now(manager);

        if (!manager_looks(manager))
                manager_end_audit(manager);
        manager->sync_running = false;
        manager->sync_ended_usec = now;
        manager->last_sync_usec = manager_real_now(manager);
        manager->last_sync_duration_usec = measure_sync_end(
                &manager->measure, manager->store, manager->removals_allowed && !manager->sync_broken);
        manager->generation++;
        manager->n_syncs++;
        manager->n_operations += manager->sync_changed;
        manager->n_operation_failures += manager->sync_failed;
        manager->n_sync_errors += manager->sync_error < 0;
        if (!manager->whole_failed && manager->look_later == 0)
                manager->whole = (Failure) {};
        manager->whole_failed = false;
        sync_note_error(manager, now);
        sync_note_first(manager);
        manager_arm_retry(manager);
        sync_set_state(manager);
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

/* What concerns more than one object is looked at when it is tried again, not at once: it may be so for long. */
static void manager_note_losses(Manager *manager, const ReconcilerResult *result) {
        manager->sync_broken = manager->sync_broken || result->filter_lost || result->filter_refused ||
                               result->channel_lost;
        if (result->filter_lost)
                manager->look_later |= LOOK_FILTER;
        if (result->channel_lost) {
                manager->in_doubt = true; /* who made what is there now cannot be told from its errors */
                server_look_cancel(&manager->server_look); /* it passes over what was just written to */
        }
        if (result->filter_lost || result->channel_lost || result->flows_left)
                sync_fail_whole(manager, result->error, result->message);
}

/* After the last change: node ports that came may be those of a process. True: that is to be told with this sync. */
static bool manager_look_at_sockets(Manager *manager) {
        if (!(manager->look & LOOK_SOCKETS) || !manager->removals_allowed)
                return false;
        manager->look &= ~(unsigned) LOOK_SOCKETS;
        (void) manager_look_at_node_ports(manager);
        return store_n_dirty(manager->store) > 0;
}

static void manager_turn(Manager *manager) {
        PlanOptions options = {
                .now_usec = manager_now(manager),
                .drain_timeout_usec = manager->options.drain_timeout_usec,
                .retry_usec = manager->options.retry_usec,
                .may_remove = manager->removals_allowed,
        };
        ReconcilerResult result;
        int r;

        manager->view.config.generation = manager->generation + 1;
        manager->view.config.now_usec = manager_real_now(manager);
        manager->view.config.overrides = manager->overrides.set;
        r = reconciler_turn(manager->reconciler, manager_scope(manager), &manager->view.config, &options, &result);
        if (r < 0) {
                sync_fail_whole(manager, r, "Failed to prepare a sync: out of memory");
                sync_abort(manager);
                return;
        }
        manager->sync_changed += result.n_changed;
        if (result.n_failed > 0) {
                sync_fail(manager, result.error, result.message);
                manager->sync_failed += result.n_failed - 1;
        }
        manager_note_losses(manager, &result);
        if (!result.more && !manager_allow_removals(manager) && !manager_look_at_sockets(manager) && !manager_looks(manager))
                sync_end(manager);
}

static int manager_look_again(Manager *manager, char message[static MANAGER_MESSAGE_SIZE]) {
        uint64_t begun = clock_now_usec(CLOCK_THREAD_CPUTIME_ID);
        int r;

        manager->look |= manager->in_doubt && !manager->server_look.running ? LOOK_SERVERS : 0;
        r = manager->look != 0 ? manager_look_at_kernel(manager, message) : 0;
        if (r >= 0)
                r = manager_go_on_looking(manager, message);
        manager->look_cpu_usec += clock_now_usec(CLOCK_THREAD_CPUTIME_ID) - begun;
        return r;
}

/*
 * Whether there may be a turn. Before the first look nothing is known, and after answers were lost a virtual server of
 * ours would be taken for somebody else's.
 */
static bool manager_prepare(Manager *manager) {
        char message[MANAGER_MESSAGE_SIZE];
        int r;

        r = manager_watch(manager);
        if (r < 0)
                sync_fail_whole(manager, r, "Failed to listen to the kernel, changes by others are seen by audits alone");
        if (!manager->adopted) {
                r = manager_adopt(manager, message);
                if (r < 0)
                        sync_fail_whole(manager, r, message);
                if (r == -ENOPKG) { /* as manager_start() would have been, had there been less to read */
                        (void) log_error_errno(r, "%s", message);
                        (void) sd_event_exit(manager->event, r);
                }
        } else {
                r = manager_look_again(manager, message);
                if (r < 0) {
                        manager->sync_broken = true;
                        sync_fail_whole(manager, r, message);
                }
        }
        r = manager->adopted ? manager_update_view(manager) : 0;
        if (r < 0)
                sync_fail_whole(manager, r, "Failed to follow the Node: out of memory");
        return manager->adopted && !manager->in_doubt && r >= 0;
}

/* Reading alone is left, which others need not wait for. */
static bool manager_only_looks(const Manager *manager) {
        return manager->adopted && manager_looks(manager) && !manager_has_changes(manager);
}

/* Where nobody else has anything to do the next turn comes at once all the same. */
void manager_on_yield(bool yield, void *userdata) {
        Manager *manager = userdata;

        (void) sd_event_source_set_priority(manager->turn,
                                            yield ? EVENT_PRIORITY_YIELD : EVENT_PRIORITY_RECONCILE);
}

int manager_on_turn(sd_event_source *source, void *userdata) {
        Manager *manager = userdata;
        uint64_t begun = clock_now_usec(CLOCK_MONOTONIC);

        if (manager->held)
                return 0;
        sync_begin(manager);
        if (manager_prepare(manager)) {
                manager_turn(manager);
        } else if (!manager_goes_on_reading(manager)) {
                sync_abort(manager);
                return 0;
        }
        yield_worked(manager->yield, begun);
        if (manager_only_looks(manager))
                yield_now(manager->yield);
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
