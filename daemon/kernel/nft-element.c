/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft-element.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "model/service.h"

static void nft_key_append(NftKey *key, const void *first, const void *last, size_t size) {
        memcpy(key->first + key->size, first, size);
        memcpy(key->last + key->size, last, size);
        key->size += (size + 3) / 4 * 4;
}

static int nft_key_append_prefix(NftKey *key, const IpAddr *addr, unsigned prefix) {
        IpAddr first = *addr, last = *addr;
        size_t size = ip_addr_size(addr);

        if (prefix > 8 * size)
                return -EINVAL;
        for (size_t i = 0; i < size; i++) {
                unsigned n_bits = prefix <= 8 * i ? 0 : prefix - 8 * (unsigned) i;
                uint8_t mask = n_bits >= 8 ? 0xff : (uint8_t) (0xff00 >> n_bits);

                first.bytes[i] &= mask;
                last.bytes[i] |= (uint8_t) ~mask;
        }
        nft_key_append(key, first.bytes, last.bytes, size);
        return 0;
}

int nft_key_from_element(const FilterElement *element, NftKey *ret) {
        const FilterSetType *type;
        NftKey key = {};
        int r = 0;

        if (element->set >= _FILTER_SET_MAX)
                return -EINVAL;
        type = filter_set_type((FilterSet) element->set);
        if (ip_addr_size(&element->addr) == 0)
                return -EINVAL;
        nft_key_append(&key, element->addr.bytes, element->addr.bytes, ip_addr_size(&element->addr));
        if (type->has_port) {
                uint8_t port[2] = { (uint8_t) (element->port >> 8), (uint8_t) element->port };
                uint8_t protocol;

                if (element->protocol >= _PROTOCOL_MAX)
                        return -EINVAL;
                protocol = (uint8_t) protocol_to_ip((Protocol) element->protocol);
                nft_key_append(&key, &protocol, &protocol, sizeof protocol);
                nft_key_append(&key, port, port, sizeof port);
        }
        if (type->has_source) {
                if (element->source.family != element->addr.family)
                        return -EINVAL;
                r = nft_key_append_prefix(&key,
                                          &element->source,
                                          type->interval ? element->source_prefix :
                                                           8 * (unsigned) ip_addr_size(&element->source));
        }
        if (r < 0)
                return r;
        *ret = key;
        return 0;
}

/* The length of the prefix whose first and last address these are. */
static int nft_prefix_length(const uint8_t *first, const uint8_t *last, size_t size) {
        size_t n = 0;

        while (n < 8 * size && ((first[n / 8] ^ last[n / 8]) & (0x80 >> n % 8)) == 0)
                n++;
        for (size_t i = n; i < 8 * size; i++)
                if ((first[i / 8] & (0x80 >> i % 8)) != 0 || (last[i / 8] & (0x80 >> i % 8)) == 0)
                        return -EINVAL;
        return (int) n;
}

int nft_key_to_element(const NftKey *key, FilterSet set, int family, FilterElement *ret) {
        const FilterSetType *type = filter_set_type(set);
        FilterElement element = { .set = (uint8_t) set };
        size_t addr_size = family == AF_INET ? 4 : 16, used = addr_size;

        if (key->size != addr_size + (type->has_port ? 8 : 0) + (type->has_source ? addr_size : 0) ||
            ip_addr_from_bytes(family, key->first, addr_size, &element.addr) < 0)
                return -EINVAL;
        if (type->has_port) {
                Protocol protocol = protocol_from_ip(key->first[used]);

                if (protocol < 0 || protocol >= _PROTOCOL_MAX)
                        return -EINVAL;
                element.protocol = (uint8_t) protocol;
                element.port = (uint16_t) (key->first[used + 4] << 8 | key->first[used + 5]);
                used += 8;
        }
        if (type->has_source && ip_addr_from_bytes(family, key->first + used, addr_size, &element.source) < 0)
                return -EINVAL;
        if (type->interval) {
                int prefix = nft_prefix_length(key->first + used, key->last + used, addr_size);

                if (prefix < 0 || memcmp(key->first, key->last, used) != 0)
                        return -EINVAL;
                element.source_prefix = (uint8_t) prefix;
        }
        *ret = element;
        return 0;
}
