/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes in orders in which events should not come but do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "events.h"

static const struct who parent = {50, 5 * SECOND};
static const struct who child = {100, 20 * SECOND};

/* The row that an earlier run left of a living process. */
static struct row_process left_alive(int64_t id, struct who who)
{
    struct row_process row;
    row_clear(ROW_PROCESS, &row);
    row.id = id;
    row.host_id = 1;
    row.pid = who.pid;
    row.start_boottime = (int64_t)who.start;
    row.started_at = AT(who.start);
    row.origin = as_text("event");
    row.exe = as_text("/bin/left");
    row.comm = as_text("left");
    row.user = as_text("ann");
    row.exec_count = 3;
    return row;
}

/* ---- ends ---- */

static void the_first_of_two_exits_counts(void **state)
{
    (void)state;
    forked(child, NOBODY);
    exited(21 * SECOND, child, 3 << 8);
    flush();
    exited(22 * SECOND, child, 9);
    assert_int_equal(flush(), 0);
    assert_int_equal(process_row(1)->exit_code, 3);
    assert_null_column(process_row(1)->exit_signal);
    assert_true(process_row(1)->ended_at == AT(21 * SECOND));
}

static void a_signal_is_not_an_exit_code(void **state)
{
    (void)state;
    forked(child, NOBODY);
    exited(21 * SECOND, child, 0x80 | 11); /* with a core dump */
    assert_int_equal(process_row(1)->exit_signal, 11);
    assert_null_column(process_row(1)->exit_code);
    assert_text(process_row(1)->comm, "last");
}

static void an_exit_before_its_fork_is_the_same_process(void **state)
{
    (void)state;
    forked(parent, NOBODY);
    exited(21 * SECOND, child, 1 << 8);
    assert_text(process_row(2)->origin, "inferred");
    forked(child, parent);
    assert_int_equal(rows(ROW_PROCESS), 2);
    assert_int_equal(process_row(2)->parent_id, 1);
    assert_int_equal(process_row(2)->exit_code, 1);
    assert_true(process_row(2)->ended_at == AT(21 * SECOND));
    assert_int_equal(edges("fork"), 1);
}

static void an_exec_told_after_the_exit_is_still_its_own(void **state)
{
    (void)state;
    forked(child, NOBODY);
    exited(21 * SECOND, child, 0);
    flush();
    execed(20 * SECOND + MS, child, NOBODY, "/bin/late");
    assert_int_equal(rows(ROW_PROCESS), 1);
    assert_int_equal(rows(ROW_EXEC), 1);
    assert_text(process_row(1)->exe, "/bin/late");
    assert_int_equal(process_row(1)->exec_count, 1);
    assert_true(process_row(1)->ended_at == AT(21 * SECOND));
    const struct row_exec *exec = flushed(ROW_EXEC, 1);
    assert_int_equal(exec->process_id, 1);
}

static void the_scan_does_not_raise_the_dead(void **state)
{
    (void)state;
    forked(child, NOBODY);
    exited(21 * SECOND, child, 0);
    flush();
    scanned(22 * SECOND, child, NOBODY);
    scan_done(23 * SECOND, 20 * SECOND);
    assert_int_equal(rows(ROW_PROCESS), 1);
    assert_true(process_row(1)->ended_at == AT(21 * SECOND));
}

static void an_exit_outside_of_a_stranger_makes_no_row(void **state)
{
    (void)state;
    struct event_exit record = exit_record(21 * SECOND, child, 0);
    record.flags = EVENT_EXIT_OUTSIDE;
    apply(&record);
    assert_int_equal(flush(), 0);
    forked(child, NOBODY);
    apply(&record); /* but this one is known */
    assert_true(process_row(1)->ended_at == AT(21 * SECOND));
}

/* What has ended is known for five seconds more, and no longer. */
static void the_dead_are_forgotten_after_a_while(void **state)
{
    (void)state;
    forked(child, NOBODY);
    exited(21 * SECOND, child, 0);
    forked((struct who){60, 26 * SECOND}, NOBODY); /* time goes on */
    flush();
    exited(26 * SECOND, child, 0);
    assert_int_equal(rows(ROW_PROCESS), 2);
    forked((struct who){61, 26 * SECOND + 1}, NOBODY);
    flush();
    exited(27 * SECOND, child, 0);
    assert_int_equal(rows(ROW_PROCESS), 4);
    assert_text(process_row(4)->origin, "inferred");
}

/* ---- names of processes ---- */

