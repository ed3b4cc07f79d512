/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A story as sentences for a person, and as rows for a program. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "narrative.h"
#include "query.h"
#include "shown.h"
#include "stop.h"
#include "story.h"
#include "target_tell.h"

static const struct {
    const char *rows, *row;
} tables[STORY_TABLE_COUNT] = {
    [STORY_PROCESSES] = {"processes", "process"},
    [STORY_EXECS] = {"execs", "exec"},
    [STORY_EDGES] = {"edges", "edge"},
    [STORY_CONNECTIONS] = {"connections", "connection"},
    [STORY_LISTENERS] = {"listeners", "listener"},
    [STORY_DNS_QUERIES] = {"dns_queries", "dns query"},
    [STORY_FILES] = {"files", "file"},
    [STORY_PRIVILEGES] = {"privileges", "privilege"},
    [STORY_CONTAINERS] = {"containers", "container"},
    [STORY_TRACES] = {"traces", "trace"},
    [STORY_FLAGS] = {"flags", "flag"},
    [STORY_LOSSES] = {"losses", "loss"},
};

const char *story_table_name(enum story_table table)
{
    return tables[table].rows;
}

const char *story_row_name(enum story_table table)
{
    return tables[table].row;
}

/* ---- texts ---- */

/* A text being put together; the caller frees it. TEXT_NULL where there is no memory. */
static struct text compose(const struct story_fact *fact,
                           void (*put)(FILE *out, const struct story_fact *fact))
{
    struct text text = TEXT_NULL;
    FILE *out = open_memstream((char **)&text.data, &text.length);
    if (!out)
        return TEXT_NULL;
    put(out, fact);
    fclose(out);
    return text;
}

static void put_sentence(FILE *out, const struct story_fact *fact)
{
    fwrite(fact->sentence.data, 1, fact->sentence.length, out);
    if (fact->count > 1)
        fprintf(out, "; and %" PRId64 " more like it", fact->count - 1);
}

/* Where in 2026-11-22T03:12:05Z the parts are. */
#define DATE_LENGTH 10
#define TIME_LENGTH 8

/* ", the last at 03:12:05", with the date where it is another. */
static void put_last_time(FILE *out, const struct story_fact *fact)
{
    struct cell first = cell_integer(fact->at), last = cell_integer(fact->last_at);
    struct shown begin, end;
    if (fact->count <= 1 || fact->at == INTEGER_NULL || fact->last_at <= fact->at)
        return;
    show_cell(&begin, &first, true, PRECISION_SECONDS);
    show_cell(&end, &last, true, PRECISION_SECONDS);
    bool same_day = memcmp(begin.text.data, end.text.data, DATE_LENGTH) == 0;
    if (same_day)
        fprintf(out, ", the last at %.*s", TIME_LENGTH, end.text.data + DATE_LENGTH + 1);
    else
        fprintf(out, ", the last at %.*s", (int)end.text.length, end.text.data);
}

static void put_told(FILE *out, const struct story_fact *fact)
{
    put_sentence(out, fact);
    put_last_time(out, fact);
}

struct text story_told(const struct story_fact *fact)
{
    return compose(fact, put_told);
}

/* ` [edge 21, file 1]` */
static void put_proofs(FILE *out, const struct story_fact *fact)
{
    for (size_t i = 0; i < fact->proof_count; i++)
        fprintf(out, "%s%s %" PRId64, i ? ", " : " [", tables[fact->proofs[i].table].row,
                fact->proofs[i].id);
    fputs(fact->proof_count ? "]" : "", out);
}

/* `["edges:21","files:1"]` */
static void put_proof_list(FILE *out, const struct story_fact *fact)
{
    fputc('[', out);
    for (size_t i = 0; i < fact->proof_count; i++)
        fprintf(out, "%s\"%s:%" PRId64 "\"", i ? "," : "", tables[fact->proofs[i].table].rows,
                fact->proofs[i].id);
    fputc(']', out);
}

/* ---- for a person ---- */

static struct cell time_cell(int64_t at)
{
    struct cell none = {.type = CELL_NULL};
    return at == INTEGER_NULL ? none : cell_integer(at);
}

static void tell_person(struct story *story, const struct found *found)
{
    FILE *out = output_file(story->session->output);
    const struct style *style = output_style(story->session->output);
    struct narrative narrative;
    tell_found(out, style, "", found);
    narrative_begin(&narrative, out, style);
    for (size_t i = 0; i < story->fact_count && !stop_requested(); i++) {
        const struct story_fact *fact = &story->facts[i];
        if (fact->folded)
            continue;
        struct cell at = time_cell(fact->at);
        struct text sentence = compose(fact, put_told), proofs = compose(fact, put_proofs);
        narrative_say(&narrative, &at, sentence, proofs);
        free((char *)sentence.data);
        free((char *)proofs.data);
    }
    fflush(out);
}

/* ---- for a program ---- */

static bool add_row(struct result *result, const struct story *story, const struct story_fact *fact)
{
    struct text sentence = compose(fact, put_sentence), proofs = compose(fact, put_proof_list);
    const struct cell cells[] = {
        time_cell(fact->at),
        cell_integer(story->actors[fact->actor].id),
        cell_text(fact->kind),
        {.type = CELL_TEXT, .bytes = sentence},
        {.type = CELL_TEXT, .bytes = proofs},
        cell_integer(fact->count),
        time_cell(fact->last_at),
    };
    bool added = sentence.data && proofs.data && result_add(result, cells);
    free((char *)sentence.data);
    free((char *)proofs.data);
    return added;
}

bool story_rows(const struct story *story, struct result *result)
{
    static const struct heading headings[] = {
        {"at", true, false},        {"process_id", false, false}, {"kind", false, false},
        {"sentence", false, false}, {"proofs", false, true},      {"count", false, false},
        {"last_at", true, false},
    };
    bool room = result_begin(result, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; room && i < story->fact_count; i++)
        if (!story->facts[i].folded)
            room = add_row(result, story, &story->facts[i]);
    return room;
}

static enum status tell_program(struct story *story)
{
    struct result result;
    bool room = story_rows(story, &result);
    if (room)
        query_show(story->session, &result);
    result_free(&result);
    return room ? STATUS_OK : STATUS_ERROR;
}

enum status story_tell(struct story *story, const struct found *found)
{
    if (session_format(story->session) != &format_table)
        return tell_program(story);
    tell_person(story, found);
    return STATUS_OK;
}
