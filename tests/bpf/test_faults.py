# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses and a full disk: counted, said, survived."""
import os
import signal
import struct
import subprocess

from harness import Build, show, wait_until
from test_scan import OwnRecorderCase

FORK, EXEC, EXIT = 11, 12, 14
HEADER = struct.Struct("=IHHQQQII")  # size kind cpu time sequence start pid tid
RECORDING_HEADER = 16


def recorded(path):
    """(kind, pid) of every record in a recording file."""
    with open(path, "rb") as file:
        data = file.read()
    offset = RECORDING_HEADER
    while offset + HEADER.size <= len(data):
        size, kind, _, _, _, _, pid, _ = HEADER.unpack_from(data, offset)
        yield kind, pid
        offset += size


class Faults(OwnRecorderCase):
    def frozen_storm(self, count, *command):
        """A storm of `count` processes while the recorder is stopped: the storm's pid."""
        storm = self.start([Build.helper("storm"), str(count), "64", *command],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(self.facts(storm.stdout, 1), {"ready": storm.pid})
        self.process(storm.pid, lambda row: row["exec_count"] == 1)
        self.recorder.process.send_signal(signal.SIGSTOP)
        try:
            storm.stdin.write(b"go\n")
            storm.stdin.flush()
            self.assertEqual(self.facts(storm.stdout, 2), {"made": count, "back": count})
        finally:
            self.recorder.process.send_signal(signal.SIGCONT)
        return storm

    def lost(self, loss_class):
        rows = self.store.rows("SELECT * FROM losses WHERE class = ?", loss_class)
        return rows, sum(row["count"] for row in rows)

    def test_every_loss_is_counted(self):
        """Rings of 1 MiB, 10,000 forks and exits while the recorder is stopped: what arrived and
        what is counted as lost make exactly what happened."""
        self.record("--record", self.path("recording"), config="[rings]\nlifecycle_mib = 1\n"
                    "activity_mib = 1\n")
        count = 10000
        storm = self.frozen_storm(count)
        self.store.wait("SELECT id FROM losses WHERE class = 'lifecycle'")
        storm.stdin.close()
        storm.wait()
        self.ended(storm.pid)
        self.stop()
        rows, lost = self.lost("lifecycle")
        records = [record for record in recorded(self.path("recording"))
                   if record[0] in (FORK, EXIT) and record[1] != storm.pid]
        self.assertGreater(lost, 0, "nothing was lost: the test proves nothing")
        self.assertEqual(len(records) + lost, 2 * count,
                         f"{len(records)} records + {lost} lost of {2 * count}:\n{show(rows)}")
        for row in rows:
            self.assertIn(row["stage"], ("ring", "order", "queue"), show([row]))
            self.assertLessEqual(row["started_at"], row["ended_at"], show([row]))
        forks = sum(kind == FORK for kind, _ in records)
        parent = self.process(storm.pid)
        children = self.store.rows("SELECT * FROM processes WHERE parent_id = ?", parent["id"])
        self.assertEqual(len(children), forks)

    def test_no_immortals_after_losses(self):
        """Exits were lost with the rest: no dead process stays alive in the store."""
        self.record(config="[rings]\nlifecycle_mib = 1\n")
        storm = self.frozen_storm(8000, "/bin/true", "storm")
        storm.stdin.close()  # the ring may still be full: its own exit may be lost as well
        storm.wait()
        alive = self.store.wait("SELECT * FROM processes WHERE ended_at IS NULL",
                                until=lambda rows: not rows, seconds=30)
        self.none(alive, "immortal rows")
        self.assertGreater(self.lost("lifecycle")[1], 0)

    def test_large_rings_hold_a_stopped_recorder(self):
        """With the default rings the same storm loses nothing."""
        self.record()
        storm = self.frozen_storm(3000)
        storm.stdin.close()
        storm.wait()
        self.ended(storm.pid)
        self.fence()
        rows = self.store.rows("SELECT COUNT(*) AS n, COUNT(ended_at) AS ended FROM processes "
                               "WHERE parent_id = ?", self.process(storm.pid)["id"])
        self.assertEqual(rows, [{"n": 3000, "ended": 3000}])
        self.assertEqual(self.every("losses"), [])

    def test_network_flood_spares_processes(self):
        """Connections overflow their own ring; no exec is pushed out."""
        self.record(config="[rings]\nactivity_mib = 1\n")
        server, client = self.actor(), self.actor()
        server.do("L = listen(); import threading")
        port = server.do("L.getsockname()[1]")
        server.do("def work():\n    for _ in range(3000): L.accept()[0].close()")
        server.do("t = threading.Thread(target=work); t.start()")
        self.process(client.pid)
        self.recorder.process.send_signal(signal.SIGSTOP)
        try:
            client.do(f"[reset(connect('127.0.0.1', {port})) for _ in range(3000)] and None")
            server.do("t.join()")
            pids = client.do("[(p := spawn('/bin/true', ['true', str(i)]), reap(p))[0] "
                             "for i in range(50)]")
        finally:
            self.recorder.process.send_signal(signal.SIGCONT)
        for i, pid in enumerate(pids):
            self.ended(pid)
            self.same_argv(self.exec(pid), [b"true", str(i).encode()])
        self.store.wait("SELECT id FROM losses WHERE class = 'network'")
        self.assertGreater(self.lost("network")[1], 0)
        self.assertEqual(self.lost("lifecycle"), ([], 0))

    def test_no_immortal_connections_after_losses(self):
        """Closes were lost with the rest: no dead connection stays open in the store."""
        self.record(config="[rings]\nactivity_mib = 1\n")
        server, client = self.actor(), self.actor()
        server.do("L = listen()")
        port = server.do("L.getsockname()[1]")
        server.do("keep = []")
        for i in range(200):
            client.do(f"C{i} = connect('127.0.0.1', {port})")
            server.do("keep.append(L.accept()[0])")
        client.do("last = C199")
        self.store.wait("SELECT id FROM connections WHERE state = 'open'",
                        until=lambda rows: len(rows) == 400)
        self.recorder.process.send_signal(signal.SIGSTOP)
        try:  # fill the ring, then close the 200 while nothing more fits
            client.do("for i in range(4000): attempt(tcp(), '127.0.0.1', 1)")
            client.do("for i in range(199): globals()[f'C{i}'].close()")
            server.do("for sock in keep[:199]: sock.close()")
        finally:
            self.recorder.process.send_signal(signal.SIGCONT)
        rows = self.store.wait("SELECT * FROM connections WHERE ended_at IS NULL",
                               until=lambda rows: len(rows) == 2, seconds=20)
        self.assertGreater(self.lost("network")[1], 0, "nothing was lost: the test proves nothing")
        if len(rows) != 2:
            self.fail(f"{len(rows) - 2} connections never end:\n{show(rows)}")
        self.assertEqual({row["cookie"] for row in rows},
                         {client.do("cookie(last)"), server.do("cookie(keep[199])")}, show(rows))

    def test_full_disk(self):
        """The recorder survives, says so, and goes on once there is space again."""
        os.mkdir(self.path("small"))
        subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", self.path("small")],
                       check=True)
        self.addCleanup(subprocess.run, ["/bin/umount", "-l", self.path("small")], check=True)
        self.record(store="small/spyq.db")
        actor = self.actor()
        before, _ = actor.run("/bin/true", "before")
        self.ended(before)
        with open(self.path("small/ballast"), "wb", buffering=0) as ballast:
            try:
                while ballast.write(b"x" * 65536):
                    pass
            except OSError:
                pass
        pids = []

        def said():
            pids.append(actor.run("/bin/true", "x" * 20000)[0])
            return any("full" in line.lower() or "space" in line.lower()
                       for line in list(self.recorder.lines))
        self.assertTrue(wait_until(said, 30), "not a word of the full disk:\n"
                        + self.recorder.output())
        self.assertIsNone(self.recorder.process.poll(), self.recorder.output())
        os.unlink(self.path("small/ballast"))
        after, _ = actor.run("/bin/true", "after")
        self.assertEqual(self.ended(after)["cmdline"], "/bin/true after")
        missing = [pid for pid in pids if not self.processes(pid)]
        if missing:
            rows = self.every("losses")
            self.assertTrue(rows, f"{len(missing)} processes are missing and no loss is recorded")
        self.assertEqual(self.store.rows("PRAGMA integrity_check"), [{"integrity_check": "ok"}])
        self.stop()
