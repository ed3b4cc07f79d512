# SPDX-License-Identifier: GPL-3.0-or-later
"""check: what is wrong with a store."""
import os
import re
import shutil
import sqlite3
import unittest

from support import make_store, path, spyq, store
from test_verbs import START, changed_store


class Check(unittest.TestCase):
    def check(self, name):
        result = spyq("check", name, on=path("none.db"))
        return result.returncode, result.stdout.decode(), result.stderr.decode()

    def wrong(self, sql, *words):
        code, out, err = self.check(changed_store(f"{self.id()}-{len(words[0])}.db", sql))
        self.assertEqual(code, 1, out)
        for word in words:
            self.assertRegex(out, word)
        self.assertRegex(err, r"things? (is|are) wrong\n$")

    def test_an_empty_store_is_whole(self):
        self.assertEqual(self.check(make_store("empty.db", fixture=False)), (0, "ok\n", ""))

    def test_the_session_s_own_store(self):
        name = make_store("own.db", fixture=False)
        self.assertEqual(spyq("check", on=name).stdout, b"ok\n")

    def test_rows_that_name_what_is_not_there(self):
        self.wrong("DELETE FROM processes WHERE id = 4",
                   r"rows of edges name in (src|dst) a row of processes that is not there: \d")
        self.wrong("UPDATE connections SET listener_id = 99 WHERE id = 2",
                   r"(?m)^1 rows of connections name in listener_id a row of listeners that is not there: 2$")

    def test_times_out_of_order(self):
        self.wrong("UPDATE processes SET ended_at = 5 WHERE id = 8", "rows of processes ended before they began: 8")
        self.wrong("UPDATE edges SET last_at = at - 1 WHERE id = 6", "rows of edges end before they begin: 6")

    def test_numbers(self):
        self.wrong("INSERT INTO sequences VALUES ('processes', 7)",
                   r"rows of processes have ids outside of their numbering: 8, 9, 10, 11")

    def test_what_the_store_accounts_for(self):
        sql = f"""INSERT INTO losses (id, started_at, ended_at, class, stage, count)
                  VALUES (90, {START}, {START}, 'network', 'queue', 3);
                  UPDATE connections SET listener_id = 99 WHERE id = 2"""
        code, out, _ = self.check(changed_store("explained.db", sql))
        line, = re.findall(r"(?m)^.*listener_id.*$", out)
        self.assertIn("(rows were lost on their way to the store, see gaps)", line)

    def test_a_damaged_file(self):
        name = make_store("damaged.db", wal=False)
        size = os.path.getsize(name)
        with open(name, "r+b") as file:
            file.seek(size // 2 // 4096 * 4096)
            file.write(b"\xa5" * 4096)
        code, out, err = self.check(name)
        self.assertEqual(code, 1)
        self.assertRegex(out + err, "malformed|the file: ")

    def test_what_is_no_store(self):
        self.assertEqual(self.check(path("none.db"))[0], 3)
        sqlite3.connect(path("other.db")).execute("CREATE TABLE x (y)").connection.close()
        self.assertEqual(self.check(path("other.db"))[0], 3)
        self.assertEqual(spyq("check", "a", "b", on="").returncode, 2)
