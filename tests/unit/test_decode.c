/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What decode() lets through, and what it says of each way in which a record can lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "../../daemon/decode.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct expected_kind {
    unsigned kind;
    const char *name;
    size_t size;
    unsigned loss_class;
};

static const struct expected_kind expected_kinds[] = {
    {EVENT_HOST, "host", 112, EVENT_CLASS_LIFECYCLE},
    {EVENT_CLOCK, "clock", 48, EVENT_CLASS_LIFECYCLE},
    {EVENT_USER, "user", 112, EVENT_CLASS_LIFECYCLE},
    {EVENT_CGROUP, "cgroup", 56, EVENT_CLASS_LIFECYCLE},
    {EVENT_FRONTIER, "frontier", 40, EVENT_CLASS_LIFECYCLE},
    {EVENT_LOSS, "loss", 88, EVENT_CLASS_LIFECYCLE},
    {EVENT_SCAN_DONE, "scan_done", 40, EVENT_CLASS_LIFECYCLE},
    {EVENT_PROCESS, "process", 368, EVENT_CLASS_LIFECYCLE},
    {EVENT_FORK, "fork", 184, EVENT_CLASS_LIFECYCLE},
    {EVENT_EXEC, "exec", 368, EVENT_CLASS_LIFECYCLE},
    {EVENT_EXEC_FAILED, "exec_failed", 224, EVENT_CLASS_LIFECYCLE},
    {EVENT_EXIT, "exit", 64, EVENT_CLASS_LIFECYCLE},
    {EVENT_CGROUP_ATTACH, "cgroup_attach", 184, EVENT_CLASS_LIFECYCLE},
    {EVENT_TCP_CONNECT, "tcp_connect", 144, EVENT_CLASS_NETWORK},
    {EVENT_TCP_ESTABLISHED, "tcp_established", 144, EVENT_CLASS_NETWORK},
    {EVENT_TCP_ACCEPT, "tcp_accept", 144, EVENT_CLASS_NETWORK},
    {EVENT_TCP_CLOSE, "tcp_close", 144, EVENT_CLASS_NETWORK},
    {EVENT_TCP_LISTEN, "tcp_listen", 144, EVENT_CLASS_NETWORK},
    {EVENT_TCP_CONNECT_FAILED, "tcp_connect_failed", 144, EVENT_CLASS_NETWORK},
    {EVENT_TCP_SOCKET, "tcp_socket", 144, EVENT_CLASS_NETWORK},
    {EVENT_UDP_FLOW, "udp_flow", 168, EVENT_CLASS_NETWORK},
    {EVENT_UDP_CLOSE, "udp_close", 168, EVENT_CLASS_NETWORK},
    {EVENT_UDP_BIND, "udp_bind", 168, EVENT_CLASS_NETWORK},
    {EVENT_UDP_SOCKET, "udp_socket", 168, EVENT_CLASS_NETWORK},
    {EVENT_DNS, "dns", 112, EVENT_CLASS_DNS},
    {EVENT_UNIX_CONNECT, "unix_connect", 88, EVENT_CLASS_IPC},
    {EVENT_UNIX_ACCEPT, "unix_accept", 88, EVENT_CLASS_IPC},
    {EVENT_UNIX_BIND, "unix_bind", 88, EVENT_CLASS_IPC},
    {EVENT_UNIX_SOCKET, "unix_socket", 88, EVENT_CLASS_IPC},
    {EVENT_PIPE_WRITE, "pipe_write", 72, EVENT_CLASS_IPC},
    {EVENT_PIPE_READ, "pipe_read", 72, EVENT_CLASS_IPC},
    {EVENT_FILE_WRITE, "file_write", 120, EVENT_CLASS_FILE},
    {EVENT_FILE_READ, "file_read", 120, EVENT_CLASS_FILE},
    {EVENT_FILE_LOAD, "file_load", 120, EVENT_CLASS_FILE},
    {EVENT_FILE_RENAME, "file_rename", 120, EVENT_CLASS_FILE},
    {EVENT_FILE_LINK, "file_link", 120, EVENT_CLASS_FILE},
    {EVENT_FILE_CHMOD, "file_chmod", 120, EVENT_CLASS_FILE},
    {EVENT_FILE_UNLINK, "file_unlink", 120, EVENT_CLASS_FILE},
    {EVENT_FILE_SYMLINK, "file_symlink", 120, EVENT_CLASS_FILE},
    {EVENT_PRIVILEGE, "privilege", 248, EVENT_CLASS_PRIVILEGE},
    {EVENT_PTRACE, "ptrace", 72, EVENT_CLASS_PRIVILEGE},
    {EVENT_INJECT, "inject", 72, EVENT_CLASS_PRIVILEGE},
    {EVENT_SIGNAL, "signal", 72, EVENT_CLASS_PRIVILEGE},
    {EVENT_FD_SEND, "fd_send", 72, EVENT_CLASS_IPC},
    {EVENT_FD_RECEIVE, "fd_receive", 72, EVENT_CLASS_IPC},
    {EVENT_CONTAINER, "container", 104, EVENT_CLASS_LIFECYCLE},
};

