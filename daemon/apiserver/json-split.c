/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/json-split.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apiserver/json-parse.h"
#include "apiserver/json-scan.h"
#include "common/macros.h"

/* A buffer that once held a large object is given back behind it. */
#define PIECE_KEEP_MAX (256U << 10)

void json_split_init(JsonSplit *split, JsonSplitMode mode, JsonSplitHandler handler, void *userdata) {
        *split = (JsonSplit) {
                .mode = mode,
                .handler = handler,
                .userdata = userdata,
                .max_size = JSON_OBJECT_MAX,
        };
}

void json_split_done(JsonSplit *split) {
        free(split->piece.bytes);
        free(split->envelope.bytes);
        *split = (JsonSplit) {};
}

static int buffer_append(JsonSplitBuffer *buffer, const char *bytes, size_t size) {
        if (size == 0)
                return 0;
        if (size > buffer->allocated - buffer->size) {
                size_t allocated = MAX2(buffer->size + size, MAX2(buffer->allocated * 2, (size_t) 1024));
                char *bigger = realloc(buffer->bytes, allocated);

                if (!bigger)
                        return -ENOMEM;
                buffer->bytes = bigger;
                buffer->allocated = allocated;
        }
        memcpy(buffer->bytes + buffer->size, bytes, size);
        buffer->size += size;
        return 0;
}

/* ---- where bytes go */

static int json_split_append_piece(JsonSplit *split, const char *bytes, size_t size) {
        JsonSplitBuffer *piece = &split->piece;

        if (!split->cut && size > split->max_size - piece->size) {
                int r = buffer_append(piece, bytes, MIN2(size, split->max_size - piece->size));

                if (r < 0)
                        return r;
                split->cut = true;
        }
        return split->cut ? 0 : buffer_append(piece, bytes, size);
}

static int json_split_append_envelope(JsonSplit *split, const char *bytes, size_t size) {
        if (size > JSON_ENVELOPE_MAX - split->envelope.size)
                return -E2BIG;
        return buffer_append(&split->envelope, bytes, size);
}

/* The run [start, end) belongs to what is read at the moment. */
static int json_split_append(JsonSplit *split, const char *start, const char *end) {
        size_t size = (size_t) (end - start);

        if (size == 0)
                return 0;
        if (split->in_piece)
                return json_split_append_piece(split, start, size);
        if (split->mode == JSON_SPLIT_LIST && !split->in_items)
                return json_split_append_envelope(split, start, size);
        return 0;
}

static int json_split_end_piece(JsonSplit *split) {
        JsonSplitBuffer *piece = &split->piece;
        size_t size = split->cut ? MIN2(piece->size, (size_t) JSON_CUT_SIZE) : piece->size;
        int r = split->handler(piece->bytes, size, split->cut, split->userdata);

        split->in_piece = split->cut = false;
        piece->size = 0;
        if (piece->allocated > PIECE_KEEP_MAX) {
                free(piece->bytes);
                *piece = (JsonSplitBuffer) {};
        }
        return r;
}

/* ---- one byte outside of strings; 1 = a piece begins with it, 2 = one ended before it, 3 = one ends behind it */

enum {
        STEP_PIECE_BEGINS = 1,
        STEP_PIECE_ENDED,
        STEP_PIECE_ENDS,
        STEP_ITEMS_BEGIN,
        STEP_ITEMS_END,
};

