/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses of a Service, and who may use them; reference §3.4. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "apiserver/decode-service.h"

static bool is_no_address(const char *text) {
        return !text || !*text || strcmp(text, "None") == 0;
}

static int service_add_cluster_ip(ServiceDecoder *d, const char *text, const JsonPath *path) {
        Service *service = d->service;
        IpAddr addr;

        if (is_no_address(text))
                return 0;
        if (ip_addr_parse(text, &addr) < 0)
                return decode_fail(d->report, path, "\"%.64s\" is not an IP address", text);
        if (!address_is_usable(&addr))
                return decode_fail(d->report, path, "%.64s cannot be the address of a service", text);
        for (size_t i = 0; i < service->n_cluster_ips; i++)
                if (service->cluster_ips[i].family == addr.family)
                        return decode_fail(d->report, path, "%.64s is the second address of its family", text);
        service->cluster_ips[service->n_cluster_ips++] = addr;
        return 0;
}

/*
 * kube-proxy takes the service for headless if `clusterIP` is empty or None, whatever clusterIPs says, and an address of
 * clusterIPs counts if ipFamilies says its family, which every API server with two families does (reference §3.4). A file
 * may well have the list alone.
 */
int service_decode_cluster_ips(ServiceDecoder *d, unsigned flags) {
        JsonPath path = { .parent = &d->path, .key = "clusterIPs" }, single = { .parent = &d->path, .key = "clusterIP" };
        json_object *array, *families;
        const char *first;
        size_t n_used;
        int r = json_read_string(d->spec, "clusterIP", &d->path, d->report, &first);

        if (r >= 0)
                r = service_decode_array(d, "clusterIPs", &array);
        if (r >= 0)
                r = service_decode_array(d, "ipFamilies", &families);
        if (r < 0)
                return r;
        if (json_length(array) > 2)
                return decode_fail(d->report, &path, "%zu addresses are more than one a family", json_length(array));
        if (is_no_address(first) && (first || !(flags & DECODE_DEFAULTS)))
                return 0;
        r = decode_array(2, sizeof(IpAddr), &d->service->cluster_ips);
        if (r < 0)
                return r;
        n_used = flags & DECODE_DEFAULTS ? json_length(array) : MIN2(json_length(array), json_length(families));
        if (n_used == 0)
                return service_add_cluster_ip(d, first, &single);
        for (size_t i = 0; i < n_used && r >= 0; i++) {
                JsonPath here = { .parent = &path, .index = i };
                const char *text;

                r = json_element_string(array, i, &path, d->report, &text);
                if (r >= 0)
                        r = service_add_cluster_ip(d, text, &here);
        }
        return r;
}

/* What is an address, but of a kind that desired-build.c refuses, with the reason for whoever made the Service. */
static bool address_is_refused(const IpAddr *addr) {
        return ip_addr_is_unspecified(addr) || ip_addr_is_loopback(addr) || ip_addr_is_multicast(addr) ||
               ip_addr_is_link_local(addr);
}

/* Adds an address that others chose: what cannot be one is left out, as kube-proxy does. */
static void service_add_address(ServiceDecoder *d, const char *text, const JsonPath *path, IpAddr *addrs, size_t *n) {
        IpAddr addr;

        if (ip_addr_parse(text, &addr) < 0 || (!address_is_usable(&addr) && !address_is_refused(&addr))) {
                decode_note(d->report, path, "\"%.64s\" cannot be the address of a service and is left out", text);
                return;
        }
        for (size_t i = 0; i < *n; i++)
                if (ip_addr_equal(&addrs[i], &addr))
                        return;
        addrs[(*n)++] = addr;
}

