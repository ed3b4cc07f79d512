/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bpf/event.h"
#include "../sql/clock.h"
#include "writer.h"

#define RETRY_FIRST_MS 100u
#define RETRY_MOST_MS  1000u

/* Rolling goes on for so long while batches wait, and while the disk is full. */
#define ROLL_NS      20000000ll
#define ROLL_FULL_NS 1000000000ll /* where there is no room */

/* Attempts to write one batch once the recorder wants to go: 100 + 200 + 400 + 800 ms between. */
#define ATTEMPTS_AT_STOP 5u

enum { STAGE_QUEUE, STAGE_STORE, STAGES };

static const char *const stage_names[STAGES] = {"queue", "store"};

/* A batch in the queue, and the time in which its rows were made. */
struct entry {
    struct entry *next;
    struct batch *batch;
    size_t bytes; /* as counted in writer.bytes */
    int64_t started_at;
    int64_t ended_at;
};

/* Rows lost of one stage, kind and class; count 0: none. */
struct loss {
    uint64_t count;
    int64_t started_at;
    int64_t ended_at;
};

struct writer {
    struct writer_options options;
    struct store *store; /* used by the thread only */
    pthread_t thread;
    int64_t submitted_at; /* the caller's thread only: when the last batch came */

    pthread_mutex_t mutex; /* over everything below */
    pthread_cond_t changed;
    struct entry *first;
    struct entry **end;
    bool writing; /* the thread works on the rows of the first one */
    size_t bytes;
    bool relaxing; /* when the queue is empty */
    bool stopping;
    struct writer_status status;
    struct loss losses[STAGES][ROW_KIND_COUNT][EVENT_CLASSES];
};

/* ---- losses; the mutex is held ---- */

/* An edge is as dear as what carried it. */
static const struct {
    const char *kind;
    unsigned loss_class;
} edge_classes[] = {
    {"connect", EVENT_CLASS_NETWORK},  {"unix", EVENT_CLASS_IPC},
    {"pipe", EVENT_CLASS_IPC},         {"fdpass", EVENT_CLASS_IPC},
    {"file", EVENT_CLASS_FILE},        {"ptrace", EVENT_CLASS_PRIVILEGE},
    {"inject", EVENT_CLASS_PRIVILEGE}, {"signal", EVENT_CLASS_PRIVILEGE},
};

static unsigned edge_class(const struct row_edge *edge)
{
    for (size_t i = 0; i < sizeof(edge_classes) / sizeof(edge_classes[0]); i++)
        if (edge->kind.length == strlen(edge_classes[i].kind) &&
            memcmp(edge->kind.data, edge_classes[i].kind, edge->kind.length) == 0)
            return edge_classes[i].loss_class;
    return EVENT_CLASS_LIFECYCLE;
}

static unsigned class_of(const struct row *row)
{
    static const unsigned classes[ROW_KIND_COUNT] = {
        [ROW_PRIVILEGE] = EVENT_CLASS_PRIVILEGE, [ROW_LISTENER] = EVENT_CLASS_NETWORK,
        [ROW_CONNECTION] = EVENT_CLASS_NETWORK,  [ROW_HOLDER] = EVENT_CLASS_NETWORK,
        [ROW_DNS_QUERY] = EVENT_CLASS_DNS,       [ROW_FILE] = EVENT_CLASS_FILE,
    };

    return row->kind == ROW_EDGE ? edge_class(row->columns) : classes[row->kind];
}

static void count_loss(struct writer *writer, int stage, const struct entry *entry,
                       const struct row *row)
{
    struct loss *loss = &writer->losses[stage][row->kind][class_of(row)];
    if (loss->count++ == 0)
        *loss = (struct loss){1, entry->started_at, entry->ended_at};
    if (entry->started_at < loss->started_at)
        loss->started_at = entry->started_at;
    if (entry->ended_at > loss->ended_at)
        loss->ended_at = entry->ended_at;
}

/* ---- the queue; the mutex is held ---- */

static void append(struct writer *writer, struct entry *entry)
{
    *writer->end = entry;
    writer->end = &entry->next;
    entry->bytes = batch_bytes(entry->batch);
    writer->bytes += entry->bytes;
    writer->status.queued_batches++;
}

static void remove_first(struct writer *writer)
{
    struct entry *entry = writer->first;
    writer->first = entry->next;
    if (!writer->first)
        writer->end = &writer->first;
    writer->bytes -= entry->bytes;
    writer->status.queued_batches--;
    batch_free(entry->batch);
    free(entry);
}

