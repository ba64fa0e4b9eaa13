/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config-types.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <net/if.h>
#include <string.h>

#include "common/parse.h"

#define STRING_MAX 4096
#define SCHEDULER_MAX 15 /* IP_VS_SCHEDNAME_MAXLEN without the NUL */

int config_fault_must(char **ret_fault, const char *text, const char *what) {
        _cleanup_(freep) char *quoted = config_quote(text);

        return quoted ? config_fault(ret_fault, "%s must be %s", quoted, what) : -ENOMEM;
}

/* ---- strings */

void config_string_write(FILE *file, const char *text) {
        uint32_t value;
        size_t n;

        (void) fputc('"', file);
        for (; *text != '\0' && (n = config_utf8_decode(text, &value)) > 0; text += n) {
                if (value == '"' || value == '\\')
                        (void) fprintf(file, "\\%c", (char) value);
                else if (value >= 0x20 && value < 0x7f)
                        (void) fputc((int) value, file);
                else
                        (void) fprintf(file, value > 0xffff ? "\\U%08" PRIx32 : "\\u%04" PRIx32, value);
        }
        (void) fputc('"', file);
}

static int string_set(void *slot, const char *text) {
        char **value = slot, *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        free(*value);
        *value = copy;
        return 0;
}

static int string_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        if (strlen(text) > STRING_MAX)
                return config_fault_must(ret_fault, text, "shorter than 4096 bytes");
        return string_set(slot, text);
}

static bool string_equal(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b) == 0;
}

static void string_format(FILE *file, const void *slot, const char *indent) {
        (void) fputc(' ', file);
        config_string_write(file, *(char *const *) slot);
}

static void string_done(void *slot) {
        char **value = slot;

        free(*value);
        *value = NULL;
}

static int mode_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        if (text[0] != '\0' && strcmp(text, "ipvs") != 0)
                return config_fault_must(
                        ret_fault, text,
                        "ipvs or blank: this program is the IPVS mode alone, run kube-proxy for the others");
        return string_set(slot, text);
}

/* Whether the kernel has the scheduler is tried when the kernel is looked at; here, whether it could. */
static int scheduler_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        if (strlen(text) > SCHEDULER_MAX || text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0')
                return config_fault_must(
                        ret_fault, text,
                        "the name of an IPVS scheduler, such as rr, wrr, lc, wlc, sh, mh; blank means rr");
        return string_set(slot, text);
}

static int interface_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        if (strlen(text) >= IFNAMSIZ || strpbrk(text, "/ \t\r\n\"*+") || strcmp(text, ".") == 0 ||
            strcmp(text, "..") == 0)
                return config_fault_must(ret_fault, text,
                                         "a network interface name, or its beginning, of at most 15 characters");
        return string_set(slot, text);
}

/* k8s.io/apimachinery/pkg/util/net/port_range.go, PortRange.Set() */
static bool port_range_is_valid(const char *text) {
        const char *middle = strpbrk(text, "-+");
        char first[8] = "";
        uint16_t low, high;

        if (!middle)
                return parse_uint16(text, &low) >= 0;
        if ((size_t) (middle - text) >= sizeof(first))
                return false;
        memcpy(first, text, (size_t) (middle - text));
        return parse_uint16(first, &low) >= 0 && parse_uint16(middle + 1, &high) >= 0 && (*middle == '+' || low <= high);
}

static int port_range_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        if (text[0] != '\0' && !port_range_is_valid(text))
                return config_fault_must(ret_fault, text, "a valid port range (e.g. 300-2000)");
        return string_set(slot, text);
}

static int path_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        if (text[0] != '\0' && text[0] != '/')
                return config_fault_must(ret_fault, text, "an absolute path, one that begins with /");
        return string_parse(field, text, slot, ret_fault);
}

/* ---- booleans and numbers */

static int bool_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        return parse_bool(text, slot) < 0 ? config_fault_must(ret_fault, text, "true or false") : 0;
}

static bool bool_equal(const void *a, const void *b) {
        return *(const bool *) a == *(const bool *) b;
}

static void bool_format(FILE *file, const void *slot, const char *indent) {
        (void) fputs(*(const bool *) slot ? " true" : " false", file);
}

static int version_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        bool value;

        if (strcmp(text, "raw") != 0 && parse_bool(text, &value) < 0)
                return config_fault_must(ret_fault, text, "true, false or raw");
        return string_set(slot, text);
}

static unsigned digit_value(char c) {
        return c >= '0' && c <= '9'   ? (unsigned) (c - '0')
               : c >= 'a' && c <= 'f' ? (unsigned) (c - 'a') + 10
               : c >= 'A' && c <= 'F' ? (unsigned) (c - 'A') + 10
                                      : UINT32_MAX;
}

