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
