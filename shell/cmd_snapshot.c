/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A copy of the store for the case file: the store, what it is, and how to tell that it is the
 * same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "complain.h"
#include "private_file.h"
#include "query.h"
#include "reader.h"
#include "snapshot.h"

enum { COPY, MANIFEST, SUMS, FILE_COUNT };

static const char *const endings[FILE_COUNT] = {"", ".json", ".sha256"};

/* Nothing is written over: what is there may be evidence. */
static bool none_exists(char *const paths[FILE_COUNT])
{
    for (size_t i = 0; i < FILE_COUNT; i++)
        if (access(paths[i], F_OK) == 0) {
            complain("%s exists already; a snapshot replaces nothing", paths[i]);
            return false;
        }
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* As sha256sum writes and checks them: a name with such bytes has a backslash before its line. */
static void write_sums(FILE *out, const void *what)
{
    const struct snapshot_file *files = what;
    for (size_t i = 0; i < SUMS; i++) {
        const char *name = base_name(files[i].path);
        fprintf(out, "%s%s  ", strpbrk(name, "\\\n\r") ? "\\" : "", files[i].sha256);
        for (; *name; name++) {
            const char *escape = *name == '\\'   ? "\\\\"
                                 : *name == '\n' ? "\\n"
                                 : *name == '\r' ? "\\r"
                                                 : NULL;
            if (escape)
                fputs(escape, out);
            else
                fputc(*name, out);
        }
        fputc('\n', out);
    }
}

/* What was written, as rows. */
static enum status tell(struct session *session, const struct snapshot_file *files)
{
    static const struct heading headings[] = {
        {.name = "file"}, {.name = "bytes"}, {.name = "sha256"}};
    struct result result;
    bool room = result_begin(&result, headings, 3);
    for (size_t i = 0; room && i < SUMS; i++) {
        struct cell cells[] = {cell_text(files[i].path), cell_integer(files[i].bytes),
                               cell_text(files[i].sha256)};
        room = result_add(&result, cells);
    }
    if (room)
        query_show(session, &result);
    else
        complain("out of memory");
    result_free(&result);
    return room ? STATUS_OK : STATUS_ERROR;
}

/* The copy is read as any store is: what the manifest says is what is in it. */
static enum status describe(struct session *session, char *const paths[FILE_COUNT],
                            struct snapshot_file *files)
{
    struct session copy = {.path = paths[COPY], .options = session->options};
    if (!snapshot_digest(&files[COPY]))
        return STATUS_ERROR;
    enum status status = reader_open(copy.path, &copy.db);
    if (status == STATUS_OK)
        status = snapshot_manifest(&copy, session, &files[COPY], paths[MANIFEST]);
    sqlite3_close(copy.db);
    if (status == STATUS_OK && !snapshot_digest(&files[MANIFEST]))
        status = STATUS_ERROR;
    if (status == STATUS_OK && !private_replace(paths[SUMS], write_sums, files)) {
        complain("cannot write %s: %s", paths[SUMS], strerror(errno));
        status = STATUS_ERROR;
    }
    return status;
}

static enum status make(struct session *session, char *const paths[FILE_COUNT])
{
    struct snapshot_file files[SUMS] = {{.path = paths[COPY]}, {.path = paths[MANIFEST]}};
    if (!none_exists(paths))
        return STATUS_ERROR;
    enum status status = snapshot_copy(session, paths[COPY]);
    if (status != STATUS_OK)
        return status;
    status = describe(session, paths, files);
    if (status != STATUS_OK) {
        complain("the copy is at %s, without what goes with it", paths[COPY]);
        return status;
    }
    return tell(session, files);
}

static enum status snapshot_run(struct session *session, char **operands)
{
    char *paths[FILE_COUNT] = {NULL};
    bool room = true;
    for (size_t i = 0; i < FILE_COUNT; i++)
        if (asprintf(&paths[i], "%s%s", operands[0], endings[i]) < 0) {
            paths[i] = NULL;
            room = false;
        }
    enum status status = room ? make(session, paths) : STATUS_ERROR;
    for (size_t i = 0; i < FILE_COUNT; i++)
        free(paths[i]);
    return status;
}

const struct command command_snapshot = {
    .name = "snapshot",
    .arguments = "FILE",
    .summary = "a copy for the case file",
    .help = "A copy of the whole store as it is at one moment, while the recorder goes on; beside\n"
            "it FILE.json, the manifest: host, span, rows, gaps, versions; and FILE.sha256, the\n"
            "hashes of both. Nothing is written over. To check them later, in their directory:\n"
            "sha256sum -c FILE.sha256\n"
            "Example:  snapshot /evidence/web1.db\n",
    .least = 1,
    .most = 1,
    .outside = true,
    .run = snapshot_run,
};
