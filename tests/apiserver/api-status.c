/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/apiserver/api.h"

void api_status_write(Buffer *buffer, const ApiStatus *status, const char *message) {
        buffer_printf(buffer,
                      "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":%s,\"status\":\"Failure\",\"message\":",
                      status->metadata ? status->metadata : "{}");
        buffer_json_string(buffer, message);
        buffer_printf(buffer, ",\"reason\":\"%s\"", status->reason);
        if (status->details)
                buffer_printf(buffer, ",\"details\":%s", status->details);
        buffer_printf(buffer, ",\"code\":%d}", status->code);
}

void api_fail(HttpConnection *connection, const ApiStatus *status, const char *format, ...) {
        _cleanup_(freep) char *message = NULL;
        Buffer body = {}, headers = {};
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&message, format, arguments) < 0)
                message = NULL;
        va_end(arguments);
        api_status_write(&body, status, message ? message : "out of memory");
        buffer_text(&body, "\n");
        if (status->retry_after > 0)
                buffer_printf(&headers, "Retry-After: %u\r\n", status->retry_after);
        http_respond(connection, status->code, "application/json", buffer_cstring(&headers), body.data, body.size);
        buffer_done(&headers);
        buffer_done(&body);
}

void api_fail_path(HttpConnection *connection) {
        api_fail(connection,
                 &(ApiStatus) { .code = 404, .reason = "NotFound", .details = "{}" },
                 "the server could not find the requested resource");
}

const char *api_version_warning(ApiVersion version) {
        if (version != API_VERSION_DISCOVERY_V1BETA1)
                return NULL;
        return "Warning: 299 - \"discovery.k8s.io/v1beta1 EndpointSlice is deprecated in v1.22+, "
               "unavailable in v1.25+\"\r\n";
}
