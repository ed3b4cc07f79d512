/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which container a cgroup's path names, with paths as each runtime makes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/container_path.h"

#define A    "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"
#define B    "605439acbd4fb18c145069289094b17f17e0cfa938f78012d4960bc797305f22"
#define POD  "podac04f3f2-1f2c-11e9-b015-1ebee232acfa"
#define POD_ "podac04f3f2_1f2c_11e9_b015_1ebee232acfa"

static const struct {
    const char *path;
    const char *runtime; /* NULL: an id alone */
    const char *id;
    const char *cgroup; /* NULL: the whole path */
} known[] = {
    /* Docker: cgroupfs, systemd, rootless, below a parent of one's own, behind cri-dockerd. */
    {"/docker/" A, RUNTIME_DOCKER, A, NULL},
    {"/system.slice/docker-" A ".scope", RUNTIME_DOCKER, A, NULL},
    {"/system.slice/docker-" A ".scope/init.scope", RUNTIME_DOCKER, A,
     "/system.slice/docker-" A ".scope"},
    {"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" A ".scope", RUNTIME_DOCKER,
     A, NULL},
    {"/user.slice/user-1000.slice/user@1000.service/docker.service/docker/" A, RUNTIME_DOCKER, A,
     NULL},
    {"/ecs/0123456789abcdef/" A, NULL, A, NULL},
    {"/" A, NULL, A, NULL},
    {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" POD_ ".slice/docker-" A
     ".scope",
     RUNTIME_DOCKER, A, NULL},
    /* containerd: the kubelet's two drivers and their mixture, k3s, nerdctl, ctr. */
    {"/kubepods.slice/kubepods-" POD_ ".slice/cri-containerd-" A ".scope", RUNTIME_CONTAINERD, A,
     NULL},
    {"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-" POD_
     ".slice/cri-containerd-" A ".scope/app/worker",
     RUNTIME_CONTAINERD, A,
     "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-" POD_
     ".slice/cri-containerd-" A ".scope"},
    {"/kubepods/besteffort/" POD "/" A, RUNTIME_CONTAINERD, A, NULL},
    {"/kubepods/" POD "/" A, RUNTIME_CONTAINERD, A, NULL},
    {"/system.slice/containerd.service/kubepods-burstable-" POD_ ".slice:cri-containerd:" A,
     RUNTIME_CONTAINERD, A, NULL},
    {"/system.slice/nerdctl-" A ".scope", RUNTIME_CONTAINERD, A, NULL},
    {"/default/" A, RUNTIME_CONTAINERD, A, NULL},
    {"/k8s.io/" A, RUNTIME_CONTAINERD, A, NULL},
    /* CRI-O: both drivers; crun makes a cgroup of its own inside. */
    {"/kubepods.slice/kubepods-" POD_ ".slice/crio-" A ".scope", RUNTIME_CRIO, A, NULL},
    {"/kubepods.slice/kubepods-" POD_ ".slice/crio-" A ".scope/container", RUNTIME_CRIO, A,
     "/kubepods.slice/kubepods-" POD_ ".slice/crio-" A ".scope"},
    {"/kubepods/burstable/" POD "/crio-" A, RUNTIME_CRIO, A, NULL},
    /* Podman: both drivers, rootless, in a pod, split. */
    {"/machine.slice/libpod-" A ".scope", RUNTIME_PODMAN, A, NULL},
    {"/machine.slice/libpod-" A ".scope/container", RUNTIME_PODMAN, A,
     "/machine.slice/libpod-" A ".scope"},
    {"/libpod_parent/libpod-" A, RUNTIME_PODMAN, A, NULL},
    {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" A ".scope", RUNTIME_PODMAN,
     A, NULL},
    {"/machine.slice/machine-libpod_pod_" B ".slice/libpod-" A ".scope/container", RUNTIME_PODMAN,
     A, "/machine.slice/machine-libpod_pod_" B ".slice/libpod-" A ".scope"},
    {"/system.slice/nginx.service/libpod-payload-" A, RUNTIME_PODMAN, A, NULL},
    /* LXC 4 and later, 3, 2; Proxmox has a cgroup inside. */
    {"/lxc.payload.web", RUNTIME_LXC, "web", NULL},
    {"/lxc.payload.web/system.slice/nginx.service", RUNTIME_LXC, "web", "/lxc.payload.web"},
    {"/lxc.payload/web", RUNTIME_LXC, "web", NULL},
    {"/lxc/100/ns", RUNTIME_LXC, "100", "/lxc/100"},
    {"/user.slice/lxc.payload.my.web-1", RUNTIME_LXC, "my.web-1", NULL},
    /* systemd-nspawn: from a shell, as a service; names that systemd escapes. */
    {"/machine.slice/machine-web.scope/payload", RUNTIME_NSPAWN, "web", NULL},
    {"/machine.slice/machine-web.scope/payload/init.scope", RUNTIME_NSPAWN, "web",
     "/machine.slice/machine-web.scope/payload"},
    {"/machine.slice/machine-web.scope", RUNTIME_NSPAWN, "web", NULL},
    {"/machine.slice/machine-my\\x2dweb\\x40home.scope/payload", RUNTIME_NSPAWN, "my-web@home",
     NULL},
    {"/machine.slice/systemd-nspawn@my\\x2dweb.service/payload/system.slice/sshd.service",
     RUNTIME_NSPAWN, "my-web", "/machine.slice/systemd-nspawn@my\\x2dweb.service/payload"},
    {"/machine.slice/machine-lxc\\x2d4242\\x2dweb.scope", RUNTIME_LIBVIRT, "4242-web", NULL},
    {"/machine.slice/machine-bad\\x2.scope", RUNTIME_NSPAWN, "bad\\x2", NULL},
    /* One in another: kind, Docker in Docker, Podman in LXC. */
    {"/docker/" A "/docker/" B, RUNTIME_DOCKER, B, NULL},
    {"/docker/" A "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-" POD_
     ".slice/cri-containerd-" B ".scope",
     RUNTIME_CONTAINERD, B, NULL},
    {"/system.slice/docker-" A ".scope/kubelet/kubepods/burstable/" POD "/" B, RUNTIME_CONTAINERD,
     B, NULL},
    {"/lxc.payload.host/machine.slice/libpod-" A ".scope", RUNTIME_PODMAN, A, NULL},
    /* What starts and watches a container in a container belongs to the outer one. */
    {"/docker/" A "/machine.slice/libpod-conmon-" B ".scope", RUNTIME_DOCKER, A, "/docker/" A},
    {"/docker/" A "/machine.slice/machine-web.scope/supervisor", RUNTIME_DOCKER, A, "/docker/" A},
    /* Services, the innermost; a container wins wherever it stands. */
    {"/system.slice/nginx.service", RUNTIME_SYSTEMD, "nginx.service", NULL},
    {"/system.slice/system-getty.slice/getty@tty1.service", RUNTIME_SYSTEMD, "getty@tty1.service",
     NULL},
    {"/user.slice/user-1000.slice/user@1000.service/app.slice/backup\\x2dhome.service",
     RUNTIME_SYSTEMD, "backup\\x2dhome.service", NULL},
    {"/user.slice/user-1000.slice/user@1000.service/app.slice/app-term-42.scope", RUNTIME_SYSTEMD,
     "user@1000.service", "/user.slice/user-1000.slice/user@1000.service"},
    {"/system.slice/nginx.service/runtime", RUNTIME_SYSTEMD, "nginx.service",
     "/system.slice/nginx.service"},
    {"/machine.slice/systemd-nspawn@web.service/supervisor", RUNTIME_SYSTEMD,
     "systemd-nspawn@web.service", "/machine.slice/systemd-nspawn@web.service"},
    {"/docker/" A "/system.slice/nginx.service", RUNTIME_DOCKER, A, "/docker/" A},
};

