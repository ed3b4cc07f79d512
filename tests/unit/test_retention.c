/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host's life in rows, with everything in it that names something else, and what rolling leaves.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../shell/checks.h"
#include "../../shell/reader.h"
#include "../../sql/retention.h"
#include "../../sql/store_private.h"
#include "../../sql/user.h"
#include "scratch.h"
#include "user.sql.h"

#define STORE scratch_path("spyq.db")
#define S     1000000000ll
#define MIB   (1ll << 20)
#define START (1700000000 * S)

static struct store *store;
static struct retention *retention;
static struct retention_time now;
static int64_t written[ROW_KIND_COUNT]; /* rows, by kind */

/* ---- the store and its clock ---- */

static void open_store(const struct retention_options *options)
{
    struct store_error error;
    struct row_host host;
    bool known;
    store = store_open(STORE, &error);
    if (!store)
        fail_msg("%s", error.message);
    row_clear(ROW_HOST, &host);
    host.boot_id = (struct text){"boot", 4};
    host.first_seen_at = START;
    assert_int_equal(store_host(store, &host, &known), STORE_OK);
    /* Nobody pulls the plug here; waiting for the disk is most of the time otherwise. */
    sqlite3_exec(store->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    struct retention_options all = *options;
    all.host_id = host.id;
    all.loss_id = 1;
    retention = retention_open(store, &all);
    if (!retention)
        fail_msg("%s", store_failure(store)->message);
}

static void close_store(void)
{
    retention_close(retention);
    store_close(store);
    retention = NULL;
    store = NULL;
}

static int set_up(void **state)
{
    memset(written, 0, sizeof(written));
    now = (struct retention_time){START, 1000 * S};
    return scratch_set_up(state);
}

static int tear_down(void **state)
{
    close_store();
    return scratch_tear_down(state);
}

static void roll(void)
{
    bool more = true;
    while (more)
        if (retention_step(retention, &now, &more) != STORE_OK)
            fail_msg("%s", store_failure(store)->message);
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

static void flush(void)
{
    if (retention_allow(retention) != STORE_OK || store_write(store, rows, row_count) != STORE_OK)
        fail_msg("%s", store_failure(store)->message);
    row_count = 0;
}

static void *add(enum row_kind kind)
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

static const char *padding(int64_t n)
{
    static char texts[64][160];
    char *padded = texts[n % 64];
    memset(padded, 'a' + (int)(n % 26), 120);
    snprintf(padded + 120, 40, "%lld", (long long)n);
    return padded;
}

static int64_t add_process(int64_t parent, int64_t trace, int64_t started_at, int64_t ended_at)
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

static int64_t add_trace(int64_t root, int64_t started_at, int64_t ended_at)
{
    struct row_trace *row = add(ROW_TRACE);
    row->host_id = 1;
    row->root_process_id = root;
    row->kind = text("other");
    row->started_at = started_at;
    row->last_at = ended_at == INTEGER_NULL ? started_at : ended_at;
    row->ended_at = ended_at;
    row->connection_count = 0;
    row->process_count = JOB_PROCESSES;
    return row->id;
}

static int64_t add_edge(const char *kind, int64_t src, int64_t dst, int64_t at)
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

static int64_t add_exec(int64_t process, int64_t at)
{
    struct row_exec *row = add(ROW_EXEC);
    row->process_id = process;
    row->at = at;
    row->argv = text(padding(process + 7));
    return row->id;
}

static struct row_connection *add_connection(int64_t process, int64_t at, int64_t ended_at)
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
static void add_conversation(int64_t process, int64_t heir, int64_t fork, int64_t at)
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

static void add_write(int64_t writer, int64_t runner, int64_t at)
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

static void add_small_things(int64_t process, int64_t exec, int64_t at)
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

/* The server that all others talk to, and that starts them: alive to the end. */
static void add_server(void)
{
    add_process(INTEGER_NULL, 1, START - 100 * S, INTEGER_NULL);
    add_trace(1, START - 100 * S, INTEGER_NULL);
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
static int64_t add_job(int64_t server)
{
    int64_t at = now.wall, trace = written[ROW_TRACE] + 1;
    int64_t shell = add_process(server, trace, at, at + 10 * S);
    int64_t edge = add_edge("fork", server, shell, at);
    add_trace(shell, at, at + 10 * S);
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
        add_small_things(child, add_exec(child, at + i * S), at + i * S);
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

static void add_jobs(int count)
{
    for (int i = 0; i < count; i++) {
        add_job(1);
        roll();
    }
}

/* ---- what is there ---- */

static int64_t ask(const char *sql)
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

static void assert_none(const char *from)
{
    char sql[400];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", from);
    int64_t count = ask(sql);
    if (count)
        fail_msg("%lld of %s", (long long)count, from);
}

static int64_t file_bytes(const char *suffix)
{
    char name[200];
    struct stat file;
    snprintf(name, sizeof(name), "%s%s", STORE, suffix);
    return stat(name, &file) == 0 ? (int64_t)file.st_size : 0;
}

static void print_finding(void *context, const struct finding *finding)
{
    (void)context;
    if (!finding->explained)
        print_message("%s\n", finding->text);
}

/* All that spyq check holds a store against. */
static void assert_whole(void)
{
    struct session session = {.path = STORE};
    size_t wrong;
    assert_int_equal(reader_open(session.path, &session.db), STATUS_OK);
    assert_int_equal(checks_run(&session, print_finding, NULL, &wrong), STATUS_OK);
    sqlite3_close(session.db);
    assert_int_equal(wrong, 0);
}

/* Rows that were written and are no longer there, held against what the store says itself. */
static void assert_accounted(void)
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

/* ---- tests ---- */

static void the_store_stays_below_its_limit(void **state)
{
    (void)state;
    struct retention_status status;
    open_store(&(struct retention_options){.bytes = 16 * MIB});
    add_server();
    int64_t highest = 0;
    for (int i = 0; i < 1000; i++) {
        add_jobs(1);
        int64_t bytes = file_bytes("") + file_bytes("-wal");
        highest = bytes > highest ? bytes : highest;
    }
    retention_status(retention, &status);
    print_message("%llu rows in %llu slices, the longest %lld us; at most %lld KiB\n",
                  (unsigned long long)status.rows, (unsigned long long)status.slices,
                  (long long)status.longest / 1000, (long long)highest / 1024);
    assert_true(highest <= 16 * MIB);
    assert_true(highest > 8 * MIB);
    assert_true(status.rows > 20000);
    assert_accounted();
    assert_whole();
    /* What is kept is the newest, and nothing but what it needs is older. */
    assert_true(ask("SELECT min(started_at) FROM processes WHERE id > 1") > START + 1000 * S);
    assert_true(ask("SELECT count(*) FROM processes") > 5000);
    assert_int_equal(ask("SELECT ended_at FROM losses WHERE class = 'retention'"), status.horizon);
    assert_true(ask("SELECT min(at) FROM execs WHERE process_id > 1") >= status.horizon - 20 * S);
    assert_int_equal(ask("SELECT count(*) FROM execs WHERE process_id = 1"), 1);
    assert_int_equal(ask("SELECT count(*) FROM listeners"), 1);
    assert_true(ask("SELECT count(*) FROM marks") < 200);
}

static void rows_go_when_they_are_old(void **state)
{
    (void)state;
    open_store(&(struct retention_options){.age = 1000 * S});
    add_server();
    add_jobs(400); /* 4,000 s */
    assert_true(ask("SELECT min(started_at) FROM processes WHERE id > 1") >= now.wall - 1300 * S);
    assert_true(ask("SELECT min(started_at) FROM processes WHERE id > 1") <= now.wall - 1000 * S);
    assert_none("traces WHERE id > 1 AND id < 260");
    assert_accounted();
    assert_whole();
    /* Space that holds nothing is given back: nearly all goes at last. */
    int64_t before = ask("SELECT page_count * 4096 FROM pragma_page_count");
    now.wall += 3000 * S;
    now.boot += 3000 * S;
    add_job(1);
    for (int i = 0; i < 3; i++) {
        now.boot += 2 * S;
        roll();
    }
    assert_true(ask("SELECT count(*) FROM processes") < 50);
    add_job(1);
    close_store(); /* the log is brought into the store, which is cut */
    if (file_bytes("") > 2 * MIB || before < 3 * MIB)
        fail_msg("%lld bytes before, %lld after", (long long)before, (long long)file_bytes(""));
    open_store(&(struct retention_options){.age = 1000 * S});
    assert_whole();
}

/* A living process from long ago, a child of one that has ended, that runs what a third one wrote.
 */
static void what_living_processes_need_stays(void **state)
{
    (void)state;
    open_store(&(struct retention_options){.age = 500 * S});
    add_server();
    int64_t at = now.wall;
    int64_t shell = add_process(1, 1, at, at + 5 * S);
    add_edge("fork", 1, shell, at);
    int64_t writer = add_process(shell, 1, at, at + 2 * S);
    add_edge("fork", shell, writer, at);
    int64_t daemon = add_process(shell, 1, at + 3 * S, INTEGER_NULL);
    add_edge("fork", shell, daemon, at + 3 * S);
    add_write(writer, daemon, at + S);
    add_edge("pipe", writer, daemon, at + 3 * S);
    int64_t exec = add_exec(daemon, at + 3 * S);
    add_exec(shell, at);
    struct row_connection *open = add_connection(daemon, at + 4 * S, INTEGER_NULL);
    struct row_connection *peer = add_connection(1, at + 4 * S, at + 6 * S); /* half closed */
    open->peer_id = peer->id;
    peer->peer_id = open->id;
    open->peer_process_id = 1;
    peer->peer_process_id = daemon;
    int64_t connection = peer->id;
    flush();
    add_jobs(200);
    char sql[400];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM processes WHERE id IN (%lld, %lld, %lld)",
             (long long)shell, (long long)writer, (long long)daemon);
    assert_int_equal(ask(sql), 3);
    snprintf(
        sql, sizeof(sql),
        "SELECT (SELECT count(*) FROM execs WHERE id = %lld) + (SELECT count(*) FROM connections "
        "WHERE id = %lld) + (SELECT count(*) FROM edges AS e JOIN files AS f ON f.id = e.file_id "
        "WHERE e.dst = %lld AND e.src = %lld) + (SELECT count(*) FROM edges WHERE kind = 'fork' "
        "AND dst IN (%lld, %lld, %lld))",
        (long long)exec, (long long)connection, (long long)daemon, (long long)writer,
        (long long)shell, (long long)writer, (long long)daemon);
    assert_int_equal(ask(sql), 6);
    snprintf(sql, sizeof(sql), "edges WHERE kind = 'pipe' AND dst = %lld", (long long)daemon);
    assert_none(sql);
    snprintf(sql, sizeof(sql), "execs WHERE process_id = %lld", (long long)shell);
    assert_none(sql);
    assert_whole();
    /* It ends: all that was kept for it goes, from the leaf to the root. */
    struct row_process *ended = add(ROW_PROCESS);
    written[ROW_PROCESS]--;
    ended->id = daemon;
    ended->host_id = 1;
    ended->pid = 100 + daemon;
    ended->parent_id = shell;
    ended->trace_id = 1;
    ended->started_at = at + 3 * S;
    ended->ended_at = now.wall;
    ended->origin = text("event");
    struct row_connection *closed = add_connection(daemon, at + 4 * S, now.wall);
    written[ROW_CONNECTION]--;
    closed->id = connection - 1;
    closed->peer_id = connection;
    flush();
    add_jobs(200);
    snprintf(sql, sizeof(sql), "processes WHERE id IN (%lld, %lld, %lld)", (long long)shell,
             (long long)writer, (long long)daemon);
    assert_none(sql);
    snprintf(sql, sizeof(sql), "connections WHERE id IN (%lld, %lld)", (long long)connection,
             (long long)connection - 1);
    assert_none(sql);
    assert_accounted();
    assert_whole();
}

/* ---- pins ---- */

static void write_pins(const char *sql)
{
    sqlite3 *db;
    char pragma[80];
    char name[200];
    snprintf(name, sizeof(name), "%s%s", STORE, USER_STORE_SUFFIX);
    assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
    snprintf(pragma, sizeof(pragma), "PRAGMA application_id = %d", USER_STORE_APPLICATION_ID);
    assert_int_equal(sqlite3_exec(db, pragma, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, user_sql, NULL, NULL, NULL), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    chmod(name, 0640);
}

static void pinned_traces_stay(void **state)
{
    (void)state;
    char sql[400];
    struct retention_status status;
    open_store(&(struct retention_options){.age = 500 * S});
    add_server();
    int64_t pinned = add_job(1), other = add_job(1);
    snprintf(sql, sizeof(sql),
             "INSERT INTO pins (trace_id, trace_started_at, pinned_at) VALUES (%lld, %lld, 1), "
             "(%lld, 5, 1)",
             (long long)pinned, (long long)START, (long long)other);
    write_pins(sql);
    roll();
    assert_int_equal(ask("SELECT sum(id) FROM traces WHERE pinned = 1"), pinned);
    /* The recorder does not know of it, and writes the row again. */
    struct row_trace *again = add(ROW_TRACE);
    written[ROW_TRACE]--;
    *again = (struct row_trace){
        .id = pinned, .host_id = 1, .root_process_id = 2, .process_count = JOB_PROCESSES};
    again->kind = text("other");
    again->started_at = START;
    again->last_at = again->ended_at = START + 10 * S;
    flush();
    assert_int_equal(ask("SELECT sum(id) FROM traces WHERE pinned = 1"), pinned);
    add_jobs(200);
    snprintf(sql, sizeof(sql),
             "SELECT (SELECT count(*) FROM processes WHERE trace_id = %lld), (SELECT 1)",
             (long long)pinned);
    assert_int_equal(ask(sql), 21);
    assert_int_equal(ask("SELECT count(*) FROM execs WHERE process_id BETWEEN 2 AND 22"), 20);
    assert_int_equal(ask("SELECT count(*) FROM connections WHERE process_id BETWEEN 2 AND 22"), 10);
    assert_int_equal(ask("SELECT count(*) FROM connections WHERE peer_process_id BETWEEN 2 AND 22"),
                     10);
    assert_int_equal(ask("SELECT count(*) FROM edges WHERE dst BETWEEN 2 AND 22"), 21 + 9);
    assert_int_equal(ask("SELECT count(*) FROM files"), 9 + ask("SELECT count(*) FROM files "
                                                                "WHERE process_id > 22"));
    snprintf(sql, sizeof(sql), "traces WHERE id = %lld", (long long)other);
    assert_none(sql);
    assert_accounted();
    assert_whole();
    write_pins("DELETE FROM pins");
    add_jobs(200);
    snprintf(sql, sizeof(sql), "processes WHERE trace_id = %lld", (long long)pinned);
    assert_none(sql);
    assert_accounted();
    assert_whole();
    retention_status(retention, &status);
    assert_string_equal(status.pins, "");
}

static void a_user_store_that_others_may_write_is_not_believed(void **state)
{
    (void)state;
    struct retention_status status;
    char name[200];
    open_store(&(struct retention_options){.age = 500 * S});
    add_server();
    write_pins("INSERT INTO pins (trace_id, trace_started_at, pinned_at) VALUES (1, 0, 1)");
    snprintf(name, sizeof(name), "%s%s", STORE, USER_STORE_SUFFIX);
    chmod(name, 0660);
    roll();
    retention_status(retention, &status);
    assert_non_null(strstr(status.pins, "others than its owner may write it"));
    int file = open(name, O_WRONLY | O_TRUNC);
    assert_int_equal(write(file, "nonsense, and much of it", 24), 24);
    close(file);
    chmod(name, 0640);
    now.boot += 2 * S;
    roll();
    retention_status(retention, &status);
    assert_non_null(strstr(status.pins, "the pins in it are not known"));
    unlink(name);
    now.boot += 2 * S;
    roll();
    retention_status(retention, &status);
    assert_string_equal(status.pins, "");
}

/* ---- clocks and restarts ---- */

static void clocks_that_are_set_roll_nothing(void **state)
{
    (void)state;
    open_store(&(struct retention_options){.age = 1000 * S});
    add_server();
    add_jobs(50);
    now.wall += 365 * 86400 * S;
    add_jobs(30);
    assert_int_equal(ask("SELECT count(*) FROM losses"), 0);
    assert_int_equal(ask("SELECT count(*) FROM traces"), 81);
    now.wall -= 2 * 365 * 86400 * S; /* back, and below where it was */
    add_jobs(10);
    assert_int_equal(ask("SELECT count(*) FROM losses"), 0);
    add_jobs(120); /* 1,600 s: those from before the steps are gone, and no others */
    assert_none("traces WHERE id BETWEEN 2 AND 81");
    assert_int_equal(ask("SELECT count(*) FROM traces WHERE id > 110"), 101);
    assert_accounted();
}

static void a_new_run_goes_on_where_the_last_one_stopped(void **state)
{
    (void)state;
    const struct retention_options options = {.bytes = 16 * MIB};
    open_store(&options);
    add_server();
    add_jobs(700);
    int64_t rolled = ask("SELECT count FROM losses WHERE class = 'retention'");
    assert_true(rolled > 0);
    for (int i = 0; i < 5; i++) {
        close_store();
        open_store(&options);
        add_jobs(60);
    }
    assert_true(ask("SELECT count FROM losses WHERE class = 'retention'") > rolled);
    assert_accounted();
    assert_whole();
}

/* ---- rows that name what is gone ---- */

static void no_row_comes_to_name_one_that_is_gone(void **state)
{
    (void)state;
    open_store(&(struct retention_options){.age = 500 * S});
    add_server();
    add_jobs(200);
    int64_t edges = written[ROW_EDGE];
    add_edge("file", 5, 1, now.wall); /* its writer has been rolled away */
    ((struct row_edge *)&columns[row_count - 1])->file_id = 2;
    add_edge("signal", 1, 1, now.wall);
    ((struct row_edge *)&columns[row_count - 1])->file_id = 2;
    struct row_connection *connection = add_connection(5, now.wall, INTEGER_NULL);
    connection->peer_id = 3;
    flush();
    assert_int_equal(
        ask("SELECT count(*) FROM edges WHERE id > 0 AND dst = 1 AND kind = 'signal' AND "
            "file_id IS NULL"),
        1);
    char sql[80];
    snprintf(sql, sizeof(sql), "edges WHERE id = %lld", (long long)edges + 1);
    assert_none(sql);
    assert_int_equal(
        ask("SELECT count(*) FROM connections WHERE ended_at IS NULL AND process_id IS "
            "NULL AND peer_id IS NULL"),
        1);
    add_jobs(20);
    assert_accounted(); /* what was refused is counted too */
    assert_whole();
}

/* ---- a disk that is full ---- */

static void the_reserve_comes_and_goes(void **state)
{
    (void)state;
    struct stat file;
    struct retention_status status;
    open_store(&(struct retention_options){.bytes = 64 * MIB, .reserve = 2 * MIB});
    assert_int_equal(stat(scratch_path("spyq.db-ballast"), &file), 0);
    assert_true(file.st_blocks * 512 >= 2 * MIB);
    add_server();
    add_jobs(300);
    retention_squeeze(retention);
    assert_int_equal(stat(scratch_path("spyq.db-ballast"), &file), -1);
    retention_status(retention, &status);
    assert_true(status.squeezed);
    int64_t used = status.used;
    bool more = true;
    now.boot += S / 2; /* not yet time to look whether the disk has room */
    while (more)
        assert_int_equal(retention_step(retention, &now, &more), STORE_OK);
    retention_status(retention, &status);
    assert_true(status.used <= used / 16 * 15);
    now.boot += S;
    roll();
    retention_status(retention, &status);
    assert_false(status.squeezed);
    assert_int_equal(stat(scratch_path("spyq.db-ballast"), &file), 0);
    assert_accounted();
    assert_whole();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(the_store_stays_below_its_limit),
        TEST(rows_go_when_they_are_old),
        TEST(what_living_processes_need_stays),
        TEST(pinned_traces_stay),
        TEST(a_user_store_that_others_may_write_is_not_believed),
        TEST(clocks_that_are_set_roll_nothing),
        TEST(a_new_run_goes_on_where_the_last_one_stopped),
        TEST(no_row_comes_to_name_one_that_is_gone),
        TEST(the_reserve_comes_and_goes),
    };
    return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
