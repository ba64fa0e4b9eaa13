/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io.h"
#include "config/config-private.h"

static void file_closep(FILE **file) {
        if (*file)
                (void) fclose(*file);
}

/* "ipvs.syncPeriod" → 4; of a field at the top 0 */
static size_t block_size(const char *path) {
        const char *dot = strchr(path, '.');

        return dot ? (size_t) (dot - path) : 0;
}

static void config_format_fields(const Config *config, FILE *file) {
        const char *block = "";

        (void) fputs("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n", file);
        for (size_t i = 0; i < config_field_count(); i++) {
                const ConfigField *field = config_field(i);
                size_t size;

                if (!field->path || (field->flags & FIELD_NOT_WRITTEN))
                        continue;
                size = block_size(field->path);
                if (size > 0 && (block_size(block) != size || strncmp(block, field->path, size) != 0))
                        (void) fprintf(file, "%.*s:\n", (int) size, field->path);
                block = field->path;
                (void) fprintf(file, "%s%s:", size > 0 ? "  " : "", size > 0 ? field->path + size + 1 : field->path);
                config_type_ops(field->type)->format(file, config_slot_const(config, field), size > 0 ? "    " : "  ");
                (void) fputc('\n', file);
        }
}

int config_format(const Config *config, char **ret) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(file_closep) FILE *file = NULL;
        size_t size;

        file = open_memstream(&text, &size);
        if (!file)
                return -ENOMEM;
        config_format_fields(config, file);
        if (ferror(file) || fclose(TAKE_PTR(file)) != 0)
                return -ENOMEM;
        *ret = TAKE_PTR(text);
        return 0;
}

/* Not by a new file and rename: the path may be /dev/stdout. */
int config_write(const Config *config) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(closep) int fd = -1;
        int r = config_format(config, &text);

        if (r < 0)
                return r;
        fd = open(config->write_config_to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
        if (fd < 0)
                return -errno;
        r = write_all(fd, text, strlen(text));
        if (r < 0)
                return r;
        return close(TAKE_FD(fd)) < 0 ? -errno : 0;
}
