/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes around a story: the sessions it belongs to before it, what it may lack after it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"
#include "shown.h"
#include "story.h"

static bool begin(struct story *story, enum story_part part, const char *kind, int64_t at)
{
    if (!story_begin(story, kind, &story->actors[story->target], at, STORY_VITAL))
        return false;
    story->draft.part = part;
    return true;
}

/* ---- sessions ---- */

/* ?1: their ids */
static const char traces_sql[] = "SELECT t.id, t.title, t.kind FROM json_each(?1) AS m "
                                 "CROSS JOIN traces AS t ON t.id = m.value LIMIT 12";

enum trace_column { TRACE_ID, TRACE_TITLE, TRACE_KIND };

static bool in_trace(const struct story *story, int64_t trace, bool cause)
{
    for (size_t i = 0; i < story->actor_count; i++) {
        const struct story_actor *actor = &story->actors[i];
        if (actor->trace_id == trace && !actor->hub && !actor->stranger &&
            (cause ? actor->cause : actor->effect))
            return true;
    }
    return false;
}

static void add_trace(struct story *story, const struct cell *row)
{
    int64_t id = row[TRACE_ID].integer;
    const char *how = "It reached into";
    if (story->actors[story->target].trace_id == id)
        how = "It is part of";
    else if (story->question.causes && in_trace(story, id, true))
        how = "What led to it was also in";
    if (!begin(story, STORY_OPENING, "trace", INTEGER_NULL))
        return;
    fprintf(story->sentence, "%s trace %" PRId64 ": ", how, id);
    struct text title = text_of_cell(&row[TRACE_TITLE]);
    if (title.data)
        fwrite(title.data, 1, title.length, story->sentence);
    else
        story_put(story->sentence, text_of_cell(&row[TRACE_KIND]));
    story_prove(story, STORY_TRACES, id);
    story_end(story);
}

/* The trace of the target first. */
static char *list_traces(const struct story *story)
{
    char *list = NULL;
    size_t length;
    int64_t last = story->actors[story->target].trace_id;
    FILE *out = open_memstream(&list, &length);
    if (!out)
        return NULL;
    fprintf(out, "[%s", last == INTEGER_NULL ? "null" : "");
    if (last != INTEGER_NULL)
        fprintf(out, "%" PRId64, last);
    for (size_t i = 0; i < story->actor_count; i++) {
        const struct story_actor *actor = &story->actors[i];
        if (actor->hub || actor->stranger || actor->trace_id == INTEGER_NULL)
            continue;
        size_t before = 0;
        while (before < i && (story->actors[before].trace_id != actor->trace_id ||
                              story->actors[before].hub || story->actors[before].stranger))
            before++;
        if (before == i && actor->trace_id != last)
            fprintf(out, ",%" PRId64, actor->trace_id);
    }
    fputc(']', out);
    if (fclose(out) == 0)
        return list;
    free(list);
    return NULL;
}

static enum status add_traces(struct story *story)
{
    struct result rows = {0};
    char *ids = list_traces(story);
    enum status status =
        ids ? query_fetch(story->session, &rows, traces_sql, "t", ids) : STATUS_ERROR;
    for (size_t i = 0; status == STATUS_OK && i < rows.rows; i++)
        add_trace(story, result_row(&rows, i));
    result_free(&rows);
    free(ids);
    return status;
}

/* ---- what may be missing ---- */

/* ?1 and ?2: the span that the story covers */
static const char gaps_sql[] =
    "SELECT min(id), class, count(*), sum(count), min(started_at), max(ended_at) FROM gaps "
    "WHERE ended_at >= ?1 AND started_at <= ?2 GROUP BY class ORDER BY min(started_at), class";

enum gap_column { GAP_ID, GAP_CLASS, GAP_STRETCHES, GAP_COUNT, GAP_SINCE, GAP_UNTIL };

static void add_gap(struct story *story, const struct cell *row)
{
    struct shown until;
    if (!begin(story, STORY_CLOSING, "gap", story_integer(&row[GAP_SINCE])))
        return;
    FILE *out = story->sentence;
    show_cell(&until, &row[GAP_UNTIL], true, PRECISION_SECONDS);
    fprintf(out, "From here to %.*s something of class ", (int)until.text.length, until.text.data);
    story_put(out, text_of_cell(&row[GAP_CLASS]));
    if (row[GAP_COUNT].type == CELL_INTEGER)
        fprintf(out, " may be missing: %" PRId64 " records were lost", row[GAP_COUNT].integer);
    else
        fputs(" may be missing, nobody knows how much", out);
    if (row[GAP_STRETCHES].integer > 1)
        fprintf(out, ", in %" PRId64 " stretches", row[GAP_STRETCHES].integer);
    story_prove(story, STORY_LOSSES, row[GAP_ID].integer);
    story_end(story);
}

