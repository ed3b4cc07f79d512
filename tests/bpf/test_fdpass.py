# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors passed from process to process. The oracle is what the receiver finds behind its new
descriptor, in /proc/PID/fd."""
import os
import re

from edges import EdgeCase
from harness import show
from test_network import NetworkCase

PAIR = "ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_{})"
SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438


class PassCase(EdgeCase, NetworkCase):
    def pair(self, type="STREAM"):
        """Two processes with a socket each, connected: `ours` in the first, `theirs` in the
        second."""
        sender = self.actor()
        sender.do(PAIR.format(type))
        receiver = sender.fork()
        sender.do("theirs.close()")
        receiver.do("ours.close()")
        receiver.do("theirs.settimeout(10)")
        return sender, receiver

    def receive(self, receiver, most=1):
        """What the receiver finds behind the descriptors that a message brought."""
        receiver.do(f"message, fds, _, _ = socket.recv_fds(theirs, 99, {most})")
        return [os.readlink(f"/proc/{receiver.pid}/fd/{fd}") for fd in receiver.do("list(fds)")]


class FdPass(PassCase):
    def check(self, source, detail, type="STREAM"):
        """Passes one descriptor. detail: NULL is what the receiver finds."""
        sender, receiver = self.pair(type)
        sender.do(source)
        sender.do("socket.send_fds(ours, [b'here'], [fd])")
        found = self.receive(receiver)
        self.assertEqual(len(found), 1)
        edge = self.edge("fdpass", sender.pid, receiver.pid)
        self.same(edge, detail=detail or found[0], count=1, connection_id=None)
        self.none(self.edges_between("fdpass", receiver.pid, sender.pid), "edge back")
        self.no_losses()

    def test_fdpass_pipe(self):
        self.check("fd, _ = os.pipe()", None)

    def test_fdpass_socket(self):
        self.check("other = socket.socket(); fd = other.fileno()", None)

    def test_fdpass_file(self):
        self.check(f"fd = os.open({self.write('file', 'x')!r}, os.O_RDONLY)", "file", "SEQPACKET")

    def test_fdpass_directory(self):
        self.check(f"fd = os.open({self.directory!r}, os.O_RDONLY)", "directory", "DGRAM")

    def test_fdpass_anonymous(self):
        self.check("import select; poll = select.epoll(); fd = poll.fileno()", "anonymous inode")

    def test_fdpass_many(self):
        """As many as one message can hold, in one edge."""
        sender, receiver = self.pair()
        sender.do("R, W = os.pipe()")
        sender.do("fds = [os.dup(R) for _ in range(253)]")
        sender.do("socket.send_fds(ours, [b'x'], fds)")
        found = self.receive(receiver, 253)
        self.assertEqual(len(found), 253)
        self.same(self.edge("fdpass", sender.pid, receiver.pid, lambda row: row["count"] == 253),
                  detail=found[0])
        self.no_losses()

    def test_fdpass_other_control_messages(self):
        """Behind credentials, and in several messages of one call."""
        sender, receiver = self.pair("DGRAM")
        receiver.do("theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)")
        sender.do("R, W = os.pipe()")
        sender.do("rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack('i', R)); "
                  "ids = (socket.SOL_SOCKET, 2, struct.pack('3i', os.getpid(), 0, 0))")
        sender.do("ours.sendmsg([b'x'], [ids, rights])")
        receiver.do("theirs.recvmsg(9, 999)")
        self.edge("fdpass", sender.pid, receiver.pid)

    def test_fdpass_several_messages(self):
        """sendmmsg and recvmmsg: each message is looked at."""
        source = """
class Vector(ctypes.Structure):
    _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]
class Header(ctypes.Structure):
    _fields_ = [('name', ctypes.c_void_p), ('name_length', ctypes.c_uint),
                ('vector', ctypes.POINTER(Vector)), ('vectors', ctypes.c_size_t),
                ('control', ctypes.c_void_p), ('control_length', ctypes.c_size_t),
                ('flags', ctypes.c_size_t), ('moved', ctypes.c_size_t)]
data = ctypes.create_string_buffer(b'x')
vector = Vector(ctypes.addressof(data), 1)
def control(fd):
    return ctypes.create_string_buffer(struct.pack('Qiiii', 20, 1, 1, fd, 0), 24)
def headers(controls):
    return (Header * len(controls))(*(
        Header(None, 0, ctypes.pointer(vector), 1, ctypes.addressof(item) if item else None,
               24 if item else 0, 0, 0) for item in controls))
