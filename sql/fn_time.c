/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Points and spans of time. A point is an INTEGER of nanoseconds since the Unix epoch, UTC.
 *
 * ago('1h30m')                  -> now less 5400000000000
 * at('2026-11-22 03:12')        -> 1795317120000000000
 * iso(1795317120000000000)      -> '2026-11-22T03:12:00.000000000Z'
 * duration(1500000000)          -> '1.5 s'
 */
#include <sqlite3ext.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "fn_call.h"

SQLITE_EXTENSION_INIT3

#define SECOND 1000000000LL
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static int64_t wall_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

/* ---- reading text from the left: each take_ moves on only past what it accepts ---- */

static bool take(struct text *in, char wanted)
{
    if (in->length == 0 || *in->data != wanted)
        return false;
    in->data++;
    in->length--;
    return true;
}

static bool take_digit(struct text *in, int *digit)
{
    if (in->length == 0 || *in->data < '0' || *in->data > '9')
        return false;
    *digit = *in->data++ - '0';
    in->length--;
    return true;
}

/* Exactly so many digits. */
static bool take_number(struct text *in, int digits, int *number)
{
    int digit;

    for (*number = 0; digits > 0; digits--) {
        if (!take_digit(in, &digit))
            return false;
        *number = *number * 10 + digit;
    }
    return true;
}

/* The digits after a decimal point, one to nine of them, in billionths. */
static bool take_fraction(struct text *in, int64_t *billionths)
{
    int64_t place = SECOND / 10;
    int digit, count = 0;

    for (*billionths = 0; take_digit(in, &digit); count++, place /= 10)
        *billionths += digit * place;
    return count >= 1 && count <= 9;
}

/* ---- spans ---- */

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},     {"us", 1000}, {"ms", 1000000}, {"s", SECOND},
    {"m", MINUTE}, {"h", HOUR},  {"d", DAY},      {"w", 7 * DAY},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool take_unit(struct text *in, int64_t *ns)
{
    size_t length = 0;

    while (length < in->length && is_letter(in->data[length]))
        length++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strlen(units[i].name) == length && !strncasecmp(units[i].name, in->data, length)) {
            *ns = units[i].ns;
            in->data += length;
            in->length -= length;
            return true;
        }
    }
    return false;
}

/* A whole number of any length that fits. */
static bool take_whole(struct text *in, int64_t *number)
{
    int digit, count = 0;

    for (*number = 0; take_digit(in, &digit); count++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, digit, number))
            return false;
    return count > 0;
}

/* One part, such as `1h` or `1.5 s`. */
static bool take_part(struct text *in, int64_t *ns)
{
    int64_t whole, billionths = 0, unit;

    if (!take_whole(in, &whole) || (take(in, '.') && !take_fraction(in, &billionths)))
        return false;
    take(in, ' ');
    if (!take_unit(in, &unit) || __builtin_mul_overflow(whole, unit, ns))
        return false;
    int64_t fraction = (int64_t)((__int128)unit * billionths / SECOND);
    return !__builtin_add_overflow(*ns, fraction, ns);
}

static bool parse_span(struct text in, int64_t *span)
{
    int64_t part;

    *span = 0;
    do {
        if (!take_part(&in, &part) || __builtin_add_overflow(*span, part, span))
            return false;
        take(&in, ' ');
    } while (in.length > 0);
    return true;
}

/* ---- points ---- */

static int64_t start_of_day(int64_t ns)
{
    int64_t into = ns % DAY;

    return ns - (into < 0 ? into + DAY : into);
}

static bool take_date(struct text *in, int64_t *days)
{
    int year, month, day;

    if (!take_number(in, 4, &year) || !take(in, '-') || !take_number(in, 2, &month) ||
        !take(in, '-') || !take_number(in, 2, &day))
        return false;
    struct tm date = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    *days = timegm(&date) / 86400;
    /* timegm() carries a 31 February over into March: then it was no date. */
    return date.tm_mon == month - 1 && date.tm_mday == day;
}

/* 03:12, 03:12:45 or 03:12:45.678; a leap second reads as the second after it. */
static bool take_clock(struct text *in, int64_t *ns)
{
    int hour, minute, second = 0;
    int64_t fraction = 0;

    if (!take_number(in, 2, &hour) || !take(in, ':') || !take_number(in, 2, &minute))
        return false;
    if (take(in, ':')) {
        if (!take_number(in, 2, &second) || (take(in, '.') && !take_fraction(in, &fraction)))
            return false;
    }
    *ns = hour * HOUR + minute * MINUTE + second * SECOND + fraction;
    return hour <= 23 && minute <= 59 && second <= 60;
}

/* Z, +02:00, +0200, +02; nothing is UTC. */
static bool take_offset(struct text *in, int64_t *ns)
{
    int hours, minutes = 0;

    *ns = 0;
    if (in->length == 0 || take(in, 'Z') || take(in, 'z'))
        return true;
    bool west = take(in, '-');
    if ((!west && !take(in, '+')) || !take_number(in, 2, &hours))
        return false;
    bool more = take(in, ':') || in->length > 0;
    if (more && !take_number(in, 2, &minutes))
        return false;
    *ns = (west ? -1 : 1) * (hours * HOUR + minutes * MINUTE);
    return hours <= 23 && minutes <= 59;
}

static bool parse_word(struct text in, int64_t now, int64_t *ns)
{
    const struct {
        const char *word;
        int64_t ns;
    } words[] = {
        {"now", now},
        {"today", start_of_day(now)},
        {"yesterday", start_of_day(now) - DAY},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].word) == in.length && !strncasecmp(words[i].word, in.data, in.length)) {
            *ns = words[i].ns;
            return true;
        }
    }
    return false;
}

