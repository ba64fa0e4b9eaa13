/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every command works with: the options, the connection to the daemon and where output goes.
 * The client does one thing and ends, so calls block. Results of functions: see report.h.
 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "client/options.h"
#include "client/table.h"
#include "common/macros.h"

typedef struct Client {
        Options options;
        sd_bus *bus;     /* owned; NULL until client_connect() */
        bool auto_start; /* may a call start the daemon? */
        bool color;
        size_t width;       /* of the terminal, 0 = cut nothing */
        pid_t pager, agent; /* 0 = none */
} Client;

void client_done(Client *client);

/* Reported. Does nothing if connected. */
int client_connect(Client *client);

/* Forgets the connection, which may be broken, and makes a new one; not reported. */
int client_reconnect(Client *client);

/* Sets colour and width by options, environment and terminal. */
void client_output_begin(Client *client);

/* Puts a pager behind stdout if that is a terminal; once there is something to print, so that
 * errors stand alone. */
void client_page(Client *client);

/* Starts polkit's agent if a person can be asked a password. */
void client_agent_begin(Client *client);

/* An empty call to the daemon, with the flags the options ask for. */
int client_new_call(Client *client,
                    const char *path,
                    const char *interface,
                    const char *member,
                    sd_bus_message **ret);

/* Sends and waits for the answer; negative errno with *error set. Default time-out: --timeout, else
 * sd-bus's 25 s. */
int client_call(Client *client, sd_bus_message *call, sd_bus_error *error, sd_bus_message **ret);

/* The same for what polkit may ask a person about: the agent is started, and there is time to find a
 * password. */
int client_call_authorised(Client *client,
                           sd_bus_message *call,
                           sd_bus_error *error,
                           sd_bus_message **ret);

/* All properties of an object but explicit ones. Reported: "Failed to get …". */
int client_get_all(Client *client, const char *path, const char *interface, json_object **ret);
/* One property. */
int client_get(Client *client,
               const char *path,
               const char *interface,
               const char *property,
               sd_bus_error *error,
               json_object **ret);

/* Prints a document as --json asks for. */
int client_print_json(Client *client, json_object *document);

/* Prints that something was done: the sentence, or with --json {"done":true}, or with -q nothing. */
int client_print_done(Client *client, const char *format, ...) _printf_(2, 3);

/* Prints a table and behind it "<n> <noun>s listed.", as the options ask for. */
int client_print_table(Client *client, const Table *table, size_t n, const char *noun);

/* Is JSON asked for? */
static inline bool client_wants_json(const Client *client) {
        return client->options.json != JSON_MODE_OFF;
}
