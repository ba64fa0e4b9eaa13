/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/generate.h"

#include <stdio.h>
#include <string.h>

#include "common/parse.h"

#define SERVICE_BASE 0x0a400000U /* 10.64.0.0 */
#define ENDPOINT_BASE 0x0a800000U /* 10.128.0.0 */
#define SERVICES_MAX 1000000U
#define NAMESPACE "bench"

EndpointState endpoint_state_from_string(const char *text) {
        static const char *const names[_ENDPOINT_STATE_MAX] = {
                [ENDPOINT_READY] = "ready",
                [ENDPOINT_UNREADY] = "unready",
                [ENDPOINT_TERMINATING] = "terminating",
                [ENDPOINT_REMOVED] = "removed",
        };

        for (EndpointState i = 0; i < _ENDPOINT_STATE_MAX; i++)
                if (strcmp(names[i], text) == 0)
                        return i;
        return _ENDPOINT_STATE_INVALID;
}

void generator_done(Generator *generator) {
        free(generator->states);
        *generator = (Generator) {};
}

int generator_parse(Generator *generator, const char *text) {
        _cleanup_(freep) char *copy = strdup(text);
        char *rest = copy, *word;
        uint32_t services = 0, endpoints = 1, nodes = 100;
        int r = 0;

        while (copy && (word = strsep(&rest, ",")) && r >= 0) {
                char *value = strchr(word, '=');

                if (!value)
                        return -EINVAL;
                *value++ = '\0';
                if (strcmp(word, "services") == 0)
                        r = parse_uint32(value, &services);
                else if (strcmp(word, "endpoints") == 0)
                        r = parse_uint32(value, &endpoints);
                else if (strcmp(word, "nodes") == 0)
                        r = parse_uint32(value, &nodes);
                else
                        r = -EINVAL;
        }
        if (r < 0 || services == 0 || services > SERVICES_MAX || endpoints > GENERATOR_ENDPOINTS_MAX || nodes == 0 ||
            (uint64_t) services * endpoints > 8000000)
                return -EINVAL;
        generator->states = calloc((size_t) services * endpoints + 1, 1);
        if (!copy || !generator->states)
                return -ENOMEM;
        generator->n_services = services;
        generator->n_endpoints = endpoints;
        generator->n_nodes = nodes;
        return 0;
}

static void put_address(Buffer *b, uint32_t address) {
        buffer_printf(
                b, "%u.%u.%u.%u", address >> 24, (address >> 16) & 255U, (address >> 8) & 255U, address & 255U);
}

/* `created` is constant: the same command line gives the same bytes. */
static size_t put_metadata(Buffer *b, const char *name, unsigned kind, unsigned number) {
        size_t offset;

        buffer_printf(b,
                      "\"metadata\":{\"name\":\"%s\",\"namespace\":\"" NAMESPACE
                      "\",\"uid\":\"00000000-0000-4000-800%x-%012x\",\"resourceVersion\":\"",
                      name,
                      kind,
                      number);
        offset = b->size;
        buffer_text(b, "\",\"creationTimestamp\":\"2026-11-23T08:10:01Z\"");
        return offset;
}

/* Takes the buffer over. */
static int store_text(Store *store, Resource resource, const char *name, Buffer v1[2], size_t offset, const char *label) {
        _cleanup_(object_unrefp) ApiObject *object = NULL;
        ObjectText text = { v1[0].data, v1[0].size, offset }, beta = { v1[1].data, v1[1].size, offset };
        _cleanup_(freep) char *key = NULL;
        int r = -ENOMEM;

        if (asprintf(&key, NAMESPACE "/%s", name) < 0)
                key = NULL;
        if (key && !v1[0].failed && !v1[1].failed)
                object = object_from_text(resource, key, &text, &beta);
        free(text.bytes);
        free(beta.bytes);
        if (object)
                r = object_add_label(object, label ? "kubernetes.io/service-name" : "app", label ? label : name);
        return r < 0 ? r : store_put(store, object);
}

