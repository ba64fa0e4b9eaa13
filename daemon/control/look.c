/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the manager reads the kernel: at its start, when a notification says that others changed something, at each
 * audit, and again after a while where reading failed. Nothing is written before the first look succeeded as a whole,
 * for nobody could say what is foreign; later ones may fail, and the work goes on with what is known. A look is one part
 * a turn, and virtual servers are read in steps: an audit of a large node must not keep a change waiting.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/message-ids.h"
#include "control/manager-private.h"
#include "control/node-setup.h"
#include "control/scheduler-probe.h"

/* Of one step of reading virtual servers; a change that comes meanwhile waits for no longer. */
#define LOOK_STEP_USEC (2 * USEC_PER_MSEC)

/* ---- what follows from the host's addresses */

static bool service_uses_host_address(const DesiredPort *port) {
        if (port->node_port > 0 || port->service->n_refused > 0)
                return true;
        for (size_t i = 0; i < port->n_servers; i++)
                if (port->servers[i].kind == ADDRESS_KIND_EXTERNAL_IP ||
                    port->servers[i].kind == ADDRESS_KIND_LOAD_BALANCER_IP)
                        return true;
        return false;
}

/* Node ports and external addresses follow the host's addresses, and those of other nodes; nothing else does. */
void manager_host_changed(Manager *manager) {
        const DesiredPort *port;

        for (size_t i = 0; (port = desired_next(manager->desired, &i));)
                if (service_uses_host_address(port))
                        store_mark_dirty(manager->store, port->service->entry);
}

static bool host_addresses_equal(const HostAddresses *a, const HostAddresses *b) {
        return a->n_addrs == b->n_addrs && a->n_shared == b->n_shared &&
               (a->n_addrs == 0 || memcmp(a->addrs, b->addrs, a->n_addrs * sizeof(IpAddr)) == 0) &&
               (a->n_shared == 0 || memcmp(a->shared, b->shared, a->n_shared * sizeof(IpAddr)) == 0);
}

/* ---- the parts; each fails for itself */

bool manager_is_reading(const Manager *manager) {
        return manager->filter_look.running || manager->server_look.running;
}

static int manager_look_at_addresses(Manager *manager, const AdoptParts *parts) {
        HostAddresses host = {};
        bool same;
        int r = adopt_addresses(parts, &host);

        if (r < 0)
                return r;
        same = host_addresses_equal(&host, &manager->host);
        host_addresses_done(&manager->host);
        manager->host = host;
        r = manager_update_view(manager);
        if (!same) {
                manager_host_changed(manager);
                manager->look |= LOOK_SOCKETS;
        }
        return r;
}

static int manager_end_server_look(Manager *manager) {
        int r = drain_add_all(manager->drain);

        if (r < 0)
                return r;
        if (drain_n_real_servers(manager->drain) > 0)
                manager_watch_drains(manager);
        manager->in_doubt = false;
        return 0;
}

/*
 * kube-proxy puts rules that accept answers into the table of others (reference §4.6, KUBE-FORWARD). A table of our own
 * cannot accept what another one drops, and that of others is not ours to write to: it is told, with what to do.
 */
static void manager_look_at_forwarding(Manager *manager) {
        char chain[FORWARD_CHAIN_SIZE];
        int r = manager->backend->ops->forward_drop(manager->backend, chain);

        if (r < 0) {
                (void) log_debug_errno(r, "Failed to read the packet filters of others: %m");
                return;
        }
        if (strcmp(chain, manager->forward_chain) == 0)
                return;
        memcpy(manager->forward_chain, chain, sizeof(chain));
        if (r > 0)
                log_warning("The chain %s drops forwarded packets that no rule of it accepts: answers of pods need one, "
                            "such as iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                            chain);
        else
                log_info("No chain drops all forwarded packets any more");
}

static int manager_look_at_part(Manager *manager, const AdoptParts *parts, unsigned what) {
        switch (what) {
        case LOOK_ADDRESSES:
                return manager_look_at_addresses(manager, parts);
        case LOOK_FILTER:
                if (!filter_look_begin(&manager->filter_look, parts))
                        manager->filter_told = false;
                return 0; /* it is read in the steps that follow */
        case LOOK_SERVERS:
                server_look_begin(&manager->server_look, parts);
                manager->server_look.counts = manager->drift.look;
                return 0;
        case LOOK_SOCKETS:
                (void) manager_look_at_node_ports(manager);
                return 0; /* what is in the way is told; nothing waits for it */
        default:
                manager_look_at_forwarding(manager);
                (void) node_setup(manager->backend, &manager->options, &manager->info, &manager->drift);
                return 0; /* its failures were told at the start, and nothing waits for them */
        }
}

static const char *look_to_string(unsigned what) {
        return what == LOOK_ADDRESSES ? "make or read the device " KERNEL_DEVICE_NAME " (CAP_NET_ADMIN is needed)" :
               what == LOOK_FILTER    ? "make or read the nftables table inet " KERNEL_TABLE_NAME :
                                        "read the virtual servers";
}

/* Said once each: that it is tried again and fails is the manager's error. `error` 0: it is there. */
static void manager_note_missing(Manager *manager, unsigned part, int error) {
        const char *feature = part == LOOK_ADDRESSES ? "KERNEL_FEATURE=dummy" :
                              part == LOOK_FILTER    ? "KERNEL_FEATURE=nf_tables" :
                                                       "KERNEL_FEATURE=ip_vs";

        if (error >= 0)
                manager->missing &= ~part;
        if (error >= 0 || manager->missing & part)
                return;
        if (error != -EOPNOTSUPP && error != -EPROTONOSUPPORT && error != -ENOPROTOOPT && error != -EAFNOSUPPORT &&
            error != -ENOENT)
                return;
        manager->missing |= part;
        log_struct(LOG_ERR,
                   ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_KERNEL_FEATURE_MISSING, feature, NULL }),
                   "This kernel lacks %s, without which no service is programmed; it is loaded with: modprobe %s",
                   strchr(feature, '=') + 1,
                   strchr(feature, '=') + 1);
}

