/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are written, and who comes to run them: rows only of what matters, edges from all who
 * had a part in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "events.h"

#define PLAIN   (S_IFREG | 0644)
#define PROGRAM (S_IFREG | 0755)

static const struct who writer = {60, 6 * SECOND}; /* row 1 */
static const struct who copier = {70, 7 * SECOND}; /* row 2 */
static const struct who runner = {80, 8 * SECOND}; /* row 3 */

static int set_up(void **state)
{
    static char cron[] = "cron:/etc/cron.d/*";
    static char *const places[] = {cron, NULL};
    struct model_start start = {.host_id = 1, .wall_minus_boot = WALL, .places = places};
    (void)state;
    for (size_t i = 0; i < ROW_KIND_COUNT; i++)
        start.next_id[i] = 1;
    model = model_new(&start);
    if (!model)
        return -1;
    forked(writer, NOBODY);
    forked(copier, NOBODY);
    forked(runner, NOBODY);
    return 0;
}

struct file_record {
    struct event_file file;
    char tail[512];
};

static struct event_text file_text(struct file_record *record, const char *text)
{
    struct event_text reference = {record->file.header.size, (__u32)strlen(text)};
    size_t at = record->file.header.size - sizeof(record->file);
    assert_true(at + strlen(text) + 8 <= sizeof(record->tail));
    memcpy(record->tail + at, text, strlen(text));
    record->file.header.size += (__u32)(strlen(text) + 7) / 8 * 8;
    return reference;
}

static struct file_record file_record(unsigned kind, uint64_t time, struct who who, uint64_t inode,
                                      const char *path)
{
    struct file_record record = {0};
    record.file.header = header_of(kind, sizeof(record.file), time, who);
    record.file.written = time;
    record.file.inode = inode;
    record.file.device = 8 << 20 | 1;
    record.file.generation = 5;
    record.file.mode = PLAIN;
    record.file.size = 100;
    record.file.path = file_text(&record, path);
    return record;
}

static void did(unsigned kind, uint64_t time, struct who who, uint64_t inode, const char *path)
{
    struct file_record record = file_record(kind, time, who, inode, path);
    apply(&record);
}

static void wrote(uint64_t time, struct who who, uint64_t inode, const char *path)
{
    did(EVENT_FILE_WRITE, time, who, inode, path);
}

/* Told of at `time`. */
static void had_written(uint64_t written, uint64_t time, struct who who, uint64_t inode,
                        const char *path)
{
    struct file_record record = file_record(EVENT_FILE_WRITE, time, who, inode, path);
    record.file.written = written;
    apply(&record);
}

static void renamed(unsigned kind, uint64_t time, const char *old, const char *directory,
                    const char *path, uint32_t mode)
{
    struct file_record record = file_record(kind, time, writer, 0, path);
    record.file.device = record.file.generation = 0;
    record.file.flags = EVENT_FILE_BY_NAME;
    record.file.mode = mode;
    if (old)
        record.file.old_path = file_text(&record, old);
    if (directory)
        record.file.directory = record.file.old_directory = file_text(&record, directory);
    apply(&record);
}

static struct exec_record exec_of(uint64_t time, struct who who, const char *exe, uint64_t inode)
{
    struct exec_record record = exec_record(EVENT_EXEC, time, who, NOBODY, exe);
    record.exec.image.inode = inode;
    record.exec.image.device = 8 << 20 | 1;
    record.exec.image.generation = 5;
    return record;
}

static void ran(uint64_t time, struct who who, const char *exe, uint64_t inode)
{
    struct exec_record record = exec_of(time, who, exe, inode);
    apply(&record);
}

/* An interpreter with an argument, which then reads the file. */
static void interpreted(uint64_t time, const char *exe, const char *argv, size_t length)
{
    struct exec_record record = exec_of(time, runner, exe, 999);
    record.exec.image.argv = exec_text(&record, argv, length);
    apply(&record);
}

static const struct row_file *file_row(int64_t id)
{
    return flushed(ROW_FILE, id);
}

/* The newest edge of kind `file`. */
static const struct row_edge *file_edge(void)
{
    const struct row_edge *found = NULL;
    flush();
    for (int64_t id = 1; id < LEDGER_MAX; id++) {
        const struct row_edge *edge = ledger_get(ROW_EDGE, id);
        if (edge && edge->kind.length == 4 && memcmp(edge->kind.data, "file", 4) == 0)
            found = edge;
    }
    assert_non_null(found);
    return found;
}

