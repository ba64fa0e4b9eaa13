/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a person writes for an address: "10.96.0.10", "10.96.0.10:53", "[fd00::1]:53/udp". */
#pragma once

#include <stdbool.h>

#include "common/addr.h"

#define TARGET_PROTOCOL_MAX 8
#define TARGET_USAGE "Bad address; it is ADDRESS[:PORT[/PROTOCOL]], IPv6 with a port in brackets."

typedef struct Target {
        char address[IP_ADDR_STRLEN];           /* canonical */
        uint16_t port;                          /* 0 = any */
        char protocol[TARGET_PROTOCOL_MAX + 1]; /* lower case; "" = any */
} Target;

/* -EINVAL if it is none; *ret is then as it was. */
int target_parse(const char *text, Target *ret);
/* Is an address meant by it, though it may be none? No name of a service has these characters. */
bool target_is_meant(const char *text);

/* "10.96.0.10:53/udp", what is not known is left out */
#define TARGET_STRLEN (IP_PORT_STRLEN + TARGET_PROTOCOL_MAX + 1)
const char *target_format(const Target *target, char buf[static TARGET_STRLEN]);
