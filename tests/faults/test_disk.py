# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that are full, cannot be written, or go away while they are written."""
import os
import shutil
import signal
import subprocess
import time

from support import Case, fill, query, wait_until

LIVES = 6000
RESUMES = 5.0  # seconds, once there is room


class FullDisk(Case):
    def test_a_replay_waits_for_room(self):
        """It says so once, goes on within 5 s of there being room, and every row is there."""
        small = self.mount("small", "size=3m")
        recorder = self.record(self.lives(LIVES, text=400), store="small/spyq.db",
                               config="[store]\nreserve_mib = 0\n[timing]\nqueue_mib = 1\n")
        self.assertTrue(recorder.says("can not write, trying again", "full"), recorder.output())
        before = query(recorder.store, "SELECT id, pid FROM processes")
        self.assertTrue(0 < len(before) < LIVES, len(before))
        time.sleep(4)  # longer than a recorder that is to stop goes on trying
        self.assertIsNone(recorder.process.poll(), recorder.output())
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        began = time.monotonic()
        self.assertTrue(recorder.says("writing again"), recorder.output())
        self.assertLess(time.monotonic() - began, RESUMES, recorder.output())
        self.assertEqual(recorder.wait(), 0, recorder.output())
        after = query(recorder.store, "SELECT id, pid FROM processes")
        self.assertEqual(len(after), LIVES + 1)
        self.assertLessEqual(set(before), set(after))
        self.assertEqual(query(recorder.store, "SELECT class, stage, count FROM losses"), [])
        self.assertEqual(recorder.output().count("can not write"), 1, recorder.output())
        self.whole(recorder.store)

    def test_no_room_for_a_new_store(self):
        """An error that says so, and nothing half made; with room the same command works."""
        small = self.mount("small", "size=1m")
        fill(self.path("small/ballast"))
        recorder = self.record(self.lives(10), store="small/spyq.db")
        self.assertEqual(recorder.wait(), 1)
        self.assertRegex(recorder.output(), "spyqd: .*small/spyq.db.*(full|space)")
        self.assertEqual([name for name in os.listdir(small) if name.endswith(".db")], [])
        os.unlink(self.path("small/ballast"))
        self.make(self.lives(10), store="small/spyq.db")

    def test_the_shell_reads_beside_a_full_disk(self):
        self.mount("small", "size=4m")
        store = self.make(self.lives(500), store="small/spyq.db")
        fill(self.path("small/ballast"))
        self.assertEqual(self.answer(store, "SELECT count(*) AS n FROM processes"), [{"n": 501}])
        self.whole(store)


class GoesAway(Case):
    """A disk that the kernel makes read-only under the recorder, as it does after an error."""

    def disk(self):
        """An ext4 in a file, mounted; where, and the file."""
        if os.geteuid() != 0 or not os.path.exists("/dev/loop-control") or not shutil.which("mkfs.ext4"):
            self.skipTest("no loop devices, or no mkfs.ext4")
        image = self.path("image")
        with open(image, "wb") as file:
            file.truncate(64 << 20)
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
        return self.mount("disk", "loop", kind="ext4", source=image), image

    def test_while_recording(self):
        """It is said once, with the reason; the recorder goes on trying, and ends when told to; what
        had been seen is there, at once and after the disk is well again."""
        where, image = self.disk()
        recording = self.lives(LIVES, text=400)
        recorder = self.record(recording, store="disk/spyq.db",
                               config="[timing]\nqueue_mib = 1\nflush_ms = 10\n")
        seen = "SELECT id, pid FROM processes"
        wait_until(lambda: os.path.exists(recorder.store) and query(recorder.store, seen), step=0.001)
        before = query(recorder.store, seen)
        subprocess.run(["mount", "-o", "remount,abort", where], check=True)
        self.assertTrue(recorder.says("can not write, trying again", "Read-only file system"),
                        recorder.output())
        self.assertIsNone(recorder.process.poll(), recorder.output())
        recorder.process.send_signal(signal.SIGTERM)
        self.assertEqual(recorder.wait(), 1)
        self.assertEqual(recorder.output().count("can not write"), 1, recorder.output())
        self.assertRegex(recorder.output(), r"\d+ rows could not be written: .*Read-only file system")
        self.assertLessEqual(set(before), set(query(recorder.store, seen)))
        self.whole(recorder.store)
        subprocess.run(["umount", where], check=True)
        subprocess.run(["e2fsck", "-p", image], check=False, stdout=subprocess.DEVNULL)
        self.mount("disk", "loop", kind="ext4", source=image)
        self.make(recording, store="disk/spyq.db")
        self.assertLessEqual(set(before), set(query(recorder.store, seen)))
        self.whole(recorder.store)


class ReadOnly(Case):
    """A disk on which nothing can be written, and a store on it."""

    def on_read_only_media(self, store, *suffixes):
        """A copy of a store, the named files beside it, on a file system that is read-only."""
        where = self.mount("media", "size=16m")
        for suffix in ("", *suffixes):
            shutil.copy(store + suffix, where)
        subprocess.run(["mount", "-o", "remount,ro", where], check=True)
        return os.path.join(where, os.path.basename(store))

    def left_by_a_kill(self):
        """A store whose newest rows are in its log, and how many processes are in it."""
        recorder = self.record(self.lives(LIVES), config="[timing]\nflush_ms = 10\n")
        log = recorder.store + "-wal"
        wait_until(lambda: os.path.exists(log) and os.path.getsize(log) > 1 << 18)
        recorder.kill()
        self.assertGreater(os.path.getsize(log), 0)
        shutil.copytree(self.directory, self.path("kept"), ignore=shutil.ignore_patterns("kept"))
        count, = query(self.path("kept/spyq.db"), "SELECT count(*) FROM processes")
        return recorder.store, count[0]

    def counts(self, store, wanted):
        self.assertEqual(self.answer(store, "SELECT count(*) AS n FROM processes"), [{"n": wanted}])
        self.whole(store)

    def test_recording_there(self):
        """An error at once, which names the file and why; the store is left as it was."""
        store = self.on_read_only_media(self.make(self.lives(10)))
        recorder = self.record(self.lives(10), store="media/spyq.db")
        self.assertEqual(recorder.wait(), 1)
        self.assertRegex(recorder.output(), "^spyqd: .*media/spyq.db.*Read-only file system\n$")
        self.counts(store, 11)

    def test_a_store_after_a_clean_stop(self):
        self.counts(self.on_read_only_media(self.make(self.lives(50))), 51)

    def test_a_store_after_a_kill(self):
        """With its log and the index of that."""
        store, count = self.left_by_a_kill()
        self.counts(self.on_read_only_media(store, "-wal", "-shm"), count)

    def test_a_store_after_a_kill_without_the_index(self):
        store, count = self.left_by_a_kill()
        self.counts(self.on_read_only_media(store, "-wal"), count)

    def test_a_copied_file_alone(self):
        """Without its log the newest rows are missing, and what is there is whole."""
        store, count = self.left_by_a_kill()
        copy = self.on_read_only_media(store)
        there, = self.answer(copy, "SELECT count(*) AS n FROM processes")
        self.assertLessEqual(there["n"], count)
        self.whole(copy)