static void assert_edge(int64_t src, int64_t dst, uint64_t at, uint64_t last_at, const char *detail)
{
    const struct row_edge *edge = file_edge();
    assert_int_equal(edge->src, src);
    assert_int_equal(edge->dst, dst);
    assert_int_equal(edge->at, AT(at));
    assert_int_equal(edge->last_at, AT(last_at));
    assert_text(edge->detail, detail);
}

/* ---- runs ---- */

static void what_nobody_runs_has_no_row(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    did(EVENT_FILE_READ, 11 * SECOND, runner, 1, "/tmp/a");
    ran(12 * SECOND, runner, "/bin/other", 2);
    assert_int_equal(rows(ROW_FILE), 0);
    assert_int_equal(edges("file"), 0);
}

static void who_wrote_a_program_acted_on_who_runs_it(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    had_written(10 * SECOND + 5, 12 * SECOND, writer, 1, "/tmp/a");
    ran(12 * SECOND, runner, "/tmp/a", 1);
    assert_edge(1, 3, 10 * SECOND, 10 * SECOND + 5, "exec");
    assert_int_equal(file_edge()->file_id, 1);
    assert_text(file_row(1)->op, "write");
    assert_text(file_row(1)->path, "/tmp/a");
    assert_text(file_row(1)->device, "8:1");
    assert_int_equal(file_row(1)->process_id, 1);
    assert_int_equal(file_row(1)->at, AT(10 * SECOND));
    assert_int_equal(file_row(1)->last_at, AT(10 * SECOND + 5));
    assert_null_column(file_row(1)->connection_id);
}

static void a_number_used_again_is_another_file(void **state)
{
    struct exec_record record = exec_of(12 * SECOND, runner, "/tmp/a", 1);
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    record.exec.image.generation = 6;
    apply(&record);
    assert_int_equal(edges("file"), 0);
}

static void who_runs_what_it_wrote_itself_has_no_edge(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    ran(12 * SECOND, writer, "/tmp/a", 1);
    assert_int_equal(edges("file"), 0);
    assert_int_equal(rows(ROW_FILE), 1);
}

static void all_writers_acted_and_the_forgotten_too(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    wrote(11 * SECOND, copier, 1, "/tmp/a");
    exited(12 * SECOND, writer, 0);
    forked((struct who){90, 60 * SECOND}, NOBODY);
    ran(61 * SECOND, runner, "/tmp/a", 1);
    assert_int_equal(edges("file"), 2);
    assert_int_equal(rows(ROW_FILE), 2);
    assert_int_equal(file_row(1)->process_id, 1);
}

static void what_was_written_after_the_run_did_not_reach_it(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    ran(12 * SECOND, runner, "/tmp/a", 1);
    wrote(14 * SECOND, writer, 1, "/tmp/a");
    assert_edge(1, 3, 10 * SECOND, 10 * SECOND, "exec");
    assert_int_equal(file_row(1)->last_at, AT(14 * SECOND));
}

static void a_mapped_file_may_be_written_until_the_run(void **state)
{
    struct file_record record = file_record(EVENT_FILE_WRITE, 10 * SECOND, writer, 1, "/tmp/a");
    (void)state;
    record.file.flags = EVENT_FILE_MMAP;
    apply(&record);
    did(EVENT_FILE_LOAD, 12 * SECOND, runner, 1, "/tmp/a");
    assert_edge(1, 3, 10 * SECOND, 12 * SECOND, "load");
}

static void a_late_word_of_a_stranger_makes_nobody_up(void **state)
{
    (void)state;
    had_written(10 * SECOND, 12 * SECOND, (struct who){99, SECOND}, 1, "/tmp/a");
    ran(12 * SECOND, runner, "/tmp/a", 1);
    assert_int_equal(rows(ROW_PROCESS), 3);
    assert_int_equal(edges("file"), 0);
}

/* ---- scripts ---- */

static void an_interpreter_that_names_the_file_runs_it(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a.py");
    interpreted(11 * SECOND, "/usr/bin/python3.11", "python3\0./a.py\0-x", 18);
    did(EVENT_FILE_READ, 12 * SECOND, runner, 1, "/tmp/a.py");
    assert_edge(1, 3, 10 * SECOND, 10 * SECOND, "script");
}

