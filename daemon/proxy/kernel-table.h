/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every kernel object the daemon wants or knows to be there, one record each with both sides in it: how often it
 * is wanted and by whom, and what the kernel is known to hold. A record whose sides may differ is queued; plan.c
 * makes operations of the queues. A record that is neither wanted nor present is gone. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/hash.h"
#include "common/macros.h"
#include "model/filter.h"
#include "model/virtual-server.h"
#include "proxy/endpoints.h"

typedef struct KernelTable KernelTable;
typedef struct ServerState ServerState;

/* A record that stands in a queue of what to look at. */
typedef struct DirtyLink {
        struct DirtyLink *next;
        bool queued;
} DirtyLink;

/* The last operation on the record failed; all zero: it did not. */
typedef struct Failure {
        int error; /* -errno */
        unsigned n_tries;
        uint64_t retry_usec; /* when it is tried again; CLOCK_BOOTTIME */
} Failure;

typedef struct AddressState {
        DirtyLink dirty; /* first */
        IpAddr addr;
        Failure failure;
        uint32_t n_wanted;
        uint32_t n_servers; /* present virtual servers of ours on it: it waits for the first of them */
        uint32_t n_orphans; /* of these, those that nobody claims: it stays until they are gone */
        bool present; /* on kube-ipvs0 */
        bool seen; /* for who compares with a dump */
} AddressState;

typedef struct ElementState {
        DirtyLink dirty; /* first */
        Failure failure;
        FilterElement element;
        uint32_t n_wanted;
        bool present;
        bool seen; /* for who compares with a dump */
} ElementState;

/* One service port's wish for a virtual server. */
typedef struct ServerClaim {
        struct ServerClaim *next; /* of the same server, the one that holds it first */
        ServerState *server; /* borrowed; NULL while not claimed */
        VirtualServer wanted; /* key too */
        DestList *dests; /* owned reference */
        uint64_t age_usec; /* creation time of the Service: the older one holds the server … */
        const char *age_tie; /* … then the smaller key; borrowed, lives as long as the claim */
        bool held; /* it had its server when what goes with it was wished for; before that nothing is programmed */
} ServerClaim;

typedef struct RealServerState {
        RealServer server;
        uint64_t drain_usec; /* deadline (CLOCK_BOOTTIME) after which it is removed; 0 = not draining */
} RealServerState;

typedef enum ServerOwner {
        SERVER_OWNER_US,
        SERVER_OWNER_FOREIGN, /* never written to */
} ServerOwner;

struct ServerState {
        DirtyLink dirty; /* first */
        VirtualServerKey key;
        Failure failure;
        ServerClaim *claims; /* borrowed list; the head holds it */

        bool present;
        bool seen; /* for who compares with a dump */
        bool looked_at; /* by the look that runs (control/server-look.h), or read or written to since it began */
        ServerOwner owner;
        VirtualServer actual;
        RealServerState *dests; /* owned; sorted */
        size_t n_dests;
};

int kernel_table_new(KernelTable **ret);
KernelTable *kernel_table_free(KernelTable *table);
DEFINE_CLEANUP(KernelTable *, kernel_table_free);

/* ---- wishes; all -ENOMEM. Wanting twice counts twice. A record stays where it is as long as it is wanted. */

int kernel_table_want_address(KernelTable *table, const IpAddr *addr, AddressState **ret);
void kernel_table_unwant_address(KernelTable *table, AddressState *address);
int kernel_table_want_element(KernelTable *table, const FilterElement *element, ElementState **ret);
void kernel_table_unwant_element(KernelTable *table, ElementState *element);

/*
 * Enters a claim; `claim->wanted` and `dests` are set. It is the caller's and must be released before it is freed. Of
 * equal age and name the newest holds: a service enters its new claims, then releases its old ones, and where they say
 * the same, nothing is queued.
 */
int kernel_table_claim(KernelTable *table, ServerClaim *claim);
/* Takes it back; another claim on the same server may now hold it. */
void kernel_table_release(KernelTable *table, ServerClaim *claim);
/*
 * Called when a claim of the server may have won or lost it: another one came or went, or a foreign virtual server did.
 * Nothing may be entered or released from within.
 */
