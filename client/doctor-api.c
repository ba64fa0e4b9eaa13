/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What doctor finds out about configuration, kubeconfig and API server. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "client/doctor.h"
#include "client/host.h"
#include "client/message-json.h"

#define CONNECT_MSEC 3000

/* "https://[fd00::1]:6443/path" → host and port; false if it is none. */
static bool url_split(const char *url, char host[static HOST_TEXT_MAX], char port[static 8]) {
        const char *p = strstr(url, "://"), *end, *colon;
        bool plain = strncmp(url, "http:", 5) == 0;

        p = p ? p + 3 : url;
        end = *p == '[' ? strchr(p, ']') : p + strcspn(p, ":/");
        if (!end || (size_t) (end - p) >= HOST_TEXT_MAX)
                return false;
        (void) snprintf(host, HOST_TEXT_MAX, "%.*s", (int) (end - p - (*p == '[')),
                        p + (*p == '['));
        colon = *end == ']' ? end + 1 : end;
        if (*colon == ':')
                (void) snprintf(port, 8, "%.*s", (int) MIN2(strcspn(colon + 1, "/"), (size_t) 6),
                                colon + 1);
        else
                (void) snprintf(port, 8, "%s", plain ? "80" : "443");
        return *host && *port;
}

static int connect_one(const struct addrinfo *address) {
        struct pollfd pollfd = { .events = POLLOUT };
        _cleanup_(closep) int fd = -1;
        socklen_t size = sizeof(int);
        int error = 0;

        fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
                return 0;
        if (errno != EINPROGRESS)
                return -errno;
        pollfd.fd = fd;
        if (poll(&pollfd, 1, CONNECT_MSEC) <= 0)
                return -ETIMEDOUT;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                return -errno;
        return -error;
}

static void check_connect(Doctor *doctor, const char *url) {
        static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
        static const char remedy[] = "see whether the server runs, and routes and firewalls on the "
                                     "way to it";
        char host[HOST_TEXT_MAX], port[8];
        struct addrinfo *addresses = NULL;
        int r;

        if (!url_split(url, host, port)) {
                doctor_add(doctor, CHECK_FAIL, "API server", "correct the kubeconfig",
                           "\"%s\" is no address of a server", url);
                return;
        }
        r = getaddrinfo(host, port, &hints, &addresses);
        if (r != 0) {
                doctor_add(doctor, CHECK_FAIL, "API server",
                           "see /etc/resolv.conf; names of the cluster itself cannot be used here",
                           "%s has no address: %s", host, gai_strerror(r));
                return;
        }
        r = -ENOENT;
        for (const struct addrinfo *a = addresses; a && r < 0; a = a->ai_next)
                r = connect_one(a);
        freeaddrinfo(addresses);
        if (r < 0)
                doctor_add(doctor, CHECK_FAIL, "API server", remedy, "%s port %s: %s", host, port,
                           strerror(-r));
        else
                doctor_add(doctor, CHECK_OK, "API server", NULL, "%s port %s answers", host, port);
}

/* What the daemon knows is better than what can be found out from here. */
static void check_api_of_daemon(Doctor *doctor) {
        const char *state = json_get_text(doctor->daemon, "apiState");
        bool watching = strcmp(state, "watching") == 0;

        doctor_add(doctor, watching ? CHECK_OK : CHECK_WARN, "API server",
                   "journalctl -u ipvsproxyd says what it answers", "ipvsproxyd is %s", state);
}

/* What is missing ends a daemon that starts; one that runs has read it. */
static CheckResult result_of_missing(const Doctor *doctor) {
        return doctor->daemon ? CHECK_WARN : CHECK_FAIL;
}

static const char *error_to_text(int error) {
        return error == -EACCES ? "not looked at, this user may not read it" : strerror(-error);
}

static void check_configuration(Doctor *doctor) {
        const DaemonOptions *options = &doctor->options;

        if (!options->file)
                doctor_add(doctor, CHECK_OK, "configuration", NULL, "No file, flags in %s", options->line.origin);
        else if (options->text)
                doctor_add(doctor, CHECK_OK, "configuration", NULL, "%s, named by %s", options->file, options->line.origin);
        else
                doctor_add(doctor, options->error == -EACCES ? CHECK_OK : result_of_missing(doctor), "configuration",
                           "write it, or name another one in /etc/default/ipvsproxyd", "%s, named by %s: %s",
                           options->file, options->line.origin, error_to_text(options->error));
}

/* *ret_server: NULL if it cannot be told */
static void check_kubeconfig(Doctor *doctor, const char *path, char **ret_server) {
        const DaemonOptions *options = &doctor->options;
        const char *origin = options->file ? options->file : options->line.origin;
        _cleanup_(freep) char *text = NULL;
        FILE *f = NULL;
        int r;

        r = daemon_options_open(options, path, &f);
        if (r >= 0) {
                r = file_read_text(f, &text);
                (void) fclose(f);
        }
        if (r >= 0)
                r = yaml_find(text, "server", ret_server);
        if (r >= 0 && *ret_server)
                doctor_add(doctor, CHECK_OK, "kubeconfig", NULL, "%s, named by %s", path, origin);
        else
                doctor_add(doctor, r == -EACCES ? CHECK_OK : result_of_missing(doctor), "kubeconfig",
                           "copy that of kube-proxy or the kubelet there, readable by user ipvsproxy",
                           "%s, named by %s: %s", path, origin,
                           r >= 0 ? "no server is named in it" : error_to_text(r));
}

static void check_server(Doctor *doctor, const char *server) {
        if (doctor->daemon)
                check_api_of_daemon(doctor);
        else if (server)
                check_connect(doctor, server);
}

void doctor_check_api(Doctor *doctor) {
        _cleanup_(freep) char *path = NULL, *server = NULL, *manifests = NULL;
        const DaemonOptions *options = &doctor->options;
        const char *master = daemon_options_flag(options, "master");
        int r;

        check_configuration(doctor);
        r = daemon_options_get(options, "kubeconfig", "kubeconfig", &path);
        if (r >= 0 && options->text)
                r = yaml_find(options->text, "manifests", &manifests);
        if (r < 0)
                doctor->error = r;
        else if (path && *path)
                check_kubeconfig(doctor, path, &server);
        else if (master || (options->file && !options->text))
                ; /* nothing to look at */
        else if (daemon_options_flag(options, "manifests") || manifests) {
                doctor_add(doctor, CHECK_OK, "kubeconfig", NULL, "None: objects are read from files");
                return;
        } else
                doctor_add(doctor, doctor->daemon ? CHECK_OK : CHECK_FAIL, "kubeconfig",
                           "name one: clientConnection.kubeconfig in the configuration, or --kubeconfig",
                           "None is named by %s: only in a pod there is another way to the API server",
                           options->file ? options->file : options->line.origin);
        check_server(doctor, master ? master : server);
}
