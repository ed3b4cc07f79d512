/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "novelty.h"

#include <stdlib.h>
#include <string.h>

#include "novelty_connections.sql.h"
#include "novelty_execs.sql.h"
#include "novelty_listeners.sql.h"
#include "novelty_parent.sql.h"
#include "novelty_sights.h"
#include "novelty_tables.sql.h"
#include "row_fetch.h"

/* Beyond so many partners of one `a`, all further ones are the partner `*`: a crawler knows no end.
 */
#define PARTNERS_MOST "1000"

#define PARENTS 512 /* that are remembered */

enum source { EXECS, CONNECTIONS, LISTENERS, SOURCES };

/* Each selects a, b, the time and the process, of rows above the id ?1. */
static const struct {
    enum row_kind kind;
    const char *pair;
    const char *sql;
    const char *high; /* the highest id in the batch */
} sources[SOURCES] = {
    {ROW_EXEC, "user-program", novelty_execs_sql, "SELECT max(id) FROM temp.batch_execs"},
    {ROW_CONNECTION, "program-destination", novelty_connections_sql,
     "SELECT max(id) FROM temp.batch_connections"},
    {ROW_LISTENER, "program-listener", novelty_listeners_sql,
     "SELECT max(id) FROM temp.batch_listeners"},
};

static const char parent_child[] = "parent-child";

enum statement { GATHER, FIND, CROWD, NEW, FORGET_NEW, KNOWN, PARENT, STATEMENTS };

static const char *const statements[STATEMENTS] = {
    [GATHER] = "INSERT INTO temp.seen_pairs (kind, a, b, first_at, last_at, count, process_id)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
               " ON CONFLICT (a, b, kind) DO UPDATE SET count = count + excluded.count,"
               " last_at = max(last_at, excluded.last_at)",
    [FIND] = "UPDATE temp.seen_pairs AS s SET id = (SELECT p.id FROM main.pairs AS p"
             "  WHERE p.a = s.a AND p.b = s.b AND p.kind = s.kind)"
             " WHERE id IS NULL",
    /* Sights of what is crowded out go to the pair with the star. */
    [CROWD] =
        "UPDATE OR REPLACE temp.seen_pairs AS s SET b = '*', id = (SELECT p.id FROM main.pairs"
        "  AS p WHERE p.a = s.a AND p.b = '*' AND p.kind = s.kind)"
        " WHERE id IS NULL AND b <> '*' AND (SELECT count(*) FROM (SELECT 1 FROM main.pairs"
        "  AS p WHERE p.a = s.a AND p.kind = s.kind LIMIT " PARTNERS_MOST "))"
        " >= " PARTNERS_MOST,
    [NEW] = "SELECT 0, kind, a, b, first_at, last_at, count, first_at >= ?1, process_id"
            " FROM temp.seen_pairs WHERE id IS NULL ORDER BY first_at",
    [FORGET_NEW] = "DELETE FROM temp.seen_pairs WHERE id IS NULL",
    [KNOWN] = "SELECT p.id, p.kind, p.a, p.b, p.first_at, max(p.last_at, s.last_at),"
              " p.count + s.count, p.novel, p.process_id"
              " FROM temp.seen_pairs AS s CROSS JOIN main.pairs AS p ON p.id = s.id ORDER BY p.id",
    [PARENT] = novelty_parent_sql,
};

/* What a process has been since a moment, if it executed nothing after that. */
struct parent {
    int64_t process_id;
    int64_t since;
    char *exe; /* NULL: nothing is known */
    size_t length;
};

struct novelty {
    sqlite3 *db;
    sqlite3_stmt *gather[SOURCES];
    sqlite3_stmt *high[SOURCES];
    sqlite3_stmt *statements[STATEMENTS];
    struct sights sights; /* in the batch at hand */
    struct parent parents[PARENTS];
    int64_t looked_at[SOURCES]; /* the highest id */
    int64_t next_pair;
    int64_t warm_at; /* from then on what was never seen is novel */
    int64_t warmup_ns;
};

static int step(sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
}

static int prepare_all(struct novelty *novelty)
{
    int code = sqlite3_exec(novelty->db, novelty_tables_sql, NULL, NULL, NULL);

    for (int i = 0; i < SOURCES && code == SQLITE_OK; i++) {
        code = prepare(novelty->db, sources[i].sql, &novelty->gather[i]);
        if (code == SQLITE_OK)
            code = prepare(novelty->db, sources[i].high, &novelty->high[i]);
    }
    for (int i = 0; i < STATEMENTS && code == SQLITE_OK; i++)
        code = prepare(novelty->db, statements[i], &novelty->statements[i]);
    return code;
}

