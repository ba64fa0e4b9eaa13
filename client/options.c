/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "client/report.h"
#include "client/verbs.h"
#include "common/addr.h"
#include "common/parse.h"

#define LETTERS_MAX 64
#define LONG_BASE 256
#define FOUND_WORD 1

static int parse_flag(Options *options, void *field, const char *arg) {
        *(bool *) field = true;
        return 0;
}

static int parse_text(Options *options, void *field, const char *arg) {
        *(const char **) field = arg;
        return *arg ? 0 : -EINVAL;
}

static int parse_json_mode(Options *options, void *field, const char *arg) {
        JsonMode *mode = field;

        /* -j: for eyes on a terminal, for programs in a pipe */
        if (!arg)
                *mode = isatty(STDOUT_FILENO) ? JSON_MODE_PRETTY : JSON_MODE_SHORT;
        else if (strcmp(arg, "pretty") == 0)
                *mode = JSON_MODE_PRETTY;
        else if (strcmp(arg, "short") == 0)
                *mode = JSON_MODE_SHORT;
        else if (strcmp(arg, "off") == 0)
                *mode = JSON_MODE_OFF;
        else
                return -EINVAL;
        return 0;
}

static int parse_output(Options *options, void *field, const char *arg) {
        options->wide = strcmp(arg, "wide") == 0;
        options->names_only = strcmp(arg, "name") == 0;
        if (strcmp(arg, "json") == 0)
                options->json = JSON_MODE_PRETTY;
        else if (!options->wide && !options->names_only)
                return -EINVAL;
        return 0;
}

static int parse_color(Options *options, void *field, const char *arg) {
        ColorMode *mode = field;

        if (strcmp(arg, "auto") == 0)
                *mode = COLOR_MODE_AUTO;
        else if (strcmp(arg, "always") == 0)
                *mode = COLOR_MODE_ALWAYS;
        else if (strcmp(arg, "never") == 0)
                *mode = COLOR_MODE_NEVER;
        else
                return -EINVAL;
        return 0;
}

/* --address is the bus to connect to; for "list" it may also be an address of services. No bus has
 * an address that reads as an IP address, so the value tells which is meant. */
static int parse_address(Options *options, void *field, const char *arg) {
        IpAddr addr;

        if (ip_addr_parse(arg, &addr) < 0)
                return strchr(arg, ':') && strchr(arg, '=') ? parse_text(options, field, arg) : -EINVAL;
        options->service_address = arg;
        return 0;
}

static int parse_count(Options *options, void *field, const char *arg) {
        uint64_t count;

        if (parse_uint64(arg, &count) < 0 || count == 0)
                return -EINVAL;
        *(uint64_t *) field = count;
        return 0;
}

/* "30" are seconds, "5m" has a unit; nothing is no time-out */
static int parse_time(Options *options, void *field, const char *arg) {
        uint64_t *usec = field;
        uint64_t seconds;
        int r;

        r = parse_uint64(arg, &seconds);
        if (r == 0) {
                if (seconds == 0 || seconds > UINT64_MAX / USEC_PER_SEC / 2)
                        return -ERANGE;
                *usec = seconds * USEC_PER_SEC;
                return 0;
        }
        r = parse_duration(arg, usec);
        return r < 0 ? r : *usec == 0 ? -ERANGE : 0;
}

