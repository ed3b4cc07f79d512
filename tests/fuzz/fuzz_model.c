/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording of any bytes through order and model to rows, as a replay would take it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/model.h"
#include "../../daemon/order.h"
#include "../../daemon/recording.h"

#define HELD (1024 * 1024)

static volatile unsigned char sum;

static void read_row(const struct row *row)
{
    const struct table *table = &row_tables[row->kind];
    for (size_t i = 0; i < table->column_count; i++) {
        const char *field = (const char *)row->columns + table->columns[i].offset;
        const struct text *text = (const struct text *)(const void *)field;
        if (table->columns[i].type != COLUMN_TEXT || !text->data)
            continue;
        for (size_t j = 0; j < text->length; j++)
            sum = (unsigned char)(sum + (unsigned char)text->data[j]);
    }
}

static void flush(struct model *model)
{
    struct batch *batch = model_flush(model);
    for (size_t i = 0; batch && i < batch_count(batch); i++)
        read_row(&batch_rows(batch)[i]);
    batch_free(batch);
}

static void apply(void *context, const struct event_header *record)
{
    struct event event;
    if (!decode(record, record->size, &event))
        model_apply(context, &event);
}

/* Takes one record off the input. Returns its length, 0 where there is none. */
static size_t take(struct order *order, struct model *model, const uint8_t *data, size_t size)
{
    static _Alignas(8) char record[EVENT_RECORD_MAX];
    uint32_t length;
    struct event event;
    if (size < sizeof(struct event_header))
        return 0;
    memcpy(&length, data, sizeof(length));
    if (length > size || length > sizeof(record))
        return 0;
    memcpy(record, data, length);
    if (decode(record, length, &event))
        return length > sizeof(struct event_header) ? length : sizeof(struct event_header);
    if (event.header->kind != EVENT_FRONTIER)
        order_push(order, event.header);
    else {
        order_release(order, event.header->time);
        flush(model);
    }
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model_start start = {.host_id = 1, .wall_minus_boot = 1700000000000000000};
    for (size_t i = 0; i < ROW_KIND_COUNT; i++)
        start.next_id[i] = 1;
    struct model *model = model_new(&start);
    struct order *order = model ? order_new(HELD, apply, model) : NULL;
    if (!order)
        abort();
    for (size_t at = sizeof(struct recording_header), step = 1; at < size && step; at += step)
        step = take(order, model, data + at, size - at);
    order_release(order, UINT64_MAX);
    flush(model);
    order_free(order);
    model_free(model);
    return 0;
}