typedef void (*ClaimObserver)(const ServerState *server, void *userdata);
void kernel_table_set_observer(KernelTable *table, ClaimObserver observer, void *userdata);
/* Whether the claim has its server: no older claim and no foreign virtual server is in the way. */
bool server_claim_holds(const ServerClaim *claim);

/* ---- what the kernel is known to hold */

int kernel_table_set_address(KernelTable *table, const IpAddr *addr, bool present);
int kernel_table_set_element(KernelTable *table, const FilterElement *element, bool present);
/*
 * A virtual server as read from the kernel, or NULL `actual` when it is not there. Deadlines of real servers that
 * drain are kept. `dests` need not be sorted.
 */
int kernel_table_set_server(KernelTable *table,
                            const VirtualServerKey *key,
                            const VirtualServer *actual,
                            const RealServer *dests,
                            size_t n_dests,
                            ServerOwner owner);
/* The same in steps, for results of operations: queue nothing but the address. -ENOMEM. */
int server_state_set(KernelTable *table, ServerState *server, const VirtualServer *actual);
/* Of one that is present; must not be called during a walk over addresses. */
int server_state_set_owner(KernelTable *table, ServerState *server, ServerOwner owner);
int server_state_put_dest(ServerState *server, const RealServer *dest, uint64_t drain_usec);
void server_state_remove_dest(ServerState *server, const IpPort *addr);
RealServerState *server_state_find_dest(const ServerState *server, const IpPort *addr);

ServerState *kernel_table_server(const KernelTable *table, const VirtualServerKey *key);
AddressState *kernel_table_address(const KernelTable *table, const IpAddr *addr);
ElementState *kernel_table_element(const KernelTable *table, const FilterElement *element);

/* Walks; nothing may be added or removed meanwhile. See hashmap_next(). */
ServerState *kernel_table_next_server(const KernelTable *table, size_t *i);
AddressState *kernel_table_next_address(const KernelTable *table, size_t *i);
ElementState *kernel_table_next_element(const KernelTable *table, size_t *i);
size_t kernel_table_n_servers(const KernelTable *table);

/* ---- failures: each record is tried again by itself, with growing delays; the others go on */

/*
 * `first_usec` is the delay after the first failure; it doubles with each retry that fails, up to 32 times that. A
 * failure before the retry is due (of a change, a notification, the same turn) leaves the time as it is.
 */
void failure_note(Failure *failure, int error, uint64_t now_usec, uint64_t first_usec);
void kernel_table_fail(KernelTable *table, Failure *failure, int error, uint64_t now_usec, uint64_t first_usec);
void kernel_table_clear_failure(KernelTable *table, Failure *failure);
size_t kernel_table_n_failed(const KernelTable *table);
/* When the next of them is due; 0 = none. It may be earlier than that, never later. */
uint64_t kernel_table_next_retry(const KernelTable *table);
/* Queues those that are due; UINT64_MAX: all. */
void kernel_table_retry(KernelTable *table, uint64_t now_usec);

/* ---- queues, used by plan.c and by who retries */

typedef enum DirtyKind {
        DIRTY_ADDRESSES,
        DIRTY_ELEMENTS,
        DIRTY_SERVERS,
        _DIRTY_MAX,
} DirtyKind;

void kernel_table_queue_address(KernelTable *table, AddressState *address);
void kernel_table_queue_element(KernelTable *table, ElementState *element);
void kernel_table_queue_server(KernelTable *table, ServerState *server);
/* The next of the queue, no longer queued; NULL at its end. */
void *kernel_table_take(KernelTable *table, DirtyKind kind);
size_t kernel_table_n_queued(const KernelTable *table, DirtyKind kind);
bool kernel_table_is_clean(const KernelTable *table);
/* Frees the record if it is neither wanted nor present nor queued. */
void kernel_table_collect_address(KernelTable *table, AddressState *address);
void kernel_table_collect_element(KernelTable *table, ElementState *element);
void kernel_table_collect_server(KernelTable *table, ServerState *server);
