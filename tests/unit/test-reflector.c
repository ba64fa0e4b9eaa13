/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list+watch machine with a scripted server and a clock that stands still unless it is told to go on: every state and
 * every way out of it. What the machine does is written down as text and compared.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"

#include "apiserver/json-read.h"
#include "apiserver/reflector.h"
#include "common/log.h"
#include "tests/unit/recorded.h"

typedef struct Script {
        Reflector *reflector;
        uint64_t now_usec;
        uint64_t due_usec; /* of the timer; USEC_INFINITY = off */
        bool requested; /* a request runs */
        ReflectorRequest kind;
        char path[8192];
        char did[4096]; /* begin, +name, -name, !reason, end */
        int put_result, request_result;
        size_t chunk; /* bodies come in pieces of this size */
        unsigned n_requests, n_cancelled;
        uint32_t random;
} Script;

static void did(Script *script, const char *what, const char *name) {
        size_t used = strlen(script->did);

        (void) snprintf(script->did + used, sizeof(script->did) - used, "%s%s%s", used > 0 ? " " : "", what, name);
}

static int on_request(ReflectorRequest kind, const char *path, void *userdata) {
        Script *script = userdata;

        assert_false(script->requested);
        script->n_requests++;
        if (script->request_result < 0)
                return script->request_result;
        script->requested = true;
        script->kind = kind;
        (void) snprintf(script->path, sizeof(script->path), "%s", path);
        return 0;
}

static void on_cancel(void *userdata) {
        Script *script = userdata;

        assert_true(script->requested);
        script->requested = false;
        script->n_cancelled++;
}

static void on_arm(uint64_t delay_usec, void *userdata) {
        Script *script = userdata;

        script->due_usec = delay_usec == USEC_INFINITY ? USEC_INFINITY : script->now_usec + delay_usec;
}

static uint64_t on_now(void *userdata) {
        return ((Script *) userdata)->now_usec;
}

static uint32_t on_random(void *userdata) {
        return ((Script *) userdata)->random;
}

static void on_begin(void *userdata) {
        did(userdata, "begin", "");
}

static const char *name_of(json_object *object) {
        json_object *name = json_member(json_member(object, "metadata"), "name");

        return name ? json_object_get_string(name) : "?";
}

static int on_put(json_object *object, void *userdata) {
        did(userdata, "+", name_of(object));
        return ((Script *) userdata)->put_result;
}

static int on_remove(json_object *object, void *userdata) {
        did(userdata, "-", name_of(object));
        return 0;
}

static int on_reject(const char *text, size_t size, const char *reason, void *userdata) {
        did(userdata, "!", reason);
        return 0;
}

static void on_end(void *userdata) {
        did(userdata, "end", "");
}

static void on_changed(void *userdata) {
}

static const ReflectorOps ops = {
        .request = on_request,
        .cancel = on_cancel,
        .arm = on_arm,
        .now = on_now,
        .random = on_random,
        .begin = on_begin,
        .put = on_put,
        .remove = on_remove,
        .reject = on_reject,
        .end = on_end,
        .changed = on_changed,
};

static void script_begin(Script *script, bool stream, const char *get_path) {
        ReflectorConfig config = {
                .kind = "Service",
                .path = "/s",
                .selector = "labelSelector=x",
                .get_path = get_path,
                .stream = stream,
        };

        *script = (Script) { .now_usec = 1000 * USEC_PER_SEC, .due_usec = USEC_INFINITY };
        assert_int_equal(reflector_new(&config, &ops, script, &script->reflector), 0);
        reflector_start(script->reflector);
}

static void script_end(Script *script) {
        script->reflector = reflector_free(script->reflector);
}

/* What was done since, then forgotten. */
static void expect_did(Script *script, const char *expected) {
        assert_string_equal(script->did, expected);
        script->did[0] = '\0';
}

static void expect_state(const Script *script, ReflectorState state) {
        ReflectorStatus status;

        reflector_status(script->reflector, &status);
        assert_string_equal(reflector_state_to_string(status.state), reflector_state_to_string(state));
}

static void expect_request(const Script *script, const char *path) {
        assert_true(script->requested);
        assert_string_equal(script->path, path);
}

/* A piece of a body. The end of the request is up to the caller; false if the machine does not want the rest. */
static bool send(Script *script, const char *body) {
        size_t size = strlen(body), chunk = script->chunk > 0 ? script->chunk : size;

        for (size_t i = 0; i < size; i += chunk)
                if (reflector_data(script->reflector, body + i, MIN2(chunk, size - i)) < 0)
                        return false;
        return true;
}

