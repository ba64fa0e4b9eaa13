/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of the daemon itself: its properties, and syncs that ended. */
#include "bus/bus-private.h"
#include "bus/signal-hash.h"
#include "bus/signals-private.h"
#include "common/bus-names.h"

#define MANAGER_PAUSE_USEC USEC_PER_SEC

static const struct {
        const char *name;
        bool at_once; /* else a second apart */
} manager_properties[] = {
        { "State", true },       { "ApiState", true },      { "Conditions", true },     { "Capabilities", true },
        { "Generation", false }, { "ServiceCount", false }, { "EndpointCount", false }, { "VirtualServerCount", false },
        { "DrainState", true },  { "DrainDeadlineUSec", true }, { "Holds", true },
};

static void hash_manager(const Bus *bus, uint32_t *hashes) {
        const ManagerStatus *status = &bus->status;
        size_t n = 0;

        hashes[n++] = signal_hash_text(bus->state);
        hashes[n++] = signal_hash_text(bus->api_state);
        hashes[n++] = (uint32_t) hash_bytes(bus->conditions, sizeof(bus->conditions));
        hashes[n++] = status->kernel_lacks << 1 | status->kernel_known;
        hashes[n++] = signal_hash_number(status->generation);
        hashes[n++] = signal_hash_number(status->n_services);
        hashes[n++] = signal_hash_number(status->n_endpoints);
        hashes[n++] = signal_hash_number(status->n_virtual_servers);
        hashes[n++] = signal_hash_text(status->drain_state);
        hashes[n++] = signal_hash_number(status->drain_deadline_usec);
        hashes[n++] = signal_hash_number(holds_serial(bus->holds));
}

static void tell_sync(Signals *signals, const ManagerStatus *status) {
        bool failed = status->n_sync_errors > signals->sync_errors;

        if (status->n_syncs == signals->sync_count)
                return;
        (void) sd_bus_emit_signal(signals->bus->bus,
                                  BUS_PATH,
                                  BUS_INTERFACE_MANAGER,
                                  "SyncFinished",
                                  "tstuu",
                                  status->generation,
                                  failed ? "failed" : "done",
                                  status->last_sync_duration_usec,
                                  (uint32_t) (status->n_operations - signals->operations),
                                  (uint32_t) (status->n_operation_failures - signals->failures));
}

static void remember_sync(Signals *signals, const ManagerStatus *status) {
        signals->sync_count = status->n_syncs;
        signals->sync_errors = status->n_sync_errors;
        signals->operations = status->n_operations;
        signals->failures = status->n_operation_failures;
}

static void tell_manager(Signals *signals) {
        const char *names[ELEMENTSOF(manager_properties) + 1];
        uint32_t hashes[ELEMENTSOF(signals->manager_hashes)] = {};
        Bus *bus = signals->bus;
        uint64_t now = bus_now(bus);
        bool pause = now < signals->manager_said_usec + MANAGER_PAUSE_USEC;
        size_t n = 0;

        bus_refresh(bus);
        hash_manager(bus, hashes);
        for (size_t i = 0; i < ELEMENTSOF(manager_properties); i++)
                if (hashes[i] != signals->manager_hashes[i] && (!pause || manager_properties[i].at_once)) {
                        names[n++] = manager_properties[i].name;
                        signals->manager_hashes[i] = hashes[i];
                }
        names[n] = NULL;
        if (bus->has_name && n > 0)
                (void) sd_bus_emit_properties_changed_strv(
                        bus->bus, BUS_PATH, BUS_INTERFACE_MANAGER, (char **) (uintptr_t) (const void *) names);
        if (pause)
                return;
        if (bus->has_name)
                tell_sync(signals, &bus->status);
        remember_sync(signals, &bus->status);
        signals->manager_said_usec = now;
}

int signals_on_manager_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        tell_manager(userdata);
        return 0;
}

void signals_note_manager(Signals *signals) {
        ManagerStatus status;
        uint64_t now = bus_now(signals->bus), due = signals->manager_said_usec + MANAGER_PAUSE_USEC;

        manager_status_brief(signals->bus->manager, &status);
        tell_manager(signals);
        if (now < due)
                signals_arm(signals->manager_timer, due - now);
        if (status.error[0] && !signals->had_error && index_settle(signals->bus->index) >= 0)
                signals->sweep = 0;
        signals->had_error = status.error[0];
        if (signals->ready.first || signals->sweep != SIZE_MAX)
                signals_arm(signals->pump, 0);
        signals->synced_once = signals->synced_once || status.state == MANAGER_STATE_RUNNING ||
                               status.state == MANAGER_STATE_DEGRADED;
}
