/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "narrative.h"

#include <inttypes.h>
#include <string.h>

#include "escape.h"
#include "shown.h"

#define DAY        86400000000000LL /* ns */
#define LEAST_ROOM 20               /* columns for text, however narrow the terminal */

/* Where in 2026-11-22T03:12:05Z the parts are. */
#define DATE_LENGTH 10
#define TIME_START  11
#define TIME_LENGTH 8

void narrative_begin(struct narrative *narrative, FILE *out, const struct style *style)
{
    *narrative = (struct narrative){.out = out, .style = style, .day = INTEGER_NULL};
}

static size_t indent(const struct narrative *narrative)
{
    return narrative->style->raw_times ? 21 : TIME_LENGTH + 2;
}

static size_t room(const struct narrative *narrative)
{
    size_t width = narrative->style->width, least = indent(narrative) + LEAST_ROOM;
    if (!width)
        return SIZE_MAX - 1;
    return width > least ? width : least;
}

/* ---- the time ---- */

static int64_t day_of(int64_t ns)
{
    return ns / DAY - (ns % DAY < 0);
}

static void put_time(struct narrative *narrative, const struct cell *at)
{
    FILE *out = narrative->out;
    struct shown shown;
    narrative->used = indent(narrative);
    if (at->type != CELL_INTEGER) {
        fprintf(out, "%*s", (int)narrative->used, "");
    } else if (narrative->style->raw_times) {
        fprintf(out, "%-*" PRId64, (int)narrative->used, at->integer);
    } else {
        show_cell(&shown, at, true, PRECISION_SECONDS);
        if (day_of(at->integer) != narrative->day)
            fprintf(out, "%.*s\n", DATE_LENGTH, shown.text.data);
        narrative->day = day_of(at->integer);
        fprintf(out, "%.*s  ", TIME_LENGTH, shown.text.data + TIME_START);
    }
}

/* ---- the words ---- */

static void new_line(struct narrative *narrative)
{
    narrative->used = indent(narrative);
    fprintf(narrative->out, "\n%*s", (int)narrative->used, "");
}

/* A word may be longer than a line. */
static void put_glyphs(struct narrative *narrative, struct text word)
{
    for (size_t at = 0; at < word.length;) {
        struct glyph glyph = glyph_next(word, &at, narrative->style->utf8);
        if (narrative->used + (size_t)glyph.width > room(narrative))
            new_line(narrative);
        fwrite(glyph.bytes, 1, glyph.length, narrative->out);
        narrative->used += (size_t)glyph.width;
    }
}

static void put_word(struct narrative *narrative, struct text word)
{
    size_t limit = room(narrative);
    bool first = narrative->used == indent(narrative);
    size_t width = escape_width(word, narrative->style->utf8, limit);
    if (!first && narrative->used + 1 + width > limit) {
        new_line(narrative);
    } else if (!first) {
        fputc(' ', narrative->out);
        narrative->used++;
    }
    put_glyphs(narrative, word);
}

/* Recorded text may have several spaces in a row, which stay. */
static void put_words(struct narrative *narrative, struct text text)
{
    while (text.data && text.length > 0) {
        const char *space = memchr(text.data, ' ', text.length);
        size_t length = space ? (size_t)(space - text.data) : text.length;
        put_word(narrative, (struct text){text.data, length});
        length += space != NULL;
        text = (struct text){text.data + length, text.length - length};
    }
}

void narrative_say(struct narrative *narrative, const struct cell *at, struct text sentence,
                   struct text proof)
{
    bool dim = narrative->style->colour && proof.data;
    put_time(narrative, at);
    put_words(narrative, sentence);
    fputs(dim ? "\033[2m" : "", narrative->out);
    put_words(narrative, proof);
    fputs(dim ? "\033[0m\n" : "\n", narrative->out);
}
