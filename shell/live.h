/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows as they come: an answer that has no end, in any format, a table too. */
#ifndef SPYQ_LIVE_H
#define SPYQ_LIVE_H

#include "session.h"

#define LIVE_COLUMNS 64 /* that have a width of their own in a table */

/* An answer being written. All zeros: nothing has been written yet. */
struct live {
    bool begun;
    size_t rows;
    size_t columns;
    size_t widths[LIVE_COLUMNS]; /* of a table */
    struct result headings;      /* without rows */
};

/*
 * Writes the rows of result, in their order, after those before, and brings them out. The columns
 * are those of the first call; a table's widths are chosen by the first rows and by the terminal.
 */
void live_rows(struct session *session, struct live *live, const struct result *result);

/* Ends the answer, as a JSON array must be, and frees what live holds. */
void live_end(struct session *session, struct live *live);

#endif
