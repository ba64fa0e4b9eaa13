/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One small JSON document from the API server: discovery, version, the answer to an Event. */
#pragma once

#include <json-c/json_types.h>

#include "apiserver/http-client.h"

typedef struct Fetch Fetch;

typedef struct FetchResult {
        unsigned status; /* HTTP; 0 = no answer */
        json_object *body; /* borrowed; NULL if it is no JSON, or larger than 256 KiB */
        const char *message; /* why there is no answer; borrowed */
} FetchResult;

/* The Fetch is gone when this is called. */
typedef void (*FetchDone)(const FetchResult *result, void *userdata);

/* -errno: `done` will not be called. */
int fetch_start(HttpClient *client, HttpMode mode, const char *path, FetchDone done, void *userdata, Fetch **ret);
/* The same with content; NULL = a GET. */
int fetch_send(HttpClient *client,
               HttpMode mode,
               const char *path,
               const HttpContent *content,
               FetchDone done,
               void *userdata,
               Fetch **ret);
/* Takes NULL. `done` is not called. Returns NULL. */
Fetch *fetch_cancel(Fetch *fetch);
