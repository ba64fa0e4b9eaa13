/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the socket of the bus and sd-bus, in both directions, so that nobody can send more than we want to read. sd-bus
 * takes a message of any size into memory (32 MiB from dbus-daemon, 128 MiB at most) and checks each string of it whenever
 * it is looked at: one Properties.GetAll with 30 MiB, which every user may send, kept the event loop for 350 ms. No call of
 * ours needs more than some hundred bytes. What is longer than GATE_MESSAGE_MAX is read and forgotten, a piece at a time,
 * and sd-bus never sees it; nor what the handler turns away, for which two reads are enough: a bus cannot pass messages on so
 * fast that others wait behind those of a flood.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "bus/message-header.h"
#include "common/macros.h"

#define GATE_MESSAGE_MAX (16 * 1024)

typedef struct Gate Gate;

/* Whether sd-bus gets the message that begins so; of one that is longer it never does. Not called where the header alone is,
 * or cannot be read: that goes nowhere either. */
typedef bool (*GateHandler)(const MessageHeader *header, bool is_long, void *userdata);

/*
 * From now on, which has to be between two messages: in the handler of sd-bus's own "Connected". The bus is attached to the
 * event loop and stays so, with `priority`. Where the bus closes its socket, sd-bus is told so by the end of its own. The
 * handler must not free the gate. -errno; of one after which the connection is of no use too.
 */
int gate_new(sd_event *event, sd_bus *bus, int64_t priority, GateHandler handler, void *userdata, Gate **ret);
/* What sd-bus has given is written to the bus as far as that takes it within `usec`; the only function here that waits. */
void gate_flush(Gate *gate, uint64_t usec);
Gate *gate_free(Gate *gate);
DEFINE_CLEANUP(Gate *, gate_free);
