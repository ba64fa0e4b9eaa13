/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "apiserver/credentials-private.h"
#include "common/log.h"
#include "config/config-read.h"

#define TOKEN_MAX (64U << 10)
#define TOKEN_AGE_MAX_USEC (60 * USEC_PER_SEC)

/* ---- files */

static FileStamp file_stamp(const char *path) {
        FileStamp stamp = {};
        struct stat st;

        if (!path || stat(path, &st) < 0)
                return stamp;
        stamp.device = st.st_dev;
        stamp.inode = st.st_ino;
        stamp.size = st.st_size;
        stamp.modified = st.st_mtim;
        return stamp;
}

static bool file_stamp_equal(const FileStamp *a, const FileStamp *b) {
        return a->device == b->device && a->inode == b->inode && a->size == b->size &&
               a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

static void credentials_stamp(const Credentials *credentials, FileStamp ret[static _STAMPED_FILE_MAX]) {
        const KubeClientConfig *config = credentials->config;

        ret[STAMPED_FILE_CA] = file_stamp(config->ca_data.data ? NULL : config->ca_file);
        ret[STAMPED_FILE_CERT] = file_stamp(config->cert_data.data ? NULL : config->cert_file);
        ret[STAMPED_FILE_KEY] = file_stamp(config->key_data.data ? NULL : config->key_file);
}

bool credentials_rotated(Credentials *credentials) {
        FileStamp stamps[_STAMPED_FILE_MAX];
        bool rotated = false;

        credentials_stamp(credentials, stamps);
        for (size_t i = 0; i < _STAMPED_FILE_MAX; i++)
                rotated = rotated || !file_stamp_equal(&stamps[i], &credentials->stamps[i]);
        rotated = rotated && credentials->stamped;
        memcpy(credentials->stamps, stamps, sizeof(stamps));
        credentials->stamped = true;
        return rotated;
}

static void secret_free(char *secret) {
        if (!secret)
                return;
        explicit_bzero(secret, strlen(secret));
        free(secret);
}
DEFINE_CLEANUP(char *, secret_free);

/* A token is one line of visible characters: it becomes part of a header. */
static int token_read(const char *path, char **ret) {
        _cleanup_(secret_freep) char *text = NULL;
        size_t size, start;
        int r = config_read_file(path, TOKEN_MAX, &text, &size);

        if (r < 0)
                return r;
        while (size > 0 && strchr(" \t\r\n", text[size - 1]))
                text[--size] = '\0';
        start = strspn(text, " \t\r\n");
        for (size_t i = start; i < size; i++)
                if ((unsigned char) text[i] <= 0x20 || (unsigned char) text[i] >= 0x7f)
                        return -EINVAL;
        if (start == size)
                return -ENODATA;
        memmove(text, text + start, size - start + 1);
        *ret = TAKE_PTR(text);
        return 0;
}

bool credentials_renew_token(Credentials *credentials) {
        const char *path = credentials->config->token_file;
        char *token = NULL;
        bool same;
        int r;

        if (!path)
                return false;
        credentials->token_stamp = file_stamp(path);
        r = token_read(path, &token);
        if (r < 0) {
                if (!credentials->token_read_failed)
                        (void) log_warning_errno(r, "Failed to read the token file %s, %s: %m", path,
                                                 credentials->token ? "using the token read before" : "going without");
                credentials->token_read_failed = true;
                return false;
        }
        credentials->token_read_failed = false;
        same = credentials->token && strcmp(credentials->token, token) == 0;
        secret_free(credentials->token);
        credentials->token = token;
        return !same;
}

bool credentials_token_changed(Credentials *credentials) {
        FileStamp stamp = file_stamp(credentials->config->token_file);

        return credentials->config->token_file && !file_stamp_equal(&stamp, &credentials->token_stamp) &&
               credentials_renew_token(credentials);
}

/* The token to send, or NULL. Borrowed. */
static const char *credentials_token(Credentials *credentials, uint64_t now_usec) {
        const KubeClientConfig *config = credentials->config;

        if (config->token_file) {
                FileStamp stamp = file_stamp(config->token_file);

                if (!credentials->token || now_usec - credentials->token_read_usec >= TOKEN_AGE_MAX_USEC ||
                    !file_stamp_equal(&stamp, &credentials->token_stamp)) {
                        (void) credentials_renew_token(credentials);
                        credentials->token_read_usec = now_usec;
                }
        }
        return credentials->token ? credentials->token : config->token;
}

/* ---- options of one handle */

static int option_check(CURLcode code) {
        return code == CURLE_OK ? 0 : code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EIO;
}

static int option_string(CURL *easy, CURLoption option, const char *text) {
        return option_check(curl_easy_setopt(easy, option, text));
}

static int option_blob(CURL *easy, CURLoption option, const KubeBlob *blob) {
        struct curl_blob data = { .data = blob->data, .len = blob->size, .flags = CURL_BLOB_COPY };

        return option_check(curl_easy_setopt(easy, option, &data));
}

/* Inline data wins over the file. */
static int option_file_or_blob(CURL *easy,
                               CURLoption blob_option,
                               const KubeBlob *blob,
                               CURLoption file_option,
                               const char *file) {
        if (blob->data)
                return option_blob(easy, blob_option, blob);
        return file ? option_string(easy, file_option, file) : 0;
}

static int credentials_apply_tls(const Credentials *credentials, CURL *easy) {
        const KubeClientConfig *config = credentials->config;
        int r;

        if (config->insecure_skip_tls_verify) {
                (void) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
                (void) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
        } else if (config->ca_data.data || config->ca_file) {
                /* Only this CA: the distribution's directory of CAs would be trusted beside it. */
                r = option_string(easy, CURLOPT_CAPATH, NULL);
                if (r >= 0)
                        r = option_file_or_blob(easy, CURLOPT_CAINFO_BLOB, &config->ca_data, CURLOPT_CAINFO, config->ca_file);
                if (r < 0)
                        return r;
        }
        r = option_file_or_blob(easy, CURLOPT_SSLCERT_BLOB, &config->cert_data, CURLOPT_SSLCERT, config->cert_file);
        if (r >= 0)
                r = option_file_or_blob(easy, CURLOPT_SSLKEY_BLOB, &config->key_data, CURLOPT_SSLKEY, config->key_file);
        if (r < 0)
                return r;
        /* A resumed session would go on as who the old certificate said. */
        (void) curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
        return option_check(curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2));
}

