/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record.h"

#include <string.h>

#include "../sql/clock.h"

#define NS_PER_S 1000000000

void *record_begin(struct record *record, uint16_t kind, size_t size, uint64_t time)
{
    struct event_header *header = (struct event_header *)(void *)record->bytes;

    memset(record->bytes, 0, size);
    record->size = size;
    header->kind = kind;
    header->time = time;
    return header;
}

struct event_text record_text(struct record *record, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    struct event_text reference = {(uint32_t)record->size, (uint32_t)length};

    if (length > sizeof(record->bytes) - record->size - 8)
        return (struct event_text){0, 0};
    if (length)
        memcpy(record->bytes + record->size, text, length);
    record->size += length;
    return reference;
}

const struct event_header *record_end(struct record *record)
{
    struct event_header *header = (struct event_header *)(void *)record->bytes;

    while (record->size % 8)
        record->bytes[record->size++] = 0;
    header->size = (uint32_t)record->size;
    return header;
}

uint64_t boot_now(void)
{
    return (uint64_t)clock_ns(CLOCK_BOOTTIME);
}

int64_t wall_minus_boot(void)
{
    /* The middle of two readings around the wall clock's: what passes between them cancels out. */
    int64_t before = clock_ns(CLOCK_BOOTTIME);
    int64_t wall = clock_ns(CLOCK_REALTIME);
    int64_t after = clock_ns(CLOCK_BOOTTIME);

    return wall - (before + (after - before) / 2);
}
