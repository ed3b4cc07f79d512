# SPDX-License-Identifier: GPL-3.0-or-later
"""What a TARGET means: which process, which moment, and what is said about it."""
import json
import sqlite3
import unittest

from support import Terminal, environment, make_store, path, spyq

FORMS = {
    "9": 9, "pid:910": 9, "pid:900": 10, "pid:900@2026-11-22T03:12:00.5Z": 7,
    "exe:miner": 9, "exe:/usr/bin/curl": 10, "exe:curl": 11, "conn:2": 7,
    "203.0.113.9": 9, "203.0.113.9:3333": 9, "10.0.0.5:80": 10,
    "::ffff:203.0.113.9": 9, "[::ffff:203.0.113.9]:3333": 9,
    "2001:db8::5": 7, "[2001:db8::5]:443": 7, "2001:DB8:0:0::5": 7,
    "[::1]:8081": 3, "::1": 3, ":8081": 3, ":22": 5, "127.0.0.1:41010": 10,
    "container:web": 3, "container:605439": 3, "container:4f797c539e6c": 2,
    "file:/tmp/miner": 7, "file:/tmp/.part": 7, "file:/etc/cron.d/job": 8, "file:/tmp/job": 8,
    "file:/opt/run.sh": 11, "file:/opt/odd/curl": 11,
}

# How it was understood, where a TARGET is not just a process.
UNDERSTOOD = {
    "conn:2": "connection 2, tcp to example.org port 443 at 2026-11-22T03:12:00Z: process 7 (pid 900)",
    "conn:1": "connection 1, tcp from 198.51.100.7 port 50022 to port 22 at 2026-11-22T03:05:00Z: "
              "process 5 (pid 812)",
    ":8081": "listener 3, tcp ::1 port 8081 at 2026-11-22T02:02:00Z: process 3 (pid 500)",
    "file:/tmp/miner": "file /tmp/miner last written at 2026-11-22T03:12:00Z: process 7 (pid 900)",
    "file:/tmp/.part": "file /tmp/.part, now /tmp/miner, last written at 2026-11-22T03:12:00Z: "
                       "process 7",
    "file:/etc/cron.d/job": "file /etc/cron.d/job (rename) at 2026-11-22T03:12:06Z: process 8",
    "file:/opt/run.sh": "file /opt/run.sh, which nobody was seen to write, run at "
                        "2026-11-22T03:40:01Z: process 11",
    "container:web": "container web: process 3 (pid 500) nginx: master",
    "container:605439": "container web 605439acbd4f: process 3",
}


def changed_store(name, sql):
    made = make_store(name)
    db = sqlite3.connect(made)
    db.executescript(sql)
    db.close()
    return made


