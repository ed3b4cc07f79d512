# SPDX-License-Identifier: GPL-3.0-or-later
"""pin, unpin, pins, and the user's store that they are kept in."""
import json
import os
import sqlite3
import stat
import unittest

from support import Terminal, digest, environment, make_store, path, spyq
from test_verbs import START, TRACES, changed_store


class Pins(unittest.TestCase):
    def setUp(self):
        self.store = changed_store(f"{self.id()}.db", TRACES)
        self.user = self.store + ".user"

    def ok(self, *arguments, **options):
        result = spyq(*arguments, on=self.store, **options)
        self.assertEqual((result.returncode, result.stderr), (0, b""), arguments)
        return result.stdout.decode()

    def fails(self, code, words, *arguments, **options):
        result = spyq(*arguments, on=self.store, **options)
        self.assertEqual((result.returncode, result.stdout), (code, b""))
        self.assertIn(words, result.stderr.decode())

    def pins(self, **options):
        return json.loads(self.ok("--json", "pins", **options))

    def test_a_pin_comes_and_goes(self):
        recorded = digest(self.store)
        self.assertEqual(self.pins(), [])
        self.assertFalse(os.path.exists(self.user))
        self.assertEqual(self.ok("pin", "9", "case", "4711"),
                         "trace 2, ssh login of ana from 198.51.100.7: pinned, the recorder keeps it\n")
        self.assertIn("nothing changes", self.ok("pin", "trace:2"))
        [pin] = self.pins()
        self.assertEqual((pin["trace_id"], pin["kind"], pin["state"], pin["reason"], pin["target"]),
                         (2, "login", "open", "case 4711", "9"))
        self.assertEqual(pin["title"], "ssh login of ana from 198.51.100.7")
        self.assertTrue(pin["user"])
        self.assertGreater(pin["pinned_at"], START)
        self.assertEqual(self.ok("unpin", "8"),
                         "trace 2, ssh login of ana from 198.51.100.7: no longer pinned\n")
        self.assertEqual(self.pins(), [])
        self.fails(1, "trace 2 is not pinned", "unpin", "9")
        self.assertEqual(digest(self.store), recorded)

    def asked(self, sql, *options):
        return json.loads(self.ok("--json", "--raw-times", *options, sql))

    def test_they_are_tables_of_sql(self):
        """What SQL says is what is in the file."""
        every = {"pins": [], "suppressions": []}
        for table in every:
            self.assertEqual(self.asked(f"SELECT * FROM {table}"), [])
        self.assertFalse(os.path.exists(self.user))
        self.ok("pin", "9", "case", "4711")
        self.ok("pin", "11")
        self.ok("suppress", "rule:x*", "user:ana", "expires:30d", "our", "mirror")
        db = sqlite3.connect(self.user)
        db.row_factory = sqlite3.Row
        for table in every:
            every[table] = [dict(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY id")]
            self.assertEqual(self.asked(f"SELECT * FROM {table} ORDER BY id"), every[table])
        self.assertEqual((len(every["pins"]), len(every["suppressions"])), (2, 1))
        self.assertEqual(
            self.asked("SELECT p.reason, t.title FROM pins AS p JOIN traces AS t ON t.id = "
                       "p.trace_id WHERE p.rowid = 1"),
            [{"reason": "case 4711", "title": "ssh login of ana from 198.51.100.7"}])
        self.assertEqual(self.asked("SELECT a.id FROM pins AS a JOIN pins AS b USING (trace_id)"
                                    " ORDER BY a.id"), [{"id": 1}, {"id": 2}])
        # A file of before there were suppressions has no such table.
        db.execute("DROP TABLE suppressions")
        db.commit()
        db.close()
        self.assertEqual(self.asked("SELECT * FROM suppressions"), [])

    def test_as_tables_they_can_only_be_read(self):
        self.ok("pin", "9")
        for sql in ("DELETE FROM pins", "INSERT INTO pins (trace_id) VALUES (1)",
                    "UPDATE pins SET reason = 'x'", "DROP TABLE pins"):
            self.assertEqual(spyq(sql, on=self.store).returncode, 1, sql)
        self.assertEqual(len(self.asked("SELECT * FROM pins")), 1)
        # With --safe no file but the store is reached.
        self.fails(1, "no such table: pins", "--safe", "SELECT * FROM pins")
        self.assertNotIn(b"suppressions", spyq("--safe", "schema", on=self.store).stdout)

    def test_a_file_that_is_none_is_named(self):
        with open(self.user, "w", encoding="utf-8") as file:
            file.write("not a database at all\n" * 100)
        self.fails(1, "pins: the user's store cannot be read", "SELECT * FROM pins")
        self.fails(1, self.user + " is not a user's store", "SELECT * FROM pins")
        self.assertEqual(self.asked("SELECT count(*) AS n FROM traces WHERE id = 2"), [{"n": 1}])

    def test_the_file_is_not_for_others_to_write(self):
        old = os.umask(0)
        try:
            self.ok("pin", "9")
        finally:
            os.umask(old)
        self.assertEqual(stat.S_IMODE(os.stat(self.user).st_mode), 0o640)
        db = sqlite3.connect(self.user)
        self.assertEqual(db.execute("PRAGMA application_id").fetchone(), (0x53505955,))
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        db.close()
        os.chmod(self.user, 0o660)
        self.fails(3, "can be written by others than its owner", "pin", "11")
        self.fails(3, "can be written by others than its owner", "pins")

    def test_a_trace_is_told_by_its_begin_as_well(self):
        self.ok("pin", "9")
        db = sqlite3.connect(self.store)
        db.execute("UPDATE traces SET started_at = started_at + 1 WHERE id = 2")
        db.commit()
        db.close()
        [pin] = self.pins()
        self.assertEqual((pin["trace_id"], pin["title"], pin["state"]), (2, None, "gone"))
        self.assertIn("pinned, the recorder keeps it", self.ok("pin", "9"))
        self.assertEqual([pin["state"] for pin in self.pins()], ["gone", "open"])
        self.ok("unpin", "trace:2")
        self.assertEqual(self.pins(), [])

    def test_a_trace_that_is_gone_can_be_unpinned(self):
        self.ok("pin", "11")
        db = sqlite3.connect(self.store)
        db.execute("DELETE FROM traces WHERE id = 3")
        db.commit()
        db.close()
        self.assertEqual(self.ok("unpin", "trace:3"), "trace 3, no longer in the store: no longer pinned\n")
        self.fails(1, "trace 3 is not pinned", "unpin", "trace:3")

    def test_what_can_not_be_pinned(self):
        self.fails(1, "belongs to no trace", "pin", "4")
        self.fails(1, "no", "pin", "9999")
        self.fails(2, "usage: spyq pin TARGET [REASON]", "pin")
        self.assertFalse(os.path.exists(self.user))
        self.fails(1, "trace 2 is not pinned", "unpin", "9")
        self.assertFalse(os.path.exists(self.user))

    def test_another_file_by_the_environment(self):
        other = path("elsewhere.user")
        env = environment(SPYQ_USER_STORE=other)
        self.ok("pin", "9", env=env)
        self.assertFalse(os.path.exists(self.user))
        self.assertEqual([pin["trace_id"] for pin in self.pins(env=env)], [2])
        self.assertEqual(self.pins(), [])

    def test_strange_files_are_left_alone(self):
        for make, words in ((lambda: open(self.user, "wb").write(b"no database" * 100), "no SQLite database"),
                            (lambda: sqlite3.connect(self.user).execute("CREATE TABLE x (y)"), "another program's"),
                            (lambda: os.symlink(path("victim"), self.user), "no regular file"),
                            (lambda: os.mkdir(self.user), "no regular file")):
            make()
            self.fails(3, words, "pin", "9")
            self.fails(3, words, "pins")
            (os.rmdir if os.path.isdir(self.user) else os.unlink)(self.user)
        self.assertFalse(os.path.lexists(path("victim")))

    def test_hostile_text_is_escaped(self):
        self.assertIn("trace 3, cron job of \\x1b[31mroot", self.ok("pin", "11", "\x1b[32mreason"))
        with Terminal("pins", on=self.store, columns=160) as terminal:
            self.assertEqual(terminal.end(), 0)
            shown = terminal.screen()
        self.assertIn("\\x1b[32mreason", shown)
        self.assertIn("\\x1b[31mroot", shown)

    def test_a_store_that_code_was_hidden_in(self):
        """Views and triggers of the user's store are never run."""
        self.ok("pin", "9")
        db = sqlite3.connect(self.user)
        db.executescript("CREATE TRIGGER t AFTER INSERT ON pins BEGIN DELETE FROM pins; END")
        db.close()
        self.ok("pin", "11")
        self.assertEqual(len(self.pins()), 2)

    def test_a_reader_without_the_right_to_write(self):
        if os.getuid() != 0:
            self.skipTest("needs root to become somebody else")
        self.ok("pin", "9")
        os.chmod(self.user, 0o644)
        os.chmod(self.store, 0o644)
        result = spyq("--json", "pins", on=self.store, user=65534)
        self.assertEqual((result.returncode, len(json.loads(result.stdout))), (0, 1), result.stderr)
        result = spyq("pin", "11", on=self.store, user=65534)
        self.assertEqual(result.returncode, 3)
        self.assertIn(b"belongs to somebody else", result.stderr)
