/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the recorder and its store are: facts as rows of (section, name, value), which a person gets
 * as one paragraph for each section.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "complain.h"
#include "escape.h"
#include "query.h"
#include "recorder.h"
#include "schema_help.h"
#include "shown.h"

#define INDENT 12 /* columns of a section's name */

enum { FACT_SECTION, FACT_NAME, FACT_VALUE, FACT_COLUMNS };

/* The facts so far. Once something fails, the rest does nothing. */
struct facts {
    struct session *session;
    struct result result;
    const char *section;
    enum status status;
};

static void add(struct facts *facts, const char *name, struct cell value)
{
    struct cell row[FACT_COLUMNS] = {cell_text(facts->section), cell_text(name), value};
    if (facts->status == STATUS_OK && !result_add(&facts->result, row)) {
        complain("out of memory");
        facts->status = STATUS_ERROR;
    }
}

/* A fact that is unknown is not told. */
static void add_known(struct facts *facts, const char *name, struct cell value)
{
    if (value.type != CELL_NULL)
        add(facts, name, value);
}

/* Only columns named `_at` are shown as times; here the value's name says so, and this does it. */
static void add_time(struct facts *facts, const char *name, const struct cell *value)
{
    struct shown shown;
    if (value->type != CELL_INTEGER)
        return;
    if (facts->session->options.raw_times) {
        add(facts, name, *value);
        return;
    }
    show_cell(&shown, value, true, PRECISION_SECONDS);
    add(facts, name, (struct cell){.type = CELL_TEXT, .bytes = shown.text});
}

/* Each column of the first row of an answer is a fact named after it. */
static void add_columns(struct facts *facts, const char *sql, const char *types, int64_t argument)
{
    struct result found = {0};
    if (facts->status == STATUS_OK)
        facts->status = query_fetch(facts->session, &found, sql, types, argument);
    for (size_t i = 0; found.rows > 0 && i < found.columns; i++) {
        const struct cell *cell = result_row(&found, 0) + i;
        if (found.headings[i].is_time)
            add_time(facts, found.headings[i].name, cell);
        else
            add_known(facts, found.headings[i].name, *cell);
    }
    result_free(&found);
}

/* Each row of an answer of two columns is a fact: name, value. */
static void add_rows(struct facts *facts, const char *sql, const char *types, int64_t first,
                     int64_t second)
{
    struct result found = {0};
    if (facts->status == STATUS_OK)
        facts->status = query_fetch(facts->session, &found, sql, types, first, second);
    for (size_t i = 0; i < found.rows; i++) {
        const struct cell *row = result_row(&found, i);
        add(facts, row[0].type == CELL_TEXT ? row[0].bytes.data : "?", row[1]);
    }
    result_free(&found);
}

static void add_recorder(struct facts *facts)
{
    struct recorder recorder;
    facts->section = "recorder";
    facts->status = recorder_read(facts->session, &recorder);
    if (facts->status != STATUS_OK)
        return;
    add(facts, "state", cell_text(recorder.writing ? "writing" : "not writing"));
    add_known(facts, "why", cell_text(recorder.why));
    add_columns(facts,
                "SELECT pid, version, started_at, last_seen_at, "
                "duration(max(0, at('now') - last_seen_at)) AS last_seen_ago, ended_at, cgroup, "
                "nullif(late, 0) AS late_records "
                "FROM recorders WHERE id = ?1",
                "i", recorder.id);
}

static int64_t file_bytes(const char *path, const char *suffix)
{
    struct stat file = {0};
    char *name = sqlite3_mprintf("%s%s", path, suffix);
    int64_t bytes = name && stat(name, &file) == 0 ? file.st_size : 0;
    sqlite3_free(name);
    return bytes;
}

/* When a file was written last, ns; INTEGER_NULL: it is not there. */
static int64_t written_at(const char *path, const char *suffix)
{
    struct stat file;
    char *name = sqlite3_mprintf("%s%s", path, suffix);
    bool there = name && stat(name, &file) == 0 && file.st_size > 0;
    sqlite3_free(name);
    return there ? file.st_mtim.tv_sec * 1000000000LL + file.st_mtim.tv_nsec : INTEGER_NULL;
}

