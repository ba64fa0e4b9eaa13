/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buffer_done(Buffer *buffer) {
        free(buffer->data);
        *buffer = (Buffer) {};
}

static bool buffer_reserve(Buffer *buffer, size_t size) {
        size_t n = buffer->n_allocated ? buffer->n_allocated : 256;
        char *data;

        if (buffer->failed)
                return false;
        if (buffer->size + size <= buffer->n_allocated)
                return true;
        while (n < buffer->size + size)
                n *= 2;
        data = realloc(buffer->data, n);
        if (!data) {
                buffer->failed = true;
                return false;
        }
        buffer->data = data;
        buffer->n_allocated = n;
        return true;
}

void buffer_append(Buffer *buffer, const void *bytes, size_t size) {
        if (size == 0 || !buffer_reserve(buffer, size))
                return;
        memcpy(buffer->data + buffer->size, bytes, size);
        buffer->size += size;
}

void buffer_text(Buffer *buffer, const char *text) {
        buffer_append(buffer, text, strlen(text));
}

void buffer_printf(Buffer *buffer, const char *format, ...) {
        va_list arguments;
        int n;

        if (!buffer_reserve(buffer, 128))
                return;
        va_start(arguments, format);
        n = vsnprintf(buffer->data + buffer->size, buffer->n_allocated - buffer->size, format, arguments);
        va_end(arguments);
        if (n >= 0 && (size_t) n >= buffer->n_allocated - buffer->size && buffer_reserve(buffer, (size_t) n + 1)) {
                va_start(arguments, format);
                n = vsnprintf(buffer->data + buffer->size, buffer->n_allocated - buffer->size, format, arguments);
                va_end(arguments);
        }
        if (n < 0)
                buffer->failed = true;
        else if (!buffer->failed)
                buffer->size += (size_t) n;
}

void buffer_json_string(Buffer *buffer, const char *text) {
        buffer_text(buffer, "\"");
        for (const char *p = text; *p; p++) {
                unsigned char c = (unsigned char) *p;

                if (c == '"' || c == '\\')
                        buffer_printf(buffer, "\\%c", c);
                else if (c < 0x20)
                        buffer_printf(buffer, "\\u%04x", (unsigned) c);
                else
                        buffer_append(buffer, p, 1);
        }
        buffer_text(buffer, "\"");
}

void buffer_consume(Buffer *buffer, size_t size) {
        if (size < buffer->size)
                memmove(buffer->data, buffer->data + size, buffer->size - size);
        buffer->size -= size;
}

const char *buffer_cstring(Buffer *buffer) {
        if (!buffer_reserve(buffer, 1))
                return NULL;
        buffer->data[buffer->size] = '\0';
        return buffer->data;
}
