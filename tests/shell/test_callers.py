# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose doing it is what a server does: who only used it before is no cause, and who did so after is
no effect."""
import json
import re
import sqlite3
import unittest

from support import spyq
from test_verbs import changed_store

START = 1795320000000000000  # an hour after all else in the fixture
SECOND = 10**9


def at(seconds):
    return START + int(seconds * SECOND)


class Rows:
    """Rows of a store, in the order in which things happen."""

    def __init__(self):
        self.sql = []

    def process(self, number, parent, name, since, until=None, exe=None):
        self.sql.append(
            "INSERT INTO processes (id, host_id, pid, ppid, parent_id, started_at, ended_at, origin, "
            f"comm, exe, cmdline, user, uid, euid) VALUES ({number}, 1, {number}, NULL, "
            f"{parent or 'NULL'}, {at(since)}, {at(until) if until else 'NULL'}, 'event', '{name}', "
            f"'{exe or '/usr/bin/' + name}', '{name}', 'root', 0, 0)")
        if parent:
            self.edge(number, "fork", parent, number, since, since)

    def edge(self, number, kind, src, dst, since, until, **evidence):
        names = "".join(", " + name for name in evidence)
        values = "".join(f", {value}" for value in evidence.values())
        self.sql.append(
            f"INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst, open{names}) VALUES "
            f"({number}, 1, {at(since)}, {at(until)}, 1, '{kind}', {src}, {dst}, 0{values})")

    def connection(self, number, process, direction, since, until, peer=None, peer_process=None):
        values = [number, 1, process, "'tcp'", f"'{direction}'", "'10.0.0.2'", 80, "'203.0.113.5'",
                  number, at(since), at(since), at(until), "'closed'", peer or "NULL",
                  peer_process or "NULL", "'event'"]
        self.sql.append(
            "INSERT INTO connections (id, host_id, process_id, protocol, direction, local_address, "
            "local_port, remote_address, remote_port, started_at, established_at, ended_at, state, "
            f"peer_id, peer_process_id, origin) VALUES ({', '.join(map(str, values))})")

    def call(self, number, client, server, since, until):
        """A connection from the client to the server; `number` and the next are its rows."""
        self.connection(number, client, "out", since, until, number + 1, server)
        self.connection(number + 1, server, "in", since, until, number, client)
        self.edge(number, "connect", client, server, since, until, connection_id=number)

    def store(self, name):
        return changed_store(name, ";\n".join(self.sql) + ";")


def answered(name, worker="sh", outside=None):
    """A server that three others call, one after the other and a fourth all the time; each time it
    forks a child that answers it. The second's is 142."""
    rows = Rows()
    exe = "/usr/sbin/serverd"
    rows.process(100, None, "serverd", 0, exe=exe)
    for number, client in ((1, "early"), (2, "guilty"), (3, "late")):
        rows.process(120 + number, None, client, number * 10, number * 10 + 5)
        if number == 2 and outside:
            rows.connection(220, 100, "in", 20.5, 25)
        else:
            rows.call(200 + 10 * number, 120 + number, 100, number * 10 + 0.5, number * 10 + 5)
        rows.process(140 + number, 100, worker, number * 10 + 1, number * 10 + 4,
                     exe if worker == "serverd" else None)
        rows.edge(300 + number, "pipe", 140 + number, 100, number * 10 + 2, number * 10 + 3)
    return rows.store(name)


# Edges of process 180 to the server, long after all else
OFTEN = ("WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) INSERT INTO "
         "edge_rows (host_id, at, last_after, count, kind, src, dst) "
         f"SELECT 1, {at(5001)} + i, 0, 1, 2, 180, 100 FROM n")


# Connections that the server took, each a moment long.
TOOK = ("WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) INSERT INTO "
        "connections (id, host_id, process_id, protocol, direction, local_address, local_port, "
        "remote_address, remote_port, started_at, established_at, ended_at, state, origin) "
        "SELECT {first} + i, 1, 100, 'tcp', 'in', '10.0.0.2', 80, '203.0.113.9', 9, {at} + i, "
        "{at} + i, {at} + i + 1, 'closed', 'event' FROM n")

OTHERS = re.compile("^Other connections that these servers took.*$", re.M)


def told(store, *arguments):
    result = spyq("--json", *arguments, on=store)
    assert result.returncode == 0, result.stderr
    return "\n".join(row["sentence"] for row in json.loads(result.stdout))


