/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-apiserver as a program, asked by libcurl: what it answers has the shape of what a real API server answered
 * (tests/data/recorded-api), and what it is ordered to break breaks.
 */
#include "tests/unit/test.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <ftw.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/apiserver/buffer.h"
#include "tests/unit/beside.h"

typedef struct Server {
        char folder[64]; /* its state and, in objects/, its manifests */
        pid_t pid;
        unsigned port;
        const char *token; /* sent along, NULL = none */
        bool certificate; /* sent along */
} Server;

typedef struct Answer {
        CURLcode code;
        long status;
        Buffer headers, body;
        struct json_object *json; /* NULL if it is none */
} Answer;

/* ---- the server */

static void write_file(const Server *server, const char *name, const char *text) {
        char path[256], temporary[256];
        FILE *file;

        (void) snprintf(path, sizeof path, "%s/objects/%s", server->folder, name);
        (void) snprintf(temporary, sizeof temporary, "%s/objects/.%s", server->folder, name);
        file = fopen(temporary, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(rename(temporary, path), 0);
}

static void server_start(Server *server, const char *const *options) {
        const char *arguments[32] = { "test-apiserver", "--state", server->folder, "--dir" };
        char objects[128], line[64];
        size_t n = 5;
        int out[2];
        FILE *ready;

        strcpy(server->folder, "/tmp/test-apiserver-XXXXXX");
        assert_non_null(mkdtemp(server->folder));
        (void) snprintf(objects, sizeof objects, "%s/objects", server->folder);
        assert_int_equal(mkdir(objects, 0755), 0);
        arguments[4] = objects;
        for (; options && *options; options++)
                arguments[n++] = *options;
        write_file(server,
                   "a.yaml",
                   "apiVersion: v1\nkind: Service\nmetadata: {name: one, namespace: default, labels: {app: x, tier: web}}\n"
                   "spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}\n---\n"
                   "apiVersion: v1\nkind: Service\nmetadata: {name: two, namespace: default, labels: {app: y}}\n"
                   "spec: {clusterIP: 10.0.0.2, ports: [{port: 80, targetPort: web}], sessionAffinity: ClientIP}\n---\n"
                   "apiVersion: v1\nkind: Service\nmetadata: {name: three, namespace: other}\n"
                   "spec: {clusterIP: None, ports: [{port: 80}]}\n");
        write_file(server,
                   "b.json",
                   "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
                   "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"k8s01\"},\"spec\":{}},"
                   "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"one-a\","
                   "\"namespace\":\"default\",\"labels\":{\"kubernetes.io/service-name\":\"one\"}},\"addressType\":\"IPv4\","
                   "\"endpoints\":[{\"addresses\":[\"10.1.0.1\"],\"conditions\":{\"ready\":true},\"nodeName\":\"k8s01\","
                   "\"zone\":\"z1\"}],\"ports\":[{\"name\":\"http\",\"port\":8080}]}]}");
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        server->pid = fork();
        assert_true(server->pid >= 0);
        if (server->pid == 0) {
                /* A test that dies must not leave it behind. */
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
                (void) dup2(out[1], STDOUT_FILENO);
                (void) execv("tests/apiserver/test-apiserver", (char *const *) (uintptr_t) arguments);
                _exit(127);
        }
        (void) close(out[1]);
        ready = fdopen(out[0], "re");
        assert_non_null(ready);
        assert_non_null(fgets(line, sizeof line, ready));
        assert_int_equal(sscanf(line, "ready %u", &server->port), 1);
        assert_int_equal(fclose(ready), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static void server_stop(Server *server) {
        int status;

        assert_int_equal(kill(server->pid, SIGTERM), 0);
        assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_int_equal(nftw(server->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Sends one command and returns the first line of the answer; the call fails unless it ends with "ok". */
static unsigned long control(const Server *server, const char *command) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        Buffer answer = {};
        char bytes[4096];
        unsigned long number;
        ssize_t n;
        int fd;

        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s/control", server->folder);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (const struct sockaddr *) &address, sizeof address), 0);
        assert_int_equal(send(fd, command, strlen(command), 0), strlen(command));
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
                buffer_append(&answer, bytes, (size_t) n);
        (void) close(fd);
        assert_true(answer.size >= 3);
        if (memcmp(answer.data + answer.size - 3, "ok\n", 3) != 0)
                fail_msg("%s: %.*s", command, (int) answer.size, answer.data);
        number = strtoul(answer.data, NULL, 10);
        buffer_done(&answer);
        return number;
}

/* ---- asking it */

static size_t on_bytes(char *bytes, size_t size, size_t n, void *userdata) {
        buffer_append(userdata, bytes, size * n);
        return size * n;
}

static void answer_done(Answer *answer) {
        json_object_put(answer->json);
        buffer_done(&answer->headers);
        buffer_done(&answer->body);
        *answer = (Answer) {};
}

typedef struct Ask {
        const char *method, *body, *encoding;
        long timeout_ms;
        const char *ca; /* file in the state folder */
} Ask;

static Answer ask_with(const Server *server, const char *path, const Ask *ask) {
        char url[1024], ca[256], certificate[256], key[256], authorization[256];
        struct curl_slist *headers = NULL;
        CURL *curl = curl_easy_init();
        Answer answer = {};

        assert_non_null(curl);
        (void) snprintf(url, sizeof url, "https://127.0.0.1:%u%s", server->port, path);
        (void) snprintf(ca, sizeof ca, "%s/%s", server->folder, ask->ca ? ask->ca : "ca.crt");
        (void) snprintf(certificate, sizeof certificate, "%s/client.crt", server->folder);
        (void) snprintf(key, sizeof key, "%s/client.key", server->folder);
        (void) curl_easy_setopt(curl, CURLOPT_URL, url);
        (void) curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
        (void) curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
        (void) curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
        (void) curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_bytes);
        (void) curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer.headers);
        (void) curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ask->timeout_ms ? ask->timeout_ms : 20000L);
        (void) curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
        if (ask->encoding)
                (void) curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, ask->encoding);
        if (ask->method)
                (void) curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
        if (ask->body)
                (void) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask->body);
        if (server->certificate) {
                (void) curl_easy_setopt(curl, CURLOPT_SSLCERT, certificate);
                (void) curl_easy_setopt(curl, CURLOPT_SSLKEY, key);
        }
        if (server->token) {
                (void) snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", server->token);
                headers = curl_slist_append(NULL, authorization);
                (void) curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        }
        answer.code = curl_easy_perform(curl);
        (void) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
        curl_easy_cleanup(curl);
        curl_slist_free_all(headers);
        if (answer.body.size > 0 && buffer_cstring(&answer.body))
                answer.json = json_tokener_parse(answer.body.data);
        (void) buffer_cstring(&answer.headers);
        return answer;
}

