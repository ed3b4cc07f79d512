/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For tests of the model: records in, rows out. The builders make records as the kernel programs
 * do; the ledger is what a store would hold after the flushes so far, the newest version of each
 * row. Both belong to the one model of the running test.
 */
#ifndef SPYQ_TESTS_EVENTS_H
#define SPYQ_TESTS_EVENTS_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/model.h"

#define SECOND 1000000000ull
#define MS     1000000ull
#define WALL   1700000000000000000ll /* wall minus boot */
#define NET_NS 4026531840u

/* The wall clock at a time of the boot clock. */
#define AT(time) (WALL + (int64_t)(time))

/* ---- the ledger ---- */

#define LEDGER_MAX 4096

struct ledger_row {
    void *columns; /* NULL: no row has that id */
    char *texts[16];
};

static struct model *model;
static struct ledger_row ledger[ROW_KIND_COUNT][LEDGER_MAX];

static inline void ledger_forget_row(struct ledger_row *row)
{
    for (size_t i = 0; i < sizeof(row->texts) / sizeof(row->texts[0]); i++)
        free(row->texts[i]);
    free(row->columns);
    *row = (struct ledger_row){0};
}

/* The row may be one of the ledger's own. */
static inline void ledger_put(enum row_kind kind, const void *columns)
{
    const struct table *table = &row_tables[kind];
    struct ledger_row row = {.columns = malloc(table->row_size)};
    int64_t id = *(const int64_t *)columns;
    assert_in_range(id, 1, LEDGER_MAX - 1);
    assert_non_null(row.columns);
    memcpy(row.columns, columns, table->row_size);
    for (size_t i = 0, texts = 0; i < table->column_count; i++) {
        char *field = (char *)row.columns + table->columns[i].offset;
        struct text *text = (struct text *)(void *)field;
        if (table->columns[i].type != COLUMN_TEXT || !text->data)
            continue;
        row.texts[texts] = malloc(text->length + 1);
        assert_non_null(row.texts[texts]);
        memcpy(row.texts[texts], text->data, text->length);
        text->data = row.texts[texts++];
    }
    ledger_forget_row(&ledger[kind][id]);
    ledger[kind][id] = row;
}

static inline const void *ledger_get(enum row_kind kind, int64_t id)
{
    return id > 0 && id < LEDGER_MAX ? ledger[kind][id].columns : NULL;
}

static inline size_t ledger_count(enum row_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < LEDGER_MAX; i++)
        count += ledger[kind][i].columns != NULL;
    return count;
}

static inline void ledger_clear(void)
{
    for (size_t kind = 0; kind < ROW_KIND_COUNT; kind++)
        for (size_t i = 0; i < LEDGER_MAX; i++)
            ledger_forget_row(&ledger[kind][i]);
}

/* Takes the model's changed rows into the ledger. Returns how many there were. */
static inline size_t flush(void)
{
    struct batch *batch = model_flush(model);
    size_t count = batch ? batch_count(batch) : 0;
    for (size_t i = 0; i < count; i++)
        ledger_put(batch_rows(batch)[i].kind, batch_rows(batch)[i].columns);
    batch_free(batch);
    return count;
}

/* A row that must be there, after a flush. */
static inline const void *flushed(enum row_kind kind, int64_t id)
{
    flush();
    const void *row = ledger_get(kind, id);
    if (!row)
        fail_msg("%s has no row %lld", row_tables[kind].name, (long long)id);
    return row;
}

static inline const struct row_process *process_row(int64_t id)
{
    return flushed(ROW_PROCESS, id);
}

static inline const struct row_connection *connection_row(int64_t id)
{
    return flushed(ROW_CONNECTION, id);
}

static inline const struct row_listener *listener_row(int64_t id)
{
    return flushed(ROW_LISTENER, id);
}

static inline const struct row_edge *edge_row(int64_t id)
{
    return flushed(ROW_EDGE, id);
}

static inline size_t rows(enum row_kind kind)
{
    flush();
    return ledger_count(kind);
}

/* How many edges of that kind there are. */
static inline size_t edges(const char *kind)
{
    size_t count = 0;
    flush();
    for (int64_t id = 1; id < LEDGER_MAX; id++) {
        const struct row_edge *edge = ledger_get(ROW_EDGE, id);
        count += edge && edge->kind.length == strlen(kind) &&
                 memcmp(edge->kind.data, kind, strlen(kind)) == 0;
    }
    return count;
}

/* The row is in the store already, left there alive by an earlier run. */
static inline void adopt(enum row_kind kind, const void *columns)
{
    struct row row = {kind, columns};
    model_adopt(model, &row);
    ledger_put(kind, columns);
}

static inline void assert_text(struct text text, const char *expected)
{
    if (!expected) {
        assert_null(text.data);
        return;
    }
    assert_non_null(text.data);
    if (text.length != strlen(expected) || memcmp(text.data, expected, text.length) != 0)
        fail_msg("\"%.*s\" is not \"%s\"", (int)text.length, text.data, expected);
}

