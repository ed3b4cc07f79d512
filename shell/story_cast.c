/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who took part in a story: those that the table functions backward() and forward() reach. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "patience.h"
#include "query.h"
#include "story.h"

#define ROWS_MAX "20000" /* causes, and as many effects */

/* ---- the queries ---- */

/* ?1 the process, ?2 causes until, ?3 effects since, ?4 depth, ?5 kinds, ?6 hubs, ?7 and ?8 whether
 * causes and effects are wanted. */
static const char cast_sql[] =
    "WITH c AS MATERIALIZED (SELECT process_id, kind, from_id, stopped "
    "  FROM backward(?1, ?2, ?4, ?5, " ROWS_MAX ", ?6) WHERE ?7), "
    "f AS MATERIALIZED (SELECT process_id, kind, from_id, stopped "
    "  FROM forward(?1, ?3, ?4, ?5, " ROWS_MAX ", ?6) WHERE ?8), "
    "m (id) AS MATERIALIZED (SELECT ?1 UNION SELECT process_id FROM c UNION "
    "  SELECT process_id FROM f), "
    "s (id) AS (SELECT p.parent_id FROM m JOIN processes AS p ON p.id = m.id "
    "  WHERE p.parent_id IS NOT NULL EXCEPT SELECT id FROM m), "
    "a (id, stranger) AS (SELECT id, 0 FROM m UNION ALL SELECT id, 1 FROM s) "
    "SELECT p.id, p.pid, p.parent_id, p.started_at, p.ended_at, p.exit_code, p.exit_signal, "
    "p.trace_id, (SELECT e.id FROM edges AS e WHERE e.dst = p.id AND e.src = p.parent_id AND "
    "  e.kind = 'fork' ORDER BY e.at, e.id LIMIT 1), coalesce(c.from_id, f.from_id), p.comm, "
    "p.exe, p.user, (SELECT coalesce(n.name, substr(n.container_id, 1, 12)) FROM containers AS n "
    "  WHERE n.container_id = p.container_id AND n.runtime IS NOT 'systemd' "
    "  ORDER BY n.id DESC LIMIT 1), p.origin, coalesce(c.kind, f.kind), c.stopped, f.stopped, "
    "c.process_id IS NOT NULL, f.process_id IS NOT NULL, a.stranger, p.cmdline, p.uid "
    "FROM a CROSS JOIN processes AS p ON p.id = a.id LEFT JOIN c ON c.process_id = a.id "
    "LEFT JOIN f ON f.process_id = a.id ORDER BY p.id";

enum cast_column {
    CAST_ID,
    CAST_PID,
    CAST_PARENT,
    CAST_STARTED,
    CAST_ENDED,
    CAST_EXIT_CODE,
    CAST_EXIT_SIGNAL,
    CAST_TRACE,
    CAST_FORK,
    CAST_FROM,
    CAST_COMM,
    CAST_EXE,
    CAST_USER,
    CAST_CONTAINER,
    CAST_ORIGIN,
    CAST_KIND,
    CAST_CAUSE_STOPPED,
    CAST_EFFECT_STOPPED,
    CAST_CAUSE,
    CAST_EFFECT,
    CAST_STRANGER,
    CAST_CMDLINE,
    CAST_UID,
};

/* ?1 their ids */
static const char execs_sql[] =
    "SELECT x.id, x.process_id, x.at, x.filename, x.exe, "
    "CASE WHEN json_valid(x.argv) THEN (SELECT group_concat(value, ' ') FROM json_each(x.argv)) "
    "  ELSE x.argv END, x.script, x.memfd, x.deleted, x.setuid, x.euid, x.stdin, x.stdout, "
    "x.stderr, x.error, x.uid FROM json_each(?1) AS m CROSS JOIN execs AS x "
    "ON x.process_id = m.value ORDER BY x.process_id, x.at, x.id";

/*
 * ?1 an array of [process, whether it is a cause that the search went through, whether the search
 * went through it at all], ?2 the kinds, ?3 up to when. What led to somebody is read from there,
 * but to a server whose causes nobody asks for it is read from the others' side: it may have had
 * any number of callers. Of each so many are looked at, the newest; the last row says of how many
 * there are more.
 */
