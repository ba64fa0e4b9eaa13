/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the fake daemon share. */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "common/bus-names.h"
#include "common/macros.h"

#define MONITORS_MAX 16

typedef struct Service {
        const char *id, *namespace, *name, *port_name, *protocol, *state, *reason, *address;
        uint16_t port;
        uint32_t ready, total;
        const char *resync_error; /* or NULL */
} Service;

typedef struct Fake {
        sd_bus *bus;
        const char *state;
        char log_level[16];
        const char *drain_state;
        uint64_t drain_deadline_usec, drain_connections;
        uint32_t weight; /* of the overridden endpoint, UINT32_MAX = none */
} Fake;

uint64_t ago(uint64_t usec);
const Service *by_path(const char *path);

/* DrainState and the like; connections become fewer with each look. */
int drain_property(Fake *fake, const char *property, sd_bus_message *reply);

int list_drift(sd_bus_message *m, void *userdata, sd_bus_error *error);
int explain(sd_bus_message *m, void *userdata, sd_bus_error *error);
int monitor(sd_bus_message *m, void *userdata, sd_bus_error *error);
int dump_by_file_descriptor(sd_bus_message *m, void *userdata, sd_bus_error *error);
int plan_by_file_descriptor(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reset_statistics(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reload(sd_bus_message *m, void *userdata, sd_bus_error *error);
int begin_drain(sd_bus_message *m, void *userdata, sd_bus_error *error);
int end_drain(sd_bus_message *m, void *userdata, sd_bus_error *error);
int hold(sd_bus_message *m, void *userdata, sd_bus_error *error);
int set_override(sd_bus_message *m, void *userdata, sd_bus_error *error);
int clear_override(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* systemd's name and objects on the same connection. */
void fake_systemd_start(Fake *fake);

int list_crowd(sd_bus_message *m, const char *after, uint32_t limit, sd_bus_error *error);
