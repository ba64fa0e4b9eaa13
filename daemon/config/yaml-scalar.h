/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which type a YAML scalar has, by YAML 1.1 as go-yaml reads it: what Kubernetes does before it decodes the result as
 * JSON. Of interest is only what JSON has: null, booleans, numbers, strings.
 */
#pragma once

#include <stdbool.h>

#include "config/yaml-tree.h"

/*
 * `plain`: without quotes; `tag` may be NULL. *ret_text is `text`, or the constant "true", "false" or "" that means
 * the same.
 */
YamlKind yaml_scalar_kind(const char *text, bool plain, const char *tag, const char **ret_text);
