# SPDX-License-Identifier: GPL-3.0-or-later
"""The table functions of the graph against their twins in SQL, on graphs of every shape."""
import os
import random
import re
import sqlite3
import subprocess
import sys
import threading
import time

TREES = 60
GRAPHS = 400
KINDS = ["fork", "connect", "unix", "pipe", "file", "fdpass", "ptrace", "inject", "signal", "runtime"]
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


def cut(rows, rows_max):
    if rows_max is None or len(rows) <= rows_max:
        return rows
    last = rows[rows_max - 1]
    return [*rows[:rows_max - 1], last and (*last[:7], b"rows", *last[8:])]


def compare(db, context, function, values, twin_values, rows_max=None):
    """One question to both. The twin has no limit of rows: it is cut here."""
    twin_values = dict(dict.fromkeys(("id", "src", "dst", "at", "max_depth", "kinds", "hubs")), **twin_values)
    rows = db.execute(f"SELECT * FROM {function}({','.join('?' * len(values))})", values).fetchall()
    twin = db.execute(context.twins[function], twin_values).fetchall()
    if function == "story":
        effects = [row for row in twin if row[8] == b"effect"]
        # The process itself counts as a row of either, and is told once.
        twin = cut(twin[:len(twin) - len(effects)], rows_max) + cut([None, *effects], rows_max)[1:]
    else:
        twin = cut(twin, rows_max)
    assert rows == twin, (f"seed {context.seed}: {function}{values}\n"
                          f"got    {rows}\nwanted {twin}\n{dump(db)}")
    return len(rows)


def dump(db):
    """A small graph, as SQL to try the question on by hand."""
    if db.execute("SELECT count(*) FROM processes").fetchone()[0] > 30:
        return ""
    rows = [f"INSERT INTO processes (id, host_id, pid, parent_id, started_at, origin, exe) VALUES {row};"
            for row in db.execute("SELECT id, 1, pid, parent_id, started_at, 'event', exe FROM processes")]
    rows += [f"INSERT INTO edges VALUES {row};" for row in db.execute("SELECT * FROM edges")]
    return "\n".join(rows).replace("None", "NULL").replace("b'", "'")


class Sources:
    """Asks the same twice: of the statements, which alone are used within a transaction that writes,
    and of the graph in memory, which a connection makes after some searching."""

    def __init__(self, db):
        self.db = db
        self.inner = []
        self.asked = self.in_memory = self.rows = 0

    def ask(self, plant, questions):
        """plant writes the graph. Each of the questions compares, and returns a number of rows."""
        self.db.execute("BEGIN")
        plant()
        for question in questions:
            self.rows += question()
        self.db.execute("COMMIT")
        self.db.execute("SELECT count(*) FROM processes, forward(processes.id)").fetchall()
        self.db.execute("SELECT count(*) FROM processes, backward(processes.id)").fetchall()
        for question in questions:
            self.db.set_trace_callback(self.inner.append)
            question()
            self.db.set_trace_callback(None)
            self.asked += 1
            self.in_memory += not any(re.search("FROM processes AS child", sql) for sql in self.inner
                                      if "RECURSIVE" not in sql)
            self.inner.clear()


def tree_questions(db, context, generator, ids):
    def question(process, depth, rows, function):
        return lambda: compare(db, context, function, (process, depth, rows),
                               {"id": process, "max_depth": depth}, rows)
    return [question(process, generator.choice([None, None, 0, 1, 3]), generator.choice([None, None, 1, 3]),
                     function)
            for process in [*generator.sample(ids, min(20, len(ids))), 10 * PROCESSES_MAX + 7]
            for function in ("ancestors", "descendants")]


def check_trees(context):
    generator = random.Random(context.seed)
    sources = Sources(context.connect(context.empty_store("trees.db")))
    for _ in range(TREES):
        seed, ids = generator.random(), []
        sources.db.execute("BEGIN")
        ids = plant(sources.db, random.Random(seed))
        sources.db.execute("ROLLBACK")
        sources.ask(lambda: plant(sources.db, random.Random(seed)),
                    tree_questions(sources.db, context, generator, ids))
    assert sources.rows > TREES * 20, f"seed {context.seed}: only {sources.rows} rows compared"
    assert sources.in_memory > sources.asked / 4, f"{sources.in_memory} of {sources.asked} from memory"


