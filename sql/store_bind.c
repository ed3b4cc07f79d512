/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a row struct to the columns of the table that holds it, as layout.c has them. */
#include <string.h>

#include "layout.h"
#include "statement.h"
#include "store_private.h"

/* ---- values ---- */

static int64_t base_of(const struct store_field *field, const void *columns)
{
    if (field->base < 0)
        return field->constant;
    int64_t base = *(const int64_t *)(const void *)((const char *)columns + field->base);
    return base == INTEGER_NULL ? 0 : base;
}

int64_t store_field_integer(const struct store_field *field, const void *columns)
{
    int64_t value = *(const int64_t *)(const void *)((const char *)columns + field->offset);
    int64_t base, offset;
    if (value == INTEGER_NULL)
        return value;
    switch (field->as) {
    case STORED_OFFSET:
        base = base_of(field, columns);
        return __builtin_sub_overflow(value, base, &offset) ? STORE_OUT_OF_RANGE : offset;
    case STORED_FOLDED_OFFSET:
        base = base_of(field, columns);
        return __builtin_sub_overflow(base, value, &offset) ? STORE_OUT_OF_RANGE : offset;
    default:
        return value;
    }
}

/* The inode in `pipe:[88123]`; 0: it is no such text. */
static int64_t pipe_inode(struct text text)
{
    static const char begin[] = "pipe:[";
    size_t skip = sizeof(begin) - 1;
    int64_t inode = 0;
    if (text.length < skip + 2 || text.length > skip + 18 || memcmp(text.data, begin, skip) != 0 ||
        text.data[skip] == '0' || text.data[text.length - 1] != ']')
        return 0;
    for (size_t i = skip; i < text.length - 1; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        inode = inode * 10 + (text.data[i] - '0');
    }
    return inode;
}

/* The word's place; -1: it is none. */
static int64_t word_number(const char *const *words, struct text text)
{
    for (int64_t i = 0; words[i]; i++)
        if (strlen(words[i]) == text.length && memcmp(words[i], text.data, text.length) == 0)
            return i;
    return -1;
}

/* What stands for the text. *is_number: whether anything does. */
static int number_of(struct store *store, const struct store_field *field, struct text text,
                     int64_t *number, bool *is_number)
{
    int code = SQLITE_OK;
    *number = 0;
    switch (field->as) {
    case STORED_WORD:
        *number = word_number(field->words, text);
        *is_number = *number >= 0;
        return SQLITE_OK;
    case STORED_PIPE:
        *number = -pipe_inode(text);
        break;
    case STORED_JOINED:
        *number = -store_text_joined(store, text);
        break;
    case STORED_TEXT:
        break;
    default:
        *is_number = false;
        return SQLITE_OK;
    }
    if (*number == 0)
        code = store_text_number(store, text, number);
    *is_number = *number != 0;
    return code;
}

static int text_value(struct store *store, const struct store_field *field, struct text text,
                      struct store_value *value)
{
    int64_t number;
    bool is_number;
    *value = (struct store_value){INTEGER_NULL, TEXT_NULL};
    if (!text.data)
        return SQLITE_OK;
    int code = number_of(store, field, text, &number, &is_number);
    if (is_number)
        value->integer = number;
    else
        value->text = text;
    return code;
}

static int field_value(struct store *store, const struct store_field *field, const void *columns,
                       struct store_value *value)
{
    const void *column = (const char *)columns + field->offset;
    if (field->type == COLUMN_TEXT)
        return text_value(store, field, *(const struct text *)column, value);
    *value = (struct store_value){store_field_integer(field, columns), TEXT_NULL};
    if (value->integer == STORE_OUT_OF_RANGE) /* the schema refuses it, and says which column */
        value->text = (struct text){"out of range", 12};
    return SQLITE_OK;
}

int store_row_values(struct store *store, const struct row *row, struct store_value *values)
{
    const struct store_table *table = &store->tables[row->kind];
    int code = SQLITE_OK;
    for (size_t i = 0; i < table->field_count && code == SQLITE_OK; i++)
        code = field_value(store, &table->fields[i], row->columns, &values[i]);
    if (code != SQLITE_OK || table->folded_count == 0)
        return code;
    values[table->field_count].text = TEXT_NULL;
    return store_set_number(store, row->kind, row->columns, &values[table->field_count].integer);
}

/* ---- statements with parameters ---- */

static int bind(sqlite3_stmt *statement, int index, const struct store_value *value)
{
    if (value->text.data)
        return sqlite3_bind_text64(statement, index, value->text.data, value->text.length,
                                   SQLITE_STATIC, SQLITE_UTF8);
    if (value->integer == INTEGER_NULL)
        return sqlite3_bind_null(statement, index);
    return sqlite3_bind_int64(statement, index, value->integer);
}

int store_bind_set(struct store *store, enum row_kind kind, const void *columns)
{
    const struct store_table *table = &store->tables[kind];
    int code = SQLITE_OK;
    for (size_t i = 0; i < table->folded_count && code == SQLITE_OK; i++) {
        struct store_value value;
        code = field_value(store, &table->folded[i], columns, &value);
        if (code == SQLITE_OK)
            code = bind(table->add_set, (int)i + 1, &value);
    }
    return code;
}

