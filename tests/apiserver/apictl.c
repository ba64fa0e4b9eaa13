/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives test-apiserver one command: apictl [-s SOCKET] COMMAND [ARGUMENT…]. `put FILE` sends a manifest and
 * `watch-send RESOURCE TEXT` a text. The socket is also taken from $APISERVER_CONTROL.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/apiserver/buffer.h"

static int fail(const char *what) {
        fprintf(stderr, "apictl: %s: %s\n", what, strerror(errno));
        return EXIT_FAILURE;
}

static int append_file(Buffer *b, const char *path) {
        char bytes[65536];
        ssize_t n;
        int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -1;
        while ((n = read(fd, bytes, sizeof bytes)) > 0)
                buffer_append(b, bytes, (size_t) n);
        if (fd != STDIN_FILENO)
                (void) close(fd);
        return n < 0 ? -1 : 0;
}

/* The command line as the server wants it: a line, and the payload behind it. */
static int make_request(Buffer *b, int argc, char **argv) {
        bool file = strcmp(argv[0], "put") == 0 && argc == 2;
        bool text = (strcmp(argv[0], "watch-send") == 0 || strcmp(argv[0], "watch-raw") == 0) && argc == 3;

        for (int i = 0; i < argc - (file || text); i++)
                buffer_printf(b, "%s%s", i > 0 ? " " : "", argv[i]);
        buffer_text(b, "\n");
        if (text)
                buffer_text(b, argv[argc - 1]);
        return file ? append_file(b, argv[1]) : 0;
}

static int connect_to(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        if (strlen(path) >= sizeof address.sun_path) {
                errno = ENAMETOOLONG;
                return -1;
        }
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (const struct sockaddr *) &address, sizeof address) < 0) {
                (void) close(fd);
                return -1;
        }
        return fd;
}

static int send_all(int fd, const Buffer *b) {
        for (size_t sent = 0; sent < b->size;) {
                ssize_t n = send(fd, b->data + sent, b->size - sent, MSG_NOSIGNAL);

                if (n < 0)
                        return -1;
                sent += (size_t) n;
        }
        return shutdown(fd, SHUT_WR);
}

/* Everything but the last line is printed; that one says how it went. */
static int print_answer(int fd) {
        Buffer b = {};
        char bytes[65536], *last;
        ssize_t n;
        bool ok;

        while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
                buffer_append(&b, bytes, (size_t) n);
        if (b.size == 0 || !buffer_cstring(&b)) {
                fprintf(stderr, "apictl: no answer\n");
                return EXIT_FAILURE;
        }
        b.data[b.size - 1] = '\0';
        last = strrchr(b.data, '\n');
        last = last ? last + 1 : b.data;
        ok = strcmp(last, "ok") == 0;
        if (!ok)
                fprintf(stderr, "apictl: %s\n", last);
        *last = '\0';
        fputs(b.data, stdout);
        buffer_done(&b);
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
        const char *path = getenv("APISERVER_CONTROL");
        Buffer request = {};
        int fd, r;

        if (argc > 2 && strcmp(argv[1], "-s") == 0) {
                path = argv[2];
                argc -= 2;
                argv += 2;
        }
        if (argc < 2 || !path) {
                fprintf(stderr, "usage: apictl [-s SOCKET] COMMAND [ARGUMENT...]   (apictl help)\n");
                return 2;
        }
        if (make_request(&request, argc - 1, argv + 1) < 0)
                return fail(argv[2]);
        fd = connect_to(path);
        if (fd < 0 || send_all(fd, &request) < 0)
                return fail(path);
        buffer_done(&request);
        r = print_answer(fd);
        (void) close(fd);
        return r;
}
