/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of the bus as JSON. Structs become objects by a list of field names, and a dictionary at
 * their end is merged into them, so that what a newer daemon adds shows up without change here.
 * Keys are camelCase: "drain-deadline-usec" → drainDeadlineUSec, "LastSyncUSec" → lastSyncUSec.
 */
#pragma once

#include <json-c/json.h>
#include <systemd/sd-bus.h>

#include "common/macros.h"

static inline void json_object_putp(json_object **object) {
        (void) json_object_put(*object);
}

/*
 * Reads the next complete value. `names` (ended by NULL) name the fields of a struct or of each
 * struct of an array; NULL: known by the key of a dictionary, else structs are arrays. *ret may be
 * NULL (JSON null). -EBADMSG or what sd-bus says if the message has no such value.
 */
int json_from_message(sd_bus_message *m, const char *const names[], json_object **ret);

/* The same for the reply of Properties.Get: structs get the names that belong to the property. */
int json_from_property(sd_bus_message *m, const char *property, json_object **ret);

/* "drain-deadline-usec", "drain_deadline_usec", "DrainDeadlineUSec" → "drainDeadlineUSec". -ENOMEM */
int json_key_to_camel(const char *key, char **ret);

/* Consumes `value`, also on failure. -ENOMEM */
int json_add(json_object *object, const char *key, json_object *value);
int json_append(json_object *array, json_object *value);

/* Borrowed, or NULL if absent. */
json_object *json_get(json_object *object, const char *key);
/* "" or 0 if absent or of another type */
const char *json_get_text(json_object *object, const char *key);
uint64_t json_get_number(json_object *object, const char *key);
size_t json_get_length(json_object *object, const char *key);

/* On one line for people: "-" for nothing, yes and no, arrays joined by `separator`, objects as
 * key=value. */
int json_to_text(json_object *value, const char *separator, char **ret);
