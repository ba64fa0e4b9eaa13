/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/schema.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/macros.h"

#define WHERE_MAX 256

typedef struct Check {
        json_object *schema, *value;
        const char *where;
        char *problem;
} Check;

#define FAIL(check, ...)                                                                           \
        ({                                                                                         \
                int n_ = snprintf((check)->problem, SCHEMA_PROBLEM_MAX,                            \
                                  "%.200s: ", (check)->where);                                     \
                (void) snprintf((check)->problem + n_, SCHEMA_PROBLEM_MAX - (size_t) n_,           \
                                __VA_ARGS__);                                                      \
                false;                                                                             \
        })

static bool type_fits(const char *type, json_object *value) {
        static const struct {
                const char *name;
                json_type type;
        } table[] = {
                { "object", json_type_object },   { "array", json_type_array },
                { "string", json_type_string },   { "integer", json_type_int },
                { "boolean", json_type_boolean }, { "null", json_type_null },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (strcmp(table[i].name, type) == 0)
                        return json_object_is_type(value, table[i].type);
        return false;
}

static bool check_type(const Check *c, json_object *types) {
        if (json_object_is_type(types, json_type_string))
                return type_fits(json_object_get_string(types), c->value) ||
                       FAIL(c, "is no %s", json_object_get_string(types));
        for (size_t i = 0; i < json_object_array_length(types); i++)
                if (type_fits(json_object_get_string(json_object_array_get_idx(types, i)),
                              c->value))
                        return true;
        return FAIL(c, "has none of the types %s", json_object_to_json_string(types));
}

static bool check_required(const Check *c, json_object *names) {
        if (!json_object_is_type(c->value, json_type_object))
                return true;
        for (size_t i = 0; i < json_object_array_length(names); i++) {
                const char *name = json_object_get_string(json_object_array_get_idx(names, i));

                if (!json_object_object_get_ex(c->value, name, NULL))
                        return FAIL(c, "has no \"%s\"", name);
        }
        return true;
}

static bool check_properties(const Check *c, json_object *properties) {
        char where[WHERE_MAX];
        json_object *value;

        if (!json_object_is_type(c->value, json_type_object))
                return true;
        json_object_object_foreach(properties, key, schema) {
                if (!json_object_object_get_ex(c->value, key, &value))
                        continue;
                (void) snprintf(where, sizeof(where), "%.150s.%.80s", c->where, key);
                if (!schema_check(schema, value, where, c->problem))
                        return false;
        }
        return true;
}

static bool check_items(const Check *c, json_object *schema) {
        char where[WHERE_MAX];

        if (!json_object_is_type(c->value, json_type_array))
                return true;
        for (size_t i = 0; i < json_object_array_length(c->value); i++) {
                (void) snprintf(where, sizeof(where), "%.200s[%zu]", c->where, i);
                if (!schema_check(schema, json_object_array_get_idx(c->value, i), where,
                                  c->problem))
                        return false;
        }
        return true;
}

static bool check_enum(const Check *c, json_object *values) {
        for (size_t i = 0; i < json_object_array_length(values); i++)
                if (json_object_equal(json_object_array_get_idx(values, i), c->value))
                        return true;
        return FAIL(c, "is none of %s", json_object_to_json_string(values));
}

static bool check_minimum(const Check *c, json_object *limit) {
        return !json_object_is_type(c->value, json_type_int) ||
               json_object_get_int64(c->value) >= json_object_get_int64(limit) ||
               FAIL(c, "is too small");
}

static bool check_maximum(const Check *c, json_object *limit) {
        return !json_object_is_type(c->value, json_type_int) ||
               json_object_get_uint64(c->value) <= json_object_get_uint64(limit) ||
               FAIL(c, "is too large");
}

static bool check_nothing(const Check *c, json_object *remark) {
        return true;
}

bool schema_check(json_object *schema,
                  json_object *value,
                  const char *where,
                  char problem[static SCHEMA_PROBLEM_MAX]) {
        static const struct {
                const char *keyword;
                bool (*check)(const Check *c, json_object *argument);
        } table[] = {
                { "type", check_type },           { "properties", check_properties },
                { "required", check_required },   { "items", check_items },
                { "enum", check_enum },           { "minimum", check_minimum },
                { "maximum", check_maximum },     { "title", check_nothing },
                { "description", check_nothing }, { "$schema", check_nothing },
        };
        const Check c = { schema, value, where, problem };

        json_object_object_foreach(schema, keyword, argument) {
                size_t i = 0;

                while (i < ELEMENTSOF(table) && strcmp(table[i].keyword, keyword) != 0)
                        i++;
                if (i == ELEMENTSOF(table))
                        return FAIL(&c, "unknown keyword \"%s\"", keyword);
                if (!table[i].check(&c, argument))
                        return false;
        }
        return true;
}
