/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens a store for reading, and for nothing else. */
#ifndef SPYQ_READER_H
#define SPYQ_READER_H

#include <sqlite3.h>
#include <stdbool.h>

#include "status.h"

/*
 * Opens the store at path with the functions of the extension, checks that it is a store of ours
 * that this version can read, and guards the connection (guard.h). On success *db is the
 * caller's to sqlite3_close(); otherwise a message has been written that names the file.
 *
 * A store that no process is writing, on a medium that cannot be written, is opened as a file
 * that never changes.
 */
enum status reader_open(const char *path, sqlite3 **db);

/* The same for a store that may be damaged, of which only the header has to be right: no functions,
 * and no guard but that nothing can be written. */
enum status reader_open_damaged(const char *path, sqlite3 **db);

#endif
