/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "live.h"

#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "shown.h"

#define LEAST_WIDTH 4  /* columns of a table's column, however narrow the terminal */
#define MOST_WIDTH  60 /* but for the last, which has what is left */

static struct rendering rendering_of(struct session *session, const struct live *live)
{
    return (struct rendering){
        .out = output_file(session->output),
        .style = output_style(session->output),
        .headings = live->headings.headings,
        .columns = live->columns,
        .rows = live->rows,
    };
}

/* ---- a table ---- */

static void choose_widths(struct live *live, const struct rendering *rendering,
                          const struct result *result)
{
    for (size_t i = 0; i < live->columns && i < LIVE_COLUMNS; i++) {
        const struct heading *heading = &rendering->headings[i];
        size_t width = strlen(heading->name);
        for (size_t row = 0; row < result->rows; row++) {
            size_t cell = cell_width(rendering->style, heading, result_row(result, row) + i,
                                     PRECISION_MILLISECONDS, MOST_WIDTH);
            width = cell > width ? cell : width;
        }
        live->widths[i] = width < MOST_WIDTH ? width : MOST_WIDTH;
    }
}

/* Takes from the widest until the line fits; the last column is cut at the edge anyhow. */
static void fit_widths(struct live *live, size_t room)
{
    size_t count = live->columns < LIVE_COLUMNS ? live->columns : LIVE_COLUMNS;
    for (;;) {
        size_t used = 0, widest = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            used += live->widths[i] + 2;
            widest = live->widths[i] > live->widths[widest] ? i : widest;
        }
        if (count < 2 || used + LEAST_WIDTH < room || live->widths[widest] <= LEAST_WIDTH)
            return;
        live->widths[widest]--;
    }
}

/* The width of a column that begins at `used`: the last one has the rest of the line. */
static size_t width_at(const struct live *live, const struct rendering *rendering, size_t column,
                       size_t used)
{
    size_t room = rendering->style->width;
    if (column + 1 < live->columns)
        return column < LIVE_COLUMNS ? live->widths[column] : MOST_WIDTH;
    if (!room)
        return SIZE_MAX;
    return room > used + LEAST_WIDTH ? room - used : LEAST_WIDTH;
}

static void pad(const struct live *live, FILE *out, size_t column, size_t used, size_t width)
{
    if (column + 1 < live->columns)
        fprintf(out, "%*s", (int)(width - used + 2), "");
}

static void table_row(const struct live *live, const struct rendering *rendering,
                      const struct cell *cells)
{
    size_t used = 0;
    for (size_t i = 0; i < live->columns; i++) {
        size_t width = width_at(live, rendering, i, used);
        size_t took = print_cell(rendering, i, &cells[i], PRECISION_MILLISECONDS, width);
        pad(live, rendering->out, i, took, width);
        used += width + 2;
    }
    fputc('\n', rendering->out);
}

static void table_begin(struct live *live, const struct rendering *rendering,
                        const struct result *result)
{
    const struct style *style = rendering->style;
    size_t used = 0;
    choose_widths(live, rendering, result);
    if (style->width)
        fit_widths(live, style->width);
    fputs(style->colour ? "\033[1m" : "", rendering->out);
    for (size_t i = 0; i < live->columns; i++) {
        struct text name = {rendering->headings[i].name, strlen(rendering->headings[i].name)};
        size_t width = width_at(live, rendering, i, used);
        size_t took = escape_print_cut(rendering->out, name, style->utf8, width);
        pad(live, rendering->out, i, took, width);
        used += width + 2;
    }
    fputs(style->colour ? "\033[0m\n" : "\n", rendering->out);
}

/* ---- any format ---- */

static void begin(struct session *session, struct live *live, const struct result *result)
{
    const struct format *format = session_format(session);
    live->columns = result->columns;
    live->begun = result_begin(&live->headings, result->headings, result->columns);
    struct rendering rendering = rendering_of(session, live);
    if (live->begun && format == &format_table)
        table_begin(live, &rendering, result);
    else if (live->begun)
        format->begin(&rendering);
}

void live_rows(struct session *session, struct live *live, const struct result *result)
{
    const struct format *format = session_format(session);
    if (!live->begun && (result->rows > 0 || format != &format_table))
        begin(session, live, result);
    if (!live->begun)
        return;
    struct rendering rendering = rendering_of(session, live);
    for (size_t i = 0; i < result->rows && result->columns == live->columns; i++) {
        if (format == &format_table)
            table_row(live, &rendering, result_row(result, i));
        else
            format->row(&rendering, result_row(result, i));
        rendering.rows = ++live->rows;
    }
    session->rows += result->rows;
    fflush(rendering.out);
}

void live_end(struct session *session, struct live *live)
{
    struct rendering rendering = rendering_of(session, live);
    if (live->begun && session_format(session)->end)
        session_format(session)->end(&rendering);
    fflush(rendering.out);
    result_free(&live->headings);
}
