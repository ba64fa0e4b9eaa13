/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TEXT_FIRST_SIZE 512

void text_done(Text *text) {
        free(text->data);
        *text = (Text) {};
}

void text_clear(Text *text) {
        text->size = 0;
}

/* Room for `size` bytes and a NUL. */
static bool text_reserve(Text *text, size_t size) {
        size_t n = MAX2(text->n_allocated, (size_t) TEXT_FIRST_SIZE);
        char *bigger;

        if (text->failed)
                return false;
        if (text->n_allocated - text->size > size)
                return true;
        while (n - text->size <= size)
                n *= 2;
        bigger = realloc(text->data, n);
        if (!bigger) {
                text->failed = true;
                return false;
        }
        text->data = bigger;
        text->n_allocated = n;
        return true;
}

void text_put_bytes(Text *text, const char *bytes, size_t size) {
        if (!text_reserve(text, size))
                return;
        memcpy(text->data + text->size, bytes, size);
        text->size += size;
        text->data[text->size] = '\0';
}

void text_put(Text *text, const char *string) {
        text_put_bytes(text, string, strlen(string));
}

void text_putf(Text *text, const char *format, ...) {
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(NULL, 0, format, args);
        va_end(args);
        if (n < 0 || !text_reserve(text, (size_t) n))
                return;
        va_start(args, format);
        (void) vsnprintf(text->data + text->size, (size_t) n + 1, format, args);
        va_end(args);
        text->size += (size_t) n;
}

/* Without printf: a scrape of a large cluster writes a hundred thousand of them. */
void text_put_uint(Text *text, uint64_t number) {
        char digits[20];
        size_t i = sizeof(digits);

        do {
                digits[--i] = (char) ('0' + number % 10);
                number /= 10;
        } while (number > 0);
        text_put_bytes(text, digits + i, sizeof(digits) - i);
}

void text_put_seconds(Text *text, uint64_t usec) {
        char fraction[8];
        size_t n = 7;

        text_put_uint(text, usec / USEC_PER_SEC);
        if (usec % USEC_PER_SEC == 0)
                return;
        (void) snprintf(fraction, sizeof(fraction), ".%06u", (unsigned) (usec % USEC_PER_SEC));
        while (fraction[n - 1] == '0')
                n--;
        text_put_bytes(text, fraction, n);
}

void text_put_json(Text *text, const char *string) {
        text_put(text, "\"");
        for (const char *s = string; *s; s++) {
                if (*s == '"' || *s == '\\')
                        text_put_bytes(text, "\\", 1);
                if ((unsigned char) *s < ' ')
                        text_putf(text, "\\u%04x", (unsigned) *s);
                else
                        text_put_bytes(text, s, 1);
        }
        text_put(text, "\"");
}

void text_put_json_time(Text *text, uint64_t usec) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;
        char date[32];

        if (usec == 0 || !gmtime_r(&seconds, &tm) || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
                text_put(text, "\"0001-01-01T00:00:00Z\"");
                return;
        }
        text_putf(text, "\"%s", date);
        if (usec % USEC_PER_SEC > 0) {
                size_t n = text->size;

                text_put_seconds(text, usec % USEC_PER_SEC); /* "0.123" without its 0 */
                if (!text->failed) {
                        memmove(text->data + n, text->data + n + 1, text->size - n);
                        text->size--;
                }
        }
        text_put(text, "Z\"");
}

char *text_take(Text *text) {
        char *data = NULL;

        if (!text->failed && text_reserve(text, 0)) {
                text->data[text->size] = '\0';
                data = TAKE_PTR(text->data);
        }
        text_done(text);
        return data;
}
