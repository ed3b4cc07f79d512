# SPDX-License-Identifier: GPL-3.0-or-later
"""How much slower work becomes while it is recorded.

Each pair is one run of the work alone and one with a recorder, in turn, so that a machine whose
speed drifts drifts for both; the ratio is taken pair by pair.
"""
import os

import package
from machine import Figure, ask, lost
from peers import PEERS, Spyqd


class Work:
    """Some work: run() does it and says how long it took; events is how many there are."""

    def __init__(self, name, kind, events, run, goal=None, rows=None):
        self.name, self.kind, self.events, self.run = name, kind, events, run
        self.goal, self.rows = goal, rows


def works(machine):
    count = machine.options.count
    nothing = "SELECT count(*) FROM processes WHERE exe LIKE '%/nothing'"
    outward = "SELECT count(*) FROM connections WHERE direction = 'out' AND protocol = 'tcp'"
    yield Work("exec", "exec", count, lambda: machine.load("exec", count, 1, machine.nothing),
               1.05, nothing)
    yield Work("exec, two at once", "exec", count,
               lambda: machine.load("exec", count, 2, machine.nothing), 1.05, nothing)
    yield Work("connect", "connect", count, lambda: machine.load("connect", count), 1.05, outward)
    yield Work("udp", None, 20 * count, lambda: machine.load("udp", 20 * count))
    source = package.unpack(machine)
    if source:
        yield Work("./configure", "exec", 1, lambda: package.configure(machine, source), 1.02)
        yield Work("make (C)", "exec", 1, lambda: package.build(machine, source), 1.02)


def pairs(machine, work, recorder, runs):
    """Ratios, and the recorder's microseconds of CPU for each event."""
    ratios, cpu = [], []
    for number in range(runs):
        order = (False, True) if number % 2 == 0 else (True, False)
        seconds = {}
        for recorded in order:
            if recorded:
                recorder.start()
            seconds[recorded] = work.run()
            if recorded:
                cpu.append(recorder.stop() / work.events * 1e6)
        ratios.append(seconds[True] / seconds[False])
    return ratios, cpu


def spyqd_figures(machine, work):
    spyqd = Spyqd(machine)
    ratios, cpu = pairs(machine, work, spyqd, machine.options.pairs)
    yield Figure(f"{work.name}: spyqd", ratios, "ratio", work.goal)
    if work.events > 1 and work.kind:
        yield Figure(f"{work.name}: spyqd's CPU for each", cpu, "us", 8 if work.kind == "exec" else 5)
    if work.rows:
        yield Figure(f"{work.name}: rows of the last run", [ask(spyqd.store, work.rows)], "",
                     note=f"of {work.events}; lost {lost(spyqd.store)}")


def peer_figures(machine, work):
    for peer in PEERS.get(work.kind, []):
        missing = peer.missing()
        if missing:
            yield Figure(f"{work.name}: {peer.name}", [float("nan")], "", note=f"left out: no {missing}")
            continue
        ratios, cpu = pairs(machine, work, peer(machine), machine.options.peer_pairs)
        yield Figure(f"{work.name}: {peer.name}", ratios, "ratio")
        if work.events > 1:
            yield Figure(f"{work.name}: {peer.name}'s CPU for each", cpu, "us")


def measure(machine):
    for work in works(machine):
        yield from spyqd_figures(machine, work)
        if machine.options.peer_pairs:
            yield from peer_figures(machine, work)
    if not os.path.isdir(package.folder(machine)):
        yield Figure("./configure", [float("nan")], "", note="left out: no source package to be had")
