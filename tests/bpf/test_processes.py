# SPDX-License-Identifier: GPL-3.0-or-later
"""Births, deaths and parents of processes."""
import json
import os
import signal
import subprocess
import time

import oracle
from harness import Build, RecordedCase, argv_of, show

MS = 1000000


class Processes(RecordedCase):
    # -- whole workloads against strace --

    def traced(self, *command):
        """Runs a command under strace inside the cgroup; strace's word on it."""
        log = self.path("trace")
        process = self.start(oracle.strace_command(log, command), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        process.wait()
        self.ended(process.pid)
        return oracle.Trace(log)

    def compare(self, trace):
        """Every process of the trace has its row, parent and execs; nothing is added."""
        ids = {}
        for pid in trace.pids():
            row = self.ended(pid)
            ids[pid] = row["id"]
            self.same(row, exit_code=trace.exits[pid][0],
                      exec_count=sum(not exec.error for exec in trace.execs[pid]))
        for child, parent in trace.parents.items():
            self.same(self.ended(child), parent_id=ids[parent], ppid=parent)
        for pid, seen in trace.execs.items():
            rows = self.store.rows("SELECT * FROM execs WHERE process_id = ? ORDER BY at, id",
                                   ids[pid])
            self.assertEqual(len(rows), len(seen),
                             f"pid {pid}: strace saw {seen}, the store has\n{show(rows)}")
            for row, exec in zip(rows, seen):
                self.same(row, error=exec.error, argc=len(exec.argv),
                          filename=exec.filename.decode("utf-8", "surrogateescape"))
                self.same_argv(row, exec.argv)
                self.assertAlmostEqual(row["at"] / 1e9, exec.at, delta=0.5, msg=show([row]))
        return ids

    def test_strace_shell_script(self):
        """Subshells, substitutions, background jobs, failed commands."""
        script = ("x=$(echo one | cat); (exit 3); /bin/false; nosuch-command 2>/dev/null; "
                  "ls / >/dev/null & wait; for i in 1 2 3; do expr $i + 1; done; "
                  "find /etc -maxdepth 0 -exec /bin/echo found {} ';'; echo \"$x\" | tr a-z A-Z; "
                  "exit 9")
        trace = self.traced("/bin/bash", "-c", script)
        self.assertGreater(len(trace.pids()), 10)
        self.compare(trace)

    def test_strace_path_search(self):
        """execvp tries each directory of PATH: a row for each try, in order."""
        trace = self.traced("/usr/bin/env", "-i", "PATH=/nowhere:/etc:/usr/bin:/bin", "true", "x")
        self.assertEqual([exec.error for execs in trace.execs.values() for exec in execs],
                         [None, "ENOENT", "ENOENT", None])
        self.compare(trace)

    def test_strace_python_subprocess(self):
        """vfork and PATH search from a threaded program."""
        code = ("import subprocess, threading\n"
                "def work(i): subprocess.run(['true', str(i)])\n"
                "ts = [threading.Thread(target=work, args=(i,)) for i in range(8)]\n"
                "[t.start() for t in ts]; [t.join() for t in ts]")
        log = self.path("trace")
        process = self.start(oracle.strace_command(log, ["/usr/bin/python3", "-S", "-c", code]))
        self.assertEqual(process.wait(), 0)
        self.ended(process.pid)
        leaders = [row for row in self.store.rows(
            "SELECT * FROM processes WHERE started_at >= ?", self.began - 50 * MS)]
        seen = oracle.Trace(log)
        wanted = sorted(exec.argv[1] for execs in seen.execs.values() for exec in execs
                        if not exec.error and exec.argv[0] == b"true")
        ids = {row["id"] for row in leaders}
        got = [argv_of(row) for row in self.store.rows(
            "SELECT * FROM execs WHERE error IS NULL AND at >= ?", self.began - 50 * MS)
            if row["process_id"] in ids]
        self.assertEqual(sorted(argv[1] for argv in got if argv[0] == b"true"), wanted)
        self.assertEqual(wanted, [str(i).encode() for i in range(8)])

    def test_pipeline(self):
        """Five commands: argv, one parent, and neighbours that share a pipe."""
        trace = self.traced("/bin/sh", "-c", "echo a 'b  c' | cat | cat - | tr a b | wc -c")
        ids = self.compare(trace)
        stages = {}
        for pid, seen in trace.execs.items():
            if seen and seen[-1].argv[0] not in (b"/bin/sh",) and not seen[-1].error:
                stages[pid] = seen[-1].argv
        shell = set(trace.parents.values())
        self.assertEqual(len(shell), 1)
        ends = {}
        for pid in trace.pids():
            rows = self.store.rows("SELECT * FROM execs WHERE process_id = ? AND error IS NULL "
                                   "ORDER BY at DESC, id DESC LIMIT 1", ids[pid])
            if rows and pid not in shell:
                ends[" ".join(json.loads(rows[0]["argv"]))] = rows[0]
        chain = [ends[name] for name in ("cat", "cat -", "tr a b", "wc -c")]
        for left, right in zip(chain, chain[1:]):
            self.assertRegex(left["stdout"], r"^pipe:\[\d+\]$")
            self.assertEqual(left["stdout"], right["stdin"], show([left, right]))
        self.assertEqual(len({row["stdin"] for row in chain}), 4, show(chain))

    # -- many at once --

    def test_500_in_parallel(self):
        """All recorded with their own argv, none lost."""
        marker = f"marker-{time.time_ns()}"
        storm = self.start([Build.helper("storm"), "500", "500", "/bin/true", marker],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.facts(storm.stdout, 1)
        storm.stdin.write(b"go\n")
        storm.stdin.close()
        self.assertEqual(self.facts(storm.stdout, 2), {"made": 500, "back": 500})
        storm.wait()
        parent = self.ended(storm.pid)
        rows = self.store.wait("SELECT * FROM processes WHERE parent_id = ?", parent["id"],
                               until=lambda rows: len(rows) >= 500)
        self.assertEqual(len(rows), 500, f"{len(rows)} children")
        for row in rows:
            self.assertEqual((row["exit_code"], row["exec_count"], row["exe"], row["origin"]),
                             (0, 1, os.path.realpath("/bin/true"), "event"), show([row]))
        numbers = self.store.rows(
            "SELECT e.argv FROM execs e JOIN processes p ON p.id = e.process_id "
            "WHERE p.parent_id = ? AND e.error IS NULL", parent["id"])
        self.assertEqual(sorted((json.loads(row["argv"]) for row in numbers),
                                key=lambda argv: int(argv[2])),
                         [["/bin/true", marker, str(i)] for i in range(500)])
        forks = self.store.rows("SELECT SUM(count) AS forks, COUNT(DISTINCT dst) AS children FROM "
                                "edges WHERE kind = 'fork' AND src = ?", parent["id"])
        self.same(forks[0], forks=500, children=500)
        self.no_losses()

    # -- ways to be born --

    def spawned(self, *argv, lines=1, **how):
        """Runs the helper `spawn` from an actor: the actor, spawn's pid, what it said."""
        actor = self.actor()
        actor.do("r, w = os.pipe()")
        pid = actor.do(f"spawn({Build.helper('spawn')!r}, {['spawn', *argv]!r}, fds={{1: w}})")
        actor.do("os.close(w)")
        status = actor.call("reap", pid)
        said = actor.do("open(r).read()").splitlines()
        self.assertGreaterEqual(len(said), lines, said)
        return actor, pid, status, dict((line.split()[0], int(line.split()[1])) for line in said
                                        if len(line.split()) == 2 and line.split()[1].isdigit())

    def check_spawned(self, how):
        actor, pid, status, said = self.spawned(how, "/bin/sh", "-c", "exit 5")
        self.assertEqual(status[0], 5)
        parent, child = self.ended(pid), self.ended(said["child"])
        self.same(child, parent_id=parent["id"], ppid=pid, exit_code=5, exec_count=1,
                  cmdline="/bin/sh -c exit 5", comm="sh", exe=os.path.realpath("/bin/sh"))
        self.same(parent, parent_id=self.process(actor.pid)["id"], exit_code=5, comm="spawn")
        self.same_argv(self.exec(said["child"]), [b"/bin/sh", b"-c", b"exit 5"])

    def test_vfork_exec(self):
        self.check_spawned("vfork")

    def test_posix_spawn(self):
        self.check_spawned("posix_spawn")

    def test_clone_files(self):
        self.check_spawned("clone-files")

    def test_clone_parent(self):
        """The creator is parent_id; the real parent, here the creator's own, is ppid."""
        actor, pid, _, said = self.spawned("clone-parent", "6")
        self.assertEqual(actor.call("reap", said["child"]), [6, None, False])
        creator = self.ended(pid)
        self.same(self.ended(said["child"]), parent_id=creator["id"], ppid=actor.pid, exit_code=6)
        edges = self.store.rows("SELECT * FROM edges WHERE kind = 'fork' AND dst = ?",
                                self.ended(said["child"])["id"])
        self.same(self.one(edges, "fork edge"), src=creator["id"], count=1)

    def test_double_fork(self):
        """Reparenting changes nothing: parent_id stays the one that forked."""
        actor = self.actor()
        actor.do("r, w = os.pipe()")
        pid = actor.do(f"spawn({Build.helper('spawn')!r}, ['spawn', 'double-fork', '8'], "
                       "fds={1: w})")
        actor.do("os.close(w)")
        actor.call("reap", pid)
        said = dict(line.split() for line in actor.do("open(r).read()").splitlines())
        orphan, middle = int(said["orphan"]), int(said["middle"])
        self.assertNotEqual(int(said["adopter"]), middle)
        forker = self.ended(middle)
        self.same(self.ended(orphan), parent_id=forker["id"], ppid=middle, exit_code=8)
        self.same(forker, parent_id=self.ended(pid)["id"], ppid=pid, exit_code=0)

    def test_fork_without_exec(self):
        """A child that never execs has its parent's program, and no exec row."""
        actor = self.actor()
        child = actor.fork()
        parent, row = self.process(actor.pid), self.process(child.pid)
        self.same(row, parent_id=parent["id"], ppid=actor.pid, exe=parent["exe"],
                  cmdline=parent["cmdline"], comm=parent["comm"], cwd=parent["cwd"], exec_count=0,
                  origin="event", uid=0, cgroup=self.cgroup.name)
        self.assertEqual(row["exe"], os.readlink(f"/proc/{child.pid}/exe"))
        child.leave("os._exit(0)")
        actor.call("reap", child.pid)
        self.ended(child.pid)
        self.assertEqual(self.store.rows("SELECT * FROM execs WHERE process_id = ?", row["id"]), [])

    def test_fork_chain_inherits(self):
        """Three generations of forks, then an exec that changes only the last."""
        actor = self.actor()
        first = actor.fork()
        second = first.fork()
        second.leave("execute('/bin/sleep', ['sleep', '0.05'])")
        self.assertEqual(first.call("reap", second.pid)[0], 0)
        parent = self.process(first.pid)
        self.same(self.ended(second.pid), parent_id=parent["id"], cmdline="sleep 0.05",
                  comm="sleep", exec_count=1)
        self.same(parent, parent_id=self.process(actor.pid)["id"], comm="python3")

    def test_pid_reuse(self):
        """Two processes under one pid, one after the other: two rows."""
        _, pid, status, said = self.spawned("reuse", "21", "22")
        if status[0] == 111:
            self.skipTest("clone3 with set_tid is refused")
        self.assertEqual((status[0], said["first"]), (0, said["second"]))
        parent = self.ended(pid)
        self.fence()
        rows = self.processes(said["first"])
        self.assertEqual([(row["parent_id"], row["exit_code"]) for row in rows],
                         [(parent["id"], 21), (parent["id"], 22)], show(rows))
        self.assertLessEqual(rows[0]["ended_at"], rows[1]["started_at"], show(rows))

    def test_pid_reuse_with_exec(self):
        """The second holder of a pid has its own program."""
        actor = self.actor()
        first, _ = actor.run("/bin/true", "first")
        second, _ = actor.run("/bin/echo", "-n", "", as_pid=first)
        self.assertEqual(second, first)
        self.fence()
        rows = self.processes(first)
        self.assertEqual([row["comm"] for row in rows], ["true", "echo"], show(rows))
        for row in rows:
            self.one(self.store.rows("SELECT * FROM execs WHERE process_id = ?", row["id"]), "exec")

    # -- threads --

    def threads(self, *argv):
        process = self.start([Build.helper("threads"), *argv], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
        return process

    def test_exec_by_second_thread(self):
        """The pid stays, the leader's end is no end, and the row goes on."""
        process = self.threads("exec", Build.helper("hold"), "4")
        said = self.facts(process.stdout, 2)
        self.assertEqual(said["pid"], process.pid)
        self.assertNotEqual(said["tid"], process.pid)
        self.assertTrue(process.stdout.readline().startswith(b"begin %d " % process.pid))
        row = self.process(process.pid, lambda row: row["exec_count"] == 2)
        self.same(row, ended_at=None, comm="hold", exe=os.path.realpath(Build.helper("hold")))
        process.terminate()
        self.assertEqual(process.wait(), 4)
        self.same(self.ended(process.pid), id=row["id"], exit_code=4, started_at=row["started_at"])
        execs = self.execs(process.pid, 2)
        self.same_argv(execs[1], [Build.helper("hold").encode(), b"4"])
        self.assertEqual(self.processes(said["tid"]), [], "a thread has a process row")

    def leader_first(self, *argv):
        """The leader has gone, a thread lives: no end until that one ends too."""
        process = self.threads(*argv)
        self.assertEqual(self.facts(process.stdout, 1), {"left": process.pid})
        self.fence()
        self.same(self.process(process.pid), ended_at=None, exit_code=None)
        before = time.time_ns()
        process.stdin.write(b"go\n")
        process.stdin.close()
        status = process.wait()
        row = self.ended(process.pid)
        self.same(row, exit_code=status, exit_signal=None)
        self.assertGreater(row["ended_at"], before - 50 * MS, show([row]))
        return status

    def test_leader_first_then_exit_group(self):
        self.assertEqual(self.leader_first("group-exit", "33"), 33)

    def test_leader_first_then_last_thread(self):
        self.leader_first("last-leaves", "34", "35")

    def test_leader_first_then_killed(self):
        process = self.threads("group-exit", "1")
        self.facts(process.stdout, 1)
        process.kill()
        process.wait()
        self.same(self.ended(process.pid), exit_signal=int(signal.SIGKILL))

    def test_many_threads(self):
        """Threads that come and go are no processes, and the end comes once."""
        processes = [self.threads("many", "50", str(code)) for code in range(1, 6)]
        for code, process in enumerate(processes, start=1):
            self.assertEqual(process.wait(), code)
            self.same(self.ended(process.pid), exit_code=code, exec_count=1)
        self.fence()
        mine = self.store.rows("SELECT * FROM processes WHERE cgroup = ?", self.cgroup.name)
        self.assertEqual(len(mine), 6, show(mine))

    # -- ways to end --

    def test_exit_codes(self):
        actor = self.actor()
        for code in (0, 1, 2, 127, 128, 255):
            with self.subTest(code=code):
                pid, status = actor.run("/bin/sh", "-c", f"exit {code}")
                self.assertEqual(status, [code, None, False])
                self.same(self.ended(pid), exit_code=code, exit_signal=None)

    def test_killed_by_signals(self):
        actor = self.actor()
        for name in ("SIGKILL", "SIGTERM", "SIGSEGV", "SIGUSR1", "SIGRTMAX"):
            with self.subTest(signal=name):
                number = int(getattr(signal, name))
                pid = actor.do("spawn('/bin/sleep', ['sleep', '60'])")
                os.kill(pid, number)
                self.assertEqual(actor.call("reap", pid)[1], number)
                self.same(self.ended(pid), exit_signal=number, exit_code=None)

    def test_core_dump(self):
        """A core dump's flag is no part of the signal."""
        actor = self.actor()
        actor.do("import resource")
        actor.do("resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))")
        actor.do(f"os.chdir({self.directory!r})")
        pid = actor.do("spawn('/bin/sh', ['sh', '-c', 'kill -ABRT $$'])")
        self.assertEqual(actor.call("reap", pid), [None, int(signal.SIGABRT), True])
        self.same(self.ended(pid), exit_signal=int(signal.SIGABRT), exit_code=None)

    # -- times --

    def test_times(self):
        """Within what the helper and the harness read off their own clocks."""
        held = self.hold()
        held_row = self.process(held.pid)
        begin = held.time("begin")
        self.assertTrue(held.before - 50 * MS <= held_row["started_at"] <= begin + 50 * MS,
                        f"{held.before} {begin}\n{show([held_row])}")
        exec = self.exec(held.pid)
        self.assertTrue(held_row["started_at"] <= exec["at"] <= begin + 50 * MS,
                        show([held_row, exec]))
        ticks = int(oracle.stat(held.pid)[22])
        tick = 1000 * MS // os.sysconf("SC_CLK_TCK")
        self.assertEqual(held_row["start_boottime"] // tick, ticks, show([held_row]))
        held.release()
        after = time.time_ns()
        row = self.ended(held.pid)
        self.assertTrue(held.time("end") - 50 * MS <= row["ended_at"] <= after + 50 * MS,
                        f"{held.time('end')} {after}\n{show([row])}")

    def test_living_row_soon(self):
        """A process that goes on living is in the store well before it ends."""
        held = self.hold()
        began = time.monotonic()
        row = self.process(held.pid, lambda row: row["exec_count"] == 1)
        self.assertLess(time.monotonic() - began, 3)
        self.same(row, ended_at=None, exit_code=None, exit_signal=None)
        held.release()

    def test_exec_count_and_comm(self):
        """One process, four programs: one row, kept current, and four exec rows."""
        actor = self.actor()
        pid = actor.do("spawn('/bin/sh', ['sh', '-c', 'exec /bin/bash -c \"exec nice -n 0 "
                       "/bin/sleep 0.1\"'])")
        self.assertEqual(actor.call("reap", pid)[0], 0)
        self.same(self.ended(pid), exec_count=4, comm="sleep", cmdline="/bin/sleep 0.1")
        good = self.store.rows("SELECT * FROM execs WHERE process_id = ? AND error IS NULL "
                               "ORDER BY at, id", self.process(pid)["id"])
        self.assertEqual([os.path.basename(row["exe"]) for row in good],
                         [os.path.basename(os.path.realpath(f"/usr/bin/{name}"))
                          for name in ("sh", "bash", "nice", "sleep")], show(good))

    def test_comm_follows_prctl_at_exit(self):
        """A process may name itself; what it last called itself is kept."""
        actor = self.actor()
        child = actor.fork()
        child.do("libc.prctl(15, b'renamed!', 0, 0, 0)")
        child.leave("os._exit(0)")
        actor.call("reap", child.pid)
        self.same(self.ended(child.pid), comm="renamed!")

    def test_parent_outside_the_cgroup(self):
        """A process that came from outside has no parent here, and still its ppid."""
        process = self.start(["/bin/true"])
        process.wait()
        self.same(self.ended(process.pid), parent_id=None, ppid=os.getpid(), exec_count=1)

    def test_nothing_from_outside(self):
        """--cgroup: a process outside leaves no row, not even one with the same program."""
        marker = f"outside-{time.time_ns()}"
        outside = subprocess.run(["/bin/echo", marker], capture_output=True)
        inside = self.start(["/bin/echo", marker + "-inside"], stdout=subprocess.DEVNULL)
        inside.wait()
        self.ended(inside.pid)
        self.assertEqual(outside.returncode, 0)
        rows = self.store.rows("SELECT * FROM processes WHERE cmdline = ?", "/bin/echo " + marker)
        self.assertEqual(rows, [])
        everywhere = self.store.rows("SELECT * FROM processes WHERE cgroup IS NULL OR cgroup NOT "
                                     "LIKE ? || '%'", self.top.name)
        self.none(everywhere, "processes of other cgroups")
