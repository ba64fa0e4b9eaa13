/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of JSON Schema that the shipped schemas use: type, properties, required, items, enum,
 * minimum, maximum. A keyword beyond that (and beyond remarks) is an error of the schema, so that
 * none is believed in and not checked.
 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#define SCHEMA_PROBLEM_MAX 512

/* True if the value fits; else `problem` says where and why. */
bool schema_check(json_object *schema,
                  json_object *value,
                  const char *where,
                  char problem[static SCHEMA_PROBLEM_MAX]);
