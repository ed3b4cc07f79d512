# SPDX-License-Identifier: GPL-3.0-or-later
"""What one process does to another: ptrace, writes to its memory, signals. Each with what looks like
it and is not."""
import os
import signal
import subprocess

from harness import ActorError, Build, RecordedCase, show

KINDS = "('ptrace', 'inject', 'signal')"
ATTACH, SEIZE, INTERRUPT, DETACH, CONT = 16, 0x4206, 0x4207, 17, 7
POKEDATA, PEEKDATA, SETREGS, GETREGS = 5, 2, 13, 12


class InfluenceCase(RecordedCase):
    def acts(self, source, count):
        """What a process did to others: (kind, pid of the other, detail), in order."""
        row = self.process(source)
        sql = ("SELECT e.*, p.pid FROM edges e JOIN processes p ON p.id = e.dst "
               f"WHERE e.src = ? AND e.kind IN {KINDS} ORDER BY e.id")
        self.store.wait(sql, row["id"], until=lambda rows: len(rows) >= count)
        self.fence()
        rows = self.store.rows(sql, row["id"])
        self.assertEqual(len(rows), count, f"acts of pid {source}:\n{show(rows)}")
        return [(row["kind"], row["pid"], row["detail"]) for row in rows]

    def pair(self, **how):
        return self.actor(**how), self.actor(**how)

    def in_pid_namespace(self):
        """Two actors that see each other by other numbers than we do, and those numbers."""
        outer = self.actor()
        outer.do("unshare(CLONE_NEWPID)")
        one, inner_one = self.born(outer)
        other, inner_other = self.born(outer)
        return one, other, inner_one, inner_other

    def born(self, outer):
        """A child in another pid namespace: an actor with its pid here, and its pid there."""
        child = outer.fork()
        inner = child.do("os.getpid()")
        children = subprocess.run(["/usr/bin/pgrep", "-P", str(outer.pid)], capture_output=True,
                                  check=True).stdout.split()
        child.pid = max(int(pid) for pid in children)
        self.addCleanup(child.end)
        return child, inner


PTRACE = ("import ctypes\nlibc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, "
          "ctypes.c_void_p]\nlibc.ptrace.restype = ctypes.c_long")
# Writes what is there already, so that whoever is written to goes on.
MEMORY = ("import ctypes\nB = ctypes.create_string_buffer(b'untouched', 64)\n"
          "class Vector(ctypes.Structure):\n"
          "    _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]\n"
          "def vectors(address, length): return ctypes.byref(Vector(address, length))")


