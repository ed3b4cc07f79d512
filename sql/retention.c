/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ballast.h"
#include "clock.h"
#include "retention_private.h"

#define NS_PER_S  1000000000ll
#define NS_PER_MS 1000000ll
#define MIB       (1ll << 20)

/* A slice ends when it has taken so long, and the next looks at fewer rows. */
#define SLICE_NS    (8 * NS_PER_MS)
#define BATCH_FIRST 64
#define BATCH_MOST  RULE_ROWS_MAX
#define BATCH_LEAST 8

/* Marks: one for each so many rows, or after so long. */
#define MARK_PERIOD    (600 * NS_PER_S)
#define MARK_ROWS      500
#define MARK_ROWS_MOST 50000
#define ROW_BYTES      1024 /* about, for how many marks a size takes */
#define MARKS_WANTED   128

/* Texts are not looked for before so many rows have gone; a row takes so much, at least. */
#define TIDY_ROWS       1000
#define ROW_BYTES_LEAST 128

/* What was recorded so recently is still in the recorder's memory, and may be written once more. */
#define TOO_NEW (10 * NS_PER_S)

/* Rows may be so much newer than the time that comes with them. */
#define LATE (60 * NS_PER_S)

/* After so many marks all tables are looked through again: for what was alive when its turn came.
 */
#define FULL_PASS_MARKS 16

/* The log takes so much of the limit, at least; with readers in the way it may take an eighth. */
#define LOG_ROOM   (12 * MIB)
#define LOG_USUAL  (8 * MIB)
#define VACUUM_SQL "PRAGMA incremental_vacuum(64)"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- sizes ---- */

/* What the store may hold without its log; INT64_MAX: anything. */
static int64_t store_limit(const struct retention *retention)
{
    int64_t bytes = retention->options.bytes;
    int64_t limit = bytes ? bytes - most(bytes / 8, least(LOG_ROOM, bytes / 2)) : INT64_MAX;
    return retention->squeeze ? least(limit, retention->squeeze) : limit;
}

static int64_t used_bytes(const struct retention *retention)
{
    return (retention->pages - retention->free_pages) * retention->page_size;
}

/*
 * Rolling begins a little before the limit: what is free then is there for the next rows. Otherwise
 * pages would be given back only to be asked for again.
 */
static bool is_over(const struct retention *retention)
{
    int64_t limit = store_limit(retention);
    return used_bytes(retention) > limit - least(limit / 8, most(MIB, limit / 64));
}

static int64_t file_bytes(const char *path, const char *suffix)
{
    char name[4096];
    struct stat file;
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    return stat(name, &file) == 0 ? (int64_t)file.st_size : 0;
}

static enum store_status measure(struct retention *retention)
{
    sqlite3_stmt *sizes = retention->sizes;
    bool read = sqlite3_step(sizes) == SQLITE_ROW;
    if (read) {
        retention->pages = sqlite3_column_int64(sizes, 0);
        retention->free_pages = sqlite3_column_int64(sizes, 1);
        retention->page_size = sqlite3_column_int64(sizes, 2);
    }
    if (sqlite3_reset(sizes) != SQLITE_OK || !read)
        return store_failed(retention->store, "cannot measure it");
    retention->log_bytes = file_bytes(retention->store->path, "-wal");
    return STORE_OK;
}

/* ---- life ---- */

static enum store_status begin(struct retention *retention)
{
    struct store *store = retention->store;
    enum store_status status = mark_horizon(store, &retention->horizon);
    if (status == STORE_OK)
        status = mark_newest(store, &retention->newest);
    if (status == STORE_OK)
        status = loss_read(store, retention->options.loss_id, &retention->loss);
    if (status == STORE_OK)
        status = pins_prepare(store);
    if (status != STORE_OK)
        return status;
    retention->rules = rules_prepare(store);
    if (!retention->rules)
        return store->failure.status;
    if (sqlite3_prepare_v3(store->db,
                           "SELECT page_count, freelist_count, page_size FROM pragma_page_count, "
                           "pragma_freelist_count, pragma_page_size",
                           -1, SQLITE_PREPARE_PERSISTENT, &retention->sizes, NULL) != SQLITE_OK ||
        admission_prepare(&retention->admission, store, &retention->horizon) != SQLITE_OK)
        return store_failed(store, "cannot prepare to roll");
    return measure(retention);
}

