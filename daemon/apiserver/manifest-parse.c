/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/manifest-parse.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "apiserver/manifest-tree.h"

/* Bytes of JSON that cost about as much as a value of YAML. */
#define JSON_BYTES_PER_VALUE 64

struct ManifestParser {
        char *text; /* owned */
        size_t size;
        ManifestError error;
        ManifestBuilder builder;
        yaml_parser_t yaml; /* used until the tokener is there */
        json_tokener *tokener; /* owned: libyaml did not take what may be JSON */
        size_t used; /* by the tokener */
        bool done;
};

void manifest_objects_done(ManifestObjects *objects) {
        for (size_t i = 0; i < objects->n_objects; i++)
                (void) json_object_put(objects->objects[i].object);
        free(objects->objects);
        *objects = (ManifestObjects) {};
}

/* 1 = more, 0 = this was the end. */
static int parser_read_yaml(ManifestParser *parser) {
        yaml_event_t event;
        bool last;
        int r;

        if (!yaml_parser_parse(&parser->yaml, &event)) {
                const char *problem = parser->yaml.problem ? parser->yaml.problem : "this is no YAML";

                if (parser->yaml.error == YAML_MEMORY_ERROR)
                        return -ENOMEM;
                return builder_fail(&parser->builder, &parser->yaml.problem_mark, problem);
        }
        last = event.type == YAML_STREAM_END_EVENT;
        r = builder_event(&parser->builder, &event);
        yaml_event_delete(&event);
        return r < 0 ? r : !last;
}

/*
 * JSON that libyaml does not take, with characters escaped as surrogates; json-c knows no lines. If it is no JSON either,
 * what libyaml said stands.
 */
static int parser_try_json(ManifestParser *parser) {
        if (parser->size == 0 || (*parser->text != '{' && *parser->text != '['))
                return -EBADMSG;
        builder_done(&parser->builder);
        parser->tokener = json_tokener_new_ex(MANIFEST_DEPTH_MAX);
        return parser->tokener ? 1 : -ENOMEM;
}

static int parser_read_json(ManifestParser *parser, size_t n_bytes) {
        size_t n = MIN2(n_bytes, parser->size - parser->used);
        json_object *root = json_tokener_parse_ex(parser->tokener, parser->text + parser->used, (int) n);
        enum json_tokener_error error = json_tokener_get_error(parser->tokener);

        if (error == json_tokener_continue && parser->used + n < parser->size) {
                parser->used += n;
                return 1;
        }
        parser->builder.root = root;
        parser->builder.root_line = 1;
        if (error != json_tokener_success)
                return -EBADMSG;
        parser->used += json_tokener_get_parse_end(parser->tokener);
        if (parser->used + strspn(parser->text + parser->used, " \t\r\n") != parser->size)
                return -EBADMSG;
        return builder_end_document(&parser->builder);
}

static int parser_run(ManifestParser *parser, size_t n) {
        int r = 1;

        if (parser->tokener)
                return parser_read_json(parser, n * JSON_BYTES_PER_VALUE);
        for (size_t i = 0; i < n && r > 0; i++)
                r = parser_read_yaml(parser);
        return r == -EBADMSG ? parser_try_json(parser) : r;
}

int manifest_parser_run(ManifestParser *parser, size_t n, ManifestError *ret_error) {
        int r = 0;

        if (parser->size > MANIFEST_FILE_MAX) {
                (void) snprintf(ret_error->text, sizeof(ret_error->text), "the file is larger than %u MiB", MANIFEST_FILE_MAX >> 20);
                ret_error->line = 0;
                return -EBADMSG;
        }
        if (!parser->done)
                r = parser_run(parser, n);
        parser->done = r == 0;
        if (r == -EBADMSG)
                *ret_error = parser->error;
        return r;
}

void manifest_parser_take(ManifestParser *parser, ManifestObjects *ret) {
        *ret = parser->builder.objects;
        parser->builder.objects = (ManifestObjects) {};
}

int manifest_parser_new(char *text, size_t size, ManifestParser **ret) {
        ManifestParser *parser = calloc(1, sizeof(ManifestParser));

        if (!parser || !yaml_parser_initialize(&parser->yaml)) {
                free(parser);
                free(text);
                return -ENOMEM;
        }
        parser->text = text;
        parser->size = size;
        parser->builder.error = &parser->error;
        yaml_parser_set_input_string(&parser->yaml, (const unsigned char *) text, size);
        *ret = parser;
        return 0;
}

ManifestParser *manifest_parser_free(ManifestParser *parser) {
        if (!parser)
                return NULL;
        builder_done(&parser->builder);
        yaml_parser_delete(&parser->yaml);
        if (parser->tokener)
                json_tokener_free(parser->tokener);
        free(parser->text);
        free(parser);
        return NULL;
}

int manifest_parse(const char *text, size_t size, ManifestObjects *ret, ManifestError *ret_error) {
        _cleanup_(manifest_parser_freep) ManifestParser *parser = NULL;
        char *copy = malloc(size + 1);
        int r;

        if (!copy)
                return -ENOMEM;
        memcpy(copy, text, size);
        copy[size] = '\0';
        r = manifest_parser_new(copy, size, &parser);
        if (r < 0)
                return r;
        do
                r = manifest_parser_run(parser, 1000, ret_error);
        while (r > 0);
        if (r == 0)
                manifest_parser_take(parser, ret);
        return r;
}
