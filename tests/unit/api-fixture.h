/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A test API server as a child process, and the client under test with its store on an event loop of this process. */
#pragma once

#include <systemd/sd-event.h>

#include "apiserver/api-server.h"
#include "model/store.h"

typedef struct ApiFixture {
        char folder[64]; /* state of the server; its manifests are in objects/ */
        pid_t pid; /* 0 = none */
        sd_event *event;
        Store *store;
        bool watch_nodes; /* of the next client */
        ApiServer *client; /* NULL until api_fixture_connect() */
        unsigned n_synced, n_states;
        ApiState state;
        uint64_t event_usec;
        unsigned n_worked; /* times that work on what the server sent was told */
        uint64_t silence_usec; /* for ApiServerOptions */
} ApiFixture;

/* Starts the server; `options` is ended by NULL. The child's folder has no objects. */
void api_fixture_start(ApiFixture *fixture, const char *const *options);
void api_fixture_stop(ApiFixture *fixture);

/* Writes a file into objects/, atomically. */
void api_fixture_write(const ApiFixture *fixture, const char *name, const char *text);
/* One command to the server's control socket, with what follows it; fails the test unless it was obeyed. */
void api_fixture_control(const ApiFixture *fixture, const char *command, const char *payload);
/* The same for what the server answers, without the "ok"; new memory. */
char *api_fixture_ask(const ApiFixture *fixture, const char *command);
/* Reads a kubeconfig of the server's folder. */
KubeClientConfig *api_fixture_kubeconfig(const ApiFixture *fixture, const char *name);
/* Makes a client with it (taken) and starts it, as node "n1". */
void api_fixture_connect(ApiFixture *fixture, KubeClientConfig *config);
void api_fixture_disconnect(ApiFixture *fixture);

/* Runs the event loop until `done` or the time is over; whether it was done. */
bool api_fixture_run(ApiFixture *fixture, bool (*done)(ApiFixture *fixture), unsigned seconds);
/* All lists are complete, and watched. */
bool api_fixture_is_watching(ApiFixture *fixture);
bool api_fixture_is_disconnected(ApiFixture *fixture);
/* Else the test fails, and says why it is not. */
void api_fixture_expect_watching(ApiFixture *fixture, unsigned seconds);

const Service *api_fixture_service(const ApiFixture *fixture, const char *name);
size_t api_fixture_n_endpoints(const ApiFixture *fixture, const char *name);
