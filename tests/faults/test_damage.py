# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no store, or no longer one: left as it is, moved aside on demand, saved as far as it can be
read."""
import glob
import hashlib
import os
import random
import shutil
import sqlite3
import subprocess

from support import Case, program, query

PAGE = 4096
LIVES = 3000


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def pages(store, name):
    """The numbers of the pages that hold rows of a table, or entries of an index."""
    done = subprocess.run(["sqlite3", store, "SELECT pageno FROM dbstat WHERE name = "
                           f"'{name}' AND pagetype = 'leaf' ORDER BY path"],
                          capture_output=True, check=True)
    return [int(line) for line in done.stdout.split()]


def overwrite(store, numbers, seed=1):
    noise = random.Random(seed)
    with open(store, "r+b") as file:
        for number in numbers:
            file.seek((number - 1) * PAGE)
            file.write(noise.randbytes(PAGE))


def foreign(path):
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE precious (x)")
    database.commit()
    database.close()


def text(path):
    with open(path, "w", encoding="ascii") as file:
        file.write("not a database at all\n" * 1000)


def empty(path):
    with open(path, "wb"):
        pass


class InTheWay(Case):
    """Files at the store's path that no recorder may write over."""

    def cut(self, path):
        shutil.copy(self.make(self.lives(500), store="whole.db"), path)
        os.truncate(path, os.path.getsize(path) // 2 // PAGE * PAGE)

    def newer(self, path):
        shutil.copy(self.make(self.lives(10), store="other.db"), path)
        database = sqlite3.connect(path)
        database.execute("PRAGMA user_version = 999")
        database.execute("PRAGMA journal_mode = DELETE")
        database.close()

    def refused(self, path, says):
        before = digest(path)
        recorder = self.record(self.lives(10), store=os.path.basename(path))
        self.assertEqual(recorder.wait(), 1, recorder.output())
        self.assertRegex(recorder.output(), f"^spyqd: {path}: .*({says}).*\n$")
        self.assertEqual(digest(path), before)

    def moved(self, path):
        before = digest(path)
        recorder = self.record(self.lives(10), "--move-aside", store=os.path.basename(path))
        self.assertEqual(recorder.wait(), 0, recorder.output())
        self.assertIn("moved aside", recorder.output())
        aside, = [name for name in glob.glob(path + ".aside-*") if name.endswith("Z")]
        self.assertEqual(digest(aside), before)
        self.whole(path)
        self.assertEqual(query(path, "SELECT count(*) FROM processes"), [(11,)])

    def test_left_and_moved(self):
        for make, says, shell in ((foreign, "another program's database", "another program's"),
                                  (text, "not a database", "no SQLite database"),
                                  (empty, "an empty file", "it is empty"),
                                  (self.cut, "cut|damaged|malformed|short", "malformed"),
                                  (self.newer, "newer spyq", "newer spyq")):
            name = make.__name__
            with self.subTest(name):
                path = self.path(f"{name}.db")
                make(path)
                self.refused(path, says)
                done = self.spyq(path, "SELECT count(*) FROM processes")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(shell, done.stderr.decode())
                self.moved(path)


class Damage(Case):
    """Bytes in the middle of a store are overwritten while nobody has it open."""

    def test_found_while_writing(self):
        """The recorder ends, says why, and the next leaves the store alone, or moves it aside."""
        store = self.make(self.lives(LIVES))
        overwrite(store, pages(store, "execs_by_time")[-1:])
        recorder = self.record(self.lives(LIVES))
        self.assertEqual(recorder.wait(), 1)
        self.assertRegex(recorder.output(), r"^spyqd: \d+ rows could not be written: .*malformed\n$")
        with open(store + "-damaged", encoding="ascii") as note:
            self.assertIn("malformed", note.read())
        self.refused_and_moved(store)

    def refused_and_moved(self, store):
        before = digest(store)
        recorder = self.record(self.lives(LIVES))
        self.assertEqual(recorder.wait(), 1)
        self.assertRegex(recorder.output(), f"^spyqd: {store}: it was found damaged .*{store}-damaged "
                         "says\n$")
        recorder = self.record(self.lives(LIVES), "--move-aside")
        self.assertEqual(recorder.wait(), 0, recorder.output())
        self.whole(store)
        self.assertEqual(query(store, "SELECT count(*) FROM processes"), [(LIVES + 1,)])
        aside, = [name for name in glob.glob(store + ".aside-*") if name.endswith("Z")]
        self.assertTrue(os.path.exists(aside + "-damaged"))
        self.assertFalse(os.path.exists(store + "-damaged"))
        self.assertEqual(digest(aside), before, "the damaged store was written")

    def test_found_after_a_boot(self):
        """All that the last boot left alive is looked for when the next begins."""
        store = self.make(self.lives(LIVES))
        overwrite(store, pages(store, "process_rows")[1:2])
        recorder = self.record(self.lives(LIVES, boot="b2"))
        self.assertEqual(recorder.wait(), 1, recorder.output())
        self.assertRegex(recorder.output(), "^spyqd: .*malformed\n$")
        self.refused_and_moved(store)

    def test_found_while_rolling(self):
        """What can not be rolled away would make the store grow without a bound."""
        store = self.make(self.lives(20000, text=400))
        overwrite(store, pages(store, "exec_rows")[:1])
        recorder = self.record(self.lives(LIVES, boot="b2"), config="[store]\nmax_mib = 16\n")
        self.assertEqual(recorder.wait(), 1, recorder.output())
        self.assertRegex(recorder.output(), "spyqd: .*cannot roll.*malformed\n$")
        self.refused_and_moved(store)

    def test_a_note_about_another_file(self):
        """A store that was put in the place of the damaged one is not refused."""
        store = self.make(self.lives(10))
        with open(store + "-damaged", "w", encoding="ascii") as note:
            note.write("1\nmalformed\n")
        self.make(self.lives(10))
        self.assertFalse(os.path.exists(store + "-damaged"))


def varint(data, at):
    """A number as SQLite stores it, and where the next one begins."""
    value = 0
    for i in range(9):
        byte = data[at + i]
        if i == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7f
        if byte < 0x80:
            return value, at + i + 1
    raise AssertionError


def ids_in(store, number):
    """The ids of the rows in a leaf of a table, out of the file's bytes."""
    with open(store, "rb") as file:
        file.seek((number - 1) * PAGE)
        page = file.read(PAGE)
    assert page[0] == 0x0d, "no leaf of a table"
    count = int.from_bytes(page[3:5], "big")
    cells = (int.from_bytes(page[8 + 2 * i:10 + 2 * i], "big") for i in range(count))
    return {varint(page, varint(page, cell)[1])[0] for cell in cells}


class Salvage(Case):
    """What is in pages that can be read comes out of a damaged store; the oracle is the file itself,
    byte by byte."""

    def salvaged(self, store, whole):
        """Ids of the processes that come out; each must be as it was, and the new store whole."""
        done = subprocess.run([program("spyq"), "salvage", store, "-o", self.path("saved.db")],
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        rows = {row[0]: row for row in query(self.path("saved.db"), "SELECT * FROM processes")}
        self.assertLessEqual(rows.items(), whole.items())
        self.assertEqual(query(self.path("saved.db"), "PRAGMA integrity_check"), [("ok",)])
        os.unlink(self.path("saved.db"))
        return set(rows)

    def test_all_that_can_be_read(self):
        store = self.make(self.lives(LIVES))
        whole = {row[0]: row for row in query(store, "SELECT * FROM processes")}
        for suffix in ("-wal", "-shm"):
            os.unlink(store + suffix)
        leaves = pages(store, "process_rows")
        self.assertGreater(len(leaves), 10)
        others = pages(store, "exec_rows") + pages(store, "processes_by_pid")
        for what, numbers in (("two leaves", leaves[3:5]), ("every other leaf", leaves[::2]),
                              ("the first leaf", leaves[:1]), ("the last leaf", leaves[-1:]),
                              ("none of its own", others)):
            with self.subTest(what):
                damaged = self.path("damaged.db")
                shutil.copy(store, damaged)
                overwrite(damaged, numbers)
                gone = set().union(*(ids_in(store, number) for number in numbers
                                     if number in leaves))
                self.assertEqual(bool(gone), numbers is not others)
                self.assertEqual(self.salvaged(damaged, whole), set(whole) - gone)
