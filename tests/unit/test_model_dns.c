/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DNS packets to rows of dns_queries, and to the names of connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/model_private.h"
#include "events.h"

#define BEGIN  (100 * SECOND)
#define COOKIE 77
#define A      1
#define AAAA   28

static const struct who asker = {70, 7 * SECOND};
static const struct who other = {80, 8 * SECOND};

static int set_up(void **state)
{
    if (model_set_up(state))
        return -1;
    forked(asker, NOBODY);
    forked(other, NOBODY);
    return 0;
}

struct message {
    uint8_t bytes[512];
    size_t length;
};

static void append(struct message *message, const void *bytes, size_t length)
{
    memcpy(message->bytes + message->length, bytes, length);
    message->length += length;
}

/* A query for example.org, or its response with one address (NULL: NXDOMAIN). */
static struct message message(uint16_t id, bool response, uint8_t type, const uint8_t *address)
{
    struct message made = {.length = 0};
    const uint8_t head[12] = {(uint8_t)(id >> 8),
                              (uint8_t)id,
                              response ? 0x81 : 1,
                              response ? (address ? 0x80 : 0x83) : 0,
                              0,
                              1,
                              0,
                              response && address};
    append(&made, head, sizeof(head));
    append(&made, "\7example\3org\0\0", 14);
    append(&made, (uint8_t[]){type, 0, 1}, 3);
    if (response && address) {
        append(&made, (uint8_t[]){0xc0, 12, 0, type, 0, 1, 0, 0, 0, 9, 0, type == A ? 4 : 16}, 12);
        append(&made, address, type == A ? 4 : 16);
    }
    return made;
}

/* Length of the message before the bytes, as in a stream. */
static struct message framed(struct message plain)
{
    struct message made = {.length = 0};
    append(&made, (uint8_t[]){(uint8_t)(plain.length >> 8), (uint8_t)plain.length}, 2);
    append(&made, plain.bytes, plain.length);
    return made;
}

struct packet {
    uint64_t time;
    struct who who;
    uint64_t cookie;
    uint32_t flags;
    uint32_t sequence;
};

static void send_bytes(struct packet packet, const uint8_t *bytes, size_t length)
{
    struct {
        struct event_dns dns;
        uint8_t payload[1024];
    } record = {.dns = {.cookie = packet.cookie,
                        .net_ns = NET_NS,
                        .flags = packet.flags,
                        .sequence = packet.sequence,
                        .length = (uint32_t)length,
                        .family = AF_INET,
                        .local_port = 40000,
                        .remote_port = 53,
                        .remote_address = {192, 0, 2, 53},
                        .payload = {sizeof(struct event_dns), (uint32_t)length}}};
    size_t size = (sizeof(struct event_dns) + length + 7) / 8 * 8;
    record.dns.header = header_of(EVENT_DNS, size, packet.time, packet.who);
    memcpy(record.payload, bytes, length);
    apply(&record);
}

static void ask(uint64_t time, struct who who, uint16_t id)
{
    struct message query = message(id, false, A, NULL);
    send_bytes((struct packet){time, who, COOKIE, 0, 0}, query.bytes, query.length);
}

static void answer(uint64_t time, struct who who, uint16_t id, const uint8_t *address)
{
    struct message response = message(id, true, A, address);
    send_bytes((struct packet){time, who, COOKIE, EVENT_DNS_RECEIVED, 0}, response.bytes,
               response.length);
}

static const uint8_t address[16] = {192, 0, 2, 7};

static const struct row_dns_query *query_row(int64_t id)
{
    return flushed(ROW_DNS_QUERY, id);
}

static void a_question_and_its_answer_are_one_row(void **state)
{
    (void)state;
    ask(BEGIN, asker, 1);
    answer(BEGIN + 3 * MS, asker, 1, address);
    assert_int_equal(rows(ROW_DNS_QUERY), 1);
    const struct row_dns_query *row = query_row(1);
    assert_int_equal(row->process_id, 1);
    assert_int_equal(row->at, AT(BEGIN));
    assert_int_equal(row->latency_ns, 3 * MS);
    assert_text(row->name, "example.org");
    assert_text(row->type, "A");
    assert_text(row->server, "192.0.2.53");
    assert_text(row->rcode, "NOERROR");
    assert_text(row->answers, "[\"192.0.2.7\"]");
    assert_text(row->protocol, "udp");
}

