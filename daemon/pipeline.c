/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"
#include "recording.h"

/* A held record is on its way within some tens of milliseconds; this is for floods only. */
#define ORDER_LIMIT (32u << 20)
/* Between two rows about records of one class that were given up. */
#define TELL_NS 1000000000ull

/* Records of one class that were given up since that was last told. */
struct given_up {
    uint64_t count;
    int64_t began; /* of the first, wall clock, ns */
    int64_t ended;
    const char *why; /* of the last */
};

/* Where: what is no record, and what there was no memory for. */
enum stage { STAGE_DECODE, STAGE_ORDER, STAGES };

static const char *const stages[STAGES] = {"decode", "order"};

struct pipeline {
    struct recording_writer *recording;
    struct order *order;
    struct model *model;
    struct row_host host;
    int64_t wall_minus_boot;
    uint64_t told_at; /* boot clock, ns: when what was given up was last told */
    struct given_up given_up[STAGES][EVENT_CLASSES];
    void *host_record; /* a copy that the host's texts point into; NULL: not seen yet */
    char trouble[600]; /* empty: none */
};

static void complain(struct pipeline *pipeline, const char *what, const char *why)
{
    snprintf(pipeline->trouble, sizeof(pipeline->trouble), "%s: %s", what, why);
}

/* An ordered record: it was checked on its way in. */
static void to_model(void *context, const struct event_header *record)
{
    struct pipeline *pipeline = context;
    struct event event = {.header = record};

    model_apply(pipeline->model, &event);
}

struct pipeline *pipeline_new(const char *record, struct pipeline_error *error)
{
    struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
    struct recording_error why = {.message = "out of memory"};

    if (pipeline) {
        pipeline->order = order_new(ORDER_LIMIT, to_model, pipeline);
        pipeline->recording = record ? recording_create(record, &why) : NULL;
    }
    if (pipeline && pipeline->order && (pipeline->recording || !record))
        return pipeline;
    snprintf(error->message, sizeof(error->message), "%s", why.message);
    pipeline_free(pipeline, NULL);
    return NULL;
}

int pipeline_free(struct pipeline *pipeline, struct pipeline_error *error)
{
    struct recording_error why = {.message = "the recording is not whole"};
    int code = 0;

    if (!pipeline)
        return 0;
    if (pipeline->recording && recording_dropped(pipeline->recording) && error) {
        snprintf(error->message, sizeof(error->message), "%s", why.message);
        code = -1;
    }
    if (pipeline->recording && recording_finish(pipeline->recording, &why) < 0 && error) {
        snprintf(error->message, sizeof(error->message), "%s", why.message);
        code = -1;
    }
    order_free(pipeline->order);
    free(pipeline->host_record);
    free(pipeline);
    return code;
}

static void keep_host(struct pipeline *pipeline, const struct event_header *record)
{
    void *copy = pipeline->host_record ? NULL : malloc(record->size);
    struct row_host *row = &pipeline->host;
    struct event event;

    if (!copy)
        return;
    memcpy(copy, record, record->size);
    pipeline->host_record = copy;
    event.header = copy;
    row_clear(ROW_HOST, row);
    row->hostname = event_text(&event, event.host->hostname);
    row->machine_id = event_text(&event, event.host->machine_id);
    row->boot_id = event_text(&event, event.host->boot_id);
    row->kernel = event_text(&event, event.host->kernel);
    row->os = event_text(&event, event.host->os);
    row->arch = event_text(&event, event.host->arch);
    row->booted_at = event.host->wall_minus_boot; /* the boot clock's zero */
    pipeline->wall_minus_boot = event.host->wall_minus_boot;
}

const struct row_host *pipeline_host(const struct pipeline *pipeline, int64_t *wall_minus_boot)
{
    if (!pipeline->host_record)
        return NULL;
    *wall_minus_boot = pipeline->wall_minus_boot;
    return &pipeline->host;
}

void pipeline_set_model(struct pipeline *pipeline, struct model *model)
{
    pipeline->model = model;
}

/* at: wall clock, ns. */
static void give_up(struct pipeline *pipeline, enum stage stage, unsigned loss_class, int64_t at,
                    const char *why)
{
    struct given_up *lost = &pipeline->given_up[stage][loss_class];

    if (!lost->count++)
        lost->began = at;
    lost->ended = at;
    lost->why = why;
    complain(pipeline, "a record was lost", why);
}

/* No sense can be made of a record, of its time neither. */
static void refuse(struct pipeline *pipeline, const struct event_header *record, size_t size,
                   const char *why)
{
    unsigned kind = size < sizeof(*record) ? 0 : record->kind;

    give_up(pipeline, STAGE_DECODE, event_class(kind),
            pipeline->model ? model_newest(pipeline->model) : 0, why);
}

static void tell_loss(struct pipeline *pipeline, enum stage stage, unsigned loss_class)
{
    struct given_up *lost = &pipeline->given_up[stage][loss_class];
    const char *class = event_class_name(loss_class);
    struct row_loss row = {
        .started_at = lost->began,
        .ended_at = lost->ended,
        .class = {class, strlen(class)},
        .stage = {stages[stage], strlen(stages[stage])},
        .count = (int64_t)lost->count,
        .detail = {lost->why, strlen(lost->why)},
    };

    model_lose(pipeline->model, &row);
    lost->count = 0;
}

/* A row for each class, once a second at most, as who sends nonsense may send much of it; at
 * frontiers only, so that a replay tells the same. */
static void tell_losses(struct pipeline *pipeline, uint64_t frontier)
{
    if (frontier - pipeline->told_at < TELL_NS)
        return;
    for (unsigned i = 0; i < STAGES * EVENT_CLASSES; i++) {
        if (!pipeline->given_up[i / EVENT_CLASSES][i % EVENT_CLASSES].count)
            continue;
        tell_loss(pipeline, i / EVENT_CLASSES, i % EVENT_CLASSES);
        pipeline->told_at = frontier;
    }
}

static void reach(struct pipeline *pipeline, uint64_t frontier)
{
    order_release(pipeline->order, frontier);
    if (frontier <= EVENT_TIME_MAX)
        model_pass(pipeline->model, frontier);
    tell_losses(pipeline, frontier);
}

static void keep(struct pipeline *pipeline, const struct event_header *record)
{
    struct recording_error why;

    if (pipeline->recording && recording_write(pipeline->recording, record, &why) < 0)
        complain(pipeline, "the recording ends here", why.message);
}

void pipeline_push(void *context, const struct event_header *record, size_t size)
{
    struct pipeline *pipeline = context;
    struct event event;
    const char *wrong = decode(record, size, &event);

    if (wrong) {
        refuse(pipeline, record, size, wrong);
        return;
    }
    keep(pipeline, record);
    if (record->kind == EVENT_HOST)
        keep_host(pipeline, record);
    else if (record->kind == EVENT_FRONTIER)
        reach(pipeline, record->time);
    else if (order_push(pipeline->order, record) < 0)
        give_up(pipeline, STAGE_ORDER, event_class(record->kind),
                (int64_t)record->time + pipeline->wall_minus_boot, "out of memory");
}

uint64_t pipeline_late(const struct pipeline *pipeline)
{
    return order_late(pipeline->order);
}

const char *pipeline_trouble(struct pipeline *pipeline)
{
    static char message[sizeof(pipeline->trouble)];

    if (!pipeline->trouble[0])
        return NULL;
    memcpy(message, pipeline->trouble, sizeof(message));
    pipeline->trouble[0] = '\0';
    return message;
}
