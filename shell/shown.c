/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shown.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "escape.h"

#define NANOSECONDS 1000000000LL

size_t time_width(enum precision precision)
{
    return precision == PRECISION_SECONDS ? 20 : 21 + (size_t)precision;
}

static size_t format_time(char *to, size_t size, int64_t ns, enum precision precision)
{
    int64_t fraction = ns % NANOSECONDS;
    time_t seconds = (time_t)(ns / NANOSECONDS);
    if (fraction < 0) {
        fraction += NANOSECONDS;
        seconds--;
    }
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t length = strftime(to, size, "%Y-%m-%dT%H:%M:%S", &utc);
    if (precision != PRECISION_SECONDS) {
        snprintf(to + length, size - length, ".%09" PRId64, fraction);
        length += 1 + (size_t)precision;
    }
    to[length++] = 'Z';
    to[length] = '\0';
    return length;
}

static size_t format_real(char *to, size_t size, double real)
{
    /* JSON has no infinity, but every reader takes this for one; so does SQLite. */
    if (isinf(real))
        return (size_t)snprintf(to, size, real > 0 ? "1e999" : "-1e999");
    int length = 0;
    for (int digits = 15; digits <= 17; digits++) {
        length = snprintf(to, size, "%.*g", digits, real);
        if (strtod(to, NULL) == real)
            break;
    }
    if (!strpbrk(to, ".e"))
        length += snprintf(to + length, size - (size_t)length, ".0");
    return (size_t)length;
}

void show_cell(struct shown *shown, const struct cell *cell, bool is_time, enum precision precision)
{
    shown->text = (struct text){shown->small, 0};
    size_t size = sizeof shown->small;
    if (cell->type == CELL_TEXT)
        shown->text = cell->bytes;
    else if (cell->type == CELL_REAL)
        shown->text.length = format_real(shown->small, size, cell->real);
    else if (is_time)
        shown->text.length = format_time(shown->small, size, cell->integer, precision);
    else
        shown->text.length = (size_t)snprintf(shown->small, size, "%" PRId64, cell->integer);
}

void print_hex(FILE *out, struct text bytes)
{
    for (size_t i = 0; i < bytes.length; i++)
        fprintf(out, "%02x", (unsigned char)bytes.data[i]);
}

bool shows_time(const struct style *style, const struct heading *heading, const struct cell *cell)
{
    return heading->is_time && !style->raw_times && cell->type == CELL_INTEGER;
}

size_t cell_width(const struct style *style, const struct heading *heading, const struct cell *cell,
                  enum precision precision, size_t limit)
{
    if (cell->type == CELL_NULL)
        return 4;
    if (cell->type == CELL_BLOB)
        return cell->bytes.length > limit ? limit + 1 : 2 * cell->bytes.length;
    struct shown shown;
    show_cell(&shown, cell, shows_time(style, heading, cell), precision);
    return escape_width(shown.text, style->utf8, limit);
}

/* A blob, as much of it as can matter, in hex that is cut like text. */
static size_t print_blob(const struct rendering *rendering, struct text bytes, size_t width)
{
    if (bytes.length <= width / 2) {
        print_hex(rendering->out, bytes);
        return 2 * bytes.length;
    }
    size_t start = bytes.length < width ? bytes.length : width;
    char *hex = malloc(2 * start + 1);
    if (!hex)
        return 0;
    for (size_t i = 0; i < start; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)bytes.data[i]);
    struct text text = {hex, 2 * start};
    size_t used = escape_print_cut(rendering->out, text, rendering->style->utf8, width);
    free(hex);
    return used;
}

size_t print_cell(const struct rendering *rendering, size_t column, const struct cell *cell,
                  enum precision precision, size_t width)
{
    const struct style *style = rendering->style;
    if (cell->type == CELL_BLOB)
        return print_blob(rendering, cell->bytes, width);
    struct shown shown = {.text = {"NULL", 4}};
    if (cell->type != CELL_NULL)
        show_cell(&shown, cell, shows_time(style, &rendering->headings[column], cell), precision);
    return escape_print_cut(rendering->out, shown.text, style->utf8, width);
}
