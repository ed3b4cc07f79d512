# SPDX-License-Identifier: GPL-3.0-or-later
"""Who was there: `ps` of moments and spans, by an index on lives that are long, against looking at all."""
import json
import random
import sqlite3
import time
import unittest

from support import make_store, spyq

SECOND = 10**9
START = 1795320000 * SECOND
DAY = 86400 * SECOND

# Lives around which the parts of the question meet: ten seconds, and each power of ten above.
EDGES = [10**digits + more for digits in range(9, 19) for more in (-1, 0, 1)]


def lives():
    """(started_at, ended_at) of each process: whatever its life is long, unknown or against the clock."""
    chance = random.Random(7)
    yield from ((START, START + life) for life in EDGES if life < 10**18)
    yield from ((START - life, START) for life in EDGES if life < 10**18)
    yield from [(None, None), (None, START), (None, START - 1), (START, None), (START + 1, None),
                (START, START), (START, START - 5 * SECOND), (START, START - DAY), (0, START)]
    for _ in range(3000):
        started = START + chance.randrange(-30 * DAY, 30 * DAY)
        yield started, started + int(10 ** chance.uniform(3, 16))


def make(name, *statements):
    made = make_store(name, fixture=False)
    db = sqlite3.connect(made)
    db.executemany("INSERT INTO process_rows (host_id, pid, origin, comm, started_at, ended_at) "
                   "VALUES (1, 1, 0, 'x', ?, ?)", lives())
    for statement in statements:
        db.execute(statement)
    db.commit()
    return made, db


def moments():
    chance = random.Random(8)
    yield from (START + life for life in EDGES if life < 10**17)
    yield from (START + offset for offset in (-DAY, -SECOND, -1, 0, 1, 20 * DAY, -40 * DAY))
    yield from (START + chance.randrange(-31 * DAY, 31 * DAY) for _ in range(15))


def when(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // SECOND)) + f".{at % SECOND:09}Z"


class Ps(unittest.TestCase):
    def compare(self, store, db):
        spans = [(at, at, ("--at", when(at))) for at in moments()]
        spans += [(at, at + length, ("--since", when(at), "--until", when(at + length)))
                  for at in list(moments())[-8:] for length in (SECOND, 60 * SECOND, 40 * DAY)]
        spans += [(START, 2**63 - 1, ("--since", when(START))), (-2**63, START, ("--until", when(START)))]
        found = 0
        for since, until, words in spans:
            wanted = [row for row, in db.execute(
                "SELECT id FROM processes WHERE (started_at IS NULL OR started_at <= ?) "
                "AND (ended_at IS NULL OR ended_at >= ?) ORDER BY id", (until, since))]
            result = spyq("--json", "ps", *words, on=store)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual([row["id"] for row in json.loads(result.stdout or "[]")], wanted, words)
            found += len(wanted)
        self.assertGreater(found, 3000)

    def test_then(self):
        self.compare(*make("lives.db"))

    def test_then_in_a_store_without_the_index(self):
        self.compare(*make("lives-2.db", "DROP INDEX processes_long", "PRAGMA user_version = 2"))