static void what_an_interpreter_reads_else_is_data(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a.py");
    interpreted(11 * SECOND, "/bin/sh", "sh\0/tmp/aa.py", 14);
    did(EVENT_FILE_READ, 12 * SECOND, runner, 1, "/tmp/a.py");
    assert_int_equal(edges("file"), 0);
}

static void who_reads_by_name_without_running_has_no_edge(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a.py");
    interpreted(11 * SECOND, "/bin/cat", "cat\0/tmp/a.py", 14);
    did(EVENT_FILE_READ, 12 * SECOND, runner, 1, "/tmp/a.py");
    assert_int_equal(edges("file"), 0);
    assert_int_equal(rows(ROW_FILE), 0);
}

static void an_interpreter_without_arguments_runs_its_input(void **state)
{
    struct exec_record record = exec_of(11 * SECOND, runner, "/bin/sh", 999);
    (void)state;
    record.exec.image.argv = exec_text(&record, "sh\0-x", 6);
    record.exec.image.stdio[0].inode = 1;
    record.exec.image.stdio[0].mode = PLAIN;
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    apply(&record);
    did(EVENT_FILE_READ, 12 * SECOND, runner, 1, "/tmp/a");
    assert_edge(1, 3, 10 * SECOND, 10 * SECOND, "script");
}

/* ---- copies ---- */

static void who_wrote_what_was_copied_acted_too(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    did(EVENT_FILE_READ, 11 * SECOND, copier, 1, "/tmp/a");
    wrote(12 * SECOND, copier, 2, "/tmp/b");
    wrote(13 * SECOND, writer, 1, "/tmp/a"); /* too late for the copy */
    ran(14 * SECOND, runner, "/tmp/b", 2);
    assert_int_equal(edges("file"), 2);
    assert_edge(1, 3, 10 * SECOND, 11 * SECOND, "copy");
    assert_text(file_row(file_edge()->file_id)->path, "/tmp/a");
}

static void what_was_read_after_the_last_write_was_not_copied(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    wrote(11 * SECOND, copier, 2, "/tmp/b");
    did(EVENT_FILE_READ, 12 * SECOND, copier, 1, "/tmp/a");
    ran(14 * SECOND, runner, "/tmp/b", 2);
    assert_int_equal(edges("file"), 1);
    assert_edge(2, 3, 11 * SECOND, 11 * SECOND, "exec");
}

/* Two that copy back and forth: the search for sources ends. */
static void copies_in_a_circle_end(void **state)
{
    (void)state;
    for (uint64_t time = 10; time < 30; time += 4) {
        wrote(time * SECOND, writer, 1, "/tmp/a");
        did(EVENT_FILE_READ, (time + 1) * SECOND, copier, 1, "/tmp/a");
        wrote((time + 2) * SECOND, copier, 2, "/tmp/b");
        did(EVENT_FILE_READ, (time + 3) * SECOND, writer, 2, "/tmp/b");
    }
    ran(40 * SECOND, runner, "/tmp/b", 2);
    assert_in_range(edges("file"), 2, 16);
    assert_int_equal(rows(ROW_FILE), 2);
}

/* Everybody copies from everybody, over and over: how often edges happen is bounded. */
static void a_thicket_of_copies_is_not_searched_to_its_end(void **state)
{
    uint64_t time = 10 * SECOND;
    int64_t count = 0;
    (void)state;
    for (unsigned round = 0; round < 8; round++)
        for (uint32_t i = 0; i < 8; i++) {
            struct who who = {100 + i, 9 * SECOND};
            for (uint64_t inode = 1; inode <= 8; inode++)
                did(EVENT_FILE_READ, time++, who, inode, "/tmp/a");
            for (uint64_t inode = 1; inode <= 8; inode++)
                wrote(time++, who, inode, "/tmp/a");
        }
    ran(time, runner, "/tmp/a", 1);
    flush();
    for (int64_t id = 1; id < LEDGER_MAX; id++) {
        const struct row_edge *edge = ledger_get(ROW_EDGE, id);
        count += edge && edge->dst == 3 ? edge->count : 0;
    }
    assert_in_range(count, 4, 64 * 4 + 1);
}

/* ---- connections ---- */

