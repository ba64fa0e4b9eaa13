/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/fetch.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "apiserver/json-parse.h"
#include "apiserver/json-read.h"

#define FETCH_MAX (256U << 10)

struct Fetch {
        HttpTransfer *transfer; /* owned */
        FetchDone done;
        void *userdata;
        unsigned status;
        char *body; /* owned */
        size_t size;
};

Fetch *fetch_cancel(Fetch *fetch) {
        if (!fetch)
                return NULL;
        (void) http_transfer_cancel(fetch->transfer);
        free(fetch->body);
        free(fetch);
        return NULL;
}

static void fetch_on_response(unsigned status, uint64_t retry_after_usec, void *userdata) {
        Fetch *fetch = userdata;

        fetch->status = status;
}

static int fetch_on_data(const char *bytes, size_t size, void *userdata) {
        Fetch *fetch = userdata;
        char *bigger;

        if (size > FETCH_MAX - fetch->size)
                return -EFBIG;
        bigger = realloc(fetch->body, fetch->size + size);
        if (!bigger)
                return -ENOMEM;
        memcpy(bigger + fetch->size, bytes, size);
        fetch->body = bigger;
        fetch->size += size;
        return 0;
}

static void fetch_on_done(int error, const char *message, void *userdata) {
        _cleanup_(json_putp) json_object *body = NULL;
        Fetch *fetch = userdata;
        FetchResult result = { .status = fetch->status, .message = message };
        FetchDone done = fetch->done;
        void *done_userdata = fetch->userdata;

        if (error == 0 && fetch->size > 0 && json_parse(fetch->body, fetch->size, &body) >= 0)
                result.body = body;
        /* Half an answer is none. */
        if (error < 0 && error != -EFBIG)
                result.status = 0;
        fetch->transfer = NULL; /* the client frees it */
        (void) fetch_cancel(fetch);
        done(&result, done_userdata);
}

int fetch_start(HttpClient *client, HttpMode mode, const char *path, FetchDone done, void *userdata, Fetch **ret) {
        return fetch_send(client, mode, path, NULL, done, userdata, ret);
}

int fetch_send(HttpClient *client,
               HttpMode mode,
               const char *path,
               const HttpContent *content,
               FetchDone done,
               void *userdata,
               Fetch **ret) {
        static const HttpHandlers handlers = {
                .response = fetch_on_response,
                .data = fetch_on_data,
                .done = fetch_on_done,
        };
        Fetch *fetch = calloc(1, sizeof(Fetch));
        int r;

        if (!fetch)
                return -ENOMEM;
        fetch->done = done;
        fetch->userdata = userdata;
        r = http_client_send(client, mode, path, content, &handlers, fetch, &fetch->transfer);
        if (r < 0) {
                (void) fetch_cancel(fetch);
                return r;
        }
        *ret = fetch;
        return 0;
}
