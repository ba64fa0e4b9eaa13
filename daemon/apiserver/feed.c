/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/feed.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/decode.h"
#include "apiserver/feed-private.h"

static const struct {
        const char *name;
        ObjectKind object;
} feed_kind_table[_FEED_KIND_MAX] = {
        [FEED_KIND_SERVICE] = { "Service", OBJECT_KIND_SERVICE },
        [FEED_KIND_ENDPOINT_SLICE] = { "EndpointSlice", OBJECT_KIND_ENDPOINT_SLICE },
        [FEED_KIND_ENDPOINTS] = { "Endpoints", OBJECT_KIND_ENDPOINT_SLICE },
        [FEED_KIND_NODE] = { "Node", OBJECT_KIND_NODE },
        [FEED_KIND_CLUSTER_NODE] = { "Node", OBJECT_KIND_CLUSTER_NODE },
};

const char *feed_kind_to_string(FeedKind kind) {
        return kind < _FEED_KIND_MAX ? feed_kind_table[kind].name : NULL;
}

FeedKind feed_kind_from_string(const char *text) {
        FeedKind kind = 0;

        while (kind < _FEED_KIND_MAX && strcmp(text, feed_kind_table[kind].name) != 0)
                kind++;
        return kind;
}

ObjectKind feed_kind_to_object(FeedKind kind) {
        return feed_kind_table[kind].object;
}

static bool feed_kind_is_namespaced(FeedKind kind) {
        return kind != FEED_KIND_NODE && kind != FEED_KIND_CLUSTER_NODE;
}

/* ---- objects */

typedef struct DecodedObject {
        Service *service; /* owned, like all below; at most one is there */
        EndpointSlice *slice;
        Node *node;
        DecodedSlices slices;
} DecodedObject;

static void decoded_object_done(DecodedObject *object) {
        (void) service_free(object->service);
        (void) endpoint_slice_free(object->slice);
        (void) node_free(object->node);
        decoded_slices_done(&object->slices);
}

static int feed_decode(Feed *feed, FeedKind kind, json_object *object, DecodedObject *ret, DecodeReport *report) {
        switch (kind) {
        case FEED_KIND_SERVICE:
                return decode_service(object, feed->flags, &ret->service, report);
        case FEED_KIND_ENDPOINT_SLICE:
                return decode_slice(object, feed->flags, &ret->slice, report);
        case FEED_KIND_ENDPOINTS:
                return decode_endpoints(object, feed->flags, &ret->slices, report);
        case FEED_KIND_NODE:
        case FEED_KIND_CLUSTER_NODE:
                return decode_node(object, &ret->node, report);
        case _FEED_KIND_MAX:
                break;
        }
        return -EINVAL;
}

typedef int (*SliceAction)(Store *store, ObjectSource source, ObjectKind kind, const char *namespace, const char *name);

/*
 * Does something to the slices of an Endpoints object from `numbers` on (of IPv4 and IPv6), until there is none of the
 * number: they are numbered without gaps.
 */
static int feed_each_slice(Feed *feed, const char *namespace, const char *name, const size_t numbers[static 2], SliceAction action) {
        static const int families[] = { AF_INET, AF_INET6 };
        int any = 0, r;

        for (size_t f = 0; f < ELEMENTSOF(families); f++) {
                r = 1;
                for (size_t i = numbers[f]; r > 0; i++) {
                        _cleanup_(freep) char *slice = decoded_slice_name(name, families[f], i);

                        if (!slice)
                                return -ENOMEM;
                        r = action(feed->store, feed->source, OBJECT_KIND_ENDPOINT_SLICE, namespace, slice);
                        if (r < 0)
                                return r;
                        any |= r;
                }
        }
        return any;
}

static int feed_store_slices(Feed *feed, const ObjectMeta *meta, DecodedSlices *slices) {
        size_t numbers[2] = {};
        int any = 0, r;

        for (size_t i = 0; i < slices->n_slices; i++) {
                numbers[slices->slices[i]->family == AF_INET6]++;
                r = store_put_slice(feed->store, feed->source, TAKE_PTR(slices->slices[i]));
                if (r < 0)
                        return r;
                any |= r;
        }
        r = feed_each_slice(feed, meta->namespace, meta->name, numbers, store_remove);
        return r < 0 ? r : any | r;
}

static int feed_store(Feed *feed, FeedKind kind, const ObjectMeta *meta, DecodedObject *object) {
        switch (kind) {
        case FEED_KIND_SERVICE:
                return store_put_service(feed->store, feed->source, TAKE_PTR(object->service));
        case FEED_KIND_ENDPOINT_SLICE:
                return store_put_slice(feed->store, feed->source, TAKE_PTR(object->slice));
        case FEED_KIND_ENDPOINTS:
                return feed_store_slices(feed, meta, &object->slices);
        case FEED_KIND_NODE:
                return store_put_node(feed->store, feed->source, TAKE_PTR(object->node));
        case FEED_KIND_CLUSTER_NODE:
                return store_put_cluster_node(feed->store, feed->source, TAKE_PTR(object->node));
        case _FEED_KIND_MAX:
                break;
        }
        return -EINVAL;
}