"""
        sender, receiver = self.pair("DGRAM")
        for actor in (sender, receiver):
            actor.do(source)
        sender.do("R, W = os.pipe()")
        sender.do("controls = [None, control(R)]; array = headers(controls)")
        self.assertEqual(sender.do("libc.sendmmsg(ours.fileno(), array, 2, 0)"), 2)
        receiver.do("theirs.setblocking(True)")
        receiver.do("controls = [None, control(0)]; array = headers(controls)")
        self.assertEqual(receiver.do("libc.recvmmsg(theirs.fileno(), array, 2, 0, None)"), 2)
        fd = receiver.do("struct.unpack('Qiii', controls[1].raw[:20])[3]")
        found = os.readlink(f"/proc/{receiver.pid}/fd/{fd}")
        self.assertTrue(found.startswith("pipe:["), found)
        self.same(self.edge("fdpass", sender.pid, receiver.pid), detail=found, count=1)

    def test_fdpass_connection(self):
        """Whoever receives the socket of a connection holds it; the edge says which it is."""
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        server.do(PAIR.format("STREAM"))
        worker = server.fork()
        worker.do("os.close(S.fileno())")
        server.do("socket.send_fds(ours, [b'x'], [S.fileno()])")
        found = self.receive(worker)
        into = self.connection(other["cookie"])
        edge = self.edge("fdpass", server.pid, worker.pid)
        self.same(edge, connection_id=into["id"], detail=found[0])
        holders = self.store.wait("SELECT * FROM holders WHERE connection_id = ?", into["id"])
        self.same(self.one(holders, "holder"), how="fdpass", edge_id=edge["id"],
                  process_id=self.process(worker.pid)["id"])

    def test_fdpass_unix_connection(self):
        """Likewise of a UNIX socket: its client has then reached the receiver, too."""
        server, client = self.actor(), self.actor()
        name = self.path("passed.sock")
        server.do(f"L = socket.socket(socket.AF_UNIX); L.bind({name!r}); L.listen()")
        client.do(f"C = socket.socket(socket.AF_UNIX); C.connect({name!r})")
        server.do("S = L.accept()[0]")
        server.do(PAIR.format("STREAM"))
        worker = server.fork()
        self.none(self.edges_into("unix", worker.pid), "edge to who does not use it")
        server.do("socket.send_fds(ours, [b'x'], [S.fileno()])")
        self.receive(worker)
        self.same(self.edge("unix", client.pid, worker.pid), detail=name)

    def test_fdpass_taken(self):
        """pidfd_getfd: nobody has sent it, and it is another's all the same."""
        owner, taker = self.actor(), self.actor()
        owner.do("R, W = os.pipe()")
        taker.do(f"pidfd = libc.syscall({SYS_PIDFD_OPEN}, {owner.pid}, 0)")
        fd = taker.do(f"libc.syscall({SYS_PIDFD_GETFD}, pidfd, {owner.do('R')}, 0)")
        found = os.readlink(f"/proc/{taker.pid}/fd/{fd}")
        self.assertTrue(re.fullmatch(r"pipe:\[\d+\]", found), found)
        self.same(self.edge("fdpass", owner.pid, taker.pid), detail=found, count=1)
        self.assertEqual(taker.do(f"libc.syscall({SYS_PIDFD_GETFD}, pidfd, 999, 0)"), -1)
        self.fence()
        self.same(self.edge("fdpass", owner.pid, taker.pid), count=1)

    def test_fdpass_connection_taken(self):
        """Whoever takes the socket of a connection holds it."""
        server, client, taker = self.actor(), self.actor(), self.actor()
        one, other = self.meet(server, client)
        taker.do(f"pidfd = libc.syscall({SYS_PIDFD_OPEN}, {server.pid}, 0)")
        fd = taker.do(f"libc.syscall({SYS_PIDFD_GETFD}, pidfd, {server.do('S.fileno()')}, 0)")
        found = os.readlink(f"/proc/{taker.pid}/fd/{fd}")
        into = self.connection(other["cookie"])
        edge = self.edge("fdpass", server.pid, taker.pid)
        self.same(edge, connection_id=into["id"], detail=found)
        holders = self.store.wait("SELECT * FROM holders WHERE connection_id = ?", into["id"])
        self.same(self.one(holders, "holder"), how="fdpass", edge_id=edge["id"],
                  process_id=self.process(taker.pid)["id"])

    def test_fdpass_twice(self):
        """One file to two receivers: each has it from its own sender."""
        first, one = self.pair()
        first.do("R, W = os.pipe()")
        first.do("other, mine = socket.socketpair()")
        second = first.fork()
        two = second.fork()
        second.do("socket.send_fds(other, [b'x'], [R])")
        first.do("socket.send_fds(ours, [b'x'], [R])")
        two.do("socket.recv_fds(mine, 9, 1)")
        self.receive(one)
        self.edge("fdpass", second.pid, two.pid)
        self.edge("fdpass", first.pid, one.pid)
        edges = self.edges_of("fdpass", first.pid, second.pid)
        self.assertEqual(len(edges), 2, show(edges))

    def test_fdpass_nothing(self):
        """No control message, one that the sender receives itself, dup, one that nobody takes."""
        sender, receiver = self.pair()
        sender.do("ours.sendmsg([b'plain'])")
        self.assertEqual(receiver.do("theirs.recvmsg(9, 99)[0].decode()"), "plain")
        sender.do("R, W = os.pipe(); mine, own = socket.socketpair()")
        sender.do("socket.send_fds(mine, [b'x'], [R])")
        sender.do("socket.recv_fds(own, 9, 1)")
        sender.do("os.dup(R)")
        sender.do("socket.send_fds(mine, [b'x'], [W])")
        self.none(self.edges_of("fdpass", sender.pid, receiver.pid), "fdpass edges")

    def test_fdpass_races(self):
        """At full speed both ways: every message has its edge's count."""
        sender, receiver = self.pair("SEQPACKET")
        sender.do("R, W = os.pipe()")
        receiver._send("[os.close(socket.recv_fds(theirs, 9, 1)[1][0]) for _ in range(500)]")
        sender.do("[socket.send_fds(ours, [b'x'], [R]) for _ in range(500)]")
        receiver._reply()
        rows = self.store.wait(
            "SELECT count, detail FROM edges WHERE kind = 'fdpass' AND dst = ?",
            self.process(receiver.pid)["id"], until=lambda rows: sum(
                row["count"] for row in rows) >= 500)
        self.assertEqual(sum(row["count"] for row in rows), 500, show(rows))
        self.no_losses()