static void finish(Script *script, int error, const char *message) {
        script->requested = false;
        reflector_done(script->reflector, error, message);
}

/* A whole answer. */
static void answer(Script *script, unsigned status, const char *body) {
        assert_true(script->requested);
        reflector_response(script->reflector, status, 0);
        finish(script, send(script, body) ? 0 : -EIO, "cut off");
}

/* The watch is accepted, and stays open. */
static void accept_watch(Script *script) {
        assert_true(script->requested);
        assert_int_equal(script->kind, REFLECTOR_REQUEST_WATCH);
        reflector_response(script->reflector, 200, 0);
}

/* The clock goes on; the timer comes if it is due. Returns whether it did. */
static bool wait_for(Script *script, uint64_t usec) {
        script->now_usec += usec;
        if (script->due_usec > script->now_usec)
                return false;
        script->due_usec = USEC_INFINITY;
        reflector_timer(script->reflector);
        return true;
}

static uint64_t delay(const Script *script) {
        assert_true(script->due_usec != USEC_INFINITY);
        return script->due_usec - script->now_usec;
}

#define LIST(version, items) "{\"kind\":\"ServiceList\",\"metadata\":{\"resourceVersion\":\"" version "\"},\"items\":[" items "]}"
#define PAGE(version, token, items) \
        "{\"kind\":\"ServiceList\",\"items\":[" items "],\"metadata\":{\"resourceVersion\":\"" version "\",\"continue\":\"" token "\"}}"
#define ITEM(name) "{\"metadata\":{\"name\":\"" name "\"}}"
#define EVENT(type, name, version) \
        "{\"type\":\"" type "\",\"object\":{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}}\n"
#define BOOKMARK(version) "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version "\"}}}"
#define INITIAL_END(version) \
        "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version \
        "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}"
#define STATUS(code, reason) "{\"kind\":\"Status\",\"metadata\":{},\"status\":\"Failure\",\"reason\":\"" reason "\",\"code\":" code "}"
#define ERROR_EVENT(code) "{\"type\":\"ERROR\",\"object\":" STATUS(code, "x") "}"

#define FIRST_LIST "/s?labelSelector=x&limit=500&resourceVersion=0"
#define WATCH_FROM(version) \
        "/s?labelSelector=x&watch=true&allowWatchBookmarks=true&resourceVersion=" version "&timeoutSeconds=300"
#define LATEST_LIST "/s?labelSelector=x&limit=500"
#define STREAM "/s?labelSelector=x&watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"

/* Lists, and begins to watch from version 5. */
static void script_watching(Script *script) {
        script_begin(script, false, NULL);
        answer(script, 200, LIST("5", ITEM("a")));
        expect_did(script, "begin +a end");
        expect_request(script, WATCH_FROM("5"));
        accept_watch(script);
}

/* ---- listing */

static void test_list_and_watch(void **state) {
        ReflectorStatus status;
        Script script;

        script_begin(&script, false, NULL);
        expect_state(&script, REFLECTOR_STATE_LISTING);
        expect_request(&script, FIRST_LIST);
        assert_int_equal(script.kind, REFLECTOR_REQUEST_SHORT);
        answer(&script, 200, LIST("5", ITEM("a") "," ITEM("b")));
        expect_did(&script, "begin +a +b end");
        expect_request(&script, WATCH_FROM("5"));
        accept_watch(&script);
        assert_true(send(&script, EVENT("ADDED", "c", "6") EVENT("MODIFIED", "a", "7") EVENT("DELETED", "b", "8") BOOKMARK("9")));
        expect_did(&script, "+c +a -b");
        reflector_status(script.reflector, &status);
        assert_string_equal(status.version, "9");
        assert_true(status.synced);
        assert_true(status.connected);
        assert_int_equal(status.n_listed, 2);
        assert_int_equal(status.n_events, 3);
        script_end(&script);
}

static void test_pages(void **state) {
        Script script;

        script_begin(&script, false, NULL);
        answer(&script, 200, PAGE("5", "t/1", ITEM("a")));
        expect_did(&script, "begin +a");
        expect_request(&script, "/s?labelSelector=x&limit=500&continue=t%2F1");
        answer(&script, 200, PAGE("5", "t2", ITEM("b")));
        expect_request(&script, "/s?labelSelector=x&limit=500&continue=t2");
        answer(&script, 200, LIST("5", ITEM("c")));
        expect_did(&script, "+b +c end");
        expect_request(&script, WATCH_FROM("5"));
        script_end(&script);
}

