/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "container_files.h"

#include <fcntl.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (4 << 20) /* bytes; a larger file is not read */
#define DEPTH    4096

/* What is being read: the file's path is made of root, its pattern and the id. */
struct reading {
    const char *root;
    const char *cgroup;
    struct container_facts *facts;
};

/* Takes from one file what it says. Returns false where it is not about the container. */
typedef bool read_text(const struct reading *reading, const char *text, size_t length);

static read_text read_docker, read_bundle, read_storage, read_runc, read_crun, read_lxc,
    read_machine;

static const struct {
    const char *runtime;
    const char *path; /* %s: the id */
    read_text *read;
} files[] = {
    {RUNTIME_DOCKER, "/var/lib/docker/containers/%s/config.v2.json", read_docker},
    {RUNTIME_CONTAINERD, "/run/containerd/io.containerd.runtime.v2.task/k8s.io/%s/config.json",
     read_bundle},
    {RUNTIME_CONTAINERD, "/run/containerd/io.containerd.runtime.v2.task/default/%s/config.json",
     read_bundle},
    {RUNTIME_CONTAINERD, "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/%s/config.json",
     read_bundle},
    {RUNTIME_DOCKER, "/run/containerd/io.containerd.runtime.v2.task/moby/%s/config.json",
     read_bundle},
    {NULL, "/run/containers/storage/overlay-containers/%s/userdata/config.json", read_bundle},
    {NULL, "/var/lib/containers/storage/overlay-containers/%s/userdata/config.json", read_bundle},
    {NULL, "/var/lib/containers/storage/overlay-containers/containers.json", read_storage},
    {RUNTIME_LXC, "/var/lib/lxc/%s/config", read_lxc},
    {RUNTIME_NSPAWN, "/run/systemd/machines/%s", read_machine},
    {RUNTIME_RUNC, "/run/runc/%s/state.json", read_runc},
    {RUNTIME_CRUN, "/run/crun/%s/status", read_crun},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- files ---- */

/* The bytes of a regular file, NUL-terminated, for the caller to free; NULL: none, or too long. */
static char *read_file(const char *path, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    char *text = NULL;
    ssize_t got = 0;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= FILE_MAX)
        text = malloc((size_t)status.st_size + 1);
    for (*length = 0; text && *length < (size_t)status.st_size; *length += (size_t)got) {
        got = read(fd, text + *length, (size_t)status.st_size - *length);
        if (got <= 0)
            break;
    }
    if (text)
        text[*length] = '\0';
    close(fd);
    return text;
}

static json_t *parse(const char *text, size_t length)
{
    return json_loadb(text, length, JSON_ALLOW_NUL, NULL);
}

/* ---- values ---- */

/* The first value counts. */
static void take(char field[CONTAINER_NAME_MAX + 1], const char *value)
{
    if (field && value && !field[0])
        snprintf(field, CONTAINER_NAME_MAX + 1, "%s", value);
}

static const char *string_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Labels and annotations with a meaning; of several for one thing the first row counts. */
static const struct {
    const char *key;
    size_t field;
} meanings[] = {
    {"io.kubernetes.cri.container-name", offsetof(struct container_facts, name)},
    {"io.kubernetes.container.name", offsetof(struct container_facts, name)},
    {"nerdctl/name", offsetof(struct container_facts, name)},
    {"io.kubernetes.cri.image-name", offsetof(struct container_facts, image)},
    {"io.kubernetes.cri-o.ImageName", offsetof(struct container_facts, image)},
    {"io.kubernetes.cri.podsandbox.image-name", offsetof(struct container_facts, image)},
    {"org.opencontainers.image.ref.name", offsetof(struct container_facts, image)},
    {"io.kubernetes.cri.sandbox-name", offsetof(struct container_facts, pod)},
    {"io.kubernetes.pod.name", offsetof(struct container_facts, pod)},
    {"io.kubernetes.cri-o.KubeName", offsetof(struct container_facts, pod)},
    {"io.kubernetes.cri.sandbox-namespace", offsetof(struct container_facts, namespace)},
    {"io.kubernetes.pod.namespace", offsetof(struct container_facts, namespace)},
    {"io.kubernetes.cri-o.Namespace", offsetof(struct container_facts, namespace)},
    {"nerdctl/namespace", offsetof(struct container_facts, namespace)},
};

static void take_meanings(struct container_facts *facts, const json_t *labels)
{
    for (size_t i = 0; i < COUNT(meanings); i++)
        take((char *)facts + meanings[i].field, string_at(labels, meanings[i].key));
}

