/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "dns_private.h"

#define HEADER_SIZE   12
#define NAME_MAX_WIRE 255 /* bytes of a name, lengths and root label included */
#define CLASS_IN      1

/* ---- text that is written piece by piece ---- */

void dns_put(struct dns_out *out, const char *bytes, size_t length)
{
    size_t room = out->size - 1 - out->length;

    if (out->cut || length > room) {
        out->cut = true;
        return;
    }
    memcpy(out->data + out->length, bytes, length);
    out->length += length;
    out->data[out->length] = '\0';
}

void dns_put_escaped(struct dns_out *out, uint8_t byte, const char *special, uint8_t first)
{
    const char number[] = {'\\', (char)('0' + byte / 100), (char)('0' + byte / 10 % 10),
                           (char)('0' + byte % 10)};
    const char pair[] = {'\\', (char)byte};

    if (byte < first || byte > '~')
        dns_put(out, number, sizeof(number));
    else if (strchr(special, byte))
        dns_put(out, pair, sizeof(pair));
    else
        dns_put(out, pair + 1, 1);
}

/* ---- numbers ---- */

uint16_t dns_read16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

uint32_t dns_read32(const uint8_t *bytes)
{
    return (uint32_t)dns_read16(bytes) << 16 | dns_read16(bytes + 2);
}

/* ---- names ---- */

static void put_label(struct dns_out *out, const uint8_t *label, size_t length)
{
    if (out->length)
        dns_put(out, ".", 1);
    for (size_t i = 0; i < length; i++)
        dns_put_escaped(out, label[i], "\".;\\()@$", '!');
}

/*
 * Reads the name that begins at `at`. Returns the offset behind it, 0 where it can not be read.
 * Each pointer has to lead to before everything read so far, so that no chain of them has a loop.
 */
size_t dns_read_name(const struct dns_message *message, size_t at, struct dns_out *out)
{
    size_t end = 0, earliest = at, wire = 1;

    while (at < message->length) {
        uint8_t length = message->bytes[at];
        if (length == 0) {
            if (!out->length)
                dns_put(out, ".", 1);
            return end ? end : at + 1;
        }
        if (length >= 0xc0) {
            if (at + 1 >= message->length)
                return 0;
            end = end ? end : at + 2;
            at = dns_read16(message->bytes + at) & 0x3fff;
            if (at >= earliest)
                return 0;
            earliest = at;
            continue;
        }
        wire += length + 1u;
        if (length >= 0x40 || wire > NAME_MAX_WIRE || at + 1 + length > message->length)
            return 0;
        put_label(out, message->bytes + at + 1, length);
        at += length + 1u;
    }
    return 0;
}

/* The offset behind the name at `at`, without reading what its pointer points to; 0: unreadable. */
static size_t skip_name(const struct dns_message *message, size_t at)
{
    while (at < message->length) {
        uint8_t length = message->bytes[at];
        if (length == 0)
            return at + 1;
        if (length >= 0xc0)
            return at + 2;
        if (length >= 0x40)
            return 0;
        at += length + 1u;
    }
    return 0;
}

/* ---- records ---- */

/* Reads the fixed part of the record at `at`. Returns the offset behind its data, 0 where not all
 * of it is there. */
static size_t read_record(const struct dns_message *message, size_t at, struct dns_record *record)
{
    const uint8_t *fixed;

    at = skip_name(message, at);
    if (!at || at + 10 > message->length)
        return 0;
    fixed = message->bytes + at;
    *record = (struct dns_record){dns_read16(fixed), dns_read16(fixed + 2), dns_read32(fixed + 4),
                                  at + 10, dns_read16(fixed + 8)};
    at = record->data + record->length;
    return at <= message->length ? at : 0;
}

/* ---- messages ---- */

