/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One saved query's file: its header, line by line, and where its SQL begins. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sql/nearest.h"
#include "complain.h"
#include "saved.h"

const char *const saved_type_names[SAVED_TYPES] = {"TIME", "SPAN", "NUMBER", "TEXT"};

/* ---- errors: the first stays ---- */

__attribute__((format(printf, 2, 3))) static void fail(struct saved *saved, const char *format, ...)
{
    char what[256];
    va_list arguments;
    if (saved->error)
        return;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (asprintf(&saved->error, "%s:%zu: %s", saved->file, saved->line, what) < 0)
        saved->error = NULL;
}

/* ---- words of a line, which are ended in place ---- */

static char *skip_blanks(char *text)
{
    return text + strspn(text, " \t\r");
}

/* The next word of *rest, which moves past it; in quotes it may be empty. NULL: there is none. */
static char *take_word(char **rest)
{
    char *word = skip_blanks(*rest);
    bool quoted = *word == '"';
    word += quoted;
    char *end = word + strcspn(word, quoted ? "\"" : " \t\r");
    if (end == word && !quoted)
        return NULL;
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static char *trim(char *text)
{
    text = skip_blanks(text);
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

static bool is_name(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_");
    return length > 0 && !text[length] && *text != '-';
}

/* ---- the keys ---- */

static void take_name(struct saved *saved, char *value)
{
    if (is_name(value))
        saved->name = value;
    else
        fail(saved, "the name '%s' is not made of small letters, digits, - and _", value);
}

static void take_description(struct saved *saved, char *value)
{
    saved->description = value;
}

static bool read_type(const char *word, enum saved_type *type)
{
    for (size_t i = 0; word && i < SAVED_TYPES; i++)
        if (strcmp(word, saved_type_names[i]) == 0) {
            *type = (enum saved_type)i;
            return true;
        }
    return false;
}

static void take_parameter(struct saved *saved, char *value)
{
    struct saved_parameter parameter = {.name = take_word(&value)};
    const char *type = take_word(&value);
    if (!parameter.name || !is_name(parameter.name) || strchr(parameter.name, '-'))
        fail(saved, "a param needs a name of small letters, digits and _");
    else if (!read_type(type, &parameter.type))
        fail(saved, "the type of %s is TIME, SPAN, NUMBER or TEXT, not '%s'", parameter.name,
             type ? type : "");
    else if (!(parameter.fallback = take_word(&value)))
        fail(saved, "the param %s needs a default (\"\" for none)", parameter.name);
    else if (saved_parameter(saved, parameter.name) || strcmp(parameter.name, "after") == 0)
        fail(saved, "there is a param %s already", parameter.name);
    else if (saved->parameter_count == SAVED_MOST)
        fail(saved, "more than %d params", SAVED_MOST);
    parameter.meaning = trim(value);
    if (!saved->error)
        saved->parameters[saved->parameter_count++] = parameter;
}

static void take_key(struct saved *saved, char *value)
{
    const char *column;
    while ((column = take_word(&value))) {
        if (saved->key_count == SAVED_MOST) {
            fail(saved, "more than %d columns in the key", SAVED_MOST);
            return;
        }
        saved->key[saved->key_count++] = column;
    }
}

static void take_ids(struct saved *saved, char *value)
{
    saved->ids = value;
}

static void take_new(struct saved *saved, char *value)
{
    saved->sums = strcmp(value, "no") == 0;
    if (!saved->sums && strcmp(value, "yes") != 0)
        fail(saved, "new is yes or no, not '%s'", value);
}

static const struct {
    const char *name;
    void (*take)(struct saved *saved, char *value);
} keys[] = {
    {"name", take_name}, {"description", take_description},
    {"key", take_key},   {"param", take_parameter},
    {"ids", take_ids},   {"new", take_new},
};

#define KEY_COUNT (sizeof keys / sizeof *keys)

static void unknown_key(struct saved *saved, const char *key)
{
    const char *names[KEY_COUNT + 1] = {NULL};
    for (size_t i = 0; i < KEY_COUNT; i++)
        names[i] = keys[i].name;
    const char *near = nearest(key, names);
    fail(saved, "unknown key '%s'%s%s%s", key, near ? "; did you mean " : "", near ? near : "",
         near ? "?" : "");
}

/* A line such as `-- key: value`, past its dashes. What has no key is a remark. */
static void take_line(struct saved *saved, char *line)
{
    char *key = skip_blanks(line);
    size_t length = strspn(key, "abcdefghijklmnopqrstuvwxyz");
    if (length == 0 || key[length] != ':')
        return;
    key[length] = '\0';
    char *value = trim(key + length + 1);
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (strcmp(keys[i].name, key) == 0) {
            if (*value)
                keys[i].take(saved, value);
            else
                fail(saved, "%s has no value", key);
            return;
        }
    unknown_key(saved, key);
}

static void check(struct saved *saved)
{
    if (!saved->name)
        fail(saved, "there is no line '-- name: NAME' above");
    else if (!saved->description)
        fail(saved, "there is no line '-- description: TEXT' above");
    else if (!*saved->sql)
        fail(saved, "there is no SQL");
}

/* What a query is called whose file does not say: the file's name, less its ending. */
static void name_by_file(struct saved *saved)
{
    const char *slash = strrchr(saved->file, '/');
    const char *base = slash ? slash + 1 : saved->file;
    char *name = strdup(base);
    if (name && strlen(name) > 4)
        name[strlen(name) - 4] = '\0';
    free(saved->bytes);
    saved->bytes = name;
    *saved = (struct saved){.name = name,
                            .description = "",
                            .sql = "",
                            .file = saved->file,
                            .built_in = saved->built_in,
                            .error = saved->error,
                            .bytes = name};
}

void saved_read(struct saved *saved, const char *file, char *bytes)
{
    *saved = (struct saved){.file = file, .bytes = bytes, .line = 1};
    char *line = bytes;
    while (strncmp(line, "--", 2) == 0 && !saved->error) {
        char *end = line + strcspn(line, "\n");
        bool last = !*end;
        *end = '\0';
        take_line(saved, line + 2);
        line = last ? end : end + 1;
        saved->line++;
    }
    for (; isspace((unsigned char)*line); line++)
        saved->line += *line == '\n';
    saved->sql = line;
    check(saved);
    if (saved->error)
        name_by_file(saved);
}
