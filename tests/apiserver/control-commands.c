/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/parse.h"
#include "tests/apiserver/control.h"

typedef struct ControlCommand {
        const char *name;
        int min, max; /* arguments after the name */
        int (*run)(ControlCall *call);
        const char *arguments, *help;
} ControlCommand;

static const char *argument(const ControlCall *call, int i) {
        return i < call->n_arguments ? call->arguments[i] : NULL;
}

static int number(const ControlCall *call, int i, uint32_t fallback, uint32_t *ret) {
        if (!argument(call, i)) {
                *ret = fallback;
                return 0;
        }
        return parse_uint32(argument(call, i), ret);
}

/* ---- objects */

static int run_put(ControlCall *call) {
        _cleanup_(freep) char *error = NULL;
        int r;

        r = manifest_put(
                &call->program->api.store, call->payload ? call->payload : "", call->payload_size, NULL, &error);
        if (error)
                buffer_printf(call->answer, "%s\n", error);
        return r;
}

static int run_delete(ControlCall *call) {
        Resource resource = resource_from_plural(argument(call, 1));
        int r;

        if (resource < 0)
                return -EINVAL;
        r = store_delete(&call->program->api.store, resource, argument(call, 2));
        return r == 0 ? -ENOENT : r;
}

static int run_get(ControlCall *call) {
        Resource resource = resource_from_plural(argument(call, 1));
        const Store *store = &call->program->api.store;

        if (resource < 0)
                return -EINVAL;
        for (size_t i = 0; i < store->tables[resource].n_objects; i++) {
                const ApiObject *object = store->tables[resource].objects[i];

                if (argument(call, 2) && strcmp(argument(call, 2), object->key) != 0)
                        continue;
                object_write(object,
                             resource == RESOURCE_SLICES ? API_VERSION_DISCOVERY_V1 : API_VERSION_CORE_V1,
                             object->version,
                             true,
                             call->answer);
                buffer_text(call->answer, "\n");
        }
        return 0;
}

static int run_endpoint(ControlCall *call) {
        EndpointState state = endpoint_state_from_string(argument(call, 3));
        uint32_t service, endpoint;

        if (state < 0 || number(call, 1, 0, &service) < 0 || number(call, 2, 0, &endpoint) < 0)
                return -EINVAL;
        return generator_set_endpoint(&call->program->generator, &call->program->api.store, service, endpoint, state);
}

static int run_service(ControlCall *call) {
        uint32_t service;

        if (number(call, 1, 0, &service) < 0)
                return -EINVAL;
        if (service >= call->program->generator.n_services)
                return -ERANGE;
        if (strcmp(argument(call, 2), "add") == 0)
                return generator_put_service(&call->program->generator, &call->program->api.store, service);
        if (strcmp(argument(call, 2), "remove") == 0)
                return generator_delete_service(&call->program->generator, &call->program->api.store, service);
        return -EINVAL;
}

static int run_compact(ControlCall *call) {
        api_compact(&call->program->api);
        return 0;
}

static int run_version(ControlCall *call) {
        buffer_printf(call->answer, "%" PRIu64 "\n", call->program->api.store.version);
        return 0;
}

/* ---- faults */

/* fail TARGET COUNT ACTION [STATUS [RETRY-AFTER]] */
static int run_fail(ControlCall *call) {
        Fault fault = { .action = fault_action_from_string(argument(call, 3)) };
        uint32_t count, status, retry_after;

        if (fault.action < 0 || number(call, 2, 1, &count) < 0 || number(call, 4, 500, &status) < 0 ||
            number(call, 5, 0, &retry_after) < 0 || status < 400 || status > 599 || count == 0)
                return -EINVAL;
        fault.n_left = count;
        fault.status = (int) status;
        fault.retry_after = retry_after;
        return fault_list_add(&call->program->api.faults, argument(call, 1), &fault);
}

static int run_clear(ControlCall *call) {
        fault_list_done(&call->program->api.faults);
        return 0;
}

static int for_watches(ControlCall *call, unsigned (*act)(ControlCall *call, Resource resource)) {
        Resource resource = resource_from_plural(argument(call, 1));
        bool all = strcmp(argument(call, 1), "*") == 0;
        unsigned n = 0;

        if (resource < 0 && !all)
                return -EINVAL;
        for (Resource i = 0; i < _RESOURCE_MAX; i++)
                if (all || i == resource)
                        n += act(call, i);
        buffer_printf(call->answer, "%u watches\n", n);
        return 0;
}

static unsigned act_end(ControlCall *call, Resource resource) {
        return api_watches_end(&call->program->api, resource, /* reset= */ false);
}

static unsigned act_reset(ControlCall *call, Resource resource) {
        return api_watches_end(&call->program->api, resource, /* reset= */ true);
}

static unsigned act_count(ControlCall *call, Resource resource) {
        return api_watches_count(&call->program->api, resource);
}

static unsigned act_send(ControlCall *call, Resource resource) {
        return call->payload ? api_watches_send(&call->program->api, resource, call->payload, /* raw= */ false) : 0;
}