/* Keeps (or drops) what the store has of this name. 1 = there was something. */
static int feed_act(Feed *feed, FeedKind kind, const char *namespace, const char *name, SliceAction action) {
        if (kind == FEED_KIND_ENDPOINTS)
                return feed_each_slice(feed, namespace, name, (const size_t[]) { 0, 0 }, action);
        return action(feed->store, feed->source, feed_kind_to_object(kind), namespace, name);
}

static int feed_keep_and_report(Feed *feed,
                                FeedKind kind,
                                const char *namespace,
                                const char *object,
                                const ObjectName *name,
                                const char *reason) {
        int r = *object ? feed_act(feed, kind, namespace, object, store_keep) : 0;

        if (r < 0)
                return r;
        feed_report(feed, name, reason, r > 0 ? "; its last good version stays" : "; it is left out");
        return 0;
}

/* Elements of a list need not say their kind; whoever says one must be it. */
static int feed_check_kind(FeedKind kind, json_object *object, DecodeReport *report) {
        const char *expected = feed_kind_table[kind].name, *text;
        JsonPath path = { .key = "kind" };
        int r = json_read_string(object, "kind", NULL, report, &text);

        if (r < 0 || !text || !*text || strcmp(text, expected) == 0)
                return r;
        return decode_fail(report, &path, "\"%.32s\" is not %s", text, expected);
}

int feed_put(Feed *feed, FeedKind kind, json_object *object) {
        _cleanup_(decoded_object_done) DecodedObject decoded = {};
        DecodeReport report = {};
        ObjectMeta meta = {};
        ObjectName name;
        int r;

        r = decode_meta(object, feed_kind_is_namespaced(kind), feed->flags, &meta, &report);
        if (r < 0) {
                object_name_set(&name, kind, "", "", "");
                feed_report(feed, &name, report.error, "; it is left out");
                return 0;
        }
        object_name_set(&name, kind, meta.namespace, meta.name, meta.version);
        r = feed_check_kind(kind, object, &report);
        if (r >= 0)
                r = feed_decode(feed, kind, object, &decoded, &report);
        if (r == -EBADMSG)
                return feed_keep_and_report(feed, kind, meta.namespace, meta.name, &name, report.error);
        if (r < 0)
                return r;
        if (report.note[0])
                feed_report(feed, &name, report.note, "");
        else
                feed_forget(feed, name.text);
        if (r > 0)
                return feed_act(feed, kind, meta.namespace, meta.name, store_remove);
        return feed_store(feed, kind, &meta, &decoded);
}

int feed_remove(Feed *feed, FeedKind kind, json_object *object) {
        DecodeReport report = {};
        ObjectMeta meta = {};
        ObjectName name;
        int r = decode_meta(object, feed_kind_is_namespaced(kind), feed->flags, &meta, &report);

        if (r < 0) {
                object_name_set(&name, kind, "", "", "");
                feed_report(feed, &name, report.error, "; its deletion is not understood");
                return 0;
        }
        object_name_set(&name, kind, meta.namespace, meta.name, meta.version);
        feed_forget(feed, name.text);
        return feed_act(feed, kind, meta.namespace, meta.name, store_remove);
}

/* The text behind `key`, up to the next quote, if it can be a name. */
static void find_name(const char *text, size_t size, const char *key, char *ret, size_t ret_size) {
        const char *start = memmem(text, size, key, strlen(key));
        size_t n = 0;

        ret[0] = '\0';
        if (!start)
                return;
        start += strlen(key);
        while (start + n < text + size && start[n] != '"')
                n++;
        if (start + n == text + size || n >= ret_size)
                return;
        memcpy(ret, start, n);
        ret[n] = '\0';
        if (ret[strspn(ret, "abcdefghijklmnopqrstuvwxyz0123456789-.")] != '\0')
                ret[0] = '\0';
}

int feed_reject(Feed *feed, FeedKind kind, const char *text, size_t size, const char *reason) {
        const char *metadata = memmem(text, size, "\"metadata\"", strlen("\"metadata\""));
        char namespace[64], object[254];
        ObjectName name;

        if (metadata) {
                size -= (size_t) (metadata - text);
                text = metadata;
        }
        find_name(text, size, "\"namespace\":\"", namespace, sizeof(namespace));
        find_name(text, size, "\"name\":\"", object, sizeof(object));
        object_name_set(&name, kind, namespace, object, "");
        return feed_keep_and_report(feed, kind, namespace, object, &name, reason);
}

void feed_set_place(Feed *feed, const char *place, const char *version) {
        feed->place = place;
        feed->file_version = version;
}

int feed_new(Store *store, ObjectSource source, unsigned flags, Feed **ret) {
        Feed *feed = calloc(1, sizeof(Feed));

        if (!feed)
                return -ENOMEM;
        feed->store = store;
        feed->source = source;
        feed->flags = flags;
        feed->reports.ops = &hash_ops_string;
        *ret = feed;
        return 0;
}

Feed *feed_free(Feed *feed) {
        if (!feed)
                return NULL;
        feed_forget_all(feed);
        free(feed);
        return NULL;
}