int generator_put_slice(const Generator *generator, Store *store, unsigned service) {
        char name[32], owner[32];
        Buffer b[2] = {};
        size_t offset = 0;

        (void) snprintf(owner, sizeof owner, "svc-%05u", service);
        (void) snprintf(name, sizeof name, "svc-%05u-slice", service);
        for (unsigned beta = 0; beta < 2; beta++) {
                const char *comma = "";

                offset = put_metadata(&b[beta], name, 2, service);
                buffer_printf(&b[beta],
                              ",\"labels\":{\"kubernetes.io/service-name\":\"%s\"}},\"addressType\":\"IPv4\",\"endpoints\":[",
                              owner);
                for (unsigned i = 0; i < generator->n_endpoints; i++) {
                        unsigned number = service * generator->n_endpoints + i;
                        uint8_t state = generator->states[number];
                        bool terminating = state == ENDPOINT_TERMINATING;

                        if (state == ENDPOINT_REMOVED)
                                continue;
                        buffer_printf(&b[beta], "%s{\"addresses\":[\"", comma);
                        put_address(&b[beta], ENDPOINT_BASE + number + 1);
                        buffer_printf(&b[beta],
                                      "\"],\"conditions\":{\"ready\":%s,\"serving\":%s,\"terminating\":%s},",
                                      state == ENDPOINT_READY ? "true" : "false",
                                      state == ENDPOINT_UNREADY ? "false" : "true",
                                      terminating ? "true" : "false");
                        buffer_printf(&b[beta],
                                      beta ? "\"topology\":{\"kubernetes.io/hostname\":\"node-%u\"}}" : "\"nodeName\":\"node-%u\"}",
                                      number % generator->n_nodes);
                        comma = ",";
                }
                buffer_text(&b[beta], "],\"ports\":[{\"name\":\"http\",\"protocol\":\"TCP\",\"port\":8080}]");
        }
        return store_text(store, RESOURCE_SLICES, name, b, offset, owner);
}

int generator_put_service(const Generator *generator, Store *store, unsigned service) {
        uint32_t address = SERVICE_BASE + service + 1;
        Buffer b[2] = {};
        char name[32];
        size_t offset;
        int r;

        (void) snprintf(name, sizeof name, "svc-%05u", service);
        offset = put_metadata(&b[0], name, 1, service);
        buffer_printf(&b[0],
                      ",\"labels\":{\"app\":\"%s\"}},\"spec\":{\"ports\":[{\"name\":\"http\",\"protocol\":\"TCP\",\"port\":80,"
                      "\"targetPort\":8080}],\"selector\":{\"app\":\"%s\"},\"clusterIP\":\"",
                      name,
                      name);
        put_address(&b[0], address);
        buffer_text(&b[0], "\",\"clusterIPs\":[\"");
        put_address(&b[0], address);
        buffer_text(&b[0],
                    "\"],\"type\":\"ClusterIP\",\"sessionAffinity\":\"None\",\"ipFamilies\":[\"IPv4\"],\"ipFamilyPolicy\":"
                    "\"SingleStack\",\"internalTrafficPolicy\":\"Cluster\"},\"status\":{\"loadBalancer\":{}}");
        r = store_text(store, RESOURCE_SERVICES, name, b, offset, NULL);
        return r < 0 ? r : generator_put_slice(generator, store, service);
}

int generator_put_all(const Generator *generator, Store *store) {
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < generator->n_services; i++)
                r = generator_put_service(generator, store, i);
        return r;
}

int generator_delete_service(const Generator *generator, Store *store, unsigned service) {
        char key[48];

        if (service >= generator->n_services)
                return -ERANGE;
        (void) snprintf(key, sizeof key, NAMESPACE "/svc-%05u-slice", service);
        (void) store_delete(store, RESOURCE_SLICES, key);
        (void) snprintf(key, sizeof key, NAMESPACE "/svc-%05u", service);
        return store_delete(store, RESOURCE_SERVICES, key);
}

int generator_set_endpoint(
        Generator *generator, Store *store, unsigned service, unsigned endpoint, EndpointState state) {
        if (service >= generator->n_services || endpoint >= generator->n_endpoints)
                return -ERANGE;
        generator->states[(size_t) service * generator->n_endpoints + endpoint] = (uint8_t) state;
        return generator_put_slice(generator, store, service);
}
