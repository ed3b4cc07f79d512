/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables of the user's store (sql/user.sql) as tables of the recorded one: SELECT * FROM pins.
 * They can only be read. The file is opened when a statement reads them, and so costs nobody else
 * anything; without a file they are empty.
 */
#ifndef SPYQ_USER_TABLES_H
#define SPYQ_USER_TABLES_H

#include "session.h"

/* SQL: a list of their names. */
#define USER_TABLES "('pins', 'suppressions')"

/* Offers them on the session's connection; the session outlives it. A table of that name in the
 * store itself goes before. Without memory they are not there. */
void user_tables_offer(struct session *session);

#endif
