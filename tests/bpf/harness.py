# SPDX-License-Identifier: GPL-3.0-or-later
"""The harness of the real-kernel tests: cgroups, a recorder, its store, actors, a base test case.

The recorder runs outside the cgroup that it records; each test runs its processes in a child
cgroup of its own, which is killed and removed after the test. Nothing here sleeps and hopes:
every wait is for a condition, with a deadline.
"""
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
DEADLINE = 15.0  # seconds; for what is due within half of one
SLOW = float(os.environ.get("SPYQ_TEST_SLOW", "1"))  # this machine: all deadlines are so much longer
TIER = os.environ.get("SPYQ_TEST_TIER", "full")  # base: the full tier is switched off
PYTHON = "/usr/bin/python3"


class Build:
    """Where the build's products are; set once, by the runner."""
    directory = None

    @classmethod
    def program(cls, name):
        return os.path.join(cls.directory, name)

    @classmethod
    def helper(cls, name):
        return os.path.join(cls.directory, "tests/bpf/helpers", name)


def wait_until(condition, seconds=DEADLINE):
    """Polls until condition() is true; returns its last value."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.02)


# ---- cgroups ----

def cgroup_mount():
    """The mount point of the v2 hierarchy, whose root must be the hierarchy's own; None: none."""
    with open("/proc/self/mountinfo") as mounts:
        for line in mounts:
            left, _, right = line.partition(" - ")
            if right.split()[0] == "cgroup2" and left.split()[3] == "/":
                return left.split()[4].encode().decode("unicode_escape")
    return None


class Cgroup:
    """A v2 cgroup, made on construction; `path` is in the file system, `name` below the mount."""

    def __init__(self, path):
        self.path = path
        self.name = path[len(cgroup_mount()):]
        os.mkdir(path)

    @classmethod
    def top(cls):
        template = f"spyq-test-{os.getpid()}-{time.monotonic_ns() // 1000000}"
        return cls(os.path.join(cgroup_mount(), template))

    def child(self, name):
        return Cgroup(os.path.join(self.path, name))

    def enter(self):
        """Moves the calling process in."""
        with open(os.path.join(self.path, "cgroup.procs"), "w") as procs:
            procs.write("0")

    def add(self, pid):
        with open(os.path.join(self.path, "cgroup.procs"), "w") as procs:
            procs.write(str(pid))

    def populated(self):
        with open(os.path.join(self.path, "cgroup.events")) as events:
            return "populated 1" in events.read()

    def remove(self):
        """Kills what is left inside and removes the cgroup with its children."""
        if not os.path.isdir(self.path):
            return
        with open(os.path.join(self.path, "cgroup.kill"), "w") as kill:
            kill.write("1")
        wait_until(lambda: not self.populated())
        for directory, _, _ in os.walk(self.path, topdown=False):
            os.rmdir(directory)


# ---- the store ----

def show(rows, most=12):
    """Rows as text for a failure message: one a line, NULLs left out, long values cut."""
    lines = []
    for row in rows[:most]:
        fields = (f"{name}={repr(row[name])[:160]}" for name in row if row[name] is not None)
        lines.append("  " + " ".join(fields))
    if len(rows) > most:
        lines.append(f"  ... and {len(rows) - most} more")
    return "\n".join(lines) or "  (no rows)"


def argv_of(row):
    """The arguments of an exec row, as bytes."""
    return [item.encode("utf-8", "surrogateescape") for item in json.loads(row["argv"])]


class Store:
    """Reads a store as any SQLite client may, live or not."""

    def __init__(self, path):
        self.path = path

    def rows(self, sql, *values):
        """Every row as a dict; text by surrogateescape, so that any byte comes through."""
        if not os.path.exists(self.path):
            return []
        store = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5 * SLOW)
        store.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        store.row_factory = lambda cursor, row: {
            column[0]: value for column, value in zip(cursor.description, row)}
        try:
            return store.execute(sql, values).fetchall()
        finally:
            store.close()

    def wait(self, sql, *values, until=bool, seconds=DEADLINE):
        """Polls until `until(rows)`; returns the rows of the last poll, whatever they are."""
        last = []

        def condition():
            last[:] = self.rows(sql, *values)
            return until(last)
        wait_until(condition, seconds)
        return list(last)

    def dump(self, table):
        return self.rows(f"SELECT * FROM {table} ORDER BY id")


# ---- the recorder ----

