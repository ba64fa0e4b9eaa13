/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/resource.h"

#include <string.h>

#include "common/macros.h"

#define BIT(version) (1U << (version))

/* clang-format off */
static const ResourceType resource_types[_RESOURCE_MAX] = {
        [RESOURCE_SERVICES]  = { "services", "service", "Service", ",\"spec\":{},\"status\":{\"loadBalancer\":{}}",
                                 .namespaced = true, .versions = BIT(API_VERSION_CORE_V1) },
        [RESOURCE_ENDPOINTS] = { "endpoints", "endpoints", "Endpoints", "",
                                 .namespaced = true, .versions = BIT(API_VERSION_CORE_V1) },
        [RESOURCE_NODES]     = { "nodes", "node", "Node", ",\"spec\":{},\"status\":{}",
                                 .versions = BIT(API_VERSION_CORE_V1) },
        [RESOURCE_SLICES]    = { "endpointslices", "endpointslice", "EndpointSlice",
                                 ",\"addressType\":\"\",\"endpoints\":null,\"ports\":null", .namespaced = true,
                                 .versions = BIT(API_VERSION_DISCOVERY_V1) | BIT(API_VERSION_DISCOVERY_V1BETA1) },
        [RESOURCE_EVENTS]    = { "events", "event", "Event", ",\"involvedObject\":{}",
                                 .namespaced = true, .writable = true,
                                 .versions = BIT(API_VERSION_CORE_V1) | BIT(API_VERSION_EVENTS_V1) },
};

static const struct {
        const char *full, *group, *version;
} api_versions[_API_VERSION_MAX] = {
        [API_VERSION_CORE_V1]           = { "v1", "", "v1" },
        [API_VERSION_DISCOVERY_V1]      = { "discovery.k8s.io/v1", "discovery.k8s.io", "v1" },
        [API_VERSION_DISCOVERY_V1BETA1] = { "discovery.k8s.io/v1beta1", "discovery.k8s.io", "v1beta1" },
        [API_VERSION_EVENTS_V1]         = { "events.k8s.io/v1", "events.k8s.io", "v1" },
};
/* clang-format on */

const ResourceType *resource_type(Resource resource) {
        return &resource_types[resource];
}

Resource resource_from_plural(const char *plural) {
        for (Resource i = 0; i < _RESOURCE_MAX; i++)
                if (strcmp(resource_types[i].plural, plural) == 0)
                        return i;
        return _RESOURCE_INVALID;
}

Resource resource_from_kind(const char *kind) {
        for (Resource i = 0; i < _RESOURCE_MAX; i++)
                if (strcmp(resource_types[i].kind, kind) == 0)
                        return i;
        return _RESOURCE_INVALID;
}

const char *api_version_to_string(ApiVersion version) {
        return api_versions[version].full;
}

ApiVersion api_version_from_string(const char *text) {
        for (ApiVersion i = 0; i < _API_VERSION_MAX; i++)
                if (strcmp(api_versions[i].full, text) == 0)
                        return i;
        return _API_VERSION_INVALID;
}

const char *api_version_group(ApiVersion version) {
        return api_versions[version].group;
}

const char *api_version_short(ApiVersion version) {
        return api_versions[version].version;
}
