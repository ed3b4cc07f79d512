/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recorder.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../sql/ballast.h"
#include "../sql/rule.h"
#include "cgroups.h"
#include "ebb.h"
#include "index.h"
#include "log.h"
#include "pipeline.h"
#include "record.h"
#include "risk.h"
#include "writer.h"

#define TURN_SLICES   8
#define SLICE_RECORDS 1024
#define BATCH_BYTES   (1u << 20) /* a batch this large is written before its time */
#define READY_NAPS    2500       /* of 2 ms: 5 s */
#define ROOM_TO_BEGIN (1 << 20)  /* bytes of disk, for the log and what a start writes */
#define NS_PER_S      1000000000ll

struct recorder {
    const struct source_ops *ops;
    struct source *source;
    struct pipeline *pipeline;
    struct model *model;
    struct store *store;
    struct retention *retention;
    struct writer *writer;
    struct risk *risk;               /* NULL: no rules are run */
    int64_t next_id[ROW_KIND_COUNT]; /* when the store was opened */
    struct retention_options limits;
    bool replaying;
    bool trouble;           /* the writer's newest attempt failed, and the log says so */
    bool retention_trouble; /* the same of rolling */
    bool starved_told;
    bool damaged; /* the store is, so that there is nothing left to do */
    struct retention_status retention_known;
    size_t queue; /* bytes that batches may take */
    size_t taken; /* records since the last audit */
    struct ebb ebb;
    bool relaxing;      /* the threads were asked for what they keep */
    int64_t down_since; /* when the recorder before this one last wrote; INTEGER_NULL: no gap */
    int64_t next_probe;
    struct row_host host;
    struct row_recorder row;
    char *cgroup; /* the text of row.cgroup */
    void (*committed)(void *context);
    void *context;
};

static int fail(struct recorder_error *error, const char *message)
{
    snprintf(error->message, sizeof(error->message), "%s", message);
    return -1;
}

