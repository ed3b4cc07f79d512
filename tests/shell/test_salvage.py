# SPDX-License-Identifier: GPL-3.0-or-later
"""salvage: what can be read of a damaged store."""
import os
import random
import re
import sqlite3
import unittest

from support import digest, path, spyq
from test_verbs import changed_store

MANY = """
    WITH RECURSIVE c(x) AS (SELECT 1000 UNION ALL SELECT x + 1 FROM c WHERE x < 9000)
    INSERT INTO dns_queries (id, process_id, at, name, host_id)
    SELECT x, 1, x, 'name-' || x || '-' || hex(zeroblob(20)), 1 FROM c;
    INSERT INTO sequences VALUES ('dns_queries', 9000), ('processes', 11);
"""
PAGE = 4096


def rows(name, sql="SELECT * FROM dns_queries WHERE id >= 1000"):
    db = sqlite3.connect(f"file:{name}?mode=ro", uri=True)
    db.text_factory = bytes
    found = db.execute(sql).fetchall()
    db.close()
    return found


class Salvage(unittest.TestCase):
    def setUp(self):
        self.store = changed_store(f"{self.id()}.db", MANY)
        db = sqlite3.connect(self.store)
        db.execute("PRAGMA journal_mode = DELETE")
        db.close()
        self.new = self.store + ".saved"

    def salvage(self, code=0):
        before = digest(self.store)
        result = spyq("salvage", self.store, "-o", self.new, on=path("none.db"))
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(digest(self.store), before)
        return result.stdout.decode()

    def damage(self, page, data=b"\xa5" * PAGE):
        with open(self.store, "r+b") as file:
            file.seek((page - 1) * PAGE)
            file.write(data)

    def whole(self):
        check = spyq("check", self.new, on=path("none.db"))
        self.assertNotIn(b"the file:", check.stdout)
        self.assertNotIn(b"numbering", check.stdout)

    def test_a_whole_store_comes_out_whole(self):
        said = self.salvage()
        self.assertIn("dns_queries: 8001 rows\n", said)
        self.assertNotIn("cannot be read", said)
        for table in ("hosts", "processes", "execs", "connections", "edges", "losses", "sequences"):
            self.assertEqual(rows(self.new, f"SELECT * FROM {table}"),
                             rows(self.store, f"SELECT * FROM {table}"), table)
        self.assertEqual(rows(self.new, "SELECT name, sql FROM sqlite_schema ORDER BY 1, 2"),
                         rows(self.store, "SELECT name, sql FROM sqlite_schema ORDER BY 1, 2"))
        self.assertEqual(os.stat(self.new).st_mode & 0o777 & ~0o640, 0)
        self.whole()

    def test_pages_in_the_middle(self):
        all_rows = rows(self.store)
        pages = self.leaves()
        for page in (pages[10], pages[11], pages[30]):
            self.damage(page)
        self.assertRaises(sqlite3.DatabaseError, rows, self.store)
        said = self.salvage()
        saved = rows(self.new)
        self.assertLessEqual(set(saved), set(all_rows))
        per_page = len(all_rows) / len(pages)
        self.assertGreater(len(saved), len(all_rows) - 5 * per_page)
        self.assertLess(len(saved), len(all_rows) - 2 * per_page)
        self.assertRegex(said, r"dns_queries: \d+ rows, \d+ stretches between ids \d+ and \d+ cannot be read")
        loss, = rows(self.new, "SELECT class, stage FROM losses WHERE class = 'salvage'")
        self.assertEqual(loss, (b"salvage", b"store"))
        self.whole()

    def leaves(self):
        """Pages of the file that hold rows of the large table, in order of the rows."""
        found = {}
        with open(self.store, "rb") as file:
            for number in range(1, os.path.getsize(self.store) // PAGE + 1):
                data = file.read(PAGE)
                first = re.search(rb"name-(\d+)-0", data)
                if number > 1 and data[0] == 0x0d and first:
                    found[int(first.group(1))] = number
        return [found[key] for key in sorted(found)]

    def test_a_file_that_was_cut(self):
        all_rows = rows(self.store)
        os.truncate(self.store, os.path.getsize(self.store) * 3 // 4 // PAGE * PAGE)
        self.salvage()
        saved = rows(self.new)
        self.assertLessEqual(set(saved), set(all_rows))
        self.assertGreater(len(saved), len(all_rows) // 4)
        self.whole()

    def test_noise_at_random(self):
        """Whatever bytes are hit: an end with a store that SQLite finds whole, or a message."""
        with open(self.store, "rb") as file:
            image = file.read()
        for seed in range(12):
            noise = random.Random(seed)
            with open(self.store, "wb") as file:
                file.write(image)
            with open(self.store, "r+b") as file:
                for _ in range(40):
                    file.seek(noise.randrange(PAGE, len(image) - 16))
                    file.write(noise.randbytes(noise.randrange(1, 16)))
            result = spyq("salvage", self.store, "-o", self.new, on=path("none.db"))
            self.assertIn(result.returncode, (0, 1), result.stderr)
            if result.returncode == 0:
                self.whole()
                os.unlink(self.new)
            self.assertFalse(os.path.exists(self.new))

    def test_nothing_is_written_over(self):
        with open(self.new, "w", encoding="ascii") as file:
            file.write("precious")
        self.salvage(1)
        with open(self.new, encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")

    def test_what_is_no_store(self):
        result = spyq("salvage", path("none.db"), "-o", self.new, on="")
        self.assertEqual(result.returncode, 3)
        result = spyq("salvage", self.store, on="")
        self.assertEqual((result.returncode, result.stderr),
                         (2, b"spyq: salvage needs -o NEW: where to put what can be read\n"))
        self.assertFalse(os.path.exists(self.new))
