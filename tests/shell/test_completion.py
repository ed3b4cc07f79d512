# SPDX-License-Identifier: GPL-3.0-or-later
"""The Tab key: what it makes of what was typed, and what it offers."""
import os
import shutil
import sqlite3
import time
import unittest

from support import Terminal, make_store, path

# What is typed, and the line after Tab.
COMPLETED = {
    # SQL: the clause decides, and the tables that are visible in it.
    "SEL": "SELECT ",
    "sel": "select ",
    "SELECT comm FR": "SELECT comm FROM ",
    "select * from processe": "select * from processes ",
    "select * from a join conv": "select * from a join conversations ",
    "select * from backw": "select * from backward(",
    "select * from processes wh": "select * from processes where ",
    "select * from processes where exec_": "select * from processes where exec_count ",
    "select * from processes where EXEC_": "select * from processes where exec_count ",
    "select * from processes p, execs e where e.interp":
        "select * from processes p, execs e where e.interpreter ",
    "select * from processes p, execs e where p.interp":
        "select * from processes p, execs e where p.interp",
    "select * from execs where id in (select process_id from listeners where proto":
        "select * from execs where id in (select process_id from listeners where protocol ",
    "select cidr": "select cidr_match(",
    "with mine as (select 1) select * from mi": "with mine as (select 1) select * from mine ",
    "select * from processes where comm = 'ngi": "select * from processes where comm = 'nginx'",
    "select * from processes where comm in ('init', 'ngi":
        "select * from processes where comm in ('init', 'nginx'",
    "select * from pin": "select * from pins ",
    "select * from pins where rea": "select * from pins where reason ",
    "pragma index_l": "pragma index_list(",
    "select 'sel": "select 'sel",
    "select 1 -- sel": "select 1 -- sel",
    # Commands, their options and operands.
    ".sta": ".status ",
    "\\sta": "\\status ",
    "sta": "status ",
    ".ps --sin": ".ps --since ",
    ".schema --sin": ".schema --sin",
    ".ps --since yes": ".ps --since yesterday ",
    ".path 1 2 --kinds for": ".path 1 2 --kinds fork ",
    ".tree exe:ngi": ".tree exe:nginx ",
    ".tree exe:/opt/": ".tree exe:/opt/odd/curl ",
    ".tree pid:81": ".tree pid:81",
    ".tree pid:815": ".tree pid:815 ",
    ".tree file:/tmp/": ".tree file:/tmp/miner ",
    ".tree container:w": ".tree container:web ",
    ".tree :2": ".tree :22 ",
    ".tree 93": ".tree 93.184.216.34 ",
    ".path exe:curl exe:ngi": ".path exe:curl exe:nginx ",
    ".schema exposed": ".schema exposed_listeners ",
    ".mode mark": ".mode markdown ",
    ".help targ": ".help targets ",
    ".run server-sh": ".run server-shells ",
    ".queries new-lis": ".queries new-listeners ",
    ".frobnicate exe:": ".frobnicate exe:",
}


