/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What schema_help.c and schema_help_foreign.c share; nobody else includes this. */
#ifndef SPYQ_SCHEMA_HELP_PRIVATE_H
#define SPYQ_SCHEMA_HELP_PRIVATE_H

#include <stddef.h>

struct meaning {
    const char *name, *text;
};

/* A view's column that is not in its own list means what it means in the table it comes from. */
struct relation {
    const char *name, *text;
    const struct meaning *columns; /* ended by a NULL name */
    const char *base;              /* NULL: it comes from none */
};

/* The views with other people's names, ended by one without a name. */
extern const struct relation foreign_relations[];

#endif
