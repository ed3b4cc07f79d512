/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "row_fetch.h"

int64_t row_integer(sqlite3_stmt *statement, int column)
{
    if (sqlite3_column_type(statement, column) == SQLITE_NULL)
        return INTEGER_NULL;
    return sqlite3_column_int64(statement, column);
}

struct text row_text(sqlite3_stmt *statement, int column)
{
    const char *data = (const char *)sqlite3_column_text(statement, column);
    return (struct text){data, (size_t)sqlite3_column_bytes(statement, column)};
}

void row_fetch(sqlite3_stmt *statement, enum row_kind kind, void *columns)
{
    const struct table *shape = &row_tables[kind];
    for (size_t i = 0; i < shape->column_count; i++) {
        char *field = (char *)columns + shape->columns[i].offset;
        if (shape->columns[i].type == COLUMN_INTEGER)
            *(int64_t *)(void *)field = row_integer(statement, (int)i);
        else
            *(struct text *)(void *)field = row_text(statement, (int)i);
    }
}

int row_bind_integer(sqlite3_stmt *statement, int parameter, int64_t value)
{
    return value == INTEGER_NULL ? sqlite3_bind_null(statement, parameter)
                                 : sqlite3_bind_int64(statement, parameter, value);
}

int row_bind_text(sqlite3_stmt *statement, int parameter, struct text text)
{
    return sqlite3_bind_text64(statement, parameter, text.data, text.length, SQLITE_STATIC,
                               SQLITE_UTF8);
}
