/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "json_text.h"

#include "escape.h"

static void print_escaped(FILE *out, int32_t code)
{
    if (code < 0x10000) {
        fprintf(out, "\\u%04x", (unsigned int)code);
        return;
    }
    unsigned int pair = (unsigned int)code - 0x10000;
    fprintf(out, "\\u%04x\\u%04x", 0xd800 + (pair >> 10), 0xdc00 + (pair & 0x3ff));
}

/* A character of a text; one that is unsafe or no UTF-8 as an escape. */
static void print_character(FILE *out, struct text text, bool ascii, size_t *at)
{
    size_t start = *at;
    int32_t code = utf8_next(text, at);
    if (code < 0)
        fputs("\\ufffd", out);
    else if (is_unsafe(code) || (ascii && code >= 0x80))
        print_escaped(out, code);
    else
        fwrite(text.data + start, 1, *at - start, out);
}

void json_string(FILE *out, struct text text, bool ascii)
{
    fputc('"', out);
    for (size_t at = 0; at < text.length;) {
        if (text.data[at] == '"' || text.data[at] == '\\')
            fputc('\\', out);
        print_character(out, text, ascii, &at);
    }
    fputc('"', out);
}

/* Valid JSON without white space has characters that need an escape in its strings only. */
void json_copy(FILE *out, struct text json, bool ascii)
{
    for (size_t at = 0; at < json.length;)
        print_character(out, json, ascii, &at);
}
