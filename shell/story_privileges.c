/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the credentials and walls of those in a story changed. */
#include <inttypes.h>
#include <string.h>

#include "story_deed.h"

enum privilege_column {
    PRIVILEGE_KIND = DEED_MORE,
    PRIVILEGE_OLD,
    PRIVILEGE_NEW,
    PRIVILEGE_EXEC,
    PRIVILEGE_OLD_UID,
    PRIVILEGE_UID,
    PRIVILEGE_OLD_EUID,
    PRIVILEGE_EUID,
    PRIVILEGE_WITH,
    PRIVILEGE_NAMES,
    PRIVILEGE_CONTAINER,
    PRIVILEGE_CONTAINER_ID,
    PRIVILEGE_WHAT,
    PRIVILEGE_SOURCE,
    PRIVILEGE_TARGET,
    PRIVILEGE_FLAGS,
    PRIVILEGE_OLD_CAPS,
    PRIVILEGE_CAPS,
};

/* Groups go with the user that they change with. Numbers of namespaces come back, so that a
 * container has to have been there. */
const char story_privileges_sql[] = WINDOWS
    ", v AS (SELECT id, process_id, at, kind, exec_id, CASE WHEN json_valid(old) THEN old END AS "
    "old, "
    "  CASE WHEN json_valid(new) THEN new END AS new FROM privileges) "
    "SELECT v.id, v.process_id, v.at, v.kind, v.old, v.new, v.exec_id, v.old ->> 'uid', "
    "v.new ->> 'uid', v.old ->> 'euid', v.new ->> 'euid', "
    "(SELECT g.id FROM privileges AS g WHERE g.process_id = v.process_id "
    "  AND g.at BETWEEN v.at - 1000000000 AND v.at + 1000000000 "
    "  AND g.kind = CASE v.kind WHEN 'setuid' THEN 'setgid' WHEN 'setgid' THEN 'setuid' END "
    "  ORDER BY g.id LIMIT 1), "
    "CASE WHEN v.kind IN ('setns', 'unshare') THEN (SELECT group_concat(DISTINCT "
    "  replace(replace(key, '_ns', ''), 'child_', '')) FROM json_each(v.new)) END, "
    "coalesce(k.name, substr(k.container_id, 1, 12)), k.id, "
    "coalesce(v.new ->> 'root', v.new ->> 'name', v.new ->> 'function'), v.new ->> 'source', "
    "coalesce(v.new ->> 'target', v.old ->> 'target'), v.new ->> 'flags', "
    "v.old ->> 'capabilities', v.new ->> 'capabilities' "
    "FROM m CROSS JOIN v ON v.process_id = m.id LEFT JOIN containers AS k "
    "ON k.id = (SELECT k.id FROM containers AS k JOIN processes AS r "
    "  ON r.id = k.root_process_id WHERE v.kind = 'setns' AND k.runtime IS NOT 'systemd' "
    "  AND r.mnt_ns = v.new ->> 'mnt_ns' AND coalesce(k.started_at <= v.at, 1) "
    "  AND coalesce(k.ended_at >= v.at, 1) ORDER BY k.id DESC LIMIT 1) "
    "WHERE (v.at <= m.until OR v.at >= m.since) ORDER BY v.id LIMIT " STORY_ROWS_LIMIT;

static void put_change(struct deed *deed)
{
    if (deed->row[PRIVILEGE_OLD].type == CELL_TEXT)
        deed_put(deed, ": ", PRIVILEGE_OLD);
    if (deed->row[PRIVILEGE_NEW].type == CELL_TEXT)
        deed_put(deed, " -> ", PRIVILEGE_NEW);
}

/* ---- users ---- */

static bool became_root(const struct deed *deed)
{
    return deed_integer(deed, PRIVILEGE_EUID) == 0 && deed_integer(deed, PRIVILEGE_OLD_EUID) != 0;
}

/* A daemon of root's that does something as somebody else, and then goes on as root. */
static bool stays_root(const struct deed *deed)
{
    return deed_is(deed, PRIVILEGE_KIND, "setuid") && deed_integer(deed, PRIVILEGE_UID) == 0 &&
           deed_integer(deed, PRIVILEGE_OLD_UID) == 0;
}

static bool goes_with_the_user(const struct deed *deed)
{
    return deed_is(deed, PRIVILEGE_KIND, "setgid") &&
           deed_integer(deed, PRIVILEGE_WITH) != INTEGER_NULL;
}

static void put_ids(struct deed *deed, const char *what, int old, int now)
{
    fprintf(deed->out, "%s from %" PRId64 " to %" PRId64, what, deed_integer(deed, old),
            deed_integer(deed, now));
}

static void tell_ids(struct deed *deed)
{
    put_ids(deed, " changed its user id", PRIVILEGE_OLD_UID, PRIVILEGE_UID);
    if (deed_integer(deed, PRIVILEGE_OLD_UID) != deed_integer(deed, PRIVILEGE_OLD_EUID) ||
        deed_integer(deed, PRIVILEGE_UID) != deed_integer(deed, PRIVILEGE_EUID))
        put_ids(deed, ", the effective one", PRIVILEGE_OLD_EUID, PRIVILEGE_EUID);
}

