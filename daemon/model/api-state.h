/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the daemon stands with the API server: said by apiserver/, shown by control/ and what is above it. */
#pragma once

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
