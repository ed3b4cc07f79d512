/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of credentials and walls, and what processes do to each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/sched.h>
#include <sys/mount.h>

#include "../../daemon/json.h"
#include "events.h"

#define MNT  4026531841u
#define PIDS 4026531836u

static const struct who parent = {50, 5 * SECOND};
static const struct who one = {100, 20 * SECOND};
static const struct who other = {200, 20 * SECOND};

struct privilege_record {
    struct event_privilege privilege;
    char tail[256];
};

/* What a process did; its credentials and namespaces after it are for the caller to set. */
static struct privilege_record privilege_record(uint64_t time, struct who who, unsigned what)
{
    struct privilege_record record = {0};
    record.privilege.header = header_of(EVENT_PRIVILEGE, sizeof(record.privilege), time, who);
    record.privilege.task = task_of(who, parent);
    record.privilege.what = what;
    return record;
}

static void add_text(struct privilege_record *record, struct event_text *reference,
                     const char *text)
{
    struct event_header *header = &record->privilege.header;
    size_t length = strlen(text), at = header->size - sizeof(record->privilege);
    *reference = (struct event_text){header->size, (__u32)length};
    assert_true(at + length + 8 <= sizeof(record->tail));
    memcpy(record->tail + at, text, length);
    header->size += (__u32)(length + 7) / 8 * 8;
}

static const struct row_privilege *privilege_row(int64_t id)
{
    return flushed(ROW_PRIVILEGE, id);
}

static void assert_change(int64_t id, const char *kind, const char *old, const char *new)
{
    const struct row_privilege *row = privilege_row(id);
    assert_text(row->kind, kind);
    assert_text(row->old, old);
    assert_text(row->new, new);
}

static void set_uids(uint64_t time, struct who who, uint32_t tid, uint32_t uid, uint32_t euid)
{
    struct privilege_record record = privilege_record(time, who, EVENT_PRIVILEGE_UID);
    record.privilege.header.tid = tid;
    record.privilege.task.uid = uid;
    record.privilege.task.euid = euid;
    apply(&record);
}

/* ---- credentials ---- */

static void what_changes_has_a_row_and_the_process_follows(void **state)
{
    (void)state;
    forked(one, NOBODY);
    set_uids(21 * SECOND, one, one.pid, 7, 8);
    assert_change(1, "setuid", "{\"uid\":1000,\"euid\":0}", "{\"uid\":7,\"euid\":8}");
    assert_true(privilege_row(1)->at == AT(21 * SECOND));
    assert_null_column(privilege_row(1)->exec_id);
    assert_int_equal(process_row(1)->uid, 7);
    assert_int_equal(process_row(1)->euid, 8);
}

static void what_stays_the_same_has_none(void **state)
{
    (void)state;
    forked(one, NOBODY);
    set_uids(21 * SECOND, one, one.pid, 1000, 0);
    assert_int_equal(rows(ROW_PRIVILEGE), 0);
}

static void threads_that_follow_make_no_further_row(void **state)
{
    (void)state;
    forked(one, NOBODY);
    set_uids(21 * SECOND, one, 101, 7, 7);
    assert_int_equal(process_row(1)->uid, 1000);
    set_uids(21 * SECOND + MS, one, one.pid, 7, 7);
    set_uids(21 * SECOND + 2 * MS, one, 102, 7, 7);
    assert_int_equal(rows(ROW_PRIVILEGE), 1);
    assert_int_equal(process_row(1)->uid, 7);
}

static void a_process_whose_birth_was_missed_is_taken_as_it_is(void **state)
{
    (void)state;
    set_uids(21 * SECOND, one, one.pid, 7, 7);
    assert_int_equal(rows(ROW_PRIVILEGE), 0);
    set_uids(22 * SECOND, one, one.pid, 8, 8);
    assert_change(1, "setuid", "{\"uid\":7,\"euid\":7}", "{\"uid\":8,\"euid\":8}");
}

