/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-apiserver: a Kubernetes API server for tests. It has no etcd, no admission and no controllers, but what it
 * answers to lists and watches is what a real one answers, and on order it fails in every way that one can.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "common/parse.h"
#include "tests/apiserver/mirror.h"
#include "tests/apiserver/program.h"

#define NAMES_MAX 32
#define FOLDERS_MAX 8

typedef struct Arguments {
        const char *listen, *state, *url_host, *control, *generate, *token, *basic, *user, *group, *tls_priority;
        const char *names[NAMES_MAX + 1]; /* of the certificate */
        size_t n_names;
        const char *folders[FOLDERS_MAX];
        size_t n_folders;
        const char *forbidden[NAMES_MAX];
        size_t n_forbidden;
        uint16_t port;
        uint32_t ring, chunk_size;
        uint64_t first_version, bookmark_usec;
        unsigned versions;
        WatchListMode watch_list;
        GzipMode gzip;
        bool tls, authenticate, anonymous, mirror;
} Arguments;

static void usage(FILE *to) {
        fputs("usage: test-apiserver --state DIR [OPTION...]\n"
              "\n"
              "Writes certificates, kubeconfigs, `port` and the control socket `control` into DIR, which it makes;\n"
              "says \"ready PORT\" when it serves.\n"
              "\n"
              "  --dir DIR              objects: *.yaml, *.yml, *.json, followed as they change (repeatable)\n"
              "  --generate WHAT        services=N,endpoints=M[,nodes=K]\n"
              "  --mirror-endpoints     core v1 Endpoints made from EndpointSlices\n"
              "  --listen ADDRESS       default 127.0.0.1\n"
              "  --port PORT            default 0: any\n"
              "  --server-name HOST     what kubeconfigs call the server (default: the address)\n"
              "  --san NAME             further address or name of the certificate (repeatable)\n"
              "  --no-tls               plain HTTP\n"
              "  --tls VERSION          only this one: 1.1, 1.2, 1.3\n"
              "  --api VERSION[,...]    what is served; default v1,discovery.k8s.io/v1,discovery.k8s.io/v1beta1,\n"
              "                         events.k8s.io/v1\n"
              "  --auth                 ask for credentials: the client certificate, --token, --basic\n"
              "  --no-anonymous         with --auth: 401 instead of 403 for those without\n"
              "  --token TOKEN          --basic USER:PASSWORD\n"
              "  --user CN --group O    of the client certificate\n"
              "  --forbid RESOURCE[:VERB]  answer 403 (repeatable)\n"
              "  --history N            events kept for each resource (1000)\n"
              "  --first-version N      resourceVersion before the first object (100)\n"
              "  --bookmarks SEC        between two bookmarks, \"500ms\" works too (60)\n"
              "  --watch-list MODE      on, refused, unknown (on)\n"
              "  --gzip MODE            auto, always, never (auto: from 128 KiB)\n"
              "  --chunks SIZE          split answers into chunks of so many bytes\n"
              "  --control PATH         the control socket (default DIR/control); see: apictl help\n",
              to);
}

/* ---- arguments */

enum {
        OPTION_DIR = 256, OPTION_GENERATE, OPTION_MIRROR, OPTION_LISTEN, OPTION_PORT, OPTION_SERVER_NAME, OPTION_SAN,
        OPTION_NO_TLS, OPTION_TLS, OPTION_API, OPTION_AUTH, OPTION_NO_ANONYMOUS, OPTION_TOKEN, OPTION_BASIC, OPTION_USER,
        OPTION_GROUP, OPTION_FORBID, OPTION_HISTORY, OPTION_FIRST_VERSION, OPTION_BOOKMARKS, OPTION_WATCH_LIST,
        OPTION_GZIP, OPTION_CHUNKS, OPTION_CONTROL, OPTION_STATE, OPTION_HELP,
};

/* What gnutls calls a version; the old ones need weaker signatures. */
static const char *tls_priority(const char *version) {
        if (strcmp(version, "1.1") == 0)
                return "NORMAL:-VERS-ALL:+VERS-TLS1.1:+SIGN-RSA-SHA1:+SIGN-ECDSA-SHA1";
        if (strcmp(version, "1.2") == 0)
                return "NORMAL:-VERS-ALL:+VERS-TLS1.2";
        return strcmp(version, "1.3") == 0 ? "NORMAL:-VERS-ALL:+VERS-TLS1.3" : NULL;
}

