/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text and sets of columns that are met again and again become rows of `strings`, `contexts` and
 * `images`; what is written then is their number. Which numbers there are is known from memory
 * only: what has been forgotten there gets another, and the row with the first is left to be swept.
 */
#include <string.h>

#include "store_private.h"

/* What may be remembered of texts and sets. */
#define BYTES_MAX ((size_t)8 << 20)

/* A number is no shorter than these. */
#define LENGTH_MIN 4

/* The newest strings, which a restarted recorder will meet again. */
#define WARM_ROWS 8192

/* Keys of different use. Those of sets are above: one for each kind of row. */
enum { SPACE_TEXT, SPACE_JOINED, SPACE_SETS };

static int insert(sqlite3_stmt *statement, int64_t *number)
{
    sqlite3_step(statement);
    int code = sqlite3_reset(statement);
    if (code == SQLITE_OK)
        *number = sqlite3_last_insert_rowid(sqlite3_db_handle(statement));
    return code;
}

/* What a row takes besides its text, and a set of columns in all, about. */
#define ROW_BYTES 8
#define SET_BYTES 64

static int add_text(struct store *store, struct text text, int64_t *number)
{
    sqlite3_bind_text64(store->add_text, 1, text.data, text.length, SQLITE_STATIC, SQLITE_UTF8);
    int code = insert(store->add_text, number);
    sqlite3_clear_bindings(store->add_text);
    store->added += (int64_t)text.length + ROW_BYTES;
    if (code == SQLITE_OK)
        interned_put(store->interned, SPACE_TEXT, text.data, text.length, *number);
    return code;
}

int store_text_number(struct store *store, struct text text, int64_t *number)
{
    *number = 0;
    if (text.length < LENGTH_MIN || text.length > INTERNED_LENGTH_MAX)
        return SQLITE_OK;
    *number = interned_get(store->interned, SPACE_TEXT, text.data, text.length);
    if (*number)
        store_tidy_mark(store, STORE_TIDY_TEXT, *number);
    if (*number || !interned_met(store->interned, text.data, text.length))
        return SQLITE_OK;
    return add_text(store, text, number);
}

/* ---- arguments ---- */

/*
 * A JSON array of strings, joined by spaces, into the store's buffer, as the view `processes` does
 * it with string functions. Only where that can not go wrong: no escapes, all of it ASCII.
 */
static bool join(struct store *store, struct text array, struct text *joined)
{
    if (array.length < 4 || memcmp(array.data, "[\"", 2) != 0 ||
        memcmp(array.data + array.length - 2, "\"]", 2) != 0 ||
        !store_buffer_reserve(store, array.length))
        return false;
    const char *end = array.data + array.length - 2;
    size_t length = 0;
    for (const char *at = array.data + 2; at < end; at++) {
        if (*at == '\\' || *at < ' ' || *at > '~')
            return false;
        bool separates = *at == '"';
        if (separates && (end - at < 3 || memcmp(at, "\",\"", 3) != 0))
            return false;
        store->buffer[length++] = separates ? ' ' : *at;
        at += separates ? 2 : 0;
    }
    *joined = (struct text){store->buffer, length};
    return true;
}

int store_text_foresee(struct store *store, const struct row *row)
{
    if (row->kind != ROW_EXEC)
        return SQLITE_OK;
    struct text argv = ((const struct row_exec *)row->columns)->argv, joined;
    int64_t number = 0;
    if (!argv.data || argv.length < LENGTH_MIN || argv.length > INTERNED_LENGTH_MAX ||
        interned_get(store->interned, SPACE_TEXT, argv.data, argv.length))
        return SQLITE_OK;
    int code = add_text(store, argv, &number);
    if (code == SQLITE_OK && join(store, argv, &joined))
        interned_put(store->interned, SPACE_JOINED, joined.data, joined.length, number);
    return code;
}

