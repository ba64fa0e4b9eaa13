/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "config/config-private.h"

#define QUOTE_MAX 80

char *config_quote(const char *text) {
        _cleanup_(freep) char *quoted = malloc(4 * QUOTE_MAX + 8);
        size_t n = 0;

        if (!quoted)
                return NULL;
        quoted[n++] = '"';
        for (size_t i = 0; text[i] != '\0' && i < QUOTE_MAX; i++) {
                unsigned char c = (unsigned char) text[i];

                if (c < 0x20 || c == 0x7f)
                        n += (size_t) sprintf(quoted + n, "\\x%02x", c);
                else
                        quoted[n++] = (char) c;
        }
        quoted[n++] = '"';
        if (strnlen(text, QUOTE_MAX + 1) > QUOTE_MAX)
                n += (size_t) sprintf(quoted + n, "...");
        quoted[n] = '\0';
        return TAKE_PTR(quoted);
}

/* ---- UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF */

size_t config_utf8_decode(const char *text, uint32_t *ret) {
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        unsigned char first = (unsigned char) text[0];
        size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
        uint32_t value = size == 1 ? first : first & (0x7fU >> size);

        if ((first >= 0x80 && first < 0xc0) || first >= 0xf8)
                return 0;
        for (size_t i = 1; i < size; i++) {
                if ((text[i] & 0xc0) != 0x80)
                        return 0;
                value = value << 6 | ((unsigned char) text[i] & 0x3fU);
        }
        if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
                return 0;
        *ret = value;
        return size;
}

bool config_utf8_valid(const char *text) {
        uint32_t value;
        size_t n;

        while (*text != '\0' && (n = config_utf8_decode(text, &value)) > 0)
                text += n;
        return *text == '\0';
}

/* ---- the nearest word */

#define WORD_MAX 64

static size_t edit_distance(const char *a, const char *b) {
        size_t n_a = strlen(a), n_b = strlen(b);
        size_t row[WORD_MAX + 1];

        if (n_a > WORD_MAX || n_b > WORD_MAX)
                return SIZE_MAX;
        for (size_t k = 0; k <= n_b; k++)
                row[k] = k;
        for (size_t i = 1; i <= n_a; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t k = 1; k <= n_b; k++) {
                        size_t replaced = diagonal + (a[i - 1] != b[k - 1]);

                        diagonal = row[k];
                        row[k] = MIN2(MIN2(row[k], row[k - 1]) + 1, replaced);
                }
        }
        return row[n_b];
}

const char *config_nearest(const char *text, size_t n, const char *(*get)(size_t i), size_t max) {
        size_t least = (max > 0 ? max : MAX2(strlen(text) / 3, (size_t) 1)) + 1;
        const char *nearest = NULL;

        for (size_t i = 0; i < n; i++) {
                const char *word = get(i);
                size_t distance = word ? edit_distance(text, word) : SIZE_MAX;

                if (distance < least) {
                        least = distance;
                        nearest = word;
                }
        }
        return nearest;
}

/* ---- durations */

const char *config_duration_format(uint64_t usec, char buf[static CONFIG_DURATION_STRLEN]) {
        uint64_t seconds = usec / USEC_PER_SEC, fraction = usec % USEC_PER_SEC;
        char text[CONFIG_DURATION_STRLEN] = "";
        size_t n;

        if (usec > 0 && usec < USEC_PER_MSEC) {
                (void) snprintf(buf, CONFIG_DURATION_STRLEN, "%" PRIu64 "us", usec);
                return buf;
        }
        if (usec > 0 && usec < USEC_PER_SEC) {
                seconds = usec / USEC_PER_MSEC;
                fraction = usec % USEC_PER_MSEC * 1000;
        }
        if (fraction > 0) {
                n = (size_t) snprintf(text, sizeof(text), ".%06" PRIu64, fraction);
                while (text[n - 1] == '0')
                        text[--n] = '\0';
        }
        if (usec > 0 && usec < USEC_PER_SEC)
                (void) snprintf(buf, CONFIG_DURATION_STRLEN, "%" PRIu64 "%sms", seconds, text);
        else if (seconds >= 3600)
                (void) snprintf(buf, CONFIG_DURATION_STRLEN, "%" PRIu64 "h%" PRIu64 "m%" PRIu64 "%.8ss", seconds / 3600,
                                seconds / 60 % 60, seconds % 60, text);
        else if (seconds >= 60)
                (void) snprintf(buf, CONFIG_DURATION_STRLEN, "%" PRIu64 "m%" PRIu64 "%.8ss", seconds / 60, seconds % 60,
                                text);
        else
                (void) snprintf(buf, CONFIG_DURATION_STRLEN, "%" PRIu64 "%.8ss", seconds, text);
        return buf;
}
