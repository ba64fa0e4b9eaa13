/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of Ipvs, for its files: ipvs.c writes and asks for settings, ipvs-read.c reads virtual servers. */
#pragma once

#include "kernel/ipvs-sockopt.h"
#include "kernel/ipvs.h"
#include "kernel/netlink.h"

struct Ipvs {
        Netlink *netlink; /* owned */
        Netlink *list; /* owned; where all virtual servers are listed, in steps */
        uint16_t family; /* number of the family "IPVS"; 0 = not asked yet */
        NetlinkBuffer buffer; /* keeps its memory */
        IpvsSockopt sockopt;
};

/* Makes sure that the family is known. -ENOPROTOOPT: the kernel has none. */
int ipvs_resolve(Ipvs *ipvs);
