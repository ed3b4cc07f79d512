/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the two ends of a connection find each other, and what holds of the rows whatever comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "events.h"

#define PORT 8080

static const struct who server = {60, 6 * SECOND};
static const struct who client = {70, 7 * SECOND};

static int set_up(void **state)
{
    if (model_set_up(state))
        return -1;
    forked(server, NOBODY);
    forked(client, NOBODY);
    return 0;
}

static int64_t process_of_cookie(uint64_t cookie)
{
    return cookie % 2 ? 1 : 2;
}

/* One end, established: with an even cookie at the client, with an odd one at the server. */
static void establish(uint64_t time, struct end end)
{
    if (end.cookie % 2 == 0) {
        connecting(time, client, end);
        established(time, end, TCP_SYN_SENT);
    } else {
        established(time, end, TCP_SYN_RECV);
        accepted(time, server, end);
    }
}

static void assert_peers(int64_t one, int64_t other)
{
    assert_int_equal(connection_row(one)->peer_id, other);
    assert_int_equal(connection_row(other)->peer_id, one);
    assert_int_equal(connection_row(one)->peer_process_id, connection_row(other)->process_id);
    assert_int_equal(connection_row(other)->peer_process_id, connection_row(one)->process_id);
}

static void assert_alone(int64_t id)
{
    assert_null_column(connection_row(id)->peer_id);
    assert_null_column(connection_row(id)->peer_process_id);
}

/* ---- one end and the other ---- */

static void the_ends_find_each_other_in_any_order(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, PORT);
    establish(20 * SECOND, other_end(end, 3));
    assert_alone(1);
    establish(20 * SECOND, end);
    assert_peers(1, 2);
    assert_int_equal(edges("connect"), 1);
    assert_int_equal(edge_row(1)->src, process_of_cookie(2));
    assert_int_equal(edge_row(1)->dst, process_of_cookie(3));
}

static size_t rows_in(const struct batch *batch, enum row_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < batch_count(batch); i++)
        count += batch_rows(batch)[i].kind == kind;
    return count;
}

static void what_is_over_before_a_flush_is_written_once(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, PORT);
    flush();
    establish(20 * SECOND, end);
    establish(20 * SECOND, other_end(end, 3));
    closed(20 * SECOND, end, 5, 0);
    closed(20 * SECOND, other_end(end, 3), 0, 5);
    struct batch *batch = model_flush(model);
    assert_int_equal(rows_in(batch, ROW_CONNECTION), 2);
    assert_int_equal(rows_in(batch, ROW_EDGE), 1);
    batch_free(batch);
}

/* Opened from both sides at once, or by one socket with itself as its address. */
static void a_connection_to_itself_is_its_own_peer(void **state)
{
    (void)state;
    struct end end = client_end(2, PORT, PORT);
    end.remote_sequence = end.local_sequence;
    establish(20 * SECOND, end);
    assert_int_equal(connection_row(1)->peer_id, 1);
    assert_int_equal(connection_row(1)->peer_process_id, 2);
    closed(21 * SECOND, end, 5, 0);
    assert_int_equal(connection_row(1)->peer_id, 1);
    assert_int_equal(rows(ROW_CONNECTION), 1);
    assert_int_equal(edges("connect"), 0);
    forked((struct who){90, 30 * SECOND}, NOBODY);
    flush(); /* forgets it */
}

static void one_process_at_both_ends_makes_no_edge(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, PORT);
    establish(20 * SECOND, end);
    established(20 * SECOND, other_end(end, 3), TCP_SYN_RECV);
    accepted(20 * SECOND, client, other_end(end, 3));
    assert_peers(1, 2);
    assert_int_equal(edges("connect"), 0);
}

static void one_tuple_in_two_namespaces_is_two_connections(void **state)
{
    (void)state;
    struct end here = client_end(2, 40000, PORT), there = client_end(4, 40000, PORT);
    there.net_ns++;
    establish(20 * SECOND, here);
    establish(20 * SECOND, there);
    establish(20 * SECOND, other_end(there, 5));
    establish(20 * SECOND, other_end(here, 3));
    assert_peers(1, 4);
    assert_peers(2, 3);
}

/* The client's end in a namespace of its own, of a connection to another address. */
static struct end container_end(uint64_t cookie)
{
    struct end end = client_end(cookie, 40000, PORT);
    end.local = "10.0.0.2";
    end.remote = "10.0.0.1";
    end.net_ns = NET_NS + 1;
    return end;
}

static struct end other_namespace(struct end end, uint64_t cookie)
{
    end = other_end(end, cookie);
    end.net_ns = NET_NS;
    return end;
}

