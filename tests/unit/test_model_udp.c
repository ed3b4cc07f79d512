/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flows of UDP: what makes a row, whose it is, which the other end is, when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "events.h"

#define PORT 5353

static const struct who server = {60, 6 * SECOND}; /* process 1 */
static const struct who client = {70, 7 * SECOND}; /* process 2 */

static int set_up(void **state)
{
    if (model_set_up(state))
        return -1;
    forked(server, NOBODY);
    forked(client, NOBODY);
    return 0;
}

static struct event_udp udp_record(unsigned kind, uint64_t time, struct who who, struct end end)
{
    struct event_udp udp = {
        .header = header_of(kind, sizeof(udp), time, who),
        .cookie = end.cookie,
        .inode = 100 + end.cookie,
        .net_ns = end.net_ns,
        .local_port = end.local_port,
        .remote_port = end.remote_port,
        .began = time,
        .last = time,
    };
    set_address(udp.local_address, end.local);
    udp.family = set_address(udp.remote_address, end.remote);
    return udp;
}

/* A packet of that many bytes began a flow. */
static struct event_udp sent(uint64_t time, struct who who, struct end end, uint64_t bytes)
{
    struct event_udp udp = udp_record(EVENT_UDP_FLOW, time, who, end);
    udp.bytes_sent = bytes;
    udp.packets_sent = 1;
    apply(&udp);
    return udp;
}

static struct event_udp received(uint64_t time, struct who who, struct end end, uint64_t bytes)
{
    struct event_udp udp = udp_record(EVENT_UDP_FLOW, time, who, end);
    udp.flags = EVENT_UDP_IN;
    udp.bytes_received = bytes;
    udp.packets_received = 1;
    apply(&udp);
    return udp;
}

/* A look at the flow: newest packet at `last`, totals. */
static void looked(struct event_udp udp, uint64_t time, uint64_t last, uint64_t out, uint64_t in,
                   uint32_t flags)
{
    udp.header.time = time;
    udp.last = last;
    udp.bytes_sent = out;
    udp.bytes_received = in;
    udp.flags |= flags;
    apply(&udp);
}

/* flow: the only one that the socket had, with its totals; NULL: it had none, or several. */
static void closed_socket(uint64_t time, uint64_t cookie, const struct event_udp *flow)
{
    struct event_udp udp = {.header = header_of(EVENT_UDP_CLOSE, sizeof(udp), time, NOBODY)};
    if (flow) {
        udp = *flow;
        udp.header.kind = EVENT_UDP_CLOSE;
        udp.header.time = time;
    }
    udp.cookie = cookie;
    apply(&udp);
}

static void bound(uint64_t time, struct who who, uint64_t cookie, const char *address)
{
    struct end end = {address, strchr(address, ':') ? "::" : "0.0.0.0", cookie, 0, 0, NET_NS, PORT,
                      0};
    struct event_udp udp = udp_record(EVENT_UDP_BIND, time, who, end);
    udp.began = udp.last = 0;
    apply(&udp);
}

static void found(uint64_t time, struct who who, struct end end, uint32_t flags)
{
    struct event_udp udp = udp_record(EVENT_UDP_SOCKET, time, who, end);
    udp.began = udp.last = 0;
    udp.flags = flags;
    apply(&udp);
}

/* ---- rows ---- */

static void a_flow_is_a_row(void **state)
{
    (void)state;
    struct event_udp udp = sent(20 * SECOND, client, client_end(2, 40000, PORT), 100);
    const struct row_connection *row = connection_row(1);
    assert_text(row->protocol, "udp");
    assert_text(row->direction, "out");
    assert_text(row->state, "open");
    assert_text(row->origin, "event");
    assert_text(row->local_address, "127.0.0.1");
    assert_int_equal(row->local_port, 40000);
    assert_int_equal(row->remote_port, PORT);
    assert_int_equal(row->process_id, 2);
    assert_int_equal(row->started_at, AT(20 * SECOND));
    assert_null_column(row->established_at);
    assert_null_column(row->ended_at);
    assert_int_equal(row->bytes_sent, 100);
    assert_int_equal(row->bytes_received, 0);
    assert_int_equal(row->cookie, 2);
    assert_int_equal(row->inode, 102);
    looked(udp, 25 * SECOND, 24 * SECOND, 700, 50, 0);
    row = connection_row(1);
    assert_int_equal(row->bytes_sent, 700);
    assert_int_equal(row->bytes_received, 50);
    assert_null_column(row->ended_at);
    assert_int_equal(rows(ROW_CONNECTION), 1);
}