static void tell_setuid(struct deed *deed)
{
    bool by_exec = deed_integer(deed, PRIVILEGE_EXEC) != INTEGER_NULL;
    if (became_root(deed))
        fprintf(deed->out, " became root, from user id %" PRId64 ", by %s",
                deed_integer(deed, PRIVILEGE_OLD_UID),
                by_exec ? "the program it executed"
                        : "a system call, without executing a setuid program");
    else
        tell_ids(deed);
    story_prove(deed->story, STORY_PRIVILEGES, deed_integer(deed, PRIVILEGE_WITH));
}

static void tell_setgid(struct deed *deed)
{
    fputs(" changed its group ids", deed->out);
    put_change(deed);
}

/* ---- walls ---- */

static void tell_setns(struct deed *deed)
{
    if (deed->row[PRIVILEGE_CONTAINER].type == CELL_TEXT) {
        deed_put(deed, " entered the namespaces of container ", PRIVILEGE_CONTAINER);
        fputs(" from outside", deed->out);
    } else {
        deed_put(deed, " entered other namespaces: ", PRIVILEGE_NAMES);
    }
}

static void tell_unshare(struct deed *deed)
{
    deed_put(deed, " got namespaces of its own: ", PRIVILEGE_NAMES);
}

static void tell_chroot(struct deed *deed)
{
    deed_put(deed, " made its root directory ", PRIVILEGE_WHAT);
}

static void tell_caps(struct deed *deed)
{
    bool known = deed->row[PRIVILEGE_OLD_CAPS].type == CELL_TEXT;
    deed_put(deed, known ? " changed its capabilities to " : " has the capabilities ",
             PRIVILEGE_CAPS);
    if (known)
        deed_put(deed, " from ", PRIVILEGE_OLD_CAPS);
}

static bool starts_with(struct text text, const char *start)
{
    return text.data && text.length >= strlen(start) &&
           memcmp(text.data, start, strlen(start)) == 0;
}

/* Part of the host's files is shown elsewhere, as in a container. */
static bool shows_files(const struct deed *deed)
{
    static const char *const own[] = {"/proc/", "/sys/", "/dev/"};
    struct text source = deed_text(deed, PRIVILEGE_SOURCE);
    struct text target = deed_text(deed, PRIVILEGE_TARGET);
    bool itself = source.data && target.data && story_text_equal(source, target);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        itself |= starts_with(source, own[i]);
    return starts_with(source, "/") && !itself;
}

static void tell_mount(struct deed *deed)
{
    bool away = deed->row[PRIVILEGE_NEW].type != CELL_TEXT;
    bool source = deed->row[PRIVILEGE_SOURCE].type == CELL_TEXT;
    fputs(away ? " unmounted" : source ? " mounted" : " changed the mount", deed->out);
    if (source)
        deed_put(deed, " ", PRIVILEGE_SOURCE);
    if (deed->row[PRIVILEGE_TARGET].type == CELL_TEXT)
        deed_put(deed, source ? " on " : " ", PRIVILEGE_TARGET);
    if (deed->row[PRIVILEGE_FLAGS].type == CELL_TEXT)
        deed_put(deed, " with ", PRIVILEGE_FLAGS);
}

static void tell_module(struct deed *deed)
{
    bool away = deed->row[PRIVILEGE_NEW].type != CELL_TEXT;
    fputs(away ? " removed a kernel module" : " loaded the kernel module ", deed->out);
    if (away)
        put_change(deed);
    else
        story_put(deed->out, deed_text(deed, PRIVILEGE_WHAT));
}

static void tell_bpf(struct deed *deed)
{
    fputs(" loaded a BPF program", deed->out);
    put_change(deed);
}

/* ---- all of them ---- */

static const struct privilege_kind {
    const char *name;
    enum story_weight weight;
    bool alike; /* whatever they changed to */
    void (*tell)(struct deed *deed);
} privilege_kinds[] = {
    {"setuid", STORY_PLAIN, false, tell_setuid},   {"setgid", STORY_NOISE, false, tell_setgid},
    {"caps", STORY_PLAIN, false, tell_caps},       {"setns", STORY_PLAIN, true, tell_setns},
    {"unshare", STORY_PLAIN, false, tell_unshare}, {"chroot", STORY_NOTABLE, false, tell_chroot},
    {"mount", STORY_NOISE, true, tell_mount},      {"module", STORY_NOTABLE, false, tell_module},
    {"bpf", STORY_NOTABLE, false, tell_bpf},
};

static void add(struct deed *deed, const struct privilege_kind *kind)
{
    bool notable =
        became_root(deed) || shows_files(deed) || deed->row[PRIVILEGE_CONTAINER].type == CELL_TEXT;
    if (!deed_begin(deed, kind->name, notable ? STORY_NOTABLE : kind->weight))
        return;
    kind->tell(deed);
    if (notable || !kind->alike)
        story_put(deed->story->like, deed_text(deed, PRIVILEGE_NEW));
    story_prove(deed->story, STORY_PRIVILEGES, deed_integer(deed, DEED_ID));
    story_prove(deed->story, STORY_EXECS, deed_integer(deed, PRIVILEGE_EXEC));
    story_prove(deed->story, STORY_CONTAINERS, deed_integer(deed, PRIVILEGE_CONTAINER_ID));
    story_end(deed->story);
}

void story_add_privilege(struct deed *deed)
{
    if (!deed->story->question.all && (stays_root(deed) || goes_with_the_user(deed))) {
        deed->story->minor++;
        return;
    }
    for (size_t i = 0; i < sizeof privilege_kinds / sizeof *privilege_kinds; i++)
        if (deed_is(deed, PRIVILEGE_KIND, privilege_kinds[i].name))
            add(deed, &privilege_kinds[i]);
}
