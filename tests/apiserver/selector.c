/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/selector.h"

#include <ctype.h>
#include <string.h>

void selector_done(Selector *selector) {
        for (size_t i = 0; i < selector->n_rules; i++) {
                free(selector->rules[i].key);
                free(selector->rules[i].values);
        }
        free(selector->rules);
        free(selector->namespace);
        free(selector->name);
        *selector = (Selector) {};
}

static void skip_space(const char **text) {
        while (isspace((unsigned char) **text))
                (*text)++;
}

/* A label key or value: what it may contain is not checked further. */
static char *parse_word(const char **text) {
        size_t n;

        skip_space(text);
        n = strcspn(*text, " \t,=!()");
        *text += n;
        return strndup(*text - n, n);
}

/* "(x, y)" becomes "x\0y\0\0". */
static int parse_values(const char **text, char **ret) {
        Buffer values = {};

        skip_space(text);
        if (*(*text)++ != '(')
                return -EINVAL;
        for (;;) {
                _cleanup_(freep) char *word = parse_word(text);

                if (!word)
                        values.failed = true;
                else
                        buffer_append(&values, word, strlen(word) + 1);
                skip_space(text);
                if (**text != ',')
                        break;
                (*text)++;
        }
        buffer_append(&values, "", 1);
        if (values.failed || *(*text)++ != ')') {
                bool failed = values.failed;

                buffer_done(&values);
                return failed ? -ENOMEM : -EINVAL;
        }
        *ret = values.data;
        return 0;
}

static int parse_value(const char **text, char **ret) {
        _cleanup_(freep) char *word = parse_word(text);
        char *values = word ? calloc(strlen(word) + 2, 1) : NULL;

        if (!values)
                return -ENOMEM;
        strcpy(values, word);
        *ret = values;
        return 0;
}

static bool skip_keyword(const char **text, const char *keyword) {
        size_t n = strlen(keyword);

        if (strncmp(*text, keyword, n) != 0 || ((*text)[n] != '(' && !isspace((unsigned char) (*text)[n])))
                return false;
        *text += n;
        return true;
}

static int parse_rule(const char **text, SelectorRule *rule) {
        skip_space(text);
        if (**text == '!') {
                (*text)++;
                rule->operator = SELECTOR_NOT_EXISTS;
                rule->key = parse_word(text);
                return !rule->key ? -ENOMEM : *rule->key ? 0 : -EINVAL;
        }
        rule->key = parse_word(text);
        if (!rule->key)
                return -ENOMEM;
        if (!*rule->key)
                return -EINVAL;
        skip_space(text);
        rule->operator = SELECTOR_IN;
        if (skip_keyword(text, "in"))
                return parse_values(text, &rule->values);
        if (**text == '=') {
                *text += (*text)[1] == '=' ? 2 : 1;
                return parse_value(text, &rule->values);
        }
        rule->operator = SELECTOR_NOT_IN;
        if (skip_keyword(text, "notin"))
                return parse_values(text, &rule->values);
        if (strncmp(*text, "!=", 2) == 0) {
                *text += 2;
                return parse_value(text, &rule->values);
        }
        rule->operator = SELECTOR_EXISTS;
        return 0;
}

int selector_parse_labels(Selector *selector, const char *text) {
        if (!text)
                return 0;
        skip_space(&text);
        while (*text) {
                SelectorRule *rules = reallocarray(selector->rules, selector->n_rules + 1, sizeof *rules);
                int r;

                if (!rules)
                        return -ENOMEM;
                selector->rules = rules;
                rules[selector->n_rules] = (SelectorRule) {};
                r = parse_rule(&text, &rules[selector->n_rules++]);
                if (r < 0)
                        return r;
                skip_space(&text);
                if (*text && *text++ != ',')
                        return -EINVAL;
        }
        return 0;
}

int selector_parse_fields(Selector *selector, const char *text) {
        Selector parsed = {};
        int r;

        r = selector_parse_labels(&parsed, text);
        for (size_t i = 0; r >= 0 && i < parsed.n_rules; i++) {
                SelectorRule *rule = &parsed.rules[i];
                char **field = NULL;

                if (rule->operator == SELECTOR_IN && strcmp(rule->key, "metadata.name") == 0)
                        field = &selector->name;
                else if (rule->operator == SELECTOR_IN && strcmp(rule->key, "metadata.namespace") == 0)
                        field = &selector->namespace;
                if (!field) {
                        r = -EINVAL;
                        break;
                }
                free(*field);
                *field = TAKE_PTR(rule->values);
        }
        selector_done(&parsed);
        return r;
}

static bool rule_has_value(const SelectorRule *rule, const char *value) {
        for (const char *p = rule->values; *p; p += strlen(p) + 1)
                if (strcmp(p, value) == 0)
                        return true;
        /* "a=" asks for the empty value. */
        return !*rule->values && !*value;
}

static bool rule_matches(const SelectorRule *rule, const char *value) {
        switch (rule->operator) {
        case SELECTOR_EXISTS:
                return value;
        case SELECTOR_NOT_EXISTS:
                return !value;
        case SELECTOR_IN:
                return value && rule_has_value(rule, value);
        case SELECTOR_NOT_IN:
                return !value || !rule_has_value(rule, value);
        case _SELECTOR_OPERATOR_MAX:
                break;
        }
        return false;
}

bool selector_matches(const Selector *selector, const ApiObject *object) {
        if (!object_in_namespace(object, selector->namespace))
                return false;
        if (selector->name && strcmp(selector->name, object_name(object)) != 0)
                return false;
        for (size_t i = 0; i < selector->n_rules; i++)
                if (!rule_matches(&selector->rules[i], object_label(object, selector->rules[i].key)))
                        return false;
        return true;
}

bool selector_is_empty(const Selector *selector) {
        return selector->n_rules == 0 && !selector->name;
}
