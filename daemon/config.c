/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "places.h"
#include "redact.h"

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

struct key_row;

/* Takes over one value. Returns NULL, or what is allowed. `again`: the same key came before. */
typedef const char *parse_value(struct config *config, const struct key_row *key, const char *value,
                                bool again);

static parse_value parse_path, parse_number, parse_power, parse_names, parse_places, parse_yes,
    parse_secrets;

struct key_row {
    const char *section;
    const char *name;
    parse_value *parse;
    size_t offset;
    uint32_t minimum;
    uint32_t maximum;
    uint32_t initial;
};

#define NUMBER(section, name, parse, minimum, maximum, initial)                                    \
    {                                                                                              \
        section, #name, parse, offsetof(struct config, name), minimum, maximum, initial            \
    }
#define RING(name, field, initial)                                                                 \
    {                                                                                              \
        "rings", name, parse_power, offsetof(struct config, field), 1, 1024, initial               \
    }
#define BUDGET(name, loss_class, initial)                                                          \
    {                                                                                              \
        "budget", name, parse_number, offsetof(struct config, budget[loss_class]), 0, 10000000,    \
            initial                                                                                \
    }

static const struct key_row key_rows[] = {
    {"store", "path", parse_path, offsetof(struct config, store), 0, 0, 0},
    NUMBER("store", keep_days, parse_number, 0, 36500, 14),
    NUMBER("store", max_mib, parse_number, 16, 16777216, 4096),
    NUMBER("store", reserve_mib, parse_number, 0, 1024, 16),
    {"capture", "cgroup", parse_path, offsetof(struct config, cgroup), 0, 0, 0},
    {"capture", "environment", parse_names, offsetof(struct config, environment), 0, 0, 0},
    {"capture", "places", parse_places, offsetof(struct config, places), 0, 0, 0},
    {"capture", "container_root", parse_path, offsetof(struct config, container_root), 0, 0, 0},
    {"capture", "full_tier", parse_yes, offsetof(struct config, full_tier), 0, 1, 1},
    NUMBER("capture", udp_idle_s, parse_number, 1, 86400, 60),
    BUDGET("exec_failed", EVENT_CLASS_LIFECYCLE, 5000),
    BUDGET("privilege", EVENT_CLASS_PRIVILEGE, 20000),
    BUDGET("network", EVENT_CLASS_NETWORK, 100000),
    BUDGET("dns", EVENT_CLASS_DNS, 10000),
    BUDGET("ipc", EVENT_CLASS_IPC, 20000),
    BUDGET("file", EVENT_CLASS_FILE, 20000),
    {"capture", "redact", parse_yes, offsetof(struct config, redact), 0, 1, 1},
    {"capture", "redact_key", parse_path, offsetof(struct config, redact_key), 0, 0, 0},
    {"capture", "redact_arguments", parse_secrets, offsetof(struct config, redact_arguments), 0, 0,
     0},
    {"capture", "redact_environment", parse_secrets, offsetof(struct config, redact_environment), 0,
     0, 0},
    RING("lifecycle_mib", lifecycle_ring_mib, 32),
    RING("activity_mib", activity_ring_mib, 16),
    NUMBER("timing", tick_ms, parse_number, 1, 1000, 40),
    NUMBER("timing", flush_ms, parse_number, 10, 60000, 200),
    NUMBER("timing", queue_mib, parse_number, 1, 4096, 32),
    {"rules", "run", parse_yes, offsetof(struct config, rules_run), 0, 1, 1},
    {"rules", "directory", parse_path, offsetof(struct config, rules_directory), 0, 0, 0},
    {"rules", "budget_ms", parse_number, offsetof(struct config, rules_budget_ms), 1, 60000, 500},
    {"rules", "warmup_h", parse_number, offsetof(struct config, rules_warmup_h), 0, 8760, 72},
};

/* ---- errors ---- */

static const char out_of_memory[] = "out of memory";

__attribute__((format(printf, 2, 3))) static int fail(struct config_error *error,
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    return -1;
}

/* How many single-letter edits lead from a to b (Levenshtein); long names count as far away. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[32];
    size_t length = strlen(b);
    if (length >= COUNT(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            size_t other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replace < other ? replace : other;
        }
    }
    return row[length];
}

/* The name most like `wrong`, as long as it is like it at all. */
struct nearest {
    const char *wrong;
    const char *name;
    size_t distance;
};