class Targets(unittest.TestCase):
    def found(self, target, *options, on=None):
        """The id of the process that a TARGET stands for, and what was said about it."""
        result = spyq("--json", "tree", target, *options, on=on)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [row for row in json.loads(result.stdout) if row["relation"] == "target"]
        return rows[0]["id"], result.stderr.decode()

    def refused(self, code, words, *arguments, on=None):
        result = spyq(*arguments, on=on)
        self.assertEqual((result.returncode, result.stdout), (code, b""), result.stderr)
        self.assertIn(words.encode(), result.stderr)

    def test_forms(self):
        for target, expected in FORMS.items():
            with self.subTest(target=target):
                self.assertEqual(self.found(target)[0], expected)

    def test_a_person_is_told_what_was_understood(self):
        for target, words in UNDERSTOOD.items():
            with self.subTest(target=target):
                first = spyq("--table", "tree", target).stdout.decode().splitlines()[0]
                self.assertTrue(first.startswith(words), first)
        self.assertRegex(spyq("--table", "tree", "9").stdout, b"^  id  pid")

    def test_what_was_understood_fits_the_terminal(self):
        with Terminal("tree", "file:/opt/run.sh", env=environment(NO_COLOR="1")) as terminal:
            self.assertEqual(terminal.end(), 0)
            first = terminal.raw.decode().splitlines()[0]
        self.assertEqual((len(first), first[-1]), (80, "…"))

    def test_a_trace_and_a_flag(self):
        name = changed_store("flags.db", """
            CREATE TABLE IF NOT EXISTS traces (id INTEGER PRIMARY KEY, root_process_id INTEGER);
            DROP TABLE IF EXISTS traces;
            CREATE TABLE traces (id INTEGER PRIMARY KEY, root_process_id INTEGER, title TEXT);
            INSERT INTO traces VALUES (4, 5, 'ssh login of ana');
            DROP TABLE IF EXISTS flags;
            CREATE TABLE flags (id INTEGER PRIMARY KEY, at INTEGER, title TEXT, process_id INTEGER);
            INSERT INTO flags VALUES (3, 1795317130000000000, 'runs from /tmp', 9);""")
        for target, expected, words in (
                ("trace:4", 5, "trace 4, ssh login of ana: process 5 (pid 812) sshd: ana [priv]"),
                ("flag:3", 9, "flag 3, runs from /tmp at 2026-11-22T03:12:10Z: process 9 (pid 910)")):
            self.assertEqual(self.found(target, on=name), (expected, ""))
            first = spyq("--table", "tree", target, on=name).stdout.decode().splitlines()[0]
            self.assertTrue(first.startswith(words), first)
        self.refused(1, "no process in the store matches flag:9", "tree", "flag:9", on=name)

    def test_a_store_without_flags(self):
        name = changed_store("no-flags.db", "DROP TABLE flags;")
        self.refused(1, "this store has no table flags", "tree", "flag:3", on=name)
        self.refused(1, "no process in the store matches flag:3", "tree", "flag:3")

    def test_the_newest_is_taken_and_the_others_listed(self):
        found, said = self.found("exe:curl")
        self.assertEqual(found, 11)
        self.assertEqual(said, (
            "spyq: 3 processes match exe:curl; took the newest, 11. The others:\n"
            "  10  pid 900  2026-11-22T03:30:00Z  curl -sI http://10.0.0.5/\n"
            "  7  pid 900  2026-11-22T03:12:00Z  curl -s https://example.org/install.sh\n"))

    def test_of_writers_the_last_counts(self):
        name = changed_store("writers.db", """
            INSERT INTO files (id, host_id, process_id, at, last_at, op, path) VALUES
            (10, 1, 10, 1795317120500000000, 1795317120700000000, 'write', '/tmp/miner');""")
        found, said = self.found("file:/tmp/miner", on=name)
        self.assertEqual(found, 7)
        self.assertIn("2 processes match file:/tmp/miner; took the newest, 7. The others:\n  10  ",
                      said)

    def test_one_match_says_nothing(self):
        self.assertEqual(self.found("exe:miner"), (9, ""))

    def test_a_span_bounds_the_search(self):
        self.assertEqual(self.found("exe:curl", "--until", "2026-11-22 03:20")[0], 7)
        self.refused(1, "matches file:/opt/run.sh", "tree", "file:/opt/run.sh", "--until",
                     "2026-11-22 03:40")
        self.refused(1, "matches file:/tmp/.part", "tree", "file:/tmp/.part", "--since",
                     "2026-11-22 03:12:01")

    def test_nothing_matches(self):
        for target, words in {
                "12345": "no process with the id 12345; pid:12345", "pid:77": "matches pid:77",
                "exe:vim": "matches exe:vim", "conn:7": "matches conn:7",
                "192.0.2.99": "matches", ":9": "matches", "container:we": "matches container:we",
                "file:/tmp/none": "of files, those are recorded that are run",
                "file:miner": "paths in the store begin with '/'"}.items():
            with self.subTest(target=target):
                self.refused(1, words, "tree", target)

    def test_no_target(self):
        for target in ("", "pid:", "pid:x", "pid:-1", "conn:", "conn:1x", ":0", ":70000",
                       "10.0.0.5:", "10.0.0.999", "[::1", "[::1]:", "bash", "-5x", "1 2",
                       "99999999999999999999", "pid:1@teatime", "exe:", "file:", "trace:x",
                       "flag:", "container:"):
            with self.subTest(target=target):
                self.refused(2, "is no TARGET", "tree", "--", target)

    def test_the_form_that_was_meant(self):
        for target, words in {
                "bash": "did you mean exe:bash or container:bash?",
                "/tmp/x": "did you mean file:/tmp/x or exe:/tmp/x?",
                "pid:x": "that form is written as in pid:1234",
                "file:": "that form is written as in file:/tmp/x",
                "what is it": "'help targets' has all forms",
                "/\x1b[2J": "did you mean file:/\\x1b[2J"}.items():
            with self.subTest(target=target):
                self.refused(2, words, "tree", target)

    def test_hostile_bytes_are_escaped(self):
        name = changed_store("hostile-target.db", """
            UPDATE files SET path = '/tmp/a' || char(27) || '[31m' WHERE id = 1;
            UPDATE processes SET cmdline = 'x' || char(0x202e) || 'y' WHERE id = 7;""")
        shown = spyq("--table", "tree", "file:/tmp/.part", on=name).stdout.decode()
        self.assertIn("now /tmp/a\\x1b[31m, last written", shown)
        self.assertIn("x\\u202ey", shown.splitlines()[0])
        self.assertNotIn("\x1b", shown)
        self.assertEqual(self.found("file:/tmp/a\x1b[31m", on=path("hostile-target.db"))[0], 7)


if __name__ == "__main__":
    unittest.main()
