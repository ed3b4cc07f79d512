/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pins: traces that the recorder never rolls away, kept in the user's store. A TARGET is pinned by
 * the trace that its process belongs to.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "complain.h"
#include "escape.h"
#include "query.h"
#include "target.h"
#include "user_store.h"

#define WORDS_MOST 256 /* of a reason that was not quoted */

/* The trace of what was named; the texts live as long as the result. */
struct pinned {
    int64_t id;
    int64_t started_at; /* INTEGER_NULL: unknown */
    struct text title;
    struct result result;
};

enum { TRACE_ID, TRACE_STARTED_AT, TRACE_TITLE };

static const char trace_of_process[] =
    "SELECT t.id, t.started_at, coalesce(t.title, t.kind) FROM processes AS p "
    "JOIN traces AS t ON t.id = p.trace_id WHERE p.id = ?1";
static const char trace_by_id[] =
    "SELECT t.id, t.started_at, coalesce(t.title, t.kind) FROM traces AS t WHERE t.id = ?1";

static enum status take(struct pinned *pinned, const char *target)
{
    if (pinned->result.rows == 0) {
        complain("%s belongs to no trace, so there is nothing to pin", target);
        return STATUS_ERROR;
    }
    const struct cell *row = result_row(&pinned->result, 0);
    pinned->id = row[TRACE_ID].integer;
    pinned->started_at =
        row[TRACE_STARTED_AT].type == CELL_INTEGER ? row[TRACE_STARTED_AT].integer : INTEGER_NULL;
    pinned->title = text_of_cell(&row[TRACE_TITLE]);
    return STATUS_OK;
}

static enum status find_trace(struct session *session, const char *target, struct pinned *pinned)
{
    struct found found;
    *pinned = (struct pinned){0};
    enum status status = query_need(session, "traces");
    if (status != STATUS_OK)
        return status;
    status = target_find(session, target, &found);
    if (status == STATUS_OK)
        status = query_fetch(session, &pinned->result, trace_of_process, "i", found.process_id);
    found_free(&found);
    return status == STATUS_OK ? take(pinned, target) : status;
}

static void tell(struct session *session, const struct pinned *pinned, const char *what)
{
    FILE *out = output_file(session->output);
    fprintf(out, "trace %lld, ", (long long)pinned->id);
    escape_print(out, pinned->title, output_style(session->output)->utf8);
    fprintf(out, ": %s\n", what);
    fflush(out);
}

/* ---- pin ---- */

/* The words that follow the target, in memory of sqlite3_free; NULL: there are none. */
static char *join_words(char **words)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    for (size_t i = 0; words[i]; i++)
        sqlite3_str_appendf(text, "%s%s", i ? " " : "", words[i]);
    return sqlite3_str_finish(text);
}

static enum status add_pin(struct session *session, struct session *user,
                           const struct pinned *pinned, char **operands)
{
    static const char sql[] =
        "INSERT INTO pins (trace_id, trace_started_at, user, target, reason, pinned_at) "
        "SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM pins WHERE trace_id = ?1 "
        "AND trace_started_at IS ?2) RETURNING id";
    struct result added = {0};
    int64_t now = 0;
    char *reason = join_words(operands + 1);
    enum status status = query_integer(session, &now, "SELECT at('now')", "");
    if (status == STATUS_OK)
        status = query_fetch(user, &added, sql, "inttti", pinned->id, pinned->started_at,
                             user_store_person(), operands[0], reason, now);
    if (status == STATUS_OK)
        tell(session, pinned,
             added.rows ? "pinned, the recorder keeps it" : "was pinned before, nothing changes");
    sqlite3_free(reason);
    result_free(&added);
    return status;
}

static enum status pin_run(struct session *session, char **operands)
{
    struct pinned pinned;
    struct session user = {0};
    enum status status = find_trace(session, operands[0], &pinned);
    if (status == STATUS_OK)
        status = user_store_write(session, &user);
    if (status == STATUS_OK)
        status = add_pin(session, &user, &pinned, operands);
    user_store_close(&user);
    result_free(&pinned.result);
    return status;
}

const struct command command_pin = {
    .name = "pin",
    .outside = true,
    .arguments = "TARGET [REASON]",
    .summary = "never roll its trace away",
    .help =
        "The trace that the TARGET belongs to, with all its processes and what they did, stays in\n"
        "the store until it is unpinned, however old it grows. The pin is kept in a file of\n"
        "its own beside the store (STORE.user), which the recorder reads; if SPYQ_USER_STORE\n"
        "names another file, the recorder does not know of it.\n"
        "Example:  pin exe:nc case 4711\n",
    .least = 1,
    .most = WORDS_MOST,
    .takes = OPTIONS_SPAN,
    .run = pin_run,
};

/* ---- unpin ---- */

/* A trace by its id may be pinned and no longer in the store. */
static bool is_trace_id(const char *target, int64_t *id)
{
    char *end = NULL;
    if (strncmp(target, "trace:", strlen("trace:")) != 0)
        return false;
    *id = strtoll(target + strlen("trace:"), &end, 10);
    return *end == '\0' && end != target + strlen("trace:");
}

static enum status find_pinned(struct session *session, const char *target, struct pinned *pinned)
{
    int64_t id;
    if (!is_trace_id(target, &id))
        return find_trace(session, target, pinned);
    *pinned = (struct pinned){.id = id, .title = {"no longer in the store", 22}};
    enum status status = query_fetch(session, &pinned->result, trace_by_id, "i", id);
    return status == STATUS_OK && pinned->result.rows ? take(pinned, target) : status;
}

