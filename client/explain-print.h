/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's answer to Explain as a story for people. */
#pragma once

#include "client/client.h"

int explain_print(Client *client, json_object *story);