static void exec_with(uint64_t time, uint32_t euid, uint32_t egid, uint64_t capabilities)
{
    struct exec_record record = exec_record(EVENT_EXEC, time, one, NOBODY, "/bin/x");
    record.exec.task.euid = euid;
    record.exec.task.egid = egid;
    record.exec.task.capabilities = capabilities;
    apply(&record);
}

static void an_exec_is_named_by_what_it_changed(void **state)
{
    (void)state;
    forked(one, NOBODY);
    exec_with(21 * SECOND, 5, 0, 0);
    exec_with(22 * SECOND, 5, 6, 0);
    assert_int_equal(rows(ROW_PRIVILEGE), 2);
    assert_change(2, "setgid", "{\"gid\":0,\"egid\":0}", "{\"gid\":0,\"egid\":6}");
    assert_int_equal(privilege_row(1)->exec_id, 1);
    assert_int_equal(privilege_row(2)->exec_id, 2);
}

static void capabilities_count_where_they_are_not_those_of_root(void **state)
{
    (void)state;
    forked(one, NOBODY);
    exec_with(21 * SECOND, 5, 0, 0);
    exec_with(22 * SECOND, 0, 0, 0x1ff); /* with root */
    exec_with(23 * SECOND, 5, 0, 0);     /* and without */
    assert_int_equal(rows(ROW_PRIVILEGE), 3);
    exec_with(24 * SECOND, 5, 0, 0x2000);
    assert_change(4, "caps", "{\"capabilities\":\"0000000000000000\"}",
                  "{\"capabilities\":\"0000000000002000\"}");
    exec_with(25 * SECOND, 5, 0, 0); /* less by an exec is what execs are */
    assert_int_equal(rows(ROW_PRIVILEGE), 4);
}

static void capset_counts_both_ways(void **state)
{
    struct privilege_record record = privilege_record(21 * SECOND, one, EVENT_PRIVILEGE_CAPS);
    (void)state;
    forked(one, NOBODY);
    record.privilege.task.capabilities = 1;
    apply(&record);
    record.privilege.task.capabilities = 0;
    apply(&record);
    apply(&record);
    assert_int_equal(rows(ROW_PRIVILEGE), 2);
    assert_text(process_row(1)->capabilities, "0000000000000000");
}

static void ids_for_files_are_as_the_call_says(void **state)
{
    struct privilege_record record = privilege_record(21 * SECOND, one, EVENT_PRIVILEGE_FSGID);
    (void)state;
    forked(one, NOBODY);
    record.privilege.second = 4294967294u;
    apply(&record);
    assert_change(1, "setgid", "{\"fsgid\":0}", "{\"fsgid\":4294967294}");
}

/* ---- namespaces ---- */

static struct privilege_record walled(uint64_t time, unsigned what, uint32_t mnt, uint64_t flags)
{
    struct privilege_record record = privilege_record(time, one, what);
    record.privilege.task.mnt_ns = mnt;
    record.privilege.uts_ns = 77;
    record.privilege.first = flags;
    return record;
}

static void namespaces_that_differ_are_named(void **state)
{
    struct privilege_record record =
        walled(21 * SECOND, EVENT_PRIVILEGE_UNSHARE, MNT, CLONE_NEWNS | CLONE_NEWUTS);
    (void)state;
    forked(one, NOBODY);
    apply(&record);
    assert_change(1, "unshare", NULL, "{\"mnt_ns\":4026531841,\"uts_ns\":77}");
    record = walled(22 * SECOND, EVENT_PRIVILEGE_SETNS, MNT + 1, CLONE_NEWNS);
    apply(&record);
    assert_change(2, "setns", "{\"mnt_ns\":4026531841}", "{\"mnt_ns\":4026531842}");
    assert_int_equal(process_row(1)->mnt_ns, MNT + 1);
    record = walled(23 * SECOND, EVENT_PRIVILEGE_SETNS, MNT + 1, CLONE_NEWNS);
    apply(&record);
    assert_int_equal(rows(ROW_PRIVILEGE), 2);
}