/* The token expired, and the answer has another one: the rest is newer, the watch begins at the first page's version. */
static void test_inconsistent_continue(void **state) {
        Recorded expired;
        Script script;

        recorded_load("list-continue-expired.http", &expired);
        script_begin(&script, false, NULL);
        answer(&script, 200, PAGE("318", "t1", ITEM("a")));
        answer(&script, 410, expired.body);
        expect_request(&script,
                       "/s?labelSelector=x&limit=500&continue="
                       "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiZGVmYXVsdC9oZWtldGlcdTAwMDAifQ");
        answer(&script, 200, LIST("400", ITEM("b")));
        expect_did(&script, "begin +a +b end");
        expect_request(&script, WATCH_FROM("318"));
        answer(&script, 410, STATUS("410", "Gone"));
        expect_request(&script, "/s?labelSelector=x&resourceVersion=318");
        script_end(&script);
        recorded_done(&expired);
}

static void test_continue_expired_without_token(void **state) {
        Script script;

        script_begin(&script, false, NULL);
        answer(&script, 200, PAGE("5", "t1", ITEM("a")));
        answer(&script, 410, STATUS("410", "Expired"));
        expect_request(&script, "/s?labelSelector=x&limit=0");
        answer(&script, 200, LIST("9", ITEM("a") "," ITEM("b")));
        expect_did(&script, "begin +a begin +a +b end");
        expect_request(&script, WATCH_FROM("9"));
        script_end(&script);
}

static void test_broken_lists(void **state) {
        static const char *const bodies[] = {
                "", "<html>", "{\"kind\":\"ServiceList\"}", LIST("", ITEM("a")), "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}",
                "{\"kind\":\"Table\",\"metadata\":{\"resourceVersion\":\"1\"},\"rows\":[]}",
                "{\"kind\":\"ServiceList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[" ITEM("a"),
                "{\"kind\":\"ServiceList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"a\":}]}",
                LIST("bad\\u0007version", ""),
        };

        for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
                ReflectorStatus status;
                Script script;

                script_begin(&script, false, NULL);
                answer(&script, 200, bodies[i]);
                reflector_status(script.reflector, &status);
                assert_int_equal(status.state, REFLECTOR_STATE_WAITING);
                assert_false(status.synced);
                assert_int_equal(status.failure, -EIO);
                assert_null(strstr(script.did, "end"));
                assert_true(wait_for(&script, 30 * USEC_PER_SEC));
                expect_request(&script, FIRST_LIST);
                answer(&script, 200, LIST("5", ""));
                expect_state(&script, REFLECTOR_STATE_WATCHING);
                script_end(&script);
        }
}

/* One object that is nested absurdly is left out; the list goes on. */
static void test_rejected_object(void **state) {
        static const char deep[] = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                                   "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]";
        char body[1024];
        Script script;

        script_begin(&script, false, NULL);
        (void) snprintf(body, sizeof(body), LIST("5", ITEM("a") ",{\"metadata\":%s}," ITEM("b")), deep);
        answer(&script, 200, body);
        expect_did(&script, "begin +a !the object is nested deeper than 64 +b end");
        script_end(&script);
}

static void test_out_of_memory(void **state) {
        Script script;

        script_begin(&script, false, NULL);
        script.put_result = -ENOMEM;
        answer(&script, 200, LIST("5", ITEM("a")));
        expect_state(&script, REFLECTOR_STATE_WAITING);
        script.request_result = -ENOMEM;
        assert_true(wait_for(&script, delay(&script)));
        expect_state(&script, REFLECTOR_STATE_WAITING);
        script.put_result = script.request_result = 0;
        assert_true(wait_for(&script, delay(&script)));
        expect_request(&script, FIRST_LIST);
        script_end(&script);
}

/* ---- watching */

static void test_watch_ends(void **state) {
        Script script;

        script_watching(&script);
        assert_true(send(&script, EVENT("ADDED", "b", "6")));
        finish(&script, 0, NULL);
        expect_request(&script, WATCH_FROM("6")); /* at once */
        accept_watch(&script);
        script.now_usec += 300 * USEC_PER_SEC;
        finish(&script, 0, NULL);
        expect_request(&script, WATCH_FROM("6"));
        accept_watch(&script);
        finish(&script, 0, NULL); /* at once and empty: not in a circle */
        assert_false(script.requested);
        expect_state(&script, REFLECTOR_STATE_WAITING);
        assert_int_equal(delay(&script), 300 * USEC_PER_MSEC);
        assert_true(wait_for(&script, delay(&script)));
        expect_request(&script, WATCH_FROM("6"));
        expect_did(&script, "+b");
        script_end(&script);
}

