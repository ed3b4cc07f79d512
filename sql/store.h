/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The write side of a store: opens or creates the SQLite file, keeps its schema, writes rows.
 *
 * A store is used by one thread at a time (the writer thread, once it runs). Every function that
 * can fail returns a code of enum store_status and leaves one line in store_failure() or in the
 * caller's buffer that names what failed and where; nothing already in the file is ever changed
 * by a failure.
 */
#ifndef SPYQ_STORE_H
#define SPYQ_STORE_H

#include <stdbool.h>

#include "rows.h"

#define STORE_APPLICATION_ID 0x53505951
#define STORE_SCHEMA_VERSION 1

enum store_status {
    STORE_OK,
    STORE_NOT_OURS, /* another program's database, or no database at all: left untouched */
    STORE_NEWER,    /* written by a newer spyq: left untouched */
    STORE_LOCKED,   /* another recorder writes it; the message names its pid */
    STORE_FULL,     /* no space left on the device */
    STORE_BUSY,     /* a reader holds a lock; trying again may help */
    STORE_ERROR,    /* anything else: permissions, I/O, corruption */
};

struct store;

struct store_error {
    enum store_status status;
    char message[512];
};

/*
 * Opens the store at path for writing, creating it (mode 0640) where there is none, and migrates
 * an older schema forward. Takes the lock file `path-lock` for the life of the store, so that two
 * recorders never write one file. Returns NULL and fills *error on failure.
 */
struct store *store_open(const char *path, struct store_error *error);

/* Checkpoints, closes and unlocks. The WAL stays behind for readers without write access. */
void store_close(struct store *store);

/* The last failure of this store; valid until the next call on it. */
const struct store_error *store_failure(const struct store *store);

/*
 * Finds the row of this boot (machine_id and boot_id equal) or adds it, and sets host->id. On a
 * known boot first_seen_at and last_seen_at are set from the row: when the recorder last wrote.
 * *known tells which. Rows of earlier boots that were still alive get their end: their host's
 * last_seen_at.
 */
enum store_status store_host(struct store *store, struct row_host *host, bool *known);

/* When the newest recorder on any boot last wrote (ns), or INTEGER_NULL in a new store. */
enum store_status store_last_seen(struct store *store, int64_t *last_seen_at);

/* The lowest id never used so far, for each kind of row. */
enum store_status store_next_ids(struct store *store, int64_t next[ROW_KIND_COUNT]);

/*
 * Visits what was alive on this host when the store was last written: processes, then listeners,
 * then connections, each kind in order of id. The row and its text are valid during the call only.
 */
typedef void store_visitor(void *context, const struct row *row);
enum store_status store_living(struct store *store, int64_t host_id, store_visitor *visit,
                               void *context);

/*
 * Writes rows in one transaction: each is inserted, or replaces every column of the row with the
 * same id. All or nothing: after a failure none of them is in the store and the call may be
 * repeated with the same rows.
 */
enum store_status store_write(struct store *store, const struct row *rows, size_t count);

#endif
