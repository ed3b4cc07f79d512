/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "escape.h"
#include "query.h"
#include "shown.h"
#include "terminal.h"

#define MATCH_LIMIT  1000
#define OTHERS_SHOWN 5

/* What the text said: the parameters of a form's query. */
struct target {
    const char *sql;
    int64_t number;
    const char *text;
    char address[INET6_ADDRSTRLEN];
    struct span span;
};

/* ---- the queries: ?1 and ?2 are the span, ?3 the number, ?4 the text ---- */

#define ALIVE(row)                                                                                 \
    "(" row ".started_at IS NULL OR " row ".started_at <= ?2) AND (" row                           \
    ".ended_at IS NULL OR " row ".ended_at >= ?1) "
#define PROCESSES "SELECT p.id, p.pid, p.started_at, p.cmdline, p.comm FROM processes AS p "
#define NEWEST    "ORDER BY p.started_at DESC NULLS LAST, p.id DESC LIMIT 1000"

#define HELD       "WITH held (process_id, since) AS ("
#define CONNECTION "SELECT c.process_id, c.started_at FROM connections AS c WHERE " ALIVE("c")
#define LISTENER   "SELECT l.process_id, l.started_at FROM listeners AS l WHERE " ALIVE("l")
#define HOLDERS                                                                                    \
    ") " PROCESSES "JOIN held AS h ON h.process_id = p.id GROUP BY p.id "                          \
    "ORDER BY max(h.since) DESC NULLS LAST, p.id DESC LIMIT 1000"

static const char by_id[] = PROCESSES "WHERE p.id = ?3";
static const char by_pid[] = PROCESSES "WHERE p.pid = ?3 AND " ALIVE("p") NEWEST;
static const char by_path[] = PROCESSES "WHERE p.exe = ?4 AND " ALIVE("p") NEWEST;
/* Few programs, many processes: the names are looked for in the index of programs alone. */
static const char by_name[] = PROCESSES
    "WHERE p.exe IN (SELECT exe FROM processes GROUP BY exe HAVING basename(exe) = ?4) AND " ALIVE(
        "p") NEWEST;
static const char by_connection[] = HELD CONNECTION "AND c.id = ?3" HOLDERS;
static const char by_address[] =
    HELD CONNECTION "AND c.remote_address = ?4 UNION ALL " LISTENER "AND l.address = ?4" HOLDERS;
static const char by_endpoint[] =
    HELD CONNECTION "AND c.remote_address = ?4 AND c.remote_port = ?3 "
                    "UNION ALL " CONNECTION "AND c.local_address = ?4 AND c.local_port = ?3 "
                    "UNION ALL " LISTENER "AND l.address = ?4 AND l.port = ?3" HOLDERS;
static const char by_port[] =
    HELD CONNECTION "AND c.local_port = ?3 UNION ALL " LISTENER "AND l.port = ?3" HOLDERS;

/* The newest container of that name, or whose id begins so: by its first process. */
static const char by_container[] =
    "WITH named (id, root_process_id) AS (SELECT id, root_process_id FROM containers "
    "WHERE name = ?4 UNION SELECT id, root_process_id FROM containers "
    "WHERE container_id >= ?4 AND container_id < ?4 || char(0x10ffff)) " PROCESSES
    "JOIN named AS n ON n.root_process_id = p.id WHERE " ALIVE("p") "ORDER BY n.id DESC LIMIT 1000";

/* ---- reading the text ---- */

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

/* Each reader below fills *target from what follows its prefix; false: it is not of that form. */
typedef bool target_reader(struct session *session, const char *text, struct target *target);

static bool read_id(struct session *session, const char *text, struct target *target)
{
    (void)session;
    target->sql = by_id;
    return read_number(text, NULL, &target->number);
}

static bool read_pid(struct session *session, const char *text, struct target *target)
{
    const char *at = strchr(text, '@');
    target->sql = by_pid;
    if (!read_number(text, at, &target->number))
        return false;
    if (!at)
        return true;
    if (!session_time(session, text, at + 1, &target->span.since))
        return false;
    target->span.until = target->span.since;
    return true;
}

static bool read_exe(struct session *session, const char *text, struct target *target)
{
    (void)session;
    target->sql = strchr(text, '/') ? by_path : by_name;
    target->text = text;
    return *text;
}