static void one_connection_fed_the_writer(void **state)
{
    struct end end = client_end(2, 40000, 80);
    (void)state;
    connecting(9 * SECOND, writer, end);
    established(9 * SECOND, end, TCP_SYN_SENT);
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    closed(11 * SECOND, end, 0, 0);
    ran(12 * SECOND, runner, "/tmp/a", 1);
    assert_int_equal(file_edge()->connection_id, 1);
    assert_int_equal(file_row(1)->connection_id, 1);
}

static void of_two_connections_none_is_named(void **state)
{
    struct end one = client_end(2, 40000, 80), other = client_end(4, 40001, 80);
    (void)state;
    connecting(9 * SECOND, writer, one);
    established(9 * SECOND, one, TCP_SYN_SENT);
    connecting(9 * SECOND, writer, other);
    established(9 * SECOND, other, TCP_SYN_SENT);
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    ran(12 * SECOND, runner, "/tmp/a", 1);
    assert_null_column(file_edge()->connection_id);
}

static void closed_attempted_and_dns_connections_do_not_count(void **state)
{
    struct end gone = client_end(2, 40000, 80), dns = client_end(4, 40001, 53);
    struct end tried = client_end(6, 40002, 80), live = client_end(8, 40003, 80);
    (void)state;
    connecting(9 * SECOND, writer, gone);
    established(9 * SECOND, gone, TCP_SYN_SENT);
    closed(9 * SECOND + 1, gone, 0, 0);
    connecting(9 * SECOND + 2, writer, dns);
    established(9 * SECOND + 3, dns, TCP_SYN_SENT);
    connecting(9 * SECOND + 4, writer, tried);
    connecting(9 * SECOND + 5, writer, live);
    established(9 * SECOND + 6, live, TCP_SYN_SENT);
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    ran(12 * SECOND, runner, "/tmp/a", 1);
    assert_int_equal(file_edge()->connection_id, 4);
}

/* ---- places, names, modes ---- */

static void a_write_in_a_place_has_a_row_at_once(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/etc/cron.d/job");
    assert_text(file_row(1)->place, "cron");
    wrote(12 * SECOND, writer, 1, "/etc/cron.d/job");
    assert_int_equal(rows(ROW_FILE), 1);
    assert_int_equal(file_row(1)->last_at, AT(12 * SECOND));
}

static void a_rename_into_a_place_says_whence(void **state)
{
    (void)state;
    wrote(10 * SECOND, copier, 1, "/etc/x/new");
    renamed(EVENT_FILE_RENAME, 11 * SECOND, "./new", "/etc/x", "../cron.d//job", 0);
    assert_int_equal(rows(ROW_FILE), 2);
    assert_text(file_row(1)->op, "rename");
    assert_text(file_row(1)->path, "/etc/cron.d/job");
    assert_text(file_row(1)->old_path, "/etc/x/new");
    assert_text(file_row(1)->place, "cron");
    assert_int_equal(file_row(1)->inode, 1);
    assert_int_equal(file_row(1)->process_id, 1);
    assert_text(file_row(2)->op, "write");
    assert_text(file_row(2)->path, "/etc/cron.d/job");
    assert_text(file_row(2)->old_path, "/etc/x/new");
    assert_int_equal(file_row(2)->process_id, 2);
}

static void names_elsewhere_have_no_rows(void **state)
{
    (void)state;
    wrote(10 * SECOND, writer, 1, "/tmp/a");
    renamed(EVENT_FILE_RENAME, 11 * SECOND, "/tmp/a", NULL, "/tmp/b", 0);
    renamed(EVENT_FILE_LINK, 12 * SECOND, "/tmp/b", NULL, "/tmp/c", 0);
    renamed(EVENT_FILE_SYMLINK, 13 * SECOND, "/etc/cron.d/job", NULL, "/tmp/d", 0);
    renamed(EVENT_FILE_CHMOD, 14 * SECOND, NULL, NULL, "/tmp/b", 0600);
    renamed(EVENT_FILE_UNLINK, 15 * SECOND, NULL, NULL, "/tmp/b", 0);
    assert_int_equal(rows(ROW_FILE), 0);
}

static void a_file_that_becomes_a_program_has_rows(void **state)
{
    (void)state;
    wrote(10 * SECOND, copier, 1, "/tmp/a");
    renamed(EVENT_FILE_CHMOD, 14 * SECOND, NULL, "/tmp", "a", 0755);
    assert_int_equal(rows(ROW_FILE), 2);
    assert_text(file_row(1)->op, "write");
    assert_int_equal(file_row(1)->mode, PROGRAM);
    assert_text(file_row(2)->op, "chmod");
    assert_int_equal(file_row(2)->process_id, 1);
    renamed(EVENT_FILE_CHMOD, 15 * SECOND, NULL, "/tmp", "a", 0755);
    assert_int_equal(rows(ROW_FILE), 2);
}

