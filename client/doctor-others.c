/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/doctor.h"
#include "client/host.h"
#include "client/leftovers.h"
#include "common/parse.h"

#define DAEMON "ipvsproxyd"

/* Programs that also serve service addresses, or may refuse what goes to them. */
static const struct {
        const char *process;
        CheckResult result;
        const char *remedy;
} other_table[] = {
        { "kube-proxy", CHECK_FAIL,
          "both write the same virtual servers: stop it, then \"ipvsproxyctl takeover\"" },
        { "kube-router", CHECK_WARN, "run it with --run-service-proxy=false" },
        { "cilium-agent", CHECK_WARN, "run it with kubeProxyReplacement=false" },
        { "firewalld", CHECK_WARN,
          "it refuses what its zones do not allow: put the interfaces of pods into zone trusted, "
          "or stop it" },
};

static void check_programs(Doctor *doctor) {
        bool any = false;

        for (size_t i = 0; i < ELEMENTSOF(other_table); i++) {
                pid_t pid = host_find_process(doctor->root, other_table[i].process);

                if (pid == 0)
                        continue;
                any = true;
                doctor_add(doctor, other_table[i].result, "other programs", other_table[i].remedy,
                           "%s runs (process %d)", other_table[i].process, (int) pid);
        }
        if (!any)
                doctor_add(doctor, CHECK_OK, "other programs", NULL,
                           "No other proxy or firewall is known to run");
}

static void check_leftovers(Doctor *doctor) {
        _cleanup_(leftovers_done) Leftovers leftovers = { 0 };
        int r = leftovers_read(&leftovers);

        if (r == -EPERM || r == -EACCES)
                doctor_add(doctor, CHECK_OK, "leftovers", NULL,
                           "Not looked for: only root may look into the packet filter");
        else if (r < 0)
                doctor_add(doctor, CHECK_WARN, "leftovers", "see whether \"nft list tables\" works",
                           "The packet filter cannot be read: %s", strerror(-r));
        else if (leftovers.n_items > 0 || leftovers.legacy[0])
                doctor_add(
                        doctor, CHECK_WARN, "leftovers", "\"ipvsproxyctl takeover\" removes them",
                        "%zu rules, chains, tables and sets of kube-proxy%s%s", leftovers.n_items,
                        leftovers.legacy[0] ? ", more in legacy " : "", leftovers.legacy);
        else
                doctor_add(doctor, CHECK_OK, "leftovers", NULL, "None of kube-proxy");
}

/* "0.0.0.0:10256", "[::]:10256" → the port; `otherwise` if there is none, as in "::1" */
static uint16_t port_of_address(const char *address, uint16_t otherwise) {
        const char *colon = address ? strrchr(address, ':') : NULL;
        uint16_t port;

        if (!colon || (strchr(address, ':') != colon && colon[-1] != ']'))
                return otherwise;
        return parse_uint16(colon + 1, &port) >= 0 ? port : otherwise;
}

static void check_port(Doctor *doctor, const char *what, const char *flag, const char *key, uint16_t otherwise) {
        _cleanup_(freep) char *address = NULL;
        char owner[HOST_TEXT_MAX];
        uint64_t inode;
        uint16_t port;
        int r;

        r = daemon_options_get(&doctor->options, flag, key, &address);
        if (r < 0 && doctor->error == 0)
                doctor->error = r;
        port = port_of_address(address, otherwise);
        if (port == 0)
                return; /* no server is wanted */
        if (!host_find_listener(doctor->root, port, &inode)) {
                doctor_add(doctor, doctor->daemon ? CHECK_WARN : CHECK_OK, "ports",
                           "see its configuration and its log: journalctl -u ipvsproxyd",
                           "%u (%s): nobody listens%s", port, what,
                           doctor->daemon ? ", though ipvsproxyd runs" : "");
                return;
        }
        host_socket_owner(doctor->root, inode, owner);
        doctor_add(doctor, strcmp(owner, DAEMON) == 0 || !*owner ? CHECK_OK : CHECK_FAIL, "ports",
                   "stop that program, or give ipvsproxyd another port", "%u (%s): %s listens",
                   port, what, *owner ? owner : "somebody");
}

void doctor_check_ports(Doctor *doctor) {
        check_port(doctor, "health", "healthz-bind-address", "healthzBindAddress", 10256);
        check_port(doctor, "metrics", "metrics-bind-address", "metricsBindAddress", 10249);
}

void doctor_check_others(Doctor *doctor) {
        check_programs(doctor);
        check_leftovers(doctor);
        doctor_check_forward(doctor);
        doctor_check_ports(doctor);
}
