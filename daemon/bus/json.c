/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/json.h"

#include <inttypes.h>

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t utf8_character(const char *text) {
        const unsigned char *p = (const unsigned char *) text;
        unsigned char low = 0x80, high = 0xbf;
        size_t n;

        if (p[0] < 0x80)
                return p[0] ? 1 : 0;
        if (p[0] < 0xc2 || p[0] > 0xf4)
                return 0;
        n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
        if (p[0] == 0xe0)
                low = 0xa0;
        else if (p[0] == 0xed)
                high = 0x9f;
        else if (p[0] == 0xf0)
                low = 0x90;
        else if (p[0] == 0xf4)
                high = 0x8f;
        if (p[1] < low || p[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if (p[i] < 0x80 || p[i] > 0xbf)
                        return 0;
        return n;
}

bool utf8_is_valid(const char *text) {
        for (size_t n; *text; text += n) {
                n = utf8_character(text);
                if (n == 0)
                        return false;
        }
        return true;
}

static void json_string(Json *json, const char *text) {
        (void) putc('"', json->out);
        while (*text) {
                size_t n = utf8_character(text);
                unsigned char c = (unsigned char) *text;

                if (n == 0)
                        (void) fputs("\\ufffd", json->out);
                else if (c == '"' || c == '\\')
                        (void) fprintf(json->out, "\\%c", c);
                else if (c < ' ' || c == 0x7f)
                        (void) fprintf(json->out, "\\u%04x", c);
                else
                        (void) fwrite(text, 1, n, json->out);
                text += n > 0 ? n : 1;
        }
        (void) putc('"', json->out);
}

static void json_key(Json *json, const char *key) {
        if (json->separate)
                (void) putc(',', json->out);
        if (key) {
                json_string(json, key);
                (void) putc(':', json->out);
        }
        json->separate = true;
}

void json_open(Json *json, const char *key, char bracket) {
        json_key(json, key);
        (void) putc(bracket, json->out);
        json->separate = false;
}

void json_close(Json *json, char bracket) {
        (void) putc(bracket == '{' ? '}' : ']', json->out);
        json->separate = true;
}

void json_text(Json *json, const char *key, const char *text) {
        json_key(json, key);
        json_string(json, text);
}

void json_number(Json *json, const char *key, uint64_t number) {
        json_key(json, key);
        (void) fprintf(json->out, "%" PRIu64, number);
}

void json_boolean(Json *json, const char *key, bool value) {
        json_key(json, key);
        (void) fputs(value ? "true" : "false", json->out);
}
