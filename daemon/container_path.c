/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "container_path.h"

#include <fnmatch.h>
#include <string.h>

#define HEX_ID 64 /* digits of the ids that Docker gave to the world */

/* One name of a path, NUL-terminated, and where it ends in the path. */
struct name {
    char text[CONTAINER_ID_SIZE];
    size_t length;
    size_t end;
};

struct pattern;

/* A name that fits a row: the stretch of it that stands for the id. */
struct match {
    const struct pattern *pattern;
    const struct name *name;
    const struct name *above;
    const char *text;
    size_t length;
};

/* Makes the id of a match. Returns false where the stretch can not be one. */
typedef bool take_id(const struct match *match, char *id);

static take_id take_hex, take_plain, take_escaped, take_whole, take_above, take_nothing;

struct pattern {
    const char *runtime;
    const char *above;  /* what the name above has to be like, see fnmatch(3); NULL: anything */
    const char *before; /* what stands before the id; a star first: anything, then the rest */
    const char *after;  /* what stands behind it */
    take_id *take;
};

/*
 * The first row that fits a name counts. Two rows of a runtime are often its two ways to make
 * cgroups: asking systemd for a scope, and by itself ("cgroupfs"). Monitors (`crio-conmon-*`,
 * `libpod-conmon-*`, `lxc.monitor.*`) fit no row: they are outside the container.
 */
static const struct pattern containers[] = {
    {RUNTIME_DOCKER, NULL, "docker-", ".scope", take_hex},
    {RUNTIME_DOCKER, "docker", "", "", take_hex},
    {RUNTIME_CONTAINERD, NULL, "cri-containerd-", ".scope", take_hex},
    /* A kubelet that speaks of slices to a containerd that does not know them. */
    {RUNTIME_CONTAINERD, NULL, "*:cri-containerd:", "", take_hex},
    {RUNTIME_CONTAINERD, "pod*", "", "", take_hex},
    {RUNTIME_CONTAINERD, NULL, "nerdctl-", ".scope", take_hex},
    {RUNTIME_CONTAINERD, "default", "", "", take_hex},
    {RUNTIME_CONTAINERD, "k8s.io", "", "", take_hex},
    {RUNTIME_CRIO, NULL, "crio-", ".scope", take_hex},
    {RUNTIME_CRIO, NULL, "crio-", "", take_hex},
    {RUNTIME_PODMAN, NULL, "libpod-", ".scope", take_hex},
    {RUNTIME_PODMAN, NULL, "libpod-", "", take_hex},
    /* --cgroups=split, as in a quadlet's service; `runtime` beside it holds the monitor. */
    {RUNTIME_PODMAN, NULL, "libpod-payload-", ".scope", take_hex},
    {RUNTIME_PODMAN, NULL, "libpod-payload-", "", take_hex},
    {RUNTIME_LXC, NULL, "lxc.payload.", "", take_plain},
    {RUNTIME_LXC, "lxc.payload", "", "", take_plain},
    {RUNTIME_LXC, "lxc", "", "", take_plain},
    {RUNTIME_NSPAWN, "systemd-nspawn@*.service", "payload", "", take_above},
    {RUNTIME_NSPAWN, "machine-*.scope", "payload", "", take_above},
    {NULL, "machine-*.scope", "supervisor", "", take_nothing},
    {NULL, "machine.slice", "machine-qemu\\x2d", ".scope", take_nothing}, /* a virtual machine */
    {RUNTIME_LIBVIRT, "machine.slice", "machine-lxc\\x2d", ".scope", take_escaped},
    {RUNTIME_NSPAWN, "machine.slice", "machine-", ".scope", take_escaped},
    /* Somebody's own --cgroup-parent. */
    {NULL, NULL, "", "", take_hex},
};

