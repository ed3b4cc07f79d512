# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQLite clients that the tests run SQL through. Each gives rows of Python values, text as
bytes, or raises SqlError."""
import csv
import os
import re
import shutil
import sqlite3
import subprocess
import sys

CLIENT_SECONDS = 120


class SqlError(Exception):
    """The client refused the SQL; its message is what the client said."""


class Unavailable(Exception):
    """The client is not there, or cannot load this build of the extension."""


TOKEN = re.compile(rb"NULL|[Xx]'([0-9a-fA-F]*)'|'((?:[^']|'')*)'|-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?\d+)?")


def parse_quoted(output):
    """Rows as sqlite3's `.mode quote` prints them."""
    rows, row, at = [], [], 0
    while at < len(output):
        match = TOKEN.match(output, at)
        if not match:
            raise ValueError(f"not a SQL literal: {output[at:at + 40]!r}")
        row.append(literal(match))
        at = match.end()
        if output[at:at + 1] != b",":
            rows.append(row)
            row = []
        at += 1
    return rows


def literal(match):
    token = match.group()
    if token == b"NULL":
        return None
    if match.group(1) is not None:
        return bytes.fromhex(match.group(1).decode())
    if match.group(2) is not None:
        return match.group(2).replace(b"''", b"'")
    return float(token) if b"." in token or b"e" in token else int(token)


def run(command, sql=b"", env=None):
    done = subprocess.run(command, input=sql, capture_output=True, env=env,
                          timeout=CLIENT_SECONDS)
    # By a signal, or by a sanitizer, whatever the exit code.
    said = done.stderr.decode(errors="replace")
    if done.returncode < 0 or "Sanitizer" in said or "runtime error:" in said.lower().replace(
            "runtime error near", ""):
        raise RuntimeError(f"{command[0]} died: {said}")
    return done


class Build:
    """A build directory, and what programs must do to load the extension from it."""

    def __init__(self, directory):
        self.directory = os.path.abspath(directory)
        self.extension = os.path.join(self.directory, "spyq.so")
        if not os.path.exists(self.extension):
            sys.exit(f"sql: no {self.extension}: build it first")
        symbols = open(self.extension, "rb").read()
        self.sanitizers = [name for name, mark in (("address", b"__asan_init"),
                                                   ("undefined", b"__ubsan_handle")) if mark in symbols]
        self.compiler = os.environ.get("CC") or self.recorded_compiler()

    def recorded_compiler(self):
        try:
            return open(os.path.join(self.directory, ".flags")).read().split()[0]
        except (OSError, IndexError):
            return "gcc"

    @staticmethod
    def own_environment():
        """For a program that was built as the extension was."""
        env = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        return dict(env, ASAN_OPTIONS="detect_leaks=1")

    def environment(self):
        """For a program that was not itself built with the sanitizers."""
        env = dict(os.environ)
        if "address" in self.sanitizers:
            library = subprocess.run([self.compiler, "-print-file-name=libasan.so"], text=True,
                                     env=self.own_environment(), capture_output=True).stdout.strip()
            if "/" not in library:
                raise Unavailable(f"{self.compiler} has no shared sanitizer library to preload")
            env["LD_PRELOAD"] = library
            # Python and sqlite3 have leaks of their own; the small client looks for ours.
            env["ASAN_OPTIONS"] = "detect_leaks=0"
        return env


class Sqlite3:
    """The sqlite3 shell, with the loadable extension."""
    name = "sqlite3"

    def __init__(self, build, store):
        if not shutil.which("sqlite3"):
            raise Unavailable("no sqlite3")
        self.command = ["sqlite3", "-batch", "-bail", "-readonly", store]
        self.prologue = f".load {build.extension}\n.mode quote\n".encode()
        self.env = build.environment()

    def query(self, sql):
        done = run(self.command, self.prologue + sql + b"\n;\n", self.env)
        if done.stderr or done.returncode:
            raise SqlError(done.stderr.decode(errors="replace"))
        return parse_quoted(done.stdout)


class Python:
    """Python's sqlite3 module, in a process of its own, with the loadable extension."""
    name = "python"
    program = """
import sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
db.enable_load_extension(True)
db.load_extension(sys.argv[2])
db.text_factory = bytes
try:
    rows = db.execute(sys.stdin.buffer.read().decode()).fetchall()
except sqlite3.Error as error:
    sys.exit(f"error: {error}")
sys.stdout.write(repr(rows))
"""

    def __init__(self, build, store):
        self.command = ["/usr/bin/python3", "-c", self.program, store, build.extension]
        self.env = build.environment()

    def query(self, sql):
        done = run(self.command, sql, self.env)
        if done.returncode:
            raise SqlError(done.stderr.decode(errors="replace"))
        return [list(row) for row in eval(done.stdout)]


class Small:
    """client.c, with the sanitizers that the extension was built with, and leaks looked for."""
    name = "client"

    def __init__(self, build, store, directory):
        program = os.path.join(directory, "client")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "client.c")
        flags = [f"-fsanitize={name}" for name in build.sanitizers]
        subprocess.run([build.compiler, "-std=gnu17", "-D_GNU_SOURCE", "-g", "-Wall", "-Wextra",
                        "-Werror", *flags, "-o", program, source, "-lsqlite3"], check=True, env=build.own_environment())
        self.command = [program, store, build.extension]
        self.env = build.own_environment()
        self.oom_command = lambda store: [program, "--oom", store, build.extension]

    def query(self, sql):
        done = run(self.command, sql, self.env)
        if done.returncode:
            raise SqlError(done.stderr.decode(errors="replace"))
        return parse_quoted(done.stdout)

    def out_of_memory(self, sql, store):
        """Runs the SQL on that store with each of its allocations failing; returns how many there were."""
        done = run(self.oom_command(store), sql, self.env)
        if done.returncode:
            raise SqlError(done.stderr.decode(errors="replace"))
        return int(done.stdout.split()[0])


class Spyq:
    """spyq itself, with the extension built in. In CSV, NULL and '' read alike and all is text."""
    name = "spyq"

    def __init__(self, build, store):
        self.program = os.path.join(build.directory, "spyq")
        if not os.path.exists(self.program):
            raise Unavailable(f"no {self.program}")
        self.env = build.own_environment()
        self.command = [self.program, "--store", store, "--csv", "--raw-times"]

    def query(self, sql):
        done = run([*self.command, sql.decode()], env=self.env)
        if done.returncode:
            raise SqlError(f"exit code {done.returncode}: " + done.stderr.decode(errors="replace"))
        return [[as_csv(field) for field in row]
                for row in list(csv.reader(done.stdout.decode().splitlines()))[1:]]


def as_csv(value):
    """The value as CSV can show it."""
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else str(value)


def connect(store, extension):
    """A connection of this process, for the tests that need more than one query on it."""
    db = sqlite3.connect(store, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(extension)
    db.enable_load_extension(False)
    db.text_factory = bytes
    return db
