/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statement.h"

#include <stddef.h>

int statement_run(sqlite3 *db, char *sql)
{
    int code = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return code;
}

int statement_prepare(sqlite3 *db, char *sql, sqlite3_stmt **statement)
{
    int code = sql ? sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL)
                   : SQLITE_NOMEM;
    sqlite3_free(sql);
    return code;
}
