/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manifest files as a source: what they say, how they change, how they are broken. */
#include <fcntl.h>
#include <ftw.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/unit/test.h"

#include "apiserver/json-read.h"
#include "apiserver/manifest-parse.h"
#include "apiserver/manifests.h"
#include "common/log.h"
#include "tests/unit/beside.h"
#include "tests/unit/recorded.h"

/* ---- parsing */

/* As manifest_parse(), but one value at a time. */
static int parse_slowly(const char *text, ManifestObjects *ret, ManifestError *ret_error) {
        _cleanup_(manifest_parser_freep) ManifestParser *parser = NULL;
        int r;

        assert_int_equal(manifest_parser_new(strdup(text), strlen(text), &parser), 0);
        do
                r = manifest_parser_run(parser, 1, ret_error);
        while (r > 0);
        if (r == 0) {
                assert_int_equal(manifest_parser_run(parser, 1, ret_error), 0);
                manifest_parser_take(parser, ret);
        }
        return r;
}

static void parse_case(const char *text, const char *expected, bool slowly) {
        _cleanup_(manifest_objects_done) ManifestObjects objects = {};
        char got[2048] = "";
        ManifestError error;
        int r = slowly ? parse_slowly(text, &objects, &error) : manifest_parse(text, strlen(text), &objects, &error);

        if (r < 0)
                (void) snprintf(got, sizeof(got), "%u: %s", error.line, error.text);
        for (size_t i = 0; i < objects.n_objects; i++) {
                size_t used = strlen(got);

                (void) snprintf(got + used,
                                sizeof(got) - used,
                                "%s%u%s",
                                i > 0 ? " " : "",
                                objects.objects[i].line,
                                json_object_to_json_string_ext(objects.objects[i].object, JSON_C_TO_STRING_PLAIN));
        }
        assert_string_equal(got, expected);
}

static void test_parse(void **state) {
        static const struct {
                const char *text, *expected;
        } cases[] = {
                { "", "" },
                { "# nothing\n---\n---\n", "" },
                { "a: 1\n---\nb: two\n", "1{\"a\":1} 3{\"b\":\"two\"}" },
                { "{\"a\": [1, \"x\", null, true]}", "1{\"a\":[1,\"x\",null,true]}" },
                { "kind: List\nitems:\n- {a: 1}\n-\n  b: 2\n", "3{\"a\":1} 5{\"b\":2}" },
                { "kind: ServiceList\nitems: [{a: 1}]\n", "2{\"a\":1}" },
                { "kind: Service\nitems: [1]\n", "1{\"kind\":\"Service\",\"items\":[1]}" },
                { "- a: 1\n- b: 2\n", "1{\"a\":1} 2{\"b\":2}" },
                { "[{\"a\":1},\n{\"b\":2}]", "1{\"a\":1} 2{\"b\":2}" },
                { "a: \"1\"\nb: '2'\nc: !!str 3\nd: 0x10\ne: 010\nf: -1_000\ng: ~\nh: yes\ni: no\n",
                  "1{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\",\"d\":16,\"e\":8,\"f\":-1000,\"g\":null,\"h\":true,\"i\":false}" },
                { "a: &x {b: 1}\nc: *x\nd: [*x, *x]\n", "1{\"a\":{\"b\":1},\"c\":{\"b\":1},\"d\":[{\"b\":1},{\"b\":1}]}" },
                { "a: 99999999999999999999\n", "1{\"a\":9223372036854775807}" },
                { "a: 1\na: 2\n", "1{\"a\":2}" },
                { "a: |\n  line\n  line\n", "1{\"a\":\"line\\nline\\n\"}" },
                { "{\"a\": \"\\ud83d\\ude00\"}", "1{\"a\":\"\xf0\x9f\x98\x80\"}" }, /* JSON, not YAML */
                { "a: [\n", "2: did not find expected node content" },
                { "a: 1\n b: 2\n", "2: mapping values are not allowed in this context" },
                { "ok: 1\n---\n\t- x\n", "3: found character that cannot start any token" },
                { "a: *x\n", "1: an alias stands for nothing that was before it" },
                { "a: &x [*x]\n", "1: an alias stands for nothing that was before it" },
                { "? [a]\n: 1\n", "1: a key must be a scalar" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                parse_case(cases[i].text, cases[i].expected, false);
                parse_case(cases[i].text, cases[i].expected, true);
        }
}

/* A few lines that would be a billion values. */
static void test_parse_bounds(void **state) {
        char text[4096] = "a0: &a0 [x]\n", *deep;
        ManifestObjects objects = {};
        ManifestError error;

        for (unsigned i = 1; i < 40; i++) {
                size_t used = strlen(text);

                (void) snprintf(text + used, sizeof(text) - used, "a%u: &a%u [*a%u, *a%u, *a%u]\n", i, i, i - 1, i - 1, i - 1);
        }
        assert_int_equal(manifest_parse(text, strlen(text), &objects, &error), -EBADMSG);
        assert_string_equal(error.text, "there are too many values");

        deep = malloc(400);
        assert_non_null(deep);
        memset(deep, '[', 200);
        memset(deep + 200, ']', 199);
        deep[399] = '\0';
        assert_int_equal(manifest_parse(deep, 399, &objects, &error), -EBADMSG);
        assert_string_equal(error.text, "the nesting is too deep");
        free(deep);
}

/* ---- the directory */

typedef struct Fixture {
        char folder[64];
        sd_event *event;
        Store *store;
        Manifests *manifests;
        unsigned n_synced;
} Fixture;

static void on_synced(void *userdata) {
        ((Fixture *) userdata)->n_synced++;
}

static void write_file(Fixture *fixture, const char *name, const char *text) {
        char path[256];
        FILE *file;

        (void) snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
        file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void rename_file(Fixture *fixture, const char *from, const char *to) {
        char a[256], b[256];

        (void) snprintf(a, sizeof(a), "%s/%s", fixture->folder, from);
        (void) snprintf(b, sizeof(b), "%s/%s", fixture->folder, to);
        assert_int_equal(rename(a, b), 0);
}

static void remove_file(Fixture *fixture, const char *name) {
        char path[256];

        (void) snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
        assert_int_equal(unlink(path), 0);
}

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(Fixture));

        assert_non_null(fixture);
        strcpy(fixture->folder, "/tmp/test-manifests-XXXXXX");
        assert_non_null(mkdtemp(fixture->folder));
        assert_int_equal(sd_event_new(&fixture->event), 0);
        assert_int_equal(store_new(NULL, NULL, &fixture->store), 0);
        *state = fixture;
        return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        (void) manifests_free(fixture->manifests);
        (void) store_free(fixture->store);
        (void) sd_event_unref(fixture->event);
        (void) nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        free(fixture);
        return 0;
}

