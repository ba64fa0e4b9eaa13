/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the API server adds to an object that is written, and the two shapes of an EndpointSlice. */
#pragma once

#include <json-c/json.h>

#include "tests/apiserver/resource.h"

/* Fills in defaults in place (k8s.io/kubernetes/pkg/apis/{core,discovery}/v1/defaults.go). 0 or -ENOMEM. */
int defaults_fill(Resource resource, struct json_object *object);

/* A v1 slice as v1beta1 shows it: node name and zone are in `topology` as well. The caller puts *ret. */
int defaults_to_v1beta1(struct json_object *slice, struct json_object **ret);
