/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shared.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct shared {
    size_t holders;
    size_t length;
    char data[];
};

struct shared *shared_new(struct text text)
{
    struct shared *shared = text.data ? malloc(sizeof(*shared) + text.length) : NULL;

    if (!shared)
        return NULL;
    shared->holders = 1;
    shared->length = text.length;
    if (text.length)
        memcpy(shared->data, text.data, text.length);
    return shared;
}

struct shared *shared_begin(size_t room, char **data)
{
    struct shared *shared = malloc(sizeof(*shared) + room);

    if (!shared)
        return NULL;
    shared->holders = 1;
    shared->length = room;
    *data = shared->data;
    return shared;
}

struct shared *shared_end(struct shared *shared, size_t length)
{
    shared->length = length;
    return shared;
}

struct shared *shared_string(const char *string)
{
    return shared_new((struct text){string, strlen(string)});
}

struct shared *shared_hold(struct shared *shared)
{
    if (shared)
        shared->holders++;
    return shared;
}

void shared_drop(struct shared *shared)
{
    if (shared && --shared->holders == 0)
        free(shared);
}

void shared_set(struct shared **place, struct shared *value)
{
    shared_drop(*place);
    *place = value;
}

static bool is_text(const struct shared *shared, struct text text)
{
    return shared && text.data && shared->length == text.length &&
           memcmp(shared->data, text.data, text.length) == 0;
}

void shared_keep(struct shared **place, struct text text)
{
    if (!is_text(*place, text))
        shared_set(place, shared_new(text));
}

struct text shared_text(const struct shared *shared)
{
    return shared ? (struct text){shared->data, shared->length} : TEXT_NULL;
}
