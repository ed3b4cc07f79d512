/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "redact_private.h"

_Static_assert(REDACT_KEY_SIZE >= crypto_generichash_KEYBYTES_MIN &&
                   REDACT_KEY_SIZE <= crypto_generichash_KEYBYTES_MAX,
               "a key of this size");

static const char before[] = "[redacted:";
#define HASH_SIZE    8 /* bytes: twice as many digits */
#define BEFORE_SIZE  (sizeof(before) - 1)
#define REPLACE_SIZE (BEFORE_SIZE + 2 * (size_t)HASH_SIZE + 1)
/* An environment may grow to this: as much as is left is for the arguments. */
#define ENVIRONMENT_ROOM (2 * (size_t)EVENT_ENVIRONMENT_MAX)

struct redactor {
    struct redact_names *arguments;
    struct redact_names *environment;
    uint64_t count;
    unsigned char key[REDACT_KEY_SIZE];
    _Alignas(8) char record[EVENT_RECORD_MAX];
    char argv_text[EVENT_RECORD_MAX];
    char environment_text[EVENT_RECORD_MAX];
};

struct redactor *redactor_new(char *const *arguments, char *const *environment,
                              const unsigned char key[REDACT_KEY_SIZE])
{
    struct redactor *redactor = calloc(1, sizeof(*redactor));

    if (!redactor)
        return NULL;
    memcpy(redactor->key, key, REDACT_KEY_SIZE);
    redactor->arguments = redact_names_new(arguments);
    redactor->environment = redact_names_new(environment);
    /* It chooses the code for this processor; without it the hash is only slower. */
    if (sodium_init() >= 0 && redactor->arguments && redactor->environment)
        return redactor;
    redactor_free(redactor);
    return NULL;
}

void redactor_free(struct redactor *redactor)
{
    if (!redactor)
        return;
    redact_names_free(redactor->arguments);
    redact_names_free(redactor->environment);
    sodium_memzero(redactor->key, sizeof(redactor->key));
    free(redactor);
}

uint64_t redactor_count(const struct redactor *redactor)
{
    return redactor->count;
}

/* ---- output ---- */

static void copy(struct redact_output *output, const char *bytes, size_t length)
{
    size_t room = output->room - output->size;

    if (length > room) {
        length = room;
        output->cut = true;
    }
    memcpy(output->to + output->size, bytes, length);
    output->size += length;
}

static void replacement(const struct redact_output *output, struct span secret,
                        char text[REPLACE_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[crypto_generichash_BYTES_MIN];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)secret.begin, span_length(secret),
                       output->key, REDACT_KEY_SIZE);
    memcpy(text, before, BEFORE_SIZE);
    for (size_t i = 0; i < HASH_SIZE; i++) {
        text[BEFORE_SIZE + 2 * i] = digits[hash[i] >> 4];
        text[BEFORE_SIZE + 2 * i + 1] = digits[hash[i] & 15];
    }
    text[REPLACE_SIZE - 1] = ']';
}

static bool is_replacement(const char *at, const char *end)
{
    size_t digits = 0;

    if ((size_t)(end - at) < REPLACE_SIZE || memcmp(at, before, BEFORE_SIZE) != 0)
        return false;
    for (at += BEFORE_SIZE; digits < 2 * (size_t)HASH_SIZE; digits++)
        if (!memchr("0123456789abcdef", at[digits], 16))
            return false;
    return at[digits] == ']';
}

/* Whether some of it is a replacement: a text may come here a second time. */
static bool was_redacted(const struct redact_output *output, struct span secret)
{
    size_t ahead = (size_t)(secret.begin - output->begin);
    const char *at = secret.begin - (ahead < REPLACE_SIZE ? ahead : REPLACE_SIZE - 1);

    while ((at = memchr(at, *before, (size_t)(secret.end - at)))) {
        if (is_replacement(at, output->end))
            return true;
        at++;
    }
    return false;
}