class Completion(unittest.TestCase):
    def start(self, **options):
        shutil.rmtree(path("home"), ignore_errors=True)
        terminal = Terminal(columns=110, **options)
        self.addCleanup(terminal.__exit__)
        terminal.wait("spyq> ")
        return terminal

    def clear(self, terminal):
        terminal.type("\x03")
        terminal.wait("\\^C")
        terminal.wait("spyq> ")
        terminal.raw = terminal.raw[terminal.seen - len("spyq> "):]
        terminal.seen = len(terminal.raw)

    def test_one_word_is_completed(self):
        terminal = self.start()
        for typed, line in COMPLETED.items():
            with self.subTest(typed=typed):
                # A mark that is typed after it tells that Tab has been dealt with.
                terminal.type(typed + "\t#")
                screen = terminal.until(lambda screen: screen.endswith("#"))
                self.clear(terminal)
                self.assertEqual(screen.splitlines()[-1], "spyq> " + line + "#")

    def offered(self, terminal, typed):
        terminal.type(typed + "\t\t")
        prompt = "spyq> " + typed
        screen = terminal.until(lambda screen: screen.endswith(prompt)
                                and screen.count(prompt) == 2)
        self.clear(terminal)
        return screen.split(prompt)[-2].split()

    def test_several_are_offered(self):
        terminal = self.start()
        self.assertEqual(self.offered(terminal, ".tr"), [".traces", ".tree"])
        self.assertEqual(self.offered(terminal, ".tree pid:81"), ["pid:812", "pid:815"])
        self.assertEqual(self.offered(terminal, "select * from listeners l, hosts h where l.p"),
                         ["port", "process_id", "protocol"])
        self.assertEqual(self.offered(terminal, "select * from processes where exec_count in (1, exit_"),
                         ["exit_code", "exit_signal"])

    def test_lines_before_it_count(self):
        terminal = self.start()
        terminal.ask("select * from listeners", prompt=r"  \.\.\.> ")
        terminal.type("where proto\t#")
        terminal.until(lambda screen: screen.endswith("  ...> where protocol #"))

    def test_what_comes_after_it_counts(self):
        terminal = self.start()
        terminal.type("select  from listeners" + "\x1b[D" * len(" from listeners") + "addr\t#")
        terminal.until(lambda screen: screen.endswith("select address# from listeners"))

    def test_a_tab_at_the_start_is_a_tab(self):
        terminal = self.start()
        terminal.type("\tSELECT 5;\r")
        terminal.wait(r"\n5\r\n")

    def test_hostile_names_are_not_offered(self):
        name = make_store("tabs.db")
        db = sqlite3.connect(name)
        for exe in ("/tmp/evil\x1b[31mred", "/tmp/evil\u202egnp", "/tmp/evil two", "/tmp/evil'q",
                    "/tmp/evil\nline", "/tmp/" + "evil" * 200, b"/tmp/evil\xff", "/tmp/evilly"):
            db.execute("INSERT INTO processes (id, host_id, pid, started_at, exe, origin) "
                       "SELECT max(id) + 1, 1, 99, max(started_at), CAST(? AS TEXT), 'event' "
                       "FROM processes", (exe,))
        db.commit()
        db.close()
        terminal = self.start(on=name)
        terminal.type(".tree exe:evi\t#")
        terminal.until(lambda screen: screen.endswith(".tree exe:evilly #"))
        self.clear(terminal)
        terminal.type("select * from processes where exe like '/tmp/evi\t#")
        terminal.until(lambda screen: screen.endswith("'/tmp/evilly'#"))

    def test_it_does_not_wait(self):
        """A view that never ends, whose values are asked for."""
        name = make_store("slow-tab.db")
        db = sqlite3.connect(name)
        db.execute("CREATE VIEW endless AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
                   "FROM c) SELECT 'a' AS word FROM c WHERE x < 0")
        db.commit()
        db.close()
        terminal = self.start(on=name)
        began = time.monotonic()
        terminal.type("select * from endless where word = 'a\t#")
        terminal.until(lambda screen: screen.endswith("#"))
        self.assertLess(time.monotonic() - began, 15)
        self.clear(terminal)
        self.assertIn("\n6\n", terminal.ask("SELECT 6;"))

    def test_files(self):
        os.makedirs(path("tab-folder/inner"), exist_ok=True)
        with open(path("tab-folder/script.sql"), "w", encoding="ascii"):
            pass
        terminal = self.start()
        terminal.type(f".ps -o {path('tab-folder')}/scr\t#")
        terminal.until(lambda screen: screen.endswith("script.sql #"))
        self.clear(terminal)
        terminal.type(f".ps -o {path('tab-folder')}/inn\t#")
        terminal.until(lambda screen: screen.endswith("inner/#"))


if __name__ == "__main__":
    unittest.main()
