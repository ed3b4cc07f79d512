# SPDX-License-Identifier: GPL-3.0-or-later
"""The store cannot be harmed from SQL, and is read as it is being written."""
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import unittest

import support
from support import digest, make_store, path, spyq, store

NOBODY = 65534

REFUSED = {
    "INSERT INTO hosts (id) VALUES (9)": "INSERT",
    "UPDATE processes SET comm = 'x'": "UPDATE",
    "DELETE FROM processes": "DELETE",
    "REPLACE INTO hosts (id) VALUES (1)": "INSERT",
    "CREATE TABLE t (a)": "CREATE, DROP or ALTER",
    "CREATE TEMP TABLE t (a)": "CREATE, DROP or ALTER",
    "CREATE TEMP VIEW v AS SELECT 1": "CREATE, DROP or ALTER",
    "CREATE VIRTUAL TABLE t USING fts5(a)": "CREATE, DROP or ALTER",
    "DROP TABLE hosts": "CREATE, DROP or ALTER",
    "DROP VIEW gaps": "CREATE, DROP or ALTER",
    "ALTER TABLE hosts RENAME TO guests": "ALTER TABLE",
    "ATTACH '{new}' AS other": "ATTACH",
    "DETACH main": "DETACH",
    "VACUUM;": "ATTACH and VACUUM",
    "VACUUM INTO '{new}'": "ATTACH and VACUUM",
    "REINDEX;": "REINDEX",
    "ANALYZE;": "ANALYZE",
    "BEGIN;": "a transaction",
    "SAVEPOINT a": "SAVEPOINT",
    "PRAGMA writable_schema = 1": "PRAGMA writable_schema",
    "PRAGMA journal_mode = DELETE": "PRAGMA journal_mode",
    "PRAGMA query_only = 0": "PRAGMA query_only",
    "PRAGMA user_version = 7": "PRAGMA user_version",
    "PRAGMA wal_checkpoint(TRUNCATE)": "PRAGMA wal_checkpoint",
    "PRAGMA trusted_schema = 1": "PRAGMA trusted_schema",
    "PRAGMA locking_mode = EXCLUSIVE": "PRAGMA locking_mode",
    "PRAGMA temp_store_directory = '/'": "PRAGMA temp_store_directory",
    "SELECT load_extension('{new}')": "the function load_extension",
}

ALLOWED = [
    "SELECT * FROM processes, descendants(processes.id) LIMIT 1",
    "EXPLAIN QUERY PLAN SELECT * FROM processes WHERE pid = 1",
    "PRAGMA table_info(processes)",
    "SELECT * FROM pragma_index_list('listeners')",
    "PRAGMA user_version",
    "PRAGMA integrity_check",
    "SELECT * FROM json_each('[1, 2]')",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 9) SELECT * FROM c",
    "SELECT comm, row_number() OVER (ORDER BY id) FROM processes",
    "VALUES (1), (2)",
]


class Guard(unittest.TestCase):
    def test_what_is_refused(self):
        before = digest(store())
        new = path("new.db")
        for sql, name in REFUSED.items():
            with self.subTest(sql=sql):
                result = spyq(sql.format(new=new))
                self.assertEqual((result.returncode, result.stdout), (1, b""))
                self.assertIn(f"only reads the store and does not allow {name}".encode(),
                              result.stderr)
                self.assertFalse(os.path.exists(new))
        self.assertEqual(digest(store()), before)

    def test_refused_by_sqlite_itself(self):
        before = digest(store())
        for sql, words in {
                "UPDATE sqlite_schema SET sql = ''": b"may not be modified",
                "INSERT INTO sqlite_dbpage VALUES (1, x'00')": b"may not be modified",
                "SELECT writefile('/tmp/x', 'y')": b"no such function: writefile",
                "SELECT readfile('/etc/passwd')": b"no such function: readfile",
                "SELECT edit('x')": b"no such function: edit"}.items():
            with self.subTest(sql=sql):
                result = spyq(sql)
                self.assertEqual(result.returncode, 1)
                self.assertTrue(words in result.stderr or b"does not allow" in result.stderr
                                or b"no such table" in result.stderr, result.stderr)
        self.assertEqual(digest(store()), before)

    def test_what_is_allowed(self):
        for sql in ALLOWED:
            with self.subTest(sql=sql):
                result = spyq(sql)
                self.assertEqual((result.returncode, result.stderr), (0, b""))
                self.assertGreater(result.stdout.count(b"\n"), 1)

    def test_memory_has_a_bound(self):
        result = spyq("SELECT zeroblob(300000000)")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"too big", result.stderr)

    def test_a_store_of_traps(self):
        """A view that calls what it should not, in a store from somewhere else."""
        name = make_store("traps.db")
        db = sqlite3.connect(name)
        db.execute("CREATE VIEW trap AS SELECT load_extension('/tmp/x') AS a")
        db.commit()
        db.close()
        result = spyq("SELECT * FROM trap", on=name)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"load_extension", result.stderr)


