/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guard.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static char refused[96];

/* Every action that is not allowed below, as people know it. */
static const struct {
    int action;
    const char *name;
} action_names[] = {
    {SQLITE_INSERT, "INSERT"},
    {SQLITE_UPDATE, "UPDATE"},
    {SQLITE_DELETE, "DELETE"},
    {SQLITE_CREATE_TABLE, "CREATE TABLE"},
    {SQLITE_CREATE_INDEX, "CREATE INDEX"},
    {SQLITE_CREATE_VIEW, "CREATE VIEW"},
    {SQLITE_CREATE_TRIGGER, "CREATE TRIGGER"},
    {SQLITE_CREATE_VTABLE, "CREATE VIRTUAL TABLE"},
    {SQLITE_CREATE_TEMP_TABLE, "CREATE TEMP TABLE"},
    {SQLITE_CREATE_TEMP_INDEX, "CREATE INDEX"},
    {SQLITE_CREATE_TEMP_VIEW, "CREATE TEMP VIEW"},
    {SQLITE_CREATE_TEMP_TRIGGER, "CREATE TEMP TRIGGER"},
    {SQLITE_DROP_TABLE, "DROP TABLE"},
    {SQLITE_DROP_INDEX, "DROP INDEX"},
    {SQLITE_DROP_VIEW, "DROP VIEW"},
    {SQLITE_DROP_TRIGGER, "DROP TRIGGER"},
    {SQLITE_DROP_VTABLE, "DROP TABLE"},
    {SQLITE_ALTER_TABLE, "ALTER TABLE"},
    {SQLITE_REINDEX, "REINDEX"},
    {SQLITE_ANALYZE, "ANALYZE"},
    {SQLITE_ATTACH, "ATTACH and VACUUM"},
    {SQLITE_DETACH, "DETACH"},
    {SQLITE_TRANSACTION, "a transaction: each statement is one"},
    {SQLITE_SAVEPOINT, "SAVEPOINT"},
};

/* Pragmas that only tell. The second group tells without an argument and sets with one. */
static const char *const telling_pragmas[] = {
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
    "function_list",
    "module_list",
    "pragma_list",
    "database_list",
    "collation_list",
    "compile_options",
    "integrity_check",
    "quick_check",
    "page_count",
    NULL,
};
static const char *const bare_pragmas[] = {
    "user_version", "application_id", "page_size", "freelist_count", "encoding", "journal_mode",
    "data_version", "schema_version", NULL,
};

/* SQLite's own functions that reach outside the store, in this build or another. */
static const char *const outside_functions[] = {
    "load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "lsdir", NULL,
};

static bool is_listed(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcasecmp(name, *list) == 0)
            return true;
    return false;
}

static int refuse(const char *what, const char *name)
{
    snprintf(refused, sizeof refused, "%s%s%.48s", what, name ? " " : "", name ? name : "");
    return SQLITE_DENY;
}

static int check_pragma(const char *name, const char *argument)
{
    if (is_listed(name, telling_pragmas) || (!argument && is_listed(name, bare_pragmas)))
        return SQLITE_OK;
    return refuse("PRAGMA", name);
}

static int check_function(const char *name)
{
    return is_listed(name, outside_functions) ? refuse("the function", name) : SQLITE_OK;
}

static int check_other(int action)
{
    for (size_t i = 0; i < sizeof action_names / sizeof *action_names; i++)
        if (action_names[i].action == action)
            return refuse(action_names[i].name, NULL);
    return refuse("this statement", NULL);
}

/* The schema's own table goes by two names. */
static bool is_schema_table(const char *table)
{
    return table &&
           (strcmp(table, "sqlite_master") == 0 || strcmp(table, "sqlite_temp_master") == 0);
}

static int check_write(int action, const char *table)
{
    if (!is_schema_table(table))
        return check_other(action);
    /*
     * SQLite asks for this when a table function is first used, although nothing is written. An
     * UPDATE of that table in so many words fails before it gets here.
     */
    if (action == SQLITE_UPDATE)
        return SQLITE_OK;
    return refuse("CREATE, DROP or ALTER", NULL);
}

static int authorize(void *unused, int action, const char *first, const char *second,
                     const char *schema, const char *view)
{
    (void)unused, (void)schema, (void)view;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_PRAGMA:
        return check_pragma(first, second);
    case SQLITE_FUNCTION:
        return check_function(second);
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return check_write(action, first);
    default:
        return check_other(action);
    }
}

const char *guard_refused(void)
{
    static char told[sizeof refused];
    if (!refused[0])
        return NULL;
    memcpy(told, refused, sizeof told);
    refused[0] = '\0';
    return told;
}

void guard_install(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* Triggers stay on: nothing that writes gets past the authorizer, and a view that has one for
     * it gets there at all. */
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 256 << 20);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
    sqlite3_set_authorizer(db, authorize, NULL);
}
