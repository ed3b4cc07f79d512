/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decode.h"

#include <string.h>
#include <sys/socket.h>

/* Bounds that no clock reaches: 73 years on the boot clock, wall time up to the year 2116. No sum
 * of a time and an offset, and no difference of two of a kind, overflows within them. A frontier
 * may be later: it means "everything". */
#define TIME_MAX   ((__u64)1 << 61)
#define OFFSET_MIN (-((__s64)1 << 61))
#define OFFSET_MAX ((__s64)1 << 62)

#define OFFSETS_MAX 12

/* Offsets into the fixed part of a record. No member that is listed sits at offset 0, so 0 ends
 * the list. */
typedef __u16 offsets[OFFSETS_MAX + 1];

typedef const char *extra_check(const struct event *event);

static extra_check check_tcp, check_loss, check_clock, check_host;

struct kind {
    const char *name;
    size_t size; /* of the fixed part */
    unsigned loss_class;
    const __u16 *texts; /* members of type struct event_text */
    const __u16 *times; /* members that hold a time, those of the header aside */
    extra_check *check; /* NULL: nothing beyond the tables */
};

static const offsets none = {0};

#define TASK_TIMES(record)                                                                         \
    offsetof(struct record, task.parent_start), offsetof(struct record, task.creator_start)

static const offsets fork_times = {TASK_TIMES(event_fork)};
static const offsets exec_times = {TASK_TIMES(event_exec)};
static const offsets exec_failed_times = {TASK_TIMES(event_exec_failed)};
static const offsets loss_times = {offsetof(struct event_loss, began)};

static const offsets exec_texts = {
    offsetof(struct event_exec, image.filename),
    offsetof(struct event_exec, image.exe),
    offsetof(struct event_exec, image.interpreter),
    offsetof(struct event_exec, image.cwd),
    offsetof(struct event_exec, image.argv),
    offsetof(struct event_exec, image.environment),
    offsetof(struct event_exec, image.stdio[0].path),
    offsetof(struct event_exec, image.stdio[1].path),
    offsetof(struct event_exec, image.stdio[2].path),
};

static const offsets exec_failed_texts = {
    offsetof(struct event_exec_failed, filename),
    offsetof(struct event_exec_failed, cwd),
    offsetof(struct event_exec_failed, argv),
};

static const offsets cgroup_texts = {offsetof(struct event_cgroup, path)};

static const offsets loss_texts = {
    offsetof(struct event_loss, stage),
    offsetof(struct event_loss, detail),
};

static const offsets host_texts = {
    offsetof(struct event_host, hostname), offsetof(struct event_host, machine_id),
    offsetof(struct event_host, boot_id),  offsetof(struct event_host, kernel),
    offsetof(struct event_host, os),       offsetof(struct event_host, arch),
};

#define LIFECYCLE EVENT_CLASS_LIFECYCLE
#define NETWORK   EVENT_CLASS_NETWORK
#define SIZE(tag) sizeof(struct tag)

/* clang-format off */
static const struct kind kinds[] = {
    [EVENT_HOST] = {"host", SIZE(event_host), LIFECYCLE, host_texts, none, check_host},
    [EVENT_CLOCK] = {"clock", SIZE(event_clock), LIFECYCLE, none, none, check_clock},
    [EVENT_USER] = {"user", SIZE(event_user), LIFECYCLE, none, none, NULL},
    [EVENT_CGROUP] = {"cgroup", SIZE(event_cgroup), LIFECYCLE, cgroup_texts, none, NULL},
    [EVENT_FRONTIER] = {"frontier", SIZE(event_mark), LIFECYCLE, none, none, NULL},
    [EVENT_LOSS] = {"loss", SIZE(event_loss), LIFECYCLE, loss_texts, loss_times, check_loss},
    [EVENT_SCAN_DONE] = {"scan_done", SIZE(event_mark), LIFECYCLE, none, none, NULL},
    [EVENT_PROCESS] = {"process", SIZE(event_exec), LIFECYCLE, exec_texts, exec_times, NULL},
    [EVENT_FORK] = {"fork", SIZE(event_fork), LIFECYCLE, none, fork_times, NULL},
    [EVENT_EXEC] = {"exec", SIZE(event_exec), LIFECYCLE, exec_texts, exec_times, NULL},
    [EVENT_EXEC_FAILED] = {"exec_failed", SIZE(event_exec_failed), LIFECYCLE, exec_failed_texts,
                           exec_failed_times, NULL},
    [EVENT_EXIT] = {"exit", SIZE(event_exit), LIFECYCLE, none, none, NULL},
    [EVENT_CGROUP_ATTACH] = {"cgroup_attach", SIZE(event_fork), LIFECYCLE, none, fork_times, NULL},
    [EVENT_TCP_CONNECT] = {"tcp_connect", SIZE(event_tcp), NETWORK, none, none, check_tcp},
    [EVENT_TCP_ESTABLISHED] = {"tcp_established", SIZE(event_tcp), NETWORK, none, none, check_tcp},
    [EVENT_TCP_ACCEPT] = {"tcp_accept", SIZE(event_tcp), NETWORK, none, none, check_tcp},
    [EVENT_TCP_CLOSE] = {"tcp_close", SIZE(event_tcp), NETWORK, none, none, check_tcp},
    [EVENT_TCP_LISTEN] = {"tcp_listen", SIZE(event_tcp), NETWORK, none, none, check_tcp},
    [EVENT_TCP_CONNECT_FAILED] = {"tcp_connect_failed", SIZE(event_tcp), NETWORK, none, none,
                                  check_tcp},
    [EVENT_TCP_SOCKET] = {"tcp_socket", SIZE(event_tcp), NETWORK, none, none, check_tcp},
};
/* clang-format on */

