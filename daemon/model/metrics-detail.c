/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/metrics-detail.h"

#include <stddef.h>
#include <string.h>

static const char *const metrics_detail_table[_METRICS_DETAIL_MAX] = {
        [METRICS_DETAIL_AUTO] = "auto",           [METRICS_DETAIL_FULL] = "full",
        [METRICS_DETAIL_ESSENTIAL] = "essential", [METRICS_DETAIL_NAMESPACE] = "namespace",
        [METRICS_DETAIL_NONE] = "none",
};

const char *metrics_detail_to_string(MetricsDetail detail) {
        return detail >= 0 && detail < _METRICS_DETAIL_MAX ? metrics_detail_table[detail] : NULL;
}

MetricsDetail metrics_detail_from_string(const char *text) {
        for (MetricsDetail d = 0; d < _METRICS_DETAIL_MAX; d++)
                if (strcmp(metrics_detail_table[d], text) == 0)
                        return d;
        return _METRICS_DETAIL_INVALID;
}
