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

#include "../../daemon/batch.h"
#include "../../daemon/writer.h"
#include "../../sql/user.h"
#include "life.h"
#include "user.sql.h"

/* ---- tests ---- */

static void the_store_stays_below_its_limit(void **state)
{
    (void)state;
    struct retention_status status;
    open_store(&(struct retention_options){.bytes = 12 * MIB});
    add_server();
    int64_t highest = 0;
    for (int i = 0; i < 700; i++) {
        add_jobs(1);
        int64_t bytes = file_bytes("") + file_bytes("-wal");
        highest = bytes > highest ? bytes : highest;
    }
    retention_status(retention, &status);
    print_message("%llu rows in %llu slices, the longest %lld us; at most %lld KiB\n",
                  (unsigned long long)status.rows, (unsigned long long)status.slices,
                  (long long)status.longest / 1000, (long long)highest / 1024);
    assert_true(highest <= 12 * MIB);
    assert_true(highest > 6 * MIB);
    assert_true(status.rows > 10000);
    assert_accounted();
    assert_whole();
    /* What is kept is the newest, and nothing but what it needs is older. */
    assert_true(ask("SELECT min(started_at) FROM processes WHERE id > 1") > START + 500 * S);
    assert_true(ask("SELECT count(*) FROM processes") > 3000);
    assert_int_equal(ask("SELECT ended_at FROM losses WHERE class = 'retention'"), status.horizon);
    assert_true(ask("SELECT min(at) FROM execs WHERE process_id > 1") >= status.horizon - 20 * S);
    assert_int_equal(ask("SELECT count(*) FROM execs WHERE process_id = 1"), 1);
    assert_int_equal(ask("SELECT count(*) FROM listeners"), 1);
    assert_true(ask("SELECT count(*) FROM marks") < 200);
}

/* Each exec's arguments are a text of their own. */
static void texts_go_after_the_rows_that_had_them(void **state)
{
    (void)state;
    open_store(&(struct retention_options){.bytes = 12 * MIB});
    add_server();
    add_jobs(600);
    assert_true(ask("SELECT count(*) FROM losses WHERE class = 'retention'") == 1);
    int64_t pages = ask("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    int64_t left = ask("SELECT total(length(text)) FROM strings"
                       " WHERE id NOT IN (SELECT argv FROM exec_rows)");
    print_message("%lld of %lld KiB are texts that no row has\n", (long long)left / 1024,
                  (long long)pages / 1024);
    assert_in_range(left, 0, pages / 8);
    assert_none("execs WHERE argv IS NULL");
}

static void rows_go_when_they_are_old(void **state)
{
    (void)state;
    open_store(&(struct retention_options){.age = 1000 * S});
    add_server();
    add_jobs(250); /* 2,500 s */
    assert_true(ask("SELECT min(started_at) FROM processes WHERE id > 1") >= now.wall - 1300 * S);
    assert_true(ask("SELECT min(started_at) FROM processes WHERE id > 1") <= now.wall - 1000 * S);
    assert_none("traces WHERE id > 1 AND id < 110");
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
    if (file_bytes("") > before / 4 * 3 || before < 2 * MIB)
        fail_msg("%lld bytes before, %lld after", (long long)before, (long long)file_bytes(""));
    open_store(&(struct retention_options){.age = 1000 * S});
    assert_whole();
}

/* A living process from long ago, a child of one that has ended, that runs what a third one wrote.
 */
static void what_living_processes_need_stays(void **state)
{
    (void)state;
    open_store(&(struct retention_options){.age = 300 * S});
    server_processes = 4;
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
    add_jobs(100);
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
    add_jobs(100);
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
    open_store(&(struct retention_options){.age = 300 * S});
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
    add_jobs(100);
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
    add_jobs(100);
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
    open_store(&(struct retention_options){.age = 300 * S});
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
    const struct retention_options options = {.bytes = 8 * MIB};
    open_store(&options);
    add_server();
    add_jobs(350);
    int64_t rolled = ask("SELECT count FROM losses WHERE class = 'retention'");
    assert_true(rolled > 0);
    for (int i = 0; i < 5; i++) {
        close_store();
        open_store(&options);
        add_jobs(30);
    }
    assert_true(ask("SELECT count FROM losses WHERE class = 'retention'") > rolled);
    assert_accounted();
    assert_whole();
}

/* ---- rows that name what is gone ---- */

static void no_row_comes_to_name_one_that_is_gone(void **state)
{
    (void)state;
    open_store(&(struct retention_options){.age = 300 * S});
    add_server();
    add_jobs(100);
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

/* ---- others who use the store ---- */

/* A process that does this with the store and then holds on: its pid, once it does. */
static pid_t hold_on(const char *sql)
{
    int ends[2];
    char ready;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db;
        sqlite3_stmt *statement;
        if (sqlite3_open(STORE, &db) || sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) ||
            sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
            _exit(1);
        sqlite3_step(statement);
        if (write(ends[1], "!", 1) == 1)
            pause();
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &ready, 1), 1);
    close(ends[0]);
    return child;
}

