/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/mirror.h"

#include <stdio.h>
#include <string.h>

#define SERVICE_NAME "kubernetes.io/service-name"

static bool endpoint_is_ready(struct json_object *endpoint) {
        struct json_object *conditions, *ready;

        if (!json_object_object_get_ex(endpoint, "conditions", &conditions) ||
            !json_object_object_get_ex(conditions, "ready", &ready) || !ready)
                return true;
        return json_object_get_boolean(ready);
}

static void put_address(Buffer *b, struct json_object *endpoint) {
        struct json_object *addresses, *node;

        if (!json_object_object_get_ex(endpoint, "addresses", &addresses))
                return;
        buffer_printf(b, "{\"ip\":\"%s\"", json_object_get_string(json_object_array_get_idx(addresses, 0)));
        if (json_object_object_get_ex(endpoint, "nodeName", &node))
                buffer_printf(b, ",\"nodeName\":\"%s\"", json_object_get_string(node));
        buffer_text(b, "}");
}

static void put_addresses(Buffer *b, struct json_object *endpoints, bool ready) {
        const char *comma = "";

        buffer_printf(b, "\"%s\":[", ready ? "addresses" : "notReadyAddresses");
        for (size_t i = 0; endpoints && i < json_object_array_length(endpoints); i++) {
                struct json_object *endpoint = json_object_array_get_idx(endpoints, i);

                if (endpoint_is_ready(endpoint) != ready)
                        continue;
                buffer_text(b, comma);
                put_address(b, endpoint);
                comma = ",";
        }
        buffer_text(b, "],");
}

static void put_subset(Buffer *b, const ApiObject *slice) {
        struct json_object *json, *endpoints = NULL, *ports = NULL;
        Buffer text = {};

        object_write(slice, API_VERSION_DISCOVERY_V1, slice->version, false, &text);
        json = buffer_cstring(&text) ? json_tokener_parse(text.data) : NULL;
        buffer_done(&text);
        if (!json)
                return;
        (void) json_object_object_get_ex(json, "endpoints", &endpoints);
        (void) json_object_object_get_ex(json, "ports", &ports);
        buffer_text(b, "{");
        put_addresses(b, endpoints, true);
        put_addresses(b, endpoints, false);
        buffer_printf(b, "\"ports\":%s}", ports ? json_object_to_json_string_ext(ports, JSON_C_TO_STRING_PLAIN) : "[]");
        json_object_put(json);
}

/* `key` is "namespace/service". */
static int mirror_service(Store *store, const char *key) {
        const StoreTable *table = &store->tables[RESOURCE_SLICES];
        size_t n_namespace = (size_t) (strchr(key, '/') - key);
        _cleanup_(object_unrefp) ApiObject *object = NULL;
        struct json_object *json;
        const char *error, *comma = "";
        Buffer b = {};
        int r;

        buffer_printf(&b,
                      "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%.*s\"},\"subsets\":[",
                      key + n_namespace + 1,
                      (int) n_namespace,
                      key);
        for (size_t i = 0; i < table->n_objects; i++) {
                const char *service = object_label(table->objects[i], SERVICE_NAME);

                if (!service || strcmp(service, key + n_namespace + 1) != 0 ||
                    strncmp(table->objects[i]->key, key, n_namespace + 1) != 0)
                        continue;
                buffer_text(&b, comma);
                put_subset(&b, table->objects[i]);
                comma = ",";
        }
        buffer_text(&b, "]}");
        if (!*comma) {
                buffer_done(&b);
                return store_delete(store, RESOURCE_ENDPOINTS, key);
        }
        json = buffer_cstring(&b) ? json_tokener_parse(b.data) : NULL;
        buffer_done(&b);
        if (!json)
                return -ENOMEM;
        r = object_from_json(RESOURCE_ENDPOINTS, json, store_get(store, RESOURCE_ENDPOINTS, key), &object, &error);
        json_object_put(json);
        return r < 0 ? r : store_put(store, object);
}

int mirror_update(Store *store, uint64_t after_version) {
        size_t i = store_event_after(store, RESOURCE_SLICES, after_version);
        int r = 0;

        for (; r >= 0 && i < store->tables[RESOURCE_SLICES].n_events; i++) {
                const StoreEvent *event = store_event(store, RESOURCE_SLICES, i);
                const ApiObject *slice = event->object ? event->object : event->previous;
                const char *service = object_label(slice, SERVICE_NAME);
                _cleanup_(freep) char *key = NULL;

                if (!service)
                        continue;
                if (asprintf(&key, "%.*s/%s", (int) strcspn(slice->key, "/"), slice->key, service) < 0) {
                        key = NULL;
                        return -ENOMEM;
                }
                r = mirror_service(store, key);
        }
        return r < 0 ? r : 0;
}
