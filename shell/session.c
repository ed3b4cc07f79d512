/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"

void session_free(struct session *session)
{
    parameters_free(&session->parameters);
    free(session->last);
    free(session->edited);
    session->last = session->edited = NULL;
}

const struct format *session_format(const struct session *session)
{
    if (session->options.format)
        return session->options.format;
    return output_style(session->output)->terminal ? &format_table : &format_csv;
}

bool session_for_person(const struct session *session)
{
    const struct format *format = session_format(session);
    return format == &format_table || format == &format_line;
}

/* 15m and 1h30m are spans; anything with a dash, a colon or no digit is a point in time. */
static bool is_span(const char *text)
{
    return isdigit((unsigned char)text[0]) && !strpbrk(text, "-:");
}

bool session_time(struct session *session, const char *what, const char *text, int64_t *ns)
{
    const char *sql = is_span(text) ? "SELECT ago(?1)" : "SELECT at(?1)";
    sqlite3_stmt *statement = NULL;
    bool known = sqlite3_prepare_v2(session->db, sql, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW;
    if (known)
        *ns = sqlite3_column_int64(statement, 0);
    else
        complain("%s: %s", what, sqlite3_errmsg(session->db));
    sqlite3_finalize(statement);
    return known;
}

bool session_span(struct session *session, struct span *span)
{
    const struct options *options = &session->options;
    *span = (struct span){INT64_MIN, INT64_MAX};
    if (options->since && !session_time(session, "--since", options->since, &span->since))
        return false;
    if (options->until && !session_time(session, "--until", options->until, &span->until))
        return false;
    if (span->since <= span->until)
        return true;
    complain("--until %s is before --since %s", options->until, options->since);
    return false;
}
