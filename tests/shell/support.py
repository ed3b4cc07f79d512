# SPDX-License-Identifier: GPL-3.0-or-later
"""The store that the tests read, the program under test, and a terminal to watch it in."""
import contextlib
import fcntl
import hashlib
import os
import pty
import re
import select
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
APPLICATION_ID = 0x53505951
TIMEOUT = 20  # seconds for anything to happen, also on a loaded machine under a sanitizer
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c;"

program = None
directory = None


def use_build(build):
    global program
    program = os.path.join(os.path.abspath(build), "spyq")
    if not os.access(program, os.X_OK):
        raise SystemExit(f"there is no program {program}: build it first")


def path(name):
    return os.path.join(directory, name)


def read_text(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        return file.read()


def make_store(name, version=3, application=APPLICATION_ID, fixture=True, wal=True):
    """A store in the shape that the recorder makes it."""
    store = sqlite3.connect(path(name))
    store.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
    store.executescript(read_text("sql/schema.sql"))
    for views in ("sql/views.sql", *sorted(os.listdir(os.path.join(TOP, "sql/views")))):
        store.executescript(read_text(views if "/" in views else f"sql/views/{views}"))
    if fixture:
        store.executescript(read_text("tests/shell/fixture.sql"))
    store.execute(f"PRAGMA application_id = {application}")
    store.execute(f"PRAGMA user_version = {version}")
    store.commit()
    store.close()
    return path(name)


@contextlib.contextmanager
def fixture():
    """The directory of the tests, with the store they share in it."""
    global directory
    directory = tempfile.mkdtemp(prefix="spyq-shell-")
    os.chmod(directory, 0o755)
    try:
        make_store("store.db")
        yield
    finally:
        shutil.rmtree(directory)


def store():
    return path("store.db")


def processor_time(pid):
    """Clock ticks that a process has used in user space: whether its query runs."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return int(file.read().rsplit(")", 1)[1].split()[11])


def digest(name):
    with open(name, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def environment(**changes):
    env = {
        "PATH": os.environ["PATH"],
        "HOME": path("home"),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        "PAGER": "",  # none, but for the tests that are about one
        # What a sanitizer finds ends the program with a code that is none of its own.
        "ASAN_OPTIONS": "exitcode=99",
        "UBSAN_OPTIONS": "exitcode=99",
    }
    env.update(changes)
    return {name: value for name, value in env.items() if value is not None}


def spyq(*arguments, stdin="", env=None, on=None, user=None, binary=None):
    """Runs the program to its end; returncode, stdout and stderr as bytes."""
    where = ["--store", on or store()] if on != "" else []
    return subprocess.run(
        [binary or program, *where, *arguments],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=3 * TIMEOUT,
        env=env or environment(),
        user=user,
        check=False,
    )


class Screen:
    """As much of a terminal as the program and readline use."""

    def __init__(self, columns=80, lines=24):
        self.columns, self.lines = columns, lines
        self.rows = [[" "] * columns for _ in range(lines)]
        self.x = self.y = 0
        self.wrap = False
        self.strange = []  # sequences that nothing here expects

    def feed(self, text):
        token = re.compile(r"\x1b\[([?>]?)([\d;]*)([@-~])|\x1b\][^\x07]*\x07|\x1b[=>]|[\s\S]")
        for match in token.finditer(text):
            if match.group(3):
                self.control(match.group(1), match.group(2), match.group(3))
            elif len(match.group(0)) > 1:
                self.strange.append(match.group(0))
            else:
                self.put(match.group(0))

    def control(self, private, numbers, final):
        count = int(numbers) if numbers.isdigit() else 1
        if private or final == "m":
            return
        if final == "K":
            self.rows[self.y][self.x:] = [" "] * (self.columns - self.x)
        elif final == "J":
            self.rows[self.y][self.x:] = [" "] * (self.columns - self.x)
            for row in range(self.y + 1, self.lines):
                self.rows[row] = [" "] * self.columns
        elif final in "ABCD":
            self.x += {"C": count, "D": -count}.get(final, 0)
            self.y += {"A": -count, "B": count}.get(final, 0)
            self.wrap = False
        elif final == "H":
            self.x = self.y = 0
        elif final == "P":
            row = self.rows[self.y]
            self.rows[self.y] = row[: self.x] + row[self.x + count:] + [" "] * count
        elif final == "@":
            row = self.rows[self.y]
            self.rows[self.y] = (row[: self.x] + [" "] * count + row[self.x:])[: self.columns]
        else:
            self.strange.append(final)

    def newline(self):
        self.y += 1
        if self.y == self.lines:
            self.rows = self.rows[1:] + [[" "] * self.columns]
            self.y -= 1

    def put(self, char):
        if char == "\r":
            self.x, self.wrap = 0, False
        elif char == "\n":
            self.newline()
        elif char == "\b":
            self.x = max(0, self.x - 1)
        elif char == "\a":
            pass
        elif char < " " or "\x7f" <= char <= "\x9f":
            self.strange.append(char)
        else:
            if self.wrap:
                self.x, self.wrap = 0, False
                self.newline()
            self.rows[self.y][self.x] = char
            self.wrap = self.x == self.columns - 1
            self.x = min(self.x + 1, self.columns - 1)

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.rows).strip("\n")


class Terminal:
    """The program in a terminal of 80 columns and 24 lines."""

    def __init__(self, *arguments, env=None, columns=80, lines=24, on=None):
        self.size = columns, lines
        self.raw = b""
        self.seen = 0
        where = ["--store", on or store()]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self.set_size(0)
            os.execve(program, [program, *where, *arguments], env or environment())
        self.status = None

    def set_size(self, descriptor):
        columns, lines = self.size
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns, lines):
        self.size = columns, lines
        self.set_size(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def screen(self):
        """What the terminal shows now, without the space at the ends."""
        screen = Screen(*self.size)
        screen.feed(self.raw.decode("utf-8", "replace"))
        assert not screen.strange, f"sent to the terminal: {screen.strange!r}"
        return screen.text()

    def read_some(self, deadline):
        """What has come by now, waiting for it; False at the end of the output."""
        ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError("waited in vain; the screen:\n" + self.screen())
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += data
        return bool(data)

    def wait(self, pattern):
        """Waits until the pattern is in what was written since the last wait."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            match = re.compile(pattern.encode()).search(self.raw, self.seen)
            if match:
                self.seen = match.end()
                return match
            if not self.read_some(deadline):
                raise AssertionError(f"ended without {pattern!r}; the screen:\n"
                                     + self.screen())

    def until(self, check):
        """Waits until check(screen) holds; the screen."""
        deadline = time.monotonic() + TIMEOUT
        while not check(self.screen()):
            if not self.read_some(deadline):
                raise AssertionError("ended; the screen:\n" + self.screen())
        self.seen = len(self.raw)
        return self.screen()

    def type(self, text):
        os.write(self.fd, text.encode())

    def ask(self, line, prompt="spyq> "):
        """Types a line and waits for the prompt after its answer."""
        self.type(line + "\r")
        self.wait(r"\n")
        self.wait(prompt)
        return self.screen()

    def end(self):
        """Waits for the program to end; its exit status."""
        deadline = time.monotonic() + TIMEOUT
        while self.read_some(deadline):
            pass
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status
