/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "escape.h"

#include <string.h>
#include <wchar.h>

/* The shape of a multi-byte sequence, by its first byte. */
struct lead {
    unsigned char mask, value;
    int tail;      /* bytes that follow */
    int32_t least; /* smaller code points in this shape are overlong, hence invalid */
};

static const struct lead leads[] = {
    {0xe0, 0xc0, 1, 0x80},
    {0xf0, 0xe0, 2, 0x800},
    {0xf8, 0xf0, 3, 0x10000},
};

static bool is_scalar(int32_t code)
{
    return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

static int32_t decode_tail(const struct lead *lead, const unsigned char *bytes, size_t left)
{
    if (left <= (size_t)lead->tail)
        return -1;
    int32_t code = bytes[0] & (unsigned char)~lead->mask;
    for (int i = 1; i <= lead->tail; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return -1;
        code = code << 6 | (bytes[i] & 0x3f);
    }
    return code >= lead->least && is_scalar(code) ? code : -1;
}

int32_t utf8_next(struct text text, size_t *position)
{
    const unsigned char *bytes = (const unsigned char *)text.data + *position;
    size_t left = text.length - *position;
    *position += 1;
    if (bytes[0] < 0x80)
        return bytes[0];
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        if ((bytes[0] & leads[i].mask) != leads[i].value)
            continue;
        int32_t code = decode_tail(&leads[i], bytes, left);
        if (code >= 0)
            *position += (size_t)leads[i].tail;
        return code;
    }
    return -1;
}

/* Code points that steer the terminal or the eye instead of showing something. */
static const struct {
    int32_t first, last;
} unsafe[] = {
    {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},     {0x34f, 0x34f},   {0x61c, 0x61c},
    {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e},
    {0x2060, 0x206f},   {0x3164, 0x3164},   {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
    {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

bool is_unsafe(int32_t code)
{
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
        if (code >= unsafe[i].first && code <= unsafe[i].last)
            return true;
    return false;
}

static struct glyph glyph_escape(const char *format, unsigned int value)
{
    struct glyph glyph;
    char escape[sizeof glyph.bytes];
    int length = snprintf(escape, sizeof escape, format, value);
    memcpy(glyph.bytes, escape, sizeof escape);
    glyph.length = (size_t)length;
    glyph.width = length;
    return glyph;
}

/* The escape for a code point below 0x100 that is shown in C's way. */
static struct glyph glyph_low(int32_t code)
{
    if (code == '\n')
        return glyph_escape("\\n", 0);
    if (code == '\t')
        return glyph_escape("\\t", 0);
    if (code == '\r')
        return glyph_escape("\\r", 0);
    return glyph_escape(code < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned int)code);
}

static struct glyph glyph_hidden(int32_t code)
{
    if (code < 0x100)
        return glyph_low(code);
    return glyph_escape(code < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned int)code);
}

struct glyph glyph_next(struct text text, size_t *position, bool utf8)
{
    size_t start = *position;
    int32_t code = utf8_next(text, position);
    if (code < 0)
        return glyph_escape("\\x%02x", (unsigned char)text.data[start]);
    if (is_unsafe(code) || (code >= 0x80 && !utf8))
        return glyph_hidden(code);
    int width = code < 0x80 ? 1 : wcwidth((wchar_t)code);
    if (width < 0)
        return glyph_hidden(code);
    struct glyph glyph = {.length = *position - start, .width = width};
    memcpy(glyph.bytes, text.data + start, glyph.length);
    return glyph;
}

size_t escape_width(struct text text, bool utf8, size_t limit)
{
    size_t width = 0;
    for (size_t at = 0; at < text.length && width <= limit;)
        width += (size_t)glyph_next(text, &at, utf8).width;
    return width;
}

void escape_print(FILE *out, struct text text, bool utf8)
{
    for (size_t at = 0; at < text.length;) {
        struct glyph glyph = glyph_next(text, &at, utf8);
        fwrite(glyph.bytes, 1, glyph.length, out);
    }
}

/* Glyphs up to `width` columns. */
static size_t print_within(FILE *out, struct text text, bool utf8, size_t width)
{
    size_t used = 0;
    for (size_t at = 0; at < text.length;) {
        struct glyph glyph = glyph_next(text, &at, utf8);
        if (used + (size_t)glyph.width > width)
            break;
        fwrite(glyph.bytes, 1, glyph.length, out);
        used += (size_t)glyph.width;
    }
    return used;
}

size_t escape_print_cut(FILE *out, struct text text, bool utf8, size_t width)
{
    if (escape_width(text, utf8, width) <= width)
        return print_within(out, text, utf8, width);
    const char *mark = utf8 ? "\u2026" : "...";
    size_t mark_width = utf8 || width < 3 ? 1 : 3;
    size_t used = print_within(out, text, utf8, width - mark_width);
    fwrite(mark, 1, utf8 ? strlen(mark) : mark_width, out);
    return used + mark_width;
}
