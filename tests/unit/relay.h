/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A child process between client and server, for tests of how a server is reached: it passes bytes on, as it is or as a
 * proxy that is asked for the way (SOCKS5 of RFC 1928 and 1929, CONNECT). One thread, few connections, no time-outs.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

typedef enum RelayKind {
        RELAY_KIND_PLAIN,
        RELAY_KIND_SOCKS5, /* with "user" and "secret" if the client offers that, else without */
        RELAY_KIND_CONNECT,
} RelayKind;

typedef struct Relay {
        pid_t pid; /* 0 = none; to be stopped or killed as the test likes */
        uint16_t port; /* on 127.0.0.1 */
        int log; /* one line for each connection: where it was asked to go, who asked */
} Relay;

/* `port` 0: any. Everything goes to `to_address`:`to_port`, whatever was asked for. */
void relay_start(Relay *relay, RelayKind kind, uint16_t port, const char *to_address, uint16_t to_port);
/* What it logged since the last call, without waiting. */
const char *relay_log(const Relay *relay, char *buffer, size_t size);
void relay_stop(Relay *relay);
