/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the scalar functions are declared and called.
 *
 * A function is one row: its name, its arguments and their types, its flags. The caller in
 * fn_call.c answers NULL where any argument is NULL and refuses an argument of the wrong type, so
 * that a function sees only what its row promises.
 */
#ifndef SPYQ_FN_CALL_H
#define SPYQ_FN_CALL_H

#include <sqlite3.h>

#include "rows.h"

enum fn_type { FN_INTEGER, FN_TEXT };

#define FN_ARGUMENTS_MAX 2

struct fn_argument {
    const char *name;
    enum fn_type type;
};

struct fn {
    const char *name;
    int flags;          /* SQLITE_DETERMINISTIC, SQLITE_INNOCUOUS, SQLITE_DIRECTONLY */
    int argument_count; /* at most FN_ARGUMENTS_MAX */
    struct fn_argument arguments[FN_ARGUMENTS_MAX];

    /* Called with argument_count values, none NULL, each of its type, each text in memory. */
    void (*call)(sqlite3_context *context, sqlite3_value **values);
};

/* The same answer to the same arguments for ever, and safe to call from a store's own views. */
#define FN_PURE (SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)

/* The functions of each file fn_*.c; the last row of each has no name. */
extern const struct fn fn_time[];
extern const struct fn fn_address[];
extern const struct fn fn_path[];
extern const struct fn fn_argv[];
extern const struct fn fn_rows[];
extern const struct fn fn_hub[];

/* Registers one function on a connection. *fn must outlive it. Returns SQLite's result code. */
int fn_register(sqlite3 *db, const struct fn *fn);

/* The same for one that is the connection's own, which frees it at last, on failure too. */
int fn_register_owned(sqlite3 *db, struct fn *fn, void (*free_it)(void *fn));

/* Registers regexp(). *name is its name. */
int fn_regexp_register(sqlite3 *db, const char **name);

/* The bytes of a text argument; they belong to the value. Never TEXT_NULL. */
struct text fn_text(sqlite3_value *value);

/* Finishes the string and makes it the result, or fails the call where it went wrong. */
void fn_result(sqlite3_context *context, sqlite3_str *text);

/*
 * The value as an error message shows it: an integer or real as SQL writes it, text in quotes with
 * all but printable ASCII escaped and cut to a few dozen bytes, a blob by its length. Returns a
 * string that the caller frees with sqlite3_free(), or NULL when out of memory.
 */
char *fn_describe(sqlite3_value *value);

/*
 * Fails the call: "FUNCTION: argument NAME must be EXPECTED, not VALUE", with the name of argument
 * number `argument` (from 0).
 */
void fn_reject(sqlite3_context *context, int argument, sqlite3_value *value, const char *expected);

/* Fails the call: "FUNCTION: " and the formatted message (sqlite3_mprintf's formats). */
void fn_fail(sqlite3_context *context, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
