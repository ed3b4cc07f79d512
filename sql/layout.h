/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the columns of a row are stored, where that is not as they are. The views in views.sql turn
 * it back. A table that is not mentioned here is stored as it is, under its own name.
 */
#ifndef SPYQ_LAYOUT_H
#define SPYQ_LAYOUT_H

#include "rows.h"

enum stored_as {
    STORED_PLAIN,
    STORED_TEXT,          /* itself, or the number of a row of `strings` */
    STORED_PIPE,          /* the same; `pipe:[N]` as -N */
    STORED_JOINED,        /* the same; less N where joined_strings() of string N gives it */
    STORED_WORD,          /* one of a few: its place in `words` */
    STORED_OFFSET,        /* less the column `base` (0 where that is NULL), or less `constant` */
    STORED_FOLDED,        /* in a row of the table `folded`, which many rows share */
    STORED_FOLDED_OFFSET, /* there, as `base` (0 where that is NULL) less it */
};

struct stored {
    const char *column;
    enum stored_as as;
    const char *name; /* in the table; NULL: the same */
    const char *base; /* a column; NULL: none */
    int64_t constant;
    const char *const *words; /* ended by NULL */
};

struct layout {
    const char *table;            /* NULL: the table's own name */
    const char *folded;           /* the table that rows share; NULL: none */
    const char *number;           /* the column that says which of its rows */
    const struct stored *columns; /* those that are not plain, ended by a NULL name */
};

/* Indexed by enum row_kind. */
extern const struct layout layouts[ROW_KIND_COUNT];

/* The table that holds the rows of a kind. */
const char *layout_table(enum row_kind kind);

/* How a column is stored. */
struct stored layout_of(enum row_kind kind, const struct column *column);

#endif
