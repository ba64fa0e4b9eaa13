/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manager over a kernel in memory, the bus room on top of it, and clients, all in one event loop: over a direct link
 * or over a private dbus-daemon. Everything asserts.
 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "bus/bus-private.h"
#include "control/manager.h"
#include "kernel/memory-backend.h"
#include "tests/unit/test.h"

typedef struct Bench {
        sd_event *event;
        KernelBackend *backend; /* the manager's */
        Manager *manager;
        Bus *bus;
        sd_bus *client;
        char folder[64], address[256]; /* of the dbus-daemon */
        pid_t daemon; /* 0 = a direct link */
} Bench;

/* A direct link; the client is root or the daemon's own user. */
void bench_open_link(Bench *bench, const BusOptions *options);
/* A dbus-daemon, on which the daemon has its name when this returns. */
void bench_open_daemon(Bench *bench, const BusOptions *options);
void bench_close(Bench *bench);

/* Of a cmocka group: *state is a Bench with a direct link, and default/web, shop/cart and shop/empty in it. */
int bench_setup_shop(void **state);
int bench_teardown(void **state);

void bench_daemon_start(Bench *bench);
void bench_daemon_stop(Bench *bench);
/* Another connection to the dbus-daemon, owned by the caller, in the same loop. */
sd_bus *bench_connect(Bench *bench);

/* "ns/name" with one port, cluster IP 10.96.x.y by `number`, and endpoints 10.1.x.1, … */
void bench_put_service(Bench *bench, const char *namespace, const char *name, unsigned number, unsigned n_endpoints);
void bench_remove_service(Bench *bench, const char *namespace, const char *name);
/* The lists are complete; waits until all of it is in the kernel. */
void bench_sync(Bench *bench);

/* Runs the loop until `*done`, for 20 s at most. */
void bench_run_until(Bench *bench, const bool *done);
/* Runs it until nothing is left to do. */
void bench_settle(Bench *bench);

/*
 * Calls from `client`; 0 with *ret, or the error's negative errno with *ret_error, which the caller frees. `types` is as
 * sd_bus_message_append() takes it.
 */
int bench_call(Bench *bench,
               sd_bus *client,
               const char *path,
               const char *interface,
               const char *member,
               sd_bus_error *ret_error,
               sd_bus_message **ret,
               const char *types,
               ...);
/* Sends what was made; the name of the error, valid until the next call, or "" with *ret. */
const char *bench_send(Bench *bench, sd_bus *client, sd_bus_message *call, sd_bus_message **ret);
/* Asserts that the call fails with this error. */
void assert_call_fails(Bench *bench,
                       sd_bus *client,
                       const char *path,
                       const char *interface,
                       const char *member,
                       const char *name,
                       const char *types,
                       ...);
