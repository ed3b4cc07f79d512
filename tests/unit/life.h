/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A host's life in rows, with everything in it that names something else: a server that others talk
 * to, and jobs of its, ten seconds each on a clock of their own.
 */
#ifndef SPYQ_TESTS_LIFE_H
#define SPYQ_TESTS_LIFE_H

#include <sqlite3.h>
#include <stdint.h>
#include <sys/stat.h>

#include "../../shell/checks.h"
#include "../../shell/reader.h"
#include "../../sql/retention.h"
#include "../../sql/store_private.h"
#include "scratch.h"

#define STORE scratch_path("spyq.db")
#define S     1000000000ll
#define MIB   (1ll << 20)
#define START (1700000000 * S)

static struct store *store;
static struct retention *retention;
static struct retention_time now;
static int64_t written[ROW_KIND_COUNT]; /* rows, by kind */
static int64_t server_processes;        /* in its trace */

/* ---- the store and its clock ---- */

/* Times that a call which failed is repeated, as the recorder does; 0: no failure is expected. */
static unsigned patience;

static enum store_status open_once(const struct retention_options *options,
                                   struct store_error *error)
{
    struct row_host host;
    struct retention_options all = *options;
    bool known;
    store = store_open(STORE, error);
    if (!store)
        return error->status;
    row_clear(ROW_HOST, &host);
    host.boot_id = (struct text){"boot", 4};
    host.first_seen_at = START;
    enum store_status status = store_host(store, &host, &known);
    /* Nobody pulls the plug here; waiting for the disk is most of the time otherwise. */
    sqlite3_exec(store->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    all.host_id = host.id;
    all.loss_id = 1;
    if (status == STORE_OK)
        retention = retention_open(store, &all);
    if (retention)
        return STORE_OK;
    *error = *store_failure(store);
    store_close(store);
    store = NULL;
    return error->status;
}

static inline void open_store(const struct retention_options *options)
{
    struct store_error error = {.status = STORE_OK};
    enum store_status status = open_once(options, &error);
    for (unsigned i = 0; status != STORE_OK && i < patience; i++)
        status = open_once(options, &error);
    if (status != STORE_OK)
        fail_msg("%s", error.message);
}

static inline void close_store(void)
{
    retention_close(retention);
    store_close(store);
    retention = NULL;
    store = NULL;
}

static inline int set_up(void **state)
{
    memset(written, 0, sizeof(written));
    server_processes = 1;
    now = (struct retention_time){START, 1000 * S};
    return scratch_set_up(state);
}

static inline int tear_down(void **state)
{
    close_store();
    return scratch_tear_down(state);
}

static inline void roll(void)
{
    bool more = true;
    unsigned failures = 0;
    while (more) {
        bool failed = retention_step(retention, &now, &more) != STORE_OK;
        if (failed && ++failures > patience)
            fail_msg("%s", store_failure(store)->message);
        more |= failed;
    }
}

/* ---- rows ---- */

#define BATCH         4000
#define JOB_PROCESSES 21

static struct row rows[BATCH];
static union {
#define MEMBER(NAME, table, name, COLUMNS) struct row_##name name;
    ROW_KINDS(MEMBER)
} columns[BATCH];
static size_t row_count;

static inline void flush(void)
{
    unsigned failures = 0;
    while (retention_allow(retention, 0) != STORE_OK ||
           store_write(store, rows, row_count) != STORE_OK)
        if (++failures > patience)
            fail_msg("%s", store_failure(store)->message);
    row_count = 0;
}

static inline void *add(enum row_kind kind)
{
    assert_true(row_count < BATCH);
    rows[row_count] = (struct row){kind, &columns[row_count]};
    row_clear(kind, &columns[row_count]);
    *(int64_t *)(void *)&columns[row_count] = ++written[kind];
    return &columns[row_count++];
}

static struct text text(const char *string)
{
    return (struct text){string, strlen(string)};
}

static inline const char *padding(int64_t n)
{
    static char texts[64][160];
    char *padded = texts[n % 64];
    memset(padded, 'a' + (int)(n % 26), 120);
    snprintf(padded + 120, 40, "%lld", (long long)n);
    return padded;
}

static inline int64_t add_process(int64_t parent, int64_t trace, int64_t started_at,
                                  int64_t ended_at)
{
    struct row_process *row = add(ROW_PROCESS);
    row->host_id = 1;
    row->pid = 100 + row->id;
    row->parent_id = parent;
    row->trace_id = trace;
    row->started_at = started_at;
    row->ended_at = ended_at;
    row->origin = text("event");
    row->cmdline = text(padding(row->id));
    return row->id;
}

static inline int64_t add_trace(int64_t root, int64_t processes, int64_t started_at,
                                int64_t ended_at)
{
    struct row_trace *row = add(ROW_TRACE);
    row->host_id = 1;
    row->root_process_id = root;
    row->kind = text("other");
    row->started_at = started_at;
    row->last_at = ended_at == INTEGER_NULL ? started_at : ended_at;
    row->ended_at = ended_at;
    row->connection_count = 0;
    row->process_count = processes;
    return row->id;
}

static inline int64_t add_edge(const char *kind, int64_t src, int64_t dst, int64_t at)
{
    struct row_edge *row = add(ROW_EDGE);
    row->host_id = 1;
    row->at = row->last_at = at;
    row->count = 1;
    row->kind = text(kind);
    row->src = src;
    row->dst = dst;
    row->open = 0;
    return row->id;
}

static inline int64_t add_exec(int64_t process, int64_t at)
{
    struct row_exec *row = add(ROW_EXEC);
    row->process_id = process;
    row->at = at;
    row->argv = text(padding(process + 7));
    return row->id;
}

static inline struct row_connection *add_connection(int64_t process, int64_t at, int64_t ended_at)
{
    struct row_connection *row = add(ROW_CONNECTION);
    row->host_id = 1;
    row->process_id = process;
    row->protocol = text("tcp");
    row->state = text("closed");
    row->origin = text("event");
    row->started_at = at;
    row->ended_at = ended_at;
    return row;
}

/* A connection from the process to the server, with both ends, and the edge and the heir of it. */
static inline void add_conversation(int64_t process, int64_t heir, int64_t fork, int64_t at)
{
    struct row_connection *out = add_connection(process, at, at + S / 2);
    struct row_connection *in = add_connection(1, at, at + S / 2);
    out->peer_id = in->id;
    out->peer_process_id = 1;
    in->peer_id = out->id;
    in->peer_process_id = process;
    in->listener_id = 1;
    int64_t edge = add_edge("connect", process, 1, at);
    ((struct row_edge *)&columns[row_count - 1])->connection_id = out->id;
    (void)edge;
    struct row_holder *holder = add(ROW_HOLDER);
    holder->connection_id = out->id;
    holder->process_id = heir;
    holder->at = at;
    holder->how = text("fork");
    holder->edge_id = fork;
}

static inline void add_write(int64_t writer, int64_t runner, int64_t at)
{
    struct row_file *file = add(ROW_FILE);
    file->process_id = writer;
    file->at = at;
    file->op = text("write");
    file->host_id = 1;
    file->path = text(padding(writer));
    add_edge("file", writer, runner, at);
    struct row_edge *edge = (struct row_edge *)&columns[row_count - 1];
    edge->file_id = file->id;
    edge->detail = text("exec");
}

static inline void add_small_things(int64_t process, int64_t exec, int64_t at)
{
    struct row_privilege *privilege = add(ROW_PRIVILEGE);
    privilege->process_id = process;
    privilege->at = at;
    privilege->kind = text("setuid");
    privilege->exec_id = exec;
    privilege->host_id = 1;
    struct row_dns_query *query = add(ROW_DNS_QUERY);
    query->process_id = process;
    query->at = at;
    query->host_id = 1;
    query->name = text(padding(process));
}

/* A flag about a process and what it executed, points for it, and what was met with what. */
static inline void add_finding(int64_t process, int64_t exec, int64_t trace, int64_t at)
{
    struct row_flag *flag = add(ROW_FLAG);
    flag->at = at;
    flag->rule = text("rule");
    flag->severity = text("low");
    flag->process_id = process;
    flag->exec_id = exec;
    flag->trace_id = trace;
    struct row_score_reason *reason = add(ROW_SCORE_REASON);
    reason->trace_id = trace;
    reason->flag_id = flag->id;
    reason->points = 1;
    reason->reason = text("reason");
    struct row_pair *pair = add(ROW_PAIR);
    pair->kind = text("exec");
    pair->a = text(padding(process));
    pair->b = text("b");
    pair->first_at = pair->last_at = at;
    pair->count = 1;
    pair->novel = 1;
    pair->process_id = process;
}

/* The server that all others talk to, and that starts them: alive to the end. */
static inline void add_server(void)
{
    add_process(INTEGER_NULL, 1, START - 100 * S, INTEGER_NULL);
    add_trace(1, server_processes, START - 100 * S, INTEGER_NULL);
    add_exec(1, START - 100 * S);
    struct row_listener *listener = add(ROW_LISTENER);
    listener->process_id = 1;
    listener->protocol = text("tcp");
    listener->started_at = START - 100 * S;
    listener->origin = text("scan");
    listener->host_id = 1;
    flush();
}

/*
 * A job of the server's: a shell and ten children with a child each, one of which wrote what the
 * next runs, over ten seconds from now on. Returns its trace.
 */
static inline int64_t add_job(int64_t server)
{
    int64_t at = now.wall, trace = written[ROW_TRACE] + 1;
    int64_t shell = add_process(server, trace, at, at + 10 * S);
    int64_t edge = add_edge("fork", server, shell, at);
    add_trace(shell, JOB_PROCESSES, at, at + 10 * S);
    struct row_trace_link *link = add(ROW_TRACE_LINK);
    link->host_id = 1;
    link->src_trace_id = 1;
    link->dst_trace_id = trace;
    link->kind = text("fork");
    link->at = link->last_at = at;
    link->count = 1;
    link->edge_id = edge;
    for (int64_t i = 0; i < 10; i++) {
        int64_t child = add_process(shell, trace, at + i * S, at + (i + 1) * S);
        add_edge("fork", shell, child, at + i * S);
        int64_t grandchild = add_process(child, trace, at + i * S, at + (i + 1) * S);
        int64_t fork = add_edge("fork", child, grandchild, at + i * S);
        int64_t exec = add_exec(child, at + i * S);
        add_small_things(child, exec, at + i * S);
        if (i == 5)
            add_finding(child, exec, trace, at + i * S);
        add_exec(grandchild, at + i * S);
        add_conversation(child, grandchild, fork, at + i * S);
        if (i > 0)
            add_write(grandchild - 2, grandchild, at + i * S - S / 2);
    }
    flush();
    now.wall += 10 * S;
    now.boot += 10 * S;
    return trace;
}

static inline void add_jobs(int count)
{
    for (int i = 0; i < count; i++) {
        add_job(1);
        roll();
    }
}

/* ---- what is there ---- */

static inline int64_t ask(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open_v2(STORE, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static inline void assert_none(const char *from)
{
    char sql[600];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", from);
    int64_t count = ask(sql);
    if (count)
        fail_msg("%lld of %s", (long long)count, from);
}

static inline int64_t file_bytes(const char *suffix)
{
    char name[200];
    struct stat file;
    snprintf(name, sizeof(name), "%s%s", STORE, suffix);
    return stat(name, &file) == 0 ? (int64_t)file.st_size : 0;
}

static inline void print_finding(void *context, const struct finding *finding)
{
    (void)context;
    if (!finding->explained)
        print_message("%s\n", finding->text);
}

/* All that spyq check holds a store against. */
static inline void assert_whole(void)
{
    struct session session = {.path = STORE};
    size_t wrong;
    assert_int_equal(reader_open(session.path, &session.db), STATUS_OK);
    assert_int_equal(checks_run(&session, print_finding, NULL, &wrong), STATUS_OK);
    sqlite3_close(session.db);
    assert_int_equal(wrong, 0);
}

/* Rows that were written and are no longer there, held against what the store says itself. */
static inline void assert_accounted(void)
{
    char sql[160];
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++) {
        if (kind == ROW_HOST || kind == ROW_LOSS || kind == ROW_TRACE_SCORE)
            continue;
        snprintf(sql, sizeof(sql),
                 "SELECT (SELECT count(*) FROM %s) + coalesce((SELECT detail ->> '%s' FROM losses "
                 "WHERE class = 'retention'), 0)",
                 row_tables[kind].name, row_tables[kind].name);
        if (ask(sql) != written[kind])
            fail_msg("%s: %lld were written, and there are or were rolled away %lld",
                     row_tables[kind].name, (long long)written[kind], (long long)ask(sql));
    }
    assert_int_equal(
        ask("SELECT count(*) FROM losses WHERE class = 'retention' AND stage = 'store'"), 1);
}

#endif
