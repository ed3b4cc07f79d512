# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a recording becomes a store, against a loop that inserts the same rows and does nothing else."""
import os
import sqlite3
import subprocess
import time

from machine import Figure, ask, stop

BATCH = 2000  # rows of one transaction of the bare loop
REPLAYS = 5


def record(machine):
    """A recording of processes and connections; its path."""
    path = machine.path("work.recording")
    recorder = machine.recorder(machine.fresh("ingest.db"), "--record", path)
    for _ in range(3):
        machine.load("exec", machine.options.count, 2, machine.nothing)
        machine.load("connect", machine.options.count)
    stop(recorder)
    return path


def replay(machine, recording):
    """Seconds that a replay into a new store takes."""
    store = machine.fresh("replay.db")
    began = time.monotonic()
    subprocess.run([os.path.join(machine.build, "spyqd"), "--store", store, "--replay", recording],
                   check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def contents(store):
    """(statement, rows) for each table that holds something, and the SQL of all that is in the schema."""
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    connection.text_factory = bytes
    schema = [(kind.decode(), name.decode(), sql.decode()) for kind, name, sql in connection.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'")]
    tables = []
    for _, name, _ in (item for item in schema if item[0] == "table"):
        rows = connection.execute(f'SELECT * FROM "{name}"').fetchall()
        # Text came as bytes; as what it is it goes back.
        rows = [tuple(value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
                      for value in row) for row in rows]
        if rows:
            tables.append((f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(rows[0]))})', rows))
    connection.close()
    return [sql for kind, _, sql in schema if kind in ("table", "index")], tables


def bare(machine, schema, tables):
    """Seconds for the same rows, by a loop of inserts with the same settings."""
    connection = sqlite3.connect(machine.fresh("bare.db"), isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    for sql in schema:
        connection.execute(sql)
    began = time.monotonic()
    for statement, rows in tables:
        for at in range(0, len(rows), BATCH):
            connection.execute("BEGIN")
            connection.executemany(statement, rows[at:at + BATCH])
            connection.execute("COMMIT")
    connection.close()
    return time.monotonic() - began


def measure(machine):
    recording = record(machine)
    replays = [replay(machine, recording)]
    schema, tables = contents(machine.path("replay.db"))
    bares = [bare(machine, schema, tables)]
    for _ in range(REPLAYS - 1):
        replays.append(replay(machine, recording))
        bares.append(bare(machine, schema, tables))
    count = sum(len(rows) for _, rows in tables)
    size = os.path.getsize(machine.path("replay.db"))
    lives = ask(machine.path("replay.db"), "SELECT count(*) FROM processes")
    yield Figure("replay", [count / seconds / 1000 for seconds in replays], "k/s", note=f"{count} rows")
    yield Figure("bare inserts of the same rows", [count / seconds / 1000 for seconds in bares], "k/s")
    yield Figure("replay, of that", [b / r for b, r in zip(bares, replays)], "ratio", -0.7)
    yield Figure("store", [size / 2**20], "MiB", note=f"{lives} processes")
