/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One record of any bytes: what decode() lets through must be safe to look at. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/decode.h"

struct reference {
    unsigned kind;
    size_t offset; /* of a struct event_text */
};

#define EXEC_TEXTS(kind)                                                                           \
    {kind, offsetof(struct event_exec, image.filename)},                                           \
        {kind, offsetof(struct event_exec, image.exe)},                                            \
        {kind, offsetof(struct event_exec, image.interpreter)},                                    \
        {kind, offsetof(struct event_exec, image.cwd)},                                            \
        {kind, offsetof(struct event_exec, image.argv)},                                           \
        {kind, offsetof(struct event_exec, image.environment)},                                    \
        {kind, offsetof(struct event_exec, image.stdio[0].path)},                                  \
        {kind, offsetof(struct event_exec, image.stdio[1].path)},                                  \
    {                                                                                              \
        kind, offsetof(struct event_exec, image.stdio[2].path)                                     \
    }

static const struct reference references[] = {
    EXEC_TEXTS(EVENT_EXEC),
    EXEC_TEXTS(EVENT_PROCESS),
    {EVENT_EXEC_FAILED, offsetof(struct event_exec_failed, filename)},
    {EVENT_EXEC_FAILED, offsetof(struct event_exec_failed, cwd)},
    {EVENT_EXEC_FAILED, offsetof(struct event_exec_failed, argv)},
    {EVENT_CGROUP, offsetof(struct event_cgroup, path)},
    {EVENT_LOSS, offsetof(struct event_loss, stage)},
    {EVENT_LOSS, offsetof(struct event_loss, detail)},
    {EVENT_HOST, offsetof(struct event_host, hostname)},
    {EVENT_HOST, offsetof(struct event_host, machine_id)},
    {EVENT_HOST, offsetof(struct event_host, boot_id)},
    {EVENT_HOST, offsetof(struct event_host, kernel)},
    {EVENT_HOST, offsetof(struct event_host, os)},
    {EVENT_HOST, offsetof(struct event_host, arch)},
};

static volatile unsigned char sum;

static void read_all(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        sum = (unsigned char)(sum + (unsigned char)text.data[i]);
}

static void read_texts(const struct event *event)
{
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
        struct event_text reference;
        if (references[i].kind != event->header->kind)
            continue;
        memcpy(&reference, (const char *)event->header + references[i].offset, sizeof(reference));
        read_all(event_text(event, reference));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event event;
    void *record = malloc(size ? size : 1); /* aligned, and watched to the byte */
    if (!record)
        return 0;
    memcpy(record, data, size);
    if (!decode(record, size, &event)) {
        read_texts(&event);
        if (event.header->kind == EVENT_EXIT)
            read_all(event_field(event.exit->comm, sizeof(event.exit->comm)));
        if (event.header->kind == EVENT_USER)
            read_all(event_field(event.user->name, sizeof(event.user->name)));
    }
    free(record);
    return 0;
}
