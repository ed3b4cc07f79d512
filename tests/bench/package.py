# SPDX-License-Identifier: GPL-3.0-or-later
"""A real package's source, for `./configure` and a C build: GNU hello, from the sources that belong
to this machine's own apt mirror, by an apt state of its own; nothing is installed."""
import glob
import os
import shutil
import subprocess

from machine import WORK_UID

NAME = "hello"
APT = """Dir::State "{0}";
Dir::State::status "{0}/status";
Dir::State::lists "{0}/lists";
Dir::Cache "{0}/cache";
Dir::Etc::sourcelist "{0}/sources.list";
Dir::Etc::sourceparts "{0}/parts";
APT::Sandbox::User "root";
"""


def folder(machine):
    return os.path.join(machine.build, "bench-package")


def mirror():
    """(codename, address) of the distribution itself; None where apt does not say."""
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)",
                           "Created-By: Packages"], stdout=subprocess.PIPE, text=True, check=False)
    lines = [line.split() for line in done.stdout.splitlines()]
    return next((tuple(line) for line in lines if len(line) == 2 and line[0].isalpha()), None)


def fetch(target):
    """The source archive's path; None where there is none to be had."""
    found = mirror() if shutil.which("apt-get") else None
    if not found:
        return None
    state = os.path.join(target, "apt")
    for name in ("lists/partial", "cache/archives/partial", "parts"):
        os.makedirs(os.path.join(state, name), exist_ok=True)
    for name, text in (("status", ""), ("apt.conf", APT.format(state)),
                       ("sources.list", f"deb-src {found[1]} {found[0]} main\n")):
        with open(os.path.join(state, name), "w", encoding="utf-8") as file:
            file.write(text)
    environment = dict(os.environ, APT_CONFIG=os.path.join(state, "apt.conf"))
    for command in (["update"], ["source", "--download-only", NAME]):
        if subprocess.run(["apt-get", "-q", *command], env=environment, cwd=target, check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            return None
    return next(iter(glob.glob(os.path.join(target, NAME + "_*.orig.tar.*z"))), None)


def unpack(machine):
    """The path of an unpacked source that the work's user may write; None: not to be had."""
    target = folder(machine)
    os.makedirs(target, exist_ok=True)
    archive = next(iter(glob.glob(os.path.join(target, NAME + "_*.orig.tar.*z"))), None) or fetch(target)
    if not archive:
        shutil.rmtree(target)
        return None
    source = machine.path(NAME)
    os.makedirs(source)
    subprocess.run(["tar", "-C", source, "--strip-components=1", "-xf", archive], check=True)
    subprocess.run(["chown", "-R", f"{WORK_UID}:{WORK_UID}", source], check=True)
    return source


def configure(machine, source):
    return machine.timed(["./configure", "--quiet", "--disable-nls"], cwd=source)


def build(machine, source):
    """A build from nothing; what it takes to clean up is not counted."""
    if not os.path.exists(os.path.join(source, "Makefile")):
        configure(machine, source)
    machine.timed(["make", "clean"], cwd=source)
    return machine.timed(["make"], cwd=source)
