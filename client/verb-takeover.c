/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * takeover: the last step of moving in. The daemon adopts kube-proxy's virtual servers and
 * addresses when it starts, and its own filter works beside kube-proxy's; once it has programmed
 * everything, what kube-proxy left in the packet filter is removed here, and nothing else. A
 * kube-proxy that runs would put it back, so its end is waited for, with nothing changed until then.
 */
/* First: the headers of the kernel leave out then what libc has defined. */
#include <netinet/in.h>

#include <errno.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/clock.h"
#include "client/host.h"
#include "client/leftovers.h"
#include "client/message-json.h"
#include "client/report.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/bus-names.h"

#define KUBE_PROXY "kube-proxy"
#define TRIES_MAX 20
/* The kubelet or systemd, should one of them start it anew, has done so by then. */
#define GONE_USEC (2 * USEC_PER_SEC)
#define LOOK_AGAIN_USEC (200 * UINT64_C(1000))

/* ---- may it begin? */

/* Without the daemon's own filter in place nothing of kube-proxy's may go. */
static int check_daemon(Client *client) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(json_object_putp) json_object *value = NULL;
        const char *state = "";
        int r;

        if (client->options.dry_run)
                return 0;
        r = client_connect(client);
        if (r != 0)
                return r;
        r = client_get(client, BUS_PATH, BUS_INTERFACE_MANAGER, "State", &error, &value);
        if (r < 0)
                return report_bus(&error, r, "Failed to take over");
        if (json_object_is_type(value, json_type_string))
                state = json_object_get_string(value);
        if (strcmp(state, "running") == 0)
                return 0;
        return report(EXIT_CODE_UNHEALTHY,
                      "Failed to take over: ipvsproxyd has not programmed everything (it is %s). "
                      "\"ipvsproxyctl status\" tells why; \"ipvsproxyctl wait\" waits for it.",
                      *state ? state : "in an unknown state");
}

/* ---- kube-proxy's end */

/* > 0 = it has ended, 0 = time is up */
static int process_wait(pid_t pid, uint64_t deadline) {
        _cleanup_(closep) int fd = (int) syscall(SYS_pidfd_open, pid, 0);
        struct pollfd end = { .fd = fd, .events = POLLIN };
        uint64_t now, msec;
        int r;

        if (fd < 0)
                return errno == ESRCH ? 1 : -errno;
        do {
                now = clock_monotonic_usec();
                if (now >= deadline)
                        return 0;
                msec = (deadline - now) / 1000 + 1;
                r = poll(&end, 1, deadline == USEC_INFINITY ? -1 : (int) MIN2(msec, (uint64_t) INT_MAX));
        } while (r == 0 || (r < 0 && errno == EINTR));
        return r < 0 ? -errno : 1;
}

static void say_waiting(const Client *client, pid_t pid, bool again) {
        if (client->options.quiet)
                return;
        if (again)
                (void) report(EXIT_CODE_FAILURE,
                              "kube-proxy was started again (process %d): keep what starts it from that.",
                              (int) pid);
        else
                (void) report(EXIT_CODE_FAILURE,
                              "kube-proxy runs (process %d), and ipvsproxyd has adopted its virtual servers and "
                              "addresses. Stop kube-proxy now: its chains are removed once it has ended, and "
                              "Ctrl-C leaves all as it is.",
                              (int) pid);
}

