/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where each setting comes from, and what is said of a wrong one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/config.h"

static char directory[] = "/tmp/test_config.XXXXXX";
static char file[64];
static struct config config;
static struct config_error error;

static int make_directory(void **state)
{
    (void)state;
    unsetenv("SPYQ_STORE");
    if (!mkdtemp(directory))
        return -1;
    snprintf(file, sizeof(file), "%s/spyqd.conf", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(directory);
}

static int clear(void **state)
{
    (void)state;
    config_free(&config);
    unsetenv("SPYQ_STORE");
    return 0;
}

static void write_bytes(const char *bytes, size_t size)
{
    FILE *to = fopen(file, "w");
    assert_non_null(to);
    assert_int_equal(fwrite(bytes, 1, size, to), size);
    assert_int_equal(fclose(to), 0);
}

/* From copies that are gone afterwards: the configuration must not point into them. */
static int load(const char *const *arguments)
{
    char *copies[16];
    int count = 0;
    for (; arguments[count]; count++)
        copies[count] = strdup(arguments[count]);
    copies[count] = NULL;
    config_free(&config);
    error.message[0] = '\0';
    int result = config_load(&config, count, copies, &error);
    for (int i = 0; i < count; i++)
        free(copies[i]);
    return result;
}

#define LOAD(...) load((const char *const[]){"spyqd", __VA_ARGS__, NULL})

static int load_text(const char *text)
{
    write_bytes(text, strlen(text));
    return LOAD("--config", file);
}

static void assert_says(const char *what)
{
    if (!strstr(error.message, what))
        fail_msg("\"%s\" does not say \"%s\"", error.message, what);
    assert_null(strchr(error.message, '\n'));
}

static void assert_names(const char *const *names)
{
    size_t i = 0;
    for (; names[i]; i++) {
        assert_non_null(config.environment[i]);
        assert_string_equal(config.environment[i], names[i]);
    }
    assert_null(config.environment[i]);
}

#define ASSERT_NAMES(...) assert_names((const char *const[]){__VA_ARGS__, NULL})

static void without_anything_the_defaults_hold(void **state)
{
    (void)state;
    assert_int_equal(load_text("# nothing\n"), 0);
    assert_string_equal(config.store, "/var/lib/spyq/spyq.db");
    assert_string_equal(config.file, file);
    assert_null(config.cgroup);
    assert_null(config.record);
    assert_null(config.replay);
    assert_false(config.check_config || config.check_kernel || config.help || config.version);
    assert_int_equal(config.lifecycle_ring_mib, 32);
    assert_int_equal(config.activity_ring_mib, 16);
    assert_int_equal(config.tick_ms, 40);
    assert_int_equal(config.flush_ms, 200);
    assert_int_equal(config.queue_mib, 32);
    assert_true(config.full_tier);
    assert_int_equal(config.udp_idle_s, 60);
    assert_int_equal(config.budget[EVENT_CLASS_NETWORK], 100000);
    assert_true(config.redact);
    assert_null(config.redact_key);
    assert_null(config.redact_arguments);
    assert_null(config.redact_environment);
    ASSERT_NAMES("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "SSH_CONNECTION", "SSH_CLIENT",
                 "SSH_TTY", "SUDO_USER", "SUDO_COMMAND", "SUDO_UID", "HISTFILE", "BASH_ENV", "ENV",
                 "PYTHONPATH", "NODE_OPTIONS", "http_proxy", "https_proxy");
}

static void the_file_sets_every_key(void **state)
{
    (void)state;
    assert_int_equal(load_text("[store]\npath = /a/b.db ; a remark\n"
                               "[capture]\ncgroup = /x.slice\nenvironment = A B_2\n"
                               "full_tier = no\nudp_idle_s = 86400\n"
                               "[budget]\nexec_failed = 0\nprivilege = 1\nnetwork = 2\n"
                               "dns = 3\nipc = 4\nfile = 10000000\n"
                               "[rings]\nlifecycle_mib = 64\nactivity_mib: 1024\n"
                               "[timing]\ntick_ms=1\nflush_ms=60000\n"
                               "queue_mib=4096\n"),
                     0);
    assert_string_equal(config.store, "/a/b.db");
    assert_string_equal(config.cgroup, "/x.slice");
    ASSERT_NAMES("A", "B_2");
    assert_false(config.full_tier);
    assert_int_equal(config.udp_idle_s, 86400);
    static const uint32_t budget[EVENT_CLASSES] = {0, 1, 2, 3, 4, 10000000};
    assert_memory_equal(config.budget, budget, sizeof(budget));
    assert_int_equal(config.lifecycle_ring_mib, 64);
    assert_int_equal(config.activity_ring_mib, 1024);
    assert_int_equal(config.tick_ms, 1);
    assert_int_equal(config.flush_ms, 60000);
    assert_int_equal(config.queue_mib, 4096);
}

static void redaction_is_configured(void **state)
{
    (void)state;
    assert_int_equal(load_text("[capture]\nredact = no\nredact_key = /k\n"
                               "redact_arguments = pin -*token\n    x_*\n"
                               "redact_environment = *pin*\nredact_environment = -pass\n"),
                     0);
    assert_false(config.redact);
    assert_string_equal(config.redact_key, "/k");
    assert_string_equal(config.redact_arguments[0], "pin");
    assert_string_equal(config.redact_arguments[1], "-*token");
    assert_string_equal(config.redact_arguments[2], "x_*");
    assert_null(config.redact_arguments[3]);
    assert_string_equal(config.redact_environment[0], "*pin*");
    assert_string_equal(config.redact_environment[1], "-pass");
    assert_null(config.redact_environment[2]);
    assert_int_equal(load_text("[capture]\nredact = yes\n"), 0);
    assert_true(config.redact);
}

static void the_command_line_wins_over_the_file_and_the_file_over_the_environment(void **state)
{
    (void)state;
    setenv("SPYQ_STORE", "/from/environment", 1);
    assert_int_equal(load_text("[timing]\n"), 0);
    assert_string_equal(config.store, "/from/environment");
    assert_int_equal(load_text("[store]\npath = /from/file\n[capture]\ncgroup=/file\n"), 0);
    assert_string_equal(config.store, "/from/file");
    assert_int_equal(LOAD("--config", file, "--store=/from/option", "--cgroup", "/option"), 0);
    assert_string_equal(config.store, "/from/option");
    assert_string_equal(config.cgroup, "/option");
    setenv("SPYQ_STORE", "", 1);
    assert_int_equal(load_text(""), 0);
    assert_string_equal(config.store, "/var/lib/spyq/spyq.db");
}

static void both_spellings_of_an_option_are_taken(void **state)
{
    (void)state;
    write_bytes("", 0);
    assert_int_equal(
        LOAD("--config", file, "--record", "/r", "--replay=/s", "--check-config", "--check-kernel"),
        0);
    assert_string_equal(config.record, "/r");
    assert_string_equal(config.replay, "/s");
    assert_true(config.check_config && config.check_kernel);
    assert_int_equal(LOAD("--config", file, "--store=/a", "--store", "/b"), 0);
    assert_string_equal(config.store, "/b");
}

static void help_and_version_look_at_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--config", "/no/such/file", "--help"), 0);
    assert_true(config.help);
    assert_int_equal(LOAD("--version", "--config", "/no/such/file"), 0);
    assert_true(config.version);
}

