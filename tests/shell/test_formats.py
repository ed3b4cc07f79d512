# SPDX-License-Identifier: GPL-3.0-or-later
"""What answers look like, byte for byte, in every format."""
import codecs
import csv
import io
import json
import os
import sqlite3
import subprocess
import unittest

import support
from support import environment, path, spyq, store

HOSTILE = "SELECT id, what, value FROM hostile ORDER BY id"


def replace_each(error):
    """U+FFFD for each byte that is no part of a character, as the documentation promises."""
    return "\ufffd", error.start + 1


codecs.register_error("replace_each", replace_each)


def truth(sql):
    """The same rows from SQLite itself, text as the bytes that are stored."""
    db = sqlite3.connect(f"file:{store()}?mode=ro", uri=True)
    db.text_factory = bytes
    rows = db.execute(sql).fetchall()
    db.close()
    return rows


class Formats(unittest.TestCase):
    def answer(self, *arguments, **options):
        result = spyq(*arguments, **options)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        return result.stdout

    def test_csv_is_the_default_off_a_terminal(self):
        answer = self.answer("SELECT id, started_at, comm FROM processes WHERE id = 6")
        self.assertEqual(
            answer, b"id,started_at,comm\n6,2026-11-22T03:05:01.500000000Z,bash\n")

    def test_csv_round_trip(self):
        text = self.answer("--csv", HOSTILE).decode("utf-8", "surrogateescape")
        read = list(csv.reader(io.StringIO(text, newline="")))
        self.assertEqual(read[0], ["id", "what", "value"])

        def field(value):
            if value is None:
                return ""
            if isinstance(value, (int, float)):
                return repr(value)
            return value.decode("utf-8", "surrogateescape")

        expected = []
        for number, what, value in truth(HOSTILE):
            value = b"00ff41" if what == b"blob" else value
            expected.append([field(number), field(what), field(value)])
        self.assertEqual(read[1:], expected)

    def test_csv_through_sqlite3(self):
        """Its import ends a text at a NUL and knows no NULL; else what comes out is what was there."""
        with open(path("hostile.csv"), "wb") as file:
            file.write(self.answer("--csv", HOSTILE))
        asked = "SELECT id, quote(CAST(what AS BLOB)), quote(CAST(value AS BLOB)) FROM h"
        result = subprocess.run(
            ["sqlite3", "-cmd", f".import --csv {path('hostile.csv')} h", ":memory:", asked],
            capture_output=True, check=True)
        self.assertEqual(result.stderr, b"")

        def field(value):
            value = b"00ff41" if value == b"\0\xffA" else b"" if value is None else value
            value = value if isinstance(value, bytes) else repr(value).encode()
            return f"X'{value.split(bytes(1))[0].hex().upper()}'"

        self.assertEqual(result.stdout.decode().splitlines(),
                         [f"{number}|{field(what)}|{field(value)}"
                          for number, what, value in truth(HOSTILE)])

    def test_csv_of_a_mebibyte(self):
        made = ("WITH RECURSIVE c (x, t) AS (SELECT 1, 'a\"b,' || char(10) UNION ALL "
                "SELECT x + 1, t || t FROM c WHERE x < 19) SELECT t FROM c WHERE x = 19")
        text = self.answer("--csv", made).decode()
        csv.field_size_limit(2**21)
        self.assertEqual(list(csv.reader(io.StringIO(text, newline="")))[1],
                         ['a"b,\n' * 2**18])

    def test_csv_for_spreadsheets(self):
        texts = ("=1+1", "+1", "-1", "@SUM(1)", "|x", "%x", "\t=1", "\r=1", "\n=1", " =1",
                 "\uff1d1", "\u00a0=1", "\u3000=1", "plain", "a=1", "", "1;2", 'say "=1"')
        values = ", ".join(f"({i}, CAST(x'{text.encode().hex()}' AS TEXT))"
                           for i, text in enumerate(texts))
        sql = ("SELECT column1 - 3 AS \"=n\", column2 AS t, NULL AS u, x'3d' AS b "
               f"FROM (VALUES {values})")
        answer = self.answer("--csv-safe", sql).decode()
        rows = list(csv.reader(io.StringIO(answer, newline="")))
        self.assertEqual(rows[0], ["'=n", "t", "u", "b"])
        for i, text in enumerate(texts):
            guarded = text if i >= 13 else "'" + text
            self.assertEqual(rows[1 + i], [str(i - 3), guarded, "", "3d"])
        self.assertIn('-3,"\'=1+1",,3d\n', answer)
        self.assertIn('13,"1;2",,3d\n', answer)
        self.assertEqual(self.answer("--csv-safe", "SELECT '' AS a, NULL AS b"), b'"a","b"\n"",\n')

    def test_csv_tells_null_from_empty(self):
        lines = self.answer("--csv", "SELECT NULL AS a, '' AS b, x'' AS c").split(b"\n")
        self.assertEqual(lines[1], b',"",')

    def test_json_is_valid_for_every_byte(self):
        rows = json.loads(self.answer("--json", HOSTILE))
        for row, (number, what, value) in zip(rows, truth(HOSTILE), strict=True):
            self.assertEqual((row["id"], row["what"]), (number, what.decode()))
            if what == b"blob":
                self.assertEqual(row["value"], "00ff41")
            elif isinstance(value, bytes):
                self.assertEqual(row["value"], value.decode("utf-8", "replace_each"))
            else:
                self.assertEqual(row["value"], value)

    def test_jsonl_is_an_object_a_line(self):
        lines = self.answer("--jsonl", HOSTILE).splitlines()
        self.assertEqual([json.loads(line) for line in lines],
                         json.loads(self.answer("--json", HOSTILE)))

    def test_json_of_nothing(self):
        self.assertEqual(json.loads(self.answer("--json", "SELECT 1 AS a WHERE 0")), [])
        self.assertEqual(self.answer("--jsonl", "SELECT 1 AS a WHERE 0"), b"")

    def test_numbers(self):
        answer = self.answer(
            "--json", "SELECT 1.0 AS a, 0.1 AS b, 1e300 AS c, 1e999 AS d, -9223372036854775808 "
            "AS e, 0.1 + 0.2 AS f")
        self.assertEqual(json.loads(answer), [{
            "a": 1.0, "b": 0.1, "c": 1e300, "d": float("inf"), "e": -2**63, "f": 0.1 + 0.2}])
        self.assertIn(b'"a": 1.0', answer)

    def test_table(self):
        answer = self.answer("--table", "SELECT id, comm, started_at, exit_code FROM processes "
                             "WHERE id IN (1, 8, 11)")
        self.assertEqual(answer.decode(), (
            "id  comm  started_at                exit_code\n"
            "--  ----  ------------------------  ---------\n"
            " 1  init  2026-11-22T02:00:00.000Z       NULL\n"
            " 8  sh    2026-11-22T03:12:00.250Z          1\n"
            "11  curl  2026-11-22T03:40:00.000Z       NULL\n"
            "3 rows\n"))

    def test_table_escapes(self):
        shown = self.answer("--table", HOSTILE)
        for expected in (
                b" 1  escape     a\\x1b[31mred\\x1b]0;title\\x07z\n",
                b" 2  newline    one\\ntwo\\rthree\\tfour\n",
                b" 3  bidi       abc\\u202efed\\u2066x\\u200by\n",
                b" 4  invalid    a\\xff\\x9bb\\xc3\n",
                b" 5  c1         a\\u009b31m\\x7f\n",
                b" 6  nul        a\\x00b\n",
                b" 7  blob       00ff41\n",
                b" 9  null       NULL\n",
                "11  wide       日本語テキスト\n".encode(),
                b"14  tags       x\\U000e0041\\u2028y\n",
                b"15  backslash  C:\\temp\n",
                b"16  overlong   \\xc0\\xaf\\xe0\\x80\\x9f\\xed\\xa0\\x80\n"):
            self.assertIn(expected, shown)

    def test_line(self):
        answer = self.answer("--line", "SELECT id, at, error FROM execs WHERE id IN (6, 7)")
        self.assertEqual(answer.decode(), (
            "row 1\n"
            "  id     6\n"
            "  at     2026-11-22T03:05:01.500000000Z\n"
            "  error  NULL\n"
            "\n"
            "row 2\n"
            "  id     7\n"
            "  at     2026-11-22T03:12:00.000000000Z\n"
            "  error  NULL\n"
            "2 rows\n"))

    def test_markdown(self):
        answer = self.answer("--markdown", "SELECT id, value FROM hostile WHERE id IN (1, 8)")
        self.assertEqual(answer.decode(), (
            "| id | value |\n| --- | --- |\n"
            "| 1 | a\\\\x1b\\[31mred\\\\x1b\\]0;title\\\\x07z |\n| 8 |  |\n"))

    def test_times(self):
        sql = "SELECT started_at, started_at AS at, started_at AS begun FROM processes LIMIT 1"
        shown = json.loads(self.answer("--json", sql))[0]
        self.assertEqual(shown, {"started_at": "2026-11-22T02:00:00.000000000Z",
                                 "at": "2026-11-22T02:00:00.000000000Z",
                                 "begun": 1795312800000000000})
        raw = json.loads(self.answer("--json", "--raw-times", sql))[0]
        self.assertEqual(raw["started_at"], 1795312800000000000)

    def test_time_before_the_epoch_and_text_in_a_time_column(self):
        answer = self.answer("SELECT -1 AS at, 'soon' AS ended_at, NULL AS started_at")
        self.assertEqual(answer.splitlines()[1], b"1969-12-31T23:59:59.999999999Z,soon,")

    def test_a_shown_time_is_read_back(self):
        answer = self.answer("SELECT at(iso(started_at)) - started_at AS d FROM processes LIMIT 1")
        self.assertEqual(answer, b"d\n0\n")

    def test_other_character_set(self):
        answer = self.answer("--table", "SELECT value FROM hostile WHERE id = 11",
                             env=environment(LC_ALL="C"))
        self.assertIn(b"\\u65e5\\u672c\\u8a9e", answer)
        answer.decode("ascii")

    def test_large_cell(self):
        sql = "SELECT printf('%.*c', 1 << 20, 'x') AS big"
        self.assertEqual(len(self.answer("--csv", sql)), 4 + (1 << 20) + 1)
        self.assertEqual(len(json.loads(self.answer("--json", sql))[0]["big"]), 1 << 20)
        self.assertIn(b"x" * (1 << 20), self.answer("--line", sql))

    def test_headings_are_hostile_too(self):
        sql = 'SELECT 1 AS "a\x1b[2J,""b"'
        self.assertEqual(self.answer("--csv", sql), b'"a\x1b[2J,""b"\n1\n')
        self.assertNotIn(b"\x1b", self.answer("--table", sql))
        self.assertNotIn(b"\x1b", self.answer("--line", sql))
        self.assertEqual(json.loads(self.answer("--json", sql)), [{'a\x1b[2J,"b': 1}])

    def test_several_statements(self):
        self.assertEqual(self.answer("SELECT 1 AS a; SELECT 2 AS b;"), b"a\n1\nb\n2\n")

    def test_too_large_an_answer(self):
        sql = ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 400) "
               "SELECT printf('%.*c', 1 << 20, 'x') AS big FROM c")
        self.assertEqual(len(spyq("--csv", sql).stdout), 4 + 400 * ((1 << 20) + 1))
        result = spyq("--table", sql)
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        self.assertIn(b"larger than 256 MiB", result.stderr)

    def test_functions_in_views(self):
        answer = self.answer("SELECT * FROM readable WHERE id = 9")
        self.assertEqual(answer.splitlines()[1], b"9,2026-11-22T03:12:10.000000000Z,miner")


