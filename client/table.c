/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/table.h"

#include <errno.h>
#include <string.h>

#include "client/text.h"

#define GAP 2
#define LEFT_OUT SIZE_MAX /* as a width */
/* Columns narrower than this are not cut: at first, where they name what a row is about, and at last. */
#define CUT_MIN 15
#define WHOLE_MIN 24
#define CUT_LAST 8

typedef struct Cell {
        char *text; /* owned */
        Style style;
} Cell;

struct Table {
        size_t n_columns, n_cells, n_allocated, indent;
        TableAlign *align; /* owned, one a column */
        uint64_t optional, whole; /* bits by column */
        Cell *cells;       /* owned */
};

static const char *const style_table[_STYLE_MAX] = {
        [STYLE_NONE] = "",
        [STYLE_GOOD] = "\x1b[0;32m",
        [STYLE_WARN] = "\x1b[0;33m",
        [STYLE_BAD] = "\x1b[0;1;31m",
        [STYLE_HEADER] = "\x1b[0;4m",
};

const char *style_on(Style style, bool color) {
        return color ? style_table[style] : "";
}

const char *style_off(Style style, bool color) {
        return color && style != STYLE_NONE ? "\x1b[0m" : "";
}

Style style_of_state(const char *state) {
        static const struct {
                const char *state;
                Style style;
        } table[] = {
                { "running", STYLE_GOOD },     { "synced", STYLE_GOOD },
                { "ready", STYLE_GOOD },       { "true", STYLE_GOOD },
                { "watching", STYLE_GOOD },    { "degraded", STYLE_BAD },
                { "refused", STYLE_BAD },      { "false", STYLE_BAD },
                { "disconnected", STYLE_BAD }, { "failed", STYLE_BAD },
                { "unknown", STYLE_WARN },     { "pending", STYLE_WARN },
                { "syncing", STYLE_WARN },     { "starting", STYLE_WARN },
                { "stopping", STYLE_WARN },    { "held", STYLE_WARN },
                { "draining", STYLE_WARN },    { "removing", STYLE_WARN },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (strcmp(table[i].state, state) == 0)
                        return table[i].style;
        return STYLE_NONE;
}

int table_new(size_t n_columns, Table **ret) {
        _cleanup_(table_freep) Table *table = calloc(1, sizeof(*table));

        if (!table)
                return -ENOMEM;
        table->n_columns = n_columns;
        table->align = calloc(n_columns, sizeof(*table->align));
        if (!table->align)
                return -ENOMEM;
        *ret = TAKE_PTR(table);
        return 0;
}

Table *table_free(Table *table) {
        if (!table)
                return NULL;
        for (size_t i = 0; i < table->n_cells; i++)
                free(table->cells[i].text);
        free(table->cells);
        free(table->align);
        free(table);
        return NULL;
}

void table_set_indent(Table *table, size_t indent) {
        table->indent = indent;
}

void table_set_align(Table *table, size_t column, TableAlign align) {
        table->align[column] = align;
}

void table_set_optional(Table *table, size_t column) {
        table->optional |= UINT64_C(1) << column;
}

void table_set_whole(Table *table, size_t column) {
        table->whole |= UINT64_C(1) << column;
}

int table_add(Table *table, Style style, const char *text) {
        Cell *cell;
        int r;

        if (table->n_cells == table->n_allocated) {
                size_t n = MAX2(table->n_allocated * 2, table->n_columns * 8);
                Cell *cells = reallocarray(table->cells, n, sizeof(*cells));

                if (!cells)
                        return -ENOMEM;
                table->cells = cells;
                table->n_allocated = n;
        }
        cell = &table->cells[table->n_cells];
        r = text_harmless(text, &cell->text);
        if (r < 0)
                return r;
        cell->style = style;
        table->n_cells++;
        return 0;
}

/* What a table's columns are to be in, while they become narrower. */
typedef struct Widths {
        const Table *table;
        size_t *columns;
        size_t total, limit;
} Widths;

static void widths_leave_out(Widths *widths, size_t i) {
        widths->total -= widths->columns[i] + GAP;
        widths->columns[i] = LEFT_OUT;
}

static bool column_is_whole(const Table *table, size_t i) {
        return table->whole >> i & 1;
}

/* Takes from the widest text, of those that are to stay whole or of the others, until all fits or none is wider than `min`. */
static void widths_cut(Widths *widths, bool whole, size_t min) {
        const Table *table = widths->table;

        while (widths->total > widths->limit) {
                size_t widest = table->n_columns;

                for (size_t i = 0; i < table->n_columns; i++)
                        if (table->align[i] == TABLE_LEFT && widths->columns[i] != LEFT_OUT && widths->columns[i] > min &&
                            column_is_whole(table, i) == whole &&
                            (widest == table->n_columns || widths->columns[i] >= widths->columns[widest]))
                                widest = i;
                if (widest == table->n_columns)
                        return;
                widths->columns[widest]--;
                widths->total--;
        }
}

/*
 * What may be left out goes first, the last of it before the others; then text is cut, but what is to stay whole only to
 * where it can still be told what it names: before that all other columns go, for nobody knows what they are about.
 */
static void widths_shrink(const Table *table, size_t columns[], size_t limit) {
        Widths widths = { table, columns, (table->n_columns - 1) * GAP, limit };

        for (size_t i = 0; i < table->n_columns; i++)
                widths.total += columns[i];
        for (size_t i = table->n_columns; i-- > 0 && widths.total > limit;)
                if (table->optional >> i & 1)
                        widths_leave_out(&widths, i);
        widths_cut(&widths, /* whole= */ false, CUT_MIN);
        widths_cut(&widths, /* whole= */ true, WHOLE_MIN);
        for (size_t i = table->whole ? table->n_columns : 1; i-- > 1 && widths.total > limit;)
                if (!column_is_whole(table, i) && columns[i] != LEFT_OUT)
                        widths_leave_out(&widths, i);
        widths_cut(&widths, /* whole= */ false, CUT_LAST);
        widths_cut(&widths, /* whole= */ true, CUT_LAST);
}

static void pad(FILE *out, size_t n) {
        while (n-- > 0)
                (void) fputc(' ', out);
}

/* Prints at most `width` columns of a text and returns how many; a cut shows as an ellipsis. */
static size_t print_cut(FILE *out, const char *text, size_t width) {
        size_t have = text_width(text), bytes;

        if (have <= width) {
                (void) fputs(text, out);
                return have;
        }
        if (width == 0)
                return 0;
        bytes = text_fit(text, width - 1);
        (void) fwrite(text, 1, bytes, out);
        (void) fputs(text_locale_is_utf8() ? "\xe2\x80\xa6" : "~", out);
        return width;
}

static size_t cell_print(const Table *table, size_t i, FILE *out, size_t width, bool color) {
        const Cell *cell = &table->cells[i];
        size_t printed, before = 0;

        if (table->align[i % table->n_columns] == TABLE_RIGHT) {
                printed = text_width(cell->text);
                before = width > printed ? width - printed : 0;
                pad(out, before);
        }
        (void) fputs(style_on(cell->style, color), out);
        printed = before + print_cut(out, cell->text, width - before);
        (void) fputs(style_off(cell->style, color), out);
        return printed;
}

static void row_print(const Table *table,
                      size_t row,
                      FILE *out,
                      const size_t widths[],
                      size_t limit,
                      bool color) {
        size_t left = limit, n = table->n_columns;

        while (n > 1 && (widths[n - 1] == LEFT_OUT || !*table->cells[row * table->n_columns + n - 1].text))
                n--;
        pad(out, table->indent);
        for (size_t i = 0; i < n; i++) {
                size_t width = MIN2(widths[i], left), printed;
                bool more = i + 1 < n && left > width + GAP;

                if (widths[i] == LEFT_OUT)
                        continue;
                printed = cell_print(table, row * table->n_columns + i, out, width, color);
                if (!more)
                        break;
                pad(out, width - printed + GAP);
                left -= width + GAP;
        }
        (void) fputc('\n', out);
}

int table_print(const Table *table, FILE *out, size_t width, bool color, bool header) {
        size_t n_rows = table->n_cells / table->n_columns, limit = SIZE_MAX;
        _cleanup_(freep) size_t *widths = calloc(table->n_columns, sizeof(*widths));

        if (!widths)
                return -ENOMEM;
        if (width > 0)
                limit = width > table->indent ? width - table->indent : 1;
        for (size_t i = header ? 0 : table->n_columns; i < table->n_cells; i++) {
                size_t *have = &widths[i % table->n_columns];

                *have = MAX2(*have, text_width(table->cells[i].text));
        }
        widths_shrink(table, widths, limit);
        for (size_t row = header ? 0 : 1; row < n_rows; row++)
                row_print(table, row, out, widths, limit, color);
        return ferror(out) ? -EIO : 0;
}
