/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A watch stream, or the initial events of one: the first byte says how the bytes are cut and which objects are expected.
 * Whatever comes goes through the machine and the decoders into a store.
 */
#include "common/log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/reflector-sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char list[] = "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}";
        ReflectorSink sink;

        if (size < 1)
                return 0;
        log_set_max_level(LOG_EMERG);
        reflector_sink_init(&sink, data[0] % _FEED_KIND_MAX, data[0] & 0x80);
        if (!(data[0] & 0x80))
                reflector_sink_answer(&sink, 200, list, sizeof(list) - 1, sizeof(list));
        reflector_sink_answer(&sink, 200, (const char *) data + 1, size - 1, 1 + (data[0] >> 2 & 0x1f));
        reflector_sink_done(&sink);
        return 0;
}
