/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of config/ share: the table of settings, the types of their values, and where a value came from.
 * Nobody outside of config/ includes this.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/macros.h"
#include "config/config.h"
#include "config/yaml-tree.h"

/* The file is read into memory once, and it is an operator's. */
#define CONFIG_FILE_SIZE_MAX (1024 * 1024)

/* ---- text */

/* `text` in quotes with control characters escaped, cut when long, for messages. New memory; NULL: out of memory. */
char *config_quote(const char *text);

/*
 * The one of `n` words (given by `get`, which may return NULL) that `text` was probably meant to be: by at most `max`
 * insertions, deletions and replacements, or a third of its length if `max` is 0. NULL if none is near.
 */
const char *config_nearest(const char *text, size_t n, const char *(*get)(size_t i), size_t max);

/* As Go prints it: "1h0m0s", "1.5s", "250ms". */
#define CONFIG_DURATION_STRLEN 40
const char *config_duration_format(uint64_t usec, char buf[static CONFIG_DURATION_STRLEN]);

/* The code point at `text`, and its length; 0 if there is no UTF-8. NUL has length 1. */
size_t config_utf8_decode(const char *text, uint32_t *ret);
bool config_utf8_valid(const char *text);

/* ---- types */

typedef enum ConfigType {
        CONFIG_TYPE_STRING,
        CONFIG_TYPE_BOOL,
        CONFIG_TYPE_INT32,
        CONFIG_TYPE_FLOAT,
        CONFIG_TYPE_DURATION,
        CONFIG_TYPE_FLUSH, /* a duration, or a number of nanoseconds in the file (logging.flushFrequency) */
        CONFIG_TYPE_IP,
        CONFIG_TYPE_IP_PORT, /* port 0: to be completed; none: no server */
        CONFIG_TYPE_NETS,
        CONFIG_TYPE_NET_PAIR,
        CONFIG_TYPE_NODE_PORT_ADDRESSES,
        CONFIG_TYPE_FEATURE_GATES,
        CONFIG_TYPE_VMODULE,
        CONFIG_TYPE_MODE,
        CONFIG_TYPE_SCHEDULER,
        CONFIG_TYPE_INTERFACE,
        CONFIG_TYPE_PATH, /* absolute, or "" */
        CONFIG_TYPE_PORT_RANGE, /* "300-2000", "300+50", "300" or "" */
        CONFIG_TYPE_DETECT_LOCAL,
        CONFIG_TYPE_PING,
        CONFIG_TYPE_AUDIT,
        CONFIG_TYPE_METRICS_DETAIL,
        CONFIG_TYPE_LOG_FORMAT,
        CONFIG_TYPE_VERSION, /* a boolean, or "raw" */
        CONFIG_TYPE_ANY,     /* in the file: whatever it is */
        _CONFIG_TYPE_MAX,
} ConfigType;

typedef struct ConfigField ConfigField;

/*
 * `slot` is the member of a Config. parse() replaces the value, or adds to it if the type is a list. -EINVAL:
 * *ret_fault is new memory: what is wrong and what to do, to be put behind the place; -ENOMEM.
 */
typedef struct ConfigTypeOps {
        const char *name; /* as pflag shows it in --help */
        unsigned kinds;   /* bits 1 << YamlKind that the file may have, besides null; 0: config-file.c knows */
        bool list;        /* comma-separated on the command line, a list in the file */
        size_t size;
        int (*parse)(const ConfigField *field, const char *text, void *slot, char **ret_fault);
        bool (*equal)(const void *a, const void *b);
        void (*format)(FILE *file, const void *slot, const char *indent); /* behind "key:" */
        void (*done)(void *slot); /* NULL: nothing is owned. Leaves the empty value. */
} ConfigTypeOps;

const ConfigTypeOps *config_type_ops(ConfigType type);

/* "must be …" as new memory, in *ret_fault; -EINVAL or -ENOMEM. */
int config_fault(char **ret_fault, const char *format, ...) _printf_(2, 3);

/* ---- the table */

enum {
        FIELD_NO_EFFECT = 1 << 0,   /* said once when it is given */
        FIELD_OLD = 1 << 1,         /* of kube-proxy versions before 1.31, or of glog; no effect either */
        FIELD_OURS = 1 << 2,        /* not kube-proxy's */
        FIELD_RUN = 1 << 3,         /* what this run is for, no setting */
        FIELD_WITH_CONFIG = 1 << 4, /* the flag counts although --config is given */
        FIELD_ZERO_UNSET = 1 << 5,  /* zero or "" in the file means the default */
        FIELD_POSITIVE = 1 << 6,    /* zero is an error */
        FIELD_LIVE = 1 << 7,        /* a change can be applied to the running daemon */
        FIELD_NOT_WRITTEN = 1 << 8, /* in the file accepted, not written */
        FIELD_DEPRECATED = 1 << 9,  /* said once; it has an effect */
};

