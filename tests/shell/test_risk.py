# SPDX-License-Identifier: GPL-3.0-or-later
"""flags, traces with their scores, suppress, check-rules, rescan."""
import json
import os
import random
import sqlite3
import unittest

from support import Terminal, digest, make_store, spyq
from test_verbs import TRACES, changed_store

FLAGS = """
UPDATE traces SET flag_count = 2, severity = 'high' WHERE id = 2;
UPDATE traces SET score = 75, flag_count = 1, severity = 'critical' WHERE id = 3;
UPDATE processes SET trace_id = 2 WHERE id = 9;
INSERT INTO flags (id, at, rule, severity, title, techniques, process_id, trace_id, detail,
                   suppressed_by, host_id) VALUES
    (1, 1795317000000000000, 'minor', 'low', 'Something', NULL, 9, 2, NULL, NULL, 1),
    (2, 1795316990000000000, 'major', 'high', 'Shell \x1b[31m', '["T1059"]', 9, 2, 'a detail', NULL, 1),
    (3, 1795317020000000000, 'worst', 'critical', 'Bad', NULL, NULL, 3, NULL, NULL, 1),
    (4, 1795317030000000000, 'noise', 'critical', 'Harmless', NULL, 9, 2, NULL, 7, 1);
INSERT INTO score_reasons (id, trace_id, flag_id, points, reason) VALUES
    (1, 2, 2, 34, 'Shell (high)'), (2, 2, 1, 6, 'Something (low)'), (3, 3, 3, 75, 'Bad (critical)');
"""

# All of them, the plain way.
IN_ORDER = """
SELECT f.id FROM flags AS f LEFT JOIN traces AS t ON t.id = f.trace_id
ORDER BY f.suppressed_by IS NOT NULL, coalesce(t.score, 0) DESC, f.trace_id,
    CASE f.severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1
        ELSE 0 END DESC, f.at DESC, f.id DESC LIMIT ?
"""

RULE = """-- id: {id}
-- title: A test
-- severity: {severity}
-- description: For a test.
SELECT process_id, id AS exec_id, filename AS detail FROM new_execs WHERE exe = '/usr/bin/curl'
"""