static inline struct text as_text(const char *string)
{
    return string ? (struct text){string, strlen(string)} : TEXT_NULL;
}

#define assert_null_column(value) assert_true((value) == INTEGER_NULL)

/* ---- the model of a test ---- */

static inline struct model *new_model(int64_t next_id)
{
    struct model_start start = {.host_id = 1, .wall_minus_boot = WALL};
    for (size_t i = 0; i < ROW_KIND_COUNT; i++)
        start.next_id[i] = next_id;
    return model_new(&start);
}

static inline int model_set_up(void **state)
{
    (void)state;
    model = new_model(1);
    return model ? 0 : -1;
}

static inline int model_tear_down(void **state)
{
    (void)state;
    model_free(model);
    model = NULL;
    ledger_clear();
    return 0;
}

/* Begins anew, with ids from `next_id` on; the ledger stays. */
static inline void restart_model(int64_t next_id)
{
    flush();
    model_free(model);
    model = new_model(next_id);
    assert_non_null(model);
}

/* ---- records ---- */

/* A process, as the kernel names it. */
struct who {
    uint32_t pid;
    uint64_t start;
};

#define NOBODY ((struct who){0, 0})

/* Hands the model a copy that is exactly as long as the record says, so that the sanitizers see
 * every byte read beyond it. */
static inline void apply(const void *record)
{
    const struct event_header *header = record;
    void *copy = malloc(header->size);
    struct event event;
    assert_non_null(copy);
    memcpy(copy, record, header->size);
    assert_null(decode(copy, header->size, &event));
    model_apply(model, &event);
    free(copy);
}

static inline struct event_header header_of(unsigned kind, size_t size, uint64_t time,
                                            struct who who)
{
    return (struct event_header){.size = (__u32)size,
                                 .kind = (__u16)kind,
                                 .time = time,
                                 .start = who.start,
                                 .pid = who.pid,
                                 .tid = who.pid};
}

static inline struct event_task task_of(struct who who, struct who parent)
{
    return (struct event_task){.parent_pid = parent.pid,
                               .parent_start = parent.start,
                               .creator_pid = parent.pid,
                               .creator_start = parent.start,
                               .ns_pid = who.pid,
                               .uid = 1000,
                               .login_uid = EVENT_ID_UNSET,
                               .audit_session = EVENT_ID_UNSET,
                               .net_ns = NET_NS,
                               .cgroup_id = 7,
                               .comm = "comm"};
}

static inline struct event_fork fork_record(uint64_t time, struct who who, struct who parent)
{
    return (struct event_fork){
        .header = header_of(EVENT_FORK, sizeof(struct event_fork), time, who),
        .task = task_of(who, parent),
    };
}

static inline void forked(struct who who, struct who parent)
{
    struct event_fork record = fork_record(who.start, who, parent);
    apply(&record);
}

static inline struct event_exit exit_record(uint64_t time, struct who who, uint32_t status)
{
    return (struct event_exit){
        .header = header_of(EVENT_EXIT, sizeof(struct event_exit), time, who),
        .status = status,
        .comm = "last",
    };
}

static inline void exited(uint64_t time, struct who who, uint32_t status)
{
    struct event_exit record = exit_record(time, who, status);
    apply(&record);
}

/* An exec or a process as it is, with room for its text. */
struct exec_record {
    struct event_exec exec;
    char tail[1024];
};

static inline struct event_text exec_text(struct exec_record *record, const char *bytes,
                                          size_t length)
{
    struct event_text reference = {record->exec.header.size, (__u32)length};
    size_t at = record->exec.header.size - sizeof(record->exec);
    assert_true(at + length + 8 <= sizeof(record->tail));
    memcpy(record->tail + at, bytes, length);
    record->exec.header.size += (__u32)(length + 7) / 8 * 8;
    return reference;
}

/* Of EVENT_EXEC or EVENT_PROCESS: a program without arguments, run in /work. */
static inline struct exec_record exec_record(unsigned kind, uint64_t time, struct who who,
                                             struct who parent, const char *exe)
{
    struct exec_record record = {0};
    record.exec.header = header_of(kind, sizeof(record.exec), time, who);
    record.exec.task = task_of(who, parent);
    record.exec.image.exe = exec_text(&record, exe, strlen(exe));
    record.exec.image.cwd = exec_text(&record, "/work", 5);
    record.exec.image.argv = exec_text(&record, exe, strlen(exe) + 1);
    if (kind == EVENT_EXEC)
        record.exec.image.filename = record.exec.image.exe;
    return record;
}

static inline void execed(uint64_t time, struct who who, struct who parent, const char *exe)
{
    struct exec_record record = exec_record(EVENT_EXEC, time, who, parent, exe);
    apply(&record);
}

/* The scan found a process. */
static inline void scanned(uint64_t time, struct who who, struct who parent)
{
    struct exec_record record = exec_record(EVENT_PROCESS, time, who, parent, "/bin/scanned");
    apply(&record);
}