class Output(unittest.TestCase):
    def test_file_is_complete(self):
        target = path("answer.csv")
        before = os.umask(0)
        try:
            result = spyq("-o", target, "SELECT 1 AS a")
        finally:
            os.umask(before)
        self.assertEqual(os.stat(target).st_mode & 0o777, 0o600)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"", b""))
        with open(target, "rb") as file:
            self.assertEqual(file.read(), b"a\n1\n")

    def test_failure_leaves_the_old_file(self):
        folder = path("folder")
        os.mkdir(folder)
        target = os.path.join(folder, "answer.json")
        with open(target, "w", encoding="ascii") as file:
            file.write("old")
        result = spyq("--json", "-o", target, "SELECT 1 AS a; SELECT nope;")
        self.assertEqual(result.returncode, 1)
        with open(target, encoding="ascii") as file:
            self.assertEqual(file.read(), "old")
        self.assertEqual(os.listdir(folder), ["answer.json"])

    def test_no_such_directory(self):
        result = spyq("-o", path("none/answer"), "SELECT 1")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"none/answer: No such file or directory", result.stderr)

    def test_device(self):
        result = spyq("-o", "/dev/full", "SELECT 1")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"No space left on device", result.stderr)
        self.assertEqual(spyq("-o", "/dev/null", "SELECT 1").returncode, 0)

    def test_full_standard_output(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([support.program, "--store", store(), "SELECT 1"], stdout=full,
                                    stderr=subprocess.PIPE, env=environment(), check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"cannot write standard output", result.stderr)

    def test_large_answer_streams_into_a_file(self):
        sql = ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300) "
               "SELECT printf('%.*c', 1 << 20, 'x') AS big FROM c")
        target = path("large.csv")
        self.assertEqual(spyq("-o", target, sql).returncode, 0)
        self.assertEqual(os.stat(target).st_size, 4 + 300 * ((1 << 20) + 1))
        os.unlink(target)
