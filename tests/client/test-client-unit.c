/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which command line systemd would start ipvsproxyd with: from its files, from systemd itself, and what doctor says. */
#include "tests/client/bench.h"
#include "tests/client/fake-host.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "client/doctor.h"
#include "client/message-json.h"
#include "client/unit.h"

#define ETC "etc/systemd/system/"
#define RUN "run/systemd/system/"
#define LIB "usr/lib/systemd/system/"
#define D "ipvsproxyd.service.d/"

static const char unit_text[] = "[Service]\nExecStart=/usr/sbin/ipvsproxyd $OPTS\nEnvironment=OPTS=--v=1\n"
                                "EnvironmentFile=-/etc/default/ipvsproxyd\n";

typedef struct File {
        const char *path, *text;
} File;

/* "a b|c|": each word with a "|" behind it */
static void words_show(const Words *words, char buf[static 256]) {
        size_t n = 0;

        buf[0] = '\0';
        for (const char *word = words_next(words, NULL); word; word = words_next(words, word))
                n += (size_t) snprintf(buf + n, 256 - n, "%s|", word);
}

static void test_command_one(const File files[], size_t n, const char *wanted, const char *origin, const char *state) {
        Unit unit = { 0 };
        CommandLine line;
        char words[256];
        Host host;

        host_new(&host);
        host_write(&host, LIB "ipvsproxyd.service", unit_text);
        for (size_t i = 0; i < n && files[i].path; i++)
                host_write(&host, files[i].path, files[i].text);
        assert_int_equal(unit_read(host.root, &unit), 0);
        assert_string_equal(unit.state, state);
        assert_int_equal(unit_command_line(&unit, host.root, &line), 0);
        words_show(&line.words, words);
        assert_string_equal(words, wanted);
        assert_string_equal(line.origin, origin);
        words_done(&line.words);
        unit_done(&unit);
        host_close(&host);
}

#define BEHIND "/usr/sbin/ipvsproxyd|"