static Answer ask(const Server *server, const char *path) {
        return ask_with(server, path, &(Ask) {});
}

/* "a.b.0.c" in the answer; NULL if it is not there. */
static const char *at(const Answer *answer, const char *path) {
        struct json_object *json = answer->json;
        char copy[256], *rest = copy, *word;

        (void) snprintf(copy, sizeof copy, "%s", path);
        while (json && (word = strsep(&rest, "."))) {
                if (json_object_is_type(json, json_type_array))
                        json = json_object_array_get_idx(json, strtoul(word, NULL, 10));
                else if (!json_object_object_get_ex(json, word, &json))
                        return NULL;
        }
        return json ? json_object_get_string(json) : NULL;
}

static size_t n_items(const Answer *answer) {
        struct json_object *items;

        assert_true(json_object_object_get_ex(answer->json, "items", &items));
        return json_object_array_length(items);
}

/* ---- what a real one answered */

static struct json_object *recorded(const char *name) {
        char path[512];
        Buffer text = {};
        char bytes[4096];
        struct json_object *json;
        const char *body;
        FILE *file;
        size_t n;

        (void) snprintf(path, sizeof path, "%s/tests/data/recorded-api/%s.http", SRCDIR, name);
        file = fopen(path, "re");
        if (!file)
                fail_msg("%s is missing", path);
        while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
                buffer_append(&text, bytes, n);
        assert_int_equal(fclose(file), 0);
        assert_non_null(buffer_cstring(&text));
        body = strstr(text.data, "\n\n");
        assert_non_null(body);
        json = json_tokener_parse(body);
        assert_non_null(json);
        buffer_done(&text);
        return json;
}

