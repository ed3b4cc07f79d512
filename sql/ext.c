/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sqlite3ext.h>

#include "ext.h"
#include "fn_call.h"
#include "vt_graph.h"

SQLITE_EXTENSION_INIT1

static const struct fn *const function_sets[] = {
    fn_time, fn_address, fn_path, fn_argv, fn_rows, fn_hub,
};

static int register_functions(sqlite3 *db, const char **failed)
{
    for (size_t i = 0; i < sizeof function_sets / sizeof *function_sets; i++) {
        for (const struct fn *fn = function_sets[i]; fn->name; fn++) {
            int rc = fn_register(db, fn);
            if (rc != SQLITE_OK) {
                *failed = fn->name;
                return rc;
            }
        }
    }
    return fn_regexp_register(db, failed);
}

int spyq_extension_init(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api);

    const char *failed = NULL;
    int rc = register_functions(db, &failed);
    if (rc == SQLITE_OK) {
        failed = NULL;
        rc = vt_graph_register(db);
    }
    if (rc != SQLITE_OK && error)
        *error = sqlite3_mprintf("cannot register %s: %s", failed ? failed : "the table functions",
                                 sqlite3_errstr(rc));
    return rc;
}

#ifndef SQLITE_CORE
/* SQLite finds an extension by this name, which it makes from the file's. */
__attribute__((visibility("default"))) int
sqlite3_spyq_init(sqlite3 *db, char **error, const struct sqlite3_api_routines *api);

int sqlite3_spyq_init(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
    return spyq_extension_init(db, error, api);
}
#endif