static void test_command(void **state) {
        static const struct {
                File files[4];
                const char *words, *origin, *state;
        } cases[] = {
                { { { NULL, NULL } }, BEHIND "--v=1|", "its unit", "loaded" },
                { { { "etc/default/ipvsproxyd", "; no\n# OPTS=no\nOPTS = no\nOPTS=\"--v=2 \\\n --config='/a b'\" \n" } },
                  BEHIND "--v=2|--config=/a b|", "/etc/default/ipvsproxyd", "loaded" },
                { { { "etc/default/ipvsproxyd", "OTHER=x\nOPTS=--a\\\n=b  \nOPTS=--c=d\\ e'f g'\n" } },
                  BEHIND "--c=d|ef|g|", "/etc/default/ipvsproxyd", "loaded" },
                /* what the file does not set is that of the unit */
                { { { "etc/default/ipvsproxyd", "OTHER=x\n" } }, BEHIND "--v=1|", "its unit", "loaded" },
                /* the folder with the first name counts, then the name of the file */
                { { { ETC "ipvsproxyd.service", "[Service]\nExecStart=/own/ipvsproxyd --v=3\n" } },
                  "/own/ipvsproxyd|--v=3|", "its unit", "loaded" },
                { { { LIB D "50-a.conf", "[Service]\nEnvironment=OPTS=--v=5\n" },
                    { RUN D "40-b.conf", "[Service]\nEnvironment=OPTS=--v=4\n" } },
                  BEHIND "--v=5|", "its unit and drop-ins", "loaded" },
                { { { LIB D "50-a.conf", "[Service]\nEnvironment=OPTS=--v=5\n" },
                    { RUN D "50-a.conf", "[Service]\nEnvironment=OPTS=--v=6\n" },
                    { ETC D "50-a.conf", "[Service]\nEnvironment=OPTS=--v=7\n" } },
                  BEHIND "--v=7|", "its unit and drop-ins", "loaded" },
                { { { LIB D "50-a.conf", "[Service]\nEnvironment=OPTS=--v=5\n" }, { ETC D "50-a.conf", "" } },
                  BEHIND "--v=1|", "its unit", "loaded" },
                { { { ETC "service.d/60-all.conf", "[Service]\nEnvironment=OPTS=--v=9\n" },
                    { ETC D "50-a.conf", "[Service]\nEnvironment=OPTS=--v=8\n" },
                    { ETC D "a.conf.bak", "[Service]\nEnvironment=OPTS=--v=no\n" } },
                  BEHIND "--v=9|", "its unit and drop-ins", "loaded" },
                /* an empty setting drops what was before */
                { { { ETC D "a.conf", "[Service]\nExecStart=\nExecStart=-@/bin/x y --config=%%a \\\n# no\n  '$OPTS' \"b c\"\n" } },
                  "y|--config=%a|--v=1|b c|", "its unit and drop-ins", "loaded" },
                { { { ETC D "a.conf", "[Service]\nEnvironmentFile=\nEnvironmentFile = /etc/mine\n[Install]\nExecStart=no\n" },
                    { "etc/default/ipvsproxyd", "OPTS=no\n" },
                    { "etc/mine", "OPTS=--x ${NO} $NO $$\n" } },
                  BEHIND "--x|${NO}|$NO|$$|", "/etc/mine", "loaded" },
                { { { ETC D "a.conf", "[Service]\nExecStart=\nExecStart=/x a${OPTS}b $NO $$OPTS a$OPTS ${}\n" } },
                  "/x|a--v=1b|$OPTS|a$OPTS|${}|", "its unit and drop-ins", "loaded" },
                { { { ETC D "a.conf", "[Service]\nExecStart=\nExecStart=:/x $OPTS ${OPTS}\n" } }, "/x|$OPTS|${OPTS}|",
                  "its unit and drop-ins", "loaded" },
                { { { ETC D "a.conf", "[Service]\nEnvironment=A=1 \"OPTS=--a --b\"\nEnvironment='B=2'\n" } },
                  BEHIND "--a|--b|", "its unit and drop-ins", "loaded" },
                /* as systemd refuses it */
                { { { ETC D "a.conf", "[Service]\nExecStart=/x\n" } }, "/x|", "its unit and drop-ins", "bad-setting" },
                { { { ETC "ipvsproxyd.service", "" }, { ETC D "a.conf", "[Service]\nExecStart=/x\n" } },
                  "", "its unit", "masked" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                test_command_one(cases[i].files, ELEMENTSOF(cases[i].files), cases[i].words, cases[i].origin, cases[i].state);
}

static void test_masked_by_link(void **state) {
        Unit unit = { 0 };
        char path[128];
        Host host;

        host_new(&host);
        assert_int_equal(unit_read(host.root, &unit), 0);
        assert_string_equal(unit.state, "not-found");
        host_write(&host, LIB "ipvsproxyd.service", unit_text);
        host_write(&host, RUN "x", "");
        (void) snprintf(path, sizeof(path), "%s/" RUN "ipvsproxyd.service", host.root);
        assert_int_equal(symlink("/dev/null", path), 0);
        assert_int_equal(unit_read(host.root, &unit), 0);
        assert_string_equal(unit.state, "masked");
        unit_done(&unit);
        host_close(&host);
}

static sd_bus *bus_open(const Bench *bench) {
        sd_bus *bus;

        assert_true(sd_bus_new(&bus) >= 0);
        assert_true(sd_bus_set_address(bus, bench->address) >= 0);
        assert_true(sd_bus_set_bus_client(bus, true) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        return bus;
}

/* The types are those of systemd (org.freedesktop.systemd1(5)); tests/vm/test-bus.sh asks a real one. */
static void test_ask(void **state) {
        Bench *bench = *state;
        Unit unit = { 0 };
        CommandLine line;
        char words[256];
        sd_bus *bus;

        bus = bus_open(bench);
        assert_int_equal(unit_ask(bus, &unit), 0);
        assert_string_equal(unit.state, "loaded");
        assert_string_equal(unit.enabled, "disabled");
        assert_true(unit.stale);
        assert_int_equal(unit_command_line(&unit, "/no", &line), 0);
        words_show(&line.words, words);
        assert_string_equal(words, "ipvsproxyd|--config=/b c|--v=2|--healthz-port=1|");
        assert_string_equal(line.missing, "/no/other");
        assert_int_equal(line.error, -ENOENT);
        words_done(&line.words);
        unit_done(&unit);
        bench_stop(&bench->fake);
        assert_int_equal(unit_ask(bus, &unit), -ENXIO);
        assert_int_equal(unit.exec.size, 0);
        (void) sd_bus_flush_close_unref(bus);
        bench_start_fake(bench, "running", NULL);
}

/* doctor asks systemd, and what it says is on the screen. */
static void test_doctor_asks(void **state) {
        static const char *const wanted[] = {
                "\"check\":\"unit\",\"result\":\"warn\",\"text\":\"Its files were changed",
                "\"text\":\"It is not started at boot\"",
                "\"text\":\"There, changed by /etc/systemd/system/ipvsproxyd.service.d/site.conf\"",
        };
        static Output got;

        bench_run(*state, "doctor --json=short", &got);
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                if (!strstr(got.out, wanted[i]))
                        fail_msg("no \"%s\" in %s", wanted[i], got.out);
}

/* A folder of drop-ins that systemd has not looked into, whatever it says. */
static void test_doctor_new_drop_in(void **state) {
        Bench *bench = *state;
        Client client = { .bus = NULL };
        const char *names[] = { "site.conf", "other.conf" };

        bench_start_fake(bench, "syncing", NULL);
        client.bus = bus_open(bench);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                Doctor doctor = { .client = &client, .has_bus = true, .rows = json_object_new_array() };
                Unit unit = { 0 };
                char path[64];
                Host host;

                host_new(&host);
                host_write(&host, "proc/1/comm", "systemd\n");
                host_write(&host, LIB "ipvsproxyd.service", unit_text);
                (void) snprintf(path, sizeof(path), RUN D "%s", names[i]);
                host_write(&host, path, "[Service]\n");
                doctor.root = host.root;
                doctor_check_unit(&doctor, &unit);
                assert_int_equal(doctor.error, 0);
                assert_int_equal(unit.stale, i);
                unit_done(&unit);
                (void) json_object_put(doctor.rows);
                host_close(&host);
        }
        (void) sd_bus_flush_close_unref(client.bus);
        bench_start_fake(bench, "running", NULL);
}

static void test_doctor_unit_one(const char *name, const char *text, const char *check, const char *wanted, const char *result) {
        Doctor doctor = { .rows = json_object_new_array() };
        Unit unit = { 0 };
        json_object *row;
        Host host;

        host_new(&host);
        host_write(&host, "proc/1/comm", "systemd\n");
        if (name)
                host_write(&host, name, text);
        doctor.root = host.root;
        doctor_check_unit(&doctor, &unit);
        assert_int_equal(daemon_options_from_unit(host.root, &unit, &doctor.options), 0);
        doctor_check_variables(&doctor);
        assert_int_equal(doctor.error, 0);
        row = json_object_array_get_idx(doctor.rows, json_object_array_length(doctor.rows) - 1);
        if (strcmp(json_get_text(row, "check"), check) != 0 || !strstr(json_get_text(row, "text"), wanted) ||
            strcmp(json_get_text(row, "result"), result) != 0)
                fail_msg("no \"%s\" in %s", wanted, json_object_to_json_string(doctor.rows));
        daemon_options_done(&doctor.options);
        unit_done(&unit);
        (void) json_object_put(doctor.rows);
        host_close(&host);
}

static void test_doctor_unit(void **state) {
        test_doctor_unit_one(NULL, NULL, "unit", "There is no ipvsproxyd.service", "warn");
        test_doctor_unit_one(LIB "ipvsproxyd.service", "", "unit", "It is masked", "fail");
        test_doctor_unit_one(LIB "ipvsproxyd.service", "[Service]\nExecStart=/x\nExecStart=/y\n", "unit", "bad-setting", "fail");
        test_doctor_unit_one(LIB "ipvsproxyd.service", "[Service]\nExecStart=/x\n", "unit", "There", "ok");
        test_doctor_unit_one(LIB "ipvsproxyd.service", "[Service]\nEnvironmentFile=/etc/a\nExecStart=/x\n", "configuration",
                             "/etc/a of the unit: No such file", "fail");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_command),
                cmocka_unit_test(test_masked_by_link),
                cmocka_unit_test(test_ask),
                cmocka_unit_test(test_doctor_asks),
                cmocka_unit_test(test_doctor_new_drop_in),
                cmocka_unit_test(test_doctor_unit),
        };

        (void) setenv("LC_ALL", "C.UTF-8", 1);
        return cmocka_run_group_tests(tests, bench_open, bench_close);
}
