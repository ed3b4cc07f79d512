/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pattern is compiled to the program of a nondeterministic automaton. Jumps are relative, so that
 * a stretch of program can be moved and copied.
 */
#include <sqlite3ext.h>

#include <string.h>

#include "fn_pattern_private.h"

SQLITE_EXTENSION_INIT3

/* ---- sets of bytes ---- */

static void set_add(struct byte_set *set, int byte)
{
    set->bits[byte / 64] |= (uint64_t)1 << byte % 64;
}

static void set_invert(struct byte_set *set)
{
    for (int i = 0; i < 4; i++)
        set->bits[i] = ~set->bits[i];
}

/* The classes of the C locale, as ranges: pairs of first and last byte. */
static const struct byte_class {
    const char *name;
    char escape; /* \d is [[:digit:]], and \D is all other bytes */
    const char *ranges;
} classes[] = {
    {"alnum", 0, "09AZaz"},    {"alpha", 0, "AZaz"},
    {"blank", 0, "  \t\t"},    {"cntrl", 0, "\001\037\177\177"},
    {"digit", 'd', "09"},      {"graph", 0, "!~"},
    {"lower", 0, "az"},        {"print", 0, " ~"},
    {"punct", 0, "!/:@[`{~"},  {"space", 's', "\t\r  "},
    {"upper", 0, "AZ"},        {"xdigit", 0, "09AFaf"},
    {"word", 'w', "09AZaz__"},
};

static void set_add_class(struct byte_set *set, const struct byte_class *class)
{
    for (const char *range = class->ranges; *range; range += 2)
        for (int byte = range[0]; byte <= range[1]; byte++)
            set_add(set, byte);
    if (strcmp(class->name, "cntrl") == 0)
        set_add(set, 0); /* the one byte that the strings above can not hold */
}

/* ---- writing the program ---- */

struct compiler {
    const unsigned char *at;
    const unsigned char *end;
    struct pattern *pattern;
    int nesting;
    const char *error;
    bool out_of_memory;
};

static bool failed(const struct compiler *compiler)
{
    return compiler->error || compiler->out_of_memory;
}

static void fail(struct compiler *compiler, const char *error)
{
    if (!failed(compiler))
        compiler->error = error;
}

static bool reserve(struct compiler *compiler, int more)
{
    struct pattern *pattern = compiler->pattern;

    if (failed(compiler))
        return false;
    if (more > PATTERN_STATES_MAX - pattern->length) {
        fail(compiler, "too large once its repetitions are written out");
        return false;
    }
    while (pattern->length + more > pattern->capacity) {
        int capacity = pattern->capacity ? pattern->capacity * 2 : 32;
        void *program = sqlite3_realloc64(pattern->program,
                                          (sqlite3_uint64)capacity * sizeof *pattern->program);
        compiler->out_of_memory = !program;
        if (!program)
            return false;
        pattern->program = program;
        pattern->capacity = capacity;
    }
    return true;
}

static void emit(struct compiler *compiler, enum op op, int argument)
{
    if (reserve(compiler, 1))
        compiler->pattern->program[compiler->pattern->length++] =
            (struct instruction){op, argument};
}

/* Makes room for one instruction before those that start at `start`. */
static void insert(struct compiler *compiler, int start, enum op op, int argument)
{
    struct pattern *pattern = compiler->pattern;

    if (!reserve(compiler, 1))
        return;
    memmove(pattern->program + start + 1, pattern->program + start,
            (size_t)(pattern->length - start) * sizeof *pattern->program);
    pattern->program[start] = (struct instruction){op, argument};
    pattern->length++;
}

static void emit_set(struct compiler *compiler, const struct byte_set *set)
{
    struct pattern *pattern = compiler->pattern;

    if (failed(compiler))
        return;
    void *sets =
        sqlite3_realloc64(pattern->sets, ((sqlite3_uint64)pattern->set_count + 1) * sizeof *set);
    compiler->out_of_memory = !sets;
    if (!sets)
        return;
    pattern->sets = sets;
    pattern->sets[pattern->set_count] = *set;
    emit(compiler, OP_SET, pattern->set_count++);
}

/* ---- reading the pattern ---- */

static bool take(struct compiler *compiler, char wanted)
{
    if (compiler->at == compiler->end || *compiler->at != (unsigned char)wanted)
        return false;
    compiler->at++;
    return true;
}

static bool looking_at(const struct compiler *compiler, const char *bytes)
{
    size_t length = strlen(bytes);

    return (size_t)(compiler->end - compiler->at) >= length &&
           memcmp(compiler->at, bytes, length) == 0;
}