/* 0 = it has ended and does not come back, or reported */
static int wait_for_end(Client *client) {
        uint64_t timeout = client->options.timeout_usec, now = clock_monotonic_usec(), gone_until = 0;
        uint64_t deadline = timeout ? now + timeout : USEC_INFINITY;
        int r;

        for (;;) {
                pid_t pid = host_find_process("", KUBE_PROXY);

                if (pid == 0) {
                        if (clock_monotonic_usec() >= gone_until)
                                return 0;
                        (void) usleep(LOOK_AGAIN_USEC);
                        continue;
                }
                say_waiting(client, pid, gone_until > 0);
                r = process_wait(pid, deadline);
                if (r < 0)
                        return report(EXIT_CODE_FAILURE, "Failed to wait for the end of process %d: %s.",
                                      (int) pid, strerror(-r));
                if (r == 0)
                        return report(EXIT_CODE_TIMEOUT,
                                      "Failed to take over: Time is up, and kube-proxy still runs (process %d). "
                                      "Nothing was removed; stop kube-proxy and say \"ipvsproxyctl takeover\" again.",
                                      (int) pid);
                gone_until = clock_monotonic_usec() + GONE_USEC;
        }
}

static int check_kube_proxy(Client *client) {
        pid_t pid = host_find_process("", KUBE_PROXY);
        int r;

        if (pid == 0)
                return 0;
        if (client->options.dry_run || client->options.while_running) {
                if (!client->options.quiet)
                        (void) report(EXIT_CODE_FAILURE,
                                      "Warning: kube-proxy still runs (process %d); it puts back "
                                      "what it misses.",
                                      (int) pid);
                return 0;
        }
        if (client->options.no_block)
                return report(EXIT_CODE_FAILURE,
                              "Failed to take over: kube-proxy still runs (process %d). Stop it first, or "
                              "leave out --no-block to wait for its end.",
                              (int) pid);
        r = wait_for_end(client);
        if (r != 0)
                return r;
        /* Much may have happened meanwhile, to the bus too. */
        (void) client_reconnect(client);
        return check_daemon(client);
}

/* ---- what may fail */

static int report_errno(int r) {
        if (r == -EPERM || r == -EACCES)
                return report(EXIT_CODE_DENIED,
                              "Failed to take over: Only root may look into the packet filter.");
        if (r == -EBUSY)
                return report(EXIT_CODE_FAILURE,
                              "Failed to take over: Something else uses kube-proxy's sets, or the "
                              "packet filter changes all the time. Try again.");
        return report(EXIT_CODE_FAILURE, "Failed to take over: %s.", strerror(-r));
}

/* ---- what is said about it */

static const char *family_to_string(uint8_t family) {
        return family == NFPROTO_IPV4 ? "ip" : family == NFPROTO_IPV6 ? "ip6" : "";
}

static int item_to_json(const Leftover *item, json_object *items) {
        json_object *object = json_object_new_object();
        int r = object ? json_append(items, object) : -ENOMEM;

        if (r >= 0)
                r = json_add(object, "kind",
                             json_object_new_string(leftover_kind_to_string(item->kind)));
        if (r >= 0 && item->family)
                r = json_add(object, "family",
                             json_object_new_string(family_to_string(item->family)));
        if (r >= 0 && item->table[0] && item->kind != LEFTOVER_TABLE)
                r = json_add(object, "table", json_object_new_string(item->table));
        if (r >= 0)
                r = json_add(object, "name", json_object_new_string(item->name));
        if (r >= 0 && item->target[0])
                r = json_add(object, "target", json_object_new_string(item->target));
        return r;
}

static int print_json(Client *client, const Leftovers *leftovers) {
        _cleanup_(json_object_putp) json_object *document = json_object_new_object();
        bool dry_run = client->options.dry_run;
        json_object *items = json_object_new_array();
        int r;

        if (!document || !items) {
                (void) json_object_put(items);
                return -ENOMEM;
        }
        r = json_add(document, dry_run ? "wouldRemove" : "removed", items);
        for (size_t i = 0; r >= 0 && i < leftovers->n_items; i++)
                r = item_to_json(&leftovers->items[i], items);
        if (r >= 0)
                r = json_add(document, "legacyTables", json_object_new_string(leftovers->legacy));
        return r < 0 ? r : client_print_json(client, document);
}

