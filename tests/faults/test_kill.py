# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at random moments: what anybody has seen in the store stays there."""
import os
import random
import sqlite3
import threading
import time

import support
from support import Case, query, wait_until

ROUNDS = 50
ROUNDS_LONG = 1000
ROUNDS_PER_STORE = 5
LIVES = 3000

# What of a row never changes, once it is written.
IDENTITY = {
    "processes": "pid || ':' || start_boottime",
    "execs": "process_id || ':' || at",
    "edges": "kind || ':' || src || ':' || dst",
}


class Witness(threading.Thread):
    """Reads what is new in a store, over and over, and remembers it: acknowledged is what others
    were shown."""

    def __init__(self, store):
        super().__init__(daemon=True)
        self.store = store
        self.seen = {table: {} for table in IDENTITY}
        self.ended = threading.Event()
        self.error = None

    def look(self, database):
        for table, identity in IDENTITY.items():
            newest = max(self.seen[table], default=0)
            self.seen[table].update(database.execute(
                f"SELECT id, {identity} FROM {table} WHERE id > ?", (newest,)))

    def count(self):
        return sum(map(len, self.seen.values()))

    def run(self):
        while not self.ended.is_set():
            try:
                database = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=10)
                while not self.ended.is_set():
                    self.look(database)
            except sqlite3.OperationalError as error:  # it is not there yet
                self.error = error
                time.sleep(0.005)

    def stop(self):
        self.ended.set()
        self.join()


class Kill(Case):
    def test_at_random_moments(self):
        """Whole rounds of the recorder, from its first write of a new store on."""
        recording = self.lives(LIVES)
        chance = random.Random(int(os.environ.get("SEED", "1")))
        rounds = ROUNDS_LONG if support.long_run else ROUNDS
        self.early = self.seen = self.late = 0
        for number in range(0, rounds, ROUNDS_PER_STORE):
            self.rounds(recording, f"spyq-{number}.db", chance)
        print(f"{rounds} rounds: {self.early} before a row was seen, {self.late} after the end, "
              f"{self.seen} rows seen before a kill ...", end=" ", flush=True)
        self.assertGreater(self.seen, rounds * 100, "hardly a row was seen: it proves nothing")
        self.assertLess(self.late, rounds / 2, "hardly a kill was in time: it proves nothing")

    def rounds(self, recording, name, chance):
        """A store's, which is whole after each, and gets a whole replay at last."""
        witness = None
        for _ in range(ROUNDS_PER_STORE):
            witness = self.round(recording, name, witness, chance)
        store = self.make(recording, store=name)
        self.held_against(store, witness)
        self.whole(store)
        for suffix in ("", "-wal", "-shm", "-lock", "-ballast"):
            if os.path.exists(store + suffix):
                os.unlink(store + suffix)

    def moment(self, chance, seen):
        """Waits for any moment: one of the start, or one after so many rows."""
        rows = chance.choice((0, 1, 1, 1)) * chance.uniform(0, 0.8 * len(IDENTITY) * LIVES)
        if rows:
            wait_until(lambda: seen() > rows or self.recorder.process.poll() is not None, step=0.001)
        time.sleep(chance.uniform(0, 0.06 if rows == 0 else 0.01))

    def round(self, recording, name, before, chance):
        """One run that is killed, after which all is there that was seen; the witness, who goes on
        from what the one of the round before has seen."""
        self.recorder = recorder = self.record(recording, store=name, config="[timing]\nflush_ms = 10\n")
        witness = Witness(recorder.store)
        if before:
            witness.seen = {table: dict(rows) for table, rows in before.seen.items()}
        known = witness.count()
        witness.start()
        self.moment(chance, lambda: witness.count() - known)
        self.late += recorder.process.poll() is not None
        recorder.kill()
        witness.stop()
        new = witness.count() - known
        self.early += new == 0
        self.seen += new
        if os.path.exists(recorder.store):
            self.held_against(recorder.store, witness)
            self.whole(recorder.store)
        return witness

    def held_against(self, store, witness):
        for table, identity in IDENTITY.items():
            there = dict(query(store, f"SELECT id, {identity} FROM {table}"))
            gone = {row: text for row, text in witness.seen[table].items()
                    if there.get(row) != text}
            self.assertFalse(gone, f"{len(gone)} rows of {table} that were seen are not there, or are "
                             f"others now; {list(gone.items())[:4]}")
