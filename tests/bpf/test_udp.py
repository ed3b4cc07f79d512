# SPDX-License-Identifier: GPL-3.0-or-later
"""UDP: flows, their bytes, directions, ends and processes; bound sockets."""
import os
import struct
import subprocess
import sys

import oracle
from harness import Build, show
from test_namespaces import CLIENT, SERVER, Namespaces
from test_network import NetworkCase, plain
from test_scan import OwnRecorderCase

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden"))
import recording  # noqa: E402


class UdpCase(NetworkCase):
    def flows(self, cookie):
        return self.store.rows("SELECT * FROM connections WHERE protocol = 'udp' AND cookie = ? "
                               "ORDER BY id", cookie)

    def flow(self, cookie, until=lambda row: True):
        row = self.connection(cookie, until)
        self.same(row, protocol="udp")
        return row

    def counted(self, cookie, sent, received):
        """The only flow of a socket, once it has those bytes: never a moment more."""
        return self.flow(cookie, lambda row: (row["bytes_sent"], row["bytes_received"]) ==
                         (sent, received))

    def helper(self, *argv):
        return self.start([Build.helper("datagrams"), *map(str, argv)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE)

    def sink(self):
        """A receiver in C: the process, its facts."""
        sink = self.helper("sink", 0)
        return sink, self.facts(sink.stdout, 2)

    def finish(self, process, lines):
        """Ends a helper; what it says then."""
        process.stdin.close()
        process.stdin = None
        facts = self.facts(process.stdout, lines)
        process.wait(20)
        return facts

    def check_ends(self, client, server, address, bound=None):
        """An unconnected client asks a bound server, which answers: both rows."""
        server.do(f"S = udp({bound or address!r}, 0)")
        port = server.do("S.getsockname()[1]")
        client.do(f"C = udp({address!r})")
        client.do(f"C.sendto(b'x' * 100, ({address!r}, {port}))")
        client.do(f"C.sendto(b'', ({address!r}, {port}))")
        peer = server.do("[S.recvfrom(999) for _ in range(2)][0][1]")
        server.do(f"S.sendto(b'y' * 250, {tuple(peer)!r})")
        self.assertEqual(client.do("len(C.recv(999))"), 250)
        one, other = client.do("cookie(C)"), server.do("cookie(S)")
        out, into = self.counted(one, 100, 250), self.counted(other, 250, 100)
        out = self.flow(one, lambda row: row["peer_id"] is not None)
        into = self.flow(other, lambda row: row["peer_id"] is not None)
        listener = self.listener(other)
        client_id, server_id = (self.process(actor.pid)["id"] for actor in (client, server))
        self.same(out, direction="out", state="open", process_id=client_id, ended_at=None,
                  remote_address=plain(address), remote_port=port, local_port=peer[1],
                  local_address=plain(peer[0]), peer_id=into["id"], peer_process_id=server_id,
                  listener_id=None, origin="event", error=None,
                  net_ns=oracle.namespace(client.pid, "net"))
        self.same(into, direction="in", state="open", process_id=server_id, ended_at=None,
                  local_address=plain(address), local_port=port, remote_port=peer[1],
                  remote_address=plain(peer[0]), peer_id=out["id"], peer_process_id=client_id,
                  listener_id=listener["id"], origin="event")
        self.same(listener, protocol="udp", port=port, process_id=server_id,
                  address=plain(bound or address))
        self.check_edge(out, into)
        return out, into


class Udp(UdpCase):
    def check_closed(self, client, server, out, into):
        client.do("C.close()")
        server.do("S.close()")
        for row in (out, into):
            over = self.over(row["cookie"])
            self.same(over, id=row["id"], state="closed", bytes_sent=row["bytes_sent"],
                      bytes_received=row["bytes_received"], peer_id=row["peer_id"])
            self.assertLessEqual(over["started_at"], over["ended_at"], show([over]))
        self.listener(into["cookie"], lambda row: row["ended_at"] is not None)

    def test_udp_ipv4(self):
        client, server = self.actor(), self.actor()
        self.check_closed(client, server, *self.check_ends(client, server, "127.0.0.1"))

    def test_udp_wildcard(self):
        client, server = self.actor(), self.actor()
        _, into = self.check_ends(client, server, "127.0.0.1", bound="0.0.0.0")
        self.same(into, local_address="127.0.0.1")

    def test_udp_ipv6(self):
        client, server = self.actor(), self.actor()
        self.check_closed(client, server, *self.check_ends(client, server, "::1"))

    def test_udp_v4_mapped(self):
        """IPv6 sockets that speak IPv4 are stored as IPv4."""
        client, server = self.actor(), self.actor()
        out, _ = self.check_ends(client, server, "::ffff:127.0.0.1", bound="::")
        self.same(out, remote_address="127.0.0.1", local_address="127.0.0.1")

    def test_udp_connected(self):
        """connect() and send(); to a port where nobody is, too: that is a flow, and no edge."""
        client, server = self.actor(), self.actor()
        server.do("S = udp('127.0.0.1', 0)")
        port = server.do("S.getsockname()[1]")
        client.do(f"C = udp(); C.connect(('127.0.0.1', {port})); C.send(b'z' * 1000)")
        self.assertEqual(server.do("len(S.recv(9999))"), 1000)
        row = self.counted(client.do("cookie(C)"), 1000, 0)
        self.same(row, direction="out", remote_port=port,
                  local_port=client.do("C.getsockname()[1]"))
        server.do("S.close()")
        client.do(f"D = udp(); D.connect(('127.0.0.1', {port})); D.send(b'z' * 33)")
        row = self.counted(client.do("cookie(D)"), 33, 0)
        self.same(row, direction="out", peer_id=None)
        self.none(self.store.rows("SELECT * FROM edges WHERE connection_id = ?", row["id"]),
                  "edges to nobody")

    def test_udp_silent_sockets(self):
        """A bound socket nobody talks to is a listener and no flow; one that was only made, or
        connected without a word, is neither."""
        actor = self.actor()
        actor.do("B = udp('127.0.0.1', 0)")
        actor.do("N = udp(); M = udp(); M.connect(('127.0.0.1', 9))")
        cookies = [actor.do(f"cookie({name})") for name in "BNM"]
        listener = self.listener(cookies[0])
        self.same(listener, protocol="udp", address="127.0.0.1", origin="event", ended_at=None,
                  port=actor.do("B.getsockname()[1]"), process_id=self.process(actor.pid)["id"],
                  net_ns=oracle.namespace(actor.pid, "net"))
        told = [sock for sock in oracle.sockets(kind="-u") if sock.cookie == cookies[0]]
        self.assertEqual([(sock.local, int(sock.local_port), sock.pids) for sock in told],
                         [("127.0.0.1", listener["port"], {actor.pid})])
        actor.do("B.close(); N.close(); M.close()")
        self.listener(cookies[0], lambda row: row["ended_at"] is not None)
        for cookie in cookies:
            self.none(self.flows(cookie), "flows of a silent socket")
        for cookie in cookies[1:]:
            self.none(self.store.rows("SELECT * FROM listeners WHERE cookie = ?", cookie),
                      "listeners")

    def test_udp_bound_then_connected(self):
        """It waits for nobody but its peer from then on."""
        actor, server = self.actor(), self.actor()
        server.do("S = udp('127.0.0.1', 0)")
        actor.do("B = udp('127.0.0.1', 0)")
        self.same(self.listener(actor.do("cookie(B)")), ended_at=None)
        actor.do(f"B.connect(('127.0.0.1', {server.do('S.getsockname()[1]')})); B.send(b'hi')")
        self.listener(actor.do("cookie(B)"), lambda row: row["ended_at"] is not None)
        self.same(self.listener(server.do("cookie(S)")), ended_at=None)

    def test_udp_many_peers(self):
        """One socket, 300 peers: a row each, its own bytes; closing ends them all."""
        actor, other = self.actor(), self.actor()
        other.do("R = [udp('127.0.0.1', 0) for _ in range(300)]")
        ports = other.do("[sock.getsockname()[1] for sock in R]")
        actor.do("C = udp()")
        actor.do(f"[C.sendto(b'x' * (i + 1), ('127.0.0.1', port)) for i, port in "
                 f"enumerate({ports!r})]")
        actor.do(f"C.sendto(b'again', ('127.0.0.1', {ports[7]}))")
        wanted = {port: i + 1 + 5 * (i == 7) for i, port in enumerate(ports)}
        cookie = actor.do("cookie(C)")

        def as_sent():
            rows = self.flows(cookie)
            return len(rows) >= 300 and wanted == {
                row["remote_port"]: row["bytes_sent"] for row in rows}
        self.soon(as_sent, f"each flow has what was sent: {show(self.flows(cookie))}")
        self.assertEqual(len(self.flows(cookie)), 300)
        actor.do("C.close()")
        self.soon(lambda: all(row["state"] == "closed" for row in self.flows(cookie)),
                  "every flow has ended")
        self.assertTrue(as_sent())

    def test_udp_short_life(self):
        """A question, an answer, the end, within a moment: everything is in the row."""
        server, client = self.actor(), self.actor()
        server.do("S = udp('127.0.0.1', 0)")
        server.do("import threading")
        server.do("def echo():\n  for _ in range(50):\n    data, peer = S.recvfrom(99); "
                  "S.sendto(data * 2, peer)")
        server.do("T = threading.Thread(target=echo); T.start()")
        client.do("def ask(port):\n  with udp() as sock:\n    sock.connect(('127.0.0.1', port)); "
                  "sock.send(b'12345'); sock.recv(99); return cookie(sock)")
        cookies = client.do(f"[ask({server.do('S.getsockname()[1]')}) for _ in range(50)]")
        server.do("T.join()")
        for cookie in cookies:
            row = self.over(cookie)
            self.same(row, bytes_sent=5, bytes_received=10, state="closed", direction="out")
            self.assertLess(row["started_at"], row["ended_at"])

    def test_udp_large(self):
        """Fragmented, corked and gathered datagrams: the payload counts, whatever it was cut into."""
        server, client = self.actor(), self.actor()
        server.do("S = udp('127.0.0.1', 0)")
        port = server.do("S.getsockname()[1]")
        client.do(f"C = udp(); C.connect(('127.0.0.1', {port}))")
        client.do("C.send(b'f' * 65507)")
        client.do("C.send(b'm' * 100, socket.MSG_MORE); C.send(b'm' * 3000, socket.MSG_MORE); "
                  "C.send(b'm' * 7)")
        client.do("C.sendmsg([b'a' * 10, b'b' * 20])")
        self.assertEqual(server.do("[len(S.recv(70000)) for _ in range(3)]"), [65507, 3107, 30])
        total = 65507 + 3107 + 30
        self.counted(client.do("cookie(C)"), total, 0)
        self.counted(server.do("cookie(S)"), 0, total)

    def test_udp_headers_with_options(self):
        """Options of IPv4, extension headers of IPv6: the ports are behind them."""
        server, client = self.actor(), self.actor()
        cases = (("127.0.0.1", "socket.IPPROTO_IP, 4", b"\x01" * 8),
                 ("::1", "socket.IPPROTO_IPV6, 54", bytes([0, 0, 1, 4, 0, 0, 0, 0])),
                 ("::1", "socket.IPPROTO_IPV6, 59", bytes([0, 1, 0x1e, 12, *[0] * 12])))
        for address, option, value in cases:
            with self.subTest(address=address, option=option):
                server.do(f"S = udp({address!r}, 0)")
                port = server.do("S.getsockname()[1]")
                client.do(f"C = udp({address!r}); C.setsockopt({option}, {value!r})")
                client.do(f"C.sendto(b'o' * 77, ({address!r}, {port}))")
                self.assertEqual(server.do("len(S.recv(999))"), 77)
                self.same(self.counted(client.do("cookie(C)"), 77, 0), remote_port=port)
                self.same(self.counted(server.do("cookie(S)"), 0, 77), local_port=port)

    def test_udp_multicast(self):
        """To a group that two sockets have joined: sent once, received by each."""
        sender, takers = self.actor(), [self.actor() for _ in range(2)]
        group = "239.255.77.1"
        for taker in takers:
            taker.do("G = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)")
            taker.do("G.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)")
            taker.do("G.settimeout(10); G.bind(('', 45077))")
            taker.do(f"G.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, "
                     f"socket.inet_aton({group!r}) + socket.inet_aton('127.0.0.1'))")
        sender.do("C = udp(); C.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, "
                  "socket.inet_aton('127.0.0.1'))")
        sender.do(f"C.sendto(b'g' * 60, ({group!r}, 45077))")
        out = self.counted(sender.do("cookie(C)"), 60, 0)
        self.same(out, direction="out", remote_address=group)
        for taker in takers:
            self.assertEqual(taker.do("len(G.recv(99))"), 60)
            row = self.counted(taker.do("cookie(G)"), 0, 60)
            self.same(row, direction="in", local_address=group, remote_address="127.0.0.1",
                      process_id=self.process(taker.pid)["id"], peer_id=out["id"])

    def test_udp_passed_on(self):
        """A socket that a parent has bound and a child answers on is the child's."""
        parent, client = self.actor(), self.actor()
        parent.do("S = udp('127.0.0.1', 0)")
        port, cookie = parent.do("S.getsockname()[1]"), parent.do("cookie(S)")
        child = parent.fork()
        client.do(f"C = udp(); C.sendto(b'question', ('127.0.0.1', {port}))")
        row = self.counted(cookie, 0, 8)
        self.same(row, process_id=self.process(parent.pid)["id"])
        peer = child.do("S.recvfrom(99)[1]")
        child.do(f"S.sendto(b'answer', {tuple(peer)!r})")
        taken = self.process(child.pid)["id"]
        self.same(self.flow(cookie, lambda row: row["process_id"] == taken), id=row["id"])
        out = self.flow(client.do("cookie(C)"), lambda row: row["peer_process_id"] == taken)
        edges = self.store.wait("SELECT * FROM edges WHERE kind = 'connect' AND connection_id = ?",
                                out["id"], until=lambda rows: rows and rows[0]["dst"] == taken)
        self.same(self.one(edges, "edge"), dst=taken, src=self.process(client.pid)["id"])

    def test_udp_held_by_an_exec(self):
        """A program whose standard input is the socket of a flow holds it."""
        actor, server = self.actor(), self.actor()
        server.do("S = udp('127.0.0.1', 0)")
        actor.do(f"C = udp(); C.connect(('127.0.0.1', {server.do('S.getsockname()[1]')})); "
                 "C.send(b'first')")
        row = self.counted(actor.do("cookie(C)"), 5, 0)
        held = self.hold(actor=actor, fds="{0: C.fileno(), 1: report}")
        process = self.process(held.pid)
        holder = self.one(self.store.wait("SELECT * FROM holders WHERE connection_id = ?",
                                          row["id"]), "holder")
        self.same(holder, process_id=process["id"], how="stdio")
        held.release()

    def flood(self, count, size, batch, peers, *more):
        sender = self.helper("send", "127.0.0.1", self.port, count, size, batch, peers, *more)
        facts = self.facts(sender.stdout, 5)
        if not facts and sender.wait(10) == 77:
            self.skipTest("this kernel has no UDP_SEGMENT")
        return sender, facts

    def test_udp_flood(self):
        """A million datagrams by sendmmsg() are one row at each end, exact to the byte."""
        sink, there = self.sink()
        self.port = there["port"]
        sender, facts = self.flood(1_000_000, 41, 64, 1)
        self.assertEqual(facts["sent"], 1_000_000)
        out = self.counted(facts["cookie"], facts["bytes"], 0)
        self.same(out, process_id=self.process(sender.pid)["id"], local_port=facts["port"])
        self.finish(sender, 0)
        taken = self.finish(sink, 2)
        # What finds the queue of its socket full has come too, and is thrown away unread.
        into = self.over(there["cookie"])
        self.assertEqual(into["bytes_received"], facts["bytes"], taken)
        self.assertLessEqual(taken["bytes"], into["bytes_received"])
        self.same(self.over(facts["cookie"]), id=out["id"], bytes_sent=facts["bytes"])
        self.no_losses()

    def test_udp_segmented(self):
        """Ten datagrams in one buffer that the kernel cuts itself (UDP_SEGMENT)."""
        sink, there = self.sink()
        self.port = there["port"]
        sender, facts = self.flood(1000, 1200, 10, 1, "segment")
        self.counted(facts["cookie"], 1_200_000, 0)
        self.counted(there["cookie"], 0, 1_200_000)
        self.finish(sender, 0)
        self.assertEqual(self.finish(sink, 2), {"got": 1000, "bytes": 1_200_000})

    def test_udp_flood_of_peers(self):
        """50,000 datagrams to 5,000 ports of nobody: a row for each, ten datagrams in each."""
        self.port = 20000
        sender, facts = self.flood(50_000, 8, 50, 5000)
        self.soon(lambda: sum(row["bytes_sent"] for row in self.flows(facts["cookie"])) ==
                  facts["bytes"], "all bytes are in the rows")
        rows = self.flows(facts["cookie"])
        self.assertEqual(len(rows), 5000)
        self.assertEqual({row["bytes_sent"] for row in rows}, {80})
        self.finish(sender, 0)
        self.soon(lambda: all(row["ended_at"] for row in self.flows(facts["cookie"])), "ended")
        self.no_losses()


class UdpOwnRecorder(OwnRecorderCase, UdpCase):
    def test_udp_idle(self):
        """A flow ends with its last packet when nothing comes for udp_idle_s; then a new one."""
        self.record(config="[capture]\nudp_idle_s = 2\n")
        actor, server = self.actor(), self.actor()
        server.do("S = udp('127.0.0.1', 0)")
        port = server.do("S.getsockname()[1]")
        actor.do(f"import time; C = udp(); C.sendto(b'one', ('127.0.0.1', {port}))")
        before = actor.do("time.time_ns()")
        actor.do(f"C.sendto(b'two', ('127.0.0.1', {port}))")
        after = actor.do("time.time_ns()")
        cookie = actor.do("cookie(C)")
        row = self.over(cookie)
        self.same(row, state="closed", bytes_sent=6)
        self.assertTrue(before - 50_000_000 <= row["ended_at"] <= after + 50_000_000, show([row]))
        self.same(self.listener(server.do("cookie(S)")), ended_at=None)
        actor.do(f"C.sendto(b'three', ('127.0.0.1', {port}))")
        rows = self.store.wait("SELECT * FROM connections WHERE cookie = ? ORDER BY id", cookie,
                               until=lambda rows: len(rows) == 2)
        self.assertEqual([row["bytes_sent"] for row in rows], [6, 5], show(rows))

    def test_udp_scan(self):
        """Sockets that were there before: bound ones are listeners, owners are known later."""
        actor, client = self.actor(), self.actor()
        actor.do("B = udp('127.0.0.1', 0)")
        port = actor.do("B.getsockname()[1]")
        client.do(f"C = udp(); C.connect(('127.0.0.1', {port})); C.send(b'before')")
        client.do(f"U = udp(); U.sendto(b'before', ('127.0.0.1', {port}))")
        self.record()
        listener = self.listener(actor.do("cookie(B)"))
        self.same(listener, protocol="udp", origin="scan", address="127.0.0.1", port=port,
                  process_id=self.process(actor.pid)["id"], started_at=None, ended_at=None)
        self.fence()
        for name in "CU":
            self.none(self.store.rows("SELECT * FROM listeners WHERE cookie = ?",
                                      client.do(f"cookie({name})")), "listeners")
        self.none(self.every("connections"), "flows before a packet was seen")
        client.do("C.send(b'after')")
        into = self.counted(actor.do("cookie(B)"), 0, 5)
        self.same(into, direction="in", process_id=self.process(actor.pid)["id"],
                  listener_id=listener["id"])
        self.same(self.counted(client.do("cookie(C)"), 5, 0),
                  process_id=self.process(client.pid)["id"])

    def test_udp_restart(self):
        """A flow that goes on keeps its row and its bytes; one whose socket is gone has ended."""
        self.record()
        actor, server = self.actor(), self.actor()
        server.do("S = udp('127.0.0.1', 0)")
        port = server.do("S.getsockname()[1]")
        for name in "CDE":
            actor.do(f"{name} = udp(); {name}.connect(('127.0.0.1', {port})); {name}.send(b'12345')")
        cookies = [actor.do(f"cookie({name})") for name in "CDE"]
        rows = [self.counted(cookie, 5, 0) for cookie in cookies]
        self.stop()
        actor.do("D.close(); C.send(b'while nobody looked')")
        self.record()
        actor.do("C.send(b'678')")
        self.same(self.counted(cookies[0], 8, 0), id=rows[0]["id"], ended_at=None,
                  started_at=rows[0]["started_at"])
        self.same(self.over(cookies[1]), id=rows[1]["id"], bytes_sent=5)
        self.same(self.flow(cookies[2]), id=rows[2]["id"], ended_at=None)
        actor.do("C.close(); E.close()")
        self.same(self.over(cookies[0]), id=rows[0]["id"], bytes_sent=8)
        self.same(self.listener(server.do("cookie(S)")), ended_at=None)



    def test_udp_full(self):
        """More flows than there is room for: what is in no row is a loss, to the packet."""
        self.record(config="[budget]\nnetwork = 0\n[timing]\nqueue_mib = 1024\n")
        ports = 31_000  # below those that the senders get themselves
        sent = 0
        for _ in range(3):
            sender = self.start([Build.helper("datagrams"), "send", "127.9.9.9", "1",
                                 str(2 * ports), "10", "50", str(ports)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            sent += self.facts(sender.stdout, 5)["sent"]
            self.addCleanup(self.finish, sender, 0)
        self.check_account(sent, "there was no room for another flow")

    def test_udp_over_budget(self):
        """A cgroup that begins more flows than its budget: the same account."""
        self.record(config="[budget]\nnetwork = 50\n")
        sender = self.start([Build.helper("datagrams"), "send", "127.9.9.9", "10000", "20000", "10",
                             "50", "2000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        sent = self.facts(sender.stdout, 5)["sent"]
        self.addCleanup(self.finish, sender, 0)
        self.check_account(sent, "")

    def check_account(self, sent, words):
        """Packets of ten bytes in rows, and those that are lost, are all there were."""
        def account():
            kept = self.store.rows("SELECT sum(bytes_sent) / 10 AS n FROM connections")[0]["n"] or 0
            lost = self.store.rows("SELECT total(count) AS n FROM losses WHERE class = 'network' AND "
                                   "instr(detail, ?)", words)[0]["n"]
            return kept, int(lost)
        self.soon(lambda: sum(account()) >= sent, f"{sent} packets are accounted for")
        kept, lost = account()
        self.assertEqual(kept + lost, sent)
        self.assertGreater(kept, 0)
        self.assertGreater(lost, 0)

    def test_udp_without_net_admin(self):
        """It is said which capability is missing; everything else works."""
        self.record(prefix=["/usr/bin/setpriv", "--bounding-set", "-net_admin,-sys_admin",
                            "--inh-caps", "-net_admin,-sys_admin"])
        probes = {row["name"]: row for row in self.every("probes")}
        for name in ("udp_egress", "udp_ingress", "udp_create", "udp_bind4", "udp_release"):
            self.assertIn("CAP_NET_ADMIN is missing", probes[name]["error"] or "")
        self.assertIsNone(probes["network_state"]["error"])
        server, client = self.actor(), self.actor()
        one, _ = self.meet(server, client)
        client.do("C.close()")
        server.do("S.close()")
        self.over(one["cookie"])


class DnsPackets(OwnRecorderCase, UdpCase):
    """The kernel's half of DNS: what goes to and comes from port 53, as a recording has it."""

    def packets(self):
        """The records of the recording: dicts, with the payload's bytes."""
        with open(self.path("recording"), "rb") as file:
            data = file.read()
        members, found, at = recording.LAYOUT.members["dns"], [], 16
        while at < len(data):
            size, kind = struct.unpack_from("=IH", data, at)
            record, at = data[at:at + size], at + size
            if recording.LAYOUT.names[kind] != "dns":
                continue
            fields = {name: recording.get(record, leaf) for name, leaf in members.items()
                      if leaf.kind in recording.INTEGERS and not recording.is_address(leaf)}
            offset, length = struct.unpack_from("=II", record, members["payload"].offset)
            fields.update(payload=record[offset:offset + length], rest=record[offset + length:],
                          pid=struct.unpack_from("=I", record, 32)[0])
            found.append(fields)
        return found

    def of(self, packets, cookie, flags):
        return [packet for packet in packets if (packet["cookie"], packet["flags"]) ==
                (cookie, flags)]

    def network(self):
        """A server and a client in a network namespace of their own, where port 53 is free."""
        server = self.actor()
        server.do("unshare(CLONE_NEWNET)")
        subprocess.run(["/usr/bin/nsenter", f"--net=/proc/{server.pid}/ns/net", "/usr/sbin/ip",
                        "link", "set", "lo", "up"], check=True)
        return server, server.fork()

    def test_dns_payloads(self):
        """Of every length, byte for byte up to 4096, sent and received, with who did; an empty
        datagram, and the same ones to another port, are none."""
        self.record("--record", self.path("recording"))
        server, client = self.network()
        server.do("S = udp('127.0.0.1', 53); T = udp('127.0.0.1', 54)")
        client.do("C = udp(); D = udp(); import hashlib")
        client.do("def text(n):\n  return (hashlib.sha256(b'%d' % n).digest() * 400)[:n]")
        sizes = [1, 17, 127, 128, 129, 512, 513, 2047, 2048, 2049, 4095, 4096, 4097, 9000]
        sent = []
        for size in sizes:
            client.do(f"for sock, port in ((C, 53), (D, 54)): "
                      f"sock.sendto(text({size}), ('127.0.0.1', port))")
            sent.append(bytes.fromhex(server.do("S.recv(65000).hex()")))
            server.do("T.recv(65000)")
        client.do("C.sendto(b'', ('127.0.0.1', 53))")
        ours, theirs, other = (client.do("cookie(C)"), server.do("cookie(S)"),
                               client.do("cookie(D)"))
        self.fence()
        self.stop()
        packets = self.packets()
        for cookie, flags, pid in ((ours, 0, client.pid), (theirs, 1, server.pid)):
            told = self.of(packets, cookie, flags)
            self.assertEqual([packet["length"] for packet in told], sizes)
            self.assertEqual([packet["payload"] for packet in told],
                             [data[:4096] for data in sent])
            self.assertEqual({packet["pid"] for packet in told}, {pid})
            self.assertEqual({bytes(set(packet["rest"])) for packet in told} - {b""}, {b"\0"})
        self.assertEqual({(packet["remote_port"], packet["net_ns"]) for packet in packets
                          if packet["cookie"] == ours},
                         {(53, oracle.namespace(client.pid, "net"))})
        self.assertEqual({packet["cookie"] for packet in packets}, {ours, theirs})
        self.assertNotIn(other, {packet["cookie"] for packet in packets})

    def test_dns_over_tcp(self):
        """Pieces of the stream with the sequence numbers that put them in order."""
        self.record("--record", self.path("recording"))
        server, client = self.network()
        one, other = self.meet_at(server, client, 53)
        self.meet_at(server, client, 5300)
        self.fence()
        self.stop()
        packets = self.packets()
        for flags, cookie in ((2, one), (3, other)):
            self.assertEqual(self.stream(self.of(packets, cookie, flags)), b"q" * 35)
        for flags, cookie in ((3, one), (2, other)):
            self.assertEqual(self.stream(self.of(packets, cookie, flags)), b"r" * 3000 + b"s" * 9)
        self.assertEqual({packet["cookie"] for packet in packets}, {one, other})

    def meet_at(self, server, client, port):
        server.do(f"L = listen('127.0.0.1', {port})")
        client.do(f"C = connect('127.0.0.1', {port}); C.sendall(b'q' * 35)")
        server.do("S = L.accept()[0]; receive(S, 35); S.sendall(b'r' * 3000)")
        client.do("receive(C, 3000)")
        server.do("S.sendall(b's' * 9)")
        self.assertEqual(client.do("receive(C, 9)"), 9)
        return client.do("cookie(C)"), server.do("cookie(S)")

    def stream(self, packets):
        """Put together as TCP does."""
        first = min(packet["sequence"] for packet in packets)
        size = max(packet["sequence"] + packet["length"] for packet in packets) - first
        whole = bytearray(size)
        for packet in packets:
            at = packet["sequence"] - first
            whole[at:at + len(packet["payload"])] = packet["payload"]
        return bytes(whole)


class UdpNamespaces(Namespaces, UdpCase):
    def test_udp_across_a_veth(self):
        netns = self.pair("u")
        server, client = (self.actor_in(name) for name in netns)
        out, into = self.check_ends(client, server, SERVER, bound="0.0.0.0")
        self.check_namespaces(out, into, client, server)
        self.same(into, remote_address=CLIENT)
