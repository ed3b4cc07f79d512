/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "saved_bind.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../sql/nearest.h"
#include "complain.h"
#include "query.h"

const char *saved_given(const struct options *options, const char *name)
{
    const char *value = NULL;
    size_t length = strlen(name);
    for (size_t i = 0; options->params[i]; i++)
        if (strncmp(options->params[i], name, length) == 0 && options->params[i][length] == '=')
            value = options->params[i] + length + 1;
    return value;
}

/* ---- are the options for this query? ---- */

static bool span_fits(const struct saved *saved, const struct options *options, const char *name,
                      const char *value)
{
    if (!value)
        return true;
    const struct saved_parameter *parameter = saved_parameter(saved, name);
    if (!parameter || parameter->type != SAVED_TIME)
        complain("--%s means nothing to %s: it has no param %s", name, saved->name, name);
    else if (saved_given(options, name))
        complain("--%s and --param %s exclude each other", name, name);
    else
        return true;
    return false;
}

static bool param_fits(const struct saved *saved, const char *given)
{
    const char *names[SAVED_MOST + 1] = {NULL};
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(given, "="), given);
    if (saved_parameter(saved, name))
        return true;
    for (size_t i = 0; i < saved->parameter_count; i++)
        names[i] = saved->parameters[i].name;
    const char *near = nearest(name, names);
    complain("%s has no param '%s'%s%s%s", saved->name, name, near ? "; did you mean " : "",
             near ? near : "", near ? "?" : "");
    return false;
}

static bool options_fit(const struct saved *saved, const struct options *options)
{
    for (size_t i = 0; options->params[i]; i++)
        if (!param_fits(saved, options->params[i]))
            return false;
    return span_fits(saved, options, "since", options->since) &&
           span_fits(saved, options, "until", options->until);
}

/* ---- values ---- */

struct binding {
    struct session *session;
    const struct saved_parameter *parameter;
    const char *value;
    char what[96]; /* for messages: `--param NAME` */
    sqlite3_stmt *statement;
    int index;
};

static bool bind_time(const struct binding *binding)
{
    int64_t ns;
    if (!session_time(binding->session, binding->what, binding->value, &ns))
        return false;
    sqlite3_bind_int64(binding->statement, binding->index, ns);
    return true;
}

/* SQL takes it as text: ago(:name). Here it is only checked. */
static bool bind_span(const struct binding *binding)
{
    int64_t ns;
    if (!isdigit((unsigned char)*binding->value) || strpbrk(binding->value, "-:")) {
        complain("%s takes a span such as 15m, not '%s'", binding->what, binding->value);
        return false;
    }
    if (!session_time(binding->session, binding->what, binding->value, &ns))
        return false;
    sqlite3_bind_text(binding->statement, binding->index, binding->value, -1, SQLITE_TRANSIENT);
    return true;
}

static bool bind_number(const struct binding *binding)
{
    char *end;
    errno = 0;
    long long integer = strtoll(binding->value, &end, 10);
    if (*binding->value && !isspace((unsigned char)*binding->value) && !*end && !errno) {
        sqlite3_bind_int64(binding->statement, binding->index, integer);
        return true;
    }
    complain("%s takes a whole number, not '%s'", binding->what, binding->value);
    return false;
}

static bool bind_text(const struct binding *binding)
{
    sqlite3_bind_text(binding->statement, binding->index, binding->value, -1, SQLITE_TRANSIENT);
    return true;
}

static bool (*const bind_by_type[SAVED_TYPES])(const struct binding *binding) = {
    [SAVED_TIME] = bind_time,
    [SAVED_SPAN] = bind_span,
    [SAVED_NUMBER] = bind_number,
    [SAVED_TEXT] = bind_text,
};

