/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the store_*.c files share; nobody else includes this. store.c opens and closes, store_lock.c
 * keeps other recorders out, store_schema.c knows the file's format and version, store_migrate.c
 * brings earlier versions up to date, store_write.c owns the transactions and statements,
 * store_read.c answers what earlier runs left.
 */
#ifndef SPYQ_STORE_PRIVATE_H
#define SPYQ_STORE_PRIVATE_H

#include <sqlite3.h>

#include "store.h"

/* Most columns of one table that hold ids: its own and those of other rows. */
#define STORE_ID_COLUMNS_MAX 8

/* The upsert of one table, and which of its columns hold ids of which table. */
struct store_table {
    sqlite3_stmt *upsert;
    size_t id_column_count;
    struct {
        size_t offset;
        enum row_kind kind;
    } id_columns[STORE_ID_COLUMNS_MAX];
};

/* Room for a row of any kind. */
#define ANY_ROW_MEMBER(NAME, table, name, COLUMNS) struct row_##name name;
union any_row {
    ROW_KINDS(ANY_ROW_MEMBER)
};

#define STORE_CHANGES_STATEMENTS 3

struct retention;

struct store {
    char *path; /* absolute, symbolic links resolved */
    sqlite3 *db;
    int lock; /* descriptor of the lock file; -1: none */
    struct store_error failure;
    struct store_table tables[ROW_KIND_COUNT];
    sqlite3_stmt *mark;                   /* writes one row of `sequences` */
    sqlite3_stmt *unscore;                /* deletes a trace's rows of `score_reasons` */
    int64_t last_id[ROW_KIND_COUNT];      /* as `sequences` has it */
    int64_t last_id_seen[ROW_KIND_COUNT]; /* in the open transaction */
    sqlite3_str *changed_processes;       /* the begin of an array of ids; NULL: none so far */
    sqlite3_str *changed_edges;
    sqlite3_stmt *changes[STORE_CHANGES_STATEMENTS]; /* write rows of `changes` */
    struct retention *retention;                     /* NULL: nothing is rolled away */
};

/* Fill *error and return its status. */
enum store_status store_error_set(struct store_error *error, enum store_status status,
                                  const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Takes cause and status from the last failure on db; message: "PATH: DOING: cause". */
enum store_status store_error_sqlite(struct store_error *error, sqlite3 *db, const char *path,
                                     const char *doing);

/* The same for a call on an open store. store_succeeded clears the last failure. */
enum store_status store_failed(struct store *store, const char *doing);
enum store_status store_succeeded(struct store *store);

/* Runs SQL of one or several statements with ?1 bound to `first` wherever it occurs. */
enum store_status store_run(struct store *store, const char *sql, int64_t first, const char *doing);

/* Takes the lock of the store at path; -1 and *error on failure. */
int store_lock(const char *path, struct store_error *error);
void store_unlock(int lock);

/*
 * Reads the header of the file at path without SQLite, so that nothing is touched that is not
 * ours. STORE_OK when it may be opened, or, with *exists false, created.
 */
enum store_status store_inspect(const char *path, bool *exists, struct store_error *error);

/* Makes a new, empty store at path, whole or not at all. */
enum store_status store_create(const char *path, struct store_error *error);

/* Checks through SQLite, the WAL included, that the open store has a schema that we know. */
enum store_status store_check_version(sqlite3 *db, const char *path, struct store_error *error);

/* The version of the open store's schema. Returns SQLite's code. */
int store_read_version(sqlite3 *db, int64_t *version);

/* Gives an open store of an earlier version this version's schema, or leaves it as it was. */
enum store_status store_migrate(struct store *store);

/* Prepare and finalize the statements of store_write.c. On failure *error of the store is set. */
enum store_status store_prepare(struct store *store);
void store_finalize(struct store *store);

/*
 * What the open transaction changes of the graph. note is called for each row that was put, write
 * before the commit, and drop where there is none.
 */
int store_changes_prepare(struct store *store);
void store_changes_finalize(struct store *store);
void store_changes_note(struct store *store, const struct row *row);
enum store_status store_changes_write(struct store *store);
void store_changes_drop(struct store *store);

/*
 * Keeps a row from naming others that were rolled away: returns it as it is, a changed one that is
 * valid until the next call, or NULL where it means nothing without them, which is counted.
 */
const struct row *retention_admit(struct retention *retention, const struct row *row);

/* The pid of another process that holds a lock on the store's log, 0: none is known. */
long store_lock_holder(const char *path);

/* One transaction: begin, put rows, commit. Whoever sees a failure rolls back. */
enum store_status store_begin(struct store *store);
enum store_status store_put(struct store *store, const struct row *row);
enum store_status store_commit(struct store *store);
void store_roll_back(struct store *store);

#endif
