/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether NO_PROXY keeps a host from being reached through a proxy, as golang.org/x/net/http/httpproxy reads it: names with
 * their subdomains, ".name" and "*.name" for subdomains alone, addresses, networks, each with an optional port, or "*".
 * localhost and loopback addresses never go through a proxy. libcurl's own rules differ, and would be applied to the
 * name that TLS is told instead of the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* `host`: a name, or an address with or without brackets. `no_proxy` may be NULL. */
bool proxy_rules_bypass(const char *no_proxy, const char *host, uint16_t port);