/* A look may be at a flow that another record tells of as younger: nothing is taken back. */
static void totals_never_become_less(void **state)
{
    (void)state;
    struct event_udp udp = sent(20 * SECOND, client, client_end(2, 40000, PORT), 100);
    looked(udp, 21 * SECOND, 21 * SECOND, 700, 50, 0);
    looked(udp, 21 * SECOND, 20 * SECOND, 100, 0, 0);
    assert_int_equal(connection_row(1)->bytes_sent, 700);
    assert_int_equal(connection_row(1)->bytes_received, 50);
    looked(udp, 90 * SECOND, 20 * SECOND, 100, 0, EVENT_UDP_IDLE);
    assert_int_equal(connection_row(1)->ended_at, AT(21 * SECOND));
}

static void an_idle_flow_ends_with_its_last_packet(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, PORT);
    struct event_udp udp = sent(20 * SECOND, client, end, 100);
    looked(udp, 90 * SECOND, 29 * SECOND, 120, 0, EVENT_UDP_IDLE);
    assert_text(connection_row(1)->state, "closed");
    assert_int_equal(connection_row(1)->ended_at, AT(29 * SECOND));
    assert_int_equal(connection_row(1)->bytes_sent, 120);
    sent(91 * SECOND, client, end, 7);
    assert_int_equal(rows(ROW_CONNECTION), 2);
    assert_int_equal(connection_row(2)->bytes_sent, 7);
    assert_int_equal(connection_row(1)->bytes_sent, 120);
    assert_text(connection_row(2)->state, "open");
}

static void a_socket_has_many_flows(void **state)
{
    (void)state;
    struct event_udp one = sent(20 * SECOND, client, client_end(2, 40000, PORT), 1);
    struct event_udp other = sent(20 * SECOND, client, client_end(2, 40000, PORT + 1), 2);
    struct event_udp foreign = sent(20 * SECOND, client, client_end(4, 40004, PORT), 3);
    assert_int_equal(rows(ROW_CONNECTION), 3);
    closed_socket(30 * SECOND, 2, NULL);
    assert_text(connection_row(1)->state, "closed");
    assert_text(connection_row(2)->state, "closed");
    assert_text(connection_row(3)->state, "open");
    /* The last look at them comes after. */
    looked(one, 31 * SECOND, 29 * SECOND, 11, 0, 0);
    looked(other, 31 * SECOND, 28 * SECOND, 12, 0, EVENT_UDP_IDLE);
    looked(foreign, 31 * SECOND, 28 * SECOND, 13, 0, 0);
    assert_int_equal(rows(ROW_CONNECTION), 3);
    assert_int_equal(connection_row(1)->bytes_sent, 11);
    assert_int_equal(connection_row(1)->ended_at, AT(29 * SECOND));
    assert_int_equal(connection_row(2)->bytes_sent, 12);
    assert_int_equal(connection_row(2)->ended_at, AT(28 * SECOND));
    assert_null_column(connection_row(3)->ended_at);
}

static void a_close_brings_the_totals_of_an_only_flow(void **state)
{
    (void)state;
    struct event_udp udp = sent(20 * SECOND, client, client_end(2, 40000, PORT), 1);
    udp.last = 20 * SECOND + 5 * MS;
    udp.bytes_received = 400;
    udp.packets_received = 1;
    closed_socket(20 * SECOND + 9 * MS, 2, &udp);
    assert_int_equal(connection_row(1)->bytes_received, 400);
    assert_int_equal(connection_row(1)->ended_at, AT(20 * SECOND + 5 * MS));
    assert_text(connection_row(1)->state, "closed");
    /* Where the first record was lost, this one makes the row. */
    udp.local_port++;
    closed_socket(21 * SECOND, 4, &udp);
    assert_int_equal(rows(ROW_CONNECTION), 2);
    assert_text(connection_row(2)->state, "closed");
    closed_socket(22 * SECOND, 77, NULL);
    assert_int_equal(rows(ROW_CONNECTION), 2);
}

/* ---- whose ---- */

static void both_ends_of_a_flow_find_each_other(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, PORT);
    bound(10 * SECOND, server, 3, "127.0.0.1");
    sent(20 * SECOND, client, end, 100);
    received(20 * SECOND + MS, server, other_end(end, 3), 100);
    assert_int_equal(connection_row(1)->peer_id, 2);
    assert_int_equal(connection_row(1)->peer_process_id, 1);
    assert_int_equal(connection_row(2)->peer_id, 1);
    assert_int_equal(connection_row(2)->peer_process_id, 2);
    assert_int_equal(connection_row(2)->listener_id, 1);
    assert_text(connection_row(2)->direction, "in");
    assert_int_equal(edges("connect"), 1);
    assert_int_equal(edge_row(1)->src, 2);
    assert_int_equal(edge_row(1)->dst, 1);
    assert_int_equal(edge_row(1)->connection_id, 1);
    assert_int_equal(edge_row(1)->at, AT(20 * SECOND + MS));
}

