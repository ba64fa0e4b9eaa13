/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "client/conditions.h"
#include "client/doctor.h"
#include "client/host.h"
#include "client/message-json.h"
#include "common/bus-names.h"

#define CONNECT_MSEC 3000
#define CONFIG_FILE "etc/ipvsproxy/config.yaml"
#define KUBECONFIG_DEFAULT "etc/ipvsproxy/kubeconfig"
#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_ACTIONS "usr/share/polkit-1/actions/" BUS_NAME ".policy"

/* ---- bus and polkit */

/* Has somebody the name, or would somebody be started for it? */
static bool name_is_there(sd_bus *bus, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        char **activatable = NULL;
        int r, owned = 0;
        bool found = false;

        r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s", name);
        if (r >= 0)
                r = sd_bus_message_read(reply, "b", &owned);
        if (r < 0 || owned > 0)
                return r >= 0;
        r = sd_bus_list_names(bus, NULL, &activatable);
        for (size_t i = 0; r >= 0 && activatable && activatable[i]; i++) {
                found = found || strcmp(activatable[i], name) == 0;
                free(activatable[i]);
        }
        free(activatable);
        return found;
}

static void check_bus(Doctor *doctor) {
        int r = client_reconnect(doctor->client);

        doctor->has_bus = r >= 0;
        if (r < 0) {
                doctor_add(doctor, CHECK_FAIL, "bus",
                           "start it: systemctl start dbus; ipvsproxyd programs without it, but "
                           "cannot be asked",
                           "Cannot be reached: %s", strerror(-r));
                return;
        }
        doctor_add(doctor, CHECK_OK, "bus", NULL, "Connected");
        if (!name_is_there(doctor->client->bus, POLKIT_NAME))
                doctor_add(doctor, CHECK_WARN, "polkit", "install polkitd, or do it as root",
                           "Not there: only root can change something");
        else if (!host_exists(doctor->root, POLKIT_ACTIONS))
                doctor_add(doctor, CHECK_WARN, "polkit", "install ipvsproxy completely",
                           "It does not know the actions of ipvsproxyd: only root can change "
                           "something");
        else
                doctor_add(doctor, CHECK_OK, "polkit", NULL, "There");
}

/* ---- the daemon */

/* An address that is refused, or a node port that is taken, is no matter of the node alone. */
static bool condition_is_of_services(const char *type) {
        static const char *const types[] = { "AddressesServed", "NodePortsFree", "NodeKnown", "ObjectsUnderstood", "ManifestsRead" };

        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (strcmp(type, types[i]) == 0)
                        return true;
        return false;
}

static void check_conditions(Doctor *doctor) {
        json_object *conditions = json_get(doctor->daemon, "conditions");

        for (size_t i = 0; i < json_get_length(doctor->daemon, "conditions"); i++) {
                json_object *condition = json_object_array_get_idx(conditions, i);
                const char *status = json_get_text(condition, "status");
                const char *message = json_get_text(condition, "message");
                bool good = strcmp(status, "true") == 0;
                CheckResult result = CHECK_WARN;

                if (good)
                        continue;
                if (strcmp(status, "false") == 0 &&
                    !condition_is_of_services(json_get_text(condition, "type")))
                        result = CHECK_FAIL;
                doctor_add(doctor, result, "condition",
                           condition_remedy(json_get_text(condition, "type"),
                                            json_get_text(condition, "reason")),
                           "%s is %s (%s)%s%s", json_get_text(condition, "type"), status,
                           json_get_text(condition, "reason"), *message ? ": " : "", message);
        }
}

static void check_daemon(Doctor *doctor) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const char *state;
        int r;

        if (!doctor->has_bus)
                return;
        doctor->client->auto_start = false;
        r = client_new_call(doctor->client, BUS_PATH, "org.freedesktop.DBus.Properties", "GetAll",
                            &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", BUS_INTERFACE_MANAGER);
        if (r >= 0)
                r = client_call(doctor->client, call, &error, &reply);
        if (r >= 0)
                r = json_from_message(reply, NULL, &doctor->daemon);
        if (r < 0) {
                doctor_add(doctor, CHECK_FAIL, "daemon",
                           "systemctl start ipvsproxyd; if it ends, journalctl -u ipvsproxyd says "
                           "why",
                           "Does not answer: %s", error.message ? error.message : strerror(-r));
                return;
        }
        state = json_get_text(doctor->daemon, "state");
        doctor_add(doctor, strcmp(state, "running") == 0 ? CHECK_OK : CHECK_WARN, "daemon",
                   "\"ipvsproxyctl status\" says more", "Version %s is %s",
                   json_get_text(doctor->daemon, "version"), state);
        check_conditions(doctor);
}

/* ---- API server */

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

static void check_kubeconfig(Doctor *doctor) {
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

void doctor_check_daemon(Doctor *doctor) {
        check_bus(doctor);
        check_daemon(doctor);
        check_kubeconfig(doctor);
}
