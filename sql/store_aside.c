/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that is in the way of a store gets another name, with the journals that belong to it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "store_private.h"

/* Returns 0, or -1 with errno; a file that is not there needs no other name. */
static int move(const char *path, const char *to, const char *suffix)
{
    char *from_name = NULL, *to_name = NULL;
    int result = -1;
    if (asprintf(&from_name, "%s%s", path, suffix) >= 0 &&
        asprintf(&to_name, "%s%s", to, suffix) >= 0) {
        result = renameat2(AT_FDCWD, from_name, AT_FDCWD, to_name, RENAME_NOREPLACE);
        if (result < 0 && errno == EINVAL) /* not every file system knows the flag */
            result = rename(from_name, to_name);
        if (result < 0 && errno == ENOENT)
            result = 0;
    }
    int cause = errno;
    free(from_name);
    free(to_name);
    errno = cause;
    return result;
}

/* The file itself goes last: whoever stops in between leaves it in the way, to be moved again. */
static int move_all(const char *path, const char *to)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal", "-damaged", ""};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (move(path, to, suffixes[i]) < 0)
            return -1;
    return 0;
}

enum store_status store_move_aside(const char *path, char *to, size_t size,
                                   struct store_error *error)
{
    time_t now = time(NULL);
    struct tm parts;
    char stamp[32];
    struct stat file;
    if (lstat(path, &file) == 0 && !S_ISREG(file.st_mode))
        return store_error_set(error, STORE_NOT_OURS, "%s: no regular file, it stays where it is",
                               path);
    int lock = store_lock(path, error);
    if (lock < 0)
        return error->status;
    *error = (struct store_error){.status = STORE_OK};
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &parts));
    if (snprintf(to, size, "%s.aside-%s", path, stamp) >= (int)size || move_all(path, to) < 0)
        store_error_set(error, STORE_ERROR, "%s: cannot be moved aside: %s", path, strerror(errno));
    store_unlock(lock);
    return error->status;
}
