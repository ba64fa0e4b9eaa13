/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two answers about all service objects. sd-bus has them too and makes them in one go, which takes 20 ms for a
 * thousand objects and looks each of them up once for each of its properties; these are the same texts in parts.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus-private.h"
#include "common/bus-names.h"

/* ---- GetManagedObjects */

#define OBJECT_COST 15

static int objects_begin(Answer *answer, void *state) {
        return sd_bus_message_open_container(answer->reply, 'a', "{oa{sa{sv}}}");
}

/* What every object has, without properties. */
static int append_standard_interfaces(sd_bus_message *reply) {
        return sd_bus_message_append(reply,
                                     "{sa{sv}}{sa{sv}}{sa{sv}}",
                                     "org.freedesktop.DBus.Peer",
                                     0,
                                     "org.freedesktop.DBus.Introspectable",
                                     0,
                                     "org.freedesktop.DBus.Properties",
                                     0);
}

static int append_object(sd_bus_message *reply, Bus *bus, const char *path, const DesiredPort *port) {
        int r;

        r = sd_bus_message_open_container(reply, 'e', "oa{sa{sv}}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "o", path);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sa{sv}}");
        if (r >= 0)
                r = append_standard_interfaces(reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'e', "sa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", BUS_INTERFACE_SERVICE);
        if (r >= 0)
                r = bus_append_service_properties(bus, port, path, reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int objects_port(Answer *answer, const DesiredPort *port, unsigned *cost, void *state) {
        _cleanup_(freep) char *path = NULL;
        int r = service_path_new(port->id, &path);

        *cost += OBJECT_COST;
        answer->n_bytes += BYTES_MANAGED_OBJECT;
        if (r >= 0)
                r = append_object(answer->reply, answer->bus, path, port);
        return MIN2(r, 0);
}

static int objects_end(Answer *answer, bool more, void *state) {
        return sd_bus_message_close_container(answer->reply);
}

static const AnswerKind objects_kind = {
        .begin = objects_begin,
        .port = objects_port,
        .end = objects_end,
        .is_snapshot = true,
};

/* ---- Introspect of their parent */

static const char children_head[] =
        "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n"
        "\"https://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n"
        "<node>\n"
        " <interface name=\"org.freedesktop.DBus.Peer\">\n"
        "  <method name=\"Ping\"/>\n"
        "  <method name=\"GetMachineId\">\n"
        "   <arg type=\"s\" name=\"machine_uuid\" direction=\"out\"/>\n"
        "  </method>\n"
        " </interface>\n"
        " <interface name=\"org.freedesktop.DBus.Introspectable\">\n"
        "  <method name=\"Introspect\">\n"
        "   <arg name=\"xml_data\" type=\"s\" direction=\"out\"/>\n"
        "  </method>\n"
        " </interface>\n"
        " <interface name=\"org.freedesktop.DBus.Properties\">\n"
        "  <method name=\"Get\">\n"
        "   <arg name=\"interface_name\" direction=\"in\" type=\"s\"/>\n"
        "   <arg name=\"property_name\" direction=\"in\" type=\"s\"/>\n"
        "   <arg name=\"value\" direction=\"out\" type=\"v\"/>\n"
        "  </method>\n"
        "  <method name=\"GetAll\">\n"
        "   <arg name=\"interface_name\" direction=\"in\" type=\"s\"/>\n"
        "   <arg name=\"props\" direction=\"out\" type=\"a{sv}\"/>\n"
        "  </method>\n"
        "  <method name=\"Set\">\n"
        "   <arg name=\"interface_name\" direction=\"in\" type=\"s\"/>\n"
        "   <arg name=\"property_name\" direction=\"in\" type=\"s\"/>\n"
        "   <arg name=\"value\" direction=\"in\" type=\"v\"/>\n"
        "  </method>\n"
        "  <signal name=\"PropertiesChanged\">\n"
        "   <arg type=\"s\" name=\"interface_name\"/>\n"
        "   <arg type=\"a{sv}\" name=\"changed_properties\"/>\n"
        "   <arg type=\"as\" name=\"invalidated_properties\"/>\n"
        "  </signal>\n"
        " </interface>\n";

typedef struct Children {
        char *text; /* owned */
        size_t size;
        FILE *out; /* owned; writes into it */
} Children;

static int children_begin(Answer *answer, void *state) {
        Children *children = state;

        return fputs(children_head, children->out) == EOF ? -ENOMEM : 0;
}

/* A path has nothing in it that XML would want to be escaped. */
static int children_port(Answer *answer, const DesiredPort *port, unsigned *cost, void *state) {
        _cleanup_(freep) char *path = NULL;
        Children *children = state;
        int r = service_path_new(port->id, &path);

        if (r < 0)
                return r;
        return fprintf(children->out, " <node name=\"%s\"/>\n", path + strlen(BUS_PATH_SERVICE "/")) < 0 ? -ENOMEM : 0;
}

static int children_end(Answer *answer, bool more, void *state) {
        Children *children = state;

        if (fputs("</node>\n", children->out) == EOF || fflush(children->out) == EOF)
                return -ENOMEM;
        answer->n_bytes = children->size;
        return sd_bus_message_append(answer->reply, "s", children->text);
}

static void children_free(void *state) {
        Children *children = state;

        (void) fclose(children->out);
        free(children->text);
        free(children);
}

static const AnswerKind children_kind = {
        .begin = children_begin,
        .port = children_port,
        .end = children_end,
        .free = children_free,
};

static int answer_children(Bus *bus, sd_bus_message *m, sd_bus_error *error) {
        Children *children = calloc(1, sizeof(Children));

        if (children)
                children->out = open_memstream(&children->text, &children->size);
        if (!children || !children->out) {
                free(children);
                return -ENOMEM;
        }
        return answers_ask(bus->answers, m, &children_kind, "", children, error);
}

int bus_answer_tree(Bus *bus, sd_bus_message *m, sd_bus_error *error) {
        const char *path = sd_bus_message_get_path(m);

        if (!sd_bus_message_has_signature(m, ""))
                return 0;
        if (sd_bus_message_is_method_call(m, BUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects") &&
            strcmp(path, BUS_PATH) == 0)
                return answers_ask(bus->answers, m, &objects_kind, "", NULL, error);
        if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Introspectable", "Introspect") &&
            strcmp(path, BUS_PATH_SERVICE) == 0)
                return answer_children(bus, m, error);
        return 0;
}
