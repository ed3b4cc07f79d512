/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"
#include "recording.h"

/* A held record is on its way within some tens of milliseconds; this is for floods only. */
#define ORDER_LIMIT (32u << 20)

struct pipeline {
    struct recording_writer *recording;
    struct order *order;
    struct model *model;
    struct row_host host;
    int64_t wall_minus_boot;
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

/* time: of the record, ns on the boot clock; 0: unknown, taken to be that of the newest event. */
static void lose(struct pipeline *pipeline, uint64_t time, unsigned loss_class, const char *why)
{
    int64_t at = time ? (int64_t)time + pipeline->wall_minus_boot
                      : (pipeline->model ? model_newest(pipeline->model) : 0);
    struct row_loss loss = {
        .started_at = at,
        .ended_at = at,
        .class = {.data = event_class_name(loss_class)},
        .stage = {.data = "order", .length = 5},
        .count = 1,
        .detail = {.data = why, .length = strlen(why)},
    };

    loss.class.length = strlen(loss.class.data);
    if (pipeline->model)
        model_lose(pipeline->model, &loss);
    complain(pipeline, "a record was lost", why);
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
        lose(pipeline, 0, EVENT_CLASS_LIFECYCLE, wrong);
        return;
    }
    keep(pipeline, record);
    if (record->kind == EVENT_HOST)
        keep_host(pipeline, record);
    else if (record->kind == EVENT_FRONTIER)
        order_release(pipeline->order, record->time);
    else if (order_push(pipeline->order, record) < 0)
        lose(pipeline, record->time, event_class(record->kind), "out of memory");
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
