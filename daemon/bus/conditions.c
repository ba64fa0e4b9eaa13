/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/conditions.h"

#include <inttypes.h>
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
        [CONDITION_NODE_KNOWN] = "NodeKnown",
        [CONDITION_OBJECTS_UNDERSTOOD] = "ObjectsUnderstood",
        [CONDITION_MANIFESTS_READ] = "ManifestsRead",
};

static Condition condition_kernel(const ManagerStatus *status) {
        if (status->kernel_lacks)
                return (Condition) { "false", "FeatureMissing", 0 };
        return status->kernel_known ? (Condition) { "true", "", 0 } : (Condition) { "unknown", "Starting", 0 };
}

static Condition condition_api(const ManagerStatus *status) {
        if (!*status->sources.server && *status->sources.manifests)
                return (Condition) { "true", "NotUsed", 0 };
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

static Condition condition_node(const ManagerStatus *status) {
        return *status->sources.node_error ? (Condition) { "false", "NodeNotFollowed", 0 } : (Condition) { "true", "", 0 };
}

static Condition condition_objects(const ManagerStatus *status) {
        return status->sources.n_unreadable > 0 ? (Condition) { "false", "ObjectsLeftOut", 0 } :
                                                  (Condition) { "true", "", 0 };
}

static Condition condition_manifests(const ManagerStatus *status) {
        if (!*status->sources.manifests)
                return (Condition) { "true", "NotUsed", 0 };
        return *status->sources.manifests_error ? (Condition) { "false", "FileBroken", 0 } : (Condition) { "true", "", 0 };
}

bool conditions_update(Condition conditions[static _CONDITION_MAX], const ManagerStatus *status, uint64_t now_usec) {
        const Condition now[_CONDITION_MAX] = {
                [CONDITION_KERNEL_READY] = condition_kernel(status),
                [CONDITION_API_REACHABLE] = condition_api(status),
                [CONDITION_PROGRAMMED] = condition_programmed(status),
                [CONDITION_ADDRESSES_SERVED] = condition_addresses(status),
                [CONDITION_NODE_PORTS_FREE] = condition_node_ports(status),
                [CONDITION_FORWARD_ALLOWED] = condition_forward(status),
                [CONDITION_NODE_KNOWN] = condition_node(status),
                [CONDITION_OBJECTS_UNDERSTOOD] = condition_objects(status),
                [CONDITION_MANIFESTS_READ] = condition_manifests(status),
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

/* What is said beside status and reason: a few words, each with its key. */
typedef struct Details {
        struct {
                const char *key, *value; /* borrowed; empty ones are left out */
        } items[3];
        char text[640]; /* for a value that had to be made */
} Details;

static void details_of(ConditionType type, const ManagerStatus *status, Details *ret) {
        const SourceReport *sources = &status->sources;

        *ret = (Details) {};
        ret->items[0].key = "message";
        ret->items[0].value = "";
        switch (type) {
        case CONDITION_API_REACHABLE:
                ret->items[0].value = sources->server_error;
                ret->items[1].key = "server";
                ret->items[1].value = sources->server;
                ret->items[2].key = "version";
                ret->items[2].value = sources->server_version;
                break;
        case CONDITION_PROGRAMMED:
                ret->items[0].value = status->error;
                break;
        case CONDITION_FORWARD_ALLOWED:
                ret->items[0].value = status->forward_chain;
                break;
        case CONDITION_NODE_KNOWN:
                ret->items[0].value = sources->node_error;
                break;
        case CONDITION_OBJECTS_UNDERSTOOD:
                if (sources->n_unreadable > 1)
                        (void) snprintf(ret->text, sizeof(ret->text), "%" PRIu64 " objects, one of them is %s", sources->n_unreadable,
                                        sources->unreadable);
                else
                        (void) snprintf(ret->text, sizeof(ret->text), "%s", sources->unreadable);
                ret->items[0].value = ret->text;
                break;
        case CONDITION_MANIFESTS_READ:
                ret->items[0].value = sources->manifests_error;
                ret->items[1].key = "folder";
                ret->items[1].value = sources->manifests;
                break;
        case CONDITION_KERNEL_READY:
        case CONDITION_ADDRESSES_SERVED:
        case CONDITION_NODE_PORTS_FREE:
        case _CONDITION_MAX:
                break;
        }
}

static int condition_append_details(sd_bus_message *reply, const Details *details) {
        int r = sd_bus_message_open_container(reply, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(details->items); i++)
                if (details->items[i].key && *details->items[i].value)
                        r = sd_bus_message_append(reply, "{sv}", details->items[i].key, "s", details->items[i].value);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int conditions_append(sd_bus_message *reply,
                      const Condition conditions[static _CONDITION_MAX],
                      const ManagerStatus *status) {
        int r = sd_bus_message_open_container(reply, 'a', "(sstsa{sv})");

        for (ConditionType t = 0; r >= 0 && t < _CONDITION_MAX; t++) {
                Details details;

                details_of(t, status, &details);
                r = sd_bus_message_open_container(reply, 'r', "sstsa{sv}");
                if (r >= 0)
                        r = sd_bus_message_append(reply,
                                                  "ssts",
                                                  condition_type_table[t],
                                                  conditions[t].status ? conditions[t].status : "unknown",
                                                  conditions[t].since_usec,
                                                  conditions[t].reason ? conditions[t].reason : "");
                if (r >= 0)
                        r = condition_append_details(reply, &details);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
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

void conditions_describe(Json *json, const Condition conditions[static _CONDITION_MAX], const ManagerStatus *status) {
        json_open(json, "conditions", '[');
        for (ConditionType t = 0; t < _CONDITION_MAX; t++) {
                Details details;

                details_of(t, status, &details);
                json_open(json, NULL, '{');
                json_text(json, "type", condition_type_table[t]);
                json_text(json, "status", conditions[t].status ? conditions[t].status : "unknown");
                json_number(json, "sinceUSec", conditions[t].since_usec);
                json_text(json, "reason", conditions[t].reason ? conditions[t].reason : "");
                for (size_t i = 0; i < ELEMENTSOF(details.items); i++)
                        if (details.items[i].key && *details.items[i].value)
                                json_text(json, details.items[i].key, details.items[i].value);
                json_close(json, '{');
        }
        json_close(json, '[');
}
