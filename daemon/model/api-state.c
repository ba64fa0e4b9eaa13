/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/api-state.h"

#include <stddef.h>

static const char *const api_state_table[_API_STATE_MAX] = {
        [API_STATE_CONNECTING] = "connecting",
        [API_STATE_LISTING] = "listing",
        [API_STATE_WATCHING] = "watching",
        [API_STATE_DISCONNECTED] = "disconnected",
};

const char *api_state_to_string(ApiState state) {
        return state >= 0 && state < _API_STATE_MAX ? api_state_table[state] : NULL;
}
