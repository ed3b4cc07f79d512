# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers: runc's own, and processes in cgroups that are named as each runtime names them, with
the runtime's files below a directory of the test's."""
import json
import os
import shutil
import subprocess
import time

import oracle
from harness import Actor, Build, Case, Cgroup, Recorder, proc_status, wait_until

RUNC = "/usr/sbin/runc"
A, B = "4f797c539e6c" * 5 + "0001", "605439acbd4f" * 5 + "0002"


class ContainerCase(Case):
    """A recorder of its own, whose runtimes' files are below self.root."""
    root = ""

    def setUp(self):
        super().setUp()
        self.root = self.path("root")
        os.mkdir(self.root)
        self.cgroup = Cgroup.top()
        self.addCleanup(self.cgroup.remove)

    def record(self, root=None):
        config = f"[capture]\ncontainer_root = {self.root if root is None else root}\n"
        recorder = Recorder(self.path("spyq.db"), self.cgroup.path, config=config)
        self.addCleanup(recorder.kill)
        self.store = recorder.wait_ready().store
        return recorder

    def put(self, path, content):
        """Writes a runtime's file."""
        path = self.root + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        os.rename(path + ".new", path)

    def deep(self, name):
        """A cgroup several levels below the test's."""
        at = self.cgroup
        for part in name.strip("/").split("/"):
            path = os.path.join(at.path, part)
            at = at.child(part) if not os.path.isdir(path) else _existing(path)
        return at

    def actor_in(self, cgroup):
        actor = Actor.start(cgroup)
        self.addCleanup(actor.end)
        return actor

    def container(self, container_id, until=lambda row: True):
        rows = self.store.wait("SELECT * FROM containers WHERE container_id = ? ORDER BY id",
                               container_id, until=lambda rows: len(rows) == 1 and until(rows[0]))
        return self.one(rows, f"container {container_id}")

    def process(self, pid, until=lambda row: True):
        rows = self.store.wait("SELECT * FROM processes WHERE pid = ? ORDER BY id", pid,
                               until=lambda rows: len(rows) == 1 and until(rows[0]))
        return self.one(rows, f"process {pid}")

    def edges(self, dst):
        return self.store.rows("SELECT * FROM edges WHERE kind = 'runtime' AND dst = ?", dst)

    def edge(self, dst, what):
        """The one edge, which may be written after what it leads to."""
        return self.one(wait_until(lambda: self.edges(dst)), what)


def _existing(path):
    cgroup = Cgroup.__new__(Cgroup)
    cgroup.path, cgroup.name = path, path
    return cgroup


DOCKER = {"ID": A, "Name": "/web", "Config": {"Image": "nginx:1.27", "Labels": {"app": "shop"}}}
CRI = {"annotations": {"io.kubernetes.cri.container-name": "web",
                       "io.kubernetes.cri.image-name": "nginx:1.27",
                       "io.kubernetes.cri.sandbox-name": "web-0",
                       "io.kubernetes.cri.sandbox-namespace": "shop"}}
CRIO = {"annotations": {"io.kubernetes.container.name": "web", "io.kubernetes.pod.name": "web-0",
                        "io.kubernetes.pod.namespace": "shop",
                        "io.kubernetes.cri-o.ImageName": "nginx:1.27",
                        "io.kubernetes.cri-o.Labels": '{"app":"shop"}'}}
PODMAN = [{"id": B, "names": ["other"]},
          {"id": A, "names": ["web"], "metadata": '{"image-name":"nginx:1.27"}'}]
POD = "podac04f3f2-1f2c-11e9-b015-1ebee232acfa"
KNOWN = dict(name="web", image="nginx:1.27")
IN_POD = dict(KNOWN, pod="web-0", namespace="shop")
SHOP = '{"app":"shop"}'

# The cgroup, the id, the file and what it holds, the columns.
RUNTIMES = {
    "docker": (f"docker/{A}", A, f"/var/lib/docker/containers/{A}/config.v2.json", DOCKER,
               dict(KNOWN, runtime="docker", labels=SHOP)),
    "docker_scope": (f"system.slice/docker-{A}.scope", A,
                     f"/var/lib/docker/containers/{A}/config.v2.json", DOCKER,
                     dict(KNOWN, runtime="docker", labels=SHOP)),
    "containerd": (f"kubepods/besteffort/{POD}/{A}", A,
                   f"/run/containerd/io.containerd.runtime.v2.task/k8s.io/{A}/config.json", CRI,
                   dict(IN_POD, runtime="containerd")),
    "crio": (f"kubepods.slice/crio-{A}.scope", A,
             f"/run/containers/storage/overlay-containers/{A}/userdata/config.json", CRIO,
             dict(IN_POD, runtime="cri-o", labels=SHOP)),
    "podman": (f"machine.slice/libpod-{A}.scope", A,
               "/var/lib/containers/storage/overlay-containers/containers.json", PODMAN,
               dict(KNOWN, runtime="podman")),
    "lxc": ("lxc.payload.web", "web", "/var/lib/lxc/web/config",
            "# made\nlxc.rootfs.path = dir:/srv/web\n",
            dict(name="web", image="dir:/srv/web", runtime="lxc")),
    "nspawn": ("machine.slice/machine-my\\x2dweb.scope/payload", "my-web",
               "/run/systemd/machines/my-web", "# private\nNAME=my-web\nROOT=/srv/web\n",
               dict(name="my-web", image="/srv/web", runtime="nspawn")),
}


