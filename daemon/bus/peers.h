/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who calls: the uid behind each unique name, learned without blocking, and what each name and each user may still
 * ask for (reference dbus-polkit-cli.md §2.7). A unique name is never used twice on a bus and its uid never changes,
 * so what is known stays true. All tables are bounded. Also puts messages back that waited for something.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "bus/budget.h"
#include "common/macros.h"

#define PEER_USER_FACTOR 4 /* what a user may do over all connections */
#define PEERS_MAX 4096
#define DUMPS_PER_USER 10 /* in DUMPS_USEC */
#define DUMPS_BYTES (64 * 1024 * 1024)
#define DUMPS_USEC (600 * USEC_PER_SEC)

typedef struct Peers Peers;

/* For one connection, which it references. -ENOMEM. */
int peers_new(sd_bus *bus, Peers **ret);
Peers *peers_free(Peers *peers);
DEFINE_CLEANUP(Peers *, peers_free);

typedef enum PeerVerdict {
        PEER_ADMITTED,
        PEER_REFUSED, /* over the limit: answer LimitsExceeded */
        PEER_MUTED, /* over the limit for so long that an answer is too much */
        PEER_AGAIN, /* admitted before, put back by peers_put_back() */
} PeerVerdict;

/* Connections that are known: of callers, as long as something is to be remembered of them. */
size_t peers_count(const Peers *peers);

/* Counts a call, whose answer will have about this many bytes. */
PeerVerdict peers_admit(Peers *peers, sd_bus_message *m, uint64_t now_usec, size_t n_bytes);
/*
 * Whether a call of this sender is one of PEER_MUTED, before anything of it but the name is looked at: as many as the bus can
 * pass on, so that nobody waits behind them. Counts it where it is. False of who has not called yet.
 */
bool peers_are_muted(Peers *peers, const char *sender, uint64_t now_usec);
/* The same budget for what is sent to us without being asked for; nobody is told where it is over. */
bool peers_admit_signal(Peers *peers, const char *sender, uint64_t now_usec);
/* More bytes for the sender of a message that was admitted, or work worth this many calls. */
void peers_charge(Peers *peers, sd_bus_message *m, uint64_t now_usec, size_t n_bytes, unsigned n_calls);

/*
 * 1 = *ret is the sender's uid. 0 = it has to be asked for; the message comes again when it is known, the handler
 * returns 1. Negative: the sender is gone or nobody can tell; -ENOBUFS: too many wait already.
 */
int peers_get_uid(Peers *peers, sd_bus_message *m, uid_t *ret);
/* The same without asking: false if it is not known yet. */
bool peers_know_uid(Peers *peers, sd_bus_message *m, uid_t *ret);

/* Whether one more dump may be made for this uid: 10 in 10 minutes, 64 MiB in 10 minutes over all; counts it. */
bool peers_take_dump(Peers *peers, uid_t uid, uint64_t now_usec);
/* So much was handed out. */
void peers_charge_dump(Peers *peers, uid_t uid, uint64_t now_usec, size_t n_bytes);

/* The message is dispatched again from the start, objects are looked up again. -ENOMEM. */
int peers_put_back(Peers *peers, sd_bus_message *m);

/* For tests, which are root: its rates are limited too. */
void peers_count_everybody(Peers *peers);

/* The bus does not get rid of what it was sent: silences who was sent most and names three in `buf`, for the log. */
void peers_mute_loudest(Peers *peers, char *buf, size_t size);
/* Users that are muted stay so on the next connection. */
void peers_inherit(Peers *peers, const Peers *before);
