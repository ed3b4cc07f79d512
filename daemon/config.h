/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the recorder was told to do: defaults, then the configuration file, then the command line.
 */
#ifndef SPYQ_CONFIG_H
#define SPYQ_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../bpf/event.h"

/* Read where it exists and --config names no other. */
#define CONFIG_DEFAULT_FILE  "/etc/spyq/spyqd.conf"
#define CONFIG_DEFAULT_STORE "/var/lib/spyq/spyq.db"

struct config {
    char *store;     /* path of the store */
    char *file;      /* the configuration file that was read; NULL: none */
    char *cgroup;    /* record only this v2 subtree; NULL: everything */
    char *record;    /* keep raw records in this file; NULL: no */
    char *replay;    /* read records from this file instead of the kernel; NULL: no */
    bool move_aside; /* what is no store, or a damaged one, or a newer one, gets another name */
    bool check_config;
    bool check_kernel;
    bool help;    /* nothing else was looked at: print config_usage() */
    bool version; /* likewise: print the version */

    uint32_t keep_days;   /* rows older than that are rolled away; 0: none for their age */
    uint32_t max_mib;     /* what the store and its log may take; old rows make room */
    uint32_t reserve_mib; /* kept free on the disk, for rolling when it is full; 0: nothing */
    uint32_t lifecycle_ring_mib; /* a power of two */
    uint32_t activity_ring_mib;  /* a power of two */
    uint32_t tick_ms;            /* between two drains while records come */
    uint32_t flush_ms;           /* between two batches */
    uint32_t queue_mib;          /* memory for batches that the disk has not taken yet */
    bool full_tier;              /* use fentry, fexit and LSM programs where the kernel lets us */
    uint32_t udp_idle_s;         /* a flow of UDP has ended when nothing has come for so long */
    uint32_t budget[EVENT_CLASSES]; /* records a second of one cgroup, by class; 0: no limit */
    char *container_root;           /* put before the paths of runtimes' files; NULL: nothing */
    char **environment;             /* allow-listed names, NULL-terminated; never NULL itself */
    char **places;                  /* `name:pattern` of files to watch; likewise */

    bool rules_run;           /* run rules over what was recorded */
    char *rules_directory;    /* of the user's own; NULL: RULE_DIRECTORY */
    uint32_t rules_budget_ms; /* that a rule may take for one batch */
    uint32_t rules_warmup_h;  /* after the first run, in which nothing counts as new here */

    bool redact;               /* take secrets out of what is recorded */
    char *redact_key;          /* the file of its key; NULL: STORE-key */
    char **redact_arguments;   /* names and -names, see redact.h; NULL-terminated or NULL */
    char **redact_environment; /* likewise */
};

struct config_error {
    char message[512]; /* one line, names the file and line or the option */
};

/*
 * Fills *config: the defaults (the store: $SPYQ_STORE where that is set), then the configuration
 * file, then argv. argv[0] is skipped; argv is not changed. Returns 0; or -1 with *error (an
 * unknown option or key, a value out of range, an unreadable file; the first one found). Free with
 * config_free in both cases. May be called again, to see whether a changed file is valid.
 */
int config_load(struct config *config, int argc, char **argv, struct config_error *error);

/* The path of the redactor's key: what the configuration says, else beside the store. */
void config_redact_key(const struct config *config, char *path, size_t size);
void config_free(struct config *config);

/* Prints what --help shows. */
void config_usage(FILE *to);

#endif