class Named(ContainerCase):
    def test_each_runtime_by_path_and_file(self):
        self.record()
        for name, (cgroup, container_id, path, content, columns) in RUNTIMES.items():
            with self.subTest(runtime=name):
                shutil.rmtree(self.root)
                os.mkdir(self.root)
                self.put(path, content)
                place = self.deep(name + "/" + cgroup)
                actor = self.actor_in(place)
                rows = self.store.wait("SELECT * FROM containers WHERE cgroup = ?",
                                       oracle.cgroup(actor.pid),
                                       until=lambda rows: rows and rows[0]["image"])
                row = self.one(rows, name)
                self.same(row, container_id=container_id, ended_at=None,
                          root_process_id=self.process(actor.pid)["id"], **columns)
                self.same(self.process(actor.pid), container_id=container_id)
                child = actor.fork()
                self.same(self.process(child.pid), container_id=container_id)
                child.end()
                self.process(child.pid, lambda row: row["ended_at"])
                actor.end()
                self.store.wait("SELECT * FROM containers WHERE id = ? AND ended_at IS NOT NULL",
                                row["id"])
                row = self.one(self.store.rows("SELECT * FROM containers WHERE id = ?", row["id"]),
                               name)
                self.same(row, ended_at=self.process(actor.pid)["ended_at"])

    def test_files_that_come_late(self):
        self.record()
        actor = self.actor_in(self.deep(f"docker/{A}"))
        row = self.container(A)
        self.same(row, name=None, image=None, runtime="docker")
        self.put(f"/var/lib/docker/containers/{A}/config.v2.json", DOCKER)
        row = self.container(A, lambda row: row["image"])
        self.same(row, name="web", image="nginx:1.27",
                  root_process_id=self.process(actor.pid)["id"])

    def test_hostile_files(self):
        """None of them is believed, none of them stops the recorder."""
        self.record()
        base = f"/var/lib/docker/containers/{A}/config.v2.json"
        self.put(base, '{"Name": ["/web"], "Config": {"Image": 7, "Labels": {"a": {}, "b": "\\u0000'
                       + "x" * 5000 + '", "c": "d"}}}')
        os.makedirs(self.root + f"/var/lib/docker/containers/{B}")
        os.mkfifo(self.root + f"/var/lib/docker/containers/{B}/config.v2.json")
        self.actor_in(self.deep(f"docker/{A}"))
        actor = self.actor_in(self.deep(f"docker/{B}"))
        row = self.container(A, lambda row: row["labels"])
        self.same(row, name=None, image=None, labels='{"c":"d"}')
        self.same(self.container(B), name=None, image=None)
        self.same(self.process(actor.pid), container_id=B)

    def test_ordinary_cgroups_are_none(self):
        self.record()
        actor = self.actor_in(self.deep("user.slice/session-4.scope"))
        self.same(self.process(actor.pid), container_id=None)
        service = self.actor_in(self.deep("system.slice/cron.service"))
        self.same(self.process(service.pid), container_id="cron.service")
        self.same(self.container("cron.service"), runtime="systemd", name="cron.service")
        self.assertEqual(len(self.store.dump("containers")), 1)

    def test_sent_in_from_outside(self):
        """An outsider's child moves in: an edge from the outsider; born inside: none."""
        self.record()
        place = self.deep(f"docker/{A}")
        outside = self.actor_in(self.cgroup)
        first, second = outside.fork(), outside.fork()
        place.add(first.pid)
        self.container(A)
        place.add(second.pid)
        inside = second.fork()
        rows = {pid: self.process(pid, lambda row: row["container_id"])
                for pid in (first.pid, second.pid, inside.pid)}
        parent = self.process(outside.pid)
        self.same(parent, container_id=None)
        for pid, detail in ((first.pid, "start"), (second.pid, "exec")):
            self.same(self.edge(rows[pid]["id"], detail), src=parent["id"],
                      detail=detail)
        self.none(self.edges(rows[inside.pid]["id"]), "edges to who was born inside")

    def test_restart_keeps_the_row(self):
        recorder = self.record()
        actor = self.actor_in(self.deep(f"docker/{A}"))
        gone = self.actor_in(self.deep(f"docker/{B}"))
        before, other = self.container(A), self.container(B)
        recorder.stop()
        gone.end()
        self.record()
        self.same(self.container(A), id=before["id"], ended_at=None,
                  started_at=before["started_at"], root_process_id=before["root_process_id"])
        self.assertIsNotNone(self.container(B, lambda row: row["ended_at"])["ended_at"])
        self.same(self.process(actor.pid), container_id=A)


