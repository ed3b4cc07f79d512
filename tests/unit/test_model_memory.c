/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the model holds is what lives, and for a while what has ended: it must not grow with time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <malloc.h>

#include "events.h"

#define LIVES    4000u           /* of a round */
#define APART    (SECOND / 2000) /* from one life to the next */
#define PER_LIFE 2500u           /* bytes that one may take until it is forgotten */

static const struct who shell = {50, SECOND};
static const struct who server = {60, SECOND};

/* Bytes that are allocated now; 0 where the sanitizers' allocator is in its place. */
static size_t allocated(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* A child of the shell runs a program of its own name, talks to the server, and ends. */
static void live(uint32_t number)
{
    uint64_t at = 10 * SECOND + number * APART;
    struct who who = {1000 + number % 30000, at};
    char exe[64];
    struct end end = client_end(2ull * number + 2, (uint16_t)(10000 + number % 50000), 80);

    snprintf(exe, sizeof(exe), "/usr/bin/program-%u", number);
    forked(who, shell);
    execed(at + 1000, who, shell, exe);
    connecting(at + 2000, who, end);
    established(at + 3000, end, TCP_SYN_SENT);
    closed(at + 4000, end, 100, 0);
    exited(at + 5000, who, 0);
}

static void drop_rows(void)
{
    batch_free(model_flush(model));
}

/* Returns what is allocated after them. */
static size_t live_a_round(uint32_t round)
{
    for (uint32_t i = 0; i < LIVES; i++) {
        live(round * LIVES + i);
        if (i % 100 == 0)
            drop_rows();
    }
    drop_rows();
    return allocated();
}

static void what_has_ended_is_given_back(void **state)
{
    (void)state;
    size_t before, settled = 0;

    forked(shell, NOBODY);
    forked(server, NOBODY);
    listening(2 * SECOND, server, 1, "0.0.0.0", 80);
    drop_rows();
    before = allocated();
    /* Within five seconds nothing is forgotten: that is the most that it takes. */
    for (uint32_t round = 0; round < 4; round++)
        settled = live_a_round(round);
    assert_in_range(settled - before, 0, (size_t)PER_LIFE * 10000);
    for (uint32_t round = 4; round < 12; round++)
        assert_in_range(live_a_round(round), 0, settled + settled / 20);
}

/* Nothing else happens: it is the time that passes. */
static void what_has_ended_is_given_back_when_nothing_comes(void **state)
{
    (void)state;
    const uint64_t last = 10 * SECOND + LIVES * APART;
    size_t before, most, grace, after;

    forked(shell, NOBODY);
    forked(server, NOBODY);
    listening(2 * SECOND, server, 1, "0.0.0.0", 80);
    drop_rows();
    before = allocated();
    most = live_a_round(0);
    model_pass(model, last + 2 * SECOND);
    grace = allocated();
    model_pass(model, last + 6 * SECOND);
    drop_rows();
    after = allocated();
    assert_in_range(grace, most - most / 20, most + most / 20);
    assert_in_range(after - before, 0, (most - before) / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_has_ended_is_given_back, model_set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(what_has_ended_is_given_back_when_nothing_comes,
                                        model_set_up, model_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