/* The value, and in binding->what where it comes from. */
static void choose_value(struct binding *binding)
{
    const struct options *options = &binding->session->options;
    const char *name = binding->parameter->name;
    const char *given = saved_given(options, name);
    const char *option = strcmp(name, "since") == 0   ? options->since
                         : strcmp(name, "until") == 0 ? options->until
                                                      : NULL;
    binding->value = option ? option : given ? given : binding->parameter->fallback;
    snprintf(binding->what, sizeof binding->what, "%s%s", option ? "--" : "--param ", name);
}

static enum status bind_one(struct session *session, const struct saved *saved,
                            const struct saved_parameter *parameter, sqlite3_stmt *statement)
{
    char name[80];
    struct binding binding = {.session = session, .parameter = parameter, .statement = statement};
    snprintf(name, sizeof name, ":%s", parameter->name);
    binding.index = sqlite3_bind_parameter_index(statement, name);
    if (!binding.index) {
        complain("%s:%zu: the SQL has no :%s, which its header names", saved->file, saved->line,
                 parameter->name);
        return STATUS_ERROR;
    }
    choose_value(&binding);
    return bind_by_type[parameter->type](&binding) ? STATUS_OK : STATUS_USAGE;
}

static void bind_since(sqlite3_stmt *statement, const struct saved_since *since)
{
    int index = sqlite3_bind_parameter_index(statement, ":since");
    if (index && since->since != INTEGER_NULL)
        sqlite3_bind_int64(statement, index, since->since);
    index = sqlite3_bind_parameter_index(statement, ":after");
    if (index)
        sqlite3_bind_int64(statement, index,
                           since->after == INTEGER_NULL ? INT64_MAX : since->after);
}

/* Each parameter of the SQL is in the header, or :after where that names a table for it. */
static bool all_known(const struct saved *saved, sqlite3_stmt *statement)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
        const char *name = sqlite3_bind_parameter_name(statement, i);
        bool after = name && strcmp(name, ":after") == 0 && saved->ids;
        if (after || (name && *name == ':' && saved_parameter(saved, name + 1)))
            continue;
        complain("%s:%zu: the SQL has %s, which is no param of its header", saved->file,
                 saved->line, name ? name : "?");
        return false;
    }
    return true;
}

static enum status bind_all(struct session *session, const struct saved *saved,
                            const struct saved_since *since, sqlite3_stmt *statement)
{
    enum status status = all_known(saved, statement) ? STATUS_OK : STATUS_ERROR;
    for (size_t i = 0; status == STATUS_OK && i < saved->parameter_count; i++)
        status = bind_one(session, saved, &saved->parameters[i], statement);
    bind_since(statement, since);
    return status;
}

/* One statement, with nothing but space and remarks behind it. */
static enum status prepare_only(struct session *session, const struct saved *saved,
                                sqlite3_stmt **statement)
{
    struct origin origin = {.file = saved->file, .line = saved->line};
    sqlite3_stmt *second = NULL;
    const char *tail;
    enum status status = query_prepare(session, saved->sql, &origin, statement, &tail);
    if (status == STATUS_OK && !*statement) {
        complain("%s:%zu: there is no SQL", saved->file, saved->line);
        return STATUS_ERROR;
    }
    for (; status == STATUS_OK && isspace((unsigned char)*tail); tail++)
        continue;
    for (const char *at = saved->sql; status == STATUS_OK && at < tail; at++)
        origin.line += *at == '\n';
    if (status == STATUS_OK)
        status = query_prepare(session, tail, &origin, &second, &tail);
    if (second) {
        complain("%s:%zu: there is a second statement", saved->file, origin.line);
        status = STATUS_ERROR;
    }
    sqlite3_finalize(second);
    return status;
}

enum status saved_prepare(struct session *session, const struct saved *saved,
                          const struct saved_since *since, sqlite3_stmt **statement)
{
    *statement = NULL;
    if (!options_fit(saved, &session->options))
        return STATUS_USAGE;
    enum status status = prepare_only(session, saved, statement);
    if (status == STATUS_OK)
        status = bind_all(session, saved, since, *statement);
    if (status != STATUS_OK) {
        sqlite3_finalize(*statement);
        *statement = NULL;
    }
    return status;
}
