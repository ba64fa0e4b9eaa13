/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/http-gzip.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/*
 * Series differ little from one to the next, so that a small window and the least effort do: about 48 KiB of memory for
 * each answer under way, and the CPU is not what a scrape costs.
 */
#define WINDOW_BITS 12
#define WITH_GZIP_HEADER 16
#define MEMORY_LEVEL 5
#define INPUT_SIZE (16 * 1024)

typedef struct Gzip {
        HttpStream from; /* owned */
        z_stream z;
        char input[INPUT_SIZE];
        bool all; /* `from` has no more */
        bool done;
} Gzip;

static ssize_t gzip_fill(Gzip *gzip) {
        ssize_t n = gzip->from.read(gzip->from.userdata, gzip->input, sizeof(gzip->input));

        if (n < 0)
                return n;
        gzip->all = n == 0;
        gzip->z.next_in = (Bytef *) gzip->input;
        gzip->z.avail_in = (uInt) n;
        return n;
}

static ssize_t gzip_read(void *userdata, char *buffer, size_t size) {
        Gzip *gzip = userdata;
        size_t room = MIN2(size, (size_t) 1 << 20);

        gzip->z.next_out = (Bytef *) buffer;
        gzip->z.avail_out = (uInt) room;
        while (gzip->z.avail_out > 0 && !gzip->done) {
                int r;

                if (gzip->z.avail_in == 0 && !gzip->all) {
                        ssize_t n = gzip_fill(gzip);

                        if (n == -EAGAIN && gzip->z.avail_out < room)
                                break; /* so much for now */
                        if (n < 0)
                                return n;
                }
                r = deflate(&gzip->z, gzip->all ? Z_FINISH : Z_NO_FLUSH);
                gzip->done = r == Z_STREAM_END;
                if (r != Z_OK && r != Z_STREAM_END)
                        return -EIO;
        }
        return (ssize_t) (room - gzip->z.avail_out);
}

static void gzip_free(void *userdata) {
        Gzip *gzip = userdata;

        (void) deflateEnd(&gzip->z);
        if (gzip->from.free)
                gzip->from.free(gzip->from.userdata);
        free(gzip);
}

int http_gzip_wrap(HttpStream *stream) {
        Gzip *gzip = calloc(1, sizeof(Gzip));

        if (!gzip)
                return -ENOMEM;
        if (deflateInit2(&gzip->z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS + WITH_GZIP_HEADER, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
            Z_OK) {
                free(gzip);
                return -ENOMEM;
        }
        gzip->from = *stream;
        *stream = (HttpStream) { gzip_read, gzip_free, gzip };
        return 0;
}

/* "gzip;q=0.5", "gzip ; q=0" */
static bool coding_is_wanted(const char *parameters, size_t size) {
        const char *q = memchr(parameters, 'q', size), *end = parameters + size;

        if (!q)
                return true;
        for (q++; q < end; q++)
                if (*q >= '1' && *q <= '9')
                        return true;
        return false;
}

bool http_gzip_is_accepted(const char *accept_encoding) {
        const char *p = accept_encoding ? accept_encoding : "";

        while (*p) {
                size_t size, name;

                p += strspn(p, " \t,");
                size = strcspn(p, ",");
                name = strcspn(p, " \t;,");
                if (name == strlen("gzip") && strncasecmp(p, "gzip", name) == 0)
                        return coding_is_wanted(p + name, size - name);
                p += size;
        }
        return false;
}
