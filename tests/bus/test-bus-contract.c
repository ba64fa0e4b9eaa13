/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon says of itself is what dbus/ and the manual page say of it, and every method either reads or asks
 * polkit: one that is in neither list fails the test (checklist D1, P1).
 */
#include "tests/bus/bench.h"

#include <ctype.h>
#include <stdio.h>

#include "common/bus-names.h"
#include "common/log.h"
#include "tests/bus/fake-polkit.h"

#define WEB BUS_PATH_SERVICE "/default_2fweb_3ahttp"
#define TEXT_MAX (128 * 1024)

static const struct {
        const char *path, *interface, *file;
} interfaces[] = {
        { BUS_PATH, BUS_INTERFACE_MANAGER, "dbus/org.k8s.IpvsProxy.xml" },
        { WEB, BUS_INTERFACE_SERVICE, "dbus/org.k8s.IpvsProxy.Service.xml" },
};

static int setup(void **state) {
        static Bench bench;

        bench_open_link(&bench, NULL);
        bench_put_service(&bench, "default", "web", 7, 3);
        bench_sync(&bench);
        *state = &bench;
        return 0;
}

static int teardown(void **state) {
        bench_close(*state);
        return 0;
}

static char *read_source(const char *name) {
        const char *folder = getenv("srcdir");
        char path[512], *text = calloc(1, TEXT_MAX);
        size_t n;
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s/%s", folder ? folder : ".", name);
        f = fopen(path, "re");
        assert_non_null(f);
        assert_non_null(text);
        n = fread(text, 1, TEXT_MAX - 1, f);
        assert_true(n > 0 && n < TEXT_MAX - 1);
        assert_int_equal(fclose(f), 0);
        return text;
}

/* Takes comments out, in place. */
static void drop_comments(char *text) {
        char *begin, *end;

        while ((begin = strstr(text, "<!--"))) {
                end = strstr(begin, "-->");
                assert_non_null(end);
                memmove(begin, end + 3, strlen(end + 3) + 1);
        }
}

/* The interface's element without white space between elements, in place. */
static char *normalize(char *text, const char *interface) {
        char open[128], *begin, *end, *to;

        (void) snprintf(open, sizeof(open), "<interface name=\"%s\">", interface);
        drop_comments(text);
        begin = strstr(text, open);
        assert_non_null(begin);
        end = strstr(begin, "</interface>");
        assert_non_null(end);
        *end = '\0';
        to = begin;
        for (const char *p = begin; *p; p++)
                if (!(isspace((unsigned char) *p) && (to == begin || to[-1] == '>' || isspace((unsigned char) to[-1]))))
                        *to++ = isspace((unsigned char) *p) ? ' ' : *p;
        *to = '\0';
        return begin;
}

static char *introspect(Bench *b, const char *path) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *xml;
        char *copy;

        assert_int_equal(bench_call(b, b->client, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &reply, ""), 0);
        assert_true(sd_bus_message_read(reply, "s", &xml) >= 0);
        copy = strdup(xml);
        assert_non_null(copy);
        return copy;
}

static void test_xml(void **state) {
        Bench *b = *state;

        for (size_t i = 0; i < ELEMENTSOF(interfaces); i++) {
                _cleanup_(freep) char *said = introspect(b, interfaces[i].path), *written = read_source(interfaces[i].file);

                assert_string_equal(normalize(said, interfaces[i].interface), normalize(written, interfaces[i].interface));
        }
}

/* The next name of such an element, at most 63 characters; false at the end. */
static bool next_name(const char **p, const char *element, char name[static 64]) {
        char open[64];
        const char *found;

        (void) snprintf(open, sizeof(open), "<%s name=\"", element);
        found = strstr(*p, open);
        if (!found)
                return false;
        found += strlen(open);
        (void) snprintf(name, 64, "%.*s", (int) MIN2(strcspn(found, "\""), (size_t) 63), found);
        *p = found;
        return true;
}