int store_bind_update(struct store *store, const struct row *row)
{
    const struct store_table *table = &store->tables[row->kind];
    int code = SQLITE_OK;
    for (size_t i = 0; i < table->field_count && code == SQLITE_OK; i++) {
        struct store_value value;
        code = field_value(store, &table->fields[i], row->columns, &value);
        if (code == SQLITE_OK)
            code = bind(table->put, (int)i + 1, &value);
    }
    return code;
}

/* ---- statements ---- */

static void add_field(struct store_table *table, const struct table *shape, size_t i,
                      const struct stored *stored)
{
    bool folded = stored->as == STORED_FOLDED || stored->as == STORED_FOLDED_OFFSET;
    const struct column *base = stored->base ? row_column(shape, stored->base) : NULL;
    struct store_field *field =
        folded ? &table->folded[table->folded_count++] : &table->fields[table->field_count++];
    *field = (struct store_field){
        .name = stored->name,
        .as = stored->as,
        .type = shape->columns[i].type,
        .offset = shape->columns[i].offset,
        .base = base ? (ptrdiff_t)base->offset : -1,
        .constant = stored->constant,
        .words = stored->words,
    };
}

static void append_names(sqlite3_str *sql, const struct store_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", fields[i].name);
}

static void append_numbers(sqlite3_str *sql, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sqlite3_str_appendf(sql, "%s?%d", i ? ", " : "", (int)i + 1);
}

/* Columns of a new trace that others write later, and what they are until then. */
#define TRACE_BEGINS   ", flag_count, pinned"
#define TRACE_BEGIN_AS ", 0, 0"

/* "id", "a", and the number of the set where there is one. */
static void append_columns(sqlite3_str *sql, const struct store_table *table)
{
    append_names(sql, table->fields, table->field_count);
    if (table->number)
        sqlite3_str_appendf(sql, ", \"%w\"", table->number);
}

/*
 * INSERT OR FAIL INTO "t" ("id", "a") SELECT "id", "a" FROM "feed" WHERE true
 * ON CONFLICT ("id") DO UPDATE SET "a" = excluded."a"
 *
 * What fails takes the transaction with it, so that nothing has to be kept to undo half a
 * statement. The WHERE keeps ON from being taken for that of a join.
 */
static char *upsert_sql(enum row_kind kind, const struct store_table *table)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    const char *number = table->number;
    bool is_trace = kind == ROW_TRACE;
    sqlite3_str_appendf(sql, "INSERT OR FAIL INTO \"%w\" (", layout_table(kind));
    append_columns(sql, table);
    sqlite3_str_appendf(sql, "%s) SELECT ", is_trace ? TRACE_BEGINS : "");
    append_columns(sql, table);
    sqlite3_str_appendf(sql, "%s FROM \"" STORE_FEED "%w\"", is_trace ? TRACE_BEGIN_AS : "",
                        row_tables[kind].name);
    sqlite3_str_appendall(sql, " WHERE true ON CONFLICT (\"id\") DO UPDATE SET ");
    for (size_t i = 1; i < table->field_count; i++)
        sqlite3_str_appendf(sql, "%s\"%w\" = excluded.\"%w\"", i > 1 ? ", " : "",
                            table->fields[i].name, table->fields[i].name);
    if (number)
        sqlite3_str_appendf(sql, ", \"%w\" = excluded.\"%w\"", number, number);
    return sqlite3_str_finish(sql);
}

/* UPDATE "t" SET "a" = ?2 WHERE "id" = ?1: for the columns of somebody else's row. */
static char *update_sql(enum row_kind kind, const struct store_table *table)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "UPDATE \"%w\" SET ", layout_table(kind));
    for (size_t i = 1; i < table->field_count; i++)
        sqlite3_str_appendf(sql, "%s\"%w\" = ?%d", i > 1 ? ", " : "", table->fields[i].name,
                            (int)i + 1);
    sqlite3_str_appendall(sql, " WHERE \"id\" = ?1");
    return sqlite3_str_finish(sql);
}

static char *add_set_sql(enum row_kind kind, const struct store_table *table)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "INSERT INTO \"%w\" (", layouts[kind].folded);
    append_names(sql, table->folded, table->folded_count);
    sqlite3_str_appendall(sql, ") VALUES (");
    append_numbers(sql, table->folded_count);
    sqlite3_str_appendall(sql, ")");
    return sqlite3_str_finish(sql);
}

int store_bind_prepare(struct store *store, enum row_kind kind)
{
    struct store_table *table = &store->tables[kind];
    const struct table *shape = &row_tables[kind];
    for (size_t i = 0; i < shape->column_count; i++) {
        struct stored stored = layout_of(kind, &shape->columns[i]);
        add_field(table, shape, i, &stored);
    }
    table->number = layouts[kind].number;
    if (kind == ROW_TRACE_SCORE)
        return statement_prepare(store->db, update_sql(kind, table), &table->put);
    int code = store_feed_create(store, table, shape->name);
    if (code == SQLITE_OK)
        code = statement_prepare(store->db, upsert_sql(kind, table), &table->put);
    if (code == SQLITE_OK && layouts[kind].folded)
        code = statement_prepare(store->db, add_set_sql(kind, table), &table->add_set);
    return code;
}

void store_bind_finalize(struct store *store)
{
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++) {
        sqlite3_finalize(store->tables[kind].put);
        sqlite3_finalize(store->tables[kind].add_set);
    }
}
