/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../sql/nearest.h"
#include "config_private.h"
#include "places.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char default_environment[] =
    "LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT SSH_CONNECTION SSH_CLIENT SSH_TTY SUDO_USER SUDO_COMMAND "
    "SUDO_UID HISTFILE BASH_ENV ENV PYTHONPATH NODE_OPTIONS http_proxy https_proxy";

/* ---- the tables ---- */

struct option_row {
    const char *name;
    const char *argument; /* what --help calls it; NULL: a flag */
    size_t offset;        /* of a char *, or of a bool where it is a flag */
    const char *help;
};

static const struct option_row option_rows[] = {
    {"store", "FILE", offsetof(struct config, store), "write into this store"},
    {"config", "FILE", offsetof(struct config, file), "read this configuration file"},
    {"cgroup", "PATH", offsetof(struct config, cgroup), "record this cgroup (v2) and those below"},
    {"record", "FILE", offsetof(struct config, record), "keep the raw records in this file too"},
    {"replay", "FILE", offsetof(struct config, replay), "read records from this file, not live"},
    {"move-aside", NULL, offsetof(struct config, move_aside), "rename what can not be the store"},
    {"check-config", NULL, offsetof(struct config, check_config), "check the configuration, stop"},
    {"check-kernel", NULL, offsetof(struct config, check_kernel), "check the kernel, stop"},
    {"help", NULL, offsetof(struct config, help), "print this text"},
    {"version", NULL, offsetof(struct config, version), "print the version"},
};

#define NUMBER(section, name, parse, minimum, maximum, initial)                                    \
    {                                                                                              \
        section, #name, parse, offsetof(struct config, name), minimum, maximum, initial            \
    }
#define RING(name, field, initial)                                                                 \
    {                                                                                              \
        "rings", name, config_parse_power, offsetof(struct config, field), 1, 1024, initial        \
    }
#define BUDGET(name, loss_class, initial)                                                          \
    {                                                                                              \
        "budget", name, config_parse_number, offsetof(struct config, budget[loss_class]), 0,       \
            10000000, initial                                                                      \
    }

const struct config_key config_keys[CONFIG_KEYS] = {
    {"store", "path", config_parse_path, offsetof(struct config, store), 0, 0, 0},
    NUMBER("store", keep_days, config_parse_number, 0, 36500, 14),
    NUMBER("store", max_mib, config_parse_number, 16, 16777216, 4096),
    NUMBER("store", reserve_mib, config_parse_number, 0, 1024, 16),
    {"capture", "cgroup", config_parse_path, offsetof(struct config, cgroup), 0, 0, 0},
    {"capture", "environment", config_parse_names, offsetof(struct config, environment), 0, 0, 0},
    {"capture", "places", config_parse_places, offsetof(struct config, places), 0, 0, 0},
    {"capture", "container_root", config_parse_path, offsetof(struct config, container_root), 0, 0,
     0},
    {"capture", "full_tier", config_parse_yes, offsetof(struct config, full_tier), 0, 1, 1},
    NUMBER("capture", udp_idle_s, config_parse_number, 1, 86400, 60),
    {"capture", "redact", config_parse_yes, offsetof(struct config, redact), 0, 1, 1},
    {"capture", "redact_key", config_parse_path, offsetof(struct config, redact_key), 0, 0, 0},
    {"capture", "redact_arguments", config_parse_secrets, offsetof(struct config, redact_arguments),
     0, 0, 0},
    {"capture", "redact_environment", config_parse_secrets,
     offsetof(struct config, redact_environment), 0, 0, 0},
    BUDGET("exec_failed", EVENT_CLASS_LIFECYCLE, 5000),
    BUDGET("privilege", EVENT_CLASS_PRIVILEGE, 20000),
    BUDGET("network", EVENT_CLASS_NETWORK, 100000),
    BUDGET("dns", EVENT_CLASS_DNS, 10000),
    BUDGET("ipc", EVENT_CLASS_IPC, 20000),
    BUDGET("file", EVENT_CLASS_FILE, 20000),
    RING("lifecycle_mib", lifecycle_ring_mib, 32),
    RING("activity_mib", activity_ring_mib, 16),
    NUMBER("timing", tick_ms, config_parse_number, 1, 1000, 40),
    NUMBER("timing", flush_ms, config_parse_number, 10, 60000, 200),
    NUMBER("timing", queue_mib, config_parse_number, 1, 4096, 32),
    {"rules", "run", config_parse_yes, offsetof(struct config, rules_run), 0, 1, 1},
    {"rules", "directory", config_parse_path, offsetof(struct config, rules_directory), 0, 0, 0},
    {"rules", "budget_ms", config_parse_number, offsetof(struct config, rules_budget_ms), 1, 60000,
     500},
    {"rules", "warmup_h", config_parse_number, offsetof(struct config, rules_warmup_h), 0, 8760,
     72},
};

