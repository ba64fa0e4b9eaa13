/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference §3.4 to §3.7 from the JSON of an API server to what the kernel is to hold: objects as clusters have them, with
 * fields missing, null, of old versions or for others, and what becomes of them when they change. test-decode.c has the
 * fields, the other test-reference-*.c the rules.
 */
#include "tests/unit/test.h"

#include <json-c/json.h>
#include <stdio.h>

#include "apiserver/feed.h"
#include "apiserver/json-parse.h"
#include "tests/unit/world.h"

/* Objects are written with ' for ", one a line; "-" before it: it was deleted. */
#define OBJECT(kind, name, meta, rest) "{'kind':'" kind "','metadata':{'namespace':'ns','name':'" name "'" meta "}" rest "}\n"
#define SERVICE(name, spec) OBJECT("Service", name, "", ",'spec':{" spec "}")
#define BALANCER(spec, ingress) \
        OBJECT("Service", "a", "", ",'spec':{" IP PORT "," spec "},'status':{'loadBalancer':{'ingress':[" ingress "]}}")
#define SLICE_LIKE(name, meta, type, ports, endpoints) \
        OBJECT("EndpointSlice", name, meta, ",'addressType':'" type "','ports':[" ports "],'endpoints':[" endpoints "]")
#define LABEL(service) ",'labels':{'kubernetes.io/service-name':'" service "'}"
#define SLICE(name, service, ports, endpoints) SLICE_LIKE(name, LABEL(service), "IPv4", ports, endpoints)

#define IP "'clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1'],'ipFamilies':['IPv4'],"
#define PORT "'ports':[{'name':'p','protocol':'TCP','port':80,'targetPort':'web'}]"
#define TYPE(type) "'type':'" type "'"
#define AT(addr, more) "{'addresses':['" addr "']" more "}"
#define A SERVICE("a", IP PORT "," TYPE("ClusterIP"))
#define A1 SLICE("a-1", "a", "{'name':'p','protocol':'TCP','port':8080}", AT("10.1.0.1", ""))

#define SERVED(dests) "vs 10.0.0.1:80/TCP > " dests ": bound guarded ping service cluster\n"
#define UNSERVED(key) "vs " key " > : bound guarded service cluster no-endpoints\n"
#define PINGED(key) "vs " key " > : bound guarded ping service cluster no-endpoints\n" /* another port has endpoints */

typedef struct ObjectStep {
        const char *name; /* NULL ends them */
        const char *objects;
        const char *expected;
} ObjectStep;

typedef struct ObjectCase {
        const char *name;
        ObjectStep steps[6];
} ObjectCase;

