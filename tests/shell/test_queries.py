# SPDX-License-Identifier: GPL-3.0-or-later
"""The saved queries: what each finds and what it leaves out, and how they are found and run."""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import unittest

import support
from support import environment, make_store, path, spyq

S = 10**9
DAY = 1795305600 * S  # 2026-11-22 00:00 UTC; that day is what is asked about
T = DAY + 3 * 3600 * S
BEFORE = DAY - 3600 * S
AFTER = DAY + 25 * 3600 * S
SPAN = ("--since", "2026-11-22", "--until", "2026-11-23")
SHELL, CURL, NGINX = "/usr/bin/bash", "/usr/bin/curl", "/usr/sbin/nginx"

DEFAULTS = {
    "processes": {"host_id": 1, "pid": 100, "origin": "event", "started_at": T},
    "execs": {"process_id": 1, "at": T},
    "connections": {"host_id": 1, "process_id": 1, "protocol": "tcp", "direction": "out",
                    "started_at": T, "state": "closed", "origin": "event",
                    "remote_address": "9.9.9.1", "remote_port": 443},
    "listeners": {"host_id": 1, "process_id": 1, "protocol": "tcp", "started_at": T, "origin": "event",
                  "address": "0.0.0.0", "port": 80},
    "holders": {"at": T},
    "files": {"host_id": 1, "process_id": 1, "at": T},
    "edges": {"host_id": 1, "at": T, "last_at": T, "count": 1},
    "privileges": {"host_id": 1, "process_id": 1, "at": T},
    "traces": {"host_id": 1, "started_at": T, "last_at": T, "process_count": 1,
               "connection_count": 0, "flag_count": 0, "pinned": 0},
    "containers": {"host_id": 1, "started_at": T},
    "dns_queries": {"host_id": 1, "process_id": 1, "at": T, "server": "192.0.2.53"},
    "flags": {"host_id": 1, "process_id": 1, "at": T, "rule": "r", "severity": "high"},
    "losses": {"class": "network", "stage": "ring"},
    "pairs": {"kind": "parent-child", "last_at": T, "count": 1, "novel": 0},
}


def row(table, **columns):
    return table, {**DEFAULTS[table], **columns}


def times(column="at"):
    """What is before, in and after the day, as the columns of rows 1, 2 and 3."""
    return [{"id": 1, column: BEFORE}, {"id": 2, column: T}, {"id": 3, column: AFTER}]


def in_span(table, column="at", **columns):
    return [row(table, **moment, **columns) for moment in times(column)]


def beacon(gaps, address, first):
    at, rows = T, []
    for i, gap in enumerate(gaps):
        rows.append(row("connections", id=first + i, started_at=at, remote_address=address))
        at += gap * S
    return rows


P = row("processes", id=1, exe=SHELL)

