/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, durations, time stamps and addresses: what can be read and printed reads back to the same. */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "common/addr.h"
#include "common/macros.h"
#include "common/parse.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_numbers(const char *text) {
        uint64_t u64;
        uint32_t u32;
        uint16_t u16;
        int32_t i32;
        bool b;

        if (parse_uint16(text, &u16) >= 0)
                assert(parse_uint32(text, &u32) >= 0 && u32 == u16);
        if (parse_uint32(text, &u32) >= 0)
                assert(parse_uint64(text, &u64) >= 0 && u64 == u32);
        (void) parse_int32(text, &i32);
        (void) parse_bool(text, &b);
        (void) parse_duration(text, &u64);
        (void) parse_timestamp(text, &u64);
}

static void fuzz_addresses(const char *text) {
        char addr_text[IP_ADDR_STRLEN], net_text[IP_NET_STRLEN];
        IpAddr addr, addr_again;
        IpNet net, net_again;

        if (ip_addr_parse(text, &addr) >= 0) {
                assert(ip_addr_parse(ip_addr_format(&addr, addr_text), &addr_again) >= 0);
                assert(ip_addr_equal(&addr, &addr_again));
        }
        if (ip_net_parse(text, &net) >= 0) {
                assert(ip_net_parse(ip_net_format(&net, net_text), &net_again) >= 0);
                assert(memcmp(&net, &net_again, sizeof(net)) == 0);
                assert(ip_net_contains(&net, &net.addr));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *text = malloc(size + 1);

        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        fuzz_numbers(text);
        fuzz_addresses(text);
        return 0;
}