static int header_add(struct curl_slist **headers, const char *text) {
        struct curl_slist *list = curl_slist_append(*headers, text);

        if (!list)
                return -ENOMEM;
        *headers = list;
        return 0;
}

static int credentials_apply_identity(Credentials *credentials, CURL *easy, uint64_t now_usec, struct curl_slist **headers) {
        const KubeClientConfig *config = credentials->config;
        const char *token = credentials_token(credentials, now_usec);
        _cleanup_(freep) char *header = NULL;
        int r;

        if (token) {
                if (asprintf(&header, "Authorization: Bearer %s", token) < 0)
                        return -ENOMEM;
                r = header_add(headers, header);
                explicit_bzero(header, strlen(header));
                return r;
        }
        if (!config->username)
                return 0;
        (void) curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
        r = option_string(easy, CURLOPT_USERNAME, config->username);
        return r < 0 ? r : option_string(easy, CURLOPT_PASSWORD, config->password ? config->password : "");
}

int credentials_apply(Credentials *credentials,
                      CURL *easy,
                      const char *path,
                      uint64_t now_usec,
                      struct curl_slist **headers,
                      struct curl_slist **connect_to) {
        _cleanup_(freep) char *url = NULL;
        int r;

        if (!credentials->stamped)
                (void) credentials_rotated(credentials);
        if (asprintf(&url, "%s%s", credentials->url, path) < 0)
                return -ENOMEM;
        r = option_string(easy, CURLOPT_URL, url);
        if (r >= 0 && credentials->connect_to)
                r = header_add(connect_to, credentials->connect_to);
        if (r >= 0 && credentials->host_header)
                r = header_add(headers, credentials->host_header);
        if (r >= 0)
                r = option_string(easy, CURLOPT_PROXY, credentials->proxy);
        if (r >= 0)
                r = option_string(easy, CURLOPT_NOPROXY, ""); /* decided already */
        if (r >= 0)
                r = option_string(easy, CURLOPT_ACCEPT_ENCODING, credentials->config->disable_compression ? NULL : "gzip");
        if (r >= 0)
                r = credentials_apply_tls(credentials, easy);
        if (r >= 0)
                r = credentials_apply_identity(credentials, easy, now_usec, headers);
        return r;
}

/* ---- life */

const char *credentials_server(const Credentials *credentials) {
        return credentials->server;
}

bool credentials_has_proxy(const Credentials *credentials) {
        return *credentials->proxy != '\0';
}

int credentials_new(KubeClientConfig *config, Credentials **ret) {
        _cleanup_(credentials_freep) Credentials *credentials = calloc(1, sizeof(Credentials));
        int r;

        if (!credentials) {
                (void) kube_client_config_free(config);
                return -ENOMEM;
        }
        credentials->config = config;
        r = credentials_set_server(credentials);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(credentials);
        return 0;
}

Credentials *credentials_free(Credentials *credentials) {
        if (!credentials)
                return NULL;
        (void) kube_client_config_free(credentials->config);
        secret_free(credentials->token);
        secret_free(credentials->proxy);
        free(credentials->server);
        free(credentials->url);
        free(credentials->connect_to);
        free(credentials->host_header);
        free(credentials);
        return NULL;
}
