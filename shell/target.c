/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target.h"

#include "query.h"
#include "target_form.h"
#include "target_tell.h"

/* ---- the queries: ?1 and ?2 are the span, ?3 the number, ?4 the text ---- */

/* The plus keeps the planner from the indexes on times, by which it would look at every row. */
#define ALIVE(row)                                                                                 \
    "(+" row ".started_at IS NULL OR +" row ".started_at <= ?2) AND (" row                         \
    ".ended_at IS NULL OR " row ".ended_at >= ?1) "
#define PROCESS   "SELECT p.id, p.pid, p.started_at, p.cmdline, p.comm, "
#define PROCESSES PROCESS "NULL, NULL, NULL FROM processes AS p "
#define NEWEST    "ORDER BY p.started_at DESC NULLS LAST, p.id DESC LIMIT 1000"

/* By something that a process held or did: the newest of it counts, and gives the moment. */
#define HELD "WITH held (process_id, at, since, what) AS ("
#define HOLDERS                                                                                    \
    ") " PROCESS "max(h.at), h.since, h.what FROM held AS h "                                      \
    "JOIN processes AS p ON p.id = h.process_id GROUP BY p.id "                                    \
    "ORDER BY max(h.at) DESC NULLS LAST, p.id DESC LIMIT 1000"

#define CONNECTION                                                                                 \
    "SELECT c.process_id, coalesce(c.established_at, c.started_at), c.started_at, "                \
    "'connection ' || c.id || ', ' || c.protocol || CASE c.direction WHEN 'in' THEN ' from ' "     \
    "  ELSE ' to ' END || coalesce(c.remote_name, c.remote_address, '?') || "                      \
    "  coalesce(' port ' || c.remote_port, '') || CASE c.direction WHEN 'in' THEN "                \
    "  coalesce(' to port ' || c.local_port, '') ELSE '' END "                                     \
    "FROM connections AS c WHERE " ALIVE("c")
#define LISTENER                                                                                   \
    "SELECT l.process_id, l.started_at, l.started_at, 'listener ' || l.id || ', ' || l.protocol "  \
    "|| coalesce(' ' || l.address, '') || coalesce(' port ' || l.port, '') "                       \
    "FROM listeners AS l WHERE " ALIVE("l")

static const char by_id[] = PROCESSES "WHERE p.id = ?3";
static const char by_pid[] = PROCESSES "WHERE p.pid = ?3 AND " ALIVE("p") NEWEST;
static const char by_path[] = PROCESSES "WHERE p.exe = ?4 AND " ALIVE("p") NEWEST;
/* Few programs, many processes: goes from each program in their index to the next. */
static const char by_name[] =
    "WITH RECURSIVE programs (exe) AS (SELECT min(exe) FROM processes UNION ALL "
    "  SELECT (SELECT min(exe) FROM processes WHERE exe > programs.exe) FROM programs "
    "  WHERE programs.exe IS NOT NULL) " PROCESSES
    "WHERE p.exe IN (SELECT exe FROM programs WHERE basename(exe) = ?4) AND " ALIVE("p") NEWEST;
static const char by_connection[] = HELD CONNECTION "AND c.id = ?3" HOLDERS;
static const char by_address[] =
    HELD CONNECTION "AND c.remote_address = ?4 UNION ALL " LISTENER "AND l.address = ?4" HOLDERS;
static const char by_endpoint[] =
    HELD CONNECTION "AND c.remote_address = ?4 AND c.remote_port = ?3 "
                    "UNION ALL " CONNECTION "AND c.local_address = ?4 AND c.local_port = ?3 "
                    "UNION ALL " LISTENER "AND l.address = ?4 AND l.port = ?3" HOLDERS;
static const char by_port[] =
    HELD CONNECTION "AND c.local_port = ?3 UNION ALL " LISTENER "AND l.port = ?3" HOLDERS;

/* Who wrote it under this name, or wrote what was called so later. */
#define WRITE                                                                                      \
    "SELECT f.process_id, coalesce(f.last_at, f.at), f.at, 'file ' || ?4 || CASE WHEN f.path = ?4" \
    " THEN '' ELSE ', now ' || coalesce(f.path, '?') || ',' END || ' last written' "               \
    "FROM files AS f WHERE f.op = 'write' AND f.at <= ?2 AND coalesce(f.last_at, f.at) >= ?1 "
static const char by_writer[] = HELD WRITE "AND f.path = ?4 UNION ALL " WRITE
                                           "AND f.old_path = ?4 AND f.path IS NOT ?4" HOLDERS;

/* Nobody did: who renamed, linked, changed or removed it. */
#define CHANGE                                                                                     \
    "SELECT f.process_id, f.at, f.at, 'file ' || ?4 || ' (' || f.op || ')' "                       \
    "FROM files AS f WHERE f.op <> 'write' AND f.at BETWEEN ?1 AND ?2 "
