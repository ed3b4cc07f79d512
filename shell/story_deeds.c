/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What those in a story did otherwise: a query and a sentence for each table that tells of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"
#include "story.h"

#define ROWS_MAX   50000 /* of a table */
#define ROWS_LIMIT "50000"

/* ?1: an array of [process, until, since]; ?2: one of all processes of the story. */
#define WINDOWS                                                                                    \
    "WITH m (id, until, since) AS MATERIALIZED (SELECT json_extract(value, '$[0]'), "              \
    "  json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?1)), "             \
    "every (id) AS MATERIALIZED (SELECT value FROM json_each(?2)) "
#define WITHIN(time) "(" time " <= m.until OR " time " >= m.since) "

/* Every row begins so. */
enum { DEED_ID, DEED_PROCESS, DEED_AT, DEED_MORE };

/* A row being told. */
struct deed {
    struct story *story;
    FILE *out;
    const struct story_actor *actor;
    const struct cell *row;
};

static struct text text_at(const struct deed *deed, int column)
{
    return text_of_cell(&deed->row[column]);
}

static int64_t integer_at(const struct deed *deed, int column)
{
    return story_integer(&deed->row[column]);
}

static bool is(const struct deed *deed, int column, const char *word)
{
    return story_text_is(text_at(deed, column), word);
}

/* Begins a fact whose sentence starts with who did it. */
static bool begin(struct deed *deed, const char *kind, enum story_weight weight)
{
    int64_t at = integer_at(deed, DEED_AT);
    if (!story_begin(deed->story, kind, deed->actor, at, weight))
        return false;
    deed->out = deed->story->sentence;
    story_put_actor(deed->out, deed->story, deed->actor, NULL, at);
    return true;
}

