/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values as text: integers, reals, times; and printing a value for a person. */
#ifndef SPYQ_SHOWN_H
#define SPYQ_SHOWN_H

#include "render.h"

/* Digits after the second of a time. */
enum precision { PRECISION_SECONDS = 0, PRECISION_MILLISECONDS = 3, PRECISION_NANOSECONDS = 9 };

/* Columns that a time takes: 20, 24, 30. */
size_t time_width(enum precision precision);

/* A value as text: points into `small`, or to the cell's own bytes. */
struct shown {
    struct text text;
    char small[40];
};

/*
 * Makes text of a cell that is neither NULL nor a blob. A time becomes RFC 3339 in UTC
 * (2026-11-22T03:12:05.123456789Z), cut to the precision; a real gets the fewest digits that read
 * back as the same number, and always looks like a real.
 */
void show_cell(struct shown *shown, const struct cell *cell, bool is_time,
               enum precision precision);

/* Writes a blob as lower-case hex. */
void print_hex(FILE *out, struct text bytes);

/* Whether this cell is shown as a time under this heading. */
bool shows_time(const struct style *style, const struct heading *heading, const struct cell *cell);

/* Columns that the cell takes in print_cell(); counting stops a little above `limit`. */
size_t cell_width(const struct style *style, const struct heading *heading, const struct cell *cell,
                  enum precision precision, size_t limit);

/*
 * Writes a cell for a person: text escaped, a blob in hex, NULL as `NULL`, all cut to `width`
 * columns (SIZE_MAX: not cut). Returns the columns used.
 */
size_t print_cell(const struct rendering *rendering, size_t column, const struct cell *cell,
                  enum precision precision, size_t width);

#endif
