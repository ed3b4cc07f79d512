/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../sql/nearest.h"
#include "complain.h"

/* Sets what the option is for; value is NULL for one that takes none. False: a bad value. */
typedef bool option_setter(struct options *options, const char *name, const char *value);

struct option_row {
    const char *name;
    char letter; /* -f, or 0 */
    bool command_line_only;
    const char *value; /* its name in the help; NULL: takes none */
    option_setter *set;
    const char *help;    /* NULL: the next row that has one speaks for both */
    enum option_bit bit; /* 0: for SQL too */
};

static bool set_store(struct options *options, const char *name, const char *value)
{
    (void)name;
    options->store = value;
    return true;
}

static bool set_format(struct options *options, const char *name, const char *value)
{
    (void)value;
    options->format = format_find(name);
    return true;
}

static bool set_raw_times(struct options *options, const char *name, const char *value)
{
    (void)name, (void)value;
    options->raw_times = true;
    return true;
}

static bool set_output(struct options *options, const char *name, const char *value)
{
    (void)name;
    options->output = value;
    return true;
}

static bool set_script(struct options *options, const char *name, const char *value)
{
    (void)name;
    options->script = value;
    return true;
}

static bool set_since(struct options *options, const char *name, const char *value)
{
    (void)name;
    options->since = value;
    return true;
}

static bool set_until(struct options *options, const char *name, const char *value)
{
    (void)name;
    options->until = value;
    return true;
}

static bool set_at(struct options *options, const char *name, const char *value)
{
    (void)name;
    options->at = value;
    return true;
}

static bool set_kinds(struct options *options, const char *name, const char *value)
{
    (void)name;
    options->kinds = value;
    return true;
}

/* A whole number above 0 that a search can have. */
static bool read_count(const char *name, const char *value, int64_t *count)
{
    char *end;
    errno = 0;
    *count = strtoll(value, &end, 10);
    if (*value >= '0' && *value <= '9' && !*end && !errno && *count > 0 && *count <= INT32_MAX)
        return true;
    complain("--%s takes a number above 0, not '%s'", name, value);
    return false;
}

static bool set_depth(struct options *options, const char *name, const char *value)
{
    return read_count(name, value, &options->depth);
}

static bool set_rows(struct options *options, const char *name, const char *value)
{
    return read_count(name, value, &options->rows);
}

static bool set_through_hubs(struct options *options, const char *name, const char *value)
{
    (void)name, (void)value;
    options->through_hubs = true;
    return true;
}

static bool set_all(struct options *options, const char *name, const char *value)
{
    (void)name, (void)value;
    options->all = true;
    return true;
}

static bool set_timeout(struct options *options, const char *name, const char *value)
{
    char *end;
    options->timeout = strtod(value, &end);
    if (*value && !*end && isfinite(options->timeout) && options->timeout > 0 &&
        options->timeout < 1e9)
        return true;
    complain("--%s takes a number of seconds above 0, not '%s'", name, value);
    return false;
}

static bool set_fail_if_stale(struct options *options, const char *name, const char *value)
{
    (void)name, (void)value;
    options->fail_if_stale = true;
    return true;
}

static bool set_param(struct options *options, const char *name, const char *value)
{
    size_t count = 0;
    while (options->params[count])
        count++;
    if (!strchr(value, '=') || *value == '=')
        complain("--%s takes NAME=VALUE, not '%s'", name, value);
    else if (count == OPTION_PARAMS)
        complain("--%s can be given %d times", name, OPTION_PARAMS);
    else
        options->params[count++] = value;
    return count > 0 && options->params[count - 1] == value;
}

static bool set_new(struct options *options, const char *name, const char *value)
{
    (void)name, (void)value;
    options->only_new = true;
    return true;
}

static bool set_mark(struct options *options, const char *name, const char *value)
{
    options->mark = value;
    if (*value)
        return true;
    complain("--%s needs a name", name);
    return false;
}

static bool set_fail_if_rows(struct options *options, const char *name, const char *value)
{
    (void)name, (void)value;
    options->fail_if_rows = true;
    return true;
}

