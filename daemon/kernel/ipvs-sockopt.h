/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real servers of an IPv4 virtual server in one system call of IPVS's older interface: by netlink each of them is
 * fifty attributes in a dump of its own, which makes an audit of ten thousand virtual servers ten times as dear. Reads
 * alone; IPv6 it does not know. Counters of packets and connections have 32 bits here.
 */
#pragma once

#include "common/macros.h"
#include "kernel/backend.h"

typedef struct IpvsSockopt {
        int fd;
        void *request; /* owned: keeps its memory */
        size_t n_allocated; /* real servers that have room in it */
} IpvsSockopt;

#define IPVS_SOCKOPT_INIT { .fd = -1 }
void ipvs_sockopt_done(IpvsSockopt *sockopt);

/*
 * Calls `visitor` for each, in the kernel's order. -ESRCH: no such virtual server; -ENOPROTOOPT: the kernel does not have
 * this interface, or it is none of IPv4.
 */
typedef int (*RealServerVisitor)(const RealServerInfo *info, void *userdata);
int ipvs_sockopt_dests(IpvsSockopt *sockopt, const VirtualServerKey *key, RealServerVisitor visitor, void *userdata);