class Ptrace(InfluenceCase):
    def tracer(self):
        """A tracer and its tracee; the tracer is cleaned up first, and lets go by that."""
        tracee, tracer = self.pair()
        tracer.do(PTRACE)
        return tracer, tracee

    def test_attach(self):
        tracer, tracee = self.tracer()
        tracer.do(f"assert libc.ptrace({ATTACH}, {tracee.pid}, 0, 0) == 0\n"
                  f"os.waitpid({tracee.pid}, 0)\n"
                  f"assert libc.ptrace({DETACH}, {tracee.pid}, 0, 0) == 0")
        self.assertEqual(self.acts(tracer.pid, 1), [("ptrace", tracee.pid, "PTRACE_ATTACH")])
        self.acts(tracee.pid, 0)

    def test_seize(self):
        tracer, tracee = self.tracer()
        tracer.do(f"assert libc.ptrace({SEIZE}, {tracee.pid}, 0, 0) == 0")
        self.assertEqual(self.acts(tracer.pid, 1), [("ptrace", tracee.pid, "PTRACE_SEIZE")])

    def test_seize_of_a_thread(self):
        """The number is that of another thread than the leader: the process is meant."""
        tracer, tracee = self.tracer()
        tracee.do("import threading\nhold = threading.Event()\n"
                  "threading.Thread(target=hold.wait, daemon=True).start()")
        thread = max(int(task) for task in os.listdir(f"/proc/{tracee.pid}/task"))
        self.assertNotEqual(thread, tracee.pid)
        tracer.do(f"assert libc.ptrace({SEIZE}, {thread}, 0, 0) == 0")
        self.assertEqual(self.acts(tracer.pid, 1), [("ptrace", tracee.pid, "PTRACE_SEIZE")])

    def test_traceme(self):
        parent = self.actor()
        child = parent.fork()
        child.do(PTRACE + "\nassert libc.ptrace(0, 0, 0, 0) == 0")
        self.assertEqual(self.acts(parent.pid, 1), [("ptrace", child.pid, "PTRACE_TRACEME")])
        self.acts(child.pid, 0)
        child.end()

    def stopped(self, tracer, tracee):
        tracer.do(f"assert libc.ptrace({SEIZE}, {tracee.pid}, 0, 0) == 0\n"
                  f"assert libc.ptrace({INTERRUPT}, {tracee.pid}, 0, 0) == 0\n"
                  f"os.waitpid({tracee.pid}, 0)")

    def test_poke(self):
        tracer, tracee = self.tracer()
        tracee.do(MEMORY)
        address = tracee.do("ctypes.addressof(B)")
        self.stopped(tracer, tracee)
        tracer.do(f"for i in range(100):\n"
                  f"    assert libc.ptrace({POKEDATA}, {tracee.pid}, {address}, 0x6b6f) == 0\n"
                  "R = ctypes.create_string_buffer(512)\n"
                  f"assert libc.ptrace({GETREGS}, {tracee.pid}, 0, R) == 0\n"
                  f"assert libc.ptrace({SETREGS}, {tracee.pid}, 0, R) == 0\n"
                  f"assert libc.ptrace({DETACH}, {tracee.pid}, 0, 0) == 0")
        self.assertEqual(tracee.do("B.raw[:2].decode()"), "ok")
        self.assertEqual(self.acts(tracer.pid, 3),
                         [("ptrace", tracee.pid, "PTRACE_SEIZE"),
                          ("inject", tracee.pid, "PTRACE_POKEDATA"),
                          ("ptrace", tracee.pid, "PTRACE_SETREGS")])

    def test_looking_is_not_writing(self):
        tracer, tracee = self.tracer()
        tracee.do(MEMORY)
        address = tracee.do("ctypes.addressof(B)")
        self.stopped(tracer, tracee)
        self.assertNotEqual(tracer.do(f"libc.ptrace({PEEKDATA}, {tracee.pid}, {address}, 0)"), -1)
        tracer.do(f"libc.ptrace({CONT}, {tracee.pid}, 0, 0)")
        self.assertEqual(self.acts(tracer.pid, 1), [("ptrace", tracee.pid, "PTRACE_SEIZE")])

    def test_refused_ptrace(self):
        tracer, tracee = self.tracer()
        tracer.do("os.setresuid(9, 9, 9)")
        self.assertEqual(tracer.do(f"libc.ptrace({ATTACH}, {tracee.pid}, 0, 0)"), -1)
        self.assertEqual(tracer.do(f"libc.ptrace({SEIZE}, 1, 0, 0)"), -1)
        self.acts(tracer.pid, 0)

    def test_strace(self):
        """A real tracer. Before that it tries out what the kernel can do, on children of its own."""
        tracee = self.hold()
        process = self.start(["/usr/bin/strace", "-o", "/dev/null", "-p", str(tracee.pid)],
                             stderr=subprocess.PIPE)
        process.stderr.readline()
        row = self.process(tracee.pid)
        rows = self.store.wait("SELECT * FROM edges WHERE kind = 'ptrace' AND dst = ?", row["id"])
        self.same(self.one(rows, "ptrace edges"), src=self.process(process.pid)["id"],
                  detail="PTRACE_SEIZE")
        process.terminate()
        process.wait()
        tracee.release()

    def test_seize_in_a_pid_namespace(self):
        tracer, tracee, _, number = self.in_pid_namespace()
        self.assertNotEqual(number, tracee.pid)
        tracer.do(PTRACE)
        tracer.do(f"assert libc.ptrace({SEIZE}, {number}, 0, 0) == 0")
        self.assertEqual(self.acts(tracer.pid, 1), [("ptrace", tracee.pid, "PTRACE_SEIZE")])


