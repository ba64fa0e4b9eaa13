/* SPDX-License-Identifier: GPL-2.0-or-later */
/* YAML trees: types of scalars as go-yaml has them, lines, and every bound. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/yaml-tree.h"

static YamlTree *parse(const char *text) {
        YamlTree *tree = NULL;
        YamlError error = {};

        if (yaml_tree_parse(text, strlen(text), &tree, &error) < 0)
                fail_msg("%s: line %u: %s", text, error.line, error.text);
        return tree;
}

static void test_scalars(void **state) {
        static const struct {
                const char *text;
                YamlKind kind;
                const char *value;
        } cases[] = {
                { "", YAML_KIND_NULL, "" },
                { "~", YAML_KIND_NULL, "" },
                { "null", YAML_KIND_NULL, "" },
                { "'null'", YAML_KIND_STRING, "null" },
                { "true", YAML_KIND_BOOL, "true" },
                { "True", YAML_KIND_BOOL, "true" },
                { "yes", YAML_KIND_BOOL, "true" },
                { "off", YAML_KIND_BOOL, "false" },
                { "tRue", YAML_KIND_STRING, "tRue" },
                { "\"off\"", YAML_KIND_STRING, "off" },
                { "0", YAML_KIND_INT, "0" },
                { "-15", YAML_KIND_INT, "-15" },
                { "+7", YAML_KIND_INT, "+7" },
                { "1_000", YAML_KIND_INT, "1_000" },
                { "0x1F", YAML_KIND_INT, "0x1F" },
                { "0o17", YAML_KIND_INT, "0o17" },
                { "017", YAML_KIND_INT, "017" },
                { "08", YAML_KIND_FLOAT, "08" },
                { "0b101", YAML_KIND_INT, "0b101" },
                { "0b102", YAML_KIND_STRING, "0b102" },
                { "0x", YAML_KIND_STRING, "0x" },
                { "1.5", YAML_KIND_FLOAT, "1.5" },
                { "5.", YAML_KIND_FLOAT, "5." },
                { ".5", YAML_KIND_FLOAT, ".5" },
                { "1e3", YAML_KIND_FLOAT, "1e3" },
                { "1e", YAML_KIND_STRING, "1e" },
                { ".inf", YAML_KIND_FLOAT, ".inf" },
                { ".", YAML_KIND_STRING, "." },
                { "-", YAML_KIND_LIST, NULL },
                { "1.2.3.4", YAML_KIND_STRING, "1.2.3.4" },
                { "::", YAML_KIND_MAP, NULL },
                { "fd00::1:2", YAML_KIND_STRING, "fd00::1:2" },
                { "1:20", YAML_KIND_STRING, "1:20" },
                { "30s", YAML_KIND_STRING, "30s" },
                { "!!str 5", YAML_KIND_STRING, "5" },
                { "! 5", YAML_KIND_STRING, "5" },
                { "10.0.0.0/8", YAML_KIND_STRING, "10.0.0.0/8" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(yaml_tree_freep) YamlTree *tree = parse(cases[i].text);

                if (tree->root->kind != cases[i].kind)
                        fail_msg("%s is %s", cases[i].text, yaml_kind_to_string(tree->root->kind));
                if (cases[i].value)
                        assert_string_equal(tree->root->text, cases[i].value);
        }
}

static void test_lines(void **state) {
        _cleanup_(yaml_tree_freep) YamlTree *tree = parse("# a\na: 1\nb:\n- x\n-\n  y: z\nb: 2\n---\nc: d\n");
        const YamlNode *list;

        assert_int_equal(tree->root->n_entries, 3);
        assert_int_equal(yaml_map_find(tree->root, "a")->line, 2);
        assert_int_equal(tree->root->entries[1].line, 3);
        list = tree->root->entries[1].value;
        assert_int_equal(list->entries[0].line, 4);
        assert_int_equal(list->entries[1].value->entries[0].line, 6);
        assert_string_equal(yaml_map_find(tree->root, "b")->value->text, "2");
        assert_ptr_equal(yaml_map_duplicate(tree->root, 2), &tree->root->entries[1]);
        assert_null(yaml_map_duplicate(tree->root, 1));
        assert_null(yaml_map_find(tree->root, "c"));
        assert_null(yaml_map_find(NULL, "c"));
        assert_null(yaml_map_find(list, "c"));
        assert_int_equal(tree->second_document_line, 8);
}

static void assert_fault(const char *text, size_t size, unsigned line, const char *part) {
        YamlTree *tree = NULL;
        YamlError error = {};

        assert_int_equal(yaml_tree_parse(text, size, &tree, &error), -EBADMSG);
        assert_null(tree);
        assert_int_equal(error.line, line);
        if (!strstr(error.text, part))
                fail_msg("\"%s\" lacks \"%s\"", error.text, part);
        free(error.text);
}

static void test_faults(void **state) {
        static const struct {
                const char *text;
                unsigned line;
                const char *part;
        } cases[] = {
                { "a: b: c", 1, "mapping values are not allowed" },
                { "a: [b\n", 2, "did not find expected" },
                { "a: 1\nb\n", 3, "could not find expected ':'" },
                { "a: 1\nb: \xff\n", 2, "invalid leading UTF-8 octet" },
                { "? [a]\n: b\n", 1, "a key must be a word" },
                { "a: *b\n", 1, "an alias has no anchor before it" },
                { "a: &b\n  c: *b\n", 2, "an alias contains itself" },
                { "a: \"x\\0y\"\n", 1, "contains a NUL character" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_fault(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].part);
}

/* "<begin><item><item>…<end>"; # in an item is its number. */
static char *repeat(const char *begin, const char *item, size_t n, const char *end) {
        size_t size;
        char *text = NULL;
        FILE *file = open_memstream(&text, &size);

        (void) fputs(begin, file);
        for (size_t i = 0; i < n; i++)
                for (const char *p = item; *p != '\0'; p++)
                        if (*p == '#')
                                (void) fprintf(file, "%zu", i);
                        else
                                (void) fputc(*p, file);
        (void) fputs(end, file);
        assert_int_equal(fclose(file), 0);
        return text;
}

