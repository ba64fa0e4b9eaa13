/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * monitor: one line an event as it happens. It outlives the daemon: when that goes away this is
 * said on stderr and monitoring goes on with the next one. It ends when nobody reads it any more.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/clock.h"
#include "client/message-json.h"
#include "client/monitor-stream.h"
#include "client/report.h"
#include "client/text.h"
#include "client/verbs.h"

#define EVENT_WIDTH 9
#define TRY_AGAIN_MSEC 1000
#define EVENTS_DEFAULT "sync,service,endpoint,drift"

static bool ends_with_usec(const char *key) {
        size_t n = strlen(key);

        return n > 4 && strcmp(key + n - 4, "USec") == 0;
}

/* What stands before the "key=value" of the rest. */
static bool is_shown_in_front(const char *key) {
        static const char *const keys[] = { "event", "timeUSec", "id", "address", "port", "state" };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (strcmp(keys[i], key) == 0)
                        return true;
        return false;
}

static int write_word(const char *text) {
        if (!*text)
                return 0;
        (void) fputc(' ', stdout);
        return text_write(stdout, text, TEXT_FOR_PEOPLE);
}

static int write_member(const char *key, json_object *value) {
        _cleanup_(freep) char *text = NULL, *word = NULL;
        char duration[TEXT_NUMBER_MAX];
        int n = (int) strlen(key), r;

        if (ends_with_usec(key) && json_object_is_type(value, json_type_int)) {
                (void) text_duration(json_object_get_uint64(value), duration);
                r = asprintf(&word, "%.*s=%s", n - 4, key, duration);
        } else {
                r = json_to_text(value, ",", &text);
                if (r < 0 || !*text)
                        return r;
                r = asprintf(&word, "%s=%s", key, text);
        }
        if (r < 0) {
                word = NULL;
                return -ENOMEM;
        }
        return write_word(word);
}

static int write_members(json_object *event) {
        int r = 0;

        json_object_object_foreach(event, key, value) if (r >= 0 && !is_shown_in_front(key)) r =
                write_member(key, value);
        return r;
}

static int write_endpoint(json_object *event) {
        const char *address = json_get_text(event, "address");
        char port[TEXT_NUMBER_MAX + 1] = "";
        bool v6 = strchr(address, ':');
        int r;

        if (!*address)
                return 0;
        (void) fputs(v6 ? " [" : " ", stdout);
        r = text_write(stdout, address, TEXT_FOR_PEOPLE);
        if (json_get(event, "port"))
                (void) snprintf(port, sizeof(port), ":%u",
                                (unsigned) json_get_number(event, "port"));
        (void) printf("%s%s", v6 ? "]" : "", port);
        return r;
}

/* "08:31:05.007 lost      17 events (reader too slow)" */
static int print_lost(json_object *event) {
        char time[TEXT_NUMBER_MAX];

        return printf("%s %-*s %llu events (reader too slow)\n",
                      clock_of_day(clock_real_usec(), time), EVENT_WIDTH, "lost",
                      (unsigned long long) json_get_number(event, "lost")) < 0
                       ? -EIO
                       : 0;
}

/* "08:31:04.121 endpoint  shop/cart:http 10.1.9.31:8080 ready weight=1" */
static int print_event(const Client *client, json_object *event) {
        const char *state = json_get_text(event, "state");
        uint64_t usec = json_get_number(event, "timeUSec");
        char time[TEXT_NUMBER_MAX];
        Style style = style_of_state(state);
        int r;

        if (json_get(event, "lost"))
                return print_lost(event);
        (void) printf("%s %-*.20s", clock_of_day(usec > 0 ? usec : clock_real_usec(), time),
                      EVENT_WIDTH, json_get_text(event, "event"));
        r = write_word(json_get_text(event, "id"));
        if (r >= 0)
                r = write_endpoint(event);
        (void) fputs(style_on(style, client->color), stdout);
        if (r >= 0)
                r = write_word(state);
        (void) fputs(style_off(style, client->color), stdout);
        if (r >= 0)
                r = write_members(event);
        if (r >= 0 && fputc('\n', stdout) == EOF)
                r = -EIO;
        return r;
}

