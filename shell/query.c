/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "query.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "complain.h"
#include "guard.h"
#include "saved_bind.h"
#include "spool.h"
#include "stop.h"
#include "suggest.h"

#define COUNTING 1.0 /* seconds that rows are counted which nobody will see */
#define LONG     2.0 /* a statement that takes longer is told how long */

/* ---- errors ---- */

static void complain_at(const struct origin *origin, const char *message)
{
    if (origin && origin->file)
        complain("%s:%zu: %s", origin->file, origin->line, message);
    else
        complain("%s", message);
}

/* A message, and what may help. */
static void complain_more(const struct origin *origin, const char *message, const char *more)
{
    char both[256 + SUGGESTION_SIZE];
    snprintf(both, sizeof both, "%s%s%s", message, *more ? "; " : "", more);
    complain_at(origin, both);
}

static enum status stopped(const struct session *session, const struct origin *origin)
{
    char message[64];
    enum stop_reason reason = stop_reason();
    /* The terminal shows ^C where it was typed: the message gets a line of its own. */
    if (reason == STOP_INTERRUPT && session->interactive)
        fputc('\n', stderr);
    if (reason == STOP_TIMEOUT)
        snprintf(message, sizeof message, "timed out after %g s", session->options.timeout);
    else
        snprintf(message, sizeof message, "%s", stop_words(reason));
    complain_at(origin, message);
    return STATUS_STOPPED;
}

static enum status refused(const struct origin *origin, const char *what)
{
    char message[160];
    snprintf(message, sizeof message, "spyq only reads the store and does not allow %s", what);
    complain_at(origin, message);
    return STATUS_ERROR;
}

/* The last failure on the connection, in a message; sql is the statement, where there is one. */
static enum status failed(struct session *session, const struct origin *origin, const char *sql)
{
    const char *what = guard_refused();
    if (sqlite3_errcode(session->db) == SQLITE_INTERRUPT || stop_requested())
        return stopped(session, origin);
    if (what)
        return refused(origin, what);
    char message[256], suggestion[SUGGESTION_SIZE] = "";
    int offset = sqlite3_error_offset(session->db);
    snprintf(message, sizeof message, "%s", sqlite3_errmsg(session->db));
    /* The rest of the SQL is quoted in it, and shown below. */
    message[strcspn(message, "\n")] = '\0';
    if (sql)
        suggest(session->db, sql, message, &offset, suggestion);
    complain_more(origin, message, suggestion);
    if (sql && offset >= 0)
        complain_caret(sql, offset);
    return STATUS_ERROR;
}

/* ---- rows ---- */

/* The columns of a statement, and its row as cells. */
struct row_buffer {
    size_t columns;
    struct heading *headings;
    struct cell *cells;
};

static void buffer_free(struct row_buffer *buffer)
{
    free(buffer->headings);
    free(buffer->cells);
}

static bool buffer_make(struct row_buffer *buffer, sqlite3_stmt *statement)
{
    size_t columns = (size_t)sqlite3_column_count(statement);
    *buffer = (struct row_buffer){
        .columns = columns,
        .headings = calloc(columns + 1, sizeof *buffer->headings),
        .cells = calloc(columns + 1, sizeof *buffer->cells),
    };
    if (!buffer->headings || !buffer->cells)
        return false;
    for (size_t i = 0; i < columns; i++) {
        const char *name = sqlite3_column_name(statement, (int)i);
        if (!name)
            return false;
        buffer->headings[i] = (struct heading){.name = name, .is_time = is_time_name(name)};
    }
    return true;
}

static struct text column_bytes(sqlite3_stmt *statement, int column)
{
    const char *data = sqlite3_column_blob(statement, column);
    return (struct text){data ? data : "", (size_t)sqlite3_column_bytes(statement, column)};
}

static struct cell read_cell(sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return cell_integer(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
        return (struct cell){.type = CELL_REAL, .real = sqlite3_column_double(statement, column)};
    case SQLITE_TEXT:
        return (struct cell){.type = CELL_TEXT, .bytes = column_bytes(statement, column)};
    case SQLITE_BLOB:
        return (struct cell){.type = CELL_BLOB, .bytes = column_bytes(statement, column)};
    default:
        return (struct cell){.type = CELL_NULL};
    }
}

static void buffer_read(struct row_buffer *buffer, sqlite3_stmt *statement)
{
    for (size_t i = 0; i < buffer->columns; i++)
        buffer->cells[i] = read_cell(statement, (int)i);
}

/* ---- whole results ---- */

static enum status too_large(const struct origin *origin)
{
    char message[128];
    snprintf(message, sizeof message,
             "the answer is larger than %zu MiB: add a LIMIT, or ask for CSV in a file",
             RESULT_LIMIT >> 20);
    complain_at(origin, message);
    return STATUS_ERROR;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* How many rows of an answer are kept: a person at the prompt does not read a million. */
static size_t rows_kept(const struct session *session)
{
    bool bounded =
        session->shown && session_for_person(session) && output_style(session->output)->terminal;
    return bounded ? session->shown : SIZE_MAX;
}

/* Counts the rows that are not kept, for a while. */
static int count_rest(sqlite3_stmt *statement, struct result *result)
{
    double end = seconds_now() + COUNTING;
    int rc = SQLITE_ROW;
    for (result->unseen = 1; !result->more; result->unseen++) {
        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW)
            return rc;
        result->more = result->unseen % 1024 == 0 && seconds_now() > end;
    }
    return SQLITE_DONE;
}