#define CROWD "1000"
static const char edges_sql[] =
    "WITH m (id, cause, acts) AS MATERIALIZED (SELECT json_extract(value, '$[0]'), "
    "  json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?1)), "
    "crowd (id) AS MATERIALIZED (SELECT id FROM m WHERE NOT cause AND EXISTS (SELECT 1 "
    "  FROM edges AS x WHERE x.dst = m.id LIMIT 1 OFFSET " CROWD ")), "
    "led (id, low) AS MATERIALIZED (SELECT id, (SELECT x.at FROM edges AS x WHERE x.dst = m.id "
    "  AND x.at <= ?3 ORDER BY x.at DESC LIMIT 1 OFFSET " STORY_ROWS_LIMIT ") FROM m "
    "  WHERE id NOT IN (SELECT id FROM crowd)), "
    "acts (id, low) AS MATERIALIZED (SELECT id, (SELECT x.last_at FROM edges AS x "
    "  WHERE x.src = m.id ORDER BY x.last_at DESC LIMIT 1 OFFSET " STORY_ROWS_LIMIT ") FROM m "
    "  WHERE acts AND EXISTS (SELECT 1 FROM crowd)), "
    "found (id) AS MATERIALIZED ("
    "  SELECT e.id FROM led CROSS JOIN edges AS e ON e.dst = led.id AND e.at <= ?3 "
    "    AND e.at > coalesce(low, -" STORY_FAR_TEXT ") "
    "    WHERE e.kind <> 'fork' AND e.src IN (SELECT id FROM m) "
    "  UNION ALL SELECT e.id FROM acts CROSS JOIN edges AS e ON e.src = acts.id "
    "    AND e.last_at > coalesce(low, -" STORY_FAR_TEXT ") "
    "    WHERE e.kind <> 'fork' AND e.dst IN (SELECT id FROM crowd)) "
    "SELECT e.id, e.src, e.dst, e.kind, e.at AS at, e.last_at, e.open, e.count, e.connection_id, "
    "e.file_id, e.detail, c.remote_address, c.remote_port, f.path, f.old_path, c.peer_id, f.memfd "
    "FROM found CROSS JOIN edges AS e ON e.id = found.id LEFT JOIN connections AS c "
    "ON c.id = e.connection_id LEFT JOIN files AS f ON f.id = e.file_id "
    "WHERE (?2 IS NULL OR ',' || replace(?2, ' ', '') || ',' LIKE '%,' || e.kind || ',%') "
    "UNION ALL SELECT (SELECT count(low) FROM led) + (SELECT count(low) FROM acts), NULL, NULL, "
    "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL "
    "ORDER BY at NULLS LAST, 1";

/* ---- who ---- */

static bool is_hub(struct text stopped)
{
    return stopped.data && !story_text_is(stopped, "depth") && !story_text_is(stopped, "rows");
}

static struct story_actor read_actor(const struct cell *row)
{
    struct text stopped = text_of_cell(&row[CAST_CAUSE_STOPPED]);
    if (!stopped.data)
        stopped = text_of_cell(&row[CAST_EFFECT_STOPPED]);
    return (struct story_actor){
        .id = row[CAST_ID].integer,
        .pid = story_integer(&row[CAST_PID]),
        .parent_id = story_integer(&row[CAST_PARENT]),
        .started_at = story_integer(&row[CAST_STARTED]),
        .ended_at = story_integer(&row[CAST_ENDED]),
        .exit_code = story_integer(&row[CAST_EXIT_CODE]),
        .exit_signal = story_integer(&row[CAST_EXIT_SIGNAL]),
        .trace_id = story_integer(&row[CAST_TRACE]),
        .fork_id = story_integer(&row[CAST_FORK]),
        .from_id = story_integer(&row[CAST_FROM]),
        .comm = text_of_cell(&row[CAST_COMM]),
        .exe = text_of_cell(&row[CAST_EXE]),
        .cmdline = text_of_cell(&row[CAST_CMDLINE]),
        .uid = story_integer(&row[CAST_UID]),
        .stream = INTEGER_NULL,
        .user = text_of_cell(&row[CAST_USER]),
        .container = text_of_cell(&row[CAST_CONTAINER]),
        .origin = text_of_cell(&row[CAST_ORIGIN]),
        .kind = text_of_cell(&row[CAST_KIND]),
        .stopped = stopped,
        .until = STORY_NEVER_UNTIL,
        .since = STORY_NEVER_SINCE,
        .own_since = STORY_NEVER_SINCE,
        .cause = row[CAST_CAUSE].integer,
        .effect = row[CAST_EFFECT].integer,
        .hub = is_hub(stopped),
        .stranger = row[CAST_STRANGER].integer,
    };
}