/* Runs the loop until the files were read `n` times more, or for so long. */
static bool wait_synced(Fixture *fixture, unsigned n, uint64_t usec) {
        uint64_t begun, now;

        n += fixture->n_synced;
        assert_true(sd_event_now(fixture->event, CLOCK_MONOTONIC, &begun) >= 0);
        do {
                assert_true(sd_event_run(fixture->event, 20 * USEC_PER_MSEC) >= 0);
                assert_true(sd_event_now(fixture->event, CLOCK_MONOTONIC, &now) >= 0);
        } while (fixture->n_synced < n && now - begun < usec);
        return fixture->n_synced >= n;
}

static void start(Fixture *fixture) {
        assert_int_equal(manifests_new(fixture->event, fixture->store, fixture->folder, 0, on_synced, fixture, &fixture->manifests), 0);
        assert_int_equal(manifests_start(fixture->manifests), 0);
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
}

/* The port of a service's first port; 0 = there is no such service. */
static unsigned port_of(Fixture *fixture, const char *name) {
        ServiceEntry *entry = store_find(fixture->store, "default", name);
        const Service *service = entry ? service_entry_object(entry) : NULL;

        return service && service->n_ports > 0 ? service->ports[0].port : 0;
}

static ManifestsStatus status_of(Fixture *fixture) {
        ManifestsStatus status;

        manifests_status(fixture->manifests, &status);
        return status;
}

#define SERVICE(name, port) "kind: Service\nmetadata: {name: " name "}\nspec: {clusterIP: 10.0.0.1, ports: [{port: " port "}]}\n"

