/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens to a record between its source and the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/pipeline.h"
#include "../../daemon/record.h"
#include "../../daemon/recording.h"
#include "events.h"
#include "scratch.h"

static const struct who ann = {100, 5 * SECOND};

static struct pipeline *open_pipeline(const char *path)
{
    struct pipeline_error error = {""};
    struct pipeline *pipeline = pipeline_new(path, &error);
    if (!pipeline)
        fail_msg("%s", error.message);
    pipeline_set_model(pipeline, model);
    return pipeline;
}

static void push_frontier(struct pipeline *pipeline, uint64_t time)
{
    struct event_mark mark = {.header = header_of(EVENT_FRONTIER, sizeof(mark), time, NOBODY)};
    pipeline_push(pipeline, &mark.header, sizeof(mark));
}

static void push_exit(struct pipeline *pipeline, uint64_t time, uint32_t status)
{
    struct event_exit record = exit_record(time, ann, status);
    pipeline_push(pipeline, &record.header, sizeof(record));
}

static void push_fork(struct pipeline *pipeline, uint64_t time)
{
    struct event_fork record = fork_record(time, ann, NOBODY);
    pipeline_push(pipeline, &record.header, sizeof(record));
}

static void push_host(struct pipeline *pipeline, const char *hostname)
{
    struct record record;
    struct event_host *host = record_begin(&record, EVENT_HOST, sizeof(*host), 1);
    host->abi = EVENT_ABI_VERSION;
    host->wall_minus_boot = WALL;
    host->hostname = record_text(&record, hostname);
    const struct event_header *header = record_end(&record);
    pipeline_push(pipeline, header, header->size);
    memset(&record, 'x', sizeof(record));
}

static void the_model_sees_time_order_and_only_what_the_frontier_has_passed(void **state)
{
    (void)state;
    struct pipeline *pipeline = open_pipeline(NULL);
    push_exit(pipeline, 7 * SECOND, 3 << 8);
    push_fork(pipeline, 5 * SECOND);
    assert_int_equal(rows(ROW_PROCESS), 0);
    push_frontier(pipeline, 6 * SECOND);
    assert_null_column(process_row(1)->ended_at);
    assert_text(process_row(1)->origin, "event"); /* the fork came first, after all */
    push_frontier(pipeline, 8 * SECOND);
    assert_int_equal(process_row(1)->exit_code, 3);
    assert_null(pipeline_trouble(pipeline));
    assert_int_equal(pipeline_free(pipeline, NULL), 0);
}

/* The recording in the scratch directory holds records of these kinds and no others. */
static void assert_recorded(const unsigned *kinds, size_t count)
{
    struct recording_error error;
    struct recording_reader *reader = recording_open(scratch_path("r"), &error);
    struct event event;
    assert_non_null(reader);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(recording_next(reader, &event, &error), 1);
        assert_int_equal(event.header->kind, kinds[i]);
    }
    assert_int_equal(recording_next(reader, &event, &error), 0);
    recording_close(reader);
}

static void a_record_that_makes_no_sense_goes_no_further(void **state)
{
    (void)state;
    struct pipeline *pipeline = open_pipeline(scratch_path("r"));
    struct event_exit record = exit_record(1, ann, 0);
    push_host(pipeline, "here");
    record.header.kind = 999;
    pipeline_push(pipeline, &record.header, sizeof(record));
    const char *trouble = pipeline_trouble(pipeline);
    assert_non_null(trouble);
    assert_non_null(strstr(trouble, "no such kind"));
    assert_null(pipeline_trouble(pipeline)); /* told once */
    push_frontier(pipeline, 9 * SECOND);
    assert_int_equal(rows(ROW_PROCESS), 0);
    assert_int_equal(pipeline_free(pipeline, NULL), 0);
    assert_recorded((const unsigned[]){EVENT_HOST, EVENT_FRONTIER}, 2);
}

