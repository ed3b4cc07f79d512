/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the schema of an earlier version to this one's, in one transaction.
 *
 * What rows look like is changed by the numbered steps below. What is merely new or gone needs
 * none: the store is held against an empty one, tables and columns that it lacks are added, and
 * indexes, triggers and views become what they are there.
 */
#include <stdio.h>

#include "migrate/0002.sql.h"
#include "schema.sql.h"
#include "store_private.h"
#include "views.sql.h"

/* Each leads from the version before it, through tables as they were then; NULL: nothing to do. */
static const char *const steps[STORE_SCHEMA_VERSION + 1] = {[2] = migrate_0002_sql};

/* A store as it is, an empty one as it should be, and what leads from one to the other. */
struct migration {
    sqlite3 *db;
    sqlite3 *wanted;
    sqlite3_str *script;
};

/* Has the query, with as many texts bound as are not NULL, a row? Sets *code on failure. */
static bool has(sqlite3 *db, const char *sql, const char *const *texts, int *code)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    for (int i = 0; rc == SQLITE_OK && i < sqlite3_bind_parameter_count(statement); i++)
        rc = sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
    bool found = rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    int finalized = sqlite3_finalize(statement);
    if (rc != SQLITE_OK || finalized != SQLITE_OK)
        *code = rc != SQLITE_OK ? rc : finalized;
    return found;
}

/* For each row of `list` in one store that the other lacks: what to add to the script. */
struct difference {
    bool in_wanted;   /* the list is the wanted store's */
    const char *list; /* its columns are the texts of `lacks` and of `format` */
    const char *has;
    const char *format; /* up to four texts */
};

static const struct difference differences[] = {
    {false,
     "SELECT type, name, sql FROM sqlite_schema"
     " WHERE type IN ('view', 'trigger', 'index') AND sql IS NOT NULL",
     "SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2 AND sql = ?3",
     "DROP %s IF EXISTS \"%w\";"},
    {true, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
     "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1", "/* %w */ %s;"},
    {true,
     "SELECT t.name, c.name, c.type || iif(c.\"notnull\", ' NOT NULL', '') ||"
     " ifnull(' DEFAULT ' || c.dflt_value, '')"
     " FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'",
     "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2 UNION ALL"
     " SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)",
     "ALTER TABLE \"%w\" ADD COLUMN \"%w\" %s;"},
    {true,
     "SELECT type, name, sql FROM sqlite_schema"
     " WHERE type IN ('view', 'trigger', 'index') AND sql IS NOT NULL ORDER BY rowid",
     "SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2 AND sql = ?3", "/* %s %w */ %s;"},
};

static int note_difference(struct migration *migration, const struct difference *difference)
{
    sqlite3 *one = difference->in_wanted ? migration->wanted : migration->db;
    sqlite3 *other = difference->in_wanted ? migration->db : migration->wanted;
    sqlite3_stmt *row = NULL;
    int failed = SQLITE_OK;
    int code = sqlite3_prepare_v2(one, difference->list, -1, &row, NULL);
    while (code == SQLITE_OK && failed == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
        const char *texts[3] = {NULL};
        for (int i = 0; i < sqlite3_column_count(row); i++)
            texts[i] = (const char *)sqlite3_column_text(row, i);
        if (!has(other, difference->has, texts, &failed))
            sqlite3_str_appendf(migration->script, difference->format, texts[0], texts[1],
                                texts[2]);
    }
    int finalized = sqlite3_finalize(row);
    code = code ? code : failed;
    return code ? code : finalized;
}

/* Makes tables, columns, indexes, triggers and views those of an empty store. */
static int settle(struct migration *migration)
{
    int code = SQLITE_OK;
    for (size_t i = 0; code == SQLITE_OK && i < sizeof(differences) / sizeof(differences[0]); i++)
        code = note_difference(migration, &differences[i]);
    code = code ? code : sqlite3_str_errcode(migration->script);
    const char *script = sqlite3_str_value(migration->script);
    if (code == SQLITE_OK && script)
        code = sqlite3_exec(migration->db, script, NULL, NULL, NULL);
    return code;
}

static int settle_as_new(sqlite3 *db)
{
    struct migration migration = {.db = db, .script = sqlite3_str_new(NULL)};
    int code = sqlite3_open(":memory:", &migration.wanted);
    if (code == SQLITE_OK)
        code = sqlite3_exec(migration.wanted, schema_sql, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(migration.wanted, views_sql, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = settle(&migration);
    sqlite3_close(migration.wanted);
    sqlite3_free(sqlite3_str_finish(migration.script));
    return code;
}

/* The views name tables that a step may take away. */
static int drop_views(sqlite3 *db)
{
    sqlite3_str *script = sqlite3_str_new(db);
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'view'", -1,
                                  &row, NULL);
    while (code == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
        sqlite3_str_appendf(script, "DROP VIEW \"%w\";", sqlite3_column_text(row, 0));
    int finalized = sqlite3_finalize(row);
    code = code ? code : finalized;
    char *sql = sqlite3_str_finish(script);
    if (code == SQLITE_OK && sql)
        code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return code;
}

static int run_steps(sqlite3 *db, int64_t version)
{
    int code = drop_views(db);
    for (int64_t next = version + 1; code == SQLITE_OK && next <= STORE_SCHEMA_VERSION; next++)
        if (steps[next])
            code = sqlite3_exec(db, steps[next], NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = settle_as_new(db);
    return code;
}

static enum store_status failed(struct store *store, int64_t version)
{
    char doing[64];
    snprintf(doing, sizeof(doing), "cannot migrate from schema %lld to %d", (long long)version,
             STORE_SCHEMA_VERSION);
    enum store_status status = store_failed(store, doing);
    store_roll_back(store);
    return status;
}

enum store_status store_migrate(struct store *store)
{
    static const char set_version[] = "PRAGMA user_version = ";
    char finish[sizeof(set_version) + 32];
    int64_t version;
    if (store_read_version(store->db, &version) != SQLITE_OK)
        return store_failed(store, "cannot read its version");
    if (version == STORE_SCHEMA_VERSION)
        return STORE_OK;
    snprintf(finish, sizeof(finish), "%s%d; COMMIT", set_version, STORE_SCHEMA_VERSION);
    if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
        run_steps(store->db, version) != SQLITE_OK ||
        sqlite3_exec(store->db, finish, NULL, NULL, NULL) != SQLITE_OK)
        return failed(store, version);
    return STORE_OK;
}
