/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Writes one byte of a JSON string; returns how many bytes it took. */
static size_t json_byte(char *out, unsigned char byte)
{
    static const char short_forms[256] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                          ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
    static const char digits[] = "0123456789abcdef";

    if (short_forms[byte]) {
        out[0] = '\\';
        out[1] = short_forms[byte];
        return 2;
    }
    if (byte >= 0x20 && byte != 0x7f) {
        out[0] = (char)byte;
        return 1;
    }
    memcpy(out, "\\u00", 4);
    out[4] = digits[byte >> 4];
    out[5] = digits[byte & 15];
    return JSON_ESCAPED_MAX;
}

size_t json_quote(char *out, const char *bytes, size_t length)
{
    size_t size = 0;

    out[size++] = '"';
    for (size_t i = 0; i < length; i++)
        size += json_byte(out + size, (unsigned char)bytes[i]);
    out[size++] = '"';
    return size;
}

/* Makes room for that many more bytes, and the brace at the end. */
static bool json_grow(struct json *json, size_t more)
{
    size_t room = json->size + more + 1;
    char *data;

    if (json->failed || room <= json->room)
        return !json->failed;
    data = realloc(json->data, room * 2);
    json->failed = !data;
    if (!data)
        return false;
    json->data = data;
    json->room = room * 2;
    return true;
}

/* Begins a member whose value takes at most that many bytes. */
static bool json_name(struct json *json, const char *name, size_t value)
{
    size_t length = strlen(name);

    if (!json_grow(json, JSON_ESCAPED_MAX * length + 4 + value))
        return false;
    json->data[json->size] = json->size ? ',' : '{';
    json->size++;
    json->size += json_quote(json->data + json->size, name, length);
    json->data[json->size++] = ':';
    return true;
}

void json_add_text(struct json *json, const char *name, struct text value)
{
    if (value.data && json_name(json, name, JSON_ESCAPED_MAX * value.length + 2))
        json->size += json_quote(json->data + json->size, value.data, value.length);
}

void json_add_integer(struct json *json, const char *name, int64_t value)
{
    char digits[24];
    size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, value);

    if (!json_name(json, name, length))
        return;
    memcpy(json->data + json->size, digits, length);
    json->size += length;
}

struct shared *json_take(struct json *json)
{
    struct shared *taken = NULL;

    if (json->size && !json->failed) {
        json->data[json->size++] = '}';
        taken = shared_new((struct text){json->data, json->size});
    }
    free(json->data);
    *json = (struct json){0};
    return taken;
}
