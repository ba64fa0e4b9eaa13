/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "client/document.h"
#include "client/message-json.h"
#include "client/report.h"
#include "common/bus-names.h"

static int sections_append(sd_bus_message *call, const char *const sections[]) {
        int r = sd_bus_message_open_container(call, 'a', "{sv}");

        if (r >= 0 && sections) {
                r = sd_bus_message_open_container(call, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(call, "s", "sections");
                if (r >= 0)
                        r = sd_bus_message_open_container(call, 'v', "as");
                if (r >= 0)
                        r = sd_bus_message_open_container(call, 'a', "s");
                for (size_t i = 0; r >= 0 && sections[i]; i++)
                        r = sd_bus_message_append(call, "s", sections[i]);
                if (r >= 0)
                        r = sd_bus_message_close_container(call);
                if (r >= 0)
                        r = sd_bus_message_close_container(call);
                if (r >= 0)
                        r = sd_bus_message_close_container(call);
        }
        return r < 0 ? r : sd_bus_message_close_container(call);
}

int document_fetch(Client *client,
                   const char *method,
                   const char *what,
                   const char *const sections[],
                   char **ret,
                   size_t *ret_size) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int fd, r;

        r = client_new_call(client, BUS_PATH, BUS_INTERFACE_MANAGER, method, &call);
        if (r >= 0)
                r = sections_append(call, sections);
        if (r < 0)
                return r;
        r = client_call_authorised(client, call, &error, &reply);
        if (r < 0)
                return report_bus(&error, r, "Failed to %s", what);
        r = sd_bus_message_read(reply, "h", &fd);
        return r < 0 ? r : document_read_fd(fd, ret, ret_size);
}

int document_fetch_services(Client *client, const char *const sections[], json_object **ret) {
        _cleanup_(json_object_putp) json_object *document = NULL;
        _cleanup_(freep) char *text = NULL;
        json_object *services;
        size_t size = 0;
        int r;

        r = document_fetch(client, "DumpByFileDescriptor", "read the services", sections, &text,
                           &size);
        if (r == 0)
                r = document_parse(text, size, &document);
        if (r != 0)
                return r;
        services = json_get(document, "services");
        if (!json_object_is_type(services, json_type_array))
                return -EBADMSG;
        *ret = json_object_get(services);
        return 0;
}
