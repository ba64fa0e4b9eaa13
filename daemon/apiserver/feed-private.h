/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of Feed, for its files: the way into the store, and what is reported. */
#pragma once

#include "apiserver/feed.h"

typedef struct FeedReport {
        FeedKind kind;
        bool seen; /* in the list that runs */
        char *key; /* owned: "Service default/web" */
        char *version; /* owned: the resourceVersion it was about */
        char *text; /* owned: "Service default/web: …; it is left out" */
} FeedReport;

struct Feed {
        Store *store; /* borrowed */
        ObjectSource source;
        unsigned flags; /* DECODE_… */
        const char *place, *file_version; /* borrowed, or NULL */
        HashMap reports; /* key → FeedReport, owned */
        uint64_t n_reported;
};

/* The name of an object for people; it has been checked, or is printable. */
typedef struct ObjectName {
        FeedKind kind;
        char text[400]; /* "Service default/web" */
        const char *version;
} ObjectName;

/* feed-report.c */
void object_name_set(ObjectName *name, FeedKind kind, const char *namespace, const char *object, const char *version);
/* Unless this was said of this version. */
void feed_report(Feed *feed, const ObjectName *name, const char *reason, const char *consequence);
/* The object of that name is well, or gone. */
void feed_forget(Feed *feed, const char *key);
void feed_forget_all(Feed *feed);
