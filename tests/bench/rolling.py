# SPDX-License-Identifier: GPL-3.0-or-later
"""What rolling adds: the recorder's CPU for a process life while its store is full and for each that
comes another has to go, against that while all is kept. Without rules, which would be the most of both."""
from machine import Figure, ask, cpu_seconds, stop, until

NO_RULES = "[rules]\nrun = no\n"
SMALLEST = NO_RULES + "[store]\nmax_mib = 16\n"
ROLLED = "SELECT coalesce(sum(count), 0) FROM losses WHERE class = 'retention'"
FILLS = 1  # so many times the count until the smallest store is full
ROUNDS = 2


def per_life(machine, name, config, full):
    """Microseconds for each life, after as many that fill the store; how many rows went meanwhile."""
    count, store = machine.options.count, machine.fresh(name)
    recorder = machine.recorder(store, config=config)
    machine.load("exec", FILLS * count, 1, machine.nothing)
    if full:
        until(lambda: ask(store, ROLLED) > 0, "the store is full")
    before, gone = cpu_seconds(recorder.pid), ask(store, ROLLED)
    machine.load("exec", count, 1, machine.nothing)
    until(lambda: ask(store, "SELECT count(*) FROM processes WHERE ended_at IS NULL") <= 1, "all is written")
    used, gone = cpu_seconds(recorder.pid) - before, ask(store, ROLLED) - gone
    stop(recorder)
    return used * 1e6 / count, gone / count


def measure(machine):
    kept, rolled, gone = [], [], []
    for _ in range(ROUNDS):
        kept.append(per_life(machine, "kept.db", NO_RULES, False)[0])
        used, rows = per_life(machine, "rolled.db", SMALLEST, True)
        rolled.append(used)
        gone.append(rows)
    yield Figure("all is kept", kept, "us", note="CPU for each life, without rules")
    yield Figure("one goes for each that comes", rolled, "us", note=f"{min(gone):.1f} rows went for each life")
    yield Figure("that, of the first", [r / k for r, k in zip(rolled, kept)], "ratio", 1.2)
