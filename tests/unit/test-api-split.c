/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bodies cut into objects, at every chunk boundary, against what json-c makes of the whole. */
#include <json-c/json.h>
#include <stdio.h>

#include "tests/unit/test.h"

#include "apiserver/json-parse.h"
#include "apiserver/json-read.h"
#include "apiserver/json-split.h"
#include "tests/unit/recorded.h"

/* What was given out, as one text: pieces ended by "|", cut ones by "!". */
typedef struct Pieces {
        char *text;
        size_t size, n;
        int result; /* what the handler returns */
} Pieces;

static int on_piece(const char *text, size_t size, bool cut, void *userdata) {
        Pieces *pieces = userdata;

        pieces->text = realloc(pieces->text, pieces->size + size + 2);
        assert_non_null(pieces->text);
        memcpy(pieces->text + pieces->size, text, size);
        pieces->size += size;
        pieces->text[pieces->size++] = cut ? '!' : '|';
        pieces->text[pieces->size] = '\0';
        pieces->n++;
        return pieces->result;
}

/* Feeds in pieces of `chunk`, the first of them of `first` bytes. */
static int split_all(JsonSplit *split, const char *body, size_t size, size_t first, size_t chunk) {
        size_t used = 0;
        int r = 0;

        while (used < size && r >= 0) {
                size_t n = MIN2(used == 0 && first > 0 ? first : chunk, size - used);

                r = json_split_feed(split, body + used, n);
                used += n;
        }
        return r;
}

static void test_case(JsonSplitMode mode, const char *body, int expected_result, const char *expected) {
        for (size_t chunk = 1; chunk <= strlen(body); chunk++) {
                Pieces pieces = {};
                JsonSplit split;
                int r;

                json_split_init(&split, mode, on_piece, &pieces);
                r = split_all(&split, body, strlen(body), 0, chunk);
                if (r >= 0)
                        r = json_split_end(&split);
                if (r != expected_result)
                        fail_msg("%s in chunks of %zu: %d instead of %d", body, chunk, r, expected_result);
                if (expected)
                        assert_string_equal(pieces.text ? pieces.text : "", expected);
                json_split_done(&split);
                free(pieces.text);
        }
}

