# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers that hold on, lock, die, or are many: none of them stops the recorder."""
import os
import signal
import subprocess
import sys
import time

from support import Case, program, query, wait_until

MIB = 1 << 20
LIVES = 20000
LIMIT = "[store]\nmax_mib = 16\n"
QUICK = "[timing]\nflush_ms = 10\nqueue_mib = 1\n"
RESUMES = 5.0  # seconds after whoever was in the way has gone
GROUP = 64123  # some group that nobody is in
NOBODY = 65534

HOLD_STATEMENT = """
import sqlite3, sys
database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)
cursor = database.execute("SELECT id FROM processes")
print(cursor.fetchone()[0], flush=True)
sys.stdin.read()
"""
# Struct flock by hand: what Python's fcntl.lockf() takes can be had only by who may write.
HOLD_LOCK = """
import fcntl, os, struct, sys
file = os.open(sys.argv[1], os.O_RDONLY)
fcntl.fcntl(file, fcntl.F_SETLKW, struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 120, 8, 0))
print("locked", flush=True)
sys.stdin.read()
"""


def size(store):
    return sum(os.path.getsize(store + suffix) for suffix in ("", "-wal")
               if os.path.exists(store + suffix))


class ReaderCase(Case):
    def helper(self, code, *arguments, **how):
        """A process that holds something until it is killed; returns once it does."""
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, **how)

        def clean():
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        self.addCleanup(clean)
        self.assertTrue(process.stdout.readline(), "it holds nothing")
        return process

    def begin(self, **how):
        """A recorder with a lot to replay, once rows are there."""
        recorder = self.record(self.lives(LIVES, text=400), **how)
        self.assertTrue(wait_until(lambda: os.path.exists(recorder.store) and query(
            recorder.store, "SELECT id FROM execs LIMIT 1"), step=0.001))
        return recorder

    def goes_on(self, recorder, began):
        """It writes again soon, and in the end all is there."""
        self.assertTrue(recorder.says("writing again"), recorder.output())
        self.assertLess(time.monotonic() - began, RESUMES, recorder.output())
        self.assertEqual(recorder.wait(), 0, recorder.output())
        self.assertEqual(query(recorder.store, "SELECT count(*), (SELECT count(*) FROM losses) "
                               "FROM processes"), [(LIVES + 1, 0)])
        self.whole(recorder.store)


class Holding(ReaderCase):
    def test_a_statement(self):
        """The log grows to the limit and no further, the reader is named, and killed in the middle of
        its statement it leaves nothing behind."""
        recorder = self.begin(config=LIMIT + QUICK)
        reader = self.helper(HOLD_STATEMENT, recorder.store)
        self.assertTrue(recorder.says("can not write", f"process {reader.pid} has been reading"),
                        recorder.output())
        self.assertGreater(size(recorder.store), 8 * MIB)
        self.assertLess(size(recorder.store), 16 * MIB)
        time.sleep(2)  # in which it must not grow
        self.assertLess(size(recorder.store), 16 * MIB)
        self.assertIsNone(recorder.process.poll(), recorder.output())
        began = time.monotonic()
        reader.kill()
        self.goes_on(recorder, began)
        self.assertLess(os.path.getsize(recorder.store + "-wal"), 8 * MIB + 1)

    def test_the_locks_of_the_log(self):
        """Whoever may read the store may lock the bytes that its writer needs."""
        recorder = self.begin(config=QUICK)
        holder = self.helper(HOLD_LOCK, recorder.store + "-shm")
        self.assertTrue(recorder.says("can not write", f"by process {holder.pid}"),
                        recorder.output())
        began = time.monotonic()
        holder.stdin.close()
        self.goes_on(recorder, began)


class Many(ReaderCase):
    def test_at_once(self):
        """Eight shells, one run after the other each, while rows are written at full rate: what
        they see is whole, and grows."""
        recorder = self.begin(config=QUICK)
        count = ("SELECT (SELECT count(*) FROM processes) AS n, (SELECT count(*) FROM execs WHERE "
                 "process_id NOT IN (SELECT id FROM processes)) AS orphans")
        script = ('while :; do "$0" --store "$1" --csv "$2" || exit 1; [ -e "$3" ] && break; done')
        shells = [subprocess.Popen(["/bin/sh", "-c", script, program("spyq"), recorder.store, count,
                                    self.path("over")], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE) for _ in range(8)]
        status = recorder.wait()
        open(self.path("over"), "wb").close()
        for shell in shells:
            out, err = shell.communicate(timeout=60)
            self.assertEqual((shell.returncode, err), (0, b""))
            seen = [tuple(map(int, line.split(","))) for line in out.decode().split()[1::2]]
            self.assertEqual(seen, sorted(seen))
            self.assertEqual({orphans for _, orphans in seen}, {0})
            self.assertEqual(seen[-1][0], LIVES + 1)
        self.assertEqual(status, 0, recorder.output())


class Group(ReaderCase):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0 or not os.path.exists("/usr/bin/setpriv"):
            self.skipTest("not root")
        os.mkdir(self.path("lib"))
        os.chown(self.path("lib"), 0, GROUP)
        os.chmod(self.path("lib"), 0o2750)

    def asks(self, store, sql, groups=(GROUP,)):
        as_member = ["/usr/bin/setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                     "--groups=" + ",".join(map(str, groups)) if groups else "--clear-groups"]
        return subprocess.run([*as_member, program("spyq"), "--store", store, "--csv", sql],
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)

    def sees(self, store):
        done = self.asks(store, "SELECT count(*) FROM processes")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return int(done.stdout.split()[1])

    def test_a_member_sees_what_is_there_now(self):
        """Again and again the recorder is stopped in the middle, and a member of the group must see as
        much as its owner, without being able to write anything. Others see nothing."""
        recorder = self.begin(store="lib/spyq.db", config=QUICK)
        seen = []
        for _ in range(4):
            recorder.process.send_signal(signal.SIGSTOP)
            seen.append(self.sees(recorder.store))
            self.assertEqual([(seen[-1],)], query(recorder.store, "SELECT count(*) FROM processes"))
            recorder.process.send_signal(signal.SIGCONT)
            wait_until(lambda: self.sees(recorder.store) > seen[-1] + 100)
        self.assertEqual(len(set(seen)), 4, seen)
        self.assertEqual(recorder.wait(), 0, recorder.output())
        self.assertEqual(self.sees(recorder.store), LIVES + 1)
        self.assertNotEqual(self.asks(recorder.store, "SELECT 1", groups=()).returncode, 0)

    def test_a_member_after_a_kill(self):
        """Nobody is there who could bring the log into order for who may not write."""
        recorder = self.begin(store="lib/spyq.db", config=QUICK)
        recorder.kill()
        before = self.sees(recorder.store)
        self.assertGreater(before, 0)
        self.assertEqual(query(recorder.store, "SELECT count(*) FROM processes"), [(before,)])
        self.assertEqual(self.sees(recorder.store), before)