int config_fail(struct config_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- the command line ---- */

static int fail_option(struct config_error *error, const char *argument)
{
    if (strncmp(argument, "--", 2) != 0)
        return config_fail(error, "%.100s: no such option; see --help", argument);
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    const char *names[COUNT(option_rows) + 1];
    for (size_t i = 0; i < COUNT(option_rows); i++) {
        if (strcmp(option_rows[i].name, name) == 0)
            return config_fail(error, "--%s takes no value", name);
        names[i] = option_rows[i].name;
    }
    names[COUNT(option_rows)] = NULL;
    const char *near = nearest(name, names);
    if (near)
        return config_fail(error, "--%s: no such option, or short for several; did you mean --%s?",
                           name, near);
    return config_fail(error, "--%s: no such option, or short for several; see --help", name);
}

static int take_option(struct config *given, const struct option_row *row, const char *value,
                       struct config_error *error)
{
    if (!row->argument) {
        *(bool *)config_field(given, row->offset) = true;
        return 0;
    }
    if (!*value)
        return config_fail(error, "--%s: %s must not be empty", row->name, row->argument);
    if (config_replace(config_field(given, row->offset), value))
        return config_fail(error, "%s", CONFIG_NO_MEMORY);
    return 0;
}

static void fill_long_options(struct option *options)
{
    for (size_t i = 0; i < COUNT(option_rows); i++)
        options[i] = (struct option){
            .name = option_rows[i].name, .has_arg = option_rows[i].argument != NULL, .val = (int)i};
    options[COUNT(option_rows)] = (struct option){0};
}

/* Fills the members of *given that options set; the others stay as they are. */
static int parse_arguments(struct config *given, int argc, char **argv, struct config_error *error)
{
    struct option options[COUNT(option_rows) + 1];
    fill_long_options(options);
    optind = 0; /* has GNU getopt start afresh */
    opterr = 0;
    for (;;) {
        int at = optind ? optind : 1;
        int found = getopt_long(argc, argv, "+:", options, NULL);
        if (found == -1)
            break;
        if (found == ':')
            return config_fail(error, "%.100s: a value is missing; see --help", argv[at]);
        if (found == '?')
            return fail_option(error, argv[at]);
        if (take_option(given, &option_rows[found], optarg, error))
            return -1;
    }
    if (optind < argc)
        return config_fail(error, "%.100s: spyqd takes options only; see --help", argv[optind]);
    return 0;
}

/* ---- all together ---- */

static int set_defaults(struct config *config)
{
    const char *store = getenv("SPYQ_STORE");
    if (config_replace(&config->store, store && *store ? store : CONFIG_DEFAULT_STORE))
        return -1;
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->parse == config_parse_names &&
            config_parse_names(config, key, default_environment, false))
            return -1;
        if (key->parse == config_parse_places &&
            config_parse_places(config, key, places_default, false))
            return -1;
        if (key->parse == config_parse_yes)
            *(bool *)config_field(config, key->offset) = key->initial;
        else if (key->initial)
            *(uint32_t *)config_field(config, key->offset) = key->initial;
    }
    return 0;
}

