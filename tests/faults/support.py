# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorders that replay, stores that are read meanwhile, and a directory for each test."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

import lives

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bpf"))

from disk import fill  # noqa: E402, F401

DEADLINE = 30.0  # seconds, for what is due at once

build = None
long_run = False
kept = tempfile.TemporaryDirectory(prefix="spyq-faults-kept-")  # recordings, for all tests
alone = False  # in a mount namespace of our own


def set_up(directory, is_long, is_alone):
    global build, long_run, alone
    build, long_run, alone = directory, is_long, is_alone


def program(name):
    return os.path.join(build, name)


def wait_until(condition, seconds=DEADLINE, step=0.01):
    """Polls until condition() is true; returns its last value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(step)


def query(store, sql, *values):
    """All rows, read as any SQLite client would."""
    database = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10)
    try:
        return database.execute(sql, values).fetchall()
    finally:
        database.close()


class Recorder:
    """spyqd with a recording to replay. Its output goes into a file in `directory`."""

    def __init__(self, directory, store, recording, *options, config=""):
        self.store = store
        self.log = os.path.join(directory, "log")
        conf = os.path.join(directory, "conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write("[rules]\nrun = no\n" + config)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program("spyqd"), "--config", conf, "--store", store, "--replay", recording, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def output(self):
        with open(self.log, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()

    def says(self, *words):
        return wait_until(lambda: any(all(word in line for word in words)
                                      for line in self.output().splitlines()))

    def wait(self, seconds=120):
        return self.process.wait(seconds)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Case(unittest.TestCase):
    """A test with a directory of its own."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="spyq-faults-")
        os.chmod(self.directory, 0o755)
        self.addCleanup(shutil.rmtree, self.directory, True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def record(self, recording, *options, store="spyq.db", **how):
        recorder = Recorder(self.directory, self.path(store), recording, *options, **how)
        self.addCleanup(recorder.kill)
        return recorder

    def make(self, recording, *options, **how):
        """Replays to the end, which must go well; the store's path."""
        recorder = self.record(recording, *options, **how)
        self.assertEqual(recorder.wait(), 0, recorder.output())
        return recorder.store

    def lives(self, count, **how):
        """A recording of so many processes."""
        name = os.path.join(kept.name, "-".join(["lives", str(count), *map(str, how.values())]))
        if not os.path.exists(name):
            lives.write(name, count, **how)
        return name

    def mount(self, name, *options, kind="tmpfs", source="tmpfs"):
        """A file system at a directory of the test, made where it is missing; its path."""
        if not alone:
            self.skipTest("no mount namespace of its own")
        where = self.path(name)
        os.makedirs(where, exist_ok=True)
        subprocess.run(["mount", "-t", kind, "-o", ",".join(options), source, where], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", where], check=False,
                        stderr=subprocess.DEVNULL)
        return where

    def spyq(self, store, *arguments, **how):
        return subprocess.run([program("spyq"), "--store", store, *arguments], capture_output=True,
                              stdin=subprocess.DEVNULL, check=False, timeout=120, **how)

    def answer(self, store, *arguments):
        """The rows that the shell gives for SQL or a verb, as dicts."""
        done = self.spyq(store, "--json", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout[:500])
        return json.loads(done.stdout)

    def whole(self, store):
        """What the shell's own checker says; it runs SQLite's as well."""
        done = subprocess.run([program("spyq"), "check", store], capture_output=True, check=False,
                              timeout=120)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr).decode())
