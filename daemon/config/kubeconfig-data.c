/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/kubeconfig-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/parse.h"

char *kube_wipe_free(char *text) {
        if (text)
                explicit_bzero(text, strlen(text));
        free(text);
        return NULL;
}

void kube_blob_done(KubeBlob *blob) {
        if (blob->data)
                explicit_bzero(blob->data, blob->size);
        free(blob->data);
        *blob = (KubeBlob){};
}

/* ---- base64 */

static int base64_value(char c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The next character that is no line break; NUL at the end. */
static char base64_next(const char **text) {
        while (**text == '\n' || **text == '\r')
                (*text)++;
        return **text == '\0' ? '\0' : *(*text)++;
}

/* Reads one group of four. The number of bytes that it holds (0: the end), or -EINVAL. */
static int base64_group(const char **text, unsigned char ret[static 3]) {
        char c[4] = {};
        uint32_t bits = 0;
        int n = 0, n_padding = 0;

        for (n = 0; n < 4; n++) {
                c[n] = base64_next(text);
                if (c[n] == '\0')
                        return n == 0 ? 0 : -EINVAL;
                if (c[n] == '=')
                        n_padding++;
                else if (n_padding > 0 || base64_value(c[n]) < 0)
                        return -EINVAL;
                bits = bits << 6 | (c[n] == '=' ? 0 : (uint32_t) base64_value(c[n]));
        }
        if (n_padding > 2 || (n_padding > 0 && base64_next(text) != '\0'))
                return -EINVAL;
        ret[0] = (unsigned char) (bits >> 16);
        ret[1] = (unsigned char) (bits >> 8);
        ret[2] = (unsigned char) bits;
        return 3 - n_padding;
}

int kube_base64_decode(const char *text, KubeBlob *ret) {
        KubeBlob blob = { .data = malloc(strlen(text) / 4 * 3 + 3) };
        int n;

        if (!blob.data)
                return -ENOMEM;
        do {
                n = base64_group(&text, blob.data + blob.size);
                blob.size += n > 0 ? (size_t) n : 0;
        } while (n == 3);
        if (n < 0) {
                kube_blob_done(&blob);
                return n;
        }
        *ret = blob;
        return 0;
}

/* ---- PEM */

bool kube_has_pem(const unsigned char *data, size_t size, const char *type) {
        static const char begin[] = "-----BEGIN ";
        const unsigned char *end = data + size;

        while (data < end && (data = memmem(data, (size_t) (end - data), begin, sizeof(begin) - 1))) {
                const unsigned char *label = data + sizeof(begin) - 1;
                const unsigned char *dashes = memmem(label, (size_t) (end - label), "-----", 5);
                size_t n = strlen(type);

                if (!dashes)
                        return false;
                if ((size_t) (dashes - label) >= n && memcmp(dashes - n, type, n) == 0)
                        return true;
                data = dashes + 5;
        }
        return false;
}

/* ---- URLs */

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

static const char kube_host_fault[] = "must name a host, such as https://api.example.com:6443";
static const char kube_v6_fault[] = "has a malformed host: an IPv6 address with a port is written [fd00::1]:6443";

/* Cuts the port off, *ret_port is NULL if there is none. NULL, or what is wrong. */
static const char *kube_split_v6(char *host, const char **ret_port) {
        char *bracket = strchr(host, ']');
        struct in6_addr v6;

        if (!bracket || (bracket[1] != '\0' && bracket[1] != ':'))
                return kube_v6_fault;
        *ret_port = bracket[1] == ':' ? bracket + 2 : NULL;
        *bracket = '\0';
        return inet_pton(AF_INET6, host + 1, &v6) == 1 ? NULL : kube_v6_fault;
}

static const char *kube_split_name(char *host, const char **ret_port) {
        char *colon = strchr(host, ':');

        if (colon && strchr(colon + 1, ':'))
                return kube_v6_fault;
        *ret_port = colon ? colon + 1 : NULL;
        if (colon)
                *colon = '\0';
        return host[0] != '\0' && host[strspn(host, HOST_CHARACTERS)] == '\0' ? NULL : kube_host_fault;
}

/* "host", "host:443", "10.0.0.1:443", "[fd00::1]:443", all of `size` bytes */
static const char *kube_authority_fault(const char *text, size_t size) {
        const char *fault, *port_text;
        char host[256];
        uint16_t port;

        if (memchr(text, '@', size))
                return "must not contain a user name or password";
        if (size == 0 || size >= sizeof(host))
                return kube_host_fault;
        memcpy(host, text, size);
        host[size] = '\0';
        fault = host[0] == '[' ? kube_split_v6(host, &port_text) : kube_split_name(host, &port_text);
        if (fault)
                return fault;
        if (port_text && (parse_uint16(port_text, &port) < 0 || port == 0))
                return "has a malformed port, it must be from 1 to 65535";
        return NULL;
}

static bool has_scheme(const char *text, const char *scheme) {
        return strncasecmp(text, scheme, strlen(scheme)) == 0;
}

static const char *has_no_blanks(const char *text) {
        for (; *text != '\0'; text++)
                if ((unsigned char) *text <= ' ' || (unsigned char) *text >= 0x7f)
                        return "must be a URL without blanks and special characters";
        return NULL;
}

int kube_server_normalize(const char *text, char **ret, const char **ret_fault) {
        const char *fault = has_no_blanks(text), *authority = text, *scheme = "http://";
        bool bare = false;
        size_t size;
        char *server;

        if (has_scheme(text, "https://")) {
                scheme = "https://";
                authority += strlen(scheme);
        } else if (has_scheme(text, "http://"))
                authority += strlen(scheme);
        else if (strstr(text, "://"))
                fault = "must be an https or http URL";
        else
                bare = true;
        size = strcspn(authority, "/?#");
        if (!fault)
                fault = kube_authority_fault(authority, size);
        if (!fault && bare && authority[size] != '\0' && strcmp(authority + size, "/") != 0)
                fault = "must be a URL or a host:port pair";
        if (fault) {
                *ret_fault = fault;
                return -EINVAL;
        }
        size = strcspn(authority, "?#");
        while (size > 0 && authority[size - 1] == '/')
                size--;
        if (asprintf(&server, "%s%.*s", scheme, (int) size, authority) < 0)
                return -ENOMEM;
        *ret = server;
        return 0;
}

const char *kube_proxy_url_fault(const char *text) {
        static const char *const schemes[] = { "http://", "https://", "socks5://" };
        const char *fault = has_no_blanks(text), *authority = NULL, *at;
        size_t size;

        for (size_t i = 0; i < ELEMENTSOF(schemes); i++)
                if (has_scheme(text, schemes[i]))
                        authority = text + strlen(schemes[i]);
        if (fault || !authority)
                return fault ? fault : "must be an http, https or socks5 URL";
        size = strcspn(authority, "/?#");
        at = memrchr(authority, '@', size);
        if (at) {
                size -= (size_t) (at + 1 - authority);
                authority = at + 1;
        }
        fault = kube_authority_fault(authority, size);
        return fault;
}
