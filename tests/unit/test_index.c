/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hash table against a list that is searched from end to end, and the texts with several
 * holders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../daemon/index.h"
#include "../../daemon/shared.h"

#define KEYS_MAX 512

static struct key keys[KEYS_MAX];
static void *values[KEYS_MAX]; /* what the reference has under the key; NULL: nothing */
static char things[KEYS_MAX * 2];

static unsigned below(unsigned bound)
{
    return (unsigned)random() % bound;
}

static size_t reference_count(size_t count)
{
    size_t held = 0;
    for (size_t i = 0; i < count; i++)
        held += values[i] != NULL;
    return held;
}

static void one_step(struct index *index, size_t i)
{
    switch (below(3)) {
    case 0:
        values[i] = &things[below(sizeof(things))];
        assert_int_equal(index_put(index, keys[i], values[i]), 0);
        return;
    case 1:
        assert_ptr_equal(index_remove(index, keys[i]), values[i]);
        values[i] = NULL;
        return;
    default:
        assert_ptr_equal(index_get(index, keys[i]), values[i]);
    }
}

static void hold_against_reference(size_t count, unsigned steps)
{
    struct index index = {0};
    memset(values, 0, sizeof(values));
    for (unsigned step = 0; step < steps; step++) {
        one_step(&index, below((unsigned)count));
        assert_int_equal(index.count, reference_count(count));
        if (step % 64 == 0)
            for (size_t i = 0; i < count; i++)
                assert_ptr_equal(index_get(&index, keys[i]), values[i]);
    }
    index_free(&index);
    assert_null(index_get(&index, keys[0]));
}

static void any_keys_are_found_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS_MAX; i++)
        keys[i] = (struct key){i % 29, i / 29};
    hold_against_reference(KEYS_MAX, 20000);
}

/* Where a key goes in a table that has nothing else in it. */
static size_t home_of(struct key key)
{
    struct index index = {0};
    size_t found = SIZE_MAX, size;
    assert_int_equal(index_put(&index, key, things), 0);
    size = index.size;
    /* Entries are private: the slot is told by what else fits before it, one step at a time. */
    const char *entries = (const char *)index.entries;
    size_t entry_size = sizeof(struct key) + sizeof(void *);
    for (size_t i = 0; i < size && found == SIZE_MAX; i++) {
        void *value;
        memcpy(&value, entries + i * entry_size + sizeof(struct key), sizeof(value));
        if (value)
            found = i;
    }
    index_free(&index);
    assert_true(found < size);
    return found;
}

/* Few slots in which all keys belong, at the end of the table: entries run over its end into its
 * beginning, and removing moves them back around. As many as fit before the table grows. */
static void entries_that_collide_around_the_end_are_found_again(void **state)
{
    (void)state;
    size_t count = 0;
    for (uint64_t a = 0; count < 30; a++) {
        size_t home = home_of((struct key){a, 1});
        if (home >= 61 || home <= 1)
            keys[count++] = (struct key){a, 1};
    }
    for (int round = 0; round < 20; round++)
        hold_against_reference(count, 2000);
}

static void what_was_put_twice_is_there_once(void **state)
{
    (void)state;
    struct index index = {0};
    struct key key = {1, 2}, swapped = {2, 1}, found;
    assert_null(index_remove(&index, key));
    assert_null(index_any(&index, &found));
    assert_int_equal(index_put(&index, key, &things[0]), 0);
    assert_int_equal(index_put(&index, key, &things[1]), 0);
    assert_int_equal(index.count, 1);
    assert_null(index_get(&index, swapped));
    assert_ptr_equal(index_any(&index, &found), &things[1]);
    assert_memory_equal(&found, &key, sizeof(key));
    assert_ptr_equal(index_remove(&index, key), &things[1]);
    assert_null(index_remove(&index, key));
    assert_null(index_any(&index, &found));
    index_free(&index);
}

