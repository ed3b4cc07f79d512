/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text forms of what an image holds, of addresses, and the records that user space makes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../../daemon/image.h"
#include "../../daemon/model_private.h"
#include "../../daemon/record.h"
#include "events.h"

#define DEVICE(major, minor) ((major) << 20 | (minor))

static void assert_shared(struct shared *shared, const char *expected)
{
    assert_text(shared_text(shared), expected);
    shared_drop(shared);
}

/* ---- streams ---- */

static const struct {
    uint32_t mode;
    uint32_t rdev;
    const char *path;
    const char *name;
} streams[] = {
    {0, 0, "/never/looked/at", NULL},
    {S_IFIFO | 0600, 0, NULL, "pipe:[88123]"},
    {S_IFIFO | 0600, 0, "/run/fifo", "pipe:[88123]"},
    {S_IFSOCK | 0777, 0, NULL, "socket:[88123]"},
    {S_IFREG | 0644, 0, "/var/log/x", "/var/log/x"},
    {S_IFDIR | 0755, 0, "/", "/"},
    {S_IFREG | 0644, DEVICE(1, 3), "/var/log/x", "/var/log/x"},
    {S_IFBLK | 0660, DEVICE(1, 3), "/dev/ram3", "/dev/ram3"},
    {0600, 0, NULL, NULL},
    {S_IFCHR | 0620, DEVICE(136, 0), NULL, "tty:/dev/pts/0"},
    {S_IFCHR | 0620, DEVICE(143, 1048575), NULL, "tty:/dev/pts/1048575"},
    {S_IFCHR | 0620, DEVICE(135, 0), "/dev/other", "/dev/other"},
    {S_IFCHR | 0620, DEVICE(144, 0), "/dev/other", "/dev/other"},
    {S_IFCHR | 0620, DEVICE(4, 1), NULL, "tty:/dev/tty1"},
    {S_IFCHR | 0620, DEVICE(4, 63), NULL, "tty:/dev/tty63"},
    {S_IFCHR | 0620, DEVICE(4, 64), NULL, "tty:/dev/ttyS0"},
    {S_IFCHR | 0666, DEVICE(5, 0), NULL, "tty:/dev/tty"},
    {S_IFCHR | 0600, DEVICE(5, 1), NULL, "tty:/dev/console"},
    {S_IFCHR | 0666, DEVICE(5, 2), NULL, "tty:/dev/ptmx"},
    {S_IFCHR | 0666, DEVICE(5, 3), "/dev/ttyprintk", "/dev/ttyprintk"},
    {S_IFCHR | 0666, DEVICE(1, 3), NULL, "/dev/null"},
    {S_IFCHR | 0666, DEVICE(1, 9), NULL, "/dev/urandom"},
    {S_IFCHR | 0644, DEVICE(1, 11), NULL, "/dev/kmsg"},
    {S_IFCHR | 0666, DEVICE(1, 0), "/dev/mem0", "/dev/mem0"},
    {S_IFCHR | 0666, DEVICE(1, 6), "/dev/core", "/dev/core"},
    {S_IFCHR | 0666, DEVICE(1, 12), "/dev/oldmem", "/dev/oldmem"},
    {S_IFCHR | 0666, DEVICE(10, 200), "/dev/net/tun", "/dev/net/tun"},
};

static void each_kind_of_stream_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        struct exec_record record = exec_record(EVENT_EXEC, 1, NOBODY, NOBODY, "/x");
        struct event event = {.exec = &record.exec};
        struct event_fd *fd = &record.exec.image.stdio[1];
        fd->mode = streams[i].mode;
        fd->rdev = streams[i].rdev;
        fd->inode = 88123;
        if (streams[i].path)
            fd->path = exec_text(&record, streams[i].path, strlen(streams[i].path));
        assert_shared(image_stream(&event, fd), streams[i].name);
    }
}

static void devices_are_major_and_minor(void **state)
{
    (void)state;
    assert_shared(image_device(0), "0:0");
    assert_shared(image_device(DEVICE(8, 1)), "8:1");
    assert_shared(image_device(UINT32_MAX), "4095:1048575");
}

/* ---- scripts ---- */

static const struct {
    const char *filename;
    const char *cwd;
    const char *script;
} scripts[] = {
    {"/bin/tool", "/home/ann", "/bin/tool"},
    {"tool", "/home/ann", "/home/ann/tool"},
    {"./tool", "/home/ann", "/home/ann/tool"},
    {"././tool", "/home/ann", "/home/ann/tool"},
    {"../tool", "/home/ann", "/home/ann/../tool"},
    {".tool", "/home/ann", "/home/ann/.tool"},
    {"tool", "/", "/tool"},
    {"tool", NULL, "tool"},
    {"./tool", NULL, "./tool"},
    {NULL, "/home/ann", NULL},
};

