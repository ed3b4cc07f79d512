# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways through servers, other hosts, containers and other processes: each with its benign twin, and
with others who used the same servers before and after."""
import json
import os
import shutil
import subprocess

from stage import ATTACKER, DB, OFFICE, StageCase

RUNC = "/usr/sbin/runc"

# As databases do: one process serves all connections, and writes what it is told.
STORE = """#!/usr/bin/python3 -IS
import os, socket, threading
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', 6379))
listener.listen()
def serve(client):
    for line in client.makefile():
        words = line.rstrip().split(' ', 2)
        if words[0] == 'SAVE':
            with open(words[1], 'w') as file:
                file.write(words[2].replace('|', chr(10)))
            os.chmod(words[1], 0o755)
        client.sendall(b'+OK' + bytes([10]))
    client.close()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],)).start()
"""

# Says a line to the server and waits for its answer.
SAY = """#!/usr/bin/python3 -IS
import socket, sys
server = socket.create_connection(('127.0.0.1', 6379))
server.sendall(' '.join(sys.argv[1:]).encode() + bytes([10]))
server.recv(100)
"""

# Waits, and may be told to connect by whoever writes its memory.
DAEMON = """#!/usr/bin/python3 -IS
import ctypes, os, socket, time
wanted = ctypes.create_string_buffer(b'nothing', 64)
print(ctypes.addressof(wanted), flush=True)
while wanted.value == b'nothing':
    time.sleep(0.02)