static void test_manual(void **state) {
        static const char *const elements[] = { "method", "property", "signal" };
        _cleanup_(freep) char *page = read_source("man/org.k8s.IpvsProxy.5");
        Bench *b = *state;

        for (size_t i = 0; i < ELEMENTSOF(interfaces); i++) {
                _cleanup_(freep) char *said = introspect(b, interfaces[i].path);
                const char *xml = normalize(said, interfaces[i].interface);

                for (size_t k = 0; k < ELEMENTSOF(elements); k++) {
                        char name[64], bold[80];
                        unsigned n = 0;

                        for (const char *p = xml; next_name(&p, elements[k], name); n++) {
                                (void) snprintf(bold, sizeof(bold), "\\fB%s\\fR", name);
                                if (!strstr(page, bold))
                                        fail_msg("%s is not in the manual page", name);
                        }
                        assert_true(n > 0 || k == 2);
                }
        }
}

/* Called with arguments that are valid, so that nothing but polkit can be in the way. */
typedef struct Known {
        const char *interface, *member;
        bool asks;
        int (*append)(sd_bus_message *m);
} Known;

static uint64_t soon(void) {
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
        return (uint64_t) (now.tv_sec + 3600) * USEC_PER_SEC;
}

static int append_nothing(sd_bus_message *m) {
        return 0;
}
static int append_id(sd_bus_message *m) {
        return sd_bus_message_append(m, "s", "default/web:http");
}
static int append_address(sd_bus_message *m) {
        return sd_bus_message_append(m, "sqs", "10.96.0.7", 80, "tcp");
}
static int append_explain(sd_bus_message *m) {
        return sd_bus_message_append(m, "sqsa{sv}", "10.96.0.7", 80, "tcp", 0);
}
static int append_page(sd_bus_message *m) {
        return sd_bus_message_append(m, "su", "", 10);
}
static int append_filtered_page(sd_bus_message *m) {
        return sd_bus_message_append(m, "sua{sv}", "", 10, 0);
}
static int append_limit(sd_bus_message *m) {
        return sd_bus_message_append(m, "u", 10);
}
static int append_options(sd_bus_message *m) {
        return sd_bus_message_append(m, "a{sv}", 0);
}
static int append_flags(sd_bus_message *m) {
        return sd_bus_message_append(m, "t", UINT64_C(0));
}
static int append_drain(sd_bus_message *m) {
        return sd_bus_message_append(m, "ta{sv}", UINT64_C(0), 0);
}
static int append_hold(sd_bus_message *m) {
        return sd_bus_message_append(m, "ss", "test", "because");
}
static int append_override(sd_bus_message *m) {
        return sd_bus_message_append(m, "squts", "10.1.7.1", 8080, 0, soon(), "test");
}
static int append_endpoint(sd_bus_message *m) {
        return sd_bus_message_append(m, "sq", "10.1.7.2", 8080);
}

static const Known known[] = {
        { BUS_INTERFACE_MANAGER, "GetService", false, append_id },
        { BUS_INTERFACE_MANAGER, "GetServiceByAddress", false, append_address },
        { BUS_INTERFACE_MANAGER, "ListServices", false, append_filtered_page },
        { BUS_INTERFACE_MANAGER, "ListStatistics", false, append_page },
        { BUS_INTERFACE_MANAGER, "GetStatistics", false, append_nothing },
        { BUS_INTERFACE_MANAGER, "ListDrift", false, append_limit },
        { BUS_INTERFACE_MANAGER, "Describe", false, append_nothing },
        { BUS_INTERFACE_MANAGER, "DumpByFileDescriptor", false, append_options },
        { BUS_INTERFACE_MANAGER, "PlanByFileDescriptor", false, append_options },
        { BUS_INTERFACE_MANAGER, "Monitor", false, append_options },
        { BUS_INTERFACE_MANAGER, "Explain", false, append_explain },
        { BUS_INTERFACE_MANAGER, "Reload", true, append_nothing },
        { BUS_INTERFACE_MANAGER, "ResetStatistics", true, append_nothing },
        { BUS_INTERFACE_MANAGER, "BeginDrain", true, append_drain },
        { BUS_INTERFACE_MANAGER, "EndDrain", true, append_nothing },
        { BUS_INTERFACE_MANAGER, "Hold", true, append_hold },
        { BUS_INTERFACE_MANAGER, "Resync", true, append_flags },
        { BUS_INTERFACE_SERVICE, "ListEndpoints", false, append_page },
        { BUS_INTERFACE_SERVICE, "GetStatistics", false, append_nothing },
        { BUS_INTERFACE_SERVICE, "Describe", false, append_nothing },
        { BUS_INTERFACE_SERVICE, "SetOverride", true, append_override },
        { BUS_INTERFACE_SERVICE, "ClearOverride", true, append_endpoint },
        { BUS_INTERFACE_SERVICE, "Resync", true, append_flags },
};

