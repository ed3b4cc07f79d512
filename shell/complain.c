/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "terminal.h"

#define EXCERPT_BEFORE 48 /* bytes of a long line shown before the caret */
#define EXCERPT        72 /* bytes of it shown in all */

static bool silent;

void complain_quietly(bool quiet)
{
    silent = quiet;
}

bool complain_is_quiet(void)
{
    return silent;
}

static void (*settle_first)(void);

void complain_after(void (*settle)(void))
{
    settle_first = settle;
}

void complain(const char *format, ...)
{
    if (silent)
        return;
    char *message;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&message, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if (settle_first)
        settle_first();
    fputs("spyq: ", stderr);
    escape_print(stderr, (struct text){message, (size_t)length}, terminal_utf8());
    fputc('\n', stderr);
    free(message);
}

/* Moves forward to where a character begins, so that an excerpt never splits one. */
static const char *character_start(const char *at, const char *end)
{
    while (at < end && ((unsigned char)*at & 0xc0) == 0x80)
        at++;
    return at;
}

void complain_caret(const char *sql, int offset)
{
    const char *token = sql + offset;
    const char *start = token, *end = token + strcspn(token, "\n");
    while (start > sql && start[-1] != '\n')
        start--;
    if (token - start > EXCERPT_BEFORE)
        start = character_start(token - EXCERPT_BEFORE, token);
    if (end - start > EXCERPT)
        end = character_start(start + EXCERPT, end);
    struct text before = {start, (size_t)(token - start)};
    struct text after = {token, (size_t)(end - token)};
    fputs("  ", stderr);
    escape_print(stderr, before, terminal_utf8());
    escape_print(stderr, after, terminal_utf8());
    fprintf(stderr, "\n  %*s^\n", (int)escape_width(before, terminal_utf8(), SIZE_MAX - 1), "");
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Insertions, deletions and substitutions that lead from one word to the other, in any case. */
static int edit_distance(const char *a, const char *b)
{
    int row[64];
    int columns = least((int)strlen(b), 62);
    for (int j = 0; j <= columns; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= columns; j++) {
            int changed = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
            diagonal = row[j];
            row[j] = least(changed, 1 + least(row[j], row[j - 1]));
        }
    }
    return row[columns];
}

const char *nearest_within(const char *word, const char *const *candidates, int limit)
{
    const char *best = NULL;
    int best_distance = limit + 1;
    for (; *candidates; candidates++) {
        int distance = edit_distance(word, *candidates);
        if (distance < best_distance) {
            best_distance = distance;
            best = *candidates;
        }
    }
    return best;
}

const char *nearest(const char *word, const char *const *candidates)
{
    return nearest_within(word, candidates, least(3, (int)strlen(word) / 2));
}
