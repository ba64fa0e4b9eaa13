/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show: every property as "Name=value", for scripts. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/message-json.h"
#include "client/report.h"
#include "client/services.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/bus-names.h"

/* What is shown: the daemon itself or a service. */
typedef struct Target {
        const char *path, *interface; /* borrowed */
} Target;

/* Property names begin with a capital, JSON's keys do not; else they are the same. */
static char *first_letter(char *name, int (*change)(int)) {
        name[0] = (char) change((unsigned char) name[0]);
        return name;
}

static int print_property(const Client *client, const char *key, json_object *value) {
        _cleanup_(freep) char *name = strdup(key), *text = NULL;
        int r = name ? 0 : -ENOMEM;

        if (r == 0)
                r = value ? json_to_text(value, ", ", &text) : 0;
        if (r == 0 && !client->options.value) {
                r = text_write(stdout, first_letter(name, toupper), TEXT_FOR_PEOPLE);
                if (r == 0 && fputc('=', stdout) == EOF)
                        r = -EIO;
        }
        if (r == 0)
                r = text_write(stdout, text ? text : "", TEXT_FOR_PEOPLE);
        if (r == 0 && fputc('\n', stdout) == EOF)
                r = -EIO;
        return r;
}

/* Adds a property of that name to `chosen`; those that GetAll leaves out are asked for one by one.
 */
static int property_choose(
        Client *client, const Target *target, json_object *all, char *name, json_object *chosen) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(freep) char *key = strdup(name);
        json_object *value = NULL;
        int r;

        if (!key)
                return -ENOMEM;
        if (json_object_object_get_ex(all, first_letter(key, tolower), &value))
                return json_add(chosen, key, json_object_get(value));
        r = client_get(client, target->path, target->interface, first_letter(name, toupper), &error,
                       &value);
        if (r < 0)
                return report_bus(&error, r, "Failed to get property %s", name);
        return json_add(chosen, key, value);
}

static int
properties_choose(Client *client, const Target *target, json_object *all, json_object **ret) {
        _cleanup_(json_object_putp) json_object *chosen = json_object_new_object();
        _cleanup_(freep) char *names = strdup(client->options.properties);
        char *save = NULL;
        int r = chosen && names ? 0 : -ENOMEM;

        for (char *name = r == 0 ? strtok_r(names, ",", &save) : NULL; r == 0 && name;
             name = strtok_r(NULL, ",", &save))
                r = property_choose(client, target, all, name, chosen);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(chosen);
        return 0;
}

static int print_properties(Client *client, json_object *properties) {
        int r = 0;

        if (client_wants_json(client))
                return client_print_json(client, properties);
        client_page(client);
        json_object_object_foreach(properties, key, value) {
                r = print_property(client, key, value);
                if (r < 0)
                        break;
        }
        return r;
}

int verb_show(Client *client, int n_words, char *words[]) {
        _cleanup_(json_object_putp) json_object *all = NULL, *chosen = NULL;
        _cleanup_(freep) char *id = NULL, *path = NULL;
        Target target = { .path = BUS_PATH, .interface = BUS_INTERFACE_MANAGER };
        int r = 0;

        if (n_words > 0) {
                r = service_resolve(client, words[0], &id, &path);
                target = (Target){ .path = path, .interface = BUS_INTERFACE_SERVICE };
        }
        if (r == 0)
                r = client_get_all(client, target.path, target.interface, &all);
        if (r == 0 && client->options.properties)
                r = properties_choose(client, &target, all, &chosen);
        return r != 0 ? r : print_properties(client, chosen ? chosen : all);
}