/* [:digit:] within a bracket expression; `at` is behind the "[:". */
static void take_class(struct compiler *compiler, struct byte_set *set)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        size_t length = strlen(classes[i].name);
        const unsigned char *after = compiler->at + length;
        if ((size_t)(compiler->end - compiler->at) >= length + 2 &&
            !memcmp(compiler->at, classes[i].name, length) && after[0] == ':' && after[1] == ']') {
            set_add_class(set, &classes[i]);
            compiler->at = after + 2;
            return;
        }
    }
    fail(compiler, "unknown character class");
}

/* One byte, or a range of them. */
static void take_range(struct compiler *compiler, struct byte_set *set)
{
    int low = *compiler->at++, high = low;

    /* A minus at the end stands for itself. */
    if (compiler->end - compiler->at >= 2 && compiler->at[0] == '-' && compiler->at[1] != ']') {
        high = compiler->at[1];
        compiler->at += 2;
    }
    if (high < low)
        fail(compiler, "range in [ ] runs backwards");
    for (int byte = low; byte <= high; byte++)
        set_add(set, byte);
}

/* `at` is behind the opening bracket. */
static void take_bracket(struct compiler *compiler)
{
    struct byte_set set = {{0}};
    bool inverted = take(compiler, '^');
    bool first = true; /* then a closing bracket stands for itself */

    for (; first || !looking_at(compiler, "]"); first = false) {
        if (compiler->at == compiler->end) {
            fail(compiler, "[ without ]");
        } else if (looking_at(compiler, "[:")) {
            compiler->at += 2;
            take_class(compiler, &set);
        } else if (looking_at(compiler, "[.") || looking_at(compiler, "[=")) {
            fail(compiler, "collating elements are not supported");
        } else {
            take_range(compiler, &set);
        }
        if (failed(compiler))
            return;
    }
    compiler->at++;
    if (inverted)
        set_invert(&set);
    emit_set(compiler, &set);
}

static bool take_class_escape(struct compiler *compiler, int letter)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (classes[i].escape && (letter | 0x20) == classes[i].escape) {
            struct byte_set set = {{0}};
            set_add_class(&set, &classes[i]);
            if (letter != classes[i].escape)
                set_invert(&set);
            emit_set(compiler, &set);
            return true;
        }
    }
    return false;
}

static bool is_alphanumeric(int byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

/* `at` is behind the backslash. */
static void take_escape(struct compiler *compiler)
{
    static const char controls[][2] = {{'t', '\t'}, {'n', '\n'}, {'r', '\r'}};

    if (compiler->at == compiler->end) {
        fail(compiler, "backslash at the end");
        return;
    }
    int byte = *compiler->at++;
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
        if (byte == controls[i][0]) {
            emit(compiler, OP_BYTE, controls[i][1]);
            return;
        }
    }
    if (take_class_escape(compiler, byte))
        return;
    if (is_alphanumeric(byte))
        fail(compiler, byte <= '9' ? "back-references are not supported"
                                   : "unknown letter after a backslash");
    emit(compiler, OP_BYTE, byte);
}

static void take_alternatives(struct compiler *compiler);

/* `at` is behind the opening parenthesis. */
static void take_group(struct compiler *compiler)
{
    if (++compiler->nesting > PATTERN_NESTING_MAX) {
        fail(compiler, "nested too deeply");
        return;
    }
    take_alternatives(compiler);
    if (!take(compiler, ')'))
        fail(compiler, "( without )");
    compiler->nesting--;
}

static void take_atom(struct compiler *compiler)
{
    static const struct byte_set all = {{~0ull, ~0ull, ~0ull, ~0ull}};
    int byte = *compiler->at++;

    switch (byte) {
    case '(':
        take_group(compiler);
        return;
    case '[':
        take_bracket(compiler);
        return;
    case '\\':
        take_escape(compiler);
        return;
    case '.':
        emit_set(compiler, &all);
        return;
    case '^':
        emit(compiler, OP_START, 0);
        return;
    case '$':
        emit(compiler, OP_END, 0);
        return;
    case '*':
    case '+':
    case '?':
    case '{':
        fail(compiler, "nothing to repeat");
        return;
    default:
        emit(compiler, OP_BYTE, byte);
    }
}

/* ---- repetitions ---- */

#define UNLIMITED (-1)

static bool take_count(struct compiler *compiler, int *count)
{
    const unsigned char *start = compiler->at;

    for (*count = 0; compiler->at < compiler->end; compiler->at++) {
        int byte = *compiler->at;
        if (byte < '0' || byte > '9')
            break;
        *count = *count * 10 + byte - '0';
        if (*count > PATTERN_STATES_MAX)
            fail(compiler, "too large once its repetitions are written out");
        if (failed(compiler))
            return false;
    }
    return compiler->at > start;
}

