/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "complete.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command.h"
#include "escape.h"
#include "stop.h"

#define WORD_LIMIT 200 /* bytes; longer ones are nothing to choose from */

/* Recorded names may hold anything: what needs escaping or quoting is not offered. */
static bool is_plain(const char *word)
{
    struct text text = {word, strlen(word)};
    if (text.length == 0 || text.length > WORD_LIMIT || strpbrk(word, " \t\n'\"\\;"))
        return false;
    for (size_t at = 0; at < text.length;) {
        int32_t code = utf8_next(text, &at);
        if (code < 0 || is_unsafe(code))
            return false;
    }
    return true;
}

void complete_add(struct completion *completion, const char *typed, const char *word)
{
    if (strncasecmp(word, typed, strlen(typed)) == 0 && is_plain(word))
        catalog_add(&completion->words, word);
}

/* A command begins with its mark, or is the whole bare name of one and a space. */
static bool is_command(const char *line, size_t cursor)
{
    char name[32];
    size_t start = 0;
    while (start < cursor && isspace((unsigned char)line[start]))
        start++;
    if (line[start] == '.' || line[start] == '\\')
        return start < cursor;
    size_t length = strcspn(line + start, " \t");
    if (start + length >= cursor || length >= sizeof name)
        return false;
    memcpy(name, line + start, length);
    name[length] = '\0';
    return command_named(name);
}

void complete(struct session *session, const char *pending, const char *line, size_t cursor,
              struct completion *completion)
{
    *completion = (struct completion){.start = cursor};
    stop_arm(COMPLETION_SECONDS);
    if (!*pending && is_command(line, cursor)) {
        complete_command(session, line, cursor, completion);
    } else {
        size_t before = strlen(pending);
        char *text = malloc(before + strlen(line) + 1);
        if (text) {
            memcpy(text, pending, before);
            memcpy(text + before, line, strlen(line) + 1);
            complete_sql(session, text, before + cursor, completion);
            completion->start = completion->start < before ? cursor : completion->start - before;
        }
        free(text);
    }
    stop_arm(0);
}
