/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one value decides about another, and what must hold between them: reference §1.1 and §2. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "config/config-private.h"

/* The member of a Config at `offset`. */
static void *config_at(Config *config, size_t offset) {
        return config_slot(config, config_field(config_field_at(offset)));
}

/* ---- completion */

/*
 * A server's address that has no port gets the one of the deprecated flag, whose 0 means no server; an address that was
 * not given gets the family of bindAddress too.
 */
static void config_complete_address(ConfigLoader *loader, size_t address_offset, size_t port_offset, bool loopback) {
        Config *config = loader->config;
        IpPort *address = config_at(config, address_offset);
        const ConfigSource *address_source = &loader->sources[config_field_at(address_offset)];
        const ConfigSource *port_source = &loader->sources[config_field_at(port_offset)];
        int32_t port = *(int32_t *) config_at(config, port_offset);

        if (address_source->origin == CONFIG_ORIGIN_DEFAULT) {
                if (config->bind_address.family == AF_INET6)
                        address->addr = (IpAddr){ .family = AF_INET6, .bytes = { [15] = loopback } };
                if (port_source->origin == CONFIG_ORIGIN_FLAG)
                        address->port = 0;
        }
        if (port == 0)
                *address = (IpPort){};
        else if (address->addr.family != 0 && address->port == 0)
                address->port = (uint16_t) port;
}

static char *trim_lower(const char *text) {
        size_t size;
        char *copy;

        text += strspn(text, " \t\r\n");
        size = strlen(text);
        while (size > 0 && strchr(" \t\r\n", text[size - 1]))
                size--;
        copy = strndup(text, size);
        for (char *p = copy; p && *p != '\0'; p++)
                *p = (char) tolower((unsigned char) *p);
        return copy;
}

static int config_complete_node_name(ConfigLoader *loader) {
        Config *config = loader->config;
        char host[HOST_NAME_MAX + 1] = "";
        char *name;

        if (config->hostname_override[0] == '\0' && gethostname(host, sizeof(host) - 1) < 0)
                return -errno;
        name = trim_lower(config->hostname_override[0] != '\0' ? config->hostname_override : host);
        if (!name)
                return -ENOMEM;
        free(config->node_name);
        config->node_name = name;
        if (name[0] == '\0')
                config_field_message(loader, config_field_at(offsetof(Config, hostname_override)),
                                     CONFIG_SEVERITY_ERROR,
                                     "a blank name is invalid, give the name of this machine's Node");
        return 0;
}

int config_complete(ConfigLoader *loader) {
        config_complete_address(loader, offsetof(Config, healthz_bind_address), offsetof(Config, healthz_port),
                                /* loopback= */ false);
        config_complete_address(loader, offsetof(Config, metrics_bind_address), offsetof(Config, metrics_port),
                                /* loopback= */ true);
        return config_complete_node_name(loader);
}

/* ---- validation */

static void config_error(ConfigLoader *loader, size_t offset, const char *text) {
        config_field_message(loader, config_field_at(offset), CONFIG_SEVERITY_ERROR, "%s", text);
}

static void config_validate_positive(ConfigLoader *loader) {
        for (size_t i = 0; i < config_field_count(); i++) {
                const ConfigField *field = config_field(i);

                if ((field->flags & FIELD_POSITIVE) && field->offset != FIELD_NOWHERE &&
                    *(const uint64_t *) config_slot_const(loader->config, field) == 0)
                        config_field_message(loader, i, CONFIG_SEVERITY_ERROR, "must be greater than 0");
        }
}

static void config_validate_periods(ConfigLoader *loader, size_t sync_offset, size_t min_offset) {
        uint64_t sync_usec = *(uint64_t *) config_at(loader->config, sync_offset);
        uint64_t min_usec = *(uint64_t *) config_at(loader->config, min_offset);
        size_t min_field = config_field_at(min_offset);

        if (min_usec > sync_usec)
                config_field_message(loader, config_field_at(sync_offset), CONFIG_SEVERITY_ERROR,
                                     "must be greater than or equal to %s",
                                     loader->sources[min_field].origin == CONFIG_ORIGIN_FLAG
                                             ? config_field(min_field)->flag
                                             : config_field(min_field)->path);
}