/* As many of the labels as fit, as the text of an object. */
static void take_labels(struct container_facts *facts, json_t *labels)
{
    json_t *kept = json_object(), *value;
    const char *key;
    size_t size = 2;

    json_object_foreach(labels, key, value)
    {
        json_t *entry = json_pack("{s:O}", key, value);
        size_t length = entry ? json_dumpb(entry, NULL, 0, JSON_COMPACT) : 0;
        json_decref(entry);
        if (!json_is_string(value) || !length || size + length > CONTAINER_LABELS_MAX)
            continue;
        size += length; /* its braces stand for the comma */
        json_object_set(kept, key, value);
    }
    if (json_object_size(kept)) {
        size = json_dumpb(kept, facts->labels, CONTAINER_LABELS_MAX, JSON_COMPACT | JSON_SORT_KEYS);
        facts->labels[size <= CONTAINER_LABELS_MAX ? size : 0] = '\0';
    }
    json_decref(kept);
}

static void take_annotations(struct container_facts *facts, json_t *annotations)
{
    const char *inner = string_at(annotations, "io.kubernetes.cri-o.Labels");
    const char *manager = string_at(annotations, "io.container.manager");
    json_t *labels = inner ? parse(inner, strlen(inner)) : NULL;

    take_meanings(facts, annotations);
    take_labels(facts, json_is_object(labels) ? labels : annotations);
    json_decref(labels);
    if (manager && strcmp(manager, "libpod") == 0)
        facts->runtime = RUNTIME_PODMAN;
    else if (inner || (manager && strcmp(manager, RUNTIME_CRIO) == 0))
        facts->runtime = RUNTIME_CRIO;
}

/* ---- formats ---- */

static bool read_docker(const struct reading *reading, const char *text, size_t length)
{
    json_t *container = parse(text, length), *config = json_object_get(container, "Config");
    json_t *labels = json_object_get(config, "Labels");
    const char *name = string_at(container, "Name");

    take_meanings(reading->facts, labels);
    take_labels(reading->facts, labels);
    take(reading->facts->name, name ? name + (*name == '/') : NULL);
    take(reading->facts->image, string_at(config, "Image"));
    json_decref(container);
    return container != NULL;
}

static bool read_bundle(const struct reading *reading, const char *text, size_t length)
{
    json_t *config = parse(text, length);

    take_annotations(reading->facts, json_object_get(config, "annotations"));
    json_decref(config);
    return config != NULL;
}

/* All containers of containers/storage, one with our id perhaps among them. */
static bool read_storage(const struct reading *reading, const char *text, size_t length)
{
    json_t *list = parse(text, length), *entry;
    bool found = false;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        const char *id = string_at(entry, "id"), *metadata = string_at(entry, "metadata");
        json_t *more;
        if (!id || strcmp(id, reading->facts->id) != 0)
            continue;
        more = metadata ? parse(metadata, strlen(metadata)) : NULL;
        take(reading->facts->name,
             json_string_value(json_array_get(json_object_get(entry, "names"), 0)));
        take(reading->facts->image, string_at(more, "image-name"));
        json_decref(more);
        found = true;
    }
    json_decref(list);
    return found;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = text ? strlen(text) : 0, wanted = strlen(end);

    return text && length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* The state says in which cgroups it is: another one may have the same name. */
static bool is_ours(const struct reading *reading, const json_t *paths)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)paths, key, value)
    {
        if (ends_with(json_string_value(value), reading->cgroup))
            return true;
    }
    return false;
}

/* runc keeps annotations as `key=value` texts. */
static void take_runc_labels(struct container_facts *facts, const json_t *list)
{
    json_t *labels = json_object(), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        const char *text = json_string_value(entry), *equals = text ? strchr(text, '=') : NULL;
        char *key = equals ? strndup(text, (size_t)(equals - text)) : NULL;
        if (key && strcmp(key, "bundle") != 0)
            json_object_set_new(labels, key, json_stringn(equals + 1, strlen(equals + 1)));
        free(key);
    }
    take_annotations(facts, labels);
    json_decref(labels);
}

static bool read_runc(const struct reading *reading, const char *text, size_t length)
{
    json_t *state = parse(text, length), *config = json_object_get(state, "config");
    bool ours = is_ours(reading, json_object_get(state, "cgroup_paths"));

    if (ours) {
        take_runc_labels(reading->facts, json_object_get(config, "labels"));
        take(reading->facts->name, reading->facts->id);
        take(reading->facts->image, string_at(config, "rootfs"));
    }
    json_decref(state);
    return ours;
}

static bool read_crun(const struct reading *reading, const char *text, size_t length)
{
    json_t *status = parse(text, length);
    const char *cgroup = string_at(status, "cgroup-path");
    bool ours = ends_with(cgroup, reading->cgroup);

    if (ours) {
        take(reading->facts->name, reading->facts->id);
        take(reading->facts->image, string_at(status, "rootfs"));
    }
    json_decref(status);
    return ours;
}

