/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON documents the daemon writes: Explain, plans, dumps and the lines of Monitor. They are read
 * with bounds, their keys become camelCase like all JSON of the client, and they are shown to
 * people whatever a newer daemon adds to them.
 */
#pragma once

#include "client/client.h"

/* One document. -EBADMSG if it is none, is nested too deep, or something stands behind it. */
int document_parse(const char *text, size_t size, json_object **ret);

/* All that a file descriptor gives, read from its beginning if it is a file. -EFBIG above 256 MiB.
 */
int document_read_fd(int fd, char **ret, size_t *ret_size);

/*
 * Calls a method of the manager that answers with a file, Dump… or PlanByFileDescriptor, and reads
 * it. `sections` (ended by NULL) are those of a dump, NULL for the daemon's choice. Reported:
 * "Failed to <what>".
 */
int document_fetch(Client *client,
                   const char *method,
                   const char *what,
                   const char *const sections[],
                   char **ret,
                   size_t *ret_size);

/* A dump with these sections: the array of its services. Reported. */
int document_fetch_services(Client *client, const char *const sections[], json_object **ret);

/*
 * For people: members with a single value as "Key: value", arrays of objects as tables, everything
 * below the key that names it.
 */
int document_print(Client *client, json_object *document);
