/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live screen of `top` on ncurses, which writes only what differs from what the terminal shows:
 * no flicker, and nothing at all when nothing changed. One poll() waits for keys, the bus and
 * signals, so a daemon that does not answer never blocks a key.
 */
#include "client/top-screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <curses.h>

#include "client/clock.h"
#include "client/report.h"

#define INTERVAL_STEP_USEC USEC_PER_SEC
#define INTERVAL_MIN_USEC USEC_PER_SEC
#define KEY_ESCAPE 27
#define ESCAPE_MSEC 25

/* ---- keys */

static void scroll_by(Screen *screen, long n) {
        long first = (long) screen->first + n;

        screen->first = first > 0 ? (size_t) first : 0; /* the end is found when it is drawn */
}

static void order_move(Top *top, int step) {
        top->order = (TopColumn) (((int) top->order + step + _TOP_COLUMN_MAX) % _TOP_COLUMN_MAX);
}

/* A key while a filter is typed: return ends that, escape takes the filter away. */
static void key_edit(Screen *screen, int key) {
        Top *top = screen->top;
        size_t n = strlen(top->filter);

        if (key == '\n' || key == '\r' || key == KEY_ENTER) {
                screen->editing = false;
        } else if (key == KEY_ESCAPE) {
                screen->editing = false;
                top->filter[0] = '\0';
        } else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
                top->filter[n > 0 ? n - 1 : 0] = '\0';
        } else if (key > ' ' && key < 127 && n + 1 < TOP_FILTER_MAX) {
                top->filter[n] = (char) key;
                top->filter[n + 1] = '\0';
        }
}

static void key_scroll(Screen *screen, int key) {
        long page = (long) top_rows_on_screen();

        switch (key) {
        case KEY_UP:
        case 'k':
                scroll_by(screen, -1);
                break;
        case KEY_DOWN:
        case 'j':
                scroll_by(screen, 1);
                break;
        case KEY_PPAGE:
                scroll_by(screen, -page);
                break;
        case KEY_NPAGE:
                scroll_by(screen, page);
                break;
        case KEY_HOME:
        case 'g':
                screen->first = 0;
                break;
        case KEY_END:
        case 'G':
                screen->first = screen->top->n_view;
                break;
        default: /* a key without meaning */
                break;
        }
}

static void key_command(Screen *screen, int key) {
        Top *top = screen->top;

        switch (key) {
        case 'q':
                screen->quit = true;
                break;
        case KEY_LEFT:
        case '<':
                order_move(top, -1);
                break;
        case KEY_RIGHT:
        case '>':
                order_move(top, 1);
                break;
        case 'r':
                top->reverse = !top->reverse;
                break;
        case 'i':
                top->all = !top->all;
                break;
        case '/':
                screen->editing = true;
                break;
        case KEY_ESCAPE:
                top->filter[0] = '\0';
                break;
        case ' ':
                screen->paused = !screen->paused;
                break;
        case '+':
                top->interval_usec += INTERVAL_STEP_USEC;
                break;
        case '-':
                top->interval_usec =
                        MAX2(top->interval_usec, INTERVAL_STEP_USEC + INTERVAL_MIN_USEC) -
                        INTERVAL_STEP_USEC;
                break;
        default:
                key_scroll(screen, key);
                break;
        }
}

static int keys_take(Screen *screen) {
        int key, r = 0;

        while (r >= 0 && !screen->quit && (key = getch()) != ERR) {
                screen->dirty = true;
                if (key == KEY_RESIZE)
                        continue;
                if (screen->editing)
                        key_edit(screen, key);
                else
                        key_command(screen, key);
                r = top_arrange(screen->top);
        }
        return r;
}

/* ---- waiting */

