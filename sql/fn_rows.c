/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Functions of a row, found by its id in the store that the connection has open.
 *
 * chain(42)           -> 'systemd > sshd > bash > curl'
 * uid('process', 42)  -> 'spyq:MACHINE-ID:BOOT-ID:process:42'
 *
 * Each call is one statement, so that it sees one state of the store. The statement is made anew
 * for each call: one kept for the life of the connection would make sqlite3_close() refuse.
 */
#include <sqlite3ext.h>

#include <stdbool.h>
#include <string.h>

#include "fn_call.h"

SQLITE_EXTENSION_INIT3

/* True while a call reads: someone's view of that name may call the function it is read by. */
static _Thread_local bool reading;

/* Ends the call that read_begin() began. Fails it if the last step did. */
static void read_end(sqlite3_context *context, sqlite3_stmt *statement, int rc)
{
    sqlite3 *db = sqlite3_context_db_handle(context);

    reading = false;
    if (rc == SQLITE_NOMEM)
        sqlite3_result_error_nomem(context);
    else if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        fn_fail(context, "%s", sqlite3_errmsg(db));
        sqlite3_result_error_code(context, rc);
    }
    sqlite3_finalize(statement);
}

/*
 * What is asked of the tables behind the views `processes` and others, where a view takes longer to
 * be put in their place than the answer; and of the public names, for stores that are otherwise.
 */
struct question {
    const char *of_rows;
    const char *of_public;
};

/* Returns the statement with the id bound to ?1, for read_end(), or NULL having failed the call. */
static sqlite3_stmt *read_begin(sqlite3_context *context, const struct question *question,
                                int64_t id)
{
    sqlite3 *db = sqlite3_context_db_handle(context);
    sqlite3_stmt *statement = NULL;

    if (reading) {
        fn_fail(context, "a table that it reads calls it");
        return NULL;
    }
    reading = true;
    int rc = sqlite3_prepare_v2(db, question->of_rows, -1, &statement, NULL);
    if (rc == SQLITE_ERROR)
        rc = sqlite3_prepare_v2(db, question->of_public, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 1, id);
    if (rc == SQLITE_OK)
        return statement;
    read_end(context, statement, rc);
    return NULL;
}

/* ---- chain ---- */

#define CHAIN_MAX 128 /* processes named */

/* UNION, not UNION ALL: should a row be its own ancestor, the walk ends. */
#define CHAIN_SQL(processes, comm)                                                                 \
    "WITH RECURSIVE chain (id, parent_id, comm) AS ("                                              \
    " SELECT p.id, p.parent_id, p.comm FROM " processes " AS p WHERE p.id = ?1"                    \
    " UNION"                                                                                       \
    " SELECT p.id, p.parent_id, p.comm"                                                            \
    " FROM chain CROSS JOIN " processes " AS p ON p.id = chain.parent_id)"                         \
    "SELECT " comm " FROM chain"

static const struct question chain_sql = {
    CHAIN_SQL("main.process_rows",
              "CASE typeof(comm) WHEN 'integer' THEN (SELECT s.text FROM main.strings AS s"
              " WHERE s.id = chain.comm) ELSE comm END"),
    CHAIN_SQL("processes", "comm"),
};

struct chain {
    sqlite3_str *names; /* youngest first, one after the other */
    size_t end[CHAIN_MAX];
    int count;
    bool cut;
};

static void chain_add(struct chain *chain, sqlite3_stmt *statement)
{
    const char *comm = (const char *)sqlite3_column_text(statement, 0);

    if (chain->count == CHAIN_MAX) {
        chain->cut = true;
        return;
    }
    if (comm)
        sqlite3_str_append(chain->names, comm, sqlite3_column_bytes(statement, 0));
    else
        sqlite3_str_appendall(chain->names, "?");
    chain->end[chain->count++] = (size_t)sqlite3_str_length(chain->names);
}

static void chain_result(sqlite3_context *context, const struct chain *chain)
{
    const char *names = sqlite3_str_value(chain->names);
    sqlite3_str *out = sqlite3_str_new(sqlite3_context_db_handle(context));

    sqlite3_str_appendall(out, chain->cut ? "... > " : "");
    for (int i = chain->count - 1; i >= 0; i--) {
        size_t start = i > 0 ? chain->end[i - 1] : 0;
        if (chain->end[i] > start)
            sqlite3_str_append(out, names + start, (int)(chain->end[i] - start));
        sqlite3_str_appendall(out, i > 0 ? " > " : "");
    }
    fn_result(context, out);
}

