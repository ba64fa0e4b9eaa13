/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/discovery.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/fetch.h"
#include "apiserver/json-read.h"
#include "common/log.h"

#define RETRY_FIRST_USEC USEC_PER_SEC
#define RETRY_LAST_USEC (30 * USEC_PER_SEC)
/* All three were missing. */
#define RETRY_NOTHING_USEC (30 * USEC_PER_SEC)
/* Anything but the best is looked at again: the cluster may have been upgraded. */
#define LOOK_AGAIN_USEC (600 * USEC_PER_SEC)
/* A single 404 for what the group's document names may come from a proxy in between. */
#define MISSING_NAMED 2
#define MISSING_UNNAMED 1

struct Discovery {
        HttpClient *http; /* borrowed */
        DiscoveryDecided decided;
        void *userdata;
        sd_event_source *timer; /* owned */
        Fetch *fetch; /* owned; NULL = none runs */
        uint64_t delay_usec;
        unsigned missing[_ENDPOINTS_API_MAX]; /* how often the server answered 404 */
        bool waiting; /* the timer runs, because the server did not answer */
        char error[256];
};

static const struct {
        const char *name;
        const char *version; /* in the group's document; NULL = core */
} endpoints_api_table[_ENDPOINTS_API_MAX] = {
        [ENDPOINTS_API_SLICES_V1] = { "discovery.k8s.io/v1", "v1" },
        [ENDPOINTS_API_SLICES_V1BETA1] = { "discovery.k8s.io/v1beta1", "v1beta1" },
        [ENDPOINTS_API_ENDPOINTS] = { "v1 Endpoints", NULL },
};

const char *endpoints_api_to_string(EndpointsApi api) {
        return api >= 0 && api < _ENDPOINTS_API_MAX ? endpoints_api_table[api].name : NULL;
}

/* Bits of the APIs that the group's document names, and of Endpoints, which every server has. */
static unsigned discovery_read_group(json_object *group) {
        json_object *versions = json_member(group, "versions");
        unsigned found = 1U << ENDPOINTS_API_ENDPOINTS;

        if (!json_object_is_type(versions, json_type_array))
                return found;
        for (size_t i = 0; i < json_object_array_length(versions); i++) {
                json_object *version = json_member(json_object_array_get_idx(versions, i), "version");

                if (!json_object_is_type(version, json_type_string))
                        continue;
                for (EndpointsApi api = 0; api < ENDPOINTS_API_ENDPOINTS; api++)
                        if (strcmp(json_object_get_string(version), endpoints_api_table[api].version) == 0)
                                found |= 1U << api;
        }
        return found;
}

static void discovery_arm(Discovery *discovery, uint64_t delay_usec) {
        (void) sd_event_source_set_time_relative(discovery->timer, delay_usec);
        (void) sd_event_source_set_enabled(discovery->timer, SD_EVENT_ONESHOT);
}

static void discovery_retry(Discovery *discovery, const char *message) {
        bool news = strcmp(discovery->error, message) != 0;

        if (news) {
                (void) snprintf(discovery->error, sizeof(discovery->error), "%s", message);
                log_warning("Failed to ask which API has the endpoints: %s; retrying", discovery->error);
        }
        discovery->delay_usec = MIN2(MAX2(2 * discovery->delay_usec, RETRY_FIRST_USEC), RETRY_LAST_USEC);
        discovery->waiting = true;
        discovery_arm(discovery, discovery->delay_usec);
}

/* `named`: bits of what the group's document names, with `known`; else it could not be read. */
static bool discovery_is_usable(const Discovery *discovery, EndpointsApi api, unsigned named, bool known) {
        if (known && !(named & (1U << api)))
                return false;
        return discovery->missing[api] < (known && api != ENDPOINTS_API_ENDPOINTS ? MISSING_NAMED : MISSING_UNNAMED);
}

static void discovery_decide(Discovery *discovery, unsigned named, bool known) {
        discovery->error[0] = '\0';
        discovery->delay_usec = 0;
        for (EndpointsApi api = 0; api < _ENDPOINTS_API_MAX; api++)
                if (discovery_is_usable(discovery, api, named, known)) {
                        if (api != ENDPOINTS_API_SLICES_V1)
                                discovery_arm(discovery, LOOK_AGAIN_USEC);
                        discovery->decided(api, discovery->userdata);
                        return;
                }
        log_warning("The API server has neither EndpointSlices nor Endpoints; looking again in %d s",
                    (int) (RETRY_NOTHING_USEC / USEC_PER_SEC));
        discovery_found(discovery);
        discovery_arm(discovery, RETRY_NOTHING_USEC);
}

static void on_group(const FetchResult *result, void *userdata) {
        Discovery *discovery = userdata;
        char message[64];

        discovery->fetch = NULL;
        if (result->status == 200 && result->body)
                discovery_decide(discovery, discovery_read_group(result->body), /* known= */ true);
        else if (result->status == 404 || result->status == 403)
                discovery_decide(discovery, 0, /* known= */ false);
        else if (result->status == 0)
                discovery_retry(discovery, result->message ? result->message : "there was no answer");
        else {
                (void) snprintf(message, sizeof(message), "HTTP status %u", result->status);
                discovery_retry(discovery, message);
        }
}

void discovery_start(Discovery *discovery) {
        int r;

        (void) sd_event_source_set_enabled(discovery->timer, SD_EVENT_OFF);
        discovery->waiting = false;
        if (discovery->fetch)
                return;
        r = fetch_start(discovery->http, HTTP_MODE_SHORT, "/apis/discovery.k8s.io", on_group, discovery, &discovery->fetch);
        if (r < 0)
                discovery_retry(discovery, strerror(-r));
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        discovery_start(userdata);
        return 0;
}

void discovery_missing(Discovery *discovery, EndpointsApi api) {
        discovery->missing[api]++;
        discovery_start(discovery);
}

void discovery_found(Discovery *discovery) {
        memset(discovery->missing, 0, sizeof(discovery->missing));
}

void discovery_kick(Discovery *discovery) {
        if (discovery->waiting)
                discovery_start(discovery);
}

const char *discovery_error(const Discovery *discovery) {
        return discovery->error;
}

int discovery_new(sd_event *event,
                  int64_t priority,
                  HttpClient *http,
                  DiscoveryDecided decided,
                  void *userdata,
                  Discovery **ret) {
        _cleanup_(discovery_freep) Discovery *discovery = calloc(1, sizeof(Discovery));
        int r;

        if (!discovery)
                return -ENOMEM;
        discovery->http = http;
        discovery->decided = decided;
        discovery->userdata = userdata;
        r = sd_event_add_time_relative(event, &discovery->timer, CLOCK_MONOTONIC, 0, 0, on_timer, discovery);
        if (r >= 0)
                r = sd_event_source_set_enabled(discovery->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(discovery->timer, priority);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(discovery->timer, "api-discovery");
        *ret = TAKE_PTR(discovery);
        return 0;
}

Discovery *discovery_free(Discovery *discovery) {
        if (!discovery)
                return NULL;
        (void) fetch_cancel(discovery->fetch);
        (void) sd_event_source_disable_unref(discovery->timer);
        free(discovery);
        return NULL;
}
