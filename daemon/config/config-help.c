/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "config/config-private.h"

#define FLAG_COLUMN 52

static void help_flag(FILE *file, const ConfigField *field) {
        const char *type = config_type_ops(field->type)->name;
        const char *fallback = field->fallback;
        bool plain = field->type == CONFIG_TYPE_BOOL;
        int n;

        if (strcmp(field->flag, "v") == 0)
                n = fprintf(file, "  -v, --v");
        else if (strcmp(field->flag, "help") == 0)
                n = fprintf(file, "  -h, --help");
        else
                n = fprintf(file, "      --%s", field->flag);
        if (field->type == CONFIG_TYPE_VERSION)
                n += fprintf(file, "[=raw]");
        else if (!plain)
                n += fprintf(file, " %s", type);
        (void) fprintf(file, "%*s%s", n < FLAG_COLUMN ? FLAG_COLUMN - n : 1, "", field->help);
        if (fallback[0] != '\0' && strcmp(fallback, "false") != 0 && strcmp(fallback, "0s") != 0 &&
            strcmp(fallback, "0") != 0)
                (void) fprintf(file, " (default %s)", fallback);
        (void) fputc('\n', file);
}

static void help_flags(FILE *file, const char *title, bool (*belongs)(const ConfigField *field)) {
        (void) fprintf(file, "\n%s:\n", title);
        for (size_t i = 0; i < config_field_count(); i++)
                if (config_field(i)->flag && belongs(config_field(i)))
                        help_flag(file, config_field(i));
}

static bool field_has_effect(const ConfigField *field) {
        return !(field->flags & (FIELD_NO_EFFECT | FIELD_OLD | FIELD_OURS));
}

static bool field_is_ours(const ConfigField *field) {
        return field->flags & FIELD_OURS;
}

static bool field_is_idle(const ConfigField *field) {
        return field->flags & (FIELD_NO_EFFECT | FIELD_OLD);
}

int config_help(char **ret) {
        _cleanup_(freep) char *text = NULL;
        size_t size;
        FILE *file = open_memstream(&text, &size);

        if (!file)
                return -ENOMEM;
        (void) fputs(
                "ipvsproxyd programs IPVS, addresses and nftables of this node for the Services of a Kubernetes\n"
                "cluster: the IPVS mode of kube-proxy as a system service. It takes kube-proxy's command line and\n"
                "configuration file. See ipvsproxyd(8) and ipvsproxy-config(5).\n"
                "\nUsage:\n  ipvsproxyd [flags]\n",
                file);
        help_flags(file, "Flags", field_has_effect);
        help_flags(file, "Flags that kube-proxy does not have", field_is_ours);
        help_flags(file, "Flags of kube-proxy that are accepted and have no effect here", field_is_idle);
        if (fclose(file) != 0)
                return -ENOMEM;
        *ret = TAKE_PTR(text);
        return 0;
}

int config_version(ConfigAction action, char **ret) {
        struct utsname machine;
        int r;

        if (action != CONFIG_ACTION_VERSION_RAW)
                r = asprintf(ret, "ipvsproxyd " PACKAGE_VERSION "\n");
        else if (uname(&machine) < 0)
                return -errno;
        else
                r = asprintf(ret,
                             "version.Info{Version:\"" PACKAGE_VERSION "\", Compiler:\"%s\", Platform:\"linux/%s\"}\n",
                             __VERSION__, machine.machine);
        return r < 0 ? -ENOMEM : 0;
}
