/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arguments as programs read them: options and what follows them, commands inside arguments. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "redact_private.h"

/* Commands in quotes inside commands in quotes; deeper down only words are looked at. */
#define DEPTH_MAX 3

/* ---- programs with options that others use for something else ---- */

/* Secrets in arguments that are no options. */
enum operand {
    OPERAND_OTHER,
    OPERAND_COLON,   /* [domain/]user:password@host */
    OPERAND_SLASH,   /* user/password[@database] */
    OPERAND_SLASH_P, /* /p:password */
};

/* Whether a word that is a name by itself (secret_access_key) has its value in the next one. */
enum bare { BARE_NO, BARE_JOINED, BARE_ANY };

struct program {
    const char *name;
    const char *secret; /* short options that take a secret */
    const char *user;   /* short options that take a user and a password */
    const char *others; /* short options that take something else; NULL: they are not combined */
    char between;       /* what stands between user and password; 0: a colon */
    bool attached;      /* the secret only follows at once (-pX); without it is asked for */
    enum operand operand;
    enum bare bare; /* JOINED: a name of several words */
};

#define TAKES(called, letters)                                                                     \
    {                                                                                              \
        .name = called, .secret = letters, .user = ""                                              \
    }
#define ATTACHED(called)                                                                           \
    {                                                                                              \
        .name = called, .secret = "p", .user = "", .attached = true                                \
    }
#define OPERAND(called, form)                                                                      \
    {                                                                                              \
        .name = called, .secret = "", .user = "", .operand = form                                  \
    }
#define USER(called, letter)                                                                       \
    {                                                                                              \
        .name = called, .secret = "", .user = letter                                               \
    }
#define BARE(called, which)                                                                        \
    {                                                                                              \
        .name = called, .secret = "", .user = "", .bare = which                                    \
    }
#define NOTHING(called) TAKES(called, "")
#define COMBINED(called, letters, taking, at_once)                                                 \
    {                                                                                              \
        .name = called, .secret = letters, .user = "", .others = taking, .attached = at_once       \
    }
#define MYSQL(called) COMBINED(called, "p", "DehPSTu#", true)
#define LDAP(called)  COMBINED(called, "w", "abcdDefhHIlmoOpPrRsSTuUVXyYzZ", false)