static void the_handshake_joins_across_namespaces(void **state)
{
    (void)state;
    struct end one = container_end(2), two = container_end(4);
    two.net_ns++; /* the same addresses once more */
    establish(20 * SECOND, one);
    establish(20 * SECOND, two);
    establish(20 * SECOND, other_namespace(two, 5));
    establish(20 * SECOND, other_namespace(one, 3));
    assert_peers(1, 4);
    assert_peers(2, 3);
}

static void the_handshake_joins_across_address_translation(void **state)
{
    (void)state;
    struct end out = container_end(2), in = other_namespace(out, 3);
    in.local = "192.0.2.1";
    in.remote = "192.0.2.2";
    in.remote_port = 61000;
    establish(20 * SECOND, out);
    establish(20 * SECOND, in);
    assert_peers(1, 2);
    assert_int_equal(edges("connect"), 1);
}

static void another_handshake_in_another_namespace_is_a_stranger(void **state)
{
    (void)state;
    struct end one = container_end(2), other = other_namespace(one, 3);
    other.local_sequence++;
    establish(20 * SECOND, one);
    establish(20 * SECOND, other);
    assert_alone(1);
    assert_alone(2);
}

/* ---- guesses ---- */

static void the_only_reversed_tuple_of_a_scan_is_taken(void **state)
{
    (void)state;
    found_open(20 * SECOND, client, container_end(2));
    found_open(20 * SECOND, server, other_namespace(container_end(2), 3));
    assert_peers(1, 2);
}

static void of_two_reversed_tuples_none_is_taken(void **state)
{
    (void)state;
    struct end two = container_end(4);
    two.net_ns++;
    found_open(20 * SECOND, client, container_end(2));
    found_open(20 * SECOND, client, two);
    found_open(20 * SECOND, server, other_namespace(two, 5));
    for (int64_t id = 1; id <= 3; id++)
        assert_alone(id);
}

static void who_has_a_peer_is_not_guessed_to_have_another(void **state)
{
    (void)state;
    struct end two = container_end(4);
    two.net_ns++;
    found_open(20 * SECOND, client, container_end(2));
    found_open(20 * SECOND, server, other_namespace(container_end(2), 3));
    found_open(20 * SECOND, client, two);
    assert_peers(1, 2);
    assert_alone(3);
}

static void loopback_addresses_are_never_guessed_across_namespaces(void **state)
{
    (void)state;
    static const char *const loopbacks[] = {"127.0.0.1", "127.9.9.9", "::1"};
    for (int64_t i = 0; i < 3; i++) {
        struct end one = client_end(2 + 2 * (uint64_t)i, 40000, PORT), other;
        one.local = one.remote = loopbacks[i];
        other = other_end(one, 3 + 2 * (uint64_t)i);
        other.net_ns++;
        found_open(20 * SECOND, client, one);
        found_open(20 * SECOND, server, other);
        assert_alone(2 * i + 1);
        assert_alone(2 * i + 2);
    }
}

/* Without handshakes only the tuple tells, and all of one tuple are in one chain. */
static void a_tuple_that_goes_leaves_its_like_in_place(void **state)
{
    (void)state;
    for (uint64_t gone = 0; gone < 3; gone++) {
        struct end ends[3];
        int64_t first = (int64_t)(5 * gone + 1);
        for (uint64_t i = 0; i < 3; i++) {
            ends[i] = client_end(100 * gone + 2 * i + 2, (uint16_t)(40000 + gone), PORT);
            ends[i].net_ns += (uint32_t)i;
            found_open(20 * SECOND, client, ends[i]);
        }
        closed(21 * SECOND, ends[gone], 0, 0);
        for (uint64_t i = 0; i < 3; i++)
            if (i != gone)
                found_open(21 * SECOND, server, other_end(ends[i], ends[i].cookie + 1));
        assert_alone(first + (int64_t)gone);
        assert_peers(first + (gone == 0), first + 3);
        assert_peers(first + (gone == 2 ? 1 : 2), first + 4);
    }
}

static void who_is_closed_is_nobodys_peer_any_more(void **state)
{
    (void)state;
    struct end end = client_end(2, 40000, PORT), again = client_end(4, 40000, PORT);
    establish(20 * SECOND, end);
    closed(21 * SECOND, end, 0, 0);
    establish(22 * SECOND, other_end(again, 5));
    assert_alone(1);
    assert_alone(2);
    establish(22 * SECOND, again);
    assert_peers(2, 3);
}

/* ---- whatever comes ---- */

static unsigned below(unsigned bound)
{
    return (unsigned)random() % bound;
}