# For each query: the rows of the store; what of the answer: a column, and its values in order; more
# arguments, SPAN if there are none.
CASES = {
    "new-listeners": [(
        in_span("listeners", "started_at") + [
            row("listeners", id=4, origin="scan"), row("listeners", id=5, protocol="udp")],
        "id", [2], SPAN),
        (in_span("listeners", "started_at", protocol="udp"), "id", [2],
         (*SPAN, "--param", "udp=1"))],
    "exposed-listeners": [(
        [row("listeners", id=1), row("listeners", id=2, address="::1"),
         row("listeners", id=3, address="127.0.0.53"), row("listeners", id=4, ended_at=T),
         row("listeners", id=5, address="::", port=22),
         row("listeners", id=6, protocol="udp")], "id", [5, 1], ())],
    "first-seen-destinations": [(
        in_span("connections", "started_at", remote_address="9.9.9.1") + [
            row("connections", id=4, remote_address="8.8.4.7", started_at=T + 1),
            row("connections", id=5, remote_address="8.8.4.7"),
            row("connections", id=6, remote_address="10.0.0.1"),
            row("connections", id=7, remote_address="8.8.4.8", direction="in"),
            row("connections", id=8, remote_address="8.8.4.9", direction="in", started_at=BEFORE),
            row("connections", id=9, remote_address="8.8.4.9")],
        "id", [4, 9], SPAN),
        ([row("connections", id=6, remote_address="10.0.0.1"),
          row("connections", id=7, remote_address="10.0.0.2")], "id", [6, 7],
         (*SPAN, "--param", "private=1"))],
    "first-seen-programs": [(
        in_span("execs", exe=SHELL) + [
            row("execs", id=4, exe=CURL), row("execs", id=5, exe=CURL, at=T + 1),
            row("execs", id=6, exe="/x", error="EACCES"), row("execs", id=7)],
        "exe", [CURL], SPAN)],
    "unusual-parents": [(
        [row("processes", id=1, exe=SHELL, started_at=BEFORE),
         row("processes", id=2, exe=NGINX, started_at=BEFORE),
         row("processes", id=3, exe=CURL, parent_id=1, started_at=BEFORE),
         row("processes", id=4, exe=CURL, parent_id=1),
         row("processes", id=5, exe=CURL, parent_id=2),
         row("processes", id=6, exe=CURL, parent_id=2),
         row("processes", id=7, exe=NGINX, parent_id=2),
         row("processes", id=8, exe=SHELL, parent_id=2, started_at=AFTER)],
        "id", [5], SPAN),
        # What the recorder has counted goes before what rows there are.
        ([row("processes", id=1, exe=SHELL, started_at=BEFORE),
          row("processes", id=2, exe=NGINX, started_at=BEFORE),
          row("processes", id=3, exe=CURL, parent_id=1, started_at=BEFORE),
          row("processes", id=4, exe=CURL, parent_id=1), row("processes", id=5, exe=CURL, parent_id=2),
          row("pairs", a=SHELL, b=CURL, first_at=T), row("pairs", a=NGINX, b=CURL, first_at=BEFORE),
          row("pairs", kind="user-program", a=NGINX, b=CURL, first_at=T)], "id", [4], SPAN)],
    "deleted-programs": [(
        [row("processes", id=i, exe=f"/x{i}", ended_at=T if i == 4 else None) for i in range(1, 8)]
        + [row("execs", process_id=1), row("execs", process_id=2, deleted=1),
           row("execs", process_id=3, memfd=1), row("execs", process_id=4, deleted=1),
           row("execs", process_id=5), row("files", op="unlink", path="/x5", at=T + 5),
           row("execs", process_id=6), row("files", op="unlink", path="/x6", at=T - 5),
           row("execs", process_id=7, deleted=1), row("execs", process_id=7, at=T + 1),
           row("execs", process_id=7, at=T + 2, deleted=1, error="EACCES")],
        "id", [2, 3, 5], ())],
    "fileless": [(
        in_span("execs", memfd=1) + [
            row("execs", id=4, deleted=1), row("execs", id=5, deleted=0, memfd=0),
            row("execs", id=6, deleted=1, error="ENOEXEC")], "id", [2, 4], SPAN)],
    "odd-places": [(
        in_span("execs", exe="/tmp/x") + [
            row("execs", id=4, exe="/usr/bin/dash", script="/dev/shm/a.sh"),
            row("execs", id=5, exe="/home/u/.cache/x"), row("execs", id=6, exe="/usr/tmp/x"),
            row("execs", id=7, exe="/home/u/a.out"), row("execs", id=8, exe="/opt/.x"),
            row("execs", id=9, exe="/tmp/y", error="EACCES"),
            row("execs", id=10, exe="/var/tmp/x")],
        "id", [2, 4, 5, 10], SPAN)],
    "root-gained": [(
        in_span("privileges", kind="setuid", old='{"uid":1000,"euid":1000}',
                new='{"uid":1000,"euid":0}') + [
            row("privileges", id=4, kind="setuid", old='{"euid":0}', new='{"euid":33}'),
            row("privileges", id=5, kind="setuid", old='{"uid":33,"euid":0}',
                new='{"uid":0,"euid":0}'),
            row("privileges", id=6, kind="setgid", old='{"egid":5}', new='{"egid":0}')],
        "id", [2], SPAN)],
    "capabilities-gained": [(
        in_span("privileges", kind="caps", old='{"capabilities":"0"}',
                new='{"capabilities":"3000"}') + [row("privileges", id=4, kind="setuid")],
        "new", ["3000"], SPAN)],
    "setuid-files": [(
        in_span("files", op="chmod", path="/x", mode=0o104755) + [
            row("files", id=4, op="chmod", path="/y", mode=0o100755),
            row("files", id=5, op="write", path="/z", mode=0o104755),
            row("files", id=6, op="chmod", path="/g", mode=0o2755)],
        "id", [2, 6], SPAN)],
    "long-connections": [(
        [row("connections", id=1, started_at=BEFORE, ended_at=T),
         row("connections", id=2, ended_at=T + 3600 * S),
         row("connections", id=3, ended_at=T + 3599 * S), row("connections", id=4, started_at=T),
         row("connections", id=5, started_at=2**62)], "id", [2, 4], SPAN),
        ([row("connections", id=1, ended_at=T + 60 * S), row("connections", id=2, ended_at=T)],
         "id", [1], (*SPAN, "--param", "longer=1m"))],
    "top-talkers": [(
        [P, row("processes", id=2, exe=CURL)] + in_span("connections", "started_at", bytes_sent=99)
        + [row("connections", id=4, process_id=2, bytes_sent=1, bytes_received=60),
           row("connections", id=5, process_id=2, bytes_received=60),
           row("connections", id=6, remote_address="8.8.4.1", bytes_sent=1)],
        "exe", [CURL, SHELL], (*SPAN, "--param", "limit=2"))],
    "uploads": [(
        in_span("connections", "started_at", bytes_sent=10**7) + [
            row("connections", id=4, bytes_sent=10**7 - 1),
            row("connections", id=5, bytes_sent=10**9, remote_address="10.0.0.1"),
            row("connections", id=6, bytes_sent=10**8)], "id", [6, 2], SPAN)],
    "beacons": [(
        [P] + beacon([60, 60, 61, 60, 59, 60, 60, 60], "9.9.9.1", 1)
        + beacon([5, 300, 20, 1, 900, 7, 60, 60], "9.9.9.2", 11)
        + beacon([60] * 7, "9.9.9.3", 21) + beacon([60] * 9, "10.0.0.1", 31),
        "remote_address", ["9.9.9.1"], SPAN)],
    "public-connections": [(
        in_span("connections", "started_at") + [
            row("connections", id=4, remote_address="192.168.1.1"),
            row("connections", id=5, direction="in")], "id", [2, 5], SPAN)],
    "visitors": [(
        in_span("connections", "started_at", direction="in", local_port=22) + [
            row("connections", id=4, direction="in", local_port=80),
            row("connections", id=5, direction="in", local_port=22, remote_address="127.0.0.1"),
            row("connections", id=6, direction="in", local_port=22, remote_address="10.0.0.9",
                peer_id=5),
            row("connections", id=7, direction="in", local_port=22, remote_address="10.0.0.8")],
        "id", [4, 7], SPAN)],
    "admin-connections": [(
        in_span("connections", "started_at", remote_port=22) + [
            row("connections", id=4, remote_port=22, peer_id=3),
            row("connections", id=5, remote_port=3389), row("connections", id=6, remote_port=443),
            row("connections", id=7, remote_port=22, direction="in")], "id", [2, 5], SPAN)],
    "scans": [(
        [row("processes", id=i) for i in (1, 2, 3)]
        + [row("connections", state="refused", remote_port=i) for i in range(20)]
        + [row("connections", state="refused", process_id=2, remote_port=i % 3) for i in range(40)]
        + [row("connections", state="closed", process_id=3, remote_port=i) for i in range(40)],
        "id", [1], SPAN)],
    "failed-execs": [(
        in_span("execs", error="EACCES") + [
            row("execs", id=4), row("execs", id=5, error="ENOENT")], "id", [2], SPAN),
        ([row("execs", id=5, error="ENOENT")], "id", [5], (*SPAN, "--param", "all=1"))],
    "logins": [(
        in_span("traces", "started_at", kind="login") + [row("traces", id=4, kind="cron")],
        "id", [2], SPAN)],
    "cron-jobs": [(
        in_span("traces", "started_at", kind="cron") + [row("traces", id=4, kind="service")],
        "id", [2], SPAN)],
    "became-root": [(
        in_span("execs", exe="/usr/bin/sudo") + [
            row("execs", id=4, exe="/tmp/sudo"), row("execs", id=5, exe="/usr/bin/su")],
        "id", [2, 5], SPAN)],
    "server-shells": [(
        [row("processes", id=1, exe=NGINX), row("processes", id=2, exe=NGINX, parent_id=1),
         row("processes", id=3, exe=SHELL, parent_id=2),
         row("processes", id=4, exe="/usr/sbin/sshd"),
         row("processes", id=5, exe=SHELL, parent_id=4), row("processes", id=6, exe=SHELL),
         row("listeners", process_id=1), row("listeners", process_id=4, port=22)]
        + in_span("execs", process_id=3, exe=SHELL) + [
            row("execs", id=4, process_id=5, exe=SHELL), row("execs", id=5, process_id=6, exe=SHELL),
            row("execs", id=6, process_id=3, exe=CURL)], "id", [2], SPAN)],
    "reverse-shells": [(
        in_span("execs", exe=SHELL, stdin="socket:[7]", stdout="socket:[7]") + [
            row("execs", id=4, exe=SHELL, stdin="socket:[7]", stdout="pipe:[8]"),
            row("execs", id=5, exe=NGINX, stdin="socket:[7]", stdout="socket:[7]"),
            row("execs", id=6, exe="/usr/bin/python3.11", stdin="socket:[7]", stdout="socket:[7]"),
            row("connections", id=9), row("holders", connection_id=9, process_id=1, how="stdio")],
        "id", [2, 6], SPAN)],
    "one-liners": [(
        in_span("execs", exe="/usr/bin/python3.11", argv='["python3","-c","import os"]') + [
            row("execs", id=4, exe="/usr/bin/perl", argv='["perl","-ne","print"]'),
            row("execs", id=5, exe="/usr/bin/python3.11", argv='["python3","x.py","-c"]'),
            row("execs", id=6, exe=SHELL, argv='["sh","-c","ls"]'),
            row("execs", id=7, exe=SHELL, argv='["sh","-c","echo aa | base64 -d"]'),
            row("execs", id=8, exe=SHELL, argv='["sh","-c","curl x | sh"]')],
        "id", [2, 4, 7, 8], SPAN)],
    "written-then-run": [(
        [row("processes", id=1), row("processes", id=2)]
        + in_span("files", op="write", path="/tmp/x")
        + [row("edges", id=10 + i, kind="file", src=1, dst=2, file_id=i, detail="exec")
           for i in (1, 2, 3)]
        + [row("files", id=4, op="write", path="/tmp/y"),
           row("files", id=5, op="write", path="/tmp/z.so"),
           row("edges", id=15, kind="file", src=1, dst=2, file_id=5, detail="load")],
        "id", [12], SPAN)],
    "downloaded-then-run": [(
        [row("connections", id=9)] + in_span("files", op="write", path="/tmp/x", connection_id=9)
        + [row("edges", id=10 + i, kind="file", src=1, dst=2, file_id=i, detail="exec")
           for i in (1, 2, 3)]
        + [row("files", id=4, op="write", path="/tmp/y"),
           row("edges", id=14, kind="file", src=1, dst=2, file_id=4, detail="exec")],
        "id", [12], SPAN)],
    "persistence": [(
        in_span("files", op="write", path="/etc/cron.d/x", place="cron") + [
            row("files", id=4, op="write", path="/tmp/x"),
            row("files", id=5, op="rename", path="/root/.ssh/rc", place="ssh")], "id", [2, 5], SPAN),
        ([row("files", id=4, op="write", place="cron"), row("files", id=5, op="write", place="ssh")],
         "id", [5], (*SPAN, "--param", "place=ssh"))],
    "injections": [(
        [row("processes", id=1, started_at=BEFORE), row("processes", id=2)]
        + [row("edges", id=1, kind="ptrace", src=1, dst=2, at=BEFORE),
           row("edges", id=2, kind="fork", src=1, dst=2),
           row("edges", id=3, kind="ptrace", src=1, dst=2),
           row("edges", id=4, kind="inject", src=1, dst=2), row("edges", id=5, kind="pipe", src=1, dst=2),
           row("edges", id=6, kind="ptrace", src=1, dst=2, at=AFTER)], "id", [3, 4], SPAN)],
    "kernel-changes": [(
        in_span("privileges", kind="module", new='{"name":"evil"}') + [
            row("privileges", id=4, kind="bpf", new='{"name":"p"}'),
            row("privileges", id=5, kind="module", old='{"name":"gone"}'),
            row("privileges", id=6, kind="mount", new='{"target":"/"}')],
        "name", ["evil", "p", "gone"], SPAN)],
    "container-escapes": [(
        [row("containers", id=1, container_id="c1", runtime="docker", root_process_id=2),
         row("containers", id=2, container_id="s1", runtime="systemd"),
         row("processes", id=1, container_id="c1"), row("processes", id=2, container_id="c1"),
         row("processes", id=3), row("processes", id=4, container_id="s1")]
        + in_span("privileges", kind="mount") + [
            row("privileges", id=4, kind="mount", process_id=2),
            row("privileges", id=5, kind="mount", process_id=3),
            row("privileges", id=6, kind="mount", process_id=4),
            row("privileges", id=7, kind="setuid")], "id", [2], SPAN)],
    "container-visitors": [(
        [row("containers", id=1, container_id="c1", runtime="docker", root_process_id=2),
         row("processes", id=1), row("processes", id=2, parent_id=1, container_id="c1"),
         row("processes", id=3, parent_id=1, container_id="c1"),
         row("processes", id=4, parent_id=3, container_id="c1"),
         row("processes", id=5, parent_id=1, container_id="c1", started_at=BEFORE)],
        "id", [3], SPAN)],
    "at-night": [(
        [P, row("execs", id=1, exe=SHELL), row("execs", id=2, exe=CURL, at=T + 9 * 3600 * S),
         row("execs", id=3, exe=NGINX, at=T + 20 * 3600 * S), row("execs", id=4, exe="/b", at=BEFORE)],
        "exe", [SHELL, NGINX], SPAN),
        ([row("execs", id=1, exe=SHELL), row("execs", id=2, exe=CURL, at=T + 9 * 3600 * S)],
         "exe", [CURL], (*SPAN, "--param", "from=12", "--param", "to=13"))],
    "crashes": [(
        [row("traces", id=1, kind="service", started_at=BEFORE, last_at=T + 3600 * S),
         row("traces", id=2, kind="service", started_at=BEFORE, last_at=BEFORE)]
        + [row("processes", id=i, trace_id=1, started_at=BEFORE, ended_at=at, exit_signal=signal)
           for i, at, signal in ((1, T, 11), (2, T, 15), (3, T, None), (4, BEFORE, 11), (5, T, 6))],
        "id", [1, 5], SPAN)],
    "dns-odd": [(
        in_span("dns_queries", name="x.example.org", type="TXT") + [
            row("dns_queries", id=4, name="x.example.org", type="A"),
            row("dns_queries", id=5, name="a" * 40 + ".example.org", type="A"),
            row("dns_queries", id=6, name=".".join(["abcdefgh"] * 11), type="A"),
            row("dns_queries", id=7, name="a b.example.org", type="A"),
            row("dns_queries", id=8, name="_ldap._tcp.example.org", type="SRV")],
        "id", [2, 5, 6, 7], SPAN)],
    "dns-failures": [(
        [row("processes", id=1), row("processes", id=2)]
        + [row("dns_queries", name=f"{i}.example", rcode="NXDOMAIN") for i in range(10)]
        + [row("dns_queries", name=f"{i % 9}.example", rcode="NXDOMAIN", process_id=2)
           for i in range(20)], "process_id", [1], SPAN)],
    "dns-servers": [(
        in_span("dns_queries", name="a") + [
            row("dns_queries", id=4, name="a"), row("dns_queries", id=5, name="a", server="8.8.8.8")],
        "server", ["192.0.2.53", "8.8.8.8"], SPAN)],
    "new-flags": [(
        in_span("flags") + [row("flags", id=4, severity="info"), row("flags", id=5, suppressed_by=1),
                            row("flags", id=6, severity="low")], "id", [2, 6], SPAN),
        ([row("flags", id=1, severity="medium"), row("flags", id=2, severity="high"),
          row("flags", id=3, severity="critical")],
         "id", [2, 3], (*SPAN, "--param", "severity=high"))],
    "lost": [(
        [row("losses", id=1, started_at=BEFORE, ended_at=DAY - 1),
         row("losses", id=2, started_at=BEFORE, ended_at=DAY),
         row("losses", id=3, started_at=T, ended_at=AFTER),
         row("losses", id=4, started_at=AFTER, ended_at=AFTER)], "id", [2, 3], SPAN)],
}

