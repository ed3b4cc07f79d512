/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What can still be read of a damaged store. SQLite gives up a table at the first page of it that
 * it can not read; here each table is looked for by the ids on either side of such a page as well.
 */
#ifndef SPYQ_SALVAGE_H
#define SPYQ_SALVAGE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "status.h"

/* What became of one table. */
struct salvaged {
    const char *table;
    int64_t rows;        /* that were copied */
    int64_t refused;     /* that could be read, but make no sense */
    int64_t stretches;   /* of ids at which nothing could be read */
    int64_t first, last; /* the ids between which these lie */
};

typedef void salvage_teller(void *context, const struct salvaged *salvaged);

/*
 * Copies into the empty database `to` the schema of `from` and all rows that can be read; tell is
 * called for each table. Leaves a row in `losses` that says so where something is missing.
 * STATUS_OK also where much is missing; else a message has been written.
 */
enum status salvage(sqlite3 *from, sqlite3 *to, salvage_teller *tell, void *context);

#endif
