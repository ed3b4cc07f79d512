/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SQLite's usual file system, except that writes can be made to fail: the disk is full, or broken.
 * failing_vfs_install makes it the default for every database opened after the call.
 */
#ifndef SPYQ_TESTS_FAILING_VFS_H
#define SPYQ_TESTS_FAILING_VFS_H

#include <sqlite3.h>
#include <stdbool.h>

/* Writes that still succeed; -1: all. Then each fails with failing_vfs_code. */
static int failing_vfs_writes_left = -1;
static int failing_vfs_code = SQLITE_FULL;

static sqlite3_vfs failing_vfs;
static sqlite3_vfs *failing_vfs_base;
static int (*failing_vfs_base_write)(sqlite3_file *, const void *, int, sqlite3_int64);
static sqlite3_io_methods failing_vfs_methods[2]; /* of journals and logs; of databases */

static int failing_vfs_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    if (failing_vfs_writes_left == 0)
        return failing_vfs_code;
    if (failing_vfs_writes_left > 0)
        failing_vfs_writes_left--;
    return failing_vfs_base_write(file, data, size, offset);
}

static int failing_vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                            int *out)
{
    (void)vfs;
    int code = failing_vfs_base->xOpen(failing_vfs_base, name, file, flags, out);
    if (code != SQLITE_OK)
        return code;
    sqlite3_io_methods *methods = &failing_vfs_methods[(flags & SQLITE_OPEN_MAIN_DB) != 0];
    failing_vfs_base_write = file->pMethods->xWrite;
    *methods = *file->pMethods;
    methods->xWrite = failing_vfs_write;
    file->pMethods = methods;
    return SQLITE_OK;
}

static inline int failing_vfs_install(void)
{
    failing_vfs_base = sqlite3_vfs_find(NULL);
    failing_vfs = *failing_vfs_base;
    failing_vfs.zName = "failing";
    failing_vfs.xOpen = failing_vfs_open;
    return sqlite3_vfs_register(&failing_vfs, 1);
}

#endif
