/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/verbs.h"

#include <errno.h>
#include <string.h>

#include "client/report.h"

/* clang-format off */
const Verb verb_table[] = {
        { "status", 0, 1, VERB_PASSIVE | VERB_SERVICES, verb_status, "[SERVICE]", NULL, "Show how the daemon or a service is (default)" },
        { "list", 0, VERB_ANY, VERB_SERVICES, verb_list, "[PATTERN...]", NULL, "List services" },
        { "show", 0, 1, VERB_SERVICES, verb_show, "[SERVICE]", NULL, "Show all properties, for programs" },
        { "endpoints", 1, 1, VERB_SERVICES, verb_endpoints, "SERVICE", NULL, "List the endpoints of a service" },
        { "find", 1, 1, 0, verb_find_address, "ADDRESS[:PORT[/PROTOCOL]]", NULL, "Find the service of an address or an endpoint" },
        { "explain", 1, 1, VERB_SERVICES, verb_explain, "SERVICE|ADDRESS[:PORT[/PROTOCOL]]", NULL, "Tell why an address does what it does, from the API object to the kernel" },
        { "stats", 0, 1, VERB_SERVICES, verb_stats, "[SERVICE]", NULL, "Show connections, packets and bytes" },
        { "top", 0, 0, 0, verb_top, "", NULL, "Show the rates of services on a live screen" },
        { "monitor", 0, 0, 0, verb_monitor, "", NULL, "Print events as they happen" },
        { "dump", 0, 0, 0, verb_dump, "", NULL, "Print all the daemon knows as JSON" },
        { "drift", 0, 0, 0, verb_drift, "", NULL, "List what others changed in the kernel and the daemon repaired" },
        { "plan", 0, 0, 0, verb_plan, "", NULL, "Show what a sync would change in the kernel" },
        { "resync", 0, VERB_ANY, VERB_SERVICES, verb_resync, "[SERVICE...]", NULL, "Write everything to the kernel that is not so yet" },
        { "reload", 0, 0, 0, verb_reload, "", NULL, "Make the daemon read its configuration again" },
        { "reset-stats", 0, 0, 0, verb_reset_stats, "", NULL, "Let statistics begin at zero" },
        { "drain", 0, 0, 0, verb_drain, "", NULL, "Take this node out of load balancers and let its connections end" },
        { "undrain", 0, 0, 0, verb_undrain, "", NULL, "End the drain of this node" },
        { "override", 1, 3, VERB_SERVICES, verb_override, "set|clear SERVICE ADDRESS:PORT, list [SERVICE]", "set clear list", "Give an endpoint another weight on this node for a time" },
        { "endpoint", 3, 4, VERB_SERVICES, verb_endpoint, "drain|clear SERVICE ADDRESS:PORT, weight SERVICE ADDRESS:PORT WEIGHT", "drain weight clear", "The same as override, in other words" },
        { "hold", 1, VERB_ANY, VERB_VERBATIM, verb_hold, "[--] COMMAND...", NULL, "Let programming pause while a command runs" },
        { "wait", 0, 0, VERB_PASSIVE, verb_wait, "", NULL, "Wait until the daemon has got somewhere" },
        { "log-level", 0, 1, 0, verb_log_level, "[LEVEL]", "emerg alert crit err warning notice info debug", "Show or set what the daemon logs" },
        { "doctor", 0, 0, VERB_LOCAL, verb_doctor, "", NULL, "Look at all the daemon needs, also while it does not run" },
        { "takeover", 0, 0, VERB_LOCAL | VERB_PASSIVE, verb_takeover, "", NULL, "Remove what kube-proxy left in the packet filter, once it has ended" },
        { "help", 0, 1, VERB_LOCAL, verb_help, "[COMMAND]", NULL, "Show this help, or that of a command" },
        { "version", 0, 0, VERB_LOCAL, verb_version, "", NULL, "Show the version" },
        { "complete", 0, VERB_ANY, VERB_LOCAL | VERB_PASSIVE | VERB_HIDDEN, verb_complete, "-- [WORD...]", NULL, "Words that may stand last, for shells" },
};
/* clang-format on */
const size_t n_verb_table = ELEMENTSOF(verb_table);

const Verb *verb_find(const char *name) {
        for (size_t i = 0; i < n_verb_table; i++)
                if (strcmp(verb_table[i].name, name) == 0)
                        return &verb_table[i];
        return NULL;
}

static int verb_run(Client *client, const Verb *verb, int n_words, char *words[]) {
        int r;

        if ((size_t) n_words < verb->min || (size_t) n_words > verb->max)
                return report(EXIT_CODE_USAGE, "Usage: ipvsproxyctl %s%s%s", verb->name,
                              *verb->args ? " " : "", verb->args);
        r = options_check_verb(&client->options, verb->name);
        if (r != 0)
                return r;
        client->auto_start = !(verb->flags & VERB_PASSIVE);
        if (!(verb->flags & VERB_LOCAL)) {
                r = client_connect(client);
                if (r != 0)
                        return r;
        }
        return verb->run(client, n_words, words);
}

static int dispatch(Client *client, int argc, char *argv[]) {
        const char *name;
        const Verb *verb;
        int first = 0, r;

        r = options_parse(&client->options, argc, argv, &first);
        if (r != 0)
                return r;
        if (client->options.version)
                return verb_version(client, 0, NULL);
        client_output_begin(client);
        if (client->options.help)
                return verb_help(client, argc > first ? 1 : 0, argv + first);
        name = argc > first ? argv[first] : verb_table[0].name;
        verb = verb_find(name);
        if (!verb)
                return report(EXIT_CODE_USAGE,
                              "Unknown command \"%s\"; \"ipvsproxyctl help\" lists them.", name);
        return verb_run(client, verb, MAX2(argc - first - 1, 0), argv + first + 1);
}

/*
 * What was printed may still fail to get out: a closed pipe is nobody's fault, a full disk is.
 * errno of an earlier failure is lost by now, so a line feed is written to learn it anew.
 */
static int output_end(int r) {
        bool failed = ferror(stdout) != 0;

        clearerr(stdout);
        errno = 0;
        if (!failed && fflush(stdout) == 0)
                return r;
        if (failed && fputc('\n', stdout) != EOF)
                (void) fflush(stdout);
        if (errno == EPIPE)
                return r == -EIO ? 0 : r;
        return report(EXIT_CODE_FAILURE, "Failed to write output: %s",
                      strerror(errno ? errno : EIO));
}

int client_main(int argc, char *argv[]) {
        Client client = { 0 };
        int r;

        r = output_end(dispatch(&client, argc, argv));
        client_done(&client);
        return report_result(r);
}
