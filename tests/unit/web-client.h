/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An HTTP client made of a plain socket, in the same thread and event loop as the server it talks to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

typedef struct WebClient {
        int fd;
        char *data; /* owned; what came so far, NUL-terminated */
        size_t size, n_allocated;
        bool closed; /* by the server */
} WebClient;

/* Connects to 127.0.0.1, or ::1. */
WebClient web_client_connect(int family, uint16_t port);
void web_client_done(WebClient *client);
void web_client_send(WebClient *client, const char *text);
/* Takes what has come, without waiting. */
void web_client_read(WebClient *client);

/* Lets the loop run until it holds, 5 s at most; returns whether it does. */
typedef bool (*WebCondition)(void *userdata);
bool web_run_until(sd_event *event, WebCondition condition, void *userdata);
/* The same for a client: until a complete answer is there, or the server has closed. */
bool web_client_wait(sd_event *event, WebClient *client);
/* Turns of the loop while there is something to do. */
void web_run_idle(sd_event *event);

/* One request on a connection of its own; the whole answer, owned by the caller. Status in *ret_status. */
char *web_get(sd_event *event, uint16_t port, const char *request, unsigned *ret_status);
/* Where the body begins. */
const char *web_body(const char *answer);
/* A chunked body made plain, in place. */
void web_dechunk(char *body);