/* A reference of a row names a row that is there. */
static void assert_named(enum row_kind kind, int64_t id)
{
    if (id != INTEGER_NULL && !ledger_get(kind, id))
        fail_msg("no row %lld of %s", (long long)id, row_tables[kind].name);
}

static void assert_span(int64_t from, int64_t to)
{
    if (from != INTEGER_NULL && to != INTEGER_NULL)
        assert_true(from <= to);
}

static void check_process(const void *columns)
{
    const struct row_process *row = columns;
    assert_named(ROW_PROCESS, row->parent_id);
    assert_span(row->started_at, row->ended_at);
}

static void check_exec(const void *columns)
{
    const struct row_exec *row = columns;
    assert_false(row->process_id == INTEGER_NULL);
    assert_named(ROW_PROCESS, row->process_id);
}

static void check_listener(const void *columns)
{
    const struct row_listener *row = columns;
    assert_named(ROW_PROCESS, row->process_id);
    assert_span(row->started_at, row->ended_at);
}

static void check_connection(const void *columns)
{
    const struct row_connection *row = columns;
    assert_named(ROW_PROCESS, row->process_id);
    assert_named(ROW_PROCESS, row->peer_process_id);
    assert_named(ROW_LISTENER, row->listener_id);
    assert_named(ROW_CONNECTION, row->peer_id);
    assert_span(row->started_at, row->ended_at);
    assert_span(row->started_at, row->established_at);
}

static void check_edge(const void *columns)
{
    const struct row_edge *row = columns;
    assert_false(row->src == INTEGER_NULL || row->dst == INTEGER_NULL || row->src == row->dst);
    assert_named(ROW_PROCESS, row->src);
    assert_named(ROW_PROCESS, row->dst);
    assert_named(ROW_CONNECTION, row->connection_id);
}

static void (*const checks[ROW_KIND_COUNT])(const void *columns) = {
    [ROW_PROCESS] = check_process,       [ROW_EXEC] = check_exec, [ROW_LISTENER] = check_listener,
    [ROW_CONNECTION] = check_connection, [ROW_EDGE] = check_edge,
};

static void check_ledger(void)
{
    for (enum row_kind kind = 0; kind < ROW_KIND_COUNT; kind++)
        for (int64_t id = 1; checks[kind] && id < LEDGER_MAX; id++)
            if (ledger_get(kind, id))
                checks[kind](ledger_get(kind, id));
}

/* Few processes, cookies, ports and sequence numbers: everything meets everything. All within the
 * time in which what has ended is still known, or the moment of a flush would matter. */
#define WILD_EVENTS 600
#define WILD_BEGIN  (100 * SECOND)

static struct who any_process(void)
{
    uint32_t pid = below(8);
    return pid ? (struct who){pid, WILD_BEGIN - 1 - below(2)} : NOBODY;
}

static struct event_tcp any_tcp(unsigned kind, uint64_t time)
{
    static const char *const addresses[] = {"127.0.0.1", "10.0.0.1", "0.0.0.0", "::1", "10.0.0.2"};
    static const __u8 states[] = {TCP_ESTABLISHED, TCP_SYN_SENT, TCP_SYN_RECV, TCP_LISTEN};
    struct end end = {
        addresses[below(3)], addresses[below(3)], below(12),         below(4), below(4),
        NET_NS + below(2),   (uint16_t)below(4),  (uint16_t)below(4)};
    if (below(8) == 0)
        end.local = end.remote = "::1";
    struct event_tcp tcp = tcp_record(kind, time, any_process(), end);
    tcp.old_state = states[below(4)];
    tcp.new_state = states[below(4)];
    tcp.error = below(3) ? 0 : below(120);
    return tcp;
}

static void apply_scan_done(uint64_t time)
{
    scan_done(time, WILD_BEGIN + (uint64_t)random() % (time - WILD_BEGIN + 1));
}

static void apply_any_process_event(uint64_t time)
{
    struct who who = any_process(), parent = any_process();
    struct event_fork fork = fork_record(time, who, parent);
    switch (who.pid ? below(7) : 6) {
    case 0:
    case 1:
        apply(&fork);
        return;
    case 2:
        execed(time, who, parent, "/bin/x");
        return;
    case 3:
        exited(time, who, below(70000));
        return;
    case 4:
        scanned(time, who, parent);
        return;
    case 5:
        fork.header.kind = EVENT_CGROUP_ATTACH;
        apply(&fork);
        return;
    default:
        if (below(4) == 0)
            apply_scan_done(time);
    }
}

