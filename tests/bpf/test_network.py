# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP connections of this host: both ends, their owners, bytes, times, ends."""
import ipaddress
import os
import subprocess


import oracle
from harness import RecordedCase, show, wait_until


def plain(address):
    """An address as the store has it: canonical, IPv4 where it is mapped into IPv6."""
    address = ipaddress.ip_address(address.partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)


class NetworkCase(RecordedCase):
    """What tests of connections share: asking for rows by the socket's cookie."""

    def connections(self, cookie):
        return self.store.rows("SELECT * FROM connections WHERE cookie = ? ORDER BY id", cookie)

    def connection(self, cookie, until=lambda row: True):
        """The one row of a socket, once until(row) holds."""
        rows = []

        def condition():
            rows[:] = self.connections(cookie)
            return len(rows) == 1 and until(rows[0])
        wait_until(condition)
        row = self.one(rows, f"connection with cookie {cookie}")
        if not until(row):
            self.fail(f"the connection is not as awaited:\n{show(rows)}")
        return row

    def over(self, cookie):
        return self.connection(cookie, lambda row: row["ended_at"] is not None)

    def listener(self, cookie, until=lambda row: True):
        rows = self.store.wait("SELECT * FROM listeners WHERE cookie = ?", cookie,
                               until=lambda rows: len(rows) == 1 and until(rows[0]))
        row = self.one(rows, f"listener with cookie {cookie}")
        if not until(row):
            self.fail(f"the listener is not as awaited:\n{show(rows)}")
        return row

    def meet(self, server, client, address="127.0.0.1", bound=None):
        """client connects to server at that address: facts of both ends. In the actors the sockets
        are L, S (server) and C (client)."""
        server.do(f"L = listen({bound or address!r})")
        port = server.do("L.getsockname()[1]")
        client.do(f"C = connect({address!r}, {port})")
        server.do("S = L.accept()[0]")
        return client.do("facts(C)"), server.do("facts(S)")

    def check_tuple(self, row, facts):
        self.same(row, local_address=plain(facts["local"][0]), local_port=facts["local"][1],
                  remote_address=plain(facts["remote"][0]), remote_port=facts["remote"][1],
                  protocol="tcp")

    def check_order(self, row):
        times = [row[name] for name in ("started_at", "established_at", "ended_at")
                 if row[name] is not None]
        self.assertEqual(times, sorted(times), show([row]))
        self.assertGreaterEqual(times[0], self.began - 50_000_000, show([row]))

    def check_pair(self, client, server, client_pid, server_pid, there=0, back=0, ended=True,
                   states=("closed", "closed")):
        """Both rows of a connection against both ends' facts; the rows. `there` bytes went from
        the client to the server, `back` the other way."""
        def awaited(row):
            return row["peer_id"] is not None and (not ended or row["ended_at"] is not None)
        out = self.connection(client["cookie"], awaited)
        into = self.connection(server["cookie"], awaited)
        self.check_tuple(out, client)
        self.check_tuple(into, server)
        one, other = self.process(client_pid)["id"], self.process(server_pid)["id"]
        self.same(out, direction="out", process_id=one, peer_id=into["id"], peer_process_id=other)
        self.same(into, direction="in", process_id=other, peer_id=out["id"], peer_process_id=one)
        if ended:
            self.same(out, state=states[0], bytes_sent=there, bytes_received=back)
            self.same(into, state=states[1], bytes_sent=back, bytes_received=there)
        for row in (out, into):
            self.assertIsNotNone(row["established_at"], show([row]))
            self.same(row, origin="event")
            self.check_order(row)
        self.check_edge(out, into)
        return out, into

    def check_edge(self, out, into):
        """client -> server, with one of the two rows as its evidence."""
        if out["process_id"] == into["process_id"]:
            return
        edges = self.store.wait(
            "SELECT * FROM edges WHERE kind = 'connect' AND src = ? AND dst = ? AND "
            "connection_id IN (?, ?)", out["process_id"], into["process_id"], out["id"],
            into["id"])
        edge = self.one(edges, "connect edge")
        self.assertGreaterEqual(edge["at"], out["started_at"], show([edge, out]))
        self.assertGreaterEqual(edge["last_at"], edge["at"], show([edge]))


