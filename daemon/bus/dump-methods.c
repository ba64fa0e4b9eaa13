/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DumpByFileDescriptor and PlanByFileDescriptor: what is asked for, and whether the caller may have it. */
#include <string.h>

#include "bus/arguments.h"
#include "bus/bus-private.h"
#include "bus/describe.h"
#include "bus/dump.h"
#include "common/bus-names.h"

/* Within the caller's share, or with polkit's leave. 1 = go on; 0 = the call comes again. */
static int dump_allowed(Bus *bus, sd_bus_message *m, const char *method, uid_t *ret_uid, sd_bus_error *error) {
        PolkitRequest request = { .action = POLKIT_ACTION_BYPASS_RATE_LIMIT, .details = { { "method", method } } };
        int r = peers_get_uid(bus->peers, m, ret_uid);

        if (r <= 0)
                return r;
        if (!polkit_has_asked(bus->polkit, m) && peers_take_dump(bus->peers, *ret_uid, bus_now(bus)))
                return 1;
        return polkit_authorize(bus->polkit, m, &request, error);
}

typedef struct DumpOptions {
        OptionList sections;
        const char *format;
} DumpOptions;

static const OptionSpec dump_keys[] = {
        { "format", 's', offsetof(DumpOptions, format) },
        { "sections", 'a', offsetof(DumpOptions, sections) },
};

static int read_sections(const OptionList *list, unsigned *ret, sd_bus_error *error) {
        static const struct {
                const char *name;
                unsigned bits;
        } table[] = {
                { "services", DUMP_SECTION_SERVICES },
                { "endpoints", DUMP_SECTION_SERVICES | DESCRIBE_ENDPOINTS },
                { "statistics", DUMP_SECTION_SERVICES | DESCRIBE_STATISTICS },
                { "kernel", DUMP_SECTION_SERVICES | DESCRIBE_KERNEL },
        };
        unsigned sections = list->n_items == 0 ? DUMP_SECTION_SERVICES | DESCRIBE_ENDPOINTS : 0;

        for (size_t i = 0; i < list->n_items; i++) {
                size_t k = 0;

                while (k < ELEMENTSOF(table) && strcmp(table[k].name, list->items[i]) != 0)
                        k++;
                if (k == ELEMENTSOF(table))
                        return sd_bus_error_setf(
                                error, SD_BUS_ERROR_INVALID_ARGS, "There is no section \"%.64s\".", list->items[i]);
                sections |= table[k].bits;
        }
        *ret = sections;
        return 0;
}

static int read_format(const char *format, bool *ret_sequence, sd_bus_error *error) {
        *ret_sequence = format && strcmp(format, "json-seq") == 0;
        if (format && !*ret_sequence && strcmp(format, "json") != 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "The value of \"format\" is json or json-seq.");
        return 0;
}

typedef struct DumpRequest {
        DumpKind kind;
        unsigned sections;
        bool sequence;
} DumpRequest;

static int dump_answer(Bus *bus, sd_bus_message *m, const char *method, const DumpRequest *request, sd_bus_error *error) {
        uid_t uid;
        int r;

        if (bus->status.generation == 0)
                return sd_bus_error_setf(error, BUS_ERROR_NOT_READY, "The first sync is not complete.");
        r = dump_allowed(bus, m, method, &uid, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        return dumps_ask(bus->dumps, m, uid, request->kind, request->sections, request->sequence, error);
}

int bus_dump(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        DumpOptions options = {};
        Bus *bus = userdata;
        unsigned sections = 0;
        bool sequence = false;
        int r;

        r = argument_options(m, dump_keys, ELEMENTSOF(dump_keys), &options, error);
        if (r >= 0)
                r = read_sections(&options.sections, &sections, error);
        if (r >= 0)
                r = read_format(options.format, &sequence, error);
        if (r < 0)
                return r;
        return dump_answer(bus, m, "DumpByFileDescriptor", &(DumpRequest) { DUMP_KIND_STATE, sections, sequence }, error);
}

int bus_plan(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        DumpOptions options = {};
        Bus *bus = userdata;
        bool sequence = false;
        int r;

        r = argument_options(m, dump_keys, 1, &options, error);
        if (r >= 0)
                r = read_format(options.format, &sequence, error);
        if (r < 0)
                return r;
        return dump_answer(bus, m, "PlanByFileDescriptor", &(DumpRequest) { DUMP_KIND_PLAN, 0, sequence }, error);
}
