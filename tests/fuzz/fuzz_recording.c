/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file of any bytes through the reader and the order stage. What was read from it, written
 * again, must be its beginning byte for byte.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../daemon/order.h"
#include "../../daemon/recording.h"

#define HELD (64 * 1024) /* little, so that early release happens */

struct file {
    int fd;
    char path[32];
};

static struct file new_file(void)
{
    struct file file = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};
    if (file.fd < 0)
        abort();
    snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
    return file;
}

static void take(void *context, const struct event_header *record)
{
    struct event event;
    uint64_t *released = context;
    if (decode(record, record->size, &event))
        abort();
    (*released)++;
}

/* Returns how many records were read. */
static uint64_t copy_records(struct recording_reader *reader, struct recording_writer *writer,
                             struct order *order)
{
    uint64_t count = 0;
    struct event event;
    struct recording_error error;
    while (recording_next(reader, &event, &error) > 0) {
        if (recording_write(writer, event.header, &error) || order_push(order, event.header))
            abort();
        if (event.header->kind == EVENT_FRONTIER)
            order_release(order, event.header->time);
        count++;
    }
    return count;
}

static void compare(int fd, const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    ssize_t length = copy ? pread(fd, copy, size + 1, 0) : -1;
    if (length < 0 || (size_t)length > size || memcmp(copy, data, (size_t)length))
        abort();
    free(copy);
}

static void copy_recording(struct recording_reader *reader, const uint8_t *data, size_t size)
{
    struct recording_error error;
    struct file out = new_file();
    uint64_t released = 0;
    struct recording_writer *writer = recording_create(out.path, &error);
    struct order *order = order_new(HELD, take, &released);
    if (!writer || !order)
        abort();
    uint64_t count = copy_records(reader, writer, order);
    order_release(order, UINT64_MAX);
    /* A record at the end of time stays behind: no frontier is later. */
    if (released > count || recording_finish(writer, &error))
        abort();
    order_free(order);
    compare(out.fd, data, size);
    close(out.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recording_error error;
    struct file in = new_file();
    if (write(in.fd, data, size) != (ssize_t)size)
        abort();
    struct recording_reader *reader = recording_open(in.path, &error);
    if (reader)
        copy_recording(reader, data, size);
    recording_close(reader);
    close(in.fd);
    return 0;
}
