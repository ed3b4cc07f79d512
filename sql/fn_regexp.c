/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmdline REGEXP 'curl.*https?://'  is  regexp('curl.*https?://', cmdline)
 */
#include <sqlite3ext.h>

#include "fn_call.h"
#include "fn_pattern.h"

SQLITE_EXTENSION_INIT3

static void free_pattern(void *pattern)
{
    pattern_free(pattern);
}

static struct pattern *compile(sqlite3_context *context, sqlite3_value *value)
{
    const char *error;
    struct pattern *pattern = pattern_compile(fn_text(value), &error);
    char *shown = error ? fn_describe(value) : NULL;

    if (shown)
        fn_fail(context, "argument pattern %s: %s", shown, error);
    else if (!pattern)
        sqlite3_result_error_nomem(context);
    sqlite3_free(shown);
    return pattern;
}

/* A constant pattern is compiled once for a statement. */
static void regexp(sqlite3_context *context, sqlite3_value **values)
{
    struct pattern *kept = sqlite3_get_auxdata(context, 0);
    struct pattern *pattern = kept ? kept : compile(context, values[0]);

    if (!pattern)
        return;
    sqlite3_result_int(context, pattern_match(pattern, fn_text(values[1])));
    if (!kept)
        sqlite3_set_auxdata(context, 0, pattern, free_pattern);
}

const struct fn fn_regexp[] = {
    {"regexp", FN_PURE, 2, {{"pattern", FN_TEXT}, {"text", FN_TEXT}}, regexp},
    {0},
};