/* {3}, {3,} or {3,5}; `at` is behind the opening brace. */
static void take_interval(struct compiler *compiler, int *least, int *most)
{
    bool good = take_count(compiler, least);

    *most = *least;
    if (good && take(compiler, ',') && !take_count(compiler, most))
        *most = UNLIMITED;
    if (!good || !take(compiler, '}') || (*most != UNLIMITED && *most < *least))
        fail(compiler, "bad repetition in { }");
}

static bool take_repetition(struct compiler *compiler, int *least, int *most)
{
    *least = 0;
    *most = UNLIMITED;
    if (take(compiler, '*'))
        return true;
    if (take(compiler, '+')) {
        *least = 1;
        return true;
    }
    if (take(compiler, '?')) {
        *most = 1;
        return true;
    }
    if (!take(compiler, '{'))
        return false;
    take_interval(compiler, least, most);
    return true;
}

/* Appends one more copy of the `length` instructions at `start`. */
static void copy(struct compiler *compiler, int start, int length)
{
    struct pattern *pattern = compiler->pattern;

    if (!reserve(compiler, length))
        return;
    memcpy(pattern->program + pattern->length, pattern->program + start,
           (size_t)length * sizeof *pattern->program);
    pattern->length += length;
}

/* Repeats what was emitted from `start` on: x{2,4} becomes x x x? x?, x{2,} becomes x x x*. */
static void repeat(struct compiler *compiler, int start, int least, int most)
{
    int length = compiler->pattern->length - start;
    int copies = 1; /* the one already there */
    int atom = start;

    if (failed(compiler))
        return;
    if (most == 0) {
        compiler->pattern->length = start;
        return;
    }
    if (least == 0) {
        insert(compiler, start, OP_SPLIT, length + (most == UNLIMITED ? 2 : 1));
        atom = start + 1;
        if (most == UNLIMITED)
            emit(compiler, OP_JUMP, -length - 1);
    }
    for (; copies < least; copies++)
        copy(compiler, atom, length);
    if (least > 0 && most == UNLIMITED)
        emit(compiler, OP_SPLIT, -length);
    for (; copies < most; copies++) {
        emit(compiler, OP_SPLIT, length + 1);
        copy(compiler, atom, length);
    }
}

static void take_branch(struct compiler *compiler)
{
    while (compiler->at < compiler->end && !failed(compiler)) {
        int start = compiler->pattern->length, least, most;
        if (*compiler->at == '|' || (*compiler->at == ')' && compiler->nesting > 0))
            return;
        if (*compiler->at == ')') {
            fail(compiler, ") without (");
            return;
        }
        take_atom(compiler);
        while (take_repetition(compiler, &least, &most))
            repeat(compiler, start, least, most);
    }
}

/* Each branch but the last ends in a jump to the end; until that is known they form a list. */
static void take_alternatives(struct compiler *compiler)
{
    struct pattern *pattern = compiler->pattern;
    int start = pattern->length, last_jump = -1;

    take_branch(compiler);
    while (!failed(compiler) && take(compiler, '|')) {
        insert(compiler, start, OP_SPLIT, pattern->length - start + 2);
        emit(compiler, OP_JUMP, last_jump);
        last_jump = pattern->length - 1;
        start = pattern->length;
        take_branch(compiler);
    }
    while (!failed(compiler) && last_jump >= 0) {
        int previous = pattern->program[last_jump].argument;
        pattern->program[last_jump].argument = pattern->length - last_jump;
        last_jump = previous;
    }
}

/* ---- making and freeing ---- */

struct pattern *pattern_compile(struct text text, const char **error)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    struct pattern *pattern = sqlite3_malloc(sizeof *pattern);
    struct compiler compiler = {.at = bytes, .end = bytes + text.length, .pattern = pattern};

    *error = NULL;
    if (!pattern)
        return NULL;
    *pattern = (struct pattern){.program = NULL};
    take_alternatives(&compiler);
    emit(&compiler, OP_MATCH, 0);
    if (failed(&compiler) || pattern_run_open(pattern) < 0) {
        *error = compiler.error;
        pattern_free(pattern);
        return NULL;
    }
    return pattern;
}

void pattern_free(struct pattern *pattern)
{
    if (!pattern)
        return;
    sqlite3_free(pattern->program);
    sqlite3_free(pattern->sets);
    pattern_run_close(pattern->run);
    sqlite3_free(pattern);
}
