# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the tests that are text: the *.test files, and the examples of the manual page.

A *.test file is blocks of

    # what is tested
    SQL
    ----
    rows as sqlite3's `.mode quote` prints them, or `error: ` and a part of the message
"""
import re


class Case:
    def __init__(self, name, sql, expected):
        self.name = name
        self.sql = sql
        self.expected = expected  # bytes


def read_tests(path):
    cases = []
    for block in re.split(rb"^# ", open(path, "rb").read(), flags=re.M)[1:]:
        name, _, body = block.partition(b"\n")
        sql, mark, expected = body.partition(b"----\n")
        if not mark:
            raise ValueError(f"{path}: no ---- in the block {name.decode()!r}")
        cases.append(Case(name.decode(), sql.strip(), expected.strip()))
    return cases


def unescape(line):
    """What a line of mdoc inside a literal display shows."""
    return line.replace("\\e", "\\").replace("\\&", "")


def displays(path):
    """The literal displays of a manual page, each with the comment right before it or ''."""
    page = open(path).read()
    for match in re.finditer(r'(?:^\.\\" ([^\n]*)\n)?^\.Bd -literal[^\n]*\n(.*?)^\.Ed$', page, re.M | re.S):
        yield match.group(1) or "", [unescape(line) for line in match.group(2).splitlines()]


def read_examples(path):
    """What follows a sqlite> prompt, as far as the next, is its output in list mode."""
    cases = []
    for _, lines in displays(path):
        for line in lines:
            if line.startswith("sqlite> ."):
                continue
            if line.startswith("sqlite> "):
                cases.append(Case(line, line[8:].encode(), b""))
            elif line.startswith("   ...> "):
                cases[-1].sql += b"\n" + line[8:].encode()
            elif cases and lines[0].startswith("sqlite> SELECT"):
                cases[-1].expected += line.encode() + b"\n"
    return cases


def read_twins(path):
    """The recursive CTEs that the page gives beside the table functions, by function."""
    return {comment[6:]: "\n".join(lines)
            for comment, lines in displays(path) if comment.startswith("twin: ")}


def as_list(rows):
    """Rows as sqlite3's list mode prints them."""
    def text(value):
        if value is None:
            return b""
        return value if isinstance(value, bytes) else str(value).encode()
    return b"".join(b"|".join(text(value) for value in row) + b"\n" for row in rows)
