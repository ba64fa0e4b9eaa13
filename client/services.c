/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/services.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/message-json.h"
#include "client/report.h"
#include "common/bus-names.h"

#define PAGE_ROWS 1000
#define LIMIT_TRIES 12
#define LIMIT_WAIT_USEC USEC_PER_SEC
#define NAMESPACE_DEFAULT "default"

static const char *const service_fields[] = {
        "path",
        "id",
        "namespace",
        "name",
        "portName",
        "protocol",
        "port",
        "state",
        "endpointsReady",
        "endpointsTotal",
        "virtualServers",
        "programmedGeneration",
        NULL,
};
static const char *const endpoint_fields[] = {
        "address", "port", "state", "node", "weight", "active", "inactive", NULL,
};
static const char *const statistics_fields[] = {
        "id",
        "connections",
        "inPackets",
        "outPackets",
        "inBytes",
        "outBytes",
        "connectionsPerSec",
        "inPacketsPerSec",
        "outPacketsPerSec",
        "inBytesPerSec",
        "outBytesPerSec",
        "active",
        "inactive",
        NULL,
};

/* A list method: what it is called and how its rows read. */
typedef struct List {
        const char *path, *interface, *member;
        const ServiceFilter *filter; /* or NULL: the method has none */
        const char *const *fields;
        bool stamped;     /* a timestamp stands before the rows */
        const char *what; /* "Failed to <what>" */
} List;

static int filter_append(sd_bus_message *call, const ServiceFilter *filter) {
        const struct {
                const char *key, *value;
        } entries[] = {
                { "namespace", filter->namespace }, { "name", filter->name },
                { "state", filter->state },         { "protocol", filter->protocol },
                { "address", filter->address },
        };
        int r = sd_bus_message_open_container(call, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(entries); i++)
                if (entries[i].value)
                        r = sd_bus_message_append(call, "{sv}", entries[i].key, "s",
                                                  entries[i].value);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int list_call_once(Client *client,
                          const List *list,
                          const char *start_after,
                          sd_bus_error *error,
                          sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = client_new_call(client, list->path, list->interface, list->member, &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "su", start_after, PAGE_ROWS);
        if (r >= 0 && list->filter)
                r = filter_append(call, list->filter);
        return r < 0 ? r : client_call(client, call, error, ret);
}

/* An ordinary user may read so much in ten seconds and no more: then it takes a little longer. */
static int
list_call(Client *client, const List *list, const char *start_after, sd_bus_message **ret) {
        int r;

        for (unsigned i = 0;; i++) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

                r = list_call_once(client, list, start_after, &error, ret);
                if (r >= 0)
                        return 0;
                if (!sd_bus_error_has_name(&error, SD_BUS_ERROR_LIMITS_EXCEEDED) ||
                    client->options.timeout_usec > 0 || i == LIMIT_TRIES)
                        return report_bus(&error, r, "Failed to %s", list->what);
                (void) usleep(LIMIT_WAIT_USEC);
        }
}

/* Moves the rows of a page behind those of `all`. */
static int rows_move(json_object *all, json_object *page) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < json_object_array_length(page); i++)
                r = json_append(all, json_object_get(json_object_array_get_idx(page, i)));
        return r;
}

static int page_read(sd_bus_message *reply, const List *list, json_object *all, char **next) {
        _cleanup_(json_object_putp) json_object *page = NULL;
        const char *text;
        char *copy;
        int r = 1;

        if (list->stamped)
                r = sd_bus_message_skip(reply, "t");
        if (r >= 0)
                r = json_from_message(reply, list->fields, &page);
        if (r >= 0 && !json_object_is_type(page, json_type_array))
                r = -EBADMSG;
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r >= 0)
                r = rows_move(all, page);
        if (r < 0)
                return r;
        /* A daemon that goes in circles must not make us go with it. */
        if (*text && json_object_array_length(page) == 0)
                return -EBADMSG;
        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        free(*next);
        *next = copy;
        return 0;
}