static void let_go(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void a_reader_that_holds_on_can_not_make_the_log_outgrow_the_limit(void **state)
{
    (void)state;
    char who[32];
    open_store(&(struct retention_options){.bytes = 24 * MIB});
    add_server();
    add_jobs(10);
    pid_t reader = hold_on("SELECT * FROM processes");
    snprintf(who, sizeof(who), "process %d has been", (int)reader);
    int jobs = 0;
    for (; retention_allow(retention, 0) == STORE_OK && jobs < 3000; jobs++)
        add_jobs(1);
    assert_int_equal(store_failure(store)->status, STORE_BUSY);
    assert_non_null(strstr(store_failure(store)->message, who));
    int64_t bytes = file_bytes("") + file_bytes("-wal");
    assert_true(bytes > 20 * MIB && bytes < 26 * MIB);
    let_go(reader);
    assert_int_equal(retention_allow(retention, 0), STORE_OK);
    assert_true(file_bytes("-wal") < 9 * MIB);
    add_jobs(20);
    assert_whole();
}

static void who_holds_the_lock_is_named(void **state)
{
    (void)state;
    char who[32];
    open_store(&(struct retention_options){.age = 300 * S});
    add_server();
    pid_t writer = hold_on("UPDATE sequences SET last_id = last_id");
    snprintf(who, sizeof(who), "by process %d", (int)writer);
    struct row_host host;
    row_clear(ROW_HOST, &host);
    host.id = 1;
    assert_int_equal(store_write(store, &(struct row){ROW_HOST, &host}, 1), STORE_BUSY);
    if (!strstr(store_failure(store)->message, who))
        fail_msg("%s: not %s", store_failure(store)->message, who);
    let_go(writer);
    assert_int_equal(store_write(store, &(struct row){ROW_HOST, &host}, 1), STORE_OK);
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
    add_jobs(150);
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

/* ---- while rows wait to be written ---- */

static int64_t wall_clock(void *context)
{
    (void)context;
    return now.wall;
}

static struct batch *loss_batch(int64_t id)
{
    const struct row_loss row = {id,           now.wall, now.wall,  text("network"),
                                 text("ring"), 3,        TEXT_NULL, TEXT_NULL};
    struct batch *batch = batch_new();
    assert_non_null(batch);
    assert_int_equal(batch_add(batch, ROW_LOSS, &row), 0);
    return batch;
}

/* Of a batch that is written: whether the store was beyond its limit then. */
static bool was_beyond[2];
static size_t batches;

static void look(void *context, const struct row *row, size_t count)
{
    struct retention_status status;
    (void)context;
    (void)row;
    assert_int_equal(count, 1);
    retention_status(retention, &status);
    was_beyond[batches++] = status.beyond;
}

/* At the most 30 seconds. */
static void await_written(struct writer *writer, uint64_t count)
{
    static const struct timespec nap = {.tv_nsec = 2000000};
    struct writer_status status = {0};
    for (int naps = 0; naps < 15000 && status.batches_written < count; naps++) {
        nanosleep(&nap, NULL);
        writer_status(writer, &status);
    }
    assert_int_equal(status.batches_written, count);
}

static void rows_wait_for_a_store_that_is_beyond_its_limit(void **state)
{
    (void)state;
    open_store(&(struct retention_options){.bytes = 0});
    add_server();
    add_jobs(220);
    sqlite3_exec(store->db, "UPDATE marks SET boottime = 0", NULL, NULL, NULL);
    close_store();
    open_store(&(struct retention_options){.bytes = 6 * MIB});
    batches = 0;
    struct writer *writer = writer_start(
        store, &(struct writer_options){
                   .limit = MIB, .clock = wall_clock, .written = look, .retention = retention});
    writer_submit(writer, loss_batch(100));
    writer_submit(writer, loss_batch(101));
    await_written(writer, 2);
    assert_int_equal(writer_stop(writer, NULL), 0);
    assert_true(was_beyond[0]);
    assert_false(was_beyond[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(the_store_stays_below_its_limit),
        TEST(texts_go_after_the_rows_that_had_them),
        TEST(rows_go_when_they_are_old),
        TEST(what_living_processes_need_stays),
        TEST(pinned_traces_stay),
        TEST(a_user_store_that_others_may_write_is_not_believed),
        TEST(clocks_that_are_set_roll_nothing),
        TEST(a_new_run_goes_on_where_the_last_one_stopped),
        TEST(rows_wait_for_a_store_that_is_beyond_its_limit),
        TEST(no_row_comes_to_name_one_that_is_gone),
        TEST(a_reader_that_holds_on_can_not_make_the_log_outgrow_the_limit),
        TEST(who_holds_the_lock_is_named),
        TEST(the_reserve_comes_and_goes),
    };
    return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