static void drop_kind(struct writer *writer, struct entry *entry, enum row_kind kind)
{
    const struct row *rows = batch_rows(entry->batch);
    for (size_t i = 0; i < batch_count(entry->batch); i++) {
        if (rows[i].kind == kind)
            count_loss(writer, STAGE_QUEUE, entry, &rows[i]);
    }
    writer->status.rows_dropped += batch_drop(entry->batch, kind);
    size_t bytes = batch_bytes(entry->batch);
    writer->bytes -= entry->bytes - bytes;
    entry->bytes = bytes;
}

/*
 * Drops rows until the queue is within its limit, or only holds what is never dropped. The batch
 * that is next is spared while all is well, however large: it is as good as written.
 */
static void make_room(struct writer *writer)
{
    bool spare_first = writer->writing || writer->status.failures == 0;
    for (int kind = ROW_KIND_COUNT - 1; kind >= ROW_PROCESS; kind--) {
        struct entry *entry = writer->first;
        if (entry && spare_first)
            entry = entry->next;
        for (; entry && writer->bytes > writer->options.limit; entry = entry->next)
            drop_kind(writer, entry, (enum row_kind)kind);
    }
}

/* ---- the thread ---- */

static void tell_written(const struct writer *writer, const struct batch *batch)
{
    if (writer->options.written)
        writer->options.written(writer->options.context, batch_rows(batch), batch_count(batch));
}

static void notify(const struct writer *writer)
{
    if (writer->options.notify)
        writer->options.notify(writer->options.context);
}

/* Waits for the time of the next attempt, or for the call to stop if that was not yet heard. */
static void wait_to_retry(struct writer *writer, uint64_t failures)
{
    unsigned delay = RETRY_FIRST_MS;
    for (uint64_t i = 1; i < failures && delay < RETRY_MOST_MS; i++)
        delay *= 2;
    if (delay > RETRY_MOST_MS)
        delay = RETRY_MOST_MS;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(delay % 1000) * 1000000;
    until.tv_sec += delay / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    bool was_stopping = writer->stopping;
    while (writer->stopping == was_stopping &&
           pthread_cond_timedwait(&writer->changed, &writer->mutex, &until) == 0)
        continue;
}

/* Those that were not refused. */
static void tell_accepted(const struct writer *writer, const struct batch *batch,
                          const bool *refused)
{
    const struct row *rows = batch_rows(batch);
    for (size_t i = 0; i < batch_count(batch) && writer->options.written; i++)
        if (!refused[i])
            writer->options.written(writer->options.context, &rows[i], 1);
}

/*
 * The schema refused some row of the batch, and would for ever: each is written by itself, and
 * those that are refused are counted as lost. Called without the mutex; the marks say which.
 */
static enum store_status write_singly(struct writer *writer, const struct batch *batch,
                                      bool *refused, char *refusal)
{
    const struct row *rows = batch_rows(batch);
    for (size_t i = 0; i < batch_count(batch); i++) {
        enum store_status status = store_write(writer->store, &rows[i], 1);
        refused[i] = status == STORE_REFUSED;
        if (refused[i])
            snprintf(refusal, sizeof(writer->status.refusal), "%s",
                     store_failure(writer->store)->message);
        else if (status != STORE_OK)
            return status;
    }
    return STORE_OK;
}

/* Takes in, with the mutex held, which rows of a batch were refused. */
static void count_refused(struct writer *writer, const struct entry *entry, const bool *refused)
{
    const struct row *rows = batch_rows(entry->batch);
    for (size_t i = 0; i < batch_count(entry->batch); i++) {
        if (!refused[i])
            continue;
        count_loss(writer, STAGE_STORE, entry, &rows[i]);
        writer->status.rows_refused++;
        writer->status.rows_written--; /* the caller counts the whole batch */
    }
}

/* Called with the mutex held, gives it up meanwhile. */
static enum store_status salvage(struct writer *writer, const struct entry *entry)
{
    char refusal[sizeof(writer->status.refusal)] = "";
    pthread_mutex_unlock(&writer->mutex);
    bool *refused = calloc(batch_count(entry->batch), sizeof(*refused));
    enum store_status status =
        refused ? write_singly(writer, entry->batch, refused, refusal) : STORE_REFUSED;
    if (status == STORE_OK)
        tell_accepted(writer, entry->batch, refused);
    pthread_mutex_lock(&writer->mutex);
    if (status == STORE_OK) {
        memcpy(writer->status.refusal, refusal, sizeof(refusal));
        count_refused(writer, entry, refused);
    }
    free(refused);
    return status;
}

