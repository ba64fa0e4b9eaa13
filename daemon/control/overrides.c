/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file is written as a whole with each change (state-file.h): there are few overrides, and a torn file would give
 * an endpoint its traffic back. One a line: id, address, port, weight, uid, set, expires and
 * the reason, which may have spaces but no control characters.
 */
#include "control/overrides.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/message-ids.h"
#include "common/parse.h"
#include "control/manager-private.h"
#include "control/priorities.h"
#include "control/state-file.h"

#define OVERRIDES_FILE "overrides"
#define LINE_MAX_SIZE 2048
#define FIELDS 8

const OverrideSet *manager_overrides(const Manager *manager) {
        return manager->overrides.set;
}

void manager_on_override(Manager *manager, OverrideListener listener, void *userdata) {
        manager->overrides.listener = listener;
        manager->overrides.userdata = userdata;
}

/* ---- the file */

static int override_write(FILE *f, const char *id, const Override *o) {
        char address[IP_ADDR_STRLEN];

        return fprintf(f,
                       "%s %s %u %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %s\n",
                       id,
                       ip_addr_format(&o->addr.addr, address),
                       o->addr.port,
                       o->weight,
                       o->uid,
                       o->set_usec,
                       o->expires_usec,
                       o->reason) < 0 ?
                       -EIO :
                       0;
}

static int overrides_write(FILE *file, const void *userdata) {
        const OverrideSet *set = userdata;
        const Override *o;
        const char *id;
        int r = 0;

        for (size_t i = 0; r >= 0 && (id = override_set_next(set, &i, &o));)
                for (; r >= 0 && o; o = o->next)
                        r = override_write(file, id, o);
        return r;
}

static int overrides_save(const Manager *manager) {
        return state_file_write(
                manager->options.state_directory, OVERRIDES_FILE, overrides_write, manager->overrides.set);
}

/* -EINVAL for a line that is none. `line` is cut into pieces. */
static int override_read(OverrideSet *set, char *line, uint64_t now_usec) {
        char *fields[FIELDS], *rest = line;
        Override o = {};

        for (size_t i = 0; i < FIELDS - 1; i++) {
                fields[i] = strsep(&rest, " ");
                if (!rest)
                        return -EINVAL;
        }
        rest[strcspn(rest, "\n")] = '\0';
        o.reason = rest;
        if (ip_addr_parse(fields[1], &o.addr.addr) < 0 || parse_uint16(fields[2], &o.addr.port) < 0 ||
            parse_uint32(fields[3], &o.weight) < 0 || o.weight > OVERRIDE_WEIGHT_MAX ||
            parse_uint32(fields[4], &o.uid) < 0 || parse_uint64(fields[5], &o.set_usec) < 0 ||
            parse_uint64(fields[6], &o.expires_usec) < 0)
                return -EINVAL;
        if (o.expires_usec <= now_usec || o.expires_usec > now_usec + OVERRIDE_AGE_MAX_USEC)
                return 0;
        return override_set_put(set, fields[0], &o);
}

static int overrides_load(Manager *manager) {
        uint64_t now = manager_real_now(manager);
        char line[LINE_MAX_SIZE];
        size_t n_bad = 0;
        FILE *file;
        int r;

        r = state_file_open(manager->options.state_directory, OVERRIDES_FILE, &file);
        if (r < 0 || !file)
                return r;
        while (fgets(line, sizeof(line), file))
                n_bad += override_read(manager->overrides.set, line, now) < 0;
        (void) fclose(file);
        if (n_bad > 0)
                log_warning("Left out %zu unreadable lines of %s/" OVERRIDES_FILE, n_bad, manager->options.state_directory);
        return 0;
}

/* ---- coming and going */

static void overrides_arm(Manager *manager) {
        uint64_t now = manager_real_now(manager), first = USEC_INFINITY;
        const Override *o;

        for (size_t i = 0; override_set_next(manager->overrides.set, &i, &o);)
                for (; o; o = o->next)
                        first = MIN2(first, o->expires_usec);
        if (!manager->overrides.timer)
                return;
        if (first == USEC_INFINITY)
                (void) sd_event_source_set_enabled(manager->overrides.timer, SD_EVENT_OFF);
        else if (sd_event_source_set_time_relative(manager->overrides.timer, first > now ? first - now : 0) >= 0)
                (void) sd_event_source_set_enabled(manager->overrides.timer, SD_EVENT_ONESHOT);
}

