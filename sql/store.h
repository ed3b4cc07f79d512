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
#define STORE_SCHEMA_VERSION 3

enum store_status {
    STORE_OK,
    STORE_NOT_OURS, /* another program's database, or no database at all: left untouched */
    STORE_NEWER,    /* written by a newer spyq: left untouched */
    STORE_LOCKED,   /* another recorder writes it; the message names its pid */
    STORE_FULL,     /* no space left on the device */
    STORE_BUSY,     /* another connection holds a lock; trying again may help */
    STORE_REFUSED,  /* a row breaks a rule of the schema; the same rows will fail again */
    STORE_DAMAGED,  /* what is in the file contradicts itself */
    STORE_ERROR,    /* anything else: permissions, I/O */
};

struct store;

struct store_error {
    enum store_status status;
    char message[512];
};

/*
 * Once for a process, before it uses SQLite at all: memory is not counted, which would take a lock
 * for each piece of it, and what a statement keeps to undo itself goes to no temporary file.
 */
void store_setup(void);

/*
 * Opens the store at path for writing, creating it (mode 0640, whatever the umask) where there is
 * no file; a file that is empty, cut short or not a store is refused. A new store appears under its
 * name whole or not at all. A store of an earlier schema is migrated, in one transaction, which
 * needs up to as much space again. Takes the lock file `path-lock` for the life of the store, so
 * that two recorders never write one file. Returns NULL and fills *error on failure.
 */
struct store *store_open(const char *path, struct store_error *error);

/*
 * Gives whatever file is at path another name, `PATH.aside-TIME`, with its journals, so that a
 * store can be made there; nothing is lost by it. Writes that name to `to` (of `size` bytes). Fails
 * while another recorder has the file.
 */
enum store_status store_move_aside(const char *path, char *to, size_t size,
                                   struct store_error *error);

/* Gives back what is kept in memory of the file's pages; they are read again where they are needed.
 * Between two transactions. */
void store_relax(struct store *store);

/*
 * Leaves a note beside the store, `path-damaged`, that it was found damaged, and how. Until that
 * file or the store is gone store_open() returns STORE_DAMAGED.
 */
void store_note_damage(const struct store *store, const char *message);

/*
 * Checkpoints, closes and unlocks; NULL is allowed. The WAL stays behind, empty, for readers
 * without write access, and so does the lock file.
 */
void store_close(struct store *store);

/* How the last call on this store failed, STORE_OK if it did not; valid until the next call. */
const struct store_error *store_failure(const struct store *store);

/*
 * Finds the row of this boot (machine_id and boot_id equal, boot_id not NULL) or adds it, and sets
 * host->id. On a known boot first_seen_at and last_seen_at are set from the row: when the recorder
 * last wrote. *known tells which. Processes, listeners and connections of other boots that were
 * still alive get their end: their host's last_seen_at, or their own start if that was later.
 */
enum store_status store_host(struct store *store, struct row_host *host, bool *known);

/* When the newest run of the recorder, on any boot, last wrote (ns); INTEGER_NULL: there was none.
 */
enum store_status store_last_seen(struct store *store, int64_t *last_seen_at);

/*
 * The lowest id never used so far, for each kind of row: above every id that a row written to this
 * store ever had, or named in another row, whether it is still there or not.
 */
enum store_status store_next_ids(struct store *store, int64_t next[ROW_KIND_COUNT]);

/*
 * Visits what was alive on this host when the store was last written: processes, then containers,
 * listeners, connections and the connect edges of these, each kind in order of id. The row and its
 * text are valid during the call only.
 */
typedef void store_visitor(void *context, const struct row *row);
enum store_status store_living(struct store *store, int64_t host_id, store_visitor *visit,
                               void *context);

/*
 * Writes rows in one transaction: each is inserted, or replaces every column of the row with the
 * same id. A ROW_TRACE_SCORE changes its columns of a trace that is there, whose score_reasons are
 * deleted: those that hold now come after it. Text is kept byte for byte. All or nothing: after a
 * failure none of them is in the store and the call may be repeated with the same rows.
 */
enum store_status store_write(struct store *store, const struct row *rows, size_t count);

#endif
