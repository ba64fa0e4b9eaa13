/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may: with a polkit that says yes, no, nothing or nonsense, on a private dbus-daemon. */
#include "tests/bus/bench.h"

#include "common/bus-names.h"
#include "tests/bus/fake-polkit.h"

#define M BUS_PATH, BUS_INTERFACE_MANAGER
#define WEB BUS_PATH_SERVICE "/default_2fweb_3ahttp"

typedef struct Stage {
        Bench bench;
        FakePolkit polkit;
} Stage;

static int setup(void **state) {
        static Stage stage;

        stage = (Stage) {};
        bench_open_daemon(&stage.bench, NULL);
        bench_put_service(&stage.bench, "default", "web", 7, 3);
        bench_sync(&stage.bench);
        polkit_ask_about_everybody(stage.bench.bus->polkit);
        fake_polkit_open(&stage.polkit, bench_connect(&stage.bench));
        *state = &stage;
        return 0;
}

static int teardown(void **state) {
        Stage *stage = *state;

        fake_polkit_close(&stage->polkit);
        bench_close(&stage->bench);
        return 0;
}

/* ---- calls that are not waited for */

typedef struct Outcome {
        bool done;
        char error[96]; /* "" = it was done */
} Outcome;

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        Outcome *answer = userdata;

        answer->done = true;
        (void) snprintf(answer->error, sizeof(answer->error), "%s", e ? e->name : "");
        return 0;
}

static void ask(sd_bus *client, const char *path, const char *interface, bool interactive, uint64_t flags, Outcome *answer) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        *answer = (Outcome) {};
        assert_true(sd_bus_message_new_method_call(client, &call, BUS_NAME, path, interface, "Resync") >= 0);
        assert_true(sd_bus_message_append(call, "t", flags) >= 0);
        assert_true(sd_bus_message_set_allow_interactive_authorization(call, interactive) >= 0);
        assert_true(sd_bus_call_async(client, NULL, call, on_answer, answer, 15 * USEC_PER_SEC) >= 0);
}

static void ask_and_wait(Stage *s, bool interactive, const char *error) {
        Outcome answer;

        ask(s->bench.client, M, interactive, 0, &answer);
        bench_run_until(&s->bench, &answer.done);
        assert_string_equal(answer.error, error);
}

static uint64_t syncs(Stage *s) {
        ManagerStatus status;

        manager_status_brief(s->bench.manager, &status);
        return status.n_syncs;
}

/* ---- verdicts */

