/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sqlite3ext.h>

#include "fn_call.h"

SQLITE_EXTENSION_INIT3

#define DESCRIBED_BYTES 48

static const struct {
    int sqlite_type;
    const char *expected;
} types[] = {
    [FN_INTEGER] = {SQLITE_INTEGER, "an integer"},
    [FN_TEXT] = {SQLITE_TEXT, "text"},
};

struct text fn_text(sqlite3_value *value)
{
    const char *data = (const char *)sqlite3_value_text(value);
    return (struct text){data, (size_t)sqlite3_value_bytes(value)};
}

static char *describe_text(struct text text)
{
    sqlite3_str *out = sqlite3_str_new(NULL);
    size_t shown = text.length < DESCRIBED_BYTES ? text.length : DESCRIBED_BYTES;

    sqlite3_str_appendchar(out, 1, '\'');
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < ' ' || byte > '~' || byte == '\\')
            sqlite3_str_appendf(out, "\\x%02x", byte);
        else
            sqlite3_str_appendchar(out, 1, (char)byte);
    }
    sqlite3_str_appendall(out, shown < text.length ? "'..." : "'");
    return sqlite3_str_finish(out);
}

char *fn_describe(sqlite3_value *value)
{
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        return sqlite3_mprintf("%lld", sqlite3_value_int64(value));
    case SQLITE_FLOAT:
        return sqlite3_mprintf("%!.15g", sqlite3_value_double(value));
    case SQLITE_BLOB:
        return sqlite3_mprintf("a blob of %d bytes", sqlite3_value_bytes(value));
    case SQLITE_NULL:
        return sqlite3_mprintf("NULL");
    default:
        return sqlite3_value_text(value) ? describe_text(fn_text(value)) : NULL;
    }
}

static void fail_with(sqlite3_context *context, char *message)
{
    if (message)
        sqlite3_result_error(context, message, -1);
    else
        sqlite3_result_error_nomem(context);
    sqlite3_free(message);
}

void fn_reject(sqlite3_context *context, int argument, sqlite3_value *value, const char *expected)
{
    const struct fn *fn = sqlite3_user_data(context);
    char *shown = fn_describe(value);

    fail_with(context, shown ? sqlite3_mprintf("%s: argument %s must be %s, not %s", fn->name,
                                               fn->arguments[argument].name, expected, shown)
                             : NULL);
    sqlite3_free(shown);
}

void fn_fail(sqlite3_context *context, const char *format, ...)
{
    const struct fn *fn = sqlite3_user_data(context);
    va_list arguments;

    va_start(arguments, format);
    char *what = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    fail_with(context, what ? sqlite3_mprintf("%s: %s", fn->name, what) : NULL);
    sqlite3_free(what);
}

void fn_result(sqlite3_context *context, sqlite3_str *text)
{
    int length = sqlite3_str_length(text);
    int error = sqlite3_str_errcode(text);
    char *data = sqlite3_str_finish(text);

    if (error)
        sqlite3_result_error_code(context, error);
    else if (!data) /* what an empty sqlite3_str finishes as */
        sqlite3_result_text(context, "", 0, SQLITE_STATIC);
    else
        sqlite3_result_text(context, data, length, SQLITE_TRANSIENT);
    sqlite3_free(data);
}

static void dispatch(sqlite3_context *context, int count, sqlite3_value **values)
{
    const struct fn *fn = sqlite3_user_data(context);

    for (int i = 0; i < count; i++)
        if (sqlite3_value_type(values[i]) == SQLITE_NULL)
            return;
    for (int i = 0; i < count; i++) {
        enum fn_type type = fn->arguments[i].type;
        if (sqlite3_value_type(values[i]) != types[type].sqlite_type) {
            fn_reject(context, i, values[i], types[type].expected);
            return;
        }
        if (type == FN_TEXT && !sqlite3_value_text(values[i])) {
            sqlite3_result_error_nomem(context);
            return;
        }
    }
    fn->call(context, values);
}

int fn_register_owned(sqlite3 *db, struct fn *fn, void (*free_it)(void *fn))
{
    return sqlite3_create_function_v2(db, fn->name, fn->argument_count, SQLITE_UTF8 | fn->flags, fn,
                                      dispatch, NULL, NULL, free_it);
}

int fn_register(sqlite3 *db, const struct fn *fn)
{
    return fn_register_owned(db, (struct fn *)fn, NULL);
}