static void a_descriptor_names_its_namespace_by_its_inode(void **state)
{
    struct privilege_record record = walled(21 * SECOND, EVENT_PRIVILEGE_SETNS, 0, 0);
    (void)state;
    forked(one, NOBODY);
    record.privilege.second = 77;
    apply(&record);
    assert_change(1, "setns", NULL, "{\"uts_ns\":77}");
}

static void born_into(uint32_t flags, uint32_t pid_ns)
{
    struct event_fork record = fork_record(one.start, one, parent);
    record.task.mnt_ns = MNT + 1;
    record.task.pid_ns = pid_ns;
    record.task.flags = flags;
    apply(&record);
}

static void fork_parent(uint32_t child_pid_ns)
{
    struct event_fork record = fork_record(parent.start, parent, NOBODY);
    record.task.mnt_ns = MNT;
    record.task.pid_ns = PIDS;
    record.task.child_pid_ns = child_pid_ns;
    apply(&record);
}

static void a_child_may_be_born_behind_walls(void **state)
{
    (void)state;
    fork_parent(PIDS);
    born_into(EVENT_TASK_WALLED, PIDS + 9);
    assert_change(1, "unshare", "{\"mnt_ns\":4026531841,\"pid_ns\":4026531836}",
                  "{\"mnt_ns\":4026531842,\"pid_ns\":4026531845}");
    assert_int_equal(privilege_row(1)->process_id, 2);
}

static void a_child_born_where_its_parent_had_said_is_no_change(void **state)
{
    (void)state;
    fork_parent(PIDS + 9);
    born_into(0, PIDS + 9);
    assert_int_equal(rows(ROW_PRIVILEGE), 0);
}

/* ---- with text ---- */

static void mounts_say_what_and_where(void **state)
{
    struct privilege_record record = privilege_record(21 * SECOND, one, EVENT_PRIVILEGE_MOUNT);
    (void)state;
    record.privilege.first = MS_BIND | MS_REC | MS_RDONLY;
    add_text(&record, &record.privilege.source, "/a\"\n");
    add_text(&record, &record.privilege.target, "/b");
    apply(&record);
    assert_change(1, "mount", NULL,
                  "{\"source\":\"/a\\\"\\n\",\"target\":\"/b\",\"flags\":\"ro,bind,rec\"}");
    record = privilege_record(22 * SECOND, one, EVENT_PRIVILEGE_UMOUNT);
    add_text(&record, &record.privilege.target, "/b");
    apply(&record);
    assert_change(2, "mount", "{\"target\":\"/b\"}", NULL);
    record = privilege_record(23 * SECOND, one, EVENT_PRIVILEGE_MOVE_MOUNT);
    add_text(&record, &record.privilege.source, "/c");
    add_text(&record, &record.privilege.target, "/d");
    apply(&record);
    assert_change(3, "mount", "{\"target\":\"/c\"}", "{\"target\":\"/d\"}");
}

static void every_mount_flag_at_once_fits(void **state)
{
    struct privilege_record record = privilege_record(21 * SECOND, one, EVENT_PRIVILEGE_MOUNT);
    (void)state;
    record.privilege.first = UINT64_MAX;
    apply(&record);
    assert_non_null(
        memmem(privilege_row(1)->new.data, privilege_row(1)->new.length, ",dirsync", 8));
}

static void roots_may_be_changed_in_two_ways(void **state)
{
    struct privilege_record record = privilege_record(21 * SECOND, one, EVENT_PRIVILEGE_CHROOT);
    (void)state;
    add_text(&record, &record.privilege.target, "/jail");
    apply(&record);
    record.privilege.what = EVENT_PRIVILEGE_PIVOT_ROOT;
    add_text(&record, &record.privilege.source, "old");
    apply(&record);
    assert_change(1, "chroot", NULL, "{\"root\":\"/jail\"}");
    assert_change(2, "chroot", NULL, "{\"root\":\"/jail\",\"put_old\":\"old\"}");
}

