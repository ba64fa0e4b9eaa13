/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's lists, fetched page by page, and the service a person means by a word. All report.
 */
#pragma once

#include "client/client.h"

typedef struct ServiceFilter {
        const char *namespace, *name, *state, *protocol, *address; /* borrowed; NULL = any */
} ServiceFilter;

/* An array of objects: path, id, namespace, name, portName, protocol, port, state, endpointsReady,
 * … */
int services_fetch(Client *client, const ServiceFilter *filter, json_object **ret);

/* 0 while the daemon still reads its first lists, so that what it does not have may be there; else 1. */
int services_are_known(Client *client);

/* Of the object at `path`: address, port, state, node, weight, active, inactive, pod, zone, … */
int endpoints_fetch(Client *client, const char *path, const char *id, json_object **ret);

/* All rows, or only that of `id`: id, connections, inPackets, …, connectionsPerSec, …, active,
 * inactive */
int statistics_fetch(Client *client, const char *id, json_object **ret);

/*
 * "ns/name:port", "ns/name" if that service has one port only; without "ns/" --namespace or
 * "default". Several ports: EXIT_CODE_USAGE with the candidates; none: EXIT_CODE_NOT_FOUND.
 */
int service_resolve(Client *client, const char *word, char **ret_id, char **ret_path);

/* The same for commands that can take all ports of a service: rows as from services_fetch(), never
 * none. */
int services_resolve(Client *client, const char *word, json_object **ret);

/* Rows of services_fetch() as the options ask for: JSON, names or a table. */
int services_print(Client *client, json_object *rows);
/* The same services as ipvsadm shows them, with names. */
int services_print_ipvs(Client *client, json_object *rows);
