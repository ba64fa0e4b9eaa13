/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/peers-private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"

#define PARKED_PER_PEER 8
#define PARKED_MAX 256
#define ASK_TIMEOUT_USEC (5 * USEC_PER_SEC)

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

        if (strlen(name) >= PEER_NAME_SIZE)
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

Peer *peers_named(Peers *peers, const char *name) {
        Peer *peer = hashmap_get(&peers->table, name);

        if (!peer)
                return peers_add(peers, name);
        peer_unlink(peer);
        peer_link_newest(peer);
        return peer;
}

size_t peers_count(const Peers *peers) {
        return peers->table.n_entries;
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

bool peers_take_put_back(Peers *peers, const sd_bus_message *m) {
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

void peer_ask(Peer *peer) {
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
        const char *name = sd_bus_message_get_sender(m);
        Parked *parked;
        Peer *peer;

        if (!name)
                return peers_get_link_uid(peers, ret);
        peer = peers_named(peers, name);
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

