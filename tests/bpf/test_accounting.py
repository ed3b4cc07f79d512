# SPDX-License-Identifier: GPL-3.0-or-later
"""The account of a storm: what was recorded and what was counted as lost make what there was."""
import subprocess

from harness import PYTHON, Build, Cgroup, RecordedCase, Recorder

ROUNDS, COUNT, WIDTH, STORMS, CONNECTIONS = 1, 100, 16, 4, 200

# Two processes that connect, accept and close as often as they are told to.
CONNECT = """
import os, socket, sys
count = int(sys.argv[1])
server = socket.create_server(("127.0.0.1", 0))
if os.fork():
    for _ in range(count):
        server.accept()[0].close()
    os.wait()
else:
    for _ in range(count):
        socket.create_connection(server.getsockname()).close()
"""


class Accounting(RecordedCase):
    """Each with a recorder of its own, whose stop holds the account."""

    def setUp(self):
        super().setUp()
        self.inside = Cgroup.top()
        self.addCleanup(self.inside.remove)
        self.own = Recorder(self.path("own.db"), self.inside.path)
        self.addCleanup(self.own.kill)
        self.own.wait_ready()

    def storm(self):
        """Storms at once, more than there are CPUs: how many processes they made, all told."""
        storms = [self.start([Build.helper("storm"), str(COUNT), str(WIDTH), "/bin/true"],
                             cgroup=self.inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                  for _ in range(STORMS)]
        for storm in storms:
            self.facts(storm.stdout, 1)
            storm.stdin.write(b"go\n" * ROUNDS)
            storm.stdin.close()
        made = 0
        for storm in storms:
            for _ in range(ROUNDS):
                facts = self.facts(storm.stdout, 2)
                self.assertEqual(facts["made"], facts["back"])
                made += facts["made"]
            self.assertEqual(storm.wait(), 0)
        return made

    def number(self, sql):
        return self.own.store.rows(f"SELECT {sql.replace(' FROM', ' AS n FROM', 1)}")[0]["n"]

    def test_accounting_of_processes(self):
        """Forks, execs and exits that have rows, and those counted as lost, are all there were."""
        made = self.storm()
        self.assertEqual(self.own.stop(), 0, self.own.output())
        forks = self.number("count(*) FROM edges WHERE kind = 'fork' AND detail IS NULL")
        execs = self.number("count(*) FROM execs WHERE filename = '/bin/true' AND error IS NULL")
        exits = self.number("count(*) FROM processes WHERE exit_code = 0 AND comm <> 'storm'")
        lost = self.number("coalesce(sum(count), 0) FROM losses WHERE class = 'lifecycle'")
        account = f"{made} made; {forks} forks, {execs} execs, {exits} exits, {lost} lost"
        if self.exact():
            self.assertEqual(forks + execs + exits + lost, 3 * made, account)
        # What was skipped may also have been outside the cgroup, or have made no record.
        self.assertLessEqual(forks + execs + exits, 3 * made, account)
        self.assertGreaterEqual(forks + execs + exits + lost, 3 * made, account)

    def test_accounting_of_connections(self):
        """Each end of each connection has a row that has ended, or what is missing of it was counted:
        no change of a socket's state is lost without."""
        loads = [self.start([PYTHON, "-c", CONNECT, str(CONNECTIONS)], cgroup=self.inside)
                 for _ in range(STORMS)]
        for load in loads:
            self.assertEqual(load.wait(), 0)
        ends = 2 * STORMS * CONNECTIONS
        # The last ones may be closed by ksoftirqd, after their processes have ended.
        self.own.store.wait("SELECT count(*) AS n FROM connections WHERE ended_at IS NOT NULL",
                            until=lambda found: found and found[0]["n"] >= ends, seconds=4)
        self.assertEqual(self.own.stop(), 0, self.own.output())
        rows = self.number("count(*) FROM connections")
        ended = self.number("count(*) FROM connections WHERE ended_at IS NOT NULL")
        joined = self.number("count(*) FROM connections AS c JOIN connections AS p ON p.id = c.peer_id "
                             "WHERE p.peer_id = c.id AND p.direction <> c.direction")
        lost = self.number("coalesce(sum(count), 0) FROM losses WHERE class = 'network'")
        account = f"{ends} ends; {rows} rows, {ended} ended, {joined} joined, {lost} lost"
        if not lost:
            self.assertEqual((rows, ended, joined), (ends, ends, ends), account)
        self.assertLessEqual(rows, ends, account)
        self.assertGreaterEqual(ended + lost, ends, account)

    def exact(self):
        """Whether forks, execs and exits come from classic tracepoints: those are skipped only while
        a task is in a system call that reads or writes a map, which spyqd's do not."""
        attached = {row["name"] for row in
                    self.own.store.rows("SELECT name FROM probes WHERE error IS NULL")}
        return attached >= {"process_fork_classic", "process_exec_classic", "process_exit_classic"}
