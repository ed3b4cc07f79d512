/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections and listeners: attempts, ends, owners, restarts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "events.h"

#define PORT 8080

static const struct who server = {60, 6 * SECOND};
static const struct who client = {70, 7 * SECOND};
static const struct who worker = {80, 8 * SECOND};

/* Processes 1 to 3 are the server, the client and the worker; listener 1 is the server's. */
static int set_up(void **state)
{
    if (model_set_up(state))
        return -1;
    forked(server, NOBODY);
    forked(client, NOBODY);
    forked(worker, NOBODY);
    listening(9 * SECOND, server, 1, "0.0.0.0", PORT);
    return 0;
}

/* Up to the end of the handshake: connection 1 is the client's, 2 the server's. */
static struct end connected(void)
{
    struct end end = client_end(2, 40000, PORT);
    connecting(20 * SECOND, client, end);
    established(20 * SECOND + MS, end, TCP_SYN_SENT);
    established(20 * SECOND + 2 * MS, other_end(end, 3), TCP_SYN_RECV);
    return end;
}

/* ---- attempts ---- */

static void each_attempt_on_a_socket_is_a_row(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, 9);
    connecting(20 * SECOND, client, end);
    closed(21 * SECOND, end, 0, ECONNREFUSED);
    connecting(22 * SECOND, client, end);
    closed(23 * SECOND, end, 0, ETIMEDOUT);
    assert_int_equal(rows(ROW_CONNECTION), 2);
    assert_text(connection_row(1)->state, "refused");
    assert_text(connection_row(1)->error, "ECONNREFUSED");
    assert_true(connection_row(1)->ended_at == AT(21 * SECOND));
    assert_text(connection_row(2)->state, "timeout");
    assert_true(connection_row(2)->started_at == AT(22 * SECOND));
    assert_int_equal(connection_row(2)->process_id, 2);
}

static void an_attempt_whose_end_was_lost_ends_with_the_next(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, 9);
    connecting(20 * SECOND, client, end);
    connecting(22 * SECOND, client, end);
    assert_int_equal(rows(ROW_CONNECTION), 2);
    assert_true(connection_row(1)->ended_at == AT(22 * SECOND));
    assert_null_column(connection_row(2)->ended_at);
}

/* Which of the two tells depends on the kernel: the error and no second row in any order. */
static void what_connect_returned_belongs_to_the_attempt_that_closed(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, 9);
    connecting(20 * SECOND, client, end);
    closed(21 * SECOND, end, 0, 0);
    assert_text(connection_row(1)->state, "failed");
    connect_failed(21 * SECOND + 1, client, end, EHOSTUNREACH);
    assert_int_equal(rows(ROW_CONNECTION), 1);
    assert_text(connection_row(1)->state, "unreachable");
    assert_text(connection_row(1)->error, "EHOSTUNREACH");
    assert_true(connection_row(1)->ended_at == AT(21 * SECOND));
}

static void what_the_close_told_is_not_told_over(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, 9);
    connecting(20 * SECOND, client, end);
    closed(21 * SECOND, end, 0, ECONNREFUSED);
    connect_failed(21 * SECOND + 1, client, end, ECONNABORTED);
    assert_int_equal(rows(ROW_CONNECTION), 1);
    assert_text(connection_row(1)->error, "ECONNREFUSED");
    connect_failed(22 * SECOND, client, end, ENETUNREACH); /* one more, without a route */
    assert_int_equal(rows(ROW_CONNECTION), 2);
    assert_text(connection_row(2)->state, "unreachable");
}

static void a_failure_told_before_the_close_makes_no_row(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, 9);
    connecting(20 * SECOND, client, end);
    connect_failed(21 * SECOND, client, end, ETIMEDOUT);
    assert_null_column(connection_row(1)->ended_at);
    closed(21 * SECOND + 1, end, 0, ETIMEDOUT);
    assert_int_equal(rows(ROW_CONNECTION), 1);
    assert_text(connection_row(1)->state, "timeout");
}

