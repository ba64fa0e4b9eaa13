/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list, or a failed one's Status: the first byte says how the bytes are cut, what is expected, and the HTTP status. */
#include "common/log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/reflector-sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ReflectorSink sink;

        if (size < 1)
                return 0;
        log_set_max_level(LOG_EMERG);
        reflector_sink_init(&sink, data[0] % _FEED_KIND_MAX, false);
        reflector_sink_answer(&sink, data[0] & 0x80 ? 410 : 200, (const char *) data + 1, size - 1, 1 + (data[0] >> 2 & 0x1f));
        /* The same again, over what is there, or as the page that a token leads to. */
        reflector_sink_answer(&sink, 200, (const char *) data + 1, size - 1, size);
        reflector_sink_done(&sink);
        return 0;
}
