/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What those in a story did otherwise: a query and a sentence for each table that tells of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"
#include "story_deed.h"

struct text deed_text(const struct deed *deed, int column)
{
    return text_of_cell(&deed->row[column]);
}

int64_t deed_integer(const struct deed *deed, int column)
{
    return story_integer(&deed->row[column]);
}

bool deed_is(const struct deed *deed, int column, const char *word)
{
    return story_text_is(deed_text(deed, column), word);
}

bool deed_begin(struct deed *deed, const char *kind, enum story_weight weight)
{
    int64_t at = deed_integer(deed, DEED_AT);
    if (!story_begin(deed->story, kind, deed->actor, at, weight))
        return false;
    deed->out = deed->story->sentence;
    story_put_actor(deed->out, deed->story, deed->actor, NULL, at);
    return true;
}

void deed_put(const struct deed *deed, const char *before, int column)
{
    fputs(before, deed->out);
    story_put(deed->out, deed_text(deed, column));
}

static void put_bytes(FILE *out, int64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    fprintf(out, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

/* ---- connections ---- */

enum connection_column {
    CONNECTION_PROTOCOL = DEED_MORE,
    CONNECTION_DIRECTION,
    CONNECTION_LOCAL_PORT,
    CONNECTION_ADDRESS,
    CONNECTION_PORT,
    CONNECTION_NAME,
    CONNECTION_STATE,
    CONNECTION_SENT,
    CONNECTION_RECEIVED,
    CONNECTION_PEER,
    CONNECTION_PEER_ID,
    CONNECTION_PEER_COMM,
    CONNECTION_PEER_PID,
    CONNECTION_DNS,
};

/* Not those that an edge tells of, and not those to the name server whose answers are told. Who
 * came to the target itself is an effect of it, whether it did something then or not. Of a server
 * with very many only those are looked at that may lie in its part of the story. */
static const char connections_sql[] = WINDOWS
    ", answered (id) AS MATERIALIZED (SELECT a.value FROM m CROSS JOIN json_each(m.calls) AS a), "
    "busy (id, first, last) AS MATERIALIZED (SELECT id, CASE WHEN until <= -" STORY_FAR_TEXT
    "  THEN coalesce((SELECT x.id FROM connections AS x "
    "    WHERE x.started_at >= since - " STORY_SLACK
    "    ORDER BY x.started_at LIMIT 1), " STORY_FAR_TEXT ") ELSE 0 END, "
    "  CASE WHEN since >= " STORY_FAR_TEXT " THEN (SELECT x.id FROM connections AS x "
    "    WHERE x.started_at > until + " STORY_SLACK " ORDER BY x.started_at LIMIT 1) END "
    "  FROM m WHERE EXISTS (SELECT 1 FROM connections AS x WHERE x.process_id = m.id "
    "    LIMIT 1 OFFSET " STORY_ROWS_BEFORE ")), "
    "span (id, until, since, target, any_call, low, high) AS MATERIALIZED (SELECT m.id, until, "
    "since, "
    "  target, calls IS NULL, coalesce((SELECT x.id FROM connections AS x "
    "    WHERE x.process_id = busy.id AND x.id < first ORDER BY x.id DESC "
    "    LIMIT 1 OFFSET " STORY_ROWS_BEFORE "), 0), coalesce(last, " STORY_FAR_TEXT ") "
    "  FROM m LEFT JOIN busy ON busy.id = m.id), "
    "call (id, until, since, target, any_call) AS MATERIALIZED ("
    "  SELECT c.id, until, since, target, any_call FROM span CROSS JOIN connections AS c "
    "    ON c.process_id = span.id AND c.id > low AND c.id < high "
    "  UNION SELECT c.id, until, since, target, any_call FROM busy CROSS JOIN span "
    "    ON span.id = busy.id CROSS JOIN connections AS c ON +c.process_id = busy.id "
    "    WHERE c.started_at IS NULL) "
    "SELECT c.id, c.process_id, coalesce(c.started_at, c.established_at), c.protocol, "
    "c.direction, c.local_port, c.remote_address, c.remote_port, c.remote_name, c.state, "
    "c.bytes_sent, c.bytes_received, c.peer_process_id, c.peer_id, q.comm, q.pid, "
    "(SELECT d.id FROM dns_queries AS d WHERE d.process_id = c.process_id "
    "  AND d.name = c.remote_name AND d.at <= c.started_at ORDER BY d.at DESC LIMIT 1) "
    "FROM call AS m CROSS JOIN connections AS c ON c.id = m.id "
    "LEFT JOIN processes AS q ON q.id = c.peer_process_id "
    "WHERE (c.started_at IS NULL OR " WITHIN(
        "c.started_at") ") "
                        "AND (c.direction IS NOT 'in' OR m.any_call "
                        "  OR c.id IN (SELECT id FROM answered) "
                        "  OR (m.target AND c.started_at >= m.since)) "
                        "AND NOT EXISTS (SELECT 1 FROM edges AS e WHERE e.connection_id IN (c.id, "
                        "c.peer_id) "
                        "  AND e.src IN (SELECT id FROM every) AND e.dst IN (SELECT id FROM "
                        "every)) "
                        "AND NOT (c.protocol = 'udp' AND c.remote_port = 53 AND EXISTS (SELECT 1 "
                        "  FROM dns_queries AS d WHERE d.process_id = c.process_id)) "
                        "ORDER BY c.id LIMIT " STORY_ROWS_LIMIT;

static void put_peer(const struct deed *deed)
{
    if (deed_integer(deed, CONNECTION_PEER) == INTEGER_NULL)
        return;
    deed_put(deed, "", CONNECTION_PEER_COMM);
    fprintf(deed->out, " (pid %" PRId64 ") at ", deed_integer(deed, CONNECTION_PEER_PID));
}

static void put_traffic(const struct deed *deed)
{
    int64_t sent = deed_integer(deed, CONNECTION_SENT),
            got = deed_integer(deed, CONNECTION_RECEIVED);
    if (sent > 0) {
        fputs(", sent ", deed->out);
        put_bytes(deed->out, sent);
    }
    if (got > 0) {
        fputs(sent > 0 ? " and received " : ", received ", deed->out);
        put_bytes(deed->out, got);
    }
}

static bool has_failed(const struct deed *deed)
{
    static const char *const states[] = {"refused", "timeout", "unreachable", "failed"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (deed_is(deed, CONNECTION_STATE, states[i]))
            return true;
    return false;
}

static bool is_loopback(struct text address)
{
    return story_text_is(address, "::1") ||
           (address.length > 4 && memcmp(address.data, "127.", 4) == 0);
}

static void tell_outgoing(struct deed *deed)
{
    bool udp = deed_is(deed, CONNECTION_PROTOCOL, "udp"), failed = has_failed(deed);
    if (failed)
        fputs(" tried to connect to ", deed->out);
    else
        fputs(udp ? " sent packets to " : " connected to ", deed->out);
    put_peer(deed);
    story_put_endpoint(deed->out, deed_text(deed, CONNECTION_NAME),
                       deed_text(deed, CONNECTION_ADDRESS), deed_integer(deed, CONNECTION_PORT));
    if (failed)
        deed_put(deed, ": ", CONNECTION_STATE);
    story_put(deed->story->like, deed_text(deed, CONNECTION_ADDRESS));
}

static void tell_incoming(struct deed *deed)
{
    bool udp = deed_is(deed, CONNECTION_PROTOCOL, "udp");
    fputs(udp ? " got packets from " : " took a connection from ", deed->out);
    put_peer(deed);
    story_put_endpoint(deed->out, TEXT_NULL, deed_text(deed, CONNECTION_ADDRESS),
                       deed_integer(deed, CONNECTION_PORT));
    if (deed_integer(deed, CONNECTION_LOCAL_PORT) != INTEGER_NULL)
        fprintf(deed->out, " on port %" PRId64, deed_integer(deed, CONNECTION_LOCAL_PORT));
    story_put(deed->story->like, deed_text(deed, CONNECTION_ADDRESS));
}

static void add_connection(struct deed *deed)
{
    bool in = deed_is(deed, CONNECTION_DIRECTION, "in");
    bool near = is_loopback(deed_text(deed, CONNECTION_ADDRESS));
    if (!deed_begin(deed, in ? "accept" : "connection", near ? STORY_PLAIN : STORY_NOTABLE))
        return;
    if (in)
        tell_incoming(deed);
    else
        tell_outgoing(deed);
    put_traffic(deed);
    story_prove(deed->story, STORY_CONNECTIONS, deed_integer(deed, DEED_ID));
    story_prove(deed->story, STORY_CONNECTIONS, deed_integer(deed, CONNECTION_PEER_ID));
    story_prove(deed->story, STORY_DNS_QUERIES, deed_integer(deed, CONNECTION_DNS));
    story_end(deed->story);
}

/* ---- listeners ---- */

enum listener_column { LISTENER_PROTOCOL = DEED_MORE, LISTENER_ADDRESS, LISTENER_PORT };

static const char listeners_sql[] =
    WINDOWS "SELECT l.id, l.process_id, l.started_at, l.protocol, l.address, l.port FROM m "
            "CROSS JOIN listeners AS l ON l.process_id = m.id WHERE l.started_at IS NULL "
            "OR " WITHIN("l.started_at") "ORDER BY l.id LIMIT " STORY_ROWS_LIMIT;

static void add_listener(struct deed *deed)
{
    if (!deed_begin(deed, "listen", STORY_NOTABLE))
        return;
    deed_put(deed, " listened on ", LISTENER_PROTOCOL);
    fputc(' ', deed->out);
    story_put_endpoint(deed->out, TEXT_NULL, deed_text(deed, LISTENER_ADDRESS),
                       deed_integer(deed, LISTENER_PORT));
    fprintf(deed->story->like, "%" PRId64, deed_integer(deed, LISTENER_PORT));
    story_prove(deed->story, STORY_LISTENERS, deed_integer(deed, DEED_ID));
    story_end(deed->story);
}

/* ---- who serves a listener ---- */

enum server_column {
    SERVER_PROTOCOL = DEED_MORE,
    SERVER_ADDRESS,
    SERVER_PORT,
    SERVER_COMM,
    SERVER_PID,
    SERVER_ID,
    SERVER_COUNT,
};

/* Others than who listens, who took connections that came in there. */
static const char servers_sql[] =
    WINDOWS "SELECT l.id, l.process_id, l.started_at, l.protocol, l.address, l.port, p.comm, "
            "p.pid, p.id, count(*) FROM m CROSS JOIN listeners AS l ON l.process_id = m.id "
            "CROSS JOIN connections AS c ON c.local_port = l.port AND c.listener_id = l.id "
            "JOIN processes AS p ON p.id = c.process_id WHERE m.target AND p.id <> m.id "
            "GROUP BY l.id, p.id ORDER BY l.id, p.id LIMIT " STORY_ROWS_LIMIT;

static void add_server(struct deed *deed)
{
    if (!deed_begin(deed, "serve", STORY_PLAIN))
        return;
    deed_put(deed, " had ", SERVER_COMM);
    fprintf(deed->out, " (pid %" PRId64 ") serve ", deed_integer(deed, SERVER_PID));
    deed_put(deed, "", SERVER_PROTOCOL);
    fputc(' ', deed->out);
    story_put_endpoint(deed->out, TEXT_NULL, deed_text(deed, SERVER_ADDRESS),
                       deed_integer(deed, SERVER_PORT));
    fprintf(deed->out, ": %" PRId64 " connection%s", deed_integer(deed, SERVER_COUNT),
            deed_integer(deed, SERVER_COUNT) == 1 ? "" : "s");
    fprintf(deed->story->like, "%" PRId64, deed_integer(deed, DEED_ID));
    story_prove(deed->story, STORY_LISTENERS, deed_integer(deed, DEED_ID));
    story_prove(deed->story, STORY_PROCESSES, deed_integer(deed, SERVER_ID));
    story_end(deed->story);
}

/* ---- questions to name servers ---- */

enum dns_column { DNS_NAME = DEED_MORE, DNS_RCODE, DNS_ANSWERS };

/* Not those that a connection by that name tells of. */
static const char dns_sql[] = WINDOWS
    "SELECT d.id, d.process_id, d.at, d.name, d.rcode, CASE WHEN json_valid(d.answers) "
    "THEN (SELECT group_concat(value, ', ') FROM (SELECT value FROM json_each(d.answers) "
    "  LIMIT 4)) END FROM m "
    "CROSS JOIN dns_queries AS d ON d.process_id = m.id WHERE " WITHIN(
        "d.at") "AND NOT EXISTS (SELECT 1 FROM connections AS c WHERE c.process_id = d.process_id "
                "  AND c.remote_name = d.name) ORDER BY d.id LIMIT " STORY_ROWS_LIMIT;

static void add_dns(struct deed *deed)
{
    if (!deed_begin(deed, "dns", STORY_NOTABLE))
        return;
    deed_put(deed, " asked for the address of ", DNS_NAME);
    if (deed->row[DNS_ANSWERS].type == CELL_TEXT)
        deed_put(deed, ": ", DNS_ANSWERS);
    else if (deed->row[DNS_RCODE].type == CELL_TEXT && !deed_is(deed, DNS_RCODE, "NOERROR"))
        deed_put(deed, ": ", DNS_RCODE);
    story_put(deed->story->like, deed_text(deed, DNS_NAME));
    story_prove(deed->story, STORY_DNS_QUERIES, deed_integer(deed, DEED_ID));
    story_end(deed->story);
}

/* ---- files ---- */

enum file_column {
    FILE_OP = DEED_MORE,
    FILE_PATH,
    FILE_OLD_PATH,
    FILE_MODE,
    FILE_SIZE,
    FILE_CONNECTION,
    FILE_PLACE,
    FILE_MEMFD,
    FILE_DIRECTORY,
    FILE_NAME,
    FILE_ADDRESS,
    FILE_PORT,
};

static const char files_sql[] =
    WINDOWS "SELECT f.id, f.process_id, f.at, f.op, f.path, f.old_path, f.mode, f.size, "
            "f.connection_id, f.place, f.memfd, dirname(f.path), c.remote_name, c.remote_address, "
            "c.remote_port FROM m CROSS JOIN files AS f ON f.process_id = m.id "
            "LEFT JOIN connections AS c ON c.id = f.connection_id WHERE " WITHIN(
                "f.at") "ORDER BY f.id LIMIT " STORY_ROWS_LIMIT;

static void tell_write(struct deed *deed)
{
    bool memfd = deed_integer(deed, FILE_MEMFD) == 1;
    deed_put(deed, memfd ? " wrote into memory " : " wrote ", FILE_PATH);
    if (deed->row[FILE_OLD_PATH].type == CELL_TEXT)
        deed_put(deed, ", then called ", FILE_OLD_PATH);
    if (deed_integer(deed, FILE_SIZE) > 0) {
        fputs(", ", deed->out);
        put_bytes(deed->out, deed_integer(deed, FILE_SIZE));
    }
    if (deed->row[FILE_ADDRESS].type != CELL_TEXT)
        return;
    fputs(", fed by the connection to ", deed->out);
    story_put_endpoint(deed->out, deed_text(deed, FILE_NAME), deed_text(deed, FILE_ADDRESS),
                       deed_integer(deed, FILE_PORT));
}

static void tell_rename(struct deed *deed)
{
    deed_put(deed, " renamed ", FILE_OLD_PATH);
    deed_put(deed, " to ", FILE_PATH);
}

static void tell_link(struct deed *deed)
{
    deed_put(deed, " made the link ", FILE_PATH);
    deed_put(deed, " to ", FILE_OLD_PATH);
}

static void tell_chmod(struct deed *deed)
{
    int64_t mode = deed_integer(deed, FILE_MODE);
    deed_put(deed, " gave ", FILE_PATH);
    if (mode == INTEGER_NULL)
        fputs(" another mode", deed->out);
    else
        fprintf(deed->out, " the mode %03" PRIo64 "%s", mode & 07777,
                mode & 06000  ? ", setuid or setgid"
                : mode & 0111 ? ", executable"
                              : "");
}

static void tell_unlink(struct deed *deed)
{
    deed_put(deed, " deleted ", FILE_PATH);
}

static const struct file_op {
    const char *name;
    void (*tell)(struct deed *deed);
} file_ops[] = {
    {"write", tell_write}, {"rename", tell_rename}, {"link", tell_link},
    {"chmod", tell_chmod}, {"unlink", tell_unlink},
};

static void put_place(const struct deed *deed)
{
    if (deed->row[FILE_PLACE].type != CELL_TEXT)
        return;
    deed_put(deed, " (a place of kind ", FILE_PLACE);
    fputc(')', deed->out);
}

static void add_file(struct deed *deed)
{
    for (size_t i = 0; i < sizeof file_ops / sizeof *file_ops; i++) {
        if (!deed_is(deed, FILE_OP, file_ops[i].name))
            continue;
        if (!deed_begin(deed, file_ops[i].name, STORY_PLAIN))
            return;
        file_ops[i].tell(deed);
        put_place(deed);
        story_put(deed->story->like, deed_text(deed, FILE_DIRECTORY));
        story_prove(deed->story, STORY_FILES, deed_integer(deed, DEED_ID));
        story_prove(deed->story, STORY_CONNECTIONS, deed_integer(deed, FILE_CONNECTION));
        story_end(deed->story);
    }
}

/* ---- standard streams that are connections ---- */

#define FOREBEARS 16 /* as many are asked about */

enum stream_column {
    STREAM_DIRECTION = DEED_MORE,
    STREAM_ADDRESS,
    STREAM_PORT,
    STREAM_NAME,
    STREAM_CONNECTION,
    STREAM_INPUT,
    STREAM_OUTPUT,
    STREAM_ERRORS,
    STREAM_PEER,
};

/* The socket is one that the process made itself, or came to hold. */
static const char streams_sql[] = WINDOWS
    ", x AS MATERIALIZED (SELECT x.* FROM m CROSS JOIN execs AS x ON x.process_id = m.id "
    "  WHERE x.error IS NULL AND " WITHIN(
        "x.at") "  AND 'socket:[' IN (substr(x.stdin, 1, 8), substr(x.stdout, 1, 8), "
                "substr(x.stderr, 1, 8))), "
                "held (exec_id, connection_id) AS (SELECT x.id, c.id FROM x JOIN connections AS c "
                "  ON c.process_id = x.process_id UNION SELECT x.id, h.connection_id FROM x "
                "  JOIN holders AS h ON h.process_id = x.process_id) "
                "SELECT x.id, x.process_id, x.at, c.direction, c.remote_address, c.remote_port, "
                "c.remote_name, "
                "c.id, x.stdin IS 'socket:[' || c.inode || ']', x.stdout IS 'socket:[' || c.inode "
                "|| ']', "
                "x.stderr IS 'socket:[' || c.inode || ']', c.peer_process_id "
                "FROM held JOIN x ON x.id = held.exec_id JOIN connections AS c ON c.id = "
                "held.connection_id "
                "WHERE 'socket:[' || c.inode || ']' IN (x.stdin, x.stdout, x.stderr) "
                "AND (c.started_at IS NULL OR c.started_at <= x.at) "
                "AND (c.ended_at IS NULL OR c.ended_at >= x.at) ORDER BY x.id, c.id "
                "LIMIT " STORY_ROWS_LIMIT;

static bool is_interpreter(struct text name)
{
    static const char *const shells[] = {"sh",   "bash", "dash", "ash",  "zsh",
                                         "ksh",  "csh",  "tcsh", "fish", "busybox",
                                         "node", "pwsh", "mksh", "rbash"};
    static const char *const families[] = {"python", "perl", "ruby", "php", "lua", "tclsh"};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (story_text_is(name, shells[i]))
            return true;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (name.length >= strlen(families[i]) &&
            memcmp(name.data, families[i], strlen(families[i])) == 0)
            return true;
    return false;
}

static void put_streams(const struct deed *deed)
{
    static const char *const names[] = {"input", "output", "errors"};
    int left = 0;
    for (int i = 0; i < 3; i++)
        left += deed_integer(deed, STREAM_INPUT + i) == 1;
    for (int i = 0; i < 3; i++) {
        if (deed_integer(deed, STREAM_INPUT + i) != 1)
            continue;
        left--;
        fprintf(deed->out, "%s%s", names[i], left > 1 ? ", " : left == 1 ? " and " : "");
    }
}

/* Whether it, or one of those who forked it, had the same before: it is theirs. */
static bool is_inherited(const struct deed *deed)
{
    int64_t connection = deed_integer(deed, STREAM_CONNECTION);
    const struct story *story = deed->story;
    size_t found = (size_t)(deed->actor - story->actors);
    for (int i = 0; i < FOREBEARS && found != SIZE_MAX; i++) {
        if (story->actors[found].stream == connection)
            return true;
        found = story_find(story, story->actors[found].parent_id);
    }
    return false;
}

static enum story_weight stream_weight(bool inherited, bool shell)
{
    if (inherited)
        return STORY_NOISE;
    return shell ? STORY_VITAL : STORY_NOTABLE;
}

static void add_stream(struct deed *deed)
{
    bool in = deed_is(deed, STREAM_DIRECTION, "in");
    bool both = deed_integer(deed, STREAM_INPUT) == 1 &&
                (deed_integer(deed, STREAM_OUTPUT) == 1 || deed_integer(deed, STREAM_ERRORS) == 1);
    struct text name = story_name(deed->story, deed->actor, deed_integer(deed, DEED_AT));
    bool inherited = is_inherited(deed);
    bool shell = both && !inherited && is_interpreter(name);
    if (!deed_begin(deed, "stream", stream_weight(inherited, shell)))
        return;
    deed->story->actors[deed->actor - deed->story->actors].stream =
        deed_integer(deed, STREAM_CONNECTION);
    fputs(" ran with its ", deed->out);
    put_streams(deed);
    fputs(in ? " on the connection from " : " on the connection to ", deed->out);
    story_put_endpoint(deed->out, deed_text(deed, STREAM_NAME), deed_text(deed, STREAM_ADDRESS),
                       deed_integer(deed, STREAM_PORT));
    if (shell)
        fputs(in ? ": a shell for whoever had connected" : ": a reverse shell", deed->out);
    fprintf(deed->story->like, "%" PRId64, deed_integer(deed, STREAM_CONNECTION));
    story_prove(deed->story, STORY_EXECS, deed_integer(deed, DEED_ID));
    story_prove(deed->story, STORY_CONNECTIONS, deed_integer(deed, STREAM_CONNECTION));
    story_end(deed->story);
}

/* ---- programs that are gone ---- */

enum gone_column {
    GONE_PATH = DEED_MORE,
    GONE_REMOVER,
    GONE_COMM,
    GONE_PID,
    GONE_EXEC,
    GONE_FILE,
    GONE_ALIVE,
};

/* Whose program was deleted while they ran it. */
static const char gone_sql[] = WINDOWS
    "SELECT x.id, x.process_id, f.at, f.path, f.process_id, r.comm, r.pid, x.id, f.id, "
    "p.ended_at IS NULL FROM m CROSS JOIN processes AS p ON p.id = m.id "
    "CROSS JOIN execs AS x ON x.id = (SELECT x.id FROM execs AS x WHERE x.process_id = p.id "
    "  AND x.error IS NULL ORDER BY x.at DESC LIMIT 1) "
    "CROSS JOIN files AS f ON f.path = x.exe AND f.op = 'unlink' AND f.at >= x.at "
    "AND (p.ended_at IS NULL OR f.at <= p.ended_at) LEFT JOIN processes AS r "
    "ON r.id = f.process_id WHERE " WITHIN("f.at") "ORDER BY f.id LIMIT " STORY_ROWS_LIMIT;

static void add_gone(struct deed *deed)
{
    if (!deed_begin(deed, "program deleted", STORY_NOTABLE))
        return;
    bool own = deed_integer(deed, GONE_REMOVER) == deed->actor->id;
    deed_put(deed, own ? " deleted its own program " : " lost its program ", GONE_PATH);
    if (!own) {
        deed_put(deed, ", deleted by ", GONE_COMM);
        fprintf(deed->out, " (pid %" PRId64 ")", deed_integer(deed, GONE_PID));
    }
    fputs(deed_integer(deed, GONE_ALIVE) == 1 ? ", and is still running" : ", and ran on",
          deed->out);
    story_prove(deed->story, STORY_EXECS, deed_integer(deed, GONE_EXEC));
    story_prove(deed->story, STORY_FILES, deed_integer(deed, GONE_FILE));
    story_end(deed->story);
}

/* ---- flags ---- */

enum flag_column { FLAG_TITLE = DEED_MORE, FLAG_SEVERITY, FLAG_RULE, FLAG_SUPPRESSED };

static const char flags_sql[] = WINDOWS
    "SELECT g.id, g.process_id, g.at, g.title, g.severity, g.rule, g.suppressed_by IS NOT NULL "
    "FROM flags AS g JOIN m ON m.id = g.process_id WHERE " WITHIN(
        "g.at") "ORDER BY g.id LIMIT " STORY_ROWS_LIMIT;

static enum story_weight flag_weight(const struct deed *deed)
{
    if (deed_integer(deed, FLAG_SUPPRESSED) == 1 || deed_is(deed, FLAG_SEVERITY, "info"))
        return STORY_NOISE;
    bool grave = deed_is(deed, FLAG_SEVERITY, "high") || deed_is(deed, FLAG_SEVERITY, "critical");
    return grave ? STORY_VITAL : STORY_NOTABLE;
}

static void add_flag(struct deed *deed)
{
    if (!deed_begin(deed, "flag", flag_weight(deed)))
        return;
    deed_put(deed, " was flagged by the rule ", FLAG_RULE);
    deed_put(deed, ", severity ", FLAG_SEVERITY);
    fputs(deed_integer(deed, FLAG_SUPPRESSED) == 1 ? ", which is suppressed" : "", deed->out);
    if (deed->row[FLAG_TITLE].type == CELL_TEXT)
        deed_put(deed, ": ", FLAG_TITLE);
    story_put(deed->story->like, deed_text(deed, FLAG_RULE));
    story_prove(deed->story, STORY_FLAGS, deed_integer(deed, DEED_ID));
    story_end(deed->story);
}

/* ---- all of them ---- */

static const struct deeds {
    const char *table; /* which a store may lack; NULL: every store has it */
    const char *sql;
    void (*add)(struct deed *deed);
} deeds[] = {
    {NULL, connections_sql, add_connection},
    {NULL, listeners_sql, add_listener},
    {NULL, servers_sql, add_server},
    {NULL, dns_sql, add_dns},
    {NULL, files_sql, add_file},
    {NULL, story_privileges_sql, story_add_privilege},
    {"holders", streams_sql, add_stream},
    {NULL, gone_sql, add_gone},
    {"flags", flags_sql, add_flag},
};

#define DEEDS (sizeof deeds / sizeof *deeds)

/* What the statements are asked about, as WINDOWS has it; then whom the story knows. */
static bool window(const struct story *story, size_t index, const void *unused, const char *comma,
                   FILE *out)
{
    const struct story_actor *actor = &story->actors[index];
    (void)unused;
    if (actor->stranger || actor->hub)
        return false;
    fprintf(out, "%s[%" PRId64 ",%" PRId64 ",%" PRId64 ",%d,", comma, actor->id,
            story_bounded(actor->until), story_bounded(actor->since), actor->target);
    story_list_calls(story, actor, out);
    fputc(']', out);
    return true;
}

static bool known(const struct story *story, size_t index, const void *context, const char *comma,
                  FILE *out)
{
    return !story->actors[index].stranger && story_item_id(story, index, context, comma, out);
}

static bool has_table(struct story *story, const char *table)
{
    int64_t tables = 0;
    query_integer(story->session, &tables, "SELECT count(*) FROM sqlite_schema WHERE name = ?1",
                  "t", table);
    return tables > 0;
}

static enum status add_all(struct story *story, const struct deeds *kind, const char *windows,
                           const char *every)
{
    struct result *rows = &story->deeds[kind - deeds];
    enum status status = query_fetch(story->session, rows, kind->sql, "tt", windows, every);
    story->cut |= rows->rows == STORY_ROWS_MAX;
    for (size_t i = 0; status == STATUS_OK && i < rows->rows; i++) {
        const struct cell *row = result_row(rows, i);
        size_t actor = story_find(story, row[DEED_PROCESS].integer);
        struct deed deed = {.story = story, .actor = &story->actors[actor], .row = row};
        if (actor != SIZE_MAX && story_counts(story, deed.actor, story_integer(&row[DEED_AT])))
            kind->add(&deed);
    }
    return status;
}

enum status story_deeds(struct story *story)
{
    char *windows = story_list(story, window, NULL), *every = story_list(story, known, NULL);
    enum status status = windows && every ? STATUS_OK : STATUS_ERROR;
    for (size_t i = 0; status == STATUS_OK && i < DEEDS; i++)
        if (!deeds[i].table || has_table(story, deeds[i].table))
            status = add_all(story, &deeds[i], windows, every);
    free(windows);
    free(every);
    return status;
}
