/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When what a storm needed is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../daemon/ebb.h"

/* How often it comes within so many seconds of so many records each. */
static unsigned ebbs(struct ebb *ebb, unsigned seconds, size_t records)
{
    unsigned count = 0;

    for (unsigned i = 0; i < seconds; i++)
        count += ebb_has_come(ebb, records);
    return count;
}

static void it_comes_once_after_a_storm(void **state)
{
    (void)state;
    struct ebb ebb = {0};

    assert_int_equal(ebbs(&ebb, 60, 5000), 0);
    assert_int_equal(ebbs(&ebb, 6, 0), 0); /* what has ended is not forgotten yet */
    assert_int_equal(ebbs(&ebb, 3, 0), 1);
    assert_int_equal(ebbs(&ebb, 3600, 0), 0);
    assert_int_equal(ebbs(&ebb, 1, 5000), 0);
    assert_int_equal(ebbs(&ebb, 60, 0), 1);
}

static void little_is_no_storm(void **state)
{
    (void)state;
    struct ebb ebb = {0};

    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(ebbs(&ebb, 5, 500), 0);
        assert_int_equal(ebbs(&ebb, 60, 0), 0);
    }
}

/* A build or a server that works in bursts would have to fetch all of it again. */
static void short_pauses_are_part_of_a_storm(void **state)
{
    (void)state;
    struct ebb ebb = {0};

    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(ebbs(&ebb, 1, 5000), 0);
        assert_int_equal(ebbs(&ebb, 5, 0), 0);
    }
}

/* A busy host is never idle. */
static void what_goes_on_with_much_less_is_quiet(void **state)
{
    (void)state;
    struct ebb ebb = {0};

    assert_int_equal(ebbs(&ebb, 10, 20000), 0);
    assert_int_equal(ebbs(&ebb, 60, 8000), 0);
    assert_int_equal(ebbs(&ebb, 600, 2000), 1);
    assert_int_equal(ebbs(&ebb, 60, 100), 1);
    assert_int_equal(ebbs(&ebb, 600, 100), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_once_after_a_storm),
        cmocka_unit_test(little_is_no_storm),
        cmocka_unit_test(short_pauses_are_part_of_a_storm),
        cmocka_unit_test(what_goes_on_with_much_less_is_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