static void a_pid_with_another_start_is_another_process(void **state)
{
    (void)state;
    struct who again = {child.pid, child.start + 1};
    forked(child, NOBODY);
    forked(again, NOBODY);
    exited(30 * SECOND, child, 0);
    assert_int_equal(rows(ROW_PROCESS), 2);
    assert_null_column(process_row(2)->ended_at);
    assert_true(process_row(1)->ended_at == AT(30 * SECOND));
}

static void ids_increase_and_none_comes_back(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 300; i++) {
        struct who who = {i % 7 + 1, (20 + i) * SECOND};
        forked(who, NOBODY);
        execed(who.start, who, NOBODY, "/bin/x");
        exited(who.start + MS, who, 0);
        if (i % 3 == 0)
            flush();
    }
    assert_int_equal(rows(ROW_PROCESS), 300);
    assert_int_equal(rows(ROW_EXEC), 300);
    for (int64_t id = 1; id <= 300; id++) {
        const struct row_exec *exec = flushed(ROW_EXEC, id);
        assert_int_equal(exec->process_id, id);
        assert_true(process_row(id)->started_at == AT((uint64_t)(19 + id) * SECOND));
    }
}

/* ---- what a child has of its parent ---- */

static struct event_fork child_in(uint64_t cwd_inode)
{
    struct event_fork record = fork_record(child.start, child, parent);
    record.task.cwd_inode = cwd_inode;
    record.task.cwd_device = 8;
    return record;
}

static void assert_child_cwd(uint64_t inode, const char *cwd)
{
    struct exec_record shell = exec_record(EVENT_EXEC, 6 * SECOND, parent, NOBODY, "/bin/sh");
    shell.exec.task.cwd_inode = 4;
    shell.exec.task.cwd_device = 8;
    apply(&shell);
    struct event_fork record = child_in(inode);
    apply(&record);
    assert_text(process_row(2)->exe, "/bin/sh");
    assert_text(process_row(2)->cmdline, "/bin/sh");
    assert_text(process_row(2)->cwd, cwd);
    assert_int_equal(process_row(2)->exec_count, 0);
}

static void a_child_runs_its_parents_program(void **state)
{
    (void)state;
    assert_child_cwd(4, "/work");
}

static void a_child_in_another_directory_is_not_where_the_parents_exec_was(void **state)
{
    (void)state;
    assert_child_cwd(5, NULL);
}

static void a_childs_texts_outlive_its_parent(void **state)
{
    (void)state;
    execed(6 * SECOND, parent, NOBODY, "/bin/sh");
    forked(child, parent);
    exited(21 * SECOND, parent, 0);
    forked((struct who){60, 40 * SECOND}, NOBODY);
    flush(); /* the parent is forgotten */
    exited(41 * SECOND, child, 0);
    assert_text(process_row(2)->exe, "/bin/sh");
    assert_int_equal(process_row(2)->parent_id, 1);
}

static void an_exec_of_a_stranger_names_its_parent_as_inferred(void **state)
{
    (void)state;
    forked(parent, NOBODY);
    execed(21 * SECOND, child, parent, "/bin/x");
    assert_text(process_row(2)->origin, "inferred");
    assert_int_equal(process_row(2)->parent_id, 1);
    assert_text(edge_row(1)->detail, "inferred");
    forked(child, parent); /* told late: the edge is there already */
    assert_int_equal(edges("fork"), 1);
}

static void names_are_those_of_the_newest_record(void **state)
{
    (void)state;
    struct event_user user = {
        .header = header_of(EVENT_USER, sizeof(user), 1, NOBODY), .uid = 1000, .name = "ann"};
    struct event_cgroup_path cgroup = cgroup_record(7, "/a.slice");
    apply(&user);
    apply(&cgroup);
    forked(parent, NOBODY);
    assert_text(process_row(1)->user, "ann");
    assert_text(process_row(1)->cgroup, "/a.slice");
    memset(user.name, 0, sizeof(user.name)); /* deleted */
    apply(&user);
    forked(child, parent);
    assert_text(process_row(2)->user, NULL);
    assert_text(process_row(2)->cgroup, "/a.slice");
}

/* ---- cgroups ---- */

static void attach(uint64_t time, struct who who, uint64_t cgroup_id)
{
    struct event_fork record = fork_record(time, who, NOBODY);
    record.header.kind = EVENT_CGROUP_ATTACH;
    record.task.cgroup_id = cgroup_id;
    apply(&record);
}