class Risk(unittest.TestCase):
    def setUp(self):
        self.store = changed_store(f"{self.id()}.db", TRACES + FLAGS)
        self.rules = self.store + ".rules"
        os.mkdir(self.rules)

    def ok(self, *arguments, **options):
        result = spyq(*arguments, on=self.store, **options)
        self.assertEqual((result.returncode, result.stderr), (0, b""), arguments)
        return result.stdout.decode()

    def fails(self, code, words, *arguments, **options):
        result = spyq(*arguments, on=self.store, **options)
        self.assertEqual(result.returncode, code)
        self.assertIn(words, result.stderr.decode())
        return result.stdout.decode()

    def rows(self, *arguments):
        return json.loads(self.ok("--json", *arguments))

    def rule(self, name, severity="low", text=RULE):
        with open(os.path.join(self.rules, name + ".sql"), "w") as file:
            file.write(text.format(id=name, severity=severity))

    # ---- flags and traces ----

    def test_flags_by_score_and_why(self):
        rows = self.rows("flags")
        self.assertEqual([row["id"] for row in rows], [3, 2, 1, 4])
        self.assertEqual((rows[1]["score"], rows[1]["severity"], rows[1]["detail"], rows[1]["techniques"],
                          rows[1]["why"]), (40, "high", "a detail", '["T1059"]',
                                            "34 points: Shell (high)"))
        self.assertEqual((rows[3]["suppressed_by"], rows[3]["why"]), (7, None))

    def test_flags_of_a_span_and_of_a_trace(self):
        self.assertEqual([row["id"] for row in self.rows("flags", "--since", "2026-11-22 03:10:15")],
                         [3, 4])
        self.assertEqual([row["id"] for row in self.rows("flags", "--rows", "1")], [3])
        for target in ("9", "flag:1", "trace:2"):
            self.assertEqual([row["id"] for row in self.rows("flags", target)], [2, 1, 4])

    def test_first_flags_of_very_many(self):
        """Found without sorting all, whatever is suppressed and whichever traces have a score."""
        for suppressed in (0, 0.5, 0.99):
            with self.subTest(suppressed=suppressed):
                chance = random.Random(5)
                store = make_store(f"flags-{suppressed}.db", fixture=False)
                db = sqlite3.connect(store)
                db.executemany(
                    "INSERT INTO traces (id, host_id, kind, process_count, connection_count, flag_count, "
                    "score, pinned) VALUES (?, 1, 'login', 1, 0, 1, ?, 0)",
                    [(i, chance.choice((None, 0, i % 5 + 1, 90))) for i in range(1, 100)])
                db.executemany(
                    "INSERT INTO flags (at, rule, severity, trace_id, suppressed_by, host_id) "
                    "VALUES (?, 'r' || ?, ?, ?, ?, 1)",
                    [(chance.randrange(1000), chance.randrange(9),
                      chance.choice(("info", "low", "medium", "high", "critical")),
                      chance.choice((None, *range(1, 110))), 1 if chance.random() < suppressed else None)
                     for _ in range(2000)])
                db.commit()
                for count in (1, 7, 100, 900, 1500, 1999, 3000):
                    wanted = [row for row, in db.execute(IN_ORDER, (count,))]
                    self.assertEqual([row["id"] for row in json.loads(
                        spyq("--json", "flags", "--rows", str(count), on=store).stdout)], wanted)
                db.close()

    def test_flags_for_a_person_fit_and_are_escaped(self):
        with Terminal("flags", on=self.store) as terminal:
            self.assertEqual(terminal.end(), 0)
            lines = terminal.screen().splitlines()
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertRegex(lines[0], "^id  at +trace  score  severity  what$")
        self.assertIn("Shell \\x1b[31m: ", lines[3])
        self.assertIn("suppr.", lines[5])

    def test_the_first_traces_are_the_same_however_many_are_wanted(self):
        name = make_store("ranks.db")
        db = sqlite3.connect(name)
        db.execute("DELETE FROM traces")
        scores = [None, 0, 5, None, 90, 5, 0, None, 40, None]
        db.executemany("INSERT INTO traces (id, host_id, kind, started_at, last_at, process_count, "
                       "connection_count, flag_count, pinned, score) VALUES (?, 1, 'other', 1, ?, 1, 0, 0, 0, ?)",
                       [(i, 100 + i * 7 % 4, score) for i, score in enumerate(scores, 1)])
        db.commit()
        db.close()
        ranked = sorted(range(1, 11), key=lambda i: (scores[i - 1] or 0, 100 + i * 7 % 4, i), reverse=True)
        for rows in range(1, 12):
            found = json.loads(spyq("--json", "traces", "--rows", str(rows), on=name).stdout)
            self.assertEqual([row["id"] for row in found], ranked[:rows])

    def test_traces_by_score_and_why(self):
        rows = self.rows("traces")
        self.assertEqual([row["id"] for row in rows], [3, 2, 1])
        self.assertEqual((rows[1]["severity"], rows[1]["why"]),
                         ("high", "34 points: Shell (high); 6 points: Something (low)"))

    def test_a_store_of_before_there_were_rules(self):
        store = changed_store("before-rules.db", TRACES + "DROP TABLE flags; DROP TABLE score_reasons;")
        self.assertEqual(len(json.loads(spyq("--json", "traces", on=store).stdout)), 3)
        result = spyq("flags", on=store)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"this store has no table flags", result.stderr)

    def test_status_tells_of_rules(self):
        store = changed_store("rules.db", """
            INSERT INTO rules (id, name, state, error, slowest_ns) VALUES
                (1, 'fine', 'active', NULL, 3000000), (2, 'slow', 'suspended', 'f.sql:7: slow', 9000000),
                (3, 'bad', 'failed', 'f.sql:1: bad', NULL), (4, 'old', 'removed', NULL, 99000000);""")
        facts = {row["name"]: row["value"] for row in json.loads(
            spyq("--json", "status", on=store).stdout) if row["section"] == "rules"}
        self.assertEqual(facts, {"active": 1, "failed": 1, "suspended": 1, "slowest, slow": "9 ms",
                                 "bad": "f.sql:1: bad", "slow": "f.sql:7: slow"})

    # ---- suppress ----

    def suppressions(self):
        db = sqlite3.connect(self.store + ".user")
        rows = db.execute("SELECT rule, program, ancestor, user, container, arguments, expires_at, "
                          "reason FROM suppressions ORDER BY id").fetchall()
        db.close()
        return rows

    def test_a_suppression_is_kept_beside_the_store(self):
        recorded = digest(self.store)
        self.assertEqual(self.rows("suppress") if os.path.exists(self.store + ".user") else [], [])
        self.assertEqual(self.ok("suppress", "rule:minor", "program:*/curl", "our", "mirror"),
                         "suppression 1: the recorder goes by it from now on\n")
        self.ok("suppress", "ancestor:cron", "user:ann", "container:web*", "arguments:*'; --*",
                "expires:2030-01-01", "a reason")
        self.assertEqual(self.suppressions(), [
            ("minor", "*/curl", None, None, None, None, None, "our mirror"),
            (None, None, "cron", "ann", "web*", "*'; --*", 1893456000000000000, "a reason")])
        rows = self.rows("suppress")
        self.assertEqual([row["reason"] for row in rows], ["our mirror", "a reason"])
        self.assertEqual(digest(self.store), recorded)

    def test_a_span_counts_from_now(self):
        self.ok("suppress", "rule:x", "expires:30d", "why")
        [(*_, expires_at, _)] = self.suppressions()
        [row] = self.rows(f"SELECT ({expires_at} - at('now')) / 86400000000000.0 AS days")
        self.assertAlmostEqual(row["days"], 30, delta=0.1)

    def test_a_suppression_ends_and_is_not_deleted(self):
        self.ok("suppress", "rule:x", "why")
        self.assertEqual(self.ok("suppress", "end:1"), "suppression 1 has ended\n")
        [row] = self.rows("suppress")
        self.assertIsNotNone(row["expires_at"])
        self.fails(1, "no suppression 1 that has not ended", "suppress", "end:1")
        self.fails(1, "no suppression 5 that", "suppress", "end:5")

    def test_what_is_wrong_with_a_suppression(self):
        self.fails(2, "has to say of what: rule:", "suppress", "just", "words")
        self.fails(2, "has to say why", "suppress", "rule:x")
        self.fails(2, "rule:y: is given twice", "suppress", "rule:x", "rule:y", "why")
        self.fails(2, "rule:: a pattern is missing", "suppress", "rule:", "why")
        self.fails(2, "end:x: must be the id", "suppress", "end:x")
        self.fails(2, "expires:", "suppress", "rule:x", "expires:soon", "why")
        self.assertFalse(os.path.exists(self.store + ".user"))

    # ---- check-rules, rescan ----

    def test_check_rules_tells_how_each_fares(self):
        self.rule("found")
        rows = {row["rule"]: row for row in self.rows("check-rules", self.rules)}
        self.assertGreater(len(rows), 5)
        self.assertEqual((rows["found"]["state"], rows["found"]["severity"], rows["found"]["file"]),
                         ("active", "low", f"{self.rules}/found.sql"))
        wanted = self.rows("SELECT count(*) AS n FROM execs WHERE exe = '/usr/bin/curl'")[0]["n"]
        self.assertGreater(wanted, 0)
        self.assertEqual(rows["found"]["hits"], wanted)
        self.assertEqual({row["state"] for row in rows.values()}, {"active"})

    def test_check_rules_names_what_is_wrong(self):
        self.rule("broken", text=RULE.replace("exe =", "nought ="))
        self.rule("writes", text=RULE.split("SELECT")[0] + "DELETE FROM flags")
        out = self.fails(1, f"{self.rules}/broken.sql:5: no such column: nought", "--csv",
                         "check-rules", self.rules)
        self.assertIn("broken,low,failed,0,0,", out)
        self.fails(1, f"{self.rules}/writes.sql:5: it may only read", "check-rules", self.rules)

    def test_rescan_shows_what_is_found_and_writes_nothing(self):
        self.rule("found", severity="high")
        recorded = digest(self.store)
        rows = [row for row in self.rows("rescan", self.rules) if row["rule"] == "found"]
        execs = self.rows("SELECT id, process_id, filename FROM execs WHERE exe = '/usr/bin/curl'")
        self.assertEqual({(row["exec_id"], row["process_id"], row["detail"]) for row in rows},
                         {(row["id"], row["process_id"], row["filename"]) for row in execs})
        self.assertEqual({(row["severity"], row["title"]) for row in rows}, {("high", "A test")})
        self.assertEqual(digest(self.store), recorded)
        rows = self.rows("rescan", self.rules, "--until", "2020-01-01")
        self.assertEqual(rows, [])


if __name__ == "__main__":
    unittest.main()
