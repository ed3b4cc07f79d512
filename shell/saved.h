/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Saved queries: each is a file of one SQL statement whose comments at the top say what it is.
 * Those of spyq are built in; /etc/spyq/queries.d and the user's own directory add theirs, and one
 * with the name of another takes its place.
 *
 *     -- name: new-listeners
 *     -- description: sockets that began to wait for others
 *     -- param: since TIME 24h from when on
 *     -- key: id
 *
 * spyq(1) has all of it.
 */
#ifndef SPYQ_SAVED_H
#define SPYQ_SAVED_H

#include <stdbool.h>
#include <stddef.h>

#define SAVED_SYSTEM_DIRECTORY "/etc/spyq/queries.d"

/* The most parameters that a query has, and columns that its key has. */
#define SAVED_MOST 16

enum saved_type { SAVED_TIME, SAVED_SPAN, SAVED_NUMBER, SAVED_TEXT, SAVED_TYPES };

extern const char *const saved_type_names[SAVED_TYPES];

struct saved_parameter {
    const char *name; /* without the colon that SQL puts before it */
    enum saved_type type;
    const char *fallback; /* its value unless another is given */
    const char *meaning;
};

/* Its texts point into `bytes`, but for the file's name. */
struct saved {
    const char *name;
    const char *description;
    struct saved_parameter parameters[SAVED_MOST + 1]; /* ended by a NULL name */
    size_t parameter_count;
    const char *key[SAVED_MOST + 1]; /* columns that tell one answer from another; none: all do */
    size_t key_count;
    const char *ids; /* the table whose ids :after is about; NULL: it has no :after */
    bool sums;       /* it adds up a span, so that no row of it is new */
    const char *sql;
    size_t line;      /* of the file, where the SQL begins, from 1 */
    const char *file; /* as messages name it */
    bool built_in;
    char *error; /* FILE:LINE: what is wrong with it; NULL: nothing */
    char *bytes; /* of the whole file */
};

struct saved_list {
    struct saved *at; /* by name */
    size_t count;
};

/*
 * Loads all there are. One that is wrong is in the list with its error, under its file's base name.
 * A directory that is not there holds none; one that cannot be read is a message on stderr. False,
 * after a message: out of memory. Free it in any case.
 */
bool saved_load(struct saved_list *list);
void saved_free(struct saved_list *list);

/* The query of that name, or NULL after a message that suggests the nearest. */
const struct saved *saved_find(const struct saved_list *list, const char *name);

/* The parameter of that name, or NULL. */
const struct saved_parameter *saved_parameter(const struct saved *saved, const char *name);

/*
 * Reads one query's file, bytes of which saved takes over; for saved_load(). What is wrong is told
 * in saved->error.
 */
void saved_read(struct saved *saved, const char *file, char *bytes);

#endif