/* "rule ip nat PREROUTING -> KUBE-SERVICES" */
static int print_item(const Leftover *item) {
        _cleanup_(freep) char *line = NULL;
        bool in_table = item->kind != LEFTOVER_TABLE && item->table[0];
        int r;

        if (asprintf(&line, "%-5s  %s%s%s%s%s%s%s\n", leftover_kind_to_string(item->kind),
                     family_to_string(item->family), item->family ? " " : "",
                     in_table ? item->table : "", in_table ? " " : "", item->name,
                     item->target[0] ? " -> " : "", item->target) < 0) {
                line = NULL;
                return -ENOMEM;
        }
        line[strlen(line) - 1] = '\0';
        r = text_write(stdout, line, TEXT_FOR_PEOPLE);
        return r < 0 ? r : fputc('\n', stdout) == EOF ? -EIO : 0;
}

static int print_text(Client *client, const Leftovers *leftovers) {
        size_t n[_LEFTOVER_KIND_MAX] = { 0 };
        int r = 0;

        if (client->options.quiet)
                return 0;
        for (size_t i = 0; i < leftovers->n_items && r >= 0; i++) {
                n[leftovers->items[i].kind]++;
                r = print_item(&leftovers->items[i]);
        }
        if (r < 0 || client->options.no_legend)
                return r;
        if (leftovers->n_items == 0)
                return printf("Nothing of kube-proxy is left in the packet filter.\n") < 0 ? -EIO
                                                                                           : 0;
        return printf("%s %zu rules, %zu chains, %zu tables and %zu sets.\n",
                      client->options.dry_run ? "Would remove" : "Removed", n[LEFTOVER_RULE],
                      n[LEFTOVER_CHAIN], n[LEFTOVER_TABLE], n[LEFTOVER_SET]) < 0
                       ? -EIO
                       : 0;
}

/* ---- doing it */

static int check_leftovers(const Leftovers *leftovers) {
        if (!leftovers->obstacle[0])
                return 0;
        return report(EXIT_CODE_FAILURE,
                      "Failed to take over: A rule that is not kube-proxy's uses one of its chains "
                      "(%s). Remove that rule first.",
                      leftovers->obstacle);
}

/* What was removed is in *ret; the ruleset may change while it is read, by the daemon itself too.
 */
static int remove_leftovers(Leftovers *ret) {
        int r = 0;

        for (int i = 0; i < TRIES_MAX; i++) {
                Leftovers leftovers;

                r = leftovers_read(&leftovers);
                if (r < 0)
                        return r;
                r = check_leftovers(&leftovers);
                if (r == 0)
                        r = leftovers_remove(&leftovers);
                if (r == 0) {
                        *ret = leftovers;
                        return 0;
                }
                leftovers_done(&leftovers);
                if (r != -ERESTART)
                        return r;
        }
        return -EBUSY;
}

static int report_legacy(const Leftovers *leftovers) {
        if (!leftovers->legacy[0])
                return 0;
        return report(EXIT_CODE_FAILURE,
                      "Failed to take over all: kube-proxy's chains in %s were made by "
                      "iptables-legacy and are left; remove them with "
                      "\"iptables-legacy-save | grep -v KUBE- | iptables-legacy-restore\" (IPv6: "
                      "ip6tables-legacy) and restart the kubelet.",
                      leftovers->legacy);
}

int verb_takeover(Client *client, int n_words, char *words[]) {
        _cleanup_(leftovers_done) Leftovers leftovers = { 0 };
        int r;

        if (geteuid() != 0)
                return report_errno(-EPERM);
        r = check_daemon(client);
        if (r == 0)
                r = check_kube_proxy(client);
        if (r != 0)
                return r;
        r = client->options.dry_run ? leftovers_read(&leftovers) : remove_leftovers(&leftovers);
        if (r < 0)
                return report_errno(r);
        if (r > 0)
                return r;
        r = client_wants_json(client) ? print_json(client, &leftovers)
                                      : print_text(client, &leftovers);
        if (r != 0)
                return r;
        if (client->options.dry_run && leftovers.obstacle[0])
                return check_leftovers(&leftovers);
        return report_legacy(&leftovers);
}
