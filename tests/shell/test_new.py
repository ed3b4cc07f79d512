# SPDX-License-Identifier: GPL-3.0-or-later
"""run --new: every row once, whatever comes late, and nothing lost when something fails."""
import fcntl
import glob
import json
import os
import random
import shutil
import sqlite3
import subprocess
import time
import unittest

import support
from support import environment, make_store, path, spyq

S = 10**9
HOUR = 3600 * S


class New(unittest.TestCase):
    def setUp(self):
        self.store = make_store(f"new-{self.id().rsplit('.', 1)[1]}.db", fixture=False)
        self.db = sqlite3.connect(self.store, isolation_level=None)
        self.db.execute("PRAGMA synchronous = OFF")
        self.addCleanup(self.db.close)
        self.state = path("state")
        self.addCleanup(shutil.rmtree, self.state, ignore_errors=True)
        self.env = environment(XDG_STATE_HOME=self.state)
        self.now = time.time_ns()
        self.db.execute("INSERT INTO recorders (id, host_id, started_at) VALUES (1, 1, 1)")
        self.seen(self.now)

    def seen(self, at):
        """The recorder's last sign of life: all before it is in the store."""
        self.db.execute("UPDATE recorders SET last_seen_at = ?", (at,))

    def login(self, number, at):
        self.db.execute(
            "INSERT INTO traces (id, host_id, kind, started_at, last_at, process_count, "
            "connection_count, flag_count, pinned) VALUES (?, 1, 'login', ?, ?, 1, 0, 0, 0)",
            (number, at, at))

    def new(self, *arguments, query="logins", code=0, stderr="", **options):
        result = spyq("run", query, "--new", "--json", *arguments, on=self.store, env=self.env,
                      **options)
        self.assertEqual((result.returncode, result.stderr.decode()), (code, stderr))
        return [row["id"] for row in json.loads(result.stdout)] if result.stdout else []

    def files(self):
        return glob.glob(os.path.join(self.state, "spyq/new/*[0-9a-f]"))

    def test_the_first_run_has_the_default_span_and_the_next_ones_the_rest(self):
        self.login(1, self.now - 25 * HOUR)
        self.login(2, self.now - 23 * HOUR)
        self.assertEqual(self.new(), [2])
        self.assertEqual(self.new(), [])
        self.login(3, self.now - S)
        self.assertEqual(self.new(), [3])
        self.assertEqual(self.new(), [])
        self.assertEqual(self.new("--mark", "other", "--since", "2d"), [1, 2, 3])
        self.assertEqual(self.new("--mark", "other", "--since", "2d"), [])

    def test_a_row_that_comes_late_comes_and_one_that_changes_does_not_come_again(self):
        self.login(2, self.now - 10 * S)
        self.assertEqual(self.new(), [2])
        self.login(1, self.now - HOUR + 60 * S)
        self.db.execute("UPDATE traces SET ended_at = 1, process_count = 9 WHERE id = 2")
        self.assertEqual(self.new(), [1])
        self.assertEqual(self.new(), [])

    def test_what_the_recorder_has_not_written_yet_comes_later(self):
        """It wrote nothing for five hours; what began then is in the store only now."""
        self.seen(self.now - 5 * HOUR)
        self.assertEqual(self.new(), [])
        self.login(1, self.now - 4 * HOUR)
        self.seen(self.now)
        self.assertEqual(self.new(), [1])

    def test_every_row_once(self):
        """Runs at odd times over twelve days, rows up to fifty minutes late, and changing."""
        chance = random.Random(4)
        start = self.now - 12 * 24 * HOUR
        rows = sorted((at + chance.randrange(50 * 60 * S), at) for at in
                      (start + chance.randrange(12 * 24 * HOUR) for _ in range(400)))
        got, at = [], start
        while at < self.now:
            at += chance.choice((20 * S, 10 * 60 * S, 3 * HOUR, 30 * HOUR))
            while rows and rows[0][0] < at:
                self.login(len(got) + 10**6 - len(rows), rows.pop(0)[1])
            self.db.execute("UPDATE traces SET last_at = last_at + 1, process_count = 3")
            self.seen(min(at, self.now))
            got += self.new("--since", "30d")
        self.assertEqual(len(got), len(set(got)))
        expected = [row[0] for row in self.db.execute("SELECT id FROM traces")]
        self.assertEqual(sorted(got), sorted(expected))
        self.assertGreater(len(got), 350)
        with open(self.files()[0], encoding="ascii") as file:
            self.assertLess(len(file.readlines()), 100, "what cannot come again is forgotten")

    def test_files_that_are_told_of_long_after(self):
        insert = ("INSERT INTO files (id, host_id, process_id, at, op, path, place) "
                  "VALUES (?, 1, 1, ?, 'write', '/etc/cron.d/x', 'cron')")
        self.db.execute(insert, (5, self.now - 2 * HOUR))
        self.assertEqual(self.new(query="persistence"), [5])
        self.db.execute(insert, (6, self.now - 90 * 24 * HOUR))
        self.assertEqual(self.new(query="persistence"), [6])
        self.assertEqual(self.new(query="persistence"), [])

    def test_the_clock_was_set_back(self):
        self.seen(self.now)
        self.assertEqual(self.new(), [])
        file = self.files()[0]
        with open(file, encoding="ascii") as old:
            text = old.read()
        through = text.split("through ")[1].split("\n")[0]
        with open(file, "w", encoding="ascii") as new:
            new.write(text.replace(through, str(int(through) + 100 * HOUR)))
        self.login(1, self.now - 10 * S)
        self.assertEqual(self.new(), [1])

    def test_each_destination_and_each_parameter_has_its_own(self):
        self.login(1, self.now - S)
        self.assertEqual(self.new(), [1])
        for _ in range(2):
            target = path("new-out.json")
            self.new("-o", target)
            with open(target, encoding="ascii") as file:
                last = json.load(file)
        self.assertEqual(last, [])
        for expected in ([1], []):
            self.new("-o", path("new-out2.json"))
            with open(path("new-out2.json"), encoding="ascii") as file:
                self.assertEqual([row["id"] for row in json.load(file)], expected)
        for name in ("new-a", "new-b"):
            for expected in (b"[{", b"[]"):
                with open(path(name), "wb") as file:
                    subprocess.run([support.program, "--store", self.store, "--json", "run",
                                    "logins", "--new"], stdout=file, env=self.env, check=True)
                with open(path(name), "rb") as file:
                    self.assertEqual(file.read(2), expected)
        for place in ("", "x"):
            self.new("--param", f"place={place}", query="persistence")
        self.assertEqual(len(self.files()), 7)
        for file in self.files():
            self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(os.path.join(self.state, "spyq/new")).st_mode & 0o777, 0o700)

    def test_it_stays_where_it_was_when_the_output_fails(self):
        self.login(1, self.now - S)
        self.assertEqual(self.new("--mark", "m"), [1])
        self.login(2, self.now - S)
        with open("/dev/full", "wb") as full:
            result = subprocess.run([support.program, "--store", self.store, "run", "logins",
                                     "--new", "--mark", "m"], stdout=full,
                                    stderr=subprocess.PIPE, env=self.env, check=False)
        self.assertEqual(result.returncode, 1)
        self.new("--mark", "m", "-o", path("nowhere/out"), code=1,
                 stderr=f"spyq: cannot write {path('nowhere/out')}: No such file or directory\n")
        self.assertEqual(self.new("--mark", "m"), [2])

    def test_it_stays_where_it_was_when_time_is_up(self):
        own = os.path.join(self.state, "spyq/queries")
        os.makedirs(own)
        self.env["XDG_CONFIG_HOME"] = self.state
        head = "-- name: mine\n-- description: d\n-- param: turns NUMBER 1\n"
        with open(os.path.join(own, "mine.sql"), "w", encoding="ascii") as file:
            file.write(head + "SELECT 1 AS id FROM (WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL "
                       "SELECT x + 1 FROM c LIMIT (SELECT max(id) FROM traces) * :turns) SELECT max(x) FROM c)")
        self.login(10**12, self.now - S)
        self.new("--timeout", "0.2", query="mine", code=4, stderr=f"spyq: {own}/mine.sql:4: "
                 "timed out after 0.2 s\n")
        self.assertEqual(self.files(), [])
        self.db.execute("UPDATE traces SET id = 1")
        self.assertEqual(self.new(query="mine"), [1])

    def test_a_reader_that_goes_away(self):
        self.db.execute("BEGIN")
        for number in range(1, 3000):
            self.login(number, self.now - number)
        self.db.execute("COMMIT")
        process = subprocess.Popen([support.program, "--store", self.store, "--csv", "run",
                                    "logins", "--new"], stdout=subprocess.PIPE, env=self.env)
        process.stdout.close()
        self.assertNotEqual(process.wait(timeout=support.TIMEOUT), 0)
        self.assertEqual(len(self.new()), 2999)

    def test_killed_before_it_is_written(self):
        """Stopped at its very last step, by a file that cannot be replaced."""
        self.login(1, self.now - S)
        self.assertEqual(self.new(), [1])
        self.login(2, self.now - S)
        result = subprocess.run(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=rename:error=EIO:when=1",
             support.program, "--store", self.store, "--json", "run", "logins", "--new"],
            capture_output=True, env=environment(XDG_STATE_HOME=self.state, ASAN_OPTIONS="detect_leaks=0"),
            check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"what was written will come again", result.stderr)
        self.assertEqual(self.new(), [2])

    def test_one_run_at_a_time(self):
        self.new()
        lock, = glob.glob(os.path.join(self.state, "spyq/new/*.lock"))
        with open(lock, "wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.new(code=1, stderr="spyq: another run of logins --new for this destination "
                     "goes on\n")
            self.new("--mark", "other")
        self.new()

    def test_a_file_that_is_no_watermark(self):
        self.new()
        file, = self.files()
        with open(file, encoding="ascii") as old:
            whole = old.read()
        for text, line in (("", 1), ("other\n", 1), (whole.replace("through", "x"), 4),
                           (whole.replace("end\n", ""), 7)):
            with open(file, "w", encoding="ascii") as new:
                new.write(text)
            self.new(code=1, stderr=f"spyq: {file}:{line}: this is no watermark of spyq; remove "
                     "the file to begin anew\n")

    def test_another_store_in_the_same_place(self):
        """Its ids begin anew; that 1 was given out says nothing of this 1."""
        self.login(1, self.now - 2 * HOUR)
        self.assertEqual(self.new(), [1])
        self.db.execute("DELETE FROM traces")
        self.db.execute("UPDATE recorders SET started_at = 5")
        self.login(1, self.now - S)
        self.assertEqual(self.new(stderr="spyq: the store is not the one of the last run: rows of "
                                  "the hour before it may come again\n"), [1])
        self.db.execute("INSERT INTO recorders (id, host_id, started_at, last_seen_at) "
                        "VALUES (2, 1, 9, ?)", (self.now,))
        self.assertEqual(self.new(), [])
        self.db.execute("DELETE FROM recorders WHERE id = 1")
        self.assertEqual(self.new(), [], "an old run that was rolled away says nothing")

    def test_codes_and_silence(self):
        self.login(1, self.now - S)
        self.assertEqual(self.new("--fail-if-rows", code=5), [1])
        self.assertEqual(self.new("--fail-if-rows"), [])
        result = spyq("run", "logins", "--new", "--quiet-if-empty", "--csv", on=self.store,
                      env=self.env)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"", b""))
        self.seen(self.now - 60 * S)
        self.new("--fail-if-stale", code=6, stderr=f"spyq: the recorder is not writing "
                 f"{self.store}: no sign of life for 10 s\n")

    def test_what_is_there_now_comes_when_it_comes(self):
        insert = ("INSERT INTO listeners (id, host_id, process_id, protocol, address, port, origin) "
                  "VALUES (?, 1, 1, 'tcp', '0.0.0.0', ?, 'event')")
        self.db.execute(insert, (1, 80))
        self.assertEqual(self.new(query="exposed-listeners"), [1])
        self.db.execute(insert, (2, 81))
        self.assertEqual(self.new(query="exposed-listeners"), [2])

    def test_wrong_use(self):
        for words, arguments in (
                ("--mark is for --new", ("logins", "--mark", "x")),
                ("--until and --new exclude each other", ("logins", "--new", "--until", "now")),
                ("top-talkers sums up a span of time: none of its rows is new",
                 ("top-talkers", "--new")),
                ("--new is for a verb", None)):
            result = spyq("run", *arguments, env=self.env) if arguments else spyq(
                "--new", "SELECT 1")
            self.assertEqual((result.returncode, result.stdout), (2, b""))
            self.assertEqual(result.stderr.decode(), f"spyq: {words}\n")
        result = spyq("run", "logins", "--new", env=environment(HOME=None))
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"neither XDG_STATE_HOME nor HOME is set", result.stderr)

    def test_at_the_prompt(self):
        self.login(1, self.now - S)
        with support.Terminal(on=self.store, env=self.env) as terminal:
            terminal.wait("spyq> ")
            self.assertIn("1 row", terminal.ask(".run logins --new"))
            self.assertIn("0 rows", terminal.ask(".run logins --new"))
        self.assertEqual(self.new(), [1], "a person who looks takes nothing from a script")


if __name__ == "__main__":
    unittest.main()
