/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With 10,000 services nobody reads a list of them, it takes most of a second on a busy node, and the daemon gives a
 * user so many rows and no more. So only one page of ids is asked for. If there are more, the ways on are: ids come in
 * order, so each way is found by one row, the first behind all that go the way before.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/clock.h"
#include "client/complete.h"
#include "client/text.h"
#include "client/words.h"
#include "common/bus-names.h"

#define ALL_USEC USEC_PER_SEC
#define IDS_MAX 500 /* of one page, which are shown as they are */
#define WAYS_MAX 64
#define LAST_CHARACTER "\xf4\x8f\xbf\xbd" /* U+10FFFD: what follows "x" comes before "x" and this */

typedef struct Search {
        Client *client;
        uint64_t until_usec;
} Search;

/* Appends the id of the next row; 0 at the end of the page. */
static int row_read(sd_bus_message *reply, Words *ids) {
        const char *id;
        int r = sd_bus_message_enter_container(reply, 'r', "osssssqsuuuta{sv}");

        if (r <= 0)
                return r;
        r = sd_bus_message_skip(reply, "o");
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &id);
        if (r >= 0)
                r = words_add(ids, id, strlen(id));
        if (r >= 0)
                r = sd_bus_message_skip(reply, "ssssqsuuuta{sv}");
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        return r < 0 ? r : 1;
}

/* Appends a page of up to *limit rows behind *after, which both go on behind it; 1 if there is more. */
static int page_fetch(const Search *search, char **after, uint32_t *limit, Words *ids) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        uint64_t now = clock_monotonic_usec();
        const char *next = "";
        int r;

        if (now >= search->until_usec)
                return -ETIMEDOUT;
        search->client->options.timeout_usec = search->until_usec - now;
        r = client_new_call(search->client, BUS_PATH, BUS_INTERFACE_MANAGER, "ListServices", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "sua{sv}", *after, *limit, 0);
        if (r >= 0)
                r = client_call(search->client, call, NULL, &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(osssssqsuuuta{sv})");
        while (r >= 0 && (r = row_read(reply, ids)) > 0)
                *limit -= *limit > 0;
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &next);
        if (r < 0)
                return r;
        free(*after);
        *after = strdup(next);
        return !*after ? -ENOMEM : *next != '\0';
}

/* Appends up to `limit` ids behind `after`; 1 if there are more of them. */
static int ids_fetch(const Search *search, const char *after, uint32_t limit, Words *ids) {
        _cleanup_(freep) char *next = strdup(after);
        int r = next ? 1 : -ENOMEM;

        while (r > 0 && limit > 0)
                r = page_fetch(search, &next, &limit, ids);
        return r;
}

static bool begins(const char *id, const char *prefix) {
        return strncmp(id, prefix, strlen(prefix)) == 0;
}

/* Comes before every id that begins with `prefix`, and behind all others that do. -ENOMEM */
static int before(const char *prefix, char **ret) {
        size_t n = strlen(prefix);

        if (n == 0)
                *ret = strdup("");
        else if (asprintf(ret, "%.*s%c" LAST_CHARACTER, (int) (n - 1), prefix, prefix[n - 1] - 1) < 0)
                *ret = NULL;
        return *ret ? 0 : -ENOMEM;
}

static int behind(const char *prefix, size_t n, char **ret) {
        if (asprintf(ret, "%.*s" LAST_CHARACTER, (int) n, prefix) < 0)
                *ret = NULL;
        return *ret ? 0 : -ENOMEM;
}

static bool is_continuation(char c) {
        return ((unsigned char) c & 0xc0) == 0x80;
}

static size_t common_length(const char *a, const char *b, size_t n) {
        size_t i = 0;

        while (i < n && a[i] && a[i] == b[i])
                i++;
        while (i > 0 && is_continuation(a[i]))
                i--;
        return i;
}

/* How far all ids go the same way that begin with `prefix`, of which `ids` are the first. *ret_n: of the first id. */
static int common_find(const Search *search, const char *prefix, const Words *ids, size_t *ret_n) {
        const char *first = words_next(ids, NULL);
        size_t n = strlen(first);
        int r = 0;

        for (const char *id = first; id; id = words_next(ids, id))
                n = common_length(first, id, n);
        while (n > strlen(prefix)) {
                _cleanup_(words_done) Words more = { 0 };
                _cleanup_(freep) char *after = NULL;
                const char *id;

                r = behind(first, n, &after);
                if (r >= 0)
                        r = ids_fetch(search, after, 1, &more);
                id = words_next(&more, NULL);
                if (r < 0 || !id || !begins(id, prefix))
                        break;
                n = common_length(first, id, n);
        }
        *ret_n = n;
        return r;
}

/* The way that an id goes behind its first n bytes: up to its "/", or one character. */
static size_t way_length(const char *id, size_t n, bool by_namespace) {
        const char *slash = strchr(id + n, '/');

        if (by_namespace && slash)
                return (size_t) (slash + 1 - id);
        n += id[n] != '\0';
        while (is_continuation(id[n]))
                n++;
        return n;
}

/* -E2BIG: more than anybody reads */
static int ways_find(const Search *search, const char *prefix, bool by_namespace, Words *ways) {
        _cleanup_(freep) char *after = NULL;
        int r = before(prefix, &after);

        for (size_t i = 0; r >= 0; i++) {
                _cleanup_(words_done) Words found = { 0 };
                const char *id;
                size_t n;

                r = ids_fetch(search, after, 1, &found);
                id = words_next(&found, NULL);
                if (r < 0 || !id || !begins(id, prefix))
                        break;
                if (i == WAYS_MAX)
                        return -E2BIG;
                n = way_length(id, strlen(prefix), by_namespace);
                r = words_add(ways, id, n);
                free(after);
                /* An id that ends here is a way of its own: others go on from it. */
                after = NULL;
                if (r >= 0)
                        r = n == strlen(prefix) ? (after = strdup(id)) ? 0 : -ENOMEM : behind(id, n, &after);
        }
        return MIN2(r, 0);
}

static int ways_replace(const Search *search, const char *prefix, Words *ids) {
        _cleanup_(words_done) Words ways = { 0 };
        _cleanup_(freep) char *common = NULL;
        size_t n;
        int r;

        r = common_find(search, prefix, ids, &n);
        if (r < 0)
                return r;
        common = strndup(words_next(ids, NULL), n);
        if (!common)
                return -ENOMEM;
        r = ways_find(search, common, !strchr(common, '/'), &ways);
        if (r == -E2BIG) {
                words_done(&ways);
                r = ways_find(search, common, false, &ways);
        }
        if (r >= 0) {
                words_done(ids);
                *ids = ways;
                ways = (Words){ 0 };
        }
        return r;
}

void complete_services(Client *client, const char *prefix) {
        const Search search = { .client = client, .until_usec = clock_monotonic_usec() + ALL_USEC };
        _cleanup_(words_done) Words ids = { 0 };
        _cleanup_(freep) char *after = NULL;
        const char *last = NULL;
        int r;

        client->auto_start = false;
        r = before(prefix, &after);
        if (r >= 0)
                r = ids_fetch(&search, after, IDS_MAX, &ids);
        for (const char *id = words_next(&ids, NULL); id; id = words_next(&ids, id))
                last = id;
        if (r > 0 && last && begins(last, prefix))
                r = ways_replace(&search, prefix, &ids);
        for (const char *id = words_next(&ids, NULL); r >= 0 && id; id = words_next(&ids, id))
                if (begins(id, prefix)) {
                        (void) text_write(stdout, id, TEXT_FOR_PEOPLE);
                        (void) fputc('\n', stdout);
                }
}