static inline void scan_done(uint64_t time, uint64_t began)
{
    struct event_mark mark = {
        .header = header_of(EVENT_SCAN_DONE, sizeof(mark), time, (struct who){0, began})};
    apply(&mark);
}

static inline struct event_cgroup_path {
    struct event_cgroup cgroup;
    char path[64];
} cgroup_record(uint64_t id, const char *path)
{
    struct event_cgroup_path record = {
        .cgroup = {.header = header_of(EVENT_CGROUP, sizeof(record), 0, NOBODY), .cgroup_id = id}};
    strcpy(record.path, path);
    record.cgroup.path = (struct event_text){sizeof(record.cgroup), (__u32)strlen(path)};
    return record;
}

/* ---- TCP ---- */

/* One end of a connection. */
struct end {
    const char *local;
    const char *remote;
    uint64_t cookie;
    uint32_t local_sequence;
    uint32_t remote_sequence;
    uint32_t net_ns;
    uint16_t local_port;
    uint16_t remote_port;
};

/* The other end, with a cookie of its own. */
static inline struct end other_end(struct end end, uint64_t cookie)
{
    return (struct end){end.remote,         end.local,  cookie,          end.remote_sequence,
                        end.local_sequence, end.net_ns, end.remote_port, end.local_port};
}

/* The client's end of a connection to a port, over loopback. */
static inline struct end client_end(uint64_t cookie, uint16_t local_port, uint16_t remote_port)
{
    return (struct end){"127.0.0.1", "127.0.0.1", cookie,     (uint32_t)cookie * 1000,
                        local_port,  NET_NS,      local_port, remote_port};
}

static inline __u16 set_address(__u8 address[16], const char *text)
{
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    assert_int_equal(inet_pton(family, text, address), 1);
    return (__u16)family;
}

static inline struct event_tcp tcp_record(unsigned kind, uint64_t time, struct who who,
                                          struct end end)
{
    struct event_tcp tcp = {
        .header = header_of(kind, sizeof(tcp), time, who),
        .cookie = end.cookie,
        .net_ns = end.net_ns,
        .local_sequence = end.local_sequence,
        .remote_sequence = end.remote_sequence,
        .local_port = end.local_port,
        .remote_port = end.remote_port,
        .old_state = TCP_ESTABLISHED,
        .new_state = TCP_ESTABLISHED,
    };
    set_address(tcp.local_address, end.local);
    tcp.family = set_address(tcp.remote_address, end.remote);
    return tcp;
}

static inline void listening(uint64_t time, struct who who, uint64_t cookie, const char *address,
                             uint16_t port)
{
    struct end end = {address, strchr(address, ':') ? "::" : "0.0.0.0", cookie, 0, 0, NET_NS, port,
                      0};
    struct event_tcp tcp = tcp_record(EVENT_TCP_LISTEN, time, who, end);
    tcp.new_state = TCP_LISTEN;
    apply(&tcp);
}

static inline void connecting(uint64_t time, struct who who, struct end end)
{
    struct event_tcp tcp = tcp_record(EVENT_TCP_CONNECT, time, who, end);
    tcp.old_state = TCP_CLOSE;
    tcp.new_state = TCP_SYN_SENT;
    tcp.local_sequence = tcp.remote_sequence = 0;
    apply(&tcp);
}

/* The handshake is done, from TCP_SYN_SENT at a client or TCP_SYN_RECV at a server. */
static inline void established(uint64_t time, struct end end, __u8 from)
{
    struct event_tcp tcp = tcp_record(EVENT_TCP_ESTABLISHED, time, NOBODY, end);
    tcp.flags = EVENT_TCP_OWNER_UNKNOWN;
    tcp.old_state = from;
    apply(&tcp);
}

static inline void accepted(uint64_t time, struct who who, struct end end)
{
    struct event_tcp tcp = tcp_record(EVENT_TCP_ACCEPT, time, who, end);
    apply(&tcp);
}

static inline void closed(uint64_t time, struct end end, uint64_t bytes_sent, uint32_t error)
{
    struct event_tcp tcp = tcp_record(EVENT_TCP_CLOSE, time, NOBODY, end);
    tcp.flags = EVENT_TCP_OWNER_UNKNOWN;
    tcp.new_state = TCP_CLOSE;
    tcp.bytes_sent = bytes_sent;
    tcp.error = error;
    apply(&tcp);
}

static inline void connect_failed(uint64_t time, struct who who, struct end end, uint32_t error)
{
    struct event_tcp tcp = tcp_record(EVENT_TCP_CONNECT_FAILED, time, who, end);
    tcp.error = error;
    tcp.old_state = tcp.new_state = TCP_CLOSE;
    apply(&tcp);
}

/* The scan found an open connection. Its sequence numbers are long past the handshake. */
static inline void found_open(uint64_t time, struct who who, struct end end)
{
    struct event_tcp tcp = tcp_record(EVENT_TCP_SOCKET, time, who, end);
    apply(&tcp);
}

#endif
