# SPDX-License-Identifier: GPL-3.0-or-later
"""What every benchmark needs: a cgroup for the work, the work itself, spyqd, and figures."""
import json
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "bpf"))

import harness  # noqa: E402

WORK_UID = 65533  # whose the work is, so that a recorder can be told to look at nobody else


def cpu_seconds(pid):
    """User and system time of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid, name="VmRSS"):
    """Resident memory of a process; VmHWM is the most it ever had."""
    return int(harness.proc_status(pid)[name].split()[0]) * 1024


def until(condition, what, seconds=60):
    """Waits for a condition, or ends the benchmark and says what did not come."""
    if not harness.wait_until(condition, seconds):
        sys.exit(f"bench: still not after {seconds} s: {what}")


class Figure:
    """One line of a table: the values of several runs. A goal is the most that is wanted, or,
    negative, the least."""

    def __init__(self, name, values, unit, goal=None, note=""):
        self.name, self.values, self.unit, self.goal, self.note = name, list(values), unit, goal, note

    @property
    def median(self):
        return statistics.median(self.values)

    def verdict(self):
        if self.goal is None:
            return ""
        met = self.median >= -self.goal if self.goal < 0 else self.median <= self.goal
        bound = f">= {-self.goal:g}" if self.goal < 0 else f"<= {self.goal:g}"
        return f"{bound} {'ok' if met else 'NOT MET'}"

    def line(self):
        spread = f"({min(self.values):.4g} - {max(self.values):.4g})" if len(self.values) > 1 else ""
        return (f"  {self.name:42} {self.median:10.4g} {self.unit:6} {spread:22} "
                f"{self.verdict():18} {self.note}").rstrip()

    def record(self):
        return {"name": self.name, "unit": self.unit, "median": self.median, "values": self.values,
                "goal": self.goal, "note": self.note}


class Machine:
    """The build under test, a folder for everything, and a cgroup for the work."""

    def __init__(self, build, options):
        self.build, self.options = os.path.abspath(build), options
        harness.Build.directory = self.build
        self.folder = tempfile.mkdtemp(prefix="spyq-bench-")
        os.chmod(self.folder, 0o755)
        self.cgroup = harness.Cgroup.top()
        # To where that user may run them, and no rule wonders about them.
        self.programs = tempfile.mkdtemp(prefix="spyq-bench-", dir="/run")
        os.chmod(self.programs, 0o755)
        for name in ("load", "nothing"):
            shutil.copy(os.path.join(self.build, "tests/bench", name), self.programs)
        self.nothing = os.path.join(self.programs, "nothing")

    def close(self):
        self.cgroup.remove()
        shutil.rmtree(self.folder, True)
        shutil.rmtree(self.programs, True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def fresh(self, name):
        """A path of a store that is not there."""
        for suffix in ("", "-wal", "-shm", ".lock"):
            if os.path.exists(self.path(name) + suffix):
                os.unlink(self.path(name) + suffix)
        return self.path(name)

    def become_work(self):
        self.cgroup.enter()
        os.setgroups([])
        os.setgid(WORK_UID)
        os.setuid(WORK_UID)

    def inside(self, argv, **how):
        """Runs a command inside the cgroup, as the work's user, to its end."""
        # pylint: disable-next=subprocess-popen-preexec-fn
        return subprocess.run(argv, preexec_fn=self.become_work, stdin=subprocess.DEVNULL,
                              check=True, **how)

    def load(self, *arguments):
        """Runs the helper `load` inside; how long it says that it took, in seconds."""
        done = self.inside([os.path.join(self.programs, "load"), *map(str, arguments)], stdout=subprocess.PIPE)
        return float(done.stdout)

    def timed(self, argv, **how):
        """Runs a command inside; how long it took from outside, in seconds."""
        began = time.monotonic()
        self.inside(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **how)
        return time.monotonic() - began

    def recorder(self, store, *options, config="", cgroup=True):
        """A spyqd that is ready; the caller stops it."""
        return harness.Recorder(store, self.cgroup.path if cgroup else None, *options,
                                config=config).wait_ready()


def stop(recorder):
    """Stops a recorder; the CPU seconds that it has used in all."""
    recorder.process.send_signal(signal.SIGTERM)
    _, status, usage = os.wait4(recorder.pid, 0)
    recorder.process.returncode = os.waitstatus_to_exitcode(status)
    if recorder.process.returncode != 0:
        sys.exit("bench: the recorder did not end well:\n" + recorder.output())
    return usage.ru_utime + usage.ru_stime


def ask(store, sql, *values):
    """The first value of a query's first row."""
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        return connection.execute(sql, values).fetchone()[0]
    finally:
        connection.close()


def lost(store):
    """What a store says was lost, without what is no event: time, history."""
    return ask(store, "SELECT coalesce(sum(count), 0) FROM losses "
               "WHERE class NOT IN ('down', 'clock', 'retention')")


def describe():
    """What was measured on: for the head of the results."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpus:
        model = next((line.partition(":")[2].strip() for line in cpus
                      if line.startswith("model name")), "unknown")
    return {"kernel": os.uname().release, "processors": os.cpu_count(), "model": model,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def dump(path, subjects):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": describe(), "subjects": subjects}, file, indent=1)
        file.write("\n")
