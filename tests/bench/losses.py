# SPDX-License-Identifier: GPL-3.0-or-later
"""What is lost when there is much at once, and memory: held against how much work there was."""
import os
import signal
import time

from machine import Figure, ask, lost, memory_bytes, stop

PROCESSES = "SELECT count(*) FROM processes WHERE exe LIKE '%/nothing'"
OUTWARD = "SELECT count(*) FROM connections WHERE direction = 'out'"
IDLE_SECONDS = 14  # what a storm needed is given back some 10 s after it


def account(machine, name, rows, count, work, during=None):
    """Figures of one storm: how fast it was; rows, counted losses, and what neither accounts for."""
    store = machine.fresh("losses.db")
    recorder = machine.recorder(store)
    if during:
        during(recorder, work)
        seconds = None
    else:
        seconds = work()
    after = memory_after(recorder)
    peak = memory_bytes(recorder.pid, "VmHWM") / 2**20
    stop(recorder)
    kept, missed = ask(store, rows), lost(store)
    rate = f"{count / seconds:.0f}/s, " if seconds else ""
    yield Figure(f"{name}: lost", [missed], "", 0, f"{rate}{kept} rows of {count}")
    yield Figure(f"{name}: neither row nor counted", [max(0, count - kept - missed)], "", 0)
    yield Figure(f"{name}: most memory", [peak], "MiB", 64)
    yield Figure(f"{name}: memory, idle again", [after], "MiB", 24)


def memory_after(recorder):
    """Resident MiB once what came has been written and nothing else happens."""
    time.sleep(IDLE_SECONDS)
    return memory_bytes(recorder.pid) / 2**20


def kernel_maps(pid):
    """MiB of the rings and the other maps: the kernel's memory, there whatever is mapped of it."""
    folder = f"/proc/{pid}/fdinfo"
    sizes = {}
    for fd in os.listdir(folder):
        with open(os.path.join(folder, fd), encoding="ascii", errors="replace") as file:
            lines = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        if "map_id" in lines:
            sizes[lines["map_id"]] = int(lines["memlock"])
    return sum(sizes.values()) / 2**20


def while_stopped(recorder, work):
    """Does work while the recorder stands still."""
    os.kill(recorder.pid, signal.SIGSTOP)
    try:
        work()
    finally:
        os.kill(recorder.pid, signal.SIGCONT)


def idle_memory(machine):
    recorder = machine.recorder(machine.fresh("losses.db"))
    idle, kernels = memory_bytes(recorder.pid) / 2**20, kernel_maps(recorder.pid)
    stop(recorder)
    yield Figure("memory after the start", [idle], "MiB", 64)
    yield Figure("the kernel's rings and maps, beside that", [kernels], "MiB")


def measure(machine):
    count = machine.options.count

    def exec_storm():
        return machine.load("exec", count, 2, machine.nothing)

    yield from idle_memory(machine)
    yield from account(machine, "exec storm", PROCESSES, count, exec_storm)
    yield from account(machine, "connect storm", OUTWARD, count, lambda: machine.load("connect", count))
    yield from account(machine, "stopped for an exec storm", PROCESSES, count, exec_storm, while_stopped)