EXES = [None, None, "/usr/bin/bash", "/usr/bin/bash", "/tmp/cron", "/usr/sbin/cron", "/usr/bin/apt-get",
        "/opt/x/containerd-shim-runc-v2", "/opt/x/apt"]


def tangle(db, generator):
    """Few processes and few times: cycles, equal times, edges that end before others begin."""
    ids = generator.sample(range(1, 99), generator.randrange(1, 12))
    times = generator.choice([3, 8, 20])
    for table in ("processes", "edges"):
        db.execute(f"DELETE FROM {table}")
    for process in ids:
        parent = generator.choice([None, generator.choice(ids), generator.choice(ids), 100])
        started_at = generator.choice([None, *[generator.randrange(times)] * 3])
        db.execute("INSERT INTO processes (id, host_id, pid, parent_id, started_at, origin, exe)"
                   " VALUES (?, 1, ?, ?, ?, 'event', ?)",
                   (process, generator.choice([1, 7, 7, 7, 7, 7]), parent, started_at, generator.choice(EXES)))
        if generator.random() < 0.7 and parent:
            add_edge(db, "fork", parent, process, generator.randrange(times))
    for _ in range(generator.randrange(3 * len(ids))):
        at = generator.randrange(times)
        db.execute("INSERT INTO edges (host_id, at, last_at, count, kind, src, dst, open)"
                   " VALUES (1, ?, ?, 1, ?, ?, ?, ?)",
                   (at, at + generator.choice([0, 0, 1, times]), generator.choice(KINDS),
                    generator.choice([*ids, *ids, 100]), generator.choice([*ids, *ids, 100]),
                    generator.choice([0, 0, 0, 1])))
    return ids, times