static const char *const unknown[] = {
    "",
    "/",
    "nginx.service",
    "/init.scope",
    "/user.slice/user-1000.slice/session-4.scope",
    "/system.slice",
    "/.service",
    "/docker",
    "/docker/" A "0",
    "/docker/web",
    "/system.slice/docker-4f797c539e6c.scope",
    "/system.slice/docker-" A,
    "/system.slice/docker-" A ".slice",
    "/system.slice/docker-4F797C539E6C745DE61A93CA3FF892358ECBCACCD8414D5DB545C38428142970.scope",
    "/kubepods.slice/kubepods-" POD_ ".slice",
    "/kubepods.slice/kubepods-" POD_ ".slice/crio-conmon-" A ".scope",
    "/kubepods/" POD "/crio-conmon-" A,
    "/machine.slice/libpod-conmon-" A ".scope",
    "/libpod_parent/conmon",
    "/machine.slice/machine-libpod_pod_" A ".slice",
    "/lxc.monitor.web",
    "/lxc.monitor/web",
    "/lxc.payload.",
    "/lxc.pivot",
    "/machine.slice/machine-web.scope/supervisor",
    "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope",
    "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
    "/machine-web.scope",
    "/machine.slice/machine-.scope",
};

static struct text as_text(const char *string)
{
    return (struct text){string, strlen(string)};
}