/* It does not pass by itself, whichever call has come upon it. */
static void note_damage(struct writer *writer, enum store_status status)
{
    if (status == STORE_DAMAGED || status == STORE_NOT_OURS)
        snprintf(writer->status.damage, sizeof(writer->status.damage), "%s",
                 store_failure(writer->store)->message);
}

/* ---- rolling ---- */

/* One slice, with the mutex given up meanwhile. Returns whether there is more to do. */
static bool roll_slice(struct writer *writer, int64_t wall)
{
    struct retention *retention = writer->options.retention;
    struct retention_time now = {wall, clock_ns(CLOCK_BOOTTIME)};
    bool more;
    pthread_mutex_unlock(&writer->mutex);
    enum store_status status = retention_step(retention, &now, &more);
    pthread_mutex_lock(&writer->mutex);
    retention_status(retention, &writer->status.retention);
    note_damage(writer, status);
    snprintf(writer->status.retention_error, sizeof(writer->status.retention_error), "%s",
             status == STORE_OK ? "" : store_failure(writer->store)->message);
    return more;
}

/* Rolls while nobody waits, or for a little while: the store has to shrink as fast as it grows.
 * What is beyond its limit for good makes the next rows wait. */
static void roll(struct writer *writer, int64_t wall)
{
    int64_t began = clock_ns(CLOCK_MONOTONIC);
    bool more = writer->options.retention;
    while (more && !writer->stopping) {
        int64_t time = writer->status.retention.beyond ? ROLL_FULL_NS : ROLL_NS;
        if (writer->first && clock_ns(CLOCK_MONOTONIC) - began >= time)
            return;
        more = roll_slice(writer, wall);
    }
}

/* The disk is full: what is old makes room, for a second at most. */
static void make_room_on_disk(struct writer *writer, int64_t wall)
{
    int64_t until = clock_ns(CLOCK_MONOTONIC) + ROLL_FULL_NS;
    bool more = writer->options.retention;
    if (more)
        retention_squeeze(writer->options.retention);
    while (more && clock_ns(CLOCK_MONOTONIC) < until)
        more = roll_slice(writer, wall);
}

/* ---- writing ---- */

/* Without the mutex. */
static enum store_status write_batch(struct writer *writer, const struct batch *batch)
{
    struct retention *retention = writer->options.retention;
    int64_t bytes = (int64_t)batch_bytes(batch);
    enum store_status status = retention ? retention_allow(retention, bytes) : STORE_OK;
    if (status != STORE_OK)
        return status;
    return store_write(writer->store, batch_rows(batch), batch_count(batch));
}

/* Called with the mutex held, gives it up meanwhile. */
static enum store_status write_entry(struct writer *writer, const struct entry *entry)
{
    pthread_mutex_unlock(&writer->mutex);
    enum store_status status = write_batch(writer, entry->batch);
    if (status == STORE_OK)
        tell_written(writer, entry->batch);
    pthread_mutex_lock(&writer->mutex);
    return status == STORE_REFUSED ? salvage(writer, entry) : status;
}

static void write_first(struct writer *writer)
{
    struct writer_status *known = &writer->status;
    int64_t wall = writer->first->ended_at;
    writer->writing = true;
    enum store_status status = write_entry(writer, writer->first);
    writer->writing = false;
    known->status = status;
    if (status == STORE_OK) {
        known->batches_written++;
        known->rows_written += batch_count(writer->first->batch);
        known->failures = 0;
        known->error[0] = '\0';
        remove_first(writer);
    } else {
        known->failures++;
        note_damage(writer, status);
        snprintf(known->error, sizeof(known->error), "%s", store_failure(writer->store)->message);
    }
    pthread_mutex_unlock(&writer->mutex);
    notify(writer);
    pthread_mutex_lock(&writer->mutex);
    if (status == STORE_OK)
        roll(writer, wall);
    else if (status == STORE_FULL)
        make_room_on_disk(writer, wall);
}

