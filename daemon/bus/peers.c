/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/peers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/hash.h"
#include "common/log.h"

#define NAME_MAX_SIZE 32 /* ":1.18446744073709551615" fits; names are the bus' own */
#define REFUSALS_TO_MUTE 1000
#define QUIET_USEC (10 * USEC_PER_SEC)
#define LOUD_MUTE_USEC (600 * USEC_PER_SEC)
#define USERS_MAX 256
#define PARKED_PER_PEER 8
#define PARKED_MAX 256
#define ASK_TIMEOUT_USEC (5 * USEC_PER_SEC)

typedef struct User {
        uid_t uid;
        bool used;
        Budget budget;
        Bucket dumps;
        uint64_t muted_until_usec;
} User;

typedef struct Parked {
        struct Parked *next;
        sd_bus_message *m; /* owned reference */
} Parked;

typedef struct Peer {
        struct Peer *newer, *older; /* in order of the last call */
        Peers *peers; /* borrowed */
        char name[NAME_MAX_SIZE];
        uid_t uid;
        bool uid_known, uid_failed;
        sd_bus_slot *ask; /* owned */
        Parked *parked; /* owned; wait for the uid */
        size_t n_parked;
        Budget budget;
        uint64_t last_call_usec, last_refusal_usec, n_bytes;
        unsigned n_refusals; /* since the last while without any */
} Peer;

struct Peers {
        sd_bus *bus; /* owned reference */
        HashMap table; /* name → Peer, owned */
        Peer *newest, *oldest;
        User users[USERS_MAX];
        Bucket dump_bytes; /* of all users but root */
        Parked *put_back; /* owned list: will be dispatched again */
        size_t n_parked;
        bool count_everybody;
};

/* ---- users */

/* The one of this uid, else the one that has done nothing for longest, made theirs. */
static User *peers_user(Peers *peers, uid_t uid) {
        User *best = &peers->users[0];

        for (size_t i = 0; i < USERS_MAX; i++) {
                User *user = &peers->users[i];

                if (user->used && user->uid == uid)
                        return user;
                if (best->used && (!user->used || user->budget.calls.due_usec < best->budget.calls.due_usec))
                        best = user;
        }
        *best = (User) { .uid = uid, .used = true };
        return best;
}

void peers_inherit(Peers *peers, const Peers *before) {
        for (size_t i = 0; before && i < USERS_MAX; i++)
                peers->users[i] = before->users[i];
        if (before)
                peers->dump_bytes = before->dump_bytes;
}

/* ---- the table */

static void peer_unlink(Peer *peer) {
        Peers *peers = peer->peers;

        *(peer->newer ? &peer->newer->older : &peers->newest) = peer->older;
        *(peer->older ? &peer->older->newer : &peers->oldest) = peer->newer;
        peer->newer = peer->older = NULL;
}

static void peer_link_newest(Peer *peer) {
        Peers *peers = peer->peers;

        peer->older = peers->newest;
        *(peers->newest ? &peers->newest->newer : &peers->oldest) = peer;
        peers->newest = peer;
}

static void peer_free(Peer *peer) {
        Parked *parked;

        (void) hashmap_remove(&peer->peers->table, peer->name);
        peer_unlink(peer);
        (void) sd_bus_slot_unref(peer->ask);
        while ((parked = peer->parked)) {
                peer->parked = parked->next;
                peer->peers->n_parked--;
                (void) sd_bus_message_unref(parked->m);
                free(parked);
        }
        free(peer);
}

int peers_new(sd_bus *bus, Peers **ret) {
        Peers *peers = calloc(1, sizeof(Peers));

        if (!peers)
                return -ENOMEM;
        peers->bus = sd_bus_ref(bus);
        peers->table.ops = &hash_ops_string;
        *ret = peers;
        return 0;
}

Peers *peers_free(Peers *peers) {
        Parked *parked;

        if (!peers)
                return NULL;
        while (peers->newest)
                peer_free(peers->newest);
        while ((parked = peers->put_back)) {
                peers->put_back = parked->next;
                (void) sd_bus_message_unref(parked->m);
                free(parked);
        }
        hashmap_done(&peers->table);
        (void) sd_bus_unref(peers->bus);
        free(peers);
        return NULL;
}

static Peer *peers_add(Peers *peers, const char *name) {
        Peer *peer;

        if (strlen(name) >= NAME_MAX_SIZE)
                return NULL;
        while (peers->table.n_entries >= PEERS_MAX)
                peer_free(peers->oldest);
        peer = calloc(1, sizeof(Peer));
        if (!peer)
                return NULL;
        peer->peers = peers;
        (void) snprintf(peer->name, sizeof(peer->name), "%s", name);
        if (hashmap_put(&peers->table, peer->name, peer) < 0) {
                free(peer);
                return NULL;
        }
        peer_link_newest(peer);
        return peer;
}

