/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SQLite extension: the functions and table functions that docs/spyq-sql.7 describes.
 *
 * It is built twice from one source. spyq.so is loaded by any SQLite client through its entry
 * point, sqlite3_spyq_init(). Compiled with -DSQLITE_CORE it is linked into spyq, which calls
 * spyq_extension_init() on each connection it opens.
 */
#ifndef SPYQ_EXT_H
#define SPYQ_EXT_H

#include <sqlite3.h>

struct sqlite3_api_routines;

/*
 * Registers every function on a connection; they live as long as the connection does. api is the
 * table of SQLite's entry points that a loadable extension is handed, and may be NULL where the
 * extension is linked with SQLite. Returns SQLITE_OK, or SQLite's error code after setting *error
 * (where error is not NULL) to a message that the caller frees with sqlite3_free().
 */
int spyq_extension_init(sqlite3 *db, char **error, const struct sqlite3_api_routines *api);

#endif