static void failures_of_sockets_without_a_cookie_are_rows_of_their_own(void **state)
{
    (void)state;
    struct end end = client_end(0, 0, 9);
    connect_failed(21 * SECOND, client, end, ENETUNREACH);
    connect_failed(22 * SECOND, client, end, ENETUNREACH);
    assert_int_equal(rows(ROW_CONNECTION), 2);
    assert_null_column(connection_row(2)->cookie);
    assert_null_column(connection_row(2)->local_port);
    assert_true(connection_row(2)->ended_at == AT(22 * SECOND));
}

static const struct {
    uint32_t error;
    const char *attempt;
    const char *connection;
} outcomes[] = {
    {0, "failed", "closed"},
    {ECONNREFUSED, "refused", "reset"},
    {ETIMEDOUT, "timeout", "timeout"},
    {ENETUNREACH, "unreachable", "unreachable"},
    {EHOSTUNREACH, "unreachable", "unreachable"},
    {ECONNRESET, "reset", "reset"},
    {EPIPE, "reset", "reset"},
    {ECONNABORTED, "failed", "reset"},
    {EINTR, "failed", "closed"},
};

static void the_error_says_how_it_ended(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        struct end attempt = client_end(100 + 2 * i, 1000, 9);
        struct end open = client_end(101 + 2 * i, (uint16_t)(2000 + i), 9);
        connecting(20 * SECOND, client, attempt);
        closed(21 * SECOND, attempt, 0, outcomes[i].error);
        connecting(20 * SECOND, client, open);
        established(20 * SECOND, open, TCP_SYN_SENT);
        closed(21 * SECOND, open, 0, outcomes[i].error);
        assert_text(connection_row((int64_t)(2 * i + 1))->state, outcomes[i].attempt);
        assert_text(connection_row((int64_t)(2 * i + 2))->state, outcomes[i].connection);
    }
}

/* ---- owners ---- */

static void until_it_is_accepted_a_connection_is_its_listeners(void **state)
{
    (void)state;
    connected();
    assert_int_equal(connection_row(2)->process_id, 1);
    assert_int_equal(connection_row(2)->listener_id, 1);
    assert_int_equal(connection_row(1)->peer_process_id, 1);
    assert_int_equal(edges("connect"), 0);
}

static void who_accepts_is_the_owner_in_both_rows(void **state)
{
    (void)state;
    struct end end = connected();
    flush();
    accepted(20 * SECOND + 3 * MS, worker, other_end(end, 3));
    assert_int_equal(connection_row(2)->process_id, 3);
    assert_int_equal(connection_row(2)->listener_id, 1);
    assert_int_equal(connection_row(1)->peer_process_id, 3);
    assert_int_equal(edges("connect"), 1);
    for (int64_t id = 1; id <= (int64_t)rows(ROW_EDGE); id++) {
        assert_int_equal(edge_row(id)->src, 2);
        assert_int_equal(edge_row(id)->dst, 3);
        assert_int_equal(edge_row(id)->connection_id, 1);
        assert_true(edge_row(id)->at == AT(20 * SECOND + 2 * MS));
    }
}

static void accepting_twice_makes_one_edge(void **state)
{
    (void)state;
    struct end end = connected();
    accepted(20 * SECOND + 3 * MS, server, other_end(end, 3));
    accepted(20 * SECOND + 4 * MS, worker, other_end(end, 3));
    assert_int_equal(edges("connect"), 1);
}

static void an_accept_whose_handshake_is_told_later_is_one_row(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, PORT);
    connecting(20 * SECOND, client, end);
    established(20 * SECOND + MS, end, TCP_SYN_SENT);
    accepted(20 * SECOND + 2 * MS, worker, other_end(end, 3));
    established(20 * SECOND + 2 * MS, other_end(end, 3), TCP_SYN_RECV);
    assert_int_equal(rows(ROW_CONNECTION), 2);
    assert_int_equal(connection_row(2)->process_id, 3);
    assert_text(connection_row(2)->direction, "in");
    assert_int_equal(connection_row(2)->listener_id, 1);
    assert_int_equal(connection_row(1)->peer_process_id, 3);
    assert_int_equal(connection_row(2)->peer_id, 1);
    assert_int_equal(edges("connect"), 1);
}