static bool is_space(char c) {
        return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int json_split_step_stream(JsonSplit *split, char c) {
        if (split->depth == 0) {
                if (is_space(c))
                        return 0;
                if (c != '{')
                        return -EBADMSG;
                split->depth = 1;
                return STEP_PIECE_BEGINS;
        }
        if (c == '{' || c == '[')
                split->depth++;
        else if ((c == '}' || c == ']') && --split->depth == 0)
                return STEP_PIECE_ENDS;
        return 0;
}

/* Between the brackets of `items`, not inside of an element's own brackets. */
static int json_split_step_items(JsonSplit *split, char c) {
        if (c == ']') {
                split->depth--;
                return STEP_ITEMS_END;
        }
        if (c == ',')
                return split->in_piece ? STEP_PIECE_ENDED : 0;
        if (c == '}')
                return -EBADMSG;
        if (c == '{' || c == '[')
                split->depth++;
        return split->in_piece || is_space(c) ? 0 : STEP_PIECE_BEGINS;
}

/* The members of the list itself. */
static int json_split_step_members(JsonSplit *split, char c) {
        bool items_follow = split->items_follow;

        if (is_space(c))
                return 0;
        split->items_follow = c == ':' && split->key_size == 5 && memcmp(split->key, "items", 5) == 0;
        if (c == '[' && items_follow) {
                split->depth++;
                return STEP_ITEMS_BEGIN;
        }
        if (c == '{' || c == '[')
                split->depth++;
        else if ((c == '}' || c == ']') && --split->depth == 0)
                split->complete = true;
        return 0;
}

static int json_split_step_list(JsonSplit *split, char c) {
        if (split->depth == 0) {
                if (is_space(c))
                        return 0;
                if (c != '{' || split->complete)
                        return -EBADMSG;
                split->depth = 1;
                return 0;
        }
        if (split->in_items && split->depth == 2)
                return json_split_step_items(split, c);
        if (!split->in_items && split->depth == 1)
                return json_split_step_members(split, c);
        if (c == '{' || c == '[')
                split->depth++;
        else if (c == '}' || c == ']')
                split->depth--;
        return 0;
}

/*
 * No control character stands in a string (RFC 8259 §7). In a stream that is how a quote that was lost is noticed: at
 * the end of the line instead of never, for from then on every string would be taken for what is between two of them.
 */
static int json_split_step_string(JsonSplit *split, char c) {
        if ((unsigned char) c < 0x20)
                return -EBADMSG;
        if (split->escaped)
                split->escaped = false;
        else if (c == '\\')
                split->escaped = true;
        else if (c == '"')
                split->in_string = false;
        if (split->depth == 1 && split->in_string && split->key_size <= sizeof(split->key)) {
                if (split->key_size < sizeof(split->key))
                        split->key[split->key_size] = c;
                split->key_size++;
        }
        return 0;
}

/* A string begins: it may be an element, or a member's name. 1 = a piece begins with it. */
static int json_split_begin_string(JsonSplit *split) {
        if (split->depth == 0)
                return -EBADMSG;
        split->in_string = true;
        split->key_size = 0;
        split->items_follow = false;
        return split->in_items && split->depth == 2 && !split->in_piece ? STEP_PIECE_BEGINS : 0;
}

/* Acts on a step at `p`; `*start` is where bytes begin that were not stored yet. */
static int json_split_act(JsonSplit *split, int step, const char **start, const char *p) {
        const char *end = step == STEP_PIECE_ENDS || step == STEP_ITEMS_BEGIN ? p + 1 : p;
        int r = json_split_append(split, *start, end);

        if (r < 0)
                return r;
        *start = end;
        switch (step) {
        case STEP_PIECE_BEGINS:
                split->in_piece = true;
                return 0;
        case STEP_PIECE_ENDED:
                *start = p + 1; /* the comma */
                return json_split_end_piece(split);
        case STEP_PIECE_ENDS:
                return json_split_end_piece(split);
        case STEP_ITEMS_BEGIN:
                split->in_items = true;
                return 0;
        case STEP_ITEMS_END:
                r = split->in_piece ? json_split_end_piece(split) : 0;
                split->in_items = false;
                return r;
        default:
                return -EBADMSG;
        }
}

/*
 * Over what decides nothing where `p` is: text of a string that is no member of the list itself, and what is inside of the
 * brackets of a piece or of another member.
 */
static const char *json_split_pass(const JsonSplit *split, const char *p, const char *end) {
        size_t outermost = split->mode == JSON_SPLIT_STREAM ? 0 : split->in_items ? 2 : 1;

        if (split->in_string)
                return split->depth > 1 && !split->escaped ? json_scan_string(p, end) : p;
        return split->depth > outermost ? json_scan_structure(p, end) : p;
}

int json_split_feed(JsonSplit *split, const char *bytes, size_t size) {
        const char *start = bytes, *end = bytes + size;

        for (const char *p = json_split_pass(split, bytes, end); p < end; p = json_split_pass(split, p + 1, end)) {
                int step;

                if (split->in_string)
                        step = json_split_step_string(split, *p);
                else if (*p == '"')
                        step = json_split_begin_string(split);
                else if (split->mode == JSON_SPLIT_STREAM)
                        step = json_split_step_stream(split, *p);
                else
                        step = json_split_step_list(split, *p);
                if (step > 0)
                        step = json_split_act(split, step, &start, p);
                if (step < 0)
                        return step;
        }
        return json_split_append(split, start, end);
}

int json_split_end(const JsonSplit *split) {
        if (split->mode == JSON_SPLIT_LIST)
                return split->complete ? 0 : -EPIPE;
        return split->depth == 0 && !split->in_string ? 0 : -EPIPE;
}

int json_split_envelope(const JsonSplit *split, json_object **ret) {
        return split->envelope.size > 0 ? json_parse(split->envelope.bytes, split->envelope.size, ret) : -EBADMSG;
}