const char *dns_rcode(uint16_t code, char text[DNS_CODE_SIZE])
{
    static const char *const names[] = {
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
        "NXRRSET", "NOTAUTH", "NOTZONE",  NULL,       NULL,      NULL,      NULL,       NULL,
        "BADVERS", "BADKEY",  "BADTIME",  "BADMODE",  "BADNAME", "BADALG",  "BADTRUNC", "BADCOOKIE",
    };

    if (code < sizeof(names) / sizeof(names[0]) && names[code])
        return names[code];
    snprintf(text, DNS_CODE_SIZE, "RCODE%u", code);
    return text;
}

/* The upper bits of the response code, from the OPT record behind the answers. */
static uint16_t extended_rcode(const struct dns_message *message, unsigned records)
{
    struct dns_record record;
    size_t at = HEADER_SIZE;

    for (unsigned i = 0; at && i < message->questions; i++) {
        at = skip_name(message, at);
        at = at ? at + 4 : 0;
    }
    for (unsigned i = 0; at && i < records; i++) {
        at = read_record(message, at, &record);
        if (at && record.type == DNS_TYPE_OPT)
            return (uint16_t)(record.ttl >> 24 << 4);
    }
    return 0;
}

bool dns_open(struct dns_message *message, const void *bytes, size_t length)
{
    const uint8_t *header = bytes;

    if (length < HEADER_SIZE)
        return false;
    *message = (struct dns_message){
        .bytes = bytes,
        .length = length,
        .at = HEADER_SIZE,
        .id = dns_read16(header),
        .rcode = header[3] & 15,
        .opcode = header[2] >> 3 & 15,
        .response = header[2] & 0x80,
        .incomplete = header[2] & 2,
        .questions = dns_read16(header + 4),
        .answers = dns_read16(header + 6),
    };
    if (message->response)
        message->rcode |= extended_rcode(
            message, (unsigned)message->answers + dns_read16(header + 8) + dns_read16(header + 10));
    return true;
}

/* What comes now can not be read, and so nothing behind it. */
static bool give_up(struct dns_message *message)
{
    message->incomplete = true;
    message->questions = message->answers = 0;
    return false;
}

bool dns_next_question(struct dns_message *message, struct dns_question *question)
{
    struct dns_out name = {.data = question->name, .size = sizeof(question->name)};
    size_t end;

    if (!message->questions)
        return false;
    question->name[0] = '\0';
    end = dns_read_name(message, message->at, &name);
    if (!end || end + 4 > message->length)
        return give_up(message);
    question->type = dns_read16(message->bytes + end);
    question->class = dns_read16(message->bytes + end + 2);
    message->at = end + 4;
    message->questions--;
    return true;
}

static void set_address(struct dns_answer *answer, const uint8_t *bytes, uint16_t length)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    memset(answer->address, 0, sizeof(answer->address));
    answer->family = length == 4 ? AF_INET : AF_INET6;
    if (length == 16 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
        answer->family = AF_INET;
        bytes += sizeof(mapped);
        length = 4;
    }
    memcpy(answer->address, bytes, length);
    inet_ntop(answer->family, answer->address, answer->text, sizeof(answer->text));
}

bool dns_next_answer(struct dns_message *message, struct dns_answer *answer)
{
    const uint8_t *bytes;
    struct dns_record record;
    size_t end;

    for (; message->questions && message->at; message->questions--) {
        message->at = skip_name(message, message->at);
        message->at = message->at ? message->at + 4 : 0;
    }
    if (!message->answers)
        return false;
    end = message->at ? read_record(message, message->at, &record) : 0;
    if (!end)
        return give_up(message);
    message->at = end;
    message->answers--;
    bytes = message->bytes + record.data;
    answer->type = record.type;
    answer->class = record.class;
    answer->family = 0;
    if (record.class == CLASS_IN && ((record.type == DNS_TYPE_A && record.length == 4) ||
                                     (record.type == DNS_TYPE_AAAA && record.length == 16)))
        set_address(answer, bytes, record.length);
    else if (!dns_data_text(message, &record, answer))
        message->incomplete = true;
    return true;
}
