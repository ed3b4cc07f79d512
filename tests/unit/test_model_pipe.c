/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pipes and fifos: whose bytes a reader may have read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "events.h"

#define WRITE EVENT_PIPE_WRITE
#define READ  EVENT_PIPE_READ
#define EMPTY EVENT_PIPE_EMPTY
#define LEFT  0u

static const struct who a = {100, SECOND}, b = {200, SECOND + 1}, c = {300, SECOND + 2};

enum { A = 1, B, C }; /* their rows */

static void moved(unsigned kind, uint64_t time, struct who who, uint32_t flags)
{
    struct event_pipe record = {.header = header_of(kind, sizeof(record), time, who),
                                .inode = 7,
                                .device = 12,
                                .flags = flags};
    apply(&record);
}

static const struct row_edge *pipe_edge(int64_t src, int64_t dst)
{
    const struct row_edge *found = NULL;
    flush();
    for (int64_t id = 1; id < LEDGER_MAX; id++) {
        const struct row_edge *edge = ledger_get(ROW_EDGE, id);
        if (!edge || edge->kind.length != 4 || memcmp(edge->kind.data, "pipe", 4) != 0 ||
            edge->src != src || edge->dst != dst)
            continue;
        assert_null(found);
        found = edge;
    }
    return found;
}

static int set_up(void **state)
{
    if (model_set_up(state) < 0)
        return -1;
    forked(a, NOBODY);
    forked(b, NOBODY);
    forked(c, NOBODY);
    return 0;
}

static void test_write_then_read(void **state)
{
    (void)state;
    moved(WRITE, 2 * SECOND, a, LEFT);
    moved(READ, 3 * SECOND, b, EMPTY);
    assert_int_equal(edges("pipe"), 1);
    const struct row_edge *edge = pipe_edge(A, B);
    assert_int_equal(edge->at, AT(2 * SECOND));
    assert_int_equal(edge->last_at, AT(3 * SECOND));
    assert_int_equal(edge->count, 1);
    assert_text(edge->detail, "pipe:[7]");
    moved(WRITE, 4 * SECOND, a, LEFT);
    moved(READ, 5 * SECOND, b, EMPTY);
    edge = pipe_edge(A, B);
    assert_int_equal(edge->last_at, AT(5 * SECOND));
    assert_int_equal(edge->count, 2);
}

static void test_nothing_flowed(void **state)
{
    (void)state;
    moved(WRITE, 2 * SECOND, a, LEFT); /* never read by another */
    moved(READ, 3 * SECOND, a, EMPTY);
    moved(READ, 4 * SECOND, a, EVENT_PIPE_END);
    moved(WRITE, 5 * SECOND, b, LEFT);
    assert_int_equal(edges("pipe"), 0);
}

/* The reader was quicker than the return of the write that it read. */
static void test_reader_is_told_of_first(void **state)
{
    (void)state;
    moved(READ, 2 * SECOND, b, EMPTY);
    moved(WRITE, 2 * SECOND + MS, a, EMPTY);
    const struct row_edge *edge = pipe_edge(A, B);
    assert_int_equal(edge->at, AT(2 * SECOND));
    assert_int_equal(edge->last_at, AT(2 * SECOND + MS));
    assert_int_equal(edge->count, 1);
}

/* Likewise, of one that has read from another before, and so was not told of again. */
static void test_quick_reader_is_not_told_of(void **state)
{
    (void)state;
    moved(WRITE, 2 * SECOND, a, LEFT);
    moved(READ, 2 * SECOND + MS, b, EMPTY);
    moved(WRITE, 2 * SECOND + 2 * MS, c, LEFT);
    assert_null(pipe_edge(C, B));
    moved(WRITE, 4 * SECOND, c, EMPTY);
    assert_int_equal(pipe_edge(C, B)->count, 1);
    assert_int_equal(pipe_edge(A, B)->count, 1);
    assert_int_equal(edges("pipe"), 2);
}

/* A big write that was read piece by piece, and whose reader went before it was done: not all of
 * it was read. */
static void test_cut_off(void **state)
{
    (void)state;
    moved(READ, 2 * SECOND, b, LEFT);
    exited(3 * SECOND, b, 0);
    moved(WRITE, 4 * SECOND, a, LEFT);
    assert_int_equal(pipe_edge(A, B)->at, AT(2 * SECOND));
}

