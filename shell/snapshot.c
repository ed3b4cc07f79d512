/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complain.h"
#include "private_file.h"
#include "stop.h"

#define STEP_PAGES 2000 /* between two looks whether to stop */

/* ---- copying ---- */

static enum status failed(const char *path, const char *why)
{
    complain("cannot write %s: %s", path, why);
    return STATUS_ERROR;
}

static enum status stopped(const char *path)
{
    complain("%s while copying to %s", stop_words(stop_reason()), path);
    return STATUS_STOPPED;
}

/* Copies all pages. `db` has a transaction open, so that all are of one moment. */
static enum status copy_pages(sqlite3 *db, sqlite3 *copy, const char *path)
{
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", db, "main");
    int rc = backup ? SQLITE_OK : sqlite3_errcode(copy);
    while (rc == SQLITE_OK && !stop_requested())
        rc = sqlite3_backup_step(backup, STEP_PAGES);
    if (backup)
        sqlite3_backup_finish(backup);
    if (rc == SQLITE_DONE)
        return STATUS_OK;
    return stop_requested() ? stopped(path) : failed(path, sqlite3_errmsg(copy));
}

/* The copy is private to us until it is whole: its journal may stay in memory. */
static enum status copy_to(struct session *session, const char *temporary, const char *path)
{
    sqlite3 *copy = NULL;
    sqlite3_stmt *hold = NULL;
    enum status status = STATUS_ERROR;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(temporary, &copy, flags, NULL) != SQLITE_OK ||
        sqlite3_exec(copy, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY", NULL, NULL,
                     NULL) != SQLITE_OK)
        failed(path, copy ? sqlite3_errmsg(copy) : "out of memory");
    else if (sqlite3_prepare_v2(session->db, "SELECT 1 FROM sqlite_schema", -1, &hold, NULL) !=
                 SQLITE_OK ||
             sqlite3_step(hold) != SQLITE_ROW)
        complain("cannot read %s: %s", session->path, sqlite3_errmsg(session->db));
    else
        status = copy_pages(session->db, copy, path);
    sqlite3_finalize(hold);
    if (status == STATUS_OK &&
        sqlite3_exec(copy, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK)
        status = failed(path, sqlite3_errmsg(copy));
    if (sqlite3_close(copy) != SQLITE_OK && status == STATUS_OK)
        status = failed(path, "it could not be closed");
    return status;
}

/* Gives the file its name, unless something has it. */
static bool give_name(const char *temporary, const char *path)
{
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return true;
    /* Some file systems, such as those of USB sticks, cannot do both at once. */
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    if (access(path, F_OK) == 0) {
        errno = EEXIST;
        return false;
    }
    return rename(temporary, path) == 0;
}

static bool bring_to_disk(int descriptor, const char *temporary, const char *path)
{
    if (fsync(descriptor) != 0 || !give_name(temporary, path)) {
        failed(path, strerror(errno));
        return false;
    }
    private_sync_directory(path);
    return true;
}

enum status snapshot_copy(struct session *session, const char *path)
{
    char *temporary;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return failed(path, "out of memory");
    int descriptor = mkostemp(temporary, O_CLOEXEC);
    enum status status =
        descriptor < 0 ? failed(path, strerror(errno)) : copy_to(session, temporary, path);
    if (status == STATUS_OK && !bring_to_disk(descriptor, temporary, path))
        status = STATUS_ERROR;
    if (status != STATUS_OK && descriptor >= 0)
        unlink(temporary);
    if (descriptor >= 0)
        close(descriptor);
    free(temporary);
    return status;
}

/* ---- what became of it ---- */

bool snapshot_digest(struct snapshot_file *file)
{
    char bytes[1 << 16];
    unsigned char digest[SHA256_BYTES];
    struct sha256 sum;
    size_t length;
    FILE *in = fopen(file->path, "re");
    file->bytes = 0;
    sha256_begin(&sum);
    while (in && (length = fread(bytes, 1, sizeof bytes, in)) > 0) {
        sha256_add(&sum, bytes, length);
        file->bytes += (int64_t)length;
    }
    bool read = in && !ferror(in);
    if (!read)
        complain("cannot read %s: %s", file->path, strerror(errno));
    if (in)
        fclose(in);
    sha256_end(&sum, digest);
    sha256_hex(digest, SHA256_BYTES, file->sha256);
    return read;
}