/* A record that is as long as it says, so that the sanitizers see every byte read beyond it. */
static void *new_record(unsigned kind, size_t size)
{
    struct event_header *header = calloc(1, size);
    assert_non_null(header);
    header->size = (__u32)size;
    header->kind = (__u16)kind;
    if (kind >= EVENT_TCP_CONNECT && kind <= EVENT_TCP_SOCKET)
        ((struct event_tcp *)(void *)header)->family = AF_INET;
    if (kind >= EVENT_UDP_FLOW && kind <= EVENT_UDP_SOCKET)
        ((struct event_udp *)(void *)header)->family = AF_INET;
    if (kind == EVENT_DNS)
        ((struct event_dns *)(void *)header)->family = AF_INET;
    if (kind >= EVENT_UNIX_CONNECT && kind <= EVENT_UNIX_SOCKET)
        ((struct event_unix *)(void *)header)->type = SOCK_STREAM;
    if (kind == EVENT_PRIVILEGE)
        ((struct event_privilege *)(void *)header)->what = EVENT_PRIVILEGE_UID;
    if (kind >= EVENT_PTRACE && kind <= EVENT_SIGNAL)
        ((struct event_influence *)(void *)header)->target_pid = 1;
    if (kind == EVENT_HOST)
        ((struct event_host *)(void *)header)->abi = EVENT_ABI_VERSION;
    return header;
}

static void assert_refused(const void *record, const char *because)
{
    struct event event;
    const struct event_header *header = record;
    const char *wrong = decode(record, header->size, &event);
    assert_non_null(wrong);
    if (!strstr(wrong, because))
        fail_msg("\"%s\" does not say \"%s\"", wrong, because);
}

static void assert_accepted(const void *record)
{
    struct event event;
    const struct event_header *header = record;
    assert_null(decode(record, header->size, &event));
    assert_ptr_equal(event.header, record);
}

static void every_kind_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected_kinds); i++) {
        const struct expected_kind *row = &expected_kinds[i];
        void *record = new_record(row->kind, row->size);
        assert_accepted(record);
        assert_string_equal(event_kind_name(row->kind), row->name);
        assert_int_equal(event_class(row->kind), row->loss_class);
        free(record);
    }
}

static void no_kind_is_accepted_shorter_than_its_fixed_part(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected_kinds); i++) {
        const struct expected_kind *row = &expected_kinds[i];
        if (row->size == sizeof(struct event_header))
            continue;
        void *record = calloc(1, row->size);
        struct event_header *header = record;
        header->kind = (__u16)row->kind;
        header->size = (__u32)(row->size - 8);
        assert_refused(record, "shorter than its kind");
        free(record);
    }
}

static void unknown_kinds_are_refused(void **state)
{
    (void)state;
    size_t known = 0;
    void *record = new_record(EVENT_HOST, 4096);
    struct event_header *header = record;
    for (unsigned kind = 0; kind <= UINT16_MAX; kind++) {
        known += event_kind_name(kind) != NULL;
        header->kind = (__u16)kind;
        if (!event_kind_name(kind))
            assert_refused(record, "no such kind");
    }
    assert_int_equal(known, COUNT(expected_kinds));
    assert_null(event_kind_name(UINT32_MAX));
    free(record);
}

