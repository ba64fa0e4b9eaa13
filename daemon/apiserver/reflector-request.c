/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "apiserver/reflector-private.h"

#define LIST_LIMIT_TEXT "limit=500"
/* The client chooses how long a watch lasts, at random so that a cluster's nodes do not come back all at once. */
#define WATCH_LEAST_SEC 300

/* Everything but RFC 3986's unreserved characters; NULL on OOM. */
static char *query_encode(const char *text) {
        static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
        static const char digits[] = "0123456789ABCDEF";
        char *encoded = malloc(3 * strlen(text) + 1), *p = encoded;

        if (!encoded)
                return NULL;
        for (; *text; text++) {
                if (strchr(safe, *text)) {
                        *p++ = *text;
                        continue;
                }
                *p++ = '%';
                *p++ = digits[(unsigned char) *text >> 4];
                *p++ = digits[(unsigned char) *text & 15];
        }
        *p = '\0';
        return encoded;
}

char *reflector_list_path(const Reflector *reflector) {
        const char *separator = *reflector->selector ? "&" : "";
        _cleanup_(freep) char *value = NULL;
        char *path = NULL;
        int n;

        /* A token says its version itself; a server refuses both. */
        if (reflector->continue_token) {
                value = query_encode(reflector->continue_token);
                n = value ? asprintf(&path,
                                     "%s?%s%s%s&continue=%s",
                                     reflector->path,
                                     reflector->selector,
                                     separator,
                                     LIST_LIMIT_TEXT,
                                     value)
                          : -1;
                return n < 0 ? NULL : path;
        }
        /* A cache answers a list "not older than" as a whole; pages would make the server read etcd. */
        if (reflector->list_version == LIST_VERSION_NOT_OLDER) {
                value = query_encode(reflector->version);
                n = value ? asprintf(&path, "%s?%s%sresourceVersion=%s", reflector->path, reflector->selector, separator, value)
                          : -1;
                return n < 0 ? NULL : path;
        }
        n = asprintf(&path,
                     "%s?%s%s%s%s",
                     reflector->path,
                     reflector->selector,
                     separator,
                     reflector->whole ? "limit=0" : LIST_LIMIT_TEXT,
                     reflector->list_version == LIST_VERSION_ANY ? "&resourceVersion=0" : "");
        return n < 0 ? NULL : path;
}

char *reflector_watch_path(const Reflector *reflector, bool initial_events) {
        const char *version = initial_events && reflector->version_gone ? "" : reflector->version;
        unsigned seconds = WATCH_LEAST_SEC + reflector->ops.random(reflector->userdata) % (WATCH_LEAST_SEC + 1);
        _cleanup_(freep) char *value = query_encode(version);
        char *path;
        int n;

        if (!value)
                return NULL;
        n = asprintf(&path,
                     "%s?%s%swatch=true&allowWatchBookmarks=true%s%s%s&timeoutSeconds=%u",
                     reflector->path,
                     reflector->selector,
                     *reflector->selector ? "&" : "",
                     initial_events ? "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan" : "",
                     *value ? "&resourceVersion=" : "",
                     value,
                     seconds);
        return n < 0 ? NULL : path;
}