static void modules_come_and_go(void **state)
{
    struct privilege_record record = privilege_record(21 * SECOND, one, EVENT_PRIVILEGE_MODULE);
    (void)state;
    add_text(&record, &record.privilege.target, "rootkit");
    add_text(&record, &record.privilege.source, "/tmp/r.ko");
    record.privilege.first = 0x3000;
    apply(&record);
    record.privilege.what = EVENT_PRIVILEGE_MODULE_GONE;
    apply(&record);
    assert_change(1, "module", NULL,
                  "{\"name\":\"rootkit\",\"file\":\"/tmp/r.ko\",\"taints\":12288}");
    assert_change(2, "module", "{\"name\":\"rootkit\"}", NULL);
}

static void programs_are_named_by_their_type(void **state)
{
    struct privilege_record record = privilege_record(21 * SECOND, one, EVENT_PRIVILEGE_BPF);
    (void)state;
    record.privilege.first = 2;
    record.privilege.second = 9;
    add_text(&record, &record.privilege.target, "spy");
    apply(&record);
    record.privilege.first = UINT64_MAX; /* of a kernel to come */
    apply(&record);
    assert_change(1, "bpf", NULL, "{\"type\":\"kprobe\",\"name\":\"spy\",\"id\":9}");
    assert_change(2, "bpf", NULL, "{\"type\":4294967295,\"name\":\"spy\",\"id\":9}");
}

/* ---- what one does to another ---- */

static struct event_influence influence(unsigned kind, uint64_t time, uint32_t number)
{
    return (struct event_influence){
        .header = header_of(kind, sizeof(struct event_influence), time, one),
        .target_pid = other.pid,
        .target_start = other.start,
        .number = number,
    };
}

static void both_known(void)
{
    forked(one, NOBODY);
    forked(other, NOBODY);
}

static void assert_act(int64_t id, const char *kind, const char *detail)
{
    assert_text(edge_row(id)->kind, kind);
    assert_text(edge_row(id)->detail, detail);
    assert_int_equal(edge_row(id)->src, 1);
    assert_int_equal(edge_row(id)->dst, 2);
}

static void acts_are_named_by_their_call(void **state)
{
    static const struct {
        unsigned kind;
        uint32_t how, number;
        const char *edge, *detail;
    } acts[] = {
        {EVENT_PTRACE, 0, 16, "ptrace", "PTRACE_ATTACH"},
        {EVENT_PTRACE, 0, 0x4206, "ptrace", "PTRACE_SEIZE"},
        {EVENT_PTRACE, 0, 999, "ptrace", "ptrace"},
        {EVENT_INJECT, EVENT_INJECT_POKE, 5, "inject", "PTRACE_POKEDATA"},
        {EVENT_INJECT, EVENT_INJECT_WRITEV, 0, "inject", "process_vm_writev"},
        {EVENT_INJECT, EVENT_INJECT_FILE, 0, "inject", "/proc/PID/mem"},
        {EVENT_SIGNAL, 0, 9, "signal", "SIGKILL"},
        {EVENT_SIGNAL, 0, 31, "signal", "SIGSYS"},
        {EVENT_SIGNAL, 0, 32, "signal", "32"},
        {EVENT_SIGNAL, 0, 64, "signal", "SIGRTMIN+30"},
        {EVENT_SIGNAL, 0, 0, "signal", "0"},
    };
    (void)state;
    both_known();
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        struct event_influence record =
            influence(acts[i].kind, 21 * SECOND + i * MS, acts[i].number);
        record.how = acts[i].how;
        apply(&record);
        assert_act((int64_t)i + 1, acts[i].edge, acts[i].detail);
    }
}

