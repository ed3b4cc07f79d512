# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written and come to be run. Oracles: stat, the clock around each act, and what the
kernel itself says of a descriptor. Writers and runners are different processes; each way to matter
has a twin that does not."""
import os
import socket
import time

from harness import PYTHON, RecordedCase, show

TRUE = "/bin/true"
LIBRARY = "/lib/x86_64-linux-gnu/libm.so.6"
EDGES = """SELECT e.*, s.pid AS src_pid, f.path, f.op, f.process_id AS file_process
    FROM edges e JOIN processes s ON s.id = e.src LEFT JOIN files f ON f.id = e.file_id
    WHERE e.kind = 'file' AND e.dst = ? ORDER BY e.id"""


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


class FileCase(RecordedCase):
    def setUp(self):
        super().setUp()
        self.writer = self.actor()
        self.runner = self.actor()

    def wrote(self, name, data, mode=0o644, actor=None):
        """Has the writer write a new file; its path."""
        path = name if name.startswith("/") else self.path(name)
        (actor or self.writer).do(
            f"fd = os.open({path!r}, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, {mode!r})\n"
            f"data = {data!r} if isinstance({data!r}, bytes) else open({data!r}, 'rb').read()\n"
            f"assert os.write(fd, data) == len(data)\nos.close(fd)")
        return path

    def edges(self, pid, count):
        """The file edges into a process of this test, once there are that many."""
        row = self.ended(pid)
        rows = self.store.wait(EDGES, row["id"], until=lambda rows: len(rows) >= count)
        self.assertEqual(len(rows), count, f"file edges into pid {pid}:\n{show(rows)}")
        return rows

    def from_whom(self, pid, **details):
        """Asserts that the file edges into a process are exactly those: detail=[pids]."""
        wanted = sorted((src, detail) for detail, pids in details.items() for src in pids)
        rows = self.edges(pid, len(wanted))
        got = sorted((row["src_pid"], row["detail"]) for row in rows)
        self.assertEqual(got, wanted, show(rows))
        return rows

    def no_edges(self, pid):
        self.fence()
        self.none(self.store.rows(EDGES, self.ended(pid)["id"]), f"file edges into pid {pid}")

    def file_rows(self, path):
        return self.store.rows("SELECT * FROM files WHERE path = ? ORDER BY id", path)

    def run_command(self, *argv, **how):
        """A command inside the cgroup; its pid, once it has ended well."""
        process = self.start(list(argv), **how)
        self.assertEqual(process.wait(), 0, argv)
        return process.pid


class TestRuns(FileCase):
    def test_written_and_executed(self):
        """In two writes, closer than records are told: the edge lasts from the first to the last."""
        path = self.path("program")
        data = bytes_of(TRUE)
        self.writer.do(f"fd = os.open({path!r}, os.O_WRONLY | os.O_CREAT, 0o755)")
        before = time.time_ns()
        self.writer.do(f"data = open({TRUE!r}, 'rb').read()\nos.write(fd, data[:100])")
        between = time.time_ns()
        self.writer.do("os.write(fd, data[100:])\nos.close(fd)")
        after = time.time_ns()
        pid, how = self.runner.run(path)
        self.assertEqual(how, [0, None, False])
        edge = self.from_whom(pid, exec=[self.writer.pid])[0]
        self.assertTrue(before <= edge["at"] <= between, show([edge]))
        self.assertTrue(between <= edge["last_at"] <= after, show([edge]))
        row = self.one(self.file_rows(path), "file")
        status = os.stat(path)
        self.same(row, op="write", path=path, inode=status.st_ino, mode=status.st_mode,
                  device=f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}", memfd=0,
                  size=len(data), at=edge["at"], last_at=edge["last_at"], connection_id=None,
                  place=None, process_id=edge["src"])
        self.assertEqual(edge["file_id"], row["id"])
        self.no_losses()

    def test_names_and_modes_change_no_inode(self):
        path = self.wrote("a", TRUE)
        self.run_command("/bin/chmod", "755", path)
        self.run_command("/bin/mv", path, self.path("b"))
        self.run_command("/bin/ln", self.path("b"), self.path("c"))
        pid, _ = self.runner.run(self.path("c"))
        edge = self.from_whom(pid, exec=[self.writer.pid])[0]
        self.assertEqual(edge["op"], "write")

    def test_who_wrote_it_itself(self):
        """A program that replaces itself did nothing to another; its child is another."""
        path = self.wrote("self", TRUE, 0o755)
        pid = self.writer.do(f"spawn({path!r})")
        self.writer.call("reap", pid)
        self.from_whom(pid, exec=[self.writer.pid])
        other = self.actor()
        self.wrote("self2", TRUE, 0o755, other)
        other.leave(f"execute({self.path('self2')!r}, ['self2'])")
        self.no_edges(other.pid)

    def test_only_opened_for_writing(self):
        """touch, O_TRUNC of nothing and chmod write no bytes: running it later tells of nobody."""
        path = self.path("program")
        with open(path, "wb") as file:  # by the harness, outside of what is recorded
            file.write(bytes_of(TRUE))
        os.chmod(path, 0o755)
        self.writer.do(f"os.close(os.open({path!r}, os.O_WRONLY | os.O_APPEND))")
        self.run_command("/bin/touch", path)
        pid, how = self.runner.run(path)
        self.assertEqual(how, [0, None, False])
        self.no_edges(pid)
        self.none(self.file_rows(path), "file rows")

    def test_written_and_never_run(self):
        path = self.wrote("notes", b"nothing to run")
        pid = self.run_command("/bin/cat", path, stdout=open(os.devnull, "w"))
        self.no_edges(pid)
        self.none(self.file_rows(path), "file rows")

    def test_memfd(self):
        self.writer.do(f"fd = os.memfd_create('x')\nos.write(fd, open({TRUE!r}, 'rb').read())")
        inode = self.writer.do("os.fstat(fd).st_ino")
        pid = self.writer.do("spawn('', ['x'], dirfd=fd, flags=AT_EMPTY_PATH)")
        self.assertEqual(self.writer.call("reap", pid), [0, None, False])
        edge = self.from_whom(pid, exec=[self.writer.pid])[0]
        row = self.one(self.store.rows("SELECT * FROM files WHERE id = ?", edge["file_id"]), "file")
        self.same(row, memfd=1, inode=inode, op="write")
        idle = self.writer.do("os.fstat(os.memfd_create('idle')).st_ino")
        self.none(self.store.rows("SELECT * FROM files WHERE inode = ? AND memfd", idle), "idle")

    def test_written_through_a_mapping(self):
        path = self.path("mapped")
        self.writer.do(
            f"import mmap\nfd = os.open({path!r}, os.O_RDWR | os.O_CREAT, 0o755)\n"
            f"data = open({TRUE!r}, 'rb').read()\nos.ftruncate(fd, len(data))\n"
            "area = mmap.mmap(fd, len(data))\narea[:] = data\narea.close()\nos.close(fd)")
        pid, how = self.runner.run(path)
        self.assertEqual(how, [0, None, False])
        self.from_whom(pid, exec=[self.writer.pid])

    def test_mapped_without_writing(self):
        path = self.path("mapped")
        with open(path, "wb") as file:
            file.write(bytes_of(TRUE))
        os.chmod(path, 0o755)
        self.writer.do(f"import mmap\nfd = os.open({path!r}, os.O_RDONLY)\n"
                       "area = mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ)\n"
                       "area[0]\narea.close()\nos.close(fd)")
        pid, _ = self.runner.run(path)
        self.no_edges(pid)

    def test_file_without_a_name(self):
        """O_TMPFILE, named by its descriptor when it is complete."""
        path = self.path("named")
        self.writer.do(
            f"fd = os.open({self.directory!r}, os.O_TMPFILE | os.O_RDWR, 0o755)\n"
            f"os.write(fd, open({TRUE!r}, 'rb').read())\n"
            f"assert not libc.linkat(AT_FDCWD, f'/proc/self/fd/{{fd}}'.encode(), AT_FDCWD,\n"
            f"                       {path.encode()!r}, 0x400)\nos.close(fd)")
        pid, how = self.runner.run(path)
        self.assertEqual(how, [0, None, False])
        edge = self.from_whom(pid, exec=[self.writer.pid])[0]
        self.assertEqual(edge["path"], path)

    def test_every_call_that_writes(self):
        ways = {
            "pwrite": "os.pwrite(fd, data, 0)",
            "writev": "os.writev(fd, [data[:5], data[5:]])",
            "pwritev": "os.pwritev(fd, [data], 0)",
            "sendfile": "os.sendfile(fd, source, 0, len(data))",
            "copy_file_range": "os.copy_file_range(source, fd, len(data))",
            "splice": "r, w = os.pipe()\nos.write(w, data[:4096])\nos.splice(r, fd, 4096)\n"
                      "os.write(fd, data[4096:])",
        }
        with open(self.path("source"), "wb") as source:  # 6.1 copies within a file system only
            source.write(bytes_of(TRUE))
        for name, how in ways.items():
            with self.subTest(name):
                path = self.path(name)
                self.writer.do(
                    f"fd = os.open({path!r}, os.O_WRONLY | os.O_CREAT, 0o755)\n"
                    f"source = os.open({self.path('source')!r}, os.O_RDONLY)\n"
                    f"data = open({TRUE!r}, 'rb').read()\n{how}\nos.close(fd)\nos.close(source)")
                pid, word = self.runner.run(path)
                self.assertEqual(word, [0, None, False])
                self.from_whom(pid, exec=[self.writer.pid])

    def test_several_writers(self):
        second = self.actor()
        path = self.wrote("two", b"#!/bin/sh\n", 0o755)
        second.do(f"with open({path!r}, 'a') as file: file.write('exit 0\\n')")
        pid, how = self.runner.run(path)
        self.assertEqual(how, [0, None, False])
        self.from_whom(pid, script=[self.writer.pid, second.pid])


class TestCopies(FileCase):
    def copied(self, *argv, **how):
        source = self.wrote("source", TRUE, 0o755)
        copier = self.run_command(*argv, **how)
        os.chmod(self.path("copy"), 0o755)
        pid, word = self.runner.run(self.path("copy"))
        self.assertEqual(word, [0, None, False])
        rows = self.from_whom(pid, exec=[copier], copy=[self.writer.pid])
        paths = {row["detail"]: row["path"] for row in rows}
        self.assertEqual(paths, {"exec": self.path("copy"), "copy": source})

    def test_cp(self):
        self.copied("/bin/cp", self.path("source"), self.path("copy"))

    def test_dd(self):
        self.copied("/bin/dd", "if=" + self.path("source"), "of=" + self.path("copy"),
                    "bs=1k", "status=none")

    def test_cat(self):
        self.copied("/bin/sh", "-c", f"exec cat {self.path('source')} > {self.path('copy')}")

    def test_read_after_writing(self):
        """Who had written before it read has passed nothing on."""
        path = self.wrote("program", TRUE, 0o755)
        self.wrote("other", b"later", actor=self.runner)
        self.writer.do(f"open({self.path('other')!r}).read()")
        third = self.actor()
        pid, _ = third.run(path)
        self.from_whom(pid, exec=[self.writer.pid])


class TestScripts(FileCase):
    def test_named_as_an_argument(self):
        for interpreter, name, text in (("/bin/sh", "a.sh", b"exit 0\n"),
                                        (PYTHON, "a.py", b"import os\n"),
                                        ("/usr/bin/perl", "a.pl", b"exit 0;\n")):
            with self.subTest(interpreter):
                self.wrote(name, text)
                pid = self.run_command(interpreter, name, cwd=self.directory)
                self.from_whom(pid, script=[self.writer.pid])

    def test_hash_bang(self):
        path = self.wrote("a", b"#!/bin/sh\nexit 0\n", 0o755)
        pid, how = self.runner.run(path)
        self.assertEqual(how, [0, None, False])
        self.from_whom(pid, script=[self.writer.pid])
        self.assertEqual(self.exec(pid)["script"], path)

    def test_as_input(self):
        path = self.wrote("a", b"exit 0\n")
        with open(path) as script:
            pid = self.run_command("/bin/sh", stdin=script)
        self.from_whom(pid, script=[self.writer.pid])

    def test_data_of_a_script(self):
        """What an interpreter only works on is not what it runs."""
        self.wrote("data", b"exit 1\n")
        with open(self.path("data")) as data:
            pid = self.run_command("/bin/sh", "-c", "read line", stdin=data)
        self.no_edges(pid)


class TestLibraries(FileCase):
    def setUp(self):
        super().setUp()
        self.library = self.wrote("lib.so", LIBRARY)

    def test_preloaded(self):
        pid, how = self.runner.run(TRUE, env={"LD_PRELOAD": self.library})
        self.assertEqual(how, [0, None, False])
        self.from_whom(pid, load=[self.writer.pid])

    def test_loaded_at_run_time(self):
        self.runner.do(f"ctypes.CDLL({self.library!r})")
        self.runner.end()
        self.from_whom(self.runner.pid, load=[self.writer.pid])

    def test_read_but_not_loaded(self):
        pid = self.run_command("/usr/bin/cksum", self.library, stdout=open(os.devnull, "w"))
        self.no_edges(pid)


class TestPlaces(FileCase):
    """The writer sees empty directories of its own in the places."""

    def setUp(self):
        super().setUp()
        self.writer.do(
            "unshare(CLONE_NEWNS)\n"
            "assert not libc.mount(b'none', b'/', None, 0x44000, None)\n"
            "for place in (b'/root', b'/etc/profile.d'):\n"
            "    os.makedirs(place, exist_ok=True)\n"
            "    assert not libc.mount(b'none', place, b'tmpfs', 0, None)\n"
            "os.mkdir('/root/.ssh')")

    def rows(self, count):
        """The rows of the writer, once there are that many."""
        self.fence()
        rows = self.store.wait("SELECT * FROM files WHERE process_id = ? ORDER BY id",
                               self.process(self.writer.pid)["id"],
                               until=lambda rows: len(rows) >= count)
        self.assertEqual(len(rows), count, show(rows))
        return rows

    def test_written(self):
        self.wrote("/root/.ssh/authorized_keys", b"ssh-ed25519 AAAA\n", 0o600)
        row = self.rows(1)[0]
        inode = self.writer.do("os.stat('/root/.ssh/authorized_keys').st_ino")
        self.same(row, op="write", place="ssh", path="/root/.ssh/authorized_keys", inode=inode,
                  mode=0o100600)

    def test_moved_there_removed_and_linked(self):
        """A name is made whole, whatever it is relative to."""
        self.wrote("/root/new", b"alias ls=x\n")
        self.writer.do("os.chdir('/root/.ssh')")
        self.writer.do("os.rename('../new', './/../.bashrc')")
        self.writer.do("at = os.open('/root', os.O_PATH)\nos.link('.bashrc', '.profile', "
                       "src_dir_fd=at, dst_dir_fd=at)")
        self.writer.do("os.chmod('../.profile', 0o600)")
        self.writer.do("os.unlink('.bashrc', dir_fd=at)")
        self.writer.do("os.symlink('/tmp/unit', '/etc/profile.d/x.sh')")
        got = [(row["op"], row["path"], row["old_path"], row["place"]) for row in self.rows(6)]
        self.assertEqual(sorted(got), sorted([
            ("write", "/root/.bashrc", "/root/new", "shell-rc"),
            ("rename", "/root/.bashrc", "/root/new", "shell-rc"),
            ("link", "/root/.profile", "/root/.bashrc", "shell-rc"),
            ("chmod", "/root/.profile", None, "shell-rc"),
            ("unlink", "/root/.bashrc", None, "shell-rc"),
            ("link", "/etc/profile.d/x.sh", "/tmp/unit", "profile")]))

    def test_only_read(self):
        self.writer.do("open('/root/.bashrc', 'w').close()")
        self.writer.do("open('/root/.bashrc').read()")
        self.writer.do("os.stat('/root/.ssh')")
        self.rows(0)

    def test_calls_that_fail(self):
        self.writer.do("for call in (lambda: os.rename('/root/none', '/root/.bashrc'),\n"
                       "             lambda: os.unlink('/root/.profile'),\n"
                       "             lambda: os.chmod('/root/.zshrc', 0o600)):\n"
                       "    try:\n        call()\n        raise AssertionError\n"
                       "    except FileNotFoundError:\n        pass")
        self.rows(0)

    def test_becomes_a_program(self):
        """And is gone again, as is a file that was none."""
        self.wrote("/root/tool", b"x")
        self.wrote("/root/notes", b"x")
        self.writer.do("os.chmod('/root/tool', 0o700)")
        self.writer.do("os.unlink('/root/tool')\nos.unlink('/root/notes')")
        got = [(row["op"], row["path"], row["mode"] & 0o7777) for row in self.rows(3)]
        self.assertEqual(got, [(op, "/root/tool", 0o700) for op in ("write", "chmod", "unlink")])


class TestFlood(FileCase):
    def test_ten_thousand_objects(self):
        """One record each, and no row: but the one that is run afterwards is known."""
        self.writer.do(
            "data = open('/bin/true', 'rb').read()\n"
            "for i in range(10000):\n"
            f"    fd = os.open({self.directory!r} + f'/{{i}}.o', os.O_WRONLY | os.O_CREAT, 0o644)\n"
            "    os.write(fd, data[:100])\n    os.write(fd, data[100:])\n    os.close(fd)")
        os.chmod(self.path("17.o"), 0o755)
        pid, how = self.runner.run(self.path("17.o"))
        self.assertEqual(how, [0, None, False])
        self.from_whom(pid, exec=[self.writer.pid])
        rows = self.store.rows("SELECT * FROM files WHERE process_id = ?",
                               self.process(self.writer.pid)["id"])
        self.one(rows, "files of the flood")
        self.no_losses()


class TestConnections(FileCase):
    """Network to file to exec. The server is outside of what is recorded."""

    def setUp(self):
        super().setUp()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)

    def connect(self, name):
        """Has the writer connect and get a program; the id of its connection."""
        self.writer.do(f"{name} = connect('127.0.0.1', {self.server.getsockname()[1]})")
        port = self.writer.do(f"{name}.getsockname()[1]")
        ours, _ = self.server.accept()
        self.addCleanup(ours.close)
        ours.sendall(bytes_of(TRUE))
        rows = self.store.wait("SELECT id FROM connections WHERE local_port = ? AND "
                               "started_at >= ?", port, self.began)
        return self.one(rows, "connection")["id"]

    def download(self, name):
        path = self.path("download")
        self.writer.do(
            f"fd = os.open({path!r}, os.O_WRONLY | os.O_CREAT, 0o755)\n"
            f"left = {os.path.getsize(TRUE)}\n"
            f"while left:\n    data = {name}.recv(left)\n    left -= os.write(fd, data)\n"
            "os.close(fd)")
        pid, how = self.runner.run(path)
        self.assertEqual(how, [0, None, False])
        edge = self.from_whom(pid, exec=[self.writer.pid])[0]
        row = self.one(self.file_rows(path), "file")
        self.assertEqual(row["connection_id"], edge["connection_id"])
        return edge["connection_id"]

    def test_the_only_connection(self):
        connection = self.connect("one")
        self.assertEqual(self.download("one"), connection)

    def test_one_of_two(self):
        self.connect("one")
        self.connect("two")
        self.assertIsNone(self.download("one"))

    def test_the_other_was_closed(self):
        self.connect("one")
        connection = self.connect("two")
        self.writer.do("one.close()")
        self.assertEqual(self.download("two"), connection)

    def test_no_connection(self):
        pid, _ = self.runner.run(self.wrote("local", TRUE, 0o755))
        edge = self.from_whom(pid, exec=[self.writer.pid])[0]
        self.assertIsNone(edge["connection_id"])
