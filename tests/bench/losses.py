# SPDX-License-Identifier: GPL-3.0-or-later
"""What is lost when there is much at once, and memory: held against how much work there was."""
import os
import signal

from machine import Figure, ask, lost, memory_bytes, stop

PROCESSES = "SELECT count(*) FROM processes WHERE exe LIKE '%/nothing'"
OUTWARD = "SELECT count(*) FROM connections WHERE direction = 'out'"


def account(machine, name, rows, count, work, during=None):
    """Figures of one storm: how fast it was; rows, counted losses, and what neither accounts for."""
    store = machine.fresh("losses.db")
    recorder = machine.recorder(store)
    if during:
        during(recorder, work)
        seconds = None
    else:
        seconds = work()
    peak = memory_bytes(recorder.pid, "VmHWM") / 2**20
    stop(recorder)
    kept, missed = ask(store, rows), lost(store)
    rate = f"{count / seconds:.0f}/s, " if seconds else ""
    yield Figure(f"{name}: lost", [missed], "", 0, f"{rate}{kept} rows of {count}")
    yield Figure(f"{name}: neither row nor counted", [max(0, count - kept - missed)], "", 0)
    yield Figure(f"{name}: most memory", [peak], "MiB", 64)


def while_stopped(recorder, work):
    """Does work while the recorder stands still."""
    os.kill(recorder.pid, signal.SIGSTOP)
    try:
        work()
    finally:
        os.kill(recorder.pid, signal.SIGCONT)


def idle_memory(machine):
    recorder = machine.recorder(machine.fresh("losses.db"))
    idle = memory_bytes(recorder.pid) / 2**20
    stop(recorder)
    return Figure("memory after the start", [idle], "MiB", 64)


def measure(machine):
    count = machine.options.count

    def exec_storm():
        return machine.load("exec", count, 2, machine.nothing)

    yield idle_memory(machine)
    yield from account(machine, "exec storm", PROCESSES, count, exec_storm)
    yield from account(machine, "connect storm", OUTWARD, count, lambda: machine.load("connect", count))
    yield from account(machine, "stopped for an exec storm", PROCESSES, count, exec_storm, while_stopped)
