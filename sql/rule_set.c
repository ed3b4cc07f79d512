/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All rules: those that are built in, and a directory's. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule.h"

#define FILE_MOST (1u << 16) /* bytes of a rule */

struct rule_text {
    const char *file;
    const char *text;
};

#include "rules.h"

static struct rule **find(const struct rule_set *set, const char *id)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->rules[i]->id, id) == 0)
            return &set->rules[i];
    return NULL;
}

static int append(struct rule_set *set, struct rule *rule)
{
    struct rule **more = reallocarray(set->rules, set->count + 1, sizeof(struct rule *));

    if (!more) {
        rule_free(rule);
        return -1;
    }
    set->rules = more;
    set->rules[set->count++] = rule;
    return 0;
}

/* The user's second rule with that id is wrong, and goes by the name of its file. */
static int add_second(struct rule_set *set, struct rule *rule, const struct rule *first)
{
    rule->state = RULE_ACTIVE;
    rule_fail(rule, 1, "id: %s is that of %s", rule->id, first->file);
    rule_name_by_file(rule);
    if (rule->id && !find(set, rule->id))
        return append(set, rule);
    rule_free(rule);
    return 0;
}

/* Takes the rule over; one that is built in gives way to it. */
static int add(struct rule_set *set, struct rule *rule)
{
    struct rule **same = rule ? find(set, rule->id) : NULL;

    if (!rule)
        return -1;
    if (!same)
        return append(set, rule);
    if (!(*same)->builtin)
        return add_second(set, rule, *same);
    rule_free(*same);
    *same = rule;
    return 0;
}

static struct rule *failed(const char *path, const char *why)
{
    struct rule *rule = rule_parse(path, "", false);

    if (rule)
        snprintf(rule->error, sizeof(rule->error), "%s: %s", path, why);
    return rule;
}

static struct rule *read_rule(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(FILE_MOST + 1) : NULL;
    struct rule *rule = NULL;

    if (!file)
        return failed(path, strerror(errno));
    if (text) {
        size_t length = fread(text, 1, FILE_MOST + 1, file);
        bool bad = ferror(file) || length > FILE_MOST || memchr(text, '\0', length);
        text[length > FILE_MOST ? FILE_MOST : length] = '\0';
        rule = bad ? failed(path, ferror(file)         ? strerror(errno)
                                  : length > FILE_MOST ? "larger than 64 KiB"
                                                       : "a byte of it is zero")
                   : rule_parse(path, text, false);
    }
    free(text);
    fclose(file);
    return rule;
}

static int is_rule(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".sql") == 0;
}

static int load_directory(struct rule_set *set, const char *directory)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_rule, alphasort);
    int code = 0;

    if (count < 0 && errno != ENOENT)
        snprintf(set->error, sizeof(set->error), "%s: cannot read the rules there: %s", directory,
                 strerror(errno));
    for (int i = 0; i < count; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0 ||
            add(set, read_rule(path)) < 0)
            code = -1;
        free(path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return code;
}

struct rule_set *rule_set_load(const char *directory)
{
    struct rule_set *set = calloc(1, sizeof(*set));
    int code = set ? 0 : -1;

    for (const struct rule_text *rule = builtin_rules; rule->file && code == 0; rule++)
        code = add(set, rule_parse(rule->file, rule->text, true));
    if (code == 0 && directory)
        code = load_directory(set, directory);
    if (code == 0)
        return set;
    rule_set_free(set);
    return NULL;
}

void rule_set_free(struct rule_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        rule_free(set->rules[i]);
    free(set->rules);
    free(set);
}
