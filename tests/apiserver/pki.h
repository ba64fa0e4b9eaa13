/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The certificates of a test cluster, made when it starts and kept in its state folder, with kubeconfigs that use
 * them: kubeconfig (client certificate inline), kubeconfig.files (files), kubeconfig.token, kubeconfig.token-file,
 * kubeconfig.anonymous. Keys are ECDSA P-256. For tests only: private keys are written in the clear.
 */
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "common/macros.h"

typedef struct Pki Pki;

typedef struct PkiOptions {
        const char *folder; /* borrowed, like all below; must exist */
        const char *const *names; /* NULL-terminated: addresses and names of the server */
        const char *user, *group; /* CN and O of the client certificate */
} PkiOptions;

/* Makes a CA, a server and a client certificate and writes them; -EIO if gnutls refuses, or a file's error. */
int pki_new(const PkiOptions *options, Pki **ret);
Pki *pki_free(Pki *pki);
DEFINE_CLEANUP(Pki *, pki_free);

/* A new server certificate (and with `all` a new CA and client certificate as well), as files and as credentials. */
int pki_rotate(Pki *pki, const PkiOptions *options, bool all);

/* What a server needs; borrowed, valid until the Pki goes: older ones stay valid after a rotation. */
gnutls_certificate_credentials_t pki_credentials(const Pki *pki);

/* Writes all kubeconfigs and the file `token`. `url` as "https://10.0.2.2:6443"; token may be NULL. */
int pki_write_kubeconfigs(const Pki *pki, const PkiOptions *options, const char *url, const char *token);

/* Replaces a file in a folder atomically. */
int pki_write_file(const char *folder, const char *name, const void *bytes, size_t size);
