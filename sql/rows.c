/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rows.h"

#include <string.h>

/* For each table its columns, a row of NULLs, and where its texts are. */
#define INTEGER_COLUMN(field) {#field, COLUMN_INTEGER, offsetof(CURRENT_ROW, field)},
#define TEXT_COLUMN(field)    {#field, COLUMN_TEXT, offsetof(CURRENT_ROW, field)},

#define INTEGER_CLEAR(field) .field = INTEGER_NULL,
#define TEXT_CLEAR(field)    .field = {NULL, 0},

#define INTEGER_PLACE(field)
#define TEXT_PLACE(field) offsetof(CURRENT_ROW, field),

/* The preprocessor can not pass the struct's name down to each column: CURRENT_ROW carries it. */
#define CURRENT_ROW struct row_host
static const struct column host_columns[] = {HOST_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_host host_cleared = {HOST_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short host_texts[] = {HOST_COLUMNS(INTEGER_PLACE, TEXT_PLACE) ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_recorder
static const struct column recorder_columns[] = {RECORDER_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_recorder recorder_cleared = {RECORDER_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short recorder_texts[] = {RECORDER_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                    ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_probe
static const struct column probe_columns[] = {PROBE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_probe probe_cleared = {PROBE_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short probe_texts[] = {PROBE_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                 ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_loss
static const struct column loss_columns[] = {LOSS_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_loss loss_cleared = {LOSS_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short loss_texts[] = {LOSS_COLUMNS(INTEGER_PLACE, TEXT_PLACE) ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_process
static const struct column process_columns[] = {PROCESS_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_process process_cleared = {PROCESS_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short process_texts[] = {PROCESS_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                   ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_exec
static const struct column exec_columns[] = {EXEC_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_exec exec_cleared = {EXEC_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short exec_texts[] = {EXEC_COLUMNS(INTEGER_PLACE, TEXT_PLACE) ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_trace
static const struct column trace_columns[] = {TRACE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_trace trace_cleared = {TRACE_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short trace_texts[] = {TRACE_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                 ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_trace_link
static const struct column trace_link_columns[] = {TRACE_LINK_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_trace_link trace_link_cleared = {
    TRACE_LINK_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short trace_link_texts[] = {TRACE_LINK_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                      ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_edge
static const struct column edge_columns[] = {EDGE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_edge edge_cleared = {EDGE_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short edge_texts[] = {EDGE_COLUMNS(INTEGER_PLACE, TEXT_PLACE) ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_listener
static const struct column listener_columns[] = {LISTENER_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_listener listener_cleared = {LISTENER_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short listener_texts[] = {LISTENER_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                    ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_connection
static const struct column connection_columns[] = {CONNECTION_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_connection connection_cleared = {
    CONNECTION_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short connection_texts[] = {CONNECTION_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                      ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_holder
static const struct column holder_columns[] = {HOLDER_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_holder holder_cleared = {HOLDER_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short holder_texts[] = {HOLDER_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                  ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_dns_query
static const struct column dns_query_columns[] = {DNS_QUERY_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_dns_query dns_query_cleared = {
    DNS_QUERY_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short dns_query_texts[] = {DNS_QUERY_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                     ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_file
static const struct column file_columns[] = {FILE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_file file_cleared = {FILE_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short file_texts[] = {FILE_COLUMNS(INTEGER_PLACE, TEXT_PLACE) ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_privilege
static const struct column privilege_columns[] = {PRIVILEGE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_privilege privilege_cleared = {
    PRIVILEGE_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short privilege_texts[] = {PRIVILEGE_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                     ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_container
static const struct column container_columns[] = {CONTAINER_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_container container_cleared = {
    CONTAINER_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short container_texts[] = {CONTAINER_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                     ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_flag
static const struct column flag_columns[] = {FLAG_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_flag flag_cleared = {FLAG_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short flag_texts[] = {FLAG_COLUMNS(INTEGER_PLACE, TEXT_PLACE) ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_trace_score
static const struct column trace_score_columns[] = {
    TRACE_SCORE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_trace_score trace_score_cleared = {
    TRACE_SCORE_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short trace_score_texts[] = {TRACE_SCORE_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                       ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_score_reason
static const struct column score_reason_columns[] = {
    SCORE_REASON_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_score_reason score_reason_cleared = {
    SCORE_REASON_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short score_reason_texts[] = {SCORE_REASON_COLUMNS(INTEGER_PLACE, TEXT_PLACE)
                                                        ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_rule
static const struct column rule_columns[] = {RULE_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_rule rule_cleared = {RULE_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short rule_texts[] = {RULE_COLUMNS(INTEGER_PLACE, TEXT_PLACE) ROW_TEXTS_END};
#undef CURRENT_ROW
#define CURRENT_ROW struct row_pair
static const struct column pair_columns[] = {PAIR_COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};
static const struct row_pair pair_cleared = {PAIR_COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};
static const unsigned short pair_texts[] = {PAIR_COLUMNS(INTEGER_PLACE, TEXT_PLACE) ROW_TEXTS_END};
#undef CURRENT_ROW

#define ROW_TABLE(NAME, table, name, COLUMNS)                                                      \
    [ROW_##NAME] = {#table,                                                                        \
                    name##_columns,                                                                \
                    sizeof(name##_columns) / sizeof(name##_columns[0]),                            \
                    sizeof(struct row_##name),                                                     \
                    &name##_cleared,                                                               \
                    name##_texts},
const struct table row_tables[ROW_KIND_COUNT] = {ROW_KINDS(ROW_TABLE)};

void row_clear(enum row_kind kind, void *columns)
{
    memcpy(columns, row_tables[kind].cleared, row_tables[kind].row_size);
}
