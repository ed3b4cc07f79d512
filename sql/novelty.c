/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "novelty.h"

#include <stdlib.h>
#include <string.h>

#include "novelty_connections.sql.h"
#include "novelty_execs.sql.h"
#include "novelty_listeners.sql.h"
#include "novelty_tables.sql.h"
#include "row_fetch.h"

/* Beyond so many partners of one `a`, all further ones are the partner `*`: a crawler knows no end.
 */
#define PARTNERS_MOST "1000"

enum source { EXECS, CONNECTIONS, LISTENERS, SOURCES };

static const struct {
    enum row_kind kind;
    const char *sql;  /* ?1: the highest id that was looked at before */
    const char *high; /* the highest id in the batch */
} sources[SOURCES] = {
    {ROW_EXEC, novelty_execs_sql, "SELECT max(id) FROM temp.batch_execs"},
    {ROW_CONNECTION, novelty_connections_sql, "SELECT max(id) FROM temp.batch_connections"},
    {ROW_LISTENER, novelty_listeners_sql, "SELECT max(id) FROM temp.batch_listeners"},
};

enum statement { GATHER, FIND, CROWD, NEW, FORGET_NEW, KNOWN, STATEMENTS };

static const char *const statements[STATEMENTS] = {
    /* In order of time: the first process stays. */
    [GATHER] = "INSERT INTO temp.seen_pairs (kind, a, b, first_at, last_at, count, process_id)"
               " SELECT kind, a, b, at, at, 1, process_id FROM temp.sights WHERE true ORDER BY at"
               " ON CONFLICT (a, b, kind) DO UPDATE SET count = count + 1,"
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
};

struct novelty {
    sqlite3 *db;
    sqlite3_stmt *gather[SOURCES];
    sqlite3_stmt *high[SOURCES];
    sqlite3_stmt *statements[STATEMENTS];
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
    sqlite3_exec(novelty->db,
                 "DROP TABLE IF EXISTS temp.sights; DROP TABLE IF EXISTS temp.seen_pairs", NULL,
                 NULL, NULL);
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

static int gather(struct novelty *novelty)
{
    int code = SQLITE_OK;

    for (int i = 0; i < SOURCES && code == SQLITE_OK; i++) {
        int64_t highest = INTEGER_NULL;
        if (sqlite3_step(novelty->high[i]) == SQLITE_ROW)
            highest = row_integer(novelty->high[i], 0);
        code = sqlite3_reset(novelty->high[i]);
        if (highest <= novelty->looked_at[i])
            continue;
        sqlite3_bind_int64(novelty->gather[i], 1, novelty->looked_at[i]);
        code = step(novelty->gather[i]);
        novelty->looked_at[i] = highest;
    }
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
    static const enum statement before[] = {GATHER, FIND, CROWD};
    int code = find_warmth(novelty);

    if (code == SQLITE_OK)
        code = gather(novelty);
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]) && code == SQLITE_OK; i++)
        code = step(novelty->statements[before[i]]);
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(novelty->statements[NEW], 1, novelty->warm_at);
        code = hand_out_all(novelty, novelty->statements[NEW], visit, context);
    }
    if (code == SQLITE_OK)
        code = step(novelty->statements[FORGET_NEW]);
    int cleared = sqlite3_exec(novelty->db, "DELETE FROM temp.sights", NULL, NULL, NULL);
    return code == SQLITE_OK ? cleared : code;
}

int novelty_tell(struct novelty *novelty, judge_visitor *visit, void *context)
{
    int code = hand_out_all(novelty, novelty->statements[KNOWN], visit, context);

    if (code == SQLITE_OK)
        code = sqlite3_exec(novelty->db, "DELETE FROM temp.seen_pairs", NULL, NULL, NULL);
    return code;
}