#define FIELD(name) offsetof(Options, name)
/* clang-format off */
const OptionSpec option_table[] = {
        { "json", 0, "MODE", "pretty short off", NULL, parse_json_mode, FIELD(json), "Output as JSON: pretty, short or off" },
        { NULL, 'j', NULL, NULL, NULL, parse_json_mode, FIELD(json), "Same as --json=pretty on a terminal, else --json=short" },
        { "output", 'o', "FORMAT", "wide name json", NULL, parse_output, 0, "wide, name or json" },
        { "full", 'l', NULL, NULL, NULL, parse_flag, FIELD(full), "Cut nothing to the width of the terminal; resync: compare with the whole kernel" },
        { "no-pager", 0, NULL, NULL, NULL, parse_flag, FIELD(no_pager), "Do not pipe output into a pager" },
        { "no-legend", 0, NULL, NULL, NULL, parse_flag, FIELD(no_legend), "Do not print column headers and counts" },
        { "quiet", 'q', NULL, NULL, NULL, parse_flag, FIELD(quiet), "Print only what was asked for" },
        { "namespace", 'n', "NAMESPACE", NULL, NULL, parse_text, FIELD(namespace), "Namespace of the services" },
        { "no-ask-password", 0, NULL, NULL, NULL, parse_flag, FIELD(no_ask_password), "Do not ask for authorisation" },
        { "timeout", 0, "TIME", NULL, NULL, parse_time, FIELD(timeout_usec), "Wait this long for answers (seconds, or with unit)" },
        { "color", 0, "WHEN", "auto always never", NULL, parse_color, FIELD(color), "auto, always or never" },
        { "address", 0, "BUS", NULL, NULL, parse_address, FIELD(address), "Connect to this bus, not to the system bus; list: only services with this IP address" },
        { "help", 'h', NULL, NULL, NULL, parse_flag, FIELD(help), "Show this help" },
        { "version", 0, NULL, NULL, NULL, parse_flag, FIELD(version), "Show the version" },
        { "state", 0, "STATE", "pending synced degraded refused removing", "list", parse_text, FIELD(state), "Only services in this state" },
        { "protocol", 0, "PROTOCOL", "tcp udp sctp", "list", parse_text, FIELD(protocol), "Only services of this protocol" },
        { "wide", 'w', NULL, NULL, "list find", parse_flag, FIELD(wide), "More columns, same as -o wide" },
        { "property", 'p', "NAMES", NULL, "show", parse_text, FIELD(properties), "Only these properties, separated by commas" },
        { "value", 0, NULL, NULL, "show", parse_flag, FIELD(value), "Values without names" },
        { "exact", 0, NULL, NULL, "stats top", parse_flag, FIELD(exact), "Numbers not rounded" },
        { "rate", 0, NULL, NULL, "stats", parse_flag, FIELD(rate), "Per second, not totals" },
        { "no-block", 0, NULL, NULL, "resync takeover", parse_flag, FIELD(no_block), "Do not wait until a resync is done, or kube-proxy has ended" },
        { "ipvs", 'L', NULL, NULL, "list", parse_flag, FIELD(ipvs), "Virtual servers and their endpoints, as ipvsadm -Ln" },
        { "events", 'e', "EVENTS", "sync service endpoint drift statistics", "monitor", parse_text, FIELD(events), "Only these: sync, service, endpoint, drift, statistics, separated by commas" },
        { "delay", 'd', "TIME", NULL, "top monitor", parse_time, FIELD(interval_usec), "Between two looks (seconds, or with unit)" },
        { "count", 'N', "COUNT", NULL, "top", parse_count, FIELD(count), "End after so many looks" },
        { "batch", 'b', NULL, NULL, "top", parse_flag, FIELD(batch), "Print lines, no live screen" },
        { "order", 0, "COLUMN", "name cps in-pps out-pps in-bps out-bps conns active inactive", "top", parse_text, FIELD(order), "Sort by name, cps, in-pps, out-pps, in-bps, out-bps, conns, active or inactive" },
        { "deadline", 0, "TIME", NULL, "drain", parse_time, FIELD(deadline_usec), "The drain is done after this time whatever is left" },
        { "wait", 0, NULL, NULL, "drain", parse_flag, FIELD(wait), "Wait until no connections are left or the deadline is over" },
        { "weight", 0, "WEIGHT", NULL, "override", parse_text, FIELD(weight), "The weight to set; 0 takes no new connections" },
        { "expires", 0, "TIME", NULL, "override endpoint", parse_time, FIELD(expires_usec), "When the override ends by itself: 1h unless given, 24h at most" },
        { "reason", 0, "TEXT", NULL, "override endpoint hold", parse_text, FIELD(reason), "Why, for others to see" },
        { "dry-run", 0, NULL, NULL, "takeover", parse_flag, FIELD(dry_run), "Change nothing, print what would be removed" },
        { "while-running", 0, NULL, NULL, "takeover", parse_flag, FIELD(while_running), "Even while kube-proxy still runs (it will put back what it misses)" },
        { "for", 0, "CONDITION", "running generation=", "wait", parse_text, FIELD(wait_for), "running, or generation=N" },
};
/* clang-format on */
const size_t n_option_table = ELEMENTSOF(option_table);