/* The newest write is in the log until it is moved to the store. */
static void add_last_write(struct facts *facts, const char *path)
{
    int64_t store = written_at(path, ""), log = written_at(path, "-wal");
    struct cell at = cell_integer(store > log ? store : log);
    add_time(facts, "written_at", &at);
}

static void add_store(struct facts *facts)
{
    const char *path = facts->session->path;
    facts->section = "store";
    add(facts, "path", cell_text(path));
    add(facts, "bytes", cell_integer(file_bytes(path, "")));
    add(facts, "wal_bytes", cell_integer(file_bytes(path, "-wal")));
    add_last_write(facts, path);
    add_columns(facts,
                "SELECT min(started_at) AS recording_since_at, max(last_seen_at) AS "
                "recorded_until_at, duration(max(last_seen_at) - min(started_at)) AS time_span "
                "FROM recorders",
                "", 0);
}

/*
 * To count the rows of a large table takes as long as to read all of one of its indexes: there the
 * number is estimated, from how many ids are taken in short runs of them that are evenly spread.
 */
#define FEW_IDS "100000"
#define RUNS    "128"
#define RUN     "32"

static const char few_sql[] = "SELECT coalesce((SELECT max(id) FROM \"%w\") - "
                              "(SELECT min(id) FROM \"%w\"), 0) < " FEW_IDS;
static const char count_sql[] = "SELECT count(*) FROM \"%w\"";
static const char estimate_sql[] =
    "WITH RECURSIVE span (low, high) AS (SELECT (SELECT min(id) FROM \"%w\"), "
    "  (SELECT max(id) - " RUN " FROM \"%w\")), "
    "run (number, start) AS (SELECT 0, low FROM span UNION ALL "
    "  SELECT number + 1, low + (high - low) / (" RUNS " - 1) * (number + 1) FROM run, span "
    "  WHERE number + 1 < " RUNS ") "
    "SELECT CAST(avg((SELECT count(*) FROM \"%w\" AS t WHERE t.id >= run.start "
    "  AND t.id < run.start + " RUN ")) / " RUN " * (SELECT high - low FROM span) AS INTEGER) "
    "FROM run";

/* The number that a query gives; each %w in it is the table. */
static int64_t ask_of(struct facts *facts, const char *format, const char *table)
{
    int64_t number = 0;
    /* format is one of ours */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    char *sql = sqlite3_mprintf(format, table, table, table);
#pragma GCC diagnostic pop
    if (!sql)
        facts->status = STATUS_ERROR;
    if (facts->status == STATUS_OK)
        facts->status = query_integer(facts->session, &number, sql, "");
    sqlite3_free(sql);
    return number;
}

/* Those whose rows can be counted, or the others; few: which of the tables are which. */
static void add_counts_of(struct facts *facts, const struct result *tables, const bool *few,
                          bool wanted)
{
    facts->section = wanted ? "rows" : "rows, about";
    for (size_t i = 0; facts->status == STATUS_OK && i < tables->rows; i++) {
        const char *table = result_row(tables, i)->bytes.data;
        if (few[i] == wanted)
            add(facts, table,
                cell_integer(ask_of(facts, wanted ? count_sql : estimate_sql, table)));
    }
}

static void add_counts(struct facts *facts)
{
    struct result tables = {0};
    if (facts->status == STATUS_OK)
        facts->status = query_fetch(
            facts->session, &tables,
            "SELECT name FROM sqlite_schema WHERE " SCHEMA_IS_SHOWN
            " AND name NOT IN ('sequences', 'changes', 'marks') AND (type = 'table' OR name IN "
            "('processes', 'execs', 'edges', 'connections')) ORDER BY rootpage",
            "");
    bool *few = calloc(tables.rows + 1, sizeof *few);
    if (!few)
        facts->status = STATUS_ERROR;
    for (size_t i = 0; few && i < tables.rows; i++)
        few[i] = ask_of(facts, few_sql, result_row(&tables, i)->bytes.data);
    if (few) {
        add_counts_of(facts, &tables, few, true);
        add_counts_of(facts, &tables, few, false);
    }
    free(few);
    result_free(&tables);
}

