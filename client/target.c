/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/target.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/macros.h"
#include "common/parse.h"

/* The first `n` bytes of `text`, brackets allowed. */
static int address_parse(const char *text, size_t n, Target *ret) {
        char buf[IP_ADDR_STRLEN] = "";
        IpAddr addr;
        int r;

        if (n > 2 && text[0] == '[' && text[n - 1] == ']')
                text++, n -= 2;
        if (n >= sizeof(buf))
                return -EINVAL;
        (void) memcpy(buf, text, n);
        r = ip_addr_parse(buf, &addr);
        if (r < 0)
                return r;
        (void) ip_addr_format(&addr, ret->address);
        return 0;
}

static int protocol_parse(const char *text, Target *ret) {
        size_t n = strlen(text);

        if (n == 0 || n > TARGET_PROTOCOL_MAX)
                return -EINVAL;
        for (size_t i = 0; i < n; i++)
                ret->protocol[i] = (char) tolower((unsigned char) text[i]);
        return 0;
}

/* The last ":" before `end`, or NULL. */
static const char *last_colon(const char *text, const char *end) {
        for (const char *p = end; p > text; p--)
                if (p[-1] == ':')
                        return p - 1;
        return NULL;
}

int target_parse(const char *text, Target *ret) {
        const char *slash = strchr(text, '/'), *end = slash ? slash : text + strlen(text);
        const char *colon = last_colon(text, end);
        _cleanup_(freep) char *port = NULL;
        Target target = { 0 };
        int r = 0;

        if (!slash && address_parse(text, strlen(text), &target) == 0) {
                *ret = target;
                return 0;
        }
        if (slash)
                r = protocol_parse(slash + 1, &target);
        /* An IPv6 address without brackets may have eaten the port. */
        if (r < 0 || !colon || (*text != '[' && memchr(text, ':', (size_t) (colon - text))))
                return -EINVAL;
        port = strndup(colon + 1, (size_t) (end - colon - 1));
        if (!port)
                return -ENOMEM;
        if (parse_uint16(port, &target.port) < 0 || target.port == 0 ||
            address_parse(text, (size_t) (colon - text), &target) < 0)
                return -EINVAL;
        *ret = target;
        return 0;
}

bool target_is_meant(const char *text) {
        return *text == '[' || (isdigit((unsigned char) *text) && strchr(text, '.'));
}

const char *target_format(const Target *target, char buf[static TARGET_STRLEN]) {
        bool v6 = strchr(target->address, ':') && target->port > 0;
        char port[8] = "";

        if (target->port > 0)
                (void) snprintf(port, sizeof(port), ":%u", target->port);
        (void) snprintf(buf, TARGET_STRLEN, "%s%s%s%s%s%s", v6 ? "[" : "", target->address,
                        v6 ? "]" : "", port, target->protocol[0] ? "/" : "", target->protocol);
        return buf;
}
