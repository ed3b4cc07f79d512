/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DNS messages, well made, hostile, and against the C library's own parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <arpa/nameser.h>
#include <cmocka.h>
#include <resolv.h>

#include "../../daemon/dns.h"

/* ---- making messages ---- */

struct wire {
    uint8_t bytes[4096];
    size_t length;
};

static void add(struct wire *wire, const void *bytes, size_t length)
{
    assert_true(wire->length + length <= sizeof(wire->bytes));
    memcpy(wire->bytes + wire->length, bytes, length);
    wire->length += length;
}

static void add16(struct wire *wire, unsigned number)
{
    add(wire, (uint8_t[]){(uint8_t)(number >> 8), (uint8_t)number}, 2);
}

/* `a.b` as labels, the root behind them; no escapes. */
static void add_name(struct wire *wire, const char *name)
{
    while (*name) {
        size_t length = strcspn(name, ".");
        add(wire, &(uint8_t){(uint8_t)length}, 1);
        add(wire, name, length);
        name += length + (name[length] == '.');
    }
    add(wire, "", 1);
}

static struct wire begin(unsigned flags, unsigned questions, unsigned answers)
{
    struct wire wire = {.length = 0};
    add16(&wire, 0x1234);
    add16(&wire, flags);
    add16(&wire, questions);
    add16(&wire, answers);
    add16(&wire, 0);
    add16(&wire, 0);
    return wire;
}

static void add_question(struct wire *wire, const char *name, unsigned type)
{
    add_name(wire, name);
    add16(wire, type);
    add16(wire, 1);
}

/* A record whose owner is a pointer to the question's name. */
static void add_record(struct wire *wire, unsigned type, const void *data, size_t length)
{
    add16(wire, 0xc00c);
    add16(wire, type);
    add16(wire, 1);
    add(wire, "\0\0\1\54", 4);
    add16(wire, (unsigned)length);
    add(wire, data, length);
}

/* The text of one record of that type with that data. */
static const char *text_of(unsigned type, const void *data, size_t length)
{
    static struct dns_answer answer;
    struct wire wire = begin(0x8180, 1, 1);
    struct dns_message message;
    add_question(&wire, "example.org", type);
    add_record(&wire, type, data, length);
    assert_true(dns_open(&message, wire.bytes, wire.length));
    assert_true(dns_next_answer(&message, &answer));
    assert_false(dns_next_answer(&message, &(struct dns_answer){0}));
    assert_false(message.incomplete);
    return answer.text;
}

#define DATA(string) string, sizeof(string) - 1

/* ---- what is said ---- */

static void a_query_is_read(void **state)
{
    (void)state;
    struct wire wire = begin(0x0100, 1, 0);
    struct dns_message message;
    struct dns_question question;
    char code[DNS_CODE_SIZE];
    add_question(&wire, "www.Example.org", 28);
    assert_true(dns_open(&message, wire.bytes, wire.length));
    assert_int_equal(message.id, 0x1234);
    assert_false(message.response);
    assert_true(dns_next_question(&message, &question));
    assert_string_equal(question.name, "www.Example.org");
    assert_string_equal(dns_type(question.type, code), "AAAA");
    assert_false(dns_next_question(&message, &question));
    assert_false(message.incomplete);
}

static void each_type_has_its_text(void **state)
{
    (void)state;
    assert_string_equal(text_of(1, DATA("\300\0\2\7")), "192.0.2.7");
    assert_string_equal(text_of(28, DATA("\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1")), "2001:db8::1");
    assert_string_equal(text_of(28, DATA("\0\0\0\0\0\0\0\0\0\0\377\377\300\0\2\7")), "192.0.2.7");
    assert_string_equal(text_of(5, DATA("\1a\300\14")), "a.example.org");
    assert_string_equal(text_of(15, DATA("\0\12\4mail\300\14")), "10 mail.example.org");
    assert_string_equal(text_of(33, DATA("\0\1\0\2\24\146\1h\0")), "1 2 5222 h");
    assert_string_equal(text_of(16, DATA("\3a\"b\2c;")), "\"a\\\"b\" \"c;\"");
    assert_string_equal(text_of(65, DATA("\0\1\0\0\1\0\3\2h2")), "1 . alpn=\"h2\"");
    assert_string_equal(text_of(999, DATA("\1\2")), "\\# 2 0102");
    assert_string_equal(text_of(1, DATA("\1\2\3")), "\\# 3 010203");
}

static void codes_have_names(void **state)
{
    (void)state;
    char code[DNS_CODE_SIZE];
    assert_string_equal(dns_rcode(3, code), "NXDOMAIN");
    assert_string_equal(dns_rcode(0, code), "NOERROR");
    assert_string_equal(dns_rcode(27, code), "RCODE27");
    assert_string_equal(dns_type(65535, code), "TYPE65535");
    assert_string_equal(dns_type(12, code), "PTR");
}

static void hostile_labels_are_escaped(void **state)
{
    (void)state;
    assert_string_equal(text_of(2, DATA("\4a.b\n\0")), "a\\.b\\010");
    assert_string_equal(text_of(2, DATA("\3\33[m\0")), "\\027[m");
    assert_string_equal(text_of(2, DATA("\0")), ".");
}

/* ---- what lies ---- */

static void pointers_never_loop(void **state)
{
    (void)state;
    /* At its own offset, forward, and two that point to each other. */
    static const char *const names[] = {"\300\14", "\300\16\300\14", "\1a\300\14", "\300\40"};
    static const size_t lengths[] = {2, 4, 4, 2};
    for (size_t i = 0; i < 4; i++) {
        struct wire wire = begin(0x0100, 1, 0);
        struct dns_message message;
        struct dns_question question;
        add(&wire, names[i], lengths[i]);
        add(&wire, "\0\1\0\1", 4);
        assert_true(dns_open(&message, wire.bytes, wire.length));
        assert_false(dns_next_question(&message, &question));
        assert_true(message.incomplete);
    }
}

