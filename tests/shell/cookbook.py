#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cookbook, docs/cookbook.md, and the store that its answers come from, cookbook.sql.

cookbook.py --fixture DIRECTORY     make cookbook.sql of what tests/bpf/stage.py kept there
cookbook.py --update BUILDDIR       write into the page what its commands answer now: read it

`SPYQ_TEST_KEEP=DIRECTORY tests/bpf/run BUILDDIR -k test_scenario` keeps such a store. Of it the fixture
has other names for the machine, and other times: each scenario is given ten minutes.
"""
import argparse
import bisect
import fcntl
import json
import os
import pty
import re
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PAGE = os.path.join(TOP, "docs", "cookbook.md")
FIXTURE = os.path.join(HERE, "cookbook.sql")
START = 1795316400000000000  # 2026-11-22 03:00 UTC
SCENE = 600 * 10**9
LEFT_OUT = {"probes", "changes", "sequences", "marks"}
LEFT_OUT_OF = {
    "recorders": {"cgroup"},
    "processes": {"ns_pid", "gid", "egid", "capabilities", "sid", "pgid", "cgroup", "pid_ns", "user_ns",
                  "truncated", "start_boottime"},
    "execs": {"device", "inode", "links", "deleted", "gid", "egid", "environment", "truncated",
              "argv_length"},
    "connections": {"cookie", "net_ns"},
}
HOST = {"machine_id": "f00dfeedf00dfeedf00dfeedf00dfeed", "kernel": "6.1.0-28-amd64",
        "boot_id": "00000000-0000-4000-8000-000000000001"}

# ---- the store ----


class Clock:
    """Times of the scenarios to those of the fixture, in the same order."""

    def __init__(self, scenes):
        self.began = [began for _, began in scenes]

    def __call__(self, at):
        scene = max(bisect.bisect_right(self.began, at) - 1, 0)
        return START + scene * SCENE + at - self.began[scene]


def is_time(name):
    return name == "at" or name.endswith("_at")


def changed(table, name, value, clock):
    if value is None:
        return None
    if is_time(name):
        return clock(value)
    if table == "hosts" and name in HOST:
        return HOST[name]
    if isinstance(value, str):
        return re.sub(r"/spyq-test-\d+-\d+", "", value)
    return value


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


def rows_of(store, table, clock):
    """Statements for a table, without columns that have nothing in them."""
    cursor = store.execute(f"SELECT * FROM {table} ORDER BY 1")
    names = [column[0] for column in cursor.description]
    rows = [[changed(table, name, value, clock) for name, value in zip(names, row)] for row in cursor]
    used = [i for i, name in enumerate(names) if name not in LEFT_OUT_OF.get(table, ())
            and any(row[i] is not None for row in rows)]
    for start in range(0, len(rows), 100):
        yield f"INSERT INTO {table} ({', '.join(names[i] for i in used)}) VALUES\n"
        yield ",\n".join("(" + ", ".join(literal(row[i]) for i in used) + ")"
                         for row in rows[start:start + 100]) + ";\n"


def drop_fences(store):
    """What only the tests are for: the processes by which they know that all has been written."""
    store.executescript("""
        CREATE TEMP TABLE gone AS SELECT id, trace_id FROM processes WHERE cgroup LIKE '%/fence';
        DELETE FROM execs WHERE process_id IN (SELECT id FROM gone);
        DELETE FROM edges WHERE src IN (SELECT id FROM gone) OR dst IN (SELECT id FROM gone);
        DELETE FROM privileges WHERE process_id IN (SELECT id FROM gone);
        DELETE FROM traces WHERE id IN (SELECT trace_id FROM gone)
            AND root_process_id IN (SELECT id FROM gone);
        DELETE FROM processes WHERE id IN (SELECT id FROM gone);
    """)


def make_fixture(directory):
    with open(os.path.join(directory, "scenes.json")) as file:
        clock = Clock(json.load(file))
    store = sqlite3.connect(":memory:")
    sqlite3.connect(os.path.join(directory, "spyq.db")).backup(store)
    drop_fences(store)
    tables = [name for name, in store.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' "
        "ORDER BY rowid")]
    with open(FIXTURE, "w") as file:
        file.write("-- What the scenarios of tests/bpf did, as they were recorded; see cookbook.py.\n")
        for table in tables:
            if table not in LEFT_OUT:
                file.writelines(rows_of(store, table, clock))


def make_store(path):
    store = sqlite3.connect(path)
    with open(os.path.join(TOP, "sql", "schema.sql")) as schema, \
            open(os.path.join(TOP, "sql", "views.sql")) as views, open(FIXTURE) as rows:
        store.executescript("PRAGMA journal_mode = WAL; PRAGMA application_id = 0x53505951;"
                            f"PRAGMA user_version = {schema_version()}; BEGIN;" + schema.read()
                            + views.read() + rows.read() + "COMMIT;")
    store.close()
    return path


def schema_version():
    with open(os.path.join(TOP, "sql", "store.h")) as header:
        return re.search(r"STORE_SCHEMA_VERSION (\d+)", header.read())[1]


# ---- the page ----

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)


def commands_of(block):
    """The commands of a block and what follows each: lines that begin with `$ `, continued by `> `."""
    found = []
    for line in block.splitlines(True):
        if line.startswith("$ "):
            found.append([line, ""])
        elif line.startswith("> ") and not found[-1][1]:
            found[-1][0] += line
        else:
            found[-1][1] += line
    return found


def run(command, store, build):
    """What a command says on a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    text = "\n".join(line[2:] for line in command.splitlines())
    process = subprocess.Popen(
        ["/bin/sh", "-c", text], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
        env={"PATH": build + ":/usr/bin:/bin", "SPYQ_STORE": store, "LANG": "C.UTF-8",
             "TERM": "dumb", "NO_COLOR": "1", "HOME": os.path.dirname(store)},
        cwd=os.path.dirname(store))
    os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        said += piece
    os.close(ours)
    process.wait()
    said = said.decode("utf-8", "replace").replace("\r\n", "\n")
    return "".join(line.rstrip(" ") + "\n" for line in said.splitlines())


def read_page():
    with open(PAGE) as file:
        return file.read()


def update_page(build):
    with tempfile.TemporaryDirectory(prefix="spyq-cookbook-") as directory:
        store = make_store(os.path.join(directory, "spyq.db"))

        def answered(match):
            return "```console\n" + "".join(command + run(command, store, build) for command, _ in
                                            commands_of(match[1])) + "```"
        page = BLOCK.sub(answered, read_page())
    with open(PAGE, "w") as file:
        file.write(page)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--fixture")
    parser.add_argument("--update")
    options = parser.parse_args()
    if options.fixture:
        make_fixture(options.fixture)
    if options.update:
        update_page(os.path.abspath(options.update))


if __name__ == "__main__":
    sys.exit(main())