int64_t store_text_joined(struct store *store, struct text text)
{
    int64_t number = interned_get(store->interned, SPACE_JOINED, text.data, text.length);
    store_tidy_mark(store, STORE_TIDY_TEXT, number);
    return number;
}

/* ---- sets of columns ---- */

bool store_buffer_reserve(struct store *store, size_t length)
{
    if (length <= store->buffer_size)
        return true;
    char *buffer = sqlite3_realloc64(store->buffer, length + 1024);
    if (!buffer)
        return false;
    store->buffer = buffer;
    store->buffer_size = length + 1024;
    return true;
}

static bool append(struct store *store, size_t *length, const void *bytes, size_t size)
{
    if (!store_buffer_reserve(store, *length + size))
        return false;
    if (size > 0)
        memcpy(store->buffer + *length, bytes, size);
    *length += size;
    return true;
}

/* The values, one after the other, in the store's buffer. */
static bool make_key(struct store *store, const struct store_table *table, const void *columns,
                     size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < table->folded_count; i++) {
        const struct store_field *field = &table->folded[i];
        const void *value = (const char *)columns + field->offset;
        int64_t integer;
        if (field->type == COLUMN_INTEGER) {
            integer = store_field_integer(field, columns);
            if (!append(store, length, &integer, sizeof(integer)))
                return false;
            continue;
        }
        const struct text *text = value;
        integer = text->data ? (int64_t)text->length : -1;
        if (!append(store, length, &integer, sizeof(integer)) ||
            (text->data && !append(store, length, text->data, text->length)))
            return false;
    }
    return true;
}

int store_set_number(struct store *store, enum row_kind kind, const void *columns, int64_t *number)
{
    const struct store_table *table = &store->tables[kind];
    char space = (char)(SPACE_SETS + kind);
    size_t length;
    if (!make_key(store, table, columns, &length))
        return SQLITE_NOMEM;
    *number = interned_get(store->interned, space, store->buffer, length);
    store_tidy_mark(store, (int)kind, *number);
    if (*number)
        return SQLITE_OK;
    int code = store_bind_set(store, kind, columns);
    if (code == SQLITE_OK)
        code = insert(table->add_set, number);
    sqlite3_clear_bindings(table->add_set);
    store->added += SET_BYTES;
    if (code == SQLITE_OK)
        interned_put(store->interned, space, store->buffer, length, *number);
    return code;
}

/* ---- from open to close ---- */

static int warm(struct store *store)
{
    sqlite3_stmt *row;
    int code = sqlite3_prepare_v2(
        store->db, "SELECT id, text FROM strings ORDER BY id DESC LIMIT ?1", -1, &row, NULL);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int(row, 1, WARM_ROWS);
    while (sqlite3_step(row) == SQLITE_ROW) {
        struct text joined, text = {(const char *)sqlite3_column_text(row, 1),
                                    (size_t)sqlite3_column_bytes(row, 1)};
        int64_t number = sqlite3_column_int64(row, 0);
        if (interned_bytes(store->interned) > BYTES_MAX / 4 || !text.data)
            continue;
        interned_put(store->interned, SPACE_TEXT, text.data, text.length, number);
        if (join(store, text, &joined))
            interned_put(store->interned, SPACE_JOINED, joined.data, joined.length, number);
    }
    return sqlite3_finalize(row);
}

int store_text_prepare(struct store *store)
{
    store->interned = interned_new(BYTES_MAX);
    if (!store->interned)
        return SQLITE_NOMEM;
    int code = sqlite3_prepare_v3(store->db, "INSERT INTO strings (text) VALUES (?1)", -1,
                                  SQLITE_PREPARE_PERSISTENT, &store->add_text, NULL);
    return code == SQLITE_OK ? warm(store) : code;
}

void store_text_forget(struct store *store)
{
    interned_clear(store->interned);
}

void store_text_finalize(struct store *store)
{
    store_tidy_stop(store);
    sqlite3_finalize(store->add_text);
    interned_free(store->interned);
    sqlite3_free(store->buffer);
}
