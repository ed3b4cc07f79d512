/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table functions ancestors, descendants, backward, forward and path. */
#ifndef SPYQ_VT_GRAPH_H
#define SPYQ_VT_GRAPH_H

#include <sqlite3.h>

/* Registers all of them on a connection. Returns SQLite's result code. */
int vt_graph_register(sqlite3 *db);

#endif
