/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UNIX sockets: who reached whom, from when to when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>

#include "events.h"

static const struct who init = {1, 1}, client = {100, SECOND}, server = {200, 2 * SECOND},
                        child = {300, 3 * SECOND};

struct unix_record {
    struct event_unix event;
    char name[112];
};

static struct unix_record unix_record(unsigned kind, uint64_t time, struct who who, uint64_t inode,
                                      const char *name, size_t length)
{
    struct unix_record record = {0};
    record.event.header = header_of(kind, sizeof(record), time, who);
    record.event.inode = inode;
    record.event.type = SOCK_STREAM;
    record.event.flags = EVENT_UNIX_SERVER;
    memcpy(record.name, name, length);
    record.event.path = (struct event_text){sizeof(record.event), (__u32)length};
    return record;
}

static void accepted_from(unsigned kind, uint64_t time, struct who who, uint64_t inode,
                          struct who peer)
{
    struct unix_record record = unix_record(kind, time, who, inode, "/run/s\0", 7);
    record.event.peer_pid = peer.pid;
    record.event.peer_start = peer.start;
    apply(&record);
}

static void datagram(unsigned kind, uint64_t time, struct who who, uint64_t inode, uint64_t peer)
{
    struct unix_record record = unix_record(kind, time, who, inode, "/run/d", 6);
    record.event.type = SOCK_DGRAM;
    record.event.peer_inode = peer;
    if (peer)
        record.event.flags = 0;
    apply(&record);
}

/* The only edge of kind unix. */
static const struct row_edge *unix_edge(void)
{
    const struct row_edge *found = NULL;
    assert_int_equal(edges("unix"), 1);
    for (int64_t id = 1; id < LEDGER_MAX; id++) {
        const struct row_edge *edge = ledger_get(ROW_EDGE, id);
        if (edge && edge->kind.length == 4 && memcmp(edge->kind.data, "unix", 4) == 0)
            found = edge;
    }
    return found;
}

static int set_up(void **state)
{
    if (model_set_up(state) < 0)
        return -1;
    forked(init, NOBODY);  /* row 1 */
    forked(client, init);  /* row 2 */
    forked(server, init);  /* row 3 */
    forked(child, server); /* row 4 */
    return 0;
}

static void test_accept(void **state)
{
    (void)state;
    accepted_from(EVENT_UNIX_ACCEPT, 5 * SECOND, server, 50, client);
    const struct row_edge *edge = unix_edge();
    assert_int_equal(edge->src, 2);
    assert_int_equal(edge->dst, 3);
    assert_int_equal(edge->at, AT(5 * SECOND));
    assert_int_equal(edge->last_at, AT(5 * SECOND));
    assert_int_equal(edge->open, 1);
    assert_int_equal(edge->count, 1);
    assert_text(edge->detail, "/run/s");
}

/* As long as both live the client may act on the server, which either's end ends. */
static void test_until_the_end(struct who first)
{
    accepted_from(EVENT_UNIX_ACCEPT, 5 * SECOND, server, 50, client);
    accepted_from(EVENT_UNIX_ACCEPT, 6 * SECOND, server, 51, client);
    exited(8 * SECOND, first, 0);
    exited(9 * SECOND, first.pid == client.pid ? server : client, 0);
    const struct row_edge *edge = unix_edge();
    assert_int_equal(edge->at, AT(5 * SECOND));
    assert_int_equal(edge->last_at, AT(8 * SECOND));
    assert_int_equal(edge->open, 0);
    assert_int_equal(edge->count, 2);
}

static void test_client_ends(void **state)
{
    (void)state;
    test_until_the_end(client);
}

static void test_server_ends(void **state)
{
    (void)state;
    test_until_the_end(server);
}

/* What reaches the client while it is connected may go on to the server, and on from there: acts of
 * the server at different times are then different edges. */
static void test_way_in_keeps_acts_apart(void **state)
{
    (void)state;
    exited(4 * SECOND, child, 0);
    accepted_from(EVENT_UNIX_ACCEPT, 5 * SECOND, server, 50, client);
    exited(6 * SECOND, init, 0);
    accepted_from(EVENT_UNIX_ACCEPT, 6 * SECOND, init, 51, server);
    accepted_from(EVENT_UNIX_ACCEPT, 7 * SECOND, init, 52, server);
    assert_int_equal(edges("unix"), 3);
}

/* Whoever connected may be gone when it is accepted: reaped, so that only its pid is left. */
static void test_client_is_gone(void **state)
{
    (void)state;
    exited(4 * SECOND, client, 0);
    accepted_from(EVENT_UNIX_ACCEPT, 5 * SECOND, server, 50, (struct who){client.pid, 0});
    const struct row_edge *edge = unix_edge();
    assert_int_equal(edge->src, 2);
    assert_int_equal(edge->last_at, AT(5 * SECOND));
}