static int64_t wall_now(void *context)
{
    struct timespec now;

    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int fail_by_store(struct recorder *recorder, struct recorder_error *error)
{
    const struct store_error *why = store_failure(recorder->store);

    if (why->status == STORE_DAMAGED)
        store_note_damage(recorder->store, why->message);
    return fail(error, why->message);
}

/* On the clock of the rows that are made now: a replay's are of another time. */
static int64_t row_time(void *context)
{
    const struct recorder *recorder = context;

    return recorder->replaying ? model_newest(recorder->model) : wall_now(NULL);
}

/* ---- rows about the recorder itself ---- */

static struct batch *add_row(struct batch *batch, enum row_kind kind, const void *columns)
{
    if (!batch)
        batch = batch_new();
    if (batch)
        batch_add(batch, kind, columns); /* a missed heartbeat is made up for by the next */
    return batch;
}

static struct batch *add_heartbeat(struct recorder *recorder, struct batch *batch)
{
    recorder->row.last_seen_at = wall_now(NULL);
    recorder->host.last_seen_at = recorder->row.last_seen_at;
    recorder->row.late = (int64_t)pipeline_late(recorder->pipeline);
    batch = add_row(batch, ROW_RECORDER, &recorder->row);
    return add_row(batch, ROW_HOST, &recorder->host);
}

/* The rows of a run's probes keep their ids: a later call replaces them. */
static struct batch *add_probes(struct recorder *recorder, struct batch *batch)
{
    struct source_probe probes[SOURCE_PROBES_MAX];
    size_t count = recorder->ops->probes(recorder->source, probes, SOURCE_PROBES_MAX);

    for (size_t i = 0; i < count && i < SOURCE_PROBES_MAX; i++) {
        struct row_probe row = {
            .id = recorder->next_probe + (int64_t)i,
            .recorder_id = recorder->row.id,
            .name = {probes[i].name, strlen(probes[i].name)},
            .tier = {probes[i].tier, strlen(probes[i].tier)},
            .error = {probes[i].error, probes[i].error ? strlen(probes[i].error) : 0},
            .recursion_misses = (int64_t)probes[i].recursion_misses,
        };
        batch = add_row(batch, ROW_PROBE, &row);
    }
    return batch;
}

/* While nobody recorded, nobody knows how much happened. */
static void report_down(struct recorder *recorder)
{
    struct row_loss loss = {
        .started_at = recorder->down_since,
        .ended_at = wall_now(NULL),
        .class = {"down", 4},
        .stage = {"recorder", 8},
        .count = INTEGER_NULL,
        .detail = {"the recorder was not running", 28},
    };

    if (recorder->down_since != INTEGER_NULL && !recorder->replaying)
        model_lose(recorder->model, &loss);
}

/* Rows that the writer gave up are losses like any other: the model gives them their ids. */
static void report_writer_losses(struct recorder *recorder)
{
    struct writer_loss losses[WRITER_LOSSES_MAX];
    size_t count = writer_take_losses(recorder->writer, losses);

    for (size_t i = 0; i < count; i++) {
        const char *class = event_class_name(losses[i].loss_class);
        const char *table = row_tables[losses[i].kind].name;
        struct row_loss loss = {
            .started_at = losses[i].started_at,
            .ended_at = losses[i].ended_at,
            .class = {class, strlen(class)},
            .stage = {losses[i].stage, strlen(losses[i].stage)},
            .count = (int64_t)losses[i].count,
            .detail = {table, strlen(table)},
        };
        model_lose(recorder->model, &loss);
    }
}

/* Rows that came in faster than the rules could be run over them. */
static void report_missed(struct recorder *recorder)
{
    uint64_t missed = recorder->risk ? risk_take_missed(recorder->risk) : 0;
    struct row_loss loss = {
        .started_at = wall_now(NULL),
        .ended_at = wall_now(NULL),
        .class = {"rules", 5},
        .stage = {"rules", 5},
        .count = (int64_t)missed,
        .detail = {"rows that no rule was run over", 30},
    };

    if (missed)
        model_lose(recorder->model, &loss);
}

/* ---- opening: each step leaves what recorder_free undoes ---- */

static bool can_be_moved(enum store_status status)
{
    return status == STORE_NOT_OURS || status == STORE_NEWER || status == STORE_DAMAGED;
}

/* --move-aside: nothing is ever written over. */
static struct store *open_in_place_of(const char *path, struct store_error *why)
{
    char to[4096];

    log_line("%s", why->message);
    if (store_move_aside(path, to, sizeof(to), why) != STORE_OK)
        return NULL;
    log_line("it has been moved aside, to %s", to);
    return store_open(path, why);
}

static int open_store(struct recorder *recorder, const struct config *config,
                      struct recorder_error *error)
{
    struct store_error why;

    /* Who could not begin on a full disk would never come to make room on it. */
    if (ballast_free(config->store) < ROOM_TO_BEGIN)
        ballast_drop(config->store);
    recorder->store = store_open(config->store, &why);
    if (!recorder->store && config->move_aside && can_be_moved(why.status))
        recorder->store = open_in_place_of(config->store, &why);
    return recorder->store ? 0 : fail(error, why.message);
}

static int open_source(struct recorder *recorder, const struct config *config,
                       struct recorder_error *error)
{
    struct pipeline_error why;
    struct source_error reason;

    recorder->pipeline = pipeline_new(config->record, &why);
    if (!recorder->pipeline)
        return fail(error, why.message);
    recorder->source = recorder->ops->open(config, pipeline_push, recorder->pipeline, &reason);
    return recorder->source ? 0 : fail(error, reason.message);
}

/* Rows that an earlier run left alive. With --cgroup those of processes outside are left as they
 * are: this run will neither see them live nor end. */
struct adoption {
    struct model *model;
    const char *cgroup;   /* the path that is recorded; NULL: everything */
    struct index outside; /* ids of processes that were not adopted */
};

static bool is_below(struct text path, const char *cgroup)
{
    size_t length = strlen(cgroup);

    return path.length >= length && path.data && memcmp(path.data, cgroup, length) == 0 &&
           (path.length == length || path.data[length] == '/' || length == 1);
}

static int64_t owner_of(const struct row *row)
{
    if (row->kind == ROW_LISTENER)
        return ((const struct row_listener *)row->columns)->process_id;
    if (row->kind == ROW_CONNECTION)
        return ((const struct row_connection *)row->columns)->process_id;
    return INTEGER_NULL;
}

static void adopt(void *context, const struct row *row)
{
    struct adoption *adoption = context;
    const struct row_process *process = row->columns;

    if (adoption->cgroup && row->kind == ROW_PROCESS &&
        !is_below(process->cgroup, adoption->cgroup))
        index_put(&adoption->outside, (struct key){(uint64_t)process->id, 0}, adoption);
    else if (!index_get(&adoption->outside, (struct key){(uint64_t)owner_of(row), 0}))
        model_adopt(adoption->model, row);
}

static int adopt_living(struct recorder *recorder, const struct config *config,
                        struct recorder_error *error)
{
    struct adoption adoption = {.model = recorder->model};
    struct cgroup_place place;
    struct source_error ignored;
    int code = 0;

    if (config->cgroup && cgroups_find(config->cgroup, &place, &ignored) == 0)
        adoption.cgroup = place.path;
    if (store_living(recorder->store, recorder->host.id, adopt, &adoption))
        code = fail_by_store(recorder, error);
    index_free(&adoption.outside);
    return code;
}

static int open_model(struct recorder *recorder, const struct config *config,
                      struct recorder_error *error)
{
    struct model_start start;
    const struct row_host *host = pipeline_host(recorder->pipeline, &start.wall_minus_boot);
    bool known;

    if (!host)
        return fail(error, "the recording does not say which host it is from");
    recorder->host = *host;
    recorder->host.first_seen_at = recorder->host.last_seen_at = wall_now(NULL);
    if (store_last_seen(recorder->store, &recorder->down_since) ||
        store_host(recorder->store, &recorder->host, &known) ||
        store_next_ids(recorder->store, start.next_id))
        return fail_by_store(recorder, error);
    memcpy(recorder->next_id, start.next_id, sizeof(recorder->next_id));
    recorder->row.id = start.next_id[ROW_RECORDER];
    recorder->next_probe = start.next_id[ROW_PROBE];
    recorder->limits.loss_id = start.next_id[ROW_LOSS]++;
    recorder->limits.host_id = recorder->host.id;
    start.host_id = recorder->host.id;
    start.environment = config->environment; /* the configuration outlives the recorder */
    start.places = config->places;
    recorder->model = model_new(&start);
    if (!recorder->model)
        return fail(error, "out of memory");
    if (known && !recorder->replaying && adopt_living(recorder, config, error) < 0)
        return -1;
    pipeline_set_model(recorder->pipeline, recorder->model);
    return 0;
}

static int open_risk(struct recorder *recorder, const struct config *config,
                     struct recorder_error *error)
{
    struct risk_options options = {
        .store = config->store,
        .directory = config->rules_directory ? config->rules_directory : RULE_DIRECTORY,
        .budget_ms = config->rules_budget_ms,
        .warmup_h = config->rules_warmup_h,
        .since = recorder->replaying ? INTEGER_NULL : recorder->down_since,
        .next_id = recorder->next_id,
        .ready = recorder->committed,
        .context = recorder->context,
    };

    if (!config->rules_run)
        return 0;
    recorder->risk = risk_start(&options);
    return recorder->risk ? 0 : fail(error, "can not start the thread that runs rules");
}

/* These two in the writer's thread. */
static void on_commit(void *context)
{
    const struct recorder *recorder = context;

    recorder->committed(recorder->context);
}

static void on_written(void *context, const struct row *rows, size_t count)
{
    const struct recorder *recorder = context;

    if (recorder->risk)
        risk_written(recorder->risk, rows, count);
}

/* What a replay is of may be old: that is no reason to roll it away. */
static void set_limits(struct recorder *recorder, const struct config *config)
{
    recorder->limits.age = recorder->replaying ? 0 : (int64_t)config->keep_days * 86400 * NS_PER_S;
    recorder->limits.bytes = (int64_t)config->max_mib << 20;
    recorder->limits.reserve = recorder->replaying ? 0 : (int64_t)config->reserve_mib << 20;
}

static int open_writer(struct recorder *recorder, struct recorder_error *error)
{
    struct writer_options options = {
        .limit = recorder->replaying ? SIZE_MAX : recorder->queue, /* see must_wait */
        .clock = row_time,
        .notify = on_commit,
        .written = on_written,
        .context = recorder,
    };

    recorder->retention = retention_open(recorder->store, &recorder->limits);
    if (!recorder->retention)
        return fail_by_store(recorder, error);
    options.retention = recorder->retention;
    recorder->writer = writer_start(recorder->store, &options);
    return recorder->writer ? 0 : fail(error, "can not start the writer's thread");
}

static void describe_run(struct recorder *recorder, const struct config *config)
{
    recorder->row.host_id = recorder->host.id;
    recorder->row.pid = getpid();
    recorder->row.version = (struct text){SPYQ_VERSION, strlen(SPYQ_VERSION)};
    recorder->row.started_at = wall_now(NULL);
    recorder->row.ended_at = INTEGER_NULL;
    recorder->cgroup = config->cgroup ? strdup(config->cgroup) : NULL;
    recorder->row.cgroup =
        (struct text){recorder->cgroup, recorder->cgroup ? strlen(recorder->cgroup) : 0};
}

static void recorder_free(struct recorder *recorder)
{
    if (recorder->writer)
        writer_stop(recorder->writer, NULL);
    risk_stop(recorder->risk);
    retention_close(recorder->retention);
    if (recorder->store)
        store_close(recorder->store); /* before the source, whose descriptors may stay for longer */
    if (recorder->source)
        recorder->ops->close(recorder->source);
    pipeline_free(recorder->pipeline, NULL);
    model_free(recorder->model);
    free(recorder->cgroup);
    free(recorder);
}

struct recorder *recorder_open(const struct config *config, void (*committed)(void *context),
                               void *context, struct recorder_error *error)
{
    struct recorder *recorder = calloc(1, sizeof(*recorder));

    if (!recorder) {
        fail(error, "out of memory");
        return NULL;
    }
    recorder->replaying = config->replay != NULL;
    recorder->ops = recorder->replaying ? &source_replay : &source_bpf;
    recorder->queue = (size_t)config->queue_mib << 20;
    set_limits(recorder, config);
    recorder->committed = committed;
    recorder->context = context;
    if (open_store(recorder, config, error) == 0 && open_source(recorder, config, error) == 0 &&
        open_model(recorder, config, error) == 0 && open_risk(recorder, config, error) == 0 &&
        open_writer(recorder, error) == 0) {
        describe_run(recorder, config);
        return recorder;
    }
    recorder_free(recorder);
    return NULL;
}

/* ---- running ---- */

/* Whoever waits for `ready` may ask at once: what the scan found is in the store by then, unless
 * the disk is in trouble. */
static void await_writer(struct recorder *recorder)
{
    static const struct timespec nap = {.tv_nsec = 2000000};
    struct writer_status status;

    for (int i = 0; i < READY_NAPS; i++) {
        writer_status(recorder->writer, &status);
        if (!status.queued_batches || status.failures)
            return;
        nanosleep(&nap, NULL);
    }
}

int recorder_scan(struct recorder *recorder, struct recorder_error *error)
{
    struct source_error reason;
    struct batch *batch;

    if (recorder->ops->scan(recorder->source, &reason) < 0)
        return fail(error, reason.message);
    report_down(recorder);
    batch = add_probes(recorder, add_heartbeat(recorder, NULL));
    if (batch)
        writer_submit(recorder->writer, batch);
    recorder_flush(recorder);
    await_writer(recorder);
    return 0;
}

/* While the writer has much to do, records wait where they are: there they take no more memory.
 * What can not wait is made into rows, and the queue has its own ways. */
static bool may_wait(const struct recorder *recorder)
{
    struct writer_status status;

    writer_status(recorder->writer, &status);
    return status.queued_bytes > recorder->queue / 4 && recorder->ops->keeps(recorder->source);
}

static size_t take_slice(struct recorder *recorder)
{
    size_t taken = recorder->ops->drain(recorder->source, SLICE_RECORDS);

    recorder->taken += taken;
    if (model_pending(recorder->model) > BATCH_BYTES)
        recorder_flush(recorder);
    return taken;
}

bool recorder_turn(struct recorder *recorder)
{
    size_t taken = SLICE_RECORDS;

    for (int i = 0; i < TURN_SLICES && taken >= SLICE_RECORDS; i++) {
        if (may_wait(recorder))
            return true;
        taken = take_slice(recorder);
    }
    return taken > 0;
}

size_t recorder_sleep(struct recorder *recorder, int fds[EVENT_RINGS])
{
    recorder->ops->arm(recorder->source);
    return recorder->ops->descriptors(recorder->source, fds);
}

void recorder_flush(struct recorder *recorder)
{
    struct batch *batch = model_flush(recorder->model);

    if (batch)
        writer_submit(recorder->writer, batch);
}

/* After a storm: first the threads free what they keep, then all that is free goes to the kernel.
 */
static void give_back(struct recorder *recorder)
{
    if (recorder->relaxing)
        malloc_trim(0);
    recorder->relaxing = ebb_has_come(&recorder->ebb, recorder->taken);
    recorder->taken = 0;
    if (!recorder->relaxing)
        return;
    writer_relax(recorder->writer);
    if (recorder->risk)
        risk_relax(recorder->risk);
}

void recorder_audit(struct recorder *recorder)
{
    const char *trouble = pipeline_trouble(recorder->pipeline);
    struct batch *batch;

    if (trouble)
        log_line("%s", trouble);
    recorder->ops->audit(recorder->source);
    report_writer_losses(recorder);
    report_missed(recorder);
    recorder_flush(recorder); /* the loop may be asleep, and the audit have found something */
    batch = add_heartbeat(recorder, NULL);
    if (batch)
        writer_submit(recorder->writer, batch);
    give_back(recorder);
}

static void write_found(struct recorder *recorder)
{
    struct batch *batch = recorder->risk ? risk_take(recorder->risk) : NULL;

    if (batch)
        writer_submit(recorder->writer, batch);
}

/* Each trouble is logged when it comes. */
static void check_retention(struct recorder *recorder, const struct writer_status *status)
{
    const struct retention_status *now = &status->retention, *before = &recorder->retention_known;

    if (now->pins[0] && strcmp(now->pins, before->pins) != 0)
        log_line("%s", now->pins);
    if (status->retention_error[0] && !recorder->retention_trouble && !recorder->trouble &&
        !recorder->damaged)
        log_line("can not roll old rows away, trying again: %s", status->retention_error);
    if (now->starved && !recorder->starved_told)
        log_line("the store is over its limit, and all that is left is in use, pinned or too new");
    if (now->squeezed && !before->squeezed)
        log_line("the disk is full: old rows make room for new ones");
    recorder->retention_trouble = status->retention_error[0] != '\0';
    recorder->starved_told |= now->starved; /* under load it comes and goes */
    recorder->retention_known = *now;
}

void recorder_check_writer(struct recorder *recorder)
{
    struct writer_status status;

    write_found(recorder);

    writer_status(recorder->writer, &status);
    recorder->damaged = status.damage[0] != '\0'; /* told of at the end, which is now */
    if (status.failures && !recorder->trouble && !recorder->damaged)
        log_line("can not write, trying again: %s", status.error);
    else if (!status.failures && recorder->trouble)
        log_line("writing again");
    recorder->trouble = status.failures > 0;
    check_retention(recorder, &status);
}

void recorder_reload_rules(struct recorder *recorder)
{
    if (recorder->risk)
        risk_reload(recorder->risk);
}

/* Its rows are in the store by then, unless the trouble is one that does not pass by itself. */
static bool is_written(const struct recorder *recorder)
{
    struct writer_status status;

    writer_status(recorder->writer, &status);
    return !status.queued_batches ||
           (status.failures && status.status != STORE_FULL && status.status != STORE_BUSY);
}

bool recorder_ended(const struct recorder *recorder)
{
    return recorder->damaged || (recorder->ops->ended(recorder->source) && is_written(recorder));
}

/* ---- closing ---- */

/* What is left in the rings may be more than the queue takes. */
static void take_rest(struct recorder *recorder)
{
    static const struct timespec nap = {.tv_nsec = 2000000};
    int naps = 0;

    recorder->ops->stop(recorder->source);
    while (!recorder->ops->ended(recorder->source)) {
        if (naps++ < READY_NAPS && may_wait(recorder))
            nanosleep(&nap, NULL);
        else
            take_slice(recorder);
    }
}

static void write_rest(struct recorder *recorder)
{
    struct batch *batch;

    take_rest(recorder);
    report_writer_losses(recorder);
    recorder_flush(recorder);
    recorder->row.ended_at = wall_now(NULL);
    batch = add_probes(recorder, add_heartbeat(recorder, NULL));
    if (batch)
        writer_submit(recorder->writer, batch);
}

/* The rules are run over the last rows too, and say how they fared, unless that takes long or the
 * disk is in trouble. */
static void settle_risk(struct recorder *recorder)
{
    static const struct timespec nap = {.tv_nsec = 2000000};
    struct writer_status status;
    bool told = false;

    for (int i = 0; i < READY_NAPS && recorder->risk; i++) {
        write_found(recorder);
        writer_status(recorder->writer, &status);
        bool settled = !status.queued_batches && risk_is_idle(recorder->risk);
        if (status.failures || (settled && told))
            break;
        if (settled)
            risk_tell(recorder->risk);
        told |= settled;
        nanosleep(&nap, NULL);
    }
}

static int close_writer(struct recorder *recorder, struct recorder_error *error)
{
    struct writer_status last;
    size_t lost = writer_stop(recorder->writer, &last);

    recorder->writer = NULL;
    if (last.damage[0])
        store_note_damage(recorder->store, last.damage);
    if (!lost && last.damage[0])
        return fail(error, last.damage);
    if (!lost)
        return 0;
    snprintf(error->message, sizeof(error->message), "%zu rows could not be written: %s", lost,
             last.error);
    return -1;
}

int recorder_close(struct recorder *recorder, struct recorder_error *error)
{
    struct pipeline_error why;
    const char *failure;
    int code;

    write_rest(recorder);
    settle_risk(recorder);
    code = close_writer(recorder, error);
    failure = recorder->ops->failure(recorder->source);
    if (failure)
        code = fail(error, failure);
    if (pipeline_free(recorder->pipeline, &why) < 0)
        code = fail(error, why.message);
    recorder->pipeline = NULL;
    recorder_free(recorder);
    return code;
}