outside = socket.create_connection(('203.0.113.66', int(wanted.value)))
outside.recv(1)
"""

INJECT = """#!/usr/bin/python3 -IS
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 2 + [ctypes.c_void_p] * 2
pid, address, text = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode().ljust(8, bytes(1))
assert libc.ptrace(16, pid, 0, 0) == 0
os.waitpid(pid, 0)
assert libc.ptrace(5, pid, address, int.from_bytes(text, 'little')) == 0
assert libc.ptrace(17, pid, 0, 0) == 0
"""


class Servers(StageCase):
    def test_lateral_movement(self):
        """By ssh to another host, whose sshd serves others as well."""
        self.stage.sshd(self.stage.other, DB, "db1/system.slice/ssh.service")
        for user in ("ana", "ops"):
            shutil.copy(self.stage.key, self.stage.path(f"/home/{user}/key"))
            os.chown(self.stage.path(f"/home/{user}/key"), {"ana": 1001, "ops": 1003}[user], 100)
            os.chmod(self.stage.path(f"/home/{user}/key"), 0o600)
        ops, ana = self.login("ops"), self.login("ana", ATTACKER)
        ssh = ("ssh -i key -o LogLevel=ERROR -o StrictHostKeyChecking=no -o "
               "UserKnownHostsFile=/dev/null {user}@db1 {command} </dev/null")
        ops.run(ssh.format(user="ops", command="/usr/bin/uptime -s"))
        ops.run(ssh.format(user="ops", command="/bin/sleep 1010") + " >/dev/null 2>&1 &")
        self.ran("/bin/sleep 1010")
        ana.run(ssh.format(user="deploy", command="/usr/bin/id -G"))
        ops.run(ssh.format(user="ops", command="/usr/bin/uptime -p"))
        late = self.ran("/usr/bin/id -G", lambda row: row["ended_at"])
        client = self.ran("ssh -i key %deploy@db1%")
        edge = self.one(self.store.rows("SELECT * FROM edges WHERE src = ? AND kind = 'connect'",
                                        client["id"]), "what the client reached")
        back = self.reached("backward", late)
        self.assertIn(client["id"], back)
        self.assertIn(self.process(ana.pid)["id"], back)
        trace = self.one(self.store.rows("SELECT * FROM traces WHERE id = ?", late["trace_id"]),
                         "the session on db1")
        self.same(trace, kind="login", user="deploy")
        self.assertIn(edge["dst"], back)
        later = self.ran("ssh -i key %uptime -p")
        earlier = self.ran("ssh -i key %uptime -s")
        still = self.ran("ssh -i key %sleep 1010")
        self.check_not(back, later)
        self.check_not(self.reached("forward", later), late)
        self.check_story(
            self.story("why", late["id"]),
            ["ssh login of deploy from"], ["ssh login of ana from", ATTACKER],
            ["sshd", "took a connection from", ATTACKER],
            ["bash", "ana", "ran", "ssh -i key", client["pid"]],
            ["ssh", client["pid"], "connected to sshd", f"{DB} port 22"],
            ["sshd", "deploy"],
            ["/usr/bin/id -G"],
            lacks=[earlier, still, later, self.process(ops.pid)])
        for other in (earlier, still, later):
            self.check_story(self.story("impact", other["id"]), ["connected to sshd"],
                             lacks=[late, client])
        ops.run("kill %1")

    def test_confused_deputy(self):
        self.stage.write("/srv/store/server.py", STORE, 0o755)
        self.stage.write("/srv/store/say", SAY, 0o755)
        os.makedirs(self.stage.path("/srv/run"), exist_ok=True)
        os.chmod(self.stage.path("/srv/run"), 0o777)
        server = self.service("store", ["/srv/store/server.py"], user="deploy")
        self.stage.listens(6379)
        ops, ana = self.login("ops"), self.login("ana", ATTACKER)
        ops.run("/srv/store/say GET before")
        ana.run("/srv/store/say 'SAVE /srv/run/job #!/bin/sh|/usr/bin/id -Gn'")
        ops.run("/srv/store/say GET after")
        self.cron("games /srv/run/job")
        late = self.ran("/usr/bin/id -Gn", lambda row: row["ended_at"])
        job = self.ran("/bin/sh /srv/run/job")
        deputy = self.process(server.pid)
        back = self.reached("backward", late)
        client = self.ran("%/srv/store/say SAVE%")
        self.check_chain(back, late, "fork", job, "file", deputy, "connect", client)
        self.assertIn(self.process(ana.pid)["id"], back)
        after, before = (self.ran("%/srv/store/say GET " + word) for word in ("after", "before"))
        self.check_not(back, after)
        self.assertIn(late["id"], self.reached("forward", client))
        self.check_not(self.reached("forward", client), after, before)
        self.check_not(self.reached("forward", after), late)
        self.check_story(
            self.story("why", late["id"]),
            ["cron job of games"], ["ssh login of ana from", ATTACKER],
            ["bash", "ana", "ran", "/srv/store/say SAVE", client["pid"]],
            ["say", client["pid"], "connected to server.py", deputy["pid"]],
            ["server.py", "deploy", "wrote /srv/run/job"],
            ["ran the script /srv/run/job, which server.py", "had written"],
            ["/usr/bin/id -Gn", late["pid"]],
            lacks=[before, after, self.process(ops.pid)])
        self.check_story(self.story("impact", client["id"]), ["/usr/bin/id -Gn"],
                         lacks=[before, after])
        for other in (before, after):
            self.check_story(self.story("impact", other["id"]), ["connected to server.py"],
                             lacks=[late, job])

    def test_injection(self):
        attacker = self.world.listen(9001)
        self.stage.write("/opt/agent/daemon.py", DAEMON, 0o755)
        self.stage.write("/opt/agent/inject.py", INJECT, 0o755)
        daemons = [self.service(name, ["/opt/agent/daemon.py"], stdout=subprocess.PIPE)
                   for name in ("agent", "twin")]
        address = [int(daemon.stdout.readline()) for daemon in daemons]
        self.addCleanup(lambda: [daemon.stdout.close() for daemon in daemons])
        look = self.service("debug", ["/usr/bin/python3", "-ISc", f"""