static unsigned act_send_raw(ControlCall *call, Resource resource) {
        return call->payload ? api_watches_send(&call->program->api, resource, call->payload, /* raw= */ true) : 0;
}

static int run_watch_end(ControlCall *call) {
        return for_watches(call, act_end);
}

static int run_watch_reset(ControlCall *call) {
        return for_watches(call, act_reset);
}

static int run_watches(ControlCall *call) {
        return for_watches(call, act_count);
}

static int run_watch_send(ControlCall *call) {
        return for_watches(call, act_send);
}

static int run_watch_raw(ControlCall *call) {
        return for_watches(call, act_send_raw);
}

/* watch-error RESOURCE CODE */
static int run_watch_error(ControlCall *call) {
        ApiStatus status = { .reason = "InternalError" };
        Buffer b = {};
        uint32_t code;
        int r;

        if (number(call, 2, 410, &code) < 0)
                return -EINVAL;
        status.code = (int) code;
        if (code == 410)
                status.reason = "Expired";
        buffer_text(&b, "{\"type\":\"ERROR\",\"object\":");
        api_status_write(&b, &status, "an ordered error");
        buffer_text(&b, "}\n");
        call->payload = buffer_cstring(&b);
        r = for_watches(call, act_send);
        call->payload = NULL;
        buffer_done(&b);
        return r;
}

static int run_freeze(ControlCall *call) {
        bool frozen = strcmp(argument(call, 0), "freeze") == 0;
        const char *what = argument(call, 1);

        if (what && strcmp(what, "watches") == 0)
                api_watches_set_frozen(&call->program->api, frozen);
        else if (!what)
                http_server_set_frozen(call->program->http, frozen);
        else
                return -EINVAL;
        return 0;
}

static int run_close(ControlCall *call) {
        http_server_close_all(call->program->http, strcmp(argument(call, 0), "reset") == 0);
        return 0;
}

static int run_stop(ControlCall *call) {
        http_server_close_all(call->program->http, /* reset= */ true);
        return http_server_set_listening(call->program->http, -1);
}

static int run_start(ControlCall *call) {
        int fd;

        (void) http_server_set_listening(call->program->http, -1);
        fd = program_listen(call->program);
        return fd < 0 ? fd : http_server_set_listening(call->program->http, fd);
}

static int run_chunks(ControlCall *call) {
        uint32_t size;

        if (number(call, 1, 0, &size) < 0)
                return -EINVAL;
        http_server_set_chunk_size(call->program->http, size);
        return 0;
}

/* ---- what the server offers, and to whom */

static int run_api(ControlCall *call) {
        ApiVersion version = api_version_from_string(argument(call, 1));
        unsigned *versions = &call->program->api.versions;

        if (version < 0)
                return -EINVAL;
        if (strcmp(argument(call, 2), "on") == 0)
                *versions |= 1U << version;
        else if (strcmp(argument(call, 2), "off") == 0)
                *versions &= ~(1U << version);
        else
                return -EINVAL;
        return 0;
}

static int run_watch_list(ControlCall *call) {
        WatchListMode mode = watch_list_mode_from_string(argument(call, 1));

        if (mode < 0)
                return -EINVAL;
        call->program->api.watch_list = mode;
        return 0;
}

static int run_forbid(ControlCall *call) {
        ApiServer *api = &call->program->api;
        char **grown = reallocarray(api->forbidden, api->n_forbidden + 1, sizeof *grown);

        if (!grown)
                return -ENOMEM;
        api->forbidden = grown;
        grown[api->n_forbidden] = strdup(argument(call, 1));
        return grown[api->n_forbidden] ? (int) (api->n_forbidden++, 0) : -ENOMEM;
}

static int run_allow(ControlCall *call) {
        ApiServer *api = &call->program->api;

        for (size_t i = 0; i < api->n_forbidden; i++)
                free(api->forbidden[i]);
        api->n_forbidden = 0;
        return 0;
}

static int run_rotate(ControlCall *call) {
        Program *program = call->program;
        const char *what = argument(call, 1);
        char *token;
        int r;

        if (strcmp(what, "token") == 0) {
                token = argument(call, 2) ? strdup(argument(call, 2)) : NULL;
                if (!token)
                        return -EINVAL;
                free(program->api.token);
                program->api.token = token;
                return program_write_kubeconfigs(program);
        }
        if (!program->pki || (strcmp(what, "server") != 0 && strcmp(what, "all") != 0))
                return -EINVAL;
        r = pki_rotate(program->pki, &program->pki_options, strcmp(what, "all") == 0);
        if (r < 0)
                return r;
        http_server_set_credentials(program->http, pki_credentials(program->pki));
        return program_write_kubeconfigs(program);
}