/* Of what is read in steps nothing is known before the first of them. */
static void manager_note_begun(Manager *manager, unsigned part, int error) {
        if (error < 0 || !(part & (LOOK_FILTER | LOOK_SERVERS)))
                manager_note_missing(manager, part, error);
}

static void manager_look_failed(Manager *manager, unsigned part, int error, char message[static MANAGER_MESSAGE_SIZE]) {
        manager->look_later |= part;
        (void) snprintf(message, MANAGER_MESSAGE_SIZE, "Failed to %s: %s", look_to_string(part), strerror(-error));
}

static void manager_begin_drift(Manager *manager, const DriftCounts *before) {
        drift_log_begin(&manager->drift, manager->adopted && !manager->in_doubt, manager_real_now(manager), before);
}

int manager_look_at_kernel(Manager *manager, char message[static MANAGER_MESSAGE_SIZE]) {
        static const unsigned parts_of_look[] = { LOOK_NODE, LOOK_SOCKETS, LOOK_ADDRESSES, LOOK_FILTER, LOOK_SERVERS };
        bool running = manager_is_reading(manager);
        AdoptParts parts = manager_adopt_parts(manager);
        int r, first = 0;

        manager_begin_drift(manager, NULL);
        for (size_t i = 0; i < ELEMENTSOF(parts_of_look); i++) {
                unsigned part = parts_of_look[i];

                if (!(manager->look & part) || (part & (LOOK_FILTER | LOOK_SERVERS) && running))
                        continue; /* the one that runs ends first */
                manager->look &= ~part;
                r = manager_look_at_part(manager, &parts, part);
                manager_note_begun(manager, part, r);
                if (r < 0 && first == 0) {
                        manager_look_failed(manager, part, r, message);
                        first = r;
                } else if (r < 0) {
                        manager->look_later |= part;
                }
                if (part & LOOK_KERNEL)
                        break; /* what grows with the cluster */
        }
        if (running || !manager_is_reading(manager))
                drift_log_end(&manager->drift);
        return first;
}

static int manager_step_filter_look(Manager *manager, const AdoptParts *parts, char message[static MANAGER_MESSAGE_SIZE]) {
        int r;

        manager_begin_drift(manager, manager->adopted ? NULL : &manager->adopt_counts);
        r = filter_look_step(&manager->filter_look,
                             parts,
                             manager->measure.n_filter_transactions,
                             manager->options.look_servers > 0 ? 0 : LOOK_STEP_USEC);
        if (r > 0)
                return r;
        drift_log_end(&manager->drift);
        manager->adopt_counts = manager->drift.look;
        manager_note_missing(manager, LOOK_FILTER, r);
        if (r < 0)
                manager_look_failed(manager, LOOK_FILTER, r, message);
        else
                manager->filter_told = false;
        return r;
}

static int manager_step_server_look(Manager *manager, const AdoptParts *parts, char message[static MANAGER_MESSAGE_SIZE]) {
        int r;

        manager_begin_drift(manager, &manager->server_look.counts);
        r = server_look_step(&manager->server_look, parts, manager->options.look_servers, LOOK_STEP_USEC);
        if (r > 0) {
                manager->server_look.counts = manager->drift.look;
                return r;
        }
        drift_log_end(&manager->drift);
        if (r >= 0)
                r = manager_end_server_look(manager);
        manager_note_missing(manager, LOOK_SERVERS, r);
        if (r < 0)
                manager_look_failed(manager, LOOK_SERVERS, r, message);
        return r;
}

int manager_go_on_looking(Manager *manager, char message[static MANAGER_MESSAGE_SIZE]) {
        AdoptParts parts = manager_adopt_parts(manager);

        if (manager->filter_look.running)
                return manager_step_filter_look(manager, &parts, message);
        if (manager->server_look.running)
                return manager_step_server_look(manager, &parts, message);
        return 0;
}

/* ---- the first look */