static enum status remove_pin(struct session *session, struct session *user,
                              const struct pinned *pinned)
{
    struct result removed = {0};
    enum status status = STATUS_OK;
    if (user->db)
        status = query_fetch(user, &removed, "DELETE FROM pins WHERE trace_id = ?1 RETURNING id",
                             "i", pinned->id);
    if (status == STATUS_OK && removed.rows == 0) {
        complain("trace %lld is not pinned", (long long)pinned->id);
        status = STATUS_ERROR;
    } else if (status == STATUS_OK) {
        tell(session, pinned, "no longer pinned");
    }
    result_free(&removed);
    return status;
}

static enum status unpin_run(struct session *session, char **operands)
{
    struct pinned pinned;
    struct session user = {0};
    enum status status = find_pinned(session, operands[0], &pinned);
    if (status == STATUS_OK)
        status = user_store_read(session, &user); /* nothing is made where there are no pins */
    bool exists = user.db;
    user_store_close(&user);
    if (status == STATUS_OK && exists)
        status = user_store_write(session, &user);
    if (status == STATUS_OK)
        status = remove_pin(session, &user, &pinned);
    user_store_close(&user);
    result_free(&pinned.result);
    return status;
}

const struct command command_unpin = {
    .name = "unpin",
    .outside = true,
    .arguments = "TARGET",
    .summary = "take a pin away",
    .help =
        "From the trace that the TARGET belongs to; trace:ID names one that is not in the store\n"
        "any more. What has grown old is rolled away from then on.\n"
        "Example:  unpin trace:12\n",
    .least = 1,
    .most = 1,
    .takes = OPTIONS_SPAN,
    .run = unpin_run,
};

/* ---- pins ---- */

enum { PIN_TRACE, PIN_STARTED_AT, PIN_PINNED_AT, PIN_USER, PIN_REASON, PIN_TARGET };
enum { OUT_TRACE, OUT_KIND, OUT_TITLE, OUT_STATE, OUT_PINNED_AT, OUT_USER, OUT_REASON, OUT_TARGET };

static const char pins_sql[] = "SELECT trace_id, trace_started_at, pinned_at, user, reason, target "
                               "FROM pins ORDER BY pinned_at, id";
static const char pinned_trace_sql[] =
    "SELECT kind, title, CASE WHEN ended_at IS NULL THEN 'open' ELSE 'ended' END "
    "FROM traces WHERE id = ?1 AND started_at IS ?2";

static const struct heading pins_headings[] = {
    {.name = "trace_id"},  {.name = "kind"}, {.name = "title"},  {.name = "state"},
    {.name = "pinned_at"}, {.name = "user"}, {.name = "reason"}, {.name = "target"},
};
#define PINS_COLUMNS (sizeof pins_headings / sizeof *pins_headings)

/* One pin, beside what the recorded store says of its trace. */
static enum status add_row(struct session *session, const struct cell *pin, struct result *shown)
{
    struct result trace = {0};
    bool dated = pin[PIN_STARTED_AT].type == CELL_INTEGER;
    enum status status =
        query_fetch(session, &trace, pinned_trace_sql, "in", pin[PIN_TRACE].integer,
                    dated ? pin[PIN_STARTED_AT].integer : INTEGER_NULL);
    struct cell none = cell_text(NULL);
    const struct cell *known = trace.rows ? result_row(&trace, 0) : NULL;
    struct cell row[PINS_COLUMNS] = {
        [OUT_TRACE] = pin[PIN_TRACE],          [OUT_KIND] = known ? known[0] : none,
        [OUT_TITLE] = known ? known[1] : none, [OUT_STATE] = known ? known[2] : cell_text("gone"),
        [OUT_PINNED_AT] = pin[PIN_PINNED_AT],  [OUT_USER] = pin[PIN_USER],
        [OUT_REASON] = pin[PIN_REASON],        [OUT_TARGET] = pin[PIN_TARGET],
    };
    if (status == STATUS_OK && !result_add(shown, row)) {
        complain("out of memory");
        status = STATUS_ERROR;
    }
    result_free(&trace);
    return status;
}

static enum status pins_run(struct session *session, char **operands)
{
    (void)operands;
    struct session user;
    struct result pins = {0}, shown = {0};
    enum status status = query_need(session, "traces");
    if (status == STATUS_OK)
        status = user_store_read(session, &user);
    if (status != STATUS_OK)
        return status;
    if (user.db)
        status = query_fetch(&user, &pins, pins_sql, "");
    if (status == STATUS_OK && !result_begin(&shown, pins_headings, PINS_COLUMNS))
        status = STATUS_ERROR;
    for (size_t i = 0; status == STATUS_OK && i < pins.rows; i++)
        status = add_row(session, result_row(&pins, i), &shown);
    if (status == STATUS_OK)
        query_show(session, &shown);
    user_store_close(&user);
    result_free(&pins);
    result_free(&shown);
    return status;
}

const struct command command_pins = {
    .name = "pins",
    .arguments = "",
    .summary = "what is pinned, and why",
    .help =
        "A row for each pin, the oldest first. Its state is that of the trace: open, ended, or\n"
        "gone where this store does not hold it.\n"
        "Example:  pins\n",
    .followed = true,
    .run = pins_run,
};
