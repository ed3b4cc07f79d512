/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be read of a damaged store, into a new one. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../sql/store.h"
#include "command.h"
#include "complain.h"
#include "escape.h"
#include "reader.h"
#include "salvage.h"

static void show(void *context, const struct salvaged *salvaged)
{
    const struct session *session = context;
    FILE *out = output_file(session->output);
    struct text name = {salvaged->table, strlen(salvaged->table)};
    if (!salvaged->rows && !salvaged->stretches && !salvaged->refused)
        return;
    escape_print(out, name, output_style(session->output)->utf8);
    fprintf(out, ": %lld rows", (long long)salvaged->rows);
    if (salvaged->stretches)
        fprintf(out, ", %lld stretches between ids %lld and %lld cannot be read",
                (long long)salvaged->stretches, (long long)salvaged->first,
                (long long)salvaged->last);
    if (salvaged->refused)
        fprintf(out, ", %lld rows made no sense", (long long)salvaged->refused);
    fputc('\n', out);
}

/* Nothing that is there is ever written over. */
static bool create(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (file < 0) {
        complain("cannot make %s: %s", path, strerror(errno));
        return false;
    }
    close(file);
    return true;
}

static enum status fill(struct session *session, sqlite3 *from, const char *path)
{
    sqlite3 *to = NULL;
    enum status status = STATUS_OK;
    if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL)) {
        complain("cannot make %s: %s", path, to ? sqlite3_errmsg(to) : "out of memory");
        status = STATUS_ERROR;
    }
    if (status == STATUS_OK) {
        sqlite3_db_config(to, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
        sqlite3_db_config(to, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        status = salvage(from, to, show, session);
    }
    if (status == STATUS_OK &&
        sqlite3_exec(to, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK)
        status = STATUS_ERROR;
    if (sqlite3_close(to) != SQLITE_OK || status != STATUS_OK)
        unlink(path);
    fflush(output_file(session->output));
    return status;
}

static enum status salvage_run(struct session *session, char **operands)
{
    const char *path = session->options.output;
    sqlite3 *from = NULL;
    if (!path) {
        complain("salvage needs -o NEW: where to put what can be read");
        return STATUS_USAGE;
    }
    enum status status = reader_open_damaged(operands[0], &from);
    if (status == STATUS_OK && !create(path))
        status = STATUS_ERROR;
    else if (status == STATUS_OK)
        status = fill(session, from, path);
    sqlite3_close(from);
    return status;
}

const struct command command_salvage = {
    .name = "salvage",
    .outside = true,
    .arguments = "FILE -o NEW",
    .summary = "save a damaged store",
    .help =
        "Copies what can still be read of a damaged store into a new one, and tells of each table\n"
        "how many rows these are and between which ids some cannot be read. The damaged file\n"
        "stays as it is, and NEW must not be there yet. The new store has a row in losses that\n"
        "says where it comes from; spyqd goes on with it.\n"
        "Example:  salvage /var/lib/spyq/spyq.db -o /var/lib/spyq/saved.db\n",
    .least = 1,
    .most = 1,
    .storeless = true,
    .own_output = true,
    .run = salvage_run,
};