static void who_left_the_cgroup_lives_on_unseen(void **state)
{
    (void)state;
    struct event_cgroup_path home = cgroup_record(7, "/home"), below = cgroup_record(8, "/home/x");
    apply(&home);
    apply(&below);
    forked(child, NOBODY);
    attach(21 * SECOND, child, 8);
    assert_text(process_row(1)->cgroup, "/home/x");
    attach(22 * SECOND, child, 99); /* not below what is recorded */
    scan_done(30 * SECOND, 29 * SECOND);
    assert_null_column(process_row(1)->ended_at);
    attach(31 * SECOND, child, 7); /* back */
    assert_text(process_row(1)->cgroup, "/home");
    scan_done(41 * SECOND, 40 * SECOND);
    assert_true(process_row(1)->ended_at == AT(40 * SECOND));
}

static void attaching_a_stranger_makes_no_row(void **state)
{
    (void)state;
    attach(21 * SECOND, child, 7);
    assert_int_equal(flush(), 0);
}

static void who_enters_the_cgroup_is_an_event(void **state)
{
    (void)state;
    struct exec_record record = exec_record(EVENT_PROCESS, 21 * SECOND, child, parent, "/bin/x");
    forked(parent, NOBODY);
    record.exec.task.flags = EVENT_TASK_ENTERED;
    apply(&record);
    assert_text(process_row(2)->origin, "event");
    assert_int_equal(process_row(2)->parent_id, 1);
    assert_text(edge_row(1)->detail, "entered");
}

/* ---- scan and restart ---- */

/* Numbers 0 to count - 1 in any order. */
static void shuffle(uint32_t *numbers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = (uint32_t)random() % i, held = numbers[i - 1];
        numbers[i - 1] = numbers[j];
        numbers[j] = held;
    }
}

static struct who link_of(uint32_t i)
{
    return (struct who){i + 1, (i + 1) * MS};
}

/* A chain of processes, each the parent of the next, found in any order. */
static void parents_are_settled_whatever_the_order(void **state)
{
    (void)state;
    enum { CHAIN = 200 };
    uint32_t order[CHAIN];
    srandom(20);
    for (unsigned round = 0; round < 10; round++) {
        shuffle(order, CHAIN);
        for (uint32_t i = 0; i < CHAIN; i++)
            scanned(SECOND, link_of(order[i]), order[i] ? link_of(order[i] - 1) : NOBODY);
        scan_done(2 * SECOND, SECOND);
        for (uint32_t i = 0; i < CHAIN; i++) {
            const struct row_process *row = process_row(i + 1);
            assert_int_equal(row->depth, order[i]);
            if (order[i])
                assert_int_equal(process_row(row->parent_id)->pid, row->pid - 1);
            else
                assert_null_column(row->parent_id);
        }
        assert_int_equal(edges("fork"), CHAIN - 1);
        restart_model(1);
        ledger_clear();
    }
}

static void parents_in_a_circle_end_the_search(void **state)
{
    (void)state;
    scanned(SECOND, link_of(0), link_of(1));
    scanned(SECOND, link_of(1), link_of(0));
    scanned(SECOND, link_of(2), link_of(2)); /* its own */
    scan_done(2 * SECOND, SECOND);
    assert_int_equal(rows(ROW_PROCESS), 3);
    assert_null_column(process_row(3)->parent_id);
}

static void what_the_scan_did_not_see_has_ended_unless_it_is_new(void **state)
{
    (void)state;
    struct who unseen = {1, 7 * SECOND}, young = {2, 9 * SECOND + 1}, busy = {3, 7 * SECOND};
    forked(unseen, NOBODY);
    forked(busy, NOBODY);
    forked(young, NOBODY);
    execed(9 * SECOND + 2, busy, NOBODY, "/bin/x"); /* shows itself while the scan is under way */
    scan_done(10 * SECOND, 9 * SECOND);
    assert_true(process_row(1)->ended_at == AT(9 * SECOND));
    assert_null_column(process_row(1)->exit_code);
    assert_null_column(process_row(2)->ended_at);
    assert_null_column(process_row(3)->ended_at);
}

static void what_was_adopted_keeps_its_id_and_takes_none(void **state)
{
    (void)state;
    struct row_process row = left_alive(7, parent);
    restart_model(40);
    adopt(ROW_PROCESS, &row);
    assert_int_equal(flush(), 0); /* nothing is new */
    forked(child, parent);
    assert_int_equal(process_row(40)->parent_id, 7);
    assert_text(process_row(40)->exe, "/bin/left");
    exited(21 * SECOND, parent, 2 << 8);
    assert_int_equal(rows(ROW_PROCESS), 2);
    assert_int_equal(process_row(7)->exit_code, 2);
    assert_text(process_row(7)->exe, "/bin/left");
    assert_text(process_row(7)->user, "ann");
    assert_text(process_row(7)->comm, "last");
    assert_text(process_row(7)->origin, "event");
    assert_int_equal(process_row(7)->exec_count, 3);
}

