/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema.sql.h"
#include "store_private.h"
#include "views.sql.h"

/* SQLite's file format: the header, and where its big-endian fields are. */
#define HEADER_SIZE           100
#define HEADER_MAGIC          "SQLite format 3"
#define HEADER_USER_VERSION   60
#define HEADER_APPLICATION_ID 68

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static enum store_status check_numbers(const char *path, uint32_t application_id, int64_t version,
                                       struct store_error *error)
{
    if (application_id != STORE_APPLICATION_ID)
        return store_error_set(error, STORE_NOT_OURS,
                               "%s: another program's database, not a spyq store", path);
    if (version > STORE_SCHEMA_VERSION)
        return store_error_set(error, STORE_NEWER,
                               "%s: written by a newer spyq (schema %lld, this one knows %d)", path,
                               (long long)version, STORE_SCHEMA_VERSION);
    /* Version 1 is the first. What is between it and ours will be migrated. */
    if (version < 1)
        return store_error_set(error, STORE_NOT_OURS, "%s: schema %lld is not known", path,
                               (long long)version);
    return STORE_OK;
}

static enum store_status check_header(const char *path, const unsigned char *header, size_t size,
                                      struct store_error *error)
{
    if (size == 0)
        return store_error_set(error, STORE_NOT_OURS,
                               "%s: an empty file, not a spyq store; a new store is only made "
                               "where there is no file",
                               path);
    if (size < HEADER_SIZE || memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC)) != 0)
        return store_error_set(error, STORE_NOT_OURS, "%s: not a database, not a spyq store", path);
    return check_numbers(path, big_endian(header + HEADER_APPLICATION_ID),
                         (int32_t)big_endian(header + HEADER_USER_VERSION), error);
}

enum store_status store_inspect(const char *path, bool *exists, struct store_error *error)
{
    struct stat status;
    *exists = stat(path, &status) == 0;
    if (!*exists && errno == ENOENT)
        return STORE_OK;
    if (!*exists)
        return store_error_set(error, STORE_ERROR, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return store_error_set(error, STORE_NOT_OURS, "%s: %s, not a spyq store", path,
                               S_ISDIR(status.st_mode) ? "a directory" : "not a regular file");
    unsigned char header[HEADER_SIZE];
    int file = open(path, O_RDWR | O_CLOEXEC); /* for writing: now is the time to hear of EROFS */
    ssize_t size = file < 0 ? -1 : pread(file, header, sizeof(header), 0);
    int cause = errno;
    if (file >= 0)
        close(file);
    if (size < 0)
        return store_error_set(error, STORE_ERROR, "%s: cannot open for writing: %s", path,
                               strerror(cause));
    return check_header(path, header, (size_t)size, error);
}

static int query_integer(sqlite3 *db, const char *sql, int64_t *value)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    return code == SQLITE_OK ? sqlite3_finalize(statement) : code;
}

int store_read_version(sqlite3 *db, int64_t *version)
{
    return query_integer(db, "PRAGMA user_version", version);
}

enum store_status store_check_version(sqlite3 *db, const char *path, struct store_error *error)
{
    int64_t application_id = 0, version = 0;
    if (query_integer(db, "PRAGMA application_id", &application_id) != SQLITE_OK ||
        store_read_version(db, &version) != SQLITE_OK)
        return store_error_sqlite(error, db, path, "cannot read");
    return check_numbers(path, (uint32_t)application_id, version, error);
}

/* Everything that makes a database a store, in one transaction. */
static int run_schema(sqlite3 *db)
{
    static const char before[] = "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;"
                                 "PRAGMA secure_delete = OFF; BEGIN;";
    char *after = sqlite3_mprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;"
                                  "PRAGMA journal_mode = WAL;",
                                  STORE_APPLICATION_ID, STORE_SCHEMA_VERSION);
    int code = after ? sqlite3_exec(db, before, NULL, NULL, NULL) : SQLITE_NOMEM;
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, schema_sql, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, views_sql, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, after, NULL, NULL, NULL);
    sqlite3_free(after);
    return code;
}

static enum store_status fill_database(const char *name, const char *path,
                                       struct store_error *error)
{
    sqlite3 *db = NULL;
    enum store_status status = STORE_OK;
    if (sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ||
        run_schema(db) != SQLITE_OK)
        status = store_error_sqlite(error, db, path, "cannot create");
    sqlite3_close(db);
    return status;
}

static void remove_with_journals(const char *name)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char *file;
        if (asprintf(&file, "%s%s", name, suffixes[i]) < 0)
            return;
        unlink(file);
        free(file);
    }
}

static enum store_status create_file(const char *name, struct store_error *error)
{
    int file = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    /* The journals get the mode of the database from SQLite, whatever the umask says. */
    if (file < 0 || fchmod(file, 0640) < 0)
        store_error_set(error, errno == ENOSPC ? STORE_FULL : STORE_ERROR, "%s: cannot create: %s",
                        name, strerror(errno));
    if (file < 0)
        return error->status;
    close(file);
    return error->status;
}

static int sync_directory_of(char *name)
{
    int directory = open(dirname(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -1;
    int result = fsync(directory);
    close(directory);
    return result;
}

/* Gives the finished database its name, unless that has been taken. */
static enum store_status publish(char *name, const char *path, struct store_error *error)
{
    int result = renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE);
    if (result < 0 && errno == EINVAL) /* not every file system knows the flag */
        result = rename(name, path);
    if (result < 0 || sync_directory_of(name) < 0)
        return store_error_set(error, STORE_ERROR, "%s: cannot create: %s", path, strerror(errno));
    return STORE_OK;
}

enum store_status store_create(const char *path, struct store_error *error)
{
    char *name;
    if (asprintf(&name, "%s-new", path) < 0)
        return store_error_set(error, STORE_ERROR, "%s: out of memory", path);
    remove_with_journals(name); /* of a recorder that was killed here: we hold the lock */
    *error = (struct store_error){.status = STORE_OK};
    enum store_status status = create_file(name, error);
    if (status == STORE_OK)
        status = fill_database(name, path, error);
    if (status == STORE_OK)
        status = publish(name, path, error);
    if (status != STORE_OK)
        remove_with_journals(name);
    free(name);
    return status;
}