class Recorder:
    """One run of spyqd. Its output is kept for failure messages."""

    def __init__(self, store, cgroup, *options, config="", prefix=(), environment=None,
                 program=None):
        self.store = Store(store)
        self.lines = []
        self.ready = False
        config_file = store + ".conf"
        with open(config_file, "w") as file:
            file.write("[capture]\nfull_tier = no\n" if TIER == "base" else "")
            file.write(config)
        command = [*prefix, program or Build.program("spyqd"), "--store", store, "--config", config_file]
        if cgroup is not None:
            command += ["--cgroup", cgroup]
        self.process = subprocess.Popen(
            command + list(options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment)
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
            if self.lines[-1].endswith("spyqd: ready"):
                self.ready = True

    def wait_ready(self, seconds=30):
        wait_until(lambda: self.ready or self.process.poll() is not None, seconds)
        if not self.ready:
            self.kill()
            raise AssertionError(f"spyqd is not ready (exit {self.process.returncode}):\n"
                                 + self.output())
        return self

    def output(self):
        return "\n".join("  " + line for line in self.lines[-40:]) or "  (no output)"

    def says(self, words, seconds=DEADLINE):
        """Waits for a line of output that holds each of the words."""
        return wait_until(lambda: any(all(word in line for word in words)
                                      for line in list(self.lines)), seconds)

    def wait(self, seconds=30):
        """Waits for the end; the exit status."""
        try:
            status = self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"spyqd did not end within {seconds * SLOW} s:\n" + self.output())
        self.reader.join(5 * SLOW)
        return status

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(5 * SLOW)


# ---- actors ----

class ActorError(Exception):
    def __init__(self, text, number):
        super().__init__(text)
        self.errno = number


