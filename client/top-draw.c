/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/top-screen.h"

#include <stdio.h>
#include <string.h>

#include <curses.h>

#include "client/clock.h"
#include "client/report.h"
#include "client/text.h"

#define HEAD_LINES 3 /* title, totals, columns */
#define NAME_WIDTH_MIN 24
#define KEYS_LINE                                                                                  \
        "q quit  \xe2\x86\x90\xe2\x86\x92 sort  r reverse  / filter  i idle  space pause  +- "     \
        "time  "                                                                                   \
        "\xe2\x86\x91\xe2\x86\x93 scroll"
#define KEYS_LINE_ASCII                                                                            \
        "q quit  <> sort  r reverse  / filter  i idle  space pause  +- time  jk scroll"

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

size_t top_rows_on_screen(void) {
        return LINES > HEAD_LINES + 1 ? (size_t) LINES - HEAD_LINES - 1 : 0;
}

void top_draw(Screen *screen) {
        const Top *top = screen->top;
        size_t n = top_rows_on_screen();
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
