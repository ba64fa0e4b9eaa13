/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/decode.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "common/parse.h"

/* DNS-1123 subdomain and label (k8s.io/apimachinery/pkg/util/validation) */
#define OBJECT_NAME_MAX 253
#define NAMESPACE_MAX 63
#define PORT_NAME_MAX 63
#define VERSION_MAX 128

static const char object_name_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
static const char port_name_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";

static int decode_check_name(const char *name,
                             size_t max,
                             const char *key,
                             const JsonPath *path,
                             DecodeReport *report) {
        JsonPath here = { .parent = path, .key = key };

        if (!name || !*name)
                return decode_fail(report, &here, "this is missing");
        if (strlen(name) > max)
                return decode_fail(report, &here, "\"%.32s…\" is longer than %zu characters", name, max);
        if (name[strspn(name, object_name_chars)] != '\0' || *name == '-' || *name == '.')
                return decode_fail(report, &here, "\"%.64s\" is not the name of a Kubernetes object", name);
        return 0;
}

int decode_meta(json_object *object, bool namespaced, unsigned flags, ObjectMeta *ret, DecodeReport *report) {
        JsonPath path = { .key = "metadata" };
        const char *namespace = NULL, *name = NULL, *version = NULL;
        ObjectMeta meta = {};
        int r;

        if (!json_object_is_type(object, json_type_object))
                return decode_fail(report, NULL, "this is no object");
        r = json_read_object(object, "metadata", NULL, report, &meta.metadata);
        if (r >= 0)
                r = json_read_string(meta.metadata, "name", &path, report, &name);
        if (r >= 0)
                r = decode_check_name(name, OBJECT_NAME_MAX, "name", &path, report);
        if (r >= 0 && namespaced)
                r = json_read_string(meta.metadata, "namespace", &path, report, &namespace);
        if (r >= 0 && namespaced && !namespace && (flags & DECODE_DEFAULTS))
                namespace = "default";
        if (r >= 0 && namespaced)
                r = decode_check_name(namespace, NAMESPACE_MAX, "namespace", &path, report);
        if (r >= 0)
                r = json_read_string(meta.metadata, "resourceVersion", &path, report, &version);
        if (r >= 0 && version && strlen(version) > VERSION_MAX)
                r = decode_fail(report, &path, "the resourceVersion is longer than %d characters", VERSION_MAX);
        if (r >= 0)
                r = json_read_object(meta.metadata, "labels", &path, report, &meta.labels);
        if (r >= 0)
                r = json_read_object(meta.metadata, "annotations", &path, report, &meta.annotations);
        if (r < 0)
                return r;
        meta.name = name;
        meta.namespace = namespace ? namespace : "";
        meta.version = version ? version : "";
        *ret = meta;
        return 0;
}

bool address_is_usable(const IpAddr *addr) {
        static const uint8_t broadcast[4] = { 255, 255, 255, 255 };

        return !ip_addr_is_unspecified(addr) && !ip_addr_is_loopback(addr) && !ip_addr_is_multicast(addr) &&
               (addr->family != AF_INET || memcmp(addr->bytes, broadcast, 4) != 0);
}

int decode_endpoint_address(const char *text, int family, const JsonPath *path, DecodeReport *report, IpAddr *ret) {
        IpAddr addr;

        if (ip_addr_parse(text, &addr) < 0)
                return decode_fail(report, path, "\"%.64s\" is not an IP address", text);
        if (family != 0 && addr.family != family)
                return decode_fail(report, path, "%.64s is not of the slice's addressType", text);
        /* ValidateNonSpecialIP: unspecified, loopback and link-local addresses are no endpoints. */
        if (!address_is_usable(&addr) || ip_addr_is_link_local(&addr))
                return decode_fail(report, path, "%.64s cannot be the address of an endpoint", text);
        *ret = addr;
        return 0;
}

int decode_protocol(json_object *object, const JsonPath *path, DecodeReport *report, Protocol *ret) {
        JsonPath here = { .parent = path, .key = "protocol" };
        const char *text;
        Protocol protocol = PROTOCOL_TCP;
        int r = json_read_string(object, "protocol", path, report, &text);

        if (r < 0)
                return r;
        if (text && *text) {
                protocol = protocol_from_string(text);
                if (protocol < 0 || strcmp(protocol_to_kube(protocol), text) != 0)
                        return decode_fail(report, &here, "\"%.32s\" is not TCP, UDP or SCTP", text);
        }
        *ret = protocol;
        return 0;
}

int decode_port_name(json_object *port, const JsonPath *path, DecodeReport *report, const char **ret) {
        JsonPath here = { .parent = path, .key = "name" };
        const char *name;
        int r = json_read_string(port, "name", path, report, &name);

        if (r < 0)
                return r;
        if (name && (strlen(name) > PORT_NAME_MAX || name[strspn(name, port_name_chars)] != '\0'))
                return decode_fail(report, &here, "\"%.64s\" is not the name of a port", name);
        *ret = name ? name : "";
        return 0;
}

uint64_t decode_trigger_time(const ObjectMeta *meta) {
        json_object *value = json_member(meta->annotations, "endpoints.kubernetes.io/last-change-trigger-time");
        uint64_t usec;

        if (!json_object_is_type(value, json_type_string) ||
            parse_timestamp(json_object_get_string(value), &usec) < 0)
                return 0;
        return usec;
}

int decode_array(size_t n, size_t size, void *ret) {
        void *array = calloc(n, size);

        if (!array)
                return -ENOMEM;
        memcpy(ret, &array, sizeof(array)); /* the caller's pointer is of another type */
        return 0;
}
