/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/prometheus-check.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/macros.h"

/* A gauge that kube-proxy named like a counter. */
#define EXCEPTION "kubeproxy_sync_proxy_rules_no_local_endpoints_total"

typedef struct Checker {
        char name[256], type[32]; /* of the family whose samples may come */
        bool has_help, has_type;
        HashMap series; /* text → the same, owned */
        char group[4096]; /* histogram: labels without le */
        double last_bound, last_count;
        bool in_group, has_inf, has_sum;
} Checker;

static bool is_name(const char *s, size_t n, bool colon) {
        if (n == 0 || isdigit((unsigned char) s[0]))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char) s[i]) && s[i] != '_' && !(colon && s[i] == ':'))
                        return false;
        return true;
}

static bool ends_with(const char *text, const char *suffix) {
        size_t n = strlen(text), k = strlen(suffix);

        return n >= k && strcmp(text + n - k, suffix) == 0;
}

/* ---- heads */

static const char *check_type(const Checker *c) {
        bool total = ends_with(c->name, "_total");

        if (strcmp(c->type, "counter") != 0 && strcmp(c->type, "gauge") != 0 && strcmp(c->type, "histogram") != 0)
                return "unknown type";
        if (strcmp(c->type, "counter") == 0 && !total)
                return "counter without _total";
        if (strcmp(c->type, "counter") != 0 && total && strcmp(c->name, EXCEPTION) != 0)
                return "_total on what is no counter";
        if (strcmp(c->type, "histogram") != 0 && (ends_with(c->name, "_bucket") || ends_with(c->name, "_count") || ends_with(c->name, "_sum")))
                return "suffix of a histogram on what is none";
        return NULL;
}

static const char *end_group(Checker *c) {
        bool was = c->in_group;

        c->in_group = false;
        return was ? "histogram without _count" : NULL;
}

static const char *check_head(Checker *c, const char *line) {
        char keyword[8], name[256];
        int n = 0;

        if (sscanf(line, "# %7s %255s%n", keyword, name, &n) != 2 || line[n] != ' ' || !line[n + 1])
                return "malformed comment";
        if (!is_name(name, strlen(name), true))
                return "malformed name";
        if (strcmp(keyword, "HELP") == 0) {
                const char *fault = end_group(c);

                if (fault)
                        return fault;
                if (c->name[0] && strcmp(name, c->name) <= 0)
                        return "families are not sorted, or one comes twice";
                if (c->has_help && !c->has_type)
                        return "HELP without TYPE";
                (void) strcpy(c->name, name);
                c->has_help = true;
                c->has_type = false;
                return NULL;
        }
        if (strcmp(keyword, "TYPE") != 0 || !c->has_help || c->has_type || strcmp(name, c->name) != 0)
                return "TYPE without its HELP before it";
        c->has_type = true;
        (void) snprintf(c->type, sizeof(c->type), "%s", line + n + 1);
        return check_type(c);
}

/* ---- samples */

/* Reads a quoted label value; NULL if it is malformed, else what follows. */
static const char *skip_value(const char *s) {
        if (*s++ != '"')
                return NULL;
        for (; *s && *s != '"'; s++) {
                if (*s == '\\' && !strchr("\\\"n", *++s))
                        return NULL;
        }
        return *s == '"' ? s + 1 : NULL;
}

/* Labels between { and }. `group` gets them without le, `le` its value. */
static const char *check_labels(const char *s, char *group, char *le, const char **ret_end) {
        char seen[1024] = "|";

        for (;;) {
                size_t n = strcspn(s, "=");
                char key[256];
                const char *end;

                if (!is_name(s, n, false) || s[n] != '=' || n > 200)
                        return "malformed label name";
                (void) snprintf(key, sizeof(key), "|%.*s|", (int) n, s);
                if (strstr(seen, key))
                        return "label twice";
                (void) strcat(seen, key + 1);
                end = skip_value(s + n + 1);
                if (!end)
                        return "malformed label value";
                if (n == 2 && strncmp(s, "le", 2) == 0)
                        (void) snprintf(le, 64, "%.*s", (int) (end - s - n - 3), s + n + 2);
                else
                        (void) strncat(group, s, (size_t) (end - s));
                s = end;
                if (*s == '}')
                        break;
                if (*s++ != ',')
                        return "labels not separated";
        }
        *ret_end = s + 1;
        return NULL;
}

