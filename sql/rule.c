/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One rule's file: its header, line by line, and where its SQL begins. */
#include "rule.h"

#include <ctype.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

const char *const rule_state_names[RULE_STATES] = {"active", "failed", "suspended", "disabled"};

/* ---- errors ---- */

void rule_fail(struct rule *rule, int line, const char *format, ...)
{
    char what[224];
    va_list arguments;

    if (rule->state == RULE_FAILED)
        return;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    rule->state = RULE_FAILED;
    snprintf(rule->error, sizeof(rule->error), "%s:%d: %s", rule->file, line, what);
}

/* ---- the keys ---- */

typedef void take_value(struct rule *rule, char **field, int line, struct text value);

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of *rest, which it is taken off; of no length: there is none. */
static struct text next_word(struct text *rest)
{
    while (rest->length && (is_blank(*rest->data) || *rest->data == ',')) {
        rest->data++;
        rest->length--;
    }
    struct text word = {rest->data, 0};
    while (word.length < rest->length && !is_blank(word.data[word.length]) &&
           word.data[word.length] != ',')
        word.length++;
    rest->data += word.length;
    rest->length -= word.length;
    return word;
}

static void take_text(struct rule *rule, char **field, int line, struct text value)
{
    (void)line;
    free(*field);
    *field = strndup(value.data, value.length);
    if (!*field)
        rule_fail(rule, line, "out of memory");
}

static void take_id(struct rule *rule, char **field, int line, struct text value)
{
    for (size_t i = 0; i < value.length; i++)
        if (!islower((unsigned char)value.data[i]) && !isdigit((unsigned char)value.data[i]) &&
            value.data[i] != '-') {
            rule_fail(rule, line, "id: only small letters, digits and - can be in it");
            return;
        }
    take_text(rule, field, line, value);
}

static void take_severity(struct rule *rule, char **field, int line, struct text value)
{
    (void)field;
    rule->severity = severity_named(value.data, value.length);
    if (rule->severity == SEVERITIES)
        rule_fail(rule, line, "severity: must be info, low, medium, high or critical, not '%.*s'",
                  (int)value.length, value.data);
}

/* T1059 or T1059.004 */
static bool is_technique(struct text word)
{
    if ((word.length != 5 && word.length != 9) || *word.data != 'T')
        return false;
    for (size_t i = 1; i < word.length; i++)
        if (i == 5 ? word.data[i] != '.' : !isdigit((unsigned char)word.data[i]))
            return false;
    return true;
}

static void take_techniques(struct rule *rule, char **field, int line, struct text value)
{
    char *json = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&json, &size);
    struct text word;
    const char *before = "[";

    while (out && (word = next_word(&value)).length) {
        if (!is_technique(word))
            rule_fail(rule, line, "techniques: '%.*s' is none; one looks like T1059 or T1059.004",
                      (int)word.length, word.data);
        else
            fprintf(out, "%s\"%.*s\"", before, (int)word.length, word.data);
        before = ",";
    }
    if (!out || fprintf(out, "]") < 0 || fclose(out))
        rule_fail(rule, line, "out of memory");
    free(*field);
    *field = json;
}

static void take_tactics(struct rule *rule, char **field, int line, struct text value)
{
    struct text word;

    (void)field;
    while ((word = next_word(&value)).length) {
        size_t tactic = tactic_named(word.data, word.length);
        if (tactic == TACTICS)
            rule_fail(rule, line,
                      "tactics: '%.*s' is none of ATT&CK's; they are spelt as in "
                      "privilege-escalation",
                      (int)word.length, word.data);
        else
            rule->tactics |= 1u << tactic;
    }
}

static void take_enabled(struct rule *rule, char **field, int line, struct text value)
{
    (void)field;
    if (value.length == 2 && memcmp(value.data, "no", 2) == 0 && rule->state == RULE_ACTIVE)
        rule->state = RULE_DISABLED;
    else if (value.length != 3 || memcmp(value.data, "yes", 3) != 0)
        rule_fail(rule, line, "enabled: must be yes or no");
}

