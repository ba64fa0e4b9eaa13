/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sources of objects last said of themselves, kept by value. Only ASCII is left of it: it goes onto the bus. */
#pragma once

#include <stdbool.h>

#include "model/api-state.h"

typedef struct SourceTexts {
        char server[256], server_version[64], server_error[400], node_error[400];
        char manifests[256], manifests_error[400], unreadable[600];
        uint64_t n_unreadable;
} SourceTexts;

/* Whether anything is another than before; long texts are cut. */
bool source_texts_set(SourceTexts *texts, const SourceReport *report);
/* Borrowed from `texts`. */
SourceReport source_texts_report(const SourceTexts *texts);
