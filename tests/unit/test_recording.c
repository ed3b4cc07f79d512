/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recordings written and read back, cut off, damaged, and replayed through the source's table. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/recording.h"
#include "../../daemon/source.h"

static char path[] = "/tmp/test_recording.XXXXXX";
static struct recording_error error;

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void assert_says(const char *message, const char *what)
{
    if (!strstr(message, what))
        fail_msg("\"%s\" does not say \"%s\"", message, what);
}

static struct recording_writer *create(void)
{
    struct recording_writer *writer = recording_create(path, &error);
    assert_non_null(writer);
    return writer;
}

static struct event_host host_record(void)
{
    return (struct event_host){.header = {.size = sizeof(struct event_host), .kind = EVENT_HOST},
                               .abi = EVENT_ABI_VERSION};
}

/* Text of `tail` bytes, filled with a letter that depends on the number. */
static const struct event_header *exec_record(uint64_t number, size_t tail)
{
    static _Alignas(8) char bytes[EVENT_RECORD_MAX];
    const struct event_exec exec = {.header = {.size = (__u32)(sizeof(exec) + tail),
                                               .kind = EVENT_EXEC,
                                               .time = number,
                                               .sequence = number},
                                    .image.argv = {sizeof(exec), (__u32)tail}};
    memcpy(bytes, &exec, sizeof(exec));
    memset(bytes + sizeof(exec), 'a' + (int)(number % 26), tail);
    return (const struct event_header *)(void *)bytes;
}

static size_t tail_of(uint64_t number)
{
    return number % 97 == 0 ? EVENT_RECORD_MAX - sizeof(struct event_exec) : number % 50 * 8;
}

static void write_records(struct recording_writer *writer, uint64_t count)
{
    const struct event_host host = host_record();
    assert_int_equal(recording_write(writer, &host.header, &error), 0);
    for (uint64_t i = 1; i <= count; i++)
        assert_int_equal(recording_write(writer, exec_record(i, tail_of(i)), &error), 0);
}

static void finish(struct recording_writer *writer)
{
    assert_int_equal(recording_dropped(writer), 0);
    assert_int_equal(recording_finish(writer, &error), 0);
}

/* How many records can be read; the last result of recording_next is left in *result. */
static uint64_t read_records(int *result)
{
    uint64_t count = 0;
    struct event event;
    struct recording_reader *reader = recording_open(path, &error);
    assert_non_null(reader);
    while ((*result = recording_next(reader, &event, &error)) > 0) {
        if (count) {
            const struct event_header *expected = exec_record(count, tail_of(count));
            assert_int_equal(event.header->size, expected->size);
            assert_memory_equal(event.header, expected, expected->size);
        }
        count++;
    }
    assert_int_equal(recording_next(reader, &event, &error), *result);
    recording_close(reader);
    return count;
}

