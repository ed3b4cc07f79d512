/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads which traces are pinned out of the user's store beside the recorded one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "retention_private.h"
#include "user.h"

enum store_status pins_prepare(struct store *store)
{
    return store_run(
        store,
        "PRAGMA temp_store = MEMORY;"
        "CREATE TEMP TABLE IF NOT EXISTS pinned_traces (trace_id INTEGER PRIMARY KEY);",
        0, "cannot prepare for pins");
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* ---- the user's store: whoever can write it decides what is kept ---- */

static bool refuse(struct pins *pins, const char *path, const char *why)
{
    snprintf(pins->trouble, sizeof(pins->trouble), "%s: %s: the pins in it are not known", path,
             why);
    return false;
}

static bool check_identity(struct pins *pins, sqlite3 *db, const char *path)
{
    sqlite3_stmt *statement = NULL;
    int64_t id = 0;
    if (sqlite3_prepare_v2(db, "PRAGMA application_id", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        id = sqlite3_column_int64(statement, 0);
    if (sqlite3_finalize(statement) != SQLITE_OK)
        return refuse(pins, path, sqlite3_errmsg(db));
    return id == USER_STORE_APPLICATION_ID || refuse(pins, path, "not a user's store of spyq");
}

static bool open_file(struct pins *pins, const char *path, sqlite3 **db)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, db, flags, NULL) != SQLITE_OK)
        return refuse(pins, path, *db ? sqlite3_errmsg(*db) : "out of memory");
    sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    return check_identity(pins, *db, path);
}

/* ---- taking them over, inside a transaction ---- */

static enum store_status take_pin(struct store *store, sqlite3_stmt *pin)
{
    static const char sql[] = "INSERT OR IGNORE INTO temp.pinned_traces (trace_id) "
                              "SELECT id FROM traces WHERE id = ?1 AND started_at IS ?2";
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_value(statement, 1, sqlite3_column_value(pin, 0));
        sqlite3_bind_value(statement, 2, sqlite3_column_value(pin, 1));
        sqlite3_step(statement);
        code = sqlite3_finalize(statement);
    }
    return code == SQLITE_OK ? STORE_OK : store_failed(store, "cannot take over a pin");
}

static enum store_status take_pins(struct store *store, struct pins *pins, sqlite3 *db,
                                   const char *path)
{
    sqlite3_stmt *pin = NULL;
    enum store_status status = STORE_OK;
    int code =
        sqlite3_prepare_v2(db, "SELECT trace_id, trace_started_at FROM pins", -1, &pin, NULL);
    while (code == SQLITE_OK && status == STORE_OK && sqlite3_step(pin) == SQLITE_ROW)
        status = take_pin(store, pin);
    if (sqlite3_finalize(pin) != SQLITE_OK || code != SQLITE_OK) {
        refuse(pins, path, sqlite3_errmsg(db));
        return STORE_ERROR;
    }
    return status;
}

static enum store_status settle(struct store *store, struct pins *pins)
{
    sqlite3_stmt *count;
    enum store_status status = store_run(
        store,
        "UPDATE traces SET pinned = id IN (SELECT trace_id FROM temp.pinned_traces) WHERE "
        "pinned <> (id IN (SELECT trace_id FROM temp.pinned_traces));",
        0, "cannot mark pinned traces");
    if (status != STORE_OK)
        return status;
    if (sqlite3_prepare_v2(store->db, "SELECT 1 FROM temp.pinned_traces", -1, &count, NULL))
        return store_failed(store, "cannot read its pins");
    pins->any = sqlite3_step(count) == SQLITE_ROW;
    sqlite3_finalize(count);
    return STORE_OK;
}

/* db NULL: there is no user's store. */
static enum store_status replace_pins(struct store *store, struct pins *pins, sqlite3 *db,
                                      const char *path)
{
    enum store_status status = store_begin(store);
    if (status == STORE_OK)
        status = store_run(store, "DELETE FROM temp.pinned_traces;", 0, "cannot forget its pins");
    if (status == STORE_OK && db)
        status = take_pins(store, pins, db, path);
    if (status == STORE_OK)
        status = settle(store, pins);
    if (status == STORE_OK)
        status = store_commit(store);
    if (status != STORE_OK)
        store_roll_back(store);
    return status;
}

static enum store_status read_again(struct store *store, struct pins *pins, const char *path,
                                    const struct stat *file)
{
    sqlite3 *db = NULL;
    enum store_status status = STORE_OK;
    pins->trouble[0] = '\0';
    if (file->st_ino == 0)
        status = replace_pins(store, pins, NULL, path);
    else if (!S_ISREG(file->st_mode))
        refuse(pins, path, "no regular file");
    else if (file->st_mode & (S_IWGRP | S_IWOTH))
        refuse(pins, path, "others than its owner may write it");
    else if (open_file(pins, path, &db))
        status = replace_pins(store, pins, db, path);
    sqlite3_close(db);
    if (status == STORE_OK && !pins->trouble[0])
        pins->seen = *file;
    return pins->trouble[0] ? STORE_OK : status;
}

enum store_status pins_refresh(struct store *store, struct pins *pins)
{
    struct stat file = {0};
    char *path;
    if (asprintf(&path, "%s" USER_STORE_SUFFIX, store->path) < 0)
        return store_error_set(&store->failure, STORE_ERROR, "%s: out of memory", store->path);
    if (lstat(path, &file) < 0)
        file = (struct stat){0};
    enum store_status status = STORE_OK;
    if (pins->trouble[0] || !same_file(&file, &pins->seen))
        status = read_again(store, pins, path, &file);
    free(path);
    return status;
}
