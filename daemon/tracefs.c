/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_directory(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A mount of tracefs that hangs nowhere: reachable through its descriptor only. */
static int mount_detached(void)
{
    int mount = -1;
    int context = fsopen("tracefs", FSOPEN_CLOEXEC);

    if (context < 0)
        return -1;
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);
    close(context);
    return mount;
}

/* The folder events/ of tracefs, or -1. */
static int open_events(void)
{
    static const char *const places[] = {"/sys/kernel/tracing/events",
                                         "/sys/kernel/debug/tracing/events"};
    int mount, events;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        events = open_directory(places[i]);
        if (events >= 0)
            return events;
    }
    mount = mount_detached();
    if (mount < 0)
        return -1;
    events = openat(mount, "events", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(mount);
    return events;
}

int tracefs_event_id(const char *event)
{
    char path[256], digits[32];
    int events = open_events();
    ssize_t length;
    int file;

    if (events < 0)
        return -1;
    snprintf(path, sizeof(path), "%s/id", event);
    file = openat(events, path, O_RDONLY | O_CLOEXEC);
    close(events);
    if (file < 0)
        return -1;
    length = read(file, digits, sizeof(digits) - 1);
    close(file);
    if (length <= 0)
        return -1;
    digits[length] = '\0';
    return atoi(digits);
}