static const Known *find_known(const char *interface, const char *member) {
        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (strcmp(known[i].interface, interface) == 0 && strcmp(known[i].member, member) == 0)
                        return &known[i];
        fail_msg("%s.%s is neither known to read nor to ask polkit", interface, member);
        return NULL;
}

typedef struct Outcome {
        bool done;
        char error[96];
} Outcome;

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        Outcome *answer = userdata;

        answer->done = true;
        (void) snprintf(answer->error, sizeof(answer->error), "%s", e ? e->name : "");
        return 0;
}

static void call_one(Bench *b, FakePolkit *polkit, const char *path, const Known *method) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        unsigned before = polkit->n_asked;
        Outcome answer = {};

        assert_true(sd_bus_message_new_method_call(b->client, &call, BUS_NAME, path, method->interface, method->member) >= 0);
        assert_true(method->append(call) >= 0);
        assert_true(sd_bus_call_async(b->client, NULL, call, on_answer, &answer, 10 * USEC_PER_SEC) >= 0);
        bench_run_until(b, &answer.done);
        if (strcmp(answer.error, method->asks ? SD_BUS_ERROR_ACCESS_DENIED : "") != 0)
                fail_msg("%s answers \"%s\"", method->member, answer.error);
        if (polkit->n_asked != before + method->asks)
                fail_msg("%s asked polkit %u times", method->member, polkit->n_asked - before);
}

static int no_reload(char **ret_problem, void *userdata) {
        fail_msg("the configuration was read again");
        return 0;
}

static void test_every_method_reads_or_asks(void **state) {
        const BusOptions options = { .reload = no_reload };
        const Override override = { .addr = { .addr = { .family = AF_INET, .bytes = { 10, 1, 7, 2 } }, .port = 8080 },
                                    .weight = 1,
                                    .expires_usec = soon(),
                                    .reason = (char *) (uintptr_t) "test" };
        FakePolkit polkit;
        Bench b;

        bench_open_daemon(&b, &options);
        bench_put_service(&b, "default", "web", 7, 3);
        bench_sync(&b);
        polkit_ask_about_everybody(b.bus->polkit);
        fake_polkit_open(&polkit, bench_connect(&b));
        polkit.mode = FAKE_POLKIT_LIST; /* with nothing on it */
        assert_int_equal(manager_set_override(b.manager, "default/web:http", &override), 0);
        for (size_t i = 0; i < ELEMENTSOF(interfaces); i++) {
                _cleanup_(freep) char *said = introspect(&b, interfaces[i].path);
                const char *xml = normalize(said, interfaces[i].interface);
                char name[64];

                for (const char *p = xml; next_name(&p, "method", name);) {
                        bool ends = strcmp(name, "EndDrain") == 0;

                        if (ends)
                                assert_int_equal(manager_begin_drain(b.manager, 0), 0);
                        call_one(&b, &polkit, interfaces[i].path, find_known(interfaces[i].interface, name));
                        assert_int_equal(manager_is_draining(b.manager), ends);
                        if (ends)
                                assert_int_equal(manager_end_drain(b.manager), 0);
                }
        }
        assert_int_equal(override_set_size(manager_overrides(b.manager)), 1);
        fake_polkit_close(&polkit);
        bench_close(&b);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_xml),
                cmocka_unit_test(test_manual),
                cmocka_unit_test(test_every_method_reads_or_asks),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