static bool set_quiet_if_empty(struct options *options, const char *name, const char *value)
{
    (void)name, (void)value;
    options->quiet_if_empty = true;
    return true;
}

static bool set_safe(struct options *options, const char *name, const char *value)
{
    (void)name, (void)value;
    options->safe = true;
    return true;
}

static bool set_help(struct options *options, const char *name, const char *value)
{
    (void)name, (void)value;
    options->help = true;
    return true;
}

static bool set_version(struct options *options, const char *name, const char *value)
{
    (void)name, (void)value;
    options->version = true;
    return true;
}

static const struct option_row rows[] = {
    {"store", 0, true, "FILE", set_store, "the store, else $SPYQ_STORE, else " DEFAULT_STORE, 0},
    {"table", 0, false, NULL, set_format, NULL, 0},
    {"line", 0, false, NULL, set_format, NULL, 0},
    {"csv", 0, false, NULL, set_format, NULL, 0},
    {"csv-safe", 0, false, NULL, set_format, NULL, 0},
    {"json", 0, false, NULL, set_format, NULL, 0},
    {"jsonl", 0, false, NULL, set_format, NULL, 0},
    {"markdown", 0, false, NULL, set_format, "else table or csv", 0},
    {"raw-times", 0, false, NULL, set_raw_times, "times as integers: ns since 1970, UTC", 0},
    {"output", 'o', false, "FILE", set_output, "write FILE, whole or not at all", 0},
    {"file", 'f', true, "FILE", set_script, "read SQL and .commands from FILE (-: stdin)", 0},
    {"since", 0, false, "TIME", set_since, NULL, OPTION_SINCE},
    {"until", 0, false, "TIME", set_until, NULL, OPTION_UNTIL},
    {"at", 0, false, "TIME", set_at, "such as 03:12, 2026-11-22, 15m", OPTION_AT},
    {"depth", 0, false, "N", set_depth, NULL, OPTION_DEPTH},
    {"rows", 0, false, "N", set_rows, NULL, OPTION_ROWS},
    {"kinds", 0, false, "LIST", set_kinds, NULL, OPTION_KINDS},
    {"through-hubs", 0, false, NULL, set_through_hubs, "for a search: see help path", OPTION_HUBS},
    {"all", 0, false, NULL, set_all, "of a story each sentence by itself", OPTION_ALL},
    {"param", 0, false, "NAME=VALUE", set_param, "a parameter of run's query, or of SQL",
     OPTION_PARAM},
    {"new", 0, false, NULL, set_new, "for run: only rows since the last run", OPTION_NEW},
    {"mark", 0, false, "NAME", set_mark, "for run --new: whose last run", OPTION_MARK},
    {"fail-if-rows", 0, false, NULL, set_fail_if_rows, "exit 5 if there were rows",
     OPTION_FAIL_IF_ROWS},
    {"quiet-if-empty", 0, false, NULL, set_quiet_if_empty, "write nothing if there are no rows",
     OPTION_QUIET_IF_EMPTY},
    {"fail-if-stale", 0, true, NULL, set_fail_if_stale, "exit 6 if the recorder is not writing", 0},
    {"timeout", 0, false, "SECONDS", set_timeout, "give up after so long", 0},
    {"safe", 0, true, NULL, set_safe, "reach no file and no program but the store", 0},
    {"help", 'h', true, NULL, set_help, NULL, 0},
    {"version", 'V', true, NULL, set_version, NULL, 0},
};

#define ROW_COUNT    (sizeof rows / sizeof *rows)
#define VISIBLE_ROWS (ROW_COUNT - 2) /* in the help, which who reads it has found already */
#define HELP_INDENT  22
#define HELP_WIDTH   78

static const struct option_row *find_long(const char *name, size_t length)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0)
            return &rows[i];
    return NULL;
}

static const struct option_row *find_letter(char letter)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (letter && rows[i].letter == letter)
            return &rows[i];
    return NULL;
}