static const ObjectCase cases[] = {
        { "families",
          { { "both, endpoints of one",
              SERVICE("a", "'clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1','fd00::1'],'ipFamilies':['IPv4','IPv6']," PORT) A1,
              SERVED("10.1.0.1:8080 ") UNSERVED("[fd00::1]:80/TCP") },
            { "and of the other",
              SLICE_LIKE("a-6", LABEL("a"), "IPv6", "{'name':'p','port':8080}", AT("fd01::1", "")) "-" A1,
              UNSERVED("10.0.0.1:80/TCP") "vs [fd00::1]:80/TCP > [fd01::1]:8080 : bound guarded ping service cluster\n" },
            { "one is taken back", A, UNSERVED("10.0.0.1:80/TCP") },
            { "the second address counts if its family is said",
              SERVICE("a", "'clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1','fd00::1']," PORT),
              UNSERVED("10.0.0.1:80/TCP") } } },
        { "conditions",
          { { "ready is what does not say otherwise",
              A SLICE("a-1", "a", "{'name':'p','port':80}",
                      AT("10.1.0.1", "") "," AT("10.1.0.2", ",'conditions':{}") "," AT("10.1.0.3", ",'conditions':{'ready':null}") ","
                      AT("10.1.0.4", ",'conditions':{'ready':false}") ","
                      AT("10.1.0.5", ",'conditions':{'ready':false,'serving':true,'terminating':true}") ","
                      AT("10.1.0.6", ",'conditions':{'ready':true,'terminating':true}") ",{'addresses':[]}"),
              SERVED("10.1.0.1:80 10.1.0.2:80 10.1.0.3:80 10.1.0.6:80 ") },
            { "none is ready: those that go and serve, which is what does not say otherwise",
              SLICE("a-1", "a", "{'name':'p','port':80}",
                    AT("10.1.0.1", ",'conditions':{'ready':false}") ","
                    AT("10.1.0.2", ",'conditions':{'ready':false,'terminating':true}") ","
                    AT("10.1.0.3", ",'conditions':{'ready':false,'serving':false,'terminating':true}")),
              SERVED("10.1.0.2:80 ") } } },
        { "ports",
          { { "of a slice without name or number, of another protocol, of no service",
              SERVICE("a", IP "'ports':[{'name':'p','port':80},{'name':'q','port':81},{'name':'r','port':82,'protocol':'UDP'}]")
              SLICE("a-1", "a",
                    "{'name':'p','port':8080},{'port':81},{'name':null,'port':82},{'name':'q'},"
                    "{'name':'r','port':83,'protocol':'TCP'},{'name':'s','port':84}",
                    AT("10.1.0.1", "")),
              SERVED("10.1.0.1:8080 ") PINGED("10.0.0.1:81/TCP") PINGED("10.0.0.1:82/UDP") },
            { "one endpoint behind two of them",
              SERVICE("a", IP "'ports':[{'name':'p','port':80},{'name':'q','port':81}]")
              SLICE("a-1", "a", "{'name':'p','port':80},{'name':'q','port':80}", AT("10.1.0.1", ",'nodeName':'testnode'")),
              "hairpin 10.1.0.1:80/tcp\n" SERVED("10.1.0.1:80 ")
              "vs 10.0.0.1:81/TCP > 10.1.0.1:80 : bound guarded ping service cluster\n" },
            { "one number in three protocols",
              SERVICE("a", IP "'type':'NodePort','ports':[{'name':'p','port':80,'nodePort':30080},"
                              "{'name':'q','port':80,'nodePort':30080,'protocol':'UDP'},{'name':'r','port':80,'protocol':'SCTP'}]")
              SLICE("a-1", "a", "{'name':'p','port':80},{'name':'q','port':80,'protocol':'UDP'},{'name':'r','port':80,'protocol':'SCTP'}",
                    AT("10.1.0.1", "")),
              "vs 10.0.0.1:80/SCTP > 10.1.0.1:80 : bound guarded ping service cluster\n" SERVED("10.1.0.1:80 ")
              "vs 10.0.0.1:80/UDP > 10.1.0.1:80 : bound guarded ping service cluster\n"
              "vs 100.101.102.103:30080/TCP > 10.1.0.1:80 : external\nvs 100.101.102.103:30080/UDP > 10.1.0.1:80 : external\n" },
            { "node ports change",
              SERVICE("a", IP "'type':'NodePort','ports':[{'name':'p','port':80,'nodePort':30081}]"),
              SERVED("10.1.0.1:80 ") "vs 100.101.102.103:30081/TCP > 10.1.0.1:80 : external\n" },
            { "a name changes: the slice has the old one", SERVICE("a", IP "'ports':[{'name':'web','port':80}]"), UNSERVED("10.0.0.1:80/TCP") } } },
        { "slices",
          { { "for names, of nobody, of somebody else",
              A A1 SLICE_LIKE("a-2", LABEL("a"), "FQDN", "{'name':'p','port':80}", AT("a.example", ""))
              SLICE_LIKE("a-3", "", "IPv4", "{'name':'p','port':80}", AT("10.1.0.3", ""))
              SLICE_LIKE("a-4", ",'labels':null", "IPv4", "{'name':'p','port':80}", AT("10.1.0.4", ""))
              SLICE("a", "b", "{'name':'p','port':80}", AT("10.1.0.5", "")),
              SERVED("10.1.0.1:8080 ") },
            { "two with one endpoint, as while it moves from one to the other",
              SLICE("a-2", "a", "{'name':'p','port':8080}", AT("10.1.0.1", "") "," AT("10.1.0.2", "")),
              SERVED("10.1.0.1:8080 10.1.0.2:8080 ") },
            { "one becomes somebody else's",
              SLICE("a-2", "b", "{'name':'p','port':8080}", AT("10.1.0.1", "") "," AT("10.1.0.2", "")),
              SERVED("10.1.0.1:8080 ") },
            { "one loses its label", SLICE_LIKE("a-1", "", "IPv4", "{'name':'p','port':80}", AT("10.1.0.1", "")), UNSERVED("10.0.0.1:80/TCP") },
            { "both are back",
              A1 SLICE("a-2", "a", "{'name':'p','port':8080}", AT("10.1.0.1", "") "," AT("10.1.0.2", "")),
              SERVED("10.1.0.1:8080 10.1.0.2:8080 ") } } },
        { "a service that is not for us, and then is",
          { { "ExternalName", SERVICE("a", IP PORT ",'externalName':'a.example'," TYPE("ExternalName")) A1, "" },
            { "ClusterIP", A, SERVED("10.1.0.1:8080 ") },
            { "another proxy's", OBJECT("Service", "a", ",'labels':{'service.kubernetes.io/service-proxy-name':''}", ",'spec':{" IP PORT "}"), "" },
            { "ours again", A, SERVED("10.1.0.1:8080 ") },
            { "headless", SERVICE("a", "'clusterIP':'None','clusterIPs':['None']," PORT), "" },
            { "ExternalName again", SERVICE("a", PORT "," TYPE("ExternalName")), "" } } },
        { "a service that is made anew",
          { { "once", A A1, SERVED("10.1.0.1:8080 ") },
            { "seen as a deletion and an addition",
              "-" A SERVICE("a", "'clusterIP':'10.0.0.2'," PORT),
              "vs 10.0.0.2:80/TCP > 10.1.0.1:8080 : bound guarded ping service cluster\n" },
            { "seen as a change", A, SERVED("10.1.0.1:8080 ") } } },
        { "an address of two services",
          { { "the older one's external IP is the younger one's cluster IP",
              OBJECT("Service", "b", ",'creationTimestamp':'2020-01-01T00:00:00Z'",
                     ",'spec':{'clusterIP':'10.0.0.2','externalIPs':['10.0.0.1']," PORT "}")
              OBJECT("Service", "a", ",'creationTimestamp':'2021-01-01T00:00:00Z'",
                     ",'spec':{" IP "'ports':[{'name':'p','port':80},{'name':'q','port':81}]}") A1,
              "refused ns/a:p 10.0.0.1:80/TCP Conflict\nvs 10.0.0.1:80/TCP > : bound guarded service external no-endpoints\n"
              UNSERVED("10.0.0.1:81/TCP") UNSERVED("10.0.0.2:80/TCP") },
            { "it goes", "-" SERVICE("b", PORT), SERVED("10.1.0.1:8080 ") PINGED("10.0.0.1:81/TCP") } } },
        { "load balancers",
          { { "by name, those that work on their own, and two IPs",
              BALANCER(TYPE("LoadBalancer"), "{'hostname':'lb.example'},{'ip':'1.2.3.4','ipMode':'Proxy'},"
                                             "{'ip':'1.2.3.5','ipMode':'VIP'},{'ip':'1.2.3.6'},{'ip':'','hostname':'x.example'}") A1,
              "vs 1.2.3.5:80/TCP > 10.1.0.1:8080 : bound guarded ping service external\n"
              "vs 1.2.3.6:80/TCP > 10.1.0.1:8080 : bound guarded ping service external\n" SERVED("10.1.0.1:8080 ") },
            { "VIP becomes Proxy", BALANCER(TYPE("LoadBalancer"), "{'ip':'1.2.3.5','ipMode':'Proxy'}"), SERVED("10.1.0.1:8080 ") },
            { "a health check node port, and policy Local",
              BALANCER("'externalTrafficPolicy':'Local','healthCheckNodePort':30000," TYPE("LoadBalancer"), "{'ip':'1.2.3.5'}"),
              "answers 1.2.3.5:30000/tcp\nanswers 10.0.0.1:30000/tcp\nhealth ns/a 30000 0\nno-local internal 0 external 1\n"
              "vs 1.2.3.5:80/TCP > 10.1.0.1:8080 : bound guarded ping service local-only\n" SERVED("10.1.0.1:8080 ") },
            { "the port changes, and an endpoint comes here",
              BALANCER("'externalTrafficPolicy':'Local','healthCheckNodePort':30001," TYPE("LoadBalancer"), "{'ip':'1.2.3.5'}")
              SLICE("a-2", "a", "{'name':'p','port':8080}", AT("10.1.0.2", ",'nodeName':'testnode'")),
              "answers 1.2.3.5:30001/tcp\nanswers 10.0.0.1:30001/tcp\nhairpin 10.1.0.2:8080/tcp\nhealth ns/a 30001 1\n"
              "vs 1.2.3.5:80/TCP > 10.1.0.2:8080 : bound guarded ping service\n" SERVED("10.1.0.1:8080 10.1.0.2:8080 ") },
            { "kube-proxy heeds the policy of no ClusterIP service without external IPs",
              BALANCER("'externalTrafficPolicy':'Local','healthCheckNodePort':30001," TYPE("ClusterIP"), "{'ip':'1.2.3.5'}"),
              "hairpin 10.1.0.2:8080/tcp\nvs 1.2.3.5:80/TCP > 10.1.0.1:8080 10.1.0.2:8080 : bound guarded ping service external\n"
              SERVED("10.1.0.1:8080 10.1.0.2:8080 ") } } },
        { "session affinity",
          { { "without a time",
              SERVICE("a", IP PORT ",'sessionAffinity':'ClientIP'") A1,
              "vs 10.0.0.1:80/TCP flags 0x1 timeout 10800 > 10.1.0.1:8080 : bound guarded ping service cluster\n" },
            { "for a minute",
              SERVICE("a", IP PORT ",'sessionAffinity':'ClientIP','sessionAffinityConfig':{'clientIP':{'timeoutSeconds':60}}"),
              "vs 10.0.0.1:80/TCP flags 0x1 timeout 60 > 10.1.0.1:8080 : bound guarded ping service cluster\n" },
            { "its time alone is nothing",
              SERVICE("a", IP PORT ",'sessionAffinity':'None','sessionAffinityConfig':{'clientIP':{'timeoutSeconds':60}}"),
              SERVED("10.1.0.1:8080 ") } } },
        { "topology",
          { { "hints count, whatever the service says of them in the words of any version",
              OBJECT("Service", "a", ",'annotations':{'service.kubernetes.io/topology-mode':'Disabled',"
                                     "'service.kubernetes.io/topology-aware-hints':'disabled'}",
                     ",'spec':{" IP PORT ",'topologyKeys':['kubernetes.io/hostname'],'trafficDistribution':'PreferSameNode'}")
              SLICE("a-1", "a", "{'name':'p','port':80}",
                    AT("10.1.0.1", ",'zone':'z2','hints':{'forZones':[{'name':'z1'}]}") ","
                    AT("10.1.0.2", ",'zone':'z1','hints':{'forZones':[{'name':'z2'},{'name':'z3'}]}")),
              SERVED("10.1.0.1:80 ") },
            { "of nodes before those of zones",
              SLICE("a-1", "a", "{'name':'p','port':80}",
                    AT("10.1.0.1", ",'hints':{'forZones':[{'name':'z1'}],'forNodes':[{'name':'other'}]}") ","
                    AT("10.1.0.2", ",'hints':{'forZones':[{'name':'z2'}],'forNodes':[{'name':'testnode'}]}")),
              SERVED("10.1.0.2:80 ") },
            { "zones of endpoints are no hints",
              SLICE("a-1", "a", "{'name':'p','port':80}", AT("10.1.0.1", ",'zone':'z1'") "," AT("10.1.0.2", ",'zone':'z2','hints':null")),
              SERVED("10.1.0.1:80 10.1.0.2:80 ") } } },
        { "internalTrafficPolicy",
          { { "null is Cluster", SERVICE("a", IP PORT ",'internalTrafficPolicy':null") A1, SERVED("10.1.0.1:8080 ") },
            { "Local", SERVICE("a", IP PORT ",'internalTrafficPolicy':'Local'"), "no-local internal 1 external 0\n" UNSERVED("10.0.0.1:80/TCP") },
            { "the place of an endpoint as discovery.k8s.io/v1beta1 had it",
              SLICE("a-1", "a", "{'name':'p','port':80}", AT("10.1.0.1", ",'topology':{'kubernetes.io/hostname':'testnode'}")),
              "hairpin 10.1.0.1:80/tcp\n" SERVED("10.1.0.1:80 ") } } },
        { "addresses as Go's sloppy parser reads them",
          { { "zeros in front, IPv4 within IPv6, two addresses of which the first counts",
              SERVICE("a", "'clusterIP':'010.000.000.001','externalIPs':['::ffff:50.0.0.1']," PORT)
              SLICE("a-1", "a", "{'name':'p','port':80}", "{'addresses':['::ffff:10.1.0.1','10.1.0.9']}"),
              SERVED("10.1.0.1:80 ") "vs 50.0.0.1:80/TCP > 10.1.0.1:80 : bound guarded ping service external\n" } } },
};