/* The same keys with values of the same types in objects, down to `depth`; arrays are not looked into. */
static void assert_same_shape(struct json_object *a, struct json_object *b, unsigned depth) {
        assert_int_equal(json_object_get_type(a), json_object_get_type(b));
        if (!json_object_is_type(a, json_type_object) || depth == 0)
                return;
        assert_int_equal(json_object_object_length(a), json_object_object_length(b));
        json_object_object_foreach(a, key, value) {
                struct json_object *other;

                if (!json_object_object_get_ex(b, key, &other))
                        fail_msg("%s is not in a real answer", key);
                assert_same_shape(value, other, depth - 1);
        }
}

static void assert_recorded(Answer answer, long status, const char *name, bool exactly) {
        struct json_object *real = recorded(name);

        assert_int_equal(answer.code, CURLE_OK);
        assert_int_equal(answer.status, status);
        assert_non_null(answer.json);
        if (exactly && !json_object_equal(answer.json, real))
                fail_msg("%s: %s", name, answer.body.data);
        assert_same_shape(answer.json, real, 8);
        json_object_put(real);
        answer_done(&answer);
}

static void test_recorded_shapes(void **state) {
        static const char *const options[] = { "--auth", "--token", "sesame", NULL };
        Server server = {};
        char path[512];
        Answer answer;

        server_start(&server, options);
        assert_recorded(ask(&server, "/api/v1/services"), 403, "forbidden-anonymous", true);
        server.token = "wrong";
        assert_recorded(ask(&server, "/api/v1/services"), 401, "unauthorized", true);
        server.token = "sesame";
        assert_recorded(ask(&server, "/api"), 200, "api", true);
        assert_recorded(ask(&server, "/version"), 200, "version", false);
        assert_recorded(ask(&server, "/api/v1/nodes/nosuch"), 404, "node-missing", true);
        assert_recorded(ask(&server, "/api/v1/services?resourceVersion=99999999"), 504, "list-too-large-rv", false);
        (void) control(&server, "api discovery.k8s.io/v1 off");
        assert_recorded(ask(&server, "/apis/discovery.k8s.io"), 200, "apis-discovery", true);
        assert_recorded(
                ask(&server, "/apis/discovery.k8s.io/v1/endpointslices"), 404, "apis-discovery-v1-missing", true);
        answer = ask(&server, "/apis/discovery.k8s.io/v1beta1/endpointslices");
        assert_non_null(strstr(answer.headers.data, "Warning: 299 - \"discovery.k8s.io/v1beta1 EndpointSlice"));
        assert_non_null(strstr(
                answer.body.data,
                "\"topology\":{\"kubernetes.io/hostname\":\"k8s01\",\"topology.kubernetes.io/zone\":\"z1\"}"));
        answer_done(&answer);

        answer = ask(&server, "/api/v1/services?limit=1");
        (void) snprintf(path, sizeof path, "/api/v1/services?limit=1&continue=%s", at(&answer, "metadata.continue"));
        answer_done(&answer);
        (void) control(&server, "delete services default/two");
        (void) control(&server, "compact");
        assert_recorded(ask(&server, path), 410, "list-continue-expired", false);
        server_stop(&server);
}

