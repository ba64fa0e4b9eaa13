/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of HttpClient, for its files: the client and its life, one transfer, what curl calls, who is silent, how many
 * addresses the server has, and curl's sockets and timer on the event loop.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

#include "apiserver/avoid-list.h"
#include "apiserver/credentials.h"
#include "apiserver/http-client.h"

/* How long an address that does not answer is avoided. */
#define AVOID_USEC (30 * USEC_PER_SEC)

typedef struct HttpSocket HttpSocket;

struct HttpTransfer {
        HttpTransfer *next;
        HttpTransfer **previous; /* NULL = in no list */
        HttpClient *client; /* borrowed */
        CURL *easy; /* owned, like the lists */
        struct curl_slist *headers, *connect_to;
        HttpHandlers handlers;
        void *userdata;
        HttpMode mode;
        uint64_t heard_usec; /* when something last came, or it was begun */
        bool answered; /* `response` was called */
        bool held; /* is added to curl's handle after the reset that is due */
        unsigned n_avoided, n_tried; /* addresses */
        IpAddr first; /* that a scout was to try */
        bool several; /* and others */
        bool retried;
        int callback_error;
        char error[CURL_ERROR_SIZE];
};

struct HttpClient {
        sd_event *event; /* owned reference */
        int64_t priority;
        char *user_agent; /* owned */
        uint64_t probe_timeout_usec;
        Credentials *credentials; /* owned */
        CURLM *multi; /* owned */
        sd_event_source *timer, *reset; /* owned */
        bool reset_due;
        HttpReset reset_kind;
        const char *reset_reason;
        HttpSocket *sockets; /* owned */
        HttpWorked worked; /* NULL = nobody wants to know */
        void *worked_userdata;
        HttpTransfer *transfers; /* owned */
        HttpTransfer *scout; /* one of them; NULL = none runs */
        bool several; /* addresses, as the last scout found */
        AvoidList avoid; /* until when */
        AvoidList begun; /* since when a connection is being made, and none stands */
        bool global; /* curl_global_init() was called */
};

/* http-client.c: CLOCK_MONOTONIC of this turn of the loop. */
uint64_t http_client_now(const HttpClient *client);

/* http-transfer.c */
void http_transfer_unlink(HttpTransfer *transfer);
void http_transfer_link(HttpTransfer *transfer, HttpTransfer **list);
HttpTransfer *http_transfer_free(HttpTransfer *transfer);
DEFINE_CLEANUP(HttpTransfer *, http_transfer_free);
/* Takes the transfer, and calls its `done`. */
void http_transfer_finish(HttpTransfer *transfer, int error, const char *message);
/* curl is done with it. */
void http_transfer_ended(HttpTransfer *transfer, CURLcode code);
/* Its address is not to be tried for a while. */
void http_transfer_avoid(const HttpTransfer *transfer);

/* http-silence.c: the address that it is connected to, curl's text; NULL = none yet. */
const char *http_transfer_address(const HttpTransfer *transfer);
/* The connected watch that was silent for longest, NULL = there is none. */
const HttpTransfer *http_client_quietest(const HttpClient *client);
/* The probe was answered: the watches of its address count as heard. */
void http_client_answered(HttpClient *client, const HttpTransfer *probe);

/* http-scout.c: it was to connect to that address, and is not to. */
void http_transfer_scout(HttpTransfer *transfer, const IpAddr *addr);

/* http-callbacks.c */
void http_transfer_set_callbacks(HttpTransfer *transfer);

/* http-loop.c: curl's handle for all transfers, and what it has of the event loop. -ENOMEM. */
int http_client_open(HttpClient *client);
void http_client_close(HttpClient *client);
/* Also the timer, once. */
int http_client_add_timer(HttpClient *client);
