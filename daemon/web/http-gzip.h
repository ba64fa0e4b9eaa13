/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An answer that is streamed, compressed for those who take it: a scrape of thousands of services is a tenth as large. */
#pragma once

#include <stdbool.h>

#include "web/http-server.h"

/* Whether Accept-Encoding (NULL = there is none) names gzip, and not with q=0. */
bool http_gzip_is_accepted(const char *accept_encoding);
/* Puts a stream that compresses in the place of *stream, which it takes. -ENOMEM leaves that as it is. */
int http_gzip_wrap(HttpStream *stream);