def crowd(db, generator):
    """Many peers, just enough for a hub or one too few, in either direction."""
    ids, times = tangle(db, generator)
    for hub in generator.sample(ids, min(2, len(ids))):
        inward, kind = generator.random() < 0.5, generator.choice(["connect", "unix"])
        for peer in range(1000, 1000 + generator.choice([31, 32, 33])):
            db.execute("INSERT OR IGNORE INTO processes (id, host_id, pid, origin) VALUES (?, 1, 7, 'event')",
                       (peer,))
            ends = (peer, hub) if inward else (hub, peer)
            for _ in range(generator.choice([1, 1, 2])):
                add_edge(db, kind, *ends, generator.randrange(times // 2))
    return [*ids, 1000], times


def graph_questions(db, context, generator, ids, times, depths=None):
    """One question of each function; with depths, none goes deeper."""
    process, other = generator.choice(ids), generator.choice([*ids, *ids, 77])
    at = generator.choice([None, generator.randrange(-1, times + 1)])
    depth = generator.randrange(depths) if depths else generator.choice([None, None, 0, 1, 2, 3])
    kinds = generator.choice([None, None, ",".join(generator.sample(KINDS, generator.randrange(1, 6)))])
    hubs, rows = generator.choice([None, "stop", "follow"]), generator.choice([None, None, 1, 2, 5])
    # No way is longer than there are processes.
    limits = {"at": at, "max_depth": len(ids) + 1 if depth is None else depth, "kinds": kinds, "hubs": hubs}
    values = (process, at, depth, kinds, rows, hubs)
    return [lambda: compare(db, context, "backward", values, {"id": process, **limits}, rows),
            lambda: compare(db, context, "forward", values, {"id": process, **limits}, rows),
            lambda: compare(db, context, "story", values, {"id": process, **limits}, rows),
            lambda: compare(db, context, "path", (process, other, at, depth, kinds, hubs),
                            {"src": process, "dst": other, **limits})]


def check_graphs(context):
    generator = random.Random(context.seed)
    sources = Sources(context.connect(context.empty_store("graphs.db")))
    for number in range(GRAPHS):
        make, seed = tangle if number % 10 else crowd, generator.random()
        sources.db.execute("BEGIN")
        ids, times = make(sources.db, random.Random(seed))
        sources.db.execute("ROLLBACK")
        questions = [question for _ in range(8)
                     for question in graph_questions(sources.db, context, generator, ids, times)]
        sources.ask(lambda: make(sources.db, random.Random(seed)), questions)
    assert sources.rows > GRAPHS * 20, f"seed {context.seed}: only {sources.rows} rows compared"
    assert sources.in_memory > sources.asked / 4, f"{sources.in_memory} of {sources.asked} from memory"


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


CHANGES = [
    "INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst) VALUES (500, 1, 7, 7, 1, 'pipe', 1, 9)",
    "UPDATE edges SET last_at = 90 WHERE id = 500",
    "UPDATE edges SET open = 1 WHERE id = 500",
    "UPDATE edges SET dst = 8 WHERE id = 500",
    "INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst) VALUES (400, 1, 1, 99, 1, 'unix', 9, 1)",
    "INSERT INTO processes (id, host_id, pid, parent_id, origin) VALUES (60, 1, 1, 9, 'event')",
    "UPDATE processes SET parent_id = 2, started_at = 50 WHERE id = 60",
    "UPDATE processes SET exe = '/usr/sbin/cron' WHERE id = 8",
    "DELETE FROM edges WHERE id = 400",
    "DELETE FROM processes WHERE id = 9",
]


def warm(db):
    for _ in range(3):
        db.execute("SELECT count(*) FROM processes, forward(processes.id), backward(processes.id)").fetchall()


def assert_current(db, context):
    for function in ("backward", "forward"):
        for process in range(1, 61):
            compare(db, context, function, (process, 60, 12), {"id": process, "at": 60, "max_depth": 12})


def check_live(context):
    """Whatever is written between two calls, by whomever: committed or not, the answer has it."""
    path = context.empty_store("live.db")
    reader, writer = context.connect(path), context.connect(path)
    grow(writer, [(1, None, 0), *((i, i - 1, i) for i in range(2, 60))])
    for number, change in enumerate(CHANGES):
        warm(reader)
        assert_current(reader, context)
        (writer if number % 2 else reader).execute(change)
        assert_current(reader, context)
        warm(reader)
        reader.execute("BEGIN")
        reader.execute("UPDATE processes SET parent_id = 1 WHERE id > 5")
        assert_current(reader, context)
        reader.execute("ROLLBACK")
        assert_current(reader, context)
    warm(reader)
    # What is temporary hides the public names, not what they stand for.
    rows = reader.execute("SELECT * FROM forward(1)").fetchall()
    reader.execute("CREATE TEMP TABLE edges AS SELECT * FROM edges WHERE kind = 'none'")
    assert reader.execute("SELECT * FROM forward(1)").fetchall() == rows
    reader.execute("DROP TABLE temp.edges")
    assert_current(reader, context)


class Recorder:
    """Writes as the recorder does: without triggers, and noting what it wrote."""

    def __init__(self, db, generator, times):
        self.db, self.generator, self.times = db, generator, times
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'"
                                  " AND tbl_name LIKE '%\\_rows' ESCAPE '\\'").fetchall():
            db.execute(f"DROP TRIGGER {name.decode()}")
        self.number = 0
        self.processes, self.edges = list(range(1, 60, 2)), list(range(1, 60, 2))
        # Many more, so that the graph in memory is not made anew after each few changes.
        grow(db, [(i, None, 0) for i in (*self.processes, *range(5000, 8000))])
        self.write([self.add_edge(edge) for edge in list(self.edges)])

    def write(self, written):
        """(process, edge): what one transaction wrote."""
        processes, edges = ([row[i] for row in written if row[i]] for i in (0, 1))
        self.number += 1
        self.db.execute("INSERT INTO changes (id, processes, edges) VALUES (?, ?, ?)",
                        [self.number, *(str(ids).replace(" ", "") if ids else None for ids in (processes, edges))])

    def any_process(self):
        return self.generator.choice([*self.processes, *self.processes, 62])

    def add_edge(self, edge=None):
        edge = edge or self.generator.choice([max(self.edges) + 1, *range(1, 60)])
        at = self.generator.randrange(self.times)
        self.db.execute("INSERT OR REPLACE INTO edges (id, host_id, at, last_at, count, kind, src, dst, open)"
                        " VALUES (?, 1, ?, ?, 1, ?, ?, ?, ?)",
                        (edge, at, at + self.generator.choice([0, 3]), self.generator.choice(KINDS),
                         self.any_process(), self.any_process(), self.generator.choice([0, 0, 1])))
        self.edges.append(edge)
        return None, edge

    def change_edge(self):
        edge = self.generator.choice(self.edges)
        change = self.generator.choice(["last_at = last_at + 2", "open = NOT open", "dst = ?2", "src = ?2"])
        self.db.execute(f"UPDATE edges SET {change} WHERE id = ?1 OR ?2 IS NULL", (edge, self.any_process()))
        return None, edge

    def add_process(self):
        process = self.generator.choice([61, 62, *range(2, 60, 2), *range(8000, 8010)])
        self.db.execute("INSERT OR REPLACE INTO processes (id, host_id, pid, parent_id, started_at, origin, exe)"
                        " VALUES (?, 1, 7, ?, ?, 'event', ?)",
                        (process, self.any_process(), self.generator.choice([None, 1, 5]),
                         self.generator.choice(EXES)))
        self.processes.append(process)
        return process, None

    def change_process(self):
        process = self.generator.choice(self.processes)
        change = self.generator.choice(["parent_id = ?2", "started_at = ?2 % 9", "exe = '/usr/sbin/cron'",
                                        "exe = NULL"])
        self.db.execute(f"UPDATE processes SET {change} WHERE id = ?1 AND ?2", (process, self.any_process()))
        return process, None

    def other(self):
        """Somebody else writes, and the trigger does what it does."""
        self.db.execute("BEGIN")
        for act in (self.change_edge, self.change_process, self.change_process):
            act()
        self.db.execute("DELETE FROM changes")
        self.db.execute("COMMIT")

    def batch(self):
        acts = [self.add_edge, self.change_edge, self.change_edge, self.add_process, self.change_process]
        self.db.execute("BEGIN")
        self.write([self.generator.choice(acts)() for _ in range(self.generator.randrange(5))])
        self.db.execute("COMMIT")


def check_recorded(context):
    """The graph in memory is kept current by what the recorder notes, and seldom made anew."""
    path = context.empty_store("recorded.db")
    reader, generator = context.connect(path), random.Random(context.seed)
    recorder = Recorder(context.connect(path), generator, 9)
    reader.execute("SELECT count(*) FROM processes, forward(processes.id)").fetchall()
    made, asked, in_memory, inner = 0, 0, 0, []
    for number in range(150):
        if number % 15 == 14:
            recorder.other()
        recorder.batch()
        reader.set_trace_callback(inner.append)
        for question in graph_questions(reader, context, generator, recorder.processes[-40:], 9, 4):
            question()
            made += any("ORDER BY id" in sql for sql in inner if sql.startswith("-- SELECT id, at +"))
            in_memory += not any("FROM main.process_rows AS child" in sql for sql in inner if "RECURSIVE" not in sql)
            asked += 1
            inner.clear()
        reader.set_trace_callback(None)
    assert made < asked / 20, f"seed {context.seed}: made {made} times in {asked} questions"
    assert in_memory > asked / 10, f"seed {context.seed}: {in_memory} of {asked} from memory"


def check_two_states(context):
    """A statement half read keeps to its state, while its connection writes and asks again."""
    path = context.empty_store("states.db")
    db = context.connect(path)
    grow(db, [(1, None, 0), *((i, i - 1, i) for i in range(2, 60))])
    warm(db)
    cursor = db.execute("SELECT process_id FROM forward(1)")
    rows = [cursor.fetchone() for _ in range(3)]
    db.execute("INSERT INTO processes (id, host_id, pid, parent_id, origin) VALUES (99, 1, 1, 1, 'event')")
    warm(db)
    assert db.execute("SELECT count(*) FROM forward(1)").fetchone() == (60,)
    rows += cursor.fetchall()
    assert rows == [(i,) for i in range(1, 60)], rows
    warm(db)
    assert db.execute("SELECT count(*) FROM forward(1)").fetchone() == (60,)


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
    ("graph: the twins agree on random trees", check_trees),
    ("graph: the twins agree on random graphs", check_graphs),
    ("graph: lateral joins", check_lateral),
    ("graph: 100,000 children", check_fan_out),
    ("graph: 100,000 generations", check_depth),
    ("graph: one state of the store", check_snapshot),
    ("graph: what is written between two calls", check_live),
    ("graph: what the recorder writes", check_recorded),
    ("graph: two states on one connection", check_two_states),
    ("graph: nothing is held by a statement given up", check_no_lock_left),
    ("graph: interrupt", check_interrupt),
    ("graph: memory limit", check_memory_limit),
]
