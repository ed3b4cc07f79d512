# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipes and fifos: an edge from whoever wrote to whoever read it. The oracle is strace, which says
whose reads and writes moved bytes through which pipe."""
import collections
import glob
import os
import re
import subprocess

from edges import EdgeCase
from harness import show

BASH = "/bin/bash"
MOVED = re.compile(r"^(read|write|readv|writev)\(\d+<(.*?)>, (.*), \d+\) += (\d+)$")


class Moves:
    """Which processes wrote into, and read from, which pipe, as strace saw it. `told_apart`: each
    message is another, so that who read one is known to have read whose."""

    def __init__(self, log, names, told_apart):
        self.told_apart = told_apart
        self.writers, self.readers = (collections.defaultdict(set) for _ in range(2))
        self.pids = set()
        for path in glob.glob(glob.escape(log) + ".*"):
            pid = int(path.rpartition(".")[2])
            self.pids.add(pid)
            with open(path, errors="replace") as file:
                for line in file:
                    self._line(line.rstrip("\n"), pid, names)

    def _line(self, line, pid, names):
        match = MOVED.match(line)
        if not match or match.group(4) == "0":
            return
        call, name, data, _ = match.groups()
        ends = self.writers if call.startswith("write") else self.readers
        if name.startswith("pipe:[") or name in names:
            ends[name, data if self.told_apart else None].add(pid)

    def pairs(self):
        """(writer, reader, name) of all who had to do with one pipe."""
        return {(writer, reader, key[0]) for key, writers in self.writers.items()
                for writer in writers for reader in self.readers[key] if writer != reader}


class PipeCase(EdgeCase):
    def flows(self, pids):
        """All pipe edges between processes of those pids: (writer, reader, detail)."""
        rows = self.store.rows(
            "SELECT a.pid AS writer, b.pid AS reader, detail FROM edges "
            "JOIN processes AS a ON a.id = src JOIN processes AS b ON b.id = dst "
            "WHERE kind = 'pipe' AND a.started_at > ? AND b.started_at > ?",
            self.began - 50_000_000, self.began - 50_000_000)
        return {(row["writer"], row["reader"], row["detail"]) for row in rows
                if row["writer"] in pids and row["reader"] in pids}

    def check_script(self, script, count, fifo=(), told_apart=False):
        """Runs a script under strace: the edges are those that strace has seen, `count` of them."""
        log = self.path("trace")
        traced = self.start(["/usr/bin/strace", "-ff", "-y", "-qq", "-e", "signal=none", "-e",
                             "trace=read,write,readv,writev", "-o", log, "--", BASH, "-c", script],
                            stdout=subprocess.DEVNULL, cwd=self.directory)
        self.assertEqual(traced.wait(30), 0)
        moves = Moves(log, [self.path(name) for name in fifo], told_apart)
        self.assertEqual(len(moves.pairs()), count, f"{moves.pairs()} in {script}")
        self.fence()
        self.assertEqual(self.flows(moves.pids), moves.pairs(), script)
        self.no_losses()

    def actors(self, count):
        """Processes that share a pipe R, W."""
        first = self.actor()
        first.do("R, W = os.pipe()")
        return first, *(first.fork() for _ in range(count - 1))


class Scripts(PipeCase):
    def test_pipe_into_shell(self):
        """As in `curl ... | sh`: the program that wrote acted on the shell."""
        self.check_script("/usr/bin/printf 'echo %s\\n' hello | sh", 1)

    def test_pipe_chain(self):
        self.check_script("seq 50000 | grep 7 | tail -n 1", 2)

    def test_pipe_of_builtins(self):
        """Neither end executes a program."""
        self.check_script("echo one two | while read -r a; do :; done", 1)

    def test_pipe_process_substitution(self):
        self.check_script("sh <(echo echo hello)", 1)

    def test_pipe_output_substitution(self):
        self.check_script("echo hello | tee >(cat >/dev/null) | cat >/dev/null; wait; "
                          "while kill -0 $! 2>/dev/null; do :; done", 3)

    def test_pipe_command_substitution(self):
        """The child acts on its parent, which reads its output."""
        self.check_script("a=$(/bin/echo hello); b=$(echo again); [ \"$a$b\" = helloagain ]", 2)

    def test_pipe_here_string(self):
        """Whoever writes what it reads itself acts on nobody, also when it has become a program."""
        self.check_script("cat <<< here; cat < <(echo there)", 1)

    def test_pipe_two_writers(self):
        self.check_script("{ echo builtin; /bin/echo program; } | cat", 2)

    def test_pipe_two_readers(self):
        """One that reads a line, byte by byte, and one that reads what is left."""
        self.check_script("seq 3 | { read -r first; cat; }", 2)

    def test_pipe_cut_off(self):
        """The reader goes before the writer is done."""
        self.check_script("seq 1000000 | head -n 1", 1)

    def test_pipe_fifo(self):
        self.check_script("mkfifo f; cat f & echo hello > f; wait", 1, fifo=["f"])

    def test_pipe_fifo_again(self):
        """Who writes into a fifo acts on who reads it then, not on later readers."""
        self.check_script("mkfifo f; for i in 1 2 3; do /bin/echo $i > f & cat f; wait; done", 3,
                          fifo=["f"], told_apart=True)

    def test_pipe_fifo_one_reader(self):
        """One process reads what several wrote one after the other."""
        self.check_script("mkfifo f; for i in 1 2 3; do /bin/echo $i > f & read -r x < f; wait; "
                          "done", 3, fifo=["f"])

    def test_pipe_that_carried_nothing(self):
        self.check_script("true | cat; : | while read -r a; do :; done; cat <(true)", 0)


class Pipes(PipeCase):
    def test_pipe_edge(self):
        """The whole row; the writer is told of again after a second."""
        writer, reader = self.actors(2)
        writer.do("os.write(W, b'x')")
        self.assertEqual(reader.do("os.read(R, 9).decode()"), "x")
        inode = os.stat(f"/proc/{writer.pid}/fd/{writer.do('W')}").st_ino
        edge = self.edge("pipe", writer.pid, reader.pid)
        self.same(edge, detail=f"pipe:[{inode}]", count=1, connection_id=None, file_id=None)

        def again():
            writer.do("os.write(W, b'y')")
            reader.do("os.read(R, 9)")
            rows = self.edges_between("pipe", writer.pid, reader.pid)
            return len(rows) == 1 and rows[0]["count"] >= 2
        self.soon(again, "the edge lasts")
        last = self.edge("pipe", writer.pid, reader.pid)
        self.same(last, id=edge["id"], at=edge["at"])
        self.assertGreater(last["last_at"], edge["last_at"] + 900_000_000, show([last]))
        self.none(self.edges_between("pipe", reader.pid, writer.pid), "edge back")

    def test_pipe_of_one_process(self):
        """Whoever reads only what it wrote itself is acted upon by nobody."""
        writer, other = self.actors(2)
        writer.do("os.write(W, b'x')")
        writer.do("os.read(R, 9)")
        other.do("os.write(W, b'unread')")
        self.none(self.edges_of("pipe", writer.pid, other.pid), "pipe edges")

    def test_pipe_second_writer_within_a_second(self):
        """The reader was told of just before: the new writer's bytes are told of all the same."""
        first, second, reader = self.actors(3)
        for actor in (first, second):
            actor.do("os.write(W, b'x')")
            reader.do("os.read(R, 9)")
        self.edge("pipe", first.pid, reader.pid)
        self.same(self.edge("pipe", second.pid, reader.pid), count=1)

    def test_pipe_vectors_and_splices(self):
        """readv, writev, splice, sendfile, tee and vmsplice move bytes as well."""
        writer, reader = self.actors(2)
        writer.do("os.writev(W, [b'a', b'b'])")
        self.assertEqual(reader.do("os.readv(R, [bytearray(9)])"), 2)
        self.edge("pipe", writer.pid, reader.pid)
        for name, write, read in (
                ("splice", "os.splice(F, W, 4, offset_src=0)", "os.splice(R, N, 9)"),
                ("sendfile", "os.sendfile(W, F, 0, 4)", "os.read(R, 9)"),
                ("tee", "os.write(X, b'tee!'); libc.tee(Y, W, 9, 0)", "libc.tee(R, X, 9, 0)"),
                ("vmsplice", "libc.vmsplice(W, ctypes.byref(V), 1, 0)", "os.read(R, 9)")):
            with self.subTest(name):
                writer, reader = self.actors(2)
                for actor in (writer, reader):
                    actor.do("Y, X = os.pipe(); N = os.open('/dev/null', os.O_WRONLY)")
                writer.do(f"F = os.open({self.write('four', 'four')!r}, os.O_RDONLY); "
                          "B = ctypes.create_string_buffer(b'four'); "
                          "V = (ctypes.c_void_p * 2)(ctypes.addressof(B), 4)")
                writer.do(write)
                reader.do(read)
                self.edge("pipe", writer.pid, reader.pid)

    def test_pipe_races(self):
        """Many short pipelines at full speed: each reader has its one writer, however the two
        were scheduled."""
        script = "for i in {1..150}; do echo $i | cat; done >/dev/null"
        shell = self.start([BASH, "-c", script])
        self.assertEqual(shell.wait(60), 0)
        self.fence()
        parent = self.process(shell.pid)["id"]
        readers = self.store.rows("SELECT id FROM processes WHERE parent_id = ? AND comm = 'cat'",
                                  parent)
        edges = self.store.rows(
            "SELECT edges.*, writer.parent_id FROM edges JOIN processes AS reader ON reader.id = "
            "dst JOIN processes AS writer ON writer.id = src WHERE kind = 'pipe' AND "
            "reader.parent_id = ?", parent)
        self.assertEqual(sorted(edge["dst"] for edge in edges),
                         sorted(reader["id"] for reader in readers))
        # Where the kernel has skipped the program that tells of forks, as some do when it is
        # preempted, that is counted, and the parents of some are not known.
        if self.store.rows("SELECT 1 FROM losses WHERE class = 'lifecycle'"):
            return
        self.assertEqual(len(readers), 150)
        self.assertEqual({(edge["parent_id"], edge["count"]) for edge in edges}, {(parent, 1)})