static void test_lists(void **state) {
        static const struct {
                const char *body;
                int result;
                const char *pieces; /* NULL: does not matter */
        } cases[] = {
                { "{\"items\":[{\"a\":1},{\"b\":[2]}],\"kind\":\"L\"}", 0, "{\"a\":1}|{\"b\":[2]}|" },
                { "{\"kind\":\"L\",\"items\":[ {\"a\":\"]}\"} , {} ]}", 0, "{\"a\":\"]}\"} |{} |" },
                { "{\"kind\":\"items\",\"items\":[{}]}", 0, "{}|" },
                { "{\"x\":{\"items\":[{}]},\"items\":[]}", 0, "" },
                { "{\"items\":[{\"items\":[{\"items\":[]}]}]}", 0, "{\"items\":[{\"items\":[]}]}|" },
                { "{\"items\":null}", 0, "" },
                { "{ \"items\" : [1,\"a,]b\",null,[2,3]] }", 0, "1|\"a,]b\"|null|[2,3]|" },
                { "{\"items\":[{\"a\":\"\\\"\\\\\"}]}", 0, "{\"a\":\"\\\"\\\\\"}|" },
                { "{\"itemsx\":[{}],\"xitems\":[{}]}", 0, "" },
                { "{}", 0, "" },
                { "", -EPIPE, "" },
                { "{\"items\":[{}", -EPIPE, NULL },
                { "{\"items\":[{}]", -EPIPE, "{}|" },
                { "{\"items\":[{},{\"a\":\"", -EPIPE, "{}|" },
                { "[]", -EBADMSG, "" },
                { "no JSON at all", -EBADMSG, "" },
                { "\"text\"", -EBADMSG, "" },
                { "{} {}", -EBADMSG, "" },
                { "{\"items\":[}]}", -EBADMSG, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                test_case(JSON_SPLIT_LIST, cases[i].body, cases[i].result, cases[i].pieces);
}

static void test_streams(void **state) {
        static const struct {
                const char *body;
                int result;
                const char *pieces;
        } cases[] = {
                { "{\"a\":1}\n{\"b\":2}\n", 0, "{\"a\":1}|{\"b\":2}|" },
                { "{\"a\":1}{\"b\":\"}{\"}", 0, "{\"a\":1}|{\"b\":\"}{\"}|" },
                { " \r\n\t{\"items\":[{}]}", 0, "{\"items\":[{}]}|" },
                { "", 0, "" },
                { "{\"a\":", -EPIPE, "" },
                { "{\"a\":1}{\"", -EPIPE, "{\"a\":1}|" },
                { "{\"a\":1}]", -EBADMSG, "{\"a\":1}|" },
                { "<html>", -EBADMSG, "" },
                { "{\"a\":1},{\"b\":2}", -EBADMSG, "{\"a\":1}|" },
                { "{\"a\":\"lost}\n{\"b\":2}\n", -EBADMSG, "" },
                { "{\"a\":\"lost}{\"b\":2}\n", -EBADMSG, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                test_case(JSON_SPLIT_STREAM, cases[i].body, cases[i].result, cases[i].pieces);
}

/* An absurd object is given out cut, and what is around it as it is. */
static void test_large(void **state) {
        char body[4096], filler[1000];
        Pieces pieces = {};
        JsonSplit split;

        memset(filler, 'x', sizeof(filler) - 1);
        filler[sizeof(filler) - 1] = '\0';
        (void) snprintf(body, sizeof(body), "{\"items\":[{\"a\":1},{\"b\":\"%s]}\",\"c\":[{}]},{\"d\":4}],\"k\":1}", filler);
        for (size_t chunk = 1; chunk < strlen(body); chunk += 7) {
                json_split_init(&split, JSON_SPLIT_LIST, on_piece, &pieces);
                split.max_size = 100;
                assert_int_equal(split_all(&split, body, strlen(body), 0, chunk), 0);
                assert_int_equal(json_split_end(&split), 0);
                assert_int_equal(pieces.n, 3);
                assert_memory_equal(pieces.text, "{\"a\":1}|{\"b\":\"xxx", 17);
                assert_int_equal(pieces.size, 8 + 101 + 8);
                assert_memory_equal(pieces.text + 8 + 100, "!{\"d\":4}|", 9);
                assert_true(split.piece.allocated <= 1024);
                json_split_done(&split);
                free(pieces.text);
                pieces = (Pieces) {};
        }
}

static void test_envelope(void **state) {
        static const char body[] = "{\"metadata\":{\"continue\":\"x\"},\"items\":[{\"a\":1},{}],\"kind\":\"ServiceList\"}";
        _cleanup_(json_putp) json_object *envelope = NULL;
        Pieces pieces = {};
        JsonSplit split;
        char *large;

        json_split_init(&split, JSON_SPLIT_LIST, on_piece, &pieces);
        assert_int_equal(json_split_feed(&split, body, sizeof(body) - 1), 0);
        assert_int_equal(json_split_envelope(&split, &envelope), 0);
        assert_string_equal(json_object_to_json_string_ext(envelope, JSON_C_TO_STRING_PLAIN),
                            "{\"metadata\":{\"continue\":\"x\"},\"items\":[],\"kind\":\"ServiceList\"}");
        json_split_done(&split);
        free(pieces.text);

        large = malloc(JSON_ENVELOPE_MAX + 10);
        assert_non_null(large);
        memset(large, ' ', JSON_ENVELOPE_MAX + 10);
        large[0] = '{';
        json_split_init(&split, JSON_SPLIT_LIST, on_piece, &pieces);
        assert_int_equal(json_split_feed(&split, large, JSON_ENVELOPE_MAX + 10), -E2BIG);
        json_split_done(&split);
        free(large);
}

static void test_handler_error(void **state) {
        static const char body[] = "{\"items\":[{},{}]}";
        Pieces pieces = { .result = -ENOMEM };
        JsonSplit split;

        json_split_init(&split, JSON_SPLIT_LIST, on_piece, &pieces);
        assert_int_equal(json_split_feed(&split, body, sizeof(body) - 1), -ENOMEM);
        assert_int_equal(pieces.n, 1);
        json_split_done(&split);
        free(pieces.text);
}

static void test_parse(void **state) {
        static const struct {
                const char *text;
                int result;
        } cases[] = {
                { "{}", 0 },     { " {\"a\":[1,2]} \n", 0 }, { "{", -EBADMSG },      { "{}x", -EBADMSG },
                { "", -EBADMSG }, { "{\"a\":}", -EBADMSG },   { "{\"a\" 1}", -EBADMSG },
        };
        char deep[400];
        json_object *object;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                object = NULL;
                assert_int_equal(json_parse(cases[i].text, strlen(cases[i].text), &object), cases[i].result);
                (void) json_object_put(object);
        }
        memset(deep, '[', 200);
        memset(deep + 200, ']', 200);
        assert_int_equal(json_parse(deep, 400, &object), -EMLINK);
}

/* ---- recorded */

static void check_items(const char *name) {
        _cleanup_(json_putp) json_object *whole = NULL;
        Recorded recorded;
        json_object *items;
        Pieces expected = {};

        recorded_load(name, &recorded);
        assert_int_equal(json_parse(recorded.body, recorded.size, &whole), 0);
        items = json_member(whole, "items");
        for (size_t first = 1; first < recorded.size; first += recorded.size > 4000 ? 13 : 1) {
                Pieces pieces = {};
                JsonSplit split;

                json_split_init(&split, JSON_SPLIT_LIST, on_piece, &pieces);
                assert_int_equal(split_all(&split, recorded.body, recorded.size, first, recorded.size), 0);
                assert_int_equal(json_split_end(&split), 0);
                assert_int_equal(pieces.n, json_object_array_length(items));
                if (!expected.text)
                        expected = pieces;
                else {
                        assert_string_equal(pieces.text, expected.text);
                        free(pieces.text);
                }
                json_split_done(&split);
        }
        for (size_t i = 0, at = 0; i < expected.n; i++) {
                _cleanup_(json_putp) json_object *item = NULL;
                size_t size = strcspn(expected.text + at, "|"); /* no recorded object has one */

                assert_int_equal(json_parse(expected.text + at, size, &item), 0);
                assert_true(json_object_equal(item, json_object_array_get_idx(items, i)));
                at += size + 1;
        }
        free(expected.text);
        recorded_done(&recorded);
}

static void test_recorded_lists(void **state) {
        check_items("services-list.http");
        check_items("endpointslices-list.http");
        check_items("endpoints-list.http");
        check_items("nodes-fieldselector.http");
        check_items("services-page-1.http");
        check_items("services-page-3.http");
}

static void check_events(const char *name, size_t n) {
        Recorded recorded;

        recorded_load(name, &recorded);
        for (size_t first = 1; first < recorded.size; first++) {
                Pieces pieces = {};
                JsonSplit split;

                json_split_init(&split, JSON_SPLIT_STREAM, on_piece, &pieces);
                assert_int_equal(split_all(&split, recorded.body, recorded.size, first, recorded.size), 0);
                assert_int_equal(json_split_end(&split), 0);
                assert_int_equal(pieces.n, n);
                json_split_done(&split);
                free(pieces.text);
        }
        recorded_done(&recorded);
}

static void test_recorded_watches(void **state) {
        check_events("services-watch.http", 7);
        check_events("endpointslices-watch.http", 6);
        check_events("watch-too-old.http", 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lists),          cmocka_unit_test(test_streams),
                cmocka_unit_test(test_large),          cmocka_unit_test(test_envelope),
                cmocka_unit_test(test_handler_error),  cmocka_unit_test(test_parse),
                cmocka_unit_test(test_recorded_lists), cmocka_unit_test(test_recorded_watches),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