/* Somebody wrote before the recorder came; a writer that was born after the read had no part. */
static void test_unknown_writer(void **state)
{
    (void)state;
    const struct who late = {400, 3 * SECOND};
    moved(READ, 2 * SECOND, b, EMPTY);
    forked(late, NOBODY);
    moved(WRITE, 4 * SECOND, late, LEFT);
    assert_int_equal(edges("pipe"), 0);
}

/* What was read is gone: a later reader has it from the later writer. */
static void test_emptied(void **state)
{
    (void)state;
    moved(WRITE, 2 * SECOND, a, LEFT);
    exited(2 * SECOND + MS, a, 0);
    moved(READ, 3 * SECOND, b, EMPTY);
    moved(WRITE, 4 * SECOND, b, LEFT);
    moved(READ, 5 * SECOND, c, EMPTY);
    assert_non_null(pipe_edge(A, B));
    assert_non_null(pipe_edge(B, C));
    assert_int_equal(edges("pipe"), 2);
}

/* A writer that lives may have written again without being told of, for a second. */
static void test_quiet_writer(void **state)
{
    (void)state;
    moved(WRITE, 2 * SECOND, a, LEFT);
    moved(READ, 2 * SECOND + MS, b, EMPTY);
    moved(READ, 2 * SECOND + 2 * MS, c, EMPTY);
    assert_non_null(pipe_edge(A, C));
}

/* Who has opened a fifo since its end has nothing to do with who wrote before. */
static void test_fifo_end(void **state)
{
    (void)state;
    moved(WRITE, 2 * SECOND, a, LEFT);
    moved(READ, 2 * SECOND + MS, b, EMPTY);
    moved(READ, 2 * SECOND + 2 * MS, b, EVENT_PIPE_END);
    moved(READ, 2 * SECOND + 3 * MS, c, EMPTY);
    moved(WRITE, 2 * SECOND + 4 * MS, b, EMPTY);
    assert_null(pipe_edge(A, C));
    assert_non_null(pipe_edge(B, C));
}

/* The writer ended so long ago that the model has forgotten it. */
static void test_slow_reader(void **state)
{
    (void)state;
    moved(WRITE, 2 * SECOND, a, LEFT);
    exited(3 * SECOND, a, 0);
    exited(20 * SECOND, c, 0);
    moved(READ, 30 * SECOND, b, EMPTY);
    const struct row_edge *edge = pipe_edge(A, B);
    assert_int_equal(edge->at, AT(2 * SECOND));
    assert_int_equal(edge->last_at, AT(30 * SECOND));
    assert_text(edge->detail, "pipe:[7]");
}

/* An edge is no older than who it leads to. */
static void test_reader_born_later(void **state)
{
    (void)state;
    const struct who late = {400, 3 * SECOND};
    moved(WRITE, 2 * SECOND, a, LEFT);
    forked(late, NOBODY);
    moved(READ, 4 * SECOND, late, EMPTY);
    assert_int_equal(pipe_edge(A, 4)->at, AT(3 * SECOND));
}

/* More writers than are kept, more pipes than are kept: the newest are. */
static void test_bounds(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 300; i++) {
        struct who writer = {1000 + i, 2 * SECOND + i};
        forked(writer, NOBODY);
        moved(WRITE, 3 * SECOND + i, writer, LEFT);
    }
    moved(READ, 4 * SECOND, b, EMPTY);
    assert_int_equal(edges("pipe"), 256);
    assert_null(pipe_edge(4, B));
    assert_non_null(pipe_edge(303, B));
    moved(WRITE, 5 * SECOND, a, LEFT);
    for (uint64_t i = 0; i < 9000; i++) {
        struct event_pipe record = {.header = header_of(WRITE, sizeof(record), 6 * SECOND + i, a),
                                    .inode = 100 + i};
        apply(&record);
    }
    moved(READ, 7 * SECOND, c, EMPTY);
    assert_null(pipe_edge(A, C));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_then_read, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_flowed, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_reader_is_told_of_first, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_quick_reader_is_not_told_of, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_cut_off, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_writer, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_emptied, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_quiet_writer, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_fifo_end, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_slow_reader, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_reader_born_later, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_bounds, set_up, model_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
