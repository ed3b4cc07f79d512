/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SQLite's memory in the shell: what is handed out is whole, apart, used again and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../shell/memory.h"

#define MIB   (1 << 20)
#define SLOTS 2000
#define STEPS 200000

/* A block and what it is full of. */
struct slot {
    unsigned char *memory;
    int size;
    unsigned char mark;
};

static void assert_marked(const struct slot *slot, int size)
{
    for (int i = 0; i < size; i++)
        if (slot->memory[i] != slot->mark)
            fail_msg("byte %d of %d is %d and not %d", i, slot->size, slot->memory[i], slot->mark);
}

/* Mostly small; one in eight is larger than what is kept by size. */
static int some_size(void)
{
    return 1 + rand() % (rand() % 8 ? 300 : 4000);
}

static void assert_handed_out(const struct slot *slot)
{
    assert_non_null(slot->memory);
    assert_int_equal((uintptr_t)slot->memory % 8, 0);
    assert_true(sqlite3_msize(slot->memory) >= (sqlite3_uint64)slot->size);
}

static void change(struct slot *slot)
{
    int before = slot->memory ? slot->size : 0;
    slot->size = some_size();
    slot->memory = sqlite3_realloc(slot->memory, slot->size);
    assert_handed_out(slot);
    assert_marked(slot, before < slot->size ? before : slot->size);
    slot->mark = (unsigned char)rand();
    memset(slot->memory, slot->mark, sqlite3_msize(slot->memory));
}

static void drop(struct slot *slot)
{
    assert_marked(slot, (int)sqlite3_msize(slot->memory));
    sqlite3_free(slot->memory);
    slot->memory = NULL;
}

static void blocks_keep_what_they_hold(void **state)
{
    static struct slot slots[SLOTS];
    (void)state;
    srand(1);
    for (int i = 0; i < STEPS; i++) {
        struct slot *slot = &slots[rand() % SLOTS];
        if (slot->memory && rand() % 2)
            drop(slot);
        else
            change(slot);
    }
    for (int i = 0; i < SLOTS; i++)
        if (slots[i].memory)
            drop(&slots[i]);
}

/* Gigabytes one after the other, of small blocks too: each has to be had again. */
static void what_was_freed_is_had_again(void **state)
{
    (void)state;
    for (int i = 0; i < 4000; i++) {
        void *large = sqlite3_malloc(MIB);
        assert_non_null(large);
        sqlite3_free(large);
    }
    for (int i = 0; i < 20 * MIB; i++) {
        void *small = sqlite3_malloc(100);
        assert_non_null(small);
        sqlite3_free(small);
    }
}

static void there_is_a_bound(void **state)
{
    void *blocks[16] = {NULL};
    int count = 0;
    (void)state;
    while (count < 16 && (blocks[count] = sqlite3_malloc(128 * MIB)))
        count++;
    assert_int_equal(count, 7); /* and what stands before the eighth has no room */
    assert_null(sqlite3_realloc(blocks[0], 300 * MIB));
    blocks[0] = sqlite3_realloc(blocks[0], 200 * MIB);
    assert_non_null(blocks[0]);
    assert_null(sqlite3_malloc(64 * MIB));
    for (int i = 0; i < count; i++)
        sqlite3_free(blocks[i]);
    void *all = sqlite3_malloc(900 * MIB);
    assert_non_null(all);
    sqlite3_free(all);
}

static void a_statement_fails_at_the_bound(void **state)
{
    sqlite3 *db;
    (void)state;
    void *most = sqlite3_malloc(1000 * MIB);
    assert_non_null(most);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT hex(zeroblob(30000000))", NULL, NULL, NULL),
                     SQLITE_NOMEM);
    assert_int_equal(sqlite3_exec(db, "SELECT hex(zeroblob(3000))", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_free(most);
    assert_int_equal(sqlite3_exec(db, "SELECT hex(zeroblob(30000000))", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_what_they_hold),
        cmocka_unit_test(what_was_freed_is_had_again),
        cmocka_unit_test(there_is_a_bound),
        cmocka_unit_test(a_statement_fails_at_the_bound),
    };
    memory_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
