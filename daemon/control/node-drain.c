/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/node-drain.h"

#include <errno.h>
#include <inttypes.h>

#include "common/log.h"
#include "common/message-ids.h"
#include "control/manager-private.h"
#include "control/port-view.h"
#include "control/priorities.h"

#define COUNT_USEC (2 * USEC_PER_SEC)

static const char *const node_drain_state_table[_NODE_DRAIN_MAX] = {
        [NODE_DRAIN_OFF] = "off",
        [NODE_DRAIN_ACTIVE] = "draining",
        [NODE_DRAIN_DONE] = "done",
};

const char *node_drain_state_to_string(NodeDrainState state) {
        return state < _NODE_DRAIN_MAX ? node_drain_state_table[state] : NULL;
}

bool manager_is_draining(const Manager *manager) {
        return manager->node_drain.state != NODE_DRAIN_OFF;
}

static void node_drain_count(Manager *manager) {
        NodeDrain *drain = &manager->node_drain;
        PortStatistics statistics;
        uint64_t usec;
        bool over;

        if (manager_statistics(manager, &statistics, &usec) >= 0)
                drain->n_connections = statistics.active + statistics.inactive;
        over = drain->deadline_usec > 0 && manager_real_now(manager) >= drain->deadline_usec;
        if (drain->state != NODE_DRAIN_ACTIVE || (drain->n_connections > 0 && !over))
                return;
        drain->state = NODE_DRAIN_DONE;
        log_notice("The node is drained, %" PRIu64 " connections are left", drain->n_connections);
        manager_notify_soon(manager);
}

static int on_count(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = userdata;
        int r;

        node_drain_count(manager);
        r = sd_event_source_set_time_relative(source, COUNT_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int manager_begin_drain(Manager *manager, uint64_t deadline_usec) {
        NodeDrain *drain = &manager->node_drain;
        int r;

        if (drain->state != NODE_DRAIN_OFF)
                return -EALREADY;
        if (deadline_usec > 0 && deadline_usec <= manager_real_now(manager))
                return -ERANGE;
        r = sd_event_add_time_relative(
                manager->event, &drain->timer, CLOCK_BOOTTIME, COUNT_USEC, USEC_PER_SEC / 4, on_count, manager);
        if (r < 0)
                return r;
        (void) sd_event_source_set_priority(drain->timer, EVENT_PRIORITY_RECONCILE_YIELD);
        drain->state = NODE_DRAIN_ACTIVE;
        drain->deadline_usec = deadline_usec;
        log_struct(LOG_NOTICE,
                   ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_DRAIN_BEGAN, NULL }),
                   "The node drains: health checks say that it is not to be used");
        node_drain_count(manager);
        manager_notify_soon(manager);
        return 0;
}

int manager_end_drain(Manager *manager) {
        NodeDrain *drain = &manager->node_drain;

        if (drain->state == NODE_DRAIN_OFF)
                return -ESRCH;
        (void) sd_event_source_disable_unref(drain->timer);
        *drain = (NodeDrain) {};
        log_struct(LOG_NOTICE,
                   ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_DRAIN_ENDED, NULL }),
                   "The node serves again");
        manager_notify_soon(manager);
        return 0;
}
