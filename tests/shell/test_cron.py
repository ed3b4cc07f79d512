# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples for cron and systemd: a real cron runs them, in namespaces of the test's own."""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

import support
from support import environment, make_store, path

CRON = "/usr/sbin/cron"
S = 10**9

# Its tables, spool, pid file and the program that it mails with are the test's; so are its processes,
# which end with the first of them.
START = """
set -e
mount -t tmpfs none /etc/cron.d
mount -t tmpfs none /var/spool/cron
mkdir /var/spool/cron/crontabs
mount -t tmpfs none /run
mount --bind "$1/empty" /etc/crontab
mount --bind "$1/sbin" /usr/sbin
cp "$1/table" /etc/cron.d/spyq
exec /usr/sbin/cron -f
"""


def example(name):
    return support.read_text(os.path.join("packaging/examples", name))


@unittest.skipIf(os.geteuid() != 0 or not os.access(CRON, os.X_OK), "needs root, and cron")
class Cron(unittest.TestCase):
    def setUp(self):
        self.top = path("cron")
        os.makedirs(os.path.join(self.top, "sbin"))
        self.addCleanup(shutil.rmtree, self.top)
        shutil.copy(CRON, os.path.join(self.top, "sbin/cron"))
        if os.path.exists("/usr/sbin/unix_chkpwd"):
            shutil.copy("/usr/sbin/unix_chkpwd", os.path.join(self.top, "sbin"))
        self.mails = os.path.join(self.top, "mails")
        self.write("sbin/sendmail", f"#!/bin/sh\ncat >>{self.mails}\n", 0o755)
        self.write("empty", "")
        self.store = make_store("cron.db", fixture=False)
        self.db = sqlite3.connect(self.store, isolation_level=None)
        self.addCleanup(self.db.close)
        now = time.time_ns()
        self.db.execute("INSERT INTO recorders (id, host_id, pid, started_at, last_seen_at) "
                        "VALUES (1, 1, ?, 1, ?)", (os.getpid(), now + 600 * S))
        self.change(1)

    def write(self, name, text, mode=0o644):
        name = os.path.join(self.top, name)
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, mode)

    def change(self, number):
        """One process became root."""
        self.db.execute(
            "INSERT INTO privileges (id, host_id, process_id, at, kind, old, new) VALUES "
            "(?, 1, 1, ?, 'setuid', '{\"euid\":1000}', '{\"euid\":0}')", (number, time.time_ns()))

    def table(self):
        """The example's table, for now and root; its lines and settings as they are."""
        text = example("spyq.cron")
        lines = re.findall(r"(?m)^[^#\s=]+ +\S+ +\S+ +\S+ +\S+ +spyq +(spyq .*)$", text)
        self.assertGreaterEqual(len(lines), 4)
        settings = re.findall(r"(?m)^[A-Z]+=.*$", text)
        settings = [line.replace("PATH=", f"PATH={os.path.dirname(support.program)}:")
                    for line in settings]
        done = [f"@reboot root {line.replace('/var/lib/spyq', self.top)}; : >{self.top}/done-{i}\n"
                for i, line in enumerate(lines)]
        more = [f"SPYQ_STORE={self.store}", f"XDG_STATE_HOME={self.top}/state", "LC_ALL=C.UTF-8",
                "ASAN_OPTIONS=exitcode=99", "UBSAN_OPTIONS=exitcode=99"]
        self.write("table", "\n".join(settings + more) + "\n" + "".join(done))
        return len(lines)

    def run_jobs(self):
        """Starts cron, which runs each job once; what it mailed."""
        count = self.table()
        with open(os.path.join(self.top, "log"), "ab") as log:
            cron = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                 "sh", "-c", START, "sh", self.top], stdout=log, stderr=log,
                env=environment(PATH="/usr/sbin:/usr/bin:/sbin:/bin"), start_new_session=True)
        try:
            self.wait(lambda: all(os.path.exists(f"{self.top}/done-{i}") for i in range(count)), cron)
            # A job's mail is sent after its end, when cron has read all of its output.
            self.wait(lambda: not self.children(cron.pid), cron)
        finally:
            cron.send_signal(signal.SIGKILL)
            cron.wait()
        for i in range(count):
            os.remove(f"{self.top}/done-{i}")
        if not os.path.exists(self.mails):
            return ""
        with open(self.mails, encoding="utf-8") as file:
            mails = file.read()
        os.remove(self.mails)
        return mails

    def children(self, pid):
        """The processes below cron, which is the child of unshare."""
        def below(number):
            with open(f"/proc/{number}/task/{number}/children", encoding="ascii") as file:
                return file.read().split()
        return [job for cron in below(pid) for job in below(cron)]

    def wait(self, condition, cron):
        deadline = time.monotonic() + 3 * support.TIMEOUT
        while not condition():
            self.assertIsNone(cron.poll(), "cron has ended")
            if time.monotonic() > deadline:
                with open(os.path.join(self.top, "log"), encoding="utf-8") as log:
                    self.fail("waited in vain: " + log.read())
            time.sleep(0.02)

    def test_it_mails_what_is_new_and_nothing_else(self):
        mails = self.run_jobs()
        self.assertEqual(len(re.findall(r"(?m)^Subject: ", mails)), 1, mails)
        self.assertRegex(mails, r"(?m)^  id +1$")
        night = os.path.join(self.top, "night.csv")
        with open(night, encoding="utf-8") as file:
            self.assertTrue(file.readline().startswith('"exe","user","times"'))
        mails = self.run_jobs()
        self.assertEqual(mails, "", mails)
        self.change(2)
        mails = self.run_jobs()
        self.assertEqual(re.findall(r"(?m)^  id +(\d+)$", mails), ["2"])
        self.db.execute("UPDATE recorders SET ended_at = last_seen_at")
        self.assertIn("the recorder is not writing", self.run_jobs())


class Units(unittest.TestCase):
    def test_the_command_of_the_unit_runs(self):
        """What the service executes, with the store of the tests: rows, and code 5."""
        unit = example("spyq-query@.service")
        line = re.search(r"(?m)^ExecStart=(.*)$", unit).group(1).replace("%i", "exposed-listeners")
        words = line.replace("PATH=", f"PATH={os.path.dirname(support.program)}:").split()
        words.remove("--fail-if-stale")
        result = subprocess.run(words, capture_output=True, check=False, env=environment(
            SPYQ_STORE=support.store(), XDG_STATE_HOME=path("unit-state")))
        self.assertEqual((result.returncode, result.stderr), (5, b""))
        self.assertIn(b'{"id": 1, ', result.stdout)
        result = subprocess.run(words, capture_output=True, check=False, env=environment(
            SPYQ_STORE=support.store(), XDG_STATE_HOME=path("unit-state")))
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"", b""))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
    def test_systemd_takes_them(self):
        for kind in ("service", "timer"):
            shutil.copy(os.path.join(support.TOP, f"packaging/examples/spyq-query@.{kind}"),
                        path(f"spyq-query@.{kind}"))
        result = subprocess.run(
            ["systemd-analyze", "--man=no", "verify", path("spyq-query@logins.service"),
             path("spyq-query@logins.timer")], capture_output=True, text=True, check=False,
            env=environment(SYSTEMD_LOG_TARGET="console"))
        ours = [line for line in result.stderr.splitlines() if "spyq" in line]
        self.assertEqual(ours, [])


if __name__ == "__main__":
    unittest.main()