static off_t file_size(void)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void poke(off_t offset, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseeko(file, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    int result;
    struct recording_writer *writer = create();
    write_records(writer, 5000); /* several buffers, records of every length */
    finish(writer);
    assert_int_equal(read_records(&result), 5001);
    assert_int_equal(result, 0);
}

static void an_older_file_is_replaced(void **state)
{
    (void)state;
    int result;
    struct recording_writer *writer = create();
    write_records(writer, 10);
    finish(writer);
    writer = create();
    write_records(writer, 2);
    finish(writer);
    assert_int_equal(read_records(&result), 3);
    assert_int_equal(result, 0);
}

static void only_its_owner_may_read_a_recording(void **state)
{
    (void)state;
    struct stat status;
    unlink(path);
    struct recording_writer *writer = create();
    write_records(writer, 1);
    finish(writer);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void flushed_records_can_be_read_while_recording_goes_on(void **state)
{
    (void)state;
    int result;
    struct recording_writer *writer = create();
    write_records(writer, 3);
    assert_int_equal(recording_flush(writer, &error), 0);
    assert_int_equal(read_records(&result), 4);
    finish(writer);
}

static void every_cut_gives_the_whole_records_before_it(void **state)
{
    (void)state;
    struct recording_writer *writer = create();
    write_records(writer, 4);
    finish(writer);
    off_t ends[6] = {sizeof(struct recording_header)};
    ends[1] = ends[0] + (off_t)sizeof(struct event_host);
    for (uint64_t i = 1; i <= 4; i++)
        ends[i + 1] = ends[i] + (off_t)(sizeof(struct event_exec) + tail_of(i));
    assert_int_equal(file_size(), ends[5]);
    for (off_t size = ends[5]; size >= ends[0]; size--) {
        uint64_t whole = 0;
        while (whole < 5 && ends[whole + 1] <= size)
            whole++;
        int result;
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(read_records(&result), whole);
        assert_int_equal(result, size == ends[whole] ? 0 : -1);
        if (result == -1)
            assert_says(error.message, "cut off");
    }
}

static void damage_is_named_with_its_offset(void **state)
{
    (void)state;
    int result;
    char where[32];
    off_t second = sizeof(struct recording_header) + sizeof(struct event_host);
    struct recording_writer *writer = create();
    write_records(writer, 4);
    finish(writer);
    poke(second + (off_t)offsetof(struct event_header, kind), "\xff\xff", 2);
    assert_int_equal(read_records(&result), 1);
    assert_int_equal(result, -1);
    snprintf(where, sizeof(where), "byte %jd: ", (intmax_t)second);
    assert_says(error.message, path);
    assert_says(error.message, where);
    assert_says(error.message, "no such kind");
    poke(second, "\x01\0\0\0", 4);
    assert_int_equal(read_records(&result), 1);
    assert_says(error.message, "size makes no sense");
    poke(second, "\xf8\xff\xff\xff", 4);
    assert_int_equal(read_records(&result), 1);
    assert_says(error.message, "size makes no sense");
}

static void assert_open_refused(const char *because)
{
    assert_null(recording_open(path, &error));
    assert_says(error.message, path);
    assert_says(error.message, because);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    struct recording_writer *writer = create();
    write_records(writer, 1);
    finish(writer);
    poke(12, "\x7f\0\0\0", 4);
    assert_open_refused("another version");
    poke(8, "\x01\x02\x03\x04", 4);
    assert_open_refused("another byte order");
    poke(7, "2", 1);
    assert_open_refused("not a recording");
    assert_int_equal(truncate(path, 15), 0);
    poke(0, RECORDING_MAGIC, 8);
    assert_open_refused("not a recording");
    assert_int_equal(truncate(path, 0), 0);
    assert_open_refused("not a recording");
    assert_null(recording_open("/no/such/file", &error));
    assert_says(error.message, "/no/such/file: can not open");
    assert_null(recording_open("/", &error));
    assert_says(error.message, "can not read");
    assert_null(recording_create("/no/such/directory/file", &error));
    assert_says(error.message, "/no/such/directory/file: can not create");
}

static void the_host_comes_first(void **state)
{
    (void)state;
    int result;
    struct recording_writer *writer = create();
    assert_int_equal(recording_write(writer, exec_record(1, 0), &error), 0);
    finish(writer);
    assert_int_equal(read_records(&result), 0);
    assert_int_equal(result, -1);
    assert_says(error.message, "does not name the host");
}

static void a_full_disk_ends_the_recording_at_a_whole_record_and_is_told_once(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct recording_writer *writer = create();
    const struct rlimit full = {1000 * 1000 + 3, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full);
    const struct event_host host = host_record();
    assert_int_equal(recording_write(writer, &host.header, &error), 0);
    int told = 0;
    for (uint64_t i = 1; i <= 5000; i++)
        told -= recording_write(writer, exec_record(i, tail_of(i)), &error);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(told, 1);
    assert_says(error.message, "the recording ends at byte");
    assert_says(error.message, "too large");
    uint64_t dropped = recording_dropped(writer);
    assert_in_range(dropped, 1, 4999);
    assert_int_equal(recording_finish(writer, &error), 0);
    int result;
    assert_int_equal(read_records(&result), 5001 - dropped);
    assert_int_equal(result, 0);
}

/* ---- the source on top ---- */

struct delivered {
    size_t count;
    uint64_t last_time;
    unsigned last_kind;
};

static void deliver(void *context, const struct event_header *record, size_t size)
{
    struct delivered *delivered = context;
    assert_int_equal(record->size, size);
    delivered->count++;
    delivered->last_time = record->time;
    delivered->last_kind = record->kind;
}

static struct source *open_source(struct delivered *delivered)
{
    static struct source_error why;
    const struct config config = {.replay = path};
    *delivered = (struct delivered){0};
    struct source *source = source_replay.open(&config, deliver, delivered, &why);
    assert_non_null(source);
    return source;
}

static void the_source_hands_over_the_host_then_as_many_as_asked(void **state)
{
    (void)state;
    struct delivered delivered;
    struct source_error why;
    int fds[EVENT_RINGS];
    struct recording_writer *writer = create();
    write_records(writer, 10);
    finish(writer);
    struct source *source = open_source(&delivered);
    assert_int_equal(delivered.count, 1);
    assert_int_equal(delivered.last_kind, EVENT_HOST);
    assert_int_equal(source_replay.scan(source, &why), 0);
    assert_int_equal(source_replay.descriptors(source, fds), 0);
    assert_int_equal(source_replay.drain(source, 4), 4);
    assert_int_equal(delivered.count, 5);
    assert_false(source_replay.ended(source));
    assert_int_equal(source_replay.drain(source, 100), 6);
    assert_true(source_replay.ended(source));
    assert_null(source_replay.failure(source));
    assert_int_equal(delivered.count, 12);
    assert_int_equal(delivered.last_kind, EVENT_FRONTIER);
    assert_true(delivered.last_time == UINT64_MAX);
    assert_int_equal(source_replay.drain(source, 100), 0);
    assert_int_equal(delivered.count, 12);
    source_replay.close(source);
}

static void the_source_hands_over_what_stands_before_damage(void **state)
{
    (void)state;
    struct delivered delivered;
    struct recording_writer *writer = create();
    write_records(writer, 10);
    finish(writer);
    assert_int_equal(truncate(path, file_size() - 8), 0);
    struct source *source = open_source(&delivered);
    assert_int_equal(source_replay.drain(source, 100), 9);
    assert_true(source_replay.ended(source));
    assert_int_equal(delivered.count, 11);
    assert_int_equal(delivered.last_kind, EVENT_FRONTIER);
    assert_says(source_replay.failure(source), "cut off");
    source_replay.close(source);
}

static void a_stopped_source_ends_with_a_frontier(void **state)
{
    (void)state;
    struct delivered delivered;
    struct recording_writer *writer = create();
    write_records(writer, 10);
    finish(writer);
    struct source *source = open_source(&delivered);
    assert_int_equal(source_replay.drain(source, 3), 3);
    source_replay.stop(source);
    source_replay.stop(source);
    assert_true(source_replay.ended(source));
    assert_int_equal(source_replay.drain(source, 100), 0);
    assert_int_equal(delivered.count, 5);
    assert_int_equal(delivered.last_kind, EVENT_FRONTIER);
    source_replay.close(source);
}

static void a_source_without_records_does_not_open(void **state)
{
    (void)state;
    struct delivered delivered = {0};
    struct source_error why;
    const struct config config = {.replay = path};
    finish(create());
    assert_null(source_replay.open(&config, deliver, &delivered, &why));
    assert_says(why.message, "empty");
    const struct config missing = {.replay = (char[]){"/no/such/file"}};
    assert_null(source_replay.open(&missing, deliver, &delivered, &why));
    assert_says(why.message, "/no/such/file");
    assert_int_equal(delivered.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(an_older_file_is_replaced),
        cmocka_unit_test(only_its_owner_may_read_a_recording),
        cmocka_unit_test(flushed_records_can_be_read_while_recording_goes_on),
        cmocka_unit_test(every_cut_gives_the_whole_records_before_it),
        cmocka_unit_test(damage_is_named_with_its_offset),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(the_host_comes_first),
        cmocka_unit_test(a_full_disk_ends_the_recording_at_a_whole_record_and_is_told_once),
        cmocka_unit_test(the_source_hands_over_the_host_then_as_many_as_asked),
        cmocka_unit_test(the_source_hands_over_what_stands_before_damage),
        cmocka_unit_test(a_stopped_source_ends_with_a_frontier),
        cmocka_unit_test(a_source_without_records_does_not_open),
    };
    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
