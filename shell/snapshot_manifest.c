/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a case file says of a copy of a store. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "complain.h"
#include "json_text.h"
#include "private_file.h"
#include "query.h"
#include "shown.h"
#include "snapshot.h"
#include "user_store.h"

struct manifest {
    FILE *out;
    struct session *copy;
    const struct session *store;
    const struct snapshot_file *file;
    enum status status;
    bool more; /* a member went before */
};

static void begin_member(struct manifest *manifest, const char *name)
{
    fprintf(manifest->out, "%s  \"%s\": ", manifest->more ? ",\n" : "", name);
    manifest->more = true;
}

static void put_text(struct manifest *manifest, const char *name, const char *value)
{
    begin_member(manifest, name);
    json_string(manifest->out, (struct text){value, strlen(value)}, false);
}

static void put_integer(struct manifest *manifest, const char *name, int64_t value)
{
    begin_member(manifest, name);
    fprintf(manifest->out, "%" PRId64, value);
}

/* The rows of an answer, as an array. */
static void put_rows(struct manifest *manifest, const char *name, const char *sql)
{
    static const struct style style = {0};
    struct result result = {0};
    if (manifest->status == STATUS_OK)
        manifest->status = query_fetch(manifest->copy, &result, sql, "");
    begin_member(manifest, name);
    if (manifest->status == STATUS_OK) {
        render_result(&format_json, manifest->out, &style, &result);
        fseeko(manifest->out, -1, SEEK_CUR); /* its line end */
    }
    result_free(&result);
}

static const char *const counted[] = {
    "hosts",      "recorders", "probes",      "processes", "execs",         "connections",
    "listeners",  "holders",   "dns_queries", "files",     "edges",         "privileges",
    "containers", "traces",    "trace_links", "flags",     "score_reasons", "losses",
};

static void put_counts(struct manifest *manifest)
{
    const char *before = "";
    begin_member(manifest, "rows");
    fputc('{', manifest->out);
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        int64_t there = 0, rows = 0;
        char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", counted[i]);
        if (manifest->status == STATUS_OK)
            manifest->status = query_integer(manifest->copy, &there,
                                             "SELECT count(*) FROM sqlite_schema WHERE name = ?1",
                                             "t", counted[i]);
        if (manifest->status == STATUS_OK && there > 0)
            manifest->status = query_integer(manifest->copy, &rows, sql, "");
        if (there > 0)
            fprintf(manifest->out, "%s\"%s\": %" PRId64, before, counted[i], rows);
        before = there > 0 ? ", " : before;
        sqlite3_free(sql);
    }
    fputc('}', manifest->out);
}

static void put_now(struct manifest *manifest)
{
    struct timespec now;
    struct shown shown;
    clock_gettime(CLOCK_REALTIME, &now);
    struct cell at = cell_integer(now.tv_sec * 1000000000LL + now.tv_nsec);
    show_cell(&shown, &at, true, PRECISION_MILLISECONDS);
    begin_member(manifest, "made_at");
    json_string(manifest->out, shown.text, false);
}

/* Who made it, where, and of what. */
static void put_origin(struct manifest *manifest)
{
    char host[HOST_NAME_MAX + 1] = "";
    char *store = realpath(manifest->store->path, NULL);
    put_text(manifest, "made_by", "spyq " SPYQ_VERSION ", SQLite " SQLITE_VERSION);
    put_now(manifest);
    gethostname(host, sizeof host - 1);
    put_text(manifest, "made_on", host);
    put_text(manifest, "user", user_store_person());
    put_text(manifest, "query", "the whole store, as it was at one moment");
    put_text(manifest, "store", store ? store : manifest->store->path);
    free(store);
}

static void put_file(struct manifest *manifest)
{
    const char *slash = strrchr(manifest->file->path, '/');
    put_text(manifest, "file", slash ? slash + 1 : manifest->file->path);
    put_integer(manifest, "bytes", manifest->file->bytes);
    put_text(manifest, "sha256", manifest->file->sha256);
}

static void put_content(struct manifest *manifest)
{
    int64_t version = 0;
    if (manifest->status == STATUS_OK)
        manifest->status = query_integer(manifest->copy, &version, "PRAGMA user_version", "");
    put_integer(manifest, "schema_version", version);
    put_rows(manifest, "hosts", "SELECT * FROM hosts ORDER BY id");
    put_rows(
        manifest, "span",
        "SELECT min(started_at) AS recording_since_at, max(last_seen_at) AS recorded_until_at, "
        "(SELECT min(started_at) FROM processes) AS oldest_process_at FROM recorders");
    put_rows(manifest, "recorders", "SELECT * FROM recorders ORDER BY id");
    put_counts(manifest);
    put_rows(manifest, "gaps", "SELECT * FROM gaps ORDER BY id");
    put_rows(manifest, "failed_probes",
             "SELECT recorder_id, name, error FROM probes WHERE error IS NOT NULL ORDER BY id");
}

static void write_text(FILE *out, const void *what)
{
    fputs(what, out);
}

enum status snapshot_manifest(struct session *copy, const struct session *store,
                              const struct snapshot_file *file, const char *path)
{
    char *text = NULL;
    size_t length = 0;
    struct manifest manifest = {
        .out = open_memstream(&text, &length), .copy = copy, .store = store, .file = file};
    if (!manifest.out) {
        complain("out of memory");
        return STATUS_ERROR;
    }
    fputs("{\n", manifest.out);
    put_origin(&manifest);
    put_file(&manifest);
    put_content(&manifest);
    fputs("\n}\n", manifest.out);
    fclose(manifest.out);
    if (manifest.status == STATUS_OK && !private_replace(path, write_text, text)) {
        complain("cannot write %s: %s", path, strerror(errno));
        manifest.status = STATUS_ERROR;
    }
    free(text);
    return manifest.status;
}
