/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spyq: the command line. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "catalog.h"
#include "command.h"
#include "complain.h"
#include "memory.h"
#include "pager.h"
#include "query.h"
#include "reader.h"
#include "recorder.h"
#include "redirect.h"
#include "repl.h"
#include "stop.h"
#include "terminal.h"
#include "usage.h"
#include "user_tables.h"
#include "watermark.h"

/* What the command line asks for. */
struct job {
    char **operands;
    int count;
    const struct command *command; /* NULL: SQL */
    bool prompt;
};

static bool begins_sql(const char *word)
{
    for (const char *const *sql = statement_words; *sql; sql++)
        if (strcasecmp(word, *sql) == 0)
            return true;
    return false;
}

/* One argument that no verb could be: SQL has a space, a parenthesis or a semicolon in it. */
static bool is_sql(const struct job *job)
{
    const char *text = job->operands[0];
    return job->count == 1 && (strpbrk(text, " \t\n(;") || *text == '.');
}

static enum status choose_verb(struct job *job)
{
    const char *word = job->operands[0];
    if (begins_sql(word) && !command_named(word)) {
        complain("quote the SQL, so that it is one argument: spyq '%s ...'", word);
        return STATUS_USAGE;
    }
    job->command = command_find(word, "");
    if (job->command && job->command->prompt_only) {
        complain("'%s' is for the prompt; it means nothing here", job->command->name);
        return STATUS_USAGE;
    }
    return job->command ? STATUS_OK : STATUS_USAGE;
}

#define OPTIONS_FOR_SQL ((unsigned)(OPTIONS_ROWS | OPTION_PARAM))

static enum status check_options(const struct options *options, const struct job *job)
{
    if (options->script && job->count > 0)
        complain("-f %s and '%s' exclude each other", options->script, job->operands[0]);
    else if (options->safe && options->output)
        complain("--safe turns -o off");
    else if (options->safe && options->script && strcmp(options->script, "-") != 0)
        complain("--safe turns -f off");
    else if (job->prompt && options->output)
        complain("-o %s needs SQL or a verb", options->output);
    else if (!job->command && options->given & (OPTIONS_SPAN | OPTION_AT))
        complain("--since, --until and --at bound a verb; in SQL, write "
                 "WHERE started_at >= ago('1h')");
    else if (!job->command && options->given & ~OPTIONS_FOR_SQL)
        complain("--%s is for a verb", options_name(options->given & ~OPTIONS_FOR_SQL));
    else
        return STATUS_OK;
    return STATUS_USAGE;
}

static enum status choose_job(const struct options *options, struct job *job)
{
    enum status status = STATUS_OK;
    if (job->count > 0 && !is_sql(job))
        status = choose_verb(job);
    job->prompt = job->count == 0 && !options->script && isatty(STDIN_FILENO);
    return status == STATUS_OK ? check_options(options, job) : status;
}

static enum status run_file(struct session *session, const char *path)
{
    if (strcmp(path, "-") == 0)
        return repl_script(session, stdin, "stdin");
    FILE *script = fopen(path, "re");
    if (!script) {
        complain("cannot read %s: %s", path, strerror(errno));
        return STATUS_ERROR;
    }
    enum status status = repl_script(session, script, path);
    fclose(script);
    return status;
}

static enum status run_job(struct session *session, const struct job *job)
{
    if (job->prompt)
        return repl_prompt(session);
    if (job->command)
        return command_run(session, job->command, job->operands + 1, job->count - 1);
    if (job->count > 0)
        return repl_text(session, job->operands[0]);
    return run_file(session, session->options.script ? session->options.script : "-");
}

static enum status check_stale(struct session *session)
{
    struct recorder recorder;
    enum status status = recorder_read(session, &recorder);
    if (status != STATUS_OK || recorder.writing)
        return status;
    complain("the recorder is not writing %s: %s", session->path, recorder.why);
    return STATUS_STALE;
}

/* Keeps the output if all went well and it is wanted; only then a watermark moves on. */
static enum status finish(struct session *session, enum status status)
{
    const struct options *options = &session->options;
    bool whole = status == STATUS_OK || (status == STATUS_STOPPED && session->endless);
    bool keep = whole && (session->rows > 0 || !options->quiet_if_empty);
    if (!output_close(session->output, keep) && status == STATUS_OK)
        status = STATUS_ERROR;
    if (watermark_settle(session, status == STATUS_OK) != STATUS_OK)
        status = STATUS_ERROR;
    if (status == STATUS_OK && session->rows > 0 && options->fail_if_rows)
        return STATUS_ROWS;
    return status;
}

/* The store is open: opens the output, runs the job, keeps the output only if all went well. */
static enum status run_with_output(struct session *session, const struct job *job)
{
    enum status status = STATUS_OK;
    if (session->options.fail_if_stale)
        status = check_stale(session);
    if (status != STATUS_OK)
        return status;
    bool own = job->command && job->command->own_output;
    session->output = output_open(own ? NULL : session->options.output, session->options.raw_times);
    if (!session->output)
        return STATUS_ERROR;
    if (!session->options.safe)
        output_page(session->output);
    pager_begin(true);
    status = run_job(session, job);
    if (redirect_end(session, status == STATUS_OK) != STATUS_OK && status == STATUS_OK)
        status = STATUS_ERROR;
    return finish(session, status);
}

static const char *store_path(const struct options *options)
{
    const char *environment = getenv("SPYQ_STORE");
    if (options->store)
        return options->store;
    return environment && *environment ? environment : DEFAULT_STORE;
}

static enum status run(const struct options *options, const struct job *job)
{
    static struct session session;
    session = (struct session){.path = store_path(options), .options = *options};
    stop_install();
    stop_arm(options->timeout);
    bool storeless = job->command && job->command->storeless && !options->fail_if_stale;
    enum status status = storeless ? STATUS_OK : reader_open(session.path, &session.db);
    if (status == STATUS_OK && session.db && !options->safe)
        user_tables_offer(&session);
    if (status == STATUS_OK)
        status = run_with_output(&session, job);
    session_free(&session);
    /* The store stays open: closing would give back piece by piece what ends with the process. */
    return status;
}

/* Help needs no store. */
static bool is_help(const struct options *options, const struct job *job)
{
    return options->help || job->command == &command_help;
}

static enum status show_help(const struct options *options, const struct job *job)
{
    struct session session = {.options = *options};
    char *none[] = {NULL};
    session.output = output_open(options->output, false);
    if (!session.output)
        return STATUS_ERROR;
    enum status status;
    if (options->help && job->command && job->command != &command_help) {
        command_help_one(&session, job->command);
        status = STATUS_OK;
    } else {
        bool verb = job->command == &command_help && !options->help;
        status = command_run(&session, &command_help, verb ? job->operands + 1 : none,
                             verb ? job->count - 1 : 0);
    }
    if (!output_close(session.output, status == STATUS_OK) && status == STATUS_OK)
        status = STATUS_ERROR;
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct job job = {.operands = argv + 1};
    memory_install();
    terminal_locale();
    enum status status = options_parse(&options, argc - 1, argv + 1, false, &job.count);
    if (status != STATUS_OK)
        return (int)status;
    if (options.version) {
        printf("spyq %s (SQLite %s)\n", SPYQ_VERSION, sqlite3_libversion());
        return STATUS_OK;
    }
    if (!options.help || job.count > 0)
        status = choose_job(&options, &job);
    if (status != STATUS_OK)
        return (int)status;
    return (int)(is_help(&options, &job) ? show_help(&options, &job) : run(&options, &job));
}
