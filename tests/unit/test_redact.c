/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is taken for a secret and what is not. Rows are arguments joined by `|`; in the wanted text
 * a secret is <in angles>: what is there stands for its replacement.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "../../daemon/decode.h"
#include "../../daemon/redact.h"
#include "../../daemon/redact_key.h"
#include "scratch.h"

#define REPLACED 27
#define TOKEN    "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
#define WEB      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLWJ5dGVz"
#define PEM      "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"

static const unsigned char key[REDACT_KEY_SIZE] = {1, 2, 3};
static struct redactor *redactor;

/* NOLINTBEGIN(bugprone-suspicious-missing-comma): TOKEN and others are macros */
static const char *const table[] = {
    /* options by their names */
    "prog|--password=<hunter2>",
    "prog|--password|<hunter2>|next",
    "prog|-password|<hunter2>",
    "prog|--PassWord=<hunter2>",
    "prog|--db_password=<hunter2>",
    "prog|--dbPassword=<hunter2>",
    "prog|--db-pass|<hunter2>",
    "prog|--dbPass=<hunter2>",
    "prog|--passphrase=<correct horse battery>",
    "prog|--token|<abc>|--api-key|<def>|--apiKey=<ghi>|--API_KEY=<jkl>",
    "prog|--secret=<s1>|--client-secret|<s2>",
    "prog|--secret-access-key=<s3>",
    "java|-Dspring.datasource.password=<s>|-jar|x.jar",
    "prog|--password=<[redacted:xyz]>",
    "prog|--password2=<hunter2>",
    "prog|--token=<a=b=c>",
    "prog|--password=<\xff\xfe>",
    "redis-server|--requirepass|<x1>",
    "redis-cli|-a|<x1>|ping",
    "gpg|--batch|--passphrase|<x1>|-d|f",
    "wget|--user|bob|--password|<x1>|http://h/",
    "wget|--http-password=<x1>",
    /* their benign twins */
    "prog|--password-file|/run/secrets/db|--password-stdin|--passphrase-fd|3",
    "prog|--no-password|host|--ask-password|host|--show-token|host|--prompt-for-passphrase|x",
    "prog|--token-ttl|3600|--tokenizer|bpe|--max-tokens|4096",
    "prog|--password",
    "prog|--password|--host|h",
    "prog|--password=|--token=true|--secret=no|--show-password=1",
    "gh|auth|login|--with-token|-h|github.com",
    "docker|build|--secret|id=npm,src=/x|.",
    "prog|--bypass|x|--compass|y|--secretary|bob|--passive|z",
    "prog|--password=[redacted:0123456789abcdef]|next",
    "prog|--access-key=AKIAIOSFODNN7EXAMPLE",
    "passwd|bob",
    "make|test|password|token",
    "ls|-la|/etc/passwd|/root/.secret|token.txt",
    /* programs of their own */
    "mysql|-uroot|-p<hunter2>|db",
    "/usr/bin/mysqldump|-u|root|-p<hunter2>|db",
    "sudo|-u|x|mariadb-dump|-B|-p<hunter2>|db",
    "mysql|-Bp<hunter2>|db",
    "mysql|-p|db",
    "mysql|--password|db",
    "mysql|-uplain|-hp1|-P3306|db",
    "docker|run|-p|8080:80|-p80:80|mysql:8",
    "docker|run|--name|mysql|-p3306:3306|mysql:8",
    "docker|login|-u|bob|-p|<hunter2>|registry.example",
    "docker|exec|-it|db|mysql|-p<hunter2>",
    "ssh|-p|2222|host",
    "sshpass|-p|<hunter2>|ssh|-p|2222|host",
    "sshpass|-p<hunter2>|scp|-P|22|a|b:",
    "sshpass|-e|ssh|-p|2222|host",
    "mkdir|-p|secret/path",
    "curl|-u|bob:<hunter2>|http://h/",
    "curl|-ubob:<hunter2>|http://h/",
    "curl|-fsSLu|bob:<hunter2>|http://h/",
    "curl|--user|bob:<hunter2>|--proxy-user=al:<p2>",
    "curl|-u|bob|-o|user:file|http://h/a:b",
    "docker|run|-u|1000:1000|--user|1000:1000|img",
    "curl|-H|Authorization: Bearer <abc.def>|http://h/",
    "curl|-H|authorization:Basic <Ym9iOmh1bnRlcjI=>",
    "curl|-HAuthorization: token <abcdef>",
    "curl|--header=Authorization: <abcdef>",
    "curl|-H|X-Api-Key: <abcdef>|-H|PRIVATE-TOKEN:<q>|-H|Accept: text/html",
    "curl|--header|Cookie: <sid=1; b=2>",
    "curl|-d|user=a&password=<x1>&next=2",
    "curl|--oauth2-bearer|<x1>",
    "http|-a|bob:<x1>|POST|h",
    "http|POST|h|password=<my secret>|user=bob",
    "openssl|rsa|-passin|pass:<x1>|-in|k|-passout|env:NAME",
    "openssl|enc|-aes-256-cbc|-k|<x1>|-in|f",
    "openssl|enc|-pass|file:/x|-key|y",
    "ldapsearch|-xw|<x1>|-b|dc=x",
    "ldapsearch|-x|-W|-D|cn=p:w",
    "smbclient|//h/s|-U|DOM/bob%<x1>",
    "7z|a|-p<x1>|out.7z",
    "mongo|-u|a|-p|<x1>",
    "useradd|-p|<$6$salt$hash>|bob",
    "nxc|smb|h|-u|a|-H|<aad3b435b51404eeaad3b435b51404ee>",
    "sqlplus|-s|scott/<tiger>@db|@/scripts/x.sql",
    "python3|/opt/secretsdump.py|DOM/user:<x1>@10.0.0.1",
    "python3|/opt/x.py|git@h:r.git|http://h:80/a@b|user@h",
    "xfreerdp|/u:a|/p:<x1>|/v:h:3389",
    "aws|configure|set|aws_secret_access_key|<x1>|--profile|p",
    "aws|sts|get-session-token|x",
    "nmcli|dev|wifi|connect|s|password|<x1>",
    "snmpwalk|-v3|-u|a|-A|<x1>|-X|<x2>|h",
    "keytool|-storepass|<x1>|-keypass|<x2>|-alias|token",
    "openssl|pkcs12|-export|-password|pass:<x1>",
    /* assignments */
    "env|PGPASSWORD=<x1>|psql|-h|h",
    "env|PGPASSWORD=<my pass phrase>|psql",
    "AWS_SECRET_ACCESS_KEY=<x/y+z>|AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
    "env|MYSQL_PWD=<x1>|HOST_PASS=<x2>|GITHUB_TOKEN=<x3>|DB_PASSWORD_2=<x4>",
    "env|PWD=/home/x|OLDPWD=/|PASSWORD_FILE=/x|TOKEN_TTL=4|PASSWORD=",
    "docker|run|-e|POSTGRES_PASSWORD=<x1>|-ePGPASSWORD=<x2>|--env=PGPASSWORD=<x3>|img",
    "kubectl|create|secret|generic|x|--from-literal=password=<x1>",
    "mount|-o|username=a,password=<x1>,uid=0|//h/s|/mnt",
    "sqlcmd|Server=h;Password=<a b>;Database=d",
    "psql|host=h password=<x1> dbname=d",
    "make|secret=|V=1|NAME=token",
    /* URLs */
    "git|clone|https://bob:<hunter2>@h/r.git",
    "psql|postgres://bob:<p@ss>@h:5432/db?sslmode=require",
    "redis-cli|-u|redis://:<x1>@h",
    "git|clone|https://<0123456789abcdef0123456789abcdef01234567>@h/r.git",
    "git|clone|ssh://git@h:22/r.git|https://h:8080/a@b|git@h:r.git",
    "curl|https://h/x?access_token=<abc>&page=2",
    "jdbc:mysql://bob:<x1>@h/db",
    "scp|a|bob@h:/x:y",
    /* tokens by their shape */
    "echo|<ghp_" TOKEN ">",
    "echo|x:<ghp_" TOKEN ">,y",
    "git|clone|https://x-access-token:<ghp_" TOKEN ">@github.com/r",
    "echo|<github_pat_11" TOKEN ">|<glpat-" TOKEN ">",
    "echo|<xoxb-123456789012-" TOKEN ">",
    "echo|<sk-proj-" TOKEN ">|<sk_live_" TOKEN ">",
    "echo|<" WEB ">|a=<" WEB ">;b",
    "echo|<npm_" TOKEN ">|<AIza" TOKEN ">|<hf_" TOKEN ">",
    "echo|https://<hooks.slack.com/services/T00000000/B00000000/XXXXXXXX>",
    "echo|<" PEM ">",
    "ssh-add|key=<" PEM "> after",
    "echo|AKIAIOSFODNN7EXAMPLE|-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
    "pip|install|sk-learn-and-some-more-long-words|task-1234567890123456789012345|ghp_short",
    "npm_config_registry_of_somebody_elses_packages|eyJhbGciOiJIUzI1NiJ9|a.eyJ.b|risk-" TOKEN,
    /* commands and other texts inside arguments */
    "sh|-c|mysql -uroot -p<hunter2> db",
    "sh|-c|mysql -p'<hunter 2>' db; docker run -p8080:80 x",
    "bash|-lc|PGPASSWORD=<x1> psql -h h -c 'select 1'",
    "bash|-c|cd /x;PGPASSWORD='<x 1>' psql|arg",
    "sh|-c|export TOKEN=<abc> && curl -H \"Authorization: Bearer <abc>\" h | sh",
    "sh|-c|curl -u bob:<x1> h; sshpass -p '<x 2>' ssh -p 22 h",
    "sh|-c|ssh h \"mysql -p'<x1>' -e 'select 1'\"",
    "sh|-c|curl -H \"Authorization: Bearer $(cat /var/run/token)\" h",
    "sh|-c|curl -d \"{\\\"a\\\":\\\"u\\\",\\\"password\\\":\\\"<x1>\\\"}\" https://h/login",
    "sh|-c|PGPASSWORD=<x1> /usr/bin/psql|x",
    "sh|-c|\"/usr/bin/mysql\" -p<x1> /x/mysql",
    "TOKEN=<x/mysql>|https://a:<x1>@h/login",
    "sh|-c|mysql -p$MYSQL_PASS --password=${X} --token \"$TOKEN\"",
    "sh|-c|curl --password <x1> --token-ttl 5 --no-password db",
    "ssh|h|sudo mysql -p<x1> db",
    "psql|-c|ALTER USER bob WITH PASSWORD '<x 1>';",
    "mysql|-e|CREATE USER a IDENTIFIED BY '<x1>'",
    "mysql|-e|SET PASSWORD = '<x1>'",
    "psql|-c|SELECT a FROM password ORDER BY 'x'",
    "curl|-d|{\"user\":\"a\",\"password\":\"<x 1>\",\"n\":1}",
    "curl|-d|{\"user\": \"a\", \"password\": \"<x 1>\", \"n\": 1}",
    "sh|-c|curl -d '{\"token\": \"<x1>\"}' h",
    "sh|-c|curl -d \"{\\\"token\\\":\\\"<x1>\\\"}\" h",
    "sh|-c|printf 'GET / HTTP/1.0\\r\\nAuthorization: Bearer <abc>\\r\\n' | nc h 80",
    "git|commit|-m|fix the password handling of tokens, see --password-file",
    "git|commit|-m|don't ask for a token",
    "nginx: worker process is 'shutting down",
    "sh|-c|echo don't --password <x1> it's",
    "vault|write|auth/x|password=<my pass>",
    "",
    "|||",
    "-|--|---|-=|--=x|=|'|\"|\\",
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

/* An argument list that is being put together. */
struct list {
    char bytes[4096];
    size_t size;
};

static void add(struct list *list, const char *bytes, size_t length)
{
    assert_true(length <= sizeof(list->bytes) - list->size);
    memcpy(list->bytes + list->size, bytes, length);
    list->size += length;
}

/* What a secret is replaced by, learnt from the plainest case. */
static void add_replacement(struct list *list, const char *secret, size_t length)
{
    struct list plain = {.size = 0};
    struct text text;
    bool cut;

    add(&plain, "--password=", 11);
    add(&plain, secret, length);
    text =
        redact_arguments(redactor, (struct text){plain.bytes, plain.size}, EVENT_RECORD_MAX, &cut);
    assert_int_equal(text.length, 11 + REPLACED);
    add(list, text.data + 11, REPLACED);
}

/* A row as a program is given it, and as it should be recorded. */
static void read_row(const char *row, struct list *given, struct list *wanted)
{
    for (; *row; row++) {
        const char *end = *row == '<' ? strchr(row, '>') : NULL;
        const char *byte = *row == '|' && strncmp(row, "| ", 2) != 0 ? "" : row;
        if (end) {
            add(given, row + 1, (size_t)(end - row - 1));
            add_replacement(wanted, row + 1, (size_t)(end - row - 1));
            row = end;
        } else {
            add(given, byte, 1);
            add(wanted, byte, 1);
        }
    }
    add(given, "", 1);
    add(wanted, "", 1);
}

static void show(const char *what, const char *text, size_t length)
{
    fprintf(stderr, "  %s ", what);
    for (size_t i = 0; i + 1 < length; i++)
        fputc(text[i] ? text[i] : '|', stderr);
    fputc('\n', stderr);
}

static bool check_row(const char *row)
{
    struct list given = {.size = 0}, wanted = {.size = 0};
    struct text got, again;
    bool cut;

    read_row(row, &given, &wanted);
    got =
        redact_arguments(redactor, (struct text){given.bytes, given.size}, EVENT_RECORD_MAX, &cut);
    assert_false(cut);
    if (got.length != wanted.size || memcmp(got.data, wanted.bytes, wanted.size) != 0) {
        fprintf(stderr, "row %s\n", row);
        show("is    ", got.data, got.length);
        show("should", wanted.bytes, wanted.size);
        return false;
    }
    /* Nothing is found a second time. */
    again = redact_arguments(redactor, (struct text){wanted.bytes, wanted.size}, EVENT_RECORD_MAX,
                             &cut);
    if (again.data != wanted.bytes)
        show("again ", again.data, again.length);
    return again.data == wanted.bytes;
}

static int set_up(void **state)
{
    (void)state;
    redactor = redactor_new(NULL, NULL, key);
    return redactor ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    redactor_free(redactor);
    return 0;
}

static void every_row_is_as_it_should_be(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        wrong += !check_row(table[i]);
    assert_int_equal(wrong, 0);
}

/* The text of one argument list or environment without its secrets, joined by `|`. */
static const char *redacted(struct redactor *with, bool environment, const char *joined)
{
    static char text[2048];
    char given[1024];
    size_t length = strlen(joined) + 1;
    bool cut;
    struct text clean;

    memcpy(given, joined, length);
    for (size_t i = 0; i < length; i++)
        given[i] = given[i] == '|' ? '\0' : given[i];
    clean = (environment ? redact_environment : redact_arguments)(
        with, (struct text){given, length}, sizeof(text), &cut);
    memcpy(text, clean.data, clean.length);
    for (size_t i = 0; i + 1 < clean.length; i++)
        text[i] = text[i] ? text[i] : '|';
    return text;
}

static void assert_holds(const char *text, const char *what, bool wanted)
{
    if ((strstr(text, what) != NULL) != wanted)
        fail_msg("\"%s\" %s \"%s\"", text, wanted ? "lacks" : "holds", what);
}

static void an_environment_is_told_apart_by_names_and_by_what_values_look_like(void **state)
{
    const char *text = redacted(redactor, true,
                                "PGPASSWORD=s3cret one|HOME=/root|AWS_ACCESS_KEY_ID=AKIAX|"
                                "AWS_SECRET_ACCESS_KEY=s3cret|PWD=/s|http_proxy=http://a:s3cret@h|"
                                "SUDO_COMMAND=/usr/bin/mysql -ps3cret db|TOKEN_TTL=4|odd|=|"
                                "LD_PRELOAD=/x.so|MYSQL_PWD=${x}s3cret");

    (void)state;
    assert_holds(text, "s3cret", false);
    assert_holds(text, "PGPASSWORD=[redacted:", true);
    assert_holds(text,
                 "|HOME=/root|AWS_ACCESS_KEY_ID=AKIAX|AWS_SECRET_ACCESS_KEY=[redacted:", true);
    assert_holds(text, "|PWD=/s|http_proxy=http://a:[redacted:", true);
    assert_holds(text, "@h|SUDO_COMMAND=/usr/bin/mysql -p[redacted:", true);
    assert_holds(text, " db|TOKEN_TTL=4|odd|=|LD_PRELOAD=/x.so|MYSQL_PWD=[redacted:", true);
}

static void equal_secrets_join_under_one_key_only(void **state)
{
    static const unsigned char other_key[REDACT_KEY_SIZE] = {9};
    struct redactor *again = redactor_new(NULL, NULL, key);
    struct redactor *other = redactor_new(NULL, NULL, other_key);
    char first[256];

    (void)state;
    strcpy(first, redacted(redactor, false, "x|--password=abc"));
    assert_string_equal(redacted(again, false, "x|--password=abc"), first);
    assert_string_not_equal(redacted(again, false, "x|--password=abd"), first);
    assert_string_not_equal(redacted(other, false, "x|--password=abc"), first);
    assert_string_equal(redacted(redactor, true, "PASSWORD=abc") + strlen("PASSWORD="),
                        first + strlen("x|--password="));
    redactor_free(again);
    redactor_free(other);
}

static void the_configuration_changes_the_names(void **state)
{
    char pin[] = "pin", around[] = "*-key-*", no_token[] = "-*token", x[] = "X_*";
    char no_password[] = "-*password";
    char *arguments[] = {pin, around, no_token, NULL};
    char *environment[] = {x, no_password, NULL};
    struct redactor *changed = redactor_new(arguments, environment, key);

    (void)state;
    assert_string_equal(redacted(changed, false, "p|--token=abc"), "p|--token=abc");
    assert_holds(redacted(changed, false, "p|--pin=abc"), "abc", false);
    assert_holds(redacted(changed, false, "p|--my-key-x|abc"), "abc", false);
    assert_string_equal(redacted(changed, false, "p|--pins=abc|--keyx=abc"),
                        "p|--pins=abc|--keyx=abc");
    assert_holds(redacted(changed, true, "X_A=abc"), "abc", false);
    assert_string_equal(redacted(changed, true, "PASSWORD=abc"), "PASSWORD=abc");
    redactor_free(changed);
}

static void only_sensible_names_are_taken(void **state)
{
    static const char *const good[] = {"pin", "*pin", "pin*", "*p-i_n.2*", "-*token", "-*API_KEY"};
    static const char *const bad[] = {
        "",     "*",
        "**",   "-",
        "-*",   "p*n",
        "p n",  "p=",
        "-pin", "n123456789012345678901234567890123456789012345678901234567890123"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_null(redact_check_name(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_non_null(redact_check_name(bad[i], strlen(bad[i])));
}

/* The list is public: who configures it has to know it. */
static void the_manual_names_every_name(void **state)
{
    static char page[1 << 16];
    FILE *file = fopen("docs/spyqd.conf.5", "r");

    (void)state;
    assert_non_null(file);
    page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
    fclose(file);
    for (const char *at = redact_default_names; *at; at += strspn(at, " ")) {
        char name[80];
        int length = (int)strcspn(at, " ");
        snprintf(name, sizeof(name), " %.*s%c", length, at, ' ');
        if (!strstr(page, name)) {
            name[length + 1] = '\n';
            assert_holds(page, name, true);
        }
        at += length;
    }
}

/* ---- records ---- */

struct exec_record {
    struct event_exec exec;
    char texts[1024];
};

static void put_text(struct exec_record *record, struct event_text *reference, const char *text,
                     size_t length)
{
    *reference = (struct event_text){record->exec.header.size, (uint32_t)length};
    memcpy((char *)record + record->exec.header.size, text, length);
    record->exec.header.size += (uint32_t)length;
}

static void make_record(struct exec_record *record, unsigned kind, const char *argv, size_t length)
{
    struct event_image *image = &record->exec.image;

    memset(record, 0, sizeof(*record));
    record->exec.header.kind = (uint16_t)kind;
    record->exec.header.size = sizeof(struct event_exec);
    image->argv_length = 999;
    put_text(record, &image->exe, "/bin/exe", 8);
    put_text(record, &image->argv, argv, length);
    put_text(record, &image->environment, "PGPASSWORD=s3cret", 18);
    put_text(record, &image->cwd, "/cwd", 4);
    record->exec.header.size = (record->exec.header.size + 7) / 8 * 8;
}

static void assert_text(const struct event *event, struct event_text reference, const char *wanted)
{
    struct text text = event_text(event, reference);

    assert_int_equal(text.length, strlen(wanted));
    assert_memory_equal(text.data, wanted, text.length);
}

static void a_record_with_secrets_is_made_anew(void **state)
{
    static const unsigned kinds[] = {EVENT_EXEC, EVENT_PROCESS};
    struct exec_record record;
    struct event event;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make_record(&record, kinds[i], "x\0--token=s3cret", 17);
        uint64_t count = redactor_count(redactor);
        const struct event_header *clean =
            redact_record(redactor, &record.exec.header, record.exec.header.size);
        assert_ptr_not_equal(clean, &record);
        assert_null(decode(clean, clean->size, &event));
        assert_null(memmem(clean, clean->size, "s3cret", 6));
        assert_text(&event, event.exec->image.exe, "/bin/exe");
        assert_text(&event, event.exec->image.cwd, "/cwd");
        assert_int_equal(event.exec->image.argv.length, 17 - 6 + REPLACED);
        assert_int_equal(event.exec->image.environment.length, 18 - 6 + REPLACED);
        assert_int_equal(event.exec->image.argv_length, 999);
        assert_int_equal(event.exec->image.flags, 0);
        assert_int_equal(redactor_count(redactor), count + 2);
    }
}

static void a_failed_exec_is_made_anew(void **state)
{
    static const char argv[] = "x\0--token=s3cret";
    struct {
        struct event_exec_failed failed;
        char texts[64];
    } record = {.failed.header = {.size = sizeof(record), .kind = EVENT_EXEC_FAILED},
                .failed.argv = {sizeof(struct event_exec_failed), sizeof(argv)}};
    const struct event_header *clean;
    struct event event;

    (void)state;
    memcpy(record.texts, argv, sizeof(argv));
    clean = redact_record(redactor, &record.failed.header, sizeof(record));
    assert_null(decode(clean, clean->size, &event));
    assert_null(memmem(clean, clean->size, "s3cret", 6));
    assert_int_equal(event.exec_failed->argv.length, sizeof(argv) - 6 + REPLACED);
}

static void a_record_without_secrets_is_not_copied(void **state)
{
    struct exec_record record;

    (void)state;
    make_record(&record, EVENT_EXEC, "x\0--file=secret", 16);
    record.exec.image.environment.length = 0;
    assert_ptr_equal(redact_record(redactor, &record.exec.header, record.exec.header.size),
                     &record);
    /* Nor one that decode() will refuse, or of another kind. */
    make_record(&record, EVENT_EXEC, "x\0--token=s3cret", 17);
    record.exec.image.argv.length = 5000;
    assert_ptr_equal(redact_record(redactor, &record.exec.header, record.exec.header.size),
                     &record);
    make_record(&record, EVENT_FORK, "x\0--token=s3cret", 17);
    assert_ptr_equal(redact_record(redactor, &record.exec.header, record.exec.header.size),
                     &record);
}

/* 32 KiB of the shortest secrets: they grow to more than a record holds. */
static void what_outgrows_a_record_is_cut_and_says_so(void **state)
{
    static _Alignas(8) char bytes[EVENT_RECORD_MAX];
    struct event_exec *exec = (void *)bytes;
    char *argv = bytes + sizeof(*exec);
    const struct event_header *clean;
    struct event event;

    (void)state;
    exec->header =
        (struct event_header){.size = sizeof(*exec) + EVENT_ARGV_MAX, .kind = EVENT_EXEC};
    exec->image.argv = (struct event_text){sizeof(*exec), EVENT_ARGV_MAX};
    for (size_t i = 0; i < EVENT_ARGV_MAX; i++)
        argv[i] = "--pass=x"[i % 9];
    clean = redact_record(redactor, &exec->header, exec->header.size);
    assert_null(decode(clean, clean->size, &event));
    assert_int_equal(event.exec->image.flags, EVENT_IMAGE_ARGV_CUT);
    assert_in_range(event.exec->image.argv.length, 64000, EVENT_RECORD_MAX);
    struct text text = event_text(&event, event.exec->image.argv);
    for (size_t i = 0; i + 8 < text.length; i++)
        if (memcmp(text.data + i, "--pass=", 7) == 0)
            assert_int_equal(text.data[i + 7], '[');
}

/* ---- time ---- */

/* The least of several attempts, so that what else the machine does hardly counts. */
static double ns_for(const struct event_header *record, size_t count)
{
    double least = 1e18;

    for (int attempt = 0; attempt < 3; attempt++) {
        struct timespec begin, end;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        for (size_t i = 0; i < count; i++)
            redact_record(redactor, record, record->size);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        double took =
            (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
        least = took < least ? took : least;
    }
    return least / (double)count;
}

static double ns_for_pattern(const char *pattern, size_t length)
{
    static _Alignas(8) char bytes[EVENT_RECORD_MAX];
    struct event_exec *exec = (void *)bytes;
    size_t period = strlen(pattern);

    exec->header =
        (struct event_header){.size = (uint32_t)(sizeof(*exec) + length), .kind = EVENT_EXEC};
    exec->image.argv = (struct event_text){sizeof(*exec), (uint32_t)length};
    for (size_t at = 0; at < length; at++)
        bytes[sizeof(*exec) + at] = pattern[at % period];
    return ns_for(&exec->header, 1);
}

/* Eight times the text may take eight times as long; sixty-four times if it went by its square. */
static void hostile_arguments_take_no_longer_than_their_length(void **state)
{
    static const char *const patterns[] = {
        "sk-",       "eyJ-",      "eyJaaaaa.",
        "://",       "a=",        "-----BEGIN ",
        "\"",        "'",         "hooks.slack.com/services/",
        "\\\"",      "a:b@",      "-----BEGIN PRIVATE KEY",
        "password ", ", ",        "password=\"",
        "by '",      "A=",        "--a=",
        "{\"a\":",   "://:@",     "[redacted:",
        "token=, ",  "pass=\\\"", "sk-A1b2C3d4E5f6G7h8I9j0.",
        "aaaa\" '",  "-p'",       "$(",
        "pass=' ",   " ; ",       "-",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        double few = ns_for_pattern(patterns[i], EVENT_ARGV_MAX / 8);
        double many = ns_for_pattern(patterns[i], EVENT_ARGV_MAX);
        if (many > 24 * few + 2e6)
            fail_msg("\"%s\": %.0f us for 4 KiB, %.0f us for 32 KiB", patterns[i], few / 1000,
                     many / 1000);
    }
}

/* What nearly every record costs; SPYQ_TIMES=1 shows it. The bound is one of order only. */
static void usual_arguments_take_little(void **state)
{
    char argv[] = "/usr/lib/gcc/x86_64-linux-gnu/12/cc1|-quiet|-I|build/generated|-imultiarch|"
                  "x86_64-linux-gnu|-D_GNU_SOURCE|-DVERSION=\"1.2\"|daemon/redact.c|-dumpbase|"
                  "redact.c|-mtune=generic|-g|-O2|-Wall|-o|/tmp/ccX.s";
    struct exec_record record;
    double ns;

    (void)state;
    for (size_t i = 0; i < sizeof(argv); i++)
        argv[i] = argv[i] == '|' ? '\0' : argv[i];
    make_record(&record, EVENT_EXEC, argv, sizeof(argv));
    record.exec.image.environment.length = 0;
    assert_ptr_equal(redact_record(redactor, &record.exec.header, record.exec.header.size),
                     &record);
    ns = ns_for(&record.exec.header, 20000);
    if (getenv("SPYQ_TIMES"))
        printf("%zu bytes of arguments: %.0f ns\n", sizeof(argv), ns);
    assert_in_range(ns, 1, 100000);
}

/* ---- the key ---- */

static void write_key(const char *path, size_t size, mode_t mode)
{
    static const char bytes[64] = "x";
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_key_is_made_once(void **state)
{
    unsigned char first[REDACT_KEY_SIZE] = {0}, second[REDACT_KEY_SIZE] = {0};
    unsigned char zero[REDACT_KEY_SIZE] = {0};
    struct redact_key_error error;
    struct stat status;

    (void)state;
    assert_int_equal(redact_key_load(scratch_path("key"), first, &error), 0);
    assert_int_equal(stat(scratch_path("key"), &status), 0);
    assert_int_equal(status.st_mode, S_IFREG | 0600);
    assert_int_equal(status.st_size, REDACT_KEY_SIZE);
    assert_memory_not_equal(first, zero, sizeof(first));
    assert_int_equal(redact_key_load(scratch_path("key"), second, &error), 0);
    assert_memory_equal(first, second, sizeof(first));
    assert_int_equal(redact_key_load(scratch_path("other"), second, &error), 0);
    assert_memory_not_equal(first, second, sizeof(first));
}

static void a_key_that_is_not_one_is_refused_by_name(void **state)
{
    unsigned char got[REDACT_KEY_SIZE];
    struct redact_key_error error;
    static const struct {
        const char *name;
        size_t size;
        mode_t mode;
        const char *says;
    } keys[] = {
        {"short", 31, 0600, "31 bytes, not 32"}, {"empty", 0, 0600, "0 bytes, not 32"},
        {"long", 33, 0600, "33 bytes, not 32"},  {"group", 32, 0640, "mode 0640"},
        {"others", 32, 0606, "mode 0606"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        write_key(scratch_path(keys[i].name), keys[i].size, keys[i].mode);
        assert_int_equal(redact_key_load(scratch_path(keys[i].name), got, &error), -1);
        assert_holds(error.message, keys[i].says, true);
        assert_holds(error.message, scratch_path(keys[i].name), true);
    }
    assert_int_equal(symlink("/dev/zero", scratch_path("link")), 0);
    assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
    assert_int_equal(redact_key_load(scratch_path("link"), got, &error), -1);
    assert_holds(error.message, "symbolic link", true);
    assert_int_equal(redact_key_load(scratch_path("fifo"), got, &error), -1);
    assert_holds(error.message, "regular file", true);
    assert_int_equal(redact_key_load(scratch_path("no/where"), got, &error), -1);
    assert_holds(error.message, "can not create", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_as_it_should_be),
        cmocka_unit_test(an_environment_is_told_apart_by_names_and_by_what_values_look_like),
        cmocka_unit_test(equal_secrets_join_under_one_key_only),
        cmocka_unit_test(the_configuration_changes_the_names),
        cmocka_unit_test(only_sensible_names_are_taken),
        cmocka_unit_test(the_manual_names_every_name),
        cmocka_unit_test(a_record_with_secrets_is_made_anew),
        cmocka_unit_test(a_failed_exec_is_made_anew),
        cmocka_unit_test(a_record_without_secrets_is_not_copied),
        cmocka_unit_test(what_outgrows_a_record_is_cut_and_says_so),
        cmocka_unit_test(hostile_arguments_take_no_longer_than_their_length),
        cmocka_unit_test(usual_arguments_take_little),
        cmocka_unit_test_setup_teardown(a_key_is_made_once, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_is_not_one_is_refused_by_name, scratch_set_up,
                                        scratch_tear_down),
    };
    return cmocka_run_group_tests_name("redact", tests, set_up, tear_down);
}
