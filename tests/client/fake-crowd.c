/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ListServices of a large cluster, by a daemon that gives each caller little more than a page of it. */
#include "tests/client/fake.h"

#include <stdio.h>
#include <string.h>

#define BULK 10000
#define ROWS_MAX 700
#define ID_SIZE 32

static const char *const first_ids[] = { "a1/web", "a1-b/web" }, *const last_ids[] = {
        "bulk/x", "bulk/x-1:http", "bulk/x1:http", "bulk-b/web", "default/kubernetes:https",
};

typedef struct Crowd {
        char ids[ELEMENTSOF(first_ids) + BULK + ELEMENTSOF(last_ids)][ID_SIZE];
        size_t n;
        char caller[64]; /* unique name of who asks, and the rows it got */
        uint32_t n_rows;
} Crowd;

static void crowd_add(Crowd *crowd, const char *id) {
        (void) snprintf(crowd->ids[crowd->n++], ID_SIZE, "%s", id);
}

static int compare(const void *a, const void *b) {
        return strcmp(a, b);
}

static void crowd_fill(Crowd *crowd) {
        for (size_t i = 0; i < ELEMENTSOF(first_ids); i++)
                crowd_add(crowd, first_ids[i]);
        for (unsigned i = 0; i < BULK; i++) {
                char id[ID_SIZE];

                (void) snprintf(id, sizeof(id), "bulk/svc-%05u:http", i);
                crowd_add(crowd, id);
        }
        for (size_t i = 0; i < ELEMENTSOF(last_ids); i++)
                crowd_add(crowd, last_ids[i]);
        qsort(crowd->ids, crowd->n, ID_SIZE, compare);
}

static bool crowd_admits(Crowd *crowd, const char *caller, uint32_t limit) {
        if (strcmp(crowd->caller, caller) != 0) {
                (void) snprintf(crowd->caller, sizeof(crowd->caller), "%s", caller);
                crowd->n_rows = 0;
        }
        crowd->n_rows += limit;
        return crowd->n_rows <= ROWS_MAX;
}

int list_crowd(sd_bus_message *m, const char *after, uint32_t limit, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        static Crowd crowd;
        const char *last = "";
        uint32_t n = 0;
        size_t i = 0;

        if (crowd.n == 0)
                crowd_fill(&crowd);
        if (!crowd_admits(&crowd, sd_bus_message_get_sender(m), limit))
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too much at once.");
        while (i < crowd.n && strcmp(crowd.ids[i], after) <= 0)
                i++;
        assert(sd_bus_message_new_method_return(m, &reply) >= 0);
        assert(sd_bus_message_open_container(reply, 'a', "(osssssqsuuuta{sv})") >= 0);
        for (; i < crowd.n && n < limit; i++, n++) {
                last = crowd.ids[i];
                assert(sd_bus_message_append(reply, "(osssssqsuuuta{sv})", "/x", last, "ns", "name", "", "tcp", 80, "synced",
                                             1, 1, 1, (uint64_t) 1, 0) >= 0);
        }
        assert(sd_bus_message_close_container(reply) >= 0 &&
               sd_bus_message_append(reply, "s", i < crowd.n ? last : "") >= 0);
        return sd_bus_send(NULL, reply, NULL);
}
