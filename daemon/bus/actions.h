/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods that change something beside Resync; each asks polkit when all it was given is known to be good. */
#pragma once

#include <systemd/sd-bus.h>

/* of the manager */
int bus_list_drift(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_reload(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_reset_statistics(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_begin_drain(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_end_drain(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* of a service */
int bus_set_override(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_clear_override(sd_bus_message *m, void *userdata, sd_bus_error *error);
