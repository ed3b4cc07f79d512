/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HEADER_SIZE   12
#define NAME_MAX_WIRE 255 /* bytes of a name, lengths and root label included */
#define CLASS_IN      1

enum {
    TYPE_A = 1,
    TYPE_AAAA = 28,
    TYPE_OPT = 41,
};

/* ---- text that is written piece by piece ---- */

struct out {
    char *data; /* NUL-terminated at all times */
    size_t size;
    size_t length;
    bool cut;
};

static void put(struct out *out, const char *bytes, size_t length)
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

__attribute__((format(printf, 2, 3))) static void put_format(struct out *out, const char *format,
                                                             ...)
{
    char text[32];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    put(out, text, strlen(text));
}

/* A byte as in a master file; those of `special` stand behind a backslash. */
static void put_escaped(struct out *out, uint8_t byte, const char *special, uint8_t first)
{
    const char number[] = {'\\', (char)('0' + byte / 100), (char)('0' + byte / 10 % 10),
                           (char)('0' + byte % 10)};
    const char pair[] = {'\\', (char)byte};

    if (byte < first || byte > '~')
        put(out, number, sizeof(number));
    else if (strchr(special, byte))
        put(out, pair, sizeof(pair));
    else
        put(out, pair + 1, 1);
}

/* ---- numbers ---- */

static uint16_t read16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t read32(const uint8_t *bytes)
{
    return (uint32_t)read16(bytes) << 16 | read16(bytes + 2);
}

/* ---- names ---- */

static void put_label(struct out *out, const uint8_t *label, size_t length)
{
    if (out->length)
        put(out, ".", 1);
    for (size_t i = 0; i < length; i++)
        put_escaped(out, label[i], "\".;\\()@$", '!');
}

/*
 * Reads the name that begins at `at`. Returns the offset behind it, 0 where it can not be read.
 * Each pointer has to lead to before everything read so far, so that no chain of them has a loop.
 */
