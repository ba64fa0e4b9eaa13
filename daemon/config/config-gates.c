/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feature gates: reference §1.4. kube-proxy knows every gate of its release and refuses all others. Clusters give one
 * list to all their components, it grows with each release, and a node must not lose its network for a gate of the
 * kubelet; so gates that are not in the table are passed over with a warning, unless they are a misspelt one of it.
 */
#include <string.h>

#include "config/config-private.h"

#define TYPO_MAX 2 /* letters; "WindowsEndpointSliceProxying" is a gate of its own */

typedef enum GateKind {
        GATE_EFFECTIVE,
        GATE_ALWAYS_ON, /* what it guards is done here */
        GATE_OLD,       /* the same, and nobody has needed to say so for years */
        GATE_NOTHING,   /* what it guards is not here */
} GateKind;

static const struct {
        const char *name;
        GateKind kind;
} gate_table[] = {
        { "PreferSameTrafficDistribution", GATE_EFFECTIVE },
        { "TopologyAwareHints", GATE_ALWAYS_ON },
        { "TopologyAwareRouting", GATE_ALWAYS_ON },
        { "ServiceTrafficDistribution", GATE_ALWAYS_ON },
        { "LoadBalancerIPMode", GATE_ALWAYS_ON },
        { "MultiCIDRServiceAllocator", GATE_ALWAYS_ON },
        { "ProxyTerminatingEndpoints", GATE_ALWAYS_ON },
        { "EndpointSliceTerminatingCondition", GATE_ALWAYS_ON },
        { "ServiceInternalTrafficPolicy", GATE_ALWAYS_ON },
        { "KubeProxyDrainingTerminatingNodes", GATE_ALWAYS_ON },
        { "KubeProxyIPVS", GATE_ALWAYS_ON },
        { "MixedProtocolLBService", GATE_ALWAYS_ON },
        { "SCTPSupport", GATE_ALWAYS_ON },
        { "IPv6DualStack", GATE_ALWAYS_ON },
        { "EndpointSlice", GATE_ALWAYS_ON },
        { "EndpointSliceProxying", GATE_ALWAYS_ON },
        { "SupportIPVSProxyMode", GATE_OLD },
        { "ServiceTopology", GATE_NOTHING },
        { "ComponentFlagz", GATE_NOTHING },
        { "ComponentStatusz", GATE_NOTHING },
        { "LoggingAlphaOptions", GATE_NOTHING },
        { "LoggingBetaOptions", GATE_NOTHING },
        { "ContextualLogging", GATE_NOTHING },
        { "NFTablesProxyMode", GATE_NOTHING },
        { "KubeProxyNFTablesLocalhostNodePorts", GATE_NOTHING },
        { "AllAlpha", GATE_NOTHING },
        { "AllBeta", GATE_NOTHING },
};

static const char *gate_name(size_t i) {
        return gate_table[i].name;
}

static const char *gate_remark(GateKind kind, bool enabled) {
        switch (kind) {
        case GATE_EFFECTIVE:
                return NULL;
        case GATE_ALWAYS_ON:
                return enabled ? NULL : "is always on here, false is ignored";
        case GATE_OLD:
                return enabled ? "has not been needed since Kubernetes 1.11, remove it"
                               : "is always on here, false is ignored";
        case GATE_NOTHING:
                return "changes nothing here";
        }
        return NULL;
}

bool config_gate_check(const FeatureGate *gate,
                       ConfigSeverity *ret_severity,
                       const char **ret_text,
                       const char **ret_nearest) {
        *ret_severity = CONFIG_SEVERITY_WARNING;
        *ret_nearest = NULL;
        for (size_t i = 0; i < ELEMENTSOF(gate_table); i++)
                if (strcmp(gate_table[i].name, gate->name) == 0) {
                        *ret_text = gate_remark(gate_table[i].kind, gate->enabled);
                        return *ret_text;
                }
        *ret_nearest = config_nearest(gate->name, ELEMENTSOF(gate_table), gate_name, TYPO_MAX);
        *ret_severity = *ret_nearest ? CONFIG_SEVERITY_ERROR : CONFIG_SEVERITY_WARNING;
        *ret_text = *ret_nearest ? "is an unknown feature gate, did you mean"
                                 : "is no feature gate of this program, ignored";
        return true;
}
