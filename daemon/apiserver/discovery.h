/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which API has the endpoints: EndpointSlices of discovery.k8s.io/v1, of v1beta1 (1.17 to 1.24), or core v1 Endpoints.
 * The group's document says which versions there are. Where it may not be read, or does not exist, the three are tried in
 * this order: a 404 for one leads to the next (discovery_missing()).
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "apiserver/http-client.h"

typedef enum EndpointsApi {
        ENDPOINTS_API_SLICES_V1,
        ENDPOINTS_API_SLICES_V1BETA1,
        ENDPOINTS_API_ENDPOINTS,
        _ENDPOINTS_API_MAX,
        _ENDPOINTS_API_INVALID = -22,
} EndpointsApi;

/* "discovery.k8s.io/v1", "discovery.k8s.io/v1beta1", "v1 Endpoints"; NULL for none */
const char *endpoints_api_to_string(EndpointsApi api);

typedef struct Discovery Discovery;

/* From the loop, each time that an answer was found, also if it is the one before. */
typedef void (*DiscoveryDecided)(EndpointsApi api, void *userdata);

int discovery_new(sd_event *event,
                  int64_t priority,
                  HttpClient *http /* borrowed */,
                  DiscoveryDecided decided,
                  void *userdata,
                  Discovery **ret);
Discovery *discovery_free(Discovery *discovery);
DEFINE_CLEANUP(Discovery *, discovery_free);

/* Asks, now; repeated with growing delays until there is an answer. */
void discovery_start(Discovery *discovery);
/* The server answered 404 for this one: asks again, and takes another one. */
void discovery_missing(Discovery *discovery, EndpointsApi api);
/* It answered well: all that were missing may be tried again some day. */
void discovery_found(Discovery *discovery);
/* The server can be reached again: does not wait longer. */
void discovery_kick(Discovery *discovery);
/* Why there is no answer yet; "" if there is one, or none was asked for. */
const char *discovery_error(const Discovery *discovery);
