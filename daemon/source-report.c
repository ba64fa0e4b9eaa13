/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source-report.h"

#include <string.h>

/* Nodes are not vital, everything works without them: their failure is told apart. */
static const char *server_error(const ApiServerStatus *status) {
        const ReflectorStatus *resources = status->resources;

        if (*resources[API_RESOURCE_SERVICES].error)
                return resources[API_RESOURCE_SERVICES].error;
        if (*resources[API_RESOURCE_ENDPOINTS].error)
                return resources[API_RESOURCE_ENDPOINTS].error;
        if (strcmp(status->error, resources[API_RESOURCE_NODE].error) == 0 ||
            strcmp(status->error, resources[API_RESOURCE_CLUSTER_NODES].error) == 0)
                return "";
        return status->error;
}

static void report_api(const ApiServer *api, SourceReport *report) {
        ApiServerStatus status;

        api_server_status(api, &status);
        report->server = status.server;
        report->server_version = status.server_version;
        report->server_error = server_error(&status);
        report->node_error = status.resources[API_RESOURCE_NODE].error;
        if (!*report->node_error)
                report->node_error = status.resources[API_RESOURCE_CLUSTER_NODES].error;
        report->n_unreadable += status.n_unreadable;
        report->unreadable = status.unreadable;
}

static void report_manifests(const Manifests *manifests, SourceReport *report) {
        ManifestsStatus status;

        manifests_status(manifests, &status);
        report->manifests = status.folder;
        report->manifests_error = status.error;
        report->n_unreadable += status.n_unreadable;
        if (!*report->unreadable)
                report->unreadable = status.unreadable;
}

void source_report_collect(const ApiServer *api, const Manifests *manifests, SourceReport *ret) {
        SourceReport report = {
                .server = "",
                .server_version = "",
                .server_error = "",
                .node_error = "",
                .manifests = "",
                .manifests_error = "",
                .unreadable = "",
        };

        if (api)
                report_api(api, &report);
        if (manifests)
                report_manifests(manifests, &report);
        *ret = report;
}
