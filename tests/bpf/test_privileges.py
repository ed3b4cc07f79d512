# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of credentials and walls: what the row says was so before and is so after, held against
/proc; and that what changes nothing has no row."""
import glob
import json
import os
import shutil
import subprocess

import oracle
from harness import Build, RecordedCase, proc_status, show

NOBODY = 65534
CAP_NET_RAW = 13
CAP_SYS_CHROOT = 18
NO_CAPABILITIES = "0" * 16


def credentials(pid):
    status = proc_status(pid)
    uids, gids = status["Uid"].split("\t"), status["Gid"].split("\t")
    return {"uid": int(uids[0]), "euid": int(uids[1]), "gid": int(gids[0]), "egid": int(gids[1]),
            "capabilities": status["CapEff"]}


def part(facts, *names):
    return {name: facts[name] for name in names}


class PrivilegeCase(RecordedCase):
    def changes(self, pid, count, kind=None):
        """The rows of a process, of one kind or all: their JSON as objects."""
        row = self.process(pid)
        rows = self.store.wait(
            "SELECT * FROM privileges WHERE process_id = ? AND kind = ifnull(?, kind) ORDER BY id",
            row["id"], kind, until=lambda rows: len(rows) >= count)
        self.fence()
        rows = self.store.rows(
            "SELECT * FROM privileges WHERE process_id = ? AND kind = ifnull(?, kind) ORDER BY id",
            row["id"], kind)
        self.assertEqual(len(rows), count, f"{kind or 'privileges'} of pid {pid}:\n{show(rows)}")
        for found in rows:
            for name in ("old", "new"):
                found[name] = found[name] and json.loads(found[name])
            self.assertGreaterEqual(found["at"], self.began)
        return rows

    def change(self, pid, kind):
        return self.changes(pid, 1, kind)[0]


class Privileges(PrivilegeCase):

    # -- ids --

    def test_ids_that_a_call_changes(self):
        actor = self.actor()
        before = credentials(actor.pid)
        actor.do("os.setresgid(1, 2, 2); os.setresuid(3, 4, 4)")
        after = credentials(actor.pid)
        self.same(self.change(actor.pid, "setgid"), old=part(before, "gid", "egid"),
                  new=part(after, "gid", "egid"), exec_id=None)
        self.same(self.change(actor.pid, "setuid"), old=part(before, "uid", "euid"),
                  new=part(after, "uid", "euid"), exec_id=None)
        self.same(self.process(actor.pid), **after)
        self.changes(actor.pid, 2)  # that the capabilities went with root goes without saying

    def test_back_and_forth(self):
        actor = self.actor()
        actor.do("os.seteuid(4); os.seteuid(0); os.setegid(4); os.setegid(0)")
        rows = self.changes(actor.pid, 4)
        self.assertEqual([(row["kind"], row["new"]) for row in rows],
                         [("setuid", {"uid": 0, "euid": 4}), ("setuid", {"uid": 0, "euid": 0}),
                          ("setgid", {"gid": 0, "egid": 4}), ("setgid", {"gid": 0, "egid": 0})])
        self.same(self.process(actor.pid), **credentials(actor.pid))

    def test_ids_that_stay_as_they_are(self):
        actor = self.actor()
        actor.do("os.setuid(0); os.setreuid(0, 0); os.setresuid(-1, -1, 5); os.setgid(0); "
                 "os.setresgid(0, -1, -1); libc.setfsuid(0)")
        actor.do("os.setresuid(0, 0, 0)")
        self.changes(actor.pid, 0)

    def test_refused_changes(self):
        actor = self.actor()
        actor.do(f"os.setuid({NOBODY})")
        self.changes(actor.pid, 1)
        self.assertEqual(actor.do("[f() for f in (lambda: libc.setuid(0), lambda: libc.setgid(5), "
                                  "lambda: libc.chroot(b'/'), lambda: libc.unshare(0x4000000))]"),
                         [-1] * 4)
        self.changes(actor.pid, 1)

    def test_all_threads_at_once(self):
        """The C library has each thread change: one row, whoever calls."""
        for caller in ("leader", "thread"):
            with self.subTest(caller=caller):
                actor = self.actor()
                actor.do("import threading\nhold = threading.Event()\n"
                         "for _ in range(5): threading.Thread(target=hold.wait, daemon=True).start()")
                if caller == "leader":
                    actor.do("os.setresuid(7, 7, 7)")
                else:
                    actor.do("done = threading.Event()\ndef change():\n"
                             "    os.setresuid(7, 7, 7)\n    done.set()\n    hold.wait()\n"
                             "threading.Thread(target=change, daemon=True).start()\ndone.wait()")
                for task in os.listdir(f"/proc/{actor.pid}/task"):
                    self.assertEqual(proc_status(f"{actor.pid}/task/{task}")["Uid"].split(),
                                     ["7"] * 4)
                self.same(self.changes(actor.pid, 1)[0], kind="setuid",
                          new={"uid": 7, "euid": 7})
                self.same(self.process(actor.pid), uid=7, euid=7)

    def test_ids_for_files_alone(self):
        actor = self.actor()
        actor.do("libc.setfsuid(9); libc.setfsgid(8)")
        self.assertEqual(proc_status(actor.pid)["Uid"].split()[3], "9")
        self.same(self.change(actor.pid, "setuid"), old={"fsuid": 0}, new={"fsuid": 9})
        self.same(self.change(actor.pid, "setgid"), old={"fsgid": 0}, new={"fsgid": 8})
        self.changes(actor.pid, 2)

    # -- execs --

    def program(self, name, mode, owner=0):
        path = self.path(name)
        shutil.copy(Build.helper("hold"), path)
        os.chown(path, owner, owner)
        os.chmod(path, mode)
        return path

    def run_as(self, uid, program):
        held = self.hold(program=program, before=f"lambda: (os.setresgid({uid}, {uid}, {uid}), "
                                                 f"os.setresuid({uid}, {uid}, {uid}))")
        self.addCleanup(held.release)
        return held

    def test_setuid_program(self):
        held = self.run_as(NOBODY, self.program("setuid", 0o4755))
        after = credentials(held.pid)
        self.assertEqual(part(after, "uid", "euid"), {"uid": NOBODY, "euid": 0})
        called, execed = self.changes(held.pid, 2, "setuid")
        self.same(called, exec_id=None, new={"uid": NOBODY, "euid": NOBODY})
        self.same(execed, old={"uid": NOBODY, "euid": NOBODY}, new=part(after, "uid", "euid"),
                  exec_id=self.exec(held.pid)["id"])
        self.changes(held.pid, 0, "caps")  # they come with root
        self.same(self.process(held.pid), **after)

    def test_setgid_program(self):
        held = self.run_as(NOBODY, self.program("setgid", 0o2755))
        self.same(self.changes(held.pid, 2, "setgid")[1],
                  new={"gid": NOBODY, "egid": 0}, exec_id=self.exec(held.pid)["id"])
        self.changes(held.pid, 1, "setuid")

    def test_setuid_program_of_ones_own(self):
        held = self.run_as(NOBODY, self.program("own", 0o4755, NOBODY))
        self.assertIsNone(self.change(held.pid, "setuid")["exec_id"])

    def test_file_capabilities(self):
        program = self.program("capable", 0o755)
        subprocess.run(["/usr/sbin/setcap", "cap_net_raw+ep", program], check=True)
        held = self.run_as(NOBODY, program)
        after = credentials(held.pid)["capabilities"]
        self.assertEqual(int(after, 16), 1 << CAP_NET_RAW)
        self.same(self.change(held.pid, "caps"), old={"capabilities": NO_CAPABILITIES},
                  new={"capabilities": after}, exec_id=self.exec(held.pid)["id"])
        self.same(self.process(held.pid), capabilities=after)

    def test_ordinary_program(self):
        held = self.run_as(NOBODY, self.program("plain", 0o755))
        self.assertEqual([row["exec_id"] for row in self.changes(held.pid, 2)], [None, None])
        held = self.hold(program=self.program("root", 0o4755))
        self.addCleanup(held.release)
        self.exec(held.pid)
        self.changes(held.pid, 0)

    # -- capabilities --

    def capset(self, actor, effective):
        """Sets the effective capabilities and leaves the permitted ones."""
        actor.do(f"import ctypes, struct\nE = {effective}\n"
                 "H = struct.pack('Ii', 0x20080522, 0)\nD = ctypes.create_string_buffer(24)\n"
                 "assert libc.capget(H, D) == 0\nP = struct.unpack('6I', D.raw)\n"
                 "D = struct.pack('6I', E & 0xffffffff, P[1], P[2], E >> 32, P[4], P[5])\n"
                 "assert libc.capset(H, D) == 0")

    def test_capset(self):
        actor = self.actor()
        before = credentials(actor.pid)["capabilities"]
        self.capset(actor, 1 << CAP_SYS_CHROOT)
        after = credentials(actor.pid)["capabilities"]
        self.assertEqual(int(after, 16), 1 << CAP_SYS_CHROOT)
        self.same(self.change(actor.pid, "caps"), old={"capabilities": before},
                  new={"capabilities": after}, exec_id=None)
        self.same(self.process(actor.pid), capabilities=after)
        self.capset(actor, 1 << CAP_SYS_CHROOT)  # again
        self.capset(actor, int(before, 16))
        self.same(self.changes(actor.pid, 2)[1], kind="caps", new={"capabilities": before})

    def test_setpriv(self):
        """What a distribution's own tool does, to the process that it becomes."""
        process = self.start(["/usr/bin/setpriv", "--reuid=11", "--regid=12", "--clear-groups",
                              Build.helper("hold")], stdout=subprocess.PIPE)
        process.stdout.readline()
        pid = process.pid
        self.same(self.change(pid, "setuid"), new={"uid": 11, "euid": 11})
        self.same(self.change(pid, "setgid"), new={"gid": 12, "egid": 12})
        self.same(self.process(pid), **credentials(pid))

    # -- namespaces --

    def namespaces(self, pid, *kinds):
        return {f"{kind}_ns": oracle.namespace(pid, kind) for kind in kinds}

    def test_unshare(self):
        actor = self.actor()
        kinds = "mnt", "net"
        before = self.namespaces(actor.pid, *kinds)
        actor.do("unshare(CLONE_NEWNS | CLONE_NEWNET | 0x4000000 | 0x8000000)")
        after = self.namespaces(actor.pid, *kinds)
        self.assertFalse(set(before.values()) & set(after.values()))
        row = self.change(actor.pid, "unshare")
        self.same(row, old=before, new={**after, **self.namespaces(actor.pid, "uts", "ipc")})
        self.same(self.process(actor.pid), **after)

    def test_unshare_of_what_is_no_namespace(self):
        actor = self.actor()
        actor.do("unshare(0x200 | 0x400)")  # CLONE_FS, CLONE_FILES
        self.changes(actor.pid, 0)

    def test_unshare_user(self):
        actor = self.actor()
        actor.do(f"os.setresuid({NOBODY}, {NOBODY}, {NOBODY})")
        before = self.namespaces(actor.pid, "user")
        actor.do("unshare(CLONE_NEWUSER)")
        self.same(self.change(actor.pid, "unshare"), old=before,
                  new=self.namespaces(actor.pid, "user"))
        self.changes(actor.pid, 0, "caps")
        self.same(self.process(actor.pid), capabilities=proc_status(actor.pid)["CapEff"],
                  **self.namespaces(actor.pid, "user"))

    def test_unshare_of_pids(self):
        """The process stays where it is: its children are born behind the wall."""
        actor = self.actor()
        before = oracle.namespace(actor.pid, "pid")
        actor.do("unshare(CLONE_NEWPID)")
        child = actor.fork()
        pid = int(subprocess.run(["/usr/bin/pgrep", "-P", str(actor.pid)], capture_output=True,
                                 check=True).stdout)
        inner = oracle.namespace(pid, "pid")
        self.same(self.change(actor.pid, "unshare"), old={"child_pid_ns": before},
                  new={"child_pid_ns": inner})
        self.same(self.process(actor.pid), pid_ns=before)
        self.same(self.process(pid), pid_ns=inner, ns_pid=1)
        self.changes(pid, 0)  # it was born where its parent had said
        child.end()

    def test_clone_into_new_namespaces(self):
        process = self.start(["/usr/bin/python3", "-I", "-S", "-c",
                              "import ctypes, os\nlibc = ctypes.CDLL(None)\n"
                              "pid = libc.syscall(56, 0x20000 | 0x40000000 | 0x20000000 | 17,"
                              " 0, 0, 0, 0)\n"
                              "if pid == 0:\n    libc.pause()\nprint(pid, flush=True)\n"
                              "os.waitpid(pid, 0)"], stdout=subprocess.PIPE)
        child = int(process.stdout.readline())
        kinds = "mnt", "net", "pid"
        self.same(self.change(child, "unshare"), old=self.namespaces(process.pid, *kinds),
                  new=self.namespaces(child, *kinds), exec_id=None)
        self.changes(process.pid, 0)
        self.same(self.process(child), **self.namespaces(child, *kinds))

    def test_setns(self):
        """By a file of /proc, by a pidfd, with and without saying which."""
        inside, outside = self.actor(), self.actor()
        inside.do("unshare(CLONE_NEWNS | CLONE_NEWNET | 0x4000000)")
        before = self.namespaces(outside.pid, "net")
        outside.do(f"enter_namespace('/proc/{inside.pid}/ns/net', 0)")
        self.same(self.change(outside.pid, "setns"), old=before,
                  new=self.namespaces(inside.pid, "net"))
        outside.do(f"enter_namespace('/proc/{inside.pid}/ns/net', CLONE_NEWNET)")  # there already
        outside.do(f"enter_namespace('/proc/{inside.pid}/ns/uts', 0)")
        self.same(self.changes(outside.pid, 2)[1], kind="setns", old=None,
                  new=self.namespaces(inside.pid, "uts"))
        outside.do(f"P = os.pidfd_open({inside.pid}); assert libc.setns(P, CLONE_NEWNS) == 0")
        self.same(self.changes(outside.pid, 3)[2], new=self.namespaces(inside.pid, "mnt"))
        self.same(self.process(outside.pid), **self.namespaces(inside.pid, "mnt", "net"))

    def test_nsenter(self):
        inside = self.actor()
        inside.do("unshare(CLONE_NEWNS | CLONE_NEWNET)")
        process = self.start(["/usr/bin/nsenter", "-t", str(inside.pid), "-m", "-n",
                              Build.helper("hold")], stdout=subprocess.PIPE)
        process.stdout.readline()
        rows = self.changes(process.pid, 2, "setns")
        entered = {name: number for row in rows for name, number in row["new"].items()}
        self.assertEqual(entered, self.namespaces(inside.pid, "mnt", "net"))

    # -- files and mounts --

    def test_chroot(self):
        actor = self.actor()
        os.mkdir(self.path("jail"))
        actor.do(f"os.chdir({self.directory!r}); os.chroot('jail')")
        root = os.readlink(f"/proc/{actor.pid}/root")
        self.assertEqual(root, self.path("jail"))
        self.same(self.change(actor.pid, "chroot"), old=None, new={"root": root}, exec_id=None)

    def mounts(self, pid):
        with open(f"/proc/{pid}/mountinfo") as file:
            return {line.split()[4]: line.partition(" - ")[2].split()[0] for line in file}

    def test_mount(self):
        actor = self.actor()
        place = self.path("place")
        os.mkdir(place)
        actor.do("unshare(CLONE_NEWNS)\n"
                 "assert libc.mount(b'none', b'/', None, 0x44000, None) == 0\n"
                 f"assert libc.mount(b'spy', {place.encode()!r}, b'tmpfs', 6, b'size=4k') == 0")
        self.assertEqual(self.mounts(actor.pid)[place], "tmpfs")
        private, made = self.changes(actor.pid, 2, "mount")
        self.same(private, new={"source": "none", "target": "/", "flags": "rec,private"})
        self.same(made, old=None, new={"source": "spy", "target": place, "type": "tmpfs",
                                       "flags": "nosuid,nodev"})
        actor.do(f"assert libc.umount2({place.encode()!r}, 2) == 0\n"
                 f"assert libc.umount2({place.encode()!r}, 2) == -1\n"
                 f"assert libc.mount(b'x', {place.encode()!r}, b'nosuchfs', 0, None) == -1")
        self.same(self.changes(actor.pid, 3, "mount")[2], old={"target": place}, new=None)

    def test_mount_the_new_way(self):
        """fsopen, fsmount, move_mount; then move_mount of what has a path."""
        actor = self.actor()
        places = [self.path(name) for name in ("one", "other")]
        for place in places:
            os.mkdir(place)
        actor.do("unshare(CLONE_NEWNS)\n"
                 "assert libc.mount(b'none', b'/', None, 0x44000, None) == 0\n"
                 "call = libc.syscall\nF = call(430, b'tmpfs', 0)\n"
                 "assert call(431, F, 1, b'source', b'spy', 0) == 0\n"
                 "assert call(431, F, 6, None, None, 0) == 0\nM = call(432, F, 0, 0)\n"
                 f"assert call(429, M, b'', AT_FDCWD, {places[0].encode()!r}, 4) == 0\n"
                 f"assert call(429, AT_FDCWD, {places[0].encode()!r}, AT_FDCWD, "
                 f"{places[1].encode()!r}, 0) == 0")
        self.assertEqual(self.mounts(actor.pid)[places[1]], "tmpfs")
        made, moved = self.changes(actor.pid, 3, "mount")[1:]
        self.same(made, old=None, new={"source": "spy", "target": places[0], "type": "tmpfs"})
        self.same(moved, old={"target": places[0]}, new={"target": places[1]})

    def test_pivot_root(self):
        actor = self.actor()
        mount, parent = actor.do("open('/proc/self/mountinfo').readline().split()[:2]")
        if mount == parent:
            self.skipTest("the root is the initial one, which stays")
        root = self.path("root")
        os.mkdir(root)
        actor.do("unshare(CLONE_NEWNS)\n"
                 "assert libc.mount(b'none', b'/', None, 0x44000, None) == 0\n"
                 f"assert libc.mount(b'new', {root.encode()!r}, b'tmpfs', 0, None) == 0\n"
                 f"os.chdir({root!r}); os.mkdir('old')\n"
                 "assert libc.syscall(155, b'.', b'old') == 0")
        self.same(self.change(actor.pid, "chroot"), new={"root": ".", "put_old": "old"})

    # -- what runs inside the kernel --

    def test_bpf_program(self):
        actor = self.actor()
        actor.do("import ctypes, struct\n"
                 "code = ctypes.create_string_buffer(struct.pack('<BBhiBBhi', 0xb7, 0, 0, 0, 0x95, 0, "
                 "0, 0))\nlicense = ctypes.create_string_buffer(b'GPL')\n"
                 "def attributes(kind): return ctypes.create_string_buffer(struct.pack("
                 "'IIQQIIQII16s', kind, 2, ctypes.addressof(code), ctypes.addressof(license), 0, 0, "
                 "0, 0, 0, b'spy_test'), 128)\n"
                 "F = libc.syscall(321, 5, attributes(1), 128)\n"
                 "assert F >= 0\nassert libc.syscall(321, 5, attributes(999), 128) == -1\n"
                 "assert libc.syscall(321, 0, struct.pack('IIII', 2, 4, 4, 1), 16) >= 0")
        with open(f"/proc/{actor.pid}/fdinfo/{actor.do('F')}") as file:
            facts = dict(line.split() for line in file)
        self.same(self.change(actor.pid, "bpf"), old=None, exec_id=None,
                  new={"type": "socket_filter", "name": "spy_test", "id": int(facts["prog_id:"])})

    def test_module(self):
        """Where the kernel has modules, one that harms nobody; where it has none, that it says so."""
        if not os.path.exists("/proc/modules"):
            rows = self.store.rows("SELECT * FROM probes WHERE name = 'privilege_module'")
            self.assertIn("module_load", self.one(rows, "probes")["error"])
            return
        files = glob.glob("/vm/modules/dummy.ko") + glob.glob(
            f"/lib/modules/{os.uname().release}/kernel/drivers/net/dummy.ko")
        if not files:
            self.skipTest("no module to load")
        actor = self.actor()
        actor.do("libc.syscall(176, b'dummy', 0o4000)")  # where it was there
        before = len(self.store.wait("SELECT * FROM privileges WHERE kind = 'module'",
                                     until=lambda rows: rows, seconds=1))
        actor.do(f"F = os.open({files[0]!r}, os.O_RDONLY)\nassert libc.syscall(313, F, b'', 0) == 0\n"
                 "assert libc.syscall(313, F, b'', 0) == -1\n"
                 "assert libc.syscall(176, b'dummy', 0o4000) == 0\n"
                 f"code = open({files[0]!r}, 'rb').read()\n"
                 "assert libc.syscall(175, code, len(code), b'') == 0")
        rows = self.changes(actor.pid, before + 3, "module")[before:]
        for row, (old, new) in zip(rows, ((None, {"name": "dummy", "file": files[0]}),
                                          ({"name": "dummy"}, None), (None, {"name": "dummy"}))):
            self.assertEqual(row["old"], old)
            if new:
                new["taints"] = row["new"].get("taints", 0)
                self.assertEqual({"taints": 0, **row["new"]}, new)