static void setuid_has_a_row_whoever_wrote_it(void **state)
{
    (void)state;
    renamed(EVENT_FILE_CHMOD, 14 * SECOND, NULL, NULL, "/bin/x", 04755);
    assert_text(file_row(1)->op, "chmod");
    assert_int_equal(file_row(1)->mode, 04755);
    assert_null_column(file_row(1)->inode);
}

static void a_link_of_a_file_without_a_name_names_it(void **state)
{
    struct file_record record =
        file_record(EVENT_FILE_LINK, 11 * SECOND, writer, 1, "/etc/cron.d/job");
    (void)state;
    record.file.old_path = file_text(&record, "/proc/self/fd/3");
    wrote(10 * SECOND, writer, 1, "/etc/#77");
    apply(&record);
    assert_text(file_row(1)->op, "link");
    assert_text(file_row(2)->path, "/etc/cron.d/job");
    assert_int_equal(file_row(1)->inode, 1);
}

static void a_memfd_matters_only_when_it_runs(void **state)
{
    struct file_record record = file_record(EVENT_FILE_WRITE, 10 * SECOND, writer, 1, "/memfd:x");
    (void)state;
    record.file.mode = S_IFREG | 0777;
    record.file.flags = EVENT_FILE_MEMFD;
    apply(&record);
    assert_int_equal(rows(ROW_FILE), 0);
    ran(12 * SECOND, runner, "/memfd:x", 1);
    assert_int_equal(file_row(1)->memfd, 1);
    assert_edge(1, 3, 10 * SECOND, 10 * SECOND, "exec");
}

/* More files than are kept in mind: the oldest is forgotten, the newest is not. */
static void the_memory_is_bounded(void **state)
{
    (void)state;
    for (uint64_t inode = 1; inode <= 32768 + 1; inode++)
        wrote(10 * SECOND + inode, writer, inode, "/tmp/a");
    ran(20 * SECOND, runner, "/tmp/a", 1);
    assert_int_equal(edges("file"), 0);
    ran(21 * SECOND, runner, "/tmp/a", 2);
    assert_int_equal(edges("file"), 1);
}

#define FILE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, model_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(what_nobody_runs_has_no_row),
        FILE_TEST(who_wrote_a_program_acted_on_who_runs_it),
        FILE_TEST(a_number_used_again_is_another_file),
        FILE_TEST(who_runs_what_it_wrote_itself_has_no_edge),
        FILE_TEST(all_writers_acted_and_the_forgotten_too),
        FILE_TEST(what_was_written_after_the_run_did_not_reach_it),
        FILE_TEST(a_mapped_file_may_be_written_until_the_run),
        FILE_TEST(a_late_word_of_a_stranger_makes_nobody_up),
        FILE_TEST(an_interpreter_that_names_the_file_runs_it),
        FILE_TEST(what_an_interpreter_reads_else_is_data),
        FILE_TEST(who_reads_by_name_without_running_has_no_edge),
        FILE_TEST(an_interpreter_without_arguments_runs_its_input),
        FILE_TEST(who_wrote_what_was_copied_acted_too),
        FILE_TEST(what_was_read_after_the_last_write_was_not_copied),
        FILE_TEST(copies_in_a_circle_end),
        FILE_TEST(a_thicket_of_copies_is_not_searched_to_its_end),
        FILE_TEST(one_connection_fed_the_writer),
        FILE_TEST(of_two_connections_none_is_named),
        FILE_TEST(closed_attempted_and_dns_connections_do_not_count),
        FILE_TEST(a_write_in_a_place_has_a_row_at_once),
        FILE_TEST(a_rename_into_a_place_says_whence),
        FILE_TEST(names_elsewhere_have_no_rows),
        FILE_TEST(a_file_that_becomes_a_program_has_rows),
        FILE_TEST(setuid_has_a_row_whoever_wrote_it),
        FILE_TEST(a_link_of_a_file_without_a_name_names_it),
        FILE_TEST(a_memfd_matters_only_when_it_runs),
        FILE_TEST(the_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
