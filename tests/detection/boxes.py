# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of runc's on the stage, from a bundle with busybox in it."""
import json
import os
import shutil
import subprocess

from harness import wait_until

RUNC = "/usr/sbin/runc"
PROGRAMS = ("sh", "sleep", "true", "nsenter", "ls", "id")


def bundle(stage, name, argv, all_capabilities=False):
    """Makes a bundle; its path on the host of the stage."""
    path = f"/opt/{name}"
    at = stage.path(path)
    os.makedirs(at + "/rootfs/bin")
    shutil.copy(shutil.which("busybox"), at + "/rootfs/bin/busybox")
    for program in PROGRAMS:
        os.symlink("busybox", f"{at}/rootfs/bin/{program}")
    subprocess.run([RUNC, "spec"], cwd=at, check=True)
    with open(at + "/config.json", encoding="utf-8") as file:
        spec = json.load(file)
    spec["process"].update(terminal=False, args=argv)
    spec["linux"]["cgroupsPath"] = f"{stage.cgroup.name}/{name}"
    if all_capabilities:
        spec["linux"]["namespaces"] = [kind for kind in spec["linux"]["namespaces"] if kind["type"] != "pid"]
        for kind in ("bounding", "effective", "permitted"):
            spec["process"]["capabilities"][kind] += ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_CHROOT",
                                                      "CAP_DAC_READ_SEARCH"]
    with open(at + "/config.json", "w", encoding="utf-8") as file:
        json.dump(spec, file)
    return path


def container(stage, name, argv, all_capabilities=False):
    """Runs a container to its end; the pid that its first process had."""
    path = bundle(stage, name, argv, all_capabilities)
    pid_file = path + "/pid"
    runner = stage.start([RUNC, "--root", "/run/runc", "run", "--bundle", path, "--pid-file", pid_file, name],
                         "system.slice/docker.service")
    if not wait_until(lambda: os.path.exists(stage.path(pid_file)) or runner.poll() is not None):
        raise AssertionError("runc has started nothing")
    runner.wait(30)
    with open(stage.path(pid_file), encoding="ascii") as file:
        return int(file.read())