class Live(unittest.TestCase):
    def test_reading_while_another_process_writes(self):
        name = make_store("live.db")
        script = (
            "import sqlite3, sys\n"
            "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
            "db.execute('PRAGMA wal_autocheckpoint = 20')\n"
            "db.execute('PRAGMA synchronous = OFF')\n"
            "n = 0\n"
            "print('ready', flush=True)\n"
            "while True:\n"
            "    n += 1\n"
            "    db.execute('BEGIN IMMEDIATE')\n"
            "    for half in (0, 1):\n"
            "        db.execute('INSERT INTO losses (id, started_at, ended_at, class, stage) '\n"
            "                   'VALUES (?, 1, 2, ?, ?)',\n"
            "                   (100 + 2 * n + half, 'a', 'b'))\n"
            "    db.execute('COMMIT')\n")
        writer = subprocess.Popen(["/usr/bin/python3", "-c", script, name],
                                  stdout=subprocess.PIPE)
        try:
            self.assertEqual(writer.stdout.readline(), b"ready\n")
            counts = []
            for _ in range(25):
                result = spyq("SELECT count(*) AS n FROM losses WHERE class = 'a'", on=name)
                self.assertEqual((result.returncode, result.stderr), (0, b""))
                counts.append(int(result.stdout.split()[1]))
            self.assertEqual([n % 2 for n in counts], [0] * len(counts))
            self.assertEqual(counts, sorted(counts))
            self.assertGreater(counts[-1], counts[0])
            self.assertIsNone(writer.poll())
        finally:
            writer.kill()
            writer.wait()
            writer.stdout.close()

    def test_a_waiting_reader_does_not_hold_up_the_recorder(self):
        """The answer fills the pipe that nobody reads; the WAL can still be emptied."""
        name = make_store("slow.db")
        db = sqlite3.connect(name)
        db.execute("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000) "
                   "INSERT INTO losses (id, started_at, ended_at, class, stage, detail) "
                   "SELECT 1000 + x, 1, 2, 'a', 'b', hex(zeroblob(500)) FROM c")
        db.commit()
        reader = subprocess.Popen([support.program, "--store", name, "SELECT * FROM losses"],
                                  stdout=subprocess.PIPE, env=support.environment())
        try:
            self.assertEqual(reader.stdout.read(3), b"id,")
            db.execute("INSERT INTO losses (id, started_at, ended_at, class, stage) "
                       "VALUES (9000, 1, 2, 'a', 'b')")
            db.commit()
            busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self.assertEqual(busy, 0)
            self.assertIsNone(reader.poll())
            rest = reader.stdout.read()
            self.assertEqual(rest.count(b"\n"), 1 + 3 + 1000)
        finally:
            reader.kill()
            reader.wait()
            reader.stdout.close()
            db.close()


