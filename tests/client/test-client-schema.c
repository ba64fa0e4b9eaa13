/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each command prints as JSON fits the schema that is shipped for it. */
#include "tests/client/bench.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "client/message-json.h"
#include "client/verbs.h"
#include "tests/client/schema.h"

static char *schema_path(const char *name) {
        const char *srcdir = getenv("srcdir");
        char *path = NULL;

        assert_true(asprintf(&path, "%s/client/schema%s%s%s", srcdir ? srcdir : ".",
                             *name ? "/" : "", name, *name ? ".json" : "") > 0);
        return path;
}

static json_object *schema_read(const char *name) {
        _cleanup_(freep) char *path = schema_path(name);
        json_object *schema = json_object_from_file(path);

        if (!schema)
                fail_msg("%s: %s", path, json_util_get_last_err());
        return schema;
}

/* The commands of a schema; all of them together use every schema there is (C2). */
static const struct {
        const char *schema, *line;
        int code;
} cases[] = {
        { "status", "status -j", 0 },
        { "status", "show -j", 0 },
        { "status-service", "status -j shop/cart", 0 },
        { "status-service", "show -j shop/db", 0 },
        { "list", "list -j", 0 },
        { "list", "list -j -n none", 0 },
        { "list", "find -j 10.96.0.10", 0 },
        { "list", "find -j 10.96.0.10:53", 0 },
        { "list-ipvs", "list -j --ipvs", 0 },
        { "list-ipvs", "list -j --ipvs none", 0 },
        { "endpoints", "endpoints -j shop/cart", 0 },
        { "endpoints", "endpoints -j shop/db", 0 },
        { "explain", "explain -j shop/cart", 0 },
        { "stats", "stats -j", 0 },
        { "top", "top -j -N 1", 0 },
        { "top", "top -j -N 1 -n none", 0 },
        { "dump", "dump", 0 },
        { "dump", "dump -j", 0 },
        { "drift", "drift -j", 0 },
        { "plan", "plan -j", 0 },
        { "resync", "resync -j", 0 },
        { "resync", "resync -j shop/cart default/kubernetes", 0 },
        { "drain", "drain -j --deadline=1m", 0 },
        { "drain", "drain -j --wait", 0 },
        { "done", "undrain -j", 0 },
        { "overrides", "override list -j", 0 },
        { "done", "override set shop/cart 10.1.4.12:8080 --weight=1 -j", 0 },
        { "overrides", "override list -j", 0 },
        { "overrides", "override list -j shop/cart", 0 },
        { "endpoints", "endpoints -j shop/cart", 0 },
        { "done", "endpoint clear shop/cart 10.1.4.12:8080 -j", 0 },
        { "done", "reload -j", 0 },
        { "done", "reset-stats -j", 0 },
        { "done", "wait -j", 0 },
        { "log-level", "log-level -j", 0 },
        { "log-level", "log-level -j notice", 0 },
        { "doctor", "doctor -j", 6 },
};

static void check_text(const char *schema_name, const char *line, const char *text) {
        _cleanup_(json_object_putp) json_object *schema = schema_read(schema_name),
                                                *value = json_tokener_parse(text);
        char problem[SCHEMA_PROBLEM_MAX];

        if (!value)
                fail_msg("\"%s\" prints no JSON: %s", line, text);
        if (!schema_check(schema, value, schema_name, problem))
                fail_msg("\"%s\": %s in %s", line, problem, text);
}

static void test_commands(void **state) {
        static Output got;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                bench_run(*state, cases[i].line, &got);
                if (got.code != cases[i].code)
                        fail_msg("\"%s\" exits with %i: %s", cases[i].line, got.code, got.err);
                check_text(cases[i].schema, cases[i].line, got.out);
        }
}

static void test_monitor_lines(void **state) {
        static char text[BENCH_OUTPUT_MAX];
        char path[64], *save = NULL;
        const Bench *bench = *state;
        size_t n_lines = 0, n;
        FILE *f;

        assert_int_equal(bench_shell(bench, "ctl monitor -j | head -n 4 >\"$OUT\"\n"), 0);
        (void) snprintf(path, sizeof(path), "%s/out", bench->folder);
        f = fopen(path, "re");
        assert_non_null(f);
        n = fread(text, 1, sizeof(text) - 1, f);
        text[n] = '\0';
        (void) fclose(f);
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                check_text("monitor", "monitor -j", line);
                n_lines++;
        }
        assert_int_equal(n_lines, 4);
}

