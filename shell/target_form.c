/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target_form.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"

/* A whole decimal number that ends at `end` (the end of the text where NULL). */
static bool read_number(const char *text, const char *end, int64_t *number)
{
    char *stop;
    errno = 0;
    *number = strtoll(text, &stop, 10);
    return text[0] >= '0' && text[0] <= '9' && !errno && stop == (end ? end : text + strlen(text));
}

static bool read_port(const char *text, int64_t *port)
{
    return read_number(text, NULL, port) && *port >= 1 && *port <= 65535;
}

/* An address in the store's form: IPv4 mapped into IPv6 is IPv4. */
static bool read_address(const char *text, size_t length, char address[INET6_ADDRSTRLEN])
{
    struct in6_addr six;
    struct in_addr four;
    char copy[INET6_ADDRSTRLEN];
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET, copy, &four) == 1)
        return inet_ntop(AF_INET, &four, address, INET6_ADDRSTRLEN);
    if (inet_pton(AF_INET6, copy, &six) != 1)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&six))
        return inet_ntop(AF_INET, &six.s6_addr[12], address, INET6_ADDRSTRLEN);
    return inet_ntop(AF_INET6, &six, address, INET6_ADDRSTRLEN);
}

/*
 * Each reader below takes what follows its prefix; false: it is not of that form. target->by is
 * set already, to what most of that form's texts mean.
 */
typedef bool target_reader(struct session *session, const char *text, struct target *target);

static bool read_row(struct session *session, const char *text, struct target *target)
{
    (void)session;
    return read_number(text, NULL, &target->number);
}

static bool read_text(struct session *session, const char *text, struct target *target)
{
    (void)session;
    target->text = text;
    return *text;
}

static bool read_pid(struct session *session, const char *text, struct target *target)
{
    const char *at = strchr(text, '@');
    if (!read_number(text, at, &target->number))
        return false;
    if (!at)
        return true;
    if (!session_time(session, text, at + 1, &target->span.since))
        return false;
    target->span.until = target->span.since;
    return true;
}

static bool read_program(struct session *session, const char *text, struct target *target)
{
    if (strchr(text, '/'))
        target->by = BY_PROGRAM_PATH;
    return read_text(session, text, target);
}

static bool read_port_only(struct session *session, const char *text, struct target *target)
{
    (void)session;
    return read_port(text, &target->number);
}

/* 10.0.0.5, fe80::1, 10.0.0.5:443, [fe80::1]:443; a bare IPv6 address has no port. */
static bool read_endpoint(struct session *session, const char *text, struct target *target)
{
    (void)session;
    target->text = target->address;
    if (read_address(text, strlen(text), target->address))
        return true;
    const char *colon = strrchr(text, ':');
    if (!colon || !read_port(colon + 1, &target->number))
        return false;
    size_t length = (size_t)(colon - text);
    bool brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    target->by = BY_ENDPOINT;
    return brackets ? read_address(text + 1, length - 2, target->address)
                    : read_address(text, length, target->address);
}

/* The first whose prefix fits and whose reader accepts. Rows without a reader are for the help. */
static const struct form {
    const char *prefix;
    target_reader *read;
    enum target_by by;
    const char *example, *help;
} forms[] = {
    {"", read_row, BY_ID, "123", "the process with this id: the first column of ps"},
    {"pid:", read_pid, BY_PID, "pid:1234", "with this process id, which the kernel uses again"},
    {"pid:", NULL, BY_PID, "pid:1234@03:12", "with this process id at that time"},
    {"exe:", read_program, BY_PROGRAM_NAME, "exe:curl", "running a program of this name"},
    {"exe:", NULL, BY_PROGRAM_PATH, "exe:/usr/bin/curl", "running exactly this program"},
    {"file:", read_text, BY_FILE, "file:/tmp/x", "that last wrote this file, or else ran it"},
    {"", read_endpoint, BY_ADDRESS, "10.0.0.5", "with a connection to this address, or a listener"},
    {"", NULL, BY_ENDPOINT, "10.0.0.5:443", "with this address and port at either end"},
    {"", NULL, BY_ENDPOINT, "[2001:db8::5]:443", "the same of IPv6"},
    {":", read_port_only, BY_PORT, ":8080", "with a listener or connection on this local port"},
    {"conn:", read_row, BY_CONNECTION, "conn:12", "holding this row of connections"},
    {"trace:", read_row, BY_TRACE, "trace:7", "the first of this trace"},
    {"flag:", read_row, BY_FLAG, "flag:3", "that this row of flags is about"},
    {"container:", read_text, BY_CONTAINER, "container:web", "the first of the newest such one"},
};

#define FORM_COUNT (sizeof forms / sizeof *forms)

static bool has_prefix(const char *text, const struct form *form)
{
    return strncmp(text, form->prefix, strlen(form->prefix)) == 0;
}

/* A form whose prefix the text has, but which it does not follow further. */
static const struct form *find_marked(const char *text)
{
    for (size_t i = 0; i < FORM_COUNT; i++)
        if (*forms[i].prefix && has_prefix(text, &forms[i]))
            return &forms[i];
    return NULL;
}

static bool is_name(const char *text)
{
    for (const char *at = text; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._-+", *at))
            return false;
    return *text;
}

static void complain_form(const char *text)
{
    const struct form *form = find_marked(text);
    if (form)
        complain("'%s' is no TARGET; that form is written as in %s", text, form->example);
    else if (*text == '/')
        complain("'%s' is no TARGET; did you mean file:%s or exe:%s?", text, text, text);
    else if (is_name(text))
        complain("'%s' is no TARGET; did you mean exe:%s or container:%s?", text, text, text);
    else
        complain("'%s' is no TARGET, such as 123, pid:1234, exe:curl, file:/tmp/x, 10.0.0.5 or "
                 ":8080; 'help targets' has all forms",
                 text);
}

bool target_read(struct session *session, const char *text, struct target *target)
{
    const struct span span = target->span;
    for (size_t i = 0; i < FORM_COUNT; i++) {
        const struct form *form = &forms[i];
        *target = (struct target){.by = form->by, .span = span};
        if (form->read && has_prefix(text, form) &&
            form->read(session, text + strlen(form->prefix), target))
            return true;
    }
    complain_form(text);
    return false;
}

void target_help(FILE *out)
{
    fputs("A TARGET means a process:\n", out);
    for (size_t i = 0; i < FORM_COUNT; i++)
        fprintf(out, "  %-18s %s\n", forms[i].example, forms[i].help);
    fputs("Where several match, the newest is taken and the others are listed; --since\n"
          "and --until bound the search. A file, connection, listener or flag is also a\n"
          "moment in the life of its process.\n",
          out);
}
