/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration file: which line says what, and what is wrong with it. */
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sql/nearest.h"
#include "config_private.h"

struct file_reader {
    FILE *file;
    const char *path;
    struct config *config;
    struct config_error *error;
    int line;
    int error_line; /* where *error was found; 0: nowhere */
    uint64_t seen;  /* bit i: config_keys[i] has been given */
    char *buffer;   /* of getline */
    size_t buffer_size;
};

/* Only the first error is kept. Returns 0: what inih takes for a failure. */
__attribute__((format(printf, 2, 3))) static int fail_line(struct file_reader *reader,
                                                           const char *format, ...)
{
    if (reader->error_line)
        return 0;
    char what[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    reader->error_line = reader->line;
    config_fail(reader->error, "%.100s:%d: %s", reader->path, reader->line, what);
    return 0;
}

/* The sections, in the order of the table; names has room for all keys and a NULL. */
static void list_sections(const char **names)
{
    size_t count = 0;
    for (size_t i = 0; i < CONFIG_KEYS; i++)
        if (count == 0 || strcmp(names[count - 1], config_keys[i].section) != 0)
            names[count++] = config_keys[i].section;
    names[count] = NULL;
}

static int fail_section(struct file_reader *reader, const char *section, const char *key)
{
    const char *names[CONFIG_KEYS + 1];
    char all[200] = "";
    if (!*section)
        return fail_line(reader, "%.60s stands before the first [section]", key);
    list_sections(names);
    const char *near = nearest(section, names);
    if (near)
        return fail_line(reader, "[%.60s]: no such section; did you mean [%s]?", section, near);
    for (size_t i = 0, length = 0; names[i] && length < sizeof(all); i++)
        length += (size_t)snprintf(all + length, sizeof(all) - length, " [%s]", names[i]);
    return fail_line(reader, "[%.60s]: no such section; there are%s", section, all);
}

/* In whichever section; NULL: none has such a key. */
static const struct config_key *find_key(const char *name)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++)
        if (strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
}

static int fail_key(struct file_reader *reader, const char *section, const char *key)
{
    const struct config_key *other = find_key(key);
    const char *names[CONFIG_KEYS + 1];
    size_t count = 0;
    if (other)
        return fail_line(reader, "%s: no such key in [%.60s]; it belongs in [%s]", key, section,
                         other->section);
    for (size_t i = 0; i < CONFIG_KEYS; i++)
        if (strcmp(config_keys[i].section, section) == 0)
            names[count++] = config_keys[i].name;
    names[count] = NULL;
    if (!count)
        return fail_section(reader, section, key);
    const char *near = nearest(key, names);
    if (near)
        return fail_line(reader, "%.60s: no such key in [%s]; did you mean %s?", key, section,
                         near);
    return fail_line(reader, "%.60s: no such key in [%s]; see spyqd.conf(5)", key, section);
}

/* An ini_handler: one key of the file. */
static int take_key(void *context, const char *section, const char *name, const char *value)
{
    struct file_reader *reader = context;
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        if (strcmp(key->section, section) != 0 || strcmp(key->name, name) != 0)
            continue;
        bool again = reader->seen >> i & 1;
        reader->seen |= UINT64_C(1) << i;
        const char *wrong = key->parse(reader->config, key, value, again);
        if (!wrong)
            return 1;
        return fail_line(reader, "[%s] %s = %.100s: %s", section, name, value, wrong);
    }
    return fail_key(reader, section, name);
}

/* An ini_reader: inih itself would cut a line that is too long, or split it in two. */
static char *read_line(char *line, int size, void *context)
{
    struct file_reader *reader = context;
    ssize_t length = getline(&reader->buffer, &reader->buffer_size, reader->file);
    if (length < 0)
        return NULL;
    reader->line++;
    if (strlen(reader->buffer) != (size_t)length) {
        fail_line(reader, "the line has a NUL byte in it");
        return NULL;
    }
    if (length >= size) {
        fail_line(reader, "longer than %d bytes; a list may go on in the next line, indented",
                  size - 1);
        return NULL;
    }
    memcpy(line, reader->buffer, (size_t)length + 1);
    return line;
}

static int parse_file(struct file_reader *reader)
{
    int line = ini_parse_stream(read_line, reader, take_key, reader);
    if (line < 0)
        return config_fail(reader->error, "%.200s: %s", reader->path, CONFIG_NO_MEMORY);
    if (line > 0 && (!reader->error_line || line < reader->error_line))
        return config_fail(reader->error, "%.200s:%d: neither a [section] nor key = value",
                           reader->path, line);
    if (reader->error_line)
        return -1;
    if (ferror(reader->file))
        return config_fail(reader->error, "%.200s: %s", reader->path, strerror(errno));
    return 0;
}

int config_load_file(struct config *config, const char *path, struct config_error *error)
{
    struct file_reader reader = {.config = config, .error = error};
    reader.path = path ? path : CONFIG_DEFAULT_FILE;
    reader.file = fopen(reader.path, "re");
    if (!reader.file && !path && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (!reader.file)
        return config_fail(error, "%.200s: can not read the configuration: %s", reader.path,
                           strerror(errno));
    int result = parse_file(&reader);
    fclose(reader.file);
    free(reader.buffer);
    if (result == 0 && config_replace(&config->file, reader.path))
        return config_fail(error, "%s", CONFIG_NO_MEMORY);
    return result;
}