size_t story_find(const struct story *story, int64_t id)
{
    size_t low = 0, high = story->actor_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (story->actors[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < story->actor_count && story->actors[low].id == id ? low : SIZE_MAX;
}

static enum status fetch_cast(struct story *story)
{
    const struct story_question *question = &story->question;
    const struct options *options = &story->session->options;
    patience_begin("still searching; --depth and --kinds bound it, Ctrl-C stops it");
    enum status status = query_fetch(story->session, &story->cast, cast_sql, "innnttii",
                                     question->process_id, question->until, question->since,
                                     options->depth ? options->depth : INTEGER_NULL, options->kinds,
                                     options->through_hubs ? "follow" : "stop",
                                     (int64_t)question->causes, (int64_t)question->effects);
    patience_end();
    return status;
}

static bool read_cast(struct story *story)
{
    story->actors = calloc(story->cast.rows + 1, sizeof *story->actors);
    if (!story->actors)
        return false;
    story->actor_count = story->cast.rows;
    for (size_t i = 0; i < story->actor_count; i++)
        story->actors[i] = read_actor(result_row(&story->cast, i));
    story->target = story_find(story, story->question.process_id);
    return story->target != SIZE_MAX;
}

/* ---- what they ran, how they acted on each other ---- */

bool story_searched(const struct story *story, const struct story_actor *actor)
{
    return !actor->stranger && (!actor->hub || actor == &story->actors[story->target]);
}

/* As edges_sql has it, without strangers. */
static bool member(const struct story *story, size_t index, const void *unused, const char *comma,
                   FILE *out)
{
    const struct story_actor *actor = &story->actors[index];
    bool searched = story_searched(story, actor);
    (void)unused;
    if (actor->stranger)
        return false;
    fprintf(out, "%s[%" PRId64 ",%d,%d]", comma, actor->id, searched && actor->cause, searched);
    return true;
}

static void share_execs(struct story *story)
{
    for (size_t i = 0; i < story->execs.rows; i++) {
        int64_t id = result_row(&story->execs, i)[EXEC_PROCESS].integer;
        struct story_actor *actor = &story->actors[story_find(story, id)];
        if (actor->execs++ == 0)
            actor->first_exec = i;
    }
}

static enum status fetch_edges(struct story *story)
{
    const struct story_question *question = &story->question;
    bool bounded = !question->effects && question->until != INTEGER_NULL;
    char *members = story_list(story, member, NULL);
    if (!members)
        return STATUS_ERROR;
    enum status status =
        query_fetch(story->session, &story->edges, edges_sql, "tti", members,
                    story->session->options.kinds, bounded ? question->until : INT64_MAX);
    free(members);
    if (status == STATUS_OK)
        story->cut |= result_row(&story->edges, --story->edges.rows)->integer > 0;
    return status;
}

static enum status fetch_rest(struct story *story)
{
    char *ids = story_list(story, story_item_id, NULL);
    if (!ids)
        return STATUS_ERROR;
    enum status status = query_fetch(story->session, &story->execs, execs_sql, "t", ids);
    free(ids);
    if (status == STATUS_OK)
        status = fetch_edges(story);
    if (status == STATUS_OK)
        status = story_callers(story);
    if (status == STATUS_OK)
        share_execs(story);
    return status;
}

enum status story_cast(struct story *story)
{
    enum status status = fetch_cast(story);
    if (status == STATUS_OK && !read_cast(story))
        status = STATUS_ERROR;
    if (status == STATUS_OK)
        status = fetch_rest(story);
    if (status == STATUS_OK)
        story_times(story);
    return status;
}