static int manager_know_kernel(Manager *manager, char message[static MANAGER_MESSAGE_SIZE]) {
        KernelInfo info;
        int r;

        if (manager->info.release_major > 0)
                return 0;
        r = manager->backend->ops->get_info(manager->backend, &info);
        manager_note_missing(manager, LOOK_SERVERS, r);
        if (r < 0) {
                (void) snprintf(message,
                                MANAGER_MESSAGE_SIZE,
                                "%s: %s",
                                r == -EPERM ? "Failed to ask the kernel about IPVS (CAP_NET_ADMIN is needed)" :
                                              "This kernel offers no IPVS, load the module ip_vs (modprobe ip_vs)",
                                strerror(-r));
                return r;
        }
        manager->info = info;
        log_info("Using ipvs Proxier, kernel %u.%u, IPVS %u.%u.%u",
                 info.release_major,
                 info.release_minor,
                 info.ipvs_version >> 16,
                 info.ipvs_version >> 8 & 0xff,
                 info.ipvs_version & 0xff);
        if (!info.ipv4_only)
                log_info("kube-proxy running in dual-stack mode");
        else
                log_info("kube-proxy running in single-stack mode: this kernel has no IPv6, only the IPv4 addresses of "
                         "services are served");
        (void) node_setup(manager->backend, &manager->options, &manager->info, NULL); /* logged; the rest works */
        return 0;
}

/* What could not be told is seen with the first virtual server. */
int manager_probe_scheduler(Manager *manager, const char *scheduler, char message[static MANAGER_MESSAGE_SIZE]) {
        char list[SCHEDULER_LIST_SIZE];
        int r;

        if (manager->options.dry_run)
                return 0;
        r = scheduler_probe(manager->backend, manager->journal, manager->table, scheduler, list);
        if (r == -ENOPKG) {
                (void) snprintf(message,
                                MANAGER_MESSAGE_SIZE,
                                "This kernel has no IPVS scheduler %s (ipvs.scheduler), only %s",
                                scheduler,
                                *list ? list : "none at all: load the module ip_vs_rr");
                return r;
        }
        if (r < 0)
                (void) log_debug_errno(r, "Failed to find out whether the kernel has the scheduler %s: %m", scheduler);
        return 0;
}

/* Elements and virtual servers are read in the steps that follow. */
static int manager_adopt_part(Manager *manager, char message[static MANAGER_MESSAGE_SIZE]) {
        unsigned part = manager->adopt_left & LOOK_ADDRESSES ? LOOK_ADDRESSES :
                        manager->adopt_left & LOOK_FILTER    ? LOOK_FILTER :
                                                               LOOK_SERVERS;
        AdoptParts parts = manager_adopt_parts(manager);
        int r;

        manager_begin_drift(manager, manager->adopt_left == LOOK_KERNEL ? NULL : &manager->adopt_counts);
        r = manager_look_at_part(manager, &parts, part);
        manager_note_begun(manager, part, r);
        if (r < 0) {
                manager_look_failed(manager, part, r, message);
                return r;
        }
        manager->adopt_left &= ~part;
        manager->adopt_counts = manager->drift.look;
        return 0;
}

static int manager_begin_adoption(Manager *manager, char message[static MANAGER_MESSAGE_SIZE]) {
        int r = manager_know_kernel(manager, message);

        if (r < 0)
                return r;
        manager->look_later = 0;
        manager->look &= ~(unsigned) LOOK_KERNEL;
        manager->adopt_left = LOOK_KERNEL;
        return 0;
}

/* One part a turn: on a large node each takes seconds. 1 = that was not the last of them. */
static int manager_read_for_adoption(Manager *manager, char message[static MANAGER_MESSAGE_SIZE]) {
        int r = 0;

        if (!manager_is_reading(manager)) {
                if (manager->adopt_left == 0)
                        r = manager_begin_adoption(manager, message);
                if (r >= 0)
                        r = manager_adopt_part(manager, message);
        }
        if (r >= 0)
                r = manager_go_on_looking(manager, message);
        if (r < 0)
                manager->adopt_left = 0; /* all of it again */
        return r == 0 ? manager->adopt_left != 0 : r;
}

int manager_adopt(Manager *manager, char message[static MANAGER_MESSAGE_SIZE]) {
        int r = manager_read_for_adoption(manager, message);

        if (r != 0)
                return r;
        r = manager_probe_scheduler(manager, manager->options.scheduler, message);
        if (r < 0)
                return r;
        if (manager->drift.look.n_unexpected > 0)
                log_info("Adopted %zu virtual servers, addresses and filter elements that were there",
                         manager->drift.look.n_unexpected);
        manager->adopted = true;
        manager_look_at_forwarding(manager);
        r = journal_compact(manager->journal);
        if (r < 0)
                (void) log_warning_errno(r,
                                         "Failed to write the ownership journal in %s; after a restart only what is on " KERNEL_DEVICE_NAME " is ours: %m",
                                         manager->options.state_directory);
        return 0;
}
