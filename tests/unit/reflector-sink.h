/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reflector whose objects go through the feed into a store, with requests that only are noted and a clock that stands:
 * for tests and fuzzers that hand it bodies.
 */
#pragma once

#include "apiserver/feed.h"
#include "apiserver/reflector.h"
#include "model/store.h"

typedef struct ReflectorSink {
        Store *store; /* owned, like all below */
        Feed *feed;
        Reflector *reflector;
        FeedKind kind;
        bool requested; /* it waits for an answer */
} ReflectorSink;

/* Aborts on failure. The first request is a list, or with `stream` a watch with initial events. */
void reflector_sink_init(ReflectorSink *sink, FeedKind kind, bool stream);
/* For another kind with the same store. */
void reflector_sink_restart(ReflectorSink *sink, FeedKind kind, bool stream);
void reflector_sink_done(ReflectorSink *sink);

/* One answer in chunks of this size, then its end. */
void reflector_sink_answer(ReflectorSink *sink, unsigned status, const char *body, size_t size, size_t chunk);
