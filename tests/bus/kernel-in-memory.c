/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole daemon over a kernel in memory, for attack.sh: each real server that gets a weight is told, as its address, to
 * the datagram socket that IPVSPROXY_TEST_NOTICES names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kernel/memory-backend.h"

static const KernelBackendOps *original;
static KernelBackendOps telling;
static struct sockaddr_un listener = { .sun_family = AF_UNIX };
static int notices = -1;

static int telling_ipvs_apply(KernelBackend *backend, IpvsOp *ops, size_t n_ops) {
        char text[IP_ADDR_STRLEN];
        int r = original->ipvs_apply(backend, ops, n_ops);

        for (size_t i = 0; i < n_ops; i++) {
                if ((ops[i].kind != IPVS_OP_ADD_DEST && ops[i].kind != IPVS_OP_SET_DEST) || ops[i].result < 0 || ops[i].dest.weight == 0)
                        continue;
                (void) ip_addr_format(&ops[i].dest.addr.addr, text);
                (void) sendto(notices, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *) &listener, sizeof(listener));
        }
        return r;
}

int kernel_backend_new(KernelBackend **ret) {
        const char *path = getenv("IPVSPROXY_TEST_NOTICES");
        int r = memory_backend_new(ret);

        if (r < 0 || !path || strlen(path) >= sizeof(listener.sun_path))
                return r;
        memcpy(listener.sun_path, path, strlen(path) + 1);
        notices = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        original = (*ret)->ops;
        telling = *original;
        telling.ipvs_apply = telling_ipvs_apply;
        (*ret)->ops = &telling;
        return 0;
}
