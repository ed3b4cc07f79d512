# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that search: path, traces."""
import json
import sqlite3
import unittest

from support import Terminal, environment, make_store, spyq

MINUTE = 60 * 10**9
START = 1795316400000000000  # 03:00

TRACES = f"""
    INSERT INTO traces (id, host_id, root_process_id, kind, title, user, started_at, last_at, ended_at,
        process_count, connection_count, flag_count, score, pinned) VALUES
    (1, 1, 1, 'init', 'start of web1', 'root', {START - 60 * MINUTE}, {START}, NULL, 4, 0, 0, NULL, 0),
    (2, 1, 5, 'login', 'ssh login of ana from 198.51.100.7', 'ana', {START + 5 * MINUTE},
     {START + 31 * MINUTE}, NULL, 6, 5, 0, 40, 0),
    (3, 1, 11, 'cron', 'cron job of ' || char(27) || '[31mroot', 'root', {START + 40 * MINUTE},
     {START + 40 * MINUTE}, {START + 41 * MINUTE}, 1, 1, 0, NULL, 0);
    UPDATE processes SET trace_id = CASE WHEN id <= 4 THEN 1 WHEN id = 11 THEN 3 ELSE 2 END;
    UPDATE processes SET trace_id = NULL WHERE id = 4;
    INSERT INTO trace_links (id, host_id, src_trace_id, dst_trace_id, kind, at, last_at, count, edge_id)
    VALUES (1, 1, 1, 2, 'fork', {START + 5 * MINUTE}, {START + 5 * MINUTE}, 1, 4),
    (2, 1, 2, 3, 'file', {START + 40 * MINUTE}, {START + 40 * MINUTE}, 3, 21);
"""

# curl wrote what miner is; a file that the later curl runs; one edge of each other kind.
EDGES = """
    INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst, file_id, detail, open) VALUES
    (21, 1, 1795317120400000000, 1795317120900000000, 1, 'file', 7, 9, 1, 'exec', 0);
"""


def changed_store(name, sql):
    made = make_store(name)
    db = sqlite3.connect(made)
    db.executescript(sql)
    db.close()
    return made