static void options_to_getopt(struct option longs[static 1], char letters[static LETTERS_MAX]) {
        size_t n = 0;

        letters[n++] = '-'; /* words are found in their order, as FOUND_WORD */
        for (size_t i = 0; i < n_option_table; i++) {
                const OptionSpec *spec = &option_table[i];

                if (spec->name)
                        *longs++ = (struct option){ .name = spec->name,
                                                    .has_arg = spec->arg ? required_argument
                                                                         : no_argument,
                                                    .val = LONG_BASE + (int) i };
                if (spec->letter) {
                        letters[n++] = spec->letter;
                        if (spec->arg)
                                letters[n++] = ':';
                }
        }
        letters[n] = '\0';
        *longs = (struct option){ .name = NULL };
}

static size_t option_find(int found) {
        size_t i = 0;

        if (found >= LONG_BASE)
                return (size_t) (found - LONG_BASE);
        while (option_table[i].letter != found)
                i++;
        return i;
}

/* Does a command of somebody else's follow, with options of its own? */
static bool is_verbatim(const char *verb) {
        const Verb *found = verb_find(verb);

        return found && found->flags & VERB_VERBATIM;
}

int options_parse(Options *options, int argc, char *argv[], int *ret_first) {
        struct option longs[ELEMENTSOF(option_table) + 1];
        char letters[LETTERS_MAX];
        int found, n_words = 0;

        _Static_assert(ELEMENTSOF(option_table) <= ELEMENTSOF(options->given), "too many options");
        options_to_getopt(longs, letters);
        optind = 0; /* glibc: start anew, for tests that parse twice */
        while (!(n_words > 1 && is_verbatim(argv[1])) && (found = getopt_long(argc, argv, letters, longs, NULL)) >= 0) {
                size_t i;

                if (found == '?')
                        return EXIT_CODE_USAGE;
                if (found == FOUND_WORD) {
                        argv[1 + n_words++] = optarg; /* into the place of one that was read */
                        continue;
                }
                i = option_find(found);
                options->given[i] = true;
                if (option_table[i].parse(options, (char *) options + option_table[i].offset,
                                          optarg) < 0)
                        return report(EXIT_CODE_USAGE, "Bad value for --%s: \"%s\"",
                                      option_table[i].name, optarg);
        }
        while (optind < argc)
                argv[1 + n_words++] = argv[optind++];
        memmove(&argv[argc - n_words], &argv[1], (size_t) n_words * sizeof(*argv));
        *ret_first = argc - n_words;
        return 0;
}

bool options_word_in(const char *list, const char *word, char separator) {
        size_t n = strlen(word);

        for (const char *p = list; p; p = strchr(p, separator), p = p ? p + 1 : NULL)
                if (strncmp(p, word, n) == 0 && (p[n] == separator || p[n] == '\0'))
                        return true;
        return false;
}

int options_check_verb(const Options *options, const char *verb) {
        for (size_t i = 0; i < n_option_table; i++)
                if (options->given[i] && option_table[i].verbs &&
                    !options_word_in(option_table[i].verbs, verb, ' '))
                        return report(EXIT_CODE_USAGE, "Option --%s is not for \"%s\".",
                                      option_table[i].name, verb);
        if (options->service_address && strcmp(verb, "list") != 0)
                return report(EXIT_CODE_USAGE,
                              "\"%s\" is no address of a bus; services are found with "
                              "\"ipvsproxyctl find\".",
                              options->service_address);
        return 0;
}
