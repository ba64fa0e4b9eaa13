/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON objects become values: every field, every refusal with its reason, and what a real server stored. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"

#include "apiserver/decode.h"
#include "apiserver/json-parse.h"
#include "tests/unit/recorded.h"

#define META "\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"}"

static json_object *parse(const char *text) {
        json_object *object = NULL;

        if (json_parse(text, strlen(text), &object) < 0)
                fail_msg("not JSON: %s", text);
        return object;
}

static const char *addr_text(const IpAddr *addr) {
        static char text[4][IP_ADDR_STRLEN];
        static unsigned n;

        return ip_addr_format(addr, text[n++ % 4]);
}

/* ---- Service */

static Service *service_of(const char *text, unsigned flags) {
        _cleanup_(json_putp) json_object *object = parse(text);
        DecodeReport report = {};
        Service *service;

        if (decode_service(object, flags, &service, &report) < 0)
                fail_msg("%s: %s", text, report.error);
        return service;
}

static void test_service_fields(void **state) {
        _cleanup_(service_freep) Service *service = service_of(
                "{\"metadata\":{\"name\":\"web\",\"namespace\":\"prod\",\"uid\":\"u-1\",\"resourceVersion\":\"7\","
                "\"creationTimestamp\":\"1970-01-01T00:00:05Z\",\"labels\":{\"service.kubernetes.io/headless\":\"\","
                "\"service.kubernetes.io/service-proxy-name\":\"\"}},"
                "\"spec\":{\"type\":\"LoadBalancer\",\"clusterIP\":\"10.0.0.1\",\"clusterIPs\":[\"10.0.0.1\",\"fd00::1\"],"
                "\"ipFamilies\":[\"IPv4\",\"IPv6\"],"
                "\"ports\":[{\"name\":\"http\",\"port\":80,\"nodePort\":30080,\"targetPort\":\"x\"},"
                "{\"name\":\"dns\",\"port\":53,\"protocol\":\"UDP\"}],"
                "\"externalIPs\":[\"192.0.2.1\",\"nonsense\",\"fe80::1\",\"127.0.0.1\",\"192.0.2.1\"],"
                "\"loadBalancerSourceRanges\":[\" 10.1.0.0/16 \",\"junk\"],"
                "\"sessionAffinity\":\"ClientIP\",\"sessionAffinityConfig\":{\"clientIP\":{\"timeoutSeconds\":600}},"
                "\"internalTrafficPolicy\":\"Local\",\"externalTrafficPolicy\":\"Local\",\"healthCheckNodePort\":32000,"
                "\"unknown\":{\"deep\":[1,2]}},"
                "\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"198.51.100.1\"},{\"ip\":\"198.51.100.2\",\"ipMode\":\"VIP\"},"
                "{\"ip\":\"198.51.100.3\",\"ipMode\":\"Proxy\"},{\"hostname\":\"lb.example\"}]}}}",
                0);

        assert_string_equal(service->namespace, "prod");
        assert_string_equal(service->name, "web");
        assert_string_equal(service->uid, "u-1");
        assert_int_equal(service->created_usec, 5 * USEC_PER_SEC);
        assert_int_equal(service->type, SERVICE_TYPE_LOAD_BALANCER);
        assert_true(service->other_proxy);
        assert_true(service->headless_label);
        assert_int_equal(service->n_cluster_ips, 2);
        assert_string_equal(addr_text(&service->cluster_ips[0]), "10.0.0.1");
        assert_string_equal(addr_text(&service->cluster_ips[1]), "fd00::1");
        assert_int_equal(service->n_ports, 2);
        assert_string_equal(service->ports[0].name, "http");
        assert_int_equal(service->ports[0].protocol, PROTOCOL_TCP);
        assert_int_equal(service->ports[0].port, 80);
        assert_int_equal(service->ports[0].node_port, 30080);
        assert_int_equal(service->ports[1].protocol, PROTOCOL_UDP);
        assert_int_equal(service->n_external_ips, 3); /* who may not be served is refused later, not left out */
        assert_int_equal(service->n_load_balancer_ips, 2);
        assert_string_equal(addr_text(&service->load_balancer_ips[1]), "198.51.100.2");
        assert_true(service->has_source_ranges);
        assert_int_equal(service->n_source_ranges, 1);
        assert_int_equal(service->source_ranges[0].prefix, 16);
        assert_int_equal(service->affinity_timeout_sec, 600);
        assert_int_equal(service->internal_policy, TRAFFIC_POLICY_LOCAL);
        assert_int_equal(service->external_policy, TRAFFIC_POLICY_LOCAL);
        assert_int_equal(service->health_check_node_port, 32000);
}