static enum status fetch(struct session *session, sqlite3_stmt *statement, struct result *result,
                         size_t keep, const struct origin *origin)
{
    struct row_buffer buffer;
    int rc = SQLITE_DONE;
    bool room =
        buffer_make(&buffer, statement) && result_begin(result, buffer.headings, buffer.columns);
    while (room && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        if (result->rows == keep) {
            rc = count_rest(statement, result);
            break;
        }
        buffer_read(&buffer, statement);
        room = result_add(result, buffer.cells);
    }
    buffer_free(&buffer);
    if (!room)
        return too_large(origin);
    return rc == SQLITE_DONE ? STATUS_OK : failed(session, origin, NULL);
}

void query_show(struct session *session, const struct result *result)
{
    FILE *out = output_file(session->output);
    if (session->sink) {
        session->sink(session, result);
        return;
    }
    session->rows += result->rows + result->unseen;
    if (result->rows > 0 || !session->options.quiet_if_empty)
        render_result(session_format(session), out, output_style(session->output), result);
    fflush(out);
}

enum status query_collect(struct session *session, sqlite3_stmt *statement, struct result *result,
                          const struct origin *origin)
{
    *result = (struct result){0};
    enum status status = fetch(session, statement, result, SIZE_MAX, origin);
    sqlite3_finalize(statement);
    return status;
}

/* The statement is ended here: nothing is open while the answer is written. */
static enum status answer_whole(struct session *session, sqlite3_stmt *statement,
                                const struct origin *origin)
{
    struct result result = {0};
    double begun = seconds_now();
    enum status status = fetch(session, statement, &result, rows_kept(session), origin);
    sqlite3_finalize(statement);
    session->took = seconds_now() - begun;
    if (status == STATUS_OK)
        query_show(session, &result);
    result_free(&result);
    if (status == STATUS_OK && stop_requested())
        return stopped(session, origin);
    return status;
}

/* ---- rows as they come ---- */

static enum status stream(struct session *session, sqlite3_stmt *statement, FILE *out,
                          struct row_buffer *buffer, const struct origin *origin)
{
    const struct format *format = session_format(session);
    struct rendering rendering = {
        .out = out,
        .style = output_style(session->output),
        .headings = buffer->headings,
        .columns = buffer->columns,
    };
    double begun = seconds_now();
    int rc = sqlite3_step(statement);
    bool wanted = rc == SQLITE_ROW || !session->options.quiet_if_empty;
    if (wanted)
        format->begin(&rendering);
    for (; rc == SQLITE_ROW; rc = sqlite3_step(statement), rendering.rows++) {
        buffer_read(buffer, statement);
        format->row(&rendering, buffer->cells);
    }
    session->rows += rendering.rows;
    session->took = seconds_now() - begun;
    if (rc != SQLITE_DONE)
        return failed(session, origin, NULL);
    if (wanted)
        format->end(&rendering);
    return STATUS_OK;
}

/* Ends the statement. */
static enum status answer_streaming(struct session *session, sqlite3_stmt *statement, FILE *out,
                                    const struct origin *origin)
{
    struct row_buffer buffer;
    enum status status = STATUS_ERROR;
    if (buffer_make(&buffer, statement))
        status = stream(session, statement, out, &buffer, origin);
    else
        complain_at(origin, "out of memory");
    buffer_free(&buffer);
    sqlite3_finalize(statement);
    return status;
}

/* For a reader who may keep us waiting. */
static enum status answer_spooled(struct session *session, sqlite3_stmt *statement,
                                  const struct origin *origin)
{
    struct spool *spool = spool_make();
    if (!spool) {
        sqlite3_finalize(statement);
        return STATUS_ERROR;
    }
    enum status status = answer_streaming(session, statement, spool_file(spool), origin);
    if (status == STATUS_OK && !spool_end(spool))
        status = STATUS_ERROR;
    if (status == STATUS_OK)
        spool_copy(spool, output_file(session->output));
    spool_free(spool);
    return status == STATUS_OK && stop_requested() ? stopped(session, origin) : status;
}

/* ---- statements ---- */

enum status query_answer(struct session *session, sqlite3_stmt *statement,
                         const struct origin *origin)
{
    if (session->sink || session_format(session)->whole || output_style(session->output)->terminal)
        return answer_whole(session, statement, origin);
    if (output_may_wait(session->output))
        return answer_spooled(session, statement, origin);
    return answer_streaming(session, statement, output_file(session->output), origin);
}

