/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/doctor.h"
#include "client/host.h"
#include "common/parse.h"

/* inet tables with NAT, and sets of concatenations with ranges */
#define KERNEL_MAJOR_MIN 5
#define KERNEL_MINOR_MIN 6

#define CONNTRACK_WARN_PERCENT 75
#define CONNTRACK_FAIL_PERCENT 95

/* Connections in one bucket of IPVS's table, on average: each packet walks them. */
#define CHAIN_WARN 8

static const char modules_remedy[] =
        "install the kernel's full set of modules (Debian: linux-image-amd64 instead of a cut-down "
        "one, Ubuntu: linux-modules-extra), or build it with this option";
static const char locked_remedy[] =
        "load it at boot before kernel.modules_disabled is set: /usr/lib/modules-load.d/ipvsproxy.conf names what is needed";

static void check_release(Doctor *doctor) {
        char release[HOST_TEXT_MAX];
        bool old;

        (void) host_read(doctor->root, "proc/sys/kernel/osrelease", release);
        if (sscanf(release, "%u.%u", &doctor->major, &doctor->minor) != 2) {
                doctor_add(doctor, CHECK_WARN, "kernel", "mount /proc", "Its version is unknown");
                return;
        }
        old = doctor->major < KERNEL_MAJOR_MIN ||
              (doctor->major == KERNEL_MAJOR_MIN && doctor->minor < KERNEL_MINOR_MIN);
        doctor_add(doctor, old ? CHECK_FAIL : CHECK_OK, "kernel",
                   "run Linux 5.6 or later: its nftables lacks what the filter is made of",
                   "Linux %s", release);
}

/* ---- modules */

typedef enum ModuleState {
        MODULE_MISSING,
        MODULE_LOADED,
        MODULE_BUILT_IN,
        MODULE_LOADABLE,
        MODULE_LOCKED,  /* could be loaded, but the kernel takes no more modules */
        MODULE_UNKNOWN, /* nobody can tell: no list of modules can be read */
        _MODULE_STATE_MAX,
} ModuleState;

static bool module_is_there(ModuleState state) {
        return state == MODULE_LOADED || state == MODULE_BUILT_IN || state == MODULE_LOADABLE;
}

/* A module's file in a list of modules: ".../ip_vs_rr.ko", ".ko.xz" or so */
static bool line_names_module(const char *line, const char *name) {
        const char *end = line + strcspn(line, ":\n"), *base = line;
        size_t n = strlen(name);

        for (const char *p = line; p < end; p++)
                if (*p == '/')
                        base = p + 1;
        if ((size_t) (end - base) < n + 3 || strncmp(base + n, ".ko", 3) != 0)
                return false;
        for (size_t i = 0; i < n; i++)
                if (base[i] != name[i] && !(base[i] == '-' && name[i] == '_'))
                        return false;
        return true;
}

/* -1 if the list cannot be read */
static int list_has_module(const Doctor *doctor, const char *list, const char *name) {
        char release[HOST_TEXT_MAX], path[HOST_TEXT_MAX * 3];
        _cleanup_(freep) char *line = NULL;
        size_t size = 0;
        int found = 0;
        FILE *f;

        (void) host_read(doctor->root, "proc/sys/kernel/osrelease", release);
        (void) snprintf(path, sizeof(path), "%s/lib/modules/%s/%s", doctor->root, release, list);
        f = fopen(path, "re");
        if (!f)
                return -1;
        while (found == 0 && getline(&line, &size, f) > 0)
                found = line_names_module(line, name);
        (void) fclose(f);
        return found;
}

static bool modules_are_locked(const Doctor *doctor) {
        uint64_t value;

        return host_read_number(doctor->root, "proc/sys/kernel/modules_disabled", &value) && value != 0;
}

static ModuleState module_state(const Doctor *doctor, const char *name) {
        char path[HOST_TEXT_MAX];
        int builtin, loadable;

        /* What is built in has a folder too if it has parameters, but no state of loading. */
        (void) snprintf(path, sizeof(path), "sys/module/%s/initstate", name);
        if (host_exists(doctor->root, path))
                return MODULE_LOADED;
        (void) snprintf(path, sizeof(path), "sys/module/%s", name);
        builtin = list_has_module(doctor, "modules.builtin", name);
        if (builtin > 0 || host_exists(doctor->root, path))
                return MODULE_BUILT_IN;
        loadable = list_has_module(doctor, "modules.dep", name);
        if (loadable > 0)
                return modules_are_locked(doctor) ? MODULE_LOCKED : MODULE_LOADABLE;
        return builtin < 0 && loadable < 0 ? MODULE_UNKNOWN : MODULE_MISSING;
}