/* One tuple of TCP and of UDP, at once. */
static void tcp_is_no_peer_of_udp(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, PORT);
    listening(10 * SECOND, server, 9, "127.0.0.1", PORT);
    sent(20 * SECOND, client, end, 100);
    established(20 * SECOND, other_end(end, 5), TCP_SYN_RECV);
    accepted(20 * SECOND, server, other_end(end, 5));
    assert_null_column(connection_row(1)->peer_id);
    assert_null_column(connection_row(2)->peer_id);
    received(21 * SECOND, server, other_end(end, 7), 1);
    assert_null_column(connection_row(3)->listener_id);
    assert_int_equal(connection_row(3)->peer_id, 1);
    assert_null_column(connection_row(2)->peer_id);
}

/* The listener of UDP is none for TCP either. */
static void a_bound_socket_accepts_nothing(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, PORT);
    bound(10 * SECOND, server, 3, "127.0.0.1");
    established(20 * SECOND, other_end(end, 5), TCP_SYN_RECV);
    assert_null_column(connection_row(1)->listener_id);
}

static void who_answers_takes_it_over(void **state)
{
    (void)state;
    static const struct who worker = {80, 8 * SECOND}; /* process 3 */
    struct end end = client_end(2, 40000, PORT);
    forked(worker, server);
    sent(20 * SECOND, client, end, 100);
    struct event_udp udp = received(20 * SECOND + MS, server, other_end(end, 3), 100);
    assert_int_equal(connection_row(2)->process_id, 1);
    assert_int_equal(edges("connect"), 1);
    udp.header.pid = worker.pid;
    udp.header.start = worker.start;
    looked(udp, 21 * SECOND, 21 * SECOND, 50, 100, 0);
    assert_int_equal(connection_row(2)->process_id, 3);
    assert_int_equal(connection_row(1)->peer_process_id, 3);
    assert_int_equal(edges("connect"), 1);
    assert_text(edge_row(2)->kind, "connect");
    assert_int_equal(edge_row(2)->dst, 3);
}

/* It has left its socket to a child that nobody has seen using it. */
static void who_has_ended_receives_nothing(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, PORT);
    exited(19 * SECOND, server, 0);
    struct event_udp udp = received(20 * SECOND, server, other_end(end, 3), 100);
    assert_null_column(connection_row(1)->process_id);
    for (uint64_t time = 21; time < 40; time++)
        looked(udp, time * SECOND, time * SECOND, 0, time, 0);
    assert_null_column(connection_row(1)->process_id);
    assert_int_equal(rows(ROW_PROCESS), 2);
    /* While it lived it did. */
    received(18 * SECOND, client, other_end(end, 5), 100);
    assert_int_equal(connection_row(2)->process_id, 2);
}

/* A flow goes on for long after the process that made it is forgotten. */
static void a_sender_that_has_ended_is_not_made_up_again(void **state)
{
    (void)state;
    struct event_udp udp = sent(20 * SECOND, client, client_end(2, 40000, PORT), 100);
    exited(21 * SECOND, client, 0);
    for (uint64_t time = 22; time < 40; time++)
        looked(udp, time * SECOND, time * SECOND, time * 100, 0, 0);
    assert_int_equal(rows(ROW_PROCESS), 2);
    assert_int_equal(connection_row(1)->process_id, 2);
}

static void standard_streams_hold_it(void **state)
{
    (void)state;
    static const struct who child = {80, 8 * SECOND}; /* process 3 */
    struct exec_record exec;
    forked(child, client);
    sent(20 * SECOND, client, client_end(2, 40000, PORT), 100);
    exec = exec_record(EVENT_EXEC, 21 * SECOND, child, client, "/bin/sh");
    exec.exec.image.stdio[0] = (struct event_fd){.inode = 102, .mode = 0140777};
    apply(&exec);
    flush();
    const struct row_holder *holder = ledger_get(ROW_HOLDER, 1);
    assert_non_null(holder);
    assert_int_equal(holder->connection_id, 1);
    assert_int_equal(holder->process_id, 3);
}

/* ---- listeners ---- */

static void a_bound_socket_is_a_listener(void **state)
{
    (void)state;
    bound(20 * SECOND, server, 3, "::");
    assert_text(listener_row(1)->protocol, "udp");
    assert_text(listener_row(1)->address, "::");
    assert_int_equal(listener_row(1)->port, PORT);
    assert_int_equal(listener_row(1)->process_id, 1);
    assert_int_equal(listener_row(1)->started_at, AT(20 * SECOND));
    assert_null_column(listener_row(1)->ended_at);
    assert_int_equal(rows(ROW_CONNECTION), 0);
    closed_socket(30 * SECOND, 3, NULL);
    assert_int_equal(listener_row(1)->ended_at, AT(30 * SECOND));
    assert_int_equal(rows(ROW_LISTENER), 1);
}

