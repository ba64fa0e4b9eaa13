/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/prober.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/fetch.h"
#include "apiserver/json-read.h"

#define SILENCE_USEC (15 * USEC_PER_SEC)
#define SEARCH_USEC (2 * USEC_PER_SEC)
#define TICK_USEC (5 * USEC_PER_SEC)
/* Whatever stays overdue, there are not more questions than this. */
#define PAUSE_USEC (USEC_PER_SEC / 2)
#define ANSWER_USEC(silence_usec) (2 * (silence_usec) / 3)
/* A connection that goes silent is noticed within 40 s. */
_Static_assert(SILENCE_USEC + TICK_USEC + ANSWER_USEC(SILENCE_USEC) <= 40 * USEC_PER_SEC, "silence lasts too long");
/* One of several addresses is left for another within 10 s, of which 2 are for connecting. */
#define HASTY_SILENCE_USEC(silence_usec) ((silence_usec) / 3)
#define HASTY_ANSWER_USEC(silence_usec) ((silence_usec) / 5)
_Static_assert(HASTY_SILENCE_USEC(SILENCE_USEC) + HASTY_ANSWER_USEC(SILENCE_USEC) <= 8 * USEC_PER_SEC, "no haste");
#define CALM_USEC (60 * USEC_PER_SEC)
#define SCOUT_USEC (300 * USEC_PER_SEC)

struct Prober {
        sd_event *event; /* owned reference */
        HttpClient *http; /* borrowed */
        ProberHandlers handlers;
        void *userdata;
        sd_event_source *timer; /* owned */
        Fetch *fetch; /* owned; NULL = none runs */
        uint64_t silence_usec; /* that is tolerated */
        bool searching;
        bool unwell; /* the last answer was 429 or 5xx, or did not come */
        uint64_t asked_usec; /* when the last probe was sent */
        uint64_t lost_usec, scouted_usec; /* 0 = never */
        char version[64];
};

static uint64_t prober_now(const Prober *prober) {
        uint64_t now = 0;

        (void) sd_event_now(prober->event, CLOCK_MONOTONIC, &now);
        return now;
}

static void prober_arm(Prober *prober, uint64_t delay_usec) {
        (void) sd_event_source_set_time_relative(prober->timer, delay_usec);
        (void) sd_event_source_set_enabled(prober->timer, SD_EVENT_ONESHOT);
}

/* Not all nodes at the same moment. */
static uint64_t prober_search_delay(const Prober *prober) {
        return SEARCH_USEC + prober_now(prober) % USEC_PER_SEC;
}

static bool prober_is_hasty(const Prober *prober) {
        return http_client_has_several(prober->http) &&
               (prober->lost_usec == 0 || prober_now(prober) - prober->lost_usec >= CALM_USEC);
}

/* When to ask because of silence; USEC_INFINITY = nothing is watched. */
static uint64_t prober_due(const Prober *prober) {
        uint64_t heard = http_client_heard_usec(prober->http);

        if (heard == 0)
                return USEC_INFINITY;
        return heard + (prober_is_hasty(prober) ? HASTY_SILENCE_USEC(prober->silence_usec) : prober->silence_usec);
}

static void prober_arm_next(Prober *prober) {
        uint64_t now = prober_now(prober), due = prober_due(prober);

        if (prober->searching)
                prober_arm(prober, prober_search_delay(prober));
        else if (prober->fetch)
                prober_arm(prober, TICK_USEC);
        else
                prober_arm(prober, MIN2(MAX2(due, now + PAUSE_USEC) - now, TICK_USEC));
}

/* Not before there is an answer: the requests that wait for the first connection would wait for the scout too. */
static void prober_scout(Prober *prober) {
        uint64_t now = prober_now(prober);

        if (prober->scouted_usec > 0 && now - prober->scouted_usec < SCOUT_USEC)
                return;
        prober->scouted_usec = now;
        (void) http_client_scout(prober->http); /* if there is no memory for it: the next time */
}

