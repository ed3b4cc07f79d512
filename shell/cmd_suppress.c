/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Suppressions: which flags are known to be harmless. They are kept in the user's store; the
 * recorder reads them there, marks the flags, and leaves them out of the scores. None is ever
 * deleted.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "complain.h"
#include "query.h"
#include "user_store.h"

#define WORDS_MOST 256 /* of a reason that was not quoted */

enum scope { RULE, PROGRAM, ANCESTOR, USER, CONTAINER, ARGUMENTS, SCOPES };

static const char *const scope_names[SCOPES] = {
    "rule", "program", "ancestor", "user", "container", "arguments",
};

/* What was asked for. */
struct wanted {
    const char *scopes[SCOPES]; /* NULL: any */
    int64_t expires_at;         /* INTEGER_NULL: never */
    int64_t end;                /* the suppression that is to end; INTEGER_NULL: a new one */
    sqlite3_str *reason;
};

/* What is behind `name:` in a word; NULL: it is no such word, or another's. */
static const char *value_of(const char *word, const char *name)
{
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == ':' ? word + length + 1 : NULL;
}

/* A span such as 30d counts from now on, not back. */
static bool read_expiry(struct session *session, const char *text, int64_t *expires_at)
{
    int64_t now = 0, then;
    size_t length = strlen(text);
    if (!session_time(session, "expires:", text, &then))
        return false;
    bool is_span = length > 0 && isdigit((unsigned char)text[0]) &&
                   isalpha((unsigned char)text[length - 1]) && !strpbrk(text, "-:");
    if (is_span && query_integer(session, &now, "SELECT at('now')", "") == STATUS_OK)
        then = now + (now - then);
    *expires_at = then;
    return true;
}

static bool read_end(const char *text, int64_t *id)
{
    char *rest = NULL;
    *id = strtoll(text, &rest, 10);
    if (rest != text && *rest == '\0')
        return true;
    complain("end:%s: must be the id of a suppression; suppress without words lists them", text);
    return false;
}

static bool read_scope(struct wanted *wanted, const char *word, bool *taken)
{
    for (int i = 0; i < SCOPES; i++) {
        const char *value = value_of(word, scope_names[i]);
        if (!value)
            continue;
        if (!*value || wanted->scopes[i]) {
            complain("%s: %s", word, *value ? "is given twice" : "a pattern is missing");
            return false;
        }
        wanted->scopes[i] = value;
        *taken = true;
    }
    return true;
}

static bool read_word(struct session *session, struct wanted *wanted, const char *word)
{
    const char *expires = value_of(word, "expires"), *end = value_of(word, "end");
    bool taken = false;
    if (expires)
        return read_expiry(session, expires, &wanted->expires_at);
    if (end)
        return read_end(end, &wanted->end);
    if (!read_scope(wanted, word, &taken))
        return false;
    if (!taken)
        sqlite3_str_appendf(wanted->reason, "%s%s", sqlite3_str_length(wanted->reason) ? " " : "",
                            word);
    return true;
}

static bool is_whole(const struct wanted *wanted)
{
    bool scoped = false;
    for (int i = 0; i < SCOPES; i++)
        scoped = scoped || wanted->scopes[i];
    if (wanted->end != INTEGER_NULL)
        return true;
    if (!scoped)
        complain("a suppression has to say of what: rule:, program:, ancestor:, user:, container: "
                 "or arguments:");
    else if (sqlite3_str_length(wanted->reason) == 0)
        complain("a suppression has to say why: add the reason in words");
    return scoped && sqlite3_str_length(wanted->reason) > 0;
}

static enum status add(struct session *session, struct session *user, const struct wanted *wanted)
{
    static const char sql[] =
        "INSERT INTO suppressions (rule, program, ancestor, user, container, arguments, "
        "expires_at, "
        "reason, added_by, added_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id";
    struct result added = {0};
    int64_t now = 0;
    enum status status = query_integer(session, &now, "SELECT at('now')", "");
    if (status == STATUS_OK)
        status =
            query_fetch(user, &added, sql, "ttttttntti", wanted->scopes[RULE],
                        wanted->scopes[PROGRAM], wanted->scopes[ANCESTOR], wanted->scopes[USER],
                        wanted->scopes[CONTAINER], wanted->scopes[ARGUMENTS], wanted->expires_at,
                        sqlite3_str_value(wanted->reason), user_store_person(), now);
    if (status == STATUS_OK && added.rows)
        fprintf(output_file(session->output),
                "suppression %lld: the recorder goes by it from now on\n",
                (long long)result_row(&added, 0)->integer);
    result_free(&added);
    return status;
}