static void what_nobody_accepted_makes_no_edge(void **state)
{
    (void)state;
    struct end end = connected();
    closed(21 * SECOND, other_end(end, 3), 0, 0);
    closed(21 * SECOND, end, 0, ECONNRESET);
    assert_int_equal(edges("connect"), 0);
    assert_text(connection_row(1)->state, "reset");
    assert_text(connection_row(2)->state, "closed");
    assert_int_equal(connection_row(1)->peer_id, 2);
}

static void an_accept_told_after_the_close_still_makes_the_edge(void **state)
{
    (void)state;
    struct end end = connected();
    closed(21 * SECOND, other_end(end, 3), 7, 0);
    accepted(21 * SECOND, server, other_end(end, 3));
    assert_int_equal(edges("connect"), 1);
    assert_true(edge_row(1)->at == AT(20 * SECOND + 2 * MS));
    assert_true(edge_row(1)->last_at == AT(21 * SECOND));
    assert_int_equal(edge_row(1)->open, 0);
    assert_int_equal(connection_row(2)->bytes_sent, 7);
}

static void of_listeners_on_one_port_the_nearest_is_named(void **state)
{
    (void)state;
    struct end v6 = {"2001:db8::1", "2001:db8::2", 5, 1, 2, NET_NS, 40000, 9000}, back;
    listening(10 * SECOND, worker, 11, "127.0.0.2", 9000);
    listening(10 * SECOND, server, 12, "::", 9000);
    struct end end = client_end(4, 40000, 9000);
    established(20 * SECOND, other_end(end, 6), TCP_SYN_RECV);
    assert_int_equal(connection_row(1)->listener_id, 3); /* any address of IPv6 takes IPv4 */
    end.local = end.remote = "127.0.0.2";
    established(20 * SECOND, other_end(end, 7), TCP_SYN_RECV);
    assert_int_equal(connection_row(2)->listener_id, 2);
    back = other_end(v6, 8);
    established(20 * SECOND, back, TCP_SYN_RECV);
    assert_int_equal(connection_row(3)->listener_id, 3);
    back.net_ns++;
    back.cookie = 9;
    established(20 * SECOND, back, TCP_SYN_RECV); /* in another namespace nobody listens */
    assert_null_column(connection_row(4)->listener_id);
    assert_null_column(connection_row(4)->process_id);
}

/* ---- what is learnt late ---- */

static void a_port_learnt_late_replaces_none_and_is_kept(void **state)
{
    (void)state;
    struct end end = client_end(2, 0, 9), known = client_end(2, 40000, 9), lost = end;
    connecting(20 * SECOND, client, end);
    assert_null_column(connection_row(1)->local_port);
    established(20 * SECOND + MS, known, TCP_SYN_SENT);
    assert_int_equal(connection_row(1)->local_port, 40000);
    lost.local = lost.remote = "0.0.0.0"; /* the socket is unhashed by now */
    lost.remote_port = 0;
    closed(21 * SECOND, lost, 1, 0);
    assert_int_equal(connection_row(1)->local_port, 40000);
    assert_int_equal(connection_row(1)->remote_port, 9);
    assert_text(connection_row(1)->local_address, "127.0.0.1");
    assert_text(connection_row(1)->remote_address, "127.0.0.1");
}

static void a_listeners_port_learnt_late_finds_its_connections(void **state)
{
    (void)state;
    listening(10 * SECOND, worker, 11, "0.0.0.0", 0);
    listening(10 * SECOND, worker, 11, "0.0.0.0", 9000);
    listening(10 * SECOND, worker, 11, "0.0.0.0", 0);
    assert_int_equal(rows(ROW_LISTENER), 2);
    assert_int_equal(listener_row(2)->port, 9000);
    established(20 * SECOND, other_end(client_end(4, 40000, 9000), 6), TCP_SYN_RECV);
    assert_int_equal(connection_row(1)->listener_id, 2);
}

