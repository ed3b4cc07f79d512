# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes until a query sees what has just been executed, while there is a storm."""
import sqlite3
import statistics
import subprocess
import threading
import time

from machine import Figure, stop

PROBES = 100
PAUSE = 0.05  # seconds, between two probes
SEEN = "SELECT 1 FROM execs WHERE filename = ?"


def probe(machine, connection, number):
    """Executes something of a name of its own and waits for its row; seconds."""
    name = machine.path(f"probe-{number}")
    subprocess.run(["ln", "-s", machine.nothing, name], check=True)
    began = time.monotonic()
    machine.inside([name])
    while not connection.execute(SEEN, (name,)).fetchone():
        if time.monotonic() - began > 30:
            return 30.0
        time.sleep(0.002)
    return time.monotonic() - began


def probes(machine, store):
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    delays = []
    for number in range(PROBES):
        delays.append(probe(machine, connection, number))
        time.sleep(PAUSE)
    connection.close()
    return delays


def under_storm(machine, store):
    """Delays while another thread's storm goes on, as long as they are taken."""
    done = threading.Event()

    def storm():
        while not done.is_set():
            machine.load("exec", 500, 1, machine.nothing)
    thread = threading.Thread(target=storm)
    thread.start()
    try:
        return probes(machine, store)
    finally:
        done.set()
        thread.join()


def measure(machine):
    store = machine.fresh("latency.db")
    recorder = machine.recorder(store)
    delays = under_storm(machine, store)
    stop(recorder)
    ms = [delay * 1000 for delay in delays]
    yield Figure("until a query sees an exec, storm: median", [statistics.median(ms)], "ms")
    yield Figure("until a query sees an exec, storm: p99", [statistics.quantiles(ms, n=100)[98]], "ms", 500)