/* takeover needs root and a packet filter of its own; where there is none its schema is only read.
 */
static void test_takeover(void **state) {
        static Output got;
        static const char *const script =
                "test \"$(id -u)\" = 0 && unshare -n true 2>/dev/null || exit 77\n"
                "unshare -n ./ipvsproxyctl --address=\"$BUS\" takeover -j --dry-run >\"$OUT\"\n";
        json_object *schema = schema_read("takeover");
        char path[64];
        int code;

        (void) json_object_put(schema);
        code = bench_shell(*state, script);
        if (code == 77)
                skip();
        assert_int_equal(code, 0);
        (void) snprintf(path, sizeof(path), "%s/out", ((const Bench *) *state)->folder);
        {
                FILE *f = fopen(path, "re");
                size_t n;

                assert_non_null(f);
                n = fread(got.out, 1, sizeof(got.out) - 1, f);
                got.out[n] = '\0';
                (void) fclose(f);
        }
        check_text("takeover", "takeover -j --dry-run", got.out);
}

/* A schema nobody uses is not shipped. */
static void test_all_used(void **state) {
        _cleanup_(freep) char *folder = schema_path("");
        DIR *dir = opendir(folder);
        const struct dirent *entry;

        assert_non_null(dir);
        while ((entry = readdir(dir))) {
                const char *dot = strrchr(entry->d_name, '.');
                size_t n = dot ? (size_t) (dot - entry->d_name) : 0;
                bool used = entry->d_name[0] == '.' || strcmp(entry->d_name, "monitor.json") == 0 ||
                            strcmp(entry->d_name, "takeover.json") == 0;

                for (size_t i = 0; i < ELEMENTSOF(cases) && !used; i++)
                        used = strlen(cases[i].schema) == n &&
                               strncmp(cases[i].schema, entry->d_name, n) == 0;
                if (!used)
                        fail_msg("no command uses %s", entry->d_name);
        }
        (void) closedir(dir);
}

/* The validator itself can fail. */
static void test_validator(void **state) {
        static const struct {
                const char *schema, *value;
                bool fits;
        } tries[] = {
                { "{\"type\":\"object\",\"required\":[\"a\"]}", "{\"a\":1}", true },
                { "{\"type\":\"object\",\"required\":[\"a\"]}", "{\"b\":1}", false },
                { "{\"type\":\"object\"}", "[]", false },
                { "{\"type\":[\"string\",\"null\"]}", "1", false },
                { "{\"type\":[\"string\",\"null\"]}", "\"\"", true },
                { "{\"items\":{\"type\":\"integer\",\"minimum\":0}}", "[1,2]", true },
                { "{\"items\":{\"type\":\"integer\",\"minimum\":0}}", "[1,-2]", false },
                { "{\"maximum\":65535}", "65536", false },
                { "{\"type\":\"integer\",\"minimum\":0}", "18446744073709551615", true },
                { "{\"properties\":{\"a\":{\"enum\":[\"x\"]}}}", "{\"a\":\"y\"}", false },
                { "{\"properties\":{\"a\":{\"enum\":[\"x\"]}}}", "{\"a\":\"x\",\"b\":2}", true },
                { "{\"type\":\"integer\"}", "1.5", false },
                { "{\"pattern\":\"x\"}", "\"x\"", false },
        };
        char problem[SCHEMA_PROBLEM_MAX];

        for (size_t i = 0; i < ELEMENTSOF(tries); i++) {
                _cleanup_(json_object_putp) json_object *schema =
                                                                json_tokener_parse(tries[i].schema),
                                                        *value = json_tokener_parse(tries[i].value);

                assert_non_null(schema);
                if (schema_check(schema, value, "value", problem) != tries[i].fits)
                        fail_msg("%s against %s", tries[i].value, tries[i].schema);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_validator),     cmocka_unit_test(test_commands),
                cmocka_unit_test(test_monitor_lines), cmocka_unit_test(test_takeover),
                cmocka_unit_test(test_all_used),
        };

        (void) setenv("LC_ALL", "C.UTF-8", 1);
        return cmocka_run_group_tests(tests, bench_open, bench_close);
}