static const char *check_histogram(Checker *c, const char *suffix, const char *group, const char *le, double value) {
        double bound = strtod(le, NULL);

        if (strcmp(suffix, "_bucket") == 0) {
                if (!le[0])
                        return "bucket without le";
                if (!c->in_group || strcmp(c->group, group) != 0) {
                        if (c->in_group)
                                return "histogram without _count";
                        c->in_group = true;
                        c->has_inf = c->has_sum = false;
                        c->last_bound = c->last_count = -1;
                        (void) strcpy(c->group, group);
                }
                if (c->has_inf || bound <= c->last_bound || value < c->last_count)
                        return "buckets do not grow";
                c->has_inf = strcmp(le, "+Inf") == 0;
                c->last_bound = bound;
                c->last_count = value;
                return NULL;
        }
        if (!c->in_group || strcmp(c->group, group) != 0 || !c->has_inf)
                return "sum or count before its buckets";
        if (strcmp(suffix, "_sum") == 0) {
                c->has_sum = true;
                return NULL;
        }
        c->in_group = false;
        if (strcmp(suffix, "_count") != 0 || !c->has_sum)
                return "not a sample of this histogram";
        return value < c->last_count || value > c->last_count ? "_count is not the last bucket" : NULL;
}

static const char *check_series(Checker *c, const char *line, size_t size) {
        char *series = strndup(line, size);

        if (hashmap_get(&c->series, series)) {
                free(series);
                return "series twice";
        }
        return hashmap_put(&c->series, series, series) < 0 ? "out of memory" : NULL;
}

static const char *check_sample(Checker *c, const char *line) {
        char group[4096] = "", le[64] = "", suffix[16] = "", *end;
        size_t n = strcspn(line, "{ "), base = strlen(c->name);
        const char *rest = line + n, *fault = NULL;
        double value;

        if (!c->has_type)
                return "sample without HELP and TYPE";
        if (!is_name(line, n, true) || n < base || strncmp(line, c->name, base) != 0 || n - base >= sizeof(suffix))
                return "sample of another family";
        (void) snprintf(suffix, sizeof(suffix), "%.*s", (int) (n - base), line + base);
        if (*rest == '{')
                fault = check_labels(rest + 1, group, le, &rest);
        if (fault)
                return fault;
        if (*rest != ' ')
                return "no space before the value";
        value = strtod(rest + 1, &end);
        if (end == rest + 1 || *end)
                return "malformed value";
        if (value < 0 && strcmp(c->type, "gauge") != 0)
                return "negative counter";
        fault = check_series(c, line, (size_t) (rest - line));
        if (fault)
                return fault;
        if (strcmp(c->type, "histogram") == 0)
                return check_histogram(c, suffix, group, le, value);
        return suffix[0] ? "sample of another family" : le[0] ? "le on what is no histogram" : NULL;
}

const char *prometheus_check(const char *text, size_t *ret_line, size_t *ret_n_series) {
        Checker c = { .series.ops = &hash_ops_string };
        const char *fault = NULL;
        char *series;

        *ret_line = 0;
        while (*text && !fault) {
                size_t n = strcspn(text, "\n");
                char *line = strndup(text, n);

                (*ret_line)++;
                fault = text[n] != '\n' ? "no newline at the end" : n == 0 ? "empty line" : line[0] == '#' ? check_head(&c, line) : check_sample(&c, line);
                free(line);
                text += n + (text[n] == '\n');
        }
        if (!fault)
                fault = end_group(&c);
        *ret_n_series = c.series.n_entries;
        for (size_t i = 0; (series = hashmap_next(&c.series, &i));)
                free(series);
        hashmap_done(&c.series);
        return fault;
}