/* A record that is not one, of a kind or of none. */
static void push_nonsense(struct pipeline *pipeline, unsigned kind)
{
    struct event_header record = {.size = sizeof(record), .kind = (__u16)kind};
    pipeline_push(pipeline, &record, sizeof(record));
}

static void assert_loss(int64_t id, const char *class, int64_t count, const char *detail)
{
    const struct row_loss *row = flushed(ROW_LOSS, id);
    assert_text(row->class, class);
    assert_text(row->stage, "decode");
    assert_text(row->detail, detail);
    assert_int_equal(row->count, count);
    assert_true(row->started_at <= row->ended_at);
}

static void records_that_make_no_sense_are_counted_by_class(void **state)
{
    (void)state;
    struct pipeline *pipeline = open_pipeline(NULL);
    push_host(pipeline, "here");
    push_nonsense(pipeline, EVENT_TCP_CLOSE);
    push_nonsense(pipeline, 999);
    push_nonsense(pipeline, EVENT_TCP_CLOSE);
    pipeline_push(pipeline, &(struct event_header){.kind = EVENT_TCP_CLOSE}, 4);
    assert_int_equal(rows(ROW_LOSS), 0);
    push_frontier(pipeline, 9 * SECOND);
    assert_int_equal(rows(ROW_LOSS), 2);
    assert_loss(1, "lifecycle", 2, "shorter than a record header");
    assert_loss(2, "network", 2, "shorter than its kind of record");
    pipeline_free(pipeline, NULL);
}

static void records_that_make_no_sense_are_told_of_once_a_second(void **state)
{
    (void)state;
    struct pipeline *pipeline = open_pipeline(NULL);
    push_nonsense(pipeline, 999);
    push_frontier(pipeline, 9 * SECOND);
    push_nonsense(pipeline, 999);
    push_frontier(pipeline, 9 * SECOND + SECOND / 2);
    push_nonsense(pipeline, 999);
    assert_int_equal(rows(ROW_LOSS), 1);
    push_frontier(pipeline, 10 * SECOND);
    assert_int_equal(rows(ROW_LOSS), 2);
    assert_loss(2, "lifecycle", 2, "no such kind of record");
    push_nonsense(pipeline, 999);
    push_frontier(pipeline, UINT64_MAX); /* the end: nothing is left untold */
    assert_int_equal(rows(ROW_LOSS), 3);
    pipeline_free(pipeline, NULL);
}

static void what_the_frontier_has_passed_is_late_and_not_lost(void **state)
{
    (void)state;
    struct pipeline *pipeline = open_pipeline(NULL);
    push_fork(pipeline, 5 * SECOND);
    push_exit(pipeline, 7 * SECOND, 0);
    push_frontier(pipeline, 8 * SECOND);
    assert_int_equal(pipeline_late(pipeline), 0);
    push_exit(pipeline, 6 * SECOND, 0);
    assert_int_equal(pipeline_late(pipeline), 1);
    assert_int_equal(rows(ROW_LOSS), 0);
    pipeline_free(pipeline, NULL);
}

static void a_frontier_says_how_late_it_is(void **state)
{
    (void)state;
    struct pipeline *pipeline = open_pipeline(NULL);
    push_fork(pipeline, 5 * SECOND);
    push_frontier(pipeline, 8 * SECOND);
    assert_true(model_newest(model) == WALL + (int64_t)(8 * SECOND));
    push_frontier(pipeline, 7 * SECOND);
    assert_true(model_newest(model) == WALL + (int64_t)(8 * SECOND));
    push_frontier(pipeline, UINT64_MAX); /* the end is no time */
    assert_true(model_newest(model) == WALL + (int64_t)(8 * SECOND));
    pipeline_free(pipeline, NULL);
}