static void test_watch_breaks(void **state) {
        ReflectorStatus status;
        Script script;

        script_watching(&script);
        assert_true(send(&script, EVENT("ADDED", "b", "6") "{\"type\":\"ADDED\",\"obj"));
        finish(&script, -ECONNRESET, "Connection reset");
        expect_did(&script, "+b");
        reflector_status(script.reflector, &status);
        assert_false(status.connected);
        assert_true(status.synced);
        assert_string_equal(status.error, "Failed to watch /s: Connection reset");
        assert_true(wait_for(&script, delay(&script)));
        expect_request(&script, WATCH_FROM("6")); /* nothing is listed again */
        accept_watch(&script);
        assert_true(send(&script, EVENT("ADDED", "c", "7") "{\"type\":\"ADDED\",\"obj"));
        finish(&script, 0, NULL); /* half an event, then a clean end */
        expect_state(&script, REFLECTOR_STATE_WAITING);
        script_end(&script);
}

static void test_watch_garbage(void **state) {
        static const char *const bodies[] = { "<html>", "{\"no\":\"event\"}", "{\"type\":\"ADDED\",\"object\":{\"a\":}}", "{\"type\":\"ADDED\",\"object\":[]}" };

        for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
                Script script;

                script_watching(&script);
                assert_true(send(&script, EVENT("ADDED", "b", "6")));
                assert_false(send(&script, bodies[i]));
                finish(&script, -EBADMSG, NULL);
                expect_did(&script, "+b");
                assert_true(wait_for(&script, delay(&script)));
                expect_request(&script, WATCH_FROM("6"));
                script_end(&script);
        }
}

static void test_unknown_events(void **state) {
        Script script;

        script_watching(&script);
        assert_true(send(&script, EVENT("SHIFTED", "b", "6") EVENT("ADDED", "c", "7")));
        expect_did(&script, "+c");
        script_end(&script);
}

/* 410 in both forms: a list not older than the last version, then from there. */
static void test_watch_expired(void **state) {
        for (unsigned form = 0; form < 2; form++) {
                Script script;

                script_watching(&script);
                assert_true(send(&script, EVENT("ADDED", "b", "6")));
                if (form == 0) {
                        assert_false(send(&script, ERROR_EVENT("410")));
                        finish(&script, -ECANCELED, NULL);
                } else {
                        finish(&script, 0, NULL);
                        answer(&script, 410, STATUS("410", "Gone"));
                }
                expect_did(&script, "+b begin");
                expect_request(&script, "/s?labelSelector=x&resourceVersion=6");
                answer(&script, 200, LIST("20", ITEM("b")));
                expect_did(&script, "+b end");
                expect_request(&script, WATCH_FROM("20"));
                script_end(&script);
        }
}

/* The list knows the version no better: the latest. If all fails, with delays. */
static void test_everything_expired(void **state) {
        Script script;

        script_watching(&script);
        finish(&script, 0, NULL);
        expect_state(&script, REFLECTOR_STATE_WAITING); /* ended at once */
        assert_true(wait_for(&script, delay(&script)));
        answer(&script, 410, STATUS("410", "Gone"));
        expect_request(&script, "/s?labelSelector=x&resourceVersion=5");
        answer(&script, 410, STATUS("410", "Gone"));
        expect_request(&script, LATEST_LIST);
        answer(&script, 410, STATUS("410", "Gone"));
        expect_state(&script, REFLECTOR_STATE_WAITING);
        assert_true(wait_for(&script, delay(&script)));
        expect_request(&script, LATEST_LIST);
        answer(&script, 200, LIST("9", ""));
        expect_request(&script, WATCH_FROM("9"));
        answer(&script, 410, STATUS("410", "Gone")); /* of the version it gave out itself */
        expect_state(&script, REFLECTOR_STATE_WAITING);
        script_end(&script);
}

/* etcd was restored: the server is behind. As recorded. */
static void test_too_large_version(void **state) {
        Recorded recorded;
        Script script;

        recorded_load("list-too-large-rv.http", &recorded);
        script_watching(&script);
        finish(&script, -ECONNRESET, "gone");
        assert_true(wait_for(&script, delay(&script)));
        answer(&script, 410, STATUS("410", "Gone"));
        expect_request(&script, "/s?labelSelector=x&resourceVersion=5");
        answer(&script, 504, recorded.body);
        expect_request(&script, LATEST_LIST);
        answer(&script, 200, LIST("2", ""));
        expect_request(&script, WATCH_FROM("2"));
        recorded_done(&recorded);
        script_end(&script);
}

