# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening sockets: their rows against ss."""
import os
import subprocess

import oracle
from harness import show, wait_until
from test_network import NetworkCase


class Listeners(NetworkCase):
    def test_listener(self):
        """Address and port as ss has them; opened and closed when they were."""
        actor = self.actor()
        for address in ("127.0.0.1", "0.0.0.0", "::1", "::"):
            with self.subTest(address=address):
                actor.do(f"L = listen({address!r})")
                port, cookie = actor.do("L.getsockname()[1]"), actor.do("cookie(L)")
                row = self.listener(cookie)
                self.same(row, address=address, port=port, protocol="tcp", ended_at=None,
                          process_id=self.process(actor.pid)["id"], origin="event",
                          net_ns=oracle.namespace(actor.pid, "net"))
                told = [sock for sock in oracle.sockets(listening=True) if sock.cookie == cookie]
                self.assertEqual([(sock.local_port, sock.pids) for sock in told],
                                 [(str(port), {actor.pid})])
                self.assertIn(told[0].local, (address, "*"))
                actor.do("L.close()")
                row = self.listener(cookie, lambda row: row["ended_at"] is not None)
                self.assertLess(row["started_at"], row["ended_at"])

    def test_all_listeners(self):
        """Twenty listeners of three processes: ss and the store name the same."""
        actors = [self.actor() for _ in range(3)]
        for i, actor in enumerate(actors):
            actor.do(f"L = [listen() for _ in range({5 + i * 2})]")
        told = {(sock.local, int(sock.local_port), pid) for sock in oracle.sockets(listening=True)
                for pid in sock.pids if pid in {actor.pid for actor in actors}}
        self.assertEqual(len(told), 21)
        ids = {actor.pid: self.process(actor.pid)["id"] for actor in actors}
        rows = self.store.wait("SELECT l.*, p.pid FROM listeners l JOIN processes p ON p.id = "
                               "l.process_id WHERE l.process_id IN (?, ?, ?)", *ids.values(),
                               until=lambda rows: len(rows) >= 21)
        self.assertEqual({(row["address"], row["port"], row["pid"]) for row in rows}, told)

    def test_listen_without_bind(self):
        """The kernel chooses a port at listen()."""
        actor = self.actor()
        actor.do("L = tcp(); L.listen()")
        port = actor.do("L.getsockname()[1]")
        self.assertGreater(port, 0)
        self.same(self.listener(actor.do("cookie(L)")), address="0.0.0.0", port=port)

    def test_listen_twice(self):
        """A second listen() only changes the backlog."""
        actor = self.actor()
        actor.do("L = listen(); L.listen(7); L.listen(9)")
        self.fence()
        self.same(self.listener(actor.do("cookie(L)")), ended_at=None)

    def test_port_taken(self):
        """A listen() that fails makes no row."""
        actor = self.actor()
        actor.do("L = listen()")
        port = actor.do("L.getsockname()[1]")
        with self.assertRaises(Exception) as caught:
            actor.do(f"listen(port={port})")
        self.assertEqual(caught.exception.errno, 98)
        self.fence()
        rows = self.store.rows("SELECT * FROM listeners WHERE port = ? AND process_id = ?", port,
                               self.process(actor.pid)["id"])
        self.one(rows, "listener")

    def test_reuseport(self):
        """Two processes on one port: two rows, and each connection names its own listener."""
        client, servers = self.actor(), [self.actor(), self.actor()]
        servers[0].do("L = listen(reuseport=True)")
        port = servers[0].do("L.getsockname()[1]")
        servers[1].do(f"L = listen(port={port}, reuseport=True)")
        listeners = [self.listener(server.do("cookie(L)")) for server in servers]
        for server, listener in zip(servers, listeners):
            self.same(listener, process_id=self.process(server.pid)["id"], port=port)
        for server in servers:
            server.do("L.setblocking(False); A = []")
        met = set()
        for _ in range(40):
            client.do(f"C = connect('127.0.0.1', {port})")
            taken = wait_until(lambda: [
                (server, listener) for server, listener in zip(servers, listeners)
                if server.do("bool(select.select([L], [], [], 0)[0]) and "
                             "not A.append(L.accept()[0])")])
            server, listener = taken[0]
            one, other = client.do("facts(C)"), server.do("facts(A[-1])")
            client.do("C.close()")
            server.do("A[-1].close()")
            _, into = self.check_pair(one, other, client.pid, server.pid)
            self.same(into, listener_id=listener["id"])
            met.add(server.pid)
            if len(met) == 2:
                break
        self.assertEqual(len(met), 2, "the kernel chose one listener forty times")

    def test_listener_of_a_killed_process(self):
        actor = self.actor()
        actor.do("L = listen()")
        cookie = actor.do("cookie(L)")
        self.listener(cookie)
        os.kill(actor.pid, 9)
        actor.process.wait()
        row = self.listener(cookie, lambda row: row["ended_at"] is not None)
        process = self.ended(actor.pid)
        self.assertLess(abs(row["ended_at"] - process["ended_at"]), 10 ** 9, show([row, process]))

    def test_listener_outlives_its_maker(self):
        """A child still holds it: no end until that one closes it too."""
        actor = self.actor()
        actor.do("L = listen()")
        cookie, port = actor.do("cookie(L)"), actor.do("L.getsockname()[1]")
        child = actor.fork()
        actor.end()
        self.ended(actor.pid)
        self.fence()
        self.same(self.listener(cookie), ended_at=None)
        client = self.actor()
        client.do(f"C = connect('127.0.0.1', {port})")
        child.do("S = L.accept()[0]")
        one, other = client.do("facts(C)"), child.do("facts(S)")
        client.do("C.close()")
        child.do("S.close(); L.close()")
        self.check_pair(one, other, client.pid, child.pid)
        self.listener(cookie, lambda row: row["ended_at"] is not None)
        child.leave("os._exit(0)")

    def test_socket_passed_in(self):
        """Socket activation: one process listens, another program accepts by inheriting it."""
        actor, client = self.actor(), self.actor()
        actor.do("L = listen()")
        port = actor.do("L.getsockname()[1]")
        code = ("import socket, sys; s = socket.socket(fileno=0); c = s.accept()[0]; "
                "c.sendall(b'welcome'); c.close()")
        pid = actor.do(f"spawn('/usr/bin/python3', ['python3', '-S', '-c', {code!r}], "
                       "fds={0: L.fileno()})")
        client.do(f"C = connect('127.0.0.1', {port})")
        self.assertEqual(client.do("receive(C, 99)"), 7)
        fact = client.do("facts(C)")
        client.do("C.close()")
        actor.call("reap", pid)
        out = self.connection(fact["cookie"], lambda row: row["ended_at"] and row["peer_id"])
        self.same(out, peer_process_id=self.ended(pid)["id"], bytes_received=7)
        self.same(self.listener(actor.do("cookie(L)")), process_id=self.process(actor.pid)["id"])

    def test_against_a_real_server(self):
        """python3 -m http.server and curl, or another client: a real exchange."""
        server = self.start(["/usr/bin/python3", "-u", "-m", "http.server", "--bind", "127.0.0.1",
                             "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            cwd=self.directory)
        self.write("page", "x" * 5000)
        port = int(server.stdout.readline().split()[5])
        client = self.start(["/usr/bin/python3", "-S", "-c", "import urllib.request as u; "
                             f"print(len(u.urlopen('http://127.0.0.1:{port}/page').read()))"],
                            stdout=subprocess.PIPE)
        self.assertEqual(client.stdout.read(), b"5000\n")
        client.wait()
        out = self.one(self.store.wait(
            "SELECT * FROM connections WHERE remote_port = ? AND direction = 'out' AND ended_at IS "
            "NOT NULL AND peer_id IS NOT NULL", port), "client's connection")
        self.same(out, process_id=self.ended(client.pid)["id"], state="closed",
                  peer_process_id=self.process(server.pid)["id"])
        self.assertGreater(out["bytes_received"], 5000)
