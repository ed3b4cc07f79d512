# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses, full disks, kills and storms: counted, said, survived."""
import os
import random
import signal
import struct
import subprocess
import time

from disk import fill
from harness import SLOW, Build, show, wait_until
from test_scan import OwnRecorderCase

FORK, EXEC, EXIT = 11, 12, 14
HEADER = struct.Struct("=IHHQQQII")  # size kind cpu time sequence start pid tid
RECORDING_HEADER = 16
LONG = os.environ.get("SPYQ_TEST_LONG") == "1"


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

    def check(self):
        """The shell's own checker; it runs SQLite's as well."""
        done = subprocess.run([Build.program("spyq"), "check", self.store.path], capture_output=True)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr).decode())

    # -- a full disk --

    def mount(self, megabytes):
        where = self.path("small")
        os.mkdir(where)
        subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", where],
                       check=True)
        self.addCleanup(subprocess.run, ["/bin/umount", "-l", where], check=True)

    def counted(self, table):
        """Rows that are in the store, or in `losses` as dropped or as rolled away."""
        rows = self.store.rows(
            f"SELECT (SELECT COUNT(*) FROM {table}) AS there, "
            f"(SELECT SUM(count) FROM losses WHERE stage = 'queue' AND detail = '{table}') AS dropped, "
            f"(SELECT SUM(detail ->> '{table}') FROM losses WHERE class = 'retention') AS rolled")
        return {name: number or 0 for name, number in rows[0].items()}

    def until_recorded(self, actor, deadline):
        """Runs programs until one is in the store; how many. Those that come while what waited is
        still dropped may be dropped with it."""
        runs = 0
        while True:
            pid, _ = actor.run("/bin/true", "after")
            runs += 1
            found = wait_until(lambda: self.store.rows(
                "SELECT 1 FROM processes WHERE pid = ? AND cmdline = '/bin/true after' "
                "AND ended_at IS NOT NULL", pid), 1)  # pylint: disable=cell-var-from-loop
            self.assertLess(time.monotonic(), deadline, "nothing is recorded again:\n"
                            + self.recorder.output())
            if found:
                return runs

    def test_full_disk(self):
        """The recorder survives, says so once, goes on within 5 s of there being space again, and
        each exec is in the store or counted as lost."""
        self.mount(16)
        self.record(store="small/spyq.db", config="[timing]\nqueue_mib = 1\n"
                    "[rings]\nlifecycle_mib = 2\n")
        actor = self.actor()
        before, _ = actor.run("/bin/true", "before")
        self.ended(before)
        kept = self.every("execs")
        fill(self.path("small/ballast"))
        made = 2 + len(kept)
        storm = self.storms(self.cgroup, 400, "/bin/true", "x" * 3000)
        made += 1

        def said():
            nonlocal made
            storm.stdin.write(b"go\n")
            storm.stdin.flush()
            made += self.facts(storm.stdout, 2)["made"]
            return self.recorder.says(["can not write, trying again", "full"], 0)
        self.assertTrue(wait_until(said, 30), "not a word of the full disk:\n"
                        + self.recorder.output())
        for _ in range(4):  # more than the queue may hold
            said()
        self.assertIsNone(self.recorder.process.poll(), self.recorder.output())
        os.unlink(self.path("small/ballast"))
        freed = time.monotonic()
        made += self.until_recorded(actor, freed + 5 * SLOW) - 1
        self.fence()
        counts = {}
        self.soon(lambda: counts.update(self.counted("execs")) or sum(counts.values()) == made,
                  f"{made} execs are there or counted: {counts}")
        self.assertGreater(counts["dropped"], 0, "nothing was dropped: the test proves nothing")
        lost = self.store.rows("SELECT DISTINCT class, stage FROM losses WHERE stage = 'queue'")
        self.assertEqual(lost, [{"class": "lifecycle", "stage": "queue"}])
        self.assertLessEqual({row["id"]: row["argv"] for row in kept}.items(),
                             {row["id"]: row["argv"] for row in self.every("execs")}.items())
        self.assertEqual(self.recorder.output().count("can not write"), 1, self.recorder.output())
        self.check()
        self.stop()

    def test_start_on_a_full_disk(self):
        """The ballast is given up before the store is opened, and old rows make room."""
        self.mount(16)
        config = "[store]\nreserve_mib = 2\n"
        self.record(store="small/spyq.db", config=config)
        actor = self.actor()
        before, _ = actor.run("/bin/true", "before")
        self.ended(before)
        self.soon(lambda: os.path.exists(self.path("small/spyq.db-ballast")), "a ballast is there")
        self.stop()
        fill(self.path("small/filled"))
        self.record(store="small/spyq.db", config=config)
        after, _ = actor.run("/bin/true", "after")
        self.assertEqual(self.ended(after)["cmdline"], "/bin/true after")
        self.assertFalse(os.path.exists(self.path("small/spyq.db-ballast")))
        self.stop()
        self.check()

    # -- kill -9 --

    def test_kill_9_again_and_again(self):
        """While a storm goes on: what was seen stays, no id comes twice, each gap is a row."""
        storm = self.start([Build.helper("storm"), "600", "8"], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE)
        self.facts(storm.stdout, 1)
        seen, rounds = {}, 50 if LONG else 2
        identity = "SELECT id, pid, start_boottime FROM processes"
        chance = random.Random(1)
        for _ in range(rounds):
            self.record()
            newest = max(seen, default=0)
            storm.stdin.write(b"go\n")
            storm.stdin.flush()
            wanted = newest + chance.randrange(1, 300)
            self.store.wait("SELECT max(id) AS id FROM processes",
                            until=lambda rows: rows[0]["id"] > wanted)
            seen.update((row["id"], row) for row in self.store.rows(identity))
            self.recorder.kill()
            self.facts(storm.stdout, 2)
            there = {row["id"]: row for row in self.store.rows(identity)}
            self.assertLessEqual(seen.items(), there.items())
            self.check()
        self.record()
        twice = self.store.rows("SELECT pid, start_boottime, COUNT(*) AS n FROM processes "
                                "GROUP BY pid, start_boottime HAVING n > 1")
        self.none(twice, "processes that have two ids")
        gaps = self.store.rows("SELECT * FROM losses WHERE class = 'down' ORDER BY id")
        self.assertEqual(len(gaps), rounds, show(gaps))
        for row in gaps:
            self.assertLess(row["started_at"], row["ended_at"], show([row]))

    # -- beside a storm --

    def storms(self, cgroup, count, *command):
        storm = self.start([Build.helper("storm"), str(count), "64", *command], cgroup=cgroup,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.facts(storm.stdout, 1)
        return storm

    def test_stopped_in_a_storm(self):
        """For seconds that go by while processes come and go: each is there, or counted."""
        self.record("--record", self.path("recording"))
        storm = self.storms(self.cgroup, 500)
        self.process(storm.pid)
        self.recorder.process.send_signal(signal.SIGSTOP)
        until, count = time.monotonic() + (10 if LONG else 2), 0
        try:
            while time.monotonic() < until:
                storm.stdin.write(b"go\n")
                storm.stdin.flush()
                count += self.facts(storm.stdout, 2)["back"]
        finally:
            self.recorder.process.send_signal(signal.SIGCONT)
        storm.stdin.close()
        storm.wait()
        self.fence()
        self.stop()
        parent = self.process(storm.pid)
        rows = self.store.rows("SELECT COUNT(*) AS n, COUNT(ended_at) AS ended FROM processes WHERE "
                               "parent_id = ?", parent["id"])
        lost = self.lost("lifecycle")[1]
        seen = sum(kind in (FORK, EXIT) and pid != storm.pid
                   for kind, pid in recorded(self.path("recording")))
        if lost == 0:
            self.assertEqual(rows, [{"n": count, "ended": count}])
        # The fence is a process more; it was forked by one outside.
        self.assertEqual(seen + lost, 2 * count + 1, f"{count} processes, {lost} records lost")
        self.check()

    def test_a_build_beside_a_storm(self):
        """The compiler's passes in one cgroup, forks as fast as they come in another: the processes of
        the build are all there, and of the storm those that are not are counted."""
        files = 12
        for i in range(files):
            self.write(f"part{i}.c", f"int part{i}(void) {{ return {i}; }}\n")
        self.write("Makefile", "CC = /usr/bin/gcc\nall: " + " ".join(f"part{i}.o" for i in range(files)) + "\n")
        work, noise = self.cgroup.child("build"), self.cgroup.child("noise")
        self.record()
        storm = self.storms(noise, 100000)
        storm.stdin.write(b"go\n")
        storm.stdin.flush()
        build = self.start(["/usr/bin/make", "-s", "-j2", "-C", self.directory], cgroup=work)
        self.assertEqual(build.wait(), 0)
        self.ended(build.pid)
        for name in ("gcc", "cc1", "as"):
            rows = self.store.wait(
                "SELECT DISTINCT p.id FROM processes AS p JOIN execs AS e ON e.process_id = p.id "
                "WHERE p.cgroup = ? AND e.error IS NULL AND e.argv ->> 0 LIKE ?", work.name,
                "%" + name, until=lambda rows: len(rows) >= files)
            self.assertEqual(len(rows), files, name)
        lost = self.store.rows("SELECT * FROM losses WHERE cgroup = ?", work.name)
        self.none(lost, "losses of the build")
