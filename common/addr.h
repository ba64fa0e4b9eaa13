/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP addresses, networks and address:port pairs as plain values of both families. All are compared,
 * hashed and copied as bytes: unused bytes are zero. Text forms are canonical (RFC 5952 for IPv6).
 * No name is ever looked up here.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct IpAddr {
        uint8_t family; /* AF_INET, AF_INET6, or 0 for "none" */
        uint8_t bytes[16]; /* network order; IPv4 uses the first four, the rest is zero */
} IpAddr;

typedef struct IpNet {
        IpAddr addr; /* host bits are zero */
        uint8_t prefix; /* 0 to 32 or 128 */
} IpNet;

typedef struct IpPort {
        IpAddr addr;
        uint16_t port; /* host order */
} IpPort;

/* Buffers that hold any text form, with its NUL. */
#define IP_ADDR_STRLEN INET6_ADDRSTRLEN
#define IP_NET_STRLEN (INET6_ADDRSTRLEN + 4)
#define IP_PORT_STRLEN (INET6_ADDRSTRLEN + 8)

/*
 * Reads "10.0.0.1" or "fd00::1". Leading zeros of an IPv4 octet are decimal and a v4-mapped IPv6 address
 * is IPv4, both as Kubernetes reads them (k8s.io/utils/net.ParseIPSloppy). -EINVAL for anything else.
 */
int ip_addr_parse(const char *text, IpAddr *ret);

/* Reads "10.0.0.0/8" or "fd00::/64"; host bits are cleared. -EINVAL if it is not one. */
int ip_net_parse(const char *text, IpNet *ret);

/* Takes 4 or 16 bytes in network order; -EINVAL for another family or length. */
int ip_addr_from_bytes(int family, const void *bytes, size_t size, IpAddr *ret);

/* Write into `buf` and return it. "none" gives "". */
const char *ip_addr_format(const IpAddr *addr, char buf[static IP_ADDR_STRLEN]);
const char *ip_net_format(const IpNet *net, char buf[static IP_NET_STRLEN]);
/* "10.0.0.1:80", "[fd00::1]:80" */
const char *ip_port_format(const IpAddr *addr, uint16_t port, char buf[static IP_PORT_STRLEN]);

/* 4 or 16; 0 for "none" */
size_t ip_addr_size(const IpAddr *addr);
bool ip_addr_equal(const IpAddr *a, const IpAddr *b);
/* IPv4 before IPv6, then by value; for qsort and merges */
int ip_addr_compare(const IpAddr *a, const IpAddr *b);
int ip_port_compare(const IpPort *a, const IpPort *b);
bool ip_net_contains(const IpNet *net, const IpAddr *addr);

bool ip_addr_is_unspecified(const IpAddr *addr);
bool ip_addr_is_loopback(const IpAddr *addr);
bool ip_addr_is_multicast(const IpAddr *addr);
bool ip_addr_is_link_local(const IpAddr *addr);