import ctypes
memory = open('/proc/{daemons[1].pid}/mem', 'rb', 0)
memory.seek({address[1]})
assert memory.read(7) == b'nothing'"""])
        self.assertEqual(look.wait(), 0)
        injector = self.service("tool", ["/opt/agent/inject.py", str(daemons[0].pid),
                                         str(address[0]), "9001"])
        self.assertEqual(injector.wait(), 0)
        attacker.accept()[0].close()
        daemons[0].wait()
        victim, twin = self.ended(daemons[0].pid), self.process(daemons[1].pid)
        culprit = self.process(injector.pid)
        kinds = {row["kind"]: row for row in self.store.wait(
            "SELECT * FROM edges WHERE src = ? AND dst = ?", culprit["id"], victim["id"],
            until=lambda rows: len(rows) >= 2)}
        self.assertEqual(set(kinds), {"ptrace", "inject"})
        out = self.one(self.store.rows("SELECT * FROM connections WHERE process_id = ?",
                                       victim["id"]), "connections")
        self.same(out, remote_address=ATTACKER, remote_port=9001)
        self.assertLess(kinds["inject"]["at"], out["started_at"])
        self.assertIn(culprit["id"], self.reached("backward", victim))
        self.check_not(self.reached("backward", twin), culprit, self.process(look.pid))
        self.check_not(self.reached("backward", victim), self.process(look.pid))
        self.check_story(
            self.story("why", victim["id"]),
            ["daemon.py", victim["pid"], "began"],
            ["inject.py", culprit["pid"], "began"],
            ["inject.py", culprit["pid"], "daemon.py", victim["pid"], "memory"],
            ["daemon.py", victim["pid"], "connected to", f"{ATTACKER} port 9001"],
            lacks=[twin, self.process(look.pid)])

    def test_listener_and_file(self):
        """Who opened a port and who wrote a file; and all that a session has done."""
        ana, ben = self.login("ana"), self.login("ben")
        ben.run("echo theirs > notes; cp notes other")
        ana.run("mkdir -p www; cp /etc/hosts www/index; python3 -ISm http.server -b 127.0.0.1 "
                "-d www 8080 >/dev/null 2>&1 &")
        self.stage.listens(8080)
        ana.run("curl -s http://127.0.0.1:8080/index")
        ana.run("printf '#!/bin/sh\\n/bin/uname -s\\n' > start; chmod +x start; ./start")
        server = self.ran("python3 -ISm http.server%")
        listener = self.one(self.store.wait("SELECT * FROM listeners WHERE port = 8080 AND "
                                            "started_at >= ?", self.began), "listeners")
        self.same(listener, process_id=server["id"])
        start = self.ran("/bin/uname -s", lambda row: row["ended_at"])
        file = self.one(self.store.rows("SELECT * FROM files WHERE path = '/home/ana/start' AND "
                                        "op = 'write'"), "files")
        bash = self.process(ana.pid)
        self.same(file, process_id=bash["id"])
        ahead = self.reached("forward", bash)
        for process in (server, start):
            self.assertIn(process["id"], ahead)
        others = self.store.rows("SELECT * FROM processes WHERE trace_id = ?",
                                 self.process(ben.pid)["trace_id"])
        self.assertGreater(len(others), 2)
        self.check_not(ahead, *others)
        self.check_story(
            self.story("why", ":8080"), ["ssh login of ana from"],
            ["bash", "ran", "http.server", server["pid"]], ["listened on", "127.0.0.1 port 8080"],
            lacks=others)
        self.check_story(
            self.story("why", "file:/home/ana/start"), ["ssh login of ana from"],
            ["bash", "wrote /home/ana/start"], lacks=["http.server", *others])
        self.check_story(
            self.story("impact", f"trace:{bash['trace_id']}"),
            ["http.server", server["pid"]], ["curl"], ["bash", "wrote /home/ana/start"],
            ["/bin/uname -s"], lacks=others)
        ana.run("kill %1")


class Containers(StageCase):
    def setUp(self):
        super().setUp()
        if not os.path.exists(RUNC):
            self.skipTest(f"no {RUNC} here")

    def bundle(self, name, command, host_too=False):
        """A container's files, below /srv of the host."""
        root = self.stage.path(f"/srv/boxes/{name}")
        os.makedirs(root + "/rootfs/bin", exist_ok=True)
        shutil.copy(shutil.which("busybox"), root + "/rootfs/bin/busybox")
        for applet in ("sh", "sleep", "cat", "id", "chmod"):
            if not os.path.lexists(f"{root}/rootfs/bin/{applet}"):
                os.symlink("busybox", f"{root}/rootfs/bin/{applet}")
        if os.path.exists(root + "/config.json"):
            os.unlink(root + "/config.json")
        subprocess.run([RUNC, "spec"], cwd=root, check=True)
        with open(root + "/config.json") as file:
            spec = json.load(file)
        spec["process"].update(terminal=False, args=command)
        spec["linux"]["cgroupsPath"] = f"{self.stage.cgroup.name}/{name}"
        spec["annotations"] = {"io.kubernetes.container.name": name,
                               "io.kubernetes.cri-o.ImageName": "busybox:1"}
        if host_too:
            os.makedirs(root + "/rootfs/host", exist_ok=True)
            spec["mounts"].append({"destination": "/host", "type": "none", "source": "/srv/jobs",
                                   "options": ["rbind", "rw"]})
        with open(root + "/config.json", "w") as file:
            json.dump(spec, file)
        return f"/srv/boxes/{name}"

    def run_container(self, name, command, **how):
        """Starts one in the background, as a service; the process of its command."""
        bundle = self.bundle(name, command, **how)
        started = self.service("boxes", [RUNC, "run", "-d", "--bundle", bundle, name])
        self.addCleanup(lambda: self.service("boxes", [RUNC, "delete", "-f", name]).wait())
        self.assertEqual(started.wait(), 0)
        root = self.store.wait("SELECT p.* FROM containers AS c JOIN processes AS p ON "
                               "p.id = c.root_process_id WHERE c.container_id = ? AND p.ns_pid = 1",
                               name)
        return self.one(root, f"first processes of {name}")

    def test_entered_from_outside(self):
        inside = self.run_container("shop", ["sleep", "2001"])
        twin = self.run_container("twin", ["sleep", "2002"])
        tool = self.service("debug", [RUNC, "exec", "shop", "id", "-u"])
        self.assertEqual(tool.wait(), 0)
        late = self.ran("id -u", lambda row: row["container_id"])
        self.same(late, container_id=inside["container_id"])
        back = self.reached("backward", late)
        self.assertIn(self.process(tool.pid)["id"], back)
        self.check_not(back, inside, twin)
        self.check_not(self.reached("forward", self.process(tool.pid)), inside, twin)
        self.check_story(
            self.story("why", late["id"]),
            ["runc", tool.pid, "exec shop id -u"], ["runc", "from outside", "in container shop"],
            ["entered the namespaces of container shop"], ["ran \"id -u\""],
            lacks=[inside, twin])

    def test_reaches_the_host(self):
        """It writes into a directory of the host's, and the host's cron runs what it wrote."""
        os.makedirs(self.stage.path("/srv/jobs"), exist_ok=True)
        os.chmod(self.stage.path("/srv/jobs"), 0o777)
        script = ("echo '#!/bin/sh' > /host/sweep; echo '/usr/bin/id -gn' >> /host/sweep; "
                  "chmod 755 /host/sweep; exec sleep 2003")
        inside = self.run_container("shop2", ["sh", "-c", script], host_too=True)
        twin = self.run_container("twin2", ["sh", "-c", "exec sleep 2004"])
        self.ran("sleep 2003")
        self.cron("root /srv/jobs/sweep")
        late = self.ran("/usr/bin/id -gn", lambda row: row["ended_at"])
        self.same(late, container_id="cron.service")
        job = self.ran("/bin/sh /srv/jobs/sweep")
        back = self.reached("backward", late)
        self.check_chain(back, late, "fork", job, "file", inside)
        self.check_not(back, twin)
        self.check_story(
            self.story("why", late["id"]),
            ["cron job of root"], ["runc", "run -d", "shop2"],
            ["runc", "had a container started", "in container shop2"],
            ["in container shop2", "mounted /srv/jobs on"],
            ["in container shop2", "wrote /srv/jobs/sweep", "then called /host/sweep"],
            ["ran the script /srv/jobs/sweep, which sh", "in container shop2", "had written"],
            ["/usr/bin/id -gn"],
            lacks=[twin, "exe (pid"])


