/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who asks: client certificate, bearer token or password; and what is forbidden to everyone. */
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tests/apiserver/api.h"

typedef enum Verdict {
        VERDICT_NONE, /* no such credentials */
        VERDICT_GOOD,
        VERDICT_BAD,
} Verdict;

static Verdict auth_certificate(ApiRequest *request) {
        gnutls_session_t session = http_connection_session(request->connection);
        const gnutls_datum_t *chain;
        gnutls_x509_crt_t certificate;
        size_t size = sizeof request->user;
        unsigned n = 0, status = 0;
        int r;

        chain = session ? gnutls_certificate_get_peers(session, &n) : NULL;
        if (!chain || n == 0)
                return VERDICT_NONE;
        if (gnutls_certificate_verify_peers2(session, &status) < 0 || status != 0)
                return VERDICT_BAD;
        if (gnutls_x509_crt_init(&certificate) < 0)
                return VERDICT_BAD;
        r = gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER);
        if (r >= 0)
                r = gnutls_x509_crt_get_dn_by_oid(
                        certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, request->user, &size);
        gnutls_x509_crt_deinit(certificate);
        return r >= 0 ? VERDICT_GOOD : VERDICT_BAD;
}

static Verdict auth_token(ApiRequest *request, const char *token) {
        if (!request->server->token || strcmp(token, request->server->token) != 0)
                return VERDICT_BAD;
        (void) snprintf(request->user, sizeof request->user, "system:serviceaccount:kube-system:kube-proxy");
        return VERDICT_GOOD;
}

static Verdict auth_password(ApiRequest *request, const char *text) {
        gnutls_datum_t encoded = { .data = NULL, .size = (unsigned) strlen(text) }, decoded = {};
        _cleanup_(freep) char *copy = strdup(text);
        const char *expected = request->server->basic;
        bool good;

        encoded.data = (unsigned char *) copy;
        if (!copy || !expected || gnutls_base64_decode2(&encoded, &decoded) < 0)
                return VERDICT_BAD;
        good = decoded.size == strlen(expected) && memcmp(decoded.data, expected, decoded.size) == 0;
        gnutls_free(decoded.data);
        if (good)
                (void) snprintf(request->user, sizeof request->user, "%.*s", (int) strcspn(expected, ":"), expected);
        return good ? VERDICT_GOOD : VERDICT_BAD;
}

static Verdict auth_header(ApiRequest *request) {
        const char *header = http_request_header(request->http, "authorization");

        if (!header)
                return VERDICT_NONE;
        if (strncasecmp(header, "Bearer ", 7) == 0)
                return auth_token(request, header + 7);
        if (strncasecmp(header, "Basic ", 6) == 0)
                return auth_password(request, header + 6);
        return VERDICT_NONE;
}

bool api_authenticate(ApiRequest *request) {
        Verdict verdict;

        (void) snprintf(request->user, sizeof request->user, "system:admin");
        if (!request->server->authenticate)
                return true;
        verdict = auth_certificate(request);
        if (verdict == VERDICT_NONE)
                verdict = auth_header(request);
        if (verdict == VERDICT_NONE && request->server->anonymous) {
                (void) snprintf(request->user, sizeof request->user, "system:anonymous");
                verdict = VERDICT_GOOD;
        }
        if (verdict == VERDICT_GOOD)
                return true;
        request->server->counters.unauthorized++;
        api_fail(request->connection, &(ApiStatus) { .code = 401, .reason = "Unauthorized" }, "Unauthorized");
        return false;
}

static bool is_forbidden(const ApiRequest *request) {
        const char *plural = resource_type(request->resource)->plural, *verb = api_verb_to_string(request->verb);
        size_t n = strlen(plural);

        if (strcmp(request->user, "system:anonymous") == 0)
                return true;
        for (size_t i = 0; i < request->server->n_forbidden; i++) {
                const char *rule = request->server->forbidden[i];

                if (strcmp(rule, plural) == 0 ||
                    (strncmp(rule, plural, n) == 0 && rule[n] == ':' && strcmp(rule + n + 1, verb) == 0))
                        return true;
        }
        return false;
}

bool api_authorize(ApiRequest *request) {
        const char *plural = resource_type(request->resource)->plural, *group = api_version_group(request->version);
        Buffer details = {}, what = {}, where = {};
        const char *json;

        if (!is_forbidden(request))
                return true;
        request->server->counters.forbidden++;
        if (request->name) {
                buffer_printf(&details, "{\"name\":\"%s\",", request->name);
                buffer_printf(&what, "%s \"%s\"", plural, request->name);
        } else {
                buffer_text(&details, "{");
                buffer_text(&what, plural);
        }
        if (*group) {
                buffer_printf(&details, "\"group\":\"%s\",", group);
                buffer_printf(&what, ".%s", group);
        }
        buffer_printf(&details, "\"kind\":\"%s\"}", plural);
        if (request->namespace)
                buffer_printf(&where, "in the namespace \"%s\"", request->namespace);
        else
                buffer_text(&where, "at the cluster scope");
        json = buffer_cstring(&details);
        api_fail(request->connection,
                 &(ApiStatus) { .code = 403, .reason = "Forbidden", .details = json },
                 "%s is forbidden: User \"%s\" cannot %s resource \"%s\" in API group \"%s\" %s",
                 buffer_cstring(&what),
                 request->user,
                 api_verb_to_string(request->verb),
                 plural,
                 group,
                 buffer_cstring(&where));
        buffer_done(&details);
        buffer_done(&what);
        buffer_done(&where);
        return false;
}
