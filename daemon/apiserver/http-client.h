/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to the API server: libcurl's multi interface on sd-event, with its socket and timer callbacks. Nothing
 * blocks; names are resolved by libcurl's threaded resolver (or c-ares, where the distribution chose it), and a request
 * given up while a name is being resolved does not wait for the thread (CURLOPT_QUICK_EXIT). HTTP/2 is used over TLS
 * where the server offers it, all requests on one connection; gzip where it is offered. Redirects are not followed.
 *
 * How a dead connection is noticed: by TCP keepalive and TCP_USER_TIMEOUT within 30 s, where host or path are dead; but a
 * process that hangs has a kernel that goes on to acknowledge, and a watch may rightly be silent for minutes. So
 * whoever watches sends HTTP_MODE_PROBE requests in silence (prober.h): over HTTP/2 they use the very connection, over
 * HTTP/1.1 another one to the same address. When such a probe fails, http_client_reset() drops all connections.
 * CURLOPT_UPKEEP_INTERVAL_MS (HTTP/2 PING) is not used: libcurl does not look for the answer to its PING.
 *
 * A name with several addresses: libcurl tries them in turn, with at most half of the remaining 6 s for each but the last.
 * An address that does not answer, or accepts connections and then hangs, is avoided for 30 s while there are others;
 * it is not tried by a second request when the first has been at it for 2 s. Whether there are others http_client_scout()
 * finds out, so that whoever probes can be less patient then.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/macros.h"
#include "config/kubeconfig.h"

typedef struct HttpClient HttpClient;
typedef struct HttpTransfer HttpTransfer;

typedef enum HttpMode {
        HTTP_MODE_SHORT, /* fails after 30 s in which not a byte came */
        HTTP_MODE_WATCH, /* may be silent for ever */
        HTTP_MODE_PROBE, /* fails after 10 s, or what http_client_set_probe_timeout() says */
        HTTP_MODE_SCOUT, /* is never connected: http_client_scout() */
} HttpMode;

/* The request leaves, the header of the answer comes, its body in pieces, the end. None may free the client. */
typedef struct HttpHandlers {
        /* There is a connection. May be NULL, or called again. Must not start or cancel requests. */
        void (*sent)(void *userdata);
        /* Also for failures; 0 = no Retry-After. Must not start or cancel requests. */
        void (*response)(unsigned status, uint64_t retry_after_usec, void *userdata);
        /* Negative ends the request with that error. Must not start or cancel requests. */
        int (*data)(const char *bytes, size_t size, void *userdata);
        /* `error`: 0 (whatever the status was) or -errno, with a sentence about it. The transfer is gone when it returns. */
        void (*done)(int error, const char *message, void *userdata);
} HttpHandlers;

/* Takes `config` in every case. No I/O. -EINVAL: its server is no http(s) URL; -ENOMEM. */
int http_client_new(sd_event *event,
                    int64_t priority,
                    const char *user_agent,
                    KubeClientConfig *config,
                    HttpClient **ret);
/* Calls nothing. */
HttpClient *http_client_free(HttpClient *client);
DEFINE_CLEANUP(HttpClient *, http_client_free);

/* Takes `config` in every case; running requests end as with http_client_reset(). */
int http_client_set_config(HttpClient *client, KubeClientConfig *config);

/*
 * Called whenever what came on the connections has been worked on, with the time when that began (CLOCK_MONOTONIC,
 * microseconds): a list may come without end.
 */
typedef void (*HttpWorked)(uint64_t begun_usec, void *userdata);
void http_client_set_worked(HttpClient *client, HttpWorked worked, void *userdata);
/* Of the sources of its connections, from now on. */
void http_client_set_priority(HttpClient *client, int64_t priority);

void http_client_set_probe_timeout(HttpClient *client, uint64_t usec);

/* "https://host:6443" */
const char *http_client_server(const HttpClient *client);

/* What is sent with a request that is no GET; copied. */
typedef struct HttpContent {
        const char *method; /* "POST", "PATCH" */
        const char *type; /* of the content, "application/json" */
        const char *text;
} HttpContent;

/* `path` with its query. *ret is valid until `done` or http_transfer_cancel(). Handlers are called from the loop only. */
int http_client_get(HttpClient *client,
                    HttpMode mode,
                    const char *path,
                    const HttpHandlers *handlers,
                    void *userdata,
                    HttpTransfer **ret);
/* The same with content; NULL = a GET. -ENOMEM. */
int http_client_send(HttpClient *client,
                     HttpMode mode,
                     const char *path,
                     const HttpContent *content,
                     const HttpHandlers *handlers,
                     void *userdata,
                     HttpTransfer **ret);
/* Takes NULL. `done` is not called. Returns NULL. */
HttpTransfer *http_transfer_cancel(HttpTransfer *transfer);

typedef enum HttpReset {
        HTTP_RESET_LOST, /* requests end with -ECONNABORTED; the address that the quietest watch led to is avoided for a while */
        HTTP_RESET_RENEWED, /* requests end with -ESTALE: the server is well, but connections are to be made anew */
} HttpReset;

/* From the loop: every request ends, with `reason` (static text), and no connection is used again. Requests made after this
 * call are sent afterwards. */
void http_client_reset(HttpClient *client, HttpReset kind, const char *reason);

/* CLOCK_MONOTONIC of when something last came on the quietest watch, it was asked for, or a probe of its address was
 * answered; 0 = there is no watch. */
uint64_t http_client_heard_usec(const HttpClient *client);

/* Begins to find out whether the server's name has several addresses; sends nothing. -ENOMEM. */
int http_client_scout(HttpClient *client);
/* What was found: another address may answer when one does not. false behind a proxy, who alone knows. */
bool http_client_has_several(const HttpClient *client);

/* Certificate, key or CA files changed: the caller may want to reset. */
bool http_client_rotated(HttpClient *client);
/* Whether the token file was replaced, and has another token now. */
bool http_client_token_changed(HttpClient *client);
/* After a 401: whether the token file has another token now. */
bool http_client_renew_token(HttpClient *client);
