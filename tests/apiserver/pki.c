/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/pki.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/apiserver/buffer.h"

#define PKI_LIFETIME_SEC (365 * 24 * 3600)
#define PKI_CLOCK_SKEW_SEC (24 * 3600) /* a node's clock may be behind the host's */
#define PKI_CREDENTIALS_MAX 64

typedef struct Identity {
        gnutls_x509_crt_t certificate; /* owned */
        gnutls_x509_privkey_t key; /* owned */
        gnutls_datum_t certificate_pem, key_pem; /* owned */
} Identity;

struct Pki {
        Identity ca, server, client;
        /* sessions may still use older ones: the last is the current one; owned */
        gnutls_certificate_credentials_t credentials[PKI_CREDENTIALS_MAX];
        size_t n_credentials;
};

static void identity_done(Identity *identity) {
        if (identity->certificate)
                gnutls_x509_crt_deinit(identity->certificate);
        if (identity->key)
                gnutls_x509_privkey_deinit(identity->key);
        gnutls_free(identity->certificate_pem.data);
        gnutls_free(identity->key_pem.data);
        *identity = (Identity) {};
}

Pki *pki_free(Pki *pki) {
        if (!pki)
                return NULL;
        identity_done(&pki->ca);
        identity_done(&pki->server);
        identity_done(&pki->client);
        for (size_t i = 0; i < pki->n_credentials; i++)
                gnutls_certificate_free_credentials(pki->credentials[i]);
        free(pki);
        return NULL;
}

/* ---- certificates */

