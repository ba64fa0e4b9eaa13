/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/endpoint-slice.h"

#include <errno.h>
#include <string.h>

#define SLICE_STRINGS_MAX (4U << 20)

int endpoint_slice_new(const char *namespace, const char *name, EndpointSlice **ret) {
        _cleanup_(endpoint_slice_freep) EndpointSlice *slice = calloc(1, sizeof(EndpointSlice));

        if (!slice)
                return -ENOMEM;
        slice->namespace = strdup(namespace);
        slice->name = strdup(name);
        slice->service_name = strdup("");
        if (!slice->namespace || !slice->name || !slice->service_name)
                return -ENOMEM;
        *ret = TAKE_PTR(slice);
        return 0;
}

EndpointSlice *endpoint_slice_free(EndpointSlice *slice) {
        if (!slice)
                return NULL;
        free(slice->namespace);
        free(slice->name);
        free(slice->service_name);
        free(slice->ports);
        free(slice->endpoints);
        free(slice->strings);
        free(slice);
        return NULL;
}

/* The offset of an equal string, or 0. Slices are small (100 endpoints by default), so a scan will do. */
static SliceString endpoint_slice_find_string(const EndpointSlice *slice, const char *text) {
        for (size_t i = 1; i < slice->strings_size; i += strlen(slice->strings + i) + 1)
                if (strcmp(slice->strings + i, text) == 0)
                        return (SliceString) i;
        return 0;
}

int endpoint_slice_add_string(EndpointSlice *slice, const char *text, bool share, SliceString *ret) {
        size_t size = strlen(text) + 1, start = MAX2(slice->strings_size, (size_t) 1);
        SliceString found = share && size > 1 ? endpoint_slice_find_string(slice, text) : 0;

        if (found > 0 || (share && size == 1)) {
                *ret = found;
                return 0;
        }
        if (start + size > SLICE_STRINGS_MAX)
                return -E2BIG;
        if (start + size > slice->strings_allocated) {
                size_t allocated = MAX2(start + size, slice->strings_allocated * 2);
                char *bigger = realloc(slice->strings, allocated);

                if (!bigger)
                        return -ENOMEM;
                slice->strings = bigger;
                slice->strings_allocated = allocated;
                slice->strings[0] = '\0';
        }
        memcpy(slice->strings + start, text, size);
        slice->strings_size = start + size;
        *ret = (SliceString) start;
        return 0;
}

void endpoint_slice_shrink(EndpointSlice *slice) {
        char *smaller = slice->strings_size < slice->strings_allocated ? realloc(slice->strings, slice->strings_size) :
                                                                         NULL;

        if (!smaller)
                return;
        slice->strings = smaller;
        slice->strings_allocated = slice->strings_size;
}

const char *endpoint_slice_string_at(const EndpointSlice *slice, SliceString first, unsigned n) {
        const char *text = endpoint_slice_string(slice, first);

        while (n-- > 0)
                text += strlen(text) + 1;
        return text;
}

bool endpoint_slice_equal(const EndpointSlice *a, const EndpointSlice *b) {
        if (strcmp(a->namespace, b->namespace) != 0 || strcmp(a->name, b->name) != 0 ||
            strcmp(a->service_name, b->service_name) != 0 || a->family != b->family ||
            a->n_ports != b->n_ports || a->n_endpoints != b->n_endpoints ||
            a->strings_size != b->strings_size)
                return false;
        if (a->strings_size > 0 && memcmp(a->strings, b->strings, a->strings_size) != 0)
                return false;
        if (a->n_ports > 0 && memcmp(a->ports, b->ports, a->n_ports * sizeof(SlicePort)) != 0)
                return false;
        return a->n_endpoints == 0 ||
               memcmp(a->endpoints, b->endpoints, a->n_endpoints * sizeof(Endpoint)) == 0;
}
