/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which watches are silent. What answers a probe speaks for the address that it led to alone: over HTTP/1.1 the watches may
 * be spread over several, and each is asked in its turn.
 */
#include <string.h>

#include "apiserver/http-private.h"

const char *http_transfer_address(const HttpTransfer *transfer) {
        char *text = NULL;

        if (curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &text) != CURLE_OK || !text || !*text)
                return NULL;
        return text;
}

const HttpTransfer *http_client_quietest(const HttpClient *client) {
        const HttpTransfer *quietest = NULL;

        for (const HttpTransfer *transfer = client->transfers; transfer; transfer = transfer->next)
                if (transfer->mode == HTTP_MODE_WATCH && (!quietest || transfer->heard_usec < quietest->heard_usec) &&
                    http_transfer_address(transfer))
                        quietest = transfer;
        return quietest;
}

void http_client_answered(HttpClient *client, const HttpTransfer *probe) {
        const char *address = http_transfer_address(probe), *other;

        for (HttpTransfer *transfer = client->transfers; transfer && address; transfer = transfer->next) {
                other = transfer->mode == HTTP_MODE_WATCH ? http_transfer_address(transfer) : NULL;
                if (other && strcmp(address, other) == 0)
                        transfer->heard_usec = http_client_now(client);
        }
}

uint64_t http_client_heard_usec(const HttpClient *client) {
        uint64_t least = 0;

        for (const HttpTransfer *transfer = client->transfers; transfer; transfer = transfer->next)
                if (transfer->mode == HTTP_MODE_WATCH && (least == 0 || transfer->heard_usec < least))
                        least = transfer->heard_usec;
        return least;
}
