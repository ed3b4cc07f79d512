# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell as a person meets it: in a terminal."""
import os
import re
import shutil
import signal
import sqlite3
import stat
import unittest

from support import ENDLESS, Terminal, environment, make_store, path, processor_time, store


def history():
    return path("home/.local/state/spyq/history")


class Prompt(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(path("home"), ignore_errors=True)

    def start(self, *arguments, **options):
        terminal = Terminal(*arguments, **options)
        self.addCleanup(terminal.__exit__)
        terminal.wait("spyq> ")
        return terminal

    def test_greeting(self):
        screen = self.start().screen()
        self.assertEqual(screen, (
            f"spyq 0.1.0: {store()}\n"
            "host web1, recorded since 2026-11-22T03:00:00Z, 11 processes\n"
            "The recorder is not writing: it was stopped.\n"
            "SQL ends with ';'. Commands begin with '.': .help lists them, .quit leaves.\n"
            "Try .ps, .tree 11 or .schema processes.\n"
            "spyq>"))

    def test_only_a_prompt_needs_readline(self):
        broken = path("broken")
        os.makedirs(broken, exist_ok=True)
        for version in range(6, 12):
            with open(os.path.join(broken, f"libreadline.so.{version}"), "wb"):
                pass
        env = environment(LD_LIBRARY_PATH=broken)
        with Terminal(env=env) as terminal:
            self.assertEqual(terminal.end(), 1)
            self.assertRegex(terminal.screen().replace("\n", ""),
                             "spyq: no prompt without the library readline: .*libreadline.so")
        with Terminal("SELECT 1 AS a", env=env) as terminal:
            self.assertEqual(terminal.end(), 0)

    def test_greeting_of_an_empty_store(self):
        terminal = self.start(on=make_store("fresh.db", fixture=False))
        self.assertIn("0 processes\nThe recorder is not writing: it never ran on this store.\n",
                      terminal.screen())
        self.assertNotIn("Try", terminal.screen())

    def test_greeting_does_not_count_for_long(self):
        name = make_store("crowded.db")
        db = sqlite3.connect(name)
        db.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 99990) INSERT INTO "
                   "process_rows (id, host_id, pid, origin) SELECT 100 + i, 1, 7, 0 FROM n")
        db.commit()
        db.close()
        self.assertIn(", more than 100000 processes\n", self.start(on=name).screen())

    def test_ps_fits_the_terminal(self):
        terminal = self.start()
        screen = terminal.ask(".ps")
        self.assertEqual(screen.split("spyq> .ps\n")[1], (
            "id  pid  ppid  user      started_at            comm   cmdline\n"
            "--  ---  ----  --------  --------------------  -----  --------------------------\n"
            " 1    1     0  root      2026-11-22T02:00:00Z  init   /sbin/init\n"
            " 2  400     1  root      2026-11-22T02:01:00Z  sshd   sshd: /usr/sbin/sshd -D\n"
            " 3  500     1  root      2026-11-22T02:02:00Z  nginx  nginx: master process /us…\n"
            " 4  501   500  www-data  2026-11-22T02:02:01Z  nginx  nginx: worker process\n"
            " 5  812   400  root      2026-11-22T03:05:00Z  sshd   sshd: ana [priv]\n"
            " 6  815   812  ana       2026-11-22T03:05:01Z  bash   -bash\n"
            "11  950   400  root      2026-11-22T03:40:00Z  curl   curl --version\n"
            "7 rows\n"
            "spyq: as of 2026-11-22T04:00:00Z; not recording now: it was stopped\n"
            "spyq>"))

    def test_the_window_changes(self):
        terminal = self.start()
        sql = "SELECT printf('%.*c', 200, 'x') AS a;"
        terminal.ask(sql)
        self.assertIn(b"\n" + b"x" * 79 + "…\r".encode(), terminal.raw)
        terminal.resize(60, 24)
        terminal.ask(sql)
        self.assertIn(b"\n" + b"x" * 59 + "…\r".encode(), terminal.raw)

    def test_tree_fits_the_terminal(self):
        screen = self.start().ask(".tree 9")
        self.assertEqual(screen.split("spyq> .tree 9\n")[1], (
            "  id  pid  user  state     process\n"
            "   1    1  root  alive     init  /sbin/init\n"
            "   2  400  root  alive     └─ sshd  sshd: /usr/sbin/sshd -D\n"
            "   5  812  root  alive        └─ sshd  sshd: ana [priv]\n"
            "   6  815  ana   alive           └─ bash  -bash\n"
            "   8  901  ana   exit 1             └─ sh  sh\n"
            ">  9  910  ana   signal 9              └─ miner  /tmp/miner --pool 203.0.113.9:…\n"
            "6 processes; > marks the one asked for\n"
            "spyq>"))

    def test_help_and_status_fit_the_terminal(self):
        terminal = self.start()
        for command in (".help", ".status", ".help tree"):
            screen = terminal.ask(command)
            self.assertIn("spyq> " + command + "\n", screen)
            self.assertLessEqual(max(map(len, screen.splitlines())), 80)

    def test_too_wide_for_a_table(self):
        screen = self.start().ask("SELECT * FROM connections WHERE id = 1;")
        self.assertIn("  local_address    10.0.0.2\n", screen)
        self.assertIn("1 row\nspyq>", screen)

    def test_wide_characters_stay_in_their_columns(self):
        terminal = self.start(columns=30)
        terminal.ask("SELECT value, 1 AS n FROM hostile WHERE id = 11 OR id = 15;")
        shown = terminal.raw.decode()
        self.assertIn("日本語テキスト  1\r\n", shown)
        self.assertIn("C:\\temp         1\r\n", shown)
        terminal.ask("SELECT value, 'abcdefghijklmnopqr' AS n FROM hostile WHERE id = 11;")
        self.assertIn("日本語テキスト  abcdefghijklm…\r\n", terminal.raw.decode())

    def test_nothing_hostile_reaches_the_terminal(self):
        terminal = self.start(env=environment(TERM="dumb"))
        start = len(terminal.raw)
        for mode in ("table", "line", "csv", "json", "jsonl", "markdown"):
            terminal.ask(f".mode {mode}")
            terminal.ask("SELECT what, value FROM hostile;")
        shown = terminal.raw[start:].replace(b"\r\n", b"\n").replace(b"\r", b"")
        text = shown.decode()  # valid UTF-8 throughout
        for char in text:
            self.assertFalse(ord(char) < 32 and char not in "\n\a" or 127 <= ord(char) < 160
                             or char in "\u202e\u2066\u200b\u2028\U000e0041", repr(char))

    def test_hostile_rows_on_the_screen(self):
        terminal = self.start()
        screen = terminal.ask("SELECT id, what, value FROM hostile WHERE id < 12;")
        self.assertEqual(screen.split("id < 12;\n")[1], (
            "id  what     value\n"
            "--  -------  -----------------------------\n"
            " 1  escape   a\\x1b[31mred\\x1b]0;title\\x07z\n"
            " 2  newline  one\\ntwo\\rthree\\tfour\n"
            " 3  bidi     abc\\u202efed\\u2066x\\u200by\n"
            " 4  invalid  a\\xff\\x9bb\\xc3\n"
            " 5  c1       a\\u009b31m\\x7f\n"
            " 6  nul      a\\x00b\n"
            " 7  blob     00ff41\n"
            " 8  empty\n"
            " 9  null     NULL\n"
            "10  quotes   say \"hi\", it's\n"
            "11  wide     日本語テキスト\n"
            "11 rows\n"
            "spyq>"))

    def test_cells_of_a_mebibyte(self):
        terminal = self.start()
        screen = terminal.ask("SELECT 1 AS a, char(27) || hex(zeroblob(524288)) AS t, "
                              "zeroblob(1048576) AS b, 2 AS c;")
        self.assertEqual(screen.split("c;\n")[1], (
            "a  t                                     b                                     c\n"
            "-  ------------------------------------  ------------------------------------  -\n"
            "1  \\x1b0000000000000000000000000000000…  00000000000000000000000000000000000…  2\n"
            "1 row\n"
            "spyq>"))

    def test_csv_in_a_terminal_is_escaped(self):
        screen = self.start().ask("SELECT value FROM hostile WHERE id = 2;")
        self.assertIn("one\\ntwo\\rthree\\tfour", screen)
        with Terminal("--csv", "SELECT value FROM hostile WHERE id IN (1, 5)") as terminal:
            self.assertEqual(terminal.end(), 0)
            self.assertIn(b"a\\x1b[31mred\\x1b]0;title\\x07z\r\na\\u009b31m\\x7f", terminal.raw)

    def test_statement_over_lines(self):
        terminal = self.start()
        terminal.ask("SELECT 1 AS a, -- ; not yet", prompt=r"  \.\.\.> ")
        terminal.ask("';' AS b, /* ;", prompt=r"  \.\.\.> ")
        screen = terminal.ask("*/ 3 AS c;")
        self.assertIn("a  b  c\n-  -  -\n1  ;  3\n1 row\nspyq>", screen)

    def test_empty_line_in_a_statement_explains_itself(self):
        terminal = self.start()
        terminal.ask("SELECT 1", prompt=r"  \.\.\.> ")
        self.assertIn("goes on until a ';'", terminal.ask("", prompt=r"  \.\.\.> "))

    def test_errors_leave_the_shell_running(self):
        terminal = self.start()
        screen = terminal.ask("SELECT comm, nope FROM processes;")
        self.assertIn("spyq: no such column: nope\n"
                      "  SELECT comm, nope FROM processes;\n"
                      "               ^\nspyq>", screen)
        self.assertIn("did you mean .status?", terminal.ask(".sttus"))
        self.assertIn("'.s' could be .story, .snapshot, .salvage, .suppress, .status or .schema", terminal.ask(".s"))
        self.assertIn("a quote is left open", terminal.ask(".tree 'x"))
        self.assertIn("\n4\n", terminal.ask("SELECT 4;"))

    def test_commands_take_options(self):
        terminal = self.start()
        self.assertIn('"comm": "init"', terminal.ask(".ps --json --at '2026-11-22 02:00:30'"))
        self.assertIn("a\n-\n1\n", terminal.ask("SELECT 1 AS a;"))
        self.assertIn("belongs to the command line", terminal.ask(".ps --store x"))
        terminal.ask(f".schema hosts --csv -o {path('hosts.csv')}")
        with open(path("hosts.csv"), encoding="ascii") as file:
            self.assertEqual(file.readline(), "column,type,meaning\n")

    def test_commands_by_other_names(self):
        terminal = self.start()
        self.assertIn("name of the host", terminal.ask("\\d hosts"))
        self.assertIn("name of the host", terminal.ask("schema hosts;"))
        self.assertIn("machine architecture", terminal.ask(".sch hosts"))
        terminal.type("exit\r")
        self.assertEqual(terminal.end(), 0)

    def test_interrupt_stops_the_query_and_not_the_shell(self):
        terminal = self.start()
        terminal.type(ENDLESS + "\r")
        terminal.wait(r"from c;|FROM c;")
        while processor_time(terminal.pid) < 10:
            pass
        terminal.type("\x03")
        terminal.wait("interrupted")
        terminal.wait("spyq> ")
        self.assertIn("\n7\n", terminal.ask("SELECT 7;"))

    def test_interrupt_clears_the_line(self):
        terminal = self.start()
        terminal.type("SELECT nonsense")
        terminal.wait("nonsense")
        terminal.type("\x03")
        terminal.wait(r"\^C")
        terminal.wait("spyq> ")
        terminal.ask("SELECT 1,", prompt=r"  \.\.\.> ")
        terminal.type("\x03")
        terminal.wait("spyq> ")
        self.assertIn("\n8\n1 row\nspyq>", terminal.ask("SELECT 8;"))

    def test_timeout_is_for_each_query(self):
        terminal = self.start("--timeout", "0.2")
        self.assertIn("timed out after 0.2 s", terminal.ask(ENDLESS))
        self.assertIn("\n9\n", terminal.ask("SELECT 9;"))
        self.assertIn("timed out after 0.2 s", terminal.ask(ENDLESS))

    def test_end_of_input_leaves(self):
        terminal = self.start()
        terminal.type("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_hangup_leaves(self):
        terminal = self.start()
        os.kill(terminal.pid, signal.SIGHUP)
        self.assertEqual(terminal.end(), 0)

    def test_terminal_is_given_back(self):
        terminal = self.start()
        os.kill(terminal.pid, signal.SIGTERM)
        self.assertEqual(terminal.end(), 0)
        self.assertIn(b"\x1b[?2004l", terminal.raw.split(b"spyq> ")[-1])

    def test_bracketed_paste(self):
        terminal = self.start()
        self.assertIn(b"\x1b[?2004h", terminal.raw)
        terminal.type("\x1b[200~SELECT 1 AS a,\n  2 AS b;\x1b[201~")
        terminal.wait("2 AS b;")
        screen = terminal.ask("")
        self.assertIn("a  b\n-  -\n1  2\n1 row\nspyq>", screen)

    def test_no_transaction_is_left_open(self):
        name = make_store("held.db")
        terminal = self.start(on=name)
        terminal.ask("SELECT * FROM processes;")
        terminal.ask(".ps")
        db = sqlite3.connect(name)
        db.execute("INSERT INTO losses (id, started_at, ended_at, class, stage) "
                   "VALUES (77, 1, 2, 'a', 'b')")
        db.commit()
        self.assertEqual(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0], 0)
        db.close()
        self.assertIn(" 77\n", terminal.ask("SELECT max(id) FROM losses;"))

    def test_colour_only_where_it_is_wanted(self):
        bold = b"\x1b[1m"
        for env, expected in ((environment(), True), (environment(NO_COLOR="1"), False),
                              (environment(TERM="dumb"), False), (environment(TERM=None), False)):
            with Terminal("SELECT 1 AS a", env=env) as terminal:
                self.assertEqual(terminal.end(), 0)
                self.assertEqual(bold in terminal.raw, expected)

    def test_other_character_set(self):
        with Terminal("tree", "8", env=environment(LC_ALL="C")) as terminal:
            self.assertEqual(terminal.end(), 0)
            terminal.raw.decode("ascii")
            self.assertIn(b"`- sh  sh", terminal.raw)
        sql = "SELECT printf('%.*c', 200, 'x') AS a"
        with Terminal(sql, env=environment(LC_ALL="C")) as terminal:
            self.assertEqual(terminal.end(), 0)
            self.assertIn("x" * 77 + "...\n1 row", terminal.screen())


