/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types whose values are words of a table. All are of the size of an int. */
#include <errno.h>
#include <string.h>

#include "config/config-types.h"

int config_detect_local_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        DetectLocalMode mode = text[0] == '\0' ? DETECT_LOCAL_CLUSTER_CIDR : detect_local_mode_from_string(text);

        if (mode < 0)
                return config_fault_must(
                        ret_fault, text,
                        "ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix or blank (blank means "
                        "ClusterCIDR)");
        *(DetectLocalMode *) slot = mode;
        return 0;
}

void config_detect_local_format(FILE *file, const void *slot, const char *indent) {
        (void) fprintf(file, " %s", detect_local_mode_to_string(*(const DetectLocalMode *) slot));
}

int config_ping_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        PingMode mode = ping_mode_from_string(text);

        if (mode < 0)
                return config_fault_must(ret_fault, text, "always, with-endpoints or never");
        *(PingMode *) slot = mode;
        return 0;
}

void config_ping_format(FILE *file, const void *slot, const char *indent) {
        (void) fprintf(file, " %s", ping_mode_to_string(*(const PingMode *) slot));
}

int config_audit_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        AuditMode mode = audit_mode_from_string(text);

        if (mode < 0)
                return config_fault_must(ret_fault, text, "enforce or off");
        *(AuditMode *) slot = mode;
        return 0;
}

/* In quotes: "off" alone would be a boolean. */
void config_audit_format(FILE *file, const void *slot, const char *indent) {
        (void) fprintf(file, " \"%s\"", audit_mode_to_string(*(const AuditMode *) slot));
}

int config_metrics_detail_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        MetricsDetail detail = metrics_detail_from_string(text);

        if (detail < 0)
                return config_fault_must(ret_fault, text, "auto, full, essential, namespace or none");
        *(MetricsDetail *) slot = detail;
        return 0;
}

void config_metrics_detail_format(FILE *file, const void *slot, const char *indent) {
        (void) fprintf(file, " %s", metrics_detail_to_string(*(const MetricsDetail *) slot));
}

int config_log_format_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        LogFormat format = log_format_from_string(text);

        if (format < 0)
                return config_fault_must(ret_fault, text, "text or json");
        *(LogFormat *) slot = format;
        return 0;
}

void config_log_format_write(FILE *file, const void *slot, const char *indent) {
        (void) fprintf(file, " %s", log_format_to_string(*(const LogFormat *) slot));
}

bool config_enum_equal(const void *a, const void *b) {
        return memcmp(a, b, sizeof(int)) == 0;
}

_Static_assert(sizeof(DetectLocalMode) == sizeof(int) && sizeof(PingMode) == sizeof(int) &&
                       sizeof(AuditMode) == sizeof(int) && sizeof(LogFormat) == sizeof(int),
               "config_enum_equal() compares them as int");
