/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values for parameters in SQL. */
#include <string.h>

#include "command.h"
#include "complain.h"
#include "query.h"

static enum status list(struct session *session)
{
    static const struct heading headings[] = {{.name = "parameter"}, {.name = "value"}};
    const struct parameters *parameters = &session->parameters;
    struct result result;
    bool room = result_begin(&result, headings, 2);
    for (size_t i = 0; room && i < parameters->count; i++) {
        struct cell cells[] = {cell_text(parameters->at[i].name),
                               cell_text(parameters->at[i].text)};
        room = result_add(&result, cells);
    }
    if (room)
        query_show(session, &result);
    result_free(&result);
    return room ? STATUS_OK : STATUS_ERROR;
}

static enum status set(struct session *session, const char *name, const char *value)
{
    if (!value) {
        complain("which value? .param set %s VALUE", name ? name : "NAME");
        return STATUS_USAGE;
    }
    if (parameters_set(&session->parameters, name, value))
        return STATUS_OK;
    complain("out of memory");
    return STATUS_ERROR;
}

static enum status clear(struct session *session, const char *name)
{
    if (!name) {
        parameters_free(&session->parameters);
        return STATUS_OK;
    }
    if (parameters_clear(&session->parameters, name))
        return STATUS_OK;
    complain("no parameter %s is set", name);
    return STATUS_ERROR;
}

static enum status param_run(struct session *session, char **operands)
{
    if (!operands[0] || strcmp(operands[0], "list") == 0)
        return list(session);
    if (strcmp(operands[0], "set") == 0)
        return set(session, operands[1], operands[1] ? operands[2] : NULL);
    if (strcmp(operands[0], "clear") == 0)
        return clear(session, operands[1]);
    complain("'%s' is not set, clear or list", operands[0]);
    return STATUS_USAGE;
}

const struct command command_param = {
    .name = "param",
    .arguments = "[set | clear | list] ...",
    .summary = "values for :name in SQL",
    .help = "  .param set NAME VALUE   for :NAME, @NAME, $NAME; a number is one, NULL is NULL\n"
            "  .param clear [NAME]     forget it, or all\n"
            "  .param                  list them\n"
            "Example:  .param set user ana\n"
            "          SELECT * FROM processes WHERE user = :user;\n",
    .most = 3,
    .prompt_only = true,
    .run = param_run,
};
