/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading what callers send, all of it bounded, with errors that name what is wrong (reference dbus-polkit-cli.md
 * §2.2). Each returns 0, or a negative errno with *error set.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "common/addr.h"
#include "model/service.h"

#define ARGUMENT_TEXT_MAX 512
#define ARGUMENT_KEYS_MAX 16
#define LIST_LIMIT_DEFAULT 500
#define LIST_LIMIT_MAX 1000

/* Not too long. `name` is that of the argument. */
int argument_text(const char *name, const char *text, sd_bus_error *error);
/* No bit that is not among `known`. */
int argument_flags(uint64_t flags, uint64_t known, sd_bus_error *error);
int argument_address(const char *text, IpAddr *ret, sd_bus_error *error);
int argument_protocol(const char *text, Protocol *ret, sd_bus_error *error);
/* Reads "su": where a list goes on, and the clamped number of rows. */
int argument_page(sd_bus_message *m, const char **ret_start_after, size_t *ret_limit, sd_bus_error *error);

typedef struct OptionList {
        const char *items[ARGUMENT_KEYS_MAX]; /* borrowed */
        size_t n_items;
} OptionList;

/* A key of an a{sv}: its type is 's', 't', 'u', 'b', or 'a' for "as"; what it is read into is at `offset`. */
typedef struct OptionSpec {
        const char *key;
        char type;
        size_t offset; /* of a const char *, uint64_t, uint32_t, int or OptionList */
} OptionSpec;

/* Reads a{sv} into the struct at `ret`; what is not given stays. Strings are valid as long as the message. */
int argument_options(sd_bus_message *m, const OptionSpec *specs, size_t n_specs, void *ret, sd_bus_error *error);

/* Whether `text` fits a pattern of *, ? and [a-z]; in time proportional to the product of their lengths at most. */
bool glob_match(const char *pattern, const char *text);