static void test_lists_have_the_recorded_form(void **state) {
        static const char *const names[] = { "services-list", "nodes-fieldselector", "endpointslices-list" };
        static const char *const paths[] = { "/api/v1/services?resourceVersion=0",
                                             "/api/v1/nodes?fieldSelector=metadata.name%3Dk8s01",
                                             "/apis/discovery.k8s.io/v1beta1/endpointslices?resourceVersion=0" };
        Server server = {};

        server_start(&server, NULL);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_recorded(ask(&server, paths[i]), 200, names[i], false);
        server_stop(&server);
}

/* ---- lists */

static void test_selectors(void **state) {
        static const struct {
                const char *query;
                size_t n;
        } cases[] = {
                { "", 3 },
                { "labelSelector=app", 2 },
                { "labelSelector=%21app", 1 },
                { "labelSelector=app%3Dx", 1 },
                { "labelSelector=app%3D%3Dx", 1 },
                { "labelSelector=app%21%3Dx", 2 },
                { "labelSelector=app%20in%20%28x%2C%20y%29", 2 },
                { "labelSelector=app+notin+%28x%2Cy%29", 1 },
                { "labelSelector=app,tier", 1 },
                { "labelSelector=app,%21tier", 1 },
                { "labelSelector=%21service.kubernetes.io%2Fheadless%2C%21service.kubernetes.io%2Fservice-proxy-name", 3 },
                { "fieldSelector=metadata.name%3Dtwo", 1 },
                { "fieldSelector=metadata.namespace%3Dother", 1 },
        };
        Server server = {};
        Answer answer;
        char path[256];

        server_start(&server, NULL);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                (void) snprintf(path, sizeof path, "/api/v1/services?%s", cases[i].query);
                answer = ask(&server, path);
                assert_int_equal(answer.status, 200);
                if (n_items(&answer) != cases[i].n)
                        fail_msg("%s: %zu items", cases[i].query, n_items(&answer));
                answer_done(&answer);
        }
        answer = ask(&server, "/api/v1/namespaces/other/services");
        assert_int_equal(n_items(&answer), 1);
        assert_string_equal(at(&answer, "items.0.metadata.name"), "three");
        answer_done(&answer);
        answer = ask(&server, "/api/v1/services?labelSelector=%3D%3D");
        assert_int_equal(answer.status, 400);
        answer_done(&answer);
        answer = ask(&server, "/api/v1/services?fieldSelector=spec.type%3DNodePort");
        assert_int_equal(answer.status, 400);
        answer_done(&answer);
        server_stop(&server);
}

/* All pages show the state of the first, whatever happens meanwhile; a compacted one goes on with the new state. */
static void test_pages(void **state) {
        Server server = {};
        Answer first, second, third;
        char path[512];

        server_start(&server, NULL);
        first = ask(&server, "/api/v1/services?limit=1");
        assert_string_equal(at(&first, "items.0.metadata.name"), "one");
        assert_string_equal(at(&first, "metadata.remainingItemCount"), "2");
        (void) control(&server, "delete services default/two");
        (void) control(&server,
                       "put\napiVersion: v1\nkind: Service\nmetadata: {name: more, namespace: default}\nspec: {}\n");
        (void) snprintf(path, sizeof path, "/api/v1/services?limit=1&continue=%s", at(&first, "metadata.continue"));
        second = ask(&server, path);
        assert_string_equal(at(&second, "items.0.metadata.name"), "two");
        assert_string_equal(at(&second, "metadata.resourceVersion"), at(&first, "metadata.resourceVersion"));
        (void) control(&server, "compact");
        (void) snprintf(path, sizeof path, "/api/v1/services?limit=5&continue=%s", at(&second, "metadata.continue"));
        answer_done(&second);
        second = ask(&server, path);
        assert_int_equal(second.status, 410);
        assert_string_equal(at(&second, "reason"), "Expired");
        (void) snprintf(path, sizeof path, "/api/v1/services?limit=5&continue=%s", at(&second, "metadata.continue"));
        third = ask(&server, path);
        assert_int_equal(third.status, 200);
        assert_int_equal(n_items(&third), 1);
        assert_string_equal(at(&third, "items.0.metadata.name"), "three");
        answer_done(&first);
        answer_done(&second);
        answer_done(&third);

        /* From the watch cache there are no pages. */
        first = ask(&server, "/api/v1/services?limit=1&resourceVersion=0");
        assert_int_equal(n_items(&first), 3);
        answer_done(&first);
        first = ask(&server, "/api/v1/services?continue=nonsense");
        assert_int_equal(first.status, 400);
        answer_done(&first);
        server_stop(&server);
}

