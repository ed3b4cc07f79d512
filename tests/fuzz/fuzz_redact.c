/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as arguments, as an environment and as a record. What comes out fits, has as many
 * strings, a record is still one, and what was replaced is not replaced again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/decode.h"
#include "../../daemon/redact.h"

#define REPLACED 27
#define TIGHT    100 /* room that is too little */

typedef struct text redact_text_of(struct redactor *redactor, struct text text, size_t room,
                                   bool *cut);

static const unsigned char key[REDACT_KEY_SIZE];

/* A copy that is watched to the byte. */
static struct text copy_of(struct text text)
{
    char *copy = malloc(text.length ? text.length : 1);
    if (!copy)
        abort();
    if (text.length)
        memcpy(copy, text.data, text.length);
    return (struct text){copy, text.length};
}

static size_t strings_in(struct text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += !text.data[i];
    return count;
}

static struct text redact_copy(struct redactor *redactor, redact_text_of *redact, struct text text,
                               size_t room, bool *cut)
{
    struct text given = copy_of(text);
    struct text clean = copy_of(redact(redactor, given, room, cut));

    if (clean.length > room)
        abort();
    free((char *)given.data);
    return clean;
}

/* The first replacement in a text; NULL: there is none. */
static const char *replacement(const char *at, const char *end)
{
    while ((at = memmem(at, (size_t)(end - at), "[redacted:", 10))) {
        if (end - at >= REPLACED && at[REPLACED - 1] == ']' &&
            strspn(at + 10, "0123456789abcdef") == 16)
            return at;
        at++;
    }
    return NULL;
}

/* Whether each replacement of one text is in the other as well, in this order. */
static bool keeps_replacements(struct text one, struct text other)
{
    const char *in = other.data, *end = other.data + other.length;

    for (const char *at = one.data; (at = replacement(at, one.data + one.length));) {
        in = memmem(in, (size_t)(end - in), at, REPLACED);
        if (!in)
            return false;
        at += REPLACED;
        in += REPLACED;
    }
    return true;
}

static void try_text(struct redactor *redactor, redact_text_of *redact, struct text whole)
{
    bool cut;
    struct text clean = redact_copy(redactor, redact, whole, EVENT_RECORD_MAX, &cut);
    struct text again;

    if (!cut && strings_in(clean) != strings_in(whole))
        abort();
    again = redact_copy(redactor, redact, clean, EVENT_RECORD_MAX, &cut);
    if (!cut && !keeps_replacements(clean, again))
        abort();
    free((char *)again.data);
    free((char *)clean.data);
    free((char *)redact_copy(redactor, redact, whole, TIGHT, &cut).data);
}

static void try_record(struct redactor *redactor, struct text whole)
{
    struct text given = copy_of(whole);
    struct event event;

    if (given.length >= sizeof(struct event_header)) {
        const struct event_header *clean =
            redact_record(redactor, (const void *)given.data, given.length);
        if ((const char *)clean != given.data && decode(clean, clean->size, &event))
            abort();
    }
    free((char *)given.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct redactor *redactor;
    struct text whole = {(const char *)data, size};

    if (!redactor)
        redactor = redactor_new(NULL, NULL, key);
    if (!redactor)
        abort();
    try_text(redactor, redact_arguments, whole);
    try_text(redactor, redact_environment, whole);
    try_record(redactor, whole);
    return 0;
}