class Memory(InfluenceCase):
    def memories(self):
        writer, target = self.pair()
        writer.do(MEMORY)
        target.do(MEMORY)
        return writer, target, target.do("ctypes.addressof(B)")

    def writev(self, writer, number, address):
        return writer.do(f"libc.process_vm_writev({number}, vectors(ctypes.addressof(B), 9), 1, "
                         f"vectors({address}, 9), 1, 0)")

    def test_process_vm_writev(self):
        writer, target, address = self.memories()
        writer.do("B.value = b'written'")
        self.assertEqual(self.writev(writer, target.pid, address), 9)
        self.assertEqual(target.do("B.value.decode()"), "written")
        self.assertEqual(self.acts(writer.pid, 1), [("inject", target.pid, "process_vm_writev")])

    def test_process_vm_writev_in_a_pid_namespace(self):
        writer, target, _, number = self.in_pid_namespace()
        writer.do(MEMORY)
        target.do(MEMORY)
        self.assertEqual(self.writev(writer, number, target.do("ctypes.addressof(B)")), 9)
        self.assertEqual(self.acts(writer.pid, 1), [("inject", target.pid, "process_vm_writev")])

    def test_reading_memory(self):
        writer, target, address = self.memories()
        self.assertEqual(writer.do(
            f"libc.process_vm_readv({target.pid}, vectors(ctypes.addressof(B), 9), 1, "
            f"vectors({address}, 9), 1, 0)"), 9)
        writer.do(f"F = os.open('/proc/{target.pid}/mem', os.O_RDWR)\n"
                  f"assert os.pread(F, 9, {address}) == b'untouched'")
        self.acts(writer.pid, 0)

    def test_memory_that_can_not_be_written(self):
        writer, target, _ = self.memories()
        self.assertEqual(self.writev(writer, target.pid, 16), -1)
        writer.do(f"F = os.open('/proc/{target.pid}/mem', os.O_RDWR)")
        with self.assertRaises(ActorError):
            writer.do("os.pwrite(F, b'x', 16)")
        self.acts(writer.pid, 0)

    def test_ones_own_memory(self):
        writer = self.actor()
        writer.do(MEMORY)
        address = writer.do("ctypes.addressof(B)")
        self.assertEqual(self.writev(writer, writer.pid, address), 9)
        writer.do("F = os.open('/proc/self/mem', os.O_RDWR)\n"
                  f"assert os.pwrite(F, b'x', {address}) == 1")
        self.acts(writer.pid, 0)

    def test_memory_file(self):
        writer, target, address = self.memories()
        writer.do(f"F = os.open('/proc/{target.pid}/mem', os.O_RDWR)\n"
                  f"assert os.pwrite(F, b'one', {address}) == 3\n"
                  f"os.lseek(F, {address}, 0)\nassert os.write(F, b'other') == 5")
        self.assertEqual(target.do("B.value.decode()"), "otherched")
        self.assertEqual(self.acts(writer.pid, 1), [("inject", target.pid, "/proc/PID/mem")])

    def test_other_files_of_proc(self):
        writer, target = self.pair()
        writer.do(f"open('/proc/{target.pid}/oom_score_adj', 'w').write('10')")
        self.acts(writer.pid, 0)