static int identity_begin(Identity *identity, const char *common_name, const char *organisation) {
        uint8_t serial[16];
        time_t now = time(NULL);
        int r;

        r = gnutls_x509_crt_init(&identity->certificate);
        if (r >= 0)
                r = gnutls_x509_privkey_init(&identity->key);
        if (r >= 0)
                r = gnutls_x509_privkey_generate(
                        identity->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
        if (r >= 0)
                r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
        if (r < 0)
                return r;
        serial[0] &= 0x7f; /* positive */
        r = gnutls_x509_crt_set_version(identity->certificate, 3);
        if (r >= 0)
                r = gnutls_x509_crt_set_serial(identity->certificate, serial, sizeof serial);
        if (r >= 0)
                r = gnutls_x509_crt_set_activation_time(identity->certificate, now - PKI_CLOCK_SKEW_SEC);
        if (r >= 0)
                r = gnutls_x509_crt_set_expiration_time(identity->certificate, now + PKI_LIFETIME_SEC);
        if (r >= 0 && organisation)
                r = gnutls_x509_crt_set_dn_by_oid(identity->certificate,
                                                  GNUTLS_OID_X520_ORGANIZATION_NAME,
                                                  0,
                                                  organisation,
                                                  (unsigned) strlen(organisation));
        if (r >= 0)
                r = gnutls_x509_crt_set_dn_by_oid(identity->certificate,
                                                  GNUTLS_OID_X520_COMMON_NAME,
                                                  0,
                                                  common_name,
                                                  (unsigned) strlen(common_name));
        return r < 0 ? r : gnutls_x509_crt_set_key(identity->certificate, identity->key);
}

static int identity_finish(Identity *identity, const Identity *issuer) {
        uint8_t id[32];
        size_t size = sizeof id;
        int r;

        r = gnutls_x509_crt_get_key_id(identity->certificate, 0, id, &size);
        if (r >= 0)
                r = gnutls_x509_crt_set_subject_key_id(identity->certificate, id, size);
        size = sizeof id;
        if (r >= 0)
                r = gnutls_x509_crt_get_key_id(issuer->certificate, 0, id, &size);
        if (r >= 0)
                r = gnutls_x509_crt_set_authority_key_id(identity->certificate, id, size);
        if (r >= 0)
                r = gnutls_x509_crt_sign2(
                        identity->certificate, issuer->certificate, issuer->key, GNUTLS_DIG_SHA256, 0);
        if (r >= 0)
                r = gnutls_x509_crt_export2(
                        identity->certificate, GNUTLS_X509_FMT_PEM, &identity->certificate_pem);
        return r < 0 ? r : gnutls_x509_privkey_export2(identity->key, GNUTLS_X509_FMT_PEM, &identity->key_pem);
}

static int ca_make(Identity *ca) {
        int r;

        r = identity_begin(ca, "ipvsproxy test CA", NULL);
        if (r >= 0)
                r = gnutls_x509_crt_set_basic_constraints(ca->certificate, 1, -1);
        if (r >= 0)
                r = gnutls_x509_crt_set_key_usage(ca->certificate, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
        return r < 0 ? r : identity_finish(ca, ca);
}

static int leaf_begin(Identity *leaf, const char *name, const char *organisation, const char *purpose) {
        int r;

        r = identity_begin(leaf, name, organisation);
        if (r >= 0)
                r = gnutls_x509_crt_set_basic_constraints(leaf->certificate, 0, -1);
        if (r >= 0)
                r = gnutls_x509_crt_set_key_usage(leaf->certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
        return r < 0 ? r : gnutls_x509_crt_set_key_purpose_oid(leaf->certificate, purpose, 0);
}

static int leaf_add_name(Identity *leaf, const char *name) {
        uint8_t address[16];
        gnutls_x509_subject_alt_name_t type = GNUTLS_SAN_DNSNAME;
        const void *bytes = name;
        size_t size = strlen(name);

        if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1) {
                type = GNUTLS_SAN_IPADDRESS;
                bytes = address;
                size = strchr(name, ':') ? 16 : 4;
        }
        return gnutls_x509_crt_set_subject_alt_name(
                leaf->certificate, type, bytes, (unsigned) size, GNUTLS_FSAN_APPEND);
}

static int server_make(Identity *server, const Identity *ca, const char *const *names) {
        int r;

        r = leaf_begin(server, "kube-apiserver", NULL, GNUTLS_KP_TLS_WWW_SERVER);
        for (size_t i = 0; r >= 0 && names[i]; i++)
                r = leaf_add_name(server, names[i]);
        return r < 0 ? r : identity_finish(server, ca);
}

static int client_make(Identity *client, const Identity *ca, const PkiOptions *options) {
        int r;

        r = leaf_begin(client, options->user, options->group, GNUTLS_KP_TLS_WWW_CLIENT);
        return r < 0 ? r : identity_finish(client, ca);
}

static int pki_make_credentials(Pki *pki) {
        gnutls_certificate_credentials_t credentials = NULL;
        int r;

        if (pki->n_credentials == PKI_CREDENTIALS_MAX)
                return GNUTLS_E_MEMORY_ERROR;
        r = gnutls_certificate_allocate_credentials(&credentials);
        if (r < 0)
                return r;
        pki->credentials[pki->n_credentials++] = credentials;
        r = gnutls_certificate_set_x509_key(credentials, &pki->server.certificate, 1, pki->server.key);
        if (r >= 0)
                r = gnutls_certificate_set_x509_trust(credentials, &pki->ca.certificate, 1);
        return r < 0 ? r : 0;
}

/* ---- files */

int pki_write_file(const char *folder, const char *name, const void *bytes, size_t size) {
        _cleanup_(freep) char *path = NULL, *temporary = NULL;
        _cleanup_(closep) int fd = -1;
        ssize_t n;

        if (asprintf(&path, "%s/%s", folder, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (asprintf(&temporary, "%s/.%s.new", folder, name) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        n = write(fd, bytes, size);
        if (n < 0 || (size_t) n != size)
                return n < 0 ? -errno : -EIO;
        return rename(temporary, path) < 0 ? -errno : 0;
}

static int pki_write_identity(const PkiOptions *options, const char *name, const Identity *identity) {
        _cleanup_(freep) char *certificate = NULL, *key = NULL;
        int r;

        if (asprintf(&certificate, "%s.crt", name) < 0 || asprintf(&key, "%s.key", name) < 0)
                return -ENOMEM;
        r = pki_write_file(
                options->folder, certificate, identity->certificate_pem.data, identity->certificate_pem.size);
        if (r < 0)
                return r;
        return pki_write_file(options->folder, key, identity->key_pem.data, identity->key_pem.size);
}

int pki_rotate(Pki *pki, const PkiOptions *options, bool all) {
        int r = 0;

        if (all) {
                identity_done(&pki->ca);
                identity_done(&pki->client);
                r = ca_make(&pki->ca);
                if (r >= 0)
                        r = client_make(&pki->client, &pki->ca, options);
        }
        identity_done(&pki->server);
        if (r >= 0)
                r = server_make(&pki->server, &pki->ca, options->names);
        if (r >= 0)
                r = pki_make_credentials(pki);
        if (r < 0)
                return -EIO;
        r = pki_write_identity(options, "ca", &pki->ca);
        if (r >= 0)
                r = pki_write_identity(options, "server", &pki->server);
        return r < 0 ? r : pki_write_identity(options, "client", &pki->client);
}

int pki_new(const PkiOptions *options, Pki **ret) {
        _cleanup_(pki_freep) Pki *pki = calloc(1, sizeof *pki);
        int r;

        if (!pki)
                return -ENOMEM;
        r = pki_rotate(pki, options, /* all= */ true);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(pki);
        return 0;
}

gnutls_certificate_credentials_t pki_credentials(const Pki *pki) {
        return pki->credentials[pki->n_credentials - 1];
}

/* ---- kubeconfigs */

static void put_base64(Buffer *buffer, const gnutls_datum_t *bytes) {
        gnutls_datum_t text = {};

        if (gnutls_base64_encode2(bytes, &text) < 0) {
                buffer->failed = true;
                return;
        }
        buffer_append(buffer, text.data, text.size);
        gnutls_free(text.data);
}

/* `user` is the lines below "user:", `ca` those of the cluster's CA. */
static int write_kubeconfig(const PkiOptions *options,
                            const char *name,
                            const char *url,
                            Buffer *ca,
                            Buffer *user) {
        Buffer b = {};
        int r;

        buffer_printf(&b,
                      "apiVersion: v1\nkind: Config\ncurrent-context: test\ncontexts:\n- name: test\n"
                      "  context: {cluster: test, user: node}\nclusters:\n- name: test\n  cluster:\n"
                      "    server: %s\n",
                      url);
        buffer_append(&b, ca->data, ca->size);
        buffer_text(&b, "users:\n- name: node\n  user:");
        buffer_text(&b, user->size > 0 ? "\n" : " {}\n");
        buffer_append(&b, user->data, user->size);
        r = b.failed || ca->failed || user->failed ? -ENOMEM
                                                   : pki_write_file(options->folder, name, b.data, b.size);
        buffer_done(&b);
        return r;
}

int pki_write_kubeconfigs(const Pki *pki, const PkiOptions *options, const char *url, const char *token) {
        Buffer ca = {}, ca_file = {}, inline_user = {}, file_user = {}, token_user = {}, token_file_user = {},
               nobody = {};
        int r;

        buffer_text(&ca, "    certificate-authority-data: ");
        put_base64(&ca, &pki->ca.certificate_pem);
        buffer_text(&ca, "\n");
        buffer_text(&ca_file, "    certificate-authority: ca.crt\n");
        buffer_text(&inline_user, "    client-certificate-data: ");
        put_base64(&inline_user, &pki->client.certificate_pem);
        buffer_text(&inline_user, "\n    client-key-data: ");
        put_base64(&inline_user, &pki->client.key_pem);
        buffer_text(&inline_user, "\n");
        buffer_text(&file_user, "    client-certificate: client.crt\n    client-key: client.key\n");
        buffer_printf(&token_user, "    token: %s\n", token ? token : "none");
        buffer_text(&token_file_user, "    tokenFile: token\n");

        r = write_kubeconfig(options, "kubeconfig", url, &ca, &inline_user);
        if (r >= 0)
                r = write_kubeconfig(options, "kubeconfig.files", url, &ca_file, &file_user);
        if (r >= 0)
                r = write_kubeconfig(options, "kubeconfig.token", url, &ca, &token_user);
        if (r >= 0)
                r = write_kubeconfig(options, "kubeconfig.token-file", url, &ca_file, &token_file_user);
        if (r >= 0)
                r = write_kubeconfig(options, "kubeconfig.anonymous", url, &ca, &nobody);
        if (r >= 0)
                r = pki_write_file(options->folder, "token", token ? token : "none", strlen(token ? token : "none"));
        buffer_done(&ca);
        buffer_done(&ca_file);
        buffer_done(&inline_user);
        buffer_done(&file_user);
        buffer_done(&token_user);
        buffer_done(&token_file_user);
        return r;
}
