/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events, as a test API server takes them, which checks them as the real one does; and when it does not. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"

#include "apiserver/event-budget.h"
#include "apiserver/events.h"
#include "tests/unit/api-fixture.h"

typedef struct Fixture {
        ApiFixture api;
        HttpClient *http;
        Events *events;
        EventsStatus status;
} Fixture;

static const EventReport starting = { .reason = "Starting", .action = "StartKubeProxy", .note = "" };
static const EventReport refused = {
        .warning = true,
        .reason = "AddressRefused",
        .action = "Program",
        .note = "192.0.2.9 is refused",
        .namespace = "default",
        .name = "web",
        .uid = "1234",
};

static void setup(Fixture *fixture) {
        EventsOptions options = {
                .node_name = "n1", .again_usec = 200 * USEC_PER_MSEC, .retry_usec = 50 * USEC_PER_MSEC
        };

        *fixture = (Fixture) {};
        api_fixture_start(&fixture->api, NULL);
        assert_int_equal(http_client_new(fixture->api.event,
                                         0,
                                         "test",
                                         api_fixture_kubeconfig(&fixture->api, "kubeconfig"),
                                         &fixture->http),
                         0);
        assert_int_equal(events_new(fixture->api.event, fixture->http, &options, &fixture->events), 0);
}

static void teardown(Fixture *fixture) {
        (void) events_free(fixture->events);
        (void) http_client_free(fixture->http);
        api_fixture_stop(&fixture->api);
}

/* Until nothing waits to be told. The ApiFixture is the first member. */
static bool is_quiet(ApiFixture *api) {
        Fixture *fixture = (Fixture *) api;

        events_status(fixture->events, &fixture->status);
        return fixture->status.n_waiting == 0;
}

static void settle(Fixture *fixture) {
        if (!api_fixture_run(&fixture->api, is_quiet, 20))
                fail_msg("%zu Events wait still", fixture->status.n_waiting);
}

/* The i-th Event at the server, NULL if there are not so many. */
static json_object *event_at(const Fixture *fixture, size_t i) {
        char *answer = api_fixture_ask(&fixture->api, "get events"), *rest = answer, *line;
        json_object *event = NULL;

        while (!event && (line = strsep(&rest, "\n")) && *line)
                if (i-- == 0)
                        event = json_tokener_parse(line);
        free(answer);
        return event;
}

static size_t n_events(const Fixture *fixture) {
        size_t n = 0;

        for (json_object *event; (event = event_at(fixture, n)); n++)
                (void) json_object_put(event);
        return n;
}

static const char *text_at(json_object *object, const char *first, const char *second) {
        json_object *member = json_object_object_get(object, first);

        if (second)
                member = json_object_object_get(member, second);
        return member ? json_object_get_string(member) : "";
}

static void test_told(void **state) {
        json_object *event;
        Fixture fixture;

        setup(&fixture);
        events_report(fixture.events, &starting);
        for (int i = 0; i < 5; i++)
                (void) sd_event_run(fixture.api.event, 10 * USEC_PER_MSEC);
        assert_int_equal(n_events(&fixture), 0); /* this is no time for it */
        events_set_online(fixture.events, true);
        settle(&fixture);
        event = event_at(&fixture, 0);
        assert_non_null(event);
        assert_string_equal(text_at(event, "reason", NULL), "Starting");
        assert_string_equal(text_at(event, "type", NULL), "Normal");
        assert_string_equal(text_at(event, "reportingController", NULL), "kube-proxy");
        assert_string_equal(text_at(event, "reportingInstance", NULL), "ipvsproxyd-n1");
        assert_string_equal(text_at(event, "regarding", "kind"), "Node");
        assert_string_equal(text_at(event, "regarding", "uid"), "n1");
        assert_string_equal(text_at(event, "metadata", "namespace"), "default");
        (void) json_object_put(event);
        assert_int_equal(n_events(&fixture), 1);
        teardown(&fixture);
}

/* What happens again is one Event that counts; one that the server has forgotten is made anew. */
static void test_again(void **state) {
        json_object *event;
        Fixture fixture;
        char command[128];

        setup(&fixture);
        events_set_online(fixture.events, true);
        events_report(fixture.events, &refused);
        settle(&fixture);
        for (int i = 0; i < 4; i++)
                events_report(fixture.events, &refused);
        settle(&fixture);
        event = event_at(&fixture, 0);
        assert_string_equal(text_at(event, "series", "count"), "5");
        assert_string_equal(text_at(event, "type", NULL), "Warning");
        assert_string_equal(text_at(event, "regarding", "kind"), "Service");
        assert_string_equal(text_at(event, "regarding", "uid"), "1234");
        assert_int_equal(n_events(&fixture), 1);
        assert_int_equal(fixture.status.n_sent, 2);

        (void) snprintf(command, sizeof(command), "delete events default/%s", text_at(event, "metadata", "name"));
        (void) json_object_put(event);
        api_fixture_control(&fixture.api, command, NULL);
        events_report(fixture.events, &refused);
        settle(&fixture);
        event = event_at(&fixture, 0);
        assert_string_equal(text_at(event, "series", "count"), "6");
        (void) json_object_put(event);
        teardown(&fixture);
}

