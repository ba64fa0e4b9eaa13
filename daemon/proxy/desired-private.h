/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three steps of desired_update(), one file each: from objects to ports and claims (desired-build.c, with
 * desired-address.c for which addresses are served), from claims that hold to elements and addresses
 * (desired-filter.c), in and out of the kernel table (desired.c).
 */
#pragma once

#include "common/hash.h"
#include "proxy/desired.h"

/*
 * The ports of the service with their claims, none of them entered yet. The hairpin elements, which no claim decides
 * about, are wanted in `table` at once, so that endpoints are collected only once. *ret is NULL for a service that is
 * not proxied, and for desired_service_abandon() and desired_service_free() on failure too. -ENOMEM.
 */
int desired_service_build(const ProxyConfig *config, KernelTable *table, ServiceEntry *entry, DesiredService **ret);

/* Frees what it owns; claims and wishes were taken back. NULL does nothing. */
void desired_service_free(DesiredService *service);

bool addresses_have_family(const IpAddr *addrs, size_t n_addrs, int family);
/* In kube-proxy's words: the family of the service is externally accessible. */
bool service_is_external(const Service *object, const ServicePort *port, int family);
/* Why nobody may have this external or load-balancer IP; REFUSAL_NONE: he may. */
RefusalReason external_address_refusal(const ProxyConfig *config, const Service *object, const IpAddr *addr);
/* The device has an external address unless another one has it; a cluster address it has always (reference §4.2). */
bool address_is_bound(const ProxyConfig *config, AddressKind kind, const IpAddr *addr);

/* Wants one element, and remembers it. -ENOMEM. */
int desired_service_want(DesiredService *service, KernelTable *table, const FilterElement *element);

/* Wants elements and addresses of the claims that hold their servers, after all were entered. -ENOMEM. */
int desired_service_enter_wishes(DesiredService *service, KernelTable *table, const ProxyConfig *config);

/* Takes back every wish made so far. */
void desired_service_withdraw_wishes(DesiredService *service, KernelTable *table);
