# SPDX-License-Identifier: GPL-3.0-or-later
"""UNIX sockets: who reached whom, by which name. The oracles are SO_PEERCRED and ss."""
import re
import subprocess
import time

from edges import EdgeCase
from harness import PYTHON
from test_scan import OwnRecorderCase

LISTEN = "L = socket.socket(socket.AF_UNIX, socket.{type}); L.bind({name!r}); L.listen()"
CONNECT = "C = socket.socket(socket.AF_UNIX, socket.{type}); C.connect({name!r})"
PEER = "struct.unpack('3i', S.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]"


class UnixCase(EdgeCase):
    def listen(self, server, name, type="SOCK_STREAM"):
        server.do(LISTEN.format(name=name, type=type))

    def connect(self, client, name, type="SOCK_STREAM"):
        client.do(CONNECT.format(name=name, type=type))

    def accept(self, server):
        """Takes a connection; the pid of who made it, as the kernel tells the server."""
        server.do("S = L.accept()[0]")
        return server.do(PEER)


class Unix(UnixCase):
    def check_pair(self, name, detail, type="SOCK_STREAM"):
        server, client = self.actor(), self.actor()
        self.listen(server, name, type)
        before = time.time_ns()
        self.connect(client, name, type)
        self.assertEqual(self.accept(server), client.pid)
        edge = self.edge("unix", client.pid, server.pid)
        self.same(edge, detail=detail, count=1, connection_id=None, file_id=None)
        self.assertTrue(before - 50_000_000 <= edge["at"] <= time.time_ns(), edge)
        self.none(self.edges_between("unix", server.pid, client.pid), "edge back")
        self.no_losses()
        return server, client, edge

    def test_unix_stream(self):
        """Also: a second connection is the same edge, which ends with the client."""
        name = self.path("stream.sock")
        server, client, edge = self.check_pair(name, name)
        self.connect(client, name)
        self.assertEqual(self.accept(server), client.pid)
        self.same(self.edge("unix", client.pid, server.pid, lambda row: row["count"] == 2),
                  id=edge["id"], at=edge["at"], last_at=edge["at"])
        client.end()
        ended = self.ended(client.pid)["ended_at"]
        self.edge("unix", client.pid, server.pid, lambda row: row["last_at"] == ended)

    def test_unix_seqpacket(self):
        name = self.path("packets.sock")
        self.check_pair(name, name, "SOCK_SEQPACKET")

    def test_unix_abstract(self):
        name = f"spyq test {time.monotonic_ns()}"
        self.check_pair("\0" + name, "@" + name)

    def test_unix_relative_name(self):
        """The path is told whole where the server was told a part of it."""
        server, client = self.actor(), self.actor()
        for actor in (server, client):
            actor.call("os.chdir", self.directory)
        self.listen(server, "./here.sock")
        self.connect(client, "here.sock")
        self.accept(server)
        self.same(self.edge("unix", client.pid, server.pid), detail=self.path("here.sock"))

    def test_unix_longest_name(self):
        name = "\0" + "n" * 107
        self.check_pair(name, "@" + "n" * 107)

    def test_unix_datagram(self):
        """Whoever bound the name is reached by those that connect to it."""
        server, client, other = self.actor(), self.actor(), self.actor()
        name = self.path("datagram.sock")
        server.do("S = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)")
        server.do(f"S.bind({name!r})")
        self.connect(client, name, "SOCK_DGRAM")
        client.do("C.send(b'message')")
        self.assertEqual(server.do("S.recv(9).decode()"), "message")
        self.same(self.edge("unix", client.pid, server.pid), detail=name, count=1)
        other.do("C = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)")  # the benign twin
        self.none(self.edges_of("unix", other.pid), "edge of who made a socket")

    def test_unix_nothing(self):
        """Refused, never accepted, within one process, a pair: nobody has reached anybody."""
        server, client = self.actor(), self.actor()
        name = self.path("refused.sock")
        server.do(f"B = socket.socket(socket.AF_UNIX); B.bind({name!r})")
        client.do("C = socket.socket(socket.AF_UNIX)")
        self.assertNotEqual(client.do(f"C.connect_ex({name!r})"), 0)
        name = self.path("queue.sock")
        self.listen(server, name)
        self.connect(client, name)
        single = self.actor()
        own = self.path("own.sock")
        self.listen(single, own)
        self.connect(single, own)
        self.assertEqual(self.accept(single), single.pid)
        single.do("one, two = socket.socketpair(); one.send(b'x'); two.recv(1)")
        self.none(self.edges_of("unix", server.pid, client.pid, single.pid), "unix edges")

    def test_unix_client_that_has_ended(self):
        """Accepted after whoever connected was gone: what it sent still arrives."""
        server, maker = self.actor(), self.actor()
        name = self.path("late.sock")
        self.listen(server, name)
        client = self.python(maker, "import socket, sys; C = socket.socket(socket.AF_UNIX); "
                             "C.connect(sys.argv[1]); C.send(b'bye')", name)
        self.assertEqual(maker.call("reap", client)[0], 0)
        self.assertEqual(self.accept(server), client)
        self.assertEqual(server.do("S.recv(9).decode()"), "bye")
        self.same(self.edge("unix", client, server.pid), detail=name)

    def test_unix_inherited_listener(self):
        """One process listens, its child accepts: the child is the server."""
        server, client = self.actor(), self.actor()
        name = self.path("worker.sock")
        self.listen(server, name)
        child = server.fork()
        self.connect(client, name)
        self.assertEqual(self.accept(child), client.pid)
        self.same(self.edge("unix", client.pid, child.pid), detail=name)
        self.none(self.edges_between("unix", client.pid, server.pid), "edge to who only listened")

    def test_unix_activation(self):
        """A listener handed to a program that is executed, as a descriptor of its own."""
        init, client = self.actor(), self.actor()
        name = self.path("activated.sock")
        self.listen(init, name)
        source = ("import socket; L = socket.socket(fileno=9); S = L.accept()[0]; "
                  "S.sendall(b'hello'); S.recv(1)")
        service = init.do(f"spawn({PYTHON!r}, {[PYTHON, '-I', '-S', '-c', source]!r}, "
                          "fds={9: L.fileno()})")
        self.connect(client, name)
        self.assertEqual(client.do("C.recv(9).decode()"), "hello")
        self.same(self.edge("unix", client.pid, service), detail=name)
        self.none(self.edges_between("unix", client.pid, init.pid), "edge to who only listened")
        client.do("C.close()")
        init.call("reap", service)

    def test_unix_connection_as_standard_streams(self):
        """Whoever accepts may leave the connection to a child, which is then reached too; a child
        that does not get it is not."""
        server, client = self.actor(), self.actor()
        name = self.path("inetd.sock")
        self.listen(server, name)
        self.connect(client, name)
        self.accept(server)
        child = server.do("spawn('/bin/cat', fds={0: S.fileno(), 1: S.fileno()})")
        other = server.do("spawn('/bin/true', before=S.close)")
        server.call("reap", other)
        client.do("C.sendall(b'echo'); C.shutdown(socket.SHUT_WR)")
        self.assertEqual(client.do("C.recv(9).decode()"), "echo")
        server.call("reap", child)
        self.same(self.edge("unix", client.pid, child), detail=name, count=1)
        self.same(self.edge("unix", client.pid, server.pid), detail=name, count=1)
        self.none(self.edges_of("unix", other), "edge to a child that had no part in it")


