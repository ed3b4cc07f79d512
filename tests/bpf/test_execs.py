# SPDX-License-Identifier: GPL-3.0-or-later
"""What was executed: argv byte for byte, the file really run, scripts, memfds, failures."""
import json
import os
import shutil
import stat

from harness import Build, RecordedCase, argv_of, show

ARGV_MAX = 32768  # bytes of argv that are kept, NULs included
TRUE = os.path.realpath("/bin/true")


class Execs(RecordedCase):
    def setUp(self):
        super().setUp()
        self.theatre = self.actor()

    def run_one(self, path, argv, **how):
        """Executes path with argv in a child, waits for both ends: its exec row."""
        pid = self.theatre.call("spawn", path, argv, **how)
        self.theatre.call("reap", pid)
        self.ended(pid)
        return self.exec(pid)

    # -- argv --

    def check_argv(self, argv):
        row = self.run_one("/bin/true", argv)
        wanted = [arg.encode("utf-8", "surrogateescape") for arg in argv]
        self.same_argv(row, wanted)
        self.same(row, argc=len(argv), truncated=0, error=None, exe=TRUE, filename="/bin/true")
        return row

    def test_argv_plain(self):
        row = self.check_argv(["/bin/true", "one", "two words", "three"])
        self.same(self.store.rows("SELECT * FROM processes WHERE id = ?", row["process_id"])[0],
                  cmdline="/bin/true one two words three", truncated=0)

    def test_argv_hostile_bytes(self):
        """Invalid UTF-8, escape sequences, newlines, quotes, every byte there is."""
        every = "".join(bytes([byte]).decode("utf-8", "surrogateescape") for byte in range(1, 256))
        self.check_argv(["true", every])
        self.check_argv(["true", "\udcff\udcfe", "\x1b]0;owned\x07", "a\nb\r\tc", '"\\\'', "'; --",
                         "\u2028 \u202e\U0001f600", "\udced\udca0\udc80", "\udcc0\udc80"])

    def test_argv_all_pairs_of_bytes(self):
        """Text that is cut at the wrong place shows up in one of many short arguments."""
        self.check_argv(["true"] + [f"{chr(33 + i % 90)}\udc80\udcc3{i}" for i in range(300)])

    def test_argv_empty_arguments(self):
        row = self.check_argv(["true", "", "x", "", ""])
        self.assertEqual(json.loads(row["argv"]), ["true", "", "x", "", ""])

    def test_argv_only_empty(self):
        self.check_argv(["", "", ""])

    def test_argv_empty_name(self):
        self.check_argv([""])

    def test_argv_none(self):
        """argc 0: the kernel puts one empty string there."""
        row = self.run_one("/bin/true", [])
        self.same(row, argc=1, argv='[""]')

    def test_argv_2000_arguments(self):
        self.check_argv(["/bin/true"] + [f"a{i}" for i in range(1999)])

    def blob(self, argv):
        return b"".join(arg.encode() + b"\0" for arg in argv)

    def test_argv_of_exactly_the_limit(self):
        argv = ["/bin/true", "x" * 10000, "y" * 10000]
        argv.append("z" * (ARGV_MAX - len(self.blob(argv)) - 1))
        self.assertEqual(len(self.blob(argv)), ARGV_MAX)
        self.check_argv(argv)

    def check_cut(self, argv):
        row = self.run_one("/bin/true", argv)
        self.same(row, argc=len(argv), truncated=1, error=None)
        kept = b"\0".join(argv_of(row))
        self.assertEqual(kept, self.blob(argv)[:len(kept)], "the kept part is not a prefix")
        self.assertIn(len(kept), (ARGV_MAX - 1, ARGV_MAX))
        process = self.store.rows("SELECT * FROM processes WHERE id = ?", row["process_id"])[0]
        self.assertEqual(process["truncated"], 1, f"truncated of process {process['id']}")

    def test_argv_of_one_more_than_the_limit(self):
        argv = ["/bin/true", "x" * 30000]
        argv.append("z" * (ARGV_MAX + 1 - len(self.blob(argv)) - 1))
        self.check_cut(argv)

    def test_argv_of_1_mib(self):
        # The message to an actor must stay short: it makes the arguments itself.
        source = "['/bin/true'] + [chr(97 + i) * 122880 for i in range(8)] + ['end'] * 60"
        pid = self.theatre.do(f"spawn('/bin/true', {source})")
        self.assertEqual(self.theatre.call("reap", pid)[0], 0)
        self.ended(pid)
        row = self.exec(pid)
        self.same(row, argc=69, truncated=1)
        kept = b"\0".join(argv_of(row))
        self.assertEqual(kept, (b"/bin/true\0" + b"a" * ARGV_MAX)[:len(kept)])
        self.assertIn(len(kept), (ARGV_MAX - 1, ARGV_MAX))

    def test_argv_of_many_large_at_once(self):
        """Twenty processes with 30 KiB each, in parallel: each its own bytes."""
        pids = self.theatre.do("[spawn('/bin/true', ['true', chr(97 + i) * 30000, str(i)]) "
                               "for i in range(20)]")
        for i, pid in enumerate(pids):
            self.theatre.call("reap", pid)
            self.ended(pid)
            self.same_argv(self.exec(pid), [b"true", bytes([97 + i]) * 30000, str(i).encode()])

    # -- the file --

    def test_file(self):
        """Device, inode, links as stat has them; cwd; ids."""
        copy, link = self.path("true-copy"), self.path("true-link")
        shutil.copy(TRUE, copy)
        os.link(copy, link)
        row = self.run_one(copy, ["t"], cwd=self.directory)
        is_now = os.stat(copy)
        self.same(row, exe=copy, filename=copy, inode=is_now.st_ino, links=2,
                  device=f"{os.major(is_now.st_dev)}:{os.minor(is_now.st_dev)}", memfd=0, deleted=0,
                  setuid=0, cwd=self.directory, uid=0, euid=0, gid=0, egid=0, script=None,
                  interpreter=None)

    def test_relative_and_symlink(self):
        """filename is what the caller typed, exe the file really run."""
        os.mkdir(self.path("bin"))
        shutil.copy(TRUE, self.path("bin/real"))
        os.symlink("real", self.path("bin/alias"))
        row = self.run_one("bin/../bin/alias", ["x"], cwd=self.directory)
        self.same(row, filename="bin/../bin/alias", exe=self.path("bin/real"), cwd=self.directory)

    def test_deep_path(self):
        """Twenty directories down, with odd names."""
        deep = self.directory
        for i in range(20):
            deep = os.path.join(deep, f"d{i} \u00fc\x1b[31m")
            os.mkdir(deep)
        path = os.path.join(deep, "prog\nram")
        shutil.copy(TRUE, path)
        self.same(self.run_one(path, ["x"], cwd=deep), exe=path, cwd=deep, filename=path)

    def test_everything_at_its_longest(self):
        """Arguments, paths and environment that do not fit together: the exec has its row."""
        deep = os.path.join(self.directory, *(chr(ord("a") + i) * 250 for i in range(15)))
        os.makedirs(deep)
        path = os.path.join(deep, "prog")
        shutil.copy(TRUE, path)
        streams = [os.open(os.path.join(deep, name), os.O_CREAT | os.O_RDWR) for name in "ioe"]
        child = self.start(["longest", *["y" * 99] * 400], executable=path, cwd=deep,
                           stdin=streams[0], stdout=streams[1], stderr=streams[2],
                           env={"ENV": "A" * 4000, "HISTFILE": "B" * 4000})
        for stream in streams:
            os.close(stream)
        child.wait()
        row = self.one(self.store.wait("SELECT * FROM execs WHERE exe = ?", path), "the exec")
        self.same(row, argc=401, truncated=1, argv_length=8 + 400 * 100)

    def test_very_deep_path(self):
        """More directories than can be walked: cut and flagged, or whole; never made up."""
        names = [f"n{i}" for i in range(120)]
        deep = os.path.join(self.directory, *names)
        os.makedirs(deep)
        path = os.path.join(deep, "prog")
        shutil.copy(TRUE, path)
        row = self.run_one(path, ["x"])
        if row["exe"] != path:
            self.same(row, truncated=1)
            tail = row["exe"].lstrip("./")
            self.assertTrue(tail and path.endswith(tail[tail.find("n"):]), show([row]))

    def test_execveat(self):
        self.theatre.do(f"d = os.open({os.path.dirname(TRUE)!r}, os.O_RDONLY | os.O_DIRECTORY)")
        pid = self.theatre.do("spawn('true', ['t', 'at'], dirfd=d)")
        self.assertEqual(self.theatre.call("reap", pid)[0], 0)
        self.ended(pid)
        row = self.exec(pid)
        self.same(row, exe=TRUE, argc=2, error=None)
        self.assertRegex(row["filename"], r"^(/dev/fd/\d+/)?true$")

    def memfd(self, name):
        self.theatre.do(f"m = os.memfd_create({name!r}, os.MFD_CLOEXEC)")
        self.theatre.do(f"os.sendfile(m, os.open({TRUE!r}, os.O_RDONLY), 0, 1 << 24)")

    def check_memfd(self, source, filename):
        self.memfd("hidden")
        pid = self.theatre.do(source)
        self.assertEqual(self.theatre.call("reap", pid)[0], 0)
        self.ended(pid)
        row = self.exec(pid)
        self.same(row, memfd=1, links=0, error=None)
        self.assertIn("memfd:hidden", row["exe"], show([row]))
        self.assertRegex(row["filename"], filename, show([row]))
        self.same_argv(row, [b"innocent", b"x"])

    def test_memfd_by_execveat(self):
        self.check_memfd("spawn('', ['innocent', 'x'], dirfd=m, flags=AT_EMPTY_PATH)",
                         r"^/dev/fd/\d+$")

    def test_memfd_by_proc(self):
        self.check_memfd("spawn(f'/proc/self/fd/{m}', ['innocent', 'x'])", r"^/proc/self/fd/\d+$")

    def test_deleted_file(self):
        copy = self.path("gone")
        shutil.copy(TRUE, copy)
        inode = os.stat(copy).st_ino
        self.theatre.do(f"g = os.open({copy!r}, os.O_RDONLY)")
        os.unlink(copy)
        pid = self.theatre.do("spawn('', ['x'], dirfd=g, flags=AT_EMPTY_PATH)")
        self.assertEqual(self.theatre.call("reap", pid)[0], 0)
        self.ended(pid)
        row = self.exec(pid)
        self.same(row, deleted=1, memfd=0, links=0, inode=inode)
        self.assertIn(row["exe"], (copy, copy + " (deleted)"))

    def test_file_on_another_mount(self):
        """The path of a file goes through mount points."""
        os.mkdir("/dev/shm/" + os.path.basename(self.directory))
        path = "/dev/shm/" + os.path.basename(self.directory) + "/prog"
        self.addCleanup(shutil.rmtree, os.path.dirname(path))
        shutil.copy(TRUE, path)
        os.chmod(path, 0o755)
        is_now = os.stat(path)
        self.same(self.run_one(path, ["x"]), exe=path, inode=is_now.st_ino,
                  device=f"{os.major(is_now.st_dev)}:{os.minor(is_now.st_dev)}")

    def test_in_a_chroot(self):
        """As the host sees the file, or as the process does; never something else."""
        os.makedirs(self.path("root/bin"))
        shutil.copy(Build.helper("hold"), self.path("root/bin/hold"))
        self.theatre.do("import shutil")
        child = self.theatre.fork()
        child.do(f"os.chroot({self.path('root')!r}); os.chdir('/')")
        child.leave("try: execute('/bin/hold', ['hold'])\nfinally: os._exit(9)")
        self.theatre.call("reap", child.pid)
        row = self.exec(child.pid)
        self.same(row, filename="/bin/hold")
        self.assertEqual(row["error"], "ENOENT")  # its ELF interpreter is not in there

    # -- scripts --

    def check_script(self, path, argv, row, script, interpreter, exe):
        self.same(row, interpreter=interpreter, exe=os.path.realpath(exe), error=None)
        self.assertIsNotNone(row["script"], show([row]))
        self.assertEqual(os.path.realpath(os.path.join(row["cwd"], row["script"])),
                         os.path.realpath(script), show([row]))
        self.same_argv(row, [arg.encode() for arg in argv])

    def test_script(self):
        path = self.write("s.sh", "#!/bin/sh -e\nexit 0\n", 0o755)
        row = self.run_one(path, ["ignored", "a b"])
        self.check_script(path, ["/bin/sh", "-e", path, "a b"], row, path, "/bin/sh", "/bin/sh")
        self.same(row, filename=path)

    def test_script_relative_and_symlink(self):
        path = self.write("s.sh", "#!/bin/sh\n:\n", 0o755)
        os.symlink("s.sh", self.path("link"))
        row = self.run_one("./s.sh", ["x"], cwd=self.directory)
        self.check_script("./s.sh", ["/bin/sh", "./s.sh"], row, path, "/bin/sh", "/bin/sh")
        row = self.run_one(self.path("link"), ["x"])
        self.check_script(self.path("link"), ["/bin/sh", self.path("link")], row, path, "/bin/sh",
                          "/bin/sh")

    def test_script_through_env(self):
        path = self.write("s.sh", "#!/usr/bin/env sh\n:\n", 0o755)
        pid = self.theatre.call("spawn", path, [path], env={"PATH": "/usr/bin"})
        self.assertEqual(self.theatre.call("reap", pid)[0], 0)
        self.ended(pid)
        first, second = self.execs(pid, 2)
        self.check_script(path, ["/usr/bin/env", "sh", path], first, path, "/usr/bin/env",
                          "/usr/bin/env")
        self.same(second, exe=os.path.realpath("/usr/bin/sh"), script=None, interpreter=None)
        self.same_argv(second, [b"sh", path.encode()])

    def test_script_nested(self):
        """A script whose interpreter is a script."""
        inner = self.write("inner.sh", "#!/bin/sh\n:\n", 0o755)
        outer = self.write("outer", f"#!{inner} -x\n", 0o755)
        row = self.run_one(outer, ["o", "arg"])
        self.same(row, filename=outer, exe=os.path.realpath("/bin/sh"), interpreter="/bin/sh",
                  argc=5)
        self.same_argv(row, [arg.encode() for arg in ("/bin/sh", inner, "-x", outer, "arg")])
        self.assertEqual(row["script"], outer)

    def test_script_process_row(self):
        path = self.write("s.sh", "#!/bin/sh\nexit 4\n", 0o755)
        row = self.run_one(path, [path, "q"])
        self.same(self.store.rows("SELECT * FROM processes WHERE id = ?", row["process_id"])[0],
                  exe=os.path.realpath("/bin/sh"), comm="s.sh", cmdline=f"/bin/sh {path} q",
                  exit_code=4)

    # -- failures --

    def check_failed(self, path, error, argv=("x", "y"), **how):
        pid = self.theatre.call("spawn", path, list(argv), **how)
        self.theatre.call("reap", pid)
        process = self.ended(pid)
        row = self.exec(pid)
        self.same(row, error=error, filename=path, process_id=process["id"])
        self.same(process, exec_count=0, comm="python3",
                  parent_id=self.process(self.theatre.pid)["id"])
        return row

    def test_failed_enoent(self):
        row = self.check_failed(self.path("nothing"), "ENOENT", ["a", "b c", ""])
        self.same_argv(row, [b"a", b"b c", b""])
        self.same(row, argc=3, exe=None)

    def test_failed_eacces(self):
        self.check_failed(self.write("plain", "x", 0o644), "EACCES")
        self.check_failed(self.directory, "EACCES")

    def test_failed_enoexec(self):
        self.check_failed(self.write("noise", "neither ELF nor script\n", 0o755), "ENOEXEC")

    def test_failed_enotdir(self):
        self.check_failed(self.write("file", "x") + "/below", "ENOTDIR")

    def test_failed_eloop(self):
        os.symlink("loop", self.path("loop"))
        self.check_failed(self.path("loop"), "ELOOP")

    def test_failed_script_without_interpreter(self):
        self.check_failed(self.write("s", "#!/no/such/interpreter\n", 0o755), "ENOENT")

    def test_failed_etxtbsy(self):
        path = self.path("busy")
        shutil.copy(TRUE, path)
        with open(path, "r+b"):
            self.check_failed(path, "ETXTBSY")

    def test_failed_e2big(self):
        pid = self.theatre.do("spawn('/bin/true', ['true', 'x' * 200000])")
        self.assertEqual(self.theatre.call("reap", pid)[0], 7)
        self.ended(pid)
        row = self.exec(pid)
        self.same(row, error="E2BIG", filename="/bin/true", truncated=1)
        kept = b"\0".join(argv_of(row))
        self.assertEqual(kept, (b"true\0" + b"x" * 200000)[:len(kept)])

    def test_failed_with_many_arguments(self):
        """What is kept is a prefix; argc is the true count, or unknown and the row says so."""
        for count in (31, 32, 33, 40, 500):
            with self.subTest(count=count):
                argv = [f"a{i}" for i in range(count)]
                row = self.check_failed(self.path("nothing"), "ENOENT", argv)
                kept = [arg.decode() for arg in argv_of(row)]
                self.assertEqual(kept, argv[:len(kept)])
                if row["truncated"]:
                    self.assertIn(row["argc"], (count, None), show([row]))
                    self.assertLess(len(kept), count, "flagged, and yet whole:\n" + show([row]))
                else:
                    self.same(row, argc=count)
                    self.assertEqual(len(kept), count, show([row]))

    def test_failed_with_long_argument(self):
        row = self.check_failed(self.path("nothing"), "ENOENT", ["x", "y" * 20000, "z"])
        if not row["truncated"]:
            self.same_argv(row, [b"x", b"y" * 20000, b"z"])
        self.assertTrue((b"x\0" + b"y" * 20000 + b"\0z").startswith(b"\0".join(argv_of(row))),
                        "what is kept is not a prefix: " + show([row]))

    def test_failed_efault(self):
        """A filename that is no memory at all."""
        pid = self.theatre.do("os.fork() or (libc.execve(ctypes.c_void_p(8), None, None), "
                              "os._exit(0))")
        self.theatre.call("reap", pid)
        self.ended(pid)
        self.same(self.exec(pid), error="EFAULT", filename=None)

    def test_failed_then_good(self):
        """A process that fails twice and then succeeds: three rows in order, one counted."""
        child = self.theatre.fork()
        for path in (self.path("none"), self.directory):
            child.do(f"try: execute({path!r}, ['x'])\nexcept OSError: pass")
        child.leave("execute('/bin/true', ['true'])")
        self.theatre.call("reap", child.pid)
        self.same(self.ended(child.pid), exec_count=1, comm="true")
        self.assertEqual([row["error"] for row in self.execs(child.pid, 3)],
                         ["ENOENT", "EACCES", None])

    def test_no_exec_permission_for_user(self):
        """EACCES for one user where another may."""
        path = self.path("rootonly")
        shutil.copy(TRUE, path)
        os.chmod(path, stat.S_IRWXU)
        child = self.theatre.fork()
        child.do("os.setgroups([]); os.setresgid(65534, 65534, 65534); "
                 "os.setresuid(65534, 65534, 65534)")
        child.do(f"try: execute({path!r}, ['x'])\nexcept OSError: pass")
        child.leave("os._exit(0)")
        self.theatre.call("reap", child.pid)
        self.ended(child.pid)
        self.same(self.exec(child.pid), error="EACCES", uid=65534, euid=65534, gid=65534)
