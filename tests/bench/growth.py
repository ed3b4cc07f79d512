# SPDX-License-Identifier: GPL-3.0-or-later
"""How long questions take, and how that grows with the store: stores of 10^4, 10^5 and 10^6 processes
(--growth 10000,100000,1000000,10000000 for others), replayed from recordings that tests/bench/history
makes. They differ in how much went on, not in what: an answer is of the same size in each, so that a
question that takes longer reads more than its answer. What takes long at 10^7 is to make the store, which
has 6 GB. Warm, in a connection of Python's sqlite3, or by a whole run of spyq."""
import os
import pty
import select
import sqlite3
import statistics
import subprocess
import time

from machine import Figure

RUNS = 7
SECONDS = 0.5  # for one figure: what takes long is asked less often, twice at least
FACTOR = 3     # the most that an answer of the same size may take of the smallest store's time
WINDOW = 300 * 10**9

CONFIG = "[store]\nkeep_days = 0\nmax_mib = 16777216\nreserve_mib = 0\n[rules]\nrun = no\n"

# What the rules' thread would have left: a flag for each two thousand processes, of ten traces a score,
# and who has started what.
JUDGED = (
    "INSERT INTO flags (at, rule, severity, title, process_id, trace_id, flagged_at, host_id) "
    "SELECT started_at, 'rule-' || id % 7, 'medium', 'title', id, trace_id, started_at, 1 "
    "FROM processes WHERE id % 2000 = 999",
    "UPDATE traces SET score = id % 90 + 1, severity = 'medium', flag_count = 1 WHERE id IN "
    "(SELECT trace_id FROM flags LIMIT 10)",
    "INSERT INTO score_reasons (trace_id, flag_id, points, reason) "
    "SELECT trace_id, min(id), 10, 'a rule' FROM flags GROUP BY trace_id",
    "INSERT INTO pairs (kind, a, b, first_at, last_at, count, novel) SELECT 'parent-child', p.exe, c.exe, "
    "min(c.started_at), max(c.started_at), count(*), 0 FROM processes AS c CROSS JOIN processes AS p "
    "ON p.id = c.parent_id WHERE c.exe IS NOT NULL AND p.exe IS NOT NULL GROUP BY p.exe, c.exe",
)


def make(machine, count):
    """A store of so many processes, and how long it took."""
    store, config = machine.fresh(f"growth-{count}.db"), machine.path("growth.conf")
    with open(config, "w", encoding="ascii") as file:
        file.write(CONFIG)
    began = time.monotonic()
    with subprocess.Popen([os.path.join(machine.build, "tests/bench/history"), str(count), str(time.time_ns())],
                          stdout=subprocess.PIPE) as history:
        subprocess.run([os.path.join(machine.build, "spyqd"), "--config", config, "--store", store,
                        "--replay", "/dev/stdin"], stdin=history.stdout, check=True,
                       stdout=subprocess.DEVNULL)
    took = time.monotonic() - began
    connection = sqlite3.connect(store)
    with connection:
        for sql in JUDGED:
            connection.execute(sql)
    connection.close()
    return store, took


