/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/json-parse.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apiserver/json-scan.h"
#include "common/macros.h"

static bool is_space(char c) {
        return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int parse_with(json_tokener *tokener, const char *text, size_t size, json_object **ret) {
        json_object *object = json_tokener_parse_ex(tokener, text, (int) size);
        enum json_tokener_error error = json_tokener_get_error(tokener);
        size_t used = json_tokener_get_parse_end(tokener);

        while (used < size && is_space(text[used]))
                used++;
        if (error == json_tokener_success && object && used == size) {
                *ret = object;
                return 0;
        }
        (void) json_object_put(object);
        return error == json_tokener_error_depth ? -EMLINK : -EBADMSG;
}

int json_parse(const char *text, size_t size, json_object **ret) {
        json_tokener *tokener;
        int r;

        if (size > INT32_MAX)
                return -EBADMSG;
        tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
        if (!tokener)
                return -ENOMEM;
        r = parse_with(tokener, text, size, ret);
        json_tokener_free(tokener);
        return r;
}

/* ---- what is left out */

typedef struct Span {
        const char *text;
        size_t size;
} Span;

#define SPAN(literal) { literal, sizeof(literal) - 1 }

static bool span_equal(Span a, Span b) {
        return a.size == b.size && memcmp(a.text, b.text, a.size) == 0;
}

/* By the member that it is in and its own name. */
typedef struct Unread {
        Span parent, member;
} Unread;

/* Of the object's own sections */
static const Unread unread_in_object[] = {
        { SPAN("metadata"), SPAN("managedFields") }, { SPAN("metadata"), SPAN("ownerReferences") },
        { SPAN("metadata"), SPAN("finalizers") },    { SPAN("spec"), SPAN("selector") },
        { SPAN("status"), SPAN("images") },          { SPAN("status"), SPAN("nodeInfo") },
        { SPAN("status"), SPAN("capacity") },        { SPAN("status"), SPAN("allocatable") },
        { SPAN("status"), SPAN("volumesInUse") },    { SPAN("status"), SPAN("volumesAttached") },
        { SPAN("status"), SPAN("conditions") },
};

/* Of each of its endpoints: what is read is a pod's name. */
static const Unread unread_in_endpoint[] = {
        { SPAN("targetRef"), SPAN("uid") },
        { SPAN("targetRef"), SPAN("namespace") },
        { SPAN("targetRef"), SPAN("resourceVersion") },
};

static bool unread_find(const Unread *table, size_t n, Span parent, Span member) {
        for (size_t i = 0; i < n; i++)
                if (span_equal(table[i].member, member) && span_equal(table[i].parent, parent))
                        return true;
        return false;
}

/* An endpoint's reference is four brackets deep, in a watch event five. */
#define KEY_DEPTH_MAX 5

typedef struct Pruner {
        const char *end; /* of the text */
        const char *start; /* what was not copied so far */
        char *copy; /* owned */
        size_t size; /* of the copy */
        size_t depth; /* brackets that are open */
        Span keys[KEY_DEPTH_MAX + 1]; /* by depth: the last string, which is a key if a colon follows */
} Pruner;

/*
 * What an endpoint's conditions nearly always say is what is true without them (reference §3.5), and three values and their
 * object for each endpoint are a fourth of what reading a slice takes.
 */
static bool conditions_are_usual(const char *value, const char *end) {
        static const Span usual[] = {
                SPAN("{\"ready\":true,\"serving\":true,\"terminating\":false}"),
                SPAN("{\"ready\":true}"),
        };

        for (size_t i = 0; i < ELEMENTSOF(usual); i++)
                if ((size_t) (end - value) > usual[i].size && memcmp(value, usual[i].text, usual[i].size) == 0)
                        return true;
        return false;
}

/* `keys` are those of an object of the cluster, beginning with its own members'; `depth` is counted from there. */
static bool is_unread(const Span *keys, size_t depth, const char *value, const char *end) {
        static const Span endpoints = SPAN("endpoints"), conditions = SPAN("conditions");

        switch (depth) {
        case 2:
                return unread_find(unread_in_object, ELEMENTSOF(unread_in_object), keys[0], keys[1]);
        case 3:
                return span_equal(keys[2], conditions) && span_equal(keys[0], endpoints) && conditions_are_usual(value, end);
        case 4:
                return span_equal(keys[0], endpoints) &&
                       unread_find(unread_in_endpoint, ELEMENTSOF(unread_in_endpoint), keys[2], keys[3]);
        default:
                return false;
        }
}

static bool pruner_is_at_unread(const Pruner *pruner, const char *value) {
        static const Span object = SPAN("object"); /* of a watch event */

        if (pruner->depth < 2 || pruner->depth > KEY_DEPTH_MAX)
                return false;
        return span_equal(pruner->keys[1], object) ? is_unread(pruner->keys + 2, pruner->depth - 1, value, pruner->end)
                                                   : is_unread(pruner->keys + 1, pruner->depth, value, pruner->end);
}

/* Behind the closing quote of the string that begins at `p`. */
static const char *skip_string(const char *p, const char *end) {
        for (p = json_scan_string(p + 1, end); p < end && *p != '"'; p = json_scan_string(p, end))
                p += *p == '\\' && end - p > 1 ? 2 : 1;
        return p < end ? p + 1 : end;
}

/* To the comma or bracket behind the value that begins at `p`. */
static const char *skip_value(const char *p, const char *end) {
        size_t depth = 0;

        while (p < end) {
                if (*p == '"') {
                        p = skip_string(p, end);
                        continue;
                }
                if (depth == 0 && (*p == ',' || *p == '}' || *p == ']'))
                        return p;
                if (*p == '{' || *p == '[')
                        depth++;
                else if (*p == '}' || *p == ']')
                        depth--;
                p = depth == 0 ? p + 1 : json_scan_structure(p + 1, end);
        }
        return end;
}

static void pruner_append(Pruner *pruner, const char *text, size_t size) {
        memcpy(pruner->copy + pruner->size, text, size);
        pruner->size += size;
}

static const char *pruner_string(Pruner *pruner, const char *p) {
        const char *behind = skip_string(p, pruner->end);

        if (pruner->depth <= KEY_DEPTH_MAX)
                pruner->keys[pruner->depth] = (Span) { p + 1, (size_t) (behind - p) - 2 };
        return behind;
}

/* At the colon behind a key. A value gives way to a null where it is not the shorter of the two: the copy never grows. */
static const char *pruner_member(Pruner *pruner, const char *colon) {
        static const Span null = SPAN("null");
        const char *value = colon + 1, *behind;

        if (!pruner_is_at_unread(pruner, value))
                return value;
        behind = skip_value(value, pruner->end);
        if ((size_t) (behind - value) < null.size)
                return behind;
        pruner_append(pruner, pruner->start, (size_t) (value - pruner->start));
        pruner_append(pruner, null.text, null.size);
        pruner->start = behind;
        return behind;
}

static void pruner_walk(Pruner *pruner, const char *text) {
        const char *p = json_scan_structure(text, pruner->end);

        while (p < pruner->end) {
                if (*p == '"')
                        p = pruner_string(pruner, p);
                else if (*p == ':')
                        p = pruner_member(pruner, p);
                else {
                        if (*p == '{' || *p == '[')
                                pruner->depth++;
                        else
                                pruner->depth -= pruner->depth > 0; /* of too many the parser will tell */
                        p++;
                }
                p = json_scan_structure(p, pruner->end);
        }
        pruner_append(pruner, pruner->start, (size_t) (pruner->end - pruner->start));
}

int json_parse_object(const char *text, size_t size, json_object **ret) {
        Pruner pruner = { .end = text + size, .start = text, .copy = malloc(MAX2(size, (size_t) 1)) };
        int r;

        if (!pruner.copy)
                return -ENOMEM;
        pruner_walk(&pruner, text);
        r = json_parse(pruner.copy, pruner.size, ret);
        free(pruner.copy);
        return r;
}