static void rows_chain(sqlite3_context *context, sqlite3_value **values)
{
    struct chain chain = {.names = NULL};
    int rc = SQLITE_ROW;
    sqlite3_stmt *statement = read_begin(context, &chain_sql, sqlite3_value_int64(values[0]));

    if (!statement)
        return;
    chain.names = sqlite3_str_new(NULL);
    while (!chain.cut && (rc = sqlite3_step(statement)) == SQLITE_ROW)
        chain_add(&chain, statement);
    if (sqlite3_str_errcode(chain.names))
        rc = sqlite3_str_errcode(chain.names);
    else if (chain.count > 0)
        chain_result(context, &chain);
    read_end(context, statement, rc);
    sqlite3_free(sqlite3_str_finish(chain.names));
}

/* ---- uid ---- */

/*
 * The boot that a row belongs to. A recorder's row or a loss is of the boot on which it was
 * written; execs are where their process is.
 */
#define UID_OF(hosts)   "SELECT h.machine_id, h.boot_id FROM " hosts " WHERE r.id = ?1"
#define OWN_HOST(table) UID_OF(table " AS r CROSS JOIN hosts AS h ON h.id = r.host_id")
#define HOST_BY(table, through, key)                                                               \
    UID_OF(table " AS r CROSS JOIN " through " AS t ON t.id = r." key                              \
                 " CROSS JOIN hosts AS h ON h.id = t.host_id")

#define ALIKE(sql)                                                                                 \
    {                                                                                              \
        sql, sql                                                                                   \
    }

static const struct {
    const char *kind;
    struct question question;
} kinds[] = {
    {"process", {OWN_HOST("main.process_rows"), OWN_HOST("processes")}},
    {"exec",
     {HOST_BY("main.exec_rows", "main.process_rows", "process_id"),
      HOST_BY("execs", "processes", "process_id")}},
    {"connection", {OWN_HOST("main.connection_rows"), OWN_HOST("connections")}},
    {"listener", ALIKE(OWN_HOST("listeners"))},
    {"edge", {OWN_HOST("main.edge_rows"), OWN_HOST("edges")}},
    {"host", ALIKE(UID_OF("hosts AS r CROSS JOIN hosts AS h ON h.id = r.id"))},
    {"recorder", ALIKE(OWN_HOST("recorders"))},
    {"probe", ALIKE(HOST_BY("probes", "recorders", "recorder_id"))},
    {"loss", ALIKE(UID_OF("losses AS r CROSS JOIN hosts AS h ON h.id = ("
                          "SELECT id FROM hosts WHERE first_seen_at <= r.ended_at"
                          " ORDER BY id DESC LIMIT 1)"))},
};

#define KINDS "one of process, exec, connection, listener, edge, host, recorder, probe, loss"

static const struct question *uid_question(struct text kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i].kind) == kind.length && !memcmp(kinds[i].kind, kind.data, kind.length))
            return &kinds[i].question;
    return NULL;
}

/* NULL where the machine or the boot is unknown: the text would name rows of many hosts. */
static void uid_result(sqlite3_context *context, sqlite3_value **values, sqlite3_stmt *statement)
{
    const char *machine = (const char *)sqlite3_column_text(statement, 0);
    const char *boot = (const char *)sqlite3_column_text(statement, 1);

    if (!machine || !boot)
        return;
    char *uid = sqlite3_mprintf("spyq:%s:%s:%s:%lld", machine, boot, sqlite3_value_text(values[0]),
                                sqlite3_value_int64(values[1]));
    if (uid)
        sqlite3_result_text(context, uid, -1, sqlite3_free);
    else
        sqlite3_result_error_nomem(context);
}

static void rows_uid(sqlite3_context *context, sqlite3_value **values)
{
    const struct question *question = uid_question(fn_text(values[0]));

    if (!question) {
        fn_reject(context, 0, values[0], KINDS);
        return;
    }
    sqlite3_stmt *statement = read_begin(context, question, sqlite3_value_int64(values[1]));
    if (!statement)
        return;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        uid_result(context, values, statement);
    read_end(context, statement, rc);
}

/* DIRECTONLY: a store's own view named `processes` that calls chain() would never come to an end.
 */
const struct fn fn_rows[] = {
    {"chain", SQLITE_DIRECTONLY, 1, {{"process_id", FN_INTEGER}}, rows_chain},
    {"uid", SQLITE_DIRECTONLY, 2, {{"kind", FN_TEXT}, {"id", FN_INTEGER}}, rows_uid},
    {0},
};
