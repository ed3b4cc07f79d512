/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table functions ancestors(id [, max_depth]) and descendants(id [, max_depth]). */
#ifndef SPYQ_VT_ANCESTRY_H
#define SPYQ_VT_ANCESTRY_H

#include <sqlite3.h>

/* Registers both on a connection. Returns SQLite's result code. */
int vt_ancestry_register(sqlite3 *db);

#endif
