/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes to a request. */
#pragma once

#include "tests/apiserver/http.h"

#define HTTP_HEAD_MAX (64U * 1024U)
#define HTTP_BODY_MAX (8U * 1024U * 1024U)

void http_request_done(HttpRequest *request);

/*
 * Reads one request from the front of the buffer, which keeps the rest. 1 = there is one, 0 = more bytes are needed,
 * -EBADMSG = not HTTP, -EMSGSIZE = too large, -ENOMEM. *ret_expects_continue: the body waits for a "100 Continue".
 */
int http_request_parse(Buffer *in, HttpRequest *ret, bool *ret_expects_continue);
