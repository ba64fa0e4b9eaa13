/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types whose values are lists, or words of a table; config-types.c has the table of them all, and the scalars. */
#pragma once

#include "config/config-private.h"

/* "text" must be …; always negative. */
int config_fault_must(char **ret_fault, const char *text, const char *what);

/* config-types-list.c */
int config_nets_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault);
int config_net_pair_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault);
bool config_nets_equal(const void *a, const void *b);
void config_nets_format(FILE *file, const void *slot, const char *indent);
void config_net_pair_format(FILE *file, const void *slot, const char *indent);
void config_nets_done(void *slot);

int config_node_ports_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault);
bool config_node_ports_equal(const void *a, const void *b);
void config_node_ports_format(FILE *file, const void *slot, const char *indent);
void config_node_ports_done(void *slot);

int config_gates_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault);
bool config_gates_equal(const void *a, const void *b);
void config_gates_format(FILE *file, const void *slot, const char *indent);
void config_gates_done(void *slot);

int config_vmodule_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault);
void config_vmodule_format(FILE *file, const void *slot, const char *indent);

/* config-types-enum.c */
int config_detect_local_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault);
void config_detect_local_format(FILE *file, const void *slot, const char *indent);
int config_ping_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault);
void config_ping_format(FILE *file, const void *slot, const char *indent);
int config_audit_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault);
void config_audit_format(FILE *file, const void *slot, const char *indent);
int config_metrics_detail_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault);
void config_metrics_detail_format(FILE *file, const void *slot, const char *indent);
int config_log_format_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault);
void config_log_format_write(FILE *file, const void *slot, const char *indent);
bool config_enum_equal(const void *a, const void *b);

/* A string in quotes, in ASCII: YAML forbids some characters as they are. What is no UTF-8 ends it. */
void config_string_write(FILE *file, const char *text);