static void check_module(Doctor *doctor, const char *name, const char *option) {
        _cleanup_(freep) char *remedy = NULL;

        if (asprintf(&remedy, "%s %s", modules_remedy, option) < 0)
                remedy = NULL;
        switch (module_state(doctor, name)) {
        case MODULE_LOADED:
                doctor_add(doctor, CHECK_OK, name, NULL, "Loaded");
                break;
        case MODULE_BUILT_IN:
                doctor_add(doctor, CHECK_OK, name, NULL, "Built in");
                break;
        case MODULE_LOADABLE:
                doctor_add(doctor, CHECK_OK, name, NULL, "Not loaded yet, the kernel has it");
                break;
        case MODULE_LOCKED:
                doctor_add(doctor, CHECK_FAIL, name, locked_remedy, "Not loaded, and the kernel takes no more modules");
                break;
        case MODULE_MISSING:
                doctor_add(doctor, CHECK_FAIL, name, remedy, "The kernel does not have it");
                break;
        case MODULE_UNKNOWN:
        case _MODULE_STATE_MAX:
                doctor_add(doctor, CHECK_WARN, name,
                           "start ipvsproxyd: it probes the kernel itself",
                           "Not loaded, and /lib/modules of this kernel cannot be read");
                break;
        }
}

/* ---- schedulers */

#define SCHEDULERS_SIZE 128

static const char *const scheduler_table[] = {
        "rr", "wrr", "lc",  "wlc", "sed",  "nq",    "sh",
        "dh", "fo",  "ovf", "mh",  "lblc", "lblcr", "twos",
};

static ModuleState scheduler_state(const Doctor *doctor, const char *name) {
        char module[32];

        (void) snprintf(module, sizeof(module), "ip_vs_%.16s", name);
        return module_state(doctor, module);
}

/* "loaded: rr sh; not loaded yet: wrr lc" */
static void schedulers_list(const Doctor *doctor, char buf[static SCHEDULERS_SIZE * 2]) {
        static const char *const titles[_MODULE_STATE_MAX] = {
                [MODULE_LOADED] = "loaded",
                [MODULE_BUILT_IN] = "built in",
                [MODULE_LOADABLE] = "not loaded yet",
                [MODULE_LOCKED] = "no longer to be loaded",
        };
        size_t n = 0;

        buf[0] = '\0';
        for (size_t state = 0; state < ELEMENTSOF(titles); state++) {
                bool any = false;

                for (size_t i = 0; titles[state] && i < ELEMENTSOF(scheduler_table); i++) {
                        if (scheduler_state(doctor, scheduler_table[i]) != (ModuleState) state)
                                continue;
                        n += (size_t) snprintf(buf + n, SCHEDULERS_SIZE * 2 - n, "%s%s%s %s", any || n == 0 ? "" : "; ",
                                               any ? "" : titles[state], any ? "" : ":", scheduler_table[i]);
                        any = true;
                }
        }
}

/* The one that the daemon is configured to use has to be there. */
static void check_schedulers(Doctor *doctor) {
        _cleanup_(freep) char *configured = NULL;
        char list[SCHEDULERS_SIZE * 2];
        const char *wanted;
        ModuleState state;

        if (daemon_options_get(&doctor->options, "ipvs-scheduler", "scheduler", &configured) < 0 && doctor->error == 0)
                doctor->error = -ENOMEM;
        wanted = configured && *configured ? configured : "rr";
        state = scheduler_state(doctor, wanted);
        schedulers_list(doctor, list);
        if (module_is_there(state))
                doctor_add(doctor, CHECK_OK, "schedulers", NULL, "%s", list);
        else if (state == MODULE_UNKNOWN)
                doctor_add(doctor, CHECK_WARN, "schedulers", "start ipvsproxyd: it probes the kernel itself",
                           "Whether the kernel has %s cannot be seen%s%s", wanted, *list ? "; " : "", list);
        else
                doctor_add(doctor, CHECK_FAIL, "schedulers", state == MODULE_LOCKED ? locked_remedy : modules_remedy,
                           "The kernel does not have %s, which is configured%s%s", wanted, *list ? "; " : "", list);
}

/* ---- kernel parameters */

typedef struct Sysctl {
        const char *name; /* below /proc/sys */
        uint64_t wanted;
        CheckResult otherwise;
        const char *why;
        bool is_set; /* by the daemon when it starts */
} Sysctl;

static void check_sysctl(Doctor *doctor, const Sysctl *sysctl) {
        _cleanup_(freep) char *remedy = NULL;
        char path[HOST_TEXT_MAX];
        CheckResult result = sysctl->otherwise;
        uint64_t value;

        (void) snprintf(path, sizeof(path), "proc/sys/%s", sysctl->name);
        if (!host_read_number(doctor->root, path, &value))
                return; /* what it belongs to is not loaded */
        if (!doctor->daemon && value != sysctl->wanted && sysctl->is_set) {
                doctor_add(doctor, CHECK_OK, "sysctl", NULL, "%s is %" PRIu64 ", ipvsproxyd sets it to %" PRIu64 " at start",
                           sysctl->name, value, sysctl->wanted);
                return;
        }
        if (asprintf(&remedy, "%s; sysctl -w %s=%" PRIu64 ", and find out what sets it otherwise", sysctl->why, sysctl->name,
                     sysctl->wanted) < 0)
                remedy = NULL;
        doctor_add(doctor, value == sysctl->wanted ? CHECK_OK : result, "sysctl", remedy,
                   "%s is %" PRIu64, sysctl->name, value);
}

