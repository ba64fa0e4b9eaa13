/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A KubeClientConfig put to use: where the server is, whom to trust, who to be, for libcurl. Files that rotate are noticed:
 * certificates, keys and CA by a changed inode, size or time, so that connections made with the old ones can be closed; a
 * token file is read again when it changed, at least each minute (bound service account tokens, as client-go does), and
 * at once when the server refused the token. No secret is ever logged or part of an error.
 *
 * tls-server-name: the URL has that name as host, so that SNI and verification go by it, CURLOPT_CONNECT_TO leads to the
 * real host and a Host header names it (client-go: tls.Config.ServerName).
 * Proxies: proxy-url for everything; without it https_proxy or http_proxy and no_proxy from the environment, in either
 * case of letters (proxy-rules.h). The proxy resolves names with socks5 too, as Go has it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#include "common/macros.h"
#include "config/kubeconfig.h"

typedef struct Credentials Credentials;

/* Takes the config in every case. -EINVAL: the server is not an http(s) URL; -ENOMEM. No I/O. */
int credentials_new(KubeClientConfig *config, Credentials **ret);
Credentials *credentials_free(Credentials *credentials);
DEFINE_CLEANUP(Credentials *, credentials_free);

/* "https://host:6443", without user information. */
const char *credentials_server(const Credentials *credentials);

/* Whether connections lead to a proxy. */
bool credentials_has_proxy(const Credentials *credentials);

/* Whether a file of certificate, key or CA is another one than when this was last asked, or the first connection made. */
bool credentials_rotated(Credentials *credentials);
/* Whether the token file is another file than the one read, and has another token. */
bool credentials_token_changed(Credentials *credentials);
/* Reads the token file anew; whether there is another token now. */
bool credentials_renew_token(Credentials *credentials);

/*
 * Sets what is needed for a GET of `path` on `easy`, and adds to *headers and *connect_to, which the caller sets and frees
 * with the handle. `now_usec`: any steady clock. -ENOMEM, -EIO.
 */
int credentials_apply(Credentials *credentials,
                      CURL *easy,
                      const char *path,
                      uint64_t now_usec,
                      struct curl_slist **headers,
                      struct curl_slist **connect_to);
