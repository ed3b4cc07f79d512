/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmdline REGEXP 'curl.*https?://'  is  regexp('curl.*https?://', cmdline)
 *
 * POSIX extended regular expressions over bytes, whatever the client's locale. Whoever starts a
 * process chooses the text that is searched here, so time must be linear in it and no byte may
 * hide what comes after it.
 */
#include <sqlite3ext.h>

#include <locale.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>

#include "fn_call.h"

SQLITE_EXTENSION_INIT3

/*
 * regcomp() writes a repeated part out as often as it may occur, so that a few nested ones fill the
 * memory. A pattern's size is the number of its parts after that.
 */
#define PATTERN_SIZE  5000
#define PATTERN_BYTES 4096
#define NESTING_MAX   100

/* ---- what the C library's compiler must not be given ---- */

/* Past a bracket expression, to its closing ] or the end. `at` is behind the opening bracket. */
static const char *skip_bracket(const char *at)
{
    at += *at == '^';
    at += *at == ']';
    while (*at && *at != ']') {
        if (*at == '[' && at[1] && strchr(".:=", at[1])) {
            const char close[] = {at[1], ']', '\0'};
            const char *end = strstr(at + 2, close);
            if (!end)
                return at + strlen(at);
            at = end + 1;
        }
        at++;
    }
    return at;
}

/* The larger count of an interval, {3} or {2,5}. *at is the opening brace and moves to the closing.
 */
static unsigned long take_interval(const char **at)
{
    unsigned long count = 0, number = 0;

    for (const char *end = *at + 1; *end; end++) {
        number = *end >= '0' && *end <= '9' ? number * 10 + (unsigned long)(*end - '0') : 0;
        number = number < PATTERN_SIZE ? number : PATTERN_SIZE;
        count = number > count ? number : count;
        if (*end == '}') {
            *at = end;
            break;
        }
    }
    return count;
}

struct measure {
    unsigned long size[NESTING_MAX]; /* of each group still open; [0] is the pattern */
    unsigned long atom;              /* the size of what a repetition would repeat */
    unsigned depth;
};

static void measure_repeat(struct measure *measure, unsigned long more)
{
    measure->size[measure->depth] += measure->atom * more;
    measure->atom += measure->atom * more;
}

static void measure_close(struct measure *measure)
{
    measure->atom = 1;
    if (measure->depth > 0)
        measure->atom += measure->size[measure->depth--];
    measure->size[measure->depth] += measure->atom;
}

/* Measures what stands at *at; leaves *at on its last byte. */
static void measure_part(struct measure *measure, const char **at)
{
    switch (**at) {
    case '(':
        measure->size[++measure->depth] = 0;
        return;
    case ')':
        measure_close(measure);
        return;
    case '+':
        measure_repeat(measure, 1);
        return;
    case '{':
        measure_repeat(measure, take_interval(at));
        return;
    case '[':
        *at = skip_bracket(*at + 1);
        break;
    case '\\':
        *at += (*at)[1] != '\0';
        break;
    }
    measure->atom = 1;
    measure->size[measure->depth]++;
}

/* Why the pattern is refused before it is compiled, or NULL. */
static const char *objection(const char *pattern)
{
    struct measure measure = {0};

    for (const char *at = pattern; *at; at++) {
        if (*at == '\\' && at[1] >= '1' && at[1] <= '9')
            return "back-references are not supported";
        measure_part(&measure, &at);
        if (measure.depth == NESTING_MAX - 1)
            return "nested too deeply";
        if (measure.size[measure.depth] > PATTERN_SIZE)
            return "too many repetitions";
        if (!*at)
            break;
    }
    return NULL;
}

/* ---- compiling ---- */

/* regcomp() in the C locale, in which a character is a byte. */
static int compile_bytes(regex_t *regex, const char *pattern)
{
    locale_t bytes = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!bytes)
        return REG_ESPACE;
    locale_t before = uselocale(bytes);
    int error = regcomp(regex, pattern, REG_EXTENDED | REG_NOSUB);
    uselocale(before);
    freelocale(bytes);
    return error;
}

static void fail_compile(sqlite3_context *context, sqlite3_value *value, const char *reason)
{
    char *shown = fn_describe(value);

    if (shown)
        fn_fail(context, "argument pattern %s: %s", shown, reason);
    else
        sqlite3_result_error_nomem(context);
    sqlite3_free(shown);
}

static bool compile(sqlite3_context *context, sqlite3_value *value, regex_t *regex,
                    const char *pattern)
{
    int error = compile_bytes(regex, pattern);

    if (error == REG_ESPACE) {
        sqlite3_result_error_nomem(context);
    } else if (error) {
        char reason[128];
        regerror(error, regex, reason, sizeof reason);
        fail_compile(context, value, reason);
    }
    return error == 0;
}

/*
 * The C library searches from each place in the text in turn: quadratic for 'a.*b' in "aaaa...".
 * With the search written into the pattern it reads the text once.
 */
static bool compile_search(sqlite3_context *context, sqlite3_value *value, regex_t *regex)
{
    const char *pattern = (const char *)sqlite3_value_text(value);
    regex_t alone;

    /* By itself first: '(a' or 'a)(b' is an error, though not within the brackets added below. */
    if (!compile(context, value, &alone, pattern))
        return false;
    regfree(&alone);
    char *search = sqlite3_mprintf("^.*(%s)", pattern);
    if (!search) {
        sqlite3_result_error_nomem(context);
        return false;
    }
    bool good = compile(context, value, regex, search);
    sqlite3_free(search);
    return good;
}

static bool acceptable(sqlite3_context *context, sqlite3_value *value)
{
    struct text pattern = fn_text(value);
    const char *reason = NULL;

    if (pattern.length > PATTERN_BYTES)
        reason = "too long";
    else if (memchr(pattern.data, '\0', pattern.length))
        reason = "has a NUL byte";
    else
        reason = objection(pattern.data);
    if (reason)
        fail_compile(context, value, reason);
    return !reason;
}

static void free_regex(void *regex)
{
    regfree(regex);
    sqlite3_free(regex);
}

static regex_t *new_regex(sqlite3_context *context, sqlite3_value *value)
{
    if (!acceptable(context, value))
        return NULL;
    regex_t *regex = sqlite3_malloc(sizeof *regex);
    if (!regex) {
        sqlite3_result_error_nomem(context);
    } else if (!compile_search(context, value, regex)) {
        sqlite3_free(regex);
        regex = NULL;
    }
    return regex;
}

/* ---- matching ---- */

static void result_match(sqlite3_context *context, const regex_t *regex, struct text text)
{
    /* With its end given, the text may hold NUL. */
    regmatch_t span = {.rm_so = 0, .rm_eo = (regoff_t)text.length};
    int error = regexec(regex, text.data, 1, &span, REG_STARTEND);

    if (error == 0 || error == REG_NOMATCH)
        sqlite3_result_int(context, error == 0);
    else
        sqlite3_result_error_nomem(context);
}

static void regexp(sqlite3_context *context, sqlite3_value **values)
{
    regex_t *regex = sqlite3_get_auxdata(context, 0);
    bool compiled_now = !regex;

    if (compiled_now)
        regex = new_regex(context, values[0]);
    if (!regex)
        return;
    result_match(context, regex, fn_text(values[1]));
    if (compiled_now)
        sqlite3_set_auxdata(context, 0, regex, free_regex);
}

const struct fn fn_regexp[] = {
    {"regexp", FN_PURE, 2, {{"pattern", FN_TEXT}, {"text", FN_TEXT}}, regexp},
    {0},
};