static void test_gzip_and_chunks(void **state) {
        static const char *const options[] = { "--generate", "services=2000,endpoints=10", "--chunks", "7", NULL };
        Server server = {};
        Answer plain, compressed;

        server_start(&server, options);
        plain = ask(&server, "/apis/discovery.k8s.io/v1/endpointslices");
        assert_int_equal(n_items(&plain), 2001);
        (void) control(&server, "chunks 0");
        compressed = ask_with(&server, "/apis/discovery.k8s.io/v1/endpointslices", &(Ask) { .encoding = "gzip" });
        assert_non_null(strstr(compressed.headers.data, "Content-Encoding: gzip"));
        assert_int_equal(plain.body.size, compressed.body.size);
        assert_memory_equal(plain.body.data, compressed.body.data, plain.body.size);
        answer_done(&plain);
        answer_done(&compressed);
        /* Small ones are not worth it. */
        plain = ask_with(&server, "/api/v1/nodes", &(Ask) { .encoding = "gzip" });
        assert_null(strstr(plain.headers.data, "Content-Encoding"));
        answer_done(&plain);
        (void) control(&server, "endpoint 7 3 removed");
        plain = ask(&server, "/apis/discovery.k8s.io/v1/namespaces/bench/endpointslices/svc-00007-slice");
        assert_null(at(&plain, "endpoints.9"));
        assert_string_equal(at(&plain, "endpoints.3.addresses.0"), "10.128.0.75");
        answer_done(&plain);
        server_stop(&server);
}

/* ---- watches */

/* The type, name and version of the events of a watch that ran until its end, one a line. */
static char *summarise(Answer *answer) {
        Buffer lines = {};
        char *rest = answer->body.data, *line;

        while (rest && (line = strsep(&rest, "\n")) && *line) {
                Answer event = { .json = json_tokener_parse(line) };

                assert_non_null(event.json);
                buffer_printf(&lines,
                              "%s %s\n",
                              at(&event, "type"),
                              at(&event, "object.metadata.name") ? at(&event, "object.metadata.name")
                                      : at(&event, "object.message") ? at(&event, "object.message")
                                                                     : "-");
                json_object_put(event.json);
        }
        assert_non_null(buffer_cstring(&lines));
        return lines.data;
}

static void assert_watch(const Server *server, const char *path, const char *expected) {
        Answer answer = ask(server, path);
        _cleanup_(freep) char *lines = NULL;

        assert_int_equal(answer.code, CURLE_OK);
        assert_int_equal(answer.status, 200);
        lines = summarise(&answer);
        assert_string_equal(lines, expected);
        answer_done(&answer);
}