struct retention *retention_open(struct store *store, const struct retention_options *options)
{
    struct retention *retention = calloc(1, sizeof(*retention));
    if (!retention) {
        store_error_set(&store->failure, STORE_ERROR, "%s: out of memory", store->path);
        return NULL;
    }
    retention->store = store;
    retention->options = *options;
    retention->batch = BATCH_FIRST;
    if (begin(retention) != STORE_OK) {
        retention_close(retention);
        return NULL;
    }
    /* A run that ended in the middle of a sweep left it to the next. */
    retention->sweeping = retention->horizon.id != 0;
    store->retention = retention;
    ballast_keep(store->path, options->reserve);
    return retention;
}

void retention_close(struct retention *retention)
{
    if (!retention)
        return;
    retention->store->retention = NULL;
    rules_finalize(retention->rules);
    admission_finalize(&retention->admission);
    sqlite3_finalize(retention->sizes);
    free(retention);
}

/* ---- marks ---- */

static int64_t rows_since(const struct retention *retention, const struct mark *mark)
{
    int64_t rows = 0;
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        rows += retention->store->last_id[kind] - mark->last_id[kind];
    return rows;
}

static bool wants_mark(const struct retention *retention, const struct retention_time *now)
{
    const struct mark *newest = &retention->newest;
    int64_t rows = rows_since(retention, newest);
    int64_t bytes = retention->options.bytes ? retention->options.bytes : INT64_MAX;
    int64_t enough = least(MARK_ROWS_MOST, most(MARK_ROWS, bytes / ROW_BYTES / MARKS_WANTED));
    int64_t period = MARK_PERIOD;
    if (retention->options.age)
        period = least(period, retention->options.age / MARKS_WANTED);
    bool same_boot = newest->host_id == retention->options.host_id;
    return rows >= enough ||
           (rows > 0 && (!newest->id || !same_boot || now->boot - newest->boottime >= period));
}

static enum store_status add_mark(struct retention *retention, const struct retention_time *now)
{
    struct mark mark = {
        .host_id = retention->options.host_id, .at = now->wall, .boottime = now->boot};
    enum store_status status = store_begin(retention->store);
    if (status == STORE_OK)
        status = mark_add(retention->store, &mark);
    if (status == STORE_OK)
        status = store_commit(retention->store);
    if (status == STORE_OK)
        retention->newest = mark;
    else
        store_roll_back(retention->store);
    return status;
}

/* How long ago it was made: within a boot by a clock that nobody sets. */
static int64_t age_of(const struct retention *retention, const struct mark *mark,
                      const struct retention_time *now)
{
    if (mark->host_id == retention->options.host_id)
        return now->boot - mark->boottime;
    return now->wall - mark->at;
}

static bool is_due(const struct retention *retention, const struct mark *mark,
                   const struct retention_time *now)
{
    int64_t age = age_of(retention, mark, now);
    if (retention->options.age && age > retention->options.age)
        return true;
    bool settled = mark->host_id != retention->options.host_id || age > TOO_NEW;
    return is_over(retention) && settled;
}

/* ---- sweeping ---- */

static void begin_pass(struct retention *retention)
{
    retention->sweeping = true;
    retention->rule = 0;
    if (++retention->since_full < FULL_PASS_MARKS)
        return;
    retention->since_full = 0;
    memset(retention->cursor, 0, sizeof(retention->cursor));
}

/* Moves the horizon to the next mark where that is due. */
static enum store_status move_horizon(struct retention *retention, const struct retention_time *now)
{
    struct mark next;
    enum store_status status = mark_after(retention->store, retention->horizon.id, &next);
    bool due = status == STORE_OK && next.id && is_due(retention, &next, now);
    retention->status.starved = status == STORE_OK && !due && is_over(retention);
    if (!due)
        return status;
    status = store_begin(retention->store);
    if (status == STORE_OK)
        status = mark_begin(retention->store, &next);
    if (status == STORE_OK)
        status = store_commit(retention->store);
    if (status != STORE_OK) {
        store_roll_back(retention->store);
        return status;
    }
    retention->horizon = next;
    begin_pass(retention);
    return STORE_OK;
}

static int64_t sum(const struct rolled *rolled)
{
    int64_t rows = 0;
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        rows += rolled->count[kind];
    return rows;
}

static void next_rule(struct retention *retention)
{
    if (++retention->rule < rules_count())
        return;
    retention->rule = 0;
    retention->sweeping = false;
}

/* Tables until something went, or the time is over; inside a transaction. */
static enum store_status roll_some(struct retention *retention, int64_t until, int64_t *cursors,
                                   struct rolled *rolled)
{
    enum store_status status = STORE_OK;
    struct horizon horizon = {&retention->horizon, retention->wall + LATE, retention->pins.any};
    while (status == STORE_OK && retention->sweeping && clock_ns(CLOCK_MONOTONIC) < until) {
        bool done;
        status = rules_apply(retention->rules, retention->rule, &horizon, retention->batch, until,
                             &cursors[retention->rule], &done, rolled);
        if (status == STORE_OK && done)
            next_rule(retention);
    }
    return status;
}

