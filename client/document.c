/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/document.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "client/message-json.h"

#define DEPTH_MAX 32
#define READ_SIZE 65536
#define DOCUMENT_SIZE_MAX ((size_t) 256 << 20)

static void json_tokener_freep(json_tokener **tokener) {
        if (*tokener)
                json_tokener_free(*tokener);
}

static int keys_to_camel(json_object *value, json_object **ret);

static int object_to_camel(json_object *object, json_object **ret) {
        _cleanup_(json_object_putp) json_object *copy = json_object_new_object();
        int r = copy ? 0 : -ENOMEM;

        json_object_object_foreach(object, key, member) {
                _cleanup_(freep) char *camel = NULL;
                json_object *value = NULL;

                if (r >= 0)
                        r = json_key_to_camel(key, &camel);
                if (r >= 0)
                        r = keys_to_camel(member, &value);
                if (r >= 0)
                        r = json_add(copy, camel, value);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(copy);
        return 0;
}

static int array_to_camel(json_object *array, json_object **ret) {
        _cleanup_(json_object_putp) json_object *copy = json_object_new_array();
        int r = copy ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < json_object_array_length(array); i++) {
                json_object *value = NULL;

                r = keys_to_camel(json_object_array_get_idx(array, i), &value);
                if (r >= 0)
                        r = json_append(copy, value);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(copy);
        return 0;
}

/* The depth is that of the document, which the parser has bounded. */
static int keys_to_camel(json_object *value, json_object **ret) {
        switch (json_object_get_type(value)) {
        case json_type_object:
                return object_to_camel(value, ret);
        case json_type_array:
                return array_to_camel(value, ret);
        case json_type_null:
        case json_type_boolean:
        case json_type_double:
        case json_type_int:
        case json_type_string:
                break;
        }
        *ret = json_object_get(value);
        return 0;
}

int document_parse(const char *text, size_t size, json_object **ret) {
        _cleanup_(json_tokener_freep) json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
        _cleanup_(json_object_putp) json_object *document = NULL;

        if (!tokener)
                return -ENOMEM;
        if (size > INT_MAX)
                return -EFBIG;
        document = json_tokener_parse_ex(tokener, text, (int) size);
        if (json_tokener_get_error(tokener) != json_tokener_success)
                return -EBADMSG;
        for (size_t i = json_tokener_get_parse_end(tokener); i < size; i++)
                if (!strchr(" \t\r\n", text[i]))
                        return -EBADMSG;
        return keys_to_camel(document, ret);
}

static int buffer_grow(char **buf, size_t *allocated) {
        size_t size = *allocated ? *allocated * 2 : READ_SIZE;
        char *grown;

        if (*allocated >= DOCUMENT_SIZE_MAX)
                return -EFBIG;
        grown = realloc(*buf, size + 1);
        if (!grown)
                return -ENOMEM;
        *buf = grown;
        *allocated = size;
        return 0;
}

int document_read_fd(int fd, char **ret, size_t *ret_size) {
        _cleanup_(freep) char *buf = NULL;
        size_t size = 0, allocated = 0;
        ssize_t n;
        int r;

        if (lseek(fd, 0, SEEK_SET) < 0 && errno != ESPIPE)
                return -errno;
        do {
                r = size == allocated ? buffer_grow(&buf, &allocated) : 0;
                if (r < 0)
                        return r;
                n = read(fd, buf + size, allocated - size);
                if (n < 0 && errno != EINTR)
                        return -errno;
                size += n > 0 ? (size_t) n : 0;
        } while (n != 0);
        buf[size] = '\0';
        *ret = TAKE_PTR(buf);
        *ret_size = size;
        return 0;
}