/* A time without a date is on the day that it is now at the offset given. */
static bool parse_clock(struct text in, int64_t now, int64_t *ns)
{
    int64_t clock, offset;

    if (!take_clock(&in, &clock) || !take_offset(&in, &offset) || in.length > 0)
        return false;
    *ns = start_of_day(now + offset) + clock - offset;
    return true;
}

static bool parse_date(struct text in, int64_t *ns)
{
    int64_t days, clock = 0, offset = 0;

    if (!take_date(&in, &days))
        return false;
    if (take(&in, 'T') || take(&in, 't') || take(&in, ' ')) {
        if (!take_clock(&in, &clock) || !take_offset(&in, &offset))
            return false;
    }
    return in.length == 0 && !__builtin_mul_overflow(days, DAY, ns) &&
           !__builtin_add_overflow(*ns, clock - offset, ns);
}

/* ---- the functions ---- */

/*
 * Keeps an answer that depends on the clock for as long as the statement runs, where the argument
 * is a constant: `at > ago('1h')` then means the same moment for every row.
 */
static void result_for_statement(sqlite3_context *context, int64_t ns)
{
    int64_t *kept = sqlite3_malloc(sizeof *kept);

    if (!kept) {
        sqlite3_result_error_nomem(context);
        return;
    }
    *kept = ns;
    sqlite3_result_int64(context, ns);
    sqlite3_set_auxdata(context, 0, kept, sqlite3_free);
}

static bool result_kept(sqlite3_context *context)
{
    const int64_t *kept = sqlite3_get_auxdata(context, 0);

    if (kept)
        sqlite3_result_int64(context, *kept);
    return kept != NULL;
}

static void time_ago(sqlite3_context *context, sqlite3_value **values)
{
    int64_t span;

    if (result_kept(context))
        return;
    if (parse_span(fn_text(values[0]), &span))
        result_for_statement(context, wall_clock() - span);
    else
        fn_reject(context, 0, values[0], "a span of time such as '15m' or '1h30m'");
}

static void time_at(sqlite3_context *context, sqlite3_value **values)
{
    struct text text = fn_text(values[0]);
    int64_t ns, now;

    if (result_kept(context))
        return;
    now = wall_clock();
    if (parse_word(text, now, &ns) || parse_clock(text, now, &ns) || parse_date(text, &ns))
        result_for_statement(context, ns);
    else
        fn_reject(context, 0, values[0],
                  "a time from 1677 to 2262 such as '2026-11-22 03:12', '03:12+01:00' or 'today'");
}

static void time_iso(sqlite3_context *context, sqlite3_value **values)
{
    int64_t ns = sqlite3_value_int64(values[0]);
    int64_t fraction = ((ns % SECOND) + SECOND) % SECOND;
    time_t seconds = ns / SECOND - (ns % SECOND < 0);
    struct tm date;

    gmtime_r(&seconds, &date);
    char *text = sqlite3_mprintf("%04d-%02d-%02dT%02d:%02d:%02d.%09lldZ", date.tm_year + 1900,
                                 date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min,
                                 date.tm_sec, (long long)fraction);
    if (text)
        sqlite3_result_text(context, text, -1, sqlite3_free);
    else
        sqlite3_result_error_nomem(context);
}

/* A span in its largest unit, with one decimal below ten; from a minute on, in two whole units. */
static const struct scale {
    uint64_t unit; /* ns */
    const char *name;
    uint64_t minor_unit; /* ns; 0: decimals instead */
    const char *minor_name;
} scales[] = {
    {DAY, "d", HOUR, "h"},  {HOUR, "h", MINUTE, "m"}, {MINUTE, "m", SECOND, "s"},
    {SECOND, "s", 0, NULL}, {1000000, "ms", 0, NULL}, {1000, "us", 0, NULL},
    {1, "ns", 0, NULL},
};

static char *format_span(const struct scale *scale, const char *sign, uint64_t span)
{
    unsigned long long major = span / scale->unit, rest = span % scale->unit;

    if (scale->minor_unit)
        return sqlite3_mprintf("%s%llu%s %02llu%s", sign, major, scale->name,
                               rest / scale->minor_unit, scale->minor_name);
    if (major < 10 && scale->unit > 1)
        return sqlite3_mprintf("%s%llu.%llu %s", sign, major, rest / (scale->unit / 10),
                               scale->name);
    return sqlite3_mprintf("%s%llu %s", sign, major, scale->name);
}

static void time_duration(sqlite3_context *context, sqlite3_value **values)
{
    int64_t ns = sqlite3_value_int64(values[0]);
    uint64_t span = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    const struct scale *scale = scales;

    while (span < scale->unit && scale->unit > 1)
        scale++;
    char *text = format_span(scale, ns < 0 ? "-" : "", span);
    if (text)
        sqlite3_result_text(context, text, -1, sqlite3_free);
    else
        sqlite3_result_error_nomem(context);
}

const struct fn fn_time[] = {
    {"ago", SQLITE_INNOCUOUS, 1, {{"span", FN_TEXT}}, time_ago},
    {"at", SQLITE_INNOCUOUS, 1, {{"time", FN_TEXT}}, time_at},
    {"iso", FN_PURE, 1, {{"ns", FN_INTEGER}}, time_iso},
    {"duration", FN_PURE, 1, {{"ns", FN_INTEGER}}, time_duration},
    {0},
};
