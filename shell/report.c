/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "complain.h"
#include "query.h"

/* ---- the evidence ---- */

static void put_id(FILE *out, int64_t id)
{
    if (id != INTEGER_NULL)
        fprintf(out, ",%" PRId64, id);
}

/* The drawing shows processes and edges that no sentence may name. */
static void put_drawn(FILE *out, const struct report *report, enum story_table table)
{
    const struct story *story = report->story;
    for (size_t i = 0; table == STORY_PROCESSES && i < report->node_count; i++)
        put_id(out, story->actors[report->nodes[i].actor].id);
    for (size_t i = 0; table == STORY_EDGES && i < story->edges.rows; i++) {
        const struct cell *edge = result_row(&story->edges, i);
        if (story_edge_counts(story, i) && report_node(report, edge[EDGE_SRC].integer) &&
            report_node(report, edge[EDGE_DST].integer))
            put_id(out, edge[EDGE_ID].integer);
    }
}

/* The ids of a table's rows as a JSON array; free it. NULL: out of memory. */
static char *list_ids(const struct report *report, enum story_table table)
{
    const struct story *story = report->story;
    char *list = NULL;
    size_t length;
    FILE *out = open_memstream(&list, &length);
    if (!out)
        return NULL;
    fputs("[null", out);
    put_drawn(out, report, table);
    for (size_t i = 0; i < story->fact_count; i++)
        for (size_t k = 0; !story->facts[i].folded && k < story->facts[i].proof_count; k++)
            if (story->facts[i].proofs[k].table == table)
                put_id(out, story->facts[i].proofs[k].id);
    fputc(']', out);
    fclose(out);
    return list;
}

static enum status fetch_evidence(struct report *report, enum story_table table)
{
    char *ids = list_ids(report, table);
    char *sql = sqlite3_mprintf(
        "SELECT * FROM \"%w\" WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id LIMIT %d",
        story_table_name(table), REPORT_ROWS);
    enum status status = STATUS_ERROR;
    bool any = ids && ids[5] == ','; /* [null,1] */
    if (!ids || !sql)
        complain("out of memory");
    else if (!any)
        status = STATUS_OK;
    else
        status = query_fetch(report->story->session, &report->evidence[table], sql, "t", ids);
    sqlite3_free(sql);
    free(ids);
    return status;
}

static const char about_sql[] =
    "SELECT h.hostname, h.os, h.kernel, h.machine_id, r.version AS recorded_by, "
    "(SELECT min(started_at) FROM recorders) AS recording_since_at, "
    "r.last_seen_at AS recorded_until_at, at('now') AS made_at "
    "FROM (SELECT max(id) AS id FROM recorders) AS m LEFT JOIN recorders AS r ON r.id = m.id "
    "LEFT JOIN hosts AS h ON h.id = r.host_id";

enum status report_make(struct report *report, struct story *story, const struct found *found,
                        const char *target)
{
    *report = (struct report){.story = story, .found = found, .target = target};
    report_layout(report);
    enum status status = query_fetch(story->session, &report->about, about_sql, "");
    for (size_t i = 0; status == STATUS_OK && i < STORY_TABLE_COUNT; i++)
        status = fetch_evidence(report, (enum story_table)i);
    return status;
}

void report_free(struct report *report)
{
    for (size_t i = 0; i < STORY_TABLE_COUNT; i++)
        result_free(&report->evidence[i]);
    result_free(&report->about);
}

/* ---- names ---- */

struct text report_name(const struct report *report, const struct report_node *node)
{
    const struct story_actor *actor = &report->story->actors[node->actor];
    struct text name = story_name(report->story, actor, INTEGER_NULL);
    return name.data ? name : (struct text){"?", 1};
}

const struct report_node *report_node(const struct report *report, int64_t process_id)
{
    size_t actor = story_find(report->story, process_id);
    for (size_t i = 0; i < report->node_count; i++)
        if (report->nodes[i].actor == actor)
            return &report->nodes[i];
    return NULL;
}