class History(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(path("home"), ignore_errors=True)

    def visit(self, *lines, env=None):
        with Terminal(env=env) as terminal:
            terminal.wait("spyq> ")
            for line, prompt in lines:
                terminal.ask(line, prompt)
            terminal.type("\x04")
            self.assertEqual(terminal.end(), 0)

    def test_it_is_private(self):
        before = os.umask(0)
        try:
            self.visit(("SELECT 1;", "spyq> "))
        finally:
            os.umask(before)
        self.assertEqual(stat.S_IMODE(os.stat(history()).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(history())).st_mode), 0o700)

    def test_a_public_file_is_made_private(self):
        os.makedirs(os.path.dirname(history()))
        with open(history(), "w", encoding="ascii"):
            pass
        os.chmod(history(), 0o644)
        self.visit(("SELECT 1;", "spyq> "))
        self.assertEqual(stat.S_IMODE(os.stat(history()).st_mode), 0o600)

    def test_an_entry_of_several_lines_comes_back_whole(self):
        self.visit(("SELECT 1 AS a,", r"  \.\.\.> "), ("  2 AS b;", "spyq> "), (".mode", "spyq> "))
        with Terminal() as terminal:
            terminal.wait("spyq> ")
            terminal.type("\x1b[A\x1b[A")
            terminal.wait("2 AS b;")
            screen = terminal.ask("")
            self.assertIn("a  b\n-  -\n1  2\n1 row\nspyq>", screen)

    def test_place(self):
        self.visit(("SELECT 1;", "spyq> "), env=environment(XDG_STATE_HOME=path("state")))
        self.assertTrue(os.path.exists(path("state/spyq/history")))
        self.assertFalse(os.path.exists(history()))

    def test_no_place(self):
        self.visit(("SELECT 1;", "spyq> "), env=environment(HOME=None))
        with open(path("file"), "w", encoding="ascii"):
            pass
        with Terminal(env=environment(XDG_STATE_HOME=path("file"))) as terminal:
            terminal.wait("no history: cannot use .*: Not a directory")
            terminal.wait("spyq> ")

    def test_repeated_lines_are_kept_once(self):
        self.visit(("SELECT 1;", "spyq> "), ("SELECT 1;", "spyq> "))
        with open(history(), encoding="ascii") as file:
            self.assertEqual(len(re.findall("SELECT 1;", file.read())), 1)


if __name__ == "__main__":
    unittest.main()