/* accept() took a connection from before the recorder's time, and could not tell its cookie. */
static void a_close_finds_the_connection_that_had_no_cookie(void **state)
{
    (void)state;
    struct end end = other_end(client_end(4, 40000, PORT), 0);
    accepted(20 * SECOND, worker, end);
    assert_null_column(connection_row(1)->cookie);
    end.cookie = 5;
    closed(21 * SECOND, end, 3, 0);
    assert_int_equal(rows(ROW_CONNECTION), 1);
    assert_int_equal(connection_row(1)->cookie, 5);
    assert_int_equal(connection_row(1)->bytes_sent, 3);
    assert_true(connection_row(1)->ended_at == AT(21 * SECOND));
}

static void a_close_of_a_stranger_makes_no_row(void **state)
{
    (void)state;
    closed(21 * SECOND, client_end(2, 40000, 9), 3, 0);
    assert_int_equal(rows(ROW_CONNECTION), 0);
}

/* ---- ends ---- */

static void the_first_of_two_closes_counts(void **state)
{
    (void)state;
    struct end end = connected();
    closed(21 * SECOND, end, 3, 0);
    flush();
    closed(22 * SECOND, end, 9, ECONNRESET);
    assert_int_equal(flush(), 0);
    assert_int_equal(connection_row(1)->bytes_sent, 3);
}

static void a_close_gives_the_edge_its_end(void **state)
{
    (void)state;
    struct end end = connected();
    accepted(20 * SECOND + 3 * MS, server, other_end(end, 3));
    assert_true(edge_row(1)->last_at == edge_row(1)->at);
    closed(21 * SECOND, end, 1, 0);
    assert_true(edge_row(1)->last_at == edge_row(1)->at); /* the server's end tells */
    assert_int_equal(edge_row(1)->open, 1);
    closed(22 * SECOND, other_end(end, 3), 1, 0);
    assert_true(edge_row(1)->last_at == AT(22 * SECOND));
    assert_int_equal(edge_row(1)->open, 0);
    assert_int_equal(rows(ROW_EDGE), 1);
}

static void closed_connections_are_forgotten_after_a_while(void **state)
{
    (void)state;
    struct end end = connected();
    closed(21 * SECOND, end, 3, 0);
    flush();
    forked((struct who){90, 27 * SECOND}, NOBODY);
    flush();
    /* The other end is still there, and need not ask the one that is gone. */
    accepted(27 * SECOND, worker, other_end(end, 3));
    closed(28 * SECOND, other_end(end, 3), 4, 0);
    assert_int_equal(connection_row(2)->peer_id, 1);
    assert_int_equal(connection_row(2)->bytes_sent, 4);
    connect_failed(28 * SECOND, client, end, EPIPE); /* a new attempt, as far as anybody knows */
    assert_int_equal(rows(ROW_CONNECTION), 3);
}

/* ---- listeners ---- */

static void listen_once(uint64_t time)
{
    listening(time, worker, 11, "0.0.0.0", 9000);
}

static void close_listener(uint64_t time, uint64_t cookie)
{
    struct end end = {"0.0.0.0", "0.0.0.0", cookie, 0, 0, NET_NS, 9000, 0};
    struct event_tcp tcp = tcp_record(EVENT_TCP_CLOSE, time, NOBODY, end);
    tcp.old_state = TCP_LISTEN;
    tcp.new_state = TCP_CLOSE;
    apply(&tcp);
}

static void a_socket_that_listens_again_is_another_listener(void **state)
{
    (void)state;
    listen_once(10 * SECOND);
    close_listener(11 * SECOND, 11);
    listen_once(12 * SECOND);
    listen_once(13 * SECOND); /* told twice */
    assert_int_equal(rows(ROW_LISTENER), 3);
    assert_true(listener_row(2)->ended_at == AT(11 * SECOND));
    assert_true(listener_row(3)->started_at == AT(12 * SECOND));
    assert_null_column(listener_row(3)->ended_at);
    assert_int_equal(listener_row(3)->cookie, 11);
}