static int wait_msec(const Screen *screen) {
        const Top *top = screen->top;
        uint64_t now = clock_monotonic_usec(), due = top->begun_usec + top->interval_usec,
                 bus = UINT64_MAX;

        if (sd_bus_get_timeout(top->client->bus, &bus) < 0)
                bus = UINT64_MAX;
        if (screen->paused || top->slot)
                due = UINT64_MAX;
        due = MIN2(due, bus);
        if (due == UINT64_MAX)
                return -1;
        return due > now ? (int) MIN2((due - now) / USEC_PER_MSEC + 1, UINT64_C(3600000)) : 0;
}

static void bus_process(Top *top) {
        int r = 1;

        while (r > 0)
                r = sd_bus_process(top->client->bus, NULL);
        /* Gone: the next look connects again. */
        if (r < 0) {
                top->slot = sd_bus_slot_unref(top->slot);
                if (!top->problem)
                        top->problem = strdup("The bus is gone.");
        }
}

static int wait_for_something(Screen *screen) {
        sd_bus *bus = screen->top->client->bus;
        bool open = sd_bus_is_open(bus) > 0;
        int events = open ? sd_bus_get_events(bus) : 0;
        struct pollfd fds[] = {
                { .fd = STDIN_FILENO, .events = POLLIN },
                { .fd = screen->signals, .events = POLLIN },
                { .fd = open ? sd_bus_get_fd(bus) : -1, .events = (short) MAX2(events, 0) },
        };
        struct signalfd_siginfo info;

        /* EINTR: the size of the terminal changed, getch() tells. */
        if (poll(fds, ELEMENTSOF(fds), wait_msec(screen)) < 0 && errno != EINTR)
                return -errno;
        if (fds[0].revents & (POLLHUP | POLLERR))
                screen->quit = true;
        if (fds[1].revents & POLLIN && read(screen->signals, &info, sizeof(info)) == sizeof(info)) {
                screen->code = 128 + (int) info.ssi_signo;
                screen->quit = true;
        }
        return 0;
}

static int turn(Screen *screen) {
        Top *top = screen->top;
        uint64_t count = top->client->options.count;
        int r = 0;

        if (!screen->paused && !top->slot &&
            clock_monotonic_usec() >= top->begun_usec + top->interval_usec) {
                r = top_fetch(top);
                screen->dirty = screen->dirty || top->problem;
        }
        if (r >= 0 && (screen->dirty || screen->drawn_looks != top->n_looks))
                top_draw(screen);
        if (count > 0 && top->n_looks >= count)
                screen->quit = true;
        if (r >= 0 && !screen->quit)
                r = wait_for_something(screen);
        if (r >= 0 && !screen->quit)
                bus_process(top);
        return r < 0 ? r : keys_take(screen);
}

/* ---- the terminal */

static int signals_open(int *ret) {
        sigset_t set;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGINT);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGHUP);
        (void) sigaddset(&set, SIGQUIT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        *ret = signalfd(-1, &set, SFD_CLOEXEC);
        return *ret < 0 ? -errno : 0;
}

static void terminal_begin(const Client *client) {
        (void) set_escdelay(ESCAPE_MSEC);
        (void) cbreak();
        (void) noecho();
        (void) nonl();
        (void) keypad(stdscr, TRUE);
        (void) nodelay(stdscr, TRUE);
        (void) curs_set(0);
        if (client->color && has_colors()) {
                (void) start_color();
                (void) use_default_colors();
        }
}

int top_screen(Top *top) {
        Screen screen = { .top = top, .signals = -1, .dirty = true };
        SCREEN *terminal;
        int r = signals_open(&screen.signals);

        if (r < 0)
                return r;
        terminal = newterm(NULL, stdout, stdin);
        if (!terminal) {
                (void) close(screen.signals);
                return report(EXIT_CODE_FAILURE,
                              "Failed to use the terminal: \"%s\" in $TERM is not known; -b prints "
                              "lines.",
                              getenv("TERM") ? getenv("TERM") : "");
        }
        terminal_begin(top->client);
        while (r >= 0 && !screen.quit)
                r = turn(&screen);
        (void) endwin();
        delscreen(terminal);
        (void) close(screen.signals);
        return r < 0 ? r : screen.code;
}