static void a_connected_socket_is_none_any_more(void **state)
{
    (void)state;
    bound(20 * SECOND, server, 3, "127.0.0.1");
    struct event_udp udp = sent(25 * SECOND, server, client_end(3, PORT, 99), 1);
    assert_null_column(listener_row(1)->ended_at);
    udp.header.time = 26 * SECOND;
    udp.flags = EVENT_UDP_CONNECTED;
    apply(&udp);
    assert_int_equal(listener_row(1)->ended_at, AT(25 * SECOND));
}

/* ---- scan and restart ---- */

static void a_scan_finds_listeners_and_makes_no_flows(void **state)
{
    (void)state;
    struct end end = client_end(3, PORT, 0);
    end.remote = "0.0.0.0";
    found(20 * SECOND, server, end, EVENT_UDP_BOUND);
    end.cookie = 5;
    found(20 * SECOND, server, end, 0);
    found(20 * SECOND, client, client_end(7, PORT, 99), EVENT_UDP_BOUND | EVENT_UDP_CONNECTED);
    scan_done(21 * SECOND, 19 * SECOND);
    assert_int_equal(rows(ROW_LISTENER), 1);
    assert_text(listener_row(1)->origin, "scan");
    assert_null_column(listener_row(1)->started_at);
    assert_null_column(listener_row(1)->ended_at);
    assert_int_equal(rows(ROW_CONNECTION), 0);
}

/* Two sockets of an earlier run; one is found again. */
static void adopt_two(void)
{
    sent(20 * SECOND, client, client_end(2, 40000, PORT), 100);
    sent(20 * SECOND, client, client_end(4, 40004, PORT), 40);
    flush();
    struct row_connection rows_before[] = {*connection_row(1), *connection_row(2)};
    struct row_process process = *process_row(2);
    restart_model(10);
    adopt(ROW_PROCESS, &process);
    adopt(ROW_CONNECTION, &rows_before[0]);
    adopt(ROW_CONNECTION, &rows_before[1]);
    forked((struct who){99, 99 * SECOND}, NOBODY); /* time passes before the scan is through */
    found(100 * SECOND, client, client_end(2, 40000, PORT), EVENT_UDP_CONNECTED);
    scan_done(101 * SECOND, 99 * SECOND);
}

static void a_restart_keeps_rows_and_bytes(void **state)
{
    (void)state;
    adopt_two();
    assert_null_column(connection_row(1)->ended_at);
    assert_text(connection_row(2)->state, "closed");
    struct event_udp udp = sent(110 * SECOND, client, client_end(2, 40000, PORT), 5);
    looked(udp, 111 * SECOND, 111 * SECOND, 7, 3, 0);
    assert_int_equal(connection_row(1)->bytes_sent, 107);
    assert_int_equal(connection_row(1)->bytes_received, 3);
    assert_int_equal(connection_row(1)->started_at, AT(20 * SECOND));
    assert_text(connection_row(1)->protocol, "udp");
    looked(udp, 300 * SECOND, 111 * SECOND, 7, 3, EVENT_UDP_IDLE);
    assert_int_equal(connection_row(1)->ended_at, AT(111 * SECOND));
    assert_int_equal(rows(ROW_CONNECTION), 2);
}

static void an_adopted_flow_that_stays_silent_ends(void **state)
{
    (void)state;
    adopt_two();
    forked((struct who){98, 140 * SECOND}, NOBODY);
    assert_null_column(connection_row(1)->ended_at);
    forked((struct who){98, 170 * SECOND}, NOBODY);
    assert_text(connection_row(1)->state, "closed");
    sent(171 * SECOND, client, client_end(2, 40000, PORT), 5);
    assert_int_equal(connection_row(10)->bytes_sent, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, model_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_flow_is_a_row),
        TEST(totals_never_become_less),
        TEST(an_idle_flow_ends_with_its_last_packet),
        TEST(a_socket_has_many_flows),
        TEST(a_close_brings_the_totals_of_an_only_flow),
        TEST(both_ends_of_a_flow_find_each_other),
        TEST(tcp_is_no_peer_of_udp),
        TEST(a_bound_socket_accepts_nothing),
        TEST(who_answers_takes_it_over),
        TEST(who_has_ended_receives_nothing),
        TEST(a_sender_that_has_ended_is_not_made_up_again),
        TEST(standard_streams_hold_it),
        TEST(a_bound_socket_is_a_listener),
        TEST(a_connected_socket_is_none_any_more),
        TEST(a_scan_finds_listeners_and_makes_no_flows),
        TEST(a_restart_keeps_rows_and_bytes),
        TEST(an_adopted_flow_that_stays_silent_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