class Actor:
    """The test's end of an actor (actor.py)."""

    def __init__(self, pid, channel, process=None):
        self.pid = pid
        self.channel = channel
        self.process = process  # where the harness is its parent

    @classmethod
    def start(cls, cgroup, prefix=()):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        process = subprocess.Popen(
            [*prefix, PYTHON, "-I", "-S", os.path.join(HERE, "actor.py"), str(theirs.fileno())],
            stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], preexec_fn=cgroup.enter)
        theirs.close()
        ours.settimeout(30 * SLOW)
        actor = cls(process.pid, ours, process)
        actor.pid = actor.do("os.getpid()")
        return actor

    def _send(self, source):
        # Odd characters only stand in literals: escaped, they survive the compiler.
        source = source.encode("ascii", "backslashreplace").decode()
        self.channel.send(json.dumps({"do": source}).encode())

    def _reply(self):
        message = self.channel.recv(1 << 18)
        if not message:
            raise ActorError("the actor ended", None)
        reply = json.loads(message)
        if "error" in reply:
            raise ActorError(reply["error"], reply["errno"])
        return reply["value"]

    def do(self, source):
        """Runs source in the actor; the value where it is an expression."""
        self._send(source)
        return self._reply()

    def call(self, function, *args, **kwargs):
        return self.do(f"{function}(*{args!r}, **{kwargs!r})")

    def fork(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(30 * SLOW)
        socket.send_fds(self.channel, [b'{"fork": true}'], [theirs.fileno()])
        theirs.close()
        pid = self._reply()
        child = Actor(pid, ours)
        child._reply()
        return child

    def leave(self, source):
        """Runs source that ends the actor or execs: waits for the other end to close."""
        self._send(source)
        message = self.channel.recv(1 << 18)
        if message:
            raise AssertionError(f"the actor did not leave: {message[:500]!r}")

    def run(self, path, *argv, **how):
        """Spawns a child that runs path with argv[0] = path, waits for it: (pid, wait's word)."""
        pid = self.call("spawn", path, [path, *argv], **how)
        return pid, self.call("reap", pid)

    def end(self):
        self.channel.close()
        if self.process:
            self.process.wait(10 * SLOW)


# ---- the base of every test ----

class Case(unittest.TestCase):
    """A test with a temporary directory and a way to clean up in the right order."""
    maxDiff = 2000

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="spyq-bpf-")
        os.chmod(self.directory, 0o755)
        self.addCleanup(shutil.rmtree, self.directory, True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def one(self, rows, what):
        self.assertEqual(len(rows), 1, f"{what}: {len(rows)} rows instead of one\n{show(rows)}")
        return rows[0]

    def none(self, rows, what):
        if rows:
            self.fail(f"{what}: {len(rows)} rows\n{show(rows)}")

    def same(self, row, **columns):
        """Compares columns of a row with what the oracle says; shows the row."""
        wrong = [f"{name} is {row[name]!r:.400}, the oracle says {value!r:.400}"
                 for name, value in columns.items() if row[name] != value]
        if wrong:
            self.fail("\n".join(wrong) + "\nin\n" + show([row]))

    def same_argv(self, row, wanted):
        """Compares argv byte for byte; wanted is a list of bytes."""
        got = argv_of(row)
        if got == wanted:
            return
        at = next((i for i, pair in enumerate(zip(got, wanted)) if pair[0] != pair[1]),
                  min(len(got), len(wanted)))
        self.fail(f"argv has {len(got)} elements of {[len(arg) for arg in got][:20]} bytes, the "
                  f"oracle says {len(wanted)} of {[len(arg) for arg in wanted][:20]}; element {at} "
                  f"is {got[at:at + 1]!r:.300}, not {wanted[at:at + 1]!r:.300}, in\n{show([row])}")

    def soon(self, condition, what):
        """Waits for a condition of the test's own making."""
        self.assertTrue(wait_until(condition), f"still not: {what}")


class RecordedCase(Case):
    """A test of what is recorded. The recorder is shared by all such tests, and started by the
    first; each runs its processes in a cgroup of its own."""
    top = None
    recorder = None
    shared = None

    @classmethod
    def start_shared(cls):
        RecordedCase.top = Cgroup.top()
        RecordedCase.shared = tempfile.mkdtemp(prefix="spyq-bpf-shared-")
        RecordedCase.recorder = Recorder(os.path.join(cls.shared, "spyq.db"), cls.top.path)
        RecordedCase.recorder.wait_ready()

    @staticmethod
    def stop_shared():
        """Called by the runner at the very end."""
        if RecordedCase.recorder:
            RecordedCase.recorder.kill()
        if RecordedCase.top:
            RecordedCase.top.remove()
        if RecordedCase.shared:
            shutil.rmtree(RecordedCase.shared, True)

    def setUp(self):
        super().setUp()
        if RecordedCase.recorder is None:
            self.start_shared()
        if self.recorder.process.poll() is not None:
            self.fail("the shared recorder has ended:\n" + self.recorder.output())
        self.store = self.recorder.store
        self.cgroup = self.top.child(self._testMethodName)
        self.addCleanup(self.cgroup.remove)
        self.began = time.time_ns()
        self.losses_before = len(self.store.rows("SELECT id FROM losses"))

    # -- starting things --

    def actor(self, cgroup=None, **how):
        actor = Actor.start(cgroup or self.cgroup, **how)
        self.addCleanup(actor.end)
        return actor

    def start(self, argv, cgroup=None, **how):
        """Starts a command inside the cgroup; its parent, the harness, is outside."""
        how.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(argv, preexec_fn=(cgroup or self.cgroup).enter, **how)

        def clean():
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        self.addCleanup(clean)
        return process

    def facts(self, stream, count):
        """Reads `count` lines of a name and a number, as the C helpers print them."""
        lines = (stream.readline().split() for _ in range(count))
        return {line[0].decode(): int(line[1]) for line in lines if line}

    def hold(self, actor=None, argv=(), **how):
        """Runs the helper `hold` and waits until it holds: a Held."""
        return Held(self, actor or self.actor(), list(argv), how)

    # -- asking the store --

    def processes(self, pid):
        return self.store.rows("SELECT * FROM processes WHERE pid = ? AND (ended_at IS NULL OR "
                               "ended_at >= ?) ORDER BY id", pid, self.began)

    def process(self, pid, until=lambda row: True):
        """The one row of a process of this test, once there is one and until(row) holds."""
        rows = []

        def condition():
            rows[:] = self.processes(pid)
            return len(rows) == 1 and until(rows[0])
        if wait_until(condition):
            return rows[0]
        self.one(rows, f"process with pid {pid}")
        self.fail(f"the row of pid {pid} is not as awaited:\n{show(rows)}")

    def ended(self, pid):
        return self.process(pid, lambda row: row["ended_at"] is not None)

    def execs(self, pid, count):
        """The exec rows of a process, once there are that many or more."""
        row = self.process(pid)
        rows = self.store.wait("SELECT * FROM execs WHERE process_id = ? ORDER BY at, id",
                               row["id"], until=lambda rows: len(rows) >= count)
        self.assertEqual(len(rows), count, f"execs of pid {pid}:\n{show(rows)}")
        return rows

    def exec(self, pid):
        return self.execs(pid, 1)[0]

    def fence(self):
        """Returns once everything that has ended or happened before the call is in the store."""
        process = self.start(["/bin/true", "fence"])
        process.wait()
        self.ended(process.pid)

    def no_losses(self):
        rows = self.store.rows("SELECT * FROM losses")
        self.assertEqual(len(rows), self.losses_before, f"losses:\n{show(rows)}")


class Held:
    """A process that waits inside the cgroup until it is released."""

    def __init__(self, case, actor, argv, how):
        self.case, self.actor = case, actor
        program = how.pop("program", Build.helper("hold"))
        self.report = case.path(f"hold-{time.monotonic_ns()}")
        actor.do(f"report = os.open({self.report!r}, os.O_CREAT | os.O_RDWR)")
        fds = how.pop("fds", "{1: report}")
        options = "".join(f", {name}={value}" for name, value in how.items())
        self.before = time.time_ns()
        self.pid = actor.do(f"spawn({program!r}, {[program, *argv]!r}, fds={fds}{options})")
        self.after = time.time_ns()
        case.soon(self.holds, f"pid {self.pid} runs hold (its report: {self.said()!r})")

    def said(self):
        with open(self.report) as report:
            return dict(line.split(None, 1) for line in report)

    def holds(self):
        """Whether it has said so: from then on SIGTERM waits for it."""
        return "begin" in self.said()

    def time(self, what):
        """When it said so, ns."""
        return int(self.said()[what].split()[1])

    def release(self):
        """Lets it end; what wait said."""
        os.kill(self.pid, signal.SIGTERM)
        return self.actor.call("reap", self.pid)


def proc_status(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
