# SPDX-License-Identifier: GPL-3.0-or-later
"""How stories tell of credentials and walls."""
import json
import unittest

from support import spyq
from test_verbs import changed_store

START = 1795316702000000000  # when bash, process 6 of the fixture, had begun


def privilege(number, process, kind, old, new, after=0, exec_id=None):
    cells = [number, process, START + after * 10**6, f"'{kind}'",
             "NULL" if old is None else f"'{json.dumps(old)}'",
             "NULL" if new is None else f"'{json.dumps(new)}'", exec_id or "NULL", 1]
    return ("INSERT INTO privileges (id, process_id, at, kind, old, new, exec_id, host_id) VALUES "
            f"({', '.join(map(str, cells))});")


def ids(uid, euid):
    return {"uid": uid, "euid": euid}


class Walls(unittest.TestCase):
    def told(self, *arguments):
        result = spyq("--json", *arguments, on=self.store)
        self.assertEqual(result.returncode, 0, result.stderr)
        return {row["sentence"]: row for row in json.loads(result.stdout)}

    def test_users_and_groups(self):
        self.store = changed_store("walls-users.db", "".join((
            privilege(1, 5, "setgid", {"gid": 0, "egid": 0}, {"gid": 0, "egid": 1000}, -900),
            privilege(2, 5, "setuid", ids(0, 0), ids(0, 1000), -800),
            privilege(3, 5, "setuid", ids(0, 1000), ids(0, 0), -700),
            privilege(4, 6, "setgid", {"gid": 0, "egid": 0}, {"gid": 1000, "egid": 1000}, 4),
            privilege(5, 6, "setuid", ids(0, 0), ids(1000, 1000), 5),
            privilege(6, 6, "setuid", ids(1000, 1000), ids(0, 0), 6),
            privilege(7, 6, "setuid", ids(1000, 1000), ids(1000, 0), 7, 6))))
        told = self.told("story", "6")
        row = told["bash (pid 815, ana) changed its user id from 0 to 1000"]
        self.assertEqual(row["proofs"], ["privileges:4", "privileges:5"])
        self.assertIn("bash (pid 815, ana) became root, from user id 1000, by a system call, without "
                      "executing a setuid program", told)
        self.assertIn("bash (pid 815, ana) became root, from user id 1000, by the program it executed",
                      told)
        note = ("Changes of groups, and of the effective user of who stayed root, are left out (4); "
                "--all has them")
        self.assertIn(note, told)
        self.assertFalse([sentence for sentence in told if "pid 812" in sentence and "id " in sentence
                          and "changed" in sentence])
        told = self.told("story", "6", "--all")
        self.assertNotIn(note, told)
        self.assertIn("sshd (pid 812, root) became root, from user id 0, by a system call, without "
                      "executing a setuid program", told)

    def test_mounts(self):
        """What containers always mount is told once; files of the host are told of."""
        mounts = [{"source": "tmpfs", "target": f"/dev/{i}", "type": "tmpfs"} for i in range(5)]
        mounts.append({"source": "/proc/sys", "target": "/proc/sys", "flags": "bind"})
        mounts.append({"source": "/srv/secrets", "target": "/mnt", "flags": "bind,rec"})
        self.store = changed_store("walls-mounts.db", "".join(
            privilege(i + 1, 6, "mount", None, mount, i) for i, mount in enumerate(mounts))
            + privilege(20, 6, "mount", {"target": "/mnt"}, None, 20))
        told = self.told("story", "6")
        row = told["bash (pid 815, ana) mounted tmpfs on /dev/0; and 6 more like it"]
        self.assertEqual(row["count"], 7)
        self.assertIn("bash (pid 815, ana) mounted /srv/secrets on /mnt with bind,rec", told)
        told = self.told("story", "6", "--all")
        self.assertIn("bash (pid 815, ana) unmounted /mnt", told)

    def test_container_whose_namespace_has_come_back(self):
        """The number of a namespace that has ended is given to another one."""
        rows = "".join(
            f"INSERT INTO containers (id, container_id, runtime, name, root_process_id, started_at, "
            f"ended_at, host_id) VALUES ({number}, '{name}', 'runc', '{name}', {root}, {since}, "
            f"{until}, 1); UPDATE processes SET mnt_ns = 4026531999 WHERE id = {root};"
            for number, name, root, since, until in (
                (11, "before", 3, START - 9, START - 5), (12, "then", 4, START - 4, START + 4),
                (13, "after", 9, START + 5, "NULL")))
        self.store = changed_store("walls-namespaces.db", rows + privilege(
            1, 6, "setns", {"mnt_ns": 1}, {"mnt_ns": 4026531999}) + privilege(
            2, 6, "unshare", {"net_ns": 1}, {"net_ns": 2, "child_pid_ns": 3}, 1))
        told = self.told("story", "6")
        row = told["bash (pid 815, ana) entered the namespaces of container then from outside"]
        self.assertEqual(row["proofs"], ["privileges:1", "containers:12"])
        self.assertIn('bash (pid 815, ana) got namespaces of its own: "net,pid"'.replace('"', ""), {
            sentence.replace('"', "") for sentence in told})


if __name__ == "__main__":
    unittest.main()
