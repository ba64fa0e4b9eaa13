/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/yaml-json.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#include "common/macros.h"

#define YAML_DEPTH_MAX 64

/* ---- scalars */

static bool is_one_of(const char *text, const char *const *words) {
        for (; *words; words++)
                if (strcmp(text, *words) == 0)
                        return true;
        return false;
}

/* Plain scalars by the core schema, with YAML 1.1's other booleans, which Kubernetes' reader knows too. */
static struct json_object *scalar_plain(const char *text) {
        static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
        static const char *const trues[] = { "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL };
        static const char *const falses[] = { "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL };
        char *end;
        long long number;
        double real;

        if (is_one_of(text, nulls))
                return NULL;
        if (is_one_of(text, trues) || is_one_of(text, falses))
                return json_object_new_boolean(is_one_of(text, trues));
        if (strspn(text, "+-0123456789.eE") == strlen(text)) {
                errno = 0;
                number = strtoll(text, &end, 10);
                if (*end == '\0' && errno == 0)
                        return json_object_new_int64(number);
                real = strtod(text, &end);
                if (*end == '\0')
                        return json_object_new_double_s(real, text);
        }
        return json_object_new_string(text);
}

static struct json_object *scalar_to_json(const yaml_event_t *event) {
        const char *text = (const char *) event->data.scalar.value;
        size_t size = event->data.scalar.length;

        if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && event->data.scalar.plain_implicit)
                return scalar_plain(text);
        return json_object_new_string_len(text, size > INT_MAX ? INT_MAX : (int) size);
}

/* ---- the tree */

typedef struct YamlLevel {
        struct json_object *container; /* borrowed from the level below; the root is owned */
        char *key; /* owned; of a mapping whose value comes next */
} YamlLevel;

typedef struct YamlReader {
        YamlLevel levels[YAML_DEPTH_MAX];
        size_t n_levels; /* the first is the array of documents */
} YamlReader;

/* Takes `value` over. */
static int reader_add(YamlReader *reader, struct json_object *value) {
        YamlLevel *top = &reader->levels[reader->n_levels - 1];
        int r;

        if (json_object_is_type(top->container, json_type_array)) {
                /* A document without content is no document. */
                if (reader->n_levels == 1 && !value)
                        return 0;
                r = json_object_array_add(top->container, value);
        } else {
                r = json_object_object_add(top->container, top->key, value);
                free(TAKE_PTR(top->key));
        }
        if (r < 0)
                json_object_put(value);
        return r < 0 ? -ENOMEM : 0;
}

static int reader_push(YamlReader *reader, struct json_object *container) {
        int r;

        if (!container)
                return -ENOMEM;
        if (reader->n_levels == YAML_DEPTH_MAX) {
                json_object_put(container);
                return -EINVAL;
        }
        r = reader_add(reader, container);
        if (r >= 0)
                reader->levels[reader->n_levels++] = (YamlLevel) { .container = container };
        return r;
}

static int reader_scalar(YamlReader *reader, const yaml_event_t *event) {
        YamlLevel *top = &reader->levels[reader->n_levels - 1];

        if (json_object_is_type(top->container, json_type_object) && !top->key) {
                top->key = strdup((const char *) event->data.scalar.value);
                return top->key ? 0 : -ENOMEM;
        }
        return reader_add(reader, scalar_to_json(event));
}

static int reader_event(YamlReader *reader, const yaml_event_t *event) {
        const YamlLevel *top = &reader->levels[reader->n_levels - 1];
        bool wants_key = json_object_is_type(top->container, json_type_object) && !top->key;

        switch (event->type) {
        case YAML_SCALAR_EVENT:
                return reader_scalar(reader, event);
        case YAML_SEQUENCE_START_EVENT:
                return wants_key ? -EINVAL : reader_push(reader, json_object_new_array());
        case YAML_MAPPING_START_EVENT:
                return wants_key ? -EINVAL : reader_push(reader, json_object_new_object());
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                reader->n_levels--;
                return 0;
        case YAML_ALIAS_EVENT:
                return -EINVAL;
        case YAML_NO_EVENT:
        case YAML_STREAM_START_EVENT:
        case YAML_STREAM_END_EVENT:
        case YAML_DOCUMENT_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
                break;
        }
        return 0;
}

int yaml_to_json(const char *text, size_t size, struct json_object **ret, size_t *ret_line) {
        YamlReader reader = { .n_levels = 1 };
        yaml_parser_t parser;
        yaml_event_t event;
        bool end = false;
        int r = 0;

        reader.levels[0].container = json_object_new_array();
        if (!reader.levels[0].container || !yaml_parser_initialize(&parser)) {
                json_object_put(reader.levels[0].container);
                return -ENOMEM;
        }
        yaml_parser_set_input_string(&parser, (const unsigned char *) text, size);
        while (r >= 0 && !end) {
                if (!yaml_parser_parse(&parser, &event)) {
                        *ret_line = parser.problem_mark.line + 1;
                        r = -EINVAL;
                        break;
                }
                end = event.type == YAML_STREAM_END_EVENT;
                *ret_line = event.start_mark.line + 1;
                r = reader_event(&reader, &event);
                yaml_event_delete(&event);
        }
        yaml_parser_delete(&parser);
        for (size_t i = 0; i < reader.n_levels; i++)
                free(reader.levels[i].key);
        if (r < 0) {
                json_object_put(reader.levels[0].container);
                return r;
        }
        *ret = reader.levels[0].container;
        return 0;
}
