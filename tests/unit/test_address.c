/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of addresses against that of inet_ntop(). */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/model_private.h"

static void assert_same(uint16_t family, const uint8_t address[16])
{
    char made[ADDRESS_SIZE], wanted[ADDRESS_SIZE];
    struct text text = address_text(family, address, made);

    assert_non_null(inet_ntop(family, address, wanted, sizeof(wanted)));
    assert_string_equal(text.data, wanted);
    assert_int_equal(text.length, strlen(wanted));
}

static void test_each_byte_of_v4(void **state)
{
    (void)state;
    for (int place = 0; place < 4; place++) {
        for (int byte = 0; byte <= UINT8_MAX; byte++) {
            uint8_t address[16] = {7, 80, 255, 0};
            address[place] = (uint8_t)byte;
            assert_same(AF_INET, address);
        }
    }
}

static void test_v6(void **state)
{
    const uint8_t loopback[16] = {[15] = 1};
    const uint8_t other[16] = {0x20, 0x01, 0x0d, 0xb8, [13] = 9, [15] = 0xff};

    (void)state;
    assert_same(AF_INET6, loopback);
    assert_same(AF_INET6, other);
}

static void test_no_family(void **state)
{
    const uint8_t address[16] = {1};
    char made[ADDRESS_SIZE];

    (void)state;
    assert_null(address_text(AF_UNSPEC, address, made).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_byte_of_v4),
        cmocka_unit_test(test_v6),
        cmocka_unit_test(test_no_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