#define FIELD_NOWHERE SIZE_MAX

struct ConfigField {
        const char *path; /* in the file; NULL: none */
        const char *flag; /* without dashes; NULL: none */
        ConfigType type;
        size_t offset;        /* in Config; FIELD_NOWHERE: read, checked and forgotten */
        const char *fallback; /* the default, as text; of a list: the comma-separated items */
        unsigned flags;
        int32_t min, max;          /* of INT32; both 0: all */
        const char *help;          /* one line: what it does; for --help */
        const char *file_fallback; /* where the default differs once --config is given; else NULL */
};

size_t config_field_count(void);
const ConfigField *config_field(size_t i);
/* `name` with dashes or underscores, `size` bytes. -ENOENT */
int config_field_by_flag(const char *name, size_t size, size_t *ret);

static inline void *config_slot(Config *config, const ConfigField *field) {
        return (char *) config + field->offset;
}

static inline const void *config_slot_const(const Config *config, const ConfigField *field) {
        return (const char *) config + field->offset;
}

/* Puts the default (of the file, if `with_file`) into `slot`. -ENOMEM */
int config_field_reset(const ConfigField *field, void *slot, bool with_file);

/* Reads a whole value as a flag has it: of a list all items, added. -EINVAL with *ret_fault, -ENOMEM. */
int config_field_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault);

/* Holds the value of any type: for what is read, checked and forgotten. */
typedef union ConfigScratch {
        bool flag;
        int32_t integer;
        int enumeration;
        double number;
        uint64_t usec;
        char *text;
        IpAddr addr;
        IpPort port;
        ConfigNets nets;
        NodePortAddresses node_port_addresses;
        FeatureGates feature_gates;
} ConfigScratch;

/* ---- loading */

typedef enum ConfigOrigin {
        CONFIG_ORIGIN_DEFAULT,
        CONFIG_ORIGIN_FILE,
        CONFIG_ORIGIN_FLAG,
} ConfigOrigin;

typedef struct ConfigSource {
        ConfigOrigin origin;
        unsigned line; /* in the file */
} ConfigSource;

typedef struct ConfigLoader {
        Config *config;           /* owned until it is handed over */
        ConfigMessages *messages; /* borrowed */
        ConfigSource *sources;    /* owned; one a field */
        size_t n_errors_before;   /* in messages */
        const char *file;         /* borrowed; NULL: no --config */
} ConfigLoader;

/* Without memory for a message the error count is what tells. Beyond a hundred, messages are dropped. */
void config_message(ConfigMessages *messages, ConfigSeverity severity, const char *format, ...) _printf_(3, 4);

/* A message about a field, with the place of its value in front. */
void config_field_message(ConfigLoader *loader, size_t field, ConfigSeverity severity, const char *format, ...)
        _printf_(4, 5);

/* The index of the field that lies at `offset` in Config. */
size_t config_field_at(size_t offset);

/* Reads loader->file into the config. Faults are messages. -ENOMEM. */
int config_file_load(ConfigLoader *loader);

/* Reads the value of field `i`. Faults are messages. -ENOMEM. */
int config_file_field(ConfigLoader *loader, size_t i, const YamlEntry *entry);

/* One use of a flag. */
typedef struct ConfigFlagUse {
        size_t field;
        const char *value; /* borrowed from argv, or a constant */
} ConfigFlagUse;

typedef struct ConfigFlagUses {
        ConfigFlagUse *items; /* owned */
        size_t n_items;
} ConfigFlagUses;

/* Splits the command line as pflag does; values are not read yet. Faults are messages. -ENOMEM. */
int config_flags_split(int argc, char **argv, ConfigFlagUses *ret, ConfigMessages *messages);

/* Reads the values into the config. Faults are messages. -ENOMEM. */
int config_flags_apply(ConfigLoader *loader, const ConfigFlagUses *uses);

/* What kube-proxy does between reading and running: what one value decides about another, then what must hold. */
int config_complete(ConfigLoader *loader);
void config_validate(ConfigLoader *loader);

/* ---- feature gates */

/*
 * False: nothing is to be said about the gate. Else *ret_text goes behind its name, and *ret_nearest, unless NULL,
 * behind that.
 */
bool config_gate_check(const FeatureGate *gate,
                       ConfigSeverity *ret_severity,
                       const char **ret_text,
                       const char **ret_nearest);
