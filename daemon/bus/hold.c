/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#include "bus/arguments.h"
#include "bus/bus-private.h"
#include "common/bus-names.h"
#include "common/log.h"
#include "control/priorities.h"

typedef struct Hold {
        struct Hold *next;
        Holds *holds; /* borrowed */
        char *who, *why; /* owned */
        uid_t uid;
        uint64_t since_usec; /* CLOCK_REALTIME */
        int fd; /* owned: the end of the pipe that the caller does not have */
        sd_event_source *closed; /* io */
        sd_event_source *limit; /* timer */
} Hold;

struct Holds {
        Bus *bus; /* borrowed */
        Hold *list; /* owned */
        size_t n_holds;
        uint64_t serial;
};

static void hold_free(Hold *hold) {
        for (Hold **p = &hold->holds->list; *p; p = &(*p)->next)
                if (*p == hold) {
                        *p = hold->next;
                        hold->holds->n_holds--;
                        break;
                }
        (void) sd_event_source_disable_unref(hold->closed);
        (void) sd_event_source_disable_unref(hold->limit);
        if (hold->fd >= 0)
                (void) close(hold->fd);
        free(hold->who);
        free(hold->why);
        free(hold);
}

static void hold_end(Hold *hold, const char *why) {
        Holds *holds = hold->holds;

        log_notice("The hold of %s ended: %s", hold->who, why);
        hold_free(hold);
        holds->serial++;
        manager_set_held(holds->bus->manager, holds->list != NULL);
}

static int on_closed(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        if (revents & (EPOLLHUP | EPOLLERR))
                hold_end(userdata, "it was given up");
        return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *userdata) {
        hold_end(userdata, "an hour is over");
        return 0;
}

/* *ret_fd is for the caller; the hold ends when every copy of it is closed. */
static int hold_new(Holds *holds, const char *who, const char *why, uid_t uid, int *ret_fd) {
        Hold *hold = calloc(1, sizeof(Hold));
        int fds[2] = { -1, -1 }, r;

        if (!hold)
                return -ENOMEM;
        *hold = (Hold) { .next = holds->list, .holds = holds, .uid = uid, .fd = -1 };
        hold->since_usec = bus_real_now(holds->bus);
        holds->list = hold;
        holds->n_holds++;
        hold->who = strdup(who);
        hold->why = strdup(why);
        r = !hold->who || !hold->why ? -ENOMEM : pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
        hold->fd = fds[0];
        if (r >= 0)
                r = sd_event_add_io(holds->bus->event, &hold->closed, hold->fd, 0, on_closed, hold);
        if (r >= 0)
                r = sd_event_source_set_priority(hold->closed, EVENT_PRIORITY_KERNEL);
        if (r >= 0)
                r = sd_event_add_time_relative(
                        holds->bus->event, &hold->limit, CLOCK_BOOTTIME, HOLD_USEC, USEC_PER_SEC, on_limit, hold);
        if (r < 0) {
                if (fds[1] >= 0)
                        (void) close(fds[1]);
                hold_free(hold);
                return r;
        }
        *ret_fd = fds[1];
        return 0;
}

static int check_text(const char *name, const char *text, sd_bus_error *error) {
        int r = argument_text(name, text, error);

        if (r >= 0 && !*text)
                r = sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Argument %s is empty.", name);
        for (const char *p = text; r >= 0 && *p; p++)
                if ((unsigned char) *p < ' ' || *p == 0x7f)
                        r = sd_bus_error_setf(
                                error, SD_BUS_ERROR_INVALID_ARGS, "Argument %s has control characters.", name);
        return r;
}

int bus_hold(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        PolkitRequest request = { .action = POLKIT_ACTION_HOLD };
        _cleanup_(closep) int fd = -1;
        Bus *bus = userdata;
        const char *who, *why;
        uid_t uid = 0;
        int r;

        r = sd_bus_message_read(m, "ss", &who, &why);
        if (r >= 0)
                r = check_text("who", who, error);
        if (r >= 0)
                r = check_text("why", why, error);
        if (r < 0)
                return r;
        request.details[0] = (PolkitDetail) { "who", who };
        request.details[1] = (PolkitDetail) { "why", why };
        r = polkit_authorize(bus->polkit, m, &request, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        if (bus->holds->n_holds >= HOLDS_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "There are %d holds already.", HOLDS_MAX);
        (void) peers_know_uid(bus->peers, m, &uid);
        r = hold_new(bus->holds, who, why, uid, &fd);
        if (r < 0)
                return r;
        log_notice("Programming is held by %s (uid %u): %s", who, (unsigned) uid, why);
        bus->holds->serial++;
        manager_set_held(bus->manager, true);
        return sd_bus_reply_method_return(m, "h", fd);
}

int holds_append(const Holds *holds, sd_bus_message *reply) {
        int r = sd_bus_message_open_container(reply, 'a', "(ssut)");

        for (const Hold *h = holds->list; r >= 0 && h; h = h->next)
                r = sd_bus_message_append(reply, "(ssut)", h->who, h->why, (uint32_t) h->uid, h->since_usec);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

uint64_t holds_serial(const Holds *holds) {
        return holds->serial;
}

int holds_new(Bus *bus, Holds **ret) {
        Holds *holds = calloc(1, sizeof(Holds));

        if (!holds)
                return -ENOMEM;
        holds->bus = bus;
        *ret = holds;
        return 0;
}

Holds *holds_free(Holds *holds) {
        if (!holds)
                return NULL;
        while (holds->list)
                hold_free(holds->list);
        free(holds);
        return NULL;
}
