/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What callers may still ask for, each connection and each user; and who is silenced. */
#include <inttypes.h>
#include <stdio.h>

#include "bus/peers-private.h"

#define REFUSALS_TO_MUTE 1000
#define USER_REFUSALS_TO_MUTE (REFUSALS_TO_MUTE * PEER_USER_FACTOR)
#define QUIET_USEC (10 * USEC_PER_SEC)
#define LOUD_MUTE_USEC (600 * USEC_PER_SEC)

/* ---- users */

/* The one of this uid, else the one that has done nothing for longest, made theirs. */
static User *peers_user(Peers *peers, uid_t uid) {
        User *best = &peers->users[0];

        for (size_t i = 0; i < PEER_USERS_MAX; i++) {
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
        for (size_t i = 0; before && i < PEER_USERS_MAX; i++)
                peers->users[i] = before->users[i];
        if (before)
                peers->dump_bytes = before->dump_bytes;
}

/* ---- budgets */

static bool peer_take(Peers *peers, Peer *peer, uint64_t now, unsigned n_calls, size_t n_bytes) {
        User *user = peer->uid_known ? peers_user(peers, peer->uid) : NULL;

        if (peer->uid_known && peer->uid == 0 && !peers->count_everybody)
                return true;
        /* The user's budget first: where it says no, nothing may be taken from the other. */
        if (user && !budget_take(&user->budget, now, n_calls, n_bytes, PEER_USER_FACTOR))
                return false;
        return budget_take(&peer->budget, now, n_calls, n_bytes, 1);
}

/* A user's calls within the budget are answered all the same; whoever has none left may come with a new name each time. */
static bool user_is_muted(User *user, uint64_t now) {
        if (user->muted_until_usec > now)
                return true;
        if (now - user->last_refusal_usec >= QUIET_USEC)
                user->n_refusals = 0;
        return user->n_refusals >= USER_REFUSALS_TO_MUTE && !budget_has_call(&user->budget, now, PEER_USER_FACTOR);
}

/* At a call of theirs. */
static bool peer_is_muted(Peers *peers, Peer *peer, uint64_t now) {
        User *user = peer->uid_known ? peers_user(peers, peer->uid) : NULL;
        bool by_user = user && user_is_muted(user, now);

        peer->last_call_usec = now;
        if (now - peer->last_refusal_usec >= QUIET_USEC)
                peer->n_refusals = 0;
        if (by_user)
                user->last_refusal_usec = now;
        if (peer->n_refusals >= REFUSALS_TO_MUTE)
                peer->last_refusal_usec = now;
        return by_user || peer->n_refusals >= REFUSALS_TO_MUTE;
}

static void peer_count_refusal(Peers *peers, Peer *peer, uint64_t now) {
        peer->n_refusals++;
        peer->last_refusal_usec = now;
        if (peer->uid_known) {
                User *user = peers_user(peers, peer->uid);

                user->n_refusals++;
                user->last_refusal_usec = now;
        }
}

bool peers_are_muted(Peers *peers, const char *sender, uint64_t now) {
        Peer *peer = hashmap_get(&peers->table, sender);

        return peer && peer_is_muted(peers, peer, now);
}

static PeerVerdict peer_admit(Peers *peers, Peer *peer, uint64_t now, size_t n_bytes) {
        if (!peer)
                return PEER_MUTED; /* no memory for an answer either */
        peer_ask(peer);
        if (peer_is_muted(peers, peer, now))
                return PEER_MUTED;
        if (!peer_take(peers, peer, now, 1, n_bytes)) {
                peer_count_refusal(peers, peer, now);
                return PEER_REFUSED;
        }
        peer->n_bytes += n_bytes;
        return PEER_ADMITTED;
}

PeerVerdict peers_admit(Peers *peers, sd_bus_message *m, uint64_t now, size_t n_bytes) {
        const char *sender = sd_bus_message_get_sender(m);

        if (peers_take_put_back(peers, m))
                return PEER_AGAIN;
        return sender ? peer_admit(peers, peers_named(peers, sender), now, n_bytes) : PEER_ADMITTED;
}

bool peers_admit_signal(Peers *peers, const char *sender, uint64_t now) {
        return peer_admit(peers, peers_named(peers, sender), now, 0) == PEER_ADMITTED;
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
