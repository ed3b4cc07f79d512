/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "user_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../sql/user.h"
#include "complain.h"
#include "guard.h"
#include "user.sql.h"

#define FILE_MODE       0640
#define BUSY_TIMEOUT_MS 5000
#define NOBODY_LOGGED   4294967295u /* what the kernel calls a login uid that is not set */

/* ---- the file ---- */

/* In memory of malloc: symbolic links on the way to the store are resolved, as nothing is followed
 * from there on. NULL after a message. */
static char *find_path(const char *store)
{
    const char *environment = getenv("SPYQ_USER_STORE");
    if (environment && *environment)
        return strdup(environment);
    char *real = realpath(store, NULL);
    char *path = NULL;
    if (!real || asprintf(&path, "%s" USER_STORE_SUFFIX, real) < 0)
        complain("%s: %s", store, strerror(errno));
    free(real);
    return path;
}

/* Root makes it for the recorder's user to read as well: the group of the recorded store. */
static void share_with_group_of(int file, const char *store)
{
    struct stat recorded, made;
    if (stat(store, &recorded) == 0 && fstat(file, &made) == 0 && recorded.st_gid != made.st_gid &&
        fchown(file, (uid_t)-1, recorded.st_gid) < 0)
        complain("the recorder may not be able to read the user's store: its group could not be "
                 "set: %s",
                 strerror(errno));
}

static enum status create(const char *path, const char *store)
{
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (file < 0 && errno == EEXIST)
        return STATUS_OK;
    if (file >= 0 && fchmod(file, FILE_MODE) == 0) {
        share_with_group_of(file, store);
        close(file);
        return STATUS_OK;
    }
    complain("cannot make the user's store %s: %s", path, strerror(errno));
    if (file >= 0)
        close(file);
    return STATUS_STORE;
}

/* Whoever may write it decides what the recorder keeps: nobody but its owner should. */
static enum status check_file(const char *path, bool *exists)
{
    struct stat file;
    *exists = lstat(path, &file) == 0;
    if (!*exists && errno == ENOENT)
        return STATUS_OK;
    if (!*exists)
        complain("cannot read the user's store %s: %s", path, strerror(errno));
    else if (!S_ISREG(file.st_mode))
        complain("the user's store %s is no regular file", path);
    else if (file.st_mode & (S_IWGRP | S_IWOTH))
        complain("the user's store %s can be written by others than its owner: chmod go-w", path);
    else
        return STATUS_OK;
    return STATUS_STORE;
}

/* ---- the database ---- */

static enum status failed(const char *path, sqlite3 *db)
{
    int code = db ? sqlite3_errcode(db) : SQLITE_NOMEM;
    if (code == SQLITE_NOTADB)
        complain("%s is not a user's store of spyq: it is no SQLite database", path);
    else if (code == SQLITE_READONLY || code == SQLITE_PERM)
        complain("cannot write the user's store %s: it belongs to somebody else", path);
    else
        complain("cannot use the user's store %s: %s", path,
                 db ? sqlite3_errmsg(db) : "out of memory");
    return STATUS_STORE;
}

static int read_number(sqlite3 *db, const char *sql, int64_t *value)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    return code == SQLITE_OK ? sqlite3_finalize(statement) : code;
}

/* A file without any table yet is as good as a new one. */
static enum status check_identity(const char *path, sqlite3 *db)
{
    int64_t application = 0, version = 0, tables = 0;
    if (read_number(db, "PRAGMA application_id", &application) ||
        read_number(db, "PRAGMA user_version", &version) ||
        read_number(db, "SELECT count(*) FROM sqlite_schema", &tables))
        return failed(path, db);
    if (application == 0 && version == 0 && tables == 0)
        return STATUS_OK;
    if (application != USER_STORE_APPLICATION_ID)
        complain("%s is not a user's store of spyq: it is another program's database", path);
    else if (version > USER_STORE_SCHEMA_VERSION)
        complain("the user's store %s has schema version %lld, made by a newer spyq", path,
                 (long long)version);
    else
        return STATUS_OK;
    return STATUS_STORE;
}

static enum status make_tables(const char *path, sqlite3 *db)
{
    char *sql = sqlite3_mprintf("BEGIN IMMEDIATE; PRAGMA application_id = %d;"
                                "PRAGMA user_version = %d; %s; COMMIT",
                                USER_STORE_APPLICATION_ID, USER_STORE_SCHEMA_VERSION, user_sql);
    int code = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return code == SQLITE_OK ? STATUS_OK : failed(path, db);
}

/* What is in the file may come from elsewhere: no code of its schema is run. */
static void distrust(sqlite3 *db)
{
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

static enum status open_database(const char *path, bool write, sqlite3 **db)
{
    int flags = write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    if (sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL))
        return failed(path, *db);
    distrust(*db);
    enum status status = check_identity(path, *db);
    if (status == STATUS_OK && write)
        status = make_tables(path, *db);
    if (status == STATUS_OK && !write)
        guard_install(*db);
    return status;
}

static enum status open_user_store(const struct session *session, bool write, struct session *user)
{
    bool exists = false;
    *user = *session;
    user->db = NULL;
    char *path = find_path(session->path);
    enum status status = path ? check_file(path, &exists) : STATUS_STORE;
    if (status == STATUS_OK && !exists && write)
        status = create(path, session->path);
    if (status == STATUS_OK && (exists || write))
        status = open_database(path, write, &user->db);
    if (status != STATUS_OK)
        user_store_close(user);
    free(path);
    return status;
}

enum status user_store_read(const struct session *session, struct session *user)
{
    return open_user_store(session, false, user);
}

enum status user_store_write(const struct session *session, struct session *user)
{
    return open_user_store(session, true, user);
}

void user_store_close(struct session *user)
{
    sqlite3_close(user->db);
    user->db = NULL;
}

/* ---- who ---- */

static uid_t login_uid(void)
{
    unsigned uid = NOBODY_LOGGED;
    FILE *file = fopen("/proc/self/loginuid", "re");
    if (file) {
        if (fscanf(file, "%10u", &uid) != 1)
            uid = NOBODY_LOGGED;
        fclose(file);
    }
    return uid == NOBODY_LOGGED ? getuid() : uid;
}

const char *user_store_person(void)
{
    static char text[1024]; /* the name, and what else the entry holds */
    struct passwd entry;
    struct passwd *found = NULL;
    uid_t uid = login_uid();
    if (getpwuid_r(uid, &entry, text, sizeof text, &found) == 0 && found)
        return found->pw_name;
    snprintf(text, sizeof text, "%u", uid);
    return text;
}
