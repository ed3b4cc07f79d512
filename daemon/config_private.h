/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the config*.c files share: config.c has the tables of options and keys and brings all
 * together, config_value.c reads the value of a key, config_file.c the file.
 */
#ifndef SPYQ_CONFIG_PRIVATE_H
#define SPYQ_CONFIG_PRIVATE_H

#include <stddef.h>

#include "config.h"

#define CONFIG_NO_MEMORY "out of memory"

struct config_key;

/* Takes over one value. Returns NULL, or what is allowed. `again`: the same key came before. */
typedef const char *config_parse(struct config *config, const struct config_key *key,
                                 const char *value, bool again);

struct config_key {
    const char *section;
    const char *name;
    config_parse *parse;
    size_t offset;
    uint32_t minimum;
    uint32_t maximum;
    uint32_t initial;
};

/* ---- config.c ---- */

#define CONFIG_KEYS 29 /* all of a section stand together */
extern const struct config_key config_keys[CONFIG_KEYS];

/* Fills *error. Returns -1. */
int config_fail(struct config_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- config_value.c ---- */

config_parse config_parse_path, config_parse_number, config_parse_power, config_parse_names,
    config_parse_places, config_parse_yes, config_parse_secrets;

void *config_field(struct config *config, size_t offset);

/* Takes a copy, and frees what was there. Returns -1 where there is no memory. */
int config_replace(char **field, const char *value);

void config_free_names(char **names);

/* ---- config_file.c ---- */

/* path NULL: the default file, which need not exist. Returns 0, or -1 with *error. */
int config_load_file(struct config *config, const char *path, struct config_error *error);

#endif
