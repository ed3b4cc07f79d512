/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * basename('/usr/bin/curl/')  -> 'curl'
 * dirname('/usr/bin/curl')    -> '/usr/bin'
 *
 * As the commands of the same names: slashes at the end do not count. Paths are bytes.
 */
#include <sqlite3ext.h>

#include "fn_call.h"

SQLITE_EXTENSION_INIT3

static struct text trim_slashes(struct text path)
{
    while (path.length > 1 && path.data[path.length - 1] == '/')
        path.length--;
    return path;
}

/* How many bytes of the path come before its last component. */
static size_t parent_length(struct text path)
{
    size_t length = path.length;

    while (length > 0 && path.data[length - 1] != '/')
        length--;
    return length;
}

static void result(sqlite3_context *context, struct text text)
{
    sqlite3_result_text(context, text.data, (int)text.length, SQLITE_TRANSIENT);
}

static void path_basename(sqlite3_context *context, sqlite3_value **values)
{
    struct text path = trim_slashes(fn_text(values[0]));
    size_t skip = path.length > 1 ? parent_length(path) : 0;

    result(context, (struct text){path.data + skip, path.length - skip});
}

static void path_dirname(sqlite3_context *context, sqlite3_value **values)
{
    struct text path = trim_slashes(fn_text(values[0]));
    size_t length = parent_length(path);

    if (length == 0)
        result(context, (struct text){".", 1});
    else
        result(context, trim_slashes((struct text){path.data, length}));
}

const struct fn fn_path[] = {
    {"basename", FN_PURE, 1, {{"path", FN_TEXT}}, path_basename},
    {"dirname", FN_PURE, 1, {{"path", FN_TEXT}}, path_dirname},
    {0},
};
