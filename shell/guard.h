/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What SQL may do in spyq: read this store. It cannot write, attach, load code or keep a
 * transaction open; and a store from somewhere else is not trusted. memory.h bounds its memory.
 */
#ifndef SPYQ_GUARD_H
#define SPYQ_GUARD_H

#include <sqlite3.h>

/* Guards a connection for the rest of its life. Call after the connection is set up. */
void guard_install(sqlite3 *db);

/*
 * What was refused last, in the words of a message ("ATTACH", "the function load_extension"), or
 * NULL; forgets it.
 */
const char *guard_refused(void);

#endif