static void test_watch_history(void **state) {
        static const char *const options[] = { "--history", "4", NULL };
        unsigned long version;
        Server server = {};
        char path[256], expected[256];

        server_start(&server, options);
        version = control(&server, "version");
        (void) control(&server, "put\napiVersion: v1\nkind: Service\nmetadata: {name: new, labels: {app: x}}\nspec: {}\n");
        (void) control(&server, "put\napiVersion: v1\nkind: Service\nmetadata: {name: new, labels: {app: z}}\nspec: {}\n");
        (void) control(&server, "delete services default/new");
        (void) snprintf(path, sizeof path, "/api/v1/services?watch=1&timeoutSeconds=1&resourceVersion=%lu", version);
        assert_watch(&server, path, "ADDED new\nMODIFIED new\nDELETED new\n");
        /* Leaving the selector is a deletion; coming into it an addition. */
        (void) snprintf(path,
                        sizeof path,
                        "/api/v1/services?watch=1&timeoutSeconds=1&resourceVersion=%lu&labelSelector=app%%3Dx",
                        version);
        assert_watch(&server, path, "ADDED new\nDELETED new\n");
        (void) snprintf(path,
                        sizeof path,
                        "/api/v1/services?watch=1&timeoutSeconds=1&resourceVersion=%lu&labelSelector=app%%3Dz",
                        version);
        assert_watch(&server, path, "ADDED new\nDELETED new\n");
        /* None and "0" begin with what is there. */
        assert_watch(&server,
                     "/api/v1/services?watch=1&timeoutSeconds=1&resourceVersion=0",
                     "ADDED one\nADDED two\nADDED three\n");
        assert_watch(&server, "/api/v1/nodes?watch=true&timeoutSeconds=1&fieldSelector=metadata.name%3Dk8s01", "ADDED k8s01\n");
        /* The ring has four places. */
        (void) control(&server, "put\napiVersion: v1\nkind: Service\nmetadata: {name: new}\nspec: {}\n");
        (void) control(&server, "delete services default/new");
        (void) snprintf(path, sizeof path, "/api/v1/services?watch=1&timeoutSeconds=1&resourceVersion=%lu", version);
        (void) snprintf(
                expected, sizeof expected, "ERROR too old resource version: %lu (%lu)\n", version, version + 1);
        assert_watch(&server, path, expected);
        server_stop(&server);
}

static void test_watch_too_old_is_as_recorded(void **state) {
        struct json_object *real = recorded("watch-too-old");
        Server server = {};
        Answer answer;

        server_start(&server, NULL);
        (void) control(&server, "compact");
        answer = ask(&server, "/api/v1/services?watch=1&resourceVersion=100");
        assert_int_equal(answer.status, 200);
        assert_same_shape(answer.json, real, 8);
        assert_string_equal(at(&answer, "object.code"), "410");
        assert_string_equal(at(&answer, "object.reason"), "Expired");
        answer_done(&answer);
        json_object_put(real);
        server_stop(&server);
}

static void test_bookmarks(void **state) {
        static const char *const options[] = { "--bookmarks", "400ms", NULL };
        Server server = {};
        unsigned long version;
        char path[256];

        server_start(&server, options);
        version = control(&server, "version");
        (void) snprintf(path,
                        sizeof path,
                        "/api/v1/services?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=%lu",
                        version);
        assert_watch(&server, path, "BOOKMARK -\nBOOKMARK -\n");
        (void) snprintf(path, sizeof path, "/api/v1/services?watch=1&timeoutSeconds=1&resourceVersion=%lu", version);
        assert_watch(&server, path, "");
        server_stop(&server);
}

static void test_watch_list(void **state) {
        static const char *const path = "/api/v1/services?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&"
                                        "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
        Server server = {};
        Answer answer;

        server_start(&server, NULL);
        answer = ask(&server, path);
        assert_non_null(strstr(answer.body.data,
                               "\"creationTimestamp\":null,\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}"));
        answer_done(&answer);
        (void) control(&server, "watch-list refused");
        answer = ask(&server, path);
        assert_int_equal(answer.status, 422);
        assert_string_equal(at(&answer, "reason"), "Invalid");
        answer_done(&answer);
        server_stop(&server);
}

/* ---- files */

static void test_files_are_followed(void **state) {
        Server server = {};
        unsigned long version, now;
        char path[256], file[256];

        server_start(&server, NULL);
        version = control(&server, "version");
        write_file(&server,
                   "a.yaml",
                   "apiVersion: v1\nkind: Service\nmetadata: {name: one, namespace: default, labels: {app: x, tier: web}}\n"
                   "spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}\n---\n"
                   "apiVersion: v1\nkind: Service\nmetadata: {name: two, namespace: default}\n"
                   "spec: {clusterIP: 10.0.0.2, ports: [{port: 81}]}\n");
        do
                now = control(&server, "version");
        while (now < version + 2);
        (void) snprintf(path, sizeof path, "/api/v1/services?watch=1&timeoutSeconds=1&resourceVersion=%lu", version);
        assert_watch(&server, path, "MODIFIED two\nDELETED three\n");
        /* A broken file changes nothing; the next good one does. */
        write_file(&server, "a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: [\n");
        (void) snprintf(file, sizeof file, "%s/objects/b.json", server.folder);
        assert_int_equal(unlink(file), 0);
        do
                now = control(&server, "version");
        while (now < version + 4);
        assert_watch(&server, "/api/v1/services?watch=1&timeoutSeconds=1", "ADDED one\nADDED two\n");
        server_stop(&server);
}

