/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text becomes values: all of it, or an object of the cluster without the parts that no node proxy reads. */
#pragma once

#include <stddef.h>

#include <json-c/json_types.h>

/* Nesting that the parser accepts */
#define JSON_DEPTH_MAX 64

/* Parses exactly one value. -EBADMSG, -EMLINK (nested deeper than JSON_DEPTH_MAX), -ENOMEM. */
int json_parse(const char *text, size_t size, json_object **ret);

/*
 * The same for an object of the cluster, or the watch event it is the `object` of. Who manages which field, what an
 * object belongs to, whom a Service selects, a Node's images and sizes, what an endpoint's targetRef says beside kind and
 * name: these members are often most of the bytes. They become null, where that is not longer, without being parsed; what
 * is in them need not be JSON as long as its brackets and strings end. So do an endpoint's conditions that say what is true
 * without them: ready, serving and not terminating.
 */
int json_parse_object(const char *text, size_t size, json_object **ret);