void redact_secret(struct redact_output *output, struct span secret)
{
    char text[REPLACE_SIZE];

    if (secret.begin < output->taken)
        secret.begin = output->taken;
    if (secret.begin >= secret.end || was_redacted(output, secret))
        return;
    copy(output, output->taken, (size_t)(secret.begin - output->taken));
    output->taken = secret.end;
    output->secrets++;
    /* Half a replacement would look like a secret of its own. */
    if (output->room - output->size < sizeof(text)) {
        output->room = output->size;
        output->cut = true;
        return;
    }
    replacement(output, secret, text);
    copy(output, text, sizeof(text));
}

/* ---- texts ---- */

static struct redact_output new_output(const struct redactor *redactor, struct text text, char *to,
                                       size_t room)
{
    const char *begin = text.length ? text.data : "";

    return (struct redact_output){.key = redactor->key,
                                  .begin = begin,
                                  .end = begin + text.length,
                                  .taken = begin,
                                  .to = to,
                                  .room = room};
}

static struct scan new_scan(const struct redactor *redactor, struct redact_output *output)
{
    const char *end = output->end;

    return (struct scan){
        .output = output,
        .arguments = redactor->arguments,
        .environment = redactor->environment,
        .unfinished = end > output->begin && end[-1] ? end : NULL,
    };
}

static struct text finish(struct redactor *redactor, struct redact_output *output,
                          struct text whole, bool *cut)
{
    if (!output->secrets) {
        *cut = whole.length > output->room;
        return (struct text){whole.data, *cut ? output->room : whole.length};
    }
    copy(output, output->taken, (size_t)(output->end - output->taken));
    redactor->count += output->secrets;
    *cut = output->cut;
    return (struct text){output->to, output->size};
}

struct text redact_arguments(struct redactor *redactor, struct text argv, size_t room, bool *cut)
{
    struct redact_output output = new_output(redactor, argv, redactor->argv_text, room);
    struct scan scan = new_scan(redactor, &output);

    for (const char *at = output.begin; at < output.end;) {
        size_t length = strnlen(at, (size_t)(output.end - at));
        redact_argument(&scan, (struct span){at, at + length});
        at += length + 1;
    }
    return finish(redactor, &output, argv, cut);
}

/* NAME=value: by its name, or as if the value were a command (SUDO_COMMAND is one). */
static void redact_variable(const struct scan *fresh, struct span variable)
{
    struct scan scan = *fresh;
    const char *equals = memchr(variable.begin, '=', span_length(variable));
    struct span value = {equals ? equals + 1 : variable.begin, variable.end};

    if (equals && redact_names_match(scan.environment, (struct span){variable.begin, equals})) {
        redact_value(&scan, value);
        return;
    }
    scan.command = true;
    redact_argument(&scan, value);
}

struct text redact_environment(struct redactor *redactor, struct text environment, size_t room,
                               bool *cut)
{
    struct redact_output output =
        new_output(redactor, environment, redactor->environment_text, room);
    struct scan scan = new_scan(redactor, &output);

    for (const char *at = output.begin; at < output.end;) {
        size_t length = strnlen(at, (size_t)(output.end - at));
        redact_variable(&scan, (struct span){at, at + length});
        at += length + 1;
    }
    return finish(redactor, &output, environment, cut);
}

/* ---- records ---- */

/* Where a kind of record has what may hold secrets. Offset 0: it has no such member. */
struct place {
    unsigned kind;
    size_t argv;
    size_t environment;
    size_t flags; /* EVENT_IMAGE_* */
};

static const struct place places[] = {
    {EVENT_EXEC, offsetof(struct event_exec, image.argv),
     offsetof(struct event_exec, image.environment), offsetof(struct event_exec, image.flags)},
    {EVENT_PROCESS, offsetof(struct event_exec, image.argv),
     offsetof(struct event_exec, image.environment), offsetof(struct event_exec, image.flags)},
    {EVENT_EXEC_FAILED, offsetof(struct event_exec_failed, argv), 0,
     offsetof(struct event_exec_failed, flags)},
};

static const struct place *place_of(unsigned kind)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i].kind == kind)
            return &places[i];
    return NULL;
}

/* A record that is put together anew. */
struct rebuilt {
    struct redactor *redactor;
    const struct event *event;
    const struct place *place;
    size_t size;
};

