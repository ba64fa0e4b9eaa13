/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The query of lists and watches, with the validation of k8s.io/apimachinery/pkg/apis/internalversion/validation. */
#include <string.h>

#include "common/parse.h"
#include "tests/apiserver/api.h"

void api_list_options_done(ApiListOptions *options) {
        selector_done(&options->selector);
}

static bool bad_request(ApiRequest *request, const char *what, const char *value) {
        api_fail(request->connection,
                 &(ApiStatus) { .code = 400, .reason = "BadRequest" },
                 "%s: %s",
                 what,
                 value ? value : "");
        return false;
}

static bool invalid(ApiRequest *request, const char *field, const char *message) {
        Buffer details = {};

        buffer_printf(&details,
                      "{\"group\":\"meta.k8s.io\",\"kind\":\"ListOptions\",\"causes\":[{\"reason\":\"FieldValueForbidden\","
                      "\"message\":\"Forbidden: %s\",\"field\":\"%s\"}]}",
                      message,
                      field);
        api_fail(request->connection,
                 &(ApiStatus) { .code = 422, .reason = "Invalid", .details = buffer_cstring(&details) },
                 "ListOptions.meta.k8s.io \"\" is invalid: %s: Forbidden: %s",
                 field,
                 message);
        buffer_done(&details);
        return false;
}

static const char *query(const ApiRequest *request, const char *name) {
        const char *value = http_request_query(request->http, name);

        return value && *value ? value : NULL;
}

static bool options_parse_selectors(ApiRequest *request, ApiListOptions *options) {
        const char *labels = query(request, "labelSelector"), *fields = query(request, "fieldSelector");

        if (selector_parse_labels(&options->selector, labels) < 0)
                return bad_request(request, "unable to parse requirement", labels);
        if (selector_parse_fields(&options->selector, fields) < 0)
                return bad_request(request, "field label not supported", fields);
        /* The path's are the stronger ones. */
        if (request->namespace) {
                free(options->selector.namespace);
                options->selector.namespace = strdup(request->namespace);
        }
        if (request->name) {
                free(options->selector.name);
                options->selector.name = strdup(request->name);
        }
        return true;
}

static bool options_check_match(ApiRequest *request, const ApiListOptions *options) {
        bool initial = query(request, "sendInitialEvents") && request->server->watch_list != WATCH_LIST_UNKNOWN;

        if (request->verb == API_VERB_WATCH && initial) {
                if (request->server->watch_list == WATCH_LIST_REFUSED)
                        return invalid(request,
                                       "sendInitialEvents",
                                       "sendInitialEvents is forbidden for watch unless the WatchList feature gate is "
                                       "enabled");
                if (!options->match)
                        return invalid(request,
                                       "resourceVersionMatch",
                                       "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
                return true;
        }
        if (request->verb == API_VERB_LIST && initial)
                return invalid(request, "sendInitialEvents", "sendInitialEvents is forbidden for list");
        if (!options->match)
                return true;
        if (request->verb == API_VERB_WATCH)
                return invalid(request,
                               "resourceVersionMatch",
                               "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        if (options->token)
                return invalid(request, "resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
        if (!options->has_version)
                return invalid(request,
                               "resourceVersionMatch",
                               "resourceVersionMatch is forbidden unless resourceVersion is provided");
        if (strcmp(options->match, "Exact") == 0 && options->version == 0)
                return invalid(request,
                               "resourceVersionMatch",
                               "resourceVersionMatch \\\"exact\\\" is forbidden for resourceVersion \\\"0\\\"");
        if (strcmp(options->match, "Exact") != 0 && strcmp(options->match, "NotOlderThan") != 0)
                return invalid(request, "resourceVersionMatch", "supported values: Exact, NotOlderThan");
        return true;
}

bool api_list_options_parse(ApiRequest *request, ApiListOptions *ret) {
        const char *version = query(request, "resourceVersion"), *limit = query(request, "limit");

        *ret = (ApiListOptions) {
                .has_version = version,
                .match = query(request, "resourceVersionMatch"),
                .token = query(request, "continue"),
        };
        if (!options_parse_selectors(request, ret))
                return false;
        if (version && parse_uint64(version, &ret->version) < 0)
                return bad_request(request, "invalid resource version", version);
        if (limit && parse_uint64(limit, &ret->limit) < 0)
                return bad_request(request, "invalid limit", limit);
        if (ret->token && ret->version > 0)
                return bad_request(request, "specifying resource version is not allowed when using continue", version);
        return options_check_match(request, ret);
}