static void test_follow(void **state) {
        Fixture *fixture = *state;

        write_file(fixture, "a.yaml", SERVICE("a", "1") "---\n" SERVICE("b", "2"));
        write_file(fixture, ".hidden.yaml", SERVICE("hidden", "3"));
        write_file(fixture, "readme.txt", "no manifest");
        start(fixture);
        assert_int_equal(port_of(fixture, "a"), 1);
        assert_int_equal(port_of(fixture, "b"), 2);
        assert_int_equal(port_of(fixture, "hidden"), 0);
        assert_true(store_is_synced(fixture->store, OBJECT_SOURCE_MANIFEST, OBJECT_KIND_SERVICE));
        assert_true(store_is_synced(fixture->store, OBJECT_SOURCE_MANIFEST, OBJECT_KIND_ENDPOINT_SLICE));
        assert_int_equal(status_of(fixture).n_files, 1);
        assert_int_equal(status_of(fixture).n_objects, 2);

        /* replaced in one step */
        write_file(fixture, ".new", SERVICE("a", "11"));
        rename_file(fixture, ".new", "a.yaml");
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(port_of(fixture, "a"), 11);
        assert_int_equal(port_of(fixture, "b"), 0);

        write_file(fixture, "b.json", "{\"kind\":\"List\",\"items\":[{\"kind\":\"Service\",\"metadata\":{\"name\":\"b\"},\"spec\":{\"ports\":[{\"port\":22}]}}]}");
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(port_of(fixture, "b"), 22);
        assert_int_equal(port_of(fixture, "a"), 11); /* its file was not read again, and stays */

        remove_file(fixture, "a.yaml");
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(port_of(fixture, "a"), 0);
        assert_int_equal(port_of(fixture, "b"), 22);
}

static int count_turn(sd_event_source *source, void *userdata) {
        ++*(unsigned *) userdata;
        return 0;
}

/* 3000 objects in one file, in YAML and in JSON that libyaml does not take: who is served last has turns all the while. */
static void test_large(void **state) {
        static const char *const names[] = { "a.yaml", "a.json" };
        Fixture *fixture = *state;
        char *text = malloc(1 << 20);

        assert_non_null(text);
        for (size_t json = 0; json < ELEMENTSOF(names); json++) {
                char *p = text + sprintf(text, json ? "{\"x\":\"\\ud83d\\ude00\",\"kind\":\"List\",\"items\":[{}" : "---\n");
                sd_event_source *idle;
                unsigned n_turns = 0;

                for (unsigned i = 1; i <= 3000; i++)
                        p += sprintf(p,
                                     json ? ",{\"kind\":\"Service\",\"metadata\":{\"name\":\"j%u\"},\"spec\":{\"clusterIP\":\"10.0.0.1\",\"ports\":[{\"port\":%u}]}}"
                                          : "kind: Service\nmetadata: {name: y%u}\nspec: {clusterIP: 10.0.0.1, ports: [{port: %u}]}\n---\n",
                                     i,
                                     i);
                (void) sprintf(p, json ? "]}" : "\n");
                write_file(fixture, names[json], text);
                assert_int_equal(sd_event_add_defer(fixture->event, &idle, count_turn, &n_turns), 0);
                assert_true(sd_event_source_set_priority(idle, SD_EVENT_PRIORITY_IDLE) >= 0);
                assert_true(sd_event_source_set_enabled(idle, SD_EVENT_ON) >= 0);
                if (!fixture->manifests)
                        start(fixture);
                else
                        assert_true(wait_synced(fixture, 1, 20 * USEC_PER_SEC));
                assert_true(n_turns >= 3);
                (void) sd_event_source_disable_unref(idle);
                assert_int_equal(port_of(fixture, json ? "j1" : "y1"), 1);
                assert_int_equal(port_of(fixture, json ? "j3000" : "y3000"), 3000);
        }
        assert_int_equal(status_of(fixture).n_objects, 6000);
        free(text);
}

static void test_broken(void **state) {
        Fixture *fixture = *state;
        char expected[128];

        write_file(fixture, "a.yaml", SERVICE("a", "1") "---\n" SERVICE("b", "2"));
        write_file(fixture, "c.yaml", SERVICE("c", "3"));
        start(fixture);
        write_file(fixture, "a.yaml", SERVICE("a", "11") "---\nkind: [\n");
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(port_of(fixture, "a"), 1);
        assert_int_equal(port_of(fixture, "b"), 2);
        assert_int_equal(status_of(fixture).n_broken, 1);
        (void) snprintf(expected, sizeof(expected), "%s/a.yaml:6: did not find expected node content", fixture->folder);
        assert_string_equal(status_of(fixture).error, expected);

        /* another file changes meanwhile */
        write_file(fixture, "c.yaml", SERVICE("c", "33"));
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(port_of(fixture, "a"), 1);
        assert_int_equal(port_of(fixture, "c"), 33);

        write_file(fixture, "a.yaml", SERVICE("a", "11"));
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(port_of(fixture, "a"), 11);
        assert_int_equal(port_of(fixture, "b"), 0);
        assert_int_equal(status_of(fixture).n_broken, 0);
        assert_string_equal(status_of(fixture).error, "");
}

