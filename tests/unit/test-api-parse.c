/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left of an object when the members that nobody reads are left out, against what json-c makes of all of it. */
#include <json-c/json.h>

#include "tests/unit/test.h"

#include "apiserver/json-parse.h"
#include "apiserver/json-read.h"
#include "apiserver/json-scan.h"
#include "tests/unit/recorded.h"

#define ENDPOINT(members) "{\"endpoints\":[{\"addresses\":[\"10.0.0.1\"]," members "}]}"

static void test_members(void **state) {
        static const struct {
                const char *text, *expected; /* NULL: -EBADMSG */
        } cases[] = {
                { "{\"metadata\":{\"managedFields\":[{\"a\":1}],\"name\":\"x\"}}", "{\"metadata\":{\"managedFields\":null,\"name\":\"x\"}}" },
                { "{\"metadata\" : {\"name\":\"x\", \"managedFields\" : {} } }", "{\"metadata\":{\"name\":\"x\",\"managedFields\":null}}" },
                { "{\"metadata\":{\"managedFields\":\"}\\\"]\\\\\",\"name\":\"x\"}}", "{\"metadata\":{\"managedFields\":null,\"name\":\"x\"}}" },
                { "{\"spec\":{\"selector\":{\"a\":\"b\"},\"type\":\"NodePort\"}}", "{\"spec\":{\"selector\":null,\"type\":\"NodePort\"}}" },
                /* shorter than null: left as it is */
                { "{\"metadata\":{\"managedFields\":12}}", "{\"metadata\":{\"managedFields\":12}}" },
                { "{\"status\":{\"images\":[[],{}],\"conditions\":[]}}", "{\"status\":{\"images\":null,\"conditions\":[]}}" },
                { "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"managedFields\":[12]}}}", "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"managedFields\":null}}}" },
                { ENDPOINT("\"targetRef\":{\"kind\":\"Pod\",\"uid\":\"1-2-3\",\"name\":\"p\",\"namespace\":\"n\"}"), ENDPOINT("\"targetRef\":{\"kind\":\"Pod\",\"uid\":null,\"name\":\"p\",\"namespace\":\"n\"}") },
                { ENDPOINT("\"targetRef\":{\"namespace\":\"shop\",\"resourceVersion\":\"1234\"}"), ENDPOINT("\"targetRef\":{\"namespace\":null,\"resourceVersion\":null}") },
                { "{\"type\":\"MODIFIED\",\"object\":" ENDPOINT("\"targetRef\":{\"uid\":\"1-2-3\"}") "}", "{\"type\":\"MODIFIED\",\"object\":" ENDPOINT("\"targetRef\":{\"uid\":null}") "}" },
                { ENDPOINT("\"conditions\":{\"ready\":true}"), ENDPOINT("\"conditions\":null") },
                { ENDPOINT("\"conditions\":{\"ready\":true,\"serving\":true,\"terminating\":false}"), ENDPOINT("\"conditions\":null") },
                { "{\"type\":\"ADDED\",\"object\":" ENDPOINT("\"conditions\":{\"ready\":true}") "}", "{\"type\":\"ADDED\",\"object\":" ENDPOINT("\"conditions\":null") "}" },
                /* conditions that say more than is true without them */
                { ENDPOINT("\"conditions\":{\"ready\":false}"), ENDPOINT("\"conditions\":{\"ready\":false}") },
                { ENDPOINT("\"conditions\":{\"ready\":true,\"serving\":false,\"terminating\":false}"), ENDPOINT("\"conditions\":{\"ready\":true,\"serving\":false,\"terminating\":false}") },
                { ENDPOINT("\"conditions\":{\"ready\":true,\"serving\":true,\"terminating\":true}"), ENDPOINT("\"conditions\":{\"ready\":true,\"serving\":true,\"terminating\":true}") },
                { ENDPOINT("\"conditions\":{\"ready\":true,\"terminating\":true}"), ENDPOINT("\"conditions\":{\"ready\":true,\"terminating\":true}") },
                { ENDPOINT("\"conditions\":{ \"ready\":true}"), ENDPOINT("\"conditions\":{\"ready\":true}") },
                /* the same names where they mean something else */
                { "{\"metadata\":{\"labels\":{\"selector\":\"a\",\"managedFields\":\"b\"}}}", "{\"metadata\":{\"labels\":{\"selector\":\"a\",\"managedFields\":\"b\"}}}" },
                { "{\"spec\":{\"managedFields\":1}}", "{\"spec\":{\"managedFields\":1}}" },
                { "{\"managedFields\":[1]}", "{\"managedFields\":[1]}" },
                { "{\"other\":[{\"conditions\":{\"ready\":true}}]}", "{\"other\":[{\"conditions\":{\"ready\":true}}]}" },
                { ENDPOINT("\"hints\":{\"uid\":\"1-2-3\",\"conditions\":{\"ready\":true}}"), ENDPOINT("\"hints\":{\"uid\":\"1-2-3\",\"conditions\":{\"ready\":true}}") },
                { "{\"metadata\":{\"uid\":\"1-2-3\",\"namespace\":\"shop\"}}", "{\"metadata\":{\"uid\":\"1-2-3\",\"namespace\":\"shop\"}}" },
                { "{\"other\":{\"metadata\":{\"managedFields\":[1]}}}", "{\"other\":{\"metadata\":{\"managedFields\":[1]}}}" },
                { "{\"metadata\":{\"name\":\"managedFields\"},\"a\":\"metadata\"}", "{\"metadata\":{\"name\":\"managedFields\"},\"a\":\"metadata\"}" },
                /* what is no JSON stays none */
                { "{\"endpoints\":[{\"conditions\":{\"ready\":true}", NULL },
                { "{\"endpoints\":[{\"conditions\":{\"ready\":true", NULL },
                { "{\"metadata\":{\"managedFields\":[1}", NULL },
                { "{\"metadata\":{\"managedFields\":[1]}", NULL },
                { "{\"metadata\":{\"managedFields\":\"", NULL },
                { "{\"metadata\":{\"managedFields\":", NULL },
                { "{\"metadata\":{}}}", NULL },
                { "{\"metadata\":{\"managedFields\":1}} {}", NULL },
                { "\"", NULL },
                { "\"\\", NULL },
                { ":", NULL },
                { "]", NULL },
                { "", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(json_putp) json_object *object = NULL, *expected = NULL;
                /* on the heap without a terminator, so that valgrind and AddressSanitizer see a step too far */
                size_t size = strlen(cases[i].text);
                _cleanup_(freep) char *text = malloc(MAX2(size, (size_t) 1));
                int r;

                memcpy(text, cases[i].text, size);
                r = json_parse_object(text, size, &object);
                if (!cases[i].expected) {
                        assert_int_equal(r, -EBADMSG);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_int_equal(json_parse(cases[i].expected, strlen(cases[i].expected), &expected), 0);
                if (!json_object_equal(object, expected))
                        fail_msg("%s became %s", cases[i].text, json_object_to_json_string(object));
        }
}

static void null_member(json_object *object, const char *section, const char *member) {
        json_object *parent = json_member(object, section);

        if (json_member(parent, member))
                (void) json_object_object_add(parent, member, NULL);
}

static void null_endpoint(json_object *endpoint) {
        static const char *const usual[] = { "{\"ready\":true}", "{\"ready\":true,\"serving\":true,\"terminating\":false}" };
        json_object *conditions = json_member(endpoint, "conditions");
        const char *text = json_object_to_json_string_ext(conditions, JSON_C_TO_STRING_PLAIN);

        for (const char *const *member = (const char *const[]) { "uid", "namespace", "resourceVersion", NULL }; *member; member++)
                null_member(endpoint, "targetRef", *member);
        if (conditions && (strcmp(text, usual[0]) == 0 || strcmp(text, usual[1]) == 0))
                (void) json_object_object_add(endpoint, "conditions", NULL);
}

static void check_recorded(const char *name) {
        _cleanup_(json_putp) json_object *list = NULL;
        Recorded recorded;
        json_object *items;

        recorded_load(name, &recorded);
        assert_int_equal(json_parse(recorded.body, recorded.size, &list), 0);
        items = json_member(list, "items");
        assert_true(json_object_array_length(items) > 0);
        for (size_t i = 0; i < json_object_array_length(items); i++) {
                _cleanup_(json_putp) json_object *pruned = NULL;
                json_object *item = json_object_array_get_idx(items, i);
                const char *text = json_object_to_json_string_ext(item, JSON_C_TO_STRING_PLAIN);
                json_object *endpoints;
                size_t before = strlen(text);

                assert_int_equal(json_parse_object(text, before, &pruned), 0);
                null_member(item, "metadata", "managedFields");
                null_member(item, "metadata", "ownerReferences");
                null_member(item, "metadata", "finalizers");
                null_member(item, "spec", "selector");
                for (const char *const *member = (const char *const[]) { "images", "nodeInfo", "capacity", "allocatable", "volumesInUse", "volumesAttached", "conditions", NULL };
                     *member;
                     member++)
                        null_member(item, "status", *member);
                endpoints = json_member(item, "endpoints");
                for (size_t k = 0; k < json_length(endpoints); k++)
                        null_endpoint(json_object_array_get_idx(endpoints, k));
                assert_true(json_object_equal(pruned, item));
                assert_true(strlen(json_object_to_json_string_ext(pruned, JSON_C_TO_STRING_PLAIN)) < before);
        }
        recorded_done(&recorded);
}

/* Every byte at every place of two words and a rest. */
static void test_scan(void **state) {
        for (size_t size = 0; size <= 19; size++)
                for (size_t at = 0; at < size; at++)
                        for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
                                _cleanup_(freep) char *text = malloc(size);
                                bool ends_string = byte < 0x20 || byte == '"' || byte == '\\';
                                bool is_structure = byte && strchr("\"{}[]:", (int) byte);

                                memset(text, 'a', size);
                                text[at] = (char) byte;
                                assert_ptr_equal(json_scan_string(text, text + size), text + (ends_string ? at : size));
                                assert_ptr_equal(json_scan_structure(text, text + size), text + (is_structure ? at : size));
                                if (at == 0)
                                        continue;
                                text[at - 1] = '"'; /* the first of two counts */
                                assert_ptr_equal(json_scan_string(text, text + size), text + at - 1);
                        }
}

static void test_recorded(void **state) {
        check_recorded("services-list.http");
        check_recorded("endpointslices-list.http");
        check_recorded("endpoints-list.http");
        check_recorded("nodes-fieldselector.http");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_members),
                cmocka_unit_test(test_recorded),
                cmocka_unit_test(test_scan),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
