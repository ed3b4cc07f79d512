/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "argv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

struct shared *argv_json(struct text argv)
{
    char *json;
    struct shared *shared =
        argv.data ? shared_begin(argv.length * (JSON_ESCAPED_MAX + 3) + 2, &json) : NULL;
    size_t size = 0;

    if (!shared)
        return NULL;
    json[size++] = '[';
    for (size_t at = 0; at < argv.length;) {
        size_t length = strnlen(argv.data + at, argv.length - at);
        if (at)
            json[size++] = ',';
        size += json_quote(json + size, argv.data + at, length);
        at += length + 1;
    }
    json[size++] = ']';
    return shared_end(shared, size);
}

/* The value of a variable; data is NULL where it is not set. */
static struct text environment_value(struct text environment, const char *name)
{
    size_t size = strlen(name);

    for (size_t at = 0; at < environment.length;) {
        const char *string = environment.data + at;
        size_t length = strnlen(string, environment.length - at);
        if (length > size && string[size] == '=' && memcmp(string, name, size) == 0)
            return (struct text){string + size + 1, length - size - 1};
        at += length + 1;
    }
    return TEXT_NULL;
}

static size_t json_member(char *out, bool first, const char *name, struct text value)
{
    size_t size = 0;

    out[size++] = first ? '{' : ',';
    size += json_quote(out + size, name, strlen(name));
    out[size++] = ':';
    return size + json_quote(out + size, value.data, value.length);
}

/* A name that the list has twice is one member of the object. */
static bool is_repeated(char *const *names, char *const *name)
{
    for (; names < name; names++)
        if (strcmp(*names, *name) == 0)
            return true;
    return false;
}

struct shared *argv_environment(struct text environment, char *const *names)
{
    char *json =
        environment.data && names ? malloc(environment.length * (JSON_ESCAPED_MAX + 6) + 2) : NULL;
    struct shared *shared = NULL;
    size_t size = 0;

    for (char *const *name = names; json && *name; name++) {
        struct text value = environment_value(environment, *name);
        if (value.data && !is_repeated(names, name))
            size += json_member(json + size, size == 0, *name, value);
    }
    if (size) {
        json[size++] = '}';
        shared = shared_new((struct text){json, size});
    }
    free(json);
    return shared;
}

struct shared *argv_joined(struct text argv)
{
    struct shared *shared;
    size_t length = argv.length;
    char *joined;

    if (!argv.data)
        return NULL;
    if (length && !argv.data[length - 1])
        length--;
    shared = shared_begin(length, &joined);
    for (size_t i = 0; shared && i < length; i++)
        joined[i] = argv.data[i] ? argv.data[i] : ' ';
    return shared;
}

int64_t argv_count(struct text argv)
{
    int64_t count = 0;

    for (size_t at = 0; at < argv.length; count++)
        at += strnlen(argv.data + at, argv.length - at) + 1;
    return count;
}

struct text argv_trimmed(struct text argv)
{
    while (argv.length && !argv.data[argv.length - 1])
        argv.length--;
    return argv;
}
