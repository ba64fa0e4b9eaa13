/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web-counters.h"

static void collect_api(const ApiServer *api, WebCounters *ret) {
        _Static_assert((int) _API_RESOURCE_MAX <= WEB_RESOURCES_MAX, "each resource has its place");
        ApiServerStatus status;

        api_server_status(api, &status);
        ret->api_lost = status.n_lost;
        ret->api_unreadable = status.n_reported;
        ret->events_sent = status.events.n_sent;
        ret->events_dropped = status.events.n_dropped;
        for (ApiResourceKind kind = 0; kind < _API_RESOURCE_MAX; kind++) {
                const ReflectorStatus *resource = &status.resources[kind];

                ret->resources[ret->n_resources++] = (WebResourceCounters) {
                        .resource = api_resource_kind_to_string(kind),
                        .n_lists = resource->n_lists,
                        .n_watches = resource->n_watches,
                        .n_events = resource->n_events,
                        .n_errors = resource->n_errors,
                        .n_expired = resource->n_expired,
                };
        }
}

void web_counters_collect(const ApiServer *api, const Bus *bus, WebCounters *ret) {
        BusCounters counters = {};

        *ret = (WebCounters) {};
        if (api)
                collect_api(api, ret);
        if (bus)
                bus_counters(bus, &counters);
        ret->bus_calls = counters.n_calls;
        ret->bus_denied = counters.n_denied;
        ret->bus_limited = counters.n_limited;
        ret->bus_signals = counters.n_signals;
        ret->bus_clients = counters.n_clients;
}