static int parse_versions(const char *text, unsigned *ret) {
        _cleanup_(freep) char *copy = strdup(text);
        char *rest = copy, *word;

        *ret = 0;
        while (copy && (word = strsep(&rest, ","))) {
                ApiVersion version = api_version_from_string(word);

                if (version < 0)
                        return -EINVAL;
                *ret |= 1U << version;
        }
        return copy ? 0 : -ENOMEM;
}

static int parse_interval(const char *text, uint64_t *ret_usec) {
        uint32_t seconds;

        if (parse_uint32(text, &seconds) < 0)
                return parse_duration(text, ret_usec);
        *ret_usec = seconds * USEC_PER_SEC;
        return 0;
}

static int add_word(const char **words, size_t *n, size_t max, const char *word) {
        if (*n == max)
                return -E2BIG;
        words[(*n)++] = word;
        return 0;
}

static int parse_option(Arguments *a, int option, const char *value) {
        switch (option) {
        case OPTION_DIR:
                return add_word(a->folders, &a->n_folders, FOLDERS_MAX, value);
        case OPTION_SAN:
                return add_word(a->names, &a->n_names, NAMES_MAX, value);
        case OPTION_FORBID:
                return add_word(a->forbidden, &a->n_forbidden, NAMES_MAX, value);
        case OPTION_GENERATE:
                a->generate = value;
                return 0;
        case OPTION_MIRROR:
                a->mirror = true;
                return 0;
        case OPTION_LISTEN:
                a->listen = value;
                return 0;
        case OPTION_PORT:
                return parse_uint16(value, &a->port);
        case OPTION_SERVER_NAME:
                a->url_host = value;
                return 0;
        case OPTION_NO_TLS:
                a->tls = false;
                return 0;
        case OPTION_TLS:
                a->tls_priority = tls_priority(value);
                return a->tls_priority ? 0 : -EINVAL;
        case OPTION_API:
                return parse_versions(value, &a->versions);
        case OPTION_AUTH:
                a->authenticate = true;
                return 0;
        case OPTION_NO_ANONYMOUS:
                a->anonymous = false;
                return 0;
        case OPTION_TOKEN:
                a->token = value;
                return 0;
        case OPTION_BASIC:
                a->basic = value;
                return 0;
        case OPTION_USER:
                a->user = value;
                return 0;
        case OPTION_GROUP:
                a->group = value;
                return 0;
        case OPTION_HISTORY:
                return parse_uint32(value, &a->ring) < 0 || a->ring == 0 ? -EINVAL : 0;
        case OPTION_FIRST_VERSION:
                return parse_uint64(value, &a->first_version);
        case OPTION_BOOKMARKS:
                return parse_interval(value, &a->bookmark_usec) < 0 || a->bookmark_usec == 0 ? -EINVAL : 0;
        case OPTION_WATCH_LIST:
                a->watch_list = watch_list_mode_from_string(value);
                return a->watch_list < 0 ? -EINVAL : 0;
        case OPTION_GZIP:
                a->gzip = gzip_mode_from_string(value);
                return a->gzip < 0 ? -EINVAL : 0;
        case OPTION_CHUNKS:
                return parse_uint32(value, &a->chunk_size);
        case OPTION_CONTROL:
                a->control = value;
                return 0;
        case OPTION_STATE:
                a->state = value;
                return 0;
        default:
                return -EINVAL;
        }
}