/* A fault that passes is waited for, however the server fails, and nothing is told twice. */
static void test_retry(void **state) {
        static const char *const faults[] = {
                "fail events:create 3 status 500", "fail events:create 2 status 429 1", "fail events:create 2 close",
                "fail events:create 2 status 401",
        };
        EventReport report = refused;
        Fixture fixture;
        char note[32];

        setup(&fixture);
        events_set_online(fixture.events, true);
        for (size_t i = 0; i < ELEMENTSOF(faults); i++) {
                (void) snprintf(note, sizeof(note), "number %zu", i);
                report.note = note;
                api_fixture_control(&fixture.api, faults[i], NULL);
                events_report(fixture.events, &report);
                settle(&fixture);
                if (n_events(&fixture) != i + 1)
                        fail_msg("after \"%s\" there are %zu Events", faults[i], n_events(&fixture));
        }
        assert_int_equal(fixture.status.n_dropped, 0);
        assert_true(fixture.status.n_errors >= 7); /* libcurl sends again what a used connection lost */
        teardown(&fixture);
}

/* Without the right, or without the API, nothing is asked any more until there is another configuration. */
static void test_without_right(void **state) {
        static const char *const commands[][2] = { { "forbid events", "allow" },
                                                   { "api events.k8s.io/v1 off", "api events.k8s.io/v1 on" } };
        Fixture fixture;

        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                setup(&fixture);
                events_set_online(fixture.events, true);
                api_fixture_control(&fixture.api, commands[i][0], NULL);
                events_report(fixture.events, &starting);
                events_report(fixture.events, &refused);
                settle(&fixture);
                assert_true(fixture.status.refused);
                events_report(fixture.events, &refused);
                settle(&fixture);
                assert_int_equal(fixture.status.n_dropped, 3);
                api_fixture_control(&fixture.api, commands[i][1], NULL);
                events_renew(fixture.events);
                events_report(fixture.events, &refused);
                settle(&fixture);
                assert_int_equal(n_events(&fixture), 1);
                teardown(&fixture);
        }
}

/* A server that fails for ever is not asked for ever. */
static void test_give_up(void **state) {
        Fixture fixture;

        setup(&fixture);
        events_set_online(fixture.events, true);
        api_fixture_control(&fixture.api, "fail events:create 100 status 400", NULL);
        events_report(fixture.events, &starting);
        settle(&fixture);
        assert_int_equal(fixture.status.n_errors, 1); /* what is wrong is wrong the next time too */
        assert_int_equal(fixture.status.n_dropped, 1);
        assert_false(fixture.status.refused);
        teardown(&fixture);
}

/* One object has 25, all objects together what fits into the table; nothing of it costs time or grows. */
static void test_bounds(void **state) {
        EventReport report = refused;
        Fixture fixture;
        char text[3000];

        setup(&fixture);
        for (unsigned i = 0; i < 1000; i++) {
                (void) snprintf(text, sizeof(text), "%u: %02900d", i, 0);
                report.note = text;
                events_report(fixture.events, &report);
        }
        events_status(fixture.events, &fixture.status);
        assert_int_equal(fixture.status.n_waiting, EVENT_BUDGET_BURST);
        assert_int_equal(fixture.status.n_dropped, 1000 - EVENT_BUDGET_BURST);
        for (unsigned i = 0; i < 1000; i++) {
                (void) snprintf(text, sizeof(text), "service-%u", i);
                report.name = text;
                report.note = "a note";
                events_report(fixture.events, &report);
        }
        events_status(fixture.events, &fixture.status);
        assert_int_equal(fixture.status.n_waiting, 128);
        events_set_online(fixture.events, true);
        settle(&fixture);
        assert_int_equal(n_events(&fixture), 128);
        teardown(&fixture);
}

static void test_budget(void **state) {
        EventBudget *budget = calloc(1, sizeof(EventBudget));
        uint64_t now = 5 * USEC_PER_SEC;

        assert_non_null(budget);
        for (unsigned i = 0; i < EVENT_BUDGET_BURST; i++)
                assert_true(event_budget_take(budget, 7, now));
        assert_false(event_budget_take(budget, 7, now));
        assert_true(event_budget_take(budget, 8, now));
        now += EVENT_BUDGET_USEC;
        assert_true(event_budget_take(budget, 7, now));
        assert_false(event_budget_take(budget, 7, now));
        for (uint64_t object = 100; object < 100 + 2 * EVENT_BUDGET_OBJECTS; object++)
                assert_true(event_budget_take(budget, object, now));
        assert_false(event_budget_take(budget, 7, now)); /* who used most is not forgotten */
        free(budget);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_budget),        cmocka_unit_test(test_told),    cmocka_unit_test(test_again),
                cmocka_unit_test(test_retry),         cmocka_unit_test(test_give_up), cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_without_right),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
