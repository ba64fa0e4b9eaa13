/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in front of a D-Bus message on the wire (D-Bus specification, "Message Format"): enough to know where the next
 * one begins, and whom to tell that this one was not read. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough of a message for message_header_size(). */
#define MESSAGE_HEADER_FIXED 16

/* A unique name on any bus is shorter by far; the specification's limit of names. */
#define MESSAGE_SENDER_SIZE 256

typedef struct MessageHeader {
        bool is_call, is_reply, wants_answer; /* neither call nor reply: a signal, or a type that nobody knows yet */
        uint32_t serial; /* never 0 */
        char sender[MESSAGE_SENDER_SIZE]; /* "" where it has none */
} MessageHeader;

/* How many bytes the whole message has. -EBADMSG where this is none. */
int message_header_size(const uint8_t data[static MESSAGE_HEADER_FIXED], uint64_t *ret);

/* `data` begins with a message, or with all of it that there is room for. -EBADMSG where this is none, or has
 * fields of types that no field of the specification has; -ENODATA: its header goes on behind. */
int message_header_read(const uint8_t *data, size_t size, MessageHeader *ret);
