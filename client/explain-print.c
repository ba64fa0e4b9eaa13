/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order is that of a packet: what the address is, what the filter does, what IPVS holds, which
 * endpoint it may reach and why no other. Words of the daemon for endpoints become sentences here; a word that
 * is not known (a newer daemon's) is shown as it is.
 */
#include "client/explain-print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/clock.h"
#include "client/lines.h"
#include "client/message-json.h"
#include "client/text.h"

static const struct {
        const char *word, *sentence;
} use_meanings[] = {
        { "used", "ready" },
        { "fallback", "not ready, but serving still and there is none better" },
        { "not-ready", "not ready" },
        { "terminating", "ends, and others are ready" },
        { "not-local", "on another node, and the policy is Local" },
        { "other-zone", "for other zones by its hints" },
        { "other-node", "for other nodes by its hints" },
        { "overridden", "taken out on this node by an override" },
};

static const char *use_to_sentence(const char *word, bool used) {
        if (used && strcmp(word, "overridden") == 0)
                return "given its weight on this node by an override";
        for (size_t i = 0; i < ELEMENTSOF(use_meanings); i++)
                if (strcmp(use_meanings[i].word, word) == 0)
                        return use_meanings[i].sentence;
        return word;
}

static bool get_boolean(json_object *object, const char *key) {
        return json_object_get_boolean(json_get(object, key));
}

static void print_service(const Client *client, json_object *story) {
        char address[LINES_ADDRESS_MAX], duration[TEXT_NUMBER_MAX];
        json_object *service = json_get(story, "service");
        const char *outside = json_get_text(service, "externalTrafficPolicy"),
                   *refused = json_get_text(story, "refused"),
                   *reason = json_get_text(service, "reason");
        uint64_t affinity = json_get_number(service, "affinityTimeoutUSec");
        _cleanup_(freep) char *what = NULL;

        if (asprintf(&what, "%s/%s",
                     lines_address(json_get_text(story, "address"),
                                   json_get_number(story, "port"), address),
                     json_get_text(story, "protocol")) < 0)
                what = NULL;
        lines_head(client, what ? what : address, "", json_get_text(service, "state"));
        lines_add(client, "Service", "%s, type %s", json_get_text(service, "id"), json_get_text(service, "type"));
        if (*refused)
                lines_add(client, "Refused", "%s", refused);
        if (*reason)
                lines_add(client, "Reason", "%s", reason);
        lines_add(client, "Policy", "%s inside%s%s%s%s", json_get_text(service, "internalTrafficPolicy"),
                  *outside ? ", " : "", outside, *outside ? " outside" : "",
                  get_boolean(story, "clusterStandsIn")
                          ? "; no endpoint is on this node, so the cluster's serve its own traffic"
                          : "");
        if (affinity > 0)
                lines_add(client, "Affinity", "a client stays with its endpoint for %s",
                          text_duration(affinity, duration));
        lines_add(client, "Address", "%s, %s", json_get_text(story, "kind"),
                  get_boolean(story, "bound") ? "bound to the device"
                                              : "not bound: it is the node's own, or refused");
}

static void print_listener(const Client *client, json_object *story) {
        const char *listener = json_get_text(story, "listener");

        if (*listener)
                lines_add(client, "In the way",
                          "of a process of user %" PRIu64 " that listens on %s and is not reached "
                          "there%s\"ss -lnp sport = :%" PRIu64 "\" names it",
                          json_get_number(story, "listenerUid"), listener, lines_dash(),
                          json_get_number(story, "port"));
}

static void print_filter(const Client *client, json_object *story) {
        json_object *filter = json_get(story, "filter");
        const char *label = "Filter";

        for (size_t i = 0; i < json_get_length(story, "filter"); i++) {
                const char *sentence = json_object_get_string(json_object_array_get_idx(filter, i));

                lines_add(client, label, "%s", sentence ? sentence : "");
                label = "and";
        }
}

static void print_kernel(const Client *client, json_object *story) {
        json_object *kernel = json_get(story, "kernel");
        uint64_t persistence = json_get_number(kernel, "persistenceTimeoutSec");
        char sticky[TEXT_NUMBER_MAX + 32] = "";

        if (!get_boolean(kernel, "present")) {
                lines_add(client, "Kernel", "has no such virtual server");
                return;
        }
        if (persistence > 0)
                (void) snprintf(sticky, sizeof(sticky), ", persistent for %" PRIu64 "s",
                                persistence);
        lines_add(client, "Kernel", "%s virtual server, scheduler %s%s, %zu real server%s",
                  strcmp(json_get_text(kernel, "owner"), "us") == 0 ? "our" : "somebody else's",
                  json_get_text(kernel, "kernelScheduler"), sticky, json_get_length(kernel, "realServers"),
                  json_get_length(kernel, "realServers") == 1 ? "" : "s");
}

/* What the kernel has of an endpoint: "weight 1", "weight 0, drains", "-" */
static const char *kernel_text(json_object *endpoint, char buf[static TEXT_NUMBER_MAX]) {
        if (!get_boolean(endpoint, "present"))
                return "-";
        (void) snprintf(buf, TEXT_NUMBER_MAX, "weight %u",
                        (unsigned) json_get_number(endpoint, "weight"));
        return buf;
}

static int endpoint_add(Table *table, json_object *endpoint) {
        const char *use = json_get_text(endpoint, "why"),
                   *override = json_get_text(endpoint, "override");
        bool wanted = get_boolean(endpoint, "used");
        char address[LINES_ADDRESS_MAX], weight[TEXT_NUMBER_MAX];
        _cleanup_(freep) char *why = NULL;
        int r;

        r = table_add(table, STYLE_NONE,
                      lines_address(json_get_text(endpoint, "address"),
                                    json_get_number(endpoint, "port"), address));
        if (r >= 0)
                r = table_add(table, wanted ? STYLE_GOOD : STYLE_WARN, wanted ? "yes" : "no");
        if (r >= 0 &&
            asprintf(&why, "%s%s%s", use_to_sentence(use, wanted),
                     *override ? ": " : "", override) < 0) {
                why = NULL;
                r = -ENOMEM;
        }
        if (r >= 0)
                r = table_add(table, STYLE_NONE, why);
        if (r >= 0)
                r = table_add(table,
                              wanted != get_boolean(endpoint, "present") ? STYLE_WARN : STYLE_NONE,
                              kernel_text(endpoint, weight));
        if (r >= 0)
                r = table_add(table, STYLE_NONE, json_get_text(endpoint, "node"));
        return r >= 0 ? table_add(table, STYLE_NONE, json_get_text(endpoint, "zone")) : r;
}

static int print_endpoints(Client *client, json_object *story) {
        static const char *const titles[] = { "ENDPOINT", "USED", "WHY", "KERNEL", "NODE", "ZONE" };
        json_object *endpoints = json_get(story, "endpoints");
        _cleanup_(table_freep) Table *table = NULL;
        size_t n = json_get_length(story, "endpoints");
        int r;

        if (n == 0) {
                lines_add(client, "Endpoints", "none");
                return 0;
        }
        r = table_new(ELEMENTSOF(titles), &table);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(titles); i++)
                r = table_add(table, STYLE_HEADER, titles[i]);
        if (r >= 0)
                table_set_whole(table, 0);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = endpoint_add(table, json_object_array_get_idx(endpoints, i));
        if (r < 0)
                return r;
        table_set_indent(table, 4);
        r = table_print(table, stdout, client->width, client->color, /* header= */ true);
        if (get_boolean(story, "truncated"))
                lines_add(client, "Endpoints", "there are more than these");
        return r;
}

int explain_print(Client *client, json_object *story) {
        json_object *difference = json_get(story, "difference");
        const char *label = "Difference";
        int r;

        print_service(client, story);
        print_listener(client, story);
        print_filter(client, story);
        print_kernel(client, story);
        r = print_endpoints(client, story);
        for (size_t i = 0; r >= 0 && i < json_get_length(story, "difference"); i++) {
                json_object *line = json_object_array_get_idx(difference, i);
                const char *detail = json_get_text(line, "detail");

                lines_add(client, label, "%s %s %s%s%s", json_get_text(line, "action"),
                          json_get_text(line, "kind"), json_get_text(line, "object"),
                          *detail ? ", " : "", detail);
                label = "and";
        }
        if (r >= 0 && json_get_length(story, "difference") == 0)
                lines_add(client, "Difference", "none, the kernel is as it should be");
        return r;
}
