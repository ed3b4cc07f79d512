/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usage.h"

#include "command.h"
#include "options.h"

void usage_print(FILE *out)
{
    fputs("usage: spyq [--store FILE] [OPTIONS] [SQL | VERB ARGS...]\n"
          "Answers questions about what spyqd recorded; with neither: a prompt, or stdin.\n"
          "'spyq help VERB' tells more, 'man spyq' all. The verbs:\n",
          out);
    command_help_all(out, "", false);
    options_help(out);
}
