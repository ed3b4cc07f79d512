/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each table, view and column of the store means, in a line. */
#ifndef SPYQ_SCHEMA_HELP_H
#define SPYQ_SCHEMA_HELP_H

/* The meaning of a table or view, or NULL where it is none of ours. */
const char *schema_help_table(const char *table);

/* The meaning of a column of a table or view, or NULL. */
const char *schema_help_column(const char *table, const char *column);

#endif
