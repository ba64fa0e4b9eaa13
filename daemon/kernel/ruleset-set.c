/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ruleset-set.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/macros.h"
#include "kernel/backend.h"
#include "model/service.h"

const RulesetFamily ruleset_families[RULESET_N_FAMILIES] = {
        { AF_INET, "ip", '4', "ipv4_addr", "127.0.0.0/8" },
        { AF_INET6, "ip6", '6', "ipv6_addr", "::1" },
};

int ruleset_set_name(const FilterElement *element, char buf[static RULESET_SET_NAME_SIZE]) {
        if (element->set >= _FILTER_SET_MAX)
                return -EINVAL;
        for (size_t i = 0; i < RULESET_N_FAMILIES; i++)
                if (ruleset_families[i].family == element->addr.family) {
                        (void) snprintf(buf,
                                        RULESET_SET_NAME_SIZE,
                                        "%s%c",
                                        filter_set_type((FilterSet) element->set)->name,
                                        ruleset_families[i].digit);
                        return 0;
                }
        return -EINVAL;
}

/* ---- sets */

static void ruleset_print_set(FILE *f, const FilterSetType *type, const RulesetFamily *family) {
        fprintf(f, "\tset %s%c {\n\t\ttype %s", type->name, family->digit, family->address_type);
        if (type->has_port)
                fputs(" . inet_proto . inet_service", f);
        if (type->has_source)
                fprintf(f, " . %s", family->address_type);
        fputc('\n', f);
        if (type->interval)
                fputs("\t\tflags interval\n", f);
        fputs("\t}\n", f);
}

void ruleset_print_sets(FILE *f) {
        for (FilterSet set = 0; set < _FILTER_SET_MAX; set++)
                for (size_t i = 0; i < RULESET_N_FAMILIES; i++)
                        ruleset_print_set(f, filter_set_type(set), &ruleset_families[i]);
}

/* ---- elements */

void ruleset_print_element(FILE *f, const FilterElement *element) {
        const FilterSetType *type = filter_set_type((FilterSet) element->set);
        char buf[IP_ADDR_STRLEN];

        fputs(ip_addr_format(&element->addr, buf), f);
        if (type->has_port)
                fprintf(f,
                        " . %s . %u",
                        protocol_to_string((Protocol) element->protocol),
                        (unsigned) element->port);
        if (!type->has_source)
                return;
        fprintf(f, " . %s", ip_addr_format(&element->source, buf));
        if (type->interval && element->source_prefix < 8 * ip_addr_size(&element->source))
                fprintf(f, "/%u", (unsigned) element->source_prefix);
}

static void ruleset_print_elements_of(FILE *f, const FilterElement *elements, size_t n_elements, FilterSet set, int family) {
        char name[RULESET_SET_NAME_SIZE];
        size_t n = 0;

        for (size_t i = 0; i < n_elements; i++) {
                if (elements[i].set != set || elements[i].addr.family != family)
                        continue;
                if (n++ == 0) {
                        (void) ruleset_set_name(&elements[i], name);
                        fprintf(f, "add element inet " KERNEL_TABLE_NAME " %s { ", name);
                } else {
                        fputs(", ", f);
                }
                ruleset_print_element(f, &elements[i]);
        }
        if (n > 0)
                fputs(" }\n", f);
}

void ruleset_print_elements(FILE *f, const FilterElement *elements, size_t n_elements) {
        for (FilterSet set = 0; set < _FILTER_SET_MAX; set++)
                for (size_t i = 0; i < RULESET_N_FAMILIES; i++)
                        ruleset_print_elements_of(f, elements, n_elements, set, ruleset_families[i].family);
}