static void consider(struct nearest *nearest, const char *name)
{
    size_t distance = edit_distance(nearest->wrong, name);
    if (distance <= strlen(name) / 2 && (!nearest->name || distance < nearest->distance)) {
        nearest->name = name;
        nearest->distance = distance;
    }
}

/* ---- values ---- */

static void *field_of(struct config *config, size_t offset)
{
    return (char *)config + offset;
}

static int replace_string(char **field, const char *value)
{
    char *copy = strdup(value);
    if (!copy)
        return -1;
    free(*field);
    *field = copy;
    return 0;
}

static const char *parse_path(struct config *config, const struct key_row *key, const char *value,
                              bool again)
{
    if (again)
        return "is given twice";
    if (!*value)
        return "must be a path";
    return replace_string(field_of(config, key->offset), value) ? out_of_memory : NULL;
}

static const char *parse_number(struct config *config, const struct key_row *key, const char *value,
                                bool again)
{
    static char allowed[80];
    if (again)
        return "is given twice";
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end || errno || number < key->minimum ||
        number > key->maximum) {
        snprintf(allowed, sizeof(allowed), "must be a whole number from %u to %u", key->minimum,
                 key->maximum);
        return allowed;
    }
    *(uint32_t *)field_of(config, key->offset) = (uint32_t)number;
    return NULL;
}

static const char *parse_yes(struct config *config, const struct key_row *key, const char *value,
                             bool again)
{
    bool yes = strcmp(value, "yes") == 0;
    if (again)
        return "is given twice";
    if (!yes && strcmp(value, "no") != 0)
        return "must be yes or no";
    *(bool *)field_of(config, key->offset) = yes;
    return NULL;
}

static const char *parse_power(struct config *config, const struct key_row *key, const char *value,
                               bool again)
{
    static char allowed[80];
    const char *wrong = parse_number(config, key, value, again);
    uint32_t number = *(uint32_t *)field_of(config, key->offset);
    if (again || (!wrong && (number & (number - 1)) == 0))
        return wrong;
    snprintf(allowed, sizeof(allowed), "must be a power of two from %u to %u", key->minimum,
             key->maximum);
    return allowed;
}

