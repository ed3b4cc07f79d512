/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decode.h"

#include <string.h>
#include <sys/socket.h>

/* Bounds that no clock reaches: wall time up to the year 2116, and EVENT_TIME_MAX. No sum of a time
 * and an offset, and no difference of two of a kind, overflows within them. */
#define OFFSET_MIN (-((__s64)1 << 61))
#define OFFSET_MAX ((__s64)1 << 62)

#define OFFSETS_MAX 12

/* Offsets into the fixed part of a record. No member that is listed sits at offset 0, so 0 ends
 * the list. */
typedef __u16 offsets[OFFSETS_MAX + 1];

typedef const char *extra_check(const struct event *event);

static extra_check check_tcp, check_udp, check_dns, check_unix, check_fd_pass, check_privilege,
    check_influence, check_loss, check_clock, check_host;

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

static const offsets udp_times = {offsetof(struct event_udp, began),
                                  offsetof(struct event_udp, last)};
static const offsets unix_times = {offsetof(struct event_unix, peer_start)};
static const offsets file_times = {offsetof(struct event_file, written)};
static const offsets fd_pass_times = {offsetof(struct event_fd_pass, source_start)};
static const offsets privilege_times = {TASK_TIMES(event_privilege)};
static const offsets influence_times = {offsetof(struct event_influence, target_start)};

static const offsets dns_texts = {offsetof(struct event_dns, payload)};
static const offsets unix_texts = {offsetof(struct event_unix, path)};
static const offsets pipe_texts = {offsetof(struct event_pipe, path)};
static const offsets fd_pass_texts = {offsetof(struct event_fd_pass, descriptors)};

static const offsets file_texts = {
    offsetof(struct event_file, path),
    offsetof(struct event_file, old_path),
    offsetof(struct event_file, directory),
    offsetof(struct event_file, old_directory),
};

static const offsets privilege_texts = {
    offsetof(struct event_privilege, target),
    offsetof(struct event_privilege, source),
    offsetof(struct event_privilege, type),
};

static const offsets container_texts = {
    offsetof(struct event_container, container_id),
    offsetof(struct event_container, runtime),
    offsetof(struct event_container, name),
    offsetof(struct event_container, image),
    offsetof(struct event_container, pod),
    offsetof(struct event_container, namespace_name),
    offsetof(struct event_container, labels),
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
#define PRIVILEGE EVENT_CLASS_PRIVILEGE
#define NETWORK   EVENT_CLASS_NETWORK
#define DNS       EVENT_CLASS_DNS
#define IPC       EVENT_CLASS_IPC
#define FILE_     EVENT_CLASS_FILE
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
    [EVENT_UDP_FLOW] = {"udp_flow", SIZE(event_udp), NETWORK, none, udp_times, check_udp},
    [EVENT_UDP_CLOSE] = {"udp_close", SIZE(event_udp), NETWORK, none, udp_times, NULL},
    [EVENT_UDP_BIND] = {"udp_bind", SIZE(event_udp), NETWORK, none, udp_times, check_udp},
    [EVENT_UDP_SOCKET] = {"udp_socket", SIZE(event_udp), NETWORK, none, udp_times, check_udp},
    [EVENT_DNS] = {"dns", SIZE(event_dns), DNS, dns_texts, none, check_dns},
    [EVENT_UNIX_CONNECT] = {"unix_connect", SIZE(event_unix), IPC, unix_texts, unix_times,
                            check_unix},
    [EVENT_UNIX_ACCEPT] = {"unix_accept", SIZE(event_unix), IPC, unix_texts, unix_times,
                           check_unix},
    [EVENT_UNIX_BIND] = {"unix_bind", SIZE(event_unix), IPC, unix_texts, unix_times, check_unix},
    [EVENT_UNIX_SOCKET] = {"unix_socket", SIZE(event_unix), IPC, unix_texts, unix_times,
                           check_unix},
    [EVENT_PIPE_WRITE] = {"pipe_write", SIZE(event_pipe), IPC, pipe_texts, none, NULL},
    [EVENT_PIPE_READ] = {"pipe_read", SIZE(event_pipe), IPC, pipe_texts, none, NULL},
    [EVENT_FILE_WRITE] = {"file_write", SIZE(event_file), FILE_, file_texts, file_times, NULL},
    [EVENT_FILE_READ] = {"file_read", SIZE(event_file), FILE_, file_texts, file_times, NULL},
    [EVENT_FILE_LOAD] = {"file_load", SIZE(event_file), FILE_, file_texts, file_times, NULL},
    [EVENT_FILE_RENAME] = {"file_rename", SIZE(event_file), FILE_, file_texts, file_times, NULL},
    [EVENT_FILE_LINK] = {"file_link", SIZE(event_file), FILE_, file_texts, file_times, NULL},
    [EVENT_FILE_CHMOD] = {"file_chmod", SIZE(event_file), FILE_, file_texts, file_times, NULL},
    [EVENT_FILE_UNLINK] = {"file_unlink", SIZE(event_file), FILE_, file_texts, file_times, NULL},
    [EVENT_FILE_SYMLINK] = {"file_symlink", SIZE(event_file), FILE_, file_texts, file_times, NULL},
    [EVENT_PRIVILEGE] = {"privilege", SIZE(event_privilege), PRIVILEGE, privilege_texts,
                         privilege_times, check_privilege},
    [EVENT_PTRACE] = {"ptrace", SIZE(event_influence), PRIVILEGE, none, influence_times,
                      check_influence},
    [EVENT_INJECT] = {"inject", SIZE(event_influence), PRIVILEGE, none, influence_times,
                      check_influence},
    [EVENT_SIGNAL] = {"signal", SIZE(event_influence), PRIVILEGE, none, influence_times,
                      check_influence},
    [EVENT_FD_SEND] = {"fd_send", SIZE(event_fd_pass), IPC, fd_pass_texts, fd_pass_times,
                       check_fd_pass},
    [EVENT_FD_RECEIVE] = {"fd_receive", SIZE(event_fd_pass), IPC, fd_pass_texts, fd_pass_times,
                          check_fd_pass},
    [EVENT_CONTAINER] = {"container", SIZE(event_container), LIFECYCLE, container_texts, none,
                         NULL},
};
/* clang-format on */

