/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the API server for its version when it has been silent, so that one that hangs, or whose connections lead nowhere,
 * is noticed: at most 15 s of silence and 10 s without an answer. Where the server's name has several addresses it is 5 s
 * and 3 s, so that another one is used before 10 s are over; but not within a minute of the last loss, lest a server that is
 * slow is left over and over. Whether there are several is asked for at the start and every 5 minutes. While requests fail for want of an answer, or because
 * the server is overloaded or not ready, it asks every 2 to 3 s, so that work goes on as soon as the server is back, however
 * long the delays of the others have become: one small question instead of many lists. /version is open to everybody and
 * costs no access to etcd. It also looks for rotated credentials.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "apiserver/http-client.h"

typedef struct Prober Prober;

/* From the loop; none may free the prober. */
typedef struct ProberHandlers {
        void (*lost)(void *userdata); /* no answer, although the connections were thought to be well */
        void (*reached)(void *userdata); /* an answer */
        void (*recovered)(void *userdata); /* the answer is well (no 429, no 5xx), and the one before was not, or missing */
        void (*version)(const char *version, void *userdata); /* "v1.30.1", when it is another one than before */
        void (*rotated)(void *userdata); /* certificate, key or CA files changed */
        void (*renewed)(void *userdata); /* the token file has another token */
} ProberHandlers;

int prober_new(sd_event *event,
               int64_t priority,
               HttpClient *http /* borrowed */,
               const ProberHandlers *handlers,
               void *userdata,
               Prober **ret);
Prober *prober_free(Prober *prober);
DEFINE_CLEANUP(Prober *, prober_free);

/* Before the start: how long silence is tolerated, and an answer may take, in proportion; for tests. */
void prober_set_silence(Prober *prober, uint64_t usec);
/* Also after the server's configuration changed. */
void prober_start(Prober *prober);
/* Something fails for want of a good answer, or nothing does any more. */
void prober_set_searching(Prober *prober, bool searching);
/* gitVersion of the server; "" = unknown */
const char *prober_version(const Prober *prober);
