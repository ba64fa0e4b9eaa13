/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left of an object when the members that nobody reads are left out, against what json-c makes of all of it. */
#include <json-c/json.h>

#include "tests/unit/test.h"

#include "apiserver/json-parse.h"
#include "apiserver/json-read.h"
#include "tests/unit/recorded.h"

static void test_members(void **state) {
        static const struct {
                const char *text, *expected; /* NULL: -EBADMSG */
        } cases[] = {
                { "{\"metadata\":{\"managedFields\":[{\"a\":1}],\"name\":\"x\"}}", "{\"metadata\":{\"managedFields\":null,\"name\":\"x\"}}" },
                { "{\"metadata\" : {\"name\":\"x\", \"managedFields\" : {} } }", "{\"metadata\":{\"name\":\"x\",\"managedFields\":null}}" },
                { "{\"metadata\":{\"managedFields\":\"}\\\"]\\\\\",\"name\":\"x\"}}", "{\"metadata\":{\"managedFields\":null,\"name\":\"x\"}}" },
                { "{\"metadata\":{\"managedFields\":12}}", "{\"metadata\":{\"managedFields\":null}}" },
                { "{\"spec\":{\"selector\":{\"a\":\"b\"},\"type\":\"NodePort\"}}", "{\"spec\":{\"selector\":null,\"type\":\"NodePort\"}}" },
                { "{\"status\":{\"images\":[[],{}],\"conditions\":[]}}", "{\"status\":{\"images\":null,\"conditions\":null}}" },
                { "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"managedFields\":[1]}}}", "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"managedFields\":null}}}" },
                /* the same names where they mean something else */
                { "{\"metadata\":{\"labels\":{\"selector\":\"a\",\"managedFields\":\"b\"}}}", "{\"metadata\":{\"labels\":{\"selector\":\"a\",\"managedFields\":\"b\"}}}" },
                { "{\"spec\":{\"managedFields\":1}}", "{\"spec\":{\"managedFields\":1}}" },
                { "{\"managedFields\":[1]}", "{\"managedFields\":[1]}" },
                { "{\"endpoints\":[{\"conditions\":{\"ready\":true}}]}", "{\"endpoints\":[{\"conditions\":{\"ready\":true}}]}" },
                { "{\"other\":{\"metadata\":{\"managedFields\":[1]}}}", "{\"other\":{\"metadata\":{\"managedFields\":[1]}}}" },
                { "{\"metadata\":{\"name\":\"managedFields\"},\"a\":\"metadata\"}", "{\"metadata\":{\"name\":\"managedFields\"},\"a\":\"metadata\"}" },
                /* what is no JSON stays none */
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
                const char *text = json_object_to_json_string(item);
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
                assert_true(json_object_equal(pruned, item));
                assert_true(strlen(json_object_to_json_string(pruned)) < before);
        }
        recorded_done(&recorded);
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
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
