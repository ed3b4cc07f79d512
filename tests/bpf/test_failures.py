# SPDX-License-Identifier: GPL-3.0-or-later
"""Connects that come to nothing: one row for each attempt, with the reason."""
import os
import subprocess

from harness import show
from test_network import NetworkCase


class Failures(NetworkCase):
    def setUp(self):
        super().setUp()
        self.client = self.actor()

    def own_network(self, *commands):
        """Puts the client into a fresh network namespace; runs commands (of ip) in it."""
        self.client.do("unshare(CLONE_NEWNET)")
        for command in commands:
            subprocess.run(["/usr/bin/nsenter", f"--net=/proc/{self.client.pid}/ns/net",
                            "/usr/sbin/ip", *command.split()], check=True)

    def black_hole(self):
        """A namespace with a link on which everything vanishes: 192.0.2.9 never answers."""
        self.own_network("link set lo up", "link add v0 type veth peer name v1", "link set v0 up",
                         "link set v1 up", "addr add 192.0.2.1/24 dev v0",
                         "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v0")

    def closed_port(self, address="127.0.0.1"):
        self.client.do(f"P = tcp({address!r}); P.bind(({address!r}, 0))")
        return self.client.do("P.getsockname()[1]")

    def check_failed(self, cookie, state, error, address, port):
        row = self.over(cookie)
        self.same(row, state=state, error=error, remote_address=address, remote_port=port,
                  direction="out", process_id=self.process(self.client.pid)["id"], peer_id=None,
                  peer_process_id=None, established_at=None, protocol="tcp", origin="event")
        self.assertIn(row["bytes_sent"], (0, None), show([row]))
        self.assertIn(row["bytes_received"], (0, None), show([row]))
        self.check_order(row)
        self.fence()
        self.one(self.connections(cookie), "attempt")
        return row

    def fail_at(self, address, port, error, state, recorded=None):
        """A blocking connect that must fail with `error`."""
        self.client.do(f"C = tcp({address!r})")
        cookie = self.client.do("cookie(C)")
        self.assertEqual(self.client.do(f"attempt(C, {address!r}, {port})"), error)
        row = self.check_failed(cookie, state, error, recorded or address, port)
        self.client.do("C.close()")
        self.fence()
        self.same(self.one(self.connections(cookie), "attempt, after close"), state=state,
                  ended_at=row["ended_at"], error=error)
        return row

    def test_refused(self):
        self.fail_at("127.0.0.1", self.closed_port(), "ECONNREFUSED", "refused")

    def test_refused_ipv6(self):
        self.fail_at("::1", self.closed_port("::1"), "ECONNREFUSED", "refused")

    def test_refused_v4_mapped(self):
        self.fail_at("::ffff:127.0.0.1", self.closed_port(), "ECONNREFUSED", "refused", "127.0.0.1")

    def test_refused_many(self):
        """Fifty sockets, fifty rows."""
        port = self.closed_port()
        self.client.do("C = [tcp() for _ in range(50)]")
        cookies = self.client.do("[cookie(c) for c in C]")
        self.client.do(f"[attempt(c, '127.0.0.1', {port}) for c in C]")
        self.client.do("[c.close() for c in C] and None")
        for cookie in cookies:
            self.same(self.over(cookie), state="refused", error="ECONNREFUSED", remote_port=port)
        self.fence()
        rows = self.store.rows("SELECT * FROM connections WHERE remote_port = ?", port)
        self.assertEqual(len(rows), 50)

    def test_network_unreachable(self):
        """No route: fails without any change of state."""
        self.own_network("link set lo up")
        self.fail_at("198.51.100.7", 443, "ENETUNREACH", "unreachable")

    def test_network_unreachable_ipv6(self):
        self.own_network("link set lo up")
        self.fail_at("2001:db8::7", 443, "ENETUNREACH", "unreachable")

    def test_host_unreachable_by_route(self):
        self.own_network("link set lo up", "route add unreachable 198.51.100.0/24")
        self.fail_at("198.51.100.7", 80, "EHOSTUNREACH", "unreachable")

    def test_host_unreachable_by_neighbour(self):
        """Nobody answers for the address: the error comes later, in the kernel's own time."""
        self.own_network("link set lo up", "link add v0 type veth peer name v1", "link set v0 up",
                         "link set v1 up", "addr add 192.0.2.1/24 dev v0")
        self.fail_at("192.0.2.77", 80, "EHOSTUNREACH", "unreachable")

    def test_prohibited(self):
        """EACCES from a route."""
        self.own_network("link set lo up", "route add prohibit 198.51.100.0/24")
        self.fail_at("198.51.100.7", 80, "EACCES", "failed")

    def test_blackhole_route(self):
        self.own_network("link set lo up", "route add blackhole 198.51.100.0/24")
        self.fail_at("198.51.100.7", 80, "EINVAL", "failed")

    def test_timeout(self):
        self.black_hole()
        self.client.do("C = tcp(); C.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)")
        self.client.do("C.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 500)")
        cookie = self.client.do("cookie(C)")
        self.assertEqual(self.client.do("attempt(C, '192.0.2.9', 80)"), "ETIMEDOUT")
        self.check_failed(cookie, "timeout", "ETIMEDOUT", "192.0.2.9", 80)

    # -- not blocking --

    def test_nonblocking_success(self):
        server = self.actor()
        server.do("L = listen()")
        port = server.do("L.getsockname()[1]")
        self.client.do("C = tcp(); C.setblocking(False)")
        self.assertIn(self.client.do(f"attempt(C, '127.0.0.1', {port})"), ("EINPROGRESS", None))
        self.assertEqual(self.client.do("outcome(C)"), None)
        server.do("S = L.accept()[0]")
        one, other = self.client.do("facts(C)"), server.do("facts(S)")
        self.client.do("C.close()")
        server.do("S.close()")
        out, _ = self.check_pair(one, other, self.client.pid, server.pid)
        self.same(out, error=None)
        self.fence()
        self.one(self.connections(one["cookie"]), "attempt")

    def test_nonblocking_refused(self):
        port = self.closed_port()
        self.client.do("C = tcp(); C.setblocking(False)")
        cookie = self.client.do("cookie(C)")
        self.client.do(f"first = attempt(C, '127.0.0.1', {port})")
        self.client.do("outcome(C)")
        self.check_failed(cookie, "refused", "ECONNREFUSED", "127.0.0.1", port)
        self.client.do("C.close()")

    def test_nonblocking_timeout(self):
        self.black_hole()
        self.client.do("C = tcp(); C.setblocking(False)")
        self.client.do("C.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)")
        self.client.do("C.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 500)")
        cookie = self.client.do("cookie(C)")
        self.assertEqual(self.client.do("attempt(C, '192.0.2.9', 80)"), "EINPROGRESS")
        row = self.connection(cookie)
        self.same(row, state="connecting", ended_at=None, error=None, remote_address="192.0.2.9")
        self.assertEqual(self.client.do("outcome(C)"), "ETIMEDOUT")
        self.check_failed(cookie, "timeout", "ETIMEDOUT", "192.0.2.9", 80)

    def test_connecting_asked_again(self):
        """EALREADY and EISCONN are no attempts."""
        self.black_hole()
        self.client.do("C = tcp(); C.setblocking(False)")
        cookie = self.client.do("cookie(C)")
        self.assertEqual(self.client.do("attempt(C, '192.0.2.9', 80)"), "EINPROGRESS")
        self.assertEqual(self.client.do("attempt(C, '192.0.2.9', 80)"), "EALREADY")
        self.same(self.connection(cookie), state="connecting", error=None, ended_at=None)
        self.client.do("L = listen(); C2 = connect('127.0.0.1', L.getsockname()[1])")
        self.assertEqual(self.client.do("attempt(C2, '127.0.0.1', L.getsockname()[1])"), "EISCONN")
        self.fence()
        self.same(self.one(self.connections(self.client.do("cookie(C2)")), "attempt"),
                  state="open", error=None)

    def test_closed_while_connecting(self):
        self.black_hole()
        self.client.do("C = tcp(); C.setblocking(False)")
        cookie = self.client.do("cookie(C)")
        self.assertEqual(self.client.do("attempt(C, '192.0.2.9', 80)"), "EINPROGRESS")
        self.same(self.connection(cookie), state="connecting")
        self.client.do("C.close()")
        row = self.over(cookie)
        self.assertIn(row["state"], ("failed", "closed"), show([row]))
        self.same(row, established_at=None, remote_address="192.0.2.9", remote_port=80)
        self.fence()
        self.one(self.connections(cookie), "attempt")

    def test_killed_while_connecting(self):
        """A blocking connect that ends with its process."""
        self.black_hole()
        child = self.client.fork()
        child.do("C = tcp()")
        cookie = child.do("cookie(C)")
        child.channel.send(b'{"do": "C.connect((\'192.0.2.9\', 80))"}')
        self.same(self.connection(cookie), state="connecting",
                  process_id=self.process(child.pid)["id"])
        os.kill(child.pid, 9)
        self.client.call("reap", child.pid)
        row = self.over(cookie)
        self.assertIn(row["state"], ("failed", "closed"), show([row]))

    # -- several attempts on one socket --

    def test_refused_then_open(self):
        """One socket, two attempts, two rows."""
        port = self.closed_port()
        server = self.actor()
        server.do("L = listen()")
        listening = server.do("L.getsockname()[1]")
        self.client.do("C = tcp()")
        cookie = self.client.do("cookie(C)")
        self.assertEqual(self.client.do(f"attempt(C, '127.0.0.1', {port})"), "ECONNREFUSED")
        self.assertEqual(self.client.do(f"attempt(C, '127.0.0.1', {listening})"), None)
        server.do("S = L.accept()[0]")
        self.client.do("C.sendall(b'at last'); C.close()")
        self.assertEqual(server.do("receive(S, 99)"), 7)
        server.do("S.close()")
        rows = self.store.wait("SELECT * FROM connections WHERE cookie = ? ORDER BY id", cookie,
                               until=lambda rows: len(rows) == 2 and rows[1]["ended_at"])
        self.assertEqual([(row["state"], row["error"], row["remote_port"]) for row in rows],
                         [("refused", "ECONNREFUSED", port), ("closed", None, listening)],
                         show(rows))
        self.assertEqual(rows[1]["bytes_sent"], 7)
        self.assertIsNotNone(rows[1]["peer_id"], show(rows))

    def test_refused_five_times(self):
        port = self.closed_port()
        self.client.do("C = tcp()")
        cookie = self.client.do("cookie(C)")
        for _ in range(5):
            self.assertEqual(self.client.do(f"attempt(C, '127.0.0.1', {port})"), "ECONNREFUSED")
        self.client.do("C.close()")
        self.fence()
        rows = self.connections(cookie)
        self.assertEqual([row["state"] for row in rows], ["refused"] * 5, show(rows))

    def test_unreachable_then_open(self):
        self.own_network("link set lo up")
        self.client.do("L = listen(); C = tcp()")
        cookie = self.client.do("cookie(C)")
        self.assertEqual(self.client.do("attempt(C, '198.51.100.7', 1)"), "ENETUNREACH")
        self.assertEqual(self.client.do("attempt(C, *L.getsockname())"), None)
        self.client.do("S = L.accept()[0]; C.close(); S.close()")
        rows = self.store.wait("SELECT * FROM connections WHERE cookie = ? ORDER BY id", cookie,
                               until=lambda rows: len(rows) == 2 and rows[1]["ended_at"])
        self.assertEqual([(row["state"], row["error"]) for row in rows],
                         [("unreachable", "ENETUNREACH"), ("closed", None)], show(rows))

    def test_dissolved_and_reconnected(self):
        """connect() to AF_UNSPEC ends a connection; the same socket then makes another."""
        server = self.actor()
        server.do("L = listen()")
        port = server.do("L.getsockname()[1]")
        self.client.do(f"C = connect('127.0.0.1', {port})")
        cookie = self.client.do("cookie(C)")
        server.do("S = L.accept()[0]")
        self.assertEqual(self.client.do("libc.connect(C.fileno(), bytes(16), 16)"), 0)
        self.client.do(f"C.connect(('127.0.0.1', {port}))")
        server.do("T = L.accept()[0]")
        self.client.do("C.close()")
        server.do("S.close(); T.close()")
        rows = self.store.wait("SELECT * FROM connections WHERE cookie = ? ORDER BY id", cookie,
                               until=lambda rows: len(rows) == 2 and rows[1]["ended_at"])
        self.assertEqual(len(rows), 2, show(rows))
        self.assertEqual(rows[1]["state"], "closed", show(rows))
        self.assertIsNotNone(rows[0]["ended_at"], show(rows))

    # -- no attempts at all --

    def test_bad_arguments(self):
        """Calls that reach no peer leave no connection open for ever."""
        self.client.do("C = tcp()")
        cookie = self.client.do("cookie(C)")
        self.assertEqual(self.client.do("libc.connect(C.fileno(), b'ab', 2)"), -1)
        self.client.do("C.close()")
        self.client.do("U = socket.socket(socket.AF_UNIX)")
        self.assertEqual(self.client.do("U.connect_ex('/no/such/socket')"), 2)
        self.client.do("D = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                       "D.connect(('127.0.0.1', 9))")
        self.fence()
        rows = self.store.rows("SELECT * FROM connections WHERE process_id = ? AND ended_at IS "
                               "NULL", self.process(self.client.pid)["id"])
        self.none(rows, "connections open for ever")
        self.assertEqual([row for row in self.connections(cookie)
                          if row["established_at"] is not None], [])

    def test_socket_never_connected(self):
        self.client.do("C = tcp()")
        cookie = self.client.do("cookie(C)")
        self.client.do("C.bind(('127.0.0.1', 0)); C.close()")
        self.fence()
        self.assertEqual(self.connections(cookie), [])
