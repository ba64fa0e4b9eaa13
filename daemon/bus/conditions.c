/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/conditions.h"

#include <stdio.h>
#include <string.h>

#include "common/macros.h"

static const char *const condition_type_table[_CONDITION_MAX] = {
        [CONDITION_KERNEL_READY] = "KernelReady",
        [CONDITION_API_REACHABLE] = "ApiReachable",
        [CONDITION_PROGRAMMED] = "Programmed",
        [CONDITION_ADDRESSES_SERVED] = "AddressesServed",
        [CONDITION_NODE_PORTS_FREE] = "NodePortsFree",
        [CONDITION_FORWARD_ALLOWED] = "ForwardAllowed",
};

static Condition condition_kernel(const ManagerStatus *status) {
        if (status->kernel_lacks)
                return (Condition) { "false", "FeatureMissing", 0 };
        return status->kernel_known ? (Condition) { "true", "", 0 } : (Condition) { "unknown", "Starting", 0 };
}

static Condition condition_api(const ManagerStatus *status) {
        switch (status->api_state) {
        case API_STATE_WATCHING:
                return (Condition) { "true", "", 0 };
        case API_STATE_DISCONNECTED:
                return (Condition) { "false", "Disconnected", 0 };
        case API_STATE_CONNECTING:
                return (Condition) { "unknown", "Connecting", 0 };
        case API_STATE_LISTING:
                return (Condition) { "unknown", "Listing", 0 };
        case _API_STATE_MAX:
        case _API_STATE_INVALID:
                break;
        }
        return (Condition) { "unknown", "", 0 };
}

static Condition condition_programmed(const ManagerStatus *status) {
        if (status->error[0])
                return (Condition) { "false", "SyncFailed", 0 };
        if (status->state == MANAGER_STATE_STARTING || status->state == MANAGER_STATE_SYNCING)
                return (Condition) { "unknown", "Syncing", 0 };
        return (Condition) { "true", "", 0 };
}

static Condition condition_addresses(const ManagerStatus *status) {
        return status->n_refused > 0 ? (Condition) { "false", "AddressRefused", 0 } : (Condition) { "true", "", 0 };
}

static Condition condition_node_ports(const ManagerStatus *status) {
        return status->n_node_port_conflicts > 0 ? (Condition) { "false", "NodePortInUse", 0 } :
                                                   (Condition) { "true", "", 0 };
}

/* Whether one of its rules accepts what has to pass is not known. */
static Condition condition_forward(const ManagerStatus *status) {
        return status->forward_chain[0] ? (Condition) { "unknown", "ForwardPolicyDrop", 0 } :
                                          (Condition) { "true", "", 0 };
}

static const char *condition_message(ConditionType type, const ManagerStatus *status) {
        return type == CONDITION_PROGRAMMED        ? status->error :
               type == CONDITION_FORWARD_ALLOWED   ? status->forward_chain :
                                                     "";
}

bool conditions_update(Condition conditions[static _CONDITION_MAX], const ManagerStatus *status, uint64_t now_usec) {
        const Condition now[_CONDITION_MAX] = {
                [CONDITION_KERNEL_READY] = condition_kernel(status),
                [CONDITION_API_REACHABLE] = condition_api(status),
                [CONDITION_PROGRAMMED] = condition_programmed(status),
                [CONDITION_ADDRESSES_SERVED] = condition_addresses(status),
                [CONDITION_NODE_PORTS_FREE] = condition_node_ports(status),
                [CONDITION_FORWARD_ALLOWED] = condition_forward(status),
        };
        bool changed = false;

        for (ConditionType t = 0; t < _CONDITION_MAX; t++) {
                bool same_status = conditions[t].status && strcmp(conditions[t].status, now[t].status) == 0;

                if (same_status && strcmp(conditions[t].reason, now[t].reason) == 0)
                        continue;
                conditions[t] = (Condition) {
                        .status = now[t].status,
                        .reason = now[t].reason,
                        .since_usec = same_status ? conditions[t].since_usec : now_usec,
                };
                changed = true;
        }
        return changed;
}

int conditions_append(sd_bus_message *reply,
                      const Condition conditions[static _CONDITION_MAX],
                      const ManagerStatus *status) {
        int r = sd_bus_message_open_container(reply, 'a', "(sstsa{sv})");

        for (ConditionType t = 0; r >= 0 && t < _CONDITION_MAX; t++) {
                const char *message = condition_message(t, status);

                r = sd_bus_message_append(reply,
                                          "(sstsa{sv})",
                                          condition_type_table[t],
                                          conditions[t].status ? conditions[t].status : "unknown",
                                          conditions[t].since_usec,
                                          conditions[t].reason ? conditions[t].reason : "",
                                          message[0] ? 1 : 0,
                                          "message",
                                          "s",
                                          message);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static const char *capability_state(const ManagerStatus *status, unsigned lacks) {
        return status->kernel_lacks & lacks ? "no" : status->kernel_known ? "yes" : "unknown";
}

static const char *capability_reason(const ManagerStatus *status, unsigned lacks, const char *reason) {
        return status->kernel_lacks & lacks ? reason : "";
}

int capabilities_append(sd_bus_message *reply, const Manager *manager, const ManagerStatus *status) {
        const KernelInfo *info = manager_kernel_info(manager);
        char release[24], version[24];
        int r;

        (void) snprintf(release, sizeof(release), "%u.%u", info->release_major, info->release_minor);
        (void) snprintf(version,
                        sizeof(version),
                        "%u.%u.%u",
                        info->ipvs_version >> 16,
                        info->ipvs_version >> 8 & 0xff,
                        info->ipvs_version & 0xff);
        r = sd_bus_message_open_container(reply, 'a', "(sssa{sv})");
        if (r >= 0)
                r = sd_bus_message_append(reply,
                                          "(sssa{sv})",
                                          "ip_vs",
                                          info->ipvs_version > 0 ? "yes" : capability_state(status, KERNEL_LACKS_IPVS),
                                          capability_reason(status, KERNEL_LACKS_IPVS, "modprobe ip_vs"),
                                          3,
                                          "version",
                                          "s",
                                          version,
                                          "connection-table-size",
                                          "u",
                                          info->connection_table_size,
                                          "kernel-release",
                                          "s",
                                          release);
        if (r >= 0)
                r = sd_bus_message_append(reply,
                                          "(sssa{sv})",
                                          "nf_tables",
                                          capability_state(status, KERNEL_LACKS_NFTABLES),
                                          capability_reason(status, KERNEL_LACKS_NFTABLES, "modprobe nf_tables"),
                                          0);
        if (r >= 0)
                r = sd_bus_message_append(reply,
                                          "(sssa{sv})",
                                          "dummy",
                                          capability_state(status, KERNEL_LACKS_DUMMY),
                                          capability_reason(status, KERNEL_LACKS_DUMMY, "modprobe dummy"),
                                          0);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

void conditions_describe(Json *json, const Condition conditions[static _CONDITION_MAX]) {
        json_open(json, "conditions", '[');
        for (ConditionType t = 0; t < _CONDITION_MAX; t++) {
                json_open(json, NULL, '{');
                json_text(json, "type", condition_type_table[t]);
                json_text(json, "status", conditions[t].status ? conditions[t].status : "unknown");
                json_number(json, "sinceUSec", conditions[t].since_usec);
                json_text(json, "reason", conditions[t].reason ? conditions[t].reason : "");
                json_close(json, '{');
        }
        json_close(json, '[');
}