static struct text text_at(const struct rebuilt *rebuilt, size_t offset)
{
    struct event_text reference;

    memcpy(&reference, (const char *)rebuilt->event->header + offset, sizeof(reference));
    return event_text(rebuilt->event, reference);
}

static size_t room_left(const struct rebuilt *rebuilt)
{
    return EVENT_RECORD_MAX - rebuilt->size;
}

/* What does not fit is left out: with a kernel's paths that can not be. */
static void append(struct rebuilt *rebuilt, size_t offset, struct text text)
{
    size_t length = text.length < room_left(rebuilt) ? text.length : room_left(rebuilt);
    struct event_text reference = {(__u32)rebuilt->size, (__u32)length};

    if (length)
        memcpy(rebuilt->redactor->record + rebuilt->size, text.data, length);
    memcpy(rebuilt->redactor->record + offset, &reference, sizeof(reference));
    rebuilt->size += length;
}

/* The fixed part, and the texts that are left as they are. */
static void copy_rest(struct rebuilt *rebuilt)
{
    const __u16 *texts;

    rebuilt->size = event_texts(rebuilt->event->header->kind, &texts);
    memcpy(rebuilt->redactor->record, rebuilt->event->header, rebuilt->size);
    for (; *texts; texts++)
        if (*texts != rebuilt->place->argv && *texts != rebuilt->place->environment)
            append(rebuilt, *texts, text_at(rebuilt, *texts));
}

static void set_flags(struct rebuilt *rebuilt, __u32 set)
{
    char *at = rebuilt->redactor->record + rebuilt->place->flags;
    __u32 flags;

    memcpy(&flags, at, sizeof(flags));
    flags |= set;
    memcpy(at, &flags, sizeof(flags));
}

static const struct event_header *seal(struct rebuilt *rebuilt)
{
    char *record = rebuilt->redactor->record;
    __u32 size;

    while (rebuilt->size % 8)
        record[rebuilt->size++] = '\0';
    size = (__u32)rebuilt->size;
    memcpy(record + offsetof(struct event_header, size), &size, sizeof(size));
    return (const struct event_header *)(const void *)record;
}

/* Redacts the environment once more, into what room there is. */
static void append_environment(struct rebuilt *rebuilt)
{
    size_t room = room_left(rebuilt) < ENVIRONMENT_ROOM ? room_left(rebuilt) : ENVIRONMENT_ROOM;
    size_t offset = rebuilt->place->environment;
    bool cut;

    append(rebuilt, offset,
           redact_environment(rebuilt->redactor, text_at(rebuilt, offset), room, &cut));
    set_flags(rebuilt, cut ? EVENT_IMAGE_ENVIRONMENT_CUT : 0);
}

static const struct event_header *rebuild(struct rebuilt *rebuilt)
{
    struct redactor *redactor = rebuilt->redactor;
    uint64_t count = redactor->count;
    size_t offset = rebuilt->place->argv;
    bool cut;

    copy_rest(rebuilt);
    if (rebuilt->place->environment)
        append_environment(rebuilt);
    append(rebuilt, offset,
           redact_arguments(redactor, text_at(rebuilt, offset), room_left(rebuilt), &cut));
    set_flags(rebuilt, cut ? EVENT_IMAGE_ARGV_CUT : 0);
    redactor->count = count; /* they had been counted before */
    return seal(rebuilt);
}

const struct event_header *redact_record(struct redactor *redactor,
                                         const struct event_header *record, size_t size)
{
    struct event event;
    struct rebuilt rebuilt = {redactor, &event, place_of(record->kind), 0};
    uint64_t count = redactor->count;
    bool cut;

    if (!rebuilt.place || decode(record, size, &event))
        return record;
    redact_arguments(redactor, text_at(&rebuilt, rebuilt.place->argv), EVENT_RECORD_MAX, &cut);
    if (rebuilt.place->environment)
        redact_environment(redactor, text_at(&rebuilt, rebuilt.place->environment),
                           EVENT_RECORD_MAX, &cut);
    return redactor->count == count ? record : rebuild(&rebuilt);
}
