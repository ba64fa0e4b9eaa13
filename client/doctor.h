/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checks of `ipvsproxyctl doctor`. Each adds one line: what was looked at, how it is, and what
 * to do about it. They work without the daemon, and as a user who may not see everything. None
 * changes anything.
 */
#pragma once

#include "client/client.h"
#include "client/daemon-options.h"

typedef enum CheckResult {
        CHECK_OK,
        CHECK_WARN,
        CHECK_FAIL,
        _CHECK_RESULT_MAX,
} CheckResult;

typedef struct Doctor {
        Client *client;
        const char *root;     /* in front of /proc, /sys, /etc and /lib; "" on a real host */
        json_object *rows;    /* owned: check, result, text, remedy */
        json_object *daemon;  /* owned: its properties; NULL = it does not answer */
        bool has_bus;         /* client->bus is connected */
        DaemonOptions options; /* owned; set by doctor_check_daemon() */
        unsigned major, minor; /* of the kernel */
        size_t n_results[_CHECK_RESULT_MAX];
        int error; /* the first -errno of adding a line */
} Doctor;

/* "ok", "warn", "fail" */
const char *check_result_to_string(CheckResult result);

/* `remedy` is shown unless all is ok; NULL = none is needed. The text is what the format gives. */
void doctor_add(Doctor *doctor,
                CheckResult result,
                const char *check,
                const char *remedy,
                const char *format,
                ...) _printf_(5, 6);

/* Kernel, modules, schedulers, sysctls, connection tracking, IPVS's connection table. */
void doctor_check_kernel(Doctor *doctor);
/* kube-proxy and what is left of it, other proxies and firewalls, who has our ports. */
void doctor_check_others(Doctor *doctor);
/* Who listens where the daemon has its ports, or will. */
void doctor_check_ports(Doctor *doctor);
/* The policies of packet filters. */
void doctor_check_forward(Doctor *doctor);
/* The unit, as systemd has it; *unit is what was found. */
void doctor_check_unit(Doctor *doctor, Unit *unit);
/* What of the unit's files of variables cannot be read. */
void doctor_check_variables(Doctor *doctor);
/* Bus, polkit, the daemon's own state, and what doctor_check_unit() and doctor_check_api() look at. */
void doctor_check_daemon(Doctor *doctor);
/* Configuration, kubeconfig and API server. */
void doctor_check_api(Doctor *doctor);
