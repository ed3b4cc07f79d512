/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk in trouble is played by a second connection that holds the write lock, or by a row that
 * the schema refuses. */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../bpf/event.h"
#include "../../daemon/writer.h"
#include "scratch.h"

#define STORE scratch_path("spyq.db")

static int64_t now; /* of the writer's clock, which is asked in this thread only */

static int64_t read_clock(void *context)
{
    assert_ptr_equal(context, &now);
    return now;
}

static sem_t notified;

static void notify(void *context)
{
    (void)context;
    sem_post(&notified);
}

static struct store *store;
static struct writer *writer;
static sqlite3 *other;

static int set_up(void **state)
{
    struct store_error error;
    if (scratch_set_up(state) < 0)
        return -1;
    now = 1000;
    sem_init(&notified, 0, 0);
    store = store_open(STORE, &error);
    return store && sqlite3_open(STORE, &other) == SQLITE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    sqlite3_close(other);
    store_close(store);
    sem_destroy(&notified);
    return scratch_tear_down(state);
}

static void start(size_t limit)
{
    const struct writer_options options = {
        .limit = limit, .clock = read_clock, .notify = notify, .context = &now};
    writer = writer_start(store, &options);
    assert_non_null(writer);
}

static void run_other(const char *sql)
{
    if (sqlite3_exec(other, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(other));
}

static int64_t count(const char *what)
{
    char sql[200];
    sqlite3_stmt *statement;
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", what);
    assert_int_equal(sqlite3_prepare_v2(other, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t rows = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return rows;
}

static struct text text(const char *string)
{
    return (struct text){string, strlen(string)};
}

static void add_host(struct batch *batch, int64_t id)
{
    struct row_host row;
    row_clear(ROW_HOST, &row);
    row.id = id;
    assert_int_equal(batch_add(batch, ROW_HOST, &row), 0);
}

static void add_loss(struct batch *batch, int64_t id)
{
    const struct row_loss row = {id, 1, 2, text("network"), text("ring"), 3, TEXT_NULL, TEXT_NULL};
    assert_int_equal(batch_add(batch, ROW_LOSS, &row), 0);
}

static void add_process(struct batch *batch, int64_t id)
{
    struct row_process row;
    row_clear(ROW_PROCESS, &row);
    row.id = id;
    row.host_id = 1;
    row.pid = 1;
    row.origin = text("event");
    assert_int_equal(batch_add(batch, ROW_PROCESS, &row), 0);
}

/* A process that the schema refuses: its origin is NULL. */
static void add_bad_process(struct batch *batch, int64_t id)
{
    struct row_process row;
    row_clear(ROW_PROCESS, &row);
    row.id = id;
    assert_int_equal(batch_add(batch, ROW_PROCESS, &row), 0);
}

static void add_exec(struct batch *batch, int64_t id)
{
    struct row_exec row;
    row_clear(ROW_EXEC, &row);
    row.id = id;
    row.process_id = row.at = 1;
    assert_int_equal(batch_add(batch, ROW_EXEC, &row), 0);
}

static void add_edge(struct batch *batch, int64_t id, int64_t connection_id)
{
    const struct row_edge row = {id,
                                 1,
                                 1,
                                 1,
                                 1,
                                 connection_id == INTEGER_NULL ? text("fork") : text("connect"),
                                 1,
                                 1,
                                 connection_id,
                                 INTEGER_NULL,
                                 TEXT_NULL,
                                 0};
    assert_int_equal(batch_add(batch, ROW_EDGE, &row), 0);
}

static void add_listener(struct batch *batch, int64_t id)
{
    struct row_listener row;
    row_clear(ROW_LISTENER, &row);
    row.id = id;
    row.host_id = 1;
    row.protocol = row.origin = text("tcp");
    assert_int_equal(batch_add(batch, ROW_LISTENER, &row), 0);
}

static void add_connection(struct batch *batch, int64_t id)
{
    struct row_connection row;
    row_clear(ROW_CONNECTION, &row);
    row.id = id;
    row.host_id = 1;
    row.protocol = row.state = row.origin = text("tcp");
    assert_int_equal(batch_add(batch, ROW_CONNECTION, &row), 0);
}

/* A row of each kind that may be dropped, and two that may not; seven droppable rows in all. */
static struct batch *mixed_batch(int64_t id)
{
    struct batch *batch = batch_new();
    assert_non_null(batch);
    add_host(batch, id);
    add_loss(batch, id);
    add_process(batch, id);
    add_exec(batch, id);
    add_edge(batch, 2 * id, INTEGER_NULL);
    add_edge(batch, 2 * id + 1, id);
    add_listener(batch, id);
    add_connection(batch, id);
    return batch;
}

static struct batch *process_batch(int64_t first, int64_t rows)
{
    struct batch *batch = batch_new();
    assert_non_null(batch);
    for (int64_t i = 0; i < rows; i++)
        add_process(batch, first + i);
    return batch;
}

static struct writer_status status_now(void)
{
    struct writer_status status;
    writer_status(writer, &status);
    return status;
}

/* Waits for the next call of notify, at the most ten seconds. */
static void await_notice(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    assert_int_equal(sem_timedwait(&notified, &until), 0);
}

static void await_failure(void)
{
    while (status_now().failures == 0)
        await_notice();
}

static void await_written(uint64_t batches)
{
    while (status_now().batches_written < batches)
        await_notice();
}

static void batches_are_written_in_order_and_reported(void **state)
{
    (void)state;
    start(1 << 20);
    writer_submit(writer, process_batch(1, 10));
    await_written(1);
    assert_int_equal(count("processes"), 10);
    writer_submit(writer, batch_new()); /* nothing to write */
    writer_submit(writer, process_batch(5, 10));
    await_written(2);
    struct writer_status status = status_now();
    assert_int_equal(status.status, STORE_OK);
    assert_string_equal(status.error, "");
    assert_int_equal(status.rows_written, 20);
    assert_int_equal(status.queued_batches, 0);
    assert_int_equal(status.queued_bytes, 0);
    assert_int_equal(writer_stop(writer, NULL), 0);
    assert_int_equal(count("processes"), 14);
}

static void a_batch_larger_than_the_queue_is_written_all_the_same(void **state)
{
    (void)state;
    start(1);
    writer_submit(writer, process_batch(1, 1000));
    await_written(1);
    writer_submit(writer, process_batch(1001, 1000));
    assert_int_equal(writer_stop(writer, NULL), 0);
    assert_int_equal(count("processes"), 2000);
}

static void stopping_writes_what_is_queued(void **state)
{
    (void)state;
    start(64 << 20);
    for (int64_t i = 0; i < 200; i++)
        writer_submit(writer, process_batch(i * 10, 10));
    struct writer_status last;
    assert_int_equal(writer_stop(writer, &last), 0);
    assert_int_equal(last.batches_written, 200);
    assert_int_equal(last.rows_written, 2000);
    assert_int_equal(last.rows_dropped, 0);
    assert_int_equal(count("processes"), 2000);
    assert_int_equal(store_write(store, NULL, 0), STORE_OK); /* the store is the caller's again */
}

static void an_idle_writer_stops(void **state)
{
    (void)state;
    start(1 << 20);
    assert_int_equal(writer_stop(writer, NULL), 0);
}

static void a_failed_batch_is_written_when_the_trouble_ends(void **state)
{
    (void)state;
    start(64 << 20);
    run_other("BEGIN IMMEDIATE");
    writer_submit(writer, process_batch(1, 10));
    writer_submit(writer, process_batch(11, 10));
    await_failure();
    struct writer_status status = status_now();
    assert_int_equal(status.status, STORE_BUSY);
    assert_non_null(strstr(status.error, "database is locked"));
    assert_int_equal(status.queued_batches, 2);
    assert_true(status.queued_bytes > 20 * sizeof(struct row_process));
    while (status_now().failures < 3)
        await_notice();
    run_other("ROLLBACK");
    await_written(2);
    status = status_now();
    assert_int_equal(status.status, STORE_OK);
    assert_int_equal(status.failures, 0);
    assert_string_equal(status.error, "");
    assert_int_equal(writer_stop(writer, NULL), 0);
    assert_int_equal(count("processes"), 20);
}

static const struct writer_loss *find_loss(const struct writer_loss *losses, size_t losses_count,
                                           enum row_kind kind, unsigned loss_class)
{
    for (size_t i = 0; i < losses_count; i++) {
        if (losses[i].kind == kind && losses[i].loss_class == loss_class)
            return &losses[i];
    }
    fail_msg("no loss of %s in class %u", row_tables[kind].name, loss_class);
    return NULL;
}

static void rows_that_find_no_room_are_dropped_and_counted(void **state)
{
    (void)state;
    run_other("BEGIN IMMEDIATE");
    start(1);
    now = 2000;
    writer_submit(writer, mixed_batch(1));
    await_failure();
    now = 3000;
    writer_submit(writer, mixed_batch(2));
    now = 4000;
    writer_submit(writer, mixed_batch(3));
    await_notice();
    while (status_now().rows_dropped < 18)
        await_notice();
    struct writer_loss losses[WRITER_LOSSES_MAX];
    size_t losses_count = writer_take_losses(writer, losses);
    assert_int_equal(losses_count, 6);
    static const struct {
        enum row_kind kind;
        unsigned loss_class;
    } expected[] = {
        {ROW_PROCESS, EVENT_CLASS_LIFECYCLE}, {ROW_EXEC, EVENT_CLASS_LIFECYCLE},
        {ROW_EDGE, EVENT_CLASS_LIFECYCLE},    {ROW_EDGE, EVENT_CLASS_NETWORK},
        {ROW_LISTENER, EVENT_CLASS_NETWORK},  {ROW_CONNECTION, EVENT_CLASS_NETWORK},
    };
    for (size_t i = 0; i < losses_count; i++) {
        const struct writer_loss *loss =
            find_loss(losses, losses_count, expected[i].kind, expected[i].loss_class);
        assert_int_equal(loss->count, 3);
        assert_string_equal(loss->stage, "queue");
        assert_int_equal(loss->started_at, 1000);
        assert_int_equal(loss->ended_at, 4000);
    }
    assert_int_equal(writer_take_losses(writer, losses), 0);
    run_other("ROLLBACK");
    assert_int_equal(writer_stop(writer, NULL), 0);
    assert_int_equal(count("hosts"), 3); /* never dropped */
    assert_int_equal(count("losses"), 3);
    assert_int_equal(count("processes"), 0);
}

/* Bytes of a batch like mixed_batch() after the kinds from `kind` on have been dropped. */
static size_t bytes_without(enum row_kind kind)
{
    struct batch *batch = mixed_batch(1);
    for (int k = (int)kind; k < ROW_KIND_COUNT; k++)
        batch_drop(batch, (enum row_kind)k);
    size_t bytes = batch_bytes(batch);
    batch_free(batch);
    return bytes;
}

/* The less room there is, the more kinds go: connections first, processes last. */
static void lesser_rows_are_dropped_before_greater_ones(void **state)
{
    (void)state;
    static const enum row_kind mixed[] = {ROW_PROCESS, ROW_EXEC, ROW_EDGE, ROW_LISTENER,
                                          ROW_CONNECTION};
    for (int kind = ROW_KIND_COUNT; kind > ROW_PROCESS; kind--) {
        run_other("DELETE FROM processes; DELETE FROM execs; DELETE FROM edges;"
                  "DELETE FROM listeners; DELETE FROM connections; BEGIN IMMEDIATE");
        struct batch *hosts = batch_new();
        add_host(hosts, 1);
        start(batch_bytes(hosts) + bytes_without((enum row_kind)kind));
        writer_submit(writer, hosts); /* for the thread to be busy with, and never dropped */
        writer_submit(writer, mixed_batch(1));
        run_other("ROLLBACK");
        assert_int_equal(writer_stop(writer, NULL), 0);
        for (size_t i = 0; i < sizeof(mixed) / sizeof(mixed[0]); i++) {
            int k = (int)mixed[i];
            assert_int_equal(count(row_tables[k].name), k >= kind ? 0 : k == ROW_EDGE ? 2 : 1);
        }
    }
}

/* Later rows replace earlier ones: of two batches the older pays, if that is enough. */
static void the_oldest_rows_are_dropped_first(void **state)
{
    (void)state;
    run_other("BEGIN IMMEDIATE");
    struct batch *third = process_batch(30, 10);
    start(3 * batch_bytes(third) - 1);
    now = 2000;
    writer_submit(writer, process_batch(10, 10));
    await_failure(); /* or else it could be the one in the writer's hands */
    now = 3000;
    writer_submit(writer, process_batch(20, 10));
    now = 4000;
    writer_submit(writer, third);
    while (status_now().rows_dropped < 10)
        await_notice();
    struct writer_loss losses[WRITER_LOSSES_MAX];
    assert_int_equal(writer_take_losses(writer, losses), 1);
    assert_int_equal(losses[0].kind, ROW_PROCESS);
    assert_int_equal(losses[0].count, 10);
    run_other("ROLLBACK");
    assert_int_equal(writer_stop(writer, NULL), 0);
    /* The first, or the second where the first was just being tried again. */
    bool first = losses[0].started_at == 1000 && losses[0].ended_at == 2000;
    bool second = losses[0].started_at == 2000 && losses[0].ended_at == 3000;
    assert_true(first || second);
    assert_int_equal(count("processes WHERE id BETWEEN 10 AND 19"), first ? 0 : 10);
    assert_int_equal(count("processes WHERE id BETWEEN 20 AND 29"), first ? 10 : 0);
    assert_int_equal(count("processes WHERE id BETWEEN 30 AND 39"), 10);
}

static void a_refused_row_does_not_hold_up_the_others(void **state)
{
    (void)state;
    start(1 << 20);
    struct batch *batch = process_batch(1, 3);
    add_bad_process(batch, 77);
    add_process(batch, 4);
    now = 2000;
    writer_submit(writer, batch);
    writer_submit(writer, process_batch(5, 5));
    await_written(2);
    struct writer_status status = status_now();
    assert_int_equal(status.status, STORE_OK);
    assert_int_equal(status.rows_written, 9);
    assert_int_equal(status.rows_refused, 1);
    assert_non_null(strstr(status.refusal, "cannot write row 77 of processes"));
    struct writer_loss losses[WRITER_LOSSES_MAX];
    assert_int_equal(writer_take_losses(writer, losses), 1);
    assert_string_equal(losses[0].stage, "store");
    assert_int_equal(losses[0].kind, ROW_PROCESS);
    assert_int_equal(losses[0].loss_class, EVENT_CLASS_LIFECYCLE);
    assert_int_equal(losses[0].count, 1);
    assert_int_equal(losses[0].started_at, 1000);
    assert_int_equal(losses[0].ended_at, 2000);
    assert_int_equal(writer_stop(writer, NULL), 0);
    assert_int_equal(count("processes"), 9);
}

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void stopping_in_trouble_gives_up_and_says_how_much_is_lost(void **state)
{
    (void)state;
    run_other("BEGIN IMMEDIATE");
    start(64 << 20);
    writer_submit(writer, process_batch(1, 10));
    writer_submit(writer, process_batch(11, 15));
    await_failure();
    double began = seconds();
    struct writer_status last;
    assert_int_equal(writer_stop(writer, &last), 25);
    assert_true(seconds() - began < 10);
    assert_int_equal(last.status, STORE_BUSY);
    assert_int_equal(last.queued_batches, 2);
    run_other("ROLLBACK");
    assert_int_equal(count("processes"), 0);
}

static void stopping_tries_again_what_had_failed(void **state)
{
    (void)state;
    run_other("BEGIN IMMEDIATE");
    start(64 << 20);
    writer_submit(writer, process_batch(1, 10));
    await_failure();
    run_other("ROLLBACK");
    assert_int_equal(writer_stop(writer, NULL), 0);
    assert_int_equal(count("processes"), 10);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(batches_are_written_in_order_and_reported),
        TEST(a_batch_larger_than_the_queue_is_written_all_the_same),
        TEST(stopping_writes_what_is_queued),
        TEST(an_idle_writer_stops),
        TEST(a_failed_batch_is_written_when_the_trouble_ends),
        TEST(rows_that_find_no_room_are_dropped_and_counted),
        TEST(lesser_rows_are_dropped_before_greater_ones),
        TEST(the_oldest_rows_are_dropped_first),
        TEST(a_refused_row_does_not_hold_up_the_others),
        TEST(stopping_in_trouble_gives_up_and_says_how_much_is_lost),
        TEST(stopping_tries_again_what_had_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
