# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces: a real sshd, cron and runc, each in a mount namespace or directory of its own, and what
only looks like them. Who belongs together is what /proc says of parents; who logged in, and from
where, what sshd logs."""
import os
import re
import shutil
import signal
import socket
import subprocess

import oracle
from harness import proc_status, wait_until
import test_containers

SSHD, SSH, KEYGEN, CRON = "/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen", "/usr/sbin/cron"
USER = "games"  # an account of every Debian, here with a shell
ADDRESS = "127.0.0.7"

# What the daemons read and write is the test's own: the machine's is hidden from them.
PRIVATE = """set -e
mount --make-rprivate /
mount -t tmpfs none /run
mount -t tmpfs none /var/log
mkdir /run/sshd
mount --bind {directory}/passwd /etc/passwd
mount --bind {directory}/shadow /etc/shadow
{more}
exec {command}
"""


def parents(pid):
    """A process, its parent, and so on up, by /proc."""
    found = []
    while pid > 0:
        found.append(pid)
        pid = int(oracle.stat(pid)[4])
    return found


def below(pid):
    """All living descendants of a process, by /proc."""
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and pid in parents(int(name))[1:]:
                found.append(int(name))
        except (OSError, IndexError):
            pass
    return sorted(found)


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().rstrip(b"\0").replace(b"\0", b" ").decode()
    except OSError:
        return None


class TraceCase(test_containers.ContainerCase):
    def need(self, *paths):
        for path in paths:
            if not os.path.exists(path):
                self.skipTest(f"no {path} here")

    def service(self, name, script):
        """A shell script as the main process of a unit; its Popen. It writes to self.path(name)."""
        cgroup = self.deep(f"system.slice/{name}.service")
        with open(self.path(name), "w") as log:
            process = subprocess.Popen(["/usr/bin/unshare", "-m", "/bin/sh", "-c", script],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       preexec_fn=cgroup.enter)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def private(self, command, more=""):
        """A script that executes a command where accounts have shells."""
        with open("/etc/passwd") as accounts:
            text = re.sub(rf"^({USER}:.*):.*$", r"\1:/bin/sh", accounts.read(), flags=re.M)
        self.write("passwd", text)
        self.write("shadow", f"root:*:19000::::::\n{USER}:*:19000::::::\n", 0o600)
        return PRIVATE.format(directory=self.directory, command=command, more=more)

    def trace_of(self, pid, until=lambda row: True):
        """The trace of a living or ended process, once that row is in the store."""
        rows = self.store.wait("SELECT t.*, p.id AS process FROM traces AS t, processes AS p "
                               "WHERE p.trace_id = t.id AND p.pid = ?", pid,
                               until=lambda rows: len(rows) == 1 and until(rows[0]))
        return self.one(rows, f"traces of process {pid}")

    def links(self, src, dst):
        """Kind to count of the links from one trace to another."""
        return {row["kind"]: row["count"] for row in self.store.rows(
            "SELECT * FROM trace_links WHERE src_trace_id = ? AND dst_trace_id = ?", src, dst)}

    def check_counts(self):
        """What a trace says of itself is what the other tables say of its processes."""
        for trace in self.store.dump("traces"):
            said = self.one(self.store.rows(
                "SELECT count(*) AS n, sum(ended_at IS NULL) AS living, max(ended_at) AS ended_at, "
                "(SELECT count(*) FROM connections AS c JOIN processes AS q ON q.id = c.process_id "
                "WHERE q.trace_id = ?1) AS connections FROM processes WHERE trace_id = ?1",
                trace["id"]), "counts")
            self.same(trace, process_count=said["n"], connection_count=said["connections"],
                      ended_at=None if said["living"] else said["ended_at"])


class Ssh(TraceCase):
    """A real OpenSSH server on loopback, with keys of the test's."""

    def setUp(self):
        super().setUp()
        self.need(SSHD, SSH, KEYGEN, "/etc/pam.d/sshd")
        for name in ("host", "key"):
            subprocess.run([KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", self.path(name)],
                           check=True)
        os.chmod(self.path("key.pub"), 0o644)

    def sshd(self, pam=False):
        """Starts it; its pid."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = self.write("sshd_config", f"""
            ListenAddress 127.0.0.1:{self.port}
            HostKey {self.path("host")}
            AuthorizedKeysFile {self.path("key.pub")}
            StrictModes no
            PermitRootLogin yes
            UsePAM {"yes" if pam else "no"}
            Subsystem sftp internal-sftp
            PidFile none
            """)
        process = self.service("ssh", self.private(f"{SSHD} -D -e -f {config}"))
        self.assertTrue(wait_until(lambda: any(
            found.local_port == str(self.port) for found in oracle.sockets(listening=True))),
            self.log())
        return process.pid

    def log(self):
        with open(self.path("ssh")) as log:
            return log.read()

    def client(self, user, *words):
        """A client in the recorded cgroup; its Popen."""
        with open(self.path("client"), "w") as log:
            process = subprocess.Popen(
                [SSH, "-F", "none", "-T", "-b", ADDRESS, "-p", str(self.port), "-i",
                 self.path("key"), "-o", "StrictHostKeyChecking=no", "-o",
                 "UserKnownHostsFile=/dev/null", f"{user}@127.0.0.1", *words],
                stdin=subprocess.PIPE, stdout=log, stderr=log, preexec_fn=self.cgroup.enter)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def login(self, sshd, user, command_line):
        """Logs in and runs a command: (client, pid of the command, pid of sshd's child)."""
        client = self.client(user, command_line)
        found = wait_until(lambda: [pid for pid in below(sshd)
                                    if command(pid) == command_line.rpartition("exec ")[2].rstrip("'")])
        if not found:
            with open(self.path("client")) as log:
                self.fail(self.log() + log.read())
        line = parents(found[0])
        self.assertRegex(self.log(), rf"Accepted publickey for {user} from {ADDRESS} port")
        return client, found[0], line[line.index(sshd) - 1]

    def check_login(self, sshd, user, command_line):
        client, pid, child = self.login(sshd, user, command_line)
        title = f"ssh login of {user} from {ADDRESS}"
        trace = self.trace_of(pid, lambda row: row["user"])
        self.same(trace, kind="login", title=title, user=user, remote_address=ADDRESS,
                  ended_at=None, root_process_id=self.process(child)["id"],
                  started_at=self.process(child)["started_at"])
        for member in [child, *below(child)]:
            self.same(self.process(member, lambda row: row["trace_id"]), trace_id=trace["id"])
        return client, trace, pid

    def test_logins_and_who_only_knocks(self):
        self.record()
        sshd = self.sshd()
        service = self.trace_of(sshd)
        self.same(service, kind="service", title="service ssh.service", remote_address=None)
        first, login, pid = self.check_login(sshd, USER, "exec /bin/sleep 1000")
        second, other, second_pid = self.check_login(sshd, "root", "exec /bin/sleep 1001")
        self.assertNotEqual(login["id"], other["id"])
        self.same(self.trace_of(sshd), id=service["id"])
        # what is left behind without a terminal goes on
        first.kill()
        self.assertIsNone(self.trace_of(pid)["ended_at"])
        # how they came about: the client's connection, the server's fork
        for client, trace, pid in ((first, login, pid), (second, other, second_pid)):
            own = self.trace_of(client.pid)
            self.same(own, kind="other", title="ssh")
            self.assertEqual(self.links(service["id"], trace["id"]).get("fork"), 1)
            self.assertEqual(self.links(own["id"], service["id"]).get("connect"), 1)
            os.kill(pid, signal.SIGKILL)
        ended = self.store.wait("SELECT * FROM traces WHERE kind = 'login' AND ended_at > 0",
                                until=lambda rows: len(rows) == 2)
        self.assertEqual(len(ended), 2)
        self.assertIsNone(self.trace_of(sshd)["ended_at"])
        # without a key nobody has logged in
        stranger = socket.create_connection(("127.0.0.1", self.port), source_address=(ADDRESS, 0))
        rows = self.store.wait("SELECT * FROM traces WHERE kind = 'login' AND user IS NULL")
        self.same(self.one(rows, "connections"), title=f"ssh connection from {ADDRESS}")
        stranger.close()
        self.store.wait("SELECT * FROM traces WHERE kind = 'login' AND ended_at IS NULL",
                        until=lambda rows: not rows)
        self.check_counts()

    def test_su_stays_inside(self):
        """With PAM, which gives sshd's and su's children sessions of the kernel's audit."""
        self.record()
        sshd = self.sshd(pam=True)
        _, pid, child = self.login(sshd, "root", f"/bin/su {USER} -s /bin/sh -c 'exec /bin/sleep 9'")
        trace = self.trace_of(pid, lambda row: row["user"])
        self.same(self.process(pid, lambda row: row["trace_id"]), user=USER,
                  login_uid=oracle.number(pid, "loginuid"),
                  audit_session=oracle.number(pid, "sessionid"))
        self.same(trace, kind="login", title=f"ssh login of root from {ADDRESS}",
                  root_process_id=self.process(child)["id"])
        for member in [child, *below(child)]:
            self.same(self.process(member), trace_id=trace["id"])

    def test_sftp_without_a_program(self):
        self.record()
        sshd = self.sshd()
        self.client(USER, "-s", "sftp")
        rows = self.store.wait("SELECT * FROM traces WHERE kind = 'login' AND user IS NOT NULL")
        self.same(self.one(rows, self.log()), title=f"ssh login of {USER} from {ADDRESS}")

    def test_a_session_that_was_there(self):
        sshd = self.sshd()
        _, pid, child = self.login(sshd, USER, "exec /bin/sleep 1000")
        recorder = self.record()
        trace = self.trace_of(pid)
        self.same(trace, kind="login", title=f"ssh login of {USER} from {ADDRESS}", user=USER,
                  remote_address=ADDRESS, root_process_id=self.process(child)["id"])
        self.same(self.trace_of(sshd), kind="service", title="service ssh.service")
        # and after a restart it is the same one
        recorder.stop()
        self.record()
        self.same(self.trace_of(pid), **{name: trace[name] for name in (
            "id", "title", "user", "remote_address", "process_count", "started_at", "ended_at")})
        _, later, _ = self.check_login(sshd, USER, "exec /bin/sleep 1001")
        self.assertNotEqual(later["id"], trace["id"])
        self.check_counts()


class Console(TraceCase):
    """A real login(1) on a pseudo-terminal, which script(1) makes."""

    def test_login_and_su(self):
        self.need("/usr/bin/script", "/etc/pam.d/login")
        self.record()
        process = self.service("getty", self.private(
            f"/usr/bin/script -qec 'login -f {USER}' /dev/null </dev/zero"))
        found = wait_until(lambda: [pid for pid in below(process.pid) if command(pid) == "-sh"])
        self.assertTrue(found, [command(pid) for pid in below(process.pid)])
        terminal = os.readlink(f"/proc/{found[0]}/fd/0").removeprefix("/dev/")
        trace = self.trace_of(found[0], lambda row: row["user"])
        self.same(trace, kind="login", title=f"console login of {USER} on {terminal}", user=USER,
                  remote_address=None, ended_at=None)
        root = parents(found[0])[1]
        self.assertRegex(command(root), "^login -f")  # it hides whom
        self.same(trace, root_process_id=self.process(root)["id"])
        service = self.trace_of(process.pid)
        self.same(service, kind="service", title="service getty.service")
        self.assertEqual(self.links(service["id"], trace["id"]).get("fork"), 1)
        # the same shell by way of su is no login
        twin = self.service("batch", self.private(f"/bin/su {USER} -c '/bin/sleep 1008; :'"))
        found = wait_until(lambda: [pid for pid in below(twin.pid)
                                    if command(pid) == "/bin/sleep 1008"])
        self.same(self.trace_of(found[0]), kind="service", title="service batch.service")


class Cron(TraceCase):
    """A real cron, whose tables and spool are the test's."""

    def cron(self, table):
        self.need(CRON, "/etc/pam.d/cron")
        self.write("crontab", table)
        more = f"""
            mount -t tmpfs none /etc/cron.d
            mount -t tmpfs none /var/spool/cron
            mkdir /var/spool/cron/crontabs
            mount --bind {self.path("crontab")} /etc/crontab
            """
        return self.service("cron", self.private(f"{CRON} -f", more)).pid

    def job(self, cron, line):
        found = wait_until(lambda: [pid for pid in below(cron) if command(pid) == line], 20)
        self.assertTrue(found, f"no {line} below {below(cron)}")
        above = parents(found[0])
        return found[0], above[above.index(cron) - 1]

    def test_jobs(self):
        self.record()
        cron = self.cron(f"@reboot root exec /bin/sleep 1004\n@reboot {USER} /bin/sleep 1005; :\n")
        service = self.trace_of(cron, lambda row: "cron" in row["title"])
        self.same(service, kind="service", title="service cron.service")
        jobs = []
        for user, line, what in (("root", "/bin/sleep 1004", "exec /bin/sleep 1004"),
                                 (USER, "/bin/sleep 1005", "/bin/sleep 1005; :")):
            pid, child = self.job(cron, line)
            trace = self.trace_of(pid, lambda row: row["user"])
            self.same(trace, kind="cron", title=f"cron job of {user}: {what}", user=user,
                      root_process_id=self.process(child)["id"], ended_at=None)
            for member in [child, *below(child)]:
                self.same(self.process(member, lambda row: row["trace_id"]), trace_id=trace["id"])
            self.assertEqual(self.links(service["id"], trace["id"]), {"fork": 1})
            jobs.append(trace["id"])
        self.assertEqual(len(set(jobs)), 2)
        self.same(self.trace_of(cron), id=service["id"])
        self.check_counts()

    def test_what_is_only_called_cron(self):
        """A program of that name that anybody may put there: its children stay with it."""
        self.record()
        shutil.copy("/bin/dash", self.path("cron"))
        script = f"exec {self.path('cron')} -c '/bin/sleep 1006 & wait'"
        process = self.service("mine", script)
        pid, _ = self.job(process.pid, "/bin/sleep 1006")
        self.same(self.trace_of(pid), id=self.trace_of(process.pid)["id"], kind="service",
                  title="service mine.service")


class Units(TraceCase):
    def test_services_and_moves(self):
        self.record()
        main = self.actor_in(self.deep("system.slice/nginx.service"))
        worker = main.fork()
        trace = self.trace_of(main.pid)
        self.same(trace, kind="service", title="service nginx.service")
        self.same(self.trace_of(worker.pid), id=trace["id"])
        other = self.deep("system.slice/other.service")
        late, below_it = main.fork(), None
        below_it = late.fork()
        self.same(self.trace_of(below_it.pid), id=trace["id"])
        other.add(late.pid)
        moved = self.trace_of(late.pid, lambda row: row["id"] != trace["id"])
        self.same(moved, kind="service", title="service other.service", process_count=2)
        self.same(self.trace_of(below_it.pid), id=moved["id"])
        self.assertEqual(self.links(trace["id"], moved["id"]), {"fork": 1})
        # deeper in the same unit is no other one
        worker.do("import os")
        inside = self.deep("system.slice/nginx.service/inside")
        inside.add(worker.pid)
        self.process(worker.pid, lambda row: row["cgroup"].endswith("/inside"))
        self.same(self.trace_of(worker.pid), id=trace["id"])
        self.check_counts()

    def test_a_session_scope(self):
        self.record()
        actor = self.actor_in(self.cgroup)
        child, twin = actor.fork(), actor.fork()
        self.deep("user.slice/session-9.scope").add(child.pid)
        grandchild = child.fork()
        trace = self.trace_of(grandchild.pid, lambda row: row["kind"] == "login")
        self.same(trace, title="login")
        self.same(self.trace_of(child.pid), id=trace["id"])
        self.same(self.trace_of(twin.pid), id=self.trace_of(actor.pid)["id"], kind="other")

    def test_the_init_of_a_namespace_has_no_services(self):
        self.record()
        unshare = self.actor_in(self.cgroup)
        inner = unshare.call("spawn", "/usr/bin/unshare", [
            "unshare", "--pid", "--fork", "/bin/sh", "-c", "/bin/sleep 1007 & wait"])
        found = wait_until(lambda: [pid for pid in below(inner)
                                    if command(pid) == "/bin/sleep 1007"])
        init = parents(found[0])[1]
        self.assertEqual(proc_status(init)["NSpid"].split()[-1], "1")
        self.same(self.trace_of(found[0]), id=self.trace_of(unshare.pid)["id"], kind="other")


class Boxes(TraceCase, test_containers.Runc):
    """runc's containers, which somebody enters."""
    test_run_exec_nsenter_kill = None  # is there already

    def test_a_container_is_a_trace(self):
        self.record("/")
        actor = self.outsider()
        self.runc(actor, "run", "-d", "--bundle", self.bundle, self.name)
        init = self.state()["pid"]
        own = self.trace_of(actor.pid)
        trace = self.trace_of(init, lambda row: "busybox" in row["title"])
        self.same(trace, kind="container", title="container box (busybox:1)", ended_at=None,
                  root_process_id=self.process(init)["id"])
        self.assertGreaterEqual(self.links(own["id"], trace["id"]).get("runtime", 0), 1)
        # a session's shell enters and stays a session's
        self.deep("user.slice/session-9.scope").add(actor.pid)
        self.trace_of(actor.pid, lambda row: row["kind"] == "login")
        self.runc(actor, "exec", "-d", self.name, "sleep", "2000")
        row = self.one(self.store.wait("SELECT * FROM processes WHERE cmdline = 'sleep 2000'"),
                       "what was executed")
        self.same(row, container_id=self.name, trace_id=self.trace_of(actor.pid)["id"])
        subprocess.run(["/usr/sbin/runc", "kill", self.name, "KILL"], check=True)
        self.trace_of(init, lambda row: row["ended_at"])
        self.check_counts()