static void find_listener(uint64_t time, struct who who, uint64_t cookie)
{
    struct end end = {"0.0.0.0", "0.0.0.0", cookie, 0, 0, NET_NS, 9000, 0};
    struct event_tcp tcp = tcp_record(EVENT_TCP_SOCKET, time, who, end);
    tcp.old_state = tcp.new_state = TCP_LISTEN;
    apply(&tcp);
}

static void the_scan_does_not_open_a_closed_listener(void **state)
{
    (void)state;
    close_listener(11 * SECOND, 11); /* not known before */
    find_listener(12 * SECOND, worker, 11);
    assert_int_equal(rows(ROW_LISTENER), 2);
    assert_true(listener_row(2)->ended_at == AT(11 * SECOND));
    assert_null_column(listener_row(2)->started_at);
}

static void a_scan_ends_the_listeners_it_did_not_see(void **state)
{
    (void)state;
    find_listener(30 * SECOND, worker, 11);
    scan_done(31 * SECOND, 29 * SECOND);
    assert_true(listener_row(1)->ended_at == AT(29 * SECOND));
    assert_null_column(listener_row(2)->ended_at);
    assert_null_column(listener_row(2)->started_at);
    assert_text(listener_row(2)->origin, "scan");
}

static void an_adopted_listener_keeps_its_id_and_its_start(void **state)
{
    (void)state;
    struct row_listener row;
    row_clear(ROW_LISTENER, &row);
    row.id = 9;
    row.host_id = 1;
    row.process_id = 4;
    row.cookie = 11;
    row.port = 9000;
    row.address = as_text("0.0.0.0");
    row.started_at = 12345;
    row.origin = as_text("event");
    restart_model(40);
    adopt(ROW_LISTENER, &row);
    find_listener(30 * SECOND, worker, 11);
    scan_done(31 * SECOND, 29 * SECOND);
    flush();
    assert_null(ledger_get(ROW_LISTENER, 40));
    assert_null_column(listener_row(9)->ended_at);
    close_listener(32 * SECOND, 11);
    assert_true(listener_row(9)->ended_at == AT(32 * SECOND));
    assert_int_equal(listener_row(9)->started_at, 12345);
    assert_text(listener_row(9)->address, "0.0.0.0");
}

/* ---- scan and restart ---- */

static void what_a_scan_did_not_see_is_closed_until_told_otherwise(void **state)
{
    (void)state;
    struct end end = connected();
    accepted(20 * SECOND + 3 * MS, server, other_end(end, 3));
    scan_done(31 * SECOND, 29 * SECOND);
    assert_true(connection_row(1)->ended_at == AT(29 * SECOND));
    assert_null_column(connection_row(1)->bytes_sent);
    assert_true(edge_row(1)->last_at == AT(29 * SECOND));
    closed(32 * SECOND, end, 5, ECONNRESET);
    closed(33 * SECOND, other_end(end, 3), 6, 0);
    assert_true(connection_row(1)->ended_at == AT(32 * SECOND));
    assert_int_equal(connection_row(1)->bytes_sent, 5);
    assert_text(connection_row(1)->state, "reset");
    assert_true(edge_row(1)->last_at == AT(33 * SECOND));
    closed(34 * SECOND, end, 9, 0); /* but once only */
    assert_int_equal(connection_row(1)->bytes_sent, 5);
    assert_int_equal(rows(ROW_CONNECTION), 2);
    assert_int_equal(rows(ROW_EDGE), 1);
}

static void what_waits_in_a_listeners_queue_is_not_the_scans_to_see(void **state)
{
    (void)state;
    struct end end = connected();
    listening(30 * SECOND, server, 1, "0.0.0.0", PORT);
    found_open(30 * SECOND, client, end);
    scan_done(31 * SECOND, 29 * SECOND);
    assert_null_column(connection_row(2)->ended_at);
    accepted(32 * SECOND, server, other_end(end, 3));
    assert_int_equal(edges("connect"), 1);
    assert_int_equal(rows(ROW_CONNECTION), 2);
}

