/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "html_text.h"

#include <string.h>

#include "escape.h"

static void put_byte(FILE *out, char byte)
{
    static const struct {
        char byte;
        const char *entity;
    } entities[] = {
        {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"},
    };
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (entities[i].byte == byte) {
            fputs(entities[i].entity, out);
            return;
        }
    fputc(byte, out);
}

static void put_glyph(FILE *out, const struct glyph *glyph)
{
    for (size_t i = 0; i < glyph->length; i++)
        put_byte(out, glyph->bytes[i]);
}

void html_text(FILE *out, struct text text)
{
    for (size_t at = 0; at < text.length;) {
        struct glyph glyph = glyph_next(text, &at, true);
        put_glyph(out, &glyph);
    }
}

void html_text_cut(FILE *out, struct text text, size_t width)
{
    size_t used = 0;
    bool whole = escape_width(text, true, width) <= width;
    for (size_t at = 0; at < text.length;) {
        struct glyph glyph = glyph_next(text, &at, true);
        used += (size_t)glyph.width;
        if (!whole && used >= width) {
            fputs("\xe2\x80\xa6", out); /* an ellipsis */
            return;
        }
        put_glyph(out, &glyph);
    }
}

void dot_string(FILE *out, struct text text)
{
    fputc('"', out);
    for (size_t at = 0; at < text.length;) {
        struct glyph glyph = glyph_next(text, &at, true);
        for (size_t i = 0; i < glyph.length; i++) {
            if (strchr("\\\"", glyph.bytes[i]))
                fputc('\\', out);
            fputc(glyph.bytes[i], out);
        }
    }
    fputc('"', out);
}
