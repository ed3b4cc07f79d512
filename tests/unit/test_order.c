/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order stage against a model of it that is too simple to be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/order.h"

#define MOST 4096

/* Records carry their number in `sequence`; the sink keeps the numbers. */
struct seen {
    size_t count;
    uint64_t numbers[MOST];
    uint64_t times[MOST];
};

static void keep(void *context, const struct event_header *record)
{
    struct seen *seen = context;
    assert_in_range(seen->count, 0, MOST - 1);
    seen->numbers[seen->count] = record->sequence;
    seen->times[seen->count++] = record->time;
}

static struct seen seen;

static struct order *new_order(size_t limit)
{
    seen.count = 0;
    struct order *order = order_new(limit, keep, &seen);
    assert_non_null(order);
    return order;
}

static void push(struct order *order, uint64_t number, uint64_t time)
{
    const struct event_mark record = {
        .header = {.size = sizeof(record), .time = time, .sequence = number}};
    assert_int_equal(order_push(order, &record.header), 0);
}

static void assert_seen(const uint64_t *numbers, size_t count)
{
    assert_int_equal(seen.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(seen.numbers[i], numbers[i]);
}

#define ASSERT_SEEN(...)                                                                           \
    assert_seen((const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / 8)

static void records_wait_for_the_frontier_and_leave_by_time(void **state)
{
    (void)state;
    struct order *order = new_order(1 << 20);
    push(order, 1, 30);
    push(order, 2, 10);
    push(order, 3, 20);
    assert_int_equal(seen.count, 0);
    order_release(order, 20); /* below 20: the record at 20 stays */
    ASSERT_SEEN(2);
    order_release(order, 21);
    ASSERT_SEEN(2, 3);
    order_release(order, UINT64_MAX);
    ASSERT_SEEN(2, 3, 1);
    assert_int_equal(order_late(order), 0);
    order_free(order);
}

static void equal_times_leave_in_order_of_arrival(void **state)
{
    (void)state;
    struct order *order = new_order(1 << 20);
    for (uint64_t i = 0; i < 100; i++)
        push(order, i, 7 + i % 2);
    order_release(order, UINT64_MAX);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(seen.numbers[i], i < 50 ? 2 * i : 2 * (i - 50) + 1);
    order_free(order);
}

static void a_late_record_leaves_at_once_and_is_counted(void **state)
{
    (void)state;
    struct order *order = new_order(1 << 20);
    push(order, 1, 10);
    push(order, 2, 20);
    order_release(order, 15);
    push(order, 3, 12); /* below the frontier, but nothing later has gone out */
    assert_int_equal(order_late(order), 0);
    order_release(order, 21);
    ASSERT_SEEN(1, 3, 2);
    push(order, 4, 19);
    ASSERT_SEEN(1, 3, 2, 4);
    assert_int_equal(order_late(order), 1);
    push(order, 5, 20); /* as old as the latest that went out: not late */
    assert_int_equal(order_late(order), 1);
    order_release(order, 21);
    ASSERT_SEEN(1, 3, 2, 4, 5);
    order_free(order);
}

static void beyond_the_limit_the_oldest_leave_early(void **state)
{
    (void)state;
    struct order *order = new_order(10 * 64); /* 40 bytes of record and 24 of bookkeeping each */
    for (uint64_t i = 0; i < 10; i++)
        push(order, i, 100 - i);
    assert_int_equal(seen.count, 0);
    push(order, 10, 200);
    ASSERT_SEEN(9);
    push(order, 11, 5); /* now late, as 91 has gone out */
    ASSERT_SEEN(9, 11);
    assert_int_equal(order_late(order), 1);
    order_free(order);
}

static void a_record_longer_than_the_limit_still_leaves(void **state)
{
    (void)state;
    struct order *order = new_order(1);
    push(order, 1, 10);
    push(order, 2, 11);
    ASSERT_SEEN(1, 2);
    order_free(order);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Random arrivals within a window that the frontier follows: nothing is late, all is sorted. */
static void a_window_of_disorder_is_put_right(void **state)
{
    (void)state;
    struct order *order = new_order(1 << 20);
    uint64_t random = 42;
    for (uint64_t i = 0; i < MOST; i++) {
        push(order, i, 1000 + i - next_random(&random) % 50);
        if (i % 16 == 0)
            order_release(order, 1000 + i - 50);
    }
    order_release(order, UINT64_MAX);
    assert_int_equal(seen.count, MOST);
    assert_int_equal(order_late(order), 0);
    for (size_t i = 1; i < MOST; i++) {
        assert_true(seen.times[i - 1] <= seen.times[i]);
        if (seen.times[i - 1] == seen.times[i])
            assert_true(seen.numbers[i - 1] < seen.numbers[i]);
    }
    order_free(order);
}

static void check_bytes(void *context, const struct event_header *record)
{
    size_t *count = context;
    const char *bytes = (const char *)record;
    for (size_t i = sizeof(*record); i < record->size; i++)
        assert_int_equal((unsigned char)bytes[i], record->size / 8 % 251);
    (*count)++;
}

static void records_of_any_length_are_copied_whole(void **state)
{
    (void)state;
    size_t count = 0;
    struct order *order = order_new(64 << 20, check_bytes, &count);
    static _Alignas(8) char record[EVENT_RECORD_MAX];
    size_t pushed = 0;
    for (size_t size = 40; size <= sizeof(record); size += 1024, pushed++) {
        memset(record, (int)(size / 8 % 251), size);
        struct event_header header = {.size = (__u32)size, .time = sizeof(record) - size};
        memcpy(record, &header, sizeof(header));
        assert_int_equal(order_push(order, (const struct event_header *)(void *)record), 0);
    }
    memset(record, 0, sizeof(record));
    order_release(order, UINT64_MAX);
    assert_int_equal(count, pushed);
    order_free(order);
}

static void what_is_still_held_is_freed(void **state)
{
    (void)state;
    struct order *order = new_order(1 << 20);
    for (uint64_t i = 0; i < 3000; i++)
        push(order, i, i);
    order_free(order); /* the leak checker has the last word */
    order_free(NULL);
    assert_int_equal(seen.count, 0);
}

/* ---- what they are held in ---- */

#define LONG (100u << 10)

static void keep_whole(void *context, const struct event_header *record)
{
    const char *bytes = (const char *)record;
    size_t *count = context;
    for (size_t i = sizeof(*record); i < record->size; i++)
        assert_int_equal(bytes[i], (char)record->sequence);
    assert_int_equal(record->sequence, ++*count);
}

/* Lengths up to one that is longer than what records share; some leave in between. */
static void records_of_any_length_leave_whole(void **state)
{
    (void)state;
    static const size_t lengths[] = {48, LONG, 64, LONG, LONG, 40000, 40000, 48};
    size_t count = 0;
    struct order *order = order_new(8 << 20, keep_whole, &count);
    struct event_header *record = malloc(LONG);
    assert_non_null(order);
    assert_non_null(record);
    for (uint64_t i = 1; i <= 80; i++) {
        size_t length = lengths[i % 8];
        memset(record, (int)i, length);
        *record = (struct event_header){.size = (uint32_t)length, .time = i, .sequence = i};
        assert_int_equal(order_push(order, record), 0);
        if (i % 5 == 0)
            order_release(order, i - i % 3);
    }
    order_release(order, 79);
    assert_int_equal(count, 78);
    order_free(order);
    free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_wait_for_the_frontier_and_leave_by_time),
        cmocka_unit_test(equal_times_leave_in_order_of_arrival),
        cmocka_unit_test(a_late_record_leaves_at_once_and_is_counted),
        cmocka_unit_test(beyond_the_limit_the_oldest_leave_early),
        cmocka_unit_test(a_record_longer_than_the_limit_still_leaves),
        cmocka_unit_test(records_of_any_length_leave_whole),
        cmocka_unit_test(a_window_of_disorder_is_put_right),
        cmocka_unit_test(records_of_any_length_are_copied_whole),
        cmocka_unit_test(what_is_still_held_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
