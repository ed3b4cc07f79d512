# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a person waits for one process, by its pid, among many: spyq, and ausearch."""
import os
import subprocess
import time

from machine import Figure, ask
from peers import Auditd, Spyqd

RUNS = 5


def seconds(argv):
    began = time.monotonic()
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL, check=False)
    if not done.stdout:
        raise SystemExit(f"bench: {argv[0]} has not found it")
    return time.monotonic() - began


def spyq(machine):
    recorder = Spyqd(machine)
    recorder.start()
    machine.load("exec", machine.options.count, 1, machine.nothing)
    recorder.stop()
    pid = ask(recorder.store, "SELECT pid FROM processes ORDER BY id LIMIT 1 OFFSET ?", machine.options.count // 2)
    query = f"SELECT * FROM processes WHERE pid = {pid}"
    argv = [os.path.join(machine.build, "spyq"), "--store", recorder.store, query]
    return [seconds(argv) for _ in range(RUNS)]


def ausearch(machine):
    peer = Auditd(machine)
    peer.start()
    machine.load("exec", machine.options.count, 1, machine.nothing)
    peer.stop()
    with open(peer.log(), encoding="utf-8", errors="replace") as log:
        pids = [line.partition(" pid=")[2].split()[0] for line in log if "type=SYSCALL" in line]
    argv = ["ausearch", "-if", peer.log(), "-p", pids[len(pids) // 2]]
    return [seconds(argv) for _ in range(RUNS)]


def measure(machine):
    ours = spyq(machine)
    yield Figure("spyq, a process by its pid", [value * 1000 for value in ours], "ms")
    if Auditd.missing():
        yield Figure("ausearch -p", [float("nan")], "ms", note=f"left out: no {Auditd.missing()}")
        return
    theirs = ausearch(machine)
    yield Figure("ausearch -p, the same", [value * 1000 for value in theirs], "ms")
    yield Figure("ausearch, of spyq's time", [b / a for a, b in zip(ours, theirs)], "ratio", -100)