# What may be read from end to end: partial indexes of what is there now, and what a query made.
MAY_SCAN = re.compile(
    r"SCAN (CONSTANT ROW|calls|n|\(|subquery|[a-z]+ VIRTUAL TABLE|\w+ USING (COVERING )?INDEX "
    r"(processes_alive|connections_open|listeners_open|containers_running|traces_living)$)")


def files():
    directory = os.path.join(support.TOP, "sql/queries")
    return {name[:-4]: support.read_text(os.path.join("sql/queries", name))
            for name in sorted(os.listdir(directory))}


def fill(name, rows):
    db = sqlite3.connect(name)
    for table, columns in rows:
        db.execute(f"INSERT INTO {table} ({', '.join(columns)}) "
                   f"VALUES ({', '.join('?' * len(columns))})", list(columns.values()))
    db.commit()
    db.close()


class Answers(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.empty = make_store("queries-empty.db", fixture=False, wal=False)

    def check(self, name, number, case):
        rows, column, expected, arguments = case
        store = path(f"queries-{name}-{number}.db")
        shutil.copyfile(self.empty, store)
        fill(store, rows)
        result = spyq("--json", "run", name, *arguments, on=store)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        answer = json.loads(result.stdout)
        self.assertEqual([row[column] for row in answer], expected)

    def test_every_query_finds_what_it_is_for_and_no_more(self):
        self.assertEqual(sorted(CASES), sorted(files()))
        self.assertGreaterEqual(len(CASES), 25)
        for name, cases in CASES.items():
            for number, case in enumerate(cases):
                with self.subTest(query=name, case=number):
                    self.check(name, number, case)

    def plan(self, text):
        values = {"longer": "'1h'", "place": "''", "severity": "'low'"}
        sql = re.sub(r"(?m)^--.*\n", "", text)
        if ":longer" in sql and "length(" in sql:
            values["longer"] = "90"
        sql = re.sub(r":([a-z_]+)", lambda match: values.get(match.group(1), "1"), sql)
        result = spyq("--json", "EXPLAIN QUERY PLAN " + sql, on=self.empty)
        self.assertEqual(result.returncode, 0, result.stderr)
        return [row["detail"] for row in json.loads(result.stdout)]

    def test_no_query_reads_a_table_from_end_to_end(self):
        for name, text in files().items():
            if name == "lost":
                continue  # SEARCH by time; told apart below
            with self.subTest(query=name):
                for step in self.plan(text):
                    self.assertFalse("BLOOM" in step or "AUTOMATIC" in step, step)
                    if step.startswith("SCAN"):
                        self.assertRegex(step, MAY_SCAN)

    def test_the_check_of_plans_sees_a_scan(self):
        steps = self.plan("SELECT * FROM execs AS e WHERE e.comm = 1".replace("comm", "cwd"))
        scans = [step for step in steps if step.startswith("SCAN")]
        self.assertEqual(len(scans), 1)
        self.assertNotRegex(scans[0], MAY_SCAN)

    def test_the_list_has_them_all(self):
        result = spyq("queries", "--json", on=self.empty)
        listed = {row["name"]: row for row in json.loads(result.stdout)}
        self.assertEqual(sorted(listed), sorted(files()))
        for name, text in files().items():
            self.assertTrue(text.startswith(f"-- name: {name}\n-- description: "), name)
            self.assertEqual(listed[name]["file"], "built in")
            self.assertLessEqual(len(name) + 2 + len(listed[name]["description"]), 100)
        self.assertEqual(listed["logins"]["parameters"], "since=24h until=now")


class Running(unittest.TestCase):
    def setUp(self):
        self.config = path("config")
        self.own = os.path.join(self.config, "spyq/queries")
        os.makedirs(self.own, exist_ok=True)
        self.addCleanup(shutil.rmtree, self.config)
        self.env = environment(XDG_CONFIG_HOME=self.config)

    def write(self, name, text):
        file = os.path.join(self.own, name)
        with open(file, "wb") as out:
            out.write(text if isinstance(text, bytes) else text.encode())
        return file

    def run_query(self, *arguments, **options):
        return spyq("run", *arguments, env=self.env, **options)

    def refuse(self, code, words, *arguments):
        result = self.run_query(*arguments)
        self.assertEqual((result.returncode, result.stdout), (code, b""), result.stderr)
        self.assertEqual(result.stderr.decode(), f"spyq: {words}\n")

    def refuse_file(self, words, text, name="mine.sql"):
        file = self.write(name, text)
        self.refuse(1, words.replace("FILE", file), name[:-4])

    def test_a_query_of_ones_own(self):
        self.write("mine.sql", "-- name: mine\n-- description: by name\n-- a remark\n"
                   "-- param: comm TEXT bash whose\n-- param: least NUMBER 0\n"
                   "-- param: longer SPAN 1h\n"
                   "SELECT id, :comm AS c, ago(:longer) < at('now') AS old FROM processes\n"
                   "WHERE comm = :comm AND id >= :least")
        self.assertEqual(self.run_query("mine").stdout, b"id,c,old\n6,bash,1\n")
        hostile = "x'; DROP TABLE processes; --"
        result = self.run_query("mine", "--param", "comm=" + hostile)
        self.assertEqual((result.returncode, result.stdout), (0, b"id,c,old\n"))
        self.assertEqual(self.run_query("mine", "--param", "comm=curl", "--param=least=10").stdout,
                         b"id,c,old\n10,curl,1\n11,curl,1\n")
        listed = json.loads(spyq("queries", "mine", "--json", env=self.env).stdout)
        self.assertEqual(listed[0], {"parameter": "comm", "type": "TEXT", "default": "bash",
                                     "meaning": "whose"})

    def test_ones_own_takes_the_place_of_a_built_in_one(self):
        self.write("x.sql", "-- name: logins\n-- description: mine\nSELECT 7 AS seven")
        self.assertEqual(self.run_query("logins").stdout, b"seven\n7\n")

    @unittest.skipIf(os.geteuid() != 0, "needs root, for a mount namespace")
    def test_those_of_the_system(self):
        script = ("mount -t tmpfs none /etc && mkdir -p /etc/spyq/queries.d && "
                  "echo '-- name: site\n-- description: d\nSELECT 8 AS eight' "
                  '>/etc/spyq/queries.d/site.sql && exec "$@"')
        result = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", support.program, "--store",
             support.store(), "run", "site"],
            capture_output=True, env=self.env, check=False)
        self.assertEqual((result.stdout, result.stderr), (b"eight\n8\n", b""))

    def test_without_a_home_there_are_the_built_in_ones(self):
        result = spyq("queries", "--csv", env=environment(HOME=None))
        self.assertEqual(len(result.stdout.splitlines()), 1 + len(files()))

    def test_wrong_files_are_named_with_the_line(self):
        head = "-- name: mine\n-- description: d\n"
        for words, text in (
                ("FILE:1: unknown key 'nme'; did you mean name?", "-- nme: mine\nSELECT 1"),
                ("FILE:1: the name 'My' is not made of small letters, digits, - and _",
                 "-- name: My\nSELECT 1"),
                ("FILE:2: there is no line '-- name: NAME' above", "-- description: d\nSELECT 1"),
                ("FILE:2: there is no line '-- description: TEXT' above",
                 "-- name: mine\nSELECT 1"),
                ("FILE:3: there is no SQL", head),
                ("FILE:3: the type of x is TIME, SPAN, NUMBER or TEXT, not 'INT'",
                 head + "-- param: x INT 1\nSELECT :x"),
                ("FILE:3: the param x needs a default (\"\" for none)",
                 head + "-- param: x NUMBER\nSELECT :x"),
                ("FILE:4: there is a param x already",
                 head + "-- param: x NUMBER 1\n-- param: x TEXT a\nSELECT :x"),
                ("FILE:3: new is yes or no, not 'maybe'", head + "-- new: maybe\nSELECT 1"),
                ("FILE:3: key has no value", head + "-- key:\nSELECT 1"),
                ("FILE:4: the SQL has :y, which is no param of its header",
                 head + "\nSELECT :y"),
                ("FILE:3: the SQL has :after, which is no param of its header",
                 head + "SELECT :after"),
                ("FILE:4: the SQL has no :x, which its header names",
                 head + "-- param: x NUMBER 1\nSELECT 1"),
                ("FILE:5: there is a second statement", head + "SELECT 1;\n\nSELECT 2;"),
                ("FILE:3: spyq only reads the store and does not allow DELETE",
                 head + "DELETE FROM hosts"),
        ):
            with self.subTest(words=words):
                self.refuse_file(words, text)
        file = self.write("mine.sql", head + "SELECT 1,\n  nope")
        result = self.run_query("mine")
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{file}:3: no such column: nope\n", result.stderr.decode())

    def test_one_wrong_file_does_not_hide_the_others(self):
        file = self.write("bad.sql", "-- nme: x\nSELECT 1")
        result = spyq("queries", "--csv", env=self.env)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stdout.splitlines()), 1 + len(files()))
        self.assertIn(f"{file}:1: unknown key".encode(), result.stderr)
        self.assertEqual(self.run_query("logins").returncode, 0)

    def test_what_is_no_text_is_refused(self):
        file = self.write("nul.sql", b"-- name: nul\0\nSELECT 1")
        result = spyq("queries", env=self.env)
        self.assertIn(f"cannot read the query {file}: ".encode(), result.stderr)

    def test_wrong_use(self):
        self.refuse(2, "there is no saved query 'logns'; did you mean logins?", "logns")
        self.refuse(2, "there is no saved query 'frobnicate'; queries lists them", "frobnicate")
        self.refuse(2, "logins has no param 'sinc'; did you mean since?", "logins", "--param",
                    "sinc=1h")
        self.refuse(2, "--param takes NAME=VALUE, not 'since'", "logins", "--param", "since")
        self.refuse(2, "--since and --param since exclude each other", "logins", "--since", "1h",
                    "--param", "since=2h")
        self.refuse(2, "--since means nothing to exposed-listeners: it has no param since",
                    "exposed-listeners", "--since", "1h")
        self.refuse(2, "--param limit takes a whole number, not 'x'", "top-talkers", "--param",
                    "limit=x")
        self.refuse(2, "--param longer takes a span such as 15m, not '03:12'", "long-connections",
                    "--param", "longer=03:12")
        self.refuse(2, "usage: spyq run NAME")
        result = self.run_query("logins", "--since", "teatime")
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"--since: ", result.stderr)

    def test_fail_if_rows_and_quiet_if_empty(self):
        rows = ("SELECT 1 AS a", "SELECT 1 AS a WHERE 0")
        for style in ("--csv", "--table", "--json"):
            for sql in rows:
                found = sql == rows[0]
                result = spyq(style, "--fail-if-rows", sql)
                self.assertEqual(result.returncode, 5 if found else 0)
                self.assertTrue(result.stdout)
                result = spyq(style, "--quiet-if-empty", sql)
                self.assertEqual((result.returncode, bool(result.stdout)), (0, found))
        self.assertEqual(self.run_query("logins", "--fail-if-rows").returncode, 0)
        result = self.run_query("exposed-listeners", "--fail-if-rows", "-o", path("rows.csv"))
        self.assertEqual(result.returncode, 5)
        self.assertIn("22,", open(path("rows.csv"), encoding="utf-8").read())
        self.run_query("logins", "--quiet-if-empty", "-o", path("empty.csv"))
        self.assertFalse(os.path.exists(path("empty.csv")))
        self.assertEqual(spyq("--fail-if-rows", "status").returncode, 2)

    def test_at_the_prompt(self):
        with support.Terminal() as terminal:
            terminal.wait("spyq> ")
            screen = terminal.ask(".run exposed-listeners --param udp=1 --csv")
            self.assertIn("2,2026-11-22T02:02:00.000000000Z,tcp,0.0.0.0,8080", screen)


if __name__ == "__main__":
    unittest.main()
