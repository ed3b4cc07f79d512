# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections between network namespaces, across veth pairs, with the same addresses twice."""
import os
import subprocess
import time

import oracle
from harness import Actor
from test_network import NetworkCase

SERVER, CLIENT = "10.213.7.1", "10.213.7.2"


def ip(*words):
    subprocess.run(["/usr/sbin/ip", *words], check=True)


class Namespaces(NetworkCase):
    def namespace(self, name):
        name = f"spyqt{os.getpid()}-{time.monotonic_ns() % 100000000}-{name}"
        ip("netns", "add", name)
        self.addCleanup(ip, "netns", "del", name)
        ip("-n", name, "link", "set", "lo", "up")
        return name

    def pair(self, name):
        """Two namespaces joined by a veth, the server's and the client's."""
        server, client = self.namespace(name + "s"), self.namespace(name + "c")
        ip("-n", server, "link", "add", "v0", "type", "veth", "peer", "name", "v0", "netns", client)
        for netns, address in ((server, SERVER), (client, CLIENT)):
            ip("-n", netns, "addr", "add", address + "/24", "dev", "v0")
            ip("-n", netns, "-6", "addr", "add", "fd00:213::" + address[-1] + "/64", "dev", "v0",
               "nodad")
            ip("-n", netns, "link", "set", "v0", "up")
        return server, client

    def actor_in(self, netns):
        actor = self.actor()
        actor.do(f"enter_namespace('/run/netns/{netns}', CLONE_NEWNET)")
        return actor

    def check_namespaces(self, out, into, client, server):
        self.same(out, net_ns=oracle.namespace(client.pid, "net"))
        self.same(into, net_ns=oracle.namespace(server.pid, "net"))
        self.assertNotEqual(out["net_ns"], into["net_ns"])

    def test_across_a_veth(self):
        netns = self.pair("a")
        server, client = (self.actor_in(name) for name in netns)
        for address in (SERVER, "fd00:213::1"):
            with self.subTest(address=address):
                one, other = self.meet(server, client, address)
                client.do("C.sendall(b'across'); C.close()")
                self.assertEqual(server.do("receive(S, 99)"), 6)
                server.do("S.close()")
                out, into = self.check_pair(one, other, client.pid, server.pid, 6, 0)
                self.check_namespaces(out, into, client, server)

    def test_same_addresses_and_ports_twice(self):
        """Two pairs, every address and port equal, open at once: peers stay in the pair."""
        pairs = []
        for name in ("a", "b"):
            server_ns, client_ns = self.pair(name)
            pairs.append((self.actor_in(server_ns), self.actor_in(client_ns)))
        for server, _ in pairs:
            server.do(f"L = listen({SERVER!r}, 4321)")
        for _, client in pairs:
            client.do(f"C = connect({SERVER!r}, 4321, source_port=50505)")
        facts = []
        for server, client in pairs:
            server.do("S = L.accept()[0]")
            facts.append((client.do("facts(C)"), server.do("facts(S)")))
        self.assertEqual(facts[0][0]["local"], facts[1][0]["local"])
        self.assertEqual(facts[0][1]["remote"], facts[1][1]["remote"])
        for (server, client), (one, other), size in zip(pairs, facts, (111, 222)):
            out, into = self.check_pair(one, other, client.pid, server.pid, ended=False)
            self.check_namespaces(out, into, client, server)
            client.do(f"C.sendall(b'x' * {size})")
            self.assertEqual(server.do(f"receive(S, {size})"), size)
        for server, client in pairs:
            client.do("C.close()")
            server.do("S.close()")
        for (server, client), (one, other), size in zip(pairs, facts, (111, 222)):
            self.check_pair(one, other, client.pid, server.pid, size, 0)

    def test_same_loopback_addresses_twice(self):
        """The same on 127.0.0.1 of two namespaces: nothing but the namespace tells them apart."""
        pairs = []
        for name in ("l", "m"):
            netns = self.namespace(name)
            pairs.append((self.actor_in(netns), self.actor_in(netns)))
        for server, client in pairs:
            server.do("L = listen(port=4321)")
            client.do("C = tcp(); C.bind(('127.0.0.1', 50505))")
        for _, client in pairs:
            client.do("C.connect(('127.0.0.1', 4321))")
        facts = []
        for server, client in pairs:
            server.do("S = L.accept()[0]")
            facts.append((client.do("facts(C)"), server.do("facts(S)")))
        for server, client in pairs:
            client.do("C.close()")
            server.do("S.close()")
        for (server, client), (one, other) in zip(pairs, facts):
            out, _ = self.check_pair(one, other, client.pid, server.pid)
            self.same(out, net_ns=oracle.namespace(client.pid, "net"))

    def test_simultaneous_open(self):
        """Two sockets that connect to each other, neither of them a listener: their first SYNs are
        led astray by a wrong neighbour, the repeated ones cross."""
        spaces = self.pair("x")
        actors = [self.actor_in(name) for name in spaces]
        peers = (CLIENT, SERVER)
        for netns, peer in zip(spaces, peers):
            ip("-n", netns, "neigh", "replace", peer, "lladdr", "02:00:00:00:00:99", "dev", "v0")
        for actor, peer in zip(actors, peers):
            actor.do("C = tcp(); C.bind(('0.0.0.0', 7777)); C.setblocking(False)")
            self.assertEqual(actor.do(f"attempt(C, {peer!r}, 7777)"), "EINPROGRESS")
        for netns, peer in zip(spaces, peers):
            ip("-n", netns, "neigh", "del", peer, "dev", "v0")
        self.assertEqual([actor.do("outcome(C)") for actor in actors], [None, None])
        facts = [actor.do("facts(C)") for actor in actors]
        for actor in actors:
            actor.do("C.sendall(b'hi'); C.setblocking(True)")
        for actor in actors:
            self.assertEqual(actor.do("receive(C, 2)"), 2)
        for actor in actors:
            actor.do("C.close()")
        rows = [self.connection(fact["cookie"], lambda row: row["ended_at"] and row["peer_id"])
                for fact in facts]
        for row, fact, actor, peer in zip(rows, facts, actors, reversed(rows)):
            self.check_tuple(row, fact)
            self.same(row, direction="out", process_id=self.process(actor.pid)["id"],
                      peer_id=peer["id"], peer_process_id=peer["process_id"], bytes_sent=2,
                      bytes_received=2, state="closed")
            self.check_order(row)

    def test_through_address_translation(self):
        """The client sees another address than the server has; they are still two ends."""
        if not os.path.exists("/usr/sbin/nft"):
            self.skipTest("no nft here")
        server_ns, client_ns = self.pair("n")
        ip("-n", client_ns, "route", "add", "10.213.8.0/24", "dev", "v0")
        subprocess.run(["/usr/sbin/ip", "netns", "exec", client_ns, "/usr/sbin/nft",
                        "table ip t { chain c { type nat hook output priority -100; ip daddr "
                        f"10.213.8.9 tcp dport 80 dnat to {SERVER}:8080; }}; }}"], check=True)
        server, client = self.actor_in(server_ns), self.actor_in(client_ns)
        server.do(f"L = listen({SERVER!r}, 8080)")
        client.do("C = connect('10.213.8.9', 80)")
        server.do("S = L.accept()[0]")
        one, other = client.do("facts(C)"), server.do("facts(S)")
        self.assertEqual((one["remote"], other["local"]), (["10.213.8.9", 80], [SERVER, 8080]))
        client.do("C.sendall(b'NAT'); C.close()")
        self.assertEqual(server.do("receive(S, 9)"), 3)
        server.do("S.close()")
        self.check_pair(one, other, client.pid, server.pid, 3, 0)

    def test_end_outside_the_cgroup(self):
        """One end is not recorded: a row for the other, without a peer, and no edge."""
        outside = Actor.start(OutsideCgroup)
        self.addCleanup(outside.end)
        outside.do("L = listen()")
        client = self.actor()
        client.do(f"C = connect('127.0.0.1', {outside.do('L.getsockname()[1]')})")
        outside.do("S = L.accept()[0]")
        one, other = client.do("facts(C)"), outside.do("facts(S)")
        client.do("C.sendall(b'out'); C.close()")
        self.assertEqual(outside.do("receive(S, 99)"), 3)
        outside.do("S.close()")
        row = self.over(one["cookie"])
        self.same(row, state="closed", bytes_sent=3, peer_id=None, peer_process_id=None,
                  direction="out")
        self.fence()
        self.assertEqual(self.connections(other["cookie"]), [])
        rows = self.store.rows("SELECT * FROM edges WHERE kind = 'connect' AND src = ?",
                               row["process_id"])
        self.none(rows, "edges to nowhere")


class OutsideCgroup:
    """Stands in for a cgroup where an actor is to stay where the harness is."""

    @staticmethod
    def enter():
        pass