/* In the order of strcmp. Those without secrets end the reach of one that stands before them. */
static const struct program programs[] = {
    ATTACHED("7z"),
    ATTACHED("7za"),
    ATTACHED("7zr"),
    ATTACHED("7zz"),
    BARE("aws", BARE_JOINED),
    TAKES("bcp", "P"),
    TAKES("cme", "pH"),
    TAKES("crackmapexec", "pH"),
    {.name = "curl", .secret = "", .user = "uU", .others = "AbcCdDeEFhHKmoPQrtTwxXyYz"},
    NOTHING("docker"),
    TAKES("evil-winrm", "pH"),
    OPERAND("expdp", OPERAND_SLASH),
    TAKES("groupadd", "p"),
    USER("http", "a"),
    USER("https", "a"),
    OPERAND("impdp", OPERAND_SLASH),
    TAKES("ipmitool", "P"),
    NOTHING("kubectl"),
    LDAP("ldapadd"),
    LDAP("ldapcompare"),
    LDAP("ldapdelete"),
    LDAP("ldapmodify"),
    LDAP("ldapmodrdn"),
    TAKES("ldappasswd", "asw"),
    LDAP("ldapsearch"),
    LDAP("ldapwhoami"),
    {.name = "lftp", .secret = "", .user = "u", .between = ','},
    TAKES("login", "p"), /* docker login, oc login */
    MYSQL("mariabackup"),
    MYSQL("mariadb"),
    MYSQL("mariadb-admin"),
    MYSQL("mariadb-backup"),
    MYSQL("mariadb-binlog"),
    MYSQL("mariadb-check"),
    MYSQL("mariadb-dump"),
    MYSQL("mariadb-import"),
    MYSQL("mariadb-show"),
    MYSQL("mariadb-slap"),
    TAKES("mongo", "p"),
    TAKES("mongodump", "p"),
    TAKES("mongoexport", "p"),
    TAKES("mongoimport", "p"),
    TAKES("mongorestore", "p"),
    TAKES("mongosh", "p"),
    TAKES("mongostat", "p"),
    TAKES("mongotop", "p"),
    TAKES("mosquitto_pub", "P"),
    TAKES("mosquitto_sub", "P"),
    MYSQL("mycli"),
    MYSQL("mysql"),
    MYSQL("mysqladmin"),
    MYSQL("mysqlbinlog"),
    MYSQL("mysqlcheck"),
    MYSQL("mysqldump"),
    MYSQL("mysqlimport"),
    MYSQL("mysqlpump"),
    MYSQL("mysqlsh"),
    MYSQL("mysqlshow"),
    MYSQL("mysqlslap"),
    NOTHING("nerdctl"),
    TAKES("netexec", "pH"),
    BARE("nmcli", BARE_ANY),
    BARE("npm", BARE_JOINED),
    TAKES("nxc", "pH"),
    NOTHING("openssl"),
    NOTHING("podman"),
    ATTACHED("rar"),
    BARE("rclone", BARE_JOINED),
    TAKES("rdesktop", "p"),
    TAKES("redis-cli", "a"),
    OPERAND("rman", OPERAND_SLASH),
    {.name = "rpcclient", .secret = "", .user = "U", .between = '%'},
    NOTHING("rsync"),
    NOTHING("scp"),
    NOTHING("sftp"),
    {.name = "smbclient", .secret = "", .user = "U", .between = '%'},
    TAKES("snmpbulkwalk", "AXc"),
    TAKES("snmpget", "AXc"),
    TAKES("snmpset", "AXc"),
    TAKES("snmpwalk", "AXc"),
    TAKES("sqlcmd", "P"),
    OPERAND("sqlldr", OPERAND_SLASH),
    OPERAND("sqlplus", OPERAND_SLASH),
    NOTHING("ssh"),
    NOTHING("ssh-copy-id"),
    TAKES("sshpass", "p"),
    TAKES("twine", "p"),
    ATTACHED("unrar"),
    TAKES("unzip", "P"),
    TAKES("useradd", "p"),
    TAKES("usermod", "p"),
    OPERAND("wlfreerdp", OPERAND_SLASH_P),
    OPERAND("xfreerdp", OPERAND_SLASH_P),
    OPERAND("xfreerdp3", OPERAND_SLASH_P),
    MYSQL("xtrabackup"),
    COMBINED("zip", "P", "bnOtix", false),
};

/* Long options, and what follows them; the program NULL: any. */
struct long_option {
    const char *program;
    const char *name;
    enum expect expect;
};

static const struct long_option long_options[] = {
    {"curl", "user", EXPECT_USER_PASSWORD},
    {"curl", "proxy-user", EXPECT_USER_PASSWORD},
    {"http", "auth", EXPECT_USER_PASSWORD},
    {"https", "auth", EXPECT_USER_PASSWORD},
    {"smbclient", "user", EXPECT_USER_PASSWORD},
    {"rpcclient", "user", EXPECT_USER_PASSWORD},
    {"openssl", "k", EXPECT_OPTION_VALUE},
    {"openssl", "password", EXPECT_PASS_SOURCE},
    {NULL, "header", EXPECT_HEADER},
    {NULL, "h", EXPECT_HEADER}, /* -H: who means a host by -h has no header there */
    {NULL, "pass", EXPECT_PASS_SOURCE},
    {NULL, "passin", EXPECT_PASS_SOURCE},
    {NULL, "passout", EXPECT_PASS_SOURCE},
};

/* Options that are named like one which takes a secret, and take nothing. */
static const char *const flags[] = {"no",   "ask",     "prompt", "show",  "print",     "without",
                                    "skip", "disable", "hide",   "allow", "with-token"};

#define PROGRAM_MAX 14 /* mariadb-binlog */

static int compare_program(const void *key, const void *row)
{
    const struct span *name = key;
    const struct program *program = row;
    size_t length, shorter;
    int order = (unsigned char)*name->begin - (unsigned char)*program->name;

    if (order)
        return order; /* most often: all else costs more */
    length = strlen(program->name);
    shorter = span_length(*name) < length ? span_length(*name) : length;
    order = memcmp(name->begin, program->name, shorter);

    return order ? order : (span_length(*name) > length) - (span_length(*name) < length);
}

/* Tools in Python that attack Windows hosts take their target like this. */
static const struct program script = OPERAND("*.py", OPERAND_COLON);

