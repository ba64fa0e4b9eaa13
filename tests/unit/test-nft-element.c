/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include <stdio.h>
#include <sys/socket.h>

#include "kernel/nft-element.h"
#include "model/service.h"

static IpAddr ip(const char *text) {
        IpAddr addr;

        assert_int_equal(ip_addr_parse(text, &addr), 0);
        return addr;
}

static void test_layout(void **state) {
        FilterElement element = { .set = FILTER_SET_SOURCE_RANGES,
                                  .protocol = PROTOCOL_SCTP,
                                  .port = 0x1234,
                                  .source_prefix = 9 };
        NftKey key;

        element.addr = ip("10.0.0.1");
        element.source = ip("11.128.0.0");
        assert_int_equal(nft_key_from_element(&element, &key), 0);
        assert_int_equal(key.size, 16);
        assert_memory_equal(key.first, ((uint8_t[]) { 10, 0, 0, 1, 132, 0, 0, 0, 0x12, 0x34, 0, 0, 11, 128, 0, 0 }), 16);
        assert_memory_equal(
                key.last, ((uint8_t[]) { 10, 0, 0, 1, 132, 0, 0, 0, 0x12, 0x34, 0, 0, 11, 255, 255, 255 }), 16);
}

static FilterElement sample(FilterSet set, bool v6, unsigned prefix) {
        const FilterSetType *type = filter_set_type(set);
        FilterElement element = { .set = (uint8_t) set, .addr = ip(v6 ? "fd00::1:2" : "10.1.2.3") };

        if (type->has_port) {
                element.protocol = PROTOCOL_UDP;
                element.port = 65534;
        }
        if (type->has_source)
                element.source = ip(v6 ? "fd00::1:3" : "10.1.2.4");
        if (type->interval) {
                IpNet net;
                char text[IP_ADDR_STRLEN + 8], buf[IP_ADDR_STRLEN];

                (void) snprintf(text, sizeof text, "%s/%u", ip_addr_format(&element.source, buf), prefix);
                assert_int_equal(ip_net_parse(text, &net), 0);
                element.source = net.addr;
                element.source_prefix = (uint8_t) prefix;
        }
        return element;
}

/* There and back, for every set, family and length of prefix. */
static void test_round_trip(void **state) {
        for (FilterSet set = 0; set < _FILTER_SET_MAX; set++)
                for (unsigned v6 = 0; v6 < 2; v6++)
                        for (unsigned prefix = 0; prefix <= (v6 ? 128 : 32); prefix++) {
                                FilterElement element = sample(set, v6, prefix), back;
                                NftKey key;

                                memset(&back, 0xff, sizeof back);
                                assert_int_equal(nft_key_from_element(&element, &key), 0);
                                assert_true(key.size <= NFT_KEY_MAX);
                                assert_int_equal(nft_key_to_element(&key, set, v6 ? AF_INET6 : AF_INET, &back), 0);
                                assert_memory_equal(&back, &element, sizeof back);
                        }
}

static void test_bad_elements(void **state) {
        FilterElement element = sample(FILTER_SET_SOURCE_RANGES, false, 8);
        NftKey key;

        element.source_prefix = 33;
        assert_int_equal(nft_key_from_element(&element, &key), -EINVAL);
        element = sample(FILTER_SET_HAIRPIN, false, 0);
        element.source = ip("::1");
        assert_int_equal(nft_key_from_element(&element, &key), -EINVAL);
        element = sample(FILTER_SET_SERVICE_IPS, false, 0);
        element.addr.family = 0;
        assert_int_equal(nft_key_from_element(&element, &key), -EINVAL);
        element = sample(FILTER_SET_SERVICE_PORTS, false, 0);
        element.protocol = _PROTOCOL_MAX;
        assert_int_equal(nft_key_from_element(&element, &key), -EINVAL);
        element.set = _FILTER_SET_MAX;
        assert_int_equal(nft_key_from_element(&element, &key), -EINVAL);
}

/* What somebody else put into the set. */
static void test_foreign_keys(void **state) {
        FilterElement element = sample(FILTER_SET_SOURCE_RANGES, false, 8), back;
        NftKey key;

        assert_int_equal(nft_key_from_element(&element, &key), 0);
        key.last[15]--; /* no prefix */
        assert_int_equal(nft_key_to_element(&key, FILTER_SET_SOURCE_RANGES, AF_INET, &back), -EINVAL);
        assert_int_equal(nft_key_from_element(&element, &key), 0);
        key.last[3]++; /* a range of service addresses */
        assert_int_equal(nft_key_to_element(&key, FILTER_SET_SOURCE_RANGES, AF_INET, &back), -EINVAL);
        assert_int_equal(nft_key_from_element(&element, &key), 0);
        key.first[4] = key.last[4] = 47; /* GRE */
        assert_int_equal(nft_key_to_element(&key, FILTER_SET_SOURCE_RANGES, AF_INET, &back), -EINVAL);
        assert_int_equal(nft_key_from_element(&element, &key), 0);
        assert_int_equal(nft_key_to_element(&key, FILTER_SET_SOURCE_RANGES, AF_INET6, &back), -EINVAL);
        assert_int_equal(nft_key_to_element(&key, FILTER_SET_SERVICE_IPS, AF_INET, &back), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_layout),
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_bad_elements),
                cmocka_unit_test(test_foreign_keys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