/* The value of a line `key = value` of a text file. */
static void take_line(char field[CONTAINER_NAME_MAX + 1], const char *text, const char *key)
{
    size_t length = strlen(key);

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, "\n \t");
        const char *value = line + length;
        if (strncmp(line, key, length) != 0 || !strchr(" \t=", *value) || field[0])
            continue;
        value += strspn(value, " \t=");
        size_t size = strcspn(value, "\n");
        memcpy(field, value, size < CONTAINER_NAME_MAX ? size : CONTAINER_NAME_MAX);
    }
}

static bool read_lxc(const struct reading *reading, const char *text, size_t length)
{
    (void)length;
    take(reading->facts->name, reading->facts->id);
    take_line(reading->facts->image, text, "lxc.rootfs.path");
    return true;
}

static bool read_machine(const struct reading *reading, const char *text, size_t length)
{
    (void)length;
    take_line(reading->facts->name, text, "NAME");
    take_line(reading->facts->image, text, "ROOT");
    take(reading->facts->name, reading->facts->id);
    return true;
}

/* ---- a container ---- */

static bool is_of(const char *runtime, const char *other)
{
    return runtime && strcmp(runtime, other) == 0;
}

/* Runtimes whose ids are 64 digits share their files' readers: an id is never another's. */
static bool applies(size_t file, const struct container_path *found, bool named)
{
    const char *runtime = files[file].runtime;
    bool by_name = is_of(runtime, RUNTIME_LXC) || is_of(runtime, RUNTIME_NSPAWN);
    bool bare = is_of(runtime, RUNTIME_RUNC) || is_of(runtime, RUNTIME_CRUN);

    if (!named)
        return bare;
    if (by_name || is_of(found->runtime, RUNTIME_LXC) || is_of(found->runtime, RUNTIME_NSPAWN))
        return runtime && is_of(found->runtime, runtime);
    return !bare;
}

static void read_one(const struct reading *reading, size_t file)
{
    char path[DEPTH];
    size_t length;
    char *text;
    int size = snprintf(path, sizeof(path), "%s", reading->root);
    size_t at = size > 0 ? (size_t)size : 0;
    const char *star = strstr(files[file].path, "%s");
    size_t before = star ? (size_t)(star - files[file].path) : strlen(files[file].path);

    size = snprintf(path + at, sizeof(path) - at, "%.*s%s%s", (int)before, files[file].path,
                    star ? reading->facts->id : "", star ? star + 2 : "");
    if (size < 0 || (size_t)size >= sizeof(path) - at)
        return;
    text = read_file(path, &length);
    if (text && files[file].read(reading, text, length) && !reading->facts->runtime)
        reading->facts->runtime = files[file].runtime ? files[file].runtime : RUNTIME_PODMAN;
    free(text);
}

/* Which container the path names. `named` is false for one that only a runtime may know. */
static bool identify(const char *cgroup, struct container_path *found, bool *named)
{
    size_t length = strlen(cgroup);
    const char *name = strrchr(cgroup, '/');

    *named = container_path_read((struct text){cgroup, length}, found);
    if (*named)
        return found->cgroup == length && !is_of(found->runtime, RUNTIME_SYSTEMD);
    if (!name || !name[1] || strlen(name + 1) >= sizeof(found->id))
        return false;
    memcpy(found->id, name + 1, strlen(name + 1) + 1);
    found->runtime = NULL;
    return true;
}

bool container_files_expected(const char *root, const char *cgroup)
{
    static const char *const states[] = {"/run/runc/", "/run/crun/"};
    struct container_path found;
    bool named, expected = identify(cgroup, &found, &named) && named;
    char path[DEPTH];

    if (named || strlen(root) + sizeof(found.id) + 16 > sizeof(path))
        return expected;
    if (!identify(cgroup, &found, &named))
        return false;
    for (size_t i = 0; i < COUNT(states) && !expected; i++) {
        snprintf(path, sizeof(path), "%s%s%s", root, states[i], found.id);
        expected = access(path, F_OK) == 0;
    }
    return expected;
}

bool container_files_read(const char *root, const char *cgroup, struct container_facts *facts)
{
    struct reading reading = {.root = root, .cgroup = cgroup, .facts = facts};
    struct container_path found;
    bool named;

    memset(facts, 0, sizeof(*facts));
    if (strlen(root) >= DEPTH / 2 || !identify(cgroup, &found, &named))
        return false;
    memcpy(facts->id, found.id, sizeof(facts->id));
    for (size_t i = 0; i < COUNT(files); i++)
        if (applies(i, &found, named))
            read_one(&reading, i);
    if (facts->runtime && named && found.runtime && !is_of(found.runtime, RUNTIME_CONTAINERD))
        facts->runtime = found.runtime; /* the path knows better */
    return facts->runtime != NULL;
}
