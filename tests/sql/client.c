/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small SQLite client, which a sanitizer can be built into.
 *
 * client STORE EXTENSION        runs the SQL on stdin, prints rows as `.mode quote` does
 * client --oom STORE EXTENSION  runs it again and again while one allocation after another fails
 *
 * Exit code: 0 ok; 1 SQL error, printed on stderr; 2 anything else, such as a connection that will
 * not close.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "client: %s: %s\n", what, why);
    exit(2);
}

/* ---- an allocator that fails when told to ---- */

static sqlite3_mem_methods real;
static long until_failure; /* allocations; 0: none fails */
static bool go_on_failing;
static bool failed;

static bool fail_now(void)
{
    if (until_failure == 0 || --until_failure > 0)
        return false;
    failed = true;
    until_failure = go_on_failing;
    return true;
}

static void *failing_malloc(int size)
{
    return fail_now() ? NULL : real.xMalloc(size);
}

static void *failing_realloc(void *old, int size)
{
    return fail_now() ? NULL : real.xRealloc(old, size);
}

static void install_failing_allocator(void)
{
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    sqlite3_mem_methods methods = real;
    methods.xMalloc = failing_malloc;
    methods.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

/* ---- running SQL ---- */

static void print_text(FILE *out, sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    int length = sqlite3_column_bytes(statement, column);

    putc('\'', out);
    for (int i = 0; text && i < length; i++) {
        if (text[i] == '\'')
            putc('\'', out);
        putc(text[i], out);
    }
    putc('\'', out);
}

static void print_blob(FILE *out, sqlite3_stmt *statement, int column)
{
    const unsigned char *blob = sqlite3_column_blob(statement, column);
    int length = sqlite3_column_bytes(statement, column);

    fputs("X'", out);
    for (int i = 0; i < length; i++)
        fprintf(out, "%02x", blob[i]);
    putc('\'', out);
}

static void print_value(FILE *out, sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        fprintf(out, "%lld", (long long)sqlite3_column_int64(statement, column));
        return;
    case SQLITE_FLOAT:
        fprintf(out, "%.15g", sqlite3_column_double(statement, column));
        return;
    case SQLITE_TEXT:
        print_text(out, statement, column);
        return;
    case SQLITE_BLOB:
        print_blob(out, statement, column);
        return;
    default:
        fputs("NULL", out);
    }
}

static void print_row(FILE *out, sqlite3_stmt *statement)
{
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        if (i > 0)
            putc(',', out);
        print_value(out, statement, i);
    }
    putc('\n', out);
}

static int run(sqlite3 *db, const char *sql, FILE *out)
{
    int rc = SQLITE_OK;

    while (rc == SQLITE_OK && *sql) {
        sqlite3_stmt *statement = NULL;
        rc = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);
        if (rc != SQLITE_OK || !statement)
            continue;
        while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
            print_row(out, statement);
        int finalized = sqlite3_finalize(statement);
        rc = rc == SQLITE_DONE ? SQLITE_OK : finalized;
    }
    return rc;
}

static sqlite3 *open_store(const char *store, const char *extension)
{
    sqlite3 *db;
    char *error = NULL;

    if (sqlite3_open_v2(store, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        die(store, sqlite3_errmsg(db));
    sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
    if (sqlite3_load_extension(db, extension, NULL, &error) != SQLITE_OK)
        die(extension, error);
    return db;
}

static char *read_all(FILE *in)
{
    size_t size = 4096, length = 0;
    char *text = malloc(size);

    while (text && (length += fread(text + length, 1, size - length - 1, in)) == size - 1)
        text = realloc(text, size *= 2);
    if (!text)
        die("stdin", "out of memory");
    text[length] = '\0';
    return text;
}

/* ---- one allocation after another fails ---- */

/* Runs the SQL with the nth allocation failing. Returns false when none did. */
static bool run_failing(sqlite3 *db, const char *sql, long nth, const char *expected)
{
    char *output = NULL;
    size_t length;
    FILE *out = open_memstream(&output, &length);

    failed = false;
    until_failure = nth;
    int rc = run(db, sql, out);
    until_failure = 0;
    fclose(out);
    if (rc != SQLITE_OK && rc != SQLITE_NOMEM)
        die("another error than out of memory", sqlite3_errmsg(db));
    if (rc == SQLITE_OK && strcmp(output, expected) != 0)
        die("another answer, and no error", output);
    free(output);
    return failed;
}

/* Each time on a new connection: what a failure leaves behind must not help the next. */
static long fail_each(const char *store, const char *extension, const char *sql,
                      const char *expected)
{
    for (long nth = 1;; nth++) {
        sqlite3 *db = open_store(store, extension);
        /* That SQLite can not read a schema without memory is its own business. */
        sqlite3_exec(db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
        bool reached = run_failing(db, sql, nth, expected);
        run_failing(db, sql, 0, expected);
        if (sqlite3_close(db) != SQLITE_OK)
            die("close", sqlite3_errmsg(db));
        if (!reached)
            return nth - 1;
    }
}

static int run_out_of_memory(const char *store, const char *extension, const char *sql)
{
    char *expected = NULL;
    size_t length;
    sqlite3 *db = open_store(store, extension);
    FILE *out = open_memstream(&expected, &length);

    if (run(db, sql, out) != SQLITE_OK)
        die("SQL", sqlite3_errmsg(db));
    fclose(out);
    sqlite3_close(db);
    for (int mode = 0; mode <= 1; mode++) {
        go_on_failing = mode;
        printf("%ld\n", fail_each(store, extension, sql, expected));
    }
    free(expected);
    return 0;
}

static int run_once(const char *store, const char *extension, const char *sql)
{
    sqlite3 *db = open_store(store, extension);
    int rc = run(db, sql, stdout);

    if (rc != SQLITE_OK)
        fprintf(stderr, "error: %s\n", sqlite3_errmsg(db));
    /* SQLITE_BUSY: a statement was left behind. */
    if (sqlite3_close(db) != SQLITE_OK)
        die("close", sqlite3_errmsg(db));
    return rc == SQLITE_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    bool oom = argc == 4 && strcmp(argv[1], "--oom") == 0;

    if (argc != 3 + oom)
        die("usage", "client [--oom] STORE EXTENSION <SQL");
    if (oom)
        install_failing_allocator();
    char *sql = read_all(stdin);
    int status = (oom ? run_out_of_memory : run_once)(argv[argc - 2], argv[argc - 1], sql);
    free(sql);
    return status;
}
