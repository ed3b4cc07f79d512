/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON as columns have it. Bytes stay as they are; only what JSON can not hold raw (quotes,
 * backslashes, controls) is escaped. */
#ifndef SPYQ_JSON_H
#define SPYQ_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "shared.h"

#define JSON_ESCAPED_MAX 6 /* \u001b */

/* Writes a string with its quotes; `out` has room for JSON_ESCAPED_MAX * length + 2 bytes. Returns
 * how many it took. */
size_t json_quote(char *out, const char *bytes, size_t length);

/* An object that is being put together. All zero: it has no members yet. */
struct json {
    char *data;
    size_t size, room;
    bool failed; /* out of memory */
};

/* Adds a member. name: a constant. NULL text adds none. */
void json_add_text(struct json *json, const char *name, struct text value);
void json_add_integer(struct json *json, const char *name, int64_t value);

/* Closes the object: its text, held by the caller, and `json` is empty again. NULL where it has no
 * members or there was no memory. */
struct shared *json_take(struct json *json);

#endif