static void what_was_adopted_and_is_gone_has_ended(void **state)
{
    (void)state;
    struct row_process gone = left_alive(7, parent), there = left_alive(8, child);
    struct who reused = {parent.pid, 25 * SECOND};
    restart_model(40);
    adopt(ROW_PROCESS, &gone);
    adopt(ROW_PROCESS, &there);
    scanned(30 * SECOND, child, reused);
    scanned(30 * SECOND, reused, NOBODY); /* the same pid, but not the same process */
    scan_done(31 * SECOND, 29 * SECOND);
    assert_int_equal(rows(ROW_PROCESS), 3);
    assert_true(process_row(7)->ended_at == AT(29 * SECOND));
    assert_null_column(process_row(8)->ended_at);
    assert_text(process_row(8)->origin, "event");
    assert_text(process_row(40)->origin, "scan");
    assert_int_equal(process_row(40)->pid, parent.pid);
}

static void a_row_without_a_start_is_not_adopted(void **state)
{
    (void)state;
    struct row_process row = left_alive(7, parent);
    restart_model(40);
    row.start_boottime = INTEGER_NULL;
    adopt(ROW_PROCESS, &row);
    exited(21 * SECOND, parent, 0);
    assert_null_column(process_row(7)->ended_at);
    assert_true(process_row(40)->ended_at == AT(21 * SECOND));
}

/* ---- losses ---- */

static void losses_from_elsewhere_get_ids_of_their_own(void **state)
{
    (void)state;
    struct row_loss loss = {.started_at = 1,
                            .ended_at = 2,
                            .class = as_text("network"),
                            .stage = as_text("queue"),
                            .count = 3};
    model_lose(model, &loss);
    model_lose(model, &loss);
    const struct row_loss *row = flushed(ROW_LOSS, 2);
    assert_int_equal(row->count, 3);
    assert_text(row->stage, "queue");
    assert_int_equal(rows(ROW_LOSS), 2);
}

static void what_waits_takes_memory_until_it_is_flushed(void **state)
{
    (void)state;
    assert_int_equal(model_pending(model), 0);
    execed(21 * SECOND, child, NOBODY, "/bin/x");
    assert_true(model_pending(model) > 0);
    flush();
    assert_int_equal(model_pending(model), 0);
    assert_null(model_flush(model));
}

#define MODEL_TEST(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, model_set_up, model_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODEL_TEST(the_first_of_two_exits_counts),
        MODEL_TEST(a_signal_is_not_an_exit_code),
        MODEL_TEST(an_exit_before_its_fork_is_the_same_process),
        MODEL_TEST(an_exec_told_after_the_exit_is_still_its_own),
        MODEL_TEST(the_scan_does_not_raise_the_dead),
        MODEL_TEST(an_exit_outside_of_a_stranger_makes_no_row),
        MODEL_TEST(the_dead_are_forgotten_after_a_while),
        MODEL_TEST(a_pid_with_another_start_is_another_process),
        MODEL_TEST(ids_increase_and_none_comes_back),
        MODEL_TEST(a_child_runs_its_parents_program),
        MODEL_TEST(a_child_in_another_directory_is_not_where_the_parents_exec_was),
        MODEL_TEST(a_childs_texts_outlive_its_parent),
        MODEL_TEST(an_exec_of_a_stranger_names_its_parent_as_inferred),
        MODEL_TEST(names_are_those_of_the_newest_record),
        MODEL_TEST(who_left_the_cgroup_lives_on_unseen),
        MODEL_TEST(attaching_a_stranger_makes_no_row),
        MODEL_TEST(who_enters_the_cgroup_is_an_event),
        MODEL_TEST(parents_are_settled_whatever_the_order),
        MODEL_TEST(parents_in_a_circle_end_the_search),
        MODEL_TEST(what_the_scan_did_not_see_has_ended_unless_it_is_new),
        MODEL_TEST(what_was_adopted_keeps_its_id_and_takes_none),
        MODEL_TEST(what_was_adopted_and_is_gone_has_ended),
        MODEL_TEST(a_row_without_a_start_is_not_adopted),
        MODEL_TEST(losses_from_elsewhere_get_ids_of_their_own),
        MODEL_TEST(what_waits_takes_memory_until_it_is_flushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