/* ---- doing them */

static void feed_line(Feed *feed, char *line) {
        bool gone = *line == '-';
        json_object *object = NULL;
        FeedKind kind;

        line += gone;
        for (char *c = line; *c; c++)
                if (*c == '\'')
                        *c = '"';
        if (json_parse(line, strlen(line), &object) < 0)
                fail_msg("not JSON: %s", line);
        kind = feed_kind_from_string(json_object_get_string(json_object_object_get(object, "kind")));
        assert_true((gone ? feed_remove(feed, kind, object) : feed_put(feed, kind, object)) >= 0);
        json_object_put(object);
}

static void run_case(const ObjectCase *c) {
        _cleanup_(feed_freep) Feed *feed = NULL;
        World world;

        world_init(&world);
        world_do(&world, "node zone=z1");
        assert_int_equal(feed_new(world.store, OBJECT_SOURCE_API, 0, &feed), 0);
        for (size_t i = 0; i < ELEMENTSOF(c->steps) && c->steps[i].name; i++) {
                _cleanup_(freep) char *objects = strdup(c->steps[i].objects), *name = NULL;
                char *rest = objects, *line;

                while ((line = strsep(&rest, "\n")))
                        if (*line)
                                feed_line(feed, line);
                assert_true(asprintf(&name, "%s: %s", c->name, c->steps[i].name) >= 0);
                world_expect(&world, name, "", c->steps[i].expected);
        }
        world_done(&world);
}

static void test_objects(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                run_case(&cases[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_objects),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
