/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/api-resource.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/log.h"

struct ApiResource {
        ApiResourceContext context;
        FeedKind kind;
        Reflector *reflector; /* owned */
        HttpTransfer *transfer; /* owned; NULL = no request runs */
        sd_event_source *timer; /* owned */
        uint64_t seed; /* of the random numbers */
};

static uint64_t api_resource_now(void *userdata) {
        ApiResource *resource = userdata;
        uint64_t now = 0;

        (void) sd_event_now(resource->context.event, CLOCK_MONOTONIC, &now);
        return now;
}

/* ---- the transfer's end of it */

static void on_sent(void *userdata) {
        ApiResource *resource = userdata;

        reflector_sent(resource->reflector);
}

static void on_response(unsigned status, uint64_t retry_after_usec, void *userdata) {
        ApiResource *resource = userdata;

        resource->context.heard(resource->context.userdata);
        reflector_response(resource->reflector, status, retry_after_usec);
}

static int on_data(const char *bytes, size_t size, void *userdata) {
        ApiResource *resource = userdata;

        resource->context.heard(resource->context.userdata);
        return reflector_data(resource->reflector, bytes, size);
}

static void on_done(int error, const char *message, void *userdata) {
        ApiResource *resource = userdata;
        ReflectorStatus status;

        resource->transfer = NULL; /* the client frees it */
        /* New connections are wanted: for a watch that is as if the server had ended it. */
        reflector_done(resource->reflector, error == -ESTALE ? 0 : error, message);
        reflector_status(resource->reflector, &status);
        /* The server, or another address of it, may answer on a new connection. */
        if (error == -ECONNABORTED)
                reflector_kick(resource->reflector, REFLECTOR_WAITS_FOR_SERVER);
        if (status.failure == -EACCES && http_client_renew_token(resource->context.http))
                reflector_kick(resource->reflector, REFLECTOR_WAITS_FOR_CREDENTIALS);
}

/* ---- what the reflector asks for */

static int on_request(ReflectorRequest kind, const char *path, void *userdata) {
        static const HttpHandlers handlers = { .sent = on_sent, .response = on_response, .data = on_data, .done = on_done };
        ApiResource *resource = userdata;

        return http_client_get(resource->context.http,
                               kind == REFLECTOR_REQUEST_WATCH ? HTTP_MODE_WATCH : HTTP_MODE_SHORT,
                               path,
                               &handlers,
                               resource,
                               &resource->transfer);
}

static void on_cancel(void *userdata) {
        ApiResource *resource = userdata;

        resource->transfer = http_transfer_cancel(resource->transfer);
}

static void on_arm(uint64_t delay_usec, void *userdata) {
        ApiResource *resource = userdata;

        if (delay_usec == USEC_INFINITY) {
                (void) sd_event_source_set_enabled(resource->timer, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time_relative(resource->timer, delay_usec);
        (void) sd_event_source_set_enabled(resource->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        ApiResource *resource = userdata;

        reflector_timer(resource->reflector);
        return 0;
}

/* splitmix64: it only has to spread nodes over time. */
static uint32_t on_random(void *userdata) {
        ApiResource *resource = userdata;
        uint64_t z = resource->seed += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return (uint32_t) ((z ^ (z >> 31)) >> 32);
}

static void on_begin(void *userdata) {
        ApiResource *resource = userdata;

        feed_list_begin(resource->context.feed, resource->kind);
        store_list_begin(resource->context.store, OBJECT_SOURCE_API, feed_kind_to_object(resource->kind));
}

/* What is left out shows in the status. */
static int api_resource_fed(ApiResource *resource, size_t n_unreadable_before, int r) {
        if (feed_n_unreadable(resource->context.feed, NULL) != n_unreadable_before)
                resource->context.changed(/* listed= */ false, resource->context.userdata);
        return r;
}

static int on_put(json_object *object, void *userdata) {
        ApiResource *resource = userdata;
        size_t n = feed_n_unreadable(resource->context.feed, NULL);

        return api_resource_fed(resource, n, feed_put(resource->context.feed, resource->kind, object));
}

static int on_remove(json_object *object, void *userdata) {
        ApiResource *resource = userdata;
        size_t n = feed_n_unreadable(resource->context.feed, NULL);

        return api_resource_fed(resource, n, feed_remove(resource->context.feed, resource->kind, object));
}

static int on_reject(const char *text, size_t size, const char *reason, void *userdata) {
        ApiResource *resource = userdata;
        size_t n = feed_n_unreadable(resource->context.feed, NULL);

        return api_resource_fed(resource, n, feed_reject(resource->context.feed, resource->kind, text, size, reason));
}

static void on_end(void *userdata) {
        ApiResource *resource = userdata;

        store_list_end(resource->context.store, OBJECT_SOURCE_API, feed_kind_to_object(resource->kind));
        feed_list_end(resource->context.feed, resource->kind);
        resource->context.changed(/* listed= */ true, resource->context.userdata);
}

static void on_changed(void *userdata) {
        ApiResource *resource = userdata;

        resource->context.changed(/* listed= */ false, resource->context.userdata);
}

static const ReflectorOps api_resource_ops = {
        .request = on_request,
        .cancel = on_cancel,
        .arm = on_arm,
        .now = api_resource_now,
        .random = on_random,
        .begin = on_begin,
        .put = on_put,
        .remove = on_remove,
        .reject = on_reject,
        .end = on_end,
        .changed = on_changed,
};

/* ---- the resource */

void api_resource_start(ApiResource *resource) {
        reflector_start(resource->reflector);
}

void api_resource_kick(ApiResource *resource, ReflectorWaitsFor what) {
        reflector_kick(resource->reflector, what);
}

void api_resource_status(const ApiResource *resource, ReflectorStatus *ret) {
        reflector_status(resource->reflector, ret);
}

int api_resource_new(const ApiResourceContext *context,
                     FeedKind kind,
                     const ReflectorConfig *config,
                     ApiResource **ret) {
        _cleanup_(api_resource_freep) ApiResource *resource = calloc(1, sizeof(ApiResource));
        int r;

        if (!resource)
                return -ENOMEM;
        resource->context = *context;
        resource->kind = kind;
        if (getrandom(&resource->seed, sizeof(resource->seed), GRND_NONBLOCK) < 0)
                resource->seed = (uint64_t) getpid() ^ (uint64_t) time(NULL);
        r = reflector_new(config, &api_resource_ops, resource, &resource->reflector);
        if (r >= 0)
                r = sd_event_add_time_relative(context->event, &resource->timer, CLOCK_MONOTONIC, 0, 0, on_timer, resource);
        if (r >= 0)
                r = sd_event_source_set_enabled(resource->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(resource->timer, context->priority);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(resource->timer, config->kind);
        *ret = TAKE_PTR(resource);
        return 0;
}

ApiResource *api_resource_free(ApiResource *resource) {
        if (!resource)
                return NULL;
        (void) http_transfer_cancel(resource->transfer);
        (void) sd_event_source_disable_unref(resource->timer);
        (void) reflector_free(resource->reflector);
        free(resource);
        return NULL;
}