static void test_verdicts(void **state) {
        Stage *s = *state;
        uint64_t before = syncs(s);

        s->polkit.mode = FAKE_POLKIT_LIST;
        s->polkit.allowed = POLKIT_ACTION_PREFIX "drain";
        ask_and_wait(s, true, SD_BUS_ERROR_ACCESS_DENIED);
        s->polkit.mode = FAKE_POLKIT_CHALLENGE;
        ask_and_wait(s, false, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
        s->polkit.mode = FAKE_POLKIT_LIE;
        ask_and_wait(s, true, SD_BUS_ERROR_ACCESS_DENIED);
        s->polkit.mode = FAKE_POLKIT_ERROR;
        ask_and_wait(s, true, SD_BUS_ERROR_ACCESS_DENIED);
        assert_int_equal(syncs(s), before);

        s->polkit.mode = FAKE_POLKIT_LIST;
        s->polkit.allowed = POLKIT_ACTION_RESYNC;
        ask_and_wait(s, false, "");
        assert_string_equal(s->polkit.action, POLKIT_ACTION_RESYNC);
        assert_string_equal(s->polkit.details, "service= flags=0 ");
        s->polkit.mode = FAKE_POLKIT_CHALLENGE;
        ask_and_wait(s, true, "");
        assert_true(syncs(s) > before);
}

/* What is asked about is the caller by its unique name, and what the caller wants. */
static void test_details(void **state) {
        const char *name = NULL;
        Stage *s = *state;
        Outcome answer;

        s->polkit.mode = FAKE_POLKIT_LIST;
        s->polkit.allowed = POLKIT_ACTION_RESYNC;
        ask(s->bench.client, WEB, BUS_INTERFACE_SERVICE, false, 1, &answer);
        bench_run_until(&s->bench, &answer.done);
        assert_string_equal(answer.error, "");
        assert_string_equal(s->polkit.details, "service=default/web:http flags=1 ");
        assert_true(sd_bus_get_unique_name(s->bench.client, &name) >= 0);
        assert_string_equal(s->polkit.sender, name);
}

/* Malformed calls are refused before anybody is asked for a password. */
static void test_invalid_is_not_asked(void **state) {
        Stage *s = *state;
        unsigned before = s->polkit.n_asked;

        assert_call_fails(&s->bench, s->bench.client, M, "Resync", SD_BUS_ERROR_INVALID_ARGS, "t", UINT64_C(1) << 40);
        assert_int_equal(s->polkit.n_asked, before);
}

/* P12: others are served while polkit hangs, questions are bounded and shared, and the rest is refused at once. */
static void test_hanging(void **state) {
        Outcome answers[40];
        Stage *s = *state;
        unsigned before = s->polkit.n_asked;
        size_t n_refused = 0;

        s->polkit.mode = FAKE_POLKIT_HANG;
        for (size_t i = 0; i < ELEMENTSOF(answers); i++)
                ask(s->bench.client, M, true, i % 2, &answers[i]);
        bench_settle(&s->bench);
        for (size_t i = 0; i < ELEMENTSOF(answers); i++)
                n_refused += answers[i].done && strcmp(answers[i].error, SD_BUS_ERROR_LIMITS_EXCEEDED) == 0;
        assert_int_equal(s->polkit.n_asked - before, 4);
        assert_int_equal(n_refused, ELEMENTSOF(answers) - 16);
        assert_call_fails(&s->bench, s->bench.client, M, "GetService", BUS_ERROR_NO_SUCH_SERVICE, "s", "no/such");
        fake_polkit_answer(&s->polkit, false);
        for (size_t i = 0; i < ELEMENTSOF(answers); i++)
                bench_run_until(&s->bench, &answers[i].done);
}

/* P7: the caller leaves before the verdict: nothing is done, and polkit is told. */
static void test_caller_leaves(void **state) {
        Stage *s = *state;
        sd_bus *client = bench_connect(&s->bench);
        uint64_t before = syncs(s);
        unsigned n_cancelled = s->polkit.n_cancelled;
        Outcome answer;

        s->polkit.mode = FAKE_POLKIT_HANG;
        ask(client, M, true, 0, &answer);
        bench_settle(&s->bench);
        assert_int_equal(s->polkit.n_kept, 1);
        (void) sd_bus_flush_close_unref(client);
        bench_settle(&s->bench);
        assert_int_equal(s->polkit.n_cancelled, n_cancelled + 1);
        fake_polkit_answer(&s->polkit, true);
        bench_settle(&s->bench);
        assert_int_equal(syncs(s), before);
}

/* P8: the service goes while polkit thinks; what is not there is not touched. */
static void test_target_goes(void **state) {
        Stage *s = *state;
        Outcome answer;

        bench_put_service(&s->bench, "shop", "gone", 60, 1);
        bench_sync(&s->bench);
        s->polkit.mode = FAKE_POLKIT_HANG;
        ask(s->bench.client, BUS_PATH_SERVICE "/shop_2fgone_3ahttp", BUS_INTERFACE_SERVICE, true, 0, &answer);
        bench_settle(&s->bench);
        assert_int_equal(s->polkit.n_kept, 1);
        bench_remove_service(&s->bench, "shop", "gone");
        bench_sync(&s->bench);
        fake_polkit_answer(&s->polkit, true);
        bench_run_until(&s->bench, &answer.done);
        assert_string_equal(answer.error, SD_BUS_ERROR_UNKNOWN_OBJECT);
}

static void ask_to_override(Stage *s, const char *path, const char *address, Outcome *answer) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        *answer = (Outcome) {};
        assert_true(sd_bus_message_new_method_call(
                            s->bench.client, &call, BUS_NAME, path, BUS_INTERFACE_SERVICE, "SetOverride") >= 0);
        assert_true(sd_bus_message_append(
                            call, "squts", address, 8080, 0, bus_real_now(s->bench.bus) + 600 * USEC_PER_SEC, "test") >= 0);
        assert_true(sd_bus_call_async(s->bench.client, NULL, call, on_answer, answer, 15 * USEC_PER_SEC) >= 0);
}