/* A row whose "id" is `id`, borrowed, or NULL; newest rows first. */
static json_object *row_find(json_object *rows, const char *id) {
        for (size_t i = json_object_array_length(rows); i-- > 0;) {
                json_object *row = json_object_array_get_idx(rows, i);

                if (strcmp(json_get_text(row, "id"), id) == 0)
                        return row;
        }
        return NULL;
}

/* Until the end or, if `until` is given, until the row of that id came. */
static int list_fetch(Client *client,
                      const List *list,
                      const char *start_after,
                      const char *until,
                      json_object **ret) {
        _cleanup_(json_object_putp) json_object *all = json_object_new_array();
        _cleanup_(freep) char *next = strdup(start_after);
        int r;

        if (!all || !next)
                return -ENOMEM;
        do {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

                r = list_call(client, list, next, &reply);
                if (r == 0)
                        r = page_read(reply, list, all, &next);
                if (r != 0)
                        return r;
        } while (*next && !(until && row_find(all, until)));
        *ret = TAKE_PTR(all);
        return 0;
}

int services_fetch(Client *client, const ServiceFilter *filter, json_object **ret) {
        const List list = {
                .path = BUS_PATH,
                .interface = BUS_INTERFACE_MANAGER,
                .member = "ListServices",
                .filter = filter,
                .fields = service_fields,
                .what = "list services",
        };

        return list_fetch(client, &list, "", NULL, ret);
}

int services_are_known(Client *client) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(json_object_putp) json_object *state = NULL;
        const char *text;
        int r;

        r = client_get(client, BUS_PATH, BUS_INTERFACE_MANAGER, "State", &error, &state);
        if (r < 0)
                return 1; /* what fails there has been, or will be, told */
        text = json_object_get_string(state);
        return !text || (strcmp(text, "starting") != 0 && strcmp(text, "syncing") != 0);
}

int endpoints_fetch(Client *client, const char *path, const char *id, json_object **ret) {
        _cleanup_(freep) char *what = NULL;
        List list = {
                .path = path,
                .interface = BUS_INTERFACE_SERVICE,
                .member = "ListEndpoints",
                .fields = endpoint_fields,
        };

        if (asprintf(&what, "list the endpoints of %s", id) < 0) {
                what = NULL;
                return -ENOMEM;
        }
        list.what = what;
        return list_fetch(client, &list, "", NULL, ret);
}

/* One row is asked for by what comes just before it in the order of ids: the id without its last
 * character. */
int statistics_fetch(Client *client, const char *id, json_object **ret) {
        _cleanup_(freep) char *before = strndup(id ? id : "", id && *id ? strlen(id) - 1 : 0);
        _cleanup_(json_object_putp) json_object *rows = NULL, *one = NULL;
        json_object *row;
        const List list = {
                .path = BUS_PATH,
                .interface = BUS_INTERFACE_MANAGER,
                .member = "ListStatistics",
                .fields = statistics_fields,
                .stamped = true,
                .what = "get statistics",
        };
        int r;

        if (!before)
                return -ENOMEM;
        r = list_fetch(client, &list, before, id, &rows);
        if (r != 0)
                return r;
        if (id) {
                row = row_find(rows, id);
                if (!row)
                        return report(EXIT_CODE_NOT_FOUND,
                                      "Failed to get statistics: There are none of %s yet.", id);
                one = json_object_new_array();
                if (!one)
                        return -ENOMEM;
                r = json_append(one, json_object_get(row));
                if (r < 0)
                        return r;
        }
        *ret = id ? TAKE_PTR(one) : TAKE_PTR(rows);
        return 0;
}

