/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what /metrics answers from stdin, and prints how many series it has. Exits with 1, and says where, if it breaks
 * the rules of promtool or of the text format.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/macros.h"
#include "tests/unit/prometheus-check.h"

static char *text_read(FILE *f) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 0, allocated = 0, n;

        do {
                if (allocated - size < 2) {
                        char *bigger = realloc(text, allocated * 2 + 65536);

                        if (!bigger)
                                return NULL;
                        text = bigger;
                        allocated = allocated * 2 + 65536;
                }
                n = fread(text + size, 1, allocated - size - 1, f);
                size += n;
        } while (n > 0);
        text[size] = '\0';
        return TAKE_PTR(text);
}

int main(void) {
        _cleanup_(freep) char *text = text_read(stdin);
        size_t line = 0, n_series = 0;
        const char *fault;

        if (!text || ferror(stdin)) {
                (void) fprintf(stderr, "metrics-check: stdin cannot be read\n");
                return EXIT_FAILURE;
        }
        fault = prometheus_check(text, &line, &n_series);
        if (fault) {
                (void) fprintf(stderr, "metrics-check: line %zu: %s\n", line, fault);
                return EXIT_FAILURE;
        }
        (void) printf("%zu\n", n_series);
        return n_series > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