/* What the command line gave wins. */
static void overlay(struct config *config, struct config *given)
{
    for (size_t i = 0; i < COUNT(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        if (!row->argument) {
            *(bool *)config_field(config, row->offset) = *(bool *)config_field(given, row->offset);
            continue;
        }
        char **from = config_field(given, row->offset);
        char **to = config_field(config, row->offset);
        if (!*from)
            continue;
        free(*to);
        *to = *from;
        *from = NULL;
    }
}

/* --record would empty the file that --replay is about to read. */
static bool same_file(const char *a, const char *b)
{
    struct stat one, other;
    return a && b && stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* The store, and what SQLite and the lock keep beside it. */
static bool is_of_store(const char *path, const char *store)
{
    static const char *const endings[] = {"",         "-wal",     "-shm", "-lock",
                                          "-journal", "-ballast", ".user"};
    char name[4096];

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", store, endings[i]);
        if (path && (strcmp(path, name) == 0 || same_file(path, name)))
            return true;
    }
    return false;
}

void config_redact_key(const struct config *config, char *path, size_t size)
{
    snprintf(path, size, "%s%s", config->redact_key ? config->redact_key : config->store,
             config->redact_key ? "" : "-key");
}

static bool is_key(const char *path, const struct config *config)
{
    char name[4096];

    config_redact_key(config, name, sizeof(name));
    return path && (strcmp(path, name) == 0 || same_file(path, name));
}

static int check_together(const struct config *config, struct config_error *error)
{
    if (same_file(config->record, config->replay))
        return config_fail(error, "--record and --replay name the same file, %.200s",
                           config->record);
    if (is_of_store(config->record, config->store) || is_key(config->record, config))
        return config_fail(error, "--record names the store or a file of its own, %.200s",
                           config->record);
    if (is_of_store(config->redact_key, config->store))
        return config_fail(error, "redact_key names the store or a file of its own, %.200s",
                           config->redact_key);
    if (config->cgroup && config->cgroup[0] != '/')
        return config_fail(error, "cgroup %.200s: must begin with /", config->cgroup);
    return 0;
}

int config_load(struct config *config, int argc, char **argv, struct config_error *error)
{
    struct config given = {0};
    *config = (struct config){0};
    if (set_defaults(config))
        return config_fail(error, "%s", CONFIG_NO_MEMORY);
    int result = parse_arguments(&given, argc, argv, error);
    bool stop = given.help || given.version;
    if (result == 0 && !stop)
        result = config_load_file(config, given.file, error);
    if (result == 0)
        overlay(config, &given);
    config_free(&given);
    return result == 0 && !stop ? check_together(config, error) : result;
}

void config_free(struct config *config)
{
    free(config->store);
    free(config->file);
    free(config->cgroup);
    free(config->container_root);
    free(config->record);
    free(config->replay);
    config_free_names(config->environment);
    config_free_names(config->places);
    free(config->redact_key);
    free(config->rules_directory);
    config_free_names(config->redact_arguments);
    config_free_names(config->redact_environment);
    *config = (struct config){0};
}

void config_usage(FILE *to)
{
    fputs("Usage: spyqd [OPTION]...\n"
          "Records the processes and connections of this host into a SQLite store.\n\n",
          to);
    for (size_t i = 0; i < COUNT(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        char left[40];
        snprintf(left, sizeof(left), "--%s%s%s", row->name, row->argument ? " " : "",
                 row->argument ? row->argument : "");
        fprintf(to, "  %-16s %s\n", left, row->help);
    }
    fprintf(to, "\nThe store is %s unless $SPYQ_STORE, %s or --store names another.\n",
            CONFIG_DEFAULT_STORE, CONFIG_DEFAULT_FILE);
}
