/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A polkitd for tests, on a connection of its own: allows what is on its list, and can misbehave. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

typedef enum FakePolkitMode {
        FAKE_POLKIT_LIST, /* yes for the one allowed action, else no */
        FAKE_POLKIT_CHALLENGE, /* yes if interaction is allowed, else a challenge */
        FAKE_POLKIT_HANG, /* never an answer; the calls are kept */
        FAKE_POLKIT_LIE, /* an answer of another type that begins with "true" */
        FAKE_POLKIT_ERROR,
} FakePolkitMode;

typedef struct FakePolkit {
        sd_bus *bus;
        FakePolkitMode mode;
        const char *allowed; /* action */
        unsigned n_asked, n_cancelled;
        char action[64], sender[32], details[256]; /* of the last question; "key=value " each */
        sd_bus_message *kept[128];
        size_t n_kept;
} FakePolkit;

/* Takes the connection and the name on it. */
void fake_polkit_open(FakePolkit *fake, sd_bus *bus);
void fake_polkit_close(FakePolkit *fake);
/* Answers what was kept: yes or no. */
void fake_polkit_answer(FakePolkit *fake, bool yes);