static const char *const class_names[EVENT_CLASSES] = {
    [EVENT_CLASS_LIFECYCLE] = "lifecycle",
    [EVENT_CLASS_PRIVILEGE] = "privilege",
    [EVENT_CLASS_NETWORK] = "network",
    [EVENT_CLASS_DNS] = "dns",
    [EVENT_CLASS_IPC] = "ipc",
    [EVENT_CLASS_FILE] = "file",
};

static const struct kind *find_kind(unsigned kind)
{
    if (kind >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[kind].name)
        return NULL;
    return &kinds[kind];
}

static const char *check_family(unsigned family)
{
    if (family != AF_INET && family != AF_INET6)
        return "the address family is neither IPv4 nor IPv6";
    return NULL;
}

static const char *check_tcp(const struct event *event)
{
    return check_family(event->tcp->family);
}

static const char *check_udp(const struct event *event)
{
    return check_family(event->udp->family);
}

static const char *check_dns(const struct event *event)
{
    if (event->dns->payload.length > EVENT_DNS_MAX)
        return "a DNS packet is longer than is ever kept";
    return check_family(event->dns->family);
}

static const char *check_unix(const struct event *event)
{
    unsigned type = event->unix_socket->type;

    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return "no such type of UNIX socket";
    return NULL;
}

static const char *check_fd_pass(const struct event *event)
{
    const struct event_fd_pass *pass = event->fd_pass;

    if (pass->count > EVENT_DESCRIPTORS_MAX)
        return "more descriptors than one message can pass";
    if (pass->descriptors.offset % 8)
        return "the descriptors are not aligned";
    if (pass->descriptors.length != pass->count * sizeof(struct event_descriptor))
        return "the number of descriptors is not that of the record";
    return NULL;
}

static const char *check_privilege(const struct event *event)
{
    unsigned what = event->privilege->what;

    return what && what < EVENT_PRIVILEGE_KINDS ? NULL : "no such kind of privilege";
}

static const char *check_influence(const struct event *event)
{
    return event->influence->target_pid ? NULL : "nobody was acted upon";
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
    if (header->kind != EVENT_FRONTIER && header->time > EVENT_TIME_MAX)
        return out_of_range;
    if (header->start > EVENT_TIME_MAX)
        return out_of_range;
    for (const __u16 *at = kind->times; *at; at++) {
        __u64 time;
        memcpy(&time, (const char *)header + *at, sizeof(time));
        if (time > EVENT_TIME_MAX)
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

size_t event_texts(unsigned kind, const __u16 **texts)
{
    const struct kind *found = find_kind(kind);
    *texts = found->texts;
    return found->size;
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