static size_t read_name(const struct dns_message *message, size_t at, struct out *out)
{
    size_t end = 0, earliest = at, wire = 1;

    while (at < message->length) {
        uint8_t length = message->bytes[at];
        if (length == 0) {
            if (!out->length)
                put(out, ".", 1);
            return end ? end : at + 1;
        }
        if (length >= 0xc0) {
            if (at + 1 >= message->length)
                return 0;
            end = end ? end : at + 2;
            at = read16(message->bytes + at) & 0x3fff;
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

struct record {
    uint16_t type;
    uint16_t class;
    uint32_t ttl;
    size_t data;
    uint16_t length;
};

/* Reads the fixed part of the record at `at`. Returns the offset behind its data, 0 where not all
 * of it is there. */
static size_t read_record(const struct dns_message *message, size_t at, struct record *record)
{
    const uint8_t *fixed;

    at = skip_name(message, at);
    if (!at || at + 10 > message->length)
        return 0;
    fixed = message->bytes + at;
    *record = (struct record){read16(fixed), read16(fixed + 2), read32(fixed + 4), at + 10,
                              read16(fixed + 8)};
    at = record->data + record->length;
    return at <= message->length ? at : 0;
}

/* ---- the text of a record's data ---- */

/* What is left of the data, and where its text goes. */
struct data {
    const struct dns_message *message;
    size_t at;
    size_t end;
    struct out *out;
};

/* Takes that many bytes off the front; NULL where there are fewer. */
static const uint8_t *take(struct data *data, size_t length)
{
    const uint8_t *bytes = data->message->bytes + data->at;

    if (length > data->end - data->at)
        return NULL;
    data->at += length;
    return bytes;
}

/* Each writes one field's text and takes it off the data; false where it is not there. */
typedef bool field_writer(struct data *data);

static bool write_ipv4(struct data *data)
{
    const uint8_t *bytes = take(data, 4);

    if (bytes)
        put_format(data->out, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
    return bytes;
}

static bool write_ipv6(struct data *data)
{
    const uint8_t *bytes = take(data, 16);
    char text[INET6_ADDRSTRLEN];

    if (bytes && inet_ntop(AF_INET6, bytes, text, sizeof(text)))
        put(data->out, text, strlen(text));
    return bytes;
}

static bool write_name(struct data *data)
{
    char text[DNS_NAME_SIZE] = "";
    struct out name = {.data = text, .size = sizeof(text)};
    size_t end = read_name(data->message, data->at, &name);

    if (!end || end > data->end)
        return false;
    data->at = end;
    put(data->out, text, name.length);
    return true;
}

static bool write_8(struct data *data)
{
    const uint8_t *bytes = take(data, 1);

    if (bytes)
        put_format(data->out, "%u", bytes[0]);
    return bytes;
}

static bool write_16(struct data *data)
{
    const uint8_t *bytes = take(data, 2);

    if (bytes)
        put_format(data->out, "%u", read16(bytes));
    return bytes;
}

static bool write_32(struct data *data)
{
    const uint8_t *bytes = take(data, 4);

    if (bytes)
        put_format(data->out, "%u", read32(bytes));
    return bytes;
}

static void put_quoted(struct out *out, const uint8_t *bytes, size_t length)
{
    put(out, "\"", 1);
    for (size_t i = 0; i < length; i++)
        put_escaped(out, bytes[i], "\"\\", ' ');
    put(out, "\"", 1);
}

static bool write_string(struct data *data)
{
    const uint8_t *length = take(data, 1), *bytes = length ? take(data, *length) : NULL;

    if (bytes)
        put_quoted(data->out, bytes, *length);
    return bytes;
}

static bool write_strings(struct data *data)
{
    bool good = write_string(data);

    while (good && data->at < data->end) {
        put(data->out, " ", 1);
        good = write_string(data);
    }
    return good;
}

/* The tag of a CAA record. */
static bool write_tag(struct data *data)
{
    const uint8_t *length = take(data, 1), *bytes = length ? take(data, *length) : NULL;

    for (size_t i = 0; bytes && i < *length; i++)
        put_escaped(data->out, bytes[i], "\"\\", '!');
    return bytes;
}

/* All that is left, as one string. */
static bool write_rest(struct data *data)
{
    size_t length = data->end - data->at;

    put_quoted(data->out, take(data, length), length);
    return true;
}

static bool write_hex(struct data *data)
{
    while (data->at < data->end)
        put_format(data->out, "%02X", *take(data, 1));
    return true;
}

/* Of any record (RFC 3597). */
static bool write_generic(struct data *data)
{
    put_format(data->out, "\\# %zu", data->end - data->at);
    if (data->at < data->end)
        put(data->out, " ", 1);
    return write_hex(data);
}

/* ---- parameters of SVCB and HTTPS records (RFC 9460) ---- */

static bool write_base64(struct data *data)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    while (data->at < data->end) {
        size_t left = data->end - data->at, count = left < 3 ? left : 3;
        uint8_t group[3] = {0};
        char text[4];
        memcpy(group, take(data, count), count);
        text[0] = digits[group[0] >> 2];
        text[1] = digits[(group[0] & 3) << 4 | group[1] >> 4];
        text[2] = '=';
        text[3] = '=';
        if (count > 1)
            text[2] = digits[(group[1] & 15) << 2 | group[2] >> 6];
        if (count > 2)
            text[3] = digits[group[2] & 63];
        put(data->out, text, sizeof(text));
    }
    return true;
}

/* The protocols, a comma between two; a comma in one is escaped twice, as everywhere in lists. */
static bool write_alpn(struct data *data)
{
    const uint8_t *length, *bytes;

    put(data->out, "\"", 1);
    for (bool first = true; (length = take(data, 1)) && (bytes = take(data, *length));
         first = false) {
        if (!first)
            put(data->out, ",", 1);
        for (size_t i = 0; i < *length; i++)
            if (bytes[i] == ',' || bytes[i] == '\\')
                put_format(data->out, "\\\\%s%c", bytes[i] == '\\' ? "\\" : "", bytes[i]);
            else
                put_escaped(data->out, bytes[i], "\"", ' ');
    }
    put(data->out, "\"", 1);
    return data->at == data->end && !length;
}

static const char *svcb_key(uint16_t key, char text[DNS_CODE_SIZE]);

static bool write_keys(struct data *data)
{
    const uint8_t *bytes;
    char text[DNS_CODE_SIZE];

    for (bool first = true; (bytes = take(data, 2)); first = false) {
        const char *name = svcb_key(read16(bytes), text);
        if (!first)
            put(data->out, ",", 1);
        put(data->out, name, strlen(name));
    }
    return data->at == data->end;
}

static bool write_list(struct data *data, field_writer *write)
{
    bool good = write(data);

    while (good && data->at < data->end) {
        put(data->out, ",", 1);
        good = write(data);
    }
    return good;
}

static bool write_ipv4_hints(struct data *data)
{
    return write_list(data, write_ipv4);
}

static bool write_ipv6_hints(struct data *data)
{
    return write_list(data, write_ipv6);
}

static const struct {
    const char *name;
    field_writer *write; /* NULL: it has no value */
} svcb_keys[] = {
    {"mandatory", write_keys},      {"alpn", write_alpn},
    {"no-default-alpn", NULL},      {"port", write_16},
    {"ipv4hint", write_ipv4_hints}, {"ech", write_base64},
    {"ipv6hint", write_ipv6_hints},
};

#define SVCB_KEYS (sizeof(svcb_keys) / sizeof(svcb_keys[0]))

static const char *svcb_key(uint16_t key, char text[DNS_CODE_SIZE])
{
    if (key < SVCB_KEYS)
        return svcb_keys[key].name;
    snprintf(text, DNS_CODE_SIZE, "key%u", key);
    return text;
}

static bool write_parameter(struct data *data, uint16_t key)
{
    field_writer *write = key < SVCB_KEYS ? svcb_keys[key].write : write_rest;
    char text[DNS_CODE_SIZE];
    const char *name = svcb_key(key, text);

    put(data->out, " ", 1);
    put(data->out, name, strlen(name));
    if (data->at == data->end)
        return true;
    put(data->out, "=", 1);
    return write && write(data) && data->at == data->end;
}

static bool write_parameters(struct data *data)
{
    bool good = true;

    while (good && data->at < data->end) {
        struct data value = *data;
        const uint8_t *head = take(data, 4);
        if (!head || !take(data, read16(head + 2)))
            return false;
        value.at += 4;
        value.end = data->at;
        good = write_parameter(&value, read16(head));
    }
    return good;
}

/* ---- types ---- */

static field_writer *const fields[] = {
    ['4'] = write_ipv4, ['6'] = write_ipv6, ['n'] = write_name,   ['b'] = write_8,
    ['h'] = write_16,   ['w'] = write_32,   ['s'] = write_string, ['S'] = write_strings,
    ['t'] = write_tag,  ['q'] = write_rest, ['x'] = write_hex,    ['p'] = write_parameters,
};

/* What is known of each type: its name, and its data, a letter of `fields` for each field. NULL:
 * as bytes. Numbers are those of the IANA registry "Resource Record (RR) TYPEs". */
static const struct type {
    uint16_t code;
    const char *name;
    const char *data;
} types[] = {
    {TYPE_A, "A", "4"},       {2, "NS", "n"},          {5, "CNAME", "n"},
    {6, "SOA", "nnwwwww"},    {12, "PTR", "n"},        {13, "HINFO", "ss"},
    {15, "MX", "hn"},         {16, "TXT", "S"},        {17, "RP", "nn"},
    {18, "AFSDB", "hn"},      {24, "SIG", NULL},       {25, "KEY", NULL},
    {TYPE_AAAA, "AAAA", "6"}, {29, "LOC", NULL},       {33, "SRV", "hhhn"},
    {35, "NAPTR", "hhsssn"},  {36, "KX", "hn"},        {37, "CERT", NULL},
    {39, "DNAME", "n"},       {TYPE_OPT, "OPT", NULL}, {42, "APL", NULL},
    {43, "DS", "hbbx"},       {44, "SSHFP", "bbx"},    {45, "IPSECKEY", NULL},
    {46, "RRSIG", NULL},      {47, "NSEC", NULL},      {48, "DNSKEY", NULL},
    {49, "DHCID", NULL},      {50, "NSEC3", NULL},     {51, "NSEC3PARAM", NULL},
    {52, "TLSA", "bbbx"},     {53, "SMIMEA", "bbbx"},  {55, "HIP", NULL},
    {59, "CDS", "hbbx"},      {60, "CDNSKEY", NULL},   {61, "OPENPGPKEY", NULL},
    {62, "CSYNC", NULL},      {63, "ZONEMD", NULL},    {64, "SVCB", "hnp"},
    {65, "HTTPS", "hnp"},     {99, "SPF", "S"},        {108, "EUI48", NULL},
    {109, "EUI64", NULL},     {249, "TKEY", NULL},     {250, "TSIG", NULL},
    {251, "IXFR", NULL},      {252, "AXFR", NULL},     {255, "ANY", NULL},
    {256, "URI", "hhq"},      {257, "CAA", "btq"},
};

static const struct type *find_type(uint16_t code)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].code == code)
            return &types[i];
    return NULL;
}

