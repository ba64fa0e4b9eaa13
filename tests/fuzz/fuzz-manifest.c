/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A manifest file, and its objects read as each kind there is. */
#include <stdlib.h>
#include <string.h>

#include "apiserver/decode.h"
#include "apiserver/feed.h"
#include "apiserver/manifest-parse.h"
#include "common/log.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ManifestObjects objects = {};
        ManifestError error;
        Store *store = NULL;
        Feed *feed = NULL;
        char *text;

        log_set_max_level(LOG_EMERG);
        text = malloc(size + 1);
        if (!text || store_new(NULL, NULL, &store) < 0 || feed_new(store, OBJECT_SOURCE_MANIFEST, DECODE_DEFAULTS, &feed) < 0)
                abort();
        memcpy(text, data, size);
        text[size] = '\0';
        if (manifest_parse(text, size, &objects, &error) >= 0)
                for (size_t i = 0; i < objects.n_objects; i++)
                        for (FeedKind kind = 0; kind < _FEED_KIND_MAX; kind++)
                                (void) feed_put(feed, kind, objects.objects[i].object);
        manifest_objects_done(&objects);
        (void) feed_free(feed);
        while (store_take_dirty(store))
                ;
        (void) store_free(store);
        free(text);
        return 0;
}
