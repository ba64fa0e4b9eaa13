/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/refusal-log.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/message-ids.h"

#define REFUSALS_PER_MINUTE 30

static void refusal_log_line(RefusalLog *log,
                             const DesiredPort *port,
                             const char *address,
                             RefusalReason reason,
                             uint64_t now_usec) {
        char service[320], object[96], why[64];

        if (now_usec - log->minute_usec >= 60 * USEC_PER_SEC) {
                log->minute_usec = now_usec;
                log->n_logged = 0;
        }
        if (log->n_logged > REFUSALS_PER_MINUTE)
                return;
        if (log->n_logged++ == REFUSALS_PER_MINUTE) {
                log_warning("More addresses of services are not served, see ipvsproxyctl list "
                            "--state=refused");
                return;
        }
        (void) snprintf(service, sizeof(service), "SERVICE=%s", port->id);
        (void) snprintf(object, sizeof(object), "ADDRESS=%s", address);
        (void) snprintf(why, sizeof(why), "REASON=%s", refusal_reason_to_string(reason));
        log_struct(LOG_WARNING,
                   ((const char *const[]){ "MESSAGE_ID=" MESSAGE_ID_ADDRESS_REFUSED, service,
                                           object, why, NULL }),
                   "Not serving %s of service port %s: %s", address, port->id,
                   refusal_reason_to_string(reason));
}

/* The claims of the state before are released by now; whether they were served is kept. */
static bool server_was_refused(const DesiredPort *before, const PortServer *server) {
        for (size_t i = 0; before && i < before->n_servers; i++)
                if (virtual_server_key_compare(&before->servers[i].claim.wanted.key,
                                               &server->claim.wanted.key) == 0)
                        return !before->servers[i].claim.held;
        return false;
}

static bool address_was_refused(const DesiredPort *before, const RefusedAddress *address) {
        for (size_t i = 0; before && i < before->service->n_refused; i++)
                if (before->service->refused[i].reason == address->reason &&
                    ip_addr_compare(&before->service->refused[i].addr, &address->addr) == 0)
                        return true;
        return false;
}

void refusal_log_observe(RefusalLog *log,
                         const DesiredPort *before,
                         const DesiredPort *after,
                         uint64_t now_usec) {
        char text[VIRTUAL_SERVER_STRLEN];

        if (!after)
                return;
        for (size_t i = 0; i < after->n_servers; i++) {
                const PortServer *server = &after->servers[i];
                RefusalReason reason = port_server_refusal(server);

                if (reason != REFUSAL_NONE && !server_was_refused(before, server))
                        refusal_log_line(log, after,
                                         virtual_server_key_format(&server->claim.wanted.key, text),
                                         reason, now_usec);
        }
        if (after != after->service->ports)
                return; /* what follows is of the service as a whole */
        for (size_t i = 0; i < after->service->n_refused; i++)
                if (!address_was_refused(before, &after->service->refused[i]))
                        refusal_log_line(log, after,
                                         ip_addr_format(&after->service->refused[i].addr, text),
                                         after->service->refused[i].reason, now_usec);
}