static void test_timeout_is_chosen_at_random(void **state) {
        static const struct {
                uint32_t random;
                const char *expected;
        } cases[] = { { 0, "timeoutSeconds=300" }, { 300, "timeoutSeconds=600" }, { 301, "timeoutSeconds=300" }, { 77, "timeoutSeconds=377" } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Script script;

                script_begin(&script, false, NULL);
                script.random = cases[i].random;
                answer(&script, 200, LIST("5", ""));
                assert_non_null(strstr(script.path, cases[i].expected));
                script_end(&script);
        }
}

/* ---- failures and delays */

/* A short trouble is over within 4 s; a long one has client-go's delays. */
static void test_backoff(void **state) {
        static const struct {
                uint64_t after_sec; /* of trouble */
                uint64_t least_ms, jitter_ms;
        } cases[] = {
                { 0, 300, 300 },       { 0, 600, 600 },       { 0, 1200, 1000 },     { 0, 2400, 1000 },
                { 0, 3000, 1000 },     { 119, 3000, 1000 },   { 121, 6000, 6000 },   { 121, 12000, 12000 },
                { 121, 24000, 24000 }, { 121, 30000, 30000 }, { 121, 30000, 30000 },
        };
        uint64_t begun;
        Script script;

        script_begin(&script, false, NULL);
        begun = script.now_usec;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t least = cases[i].least_ms * USEC_PER_MSEC;

                script.now_usec = MAX2(script.now_usec, begun + cases[i].after_sec * USEC_PER_SEC);
                script.random = i % 2 == 0 ? 0 : UINT32_MAX; /* the least, and the most */
                if (i % 3 == 0)
                        finish(&script, -ECONNREFUSED, "Connection refused");
                else
                        answer(&script, i % 3 == 1 ? 500 : 200, "<html>");
                assert_int_equal(delay(&script), least + (i % 2 == 0 ? 0 : cases[i].jitter_ms * USEC_PER_MSEC));
                assert_true(wait_for(&script, delay(&script)));
                expect_request(&script, FIRST_LIST);
        }
        script_end(&script);
}

/* What no server loses by itself is not asked for every few seconds. */
static void test_backoff_refused(void **state) {
        static const uint64_t delays_ms[] = { 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000 };
        Script script;

        script_begin(&script, false, NULL);
        for (size_t i = 0; i < ELEMENTSOF(delays_ms); i++) {
                answer(&script, i % 2 == 0 ? 403 : 404, "");
                assert_int_equal(delay(&script), delays_ms[i] * USEC_PER_MSEC);
                assert_true(wait_for(&script, delay(&script)));
                expect_request(&script, FIRST_LIST);
        }
        script_end(&script);
}

/* What ends trouble: time without failure, or a watch on which something comes, or that stays open. */
static void test_backoff_ends(void **state) {
        for (unsigned form = 0; form < 5; form++) {
                Script script;

                script_begin(&script, false, NULL);
                for (unsigned i = 0; i < 4; i++) {
                        answer(&script, 500, "");
                        assert_true(wait_for(&script, delay(&script)));
                }
                answer(&script, 200, LIST("5", ""));
                accept_watch(&script);
                if (form == 0)
                        assert_true(send(&script, BOOKMARK("6")));
                else if (form == 1)
                        assert_true(send(&script, EVENT("ADDED", "b", "6")));
                else if (form == 2)
                        script.now_usec += 10 * USEC_PER_SEC;
                else if (form == 3)
                        script.now_usec += 9 * USEC_PER_SEC;
                finish(&script, -ECONNRESET, "reset");
                assert_int_equal(delay(&script), (form < 3 ? 300 : 3000) * USEC_PER_MSEC);
                script_end(&script);
        }
}

/*
 * A watch that ends before anything came on it, which counts, and the next two watches that fail, however they do: the one
 * after them is asked for within 4 s.
 */
static void test_three_failures(void **state) {
        for (unsigned form = 0; form < 5; form++) {
                uint64_t begun;
                Script script;

                script_watching(&script);
                script.random = UINT32_MAX; /* at most */
                finish(&script, 0, NULL);
                begun = script.now_usec;
                for (unsigned i = 0; i < 2; i++) {
                        assert_true(wait_for(&script, delay(&script)));
                        assert_int_equal(script.kind, REFLECTOR_REQUEST_WATCH);
                        if (form == 0)
                                finish(&script, -ECONNREFUSED, "refused");
                        else if (form == 1)
                                answer(&script, 200, "<html>");
                        else if (form == 2)
                                answer(&script, 200, "{\"type\":\"ADDED\",\"obj");
                        else if (form == 3)
                                answer(&script, 200, "");
                        else
                                answer(&script, 500, "");
                }
                assert_true(wait_for(&script, delay(&script)));
                assert_int_equal(script.kind, REFLECTOR_REQUEST_WATCH);
                assert_true(script.now_usec - begun <= 4 * USEC_PER_SEC);
                script_end(&script);
        }
}

