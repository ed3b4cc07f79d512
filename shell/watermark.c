/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watermark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "complain.h"
#include "private_file.h"
#include "query.h"
#include "recorder.h"
#include "seen.h"
#include "sha256.h"

#define OVERLAP     (3600 * 1000000000LL) /* ns that a run looks back before the watermark */
#define OVERLAP_IDS 10000                 /* the same for :after */
#define MAGIC       "spyq-new 1"

struct watermark {
    char *path;  /* of its file; the lock is a file beside it */
    int lock;    /* descriptor, -1: none */
    char *about; /* the line that says whose it is */
    /* What it was; INTEGER_NULL: there was none. */
    int64_t recorder_id, recorder_started_at;
    int64_t through; /* ns: all that began before has been given out */
    int64_t after;   /* the highest id of the query's table then */
    struct seen seen;
    /* What it will be. */
    int64_t next_through, next_after;
    struct recorder recorder;
    int64_t now;
};

static void watermark_free(struct watermark *mark)
{
    if (mark->lock >= 0)
        close(mark->lock);
    seen_free(&mark->seen);
    free(mark->path);
    free(mark->about);
    free(mark);
}

/* ---- whose it is ---- */

/* The path of the file that standard output is. False: it is none, or one without a name, as
 * cron's. */
static bool output_path(char *path, size_t size)
{
    struct stat file;
    ssize_t length = readlink("/proc/self/fd/1", path, size - 1);
    path[length > 0 ? length : 0] = '\0';
    return fstat(STDOUT_FILENO, &file) == 0 && S_ISREG(file.st_mode) && file.st_nlink > 0 &&
           *path == '/';
}

/* Where the answer goes, in words that are the same the next time; free it. */
static char *destination(const struct session *session)
{
    const char *path = session->options.output;
    char here[PATH_MAX] = "", *text = NULL;
    int length;
    if (session->options.mark) {
        length = asprintf(&text, "mark %s", session->options.mark);
    } else if (path) {
        bool relative = *path != '/' && getcwd(here, sizeof here);
        length = asprintf(&text, "file %s%s%s", here, relative ? "/" : "", path);
    } else {
        bool file = output_path(here, sizeof here);
        length = asprintf(&text, "%s%s",
                          file                    ? "file "
                          : isatty(STDOUT_FILENO) ? "terminal"
                                                  : "stdout",
                          file ? here : "");
    }
    return length < 0 ? NULL : text;
}

/* One line, in which no value can look like the end of another. */
static void put_quoted(FILE *out, const char *text)
{
    for (; *text; text++) {
        bool plain = *text > ' ' && *text < 0x7f && *text != '%';
        fprintf(out, plain ? "%c" : "%%%02x", (unsigned char)*text);
    }
}

/* Query, destination, store and parameters, which together have one watermark; free it. */
static char *describe(const struct session *session, const struct saved *saved)
{
    char *text = NULL, *where = destination(session), *store = realpath(session->path, NULL);
    size_t length = 0;
    FILE *memory = where ? open_memstream(&text, &length) : NULL;
    if (memory) {
        fprintf(memory, "%s ", saved->name);
        put_quoted(memory, where);
        fputc(' ', memory);
        put_quoted(memory, store ? store : session->path);
        for (size_t i = 0; i < saved->parameter_count; i++) {
            const char *given = saved_given(&session->options, saved->parameters[i].name);
            if (!given || strcmp(saved->parameters[i].name, "since") == 0)
                continue;
            fprintf(memory, " %s=", saved->parameters[i].name);
            put_quoted(memory, given);
        }
        fclose(memory);
    }
    free(where);
    free(store);
    return text;
}

/* new/QUERY-HASH, the hash being that of the description; free it. */
static char *file_name(const struct saved *saved, const char *about)
{
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX], *name = NULL;
    struct sha256 sum;
    sha256_begin(&sum);
    sha256_add(&sum, about, strlen(about));
    sha256_end(&sum, digest);
    sha256_hex(digest, 8, hex);
    return asprintf(&name, "new/%s-%s", saved->name, hex) < 0 ? NULL : name;
}

static bool find_path(struct watermark *mark, const struct session *session,
                      const struct saved *saved)
{
    mark->about = describe(session, saved);
    char *name = mark->about ? file_name(saved, mark->about) : NULL;
    mark->path = name ? private_path(name) : NULL;
    free(name);
    if (mark->path && private_directories(mark->path))
        return true;
    complain("--new has no place for its watermark: %s%s%s",
             mark->path ? mark->path : "neither XDG_STATE_HOME nor HOME is set",
             mark->path ? ": " : "", mark->path ? strerror(errno) : "");
    return false;
}