static void sizes_must_agree(void **state)
{
    (void)state;
    struct event event;
    struct event_fork *record = new_record(EVENT_FORK, sizeof(*record));
    assert_non_null(decode(record, sizeof(*record) - 8, &event));
    assert_non_null(decode(record, sizeof(struct event_header) - 1, &event));
    assert_non_null(decode(record, 0, &event));
    record->header.size += 8;
    assert_non_null(decode(record, sizeof(*record), &event));
    free(record);

    struct event_fork *odd = new_record(EVENT_FORK, sizeof(*odd) + 4);
    assert_refused(odd, "multiple of 8");
    free(odd);
}

static void the_longest_record_is_accepted_and_no_longer_one(void **state)
{
    (void)state;
    void *longest = new_record(EVENT_EXEC, EVENT_RECORD_MAX);
    assert_accepted(longest);
    free(longest);
    void *longer = new_record(EVENT_EXEC, EVENT_RECORD_MAX + 8);
    assert_refused(longer, "longer than a record");
    free(longer);
}

struct reference {
    unsigned kind;
    size_t size;
    size_t offset; /* of the struct event_text */
};

#define EXEC_TEXT(member)                                                                          \
    {                                                                                              \
        EVENT_EXEC, 368, offsetof(struct event_exec, image.member)                                 \
    }
#define FAILED_TEXT(member)                                                                        \
    {                                                                                              \
        EVENT_EXEC_FAILED, 224, offsetof(struct event_exec_failed, member)                         \
    }
#define HOST_TEXT(member)                                                                          \
    {                                                                                              \
        EVENT_HOST, 112, offsetof(struct event_host, member)                                       \
    }

static const struct reference references[] = {
    EXEC_TEXT(filename),
    EXEC_TEXT(exe),
    EXEC_TEXT(interpreter),
    EXEC_TEXT(cwd),
    EXEC_TEXT(argv),
    EXEC_TEXT(environment),
    EXEC_TEXT(stdio[0].path),
    EXEC_TEXT(stdio[1].path),
    EXEC_TEXT(stdio[2].path),
    {EVENT_PROCESS, 368, offsetof(struct event_exec, image.exe)},
    FAILED_TEXT(filename),
    FAILED_TEXT(cwd),
    FAILED_TEXT(argv),
    HOST_TEXT(hostname),
    HOST_TEXT(machine_id),
    HOST_TEXT(boot_id),
    HOST_TEXT(kernel),
    HOST_TEXT(os),
    HOST_TEXT(arch),
    {EVENT_CGROUP, 56, offsetof(struct event_cgroup, path)},
    {EVENT_LOSS, 88, offsetof(struct event_loss, stage)},
    {EVENT_LOSS, 88, offsetof(struct event_loss, detail)},
};

struct span {
    __u32 offset; /* from the end of the fixed part */
    __u32 length;
    const char *wrong; /* NULL: nothing */
};

#define TAIL 16
static const struct span spans[] = {
    {0, 0, NULL},
    {UINT32_MAX, 0, NULL}, /* no bytes: it does not matter where they are not */
    {0, TAIL, NULL},
    {TAIL - 1, 1, NULL},
    {0, TAIL + 1, "beyond the end"},
    {TAIL, 1, "beyond the end"},
    {1, UINT32_MAX, "beyond the end"},
    {0, UINT32_MAX - 100, "beyond the end"},
    {(__u32)-1, 2, "inside the fixed part"},
};

static void every_text_must_lie_behind_the_fixed_part_and_inside_the_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(references) * COUNT(spans); i++) {
        const struct reference *row = &references[i / COUNT(spans)];
        const struct span *span = &spans[i % COUNT(spans)];
        char *record = new_record(row->kind, row->size + TAIL);
        struct event_text text = {(__u32)row->size + span->offset, span->length};
        memcpy(record + row->offset, &text, sizeof(text));
        if (span->wrong)
            assert_refused(record, span->wrong);
        else
            assert_accepted(record);
        free(record);
    }
}

static void times_are_bounded(void **state)
{
    (void)state;
    struct event_fork *fork = new_record(EVENT_FORK, sizeof(*fork));
    __u64 *const times[] = {&fork->header.time, &fork->header.start, &fork->task.parent_start,
                            &fork->task.creator_start};
    for (size_t i = 0; i < COUNT(times); i++) {
        *times[i] = (__u64)1 << 61;
        assert_accepted(fork);
        *times[i] = ((__u64)1 << 61) + 1;
        assert_refused(fork, "time is out of range");
        *times[i] = 0;
    }
    free(fork);
}

