/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects in JSON go into the store through here. What cannot be understood is reported once for each resourceVersion,
 * with its name and the reason, and left out; if the store has an older version of it, that one stays, because taking a
 * working service away for somebody's typing error helps nobody.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_types.h>

#include "common/hash.h"
#include "common/macros.h"
#include "model/store.h"

/* What a JSON object is to be read as. */
typedef enum FeedKind {
        FEED_KIND_SERVICE,
        FEED_KIND_ENDPOINT_SLICE, /* discovery v1 or v1beta1 */
        FEED_KIND_ENDPOINTS, /* core v1; becomes EndpointSlices */
        FEED_KIND_NODE,
        FEED_KIND_CLUSTER_NODE, /* the same, one of all */
        _FEED_KIND_MAX,
} FeedKind;

/* "Service", "EndpointSlice", "Endpoints", "Node", "Node": also the `kind` in JSON */
const char *feed_kind_to_string(FeedKind kind);
ObjectKind feed_kind_to_object(FeedKind kind);

typedef struct Feed Feed;

/* `flags`: DECODE_… */
int feed_new(Store *store /* borrowed */, ObjectSource source, unsigned flags, Feed **ret);
Feed *feed_free(Feed *feed);
DEFINE_CLEANUP(Feed *, feed_free);

/*
 * For objects out of files: `place` is put before reports, such as "file:12: ", and `version` tells states of the file from
 * each other, for reports are made once a version. NULL for neither. Borrowed until the next call.
 */
void feed_set_place(Feed *feed, const char *place, const char *version);

/* The object is new, or changed. 1 = it changed something, 0 = it did not or was reported; -ENOMEM. */
int feed_put(Feed *feed, FeedKind kind, json_object *object);
/* It is gone. As above. */
int feed_remove(Feed *feed, FeedKind kind, json_object *object);
/* It could not be parsed for `reason`; `text` is its beginning, in which names are looked for. */
int feed_reject(Feed *feed, FeedKind kind, const char *text, size_t size, const char *reason);

/* The first FeedKind whose name is `text`, or _FEED_KIND_MAX. */
FeedKind feed_kind_from_string(const char *text);

/* How often an object was left out or in part, repetitions not counted. */
uint64_t feed_n_reported(const Feed *feed);

/* Around a complete list: what was reported of objects that are not in it is forgotten; _keep() for those that stay unread. */
void feed_list_begin(Feed *feed, FeedKind kind);
void feed_list_keep(Feed *feed, FeedKind kind, const char *namespace, const char *name);
void feed_list_end(Feed *feed, FeedKind kind);

/* Objects that are left out, or read in part, now; at most about 1000. *ret_one (may be NULL): what is wrong with one of them, or "". */
size_t feed_n_unreadable(const Feed *feed, const char **ret_one);
