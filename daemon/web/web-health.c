/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bodies are those of kube-proxy's pkg/proxy/healthcheck/proxy_health.go, newest version: lastUpdated says now
 * while all is well, so that monitors made for its first versions, which looked at the age alone, do not alarm.
 */
#include <errno.h>
#include <time.h>

#include "common/clock.h"
#include "control/measure.h"
#include "web/metric-writer.h"
#include "web/text.h"
#include "web/web-private.h"

#define HTTP_OK 200
#define HTTP_UNAVAILABLE 503

static void put_family(Text *text, const char *separator, MeasuredFamily family, uint64_t updated_usec, bool healthy) {
        text_putf(text, "%s\"%s\":{\"lastUpdated\":", separator, measured_family_to_string(family));
        text_put_json_time(text, updated_usec);
        text_putf(text, ",\"healthy\":%s}", healthy ? "true" : "false");
}

/* One entry for each family that was programmed; both are programmed at once, so they are well or ill together. */
static void put_status(Text *text, const Measure *measure, bool healthy) {
        const FamilyMeasure *v4 = &measure->families[MEASURED_FAMILY_IPV4];
        const FamilyMeasure *v6 = &measure->families[MEASURED_FAMILY_IPV6];
        const char *separator = "";

        if (measure->updated_usec == 0)
                return;
        text_put(text, ",\"status\":{");
        if (v4->served || !v6->served) {
                put_family(text, separator, MEASURED_FAMILY_IPV4, measure->updated_usec, healthy);
                separator = ",";
        }
        if (v6->served)
                put_family(text, separator, MEASURED_FAMILY_IPV6, measure->updated_usec, healthy);
        text_put(text, "}");
}

/* `eligible` NULL: it is not part of the answer. */
static int answer_health(const Web *web, const bool *eligible, HttpReply *reply) {
        const Measure *measure = manager_measure(web->manager);
        bool healthy = manager_is_healthy(web->manager);
        bool fine = healthy && (!eligible || *eligible);
        uint64_t now_usec = clock_now_usec(CLOCK_REALTIME);
        Text text = {};

        text_put(&text, "{\"lastUpdated\":");
        text_put_json_time(&text, fine ? now_usec : measure->updated_usec);
        text_put(&text, ",\"currentTime\":");
        text_put_json_time(&text, now_usec);
        if (eligible)
                text_putf(&text, ",\"nodeEligible\":%s", *eligible ? "true" : "false");
        text_putf(&text, ",\"healthy\":%s", healthy ? "true" : "false");
        put_status(&text, measure, healthy);
        text_put(&text, "}");
        reply->status = fine ? HTTP_OK : HTTP_UNAVAILABLE;
        reply->content_type = "application/json";
        reply->body = text_take(&text);
        return reply->body ? 0 : -ENOMEM;
}

int web_answer_healthz(Web *web, HttpReply *reply) {
        bool eligible = manager_is_eligible(web->manager);
        int r = answer_health(web, &eligible, reply);

        if (r >= 0)
                web->n_healthz[reply->status == HTTP_OK ? 0 : 1]++;
        return r;
}

int web_answer_livez(Web *web, HttpReply *reply) {
        int r = answer_health(web, NULL, reply);

        if (r >= 0)
                web->n_livez[reply->status == HTTP_OK ? 0 : 1]++;
        return r;
}

/* ---- Kubernetes' component SLIs (KEP-3466), whose names have no prefix */

typedef struct Sli {
        const char *name;
        const uint64_t *counts; /* answers with 200 and with 503 */
        bool well;
} Sli;

int web_answer_slis(Web *web, HttpReply *reply) {
        bool healthy = manager_is_healthy(web->manager);
        const Sli slis[] = {
                { "healthz", web->n_healthz, healthy && manager_is_eligible(web->manager) },
                { "livez", web->n_livez, healthy },
        };
        Text text = {};

        metric_put_head(&text, "kubernetes_healthcheck", METRIC_GAUGE, "This metric records the result of a single healthcheck.");
        for (size_t i = 0; i < ELEMENTSOF(slis); i++)
                text_putf(&text, "kubernetes_healthcheck{name=\"%s\",type=\"healthz\"} %d\n", slis[i].name, slis[i].well);
        metric_put_head(
                &text, "kubernetes_healthchecks_total", METRIC_COUNTER, "This metric records the results of all healthcheck.");
        for (size_t i = 0; i < ELEMENTSOF(slis); i++)
                for (size_t k = 0; k < 2; k++) {
                        text_putf(&text,
                                  "kubernetes_healthchecks_total{name=\"%s\",status=\"%s\",type=\"healthz\"} ",
                                  slis[i].name,
                                  k == 0 ? "success" : "error");
                        text_put_uint(&text, slis[i].counts[k]);
                        text_put(&text, "\n");
                }
        reply->content_type = METRIC_CONTENT_TYPE;
        reply->body = text_take(&text);
        return reply->body ? 0 : -ENOMEM;
}