/* Losses that nobody could count are told apart: a sum would hide them. */
static void add_losses_of(struct facts *facts, const char *section, int64_t since, int64_t until)
{
    static const char sql[] =
        "SELECT class || '/' || stage, CASE WHEN count(count) = 0 THEN 'unknown' "
        "WHEN count(count) < count(*) THEN sum(count) || ' and unknown more' "
        "ELSE sum(count) END FROM losses WHERE ended_at >= ?1 AND started_at <= ?2 "
        "GROUP BY class, stage ORDER BY class, stage";
    facts->section = section;
    add_rows(facts, sql, "ii", since, until);
}

/* In the span that was asked for, or else in the last day; and ever. */
static void add_losses(struct facts *facts)
{
    const struct options *options = &facts->session->options;
    struct span span;
    int64_t day_ago = 0;
    if (facts->status == STATUS_OK && !session_span(facts->session, &span))
        facts->status = STATUS_USAGE;
    if (facts->status == STATUS_OK)
        facts->status = query_integer(facts->session, &day_ago, "SELECT ago('1d')", "");
    if (facts->status == STATUS_OK && (options->since || options->until))
        add_losses_of(facts, "lost, asked", span.since, span.until);
    else
        add_losses_of(facts, "lost, 24 h", day_ago, INT64_MAX);
    add_losses_of(facts, "lost, ever", INT64_MIN, INT64_MAX);
}

/* Of the newest run: how many there are, in each tier, and which could not be attached. */
static void add_probes(struct facts *facts)
{
#define NEWEST " recorder_id = (SELECT max(id) FROM recorders) "
    facts->section = "probes";
    add_columns(facts,
                "SELECT count(*) - count(error) AS attached, count(error) AS failed, "
                "nullif(sum(recursion_misses), 0) AS skipped FROM probes WHERE" NEWEST,
                "", 0);
    add_rows(facts,
             "SELECT tier || ' tier', (count(*) - count(error)) || ' of ' || count(*) FROM probes "
             "WHERE tier IS NOT NULL AND" NEWEST "GROUP BY tier ORDER BY tier",
             "", INTEGER_NULL, INTEGER_NULL);
    add_rows(facts,
             "SELECT coalesce(name, 'probe ' || id), error FROM probes WHERE error IS NOT NULL "
             "AND" NEWEST "ORDER BY name",
             "", INTEGER_NULL, INTEGER_NULL);
#undef NEWEST
}

/* Only where there are any: a recorder of before there were rules has none. */
static void add_rules(struct facts *facts)
{
    int64_t rules = 0;
    if (facts->status == STATUS_OK)
        facts->status = query_integer(
            facts->session, &rules, "SELECT count(*) FROM sqlite_schema WHERE name = 'rules'", "");
    if (!rules)
        return;
    facts->section = "rules";
    add_rows(facts,
             "SELECT state, count(*) FROM rules WHERE state <> 'removed' GROUP BY state "
             "ORDER BY state",
             "", INTEGER_NULL, INTEGER_NULL);
    add_rows(facts,
             "SELECT 'slowest, ' || name, (slowest_ns / 1000000) || ' ms' FROM rules "
             "WHERE state <> 'removed' AND slowest_ns > 0 ORDER BY slowest_ns DESC LIMIT 1",
             "", INTEGER_NULL, INTEGER_NULL);
    add_rows(facts,
             "SELECT name, error FROM rules WHERE state IN ('failed', 'suspended') ORDER BY name",
             "", INTEGER_NULL, INTEGER_NULL);
}

static void add_host(struct facts *facts)
{
    facts->section = "host";
    add_columns(facts,
                "SELECT hostname, os, kernel, arch, booted_at FROM hosts ORDER BY id DESC LIMIT 1",
                "", 0);
}

