/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of Web, for the web*.c files. */
#pragma once

#include "web/health-ports.h"
#include "web/http-server.h"
#include "web/metrics.h"
#include "web/web.h"

typedef enum WebBindKind {
        WEB_BIND_HEALTHZ,
        WEB_BIND_METRICS,
        _WEB_BIND_MAX,
} WebBindKind;

/* An address of the configuration that is listened on, sooner or later. */
typedef struct WebBind {
        IpPort address;
        HttpServer *server; /* owned; NULL: not wanted */
        HttpListener *listener; /* the server's; NULL until it could be bound */
        bool reported; /* its failure was said */
} WebBind;

struct Web {
        sd_event *event; /* owned reference */
        Manager *manager; /* borrowed */
        WebOptions options; /* `version` is owned */
        char *version;
        WebBind binds[_WEB_BIND_MAX];
        sd_event_source *retry; /* owned */
        uint64_t retry_usec; /* until the try after the next */
        HealthPorts *health_ports; /* owned */
        Metrics *metrics; /* owned */
        uint64_t n_healthz[2], n_livez[2]; /* answers with 200 and with 503 */
};

/* web-health.c: the bodies of /healthz and /livez. -ENOMEM. */
int web_answer_healthz(Web *web, HttpReply *reply);
int web_answer_slis(Web *web, HttpReply *reply);
int web_answer_livez(Web *web, HttpReply *reply);
