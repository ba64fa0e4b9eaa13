/* SPDX-License-Identifier: GPL-2.0-or-later */
/* curl's multi handle, its sockets and its timer on the event loop. */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "apiserver/http-private.h"
#include "common/clock.h"

#define CONNECTIONS_MAX 8L

struct HttpSocket {
        struct HttpSocket *next;
        struct HttpSocket **previous;
        HttpClient *client; /* borrowed */
        sd_event_source *source; /* owned */
        curl_socket_t fd; /* curl's */
};

static void http_client_collect(HttpClient *client) {
        CURLMsg *message;
        int left;

        while ((message = curl_multi_info_read(client->multi, &left))) {
                HttpTransfer *transfer = NULL;

                if (message->msg != CURLMSG_DONE)
                        continue;
                (void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);
                http_transfer_ended(transfer, message->data.result);
        }
}

static void http_socket_free(HttpSocket *s) {
        *s->previous = s->next;
        if (s->next)
                s->next->previous = s->previous;
        (void) sd_event_source_disable_unref(s->source);
        free(s);
}

/* Also ends what is done. */
static void http_client_act(HttpClient *client, curl_socket_t fd, int flags) {
        uint64_t begun = clock_now_usec(CLOCK_MONOTONIC);
        int running;

        (void) curl_multi_socket_action(client->multi, fd, flags, &running);
        http_client_collect(client);
        if (client->worked)
                client->worked(begun, client->worked_userdata);
}

static int on_socket_event(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        HttpClient *client = ((HttpSocket *) userdata)->client; /* the socket may be gone in a moment */
        int flags = 0;

        if (events & EPOLLIN)
                flags |= CURL_CSELECT_IN;
        if (events & EPOLLOUT)
                flags |= CURL_CSELECT_OUT;
        if (events & (EPOLLERR | EPOLLHUP))
                flags |= CURL_CSELECT_ERR;
        http_client_act(client, fd, flags);
        return 0;
}

void http_client_set_priority(HttpClient *client, int64_t priority) {
        client->priority = priority;
        for (HttpSocket *s = client->sockets; s; s = s->next)
                (void) sd_event_source_set_priority(s->source, priority);
        (void) sd_event_source_set_priority(client->timer, priority);
}

void http_client_set_worked(HttpClient *client, HttpWorked worked, void *userdata) {
        client->worked = worked;
        client->worked_userdata = userdata;
}

static int http_socket_new(HttpClient *client, curl_socket_t fd, uint32_t events, HttpSocket **ret) {
        HttpSocket *s = calloc(1, sizeof(HttpSocket));
        int r;

        if (!s)
                return -ENOMEM;
        s->client = client;
        s->fd = fd;
        r = sd_event_add_io(client->event, &s->source, fd, events, on_socket_event, s);
        if (r >= 0)
                r = sd_event_source_set_priority(s->source, client->priority);
        if (r < 0) {
                (void) sd_event_source_disable_unref(s->source);
                free(s);
                return r;
        }
        (void) sd_event_source_set_description(s->source, "api-socket");
        s->next = client->sockets;
        s->previous = &client->sockets;
        if (s->next)
                s->next->previous = &s->next;
        client->sockets = s;
        *ret = s;
        return 0;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data) {
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
        HttpClient *client = userdata;
        HttpSocket *s = socket_data;

        if (what == CURL_POLL_REMOVE) {
                if (s)
                        http_socket_free(s);
                return 0;
        }
        if (s)
                return sd_event_source_set_io_events(s->source, events) < 0 ? -1 : 0;
        if (http_socket_new(client, fd, events, &s) < 0)
                return -1; /* curl fails the transfers */
        return curl_multi_assign(client->multi, fd, s) == CURLM_OK ? 0 : -1;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        http_client_act(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *userdata) {
        HttpClient *client = userdata;

        if (timeout_ms < 0)
                return sd_event_source_set_enabled(client->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
        if (sd_event_source_set_time_relative(client->timer, (uint64_t) timeout_ms * USEC_PER_MSEC) < 0)
                return -1;
        return sd_event_source_set_enabled(client->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

/* ---- curl's handle */

void http_client_close(HttpClient *client) {
        if (client->multi)
                (void) curl_multi_cleanup(client->multi);
        client->multi = NULL;
        while (client->sockets)
                http_socket_free(client->sockets);
        if (client->timer)
                (void) sd_event_source_set_enabled(client->timer, SD_EVENT_OFF);
}

int http_client_open(HttpClient *client) {
        CURLM *multi = curl_multi_init();

        if (!multi)
                return -ENOMEM;
        (void) curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
        (void) curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client);
        (void) curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
        (void) curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client);
        (void) curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
        (void) curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
        client->multi = multi;
        return 0;
}

int http_client_add_timer(HttpClient *client) {
        int r = sd_event_add_time_relative(client->event, &client->timer, CLOCK_MONOTONIC, 0, 1, on_timer, client);

        if (r >= 0)
                r = sd_event_source_set_enabled(client->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(client->timer, client->priority);
        if (r >= 0)
                (void) sd_event_source_set_description(client->timer, "api-timer");
        return r;
}
