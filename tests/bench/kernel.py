# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel programs themselves take, by the kernel's own statistics of BPF programs."""
import contextlib
import json
import os
import subprocess

from machine import Figure
from peers import Execsnoop, Spyqd

STATS = "/proc/sys/kernel/bpf_stats_enabled"


@contextlib.contextmanager
def statistics_on():
    with open(STATS, encoding="ascii") as file:
        before = file.read()
    try:
        with open(STATS, "w", encoding="ascii") as file:
            file.write("1")
        yield
    finally:
        with open(STATS, "w", encoding="ascii") as file:
            file.write(before)


def held(pid):
    """The ids of the programs that a process holds descriptors or links of."""
    ids = set()
    for entry in os.scandir(f"/proc/{pid}/fdinfo"):
        with open(entry.path, encoding="ascii", errors="replace") as info:
            ids.update(int(line.split()[1]) for line in info if line.startswith("prog_id:"))
    return ids


def programs(pid):
    """{id: (name, runs, ns)} of the programs that a process has loaded."""
    ids = held(pid)
    done = subprocess.run(["bpftool", "--json", "prog", "show"], stdout=subprocess.PIPE, check=True)
    return {program["id"]: (program["name"], program.get("run_cnt", 0), program.get("run_time_ns", 0))
            for program in json.loads(done.stdout) if program["id"] in ids}


def spent(pid, work):
    """{name: (runs, ns)} of a process' programs while work ran."""
    before = programs(pid)
    work()
    sums = {}
    for number, (name, runs, time) in programs(pid).items():
        _, runs_before, time_before = before.get(number, (name, 0, 0))
        got = sums.get(name, (0, 0))
        sums[name] = (got[0] + runs - runs_before, got[1] + time - time_before)
    return sums


def of_spyqd(machine, *work):
    spyqd = Spyqd(machine)
    spyqd.start()
    try:
        return spent(spyqd.recorder.pid, lambda: machine.load(*work))
    finally:
        spyqd.stop()


def of_execsnoop(machine):
    """ns for each exec; None where there is no execsnoop."""
    if Execsnoop.missing():
        return None
    peer = Execsnoop(machine)
    peer.start()
    try:
        sums = spent(peer.process.pid, lambda: machine.load("exec", machine.options.count, 1, machine.nothing))
    finally:
        peer.stop()
    return sum(time for _, time in sums.values()) / machine.options.count


def busiest(sums, most=8):
    """A figure for each of the programs that took most."""
    for name, (runs, time) in sorted(sums.items(), key=lambda item: -item[1][1])[:most]:
        if runs:
            yield Figure(f"{name}: a run", [time / runs], "ns", note=f"{runs} runs")


def measure(machine):
    count = machine.options.count
    with statistics_on():
        sums = of_spyqd(machine, "exec", count, 1, machine.nothing)
        life = sum(time for name, (_, time) in sums.items() if name.startswith("process_")) / count
        exec_alone = of_execsnoop(machine)
        goal = exec_alone and round(exec_alone / 8)
        yield Figure("a process' life: fork, exec, exit", [life], "ns", goal,
                     f"execsnoop takes {exec_alone:.0f} for its exec" if exec_alone else "")
        yield from busiest(sums)
        yield from busiest(of_spyqd(machine, "connect", count))
        yield from busiest(of_spyqd(machine, "udp", 5 * count), 2)