static const struct key {
    const char *name;
    take_value *take;
    size_t field;
    bool needed;
} keys[] = {
    {"id", take_id, offsetof(struct rule, id), true},
    {"title", take_text, offsetof(struct rule, title), true},
    {"severity", take_severity, 0, true},
    {"techniques", take_techniques, offsetof(struct rule, techniques), false},
    {"tactics", take_tactics, 0, false},
    {"description", take_text, offsetof(struct rule, description), true},
    {"benign", take_text, offsetof(struct rule, benign), false},
    {"enabled", take_enabled, 0, false},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* ---- the header ---- */

struct header {
    struct rule *rule;
    unsigned seen; /* bit i: keys[i] was given */
    size_t key;    /* of the value being gathered; KEYS: none */
    int key_line;
    char value[2048];
    size_t length;
};

static void finish_value(struct header *header)
{
    const struct key *key = &keys[header->key];

    if (header->key == KEYS)
        return;
    header->key = KEYS;
    if (header->length == 0)
        rule_fail(header->rule, header->key_line, "%s: is empty", key->name);
    else
        key->take(header->rule, (char **)(void *)((char *)header->rule + key->field),
                  header->key_line, (struct text){header->value, header->length});
}

static void gather(struct header *header, struct text more)
{
    while (more.length && is_blank(*more.data)) {
        more.data++;
        more.length--;
    }
    while (more.length && is_blank(more.data[more.length - 1]))
        more.length--;
    if (header->length + more.length + 1 >= sizeof(header->value)) {
        rule_fail(header->rule, header->key_line, "%s: is too long", keys[header->key].name);
        return;
    }
    if (header->length && more.length)
        header->value[header->length++] = ' ';
    memcpy(header->value + header->length, more.data, more.length);
    header->length += more.length;
}

/* How long the word of small letters is that a line begins with, if a colon follows; else 0. */
static size_t key_length(struct text line)
{
    size_t length = 0;

    while (length < line.length && (islower((unsigned char)line.data[length]) ||
                                    line.data[length] == '-' || line.data[length] == '_'))
        length++;
    return length < line.length && line.data[length] == ':' ? length : 0;
}

static void begin_value(struct header *header, struct text line, size_t length, int number)
{
    size_t key = 0;

    finish_value(header);
    while (key < KEYS &&
           (strlen(keys[key].name) != length || memcmp(keys[key].name, line.data, length) != 0))
        key++;
    if (key == KEYS) {
        rule_fail(header->rule, number, "'%.*s' is no key of a rule's header", (int)length,
                  line.data);
        return;
    }
    if (header->seen & 1u << key)
        rule_fail(header->rule, number, "%s: is given twice", keys[key].name);
    header->seen |= 1u << key;
    header->key = key;
    header->key_line = number;
    header->length = 0;
    gather(header, (struct text){line.data + length + 1, line.length - length - 1});
}

/* A line of comment, what is behind its `--`. */
static void take_comment(struct header *header, struct text line, int number)
{
    struct text body = line;
    size_t indent = 0;

    while (indent < body.length && is_blank(body.data[indent]))
        indent++;
    body.data += indent;
    body.length -= indent;
    size_t length = indent == 1 ? key_length(body) : 0;
    if (length)
        begin_value(header, body, length, number);
    else if (header->key < KEYS && indent > 1 && body.length)
        gather(header, body);
    else
        finish_value(header); /* a remark */
}

static struct text line_at(const char *text)
{
    return (struct text){text, strcspn(text, "\n")};
}

static bool is_empty(struct text line)
{
    for (size_t i = 0; i < line.length; i++)
        if (!is_blank(line.data[i]))
            return false;
    return true;
}

/* Reads comments and empty lines up to the first line that is neither: there the SQL begins. */
static void read_header(struct header *header)
{
    struct rule *rule = header->rule;
    const char *at = rule->text;
    int number = 1;

    while (*at) {
        struct text line = line_at(at);
        if (line.length >= 2 && memcmp(at, "--", 2) == 0)
            take_comment(header, (struct text){at + 2, line.length - 2}, number);
        else if (!is_empty(line))
            break;
        at += line.length + (at[line.length] == '\n');
        number++;
    }
    finish_value(header);
    rule->sql = at;
    rule->sql_line = number;
}

static void check(struct header *header)
{
    struct rule *rule = header->rule;
    bool off = rule->state == RULE_DISABLED;

    for (size_t i = 0; i < KEYS && !(off && i); i++)
        if (keys[i].needed && !(header->seen & 1u << i))
            rule_fail(rule, 1, "its header has no '-- %s:'", keys[i].name);
    if (!*rule->sql && !off)
        rule_fail(rule, rule->sql_line, "there is no SELECT");
}

/* ---- life ---- */

void rule_name_by_file(struct rule *rule)
{
    const char *name = strrchr(rule->file, '/') ? strrchr(rule->file, '/') + 1 : rule->file;
    const char *dot = strrchr(name, '.');

    free(rule->id);
    rule->id = strndup(name, dot ? (size_t)(dot - name) : strlen(name));
}

struct rule *rule_parse(const char *file, const char *text, bool builtin)
{
    struct rule *rule = calloc(1, sizeof(*rule));
    struct header header = {.rule = rule, .key = KEYS};

    if (!rule)
        return NULL;
    rule->builtin = builtin;
    rule->file = strdup(file);
    rule->text = strdup(text);
    if (rule->file && rule->text) {
        read_header(&header);
        check(&header);
        if (!rule->id)
            rule_name_by_file(rule);
    }
    if (rule->id)
        return rule;
    rule_free(rule);
    return NULL;
}

void rule_free(struct rule *rule)
{
    if (!rule)
        return;
    free(rule->file);
    free(rule->text);
    free(rule->id);
    free(rule->title);
    free(rule->techniques);
    free(rule->description);
    free(rule->benign);
    free(rule);
}

char *rule_tactics_json(uint32_t tactics)
{
    sqlite3_str *json = tactics ? sqlite3_str_new(NULL) : NULL;
    const char *before = "[";

    if (!json)
        return NULL;
    for (size_t i = 0; i < TACTICS; i++) {
        if (!(tactics & 1u << i))
            continue;
        sqlite3_str_appendf(json, "%s\"%s\"", before, tactic_names[i]);
        before = ",";
    }
    sqlite3_str_appendall(json, "]");
    return sqlite3_str_finish(json);
}
