/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/message-header.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define MESSAGE_SIZE_MAX ((uint64_t) 128 * 1024 * 1024)
#define TYPE_METHOD_CALL 1
#define TYPE_METHOD_RETURN 2
#define TYPE_ERROR 3
#define FLAG_NO_REPLY_EXPECTED 0x1
#define FIELD_SENDER 7

enum { AT_ENDIAN = 0, AT_TYPE = 1, AT_FLAGS = 2, AT_VERSION = 3, AT_BODY_SIZE = 4, AT_SERIAL = 8, AT_FIELDS_SIZE = 12 };

/* Where a field is read, in front of the end of all of them. */
typedef struct Cursor {
        const uint8_t *data; /* borrowed */
        size_t at, end;
} Cursor;

static uint32_t read_uint32(const uint8_t *data, size_t at) {
        uint32_t value;

        memcpy(&value, data + at, sizeof(value));
        return data[AT_ENDIAN] == 'l' ? le32toh(value) : be32toh(value);
}

static size_t align(size_t n, size_t to) {
        return (n + to - 1) / to * to;
}

int message_header_size(const uint8_t data[static MESSAGE_HEADER_FIXED], uint64_t *ret) {
        uint64_t size;

        if ((data[AT_ENDIAN] != 'l' && data[AT_ENDIAN] != 'B') || data[AT_VERSION] != 1 || read_uint32(data, AT_SERIAL) == 0)
                return -EBADMSG;
        size = align(MESSAGE_HEADER_FIXED + (size_t) read_uint32(data, AT_FIELDS_SIZE), 8) + read_uint32(data, AT_BODY_SIZE);
        if (size > MESSAGE_SIZE_MAX)
                return -EBADMSG;
        *ret = size;
        return 0;
}

/* A string, or a signature, whose size has one byte; its end is behind its NUL. -EBADMSG. */
static int cursor_read_text(Cursor *cursor, bool short_size, const char **ret) {
        size_t begin, n;

        if (!short_size)
                cursor->at = align(cursor->at, 4);
        begin = cursor->at + (short_size ? 1 : 4);
        if (begin > cursor->end)
                return -EBADMSG;
        n = short_size ? cursor->data[cursor->at] : read_uint32(cursor->data, cursor->at);
        if (n >= cursor->end - begin || cursor->data[begin + n] != '\0')
                return -EBADMSG;
        cursor->at = begin + n + 1;
        *ret = (const char *) cursor->data + begin;
        return 0;
}

/* Of a basic type that is no text; so many bytes are its alignment too. 0 = it is none. */
static size_t fixed_size(char type) {
        switch (type) {
        case 'y':
                return 1;
        case 'n':
        case 'q':
                return 2;
        case 'b':
        case 'i':
        case 'u':
        case 'h':
                return 4;
        case 'x':
        case 't':
        case 'd':
                return 8;
        default:
                return 0;
        }
}

/* One "(yv)" of a basic type: those of the specification are, and who adds others may be passed on. *ret_text is NULL where it
 * is a number. -EBADMSG. */
static int cursor_read_field(Cursor *cursor, uint8_t *ret_field, const char **ret_text) {
        const char *signature;
        size_t size;
        int r;

        *ret_text = NULL;
        cursor->at = align(cursor->at, 8);
        if (cursor->at >= cursor->end)
                return -EBADMSG;
        *ret_field = cursor->data[cursor->at++];
        r = cursor_read_text(cursor, /* short_size= */ true, &signature);
        if (r < 0)
                return r;
        if (strlen(signature) != 1)
                return -EBADMSG;
        size = fixed_size(signature[0]);
        if (size > 0) {
                cursor->at = align(cursor->at, size) + size;
                return cursor->at <= cursor->end ? 0 : -EBADMSG;
        }
        if (!strchr("sog", signature[0]))
                return -EBADMSG;
        return cursor_read_text(cursor, signature[0] == 'g', ret_text);
}

int message_header_read(const uint8_t *data, size_t size, MessageHeader *ret) {
        Cursor cursor = { .data = data, .at = MESSAGE_HEADER_FIXED };
        uint64_t whole;
        int r = size < MESSAGE_HEADER_FIXED ? -ENODATA : message_header_size(data, &whole);

        if (r < 0)
                return r;
        *ret = (MessageHeader) {
                .is_call = data[AT_TYPE] == TYPE_METHOD_CALL,
                .is_reply = data[AT_TYPE] == TYPE_METHOD_RETURN || data[AT_TYPE] == TYPE_ERROR,
                .wants_answer = !(data[AT_FLAGS] & FLAG_NO_REPLY_EXPECTED),
                .serial = read_uint32(data, AT_SERIAL),
        };
        cursor.end = MESSAGE_HEADER_FIXED + read_uint32(data, AT_FIELDS_SIZE);
        if (cursor.end > size)
                return -ENODATA;
        while (r >= 0 && cursor.at < cursor.end) {
                const char *text;
                uint8_t field;

                r = cursor_read_field(&cursor, &field, &text);
                if (r < 0 || field != FIELD_SENDER || !text)
                        continue;
                if (strlen(text) >= sizeof(ret->sender))
                        return -EBADMSG;
                memcpy(ret->sender, text, strlen(text) + 1);
        }
        return r;
}