static enum status lacks_value(const char *name, const struct origin *origin)
{
    char message[192];
    snprintf(
        message, sizeof message,
        "nothing gives the parameter %.64s a value; --param NAME=VALUE or .param set NAME VALUE "
        "does",
        name ? name : "?");
    complain_at(origin, message);
    return STATUS_ERROR;
}

static enum status bind_parameters(const struct session *session, sqlite3_stmt *statement,
                                   const struct origin *origin)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
        const char *name = sqlite3_bind_parameter_name(statement, i);
        const char *text = name ? parameters_find(&session->parameters, name) : NULL;
        if (name && !text)
            text = saved_given(&session->options, name + 1);
        if (!text)
            return lacks_value(name, origin);
        parameter_bind(statement, i, text);
    }
    return STATUS_OK;
}

/* A person is told how long it took where they asked for it, or where it took long. */
static void tell_time(struct session *session, size_t rows)
{
    FILE *out = output_style(session->output)->terminal ? output_file(session->output) : stdout;
    if (!session->interactive || (!session->timer && session->took < LONG))
        return;
    fprintf(out, "Time: %.3f s, ", session->took);
    render_count(out, rows);
    fflush(out);
}

static enum status run_statement(struct session *session, sqlite3_stmt *statement,
                                 const struct origin *origin)
{
    size_t before = session->rows;
    enum status status = bind_parameters(session, statement, origin);
    if (status != STATUS_OK) {
        sqlite3_finalize(statement);
        return status;
    }
    status = query_answer(session, statement, origin);
    if (status == STATUS_OK)
        tell_time(session, session->rows - before);
    return status;
}

enum status query_prepare(struct session *session, const char *sql, const struct origin *origin,
                          sqlite3_stmt **statement, const char **tail)
{
    guard_refused();
    if (sqlite3_prepare_v2(session->db, sql, -1, statement, tail) == SQLITE_OK)
        return STATUS_OK;
    return failed(session, origin, sql);
}

static size_t count_lines(const char *start, const char *end)
{
    size_t lines = 0;
    for (; start < end; start++)
        lines += *start == '\n';
    return lines;
}

/* Where the statement at sql really begins, so that an error names that line. */
static const char *skip_space(const char *sql)
{
    while (isspace((unsigned char)*sql))
        sql++;
    return sql;
}

enum status query_run(struct session *session, const char *sql, const struct origin *origin)
{
    struct origin here = origin ? *origin : (struct origin){0};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && *sql) {
        const char *start = skip_space(sql), *tail = start;
        here.line += count_lines(sql, start);
        sqlite3_stmt *statement = NULL;
        status = query_prepare(session, start, &here, &statement, &tail);
        if (statement)
            status = run_statement(session, statement, &here);
        here.line += count_lines(start, tail);
        sql = tail;
    }
    return status;
}

/* ---- statements of our own ---- */

static void bind_or_null(sqlite3_stmt *statement, int i, int64_t value)
{
    if (value != INTEGER_NULL)
        sqlite3_bind_int64(statement, i, value);
}

static void bind_all(sqlite3_stmt *statement, const char *types, va_list arguments)
{
    for (int i = 1; *types; types++, i++) {
        if (*types == 'i')
            sqlite3_bind_int64(statement, i, va_arg(arguments, int64_t));
        else if (*types == 'n')
            bind_or_null(statement, i, va_arg(arguments, int64_t));
        else
            sqlite3_bind_text(statement, i, va_arg(arguments, const char *), -1, SQLITE_TRANSIENT);
    }
}

static enum status fetch_bound(struct session *session, struct result *result, const char *sql,
                               const char *types, va_list arguments)
{
    sqlite3_stmt *statement = NULL;
    guard_refused();
    if (sqlite3_prepare_v2(session->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return failed(session, NULL, NULL);
    bind_all(statement, types, arguments);
    enum status status = fetch(session, statement, result, SIZE_MAX, NULL);
    sqlite3_finalize(statement);
    return status;
}

enum status query_fetch(struct session *session, struct result *result, const char *sql,
                        const char *types, ...)
{
    va_list arguments;
    *result = (struct result){0};
    va_start(arguments, types);
    enum status status = fetch_bound(session, result, sql, types, arguments);
    va_end(arguments);
    return status;
}

enum status query_integer(struct session *session, int64_t *value, const char *sql,
                          const char *types, ...)
{
    struct result result = {0};
    va_list arguments;
    va_start(arguments, types);
    enum status status = fetch_bound(session, &result, sql, types, arguments);
    va_end(arguments);
    if (status == STATUS_OK && result.rows > 0 && result_row(&result, 0)->type == CELL_INTEGER)
        *value = result_row(&result, 0)->integer;
    result_free(&result);
    return status;
}

enum status query_need(struct session *session, const char *table)
{
    int64_t tables = 0;
    enum status status = query_integer(
        session, &tables, "SELECT count(*) FROM sqlite_schema WHERE name = ?1", "t", table);
    if (status != STATUS_OK || tables > 0)
        return status;
    complain("this store has no table %s: the spyqd that made it did not have it yet", table);
    return STATUS_ERROR;
}
