/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define LINE_MAX_BYTES 256

/* The first line of a file, without its newline; empty where it can not be read. */
static void read_line(const char *path, char line[LINE_MAX_BYTES])
{
    FILE *file = fopen(path, "re");

    line[0] = '\0';
    if (!file)
        return;
    if (fgets(line, LINE_MAX_BYTES, file))
        line[strcspn(line, "\n")] = '\0';
    fclose(file);
}

/* PRETTY_NAME of os-release(5), without its quotes. */
static void read_os(char os[LINE_MAX_BYTES])
{
    static const char key[] = "PRETTY_NAME=";
    FILE *file = fopen("/etc/os-release", "re");
    char line[LINE_MAX_BYTES];

    os[0] = '\0';
    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, key, sizeof(key) - 1) != 0)
            continue;
        const char *value = line + sizeof(key) - 1;
        value += *value == '"' || *value == '\'';
        snprintf(os, LINE_MAX_BYTES, "%.*s", (int)strcspn(value, "\"'\n"), value);
        break;
    }
    if (file)
        fclose(file);
}

const struct event_header *host_describe(struct record *record)
{
    struct event_host *host = record_begin(record, EVENT_HOST, sizeof(*host), boot_now());
    char machine_id[LINE_MAX_BYTES], boot_id[LINE_MAX_BYTES], os[LINE_MAX_BYTES];
    char pid_max[LINE_MAX_BYTES];
    struct utsname name;

    uname(&name);
    read_line("/etc/machine-id", machine_id);
    read_line("/proc/sys/kernel/random/boot_id", boot_id);
    read_line("/proc/sys/kernel/pid_max", pid_max);
    read_os(os);
    host->abi = EVENT_ABI_VERSION;
    host->cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
    host->pid_max = strtoull(pid_max, NULL, 10);
    host->wall_minus_boot = wall_minus_boot();
    host->hostname = record_text(record, name.nodename);
    host->machine_id = record_text(record, machine_id);
    host->boot_id = record_text(record, boot_id);
    host->kernel = record_text(record, name.release);
    host->os = record_text(record, os);
    host->arch = record_text(record, name.machine);
    return record_end(record);
}