static enum store_status write_loss(struct retention *retention, struct rolled *rolled,
                                    struct retention_loss *loss)
{
    struct rolled *refused = &retention->admission.refused;
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        rolled->count[kind] += refused->count[kind];
    if (sum(rolled) == 0)
        return STORE_OK;
    return loss_write(retention->store, loss, rolled, retention->horizon.at);
}

/* Fewer rows at a time after a slice that took long, more after a quick one. */
static void adapt(struct retention *retention, int64_t until)
{
    int64_t over = clock_ns(CLOCK_MONOTONIC) - until;
    if (over > SLICE_NS / 4)
        retention->batch = (size_t)most(BATCH_LEAST, (int64_t)retention->batch / 2);
    else if (over < SLICE_NS / 16 && retention->batch < BATCH_MOST)
        retention->batch *= 2;
}

static enum store_status slice(struct retention *retention, int64_t until, int64_t *cursors,
                               struct rolled *rolled, struct retention_loss *loss)
{
    enum store_status status = store_begin(retention->store);
    if (status == STORE_OK)
        status = roll_some(retention, until, cursors, rolled);
    adapt(retention, until);
    if (status == STORE_OK)
        status = write_loss(retention, rolled, loss);
    if (status == STORE_OK)
        status = store_commit(retention->store);
    if (status != STORE_OK)
        store_roll_back(retention->store);
    return status;
}

static void account(struct retention *retention, const struct rolled *rolled, int64_t took)
{
    retention->admission.refused = (struct rolled){0};
    retention->status.rows += (uint64_t)sum(rolled);
    retention->status.slices += sum(rolled) > 0;
    retention->status.longest = most(retention->status.longest, took);
    admission_forget(&retention->admission, rolled);
}

/* One slice; what it did not bring to its end is as if it had not been. */
static enum store_status sweep(struct retention *retention)
{
    struct rolled rolled = {0};
    struct retention_loss loss = retention->loss;
    size_t rule = retention->rule;
    int64_t cursors[RULES_MAX];
    int64_t began = clock_ns(CLOCK_MONOTONIC);
    memcpy(cursors, retention->cursor, sizeof(cursors));
    enum store_status status = slice(retention, began + SLICE_NS, cursors, &rolled, &loss);
    int64_t took = clock_ns(CLOCK_MONOTONIC) - began;
    if (status != STORE_OK) {
        retention->rule = rule;
        retention->sweeping = true;
        return status;
    }
    memcpy(retention->cursor, cursors, sizeof(cursors));
    retention->loss = loss;
    account(retention, &rolled, took);
    return measure(retention);
}

/* ---- texts that rows referred to ---- */

/*
 * When it is worth while to look through all rows: as texts come at the rate at which others are no
 * longer referred to, once so many have come; and once about as many rows have gone as there are.
 */
static bool wants_tidying(const struct retention *retention)
{
    if (retention->store->tidy)
        return true;
    int64_t gone = (int64_t)(retention->status.rows - retention->tidied);
    int64_t used = used_bytes(retention);
    return gone >= TIDY_ROWS &&
           (retention->store->added >= used / 16 || gone >= TIDY_ROWS + used / ROW_BYTES_LEAST);
}

static enum store_status tidy(struct retention *retention)
{
    struct store *store = retention->store;
    int64_t began = clock_ns(CLOCK_MONOTONIC);
    bool done;
    if (!store->tidy)
        retention->tidied = retention->status.rows;
    enum store_status status = store_begin(store);
    if (status == STORE_OK)
        status = store_tidy(store, began + SLICE_NS, &done);
    if (status == STORE_OK)
        status = store_commit(store);
    if (status != STORE_OK) {
        store_roll_back(store);
        return status;
    }
    retention->status.longest = most(retention->status.longest, clock_ns(CLOCK_MONOTONIC) - began);
    return measure(retention);
}

/* ---- giving space back ---- */

/* Pages that hold nothing are kept for new rows, up to a part of the store and to its limit. */
static bool wants_vacuum(const struct retention *retention)
{
    int64_t free_bytes = retention->free_pages * retention->page_size;
    if (free_bytes == 0 || retention->squeeze)
        return false;
    return retention->pages * retention->page_size > store_limit(retention) ||
           free_bytes > most(MIB, retention->pages * retention->page_size / 8);
}

