/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where spyq keeps what is the user's own: $XDG_STATE_HOME/spyq, readable by nobody else. */
#ifndef SPYQ_PRIVATE_FILE_H
#define SPYQ_PRIVATE_FILE_H

#include <stdbool.h>
#include <stdio.h>

/* The path of a file there, for free(); NULL: there is no home, or no memory. */
char *private_path(const char *name);

/* Makes the directories of a path, private to the user. False with errno. */
bool private_directories(char *path);

/*
 * Replaces the file at path by what `write` writes, whole or not at all, on the disk when it
 * returns. The file has mode 0600. False with errno, and nothing has changed.
 */
bool private_replace(const char *path, void (*write)(FILE *out, const void *what),
                     const void *what);

/* Brings the entries of the directory that path is in to the disk, where it can be. */
void private_sync_directory(const char *path);

#endif
