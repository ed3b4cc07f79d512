/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"

/* Copies one word from *from to *to, both moved past it. False: its quote is open. */
static bool take_word(const char **from, char **to)
{
    char quote = 0;
    for (; **from && (quote || !isspace((unsigned char)**from)); (*from)++) {
        char c = **from;
        if (quote ? c == quote : c == '\'' || c == '"')
            quote = quote ? 0 : c;
        else if (c == '\\' && quote != '\'' && (*from)[1])
            *(*to)++ = *++*from;
        else
            *(*to)++ = c;
    }
    *(*to)++ = '\0';
    return !quote;
}

static bool split(struct words *words, const char *line)
{
    char *to = words->bytes;
    for (;;) {
        while (isspace((unsigned char)*line))
            line++;
        if (!*line)
            return true;
        words->at[words->count++] = to;
        if (!take_word(&line, &to))
            return false;
    }
}

bool words_split(struct words *words, const char *line)
{
    size_t length = strlen(line);
    *words = (struct words){
        .at = calloc(length / 2 + 2, sizeof *words->at),
        .bytes = malloc(length + 2),
    };
    if (words->at && words->bytes && split(words, line))
        return true;
    complain(words->at && words->bytes ? "a quote is left open" : "out of memory");
    words_free(words);
    return false;
}

void words_free(struct words *words)
{
    free(words->at);
    free(words->bytes);
    *words = (struct words){0};
}