class Path(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.store = changed_store("path.db", EDGES)

    def told(self, *arguments, **options):
        result = spyq("--table", "path", *arguments, on=self.store, **options)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        return result.stdout.decode()

    def rows(self, *arguments, stderr=""):
        result = spyq("--json", "path", *arguments, on=self.store)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr.decode(), stderr)
        return [(row["process_id"], row["kind"], row["edge_id"]) for row in json.loads(result.stdout)]

    def test_a_way_for_a_program(self):
        self.assertEqual(self.rows("7", "9"), [(7, None, None), (9, "file", 21)])
        self.assertEqual(self.rows("5", "8"), [(5, None, None), (6, "fork", 6), (8, "fork", 8)])

    def test_a_way_told(self):
        self.assertEqual(self.told("6", "10"), (
            "from process 6 (pid 815) -bash\n"
            "to process 10 (pid 900) curl -sI http://10.0.0.5/\n"
            "2026-11-22\n"
            "03:30:00  bash (pid 815) started curl (pid 900) [process 10, edge 10]\n"))
        self.assertIn("03:12:00  curl (pid 900) wrote /tmp/miner, which miner (pid 910) ran, by exec "
                      "[process 9, edge 21, file 1]\n", self.told("7", "9"))
        self.assertIn("curl (pid 900) connected to nginx (pid 501) at 127.0.0.1 port 8080 "
                      "[process 4, edge 20, connection 4]\n", self.told("10", "4"))

    def test_every_kind_has_its_words(self):
        kinds = {"unix": "connected to", "pipe": "wrote what", "fdpass": "passed a descriptor to",
                 "ptrace": "traced", "inject": "wrote into the memory of",
                 "signal": "sent here to", "runtime": "run in a container",
                 "file": "wrote a file, which"}
        for kind, words in kinds.items():
            name = changed_store(f"kind-{kind}.db", f"""
                INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst, detail, open)
                VALUES (30, 1, {START + 50 * MINUTE}, {START + 50 * MINUTE}, 1, '{kind}', 11, 4,
                'here', 0)""")
            shown = spyq("--table", "path", "11", "4", on=name).stdout.decode()
            line = [line for line in shown.splitlines() if "edge 30" in line]
            self.assertEqual(len(line), 1, shown)
            self.assertIn(words, line[0])
            self.assertIn("here", line[0])

    def test_moments_bound_the_way(self):
        """miner ran what was written before; bash acts on the later curl after the file was written."""
        said = "spyq: No way is recorded, neither around nor through hubs, that arrives in time.\n"
        self.assertEqual(self.rows("6", "10", "--until", "2026-11-22 03:20", stderr=said), [])
        self.assertEqual(len(self.rows("6", "file:/tmp/miner")), 2)
        said = ("spyq: No way is recorded, neither around nor through hubs.\n")
        self.assertEqual(self.rows("6", "8", "--since", "2026-11-22 03:20", stderr=said), [])

    def test_a_longer_way_that_is_in_time(self):
        """The edge straight from 6 to 9 comes too late; that by curl and its file does not."""
        name = changed_store("late.db", EDGES + f"""
            INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst, open)
            VALUES (30, 1, {START + 50 * MINUTE}, {START + 50 * MINUTE}, 1, 'signal', 6, 9, 0)""")
        def ids(*options):
            result = spyq("--json", "path", "6", "9", *options, on=name)
            self.assertEqual((result.returncode, result.stderr), (0, b""))
            return [(row["process_id"], row["from_id"]) for row in json.loads(result.stdout)]
        self.assertEqual(ids(), [(6, None), (9, 6)])
        way = ids("--until", "2026-11-22 03:20")
        self.assertIn(way, ([(6, None), (7, 6), (9, 7)], [(6, None), (8, 6), (9, 8)]))

    def test_kinds_and_depth(self):
        self.assertEqual(self.rows("6", "9", "--kinds", "fork"),
                         [(6, None, None), (8, "fork", 8), (9, "fork", 9)])
        said = "spyq: No way is recorded, neither around nor through hubs.\n" \
               "spyq:   it stopped at "
        result = spyq("--json", "path", "6", "9", "--depth", "1", on=self.store)
        self.assertEqual((result.returncode, result.stdout), (0, b"[]\n"))
        self.assertTrue(result.stderr.decode().startswith(said), result.stderr)
        self.assertIn(b": depth", result.stderr)
        result = spyq("path", "6", "9", "--kinds", "fork,spoon", on=self.store)
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        self.assertIn(b"kinds", result.stderr)

    def test_only_through_a_hub(self):
        """An acts on init, which started everything."""
        name = changed_store("hub.db", f"""
            INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst, open)
            VALUES (30, 1, {START + 35 * MINUTE}, {START + 35 * MINUTE}, 1, 'unix', 10, 1, 0);
            INSERT INTO processes (id, host_id, pid, ppid, parent_id, started_at, origin, comm) VALUES
            (12, 1, 990, 1, 1, {START + 36 * MINUTE}, 'event', 'unit');
            INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst, open)
            VALUES (31, 1, {START + 36 * MINUTE}, {START + 36 * MINUTE}, 1, 'fork', 1, 12, 0)""")
        shown = spyq("--table", "path", "10", "12", on=name).stdout.decode()
        self.assertIn("Only through hubs, which share much between many:\n", shown)
        self.assertIn("init (pid 1) started unit (pid 990) [process 12, edge 31]\n", shown)
        followed = spyq("--table", "path", "10", "12", "--through-hubs", on=name).stdout.decode()
        self.assertNotIn("Only through hubs", followed)
        self.assertIn("started unit (pid 990)", followed)
        shown = spyq("--table", "path", "10", "11", "--since", "2026-11-22 03:34", on=name)
        self.assertIn("  it stopped at init (pid 1): init\n", shown.stdout.decode())

    def test_none_but_the_other_way_round(self):
        shown = self.told("9", "6")
        self.assertIn("No way is recorded, neither around nor through hubs.\n", shown)
        self.assertTrue(shown.endswith("The other way round there is one: path 6 9\n"), shown)
        self.assertNotIn("other way", self.told("6", "9"))

    def test_the_same_and_nobody(self):
        for code, words, *ends in ((1, "are the same process, 9", "9", "pid:910"),
                                   (1, "no process with the id 77", "77", "9"),
                                   (1, "no process with the id 77", "9", "77"),
                                   (2, "is no TARGET", "9", "bash"),
                                   (2, "usage: spyq path A B", "9")):
            result = spyq("path", *ends, on=self.store)
            self.assertEqual((result.returncode, result.stdout), (code, b""))
            self.assertIn(words.encode(), result.stderr)

    def test_it_fits_the_terminal(self):
        with Terminal("path", "7", "9", on=self.store) as terminal:
            self.assertEqual(terminal.end(), 0)
            lines = terminal.screen().splitlines()
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertEqual(lines[3:], [
            "03:12:00  curl (pid 900) wrote /tmp/miner, which miner (pid 910) ran, by exec",
            "          [process 9, edge 21, file 1]"])

    def test_hostile_names(self):
        name = changed_store("hostile-path.db", EDGES + """
            UPDATE processes SET comm = char(27) || '[2J' || char(10) || char(0x202e) WHERE id = 7;
            UPDATE files SET path = '/tmp/' || printf('%.*c', 300, 'x') || CAST(x'ff' AS TEXT);""")
        with Terminal("path", "7", "9", on=name, lines=40) as terminal:
            self.assertEqual(terminal.end(), 0)
            screen = terminal.screen()  # which refuses what is no plain text
        self.assertIn("\\x1b[2J\\n\\u202e (pid 900) wrote", screen)
        self.assertIn("x\\xff, which", screen.replace("\n          ", ""))
        self.assertLessEqual(max(map(len, screen.splitlines())), 80)

    def test_without_utf8_and_without_a_terminal(self):
        shown = self.told("7", "9", env=environment(LC_ALL="C"))
        shown.encode("ascii")
        self.assertEqual(len(shown.splitlines()), 4)

    def test_raw_times(self):
        self.assertIn("\n1795318200000000000  bash (pid 815) started", self.told("6", "10", "--raw-times"))


