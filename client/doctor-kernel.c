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
        MODULE_LOADABLE,
        MODULE_PRESENT,
        MODULE_UNKNOWN, /* nobody can tell: no list of modules can be read */
} ModuleState;

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

static ModuleState module_state(const Doctor *doctor, const char *name) {
        char path[HOST_TEXT_MAX];
        int builtin, loadable;

        (void) snprintf(path, sizeof(path), "sys/module/%s", name);
        if (host_exists(doctor->root, path))
                return MODULE_PRESENT;
        builtin = list_has_module(doctor, "modules.builtin", name);
        loadable = list_has_module(doctor, "modules.dep", name);
        if (builtin > 0)
                return MODULE_PRESENT;
        if (loadable > 0)
                return MODULE_LOADABLE;
        return builtin < 0 && loadable < 0 ? MODULE_UNKNOWN : MODULE_MISSING;
}

static void check_module(Doctor *doctor, const char *name, const char *option) {
        _cleanup_(freep) char *remedy = NULL;

        if (asprintf(&remedy, "%s %s", modules_remedy, option) < 0)
                remedy = NULL;
        switch (module_state(doctor, name)) {
        case MODULE_PRESENT:
                doctor_add(doctor, CHECK_OK, name, NULL, "Loaded or built in");
                break;
        case MODULE_LOADABLE:
                doctor_add(doctor, CHECK_OK, name, NULL, "Not loaded yet, the kernel has it");
                break;
        case MODULE_MISSING:
                doctor_add(doctor, CHECK_FAIL, name, remedy, "The kernel does not have it");
                break;
        case MODULE_UNKNOWN:
                doctor_add(doctor, CHECK_WARN, name,
                           "start ipvsproxyd: it probes the kernel itself",
                           "Not loaded, and /lib/modules of this kernel cannot be read");
                break;
        }
}

static void check_schedulers(Doctor *doctor) {
        static const char *const schedulers[] = {
                "rr", "wrr", "lc",  "wlc", "sed",  "nq",    "sh",
                "dh", "fo",  "ovf", "mh",  "lblc", "lblcr", "twos",
        };
        char have[128] = "", name[32];
        bool has_rr = false, unknown = false;

        for (size_t i = 0; i < ELEMENTSOF(schedulers); i++) {
                size_t n = strlen(have);
                ModuleState state;

                (void) snprintf(name, sizeof(name), "ip_vs_%s", schedulers[i]);
                state = module_state(doctor, name);
                unknown = unknown || state == MODULE_UNKNOWN;
                if (state != MODULE_PRESENT && state != MODULE_LOADABLE)
                        continue;
                has_rr = has_rr || i == 0;
                (void) snprintf(have + n, sizeof(have) - n, "%s%s", n > 0 ? " " : "",
                                schedulers[i]);
        }
        doctor_add(doctor,
                   has_rr    ? CHECK_OK
                   : unknown ? CHECK_WARN
                             : CHECK_FAIL,
                   "schedulers",
                   unknown ? "load the ones you use: modprobe ip_vs_rr" : modules_remedy, "%s",
                   *have ? have : "None can be seen");
}

/* ---- kernel parameters */

typedef struct Sysctl {
        const char *name; /* below /proc/sys */
        uint64_t wanted;
        CheckResult otherwise;
        const char *why;
} Sysctl;

static void check_sysctl(Doctor *doctor, const Sysctl *sysctl) {
        _cleanup_(freep) char *remedy = NULL;
        char path[HOST_TEXT_MAX];
        CheckResult result = sysctl->otherwise;
        uint64_t value;

        (void) snprintf(path, sizeof(path), "proc/sys/%s", sysctl->name);
        if (!host_read_number(doctor->root, path, &value))
                return; /* what it belongs to is not loaded */
        /* The daemon sets it when it starts. */
        if (!doctor->daemon && result == CHECK_FAIL)
                result = CHECK_WARN;
        if (asprintf(&remedy, "%s; %s%s=%" PRIu64 ", and find out what sets it otherwise",
                     sysctl->why,
                     doctor->daemon ? "sysctl -w " : "ipvsproxyd sets it at start, or sysctl -w ",
                     sysctl->name, sysctl->wanted) < 0)
                remedy = NULL;
        doctor_add(doctor, value == sysctl->wanted ? CHECK_OK : result, "sysctl", remedy,
                   "%s is %" PRIu64, sysctl->name, value);
}

static void check_sysctls(Doctor *doctor) {
        static const Sysctl table[] = {
                { "net/ipv4/ip_forward", 1, CHECK_FAIL, "without it nothing reaches pods" },
                { "net/ipv4/vs/conntrack", 1, CHECK_FAIL,
                  "without it connections are not masqueraded" },
                { "net/ipv4/vs/expire_nodest_conn", 1, CHECK_WARN,
                  "without it connections to gone pods hang" },
                { "net/ipv4/vs/expire_quiescent_template", 1, CHECK_WARN,
                  "without it clients stick to pods that leave" },
        };
        static const Sysctl reuse = { "net/ipv4/vs/conn_reuse_mode", 0, CHECK_WARN,
                                      "before Linux 5.9 reused client ports wait a second" };
        static const Sysctl bridge = { "net/bridge/bridge-nf-call-iptables", 1, CHECK_WARN,
                                       "pods behind a bridge on this node may miss the filter" };

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
