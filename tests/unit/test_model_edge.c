/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edges that happen again are lengthened, and nobody who asks can tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../daemon/model_private.h"
#include "events.h"

#define BEGIN   (100 * SECOND)
#define PEOPLE  6
#define ACTS    40
#define HISTORY 400 /* rounds of the comparison */

static const struct evidence nothing = {
    .connection_id = INTEGER_NULL, .file_id = INTEGER_NULL, .detail = {NULL, 0}};

/* Processes with the ids 1 to PEOPLE; the first is nobody's child, the rest are nobody's either. */
static int set_up(void **state)
{
    if (model_set_up(state))
        return -1;
    for (uint32_t i = 1; i <= PEOPLE; i++)
        forked((struct who){i, i * SECOND}, NOBODY);
    return 0;
}

static int64_t act(int64_t src, int64_t dst, uint64_t time)
{
    return edge_act(model, "pipe", process_by_id(model, src), process_by_id(model, dst), time, time,
                    &nothing);
}

static void a_second_act_lengthens_the_edge(void **state)
{
    (void)state;
    int64_t first = act(1, 2, BEGIN);
    assert_int_equal(act(1, 2, BEGIN + SECOND), first);
    assert_int_equal(rows(ROW_EDGE), 1);
    assert_int_equal(edge_row(first)->at, AT(BEGIN));
    assert_int_equal(edge_row(first)->last_at, AT(BEGIN + SECOND));
    assert_int_equal(edge_row(first)->count, 2);
}

static void another_kind_direction_or_evidence_is_another_edge(void **state)
{
    (void)state;
    struct process *one = process_by_id(model, 1), *two = process_by_id(model, 2);
    struct evidence named = nothing, filed = nothing;
    named.detail = model_constant("/run/x.sock");
    filed.file_id = 7;
    edge_act(model, "pipe", one, two, BEGIN, BEGIN, &nothing);
    edge_act(model, "unix", one, two, BEGIN, BEGIN, &nothing);
    edge_act(model, "unix", one, two, BEGIN, BEGIN, &named);
    edge_act(model, "unix", one, two, BEGIN, BEGIN, &filed);
    edge_act(model, "unix", two, one, BEGIN, BEGIN, &filed);
    assert_int_equal(rows(ROW_EDGE), 5);
}

static void nobody_acts_on_himself(void **state)
{
    (void)state;
    assert_int_equal(act(1, 1, BEGIN), 0);
    assert_int_equal(act(1, 99, BEGIN), 0);
    assert_int_equal(rows(ROW_EDGE), 0);
}

static void what_came_to_the_source_in_between_is_kept_apart(void **state)
{
    (void)state;
    int64_t first = act(1, 2, BEGIN);
    act(3, 1, BEGIN + SECOND);
    assert_int_not_equal(act(1, 2, BEGIN + 2 * SECOND), first);
    assert_int_equal(edge_row(first)->last_at, AT(BEGIN));
}

static void what_left_the_target_in_between_is_kept_apart(void **state)
{
    (void)state;
    int64_t first = act(1, 2, BEGIN);
    act(2, 3, BEGIN + SECOND);
    assert_int_not_equal(act(1, 2, BEGIN + 2 * SECOND), first);
    assert_int_equal(edge_row(first)->last_at, AT(BEGIN));
}

static void a_child_in_between_keeps_them_apart(void **state)
{
    (void)state;
    int64_t first = act(1, 2, BEGIN);
    forked((struct who){50, BEGIN + SECOND}, (struct who){2, 2 * SECOND});
    assert_int_not_equal(act(1, 2, BEGIN + 2 * SECOND), first);
}

/* ---- the same answers, whatever is asked ---- */

struct acted {
    int64_t src, dst, at, last_at;
};

/* Marks who could have acted on `from` until `time` (DESIGN: backward), or on whom it could have
 * acted since (forward). */
static void search(const struct acted *edges_, size_t count, int64_t from, int64_t time,
                   bool backward, bool reached[PEOPLE + 1])
{
    int64_t best[PEOPLE + 1];
    bool changed = true;
    memset(reached, 0, sizeof(bool) * (PEOPLE + 1));
    reached[from] = true;
    best[from] = time;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < count; i++) {
            const struct acted *e = &edges_[i];
            int64_t here = backward ? e->dst : e->src, there = backward ? e->src : e->dst, next;
            if (!reached[here] || (backward ? e->at > best[here] : e->last_at < best[here]))
                continue;
            if (backward)
                next = e->last_at < best[here] ? e->last_at : best[here];
            else
                next = e->at > best[here] ? e->at : best[here];
            if (reached[there] && (backward ? next <= best[there] : next >= best[there]))
                continue;
            reached[there] = changed = true;
            best[there] = next;
        }
    }
}

static size_t made(struct acted *into)
{
    size_t count = 0;
    flush();
    for (int64_t id = 1; id < LEDGER_MAX; id++) {
        const struct row_edge *row = ledger_get(ROW_EDGE, id);
        if (row)
            into[count++] = (struct acted){row->src, row->dst, row->at, row->last_at};
    }
    return count;
}

/* Random acts; those on the same two soon after each other are likely. */
static size_t act_at_random(struct acted *all)
{
    int64_t src = 1, dst = 2;
    for (size_t i = 0; i < ACTS; i++) {
        uint64_t time = BEGIN + i * SECOND;
        if (rand() % 3 == 0) {
            src = 1 + rand() % PEOPLE;
            dst = 1 + (src + rand() % (PEOPLE - 1)) % PEOPLE;
        }
        assert_int_not_equal(act(src, dst, time), 0);
        all[i] = (struct acted){src, dst, AT(time), AT(time)};
    }
    return ACTS;
}

static void reachability_is_that_of_the_single_acts(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    size_t fewer = 0;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < HISTORY; round++) {
        struct acted all[ACTS], merged[ACTS];
        bool wanted[PEOPLE + 1], got[PEOPLE + 1];
        size_t acts = act_at_random(all), rows_ = made(merged);
        fewer += acts - rows_;
        for (int64_t who = 1; who <= PEOPLE; who++) {
            for (uint64_t half = 0; half < 2 * ACTS; half++) {
                int64_t when = AT(BEGIN + half * SECOND / 2);
                for (int backward = 0; backward < 2; backward++) {
                    search(all, acts, who, when, backward, wanted);
                    search(merged, rows_, who, when, backward, got);
                    assert_memory_equal(got, wanted, sizeof(got));
                }
            }
        }
        model_tear_down(state);
        set_up(state);
    }
    assert_true(fewer > HISTORY); /* some were merged at all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_act_lengthens_the_edge, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(another_kind_direction_or_evidence_is_another_edge, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(nobody_acts_on_himself, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(what_came_to_the_source_in_between_is_kept_apart, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(what_left_the_target_in_between_is_kept_apart, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(a_child_in_between_keeps_them_apart, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(reachability_is_that_of_the_single_acts, set_up,
                                        model_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
