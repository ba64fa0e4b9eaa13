/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the daemon stands with the API server and other sources: said by apiserver/, shown by control/ and what is above it. */
#pragma once

#include <stdint.h>

typedef enum ApiState {
        API_STATE_CONNECTING, /* nothing has been answered yet */
        API_STATE_LISTING, /* it answers, and not every list is complete */
        API_STATE_WATCHING, /* Services and endpoints are complete and followed */
        API_STATE_DISCONNECTED, /* it failed; the last state is kept and it is tried again */
        _API_STATE_MAX,
        _API_STATE_INVALID = -22,
} ApiState;

/* "connecting", … */
const char *api_state_to_string(ApiState state);

/* The same in words, of all sources of objects. Texts are "" where there is nothing to say, and borrowed for the call. */
typedef struct SourceReport {
        const char *server; /* "https://host:6443"; "": no API server is used */
        const char *server_version; /* "v1.30.1" */
        const char *server_error; /* why Services or endpoints are not followed */
        const char *node_error; /* why the own Node is not */
        const char *manifests; /* the folder; "": there is none */
        const char *manifests_error; /* of the folder, or the first broken file */
        uint64_t n_unreadable; /* objects that are left out or read in part, of all sources */
        const char *unreadable; /* what is wrong with one of them */
} SourceReport;
