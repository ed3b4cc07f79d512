/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hub(pid, exe): at which processes a search of the graph stops by what they run. */
#include <sqlite3ext.h>

#include "fn_call.h"
#include "graph_hub.h"

SQLITE_EXTENSION_INIT3

static void call_hub(sqlite3_context *context, sqlite3_value **values)
{
    struct text exe = fn_text(values[1]);

    sqlite3_result_text(context,
                        graph_hub_role(sqlite3_value_int64(values[0]), exe.data, exe.length), -1,
                        SQLITE_STATIC);
}

const struct fn fn_hub[] = {
    {"hub", FN_PURE, 2, {{"pid", FN_INTEGER}, {"exe", FN_TEXT}}, call_hub},
    {0},
};
