/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request: its place in the client's list, how it ends, and what is learnt about the address it led to. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/http-private.h"

void http_transfer_unlink(HttpTransfer *transfer) {
        if (!transfer->previous)
                return;
        *transfer->previous = transfer->next;
        if (transfer->next)
                transfer->next->previous = transfer->previous;
        transfer->next = NULL;
        transfer->previous = NULL;
}

void http_transfer_link(HttpTransfer *transfer, HttpTransfer **list) {
        transfer->next = *list;
        transfer->previous = list;
        if (*list)
                (*list)->previous = &transfer->next;
        *list = transfer;
}

HttpTransfer *http_transfer_free(HttpTransfer *transfer) {
        if (!transfer)
                return NULL;
        http_transfer_unlink(transfer);
        if (transfer->easy) {
                if (!transfer->held)
                        (void) curl_multi_remove_handle(transfer->client->multi, transfer->easy);
                curl_easy_cleanup(transfer->easy);
        }
        curl_slist_free_all(transfer->headers);
        curl_slist_free_all(transfer->connect_to);
        free(transfer);
        return NULL;
}

HttpTransfer *http_transfer_cancel(HttpTransfer *transfer) {
        return http_transfer_free(transfer);
}

void http_transfer_finish(HttpTransfer *transfer /* taken */, int error, const char *message) {
        http_transfer_unlink(transfer);
        transfer->handlers.done(error, message, transfer->userdata);
        (void) http_transfer_free(transfer);
}

static int http_error_to_errno(const HttpTransfer *transfer, CURLcode code) {
        if (transfer->callback_error < 0)
                return transfer->callback_error;
        switch (code) {
        case CURLE_OK:
                return 0;
        case CURLE_OUT_OF_MEMORY:
                return -ENOMEM;
        case CURLE_OPERATION_TIMEDOUT:
                return -ETIMEDOUT;
        case CURLE_COULDNT_CONNECT:
                return -ECONNREFUSED;
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
                return -EHOSTUNREACH;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
                return -EKEYREJECTED;
        default:
                return -ECONNRESET;
        }
}

/* An address that lets one connect and then says nothing is worse than one that is dead. Without a connection there is none. */
void http_transfer_avoid(const HttpTransfer *transfer) {
        const char *text = http_transfer_address(transfer);
        HttpClient *client = transfer->client;
        IpAddr addr;

        if (text && ip_addr_parse(text, &addr) >= 0)
                avoid_list_add(&client->avoid, &addr, http_client_now(client) + AVOID_USEC);
}

/* All addresses were to be avoided: then none is. */
static bool http_transfer_retry(HttpTransfer *transfer, CURLcode code) {
        if (code != CURLE_COULDNT_CONNECT || transfer->n_avoided == 0 || transfer->n_tried > 0 || transfer->retried)
                return false;
        transfer->retried = true;
        avoid_list_clear(&transfer->client->avoid);
        avoid_list_clear(&transfer->client->begun);
        (void) curl_multi_remove_handle(transfer->client->multi, transfer->easy);
        return curl_multi_add_handle(transfer->client->multi, transfer->easy) == CURLM_OK;
}

void http_transfer_ended(HttpTransfer *transfer, CURLcode code) {
        int error = http_error_to_errno(transfer, code);
        char message[CURL_ERROR_SIZE + 64];

        if (http_transfer_retry(transfer, code))
                return;
        if (code == CURLE_OPERATION_TIMEDOUT && !transfer->answered)
                http_transfer_avoid(transfer);
        if (transfer->callback_error < 0)
                (void) snprintf(message, sizeof(message), "%s", strerror(-transfer->callback_error));
        else
                (void) snprintf(message, sizeof(message), "%s", transfer->error[0] ? transfer->error : curl_easy_strerror(code));
        http_transfer_finish(transfer, error, message);
}
