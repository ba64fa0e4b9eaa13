/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many virtual servers a turn takes on, so that the event loop keeps answering: what one costs differs a
 * thousandfold, for the kernel walks all real servers deleted in the last two minutes for each one that is added
 * (net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_trash_get_dest). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TURN_SERVERS_MIN 4U
#define TURN_SERVERS_FIRST 64U /* before anything is known */
#define TURN_SERVERS_MAX 512U
/* What a turn is to take at most, in microseconds; half of it lets the next turn be larger. */
#define TURN_USEC 50000U

/*
 * The number for the next turn, after one of `n_servers` at most took `usec`. `full`: it left work behind; a turn that
 * did not says nothing of what more would have cost.
 */
size_t turn_pace(size_t n_servers, uint64_t usec, bool full);
