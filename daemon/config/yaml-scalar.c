/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/yaml-scalar.h"

#include <string.h>

static bool is_one_of(const char *text, const char *const *words, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(text, words[i]) == 0)
                        return true;
        return false;
}

static bool is_null(const char *text) {
        static const char *const words[] = { "", "~", "null", "Null", "NULL" };

        return is_one_of(text, words, ELEMENTSOF(words));
}

static bool is_true(const char *text) {
        static const char *const words[] = { "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE" };

        return is_one_of(text, words, ELEMENTSOF(words));
}

static bool is_false(const char *text) {
        static const char *const words[] = {
                "n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"
        };

        return is_one_of(text, words, ELEMENTSOF(words));
}

/* An optional sign, then digits of the base that 0x, 0o, 0b or nothing announces; underscores separate. */
static bool is_int(const char *text) {
        const char *digits = "0123456789_";

        if (*text == '-' || *text == '+')
                text++;
        if (text[0] == '0' && text[1] != '\0') {
                switch (text[1]) {
                case 'x':
                        digits = "0123456789abcdefABCDEF_";
                        text += 2;
                        break;
                case 'o':
                        digits = "01234567_";
                        text += 2;
                        break;
                case 'b':
                        digits = "01_";
                        text += 2;
                        break;
                default:
                        digits = "01234567_";
                        break;
                }
        }
        return *text != '\0' && *text != '_' && text[strspn(text, digits)] == '\0';
}

static bool is_float(const char *text) {
        static const char *const words[] = { ".inf",  ".Inf",  ".INF",  "-.inf", "-.Inf", "-.INF",
                                             "+.inf", "+.Inf", "+.INF", ".nan",  ".NaN",  ".NAN" };
        size_t n_digits;

        if (is_one_of(text, words, ELEMENTSOF(words)))
                return true;
        if (*text == '-' || *text == '+')
                text++;
        n_digits = strspn(text, "0123456789");
        text += n_digits;
        if (*text == '.') {
                size_t n = strspn(text + 1, "0123456789");

                n_digits += n;
                text += n + 1;
        }
        if (n_digits == 0)
                return false;
        if (*text == 'e' || *text == 'E') {
                text++;
                if (*text == '-' || *text == '+')
                        text++;
                n_digits = strspn(text, "0123456789");
                text += n_digits;
        }
        return n_digits > 0 && *text == '\0';
}

YamlKind yaml_scalar_kind(const char *text, bool plain, const char *tag, const char **ret_text) {
        *ret_text = text;
        /* A tag other than !!str says what the text looks like anyway, or is none of JSON's. */
        if (!plain || (tag && (strcmp(tag, "!") == 0 || strcmp(tag, "tag:yaml.org,2002:str") == 0)))
                return YAML_KIND_STRING;
        if (is_null(text)) {
                *ret_text = "";
                return YAML_KIND_NULL;
        }
        if (is_true(text) || is_false(text)) {
                *ret_text = is_true(text) ? "true" : "false";
                return YAML_KIND_BOOL;
        }
        if (is_int(text))
                return YAML_KIND_INT;
        return is_float(text) ? YAML_KIND_FLOAT : YAML_KIND_STRING;
}