static bool take_lock(struct watermark *mark, const struct saved *saved)
{
    char *path;
    if (asprintf(&path, "%s.lock", mark->path) < 0)
        return false;
    mark->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool locked = mark->lock >= 0 && flock(mark->lock, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno == EWOULDBLOCK)
        complain("another run of %s --new for this destination goes on", saved->name);
    else if (!locked)
        complain("cannot lock %s: %s", path, strerror(errno));
    free(path);
    return locked;
}

/* ---- its file ---- */

static void write_mark(FILE *out, const void *what)
{
    const struct watermark *mark = what;
    fprintf(out, MAGIC "\nabout %s\n", mark->about);
    fprintf(out, "recorder %" PRId64 " %" PRId64 "\n", mark->recorder.id,
            mark->recorder.started_at);
    fprintf(out, "through %" PRId64 "\nafter %" PRId64 "\n", mark->next_through, mark->next_after);
    fprintf(out, "seen %zu\n", mark->seen.count);
    for (size_t i = 0; i < mark->seen.count; i++) {
        char hex[2 * SEEN_BYTES + 1];
        sha256_hex(mark->seen.rows[i].hash, SEEN_BYTES, hex);
        fprintf(out, "%s %" PRId64 "\n", hex, mark->seen.rows[i].last_at);
    }
    fputs("end\n", out);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool read_hash(const char *hex, unsigned char hash[SEEN_BYTES])
{
    for (size_t i = 0; i < SEEN_BYTES; i++) {
        int high = hex_digit(hex[2 * i]), low = high < 0 ? -1 : hex_digit(hex[2 * i + 1]);
        if (low < 0)
            return false;
        hash[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static bool read_seen(struct watermark *mark, FILE *in, size_t *line)
{
    size_t count;
    if (fscanf(in, "seen %zu ", &count) != 1)
        return false;
    for (size_t i = 0; i < count; i++) {
        char hex[2 * SEEN_BYTES + 1];
        unsigned char hash[SEEN_BYTES];
        int64_t at;
        ++*line;
        if (fscanf(in, "%32[0-9a-f] %" SCNd64 " ", hex, &at) != 2 || !read_hash(hex, hash) ||
            !seen_add(&mark->seen, hash, at))
            return false;
    }
    seen_sort(&mark->seen, INT64_MIN);
    return true;
}

/* Reads what write_mark() wrote; *line is where it stopped. */
static bool read_mark(struct watermark *mark, FILE *in, size_t *line)
{
    char magic[sizeof MAGIC + 1], end[4] = "";
    *line = 1;
    if (!fgets(magic, sizeof magic, in) || strcmp(magic, MAGIC "\n") != 0)
        return false;
    *line = 3; /* `about` is there for who looks at the file */
    if (fscanf(in, "about %*[^\n] recorder %" SCNd64 " %" SCNd64 " ", &mark->recorder_id,
               &mark->recorder_started_at) != 2)
        return false;
    *line = 4;
    if (fscanf(in, "through %" SCNd64 " after %" SCNd64 " ", &mark->through, &mark->after) != 2)
        return false;
    *line = 6;
    if (!read_seen(mark, in, line))
        return false;
    ++*line;
    return fscanf(in, "%3s", end) == 1 && strcmp(end, "end") == 0;
}

static bool load(struct watermark *mark)
{
    FILE *in = fopen(mark->path, "re");
    size_t line;
    if (!in && errno == ENOENT)
        return true;
    bool read = in && read_mark(mark, in, &line);
    if (!in)
        complain("cannot read %s: %s", mark->path, strerror(errno));
    else if (!read)
        complain("%s:%zu: this is no watermark of spyq; remove the file to begin anew", mark->path,
                 line);
    if (in)
        fclose(in);
    return read;
}

/* ---- what a run looks at ---- */

/*
 * Whether the store is still the one that the watermark is about. If not, ids began anew: what was
 * seen says nothing, but the point in time does.
 */
static enum status check_store(struct session *session, struct watermark *mark)
{
    int64_t same = 0;
    enum status status = STATUS_OK;
    if (mark->recorder_id == INTEGER_NULL)
        return status;
    status =
        query_integer(session, &same,
                      "SELECT coalesce((SELECT started_at IS ?2 FROM recorders WHERE id = ?1), "
                      "(SELECT min(id) > ?1 FROM recorders), 0)",
                      "in", mark->recorder_id, mark->recorder_started_at);
    if (status == STATUS_OK && !same) {
        complain("the store is not the one of the last run: rows of the hour before it may come "
                 "again");
        seen_free(&mark->seen);
        mark->after = INTEGER_NULL;
    }
    return status;
}

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Read before the query: what is written in between comes the next time. */
static enum status read_next(struct session *session, const struct saved *saved,
                             struct watermark *mark)
{
    enum status status = recorder_read(session, &mark->recorder);
    mark->now = mark->next_through = wall_ns();
    if (mark->recorder.last_seen_at != INTEGER_NULL &&
        mark->recorder.last_seen_at < mark->next_through)
        mark->next_through = mark->recorder.last_seen_at;
    mark->next_after = 0;
    if (status != STATUS_OK || !saved->ids)
        return status;
    char *sql = sqlite3_mprintf("SELECT max(id) FROM \"%w\"", saved->ids);
    status = sql ? query_integer(session, &mark->next_after, sql, "") : STATUS_ERROR;
    sqlite3_free(sql);
    return status;
}

/* The clock may have been set back since. */
static void choose_since(const struct watermark *mark, struct saved_since *since)
{
    int64_t through = mark->through < mark->now ? mark->through : mark->now;
    *since = (struct saved_since){INTEGER_NULL, INTEGER_NULL};
    if (mark->through != INTEGER_NULL)
        since->since = through > INT64_MIN + OVERLAP ? through - OVERLAP : INT64_MIN;
    if (mark->through != INTEGER_NULL && mark->after != INTEGER_NULL)
        since->after = mark->after > OVERLAP_IDS ? mark->after - OVERLAP_IDS : 0;
}

enum status watermark_open(struct session *session, const struct saved *saved,
                           struct saved_since *since)
{
    struct watermark *mark = calloc(1, sizeof *mark);
    if (!mark) {
        complain("out of memory");
        return STATUS_ERROR;
    }
    mark->lock = -1;
    mark->recorder_id = mark->recorder_started_at = mark->through = mark->after = INTEGER_NULL;
    session->watermark = mark;
    if (!find_path(mark, session, saved) || !take_lock(mark, saved) || !load(mark))
        return STATUS_ERROR;
    enum status status = check_store(session, mark);
    if (status == STATUS_OK)
        status = read_next(session, saved, mark);
    choose_since(mark, since);
    return status;
}

/* ---- its answer ---- */

static size_t find_column(const struct result *result, const char *name)
{
    size_t i = 0;
    while (i < result->columns && strcmp(result->headings[i].name, name) != 0)
        i++;
    return i;
}

/* The columns that tell one row from another, in `columns`, which has room for all. */
static bool key_columns(const struct saved *saved, const struct result *result, size_t *columns,
                        size_t *count)
{
    size_t id = find_column(result, "id");
    *count = 0;
    for (size_t i = 0; i < saved->key_count; i++) {
        columns[*count] = find_column(result, saved->key[i]);
        if (columns[(*count)++] == result->columns) {
            complain("%s: the key's column %s is not in the answer", saved->file, saved->key[i]);
            return false;
        }
    }
    if (saved->key_count > 0)
        return true;
    if (id < result->columns)
        columns[(*count)++] = id;
    for (size_t i = 0; id == result->columns && i < result->columns; i++)
        columns[(*count)++] = i;
    return true;
}

/* Whether the row is new; it has been seen from now on. False in *room: out of memory. */
static bool is_new(struct watermark *mark, const struct cell *row, const size_t *columns,
                   size_t count, bool *room)
{
    unsigned char hash[SEEN_BYTES];
    seen_hash(row, columns, count, hash);
    struct seen_row *before = seen_find(&mark->seen, hash);
    if (before)
        before->last_at = mark->next_through;
    else if (*room)
        *room = seen_add(&mark->seen, hash, mark->next_through);
    return !before;
}

enum status watermark_filter(struct session *session, const struct saved *saved,
                             struct result *result)
{
    size_t count, kept = 0, *columns = calloc(result->columns + SAVED_MOST, sizeof *columns);
    bool room = columns != NULL, known = room && key_columns(saved, result, columns, &count);
    for (size_t i = 0; known && room && i < result->rows; i++)
        if (is_new(session->watermark, result_row(result, i), columns, count, &room))
            result_move(result, i, kept++);
    result->rows = kept;
    free(columns);
    if (!room)
        complain("out of memory");
    return known && room ? STATUS_OK : STATUS_ERROR;
}

/* ---- the end ---- */

/* Standard output may be a file that is not on the disk yet. */
static bool is_safe(const struct session *session)
{
    if (session->options.output || fsync(STDOUT_FILENO) == 0 || errno == EINVAL || errno == EROFS)
        return true;
    complain("cannot write standard output: %s", strerror(errno));
    return false;
}

/* What the query has not returned for two hours of the recorder's time it will not return again. */
static bool move_on(struct watermark *mark)
{
    seen_sort(&mark->seen, mark->next_through - 2 * OVERLAP);
    if (private_replace(mark->path, write_mark, mark))
        return true;
    complain("cannot write %s: %s; what was written will come again", mark->path, strerror(errno));
    return false;
}

enum status watermark_settle(struct session *session, bool keep)
{
    struct watermark *mark = session->watermark;
    if (!mark)
        return STATUS_OK;
    session->watermark = NULL;
    bool fine = !keep || (is_safe(session) && move_on(mark));
    watermark_free(mark);
    return fine ? STATUS_OK : STATUS_ERROR;
}