static void a_name_is_no_longer_than_255_bytes(void **state)
{
    (void)state;
    struct wire wire = begin(0x0100, 1, 0);
    struct dns_message message;
    struct dns_question question;
    char label[64] = "\77";
    memset(label + 1, 'x', 63);
    for (int i = 0; i < 4; i++)
        add(&wire, label, 64);
    add(&wire, "\0\0\1\0\1", 5);
    assert_true(dns_open(&message, wire.bytes, wire.length));
    assert_false(dns_next_question(&message, &question));
}

static void counts_may_lie(void **state)
{
    (void)state;
    struct wire wire = begin(0x8180, 1, 65535);
    struct dns_message message;
    struct dns_answer answer;
    add_question(&wire, "example.org", 1);
    add_record(&wire, 1, "\1\2\3\4", 4);
    assert_true(dns_open(&message, wire.bytes, wire.length));
    assert_true(dns_next_answer(&message, &answer));
    assert_false(dns_next_answer(&message, &answer));
    assert_true(message.incomplete);
}

/* Wherever it is cut, what is read before the cut is right and the rest is missed. */
static void a_message_may_be_cut_anywhere(void **state)
{
    (void)state;
    struct wire wire = begin(0x8180, 1, 2);
    add_question(&wire, "example.org", 1);
    add_record(&wire, 1, "\1\2\3\4", 4);
    add_record(&wire, 15, DATA("\0\1\1m\300\14"));
    for (size_t length = 0; length < wire.length; length++) {
        uint8_t *copy = malloc(length + 1);
        struct dns_message message;
        struct dns_answer answer;
        size_t read = 0;
        assert_non_null(copy);
        memcpy(copy, wire.bytes, length);
        assert_int_equal(dns_open(&message, copy, length), length >= 12);
        while (length >= 12 && dns_next_answer(&message, &answer))
            read++;
        assert_true(read < 2);
        if (length >= 12)
            assert_true(message.incomplete);
        free(copy);
    }
}

/* ---- against another parser ---- */

static void random_name(char *name)
{
    int labels = 1 + rand() % 4;
    *name = '\0';
    for (int i = 0; i < labels; i++) {
        char label[16] = {0};
        for (int j = 0, length = 1 + rand() % 12; j < length; j++)
            label[j] = (char)('a' + rand() % 26);
        strcat(strcat(name, i ? "." : ""), label);
    }
}

/* The name that a record's data begins with, as the C library reads it. */
static const char *library_name(const ns_msg *handle, const ns_rr *rr, size_t skipped)
{
    static char name[NS_MAXDNAME];
    assert_true(ns_name_uncompress(ns_msg_base(*handle), ns_msg_end(*handle),
                                   ns_rr_rdata(*rr) + skipped, name, sizeof(name)) > 0);
    return name;
}

static void compare(const struct wire *wire)
{
    struct dns_message message;
    struct dns_question question;
    struct dns_answer answer;
    ns_msg handle;
    ns_rr rr;
    assert_int_equal(ns_initparse(wire->bytes, (int)wire->length, &handle), 0);
    assert_true(dns_open(&message, wire->bytes, wire->length));
    assert_int_equal(ns_parserr(&handle, ns_s_qd, 0, &rr), 0);
    assert_true(dns_next_question(&message, &question));
    assert_string_equal(question.name, ns_rr_name(rr));
    assert_int_equal(question.type, ns_rr_type(rr));
    for (int i = 0; i < ns_msg_count(handle, ns_s_an); i++) {
        assert_int_equal(ns_parserr(&handle, ns_s_an, i, &rr), 0);
        assert_true(dns_next_answer(&message, &answer));
        assert_int_equal(answer.type, ns_rr_type(rr));
        if (answer.type == ns_t_cname || answer.type == ns_t_ns)
            assert_string_equal(answer.text, library_name(&handle, &rr, 0));
        else if (answer.type == ns_t_mx)
            assert_string_equal(strchr(answer.text, ' ') + 1, library_name(&handle, &rr, 2));
        else
            assert_memory_equal(answer.address, ns_rr_rdata(rr), 4);
    }
    assert_false(message.incomplete);
}

static void messages_read_as_the_c_library_reads_them(void **state)
{
    (void)state;
    static const unsigned types[] = {1, 2, 5, 15};
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 2000; round++) {
        unsigned answers = (unsigned)rand() % 6;
        struct wire wire = begin(0x8180, 1, answers);
        char name[128];
        random_name(name);
        add_question(&wire, name, 1);
        for (unsigned i = 0; i < answers; i++) {
            unsigned type = types[rand() % 4];
            struct wire data = {.length = 0};
            if (type == 15)
                add16(&data, (unsigned)rand() % 100);
            if (type == 1) {
                add16(&data, (unsigned)rand());
                add16(&data, (unsigned)rand());
            } else if (rand() % 2) {
                random_name(name);
                add_name(&data, name);
            } else {
                add(&data, "\3abc\300\14", 6);
            }
            add_record(&wire, type, data.bytes, data.length);
        }
        compare(&wire);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_read),
        cmocka_unit_test(each_type_has_its_text),
        cmocka_unit_test(codes_have_names),
        cmocka_unit_test(hostile_labels_are_escaped),
        cmocka_unit_test(pointers_never_loop),
        cmocka_unit_test(a_name_is_no_longer_than_255_bytes),
        cmocka_unit_test(counts_may_lie),
        cmocka_unit_test(a_message_may_be_cut_anywhere),
        cmocka_unit_test(messages_read_as_the_c_library_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
