# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorders that are held against each other, behind one interface.

Each is started and stopped around the work; stop() gives the CPU seconds that it has used while the
work ran, its start and end left out. All but spyqd see the whole machine, and each records less.
"""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time

import machine as bench
from machine import cpu_seconds, until

# Programs from packages want tracefs at its usual place; a mount namespace of their own has it there.
IN_TRACEFS = ["unshare", "-m", "sh", "-c",
              '[ -d /sys/kernel/tracing/events ] || mount -t tracefs nodev /sys/kernel/tracing; exec "$@"',
              "sh"]


class Spyqd:
    name = "spyqd"

    def __init__(self, machine):
        self.machine = machine

    @staticmethod
    def missing():
        return None

    def start(self):
        self.store = self.machine.fresh("spyqd.db")
        self.recorder = self.machine.recorder(self.store)
        self.before = cpu_seconds(self.recorder.pid)

    def stop(self):
        """Its writes are done only when it has stopped: all of that is its own time."""
        return bench.stop(self.recorder) - self.before


def descriptors(pid):
    """What a process has open; it may close some of it meanwhile."""
    folder = f"/proc/{pid}/fd"
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(os.path.join(folder, fd))


class Printer:
    """A program that prints a line for each event, into a file."""
    needs = ""
    ready_descriptors = 3  # of perf events and BPF links, once it is attached

    def __init__(self, machine):
        self.machine = machine

    @classmethod
    def missing(cls):
        return None if shutil.which(cls.needs, path=os.environ["PATH"] + ":/usr/sbin") else cls.needs

    def command(self):
        return [self.needs]

    def start(self):
        self.output = self.machine.path(self.name + ".out")
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen([*IN_TRACEFS, *self.command()], stdout=out,
                                            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        until(self.ready, f"{self.name} is attached")
        time.sleep(0.5)
        self.before = cpu_seconds(self.process.pid)

    def ready(self):
        return sum("perf_event" in link or "bpf_link" in link or "bpf-prog" in link
                   for link in descriptors(self.process.pid)) >= self.ready_descriptors

    def stop(self):
        self.settle()
        used = cpu_seconds(self.process.pid) - self.before
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        return used

    def settle(self):
        """Until it has nothing to do any more."""
        last = [-1.0]

        def idle():
            time.sleep(0.3)
            before, last[0] = last[0], cpu_seconds(self.process.pid)
            return last[0] == before
        until(idle, f"{self.name} is idle")


class Execsnoop(Printer):
    name = needs = "execsnoop"


class Tcplife(Printer):
    name = needs = "tcplife"


class Bpftrace(Printer):
    name = needs = "bpftrace"

    def command(self):
        return ["bpftrace", "-B", "full", os.path.join(os.path.dirname(__file__), "peer.bt")]

    ready_descriptors = 6


class Auditd(Printer):
    """auditd with rules for execve, execveat and connect of the work's own user."""
    name = needs = "auditd"
    RULES = ["-a", "always,exit", "-F", "arch=b64", "-S", "execve", "-S", "execveat", "-S", "connect",
             "-F", f"uid={bench.WORK_UID}", "-k", "bench"]

    @classmethod
    def missing(cls):
        if super().missing():
            return cls.needs
        status = cls.audit("-s")
        in_use = re.search(r"^pid [1-9]", status, re.M) or re.search(r"^enabled [1-9]", status, re.M)
        return "a kernel whose audit is not in use" if in_use or "enabled" not in status else None

    @staticmethod
    def audit(*arguments):
        return subprocess.run(["auditctl", *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False).stdout

    def start(self):
        folder = self.machine.path("audit")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.path.join(folder, "auditd.conf"), "w", encoding="ascii") as conf:
            conf.write(f"log_file = {folder}/audit.log\nlog_format = RAW\nlog_group = root\n"
                       "flush = INCREMENTAL_ASYNC\nfreq = 50\nmax_log_file = 500\nq_depth = 1200\n"
                       "max_log_file_action = IGNORE\nspace_left = 75\nspace_left_action = IGNORE\n"
                       "admin_space_left = 50\nadmin_space_left_action = IGNORE\n"
                       "disk_full_action = IGNORE\ndisk_error_action = IGNORE\n")
        self.process = subprocess.Popen(["auditd", "-n", "-c", folder], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        until(lambda: f"pid {self.process.pid}" in self.audit("-s"), "auditd has the kernel's audit")
        for rule in (["-D"], ["-b", "8192"], ["-f", "0"], self.RULES, ["-e", "1"]):
            self.audit(*rule)
        self.before = cpu_seconds(self.process.pid)

    def log(self):
        return os.path.join(self.machine.path("audit"), "audit.log")

    def stop(self):
        self.settle()
        used = cpu_seconds(self.process.pid) - self.before
        self.audit("-D")
        self.audit("-e", "0")
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return used


PEERS = {"exec": [Execsnoop, Bpftrace, Auditd], "connect": [Tcplife, Bpftrace, Auditd]}
