/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/text.h"

#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "common/macros.h"

#define WRAP_MIN 20 /* columns; in fewer, words are not kept together */

bool text_locale_is_utf8(void) {
        return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* The next code point and its length in bytes; length 0 for anything that is no proper UTF-8. */
static size_t utf8_decode(const char *text, uint32_t *ret) {
        const unsigned char *s = (const unsigned char *) text;
        size_t length = s[0] < 0x80    ? 1
                        : s[0] >= 0xf0 ? 4
                        : s[0] >= 0xe0 ? 3
                        : s[0] >= 0xc0 ? 2
                                       : 0;
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint32_t c = length == 1 ? s[0] : s[0] & (0x7fU >> length);

        if (s[0] >= 0xf8)
                return 0;
        for (size_t i = 1; i < length; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3fU);
        }
        if (length == 0 || c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
                return 0;
        *ret = c;
        return length;
}

/* C0, DEL and C1 steer terminals; the others break lines or turn the reading direction. */
static bool codepoint_is_harmful(uint32_t c) {
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void write_escape(FILE *out, uint32_t c, TextUse use) {
        if (use == TEXT_FOR_PEOPLE && c == '\n')
                (void) fputs("\\n", out);
        else if (use == TEXT_FOR_PEOPLE && c < 0x80)
                (void) fprintf(out, "\\x%02x", c);
        else
                (void) fprintf(out, "\\u%04x", c);
}

int text_write(FILE *out, const char *text, TextUse use) {
        bool wide = use == TEXT_FOR_JSON || text_locale_is_utf8();

        while (*text) {
                uint32_t c = 0xfffd;
                size_t n = utf8_decode(text, &c);

                if (n == 0)
                        (void) fputs(wide ? "\xef\xbf\xbd" : "?", out);
                else if (codepoint_is_harmful(c) && !(use == TEXT_FOR_JSON && c == '\n'))
                        write_escape(out, c, use);
                else if (c >= 0x80 && !wide)
                        (void) fputc('?', out);
                else
                        (void) fwrite(text, 1, n, out);
                text += n > 0 ? n : 1;
        }
        return ferror(out) ? -EIO : 0;
}

int text_harmless(const char *text, char **ret) {
        _cleanup_(freep) char *buf = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&buf, &size);
        int r;

        if (!f)
                return -ENOMEM;
        r = text_write(f, text, TEXT_FOR_PEOPLE);
        if (fclose(f) != 0 || r < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(buf);
        return 0;
}

/* How many bytes the next word has, a quoted command being one. */
static size_t word_length(const char *text) {
        bool quoted = false;
        size_t n = 0;

        while (text[n] && (quoted || text[n] != ' '))
                quoted ^= text[n++] == '"';
        return quoted ? strcspn(text, " ") : n;
}

int text_write_wrapped(FILE *out, const char *text, size_t column, size_t indent, size_t width) {
        _cleanup_(freep) char *harmless = NULL;
        int r = text_harmless(text, &harmless);

        if (r < 0)
                return r;
        if (width < indent + WRAP_MIN) {
                (void) fputs(harmless, out);
                return ferror(out) ? -EIO : 0;
        }
        for (const char *p = harmless; *p;) {
                size_t n = word_length(p), n_spaces = strspn(p + n, " ");
                _cleanup_(freep) char *word = strndup(p, n);
                size_t wide;

                if (!word)
                        return -ENOMEM;
                wide = text_width(word);
                if (p > harmless) {
                        bool fits = column + 1 + wide <= width || column == indent;

                        (void) (fits ? fputc(' ', out) : fprintf(out, "\n%*s", (int) indent, ""));
                        column = fits ? column + 1 : indent;
                }
                (void) fputs(word, out);
                column += wide;
                p += n + n_spaces;
        }
        return ferror(out) ? -EIO : 0;
}

static size_t codepoint_width(uint32_t c) {
        int width = wcwidth((wchar_t) c);

        return width < 0 ? 1 : (size_t) width;
}

size_t text_fit(const char *text, size_t width) {
        size_t bytes = 0, used = 0;

        while (text[bytes]) {
                uint32_t c = 0xfffd;
                size_t n = utf8_decode(text + bytes, &c);

                used += codepoint_width(c);
                if (used > width)
                        break;
                bytes += n > 0 ? n : 1;
        }
        return bytes;
}

size_t text_width(const char *text) {
        size_t width = 0;

        while (*text) {
                uint32_t c = 0xfffd;
                size_t n = utf8_decode(text, &c);

                width += codepoint_width(c);
                text += n > 0 ? n : 1;
        }
        return width;
}

const char *text_scaled(uint64_t number, char buf[static TEXT_NUMBER_MAX]) {
        static const char units[] = "kMGTPE";
        uint64_t unit = 1000;
        size_t i = 0;

        if (number < 1000) {
                (void) snprintf(buf, TEXT_NUMBER_MAX, "%u", (unsigned) number);
                return buf;
        }
        while (units[i + 1] && number / 1000 >= unit) {
                unit *= 1000;
                i++;
        }
        (void) snprintf(buf, TEXT_NUMBER_MAX, "%u.%u%c", (unsigned) (number / unit),
                        (unsigned) (number % unit / (unit / 10)), units[i]);
        return buf;
}

const char *text_duration(uint64_t usec, char buf[static TEXT_NUMBER_MAX]) {
        static const struct {
                uint64_t usec;
                const char *name;
        } units[] = {
                { 86400 * USEC_PER_SEC, "d" }, { 3600 * USEC_PER_SEC, "h" },
                { 60 * USEC_PER_SEC, "min" },  { USEC_PER_SEC, "s" },
                { USEC_PER_MSEC, "ms" },       { 1, "us" },
        };
        size_t i = 0;

        while (i + 1 < ELEMENTSOF(units) && usec < units[i].usec)
                i++;
        (void) snprintf(buf, TEXT_NUMBER_MAX, "%llu%s", (unsigned long long) (usec / units[i].usec),
                        units[i].name);
        return buf;
}
