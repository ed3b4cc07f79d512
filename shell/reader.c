/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../sql/ext.h"
#include "../sql/store.h"
#include "complain.h"
#include "guard.h"
#include "patience.h"
#include "stop.h"

#define PROGRESS_STEPS 2000 /* virtual machine steps between looks at the clock */
#define BUSY_TRIES     500  /* of 10 ms each */

static enum status no_such_file(const char *path)
{
    int error = errno;
    if (error == ENOENT)
        complain("there is no store at %s; is spyqd running? --store FILE names another", path);
    else
        complain("cannot read the store %s: %s", path, strerror(error));
    return STATUS_STORE;
}

/* SQLite's own words for these are "unable to open database file", whatever the cause. */
static enum status check_file(const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0)
        return no_such_file(path);
    if (!S_ISREG(file.st_mode)) {
        complain("%s is not a store: it is no regular file", path);
        return STATUS_STORE;
    }
    if (access(path, R_OK) != 0)
        return no_such_file(path);
    if (file.st_size == 0) {
        complain("%s is not a spyq store: it is empty", path);
        return STATUS_STORE;
    }
    return STATUS_OK;
}

static bool read_pragma(sqlite3 *db, const char *sql, int64_t *value)
{
    sqlite3_stmt *statement = NULL;
    bool read = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW;
    if (read)
        *value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return read;
}

static int on_busy(void *unused, int tries)
{
    (void)unused;
    if (tries >= BUSY_TRIES || stop_requested())
        return 0;
    usleep(10000);
    return 1;
}

/* A way of opening the file: SQLite's URI parameters, and what to do before the first read. */
struct way {
    const char *parameters;
    const char *prepare;
};

/* A file may be forged: its pages are checked as they are read, and one cut off is no SIGBUS. */
static const char wary[] = "PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0";

static const struct way usual = {"mode=ro", "PRAGMA query_only = 1"};
/* It has no WAL: nobody writes it, and it cannot change. */
static const struct way unchanging = {"mode=ro&immutable=1", "PRAGMA query_only = 1"};
/* It has a WAL, and no place for the index of it: keep that in memory. */
static const struct way private_index = {"mode=ro&vfs=unix-none",
                                         "PRAGMA locking_mode = EXCLUSIVE"};

/* file:///a%20b?parameters; free with sqlite3_free(). */
static char *make_uri(const char *path, const char *parameters)
{
    sqlite3_str *uri = sqlite3_str_new(NULL);
    sqlite3_str_appendall(uri, *path == '/' ? "file://" : "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path))
            sqlite3_str_appendf(uri, "%%%02x", (unsigned char)*path);
        else
            sqlite3_str_appendchar(uri, 1, *path);
    }
    sqlite3_str_appendf(uri, "?%s", parameters);
    return sqlite3_str_finish(uri);
}

static int open_way(const char *path, const struct way *way, sqlite3 **db)
{
    char *uri = make_uri(path, way->parameters);
    int flags =
        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = uri ? sqlite3_open_v2(uri, db, flags, NULL) : SQLITE_NOMEM;
    sqlite3_free(uri);
    if (rc == SQLITE_OK) {
        sqlite3_busy_handler(*db, on_busy, NULL);
        sqlite3_progress_handler(*db, PROGRESS_STEPS, patience_progress, NULL);
        rc = sqlite3_exec(*db, way->prepare, NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*db, wary, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    return rc;
}

static bool has_beside(const char *path, const char *suffix)
{
    char *name = sqlite3_mprintf("%s%s", path, suffix);
    struct stat file;
    bool has = name && stat(name, &file) == 0 && file.st_size > 0;
    sqlite3_free(name);
    return has;
}

/*
 * Whether it failed for want of a place to keep the WAL's index, on a store that nobody writes: a
 * writer has that index beside the store. One that is there and cannot be opened is another matter;
 * going round it would give wrong answers.
 */
static bool lacks_index(const char *path, int rc)
{
    rc &= 0xff;
    return (rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY) && !has_beside(path, "-shm");
}

static int open_any_way(const char *path, sqlite3 **db)
{
    int rc = open_way(path, &usual, db);
    if (!lacks_index(path, rc))
        return rc;
    sqlite3_close(*db);
    return open_way(path, has_beside(path, "-wal") ? &private_index : &unchanging, db);
}

static enum status explain_failure(const char *path, sqlite3 *db, int rc)
{
    if ((rc & 0xff) == SQLITE_NOTADB)
        complain("%s is not a spyq store: it is no SQLite database", path);
    else if ((rc & 0xff) == SQLITE_CANTOPEN && has_beside(path, "-shm"))
        complain("cannot read the store %s: its -wal or -shm file cannot be opened", path);
    else if (stop_requested())
        complain("%s while opening %s", stop_words(stop_reason()), path);
    else
        complain("cannot read the store %s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
    return stop_requested() ? STATUS_STOPPED : STATUS_STORE;
}

static enum status check_identity(const char *path, sqlite3 *db)
{
    int64_t application = 0, version = 0;
    if (!read_pragma(db, "PRAGMA application_id", &application) ||
        !read_pragma(db, "PRAGMA user_version", &version))
        return explain_failure(path, db, sqlite3_errcode(db));
    if (application != STORE_APPLICATION_ID) {
        complain("%s is not a spyq store: it is another program's database", path);
        return STATUS_STORE;
    }
    if (version > STORE_SCHEMA_VERSION) {
        complain("the store %s has schema version %lld, made by a newer spyq; this one reads up "
                 "to %d",
                 path, (long long)version, STORE_SCHEMA_VERSION);
        return STATUS_STORE;
    }
    if (version < 1) {
        complain("the store %s has no tables yet: its recorder never finished making it", path);
        return STATUS_STORE;
    }
    return STATUS_OK;
}

static enum status set_up(const char *path, sqlite3 *db)
{
    enum status status = check_identity(path, db);
    if (status != STATUS_OK)
        return status;
    char *error = NULL;
    if (spyq_extension_init(db, &error, NULL) != SQLITE_OK) {
        complain("%s", error ? error : sqlite3_errmsg(db));
        sqlite3_free(error);
        return STATUS_ERROR;
    }
    guard_install(db);
    return STATUS_OK;
}

enum status reader_open(const char *path, sqlite3 **db)
{
    *db = NULL;
    enum status status = check_file(path);
    if (status != STATUS_OK)
        return status;
    int rc = open_any_way(path, db);
    status = rc == SQLITE_OK ? set_up(path, *db) : explain_failure(path, *db, rc);
    if (status != STATUS_OK) {
        sqlite3_close(*db);
        *db = NULL;
    }
    return status;
}

enum status reader_open_damaged(const char *path, sqlite3 **db)
{
    *db = NULL;
    enum status status = check_file(path);
    if (status != STATUS_OK)
        return status;
    int rc = open_any_way(path, db);
    /* SQLite holds the size in the header against the file's; what is there is wanted all the same.
     */
    bool opened = rc == SQLITE_OK || (rc & 0xff) == SQLITE_CORRUPT;
    if (opened)
        sqlite3_exec(*db, "PRAGMA writable_schema = ON", NULL, NULL, NULL);
    status = opened ? check_identity(path, *db) : explain_failure(path, *db, rc);
    if (status == STATUS_OK) {
        sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        return STATUS_OK;
    }
    sqlite3_close(*db);
    *db = NULL;
    return status;
}