static void test_retry_after(void **state) {
        Script script;

        script_begin(&script, false, NULL);
        reflector_response(script.reflector, 429, 7 * USEC_PER_SEC);
        finish(&script, 0, NULL);
        assert_int_equal(delay(&script), 7 * USEC_PER_SEC);
        assert_true(wait_for(&script, delay(&script)));
        answer(&script, 503, "{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":3},\"code\":503}");
        assert_int_equal(delay(&script), 3 * USEC_PER_SEC);
        assert_true(wait_for(&script, delay(&script)));
        reflector_response(script.reflector, 503, UINT64_C(1000000) * USEC_PER_SEC);
        finish(&script, 0, NULL);
        assert_int_equal(delay(&script), 300 * USEC_PER_SEC); /* no longer */
        script_end(&script);
}

static void test_failures(void **state) {
        static const struct {
                unsigned status;
                int failure;
                bool missing, forbidden;
        } cases[] = {
                { 401, -EACCES, false, false }, { 403, -EPERM, false, true }, { 404, -ENOENT, true, false },
                { 429, -EAGAIN, false, false }, { 500, -EAGAIN, false, false }, { 503, -EAGAIN, false, false },
                { 400, -EINVAL, false, false }, { 302, -EIO, false, false },
        };

        for (unsigned phase = 0; phase < 2; phase++)
                for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                        ReflectorStatus status;
                        Script script;

                        script_watching(&script);
                        script.now_usec += 10 * USEC_PER_SEC;
                        finish(&script, 0, NULL);
                        if (phase == 1) {
                                answer(&script, 410, "");
                                expect_request(&script, "/s?labelSelector=x&resourceVersion=5");
                        }
                        answer(&script, cases[i].status, i % 2 == 0 ? "upstream connect error" : STATUS("1", "x"));
                        reflector_status(script.reflector, &status);
                        assert_int_equal(status.state, REFLECTOR_STATE_WAITING);
                        assert_int_equal(status.failure, cases[i].failure);
                        assert_int_equal(status.missing, cases[i].missing);
                        assert_int_equal(status.forbidden, cases[i].forbidden);
                        assert_true(status.synced);
                        assert_true(wait_for(&script, delay(&script)));
                        assert_true(script.requested);
                        script_end(&script);
                }
}

/* Who waits for the server goes on when it is back; who was sent away waits. */
static void test_kick(void **state) {
        static const struct {
                unsigned status; /* 0: no connection */
                uint64_t retry_after_usec;
                ReflectorWaitsFor waits_for;
        } cases[] = {
                { 0, 0, REFLECTOR_WAITS_FOR_SERVER },       { 401, 0, REFLECTOR_WAITS_FOR_CREDENTIALS },
                { 429, 0, REFLECTOR_WAITS_FOR_HEALTH },     { 503, 0, REFLECTOR_WAITS_FOR_HEALTH },
                { 429, USEC_PER_SEC, REFLECTOR_WAITS_FOR_TIME }, { 403, 0, REFLECTOR_WAITS_FOR_TIME },
        };
        Script script;

        script_begin(&script, false, NULL);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                if (cases[i].status == 0)
                        finish(&script, -ECONNREFUSED, "refused");
                else {
                        reflector_response(script.reflector, cases[i].status, cases[i].retry_after_usec);
                        finish(&script, 0, NULL);
                }
                for (ReflectorWaitsFor what = REFLECTOR_WAITS_FOR_SERVER; what <= REFLECTOR_WAITS_FOR_CREDENTIALS; what++)
                        if (what != cases[i].waits_for)
                                reflector_kick(script.reflector, what);
                assert_false(script.requested);
                if (cases[i].waits_for == REFLECTOR_WAITS_FOR_TIME)
                        assert_true(wait_for(&script, delay(&script)));
                else
                        reflector_kick(script.reflector, cases[i].waits_for);
                expect_request(&script, FIRST_LIST);
        }
        script_end(&script);
}

/* ---- streaming */