/* Down to where most keys are gone, and not to and fro at any bound. */
static void a_table_shrinks_with_what_it_holds(void **state)
{
    (void)state;
    struct index index = {0};
    struct key key;
    size_t most;
    for (uint64_t i = 0; i < 100000; i++)
        index_put(&index, (struct key){i, i}, &things[i % 64]);
    most = index.size;
    for (uint64_t i = 0; i < 50000; i++)
        index_remove(&index, (struct key){i, i});
    assert_int_equal(index.size, most);
    for (uint64_t i = 50000; i < 99900; i++) {
        size_t before = index.size;
        index_remove(&index, (struct key){i, i});
        key = (struct key){i + 1, i + 1};
        assert_ptr_equal(index_get(&index, key), &things[(i + 1) % 64]);
        if (index.size == before)
            continue;
        before = index.size;
        assert_int_equal(index_put(&index, (struct key){i, i}, things), 0);
        assert_int_equal(index.size, before);
        index_remove(&index, (struct key){i, i});
    }
    assert_in_range(index.size, 200, 1024);
    for (uint64_t i = 99900; i < 100000; i++)
        assert_ptr_equal(index_get(&index, (struct key){i, i}), &things[i % 64]);
    index_free(&index);
}

static void a_table_grows_with_what_it_holds(void **state)
{
    (void)state;
    struct index index = {0};
    for (uint64_t i = 0; i < 100000; i++)
        assert_int_equal(index_put(&index, (struct key){i << 40, ~i}, &things[i % 64]), 0);
    assert_int_equal(index.count, 100000);
    assert_true(index.size >= index.count);
    for (uint64_t i = 0; i < 100000; i++) {
        assert_ptr_equal(index_remove(&index, (struct key){i << 40, ~i}), &things[i % 64]);
        if (i + 1 < 100000 && i % 97 == 0)
            assert_ptr_equal(index_get(&index, (struct key){(i + 1) << 40, ~(i + 1)}),
                             &things[(i + 1) % 64]);
    }
    assert_int_equal(index.count, 0);
    index_free(&index);
}

/* ---- shared text ---- */

static void text_lives_as_long_as_somebody_holds_it(void **state)
{
    (void)state;
    char bytes[] = "a\0b";
    struct shared *one = shared_new((struct text){bytes, 3}), *two = shared_hold(one);
    assert_ptr_equal(one, two);
    memset(bytes, 'x', sizeof(bytes));
    shared_drop(one);
    assert_int_equal(shared_text(two).length, 3);
    assert_memory_equal(shared_text(two).data, "a\0b", 3);
    shared_drop(two);
}

static void setting_a_place_to_what_it_holds_keeps_it(void **state)
{
    (void)state;
    struct shared *place = shared_string("text");
    shared_set(&place, shared_hold(place));
    assert_memory_equal(shared_text(place).data, "text", 4);
    shared_set(&place, NULL);
    assert_null(place);
}

static void unknown_text_stays_unknown_and_empty_text_empty(void **state)
{
    (void)state;
    assert_null(shared_new(TEXT_NULL));
    assert_null(shared_hold(NULL));
    shared_drop(NULL);
    assert_null(shared_text(NULL).data);
    struct shared *empty = shared_string("");
    assert_non_null(shared_text(empty).data);
    assert_int_equal(shared_text(empty).length, 0);
    shared_drop(empty);
}

static int seed(void **state)
{
    (void)state;
    const char *given = getenv("SPYQ_TEST_SEED");
    unsigned number = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("SPYQ_TEST_SEED=%u\n", number);
    srandom(number);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_keys_are_found_again),
        cmocka_unit_test(entries_that_collide_around_the_end_are_found_again),
        cmocka_unit_test(what_was_put_twice_is_there_once),
        cmocka_unit_test(a_table_grows_with_what_it_holds),
        cmocka_unit_test(a_table_shrinks_with_what_it_holds),
        cmocka_unit_test(text_lives_as_long_as_somebody_holds_it),
        cmocka_unit_test(setting_a_place_to_what_it_holds_keeps_it),
        cmocka_unit_test(unknown_text_stays_unknown_and_empty_text_empty),
    };
    return cmocka_run_group_tests(tests, seed, NULL);
}