/* ---- for a person ---- */

static bool same_text(const struct cell *a, const struct cell *b)
{
    return a->bytes.length == b->bytes.length &&
           memcmp(a->bytes.data, b->bytes.data, a->bytes.length) == 0;
}

/* "name: value"; free the data. */
static struct text fact_text(const struct cell *row)
{
    char *data = NULL;
    size_t length = 0;
    struct shown value = {.text = {"NULL", 4}};
    FILE *memory = open_memstream(&data, &length);
    if (!memory)
        return TEXT_NULL;
    if (row[FACT_VALUE].type != CELL_NULL)
        show_cell(&value, &row[FACT_VALUE], false, PRECISION_SECONDS);
    fwrite(row[FACT_NAME].bytes.data, 1, row[FACT_NAME].bytes.length, memory);
    fputs(": ", memory);
    fwrite(value.text.data, 1, value.text.length, memory);
    fclose(memory);
    return (struct text){data, length};
}

/* Writes the section's name at the left, in bold where there is colour. */
static size_t begin_section(FILE *out, const struct style *style, const struct cell *section)
{
    fprintf(out, "%s%-*.*s%s", style->colour ? "\033[1m" : "", INDENT, (int)section->bytes.length,
            section->bytes.data, style->colour ? "\033[0m" : "");
    return INDENT;
}

/* Writes a fact after what is on the line already, or on a new line. Returns the line's width. */
static size_t put_fact(FILE *out, const struct style *style, const struct cell *row, size_t used)
{
    struct text text = fact_text(row);
    size_t room = style->width ? style->width : 80;
    size_t width = escape_width(text, style->utf8, SIZE_MAX - 1);
    if (used > INDENT && used + 3 + width > room) {
        fprintf(out, "\n%*s", INDENT, "");
        used = INDENT;
    } else if (used > INDENT) {
        fputs("   ", out);
        used += 3;
    }
    escape_print(out, text, style->utf8);
    free((char *)text.data);
    return used + width;
}

static void show_to_person(struct session *session, const struct result *result)
{
    FILE *out = output_file(session->output);
    const struct style *style = output_style(session->output);
    size_t used = 0;
    for (size_t i = 0; i < result->rows; i++) {
        const struct cell *row = result_row(result, i);
        bool same = i > 0 && same_text(row, result_row(result, i - 1));
        if (!same) {
            fputs(i > 0 ? "\n" : "", out);
            used = begin_section(out, style, &row[FACT_SECTION]);
        }
        used = put_fact(out, style, row, used);
    }
    fputc('\n', out);
    fflush(out);
}

static enum status status_run(struct session *session, char **operands)
{
    (void)operands;
    static const struct heading headings[] = {
        {.name = "section"}, {.name = "name"}, {.name = "value"}};
    struct facts facts = {.session = session};
    if (!result_begin(&facts.result, headings, FACT_COLUMNS))
        facts.status = STATUS_ERROR;
    add_recorder(&facts);
    add_host(&facts);
    add_store(&facts);
    add_counts(&facts);
    add_losses(&facts);
    add_probes(&facts);
    add_rules(&facts);
    if (facts.status == STATUS_OK && session_format(session) == &format_table)
        show_to_person(session, &facts.result);
    else if (facts.status == STATUS_OK)
        query_show(session, &facts.result);
    result_free(&facts.result);
    return facts.status;
}

const struct command command_status = {
    .name = "status",
    .arguments = "",
    .summary = "is it recording; losses",
    .help = "Whether the recorder is writing and when it was last heard of, the host, the store's\n"
            "size and time span, the rows of each table (all are counted: a moment on a large\n"
            "store), what could not be recorded in the last day (or between --since and --until)\n"
            "and ever, by class and stage, the kernel probes: how many in each tier, and which\n"
            "could not be attached, and the rules that are not run and why.\n"
            "Example:  status --json\n",
    .takes = OPTIONS_SPAN,
    .run = status_run,
};