static const struct program *find_program(struct span word)
{
    const char *slash = memrchr(word.begin, '/', span_length(word));

    if (slash)
        word.begin = slash + 1;
    if (span_length(word) > 3 && redact_equals((struct span){word.end - 3, word.end}, ".py"))
        return &script;
    if (span_length(word) < 2 || span_length(word) > PROGRAM_MAX)
        return NULL;
    return bsearch(&word, programs, sizeof(programs) / sizeof(programs[0]), sizeof(programs[0]),
                   compare_program);
}

static bool is_flag(struct span name)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        const char *end = name.begin + strlen(flags[i]);
        if (redact_begins(name, flags[i]) && (end == name.end || !isalnum((unsigned char)*end)))
            return true;
    }
    return false;
}

static enum expect find_long(const struct scan *scan, struct span name)
{
    for (size_t i = 0; i < sizeof(long_options) / sizeof(long_options[0]); i++) {
        const struct long_option *row = &long_options[i];
        if ((*name.begin | 0x20) != *row->name || !redact_equals(name, row->name))
            continue;
        if (!row->program || (scan->program && strcmp(scan->program->name, row->program) == 0))
            return row->expect;
    }
    return EXPECT_NOTHING;
}

/* ---- what was expected ---- */

static void redact_user_password(struct scan *scan, struct span word)
{
    char between = scan->program && scan->program->between ? scan->program->between : ':';
    const char *at;

    word = redact_unquoted(word);
    at = memchr(word.begin, between, span_length(word));
    if (at)
        redact_value(scan, (struct span){at + 1, word.end});
}

static void redact_pass_source(struct scan *scan, struct span word)
{
    static const char *const elsewhere[] = {"env:", "file:", "fd:", "stdin"};

    word = redact_unquoted(word);
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
        if (redact_begins(word, elsewhere[i]))
            return;
    if (redact_begins(word, "pass:"))
        word.begin += strlen("pass:");
    redact_value(scan, word);
}

/* `Name: value`. False: none whose value is a secret. */
static bool redact_header(struct scan *scan, struct span word, bool any)
{
    struct span line = redact_unquoted(word);
    const char *colon = memchr(line.begin, ':', span_length(line));
    struct span name = {line.begin, colon};

    if (!colon)
        return false;
    if (redact_equals(name, "authorization") || redact_equals(name, "proxy-authorization"))
        redact_authorization(scan, (struct span){colon + 1, line.end});
    else if (redact_equals(name, "cookie") || redact_equals(name, "set-cookie") ||
             (any && redact_names_match(scan->arguments, name)))
        redact_value(
            scan, (struct span){colon + 1 + (colon + 1 < line.end && colon[1] == ' '), line.end});
    else
        return false;
    return true;
}

static bool take_quoted(struct scan *scan, struct span word)
{
    if (redact_equals(word, "=") || redact_equals(word, ":=") || redact_equals(word, "=>")) {
        scan->expect = EXPECT_VALUE;
        return true;
    }
    if (*word.begin != '\'' && *word.begin != '"')
        return false;
    redact_item(scan, word);
    return true;
}

static bool take_authorization(struct scan *scan, struct span word)
{
    static const char *const schemes[] = {"basic", "bearer", "token", "apikey", "negotiate"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (!redact_equals(word, schemes[i]))
            continue;
        scan->expect = EXPECT_VALUE;
        return true;
    }
    redact_item(scan, word);
    return true;
}

/* False: it is not what it was expected to be, and looked at like any other word. */
static bool take_expected(struct scan *scan, enum expect expect, struct span word)
{
    if (word.begin == word.end)
        return false;
    switch (expect) {
    case EXPECT_OPTION_VALUE:
        if (*word.begin != '-')
            redact_value(scan, word);
        return *word.begin != '-';
    case EXPECT_VALUE:
        redact_item(scan, word);
        return true;
    case EXPECT_QUOTED:
        return take_quoted(scan, word);
    case EXPECT_USER_PASSWORD:
        redact_user_password(scan, word);
        return true;
    case EXPECT_PASS_SOURCE:
        redact_pass_source(scan, word);
        return true;
    case EXPECT_AUTHORIZATION:
        return take_authorization(scan, word);
    case EXPECT_HEADER:
        return redact_header(scan, word, true);
    case EXPECT_NOTHING:
        break;
    }
    return false;
}

/* ---- options ---- */

