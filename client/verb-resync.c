/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "client/message-json.h"
#include "client/report.h"
#include "client/services.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/bus-names.h"

/* Of the methods called Resync, dbus/org.k8s.IpvsProxy.xml */
#define RESYNC_AUDIT UINT64_C(1)
#define RESYNC_NO_WAIT UINT64_C(2)

typedef struct Target {
        const char *path, *interface; /* borrowed */
        const char *what;             /* the id of a service, or "everything" */
        bool everything;
} Target;

static int resync_call(Client *client, const Target *target, uint64_t *ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const Options *options = &client->options;
        uint64_t flags =
                (options->full ? RESYNC_AUDIT : 0) | (options->no_block ? RESYNC_NO_WAIT : 0);
        uint64_t generation;
        int r;

        r = client_new_call(client, target->path, target->interface, "Resync", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "t", flags);
        if (r < 0)
                return r;
        r = client_call_authorised(client, call, &error, &reply);
        if (r < 0)
                return report_bus(&error, r, "Failed to resync %s", target->what);
        r = sd_bus_message_read(reply, "t", &generation);
        if (r < 0)
                return r;
        *ret = generation;
        return 0;
}

static int result_add(json_object *results, const Target *target, uint64_t generation) {
        json_object *result = json_object_new_object();
        int r;

        if (!result)
                return -ENOMEM;
        r = json_append(results, result);
        if (r >= 0)
                r = json_add(result, "id",
                             target->everything ? NULL : json_object_new_string(target->what));
        return r < 0 ? r : json_add(result, "generation", json_object_new_uint64(generation));
}

static int resync_one(Client *client, const Target *target, json_object *results) {
        const char *done = client->options.no_block ? "Asked to resync" : "Resynced";
        uint64_t generation = 0;
        int r;

        r = resync_call(client, target, &generation);
        if (r != 0)
                return r;
        if (client_wants_json(client))
                return result_add(results, target, generation);
        if (client->options.quiet)
                return 0;
        (void) printf("%s ", done);
        r = text_write(stdout, target->what, TEXT_FOR_PEOPLE);
        return r < 0                                                                 ? r
               : printf(": generation %llu.\n", (unsigned long long) generation) < 0 ? -EIO
                                                                                     : 0;
}

static int resync_service(Client *client, const char *word, json_object *results) {
        _cleanup_(freep) char *id = NULL, *path = NULL;
        int r;

        r = service_resolve(client, word, &id, &path);
        if (r != 0)
                return r;
        return resync_one(client,
                          &(Target){ .path = path, .interface = BUS_INTERFACE_SERVICE, .what = id },
                          results);
}

/* Nothing failed, and yet it is not done. */
static int resync_all(Client *client, const Target *all, json_object *results) {
        int r = resync_one(client, all, results);

        if (r != 0 || client->options.no_block || services_are_known(client))
                return r;
        return report(EXIT_CODE_UNHEALTHY, "The services are not all known yet; \"ipvsproxyctl status\" tells why.");
}

/* Services that fail do not stop the others; the first failure is the result. */
int verb_resync(Client *client, int n_words, char *words[]) {
        static const Target all = {
                .path = BUS_PATH,
                .interface = BUS_INTERFACE_MANAGER,
                .what = "everything",
                .everything = true,
        };
        _cleanup_(json_object_putp) json_object *results = json_object_new_array();
        int r = 0;

        if (!results)
                return -ENOMEM;
        if (n_words == 0)
                r = resync_all(client, &all, results);
        for (int i = 0; i < n_words; i++) {
                int q = resync_service(client, words[i], results);

                r = r != 0 ? r : q;
        }
        if (client_wants_json(client) && r >= 0 && json_object_array_length(results) > 0) {
                int q = client_print_json(client, results);

                r = r != 0 ? r : q;
        }
        return r;
}
