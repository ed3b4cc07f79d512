# SPDX-License-Identifier: GPL-3.0-or-later
"""ancestors() and descendants() against their twins in SQL, on trees of every shape."""
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time

TREES = 60
PROCESSES_MAX = 120


def plant(db, generator):
    """A random forest: shuffled ids, some parents gone, some times unknown or equal, some edges."""
    count = generator.randrange(1, PROCESSES_MAX)
    ids = generator.sample(range(1, 10 * count), count)
    spread = generator.choice([1, 3, count])  # deep, or bushy
    for table in ("processes", "edges"):
        db.execute(f"DELETE FROM {table}")
    for index, process in enumerate(ids):
        parent = generator.choice(ids[max(0, index - spread):index]) if index else None
        if generator.random() < 0.05:
            parent = 10 * count + generator.randrange(5)
        at = generator.choice([None, generator.randrange(5), 1000 + index])
        db.execute("INSERT INTO processes (id, host_id, pid, parent_id, started_at, origin)"
                   " VALUES (?, 1, 1, ?, ?, 'event')", (process, parent, at))
        for _ in range(generator.choice([0, 1, 1, 1, 2])):
            add_edge(db, generator.choice(["fork", "fork", "fork", "connect"]), parent or 0, process,
                     generator.randrange(2000))
    for _ in range(count // 2):
        add_edge(db, generator.choice(["fork", "connect", "file"]), generator.choice(ids),
                 generator.choice(ids), generator.randrange(2000))
    return ids


def add_edge(db, kind, src, dst, at):
    db.execute("INSERT INTO edges (host_id, at, last_at, count, kind, src, dst)"
               " VALUES (1, ?, ?, 1, ?, ?, ?)", (at, at, kind, src, dst))


def compare(db, context, function, process, depth):
    rows = db.execute(f"SELECT * FROM {function}(?, ?)", (process, depth)).fetchall()
    twin = db.execute(context.twins[function], {"id": process}).fetchall()
    if depth is not None:
        twin = [row for row in twin if row[1] <= depth]
    assert rows == twin, (f"seed {context.seed}: {function}({process}, {depth})\n"
                          f"got    {rows}\nwanted {twin}")
    return len(rows)


def check_twins(context):
    generator = random.Random(context.seed)
    db = context.connect(context.empty_store("trees.db"))
    compared = 0
    for _ in range(TREES):
        db.execute("BEGIN")
        ids = plant(db, generator)
        for process in [*generator.sample(ids, min(20, len(ids))), 10 * PROCESSES_MAX + 7]:
            depth = generator.choice([None, None, 0, 1, 3])
            compared += compare(db, context, "ancestors", process, depth)
            compared += compare(db, context, "descendants", process, depth)
        db.execute("COMMIT")
    assert compared > TREES * 20, f"seed {context.seed}: only {compared} rows compared"


def check_lateral(context):
    """One cursor, one search after another: as one query for each."""
    db = context.connect()
    ids = [row[0] for row in db.execute("SELECT id FROM processes ORDER BY id")]
    for function in ("ancestors", "descendants"):
        joined = db.execute(f"SELECT p.id, f.* FROM processes AS p CROSS JOIN {function}(p.id) AS f"
                            " ORDER BY p.id").fetchall()
        single = [(process, *row) for process in ids
                  for row in db.execute(f"SELECT * FROM {function}(?)", (process,))]
        assert joined == single and joined, function


def grow(db, rows):
    db.execute("BEGIN")
    db.executemany("INSERT INTO processes (id, host_id, pid, parent_id, started_at, origin)"
                   " VALUES (?, 1, 1, ?, ?, 'event')", rows)
    db.execute("COMMIT")


def check_fan_out(context):
    count = 100000
    db = context.connect(context.empty_store("fan.db"))
    grow(db, [(1, None, 0), *((i, 1, -i) for i in range(2, count + 2))])
    rows = db.execute("SELECT process_id, depth FROM descendants(1)").fetchall()
    assert rows == [(1, 0), *((i, 1) for i in range(count + 1, 1, -1))]
    assert db.execute("SELECT count(*) FROM processes AS p JOIN descendants(1, 0)").fetchone() == (count + 1,)


def check_depth(context):
    count = 100000
    db = context.connect(context.empty_store("deep.db"))
    grow(db, [(i, i - 1 or None, i) for i in range(1, count + 1)])
    rows = db.execute("SELECT process_id, depth FROM ancestors(?)", (count,)).fetchall()
    assert rows == [(count - i, i) for i in range(count)]
    assert db.execute("SELECT count(*), max(depth) FROM descendants(1)").fetchone() == (count, count - 1)
    chain = db.execute("SELECT chain(?)", (count,)).fetchone()[0]
    assert chain == b"... > " + b" > ".join([b"?"] * 128), chain[:40]


def check_snapshot(context):
    """A recorder that writes while the rows are read: they are of the state at the first row."""
    path = context.empty_store("snapshot.db")
    reader, writer = context.connect(path), context.connect(path)
    grow(writer, [(1, None, 0), (2, 1, 1), (3, 2, 2)])
    cursor = reader.execute("SELECT process_id FROM descendants(1)")
    rows = [cursor.fetchone()]
    writer.executescript("DELETE FROM processes WHERE id = 3")
    grow(writer, [(4, 1, 3), (5, 2, 4)])
    rows += cursor.fetchall()
    assert rows == [(1,), (2,), (3,)], rows
    assert reader.execute("SELECT process_id FROM descendants(1)").fetchall() == [(1,), (2,), (4,), (5,)]


def check_no_lock_left(context):
    """A statement given up half way holds nothing: the store can be checkpointed and closed."""
    path = context.empty_store("lock.db")
    reader, writer = context.connect(path), context.connect(path)
    grow(writer, [(i, i - 1 or None, i) for i in range(1, 50)])
    cursor = reader.execute("SELECT process_id FROM descendants(1)")
    assert cursor.fetchone() == (1,) and cursor.fetchone() == (2,)
    cursor.close()
    busy = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    assert busy == 0, "the reader still holds its snapshot"


def check_interrupt(context):
    db = sqlite3.connect(context.empty_store("interrupt.db"), isolation_level=None,
                         check_same_thread=False)
    db.enable_load_extension(True)
    db.load_extension(context.build.extension)
    grow(db, [(1, None, 0), *((i, i // 2, i) for i in range(2, 200000))])
    timer = threading.Timer(0.05, db.interrupt)
    started = time.monotonic()
    timer.start()
    try:
        db.execute("SELECT count(*) FROM descendants(1), descendants(1)").fetchall()
        raise AssertionError("not interrupted")
    except sqlite3.OperationalError as error:
        assert str(error) == "interrupted", error
    finally:
        timer.cancel()
    assert time.monotonic() - started < 10


def check_memory_limit(context):
    """SQLite's own limit on memory bounds the search, and the connection lives on. The limit is the
    process's and can not be raised again: so in a process of its own."""
    path = context.empty_store("limit.db")
    grow(context.connect(path), [(1, None, 0), *((i, 1, i) for i in range(2, 100000))])
    program = """
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import clients
db = clients.connect(sys.argv[2], sys.argv[3])
db.execute("PRAGMA hard_heap_limit = 4000000")
try:
    print(db.execute("SELECT count(*) FROM descendants(1)").fetchall())
except MemoryError:
    print(db.execute("SELECT count(*) FROM descendants(1, 0)").fetchall())
"""
    here = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run([sys.executable, "-c", program, here, path, context.build.extension],
                          capture_output=True, text=True, timeout=60)
    assert done.stdout == "[(1,)]\n", done.stdout + done.stderr


CHECKS = [
    ("graph: the twins agree on random trees", check_twins),
    ("graph: lateral joins", check_lateral),
    ("graph: 100,000 children", check_fan_out),
    ("graph: 100,000 generations", check_depth),
    ("graph: one state of the store", check_snapshot),
    ("graph: nothing is held by a statement given up", check_no_lock_left),
    ("graph: interrupt", check_interrupt),
    ("graph: memory limit", check_memory_limit),
]