/* As strconv.ParseInt(text, 0, 32): 0x, 0o, 0b and a leading 0 choose the base, underscores may separate digits. */
static int parse_go_int32(const char *text, int32_t *ret) {
        bool negative = *text == '-';
        int64_t value = 0;
        unsigned base = 10;

        if (*text == '-' || *text == '+')
                text++;
        if (text[0] == '0' && text[1] != '\0') {
                char c = (char) (text[1] | 0x20);

                base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
                text += c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
        }
        if (*text == '\0' || *text == '_')
                return -EINVAL;
        for (; *text != '\0'; text++) {
                if (*text == '_' && text[1] != '_' && text[1] != '\0')
                        continue;
                if (digit_value(*text) >= base)
                        return -EINVAL;
                value = value * base + digit_value(*text);
                if (value > (int64_t) INT32_MAX + negative)
                        return -ERANGE;
        }
        *ret = (int32_t) (negative ? -value : value);
        return 0;
}

static int int32_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        char range[64] = "an integer of 32 bits";
        int32_t value;
        int r = parse_go_int32(text, &value);
        bool bounded = field->min != 0 || field->max != 0;

        if (bounded && field->max == INT32_MAX)
                (void) snprintf(range, sizeof(range), "an integer greater than or equal to %" PRId32, field->min);
        else if (bounded)
                (void) snprintf(range, sizeof(range), "within the range [%" PRId32 ", %" PRId32 "]", field->min,
                                field->max);
        if (r < 0 || (bounded && (value < field->min || value > field->max)))
                return config_fault_must(ret_fault, text, range);
        *(int32_t *) slot = value;
        return 0;
}

static bool int32_equal(const void *a, const void *b) {
        return *(const int32_t *) a == *(const int32_t *) b;
}

static void int32_format(FILE *file, const void *slot, const char *indent) {
        (void) fprintf(file, " %" PRId32, *(const int32_t *) slot);
}

static int float_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        char *end;
        float value = text[strspn(text, "0123456789+-.eE")] == '\0' ? strtof(text, &end) : NAN;

        if (!isfinite(value) || end == text || *end != '\0')
                return config_fault_must(ret_fault, text, "a number");
        *(double *) slot = (double) value;
        return 0;
}

static bool float_equal(const void *a, const void *b) {
        return memcmp(a, b, sizeof(double)) == 0;
}

static void float_format(FILE *file, const void *slot, const char *indent) {
        (void) fprintf(file, " %.9g", *(const double *) slot);
}

static int duration_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        uint64_t usec;
        int r = parse_duration(text, &usec);

        if (r == -ERANGE && text[0] == '-')
                return config_fault_must(ret_fault, text,
                                         field->flags & FIELD_POSITIVE ? "greater than 0"
                                                                       : "greater than or equal to 0");
        if (r < 0)
                return config_fault_must(ret_fault, text, "a duration, such as 30s, 1m or 1h30m");
        *(uint64_t *) slot = usec;
        return 0;
}

static bool duration_equal(const void *a, const void *b) {
        return *(const uint64_t *) a == *(const uint64_t *) b;
}

static void duration_format(FILE *file, const void *slot, const char *indent) {
        char text[CONFIG_DURATION_STRLEN];

        (void) fprintf(file, " %s", config_duration_format(*(const uint64_t *) slot, text));
}

/* ---- addresses */

static int ip_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        return ip_addr_parse(text, slot) < 0
                       ? config_fault_must(ret_fault, text, "a valid IP address, such as 10.0.0.1 or fd00::1")
                       : 0;
}

static bool ip_equal(const void *a, const void *b) {
        return ip_addr_equal(a, b);
}

static void ip_format(FILE *file, const void *slot, const char *indent) {
        char text[IP_ADDR_STRLEN];

        (void) fprintf(file, " \"%s\"", ip_addr_format(slot, text));
}

/* "10.0.0.1:80", "[fd00::1]:80", "fd00::1", "" and "none". Port 0 is for what has none. */
static int ip_port_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        char addr_text[IP_ADDR_STRLEN] = "";
        const char *colon = strrchr(text, ':'), *begin = text, *end;
        IpPort value = {};

        if (text[0] == '\0' || strcmp(text, "none") == 0 || ip_addr_parse(text, &value.addr) >= 0) {
                *(IpPort *) slot = value;
                return 0;
        }
        end = colon ? colon : text + strlen(text);
        if (text[0] == '[' && end > text + 1 && end[-1] == ']') {
                begin++;
                end--;
        }
        if ((size_t) (end - begin) < sizeof(addr_text))
                memcpy(addr_text, begin, (size_t) (end - begin));
        if (!colon || ip_addr_parse(addr_text, &value.addr) < 0 || (value.addr.family == AF_INET6 && begin == text) ||
            parse_uint16(colon + 1, &value.port) < 0 || value.port == 0)
                return config_fault_must(ret_fault, text,
                                         "IP:port with a port from 1 to 65535, such as 0.0.0.0:10256 or [::]:10256; "
                                         "none for no server");
        *(IpPort *) slot = value;
        return 0;
}