/* `-uroot`, `-sSu user:password`: short options, several in one word. */
static bool redact_short(struct scan *scan, struct span word)
{
    const struct program *program = scan->program;
    const char *last = program && program->others ? word.end : word.begin + 2;

    if (!program || word.begin[1] == '-')
        return false;
    for (const char *at = word.begin + 1; at < last && at < word.end; at++) {
        bool user = strchr(program->user, *at);
        struct span rest = {at + 1, word.end};
        if (user || strchr(program->secret, *at)) {
            enum expect expect = user ? EXPECT_USER_PASSWORD : EXPECT_OPTION_VALUE;
            if (rest.begin == rest.end)
                scan->expect = program->attached ? EXPECT_NOTHING : expect;
            else if (user)
                redact_user_password(scan, rest);
            else
                redact_value(scan, rest);
            return true;
        }
        if (program->others && strchr(program->others, *at))
            return false;
    }
    return false;
}

static void redact_any(struct scan *scan, struct span word);

static void redact_long(struct scan *scan, struct span name, const char *equals, struct span word)
{
    enum expect expect = find_long(scan, name);
    bool asked = scan->program && scan->program->attached;

    if (!expect && redact_names_match(scan->arguments, name))
        expect = EXPECT_OPTION_VALUE;
    if (!equals) {
        bool secret = expect == EXPECT_OPTION_VALUE && (is_flag(name) || asked);
        scan->expect = secret ? EXPECT_NOTHING : expect;
    } else if (expect == EXPECT_OPTION_VALUE) {
        redact_value(scan, (struct span){equals + 1, word.end});
    } else if (!take_expected(scan, expect, (struct span){equals + 1, word.end})) {
        redact_any(scan, (struct span){equals + 1, word.end});
    }
}

/* `-c`, `-lc`: a command for a shell follows. */
static bool is_command_option(struct span word)
{
    if (span_length(word) > 6 || word.end[-1] != 'c' || word.begin[1] == '-')
        return false;
    for (const char *at = word.begin + 1; at < word.end; at++)
        if (!isalpha((unsigned char)*at))
            return false;
    return true;
}

static void redact_option(struct scan *scan, struct span word)
{
    const char *equals = memchr(word.begin, '=', span_length(word));
    struct span name = {word.begin, equals ? equals : word.end};

    while (name.begin < name.end && *name.begin == '-')
        name.begin++;
    if (name.begin == name.end || redact_short(scan, word))
        return;
    for (const char *at = name.begin; at < name.end; at++)
        if (!redact_is_word(*at)) { /* it is something else, such as -HName: value */
            if (word.begin[1] != 'H' ||
                !redact_header(scan, (struct span){word.begin + 2, word.end}, true))
                redact_text(scan, word);
            return;
        }
    scan->command = is_command_option(word);
    if (!equals && span_length(name) > 20)
        redact_text(scan, word);
    redact_long(scan, name, equals, word);
}

/* ---- words ---- */

/* As in `don't`; but not in -p'...'. */
static bool is_apostrophe(const char *begin, const char *at)
{
    return at > begin && *begin != '-' && isalnum((unsigned char)at[-1]);
}

/* Takes the next word of a command off *rest; quotes keep blanks together. Sets *begins where a new
 * command begins with it. */
static bool next_word(struct span *rest, struct span *word, bool *begins)
{
    static const char ends[] = " \t\r\n;|&()<>`";
    const char *at = rest->begin;

    for (*begins = false; at < rest->end && strchr(ends, *at); at++)
        *begins |= strchr(";|&(\n`", *at) != NULL;
    word->begin = at;
    while (at < rest->end && !strchr(ends, *at)) {
        const char *close = NULL;
        if ((*at == '"' || *at == '\'') && !is_apostrophe(word->begin, at))
            close = redact_closing_quote(at, rest->end);
        else if (*at == '\\')
            at++;
        at = close ? close + 1 : at + 1;
    }
    word->end = rest->begin = at < rest->end ? at : rest->end;
    return word->begin < word->end;
}

static bool has_blank(struct span text)
{
    size_t length = span_length(text);

    return memchr(text.begin, ' ', length) || memchr(text.begin, '\n', length) ||
           memchr(text.begin, '\t', length);
}

/* Bare words of SQL that a secret in quotes follows. */
static void expect_quoted(struct scan *scan, struct span word)
{
    if (redact_equals(word, "identified"))
        scan->identified = true;
    else if ((scan->identified && redact_equals(word, "by")) ||
             redact_names_match(scan->arguments, word))
        scan->expect = EXPECT_QUOTED;
}

