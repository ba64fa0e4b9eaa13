/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the server's name has several addresses. libcurl looks names up without blocking, but does not tell what it
 * found; it asks for a socket to one address after the other, though, when it gets none. A scout is a request that gets
 * none at all: not one packet leaves for the server.
 */
#include "apiserver/http-private.h"

void http_transfer_scout(HttpTransfer *transfer, const IpAddr *addr) {
        if (transfer->n_tried++ == 0)
                transfer->first = *addr;
        else if (!ip_addr_equal(&transfer->first, addr))
                transfer->several = true;
}

static void on_response(unsigned status, uint64_t retry_after_usec, void *userdata) {
}

static int on_data(const char *bytes, size_t size, void *userdata) {
        return 0;
}

/* It always fails. A name that was not found says nothing new. */
static void on_done(int error, const char *message, void *userdata) {
        HttpClient *client = userdata;

        if (client->scout->n_tried > 0)
                client->several = client->scout->several;
        client->scout = NULL;
}

int http_client_scout(HttpClient *client) {
        static const HttpHandlers handlers = { .response = on_response, .data = on_data, .done = on_done };

        if (client->scout || credentials_has_proxy(client->credentials))
                return 0;
        return http_client_get(client, HTTP_MODE_SCOUT, "/", &handlers, client, &client->scout);
}

bool http_client_has_several(const HttpClient *client) {
        return client->several && !credentials_has_proxy(client->credentials);
}