/* ---- faults */

static void test_ordered_faults(void **state) {
        Server server = {};
        Answer answer;

        server_start(&server, NULL);
        (void) control(&server, "fail services:list 1 status 429 7");
        answer = ask(&server, "/api/v1/nodes");
        assert_int_equal(answer.status, 200);
        answer_done(&answer);
        answer = ask(&server, "/api/v1/services");
        assert_int_equal(answer.status, 429);
        assert_non_null(strstr(answer.headers.data, "Retry-After: 7"));
        answer_done(&answer);
        (void) control(&server, "fail services:watch 1 error-event 410");
        answer = ask(&server, "/api/v1/services?watch=1");
        assert_int_equal(answer.status, 200);
        assert_string_equal(at(&answer, "type"), "ERROR");
        answer_done(&answer);
        (void) control(&server, "fail services 1 half");
        answer = ask(&server, "/api/v1/services");
        assert_int_not_equal(answer.code, CURLE_OK);
        assert_true(answer.body.size > 100);
        answer_done(&answer);
        (void) control(&server, "fail services 1 garbage");
        answer = ask(&server, "/api/v1/services");
        assert_int_equal(answer.code, CURLE_OK);
        assert_null(answer.json);
        answer_done(&answer);
        (void) control(&server, "fail services 1 framing");
        answer = ask(&server, "/api/v1/services");
        assert_int_not_equal(answer.code, CURLE_OK);
        answer_done(&answer);
        (void) control(&server, "fail services 1 close");
        answer = ask(&server, "/api/v1/services");
        assert_int_not_equal(answer.code, CURLE_OK);
        assert_int_equal(answer.body.size, 0);
        answer_done(&answer);
        (void) control(&server, "fail services 1 hang");
        answer = ask_with(&server, "/api/v1/services", &(Ask) { .timeout_ms = 300 });
        assert_int_equal(answer.code, CURLE_OPERATION_TIMEDOUT);
        answer_done(&answer);
        (void) control(&server, "fail discovery 1 status 503");
        answer = ask(&server, "/apis");
        assert_int_equal(answer.status, 503);
        answer_done(&answer);
        (void) control(&server, "freeze");
        answer = ask_with(&server, "/api/v1/services", &(Ask) { .timeout_ms = 300 });
        assert_int_equal(answer.code, CURLE_OPERATION_TIMEDOUT);
        answer_done(&answer);
        (void) control(&server, "thaw");
        (void) control(&server, "stop");
        answer = ask(&server, "/api/v1/services");
        assert_int_equal(answer.code, CURLE_COULDNT_CONNECT);
        answer_done(&answer);
        (void) control(&server, "start");
        answer = ask(&server, "/api/v1/services");
        assert_int_equal(answer.status, 200);
        answer_done(&answer);
        server_stop(&server);
}

/* ---- credentials */