static enum status end(struct session *session, struct session *user, int64_t id)
{
    static const char sql[] = "UPDATE suppressions SET expires_at = ?2 WHERE id = ?1 AND "
                              "(expires_at IS NULL OR expires_at > ?2) RETURNING id";
    struct result ended = {0};
    int64_t now = 0;
    enum status status = query_integer(session, &now, "SELECT at('now')", "");
    if (status == STATUS_OK)
        status = query_fetch(user, &ended, sql, "ii", id, now);
    if (status == STATUS_OK && !ended.rows) {
        complain("there is no suppression %lld that has not ended", (long long)id);
        status = STATUS_ERROR;
    } else if (status == STATUS_OK) {
        fprintf(output_file(session->output), "suppression %lld has ended\n", (long long)id);
    }
    result_free(&ended);
    return status;
}

static enum status change(struct session *session, char **operands)
{
    struct wanted wanted = {.expires_at = INTEGER_NULL, .end = INTEGER_NULL};
    struct session user = {0};
    enum status status = STATUS_OK;
    wanted.reason = sqlite3_str_new(NULL);
    for (size_t i = 0; status == STATUS_OK && operands[i]; i++)
        status = read_word(session, &wanted, operands[i]) ? STATUS_OK : STATUS_USAGE;
    if (status == STATUS_OK && !is_whole(&wanted))
        status = STATUS_USAGE;
    if (status == STATUS_OK)
        status = user_store_write(session, &user);
    if (status == STATUS_OK)
        status = wanted.end == INTEGER_NULL ? add(session, &user, &wanted)
                                            : end(session, &user, wanted.end);
    fflush(output_file(session->output));
    user_store_close(&user);
    sqlite3_free(sqlite3_str_finish(wanted.reason));
    return status;
}

static enum status list(struct session *session)
{
    static const char sql[] =
        "SELECT id, rule, program, ancestor, user, container, arguments, "
        "added_at, added_by, expires_at, reason FROM suppressions ORDER BY id";
    struct session user;
    struct result result = {0};
    int64_t known = 0;
    enum status status = user_store_read(session, &user);
    if (status == STATUS_OK && user.db)
        status = query_integer(
            &user, &known, "SELECT count(*) FROM sqlite_schema WHERE name = 'suppressions'", "");
    if (status == STATUS_OK && known)
        status = query_fetch(&user, &result, sql, "");
    if (status == STATUS_OK && known)
        query_show(session, &result);
    else if (status == STATUS_OK && session_for_person(session))
        complain("nothing is suppressed");
    result_free(&result);
    user_store_close(&user);
    return status;
}

static enum status suppress_run(struct session *session, char **operands)
{
    return operands[0] ? change(session, operands) : list(session);
}

const struct command command_suppress = {
    .name = "suppress",
    .arguments = "[SCOPE... REASON]",
    .summary = "flags that are harmless",
    .help =
        "Flags that fit every SCOPE given, those that are there already included, do not count\n"
        "for the score of their trace any more; they are still shown, last. A SCOPE is one of\n"
        "rule:PATTERN, program:PATTERN, ancestor:PATTERN (of path or short name), user:NAME,\n"
        "container:PATTERN (of id or name), arguments:PATTERN (of the command line); in a\n"
        "pattern * and ? stand for anything, as in the shell. expires:TIME, such as 30d, bounds\n"
        "it; end:ID ends one now. The REASON is what remains. Without words, all of them are\n"
        "listed. They are kept beside the store (STORE.user), which the recorder reads.\n"
        "Example:  suppress rule:downloaded-and-run ancestor:'*/dpkg' expires:30d our mirror\n",
    .most = WORDS_MOST,
    .outside = true,
    .run = suppress_run,
};
