/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The values of keys: what each may be, and where it goes. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_private.h"
#include "places.h"
#include "redact.h"

void *config_field(struct config *config, size_t offset)
{
    return (char *)config + offset;
}

int config_replace(char **field, const char *value)
{
    char *copy = strdup(value);
    if (!copy)
        return -1;
    free(*field);
    *field = copy;
    return 0;
}

const char *config_parse_path(struct config *config, const struct config_key *key,
                              const char *value, bool again)
{
    if (again)
        return "is given twice";
    if (!*value)
        return "must be a path";
    return config_replace(config_field(config, key->offset), value) ? CONFIG_NO_MEMORY : NULL;
}

const char *config_parse_number(struct config *config, const struct config_key *key,
                                const char *value, bool again)
{
    static char allowed[80];
    if (again)
        return "is given twice";
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end || errno || number < key->minimum ||
        number > key->maximum) {
        snprintf(allowed, sizeof(allowed), "must be a whole number from %u to %u", key->minimum,
                 key->maximum);
        return allowed;
    }
    *(uint32_t *)config_field(config, key->offset) = (uint32_t)number;
    return NULL;
}

const char *config_parse_yes(struct config *config, const struct config_key *key, const char *value,
                             bool again)
{
    bool yes = strcmp(value, "yes") == 0;
    if (again)
        return "is given twice";
    if (!yes && strcmp(value, "no") != 0)
        return "must be yes or no";
    *(bool *)config_field(config, key->offset) = yes;
    return NULL;
}

const char *config_parse_power(struct config *config, const struct config_key *key,
                               const char *value, bool again)
{
    static char allowed[80];
    const char *wrong = config_parse_number(config, key, value, again);
    uint32_t number = *(uint32_t *)config_field(config, key->offset);
    if (again || (!wrong && (number & (number - 1)) == 0))
        return wrong;
    snprintf(allowed, sizeof(allowed), "must be a power of two from %u to %u", key->minimum,
             key->maximum);
    return allowed;
}

void config_free_names(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

static bool is_variable_name(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return length > 0 && !isdigit((unsigned char)name[0]);
}

static int append_name(char ***names, const char *name, size_t length)
{
    size_t count = 0;
    while (*names && (*names)[count])
        count++;
    char **longer = reallocarray(*names, count + 2, sizeof(*longer));
    if (!longer)
        return -1;
    *names = longer;
    longer[count] = strndup(name, length);
    longer[count + 1] = NULL;
    return longer[count] ? 0 : -1;
}

/* Returns NULL, or what is allowed. */
typedef const char *check_item(const char *item, size_t length);

static const char *check_variable(const char *name, size_t length)
{
    return is_variable_name(name, length)
               ? NULL
               : "must be names of environment variables, separated by spaces";
}

/* The first line replaces the default list; a list over several lines adds up. */
static const char *parse_list(char ***list, const char *value, bool again, check_item *check)
{
    static const char space[] = " \t";
    if (!again) {
        config_free_names(*list);
        *list = calloc(1, sizeof(**list));
        if (!*list)
            return CONFIG_NO_MEMORY;
    }
    for (const char *at = value + strspn(value, space); *at; at += strspn(at, space)) {
        size_t length = strcspn(at, space);
        const char *wrong = check(at, length);
        if (wrong)
            return wrong;
        if (append_name(list, at, length))
            return CONFIG_NO_MEMORY;
        at += length;
    }
    return NULL;
}

const char *config_parse_names(struct config *config, const struct config_key *key,
                               const char *value, bool again)
{
    return parse_list(config_field(config, key->offset), value, again, check_variable);
}

const char *config_parse_places(struct config *config, const struct config_key *key,
                                const char *value, bool again)
{
    return parse_list(config_field(config, key->offset), value, again, place_check);
}

/* Changes to a built-in list, over as many lines as it takes. */
const char *config_parse_secrets(struct config *config, const struct config_key *key,
                                 const char *value, bool again)
{
    (void)again;
    return parse_list(config_field(config, key->offset), value, true, redact_check_name);
}
