/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "places.h"

#include <fnmatch.h>
#include <string.h>

#include "../bpf/event.h"

/* In the order of spyqd.conf(5), which lists them too. */
const char places_default[] =
    "cron:/etc/crontab cron:/etc/cron.*/* cron:/etc/anacrontab cron:/var/spool/cron/* "
    "cron:/var/spool/cron/crontabs/* cron:/var/spool/cron/atjobs/* "
    "systemd:/etc/systemd/system/* systemd:/etc/systemd/system/*/* systemd:/etc/systemd/user/* "
    "systemd:/etc/systemd/user/*/* systemd:/run/systemd/system/* "
    "systemd:/run/systemd/system/*/* systemd:/usr/lib/systemd/system/* "
    "systemd:/usr/lib/systemd/user/* systemd:/lib/systemd/system/* "
    "systemd:/usr/local/lib/systemd/system/* systemd:/usr/lib/systemd/system-generators/* "
    "systemd:/etc/systemd/system-generators/* systemd:/home/*/.config/systemd/user/* "
    "systemd:/home/*/.config/systemd/user/*/* systemd:/root/.config/systemd/user/* "
    "systemd:/root/.config/systemd/user/*/* "
    "init:/etc/init.d/* init:/etc/rc.local init:/etc/rc?.d/* init:/etc/inittab "
    "init:/etc/init/* init:/etc/network/if-*.d/* init:/etc/NetworkManager/dispatcher.d/* "
    "profile:/etc/profile profile:/etc/profile.d/* profile:/etc/environment "
    "profile:/etc/bash.bashrc profile:/etc/bashrc profile:/etc/zsh/* profile:/etc/csh.* "
    "shell-rc:/home/*/.bashrc shell-rc:/home/*/.bash_profile shell-rc:/home/*/.bash_login "
    "shell-rc:/home/*/.bash_logout shell-rc:/home/*/.profile shell-rc:/home/*/.zshrc "
    "shell-rc:/home/*/.zshenv shell-rc:/home/*/.zprofile shell-rc:/home/*/.zlogin "
    "shell-rc:/home/*/.config/fish/config.fish shell-rc:/root/.bashrc "
    "shell-rc:/root/.bash_profile shell-rc:/root/.bash_login shell-rc:/root/.bash_logout "
    "shell-rc:/root/.profile shell-rc:/root/.zshrc shell-rc:/root/.zshenv "
    "shell-rc:/root/.zprofile shell-rc:/root/.zlogin shell-rc:/root/.config/fish/config.fish "
    "preload:/etc/ld.so.preload preload:/etc/ld.so.conf preload:/etc/ld.so.conf.d/* "
    "ssh:/home/*/.ssh/authorized_keys* ssh:/root/.ssh/authorized_keys* ssh:/home/*/.ssh/rc "
    "ssh:/root/.ssh/rc ssh:/etc/ssh/sshd_config ssh:/etc/ssh/sshd_config.d/* ssh:/etc/ssh/sshrc "
    "sudo:/etc/sudoers sudo:/etc/sudoers.d/* sudo:/etc/doas.conf sudo:/etc/polkit-1/rules.d/* "
    "pam:/etc/pam.conf pam:/etc/pam.d/* pam:/usr/lib/*/security/pam_* pam:/lib/*/security/pam_* "
    "pam:/etc/security/* "
    "accounts:/etc/passwd accounts:/etc/shadow accounts:/etc/group accounts:/etc/gshadow "
    "accounts:/etc/subuid accounts:/etc/subgid "
    "udev:/etc/udev/rules.d/* udev:/run/udev/rules.d/* udev:/usr/lib/udev/rules.d/* "
    "modules:/etc/modules modules:/etc/modules-load.d/* modules:/etc/modprobe.d/* "
    "modules:/usr/lib/modules-load.d/* "
    "autostart:/etc/xdg/autostart/* autostart:/home/*/.config/autostart/* "
    "autostart:/root/.config/autostart/*";

const char *place_check(const char *place, size_t length)
{
    const char *colon = memchr(place, ':', length);

    if (!colon || colon == place || colon + 1 == place + length || colon[1] != '/')
        return "must be places like cron:/etc/cron.d/*, a name and an absolute pattern each";
    return NULL;
}

/* Whether the path may be meant, by what stands before the first wildcard. */
static const char *literal_matches(const char *pattern, const char *path)
{
    size_t literal = strcspn(pattern, "*?[\\");

    return strncmp(pattern, path, literal) == 0 ? pattern + literal : NULL;
}

struct text place_of(char *const *places, struct text path)
{
    char name[EVENT_PATH_MAX + 1];

    if (!path.data || path.length > EVENT_PATH_MAX || !places)
        return TEXT_NULL;
    memcpy(name, path.data, path.length);
    name[path.length] = '\0';
    for (; *places; places++) {
        const char *pattern = strchr(*places, ':') + 1;
        const char *rest = literal_matches(pattern, name);
        if (rest && fnmatch(rest, name + (rest - pattern), FNM_PATHNAME) == 0)
            return (struct text){*places, (size_t)(pattern - 1 - *places)};
    }
    return TEXT_NULL;
}
