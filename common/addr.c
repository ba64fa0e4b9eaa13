/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/macros.h"
#include "common/parse.h"

/* Four decimal octets, leading zeros allowed, nothing else around them. */
static int ip_addr_parse_v4(const char *text, uint8_t ret[static 4]) {
        uint8_t bytes[4];

        for (size_t i = 0; i < 4; i++) {
                unsigned value = 0;
                size_t n = 0;

                for (; *text >= '0' && *text <= '9'; text++, n++) {
                        value = value * 10 + (unsigned) (*text - '0');
                        if (value > 255 || n >= 8)
                                return -EINVAL;
                }
                if (n == 0 || *text != (i < 3 ? '.' : '\0'))
                        return -EINVAL;
                text++;
                bytes[i] = (uint8_t) value;
        }
        memcpy(ret, bytes, 4);
        return 0;
}

int ip_addr_parse(const char *text, IpAddr *ret) {
        IpAddr addr = {};
        struct in6_addr v6;

        if (ip_addr_parse_v4(text, addr.bytes) >= 0) {
                addr.family = AF_INET;
                *ret = addr;
                return 0;
        }
        if (inet_pton(AF_INET6, text, &v6) != 1)
                return -EINVAL;

        return ip_addr_from_bytes(IN6_IS_ADDR_V4MAPPED(&v6) ? AF_INET : AF_INET6,
                                  v6.s6_addr + (IN6_IS_ADDR_V4MAPPED(&v6) ? 12 : 0),
                                  IN6_IS_ADDR_V4MAPPED(&v6) ? 4 : 16,
                                  ret);
}

int ip_addr_from_bytes(int family, const void *bytes, size_t size, IpAddr *ret) {
        IpAddr addr = {};

        if (!((family == AF_INET && size >= 4) || (family == AF_INET6 && size >= 16)))
                return -EINVAL;
        addr.family = (uint8_t) family;
        memcpy(addr.bytes, bytes, family == AF_INET ? 4 : 16);
        *ret = addr;
        return 0;
}

/* Clears the bits behind the prefix. */
static void ip_addr_mask(IpAddr *addr, unsigned prefix) {
        for (size_t i = 0; i < ip_addr_size(addr); i++) {
                unsigned bits = prefix > i * 8 ? MIN2(prefix - (unsigned) i * 8, 8U) : 0;

                addr->bytes[i] &= (uint8_t) (0xff00U >> bits);
        }
}

int ip_net_parse(const char *text, IpNet *ret) {
        char addr_text[IP_ADDR_STRLEN];
        const char *slash = strchr(text, '/');
        uint16_t prefix;
        IpNet net = {};

        if (!slash || (size_t) (slash - text) >= sizeof(addr_text))
                return -EINVAL;
        memcpy(addr_text, text, (size_t) (slash - text));
        addr_text[slash - text] = '\0';

        if (ip_addr_parse(addr_text, &net.addr) < 0 || parse_uint16(slash + 1, &prefix) < 0 ||
            prefix > ip_addr_size(&net.addr) * 8)
                return -EINVAL;
        net.prefix = (uint8_t) prefix;
        ip_addr_mask(&net.addr, prefix);
        *ret = net;
        return 0;
}

const char *ip_addr_format(const IpAddr *addr, char buf[static IP_ADDR_STRLEN]) {
        if (addr->family == 0 || !inet_ntop(addr->family, addr->bytes, buf, IP_ADDR_STRLEN))
                buf[0] = '\0';
        return buf;
}

const char *ip_net_format(const IpNet *net, char buf[static IP_NET_STRLEN]) {
        char addr[IP_ADDR_STRLEN];

        (void) snprintf(buf, IP_NET_STRLEN, "%s/%u", ip_addr_format(&net->addr, addr), net->prefix);
        return buf;
}

const char *ip_port_format(const IpAddr *addr, uint16_t port, char buf[static IP_PORT_STRLEN]) {
        char text[IP_ADDR_STRLEN];

        (void) snprintf(buf,
                        IP_PORT_STRLEN,
                        addr->family == AF_INET6 ? "[%s]:%u" : "%s:%u",
                        ip_addr_format(addr, text),
                        port);
        return buf;
}

size_t ip_addr_size(const IpAddr *addr) {
        return addr->family == AF_INET ? 4 : addr->family == AF_INET6 ? 16 : 0;
}

bool ip_addr_equal(const IpAddr *a, const IpAddr *b) {
        return memcmp(a, b, sizeof(*a)) == 0;
}

int ip_addr_compare(const IpAddr *a, const IpAddr *b) {
        return memcmp(a, b, sizeof(*a)); /* AF_INET < AF_INET6, and the family comes first */
}

int ip_port_compare(const IpPort *a, const IpPort *b) {
        int r = ip_addr_compare(&a->addr, &b->addr);

        return r != 0 ? r : (int) a->port - (int) b->port;
}

bool ip_net_contains(const IpNet *net, const IpAddr *addr) {
        IpAddr masked = *addr;

        if (addr->family != net->addr.family)
                return false;
        ip_addr_mask(&masked, net->prefix);
        return ip_addr_equal(&masked, &net->addr);
}

bool ip_addr_is_unspecified(const IpAddr *addr) {
        static const uint8_t zero[16];

        return addr->family != 0 && memcmp(addr->bytes, zero, sizeof(zero)) == 0;
}

bool ip_addr_is_loopback(const IpAddr *addr) {
        static const uint8_t one[16] = { [15] = 1 };

        return (addr->family == AF_INET && addr->bytes[0] == 127) ||
               (addr->family == AF_INET6 && memcmp(addr->bytes, one, sizeof(one)) == 0);
}

bool ip_addr_is_multicast(const IpAddr *addr) {
        return (addr->family == AF_INET && (addr->bytes[0] & 0xf0) == 0xe0) ||
               (addr->family == AF_INET6 && addr->bytes[0] == 0xff);
}

bool ip_addr_is_link_local(const IpAddr *addr) {
        return (addr->family == AF_INET && addr->bytes[0] == 169 && addr->bytes[1] == 254) ||
               (addr->family == AF_INET6 && addr->bytes[0] == 0xfe &&
                (addr->bytes[1] & 0xc0) == 0x80);
}