const char *dns_type(uint16_t code, char text[DNS_CODE_SIZE])
{
    const struct type *type = find_type(code);

    if (type)
        return type->name;
    snprintf(text, DNS_CODE_SIZE, "TYPE%u", code);
    return text;
}

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

/* ---- messages ---- */

/* The upper bits of the response code, from the OPT record behind the answers. */
static uint16_t extended_rcode(const struct dns_message *message, unsigned records)
{
    struct record record;
    size_t at = HEADER_SIZE;

    for (unsigned i = 0; at && i < message->questions; i++) {
        at = skip_name(message, at);
        at = at ? at + 4 : 0;
    }
    for (unsigned i = 0; at && i < records; i++) {
        at = read_record(message, at, &record);
        if (at && record.type == TYPE_OPT)
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
        .id = read16(header),
        .rcode = header[3] & 15,
        .opcode = header[2] >> 3 & 15,
        .response = header[2] & 0x80,
        .incomplete = header[2] & 2,
        .questions = read16(header + 4),
        .answers = read16(header + 6),
    };
    if (message->response)
        message->rcode |= extended_rcode(message, (unsigned)message->answers + read16(header + 8) +
                                                      read16(header + 10));
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
    struct out name = {.data = question->name, .size = sizeof(question->name)};
    size_t end;

    if (!message->questions)
        return false;
    question->name[0] = '\0';
    end = read_name(message, message->at, &name);
    if (!end || end + 4 > message->length)
        return give_up(message);
    question->type = read16(message->bytes + end);
    question->class = read16(message->bytes + end + 2);
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

static bool write_data(struct data *data, const char *format)
{
    for (const char *field = format; *field; field++) {
        if (field > format && *field != 'p')
            put(data->out, " ", 1);
        if (!fields[(unsigned char)*field](data))
            return false;
    }
    return data->at == data->end;
}

/* Data that is not as its type says is shown as bytes. Returns whether all of the text is there. */
static bool set_text(const struct dns_message *message, const struct record *record,
                     struct dns_answer *answer)
{
    const struct type *type = find_type(record->type);
    struct out out = {.data = answer->text, .size = sizeof(answer->text)};
    struct data data = {message, record->data, record->data + record->length, &out};

    answer->text[0] = '\0';
    if (type && type->data && write_data(&data, type->data))
        return !out.cut;
    answer->text[0] = '\0';
    out.length = 0;
    out.cut = false;
    data.at = record->data;
    write_generic(&data);
    return !out.cut;
}

bool dns_next_answer(struct dns_message *message, struct dns_answer *answer)
{
    const uint8_t *bytes;
    struct record record;
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
    if (record.class == CLASS_IN && ((record.type == TYPE_A && record.length == 4) ||
                                     (record.type == TYPE_AAAA && record.length == 16)))
        set_address(answer, bytes, record.length);
    else if (!set_text(message, &record, answer))
        message->incomplete = true;
    return true;
}
