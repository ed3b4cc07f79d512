/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each table, view and column of the store means, in a line. */
#ifndef SPYQ_SCHEMA_HELP_H
#define SPYQ_SCHEMA_HELP_H

/* SQL on a row of sqlite_schema: whether people are told of it. Private tables are behind views. */
#define SCHEMA_IS_SHOWN                                                                            \
    "(type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE "     \
    "'%\\_rows' ESCAPE '\\' AND name NOT IN ('strings', 'contexts', 'images'))"

/* SQL: the table behind a public name that may be a view of one. */
#define SCHEMA_TABLE_OF(name)                                                                      \
    "CASE " name " WHEN 'processes' THEN 'process_rows' WHEN 'execs' THEN 'exec_rows' WHEN "       \
    "'edges' THEN 'edge_rows' WHEN 'connections' THEN 'connection_rows' ELSE " name " END"

/* The meaning of a table or view, or NULL where it is none of ours. */
const char *schema_help_table(const char *table);

/* The meaning of a column of a table or view, or NULL. */
const char *schema_help_column(const char *table, const char *column);

#endif