static void a_question_without_an_answer_has_its_row(void **state)
{
    (void)state;
    ask(BEGIN, asker, 1);
    assert_text(query_row(1)->rcode, NULL);
    assert_text(query_row(1)->answers, NULL);
    assert_null_column(query_row(1)->latency_ns);
}

static void a_question_asked_again_is_one_row(void **state)
{
    (void)state;
    ask(BEGIN, asker, 1);
    ask(BEGIN + SECOND, asker, 1);
    answer(BEGIN + 2 * SECOND, asker, 1, NULL);
    assert_int_equal(rows(ROW_DNS_QUERY), 1);
    assert_text(query_row(1)->rcode, "NXDOMAIN");
    assert_text(query_row(1)->answers, "[]");
    assert_int_equal(query_row(1)->latency_ns, 2 * SECOND);
}

static void another_id_or_socket_is_another_question(void **state)
{
    (void)state;
    struct message query = message(1, false, A, NULL);
    ask(BEGIN, asker, 1);
    ask(BEGIN, asker, 2);
    send_bytes((struct packet){BEGIN, other, COOKIE + 1, 0, 0}, query.bytes, query.length);
    assert_int_equal(rows(ROW_DNS_QUERY), 3);
    answer(BEGIN + MS, asker, 2, address);
    assert_text(query_row(1)->rcode, NULL);
    assert_text(query_row(2)->rcode, "NOERROR");
    assert_text(query_row(3)->rcode, NULL);
}

/* The server on the same host receives the query and sends the response: no second question. */
static void the_server_asks_nothing(void **state)
{
    (void)state;
    struct message query = message(1, false, A, NULL), response = message(1, true, A, address);
    send_bytes((struct packet){BEGIN, other, 5, EVENT_DNS_RECEIVED, 0}, query.bytes, query.length);
    send_bytes((struct packet){BEGIN, other, 5, 0, 0}, response.bytes, response.length);
    assert_int_equal(rows(ROW_DNS_QUERY), 0);
}

static void an_answer_without_its_question_has_a_row(void **state)
{
    (void)state;
    answer(BEGIN, asker, 1, address);
    assert_text(query_row(1)->rcode, "NOERROR");
    assert_null_column(query_row(1)->latency_ns);
}

/* Byte by byte, with the second message behind the first. */
static void streams_are_put_together(void **state)
{
    (void)state;
    uint32_t sequence = 0xfffffff0;
    for (uint16_t id = 1; id <= 2; id++) {
        struct message query = framed(message(id, false, A, NULL));
        for (size_t i = 0; i < query.length; i++)
            send_bytes((struct packet){BEGIN + i, asker, COOKIE, EVENT_DNS_TCP, sequence++},
                       query.bytes + i, 1);
    }
    assert_int_equal(rows(ROW_DNS_QUERY), 2);
    assert_text(query_row(2)->name, "example.org");
    assert_text(query_row(2)->protocol, "tcp");
}

static void noise_makes_no_row(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < 2000; i++) {
        uint8_t bytes[64];
        for (size_t j = 0; j < sizeof(bytes); j++)
            bytes[j] = (uint8_t)rand();
        bytes[2] = 0x90; /* a response to something else than a query */
        send_bytes((struct packet){BEGIN, asker, COOKIE, EVENT_DNS_RECEIVED, 0}, bytes,
                   (size_t)rand() % sizeof(bytes));
    }
    assert_int_equal(rows(ROW_DNS_QUERY), 0);
}