static void the_recording_keeps_the_order_of_arrival(void **state)
{
    (void)state;
    static const unsigned kinds[] = {EVENT_HOST, EVENT_EXIT, EVENT_FORK, EVENT_FRONTIER};
    struct pipeline *pipeline = open_pipeline(scratch_path("r"));
    push_host(pipeline, "here");
    push_exit(pipeline, 7 * SECOND, 0);
    push_fork(pipeline, 5 * SECOND);
    push_frontier(pipeline, 8 * SECOND);
    assert_int_equal(pipeline_free(pipeline, NULL), 0);
    assert_recorded(kinds, 4);
}

static void the_first_host_record_says_who_recorded(void **state)
{
    (void)state;
    struct pipeline *pipeline = open_pipeline(NULL);
    int64_t clock = 0;
    assert_null(pipeline_host(pipeline, &clock));
    push_host(pipeline, "first");
    push_host(pipeline, "second");
    const struct row_host *host = pipeline_host(pipeline, &clock);
    assert_non_null(host);
    assert_text(host->hostname, "first");
    assert_text(host->kernel, NULL);
    assert_null_column(host->id);
    assert_null_column(host->first_seen_at);
    assert_true(host->booted_at == WALL && clock == WALL);
    pipeline_free(pipeline, NULL);
}

static void a_recording_that_can_not_be_made_is_named(void **state)
{
    (void)state;
    struct pipeline_error error = {""};
    assert_null(pipeline_new("/nowhere/at/all", &error));
    assert_non_null(strstr(error.message, "/nowhere/at/all"));
}

/* The disk is full: told once, and the model goes on. */
static void a_recording_that_ends_early_does_not_end_the_recorder(void **state)
{
    (void)state;
    struct pipeline_error error = {""};
    struct pipeline *pipeline = open_pipeline("/dev/full");
    const char *trouble = NULL;
    push_fork(pipeline, 5 * SECOND);
    for (unsigned i = 0; i < 200000 && !(trouble = pipeline_trouble(pipeline)); i++)
        push_frontier(pipeline, 6 * SECOND);
    assert_non_null(trouble);
    assert_non_null(strstr(trouble, "/dev/full"));
    push_exit(pipeline, 7 * SECOND, 0);
    push_frontier(pipeline, 8 * SECOND);
    assert_null(pipeline_trouble(pipeline));
    assert_int_equal(process_row(1)->exit_code, 0);
    pipeline_free(pipeline, &error);
}

static void a_recording_that_can_not_be_finished_is_told_of(void **state)
{
    (void)state;
    struct pipeline_error error = {""};
    struct pipeline *pipeline = open_pipeline("/dev/full");
    push_fork(pipeline, 5 * SECOND);
    assert_int_equal(pipeline_free(pipeline, &error), -1);
    assert_non_null(strstr(error.message, "/dev/full"));
    assert_int_equal(pipeline_free(NULL, &error), 0);
}

static int set_up(void **state)
{
    return scratch_set_up(state) || model_set_up(state);
}

static int tear_down(void **state)
{
    return model_tear_down(state) || scratch_tear_down(state);
}

#define PIPELINE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PIPELINE_TEST(the_model_sees_time_order_and_only_what_the_frontier_has_passed),
        PIPELINE_TEST(a_record_that_makes_no_sense_goes_no_further),
        PIPELINE_TEST(records_that_make_no_sense_are_counted_by_class),
        PIPELINE_TEST(records_that_make_no_sense_are_told_of_once_a_second),
        PIPELINE_TEST(what_the_frontier_has_passed_is_late_and_not_lost),
        PIPELINE_TEST(a_frontier_says_how_late_it_is),
        PIPELINE_TEST(the_recording_keeps_the_order_of_arrival),
        PIPELINE_TEST(the_first_host_record_says_who_recorded),
        PIPELINE_TEST(a_recording_that_can_not_be_made_is_named),
        PIPELINE_TEST(a_recording_that_ends_early_does_not_end_the_recorder),
        PIPELINE_TEST(a_recording_that_can_not_be_finished_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