struct novelty *novelty_new(sqlite3 *db, const struct novelty_options *options, char **error)
{
    struct novelty *novelty = calloc(1, sizeof(*novelty));

    *error = NULL;
    if (!novelty)
        return NULL;
    novelty->db = db;
    sights_open(&novelty->sights);
    novelty->next_pair = options->next_id[ROW_PAIR];
    novelty->warm_at = INT64_MAX;
    novelty->warmup_ns = options->warmup_ns;
    for (int i = 0; i < SOURCES; i++)
        novelty->looked_at[i] = options->next_id[sources[i].kind] - 1;
    if (prepare_all(novelty) == SQLITE_OK)
        return novelty;
    *error = sqlite3_mprintf("cannot count pairs: %s", sqlite3_errmsg(db));
    novelty_free(novelty);
    return NULL;
}

void novelty_free(struct novelty *novelty)
{
    if (!novelty)
        return;
    for (int i = 0; i < SOURCES; i++) {
        sqlite3_finalize(novelty->gather[i]);
        sqlite3_finalize(novelty->high[i]);
    }
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(novelty->statements[i]);
    sqlite3_exec(novelty->db, "DROP TABLE IF EXISTS temp.seen_pairs", NULL, NULL, NULL);
    for (size_t i = 0; i < PARENTS; i++)
        free(novelty->parents[i].exe);
    sights_free(&novelty->sights);
    free(novelty);
}

/* The first run's row may not be there before the first batch. */
static int find_warmth(struct novelty *novelty)
{
    sqlite3_stmt *statement = NULL;
    int code;

    if (novelty->warm_at != INT64_MAX)
        return SQLITE_OK;
    code = sqlite3_prepare_v2(novelty->db, "SELECT min(started_at) FROM main.recorders", -1,
                              &statement, NULL);
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW &&
        sqlite3_column_type(statement, 0) != SQLITE_NULL)
        novelty->warm_at = sqlite3_column_int64(statement, 0) + novelty->warmup_ns;
    sqlite3_finalize(statement);
    return code;
}

/* ---- parents ---- */

static struct parent *parent_of(struct novelty *novelty, int64_t process_id)
{
    return &novelty->parents[(uint64_t)process_id % PARENTS];
}

static void forget_parent(struct novelty *novelty, int64_t process_id)
{
    struct parent *parent = parent_of(novelty, process_id);

    if (parent->process_id != process_id)
        return;
    free(parent->exe);
    parent->exe = NULL;
}

static void remember_parent(struct parent *parent, int64_t process_id, int64_t at, struct text exe)
{
    free(parent->exe);
    parent->exe = malloc(exe.length + 1);
    if (!parent->exe)
        return;
    memcpy(parent->exe, exe.data, exe.length);
    parent->length = exe.length;
    parent->process_id = process_id;
    parent->since = at;
}

/* A sight of what the process was at that time, and the program. */
static int add_parent(struct novelty *novelty, int64_t parent_id, int64_t at, struct text exe,
                      int64_t process_id)
{
    struct parent *parent = parent_of(novelty, parent_id);
    sqlite3_stmt *statement = novelty->statements[PARENT];
    int code = 0;

    if (parent->exe && parent->process_id == parent_id && at >= parent->since) {
        const struct text known = {parent->exe, parent->length};
        return sights_add(&novelty->sights, parent_child, known, exe, at, process_id);
    }
    sqlite3_bind_int64(statement, 1, parent_id);
    sqlite3_bind_int64(statement, 2, at);
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL) {
        struct text found = row_text(statement, 0);
        remember_parent(parent, parent_id, at, found);
        code = sights_add(&novelty->sights, parent_child, found, exe, at, process_id);
    }
    return sqlite3_reset(statement) == SQLITE_OK ? code : -1;
}

/* ---- sights ---- */

