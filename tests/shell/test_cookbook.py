# SPDX-License-Identifier: GPL-3.0-or-later
"""The cookbook: each of its commands is run, and answers what the page says."""
import os
import re
import tempfile
import unittest

import cookbook
import support


class Cookbook(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="spyq-cookbook-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.store = cookbook.make_store(os.path.join(cls.directory.name, "spyq.db"))
        cls.page = cookbook.read_page()

    def test_every_command(self):
        blocks = cookbook.BLOCK.findall(self.page)
        self.assertGreaterEqual(len(blocks), 12)
        for block in blocks:
            self.assertTrue(block.startswith("$ "), f"no command before {block[:60]!r}")
            for command, answer in cookbook.commands_of(block):
                with self.subTest(command=command):
                    self.assertEqual(cookbook.run(command, self.store, os.path.dirname(support.program)), answer)

    def test_twelve_investigations(self):
        """Numbered, each with a command; and none that only complains."""
        sections = re.split(r"^## ", self.page, flags=re.M)[1:]
        self.assertEqual([section.split(".")[0] for section in sections],
                         [str(i + 1) for i in range(12)])
        for section in sections:
            self.assertIn("```console\n$ spyq ", section)
            self.assertNotIn("\nspyq: ", section)

    def test_no_block_is_overlooked(self):
        self.assertEqual(self.page.count("```"), 2 * len(cookbook.BLOCK.findall(self.page)))


if __name__ == "__main__":
    unittest.main()