static void a_frontier_may_mean_everything(void **state)
{
    (void)state;
    struct event_mark *mark = new_record(EVENT_FRONTIER, sizeof(*mark));
    mark->header.time = UINT64_MAX;
    assert_accepted(mark);
    mark->header.kind = EVENT_SCAN_DONE;
    assert_refused(mark, "time is out of range");
    free(mark);
}

static void values_that_others_index_or_add_are_checked(void **state)
{
    (void)state;
    struct event_tcp *tcp = new_record(EVENT_TCP_CLOSE, sizeof(*tcp));
    tcp->family = AF_UNIX;
    assert_refused(tcp, "address family");
    free(tcp);

    struct event_loss *loss = new_record(EVENT_LOSS, sizeof(*loss));
    loss->loss_class = EVENT_CLASSES;
    assert_refused(loss, "class of loss");
    loss->loss_class = EVENT_CLASSES - 1;
    loss->began = UINT64_MAX;
    assert_refused(loss, "time is out of range");
    free(loss);

    struct event_clock *clock = new_record(EVENT_CLOCK, sizeof(*clock));
    clock->wall_minus_boot = -((__s64)1 << 61) - 1;
    assert_refused(clock, "wall clock");
    clock->wall_minus_boot = ((__s64)1 << 62) + 1;
    assert_refused(clock, "wall clock");
    clock->wall_minus_boot = (__s64)1 << 62;
    assert_accepted(clock);
    free(clock);

    struct event_host *host = new_record(EVENT_HOST, sizeof(*host));
    host->abi = EVENT_ABI_VERSION + 1;
    assert_refused(host, "another version");
    free(host);
}

static void a_text_is_its_bytes(void **state)
{
    (void)state;
    struct event event;
    char *bytes = new_record(EVENT_EXEC, sizeof(struct event_exec) + 8);
    struct event_exec *exec = (struct event_exec *)(void *)bytes;
    memcpy(bytes + sizeof(*exec), "ab\0c\xff", 5);
    exec->image.argv = (struct event_text){sizeof(*exec), 5}; /* not NUL-terminated */
    assert_null(decode(bytes, exec->header.size, &event));
    struct text argv = event_text(&event, event.exec->image.argv);
    assert_int_equal(argv.length, 5);
    assert_memory_equal(argv.data, "ab\0c\xff", 5);
    assert_null(event_text(&event, event.exec->image.exe).data);
    free(bytes);
}

static void a_field_may_fill_its_place(void **state)
{
    (void)state;
    static const char full[4] = {'a', 'b', 'c', 'd'};
    struct text text = event_field(full, sizeof(full));
    assert_ptr_equal(text.data, full);
    assert_int_equal(text.length, 4);
    assert_int_equal(event_field("ab\0x", 4).length, 2);
    assert_null(event_field("\0abc", 4).data);
}

static void classes_have_the_names_of_the_column(void **state)
{
    (void)state;
    assert_string_equal(event_class_name(EVENT_CLASS_LIFECYCLE), "lifecycle");
    assert_string_equal(event_class_name(EVENT_CLASS_NETWORK), "network");
    assert_null(event_class_name(EVENT_CLASSES));
    assert_int_equal(event_class(UINT32_MAX), EVENT_CLASS_LIFECYCLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_known),
        cmocka_unit_test(no_kind_is_accepted_shorter_than_its_fixed_part),
        cmocka_unit_test(unknown_kinds_are_refused),
        cmocka_unit_test(sizes_must_agree),
        cmocka_unit_test(the_longest_record_is_accepted_and_no_longer_one),
        cmocka_unit_test(every_text_must_lie_behind_the_fixed_part_and_inside_the_record),
        cmocka_unit_test(times_are_bounded),
        cmocka_unit_test(a_frontier_may_mean_everything),
        cmocka_unit_test(values_that_others_index_or_add_are_checked),
        cmocka_unit_test(a_text_is_its_bytes),
        cmocka_unit_test(a_field_may_fill_its_place),
        cmocka_unit_test(classes_have_the_names_of_the_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
