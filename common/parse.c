/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/parse.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/macros.h"

int parse_uint64(const char *text, uint64_t *ret) {
        uint64_t value = 0;

        if (*text == '\0')
                return -EINVAL;
        for (; *text != '\0'; text++) {
                if (*text < '0' || *text > '9')
                        return -EINVAL;
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t) (*text - '0'), &value))
                        return -ERANGE;
        }
        *ret = value;
        return 0;
}

int parse_uint32(const char *text, uint32_t *ret) {
        uint64_t value;
        int r = parse_uint64(text, &value);

        if (r < 0)
                return r;
        if (value > UINT32_MAX)
                return -ERANGE;
        *ret = (uint32_t) value;
        return 0;
}

int parse_uint16(const char *text, uint16_t *ret) {
        uint64_t value;
        int r = parse_uint64(text, &value);

        if (r < 0)
                return r;
        if (value > UINT16_MAX)
                return -ERANGE;
        *ret = (uint16_t) value;
        return 0;
}

int parse_int32(const char *text, int32_t *ret) {
        bool negative = *text == '-';
        uint64_t value;
        int r = parse_uint64(negative || *text == '+' ? text + 1 : text, &value);

        if (r < 0)
                return r;
        if (value > (uint64_t) INT32_MAX + negative)
                return -ERANGE;
        *ret = (int32_t) (negative ? -(int64_t) value : (int64_t) value);
        return 0;
}

int parse_bool(const char *text, bool *ret) {
        static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
        static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
                if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
                        *ret = strcmp(text, yes[i]) == 0;
                        return 0;
                }
        }
        return -EINVAL;
}

static const struct {
        const char *name;
        uint64_t nsec;
} duration_units[] = {
        { "ns", 1 },
        { "us", 1000 },
        { "\xc2\xb5s", 1000 }, /* U+00B5 micro sign */
        { "\xce\xbcs", 1000 }, /* U+03BC Greek mu */
        { "ms", 1000000 },
        { "s", UINT64_C(1000000000) },
        { "m", UINT64_C(60000000000) },
        { "h", UINT64_C(3600000000000) },
};

/* Adds one "12.5h" at *text to *nsec and moves *text behind it. */
static int parse_duration_part(const char **text, uint64_t *nsec) {
        const char *p = *text;
        uint64_t whole = 0, fraction = 0, scale = 1;
        size_t n_digits = 0, unit_size;

        for (; *p >= '0' && *p <= '9'; p++, n_digits++)
                if (__builtin_mul_overflow(whole, 10, &whole) ||
                    __builtin_add_overflow(whole, (uint64_t) (*p - '0'), &whole))
                        return -ERANGE;
        if (*p == '.') {
                for (p++; *p >= '0' && *p <= '9'; p++, n_digits++) {
                        if (scale >= UINT64_C(1000000))
                                continue; /* beyond what a product with an hour could hold */
                        fraction = fraction * 10 + (uint64_t) (*p - '0');
                        scale *= 10;
                }
        }
        if (n_digits == 0)
                return -EINVAL;

        unit_size = strcspn(p, "0123456789.");
        for (size_t i = 0; i < ELEMENTSOF(duration_units); i++) {
                uint64_t part;

                if (strlen(duration_units[i].name) != unit_size ||
                    memcmp(duration_units[i].name, p, unit_size) != 0)
                        continue;
                if (__builtin_mul_overflow(whole, duration_units[i].nsec, &part) ||
                    __builtin_add_overflow(part, fraction * duration_units[i].nsec / scale, &part) ||
                    __builtin_add_overflow(*nsec, part, nsec) || *nsec > INT64_MAX)
                        return -ERANGE;
                *text = p + unit_size;
                return 0;
        }
        return -EINVAL;
}

int parse_duration(const char *text, uint64_t *ret_usec) {
        bool negative = *text == '-';
        uint64_t nsec = 0;
        int r;

        if (*text == '-' || *text == '+')
                text++;
        if (strcmp(text, "0") != 0) {
                if (*text == '\0')
                        return -EINVAL;
                while (*text != '\0') {
                        r = parse_duration_part(&text, &nsec);
                        if (r < 0)
                                return r;
                }
        }
        if (negative && nsec > 0)
                return -ERANGE;
        *ret_usec = nsec / NSEC_PER_USEC;
        return 0;
}

int parse_timestamp(const char *text, uint64_t *ret_usec) {
        struct tm tm = {};
        uint64_t usec = 0, scale = USEC_PER_SEC / 10;
        int offset = 0;
        const char *p;
        time_t seconds;

        p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
        if (!p)
                return -EINVAL;
        if (*p == '.')
                for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
                        usec += (uint64_t) (*p - '0') * scale;
        if (*p == '+' || *p == '-') {
                unsigned hours, minutes;
                int n = 0;

                if (sscanf(p + 1, "%2u:%2u%n", &hours, &minutes, &n) != 2 || n != 5)
                        return -EINVAL;
                offset = (int) (hours * 3600 + minutes * 60) * (*p == '-' ? -1 : 1);
                p += 6;
        } else if (*p++ != 'Z')
                return -EINVAL;
        if (*p != '\0')
                return -EINVAL;

        seconds = timegm(&tm) - offset;
        if (seconds < 0)
                return -ERANGE;
        *ret_usec = (uint64_t) seconds * USEC_PER_SEC + usec;
        return 0;
}