static void a_script_is_found_from_where_it_was_called(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct exec_record record = exec_record(EVENT_EXEC, 1, NOBODY, NOBODY, "/x");
        struct event_image *image = &record.exec.image;
        struct event event = {.exec = &record.exec};
        const char *filename = scripts[i].filename, *cwd = scripts[i].cwd;
        image->flags = EVENT_IMAGE_SCRIPT;
        image->filename =
            exec_text(&record, filename ? filename : "", filename ? strlen(filename) : 0);
        image->cwd = exec_text(&record, cwd ? cwd : "", cwd ? strlen(cwd) : 0);
        assert_shared(image_script(&event, image), scripts[i].script);
        image->flags = 0;
        assert_null(image_script(&event, image));
    }
}

/* Both as long as a record of a recording may make them: longer than any path. */
static void paths_too_long_to_join_are_unknown(void **state)
{
    (void)state;
    size_t size = sizeof(struct event_exec) + 16384;
    struct event_exec *exec = calloc(1, size);
    struct event event = {.exec = exec};
    assert_non_null(exec);
    memset((char *)exec + sizeof(*exec), 'a', 16384);
    exec->image.flags = EVENT_IMAGE_SCRIPT;
    exec->image.filename = (struct event_text){sizeof(*exec), 4096};
    exec->image.cwd = (struct event_text){sizeof(*exec) + 4096, 4096};
    struct shared *script = image_script(&event, &exec->image);
    assert_int_equal(shared_text(script).length, 4096 + 1 + 4096);
    shared_drop(script);
    exec->image.cwd.length = 8192;
    assert_null(image_script(&event, &exec->image));
    free(exec);
}

/* ---- failed execs ---- */

static const struct {
    int dirfd;
    const char *filename;
    const char *expected;
} failures[] = {
    {AT_FDCWD, "tool", "tool"},      {AT_FDCWD, "/bin/tool", "/bin/tool"}, {AT_FDCWD, NULL, NULL},
    {5, "/bin/tool", "/bin/tool"},   {5, "tool", "/dev/fd/5/tool"},        {5, NULL, "/dev/fd/5"},
    {-1, "tool", "/dev/fd/-1/tool"},
};

static void a_failed_filename_names_its_descriptor(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        struct {
            struct event_exec_failed failed;
            char tail[64];
        } record = {.failed.dirfd = failures[i].dirfd};
        struct event event = {.exec_failed = &record.failed};
        if (failures[i].filename) {
            strcpy(record.tail, failures[i].filename);
            record.failed.filename =
                (struct event_text){sizeof(record.failed), (__u32)strlen(failures[i].filename)};
        }
        assert_shared(image_failed_filename(&event), failures[i].expected);
    }
}

static void errors_have_names_or_at_least_numbers(void **state)
{
    (void)state;
    assert_null(image_error(0));
    assert_shared(image_error(ENOENT), "ENOENT");
    assert_shared(image_error(ECONNREFUSED), "ECONNREFUSED");
    assert_shared(image_error(512), "512"); /* ERESTARTSYS: the kernel's own */
    assert_shared(image_error(UINT32_MAX), "4294967295");
}

static void capabilities_are_sixteen_digits(void **state)
{
    (void)state;
    assert_shared(image_capabilities(0), "0000000000000000");
    assert_shared(image_capabilities(0x1ffffffffff), "000001ffffffffff");
    assert_shared(image_capabilities(UINT64_MAX), "ffffffffffffffff");
}

static void terminals_are_named_as_ps_does(void **state)
{
    (void)state;
    static const char none[EVENT_TTY_SIZE],
        pts[EVENT_TTY_SIZE] = "pts12", tty[EVENT_TTY_SIZE] = "tty1", bare[EVENT_TTY_SIZE] = "pts";
    char full[EVENT_TTY_SIZE];
    memcpy(full, "pts1234567890123", sizeof(full)); /* without a NUL at its end */
    assert_shared(image_terminal(none), NULL);
    assert_shared(image_terminal(pts), "pts/12");
    assert_shared(image_terminal(tty), "tty1");
    assert_shared(image_terminal(bare), "pts");
    assert_shared(image_terminal(full), "pts/1234567890123");
}

/* ---- addresses ---- */