class Builds(StageCase):
    def test_busy_build(self):
        """Sixty compilations, which nobody wants to read one by one."""
        self.stage.write("/srv/src/cc", "#!/bin/sh\n/bin/cat $1 > $2\n", 0o755)
        self.stage.write("/srv/src/Makefile",
                         "objects = $(patsubst %,/srv/out/%.o,$(shell /usr/bin/seq 60))\n"
                         "/srv/out/program: $(objects)\n\t/bin/cat $^ > $@\n\tchmod +x $@\n"
                         "/srv/out/%.o:\n\t/srv/src/cc /srv/src/one.c $@\n")
        self.stage.write("/srv/src/one.c", "#!/bin/sh\n")
        os.makedirs(self.stage.path("/srv/out"), exist_ok=True)
        os.chmod(self.stage.path("/srv/out"), 0o777)
        deploy, ana = self.login("deploy"), self.login("ana")
        ana.run("ls -l /srv/src")
        deploy.run("make -s -j4 -f /srv/src/Makefile && /srv/out/program", 60)
        make = self.ran("make -s -j4%", lambda row: row["ended_at"])
        ahead = self.reached("forward", make)
        self.assertGreater(len(ahead), 120)
        self.check_not(ahead, self.process(ana.pid))
        program = self.store.rows("SELECT * FROM processes WHERE cmdline LIKE '%/srv/out/program' "
                                  "AND started_at >= ?", self.began)
        self.assertTrue(program)
        told = self.story("impact", make["id"])
        self.assertLess(len(told), 30, [row["sentence"] for row in told])
        self.check_story(told, ["make", "ran"], ["more like it"], ["/srv/out/program"],
                         lacks=[self.process(ana.pid)])
        self.assertGreater(max(row["count"] for row in told), 50)
