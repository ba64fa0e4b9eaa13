/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/http-client.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "apiserver/http-private.h"
#include "common/log.h"

#define PROBE_TIMEOUT_USEC (10 * USEC_PER_SEC)

uint64_t http_client_now(const HttpClient *client) {
        uint64_t now = 0;

        (void) sd_event_now(client->event, CLOCK_MONOTONIC, &now);
        return now;
}

/* What cannot be sent stays in the list. */
static void http_client_send_held(HttpClient *client, HttpTransfer **held) {
        HttpTransfer *next;

        for (HttpTransfer *transfer = *held; transfer; transfer = next) {
                next = transfer->next;
                if (curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK)
                        continue;
                transfer->held = false;
                http_transfer_unlink(transfer);
                http_transfer_link(transfer, &client->transfers);
        }
}

/*
 * All connections go with their multi handle: libcurl has no other way to keep a connection from being used again that
 * also holds for HTTP/2, where new requests join old connections.
 */
static int on_reset(sd_event_source *source, void *userdata) {
        HttpClient *client = userdata;
        HttpTransfer *ended = NULL, *held = NULL, *transfer;
        int error = client->reset_kind == HTTP_RESET_LOST ? -ECONNABORTED : -ESTALE;
        const char *reason = client->reset_reason;
        int r;

        (void) sd_event_source_set_enabled(client->reset, SD_EVENT_OFF);
        client->reset_due = false;
        while ((transfer = client->transfers)) {
                http_transfer_unlink(transfer);
                http_transfer_link(transfer, transfer->held ? &held : &ended);
                if (transfer->held)
                        continue;
                (void) curl_multi_remove_handle(client->multi, transfer->easy);
                curl_easy_cleanup(transfer->easy);
                transfer->easy = NULL;
        }
        http_client_close(client);
        r = http_client_open(client); /* else the next request tries */
        if (r < 0)
                (void) log_error_errno(r, "Failed to make a new HTTP client, retrying: %m");
        http_client_send_held(client, &held);
        while (ended)
                http_transfer_finish(ended, error, reason);
        while (held)
                http_transfer_finish(held, -ENOMEM, "out of memory");
        return 0;
}

void http_client_reset(HttpClient *client, HttpReset kind, const char *reason) {
        client->reset_due = true;
        client->reset_kind = kind;
        client->reset_reason = reason;
        if (kind == HTTP_RESET_LOST && http_client_quietest(client))
                http_transfer_avoid(http_client_quietest(client));
        (void) sd_event_source_set_enabled(client->reset, SD_EVENT_ONESHOT);
}

int http_client_set_config(HttpClient *client, KubeClientConfig *config) {
        Credentials *credentials;
        int r = credentials_new(config, &credentials);

        if (r < 0)
                return r;
        (void) credentials_free(client->credentials);
        client->credentials = credentials;
        client->several = false;
        avoid_list_clear(&client->avoid);
        avoid_list_clear(&client->begun);
        http_client_reset(client, HTTP_RESET_RENEWED, "the configuration was reloaded");
        return 0;
}

void http_client_set_probe_timeout(HttpClient *client, uint64_t usec) {
        client->probe_timeout_usec = usec;
}

const char *http_client_server(const HttpClient *client) {
        return credentials_server(client->credentials);
}

bool http_client_rotated(HttpClient *client) {
        return credentials_rotated(client->credentials);
}

bool http_client_token_changed(HttpClient *client) {
        return credentials_token_changed(client->credentials);
}

bool http_client_renew_token(HttpClient *client) {
        return credentials_renew_token(client->credentials);
}

static int http_client_add_reset(HttpClient *client) {
        int r = sd_event_add_defer(client->event, &client->reset, on_reset, client);

        if (r >= 0)
                r = sd_event_source_set_enabled(client->reset, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(client->reset, client->priority);
        if (r >= 0)
                (void) sd_event_source_set_description(client->reset, "api-reset");
        return r;
}

int http_client_new(sd_event *event,
                    int64_t priority,
                    const char *user_agent,
                    KubeClientConfig *config,
                    HttpClient **ret) {
        _cleanup_(http_client_freep) HttpClient *client = calloc(1, sizeof(HttpClient));
        int r;

        if (!client) {
                (void) kube_client_config_free(config);
                return -ENOMEM;
        }
        client->event = sd_event_ref(event);
        client->priority = priority;
        client->probe_timeout_usec = PROBE_TIMEOUT_USEC;
        client->user_agent = strdup(user_agent);
        client->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
        r = credentials_new(config, &client->credentials);
        if (r < 0)
                return r;
        if (!client->user_agent || !client->global)
                return -ENOMEM;
        r = http_client_add_timer(client);
        if (r >= 0)
                r = http_client_add_reset(client);
        if (r >= 0)
                r = http_client_open(client);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(client);
        return 0;
}

HttpClient *http_client_free(HttpClient *client) {
        if (!client)
                return NULL;
        while (client->transfers)
                (void) http_transfer_free(client->transfers);
        http_client_close(client);
        (void) sd_event_source_disable_unref(client->timer);
        (void) sd_event_source_disable_unref(client->reset);
        (void) credentials_free(client->credentials);
        (void) sd_event_unref(client->event);
        if (client->global)
                curl_global_cleanup();
        free(client->user_agent);
        free(client);
        return NULL;
}