static int parse_arguments(Arguments *a, int argc, char **argv) {
        static const struct option options[] = {
                { "dir", required_argument, NULL, OPTION_DIR },
                { "generate", required_argument, NULL, OPTION_GENERATE },
                { "mirror-endpoints", no_argument, NULL, OPTION_MIRROR },
                { "listen", required_argument, NULL, OPTION_LISTEN },
                { "port", required_argument, NULL, OPTION_PORT },
                { "server-name", required_argument, NULL, OPTION_SERVER_NAME },
                { "san", required_argument, NULL, OPTION_SAN },
                { "no-tls", no_argument, NULL, OPTION_NO_TLS },
                { "tls", required_argument, NULL, OPTION_TLS },
                { "api", required_argument, NULL, OPTION_API },
                { "auth", no_argument, NULL, OPTION_AUTH },
                { "no-anonymous", no_argument, NULL, OPTION_NO_ANONYMOUS },
                { "token", required_argument, NULL, OPTION_TOKEN },
                { "basic", required_argument, NULL, OPTION_BASIC },
                { "user", required_argument, NULL, OPTION_USER },
                { "group", required_argument, NULL, OPTION_GROUP },
                { "forbid", required_argument, NULL, OPTION_FORBID },
                { "history", required_argument, NULL, OPTION_HISTORY },
                { "first-version", required_argument, NULL, OPTION_FIRST_VERSION },
                { "bookmarks", required_argument, NULL, OPTION_BOOKMARKS },
                { "watch-list", required_argument, NULL, OPTION_WATCH_LIST },
                { "gzip", required_argument, NULL, OPTION_GZIP },
                { "chunks", required_argument, NULL, OPTION_CHUNKS },
                { "control", required_argument, NULL, OPTION_CONTROL },
                { "state", required_argument, NULL, OPTION_STATE },
                { "help", no_argument, NULL, OPTION_HELP },
                {},
        };
        int option, index = 0;

        while ((option = getopt_long(argc, argv, "", options, &index)) >= 0) {
                if (option == OPTION_HELP) {
                        usage(stdout);
                        return 1;
                }
                if (option == '?')
                        return -EINVAL;
                if (parse_option(a, option, optarg) < 0) {
                        fprintf(stderr, "test-apiserver: bad value of --%s: %s\n", options[index].name, optarg);
                        return -EINVAL;
                }
        }
        if (!a->state || optind < argc) {
                usage(stderr);
                return -EINVAL;
        }
        return 0;
}

/* ---- start */

int program_listen(Program *program) {
        _cleanup_(closep) int fd = -1;
        int one = 1;

        fd = socket(program->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, (const struct sockaddr *) &program->address, program->address_size) < 0 || listen(fd, 1024) < 0 ||
            getsockname(fd, (struct sockaddr *) &program->address, &program->address_size) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int program_set_address(Program *program, const char *text, uint16_t port) {
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

        if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
                memcpy(&program->address, &v4, sizeof v4);
                program->address_size = sizeof v4;
        } else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
                memcpy(&program->address, &v6, sizeof v6);
                program->address_size = sizeof v6;
        } else
                return -EINVAL;
        return 0;
}

/* The same place in both: after the family. */
static uint16_t program_port(const Program *program) {
        uint16_t port;

        memcpy(&port, (const char *) &program->address + offsetof(struct sockaddr_in, sin_port), sizeof port);
        return ntohs(port);
}

int program_write_kubeconfigs(Program *program) {
        if (!program->pki)
                return 0;
        return pki_write_kubeconfigs(program->pki, &program->pki_options, program->url, program->api.token);
}

static void program_changed(void *userdata, Resource resource) {
        Program *program = userdata;

        api_watches_changed(&program->api, resource);
        if (resource == RESOURCE_SLICES && program->mirror_endpoints &&
            mirror_update(&program->api.store, program->api.store.version - 1) < 0)
                fprintf(stderr, "test-apiserver: out of memory\n");
}

static int program_start_tls(Program *program, const Arguments *a) {
        int r;

        program->pki_options = (PkiOptions) {
                .folder = program->state, .names = a->names, .user = a->user, .group = a->group,
        };
        r = pki_new(&program->pki_options, &program->pki);
        if (r < 0)
                return r;
        http_server_set_credentials(program->http, pki_credentials(program->pki));
        return 0;
}

static int program_configure(Program *program, const Arguments *a) {
        ApiServer *api = &program->api;
        int r;

        r = api_server_init(api, program->event, a->ring, a->first_version);
        if (r < 0)
                return r;
        api->versions = a->versions;
        api->authenticate = a->authenticate;
        api->anonymous = a->anonymous;
        api->watch_list = a->watch_list;
        api->gzip = a->gzip;
        api->bookmark_usec = a->bookmark_usec;
        api->store.changed = program_changed;
        api->store.userdata = program;
        program->mirror_endpoints = a->mirror;
        if ((a->token && !(api->token = strdup(a->token))) || (a->basic && !(api->basic = strdup(a->basic))))
                return -ENOMEM;
        api->forbidden = calloc(a->n_forbidden + 1, sizeof(char *));
        for (size_t i = 0; api->forbidden && i < a->n_forbidden; i++) {
                api->forbidden[i] = strdup(a->forbidden[i]);
                if (!api->forbidden[i])
                        return -ENOMEM;
                api->n_forbidden++;
        }
        return api->forbidden ? 0 : -ENOMEM;
}

