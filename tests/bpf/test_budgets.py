# SPDX-License-Identifier: GPL-3.0-or-later
"""One noisy cgroup does not push out the rest: what it sends beyond its budget is counted."""
import os

from test_scan import OwnRecorderCase

NOISE = """
import os
def attempts(count):
    for _ in range(count):
        try:
            os.execv("/nowhere/at-all", ["at-all"])
        except OSError:
            pass
"""


class Budgets(OwnRecorderCase):
    """Budgets far below what a machine under test can send."""

    def attempts(self, actor, count):
        actor.do(NOISE)
        actor.call("attempts", count)

    def dropped(self, cgroup, loss_class):
        """What losses say that a cgroup could not send."""
        rows = self.store.rows("SELECT SUM(count) AS n FROM losses WHERE cgroup = ? AND class = ?",
                               cgroup.name, loss_class)
        return rows[0]["n"] or 0

    def failed_execs(self, actor):
        rows = self.store.rows(
            "SELECT COUNT(*) AS n FROM execs JOIN processes AS p ON p.id = process_id "
            "WHERE p.pid = ? AND error IS NOT NULL", actor.pid)
        return rows[0]["n"]

    def test_flood_of_failed_execs(self):
        """Kept and counted make up what was done; others lose nothing, nor does the noisy one's
        own life."""
        quiet_group, noisy_group = self.cgroup.child("quiet"), self.cgroup.child("noisy")
        self.record(config="[budget]\nexec_failed = 100\n")
        quiet, noisy = self.actor(cgroup=quiet_group), self.actor(cgroup=noisy_group)
        self.attempts(noisy, 5000)
        self.attempts(quiet, 50)
        pid, _ = noisy.run("/bin/true")
        self.soon(lambda: self.failed_execs(noisy) + self.dropped(noisy_group, "lifecycle") == 5000,
                  "kept and dropped are 5000")
        self.assertGreater(self.dropped(noisy_group, "lifecycle"), 4000)
        self.assertGreaterEqual(self.failed_execs(noisy), 400)
        self.soon(lambda: self.failed_execs(quiet) == 50, "the quiet one's are all there")
        self.assertEqual(self.dropped(quiet_group, "lifecycle"), 0)
        self.assertEqual(self.process(pid)["exe"], os.path.realpath("/bin/true"))

    def test_within_the_budget(self):
        """The benign twin: as many as may come at once are all kept."""
        self.record(config="[budget]\nexec_failed = 100\n")
        actor = self.actor()
        self.attempts(actor, 400)
        self.soon(lambda: self.failed_execs(actor) == 400, "all are kept")
        self.assertEqual(self.every("losses"), [])

    def test_no_limit(self):
        self.record(config="[budget]\nexec_failed = 0\n")
        actor = self.actor()
        self.attempts(actor, 5000)
        self.soon(lambda: self.failed_execs(actor) == 5000, "all are kept")
        self.assertEqual(self.every("losses"), [])

    def test_flood_of_connections(self):
        """Each class has a budget of its own: processes do not pay for connections."""
        noisy_group = self.cgroup.child("noisy")
        self.record(config="[budget]\nnetwork = 50\n")
        noisy = self.actor(cgroup=noisy_group)
        noisy.do("L = listen()")
        noisy.do("import socket")
        noisy.do("for _ in range(500): c = socket.create_connection(L.getsockname()); "
                 "s = L.accept()[0]; c.close(); s.close()")
        pid, _ = noisy.run("/bin/true")
        self.soon(lambda: self.dropped(noisy_group, "network") > 1000, "connections are dropped")
        self.assertEqual(self.process(pid)["exit_code"], 0)
        self.assertEqual(self.dropped(noisy_group, "lifecycle"), 0)
