/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of Credentials, for its files: who we are and whom we trust, and where the server is. */
#pragma once

#include <sys/stat.h>
#include <time.h>

#include "apiserver/credentials.h"

/* What tells one version of a file from another; all zero: there is none. */
typedef struct FileStamp {
        dev_t device;
        ino_t inode;
        off_t size;
        struct timespec modified;
} FileStamp;

typedef enum StampedFile {
        STAMPED_FILE_CA,
        STAMPED_FILE_CERT,
        STAMPED_FILE_KEY,
        _STAMPED_FILE_MAX,
} StampedFile;

struct Credentials {
        KubeClientConfig *config; /* owned, like all below */
        char *server; /* without user information */
        char *url; /* what paths are put behind */
        char *connect_to; /* for CURLOPT_CONNECT_TO; NULL = none */
        char *host_header; /* "Host: …"; NULL = curl's own */
        char *proxy; /* "" = none, not even from the environment */
        FileStamp stamps[_STAMPED_FILE_MAX];
        bool stamped;
        char *token; /* from the file; NULL = none could be read */
        FileStamp token_stamp;
        uint64_t token_read_usec;
        bool token_read_failed;
};

/* credentials-server.c: server, url, connect_to, host_header and proxy, from the config. -EINVAL, -ENOMEM. */
int credentials_set_server(Credentials *credentials);