static const struct {
    const char *text;
    uint16_t family;
    bool any;
    bool loopback;
} addresses[] = {
    {"0.0.0.0", AF_INET, true, false},
    {"127.0.0.1", AF_INET, false, true},
    {"127.255.0.9", AF_INET, false, true},
    {"128.0.0.1", AF_INET, false, false},
    {"192.0.2.7", AF_INET, false, false},
    {"::", AF_INET6, true, false},
    {"::1", AF_INET6, false, true},
    {"::2", AF_INET6, false, false},
    {"7f00::1", AF_INET6, false, false},
    {"2001:db8::1", AF_INET6, false, false},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", AF_INET6, false, false},
};

static void addresses_are_what_their_text_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        uint8_t bytes[16];
        uint16_t family;
        char text[ADDRESS_SIZE];
        memset(bytes, 0xa5, sizeof(bytes));
        assert_true(address_parse(as_text(addresses[i].text), &family, bytes));
        assert_int_equal(family, addresses[i].family);
        assert_text(address_text(family, bytes, text), addresses[i].text);
        assert_int_equal(address_is_any(bytes), addresses[i].any);
        assert_int_equal(address_is_loopback(family, bytes), addresses[i].loopback);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",  "1.2.3",   "1.2.3.4.5", "host",
        ":", "12345::", "1.2.3.4 ",  "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
    uint8_t bytes[16];
    uint16_t family;
    char text[ADDRESS_SIZE];
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(address_parse(as_text(wrong[i]), &family, bytes));
    assert_false(address_parse(TEXT_NULL, &family, bytes));
    assert_false(address_parse((struct text){"1.2.3.4\0", 7 - 1}, &family, bytes));
    assert_null(address_text(AF_UNIX, bytes, text).data);
}

/* ---- records made in user space ---- */

static void a_record_is_padded_and_passes_decode(void **state)
{
    (void)state;
    struct record record;
    struct event event;
    memset(&record, 0xff, sizeof(record));
    struct event_loss *loss = record_begin(&record, EVENT_LOSS, sizeof(*loss), 42);
    loss->stage = record_text(&record, "ring");
    loss->detail = record_text(&record, NULL);
    const struct event_header *header = record_end(&record);
    assert_null(decode(header, record.size, &event));
    assert_int_equal(header->size, sizeof(*loss) + 8);
    assert_int_equal(header->time, 42);
    assert_int_equal(header->sequence, 0);
    assert_text(event_text(&event, event.loss->stage), "ring");
    assert_null(event_text(&event, event.loss->detail).data);
    assert_memory_equal(record.bytes + sizeof(*loss), "ring\0\0\0\0", 8);
}

static void a_text_that_does_not_fit_is_left_out(void **state)
{
    (void)state;
    static char longest[sizeof(((struct record *)0)->bytes)];
    struct record record;
    struct event event;
    struct event_cgroup *cgroup = record_begin(&record, EVENT_CGROUP, sizeof(*cgroup), 1);
    memset(longest, 'a', sizeof(longest) - 1);
    cgroup->path = record_text(&record, longest);
    assert_int_equal(cgroup->path.length, 0);
    longest[sizeof(record.bytes) - sizeof(*cgroup) - 8] = '\0';
    cgroup->path = record_text(&record, longest);
    assert_int_equal(cgroup->path.length, strlen(longest));
    assert_int_equal(record_text(&record, "b").length, 0);
    const struct event_header *header = record_end(&record);
    assert_null(decode(header, header->size, &event));
    assert_true(record.size <= sizeof(record.bytes));
}

static void the_clocks_agree(void **state)
{
    (void)state;
    uint64_t before = boot_now();
    int64_t one = wall_minus_boot(), other = wall_minus_boot();
    assert_true(boot_now() >= before);
    assert_true(before > 0);
    assert_true(llabs(one - other) < (int64_t)SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_stream_has_its_name),
        cmocka_unit_test(devices_are_major_and_minor),
        cmocka_unit_test(a_script_is_found_from_where_it_was_called),
        cmocka_unit_test(paths_too_long_to_join_are_unknown),
        cmocka_unit_test(a_failed_filename_names_its_descriptor),
        cmocka_unit_test(errors_have_names_or_at_least_numbers),
        cmocka_unit_test(capabilities_are_sixteen_digits),
        cmocka_unit_test(terminals_are_named_as_ps_does),
        cmocka_unit_test(addresses_are_what_their_text_says),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_record_is_padded_and_passes_decode),
        cmocka_unit_test(a_text_that_does_not_fit_is_left_out),
        cmocka_unit_test(the_clocks_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
