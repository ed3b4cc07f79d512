/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmdline REGEXP 'curl.*https?://'  is  regexp('curl.*https?://', cmdline)
 *
 * A connection keeps the patterns that it was asked for last, with what they have learnt of their
 * texts: statements that are run again and again need not compile theirs each time.
 */
#include <sqlite3ext.h>

#include <string.h>

#include "fn_call.h"
#include "fn_pattern.h"

SQLITE_EXTENSION_INIT3

#define KEPT       64  /* patterns */
#define KEPT_BYTES 512 /* longer ones are not kept */

/* A pattern and its text; freed when nobody holds it any more. */
struct shared {
    int holders;
    size_t length;
    struct pattern *pattern;
    char text[];
};

struct regexp {
    struct fn fn; /* as fn_register() wants it */
    struct shared *kept[KEPT];
};

static void let_go(void *context)
{
    struct shared *shared = context;

    if (!shared || --shared->holders > 0)
        return;
    pattern_free(shared->pattern);
    sqlite3_free(shared);
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

/* Of a new pattern, for its one holder. NULL: the call has failed. */
static struct shared *make(sqlite3_context *context, sqlite3_value *value)
{
    struct text text = fn_text(value);
    struct pattern *pattern = compile(context, value);

    if (!pattern)
        return NULL;
    struct shared *shared = sqlite3_malloc64(sizeof *shared + text.length);
    if (!shared) {
        pattern_free(pattern);
        sqlite3_result_error_nomem(context);
        return NULL;
    }
    *shared = (struct shared){.holders = 1, .length = text.length, .pattern = pattern};
    memcpy(shared->text, text.data, text.length);
    return shared;
}

static struct shared **slot_of(struct regexp *regexp, struct text text)
{
    uint32_t hash = 0;

    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 0x01000193u;
    return &regexp->kept[(hash >> 8) % KEPT];
}

/* The pattern, for one holder more. NULL: the call has failed. */
static struct shared *get(sqlite3_context *context, sqlite3_value *value)
{
    struct text text = fn_text(value);

    if (text.length > KEPT_BYTES)
        return make(context, value);
    struct shared **slot = slot_of(sqlite3_user_data(context), text);
    if (!*slot || (*slot)->length != text.length ||
        memcmp((*slot)->text, text.data, text.length) != 0) {
        struct shared *made = make(context, value);
        if (!made)
            return NULL;
        let_go(*slot);
        *slot = made;
    }
    (*slot)->holders++;
    return *slot;
}

/* A constant pattern is looked for once for each run of a statement. */
static void regexp(sqlite3_context *context, sqlite3_value **values)
{
    struct shared *held = sqlite3_get_auxdata(context, 0);
    struct shared *shared = held ? held : get(context, values[0]);

    if (!shared)
        return;
    sqlite3_result_int(context, pattern_match(shared->pattern, fn_text(values[1])));
    if (!held)
        sqlite3_set_auxdata(context, 0, shared, let_go);
}

static void forget_all(void *context)
{
    struct regexp *regexp = context;

    for (size_t i = 0; i < KEPT; i++)
        let_go(regexp->kept[i]);
    sqlite3_free(regexp);
}

int fn_regexp_register(sqlite3 *db, const char **name)
{
    static const struct fn fn = {
        "regexp", FN_PURE, 2, {{"pattern", FN_TEXT}, {"text", FN_TEXT}}, regexp};
    struct regexp *made = sqlite3_malloc(sizeof *made);

    *name = fn.name;
    if (!made)
        return SQLITE_NOMEM;
    *made = (struct regexp){.fn = fn};
    return fn_register_owned(db, &made->fn, forget_all);
}