/* NULL on a direct link, which has no names, and where memory is short. */
static Peer *peers_sender(Peers *peers, sd_bus_message *m) {
        const char *name = sd_bus_message_get_sender(m);
        Peer *peer = name ? hashmap_get(&peers->table, name) : NULL;

        if (!peer)
                return name ? peers_add(peers, name) : NULL;
        peer_unlink(peer);
        peer_link_newest(peer);
        return peer;
}

/* ---- uids */

int peers_put_back(Peers *peers, sd_bus_message *m) {
        Parked *parked = malloc(sizeof(Parked));
        int r;

        if (!parked)
                return -ENOMEM;
        r = sd_bus_enqueue_for_read(peers->bus, m);
        if (r < 0) {
                free(parked);
                return r;
        }
        *parked = (Parked) { peers->put_back, sd_bus_message_ref(m) };
        peers->put_back = parked;
        return 0;
}

static bool peers_take_put_back(Peers *peers, const sd_bus_message *m) {
        for (Parked **p = &peers->put_back; *p; p = &(*p)->next)
                if ((*p)->m == m) {
                        Parked *parked = *p;

                        *p = parked->next;
                        (void) sd_bus_message_unref(parked->m);
                        free(parked);
                        return true;
                }
        return false;
}

static int on_uid(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Peer *peer = userdata;
        Parked *parked;
        uint32_t uid;

        peer->ask = sd_bus_slot_unref(peer->ask);
        if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "u", &uid) < 0)
                peer->uid_failed = true;
        else {
                peer->uid = uid;
                peer->uid_known = true;
        }
        while ((parked = peer->parked)) {
                peer->parked = parked->next;
                peer->n_parked--;
                peer->peers->n_parked--;
                (void) peers_put_back(peer->peers, parked->m); /* else its sender waits in vain, as we have no memory */
                (void) sd_bus_message_unref(parked->m);
                free(parked);
        }
        return 0;
}

static void peer_ask(Peer *peer) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        if (peer->uid_known || peer->uid_failed || peer->ask)
                return;
        r = sd_bus_message_new_method_call(peer->peers->bus,
                                           &call,
                                           "org.freedesktop.DBus",
                                           "/org/freedesktop/DBus",
                                           "org.freedesktop.DBus",
                                           "GetConnectionUnixUser");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", peer->name);
        if (r >= 0)
                r = sd_bus_call_async(peer->peers->bus, &peer->ask, call, on_uid, peer, ASK_TIMEOUT_USEC);
        if (r < 0)
                (void) log_debug_errno(r, "Failed to ask the bus who %s is: %m", peer->name);
}

/* A direct link has one peer, known by its socket. */
static int peers_get_link_uid(const Peers *peers, uid_t *ret) {
        _cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
        int r = sd_bus_get_owner_creds(peers->bus, SD_BUS_CREDS_EUID, &creds);

        if (r >= 0)
                r = sd_bus_creds_get_euid(creds, ret);
        return r < 0 ? r : 1;
}

bool peers_know_uid(Peers *peers, sd_bus_message *m, uid_t *ret) {
        const char *name = sd_bus_message_get_sender(m);
        const Peer *peer = name ? hashmap_get(&peers->table, name) : NULL;

        if (!name)
                return peers_get_link_uid(peers, ret) > 0;
        if (!peer || !peer->uid_known)
                return false;
        *ret = peer->uid;
        return true;
}

int peers_get_uid(Peers *peers, sd_bus_message *m, uid_t *ret) {
        Parked *parked;
        Peer *peer;

        if (!sd_bus_message_get_sender(m))
                return peers_get_link_uid(peers, ret);
        peer = peers_sender(peers, m);
        if (!peer)
                return -ENOMEM;
        if (peer->uid_known) {
                *ret = peer->uid;
                return 1;
        }
        if (peer->uid_failed)
                return -ENXIO;
        if (peer->n_parked >= PARKED_PER_PEER || peers->n_parked >= PARKED_MAX)
                return -ENOBUFS;
        peer_ask(peer);
        parked = peer->ask ? malloc(sizeof(Parked)) : NULL;
        if (!parked)
                return -ENOMEM;
        *parked = (Parked) { peer->parked, sd_bus_message_ref(m) };
        peer->parked = parked;
        peer->n_parked++;
        peers->n_parked++;
        return 0;
}

/* ---- budgets */

