/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "risk.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sql/clock.h"
#include "../sql/ext.h"
#include "../sql/judge.h"
#include "../sql/novelty.h"
#include "../sql/user.h"
#include "log.h"
#include "risk_status.h"

#define PENDING_MOST   (1u << 20) /* rows that wait to be judged, by their ids */
#define HANDED_MOST    (4u << 20) /* bytes of those that wait as they are */
#define BATCH_IDS      65536u     /* looked at in one go */
#define BATCH_READ     4096u      /* of them, those that have to be read from the store */
#define STRIKES        3
#define RULE_ROWS      10000 /* that one rule may select in one go */
#define TRACE_FLAGS    64
#define BUSY_MS        1000
#define LONGEST        (64 << 20)          /* text that a rule may make, bytes */
#define STATUS_STEP_NS (10 * 1000000000ll) /* between two tellings of how rules fare */
#define PAIRS_STEP_NS  (60 * 1000000000ll) /* between two tellings of pairs that are known */
#define WRITTEN_NS     (60 * 1000000000ll) /* flags not written by then will never be */
#define RETRY_NS       (1000000000ll)      /* when the store could not be read */
#define CATCH_UP_NS    (10 * 1000000000ll) /* what an earlier run may have left unjudged */

/* A row that was written, and is to be read from the store; of processes it is mostly enough to
 * know that they were. */
struct pending {
    enum row_kind kind;
    int64_t id;
};

struct risk {
    struct risk_options options;
    pthread_t thread;

    /* The thread's own. */
    sqlite3 *db;
    struct rule_set *set;
    struct judge *judge;
    char *user_store;        /* where suppressions are */
    struct novelty *novelty; /* NULL: pairs are not counted */
    struct risk_status status;
    int64_t next_id[ROW_KIND_COUNT]; /* when it was started */
    int64_t next_flag;
    int64_t next_reason;
    int64_t told_at;       /* when of rules */
    int64_t pairs_told_at; /* and of pairs */
    struct batch *batch;   /* being filled; NULL: no row so far */
    size_t owed;           /* of its rows, those that have to be in the store before it goes on */

    pthread_mutex_t mutex; /* over everything below */
    pthread_cond_t changed;
    bool wanted[ROW_KIND_COUNT]; /* rows of that kind are looked at */
    bool held[ROW_KIND_COUNT];   /* and are handed over as they are */
    struct batch *handed;        /* NULL: none */
    struct pending *pending;
    size_t pending_count;
    size_t pending_room;
    uint64_t missed;
    struct batch *ready; /* to be taken; NULL: none */
    size_t outstanding;  /* rows handed out that are not in the store yet */
    int64_t handed_out_at;
    int64_t retry_at; /* not before; 0: at once */
    bool working;
    bool reload;
    bool telling;  /* what is told now and then is to be told now */
    bool relaxing; /* when nothing waits */
    bool stopping;
};

/* Rows that later looks go by. None of these kinds is ever dropped for want of room. */
static bool is_owed(enum row_kind kind)
{
    return kind == ROW_FLAG || kind == ROW_TRACE_SCORE || kind == ROW_PAIR;
}

/* ---- rules ---- */

static void free_judge(struct risk *risk)
{
    judge_free(risk->judge);
    rule_set_free(risk->set);
    risk->judge = NULL;
    risk->set = NULL;
}

static void log_failures(const struct rule_set *set)
{
    if (*set->error)
        log_line("%s", set->error);
    for (size_t i = 0; i < set->count; i++)
        if (set->rules[i]->state == RULE_FAILED)
            log_line("rule %s is not run: %s", set->rules[i]->id, set->rules[i]->error);
}

/* What the writer shall hand over; the mutex is not held. */
static void tell_wanted(struct risk *risk)
{
    const struct rule_batch *batch = rule_runner_batch(judge_runner(risk->judge));

    pthread_mutex_lock(&risk->mutex);
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++) {
        risk->wanted[kind] = rule_batch_wants(batch, (enum row_kind)kind);
        risk->held[kind] = rule_batch_holds(batch, (enum row_kind)kind);
    }
    pthread_mutex_unlock(&risk->mutex);
}

