/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "graph_hub.h"

const char graph_hub_shared[] = "shared server";

/*
 * Whoever wants to hide may call a program whatever they like, but needs to be root to put it where
 * the system keeps its own: only there does a name make a hub.
 */
static const char *const system_directories[] = {"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/"};

/* Container runtimes come as archives that are unpacked there. */
static const char runtime_directory[] = "/opt/";

/*
 * Program names. A trailing `*` stands for whatever follows. Not here: servers that run what a
 * client asks for, as sshd, databases and web servers do. An attack through them has to be seen;
 * they become hubs by the number of their peers.
 */
static const struct {
    const char *role;
    bool runtime; /* counts below runtime_directory too */
    const char *programs[16];
} roles[] = {
    {"init",
     false,
     {"systemd", "init", "runit", "runit-init", "runsvdir", "runsv", "s6-svscan", "s6-supervise",
      "openrc-init", "dinit", "tini", "tini-static", "dumb-init", "catatonit"}},
    {"cron daemon", false, {"cron", "crond", "anacron", "atd", "fcron", "dcron", "cronie"}},
    {"container shim",
     true,
     {"containerd-shim*", "docker-containerd-shim*", "conmon", "conmonrs", "lxc-monitord",
      "lxc-start", "docker-init", "docker-proxy"}},
    {"container daemon",
     true,
     {"containerd", "dockerd", "docker-containerd", "crio", "kubelet", "lxd", "incusd"}},
    {"package manager",
     false,
     {"apt", "apt-get", "aptitude", "dpkg", "rpm", "dnf5", "microdnf", "zypper", "pacman", "apk",
      "snapd", "flatpak", "packagekitd", "nix-daemon", "xbps-install"}},
    {"message bus", false, {"dbus-daemon", "dbus-broker", "dbus-broker-launch"}},
    {"log daemon",
     false,
     {"systemd-journald", "rsyslogd", "syslogd", "syslog-ng", "journald", "auditd"}},
    {"name service", false, {"systemd-resolved", "nscd", "nslcd", "sssd", "systemd-userdbd"}},
    {"login manager", false, {"systemd-logind", "elogind", "polkitd"}},
    {"device manager", false, {"systemd-udevd", "udevd", "eudev"}},
};

static bool starts_with(const char *path, size_t length, const char *start)
{
    return length >= strlen(start) && memcmp(path, start, strlen(start)) == 0;
}

static bool is_in_system(const char *exe, size_t length)
{
    for (size_t i = 0; i < sizeof system_directories / sizeof *system_directories; i++)
        if (starts_with(exe, length, system_directories[i]))
            return true;
    return false;
}

static bool is_program(const char *pattern, const char *name, size_t length)
{
    size_t fixed = strcspn(pattern, "*");

    return length >= fixed && memcmp(pattern, name, fixed) == 0 &&
           (pattern[fixed] == '*' || length == fixed);
}

static bool has_role(size_t role, const char *name, size_t length)
{
    size_t count = sizeof roles[role].programs / sizeof *roles[role].programs;

    for (size_t i = 0; i < count && roles[role].programs[i]; i++)
        if (is_program(roles[role].programs[i], name, length))
            return true;
    return false;
}

const char *graph_hub_role(int64_t pid, const char *exe, size_t length)
{
    const char *slash = exe ? memrchr(exe, '/', length) : NULL;

    if (!slash)
        return NULL;
    if (pid == 1) /* nobody else can be that, whatever the image calls its first program */
        return roles[0].role;

    bool system = is_in_system(exe, length);
    bool runtime = starts_with(exe, length, runtime_directory);
    size_t name_length = length - (size_t)(slash + 1 - exe);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if ((system || (runtime && roles[i].runtime)) && has_role(i, slash + 1, name_length))
            return roles[i].role;
    return NULL;
}
