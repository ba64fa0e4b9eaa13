/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/macros.h"

#define invalid(error, ...) sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, __VA_ARGS__)

int argument_text(const char *name, const char *text, sd_bus_error *error) {
        size_t n = strnlen(text, ARGUMENT_TEXT_MAX + 1);

        return n > ARGUMENT_TEXT_MAX ?
                       invalid(error, "Argument %s is longer than %d bytes.", name, ARGUMENT_TEXT_MAX) :
                       0;
}

int argument_flags(uint64_t flags, uint64_t known, sd_bus_error *error) {
        uint64_t unknown = flags & ~known;

        return unknown ? invalid(error, "Unknown flag 0x%" PRIx64 ".", unknown & -unknown) : 0;
}

int argument_address(const char *text, IpAddr *ret, sd_bus_error *error) {
        int r = argument_text("address", text, error);

        if (r < 0)
                return r;
        return ip_addr_parse(text, ret) < 0 ? invalid(error, "\"%s\" is no IP address.", text) : 0;
}

int argument_protocol(const char *text, Protocol *ret, sd_bus_error *error) {
        Protocol protocol;
        int r = argument_text("protocol", text, error);

        if (r < 0)
                return r;
        protocol = protocol_from_string(text);
        if (protocol < 0)
                return invalid(error, "\"%s\" is no protocol; there are tcp, udp and sctp.", text);
        *ret = protocol;
        return 0;
}

int argument_page(sd_bus_message *m, const char **ret_start_after, size_t *ret_limit, sd_bus_error *error) {
        const char *start_after;
        uint32_t limit;
        int r;

        r = sd_bus_message_read(m, "su", &start_after, &limit);
        if (r >= 0)
                r = argument_text("start_after", start_after, error);
        if (r < 0)
                return r;
        *ret_start_after = start_after;
        *ret_limit = limit == 0 ? LIST_LIMIT_DEFAULT : MIN2(limit, (uint32_t) LIST_LIMIT_MAX);
        return 0;
}

static int option_read_list(sd_bus_message *m, const char *key, OptionList *list, sd_bus_error *error) {
        const char *text;
        int r;

        *list = (OptionList) {};
        r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(m, "s", &text)) > 0) {
                if (list->n_items == ARGUMENT_KEYS_MAX)
                        return invalid(error, "The value of \"%s\" has more than %d items.", key, ARGUMENT_KEYS_MAX);
                list->items[list->n_items++] = text;
                r = argument_text(key, text, error);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int option_read(sd_bus_message *m, const char *key, const OptionSpec *spec, void *ret, sd_bus_error *error) {
        const char single[] = { spec->type, '\0' };
        const char *type = spec->type == 'a' ? "as" : single, *contents;
        char found;
        int r;

        r = sd_bus_message_peek_type(m, &found, &contents);
        if (r < 0)
                return r;
        if (found != SD_BUS_TYPE_VARIANT || strcmp(contents, type) != 0)
                return invalid(error, "The value of \"%s\" is to be of type %s.", key, type);
        r = sd_bus_message_enter_container(m, 'v', type);
        if (r >= 0 && spec->type == 'a')
                r = option_read_list(m, key, (OptionList *) (void *) ((uint8_t *) ret + spec->offset), error);
        else if (r >= 0)
                r = sd_bus_message_read_basic(m, spec->type, (uint8_t *) ret + spec->offset);
        if (r >= 0 && spec->type == 's') {
                const char *text;

                memcpy(&text, (uint8_t *) ret + spec->offset, sizeof(text));
                r = argument_text(key, text, error);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static const OptionSpec *option_find(const OptionSpec *specs, size_t n_specs, const char *key) {
        for (size_t i = 0; i < n_specs; i++)
                if (strcmp(specs[i].key, key) == 0)
                        return &specs[i];
        return NULL;
}

int argument_options(sd_bus_message *m, const OptionSpec *specs, size_t n_specs, void *ret, sd_bus_error *error) {
        unsigned n_keys = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const OptionSpec *spec;
                const char *key;

                if (++n_keys > ARGUMENT_KEYS_MAX)
                        return invalid(error, "There are more than %d keys.", ARGUMENT_KEYS_MAX);
                r = sd_bus_message_read(m, "s", &key);
                if (r < 0)
                        return r;
                spec = option_find(specs, n_specs, key);
                if (!spec)
                        return invalid(error, "Unknown key \"%.64s\".", key);
                r = option_read(m, key, spec, ret, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* "[a-z0]" behind the bracket; *end is behind the set. NULL if it is not closed, then "[" means itself. */
static const char *glob_set(const char *set, unsigned char c, bool *ret) {
        bool negate = *set == '!' || *set == '^', found = false;

        set += negate;
        for (const char *p = set; *p; p++) {
                if (*p == ']' && p > set) {
                        *ret = found != negate;
                        return p + 1;
                }
                if (p[1] == '-' && p[2] && p[2] != ']') {
                        found = found || ((unsigned char) p[0] <= c && c <= (unsigned char) p[2]);
                        p += 2;
                } else {
                        found = found || (unsigned char) *p == c;
                }
        }
        return NULL;
}

/* One character; the pattern behind it, or NULL if it does not fit. */
static const char *glob_one(const char *pattern, char c) {
        const char *end;
        bool fits;

        if (*pattern == '?')
                return pattern + 1;
        if (*pattern == '[') {
                end = glob_set(pattern + 1, (unsigned char) c, &fits);
                if (end)
                        return fits ? end : NULL;
        }
        if (*pattern == '\\' && pattern[1])
                pattern++;
        return *pattern == c ? pattern + 1 : NULL;
}

/* Only the last * is ever gone back to: what an earlier one could take, the later one can too. */
bool glob_match(const char *pattern, const char *text) {
        const char *star = NULL, *retry = NULL, *next;

        while (*text) {
                if (*pattern == '*') {
                        star = ++pattern;
                        retry = text;
                        continue;
                }
                next = *pattern ? glob_one(pattern, *text) : NULL;
                if (next) {
                        pattern = next;
                        text++;
                } else if (star) {
                        pattern = star;
                        text = ++retry;
                } else {
                        return false;
                }
        }
        while (*pattern == '*')
                pattern++;
        return !*pattern;
}
