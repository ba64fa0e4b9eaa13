/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

/* Longer messages are cut: names in Kubernetes are bounded, so this holds every line of ours. */
#define LOG_LINE_MAX 2048
#define LOG_FIELDS_MAX 16

static struct {
        LogTarget target;
        int max_level;
        int verbosity;
        bool json;
} log_state = { .target = LOG_TARGET_AUTO, .max_level = LOG_INFO };

static const char *const log_target_table[_LOG_TARGET_MAX] = {
        [LOG_TARGET_AUTO] = "auto",
        [LOG_TARGET_JOURNAL] = "journal",
        [LOG_TARGET_STDERR] = "console",
};

const char *log_target_to_string(LogTarget target) {
        return target >= 0 && target < _LOG_TARGET_MAX ? log_target_table[target] : NULL;
}

LogTarget log_target_from_string(const char *text) {
        for (LogTarget t = 0; t < _LOG_TARGET_MAX; t++)
                if (strcmp(text, log_target_table[t]) == 0)
                        return t;
        return _LOG_TARGET_INVALID;
}

/* sd_journal_stream_fd(3): $JOURNAL_STREAM names device and inode of the journal's socket. */
static bool stderr_is_journal(void) {
        const char *text = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        return text && sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
               fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_set_target(LogTarget target) {
        log_state.target = target;
}

LogTarget log_get_target(void) {
        if (log_state.target == LOG_TARGET_AUTO)
                log_state.target = stderr_is_journal() ? LOG_TARGET_JOURNAL : LOG_TARGET_STDERR;
        return log_state.target;
}

void log_set_max_level(int level) {
        log_state.max_level = level;
}

int log_get_max_level(void) {
        return log_state.max_level;
}

void log_set_verbosity(int verbosity) {
        log_state.verbosity = verbosity;
        log_state.max_level = verbosity >= 6 ? LOG_DEBUG : LOG_INFO;
}

void log_set_json(bool json) {
        log_state.json = json;
}

int log_get_verbosity(void) {
        return log_state.verbosity;
}

bool log_v_enabled(int verbosity) {
        return verbosity <= log_state.verbosity;
}

static void log_to_journal(int level,
                           int error,
                           const char *file,
                           int line,
                           const char *func,
                           const char *const *fields,
                           const char *message) {
        char text[LOG_LINE_MAX + 8], priority[16], code_file[256], code_line[32], code_func[128],
                errno_text[32];
        struct iovec iov[LOG_FIELDS_MAX + 6];
        int n = 0;

        (void) snprintf(text, sizeof(text), "MESSAGE=%s", message);
        (void) snprintf(priority, sizeof(priority), "PRIORITY=%d", level);
        (void) snprintf(code_file, sizeof(code_file), "CODE_FILE=%s", file);
        (void) snprintf(code_line, sizeof(code_line), "CODE_LINE=%d", line);
        (void) snprintf(code_func, sizeof(code_func), "CODE_FUNC=%s", func);

        const char *own[] = { text, priority, code_file, code_line, code_func };
        for (size_t i = 0; i < ELEMENTSOF(own); i++)
                iov[n++] = (struct iovec) { (char *) (uintptr_t) own[i], strlen(own[i]) };
        if (error < 0) {
                (void) snprintf(errno_text, sizeof(errno_text), "ERRNO=%d", -error);
                iov[n++] = (struct iovec) { errno_text, strlen(errno_text) };
        }
        for (size_t i = 0; fields && fields[i] && i < LOG_FIELDS_MAX; i++)
                iov[n++] = (struct iovec) { (char *) (uintptr_t) fields[i], strlen(fields[i]) };
        (void) sd_journal_sendv(iov, n); /* there is nowhere to report its failure to */
}

static void print_json_string(FILE *stream, const char *text) {
        (void) fputc('"', stream);
        for (; *text != '\0'; text++) {
                unsigned char c = (unsigned char) *text;

                if (c == '"' || c == '\\')
                        (void) fprintf(stream, "\\%c", c);
                else if (c < 0x20 || c == 0x7f)
                        (void) fprintf(stream, "\\u%04x", c);
                else
                        (void) fputc(c, stream);
        }
        (void) fputc('"', stream);
}

/* stderr has no buffer, so the line is made in memory and written at once. */
static void log_to_json(int level, int error, const char *file, int line, const char *message) {
        char text[LOG_LINE_MAX * 6 + 512]; /* every byte may become six */
        FILE *stream = fmemopen(text, sizeof(text), "w");
        const char *base = strrchr(file, '/');
        struct timespec now;

        if (!stream)
                return; /* out of memory: a line less */
        (void) clock_gettime(CLOCK_REALTIME, &now);
        (void) fprintf(stream,
                       "{\"ts\":%lld.%03ld,\"caller\":\"%s:%d\",\"msg\":",
                       (long long) now.tv_sec * 1000 + now.tv_nsec / 1000000,
                       now.tv_nsec / 1000 % 1000,
                       base ? base + 1 : file,
                       line);
        print_json_string(stream, message);
        if (level > LOG_ERR)
                (void) fputs(",\"v\":0}\n", stream);
        else {
                (void) fputs(",\"err\":", stream);
                print_json_string(stream, error < 0 ? strerror(-error) : "");
                (void) fputs("}\n", stream);
        }
        if (fclose(stream) == 0)
                (void) fputs(text, stderr);
}

static void log_to_stderr(int level, const char *file, int line, const char *message) {
        static const char letters[] = "FFFEWIII";
        const char *base = strrchr(file, '/');
        struct timespec now;
        char stamp[32];
        struct tm tm;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        (void) localtime_r(&now.tv_sec, &tm);
        (void) strftime(stamp, sizeof(stamp), "%m%d %H:%M:%S", &tm);
        (void) fprintf(stderr,
                       "%c%s.%06ld %7d %s:%d] %s\n",
                       letters[level & 7],
                       stamp,
                       now.tv_nsec / 1000,
                       (int) getpid(),
                       base ? base + 1 : file,
                       line,
                       message);
}

int log_full(int level,
             int error,
             const char *file,
             int line,
             const char *func,
             const char *const *fields,
             const char *format,
             ...) {
        char message[LOG_LINE_MAX];
        int saved_errno = errno;
        va_list ap;

        errno = -error;
        va_start(ap, format);
        (void) vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);

        if (log_get_target() == LOG_TARGET_JOURNAL)
                log_to_journal(level, error, file, line, func, fields, message);
        else if (log_state.json)
                log_to_json(level, error, file, line, message);
        else
                log_to_stderr(level, file, line, message);
        errno = saved_errno;
        return error;
}
