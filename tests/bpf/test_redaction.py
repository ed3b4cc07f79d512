# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets never reach the disk: neither the store nor a recording, and equal ones still join."""
import glob
import os
import re
import stat
import subprocess
import uuid

from harness import Build, Store, argv_of, show
from test_recorder import TABLES
from test_scan import OwnRecorderCase

REPLACED = re.compile(rb"\[redacted:[0-9a-f]{16}\]")
KEEP = "[capture]\nenvironment = PGPASSWORD KEPT_WORD\n"


class Redaction(OwnRecorderCase):
    def setUp(self):
        super().setUp()
        self.secret = "S" + uuid.uuid4().hex  # found nowhere but where it was recorded
        self.plain = "P" + uuid.uuid4().hex

    def hit_by(self, needle):
        """The files of this test that hold these bytes: grep is the oracle."""
        done = subprocess.run(["/usr/bin/grep", "-a", "-l", "-r", "--", needle, self.directory],
                              stdout=subprocess.PIPE, check=False)
        return sorted(os.path.basename(name.decode()) for name in done.stdout.splitlines())

    def nowhere(self, secret):
        self.assertEqual(self.hit_by(secret), [], f"{secret} is on the disk")

    def run_true(self, *argv, **how):
        """Runs /bin/true with these arguments: the argv that was recorded, as bytes."""
        process = self.start(["/bin/true", *argv], **how)
        process.wait()
        return argv_of(self.exec(process.pid))

    def test_no_secret_on_the_disk(self):
        """Options, assignments, headers, URLs and an environment, in the store and a recording;
        what is next to a secret stays, and so does its twin that is none."""
        self.record("--record", self.path("recording"), config=KEEP)
        environment = {"PGPASSWORD": self.secret, "KEPT_WORD": self.plain}
        cases = [[f"--password={self.secret}", self.plain], ["--token", self.secret, self.plain],
                 [f"PGPASSWORD={self.secret}", f"PGHOST={self.plain}"],
                 ["-H", f"Authorization: Bearer {self.secret}", self.plain],
                 [f"https://{self.plain}:{self.secret}@h/"],
                 ["--password-file", self.plain]]
        for arguments in cases:
            argv = self.run_true(*arguments, env=environment)
            found = [argument for argument in argv if REPLACED.search(argument)]
            self.assertEqual(len(found), "file" not in arguments[0], argv)
            self.assertTrue(any(self.plain.encode() in argument for argument in argv), argv)
        shell = self.start(["/bin/sh", "-c", f"true {self.plain}; mysql() {{ :; }}; "
                            f"mysql -u{self.plain} -p{self.secret}"], env={})
        shell.wait()
        self.assertRegex(self.exec(shell.pid)["argv"],
                         rf"mysql -u{self.plain} -p\[redacted:[0-9a-f]{{16}}\]")
        execs = self.every("execs")
        self.assertTrue(all("KEPT_WORD" in (row["environment"] or "KEPT_WORD") for row in execs))
        kept = [row for row in execs if row["environment"]]
        self.assertEqual(len(kept), len(cases), show(kept))
        self.assertTrue(all(REPLACED.search(row["environment"].encode()) and
                            self.plain in row["environment"] for row in kept), show(kept))
        self.nowhere(self.secret)  # the write-ahead log is still there
        self.assertIn("spyq.db-wal", os.listdir(self.directory))
        self.stop()
        self.nowhere(self.secret)
        hit = self.hit_by(self.plain)
        self.assertIn("recording", hit)
        self.assertTrue({"spyq.db", "spyq.db-wal"} & set(hit), hit)
        self.assertTrue(self.recorder.says(["secrets were redacted"]), self.recorder.output())
        self.assertNotIn(self.secret, self.recorder.output())

    def test_true_length_is_kept(self):
        self.record()
        self.run_true(f"--password={self.secret}")
        row = self.one(self.store.rows("SELECT * FROM execs"), "exec")
        self.same(row, argc=2, truncated=0,
                  argv_length=len("/bin/true") + len("--password=" + self.secret) + 2)

    def test_equal_secrets_join(self):
        """The same in two programs and two forms, also after a restart; another one differs."""
        self.record()
        texts = [REPLACED.findall(b" ".join(self.run_true(*arguments)))
                 for arguments in ([f"--token={self.secret}"], ["x", "--api-key", self.secret],
                                   [f"--token={self.secret}x"])]
        self.stop()
        self.record()
        texts.append(REPLACED.findall(b" ".join(self.run_true(f"TOKEN={self.secret}"))))
        self.assertEqual([len(found) for found in texts], [1, 1, 1, 1], texts)
        self.assertEqual(texts[0], texts[1])
        self.assertEqual(texts[0], texts[3])
        self.assertNotEqual(texts[0], texts[2])
        rows = self.store.rows("SELECT cmdline FROM processes WHERE instr(cmdline, ?)",
                               texts[0][0].decode())
        self.assertEqual(len(rows), 3, show(rows))
        self.nowhere(self.secret)

    def test_failed_exec(self):
        self.record("--record", self.path("recording"))
        actor = self.actor()
        pid, status = actor.run("/no/such/program", f"--password={self.secret}", self.plain)
        self.assertEqual(status[0], 2)
        rows = self.store.wait("SELECT * FROM execs WHERE error IS NOT NULL")
        row = self.one(rows, "failed exec")
        argv = argv_of(row)
        self.assertEqual(argv[::2], [b"/no/such/program", self.plain.encode()])
        self.assertRegex(argv[1], rb"^--password=" + REPLACED.pattern + rb"$")
        self.stop()
        self.nowhere(self.secret)

    def test_scanned_process(self):
        held = self.hold(argv=["0", f"--password={self.secret}", self.plain])
        self.record("--record", self.path("recording"))
        row = self.process(held.pid)
        self.same(row, origin="scan")
        self.assertRegex(row["cmdline"], rf"^\S+ 0 --password=\[redacted:[0-9a-f]{{16}}\] "
                         rf"{self.plain}$")
        self.stop()
        held.release()
        self.nowhere(self.secret)

    def test_replay_gives_the_same_rows(self):
        """A replay needs no key: it is on its own, and makes none."""
        self.record("--record", self.path("recording"))
        self.run_true(f"--password={self.secret}", f"https://u:{self.secret}@h/")
        self.stop()
        os.mkdir(self.path("elsewhere"))
        store = self.path("elsewhere/replayed.db")
        subprocess.run([Build.program("spyqd"), "--store", store, "--replay",
                        self.path("recording")], check=True, timeout=30)
        for table in TABLES:
            self.assertEqual(Store(store).dump(table), self.every(table), table)
        self.assertEqual([name for name in os.listdir(self.path("elsewhere")) if "key" in name], [])

    def test_switched_off(self):
        """The twin of all the others: the secret is there, and there is no key."""
        self.record(config="[capture]\nredact = no\n")
        self.assertEqual(self.run_true(f"--password={self.secret}")[1],
                         f"--password={self.secret}".encode())
        self.stop()
        self.assertNotEqual(self.hit_by(self.secret), [])
        self.assertEqual(glob.glob(self.path("*-key")), [])

    def test_configured_names_and_key(self):
        self.record(config=f"[capture]\nredact_arguments = pin -*token\n"
                    f"redact_key = {self.path('own.key')}\n")
        argv = self.run_true(f"--pin={self.secret}", f"--token={self.plain}")
        self.assertRegex(argv[1], rb"^--pin=" + REPLACED.pattern + rb"$")
        self.assertEqual(argv[2], f"--token={self.plain}".encode())
        self.assertEqual(stat.S_IMODE(os.stat(self.path("own.key")).st_mode), 0o600)
        self.assertEqual(os.stat(self.path("own.key")).st_size, 32)
        self.assertFalse(os.path.exists(self.path("spyq.db-key")))

    def test_a_wrong_key_is_refused(self):
        """One line that names the file; the key is left as it was."""
        for size, mode, says in ((31, 0o600, "31 bytes"), (32, 0o644, "mode 0644")):
            with open(self.path("x.db-key"), "wb") as key:
                key.write(b"k" * size)
            os.chmod(self.path("x.db-key"), mode)
            done = subprocess.run([Build.program("spyqd"), "--store", self.path("x.db"), "--cgroup",
                                   self.cgroup.path], stdin=subprocess.DEVNULL, timeout=30,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            self.assertEqual(done.returncode, 1, done.stdout)
            for word in (self.path("x.db-key"), says):
                self.assertIn(word, done.stdout.decode())
            self.assertEqual(os.stat(self.path("x.db-key")).st_size, size)
