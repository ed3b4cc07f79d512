# SPDX-License-Identifier: GPL-3.0-or-later
"""snapshot: a copy that is all of one moment, what goes with it, and nothing written over."""
import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import threading
import unittest

import support
from support import environment, make_store, path, spyq


class Snapshot(unittest.TestCase):
    def setUp(self):
        self.folder = path(f"snapshot-{self.id().rsplit('.', 1)[1]}")
        os.mkdir(self.folder)
        self.file = os.path.join(self.folder, "case.db")

    def make(self, store=None, file=None, code=0, stderr=""):
        result = spyq("snapshot", file or self.file, on=store or support.store())
        self.assertEqual((result.returncode, result.stderr.decode()), (code, stderr))
        return result.stdout.decode()

    def check(self, file=None):
        name = os.path.basename(file or self.file)
        return subprocess.run(["sha256sum", "-c", name + ".sha256"], cwd=self.folder,
                              capture_output=True, check=False)

    def everything(self, store):
        db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        db.text_factory = bytes
        try:
            names = [row[0].decode() for row in db.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
            return {name: db.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall()
                    for name in names}
        finally:
            db.close()

    def test_the_copy_is_the_store(self):
        before = support.digest(support.store())
        self.make()
        self.assertEqual(self.everything(self.file), self.everything(support.store()))
        self.assertEqual(support.digest(support.store()), before)
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ["case.db", "case.db.json", "case.db.sha256"])
        for name in os.listdir(self.folder):
            self.assertEqual(os.stat(os.path.join(self.folder, name)).st_mode & 0o777, 0o600)
        db = sqlite3.connect(self.file)
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(db.execute("PRAGMA journal_mode").fetchone(), ("delete",))
        db.close()
        self.assertEqual(spyq("ps", "--at", "2026-11-22 03:12:05", on=self.file).stdout,
                         spyq("ps", "--at", "2026-11-22 03:12:05").stdout)

    def test_the_hashes(self):
        rows = list(csv.DictReader(io.StringIO(self.make())))
        self.assertEqual([row["file"] for row in rows], [self.file, self.file + ".json"])
        for row in rows:
            self.assertEqual(row["sha256"], support.digest(row["file"]))
            self.assertEqual(int(row["bytes"]), os.path.getsize(row["file"]))
        self.assertEqual(self.check().stdout, b"case.db: OK\ncase.db.json: OK\n")
        with open(self.file, "r+b") as file:
            file.seek(5000)
            byte = file.read(1)
            file.seek(5000)
            file.write(bytes([byte[0] ^ 1]))
        self.assertIn(b"case.db: FAILED", self.check().stdout)

    def test_the_manifest(self):
        self.make()
        with open(self.file + ".json", encoding="utf-8") as file:
            manifest = json.load(file)
        self.assertEqual(manifest["sha256"], support.digest(self.file))
        self.assertEqual(manifest["file"], "case.db")
        self.assertEqual(manifest["store"], os.path.realpath(support.store()))
        self.assertEqual(manifest["hosts"][0]["hostname"], "web1")
        self.assertEqual(manifest["span"][0]["recorded_until_at"],
                         "2026-11-22T04:00:00.000000000Z")
        self.assertEqual([gap["class"] for gap in manifest["gaps"]],
                         ["network", "network", "down"])
        self.assertEqual(manifest["failed_probes"][0]["name"], "inet_csk_accept")
        db = sqlite3.connect(f"file:{support.store()}?mode=ro", uri=True)
        self.assertIn("processes", manifest["rows"])
        for table, count in manifest["rows"].items():
            self.assertEqual(db.execute(f"SELECT count(*) FROM {table}").fetchone(), (count,))
        db.close()

    def test_of_one_moment_while_it_is_written(self):
        """Each transaction of the writer adds a row to two tables: a copy has as many of both."""
        store = make_store("snapshot-live.db")
        stop = threading.Event()
        wrote = threading.Event()

        def write():
            db = sqlite3.connect(store, isolation_level=None)
            db.execute("PRAGMA synchronous = OFF")
            number = 10000
            while not stop.is_set():
                db.execute("BEGIN")
                db.execute("INSERT INTO execs (id, process_id, at, argv) VALUES (?, 1, 1, ?)",
                           (number, "x" * 3000))
                db.execute("INSERT INTO files (id, host_id, process_id, at, op, path) VALUES "
                           "(?, 1, 1, 1, 'write', ?)", (number, "y" * 3000))
                db.execute("COMMIT")
                number += 1
                wrote.set()
            db.close()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            wrote.wait(support.TIMEOUT)
            counts = []
            for number in range(3):
                file = os.path.join(self.folder, f"{number}.db")
                self.make(store, file)
                db = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
                ids = [{row[0] for row in db.execute(f"SELECT id FROM {name} WHERE id >= 10000")}
                       for name in ("execs", "files")]
                db.close()
                self.assertEqual(ids[0], ids[1])
                counts.append(len(ids[0]))
                self.assertIn(b"OK", self.check(file).stdout)
        finally:
            stop.set()
            writer.join()
        self.assertLess(counts[0], counts[2])

    def test_nothing_is_written_over(self):
        for ending in ("", ".json", ".sha256"):
            name = self.file + ending
            with open(name, "w", encoding="ascii") as file:
                file.write("evidence")
            self.make(code=1, stderr=f"spyq: {name} exists already; a snapshot replaces nothing\n")
            with open(name, encoding="ascii") as file:
                self.assertEqual(file.read(), "evidence")
            os.remove(name)
        self.assertEqual(os.listdir(self.folder), [])

    def test_where_it_cannot_be(self):
        self.make(file=self.folder + "/none/case.db", code=1,
                  stderr=f"spyq: cannot write {self.folder}/none/case.db: "
                  "No such file or directory\n")

    def test_not_where_no_file_may_be_reached(self):
        result = spyq("--safe", "snapshot", self.file)
        self.assertEqual((result.returncode, result.stderr), (2, b"spyq: --safe turns snapshot off\n"))
        self.assertEqual(os.listdir(self.folder), [])

    def test_names_that_sha256sum_escapes(self):
        file = os.path.join(self.folder, "a\\b\nc.db")
        self.make(file=file)
        result = self.check(file)
        self.assertEqual((result.returncode, result.stdout.count(b": OK")), (0, 2), result)

    def test_interrupted_it_leaves_nothing(self):
        """Stopped in the middle: its writing is made slow."""
        store = make_store("snapshot-big.db")
        db = sqlite3.connect(store)
        db.executemany("INSERT INTO execs (id, process_id, at, argv) VALUES (?, 1, 1, ?)",
                       ((number, "x" * 4000) for number in range(1000, 6000)))
        db.commit()
        db.close()
        process = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e",
             "inject=pwrite64:delay_enter=1000", support.program, "--store", store, "snapshot",
             self.file], stderr=subprocess.PIPE,
            env=environment(ASAN_OPTIONS="detect_leaks=0"))
        child = f"/proc/{process.pid}/task/{process.pid}/children"
        while not os.listdir(self.folder):
            self.assertIsNone(process.poll())
        with open(child, encoding="ascii") as file:
            os.kill(int(file.read().split()[0]), signal.SIGINT)
        message = process.communicate(timeout=support.TIMEOUT)[1]
        self.assertEqual((process.returncode, message.decode()),
                         (4, f"spyq: interrupted while copying to {self.file}\n"))
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    unittest.main()
