/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kubeconfig.c asks of kubeconfig-data.c: base64, PEM, URLs. Nothing here prints a value. */
#pragma once

#include <stddef.h>

#include "config/kubeconfig.h"

/*
 * Standard base64 with padding, as encoding/json decodes []byte: line breaks are passed over, all else is -EINVAL. *ret
 * is to be wiped.
 */
int kube_base64_decode(const char *text, KubeBlob *ret);

void kube_blob_done(KubeBlob *blob);

/* Whether there is a PEM block whose type ends in `type` ("CERTIFICATE", "PRIVATE KEY"). */
bool kube_has_pem(const unsigned char *data, size_t size, const char *type);

/*
 * The server as client-go takes it: without scheme it is http, a slash at the end, query and fragment are cut. -EINVAL
 * with *ret_fault, a constant "must …"; -ENOMEM.
 */
int kube_server_normalize(const char *text, char **ret, const char **ret_fault);

/* http, https or socks5 with a host; NULL if it is fine, else a constant "must …". */
const char *kube_proxy_url_fault(const char *text);

/* Frees text after wiping it; returns NULL. */
char *kube_wipe_free(char *text);
