# SPDX-License-Identifier: GPL-3.0-or-later
"""What a store's pages hold: bytes for each process life, for each edge and for each connection, with
all rows and indexes, and the texts that they share."""
import os
import shutil
import sqlite3

import package
from machine import TOP, WORK_UID, Figure, stop

LIFE = ("process_rows", "exec_rows", "strings", "contexts", "images")
PAGES = ("SELECT coalesce(sum(d.pgsize), 0) FROM dbstat AS d JOIN sqlite_schema AS s ON s.name = d.name"
         " WHERE d.aggregate = TRUE AND s.tbl_name = ?")


class Store:
    def __init__(self, path):
        self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def ask(self, sql, *values):
        return self.connection.execute(sql, values).fetchone()[0]

    def each(self, tables, rows):
        """Bytes of some tables with their indexes, for each of so many rows."""
        return sum(self.ask(PAGES, table) for table in tables) / max(rows, 1)

    def life(self):
        edge = self.each(["edge_rows"], self.ask("SELECT count(*) FROM edges"))
        lives = self.ask("SELECT count(*) FROM processes")
        forks = self.ask("SELECT count(*) FROM edges WHERE kind = 'fork'")
        return self.each(LIFE, lives) + edge * forks / lives, edge, lives

    def texts(self):
        return self.each(["strings"], self.ask("SELECT count(*) FROM processes"))


def recorded(machine, name, work):
    recorder = machine.recorder(machine.fresh(name))
    work()
    stop(recorder)
    return Store(machine.path(name))


def lives(machine, name, work):
    store = recorded(machine, "lives.db", work)
    life, edge, count = store.life()
    execs = store.ask("SELECT count(*) FROM execs") / count
    yield Figure(f"{name}: a process life", [life], "bytes", 150,
                 f"{count} lives, {execs:.1f} execs each; {store.texts():.0f} bytes are texts")
    yield Figure(f"{name}: a further edge", [edge], "bytes", 40)


def build(machine):
    """spyq's own shell, from nothing, by the work's user."""
    target = machine.path("tree")
    os.makedirs(target)
    os.chown(target, WORK_UID, WORK_UID)
    machine.timed(["make", "-s", "-C", TOP, f"BUILD={target}", os.path.join(target, "spyq")])


def web(machine, count):
    """A web server and its client, from where the work's user may read them."""
    script = os.path.join(machine.programs, "web.py")
    shutil.copy(os.path.join(TOP, "tests/bench/web.py"), script)
    machine.inside(["/usr/bin/python3", script, str(count)])


def connections(machine, name, work):
    store = recorded(machine, "connections.db", work)
    ends = store.ask("SELECT count(*) FROM connections")
    size = os.path.getsize(machine.path("connections.db"))
    yield Figure(f"{name}: a connection", [store.each(["connection_rows"], ends)], "bytes", 100, f"{ends} ends")
    yield Figure(f"{name}: the whole store, by connection", [size / max(ends, 1)], "bytes")


def measure(machine):
    count = machine.options.count
    yield from lives(machine, "one program", lambda: machine.load("exec", count, 1, machine.nothing))
    source = package.unpack(machine)
    if source:
        yield from lives(machine, "./configure", lambda: package.configure(machine, source))
    yield from lives(machine, "make (C)", lambda: build(machine))
    yield from connections(machine, "a storm", lambda: machine.load("connect", count))
    yield from connections(machine, "a web server", lambda: web(machine, count // 4))
