/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * That a store is damaged is often found in the middle of writing, and never while it is opened: a
 * file beside it tells the next start, so that the store is left alone until somebody has seen to
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_private.h"

#define SUFFIX "-damaged"

void store_note_damage(const struct store *store, const char *message)
{
    char *name;
    struct stat file;
    if (stat(store->path, &file) < 0 || asprintf(&name, "%s" SUFFIX, store->path) < 0)
        return;
    unlink(name);
    int note = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (note >= 0) {
        dprintf(note, "%llu\n%s\n", (unsigned long long)file.st_ino, message);
        close(note);
    }
    free(name);
}

/* The inode that the note is about; 0: there is none. */
static unsigned long long noted(const char *name)
{
    char text[24] = "";
    int note = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t length = note < 0 ? -1 : read(note, text, sizeof(text) - 1);
    if (note >= 0)
        close(note);
    return length > 0 ? strtoull(text, NULL, 10) : 0;
}

enum store_status store_check_note(const char *path, struct store_error *error)
{
    char *name;
    struct stat file;
    if (stat(path, &file) < 0 || asprintf(&name, "%s" SUFFIX, path) < 0)
        return STORE_OK;
    unsigned long long inode = noted(name);
    enum store_status status = STORE_OK;
    if (inode && inode == file.st_ino)
        status = store_error_set(error, STORE_DAMAGED,
                                 "%s: it was found damaged while it was written, as %s says", path,
                                 name);
    else if (inode)
        unlink(name); /* another file has taken the place of that one */
    free(name);
    return status;
}