static const struct pattern services[] = {
    {RUNTIME_SYSTEMD, NULL, "", ".service", take_whole},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- ids ---- */

static bool is_hex(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

static bool copy_id(const char *text, size_t length, char *id)
{
    memcpy(id, text, length);
    id[length] = '\0';
    return length > 0;
}

static bool take_hex(const struct match *match, char *id)
{
    return match->length == HEX_ID && is_hex(match->text, HEX_ID) &&
           copy_id(match->text, HEX_ID, id);
}

static bool take_plain(const struct match *match, char *id)
{
    return copy_id(match->text, match->length, id);
}

static bool take_whole(const struct match *match, char *id)
{
    return match->length && copy_id(match->name->text, match->name->length, id);
}

static bool take_nothing(const struct match *match, char *id)
{
    (void)match;
    id[0] = '\0';
    return true;
}

static char hex_digit(char digit)
{
    return (char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* systemd's way to put any byte into the name of a unit is \xNN. Returns whether anything came of
 * it. */
static bool unescape(const char *text, size_t length, char *id)
{
    const char *end = text + length;

    while (text < end) {
        char byte = *text;
        size_t taken = 1;
        if (end - text >= 4 && text[0] == '\\' && text[1] == 'x' && is_hex(text + 2, 2)) {
            byte = (char)(hex_digit(text[2]) << 4 | hex_digit(text[3]));
            taken = 4;
        }
        text += taken;
        if (byte)
            *id++ = byte;
    }
    *id = '\0';
    return length > 0;
}

static bool take_escaped(const struct match *match, char *id)
{
    return unescape(match->text, match->length, id);
}

/* The id stands in the name above, for the star of its pattern. */
static bool take_above(const struct match *match, char *id)
{
    const char *star = strchr(match->pattern->above, '*');
    size_t before = (size_t)(star - match->pattern->above), after = strlen(star + 1);

    return match->length == 0 &&
           unescape(match->above->text + before, match->above->length - before - after, id);
}

/* ---- names ---- */

/* The name that ends before `end`. False: there is none, or it is longer than a name can be. */
static bool name_before(struct text path, size_t end, struct name *name)
{
    size_t begin = end;

    while (begin > 0 && path.data[begin - 1] != '/')
        begin--;
    name->end = end;
    name->length = end - begin;
    if (name->length >= sizeof(name->text))
        name->length = 0;
    memcpy(name->text, path.data + begin, name->length);
    name->text[name->length] = '\0';
    return name->length > 0;
}

/* Finds the stretch of the name that stands for the id. */
static bool find_stretch(struct match *match)
{
    const struct name *name = match->name;
    bool star = match->pattern->before[0] == '*';
    const char *before = match->pattern->before + star;
    size_t after = strlen(match->pattern->after), begin = strlen(before), end;

    if (name->length < after + begin)
        return false;
    end = name->length - after;
    if (star && end - begin > HEX_ID)
        begin = end - HEX_ID;
    match->text = name->text + begin;
    match->length = end - begin;
    return strcmp(name->text + end, match->pattern->after) == 0 &&
           memcmp(match->text - strlen(before), before, strlen(before)) == 0;
}

static bool fits(const struct pattern *pattern, const struct name *name, const struct name *above,
                 char *id)
{
    struct match match = {.pattern = pattern, .name = name, .above = above};

    if (pattern->above && fnmatch(pattern->above, above->text, FNM_NOESCAPE) != 0)
        return false;
    return find_stretch(&match) && pattern->take(&match, id);
}

static const struct pattern *first_fit(const struct pattern *patterns, size_t count,
                                       const struct name *name, const struct name *above, char *id)
{
    for (size_t i = 0; i < count; i++)
        if (fits(&patterns[i], name, above, id))
            return &patterns[i];
    return NULL;
}

/* From the innermost name outwards. */
static bool look(struct text path, const struct pattern *patterns, size_t count,
                 struct container_path *found)
{
    struct name name, above;
    bool more = name_before(path, path.length, &name);

    while (more) {
        const struct pattern *pattern;
        more = name_before(path, name.end - name.length - 1, &above);
        pattern = first_fit(patterns, count, &name, &above, found->id);
        if (pattern && found->id[0]) {
            found->runtime = pattern->runtime;
            found->cgroup = name.end;
            return true;
        }
        if (pattern && more) /* what is above is spoken for as well */
            more = name_before(path, above.end - above.length - 1, &above);
        name = above;
    }
    return false;
}

bool container_path_read(struct text path, struct container_path *found)
{
    if (!path.length || path.data[0] != '/')
        return false;
    return look(path, containers, COUNT(containers), found) ||
           look(path, services, COUNT(services), found);
}