static const char *const class_names[EVENT_CLASSES] = {
    [EVENT_CLASS_LIFECYCLE] = "lifecycle",
    [EVENT_CLASS_NETWORK] = "network",
};

static const struct kind *find_kind(unsigned kind)
{
    if (kind >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[kind].name)
        return NULL;
    return &kinds[kind];
}

static const char *check_tcp(const struct event *event)
{
    if (event->tcp->family != AF_INET && event->tcp->family != AF_INET6)
        return "the address family is neither IPv4 nor IPv6";
    return NULL;
}

static const char *check_loss(const struct event *event)
{
    return event->loss->loss_class < EVENT_CLASSES ? NULL : "no such class of loss";
}

static const char *check_offset(__s64 wall_minus_boot)
{
    if (wall_minus_boot < OFFSET_MIN || wall_minus_boot > OFFSET_MAX)
        return "the wall clock is out of range";
    return NULL;
}

static const char *check_clock(const struct event *event)
{
    return check_offset(event->clock->wall_minus_boot);
}

static const char *check_host(const struct event *event)
{
    if (event->host->abi != EVENT_ABI_VERSION)
        return "the record layout is of another version of spyqd";
    return check_offset(event->host->wall_minus_boot);
}

static const char *check_texts(const struct event_header *header, const struct kind *kind)
{
    for (const __u16 *at = kind->texts; *at; at++) {
        struct event_text text;
        memcpy(&text, (const char *)header + *at, sizeof(text));
        if (!text.length)
            continue;
        if (text.offset < kind->size)
            return "a text lies inside the fixed part of the record";
        if ((__u64)text.offset + text.length > header->size)
            return "a text reaches beyond the end of the record";
    }
    return NULL;
}

static const char *check_times(const struct event_header *header, const struct kind *kind)
{
    static const char out_of_range[] = "a time is out of range";
    if (header->kind != EVENT_FRONTIER && header->time > TIME_MAX)
        return out_of_range;
    if (header->start > TIME_MAX)
        return out_of_range;
    for (const __u16 *at = kind->times; *at; at++) {
        __u64 time;
        memcpy(&time, (const char *)header + *at, sizeof(time));
        if (time > TIME_MAX)
            return out_of_range;
    }
    return NULL;
}

static const char *check_size(const struct event_header *header, size_t size)
{
    if (size < sizeof(*header))
        return "shorter than a record header";
    if (header->size != size)
        return "the size in the header is not the size of the record";
    if (size % 8)
        return "the size is not a multiple of 8";
    if (size > EVENT_RECORD_MAX)
        return "longer than a record can be";
    return NULL;
}

const char *decode(const void *bytes, size_t size, struct event *event)
{
    const struct event_header *header = bytes;
    const char *wrong = check_size(header, size);
    if (wrong)
        return wrong;
    const struct kind *kind = find_kind(header->kind);
    if (!kind)
        return "no such kind of record";
    if (size < kind->size)
        return "shorter than its kind of record";
    wrong = check_texts(header, kind);
    if (!wrong)
        wrong = check_times(header, kind);
    event->header = header;
    if (!wrong && kind->check)
        wrong = kind->check(event);
    return wrong;
}

struct text event_text(const struct event *event, struct event_text reference)
{
    if (!reference.length)
        return TEXT_NULL;
    return (struct text){(const char *)event->header + reference.offset, reference.length};
}

struct text event_field(const char *field, size_t size)
{
    size_t length = strnlen(field, size);
    return length ? (struct text){field, length} : TEXT_NULL;
}

const char *event_kind_name(unsigned kind)
{
    const struct kind *found = find_kind(kind);
    return found ? found->name : NULL;
}

unsigned event_class(unsigned kind)
{
    const struct kind *found = find_kind(kind);
    return found ? found->loss_class : EVENT_CLASS_LIFECYCLE;
}

const char *event_class_name(unsigned loss_class)
{
    return loss_class < EVENT_CLASSES ? class_names[loss_class] : NULL;
}
