/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ballast.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BLOCK 512 /* of st_blocks */

static bool name_it(const char *store, char *name, size_t size)
{
    int length = snprintf(name, size, "%s-ballast", store);
    return length > 0 && (size_t)length < size;
}

int64_t ballast_free(const char *store)
{
    struct statvfs disk;
    if (statvfs(store, &disk) < 0)
        return INT64_MAX;
    return (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
}

void ballast_drop(const char *store)
{
    char name[4096];
    if (name_it(store, name, sizeof(name)))
        unlink(name);
}

static bool is_whole(const char *name, int64_t bytes)
{
    struct stat file;
    return lstat(name, &file) == 0 && S_ISREG(file.st_mode) && file.st_size == bytes &&
           (int64_t)file.st_blocks * BLOCK >= bytes;
}

/* Half a ballast helps nobody. */
static bool make(const char *name, int64_t bytes)
{
    unlink(name);
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return false;
    bool made = posix_fallocate(file, 0, bytes) == 0;
    close(file);
    if (!made)
        unlink(name);
    return made;
}

bool ballast_keep(const char *store, int64_t bytes)
{
    char name[4096];
    if (!name_it(store, name, sizeof(name)))
        return false;
    if (bytes == 0) {
        unlink(name);
        return true;
    }
    if (is_whole(name, bytes))
        return true;
    return ballast_free(store) >= 2 * bytes && make(name, bytes);
}
