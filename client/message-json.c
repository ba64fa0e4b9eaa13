/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/message-json.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TEXT_FIELD_MAX 32

typedef const char *const *Names;

static int value_read(sd_bus_message *m, Names names, json_object **ret);

/* Properties whose value is a struct or an array of structs. */
static Names names_of_property(const char *name) {
        static const struct {
                const char *name;
                const char *fields[6];
        } table[] = {
                { "Capabilities", { "name", "value", "reason" } },
                { "Conditions", { "type", "status", "sinceUSec", "reason" } },
                { "VirtualServers", { "kind", "address", "port", "fwmark" } },
                { "RefusedAddresses", { "address", "reason" } },
                { "Holds", { "who", "why", "uid", "sinceUSec" } },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (strcmp(table[i].name, name) == 0)
                        return table[i].fields;
        return NULL;
}

int json_add(json_object *object, const char *key, json_object *value) {
        if (json_object_object_add(object, key, value) < 0) {
                (void) json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

int json_append(json_object *array, json_object *value) {
        if (json_object_array_add(array, value) < 0) {
                (void) json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

int json_key_to_camel(const char *key, char **ret) {
        char *camel = malloc(strlen(key) + 1), *out = camel;

        if (!camel)
                return -ENOMEM;
        for (const char *p = key; *p; p++) {
                if (p == key)
                        *out++ = (char) tolower((unsigned char) *p);
                else if (*p != '-' && *p != '_')
                        *out++ = *p;
                else if (strncmp(p + 1, "usec", 4) == 0 && (!p[5] || p[5] == '-' || p[5] == '_'))
                        *out++ = 'U', *out++ = 'S', p += 2;
                else if (p[1])
                        *out++ = (char) toupper((unsigned char) *++p);
        }
        *out = '\0';
        *ret = camel;
        return 0;
}

static int text_or_nothing(const char *text, json_object **ret) {
        *ret = json_object_new_string(text);
        return *ret ? 0 : -ENOMEM;
}

static int basic_read(sd_bus_message *m, char type, json_object **ret) {
        union {
                uint8_t y;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
                int b;
                const char *s;
        } v;
        int r;

        r = sd_bus_message_read_basic(m, type, &v);
        if (r < 0)
                return r;
        switch (type) {
        case 's':
        case 'o':
        case 'g':
                return text_or_nothing(v.s, ret);
        case 'b':
                *ret = json_object_new_boolean(v.b);
                break;
        case 'd':
                *ret = isfinite(v.d) ? json_object_new_double(v.d) : NULL;
                return *ret || !isfinite(v.d) ? 0 : -ENOMEM;
        case 'y':
                *ret = json_object_new_uint64(v.y);
                break;
        case 'q':
                *ret = json_object_new_uint64(v.q);
                break;
        case 'u':
                *ret = json_object_new_uint64(v.u);
                break;
        case 't':
                *ret = json_object_new_uint64(v.t);
                break;
        case 'n':
                *ret = json_object_new_int64(v.n);
                break;
        case 'i':
                *ret = json_object_new_int64(v.i);
                break;
        case 'x':
                *ret = json_object_new_int64(v.x);
                break;
        default: /* a descriptor has no text */
                *ret = NULL;
                return 0;
        }
        return *ret ? 0 : -ENOMEM;
}

/* One "{key value}"; what the object has already stays. */
static int entry_read(sd_bus_message *m, json_object *object) {
        _cleanup_(json_object_putp) json_object *key = NULL, *value = NULL;
        _cleanup_(freep) char *camel = NULL;
        const char *text;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, NULL);
        if (r > 0)
                r = basic_read(m, type, &key);
        if (r < 0)
                return r;
        text = json_object_get_string(key);
        if (!text)
                return -EBADMSG;
        r = value_read(m, names_of_property(text), &value);
        if (r < 0)
                return r;
        r = json_key_to_camel(text, &camel);
        if (r < 0 || json_object_object_get_ex(object, camel, NULL))
                return r;
        return json_add(object, camel, TAKE_PTR(value));
}

static int dict_read(sd_bus_message *m, const char *contents, json_object *object) {
        _cleanup_(freep) char *entry = strndup(contents + 1, strlen(contents) - 2);
        int r;

        if (!entry)
                return -ENOMEM;
        r = sd_bus_message_enter_container(m, 'a', contents);
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', entry)) > 0) {
                r = entry_read(m, object);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* `name` is NULL behind the last known name: a dictionary there belongs to the object itself. */
static int struct_field_read(sd_bus_message *m, const char *name, size_t i, json_object *object) {
        _cleanup_(json_object_putp) json_object *value = NULL;
        const char *contents;
        char type, unnamed[TEXT_FIELD_MAX];
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r > 0 && !name && type == 'a' && *contents == '{')
                return dict_read(m, contents, object);
        r = value_read(m, NULL, &value);
        if (r < 0)
                return r;
        (void) snprintf(unnamed, sizeof(unnamed), "field%zu", i);
        return json_add(object, name ? name : unnamed, TAKE_PTR(value));
}

static int struct_fields_read(sd_bus_message *m, Names names, json_object *object) {
        size_t n_named = 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && sd_bus_message_at_end(m, 0) == 0; i++) {
                json_object *value = NULL;

                if (names && names[n_named])
                        r = struct_field_read(m, names[n_named++], i, object);
                else if (names)
                        r = struct_field_read(m, NULL, i, object);
                else
                        r = value_read(m, NULL, &value);
                if (r >= 0 && !names)
                        r = json_append(object, value);
        }
        return r;
}

static int struct_read(sd_bus_message *m, const char *contents, Names names, json_object **ret) {
        _cleanup_(json_object_putp) json_object *object = NULL;
        int r;

        object = names ? json_object_new_object() : json_object_new_array();
        if (!object)
                return -ENOMEM;
        r = sd_bus_message_enter_container(m, 'r', contents);
        if (r >= 0)
                r = struct_fields_read(m, names, object);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(object);
        return 0;
}

static int array_read(sd_bus_message *m, const char *contents, Names names, json_object **ret) {
        _cleanup_(json_object_putp) json_object *array = NULL;
        int r;

        array = *contents == '{' ? json_object_new_object() : json_object_new_array();
        if (!array)
                return -ENOMEM;
        if (*contents == '{') {
                r = dict_read(m, contents, array);
        } else {
                r = sd_bus_message_enter_container(m, 'a', contents);
                while (r >= 0 && sd_bus_message_at_end(m, 0) == 0) {
                        json_object *value = NULL;

                        r = value_read(m, names, &value);
                        if (r >= 0)
                                r = json_append(array, value);
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(array);
        return 0;
}

static int value_read(sd_bus_message *m, Names names, json_object **ret) {
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        switch (type) {
        case 'a':
                return array_read(m, contents, names, ret);
        case 'r':
                return struct_read(m, contents, names, ret);
        case 'v':
                r = sd_bus_message_enter_container(m, 'v', contents);
                if (r >= 0)
                        r = value_read(m, names, ret);
                return r < 0 ? r : sd_bus_message_exit_container(m);
        default:
                return basic_read(m, type, ret);
        }
}

int json_from_message(sd_bus_message *m, const char *const names[], json_object **ret) {
        return value_read(m, names, ret);
}

int json_from_property(sd_bus_message *m, const char *property, json_object **ret) {
        return value_read(m, names_of_property(property), ret);
}
