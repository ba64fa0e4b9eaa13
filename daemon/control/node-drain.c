/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/node-drain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/message-ids.h"
#include "common/parse.h"
#include "control/manager-private.h"
#include "control/port-view.h"
#include "control/priorities.h"
#include "control/state-file.h"

#define DRAIN_FILE "node-drain"
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

/* Before the kernel was read there is no saying that no connection is left. */
static void node_drain_count(Manager *manager) {
        NodeDrain *drain = &manager->node_drain;
        PortStatistics statistics;
        bool over, counted;
        uint64_t usec;

        counted = manager_statistics(manager, &statistics, &usec) >= 0;
        if (counted)
                drain->n_connections = statistics.active + statistics.inactive;
        over = drain->deadline_usec > 0 && manager_real_now(manager) >= drain->deadline_usec;
        if (drain->state != NODE_DRAIN_ACTIVE || !(over || (counted && drain->n_connections == 0)))
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

static int node_drain_set(Manager *manager, uint64_t deadline_usec) {
        NodeDrain *drain = &manager->node_drain;
        int r = sd_event_add_time_relative(
                manager->event, &drain->timer, CLOCK_BOOTTIME, COUNT_USEC, USEC_PER_SEC / 4, on_count, manager);

        if (r < 0)
                return r;
        (void) sd_event_source_set_priority(drain->timer, EVENT_PRIORITY_YIELD);
        drain->state = NODE_DRAIN_ACTIVE;
        drain->deadline_usec = deadline_usec;
        node_drain_count(manager);
        manager_notify_soon(manager);
        return 0;
}

static int node_drain_write(FILE *file, const void *userdata) {
        const uint64_t *deadline_usec = userdata;

        return fprintf(file, "%" PRIu64 "\n", *deadline_usec) < 0 ? -EIO : 0;
}

int manager_begin_drain(Manager *manager, uint64_t deadline_usec) {
        const char *directory = manager->options.state_directory;
        int r;

        if (manager->node_drain.state != NODE_DRAIN_OFF)
                return -EALREADY;
        if (deadline_usec > 0 && deadline_usec <= manager_real_now(manager))
                return -ERANGE;
        r = state_file_write(directory, DRAIN_FILE, node_drain_write, &deadline_usec);
        if (r < 0)
                return r;
        r = node_drain_set(manager, deadline_usec);
        if (r < 0) {
                (void) state_file_remove(directory, DRAIN_FILE);
                return r;
        }
        log_struct(LOG_NOTICE,
                   ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_DRAIN_BEGAN, NULL }),
                   "The node drains: health checks say that it is not to be used");
        return 0;
}

int manager_end_drain(Manager *manager) {
        NodeDrain *drain = &manager->node_drain;
        int r;

        if (drain->state == NODE_DRAIN_OFF)
                return -ESRCH;
        r = state_file_remove(manager->options.state_directory, DRAIN_FILE);
        if (r < 0)
                (void) log_warning_errno(
                        r, "Failed to write down that the node serves again, after a restart it drains: %m");
        (void) sd_event_source_disable_unref(drain->timer);
        *drain = (NodeDrain) {};
        log_struct(LOG_NOTICE,
                   ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_DRAIN_ENDED, NULL }),
                   "The node serves again");
        manager_notify_soon(manager);
        return 0;
}

int manager_node_drain_start(Manager *manager) {
        uint64_t deadline_usec = 0;
        char line[32] = "";
        FILE *file;
        int r;

        r = state_file_open(manager->options.state_directory, DRAIN_FILE, &file);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                (void) log_warning_errno(r,
                                         "Failed to read whether the node drains, in %s; it serves: %m",
                                         manager->options.state_directory);
        if (r < 0 || !file)
                return 0;
        if (!fgets(line, sizeof(line), file))
                line[0] = '\0';
        (void) fclose(file);
        line[strcspn(line, "\n")] = '\0';
        if (parse_uint64(line, &deadline_usec) < 0)
                log_warning("The file " DRAIN_FILE " in %s is damaged, the node drains without a deadline",
                            manager->options.state_directory);
        r = node_drain_set(manager, deadline_usec);
        if (r >= 0)
                log_notice("The node drains, as before the restart");
        return r;
}