class UnixScan(OwnRecorderCase, UnixCase):
    def connected(self, name):
        """Both inodes of the connections by that name, server's end first, as ss says."""
        lines = subprocess.run(["/usr/bin/ss", "-H", "-x", "-a", "-O"], capture_output=True,
                               text=True, check=True).stdout.splitlines()
        pairs = (re.search(re.escape(name) + r" (\d+) +\* (\d+)", line) for line in lines)
        return [(int(pair.group(1)), int(pair.group(2))) for pair in pairs
                if pair and pair.group(2) != "0"]

    def test_unix_scan(self):
        """Connections that were there before the recorder; a listener alone tells nothing."""
        server, client, sender, idle = (self.actor() for _ in range(4))
        name, datagrams = self.path("before.sock"), self.path("before.datagrams")
        self.listen(server, name)
        self.connect(client, name)
        self.accept(server)
        server.do("D = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)")
        server.do(f"D.bind({datagrams!r})")
        self.connect(sender, datagrams, "SOCK_DGRAM")
        self.listen(idle, self.path("idle.sock"))
        self.assertEqual(len(self.connected(name)), 1)
        before = time.time_ns()
        self.record()
        stream = self.edge("unix", client.pid, server.pid)
        self.same(stream, detail=name, count=1)
        self.assertGreaterEqual(stream["at"], before - 50_000_000)
        self.same(self.edge("unix", sender.pid, server.pid), detail=datagrams, count=1)
        self.none(self.edges_of("unix", idle.pid), "edge of a listener")
        # What is connected later finds the holder that the scan has found.
        late = self.actor()
        self.connect(late, datagrams, "SOCK_DGRAM")
        self.same(self.edge("unix", late.pid, server.pid), detail=datagrams)
