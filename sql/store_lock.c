/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One recorder for one store. The lock is on a file beside the store: closing any descriptor of
 * the store itself would drop the locks that SQLite holds on it for this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_private.h"

static int open_lock_file(const char *path)
{
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    int lock = open(path, flags | O_CREAT | O_EXCL, 0640);
    if (lock >= 0)
        fchmod(lock, 0640); /* whatever the umask says */
    else if (errno == EEXIST)
        lock = open(path, flags);
    return lock;
}

/* The pid that the holder of the lock wrote; 0: it has not yet. */
static long holder(int lock)
{
    char text[24] = "";
    ssize_t length = pread(lock, text, sizeof(text) - 1, 0);
    return length > 0 ? strtol(text, NULL, 10) : 0;
}

static void report_holder(int lock, const char *path, struct store_error *error)
{
    long pid = holder(lock);
    if (pid > 0)
        store_error_set(error, STORE_LOCKED, "another recorder (pid %ld) writes %s", pid, path);
    else
        store_error_set(error, STORE_LOCKED, "another recorder writes %s", path);
}

static int write_pid(int lock)
{
    char text[24];
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) < 0)
        return -1;
    return pwrite(lock, text, (size_t)length, 0) == length ? 0 : -1;
}

int store_lock(const char *path, struct store_error *error)
{
    char *name;
    if (asprintf(&name, "%s-lock", path) < 0) {
        store_error_set(error, STORE_ERROR, "%s: out of memory", path);
        return -1;
    }
    int lock = open_lock_file(name);
    int taken = lock < 0 ? -1 : flock(lock, LOCK_EX | LOCK_NB);
    if (taken == 0 && write_pid(lock) == 0) {
        free(name);
        return lock;
    }
    if (lock >= 0 && taken < 0 && errno == EWOULDBLOCK)
        report_holder(lock, path, error);
    else
        store_error_set(error, errno == ENOSPC ? STORE_FULL : STORE_ERROR, "%s: cannot lock: %s",
                        name, strerror(errno));
    free(name);
    store_unlock(lock);
    return -1;
}

void store_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
