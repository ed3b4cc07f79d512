/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The names that SQL can use in the store that is open: tables, columns, functions. They are looked
 * up each time, silently, and within a fraction of a second: what takes longer is left out.
 */
#ifndef SPYQ_CATALOG_H
#define SPYQ_CATALOG_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

/* A list of words, each allocated, in the order in which they were added; a word comes once. */
struct catalog {
    char **at; /* ended by NULL; NULL while it is empty */
    size_t count, capacity;
};

void catalog_free(struct catalog *names);

/* Adds a copy of a word. Without memory, nothing is added. */
void catalog_add(struct catalog *names, const char *word);

/* Adds the first column of what our own statement answers; `argument` (may be NULL) is its ?1. */
void catalog_query(struct catalog *names, sqlite3 *db, const char *sql, const char *argument);

void catalog_tables(struct catalog *names, sqlite3 *db);
void catalog_table_functions(struct catalog *names, sqlite3 *db);
void catalog_columns(struct catalog *names, sqlite3 *db, const char *table);
void catalog_functions(struct catalog *names, sqlite3 *db);
void catalog_keywords(struct catalog *names);

/* The words that SQL statements begin with, ended by NULL: those that spyq allows come first. */
extern const char *const statement_words[];
#define STATEMENTS_ALLOWED 5

#endif
