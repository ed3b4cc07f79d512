/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One call goes wrong, and then all is well again: whatever call it is, nothing that was
 * acknowledged is lost, and the store is whole. Some of the calls are tried; with SPYQ_TEST_LONG=1
 * each of those to the disk, and one in 16 of the hundred thousand allocations (SEED=n: others),
 * with SPYQ_TEST_LONG=2 each of these as well.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "faulty_vfs.h"
#include "life.h"

#define JOBS     8
#define SOME     12 /* calls that are tried in a short run */
#define PATIENCE 4
#define THINNED  16 /* allocations: one in so many */

/* Jobs are ten seconds long: most of a run is rolled away again. */
static const struct retention_options limits = {.age = 40 * S};

/* ---- a run, and what it leaves ---- */

static int acknowledged = -1; /* a pipe to who counts what was acknowledged */

static void acknowledge(void)
{
    if (acknowledged >= 0)
        assert_int_equal(write(acknowledged, &written[ROW_PROCESS], sizeof(int64_t)),
                         sizeof(int64_t));
}

static void run_once(void)
{
    open_store(&limits);
    add_server();
    acknowledge();
    for (int i = 0; i < JOBS; i++) {
        add_job(1);
        acknowledge();
        roll();
    }
    close_store();
}

static void start_over(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock", "-journal", "-new"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "spyq.db%s", suffixes[i]);
        unlink(scratch_path(name));
    }
    memset(written, 0, sizeof(written));
    row_count = 0;
    now = (struct retention_time){START, 1000 * S};
}

static int number(const char *variable)
{
    const char *value = getenv(variable);
    return value ? atoi(value) : 0;
}

/* How far it is from a call that is tried to the next. */
static int step_of(int calls, int in_a_long_run)
{
    int length = number("SPYQ_TEST_LONG");
    if (length == 0)
        return calls / SOME;
    return length == 1 ? in_a_long_run : 1;
}

/* ---- calls that fail ---- */

/* The calls of a clean run: `left` is set to a large number before it. */
static int count_calls(int *left)
{
    const int many = 1 << 30;
    start_over();
    *left = many;
    run_once();
    int calls = many - *left;
    *left = -1;
    assert_true(calls > SOME);
    return calls;
}

/* A run for each of the calls, or for one in so many, in which that one fails. */
static void fail_each(int *left, int in_a_long_run)
{
    int calls = count_calls(left);
    int step = step_of(calls, in_a_long_run);
    patience = PATIENCE;
    for (int i = number("SEED") % step; i < calls; i += step) {
        start_over();
        *left = i;
        run_once();
        *left = -1;
        assert_accounted();
        assert_whole();
    }
    patience = 0;
    print_message("%d calls, one in %d failed in turn\n", calls, step);
}

static void a_write_that_fails_is_made_up_for(void **state)
{
    (void)state;
    faulty_vfs_code = SQLITE_IOERR_WRITE;
    fail_each(&faulty_vfs_left, 1);
}

static void a_full_disk_is_made_up_for(void **state)
{
    (void)state;
    faulty_vfs_code = SQLITE_FULL;
    fail_each(&faulty_vfs_left, 1);
}

/* ---- memory ---- */

static sqlite3_mem_methods usual;
static int allocations_left = -1;

static bool is_out_of_memory(void)
{
    return allocations_left >= 0 && allocations_left-- == 0;
}

static void *allocate(int size)
{
    return is_out_of_memory() ? NULL : usual.xMalloc(size);
}

static void *reallocate(void *memory, int size)
{
    return is_out_of_memory() ? NULL : usual.xRealloc(memory, size);
}

static void memory_that_runs_out_is_made_up_for(void **state)
{
    (void)state;
    fail_each(&allocations_left, THINNED);
}

/* ---- the end in the middle ---- */

/* Runs until the n-th call, and returns the processes whose rows were acknowledged by then. */
static int64_t die_at(int call)
{
    int ends[2];
    int64_t count = 0;
    start_over();
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        acknowledged = ends[1];
        faulty_vfs_left = call;
        faulty_vfs_code = 0;
        run_once();
        _exit(0);
    }
    close(ends[1]);
    while (read(ends[0], &count, sizeof(count)) == sizeof(count))
        continue;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    /* How many slices there are is a matter of time: the run may have ended before that call. */
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == FAULTY_VFS_EXIT || WEXITSTATUS(status) == 0);
    return count;
}

static void nothing_acknowledged_is_lost_by_a_sudden_end(void **state)
{
    (void)state;
    faulty_vfs_code = SQLITE_IOERR; /* of no consequence */
    int calls = count_calls(&faulty_vfs_left);
    int step = step_of(calls, 1);
    for (int i = 0; i < calls; i += step) {
        int64_t count = die_at(i);
        open_store(&limits);
        close_store();
        int64_t there = ask("SELECT (SELECT count(*) FROM processes) + coalesce((SELECT detail ->> "
                            "'processes' FROM losses WHERE class = 'retention'), 0)");
        if (there < count)
            fail_msg("call %d: %lld processes were acknowledged, and %lld are there", i,
                     (long long)count, (long long)there);
        assert_whole();
    }
    print_message("%d calls, the end at one in %d in turn\n", calls, step);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_write_that_fails_is_made_up_for),
        TEST(a_full_disk_is_made_up_for),
        TEST(nothing_acknowledged_is_lost_by_a_sudden_end),
        TEST(memory_that_runs_out_is_made_up_for),
    };
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual);
    sqlite3_mem_methods counting = usual;
    counting.xMalloc = allocate;
    counting.xRealloc = reallocate;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &counting);
    sqlite3_initialize();
    faulty_vfs_install();
    return cmocka_run_group_tests_name("store faults", tests, NULL, NULL);
}