static void check_sysctls(Doctor *doctor) {
        static const Sysctl table[] = {
                { "net/ipv4/ip_forward", 1, CHECK_FAIL, "without it nothing reaches pods", true },
                { "net/ipv4/vs/conntrack", 1, CHECK_FAIL,
                  "without it connections are not masqueraded", true },
                { "net/ipv4/vs/expire_nodest_conn", 1, CHECK_WARN,
                  "without it connections to gone pods hang", true },
                { "net/ipv4/vs/expire_quiescent_template", 1, CHECK_WARN,
                  "without it clients stick to pods that leave", true },
        };
        static const Sysctl reuse = { "net/ipv4/vs/conn_reuse_mode", 0, CHECK_WARN,
                                      "before Linux 5.9 reused client ports wait a second", true };
        static const Sysctl bridge = { "net/bridge/bridge-nf-call-iptables", 1, CHECK_WARN,
                                       "pods behind a bridge on this node may miss the filter", false };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                check_sysctl(doctor, &table[i]);
        if (doctor->major < 5 || (doctor->major == 5 && doctor->minor < 9))
                check_sysctl(doctor, &reuse);
        check_sysctl(doctor, &bridge);
}

static void check_conntrack(Doctor *doctor) {
        static const char base[] = "proc/sys/net/netfilter/nf_conntrack_";
        char count_path[HOST_TEXT_MAX], max_path[HOST_TEXT_MAX];
        uint64_t count, max, percent;

        (void) snprintf(count_path, sizeof(count_path), "%scount", base);
        (void) snprintf(max_path, sizeof(max_path), "%smax", base);
        if (!host_read_number(doctor->root, count_path, &count) ||
            !host_read_number(doctor->root, max_path, &max)) {
                doctor_add(doctor, CHECK_OK, "conntrack", NULL, "Not in use yet");
                return;
        }
        percent = max > 0 ? count * 100 / max : 0;
        doctor_add(doctor,
                   percent >= CONNTRACK_FAIL_PERCENT   ? CHECK_FAIL
                   : percent >= CONNTRACK_WARN_PERCENT ? CHECK_WARN
                                                       : CHECK_OK,
                   "conntrack",
                   "new connections are dropped when it is full: raise conntrack.maxPerCore in "
                   "the configuration, or sysctl net.netfilter.nf_conntrack_max",
                   "%" PRIu64 " of %" PRIu64 " connections tracked (%" PRIu64 "%%)", count, max,
                   percent);
}

/* "IP Virtual Server version 1.2.1 (size=4096)", behind it real servers on lines with "->". */
static void check_connection_table(Doctor *doctor) {
        _cleanup_(freep) char *path = NULL;
        unsigned long long size = 0, connections = 0, active, inactive;
        char line[HOST_TEXT_MAX];
        FILE *f = NULL;

        if (asprintf(&path, "%s/proc/net/ip_vs", doctor->root) >= 0)
                f = fopen(path, "re");
        if (!f) {
                doctor_add(doctor, errno == EACCES ? CHECK_OK : CHECK_WARN, "ip_vs table",
                           "IPVS is not loaded; starting ipvsproxyd loads it",
                           errno == EACCES ? "Only root may see it" : "There is none");
                return;
        }
        while (fgets(line, sizeof(line), f)) {
                const char *mark = strstr(line, "(size=");

                if (mark)
                        (void) sscanf(mark, "(size=%llu)", &size);
                if (sscanf(line, " -> %*s %*s %*s %llu %llu", &active, &inactive) == 2)
                        connections += active + inactive;
        }
        (void) fclose(f);
        doctor_add(doctor, size > 0 && connections / size >= CHAIN_WARN ? CHECK_WARN : CHECK_OK,
                   "ip_vs table",
                   "too small for so many connections: \"options ip_vs conn_tab_bits=20\" in "
                   "/etc/modprobe.d/ip_vs.conf, then boot",
                   "%llu connections, %llu buckets", connections, size);
}

void doctor_check_kernel(Doctor *doctor) {
        check_release(doctor);
        check_module(doctor, "ip_vs", "CONFIG_IP_VS");
        check_module(doctor, "nf_tables", "CONFIG_NF_TABLES");
        check_module(doctor, "nf_conntrack", "CONFIG_NF_CONNTRACK");
        check_module(doctor, "dummy", "CONFIG_DUMMY");
        check_schedulers(doctor);
        check_sysctls(doctor);
        check_conntrack(doctor);
        check_connection_table(doctor);
}
