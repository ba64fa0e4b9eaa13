/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of peers.h: peers.c knows who calls and keeps messages that wait for that, peers-budget.c what each may still ask
 * for.
 */
#pragma once

#include "bus/peers.h"
#include "common/hash.h"

#define PEER_NAME_SIZE 32 /* ":1.18446744073709551615" fits; names are the bus' own */
#define PEER_USERS_MAX 256

typedef struct User {
        uid_t uid;
        bool used;
        Budget budget;
        Bucket dumps;
        uint64_t muted_until_usec, last_refusal_usec;
        unsigned n_refusals; /* since the last while without any */
} User;

typedef struct Parked {
        struct Parked *next;
        sd_bus_message *m; /* owned reference */
} Parked;

typedef struct Peer {
        struct Peer *newer, *older; /* in order of the last call */
        Peers *peers; /* borrowed */
        char name[PEER_NAME_SIZE];
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
        User users[PEER_USERS_MAX];
        Bucket dump_bytes; /* of all users but root */
        Parked *put_back; /* owned list: will be dispatched again */
        size_t n_parked;
        bool count_everybody;
};

/* peers.c: the one of this name, as the one that called last. NULL where memory is short. */
Peer *peers_named(Peers *peers, const char *name);
/* Finds out the uid, unless that is known or being asked for. */
void peer_ask(Peer *peer);
/* Whether the message was put back; once. */
bool peers_take_put_back(Peers *peers, const sd_bus_message *m);
