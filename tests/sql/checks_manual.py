# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual page's ways to load the extension; and that no other example is left untested."""
import os
import subprocess
import sys

import clients
import texts

STORE, EXTENSION = "/var/lib/spyq/spyq.db", "/usr/local/lib/spyq/spyq"


def display_that_begins(context, start):
    """The lines of the one display whose first line begins so, with this build's paths."""
    found = [lines for _, lines in texts.displays(context.manual_path) if lines[0].startswith(start)]
    assert len(found) == 1, f"{len(found)} displays begin with {start!r}"
    extension = os.path.splitext(context.build.extension)[0]
    return [line.replace(STORE, context.store).replace(EXTENSION, extension) for line in found[0]]


def answer(context, command, text):
    done = subprocess.run(command, input=text.encode(), capture_output=True,
                          env=context.build.environment(), timeout=clients.CLIENT_SECONDS)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode(errors="replace")
    return done.stdout.decode().strip()


def loads_in_sqlite3(context):
    lines = display_that_begins(context, "$ sqlite3 ")
    command = lines[0][2:].split()
    if subprocess.run(["sh", "-c", "command -v " + command[0]], capture_output=True).returncode:
        raise clients.Unavailable(f"no {command[0]} here")
    typed = "".join(line.removeprefix("sqlite> ") + "\n" for line in lines[1:])
    assert answer(context, command, typed + "SELECT basename('/a/b');\n") == "b"


def loads_in_python(context):
    script = "\n".join(display_that_begins(context, "import sqlite3"))
    script += "\nprint(db.execute(\"SELECT basename(exe) FROM processes WHERE id = 7\").fetchone())\n"
    assert answer(context, [sys.executable, "-"], script) == "(b'curl',)"


def every_example_is_of_a_kind_that_runs(context):
    kinds = ("sqlite> SELECT", "$ sqlite3 ", "import sqlite3")
    for comment, lines in texts.displays(context.manual_path):
        assert comment.startswith("twin: ") or lines[0].startswith(kinds), \
            f"nothing runs the example that begins {lines[0]!r}"


CHECKS = [(function.__name__, function) for function in (
    loads_in_sqlite3, loads_in_python, every_example_is_of_a_kind_that_runs)]