static void test_stream(void **state) {
        ReflectorStatus status;
        Script script;

        script_begin(&script, true, NULL);
        expect_state(&script, REFLECTOR_STATE_STREAMING);
        expect_request(&script, STREAM "&timeoutSeconds=300");
        accept_watch(&script);
        assert_true(send(&script, EVENT("ADDED", "a", "3") EVENT("ADDED", "b", "2")));
        expect_did(&script, "begin +a +b");
        reflector_status(script.reflector, &status);
        assert_string_equal(status.version, "");
        assert_true(send(&script, INITIAL_END("5")));
        expect_did(&script, "end");
        expect_state(&script, REFLECTOR_STATE_WATCHING);
        assert_int_equal(script.due_usec, USEC_INFINITY);
        assert_true(send(&script, EVENT("DELETED", "a", "6")));
        reflector_status(script.reflector, &status);
        assert_string_equal(status.version, "6");
        assert_int_equal(status.n_listed, 2);
        finish(&script, 0, NULL);
        expect_request(&script, WATCH_FROM("6"));
        answer(&script, 410, "");
        expect_request(&script, STREAM "&resourceVersion=6&timeoutSeconds=300");
        script_end(&script);
}

/* A server that does not know it says so: never asked again. */
static void test_stream_refused(void **state) {
        static const unsigned statuses[] = { 400, 422, 501 };

        for (size_t i = 0; i < ELEMENTSOF(statuses); i++) {
                Script script;

                script_begin(&script, true, NULL);
                answer(&script, statuses[i], STATUS("422", "Invalid"));
                expect_request(&script, FIRST_LIST);
                answer(&script, 200, LIST("5", ""));
                answer(&script, 410, "");
                expect_request(&script, "/s?labelSelector=x&resourceVersion=5");
                script_end(&script);
        }
}

/* It ignores the parameters: events may come, the bookmark does not. */
static void test_stream_ignored(void **state) {
        Script script;

        script_begin(&script, true, NULL);
        accept_watch(&script);
        assert_false(wait_for(&script, USEC_PER_SEC));
        assert_true(send(&script, EVENT("ADDED", "a", "3")));
        assert_false(wait_for(&script, 1500 * USEC_PER_MSEC));
        assert_true(send(&script, BOOKMARK("4"))); /* does not prolong it */
        assert_true(wait_for(&script, 600 * USEC_PER_MSEC));
        assert_int_equal(script.n_cancelled, 1);
        expect_request(&script, FIRST_LIST);
        answer(&script, 200, LIST("5", ITEM("a")));
        expect_did(&script, "begin +a begin +a end");
        answer(&script, 410, "");
        expect_request(&script, "/s?labelSelector=x&resourceVersion=5");
        script_end(&script);
}

static void test_stream_without_answer(void **state) {
        Script script;

        script_begin(&script, true, NULL);
        assert_false(wait_for(&script, 60 * USEC_PER_SEC)); /* for a connection: not the machine's to judge */
        reflector_sent(script.reflector);
        assert_false(wait_for(&script, 4 * USEC_PER_SEC));
        assert_true(wait_for(&script, 2 * USEC_PER_SEC));
        assert_int_equal(script.n_cancelled, 1);
        expect_request(&script, FIRST_LIST);
        script_end(&script);
}

static void test_stream_failures(void **state) {
        Script script;

        /* no connection: the same again later */
        script_begin(&script, true, NULL);
        finish(&script, -ECONNREFUSED, "refused");
        assert_true(wait_for(&script, delay(&script)));
        expect_request(&script, STREAM "&timeoutSeconds=300");
        /* broken within: a list, at once */
        accept_watch(&script);
        assert_true(send(&script, EVENT("ADDED", "a", "3")));
        finish(&script, -ECONNRESET, "reset");
        expect_request(&script, FIRST_LIST);
        answer(&script, 200, LIST("5", ""));
        answer(&script, 410, "");
        expect_request(&script, STREAM "&resourceVersion=5&timeoutSeconds=300"); /* tried again */
        /* too old for that too */
        answer(&script, 410, "");
        expect_request(&script, LATEST_LIST);
        script_end(&script);

        script_begin(&script, true, NULL);
        answer(&script, 500, "");
        expect_request(&script, FIRST_LIST);
        script_end(&script);

        script_begin(&script, true, NULL);
        answer(&script, 404, "");
        expect_state(&script, REFLECTOR_STATE_WAITING);
        script_end(&script);
}

/* ---- an object that may be read and not listed */

