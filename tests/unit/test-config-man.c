/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The man pages against the table of settings: each flag and field is described, and nothing else is. */
#include "tests/unit/test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config-private.h"
#include "config/config-read.h"

/* The page with "\-" and the like as what they print. */
static char *read_page(const char *name) {
        const char *srcdir = getenv("srcdir");
        _cleanup_(freep) char *path = NULL;
        char *text = NULL, *to;
        size_t size;

        assert_true(asprintf(&path, "%s/man/%s", srcdir ? srcdir : ".", name) > 0);
        if (config_read_file(path, CONFIG_FILE_SIZE_MAX, &text, &size) < 0)
                fail_msg("%s cannot be read", path);
        to = text;
        for (const char *from = text; *from != '\0'; from++) {
                if (from[0] == '\\' && from[1] == '-')
                        from++;
                else if (from[0] == '\\' && from[1] == 'f' && from[2] != '\0') {
                        from += 2;
                        continue;
                }
                *to++ = *from;
        }
        *to = '\0';
        return text;
}

static bool is_name_character(char c) {
        return isalnum((unsigned char) c) || c == '-' || c == '_' || c == '.';
}

/* Whether a tagged paragraph of the page is about `name`: a line ".B NAME", ".BI NAME= …", …, behind ".TP". */
static bool page_describes(const char *page, const char *name) {
        for (const char *p = page; (p = strstr(p, "\n.TP\n")); p++) {
                const char *line = p + strlen("\n.TP\n"), *end = strchr(line, '\n');

                for (const char *hit = line; (hit = strstr(hit, name)) && end && hit < end; hit++)
                        if (!is_name_character(hit[-1]) && !is_name_character(hit[strlen(name)]))
                                return true;
        }
        return false;
}

static void test_flags_are_described(void **state) {
        _cleanup_(freep) char *page = read_page("ipvsproxyd.8");

        for (size_t i = 0; i < config_field_count(); i++) {
                _cleanup_(freep) char *name = NULL;

                if (!config_field(i)->flag)
                        continue;
                assert_true(asprintf(&name, "--%s", config_field(i)->flag) > 0);
                if (!page_describes(page, name))
                        fail_msg("ipvsproxyd.8 does not describe %s", name);
        }
}

static void test_fields_are_described(void **state) {
        _cleanup_(freep) char *page = read_page("ipvsproxy-config.5");

        for (size_t i = 0; i < config_field_count(); i++)
                if (config_field(i)->path && !page_describes(page, config_field(i)->path))
                        fail_msg("ipvsproxy-config.5 does not describe %s", config_field(i)->path);
}

/* Every "--name" in the page is a flag. */
static void test_flags_exist(void **state) {
        static const char *const pages[] = { "ipvsproxyd.8", "ipvsproxy-config.5" };

        for (size_t i = 0; i < ELEMENTSOF(pages); i++) {
                _cleanup_(freep) char *page = read_page(pages[i]);

                for (const char *p = page; (p = strstr(p, "--"));) {
                        size_t size = strspn(p + 2, "abcdefghijklmnopqrstuvwxyz0123456789-"), field;

                        if (size > 0 && strncmp(p + 2, "name", size) != 0 &&
                            config_field_by_flag(p + 2, size, &field) < 0)
                                fail_msg("%s: --%.*s is no flag", pages[i], (int) size, p + 2);
                        p += 2 + size;
                }
        }
}

static bool is_field(const char *path, size_t size) {
        for (size_t i = 0; i < config_field_count(); i++) {
                const char *p = config_field(i)->path;

                if (p && strlen(p) == size && strncmp(p, path, size) == 0)
                        return true;
        }
        return false;
}

static void test_fields_exist(void **state) {
        _cleanup_(freep) char *page = read_page("ipvsproxy-config.5");

        for (const char *p = page; (p = strstr(p, "\n.TP\n.B "));) {
                size_t size;

                p += strlen("\n.TP\n.B ");
                size = strcspn(p, " \n");
                if (!is_field(p, size))
                        fail_msg("ipvsproxy-config.5: %.*s is no field", (int) size, p);
        }
}

/* What the page says of a reload is what the table says. */
static void test_live_is_described(void **state) {
        _cleanup_(freep) char *page = read_page("ipvsproxy-config.5");

        for (size_t i = 0; i < config_field_count(); i++) {
                const ConfigField *field = config_field(i);
                _cleanup_(freep) char *tag = NULL;
                const char *paragraph, *end, *live;

                if (!field->path)
                        continue;
                assert_true(asprintf(&tag, "\n.TP\n.B %s ", field->path) > 0);
                paragraph = strstr(page, tag);
                assert_non_null(paragraph);
                end = strstr(paragraph + 1, "\n.TP\n");
                live = strstr(paragraph, "\nApplied live.");
                if ((live && (!end || live < end)) != ((field->flags & FIELD_LIVE) != 0))
                        fail_msg("ipvsproxy-config.5: whether %s is applied live", field->path);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_flags_are_described), cmocka_unit_test(test_fields_are_described),
                cmocka_unit_test(test_flags_exist),         cmocka_unit_test(test_fields_exist),
                cmocka_unit_test(test_live_is_described),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