struct mistake {
    const char *text;
    int line;
    const char *says[3];
};

static const struct mistake mistakes[] = {
    {"[budget]\nfile = -1\n", 2, {"[budget] file = -1", "from 0 to 10000000"}},
    {"[budget]\ndns = 10000001\n", 2, {"[budget] dns = 10000001", "from 0 to 10000000"}},
    {"[budget]\nlifecycle = 5\n", 2, {"lifecycle"}},
    {"[capture]\nudp_idle_s = 0\n", 2, {"udp_idle_s = 0", "from 1 to 86400"}},
    {"[capture]\nfull_tier = perhaps\n", 2, {"full_tier = perhaps", "yes or no"}},
    {"[timing]\ntick_ms = 0\n", 2, {"[timing] tick_ms = 0", "from 1 to 1000"}},
    {"[timing]\ntick_ms = 1001\n", 2, {"[timing] tick_ms = 1001", "from 1 to 1000"}},
    {"[timing]\ntick_ms = 18446744073709551617\n", 2, {"from 1 to 1000"}},
    {"[timing]\ntick_ms = -1\n", 2, {"from 1 to 1000"}},
    {"[timing]\ntick_ms = 5s\n", 2, {"tick_ms = 5s", "whole number"}},
    {"[timing]\ntick_ms =\n", 2, {"whole number"}},
    {"[timing]\nflush_ms = 9\n", 2, {"from 10 to 60000"}},
    {"[timing]\nqueue_mib = 4097\n", 2, {"from 1 to 4096"}},
    {"[rings]\nlifecycle_mib = 48\n", 2, {"lifecycle_mib = 48", "power of two from 1 to 1024"}},
    {"[rings]\nactivity_mib = 2048\n", 2, {"power of two from 1 to 1024"}},
    {"[rings]\nactivity_mib = x\n", 2, {"power of two"}},
    {"\n\n[timing]\ntikc_ms = 5\n", 4, {"tikc_ms", "[timing]", "mean tick_ms"}},
    {"[timing]\nzzzzzzzz = 5\n", 2, {"zzzzzzzz", "[timing]", "spyqd.conf(5)"}},
    {"[store]\ntick_ms = 5\n", 2, {"tick_ms", "no such key in [store]", "belongs in [timing]"}},
    {"[stroe]\nfoo = /x\n", 2, {"[stroe]", "mean [store]"}},
    {"[abcdefghijkl]\nfoo = /x\n",
     2,
     {"[abcdefghijkl]", "[store] [capture] [budget] [rings] [timing] [rules]"}},
    {"foo = 1\n", 1, {"foo", "before the first [section]"}},
    {"[timing]\nnonsense\n", 2, {"neither a [section] nor key = value"}},
    {"[timing\ntick_ms=5\n", 1, {"neither a [section]"}},
    {"[timing]\ntick_ms=5\ntick_ms=6\n", 3, {"tick_ms = 6", "given twice"}},
    {"[rings]\nactivity_mib=1\nactivity_mib=2\n", 3, {"given twice"}},
    {"[store]\npath=/a\npath=/b\n", 3, {"path = /b", "given twice"}},
    {"[store]\npath=\n", 2, {"must be a path"}},
    {"[capture]\nenvironment = A B=1\n", 2, {"names of environment variables"}},
    {"[capture]\nenvironment = LD_*\n", 2, {"LD_*", "names of environment variables"}},
    {"[capture]\nenvironment = 1A\n", 2, {"names of environment variables"}},
    {"[capture]\nredact = maybe\n", 2, {"redact = maybe", "yes or no"}},
    {"[capture]\nredact = no\nredact = no\n", 3, {"given twice"}},
    {"[capture]\nredact_key =\n", 2, {"must be a path"}},
    {"[capture]\nredact_arguments = a*b\n", 2, {"a*b", "at their ends only"}},
    {"[capture]\nredact_arguments = -pin\n", 2, {"-pin", "default list does not have"}},
    {"[capture]\nredact_environment = *\n", 2, {"names of 1 to 63 bytes"}},
    /* Several errors: the first is told, whoever finds it. */
    {"[timing]\ntick_ms=x\nnonsense\n", 2, {"tick_ms = x"}},
    {"[timing]\nnonsense\ntick_ms=x\n", 2, {"neither"}},
    {"[timing]\ntick_ms=x\nflush_ms=y\n", 2, {"tick_ms = x"}},
};

