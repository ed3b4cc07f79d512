# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a process was and where it stood: ids, capabilities, session, namespaces, cgroup, fds."""
import json
import os
import pwd
import shutil

import oracle
from harness import Build, RecordedCase, proc_status, show

NOBODY = 65534


def unset(number):
    """The kernel's (uid_t)-1 is unknown, hence NULL."""
    return None if number == 0xffffffff else number


class Identity(RecordedCase):
    def check_against_proc(self, held):
        """Everything about a living process that /proc tells too."""
        pid, status, stat = held.pid, proc_status(held.pid), oracle.stat(held.pid)
        uids, gids = status["Uid"].split("\t"), status["Gid"].split("\t")
        row = self.process(pid, lambda row: row["exec_count"] == 1)
        self.same(row, pid=pid, ns_pid=int(status["NSpid"].split("\t")[-1]),
                  uid=int(uids[0]), euid=int(uids[1]), gid=int(gids[0]), egid=int(gids[1]),
                  capabilities=status["CapEff"], comm=status["Name"], ppid=int(stat[4]),
                  pgid=int(stat[5]), sid=int(stat[6]), cwd=os.readlink(f"/proc/{pid}/cwd"),
                  exe=os.readlink(f"/proc/{pid}/exe"),
                  login_uid=unset(oracle.number(pid, "loginuid")),
                  audit_session=unset(oracle.number(pid, "sessionid")),
                  mnt_ns=oracle.namespace(pid, "mnt"), pid_ns=oracle.namespace(pid, "pid"),
                  net_ns=oracle.namespace(pid, "net"), user_ns=oracle.namespace(pid, "user"),
                  cgroup=oracle.cgroup(pid), user=self.user(int(uids[0])))
        return row

    def user(self, uid):
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return None

    # -- ids and capabilities --

    def test_root(self):
        held = self.hold()
        self.same(self.check_against_proc(held), uid=0, user="root", tty=None)
        held.release()

    def test_another_user(self):
        held = self.hold(before="lambda: (os.setgroups([]), os.setresgid(1, 2, 2), "
                                "os.setresuid(3, 3, 3))")
        self.same(self.check_against_proc(held), uid=3, euid=3, gid=1, egid=2,
                  capabilities="0000000000000000", user=self.user(3))
        held.release()

    def test_user_without_a_name(self):
        held = self.hold(before="lambda: os.setresuid(3999999999, 3999999999, 3999999999)")
        self.same(self.check_against_proc(held), uid=3999999999, user=None)
        held.release()

    def test_seteuid_only(self):
        """Real and effective uid differ; the name is the real one's."""
        held = self.hold(before="lambda: os.setresuid(0, 1, 1)")
        self.same(self.check_against_proc(held), uid=0, euid=1)
        held.release()

    def test_setuid_file(self):
        program = self.path("hold-setuid")
        shutil.copy(Build.helper("hold"), program)
        os.chmod(program, 0o4755)
        held = self.hold(program=program, before=f"lambda: (os.setgroups([]), "
                         f"os.setresgid({NOBODY}, {NOBODY}, {NOBODY}), "
                         f"os.setresuid({NOBODY}, {NOBODY}, {NOBODY}))")
        self.same(self.check_against_proc(held), uid=NOBODY, euid=0, user="nobody")
        self.same(self.exec(held.pid), setuid=1, uid=NOBODY, euid=0, gid=NOBODY, egid=NOBODY)
        held.release()

    def test_setgid_file(self):
        program = self.path("hold-setgid")
        shutil.copy(Build.helper("hold"), program)
        os.chown(program, 0, 8)
        os.chmod(program, 0o2755)
        held = self.hold(program=program,
                         before=f"lambda: (os.setgroups([]), os.setresgid(1, 1, 1), "
                         f"os.setresuid({NOBODY}, {NOBODY}, {NOBODY}))")
        self.same(self.check_against_proc(held), gid=1, egid=8, euid=NOBODY)
        self.same(self.exec(held.pid), setuid=1, egid=8)
        held.release()

    def test_setuid_file_run_by_its_owner(self):
        """The bit is there but changes nothing."""
        program = self.path("hold-setuid")
        shutil.copy(Build.helper("hold"), program)
        os.chmod(program, 0o4755)
        held = self.hold(program=program)
        self.same(self.exec(held.pid), setuid=0, uid=0, euid=0)
        held.release()

    def check_wrapped(self, *wrapper):
        """hold, started through setpriv or capsh, which exec it in their own process."""
        held = self.hold(program=wrapper[0], argv=[*wrapper[1:], Build.helper("hold")])
        stat = proc_status(held.pid)
        row = self.process(held.pid, lambda row: row["comm"] == "hold")
        self.same(row, capabilities=stat["CapEff"], uid=int(stat["Uid"].split("\t")[0]),
                  euid=int(stat["Uid"].split("\t")[1]))
        held.release()
        return row

    def test_capabilities_dropped(self):
        row = self.check_wrapped("/usr/bin/setpriv", "--bounding-set=-sys_admin,-net_raw,-bpf",
                                 "--inh-caps=-all")
        caps = int(row["capabilities"], 16)
        self.assertFalse(caps & (1 << 21 | 1 << 13 | 1 << 39), row["capabilities"])
        self.assertTrue(caps & 1, row["capabilities"])

    def test_capabilities_ambient(self):
        """An unprivileged user with two capabilities."""
        row = self.check_wrapped("/usr/bin/setpriv", "--reuid=65534", "--clear-groups",
                                 "--inh-caps=+net_bind_service,+net_raw",
                                 "--ambient-caps=+net_bind_service,+net_raw")
        self.same(row, capabilities="%016x" % (1 << 10 | 1 << 13), uid=NOBODY)

    def test_credentials_changed_without_exec(self):
        """What a process is at its exec stands in the exec row; a later fork has the new ids."""
        actor = self.actor()
        child = actor.fork()
        child.do("os.setresuid(7, 7, 7)")
        grandchild = child.fork()
        self.same(self.process(grandchild.pid), uid=7, euid=7, capabilities="0000000000000000")

    # -- audit --

    def test_login_uid(self):
        actor = self.actor()
        child = actor.fork()
        try:
            child.do("open('/proc/self/loginuid', 'w').write('1')")
        except Exception as refused:
            self.skipTest(f"a login uid can not be set here: {refused}")
        held = self.hold(actor=child)
        self.assertEqual(oracle.number(held.pid, "loginuid"), 1)
        self.same(self.check_against_proc(held), login_uid=1)
        held.release()

    # -- cwd, session, terminal --

    def test_cwd(self):
        os.mkdir(self.path("down \x1b[2J"))
        held = self.hold(cwd=repr(self.path("down \x1b[2J")))
        self.same(self.check_against_proc(held), cwd=self.path("down \x1b[2J"))
        self.same(self.exec(held.pid), cwd=self.path("down \x1b[2J"))
        held.release()

    def test_cwd_root(self):
        held = self.hold(cwd="'/'")
        self.same(self.check_against_proc(held), cwd="/")
        held.release()

    def test_session_and_group(self):
        held = self.hold(before="os.setsid")
        self.same(self.check_against_proc(held), sid=held.pid, pgid=held.pid)
        held.release()
        held = self.hold(before="lambda: os.setpgid(0, 0)")
        row = self.check_against_proc(held)
        self.same(row, pgid=held.pid)
        self.assertNotEqual(row["sid"], held.pid)
        held.release()

    def test_terminal(self):
        actor = self.actor()
        actor.do("import fcntl, termios, pty")
        actor.do("master, slave = pty.openpty()")
        name = actor.do("os.ttyname(slave)")
        held = self.hold(actor=actor, fds="{0: slave, 1: report, 2: slave}",
                         before="lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0))")
        self.assertNotEqual(oracle.stat(held.pid)[7], "0")
        row = self.check_against_proc(held)
        self.assertEqual(row["tty"], name.replace("/dev/", ""), show([row]))
        self.same(self.exec(held.pid), stdin="tty:" + name, stderr="tty:" + name)
        held.release()

    # -- descriptors --

    def test_descriptors_pipe_socket_file(self):
        actor = self.actor()
        data = self.write("input file", "x")
        actor.do("r, w = os.pipe(); a, b = socket.socketpair()")
        actor.do(f"f = os.open({data!r}, os.O_RDONLY)")
        for name, fd in (("f", "f"), ("r", "r"), ("a", "a.fileno()")):
            with self.subTest(fd=name):
                held = self.hold(actor=actor, fds=f"{{0: {fd}, 1: report, 2: {fd}}}")
                row = self.exec(held.pid)
                self.same(row, stdin=os.readlink(f"/proc/{held.pid}/fd/0"), stdout=held.report,
                          stderr=os.readlink(f"/proc/{held.pid}/fd/2"))
                held.release()

    def test_descriptors_null_and_tcp(self):
        actor = self.actor()
        actor.do("n = os.open('/dev/null', os.O_RDWR); l = listen()")
        held = self.hold(actor=actor, fds="{0: n, 1: report, 2: l.fileno()}")
        self.same(self.exec(held.pid), stdin="/dev/null",
                  stderr=os.readlink(f"/proc/{held.pid}/fd/2"))
        held.release()

    def test_descriptors_closed(self):
        actor = self.actor()
        pid = actor.do("spawn('/bin/true', ['true'], fds={0: None, 1: None, 2: None})")
        actor.call("reap", pid)
        self.ended(pid)
        row = self.exec(pid)
        for name in ("stdin", "stdout", "stderr"):
            self.assertIn(row[name], (None, "closed"), show([row]))

    def test_descriptors_directory_and_deleted(self):
        actor = self.actor()
        path = self.write("doomed", "x")
        actor.do(f"d = os.open({self.directory!r}, os.O_RDONLY)")
        actor.do(f"g = os.open({path!r}, os.O_RDONLY)")
        os.unlink(path)
        held = self.hold(actor=actor, fds="{0: d, 1: report, 2: g}")
        row = self.exec(held.pid)
        self.same(row, stdin=self.directory)
        self.assertIn(row["stderr"], (path, path + " (deleted)"))
        held.release()

    # -- namespaces and cgroups --

    def test_namespaces(self):
        """Each namespace's number as in /proc/PID/ns; the pid inside."""
        actor = self.actor()
        child = actor.fork()
        child.do("unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID)")
        held = self.hold(actor=child)
        row = self.check_against_proc(held)
        self.same(row, ns_pid=1)
        for kind in ("mnt", "net", "pid"):
            self.assertNotEqual(row[kind + "_ns"], oracle.namespace(os.getpid(), kind))
        held.release()

    def test_nested_pid_namespaces(self):
        actor = self.actor()
        outer = actor.fork()
        outer.do("unshare(CLONE_NEWPID)")
        pid = outer.do("spawn('/usr/bin/unshare', ['unshare', '-p', '-f', '/bin/true', 'nested'])")
        outer.call("reap", pid)
        self.fence()
        rows = self.store.rows("SELECT * FROM processes WHERE cmdline = '/bin/true nested' AND "
                               "cgroup = ?", self.cgroup.name)
        row = self.one(rows, "the innermost process")
        self.same(row, ns_pid=1)
        parent = self.one(self.store.rows("SELECT * FROM processes WHERE id = ?", row["parent_id"]),
                          "its parent")
        self.same(parent, pid=pid, ns_pid=1, comm="unshare")

    def test_user_namespace(self):
        actor = self.actor()
        child = actor.fork()
        try:
            child.do("unshare(CLONE_NEWUSER)")
        except Exception as refused:
            self.skipTest(f"no user namespaces: {refused}")
        held = self.hold(actor=child)
        row = self.check_ids_of_the_host(held)
        self.assertNotEqual(row["user_ns"], oracle.namespace(os.getpid(), "user"))
        held.release()

    def check_ids_of_the_host(self, held):
        row = self.process(held.pid, lambda row: row["exec_count"] == 1)
        self.same(row, uid=0, capabilities=proc_status(held.pid)["CapEff"],
                  user_ns=oracle.namespace(held.pid, "user"))
        return row

    def test_cgroup_move(self):
        """A process that is moved while it runs is where it was moved to."""
        held = self.hold()
        self.same(self.process(held.pid), cgroup=self.cgroup.name)
        below = self.cgroup.child("moved to")
        below.add(held.pid)
        self.assertEqual(oracle.cgroup(held.pid), below.name)
        row = self.process(held.pid, lambda row: row["cgroup"] == below.name)
        self.same(row, comm="hold", exec_count=1)
        held.release()
        self.same(self.ended(held.pid), id=row["id"], cgroup=below.name)

    def test_cgroup_names(self):
        """Hostile names of cgroups: bytes, quotes, escapes, the longest there is."""
        for name in ("with space", "quote'\"", "\x1b[31m", "\udcff\udcfe", "%s%n", "a" * 255,
                     "\u202e"):
            with self.subTest(name=name):
                odd = self.cgroup.child(name)
                process = self.start(["/bin/true"], cgroup=odd)
                process.wait()
                self.same(self.ended(process.pid), cgroup=odd.name)

    # -- environment --

    def test_environment(self):
        """Listed names are kept, others never reach the store."""
        actor = self.actor()
        secret = "hunter2-" + os.path.basename(self.directory)
        pid = actor.call("spawn", "/bin/true", ["true"], env={
            "A_SECRET": secret, "LD_LIBRARY_PATH": "/opt/odd \"dir\"/\udcff", "XLD_PRELOAD": "no",
            "LD_PRELOAD": "", "HOME": secret, "SSH_CONNECTION": "192.0.2.1 2 192.0.2.3 22"})
        actor.call("reap", pid)
        self.ended(pid)
        row = self.exec(pid)
        self.assertEqual(json.loads(row["environment"]),
                         {"LD_LIBRARY_PATH": "/opt/odd \"dir\"/\udcff", "LD_PRELOAD": "",
                          "SSH_CONNECTION": "192.0.2.1 2 192.0.2.3 22"})
        with open(self.store.path, "rb") as store, open(self.store.path + "-wal", "rb") as wal:
            self.assertNotIn(secret.encode(), store.read() + wal.read())

    def test_environment_behind_much_else(self):
        """A listed name after 100 KiB of others."""
        actor = self.actor()
        pid = actor.do("spawn('/bin/true', ['true'], env={**{f'V{i}': 'x' * 1000 for i in "
                       "range(100)}, 'LD_PRELOAD': '/tmp/late.so'})")
        actor.call("reap", pid)
        self.ended(pid)
        row = self.exec(pid)
        kept = json.loads(row["environment"] or "{}")
        if not row["truncated"]:
            self.assertEqual(kept, {"LD_PRELOAD": "/tmp/late.so"}, show([row]))
        self.assertFalse(set(kept) - {"LD_PRELOAD"}, show([row]))

    def test_no_environment(self):
        actor = self.actor()
        pid = actor.do("spawn('/bin/true', ['true'], env={})")
        actor.call("reap", pid)
        self.ended(pid)
        self.assertIn(self.exec(pid)["environment"], (None, "{}"))