static bool read_container(struct session *session, const char *text, struct target *target)
{
    (void)session;
    target->sql = by_container;
    target->text = text;
    return *text;
}

static bool read_connection(struct session *session, const char *text, struct target *target)
{
    (void)session;
    target->sql = by_connection;
    return read_number(text, NULL, &target->number);
}

static bool read_port_only(struct session *session, const char *text, struct target *target)
{
    (void)session;
    target->sql = by_port;
    return read_port(text, &target->number);
}

/* 10.0.0.5, fe80::1, 10.0.0.5:443, [fe80::1]:443; a bare IPv6 address has no port. */
static bool read_endpoint(struct session *session, const char *text, struct target *target)
{
    (void)session;
    target->text = target->address;
    target->sql = by_address;
    if (read_address(text, strlen(text), target->address))
        return true;
    const char *colon = strrchr(text, ':');
    if (!colon || !read_port(colon + 1, &target->number))
        return false;
    size_t length = (size_t)(colon - text);
    bool brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    target->sql = by_endpoint;
    return brackets ? read_address(text + 1, length - 2, target->address)
                    : read_address(text, length, target->address);
}

/* The first whose prefix fits and whose reader accepts. */
static const struct {
    const char *prefix;
    target_reader *read;
} forms[] = {
    {"pid:", read_pid},         {"exe:", read_exe},
    {"conn:", read_connection}, {"container:", read_container},
    {":", read_port_only},      {"", read_id},
    {"", read_endpoint},
};

static bool read_target(struct session *session, const char *text, struct target *target)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t length = strlen(forms[i].prefix);
        if (strncmp(text, forms[i].prefix, length) == 0 &&
            forms[i].read(session, text + length, target))
            return true;
    }
    return false;
}

/* ---- what matched ---- */

static void describe(FILE *out, const struct cell *row)
{
    char number[24];
    struct shown started = {.text = {"?", 1}};
    const struct cell *name = row[3].type == CELL_TEXT ? &row[3] : &row[4];
    if (row[2].type == CELL_INTEGER)
        show_cell(&started, &row[2], true, PRECISION_SECONDS);
    snprintf(number, sizeof number, "%lld", (long long)row[0].integer);
    fprintf(out, "  %s  pid %lld  %.*s  ", number, (long long)row[1].integer,
            (int)started.text.length, started.text.data);
    if (name->type == CELL_TEXT)
        escape_print_cut(out, name->bytes, terminal_utf8(), 40);
    fputc('\n', out);
}

static void list_others(const char *text, const struct result *result)
{
    size_t others = result->rows - 1;
    const struct cell *first = result_row(result, 0);
    complain("%s%zu processes match %s; took the newest, %lld. The others:",
             result->rows == MATCH_LIMIT ? "at least " : "", result->rows, text,
             (long long)first->integer);
    for (size_t i = 1; i <= others && i <= OTHERS_SHOWN; i++)
        describe(stderr, result_row(result, i));
    if (others > OTHERS_SHOWN)
        fprintf(stderr, "  and %zu more\n", others - OTHERS_SHOWN);
}

static void complain_nothing(const struct target *target, const char *text)
{
    if (target->sql == by_id)
        complain("there is no process with the id %s; pid:%s is a process by its pid", text, text);
    else
        complain("no process in the store matches %s", text);
}

enum status target_find(struct session *session, const char *text, int64_t *process_id)
{
    struct target target = {.text = NULL};
    struct result result;
    if (!session_span(session, &target.span))
        return STATUS_USAGE;
    if (!read_target(session, text, &target)) {
        complain("'%s' is no TARGET: 123, pid:1234, pid:1234@03:12, exe:curl, conn:ID, "
                 "container:NAME, 10.0.0.5, "
                 "10.0.0.5:443, [::1]:443, :8080",
                 text);
        return STATUS_USAGE;
    }
    enum status status = query_fetch(session, &result, target.sql, "iiit", target.span.since,
                                     target.span.until, target.number, target.text);
    if (status == STATUS_OK && result.rows == 0) {
        complain_nothing(&target, text);
        status = STATUS_ERROR;
    } else if (status == STATUS_OK) {
        *process_id = result_row(&result, 0)->integer;
        if (result.rows > 1)
            list_others(text, &result);
    }
    result_free(&result);
    return status;
}
