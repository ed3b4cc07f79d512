# SPDX-License-Identifier: GPL-3.0-or-later
"""The start-up scan, and restarts of the recorder: what runs already keeps being known."""
import os
import signal
import subprocess
import threading
import time

import oracle
from harness import Build, Case, Cgroup, Recorder, proc_status, show, wait_until
from test_network import NetworkCase


class OwnRecorderCase(NetworkCase):
    """A test with a cgroup, a store and recorders of its own."""

    def setUp(self):
        Case.setUp(self)
        self.cgroup = Cgroup.top()
        self.addCleanup(self.cgroup.remove)
        self.recorder = None
        self.began = time.time_ns()
        self.losses_before = 0

    def record(self, *options, store="spyq.db", **how):
        self.recorder = Recorder(self.path(store), self.cgroup.path, *options, **how)
        self.addCleanup(self.recorder.kill)
        self.recorder.wait_ready()
        self.store = self.recorder.store
        return self.recorder

    def stop(self):
        self.assertEqual(self.recorder.stop(), 0, self.recorder.output())

    def every(self, table):
        return self.store.dump(table)


class Scan(OwnRecorderCase):
    def test_scan_processes(self):
        """A family that was there before: parents, programs, identity, as in /proc."""
        actor = self.actor()
        child = actor.fork()
        held = self.hold(actor=child, argv=["3", "", "\udcff odd\narg"], cwd=repr(self.directory))
        self.record()
        status, stat = proc_status(held.pid), oracle.stat(held.pid)
        parent, row = self.process(child.pid), self.process(held.pid)
        self.same(parent, origin="scan", parent_id=self.process(actor.pid)["id"], ppid=actor.pid,
                  comm="python3")
        self.same(row, origin="scan", parent_id=parent["id"], ppid=child.pid, comm="hold",
                  exe=os.path.realpath(Build.helper("hold")), ended_at=None, cwd=self.directory,
                  cmdline=Build.helper("hold") + " 3  \udcff odd\narg", uid=0, euid=0,
                  capabilities=status["CapEff"], sid=int(stat[6]), pgid=int(stat[5]),
                  cgroup=self.cgroup.name, ns_pid=held.pid, user="root",
                  net_ns=oracle.namespace(held.pid, "net"),
                  pid_ns=oracle.namespace(held.pid, "pid"),
                  mnt_ns=oracle.namespace(held.pid, "mnt"),
                  user_ns=oracle.namespace(held.pid, "user"))
        self.assertTrue(held.before - 50_000_000 <= row["started_at"] <= held.after + 50_000_000,
                        show([row]))
        self.assertEqual(held.release()[0], 3)
        self.same(self.ended(held.pid), id=row["id"], exit_code=3, origin="scan")

    def test_scan_then_exec(self):
        """A process that was scanned executes, forks: events join the scanned row."""
        actor = self.actor()
        self.record()
        row = self.process(actor.pid)
        self.same(row, origin="scan")
        pid, _ = actor.run("/bin/true", "later")
        self.same(self.ended(pid), origin="event", parent_id=row["id"])
        actor.leave("execute('/bin/sleep', ['sleep', '0.01'])")
        actor.process.wait()
        self.same(self.ended(actor.pid), id=row["id"], comm="sleep")

    def test_scan_sockets(self):
        """Listeners and open connections that were there before; their later ends."""
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        client.do("C.sendall(b'before')")
        self.assertEqual(server.do("receive(S, 6)"), 6)
        self.record()
        listener = self.listener(server.do("cookie(L)"))
        self.same(listener, origin="scan", port=one["remote"][1], address="127.0.0.1",
                  process_id=self.process(server.pid)["id"], ended_at=None)
        out = self.connection(one["cookie"], lambda row: row["peer_id"] is not None)
        into = self.connection(other["cookie"], lambda row: row["peer_id"] is not None)
        self.check_tuple(out, one)
        self.check_tuple(into, other)
        self.same(out, origin="scan", state="open", direction="out", ended_at=None,
                  process_id=self.process(client.pid)["id"], peer_id=into["id"],
                  peer_process_id=self.process(server.pid)["id"])
        self.same(into, origin="scan", state="open", direction="in", ended_at=None,
                  process_id=self.process(server.pid)["id"], peer_id=out["id"])
        client.do("C.sendall(b'and after'); C.close()")
        self.assertEqual(server.do("receive(S, 99)"), 9)
        server.do("S.close(); L.close()")
        self.same(self.over(one["cookie"]), id=out["id"], state="closed", bytes_sent=15)
        self.same(self.over(other["cookie"]), id=into["id"], state="closed", bytes_received=15)
        self.listener(listener["cookie"], lambda row: row["ended_at"] is not None)

    def test_scan_sockets_of_another_namespace(self):
        server = self.actor()
        server.do("unshare(CLONE_NEWNET)")
        subprocess.run(["/usr/bin/nsenter", f"--net=/proc/{server.pid}/ns/net", "/usr/sbin/ip",
                        "link", "set", "lo", "up"], check=True)
        client = server.fork()
        one, other = self.meet(server, client)
        self.record()
        out = self.connection(one["cookie"], lambda row: row["peer_id"] is not None)
        self.check_tuple(out, one)
        self.same(out, origin="scan", process_id=self.process(client.pid)["id"],
                  net_ns=oracle.namespace(client.pid, "net"))
        self.listener(server.do("cookie(L)"))

    def test_scan_accept_later(self):
        """The listener was there before, the connection comes later."""
        server = self.actor()
        server.do("L = listen()")
        self.record()
        client = self.actor()
        client.do(f"C = connect('127.0.0.1', {server.do('L.getsockname()[1]')})")
        server.do("S = L.accept()[0]")
        one, other = client.do("facts(C)"), server.do("facts(S)")
        client.do("C.close()")
        server.do("S.close()")
        _, into = self.check_pair(one, other, client.pid, server.pid)
        self.same(into, listener_id=self.listener(server.do("cookie(L)"))["id"])

    def test_scan_waiting_in_the_backlog(self):
        """Connected before, accepted after the start."""
        server, client = self.actor(), self.actor()
        server.do("L = listen()")
        client.do(f"C = connect('127.0.0.1', {server.do('L.getsockname()[1]')})")
        self.record()
        server.do("S = L.accept()[0]")
        one, other = client.do("facts(C)"), server.do("facts(S)")
        client.do("C.close()")
        server.do("S.close()")
        out = self.over(one["cookie"])
        rows = self.store.wait("SELECT * FROM connections WHERE local_port = ?", one["remote"][1],
                               until=lambda rows: rows and rows[0]["ended_at"])
        into = self.one(rows, "server's end")
        self.same(into, process_id=self.process(server.pid)["id"], peer_id=out["id"],
                  state="closed", cookie=other["cookie"])
        self.assertIsNotNone(into["ended_at"], show([into]))
        self.same(out, process_id=self.process(client.pid)["id"], peer_id=into["id"])

    def test_scan_leader_gone(self):
        """A process whose leader has left is alive; its end is recorded once."""
        process = self.start([Build.helper("threads"), "group-exit", "17"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
        self.facts(process.stdout, 1)
        self.record()
        self.same(self.process(process.pid), origin="scan", ended_at=None)
        process.stdin.write(b"go\n")
        process.stdin.close()
        process.wait()
        self.same(self.ended(process.pid), exit_code=17)

    def test_scan_zombie(self):
        """What has ended and is only not reaped yet is not alive."""
        actor = self.actor()
        pid = actor.do("spawn('/bin/true', ['true'])")
        self.assertTrue(wait_until(lambda: oracle.stat(pid)[3] == "Z"))
        self.record()
        process = self.start(["/bin/true"])
        process.wait()
        self.ended(process.pid)
        rows = [row for row in self.processes(pid) if row["ended_at"] is None]
        self.none(rows, "a zombie that lives")

    def test_scan_during_a_storm(self):
        """Processes that come, exec and go while the scan runs: none twice, none immortal."""
        storm = self.start([Build.helper("storm"), "100", "8", "/bin/true", "storm"],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.facts(storm.stdout, 1)
        stop = threading.Event()

        def feed():
            while not stop.is_set():
                storm.stdin.write(b"go\n")
                storm.stdin.flush()
                self.facts(storm.stdout, 2)
                time.sleep(0.02)  # paces the load; nothing waits for it
        feeder = threading.Thread(target=feed)
        feeder.start()
        self.addCleanup(stop.set)
        try:
            self.record()
            seen = self.store.wait("SELECT id FROM processes WHERE comm = 'true' LIMIT 500",
                                   until=lambda rows: len(rows) >= 500)
            self.assertEqual(len(seen), 500)
        finally:
            stop.set()
            feeder.join()
        storm.stdin.close()
        self.assertEqual(storm.wait(), 0)
        self.ended(storm.pid)
        self.fence()
        parent = self.process(storm.pid)
        rows = self.every("processes")
        alive = [row for row in rows if row["ended_at"] is None]
        self.none(alive, "immortal rows")
        keys = {}
        for row in rows:
            keys.setdefault((row["pid"], row["start_boottime"]), []).append(row)
        twice = [row for same in keys.values() if len(same) > 1 for row in same]
        self.none(twice, "the same process twice")
        strangers = [row for row in rows if row["comm"] in ("true", "storm") and
                     row["cmdline"] is not None and "fence" not in row["cmdline"] and
                     row["id"] != parent["id"] and row["parent_id"] != parent["id"]]
        self.none(strangers, "children without their parent")
        two_execs = [row for row in rows if row["origin"] == "event" and row["exec_count"] != 1 and
                     row["parent_id"] == parent["id"]]
        self.none(two_execs, "execs lost or doubled")

    def test_scan_connections_storm(self):
        """Connections that open and close while the scan runs: none stays open."""
        server, client = self.actor(), self.actor()
        for actor in (server, client):
            actor.do("import threading; stop = []")
        server.do("L = listen()")
        server.do("def work():\n    while not stop:\n        s = L.accept()[0]; s.recv(9); "
                  "s.close()")
        client.do(f"def work():\n    while not stop:\n        connect('127.0.0.1', "
                  f"{server.do('L.getsockname()[1]')}).close()")
        for actor in (server, client):
            actor.do("t = threading.Thread(target=work); t.start()")
        self.record()
        self.store.wait("SELECT id FROM connections LIMIT 400", until=lambda rows: len(rows) >= 400)
        client.do("stop.append(1); t.join()")
        server.do("stop.append(1)")
        client.do(f"connect('127.0.0.1', {server.do('L.getsockname()[1]')}).close()")
        server.do("t.join(); L.close()")
        self.fence()
        open_ones = self.store.wait("SELECT * FROM connections WHERE ended_at IS NULL",
                                    until=lambda rows: not rows)
        if open_ones:
            self.fail(f"{len(open_ones)} never end:\n{show(open_ones)}\nlosses:\n"
                      + show(self.every("losses")))
        doubled = self.store.rows("SELECT cookie, COUNT(*) AS n FROM connections GROUP BY cookie "
                                  "HAVING n > 1")
        self.assertEqual(doubled, [])

    # -- restarts --

    def test_restart(self):
        """Same ids for what lives on, ends for what ended, a row for the time between."""
        server, client = self.actor(), self.actor()
        self.record()
        stays_one, stays_other = self.meet(server, client)
        server.do("S2 = S; L2 = L")
        client.do("C2 = C")
        goes_one, goes_other = self.meet(server, client)
        doomed = self.hold()
        ids = {pid: self.process(pid)["id"] for pid in (server.pid, client.pid, doomed.pid)}
        stays = self.check_pair(stays_one, stays_other, client.pid, server.pid, ended=False)
        goes = self.check_pair(goes_one, goes_other, client.pid, server.pid, ended=False)
        listener = self.listener(server.do("cookie(L2)"))
        before_stop = time.time_ns()
        self.stop()
        stopped = time.time_ns()
        rows = {table: self.every(table) for table in ("processes", "connections", "listeners")}
        client.do("C.close()")
        server.do("S.close(); L.close()")
        doomed.release()
        restarting = time.time_ns()
        self.record()
        ready = time.time_ns()
        for actor in (server, client):
            self.same(self.process(actor.pid), id=ids[actor.pid], ended_at=None)
        self.same(self.connection(stays_one["cookie"]), id=stays[0]["id"], state="open",
                  peer_id=stays[1]["id"], ended_at=None)
        self.same(self.connection(stays_other["cookie"]), id=stays[1]["id"], ended_at=None)
        self.same(self.listener(listener["cookie"]), id=listener["id"], ended_at=None)
        gone = self.ended(doomed.pid)
        self.same(gone, id=ids[doomed.pid])
        self.assertTrue(before_stop <= gone["ended_at"] <= ready, show([gone]))
        for row, fact in zip(goes, (goes_one, goes_other)):
            self.same(self.over(fact["cookie"]), id=row["id"])
        down = self.one(self.store.rows("SELECT * FROM losses WHERE class = 'down'"), "downtime")
        self.same(down, stage="recorder", count=None)
        self.assertTrue(before_stop - 2_000_000_000 <= down["started_at"] <= stopped, show([down]))
        self.assertTrue(restarting <= down["ended_at"] <= ready + 50_000_000, show([down]))
        client.do("C2.sendall(b'on and on'); C2.close()")
        self.assertEqual(server.do("receive(S2, 99)"), 9)
        server.do("S2.close()")
        self.same(self.over(stays_one["cookie"]), id=stays[0]["id"], bytes_sent=9, state="closed")
        self.same(self.over(stays_other["cookie"]), id=stays[1]["id"], bytes_received=9)
        edges = self.store.rows("SELECT * FROM edges WHERE kind = 'connect' AND connection_id = "
                                f"{stays[0]['id']}")
        edge = self.one(edges, "edges of the connection that stayed")
        self.same(edge, src=ids[client.pid], dst=ids[server.pid])
        self.assertGreater(edge["last_at"], down["ended_at"])
        self.assertEqual(len(self.every("hosts")), 1)
        for table in rows:
            old = {row["id"] for row in rows[table]}
            self.assertLessEqual(old, {row["id"] for row in self.every(table)}, table)

    def test_restart_new_during_downtime(self):
        """What began while nobody looked is found; ids go on, never again from the start."""
        actor = self.actor()
        self.record()
        last = self.process(actor.pid)["id"]
        self.stop()
        held = self.hold(actor=actor)
        self.record()
        row = self.process(held.pid)
        self.same(row, origin="scan", parent_id=self.process(actor.pid)["id"])
        self.assertGreater(row["id"], last)
        held.release()
        self.ended(held.pid)

    def test_kill_9_and_restart(self):
        """No corruption, what was written is there, the lock is free, ids are kept."""
        actor = self.actor()
        self.record()
        pid, _ = actor.run("/bin/true", "before the kill")
        before = self.ended(pid)
        mine = self.process(actor.pid)
        self.recorder.process.send_signal(signal.SIGKILL)
        self.recorder.wait()
        missed, _ = actor.run("/bin/true", "unseen")
        self.record()
        self.same(self.ended(pid), **{name: before[name] for name in before})
        self.same(self.process(actor.pid), id=mine["id"], ended_at=None)
        later, _ = actor.run("/bin/true", "after")
        self.same(self.ended(later), parent_id=mine["id"])
        self.assertEqual(self.store.rows("PRAGMA integrity_check"), [{"integrity_check": "ok"}])
        self.one(self.store.rows("SELECT * FROM losses WHERE class = 'down'"), "downtime")
        self.assertEqual(self.processes(missed), [])

    def test_restart_after_pid_reuse(self):
        """While the recorder was down a pid got another owner: one row ends, another begins."""
        actor = self.actor()
        self.record()
        old = self.hold(actor=actor)
        old_row = self.process(old.pid)
        self.stop()
        old.release()
        new = self.hold(actor=actor, as_pid=old.pid)
        self.record()
        rows = self.store.wait("SELECT * FROM processes WHERE pid = ? ORDER BY id", old.pid,
                               until=lambda rows: len(rows) == 2)
        self.assertEqual(len(rows), 2, show(rows))
        self.same(rows[0], id=old_row["id"])
        self.assertIsNotNone(rows[0]["ended_at"], show(rows))
        self.same(rows[1], ended_at=None, origin="scan")
        new.release()
        self.store.wait("SELECT id FROM processes WHERE id = ? AND ended_at IS NOT NULL",
                        rows[1]["id"])
