/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/source-texts.h"

#include <stddef.h>

static bool text_set(char *text, size_t size, const char *value) {
        bool changed = false;
        size_t i = 0;

        for (; value[i] && i < size - 1; i++) {
                char c = value[i] < ' ' || value[i] > '~' ? '?' : value[i];

                changed = changed || text[i] != c;
                text[i] = c;
        }
        changed = changed || text[i] != '\0';
        text[i] = '\0';
        return changed;
}

bool source_texts_set(SourceTexts *texts, const SourceReport *report) {
        bool changed = texts->n_unreadable != report->n_unreadable;

        texts->n_unreadable = report->n_unreadable;
        changed |= text_set(texts->server, sizeof(texts->server), report->server);
        changed |= text_set(texts->server_version, sizeof(texts->server_version), report->server_version);
        changed |= text_set(texts->server_error, sizeof(texts->server_error), report->server_error);
        changed |= text_set(texts->node_error, sizeof(texts->node_error), report->node_error);
        changed |= text_set(texts->manifests, sizeof(texts->manifests), report->manifests);
        changed |= text_set(texts->manifests_error, sizeof(texts->manifests_error), report->manifests_error);
        changed |= text_set(texts->unreadable, sizeof(texts->unreadable), report->unreadable);
        return changed;
}

SourceReport source_texts_report(const SourceTexts *texts) {
        return (SourceReport) {
                .server = texts->server,
                .server_version = texts->server_version,
                .server_error = texts->server_error,
                .node_error = texts->node_error,
                .manifests = texts->manifests,
                .manifests_error = texts->manifests_error,
                .n_unreadable = texts->n_unreadable,
                .unreadable = texts->unreadable,
        };
}