class Signals(InfluenceCase):
    def check(self, send, name, sender=None, target=None):
        sender = sender or self.actor()
        target = target or self.hold()
        sender.do(send.format(pid=target.pid))
        self.assertEqual(self.acts(sender.pid, 1), [("signal", target.pid, name)])
        return sender, target

    def test_kill(self):
        """And the edge is there before its end: that is what ended it."""
        sender, target = self.check("os.kill({pid}, 9)", "SIGKILL")
        target.actor.call("reap", target.pid)
        row = self.ended(target.pid)
        edge = self.one(self.store.rows("SELECT * FROM edges WHERE kind = 'signal' AND dst = ?",
                                        row["id"]), "signals")
        self.assertLessEqual(edge["at"], row["ended_at"])
        self.assertEqual((row["exit_signal"], edge["src"]), (9, self.process(sender.pid)["id"]))

    def test_stop(self):
        self.check("os.kill({pid}, 19)", "SIGSTOP")

    def test_term_that_is_waited_for(self):
        """It is blocked and taken: the process ends by itself, for it was asked to."""
        self.check("os.kill({pid}, 15)", "SIGTERM")

    def test_caught(self):
        target = self.actor()
        target.do("import signal\nfor s in (1, 2, 10, 12, 15, 34): "
                  "signal.signal(s, lambda *_: None)")
        sender = self.actor()
        for number in (1, 2, 10, 12, 15, 34):  # USR1, USR2 and a realtime one only tell something
            sender.do(f"os.kill({target.pid}, {number})")
        self.assertEqual(self.acts(sender.pid, 3), [("signal", target.pid, name)
                                                    for name in ("SIGHUP", "SIGINT", "SIGTERM")])

    def test_ignored(self):
        target = self.actor()
        target.do("import signal\nfor s in (1, 10, 15): signal.signal(s, signal.SIG_IGN)")
        sender = self.actor()
        for number in (1, 10, 15):
            sender.do(f"os.kill({target.pid}, {number})")
        self.acts(sender.pid, 0)

    def test_not_caught(self):
        """SIGUSR1 ends whoever does not expect it, and so does a realtime signal."""
        self.check("os.kill({pid}, 10)", "SIGUSR1")
        self.check("os.kill({pid}, 36)", "SIGRTMIN+2")

    def test_harmless(self):
        sender, target = self.pair()
        for number in (0, signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH):
            sender.do(f"os.kill({target.pid}, {int(number)})")
        self.acts(sender.pid, 0)

    def test_to_oneself(self):
        process = self.start(["/usr/bin/python3", "-I", "-S", "-c",
                              "import os; os.kill(os.getpid(), 15)"])
        process.wait()
        self.acts(process.pid, 0)
        self.assertEqual(self.ended(process.pid)["exit_signal"], 15)

    def test_refused_signal(self):
        sender, target = self.pair()
        sender.do("os.setresuid(9, 9, 9)")
        with self.assertRaises(ActorError):
            sender.do(f"os.kill({target.pid}, 9)")
        self.acts(sender.pid, 0)

    def test_tgkill(self):
        self.check("assert libc.syscall(234, {pid}, {pid}, 9) == 0", "SIGKILL")

    def test_pidfd(self):
        self.check("import signal\nP = os.pidfd_open({pid})\nsignal.pidfd_send_signal(P, 9)",
                   "SIGKILL")

    def test_queued(self):
        """sigqueue() says of itself that it was sent in another way than by kill()."""
        self.check("import ctypes\nlibc.sigqueue.argtypes = [ctypes.c_int, ctypes.c_int, "
                   "ctypes.c_void_p]\nassert libc.sigqueue({pid}, 15, 0) == 0", "SIGTERM")

    def test_group(self):
        """One call, and one edge for each process of the group but the sender's own."""
        leader = self.actor()
        leader.do("os.setpgid(0, 0)")
        members = [leader.fork() for _ in range(3)]
        sender = self.actor()
        sender.do(f"os.killpg({leader.pid}, 9)")
        targets = [leader.pid] + [member.pid for member in members]
        self.assertEqual(sorted(self.acts(sender.pid, 4)),
                         sorted(("signal", pid, "SIGKILL") for pid in targets))

    def test_again(self):
        """The same to the same is one edge that counts."""
        sender, target = self.pair()
        target.do("import signal\nsignal.signal(15, lambda *_: None)")
        for _ in range(5):
            sender.do(f"os.kill({target.pid}, 15)")
            target.do("1")  # it has been taken, so that the next is another
        self.acts(sender.pid, 1)
        row = self.one(self.store.rows("SELECT * FROM edges WHERE kind = 'signal' AND src = ?",
                                       self.process(sender.pid)["id"]), "edges")
        self.assertEqual(row["count"], 5)

    def test_the_kernel_is_no_sender(self):
        """A timer of one's own, a broken pipe, the terminal's ^C, the end of a parent."""
        process = self.start(["/usr/bin/setsid", "-w", "/usr/bin/python3", "-I", "-S", "-c", """
import ctypes, os, pty, signal, time
def child(how):
    pid, end = pty.fork()
    if pid == 0:
        how()
        while True: time.sleep(1)
    return pid, end
pid, end = child(lambda: os.write(1, b'here'))
os.read(end, 4)
os.write(end, b'\\x03')
assert os.waitpid(pid, 0)[1] == signal.SIGINT
pid, end = child(lambda: signal.setitimer(signal.ITIMER_REAL, 0.01))
assert os.waitpid(pid, 0)[1] == signal.SIGALRM
pid, end = child(lambda: (ctypes.CDLL(None).prctl(1, 9), os.write(1, b'here')))
os.read(end, 4)
os.close(end)
assert os.waitpid(pid, 0)[1] == signal.SIGHUP
"""])
        self.assertEqual(process.wait(), 0)
        self.fence()
        rows = self.store.rows("SELECT e.*, s.pid AS source, d.pid AS target FROM edges e "
                               "JOIN processes s ON s.id = e.src JOIN processes d ON d.id = e.dst "
                               "WHERE e.kind = 'signal' AND e.at >= ?", self.began)
        self.none(rows, "signals that the kernel sent")

    def test_signal_in_a_pid_namespace(self):
        sender, target, _, number = self.in_pid_namespace()
        sender.do(f"os.kill({number}, 9)")
        self.assertEqual(self.acts(sender.pid, 1), [("signal", target.pid, "SIGKILL")])

    def test_sender_outside(self):
        """Only what those inside do is recorded."""
        target = self.hold()
        os.kill(target.pid, signal.SIGTERM)
        target.actor.call("reap", target.pid)
        row = self.ended(target.pid)
        self.none(self.store.rows("SELECT * FROM edges WHERE kind = 'signal' AND dst = ?",
                                  row["id"]), "signals from outside")
