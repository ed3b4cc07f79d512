# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asked which name of whom, what came back, and what the connection that followed was named."""
import json
import subprocess

from test_scan import OwnRecorderCase

SERVER = """
import socket, struct

def name_end(query):
    at = 12
    while query[at]:
        at += query[at] + 1
    return at + 5

def reply(query, *addresses, rcode=0):
    '''The response to a query: these addresses, all under the name that was asked for.'''
    end = name_end(query)
    kind = struct.unpack('!H', query[end - 4:end - 2])[0]
    family, want = (socket.AF_INET6, 16) if kind == 28 else (socket.AF_INET, 4)
    data = [socket.inet_pton(family, a) for a in addresses if (':' in a) == (kind == 28)]
    head = query[:2] + struct.pack('!HHHHH', 0x8180 | rcode, 1, len(data), 0, 0)
    return head + query[12:end] + b''.join(
        b'\\xc0\\x0c' + struct.pack('!HHIH', kind, 1, 60, want) + each for each in data)

def serve_one(sock, *addresses, **how):
    query, client = sock.recvfrom(4096)
    sock.sendto(reply(query, *addresses, **how), client)

def ask(sock, server, name, kind=1, number=0x1234):
    labels = b''.join(bytes([len(part)]) + part for part in name.encode().split(b'.')) + b'\\0'
    query = struct.pack('!HHHHHH', number, 0x100, 1, 0, 0, 0) + labels + struct.pack('!HH', kind, 1)
    if server:
        sock.sendto(query, server)
    return query
"""


