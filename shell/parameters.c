/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parameters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *bare(const char *name)
{
    return name + (*name && strchr(":@$?", *name) ? 1 : 0);
}

static struct parameter *find(const struct parameters *parameters, const char *name)
{
    for (size_t i = 0; i < parameters->count; i++)
        if (strcmp(parameters->at[i].name, bare(name)) == 0)
            return &parameters->at[i];
    return NULL;
}

static struct parameter *add(struct parameters *parameters, const char *name)
{
    struct parameter *grown =
        realloc(parameters->at, (parameters->count + 1) * sizeof *parameters->at);
    if (!grown)
        return NULL;
    parameters->at = grown;
    grown[parameters->count] = (struct parameter){.name = strdup(bare(name))};
    return grown[parameters->count].name ? &grown[parameters->count++] : NULL;
}

bool parameters_set(struct parameters *parameters, const char *name, const char *text)
{
    struct parameter *parameter = find(parameters, name);
    char *copy = strdup(text);
    if (copy && !parameter)
        parameter = add(parameters, name);
    if (!copy || !parameter) {
        free(copy);
        return false;
    }
    free(parameter->text);
    parameter->text = copy;
    return true;
}

bool parameters_clear(struct parameters *parameters, const char *name)
{
    struct parameter *parameter = find(parameters, name);
    if (!parameter)
        return false;
    free(parameter->name);
    free(parameter->text);
    *parameter = parameters->at[--parameters->count];
    return true;
}

const char *parameters_find(const struct parameters *parameters, const char *name)
{
    const struct parameter *parameter = find(parameters, name);
    return parameter ? parameter->text : NULL;
}

int parameter_bind(sqlite3_stmt *statement, int index, const char *text)
{
    char *end;
    size_t length = strlen(text);
    errno = 0;
    long long integer = strtoll(text, &end, 10);
    if (length > 0 && !*end && !errno)
        return sqlite3_bind_int64(statement, index, integer);
    double real = strtod(text, &end);
    if (length > 0 && !*end && strpbrk(text, "0123456789") && !strpbrk(text, "xX"))
        return sqlite3_bind_double(statement, index, real);
    if (strcasecmp(text, "null") == 0)
        return sqlite3_bind_null(statement, index);
    if (length >= 2 && text[0] == '\'' && text[length - 1] == '\'')
        return sqlite3_bind_text(statement, index, text + 1, (int)length - 2, SQLITE_TRANSIENT);
    return sqlite3_bind_text(statement, index, text, (int)length, SQLITE_TRANSIENT);
}

void parameters_free(struct parameters *parameters)
{
    while (parameters->count > 0)
        parameters_clear(parameters, parameters->at[0].name);
    free(parameters->at);
    *parameters = (struct parameters){0};
}
