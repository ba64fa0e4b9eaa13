/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What could not be understood, said once for each version of the object, and remembered while it is so. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/feed-private.h"
#include "common/log.h"

/* What was reported is remembered for so many objects; then all is forgotten, and may be said a second time. */
#define REPORTS_MAX 1024

static void feed_report_free(FeedReport *report) {
        free(report->key);
        free(report->version);
        free(report->text);
        free(report);
}

void feed_forget_all(Feed *feed) {
        FeedReport *report;

        for (size_t i = 0; (report = hashmap_next(&feed->reports, &i));)
                feed_report_free(report);
        hashmap_done(&feed->reports);
        feed->reports = (HashMap) { .ops = &hash_ops_string };
}

void feed_forget(Feed *feed, const char *key) {
        FeedReport *report = feed->reports.n_entries > 0 ? hashmap_remove(&feed->reports, key) : NULL;

        if (report)
                feed_report_free(report);
}

static int feed_remember(Feed *feed, FeedKind kind, const char *key, const char *version, const char *text) {
        FeedReport *report = calloc(1, sizeof(FeedReport));
        int r = -ENOMEM;

        if (!report)
                return r;
        report->kind = kind;
        report->seen = true;
        report->key = strdup(key);
        report->version = strdup(version);
        report->text = strdup(text);
        if (report->key && report->version && report->text)
                r = hashmap_put(&feed->reports, report->key, report);
        if (r < 0)
                feed_report_free(report);
        return r;
}

/* Whether this version of the object was not reported yet. */
static bool feed_is_news(Feed *feed, const char *key, const char *version) {
        FeedReport *report = hashmap_get(&feed->reports, key);

        if (!report || strcmp(report->version, version) != 0)
                return true;
        report->seen = true;
        return false;
}

void object_name_set(ObjectName *name, FeedKind kind, const char *namespace, const char *object, const char *version) {
        (void) snprintf(name->text,
                        sizeof(name->text),
                        "%s %s%s%s",
                        feed_kind_to_string(kind),
                        namespace,
                        *namespace ? "/" : "",
                        *object ? object : "without a name");
        name->kind = kind;
        name->version = version;
}

void feed_report(Feed *feed, const ObjectName *name, const char *reason, const char *consequence) {
        const char *version = *name->version || !feed->file_version ? name->version : feed->file_version;
        char text[1024];

        if (!feed_is_news(feed, name->text, version))
                return;
        feed->n_reported++;
        (void) snprintf(text, sizeof(text), "%s%s: %s%s", feed->place ? feed->place : "", name->text, reason, consequence);
        feed_forget(feed, name->text);
        if (feed->reports.n_entries >= REPORTS_MAX)
                feed_forget_all(feed);
        (void) feed_remember(feed, name->kind, name->text, version, text); /* on OOM it is reported again */
        log_warning("%s%s%s%s: %s%s",
                    feed->place ? feed->place : "",
                    name->text,
                    *name->version ? " at resourceVersion " : "",
                    name->version,
                    reason,
                    consequence);
}

void feed_list_begin(Feed *feed, FeedKind kind) {
        FeedReport *report;

        for (size_t i = 0; (report = hashmap_next(&feed->reports, &i));)
                if (report->kind == kind)
                        report->seen = false;
}

void feed_list_keep(Feed *feed, FeedKind kind, const char *namespace, const char *name) {
        FeedReport *report;
        ObjectName full;

        if (feed->reports.n_entries == 0)
                return;
        object_name_set(&full, kind, namespace, name, "");
        report = hashmap_get(&feed->reports, full.text);
        if (report)
                report->seen = true;
}

void feed_list_end(Feed *feed, FeedKind kind) {
        FeedReport *gone;

        do { /* the map must not change while it is walked */
                FeedReport *report;

                gone = NULL;
                for (size_t i = 0; !gone && (report = hashmap_next(&feed->reports, &i));)
                        if (report->kind == kind && !report->seen)
                                gone = report;
                if (gone)
                        feed_forget(feed, gone->key);
        } while (gone);
}

size_t feed_n_unreadable(const Feed *feed, const char **ret_one) {
        size_t i = 0;
        const FeedReport *report = hashmap_next(&feed->reports, &i);

        if (ret_one)
                *ret_one = report ? report->text : "";
        return feed->reports.n_entries;
}

uint64_t feed_n_reported(const Feed *feed) {
        return feed->n_reported;
}
