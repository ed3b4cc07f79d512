/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reading end of a ring, on a file of memory laid out as the kernel does: the data stands there
 * twice. The test writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/ring.h"

#define SIZE    (4u << 20) /* several times what is mapped at a time */
#define LONGEST 65536u

struct fixture {
    struct ring *ring;
    int fd;
    size_t page;
    unsigned char *memory; /* both pages and the data, twice */
    char seen[8][LONGEST];
    size_t lengths[8];
    size_t count;
};

static uint64_t *position(struct fixture *f, size_t page)
{
    return (uint64_t *)(void *)(f->memory + page * f->page);
}

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.fd = memfd_create("ring", 0), .page = (size_t)sysconf(_SC_PAGESIZE)};
    size_t whole = 2 * f.page + 2 * SIZE;
    assert_int_equal(ftruncate(f.fd, (off_t)whole), 0);
    f.memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED, f.fd, 0);
    assert_true(f.memory != MAP_FAILED);
    f.ring = ring_open(f.fd, SIZE);
    assert_non_null(f.ring);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ring_close(f->ring);
    munmap(f->memory, 2 * f->page + 2 * SIZE);
    close(f->fd);
    return 0;
}

static void begin_at(struct fixture *f, uint64_t at)
{
    *position(f, 0) = at;
    *position(f, 1) = at;
}

static void put_byte(struct fixture *f, uint64_t at, unsigned char byte)
{
    f->memory[2 * f->page + at % SIZE] = byte;
    f->memory[2 * f->page + SIZE + at % SIZE] = byte;
}

static void put_head(struct fixture *f, uint64_t at, uint32_t head)
{
    memcpy(f->memory + 2 * f->page + at % SIZE, &head, sizeof(head));
    memcpy(f->memory + 2 * f->page + SIZE + at % SIZE, &head, sizeof(head));
}

/* Writes a record of `length` bytes, each `fill`, as the kernel would; its position. */
static uint64_t put(struct fixture *f, uint32_t length, char fill, uint32_t bits)
{
    uint64_t at = *position(f, 1);
    put_head(f, at, length | bits);
    for (uint32_t i = 0; i < length; i++)
        put_byte(f, at + BPF_RINGBUF_HDR_SZ + i, (unsigned char)fill);
    *position(f, 1) = at + ((BPF_RINGBUF_HDR_SZ + length + 7) & ~7u);
    return at;
}

static void take(void *context, const void *record, size_t size)
{
    struct fixture *f = context;
    memcpy(f->seen[f->count], record, size);
    f->lengths[f->count++] = size;
}

static void assert_seen(const struct fixture *f, size_t which, size_t length, char fill)
{
    assert_int_equal(f->lengths[which], length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(f->seen[which][i], fill);
}

static void test_in_order_and_once(void **state)
{
    struct fixture *f = *state;
    put(f, 5, 'a', 0);
    put(f, 16, 'b', 0);
    assert_int_equal(ring_drain(f->ring, 100, take, f), 2);
    assert_seen(f, 0, 5, 'a');
    assert_seen(f, 1, 16, 'b');
    assert_int_equal(*position(f, 0), *position(f, 1));
    assert_int_equal(ring_drain(f->ring, 100, take, f), 0);
}

static void test_no_more_than_asked(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++)
        put(f, 8, (char)('a' + i), 0);
    assert_int_equal(ring_drain(f->ring, 2, take, f), 2);
    assert_int_equal(ring_drain(f->ring, 0, take, f), 0);
    assert_int_equal(ring_drain(f->ring, 2, take, f), 1);
    assert_seen(f, 2, 8, 'c');
}

static void test_a_record_round_the_end_is_whole(void **state)
{
    struct fixture *f = *state;
    begin_at(f, 7 * (uint64_t)SIZE - 24);
    put(f, 1000, 'r', 0);
    put(f, 3, 's', 0);
    assert_int_equal(ring_drain(f->ring, 100, take, f), 2);
    assert_seen(f, 0, 1000, 'r');
    assert_seen(f, 1, 3, 's');
}

/* Only the head fits before the end: all of the record is at the beginning. */
static void test_a_head_at_the_very_end(void **state)
{
    struct fixture *f = *state;
    begin_at(f, SIZE - 8);
    put(f, 100, 'h', 0);
    assert_int_equal(ring_drain(f->ring, 100, take, f), 1);
    assert_seen(f, 0, 100, 'h');
}

static void test_what_is_being_written_stops(void **state)
{
    struct fixture *f = *state;
    put(f, 8, 'a', 0);
    uint64_t busy = put(f, 8, 'b', BPF_RINGBUF_BUSY_BIT);
    put(f, 8, 'c', 0);
    assert_int_equal(ring_drain(f->ring, 100, take, f), 1);
    assert_int_equal(*position(f, 0), busy);
    put_head(f, busy, 8);
    assert_int_equal(ring_drain(f->ring, 100, take, f), 2);
    assert_seen(f, 2, 8, 'c');
}

static void test_what_was_discarded_is_passed_over(void **state)
{
    struct fixture *f = *state;
    put(f, 8, 'a', BPF_RINGBUF_DISCARD_BIT);
    put(f, 8, 'b', 0);
    assert_int_equal(ring_drain(f->ring, 1, take, f), 1);
    assert_seen(f, 0, 8, 'b');
    assert_int_equal(*position(f, 0), *position(f, 1));
}

/* Three times round, so that what is mapped moves on often; the longest there are, and odd ones. */
static void test_what_is_mapped_moves_on(void **state)
{
    struct fixture *f = *state;
    uint64_t sent = 0;
    for (uint32_t i = 0; sent < 3 * (uint64_t)SIZE; i++) {
        uint32_t length = i % 3 ? LONGEST : 12345 + i;
        put(f, length, (char)('a' + i % 26), 0);
        f->count = 0;
        assert_int_equal(ring_filled(f->ring), (BPF_RINGBUF_HDR_SZ + length + 7) & ~7u);
        assert_int_equal(ring_drain(f->ring, 100, take, f), 1);
        assert_int_equal(ring_filled(f->ring), 0);
        assert_seen(f, 0, length, (char)('a' + i % 26));
        sent += length;
    }
}

/* Resident memory is what is mapped. */
static void test_less_is_mapped_than_there_is(void **state)
{
    struct fixture *f = *state;
    char line[256], permission;
    size_t kib, mapped = 0;
    bool ours = false;
    put(f, 8, 'a', 0);
    ring_drain(f->ring, 1, take, f);
    munmap(f->memory, 2 * f->page + 2 * SIZE);
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%*x-%*x %c", &permission) == 1)
            ours = strstr(line, "memfd:ring") != NULL;
        if (ours && sscanf(line, "Size: %zu kB", &kib) == 1)
            mapped += kib;
    }
    fclose(maps);
    assert_in_range(mapped, 1, SIZE / 1024 / 3);
}

static void test_what_can_not_be_mapped(void **state)
{
    (void)state;
    assert_null(ring_open(-1, SIZE));
    ring_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_order_and_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_more_than_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_record_round_the_end_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_head_at_the_very_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_being_written_stops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_discarded_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_mapped_moves_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_less_is_mapped_than_there_is, set_up, tear_down),
        cmocka_unit_test(test_what_can_not_be_mapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
