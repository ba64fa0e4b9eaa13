/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text made harmless, numbers made short, tables made to fit. */
#include "tests/unit/test.h"

#include <locale.h>
#include <stdio.h>

#include "client/table.h"
#include "client/text.h"
#include "client/verbs.h"

static void test_harmless(void **state) {
        static const struct {
                const char *text, *expected;
        } cases[] = {
                { "plain", "plain" },
                { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
                { "\x1b[2J", "\\x1b[2J" },
                { "a\nb\tc\x7f", "a\\nb\\x09c\\x7f" },
                { "\xc2\x9b", "\\u009b" }, /* C1: CSI */
                { "\xe2\x80\xae"
                  "txt",
                  "\\u202etxt" }, /* right-to-left override */
                { "\xe2\x81\xa6", "\\u2066" },
                { "\xd8\x9c", "\\u061c" },
                { "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },                 /* overlong */
                { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
                { "\xf0\x9f", "\xef\xbf\xbd\xef\xbf\xbd" },                 /* cut */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *got = NULL;

                assert_int_equal(text_harmless(cases[i].text, &got), 0);
                assert_string_equal(got, cases[i].expected);
        }
}

/* Between words, never within a command that is quoted, and not where there is no room for it. */
static void test_wrapped(void **state) {
        static const struct {
                const char *text;
                size_t column, indent, width;
                const char *expected;
        } cases[] = {
                { "one two three four five six seven", 4, 4, 24, "one two three four\n    five six seven" },
                { "one two three four five six seven", 4, 4, 0, "one two three four five six seven" },
                { "one two three four five six seven", 4, 4, 23, "one two three four five six seven" },
                { "say \"one two three four\" or not", 0, 2, 22, "say\n  \"one two three four\"\n  or not" },
                { "say \"one two three four", 0, 2, 22, "say \"one two three\n  four" },
                { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b", 2, 2, 22, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n  b" },
                { "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 1234567890 x\x1b", 0, 0, 21,
                  "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 1234567890\nx\\x1b" },
                { "", 4, 4, 80, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *text = NULL;
                size_t size = 0;
                FILE *f = open_memstream(&text, &size);

                assert_non_null(f);
                assert_int_equal(
                        text_write_wrapped(f, cases[i].text, cases[i].column, cases[i].indent, cases[i].width), 0);
                assert_int_equal(fclose(f), 0);
                assert_string_equal(text, cases[i].expected);
        }
}

static void test_numbers(void **state) {
        static const struct {
                uint64_t number;
                const char *scaled, *duration;
        } cases[] = {
                { 0, "0", "0us" },
                { 999, "999", "999us" },
                { 1000, "1.0k", "1ms" },
                { 9199, "9.1k", "9ms" },
                { 999999, "999.9k", "999ms" },
                { 61000000, "61.0M", "1min" },
                { UINT64_C(3600000000), "3.6G", "1h" },
                { UINT64_C(259200000000), "259.2G", "3d" },
                { UINT64_MAX, "18.4E", "213503982d" },
        };
        char buf[TEXT_NUMBER_MAX];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_string_equal(text_scaled(cases[i].number, buf), cases[i].scaled);
                assert_string_equal(text_duration(cases[i].number, buf), cases[i].duration);
        }
}

static void table_text(const Table *table, size_t width, bool color, bool header, char **ret) {
        size_t size;
        FILE *f = open_memstream(ret, &size);

        assert_non_null(f);
        assert_int_equal(table_print(table, f, width, color, header), 0);
        assert_int_equal(fclose(f), 0);
}

static void test_table(void **state) {
        static const char *const cells[] = {
                "NAME", "N", "a-rather-long-name", "7", "\xe6\xbc\xa2\xe5\xad\x97", "1234"
        };
        static const struct {
                size_t width;
                bool header;
                const char *expected;
        } cases[] = {
                { 0, true,
                  "NAME                   N\na-rather-long-name     7\n\xe6\xbc\xa2\xe5\xad\x97    "
                  "            1234\n" },
                { 16, true,
                  "NAME           N\na-rather-\xe2\x80\xa6     7\n\xe6\xbc\xa2\xe5\xad\x97        "
                  "1234\n" },
                { 0, false,
                  "a-rather-long-name     7\n\xe6\xbc\xa2\xe5\xad\x97                1234\n" },
        };
        _cleanup_(table_freep) Table *table = NULL;

        assert_int_equal(table_new(2, &table), 0);
        table_set_align(table, 1, TABLE_RIGHT);
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                assert_int_equal(table_add(table, i == 3 ? STYLE_BAD : STYLE_NONE, cells[i]), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *got = NULL;

                table_text(table, cases[i].width, false, cases[i].header, &got);
                assert_string_equal(got, cases[i].expected);
        }
        for (size_t width = 1; width < 30; width++) {
                _cleanup_(freep) char *got = NULL;
                char *save = NULL;

                table_text(table, width, false, true, &got);
                for (char *line = strtok_r(got, "\n", &save); line;
                     line = strtok_r(NULL, "\n", &save))
                        assert_true(text_width(line) <= width);
        }
        {
                _cleanup_(freep) char *got = NULL;

                table_text(table, 0, true, false, &got);
                assert_non_null(strstr(got, "\x1b[0;1;31m7\x1b[0m"));
        }
}

/* Where it is narrow, some columns go before text is cut, and some text is cut last. */
static void test_table_narrow(void **state) {
        static const char *const cells[] = { "NAME", "N", "VIA", "a-rather-long-name", "7", "an-address:80" };
        static const struct {
                size_t width;
                const char *expected;
        } cases[] = {
                { 80, "NAME                N  VIA\na-rather-long-name  7  an-address:80\n" },
                { 33, "NAME                VIA\na-rather-long-name  an-address:80\n" },
                { 28, "NAME           VIA\na-rather-lon\xe2\x80\xa6  an-address:80\n" },
                { 21, "NAME      VIA\na-rathe\xe2\x80\xa6  an-address\xe2\x80\xa6\n" },
        };
        _cleanup_(table_freep) Table *table = NULL;

        assert_int_equal(table_new(3, &table), 0);
        table_set_align(table, 1, TABLE_RIGHT);
        table_set_optional(table, 1);
        table_set_whole(table, 2);
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                assert_int_equal(table_add(table, STYLE_NONE, cells[i]), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *got = NULL;

                table_text(table, cases[i].width, false, true, &got);
                assert_string_equal(got, cases[i].expected);
        }
}

static bool manual_has(const char *manual, const char *before, const char *name) {
        char wanted[64], *out = wanted;

        out += snprintf(wanted, sizeof(wanted), "\n.B%s", before);
        for (const char *p = name; *p; p++) {
                if (*p == '-')
                        *out++ = '\\';
                *out++ = *p;
        }
        *out = '\0';
        return strstr(manual, wanted);
}

/* Whatever the tables have, the manual explains. */
static void test_manual(void **state) {
        static char manual[65536];
        const char *srcdir = getenv("srcdir");
        char path[256];
        size_t n;
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s/man/ipvsproxyctl.8", srcdir ? srcdir : ".");
        f = fopen(path, "re");
        assert_non_null(f);
        n = fread(manual, 1, sizeof(manual) - 1, f);
        manual[n] = '\0';
        (void) fclose(f);
        for (size_t i = 0; i < n_verb_table; i++)
                if (!(verb_table[i].flags & VERB_HIDDEN) &&
                    !manual_has(manual, "R ", verb_table[i].name) &&
                    !manual_has(manual, " ", verb_table[i].name))
                        fail_msg("the manual has no command %s", verb_table[i].name);
        for (size_t i = 0; i < n_option_table; i++) {
                char name[48], letters[64];

                (void) snprintf(name, sizeof(name), "--%s",
                                option_table[i].name ? option_table[i].name : "");
                (void) snprintf(letters, sizeof(letters), "-%c \", \" --%s", option_table[i].letter,
                                name + 2);
                if (option_table[i].name &&
                    !manual_has(manual, "R ", option_table[i].letter ? letters : name))
                        fail_msg("the manual has no option %s", name);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_harmless), cmocka_unit_test(test_wrapped),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_table), cmocka_unit_test(test_table_narrow),
                cmocka_unit_test(test_manual),
        };

        assert(setlocale(LC_ALL, "C.UTF-8"));
        return cmocka_run_group_tests(tests, NULL, NULL);
}
