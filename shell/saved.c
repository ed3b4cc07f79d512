/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "saved.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../sql/nearest.h"
#include "complain.h"

#define FILE_LIMIT (256 << 10) /* bytes of a query's file: less than so many */

struct query_text {
    const char *file, *text;
};

#include "queries.h"

const struct saved_parameter *saved_parameter(const struct saved *saved, const char *name)
{
    for (size_t i = 0; i < saved->parameter_count; i++)
        if (strcmp(saved->parameters[i].name, name) == 0)
            return &saved->parameters[i];
    return NULL;
}

/* ---- one ---- */

static void free_one(struct saved *saved)
{
    if (!saved->built_in)
        free((char *)saved->file);
    free(saved->bytes);
    free(saved->error);
}

/* Puts it where its name belongs; it takes the place of one of that name. */
static bool put(struct saved_list *list, const struct saved *saved)
{
    size_t i = 0;
    while (i < list->count && strcmp(list->at[i].name, saved->name) < 0)
        i++;
    if (i < list->count && strcmp(list->at[i].name, saved->name) == 0) {
        free_one(&list->at[i]);
        list->at[i] = *saved;
        return true;
    }
    struct saved *grown = realloc(list->at, (list->count + 1) * sizeof *grown);
    if (!grown)
        return false;
    list->at = grown;
    memmove(grown + i + 1, grown + i, (list->count - i) * sizeof *grown);
    grown[i] = *saved;
    list->count++;
    return true;
}

/* Takes over bytes, and file unless it is built in. */
static bool add(struct saved_list *list, const char *file, char *bytes, bool built_in)
{
    struct saved saved = {0};
    if (bytes)
        saved_read(&saved, file, bytes);
    saved.built_in = built_in;
    if (bytes && saved.name && put(list, &saved))
        return true;
    saved.file = file;
    free_one(&saved);
    complain("out of memory");
    return false;
}

/* ---- from where ---- */

static bool add_built_in(struct saved_list *list)
{
    for (const struct query_text *query = built_in_queries; query->file; query++)
        if (!add(list, query->file, strdup(query->text), true))
            return false;
    return true;
}

/* The whole of a file, as text; NULL with errno. */
static char *read_file(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return NULL;
    char *bytes = malloc(FILE_LIMIT + 1);
    ssize_t length = bytes ? read(descriptor, bytes, FILE_LIMIT) : -1;
    int error = errno;
    close(descriptor);
    if (length >= 0 && length < FILE_LIMIT && !memchr(bytes, '\0', (size_t)length)) {
        bytes[length] = '\0';
        return bytes;
    }
    free(bytes);
    errno = length < 0 ? error : length < FILE_LIMIT ? EILSEQ : EFBIG;
    return NULL;
}

/* A file that cannot be read is a message. */
static bool add_file(struct saved_list *list, const char *directory, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", directory, name) < 0) {
        complain("out of memory");
        return false;
    }
    char *bytes = read_file(path);
    if (bytes)
        return add(list, path, bytes, false);
    complain("cannot read the query %s: %s", path, strerror(errno));
    free(path);
    return true;
}

static int is_query(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 4 && *entry->d_name != '.' && strcmp(entry->d_name + length - 4, ".sql") == 0;
}

static bool add_directory(struct saved_list *list, const char *directory)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_query, alphasort);
    bool room = true;
    if (count < 0) {
        if (errno != ENOENT)
            complain("cannot read %s: %s", directory, strerror(errno));
        return true;
    }
    for (int i = 0; i < count; i++) {
        room = room && add_file(list, directory, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return room;
}

static bool add_own(struct saved_list *list)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *path = NULL;
    int length = -1;
    if (config && *config == '/')
        length = asprintf(&path, "%s/spyq/queries", config);
    else if (home && *home == '/')
        length = asprintf(&path, "%s/.config/spyq/queries", home);
    bool room = length < 0 || add_directory(list, path);
    if (length >= 0)
        free(path);
    return room;
}

bool saved_load(struct saved_list *list)
{
    *list = (struct saved_list){0};
    return add_built_in(list) && add_directory(list, SAVED_SYSTEM_DIRECTORY) && add_own(list);
}

void saved_free(struct saved_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free_one(&list->at[i]);
    free(list->at);
    *list = (struct saved_list){0};
}

/* ---- finding ---- */

static void complain_unknown(const struct saved_list *list, const char *name)
{
    const char **names = calloc(list->count + 1, sizeof *names);
    for (size_t i = 0; names && i < list->count; i++)
        names[i] = list->at[i].name;
    const char *near = names ? nearest(name, names) : NULL;
    if (near)
        complain("there is no saved query '%s'; did you mean %s?", name, near);
    else
        complain("there is no saved query '%s'; queries lists them", name);
    free(names);
}

const struct saved *saved_find(const struct saved_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].name, name) == 0)
            return &list->at[i];
    complain_unknown(list, name);
    return NULL;
}
