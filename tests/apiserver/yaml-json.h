/* SPDX-License-Identifier: GPL-2.0-or-later */
/* YAML documents as JSON objects, as sigs.k8s.io/yaml reads manifests. JSON is YAML. */
#pragma once

#include <json-c/json.h>
#include <stddef.h>

/*
 * An array with one element for each document that is not empty; the caller puts it. -EINVAL: no YAML, nested deeper
 * than 64, or with an alias; *ret_line is then where. -ENOMEM.
 */
int yaml_to_json(const char *text, size_t size, struct json_object **ret, size_t *ret_line);
