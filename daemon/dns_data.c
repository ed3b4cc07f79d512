/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the data of a record says, in the form of a master file: of RFC 1035, and of each type. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dns_private.h"

__attribute__((format(printf, 2, 3))) static void put_format(struct dns_out *out,
                                                             const char *format, ...)
{
    char text[32];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    dns_put(out, text, strlen(text));
}

/* What is left of the data, and where its text goes. */
struct data {
    const struct dns_message *message;
    size_t at;
    size_t end;
    struct dns_out *out;
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
        dns_put(data->out, text, strlen(text));
    return bytes;
}

static bool write_name(struct data *data)
{
    char text[DNS_NAME_SIZE] = "";
    struct dns_out name = {.data = text, .size = sizeof(text)};
    size_t end = dns_read_name(data->message, data->at, &name);

    if (!end || end > data->end)
        return false;
    data->at = end;
    dns_put(data->out, text, name.length);
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
        put_format(data->out, "%u", dns_read16(bytes));
    return bytes;
}

static bool write_32(struct data *data)
{
    const uint8_t *bytes = take(data, 4);

    if (bytes)
        put_format(data->out, "%u", dns_read32(bytes));
    return bytes;
}

static void put_quoted(struct dns_out *out, const uint8_t *bytes, size_t length)
{
    dns_put(out, "\"", 1);
    for (size_t i = 0; i < length; i++)
        dns_put_escaped(out, bytes[i], "\"\\", ' ');
    dns_put(out, "\"", 1);
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
        dns_put(data->out, " ", 1);
        good = write_string(data);
    }
    return good;
}

/* The tag of a CAA record. */
static bool write_tag(struct data *data)
{
    const uint8_t *length = take(data, 1), *bytes = length ? take(data, *length) : NULL;

    for (size_t i = 0; bytes && i < *length; i++)
        dns_put_escaped(data->out, bytes[i], "\"\\", '!');
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
        dns_put(data->out, " ", 1);
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
        dns_put(data->out, text, sizeof(text));
    }
    return true;
}

/* The protocols, a comma between two; a comma in one is escaped twice, as everywhere in lists. */
static bool write_alpn(struct data *data)
{
    const uint8_t *length, *bytes;

    dns_put(data->out, "\"", 1);
    for (bool first = true; (length = take(data, 1)) && (bytes = take(data, *length));
         first = false) {
        if (!first)
            dns_put(data->out, ",", 1);
        for (size_t i = 0; i < *length; i++)
            if (bytes[i] == ',' || bytes[i] == '\\')
                put_format(data->out, "\\\\%s%c", bytes[i] == '\\' ? "\\" : "", bytes[i]);
            else
                dns_put_escaped(data->out, bytes[i], "\"", ' ');
    }
    dns_put(data->out, "\"", 1);
    return data->at == data->end && !length;
}

static const char *svcb_key(uint16_t key, char text[DNS_CODE_SIZE]);

static bool write_keys(struct data *data)
{
    const uint8_t *bytes;
    char text[DNS_CODE_SIZE];

    for (bool first = true; (bytes = take(data, 2)); first = false) {
        const char *name = svcb_key(dns_read16(bytes), text);
        if (!first)
            dns_put(data->out, ",", 1);
        dns_put(data->out, name, strlen(name));
    }
    return data->at == data->end;
}

static bool write_list(struct data *data, field_writer *write)
{
    bool good = write(data);

    while (good && data->at < data->end) {
        dns_put(data->out, ",", 1);
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

    dns_put(data->out, " ", 1);
    dns_put(data->out, name, strlen(name));
    if (data->at == data->end)
        return true;
    dns_put(data->out, "=", 1);
    return write && write(data) && data->at == data->end;
}

static bool write_parameters(struct data *data)
{
    bool good = true;

    while (good && data->at < data->end) {
        struct data value = *data;
        const uint8_t *head = take(data, 4);
        if (!head || !take(data, dns_read16(head + 2)))
            return false;
        value.at += 4;
        value.end = data->at;
        good = write_parameter(&value, dns_read16(head));
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
    {DNS_TYPE_A, "A", "4"},
    {2, "NS", "n"},
    {5, "CNAME", "n"},
    {6, "SOA", "nnwwwww"},
    {12, "PTR", "n"},
    {13, "HINFO", "ss"},
    {15, "MX", "hn"},
    {16, "TXT", "S"},
    {17, "RP", "nn"},
    {18, "AFSDB", "hn"},
    {24, "SIG", NULL},
    {25, "KEY", NULL},
    {DNS_TYPE_AAAA, "AAAA", "6"},
    {29, "LOC", NULL},
    {33, "SRV", "hhhn"},
    {35, "NAPTR", "hhsssn"},
    {36, "KX", "hn"},
    {37, "CERT", NULL},
    {39, "DNAME", "n"},
    {DNS_TYPE_OPT, "OPT", NULL},
    {42, "APL", NULL},
    {43, "DS", "hbbx"},
    {44, "SSHFP", "bbx"},
    {45, "IPSECKEY", NULL},
    {46, "RRSIG", NULL},
    {47, "NSEC", NULL},
    {48, "DNSKEY", NULL},
    {49, "DHCID", NULL},
    {50, "NSEC3", NULL},
    {51, "NSEC3PARAM", NULL},
    {52, "TLSA", "bbbx"},
    {53, "SMIMEA", "bbbx"},
    {55, "HIP", NULL},
    {59, "CDS", "hbbx"},
    {60, "CDNSKEY", NULL},
    {61, "OPENPGPKEY", NULL},
    {62, "CSYNC", NULL},
    {63, "ZONEMD", NULL},
    {64, "SVCB", "hnp"},
    {65, "HTTPS", "hnp"},
    {99, "SPF", "S"},
    {108, "EUI48", NULL},
    {109, "EUI64", NULL},
    {249, "TKEY", NULL},
    {250, "TSIG", NULL},
    {251, "IXFR", NULL},
    {252, "AXFR", NULL},
    {255, "ANY", NULL},
    {256, "URI", "hhq"},
    {257, "CAA", "btq"},
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

static bool write_data(struct data *data, const char *format)
{
    for (const char *field = format; *field; field++) {
        if (field > format && *field != 'p')
            dns_put(data->out, " ", 1);
        if (!fields[(unsigned char)*field](data))
            return false;
    }
    return data->at == data->end;
}

bool dns_data_text(const struct dns_message *message, const struct dns_record *record,
                   struct dns_answer *answer)
{
    const struct type *type = find_type(record->type);
    struct dns_out out = {.data = answer->text, .size = sizeof(answer->text)};
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