static int program_load(Program *program, const Arguments *a) {
        int r = 0;

        program->folders = calloc(a->n_folders + 1, sizeof(ManifestFolder *));
        if (!program->folders)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < a->n_folders; i++) {
                r = manifest_folder_new(program->event, &program->api.store, a->folders[i], &program->folders[i]);
                program->n_folders += r >= 0;
        }
        if (r >= 0 && a->generate) {
                r = generator_parse(&program->generator, a->generate);
                if (r >= 0)
                        r = generator_put_all(&program->generator, &program->api.store);
        }
        return r;
}

static int program_serve(Program *program, Arguments *a) {
        const char *host = a->url_host ? a->url_host : a->listen;
        _cleanup_(freep) char *control = NULL;
        char port[16];
        int fd, r;

        fd = program_listen(program);
        if (fd < 0)
                return fd;
        r = http_server_new(program->event, fd, api_handle, &program->api, &program->http);
        if (r < 0)
                return r;
        program->api.http = program->http;
        http_server_set_chunk_size(program->http, a->chunk_size);
        http_server_set_tls_priority(program->http, a->tls_priority);
        (void) add_word(a->names, &a->n_names, NAMES_MAX, a->listen);
        (void) add_word(a->names, &a->n_names, NAMES_MAX, host);
        if (asprintf(&program->url,
                     strchr(host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
                     a->tls ? "https" : "http",
                     host,
                     program_port(program)) < 0) {
                program->url = NULL;
                return -ENOMEM;
        }
        if (a->tls)
                r = program_start_tls(program, a);
        if (r >= 0)
                r = program_write_kubeconfigs(program);
        (void) snprintf(port, sizeof port, "%u\n", program_port(program));
        if (r >= 0)
                r = pki_write_file(program->state, "port", port, strlen(port));
        if (r < 0)
                return r;
        if (a->control)
                return control_start(program, a->control);
        if (asprintf(&control, "%s/control", program->state) < 0) {
                control = NULL;
                return -ENOMEM;
        }
        return control_start(program, control);
}

static int program_start(Program *program, Arguments *a) {
        sigset_t signals;
        int r;

        if (mkdir(a->state, 0755) < 0 && errno != EEXIST)
                return -errno;
        program->state = strdup(a->state);
        (void) signal(SIGPIPE, SIG_IGN);
        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigaddset(&signals, SIGINT);
        (void) sigprocmask(SIG_BLOCK, &signals, NULL);
        r = program->state ? sd_event_new(&program->event) : -ENOMEM;
        if (r >= 0)
                r = sd_event_add_signal(program->event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(program->event, NULL, SIGINT, NULL, NULL);
        if (r >= 0)
                r = program_set_address(program, a->listen, a->port);
        if (r >= 0)
                r = program_configure(program, a);
        if (r >= 0)
                r = program_load(program, a);
        return r < 0 ? r : program_serve(program, a);
}

static void program_done(Program *program) {
        control_stop(program);
        for (size_t i = 0; i < program->n_folders; i++)
                (void) manifest_folder_free(program->folders[i]);
        free(program->folders);
        (void) http_server_free(program->http); /* ends the watches */
        program->api.store.changed = NULL;
        api_server_done(&program->api);
        (void) pki_free(program->pki);
        generator_done(&program->generator);
        free(program->url);
        free(program->state);
        (void) sd_event_unref(program->event);
}

int main(int argc, char **argv) {
        Arguments arguments = {
                .listen = "127.0.0.1",
                .user = "system:kube-proxy",
                .group = "system:node-proxier",
                .ring = 1000,
                .first_version = 100,
                .bookmark_usec = 60 * USEC_PER_SEC,
                .versions = (1U << _API_VERSION_MAX) - 1,
                .tls = true,
                .anonymous = true,
        };
        Program program = {};
        int r;

        r = parse_arguments(&arguments, argc, argv);
        if (r != 0)
                return r < 0 ? 2 : EXIT_SUCCESS;
        r = program_start(&program, &arguments);
        if (r >= 0) {
                printf("ready %u\n", program_port(&program));
                (void) fflush(stdout);
                (void) sd_notify(0, "READY=1");
                r = sd_event_loop(program.event);
        }
        program_done(&program);
        if (r < 0) {
                fprintf(stderr, "test-apiserver: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