static void what_a_scan_found_goes_in_where_somebody_listens(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, PORT), away = client_end(4, 40001, 9);
    find_listener(30 * SECOND, server, 11);
    listening(30 * SECOND, server, 1, "0.0.0.0", PORT);
    found_open(30 * SECOND, worker, other_end(end, 3));
    found_open(30 * SECOND, client, end);
    found_open(30 * SECOND, client, away);
    scan_done(31 * SECOND, 29 * SECOND);
    assert_text(connection_row(1)->direction, "in");
    assert_text(connection_row(2)->direction, "out");
    assert_text(connection_row(3)->direction, "out");
    assert_null_column(connection_row(2)->started_at);
    assert_text(connection_row(2)->origin, "scan");
    assert_int_equal(edges("connect"), 1);
    assert_int_equal(edge_row(1)->src, 2);
    assert_int_equal(edge_row(1)->dst, 3);
    assert_true(edge_row(1)->at == AT(30 * SECOND));
}

/* A row of an earlier run, of the end of a connection as its owner saw it. */
static struct row_connection left_open(int64_t id, struct end end, const char *state)
{
    struct row_connection row;
    row_clear(ROW_CONNECTION, &row);
    row.id = id;
    row.host_id = 1;
    row.protocol = as_text("tcp");
    row.origin = as_text("event");
    row.direction = as_text("out");
    row.state = as_text(state);
    row.cookie = (int64_t)end.cookie;
    row.local_address = as_text(end.local);
    row.remote_address = as_text(end.remote);
    row.local_port = end.local_port;
    row.remote_port = end.remote_port;
    row.net_ns = end.net_ns;
    row.started_at = 12345;
    return row;
}

static void an_adopted_connection_keeps_its_id(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, 9), gone = client_end(3, 40001, 9);
    struct row_connection row = left_open(17, end, "open"), other = left_open(18, gone, "open");
    restart_model(40);
    adopt(ROW_CONNECTION, &row);
    adopt(ROW_CONNECTION, &other);
    assert_int_equal(flush(), 0);
    found_open(30 * SECOND, client, end);
    scan_done(31 * SECOND, 29 * SECOND);
    assert_int_equal(rows(ROW_CONNECTION), 2);
    assert_null_column(connection_row(17)->ended_at);
    assert_true(connection_row(18)->ended_at == AT(29 * SECOND));
    closed(32 * SECOND, end, 5, 0);
    assert_int_equal(connection_row(17)->bytes_sent, 5);
    assert_int_equal(connection_row(17)->started_at, 12345);
    assert_text(connection_row(17)->state, "closed");
    assert_text(connection_row(17)->local_address, "127.0.0.1");
    assert_text(connection_row(17)->direction, "out");
}

/* A restart takes up an edge whose connection is there, and ends one that nobody will tell of. */
static void an_open_edge_is_adopted_or_over(void **state)
{
    (void)state;
    struct end end = connected();
    accepted(20 * SECOND + 3 * MS, server, other_end(end, 3));
    struct row_edge edge = *edge_row(1), lost = edge;
    struct row_connection ends[] = {*connection_row(1), *connection_row(2)};
    lost.id = 2;
    lost.connection_id = 99;
    restart_model(40);
    adopt(ROW_CONNECTION, &ends[0]);
    adopt(ROW_CONNECTION, &ends[1]);
    adopt(ROW_EDGE, &lost); /* has the texts of the other, which goes with its row */
    adopt(ROW_EDGE, &edge);
    assert_int_equal(edge_row(1)->open, 1);
    assert_int_equal(edge_row(2)->open, 0);
    closed(32 * SECOND, other_end(end, 3), 5, 0);
    assert_int_equal(edge_row(1)->open, 0);
    assert_true(edge_row(1)->last_at == AT(32 * SECOND));
}

