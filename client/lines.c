/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/text.h"

#define LABEL_WIDTH 13
#define LEFT_WIDTH 29 /* of the left text of a pair */
#define OTHER_LABEL_WIDTH 11

const char *lines_dash(void) {
        return text_locale_is_utf8() ? " \xe2\x80\x94 " : " - ";
}

void lines_head(const Client *client, const char *what, const char *on, const char *state) {
        Style style = style_of_state(state);

        (void) fputs(style_on(style, client->color), stdout);
        (void) fputs(text_locale_is_utf8() ? "\xe2\x97\x8f " : "* ", stdout);
        (void) fputs(style_off(style, client->color), stdout);
        (void) text_write(stdout, what, TEXT_FOR_PEOPLE);
        if (*on) {
                (void) fputs(" on ", stdout);
                (void) text_write(stdout, on, TEXT_FOR_PEOPLE);
        }
        (void) fputs(lines_dash(), stdout);
        (void) fputs(style_on(style, client->color), stdout);
        (void) text_write(stdout, *state ? state : "unknown", TEXT_FOR_PEOPLE);
        (void) fputs(style_off(style, client->color), stdout);
        (void) fputc('\n', stdout);
}

void lines_add(const Client *client, const char *label, const char *format, ...) {
        _cleanup_(freep) char *text = NULL;
        size_t column = MAX2(text_width(label), (size_t) LABEL_WIDTH) + 2;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        (void) printf("%*s: ", LABEL_WIDTH, label);
        (void) text_write_wrapped(stdout, text ? text : "Out of memory.", column, LABEL_WIDTH + 2, client->width);
        (void) fputc('\n', stdout);
}

void lines_add_pair(const Client *client,
                    const char *label,
                    const char *text,
                    const char *other_label,
                    const char *other_text) {
        _cleanup_(freep) char *left = NULL;
        size_t used, wanted;

        if (text_harmless(text, &left) < 0)
                return;
        used = text_width(left);
        wanted = LABEL_WIDTH + 2 + MAX2(used, (size_t) LEFT_WIDTH) + OTHER_LABEL_WIDTH + 2 +
                 text_width(other_text);
        if (used > LEFT_WIDTH || (client->width > 0 && wanted > client->width)) {
                lines_add(client, label, "%s", text);
                lines_add(client, other_label, "%s", other_text);
                return;
        }
        (void) printf("%*s: %s%*s%*s: ", LABEL_WIDTH, label, left, (int) (LEFT_WIDTH - used), "",
                      OTHER_LABEL_WIDTH, other_label);
        (void) text_write(stdout, other_text, TEXT_FOR_PEOPLE);
        (void) fputc('\n', stdout);
}

const char *lines_address(const char *address, uint64_t port, char buf[static LINES_ADDRESS_MAX]) {
        bool v6 = strchr(address, ':');

        (void) snprintf(buf, LINES_ADDRESS_MAX, "%s%.100s%s:%u", v6 ? "[" : "", address,
                        v6 ? "]" : "", (unsigned) port);
        return buf;
}
