/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each uid is told of once, before anything else is made of it. */
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/users.h"
#include "events.h"

#define SINCE 4 /* all that comes now is of this time or later */

static uint32_t told[8192];
static size_t told_count;
static uint64_t last_time;
static char last_name[EVENT_NAME_SIZE + 1];

static void tell(void *context, const struct event_header *record, size_t size)
{
    struct event event;
    assert_ptr_equal(context, told);
    assert_null(decode(record, size, &event));
    assert_int_equal(record->kind, EVENT_USER);
    last_time = record->time;
    told[told_count++] = event.user->uid;
    memcpy(last_name, event.user->name, EVENT_NAME_SIZE);
}

static int forget(void **state)
{
    (void)state;
    told_count = 0;
    last_name[0] = '\0';
    return 0;
}

/* Introduces the user of a process that was forked. Returns whether it was told of. */
static bool introduce(struct users *users, uint32_t uid)
{
    struct event_fork record = fork_record(9, (struct who){1, 1}, NOBODY);
    size_t before = told_count;
    record.task.uid = uid;
    users_introduce(users, &record.header, SINCE, tell, told);
    assert_in_range(told_count, before, before + 1);
    return told_count > before;
}

static void a_user_is_told_of_once_by_name(void **state)
{
    (void)state;
    struct users *users = users_new();
    assert_non_null(users);
    assert_true(introduce(users, 0));
    assert_int_equal(told[0], 0);
    assert_string_equal(last_name, getpwuid(0)->pw_name);
    assert_false(introduce(users, 0));
    users_free(users);
    users_free(NULL);
}

/* Of two rings one is read first: what the other has may be of before that. */
static void a_name_holds_for_all_that_may_still_come(void **state)
{
    (void)state;
    struct users *users = users_new();
    struct event_fork late = fork_record(SINCE - 1, (struct who){1, 1}, NOBODY);
    assert_true(introduce(users, 1));
    assert_int_equal(last_time, SINCE);
    late.task.uid = 2;
    users_introduce(users, &late.header, SINCE, tell, told);
    assert_int_equal(last_time, SINCE - 1);
    users_free(users);
}

/* A uid that nobody in /etc/passwd has. */
static uint32_t nobodys_uid(void)
{
    uint32_t uid = 3000000000u;
    while (getpwuid(uid))
        uid++;
    return uid;
}

static void an_unknown_uid_is_told_of_once_without_a_name(void **state)
{
    (void)state;
    struct users *users = users_new();
    uint32_t uid = nobodys_uid();
    strcpy(last_name, "stale");
    assert_true(introduce(users, uid));
    assert_int_equal(told[0], uid);
    assert_string_equal(last_name, "");
    assert_false(introduce(users, uid));
    users_free(users);
}

/* Far more than the table has room for at first; multiples of its size collide. */
static void many_users_are_each_told_of_once(void **state)
{
    (void)state;
    struct users *users = users_new();
    for (uint32_t i = 0; i < 500; i++)
        assert_true(introduce(users, i * 4096));
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(told[i], i * 4096);
    for (uint32_t i = 0; i < 500; i++)
        assert_false(introduce(users, i * 4096));
    assert_true(introduce(users, UINT32_MAX));
    assert_false(introduce(users, UINT32_MAX));
    users_free(users);
}

static void every_record_of_a_process_introduces_its_user(void **state)
{
    (void)state;
    static const unsigned kinds[] = {EVENT_FORK, EVENT_CGROUP_ATTACH, EVENT_EXEC, EVENT_PROCESS};
    struct users *users = users_new();
    for (uint32_t i = 0; i < 4; i++) {
        struct exec_record record = exec_record(kinds[i], 5, (struct who){1, 1}, NOBODY, "/x");
        record.exec.task.uid = i;
        users_introduce(users, &record.exec.header, SINCE, tell, told);
        assert_int_equal(told_count, i + 1);
        assert_int_equal(told[i], i);
    }
    struct event_exit exit = exit_record(6, (struct who){1, 1}, 0);
    users_introduce(users, &exit.header, SINCE, tell, told);
    assert_int_equal(told_count, 4);
    users_free(users);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_user_is_told_of_once_by_name, forget),
        cmocka_unit_test_setup(a_name_holds_for_all_that_may_still_come, forget),
        cmocka_unit_test_setup(an_unknown_uid_is_told_of_once_without_a_name, forget),
        cmocka_unit_test_setup(many_users_are_each_told_of_once, forget),
        cmocka_unit_test_setup(every_record_of_a_process_introduces_its_user, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
