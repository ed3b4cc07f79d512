/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is in our way. SQLite's locks on the log are locks on bytes of the -shm file, and the kernel
 * lists those of everybody; to ask for them through a descriptor of our own would drop ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "store_private.h"

/* The bytes that SQLite locks: writer, checkpoint, recovery, five readers' marks. */
#define FIRST_LOCK 120
#define LAST_LOCK  127

struct kernel_lock {
    char mode[8];
    long pid;
    unsigned major, minor;
    unsigned long inode;
    long long first, last; /* EOF as the end reads as 0 */
};

static bool parse(const char *line, struct kernel_lock *lock)
{
    lock->last = 0;
    return sscanf(line, "%*s POSIX %*s %7s %ld %x:%x:%lu %lld %lld", lock->mode, &lock->pid,
                  &lock->major, &lock->minor, &lock->inode, &lock->first, &lock->last) >= 6;
}

static bool is_in_our_way(const struct kernel_lock *lock, const struct stat *file)
{
    return lock->inode == file->st_ino && lock->pid > 0 && lock->pid != getpid() &&
           lock->first <= LAST_LOCK && (lock->last == 0 || lock->last >= FIRST_LOCK);
}

long store_lock_holder(const char *path)
{
    char name[4096], line[256];
    struct stat file;
    struct kernel_lock lock;
    long reader = 0, writer = 0;
    snprintf(name, sizeof(name), "%s-shm", path);
    FILE *locks = stat(name, &file) == 0 ? fopen("/proc/locks", "re") : NULL;
    while (locks && fgets(line, sizeof(line), locks)) {
        if (!parse(line, &lock) || !is_in_our_way(&lock, &file))
            continue;
        if (strcmp(lock.mode, "WRITE") == 0)
            writer = lock.pid;
        else
            reader = lock.pid;
    }
    if (locks)
        fclose(locks);
    return writer ? writer : reader;
}