static void apply_any(uint64_t time)
{
    struct event_tcp tcp =
        any_tcp(EVENT_TCP_CONNECT + below(EVENT_TCP_SOCKET - EVENT_TCP_CONNECT + 1), time);
    if (below(3) == 0)
        apply_any_process_event(time);
    else
        apply(&tcp);
}

static void run_wild(unsigned seed, unsigned flush_every)
{
    uint64_t time = WILD_BEGIN;
    restart_model(1);
    ledger_clear();
    srandom(seed);
    for (unsigned i = 0; i < WILD_EVENTS; i++) {
        time += below(7) * MS;
        apply_any(time);
        if (flush_every && i % flush_every == 0 && flush() && i % 16 == 0)
            check_ledger();
    }
    flush();
    check_ledger();
}

static struct ledger_row kept[ROW_KIND_COUNT][LEDGER_MAX];

static void assert_same_column(const struct table *table, const struct column *column,
                               const char *one, const char *other)
{
    const struct text *text = (const struct text *)(const void *)(one + column->offset);
    const struct text *same = (const struct text *)(const void *)(other + column->offset);
    bool equal = column->type == COLUMN_INTEGER
                     ? memcmp(text, same, sizeof(int64_t)) == 0
                     : !text->data == !same->data && text->length == same->length &&
                           (!text->data || memcmp(text->data, same->data, text->length) == 0);
    if (!equal)
        fail_msg("%s.%s of row %lld", table->name, column->name,
                 (long long)*(const int64_t *)(const void *)one);
}

static void assert_same_row(enum row_kind kind, const void *one, const void *other)
{
    const struct table *table = &row_tables[kind];
    assert_int_equal(!one, !other);
    for (size_t i = 0; one && i < table->column_count; i++)
        assert_same_column(table, &table->columns[i], one, other);
}

static void assert_ledger_as_kept(void)
{
    for (enum row_kind kind = 0; kind < ROW_KIND_COUNT; kind++)
        for (size_t id = 0; id < LEDGER_MAX; id++) {
            assert_same_row(kind, ledger[kind][id].columns, kept[kind][id].columns);
            ledger_forget_row(&kept[kind][id]);
        }
}

static unsigned seed;

static void any_events_make_rows_that_name_rows(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 40; round++)
        run_wild(seed + round, 1 + round % 5);
}

static void the_moment_of_a_flush_changes_no_row(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        run_wild(seed + round, 0);
        memcpy(kept, ledger, sizeof(kept));
        memset(ledger, 0, sizeof(ledger));
        run_wild(seed + round, 1 + round % 3);
        assert_ledger_as_kept();
    }
}

/* ---- an ordinary day ---- */

/* A connection on its way through its life. Cookies: an even one at the client, the next at the
 * server. */
struct session {
    struct end end;
    unsigned step;
    unsigned route; /* 0: loopback; 1: between namespaces; 2: the same, addresses translated */
    bool client_closed;
    bool server_closed;
};

#define SESSIONS 120
static struct session sessions[SESSIONS];

static struct end session_server(const struct session *session)
{
    struct end end = other_end(session->end, session->end.cookie + 1);
    if (session->route == 1)
        end.net_ns = NET_NS;
    if (session->route == 2) {
        end.net_ns = NET_NS;
        end.local = "192.0.2.1";
        end.remote = "192.0.2.2";
        end.remote_port = (uint16_t)(end.remote_port + 10000);
    }
    return end;
}

static struct session session_new(unsigned number)
{
    struct session session = {.end = client_end(2 * number + 2, (uint16_t)(20000 + number), PORT),
                              .route = below(3)};
    session.end.local_sequence = (uint32_t)random();
    session.end.remote_sequence = (uint32_t)random();
    if (session.route) {
        session.end.local = "10.0.0.2";
        session.end.remote = "10.0.0.1";
        session.end.net_ns = NET_NS + 1 + below(3);
    }
    return session;
}

static void close_one_end(struct session *session, uint64_t time)
{
    bool at_client = session->server_closed || (!session->client_closed && below(2));
    closed(time, at_client ? session->end : session_server(session), 1, 0);
    *(at_client ? &session->client_closed : &session->server_closed) = true;
}

static void session_step(struct session *session, uint64_t time)
{
    switch (session->step++) {
    case 0:
        connecting(time, client, session->end);
        return;
    case 1:
        established(time, session->end, TCP_SYN_SENT);
        return;
    case 2:
        established(time, session_server(session), TCP_SYN_RECV);
        return;
    case 3:
        accepted(time, server, session_server(session));
        return;
    default:
        close_one_end(session, time);
    }
}

