/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rows of an answer: values with their types, and a place that holds them all.
 *
 * A result is fetched whole and its statement finalized before anybody looks at it, because a
 * statement that stays open while a person reads keeps the recorder's WAL from being checkpointed.
 */
#ifndef SPYQ_RESULT_H
#define SPYQ_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "../sql/rows.h"

/* What a result may take of memory, in bytes. A larger answer belongs into a file. */
#define RESULT_LIMIT ((size_t)256 << 20)

enum cell_type { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT, CELL_BLOB };

struct cell {
    enum cell_type type;
    union {
        int64_t integer;
        double real;
        struct text bytes; /* CELL_TEXT and CELL_BLOB; data is never NULL */
    };
};

struct heading {
    const char *name;
    bool is_time; /* its integers are nanoseconds since the epoch: `at`, and names in `_at` */
    bool is_json; /* its texts are valid JSON without white space, which the JSON formats nest */
};

struct arena;

struct result {
    struct heading *headings;
    size_t columns;
    struct cell *cells; /* rows * columns, row by row */
    size_t rows;
    size_t capacity; /* in rows */
    size_t bytes;    /* what all of it takes */
    size_t unseen;   /* rows of the answer beyond these, which are only counted */
    bool more;       /* there are more yet: the counting was ended */
    struct arena *arena;
};

/* Cells for values at hand; the text must outlive the cell. NULL text makes a NULL cell. */
struct cell cell_integer(int64_t value);
struct cell cell_text(const char *value);

/* The text of a cell; TEXT_NULL where it holds none. */
struct text text_of_cell(const struct cell *cell);

/* Whether integers under this column name are times: `at`, names in `_at`, and min() and max() of
 * them. */
bool is_time_name(const char *name);

/* Starts an empty result with copies of these column names. False: out of memory. */
bool result_begin(struct result *result, const struct heading *headings, size_t columns);

/* Adds a copy of a row of result->columns cells. False: no room under RESULT_LIMIT. */
bool result_add(struct result *result, const struct cell *cells);

/* The cells of a row; valid until the next result_add(). */
const struct cell *result_row(const struct result *result, size_t row);

/* Puts a row in the place of an earlier one, which is gone; for taking rows out. */
void result_move(struct result *result, size_t from, size_t to);

/* Frees what the result holds. A result of all zeros holds nothing. */
void result_free(struct result *result);

#endif