static enum store_status vacuum(struct retention *retention)
{
    int64_t began = clock_ns(CLOCK_MONOTONIC);
    if (sqlite3_exec(retention->store->db, VACUUM_SQL, NULL, NULL, NULL) != SQLITE_OK)
        return store_failed(retention->store, "cannot give space back");
    retention->status.longest = most(retention->status.longest, clock_ns(CLOCK_MONOTONIC) - began);
    return measure(retention);
}

/* ---- a full disk ---- */

void retention_squeeze(struct retention *retention)
{
    ballast_drop(retention->store->path);
    int64_t held = retention->pages * retention->page_size;
    int64_t used = most(used_bytes(retention), MIB);
    /* It has failed again although there were free pages: the log needs room, not the store. */
    if (retention->squeeze && used < retention->squeeze)
        return;
    retention->squeeze = least(held, used) / 16 * 15;
    retention->status.squeezed = true;
}

static void ease(struct retention *retention)
{
    if (!retention->squeeze ||
        ballast_free(retention->store->path) < most(2 * retention->options.reserve, 2 * LOG_USUAL))
        return;
    retention->squeeze = 0;
    retention->status.squeezed = false;
}

/* ---- what is due ---- */

/* Once a second. */
static enum store_status look(struct retention *retention, const struct retention_time *now)
{
    retention->looked_at = now->boot;
    ease(retention);
    if (!retention->squeeze)
        ballast_keep(retention->store->path, retention->options.reserve);
    enum store_status status = pins_refresh(retention->store, &retention->pins);
    if (status == STORE_OK)
        status = measure(retention);
    if (status == STORE_OK && wants_mark(retention, now))
        status = add_mark(retention, now);
    return status;
}

static bool is_time_to_look(const struct retention *retention, const struct retention_time *now)
{
    return !retention->looked_at || now->boot - retention->looked_at >= NS_PER_S ||
           now->boot < retention->looked_at;
}

/* A log that no reader lets go would only grow by what is done here. */
static bool is_log_stuck(const struct retention *retention)
{
    return retention->log_bytes > most(2 * LOG_USUAL, retention->options.bytes / 16);
}

static bool wants_sweep(const struct retention *retention)
{
    return retention->sweeping;
}

/* What there may be to do; each has its turn, as none may ever come to an end. */
static const struct {
    bool (*wanted)(const struct retention *retention);
    enum store_status (*run)(struct retention *retention);
} works[] = {{wants_tidying, tidy}, {wants_sweep, sweep}, {wants_vacuum, vacuum}};

#define WORKS (sizeof(works) / sizeof(*works))

/* One slice of what comes next. */
static enum store_status work(struct retention *retention, bool *more)
{
    for (size_t i = 0; i < WORKS && !*more; i++) {
        retention->turn = (retention->turn + 1) % WORKS;
        *more = works[retention->turn].wanted(retention);
    }
    enum store_status status = *more ? works[retention->turn].run(retention) : STORE_OK;
    *more &= status == STORE_OK;
    return status;
}

enum store_status retention_step(struct retention *retention, const struct retention_time *now,
                                 bool *more)
{
    enum store_status status = STORE_OK;
    *more = false;
    retention->wall = now->wall;
    if (is_time_to_look(retention, now))
        status = look(retention, now);
    if (status != STORE_OK || is_log_stuck(retention))
        return status;
    if (!retention->sweeping)
        status = move_horizon(retention, now);
    return status == STORE_OK ? work(retention, more) : status;
}

enum store_status retention_allow(struct retention *retention, int64_t more)
{
    struct store *store = retention->store;
    int64_t bytes = retention->options.bytes;
    retention->log_bytes = file_bytes(store->path, "-wal");
    if (!bytes || retention->log_bytes <= LOG_USUAL ||
        retention->pages * retention->page_size + retention->log_bytes + more + MIB <= bytes)
        return STORE_OK;
    if (sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) ==
        SQLITE_OK)
        return measure(retention);
    long pid = store_lock_holder(store->path);
    char who[32] = "a reader";
    if (pid)
        snprintf(who, sizeof(who), "process %ld", pid);
    return store_error_set(&store->failure, STORE_BUSY,
                           "%s: %s has been reading for so long that the log has grown to %lld MiB",
                           store->path, who, (long long)(retention->log_bytes / MIB));
}

void retention_status(const struct retention *retention, struct retention_status *status)
{
    *status = retention->status;
    status->horizon = retention->horizon.id ? retention->horizon.at : INTEGER_NULL;
    status->used = used_bytes(retention);
    status->beyond = status->used > store_limit(retention);
    snprintf(status->pins, sizeof(status->pins), "%s", retention->pins.trouble);
}
