/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

/* Another writer or a checkpoint in our way: wait this long, then say STORE_BUSY. */
#define BUSY_TIMEOUT_MS 250

/*
 * NORMAL: after a power cut the newest batches may be missing, the store is never torn. The WAL is
 * checkpointed every 1,000 pages (17 to 25 ms; ten times as many stall for over 100 ms) and cut
 * back to 8 MiB when a reader made it grow.
 */
static const char connection_settings[] = "PRAGMA synchronous = NORMAL;"
                                          "PRAGMA wal_autocheckpoint = 1000;"
                                          "PRAGMA journal_size_limit = 8388608;"
                                          "PRAGMA cache_size = -8192;"
                                          "PRAGMA mmap_size = 0;"
                                          "PRAGMA secure_delete = OFF;";

enum store_status store_error_set(struct store_error *error, enum store_status status,
                                  const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    error->status = status;
    return status;
}

static bool is_out_of_space(int system_error)
{
    return system_error == ENOSPC || system_error == EDQUOT;
}

/* Where a COMMIT fails SQLite keeps no error of the system; store_commit() clears errno before it.
 */
static int cause_of(sqlite3 *db)
{
    int cause = sqlite3_system_errno(db);
    return cause ? cause : errno;
}

static enum store_status status_of(sqlite3 *db)
{
    switch (sqlite3_errcode(db)) {
    case SQLITE_FULL:
        return STORE_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_BUSY;
    case SQLITE_NOTADB:
        return STORE_NOT_OURS;
    case SQLITE_CORRUPT:
        return STORE_DAMAGED;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
        return STORE_REFUSED;
    case SQLITE_IOERR:
        return is_out_of_space(cause_of(db)) ? STORE_FULL : STORE_ERROR;
    default:
        return STORE_ERROR;
    }
}

enum store_status store_error_sqlite(struct store_error *error, sqlite3 *db, const char *path,
                                     const char *doing)
{
    int code = sqlite3_errcode(db);
    int cause = cause_of(db);
    bool has_cause = cause != 0 && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN);
    return store_error_set(error, status_of(db), "%s: %s: %s%s%s", path, doing, sqlite3_errmsg(db),
                           has_cause ? ": " : "", has_cause ? strerror(cause) : "");
}

/* Who is in our way, where that can be told. */
static void name_holder(struct store *store)
{
    char *message = store->failure.message;
    size_t used = strlen(message);
    long pid = store_lock_holder(store->path);
    if (pid)
        snprintf(message + used, sizeof(store->failure.message) - used, " by process %ld", pid);
}

enum store_status store_failed(struct store *store, const char *doing)
{
    enum store_status status = store_error_sqlite(&store->failure, store->db, store->path, doing);
    if (status == STORE_BUSY)
        name_holder(store);
    return status;
}

enum store_status store_succeeded(struct store *store)
{
    store->failure = (struct store_error){.status = STORE_OK};
    return STORE_OK;
}

const struct store_error *store_failure(const struct store *store)
{
    return &store->failure;
}

enum store_status store_run(struct store *store, const char *sql, int64_t first, const char *doing)
{
    int code = SQLITE_OK;
    while (code == SQLITE_OK && *sql) {
        sqlite3_stmt *statement;
        if (sqlite3_prepare_v2(store->db, sql, -1, &statement, &sql) != SQLITE_OK)
            return store_failed(store, doing);
        if (!statement) /* only a comment or white space was left */
            continue;
        if (sqlite3_bind_parameter_count(statement) > 0)
            sqlite3_bind_int64(statement, 1, first);
        while (sqlite3_step(statement) == SQLITE_ROW)
            continue;
        code = sqlite3_finalize(statement);
    }
    return code == SQLITE_OK ? STORE_OK : store_failed(store, doing);
}

void store_setup(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
}

/* The absolute path of a file that need not exist yet, in memory of malloc. */
static char *resolve(const char *path)
{
    char *resolved = realpath(path, NULL);
    if (resolved || errno != ENOENT)
        return resolved;
    char directory_of[PATH_MAX], name_of[PATH_MAX];
    if (snprintf(directory_of, sizeof(directory_of), "%s", path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    strcpy(name_of, directory_of);
    char *directory = realpath(dirname(directory_of), NULL);
    if (directory && asprintf(&resolved, "%s/%s", strcmp(directory, "/") ? directory : "",
                              basename(name_of)) < 0)
        resolved = NULL;
    free(directory);
    return resolved;
}

/* The file at store->path is there and ours when this returns STORE_OK, and nobody else's. */
static enum store_status claim(struct store *store)
{
    bool exists;
    enum store_status status = store_inspect(store->path, &exists, &store->failure);
    if (status != STORE_OK)
        return status;
    store->lock = store_lock(store->path, &store->failure);
    if (store->lock < 0)
        return store->failure.status;
    /* It may have been created between the first look and the lock. */
    status = store_inspect(store->path, &exists, &store->failure);
    if (status == STORE_OK && !exists)
        status = store_create(store->path, &store->failure);
    if (status == STORE_OK)
        status = store_check_note(store->path, &store->failure);
    return status;
}

static enum store_status check_journal_mode(struct store *store)
{
    sqlite3_stmt *statement;
    char mode[16] = "";
    if (sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL))
        return store_failed(store, "cannot switch to write-ahead logging");
    if (sqlite3_step(statement) == SQLITE_ROW)
        snprintf(mode, sizeof(mode), "%s", (const char *)sqlite3_column_text(statement, 0));
    if (sqlite3_finalize(statement) != SQLITE_OK)
        return store_failed(store, "cannot switch to write-ahead logging");
    if (strcmp(mode, "wal") != 0)
        return store_error_set(&store->failure, STORE_ERROR,
                               "%s: this file system does not support write-ahead logging",
                               store->path);
    return STORE_OK;
}

static enum store_status configure(struct store *store)
{
    int on = 1;
    sqlite3_file_control(store->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    if (sqlite3_exec(store->db, connection_settings, NULL, NULL, NULL) != SQLITE_OK)
        return store_failed(store, "cannot configure");
    return check_journal_mode(store);
}

static enum store_status connect_to(struct store *store)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK)
        return store_failed(store, "cannot open");
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    /* They are for those who write and do not say what. */
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    /* Until it is known to be ours, not even its own log is copied into it. */
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    enum store_status status = store_check_version(store->db, store->path, &store->failure);
    if (status == STORE_OK)
        status = configure(store);
    if (status == STORE_OK)
        status = store_migrate(store);
    if (status == STORE_OK)
        status = store_prepare(store);
    if (status == STORE_OK)
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return status;
}

struct store *store_open(const char *path, struct store_error *error)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store) {
        store_error_set(error, STORE_ERROR, "%s: out of memory", path);
        return NULL;
    }
    store->lock = -1;
    store->path = resolve(path);
    enum store_status status = STORE_OK;
    if (!store->path)
        status = store_error_set(&store->failure, STORE_ERROR, "%s: %s", path, strerror(errno));
    if (status == STORE_OK)
        status = claim(store);
    if (status == STORE_OK)
        status = connect_to(store);
    *error = store->failure;
    if (status == STORE_OK)
        return store;
    store_close(store);
    return NULL;
}

void store_relax(struct store *store)
{
    sqlite3_db_release_memory(store->db);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_finalize(store);
    sqlite3_close(store->db);
    store_unlock(store->lock);
    free(store->path);
    free(store);
}
