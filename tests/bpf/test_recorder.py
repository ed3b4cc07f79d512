# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorder as a program: stopping, replaying, refusing, telling what is wrong."""
import json
import os
import signal
import sqlite3
import subprocess
import time

from harness import SLOW, Build, Recorder, Store, show
from test_faults import recorded
from test_scan import OwnRecorderCase

TABLES = ("processes", "execs", "connections", "listeners", "edges", "losses")


class Program(OwnRecorderCase):
    def run_spyqd(self, *options, prefix=(), cwd=None, seconds=30):
        """A run of spyqd that should end by itself: (status, output)."""
        done = subprocess.run([*prefix, Build.program("spyqd"), *options], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds * SLOW,
                              cwd=cwd)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def check_refused(self, *options, says=(), **how):
        status, output = self.run_spyqd(*options, **how)
        self.assertGreater(status, 0, f"accepted, or killed by a signal:\n{output}")
        for word in says:
            self.assertIn(word, output)
        self.assertLessEqual(len(output.strip().splitlines()), 3, f"not one clear line:\n{output}")
        return output

    # -- stopping --

    def burst(self, count, width=64):
        """A storm that has been told to go: the process, ready to be read."""
        storm = self.start([Build.helper("storm"), str(count), str(width)], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE)
        self.assertEqual(self.facts(storm.stdout, 1), {"ready": storm.pid})
        return storm

    def test_sigterm_after_a_burst(self):
        """2,000 processes, then SIGTERM at once: every one is in the store."""
        self.record()
        storm = self.burst(2000)
        storm.stdin.write(b"go\n")
        storm.stdin.flush()
        self.assertEqual(self.facts(storm.stdout, 2), {"made": 2000, "back": 2000})
        self.stop()
        parent = self.process(storm.pid)
        rows = self.store.rows("SELECT * FROM processes WHERE parent_id = ?", parent["id"])
        self.assertEqual(len(rows), 2000)
        wrong = [row for row in rows if row["exit_code"] != 7 or row["ended_at"] is None]
        self.none(wrong, "no end, or a wrong one")
        edges = self.store.rows("SELECT SUM(count) AS n FROM edges WHERE kind = 'fork' AND src = ?",
                                parent["id"])
        self.assertEqual(edges[0]["n"], 2000)
        self.assertEqual(self.every("losses"), [])

    def test_sigterm_after_connections(self):
        self.record()
        server, client = self.actor(), self.actor()
        server.do("L = listen()")
        port = server.do("L.getsockname()[1]")
        client.do(f"C = [connect('127.0.0.1', {port}) for _ in range(300)]")
        server.do("S = [L.accept()[0] for _ in range(300)]")
        client.do("[c.close() for c in C] and None")
        server.do("[s.close() for s in S] and None")
        self.stop()
        rows = self.store.rows("SELECT direction, COUNT(*) AS n, COUNT(ended_at) AS ended, "
                               "COUNT(peer_id) AS peers FROM connections GROUP BY direction")
        self.assertEqual({row["direction"]: (row["n"], row["ended"], row["peers"]) for row in rows},
                         {"in": (300, 300, 300), "out": (300, 300, 300)})

    def test_stop_does_not_wait_for_the_kernel(self):
        """The kernel takes about 0.1 s for each tracepoint that is left: nobody waits for that."""
        self.record()
        began = time.monotonic()
        self.stop()
        self.assertLess(time.monotonic() - began, 2 * SLOW)
        row = self.one(self.every("recorders"), "run")
        self.assertIsNotNone(row["ended_at"], show([row]))
        self.record()
        self.assertEqual(len(self.every("recorders")), 2)

    def test_sigint(self):
        self.record()
        self.assertEqual(self.recorder.stop(signal.SIGINT), 0, self.recorder.output())
        run = self.one(self.every("recorders"), "run")
        self.same(run, pid=self.recorder.pid)
        self.assertIsNotNone(run["ended_at"], show([run]))

    def test_store_is_readable_after_stop(self):
        """By anyone who may read the file, without write access to its directory."""
        self.record()
        process = self.start(["/bin/true"])
        process.wait()
        self.stop()
        os.chmod(self.path("spyq.db"), 0o644)
        for name in ("spyq.db-wal", "spyq.db-shm"):
            if os.path.exists(self.path(name)):
                os.chmod(self.path(name), 0o644)
        code = ("import sqlite3, sys; print(sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', "
                "uri=True).execute('SELECT COUNT(*) FROM processes').fetchone()[0])")
        done = subprocess.run(["/usr/bin/setpriv", "--reuid=65534", "--clear-groups",
                               "/usr/bin/python3", "-c", code, self.path("spyq.db")],
                              capture_output=True, text=True)
        self.assertEqual(done.stdout, "1\n", done.stderr)

    # -- record and replay --

    def scene(self):
        """A bit of everything: pipelines, failures, scripts, connections, refusals, kills."""
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        client.do("C.sendall(b'x' * 99999); C.close()")
        server.do("receive(S, 99999); S.close()")
        client.do("D = tcp(); attempt(D, '127.0.0.1', 1); D.close()")
        shell = self.start(["/bin/sh", "-c", "echo a | cat | wc >/dev/null; /nonexistent; "
                            "for i in 1 2 3 4 5; do /bin/true $i; done; kill -9 $$"],
                           stderr=subprocess.DEVNULL)
        shell.wait()
        worker = server.fork()
        client.do(f"C = connect('127.0.0.1', {server.do('L.getsockname()[1]')})")
        worker.do("S = L.accept()[0]")
        client.do("reset(C)")
        worker.leave("os._exit(1)")
        server.call("reap", worker.pid)
        held = self.hold(actor=client)
        self.cgroup.child("below").add(held.pid)
        storm = self.burst(300)
        storm.stdin.write(b"go\n")
        storm.stdin.close()
        storm.wait()
        self.fence()
        return held

    def test_replay_gives_the_same_rows(self):
        """A recording, replayed into a fresh store without a kernel, table by table."""
        before = self.actor()  # the scan has something to find
        before.do("L = listen()")
        self.record("--record", self.path("recording"))
        held = self.scene()
        self.stop()
        held.release()
        live = {table: self.every(table) for table in TABLES}
        status, output = self.run_spyqd("--store", self.path("replayed.db"), "--replay",
                                        self.path("recording"))
        self.assertEqual(status, 0, output)
        replayed = Store(self.path("replayed.db"))
        for table in TABLES:
            with self.subTest(table=table):
                again = replayed.dump(table)
                missing = [row for row in live[table] if row not in again]
                added = [row for row in again if row not in live[table]]
                self.assertFalse(missing or added, f"only live:\n{show(missing, 8)}\n"
                                 f"only replayed:\n{show(added, 8)}")
                self.assertEqual(again, live[table], "the order of ids differs")
        self.assertGreater(len(live["processes"]), 300)
        self.assertGreater(len(live["connections"]), 3)

    def test_recording_holds_nothing_from_outside(self):
        """--cgroup is a promise about the raw records too: no pid from outside in any of them."""
        self.record("--record", self.path("recording"))
        outside = subprocess.Popen(["/bin/true"])
        outside.wait()
        self.fence()
        self.stop()
        kinds = [kind for kind, pid in recorded(self.path("recording")) if pid == outside.pid]
        self.assertEqual(kinds, [], "records of these kinds are about a process outside")

    def test_replay_needs_no_root(self):
        self.record("--record", self.path("recording"))
        self.start(["/bin/true", "seen"]).wait()
        self.stop()
        os.chmod(self.path("recording"), 0o644)
        os.mkdir(self.path("own"))
        os.chown(self.path("own"), 65534, 65534)
        status, output = self.run_spyqd(
            "--store", self.path("own/replayed.db"), "--replay", self.path("recording"),
            prefix=("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
        self.assertEqual(status, 0, output)
        rows = Store(self.path("own/replayed.db")).rows(
            "SELECT * FROM processes WHERE cmdline = '/bin/true seen'")
        self.one(rows, "replayed process")

    def test_replay_of_a_cut_recording(self):
        """Good up to the cut, and it says so."""
        self.record("--record", self.path("recording"))
        for _ in range(5):
            self.start(["/bin/true"]).wait()
        self.stop()
        size = os.path.getsize(self.path("recording"))
        os.truncate(self.path("recording"), size - 11)
        status, output = self.run_spyqd("--store", self.path("replayed.db"), "--replay",
                                        self.path("recording"))
        self.assertGreaterEqual(status, 0, output)
        self.assertIn(self.path("recording"), output)

    def test_replay_of_noise(self):
        with open(self.path("noise"), "wb") as noise:
            noise.write(b"this is no recording" * 100)
        self.check_refused("--store", self.path("x.db"), "--replay", self.path("noise"),
                           says=[self.path("noise")])
        self.check_refused("--store", self.path("x.db"), "--replay", self.path("missing"),
                           says=[self.path("missing"), "No such file"])

    # -- refusals --

    def test_second_recorder(self):
        """It names the pid of the first, which goes on."""
        self.record()
        output = self.check_refused("--store", self.path("spyq.db"), "--cgroup", self.cgroup.path,
                                    says=[str(self.recorder.pid)])
        self.assertIn("spyq.db", output)
        process = self.start(["/bin/true", "still recorded"])
        process.wait()
        self.ended(process.pid)
        self.stop()

    def test_two_stores_at_once(self):
        """Two recorders with two stores and two cgroups do not mind each other."""
        self.record()
        first, first_store = self.recorder, self.store
        one = self.cgroup.child("one")
        second = Recorder(self.path("second.db"), one.path)
        self.addCleanup(second.kill)
        second.wait_ready()
        process = self.start(["/bin/true", "both"], cgroup=one)
        process.wait()
        for store in (first_store, second.store):
            rows = store.wait("SELECT * FROM processes WHERE cmdline = '/bin/true both' AND "
                              "ended_at IS NOT NULL")
            self.one(rows, store.path)
        self.assertEqual((second.stop(), first.stop()), (0, 0))

    def test_unknown_cgroup(self):
        self.check_refused("--store", self.path("x.db"), "--cgroup", self.cgroup.path + "/nowhere",
                           says=["nowhere"])
        self.check_refused("--store", self.path("x.db"), "--cgroup", "/etc", says=["/etc"])
        self.check_refused("--store", self.path("x.db"), "--cgroup", "relative", says=["relative"])
        self.check_refused("--store", self.path("x.db"), "--cgroup", "", says=["cgroup"])

    def test_cgroup_below_the_mount(self):
        """The path may also be written as /proc/PID/cgroup has it."""
        self.recorder = Recorder(self.path("spyq.db"), self.cgroup.name)
        self.addCleanup(self.recorder.kill)
        self.recorder.wait_ready()
        self.store = self.recorder.store
        process = self.start(["/bin/true", "named"])
        process.wait()
        self.ended(process.pid)

    def test_hostile_cgroup(self):
        """The recorded cgroup itself has an odd name."""
        odd = self.cgroup.child("odd \x1b[31m'\";%s\udcff")
        self.recorder = Recorder(self.path("spyq.db"), odd.path)
        self.addCleanup(self.recorder.kill)
        self.recorder.wait_ready()
        self.store = self.recorder.store
        process = self.start(["/bin/true", "odd"], cgroup=odd)
        process.wait()
        self.same(self.ended(process.pid), cgroup=odd.name)
        self.assertFalse(any("\x1b" in line for line in self.recorder.lines),
                         self.recorder.output())

    def test_cgroup_removed_while_recording(self):
        """The recorder survives the end of what it records."""
        self.record()
        process = self.start(["/bin/true"])
        process.wait()
        self.ended(process.pid)
        self.cgroup.remove()
        self.stop()

    def test_check_kernel(self):
        status, output = self.run_spyqd("--check-kernel")
        self.assertEqual(status, 0, output)
        self.assertTrue(output.strip())

    def test_check_config(self):
        good = self.write("good.conf", f"[store]\npath = {self.path('x.db')}\n[rings]\n"
                          "lifecycle_mib = 4\n")
        self.assertEqual(self.run_spyqd("--config", good, "--check-config")[0], 0)
        self.assertFalse(os.path.exists(self.path("x.db")), "checking made a store")
        for text, word in (("[rings]\nlifecycle_mib = 3\n", ":2"),
                           ("[rings]\nlifecycle = 4\n", ":2"),
                           ("[ring]\nlifecycle_mib = 4\n", "ring"), ("nonsense\n", ":1"),
                           ("[timing]\n\nflush_ms = -1\n", ":3"),
                           ("[timing]\ntick_ms = 9x\n", ":2")):
            with self.subTest(text=text):
                bad = self.write("bad.conf", text)
                self.check_refused("--config", bad, "--check-config", says=[bad, word])
        self.check_refused("--config", self.path("none.conf"), "--check-config",
                           says=[self.path("none.conf")])

    def test_unknown_option(self):
        self.check_refused("--stoer", "x", says=["--stoer"])
        self.check_refused("extra", says=["extra"])
        self.check_refused("--store", says=["--store"])

    def test_store_not_ours(self):
        """Left as it was, byte for byte."""
        foreign = sqlite3.connect(self.path("foreign.db"))
        foreign.execute("CREATE TABLE precious (x)")
        foreign.commit()
        foreign.close()
        text = self.write("text.db", "not a database at all\n" * 100)
        for path in (self.path("foreign.db"), text):
            with self.subTest(path=path), open(path, "rb") as file:
                before = file.read()
                self.check_refused("--store", path, "--cgroup", self.cgroup.path, says=[path])
                with open(path, "rb") as again:
                    self.assertEqual(again.read(), before)

    def test_store_newer(self):
        self.record()
        self.stop()
        store = sqlite3.connect(self.path("spyq.db"))
        store.execute("PRAGMA user_version = 999")
        store.close()
        output = self.check_refused("--store", self.path("spyq.db"), "--cgroup", self.cgroup.path,
                                    says=[self.path("spyq.db")])
        self.assertRegex(output, "newer|999")

    def test_store_unwritable(self):
        where = self.path("missing/spyq.db")
        self.check_refused("--store", where, "--cgroup", self.cgroup.path, says=[where])
        self.check_refused("--store", self.directory, "--cgroup", self.cgroup.path,
                           says=[self.directory])
        os.mkdir(self.path("ro"))
        subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", self.path("ro")],
                       check=True)
        self.addCleanup(subprocess.run, ["/bin/umount", self.path("ro")], check=True)
        where = self.path("ro/spyq.db")
        output = self.check_refused("--store", where, "--cgroup", self.cgroup.path, says=[where])
        self.assertRegex(output.lower(), "read-only|permission|unable to open")

    def test_without_cap_bpf(self):
        """The error names what is missing, not a resource limit."""
        output = self.check_refused(
            "--store", self.path("x.db"), "--cgroup", self.cgroup.path, says=["CAP_BPF"],
            prefix=("/usr/bin/setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-all"))
        self.assertNotIn("ulimit", output)
        self.check_refused("--check-kernel", says=["CAP_BPF"],
                           prefix=("/usr/bin/setpriv", "--bounding-set=-bpf,-sys_admin",
                                   "--inh-caps=-all"))

    def test_as_another_user(self):
        os.mkdir(self.path("own"))
        os.chown(self.path("own"), 65534, 65534)
        self.check_refused("--store", self.path("own/x.db"), says=["CAP_BPF"],
                           prefix=("/usr/bin/setpriv", "--reuid=65534", "--regid=65534",
                                   "--clear-groups"))

    def test_probes_are_listed(self):
        self.record()
        run = self.one(self.every("recorders"), "run")
        self.same(run, late=0)
        probes = self.store.wait("SELECT * FROM probes WHERE recorder_id = ?", run["id"])
        self.assertTrue([row for row in probes if row["error"] is None], show(probes))
        self.assertTrue(all(row["name"] and row["tier"] in ("base", "full") for row in probes),
                        show(probes))
        host = self.one(self.every("hosts"), "host")
        with open("/proc/sys/kernel/random/boot_id") as boot:
            self.same(host, boot_id=boot.read().strip(), kernel=os.uname().release,
                      hostname=os.uname().nodename, arch=os.uname().machine)
        with open("/proc/stat") as stat:
            booted = next(int(line.split()[1]) for line in stat if line.startswith("btime"))
        self.assertAlmostEqual(host["booted_at"] / 1e9, booted, delta=2.5)

    # -- programs that can not be attached --

    def without(self, event):
        """A command that runs another where a tracepoint's number leads nowhere."""
        wrong = self.write("id", "99999\n")
        return ("/usr/bin/unshare", "-m", "/bin/sh", "-c",
                "{ mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; } && "
                f'mount --bind {wrong} /sys/kernel/tracing/events/{event}/id && exec "$@"', "sh")

    def probe(self, name):
        return self.store.wait("SELECT * FROM probes WHERE name = ?", name)

    def test_fork_by_another_program(self):
        """What is to tell of forks can not be attached: what it had made needless does."""
        self.record()
        if not self.probe("process_fork_classic"):
            self.skipTest("there is only one program for forks on this kernel")
        self.assertEqual(self.probe("process_fork"), [])
        self.stop()
        self.record(store="other.db", prefix=self.without("sched/sched_process_fork"))
        self.assertIn("sched_process_fork", self.one(self.probe("process_fork_classic"),
                                                     "program")["error"])
        self.same(self.one(self.probe("process_fork"), "program"), error=None)
        actor = self.actor()
        pid, _ = actor.run("/bin/true")
        self.same(self.ended(pid), origin="event", parent_id=self.process(actor.pid)["id"],
                  exit_code=0)

    def test_nothing_can_be_attached(self):
        """Where neither program for forks can be attached there is no start."""
        self.record()
        descriptors = len(os.listdir(f"/proc/{self.recorder.pid}/fd"))
        self.stop()
        self.check_refused("--store", self.path("x.db"), "--cgroup", self.cgroup.path,
                           says=["nothing can be recorded", "Too many open files"],
                           prefix=("/bin/sh", "-c", f'ulimit -n {descriptors - 60}; exec "$@"',
                                   "sh"))

    # -- readers --

    def test_shell_reads_the_live_store(self):
        """spyq answers while the recorder writes, and what it answers grows."""
        self.record()
        storm = self.burst(400)
        counts = []
        for _ in range(10):
            storm.stdin.write(b"go\n")
            storm.stdin.flush()
            done = subprocess.run([Build.program("spyq"), "--store", self.path("spyq.db"), "--json",
                                   "SELECT COUNT(*) AS n FROM processes"], capture_output=True,
                                  stdin=subprocess.DEVNULL)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            counts.append(json.loads(done.stdout)[0]["n"])
        self.assertEqual(counts, sorted(counts))
        for _ in range(10):
            self.assertEqual(self.facts(storm.stdout, 2), {"made": 400, "back": 400})
        storm.stdin.close()
        storm.wait()
        self.ended(storm.pid)
        rows = self.store.rows("SELECT COUNT(*) AS n FROM processes")
        self.assertEqual(rows[0]["n"], 4001)
        self.assertEqual(self.every("losses"), [])

    def test_reader_that_holds_on(self):
        """A reader in the middle of a statement stops nobody from recording."""
        self.record()
        self.start(["/bin/true"]).wait()
        self.store.wait("SELECT id FROM processes")
        reader = sqlite3.connect(f"file:{self.path('spyq.db')}?mode=ro", uri=True)
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM processes").fetchone()
        self.addCleanup(reader.close)
        for i in range(20):
            process = self.start(["/bin/true", str(i)])
            process.wait()
        self.ended(process.pid)
        self.stop()

    def test_quiet_host_costs_nothing(self):
        """With nothing to record the recorder sleeps: under 5 % of a CPU over two seconds."""
        self.record()

        def ticks():
            with open(f"/proc/{self.recorder.pid}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])
        self.fence()
        before = ticks()
        time.sleep(2)  # the span over which CPU time is measured
        used = (ticks() - before) / os.sysconf("SC_CLK_TCK") / 2
        self.assertLess(used, 0.05, f"{used:.0%} of a CPU")

    def test_woken_out_of_sleep(self):
        """A record wakes who sleeps: it does not wait for the look that is taken each second. The
        best of some attempts counts, each begun just after such a look."""
        self.record()
        self.start(["/bin/true"]).wait()
        self.assertLess(min(self.delay() for _ in range(5)), 0.6)

    def delay(self):
        """How long a process takes to have a row, on a host that was quiet for a second, in s."""
        looks = "SELECT last_seen_at FROM recorders"
        for _ in range(2):
            before = self.store.rows(looks)
            self.assertNotEqual(self.store.wait(looks, until=lambda rows: rows != before), before)
        began = time.monotonic()
        process = self.start(["/bin/true"])
        self.store.wait("SELECT id FROM processes WHERE pid = ?", process.pid)
        return time.monotonic() - began