/* As some servers refuse: nothing but the head. */
static void a_bare_response_answers_the_question(void **state)
{
    (void)state;
    static const uint8_t bare[12] = {0, 1, 0x81, 0x85};
    ask(BEGIN, asker, 1);
    send_bytes((struct packet){BEGIN + MS, asker, COOKIE, EVENT_DNS_RECEIVED, 0}, bare, 12);
    assert_int_equal(rows(ROW_DNS_QUERY), 1);
    assert_text(query_row(1)->rcode, "REFUSED");
    assert_text(query_row(1)->name, "example.org");
}

static void what_is_cut_says_so(void **state)
{
    (void)state;
    struct message response = message(1, true, A, address);
    ask(BEGIN, asker, 1);
    response.bytes[2] |= 2; /* truncated */
    send_bytes((struct packet){BEGIN + MS, asker, COOKIE, EVENT_DNS_RECEIVED, 0}, response.bytes,
               response.length);
    assert_text(query_row(1)->answers, "[\"192.0.2.7\",null]");
}

/* The same id of one socket again and again: bounded, and every question has its row. */
static void a_socket_may_use_one_id_for_ever(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        ask(BEGIN + 2 * i * MS, asker, 1);
        answer(BEGIN + (2 * i + 1) * MS, asker, 1, address);
    }
    assert_int_equal(rows(ROW_DNS_QUERY), 1000);
    assert_text(query_row(1000)->rcode, "NOERROR");
    assert_int_equal(rows(ROW_LOSS), 0);
}

static void streams_go_on_behind_a_hole_and_what_is_sent_again(void **state)
{
    (void)state;
    struct message query = framed(message(1, false, A, NULL));
    struct packet packet = {BEGIN, asker, COOKIE, EVENT_DNS_TCP, 1000};
    send_bytes(packet, query.bytes, 9);
    send_bytes(packet, query.bytes, 9); /* once more */
    packet.sequence += 9;
    send_bytes(packet, query.bytes + 9, query.length - 9);
    assert_int_equal(rows(ROW_DNS_QUERY), 1);
    packet.sequence += (uint32_t)query.length - 9 + 5000; /* what was not seen */
    query.bytes[3] = 2;
    send_bytes(packet, query.bytes, query.length);
    assert_int_equal(rows(ROW_DNS_QUERY), 2);
}

/* ---- names of connections ---- */

static const char *name_for(struct who who, const uint8_t *of)
{
    static char text[256];
    struct process *process = process_known(model, who.pid, who.start);
    struct text name = shared_text(dns_name_for(model, process, AF_INET, of));
    if (!name.data)
        return NULL;
    snprintf(text, sizeof(text), "%.*s", (int)name.length, name.data);
    return text;
}

static void an_address_has_the_name_it_was_got_for(void **state)
{
    (void)state;
    static const uint8_t unknown[16] = {192, 0, 2, 8};
    ask(BEGIN, asker, 1);
    answer(BEGIN + MS, asker, 1, address);
    assert_string_equal(name_for(asker, address), "example.org");
    assert_string_equal(name_for(other, address), "example.org"); /* the host's last */
    assert_null(name_for(asker, unknown));
}

/* Nobody asked: anybody may send such a packet. */
static void an_answer_to_no_question_names_nothing(void **state)
{
    (void)state;
    answer(BEGIN, asker, 1, address);
    assert_null(name_for(asker, address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_question_and_its_answer_are_one_row, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(a_question_without_an_answer_has_its_row, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(a_question_asked_again_is_one_row, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(another_id_or_socket_is_another_question, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(the_server_asks_nothing, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(an_answer_without_its_question_has_a_row, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(streams_are_put_together, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(a_bare_response_answers_the_question, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(what_is_cut_says_so, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(a_socket_may_use_one_id_for_ever, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(streams_go_on_behind_a_hole_and_what_is_sent_again, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(noise_makes_no_row, set_up, model_tear_down),
        cmocka_unit_test_setup_teardown(an_address_has_the_name_it_was_got_for, set_up,
                                        model_tear_down),
        cmocka_unit_test_setup_teardown(an_answer_to_no_question_names_nothing, set_up,
                                        model_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
