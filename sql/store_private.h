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

#include "interned.h"
#include "layout.h"
#include "store.h"

/* Most columns of one table, and of these that hold ids: its own and those of other rows. */
#define STORE_COLUMNS_MAX    48
#define STORE_ID_COLUMNS_MAX 8

/* The value of a stored integer that does not fit. */
#define STORE_OUT_OF_RANGE (INT64_MIN + 1)

/* A column of a row struct, and how it is stored. */
struct store_field {
    const char *name; /* in the table */
    enum stored_as as;
    enum column_type type;
    size_t offset;  /* in the row struct */
    ptrdiff_t base; /* offset of the column it is counted from; -1: from `constant` */
    int64_t constant;
    const char *const *words;
};

/* A value as it is stored: a text, or where that has no data a number; INTEGER_NULL: neither. */
struct store_value {
    int64_t integer;
    struct text text;
};

/* Rows that one statement writes. */
#define STORE_FEED_ROWS 64

/* The tables that such a statement reads them from are named so, and then as what they are for. */
#define STORE_FEED "spyq_feed_"

/* Rows of one kind on their way into the store. */
struct store_feed {
    size_t count;
    size_t at; /* the one that is being written */
    struct store_value values[STORE_FEED_ROWS][STORE_COLUMNS_MAX + 1];
};

/* How rows of a kind are written, and which of their columns hold ids of which table. */
struct store_table {
    struct store *store;
    sqlite3_stmt *put; /* takes the rows of the feed: `fields`, then the number of the set if there
                          is one; of ROW_TRACE_SCORE, takes the fields as parameters */
    sqlite3_stmt *add_set; /* NULL: no column is shared */
    const char
        *number; /* the last column: which set of those that are shared; NULL: there is none */
    size_t field_count, folded_count;
    struct store_field fields[STORE_COLUMNS_MAX];
    struct store_field folded[STORE_COLUMNS_MAX];
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

#define STORE_CHANGES_STATEMENTS 5

struct retention;

struct store {
    char *path; /* absolute, symbolic links resolved */
    sqlite3 *db;
    int lock; /* descriptor of the lock file; -1: none */
    struct store_error failure;
    struct store_table tables[ROW_KIND_COUNT];
    struct interned *interned; /* numbers of texts and of sets of columns */
    sqlite3_stmt *add_text;
    struct store_feed feed;
    struct tidy *tidy; /* NULL: nothing is being tidied */
    int64_t added;     /* bytes of texts and sets, about, since tidying last began */
    char *buffer;      /* of store_buffer_reserve() */
    size_t buffer_size;
    sqlite3_stmt *mark;                   /* writes one row of `sequences` */
    sqlite3_stmt *unscore;                /* deletes a trace's rows of `score_reasons` */
    int64_t last_id[ROW_KIND_COUNT];      /* as `sequences` has it */
    int64_t last_id_seen[ROW_KIND_COUNT]; /* in the open transaction */
    sqlite3_str *changed_processes;       /* the begin of an array of ids; NULL: none so far */
    sqlite3_str *changed_edges;
    sqlite3_stmt *changes[STORE_CHANGES_STATEMENTS]; /* write rows of `changes` */
    int64_t changes_bytes;       /* of text in them, at most; negative: not known */
    struct retention *retention; /* NULL: nothing is rolled away */
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
 * A row as it is stored (store_bind.c). All return SQLite's code. values finds those of `fields`
 * and of the set's number; what its texts and sets of columns need is written first. bind_set sets
 * the parameters of add_set, bind_update those of a put that takes any.
 */
int store_bind_prepare(struct store *store, enum row_kind kind);
void store_bind_finalize(struct store *store);
int store_row_values(struct store *store, const struct row *row, struct store_value *values);
int store_bind_set(struct store *store, enum row_kind kind, const void *columns);
int store_bind_update(struct store *store, const struct row *row);
/* INTEGER_NULL: it is NULL; STORE_OUT_OF_RANGE: it can not be stored. */
int64_t store_field_integer(const struct store_field *field, const void *columns);

/* Makes the table STORE_FEED `of`, which has the table's columns and the rows of the store's feed
 * (store_feed.c). Returns SQLite's code. */
int store_feed_create(struct store *store, struct store_table *table, const char *of);

/*
 * The numbers of texts and sets of columns (store_text.c). Those that return int return SQLite's
 * code. What was numbered in a transaction that was rolled back has to be forgotten.
 */
int store_text_prepare(struct store *store);
void store_text_finalize(struct store *store);
void store_text_forget(struct store *store);
/* *number 0: it has none, and is stored as it is. */
int store_text_number(struct store *store, struct text text, int64_t *number);
/* Numbers an exec's arguments before its process is written, which then may refer to them. */
int store_text_foresee(struct store *store, const struct row *row);
/* The number of the array whose strings this joins; 0: none is known. */
int64_t store_text_joined(struct store *store, struct text text);
int store_set_number(struct store *store, enum row_kind kind, const void *columns, int64_t *number);

/*
 * Removes texts and sets that no row refers to (store_tidy.c), inside a transaction: some rows
 * after others until the time (ns, CLOCK_MONOTONIC) is over; *done: this was the last. A
 * transaction that is rolled back stops it. Whatever number is written has to be marked: of a text,
 * or of a set of a kind.
 */
#define STORE_TIDY_TEXT (-1)
enum store_status store_tidy(struct store *store, int64_t until, bool *done);
void store_tidy_stop(struct store *store);
void store_tidy_mark(struct store *store, int set_of, int64_t number);

/* Makes store->buffer at least so long; false: no memory. Whoever calls the next may change it. */
bool store_buffer_reserve(struct store *store, size_t length);

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

/* STORE_DAMAGED where store_note_damage() has left its note about the file that is there now. */
enum store_status store_check_note(const char *path, struct store_error *error);

/* The pid of another process that holds a lock on the store's log, 0: none is known. */
long store_lock_holder(const char *path);

/* One transaction: begin, put rows, commit. Whoever sees a failure rolls back. */
enum store_status store_begin(struct store *store);
enum store_status store_put(struct store *store, const struct row *row);
enum store_status store_commit(struct store *store);
void store_roll_back(struct store *store);

#endif