static bool peer_take(Peers *peers, Peer *peer, uint64_t now, unsigned n_calls, size_t n_bytes) {
        User *user = peer->uid_known ? peers_user(peers, peer->uid) : NULL;

        if (user && user->muted_until_usec > now)
                return false;
        if (peer->uid_known && peer->uid == 0 && !peers->count_everybody)
                return true;
        /* The user's budget first: where it says no, nothing may be taken from the other. */
        if (user && !budget_take(&user->budget, now, n_calls, n_bytes, PEER_USER_FACTOR))
                return false;
        return budget_take(&peer->budget, now, n_calls, n_bytes, 1);
}

size_t peers_count(const Peers *peers) {
        return peers->table.n_entries;
}

PeerVerdict peers_admit(Peers *peers, sd_bus_message *m, uint64_t now, size_t n_bytes) {
        uint64_t last;
        Peer *peer;

        if (peers_take_put_back(peers, m))
                return PEER_AGAIN;
        if (!sd_bus_message_get_sender(m))
                return PEER_ADMITTED;
        peer = peers_sender(peers, m);
        if (!peer)
                return PEER_MUTED; /* no memory for an answer either */
        peer_ask(peer);
        last = peer->last_call_usec;
        peer->last_call_usec = now;
        if (now - peer->last_refusal_usec >= QUIET_USEC)
                peer->n_refusals = 0;
        if (peer->n_refusals >= REFUSALS_TO_MUTE && now - last < QUIET_USEC) {
                peer->last_refusal_usec = now;
                return PEER_MUTED;
        }
        if (!peer_take(peers, peer, now, 1, n_bytes)) {
                peer->n_refusals++;
                peer->last_refusal_usec = now;
                return PEER_REFUSED;
        }
        peer->n_bytes += n_bytes;
        return PEER_ADMITTED;
}

void peers_charge(Peers *peers, sd_bus_message *m, uint64_t now, size_t n_bytes, unsigned n_calls) {
        const char *name = sd_bus_message_get_sender(m);
        Peer *peer = name ? hashmap_get(&peers->table, name) : NULL;

        if (!peer || (peer->uid_known && peer->uid == 0 && !peers->count_everybody))
                return;
        peer->n_bytes += n_bytes;
        budget_charge(&peer->budget, now, n_calls, n_bytes, 1);
        if (peer->uid_known)
                budget_charge(&peers_user(peers, peer->uid)->budget, now, n_calls, n_bytes, PEER_USER_FACTOR);
}

bool peers_take_dump(Peers *peers, uid_t uid, uint64_t now) {
        Bucket *dumps = &peers_user(peers, uid)->dumps;
        uint64_t cost = DUMPS_USEC / DUMPS_PER_USER;

        if (uid == 0 && !peers->count_everybody)
                return true;
        if (!bucket_has(dumps, now, cost, DUMPS_USEC) || !bucket_has(&peers->dump_bytes, now, 0, DUMPS_USEC))
                return false;
        bucket_take(dumps, now, cost);
        return true;
}

void peers_charge_dump(Peers *peers, uid_t uid, uint64_t now, size_t n_bytes) {
        if (uid != 0)
                bucket_take(&peers->dump_bytes, now, n_bytes * DUMPS_USEC / DUMPS_BYTES);
}

void peers_count_everybody(Peers *peers) {
        peers->count_everybody = true;
}

/* ---- a bus that is stuck */

static Peer *peers_loudest_below(const Peers *peers, const Peer *above) {
        Peer *peer, *best = NULL;

        for (size_t i = 0; (peer = hashmap_next(&peers->table, &i));)
                if ((!above || peer->n_bytes < above->n_bytes) && (!best || peer->n_bytes > best->n_bytes))
                        best = peer;
        return best;
}

void peers_mute_loudest(Peers *peers, char *buf, size_t size) {
        const Peer *peer = NULL;
        size_t used = 0;

        buf[0] = '\0';
        for (unsigned n = 0; n < 3 && (peer = peers_loudest_below(peers, peer)); n++) {
                int k = snprintf(buf + used,
                                 size - used,
                                 "%s%s (uid %d, %" PRIu64 " bytes)",
                                 n > 0 ? ", " : "",
                                 peer->name,
                                 peer->uid_known ? (int) peer->uid : -1,
                                 peer->n_bytes);

                used = MIN2(used + (size_t) MAX2(k, 0), size - 1);
                if (n == 0 && peer->uid_known && peer->uid != 0)
                        peers_user(peers, peer->uid)->muted_until_usec = peer->last_call_usec + LOUD_MUTE_USEC;
        }
}