static enum status unknown_option(const char *word)
{
    const char *names[ROW_COUNT + 1] = {NULL};
    for (size_t i = 0; i < ROW_COUNT; i++)
        names[i] = rows[i].name;
    const char *near = word[1] == '-' ? nearest(word + 2, names) : NULL;
    if (near)
        complain("unknown option %s; did you mean --%s?", word, near);
    else
        complain("unknown option %s; see spyq --help", word);
    return STATUS_USAGE;
}

const char *options_nth(size_t n, unsigned takes)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (!rows[i].command_line_only && (!rows[i].bit || rows[i].bit & takes) && n-- == 0)
            return rows[i].name;
    return NULL;
}

const char *options_value(const char *word)
{
    const struct option_row *row = NULL;
    if (word[0] == '-' && word[1] == '-')
        row = find_long(word + 2, strlen(word + 2));
    else if (word[0] == '-' && word[1] && !word[2])
        row = find_letter(word[1]);
    return row ? row->value : NULL;
}

/* The words still to be read. */
struct reading {
    char **words;
    int count, next;
    bool at_prompt;
};

static enum status apply(struct options *options, const struct option_row *row, const char *value,
                         struct reading *reading)
{
    if (row->command_line_only && reading->at_prompt) {
        complain("--%s belongs to the command line, not to a command at the prompt", row->name);
        return STATUS_USAGE;
    }
    if (!row->value && value) {
        complain("--%s takes no value", row->name);
        return STATUS_USAGE;
    }
    if (row->value && !value && reading->next < reading->count)
        value = reading->words[reading->next++];
    if (row->value && !value) {
        complain("--%s needs a value: %s", row->name, row->value);
        return STATUS_USAGE;
    }
    options->given |= (unsigned)row->bit;
    return row->set(options, row->name, value) ? STATUS_OK : STATUS_USAGE;
}

static enum status parse_option(struct options *options, const char *word, struct reading *reading)
{
    const struct option_row *row;
    const char *value;
    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");
        row = find_long(word + 2, length);
        value = word[2 + length] == '=' ? word + 3 + length : NULL;
    } else {
        row = find_letter(word[1]);
        value = word[2] ? word + 2 : NULL;
    }
    return row ? apply(options, row, value, reading) : unknown_option(word);
}

enum status options_parse(struct options *options, int count, char **words, bool at_prompt,
                          int *operands)
{
    struct reading reading = {.words = words, .count = count, .at_prompt = at_prompt};
    enum status status = STATUS_OK;
    bool only_operands = false;
    *operands = 0;
    while (status == STATUS_OK && reading.next < count) {
        char *word = words[reading.next++];
        if (!only_operands && strcmp(word, "--") == 0)
            only_operands = true;
        else if (!only_operands && word[0] == '-' && word[1])
            status = parse_option(options, word, &reading);
        else
            words[(*operands)++] = word;
    }
    words[*operands] = NULL;
    return status;
}

const char *options_name(unsigned set)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].bit & set)
            return rows[i].name;
    return "";
}

static int help_name(FILE *out, const struct option_row *row)
{
    int used = row->letter ? fprintf(out, "-%c, ", row->letter) : 0;
    return used +
           fprintf(out, "--%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
}

static size_t name_width(const struct option_row *row)
{
    return (row->letter ? 4U : 0) + 2 + strlen(row->name) +
           (row->value ? 1 + strlen(row->value) : 0);
}

void options_help(FILE *out)
{
    size_t used = HELP_WIDTH;
    for (size_t i = 0; i < VISIBLE_ROWS; i++) {
        if (used + 1 + name_width(&rows[i]) > HELP_WIDTH) {
            fputs(i ? "\n " : " ", out);
            used = 1;
        }
        fputc(' ', out);
        used += 1 + (size_t)help_name(out, &rows[i]);
    }
    fputc('\n', out);
}

void options_explain(FILE *out)
{
    int used = 0;
    for (size_t i = 0; i < VISIBLE_ROWS; i++) {
        fputs(used ? " " : "  ", out);
        used += 1 + help_name(out, &rows[i]);
        if (!rows[i].help)
            continue;
        fprintf(out, "%*s%s\n", used + 2 < HELP_INDENT ? HELP_INDENT - used : 2, "", rows[i].help);
        used = 0;
    }
}
