/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "     Label: text" lines for people. Labels are our own, texts are made harmless. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/client.h"

/* The first line: a dot in the colour of the state, what it is, and the state. `on` may be "". */
void lines_head(const Client *client, const char *what, const char *on, const char *state);

/* One label and its text, broken between words where the terminal ends. */
void lines_add(const Client *client, const char *label, const char *format, ...) _printf_(3, 4);

/* Two of them side by side, if they fit; both texts are borrowed. */
void lines_add_pair(const Client *client,
                    const char *label,
                    const char *text,
                    const char *other_label,
                    const char *other_text);

/* "10.96.0.10:53", "[fd00::1]:53" */
#define LINES_ADDRESS_MAX 128
const char *lines_address(const char *address, uint64_t port, char buf[static LINES_ADDRESS_MAX]);

/* A dash between two parts of a sentence, in what the locale has of it, with its spaces. */
const char *lines_dash(void);