static void load_rules(struct risk *risk)
{
    const struct rule_limits limits = {
        .run_ns = (int64_t)risk->options.budget_ms * 1000000,
        .strikes = STRIKES,
        .rows = RULE_ROWS,
    };
    char *error = NULL;

    if (risk->judge)
        judge_next_ids(risk->judge, &risk->next_flag, &risk->next_reason);
    struct judge_options options = {&limits, TRACE_FLAGS, risk->next_flag, risk->next_reason,
                                    risk->user_store};
    free_judge(risk);
    risk->set = rule_set_load(risk->options.directory);
    if (risk->set)
        risk->judge = judge_new(risk->db, risk->set, &options, &error);
    if (risk->judge) {
        log_failures(risk->set);
        tell_wanted(risk);
    } else {
        log_line("no rule is run: %s", error ? error : "out of memory");
    }
    sqlite3_free(error);
}

static void open_novelty(struct risk *risk)
{
    struct novelty_options options = {(int64_t)risk->options.warmup_h * 3600 * 1000000000,
                                      risk->next_id};
    char *error = NULL;

    if (risk->judge)
        risk->novelty = novelty_new(risk->db, &options, &error);
    if (error)
        log_line("%s: %s", risk->options.store, error);
    sqlite3_free(error);
    risk->pairs_told_at = clock_ns(CLOCK_MONOTONIC);
}