static int run_counters(ControlCall *call) {
        const ApiCounters *c = &call->program->api.counters;
        Buffer *b = call->answer;

        buffer_printf(b, "requests %" PRIu64 "\nunauthorized %" PRIu64 "\n", c->requests, c->unauthorized);
        buffer_printf(b, "forbidden %" PRIu64 "\nfaults %" PRIu64 "\n", c->forbidden, c->faults);
        buffer_printf(b, "discovery %" PRIu64 "\nevents-sent %" PRIu64 "\n", c->discovery, c->events_sent);
        buffer_printf(b, "bookmarks-sent %" PRIu64 "\n", c->bookmarks_sent);
        buffer_printf(b, "connections %zu\n", http_server_n_connections(call->program->http));
        for (Resource i = 0; i < _RESOURCE_MAX; i++) {
                const char *plural = resource_type(i)->plural;

                buffer_printf(b, "%s objects %zu\n", plural, call->program->api.store.tables[i].n_objects);
                buffer_printf(b, "%s watches %u\n", plural, api_watches_count(&call->program->api, i));
                for (ApiVerb verb = 0; verb < _API_VERB_MAX; verb++)
                        if (c->by_verb[i][verb] > 0)
                                buffer_printf(b, "%s %s %" PRIu64 "\n", plural, api_verb_to_string(verb), c->by_verb[i][verb]);
        }
        return 0;
}

static int run_reset_counters(ControlCall *call) {
        call->program->api.counters = (ApiCounters) {};
        return 0;
}

static int run_exit(ControlCall *call) {
        return sd_event_exit(call->program->event, 0);
}

static int run_help(ControlCall *call) {
        control_help(call->answer);
        return 0;
}

/* clang-format off */
static const ControlCommand commands[] = {
        { "put",            0, 0, run_put,            "FILE",               "add or replace the objects of a manifest (- = stdin)" },
        { "delete",         2, 2, run_delete,         "RESOURCE KEY",       "KEY is namespace/name, or a node's name" },
        { "get",            1, 2, run_get,            "RESOURCE [KEY]",     "one object, or all of them, as JSON lines" },
        { "endpoint",       3, 3, run_endpoint,       "N M STATE",          "of a generated service: ready, unready, terminating, removed" },
        { "service",        2, 2, run_service,        "N add|remove",       "a generated service with its slice" },
        { "compact",        0, 0, run_compact,        "",                   "forget the history: watches and continue tokens get 410" },
        { "version",        0, 0, run_version,        "",                   "the current resourceVersion" },
        { "fail",           3, 5, run_fail,           "TARGET COUNT ACTION [STATUS [RETRY-AFTER]]",
          "for the next requests; TARGET: services, services:list, discovery, *; ACTION: status, error-event, hang, half, garbage, framing, close, reset" },
        { "clear",          0, 0, run_clear,          "",                   "forget ordered faults" },
        { "watches",        1, 1, run_watches,        "RESOURCE",           "how many run (* = all resources, here and below)" },
        { "watch-end",      1, 1, run_watch_end,      "RESOURCE",           "end running watches properly" },
        { "watch-reset",    1, 1, run_watch_reset,    "RESOURCE",           "cut them with a TCP reset" },
        { "watch-error",    1, 2, run_watch_error,    "RESOURCE [CODE]",    "send them an ERROR event (410)" },
        { "watch-send",     1, 1, run_watch_send,     "RESOURCE TEXT",      "send them a chunk with this text" },
        { "watch-raw",      1, 1, run_watch_raw,      "RESOURCE TEXT",      "send them this text outside of all framing" },
        { "freeze",         0, 1, run_freeze,         "[watches]",          "say nothing more, on all connections or on watches" },
        { "thaw",           0, 1, run_freeze,         "[watches]",          "go on" },
        { "close",          0, 0, run_close,          "",                   "end all connections" },
        { "reset",          0, 0, run_close,          "",                   "cut all connections with a TCP reset" },
        { "stop",           0, 0, run_stop,           "",                   "cut all and listen no more" },
        { "start",          0, 0, run_start,          "",                   "listen again" },
        { "chunks",         1, 1, run_chunks,         "SIZE",               "split answers into chunks of so many bytes (0 = do not)" },
        { "api",            2, 2, run_api,            "VERSION on|off",     "serve an API version (discovery.k8s.io/v1beta1) or not" },
        { "watch-list",     1, 1, run_watch_list,     "on|refused|unknown", "sendInitialEvents" },
        { "forbid",         1, 1, run_forbid,         "RESOURCE[:VERB]",    "answer 403" },
        { "allow",          0, 0, run_allow,          "",                   "forbid nothing" },
        { "rotate",         1, 2, run_rotate,         "token TOKEN|server|all", "new credentials, written to the state folder" },
        { "counters",       0, 0, run_counters,       "",                   "what was asked and sent" },
        { "reset-counters", 0, 0, run_reset_counters, "",                   "start at 0" },
        { "exit",           0, 0, run_exit,           "",                   "end the server" },
        { "help",           0, 0, run_help,           "",                   "this" },
};
/* clang-format on */

void control_help(Buffer *answer) {
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                buffer_printf(answer, "%-14s %-22s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
}

int control_run(ControlCall *call) {
        int n = call->n_arguments - 1;

        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (strcmp(commands[i].name, call->arguments[0]) == 0)
                        return n >= commands[i].min && n <= commands[i].max ? commands[i].run(call) : -EINVAL;
        return -EINVAL;
}