@unittest.skipUnless(os.geteuid() == 0, "needs root, to become somebody else")
class Unprivileged(unittest.TestCase):
    """A reader who may not write where the store is."""

    def setUp(self):
        self.binary = path("spyq")
        shutil.copy(support.program, self.binary)
        os.chmod(self.binary, 0o755)
        self.folder = path("evidence-" + self._testMethodName)
        os.mkdir(self.folder, 0o755)
        self.name = os.path.join(self.folder, "store.db")

    def ask(self, sql="SELECT count(*) AS n FROM losses"):
        return spyq(sql, on=self.name, user=NOBODY, binary=self.binary)

    def assert_counts(self, expected):
        result = self.ask()
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertEqual(result.stdout, f"n\n{expected}\n".encode())
        return result

    def copy_with_wal(self, suffixes):
        """A copy of a store whose last rows are only in its WAL."""
        source = make_store("source-" + self._testMethodName + ".db")
        db = sqlite3.connect(source)
        db.execute("INSERT INTO losses (id, started_at, ended_at, class, stage) "
                   "VALUES (50, 1, 2, 'a', 'b')")
        db.commit()
        for suffix in suffixes:
            shutil.copy(source + suffix, self.name + suffix)
            os.chmod(self.name + suffix, 0o444)
        db.close()

    def test_live_store(self):
        make_store(self.name)
        db = sqlite3.connect(self.name)
        db.execute("INSERT INTO losses (id, started_at, ended_at, class, stage) "
                   "VALUES (50, 1, 2, 'a', 'b')")
        db.commit()
        for suffix in ("", "-wal", "-shm"):
            os.chmod(self.name + suffix, 0o644)
        self.assert_counts(4)
        db.close()

    def test_clean_copy(self):
        make_store(self.name)
        os.chmod(self.name, 0o444)
        self.assert_counts(3)
        self.assertEqual(os.listdir(self.folder), ["store.db"])

    def test_copy_with_wal_and_index(self):
        self.copy_with_wal(("", "-wal", "-shm"))
        self.assert_counts(4)

    def test_copy_with_wal_only(self):
        self.copy_with_wal(("", "-wal"))
        self.assert_counts(4)
        self.assertEqual(sorted(os.listdir(self.folder)), ["store.db", "store.db-wal"])

    def test_an_index_that_cannot_be_opened_is_not_gone_round(self):
        """The recorder may be alive: without its index the answer would be wrong."""
        make_store(self.name)
        db = sqlite3.connect(self.name)
        db.execute("INSERT INTO losses (id, started_at, ended_at, class, stage) "
                   "VALUES (50, 1, 2, 'a', 'b')")
        db.commit()
        os.chmod(self.name, 0o644)
        os.chmod(self.name + "-wal", 0o644)
        os.chmod(self.name + "-shm", 0o600)
        result = self.ask()
        db.close()
        self.assertEqual((result.returncode, result.stdout), (3, b""))
        self.assertIn(b"its -wal or -shm file cannot be opened", result.stderr)

    def test_unreadable(self):
        make_store(self.name)
        os.chmod(self.name, 0o600)
        result = self.ask()
        self.assertEqual(result.returncode, 3)
        self.assertIn(b"store.db: Permission denied", result.stderr)


class NotAStore(unittest.TestCase):
    def refused(self, name, words):
        result = spyq("SELECT 1", on=name)
        self.assertEqual((result.returncode, result.stdout), (3, b""))
        self.assertIn(words.encode(), result.stderr)
        self.assertIn(os.fsencode(name), result.stderr)

    def file(self, name, content):
        with open(path(name), "wb") as file:
            file.write(content)
        return path(name)

    def test_missing(self):
        self.refused(path("none.db"), "there is no store at")
        self.assertFalse(os.path.exists(path("none.db")))

    def test_empty(self):
        self.refused(self.file("empty.db", b""), "is empty")

    def test_no_database(self):
        self.refused(self.file("text.db", b"hello, world\n" * 100), "it is no SQLite database")

    def test_a_directory(self):
        self.refused(support.directory, "it is no regular file")

    def test_another_program(self):
        self.refused(make_store("other.db", application=7), "it is another program's database")

    def test_newer(self):
        self.refused(make_store("newer.db", version=99), "schema version 99, made by a newer spyq")

    def test_unfinished(self):
        self.refused(make_store("unfinished.db", version=0), "has no tables yet")

    def test_cut_off(self):
        with open(store(), "rb") as file:
            start = file.read(6000)
        result = spyq("SELECT * FROM processes", on=self.file("cut.db", start))
        self.assertIn(result.returncode, (1, 3))
        self.assertIn(b"malformed", result.stderr)

    def test_forged(self):
        """Bytes of a good store turned round: an error, or an answer, and never a crash."""
        with open(store(), "rb") as file:
            good = file.read()
        chance = random.Random(4711)
        codes = set()
        for _ in range(25):
            bad = bytearray(good)
            for _ in range(60):
                bad[chance.randrange(100, len(bad))] = chance.randrange(256)
            name = self.file("forged.db", bad)
            for asked in ("PRAGMA integrity_check", "SELECT * FROM conversations",
                          "SELECT * FROM processes, descendants(processes.id)"):
                result = spyq(asked, on=name)
                self.assertIn(result.returncode, (0, 1, 3), result.stderr)
                codes.add(result.returncode)
        self.assertTrue(codes & {1, 3}, codes)

    def test_odd_names(self):
        for name in ("a b?mode=rw#x%41.db", ":memory:", "-"):
            with self.subTest(name=name):
                made = make_store(name)
                result = spyq("SELECT count(*) AS n FROM processes", on=made)
                self.assertEqual((result.returncode, result.stdout), (0, b"n\n11\n"))
        doubled = "/" + store()
        self.assertEqual(spyq("SELECT 1", on=doubled).returncode, 0)


if __name__ == "__main__":
    unittest.main()