static void prober_take_version(Prober *prober, json_object *body) {
        json_object *member = json_member(body, "gitVersion");
        char version[sizeof(prober->version)];

        if (!json_object_is_type(member, json_type_string))
                return;
        (void) snprintf(version, sizeof(version), "%s", json_object_get_string(member));
        for (char *p = version; *p; p++)
                if ((unsigned char) *p <= ' ' || (unsigned char) *p >= 0x7f)
                        *p = '?';
        if (strcmp(version, prober->version) == 0)
                return;
        memcpy(prober->version, version, sizeof(version));
        prober->handlers.version(prober->version, prober->userdata);
}

static bool status_is_well(unsigned status) {
        return status > 0 && status < 500 && status != 429;
}

static void on_answer(const FetchResult *result, void *userdata) {
        Prober *prober = userdata;
        uint64_t heard = http_client_heard_usec(prober->http);
        bool recovered = prober->unwell && status_is_well(result->status);

        prober->fetch = NULL;
        prober->unwell = !status_is_well(result->status);
        if (result->status > 0) {
                prober_scout(prober);
                if (result->status == 200 && result->body)
                        prober_take_version(prober, result->body);
                prober->handlers.reached(prober->userdata);
                if (recovered)
                        prober->handlers.recovered(prober->userdata);
        } else if (heard > 0 && heard <= prober->asked_usec) {
                prober->lost_usec = prober_now(prober);
                prober->handlers.lost(prober->userdata);
        }
        prober_arm_next(prober);
}

static void prober_ask(Prober *prober) {
        if (prober->fetch)
                return;
        prober->asked_usec = prober_now(prober);
        http_client_set_probe_timeout(prober->http,
                                      prober_is_hasty(prober) ? HASTY_ANSWER_USEC(prober->silence_usec)
                                                              : ANSWER_USEC(prober->silence_usec));
        (void) fetch_start(prober->http, HTTP_MODE_PROBE, "/version", on_answer, prober, &prober->fetch);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Prober *prober = userdata;

        if (http_client_rotated(prober->http))
                prober->handlers.rotated(prober->userdata);
        else if (http_client_token_changed(prober->http))
                prober->handlers.renewed(prober->userdata);
        else if (prober->searching || prober_now(prober) >= prober_due(prober))
                prober_ask(prober);
        prober_arm_next(prober);
        return 0;
}

void prober_set_silence(Prober *prober, uint64_t usec) {
        prober->silence_usec = usec;
}

void prober_start(Prober *prober) {
        prober->scouted_usec = 0;
        prober->lost_usec = 0;
        prober_arm(prober, TICK_USEC);
        prober_ask(prober); /* for the version */
}

void prober_set_searching(Prober *prober, bool searching) {
        if (prober->searching == searching)
                return;
        prober->searching = searching;
        prober_arm(prober, searching ? prober_search_delay(prober) : TICK_USEC);
}

const char *prober_version(const Prober *prober) {
        return prober->version;
}

int prober_new(sd_event *event,
               int64_t priority,
               HttpClient *http,
               const ProberHandlers *handlers,
               void *userdata,
               Prober **ret) {
        _cleanup_(prober_freep) Prober *prober = calloc(1, sizeof(Prober));
        int r;

        if (!prober)
                return -ENOMEM;
        prober->event = sd_event_ref(event);
        prober->http = http;
        prober_set_silence(prober, SILENCE_USEC);
        prober->handlers = *handlers;
        prober->userdata = userdata;
        r = sd_event_add_time_relative(event, &prober->timer, CLOCK_MONOTONIC, 0, 0, on_timer, prober);
        if (r >= 0)
                r = sd_event_source_set_enabled(prober->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(prober->timer, priority);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(prober->timer, "api-probe");
        *ret = TAKE_PTR(prober);
        return 0;
}

Prober *prober_free(Prober *prober) {
        if (!prober)
                return NULL;
        (void) fetch_cancel(prober->fetch);
        (void) sd_event_source_disable_unref(prober->timer);
        (void) sd_event_unref(prober->event);
        free(prober);
        return NULL;
}