class Network(NetworkCase):
    def exchange(self, server, client, there, back):
        client.do(f"C.sendall(b'x' * {there})")
        self.assertEqual(server.do(f"receive(S, {there})"), there)
        server.do(f"S.sendall(b'y' * {back})")
        self.assertEqual(client.do(f"receive(C, {back})"), back)

    def check_address(self, address, bound=None):
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client, address, bound)
        self.exchange(server, client, 1234, 56789)
        client.do("C.close()")
        self.assertTrue(server.do("at_end(S)"))
        server.do("S.close()")
        out, into = self.check_pair(one, other, client.pid, server.pid, 1234, 56789)
        listener = self.listener(server.do("cookie(L)"))
        self.same(into, listener_id=listener["id"])
        self.same(out, listener_id=None, error=None)
        return out, into

    def test_ipv4(self):
        out, _ = self.check_address("127.0.0.1")
        self.same(out, remote_address="127.0.0.1",
                  net_ns=oracle.namespace(os.getpid(), "net"))

    def test_ipv4_another_loopback_address(self):
        self.check_address("127.200.3.4")

    def test_ipv6(self):
        out, _ = self.check_address("::1")
        self.same(out, remote_address="::1", local_address="::1")

    def test_v4_mapped_both(self):
        """An IPv6 socket that speaks IPv4 is stored as IPv4."""
        out, into = self.check_address("::ffff:127.0.0.1")
        self.same(out, remote_address="127.0.0.1", local_address="127.0.0.1")
        self.same(into, remote_address="127.0.0.1", local_address="127.0.0.1")

    def test_v4_client_of_a_dual_stack_server(self):
        _, into = self.check_address("127.0.0.1", bound="::")
        self.same(into, remote_address="127.0.0.1", local_address="127.0.0.1")

    def test_v4_mapped_client_of_a_v4_server(self):
        server, client = self.actor(), self.actor()
        server.do("L = listen('127.0.0.1')")
        client.do(f"C = connect('::ffff:127.0.0.1', {server.do('L.getsockname()[1]')})")
        server.do("S = L.accept()[0]")
        one, other = client.do("facts(C)"), server.do("facts(S)")
        client.do("C.close()")
        server.do("S.close()")
        self.check_pair(one, other, client.pid, server.pid)

    def test_nothing_sent(self):
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        server.do("S.close()")
        client.do("C.close()")
        self.check_pair(one, other, client.pid, server.pid, 0, 0)

    def test_many_bytes(self):
        """8 MiB one way, 3 MiB and a byte the other, at the same time."""
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        there, back = 8 << 20, (3 << 20) + 1
        for actor, sock, send, take in ((server, "S", back, there), (client, "C", there, back)):
            actor.do("import threading")
            actor.do(f"t = threading.Thread(target=lambda: {sock}.sendall(b'z' * {send}))")
            actor.do(f"u = threading.Thread(target=lambda: got.append(receive({sock}, {take})))")
            actor.do("got = []; t.start(); u.start()")
        for actor in (server, client):
            actor.do("t.join(); u.join()")
        self.assertEqual((server.do("got"), client.do("got")), ([there], [back]))
        client.do("C.close()")
        server.do("S.close()")
        self.check_pair(one, other, client.pid, server.pid, there, back)

    def test_half_close(self):
        """The client says it is done; the server goes on sending."""
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        client.do("C.sendall(b'x' * 100); C.shutdown(socket.SHUT_WR)")
        self.assertEqual(server.do("receive(S, 101)"), 100)
        server.do("S.sendall(b'y' * 70000)")
        self.assertEqual(client.do("receive(C, 70000)"), 70000)
        server.do("S.close()")
        self.assertTrue(client.do("at_end(C)"))
        client.do("C.close()")
        self.check_pair(one, other, client.pid, server.pid, 100, 70000)

    def test_server_closes_first(self):
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        self.exchange(server, client, 5, 6)
        server.do("S.close()")
        self.assertTrue(client.do("at_end(C)"))
        client.do("C.close()")
        self.check_pair(one, other, client.pid, server.pid, 5, 6)

    def test_open_connection(self):
        """Both rows while the connection is open, against ss."""
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        out, into = self.check_pair(one, other, client.pid, server.pid, ended=False)
        for row, pid in ((out, client.pid), (into, server.pid)):
            self.same(row, state="open", ended_at=None, error=None)
            told = [sock for sock in oracle.sockets() if sock.cookie == row["cookie"]]
            self.assertEqual(len(told), 1, told)
            self.assertEqual((told[0].state, told[0].local, told[0].local_port, told[0].remote,
                              told[0].remote_port, told[0].pids),
                             ("ESTAB", row["local_address"], str(row["local_port"]),
                              row["remote_address"], str(row["remote_port"]), {pid}))

    # -- resets --

    def test_reset_by_client(self):
        """The victim's row says reset and why; bytes are exact on both sides."""
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        self.exchange(server, client, 4000, 30)
        client.do("reset(C)")
        with self.assertRaises(Exception):
            server.do("S.recv(1)")
        server.do("S.close()")
        into = self.over(other["cookie"])
        self.same(into, state="reset", error="ECONNRESET")
        self.assertIn(self.over(one["cookie"])["state"], ("closed", "reset"))
        out = self.over(one["cookie"])
        self.check_pair(one, other, client.pid, server.pid, 4000, 30,
                        states=(out["state"], "reset"))

    def test_reset_by_server(self):
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        self.exchange(server, client, 10, 20)
        server.do("reset(S)")
        with self.assertRaises(Exception):
            client.do("C.recv(1)")
        client.do("C.close()")
        self.same(self.over(one["cookie"]), state="reset", error="ECONNRESET")
        into = self.over(other["cookie"])
        self.check_pair(one, other, client.pid, server.pid, 10, 20, states=("reset", into["state"]))

    def test_closed_with_unread_data(self):
        """close() with data unread resets the peer."""
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        client.do("C.sendall(b'x' * 500)")
        self.assertTrue(server.do("bool(select.select([S], [], [], 10)[0])"))
        server.do("S.close()")
        with self.assertRaises(Exception):
            client.do("C.recv(1)")
        client.do("C.close()")
        self.same(self.over(one["cookie"]), state="reset", error="ECONNRESET", bytes_sent=500)
        self.same(self.over(other["cookie"]), bytes_received=500)

    def test_killed_process(self):
        """A killed process's connections end with it; the peer sees an orderly close."""
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        self.exchange(server, client, 1, 2)
        os.kill(client.pid, 9)
        client.process.wait()
        self.assertTrue(server.do("at_end(S)"))
        server.do("S.close()")
        self.check_pair(one, other, client.pid, server.pid, 1, 2)

    # -- many --

    def test_200_at_once(self):
        """Four clients with 50 connections each, all open at the same time."""
        server = self.actor()
        server.do("L = listen()")
        port = server.do("L.getsockname()[1]")
        clients = [self.actor() for _ in range(4)]
        for client in clients:
            client.do("import threading")
            client.do("C = [tcp() for _ in range(50)]")
            client.do("T = [threading.Thread(target=c.connect, args=(('127.0.0.1', "
                      f"{port}),)) for c in C]")
            client.do("[t.start() for t in T] and None")
        server.do("S = [L.accept()[0] for _ in range(200)]")
        for client in clients:
            client.do("[t.join() for t in T] and None")
            client.do("[c.sendall(b'.' * (i + 1)) for i, c in enumerate(C)] and None")
        accepted = {tuple(fact["remote"]): fact for fact in server.do("[facts(s) for s in S]")}
        facts = [(client, i, fact) for client in clients
                 for i, fact in enumerate(client.do("[facts(c) for c in C]"))]
        for client in clients:
            client.do("[c.close() for c in C] and None")
        server.do("[receive(s, 99) for s in S] and None")
        server.do("[s.close() for s in S] and None")
        self.assertEqual(len(accepted), 200)
        for client, i, fact in facts:
            self.check_pair(fact, accepted[tuple(fact["local"])], client.pid, server.pid, i + 1, 0)
        self.fence()
        rows = self.store.rows("SELECT * FROM connections WHERE local_port = ? OR remote_port = ?",
                               port, port)
        self.assertEqual(len(rows), 400)
        self.no_losses()

    def test_200_short_ones(self):
        """One after the other, each closed at once: ports in TIME_WAIT, cookies never repeat."""
        server, client = self.actor(), self.actor()
        server.do("L = listen()")
        port = server.do("L.getsockname()[1]")
        server.do("import threading; seen = []")
        server.do("def work():\n"
                  "    for _ in range(200):\n"
                  "        s = L.accept()[0]; seen.append(facts(s)); receive(s, 99); s.close()")
        server.do("t = threading.Thread(target=work); t.start()")
        sent = client.do(f"""[(c := connect('127.0.0.1', {port}), facts(c), c.sendall(b'abc'),
                             c.close())[1] for _ in range(200)]""")
        server.do("t.join()")
        accepted = {tuple(fact["remote"]): fact for fact in server.do("seen")}
        for fact in sent:
            self.check_pair(fact, accepted[tuple(fact["local"])], client.pid, server.pid, 3, 0)
        self.no_losses()

    # -- who holds the server's end --

    def test_accept_in_forked_worker(self):
        """The worker that accepts did not make the listener."""
        master, client = self.actor(), self.actor()
        master.do("L = listen()")
        port = master.do("L.getsockname()[1]")
        worker = master.fork()
        client.do(f"C = connect('127.0.0.1', {port})")
        worker.do("S = L.accept()[0]")
        one, other = client.do("facts(C)"), worker.do("facts(S)")
        client.do("C.close()")
        worker.do("S.close()")
        _, into = self.check_pair(one, other, client.pid, worker.pid)
        listener = self.listener(master.do("cookie(L)"))
        self.same(listener, process_id=self.process(master.pid)["id"])
        self.same(into, listener_id=listener["id"])

    def test_preforked_workers(self):
        """Four workers accept from one listener; each row names the one that did."""
        master, client = self.actor(), self.actor()
        master.do("L = listen()")
        port = master.do("L.getsockname()[1]")
        workers = [master.fork() for _ in range(4)]
        pairs = []
        for worker in workers * 3:
            client.do(f"C = connect('127.0.0.1', {port})")
            worker.do("S = L.accept()[0]")
            pairs.append((client.do("facts(C)"), worker.do("facts(S)"), worker))
            client.do("C.close()")
            worker.do("S.close()")
        for one, other, worker in pairs:
            self.check_pair(one, other, client.pid, worker.pid)

    def test_accept_nonblocking(self):
        server, client = self.actor(), self.actor()
        server.do("L = listen(); L.setblocking(False)")
        with self.assertRaises(Exception):
            server.do("L.accept()")
        client.do(f"C = connect('127.0.0.1', {server.do('L.getsockname()[1]')})")
        server.do("select.select([L], [], [], 10)")
        server.do("S = L.accept()[0]")
        one, other = client.do("facts(C)"), server.do("facts(S)")
        client.do("C.close()")
        server.do("S.close()")
        self.check_pair(one, other, client.pid, server.pid)

    def test_accept_after_the_client_has_left(self):
        """Connected, written and closed before anyone accepts."""
        server, client = self.actor(), self.actor()
        server.do("L = listen()")
        client.do(f"C = connect('127.0.0.1', {server.do('L.getsockname()[1]')})")
        one = client.do("facts(C)")
        client.do("C.sendall(b'early'); C.close()")
        server.do("S = L.accept()[0]")
        self.assertEqual(server.do("receive(S, 99)"), 5)
        other = server.do("facts(S)")
        server.do("S.close()")
        self.check_pair(one, other, client.pid, server.pid, 5, 0)

    def test_accept_after_the_client_has_died(self):
        server, client = self.actor(), self.actor()
        server.do("L = listen()")
        client.do(f"C = connect('127.0.0.1', {server.do('L.getsockname()[1]')})")
        one = client.do("facts(C)")
        client.end()
        self.ended(client.pid)
        server.do("S = L.accept()[0]")
        other = server.do("facts(S)")
        server.do("S.close()")
        self.check_pair(one, other, client.pid, server.pid)

    def test_never_accepted(self):
        """The server's end is its listener's owner's, and ends with the listener."""
        server, client = self.actor(), self.actor()
        server.do("L = listen()")
        client.do(f"C = connect('127.0.0.1', {server.do('L.getsockname()[1]')})")
        one = client.do("facts(C)")
        client.do("C.sendall(b'hello?')")
        server.do("L.close()")
        with self.assertRaises(Exception):
            client.do("C.recv(1)")
        client.do("C.close()")
        out = self.connection(one["cookie"], lambda row: row["ended_at"] is not None)
        self.same(out, state="reset", error="ECONNRESET", bytes_sent=6)
        rows = self.store.wait("SELECT * FROM connections WHERE local_port = ? AND remote_port = ?",
                               one["remote"][1], one["local"][1],
                               until=lambda rows: rows and rows[0]["ended_at"])
        into = self.one(rows, "server's end")
        owner = self.process(server.pid)["id"]
        self.same(into, direction="in", process_id=owner, peer_id=out["id"],
                  peer_process_id=out["process_id"])
        self.assertIsNotNone(into["ended_at"], show([into]))
        self.same(out, peer_id=into["id"], peer_process_id=owner)

    # -- sockets that change hands --

    def test_inherited_across_fork_and_exec(self):
        """Opened by one, used and closed by a program that it started."""
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        client.do("C.set_inheritable(True)")
        pid = client.do("spawn('/bin/echo', ['echo', 'from the child'], fds={1: C.fileno()})")
        client.do("C.close()")
        client.call("reap", pid)
        self.assertEqual(server.do("receive(S, 99)"), 15)
        server.do("S.close()")
        self.check_pair(one, other, client.pid, server.pid, 15, 0)
        self.assertRegex(self.exec(pid)["stdout"], r"^socket:\[\d+\]$")

    def test_closed_by_another_than_the_owner(self):
        """The one that connected is gone; its child keeps the connection, and ends it."""
        server, client = self.actor(), self.actor()
        one, other = self.meet(server, client)
        child = client.fork()
        client.end()
        gone = self.ended(client.pid)
        child.do("C.sendall(b'still here')")
        self.fence()
        self.same(self.connection(one["cookie"]), state="open", ended_at=None)
        child.do("C.close()")
        self.assertEqual(server.do("receive(S, 99)"), 10)
        server.do("S.close()")
        out, _ = self.check_pair(one, other, client.pid, server.pid, 10, 0)
        self.assertGreater(out["ended_at"], gone["ended_at"], show([out, gone]))
        child.leave("os._exit(0)")

    def test_client_connects_then_execs(self):
        """As a shell's /dev/tcp does: one process before and after."""
        server = self.actor()
        server.do("L = listen()")
        port = server.do("L.getsockname()[1]")
        shell = self.start(["/bin/bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}; exec cat <&3"],
                           stdout=subprocess.DEVNULL)
        server.do("S = L.accept()[0]")
        other = server.do("facts(S)")
        server.do("S.sendall(b'x' * 333); S.close()")
        self.assertEqual(shell.wait(), 0)
        into = self.over(other["cookie"])
        client = self.ended(shell.pid)
        self.same(into, peer_process_id=client["id"], bytes_sent=333)
        self.same(client, comm="cat", exec_count=2)
        out = self.one(self.store.rows("SELECT * FROM connections WHERE id = ?", into["peer_id"]),
                       "client's end")
        self.same(out, process_id=client["id"], bytes_received=333, state="closed")

    # -- a process and itself --

    def test_to_its_own_listener(self):
        actor = self.actor()
        actor.do("L = listen()")
        actor.do("C = connect('127.0.0.1', L.getsockname()[1])")
        actor.do("S = L.accept()[0]")
        one, other = actor.do("facts(C)"), actor.do("facts(S)")
        actor.do("C.sendall(b'me'); C.close()")
        self.assertEqual(actor.do("receive(S, 99)"), 2)
        actor.do("S.close()")
        self.check_pair(one, other, actor.pid, actor.pid, 2, 0)

    def test_self_connect(self):
        """One socket connected to itself: one row."""
        actor = self.actor()
        actor.do("C = tcp(); C.bind(('127.0.0.1', 0))")
        actor.do("C.connect(C.getsockname())")
        fact = actor.do("facts(C)")
        self.assertEqual(fact["local"], fact["remote"])
        actor.do("C.sendall(b'mirror')")
        self.assertEqual(actor.do("receive(C, 6)"), 6)
        actor.do("C.close()")
        row = self.over(fact["cookie"])
        self.check_tuple(row, fact)
        self.same(row, state="closed", bytes_sent=6, bytes_received=6,
                  process_id=self.process(actor.pid)["id"])
        self.assertIsNotNone(row["established_at"], show([row]))
        self.assertIn(row["peer_id"], (None, row["id"]), show([row]))

    # -- TCP Fast Open --

    def test_fast_open(self):
        """Data in the SYN, with no connect() at all."""
        server, client = self.actor(), self.actor()
        with open("/proc/sys/net/ipv4/tcp_fastopen") as setting:
            if int(setting.read()) & 1 == 0:
                self.skipTest("tcp_fastopen is off")
        # The setting for servers is the namespace's own: both play in a fresh one.
        server.do("unshare(CLONE_NEWNET)")
        subprocess.run(["/usr/bin/nsenter", f"--net=/proc/{server.pid}/ns/net", "/bin/sh", "-c",
                        "ip link set lo up && echo 3 >/proc/sys/net/ipv4/tcp_fastopen"], check=True)
        client.do(f"enter_namespace('/proc/{server.pid}/ns/net', CLONE_NEWNET)")
        server.do("L = listen(); L.setsockopt(socket.IPPROTO_TCP, 23, 16)")
        port = server.do("L.getsockname()[1]")
        for round in (1, 2):  # the first gets the cookie, the second sends in its SYN
            client.do("C = tcp()")
            client.do(f"C.sendto(b'fast!', 0x20000000, ('127.0.0.1', {port}))")
            server.do("S = L.accept()[0]")
            self.assertEqual(server.do("receive(S, 5)"), 5)
            one, other = client.do("facts(C)"), server.do("facts(S)")
            client.do("C.close()")
            self.assertTrue(server.do("at_end(S)"))
            server.do("S.close()")
            with self.subTest(round=round):
                self.check_pair(one, other, client.pid, server.pid, 5, 0)
