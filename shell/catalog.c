/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "catalog.h"
#include "schema_help.h"

#include <stdlib.h>
#include <string.h>

#define CATALOG_LIMIT 4096

const char *const statement_words[] = {
    "select", "with",     "values",  "explain", "pragma",    "insert",  "update", "delete",
    "create", "drop",     "replace", "alter",   "vacuum",    "attach",  "detach", "begin",
    "commit", "rollback", "analyze", "reindex", "savepoint", "release", "end",    NULL,
};

void catalog_free(struct catalog *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->at[i]);
    free(names->at);
    *names = (struct catalog){0};
}

static bool has(const struct catalog *names, const char *word)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->at[i], word) == 0)
            return true;
    return false;
}

static bool make_room(struct catalog *names)
{
    if (names->count + 1 < names->capacity)
        return true;
    size_t capacity = names->capacity ? 2 * names->capacity : 64;
    char **grown = realloc(names->at, capacity * sizeof *grown);
    if (!grown)
        return false;
    names->at = grown;
    names->capacity = capacity;
    return true;
}

void catalog_add(struct catalog *names, const char *word)
{
    if (names->count == CATALOG_LIMIT || has(names, word) || !make_room(names))
        return;
    char *copy = strdup(word);
    if (!copy)
        return;
    names->at[names->count++] = copy;
    names->at[names->count] = NULL;
}

void catalog_query(struct catalog *names, sqlite3 *db, const char *sql, const char *argument)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK) {
        if (argument)
            sqlite3_bind_text(statement, 1, argument, -1, SQLITE_STATIC);
        while (names->count < CATALOG_LIMIT && sqlite3_step(statement) == SQLITE_ROW) {
            const char *word = (const char *)sqlite3_column_text(statement, 0);
            if (word)
                catalog_add(names, word);
        }
    }
    sqlite3_finalize(statement);
}

void catalog_tables(struct catalog *names, sqlite3 *db)
{
    catalog_query(names, db, "SELECT name FROM " SCHEMA_SHOWN " ORDER BY name", NULL);
}

/* Ours, and SQLite's for JSON; its others tell of its own insides. */
void catalog_table_functions(struct catalog *names, sqlite3 *db)
{
    catalog_query(
        names, db,
        "SELECT name FROM pragma_module_list WHERE name NOT LIKE 'fts%' AND name NOT "
        "LIKE 'rtree%' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'pragma%' AND name "
        "NOT IN ('dbstat', 'bytecode', 'tables_used', 'geopoly') AND name NOT IN " USER_TABLES
        " ORDER BY name",
        NULL);
}

void catalog_columns(struct catalog *names, sqlite3 *db, const char *table)
{
    catalog_query(names, db, "SELECT name FROM pragma_table_info(?1) ORDER BY cid", table);
}

void catalog_functions(struct catalog *names, sqlite3 *db)
{
    catalog_query(names, db,
                  "SELECT DISTINCT name FROM pragma_function_list WHERE name GLOB '[a-z]*' "
                  "AND name NOT LIKE 'fts%' AND name NOT LIKE 'rtree%' AND name NOT LIKE "
                  "'geopoly%' AND name NOT LIKE 'sqlite%' AND name NOT IN ('load_extension', "
                  "'match', 'snippet', 'offsets', 'optimize', 'matchinfo', 'subtype') "
                  "ORDER BY name",
                  NULL);
}

void catalog_keywords(struct catalog *names)
{
    static const char *const words[] = {
        "select", "with",   "from",    "where",     "group",   "by",     "order",  "having",
        "limit",  "offset", "join",    "left",      "inner",   "cross",  "on",     "using",
        "as",     "and",    "or",      "not",       "in",      "is",     "null",   "like",
        "glob",   "regexp", "between", "exists",    "case",    "when",   "then",   "else",
        "end",    "desc",   "asc",     "distinct",  "union",   "all",    "except", "intersect",
        "values", "cast",   "collate", "recursive", "explain", "pragma", "over",   "partition",
        "filter", "nulls",  "first",   "last",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        catalog_add(names, words[i]);
}
