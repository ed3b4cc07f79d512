/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "suppress.h"

#include <stdio.h>
#include <string.h>

#include "user.h"

#define COLUMNS      "id, rule, program, ancestor, user, container, arguments, expires_at"
#define COLUMN_COUNT 8

int suppressions_prepare(sqlite3 *db)
{
    return sqlite3_exec(db, "CREATE TEMP TABLE IF NOT EXISTS suppressions (" COLUMNS ")", NULL,
                        NULL, NULL);
}

static bool look(const char *path, struct stat *file)
{
    if (lstat(path, file) == 0)
        return true;
    memset(file, 0, sizeof(*file));
    return false;
}

bool suppressions_changed(const struct suppressions *known, const char *path)
{
    struct stat now;

    look(path, &now);
    return now.st_dev != known->read.st_dev || now.st_ino != known->read.st_ino ||
           now.st_size != known->read.st_size || now.st_mtim.tv_sec != known->read.st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != known->read.st_mtim.tv_nsec;
}

static bool is_user_store(sqlite3 *user)
{
    sqlite3_stmt *statement = NULL;
    bool is =
        sqlite3_prepare_v2(user, "PRAGMA application_id", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW &&
        sqlite3_column_int64(statement, 0) == USER_STORE_APPLICATION_ID;

    sqlite3_finalize(statement);
    return is;
}

static int open_user_store(const char *path, sqlite3 **user)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path, user, flags, NULL);

    if (code != SQLITE_OK)
        return code;
    sqlite3_busy_timeout(*user, 1000);
    sqlite3_db_config(*user, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(*user, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(*user, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    return is_user_store(*user) ? SQLITE_OK : SQLITE_NOTADB;
}

/* A file that was made before there were suppressions has no such table. */
static bool has_table(sqlite3 *user)
{
    return sqlite3_table_column_metadata(user, "main", "suppressions", "rule", NULL, NULL, NULL,
                                         NULL, NULL) == SQLITE_OK;
}

static int copy(sqlite3 *db, sqlite3 *user)
{
    sqlite3_stmt *from = NULL, *to = NULL;
    int code = sqlite3_prepare_v2(user, "SELECT " COLUMNS " FROM suppressions ORDER BY id", -1,
                                  &from, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(
            db, "INSERT INTO temp.suppressions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", -1, &to,
            NULL);
    while (code == SQLITE_OK && sqlite3_step(from) == SQLITE_ROW) {
        for (int i = 0; i < COLUMN_COUNT; i++)
            sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
        sqlite3_step(to);
        code = sqlite3_reset(to);
    }
    int last = sqlite3_finalize(from);
    sqlite3_finalize(to);
    return code == SQLITE_OK ? last : code;
}

bool suppressions_load(struct suppressions *known, sqlite3 *db, const char *path, char *trouble,
                       size_t size)
{
    sqlite3 *user = NULL;
    bool exists = look(path, &known->read);
    int code = sqlite3_exec(db, "DELETE FROM temp.suppressions", NULL, NULL, NULL);

    if (code == SQLITE_OK && exists)
        code = open_user_store(path, &user);
    if (code == SQLITE_OK && exists && has_table(user))
        code = copy(db, user);
    if (code != SQLITE_OK)
        snprintf(trouble, size, "%s: %s: the suppressions in it are not known", path,
                 code == SQLITE_NOTADB ? "not a user's store of spyq" : sqlite3_errstr(code));
    sqlite3_close(user);
    return code == SQLITE_OK;
}