/* Takes in the row at which a source's statement stands. Returns -1 on failure. */
static int take_sight(struct novelty *novelty, enum source source)
{
    sqlite3_stmt *statement = novelty->gather[source];
    struct text a = row_text(statement, 0), b = row_text(statement, 1);
    int64_t at = sqlite3_column_int64(statement, 2);
    int64_t process_id = row_integer(statement, 3);
    int code = 0;

    if (a.data && b.data)
        code = sights_add(&novelty->sights, sources[source].pair, a, b, at, process_id);
    if (source != EXECS)
        return code;
    int64_t parent_id = row_integer(statement, 4);
    forget_parent(novelty, process_id);
    if (code == 0 && parent_id != INTEGER_NULL)
        code = add_parent(novelty, parent_id, at, b, process_id);
    return code;
}

static int take_sights(struct novelty *novelty, enum source source)
{
    sqlite3_stmt *statement = novelty->gather[source];
    bool failed = false;

    sqlite3_bind_int64(statement, 1, novelty->looked_at[source]);
    while (!failed && sqlite3_step(statement) == SQLITE_ROW)
        failed = take_sight(novelty, source) < 0;
    int code = sqlite3_reset(statement);
    return code == SQLITE_OK && failed ? SQLITE_NOMEM : code;
}

static int take_source(struct novelty *novelty, enum source source)
{
    int64_t highest = INTEGER_NULL;

    if (sqlite3_step(novelty->high[source]) == SQLITE_ROW)
        highest = row_integer(novelty->high[source], 0);
    int code = sqlite3_reset(novelty->high[source]);
    if (code != SQLITE_OK || highest <= novelty->looked_at[source])
        return code;
    code = take_sights(novelty, source);
    if (code == SQLITE_OK)
        novelty->looked_at[source] = highest;
    return code;
}

static int store_sights(struct novelty *novelty)
{
    const struct sights *sights = &novelty->sights;
    sqlite3_stmt *statement = novelty->statements[GATHER];
    int code = SQLITE_OK;

    for (uint32_t i = 0; i < sights->count && code == SQLITE_OK; i++) {
        const struct sight *sight = &sights->sights[i];
        sqlite3_bind_text(statement, 1, sight->kind, -1, SQLITE_STATIC);
        row_bind_text(statement, 2, sights_text(sights, sight->a, sight->a_length));
        row_bind_text(statement, 3, sights_text(sights, sight->b, sight->b_length));
        sqlite3_bind_int64(statement, 4, sight->first_at);
        sqlite3_bind_int64(statement, 5, sight->last_at);
        sqlite3_bind_int64(statement, 6, sight->count);
        row_bind_integer(statement, 7, sight->process_id);
        code = step(statement);
    }
    sqlite3_clear_bindings(statement);
    return code;
}

static int gather(struct novelty *novelty)
{
    int code = SQLITE_OK;

    for (int i = 0; i < SOURCES && code == SQLITE_OK; i++)
        code = take_source(novelty, (enum source)i);
    if (code == SQLITE_OK)
        code = store_sights(novelty);
    sights_clear(&novelty->sights);
    return code;
}

static void hand_out(struct novelty *novelty, sqlite3_stmt *statement, judge_visitor *visit,
                     void *context)
{
    struct row_pair row;

    row_fetch(statement, ROW_PAIR, &row);
    if (row.id == 0)
        row.id = novelty->next_pair++;
    visit(context, ROW_PAIR, &row);
}

static int hand_out_all(struct novelty *novelty, sqlite3_stmt *statement, judge_visitor *visit,
                        void *context)
{
    while (sqlite3_step(statement) == SQLITE_ROW)
        hand_out(novelty, statement, visit, context);
    return sqlite3_reset(statement);
}

int novelty_count(struct novelty *novelty, judge_visitor *visit, void *context)
{
    static const enum statement before[] = {FIND, CROWD};
    int code = find_warmth(novelty);

    if (code == SQLITE_OK)
        code = gather(novelty);
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]) && code == SQLITE_OK; i++)
        code = step(novelty->statements[before[i]]);
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(novelty->statements[NEW], 1, novelty->warm_at);
        code = hand_out_all(novelty, novelty->statements[NEW], visit, context);
    }
    return code == SQLITE_OK ? step(novelty->statements[FORGET_NEW]) : code;
}

int novelty_tell(struct novelty *novelty, judge_visitor *visit, void *context)
{
    int code = hand_out_all(novelty, novelty->statements[KNOWN], visit, context);

    if (code == SQLITE_OK)
        code = sqlite3_exec(novelty->db, "DELETE FROM temp.seen_pairs", NULL, NULL, NULL);
    return code;
}
