/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains of kube-proxy in the tables of iptables-legacy, which are seen but not changed from here.
 */
#pragma once

#include <stddef.h>

/* Writes the tables that have such chains, "ip nat, ip6 filter", "" for none. -EPERM, -ENOMEM */
int legacy_read(char *buf, size_t size);
