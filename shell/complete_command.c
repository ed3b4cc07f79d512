/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What may stand in a command: its name, its options, and operands of the kinds that its row names.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "complete.h"
#include "options.h"
#include "saved.h"

#define WORD_SIZE 256
#define OPERANDS  8 /* that are looked at */

/* A command as far as it is typed. */
struct typing {
    struct session *session;
    struct completion *completion;
    const struct command *command; /* NULL: not typed yet, or not known */
    char word[WORD_SIZE];          /* the one that is being typed */
    char before[WORD_SIZE];        /* the whole word before it */
    int operands;                  /* whole ones before it */
    const char *starts[OPERANDS];  /* where each operand begins, that which is typed included */
    size_t place;
};

static void add(struct typing *typing, const char *word)
{
    complete_add(typing->completion, typing->word, word);
}

static void add_query(struct typing *typing, const char *prefix, const char *sql)
{
    struct catalog found = {0};
    char word[WORD_SIZE];
    catalog_query(&found, typing->session->db, sql, typing->word + strlen(prefix));
    for (size_t i = 0; i < found.count; i++) {
        snprintf(word, sizeof word, "%s%s", prefix, found.at[i]);
        add(typing, word);
    }
    catalog_free(&found);
}

/* ---- the kinds of operands ---- */

/*
 * The forms of a TARGET: its prefix, and what may follow. Programs and ids are of processes that
 * are alive first, the newest first; ?1 is what is typed after the prefix.
 */
static const struct {
    const char *prefix, *sql;
} target_forms[] = {
    {"exe:", "SELECT DISTINCT basename(exe) FROM (SELECT exe FROM processes WHERE exe NOT NULL "
             "ORDER BY ended_at NOT NULL, id DESC LIMIT 5000)"},
    {"pid:", "SELECT pid FROM processes WHERE ended_at IS NULL ORDER BY id DESC LIMIT 500"},
    {"file:", "SELECT DISTINCT path FROM (SELECT path FROM files ORDER BY id DESC LIMIT 5000)"},
    {"container:", "SELECT DISTINCT name FROM containers WHERE name NOT NULL ORDER BY id DESC"},
    {"conn:", "SELECT id FROM connections ORDER BY id DESC LIMIT 50"},
    {"trace:", "SELECT id FROM traces ORDER BY id DESC LIMIT 200"},
    {"flag:", "SELECT id FROM flags ORDER BY id DESC LIMIT 200"},
    {":", "SELECT DISTINCT port FROM listeners WHERE ended_at IS NULL ORDER BY port"},
};

static void add_program_path(struct typing *typing)
{
    if (strchr(typing->word, '/'))
        add_query(typing, "exe:",
                  "SELECT DISTINCT exe FROM (SELECT exe FROM processes WHERE exe NOT NULL ORDER BY "
                  "ended_at NOT NULL, id DESC LIMIT 5000)");
}

static void add_targets(struct typing *typing)
{
    const char *word = typing->word;
    for (size_t i = 0; i < sizeof target_forms / sizeof *target_forms; i++) {
        const char *prefix = target_forms[i].prefix;
        if (strncmp(word, prefix, strlen(prefix)) == 0)
            add_query(typing, prefix, target_forms[i].sql);
        else if (strlen(prefix) > 1)
            add(typing, prefix);
    }
    add_program_path(typing);
    if (isdigit((unsigned char)*word)) {
        add_query(typing, "",
                  "SELECT id FROM processes ORDER BY ended_at NOT NULL, id DESC LIMIT 500");
        add_query(typing, "",
                  "SELECT DISTINCT remote_address FROM (SELECT remote_address FROM connections "
                  "ORDER BY id DESC LIMIT 5000) WHERE remote_address NOT NULL");
    }
}

/* TABLE, or TABLE.COLUMN. */
static void add_tables(struct typing *typing)
{
    struct catalog names = {0};
    char word[WORD_SIZE];
    char *dot = strchr(typing->word, '.');
    if (!dot) {
        catalog_tables(&names, typing->session->db);
        for (size_t i = 0; i < names.count; i++)
            add(typing, names.at[i]);
    } else {
        snprintf(word, sizeof word, "%.*s", (int)(dot - typing->word), typing->word);
        catalog_columns(&names, typing->session->db, word);
        for (size_t i = 0; i < names.count; i++) {
            snprintf(word, sizeof word, "%.*s.%s", (int)(dot - typing->word), typing->word,
                     names.at[i]);
            add(typing, word);
        }
    }
    catalog_free(&names);
}

static void add_verbs(struct typing *typing)
{
    for (size_t i = 0; commands[i]; i++)
        add(typing, commands[i]->name);
}

static void add_formats(struct typing *typing)
{
    for (size_t i = 0; formats[i]; i++)
        add(typing, formats[i]->name);
}

