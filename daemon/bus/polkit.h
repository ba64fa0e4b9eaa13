/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May the caller do this? Root and the daemon's own user may; everybody else is asked about at polkit, without
 * blocking: the call is put aside and dispatched again, from the lookup of its object on, when the verdict is there
 * (reference dbus-polkit-cli.md §1.4, §1.7, §3). Whatever goes wrong on the way is a no.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

#include "bus/peers.h"
#include "common/macros.h"

#define POLKIT_DETAILS_MAX 6

typedef struct PolkitDetail {
        const char *key, *value;
} PolkitDetail;

/* What is asked: strings are borrowed for the call. */
typedef struct PolkitRequest {
        const char *action; /* "org.k8s.IpvsProxy.resync" */
        PolkitDetail details[POLKIT_DETAILS_MAX]; /* up to the first without a key */
} PolkitRequest;

typedef struct Polkit Polkit;

/* For one connection. Borrows `peers`. -ENOMEM. */
int polkit_new(sd_bus *bus, Peers *peers, Polkit **ret);
/* Questions that are open are dropped, with the calls behind them. */
Polkit *polkit_free(Polkit *polkit);
DEFINE_CLEANUP(Polkit *, polkit_free);

/*
 * 1 = go on. 0 = the call comes again; the handler returns 1. Negative: no, *error is set. To be called when all is
 * parsed, found and valid, and before anything is changed.
 */
int polkit_authorize(Polkit *polkit, sd_bus_message *m, const PolkitRequest *request, sd_bus_error *error);

/* Calls that were not authorised so far. */
uint64_t polkit_n_denied(const Polkit *polkit);

/* Whether polkit was asked about this call already: it comes again with the verdict. */
bool polkit_has_asked(const Polkit *polkit, const sd_bus_message *m);

/* For tests, which have one uid only: root and the own user are asked about as everybody else is. */
void polkit_ask_about_everybody(Polkit *polkit);
