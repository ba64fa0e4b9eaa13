/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of both programs: to the journal with structured fields when stderr is connected to it, else to
 * stderr in klog's form ("I1123 14:16:51.123456    1234 file.c:12] message"), as kube-proxy writes it, or in
 * the form of its --logging-format=json.
 * A function either logs or returns an error to be logged. Never put secrets or whole objects here.
 */
#pragma once

#include <stdbool.h>
#include <syslog.h>

#include "common/macros.h"

typedef enum LogTarget {
        LOG_TARGET_AUTO, /* the journal if stderr leads there ($JOURNAL_STREAM), else stderr */
        LOG_TARGET_JOURNAL,
        LOG_TARGET_STDERR,
        _LOG_TARGET_MAX,
        _LOG_TARGET_INVALID = -22,
} LogTarget;

void log_set_target(LogTarget target);
LogTarget log_get_target(void);
const char *log_target_to_string(LogTarget target);
LogTarget log_target_from_string(const char *text);

/* syslog levels; what is above is dropped. Default LOG_INFO. */
void log_set_max_level(int level);
int log_get_max_level(void);

/*
 * Lines on stderr become JSON objects as component-base writes them: {"ts":1732449600000.123,"caller":"file.c:12","msg":"…","v":0},
 * ts in milliseconds; an error has "err" instead of "v". The journal is not affected, it has fields of its own.
 */
void log_set_json(bool json);

/* kube-proxy's --v: 0 to 1 → LOG_INFO without V-lines; log_v(n) prints if n <= verbosity. >= 6 → LOG_DEBUG */
void log_set_verbosity(int verbosity);
int log_get_verbosity(void);
bool log_v_enabled(int verbosity);

/*
 * One line. `error` (0 or a negative errno) is what %m prints and becomes ERRNO=. `fields` is NULL or an array
 * of "KEY=value" strings ended by NULL, journal fields without meaning for stderr; MESSAGE_ID= goes there too.
 * Returns `error`.
 */
int log_full(int level,
             int error,
             const char *file,
             int line,
             const char *func,
             const char *const *fields,
             const char *format,
             ...) _printf_(7, 8);

#define log_at(level, error, fields, ...)                                                          \
        ({                                                                                         \
                int _log_level = (level), _log_error = (error);                                    \
                log_get_max_level() >= _log_level                                                  \
                        ? log_full(_log_level, _log_error, __FILE__, __LINE__, __func__, fields, __VA_ARGS__) \
                        : _log_error;                                                              \
        })

#define log_debug(...) ((void) log_at(LOG_DEBUG, 0, NULL, __VA_ARGS__))
#define log_info(...) ((void) log_at(LOG_INFO, 0, NULL, __VA_ARGS__))
#define log_notice(...) ((void) log_at(LOG_NOTICE, 0, NULL, __VA_ARGS__))
#define log_warning(...) ((void) log_at(LOG_WARNING, 0, NULL, __VA_ARGS__))
#define log_error(...) ((void) log_at(LOG_ERR, 0, NULL, __VA_ARGS__))

/* `return log_error_errno(r, "Failed to list %s: %m", kind);` */
#define log_debug_errno(error, ...) log_at(LOG_DEBUG, error, NULL, __VA_ARGS__)
#define log_info_errno(error, ...) log_at(LOG_INFO, error, NULL, __VA_ARGS__)
#define log_warning_errno(error, ...) log_at(LOG_WARNING, error, NULL, __VA_ARGS__)
#define log_error_errno(error, ...) log_at(LOG_ERR, error, NULL, __VA_ARGS__)
#define log_oom() log_error_errno(-ENOMEM, "Out of memory.")

/* A line that kube-proxy prints at klog's V(n). */
#define log_v(n, ...) (log_v_enabled(n) ? (void) log_at(LOG_INFO, 0, NULL, __VA_ARGS__) : (void) 0)

/* With journal fields: log_struct(LOG_INFO, ((const char *const[]) { "SERVICE=…", NULL }), "…") */
#define log_struct(level, fields, ...) ((void) log_at(level, 0, fields, __VA_ARGS__))