/* An argument with blanks in it: a command, or prose, JSON, SQL. */
static void redact_words(struct scan *outer, struct span text)
{
    struct scan scan = *outer;
    struct span word;
    bool begins;

    scan.depth++;
    scan.program = NULL;
    while (next_word(&text, &word, &begins)) {
        if (begins) {
            scan.program = NULL;
            scan.expect = EXPECT_NOTHING;
            scan.identified = false;
        }
        redact_argument(&scan, word);
        if (!scan.expect)
            expect_quoted(&scan, word);
    }
}

static void redact_any(struct scan *scan, struct span word)
{
    word = redact_unquoted(word);
    if (redact_header(scan, word, false))
        return;
    if (scan->depth < DEPTH_MAX && has_blank(word))
        redact_words(scan, word);
    else
        redact_text(scan, word);
}

static void note_program(struct scan *scan, struct span word)
{
    struct span name = redact_unquoted(word);
    const struct program *program = find_program(name);

    /* Not the end of a URL, of an assignment or of a sentence. */
    if (program && !has_blank(name) && !memchr(name.begin, ':', span_length(name)) &&
        !memchr(name.begin, '=', span_length(name)))
        scan->program = program;
}

static bool redact_operand(struct scan *scan, struct span word)
{
    enum operand operand = scan->program ? scan->program->operand : OPERAND_OTHER;
    const char *at = memrchr(word.begin, '@', span_length(word));
    struct span user = {word.begin, at ? at : word.end};
    const char *between;

    if (operand == OPERAND_OTHER || (operand == OPERAND_COLON && !at) || has_blank(word))
        return false;
    between = memchr(user.begin, operand == OPERAND_SLASH ? '/' : ':', span_length(user));
    if (!between || between == user.begin || redact_begins((struct span){between, user.end}, "://"))
        return false;
    if (operand == OPERAND_SLASH_P && !redact_begins(user, "/p:"))
        return false;
    if (operand == OPERAND_SLASH_P)
        user.end = word.end;
    redact_value(scan, (struct span){between + 1, user.end});
    return true;
}

/* Names by themselves, as `aws configure set` has them. */
static void expect_bare(struct scan *scan, struct span word)
{
    enum bare bare = scan->program ? scan->program->bare : BARE_NO;

    if (bare == BARE_ANY || (bare == BARE_JOINED && memchr(word.begin, '_', span_length(word))))
        if (redact_names_match(scan->arguments, word))
            scan->expect = EXPECT_OPTION_VALUE;
}

/* NAME=value and name=value. False: neither. */
static bool redact_assignment(struct scan *scan, struct span word)
{
    struct span name = {word.begin, word.begin};
    struct span value;
    bool variable = true; /* as env(1) and shells take it: a blank belongs to the value */
    bool secret;

    for (; name.end < word.end && redact_is_word(*name.end); name.end++)
        variable &= !islower((unsigned char)*name.end);
    if (name.begin == name.end || name.end == word.end || *name.end != '=')
        return false;
    value = (struct span){name.end + 1, word.end};
    secret =
        redact_names_match(scan->environment, name) || redact_names_match(scan->arguments, name);
    if (secret && variable)
        redact_value(scan, value);
    else if (!secret && (variable || redact_unquoted(value).end != value.end))
        redact_any(scan, value); /* perhaps a command */
    else
        redact_text(scan, word);
    return true;
}

static void redact_piece(struct scan *scan, struct span word)
{
    enum expect expect = scan->expect;
    bool command = scan->command;

    scan->expect = EXPECT_NOTHING;
    scan->command = false;
    if (word.begin == word.end || take_expected(scan, expect, word))
        return;
    if (*word.begin == '-' && word.begin + 1 < word.end) {
        redact_option(scan, word);
        return;
    }
    if (redact_operand(scan, word))
        return;
    note_program(scan, word);
    if ((command && has_blank(word)) || !redact_assignment(scan, word))
        redact_any(scan, word);
    if (!scan->expect)
        expect_bare(scan, word);
}

void redact_argument(struct scan *scan, struct span argument)
{
    struct span key;

    while (span_length(argument) > 40 && (key = redact_private_key(argument)).begin) {
        redact_piece(scan, (struct span){argument.begin, key.begin});
        redact_secret(scan->output, key);
        argument.begin = key.end;
    }
    redact_piece(scan, argument);
}