static void a_way_that_is_none_is_no_trap(void **state)
{
    struct event_influence record = influence(EVENT_INJECT, 21 * SECOND, 6);
    (void)state;
    both_known();
    record.how = UINT32_MAX;
    apply(&record);
    assert_act(1, "inject", "PTRACE_POKEUSR");
}

static void a_pid_counts_in_its_namespace(void **state)
{
    struct event_influence record = influence(EVENT_PTRACE, 21 * SECOND, 16);
    struct event_fork fork = fork_record(other.start, other, NOBODY);
    (void)state;
    forked(one, NOBODY);
    fork.task.pid_ns = PIDS;
    fork.task.ns_pid = 3;
    apply(&fork);
    record.target_start = 0;
    record.target_pid = 3;
    record.target_pid_ns = PIDS;
    apply(&record);
    assert_act(1, "ptrace", "PTRACE_ATTACH");
}

static void nobody_is_made_up_to_be_acted_upon(void **state)
{
    struct event_influence record = influence(EVENT_SIGNAL, 21 * SECOND, 9);
    (void)state;
    forked(one, NOBODY);
    apply(&record);
    assert_int_equal(rows(ROW_PROCESS), 1);
    assert_int_equal(rows(ROW_EDGE), 0);
}

static void nobody_acts_on_himself(void **state)
{
    struct event_influence record = influence(EVENT_SIGNAL, 21 * SECOND, 9);
    (void)state;
    forked(one, NOBODY);
    record.target_pid = one.pid;
    record.target_start = one.start;
    apply(&record);
    assert_int_equal(rows(ROW_EDGE), 0);
}

/* ---- JSON ---- */

static void an_object_without_members_is_unknown(void **state)
{
    struct json json = {0};
    (void)state;
    json_add_text(&json, "none", TEXT_NULL);
    assert_null(json_take(&json));
}

static void an_object_holds_every_byte(void **state)
{
    struct json json = {0};
    struct shared *taken;
    (void)state;
    json_add_integer(&json, "least", INT64_MIN);
    json_add_text(&json, "text", (struct text){"\0\xff\"\\\x7f", 5});
    json_add_text(&json, "empty", (struct text){"", 0});
    taken = json_take(&json);
    assert_text(shared_text(taken), "{\"least\":-9223372036854775808,"
                                    "\"text\":\"\\u0000\xff\\\"\\\\\\u007f\",\"empty\":\"\"}");
    shared_drop(taken);
    assert_null(json_take(&json));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, model_set_up, model_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_changes_has_a_row_and_the_process_follows),
        TEST(what_stays_the_same_has_none),
        TEST(threads_that_follow_make_no_further_row),
        TEST(a_process_whose_birth_was_missed_is_taken_as_it_is),
        TEST(an_exec_is_named_by_what_it_changed),
        TEST(capabilities_count_where_they_are_not_those_of_root),
        TEST(capset_counts_both_ways),
        TEST(ids_for_files_are_as_the_call_says),
        TEST(namespaces_that_differ_are_named),
        TEST(a_descriptor_names_its_namespace_by_its_inode),
        TEST(a_child_may_be_born_behind_walls),
        TEST(a_child_born_where_its_parent_had_said_is_no_change),
        TEST(mounts_say_what_and_where),
        TEST(every_mount_flag_at_once_fits),
        TEST(roots_may_be_changed_in_two_ways),
        TEST(modules_come_and_go),
        TEST(programs_are_named_by_their_type),
        TEST(acts_are_named_by_their_call),
        TEST(a_way_that_is_none_is_no_trap),
        TEST(a_pid_counts_in_its_namespace),
        TEST(nobody_is_made_up_to_be_acted_upon),
        TEST(nobody_acts_on_himself),
        TEST(an_object_without_members_is_unknown),
        TEST(an_object_holds_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