static void free_names(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

static bool is_variable_name(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return length > 0 && !isdigit((unsigned char)name[0]);
}

static int append_name(char ***names, const char *name, size_t length)
{
    size_t count = 0;
    while (*names && (*names)[count])
        count++;
    char **longer = reallocarray(*names, count + 2, sizeof(*longer));
    if (!longer)
        return -1;
    *names = longer;
    longer[count] = strndup(name, length);
    longer[count + 1] = NULL;
    return longer[count] ? 0 : -1;
}

/* Returns NULL, or what is allowed. */
typedef const char *check_item(const char *item, size_t length);

static const char *check_variable(const char *name, size_t length)
{
    return is_variable_name(name, length)
               ? NULL
               : "must be names of environment variables, separated by spaces";
}

/* The first line replaces the default list; a list over several lines adds up. */
static const char *parse_list(char ***list, const char *value, bool again, check_item *check)
{
    static const char space[] = " \t";
    if (!again) {
        free_names(*list);
        *list = calloc(1, sizeof(**list));
        if (!*list)
            return out_of_memory;
    }
    for (const char *at = value + strspn(value, space); *at; at += strspn(at, space)) {
        size_t length = strcspn(at, space);
        const char *wrong = check(at, length);
        if (wrong)
            return wrong;
        if (append_name(list, at, length))
            return out_of_memory;
        at += length;
    }
    return NULL;
}

static const char *parse_names(struct config *config, const struct key_row *key, const char *value,
                               bool again)
{
    return parse_list(field_of(config, key->offset), value, again, check_variable);
}

static const char *parse_places(struct config *config, const struct key_row *key, const char *value,
                                bool again)
{
    return parse_list(field_of(config, key->offset), value, again, place_check);
}

/* Changes to a built-in list, over as many lines as it takes. */
static const char *parse_secrets(struct config *config, const struct key_row *key,
                                 const char *value, bool again)
{
    (void)again;
    return parse_list(field_of(config, key->offset), value, true, redact_check_name);
}

/* ---- the file ---- */

struct file_reader {
    FILE *file;
    const char *path;
    struct config *config;
    struct config_error *error;
    int line;
    int error_line; /* where *error was found; 0: nowhere */
    uint64_t seen;  /* bit i: key_rows[i] has been given */
    char *buffer;   /* of getline */
    size_t buffer_size;
};

/* Only the first error is kept. Returns 0: what inih takes for a failure. */
__attribute__((format(printf, 2, 3))) static int fail_line(struct file_reader *reader,
                                                           const char *format, ...)
{
    if (reader->error_line)
        return 0;
    char what[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    reader->error_line = reader->line;
    fail(reader->error, "%.100s:%d: %s", reader->path, reader->line, what);
    return 0;
}

static int fail_section(struct file_reader *reader, const char *section, const char *key)
{
    if (!*section)
        return fail_line(reader, "%.60s stands before the first [section]", key);
    struct nearest nearest = {.wrong = section};
    for (size_t i = 0; i < COUNT(key_rows); i++)
        consider(&nearest, key_rows[i].section);
    if (nearest.name)
        return fail_line(reader, "[%.60s]: no such section; did you mean [%s]?", section,
                         nearest.name);
    return fail_line(reader,
                     "[%.60s]: no such section; there are [store], [capture], [rings], [timing] "
                     "and [rules]",
                     section);
}

static int fail_key(struct file_reader *reader, const char *section, const char *key)
{
    struct nearest nearest = {.wrong = key};
    bool known_section = false;
    for (size_t i = 0; i < COUNT(key_rows); i++) {
        if (strcmp(key_rows[i].name, key) == 0)
            return fail_line(reader, "%s: no such key in [%.60s]; it belongs in [%s]", key, section,
                             key_rows[i].section);
        if (strcmp(key_rows[i].section, section) != 0)
            continue;
        known_section = true;
        consider(&nearest, key_rows[i].name);
    }
    if (!known_section)
        return fail_section(reader, section, key);
    if (nearest.name)
        return fail_line(reader, "%.60s: no such key in [%s]; did you mean %s?", key, section,
                         nearest.name);
    return fail_line(reader, "%.60s: no such key in [%s]; see spyqd.conf(5)", key, section);
}

/* An ini_handler: one key of the file. */
static int take_key(void *context, const char *section, const char *name, const char *value)
{
    struct file_reader *reader = context;
    for (size_t i = 0; i < COUNT(key_rows); i++) {
        const struct key_row *key = &key_rows[i];
        if (strcmp(key->section, section) != 0 || strcmp(key->name, name) != 0)
            continue;
        bool again = reader->seen >> i & 1;
        reader->seen |= UINT64_C(1) << i;
        const char *wrong = key->parse(reader->config, key, value, again);
        if (!wrong)
            return 1;
        return fail_line(reader, "[%s] %s = %.100s: %s", section, name, value, wrong);
    }
    return fail_key(reader, section, name);
}

/* An ini_reader: inih itself would cut a line that is too long, or split it in two. */
static char *read_line(char *line, int size, void *context)
{
    struct file_reader *reader = context;
    ssize_t length = getline(&reader->buffer, &reader->buffer_size, reader->file);
    if (length < 0)
        return NULL;
    reader->line++;
    if (strlen(reader->buffer) != (size_t)length) {
        fail_line(reader, "the line has a NUL byte in it");
        return NULL;
    }
    if (length >= size) {
        fail_line(reader, "longer than %d bytes; a list may go on in the next line, indented",
                  size - 1);
        return NULL;
    }
    memcpy(line, reader->buffer, (size_t)length + 1);
    return line;
}

static int parse_file(struct file_reader *reader)
{
    int line = ini_parse_stream(read_line, reader, take_key, reader);
    if (line < 0)
        return fail(reader->error, "%.200s: %s", reader->path, out_of_memory);
    if (line > 0 && (!reader->error_line || line < reader->error_line))
        return fail(reader->error, "%.200s:%d: neither a [section] nor key = value", reader->path,
                    line);
    if (reader->error_line)
        return -1;
    if (ferror(reader->file))
        return fail(reader->error, "%.200s: %s", reader->path, strerror(errno));
    return 0;
}

/* path NULL: the default file, which need not exist. */
static int load_file(struct config *config, const char *path, struct config_error *error)
{
    struct file_reader reader = {.config = config, .error = error};
    reader.path = path ? path : CONFIG_DEFAULT_FILE;
    reader.file = fopen(reader.path, "re");
    if (!reader.file && !path && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (!reader.file)
        return fail(error, "%.200s: can not read the configuration: %s", reader.path,
                    strerror(errno));
    int result = parse_file(&reader);
    fclose(reader.file);
    free(reader.buffer);
    if (result == 0 && replace_string(&config->file, reader.path))
        return fail(error, "%s", out_of_memory);
    return result;
}

/* ---- the command line ---- */

static int fail_option(struct config_error *error, const char *argument)
{
    if (strncmp(argument, "--", 2) != 0)
        return fail(error, "%.100s: no such option; see --help", argument);
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    struct nearest nearest = {.wrong = name};
    for (size_t i = 0; i < COUNT(option_rows); i++) {
        if (strcmp(option_rows[i].name, name) == 0)
            return fail(error, "--%s takes no value", name);
        consider(&nearest, option_rows[i].name);
    }
    if (nearest.name)
        return fail(error, "--%s: no such option, or short for several; did you mean --%s?", name,
                    nearest.name);
    return fail(error, "--%s: no such option, or short for several; see --help", name);
}

static int take_option(struct config *given, const struct option_row *row, const char *value,
                       struct config_error *error)
{
    if (!row->argument) {
        *(bool *)field_of(given, row->offset) = true;
        return 0;
    }
    if (!*value)
        return fail(error, "--%s: %s must not be empty", row->name, row->argument);
    if (replace_string(field_of(given, row->offset), value))
        return fail(error, "%s", out_of_memory);
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
            return fail(error, "%.100s: a value is missing; see --help", argv[at]);
        if (found == '?')
            return fail_option(error, argv[at]);
        if (take_option(given, &option_rows[found], optarg, error))
            return -1;
    }
    if (optind < argc)
        return fail(error, "%.100s: spyqd takes options only; see --help", argv[optind]);
    return 0;
}

/* ---- all together ---- */

static int set_defaults(struct config *config)
{
    const char *store = getenv("SPYQ_STORE");
    if (replace_string(&config->store, store && *store ? store : CONFIG_DEFAULT_STORE))
        return -1;
    for (size_t i = 0; i < COUNT(key_rows); i++) {
        const struct key_row *key = &key_rows[i];
        if (key->parse == parse_names && parse_names(config, key, default_environment, false))
            return -1;
        if (key->parse == parse_places && parse_places(config, key, places_default, false))
            return -1;
        if (key->parse == parse_yes)
            *(bool *)field_of(config, key->offset) = key->initial;
        else if (key->initial)
            *(uint32_t *)field_of(config, key->offset) = key->initial;
    }
    return 0;
}

/* What the command line gave wins. */
static void overlay(struct config *config, struct config *given)
{
    for (size_t i = 0; i < COUNT(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        if (!row->argument) {
            *(bool *)field_of(config, row->offset) = *(bool *)field_of(given, row->offset);
            continue;
        }
        char **from = field_of(given, row->offset);
        char **to = field_of(config, row->offset);
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
        return fail(error, "--record and --replay name the same file, %.200s", config->record);
    if (is_of_store(config->record, config->store) || is_key(config->record, config))
        return fail(error, "--record names the store or a file of its own, %.200s", config->record);
    if (is_of_store(config->redact_key, config->store))
        return fail(error, "redact_key names the store or a file of its own, %.200s",
                    config->redact_key);
    if (config->cgroup && config->cgroup[0] != '/')
        return fail(error, "cgroup %.200s: must begin with /", config->cgroup);
    return 0;
}

int config_load(struct config *config, int argc, char **argv, struct config_error *error)
{
    struct config given = {0};
    *config = (struct config){0};
    if (set_defaults(config))
        return fail(error, "%s", out_of_memory);
    int result = parse_arguments(&given, argc, argv, error);
    bool stop = given.help || given.version;
    if (result == 0 && !stop)
        result = load_file(config, given.file, error);
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
    free_names(config->environment);
    free_names(config->places);
    free(config->redact_key);
    free(config->rules_directory);
    free_names(config->redact_arguments);
    free_names(config->redact_environment);
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
