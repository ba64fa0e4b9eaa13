/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel in memory, as text for tests to compare. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/memory-private.h"

typedef struct TextLines {
        char **lines; /* owned */
        size_t n_lines, n_allocated;
        bool failed;
} TextLines;

static void text_lines_done(TextLines *lines) {
        for (size_t i = 0; i < lines->n_lines; i++)
                free(lines->lines[i]);
        free(lines->lines);
}

/* Takes the line; NULL is a failure to make it. */
static void text_lines_add(TextLines *lines, char *line) {
        if (lines->n_lines == lines->n_allocated) {
                size_t n = MAX2(lines->n_allocated * 2, (size_t) 64);
                char **bigger = reallocarray(lines->lines, n, sizeof(char *));

                if (bigger) {
                        lines->lines = bigger;
                        lines->n_allocated = n;
                }
        }
        if (!line || lines->n_lines == lines->n_allocated) {
                free(line);
                lines->failed = true;
                return;
        }
        lines->lines[lines->n_lines++] = line;
}

static int line_compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static void text_lines_print(TextLines *lines, FILE *stream) {
        if (lines->n_lines > 0)
                qsort(lines->lines, lines->n_lines, sizeof(char *), line_compare);
        for (size_t i = 0; i < lines->n_lines; i++)
                fprintf(stream, "%s\n", lines->lines[i]);
}

/* ---- one line each */

_printf_(1, 2) static char *format_line(const char *format, ...) {
        char *line = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&line, format, args) < 0)
                line = NULL;
        va_end(args);
        return line;
}

static char *format_element(const FilterElement *element) {
        char text[FILTER_ELEMENT_STRLEN];

        return format_line("filter %s", filter_element_format(element, text));
}

static char *format_flow(const ConntrackFlow *flow) {
        char from[IP_PORT_STRLEN], to[IP_PORT_STRLEN];

        if (flow->addr.family == 0)
                (void) snprintf(from, sizeof(from), "*:%u", flow->port);
        else
                (void) ip_port_format(&flow->addr, flow->port, from);
        if (flow->endpoint.addr.family == 0)
                return format_line("flushed %s", from);
        return format_line("flushed %s -> %s", from, ip_port_format(&flow->endpoint.addr, flow->endpoint.port, to));
}

/* ---- virtual servers: each with its real servers below it */

static int server_compare(const void *a, const void *b) {
        const MemoryServer *const *x = a, *const *y = b;

        return virtual_server_key_compare(&(*x)->service.key, &(*y)->service.key);
}

static void print_server(const MemoryServer *server, FILE *stream) {
        TextLines dests = {};
        char text[VIRTUAL_SERVER_STRLEN], addr[IP_PORT_STRLEN];

        fprintf(stream,
                "vs %s %s %#x %u\n",
                virtual_server_key_format(&server->service.key, text),
                server->service.scheduler,
                server->service.flags,
                server->service.timeout_sec);
        for (size_t i = 0; i < server->n_dests; i++)
                text_lines_add(&dests,
                               format_line("  rs %s w%u",
                                           ip_port_format(&server->dests[i].server.addr.addr,
                                                          server->dests[i].server.addr.port,
                                                          addr),
                                           server->dests[i].server.weight));
        text_lines_print(&dests, stream);
        text_lines_done(&dests);
}

static bool print_servers(const MemoryKernel *kernel, FILE *stream) {
        _cleanup_(freep) MemoryServer **servers = calloc(kernel->servers.n_entries + 1, sizeof(MemoryServer *));
        size_t n = 0;

        if (!servers)
                return false;
        for (size_t i = 0; (servers[n] = hashmap_next(&kernel->servers, &i));)
                n++;
        if (n > 0)
                qsort(servers, n, sizeof(MemoryServer *), server_compare);
        for (size_t i = 0; i < n; i++)
                print_server(servers[i], stream);
        return true;
}

char *memory_backend_to_string(const KernelBackend *backend) {
        const MemoryKernel *kernel = memory_kernel(backend);
        _cleanup_(text_lines_done) TextLines lines = {};
        const MemoryAddress *address;
        const FilterElement *element;
        char addr[IP_ADDR_STRLEN], *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);

        if (!stream)
                return NULL;
        lines.failed = !print_servers(kernel, stream);
        for (size_t i = 0; (address = hashmap_next(&kernel->addresses, &i));)
                text_lines_add(&lines, format_line("addr %s", ip_addr_format(&address->addr, addr)));
        for (size_t i = 0; (element = hashmap_next(&kernel->elements, &i));)
                text_lines_add(&lines, format_element(element));
        for (const MemoryFlow *flow = kernel->flushed; flow; flow = flow->next)
                text_lines_add(&lines, format_flow(&flow->flow));
        text_lines_print(&lines, stream);
        if (fclose(stream) != 0 || lines.failed) {
                free(text);
                return NULL;
        }
        return text;
}
