/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/proxy-rules.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/addr.h"
#include "common/parse.h"

#define RULE_MAX 300

typedef struct ProxyTarget {
        char host[RULE_MAX]; /* without brackets and final dot */
        IpAddr addr; /* none: a name */
        uint16_t port;
} ProxyTarget;

static void strip_brackets(char *text) {
        size_t size = strlen(text);

        if (size < 2 || text[0] != '[' || text[size - 1] != ']')
                return;
        memmove(text, text + 1, size - 2);
        text[size - 2] = '\0';
}

/* Takes ":443" off the end; 0 = there is none. Colons of an IPv6 address without brackets are no port. */
static uint16_t strip_port(char *rule) {
        char *colon = strrchr(rule, ':');
        uint16_t port;

        if (!colon || (strchr(rule, ':') != colon && colon[-1] != ']') || parse_uint16(colon + 1, &port) < 0)
                return 0;
        *colon = '\0';
        return port;
}

static bool name_matches(const char *rule, const char *host) {
        size_t rule_size, host_size = strlen(host);
        bool subdomains_only = false;

        if (rule[0] == '*' && rule[1] == '.')
                rule++;
        if (rule[0] == '.') {
                subdomains_only = true;
                rule++;
        }
        rule_size = strlen(rule);
        if (rule_size == 0 || host_size < rule_size || strcasecmp(host + host_size - rule_size, rule) != 0)
                return false;
        return host_size == rule_size ? !subdomains_only : host[host_size - rule_size - 1] == '.';
}

static bool rule_matches(char *rule, const ProxyTarget *target) {
        uint16_t port;
        IpAddr addr;
        IpNet net;

        if (strcmp(rule, "*") == 0)
                return true;
        if (ip_net_parse(rule, &net) >= 0)
                return ip_net_contains(&net, &target->addr);
        port = strip_port(rule);
        if (port > 0 && port != target->port)
                return false;
        strip_brackets(rule);
        if (ip_addr_parse(rule, &addr) >= 0)
                return ip_addr_equal(&addr, &target->addr);
        return name_matches(rule, target->host);
}

bool proxy_rules_bypass(const char *no_proxy, const char *host, uint16_t port) {
        ProxyTarget target = { .port = port };
        char rule[RULE_MAX];
        size_t size;

        if (strlen(host) >= sizeof(target.host))
                return false;
        (void) snprintf(target.host, sizeof(target.host), "%s", host);
        strip_brackets(target.host);
        size = strlen(target.host);
        if (size > 0 && target.host[size - 1] == '.')
                target.host[size - 1] = '\0';
        if (strcasecmp(target.host, "localhost") == 0)
                return true;
        if (ip_addr_parse(target.host, &target.addr) >= 0 && ip_addr_is_loopback(&target.addr))
                return true;
        for (const char *p = no_proxy; p && *p; p += size + (p[size] == ',')) {
                size_t begin = strspn(p, " \t"), end;

                size = strcspn(p, ",");
                begin = begin < size ? begin : size;
                for (end = size; end > begin && (p[end - 1] == ' ' || p[end - 1] == '\t');)
                        end--;
                if (end == begin || end - begin >= sizeof(rule))
                        continue;
                memcpy(rule, p + begin, end - begin);
                rule[end - begin] = '\0';
                if (rule_matches(rule, &target))
                        return true;
        }
        return false;
}
