/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracefs.h"

#define EVENT_NAME 128 /* bytes */

static const char classic[] = "tracepoint/";

static int keep(struct attachment *attachment, struct bpf_link *link)
{
    if (!link)
        return -1;
    attachment->links[attachment->count++] = link;
    return 0;
}

/* libbpf would look for the tracepoint's id in a mounted tracefs only. */
static struct bpf_link *attach_classic(const struct bpf_program *program, const char *event,
                                       size_t cookie)
{
    LIBBPF_OPTS(bpf_perf_event_opts, options, .bpf_cookie = cookie);
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attributes), .sample_period = 1};
    struct bpf_link *link;
    int id = tracefs_event_id(event);
    int perf;

    if (id < 0)
        return NULL;
    attributes.config = (__u64)id;
    perf = (int)syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
    if (perf < 0)
        return NULL;
    link = bpf_program__attach_perf_event_opts(program, perf, &options);
    if (!link)
        close(perf); /* the link owns it otherwise */
    return link;
}

/* `category/name` of the first of `category/name|name|...`, or of what comes behind `name`. */
static void event_name(char event[EVENT_NAME], const char *events, const char *name)
{
    int category = (int)(strchr(events, '/') - events);

    snprintf(event, EVENT_NAME, "%.*s/%.*s", category, events, (int)strcspn(name, "|"), name);
}

bool attach_is_possible(const char *section)
{
    const char *events = section + sizeof(classic) - 1;
    char event[EVENT_NAME];

    if (strncmp(section, classic, sizeof(classic) - 1) != 0 || !strchr(events, '/'))
        return true;
    event_name(event, events, strchr(events, '/') + 1);
    return tracefs_event_id(event) >= 0;
}

static int attach_tracepoints(struct attachment *attachment, const struct bpf_program *program,
                              const char *events)
{
    const char *name = strchr(events, '/');
    char event[EVENT_NAME];

    for (size_t cookie = 0; name && attachment->count < ATTACH_LINKS_MAX; cookie++) {
        name++;
        event_name(event, events, name);
        keep(attachment, attach_classic(program, event, cookie));
        name = strchr(name, '|');
    }
    return attachment->count ? 0 : -1;
}

int attach_program(struct attachment *attachment, const struct bpf_program *program, int cgroup)
{
    static const char for_cgroups[] = "cgroup";
    const char *section = bpf_program__section_name(program);

    attachment->count = 0;
    if (strcmp(section, "syscall") == 0)
        return 0;
    if (strncmp(section, classic, sizeof(classic) - 1) == 0)
        return attach_tracepoints(attachment, program, section + sizeof(classic) - 1);
    if (strncmp(section, for_cgroups, sizeof(for_cgroups) - 1) != 0)
        return keep(attachment, bpf_program__attach(program));
    if (cgroup < 0) {
        errno = ENOENT;
        return -1;
    }
    return keep(attachment, bpf_program__attach_cgroup(program, cgroup));
}

void attach_undo(struct attachment *attachment)
{
    for (size_t i = 0; i < attachment->count; i++)
        bpf_link__destroy(attachment->links[i]);
    attachment->count = 0;
}

/* The pipe's other end is closed by the parent's end. */
static _Noreturn void outlive_parent(int ends[2])
{
    char nothing;

    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        close(i);
    close(ends[1]);
    while (read(ends[0], &nothing, 1) < 0 && errno == EINTR)
        ;
    _exit(0);
}

void attach_leave(void)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    child = fork();
    if (child == 0)
        outlive_parent(ends);
    close(ends[0]);
    if (child < 0)
        close(ends[1]);
}
