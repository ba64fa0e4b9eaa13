/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file descriptor pins the memory behind it for as long as somebody holds it, so dumps are shared and counted
 * (reference dbus-polkit-cli.md §2.6, M9). Each caller gets a description of its own, opened for reading, because an
 * offset that is shared would let callers disturb each other.
 */
#include "bus/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bus/bus-private.h"
#include "bus/describe.h"
#include "common/clock.h"
#include "common/log.h"
#include "control/differences.h"
#include "control/priorities.h"

/* Of a turn, in the measure of answer.h */
#define SERVICE_COST 10
#define ENDPOINT_COST 3
#define WAITING_MAX 8
#define JOBS_MAX 6
#define FRESH_USEC USEC_PER_SEC
/*
 * A plan is made in one go, for the kernel is to be seen at one time: of plain users' plans so many times as long passes until
 * the next one, meanwhile they get the same.
 */
#define PLAN_SHARE 200
#define RECORD_SEPARATOR '\x1e' /* RFC 7464 */

typedef struct Waiting {
        sd_bus_message *m; /* owned reference */
        uid_t uid;
} Waiting;

typedef struct DumpJob {
        struct DumpJob *next;
        Dumps *dumps; /* borrowed */
        DumpKind kind;
        unsigned sections; /* DESCRIBE_…, DUMP_SECTION_SERVICES */
        bool sequence; /* a record a service, not one document */
        int fd; /* owned; the memfd */
        FILE *out; /* owned; writes to a duplicate of it; NULL once it is sealed */
        Json json;
        char *last; /* owned: id of the last service written */
        uint64_t done_usec; /* 0 = still being written */
        uint64_t cost_usec; /* of what was made in one go */
        Waiting waiting[WAITING_MAX];
        size_t n_waiting;
} DumpJob;

struct Dumps {
        Bus *bus; /* borrowed */
        DumpJob *jobs; /* owned */
        size_t n_jobs;
        sd_event_source *turn;
        sd_event_source *expiry; /* timer */
};

static void job_free(DumpJob *job) {
        for (DumpJob **p = &job->dumps->jobs; *p; p = &(*p)->next)
                if (*p == job) {
                        *p = job->next;
                        job->dumps->n_jobs--;
                        break;
                }
        for (size_t i = 0; i < job->n_waiting; i++)
                (void) sd_bus_message_unref(job->waiting[i].m);
        if (job->out)
                (void) fclose(job->out);
        if (job->fd >= 0)
                (void) close(job->fd);
        free(job->last);
        free(job);
}

/* ---- writing */

static void job_head(DumpJob *job) {
        Bus *bus = job->dumps->bus;

        if (job->sequence)
                (void) putc(RECORD_SEPARATOR, job->out);
        job->json = (Json) { .out = job->out };
        json_open(&job->json, NULL, '{');
        if (job->kind == DUMP_KIND_STATE)
                describe_manager(bus, &job->json);
        else
                json_number(&job->json, "generation", bus->status.generation);
        if (job->sequence) {
                json_close(&job->json, '{');
                (void) putc('\n', job->out);
        } else {
                json_open(&job->json, job->kind == DUMP_KIND_STATE ? "services" : "changes", '[');
        }
}

static int job_service(DumpJob *job, const DesiredPort *port) {
        int r;

        if (job->sequence) {
                (void) putc(RECORD_SEPARATOR, job->out);
                job->json.separate = false;
        }
        r = describe_service(job->dumps->bus, &job->json, NULL, port, job->sections, 0);
        if (job->sequence)
                (void) putc('\n', job->out);
        return r;
}

/* Some services more; 1 = there are more. */
static int job_services(DumpJob *job) {
        Bus *bus = job->dumps->bus;
        AnswerPart part = ANSWER_PART_BEGIN;
        size_t position;
        const char *id = NULL;
        int r = index_settle(bus->index);

        position = index_after(bus->index, job->last ? job->last : "");
        for (; r >= 0 && !answer_part_is_over(&part) && (id = index_get(bus->index, &position)); position++) {
                const DesiredPort *port = desired_find(manager_desired(bus->manager), id);

                part.cost += port ? SERVICE_COST + ENDPOINT_COST * port->n_endpoints : ANSWER_LOOK_COST;
                if (port)
                        r = job_service(job, port);
                free(job->last);
                job->last = strdup(id);
                if (!job->last)
                        r = -ENOMEM;
        }
        return r < 0 ? r : id != NULL;
}

