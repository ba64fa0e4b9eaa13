/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/json-parse.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/macros.h"

/* ---- a parser that is given its text in parts */

typedef struct JsonParser {
        json_tokener *tokener; /* owned */
        json_object *object; /* owned; set when the value is complete */
} JsonParser;

static bool is_space(char c) {
        return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int parser_begin(JsonParser *parser) {
        *parser = (JsonParser) { .tokener = json_tokener_new_ex(JSON_DEPTH_MAX) };
        return parser->tokener ? 0 : -ENOMEM;
}

static int parser_feed(JsonParser *parser, const char *text, size_t size) {
        size_t used = 0;

        if (size == 0)
                return 0;
        if (size > INT32_MAX)
                return -EBADMSG;
        if (!parser->object) {
                enum json_tokener_error error;

                parser->object = json_tokener_parse_ex(parser->tokener, text, (int) size);
                error = json_tokener_get_error(parser->tokener);
                if (error == json_tokener_continue)
                        return 0;
                if (error == json_tokener_error_depth)
                        return -EMLINK;
                if (error != json_tokener_success || !parser->object)
                        return -EBADMSG;
                used = json_tokener_get_parse_end(parser->tokener);
        }
        while (used < size && is_space(text[used]))
                used++;
        return used < size ? -EBADMSG : 0;
}

/* `r`: of the feeding. */
static int parser_end(JsonParser *parser, int r, json_object **ret) {
        json_tokener_free(parser->tokener);
        if (r >= 0 && parser->object) {
                *ret = parser->object;
                return 0;
        }
        (void) json_object_put(parser->object);
        return r < 0 ? r : -EBADMSG;
}

int json_parse(const char *text, size_t size, json_object **ret) {
        JsonParser parser;
        int r = parser_begin(&parser);

        return r < 0 ? r : parser_end(&parser, parser_feed(&parser, text, size), ret);
}

/* ---- what is left out */

typedef struct Span {
        const char *text;
        size_t size;
} Span;

static bool span_is(Span span, const char *text) {
        return span.size == strlen(text) && memcmp(span.text, text, span.size) == 0;
}

/* By section of the object and member of that. */
static bool member_is_unread(Span section, Span member) {
        static const char *const unread[][2] = {
                { "metadata", "managedFields" }, { "metadata", "ownerReferences" }, { "metadata", "finalizers" },
                { "spec", "selector" },          { "status", "images" },            { "status", "nodeInfo" },
                { "status", "capacity" },        { "status", "allocatable" },       { "status", "volumesInUse" },
                { "status", "volumesAttached" }, { "status", "conditions" },
        };

        for (size_t i = 0; i < ELEMENTSOF(unread); i++)
                if (span_is(member, unread[i][1]) && span_is(section, unread[i][0]))
                        return true;
        return false;
}

/* Behind the closing quote of the string that begins at `p`. */
static const char *skip_string(const char *p, const char *end) {
        for (p++; p < end; p++)
                if (*p == '\\')
                        p++;
                else if (*p == '"')
                        return p + 1;
        return end;
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
                p++;
        }
        return end;
}

/* An object's sections are one level deep, those of the object in a watch event two. */
#define SECTION_DEPTH_MAX 3

typedef struct Pruner {
        JsonParser parser;
        const char *start; /* what was not given to the parser so far */
        size_t depth; /* brackets that are open */
        Span keys[SECTION_DEPTH_MAX + 1]; /* by depth: the last string, which is a key if a colon follows */
} Pruner;

static bool pruner_is_at_unread(const Pruner *pruner) {
        if (pruner->depth == 2)
                return member_is_unread(pruner->keys[1], pruner->keys[2]);
        return pruner->depth == 3 && span_is(pruner->keys[1], "object") &&
               member_is_unread(pruner->keys[2], pruner->keys[3]);
}

static const char *pruner_string(Pruner *pruner, const char *p, const char *end) {
        const char *behind = skip_string(p, end);

        if (pruner->depth <= SECTION_DEPTH_MAX)
                pruner->keys[pruner->depth] = (Span) { p + 1, (size_t) (behind - p) - 2 };
        return behind;
}

/* At the colon behind a key. */
static int pruner_member(Pruner *pruner, const char *colon, const char *end, const char **ret) {
        static const char null[] = "null";
        int r;

        *ret = colon + 1;
        if (!pruner_is_at_unread(pruner))
                return 0;
        *ret = skip_value(colon + 1, end);
        r = parser_feed(&pruner->parser, pruner->start, (size_t) (colon + 1 - pruner->start));
        if (r >= 0)
                r = parser_feed(&pruner->parser, null, strlen(null));
        pruner->start = *ret;
        return r;
}

static int pruner_walk(Pruner *pruner, const char *text, const char *end) {
        const char *p = text;
        int r = 0;

        pruner->start = text;
        while (p < end && r >= 0)
                switch (*p) {
                case '"':
                        p = pruner_string(pruner, p, end);
                        break;
                case ':':
                        r = pruner_member(pruner, p, end, &p);
                        break;
                case '{':
                case '[':
                        pruner->depth++;
                        p++;
                        break;
                case '}':
                case ']':
                        pruner->depth -= pruner->depth > 0; /* of too many the parser will tell */
                        p++;
                        break;
                default:
                        p++;
                }
        return r < 0 ? r : parser_feed(&pruner->parser, pruner->start, (size_t) (end - pruner->start));
}

int json_parse_object(const char *text, size_t size, json_object **ret) {
        Pruner pruner = {};
        int r = parser_begin(&pruner.parser);

        return r < 0 ? r : parser_end(&pruner.parser, pruner_walk(&pruner, text, text + size), ret);
}
