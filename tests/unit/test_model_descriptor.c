/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptors passed: who sent what whom received. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "events.h"

#define SEND    EVENT_FD_SEND
#define RECEIVE EVENT_FD_RECEIVE

static const struct who a = {100, SECOND}, b = {200, SECOND + 1}, c = {300, SECOND + 2};

enum { A = 1, B, C }; /* their rows */

struct pass_record {
    struct event_fd_pass pass;
    struct event_descriptor descriptors[4];
};

static struct pass_record pass_record(unsigned kind, uint64_t time, struct who who, uint64_t socket,
                                      uint32_t count)
{
    struct pass_record record = {0};
    record.pass.header =
        header_of(kind, sizeof(record.pass) + count * sizeof(record.descriptors[0]), time, who);
    record.pass.socket = socket;
    record.pass.count = count;
    record.pass.descriptors =
        (struct event_text){sizeof(record.pass), count * (__u32)sizeof(record.descriptors[0])};
    for (uint32_t i = 0; i < count; i++)
        record.descriptors[i] =
            (struct event_descriptor){.file = 0xf000 + i, .inode = 70 + i, .mode = S_IFSOCK};
    return record;
}

static void passed(unsigned kind, uint64_t time, struct who who, uint64_t socket)
{
    struct pass_record record = pass_record(kind, time, who, socket, 1);
    apply(&record);
}

static const struct row_edge *pass_edge(int64_t src, int64_t dst)
{
    const struct row_edge *found = NULL;
    flush();
    for (int64_t id = 1; id < LEDGER_MAX; id++) {
        const struct row_edge *edge = ledger_get(ROW_EDGE, id);
        if (!edge || edge->kind.length != 6 || memcmp(edge->kind.data, "fdpass", 6) != 0 ||
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

static void test_sent_and_received(void **state)
{
    (void)state;
    passed(SEND, 2 * SECOND, a, 9);
    assert_int_equal(edges("fdpass"), 0);
    passed(RECEIVE, 3 * SECOND, b, 9);
    const struct row_edge *edge = pass_edge(A, B);
    assert_int_equal(edge->at, AT(2 * SECOND));
    assert_int_equal(edge->last_at, AT(3 * SECOND));
    assert_text(edge->detail, "socket:[70]");
    assert_null_column(edge->connection_id);
    passed(RECEIVE, 4 * SECOND, c, 9); /* it was under way once */
    assert_int_equal(edges("fdpass"), 1);
}

static void test_received_before_send_returned(void **state)
{
    (void)state;
    passed(RECEIVE, 2 * SECOND, b, 9);
    passed(SEND, 2 * SECOND + MS, a, 9);
    const struct row_edge *edge = pass_edge(A, B);
    assert_int_equal(edge->at, AT(2 * SECOND));
    assert_int_equal(edge->last_at, AT(2 * SECOND + MS));
    passed(RECEIVE, 3 * SECOND, c, 9);
    assert_int_equal(edges("fdpass"), 1);
}

/* The socket says which of several messages with one file it was; where it is not known, the
 * oldest. */
static void test_by_socket(void **state)
{
    (void)state;
    passed(SEND, 2 * SECOND, a, 8);
    passed(SEND, 2 * SECOND + MS, b, 9);
    passed(RECEIVE, 3 * SECOND, c, 9);
    assert_non_null(pass_edge(B, C));
    passed(RECEIVE, 3 * SECOND, c, 7);
    assert_null(pass_edge(A, C));
    passed(RECEIVE, 3 * SECOND, c, 0);
    assert_non_null(pass_edge(A, C));
}

static void test_another_file(void **state)
{
    (void)state;
    struct pass_record record = pass_record(RECEIVE, 3 * SECOND, b, 9, 2);
    passed(SEND, 2 * SECOND, a, 9);
    record.descriptors[0].inode = 71; /* another's address, used again */
    apply(&record);
    assert_int_equal(edges("fdpass"), 0);
}

static void test_many(void **state)
{
    (void)state;
    struct pass_record record = pass_record(SEND, 2 * SECOND, a, 9, 4);
    apply(&record);
    record = pass_record(RECEIVE, 3 * SECOND, b, 9, 4);
    record.descriptors[3].mode = S_IFIFO;
    apply(&record);
    assert_int_equal(edges("fdpass"), 4);
}

static void test_to_oneself(void **state)
{
    (void)state;
    passed(SEND, 2 * SECOND, a, 9);
    passed(RECEIVE, 3 * SECOND, a, 9);
    assert_int_equal(edges("fdpass"), 0);
}

static void test_taken(void **state)
{
    (void)state;
    struct pass_record record = pass_record(RECEIVE, 2 * SECOND, b, 0, 1);
    record.pass.source_pid = a.pid;
    record.pass.source_start = a.start;
    record.descriptors[0].mode = 0600;
    apply(&record);
    assert_text(pass_edge(A, B)->detail, "anonymous inode");
    record.pass.source_pid = 999;
    apply(&record);
    assert_int_equal(edges("fdpass"), 1);
}

/* The receiver holds a known connection, also where nobody is known to have sent it. */
static void test_connection(void **state)
{
    (void)state;
    struct event_tcp tcp = tcp_record(EVENT_TCP_ACCEPT, 2 * SECOND, a, client_end(5, 40000, 80));
    tcp.inode = 70;
    apply(&tcp);
    passed(SEND, 3 * SECOND, a, 9);
    passed(RECEIVE, 3 * SECOND, b, 9);
    assert_int_equal(pass_edge(A, B)->connection_id, 1);
    const struct row_holder *holder = flushed(ROW_HOLDER, 1);
    assert_int_equal(holder->process_id, B);
    assert_int_equal(holder->edge_id, pass_edge(A, B)->id);
    assert_text(holder->how, "fdpass");
    passed(RECEIVE, 4 * SECOND, c, 0);
    assert_int_equal(rows(ROW_HOLDER), 1);
    exited(20 * SECOND, b, 0);
    assert_int_equal(rows(ROW_HOLDER), 2);
    holder = flushed(ROW_HOLDER, 2);
    assert_int_equal(holder->process_id, C);
    assert_null_column(holder->edge_id);
}

/* What was never received is forgotten at last, oldest first. */
static void test_bounds(void **state)
{
    (void)state;
    passed(SEND, 2 * SECOND, a, 9);
    for (uint64_t i = 0; i < 8192; i++) {
        struct pass_record record = pass_record(SEND, 2 * SECOND + i, b, 9, 1);
        record.descriptors[0].inode = 1000 + i / 2;
        apply(&record);
    }
    passed(RECEIVE, 3 * SECOND, c, 9);
    assert_int_equal(edges("fdpass"), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sent_and_received, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_received_before_send_returned, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(test_by_socket, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_another_file, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_to_oneself, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_taken, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_connection, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_bounds, set_up, model_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
