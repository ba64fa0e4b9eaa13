/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/monitor-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/document.h"
#include "client/message-json.h"
#include "common/bus-names.h"

#define LINE_MAX_SIZE ((size_t) 1 << 20)
#define READ_SIZE 65536

struct MonitorStream {
        int fd;
        char *buf;                    /* owned */
        size_t start, end, allocated; /* what was read and not handed on */
};

static int events_append(sd_bus_message *call, const char *events) {
        _cleanup_(freep) char *copy = strdup(events);
        char *words[MONITOR_EVENTS_MAX + 1], *save = NULL;
        size_t n = 0;
        int r;

        if (!copy)
                return -ENOMEM;
        for (char *word = strtok_r(copy, ",", &save); word && n < MONITOR_EVENTS_MAX;
             word = strtok_r(NULL, ",", &save))
                words[n++] = word;
        words[n] = NULL;
        r = sd_bus_message_open_container(call, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", "events");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(call, words);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int query_append(sd_bus_message *call, const MonitorQuery *query) {
        int r = sd_bus_message_open_container(call, 'a', "{sv}");

        if (r >= 0 && query->events)
                r = events_append(call, query->events);
        if (r >= 0 && query->namespace)
                r = sd_bus_message_append(call, "{sv}", "namespace", "s", query->namespace);
        if (r >= 0 && query->interval_usec > 0)
                r = sd_bus_message_append(call, "{sv}", "interval-usec", "t", query->interval_usec);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

int monitor_open(Client *client,
                 const MonitorQuery *query,
                 sd_bus_error *error,
                 MonitorStream **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(monitor_closep) MonitorStream *stream = calloc(1, sizeof(*stream));
        int fd, r;

        if (!stream)
                return -ENOMEM;
        stream->fd = -1;
        r = client_new_call(client, BUS_PATH, BUS_INTERFACE_MANAGER, "Monitor", &call);
        if (r >= 0)
                r = query_append(call, query);
        if (r >= 0)
                r = client_call_authorised(client, call, error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0)
                return r;
        stream->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (stream->fd < 0 || fcntl(stream->fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        *ret = TAKE_PTR(stream);
        return 0;
}

MonitorStream *monitor_close(MonitorStream *stream) {
        if (!stream)
                return NULL;
        closep(&stream->fd);
        free(stream->buf);
        free(stream);
        return NULL;
}

int monitor_fd(const MonitorStream *stream) {
        return stream->fd;
}

static int buffer_make_room(MonitorStream *stream) {
        size_t size = stream->allocated ? stream->allocated * 2 : READ_SIZE;
        char *grown;

        if (stream->start > 0) {
                (void) memmove(stream->buf, stream->buf + stream->start,
                               stream->end - stream->start);
                stream->end -= stream->start;
                stream->start = 0;
        }
        if (stream->end < stream->allocated)
                return 0;
        if (size > LINE_MAX_SIZE)
                return -EBADMSG;
        grown = realloc(stream->buf, size);
        if (!grown)
                return -ENOMEM;
        stream->buf = grown;
        stream->allocated = size;
        return 0;
}

/* 1 = there is more in the buffer now, 0 = nothing has come */
static int buffer_fill(MonitorStream *stream) {
        ssize_t n;
        int r = buffer_make_room(stream);

        if (r < 0)
                return r;
        do
                n = read(stream->fd, stream->buf + stream->end, stream->allocated - stream->end);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        if (n == 0)
                return -ESHUTDOWN;
        stream->end += (size_t) n;
        return 1;
}

static int line_parse(const char *line, size_t n, json_object **ret) {
        _cleanup_(json_object_putp) json_object *event = NULL;
        int r = document_parse(line, n, &event);

        if (r < 0)
                return r;
        if (!json_object_is_type(event, json_type_object))
                return -EBADMSG;
        *ret = TAKE_PTR(event);
        return 1;
}

int monitor_next(MonitorStream *stream, json_object **ret) {
        size_t seen = 0;
        int r;

        for (;;) {
                const char *line = stream->buf + stream->start, *feed = NULL;
                size_t n = stream->end - stream->start;

                if (n > seen)
                        feed = memchr(line + seen, '\n', n - seen);
                if (feed) {
                        n = (size_t) (feed - line);
                        stream->start += n + 1;
                        return line_parse(line, n, ret);
                }
                seen = n;
                r = buffer_fill(stream);
                if (r <= 0)
                        return r;
        }
}
