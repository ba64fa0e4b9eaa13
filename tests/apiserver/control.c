/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/control.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CONTROL_SIZE_MAX (64U * 1024U * 1024U)

typedef struct ControlClient {
        struct ControlClient *next;
        Program *program; /* borrowed */
        int fd; /* owned */
        sd_event_source *source; /* owned */
        Buffer in;
} ControlClient;

static void client_free(ControlClient *client) {
        ControlClient **link = &client->program->control_clients;

        while (*link != client)
                link = &(*link)->next;
        *link = client->next;
        (void) sd_event_source_disable_unref(client->source);
        (void) close(client->fd);
        buffer_done(&client->in);
        free(client);
}

/* Blocking is fine: whoever asked reads the answer. */
static void client_answer(ControlClient *client, const Buffer *answer) {
        for (size_t sent = 0; sent < answer->size;) {
                ssize_t n = send(client->fd, answer->data + sent, answer->size - sent, MSG_NOSIGNAL);

                if (n <= 0)
                        return;
                sent += (size_t) n;
        }
}

static void client_run(ControlClient *client) {
        ControlCall call = { .program = client->program };
        Buffer answer = {};
        char *line, *end, *word;
        int r = -EINVAL;

        call.answer = &answer;
        if (!buffer_cstring(&client->in))
                return;
        line = client->in.data;
        end = strchr(line, '\n');
        if (end) {
                *end++ = '\0';
                call.payload = end;
                call.payload_size = client->in.size - (size_t) (end - line);
        }
        while ((word = strsep(&line, " ")) && call.n_arguments < (int) ELEMENTSOF(call.arguments))
                if (*word)
                        call.arguments[call.n_arguments++] = word;
        if (call.n_arguments > 0)
                r = control_run(&call);
        if (r == -EINVAL && answer.size == 0)
                buffer_text(&answer, "error: no such command or wrong arguments, see: apictl help\n");
        else if (r < 0)
                buffer_printf(&answer, "error: %s\n", strerror(-r));
        else
                buffer_text(&answer, "ok\n");
        client_answer(client, &answer);
        buffer_done(&answer);
}

static int client_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        ControlClient *client = userdata;
        char bytes[65536];
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);

        if (n > 0) {
                buffer_append(&client->in, bytes, (size_t) n);
                if (client->in.size <= CONTROL_SIZE_MAX && !client->in.failed)
                        return 0;
        } else if (n == 0)
                client_run(client);
        client_free(client);
        return 0;
}

static int control_on_accept(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Program *program = userdata;
        ControlClient *client;
        int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

        if (connection < 0)
                return 0;
        client = calloc(1, sizeof *client);
        if (!client) {
                (void) close(connection);
                return 0;
        }
        client->program = program;
        client->fd = connection;
        client->next = program->control_clients;
        program->control_clients = client;
        if (sd_event_add_io(program->event, &client->source, connection, EPOLLIN, client_on_io, client) < 0)
                client_free(client);
        return 0;
}

int control_start(Program *program, const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(closep) int fd = -1;
        int r;

        if (strlen(path) >= sizeof address.sun_path)
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        (void) unlink(path);
        if (bind(fd, (const struct sockaddr *) &address, sizeof address) < 0 || listen(fd, 16) < 0)
                return -errno;
        r = sd_event_add_io(program->event, &program->control_source, fd, EPOLLIN, control_on_accept, program);
        if (r < 0)
                return r;
        (void) TAKE_FD(fd);
        return sd_event_source_set_io_fd_own(program->control_source, true);
}

void control_stop(Program *program) {
        while (program->control_clients)
                client_free(program->control_clients);
        program->control_source = sd_event_source_disable_unref(program->control_source);
}
