/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/batch.h"

static struct text text(const char *string)
{
    return (struct text){string, strlen(string)};
}

static struct row_process process(int64_t id)
{
    struct row_process row;
    row_clear(ROW_PROCESS, &row);
    row.id = id;
    return row;
}

static struct row_connection connection(int64_t id)
{
    struct row_connection row;
    row_clear(ROW_CONNECTION, &row);
    row.id = id;
    row.protocol = text("tcp");
    return row;
}

static void a_new_batch_is_empty(void **state)
{
    (void)state;
    struct batch *batch = batch_new();
    assert_non_null(batch);
    assert_int_equal(batch_count(batch), 0);
    assert_int_not_equal(batch_bytes(batch), 0);
    batch_free(batch);
    batch_free(NULL);
}

static void rows_and_text_are_copied(void **state)
{
    (void)state;
    char name[] = "a\0b\xff";
    struct row_process row = process(7);
    row.comm = (struct text){name, 4};
    row.exe = (struct text){name, 0}; /* empty, not NULL */
    struct batch *batch = batch_new();
    assert_int_equal(batch_add(batch, ROW_PROCESS, &row), 0);
    memset(name, 'x', sizeof(name));
    memset(&row, 0x5a, sizeof(row));
    assert_int_equal(batch_count(batch), 1);
    const struct row_process *copy = batch_rows(batch)->columns;
    assert_int_equal(batch_rows(batch)->kind, ROW_PROCESS);
    assert_int_equal(copy->id, 7);
    assert_true(copy->pid == INTEGER_NULL);
    assert_int_equal(copy->comm.length, 4);
    assert_memory_equal(copy->comm.data, "a\0b\xff", 4);
    assert_non_null(copy->exe.data);
    assert_int_equal(copy->exe.length, 0);
    assert_null(copy->cmdline.data);
    batch_free(batch);
}

static void rows_keep_their_order_across_kinds_and_chunks(void **state)
{
    (void)state;
    static char long_text[200000];
    memset(long_text, 'a', sizeof(long_text));
    struct batch *batch = batch_new();
    for (int64_t i = 0; i < 3000; i++) {
        struct row_process p = process(i);
        struct row_connection c = connection(i);
        p.cmdline = (struct text){long_text, i % 1000 == 999 ? sizeof(long_text) : (size_t)i % 97};
        assert_int_equal(batch_add(batch, ROW_PROCESS, &p), 0);
        assert_int_equal(batch_add(batch, ROW_CONNECTION, &c), 0);
    }
    assert_int_equal(batch_count(batch), 6000);
    for (size_t i = 0; i < 6000; i++) {
        const struct row *row = &batch_rows(batch)[i];
        assert_int_equal(row->kind, i % 2 ? ROW_CONNECTION : ROW_PROCESS);
        assert_int_equal(*(const int64_t *)row->columns, i / 2);
        if (row->kind == ROW_PROCESS) {
            struct text line = ((const struct row_process *)row->columns)->cmdline;
            assert_int_equal(line.length, i / 2 % 1000 == 999 ? sizeof(long_text) : i / 2 % 97);
            assert_memory_equal(line.data, long_text, line.length);
        }
    }
    batch_free(batch);
}

static void dropping_a_kind_gives_its_memory_back(void **state)
{
    (void)state;
    struct batch *batch = batch_new();
    struct row_process p = process(1);
    assert_int_equal(batch_add(batch, ROW_PROCESS, &p), 0);
    size_t before = batch_bytes(batch);
    for (int64_t i = 0; i < 20; i++) {
        struct row_connection c = connection(i);
        assert_int_equal(batch_add(batch, ROW_CONNECTION, &c), 0);
    }
    p.id = 2;
    assert_int_equal(batch_add(batch, ROW_PROCESS, &p), 0);
    assert_true(batch_bytes(batch) >= before + 20 * sizeof(struct row_connection));
    assert_int_equal(batch_drop(batch, ROW_CONNECTION), 20);
    assert_int_equal(batch_bytes(batch), before);
    assert_int_equal(batch_count(batch), 2);
    for (int64_t i = 0; i < 2; i++) {
        const struct row *row = &batch_rows(batch)[i];
        assert_int_equal(row->kind, ROW_PROCESS);
        assert_int_equal(*(const int64_t *)row->columns, i + 1);
    }
    assert_int_equal(batch_drop(batch, ROW_CONNECTION), 0);
    struct row_connection again = connection(99);
    assert_int_equal(batch_add(batch, ROW_CONNECTION, &again), 0);
    assert_int_equal(*(const int64_t *)batch_rows(batch)[2].columns, 99);
    batch_free(batch);
}

/* Memory for so many allocations, then none. */
static unsigned allocations_left;

static void *allocate(size_t size)
{
    return allocations_left > 0 ? (allocations_left--, malloc(size)) : NULL;
}

static void without_memory_a_batch_stays_as_it_was(void **state)
{
    (void)state;
    allocations_left = 0;
    assert_null(batch_new_from(allocate));
    struct row_process row = process(0);
    row.comm = text("name");
    for (unsigned memory = 1; memory < 12; memory++) {
        allocations_left = memory;
        struct batch *batch = batch_new_from(allocate);
        int64_t added = 0;
        for (; row.id = added, batch_add(batch, ROW_PROCESS, &row) == 0; added++)
            assert_in_range(added, 0, 100000);
        assert_int_equal(allocations_left, 0);
        assert_int_equal(batch_count(batch), added);
        allocations_left = 2;
        assert_int_equal(batch_add(batch, ROW_PROCESS, &row), 0); /* memory came back */
        for (int64_t i = 0; i <= added; i++) {
            const struct row_process *copy = batch_rows(batch)[i].columns;
            assert_int_equal(copy->id, i);
            assert_memory_equal(copy->comm.data, "name", 4);
        }
        batch_free(batch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_batch_is_empty),
        cmocka_unit_test(rows_and_text_are_copied),
        cmocka_unit_test(rows_keep_their_order_across_kinds_and_chunks),
        cmocka_unit_test(dropping_a_kind_gives_its_memory_back),
        cmocka_unit_test(without_memory_a_batch_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