/* Sees all that is open and held by somebody. */
static void scan_sessions(uint64_t time)
{
    scanned(time, client, NOBODY);
    scanned(time, server, NOBODY);
    listening(time, server, 1, "0.0.0.0", PORT);
    for (size_t i = 0; i < SESSIONS; i++) {
        const struct session *session = &sessions[i];
        struct event_tcp tcp = tcp_record(EVENT_TCP_SOCKET, time, client, session->end);
        if (session->step == 1)
            tcp.new_state = TCP_SYN_SENT;
        if (session->step && !session->client_closed)
            apply(&tcp);
        if (session->step > 3 && !session->server_closed)
            found_open(time, server, session_server(session));
    }
    scan_done(time, time);
}

static void assert_every_session_is_joined(void)
{
    int64_t row_of[2 * SESSIONS + 2] = {0};
    assert_int_equal(rows(ROW_CONNECTION), 2 * SESSIONS);
    for (int64_t id = 1; id <= 2 * SESSIONS; id++) {
        const struct row_connection *row = ledger_get(ROW_CONNECTION, id);
        assert_non_null(row);
        row_of[row->cookie] = id;
    }
    for (int64_t cookie = 2; cookie < 2 * SESSIONS + 2; cookie += 2)
        assert_peers(row_of[cookie], row_of[cookie + 1]);
    assert_int_equal(edges("connect"), SESSIONS);
}

static void run_sessions(void)
{
    uint64_t time = WILD_BEGIN;
    unsigned left = SESSIONS * 6;
    for (unsigned i = 0; i < SESSIONS; i++)
        sessions[i] = session_new(i);
    while (left) {
        struct session *session = &sessions[below(SESSIONS)];
        time += below(40) * MS;
        if (below(200) == 0)
            flush();
        if (session->step == 6)
            continue;
        session_step(session, time);
        left--;
    }
}

static void start_day(unsigned number)
{
    restart_model(1);
    ledger_clear();
    srandom(number);
    forked(server, NOBODY);
    forked(client, NOBODY);
    listening(9 * SECOND, server, 1, "0.0.0.0", PORT);
}

static void ordinary_connections_are_joined_end_to_end(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        start_day(seed + round);
        run_sessions();
        assert_every_session_is_joined();
        check_ledger();
    }
}

/* Some of it under way when the scan looks, and told once more. */
static void a_scan_in_between_changes_no_peer(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        uint64_t time = WILD_BEGIN;
        start_day(seed + round);
        for (unsigned i = 0; i < SESSIONS; i++)
            sessions[i] = session_new(i);
        for (unsigned i = 0; i < SESSIONS; i++)
            for (unsigned steps = below(7); sessions[i].step < steps;)
                session_step(&sessions[i], time += MS);
        scan_sessions(time += MS);
        for (unsigned i = 0; i < SESSIONS; i++)
            while (sessions[i].step < 6)
                session_step(&sessions[i], time += MS);
        assert_every_session_is_joined();
    }
}

static int choose_seed(void **state)
{
    (void)state;
    const char *given = getenv("SPYQ_TEST_SEED");
    seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("SPYQ_TEST_SEED=%u\n", seed);
    return 0;
}

#define MODEL_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, model_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODEL_TEST(the_ends_find_each_other_in_any_order),
        MODEL_TEST(what_is_over_before_a_flush_is_written_once),
        MODEL_TEST(a_connection_to_itself_is_its_own_peer),
        MODEL_TEST(one_process_at_both_ends_makes_no_edge),
        MODEL_TEST(one_tuple_in_two_namespaces_is_two_connections),
        MODEL_TEST(the_handshake_joins_across_namespaces),
        MODEL_TEST(the_handshake_joins_across_address_translation),
        MODEL_TEST(another_handshake_in_another_namespace_is_a_stranger),
        MODEL_TEST(the_only_reversed_tuple_of_a_scan_is_taken),
        MODEL_TEST(of_two_reversed_tuples_none_is_taken),
        MODEL_TEST(who_has_a_peer_is_not_guessed_to_have_another),
        MODEL_TEST(loopback_addresses_are_never_guessed_across_namespaces),
        MODEL_TEST(a_tuple_that_goes_leaves_its_like_in_place),
        MODEL_TEST(who_is_closed_is_nobodys_peer_any_more),
        MODEL_TEST(any_events_make_rows_that_name_rows),
        MODEL_TEST(the_moment_of_a_flush_changes_no_row),
        MODEL_TEST(ordinary_connections_are_joined_end_to_end),
        MODEL_TEST(a_scan_in_between_changes_no_peer),
    };
    return cmocka_run_group_tests(tests, choose_seed, NULL);
}