static void test_nobody(void **state)
{
    (void)state;
    accepted_from(EVENT_UNIX_ACCEPT, 5 * SECOND, server, 50, server);
    accepted_from(EVENT_UNIX_ACCEPT, 5 * SECOND, server, 51, (struct who){999, 0});
    accepted_from(EVENT_UNIX_ACCEPT, 5 * SECOND, server, 52, (struct who){999, 5});
    accepted_from(EVENT_UNIX_ACCEPT, 5 * SECOND, server, 0, NOBODY);
    assert_int_equal(edges("unix"), 0);
}

static void test_abstract_name(void **state)
{
    (void)state;
    struct unix_record record = unix_record(EVENT_UNIX_ACCEPT, 5 * SECOND, server, 50, "\0a\0b", 4);
    record.event.peer_pid = client.pid;
    record.event.peer_start = client.start;
    apply(&record);
    const struct row_edge *edge = unix_edge();
    assert_int_equal(edge->detail.length, 4);
    assert_memory_equal(edge->detail.data, "@a\0b", 4);
}

/* An accepted connection that a child gets as its standard streams; others are not its. */
static void test_inherited(void **state)
{
    (void)state;
    accepted_from(EVENT_UNIX_ACCEPT, 5 * SECOND, server, 50, client);
    struct exec_record record = exec_record(EVENT_EXEC, 6 * SECOND, child, server, "/bin/cat");
    for (int i = 0; i < 3; i++)
        record.exec.image.stdio[i] = (struct event_fd){.inode = 50, .mode = S_IFSOCK};
    apply(&record);
    record.exec.image.stdio[0].inode = 51;
    apply(&record);
    assert_int_equal(edges("unix"), 2);
    const struct row_edge *edge = edge_row(5);
    assert_int_equal(edge->src, 2);
    assert_int_equal(edge->dst, 4);
    assert_int_equal(edge->at, AT(6 * SECOND));
    assert_int_equal(edge->count, 1);
}

static void test_datagrams(void **state)
{
    (void)state;
    datagram(EVENT_UNIX_BIND, 4 * SECOND, server, 60, 0);
    datagram(EVENT_UNIX_CONNECT, 5 * SECOND, client, 61, 60);
    const struct row_edge *edge = unix_edge();
    assert_int_equal(edge->src, 2);
    assert_int_equal(edge->dst, 3);
    assert_text(edge->detail, "/run/d");
}

/* A scan tells of the sockets in any order, and again at the next scan; of those that hold one the
 * youngest is the server. */
static void test_scan(void **state)
{
    (void)state;
    datagram(EVENT_UNIX_SOCKET, 5 * SECOND, client, 61, 60);
    datagram(EVENT_UNIX_SOCKET, 5 * SECOND, child, 60, 0);
    datagram(EVENT_UNIX_SOCKET, 5 * SECOND, init, 60, 0);
    accepted_from(EVENT_UNIX_SOCKET, 5 * SECOND, server, 50, client);
    assert_int_equal(edges("unix"), 1);
    scan_done(6 * SECOND, 0);
    assert_int_equal(edges("unix"), 2);
    datagram(EVENT_UNIX_SOCKET, 7 * SECOND, client, 61, 60);
    accepted_from(EVENT_UNIX_SOCKET, 7 * SECOND, server, 50, client);
    scan_done(8 * SECOND, 0);
    assert_int_equal(edges("unix"), 2);
    assert_int_equal(edge_row(4)->dst, 3);
    assert_int_equal(edge_row(4)->count, 1);
    assert_int_equal(edge_row(5)->dst, 4);
    assert_int_equal(edge_row(5)->count, 1);
}

/* The next run takes the edge up, which the scan finds again; without its processes it is over. */
static void test_restart(void **state)
{
    (void)state;
    accepted_from(EVENT_UNIX_ACCEPT, 5 * SECOND, server, 50, client);
    struct row_edge edge = *unix_edge(), lost = edge;
    struct row_process processes[] = {*process_row(2), *process_row(3)};
    edge.detail = as_text("/run/s");
    edge.kind = lost.kind = as_text("unix");
    lost.id = 9;
    lost.dst = 99;
    restart_model(40);
    adopt(ROW_PROCESS, &processes[0]);
    adopt(ROW_PROCESS, &processes[1]);
    adopt(ROW_EDGE, &lost); /* has the texts of the other, which goes with its row */
    adopt(ROW_EDGE, &edge);
    accepted_from(EVENT_UNIX_SOCKET, 7 * SECOND, server, 50, client);
    assert_int_equal(edges("unix"), 2);
    assert_int_equal(edge_row(9)->open, 0);
    assert_int_equal(edge_row(edge.id)->open, 1);
    exited(8 * SECOND, client, 0);
    assert_int_equal(edge_row(edge.id)->open, 0);
    assert_int_equal(edge_row(edge.id)->last_at, AT(8 * SECOND));
    assert_text(edge_row(edge.id)->detail, "/run/s");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_accept, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_client_ends, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_server_ends, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_way_in_keeps_acts_apart, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_client_is_gone, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_nobody, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_abstract_name, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_inherited, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_datagrams, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_scan, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(test_restart, set_up, model_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
