# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shell itself can do: endings, settings, files, the pager, the editor, --safe."""
import json
import os
import re
import shutil
import unittest

import support
from support import ENDLESS, Terminal, environment, path, spyq, store

NUMBERS = ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT {}) "
           "SELECT x FROM c;")


def script(name, text):
    with open(path(name), "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path(name), 0o755)
    return path(name)


def content(name):
    with open(path(name), encoding="utf-8") as file:
        return file.read()


class Shell(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(path("home"), ignore_errors=True)

    def start(self, *arguments, **options):
        terminal = Terminal(*arguments, **options)
        self.addCleanup(terminal.__exit__)
        terminal.wait("spyq> ")
        return terminal

    def answer(self, terminal, line):
        return terminal.ask(line).split("spyq> " + line + "\n")[-1]


class Prompt(Shell):
    def test_lines_instead_of_a_table(self):
        terminal = self.start()
        self.assertEqual(self.answer(terminal, r"SELECT 1 AS a, 'b' AS bee\G"),
                         "row 1\n  a    1\n  bee  b\n1 row\nspyq>")
        self.assertEqual(self.answer(terminal, r"SELECT 2 AS a \g"), "a\n-\n2\n1 row\nspyq>")
        self.assertEqual(self.answer(terminal, r"SELECT 'no\G' AS a;"),
                         "a\n----\nno\\G\n1 row\nspyq>")

    def test_times_by_the_name_of_their_column(self):
        names = ("at", "a_at", "min(started_at)", "max(p.started_at)", "p.at")
        result = spyq("SELECT " + ", ".join(f'1 AS "{name}"' for name in names)
                      + ", 2 AS chat, 2 AS \"count(started_at)\", 2 AS \"max(a_at) + 1\", 2 AS _at, "
                      "2 AS \"min()\"")
        time = "1970-01-01T00:00:00.000000001Z"
        self.assertEqual(result.stdout.splitlines()[1].decode(), ",".join([time] * 5 + ["2"] * 5))

    def test_the_ending_is_in_the_history(self):
        terminal = self.start()
        terminal.ask(r"SELECT 5 AS a\G")
        terminal.type("\x1b[A\r")
        terminal.wait(r"  a  5\r\n1 row\r\n")
        terminal.wait("spyq> ")
        self.assertEqual(self.answer(terminal, ".explain"), "SCAN CONSTANT ROW\nspyq>")

    def test_neither_sql_nor_a_command(self):
        terminal = self.start()
        for line, words in {
                "stauts": "'stauts' begins no SQL and is no command; did you mean status?",
                "selct 1;": "'selct' begins no SQL and is no command; did you mean select?",
                "whatever": "'whatever' begins no SQL and is no command; .help lists them"}.items():
            self.assertEqual(self.answer(terminal, line), f"spyq: {words}\nspyq>")
        self.assertEqual(self.answer(terminal, ";"), "spyq>")

    def test_a_command_in_a_statement(self):
        terminal = self.start()
        terminal.ask("SELECT 1 AS a", prompt=r"  \.\.\.> ")
        screen = terminal.ask(".ps", prompt=r"  \.\.\.> ")
        self.assertIn("The SQL above has not ended: ';' ends it, Ctrl-C drops it.\n", screen)
        self.assertIn("\n1\n1 row\n", terminal.ask(";"))

    def test_more_rows_than_anyone_reads(self):
        terminal = self.start()
        self.assertIn("\n1000\n1200 rows (1000 shown)\nspyq>",
                      terminal.ask(NUMBERS.format(1200)))
        terminal.ask(".rows 2")
        self.assertEqual(self.answer(terminal, "SELECT id FROM processes;"),
                         "id\n--\n 1\n 2\n11 rows (2 shown)\nspyq>")
        self.assertIn("  id  2\n11 rows (2 shown)\n",
                      self.answer(terminal, r"SELECT id FROM processes\G"))
        terminal.ask(".rows 0")
        self.assertIn("\n11\n11 rows\n", self.answer(terminal, "SELECT id FROM processes;"))
        self.assertIn("takes a number", terminal.ask(".rows many"))

    def test_rows_without_end_are_counted_for_a_while(self):
        terminal = self.start()
        terminal.ask(".rows 3")
        terminal.type(NUMBERS.format(-1) + "\r")
        terminal.wait(r"over \d{5,} rows \(3 shown\)")
        terminal.wait("spyq> ")

    def test_all_rows_elsewhere(self):
        self.assertEqual(spyq("--table", NUMBERS.format(1200)).stdout.splitlines()[-1],
                         b"1200 rows")

    def test_time_of_a_statement(self):
        terminal = self.start()
        self.assertNotIn("Time:", terminal.ask("SELECT 1 AS a;"))
        terminal.ask(".timer on")
        self.assertRegex(terminal.ask("SELECT 1 AS a;"), r"1 row\nTime: \d\.\d{3} s, 1 row\nspyq>")
        self.assertRegex(terminal.ask(".timer"), r"\non\nspyq>")
        terminal.ask(".timer off")
        self.assertNotIn("Time:", terminal.ask("SELECT 2 AS a;").split("timer off")[1])
        self.assertIn(".timer is on or off, not 'fast'", terminal.ask(".timer fast"))

    def test_a_long_statement_tells_its_time(self):
        """Steps of SQLite until the clock says that it took more than two seconds."""
        terminal = self.start()
        limit, screen = 4_000_000, ""
        while "Time:" not in screen:
            terminal.type(NUMBERS.format(limit).replace("SELECT x FROM", "SELECT max(x) FROM")
                          + "\r")
            terminal.wait(r"1 row\r\n")
            terminal.wait("spyq> ")
            screen = terminal.screen()
            limit *= 2
        self.assertRegex(screen, r"Time: ([2-9]|\d\d)\.\d{3} s, 1 row\nspyq>")

    def test_parameters(self):
        terminal = self.start()
        self.assertIn("nothing gives the parameter :who a value; --param NAME=VALUE or",
                      terminal.ask("SELECT :who AS w;"))
        terminal.ask(".param set who 'ana \"b\"'")
        terminal.ask(".param set $n 7")
        terminal.ask(".param set none NULL")
        self.assertIn("\nana \"b\"   7   NULL  text\n",
                      terminal.ask("SELECT :who, @n, $none, typeof(:who);"))
        self.assertIn("\nwho        ana \"b\"\nn          7\n", terminal.ask(".param"))
        terminal.ask(".param clear n")
        self.assertIn("parameter @n", terminal.ask("SELECT @n;"))
        self.assertIn("no parameter n is set", terminal.ask(".param clear n"))
        self.assertIn("'x' is not set, clear or list", terminal.ask(".param x"))

    def test_parameters_on_the_command_line(self):
        result = spyq("--param", "who=ana", "--param=n=7", "SELECT :who AS a, $n + 1 AS b, "
                      "typeof(@n) AS c")
        self.assertEqual((result.returncode, result.stdout), (0, b"a,b,c\nana,8,integer\n"))
        self.assertEqual(spyq("SELECT :who").returncode, 1)

    def test_parameters_are_bound_and_not_pasted(self):
        terminal = self.start()
        terminal.ask(".param set a \"1; DELETE FROM processes; --\"")
        self.assertIn("1; DELETE FROM processes; --", terminal.ask("SELECT :a AS a;"))

    def test_a_resize_keeps_what_is_typed(self):
        terminal = self.start()
        terminal.type("SELECT 41 + ")
        terminal.wait(r"41 \+ ")
        terminal.resize(60, 20)
        terminal.ask("1 AS a;")
        self.assertIn(b"\n42\r\n1 row", terminal.raw)
        self.assertNotIn(b"^C", terminal.raw)

    def test_inputrc(self):
        os.makedirs(path("home"))
        with open(path("home/.inputrc"), "w", encoding="ascii") as file:
            file.write('$if spyq\n"\\C-xq": "SELECT 77;"\n$endif\n')
        terminal = self.start()
        terminal.type("\x18q\r")
        terminal.wait(r"\n77\r\n")


class Files(Shell):
    def test_once(self):
        terminal = self.start()
        terminal.ask(f".once {path('once.csv')}")
        self.assertNotIn("a\n-", terminal.ask("SELECT 1 AS a;"))
        self.assertEqual(content("once.csv"), "a\n1\n")
        self.assertIn("\n2\n1 row\n", terminal.ask("SELECT 2 AS a;"))
        terminal.ask(f".once {path('once.csv')}")
        self.assertIn("no such column", terminal.ask("SELECT nope;"))
        self.assertEqual(content("once.csv"), "a\n1\n")  # a failure leaves the old file

    def test_once_for_a_command(self):
        terminal = self.start()
        terminal.ask(f".once {path('ps.json')}")
        terminal.ask(".ps --json")
        self.assertIn('"comm": "nginx"', content("ps.json"))

    def test_output(self):
        terminal = self.start()
        terminal.ask(f".output {path('all.csv')}")
        terminal.ask("SELECT 1 AS a;")
        terminal.ask("SELECT 2 AS b;")
        self.assertFalse(os.path.exists(path("all.csv")))
        terminal.ask(".output")
        self.assertEqual(content("all.csv"), "a\n1\nb\n2\n")
        self.assertIn("\n3\n1 row\n", terminal.ask("SELECT 3 AS c;"))
        self.assertIn("cannot write /nowhere/x", terminal.ask(".output /nowhere/x"))
        self.assertIn("\n4\n1 row\n", terminal.ask("SELECT 4 AS c;"))

    def test_output_ends_with_the_shell(self):
        terminal = self.start()
        terminal.ask(f".output {path('last.csv')}")
        terminal.ask("SELECT 1 AS a;")
        terminal.type("\x04")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(content("last.csv"), "a\n1\n")

    def test_a_command_reads_the_answer(self):
        terminal = self.start(columns=120)
        terminal.ask(f".once '| tr a-z A-Z > {path('upper')}'")
        terminal.ask("SELECT 'text' AS a;")
        self.assertEqual(content("upper"), "A\nTEXT\n")
        terminal.ask(".once '| head -1'")  # it reads no further, which is no error of ours
        self.assertEqual(self.answer(terminal, NUMBERS.format(100000)), "x\nspyq>")
        terminal.ask(".once '| exit 3'")
        self.assertIn("'exit 3' ended with 3", terminal.ask("SELECT 1;"))
        self.assertIn("to which command?", terminal.ask(".once '|'"))

    def test_read(self):
        name = script("good.sql", ".mode csv\nSELECT 1 AS a;\n.ps --json\n")
        terminal = self.start()
        self.assertIn('a\n1\n[{"id": 1, ', terminal.ask(f".read {name}"))
        name = script("bad.sql", "SELECT 1 AS a;\n\nSELECT nope;\nSELECT 3;\n")
        screen = self.answer(terminal, f".read {name}")
        self.assertIn(f"spyq: {name}:3: no such column: nope\n  SELECT nope;\n         ^\nspyq>",
                      screen)
        self.assertIn("cannot read /nowhere", terminal.ask(".read /nowhere"))
        name = script("loop.sql", f".read {path('loop.sql')}\n")
        self.assertIn("8 deep", terminal.ask(f".read {name}"))

    def test_in_a_script(self):
        result = spyq(stdin=f".once {path('from-script')}\nSELECT 1 AS a;\nSELECT 2 AS b;\n"
                      ".param set x 5\nSELECT :x AS c;\n")
        self.assertEqual((result.returncode, result.stdout), (0, b"b\n2\nc\n5\n"))
        self.assertEqual(content("from-script"), "a\n1\n")


class Editor(Shell):
    def editor(self, name, body):
        return environment(EDITOR=script(name, "#!/bin/sh\n" + body), VISUAL=None)

    def test_the_last_statement(self):
        terminal = self.start(env=self.editor(
            "sed-editor", f'ls -l "$1" | cut -c1-10 > {path("mode")}; sed -i s/11/12/ "$1"\n'))
        terminal.ask("SELECT 11 AS a,\r  2 AS b;")
        terminal.type("\\e\r")
        terminal.wait(r"12  2\r\n")
        terminal.wait("spyq> ")
        screen = terminal.screen()
        self.assertIn("spyq> SELECT 12 AS a,\n  ...>   2 AS b;\n a  b\n--  -\n12  2\n1 row\nspyq>",
                      screen)
        self.assertEqual(content("mode"), "-rw-------\n")
        terminal.type("\x1b[A")  # and it is in the history
        terminal.until(lambda screen: screen.endswith("SELECT 12 AS a,\n  2 AS b;"))

    def test_in_the_middle(self):
        terminal = self.start(env=self.editor("adder", "echo '  5 AS b' >> $1\n"))
        terminal.ask("SELECT 4 AS a,", prompt=r"  \.\.\.> ")
        terminal.type(".edit\r")
        terminal.wait(r"5 AS b")
        terminal.wait(r"  \.\.\.> ")
        self.assertIn("\n4  5\n1 row\n", terminal.ask(";"))

    def test_failure_runs_nothing(self):
        terminal = self.start(env=self.editor("failing", "exit 2\n"))
        terminal.ask("SELECT 1 AS a;")
        screen = self.answer(terminal, ".edit")
        self.assertRegex(screen, r"^spyq: '.*failing' ended with 2: nothing is run\nspyq>$")

    def test_control_c_is_the_editors(self):
        terminal = self.start(env=self.editor(
            "patient", "trap 'echo \"SELECT 99;\" > $1; exit 0' INT\necho ready\n"
            "while :; do sleep 0.1; done\n"))
        terminal.type(".edit SELECT 1;\r")
        terminal.wait("ready")
        terminal.type("\x03")
        terminal.wait(r"\n99\r\n")


class Explain(Shell):
    def test_a_full_scan_is_warned_of(self):
        screen = self.answer(self.start(), ".explain SELECT * FROM processes WHERE comm = 'curl';")
        self.assertRegex(screen, r"^SCAN processes\n! reads every row of processes; it has an "
                         r"index on\n  id, .*\bparent_id\b.*\nspyq>$")

    def test_an_index_is_not(self):
        terminal = self.start()
        screen = self.answer(terminal, ".explain SELECT * FROM processes p WHERE p.id = 4;")
        self.assertEqual(screen, "SEARCH processes USING INTEGER PRIMARY KEY (rowid=?)\nspyq>")
        terminal.ask("SELECT count(*) FROM hosts h, losses l;")
        screen = terminal.ask(".explain")
        self.assertIn("reads every row of hosts", screen)
        self.assertIn("reads every row of losses", screen)

    def test_on_the_command_line(self):
        result = spyq("--table", "explain", "SELECT 1")
        self.assertEqual((result.returncode, result.stdout), (0, b"SCAN CONSTANT ROW\n"))
        self.assertEqual(spyq("explain", "SELECT nope").returncode, 1)
        self.assertEqual(spyq("explain").returncode, 2)
        self.assertIn(b"does not allow", spyq("explain", "DELETE FROM hosts").stderr)


class Watch(Shell):
    def test_until_control_c(self):
        terminal = self.start(env=environment(TERM="dumb"))
        terminal.type(".watch 0.1 SELECT count(*) AS n FROM hosts\r")
        for _ in range(3):
            terminal.wait(r"Every 0\.1 s \(Ctrl-C ends\): SELECT count\(\*\) AS n FROM hosts\r\n"
                          r"\r\nn\r\n-\r\n1\r\n1 row\r\n")
        terminal.type("\x03")
        terminal.wait("spyq> ")
        self.assertIn("\n5\n1 row\n", terminal.ask("SELECT 5 AS a;"))

    def test_the_screen_is_cleared_and_filled(self):
        terminal = self.start()
        terminal.ask(NUMBERS.format(50))
        terminal.type(".watch\r")
        terminal.wait("Every 2 s")
        screen = terminal.until(lambda screen: "shown" in screen)
        lines = screen.splitlines()
        self.assertEqual(lines[0][:10], "Every 2 s ")
        self.assertEqual(lines[-1], "50 rows (18 shown)")
        self.assertLess(len(lines), 24)
        terminal.type("\x03")
        terminal.wait("spyq> ")

    def test_an_error_ends_it(self):
        self.assertIn("no such column", self.answer(self.start(), ".watch 0.1 SELECT nope"))

    def test_a_command_on_the_command_line(self):
        with Terminal("watch", "0.1", "ps") as terminal:
            terminal.wait("7 rows")
            terminal.wait("7 rows")
            terminal.type("\x03")
            self.assertEqual(terminal.end(), 0)
        self.assertEqual(spyq("--timeout", "0.3", "watch", "0.1", "SELECT 1").returncode, 4)
        self.assertEqual(spyq("watch").returncode, 2)


class Pager(Shell):
    def pager(self, name, body):
        return environment(PAGER=script(name, "#!/bin/sh\n" + body))

    def test_only_what_is_too_long(self):
        terminal = self.start(env=self.pager("number", "sed 's/^/> /'\n"))
        self.assertIn("\nid\n--\n", terminal.ask("SELECT id FROM processes;"))
        self.assertIn("\n> 30\n> 30 rows\nspyq>", terminal.ask(NUMBERS.format(30)))
        self.assertIn("\nid\n--\n", terminal.ask("SELECT id FROM processes;"))
        terminal.resize(80, 10)
        self.assertIn("\n> 11 rows\n", terminal.ask("SELECT id FROM processes;"))

    def test_rows_as_wide_as_the_screen_are_one_line_each(self):
        """The last column holds a character of several bytes."""
        terminal = self.start(env=self.pager("wide", "sed 's/^/> /'\n"), lines=24)
        wide = ("WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 14) "
                "SELECT substr(hex(zeroblob(40)), 1, 79) || '…' AS x FROM n;")
        self.assertNotIn("\n> ", terminal.ask(wide))

    def test_the_statement_is_over_before_it(self):
        """The pager asks for a checkpoint of the whole log, which a reader would prevent."""
        name = support.make_store("paged.db")
        checkpoint = (f"import sqlite3; db = sqlite3.connect('{name}'); "
                      "db.execute('UPDATE hosts SET kernel = 1'); db.commit(); "
                      "print('busy', db.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()[0])")
        terminal = self.start(on=name, env=self.pager(
            "check", f'cat > /dev/null; /usr/bin/python3 -c "{checkpoint}"\n'))
        self.assertIn("busy 0", terminal.ask("SELECT * FROM processes;"))

    def test_leaving_early(self):
        terminal = self.start(env=self.pager("early", "head -2\n"), columns=120)
        terminal.ask(".rows 0")
        self.assertEqual(self.answer(terminal, NUMBERS.format(200000)),
                         "     x\n------\nspyq>")

    def test_control_c_is_the_pagers(self):
        terminal = self.start(env=self.pager(
            "stays", "trap 'echo caught; exit 0' INT\nread line\necho ready\n"
            "while :; do sleep 0.1; done\n"))
        terminal.type(NUMBERS.format(30) + "\r")
        terminal.wait("ready")
        terminal.type("\x03")
        terminal.wait("caught")
        terminal.wait("spyq> ")
        self.assertIn("\n6\n1 row\n", terminal.ask("SELECT 6 AS a;"))

    def test_where_there_is_none(self):
        numbered = self.pager("never", "echo paged\n")
        for env in (dict(numbered, TERM="dumb"), dict(numbered, PAGER=""),
                    dict(numbered, PAGER="/nowhere/pager")):
            terminal = self.start(env=env)
            self.assertIn("\n30\n30 rows\n", terminal.ask(NUMBERS.format(30)))
            self.assertNotIn(b"paged", terminal.raw)
        terminal = self.start(env=numbered)
        terminal.ask(".pager off")
        self.assertIn("\n30\n30 rows\n", terminal.ask(NUMBERS.format(30)))
        self.assertIn("\noff\n", terminal.ask(".pager"))

    def test_on_the_command_line(self):
        with Terminal(NUMBERS.format(30), env=self.pager("cli", "sed 's/^/> /'\n")) as terminal:
            self.assertEqual(terminal.end(), 0)
            self.assertIn(b"> 30\r\n> 30 rows", terminal.raw)

    def test_messages_come_after_it(self):
        terminal = self.start(env=self.pager("slow", "cat\necho left\n"), lines=5)
        terminal.type(".ps\r")
        terminal.wait(r"7 rows\r\n")
        terminal.wait(r"left\r\n")
        terminal.wait("as of 2026")

    def test_less_if_nothing_else_is_named(self):
        if not shutil.which("less"):
            self.skipTest("there is no less")
        terminal = self.start(env=environment(PAGER=None, LESS=None))
        terminal.type(NUMBERS.format(100) + "\r")
        terminal.wait(r"\n 21\b")
        self.assertNotIn(b"\n 90", terminal.raw)
        terminal.type("q")
        terminal.wait("spyq> ")


class Safe(Shell):
    def test_commands_that_are_off(self):
        terminal = self.start("--safe", env=environment(PAGER=script("pager", "#!/bin/sh\n"
                                                                     "echo paged\n")))
        for line in (f".output {path('unsafe')}", f".once {path('unsafe')}", ".once '| id'",
                     f".read {path('store.db')}", ".edit", r"\e", ".pager on",
                     f".ps -o {path('unsafe')}", f".schema --output={path('unsafe')}"):
            self.assertRegex(self.answer(terminal, line), r"^spyq: --safe turns [\w-]+ off\nspyq>$")
        self.assertFalse(os.path.exists(path("unsafe")))
        self.assertIn("\n30\n30 rows\n", terminal.ask(NUMBERS.format(30)))
        self.assertNotIn(b"paged", terminal.raw)
        terminal.type(f".ps -o {path('')}sto\t#")
        terminal.until(lambda screen: screen.endswith("sto#"))

    def test_no_history_file(self):
        terminal = self.start("--safe")
        terminal.ask("SELECT 1 AS a;")
        terminal.type("\x04")
        self.assertEqual(terminal.end(), 0)
        self.assertFalse(os.path.exists(path("home")))

    def test_on_the_command_line(self):
        for words in (["-o", path("unsafe"), "SELECT 1"], ["-f", path("good.sql")],
                      ["pin", "trace:1"], ["check", store()],
                      ["run", "logins", "--new"]):
            result = spyq("--safe", *words)
            self.assertEqual((result.returncode, result.stdout), (2, b""), words)
            self.assertIn(b"--safe turns ", result.stderr)
        self.assertEqual(spyq("--safe", "SELECT 1 AS a").stdout, b"a\n1\n")
        result = spyq("--safe", stdin=f".once {path('unsafe')}\nSELECT 1;\n")
        self.assertEqual((result.returncode, result.stdout), (2, b""))
        self.assertFalse(os.path.exists(path("unsafe")))

    def test_every_command_reads_only_or_is_off(self):
        """A new command has to be named here, or be off."""
        reading = {"ps", "tree", "why", "impact", "story", "path", "traces", "flags", "rules", "run",
                   "queries", "tail", "report", "pins", "suppressions", "status", "schema", "explain", "watch",
                   "help", "mode", "rows", "timer", "param", "quit"}
        terminal = self.start("--safe", lines=60)
        names = set(re.findall(r"  \.([a-z-]+) ", terminal.ask(".help")))
        for name in names - reading:
            terminal.raw, terminal.seen = b"spyq> ", 6
            self.assertIn(f"--safe turns {name} off", terminal.ask("." + name))
        for words in (["ps"], ["tree", "9"], ["why", "9"], ["queries"], ["run", "logins"], ["pins"],
                      ["traces"], ["status"], ["schema"], ["explain", "SELECT 1"], ["help"]):
            self.assertEqual(spyq("--safe", *words).returncode, 0, words)

    def test_it_cannot_be_turned_off_from_inside(self):
        terminal = self.start("--safe")
        self.assertIn("belongs to the command line", terminal.ask(".ps --safe"))


class Runaways(Shell):
    def test_time(self):
        self.assertEqual(spyq("--timeout", "0.2", ENDLESS).returncode, 4)

    def test_memory(self):
        """A value and an answer that grow without end: each has its bound."""
        for sql, status in (("SELECT group_concat(hex(zeroblob(100000))) FROM c", 4),
                            ("SELECT zeroblob(10000000) FROM c", 1)):
            with self.subTest(sql=sql):
                result = spyq("--table", "--timeout", "3", "WITH RECURSIVE c(x) AS (SELECT 1 "
                              "UNION ALL SELECT x + 1 FROM c LIMIT 5000000000) " + sql)
                self.assertEqual(result.returncode, status, result.stderr)
                self.assertEqual(result.stdout, b"")


class ColumnHelp(unittest.TestCase):
    def columns(self):
        result = spyq("--jsonl", "SELECT s.name AS t, c.name AS c FROM sqlite_schema AS s, "
                      "pragma_table_info(s.name) AS c WHERE s.type IN ('table', 'view')")
        names = [tuple(json.loads(line).values()) for line in result.stdout.splitlines()]
        return names

    def test_every_column_has_an_example_that_works(self):
        names = self.columns()
        self.assertGreater(len(names), 200)
        result = spyq(stdin="".join(f".schema {table}.{column} --jsonl\n"
                                    for table, column in names))
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        rows = [json.loads(line) for line in result.stdout.decode().splitlines()]
        self.assertEqual([row["column"] for row in rows], [column for _, column in names])
        result = spyq(stdin="".join(row["example"] + "\n" for row in rows))
        self.assertEqual((result.returncode, result.stderr), (0, b""))

    def test_what_it_tells(self):
        result = spyq("--table", "schema", "processes.user")
        self.assertEqual(result.stdout.decode(), (
            "row 1\n"
            "  column   user\n"
            "  type     TEXT\n"
            "  meaning  name of the effective user\n"
            "  index    none\n"
            "  values   root, www-data, ana\n"
            "  example  SELECT * FROM processes WHERE user = 'root';\n"
            "1 row\n"))
        row = json.loads(spyq("--jsonl", "schema", "hosts.booted_at").stdout)
        self.assertEqual(row["values"], "2026-11-22T02:00:00.000000000Z")
        self.assertEqual(row["example"], "SELECT * FROM hosts WHERE booted_at >= ago('1h');")

    def test_there_is_no_such_column(self):
        result = spyq("schema", "processes.com")
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        self.assertIn(b"processes has no column 'com'; did you mean comm?", result.stderr)

    def test_hostile_values(self):
        result = spyq("--table", "schema", "hostile.value")
        self.assertEqual(result.returncode, 0)
        self.assertNotIn(b"\x1b", result.stdout)


class Help(Shell):
    def test_it_knows_tables_as_well(self):
        terminal = self.start(columns=100)
        self.assertIn("example  SELECT * FROM hosts WHERE", terminal.ask(".help hosts.kernel"))
        self.assertIn("name of the host", terminal.ask(".help hosts"))

    def test_every_command_has_an_example_and_fits(self):
        terminal = self.start(lines=100)
        listed = re.findall(r"(?m)^(?:.{40})?  \.([a-z]+) ", terminal.ask(".help"))
        names = set(re.findall(r"  \.([a-z]+) ", terminal.screen()))
        self.assertLess({"ps", "tree", "once", "quit"}, names, listed)
        for name in names:
            terminal.raw, terminal.seen = b"spyq> ", 6
            screen = terminal.ask(f".help {name}")
            self.assertRegex(screen, r"Examples?:", name)
            self.assertLessEqual(max(map(len, screen.splitlines())), 80, name)

    def test_the_list_fits_a_screen(self):
        screen = self.start().ask(".help")
        self.assertIn("spyq> .help\nSQL ends with", screen)
        self.assertLessEqual(max(map(len, screen.splitlines())), 80)


if __name__ == "__main__":
    unittest.main()
