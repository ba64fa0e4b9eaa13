/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A large cluster without files: services bench/svc-00000…, each with one slice. Addresses follow from the numbers:
 * service i has 10.64.0.0 + i + 1, its endpoint j 10.128.0.0 + i * endpoints + j + 1, both on port 80 → 8080.
 */
#pragma once

#include "tests/apiserver/store.h"

#define GENERATOR_ENDPOINTS_MAX 1000

typedef enum EndpointState {
        ENDPOINT_READY,
        ENDPOINT_UNREADY,
        ENDPOINT_TERMINATING,
        ENDPOINT_REMOVED,
        _ENDPOINT_STATE_MAX,
        _ENDPOINT_STATE_INVALID = -EINVAL,
} EndpointState;

EndpointState endpoint_state_from_string(const char *text);

typedef struct Generator {
        unsigned n_services, n_endpoints, n_nodes;
        uint8_t *states; /* owned; EndpointState of each endpoint */
} Generator;

/* "services=10000,endpoints=10,nodes=100"; -EINVAL if it is not such a text. */
int generator_parse(Generator *generator, const char *text);
void generator_done(Generator *generator);

/* Puts the service (and its slice), the slice alone, or everything. */
int generator_put_service(const Generator *generator, Store *store, unsigned service);
int generator_put_slice(const Generator *generator, Store *store, unsigned service);
int generator_put_all(const Generator *generator, Store *store);
int generator_delete_service(const Generator *generator, Store *store, unsigned service);

/* -ERANGE if there is no such endpoint */
int generator_set_endpoint(
        Generator *generator, Store *store, unsigned service, unsigned endpoint, EndpointState state);