class Callers(unittest.TestCase):
    def check(self, text, has, lacks):
        for word in has:
            self.assertIn(word, text)
        for word in lacks:
            self.assertNotIn(word, text)

    def test_cause_is_who_was_connected(self):
        store = answered("callers.db")
        self.check(told(store, "story", "142"), ["guilty"], ["early", "late", "pid 141", "pid 143"])
        text = told(store, "why", "142")
        self.check(text, ["guilty (pid 122, root) connected to serverd (pid 100)",
                          "serverd (pid 100, root) forked", "only used the same servers"],
                   ["early", "late", "pid 141", "pid 143"])

    def test_cause_from_outside(self):
        """Nobody on this host had called it then."""
        text = told(answered("callers-outside.db", outside=True), "why", "142")
        self.check(text, ["serverd (pid 100, root) took a connection from 203.0.113.5 port 220"],
                   ["early", "late", "guilty", "port 211", "pid 141"])

    def test_effect_of_who_was_connected(self):
        store = answered("callers-forward.db")
        self.check(told(store, "impact", "122"), ["connected to serverd", "pid 142"],
                   ["early", "late", "pid 141", "pid 143"])
        # who asks for all gets all
        self.check(told(store, "impact", "122", "--through-hubs"), ["pid 142", "pid 143"],
                   ["only used the same servers"])
        result = spyq("--csv", "SELECT process_id FROM forward(122)", on=store)
        self.assertIn(b"143", result.stdout.split())

    def test_child_is_no_cause_of_other_children(self):
        self.check(told(answered("callers-child.db"), "impact", "141"), ["pid 100"],
                   ["guilty", "late", "pid 142", "pid 143"])

    def test_several_are_connected(self):
        """A thread may serve each of them: all are told. Of a worker that runs the server's own
        program only the last that the server took."""
        for worker, counts in (("sh", ["guilty", "steady"]), ("serverd", ["guilty"])):
            with self.subTest(worker=worker):
                store = answered(f"callers-{worker}.db", worker)
                rows = Rows()
                rows.process(130, None, "steady", 1)
                rows.call(280, 130, 100, 2, 90)
                text = told(changed(store, rows), "why", "142")
                self.check(text, counts, {"early", "late", "steady"} - set(counts))

    def test_nobody_is_connected_any_more(self):
        """It did late what the last one had asked for."""
        rows = Rows()
        rows.process(145, 100, "job", 50)
        text = told(changed(answered("callers-later.db"), rows), "why", "145")
        self.check(text, ["late (pid 123, root) connected"], ["guilty", "early"])

    def test_what_a_connection_fed(self):
        """The row of the file says which."""
        rows = Rows()
        rows.process(130, None, "steady", 1)
        rows.call(280, 130, 100, 2, 90)
        rows.process(146, None, "job", 60)
        rows.sql.append("INSERT INTO files (id, process_id, at, op, path, last_at, connection_id, "
                        f"host_id) VALUES (90, 100, {at(22)}, 'write', '/srv/job', {at(22)}, 281, 1)")
        rows.edge(390, "file", 100, 146, 22, 22, connection_id=281, file_id=90)
        text = told(changed(answered("callers-fed.db"), rows), "why", "146")
        self.check(text, ["steady (pid 130, root) connected"], ["guilty", "early", "late"])
        # asked about the file, at the moment of its writing
        text = told(changed(answered("callers-file.db"), rows), "why", "file:/srv/job")
        self.check(text, ["steady", "guilty"], ["early", "late"])

    def test_a_busy_server(self):
        """Who called it last is found among very many, and who has been connected since the first."""
        rows = Rows()
        rows.process(100, None, "serverd", -9000)
        rows.connection(900, 100, "in", -8000, 1)
        rows.sql.append("UPDATE connections SET ended_at = NULL, state = 'open' WHERE id = 900")
        rows.sql.append(TOOK.format(count=60000, first=1000, at=at(-7000)))
        rows.connection(70000, 100, "in", 20.5, 25)
        rows.process(142, 100, "sh", 21, 24)
        rows.sql.append(TOOK.format(count=60000, first=80000, at=at(7000)))
        store = rows.store("callers-busy.db")
        text = told(store, "why", "142")
        self.check(text, ["from 203.0.113.5 port 70000", "from 203.0.113.5 port 900"], ["203.0.113.9"])

    def test_a_server_that_was_called_very_often(self):
        """By somebody who is no part of the story: it is the same as without them."""
        asked = (("impact", "122"), ("story", "142"), ("why", "142"), ("impact", "142"), ("story", "122"))
        rows = Rows()
        rows.connection(90000, 100, "in", 1, 2)  # nobody knows since when
        rows.sql.append("UPDATE connections SET started_at = NULL, established_at = NULL, ended_at = NULL, "
                        "state = 'open' WHERE id = 90000")
        rows.connection(960, 100, "out", 22, 23)
        store = changed(answered("callers-often.db"), rows)
        before = [told(store, *words) for words in asked]
        self.assertIn("guilty (pid 122, root) connected to serverd", before[0])
        self.assertIn("203.0.113.5 port 90000", before[2])
        self.assertIn("203.0.113.5 port 960", before[0])
        rows = Rows()
        rows.process(180, None, "agent", 5000)
        rows.sql.append(OFTEN.format(count=1500))
        rows.sql.append(TOOK.format(count=3000, first=1000, at=at(6000)))
        changed(store, rows)
        for words, text in zip(asked, before):
            self.assertEqual(OTHERS.sub("", told(store, *words)), OTHERS.sub("", text), words)

    def test_more_than_is_looked_at(self):
        for count, cut in ((49990, False), (50001, True)):
            rows = Rows()
            rows.process(180, None, "agent", 5000)
            rows.sql.append(OFTEN.format(count=count))
            text = told(changed(answered(f"callers-cut-{count}.db"), rows), "why", "100", "--kinds", "pipe")
            self.assertEqual("More happened than is looked at: only 50000 rows" in text, cut)

    def test_a_server_itself(self):
        """All of whom it ever heard are its causes."""
        self.check(told(answered("callers-itself.db"), "why", "100"), ["early", "guilty", "late"],
                   ["only used the same servers"])


def changed(store, rows):
    db = sqlite3.connect(store)
    db.executescript(";\n".join(rows.sql) + ";")
    db.close()
    return store


if __name__ == "__main__":
    unittest.main()
