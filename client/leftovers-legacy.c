/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/leftovers-legacy.h"

/* First: the headers of the kernel leave out then what libc has defined. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/leftovers.h"

#define NAMES_MAX XT_TABLE_MAXNAMELEN
#define CHAIN_PREFIX "KUBE-"

/* Both families have the same numbers and the same structures for what is asked here. */
static const struct {
        const char *name, *names_file;
        int family, level;
} family_table[] = {
        { "ip", "/proc/net/ip_tables_names", AF_INET, IPPROTO_IP },
        { "ip6", "/proc/net/ip6_tables_names", AF_INET6, IPPROTO_IPV6 },
};

/* Chain names stand in the blob as strings; what is no name of a chain there looks like none. */
static bool blob_has_chain(char *blob, size_t size) {
        char *end = blob + size;

        blob[size - 1] = '\0';
        for (char *p = blob;
             (p = memmem(p, (size_t) (end - p), CHAIN_PREFIX, sizeof(CHAIN_PREFIX) - 1)); p++)
                if (leftover_is_chain(p))
                        return true;
        return false;
}

/* 1 = it has one of kube-proxy's chains */
static int table_look(int fd, int level, const char *table) {
        struct ipt_getinfo info = { 0 };
        _cleanup_(freep) struct ipt_get_entries *entries = NULL;
        socklen_t size = sizeof(info);

        (void) snprintf(info.name, sizeof(info.name), "%s", table);
        if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &size) < 0)
                return -errno;
        if (info.size == 0)
                return 0;
        size = (socklen_t) (sizeof(*entries) + info.size);
        entries = calloc(1, size);
        if (!entries)
                return -ENOMEM;
        (void) snprintf(entries->name, sizeof(entries->name), "%s", table);
        entries->size = info.size;
        /* It may have changed its size; then what is in it is unknown and looked at the next time.
         */
        if (getsockopt(fd, level, IPT_SO_GET_ENTRIES, entries, &size) < 0)
                return errno == EAGAIN ? 0 : -errno;
        return blob_has_chain((char *) entries->entrytable, info.size);
}

static int family_look(size_t family, FILE *names, char *buf, size_t size) {
        _cleanup_(closep) int fd = -1;
        char table[NAMES_MAX];
        int r;

        fd = socket(family_table[family].family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
        if (fd < 0)
                return -errno;
        while (fgets(table, sizeof(table), names)) {
                size_t n = strlen(buf);

                table[strcspn(table, "\n")] = '\0';
                r = table_look(fd, family_table[family].level, table);
                if (r < 0 && r != -ENOENT)
                        return r;
                if (r > 0 && n < size)
                        (void) snprintf(buf + n, size - n, "%s%s %s", n > 0 ? ", " : "",
                                        family_table[family].name, table);
        }
        return 0;
}

int legacy_read(char *buf, size_t size) {
        int r = 0;

        buf[0] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(family_table) && r >= 0; i++) {
                /* Without the file the module is not loaded; to open a socket needs a capability.
                 */
                FILE *names = fopen(family_table[i].names_file, "re");
                int c = names ? fgetc(names) : EOF;

                if (c != EOF) {
                        (void) ungetc(c, names);
                        r = family_look(i, names, buf, size);
                }
                if (names)
                        (void) fclose(names);
        }
        return r;
}
