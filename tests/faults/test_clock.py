# SPDX-License-Identifier: GPL-3.0-or-later
"""The wall clock is set, forward and back: the golden suite has the rows, here is what holds of them."""
import os

import lives
from support import Case, query

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden")


class Clock(Case):
    def steps(self, name):
        with open(os.path.join(GOLDEN, name + ".events"), encoding="utf-8") as events:
            data = lives.recording.assemble(events.read())
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.make(self.path(name), store=name + ".db")

    def test_set_forward_and_back(self):
        """The step is counted, the checker finds nothing that it does not explain, and no time changes
        which process was whose, in which order."""
        for name, word, seconds in (("clock-step", "forward", 3600), ("clock-step-back", "back", -3600)):
            with self.subTest(name):
                store = self.steps(name)
                self.whole(store)
                (began, ended, detail), = query(
                    store, "SELECT started_at, ended_at, detail FROM losses WHERE class = 'clock'")
                self.assertEqual(ended - began, seconds * 10**9)
                self.assertIn(f"set {word} by 3600.000 s", detail)
                self.assertEqual(query(store, "SELECT pid, parent_id FROM processes ORDER BY id"),
                                 [(50, None), (100, 1), (101, 1)])
                tree = self.answer(store, "tree", "pid:50")
                self.assertEqual([row["pid"] for row in tree], [50, 100, 101])
