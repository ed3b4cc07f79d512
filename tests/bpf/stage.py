# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage of the scenarios: a host that is a set of namespaces, and the world around it.

One recorder sees all that happens on the stage, in a cgroup of its own; the stage is set by the
first test and stays for all of them. The host `web1` has a mount, a UTS and a network namespace: its
own accounts, resolver, crontabs and empty /srv, /home, /opt, /var/tmp and the like, so that nothing
of the machine shows and nothing is written to it. `db1` is another network on the same wire. `World`
is what is outside: its sockets are the test's own and not recorded.
"""
import ctypes
import http.server
import json
import os
import pwd
import re
import select
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

import test_dns
from edges import EdgeCase
from harness import Build, Case, Cgroup, Recorder, SLOW, show, wait_until

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET = 0x20000, 0x4000000, 0x40000000
WEB, DB, GATEWAY = "192.0.2.10", "192.0.2.20", "192.0.2.1"
CDN, RESOLVER, ATTACKER, OFFICE = "198.51.100.80", "198.51.100.53", "203.0.113.66", "198.51.100.7"
NAMES = {"cdn.example.net": CDN, "updates.example.org": "198.51.100.81"}
SSHD, SSH, KEYGEN, CRON = "/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen", "/usr/sbin/cron"
CURL = "/usr/bin/curl"
USERS = {"ana": 1001, "ben": 1002, "ops": 1003, "deploy": 1004}
FRESH = ("/run", "/var/log", "/var/tmp", "/dev/shm", "/srv", "/home", "/opt", "/etc/cron.d",
         "/var/spool/cron")

SET = """set -e
mount --make-rprivate /
for at in {fresh}; do [ ! -d $at ] || mount -t tmpfs -o mode=755 none $at; done
chmod 1777 /var/tmp /dev/shm
mkdir -p /run/sshd /var/spool/cron/crontabs
for file in passwd shadow resolv.conf hosts nsswitch.conf crontab profile; do
    mount --bind {directory}/etc/$file /etc/$file
