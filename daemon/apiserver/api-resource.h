/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reflector at work: its requests go through the HTTP client, its timer is one of the event loop, its objects go into the
 * store. One for each kind of object that is watched.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "apiserver/feed.h"
#include "apiserver/http-client.h"
#include "apiserver/reflector.h"

typedef struct ApiResource ApiResource;

/* What it works with, all borrowed. */
typedef struct ApiResourceContext {
        sd_event *event;
        int64_t priority;
        HttpClient *http;
        Feed *feed;
        Store *store;
        /* Something in its status changed, or `listed`: a list is complete. May be called by libcurl: nothing is to be done at once. */
        void (*changed)(bool listed, void *userdata);
        /* Bytes came. As above. */
        void (*heard)(void *userdata);
        void *userdata;
} ApiResourceContext;

int api_resource_new(const ApiResourceContext *context,
                     FeedKind kind,
                     const ReflectorConfig *config,
                     ApiResource **ret);
ApiResource *api_resource_free(ApiResource *resource);
DEFINE_CLEANUP(ApiResource *, api_resource_free);

void api_resource_start(ApiResource *resource);
void api_resource_kick(ApiResource *resource, ReflectorWaitsFor what);
void api_resource_status(const ApiResource *resource, ReflectorStatus *ret);