static int show_event(Client *client, json_object *event) {
        const char *text;
        int r;

        if (!client_wants_json(client)) {
                r = print_event(client, event);
        } else {
                text = json_object_to_json_string_ext(event, JSON_C_TO_STRING_NOSLASHESCAPE);
                r = text ? text_write(stdout, text, TEXT_FOR_JSON) : -ENOMEM;
                if (r >= 0 && fputc('\n', stdout) == EOF)
                        r = -EIO;
        }
        return r < 0 ? r : fflush(stdout) == EOF ? -EIO : 0;
}

/* Until something came or our reader has left. */
static int wait_for_events(Client *client, const MonitorStream *stream) {
        struct pollfd fds[] = {
                { .fd = monitor_fd(stream), .events = POLLIN },
                { .fd = STDOUT_FILENO },
                { .fd = sd_bus_get_fd(client->bus), .events = POLLIN },
        };
        int r;

        if (poll(fds, ELEMENTSOF(fds), -1) < 0)
                return errno == EINTR ? 0 : -errno;
        if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
                return -EPIPE;
        while ((r = sd_bus_process(client->bus, NULL)) > 0)
                ;
        /* A bus that broke is found out when the daemon, which broke with it, closes the stream. */
        return r < 0 && !(fds[0].revents & POLLIN) ? -ESHUTDOWN : 0;
}

/* Shows what comes until the stream ends: -ESHUTDOWN. */
static int follow(Client *client, MonitorStream *stream) {
        int r;

        for (;;) {
                _cleanup_(json_object_putp) json_object *event = NULL;

                r = monitor_next(stream, &event);
                if (r > 0)
                        r = show_event(client, event);
                else if (r == 0)
                        r = wait_for_events(client, stream);
                if (r < 0)
                        return r;
        }
}

/* Once more, until it is there; 0 and *ret, or a failure that time does not heal. */
static int open_again(Client *client, const MonitorQuery *query, MonitorStream **ret) {
        struct pollfd reader = { .fd = STDOUT_FILENO };
        int r;

        client->auto_start = false;
        for (;;) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

                if (poll(&reader, 1, TRY_AGAIN_MSEC) > 0)
                        return -EPIPE;
                if (sd_bus_is_open(client->bus) <= 0 && client_reconnect(client) < 0)
                        continue;
                r = monitor_open(client, query, &error, ret);
                if (r >= 0)
                        return 0;
                if (sd_bus_is_open(client->bus) > 0 && error.name &&
                    exit_code_from_bus(&error, r) == EXIT_CODE_DENIED)
                        return report_bus(&error, r, "Failed to monitor");
        }
}

static void say(const Client *client, const char *text) {
        if (!client->options.quiet)
                (void) fputs(text, stderr);
}

int verb_monitor(Client *client, int n_words, char *words[]) {
        const MonitorQuery query = {
                .events = client->options.events ? client->options.events : EVENTS_DEFAULT,
                .namespace = client->options.namespace,
                .interval_usec = client->options.interval_usec,
        };
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(monitor_closep) MonitorStream *stream = NULL;
        int r;

        r = monitor_open(client, &query, &error, &stream);
        if (r < 0)
                return report_bus(&error, r, "Failed to monitor");
        for (;;) {
                r = follow(client, stream);
                if (r != -ESHUTDOWN)
                        return r;
                stream = monitor_close(stream);
                say(client, "ipvsproxyd has gone; waiting for it to come back.\n");
                r = open_again(client, &query, &stream);
                if (r != 0)
                        return r;
                say(client, "ipvsproxyd is back.\n");
        }
}