class Store:
    """A store, and things in it that can be asked about: they are alike in all."""

    def __init__(self, machine, count):
        self.machine, self.count = machine, count
        self.path, self.took = make(machine, count)
        self.connection = self.connect()
        self.loadable = hasattr(self.connection, "enable_load_extension")
        self.values = self.choose()

    def connect(self):
        return sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)

    def with_functions(self):
        """A connection that has read the schema, and asked nothing yet: it holds no graph in memory."""
        connection = self.connect()
        connection.enable_load_extension(True)
        connection.load_extension(os.path.join(self.machine.build, "spyq.so"))
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        return connection

    def ask(self, sql, *values):
        return self.connection.execute(sql, values).fetchone()

    def choose(self):
        """Of the second last login that was long over, as its neighbours are, and of the middle."""
        trace, shell, since = self.ask(
            "SELECT t.id, p.id, t.started_at FROM traces AS t JOIN processes AS p ON p.trace_id = t.id "
            "WHERE t.kind = 'login' AND t.ended_at IS NOT NULL AND p.exe = '/bin/bash' "
            "ORDER BY t.id DESC LIMIT 1 OFFSET 1")
        last, pid, deep = self.ask("SELECT max(id), max(pid), max(depth) FROM processes WHERE trace_id = ?", trace)
        session, = self.ask("SELECT exe FROM processes WHERE trace_id = ? AND exe GLOB '/srv/session-*' LIMIT 1", trace)
        address, = self.ask("SELECT c.remote_address FROM connections AS c WHERE c.remote_address GLOB '100.*' "
                            "ORDER BY c.id DESC LIMIT 1")
        process, = self.ask("SELECT id FROM processes WHERE trace_id = ? AND depth = ? LIMIT 1", trace, deep)
        return {"process": process, "shell": shell, "last": last, "pid": pid, "exe": session,
                "address": address, "since": since, "until": since + WINDOW, "at": since + WINDOW // 2}

    def spyq(self, *words):
        return [os.path.join(self.machine.build, "spyq"), "--store", self.path, *words]


# What is asked, and the SQL: plain, and with functions of ours.
PLAIN = [
    ("a process by its id", "SELECT * FROM processes WHERE id = :process"),
    ("by pid, the newest", "SELECT * FROM processes WHERE pid = :pid ORDER BY id DESC LIMIT 1"),
    ("by exe, a rare one", "SELECT * FROM processes WHERE exe = :exe ORDER BY started_at DESC"),
    ("by exe, the 20 newest of a common one",
     "SELECT * FROM processes WHERE exe = '/bin/cat' ORDER BY started_at DESC LIMIT 20"),
    ("by remote address", "SELECT * FROM connections WHERE remote_address = :address"),
    ("five minutes of processes", "SELECT id, pid, comm, cmdline FROM processes "
                                  "WHERE started_at BETWEEN :since AND :until"),
    ("five minutes, GROUP BY exe, user", "SELECT exe, user, count(*), min(started_at) FROM processes "
                                         "WHERE started_at BETWEEN :since AND :until GROUP BY exe, user"),
    ("edges by src", "SELECT * FROM edges WHERE src = :shell"),
    ("edges by dst", "SELECT * FROM edges WHERE dst = :process"),
]
FUNCTIONS = [
    ("ancestors, joined to processes", "SELECT a.depth, p.* FROM ancestors(:process) AS a "
                                       "JOIN processes AS p ON p.id = a.process_id"),
    ("descendants of a login's shell, 1,000", "SELECT count(*) FROM descendants(:shell)"),
    ("backward, 6 levels", "SELECT count(*) FROM backward(:process, NULL, 6)"),
]
# Whole runs: from the start of spyq to its end.
RUN = [
    ("spyq, a process by its pid", ["SELECT * FROM processes WHERE pid = {pid} ORDER BY id DESC LIMIT 1"]),
    ("spyq why", ["why", "{last}"]),
    ("spyq impact", ["impact", "{shell}"]),
    ("spyq story", ["story", "{last}"]),
    ("spyq why exe:PATH", ["why", "exe:{exe}"]),
    ("spyq tree", ["tree", "{shell}"]),
    ("spyq ps", ["ps"]),
    ("spyq ps --at", ["--raw-times", "ps", "--at", "{time}"]),
    ("spyq traces --rows 100", ["traces", "--rows", "100"]),
    ("spyq flags --rows 100", ["flags", "--rows", "100"]),
    ("spyq status", ["status"]),
]
# Of these the answer, or what has to be read for it, grows with the store.
GROWING = [
    ("spyq run unusual-parents", ["run", "unusual-parents"]),
    ("spyq run first-seen-programs", ["run", "first-seen-programs"]),
]


def repeat(action, prepare=lambda: None):
    """How long it takes, with what was prepared for it, in milliseconds; the first time is left out."""
    action(prepare())
    times, began = [], time.monotonic()
    while len(times) < 2 or (len(times) < RUNS and time.monotonic() - began < SECONDS):
        prepared = prepare()
        start = time.perf_counter()
        action(prepared)
        times.append((time.perf_counter() - start) * 1000)
    return times


def of_sql(store, sql):
    return repeat(lambda _: store.connection.execute(sql, store.values).fetchall())


def of_function(store, sql):
    """Each on a connection of its own: held in memory, a graph would answer in a tenth of that."""
    return repeat(lambda connection: connection.execute(sql, store.values).fetchall(), store.with_functions)


def of_run(store, words):
    values = dict(store.values, time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(store.values["at"] // 10**9)))
    argv = store.spyq(*(word.format(**values) for word in words))

    def run(_):
        done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise SystemExit(f"bench: {argv}: {done.stderr.decode(errors='replace')}")

    return repeat(run)


def of_prompt(store, _):
    """From the start of spyq on a terminal to its first prompt."""
    def prompt(_):
        child, terminal = pty.fork()
        if child == 0:
            os.environ.update(TERM="dumb", HOME=store.machine.folder, SPYQ_HISTORY="/dev/null")
            os.execv(store.spyq()[0], store.spyq())
        seen = b""
        while not seen.rstrip().endswith(b"spyq>"):
            if not select.select([terminal], [], [], 60)[0]:
                raise SystemExit(f"bench: no prompt: {seen!r}")
            seen += os.read(terminal, 4096)
        os.close(terminal)
        os.waitpid(child, 0)

    return repeat(prompt)


def short(count):
    """10000 as 1e4."""
    return f"{count:.0e}".replace("e+0", "e")


def figures(stores, name, measured, goal):
    """One line for each size, and how much the largest takes of the smallest."""
    times = [measured(store) for store in stores]
    for store, each in zip(stores, times):
        yield Figure(f"{name}, {short(store.count)}", each, "ms")
    least = max(statistics.median(times[0]), 0.001)
    for store, each in list(zip(stores, times))[1:]:
        if store.count >= 10**6 or store is stores[-1]:
            yield Figure(f"{name}, {short(store.count)} / {short(stores[0].count)}",
                         [statistics.median(each) / least], "ratio", goal)


def measure(machine):
    counts = [int(float(count)) for count in machine.options.growth.split(",")]
    stores = [Store(machine, count) for count in counts]
    for store in stores:
        yield Figure(f"a store of {short(store.count)} processes, made", [store.took], "s",
                     note=f"{os.path.getsize(store.path) / 2**20:.0f} MiB")
    asked = [(name, sql, of_sql, FACTOR) for name, sql in PLAIN]
    asked += [(name, sql, of_function, FACTOR) for name, sql in FUNCTIONS if stores[0].loadable]
    asked += [(name, words, of_run, FACTOR) for name, words in RUN]
    asked += [("spyq, to its first prompt", None, of_prompt, FACTOR)]
    asked += [(name, words, of_run, None) for name, words in GROWING]
    for name, what, measured, goal in asked:
        yield from figures(stores, name, lambda store, m=measured, w=what: m(store, w), goal)