/* A scan did not see it, and then it is accepted by another: it is open, and so is its edge. */
static void a_connection_that_is_there_after_all_opens_its_edge_again(void **state)
{
    (void)state;
    struct end end = connected();
    accepted(20 * SECOND + 3 * MS, server, other_end(end, 3));
    scan_done(31 * SECOND, 29 * SECOND);
    assert_int_equal(edge_row(1)->open, 0);
    accepted(32 * SECOND, server, other_end(end, 3));
    assert_int_equal(edge_row(1)->open, 1);
    assert_null_column(connection_row(2)->ended_at);
}

static void what_had_ended_is_not_adopted(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, 9);
    struct row_connection row = left_open(17, end, "closed");
    restart_model(40);
    adopt(ROW_CONNECTION, &row);
    found_open(30 * SECOND, client, end);
    assert_text(connection_row(40)->origin, "scan");
    scan_done(31 * SECOND, 29 * SECOND);
    assert_null_column(connection_row(17)->ended_at);
}

static void a_connection_without_a_cookie_gets_it_from_the_scan(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, 9);
    struct row_connection nameless = left_open(18, end, "open");
    restart_model(40);
    nameless.cookie = INTEGER_NULL;
    adopt(ROW_CONNECTION, &nameless);
    found_open(30 * SECOND, client, end);
    scan_done(31 * SECOND, 29 * SECOND);
    assert_int_equal(rows(ROW_CONNECTION), 1);
    assert_int_equal(connection_row(18)->cookie, 2);
    assert_null_column(connection_row(18)->ended_at);
}

#define MODEL_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, model_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODEL_TEST(each_attempt_on_a_socket_is_a_row),
        MODEL_TEST(an_attempt_whose_end_was_lost_ends_with_the_next),
        MODEL_TEST(what_connect_returned_belongs_to_the_attempt_that_closed),
        MODEL_TEST(what_the_close_told_is_not_told_over),
        MODEL_TEST(a_failure_told_before_the_close_makes_no_row),
        MODEL_TEST(failures_of_sockets_without_a_cookie_are_rows_of_their_own),
        MODEL_TEST(the_error_says_how_it_ended),
        MODEL_TEST(until_it_is_accepted_a_connection_is_its_listeners),
        MODEL_TEST(who_accepts_is_the_owner_in_both_rows),
        MODEL_TEST(accepting_twice_makes_one_edge),
        MODEL_TEST(an_accept_whose_handshake_is_told_later_is_one_row),
        MODEL_TEST(what_nobody_accepted_makes_no_edge),
        MODEL_TEST(an_accept_told_after_the_close_still_makes_the_edge),
        MODEL_TEST(of_listeners_on_one_port_the_nearest_is_named),
        MODEL_TEST(a_port_learnt_late_replaces_none_and_is_kept),
        MODEL_TEST(a_listeners_port_learnt_late_finds_its_connections),
        MODEL_TEST(a_close_finds_the_connection_that_had_no_cookie),
        MODEL_TEST(a_close_of_a_stranger_makes_no_row),
        MODEL_TEST(the_first_of_two_closes_counts),
        MODEL_TEST(a_close_gives_the_edge_its_end),
        MODEL_TEST(closed_connections_are_forgotten_after_a_while),
        MODEL_TEST(a_socket_that_listens_again_is_another_listener),
        MODEL_TEST(the_scan_does_not_open_a_closed_listener),
        MODEL_TEST(a_scan_ends_the_listeners_it_did_not_see),
        MODEL_TEST(an_adopted_listener_keeps_its_id_and_its_start),
        MODEL_TEST(what_a_scan_did_not_see_is_closed_until_told_otherwise),
        MODEL_TEST(what_waits_in_a_listeners_queue_is_not_the_scans_to_see),
        MODEL_TEST(what_a_scan_found_goes_in_where_somebody_listens),
        MODEL_TEST(an_adopted_connection_keeps_its_id),
        MODEL_TEST(an_open_edge_is_adopted_or_over),
        MODEL_TEST(a_connection_that_is_there_after_all_opens_its_edge_again),
        MODEL_TEST(what_had_ended_is_not_adopted),
        MODEL_TEST(a_connection_without_a_cookie_gets_it_from_the_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