/* One object of a file is wrong: the others change, it stays as it was. */
static void test_broken_object(void **state) {
        Fixture *fixture = *state;

        write_file(fixture, "a.yaml", SERVICE("a", "1") "---\n" SERVICE("b", "2"));
        start(fixture);
        write_file(fixture, "a.yaml", SERVICE("a", "99999") "---\n" SERVICE("b", "22") "---\nkind: Service\nspec: {}\n---\nkind: Pod\n---\n7\n");
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(port_of(fixture, "a"), 1);
        assert_int_equal(port_of(fixture, "b"), 22);
        assert_int_equal(status_of(fixture).n_reported, 2);
        /* read again without a change of this file: reported no second time */
        write_file(fixture, "z.yaml", "");
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(status_of(fixture).n_reported, 2);
}

/* What is in two files is the first one's; when that goes, the other's. */
static void test_duplicates(void **state) {
        Fixture *fixture = *state;

        write_file(fixture, "b.yaml", SERVICE("a", "2"));
        write_file(fixture, "a.yaml", SERVICE("a", "1"));
        start(fixture);
        assert_int_equal(port_of(fixture, "a"), 1);
        remove_file(fixture, "a.yaml");
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(port_of(fixture, "a"), 2);
        write_file(fixture, "a.yaml", SERVICE("a", "11"));
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(port_of(fixture, "a"), 11);
}

/* A writer that is not done is waited for. */
static void test_partial_write(void **state) {
        Fixture *fixture = *state;
        char path[128];
        int fd;

        write_file(fixture, "a.yaml", SERVICE("a", "1") "---\n" SERVICE("b", "2"));
        start(fixture);
        (void) snprintf(path, sizeof(path), "%s/a.yaml", fixture->folder);
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_true(write(fd, SERVICE("a", "1"), strlen(SERVICE("a", "1"))) > 0);
        (void) wait_synced(fixture, 1, 400 * USEC_PER_MSEC);
        assert_int_equal(port_of(fixture, "b"), 2); /* though what is there would be a whole file */
        assert_true(write(fd, "---\n" SERVICE("b", "22"), strlen("---\n" SERVICE("b", "22"))) > 0);
        (void) close(fd);
        for (unsigned i = 0; i < 5 && port_of(fixture, "b") != 22; i++)
                (void) wait_synced(fixture, 1, USEC_PER_SEC);
        assert_int_equal(port_of(fixture, "b"), 22);
        assert_int_equal(port_of(fixture, "a"), 1);
}

