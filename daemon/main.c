/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "../sql/store.h"
#include "log.h"
#include "loop.h"
#include "source.h"

static void ignore_record(void *context, const struct event_header *record, size_t size)
{
    (void)context;
    (void)record;
    (void)size;
}

/* Loads and attaches every probe, says how each fared, and lets go again. */
static int check_kernel(const struct config *config)
{
    struct source_probe probes[SOURCE_PROBES_MAX];
    struct source_error error;
    struct source *source = source_bpf.open(config, ignore_record, NULL, &error);
    size_t count, missing = 0;

    if (!source) {
        log_line("%s", error.message);
        return EXIT_FAILURE;
    }
    count = source_bpf.probes(source, probes, SOURCE_PROBES_MAX);
    for (size_t i = 0; i < count && i < SOURCE_PROBES_MAX; i++) {
        printf("%-24s %s  %s\n", probes[i].name, probes[i].tier,
               probes[i].error ? probes[i].error : "ok");
        missing += probes[i].error != NULL;
    }
    printf("%zu of %zu probes work\n", count - missing, count);
    source_bpf.stop(source);
    source_bpf.close(source);
    return EXIT_SUCCESS;
}

static int check_config(const struct config *config)
{
    printf("the configuration is valid (%s)\n", config->file ? config->file : "no file");
    return EXIT_SUCCESS;
}

static int run(struct config *config, int argc, char **argv)
{
    if (config->help) {
        config_usage(stdout);
        return EXIT_SUCCESS;
    }
    if (config->version) {
        puts("spyqd " SPYQ_VERSION);
        return EXIT_SUCCESS;
    }
    if (config->check_config)
        return check_config(config);
    if (config->check_kernel)
        return check_kernel(config);
    return loop_run(config, argc, argv);
}

int main(int argc, char **argv)
{
    struct config config;
    struct config_error error;
    int code = EXIT_FAILURE;

    store_setup();
    if (config_load(&config, argc, argv, &error) < 0)
        log_line("%s", error.message);
    else
        code = run(&config, argc, argv);
    config_free(&config);
    return code;
}
