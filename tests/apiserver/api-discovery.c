/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the server offers: /api, /apis and below, /version, and its health. */
#include <string.h>

#include "tests/apiserver/api.h"

static bool version_is_served(const ApiServer *server, ApiVersion version) {
        return server->versions & (1U << version);
}

static void put_version(Buffer *b, ApiVersion version) {
        buffer_printf(b,
                      "{\"groupVersion\":\"%s\",\"version\":\"%s\"}",
                      api_version_to_string(version),
                      api_version_short(version));
}

/* False if nothing of the group is served. `type` adds kind and apiVersion. */
static bool put_group(const ApiServer *server, Buffer *b, const char *group, bool type) {
        ApiVersion preferred = _API_VERSION_MAX;

        for (ApiVersion i = _API_VERSION_MAX; i-- > 0;)
                if (version_is_served(server, i) && strcmp(api_version_group(i), group) == 0)
                        preferred = i;
        if (preferred == _API_VERSION_MAX || !*group)
                return false;
        buffer_printf(b,
                      "{%s\"name\":\"%s\",\"versions\":[",
                      type ? "\"kind\":\"APIGroup\",\"apiVersion\":\"v1\"," : "",
                      group);
        for (ApiVersion i = preferred; i < _API_VERSION_MAX; i++) {
                if (!version_is_served(server, i) || strcmp(api_version_group(i), group) != 0)
                        continue;
                if (i != preferred)
                        buffer_text(b, ",");
                put_version(b, i);
        }
        buffer_text(b, "],\"preferredVersion\":");
        put_version(b, preferred);
        buffer_text(b, "}");
        return true;
}

static void put_groups(const ApiServer *server, Buffer *b) {
        static const char *const groups[] = { "events.k8s.io", "discovery.k8s.io" };
        bool any = false;

        buffer_text(b, "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[");
        for (size_t i = 0; i < ELEMENTSOF(groups); i++) {
                Buffer group = {};

                if (put_group(server, &group, groups[i], false)) {
                        buffer_text(b, any ? "," : "");
                        buffer_append(b, group.data, group.size);
                        any = true;
                }
                buffer_done(&group);
        }
        buffer_text(b, "]}");
}

static void put_resources(Buffer *b, ApiVersion version) {
        bool any = false;

        buffer_printf(b,
                      "{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":\"%s\",\"resources\":[",
                      api_version_to_string(version));
        for (Resource i = 0; i < _RESOURCE_MAX; i++) {
                const ResourceType *type = resource_type(i);

                if (!(type->versions & (1U << version)))
                        continue;
                buffer_printf(b,
                              "%s{\"name\":\"%s\",\"singularName\":\"%s\",\"namespaced\":%s,\"kind\":\"%s\",\"verbs\":[%s"
                              "\"get\",\"list\",\"watch\"]}",
                              any ? "," : "",
                              type->plural,
                              type->singular,
                              type->namespaced ? "true" : "false",
                              type->kind,
                              type->writable ? "\"create\",\"patch\",\"update\"," : "");
                any = true;
        }
        buffer_text(b, "]}");
}

/* "/apis/GROUP" or "/apis/GROUP/VERSION" */
static bool put_below_apis(const ApiServer *server, Buffer *b, const char *path) {
        ApiVersion version = api_version_from_string(path);

        if (version < 0 || !strchr(path, '/'))
                return put_group(server, b, path, true);
        if (!version_is_served(server, version))
                return false;
        put_resources(b, version);
        return true;
}

/* Whether "/apis/…" names a group or a version and no resource. */
static bool is_below_apis(const char *path) {
        const char *slash;

        if (strncmp(path, "/apis/", 6) != 0)
                return false;
        slash = strchr(path + 6, '/');
        return !slash || !strchr(slash + 1, '/');
}

static bool is_health(const char *path) {
        return strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 || strcmp(path, "/livez") == 0;
}

bool api_is_discovery(const char *path) {
        static const char *const paths[] = { "/api", "/api/v1", "/apis", "/version" };

        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                if (strcmp(path, paths[i]) == 0)
                        return true;
        return is_health(path) || is_below_apis(path);
}

void api_discovery(ApiServer *server, HttpConnection *connection, const char *path) {
        Buffer b = {};
        bool found = true;

        if (is_health(path)) {
                http_respond(connection, 200, "text/plain; charset=utf-8", NULL, "ok", 2);
                return;
        }
        server->counters.discovery++;
        if (strcmp(path, "/api") == 0)
                buffer_text(&b,
                            "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":"
                            "[{\"clientCIDR\":\"0.0.0.0/0\",\"serverAddress\":\"192.0.2.2:6443\"}]}");
        else if (strcmp(path, "/version") == 0)
                buffer_text(&b,
                            "{\"major\":\"1\",\"minor\":\"20\",\"gitVersion\":\"v1.20.2\",\"gitCommit\":"
                            "\"0000000000000000000000000000000000000000\",\"gitTreeState\":\"clean\",\"buildDate\":"
                            "\"1970-01-01T00:00:00Z\",\"goVersion\":\"none\",\"compiler\":\"gcc\",\"platform\":"
                            "\"linux/amd64\"}");
        else if (strcmp(path, "/api/v1") == 0)
                put_resources(&b, API_VERSION_CORE_V1);
        else if (strcmp(path, "/apis") == 0)
                put_groups(server, &b);
        else
                found = put_below_apis(server, &b, path + strlen("/apis/"));
        buffer_text(&b, "\n");
        if (found)
                http_respond(connection, 200, "application/json", NULL, b.data, b.size);
        else
                api_fail_path(connection);
        buffer_done(&b);
}