class Runc(ContainerCase):
    """Real containers."""

    def setUp(self):
        super().setUp()
        if not os.path.exists(RUNC):
            self.skipTest("no runc here")
        self.name = f"spyqt{os.getpid()}-{time.monotonic_ns() % 10**9}"
        self.bundle = self.path("bundle")
        os.makedirs(self.bundle + "/rootfs/bin")
        shutil.copy(shutil.which("busybox"), self.bundle + "/rootfs/bin/busybox")
        for name in ("sh", "sleep", "true"):
            os.symlink("busybox", self.bundle + "/rootfs/bin/" + name)
        subprocess.run([RUNC, "spec"], cwd=self.bundle, check=True)
        with open(self.bundle + "/config.json") as file:
            spec = json.load(file)
        spec["process"].update(terminal=False, args=["sleep", "1000"])
        spec["linux"]["cgroupsPath"] = self.cgroup.name + "/" + self.name
        spec["annotations"] = {"io.kubernetes.container.name": "box", "team": "blue",
                               "io.kubernetes.cri-o.ImageName": "busybox:1"}
        with open(self.bundle + "/config.json", "w") as file:
            json.dump(spec, file)
        self.addCleanup(self.clean_up)

    def clean_up(self):
        subprocess.run([RUNC, "delete", "-f", self.name], stderr=subprocess.DEVNULL)

    def outsider(self):
        """A process in the recorded cgroup that runs runc."""
        actor = self.actor_in(self.deep("outside"))
        actor.do("import os")
        return actor

    def runc(self, actor, *words):
        fds = "{0: os.open('/dev/null', os.O_RDWR), 1: os.open('/dev/null', os.O_RDWR), " \
              "2: os.open('/dev/null', os.O_RDWR)}"
        pid = actor.do(f"spawn({RUNC!r}, {['runc', *words]!r}, fds={fds})")
        self.assertEqual(actor.call("reap", pid)[0], 0, words)
        return pid

    def state(self):
        return json.loads(subprocess.run([RUNC, "state", self.name], check=True,
                                         capture_output=True).stdout)

    def test_run_exec_nsenter_kill(self):
        self.record("/")
        actor = self.outsider()
        run = self.runc(actor, "run", "-d", "--bundle", self.bundle, self.name)
        state = self.state()
        row = self.container(self.name, lambda row: row["image"])
        root = self.process(state["pid"], lambda row: row["container_id"])
        self.same(row, runtime="runc", name="box", image="busybox:1", ended_at=None,
                  cgroup=oracle.cgroup(state["pid"]), root_process_id=root["id"])
        self.assertEqual(json.loads(row["labels"])["team"], "blue")
        self.same(root, container_id=self.name, ns_pid=1)
        self.assertEqual(proc_status(state["pid"])["NSpid"].split()[-1], "1")
        edge = self.edge(root["id"], "runtime edges to the root")
        self.same(edge, src=self.process(run)["id"], detail="start")
        self.check_exec(actor)
        self.check_nsenter(actor, state["pid"])
        subprocess.run([RUNC, "kill", self.name, "KILL"], check=True)
        self.assertIsNotNone(self.container(self.name, lambda row: row["ended_at"])["ended_at"])
        self.same(self.process(actor.pid), container_id=None)

    def check_exec(self, actor):
        run = self.runc(actor, "exec", "-d", self.name, "sleep", "2000")
        rows = self.store.wait("SELECT * FROM processes WHERE cmdline = 'sleep 2000'")
        row = self.one(rows, "what was executed")
        self.same(row, container_id=self.name)
        edge = self.edge(row["id"], "runtime edges to it")
        self.same(edge, detail="exec")
        # Of runc's processes outside: itself, or the child that it prepares with.
        asked = self.one(self.store.rows("SELECT * FROM processes WHERE id = ?", edge["src"]), "src")
        self.assertIn(self.process(run)["id"], (asked["id"], asked["parent_id"]))
        self.same(asked, container_id=None)

    def check_nsenter(self, actor, pid):
        entering = actor.call("spawn", "/usr/bin/nsenter",
                              ["nsenter", "-t", str(pid), "-m", "/bin/sleep", "0"])
        actor.call("reap", entering)
        row = self.process(entering, lambda row: row["ended_at"])
        self.same(row, container_id=self.name, mnt_ns=oracle.namespace(pid, "mnt"))
        self.same(self.edge(row["id"], "runtime edges to it"),
                  src=self.process(actor.pid)["id"], detail="nsenter")