/* P8: another service is there under the same name: what is done, is done to that one, and what it has not, is not touched. */
static void test_target_is_another(void **state) {
        const OverrideSet *overrides;
        Outcome resync, override;
        Stage *s = *state;

        bench_put_service(&s->bench, "shop", "again", 61, 1);
        bench_sync(&s->bench);
        s->polkit.mode = FAKE_POLKIT_HANG;
        ask(s->bench.client, BUS_PATH_SERVICE "/shop_2fagain_3ahttp", BUS_INTERFACE_SERVICE, true, 0, &resync);
        ask_to_override(s, BUS_PATH_SERVICE "/shop_2fagain_3ahttp", "10.1.61.1", &override);
        bench_settle(&s->bench);
        assert_int_equal(s->polkit.n_kept, 2);
        assert_string_equal(s->polkit.details,
                            "service=shop/again:http namespace=shop address=10.1.61.1 port=8080 weight=0 ");
        bench_remove_service(&s->bench, "shop", "again");
        bench_sync(&s->bench);
        bench_put_service(&s->bench, "shop", "again", 62, 1);
        bench_sync(&s->bench);
        fake_polkit_answer(&s->polkit, true);
        bench_run_until(&s->bench, &resync.done);
        bench_run_until(&s->bench, &override.done);
        assert_string_equal(resync.error, "");
        assert_string_equal(override.error, BUS_ERROR_NO_SUCH_ENDPOINT);
        overrides = manager_overrides(s->bench.manager);
        assert_int_equal(override_set_size(overrides), 0);
}

/* P9, P11: each call is one question, and no verdict is kept: who loses a right is denied the next time. */
static void test_every_call_is_asked(void **state) {
        Stage *s = *state;
        unsigned before = s->polkit.n_asked;

        s->polkit.mode = FAKE_POLKIT_LIST;
        s->polkit.allowed = POLKIT_ACTION_RESYNC;
        ask_and_wait(s, false, "");
        ask_and_wait(s, false, "");
        assert_int_equal(s->polkit.n_asked, before + 2);
        s->polkit.allowed = NULL;
        ask_and_wait(s, false, SD_BUS_ERROR_ACCESS_DENIED);
        s->polkit.mode = FAKE_POLKIT_CHALLENGE; /* as where a kept authorization has expired */
        ask_and_wait(s, false, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
        assert_int_equal(s->polkit.n_asked, before + 4);
}

/* P6: none there, or gone while it thinks. */
static void test_absent(void **state) {
        Stage *s = *state;
        Outcome answer;

        s->polkit.mode = FAKE_POLKIT_HANG;
        ask(s->bench.client, M, true, 0, &answer);
        bench_settle(&s->bench);
        assert_int_equal(s->polkit.n_kept, 1);
        fake_polkit_close(&s->polkit);
        bench_run_until(&s->bench, &answer.done);
        assert_string_equal(answer.error, SD_BUS_ERROR_ACCESS_DENIED);
        ask_and_wait(s, true, SD_BUS_ERROR_ACCESS_DENIED);
        fake_polkit_open(&s->polkit, bench_connect(&s->bench));
}

/* Being denied is no way to fill the journal, or to keep polkit busy: the budget of a caller ends sooner by it. */
static void test_denials_cost(void **state) {
        Stage *s = *state;
        unsigned before = s->polkit.n_asked, n_limited = 0;
        Outcome answer;

        peers_count_everybody(s->bench.bus->peers);
        s->polkit.mode = FAKE_POLKIT_LIST;
        s->polkit.allowed = "";
        for (unsigned i = 0; i < 200; i++) {
                ask(s->bench.client, M, false, 0, &answer);
                bench_run_until(&s->bench, &answer.done);
                n_limited += strcmp(answer.error, SD_BUS_ERROR_LIMITS_EXCEEDED) == 0;
        }
        assert_in_range(s->polkit.n_asked - before, 20, 100);
        assert_int_equal(s->polkit.n_asked - before + n_limited, 200);
}

/* Root and the daemon's own user, which every caller here is, pass without being asked about. */
static void test_trusted(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Bench bench;

        bench_open_daemon(&bench, NULL);
        bench_sync(&bench);
        assert_int_equal(bench_call(&bench, bench.client, M, "Resync", NULL, &reply, "t", UINT64_C(0)), 0);
        bench_close(&bench);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_verdicts),      cmocka_unit_test(test_details),
                cmocka_unit_test(test_invalid_is_not_asked), cmocka_unit_test(test_hanging),
                cmocka_unit_test(test_caller_leaves), cmocka_unit_test(test_target_goes),
                cmocka_unit_test(test_absent),        cmocka_unit_test(test_trusted),
                cmocka_unit_test(test_target_is_another), cmocka_unit_test(test_every_call_is_asked),
                cmocka_unit_test(test_denials_cost),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
