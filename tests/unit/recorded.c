/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/recorded.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"

char *source_file_read(const char *path, size_t *ret_size) {
        const char *source = getenv("srcdir");
        char name[4096], *text;
        FILE *file;
        long size;

        (void) snprintf(name, sizeof(name), "%s/%s", source ? source : ".", path);
        file = fopen(name, "re");
        if (!file)
                fail_msg("%s: %s", name, strerror(errno));
        assert_int_equal(fseek(file, 0, SEEK_END), 0);
        size = ftell(file);
        assert_true(size > 0);
        rewind(file);
        text = malloc((size_t) size + 1);
        assert_non_null(text);
        assert_int_equal(fread(text, 1, (size_t) size, file), (size_t) size);
        text[size] = '\0';
        (void) fclose(file);
        *ret_size = (size_t) size;
        return text;
}

void recorded_load(const char *name, Recorded *ret) {
        char path[256], *line, *end;
        size_t size;

        (void) snprintf(path, sizeof(path), "tests/data/recorded-api/%s", name);
        ret->text = source_file_read(path, &size);
        line = strchr(ret->text, '\n');
        assert_non_null(line);
        *line = '\0';
        assert_int_equal(strncmp(ret->text, "# GET ", 6), 0);
        ret->path = ret->text + 6;
        assert_int_equal(sscanf(line + 1, "HTTP/1.1 %u", &ret->status), 1);
        end = strstr(line + 1, "\n\n");
        assert_non_null(end);
        ret->body = end + 2;
        ret->size = size - (size_t) (ret->body - ret->text);
}

void recorded_done(Recorded *recorded) {
        free(recorded->text);
}