class Dns(OwnRecorderCase):
    def network(self):
        """A recorder, a name server on port 53, and who asks, in a network namespace of their own."""
        self.record()
        server = self.actor()
        server.do("unshare(CLONE_NEWNET)")
        subprocess.run(["/usr/bin/nsenter", f"--net=/proc/{server.pid}/ns/net", "/usr/sbin/ip",
                        "link", "set", "lo", "up"], check=True)
        server.do(SERVER)
        client = server.fork()
        server.do("S = udp('127.0.0.1', 53)")
        return server, client

    def queries(self, count, condition="1"):
        rows = self.store.wait(f"SELECT q.*, p.pid FROM dns_queries AS q "
                               f"JOIN processes AS p ON p.id = q.process_id WHERE {condition} "
                               f"ORDER BY q.id", until=lambda rows: len(rows) >= count)
        self.assertEqual(len(rows), count, rows)
        return rows

    def answered(self, count):
        self.soon(lambda: len(self.store.rows(
            "SELECT 1 FROM dns_queries WHERE rcode IS NOT NULL")) == count, "answers are there")
        return self.queries(count)

    def test_dns_answer(self):
        server, client = self.network()
        client.do("C = udp(); ask(C, ('127.0.0.1', 53), 'www.example.org') and None")
        server.do("serve_one(S, '192.0.2.7', '192.0.2.8')")
        client.do("C.recv(4096) and None")
        row = self.one(self.answered(1), "the question")
        self.same(row, pid=client.pid, name="www.example.org", type="A", server="127.0.0.1",
                  rcode="NOERROR", protocol="udp")
        self.assertEqual(json.loads(row["answers"]), ["192.0.2.7", "192.0.2.8"])
        self.assertGreater(row["latency_ns"], 0)

    def test_dns_refusals(self):
        """A name that is not there, and a server that says nothing."""
        server, client = self.network()
        client.do("C = udp(); ask(C, ('127.0.0.1', 53), 'nowhere.example', 28) and None")
        server.do("serve_one(S, rcode=3)")
        client.do("ask(C, ('127.0.0.1', 53), 'silence.example', number=7) and None")
        rows = self.queries(2)
        self.soon(lambda: self.queries(2)[0]["rcode"], "the answer")
        rows = self.queries(2)
        self.same(rows[0], name="nowhere.example", type="AAAA", rcode="NXDOMAIN", answers="[]")
        self.same(rows[1], name="silence.example", rcode=None, answers=None, latency_ns=None)

    def test_dns_over_tcp(self):
        """In pieces, and the answer longer than any datagram."""
        server, client = self.network()
        server.do("L = listen('127.0.0.1', 53)")
        client.do("C = connect('127.0.0.1', 53); Q = ask(None, None, 'big.example')")
        server.do("A = L.accept()[0]")
        client.do("M = struct.pack('!H', len(Q)) + Q; "
                  "C.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1); "
                  "[C.send(M[i:i + 5]) for i in range(0, len(M), 5)] and None")
        server.do("Q = A.recv(2, socket.MSG_WAITALL); "
                  "Q = A.recv(struct.unpack('!H', Q)[0], socket.MSG_WAITALL); "
                  "R = reply(Q, *[f'192.0.2.{i}' for i in range(100)]); "
                  "A.sendall(struct.pack('!H', len(R)) + R)")
        client.do("len(C.recv(2, socket.MSG_WAITALL))")
        row = self.one(self.answered(1), "the question")
        self.same(row, pid=client.pid, name="big.example", rcode="NOERROR", protocol="tcp",
                  server="127.0.0.1")
        self.assertEqual(json.loads(row["answers"]), [f"192.0.2.{i}" for i in range(100)])

    def test_dns_through_a_stub(self):
        """Who asks is found through its own query to the stub; what the stub asks is the stub's."""
        server, client = self.network()
        stub = server.fork()
        stub.do("T = udp('127.0.0.53', 53); U = udp()")
        client.do("C = udp(); ask(C, ('127.0.0.53', 53), 'www.example.org') and None")
        stub.do("q, who = T.recvfrom(4096); U.sendto(b'\\x55' + q[1:], ('127.0.0.1', 53))")
        server.do("serve_one(S, '192.0.2.7')")
        stub.do("r = U.recv(4096); T.sendto(q[:1] + r[1:], who)")
        client.do("C.recv(4096) and None")
        rows = self.answered(2)
        self.same(rows[0], pid=client.pid, server="127.0.0.53", name="www.example.org")
        self.same(rows[1], pid=stub.pid, server="127.0.0.1", name="www.example.org")
        for row in rows:
            self.assertEqual(json.loads(row["answers"]), ["192.0.2.7"])

    def test_dns_names_connections(self):
        """The C library's resolver, then a connection by TCP and a flow by UDP. The benign twin: a
        connection to an address that nobody looked up has no name."""
        server, client = self.network()
        path = self.write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:9\n")
        client.do("unshare(CLONE_NEWNS)")
        self.assertEqual(client.run("/usr/bin/mount", "--make-rprivate", "/")[1][0], 0)
        self.assertEqual(client.run("/usr/bin/mount", "--bind", path, "/etc/resolv.conf")[1][0], 0)
        server.do("L = listen('127.0.0.9'); M = listen('127.0.0.10')")
        port, unnamed = server.do("L.getsockname()[1]"), server.do("M.getsockname()[1]")
        client._send(f"socket.getaddrinfo('db.example', {port}, socket.AF_INET, "
                     "socket.SOCK_STREAM)[0][4][0]")
        server.do("serve_one(S, '127.0.0.9')")
        self.assertEqual(client._reply(), "127.0.0.9")
        client.do(f"C = connect('127.0.0.9', {port}); U = udp(); "
                  f"U.sendto(b'x', ('127.0.0.9', 9999)); D = connect('127.0.0.10', {unnamed})")
        rows = self.store.wait(
            "SELECT remote_address, protocol, remote_name FROM connections WHERE direction = 'out' "
            "AND remote_port IN (?, ?, 9999) ORDER BY id", port, unnamed,
            until=lambda rows: len(rows) == 3)
        self.assertEqual([(row["remote_address"], row["protocol"], row["remote_name"])
                          for row in rows],
                         [("127.0.0.9", "tcp", "db.example"), ("127.0.0.9", "udp", "db.example"),
                          ("127.0.0.10", "tcp", None)])

    def test_dns_on_another_port(self):
        """Port 53 is what makes it DNS."""
        server, client = self.network()
        server.do("T = udp('127.0.0.1', 5353)")
        client.do("C = udp(); ask(C, ('127.0.0.1', 5353), 'www.example.org') and None; "
                  "ask(C, ('127.0.0.1', 53), 'last.example') and None")
        row = self.one(self.queries(1), "the question to port 53")
        self.same(row, name="last.example")
