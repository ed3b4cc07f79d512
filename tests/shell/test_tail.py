# SPDX-License-Identifier: GPL-3.0-or-later
"""tail: rows as they are written, of SQL, of verbs, and of everything; once each, and soon."""
import json
import os
import signal
import sqlite3
import subprocess
import time
import unittest

import support
from support import environment, make_store, path, spyq

S = 10**9


class Tail(unittest.TestCase):
    def setUp(self):
        self.store = make_store(f"tail-{self.id().rsplit('.', 1)[1]}.db")
        self.db = sqlite3.connect(self.store, isolation_level=None)
        self.db.execute("PRAGMA synchronous = OFF")
        self.addCleanup(self.db.close)

    def start(self, *arguments):
        process = subprocess.Popen(
            [support.program, "--store", self.store, "tail", *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment())
        self.addCleanup(self.end, process)
        os.set_blocking(process.stdout.fileno(), False)
        self.text = b""
        self.settle(process)
        return process

    def settle(self, process):
        """It has asked once, and now only looks whether something is written: it sleeps in poll."""
        deadline = time.monotonic() + support.TIMEOUT
        while True:
            self.assertIsNone(process.poll(), "it has ended")
            with open(f"/proc/{process.pid}/wchan", encoding="ascii") as file:
                where = file.read()
            with open(f"/proc/{process.pid}/syscall", encoding="ascii") as file:
                call = file.read().split()[0]
            if "poll" in where or call == "271":
                return
            self.assertLess(time.monotonic(), deadline, f"it never waited: {where} {call}")
            time.sleep(0.01)

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def lines(self, process, count):
        """Waits for so many lines; all that came."""
        deadline = time.monotonic() + support.TIMEOUT
        while self.text.count(b"\n") < count:
            self.assertLess(time.monotonic(), deadline, self.text)
            self.text += process.stdout.read() or b""
            time.sleep(0.005)
        return self.text.decode().splitlines()

    def stop(self, process, number=signal.SIGINT):
        process.send_signal(number)
        deadline = time.monotonic() + support.TIMEOUT
        while process.poll() is None:
            self.text += process.stdout.read() or b""
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)
        self.text += process.stdout.read() or b""
        return process.returncode, process.stderr.read()

    def exec(self, number, at=None, **columns):
        columns = {"id": number, "process_id": 6, "at": at or time.time_ns(), **columns}
        self.db.execute(f"INSERT INTO execs ({', '.join(columns)}) VALUES "
                        f"({', '.join('?' * len(columns))})", list(columns.values()))

    def test_a_select(self):
        process = self.start("SELECT id, exe FROM execs WHERE exe LIKE '/new%'; ", "--jsonl")
        self.exec(100, exe="/new/1")
        self.exec(101, exe="/old")
        self.exec(102, exe="/new/2")
        self.lines(process, 2)
        self.exec(103, exe="/new/3")
        lines = [json.loads(line) for line in self.lines(process, 3)]
        self.assertEqual(lines, [{"id": 100 + i, "exe": f"/new/{n}"}
                                 for i, n in ((0, 1), (2, 2), (3, 3))])
        self.assertEqual(self.stop(process), (4, b""))
        self.assertEqual(self.text.count(b"\n"), 3)

    def test_a_row_that_is_late_or_becomes_an_answer_late(self):
        process = self.start("SELECT id, error FROM execs WHERE error IS NOT NULL", "--csv")
        self.exec(100, error="EACCES")
        self.lines(process, 2)
        self.exec(99, error="EPERM")
        self.db.execute("UPDATE execs SET error = 'ENOENT' WHERE id = 8")
        self.assertEqual(self.lines(process, 4), ["id,error", "100,EACCES", "8,ENOENT", "99,EPERM"])
        self.db.execute("UPDATE execs SET error = 'EIO' WHERE id = 100")
        self.exec(101, error="E2BIG")
        self.assertEqual(self.lines(process, 5)[4:], ["101,E2BIG"])

    def test_an_answer_without_ids(self):
        process = self.start("SELECT comm, count(*) AS n FROM processes GROUP BY comm", "--csv")
        self.db.execute("INSERT INTO processes (id, host_id, pid, origin, comm) "
                        "VALUES (50, 1, 5, 'event', 'curl')")
        self.assertEqual(self.lines(process, 2), ["comm,n", "curl,4"])

    def test_only_new_ids_are_asked_for(self):
        """Of a table of any size: what is read for one new row does not grow with it."""
        self.db.execute("BEGIN")
        self.db.executemany("INSERT INTO execs (id, process_id, at) VALUES (?, 6, 1)",
                            ((number,) for number in range(1000, 101000)))
        self.db.execute("COMMIT")
        process = self.start("SELECT id, at FROM execs WHERE cwd = 'rare'", "--csv")
        before = support.processor_time(process.pid)
        for number in range(6):
            self.exec(200000 + number, cwd="rare")
            self.lines(process, 2 + number)
        self.assertLess(support.processor_time(process.pid) - before, 20)

    def test_it_is_soon_and_costs_little(self):
        process = self.start("--jsonl")
        worst = 0
        for number in range(4):
            before = time.monotonic()
            self.exec(100 + number, argv='["x"]')
            self.lines(process, 1 + number)
            worst = max(worst, time.monotonic() - before)
        self.assertLess(worst, 5, "under a second, where the machine is not loaded")

    def test_a_verb(self):
        process = self.start("run", "failed-execs", "--csv")
        self.exec(100, error="EACCES")
        self.exec(101, error="ENOENT")
        self.exec(102, error="EPERM")
        lines = self.lines(process, 3)
        self.assertEqual([line.split(",")[0] for line in lines], ["id", "100", "102"])
        self.assertEqual(self.stop(process, signal.SIGTERM)[0], 4)

    def test_a_verb_that_draws_and_talks(self):
        process = self.start("tree", "exe:curl", "--jsonl")
        self.db.execute("INSERT INTO processes (id, host_id, pid, origin, comm, parent_id, started_at) "
                        "VALUES (50, 1, 5, 'event', 'new', 11, 1795318900000000000)")
        row = json.loads(self.lines(process, 1)[0])
        self.assertEqual((row["id"], row["relation"]), (50, "descendant"))
        self.exec(100)
        self.db.execute("UPDATE processes SET comm = 'newer' WHERE id = 50")
        self.lines(process, 2)
        code, message = self.stop(process)
        self.assertEqual((code, message.count(b"newest")), (4, 1), message)
        self.assertEqual(message.count(b"pid 900"), 2, message)

    def test_everything(self):
        process = self.start("--jsonl")
        self.exec(100, argv='["ls","-l"]', at=5 * S)
        self.db.execute(
            "INSERT INTO connections (id, host_id, process_id, protocol, direction, remote_address, "
            "remote_port, started_at, state, origin) VALUES (100, 1, 7, 'tcp', 'out', '9.9.9.9', "
            "443, ?, 'open', 'event')", (4 * S,))
        rows = [json.loads(line) for line in self.lines(process, 2)]
        self.db.execute("INSERT INTO files (id, host_id, process_id, at, op, path) VALUES "
                        "(100, 1, 7, 1, 'write', '/tmp/x')")
        rows.append(json.loads(self.lines(process, 3)[2]))
        self.assertEqual(sorted((row["what"], row["text"]) for row in rows), [
            ("connect", "tcp 9.9.9.9 port 443"), ("exec", "ls -l"), ("write", "/tmp/x")])

    def test_json_ends_as_json(self):
        process = self.start("SELECT id FROM execs", "--json")
        self.exec(100)
        self.exec(101)
        deadline = time.monotonic() + support.TIMEOUT
        while b"101" not in self.text and time.monotonic() < deadline:
            self.text += process.stdout.read() or b""
            time.sleep(0.005)
        self.stop(process)
        self.assertEqual(json.loads(self.text), [{"id": 100}, {"id": 101}])

    def test_a_file_is_whole_when_it_is_stopped(self):
        target = path("tail.csv")
        process = self.start("SELECT id FROM execs", "-o", target)
        self.exec(100)
        deadline = time.monotonic() + support.TIMEOUT
        while not any(os.path.getsize(os.path.join(support.directory, name)) > 5
                      for name in os.listdir(support.directory) if name.startswith("tail.csv.")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        self.assertEqual(self.stop(process)[0], 4)
        with open(target, encoding="ascii") as file:
            self.assertEqual(file.read(), "id\n100\n")

    def test_it_ends_with_its_reader_and_its_time(self):
        process = self.start("--jsonl")
        process.stdout.close()
        self.assertEqual(process.wait(timeout=support.TIMEOUT), 4)
        process.stdout = open(os.devnull, "rb")
        result = spyq("tail", "--timeout", "0.3", on=self.store)
        self.assertEqual((result.returncode, result.stdout), (4, b""))

    def test_wrong_use(self):
        for words, arguments in (
                ("no such column: nope", ("SELECT nope FROM execs",)),
                ("one statement can be followed", ("SELECT 1; SELECT 2",)),
                ("nothing gives the SQL's parameters values", ("SELECT :x",)),
                ("does not allow DELETE", ("DELETE FROM hosts",)),
                ("quote the SQL", ("select", "1")),
                ("unknown verb 'frobnicate'", ("frobnicate",)),
                ("tail cannot follow pin", ("pin", "1")),
                ("tail cannot follow tail", ("tail",)),
                ("tail shows what is new by itself", ("run", "logins", "--new")),
                ("--depth means nothing to tail", ("--depth", "3")),
                ("--depth means nothing to ps", ("ps", "--depth", "3")),
                ("there is no saved query", ("run", "frobnicate"))):
            result = spyq("tail", *arguments, on=self.store)
            self.assertIn(result.returncode, (1, 2), arguments)
            self.assertIn(words.encode(), result.stderr)
            self.assertEqual(result.stdout, b"")

    def test_on_a_terminal(self):
        """At the prompt: columns that stay, text escaped, Ctrl-C goes back to the prompt."""
        with support.Terminal(on=self.store) as terminal:
            terminal.wait("spyq> ")
            terminal.type(".tail\r")
            terminal.wait("not recording now")
            self.settle_terminal(terminal)
            self.exec(100, argv='["first", "\\u001b[31m"]', at=1795320000 * S)
            terminal.wait("first")
            self.exec(101, argv='["second-' + "x" * 100 + '"]', at=1795320000 * S)
            terminal.wait("second")
            lines = terminal.screen().splitlines()
            first, = [line for line in lines if "first" in line]
            second, = [line for line in lines if "second" in line]
            self.assertEqual(first.index("first"), second.index("second"))
            self.assertIn("\\x1b[31m", first)
            self.assertLessEqual(len(second), 80)
            terminal.type("\x03")
            terminal.wait("spyq> ")
            self.assertNotIn("interrupted", terminal.screen())
            terminal.type(".quit\r")
            self.assertEqual(terminal.end(), 0)

    def settle_terminal(self, terminal):
        class Waiting:
            pid = terminal.pid

            @staticmethod
            def poll():
                return None

        self.settle(Waiting)


if __name__ == "__main__":
    unittest.main()
