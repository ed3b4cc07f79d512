/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../../sql/store.h"
#include "failing_vfs.h"
#include "scratch.h"

#define STORE scratch_path("spyq.db")

#define NUMBER_OF(x) #x
#define NUMBER(x)    NUMBER_OF(x)

static struct text text(const char *string)
{
    return (struct text){string, strlen(string)};
}

static struct row_process process(int64_t id, int64_t host_id)
{
    struct row_process row;
    row_clear(ROW_PROCESS, &row);
    row.id = id;
    row.host_id = host_id;
    row.pid = 1000 + id;
    row.started_at = 100 + id;
    row.origin = text("event");
    return row;
}

static struct row_connection connection(int64_t id, int64_t host_id)
{
    struct row_connection row;
    row_clear(ROW_CONNECTION, &row);
    row.id = id;
    row.host_id = host_id;
    row.protocol = text("tcp");
    row.state = text("open");
    row.origin = text("scan");
    return row;
}

static struct row_listener listener(int64_t id, int64_t host_id, int64_t process_id)
{
    struct row_listener row;
    row_clear(ROW_LISTENER, &row);
    row.id = id;
    row.host_id = host_id;
    row.process_id = process_id;
    row.protocol = text("tcp");
    row.origin = text("scan");
    return row;
}

static struct row_host boot(const char *boot_id, int64_t last_seen_at)
{
    struct row_host row;
    row_clear(ROW_HOST, &row);
    row.machine_id = text("machine");
    row.boot_id = text(boot_id);
    row.first_seen_at = 50;
    row.last_seen_at = last_seen_at;
    return row;
}

static struct store *open_store(void)
{
    struct store_error error;
    struct store *store = store_open(STORE, &error);
    if (!store)
        fail_msg("%s", error.message);
    assert_int_equal(error.status, STORE_OK);
    return store;
}

static void write_row(struct store *store, enum row_kind kind, const void *columns)
{
    if (store_write(store, &(struct row){kind, columns}, 1) != STORE_OK)
        fail_msg("%s", store_failure(store)->message);
}

static sqlite3 *open_reader(void)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(STORE, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    return db;
}

/* The first column of the first row as text, "NULL" or "(no row)"; valid until the next call. */
static const char *query(sqlite3 *db, const char *sql)
{
    static char answer[256];
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    const char *value = "(no row)";
    if (sqlite3_step(statement) == SQLITE_ROW) {
        value = (const char *)sqlite3_column_text(statement, 0);
        value = value ? value : "NULL";
    }
    snprintf(answer, sizeof(answer), "%s", value);
    sqlite3_finalize(statement);
    return answer;
}

static void assert_query(const char *sql, const char *expected)
{
    sqlite3 *db = open_reader();
    assert_string_equal(query(db, sql), expected);
    sqlite3_close(db);
}

/* ---- opening ---- */

static void a_new_store_is_complete_and_private(void **state)
{
    (void)state;
    mode_t before = umask(0);
    struct store *store = open_store();
    struct row_process row = process(1, 1);
    write_row(store, ROW_PROCESS, &row);
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock"};
    for (size_t i = 0; i < 4; i++) {
        char name[32];
        struct stat status;
        snprintf(name, sizeof(name), "spyq.db%s", suffixes[i]);
        assert_int_equal(stat(scratch_path(name), &status), 0);
        assert_int_equal(status.st_mode & 07777, 0640);
    }
    umask(before);
    assert_query("PRAGMA application_id", "1397774673");
    assert_query("PRAGMA user_version", NUMBER(STORE_SCHEMA_VERSION));
    assert_query("PRAGMA journal_mode", "wal");
    assert_query("PRAGMA auto_vacuum", "2");
    assert_query("SELECT count(*) FROM gaps", "0");
    assert_int_equal(access(scratch_path("spyq.db-new"), F_OK), -1);
    store_close(store);
    store_close(NULL);
}

static void a_narrow_umask_keeps_the_group_in(void **state)
{
    (void)state;
    mode_t before = umask(0777);
    struct store *store = open_store();
    umask(before);
    struct stat status;
    assert_int_equal(stat(STORE, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    store_close(store);
}

struct snapshot {
    char bytes[1 << 18];
    size_t size;
    struct stat status;
};

static void take_snapshot(const char *path, struct snapshot *snapshot)
{
    memset(snapshot, 0, sizeof(*snapshot));
    assert_int_equal(stat(path, &snapshot->status), 0);
    FILE *file = S_ISREG(snapshot->status.st_mode) ? fopen(path, "r") : NULL;
    if (!file)
        return;
    snapshot->size = fread(snapshot->bytes, 1, sizeof(snapshot->bytes), file);
    fclose(file);
}

/* Opening path fails with that status and a message with those words, and changes nothing. */
static void assert_refused(const char *path, enum store_status status, const char *words)
{
    static struct snapshot before, after;
    struct store_error error;
    take_snapshot(path, &before);
    assert_null(store_open(path, &error));
    take_snapshot(path, &after);
    if (!strstr(error.message, path) || !strstr(error.message, words))
        fail_msg("`%s' lacks `%s' or `%s'", error.message, path, words);
    assert_int_equal(error.status, status);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.bytes, after.bytes, before.size);
    assert_int_equal(before.status.st_mtim.tv_nsec, after.status.st_mtim.tv_nsec);
    assert_int_equal(before.status.st_ino, after.status.st_ino);
}

static void write_file(const char *path, const char *contents)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(contents, file);
    fclose(file);
}

