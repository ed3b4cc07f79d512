/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One DNS message of any bytes: everything that is read of it is text that can be shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/dns.h"

static void check_text(const char *text, size_t size)
{
    size_t length = strnlen(text, size);

    if (length == size)
        abort();
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~')
            abort();
}

static void read_all(struct dns_message *message)
{
    struct dns_question question;
    struct dns_answer answer;
    char code[DNS_CODE_SIZE];
    size_t records = 0;

    while (dns_next_question(message, &question)) {
        check_text(question.name, sizeof(question.name));
        check_text(dns_type(question.type, code), sizeof(code));
        records++;
    }
    while (dns_next_answer(message, &answer)) {
        check_text(answer.text, sizeof(answer.text));
        records++;
    }
    if (records > 2 * 65536)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1); /* exactly as long: the sanitizer sees its end */
    struct dns_message message;
    char code[DNS_CODE_SIZE];

    if (!copy)
        return 0;
    memcpy(copy, data, size);
    if (dns_open(&message, copy, size)) {
        check_text(dns_rcode(message.rcode, code), sizeof(code));
        read_all(&message);
    }
    free(copy);
    return 0;
}