static bool ip_port_equal(const void *a, const void *b) {
        return ip_port_compare(a, b) == 0;
}

static void ip_port_write(FILE *file, const void *slot, const char *indent) {
        const IpPort *value = slot;
        char text[IP_PORT_STRLEN];

        if (value->addr.family == 0)
                (void) fputs(" none", file);
        else
                (void) fprintf(file, " \"%s\"", ip_port_format(&value->addr, value->port, text));
}

/* ---- the table */

#define KIND(kind) (1U << YAML_KIND_##kind)
#define STRINGS(parse_)                                                                                                \
        { "string", KIND(STRING), false, sizeof(char *), parse_, string_equal, string_format, string_done }
#define ENUM(parse_, format_)                                                                                          \
        { "string", KIND(STRING), false, sizeof(int), parse_, config_enum_equal, format_, NULL }

/* clang-format off */
static const ConfigTypeOps config_type_table[_CONFIG_TYPE_MAX] = {
        [CONFIG_TYPE_STRING] = STRINGS(string_parse),
        [CONFIG_TYPE_BOOL] = { "bool", KIND(BOOL), false, sizeof(bool), bool_parse, bool_equal, bool_format, NULL },
        [CONFIG_TYPE_INT32] = { "int32", KIND(INT), false, sizeof(int32_t), int32_parse, int32_equal,
                                int32_format, NULL },
        [CONFIG_TYPE_FLOAT] = { "float32", KIND(INT) | KIND(FLOAT), false, sizeof(double), float_parse, float_equal,
                                float_format, NULL },
        [CONFIG_TYPE_DURATION] = { "duration", KIND(STRING), false, sizeof(uint64_t), duration_parse, duration_equal,
                                   duration_format, NULL },
        [CONFIG_TYPE_FLUSH] = { "duration", KIND(STRING) | KIND(INT), false, sizeof(uint64_t), duration_parse,
                                duration_equal, duration_format, NULL },
        [CONFIG_TYPE_IP] = { "ip", KIND(STRING), false, sizeof(IpAddr), ip_parse, ip_equal, ip_format, NULL },
        [CONFIG_TYPE_IP_PORT] = { "ipport", KIND(STRING), false, sizeof(IpPort), ip_port_parse, ip_port_equal,
                                  ip_port_write, NULL },
        [CONFIG_TYPE_NETS] = { "strings", KIND(LIST), true, sizeof(ConfigNets), config_nets_parse, config_nets_equal,
                               config_nets_format, config_nets_done },
        [CONFIG_TYPE_NET_PAIR] = { "string", KIND(STRING), false, sizeof(ConfigNets), config_net_pair_parse,
                                   config_nets_equal, config_net_pair_format, config_nets_done },
        [CONFIG_TYPE_NODE_PORT_ADDRESSES] = { "strings", KIND(LIST), true, sizeof(NodePortAddresses),
                                              config_node_ports_parse, config_node_ports_equal,
                                              config_node_ports_format, config_node_ports_done },
        [CONFIG_TYPE_FEATURE_GATES] = { "mapStringBool", KIND(MAP), true, sizeof(FeatureGates), config_gates_parse,
                                        config_gates_equal, config_gates_format, config_gates_done },
        [CONFIG_TYPE_VMODULE] = { "pattern=N,...", KIND(LIST), false, sizeof(char *), config_vmodule_parse,
                                  string_equal, config_vmodule_format, string_done },
        [CONFIG_TYPE_MODE] = STRINGS(mode_parse),
        [CONFIG_TYPE_SCHEDULER] = STRINGS(scheduler_parse),
        [CONFIG_TYPE_INTERFACE] = STRINGS(interface_parse),
        [CONFIG_TYPE_PATH] = STRINGS(path_parse),
        [CONFIG_TYPE_PORT_RANGE] = STRINGS(port_range_parse),
        [CONFIG_TYPE_DETECT_LOCAL] = ENUM(config_detect_local_parse, config_detect_local_format),
        [CONFIG_TYPE_PING] = ENUM(config_ping_parse, config_ping_format),
        [CONFIG_TYPE_AUDIT] = ENUM(config_audit_parse, config_audit_format),
        [CONFIG_TYPE_METRICS_DETAIL] = ENUM(config_metrics_detail_parse, config_metrics_detail_format),
        [CONFIG_TYPE_LOG_FORMAT] = ENUM(config_log_format_parse, config_log_format_write),
        [CONFIG_TYPE_VERSION] = { "version", 0, false, sizeof(char *), version_parse, string_equal, string_format,
                                  string_done },
        [CONFIG_TYPE_ANY] = { "any", ~0U, false, sizeof(char *), string_parse, string_equal, string_format,
                              string_done },
};
/* clang-format on */

const ConfigTypeOps *config_type_ops(ConfigType type) {
        return &config_type_table[type];
}