static int service_get(Client *client, const char *id, sd_bus_error *error, char **ret_path) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const char *path;
        int r;

        r = client_new_call(client, BUS_PATH, BUS_INTERFACE_MANAGER, "GetService", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", id);
        if (r >= 0)
                r = client_call(client, call, error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return r;
        *ret_path = strdup(path);
        return *ret_path ? 0 : -ENOMEM;
}

static int report_candidates(const char *word, json_object *rows) {
        (void) report(EXIT_CODE_USAGE, "\"%s\" has several ports; say which:", word);
        for (size_t i = 0; i < json_object_array_length(rows); i++)
                (void) report(EXIT_CODE_USAGE, "  %s",
                              json_get_text(json_object_array_get_idx(rows, i), "id"));
        return EXIT_CODE_USAGE;
}

/* "ns/name" without a port, of a service whose ports have names. 0 with *ret_id NULL if there is
 * none. */
static int service_resolve_port(Client *client, const char *id, char **ret_id, char **ret_path) {
        _cleanup_(json_object_putp) json_object *rows = NULL;
        const char *name = strchr(id, '/') + 1;
        _cleanup_(freep) char *namespace = strndup(id, (size_t) (name - 1 - id));
        _cleanup_(freep) char *full = NULL, *path = NULL;
        json_object *row;
        int r;

        if (!namespace)
                return -ENOMEM;
        r = services_fetch(client, &(ServiceFilter){ .namespace = namespace, .name = name }, &rows);
        if (r != 0)
                return r;
        if (json_object_array_length(rows) == 0)
                return 0;
        row = json_object_array_get_idx(rows, 0);
        if (json_object_array_length(rows) > 1 || strcmp(json_get_text(row, "name"), name) != 0)
                return report_candidates(id, rows);
        full = strdup(json_get_text(row, "id"));
        path = strdup(json_get_text(row, "path"));
        if (!full || !path)
                return -ENOMEM;
        *ret_id = TAKE_PTR(full);
        *ret_path = TAKE_PTR(path);
        return 0;
}

static int id_of_word(const Client *client, const char *word, char **ret) {
        const char *namespace =
                client->options.namespace ? client->options.namespace : NAMESPACE_DEFAULT;
        bool whole = strchr(word, '/');

        if (asprintf(ret, "%s%s%s", whole ? "" : namespace, whole ? "" : "/", word) < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        return 0;
}

int service_resolve(Client *client, const char *word, char **ret_id, char **ret_path) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(freep) char *id = NULL, *path = NULL, *other = NULL;
        int r;

        r = id_of_word(client, word, &id);
        if (r < 0)
                return r;
        r = service_get(client, id, &error, &path);
        if (r < 0 && sd_bus_error_has_name(&error, BUS_ERROR_NO_SUCH_SERVICE) && !strchr(id, ':')) {
                int q = service_resolve_port(client, id, &other, &path);

                if (q != 0)
                        return q;
                r = other ? 0 : r;
        }
        if (r < 0)
                return report_bus(&error, r, "Failed to find %s", id);
        *ret_id = other ? TAKE_PTR(other) : TAKE_PTR(id);
        *ret_path = TAKE_PTR(path);
        return 0;
}

/* The daemon reads the name as a pattern, so what it found is looked at once more. */
int services_resolve(Client *client, const char *word, json_object **ret) {
        _cleanup_(json_object_putp) json_object *rows = NULL, *chosen = json_object_new_array();
        _cleanup_(freep) char *id = NULL, *namespace = NULL, *name = NULL;
        const char *slash, *colon;
        int r;

        r = chosen ? id_of_word(client, word, &id) : -ENOMEM;
        if (r < 0)
                return r;
        slash = strchr(id, '/');
        colon = strchr(slash, ':');
        namespace = strndup(id, (size_t) (slash - id));
        name = strndup(slash + 1, colon ? (size_t) (colon - slash - 1) : strlen(slash + 1));
        if (!namespace || !name)
                return -ENOMEM;
        r = services_fetch(client, &(ServiceFilter){ .namespace = namespace, .name = name }, &rows);
        for (size_t i = 0; r == 0 && i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);

                if (strcmp(json_get_text(row, "id"), id) == 0 ||
                    (!colon && strcmp(json_get_text(row, "name"), name) == 0))
                        r = json_append(chosen, json_object_get(row));
        }
        if (r != 0)
                return r;
        if (json_object_array_length(chosen) == 0)
                return report(EXIT_CODE_NOT_FOUND, "Failed to find %s: There is no service \"%s\".",
                              id, id);
        *ret = TAKE_PTR(chosen);
        return 0;
}