static void test_get_only(void **state) {
        ReflectorStatus status;
        Recorded missing;
        Script script;

        recorded_load("node-missing.http", &missing);
        script_begin(&script, false, "/s/one");
        answer(&script, 403, STATUS("403", "Forbidden"));
        expect_request(&script, "/s/one");
        answer(&script, 200, ITEM("one"));
        expect_did(&script, "begin begin +one end");
        reflector_status(script.reflector, &status);
        assert_true(status.synced);
        assert_true(status.connected);
        assert_int_equal(delay(&script), 30 * USEC_PER_SEC);
        assert_true(wait_for(&script, delay(&script)));
        expect_request(&script, "/s/one");
        answer(&script, 404, missing.body);
        expect_did(&script, "begin end"); /* and with it, the object is gone */
        for (unsigned i = 0; i < 8; i++) {
                assert_true(wait_for(&script, delay(&script)));
                expect_request(&script, "/s/one");
                answer(&script, 200, ITEM("one"));
        }
        assert_true(wait_for(&script, delay(&script)));
        expect_request(&script, FIRST_LIST); /* perhaps it is allowed by now */
        answer(&script, 200, LIST("5", ITEM("one")));
        expect_state(&script, REFLECTOR_STATE_WATCHING);
        script_end(&script);
        recorded_done(&missing);
}

static void test_get_forbidden(void **state) {
        ReflectorStatus status;
        Script script;

        script_begin(&script, false, "/s/one");
        answer(&script, 403, "");
        answer(&script, 403, "");
        reflector_status(script.reflector, &status);
        assert_true(status.forbidden);
        assert_int_equal(delay(&script), 300 * USEC_PER_SEC);
        assert_true(wait_for(&script, delay(&script)));
        expect_request(&script, "/s/one");
        finish(&script, -ECONNRESET, "reset");
        assert_true(delay(&script) < 2 * USEC_PER_SEC);
        script_end(&script);
}

/* Watching is forbidden where listing is not. */
static void test_watch_forbidden(void **state) {
        Script script;

        script_begin(&script, false, "/s/one");
        answer(&script, 200, LIST("5", ITEM("one")));
        answer(&script, 403, "");
        expect_request(&script, "/s/one");
        script_end(&script);
}

/* ---- recorded, in pieces of every size */

static void test_recorded(void **state) {
        Recorded list, watch, expired;

        recorded_load("services-list.http", &list);
        recorded_load("services-watch.http", &watch);
        recorded_load("watch-too-old.http", &expired);
        for (size_t chunk = 1; chunk < watch.size; chunk = chunk < 100 ? chunk + 1 : chunk * 2) {
                ReflectorStatus status;
                Script script;

                script_begin(&script, false, NULL);
                script.chunk = chunk;
                answer(&script, 200, list.body);
                reflector_status(script.reflector, &status);
                assert_int_equal(status.n_listed, 12);
                assert_string_equal(status.version, "219");
                script.did[0] = '\0';
                accept_watch(&script);
                assert_true(send(&script, watch.body));
                expect_did(&script, "+web +web -web +web -web");
                finish(&script, 0, NULL);
                expect_request(&script, WATCH_FROM("278"));
                answer(&script, 200, expired.body);
                expect_request(&script, "/s?labelSelector=x&resourceVersion=278");
                script_end(&script);
        }
        recorded_done(&list);
        recorded_done(&watch);
        recorded_done(&expired);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list_and_watch),
                cmocka_unit_test(test_pages),
                cmocka_unit_test(test_inconsistent_continue),
                cmocka_unit_test(test_continue_expired_without_token),
                cmocka_unit_test(test_broken_lists),
                cmocka_unit_test(test_rejected_object),
                cmocka_unit_test(test_out_of_memory),
                cmocka_unit_test(test_watch_ends),
                cmocka_unit_test(test_watch_breaks),
                cmocka_unit_test(test_watch_garbage),
                cmocka_unit_test(test_unknown_events),
                cmocka_unit_test(test_watch_expired),
                cmocka_unit_test(test_everything_expired),
                cmocka_unit_test(test_too_large_version),
                cmocka_unit_test(test_timeout_is_chosen_at_random),
                cmocka_unit_test(test_backoff),
                cmocka_unit_test(test_backoff_refused),
                cmocka_unit_test(test_backoff_ends),
                cmocka_unit_test(test_three_failures),
                cmocka_unit_test(test_retry_after),
                cmocka_unit_test(test_failures),
                cmocka_unit_test(test_kick),
                cmocka_unit_test(test_stream),
                cmocka_unit_test(test_stream_refused),
                cmocka_unit_test(test_stream_ignored),
                cmocka_unit_test(test_stream_without_answer),
                cmocka_unit_test(test_stream_failures),
                cmocka_unit_test(test_get_only),
                cmocka_unit_test(test_get_forbidden),
                cmocka_unit_test(test_watch_forbidden),
                cmocka_unit_test(test_recorded),
        };

        log_set_max_level(LOG_CRIT);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
