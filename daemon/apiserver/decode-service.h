/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoder of Services, for its files: the object as a whole, and its addresses. */
#pragma once

#include "apiserver/decode.h"

/* Kubernetes sets no limit; this one keeps a hostile object from taking the machine. */
#define SERVICE_ARRAY_MAX 10000

typedef struct ServiceDecoder {
        json_object *spec;
        JsonPath path; /* "spec" */
        DecodeReport *report;
        Service *service; /* borrowed */
} ServiceDecoder;

/* An array of the spec that is not absurdly long; NULL = there is none. */
int service_decode_array(ServiceDecoder *d, const char *key, json_object **ret);

/* decode-service-address.c */
int service_decode_cluster_ips(ServiceDecoder *d, unsigned flags);
int service_decode_external_ips(ServiceDecoder *d);
int service_decode_source_ranges(ServiceDecoder *d);
int service_decode_ingress(ServiceDecoder *d, json_object *object);
