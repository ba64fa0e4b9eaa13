/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/reflector-sink.h"

#include <stdlib.h>

static int on_request(ReflectorRequest kind, const char *path, void *userdata) {
        ((ReflectorSink *) userdata)->requested = true;
        return 0;
}

static void on_cancel(void *userdata) {
        ((ReflectorSink *) userdata)->requested = false;
}

static void on_arm(uint64_t delay_usec, void *userdata) {
}

static uint64_t on_now(void *userdata) {
        return 1000 * USEC_PER_SEC;
}

static uint32_t on_random(void *userdata) {
        return 0;
}

static void on_begin(void *userdata) {
        ReflectorSink *sink = userdata;

        store_list_begin(sink->store, OBJECT_SOURCE_API, feed_kind_to_object(sink->kind));
}

static int on_put(json_object *object, void *userdata) {
        ReflectorSink *sink = userdata;

        return feed_put(sink->feed, sink->kind, object);
}

static int on_remove(json_object *object, void *userdata) {
        ReflectorSink *sink = userdata;

        return feed_remove(sink->feed, sink->kind, object);
}

static int on_reject(const char *text, size_t size, const char *reason, void *userdata) {
        ReflectorSink *sink = userdata;

        return feed_reject(sink->feed, sink->kind, text, size, reason);
}

static void on_end(void *userdata) {
        ReflectorSink *sink = userdata;

        store_list_end(sink->store, OBJECT_SOURCE_API, feed_kind_to_object(sink->kind));
}

static void on_changed(void *userdata) {
}

static const ReflectorOps ops = {
        .request = on_request,
        .cancel = on_cancel,
        .arm = on_arm,
        .now = on_now,
        .random = on_random,
        .begin = on_begin,
        .put = on_put,
        .remove = on_remove,
        .reject = on_reject,
        .end = on_end,
        .changed = on_changed,
};

void reflector_sink_restart(ReflectorSink *sink, FeedKind kind, bool stream) {
        ReflectorConfig config = {
                .kind = feed_kind_to_string(kind),
                .path = "/objects",
                .selector = "",
                .stream = stream,
        };

        (void) reflector_free(sink->reflector);
        sink->kind = kind;
        sink->requested = false;
        if (reflector_new(&config, &ops, sink, &sink->reflector) < 0)
                abort();
        reflector_start(sink->reflector);
}

void reflector_sink_init(ReflectorSink *sink, FeedKind kind, bool stream) {
        *sink = (ReflectorSink) {};
        if (store_new(NULL, NULL, &sink->store) < 0 || feed_new(sink->store, OBJECT_SOURCE_API, 0, &sink->feed) < 0)
                abort();
        reflector_sink_restart(sink, kind, stream);
}

void reflector_sink_done(ReflectorSink *sink) {
        (void) reflector_free(sink->reflector);
        (void) feed_free(sink->feed);
        while (store_take_dirty(sink->store))
                ;
        (void) store_free(sink->store);
}

void reflector_sink_answer(ReflectorSink *sink, unsigned status, const char *body, size_t size, size_t chunk) {
        int r = 0;

        if (!sink->requested)
                return;
        sink->requested = false;
        reflector_response(sink->reflector, status, 0);
        for (size_t i = 0; i < size && r >= 0; i += chunk)
                r = reflector_data(sink->reflector, body + i, MIN2(chunk, size - i));
        reflector_done(sink->reflector, r < 0 ? r : 0, NULL);
}