static void test_folder_gone(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(rmdir(fixture->folder), 0);
        start(fixture); /* an empty list, complete */
        assert_true(store_is_synced(fixture->store, OBJECT_SOURCE_MANIFEST, OBJECT_KIND_SERVICE));
        assert_non_null(strstr(status_of(fixture).error, "No such file or directory"));
        assert_int_equal(mkdir(fixture->folder, 0755), 0);
        write_file(fixture, "a.yaml", SERVICE("a", "1"));
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(port_of(fixture, "a"), 1);
        assert_string_equal(status_of(fixture).error, "");

        /* the directory goes as a whole: what it gave stays until it is there again */
        assert_int_equal(nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
        (void) wait_synced(fixture, 2, 2500 * USEC_PER_MSEC);
        assert_true(port_of(fixture, "a") == 1 || status_of(fixture).n_files == 0);
        assert_int_equal(mkdir(fixture->folder, 0755), 0);
        write_file(fixture, "b.yaml", SERVICE("b", "2"));
        for (unsigned i = 0; i < 5 && port_of(fixture, "b") != 2; i++)
                (void) wait_synced(fixture, 1, USEC_PER_SEC);
        assert_int_equal(port_of(fixture, "b"), 2);
        assert_int_equal(port_of(fixture, "a"), 0);
        /* and is followed again */
        write_file(fixture, "b.yaml", SERVICE("b", "22"));
        assert_true(wait_synced(fixture, 1, 1500 * USEC_PER_MSEC));
        assert_int_equal(port_of(fixture, "b"), 22);
}

/* As a ConfigMap is mounted: files are links through ..data, which changes in one step. */
static void test_config_map(void **state) {
        Fixture *fixture = *state;
        char path[128], data[128], next[128];

        (void) snprintf(path, sizeof(path), "%s/..1", fixture->folder);
        assert_int_equal(mkdir(path, 0755), 0);
        (void) snprintf(path, sizeof(path), "%s/..2", fixture->folder);
        assert_int_equal(mkdir(path, 0755), 0);
        write_file(fixture, "..1/a.yaml", SERVICE("a", "1"));
        write_file(fixture, "..2/a.yaml", SERVICE("a", "2"));
        (void) snprintf(data, sizeof(data), "%s/..data", fixture->folder);
        assert_int_equal(symlink("..1", data), 0);
        (void) snprintf(path, sizeof(path), "%s/a.yaml", fixture->folder);
        assert_int_equal(symlink("..data/a.yaml", path), 0);
        start(fixture);
        assert_int_equal(port_of(fixture, "a"), 1);
        (void) snprintf(next, sizeof(next), "%s/..next", fixture->folder);
        assert_int_equal(symlink("..2", next), 0);
        assert_int_equal(rename(next, data), 0);
        assert_true(wait_synced(fixture, 1, 5 * USEC_PER_SEC));
        assert_int_equal(port_of(fixture, "a"), 2);
}

static void test_no_file(void **state) {
        Fixture *fixture = *state;
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/pipe.yaml", fixture->folder);
        assert_int_equal(mkfifo(path, 0600), 0);
        (void) snprintf(path, sizeof(path), "%s/folder.yaml", fixture->folder);
        assert_int_equal(mkdir(path, 0755), 0);
        (void) snprintf(path, sizeof(path), "%s/dangling.yaml", fixture->folder);
        assert_int_equal(symlink("nowhere", path), 0);
        (void) snprintf(path, sizeof(path), "%s/huge.yaml", fixture->folder);
        write_file(fixture, "huge.yaml", "x");
        assert_int_equal(truncate(path, MANIFEST_FILE_MAX + 1), 0);
        write_file(fixture, "a.yaml", SERVICE("a", "1"));
        start(fixture);
        assert_int_equal(port_of(fixture, "a"), 1);
        assert_int_equal(status_of(fixture).n_broken, 4);
        /* and nothing goes on being read */
        assert_false(wait_synced(fixture, 1, 2500 * USEC_PER_MSEC));
}

/* The founding cluster's manifests. */
static void test_seed(void **state) {
        Fixture *fixture = *state;
        char *services, *slices;
        ServiceEntry *entry;
        size_t size, n = 0;

        services = source_file_read("tests/data/seed-cluster/manifests.yaml", &size);
        slices = source_file_read("tests/data/seed-cluster/endpointslices.v1.json", &size);
        write_file(fixture, "services.yaml", services);
        write_file(fixture, "slices.json", slices);
        free(services);
        free(slices);
        start(fixture);
        assert_int_equal(status_of(fixture).n_reported, 0);
        assert_int_equal(status_of(fixture).n_broken, 0);
        entry = store_find(fixture->store, "kube-system", "kube-dns");
        assert_non_null(entry);
        assert_int_equal(service_entry_object(entry)->n_ports, 2);
        for (SliceEntry *slice = entry->slices; slice; slice = slice->next_of_service)
                n += slice_entry_object(slice)->n_endpoints;
        assert_true(n > 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_parse_bounds),
                cmocka_unit_test_setup_teardown(test_follow, setup, teardown),
                cmocka_unit_test_setup_teardown(test_large, setup, teardown),
                cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
                cmocka_unit_test_setup_teardown(test_broken_object, setup, teardown),
                cmocka_unit_test_setup_teardown(test_duplicates, setup, teardown),
                cmocka_unit_test_setup_teardown(test_partial_write, setup, teardown),
                cmocka_unit_test_setup_teardown(test_folder_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(test_config_map, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_file, setup, teardown),
                cmocka_unit_test_setup_teardown(test_seed, setup, teardown),
        };

        log_set_max_level(getenv("IPVSPROXY_TEST_LOG") ? LOG_DEBUG : LOG_CRIT);
        return run_tests_beside(tests, NULL, NULL);
}
