/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SQLite's usual file system, in which one call goes wrong: the n-th that writes, brings to the
 * disk, cuts off or removes. Either it fails, or the process ends there, in the middle of it.
 */
#ifndef SPYQ_TESTS_FAULTY_VFS_H
#define SPYQ_TESTS_FAULTY_VFS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <unistd.h>

static int faulty_vfs_left = -1; /* calls until it; -1: none will */
static int faulty_vfs_code;      /* what it returns; 0: the process ends */

#define FAULTY_VFS_EXIT 99

static sqlite3_vfs faulty_vfs;
static sqlite3_vfs *faulty_vfs_base;
static sqlite3_io_methods faulty_vfs_methods[2]; /* of journals and logs; of databases */
static const sqlite3_io_methods *faulty_vfs_base_methods;

static inline bool faulty_vfs_now(void)
{
    return faulty_vfs_left >= 0 && faulty_vfs_left-- == 0;
}

static inline int faulty_vfs_fault(void)
{
    if (faulty_vfs_code == 0)
        _exit(FAULTY_VFS_EXIT);
    return faulty_vfs_code;
}

static int faulty_vfs_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    if (!faulty_vfs_now())
        return faulty_vfs_base_methods->xWrite(file, data, size, offset);
    faulty_vfs_base_methods->xWrite(file, data, size / 2, offset);
    return faulty_vfs_fault();
}

static int faulty_vfs_sync(sqlite3_file *file, int flags)
{
    return faulty_vfs_now() ? faulty_vfs_fault() : faulty_vfs_base_methods->xSync(file, flags);
}

static int faulty_vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return faulty_vfs_now() ? faulty_vfs_fault() : faulty_vfs_base_methods->xTruncate(file, size);
}

static int faulty_vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    return faulty_vfs_now() ? faulty_vfs_fault()
                            : faulty_vfs_base->xDelete(faulty_vfs_base, name, sync);
}

static int faulty_vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                           int *out)
{
    (void)vfs;
    int code = faulty_vfs_base->xOpen(faulty_vfs_base, name, file, flags, out);
    if (code != SQLITE_OK)
        return code;
    sqlite3_io_methods *methods = &faulty_vfs_methods[(flags & SQLITE_OPEN_MAIN_DB) != 0];
    faulty_vfs_base_methods = file->pMethods;
    *methods = *file->pMethods;
    methods->xWrite = faulty_vfs_write;
    methods->xSync = faulty_vfs_sync;
    methods->xTruncate = faulty_vfs_truncate;
    file->pMethods = methods;
    return SQLITE_OK;
}

static inline int faulty_vfs_install(void)
{
    faulty_vfs_base = sqlite3_vfs_find(NULL);
    faulty_vfs = *faulty_vfs_base;
    faulty_vfs.zName = "faulty";
    faulty_vfs.xOpen = faulty_vfs_open;
    faulty_vfs.xDelete = faulty_vfs_delete;
    return sqlite3_vfs_register(&faulty_vfs, 1);
}

#endif
