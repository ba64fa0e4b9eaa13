/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A manager over the kernel in memory with a Web on it, on ports of the loopback that the kernel chooses. */
#pragma once

#include "control/manager.h"
#include "kernel/memory-backend.h"
#include "web/web.h"

typedef struct WebFixture {
        sd_event *event;
        KernelBackend *backend; /* the manager's */
        Manager *manager;
        Web *web;
        WebOptions options; /* may be changed before web_fixture_start() */
        ManagerOptions manager_options; /* too */
        unsigned n_failures; /* WebFailures */
        char failure[512]; /* the last one */
} WebFixture;

WebFixture *web_fixture_new(void);
/* Both run; lists are not complete. */
void web_fixture_start(WebFixture *f);
void web_fixture_free(WebFixture *f);

/* A complete first list of each kind, with what was put so far in it. */
void web_fixture_complete_lists(WebFixture *f);
/* Until the manager has nothing to do. */
void web_fixture_settle(WebFixture *f);

IpAddr web_addr(const char *text);
/* One port "http" 80/TCP. */
Service *web_service(const char *namespace, const char *name, const char *ip);
void web_put_service(WebFixture *f, Service *service);
/* A slice NAME of service `name` with `n_local` ready endpoints on this node and `n_other` elsewhere. */
void web_put_slice(WebFixture *f, const char *namespace, const char *name, int family, unsigned n_local, unsigned n_other);
void web_put_node(WebFixture *f, bool deleting, bool to_be_deleted);

/* The body of an answer, owned by the caller; `which` is "healthz" or "metrics". */
char *web_fixture_get(WebFixture *f, const char *which, const char *path, unsigned expected_status);
