# SPDX-License-Identifier: GPL-3.0-or-later
"""The full tier: that its programs are there where the kernel lets them be, that they take the place
of those in the base tier and of no others, and what they see that the base tier can not."""
import os
import subprocess

import harness
from edges import EdgeCase
from harness import Build, Cgroup, RecordedCase, Recorder, proc_status, show
from test_network import NetworkCase
from test_privileges import NO_CAPABILITIES, PrivilegeCase

# What each program of the base tier is replaced by, where all of it is attached.
REPLACED = {
    "network_accept_exit": ["network_accepted"],
    "network_accept4_exit": ["network_accepted"],
    "network_connect_exit": ["network_connected", "network_connect_denied"],
    "network_listen_exit": ["network_listened"],
    "unix_accept_exit": ["unix_accepted"],
    "unix_connect_exit": ["unix_connected"],
    "unix_bind_exit": ["unix_bound"],
    "privilege_uid": ["privilege_committed"],
    "privilege_gid": ["privilege_committed"],
    "privilege_capset": ["privilege_committed"],
    "io_read_exit": ["io_read", "io_readv"],
    "io_write_exit": ["io_write", "io_writev"],
}
# Those that see what no system call shows, and those that take what the kernel skips of others.
BESIDES = {"io_uring_read", "io_uring_write", "io_read_again", "io_readv_again", "io_write_again",
           "io_writev_again"}
FULL = {name for names in REPLACED.values() for name in names} | BESIDES
SETRESUID32 = 208  # in the table for 32-bit programs
NO_RING = 77  # the helper's exit code where there is no io_uring


class Tiers(RecordedCase):
    def probes(self, store=None):
        rows = (store or self.store).wait("SELECT * FROM probes")
        return {row["name"]: row for row in rows}

    def check_base_tier(self, probes, why):
        """Everything of the full tier has the one reason; nothing of the base tier is missing."""
        for name in FULL:
            self.same(probes[name], tier="full")
            self.assertIn(why, probes[name]["error"] or "")
        for name in REPLACED:
            self.same(probes[name], tier="base", error=None)

    def test_full_tier_is_attached(self):
        """All of it or, where the kernel's policy forbids it, nothing; never in a stock kernel."""
        probes = self.probes()
        full = {name for name, row in probes.items() if row["tier"] == "full"}
        self.assertEqual(full, FULL)
        refused = probes["io_read"]["error"]
        if harness.TIER == "base":
            self.check_base_tier(probes, "switched off in the configuration")
        elif refused and "refuses programs of the full tier" in refused:
            self.assertFalse("SPYQ_TEST_STOCK" in os.environ, refused)
            self.check_base_tier(probes, refused)
        else:
            self.none([probes[name] for name in FULL if probes[name]["error"]], "not attached")
            self.assertEqual(set(REPLACED) & set(probes), set(), "of no use any more")

    def test_full_tier_can_be_switched_off(self):
        """By full_tier = no, which leaves the base tier whole."""
        inside = Cgroup.top()
        self.addCleanup(inside.remove)
        config = "" if harness.TIER == "base" else "[capture]\nfull_tier = no\n"
        own = Recorder(self.path("own.db"), inside.path, config=config)
        self.addCleanup(own.kill)
        own.wait_ready()
        self.check_base_tier(self.probes(own.store), "switched off in the configuration")


class Compat(PrivilegeCase):
    """Calls by the table for 32-bit programs, which the tracepoints of system calls do not show."""
    FULL_TIER_ONLY = True

    def call(self, number, *arguments):
        """What the call returned, of a process that has made it and holds still."""
        if os.uname().machine != "x86_64":
            self.skipTest("there is no such table on this machine")
        held = self.hold(program=Build.helper("compat"),
                         argv=[str(word) for word in (number, *arguments)], fds="{1: report}")
        self.soon(lambda: "result" in held.said(), "the call has been made")
        return held, int(held.said()["result"])

    def test_ids_by_the_other_table(self):
        held, result = self.call(SETRESUID32, 3, 4, 4)
        self.assertEqual(result, 0)
        self.assertEqual(proc_status(held.pid)["Uid"].split(), ["3", "4", "4", "4"])
        self.same(self.change(held.pid, "setuid"), old={"uid": 0, "euid": 0},
                  new={"uid": 3, "euid": 4}, exec_id=None)
        self.changes(held.pid, 1)
        self.same(self.process(held.pid), uid=3, euid=4, capabilities=NO_CAPABILITIES)

    def test_ids_that_stay_by_the_other_table(self):
        """The benign twin: it asks for what it has."""
        held, result = self.call(SETRESUID32, 0, 0, 0)
        self.assertEqual(result, 0)
        self.changes(held.pid, 0)


