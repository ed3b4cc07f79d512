/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each table, view and column of the store means, in a line. */
#ifndef SPYQ_SCHEMA_HELP_H
#define SPYQ_SCHEMA_HELP_H

#include "user_tables.h"

/* SQL on a row of sqlite_schema: whether people are told of it. Private tables are behind views. */
#define SCHEMA_IS_SHOWN                                                                            \
    "(type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE "     \
    "'%\\_rows' ESCAPE '\\' AND name NOT IN ('strings', 'contexts', 'images'))"

/* SQL: name, type and place of all that people are told of, the tables of the user's store last. */
#define SCHEMA_SHOWN                                                                               \
    "(SELECT name, type, rowid AS place FROM sqlite_schema WHERE " SCHEMA_IS_SHOWN                 \
    " UNION ALL SELECT name, 'table', 1000000 FROM pragma_module_list WHERE name IN " USER_TABLES  \
    ")"

/* SQL: the table behind a public name that may be a view of one. */
#define SCHEMA_TABLE_OF(name)                                                                      \
    "CASE " name " WHEN 'processes' THEN 'process_rows' WHEN 'execs' THEN 'exec_rows' WHEN "       \
    "'edges' THEN 'edge_rows' WHEN 'connections' THEN 'connection_rows' ELSE " name " END"

/* The meaning of a table or view, or NULL where it is none of ours. */
const char *schema_help_table(const char *table);

/* The meaning of a column of a table or view, or NULL. */
const char *schema_help_column(const char *table, const char *column);

#endif