static const char by_change[] =
    HELD CHANGE "AND f.path = ?4 UNION ALL " CHANGE "AND f.old_path = ?4" HOLDERS;

/* Nor that: who ran it. */
#define RUN                                                                                        \
    "SELECT x.process_id, x.at, x.at, 'file ' || ?4 || ', which nobody was seen to write, run' "   \
    "FROM execs AS x WHERE x.error IS NULL AND x.at BETWEEN ?1 AND ?2 "
static const char by_run[] = HELD RUN "AND x.exe = ?4 UNION ALL " RUN "AND x.script = ?4" HOLDERS;

/* The newest container of that name, or whose id begins so: by its first process. */
static const char by_container[] =
    "WITH named (id, root_process_id, what) AS (SELECT id, root_process_id, 'container ' || "
    "  coalesce(name, substr(container_id, 1, 12)) FROM containers "
    "WHERE name = ?4 UNION SELECT id, root_process_id, 'container ' || "
    "  coalesce(name || ' ', '') || substr(container_id, 1, 12) FROM containers "
    "WHERE container_id >= ?4 AND container_id < ?4 || char(0x10ffff)) " PROCESS
    "NULL, NULL, n.what FROM named AS n JOIN processes AS p ON p.id = n.root_process_id "
    "WHERE " ALIVE("p") "ORDER BY n.id DESC LIMIT 1000";

static const char by_trace[] =
    PROCESS "NULL, NULL, 'trace ' || t.id || coalesce(', ' || t.title, '') FROM traces AS t "
            "JOIN processes AS p ON p.id = t.root_process_id WHERE t.id = ?3";
static const char by_flag[] =
    PROCESS "g.at, g.at, 'flag ' || g.id || coalesce(', ' || g.title, '') FROM flags AS g "
            "JOIN processes AS p ON p.id = g.process_id WHERE g.id = ?3";

/* The queries of each way, in the order in which they are asked until one has an answer. */
static const struct way {
    const char *sql[3];
    const char *table; /* which a store may lack */
} ways[TARGET_WAYS] = {
    [BY_ID] = {{by_id}, NULL},
    [BY_PID] = {{by_pid}, NULL},
    [BY_PROGRAM_PATH] = {{by_path}, NULL},
    [BY_PROGRAM_NAME] = {{by_name}, NULL},
    [BY_FILE] = {{by_writer, by_change, by_run}, NULL},
    [BY_CONNECTION] = {{by_connection}, NULL},
    [BY_ADDRESS] = {{by_address}, NULL},
    [BY_ENDPOINT] = {{by_endpoint}, NULL},
    [BY_PORT] = {{by_port}, NULL},
    [BY_CONTAINER] = {{by_container}, NULL},
    [BY_TRACE] = {{by_trace}, "traces"},
    [BY_FLAG] = {{by_flag}, "flags"},
};

#define QUERIES (sizeof ways->sql / sizeof *ways->sql)

/* ---- finding ---- */

static enum status find_matches(struct session *session, const struct target *target,
                                struct result *matches)
{
    const struct way *way = &ways[target->by];
    enum status status = way->table ? query_need(session, way->table) : STATUS_OK;
    for (size_t i = 0; i < QUERIES && way->sql[i] && status == STATUS_OK && !matches->rows; i++) {
        result_free(matches);
        status = query_fetch(session, matches, way->sql[i], "iiit", target->span.since,
                             target->span.until, target->number, target->text);
    }
    return status;
}

static int64_t match_time(const struct cell *cell)
{
    return cell->type == CELL_INTEGER ? cell->integer : INTEGER_NULL;
}

static void take_first(struct found *found)
{
    const struct cell *match = result_row(&found->result, 0);
    found->process_id = match[MATCH_ID].integer;
    found->pid = match[MATCH_PID].integer;
    found->at = match_time(&match[MATCH_AT]);
    found->since = match_time(&match[MATCH_SINCE]);
    found->what = text_of_cell(&match[MATCH_WHAT]);
    found->name = match_name(match);
}

enum status target_find(struct session *session, const char *text, struct found *found)
{
    struct target target = {0};
    *found = (struct found){0};
    if (!session_span(session, &target.span) || !target_read(session, text, &target))
        return STATUS_USAGE;
    enum status status = find_matches(session, &target, &found->result);
    if (status != STATUS_OK)
        return status;
    if (found->result.rows == 0) {
        tell_nothing(&target, text);
        return STATUS_ERROR;
    }
    take_first(found);
    if (found->result.rows > 1)
        tell_others(text, &found->result);
    return STATUS_OK;
}

void found_free(struct found *found)
{
    result_free(&found->result);
}