class Uring(NetworkCase, EdgeCase):
    """What is done by io_uring makes no system call of that name: the full tier alone sees it."""
    FULL_TIER_ONLY = True

    def setUp(self):
        super().setUp()
        self.client = self.actor()

    def uring(self, actor, *argv, fds=""):
        """The helper, as a child of the actor's, once it has begun."""
        ring = subprocess.run([Build.helper("uring"), "probe"], stderr=subprocess.DEVNULL)
        if ring.returncode == NO_RING:
            self.skipTest("io_uring is disabled here")
        return self.hold(actor, program=Build.helper("uring"), argv=[str(word) for word in argv],
                         fds="{1: report" + fds + "}")

    def result(self, held):
        self.soon(lambda: "result" in held.said(), f"the request is done: {held.said()}")
        return int(held.said()["result"])

    def test_accept_by_io_uring(self):
        """By another process than the listener's owner: the connection and its edge are its own."""
        server = self.actor()
        server.do("L = listen()")
        taker = self.uring(server, "accept", 9, fds=", 9: L.fileno()")
        self.client.do(f"C = connect('127.0.0.1', {server.do('L.getsockname()[1]')})")
        self.assertGreater(self.result(taker), 0)
        self.client.do("C.close()")
        into = self.connection(int(taker.said()["cookie"]),
                               lambda row: row["process_id"] and row["peer_id"])
        self.same(into, process_id=self.process(taker.pid)["id"], direction="in",
                  peer_process_id=self.process(self.client.pid)["id"])
        self.edge("connect", self.client.pid, taker.pid)
        self.none(self.edges_of("connect", server.pid), "edges of who only listened")

    def test_connect_by_io_uring_fails(self):
        """Nowhere to go: no state changes, only the outcome tells."""
        self.client.do("unshare(CLONE_NEWNET)")
        caller = self.uring(self.client, "connect", "198.51.100.7", 443)
        self.assertEqual(self.result(caller), -101)
        row = self.connection(int(caller.said()["cookie"]))
        self.same(row, process_id=self.process(caller.pid)["id"], error="ENETUNREACH",
                  state="unreachable", remote_address="198.51.100.7", remote_port=443)

    def test_connect_by_io_uring(self):
        """The benign twin: no error, one row."""
        server = self.actor()
        server.do("L = listen()")
        port = server.do("L.getsockname()[1]")
        caller = self.uring(self.client, "connect", "127.0.0.1", port)
        server.do("S = L.accept()[0]")
        self.assertEqual(self.result(caller), 0)
        out = self.connection(int(caller.said()["cookie"]), lambda row: row["peer_id"])
        self.same(out, process_id=self.process(caller.pid)["id"], error=None, state="open")
        self.edge("connect", caller.pid, server.pid)

    def test_unix_accept_by_io_uring(self):
        server = self.actor()
        name = self.path("uring.sock")
        server.do(f"L = socket.socket(socket.AF_UNIX); L.bind({name!r}); L.listen()")
        taker = self.uring(server, "accept", 9, fds=", 9: L.fileno()")
        self.client.do(f"C = socket.socket(socket.AF_UNIX); C.connect({name!r})")
        self.assertGreater(self.result(taker), 0)
        self.same(self.edge("unix", self.client.pid, taker.pid), detail=name)
        self.none(self.edges_of("unix", server.pid), "edges of who only listened")

    def test_pipe_by_io_uring(self):
        """Read by a system call, and by io_uring; written likewise. None leads back."""
        self.client.do("R, W = os.pipe()")
        writer = self.uring(self.client, "write", 9, fds=", 9: W")
        self.assertEqual(self.result(writer), 3)
        self.assertEqual(self.client.do("os.read(R, 3).decode()"), "abc")
        self.edge("pipe", writer.pid, self.client.pid)
        reader = self.uring(self.client, "read", 9, fds=", 9: R")
        self.client.do("os.write(W, b'xyz!')")
        self.assertEqual(self.result(reader), 4)
        self.edge("pipe", self.client.pid, reader.pid)
        self.none(self.edges_between("pipe", self.client.pid, writer.pid), "edges back")
        self.none(self.edges_between("pipe", reader.pid, self.client.pid), "edges back")

    def test_file_by_io_uring(self):
        """A script of two writers, one of which wrote by io_uring."""
        path = self.path("program")
        self.client.do(f"F = os.open({path!r}, os.O_CREAT | os.O_WRONLY, 0o755)")
        self.client.do("os.write(F, b'#!/bin/sh\\n#')")
        writer = self.uring(self.client, "write", 9, fds=", 9: F")
        self.assertEqual(self.result(writer), 3)
        writer.release()
        self.client.do("os.close(F)")
        pid, _ = self.client.run(path)
        self.edge("file", writer.pid, pid)
        self.assertEqual(len(self.edges_into("file", pid)), 2, show(self.edges_into("file", pid)))
