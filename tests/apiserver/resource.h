/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server has: resources, and the API versions under which each is reached. Versions can be switched on and
 * off while it runs, as an upgrade of a cluster does.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>

typedef enum Resource {
        RESOURCE_SERVICES,
        RESOURCE_ENDPOINTS,
        RESOURCE_NODES,
        RESOURCE_SLICES,
        RESOURCE_EVENTS,
        _RESOURCE_MAX,
        _RESOURCE_INVALID = -EINVAL,
} Resource;

typedef enum ApiVersion {
        API_VERSION_CORE_V1,
        API_VERSION_DISCOVERY_V1,
        API_VERSION_DISCOVERY_V1BETA1,
        API_VERSION_EVENTS_V1,
        _API_VERSION_MAX,
        _API_VERSION_INVALID = -EINVAL,
} ApiVersion;

typedef struct ResourceType {
        const char *plural; /* "endpointslices" */
        const char *singular; /* "endpointslice" */
        const char *kind; /* "EndpointSlice" */
        const char *bookmark; /* what follows an empty object's metadata, as Go marshals it */
        bool namespaced;
        bool writable; /* clients may create and patch it */
        unsigned versions; /* bits of ApiVersion */
} ResourceType;

const ResourceType *resource_type(Resource resource);
Resource resource_from_plural(const char *plural);
/* "Service" under "v1", "EndpointSlice" under "discovery.k8s.io/v1beta1": _RESOURCE_INVALID if not served here. */
Resource resource_from_kind(const char *kind);

/* "v1", "discovery.k8s.io/v1beta1" */
const char *api_version_to_string(ApiVersion version);
ApiVersion api_version_from_string(const char *text);
/* "", "discovery.k8s.io", "events.k8s.io" */
const char *api_version_group(ApiVersion version);
/* "v1", "v1beta1" */
const char *api_version_short(ApiVersion version);
