/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Label and field selectors in the syntax of k8s.io/apimachinery/pkg/labels: "a,!b,c=d,e!=f,g in (x,y),h notin (x)". */
#pragma once

#include "tests/apiserver/object.h"

typedef enum SelectorOperator {
        SELECTOR_EXISTS,
        SELECTOR_NOT_EXISTS,
        SELECTOR_IN, /* = and == with one value */
        SELECTOR_NOT_IN, /* != with one value; true where the label is missing */
        _SELECTOR_OPERATOR_MAX,
} SelectorOperator;

typedef struct SelectorRule {
        char *key; /* owned */
        SelectorOperator operator;
        char *values; /* owned; each ended by NUL, the last by two */
} SelectorRule;

typedef struct Selector {
        SelectorRule *rules; /* owned */
        size_t n_rules;
        char *namespace; /* owned; NULL = any */
        char *name; /* owned; from fieldSelector or the path; NULL = any */
} Selector;

void selector_done(Selector *selector);

/* NULL or "" adds nothing. -EINVAL if it is none. */
int selector_parse_labels(Selector *selector, const char *text);
/* metadata.name and metadata.namespace with =; -EINVAL for anything else. */
int selector_parse_fields(Selector *selector, const char *text);

bool selector_matches(const Selector *selector, const ApiObject *object);
bool selector_is_empty(const Selector *selector);
