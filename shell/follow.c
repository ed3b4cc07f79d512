/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "follow.h"

#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "query.h"

#define OVERLAP_IDS 500 /* ids before the newest that are looked at again */

/* ---- telling what is new ---- */

static bool take_new(struct follow *follow, struct result *result, const size_t *columns,
                     size_t count, bool by_id)
{
    size_t kept = 0;
    bool room = true;
    for (size_t i = 0; room && i < result->rows; i++) {
        const struct cell *row = result_row(result, i);
        unsigned char hash[SEEN_BYTES];
        seen_hash(row, columns, count, hash);
        int64_t stays =
            by_id && row[*columns].type == CELL_INTEGER ? row[*columns].integer : follow->turn;
        struct seen_row *before = seen_find(&follow->seen, hash);
        if (before)
            before->last_at = stays;
        else
            room = seen_add(&follow->seen, hash, stays);
        if (!before)
            result_move(result, i, kept++);
    }
    result->rows = kept;
    return room;
}

bool follow_new(struct follow *follow, struct result *result)
{
    size_t *columns = calloc(result->columns + 1, sizeof *columns);
    follow->turn++;
    for (size_t i = 0; columns && i < result->columns; i++)
        columns[i] = i;
    bool room = columns && take_new(follow, result, columns, result->columns, false);
    seen_sort(&follow->seen, follow->turn);
    free(columns);
    return room;
}

/* ---- the statements ---- */

/* The text of the statement without what follows it, in parentheses; free with sqlite3_free(). */
static char *wrap(const char *sql, const char *tail)
{
    int length = (int)(tail - sql);
    while (length > 0 && strchr("; \t\r\n", sql[length - 1]))
        length--;
    return sqlite3_mprintf("SELECT * FROM (\n%.*s\n) WHERE id > ?1 ORDER BY id", length, sql);
}

/* The column `id` that is the id of a table, in *follow. */
static const char *id_table(sqlite3_stmt *statement, struct follow *follow)
{
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const char *name = sqlite3_column_name(statement, i);
        const char *origin = sqlite3_column_origin_name(statement, i);
        follow->id = (size_t)i;
        if (name && origin && strcmp(name, "id") == 0 && strcmp(origin, "id") == 0)
            return sqlite3_column_table_name(statement, i);
    }
    return NULL;
}

/* Two columns of that name, or a statement that is no SELECT, cannot be asked for newer ids. */
static bool can_ask(struct session *session, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    bool can = sqlite3_prepare_v2(session->db, sql, -1, &statement, NULL) == SQLITE_OK;
    sqlite3_finalize(statement);
    return can;
}

static enum status read_newest(struct session *session, struct follow *follow)
{
    return query_integer(session, &follow->last, follow->newest, "");
}

static enum status prepare(struct session *session, struct follow *follow, const char *sql)
{
    const char *tail;
    sqlite3_stmt *statement = NULL;
    enum status status = query_prepare(session, sql, NULL, &statement, &tail);
    if (status != STATUS_OK)
        return status;
    const char *table = id_table(statement, follow);
    if (!statement || sqlite3_bind_parameter_count(statement) > 0) {
        complain(statement ? "nothing gives the SQL's parameters values" : "there is no SQL");
        status = STATUS_USAGE;
    } else if (tail[strspn(tail, "; \t\r\n")]) {
        complain("one statement can be followed, and this is more");
        status = STATUS_USAGE;
    } else if (table) {
        follow->newer = wrap(sql, tail);
        follow->newest = sqlite3_mprintf("SELECT max(id) FROM \"%w\"", table);
    }
    sqlite3_finalize(statement);
    if (follow->newer && (!follow->newest || !can_ask(session, follow->newer))) {
        sqlite3_free(follow->newer);
        follow->newer = NULL;
    }
    return status;
}

enum status follow_begin(struct session *session, struct follow *follow, const char *sql)
{
    struct result result = {0};
    *follow = (struct follow){.sql = sql};
    enum status status = prepare(session, follow, sql);
    if (status == STATUS_OK && follow->newer)
        status = read_newest(session, follow);
    if (status == STATUS_OK)
        status = follow_look(session, follow, &result);
    result_free(&result);
    return status;
}

static enum status look_newer(struct session *session, struct follow *follow, struct result *result)
{
    int64_t after = follow->last - OVERLAP_IDS;
    enum status status = read_newest(session, follow);
    if (status == STATUS_OK)
        status = query_fetch(session, result, follow->newer, "i", after);
    if (status != STATUS_OK)
        return status;
    bool room = take_new(follow, result, &follow->id, 1, true);
    seen_sort(&follow->seen, follow->last - OVERLAP_IDS);
    return room ? STATUS_OK : STATUS_ERROR;
}

enum status follow_look(struct session *session, struct follow *follow, struct result *result)
{
    *result = (struct result){0};
    if (follow->newer)
        return look_newer(session, follow, result);
    enum status status = query_fetch(session, result, follow->sql, "");
    if (status == STATUS_OK && !follow_new(follow, result))
        status = STATUS_ERROR;
    return status;
}

void follow_free(struct follow *follow)
{
    seen_free(&follow->seen);
    sqlite3_free(follow->newer);
    sqlite3_free(follow->newest);
}