static enum status add_gaps(struct story *story)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    struct result rows;
    for (size_t i = 0; i < story->fact_count; i++) {
        const struct story_fact *fact = &story->facts[i];
        if (fact->part != STORY_BODY || fact->at == INTEGER_NULL)
            continue;
        first = fact->at < first ? fact->at : first;
        last = fact->last_at > last ? fact->last_at : last;
    }
    enum status status = query_fetch(story->session, &rows, gaps_sql, "ii", first, last);
    for (size_t i = 0; status == STATUS_OK && i < rows.rows; i++)
        add_gap(story, result_row(&rows, i));
    result_free(&rows);
    return status;
}

/* ---- where it stopped ---- */

#define STOPS_TOLD 4

static void add_stop(struct story *story, const struct story_actor *actor)
{
    if (!begin(story, STORY_CLOSING, "stopped", INTEGER_NULL))
        return;
    FILE *out = story->sentence;
    fputs("The search went no further than ", out);
    story_put_actor(out, story, actor, NULL, INTEGER_NULL);
    if (story_text_is(actor->stopped, "depth")) {
        fputs(", as --depth says", out);
    } else if (story_text_is(actor->stopped, "rows")) {
        fputs(": there are too many processes for one story", out);
    } else {
        fputs(", which shares much between many (", out);
        story_put(out, actor->stopped);
        fputs("); --through-hubs goes on", out);
    }
    story_prove(story, STORY_PROCESSES, actor->id);
    story_end(story);
}

/* A hub that was forked by one of its kind, as cron forks itself for a job, says no more than that.
 */
static bool is_stop(const struct story *story, const struct story_actor *actor)
{
    size_t parent = story_find(story, actor->parent_id);
    if (!actor->stopped.data || actor->target)
        return false;
    return parent == SIZE_MAX || !actor->hub || !story->actors[parent].hub ||
           !story_text_equal(actor->stopped, story->actors[parent].stopped);
}

static void add_stops(struct story *story)
{
    size_t stops = 0;
    for (size_t i = 0; i < story->actor_count; i++)
        if (is_stop(story, &story->actors[i]) && stops++ < STOPS_TOLD)
            add_stop(story, &story->actors[i]);
    if (stops <= STOPS_TOLD || !begin(story, STORY_CLOSING, "stopped", INTEGER_NULL))
        return;
    fprintf(story->sentence, "Nor than %zu others like these", stops - STOPS_TOLD);
    story_end(story);
}

/* ---- who is left ---- */

#define ALIVE_NAMED 4

/* Who was there before lives for other reasons. */
static bool is_left(const struct story_actor *actor)
{
    bool born = actor->effect && !actor->hub && actor->started_at != INTEGER_NULL &&
                actor->started_at >= actor->since;
    return actor->ended_at == INTEGER_NULL && (actor->target || born);
}

/* "Still running: miner (pid 910, ana), sh (pid 912, ana) and 3 more" */
static void add_living(struct story *story)
{
    size_t alive = 0;
    for (size_t i = 0; i < story->actor_count; i++)
        alive += is_left(&story->actors[i]);
    if (alive == 0 || !begin(story, STORY_CLOSING, "alive", INTEGER_NULL))
        return;
    size_t named = 0;
    for (size_t i = 0; i < story->actor_count && named < ALIVE_NAMED; i++) {
        const struct story_actor *actor = &story->actors[i];
        if (!is_left(actor))
            continue;
        fputs(named++ ? ", " : "Still running: ", story->sentence);
        story_put_actor(story->sentence, story, actor, NULL, INTEGER_NULL);
        story_prove(story, STORY_PROCESSES, actor->id);
    }
    if (alive > named)
        fprintf(story->sentence, " and %zu more", alive - named);
    story_end(story);
}

/* ---- what was left out ---- */

static void add_note(struct story *story, const char *format, size_t count)
{
    if (count == 0 || !begin(story, STORY_CLOSING, "note", INTEGER_NULL))
        return;
    /* format is one of ours, with one %zu in it */
    char text[160];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, format, count);
#pragma GCC diagnostic pop
    fputs(text, story->sentence);
    story_end(story);
}

static void add_notes(struct story *story)
{
    size_t folded = 0;
    for (size_t i = 0; i < story->fact_count; i++)
        folded += story->facts[i].folded;
    add_note(story, "%zu sentences are folded into others; --all has each of them", folded);
    add_note(story, "%zu sentences are left out, of what lies beyond --since and --until",
             story->outside);
    add_note(story,
             "Processes that only used the same servers, before or after, are left out (%zu); "
             "--through-hubs has them",
             story->passed_over);
    add_note(story, "Other connections that these servers took are left out likewise (%zu)",
             story_other_calls(story));
    add_note(story,
             "Changes of groups, and of the effective user of who stayed root, are left out (%zu); "
             "--all has them",
             story->minor);
    if (story->cut)
        add_note(story, "More happened than is looked at: only %zu rows of a table",
                 STORY_ROWS_MAX);
}

enum status story_frame(struct story *story)
{
    enum status status = add_traces(story);
    if (status == STATUS_OK)
        status = add_gaps(story);
    add_living(story);
    add_stops(story);
    add_notes(story);
    return status;
}
