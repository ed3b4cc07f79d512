# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of edges share: asking for those between two processes of a test."""
from harness import PYTHON, RecordedCase, show, wait_until


class EdgeCase(RecordedCase):
    def edges_between(self, kind, src, dst):
        return self.store.rows(
            "SELECT edges.* FROM edges WHERE kind = ? AND src = ? AND dst = ? ORDER BY id",
            kind, self.process(src)["id"], self.process(dst)["id"])

    def edge(self, kind, src, dst, until=lambda row: True):
        """The one edge of that kind from pid src to pid dst, once until(row) holds."""
        rows = []

        def condition():
            rows[:] = self.edges_between(kind, src, dst)
            return len(rows) == 1 and until(rows[0])
        wait_until(condition)
        row = self.one(rows, f"{kind} edge from {src} to {dst}")
        self.assertTrue(until(row), f"not as awaited:\n{show(rows)}")
        return row

    def edges_into(self, kind, dst):
        """All edges of that kind into pid dst, when everything that happened is in the store."""
        self.fence()
        return self.store.rows("SELECT * FROM edges WHERE kind = ? AND dst = ? ORDER BY id", kind,
                               self.process(dst)["id"])

    def edges_of(self, kind, *pids):
        """All edges of that kind from or into one of the processes, likewise."""
        self.fence()
        rows = []
        for pid in pids:
            process = self.process(pid)["id"]
            rows += self.store.rows("SELECT * FROM edges WHERE kind = ? AND ? IN (src, dst)",
                                    kind, process)
        return rows

    def python(self, actor, source, *argv, **how):
        """Starts a python in the actor that runs the source; its pid."""
        return actor.call("spawn", PYTHON, [PYTHON, "-I", "-S", "-c", source, *argv], **how)