static void add_times(struct typing *typing)
{
    static const char *const times[] = {"15m", "1h", "24h", "7d", "today", "yesterday", "now"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        add(typing, times[i]);
}

static void add_kinds(struct typing *typing)
{
    static const char *const kinds[] = {"fork",   "connect", "unix",   "pipe",   "file",
                                        "fdpass", "ptrace",  "inject", "signal", "runtime"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        add(typing, kinds[i]);
}

/* Names of saved queries. */
static void add_queries(struct typing *typing)
{
    struct saved_list list;
    saved_load(&list);
    for (size_t i = 0; i < list.count; i++)
        if (!list.at[i].error)
            add(typing, list.at[i].name);
    saved_free(&list);
}

static void add_entry(struct typing *typing, const char *directory, const char *name)
{
    char path[WORD_SIZE * 2];
    struct stat file;
    bool hidden = name[0] == '.';
    const char *base = strrchr(typing->word, '/');
    base = base ? base + 1 : typing->word;
    if (hidden && base[0] != '.')
        return;
    snprintf(path, sizeof path, "%s%s", directory, name);
    bool inner = stat(*directory ? path : name, &file) == 0 && S_ISDIR(file.st_mode);
    snprintf(path, sizeof path, "%s%s%s", directory, name, inner ? "/" : "");
    add(typing, path);
}

static void add_files(struct typing *typing)
{
    char directory[WORD_SIZE];
    const char *slash = strrchr(typing->word, '/');
    int length = slash ? (int)(slash - typing->word) + 1 : 0;
    snprintf(directory, sizeof directory, "%.*s", length, typing->word);
    if (typing->session->options.safe)
        return;
    DIR *open = opendir(*directory ? directory : ".");
    for (struct dirent *entry; open && (entry = readdir(open));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            add_entry(typing, directory, entry->d_name);
    if (open)
        closedir(open);
}

/* All from this operand on is SQL, or a command. */
static void add_sql(struct typing *typing, int operand)
{
    const char *rest = typing->starts[operand];
    size_t length = strlen(rest);
    complete_sql(typing->session, rest, length, typing->completion);
    typing->completion->start += typing->place - length;
}

static const struct {
    const char *name;
    void (*add)(struct typing *typing);
} operand_kinds[] = {
    {"TARGET", add_targets}, {"A", add_targets},      {"B", add_targets},  {"TABLE", add_tables},
    {"VERB", add_verbs},     {"FORMAT", add_formats}, {"TIME", add_times}, {"LIST", add_kinds},
    {"FILE", add_files},     {"NAME", add_queries},
};

static void add_kind(struct typing *typing, const char *kind)
{
    for (size_t i = 0; i < sizeof operand_kinds / sizeof *operand_kinds; i++)
        if (strcmp(operand_kinds[i].name, kind) == 0)
            operand_kinds[i].add(typing);
    if (islower((unsigned char)*kind))
        add(typing, kind);
}

/* ---- where one is ---- */

/*
 * Offers what the operand number `wanted` can be. The row's text has a word for each: `A B`,
 * `[TABLE]`, `VERB | targets`; brackets mean nothing here, and options in it are no operands.
 */
static void add_operand(struct typing *typing, const char *arguments, int wanted)
{
    char word[32];
    int operand = -1;
    bool alternative = false, option = false;
    while (*(arguments += strspn(arguments, " []"))) {
        size_t length = strcspn(arguments, " []");
        snprintf(word, sizeof word, "%.*s", (int)length, arguments);
        arguments += length;
        if (strcmp(word, "|") == 0) {
            alternative = true;
            continue;
        }
        bool value = option && isupper((unsigned char)*word);
        option = *word == '-';
        if (!option && !value && strcmp(word, "...") != 0)
            operand += !alternative;
        alternative = false;
        if (option || value || operand < 0 || operand > wanted)
            continue;
        if (strcmp(word, "SQL") == 0 && operand < OPERANDS)
            add_sql(typing, operand);
        else if (operand == wanted)
            add_kind(typing, word);
    }
}

static void add_options(struct typing *typing)
{
    char word[WORD_SIZE];
    const char *name;
    for (size_t i = 0; (name = options_nth(i, typing->command->takes)); i++) {
        snprintf(word, sizeof word, "--%s", name);
        add(typing, word);
    }
}

static void add_command_names(struct typing *typing)
{
    char word[WORD_SIZE];
    for (size_t i = 0; commands[i]; i++) {
        snprintf(word, sizeof word, "%c%s", *typing->word, commands[i]->name);
        if (strncmp(word, typing->word, strlen(typing->word)) == 0)
            catalog_add(&typing->completion->words, word);
    }
}

static void take_word(struct typing *typing, int number)
{
    if (number == 0) {
        bool marked = *typing->word == '.' || *typing->word == '\\';
        typing->command = command_match(typing->word + marked);
    } else if (typing->word[0] != '-' && !options_value(typing->before)) {
        typing->operands++;
    }
    memcpy(typing->before, typing->word, sizeof typing->before);
}

/* Reads the words before the place, which is the end of the text. Quotes are for SQL only. */
static void read_words(struct typing *typing, const char *text)
{
    const char *at = text + strspn(text, " \t");
    for (int number = 0;; number++) {
        size_t length = strcspn(at, " \t");
        if (number > 0 && typing->operands < OPERANDS)
            typing->starts[typing->operands] = at;
        snprintf(typing->word, sizeof typing->word, "%.*s", (int)length, at);
        if (!at[length]) {
            typing->completion->start = (size_t)(at - text);
            return;
        }
        take_word(typing, number);
        at += length + strspn(at + length, " \t");
    }
}

void complete_command(struct session *session, const char *text, size_t place,
                      struct completion *completion)
{
    char *typed = strndup(text, place);
    struct typing typing = {.session = session, .completion = completion, .place = place};
    if (!typed)
        return;
    read_words(&typing, typed);
    const char *value = options_value(typing.before);
    if (!*typing.before)
        add_command_names(&typing);
    else if (typing.command && value)
        add_kind(&typing, value);
    else if (typing.command && *typing.word == '-')
        add_options(&typing);
    else if (typing.command)
        add_operand(&typing, typing.command->arguments, typing.operands);
    free(typed);
}