static void each_mistake_is_named_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        char where[80];
        assert_int_equal(load_text(mistakes[i].text), -1);
        snprintf(where, sizeof(where), "%s:%d: ", file, mistakes[i].line);
        assert_says(where);
        for (size_t j = 0; j < 3 && mistakes[i].says[j]; j++)
            assert_says(mistakes[i].says[j]);
    }
}

static void a_line_too_long_is_refused_and_a_list_goes_on_indented(void **state)
{
    (void)state;
    char text[600];
    int length = snprintf(text, sizeof(text), "[capture]\nenvironment =");
    for (int i = 0; i < 60; i++)
        length += snprintf(text + length, sizeof(text) - (size_t)length, " VARIABLE");
    assert_int_equal(load_text(text), -1);
    assert_says(":2: longer than");
    assert_int_equal(load_text("[capture]\nenvironment = A B\n  C\n\tD E\n[timing]\ntick_ms=9\n"),
                     0);
    ASSERT_NAMES("A", "B", "C", "D", "E");
    assert_int_equal(config.tick_ms, 9);
}

static void an_empty_list_records_no_variable(void **state)
{
    (void)state;
    assert_int_equal(load_text("[capture]\nenvironment =\n"), 0);
    assert_null(config.environment[0]);
}

static void a_nul_byte_is_refused(void **state)
{
    (void)state;
    static const char text[] = "[store]\npath = /a\0/b\n";
    write_bytes(text, sizeof(text) - 1);
    assert_int_equal(LOAD("--config", file), -1);
    assert_says(":2: the line has a NUL byte");
}

