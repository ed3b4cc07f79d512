/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All about one column: what it means, what it holds, and SQL that uses it. */
#ifndef SPYQ_COLUMN_HELP_H
#define SPYQ_COLUMN_HELP_H

#include "session.h"

/*
 * Shows a column of a table or view: its type, its meaning, whether an index finds its values, some
 * of the newest of them, and an example. STATUS_ERROR, after a message, where there is no such
 * column.
 */
enum status column_help(struct session *session, const char *table, const char *column);

#endif