done
for user in {users}; do mkdir /home/$user; chown $user /home/$user; done
hostname web1
ip link set lo up
echo set
exec sleep infinity
"""

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

libc = ctypes.CDLL(None, use_errno=True)


def enter(pid, kinds):
    """Moves the calling thread into namespaces of a process."""
    for name, kind in (("uts", CLONE_NEWUTS), ("net", CLONE_NEWNET), ("mnt", CLONE_NEWNS)):
        if not kinds & kind:
            continue
        fd = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        if libc.setns(fd, kind):
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)


def pwd_of(user):
    return USERS.get(user) or pwd.getpwnam(user).pw_uid


def ip(pid, words):
    subprocess.run(["/usr/bin/nsenter", f"--net=/proc/{pid}/ns/net", "/usr/sbin/ip",
                    *words.split()], check=True)


class World:
    """The Internet: a resolver, a web server, and sockets that a test opens there."""

    def __init__(self):
        self.pages = {}  # what the web server has, by path
        self.asked = []  # the paths that were asked for
        self.holder = subprocess.Popen(["/usr/bin/unshare", "--net", "/bin/sh", "-c",
                                        "ip link set lo up; echo set; exec sleep infinity"],
                                       stdout=subprocess.PIPE)
        self.holder.stdout.readline()

    def begin(self):
        """Starts the servers, once the addresses are there."""
        resolver = self.socket(socket.SOCK_DGRAM, (RESOLVER, 53))
        names = {}
        exec(test_dns.SERVER, names)
        threading.Thread(target=self._resolve, args=(resolver, names), daemon=True).start()
        for address in sorted(set(NAMES.values())):
            self._serve(address)

    def in_it(self, function):
        """What function() returns when called in the world's network."""
        result = []

        def work():
            enter(self.holder.pid, CLONE_NEWNET)
            result.append(function())
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return result[0]

    def socket(self, kind, bound):
        def make():
            sock = socket.socket(socket.AF_INET, kind)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(bound)
            return sock
        return self.in_it(make)

    def listen(self, port, address=ATTACKER):
        """A socket that waits for the victim to come."""
        sock = self.socket(socket.SOCK_STREAM, (address, port))
        sock.listen(8)
        sock.settimeout(15 * SLOW)
        return sock

    def connect(self, port, address=WEB, source=ATTACKER):
        sock = self.socket(socket.SOCK_STREAM, (source, 0))
        sock.settimeout(15 * SLOW)
        sock.connect((address, port))
        return sock

    def get(self, path, port=8000, source=ATTACKER):
        """A request to the server on web1; what came back."""
        with self.connect(port, source=source) as sock:
            sock.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = b""
            while piece := sock.recv(65536):
                answer += piece
        return answer.partition(b"\r\n\r\n")[2]

    def _resolve(self, sock, names):
        while True:
            query, client = sock.recvfrom(4096)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += query[at] + 1
            address = NAMES.get(".".join(labels))
            sock.sendto(names["reply"](query, *([address] if address else []),
                                       rcode=0 if address else 3), client)

    def _serve(self, address):
        world = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page = world.pages.get(self.path)
                self.send_response(404 if page is None else 200)
                self.end_headers()
                self.wfile.write(page or b"")
                world.asked.append(self.path)

            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer((address, 80), Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = self.socket(socket.SOCK_STREAM, (address, 80))
        server.server_activate()
        threading.Thread(target=server.serve_forever, daemon=True).start()


class Stage:
    """The host, the world, and the recorder."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="spyq-stage-")
        os.chmod(self.directory, 0o755)
        self.cgroup = Cgroup.top()
        self.units, self.started, self.key, self.scenes = {}, [], None, []
        self._write_etc()
        script = SET.format(fresh=" ".join(FRESH), directory=self.directory, users=" ".join(USERS))
        self.holder = self._hold(["--mount", "--net", "--uts", "/bin/sh", "-c", script])
        self.other = self._hold(["--net", "/bin/sh", "-c",
                                 "ip link set lo up; echo set; exec sleep infinity"])
        self.world = World()
        self._wire()
        self.world.begin()
        spyqd = shutil.copy(Build.program("spyqd"), self.directory)
        self.recorder = Recorder(os.path.join(self.directory, "spyq.db"), self.cgroup.path,
                                 program=spyqd, prefix=["/usr/bin/nsenter", "-t",
                                                        str(self.holder.pid), "-m", "-u"])
        self.recorder.wait_ready()
        self.store = self.recorder.store

    def _hold(self, words):
        holder = subprocess.Popen(["/usr/bin/unshare", *words], stdout=subprocess.PIPE)
        if holder.stdout.readline() != b"set\n":
            raise AssertionError("the stage can not be set")
        return holder

    def _write_etc(self):
        os.mkdir(os.path.join(self.directory, "etc"))
        with open("/etc/passwd") as accounts:
            passwd = re.sub(r"^((?:games|www-data):.*):.*$", r"\1:/bin/sh", accounts.read(),
                            flags=re.M)
        shadow = "".join(f"{line.split(':')[0]}:*:19000::::::\n" for line in passwd.splitlines())
        for name, uid in USERS.items():
            passwd += f"{name}:x:{uid}:100::/home/{name}:/bin/bash\n"
            shadow += f"{name}:*:19000::::::\n"
        for name, text in (("passwd", passwd), ("shadow", shadow), ("crontab", ""), ("profile", ""),
                           ("resolv.conf", f"nameserver {RESOLVER}\n"),
                           ("hosts", f"127.0.0.1 localhost\n{WEB} web1\n{DB} db1\n"),
                           ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")):
            path = os.path.join(self.directory, "etc", name)
            with open(path, "w") as file:
                file.write(text)
            os.chmod(path, 0o640 if name == "shadow" else 0o644)

    def _wire(self):
        """A bridge in the world, and a cable from it to each host."""
        outside = self.world.holder.pid
        ip(outside, "link add wire type bridge")
        ip(outside, "link set wire up")
        for address in (GATEWAY + "/24", CDN + "/32", RESOLVER + "/32", ATTACKER + "/32",
                        OFFICE + "/32", NAMES["updates.example.org"] + "/32"):
            ip(outside, f"addr add {address} dev wire")
        for name, pid, address in (("web", self.holder.pid, WEB), ("db", self.other.pid, DB)):
            ip(outside, f"link add {name} type veth peer name eth0 netns {pid}")
            ip(outside, f"link set {name} master wire up")
            ip(pid, f"addr add {address}/24 dev eth0")
            ip(pid, "link set eth0 up")
            ip(pid, f"route add default via {GATEWAY}")

    def path(self, path):
        """Where a file of the host is for us."""
        return f"/proc/{self.holder.pid}/root{path}"

    def unit(self, name):
        """The cgroup of a unit, as systemd names it."""
        if not name:
            return self.cgroup
        if name not in self.units:
            parent, _, last = name.rpartition("/")
            self.units[name] = self.unit(parent).child(last)
        return self.units[name]

    def start(self, argv, unit, user=None, host=None, **how):
        """Starts a program on a host, as the main process of a unit; its Popen."""
        procs = os.path.join(self.unit(unit).path, "cgroup.procs")
        account = pwd_of(user) if user else None

        def prepare():
            fd = os.open(procs, os.O_WRONLY)
            enter((host or self.holder).pid, CLONE_NEWNET)
            enter(self.holder.pid, CLONE_NEWUTS | CLONE_NEWNS)
            os.chdir("/")
            if account:
                os.setgroups([])
                os.setresgid(100, 100, 100)
                os.setresuid(account, account, account)
            os.write(fd, b"0")
            os.close(fd)
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
               "stderr": subprocess.DEVNULL, "env": ENVIRONMENT, **how}
        process = subprocess.Popen(argv, preexec_fn=prepare, **how)
        self.started.append(process)
        return process

    def write(self, path, content, mode=0o644, user=None):
        """A file of the host that was always there."""
        at = self.path(path)
        os.makedirs(os.path.dirname(at), exist_ok=True)
        with open(at, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(at, mode)
        if user:
            os.chown(at, pwd_of(user), 100)
        return path

    def listens(self, port, host=None):
        """Waits until something listens on a port of a host."""
        table = f"/proc/{(host or self.holder).pid}/net/tcp"

        def there():
            with open(table) as file:
                return any(f":{port:04X} 00000000:0000 0A" in line for line in file)
        if not wait_until(there):
            raise AssertionError(f"nothing listens on port {port}")

    def sshd(self, host=None, address=WEB, unit="system.slice/ssh.service"):
        """Starts an sshd where all keys are `self.key`."""
        name = f"/run/ssh-{address}"
        if os.path.exists(self.path(name)):
            return
        if not self.key:
            self.key = os.path.join(self.directory, "key")
            for path in (self.key, self.path("/run/host_key")):
                subprocess.run([KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
            self.write("/run/key", open(self.key).read(), 0o600, "ana")
            self.write("/run/key.pub", open(self.key + ".pub").read())
        self.write(name, f"ListenAddress {address}:22\nHostKey /run/host_key\nUsePAM no\n"
                         "AuthorizedKeysFile /run/key.pub\nStrictModes no\nPidFile none\n")
        self.start([SSHD, "-D", "-f", name], unit, host=host)
        self.listens(22, host)

    def _keep(self, directory):
        """The store, and when each scenario began: for tests/shell/cookbook."""
        os.makedirs(directory, exist_ok=True)
        with sqlite3.connect(os.path.join(self.directory, "spyq.db")) as store:
            path = os.path.join(directory, "spyq.db")
            if os.path.exists(path):
                os.unlink(path)
            store.execute("VACUUM INTO ?", (path,))
        with open(os.path.join(directory, "scenes.json"), "w") as file:
            json.dump(self.scenes, file)

    def stop(self):
        self.recorder.kill()
        if "SPYQ_TEST_KEEP" in os.environ:
            self._keep(os.environ["SPYQ_TEST_KEEP"])
        self.cgroup.remove()
        for process in self.started:
            process.wait()
        for holder in (self.holder, self.other, self.world.holder):
            holder.kill()
            holder.wait()
            holder.stdout.close()
        shutil.rmtree(self.directory, True)


class Session:
    """Somebody's login by ssh, and the shell that it gave."""

    def __init__(self, case, user, source, address=WEB):
        self.case, self.user, self.source = case, user, source
        stage = case.stage
        stage.sshd()
        command = [SSH, "-F", "none", "-T", "-b", source, "-i", stage.key, "-o", "LogLevel=ERROR",
                   "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                   f"{user}@{address}"]
        outside = stage.world.holder.pid
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        preexec_fn=lambda: enter(outside, CLONE_NEWNET))
        case.addCleanup(self.end)
        self.count = 0
        self.pid = int(self.run("echo $$"))

    def run(self, line, seconds=20):
        """Types a line and waits until it is done; what it printed."""
        self.count += 1
        mark = f"done-{self.count}".encode()
        self.process.stdin.write(f"{line}\necho done-{self.count}\n".encode())
        self.process.stdin.flush()
        said = b""
        deadline = time.monotonic() + seconds * SLOW
        while mark not in said:
            if not select.select([self.process.stdout], [], [], deadline - time.monotonic())[0]:
                raise AssertionError(f"{line!r} takes too long; so far: {said!r}")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise AssertionError(f"the session ended in {line!r}: {said!r}")
            said += piece
        return said.replace(mark + b"\n", b"").decode()

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(5 * SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class StageCase(EdgeCase):
    """A scenario. Each finds its processes by what they ran since it began."""
    stage = None

    @staticmethod
    def stop_stage():
        """Called by the runner at the very end."""
        if StageCase.stage:
            StageCase.stage.stop()

    def setUp(self):
        Case.setUp(self)
        for path in (SSHD, SSH, KEYGEN, CRON, CURL):
            if not os.path.exists(path):
                self.skipTest(f"no {path} here")
        if StageCase.stage is None:
            StageCase.stage = Stage()
        self.recorder, self.store = self.stage.recorder, self.stage.store
        self.world, self.cgroup = self.stage.world, self.stage.unit("fence")
        self.began = time.time_ns()
        self.stage.scenes.append([self._testMethodName, self.began])
        self.losses_before = len(self.store.rows("SELECT id FROM losses"))

    def login(self, user, source=OFFICE):
        return Session(self, user, source)

    def service(self, name, argv, **how):
        """Starts a service; its Popen."""
        process = self.stage.start(argv, f"system.slice/{name}.service", **how)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def cron(self, *jobs):
        """Starts a cron whose jobs run at once; its Popen."""
        with open(os.path.join(self.stage.directory, "etc", "crontab"), "w") as table:
            table.write("".join(f"@reboot {job}\n" for job in jobs))
        if os.path.exists(self.stage.path("/run/crond.reboot")):
            os.unlink(self.stage.path("/run/crond.reboot"))
        return self.service("cron", [CRON, "-f"])

    # -- asking --

    def spyq(self, *words):
        """What spyq says."""
        answer = subprocess.run([Build.program("spyq"), "--store", self.store.path, *words],
                                capture_output=True)
        said = answer.stderr.decode("utf-8", "replace")
        self.assertEqual(answer.returncode, 0, f"spyq {words}: {said}")
        return answer.stdout.decode("utf-8", "surrogateescape")

    def ask(self, sql, *values):
        """Rows of a query that may use spyq's functions."""
        for value in values:
            sql = sql.replace("?", str(value), 1)
        return [json.loads(line) for line in self.spyq("--jsonl", "--raw-times", sql).splitlines()]

    def ran(self, cmdline, until=lambda row: True):
        """The one process of this test whose command line is like this, once it is there."""
        rows = self.store.wait(
            "SELECT * FROM processes WHERE cmdline LIKE ? AND started_at >= ? ORDER BY id", cmdline,
            self.began, until=lambda rows: len(rows) == 1 and until(rows[0]))
        return self.one(rows, f"processes that ran {cmdline}")

    def reached(self, function, process, *arguments):
        """What a search from a process gives, by process id."""
        more = "".join(f", {argument}" for argument in arguments)
        rows = self.ask(f"SELECT g.*, p.cmdline, p.comm, p.pid FROM {function}({process['id']}"
                        f"{more}) AS g JOIN processes AS p ON p.id = g.process_id")
        return {row["process_id"]: row for row in rows}

    def check_chain(self, rows, *chain):
        """Each of the chain was reached from the one before it, by an edge of the kind between."""
        for source, kind, process in zip(chain[::2], chain[1::2], chain[2::2]):
            row = rows.get(process["id"])
            self.assertIsNotNone(row, f"{process['cmdline']} was not reached:\n"
                                 f"{show([*rows.values()])}")
            self.same(row, kind=kind, from_id=source["id"])

    def check_not(self, rows, *others):
        for other in others:
            self.assertNotIn(other["id"], rows, f"{other['cmdline']} was reached:\n"
                             f"{show([*rows.values()])}")

    def story(self, verb, target, *words):
        """What a verb tells: rows, each of whose proofs is a row of the store."""
        self.fence()
        told = json.loads(self.spyq("--json", verb, str(target), *words))
        for row in told:
            for proof in row["proofs"]:
                table, _, number = proof.partition(":")
                self.one(self.store.rows(f"SELECT id FROM {table} WHERE id = ?", number),
                         f"the proof {proof} of {row['sentence']!r}")
        return told

    def check_story(self, told, *wanted, lacks=()):
        """For each list of words there is a sentence that has them all, and these come in order;
        none has anything of `lacks`, which are words, or processes."""
        at, text = 0, "\n".join(row["sentence"] for row in told)
        for words in wanted:
            found = [i for i, row in enumerate(told)
                     if i >= at and all(str(word) in row["sentence"] for word in words)]
            self.assertTrue(found, f"no sentence has {words} from {at} on in\n{text}")
            at = found[0]
        for word in lacks:
            word = word if isinstance(word, str) else f"(pid {word['pid']}"
            self.assertNotIn(word, text)