/* The mutex is held, and given up meanwhile. */
static void wait_for_batch(struct writer *writer)
{
    if (!writer->relaxing) {
        pthread_cond_wait(&writer->changed, &writer->mutex);
        return;
    }
    writer->relaxing = false;
    pthread_mutex_unlock(&writer->mutex);
    store_relax(writer->store);
    pthread_mutex_lock(&writer->mutex);
}

static void *run(void *argument)
{
    struct writer *writer = argument;
    uint64_t failures_at_stop = 0;
    pthread_setname_np(pthread_self(), "spyqd-writer");
    pthread_mutex_lock(&writer->mutex);
    while (writer->first || !writer->stopping) {
        if (!writer->first) {
            wait_for_batch(writer);
            continue;
        }
        write_first(writer);
        if (writer->status.failures == 0)
            failures_at_stop = 0;
        else if (writer->status.damage[0] && writer->stopping)
            break;
        else if (!writer->stopping)
            wait_to_retry(writer, writer->status.failures);
        else if (++failures_at_stop < ATTEMPTS_AT_STOP)
            wait_to_retry(writer, failures_at_stop);
        else
            break;
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

/* ---- the caller's side ---- */

static int start_thread(struct writer *writer)
{
    /* Signals are for the loop's thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&writer->thread, NULL, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static void destroy(struct writer *writer)
{
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}

struct writer *writer_start(struct store *store, const struct writer_options *options)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    if (!writer)
        return NULL;
    writer->options = *options;
    writer->store = store;
    writer->end = &writer->first;
    writer->submitted_at = options->clock(options->context);
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int error = start_thread(writer);
    if (error == 0)
        return writer;
    destroy(writer);
    errno = error;
    return NULL;
}

/* No memory even for the queue: all of the batch is lost. */
static void lose(struct writer *writer, const struct entry *entry)
{
    const struct row *rows = batch_rows(entry->batch);
    for (size_t i = 0; i < batch_count(entry->batch); i++)
        count_loss(writer, STAGE_QUEUE, entry, &rows[i]);
    writer->status.rows_dropped += batch_count(entry->batch);
    batch_free(entry->batch);
}

void writer_submit(struct writer *writer, struct batch *batch)
{
    struct entry made = {.batch = batch, .started_at = writer->submitted_at};
    made.ended_at = writer->submitted_at = writer->options.clock(writer->options.context);
    if (batch_count(batch) == 0) {
        batch_free(batch);
        return;
    }
    struct entry *entry = malloc(sizeof(*entry));
    pthread_mutex_lock(&writer->mutex);
    if (entry) {
        *entry = made;
        append(writer, entry);
        make_room(writer);
        pthread_cond_signal(&writer->changed);
    } else {
        lose(writer, &made);
    }
    pthread_mutex_unlock(&writer->mutex);
}

void writer_relax(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->relaxing = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
}

size_t writer_take_losses(struct writer *writer, struct writer_loss losses[WRITER_LOSSES_MAX])
{
    size_t count = 0;
    pthread_mutex_lock(&writer->mutex);
    for (unsigned i = 0; i < STAGES * ROW_KIND_COUNT * EVENT_CLASSES; i++) {
        unsigned stage = i / (ROW_KIND_COUNT * EVENT_CLASSES);
        unsigned kind = i / EVENT_CLASSES % ROW_KIND_COUNT;
        unsigned loss_class = i % EVENT_CLASSES;
        const struct loss *loss = &writer->losses[stage][kind][loss_class];
        if (loss->count)
            losses[count++] = (struct writer_loss){
                (enum row_kind)kind, loss_class,       stage_names[stage],
                loss->count,         loss->started_at, loss->ended_at,
            };
    }
    memset(writer->losses, 0, sizeof(writer->losses));
    pthread_mutex_unlock(&writer->mutex);
    return count;
}

static void copy_status(struct writer *writer, struct writer_status *status)
{
    *status = writer->status;
    status->queued_bytes = writer->bytes;
}

void writer_status(struct writer *writer, struct writer_status *status)
{
    pthread_mutex_lock(&writer->mutex);
    copy_status(writer, status);
    pthread_mutex_unlock(&writer->mutex);
}

size_t writer_stop(struct writer *writer, struct writer_status *last)
{
    pthread_mutex_lock(&writer->mutex);
    writer->stopping = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    if (last)
        copy_status(writer, last);
    size_t lost = 0;
    for (; writer->first; remove_first(writer))
        lost += batch_count(writer->first->batch);
    destroy(writer);
    return lost;
}