static void test_credentials(void **state) {
        static const char *const options[] = { "--auth", "--no-anonymous", "--token", "sesame", "--forbid", "nodes:list", NULL };
        Server server = {};
        Answer answer;
        char copy[512];

        server_start(&server, options);
        answer = ask(&server, "/api/v1/services");
        assert_int_equal(answer.status, 401);
        answer_done(&answer);
        server.certificate = true;
        answer = ask(&server, "/api/v1/services");
        assert_int_equal(answer.status, 200);
        answer_done(&answer);
        answer = ask(&server, "/api/v1/nodes");
        assert_int_equal(answer.status, 403);
        assert_non_null(strstr(at(&answer, "message"), "User \"system:kube-proxy\" cannot list resource \"nodes\""));
        answer_done(&answer);
        answer = ask(&server, "/api/v1/nodes/k8s01");
        assert_int_equal(answer.status, 200);
        answer_done(&answer);
        server.certificate = false;
        server.token = "sesame";
        (void) control(&server, "rotate token other");
        answer = ask(&server, "/api/v1/services");
        assert_int_equal(answer.status, 401);
        answer_done(&answer);
        server.token = "other";
        answer = ask(&server, "/api/v1/services");
        assert_int_equal(answer.status, 200);
        answer_done(&answer);
        /* A new CA: the old one does not know the server any more. */
        (void) snprintf(copy, sizeof copy, "%s/old.crt", server.folder);
        (void) control(&server, "rotate server");
        answer = ask(&server, "/api/v1/services");
        assert_int_equal(answer.status, 200);
        answer_done(&answer);
        {
                char from[512];

                (void) snprintf(from, sizeof from, "%s/ca.crt", server.folder);
                assert_int_equal(link(from, copy), 0);
        }
        (void) control(&server, "rotate all");
        answer = ask_with(&server, "/api/v1/services", &(Ask) { .ca = "old.crt" });
        assert_int_equal(answer.code, CURLE_PEER_FAILED_VERIFICATION);
        answer_done(&answer);
        answer = ask(&server, "/api/v1/services");
        assert_int_equal(answer.status, 200);
        answer_done(&answer);
        server_stop(&server);
}

/* ---- what clients write */

static void test_events(void **state) {
        Server server = {};
        Answer answer;

        server_start(&server, NULL);
        answer = ask_with(&server,
                          "/api/v1/namespaces/default/events",
                          &(Ask) { .body = "{\"metadata\":{\"name\":\"e.1\",\"namespace\":\"default\"},\"reason\":\"Degraded\","
                                           "\"count\":1,\"involvedObject\":{\"kind\":\"Service\",\"name\":\"one\"}}" });
        assert_int_equal(answer.status, 201);
        assert_string_equal(at(&answer, "kind"), "Event");
        answer_done(&answer);
        answer = ask_with(&server,
                          "/api/v1/namespaces/default/events/e.1",
                          &(Ask) { .method = "PATCH", .body = "{\"count\":2,\"reason\":null}" });
        assert_int_equal(answer.status, 200);
        answer_done(&answer);
        answer = ask(&server, "/apis/events.k8s.io/v1/namespaces/default/events/e.1");
        assert_string_equal(at(&answer, "count"), "2");
        assert_null(at(&answer, "reason"));
        assert_string_equal(at(&answer, "involvedObject.name"), "one");
        answer_done(&answer);
        answer = ask_with(&server, "/api/v1/namespaces/default/events/none", &(Ask) { .method = "PATCH", .body = "{}" });
        assert_int_equal(answer.status, 404);
        answer_done(&answer);
        answer = ask_with(&server, "/api/v1/namespaces/default/services", &(Ask) { .body = "{}" });
        assert_int_equal(answer.status, 405);
        answer_done(&answer);
        server_stop(&server);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_recorded_shapes),
                cmocka_unit_test(test_lists_have_the_recorded_form),
                cmocka_unit_test(test_selectors),
                cmocka_unit_test(test_pages),
                cmocka_unit_test(test_gzip_and_chunks),
                cmocka_unit_test(test_watch_history),
                cmocka_unit_test(test_watch_too_old_is_as_recorded),
                cmocka_unit_test(test_bookmarks),
                cmocka_unit_test(test_watch_list),
                cmocka_unit_test(test_files_are_followed),
                cmocka_unit_test(test_ordered_faults),
                cmocka_unit_test(test_credentials),
                cmocka_unit_test(test_events),
        };
        int r;

        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return 1;
        r = run_tests_beside(tests, NULL, NULL);
        curl_global_cleanup();
        return r;
}