static void each_runtime_is_known_by_its_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct container_path found = {.runtime = "stale"};
        if (!container_path_read(as_text(known[i].path), &found))
            fail_msg("%s: no container", known[i].path);
        if (found.runtime != known[i].runtime &&
            (!found.runtime || !known[i].runtime || strcmp(found.runtime, known[i].runtime) != 0))
            fail_msg("%s: runtime %s", known[i].path, found.runtime);
        if (strcmp(found.id, known[i].id) != 0)
            fail_msg("%s: id %s", known[i].path, found.id);
        const char *cgroup = known[i].cgroup ? known[i].cgroup : known[i].path;
        if (found.cgroup != strlen(cgroup) || memcmp(known[i].path, cgroup, found.cgroup) != 0)
            fail_msg("%s: the cgroup is its first %zu bytes", known[i].path, found.cgroup);
    }
}

static void other_paths_are_of_no_container(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        struct container_path found;
        if (container_path_read(as_text(unknown[i]), &found))
            fail_msg("%s: %s %s", unknown[i], found.runtime, found.id);
    }
}

/* Bytes as they come, in a buffer that is exactly as long: the sanitizers see any byte beyond. */
static bool read_bytes(const char *bytes, size_t length, struct container_path *found)
{
    char *copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    char *exact = realloc(copy, length ? length : 1);
    assert_non_null(exact);
    bool is = container_path_read((struct text){exact, length}, found);
    free(exact);
    return is;
}

static void hostile_names_are_taken_as_they_are(void **state)
{
    (void)state;
    struct container_path found;
    char path[600] = "/lxc.payload.";
    size_t prefix = strlen(path);
    assert_true(read_bytes("/lxc.payload.\xff\n\x1b[31m", 19, &found));
    assert_string_equal(found.id, "\xff\n\x1b[31");
    /* A name as long as can be, and one that is longer than any file system has. */
    memset(path + prefix, 'x', sizeof(path) - prefix);
    assert_true(read_bytes(path, 256, &found));
    assert_int_equal(strlen(found.id), 255 - strlen("lxc.payload."));
    assert_false(read_bytes(path, 257, &found));
    assert_false(read_bytes(path, sizeof(path), &found));
    /* An escape that is cut short, an escaped NUL, slashes in a row. */
    assert_true(read_bytes("/machine.slice/machine-a\\x2", 27, &found) == false);
    assert_true(read_bytes("/machine.slice/machine-a\\x00b.scope", 35, &found));
    assert_string_equal(found.id, "ab");
    assert_false(read_bytes("//docker//" A, 10 + 64, &found) && found.runtime);
    /* Nothing behind the end counts. */
    assert_false(read_bytes("/docker/" A, 8 + 63, &found));
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        for (size_t length = 0; length < strlen(known[i].path); length++)
            read_bytes(known[i].path, length, &found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_runtime_is_known_by_its_paths),
        cmocka_unit_test(other_paths_are_of_no_container),
        cmocka_unit_test(hostile_names_are_taken_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