static void config_validate_local(ConfigLoader *loader) {
        const Config *config = loader->config;

        if (config->detect_local_mode == DETECT_LOCAL_BRIDGE_INTERFACE && config->pod_bridge_interface[0] == '\0')
                config_error(loader, offsetof(Config, pod_bridge_interface),
                             "must not be empty when the mode is BridgeInterface, give the pods' bridge");
        if (config->detect_local_mode == DETECT_LOCAL_INTERFACE_NAME_PREFIX && config->pod_interface_prefix[0] == '\0')
                config_error(loader, offsetof(Config, pod_interface_prefix),
                             "must not be empty when the mode is InterfaceNamePrefix, give the beginning of the pods' "
                             "interface names");
}

/* Not an error, as with kube-proxy: only what comes from a service address is masqueraded then (reference §3.8). */
static void config_validate_cluster_cidr(ConfigLoader *loader) {
        const Config *config = loader->config;

        if (loader->messages->n_errors > loader->n_errors_before || config->detect_local_mode != DETECT_LOCAL_CLUSTER_CIDR ||
            config->cluster_cidrs.n_items > 0 || config->iptables.masquerade_all)
                return;
        config_field_message(loader, config_field_at(offsetof(Config, cluster_cidrs)), CONFIG_SEVERITY_WARNING,
                             "detect-local-mode set to ClusterCIDR, but no cluster CIDR defined: what comes from outside of the "
                             "cluster to service addresses is not masqueraded");
}

static void config_validate_gates(ConfigLoader *loader) {
        const FeatureGates *gates = &loader->config->feature_gates;

        for (size_t i = 0; i < gates->n_items; i++) {
                _cleanup_(freep) char *quoted = config_quote(gates->items[i].name);
                const char *text, *nearest;
                ConfigSeverity severity;

                if (config_gate_check(&gates->items[i], &severity, &text, &nearest))
                        config_field_message(loader, config_field_at(offsetof(Config, feature_gates)), severity,
                                             "%s %s%s%s%s", quoted ? quoted : "", text, nearest ? " " : "",
                                             nearest ? nearest : "", nearest ? "?" : "");
        }
}

static void config_validate_node_ports(ConfigLoader *loader) {
        const NodePortAddresses *addresses = &loader->config->node_port_addresses;
        size_t field = config_field_at(offsetof(Config, node_port_addresses));

        /* Of what could not be read nothing is to be said but that. */
        if (loader->messages->n_errors > loader->n_errors_before)
                return;
        if (loader->sources[field].origin == CONFIG_ORIGIN_DEFAULT)
                config_field_message(loader, field, CONFIG_SEVERITY_WARNING,
                                     "not set, node port connections are accepted on all local IPs; consider primary");
        else if (addresses->all && (addresses->primary || addresses->localhost || addresses->nets.n_items > 0))
                config_field_message(loader, field, CONFIG_SEVERITY_WARNING,
                                     "\"all\" is given, what stands beside it changes nothing");
}

void config_validate(ConfigLoader *loader) {
        config_validate_positive(loader);
        config_validate_periods(loader, offsetof(Config, sync_period_usec), offsetof(Config, min_sync_period_usec));
        config_validate_periods(loader, offsetof(Config, iptables.sync_period_usec),
                                offsetof(Config, iptables.min_sync_period_usec));
        config_validate_periods(loader, offsetof(Config, nftables.sync_period_usec),
                                offsetof(Config, nftables.min_sync_period_usec));
        config_validate_local(loader);
        config_validate_gates(loader);
        /* Who takes all away, or only sets sysctls, wants no advice about services. */
        if (loader->config->action == CONFIG_ACTION_CLEANUP || loader->config->action == CONFIG_ACTION_INIT_ONLY)
                return;
        config_validate_cluster_cidr(loader);
        config_validate_node_ports(loader);
}