static int plan_line(const Difference *difference, void *userdata) {
        DumpJob *job = userdata;

        if (job->sequence) {
                (void) putc(RECORD_SEPARATOR, job->out);
                job->json.separate = false;
        }
        describe_difference(&job->json, difference);
        if (job->sequence)
                (void) putc('\n', job->out);
        return ferror(job->out) ? -ENOSPC : 0;
}

static int job_plan(DumpJob *job) {
        uint64_t begun = clock_now_usec(CLOCK_MONOTONIC);
        int r = differences_visit(job->dumps->bus->manager, plan_line, job);

        job->cost_usec = clock_now_usec(CLOCK_MONOTONIC) - begun;
        return r;
}

static int job_step(DumpJob *job) {
        if (job->kind == DUMP_KIND_PLAN)
                return job_plan(job);
        return job->sections & DUMP_SECTION_SERVICES ? job_services(job) : 0;
}

static int job_seal(DumpJob *job) {
        int r = 0;

        if (!job->sequence) {
                json_close(&job->json, '[');
                json_close(&job->json, '{');
                (void) putc('\n', job->out);
        }
        if (ferror(job->out) || fflush(job->out) != 0)
                r = -ENOSPC;
        (void) fclose(job->out);
        job->out = NULL;
        if (r >= 0 && fcntl(job->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                r = -errno;
        return r;
}

/* ---- handing out */

static int job_reply(const DumpJob *job, sd_bus_message *m, uid_t uid) {
        _cleanup_(closep) int fd = -1;
        char path[32];
        struct stat st;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", job->fd);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        peers_charge_dump(job->dumps->bus->peers, uid, bus_now(job->dumps->bus), (size_t) st.st_size);
        return sd_bus_reply_method_return(m, "h", fd);
}

static void job_answer(DumpJob *job, int failure) {
        for (size_t i = 0; i < job->n_waiting; i++) {
                int r = failure < 0 ? failure : job_reply(job, job->waiting[i].m, job->waiting[i].uid);

                if (r < 0)
                        (void) sd_bus_reply_method_errno(job->waiting[i].m, r, NULL); /* who left gets no answer */
                (void) sd_bus_message_unref(job->waiting[i].m);
        }
        job->n_waiting = 0;
}

static void job_run(DumpJob *job) {
        int r = job_step(job);

        if (r > 0)
                return;
        if (r >= 0)
                r = job_seal(job);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to make a dump: %m");
        job_answer(job, r);
        job->done_usec = bus_now(job->dumps->bus);
        if (r < 0)
                job_free(job);
}

/* The one that was begun first: another is newer when its turn comes. */
static DumpJob *dumps_unfinished(const Dumps *dumps) {
        DumpJob *oldest = NULL;

        for (DumpJob *job = dumps->jobs; job; job = job->next)
                oldest = job->done_usec == 0 ? job : oldest;
        return oldest;
}

/* How long it is handed out to this user. */
static uint64_t job_fresh_usec(const DumpJob *job, uid_t uid) {
        return uid == 0 ? FRESH_USEC : MAX2(FRESH_USEC, PLAN_SHARE * job->cost_usec);
}

/* Frees what nobody gets any more, and looks again when the next one is old. */
static void dumps_expire(Dumps *dumps) {
        uint64_t now = bus_now(dumps->bus), next = UINT64_MAX;

        for (DumpJob *job = dumps->jobs, *after; job; job = after) {
                uint64_t end = job->done_usec + job_fresh_usec(job, (uid_t) -1);

                after = job->next;
                if (job->done_usec > 0 && now >= end)
                        job_free(job);
                else if (job->done_usec > 0)
                        next = MIN2(next, end);
        }
        if (next < UINT64_MAX && sd_event_source_set_time(dumps->expiry, next) >= 0)
                (void) sd_event_source_set_enabled(dumps->expiry, SD_EVENT_ONESHOT);
}

static int on_turn(sd_event_source *source, uint64_t usec, void *userdata) {
        Dumps *dumps = userdata;
        DumpJob *job = dumps_unfinished(dumps);

        if (job)
                job_run(job);
        dumps_expire(dumps);
        return dumps_unfinished(dumps) ? bus_take_turn(source) : 0;
}

static int on_expiry(sd_event_source *source, uint64_t usec, void *userdata) {
        dumps_expire(userdata);
        return 0;
}

/* ---- asking */

static int job_new(Dumps *dumps, DumpKind kind, unsigned sections, bool sequence, DumpJob **ret) {
        DumpJob *job = calloc(1, sizeof(DumpJob));
        int fd;

        if (!job)
                return -ENOMEM;
        *job = (DumpJob) { .next = dumps->jobs, .dumps = dumps, .kind = kind, .sections = sections, .sequence = sequence };
        job->fd = memfd_create("ipvsproxy-dump", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        dumps->jobs = job;
        dumps->n_jobs++;
        fd = job->fd >= 0 ? fcntl(job->fd, F_DUPFD_CLOEXEC, 3) : -1;
        job->out = fd >= 0 ? fdopen(fd, "w") : NULL;
        if (!job->out) {
                int r = -errno;

                if (fd >= 0)
                        (void) close(fd);
                job_free(job);
                return r;
        }
        job_head(job);
        *ret = job;
        return 0;
}

static bool job_is(const DumpJob *job, DumpKind kind, unsigned sections, bool sequence) {
        return job->kind == kind && job->sections == sections && job->sequence == sequence;
}

/* One that this user may get; what is too old is dropped, for another one will be made. */
static DumpJob *dumps_find(Dumps *dumps, uid_t uid, DumpKind kind, unsigned sections, bool sequence) {
        uint64_t now = bus_now(dumps->bus);

        for (DumpJob *job = dumps->jobs, *next; job; job = next) {
                next = job->next;
                if (!job_is(job, kind, sections, sequence))
                        continue;
                if (job->done_usec > 0 ? now - job->done_usec < job_fresh_usec(job, uid) : job->n_waiting < WAITING_MAX)
                        return job;
                if (job->done_usec > 0)
                        job_free(job);
        }
        return NULL;
}

int dumps_ask(Dumps *dumps,
              sd_bus_message *m,
              uid_t uid,
              DumpKind kind,
              unsigned sections,
              bool sequence,
              sd_bus_error *error) {
        DumpJob *job = dumps_find(dumps, uid, kind, sections, sequence);
        int r;

        if (job && job->done_usec > 0) {
                r = job_reply(job, m, uid);
                return r < 0 ? r : 1;
        }
        if (!job) {
                if (dumps->n_jobs >= JOBS_MAX)
                        return sd_bus_error_setf(
                                error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many dumps are being made; wait a little.");
                r = job_new(dumps, kind, sections, sequence, &job);
                if (r < 0)
                        return r;
        }
        job->waiting[job->n_waiting++] = (Waiting) { sd_bus_message_ref(m), uid };
        r = bus_take_turn(dumps->turn);
        return r < 0 ? r : 1;
}

/* ---- life */

int dumps_new(Bus *bus, Dumps **ret) {
        _cleanup_(dumps_freep) Dumps *dumps = calloc(1, sizeof(Dumps));
        int r;

        if (!dumps)
                return -ENOMEM;
        dumps->bus = bus;
        r = bus_add_turn(bus, &dumps->turn, on_turn, dumps, "bus-dumps");
        if (r >= 0)
                r = sd_event_add_time_relative(
                        bus->event, &dumps->expiry, CLOCK_MONOTONIC, FRESH_USEC, 0, on_expiry, dumps);
        if (r >= 0)
                r = sd_event_source_set_priority(dumps->expiry, EVENT_PRIORITY_BUS);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(dumps);
        return 0;
}

Dumps *dumps_free(Dumps *dumps) {
        if (!dumps)
                return NULL;
        dumps_disconnect(dumps);
        (void) sd_event_source_disable_unref(dumps->turn);
        (void) sd_event_source_disable_unref(dumps->expiry);
        free(dumps);
        return NULL;
}

void dumps_disconnect(Dumps *dumps) {
        while (dumps->jobs)
                job_free(dumps->jobs);
}
