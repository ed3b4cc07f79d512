/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "redact_private.h"

#define NAME_MAX_LENGTH 64
/* Of a longer name only the end is looked at: an argument may be one name of 32 KiB. */
#define COMPARED_MAX 256

const char redact_default_names[] =
    "*password *passwd *passphrase *passcode pass *-pass *-pwd requirepass masterauth "
    "*secret *secret-key secret-key-base *token *api-key *access-key *account-key *auth-key "
    "*oauth2-bearer *storepass *keypass psk *-psk *authorization x-amz-signature x-goog-signature";

struct pattern {
    char text[NAME_MAX_LENGTH + 1]; /* folded, without its stars */
    size_t length;
    bool open_before; /* began with a star */
    bool open_after;
};

struct redact_names {
    struct pattern *patterns;
    size_t count;
    bool last[256]; /* a name that ends with this (folded) byte may match */
};

static char fold(char byte)
{
    if (byte == '_' || byte == '.')
        return '-';
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static struct pattern pattern_of(const char *text, size_t length)
{
    struct pattern pattern = {.open_before = length && text[0] == '*',
                              .open_after = length > 1 && text[length - 1] == '*'};

    text += pattern.open_before;
    length -= (size_t)pattern.open_before + pattern.open_after;
    for (size_t i = 0; i < length && i < NAME_MAX_LENGTH; i++)
        pattern.text[pattern.length++] = fold(text[i]);
    return pattern;
}

static bool same_pattern(const struct pattern *a, const struct pattern *b)
{
    return a->open_before == b->open_before && a->open_after == b->open_after &&
           strcmp(a->text, b->text) == 0;
}

const char *redact_check_name(const char *name, size_t length)
{
    bool removal = length && name[0] == '-';
    struct pattern wanted = pattern_of(name + removal, length - removal);
    const char *text = name + removal + wanted.open_before;

    if (!wanted.length || wanted.length >= NAME_MAX_LENGTH)
        return "must be names of 1 to 63 bytes";
    for (size_t i = 0; i < wanted.length; i++)
        if (!redact_is_word(text[i]))
            return "must be names of letters, digits, _, - and ., with * at their ends only";
    for (const char *at = redact_default_names; removal && *at; at += strspn(at, " ")) {
        size_t each = strcspn(at, " ");
        struct pattern known = pattern_of(at, each);
        if (same_pattern(&known, &wanted))
            return NULL;
        at += each;
    }
    return removal ? "takes away a name that the default list does not have" : NULL;
}

/* ---- building ---- */

static bool add(struct redact_names *names, const char *text, size_t length)
{
    struct pattern *longer =
        reallocarray(names->patterns, names->count + 1, sizeof(*names->patterns));

    if (!longer)
        return false;
    names->patterns = longer;
    longer[names->count++] = pattern_of(text, length);
    return true;
}

static void take_away(struct redact_names *names, const char *text)
{
    struct pattern pattern = pattern_of(text, strlen(text));
    size_t kept = 0;

    for (size_t i = 0; i < names->count; i++)
        if (!same_pattern(&names->patterns[i], &pattern))
            names->patterns[kept++] = names->patterns[i];
    names->count = kept;
}

static void note_last(struct redact_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        const struct pattern *pattern = &names->patterns[i];
        if (pattern->open_after)
            memset(names->last, true, sizeof(names->last));
        else if (pattern->length)
            names->last[(unsigned char)pattern->text[pattern->length - 1]] = true;
    }
}

static bool fill(struct redact_names *names, char *const *changes)
{
    for (const char *at = redact_default_names; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (!add(names, at, length))
            return false;
        at += length;
    }
    for (; changes && *changes; changes++) {
        if (**changes == '-')
            take_away(names, *changes + 1);
        else if (!add(names, *changes, strlen(*changes)))
            return false;
    }
    note_last(names);
    return true;
}

struct redact_names *redact_names_new(char *const *changes)
{
    struct redact_names *names = calloc(1, sizeof(*names));

    if (names && fill(names, changes))
        return names;
    redact_names_free(names);
    return NULL;
}

void redact_names_free(struct redact_names *names)
{
    if (!names)
        return;
    free(names->patterns);
    free(names);
}

/* ---- matching ---- */

/* Whether a part of the name begins here: `db-pass`, `dbPass`. */
static bool is_boundary(const char *at, const char *begin)
{
    return at > begin &&
           (fold(at[-1]) == '-' || (isupper((unsigned char)*at) && islower((unsigned char)at[-1])));
}

/* Compares the pattern with the end of the name, backwards; where the match begins, or NULL. A `-`
 * inside the pattern may be missing in the name (apiKey); one at its beginning is a boundary. */
static const char *match_end(const struct pattern *pattern, struct span name)
{
    const char *at = name.end;

    for (size_t i = pattern->length; i-- > 0;) {
        if (at > name.begin && fold(at[-1]) == pattern->text[i])
            at--;
        else if (pattern->text[i] != '-' || (i == 0 && !is_boundary(at, name.begin)))
            return NULL;
    }
    return at;
}

static bool matches(const struct pattern *pattern, struct span name)
{
    const char *least = pattern->open_after ? name.begin : name.end - 1;

    for (; name.end > least; name.end--) {
        const char *begin = match_end(pattern, name);
        if (begin && (pattern->open_before || begin == name.begin))
            return true;
    }
    return false;
}

/* PASSWORD_2 is a PASSWORD too. */
static struct span without_number(struct span name)
{
    struct span shorter = name;

    while (shorter.end > name.begin && isdigit((unsigned char)shorter.end[-1]))
        shorter.end--;
    while (shorter.end < name.end && shorter.end > name.begin && fold(shorter.end[-1]) == '-')
        shorter.end--;
    return shorter;
}

bool redact_names_match(const struct redact_names *names, struct span name)
{
    char last;

    name = without_number(name);
    if (name.begin == name.end)
        return false;
    last = fold(name.end[-1]);
    if (!names->last[(unsigned char)last])
        return false;
    if (span_length(name) > COMPARED_MAX)
        name.begin = name.end - COMPARED_MAX;
    for (size_t i = 0; i < names->count; i++) {
        const struct pattern *pattern = &names->patterns[i];
        if (pattern->open_after || pattern->text[pattern->length - 1] == last)
            if (matches(pattern, name))
                return true;
    }
    return false;
}