static int open_store(struct risk *risk)
{
    char *error = NULL;
    int code = sqlite3_open_v2(risk->options.store, &risk->db,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(risk->db, BUSY_MS);
        sqlite3_db_config(risk->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(risk->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_limit(risk->db, SQLITE_LIMIT_ATTACHED, 0);
        sqlite3_limit(risk->db, SQLITE_LIMIT_LENGTH, LONGEST);
        code = spyq_extension_init(risk->db, &error, NULL);
    }
    if (code != SQLITE_OK)
        log_line("no rule is run: %s: %s", risk->options.store,
                 error ? error : sqlite3_errmsg(risk->db));
    sqlite3_free(error);
    return code;
}

/* ---- what comes of it; in the thread ---- */

static void put(void *context, enum row_kind kind, const void *columns)
{
    struct risk *risk = context;

    if (!risk->batch)
        risk->batch = batch_new();
    if (!risk->batch || batch_add(risk->batch, kind, columns) < 0)
        return; /* the next look finds it again */
    risk->owed += is_owed(kind);
}

static void drop_batch(struct risk *risk)
{
    batch_free(risk->batch);
    risk->batch = NULL;
    risk->owed = 0;
}

static void tell_status(struct risk *risk, bool loaded)
{
    int64_t now = clock_ns(CLOCK_MONOTONIC);

    if (!risk->judge || (!loaded && now < risk->told_at + STATUS_STEP_NS &&
                         !risk_status_has_news(&risk->status, risk->set)))
        return;
    risk->told_at = now;
    risk_status_put(&risk->status, risk->judge, risk->set, loaded, put, risk);
}

/* Hands the batch out; the mutex is held. */
static void publish(struct risk *risk)
{
    if (!risk->batch)
        return;
    risk->ready = risk->batch;
    risk->outstanding = risk->owed;
    risk->handed_out_at = clock_ns(CLOCK_MONOTONIC);
    risk->batch = NULL;
    risk->owed = 0;
    pthread_mutex_unlock(&risk->mutex);
    risk->options.ready(risk->options.context);
    pthread_mutex_lock(&risk->mutex);
}

/* ---- judging; in the thread ---- */

/* What has gone wrong with rules since they were loaded, once. */
static void log_suspended(struct risk *risk)
{
    if (!risk_status_has_news(&risk->status, risk->set))
        return;
    for (size_t i = 0; i < risk->set->count; i++)
        if (*risk->set->rules[i]->error && risk->set->rules[i]->state != RULE_DISABLED)
            log_line("rule %s is not run: %s", risk->set->rules[i]->id, risk->set->rules[i]->error);
}

/* Rows to be judged, taken from what the writer has handed over. */
struct work {
    struct batch *handed; /* NULL: none */
    struct pending *ids;
    size_t count;
};

static int fill(struct risk *risk, const struct work *work)
{
    const struct row *rows = work->handed ? batch_rows(work->handed) : NULL;
    size_t handed = work->handed ? batch_count(work->handed) : 0;
    int code = SQLITE_OK;

    for (size_t i = 0; i < handed && code == SQLITE_OK; i++)
        code = judge_add(risk->judge, &rows[i]);
    /* After those that are handed over: the store has nothing older than they are. */
    for (size_t i = 0; i < work->count && code == SQLITE_OK; i++)
        code = judge_add_id(risk->judge, work->ids[i].kind, work->ids[i].id);
    return code;
}

static bool make_room(struct risk *risk)
{
    if (risk->pending_count < risk->pending_room)
        return true;
    size_t room = risk->pending_room ? risk->pending_room * 2 : 1024;
    struct pending *more =
        room > PENDING_MOST ? NULL : reallocarray(risk->pending, room, sizeof(*more));
    if (!more)
        return false;
    risk->pending = more;
    risk->pending_room = room;
    return true;
}

/* Keeps an id for later; without room it is missed. The mutex is held. */
static void add_pending(void *context, enum row_kind kind, int64_t id)
{
    struct risk *risk = context;

    if (make_room(risk))
        risk->pending[risk->pending_count++] = (struct pending){kind, id};
    else
        risk->missed++;
}

/* The store could not be read: the rows are left for another time. */
static void put_back(struct risk *risk, const struct work *work, int code)
{
    struct rule_batch *batch = rule_runner_batch(judge_runner(risk->judge));
    const struct row *rows = work->handed ? batch_rows(work->handed) : NULL;
    size_t handed = work->handed ? batch_count(work->handed) : 0;

    drop_batch(risk);
    log_line("rules: %s: %s (%d); trying again", risk->options.store, sqlite3_errstr(code), code);
    rule_batch_clear(batch);
    pthread_mutex_lock(&risk->mutex);
    for (size_t i = 0; i < handed; i++)
        add_pending(risk, rows[i].kind, *(const int64_t *)rows[i].columns);
    for (size_t i = 0; i < work->count; i++)
        add_pending(risk, work->ids[i].kind, work->ids[i].id);
    risk->retry_at = clock_ns(CLOCK_MONOTONIC) + RETRY_NS;
    pthread_mutex_unlock(&risk->mutex);
}

static void judge_rows(struct risk *risk, const struct work *work)
{
    int code = fill(risk, work);

    if (code == SQLITE_OK && risk->novelty)
        code = novelty_count(risk->novelty, put, risk);
    if (code == SQLITE_OK)
        code = judge_batch(risk->judge, clock_ns(CLOCK_REALTIME), put, risk);
    log_suspended(risk);
    if (judge_trouble(risk->judge))
        log_line("%s", judge_trouble(risk->judge));
    if (code != SQLITE_OK)
        put_back(risk, work, code);
}

/* The pairs that were seen again. */
static void tell_pairs(struct risk *risk)
{
    int64_t now = clock_ns(CLOCK_MONOTONIC);

    if (!risk->novelty || now < risk->pairs_told_at + PAIRS_STEP_NS)
        return;
    risk->pairs_told_at = now;
    if (novelty_tell(risk->novelty, put, risk) != SQLITE_OK)
        log_line("pairs: %s: %s", risk->options.store, sqlite3_errmsg(risk->db));
}

static void catch_up_row(void *context, enum row_kind kind, int64_t id)
{
    struct risk *risk = context;

    pthread_mutex_lock(&risk->mutex);
    if (risk->wanted[kind])
        add_pending(risk, kind, id);
    pthread_mutex_unlock(&risk->mutex);
}

/* What was written shortly before an earlier run ended may not have been judged. */
static void catch_up(struct risk *risk)
{
    int64_t since = risk->options.since;

    if (since == INTEGER_NULL || !risk->judge)
        return;
    rule_batch_each_in_span(risk->db, since - CATCH_UP_NS, INT64_MAX, catch_up_row, risk);
}

/* Whether somebody has added a suppression. */
static bool has_news(const struct risk *risk)
{
    return risk->judge && judge_has_news(risk->judge);
}

/* The mutex is held. */
static bool has_work(struct risk *risk)
{
    if (risk->ready)
        return false;
    if (risk->outstanding && clock_ns(CLOCK_MONOTONIC) > risk->handed_out_at + WRITTEN_NS)
        risk->outstanding = 0;
    if (risk->outstanding || clock_ns(CLOCK_MONOTONIC) < risk->retry_at)
        return false;
    return risk->reload || risk->telling || risk->handed || risk->pending_count || has_news(risk);
}

/* How many of the oldest ids are looked at next. */
static size_t count_next(const struct risk *risk)
{
    size_t count = 0, read = 0;

    while (count < risk->pending_count && count < BATCH_IDS && read < BATCH_READ)
        read += risk->wanted[risk->pending[count++].kind];
    return count;
}

/* Takes the oldest ids out; the mutex is held. NULL: no memory, or no id. */
static struct pending *take_pending(struct risk *risk, size_t *count)
{
    *count = count_next(risk);
    struct pending *ids = *count ? malloc(*count * sizeof(*ids)) : NULL;

    if (!ids) {
        *count = 0;
        return NULL;
    }
    memcpy(ids, risk->pending, *count * sizeof(*ids));
    risk->pending_count -= *count;
    memmove(risk->pending, risk->pending + *count, risk->pending_count * sizeof(*ids));
    return ids;
}

/* Called with the mutex held, gives it up meanwhile. */
static void work(struct risk *risk)
{
    struct work work = {.handed = risk->handed};
    bool reload = risk->reload;

    if (risk->telling) {
        risk->told_at = -STATUS_STEP_NS;
        risk->pairs_told_at = -PAIRS_STEP_NS;
    }
    work.ids = take_pending(risk, &work.count);
    risk->handed = NULL;
    risk->reload = risk->telling = false;
    risk->retry_at = 0;
    risk->working = true;
    pthread_mutex_unlock(&risk->mutex);
    if (reload)
        load_rules(risk);
    if (risk->judge && (work.handed || work.ids || has_news(risk)))
        judge_rows(risk, &work);
    tell_status(risk, reload);
    tell_pairs(risk);
    batch_free(work.handed);
    free(work.ids);
    pthread_mutex_lock(&risk->mutex);
    risk->working = false;
    publish(risk);
}

static void wait_for_work(struct risk *risk)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 1;
    if (risk->pending_count || risk->handed || risk->outstanding || risk->retry_at)
        pthread_cond_timedwait(&risk->changed, &risk->mutex, &until);
    else
        pthread_cond_wait(&risk->changed, &risk->mutex);
}

/* The mutex is held, and given up meanwhile. */
static void relax(struct risk *risk)
{
    risk->relaxing = false;
    if (!risk->pending_count) {
        free(risk->pending);
        risk->pending = NULL;
        risk->pending_room = 0;
    }
    pthread_mutex_unlock(&risk->mutex);
    if (risk->db)
        sqlite3_db_release_memory(risk->db);
    pthread_mutex_lock(&risk->mutex);
}

static void begin(struct risk *risk)
{
    if (open_store(risk) != SQLITE_OK)
        return;
    load_rules(risk);
    open_novelty(risk);
    risk_status_load(&risk->status, risk->db, put, risk, risk->set);
    catch_up(risk);
    tell_status(risk, true);
}

static void *run(void *argument)
{
    struct risk *risk = argument;

    pthread_setname_np(pthread_self(), "spyqd-rules");
    begin(risk);
    pthread_mutex_lock(&risk->mutex);
    risk->working = false;
    publish(risk);
    while (!risk->stopping) {
        if (has_work(risk))
            work(risk);
        else if (risk->relaxing)
            relax(risk);
        else
            wait_for_work(risk);
    }
    pthread_mutex_unlock(&risk->mutex);
    drop_batch(risk);
    novelty_free(risk->novelty);
    free_judge(risk);
    risk_status_free(&risk->status);
    sqlite3_close(risk->db);
    return NULL;
}

/* ---- the writer's side ---- */

/* Keeps the row, if there is room. The mutex is held. */
static bool hand_over(struct risk *risk, const struct row *row)
{
    if (!risk->handed)
        risk->handed = batch_new();
    return risk->handed && batch_bytes(risk->handed) < HANDED_MOST &&
           batch_add(risk->handed, row->kind, row->columns) == 0;
}

/* The mutex is held. */
static void take_written(struct risk *risk, const struct row *row)
{
    if (is_owed(row->kind))
        risk->outstanding -= risk->outstanding > 0;
    bool wanted = risk->wanted[row->kind];
    if (wanted && risk->held[row->kind] && hand_over(risk, row))
        return;
    if (wanted || row->kind == ROW_PROCESS) /* flags go with their process */
        add_pending(risk, row->kind, *(const int64_t *)row->columns);
}

static bool is_heartbeat(const struct row *rows, size_t count)
{
    return count > 0 && rows[0].kind == ROW_RECORDER;
}

void risk_written(struct risk *risk, const struct row *rows, size_t count)
{
    pthread_mutex_lock(&risk->mutex);
    size_t before = risk->outstanding;
    for (size_t i = 0; i < count; i++)
        take_written(risk, &rows[i]);
    /* A heartbeat comes once a second: then it looks whether there is a new suppression. */
    if (risk->handed || risk->pending_count || risk->outstanding < before ||
        is_heartbeat(rows, count))
        pthread_cond_signal(&risk->changed);
    pthread_mutex_unlock(&risk->mutex);
}

/* ---- the caller's side ---- */

struct batch *risk_take(struct risk *risk)
{
    pthread_mutex_lock(&risk->mutex);
    struct batch *batch = risk->ready;
    risk->ready = NULL;
    pthread_cond_signal(&risk->changed);
    pthread_mutex_unlock(&risk->mutex);
    return batch;
}

void risk_reload(struct risk *risk)
{
    pthread_mutex_lock(&risk->mutex);
    risk->reload = true;
    pthread_cond_signal(&risk->changed);
    pthread_mutex_unlock(&risk->mutex);
}

void risk_tell(struct risk *risk)
{
    pthread_mutex_lock(&risk->mutex);
    risk->telling = true;
    pthread_cond_signal(&risk->changed);
    pthread_mutex_unlock(&risk->mutex);
}

void risk_relax(struct risk *risk)
{
    pthread_mutex_lock(&risk->mutex);
    risk->relaxing = true;
    pthread_cond_signal(&risk->changed);
    pthread_mutex_unlock(&risk->mutex);
}

bool risk_is_idle(struct risk *risk)
{
    pthread_mutex_lock(&risk->mutex);
    bool idle = !risk->pending_count && !risk->handed && !risk->ready && !risk->outstanding &&
                !risk->working && !risk->reload && !risk->telling;
    pthread_mutex_unlock(&risk->mutex);
    return idle;
}

uint64_t risk_take_missed(struct risk *risk)
{
    pthread_mutex_lock(&risk->mutex);
    uint64_t missed = risk->missed;
    risk->missed = 0;
    pthread_mutex_unlock(&risk->mutex);
    return missed;
}

static void destroy(struct risk *risk)
{
    pthread_cond_destroy(&risk->changed);
    pthread_mutex_destroy(&risk->mutex);
    batch_free(risk->ready);
    batch_free(risk->handed);
    free(risk->pending);
    free(risk->user_store);
    free(risk);
}

static int start_thread(struct risk *risk)
{
    /* Signals are for the loop's thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&risk->thread, NULL, run, risk);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

struct risk *risk_start(const struct risk_options *options)
{
    struct risk *risk = calloc(1, sizeof(*risk));
    pthread_condattr_t monotonic;

    if (!risk)
        return NULL;
    if (asprintf(&risk->user_store, "%s" USER_STORE_SUFFIX, options->store) < 0) {
        free(risk);
        return NULL;
    }
    risk->options = *options;
    memcpy(risk->next_id, options->next_id, sizeof(risk->next_id));
    risk->next_flag = risk->next_id[ROW_FLAG];
    risk->next_reason = risk->next_id[ROW_SCORE_REASON];
    risk->status.next_rule = risk->next_id[ROW_RULE];
    risk->working = true;
    /* Until the rules are there all is kept. */
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        risk->wanted[kind] = rule_batch_of_kind((enum row_kind)kind) < RULE_BATCH_TABLES;
    pthread_mutex_init(&risk->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&risk->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int error = start_thread(risk);
    if (error == 0)
        return risk;
    destroy(risk);
    errno = error;
    return NULL;
}

void risk_stop(struct risk *risk)
{
    if (!risk)
        return;
    pthread_mutex_lock(&risk->mutex);
    risk->stopping = true;
    pthread_cond_signal(&risk->changed);
    pthread_mutex_unlock(&risk->mutex);
    pthread_join(risk->thread, NULL);
    destroy(risk);
}