static void test_service_defaults(void **state) {
        _cleanup_(service_freep) Service *service = service_of("{" META "}", 0), *none = NULL, *file = NULL, *affine = NULL;

        assert_int_equal(service->type, SERVICE_TYPE_CLUSTER_IP);
        assert_string_equal(service->uid, "");
        assert_int_equal(service->n_cluster_ips, 0);
        assert_int_equal(service->n_ports, 0);
        assert_false(service->has_source_ranges);
        assert_int_equal(service->affinity_timeout_sec, 0);
        assert_int_equal(service->internal_policy, TRAFFIC_POLICY_CLUSTER);

        none = service_of("{" META ",\"spec\":{\"clusterIP\":\"None\",\"clusterIPs\":[\"None\"]}}", 0);
        assert_int_equal(none->n_cluster_ips, 0);
        file = service_of("{\"metadata\":{\"name\":\"web\"},\"spec\":{\"clusterIPs\":[\"10.0.0.1\"],\"ports\":[{\"port\":1}]}}",
                          DECODE_DEFAULTS);
        assert_string_equal(file->namespace, "default");
        assert_int_equal(file->n_cluster_ips, 1);
        assert_string_equal(file->ports[0].name, "");
        affine = service_of("{" META ",\"spec\":{\"sessionAffinity\":\"ClientIP\"}}", 0);
        assert_int_equal(affine->affinity_timeout_sec, 10800);
}

