/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kubernetes objects in JSON become values of model/: Service, EndpointSlice (discovery v1 and v1beta1), core v1
 * Endpoints, Node; only what reference §3.3 to §3.5 reads. The limits are those of Kubernetes' own validation
 * (k8s.io/kubernetes/pkg/apis/core/validation, .../discovery/validation). What kube-proxy skips with a log line (an
 * external IP that is none) is skipped with a note; what no API server can have stored makes the object unusable.
 */
#pragma once

#include "apiserver/json-read.h"
#include "model/endpoint-slice.h"
#include "model/node.h"
#include "model/service.h"

enum {
        /* From a file: nobody has filled in the API server's defaults (namespace "default", port name ""). */
        DECODE_DEFAULTS = 1,
};

/* What every object has, borrowed from it. */
typedef struct ObjectMeta {
        const char *namespace; /* "" for nodes */
        const char *name;
        const char *version; /* resourceVersion, or "" */
        json_object *metadata, *labels, *annotations; /* NULL if there are none */
} ObjectMeta;

/* -EBADMSG with report->error if the object has no usable name. */
int decode_meta(json_object *object, bool namespaced, unsigned flags, ObjectMeta *ret, DecodeReport *report);

/*
 * 0, -EBADMSG (report->error says why the object cannot be used) or -ENOMEM. `report` must be zeroed before; after a
 * success report->note may name something that was left out.
 */
int decode_service(json_object *object, unsigned flags, Service **ret, DecodeReport *report);
int decode_node(json_object *object, Node **ret, DecodeReport *report);
/* Also 1: it is nothing for a node proxy (FQDN, or no service's); report->note says which, *ret is not set. */
int decode_slice(json_object *object, unsigned flags, EndpointSlice **ret, DecodeReport *report);

/* The slices that one Endpoints object stands for: one a subset and family, at most this many. */
#define DECODED_SLICES_MAX 1000

typedef struct DecodedSlices {
        EndpointSlice **slices; /* owned, with those that were not taken out (NULL) */
        size_t n_slices;
} DecodedSlices;

/* Names as decoded_slice_name() gives them, 4 and 6 numbered each from 0 without a gap. */
int decode_endpoints(json_object *object, unsigned flags, DecodedSlices *ret, DecodeReport *report);
void decoded_slices_done(DecodedSlices *slices);

/* "name/4-0": no object of the cluster can have such a name. NULL on OOM; the caller frees. */
char *decoded_slice_name(const char *name, int family, size_t number);

/* ---- for the decoders */

/* Not unspecified, loopback or multicast: what may be bound to a device, or sent to. */
bool address_is_usable(const IpAddr *addr);
/* Reads "TCP" etc.; TCP if there is none. */
int decode_protocol(json_object *object, const JsonPath *path, DecodeReport *report, Protocol *ret);
/* Reads the member `name` of a port into *ret, "" if there is none. */
int decode_port_name(json_object *port, const JsonPath *path, DecodeReport *report, const char **ret);
/* endpoints.kubernetes.io/last-change-trigger-time; 0 = none, or none that can be read */
uint64_t decode_trigger_time(const ObjectMeta *meta);
/* n zeroed elements, of which there is at least one; `ret` is the address of the pointer. -ENOMEM. */
int decode_array(size_t n, size_t size, void *ret);
/* An address that an endpoint may have: of `family` (0: any). */
int decode_endpoint_address(const char *text, int family, const JsonPath *path, DecodeReport *report, IpAddr *ret);