static void test_bounds(void **state) {
        static const struct {
                const char *begin, *item;
                size_t n;
                const char *end, *part; /* NULL: just within the bound */
        } cases[] = {
                { "", "[", YAML_TREE_DEPTH_MAX + 1, "", "nested too deeply" },
                { "[", "1,", YAML_TREE_NODES_MAX - 1, "]", NULL },
                { "[", "1,", YAML_TREE_NODES_MAX, "]", "too many values" },
                { "{", "k#: 1,", YAML_TREE_KEYS_MAX, "}", NULL },
                { "{", "k#: 1,", YAML_TREE_KEYS_MAX + 1, "}", "too many keys" },
                { "[", "&a# 1,", YAML_TREE_ANCHORS_MAX, "]", NULL },
                { "[", "&a# 1,", YAML_TREE_ANCHORS_MAX + 1, "]", "too many anchors" },
                { "[&a [1,1,1,1,1,1,1,1,1],", "*a,", YAML_TREE_NODES_MAX / 10 - 2, "]", NULL },
                { "[&a [1,1,1,1,1,1,1,1,1],", "*a,", YAML_TREE_NODES_MAX / 10, "]",
                  "aliases make the document too large" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *text = repeat(cases[i].begin, cases[i].item, cases[i].n, cases[i].end);

                if (cases[i].part)
                        assert_fault(text, strlen(text), 1, cases[i].part);
                else {
                        _cleanup_(yaml_tree_freep) YamlTree *tree = parse(text);

                        assert_true(tree->root->weight <= YAML_TREE_NODES_MAX);
                }
        }
}

/* A text cut anywhere is read or refused, and nothing leaks or is read behind its end. */
static void test_cut(void **state) {
        static const char text[] = "a: &x [1, 'two', \"th\\u0072ee\"]\nb: *x\n? c\n: |\n  block\n  more\n...\n---\nd\n";

        for (size_t size = 0; size < sizeof(text); size++) {
                _cleanup_(yaml_tree_freep) YamlTree *tree = NULL;
                _cleanup_(freep) char *copy = malloc(size + 1);
                YamlError error = {};
                int r;

                memcpy(copy, text, size);
                r = yaml_tree_parse(copy, size, &tree, &error);
                assert_true(r == 0 || r == -EBADMSG);
                assert_int_equal(r < 0, error.text != NULL);
                free(error.text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_scalars), cmocka_unit_test(test_lines), cmocka_unit_test(test_faults),
                cmocka_unit_test(test_bounds),  cmocka_unit_test(test_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
