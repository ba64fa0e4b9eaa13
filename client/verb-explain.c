/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain: the whole story of an address or of all addresses of a service, from the API object to
 * the kernel. The daemon tells it; here it is decided which stories are asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/document.h"
#include "client/explain-print.h"
#include "client/message-json.h"
#include "client/report.h"
#include "client/services.h"
#include "client/target.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/bus-names.h"

/* A node port has a virtual server on every address of the node; more than so many tell no more. */
#define STORIES_MAX 64U

static int explain_call(Client *client, const Target *target, sd_bus_error *error, char **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const char *text;
        int r;

        r = client_new_call(client, BUS_PATH, BUS_INTERFACE_MANAGER, "Explain", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "sqsa{sv}", target->address, target->port,
                                          target->protocol, 0);
        if (r >= 0)
                r = client_call(client, call, error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r < 0)
                return r;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

/* Appends a story; 0 without one if there is no such service and `optional`. */
static int story_add(Client *client, const Target *target, bool optional, json_object *stories) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(freep) char *text = NULL;
        char name[TARGET_STRLEN];
        json_object *story = NULL;
        int r;

        r = explain_call(client, target, &error, &text);
        if (r < 0 && optional && sd_bus_error_has_name(&error, BUS_ERROR_NO_SUCH_SERVICE))
                return 0;
        if (r < 0)
                return report_bus(&error, r, "Failed to explain %s", target_format(target, name));
        r = document_parse(text, strlen(text), &story);
        return r < 0 ? r : json_append(stories, story);
}

/* Every virtual server of a service, or those with one address. */
static int
explain_service(Client *client, json_object *service, const char *address, json_object *stories) {
        _cleanup_(json_object_putp) json_object *p = NULL;
        json_object *servers;
        int r;

        r = client_get_all(client, json_get_text(service, "path"), BUS_INTERFACE_SERVICE, &p);
        servers = json_get(p, "virtualServers");
        for (size_t i = 0; r == 0 && i < json_get_length(p, "virtualServers"); i++) {
                json_object *server = json_object_array_get_idx(servers, i);
                Target target = { .port = (uint16_t) json_get_number(server, "port") };

                if (address && strcmp(json_get_text(server, "address"), address) != 0)
                        continue;
                if (json_object_array_length(stories) == STORIES_MAX)
                        break;
                (void) snprintf(target.address, sizeof(target.address), "%s",
                                json_get_text(server, "address"));
                (void) snprintf(target.protocol, sizeof(target.protocol), "%s",
                                json_get_text(p, "protocol"));
                r = story_add(client, &target, /* optional= */ true, stories);
        }
        return r;
}

static int
explain_services(Client *client, json_object *services, const char *address, json_object *stories) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < json_object_array_length(services); i++)
                r = explain_service(client, json_object_array_get_idx(services, i), address,
                                    stories);
        return r;
}

static int explain_target(Client *client, Target *target, json_object *stories) {
        static const char *const protocols[] = { "tcp", "udp", "sctp" };
        _cleanup_(json_object_putp) json_object *services = NULL;
        int r = 0;

        if (target->port == 0) {
                r = services_fetch(client, &(ServiceFilter){ .address = target->address },
                                   &services);
                return r != 0 ? r : explain_services(client, services, target->address, stories);
        }
        if (target->protocol[0])
                return story_add(client, target, /* optional= */ false, stories);
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(protocols); i++) {
                (void) snprintf(target->protocol, sizeof(target->protocol), "%s", protocols[i]);
                r = story_add(client, target, /* optional= */ true, stories);
        }
        target->protocol[0] = '\0';
        return r;
}

static int print_stories(Client *client, json_object *stories) {
        size_t n = json_object_array_length(stories);
        int r = 0;

        client_page(client);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                if (i > 0)
                        (void) fputc('\n', stdout);
                r = explain_print(client, json_object_array_get_idx(stories, i));
        }
        if (r >= 0 && n == STORIES_MAX && !client->options.quiet)
                (void) printf("\nThese are the first %u addresses; name one for another.\n",
                              STORIES_MAX);
        return r;
}

int verb_explain(Client *client, int n_words, char *words[]) {
        _cleanup_(json_object_putp) json_object *stories = json_object_new_array();
        _cleanup_(json_object_putp) json_object *services = NULL;
        Target target;
        int r;

        if (!stories)
                return -ENOMEM;
        r = target_parse(words[0], &target);
        if (r == 0) {
                r = explain_target(client, &target, stories);
        } else if (r == -EINVAL && target_is_meant(words[0])) {
                return report(EXIT_CODE_USAGE, "%s", TARGET_USAGE);
        } else if (r == -EINVAL) {
                r = services_resolve(client, words[0], &services);
                if (r == 0)
                        r = explain_services(client, services, NULL, stories);
        }
        if (r != 0)
                return r;
        if (json_object_array_length(stories) == 0)
                return report(EXIT_CODE_NOT_FOUND, "Failed to explain %s: %s", words[0],
                              services ? "It has no address that is served on this node."
                                       : "No service has this address.");
        return client_wants_json(client) ? client_print_json(client, stories)
                                         : print_stories(client, stories);
}
