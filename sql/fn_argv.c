/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * arg('["curl","-o","x"]', 1)   -> '-o'
 * arg('["curl","-o","x"]', -1)  -> 'x'
 *
 * The array is read byte by byte: an argument that is not valid UTF-8 comes back as it was.
 */
#include <sqlite3ext.h>
#include <stdbool.h>

#include "fn_call.h"

SQLITE_EXTENSION_INIT3

struct reader {
    const char *at;
    const char *end;
};

static bool take(struct reader *in, char wanted)
{
    if (in->at == in->end || *in->at != wanted)
        return false;
    in->at++;
    return true;
}

static void skip_space(struct reader *in)
{
    while (take(in, ' ') || take(in, '\t') || take(in, '\n') || take(in, '\r'))
        ;
}

/* The four hexadecimal digits of a \u escape. */
static bool take_hex(struct reader *in, unsigned *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, in->at++) {
        if (in->at == in->end)
            return false;
        char c = *in->at;
        if (c >= '0' && c <= '9')
            *unit = *unit * 16 + (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            *unit = *unit * 16 + (unsigned)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    return true;
}

#define REPLACEMENT 0xfffdu

/* A character outside the basic plane is two \u escapes; half a pair is no character. */
static bool take_code_point(struct reader *in, unsigned *point)
{
    unsigned low;

    if (!take_hex(in, point))
        return false;
    if (*point < 0xd800 || *point > 0xdfff)
        return true;
    struct reader second = *in;
    if (*point < 0xdc00 && take(&second, '\\') && take(&second, 'u') && take_hex(&second, &low) &&
        low >= 0xdc00 && low <= 0xdfff) {
        *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
        *in = second;
    } else {
        *point = REPLACEMENT;
    }
    return true;
}

static void append_utf8(sqlite3_str *out, unsigned point)
{
    if (point < 0x80) {
        sqlite3_str_appendchar(out, 1, (char)point);
        return;
    }
    int tail = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    sqlite3_str_appendchar(out, 1, (char)((0xff80 >> tail & 0xff) | point >> 6 * tail));
    while (tail-- > 0)
        sqlite3_str_appendchar(out, 1, (char)(0x80 | (point >> 6 * tail & 0x3f)));
}

static bool take_escape(struct reader *in, sqlite3_str *out)
{
    static const char escapes[][2] = {{'"', '"'},  {'\\', '\\'}, {'/', '/'},  {'b', '\b'},
                                      {'f', '\f'}, {'n', '\n'},  {'r', '\r'}, {'t', '\t'}};
    unsigned point;

    if (take(in, 'u')) {
        if (!take_code_point(in, &point))
            return false;
        append_utf8(out, point);
        return true;
    }
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        if (take(in, escapes[i][0])) {
            sqlite3_str_appendchar(out, 1, escapes[i][1]);
            return true;
        }
    }
    return false;
}

/* Appends as far as the next quote or backslash in one go. */
static void take_plain(struct reader *in, sqlite3_str *out)
{
    const char *start = in->at;

    while (in->at < in->end && *in->at != '"' && *in->at != '\\')
        in->at++;
    sqlite3_str_append(out, start, (int)(in->at - start));
}

/* One string, its value appended to out. */
static bool take_string(struct reader *in, sqlite3_str *out)
{
    if (!take(in, '"'))
        return false;
    for (;;) {
        take_plain(in, out);
        if (take(in, '"'))
            return true;
        if (!take(in, '\\') || !take_escape(in, out))
            return false;
    }
}

/* Reads the whole array. Leaves element number `wanted` in out; *count is how many there are. */
static bool read_array(struct text argv, int64_t wanted, sqlite3_str *out, int64_t *count)
{
    struct reader in = {argv.data, argv.data + argv.length};
    sqlite3_str *unwanted = sqlite3_str_new(NULL);
    bool good;

    *count = 0;
    skip_space(&in);
    good = take(&in, '[');
    skip_space(&in);
    if (good && !take(&in, ']')) {
        do {
            skip_space(&in);
            sqlite3_str_reset(unwanted);
            good = take_string(&in, (*count)++ == wanted ? out : unwanted);
            skip_space(&in);
        } while (good && take(&in, ','));
        good = good && take(&in, ']');
    }
    skip_space(&in);
    sqlite3_free(sqlite3_str_finish(unwanted));
    return good && in.at == in.end;
}

static void argv_arg(sqlite3_context *context, sqlite3_value **values)
{
    struct text argv = fn_text(values[0]);
    int64_t wanted = sqlite3_value_int64(values[1]), count;
    sqlite3_str *out = sqlite3_str_new(sqlite3_context_db_handle(context));
    bool good = read_array(argv, wanted, out, &count);

    if (good && wanted < 0 && wanted >= -count) {
        wanted += count;
        good = read_array(argv, wanted, out, &count);
    }
    if (good && wanted >= 0 && wanted < count) {
        fn_result(context, out);
        return;
    }
    sqlite3_free(sqlite3_str_finish(out));
    if (!good)
        fn_reject(context, 0, values[0], "a JSON array of strings");
}

const struct fn fn_argv[] = {
    {"arg", FN_PURE, 2, {{"argv", FN_TEXT}, {"n", FN_INTEGER}}, argv_arg},
    {0},
};
