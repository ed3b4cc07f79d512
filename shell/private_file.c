/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *private_path(const char *name)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *path = NULL;
    int length = -1;
    if (state && *state == '/')
        length = asprintf(&path, "%s/spyq/%s", state, name);
    else if (home && *home == '/')
        length = asprintf(&path, "%s/.local/state/spyq/%s", home, name);
    return length < 0 ? NULL : path;
}

bool private_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

void private_sync_directory(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return;
    int directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (directory < 0)
        return;
    fsync(directory);
    close(directory);
}

/* Closes out in any case. */
static bool bring_to_disk(FILE *out)
{
    bool written = fflush(out) == 0 && !ferror(out) && fsync(fileno(out)) == 0;
    int error = errno;
    fclose(out);
    errno = error;
    return written;
}

bool private_replace(const char *path, void (*write)(FILE *out, const void *what), const void *what)
{
    char *temporary;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return false;
    int descriptor = mkostemp(temporary, O_CLOEXEC);
    FILE *out = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
    bool done = false;
    if (out) {
        write(out, what);
        done = bring_to_disk(out) && rename(temporary, path) == 0;
    }
    int error = errno;
    if (!done && descriptor >= 0)
        unlink(temporary);
    if (done)
        private_sync_directory(path);
    free(temporary);
    errno = error;
    return done;
}
