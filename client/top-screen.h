/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live screen of `top` between its two halves: top-draw.c shows it, top-screen.c reads keys and waits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/top.h"

typedef struct Screen {
        Top *top;
        size_t first; /* of the view, on the uppermost line */
        uint64_t drawn_looks;
        bool dirty, paused, editing, quit;
        int signals; /* owned: signalfd */
        int code;    /* to exit with */
} Screen;

/* Rows that the terminal has room for. */
size_t top_rows_on_screen(void);
/* The whole screen anew; ncurses writes what differs. */
void top_draw(Screen *screen);