class Traces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.store = changed_store("traces.db", TRACES)

    def ids(self, *options):
        result = spyq("--json", "traces", *options, on=self.store)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        return [row["id"] for row in json.loads(result.stdout)]

    def test_rows(self):
        result = spyq("--json", "traces", on=self.store)
        rows = json.loads(result.stdout)
        self.assertEqual([row["id"] for row in rows], [2, 3, 1])
        self.assertEqual(rows[0], {
            "id": 2, "kind": "login", "title": "ssh login of ana from 198.51.100.7", "user": "ana",
            "started_at": "2026-11-22T03:05:00.000000000Z", "last_at": "2026-11-22T03:31:00.000000000Z",
            "processes": 6, "connections": 5, "state": "open", "score": 40,
            "severity": None, "why": None})
        self.assertEqual(rows[1]["state"], "ended")

    def test_bounds(self):
        self.assertEqual(self.ids("--since", "2026-11-22 03:31"), [2, 3])
        self.assertEqual(self.ids("--until", "2026-11-22 03:31"), [2, 1])
        self.assertEqual(self.ids("--rows", "1"), [2])
        self.assertEqual(self.ids("--since", "2026-11-23"), [])

    def test_it_fits_the_terminal(self):
        with Terminal("traces", on=self.store) as terminal:
            self.assertEqual(terminal.end(), 0)
            lines = terminal.screen().splitlines()
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertRegex(lines[0], "^id  started +last +procs  conns  state  score  title$")
        self.assertRegex(lines[2], "^ 2  11-22 03:05  11-22 03:31 +6 +5  open   40     ssh login of")
        self.assertIn("\\x1b[31m", lines[3])
        with Terminal("traces", on=self.store, columns=160) as terminal:
            self.assertEqual(terminal.end(), 0)
            self.assertRegex(terminal.screen(), "^id  kind +title +user +started_at")

    def test_many(self):
        name = changed_store("many.db", TRACES + """
            WITH RECURSIVE c(x) AS (SELECT 10 UNION ALL SELECT x + 1 FROM c WHERE x < 200)
            INSERT INTO traces SELECT x, 1, 1, 'other', 'x', 'root', NULL, x, x, x, 1, 0, 0, NULL,
            NULL, NULL, 0 FROM c""")
        result = spyq("--table", "traces", on=name)
        self.assertIn(b"100 rows\n", result.stdout)
        self.assertIn(b"the first 100; --rows", result.stderr)
        self.assertEqual(spyq("--csv", "traces", on=name).stdout.count(b"\n"), 1 + 194)
        result = spyq("--table", "traces", "--rows", "120", on=name)
        self.assertEqual((result.stdout[-9:], result.stderr), (b"120 rows\n", b""))

    def test_one_and_its_links(self):
        result = spyq("--json", "traces", "9", on=self.store)
        rows = json.loads(result.stdout)
        self.assertEqual([(row["relation"], row["id"], row["link_kind"], row["link_count"],
                           row["edge_id"]) for row in rows],
                         [("this", 2, None, None, None), ("from", 1, "fork", 1, 4),
                          ("into", 3, "file", 3, 21)])
        rows = json.loads(spyq("--json", "traces", "9", "--until", "2026-11-22 03:30",
                               on=self.store).stdout)
        self.assertEqual([row["relation"] for row in rows], ["this", "from"])

    def test_one_told(self):
        result = spyq("--table", "traces", "trace:2", on=self.store)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertEqual(result.stdout.decode(), (
            "trace 2, ssh login of ana from 198.51.100.7: process 5 (pid 812) sshd: ana [priv]\n"
            "2026-11-22\n"
            "03:05:00  trace 2, ssh login of ana from 198.51.100.7: 6 processes, 5 connections, "
            "score 40, open, last active 2026-11-22T03:31:00Z\n"
            "03:05:00  trace 1, start of web1, led into it (fork) [edge 4]\n"
            "03:40:00  it led into trace 3, cron job of \\x1b[31mroot (file, 3 times) [edge 21]\n"))

    def test_none(self):
        result = spyq("traces", "4", on=self.store)
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        self.assertIn(b"process 4 belongs to no trace in the store", result.stderr)
        self.assertEqual(spyq("traces", "bash", on=self.store).returncode, 2)
        self.assertEqual(spyq("traces", "77", on=self.store).returncode, 1)

    def test_a_store_without_traces(self):
        name = changed_store("old.db", "DROP VIEW linked_traces; DROP TABLE traces;")
        result = spyq("traces", on=name)
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        self.assertIn(b"this store has no table traces", result.stderr)


if __name__ == "__main__":
    unittest.main()
