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

#define ROW_SHAPE(name, COLUMNS)                                                                   \
    static const struct column name##_columns[] = {COLUMNS(INTEGER_COLUMN, TEXT_COLUMN)};          \
    static const struct row_##name name##_cleared = {COLUMNS(INTEGER_CLEAR, TEXT_CLEAR)};          \
    static const unsigned short name##_texts[] = {COLUMNS(INTEGER_PLACE, TEXT_PLACE) ROW_TEXTS_END};

/* The preprocessor can not pass the struct's name down to each column: CURRENT_ROW carries it. */
#define CURRENT_ROW struct row_host
ROW_SHAPE(host, HOST_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_recorder
ROW_SHAPE(recorder, RECORDER_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_probe
ROW_SHAPE(probe, PROBE_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_loss
ROW_SHAPE(loss, LOSS_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_process
ROW_SHAPE(process, PROCESS_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_exec
ROW_SHAPE(exec, EXEC_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_trace
ROW_SHAPE(trace, TRACE_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_trace_link
ROW_SHAPE(trace_link, TRACE_LINK_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_edge
ROW_SHAPE(edge, EDGE_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_listener
ROW_SHAPE(listener, LISTENER_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_connection
ROW_SHAPE(connection, CONNECTION_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_holder
ROW_SHAPE(holder, HOLDER_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_dns_query
ROW_SHAPE(dns_query, DNS_QUERY_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_file
ROW_SHAPE(file, FILE_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_privilege
ROW_SHAPE(privilege, PRIVILEGE_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_container
ROW_SHAPE(container, CONTAINER_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_flag
ROW_SHAPE(flag, FLAG_COLUMNS)
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
ROW_SHAPE(rule, RULE_COLUMNS)
#undef CURRENT_ROW
#define CURRENT_ROW struct row_pair
ROW_SHAPE(pair, PAIR_COLUMNS)
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

const struct column *row_column(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

size_t row_copy_size(const struct table *table, const void *columns)
{
    size_t size = table->row_size;
    for (const unsigned short *place = table->texts; *place != ROW_TEXTS_END; place++) {
        const struct text *text = (const void *)((const char *)columns + *place);
        size += text->data ? text->length : 0;
    }
    return size;
}

void row_copy(const struct table *table, const void *columns, void *to)
{
    char *room = (char *)to + table->row_size;
    memcpy(to, columns, table->row_size);
    for (const unsigned short *place = table->texts; *place != ROW_TEXTS_END; place++) {
        struct text *text = (void *)((char *)to + *place);
        if (!text->data)
            continue;
        memcpy(room, text->data, text->length);
        text->data = room;
        room += text->length;
    }
}