static void change_store(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(STORE, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void what_is_no_store_is_refused_untouched(void **state)
{
    (void)state;
    write_file(scratch_path("empty"), "");
    write_file(scratch_path("short"), "SQLite format 3");
    write_file(scratch_path("text"), "It is a truth universally acknowledged that a file of more "
                                     "than a hundred bytes need not be a database of any kind.");
    assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
    assert_refused(scratch_path("empty"), STORE_NOT_OURS, "an empty file");
    assert_refused(scratch_path("short"), STORE_NOT_OURS, "not a database");
    assert_refused(scratch_path("text"), STORE_NOT_OURS, "not a database");
    assert_refused(scratch_path("fifo"), STORE_NOT_OURS, "not a regular file");
    assert_refused(scratch, STORE_NOT_OURS, "a directory");
    assert_int_equal(access(scratch_path("text-lock"), F_OK), -1);
}

static void another_programs_database_is_refused_untouched(void **state)
{
    (void)state;
    change_store("CREATE TABLE precious (a); INSERT INTO precious VALUES (1)");
    assert_refused(STORE, STORE_NOT_OURS, "another program's database");
    change_store("PRAGMA journal_mode = WAL");
    assert_refused(STORE, STORE_NOT_OURS, "another program's database");
    assert_int_equal(access(scratch_path("spyq.db-lock"), F_OK), -1);
    assert_query("SELECT a FROM precious", "1");
}

static void other_schema_versions_are_refused_untouched(void **state)
{
    (void)state;
    store_close(open_store());
    change_store("PRAGMA user_version = 999; PRAGMA wal_checkpoint");
    assert_refused(STORE, STORE_NEWER,
                   "newer spyq (schema 999, this one knows " NUMBER(STORE_SCHEMA_VERSION) ")");
    change_store("PRAGMA user_version = 0; PRAGMA wal_checkpoint");
    assert_refused(STORE, STORE_NOT_OURS, "schema 0");
}

/* A newer spyq was killed: its version is in the log, not yet in the file. */
static void a_newer_version_is_seen_in_the_log(void **state)
{
    (void)state;
    store_close(open_store());
    sqlite3 *db;
    assert_int_equal(sqlite3_open(STORE, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_refused(STORE, STORE_NEWER, "newer spyq (schema 999");
}

static void a_truncated_store_is_refused_untouched(void **state)
{
    (void)state;
    store_close(open_store());
    assert_int_equal(truncate(STORE, 3 * 4096), 0);
    assert_refused(STORE, STORE_DAMAGED, "malformed");
    assert_int_equal(truncate(STORE, 50), 0);
    assert_refused(STORE, STORE_NOT_OURS, "not a database");
}

static void what_is_in_the_way_is_moved_aside(void **state)
{
    (void)state;
    char to[200];
    struct store_error error;
    struct stat file;
    store_close(open_store());
    assert_int_equal(truncate(STORE, 3 * 4096), 0);
    assert_int_equal(store_move_aside(STORE, to, sizeof(to), &error), STORE_OK);
    assert_int_equal(strncmp(to, STORE, strlen(STORE)), 0);
    assert_int_equal(stat(to, &file), 0);
    assert_int_equal(file.st_size, 3 * 4096);
    assert_int_equal(stat(STORE, &file), -1);
    assert_int_equal(stat(scratch_path("spyq.db-wal"), &file), -1);
    /* Another recorder's is not, nor is what is no file at all. */
    struct store *store = open_store();
    assert_int_equal(store_move_aside(STORE, to, sizeof(to), &error), STORE_LOCKED);
    store_close(store);
    assert_int_equal(store_move_aside(scratch, to, sizeof(to), &error), STORE_NOT_OURS);
    assert_int_equal(symlink("spyq.db", scratch_path("link.db")), 0);
    assert_int_equal(store_move_aside(scratch_path("link.db"), to, sizeof(to), &error),
                     STORE_NOT_OURS);
    assert_int_equal(stat(STORE, &file), 0);
}

static void a_store_without_a_table_is_refused(void **state)
{
    (void)state;
    store_close(open_store());
    change_store("DROP TABLE exec_rows; PRAGMA wal_checkpoint");
    assert_refused(STORE, STORE_ERROR, "no such table: exec_rows");
}

/* Run in a child, as somebody who is not root. Returns what its exit status should be: 0. */
static int as_nobody(int (*check)(void))
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(99);
        _exit(check());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int opening_is_denied(void)
{
    struct store_error error;
    if (store_open(STORE, &error))
        return 1;
    return error.status == STORE_ERROR && strstr(error.message, "Permission denied") ? 0 : 2;
}

static void unwritable_places_are_named(void **state)
{
    (void)state;
    struct store_error error;
    assert_null(store_open(scratch_path("none/spyq.db"), &error));
    assert_int_equal(error.status, STORE_ERROR);
    assert_non_null(strstr(error.message, "none/spyq.db: No such file or directory"));
    chmod(scratch, 0555);
    assert_int_equal(as_nobody(opening_is_denied), 0); /* no place for a new one */
    chmod(scratch, 0755);
    store_close(open_store());
    chmod(STORE, 0444);
    assert_int_equal(as_nobody(opening_is_denied), 0); /* a file that is read-only */
    if (geteuid() == 0)
        assert_int_equal(chown(STORE, 65534, 65534), 0);
    chmod(STORE, 0);
    assert_int_equal(as_nobody(opening_is_denied), 0);
}

static void a_path_too_long_is_an_error(void **state)
{
    (void)state;
    char path[6000] = "/tmp/";
    memset(path + 5, 'a', sizeof(path) - 6);
    struct store_error error;
    assert_null(store_open(path, &error));
    assert_int_equal(error.status, STORE_ERROR);
}

static void the_second_recorder_learns_who_is_the_first(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct store_error error;
    char expected[200];
    snprintf(expected, sizeof(expected), "another recorder (pid %d) writes %s", (int)getpid(),
             STORE);
    assert_null(store_open(STORE, &error));
    assert_int_equal(error.status, STORE_LOCKED);
    assert_string_equal(error.message, expected);
    assert_int_equal(symlink("spyq.db", scratch_path("alias.db")), 0);
    assert_null(store_open(scratch_path("alias.db"), &error));
    assert_int_equal(error.status, STORE_LOCKED);
    assert_string_equal(error.message, expected);
    store_close(store);
    store_close(open_store());
}

static void a_lock_file_that_is_a_link_is_not_followed(void **state)
{
    (void)state;
    write_file(scratch_path("victim"), "precious");
    assert_int_equal(symlink("victim", scratch_path("spyq.db-lock")), 0);
    struct store_error error;
    assert_null(store_open(STORE, &error));
    assert_int_equal(error.status, STORE_ERROR);
    assert_non_null(strstr(error.message, "spyq.db-lock: cannot lock"));
    struct stat status;
    assert_int_equal(stat(scratch_path("victim"), &status), 0);
    assert_int_equal(status.st_size, 8);
}

static void leftovers_of_a_killed_creation_are_no_obstacle(void **state)
{
    (void)state;
    write_file(scratch_path("spyq.db-new"), "half a store");
    write_file(scratch_path("spyq.db-new-journal"), "half a journal");
    store_close(open_store());
    assert_query("PRAGMA integrity_check", "ok");
    assert_int_equal(access(scratch_path("spyq.db-new"), F_OK), -1);
}

/* Whichever write of the creation fails: there is no store, and nothing else either. */
static void creation_is_all_or_nothing_on_a_full_disk(void **state)
{
    (void)state;
    struct store_error error;
    struct store *store = NULL;
    int writes = 0;
    for (; !store && writes < 1000; writes++) {
        failing_vfs_writes_left = writes;
        store = store_open(STORE, &error);
        failing_vfs_writes_left = -1;
        if (!store && access(STORE, F_OK) == 0)
            break; /* created, and then could not be opened: found below to be whole */
        if (!store) {
            assert_int_equal(error.status, STORE_FULL);
            assert_non_null(strstr(error.message, "full"));
            assert_int_equal(access(scratch_path("spyq.db-new"), F_OK), -1);
        }
    }
    assert_in_range(writes, 10, 999);
    store_close(store ? store : open_store());
    assert_query("PRAGMA integrity_check", "ok");
}

static int read_as_member_of_the_group(void)
{
    sqlite3 *db;
    if (sqlite3_open_v2(STORE, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        return 1;
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, "SELECT count(*) FROM processes", -1, &statement, NULL) != SQLITE_OK)
        return 2;
    int count = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count == 1 ? 0 : 3;
}

/* The group may read, and may write neither the files nor the directory. */
static void the_group_reads_a_live_store_and_a_closed_one(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* nobody else to be */
    assert_int_equal(chmod(scratch, 0755), 0);
    store_close(open_store());
    assert_int_equal(chown(STORE, 0, 65534), 0);
    static const char *const others[] = {"spyq.db-wal", "spyq.db-shm"};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(chown(scratch_path(others[i]), 0, 65534), 0);
    struct store *store = open_store();
    struct row_process row = process(1, 1);
    write_row(store, ROW_PROCESS, &row);
    assert_int_equal(as_nobody(read_as_member_of_the_group), 0);
    store_close(store);
    assert_int_equal(as_nobody(read_as_member_of_the_group), 0);
}

/* ---- writing ---- */

static void rows_of_all_kinds_come_back_as_they_went(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct row_host host = boot("a", 60);
    host.id = 1;
    struct row_recorder recorder = {.id = 2, .host_id = 1, .pid = 3, .version = text("0.1")};
    struct row_probe probe = {.id = 3, .recorder_id = 2, .name = text("fork")};
    struct row_loss loss = {4,         5,        6, text("network"), text("ring"), INTEGER_NULL,
                            TEXT_NULL, TEXT_NULL};
    struct row_process p = process(5, 1);
    struct row_exec exec = {.id = 6, .process_id = 5, .at = 7, .argv = text("[]")};
    struct row_edge edge = {7, 1, 8, 9, 1, text("fork"), 5, 5, INTEGER_NULL, 0, TEXT_NULL, 0};
    struct row_listener l = listener(8, 1, 5);
    struct row_connection c = connection(9, 1);
    struct row_container container = {.container_id = text("c")};
    struct row_privilege privilege = {.process_id = 5, .at = 7, .kind = text("caps")};
    struct row_holder holder = {.connection_id = 9, .process_id = 5, .at = 7, .how = text("stdio")};
    struct row_dns_query dns = {.process_id = 5, .at = 7};
    struct row_file file = {.process_id = 5, .at = 7, .op = text("write")};
    struct row_trace trace = {.host_id = 1, .kind = text("login")};
    struct row_trace_link link = {.host_id = 1, .kind = text("fork")};
    struct row_flag flag = {.at = 7, .rule = text("r"), .severity = text("low")};
    struct row_trace_score score = {.flag_count = 3, .severity = text("low")};
    struct row_score_reason reason = {.trace_id = 1, .reason = text("why")};
    struct row_rule rule = {.name = text("r"), .state = text("active")};
    struct row_pair pair = {.kind = text("k"), .a = text("a"), .b = text("b")};
    void *columns[ROW_KIND_COUNT] = {
        [ROW_FLAG] = &flag,           [ROW_TRACE_SCORE] = &score,   [ROW_SCORE_REASON] = &reason,
        [ROW_RULE] = &rule,           [ROW_PAIR] = &pair,           [ROW_HOST] = &host,
        [ROW_RECORDER] = &recorder,   [ROW_PROBE] = &probe,         [ROW_LOSS] = &loss,
        [ROW_PROCESS] = &p,           [ROW_EXEC] = &exec,           [ROW_EDGE] = &edge,
        [ROW_CONTAINER] = &container, [ROW_PRIVILEGE] = &privilege, [ROW_LISTENER] = &l,
        [ROW_HOLDER] = &holder,       [ROW_CONNECTION] = &c,        [ROW_DNS_QUERY] = &dns,
        [ROW_FILE] = &file,           [ROW_TRACE] = &trace,         [ROW_TRACE_LINK] = &link,
    };
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        *(int64_t *)columns[kind] = kind + 1; /* the id comes first */
    score.id = trace.id;
    struct row rows[ROW_KIND_COUNT];
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        rows[kind] = (struct row){(enum row_kind)kind, columns[kind]};
    assert_int_equal(store_write(store, rows, ROW_KIND_COUNT), STORE_OK);
    assert_int_equal(store_failure(store)->status, STORE_OK);
    sqlite3 *db = open_reader();
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++) {
        char sql[80], id[8];
        snprintf(sql, sizeof(sql), "SELECT id FROM %s", row_tables[kind].name);
        snprintf(id, sizeof(id), "%d", (kind == ROW_TRACE_SCORE ? ROW_TRACE : kind) + 1);
        assert_string_equal(query(db, sql), id);
    }
    assert_string_equal(query(db, "SELECT count IS NULL AND detail IS NULL FROM losses"), "1");
    assert_string_equal(query(db, "SELECT src || kind || dst || file_id FROM edges"), "5fork50");
    sqlite3_close(db);
    store_close(store);
}

static void a_trace_and_its_score_keep_out_of_each_others_columns(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct row_trace trace = {.id = 1, .host_id = 1, .kind = text("login"), .process_count = 1};
    struct row_trace_score score = {.id = 1, .flag_count = 2, .score = 40, .severity = text("low")};
    struct row_trace_score nobodys = {.id = 9, .score = 1};
    struct row_score_reason reasons[] = {{1, 1, 5, 30, text("one")},
                                         {2, 1, 6, 10, text("two")},
                                         {3, 1, 5, 40, text("all")},
                                         {4, 2, 7, 1, text("other")}};
    write_row(store, ROW_TRACE_SCORE, &nobodys);
    write_row(store, ROW_TRACE, &trace);
    assert_query("SELECT group_concat(id) FROM traces WHERE flag_count = 0 AND pinned = 0", "1");
    write_row(store, ROW_TRACE_SCORE, &score);
    write_row(store, ROW_SCORE_REASON, &reasons[0]);
    write_row(store, ROW_SCORE_REASON, &reasons[1]);
    write_row(store, ROW_SCORE_REASON, &reasons[3]);
    trace.process_count = 7;
    write_row(store, ROW_TRACE, &trace);
    assert_query(
        "SELECT process_count || '/' || flag_count || '/' || score || severity FROM traces",
        "7/2/40low");
    assert_query("SELECT sum(points) FROM score_reasons WHERE trace_id = 1", "40");
    write_row(store, ROW_TRACE_SCORE, &score);
    write_row(store, ROW_SCORE_REASON, &reasons[2]);
    assert_query("SELECT group_concat(reason) FROM (SELECT * FROM score_reasons ORDER BY id)",
                 "all,other");
    int64_t next[ROW_KIND_COUNT];
    assert_int_equal(store_next_ids(store, next), STORE_OK);
    assert_int_equal(next[ROW_TRACE], 10); /* a score was given to number 9 */
    assert_int_equal(next[ROW_FLAG], 8);
    store_close(store);
}

static void writing_again_replaces_every_column(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct row_process row = process(1, 1);
    row.comm = text("bash");
    row.exec_count = 1;
    write_row(store, ROW_PROCESS, &row);
    row.comm = text("curl");
    row.exec_count = INTEGER_NULL;
    row.ended_at = 900;
    write_row(store, ROW_PROCESS, &row);
    write_row(store, ROW_PROCESS, &row);
    assert_query(
        "SELECT group_concat(comm || coalesce(exec_count, '-') || ended_at) FROM processes",
        "curl-900");
    store_close(store);
}

static void a_row_may_be_null_wherever_the_schema_allows(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct row_host row;
    row_clear(ROW_HOST, &row);
    row.id = 1;
    write_row(store, ROW_HOST, &row);
    assert_query("SELECT count(*) FROM hosts WHERE coalesce(hostname, machine_id, boot_id, "
                 "booted_at, kernel, os, arch, first_seen_at, last_seen_at) IS NULL",
                 "1");
    store_close(store);
}

static void hostile_text_is_kept_byte_for_byte(void **state)
{
    (void)state;
    static const char bytes[] = "'); DROP TABLE hosts;--\0\xff\xfe\xc0\x80\x1b[2J\xed\xa0\x80%s\n";
    struct store *store = open_store();
    struct row_process row = process(1, 1);
    row.cmdline = (struct text){bytes, sizeof(bytes)};
    row.exe = (struct text){bytes, 0};
    write_row(store, ROW_PROCESS, &row);
    sqlite3 *db = open_reader();
    sqlite3_stmt *statement;
    sqlite3_prepare_v2(db, "SELECT cmdline, exe FROM processes", -1, &statement, NULL);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_type(statement, 0), SQLITE_TEXT);
    assert_int_equal(sqlite3_column_bytes(statement, 0), sizeof(bytes));
    assert_memory_equal(sqlite3_column_text(statement, 0), bytes, sizeof(bytes));
    assert_int_equal(sqlite3_column_type(statement, 1), SQLITE_TEXT);
    assert_int_equal(sqlite3_column_bytes(statement, 1), 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    store_close(store);
}

static void a_row_that_breaks_the_schema_takes_its_batch_with_it(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct row_process good = process(1, 1), bad = process(2, 1);
    bad.origin = TEXT_NULL;
    struct row rows[] = {{ROW_PROCESS, &good}, {ROW_PROCESS, &bad}};
    assert_int_equal(store_write(store, rows, 2), STORE_REFUSED);
    assert_int_equal(store_failure(store)->status, STORE_REFUSED);
    assert_non_null(strstr(store_failure(store)->message, "spyq.db: cannot write row 2 of "
                                                          "processes: NOT NULL constraint"));
    assert_query("SELECT count(*) FROM processes", "0");
    assert_int_equal(store_write(store, rows, 1), STORE_OK);
    assert_string_equal(store_failure(store)->message, "");
    assert_int_equal(store_write(store, NULL, 0), STORE_OK);
    store_close(store);
}

/* Rows enough for many pages, in one transaction. */
#define MANY 400
static struct row many[MANY];
static struct row_process many_rows[MANY];

static void fill_many(void)
{
    static char line[500];
    memset(line, 'x', sizeof(line));
    for (int i = 0; i < MANY; i++) {
        many_rows[i] = process(i + 1, 1);
        many_rows[i].cmdline = (struct text){line, sizeof(line)};
        many[i] = (struct row){ROW_PROCESS, &many_rows[i]};
    }
}

static void fail_at_each_write(int code, enum store_status expected, const char *words)
{
    failing_vfs_code = code;
    struct store *store = open_store();
    int writes = 0, failures = 0;
    enum store_status status = STORE_ERROR;
    for (; status != STORE_OK && writes < 1000; writes += 7) {
        failing_vfs_writes_left = writes;
        status = store_write(store, many, MANY);
        failing_vfs_writes_left = -1;
        if (status == STORE_OK)
            break;
        failures++;
        assert_int_equal(status, expected);
        assert_non_null(strstr(store_failure(store)->message, words));
        assert_query("SELECT count(*) FROM processes", "0");
    }
    assert_int_equal(status, STORE_OK);
    assert_in_range(failures, 5, 1000);
    assert_query("SELECT count(*) FROM processes", "400");
    assert_query("PRAGMA integrity_check", "ok");
    store_close(store);
    failing_vfs_code = SQLITE_FULL;
}

static void a_full_disk_leaves_the_store_as_it_was(void **state)
{
    (void)state;
    fail_at_each_write(SQLITE_FULL, STORE_FULL, "disk is full");
}

static void an_io_error_leaves_the_store_as_it_was(void **state)
{
    (void)state;
    fail_at_each_write(SQLITE_IOERR_WRITE, STORE_ERROR, "I/O error");
}

/* No shim: a file system of one mebibyte. */
static void a_really_full_file_system_is_survived(void **state)
{
    (void)state;
    if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", scratch, "tmpfs", 0, "size=1m") < 0)
        skip(); /* may not mount */
    struct store *store = open_store();
    int64_t written = 0;
    enum store_status status = STORE_OK;
    for (; written < 100 && status == STORE_OK; written += status == STORE_OK) {
        for (int i = 0; i < MANY; i++)
            many_rows[i].id = written * MANY + i + 1;
        status = store_write(store, many, MANY);
    }
    assert_int_equal(status, STORE_FULL);
    assert_in_range(written, 1, 10);
    assert_non_null(strstr(store_failure(store)->message, "spyq.db"));
    assert_int_equal(mount("none", scratch, "tmpfs", MS_REMOUNT, "size=8m"), 0);
    assert_int_equal(store_write(store, many, MANY), STORE_OK);
    char expected[24];
    snprintf(expected, sizeof(expected), "%d", (int)(written + 1) * MANY);
    assert_query("SELECT count(*) FROM processes", expected);
    assert_query("PRAGMA integrity_check", "ok");
    store_close(store);
    assert_int_equal(umount(scratch), 0);
}

static void a_lock_of_another_connection_is_busy_and_passes(void **state)
{
    (void)state;
    struct store *store = open_store();
    sqlite3 *other;
    assert_int_equal(sqlite3_open(STORE, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct row_process row = process(1, 1);
    assert_int_equal(store_write(store, &(struct row){ROW_PROCESS, &row}, 1), STORE_BUSY);
    assert_non_null(strstr(store_failure(store)->message, "database is locked"));
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    write_row(store, ROW_PROCESS, &row);
    store_close(store);
}

static void readers_see_whole_batches_while_we_write(void **state)
{
    (void)state;
    struct store *store = open_store();
    sqlite3 *reader = open_reader();
    assert_int_equal(sqlite3_exec(reader, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    assert_string_equal(query(reader, "SELECT count(*) FROM processes"), "0");
    fill_many();
    assert_int_equal(store_write(store, many, MANY), STORE_OK);
    assert_string_equal(query(reader, "SELECT count(*) FROM processes"), "0");
    assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_string_equal(query(reader, "SELECT count(*) FROM processes"), "400");
    store_close(store); /* with a reader still there */
    assert_string_equal(query(reader, "SELECT max(id) FROM processes"), "400");
    sqlite3_close(reader);
}

/* ---- killed ---- */

/* Writes batches of three rows for ever; after each commit the number of rows goes to the pipe. */
static void write_until_killed(int acknowledge, int64_t rows)
{
    struct store_error error;
    struct store *store = store_open(STORE, &error);
    while (store) {
        struct row_process p[3];
        struct row batch[3];
        for (int i = 0; i < 3; i++) {
            p[i] = process(++rows, 1);
            batch[i] = (struct row){ROW_PROCESS, &p[i]};
        }
        if (store_write(store, batch, 3) != STORE_OK ||
            write(acknowledge, &rows, sizeof(rows)) != sizeof(rows))
            break;
    }
    _exit(1);
}

/* Lets a writer run for some batches, kills it, returns the rows that it knew to be written. */
static int64_t kill_a_writer(int64_t rows, int batches)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        write_until_killed(ends[1], rows);
    close(ends[1]);
    for (int i = 0; i < batches; i++)
        assert_int_equal(read(ends[0], &rows, sizeof(rows)), sizeof(rows));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    while (read(ends[0], &rows, sizeof(rows)) == sizeof(rows))
        continue;
    close(ends[0]);
    return rows;
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    (void)state;
    int64_t rows = 0;
    for (int round = 1; round <= 8; round++) {
        int64_t acknowledged = kill_a_writer(rows, round * 37);
        struct store *store = open_store(); /* the dead hold no lock */
        int64_t next[ROW_KIND_COUNT];
        assert_int_equal(store_next_ids(store, next), STORE_OK);
        sqlite3 *db = open_reader();
        rows = atoll(query(db, "SELECT count(*) FROM processes"));
        assert_in_range(rows, acknowledged, acknowledged + 3); /* the last may not have been told */
        assert_int_equal(rows % 3, 0);
        assert_int_equal(next[ROW_PROCESS], rows + 1);
        assert_string_equal(query(db, "PRAGMA integrity_check"), "ok");
        sqlite3_close(db);
        store_close(store);
    }
}

/* ---- what earlier runs left ---- */

static void ids_are_never_given_twice(void **state)
{
    (void)state;
    struct store *store = open_store();
    int64_t next[ROW_KIND_COUNT];
    assert_int_equal(store_next_ids(store, next), STORE_OK);
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        assert_int_equal(next[kind], 1);
    struct row_process p = process(9, 1);
    write_row(store, ROW_PROCESS, &p);
    p.id = 4;
    write_row(store, ROW_PROCESS, &p);
    struct row_edge edge = {3, 1, 8, 9, 1, text("connect"), 12, 30, 70, INTEGER_NULL, TEXT_NULL, 0};
    write_row(store, ROW_EDGE, &edge);
    p.id = 99;
    p.origin = TEXT_NULL;
    assert_int_equal(store_write(store, &(struct row){ROW_PROCESS, &p}, 1), STORE_REFUSED);
    store_close(store);
    change_store("DELETE FROM processes; DELETE FROM edges");
    store = open_store();
    assert_int_equal(store_next_ids(store, next), STORE_OK);
    assert_int_equal(next[ROW_PROCESS], 31); /* an edge named 30; 99 was never written */
    assert_int_equal(next[ROW_CONNECTION], 71);
    assert_int_equal(next[ROW_EDGE], 4);
    assert_int_equal(next[ROW_HOST], 2); /* named by the process */
    assert_int_equal(next[ROW_LOSS], 1);
    store_close(store);
}

/* Writes a row of that kind in which one column is that number. */
static void write_with(struct store *store, enum row_kind kind, const char *column, int64_t value)
{
    struct row_probe probe = {.id = 1, .recorder_id = 1};
    struct row_process p = process(1, 1);
    struct row_exec exec = {.id = 1, .process_id = 1, .at = 1};
    struct row_edge edge = {1, 1, 1, 1, 1, text("fork"), 1, 1, 1, 1, TEXT_NULL, 0};
    struct row_listener l = listener(1, 1, 1);
    struct row_connection c = connection(1, 1);
    void *const rows[ROW_KIND_COUNT] = {
        [ROW_PROBE] = &probe, [ROW_PROCESS] = &p,  [ROW_EXEC] = &exec,
        [ROW_EDGE] = &edge,   [ROW_LISTENER] = &l, [ROW_CONNECTION] = &c,
    };
    const struct table *table = &row_tables[kind];
    size_t i = 0;
    while (i < table->column_count && strcmp(table->columns[i].name, column) != 0)
        i++;
    assert_in_range(i, 0, table->column_count - 1);
    *(int64_t *)(void *)((char *)rows[kind] + table->columns[i].offset) = value;
    write_row(store, kind, rows[kind]);
}

static void an_id_is_used_once_any_row_names_it(void **state)
{
    (void)state;
    static const struct {
        enum row_kind kind;
        const char *column;
        enum row_kind named;
    } columns[] = {
        {ROW_PROBE, "recorder_id", ROW_RECORDER},
        {ROW_PROCESS, "host_id", ROW_HOST},
        {ROW_PROCESS, "parent_id", ROW_PROCESS},
        {ROW_EXEC, "process_id", ROW_PROCESS},
        {ROW_EDGE, "src", ROW_PROCESS},
        {ROW_EDGE, "dst", ROW_PROCESS},
        {ROW_EDGE, "connection_id", ROW_CONNECTION},
        {ROW_LISTENER, "process_id", ROW_PROCESS},
        {ROW_CONNECTION, "process_id", ROW_PROCESS},
        {ROW_CONNECTION, "listener_id", ROW_LISTENER},
        {ROW_CONNECTION, "peer_id", ROW_CONNECTION},
        {ROW_CONNECTION, "peer_process_id", ROW_PROCESS},
    };
    struct store *store = open_store();
    int64_t next[ROW_KIND_COUNT];
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        int64_t id = 1000 + (int64_t)i;
        write_with(store, columns[i].kind, columns[i].column, id);
        assert_int_equal(store_next_ids(store, next), STORE_OK);
        assert_int_equal(next[columns[i].named], id + 1);
    }
    store_close(store);
}

static void a_boot_is_found_again(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct row_host host = boot("first", 60);
    bool known = true;
    assert_int_equal(store_host(store, &host, &known), STORE_OK);
    assert_false(known);
    assert_int_equal(host.id, 1);
    store_close(store);
    store = open_store();
    host = boot("first", 999);
    host.first_seen_at = 999;
    assert_int_equal(store_host(store, &host, &known), STORE_OK);
    assert_true(known);
    assert_int_equal(host.id, 1);
    assert_int_equal(host.first_seen_at, 50);
    assert_int_equal(host.last_seen_at, 60);
    host = boot("second", 999);
    assert_int_equal(store_host(store, &host, &known), STORE_OK);
    assert_false(known);
    assert_int_equal(host.id, 2);
    host = boot("second", 999);
    host.machine_id = text("a clone");
    assert_int_equal(store_host(store, &host, &known), STORE_OK);
    assert_false(known);
    host.machine_id = TEXT_NULL;
    assert_int_equal(store_host(store, &host, &known), STORE_OK);
    assert_false(known);
    assert_int_equal(store_host(store, &host, &known), STORE_OK);
    assert_true(known);
    assert_int_equal(host.id, 4);
    store_close(store);
}

static void a_boot_without_an_id_is_never_known(void **state)
{
    (void)state;
    struct store *store = open_store();
    for (int64_t i = 1; i <= 2; i++) {
        struct row_host host = boot("", 60);
        host.boot_id = TEXT_NULL;
        bool known = true;
        assert_int_equal(store_host(store, &host, &known), STORE_OK);
        assert_false(known);
        assert_int_equal(host.id, i);
    }
    store_close(store);
}

static void the_newest_run_says_when_it_was_last_seen(void **state)
{
    (void)state;
    struct store *store = open_store();
    int64_t last_seen_at = 0;
    assert_int_equal(store_last_seen(store, &last_seen_at), STORE_OK);
    assert_true(last_seen_at == INTEGER_NULL);
    static const int64_t seen[] = {9000, 500, INTEGER_NULL};
    for (int64_t i = 0; i < 3; i++) {
        struct row_recorder run;
        row_clear(ROW_RECORDER, &run);
        run.id = i + 1;
        run.last_seen_at = seen[i];
        write_row(store, ROW_RECORDER, &run);
    }
    assert_int_equal(store_last_seen(store, &last_seen_at), STORE_OK);
    assert_int_equal(last_seen_at, 500);
    store_close(store);
}

/* What the recorder writes of the graph is noted; what others write makes the notes worthless. */
static void what_is_written_is_noted(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct row_process p[] = {process(5, 1), process(6, 1)};
    struct row_edge e = {7, 1, 8, 9, 1, text("fork"), 5, 6, INTEGER_NULL, 0, TEXT_NULL, 0};
    struct row_listener l = listener(1, 1, 5);
    struct row rows[] = {{ROW_PROCESS, &p[0]}, {ROW_PROCESS, &p[1]}, {ROW_EDGE, &e}};
    static const char noted[] = "SELECT group_concat(id || coalesce(processes, '-') ||"
                                " coalesce(edges, '-'), ' ') FROM changes";
    assert_int_equal(store_write(store, rows, 3), STORE_OK);
    write_row(store, ROW_LISTENER, &l);
    write_row(store, ROW_PROCESS, &p[0]);
    assert_query(noted, "1[5,6][7] 2[5]-");
    change_store("UPDATE edges SET open = 1");
    assert_query(noted, "NULL");
    write_row(store, ROW_EDGE, &e);
    assert_query(noted, "3-[7]");
    change_store("UPDATE sequences SET last_id = 4998 WHERE name = 'changes'");
    write_row(store, ROW_EDGE, &e);
    write_row(store, ROW_EDGE, &e);
    assert_query(noted, "4999-[7] 5000-[7]");
    store_close(store);
}

/* However much a transaction writes, the notes stay small, and the newest is there. */
static void notes_take_little_room(void **state)
{
    (void)state;
    static struct row rows[20000];
    static struct row_process processes[20000];
    struct store *store = open_store();
    for (int64_t i = 0; i < 20000; i++) {
        processes[i] = process(1000000 + i, 1);
        rows[i] = (struct row){ROW_PROCESS, &processes[i]};
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(store_write(store, rows, 20000), STORE_OK);
    assert_query("SELECT count(*) || ' ' || length(processes) FROM changes", "3 160001");
    for (int i = 0; i < 10; i++)
        assert_int_equal(store_write(store, rows, 20000), STORE_OK);
    assert_query("SELECT count(*) || ' ' || max(id) FROM changes", "6 13");
    store_close(store);
    store = open_store();
    for (int i = 0; i < 2; i++)
        assert_int_equal(store_write(store, rows, 20000), STORE_OK);
    assert_query("SELECT count(*) || ' ' || max(id) FROM changes", "6 15");
    change_store("UPDATE edges SET open = 1"); /* empties them */
    change_store("UPDATE processes SET depth = 1 WHERE id = 1000000");
    assert_int_equal(store_write(store, rows, 20000), STORE_OK);
    assert_query("SELECT max(id) FROM changes", "16");
    store_close(store);
}

struct visits {
    size_t count;
    struct {
        enum row_kind kind;
        int64_t id;
        char line[16];
    } rows[16];
};

static void note_visit(void *context, const struct row *row)
{
    struct visits *visits = context;
    assert_in_range(visits->count, 0, 15);
    visits->rows[visits->count].kind = row->kind;
    visits->rows[visits->count].id = *(const int64_t *)row->columns;
    struct text line = TEXT_NULL;
    if (row->kind == ROW_PROCESS)
        line = ((const struct row_process *)row->columns)->cmdline;
    assert_in_range(line.length, 0, 15);
    memset(visits->rows[visits->count].line, 0, 16);
    if (line.length)
        memcpy(visits->rows[visits->count].line, line.data, line.length);
    visits->count++;
}

static void assert_living(struct store *store, int64_t host_id, const char *expected)
{
    struct visits visits = {0};
    char got[128] = "";
    assert_int_equal(store_living(store, host_id, note_visit, &visits), STORE_OK);
    for (size_t i = 0; i < visits.count; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s%lld", i ? " " : "",
                 row_tables[visits.rows[i].kind].name, (long long)visits.rows[i].id);
    assert_string_equal(got, expected);
}

/* A life that has ended and one that has not, of each kind, and of nobody known. */
static void write_lives(struct store *store, int64_t host_id)
{
    int64_t id = host_id * 10;
    struct row_process p[] = {process(id + 2, host_id), process(id + 1, host_id)};
    struct row_listener l[] = {listener(id + 1, host_id, id + 2),
                               listener(id + 2, host_id, INTEGER_NULL),
                               listener(id + 3, host_id, id + 2)};
    struct row_connection c[] = {connection(id + 2, host_id), connection(id + 1, host_id)};
    p[0].cmdline = (struct text){"a\0\xff", 3};
    struct row_edge e[] = {
        {id + 1, host_id, 8, 9, 1, text("connect"), 5, 5, INTEGER_NULL, 0, TEXT_NULL, 0},
        {id + 2, host_id, 8, 9, 1, text("connect"), 5, 5, INTEGER_NULL, 0, TEXT_NULL, 1},
    };
    p[1].ended_at = l[2].ended_at = c[1].ended_at = 30;
    l[0].started_at = c[0].started_at = 1000 * host_id; /* 2000: later than last seen */
    struct row rows[] = {
        {ROW_PROCESS, &p[0]},    {ROW_PROCESS, &p[1]},  {ROW_LISTENER, &l[0]},
        {ROW_LISTENER, &l[1]},   {ROW_LISTENER, &l[2]}, {ROW_CONNECTION, &c[0]},
        {ROW_CONNECTION, &c[1]}, {ROW_EDGE, &e[0]},     {ROW_EDGE, &e[1]},
    };
    assert_int_equal(store_write(store, rows, sizeof(rows) / sizeof(rows[0])), STORE_OK);
}

static void the_living_of_this_boot_are_visited_after_a_restart(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct row_host host = boot("first", 1500);
    bool known;
    assert_int_equal(store_host(store, &host, &known), STORE_OK);
    assert_living(store, 1, "");
    write_lives(store, 1);
    store_close(store);
    store = open_store();
    assert_int_equal(store_host(store, &host, &known), STORE_OK);
    assert_true(known);
    assert_living(store, 1, "processes12 listeners11 listeners12 connections12 edges12");
    struct visits visits = {0};
    assert_int_equal(store_living(store, 1, note_visit, &visits), STORE_OK);
    assert_memory_equal(visits.rows[0].line, "a\0\xff\0", 4);
    store_close(store);
}

static void what_another_boot_left_alive_ends_when_it_was_last_seen(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct row_host first = boot("first", 1500), second = boot("second", 1800),
                    third = boot("third", 9999);
    bool known;
    assert_int_equal(store_host(store, &first, &known), STORE_OK);
    write_lives(store, 1);
    assert_int_equal(store_host(store, &second, &known), STORE_OK);
    write_lives(store, 2);
    assert_living(store, 1, "");
    assert_living(store, 2, "processes22 listeners21 listeners22 connections22 edges22");
    assert_int_equal(store_host(store, &third, &known), STORE_OK);
    assert_living(store, 2, "");
    store_close(store);
    assert_query("SELECT group_concat(ended_at) FROM (SELECT * FROM processes ORDER BY id)",
                 "30,1500,30,1800");
    assert_query("SELECT group_concat(ended_at) FROM (SELECT * FROM listeners ORDER BY id)",
                 "1500,1500,30,2000,1800,30");
    assert_query("SELECT group_concat(ended_at) FROM (SELECT * FROM connections ORDER BY id)",
                 "30,1500,30,2000");
    assert_query("SELECT group_concat(state) FROM (SELECT * FROM connections ORDER BY id)",
                 "open,closed,open,closed");
}

static void questions_that_fail_say_so(void **state)
{
    (void)state;
    struct store *store = open_store();
    change_store("DROP TABLE recorders; DROP TABLE listeners");
    int64_t last_seen_at;
    assert_int_equal(store_last_seen(store, &last_seen_at), STORE_ERROR);
    assert_non_null(strstr(store_failure(store)->message, "no such table: recorders"));
    struct row_host host = boot("first", 60);
    bool known;
    assert_int_equal(store_host(store, &host, &known), STORE_ERROR);
    assert_non_null(strstr(store_failure(store)->message, "no such table: listeners"));
    struct visits visits = {0};
    assert_int_equal(store_living(store, 1, note_visit, &visits), STORE_ERROR);
    store_close(store);
    assert_query("SELECT count(*) FROM hosts", "0");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_set_up, scratch_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_store_is_complete_and_private),
        TEST(a_narrow_umask_keeps_the_group_in),
        TEST(what_is_no_store_is_refused_untouched),
        TEST(another_programs_database_is_refused_untouched),
        TEST(other_schema_versions_are_refused_untouched),
        TEST(a_newer_version_is_seen_in_the_log),
        TEST(a_truncated_store_is_refused_untouched),
        TEST(what_is_in_the_way_is_moved_aside),
        TEST(a_store_without_a_table_is_refused),
        TEST(unwritable_places_are_named),
        TEST(a_path_too_long_is_an_error),
        TEST(the_second_recorder_learns_who_is_the_first),
        TEST(a_lock_file_that_is_a_link_is_not_followed),
        TEST(leftovers_of_a_killed_creation_are_no_obstacle),
        TEST(creation_is_all_or_nothing_on_a_full_disk),
        TEST(the_group_reads_a_live_store_and_a_closed_one),
        TEST(rows_of_all_kinds_come_back_as_they_went),
        TEST(a_trace_and_its_score_keep_out_of_each_others_columns),
        TEST(writing_again_replaces_every_column),
        TEST(a_row_may_be_null_wherever_the_schema_allows),
        TEST(hostile_text_is_kept_byte_for_byte),
        TEST(a_row_that_breaks_the_schema_takes_its_batch_with_it),
        TEST(a_full_disk_leaves_the_store_as_it_was),
        TEST(an_io_error_leaves_the_store_as_it_was),
        TEST(a_really_full_file_system_is_survived),
        TEST(a_lock_of_another_connection_is_busy_and_passes),
        TEST(readers_see_whole_batches_while_we_write),
        TEST(what_was_acknowledged_survives_a_kill),
        TEST(what_is_written_is_noted),
        TEST(notes_take_little_room),
        TEST(ids_are_never_given_twice),
        TEST(an_id_is_used_once_any_row_names_it),
        TEST(a_boot_is_found_again),
        TEST(a_boot_without_an_id_is_never_known),
        TEST(the_newest_run_says_when_it_was_last_seen),
        TEST(the_living_of_this_boot_are_visited_after_a_restart),
        TEST(what_another_boot_left_alive_ends_when_it_was_last_seen),
        TEST(questions_that_fail_say_so),
    };
    fill_many();
    failing_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