/* The service is computed anew; it may be gone. */
static void override_changed(Manager *manager, const char *id) {
        const DesiredPort *port = desired_find(manager->desired, id);

        if (port)
                store_mark_dirty(manager->store, port->service->entry);
        if (manager->overrides.listener)
                manager->overrides.listener(id, manager->overrides.userdata);
        overrides_arm(manager);
        manager_wake(manager);
}

static void override_log(const char *message_id, const char *what, const char *id, const Override *o) {
        char field[64], service[320], address[IP_PORT_STRLEN];

        (void) snprintf(field, sizeof(field), "MESSAGE_ID=%s", message_id);
        (void) snprintf(service, sizeof(service), "SERVICE=%s", id);
        log_struct(LOG_NOTICE,
                   ((const char *const[]) { field, service, NULL }),
                   "%s weight %" PRIu32 " of endpoint %s of %s (uid %" PRIu32 ": %s)",
                   what,
                   o->weight,
                   ip_port_format(&o->addr.addr, o->addr.port, address),
                   id,
                   o->uid,
                   o->reason);
}

int manager_set_override(Manager *manager, const char *id, const Override *override) {
        uint64_t now = manager_real_now(manager);
        Override copy = *override;
        int r;

        if (override->weight > OVERRIDE_WEIGHT_MAX || override->expires_usec <= now ||
            override->expires_usec > now + OVERRIDE_AGE_MAX_USEC)
                return -ERANGE;
        copy.set_usec = now;
        r = override_set_put(manager->overrides.set, id, &copy);
        if (r < 0)
                return r;
        r = overrides_save(manager);
        if (r < 0) {
                (void) override_set_remove(manager->overrides.set, id, &override->addr);
                return r;
        }
        override_log(MESSAGE_ID_OVERRIDE_SET, "Override:", id, &copy);
        override_changed(manager, id);
        return 0;
}

int manager_clear_override(Manager *manager, const char *id, const IpPort *addr) {
        int r = override_set_remove(manager->overrides.set, id, addr);

        if (r < 0)
                return r;
        r = overrides_save(manager);
        if (r < 0)
                (void) log_warning_errno(
                        r, "Failed to write down that an override of %s ended, after a restart it is back: %m", id);
        override_changed(manager, id);
        return 0;
}

/* One at a time: removing changes what is walked over. */
static bool overrides_expire_one(Manager *manager) {
        uint64_t now = manager_real_now(manager);
        const Override *o;
        const char *id;

        for (size_t i = 0; (id = override_set_next(manager->overrides.set, &i, &o));)
                for (; o; o = o->next)
                        if (o->expires_usec <= now) {
                                _cleanup_(freep) char *copy = strdup(id);
                                IpPort addr = o->addr;

                                override_log(MESSAGE_ID_OVERRIDE_EXPIRED, "Override ended:", id, o);
                                return copy && manager_clear_override(manager, copy, &addr) >= 0;
                        }
        return false;
}

static int on_expiry(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = userdata;

        while (overrides_expire_one(manager))
                ;
        overrides_arm(manager);
        return 0;
}

int manager_overrides_start(Manager *manager) {
        int r = overrides_load(manager);

        if (r == -ENOMEM)
                return r;
        if (r < 0)
                (void) log_warning_errno(r,
                                         "Failed to read the overrides in %s, there are none now: %m",
                                         manager->options.state_directory);
        r = sd_event_add_time_relative(
                manager->event, &manager->overrides.timer, CLOCK_REALTIME, 0, USEC_PER_SEC / 4, on_expiry, manager);
        if (r >= 0)
                r = sd_event_source_set_priority(manager->overrides.timer, EVENT_PRIORITY_RECONCILE);
        if (r < 0)
                return r;
        overrides_arm(manager);
        return 0;
}

void manager_overrides_done(Manager *manager) {
        manager->overrides.timer = sd_event_source_disable_unref(manager->overrides.timer);
        manager->overrides.set = override_set_free(manager->overrides.set);
}
