/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts a body that arrives in chunks of any size into single JSON objects, so that no more than one of them is in
 * memory: the items of a list, wherever `items` stands among its members, or the objects of a watch stream one behind
 * the other. It only counts brackets and strings; whether a piece is JSON is for the parser that gets it. An object
 * above the limit is skipped and reported, and the rest goes on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json_types.h>

typedef enum JsonSplitMode {
        JSON_SPLIT_LIST, /* one object; each element of its `items` is given out, the rest is the envelope */
        JSON_SPLIT_STREAM, /* objects with nothing or white space between them */
} JsonSplitMode;

/* Bytes of one object; etcd's own limit for a request is 1.5 MiB. */
#define JSON_OBJECT_MAX (8U << 20)
/* All of a list but its items */
#define JSON_ENVELOPE_MAX (64U << 10)
/* What is given out of an object that is larger than allowed */
#define JSON_CUT_SIZE 4096U

/*
 * One piece. `cut`: it was above JSON_OBJECT_MAX, and `text` is its beginning. A negative return ends the feeding and is
 * forwarded.
 */
typedef int (*JsonSplitHandler)(const char *text, size_t size, bool cut, void *userdata);

typedef struct JsonSplitBuffer {
        char *bytes; /* owned */
        size_t size, allocated;
} JsonSplitBuffer;

/* Embedded by value. */
typedef struct JsonSplit {
        JsonSplitMode mode;
        JsonSplitHandler handler;
        void *userdata;
        size_t max_size; /* JSON_OBJECT_MAX; smaller in tests */
        JsonSplitBuffer piece, envelope;
        size_t depth;
        bool in_string, escaped, in_items, in_piece, cut, complete;
        bool items_follow; /* `"items":` was just read */
        char key[8]; /* the last string one level deep, if it fits */
        size_t key_size;
} JsonSplit;

void json_split_init(JsonSplit *split, JsonSplitMode mode, JsonSplitHandler handler, void *userdata);
void json_split_done(JsonSplit *split);

/* -EBADMSG: not what it should be; -E2BIG: too much besides the items; -ENOMEM; or what the handler returned. */
int json_split_feed(JsonSplit *split, const char *bytes, size_t size);

/* At the end of the body: -EPIPE if it ends inside of an object, or before the list's end. */
int json_split_end(const JsonSplit *split);

/* A list's members, `items` being empty. -EBADMSG, -ENOMEM. */
int json_split_envelope(const JsonSplit *split, json_object **ret);