/* Each is refused, and the reason names the field. */
static void test_service_refused(void **state) {
        static const struct {
                const char *text, *reason;
        } cases[] = {
                { "[]", "this is no object" },
                { "{}", "metadata.name: this is missing" },
                { "{\"metadata\":7}", "metadata: this is of type int and must be object" },
                { "{\"metadata\":{\"name\":7}}", "metadata.name: this is of type int and must be string" },
                { "{\"metadata\":{\"name\":\"a/b\",\"namespace\":\"c\"}}", "metadata.name: \"a/b\" is not the name of a Kubernetes object" },
                { "{\"metadata\":{\"name\":\"a\\u001b[2J\",\"namespace\":\"c\"}}",
                  "metadata.name: \"a?[2J\" is not the name of a Kubernetes object" },
                { "{\"metadata\":{\"name\":\"a\\u0000b\",\"namespace\":\"c\"}}", "metadata.name: the text contains a NUL character" },
                { "{\"metadata\":{\"name\":\"a\"}}", "metadata.namespace: this is missing" },
                { "{" META ",\"spec\":[]}", "spec: this is of type array and must be object" },
                { "{" META ",\"spec\":{\"ports\":{}}}", "spec.ports: this is of type object and must be array" },
                { "{" META ",\"spec\":{\"ports\":[5]}}", "spec.ports[0]: this is no object" },
                { "{" META ",\"spec\":{\"ports\":[{\"port\":\"80\"}]}}", "spec.ports[0].port: this is of type string and must be int" },
                { "{" META ",\"spec\":{\"ports\":[{\"name\":\"a\",\"port\":1},{\"port\":70000}]}}",
                  "spec.ports[1].port: 70000 is not in 1 to 65535" },
                { "{" META ",\"spec\":{\"ports\":[{\"port\":0}]}}", "spec.ports[0].port: 0 is not in 1 to 65535" },
                { "{" META ",\"spec\":{\"ports\":[{}]}}", "spec.ports[0]: the port number is missing" },
                { "{" META ",\"spec\":{\"ports\":[{\"port\":1,\"nodePort\":-1}]}}", "spec.ports[0].nodePort: -1 is not in 0 to 65535" },
                { "{" META ",\"spec\":{\"ports\":[{\"port\":1,\"protocol\":\"ICMP\"}]}}",
                  "spec.ports[0].protocol: \"ICMP\" is not TCP, UDP or SCTP" },
                { "{" META ",\"spec\":{\"ports\":[{\"name\":\"a\",\"port\":1},{\"name\":\"a\",\"port\":2}]}}",
                  "spec.ports[1]: there are two ports of the name \"a\"" },
                { "{" META ",\"spec\":{\"ports\":[{\"name\":\"a b\",\"port\":1}]}}", "spec.ports[0].name: \"a b\" is not the name of a port" },
                { "{" META ",\"spec\":{\"clusterIP\":\"10.0.0.300\"}}", "spec.clusterIP: \"10.0.0.300\" is not an IP address" },
                { "{" META ",\"spec\":{\"clusterIP\":\"0.0.0.0\"}}", "spec.clusterIP: 0.0.0.0 cannot be the address of a service" },
                { "{" META ",\"spec\":{\"clusterIP\":\"10.0.0.1\",\"clusterIPs\":[\"10.0.0.1\",\"10.0.0.2\"],\"ipFamilies\":[\"IPv4\",\"IPv4\"]}}",
                  "spec.clusterIPs[1]: 10.0.0.2 is the second address of its family" },
                { "{" META ",\"spec\":{\"clusterIP\":\"10.0.0.1\",\"clusterIPs\":[\"10.0.0.1\",null],\"ipFamilies\":[\"IPv4\",\"IPv6\"]}}",
                  "spec.clusterIPs[1]: this is null" },
                { "{" META ",\"spec\":{\"sessionAffinity\":\"Cookie\"}}", "spec.sessionAffinity: \"Cookie\" is not None or ClientIP" },
                { "{" META ",\"spec\":{\"sessionAffinity\":\"ClientIP\",\"sessionAffinityConfig\":{\"clientIP\":{\"timeoutSeconds\":86401}}}}",
                  "spec.sessionAffinityConfig.clientIP.timeoutSeconds: 86401 is not in 1 to 86400" },
                { "{" META ",\"spec\":{\"healthCheckNodePort\":99999}}", "spec.healthCheckNodePort: 99999 is not in 0 to 65535" },
                { "{" META ",\"status\":{\"loadBalancer\":{\"ingress\":[3]}}}", "status.loadBalancer.ingress[0]: this is no object" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(json_putp) json_object *object = parse(cases[i].text);
                DecodeReport report = {};
                Service *service = NULL;

                assert_int_equal(decode_service(object, 0, &service, &report), -EBADMSG);
                assert_null(service);
                assert_string_equal(report.error, cases[i].reason);
        }
}

static void test_service_notes(void **state) {
        static const struct {
                const char *text, *note;
        } cases[] = {
                { "{" META ",\"spec\":{\"externalIPs\":[\"1.2.3.4\",\"x\"]}}",
                  "spec.externalIPs[1]: \"x\" cannot be the address of a service and is left out" },
                { "{" META ",\"spec\":{\"type\":\"Magic\"}}", "spec.type: \"Magic\" is unknown and counts as ClusterIP" },
                { "{" META ",\"spec\":{\"externalTrafficPolicy\":\"Near\"}}",
                  "spec.externalTrafficPolicy: \"Near\" is unknown and counts as Cluster" },
                { "{" META ",\"spec\":{\"loadBalancerSourceRanges\":[\"10.0.0.0/33\"]}}",
                  "spec.loadBalancerSourceRanges[0]: \"10.0.0.0/33\" is not a network and admits nobody" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(json_putp) json_object *object = parse(cases[i].text);
                _cleanup_(service_freep) Service *service = NULL;
                DecodeReport report = {};

                assert_int_equal(decode_service(object, 0, &service, &report), 0);
                assert_string_equal(report.note, cases[i].note);
        }
}

/* ---- EndpointSlice */

#define SLICE_META \
        "\"metadata\":{\"name\":\"web-1\",\"namespace\":\"default\",\"labels\":{\"kubernetes.io/service-name\":\"web\"}}"

static void test_slice_fields(void **state) {
        static const char text[] =
                "{\"metadata\":{\"name\":\"web-1\",\"namespace\":\"default\",\"labels\":{\"kubernetes.io/service-name\":\"web\"},"
                "\"annotations\":{\"endpoints.kubernetes.io/last-change-trigger-time\":\"1970-01-01T00:00:01.5Z\"}},"
                "\"addressType\":\"IPv4\","
                "\"ports\":[{\"name\":\"http\",\"port\":8080},{\"name\":\"any\"},{\"port\":9},{\"name\":\"\",\"port\":53,\"protocol\":\"UDP\"}],"
                "\"endpoints\":[{\"addresses\":[\"10.1.0.1\",\"10.1.0.9\"],\"nodeName\":\"n1\",\"zone\":\"z1\","
                "\"targetRef\":{\"kind\":\"Pod\",\"name\":\"pod-1\"},"
                "\"hints\":{\"forZones\":[{\"name\":\"z1\"},{\"name\":\"z2\"}],\"forNodes\":[{\"name\":\"n1\"}]}},"
                "{\"addresses\":[\"10.1.0.2\"],\"conditions\":{\"ready\":false,\"serving\":true,\"terminating\":true}},"
                "{\"addresses\":[\"10.1.0.3\"],\"conditions\":{\"ready\":false}},"
                "{\"addresses\":[]},"
                "{\"addresses\":[\"10.1.0.4\"],\"topology\":{\"kubernetes.io/hostname\":\"n2\",\"topology.kubernetes.io/zone\":\"z2\"}}]}";
        _cleanup_(json_putp) json_object *object = parse(text);
        _cleanup_(endpoint_slice_freep) EndpointSlice *slice = NULL;
        DecodeReport report = {};
        const Endpoint *e;

        assert_int_equal(decode_slice(object, 0, &slice, &report), 0);
        assert_string_equal(slice->service_name, "web");
        assert_int_equal(slice->family, AF_INET);
        assert_int_equal(slice->trigger_usec, 1500000);
        assert_int_equal(slice->n_ports, 2);
        assert_string_equal(endpoint_slice_string(slice, slice->ports[0].name), "http");
        assert_int_equal(slice->ports[1].protocol, PROTOCOL_UDP);
        assert_string_equal(endpoint_slice_string(slice, slice->ports[1].name), "");
        assert_int_equal(slice->n_endpoints, 4);
        e = slice->endpoints;
        assert_string_equal(addr_text(&e[0].addr), "10.1.0.1");
        assert_int_equal(e[0].conditions, ENDPOINT_READY | ENDPOINT_SERVING);
        assert_string_equal(endpoint_slice_string(slice, e[0].node), "n1");
        assert_string_equal(endpoint_slice_string(slice, e[0].zone), "z1");
        assert_string_equal(endpoint_slice_string(slice, e[0].pod), "pod-1");
        assert_int_equal(e[0].n_zone_hints, 2);
        assert_string_equal(endpoint_slice_string_at(slice, e[0].zone_hints, 0), "z1");
        assert_string_equal(endpoint_slice_string_at(slice, e[0].zone_hints, 1), "z2");
        assert_int_equal(e[0].n_node_hints, 1);
        assert_string_equal(endpoint_slice_string_at(slice, e[0].node_hints, 0), "n1");
        assert_int_equal(e[1].conditions, ENDPOINT_SERVING | ENDPOINT_TERMINATING);
        assert_int_equal(e[2].conditions, ENDPOINT_SERVING); /* not terminating: of no consequence */
        assert_string_equal(endpoint_slice_string(slice, e[2].node), "");
        assert_string_equal(endpoint_slice_string(slice, e[3].node), "n2");
        assert_string_equal(endpoint_slice_string(slice, e[3].zone), "z2");
        assert_string_equal(report.note, "ports[1]: a port without number is left out");
}

static void test_slice_refused(void **state) {
        static const struct {
                const char *text;
                int result;
                const char *reason;
        } cases[] = {
                { "{" META ",\"addressType\":\"IPv4\"}", 1, "without the label kubernetes.io/service-name the slice is ignored" },
                { "{" SLICE_META ",\"addressType\":\"FQDN\",\"endpoints\":[{\"addresses\":[\"a.example\"]}]}", 1,
                  "addressType FQDN is not supported, the slice is ignored" },
                { "{" SLICE_META "}", -EBADMSG, "addressType: \"\" is not IPv4, IPv6 or FQDN" },
                { "{" SLICE_META ",\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"fd00::1\"]}]}", -EBADMSG,
                  "endpoints[0].addresses[0]: fd00::1 is not of the slice's addressType" },
                { "{" SLICE_META ",\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.0.0.1\",\"x\"]}]}", -EBADMSG,
                  "endpoints[0].addresses[1]: \"x\" is not an IP address" },
                { "{" SLICE_META ",\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"127.0.0.1\"]}]}", -EBADMSG,
                  "endpoints[0].addresses[0]: 127.0.0.1 cannot be the address of an endpoint" },
                { "{" SLICE_META ",\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.0.0.1\"],\"conditions\":{\"ready\":\"yes\"}}]}",
                  -EBADMSG, "endpoints[0].conditions.ready: this is of type string and must be boolean" },
                { "{" SLICE_META ",\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"a\",\"port\":1},{\"name\":\"a\",\"port\":2}]}", -EBADMSG,
                  "ports: there are two ports of the name \"a\"" },
                { "{" SLICE_META ",\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"a\",\"port\":65536}]}", -EBADMSG,
                  "ports[0].port: 65536 is not in 0 to 65535" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(json_putp) json_object *object = parse(cases[i].text);
                DecodeReport report = {};
                EndpointSlice *slice = NULL;

                assert_int_equal(decode_slice(object, 0, &slice, &report), cases[i].result);
                assert_null(slice);
                assert_string_equal(cases[i].result < 0 ? report.error : report.note, cases[i].reason);
        }
}

static void test_slice_absurd(void **state) {
        char *text = malloc(1 << 20), *p = text;
        _cleanup_(json_putp) json_object *object = NULL;
        DecodeReport report = {};
        EndpointSlice *slice = NULL;

        assert_non_null(text);
        p += sprintf(p, "{" SLICE_META ",\"addressType\":\"IPv4\",\"endpoints\":[");
        for (size_t i = 0; i < 1001; i++)
                p += sprintf(p, "%s{\"addresses\":[\"10.0.%zu.%zu\"]}", i > 0 ? "," : "", i / 250 + 1, i % 250);
        (void) sprintf(p, "]}");
        object = parse(text);
        free(text);
        assert_int_equal(decode_slice(object, 0, &slice, &report), -EBADMSG);
        assert_string_equal(report.error, "endpoints: 1001 endpoints are more than 1000");
}

/* ---- Endpoints */

static void test_endpoints(void **state) {
        static const char text[] =
                "{" META ",\"subsets\":[{\"addresses\":[{\"ip\":\"10.1.0.1\",\"nodeName\":\"n1\",\"targetRef\":{\"kind\":\"Pod\",\"name\":\"p\"}},"
                "{\"ip\":\"fd00::1\"}],\"notReadyAddresses\":[{\"ip\":\"10.1.0.2\"}],\"ports\":[{\"port\":80}]},"
                "{\"addresses\":[],\"ports\":[{\"port\":81}]},"
                "{\"addresses\":[{\"ip\":\"10.1.0.3\"}],\"ports\":[{\"name\":\"b\",\"port\":82,\"protocol\":\"SCTP\"}]}]}";
        _cleanup_(json_putp) json_object *object = parse(text);
        DecodedSlices slices = {};
        DecodeReport report = {};

        assert_int_equal(decode_endpoints(object, 0, &slices, &report), 0);
        assert_int_equal(slices.n_slices, 3);
        assert_string_equal(slices.slices[0]->name, "web/4-0");
        assert_string_equal(slices.slices[1]->name, "web/6-0");
        assert_string_equal(slices.slices[2]->name, "web/4-1");
        assert_string_equal(slices.slices[0]->service_name, "web");
        assert_int_equal(slices.slices[0]->n_endpoints, 2);
        assert_int_equal(slices.slices[0]->endpoints[0].conditions, ENDPOINT_READY | ENDPOINT_SERVING);
        assert_string_equal(endpoint_slice_string(slices.slices[0], slices.slices[0]->endpoints[0].node), "n1");
        assert_string_equal(endpoint_slice_string(slices.slices[0], slices.slices[0]->endpoints[0].pod), "p");
        assert_int_equal(slices.slices[0]->endpoints[1].conditions, 0);
        assert_int_equal(slices.slices[1]->family, AF_INET6);
        assert_int_equal(slices.slices[2]->ports[0].port, 82);
        assert_int_equal(slices.slices[2]->ports[0].protocol, PROTOCOL_SCTP);
        decoded_slices_done(&slices);
}

static void test_endpoints_refused(void **state) {
        static const struct {
                const char *text, *reason;
        } cases[] = {
                { "{" META ",\"subsets\":{}}", "subsets: this is of type object and must be array" },
                { "{" META ",\"subsets\":[{\"addresses\":[{\"ip\":\"10.1.0.1\"},{}]}]}", "subsets[0].addresses[1].ip: \"\" is not an IP address" },
                { "{" META ",\"subsets\":[{\"addresses\":[{\"ip\":\"10.1.0.1\"}],\"ports\":[{}]}]}",
                  "subsets[0].ports[0]: the port number is missing" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(json_putp) json_object *object = parse(cases[i].text);
                DecodedSlices slices = {};
                DecodeReport report = {};

                assert_int_equal(decode_endpoints(object, 0, &slices, &report), -EBADMSG);
                assert_int_equal(slices.n_slices, 0);
                assert_string_equal(report.error, cases[i].reason);
        }
}

/* ---- Node */

static void test_node(void **state) {
        static const char text[] =
                "{\"metadata\":{\"name\":\"n1\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\","
                "\"labels\":{\"topology.kubernetes.io/zone\":\"z1\"}},"
                "\"spec\":{\"podCIDR\":\"10.1.0.0/24\",\"podCIDRs\":[\"10.1.0.0/24\",\"fd00::/64\",\"x\"],"
                "\"taints\":[{\"key\":\"other\"},{\"key\":\"ToBeDeletedByClusterAutoscaler\",\"value\":\"1\"}]},"
                "\"status\":{\"addresses\":[{\"type\":\"Hostname\",\"address\":\"n1\"},{\"type\":\"ExternalIP\",\"address\":\"192.0.2.1\"},"
                "{\"type\":\"InternalIP\",\"address\":\"172.16.0.1\"},{\"type\":\"InternalIP\",\"address\":\"fd01::1\"}]}}";
        _cleanup_(json_putp) json_object *object = parse(text), *bare = parse("{\"metadata\":{\"name\":\"n1\"}}"),
                                         *old = parse("{\"metadata\":{\"name\":\"n1\"},\"spec\":{\"podCIDR\":\"10.1.0.0/24\"}}");
        _cleanup_(node_freep) Node *node = NULL, *empty = NULL, *single = NULL;
        DecodeReport report = {};

        assert_int_equal(decode_node(object, &node, &report), 0);
        assert_string_equal(node->name, "n1");
        assert_string_equal(node->zone, "z1");
        assert_true(node->deleting);
        assert_true(node->to_be_deleted);
        assert_int_equal(node->n_addresses, 3);
        assert_string_equal(addr_text(&node->addresses[0]), "172.16.0.1");
        assert_string_equal(addr_text(&node->addresses[1]), "fd01::1");
        assert_string_equal(addr_text(&node->addresses[2]), "192.0.2.1");
        assert_int_equal(node->n_pod_cidrs, 2);
        assert_string_equal(report.note, "spec.podCIDRs[2]: \"x\" is not a network and is left out");

        assert_int_equal(decode_node(bare, &empty, &report), 0);
        assert_string_equal(empty->zone, "");
        assert_false(empty->deleting);
        assert_int_equal(empty->n_addresses, 0);
        assert_int_equal(decode_node(old, &single, &report), 0);
        assert_int_equal(single->n_pod_cidrs, 1);
}

/* ---- what a real server stored */

static void test_recorded(void **state) {
        static const struct {
                const char *file;
                size_t n;
        } cases[] = { { "services-list.http", 12 }, { "endpointslices-list.http", 10 }, { "endpoints-list.http", 1 } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(json_putp) json_object *list = NULL;
                json_object *items;
                Recorded recorded;

                recorded_load(cases[i].file, &recorded);
                list = parse(recorded.body);
                items = json_member(list, "items");
                print_message("%s: %zu\n", cases[i].file, json_length(items));
                for (size_t n = 0; n < json_length(items); n++) {
                        json_object *item = json_object_array_get_idx(items, n);
                        _cleanup_(endpoint_slice_freep) EndpointSlice *slice = NULL;
                        _cleanup_(service_freep) Service *service = NULL;
                        DecodedSlices slices = {};
                        DecodeReport report = {};

                        if (i == 0)
                                assert_int_equal(decode_service(item, 0, &service, &report), 0);
                        else if (i == 1)
                                assert_int_equal(decode_slice(item, 0, &slice, &report), 0);
                        else
                                assert_int_equal(decode_endpoints(item, 0, &slices, &report), 0);
                        assert_string_equal(report.note, "");
                        if (slice)
                                for (size_t e = 0; e < slice->n_endpoints; e++)
                                        assert_true(slice->endpoints[e].node > 0 || strcmp(slice->service_name, "kubernetes") == 0);
                        decoded_slices_done(&slices);
                }
                assert_int_equal(json_length(items), cases[i].n);
                recorded_done(&recorded);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_service_fields), cmocka_unit_test(test_service_defaults),
                cmocka_unit_test(test_service_refused), cmocka_unit_test(test_service_notes),
                cmocka_unit_test(test_slice_fields),   cmocka_unit_test(test_slice_refused),
                cmocka_unit_test(test_slice_absurd),   cmocka_unit_test(test_endpoints),
                cmocka_unit_test(test_endpoints_refused), cmocka_unit_test(test_node),
                cmocka_unit_test(test_recorded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
