/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values for the parameters in SQL (:name, @name, $name, ?1), as .param sets them. */
#ifndef SPYQ_PARAMETERS_H
#define SPYQ_PARAMETERS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

struct parameter {
    char *name; /* without the mark in front */
    char *text; /* as it was given */
};

struct parameters {
    struct parameter *at;
    size_t count;
};

/* Sets one, which may have been set before; the mark in front of the name may be left out. False:
 * no memory. */
bool parameters_set(struct parameters *parameters, const char *name, const char *text);

/* Forgets one; false: it was not set. */
bool parameters_clear(struct parameters *parameters, const char *name);

/* The value of a parameter by the name that a statement has for it, or NULL. */
const char *parameters_find(const struct parameters *parameters, const char *name);

/*
 * Binds a value: what reads as a number is one, NULL is NULL, what stands in quotes is the text
 * between them, and anything else is text as it is.
 */
int parameter_bind(sqlite3_stmt *statement, int index, const char *text);

void parameters_free(struct parameters *parameters);

#endif
