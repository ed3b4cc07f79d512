/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rows.h"

#define INTEGER_COLUMN(field) {#field, COLUMN_INTEGER, offsetof(CURRENT_ROW, field)},
#define TEXT_COLUMN(field)    {#field, COLUMN_TEXT, offsetof(CURRENT_ROW, field)},

/* The preprocessor can not pass the struct's name down to each column: CURRENT_ROW carries it. */
#define CURRENT_ROW struct row_host
static const struct column host_columns[] = {HOST_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_recorder
static const struct column recorder_columns[] = {RECORDER_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_probe
static const struct column probe_columns[] = {PROBE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_loss
static const struct column loss_columns[] = {LOSS_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_process
static const struct column process_columns[] = {PROCESS_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_exec
static const struct column exec_columns[] = {EXEC_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_trace
static const struct column trace_columns[] = {TRACE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_trace_link
static const struct column trace_link_columns[] = {TRACE_LINK_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_edge
static const struct column edge_columns[] = {EDGE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_listener
static const struct column listener_columns[] = {LISTENER_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_connection
static const struct column connection_columns[] = {CONNECTION_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_holder
static const struct column holder_columns[] = {HOLDER_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_dns_query
static const struct column dns_query_columns[] = {DNS_QUERY_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_file
static const struct column file_columns[] = {FILE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_privilege
static const struct column privilege_columns[] = {PRIVILEGE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_container
static const struct column container_columns[] = {CONTAINER_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_flag
static const struct column flag_columns[] = {FLAG_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_trace_score
static const struct column trace_score_columns[] = {
    TRACE_SCORE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_score_reason
static const struct column score_reason_columns[] = {
    SCORE_REASON_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_rule
static const struct column rule_columns[] = {RULE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_pair
static const struct column pair_columns[] = {PAIR_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
#undef CURRENT_ROW

#define ROW_TABLE(NAME, table, name, COLUMNS)                                                      \
    [ROW_##NAME] = {#table, name##_columns, sizeof(name##_columns) / sizeof(name##_columns[0]),    \
                    sizeof(struct row_##name)},
const struct table row_tables[ROW_KIND_COUNT] = {ROW_KINDS(ROW_TABLE)};

void row_clear(enum row_kind kind, void *columns)
{
    const struct table *table = &row_tables[kind];
    for (size_t i = 0; i < table->column_count; i++) {
        char *field = (char *)columns + table->columns[i].offset;
        if (table->columns[i].type == COLUMN_INTEGER)
            *(int64_t *)(void *)field = INTEGER_NULL;
        else
            *(struct text *)(void *)field = TEXT_NULL;
    }
}
