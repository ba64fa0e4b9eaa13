/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What completion has to do with services. */
#pragma once

#include "client/client.h"

/*
 * Prints the ids of service ports that begin with `prefix`, one a line. Where they are too many to read, what they go
 * on with instead: namespaces, or one character more. Silent whatever goes wrong, and done after a second.
 */
void complete_services(Client *client, const char *prefix);
