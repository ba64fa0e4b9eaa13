/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/json-scan.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Eight bytes at a time: the highest bit of a byte is set where the word's byte is zero, or below n ≤ 128. The subtraction
 * borrows from the next byte of higher value, so that only the lowest mark is to be believed.
 */
#define REPEAT(byte) (UINT64_MAX / 255 * (byte))
#define ZERO_BYTES(word) (((word) -REPEAT(0x01)) & ~(word) & REPEAT(0x80))
#define BYTES_BELOW(word, n) (((word) -REPEAT(n)) & ~(word) & REPEAT(0x80))

static bool ends_plain(char c) {
        return c == '"' || c == '\\' || (unsigned char) c < 0x20;
}

const char *json_scan_string(const char *p, const char *end) {
        uint64_t word, marks;

        for (; (size_t) (end - p) >= sizeof(word); p += sizeof(word)) {
                memcpy(&word, p, sizeof(word));
                word = le64toh(word);
                marks = ZERO_BYTES(word ^ REPEAT('"')) | ZERO_BYTES(word ^ REPEAT('\\')) | BYTES_BELOW(word, 0x20);
                if (marks)
                        return p + (unsigned) __builtin_ctzll(marks) / 8;
        }
        while (p < end && !ends_plain(*p))
                p++;
        return p;
}

const char *json_scan_structure(const char *p, const char *end) {
        static const bool is_structure[UINT8_MAX + 1] = {
                ['"'] = true, [':'] = true, ['['] = true, [']'] = true, ['{'] = true, ['}'] = true,
        };

        while (p < end && !is_structure[(unsigned char) *p])
                p++;
        return p;
}
