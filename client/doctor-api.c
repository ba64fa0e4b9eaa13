/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What doctor finds out about kubeconfig and API server. */
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
#define CONFIG_FILE "etc/ipvsproxy/config.yaml"
#define KUBECONFIG_DEFAULT "etc/ipvsproxy/kubeconfig"

/* The value behind the first "key:" in a YAML or JSON file, without quotes. */
static int file_find(const char *root, const char *path, const char *key, char **ret) {
        _cleanup_(freep) char *line = NULL, *full = NULL;
        size_t size = 0, n = strlen(key);
        int r = -ENOENT;
        FILE *f;

        if (asprintf(&full, "%s/%s", root, path) < 0) {
                full = NULL;
                return -ENOMEM;
        }
        f = fopen(full, "re");
        if (!f)
                return -errno;
        while (r == -ENOENT && getline(&line, &size, f) > 0) {
                char *p = line + strspn(line, " \t-\"'{");

                if (strncmp(p, key, n) != 0)
                        continue;
                p += n;
                p += strspn(p, "\"'");
                if (*p != ':')
                        continue;
                p += strspn(p, ": \t\"'");
                p[strcspn(p, "\"' \t\r\n,")] = '\0';
                *ret = strdup(p);
                r = *ret ? 0 : -ENOMEM;
        }
        (void) fclose(f);
        return r == -ENOENT ? -ENODATA : r;
}

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

void doctor_check_api(Doctor *doctor) {
        _cleanup_(freep) char *path = NULL, *server = NULL;
        const char *file = KUBECONFIG_DEFAULT;
        int r;

        if (file_find(doctor->root, CONFIG_FILE, "kubeconfig", &path) == 0 && *path)
                file = path + strspn(path, "/");
        r = file_find(doctor->root, file, "server", &server);
        if (r == -EACCES)
                doctor_add(doctor, CHECK_OK, "kubeconfig", NULL,
                           "/%s: not looked at, this user may not read it", file);
        else if (r < 0)
                doctor_add(doctor, doctor->daemon ? CHECK_OK : CHECK_FAIL, "kubeconfig",
                           "copy that of kube-proxy or the kubelet there, readable by user "
                           "ipvsproxy",
                           "/%s: %s", file,
                           r == -ENODATA ? "no server is named in it" : strerror(-r));
        else
                doctor_add(doctor, CHECK_OK, "kubeconfig", NULL, "/%s", file);
        if (doctor->daemon)
                check_api_of_daemon(doctor);
        else if (r == 0)
                check_connect(doctor, server);
}