int service_decode_external_ips(ServiceDecoder *d) {
        JsonPath path = { .parent = &d->path, .key = "externalIPs" };
        json_object *array;
        int r = service_decode_array(d, "externalIPs", &array);

        if (r < 0 || json_length(array) == 0)
                return r;
        r = decode_array(json_length(array), sizeof(IpAddr), &d->service->external_ips);
        for (size_t i = 0; i < json_length(array) && r >= 0; i++) {
                JsonPath here = { .parent = &path, .index = i };
                const char *text;

                r = json_element_string(array, i, &path, d->report, &text);
                if (r >= 0)
                        service_add_address(d, text, &here, d->service->external_ips, &d->service->n_external_ips);
        }
        return r;
}

/* One entry of status.loadBalancer.ingress: the address counts with ipMode VIP or none. */
static int service_decode_ingress_entry(ServiceDecoder *d, json_object *entry, const JsonPath *path) {
        JsonPath here = { .parent = path, .key = "ip" };
        const char *ip, *mode;
        int r;

        if (!json_object_is_type(entry, json_type_object))
                return decode_fail(d->report, path, "this is no object");
        r = json_read_string(entry, "ip", path, d->report, &ip);
        if (r >= 0)
                r = json_read_string(entry, "ipMode", path, d->report, &mode);
        if (r < 0 || !ip || !*ip || (mode && strcmp(mode, "VIP") != 0))
                return r;
        service_add_address(d, ip, &here, d->service->load_balancer_ips, &d->service->n_load_balancer_ips);
        return 0;
}

int service_decode_ingress(ServiceDecoder *d, json_object *object) {
        JsonPath status_path = { .key = "status" }, balancer_path = { .parent = &status_path, .key = "loadBalancer" },
                 path = { .parent = &balancer_path, .key = "ingress" };
        json_object *status, *balancer, *array;
        int r = json_read_object(object, "status", NULL, d->report, &status);

        if (r >= 0)
                r = json_read_object(status, "loadBalancer", &status_path, d->report, &balancer);
        if (r >= 0)
                r = json_read_array(balancer, "ingress", &balancer_path, d->report, &array);
        if (r < 0 || json_length(array) == 0)
                return r;
        if (json_length(array) > SERVICE_ARRAY_MAX)
                return decode_fail(d->report, &path, "%zu elements are more than %d", json_length(array), SERVICE_ARRAY_MAX);
        r = decode_array(json_length(array), sizeof(IpAddr), &d->service->load_balancer_ips);
        for (size_t i = 0; i < json_length(array) && r >= 0; i++) {
                JsonPath here = { .parent = &path, .index = i };

                r = service_decode_ingress_entry(d, json_object_array_get_idx(array, i), &here);
        }
        return r;
}

/* Blanks around a range are allowed (apivalidation trims them). */
static int source_range_parse(const char *text, IpNet *ret) {
        char trimmed[IP_NET_STRLEN];
        size_t size;

        text += strspn(text, " \t\r\n");
        size = strlen(text);
        while (size > 0 && strchr(" \t\r\n", text[size - 1]))
                size--;
        if (size >= sizeof(trimmed))
                return -EINVAL;
        memcpy(trimmed, text, size);
        trimmed[size] = '\0';
        return ip_net_parse(trimmed, ret);
}

int service_decode_source_ranges(ServiceDecoder *d) {
        JsonPath path = { .parent = &d->path, .key = "loadBalancerSourceRanges" };
        Service *service = d->service;
        json_object *array;
        int r = service_decode_array(d, "loadBalancerSourceRanges", &array);

        if (r < 0 || json_length(array) == 0)
                return r;
        service->has_source_ranges = true;
        r = decode_array(json_length(array), sizeof(IpNet), &service->source_ranges);
        for (size_t i = 0; i < json_length(array) && r >= 0; i++) {
                JsonPath here = { .parent = &path, .index = i };
                const char *text;

                r = json_element_string(array, i, &path, d->report, &text);
                if (r < 0)
                        break;
                if (source_range_parse(text, &service->source_ranges[service->n_source_ranges]) >= 0)
                        service->n_source_ranges++;
                else
                        decode_note(d->report, &here, "\"%.64s\" is not a network and admits nobody", text);
        }
        return r;
}
