/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/virtual-server.h"

#include <stdio.h>
#include <string.h>

static uint64_t virtual_server_key_hash(const void *key) {
        return hash_bytes(key, sizeof(VirtualServerKey));
}

static bool virtual_server_key_equal(const void *a, const void *b) {
        return memcmp(a, b, sizeof(VirtualServerKey)) == 0;
}

const HashOps virtual_server_key_ops = {
        .hash = virtual_server_key_hash,
        .equal = virtual_server_key_equal,
};

_Static_assert(sizeof(VirtualServerKey) == 4 + 2 + 1 + sizeof(IpAddr), "no padding in a key");

int virtual_server_key_compare(const VirtualServerKey *a, const VirtualServerKey *b) {
        int r = ip_addr_compare(&a->addr, &b->addr);

        if (r != 0)
                return r;
        if (a->protocol != b->protocol)
                return a->protocol < b->protocol ? -1 : 1;
        if (a->port != b->port)
                return a->port < b->port ? -1 : 1;
        return a->fwmark < b->fwmark ? -1 : a->fwmark > b->fwmark;
}

const char *virtual_server_key_format(const VirtualServerKey *key, char buf[static VIRTUAL_SERVER_STRLEN]) {
        char text[IP_PORT_STRLEN];

        if (key->fwmark > 0)
                (void) snprintf(buf, VIRTUAL_SERVER_STRLEN, "FWM %u", key->fwmark);
        else
                (void) snprintf(buf,
                                VIRTUAL_SERVER_STRLEN,
                                "%s/%s",
                                ip_port_format(&key->addr, key->port, text),
                                protocol_to_kube((Protocol) key->protocol));
        return buf;
}

bool virtual_server_equal(const VirtualServer *a, const VirtualServer *b) {
        bool persistent = a->flags & VIRTUAL_SERVER_PERSISTENT;

        return a->flags == b->flags && strcmp(a->scheduler, b->scheduler) == 0 &&
               (!persistent || a->timeout_sec == b->timeout_sec);
}

int real_server_compare(const void *a, const void *b) {
        return ip_port_compare(&((const RealServer *) a)->addr, &((const RealServer *) b)->addr);
}