static void a_file_that_is_named_must_be_readable(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--config", "/no/such/file"), -1);
    assert_says("/no/such/file: can not read");
    assert_says("No such file");
    assert_int_equal(LOAD("--config", directory), -1);
    assert_says(directory);
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--stroe", "/x"), -1);
    assert_says("--stroe: no such option");
    assert_says("mean --store?");
    assert_int_equal(LOAD("--recrod=/x"), -1);
    assert_says("--recrod: ");
    assert_says("mean --record?");
    assert_int_equal(LOAD("--version", "--store"), -1);
    assert_says("--store: a value is missing");
    assert_int_equal(LOAD("--store="), -1);
    assert_says("--store: FILE must not be empty");
    assert_int_equal(LOAD("--check-config=yes"), -1);
    assert_says("--check-config takes no value");
    assert_int_equal(LOAD("-v"), -1);
    assert_says("-v: no such option");
    assert_int_equal(LOAD("/some/file"), -1);
    assert_says("/some/file: spyqd takes options only");
}

static void settings_that_exclude_each_other_are_refused(void **state)
{
    (void)state;
    write_bytes("", 0);
    assert_int_equal(LOAD("--config", file, "--record", file, "--replay", file), -1);
    assert_says("--record and --replay");
    assert_int_equal(LOAD("--config", file, "--store", "/a/b", "--record", "/a/b-key"), -1);
    assert_says("--record names the store or a file of its own");
    assert_int_equal(load_text("[store]\npath = /a/b\n[capture]\nredact_key = /a/b\n"), -1);
    assert_says("redact_key names the store");
    assert_int_equal(load_text("[store]\npath = /a/b\n[capture]\nredact_key = /a/b-wal\n"), -1);
    assert_says("redact_key names the store");
    assert_int_equal(load_text("[store]\npath = /a/b\n[capture]\nredact_key = /a/b-key\n"), 0);
    assert_int_equal(load_text("[capture]\nredact_key = /k\n"), 0);
    assert_int_equal(LOAD("--config", file, "--record", "/k"), -1);
    assert_says("--record names the store or a file of its own");
    write_bytes("", 0);
    assert_int_equal(LOAD("--config", file, "--cgroup", "x.slice"), -1);
    assert_says("cgroup x.slice: must begin with /");
}

static void the_usage_names_every_option(void **state)
{
    (void)state;
    static const char *const names[] = {"--store FILE",   "--config FILE", "--cgroup PATH",
                                        "--record FILE",  "--replay FILE", "--check-config",
                                        "--check-kernel", "--help",        "--version"};
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    config_usage(to);
    fclose(to);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_non_null(strstr(text, names[i]));
    free(text);
}

#define TEST(function) cmocka_unit_test_teardown(function, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_anything_the_defaults_hold),
        TEST(the_file_sets_every_key),
        TEST(redaction_is_configured),
        TEST(the_command_line_wins_over_the_file_and_the_file_over_the_environment),
        TEST(both_spellings_of_an_option_are_taken),
        TEST(help_and_version_look_at_nothing_else),
        TEST(each_mistake_is_named_with_its_line),
        TEST(a_line_too_long_is_refused_and_a_list_goes_on_indented),
        TEST(an_empty_list_records_no_variable),
        TEST(a_nul_byte_is_refused),
        TEST(a_file_that_is_named_must_be_readable),
        TEST(wrong_options_are_named),
        TEST(settings_that_exclude_each_other_are_refused),
        TEST(the_usage_names_every_option),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