static void put_column(const struct deed *deed, const char *before, int column)
{
    fputs(before, deed->out);
    story_put(deed->out, text_at(deed, column));
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

/* Not those that an edge tells of, and not those to the name server whose answers are told. */
static const char connections_sql[] = WINDOWS
    "SELECT c.id, c.process_id, coalesce(c.started_at, c.established_at), c.protocol, "
    "c.direction, c.local_port, c.remote_address, c.remote_port, c.remote_name, c.state, "
    "c.bytes_sent, c.bytes_received, c.peer_process_id, c.peer_id, q.comm, q.pid, "
    "(SELECT d.id FROM dns_queries AS d WHERE d.process_id = c.process_id "
    "  AND d.name = c.remote_name AND d.at <= c.started_at ORDER BY d.at DESC LIMIT 1) "
    "FROM m CROSS JOIN connections AS c ON c.process_id = m.id "
    "LEFT JOIN processes AS q ON q.id = c.peer_process_id "
    "WHERE (c.started_at IS NULL OR " WITHIN(
        "c.started_at") ") "
                        "AND NOT EXISTS (SELECT 1 FROM edges AS e WHERE e.connection_id IN (c.id, "
                        "c.peer_id) "
                        "  AND e.src IN (SELECT id FROM every) AND e.dst IN (SELECT id FROM "
                        "every)) "
                        "AND NOT (c.protocol = 'udp' AND c.remote_port = 53 AND EXISTS (SELECT 1 "
                        "  FROM dns_queries AS d WHERE d.process_id = c.process_id)) "
                        "ORDER BY c.id LIMIT " ROWS_LIMIT;

static void put_peer(const struct deed *deed)
{
    if (integer_at(deed, CONNECTION_PEER) == INTEGER_NULL)
        return;
    put_column(deed, "", CONNECTION_PEER_COMM);
    fprintf(deed->out, " (pid %" PRId64 ") at ", integer_at(deed, CONNECTION_PEER_PID));
}

static void put_traffic(const struct deed *deed)
{
    int64_t sent = integer_at(deed, CONNECTION_SENT), got = integer_at(deed, CONNECTION_RECEIVED);
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
        if (is(deed, CONNECTION_STATE, states[i]))
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
    bool udp = is(deed, CONNECTION_PROTOCOL, "udp"), failed = has_failed(deed);
    if (failed)
        fputs(" tried to connect to ", deed->out);
    else
        fputs(udp ? " sent packets to " : " connected to ", deed->out);
    put_peer(deed);
    story_put_endpoint(deed->out, text_at(deed, CONNECTION_NAME), text_at(deed, CONNECTION_ADDRESS),
                       integer_at(deed, CONNECTION_PORT));
    if (failed)
        put_column(deed, ": ", CONNECTION_STATE);
    story_put(deed->story->like, text_at(deed, CONNECTION_ADDRESS));
}

static void tell_incoming(struct deed *deed)
{
    bool udp = is(deed, CONNECTION_PROTOCOL, "udp");
    fputs(udp ? " got packets from " : " took a connection from ", deed->out);
    put_peer(deed);
    story_put_endpoint(deed->out, TEXT_NULL, text_at(deed, CONNECTION_ADDRESS),
                       integer_at(deed, CONNECTION_PORT));
    if (integer_at(deed, CONNECTION_LOCAL_PORT) != INTEGER_NULL)
        fprintf(deed->out, " on port %" PRId64, integer_at(deed, CONNECTION_LOCAL_PORT));
    story_put(deed->story->like, text_at(deed, CONNECTION_ADDRESS));
}

static void add_connection(struct deed *deed)
{
    bool in = is(deed, CONNECTION_DIRECTION, "in");
    bool near = is_loopback(text_at(deed, CONNECTION_ADDRESS));
    if (in && !story_call_counts(deed->story, deed->actor, integer_at(deed, DEED_ID))) {
        deed->story->not_answered++;
        return;
    }
    if (!begin(deed, in ? "accept" : "connection", near ? STORY_PLAIN : STORY_NOTABLE))
        return;
    if (in)
        tell_incoming(deed);
    else
        tell_outgoing(deed);
    put_traffic(deed);
    story_prove(deed->story, STORY_CONNECTIONS, integer_at(deed, DEED_ID));
    story_prove(deed->story, STORY_CONNECTIONS, integer_at(deed, CONNECTION_PEER_ID));
    story_prove(deed->story, STORY_DNS_QUERIES, integer_at(deed, CONNECTION_DNS));
    story_end(deed->story);
}

/* ---- listeners ---- */

enum listener_column { LISTENER_PROTOCOL = DEED_MORE, LISTENER_ADDRESS, LISTENER_PORT };

static const char listeners_sql[] =
    WINDOWS "SELECT l.id, l.process_id, l.started_at, l.protocol, l.address, l.port FROM m "
            "CROSS JOIN listeners AS l ON l.process_id = m.id WHERE l.started_at IS NULL "
            "OR " WITHIN("l.started_at") "ORDER BY l.id LIMIT " ROWS_LIMIT;

static void add_listener(struct deed *deed)
{
    if (!begin(deed, "listen", STORY_NOTABLE))
        return;
    put_column(deed, " listened on ", LISTENER_PROTOCOL);
    fputc(' ', deed->out);
    story_put_endpoint(deed->out, TEXT_NULL, text_at(deed, LISTENER_ADDRESS),
                       integer_at(deed, LISTENER_PORT));
    fprintf(deed->story->like, "%" PRId64, integer_at(deed, LISTENER_PORT));
    story_prove(deed->story, STORY_LISTENERS, integer_at(deed, DEED_ID));
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
                "  AND c.remote_name = d.name) ORDER BY d.id LIMIT " ROWS_LIMIT;

static void add_dns(struct deed *deed)
{
    if (!begin(deed, "dns", STORY_NOTABLE))
        return;
    put_column(deed, " asked for the address of ", DNS_NAME);
    if (deed->row[DNS_ANSWERS].type == CELL_TEXT)
        put_column(deed, ": ", DNS_ANSWERS);
    else if (deed->row[DNS_RCODE].type == CELL_TEXT && !is(deed, DNS_RCODE, "NOERROR"))
        put_column(deed, ": ", DNS_RCODE);
    story_put(deed->story->like, text_at(deed, DNS_NAME));
    story_prove(deed->story, STORY_DNS_QUERIES, integer_at(deed, DEED_ID));
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
                "f.at") "ORDER BY f.id LIMIT " ROWS_LIMIT;

static void tell_write(struct deed *deed)
{
    bool memfd = integer_at(deed, FILE_MEMFD) == 1;
    put_column(deed, memfd ? " wrote into memory " : " wrote ", FILE_PATH);
    if (deed->row[FILE_OLD_PATH].type == CELL_TEXT)
        put_column(deed, ", then called ", FILE_OLD_PATH);
    if (integer_at(deed, FILE_SIZE) > 0) {
        fputs(", ", deed->out);
        put_bytes(deed->out, integer_at(deed, FILE_SIZE));
    }
    if (deed->row[FILE_ADDRESS].type != CELL_TEXT)
        return;
    fputs(", fed by the connection to ", deed->out);
    story_put_endpoint(deed->out, text_at(deed, FILE_NAME), text_at(deed, FILE_ADDRESS),
                       integer_at(deed, FILE_PORT));
}

static void tell_rename(struct deed *deed)
{
    put_column(deed, " renamed ", FILE_OLD_PATH);
    put_column(deed, " to ", FILE_PATH);
}

static void tell_link(struct deed *deed)
{
    put_column(deed, " made the link ", FILE_PATH);
    put_column(deed, " to ", FILE_OLD_PATH);
}

static void tell_chmod(struct deed *deed)
{
    int64_t mode = integer_at(deed, FILE_MODE);
    put_column(deed, " gave ", FILE_PATH);
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
    put_column(deed, " deleted ", FILE_PATH);
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
    put_column(deed, " (a place of kind ", FILE_PLACE);
    fputc(')', deed->out);
}

static void add_file(struct deed *deed)
{
    for (size_t i = 0; i < sizeof file_ops / sizeof *file_ops; i++) {
        if (!is(deed, FILE_OP, file_ops[i].name))
            continue;
        if (!begin(deed, file_ops[i].name, STORY_PLAIN))
            return;
        file_ops[i].tell(deed);
        put_place(deed);
        story_put(deed->story->like, text_at(deed, FILE_DIRECTORY));
        story_prove(deed->story, STORY_FILES, integer_at(deed, DEED_ID));
        story_prove(deed->story, STORY_CONNECTIONS, integer_at(deed, FILE_CONNECTION));
        story_end(deed->story);
    }
}

/* ---- credentials and walls ---- */

enum privilege_column {
    PRIVILEGE_KIND = DEED_MORE,
    PRIVILEGE_OLD,
    PRIVILEGE_NEW,
    PRIVILEGE_EXEC,
    PRIVILEGE_UID,
    PRIVILEGE_OLD_UID,
    PRIVILEGE_CONTAINER,
    PRIVILEGE_CONTAINER_ID,
    PRIVILEGE_WHAT,
};

static const char privileges_sql[] =
    WINDOWS "SELECT v.id, v.process_id, v.at, v.kind, v.old, v.new, v.exec_id, "
            "json_extract(v.new, '$.euid'), json_extract(v.old, '$.euid'), "
            "coalesce(k.name, substr(k.container_id, 1, 12)), k.id, "
            "coalesce(json_extract(v.new, '$.root'), json_extract(v.new, '$.target'), "
            "  json_extract(v.new, '$.name'), json_extract(v.new, '$.function')) "
            "FROM m CROSS JOIN privileges AS v ON v.process_id = m.id LEFT JOIN containers AS k "
            "ON k.id = (SELECT k.id FROM containers AS k JOIN processes AS r "
            "  ON r.id = k.root_process_id WHERE v.kind = 'setns' AND k.runtime IS NOT 'systemd' "
            "  AND r.mnt_ns = json_extract(v.new, '$.mnt_ns') ORDER BY k.id DESC LIMIT 1) "
            "WHERE " WITHIN("v.at") "ORDER BY v.id LIMIT " ROWS_LIMIT;

static void put_change(struct deed *deed)
{
    if (deed->row[PRIVILEGE_OLD].type == CELL_TEXT)
        put_column(deed, ": ", PRIVILEGE_OLD);
    if (deed->row[PRIVILEGE_NEW].type == CELL_TEXT)
        put_column(deed, " -> ", PRIVILEGE_NEW);
}

static bool became_root(const struct deed *deed)
{
    return integer_at(deed, PRIVILEGE_UID) == 0 && integer_at(deed, PRIVILEGE_OLD_UID) != 0;
}

static void tell_setuid(struct deed *deed)
{
    bool by_exec = integer_at(deed, PRIVILEGE_EXEC) != INTEGER_NULL;
    if (became_root(deed))
        fputs(by_exec ? " became root by the program it executed"
                      : " became root by a system call, without executing a setuid program",
              deed->out);
    else
        fputs(" changed its user ids", deed->out);
    put_change(deed);
}

static void tell_setns(struct deed *deed)
{
    if (deed->row[PRIVILEGE_CONTAINER].type == CELL_TEXT) {
        put_column(deed, " entered the namespaces of container ", PRIVILEGE_CONTAINER);
        fputs(" from outside", deed->out);
    } else {
        fputs(" entered other namespaces", deed->out);
        put_change(deed);
    }
}

static void tell_unshare(struct deed *deed)
{
    fputs(" got namespaces of its own", deed->out);
    put_change(deed);
}

static void tell_caps(struct deed *deed)
{
    fputs(" changed its capabilities", deed->out);
    put_change(deed);
}

static void tell_setgid(struct deed *deed)
{
    fputs(" changed its group ids", deed->out);
    put_change(deed);
}

static void tell_chroot(struct deed *deed)
{
    put_column(deed, " made its root directory ", PRIVILEGE_WHAT);
}

static void tell_mount(struct deed *deed)
{
    bool away = deed->row[PRIVILEGE_NEW].type != CELL_TEXT;
    fputs(away ? " unmounted" : " mounted", deed->out);
    put_change(deed);
}

static void tell_module(struct deed *deed)
{
    bool away = deed->row[PRIVILEGE_NEW].type != CELL_TEXT;
    fputs(away ? " removed a kernel module" : " loaded the kernel module ", deed->out);
    if (away)
        put_change(deed);
    else
        story_put(deed->out, text_at(deed, PRIVILEGE_WHAT));
}

static void tell_bpf(struct deed *deed)
{
    fputs(" loaded a BPF program", deed->out);
    put_change(deed);
}

static const struct privilege_kind {
    const char *name;
    enum story_weight weight;
    void (*tell)(struct deed *deed);
} privilege_kinds[] = {
    {"setuid", STORY_PLAIN, tell_setuid},   {"setgid", STORY_NOISE, tell_setgid},
    {"caps", STORY_PLAIN, tell_caps},       {"setns", STORY_NOTABLE, tell_setns},
    {"unshare", STORY_PLAIN, tell_unshare}, {"chroot", STORY_NOTABLE, tell_chroot},
    {"mount", STORY_PLAIN, tell_mount},     {"module", STORY_NOTABLE, tell_module},
    {"bpf", STORY_NOTABLE, tell_bpf},
};

static void add_privilege(struct deed *deed)
{
    for (size_t i = 0; i < sizeof privilege_kinds / sizeof *privilege_kinds; i++) {
        const struct privilege_kind *kind = &privilege_kinds[i];
        if (!is(deed, PRIVILEGE_KIND, kind->name))
            continue;
        if (!begin(deed, kind->name, became_root(deed) ? STORY_NOTABLE : kind->weight))
            return;
        kind->tell(deed);
        story_put(deed->story->like, text_at(deed, PRIVILEGE_NEW));
        story_prove(deed->story, STORY_PRIVILEGES, integer_at(deed, DEED_ID));
        story_prove(deed->story, STORY_EXECS, integer_at(deed, PRIVILEGE_EXEC));
        story_prove(deed->story, STORY_CONTAINERS, integer_at(deed, PRIVILEGE_CONTAINER_ID));
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
                "LIMIT " ROWS_LIMIT;

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
        left += integer_at(deed, STREAM_INPUT + i) == 1;
    for (int i = 0; i < 3; i++) {
        if (integer_at(deed, STREAM_INPUT + i) != 1)
            continue;
        left--;
        fprintf(deed->out, "%s%s", names[i], left > 1 ? ", " : left == 1 ? " and " : "");
    }
}

/* Whether it, or one of those who forked it, had the same before: it is theirs. */
static bool is_inherited(const struct deed *deed)
{
    int64_t connection = integer_at(deed, STREAM_CONNECTION);
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
    bool in = is(deed, STREAM_DIRECTION, "in");
    bool both = integer_at(deed, STREAM_INPUT) == 1 &&
                (integer_at(deed, STREAM_OUTPUT) == 1 || integer_at(deed, STREAM_ERRORS) == 1);
    struct text name = story_name(deed->story, deed->actor, integer_at(deed, DEED_AT));
    bool inherited = is_inherited(deed);
    bool shell = both && !inherited && is_interpreter(name);
    if (!begin(deed, "stream", stream_weight(inherited, shell)))
        return;
    deed->story->actors[deed->actor - deed->story->actors].stream =
        integer_at(deed, STREAM_CONNECTION);
    fputs(" ran with its ", deed->out);
    put_streams(deed);
    fputs(in ? " on the connection from " : " on the connection to ", deed->out);
    story_put_endpoint(deed->out, text_at(deed, STREAM_NAME), text_at(deed, STREAM_ADDRESS),
                       integer_at(deed, STREAM_PORT));
    if (shell)
        fputs(in ? ": a shell for whoever had connected" : ": a reverse shell", deed->out);
    fprintf(deed->story->like, "%" PRId64, integer_at(deed, STREAM_CONNECTION));
    story_prove(deed->story, STORY_EXECS, integer_at(deed, DEED_ID));
    story_prove(deed->story, STORY_CONNECTIONS, integer_at(deed, STREAM_CONNECTION));
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
    "ON r.id = f.process_id WHERE " WITHIN("f.at") "ORDER BY f.id LIMIT " ROWS_LIMIT;

static void add_gone(struct deed *deed)
{
    if (!begin(deed, "program deleted", STORY_NOTABLE))
        return;
    bool own = integer_at(deed, GONE_REMOVER) == deed->actor->id;
    put_column(deed, own ? " deleted its own program " : " lost its program ", GONE_PATH);
    if (!own) {
        put_column(deed, ", deleted by ", GONE_COMM);
        fprintf(deed->out, " (pid %" PRId64 ")", integer_at(deed, GONE_PID));
    }
    fputs(integer_at(deed, GONE_ALIVE) == 1 ? ", and is still running" : ", and ran on", deed->out);
    story_prove(deed->story, STORY_EXECS, integer_at(deed, GONE_EXEC));
    story_prove(deed->story, STORY_FILES, integer_at(deed, GONE_FILE));
    story_end(deed->story);
}

/* ---- flags ---- */

enum flag_column { FLAG_TITLE = DEED_MORE, FLAG_SEVERITY, FLAG_RULE };

static const char flags_sql[] =
    WINDOWS "SELECT g.id, g.process_id, g.at, g.title, g.severity, g.rule FROM flags AS g "
            "JOIN m ON m.id = g.process_id WHERE " WITHIN("g.at") "ORDER BY g.id LIMIT " ROWS_LIMIT;

static void add_flag(struct deed *deed)
{
    if (!begin(deed, "flag", STORY_NOTABLE))
        return;
    put_column(deed, " was flagged, severity ", FLAG_SEVERITY);
    put_column(deed, ": ", deed->row[FLAG_TITLE].type == CELL_TEXT ? FLAG_TITLE : FLAG_RULE);
    story_put(deed->story->like, text_at(deed, FLAG_RULE));
    story_prove(deed->story, STORY_FLAGS, integer_at(deed, DEED_ID));
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
    {NULL, dns_sql, add_dns},
    {NULL, files_sql, add_file},
    {NULL, privileges_sql, add_privilege},
    {"holders", streams_sql, add_stream},
    {NULL, gone_sql, add_gone},
    {"flags", flags_sql, add_flag},
};

#define DEEDS (sizeof deeds / sizeof *deeds)

/* No JSON number may be read as a real one. */
#define FAR 9000000000000000000LL

static int64_t bounded(int64_t at)
{
    if (at > FAR || at < -FAR)
        return at > 0 ? FAR : -FAR;
    return at;
}

/* The caller frees what *windows and *every are set to. False: no memory. */
static bool list(const struct story *story, char **windows, char **every)
{
    size_t lengths[2];
    FILE *first = open_memstream(windows, &lengths[0]);
    FILE *second = open_memstream(every, &lengths[1]);
    if (!first || !second)
        return false;
    const char *comma[2] = {"", ""};
    fputc('[', first);
    fputc('[', second);
    for (size_t i = 0; i < story->actor_count; i++) {
        const struct story_actor *actor = &story->actors[i];
        if (actor->stranger)
            continue;
        fprintf(second, "%s%" PRId64, comma[1], actor->id);
        comma[1] = ",";
        if (actor->hub)
            continue;
        fprintf(first, "%s[%" PRId64 ",%" PRId64 ",%" PRId64 "]", comma[0], actor->id,
                bounded(actor->until), bounded(actor->since));
        comma[0] = ",";
    }
    fputc(']', first);
    fputc(']', second);
    bool first_written = fclose(first) == 0;
    return fclose(second) == 0 && first_written;
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
    story->cut |= rows->rows == ROWS_MAX;
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
    char *windows = NULL, *every = NULL;
    enum status status = list(story, &windows, &every) ? STATUS_OK : STATUS_ERROR;
    for (size_t i = 0; status == STATUS_OK && i < DEEDS; i++)
        if (!deeds[i].table || has_table(story, deeds[i].table))
            status = add_all(story, &deeds[i], windows, every);
    free(windows);
    free(every);
    return status;
}
