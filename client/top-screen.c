/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live screen of `top` on ncurses, which writes only what differs from what the terminal shows:
 * no flicker, and nothing at all when nothing changed. One poll() waits for keys, the bus and
 * signals, so a daemon that does not answer never blocks a key.
 */
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
#include "client/text.h"
#include "client/top.h"

#define HEAD_LINES 3 /* title, totals, columns */
#define NAME_WIDTH_MIN 24
#define INTERVAL_STEP_USEC USEC_PER_SEC
#define INTERVAL_MIN_USEC USEC_PER_SEC
#define KEY_ESCAPE 27
#define ESCAPE_MSEC 25
#define KEYS_LINE                                                                                  \
        "q quit  \xe2\x86\x90\xe2\x86\x92 sort  r reverse  / filter  i idle  space pause  +- "     \
        "time  "                                                                                   \
        "\xe2\x86\x91\xe2\x86\x93 scroll"
#define KEYS_LINE_ASCII                                                                            \
        "q quit  <> sort  r reverse  / filter  i idle  space pause  +- time  jk scroll"

typedef struct Screen {
        Top *top;
        size_t first; /* of the view, on the uppermost line */
        uint64_t drawn_looks;
        bool dirty, paused, editing, quit;
        int signals; /* owned: signalfd */
        int code;    /* to exit with */
} Screen;

/* ---- drawing */

static int column_width(TopColumn column) {
        return (int) strlen(top_column_title(column)) + 2;
}

/* Columns that fit beside the name; the least telling go first, the one sorted by stays. */
static unsigned columns_that_fit(const Top *top, int *ret_name_width) {
        static const TopColumn dispensable[] = {
                TOP_COLUMN_INACTIVE, TOP_COLUMN_CONNS,   TOP_COLUMN_OUT_PPS, TOP_COLUMN_IN_PPS,
                TOP_COLUMN_ACTIVE,   TOP_COLUMN_OUT_BPS, TOP_COLUMN_IN_BPS,  TOP_COLUMN_CPS,
        };
        unsigned shown = 0;
        int left = COLS;

        for (size_t c = TOP_COLUMN_CPS; c < _TOP_COLUMN_MAX; c++) {
                shown |= 1U << c;
                left -= column_width((TopColumn) c);
        }
        for (size_t i = 0; i < ELEMENTSOF(dispensable) && left < NAME_WIDTH_MIN; i++) {
                if (dispensable[i] == top->order)
                        continue;
                shown &= ~(1U << dispensable[i]);
                left += column_width(dispensable[i]);
        }
        *ret_name_width = MAX2(left, 1);
        return shown;
}

/* At most `width` columns of a text, blanks behind it. */
static void put_text(const char *text, int width) {
        size_t bytes = text_fit(text, (size_t) MAX2(width, 0));
        char part[1024];

        (void) snprintf(part, sizeof(part), "%.*s", (int) MIN2(bytes, sizeof(part) - 1), text);
        (void) addstr(part);
        (void) printw("%*s", width - (int) text_width(part), "");
}

static void put_line(int y, int attributes, const char *text) {
        (void) move(y, 0);
        (void) attrset(attributes);
        put_text(text, COLS);
        (void) attrset(A_NORMAL);
}

static void draw_head(const Screen *screen) {
        const Top *top = screen->top;
        char line[512], time[TEXT_NUMBER_MAX], delay[TEXT_NUMBER_MAX], n[5][TEXT_NUMBER_MAX];
        _cleanup_(freep) char *problem = NULL;

        (void) snprintf(line, sizeof(line),
                        "ipvsproxyctl top  %.8s  %zu of %zu services  every %s%s",
                        clock_of_day(clock_real_usec(), time), top->n_view, top->rows.n_rows,
                        text_duration(top->interval_usec, delay), screen->paused ? "  PAUSED" : "");
        put_line(0, A_BOLD, line);
        if (top->problem && text_harmless(top->problem, &problem) >= 0) {
                (void) snprintf(line, sizeof(line), "Not up to date: %.400s", problem);
                put_line(1, A_REVERSE, line);
                return;
        }
        (void) snprintf(line, sizeof(line),
                        "%s connections/s  in %sB/s  out %sB/s  %s active  %s inactive",
                        text_scaled(top->totals[TOP_COLUMN_CPS], n[0]),
                        text_scaled(top->totals[TOP_COLUMN_IN_BPS], n[1]),
                        text_scaled(top->totals[TOP_COLUMN_OUT_BPS], n[2]),
                        text_scaled(top->totals[TOP_COLUMN_ACTIVE], n[3]),
                        text_scaled(top->totals[TOP_COLUMN_INACTIVE], n[4]));
        put_line(1, A_NORMAL, line);
}

static void draw_titles(const Top *top, unsigned shown, int name_width) {
        (void) move(2, 0);
        (void) attrset(top->order == TOP_COLUMN_NAME ? A_REVERSE | A_BOLD : A_REVERSE);
        put_text(top_column_title(TOP_COLUMN_NAME), name_width);
        for (size_t c = TOP_COLUMN_CPS; c < _TOP_COLUMN_MAX; c++) {
                if (!(shown & 1U << c))
                        continue;
                (void) attrset(c == (size_t) top->order ? A_BOLD | A_UNDERLINE : A_REVERSE);
                (void) printw("%*s", column_width((TopColumn) c), top_column_title((TopColumn) c));
        }
        (void) attrset(A_NORMAL);
}

static void draw_row(int y, const TopRow *row, unsigned shown, int name_width) {
        _cleanup_(freep) char *name = NULL;
        char number[TEXT_NUMBER_MAX];

        if (text_harmless(row->id, &name) < 0)
                return;
        (void) move(y, 0);
        put_text(name, name_width);
        for (size_t c = TOP_COLUMN_CPS; c < _TOP_COLUMN_MAX; c++)
                if (shown & 1U << c)
                        (void) printw("%*s", column_width((TopColumn) c),
                                      text_scaled(row->values[c], number));
}

static size_t rows_on_screen(void) {
        return LINES > HEAD_LINES + 1 ? (size_t) LINES - HEAD_LINES - 1 : 0;
}

static void draw(Screen *screen) {
        const Top *top = screen->top;
        size_t n = rows_on_screen();
        char line[TOP_FILTER_MAX + 32];
        int name_width;
        unsigned shown = columns_that_fit(top, &name_width);

        screen->first = MIN2(screen->first, top->n_view > n ? top->n_view - n : 0);
        (void) erase();
        draw_head(screen);
        draw_titles(top, shown, name_width);
        for (size_t i = 0; i < n && screen->first + i < top->n_view; i++)
                draw_row(HEAD_LINES + (int) i, top->view[screen->first + i], shown, name_width);
        if (screen->editing || top->filter[0]) {
                (void) snprintf(line, sizeof(line), "filter: %s%s", top->filter,
                                screen->editing ? "_" : "");
                put_line(LINES - 1, A_BOLD, line);
        } else {
                put_line(LINES - 1, A_DIM, text_locale_is_utf8() ? KEYS_LINE : KEYS_LINE_ASCII);
        }
        (void) refresh();
        screen->drawn_looks = top->n_looks;
        screen->dirty = false;
}

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
        long page = (long) rows_on_screen();

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
                draw(screen);
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
